// http_body.hpp - the bodies of HTTP/1.1 messages, as they come in (RFC 9112 sections 6 and 7).
//
// The head says how long the body is; the reader shows it piece by piece, without what frames it,
// and leaves the stream exactly behind it. Or the whole of it at once, up to a limit:
//
//     http::response_head head = s.receive_response(5s);
//     http::body_reader body(s.below(), *http::body_of(head));
//     for (bytes b = body.next(5s); !b.empty(); b = body.next(5s)) file.write(b);
//
//     std::string text = http::read_body(s.below(), head, 1 << 20, 5s);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "caraway/byte_stream.hpp"
#include "caraway/http_head.hpp"

namespace caraway::http {

// Where a body ends.
struct body_length {
  enum class kind : unsigned char { counted, chunked, until_end };

  kind how = kind::counted;
  std::uint64_t size = 0;  // of a counted one; 0 is no body
};

// What a head says of its body (6.3). `method` is that of the request which the response answers: a
// HEAD gets none. Without a length a request has no body, and a response lasts until the end of
// the stream. errc::protocol for what would leave in doubt where the body ends: a length that is no
// number or comes twice with different values, chunks and a length together, transfer codings other
// than chunked alone.
result<body_length> body_of(const request_head& head);
result<body_length> body_of(const response_head& head, std::string_view method = "GET");

// Does not own the stream. One coroutine at a time.
class body_reader {
 public:
  body_reader(byte_stream& from, body_length length) noexcept;

  // Blocks for the next piece and shows it: at least a byte, or nothing at the end, when what ends
  // the body has been consumed too. It stays in place until the next call. ETIMEDOUT, ECANCELED:
  // nothing is lost, call again. errc::end_of_stream: the peer finished inside the body;
  // errc::protocol, errc::message_too_big: the framing is wrong, or its trailers pass 16 KiB.
  result<bytes> try_next(deadline dl);

  // The rest, whole. Blocks. errc::message_too_big as soon as it is more than `limit` bytes; after
  // any failure what was read of it is lost. ENOMEM, and as try_next.
  result<std::string> try_rest(std::size_t limit, deadline dl);

  bytes next(deadline dl = never) { return value_or_raise(try_next(dl), "receive"); }
  std::string rest(std::size_t limit, deadline dl = never) {
    return value_or_raise(try_rest(limit, dl), "receive");
  }

 private:
  enum class place : unsigned char { chunk_size, inside, chunk_end, trailers, over };

  result<bytes> show(deadline dl);
  result<void> step(deadline dl);
  result<void> read_chunk_size(deadline dl);
  result<void> read_chunk_end(deadline dl);
  result<void> read_trailer(deadline dl);

  byte_stream& from_;
  body_length::kind how_;
  place at_;
  std::uint64_t left_;        // of a counted body, or of the chunk
  std::size_t shown_ = 0;     // to be consumed at the next call
  std::size_t trailers_ = 0;  // their size so far
};

// The body behind `head`, whole. Blocks. As body_of() and try_rest().
result<std::string> try_read_body(byte_stream& from, const request_head& head, std::size_t limit,
                                  deadline dl);
result<std::string> try_read_body(byte_stream& from, const response_head& head, std::size_t limit,
                                  deadline dl);
inline std::string read_body(byte_stream& from, const request_head& head, std::size_t limit,
                             deadline dl = never) {
  return value_or_raise(try_read_body(from, head, limit, dl), "receive");
}
inline std::string read_body(byte_stream& from, const response_head& head, std::size_t limit,
                             deadline dl = never) {
  return value_or_raise(try_read_body(from, head, limit, dl), "receive");
}

}  // namespace caraway::http
