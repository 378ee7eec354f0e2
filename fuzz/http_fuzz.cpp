// http_fuzz.cpp - a head read line by line is the same as one read whole, wherever the stream was cut,
// and both leave the same behind; what is refused whole is refused line by line too.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "caraway/http.hpp"
#include "caraway/memory_pair.hpp"
#include "cuts.hpp"

namespace {

using namespace caraway;

// What was received, as text; nothing of it if the head was not whole or not right.
struct outcome {
  std::string head;
  std::string behind;

  bool operator==(const outcome&) const = default;
};

std::string start_of(const http::request_head& head) {
  return head.method + " " + head.target + " " + std::to_string(head.minor_version) + "\n";
}
std::string start_of(const http::response_head& head) {
  return std::to_string(head.status) + " " + head.reason + " " +
         std::to_string(head.minor_version) + "\n";
}

result<http::request_head> start_line(http::socket& s, const http::request_head&) {
  return s.try_receive_request_line(never);
}
result<http::response_head> start_line(http::socket& s, const http::response_head&) {
  return s.try_receive_status_line(never);
}

std::string rest_of(byte_stream& from) {
  while (from.try_fill(from.buffered().size() + 1, never)) continue;
  return std::string(as_text(from.buffered()));
}

template <class Head>
outcome read_whole(stream_ptr from) {
  Head head;
  if (!http::try_read_head(*from, head, never)) return {};
  outcome o{start_of(head), {}};
  for (const http::field& f : head.fields) o.head += f.name + ":" + f.value + "\n";
  o.behind = rest_of(*from);
  return o;
}

template <class Head>
outcome read_lines(stream_ptr from) {
  http::socket s(std::move(from));
  const auto start = start_line(s, Head{});
  if (!start) return {};
  outcome o{start_of(*start), {}};
  for (;;) {
    const auto field = s.try_receive_field(never);
    if (!field) return {};
    if (!*field) break;
    o.head += (*field)->name + ":" + (*field)->value + "\n";
  }
  o.behind = rest_of(s.below());
  return o;
}

stream_ptr stream_of(const fuzz::cut_input& c) {
  memory_faults faults;
  if (!c.cuts.empty()) faults.cut_at = c.cuts[0];
  if (c.cuts.size() > 1) faults.chop = c.cuts[1];
  auto [from, peer] = memory_pair(faults);
  if (!c.input.empty()) peer->write(c.input);
  peer->done();
  return std::move(from);
}

template <class Head>
void check(const fuzz::cut_input& c) {
  if (read_whole<Head>(stream_of(c)) != read_lines<Head>(stream_of(c))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 20000) return 0;
  const fuzz::cut_input c = fuzz::read_cuts(data, size);
  check<http::request_head>(c);
  check<http::response_head>(c);
  return 0;
}
