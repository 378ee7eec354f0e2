// deflate_zlib.cpp - deflaters and inflaters made of zlib, or of zlib-ng in its place.
//
// zlib's streams are "raw": no header, no checksum. They count the memory they take themselves.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "codec/deflate.hpp"

namespace caraway::codec {
namespace {

// What zlib takes at once at most, since it counts in unsigned int.
constexpr std::size_t largest_piece = std::size_t{1} << 30;

// zlib asks for more than six bytes of room before it flushes.
constexpr std::size_t least_room = 64;

// Payloads of messages end with an empty block, of which this is never sent.
constexpr std::array<std::byte, 4> tail = {std::byte{0}, std::byte{0}, std::byte{0xff},
                                           std::byte{0xff}};
// What is left of such a block: a message of no bytes (7.2.3.6).
constexpr std::byte empty_block{0};

// A stream's data_type tells where it is in its input.
bool is_between_blocks(int data_type) noexcept {
  constexpr int between_blocks = 128;
  constexpr int unused_bits = 63;
  return (data_type & between_blocks) != 0 && (data_type & unused_bits) == 0;
}

void* take_memory(void* counter, unsigned items, unsigned size) {
  const std::size_t n = std::size_t{items} * size;
  void* const memory = ::operator new(n, std::nothrow);
  if (memory != nullptr) *static_cast<std::size_t*>(counter) += n;
  return memory;
}

void free_memory(void*, void* memory) {
  ::operator delete(memory);
}

std::unique_ptr<z_stream> make_stream(std::size_t& counter) noexcept {
  std::unique_ptr<z_stream> stream(new (std::nothrow) z_stream());
  if (!stream) return nullptr;
  stream->zalloc = take_memory;
  stream->zfree = free_memory;
  stream->opaque = &counter;
  return stream;
}

// zlib's pointers to input are not const, though it only reads.
Bytef* input(bytes b) noexcept {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(b.data()));
}

unsigned amount(std::size_t n) noexcept {
  return static_cast<unsigned>(std::min(n, largest_piece));
}

}  // namespace

bool can_deflate() noexcept {
  return true;
}

// Compressing

deflater::deflater(const deflate_setting& s) noexcept
    : setting_(s), stream_(make_stream(memory_)) {}

deflater::~deflater() {
  if (stream_) deflateEnd(stream_.get());
}

std::unique_ptr<deflater> deflater::make(const deflate_setting& s) noexcept {
  std::unique_ptr<deflater> made(new (std::nothrow) deflater(s));
  if (!made || !made->stream_) return nullptr;
  const int code = deflateInit2(made->stream_.get(), s.level, Z_DEFLATED, -s.window_bits,
                                s.memory_level, Z_DEFAULT_STRATEGY);
  return code == Z_OK ? std::move(made) : nullptr;
}

bool deflater::add(parts ps, bool last, growing_bytes& out) noexcept {
  const std::size_t size = total_size(ps);
  if (size == 0) {
    // Everything before has been flushed, and zlib does not flush twice.
    if (!last) return true;
    const mutable_bytes room = out.room(1);
    if (room.empty()) return false;
    room.front() = empty_block;
    out.add(1);
    return true;
  }
  if (out.room(size / 2 + least_room).empty()) return false;
  for (bytes piece : ps)
    if (!run(piece, Z_NO_FLUSH, out)) return false;
  if (!run({}, Z_SYNC_FLUSH, out)) return false;
  if (last) out.drop_last(tail.size());
  return true;
}

bool deflater::run(bytes piece, int flush, growing_bytes& out) noexcept {
  z_stream& z = *stream_;
  do {
    z.next_in = input(piece);
    const unsigned offered = z.avail_in = amount(piece.size());
    const mutable_bytes room = out.room(least_room);
    if (room.empty()) return false;
    z.next_out = reinterpret_cast<Bytef*>(room.data());
    const unsigned free = z.avail_out = amount(room.size());
    deflate(&z, flush);
    piece = piece.subspan(offered - z.avail_in);
    out.add(free - z.avail_out);
  } while (!piece.empty() || z.avail_out == 0);
  return true;
}

void deflater::reset() noexcept {
  deflateReset(stream_.get());
}

// Decompressing

inflater::inflater() noexcept : stream_(make_stream(memory_)) {}

inflater::~inflater() {
  if (stream_) inflateEnd(stream_.get());
}

std::unique_ptr<inflater> inflater::make(int window_bits) noexcept {
  std::unique_ptr<inflater> made(new (std::nothrow) inflater());
  if (!made || !made->stream_) return nullptr;
  const int code = inflateInit2(made->stream_.get(), -window_bits);
  return code == Z_OK ? std::move(made) : nullptr;
}

inflate_state inflater::go_on(bytes& in, mutable_bytes& room) noexcept {
  z_stream& z = *stream_;
  for (;;) {
    if (final_ && !in.empty()) restart();
    const unsigned offered = z.avail_in = amount(in.size());
    const unsigned free = z.avail_out = amount(room.size());
    z.next_in = input(in);
    z.next_out = reinterpret_cast<Bytef*>(room.data());
    const int code = final_ ? Z_OK : inflate(&z, Z_SYNC_FLUSH);
    // A call that moves nothing makes zlib forget that it is between blocks.
    if (offered != z.avail_in || free != z.avail_out) whole_ = is_between_blocks(z.data_type);
    in = in.subspan(offered - z.avail_in);
    room = room.subspan(free - z.avail_out);
    if (code == Z_MEM_ERROR) return inflate_state::no_memory;
    if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END) return inflate_state::wrong;
    final_ = final_ || code == Z_STREAM_END;
    if (room.empty() && !final_) return inflate_state::full;
    if (in.empty()) return inflate_state::hungry;
    if (room.empty()) return inflate_state::full;
  }
}

bytes inflater::message_tail() noexcept {
  return tail;
}

// A new stream that goes on with the window of the old one. It costs next to nothing: a message may
// be made of last blocks alone.
void inflater::restart() noexcept {
  inflateResetKeep(stream_.get());
  final_ = false;
  whole_ = true;
}

void inflater::reset() noexcept {
  inflateReset(stream_.get());
  final_ = false;
  whole_ = true;
}

}  // namespace caraway::codec
