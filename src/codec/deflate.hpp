// deflate.hpp - the payload of compressed messages (RFC 7692 section 7.2), without frames.
//
// A deflater turns messages into blocks that end with a byte, an inflater turns them back. Each
// remembers what went through it, up to the size of its window, and later messages may refer to
// that (context takeover); reset() forgets it. A deflater may be reset at any time between two
// pieces; the peer's inflater does not notice. An inflater may not, unless the peer takes nothing
// over.
//
// Messages that stand alone need neither of their own: a thread lends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "caraway/bytes.hpp"
#include "codec/growing_bytes.hpp"

struct z_stream_s;

namespace caraway::codec {

// False in a build without zlib: there is no memory for anything then.
bool can_deflate() noexcept;

struct deflate_setting {
  int level = 1;
  int window_bits = 12;  // 9 to 15
  int memory_level = 5;

  friend bool operator==(const deflate_setting&, const deflate_setting&) = default;
};

class deflater {
 public:
  // nullptr: no memory.
  static std::unique_ptr<deflater> make(const deflate_setting& s) noexcept;
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;
  ~deflater();

  // Adds to `out` what `ps` become. With `last` the message ends here: the four bytes every message
  // would end with are left away (7.2.1). False: no memory; of no use before reset().
  bool add(parts ps, bool last, growing_bytes& out) noexcept;

  void reset() noexcept;

  const deflate_setting& setting() const noexcept { return setting_; }
  // Bytes of memory that zlib has taken.
  std::size_t memory() const noexcept { return memory_; }

 private:
  explicit deflater(const deflate_setting& s) noexcept;
  bool run(bytes piece, int flush, growing_bytes& out) noexcept;

  deflate_setting setting_;
  std::size_t memory_ = 0;
  std::unique_ptr<z_stream_s> stream_;
};

enum class inflate_state : std::uint8_t {
  hungry,     // all input is used, and all that it makes is out
  full,       // there may be more to come out
  wrong,      // this is no deflated data
  no_memory,  // zlib got none
};

class inflater {
 public:
  // For data whose window is at most 2^`window_bits` bytes, 8 to 15. nullptr: no memory.
  static std::unique_ptr<inflater> make(int window_bits) noexcept;
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater();

  // Uses of `in`, from its beginning, what it takes to fill `room`, and takes that away from both.
  inflate_state go_on(bytes& in, mutable_bytes& room) noexcept;

  // True at the border between two blocks that is one between two bytes as well. A message ends
  // there, at the latest with the four bytes it was sent without (7.2.2). Some peers do send them.
  bool at_end() const noexcept { return final_ || whole_; }
  static bytes message_tail() noexcept;

  void reset() noexcept;

  std::size_t memory() const noexcept { return memory_; }

 private:
  inflater() noexcept;
  void restart() noexcept;

  std::size_t memory_ = 0;
  std::unique_ptr<z_stream_s> stream_;
  // The last block said that it was the last; another may follow all the same (7.2.3.5).
  bool final_ = false;
  // Where zlib stopped a block had ended, and a byte.
  bool whole_ = true;
};

// What a thread lends: made when needed, remembering nothing. nullptr: no memory.
std::unique_ptr<deflater> borrow_deflater(const deflate_setting& s) noexcept;
std::unique_ptr<inflater> borrow_inflater() noexcept;

// Gives back what was borrowed.
void give_back(std::unique_ptr<deflater> used) noexcept;
void give_back(std::unique_ptr<inflater> used) noexcept;

// Bytes that the calling thread keeps for lending.
std::size_t lendable_memory() noexcept;

// Adds to `out` the payload of the message that `ps` make, which refers to no other. False: no
// memory.
bool deflate_message(const deflate_setting& s, parts ps, growing_bytes& out) noexcept;

}  // namespace caraway::codec
