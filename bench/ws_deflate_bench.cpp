// ws_deflate_bench.cpp - what does a compressed message cost, and how much of that is zlib?
//
// Nanoseconds for a message like JSON: compressed and put in a frame, taken from a frame and
// inflated, beside zlib alone on the same bytes. The last row is a message that is not compressed
// on a connection that could.
#include <benchmark/benchmark.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "caraway/ws_connection.hpp"

namespace {

using namespace caraway;

std::string sample(std::size_t n) {
  std::string text;
  for (int i = 0; text.size() < n; ++i)
    text += "{\"id\":" + std::to_string(i) +
            ",\"name\":\"caraway\",\"price\":" + std::to_string(i * 7919 % 1000) + "}";
  return text.substr(0, n);
}

ws::connection open(ws::role r, bool takeover) {
  ws::deflate_options o;
  o.takeover = o.peer_takeover = takeover;
  return ws::connection({.role = r, .random = [](mutable_bytes) noexcept {}, .deflate = o});
}

Bytef* raw(const void* p) {
  return static_cast<Bytef*>(const_cast<void*>(p));
}

void zlib_deflate(benchmark::State& state, bool takeover) {
  const std::string text = sample(static_cast<std::size_t>(state.range(0)));
  std::vector<char> out(text.size() + 100);
  z_stream z{};
  deflateInit2(&z, 1, Z_DEFLATED, -12, 5, Z_DEFAULT_STRATEGY);
  for (auto _ : state) {
    z.next_in = raw(text.data());
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = raw(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_SYNC_FLUSH);
    if (!takeover) deflateReset(&z);
  }
  deflateEnd(&z);
}

void send(benchmark::State& state, bool takeover) {
  const std::string text = sample(static_cast<std::size_t>(state.range(0)));
  const bytes all = as_bytes(text);
  ws::connection c = open(ws::role::server, takeover);
  for (auto _ : state)
    benchmark::DoNotOptimize(c.send_deflated(ws::opcode::binary, true, parts(&all, 1)));
}

void send_plain(benchmark::State& state) {
  ws::connection c = open(ws::role::server, true);
  const auto size = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    if (c.deflates(ws::opcode::binary, true, size)) state.SkipWithError("compressed");
    benchmark::DoNotOptimize(c.send_header(ws::opcode::binary, true, size));
  }
}

// One message's payload, without the end that is cut off.
std::vector<std::byte> packed(const std::string& text) {
  const bytes all = as_bytes(text);
  ws::connection c = open(ws::role::server, false);
  const auto frame = c.send_deflated(ws::opcode::binary, true, parts(&all, 1));
  const bytes b = frame->view();
  return {b.begin(), b.end()};
}

void zlib_inflate(benchmark::State& state) {
  const std::string text = sample(static_cast<std::size_t>(state.range(0)));
  const std::vector<std::byte> frame = packed(text);
  const std::size_t head = frame.size() < 128 ? 2 : 4;
  std::vector<char> out(text.size() + 100);
  z_stream z{};
  inflateInit2(&z, -15);
  for (auto _ : state) {
    z.next_in = raw(frame.data() + head);
    z.avail_in = static_cast<uInt>(frame.size() - head);
    z.next_out = raw(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    inflate(&z, Z_SYNC_FLUSH);
    inflateReset(&z);
  }
  inflateEnd(&z);
}

void receive(benchmark::State& state) {
  const std::string text = sample(static_cast<std::size_t>(state.range(0)));
  const std::vector<std::byte> frame = packed(text);
  ws::connection c = open(ws::role::client, false);
  std::vector<std::byte> wire = frame;
  for (auto _ : state)
    if (c.receive(wire).kind != ws::event_kind::message) state.SkipWithError("no message");
}

BENCHMARK_CAPTURE(zlib_deflate, takeover, true)->Arg(200)->Arg(1024)->Arg(16384);
BENCHMARK_CAPTURE(send, takeover, true)->Arg(200)->Arg(1024)->Arg(16384);
BENCHMARK_CAPTURE(zlib_deflate, alone, false)->Arg(200)->Arg(1024)->Arg(16384);
BENCHMARK_CAPTURE(send, alone, false)->Arg(200)->Arg(1024)->Arg(16384);
BENCHMARK(zlib_inflate)->Arg(200)->Arg(1024)->Arg(16384);
BENCHMARK(receive)->Arg(200)->Arg(1024)->Arg(16384);
BENCHMARK(send_plain)->Arg(100);

}  // namespace
