// http_body_fuzz.cpp - a body, or what is wrong with it, is the same however the stream was cut; it is
// never larger than its limit, and with what is left behind it never more than was sent.
//
// The first byte says how: the two lowest bits whether there are chunks, a length or neither, the
// rest the limit. After the second, the length, comes what is on the stream.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "caraway/http_body.hpp"
#include "caraway/memory_pair.hpp"

namespace {

using namespace caraway;

struct body_case {
  http::response_head head;
  std::size_t limit;
  bytes sent;
};

body_case read_case(bytes in) {
  const unsigned how = std::to_integer<unsigned>(in[0]);
  body_case c{.head = {.status = 200, .reason = {}, .minor_version = 1, .fields = {}},
              .limit = std::size_t{how >> 2} * 16,
              .sent = in.subspan(2)};
  if ((how & 1) != 0) c.head.fields.push_back({"Transfer-Encoding", "chunked"});
  if ((how & 2) != 0)
    c.head.fields.push_back({"Content-Length", std::to_string(std::to_integer<unsigned>(in[1]))});
  return c;
}

struct outcome {
  result<std::string> body;
  std::string behind;

  bool operator==(const outcome&) const = default;
};

outcome outcome_of(const body_case& c, std::size_t chop) {
  auto [from, peer] = memory_pair({.chop = chop});
  if (!c.sent.empty()) peer->write(c.sent);
  peer->done();
  outcome o{http::try_read_body(*from, c.head, c.limit, never), {}};
  if (!o.body) return o;
  while (from->try_fill(from->buffered().size() + 1, never)) continue;
  o.behind = as_text(from->buffered());
  return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const body_case c = read_case({reinterpret_cast<const std::byte*>(data), size});
  const outcome whole = outcome_of(c, memory_faults::none);
  if (whole.body && whole.body->size() > c.limit) std::abort();
  if (whole.body && whole.body->size() + whole.behind.size() > c.sent.size()) std::abort();
  if (outcome_of(c, 1) != whole || outcome_of(c, 7) != whole) std::abort();
  return 0;
}
