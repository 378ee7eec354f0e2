// ws_codec_bench.cpp - how much of a WebSocket message's time is the codec's?
//
// Bytes per second of masking and UTF-8 validation beside memcpy; nanoseconds per frame of headers;
// nanoseconds per message of a connection that receives masked messages as a server does.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "caraway/ws_connection.hpp"
#include "codec/mask.hpp"
#include "codec/utf8.hpp"

namespace {

using namespace caraway;

constexpr ws::mask_key key = {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

void count_bytes(benchmark::State& state, std::size_t each) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * each));
}

// The floor of everything below.
void copy(benchmark::State& state) {
  std::vector<std::byte> from(state.range(0)), to(state.range(0));
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
  count_bytes(state, from.size());
}

void mask(benchmark::State& state) {
  std::vector<std::byte> data(state.range(0));
  for (auto _ : state) {
    codec::mask(data, key, 1);
    benchmark::ClobberMemory();
  }
  count_bytes(state, data.size());
}

void mask_copy(benchmark::State& state) {
  std::vector<std::byte> from(state.range(0)), to(state.range(0));
  for (auto _ : state) {
    codec::mask_copy(to.data(), from, key, 1);
    benchmark::ClobberMemory();
  }
  count_bytes(state, from.size());
}

// `unit` repeated to about `n` bytes, never cut.
std::string repeat(std::string_view unit, std::size_t n) {
  std::string text;
  while (text.size() + unit.size() <= n) text += unit;
  return text;
}

void utf8(benchmark::State& state, std::string_view unit) {
  const std::string text = repeat(unit, state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(codec::is_utf8(as_bytes(text)));
  count_bytes(state, text.size());
}

void parse_header(benchmark::State& state) {
  std::byte wire[ws::max_header_size];
  ws::format_header(wire, {.masked = true, .size = static_cast<std::uint64_t>(state.range(0))});
  for (auto _ : state) {
    benchmark::DoNotOptimize(wire);
    benchmark::DoNotOptimize(ws::parse_header(wire, ws::role::server));
  }
}

void format_header(benchmark::State& state) {
  std::byte wire[ws::max_header_size];
  ws::frame_header h{.size = static_cast<std::uint64_t>(state.range(0))};
  for (auto _ : state) {
    benchmark::DoNotOptimize(h);
    benchmark::DoNotOptimize(ws::format_header(wire, h));
    benchmark::ClobberMemory();
  }
}

// A frame of `op` under a mask of zeros: unmasking does its work and leaves the payload as it is,
// so the same bytes can be received again and again.
std::vector<std::byte> masked_frame(ws::opcode op, std::size_t n) {
  std::vector<std::byte> wire(ws::header_size(n, true) + n, std::byte{'a'});
  ws::format_header(wire, {.op = op, .masked = true, .mask = {}, .size = n});
  return wire;
}

void receive(benchmark::State& state, ws::opcode op) {
  auto wire = masked_frame(op, state.range(0));
  ws::connection c({.role = ws::role::server});
  for (auto _ : state) {
    const ws::event e = c.receive(wire);
    if (e.kind != ws::event_kind::message) state.SkipWithError("no message");
    benchmark::ClobberMemory();
  }
  count_bytes(state, state.range(0));
}

// The frame does not fit the buffer: its beginning is moved, the rest comes straight to its place.
void receive_direct(benchmark::State& state) {
  auto wire = masked_frame(ws::opcode::binary, state.range(0));
  ws::connection c({.role = ws::role::server});
  for (auto _ : state) {
    c.receive(mutable_bytes(wire).first(1000));
    while (!c.destination().empty()) c.received(c.destination().size());
    if (c.receive({}).kind != ws::event_kind::message) state.SkipWithError("no message");
  }
  count_bytes(state, state.range(0));
}

BENCHMARK(copy)->Arg(20)->Arg(1024)->Arg(65536)->Arg(1 << 20);
BENCHMARK(mask)->Arg(20)->Arg(125)->Arg(1024)->Arg(65536)->Arg(1 << 20);
BENCHMARK(mask_copy)->Arg(20)->Arg(125)->Arg(1024)->Arg(65536)->Arg(1 << 20);
BENCHMARK_CAPTURE(utf8, ascii, "a")->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(utf8, latin, "na\u00efve caf\u00e9 ")->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(utf8, cjk, "\u8449\u8449")->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(utf8, emoji, "\U0001f331")->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(utf8, mixed, "caraway \u03ba\u03cd\u03bc\u03b9\u03bd\u03bf \u8449 \U0001f331 ")
    ->Arg(64)
    ->Arg(1024)
    ->Arg(65536);
BENCHMARK(parse_header)->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK(format_header)->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(receive, binary, ws::opcode::binary)->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(receive, text, ws::opcode::text)->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK(receive_direct)->Arg(65536)->Arg(1 << 20);

}  // namespace
