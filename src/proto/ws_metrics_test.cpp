#include "caraway/ws_metrics.hpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace caraway::ws {
namespace {

totals some() {
  totals t;
  t.opened = 5;
  t.ended = 3;
  t.traffic = {7, 8, 700, 800, 3, 300, 40, 555, 666};
  t.closes.of(1000) = 2;
  t.closes.of(4001) = 1;
  t.round_trips = 2;
  t.round_trip_nanoseconds = 3'000'000;
  return t;
}

std::string page_of(const totals& t) {
  metrics_text page;
  write_metrics(page, t);
  return page.text();
}

TEST(ws_metrics, every_number_is_on_the_page) {
  const std::string page = page_of(some());
  for (const char* line :
       {"caraway_websocket_connections 2\n", "caraway_websocket_connections_opened_total 5\n",
        "caraway_websocket_messages_received_total 7\n",
        "caraway_websocket_messages_sent_total 8\n", "caraway_websocket_received_bytes_total 700\n",
        "caraway_websocket_sent_bytes_total 800\n", "caraway_websocket_messages_dropped_total 3\n",
        "caraway_websocket_dropped_bytes_total 300\n", "caraway_websocket_unsent_bytes_total 40\n",
        "caraway_websocket_wire_received_bytes_total 555\n",
        "caraway_websocket_wire_sent_bytes_total 666\n",
        "caraway_websocket_handshakes_refused_total 0\n",
        "caraway_websocket_handshakes_failed_total 0\n", "caraway_websocket_silent_peers_total 0\n",
        "caraway_websocket_closes_total{code=\"1000\"} 2\n",
        "caraway_websocket_closes_total{code=\"4xxx\"} 1\n",
        "caraway_websocket_round_trip_seconds_sum 0.003\n",
        "caraway_websocket_round_trip_seconds_count 2\n"})
    EXPECT_NE(page.find(line), page.npos) << line << page;
  EXPECT_EQ(page.find("code=\"1001\""), page.npos) << "a code that never occurred";
}

// The rules of the format: each family once, with HELP and TYPE before its samples; each sample once
// and of the family above it; counters end in _total.
TEST(ws_metrics, the_page_is_well_formed) {
  const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \\S.*");
  const std::regex type("# TYPE (\\S+) (counter|gauge|summary)");
  const std::regex sample("([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-z]+=\"[^\"\\\\]*\"\\})? [0-9.e+-]+");
  std::istringstream lines(page_of(some()));
  std::set<std::string> families, samples;
  std::string line, family, kind;
  for (std::smatch m; std::getline(lines, line);) {
    if (std::regex_match(line, m, help)) {
      family = m[1];
      kind.clear();
      EXPECT_TRUE(families.insert(family).second) << line;
    } else if (std::regex_match(line, m, type)) {
      EXPECT_EQ(m[1], family);
      kind = m[2];
      EXPECT_EQ(family.ends_with("_total"), kind == "counter") << line;
    } else {
      ASSERT_TRUE(std::regex_match(line, m, sample)) << line;
      const std::string rest = m[1].str().substr(std::min(m[1].str().size(), family.size()));
      EXPECT_TRUE(m[1].str().starts_with(family) && !kind.empty()) << line;
      EXPECT_TRUE(kind == "summary" ? rest == "_sum" || rest == "_count" : rest.empty()) << line;
      EXPECT_TRUE(samples.insert(m[1].str() + m[2].str()).second) << line;
    }
  }
  EXPECT_GT(families.size(), 10u);
}

}  // namespace
}  // namespace caraway::ws
