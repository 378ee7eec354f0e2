#include "caraway/ws_metrics.hpp"

#include <string>

namespace caraway::ws {
namespace {

using enum metric_kind;

void single(metrics_text& page, const char* name, metric_kind kind, const char* help,
            std::uint64_t value) {
  page.family(std::string("caraway_websocket_") + name, kind, help);
  page.sample(value);
}

void write_closes(metrics_text& page, const close_counts& c) {
  page.family("caraway_websocket_closes_total", counter,
              "Conversations that ended, by close code; 1005: none in the close frame, 1006: no "
              "close frame.");
  const auto sample = [&page](const std::string& code, std::uint64_t n) {
    if (n > 0) page.sample(n, {{"code", code}});
  };
  for (std::size_t i = 0; i < c.standard.size(); ++i)
    sample(std::to_string(1000 + i), c.standard[i]);
  sample("3xxx", c.registered);
  sample("4xxx", c.own);
}

}  // namespace

void write_metrics(metrics_text& page, const totals& t) {
  single(page, "connections", gauge, "Conversations that are open.", t.open());
  single(page, "connections_opened_total", counter, "Conversations whose handshake succeeded.",
         t.opened);
  single(page, "handshakes_refused_total", counter, "Handshakes refused by choice.", t.refused);
  single(page, "handshakes_failed_total", counter, "Handshakes that failed otherwise.", t.failed);
  single(page, "messages_received_total", counter, "Whole messages received.",
         t.traffic.messages_received);
  single(page, "messages_sent_total", counter, "Whole messages sent.", t.traffic.messages_sent);
  single(page, "received_bytes_total", counter, "Payload of the messages received.",
         t.traffic.bytes_received);
  single(page, "sent_bytes_total", counter, "Payload of the messages sent.", t.traffic.bytes_sent);
  single(page, "messages_dropped_total", counter,
         "Messages received that nobody got, because of closing, skipping or the end.",
         t.traffic.messages_dropped);
  single(page, "dropped_bytes_total", counter, "Payload of the messages dropped.",
         t.traffic.bytes_dropped);
  single(page, "unsent_bytes_total", counter,
         "Bytes that were on their way to the peer when their conversation was cut off.",
         t.traffic.bytes_unsent);
  single(page, "wire_received_bytes_total", counter,
         "Bytes of frames received, with headers and as they are compressed.",
         t.traffic.wire_bytes_received);
  single(page, "wire_sent_bytes_total", counter,
         "Bytes of frames sent, with headers and as they are compressed.",
         t.traffic.wire_bytes_sent);
  single(page, "silent_peers_total", counter, "Conversations given up because the peer was silent.",
         t.timed_out);
  write_closes(page, t.closes);
  page.family("caraway_websocket_round_trip_seconds", summary, "From pings to their pongs.");
  page.sample(static_cast<double>(t.round_trip_nanoseconds) / 1e9, {}, "_sum");
  page.sample(t.round_trips, {}, "_count");
}

}  // namespace caraway::ws
