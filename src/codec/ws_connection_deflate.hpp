// ws_connection_deflate.hpp - what a connection has besides where both sides have agreed on
// permessage-deflate.
#pragma once

#include <cstdint>
#include <memory>

#include "caraway/ws_connection.hpp"
#include "codec/deflate.hpp"

namespace caraway::ws {

// RSV1 in the first frame of a message: the message is compressed (RFC 7692 section 6).
inline constexpr std::uint8_t deflated_bit = 0x40;

struct connection::compression {
  explicit compression(const deflate_options& o) noexcept : agreed(o) {}
  compression(const compression&) = delete;
  compression& operator=(const compression&) = delete;
  ~compression() {
    drop_deflater();
    drop_inflater();
  }

  // The reserved bits that the frame which `in` begins with may have.
  static std::uint8_t allowed_reserved(bytes in) noexcept;

  bool deflate(parts ps, bool last, codec::growing_bytes& out) noexcept;
  bool need_inflater() noexcept;

  // What remembers earlier messages goes, what does not goes back to where it was borrowed.
  void drop_deflater() noexcept;
  void drop_inflater() noexcept;

  std::size_t memory() const noexcept;

  deflate_options agreed;
  // Made when the first compressed message comes or goes; borrowed for one message where nothing is
  // taken over.
  std::unique_ptr<codec::deflater> deflater;
  std::unique_ptr<codec::inflater> inflater;
  // The message being received is compressed; so many bytes of it have come, compressed.
  bool receiving = false;
  std::uint64_t arrived = 0;
  // So many bytes of the input are unmasked and not inflated yet.
  std::size_t opened = 0;
  // Bytes that have come out in this call of receive(); more may be ready to come out.
  std::size_t made = 0;
  bool full = false;
};

}  // namespace caraway::ws
