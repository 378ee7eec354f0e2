// deflate_fuzz.cpp - what comes out of an inflater does not depend on how its input is cut or how
// much room it is given; what a deflater was given comes out whole.
#include "codec/deflate.hpp"

#include <cstdlib>
#include <string>

#include "cuts.hpp"

using namespace caraway;

namespace {

// Bombs have to end somewhere.
constexpr std::size_t enough = 1 << 16;

struct outcome {
  std::string text;
  bool whole = true;

  bool operator==(const outcome&) const = default;
};

bool feed(codec::inflater& i, bytes in, std::size_t room, outcome& out) {
  std::byte memory[300];
  for (auto state = codec::inflate_state::full; state == codec::inflate_state::full;) {
    mutable_bytes free(memory, room);
    state = i.go_on(in, free);
    if (state == codec::inflate_state::wrong) return out.whole = false;
    if (state == codec::inflate_state::no_memory) std::abort();
    out.text += as_text(bytes(memory, room - free.size()));
    if (out.text.size() > enough) return out.whole = false;
    if (state == codec::inflate_state::hungry && !in.empty()) std::abort();
  }
  return true;
}

outcome inflate(bytes in, const std::vector<std::size_t>& cuts, int window, std::size_t room) {
  const auto i = codec::inflater::make(window);
  outcome out;
  std::size_t from = 0;
  for (std::size_t cut : cuts) {
    if (!feed(*i, in.subspan(from, cut - from), room, out)) return out;
    from = cut;
  }
  if (!feed(*i, in.subspan(from), room, out)) return out;
  if (!i->at_end()) feed(*i, codec::inflater::message_tail(), room, out);
  out.whole = out.whole && i->at_end();
  return out;
}

void read_it(bytes in, const std::vector<std::size_t>& cuts, int window) {
  const outcome whole = inflate(in, {}, window, 300);
  for (std::size_t room : {1, 7, 300}) {
    const outcome other = inflate(in, cuts, window, room);
    // What came out before the mistake was found is of no interest, if there was one.
    if (other.whole != whole.whole || (whole.whole && other.text != whole.text)) std::abort();
  }
}

// Each piece between two cuts is a message, the last one in two frames.
void write_it(bytes in, const std::vector<std::size_t>& cuts, const codec::deflate_setting& s) {
  const auto d = codec::deflater::make(s);
  const auto i = codec::inflater::make(s.window_bits);
  std::size_t from = 0;
  for (std::size_t cut : cuts) {
    const bytes message = in.subspan(from, cut - from), head = message.first(message.size() / 2);
    const bytes rest = message.subspan(head.size());
    codec::growing_bytes wire;
    if (!d->add(parts(&head, 1), false, wire) || !d->add(parts(&rest, 1), true, wire)) std::abort();
    outcome out;
    feed(*i, wire.all(), 300, out);
    if (!i->at_end()) feed(*i, codec::inflater::message_tail(), 300, out);
    if (!out.whole || !i->at_end() || out.text != as_text(message)) std::abort();
    if (cut % 3 == 0) d->reset();
    from = cut;
  }
}

}  // namespace

// The first byte: the setting. Then cuts and input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const int window = 9 + data[0] % 7, level = data[0] / 7 % 10;
  auto [input, cuts] = fuzz::read_cuts(data + 1, size - 1);
  read_it(input, cuts, window);
  cuts.push_back(input.size());
  write_it(input, cuts, {.level = level, .window_bits = window, .memory_level = 1});
  return 0;
}
