// http_body.cpp - where a body ends, and what it holds up to there.
//
// RFC 9112 lets a recipient guess in some cases of doubt. Two that guess differently are how
// requests are smuggled, so nothing is guessed here.
#include "caraway/http_body.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>
#include <new>
#include <optional>

#include "proto/http_line.hpp"

namespace caraway::http {
namespace {

// A line with the size of a chunk, its end included; extensions make it longer.
constexpr std::size_t max_chunk_line = 1024;
constexpr std::size_t max_trailers = 16 * 1024;

std::optional<std::uint64_t> read_number(std::string_view text, int base) noexcept {
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The length in the head; nothing if it does not say one. "5, 5" is 5 (RFC 9110 section 8.6).
result<std::optional<body_length>> stated_length(const field_list& fields) {
  const bool coded = count(fields, "Transfer-Encoding") > 0;
  const bool counted = count(fields, "Content-Length") > 0;
  if (!coded && !counted) return std::nullopt;
  if (coded && counted) return fail(errc::protocol);
  if (coded) {
    const auto codings = tokens(fields, "Transfer-Encoding");
    if (codings.size() != 1 || !same_name(codings[0], "chunked")) return fail(errc::protocol);
    return body_length{body_length::kind::chunked, 0};
  }
  const auto members = tokens(fields, "Content-Length");
  const auto size = members.empty() ? std::nullopt : read_number(members[0], 10);
  if (!size || std::ranges::count(members, members[0]) != std::ssize(members))
    return fail(errc::protocol);
  return body_length{body_length::kind::counted, *size};
}

bool has_no_body(int status, std::string_view method) noexcept {
  if (method == "HEAD" || status < 200 || status == 204 || status == 304) return true;
  return method == "CONNECT" && status < 300;
}

template <class Head>
result<std::string> read_whole(byte_stream& from, const Head& head, std::size_t limit,
                               deadline dl) {
  const auto length = body_of(head);
  if (!length) return fail(length.error());
  return body_reader(from, *length).try_rest(limit, dl);
}

}  // namespace

result<body_length> body_of(const request_head& head) try {
  const auto stated = stated_length(head.fields);
  if (!stated) return fail(stated.error());
  return stated->value_or(body_length{});
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<body_length> body_of(const response_head& head, std::string_view method) try {
  if (has_no_body(head.status, method)) return body_length{};
  const auto stated = stated_length(head.fields);
  if (!stated) return fail(stated.error());
  return stated->value_or(body_length{body_length::kind::until_end, 0});
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

body_reader::body_reader(byte_stream& from, body_length length) noexcept
    : from_(from), how_(length.how), at_(place::inside), left_(length.size) {
  if (how_ == body_length::kind::chunked) at_ = place::chunk_size;
  if (how_ == body_length::kind::counted && left_ == 0) at_ = place::over;
  if (how_ == body_length::kind::until_end) left_ = std::numeric_limits<std::uint64_t>::max();
}

// The bytes of the body, or of its chunk, that are there.
result<bytes> body_reader::show(deadline dl) {
  const auto seen = from_.try_fill(1, dl);
  if (!seen) {
    const bool finished = seen.error() == errc::end_of_stream;
    if (!finished || how_ != body_length::kind::until_end) return fail(seen.error());
    at_ = place::over;
    return bytes{};
  }
  shown_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, seen->size()));
  return bytes(seen->first(shown_));
}

// 7.1
result<void> body_reader::read_chunk_size(deadline dl) {
  const auto line = proto::peek_line(from_, max_chunk_line, dl);
  if (!line) return fail(line.error());
  const auto size = read_number(line->substr(0, line->find_first_of("; \t")), 16);
  if (!size) return fail(errc::protocol);
  from_.consume(line->size() + proto::line_end);
  left_ = *size;
  at_ = left_ > 0 ? place::inside : place::trailers;
  return {};
}

result<void> body_reader::read_chunk_end(deadline dl) {
  const auto seen = from_.try_fill(proto::line_end, dl);
  if (!seen) return fail(seen.error());
  if (!as_text(*seen).starts_with("\r\n")) return fail(errc::protocol);
  from_.consume(proto::line_end);
  at_ = place::chunk_size;
  return {};
}

// 7.1.2; nobody is told of them.
result<void> body_reader::read_trailer(deadline dl) {
  const auto line = proto::peek_line(from_, max_trailers - trailers_, dl);
  if (!line) return fail(line.error());
  if (line->empty()) {
    at_ = place::over;
  } else if (auto parsed = parse_field(*line); !parsed) {
    return fail(parsed.error());
  }
  const std::size_t size = line->size() + proto::line_end;
  trailers_ += size;
  from_.consume(size);
  return {};
}

// What lies between pieces.
result<void> body_reader::step(deadline dl) {
  if (at_ == place::chunk_size) return read_chunk_size(dl);
  if (at_ == place::chunk_end) return read_chunk_end(dl);
  return read_trailer(dl);
}

result<bytes> body_reader::try_next(deadline dl) {
  from_.consume(shown_);
  if (how_ != body_length::kind::until_end) left_ -= shown_;
  shown_ = 0;
  if (at_ == place::inside && left_ == 0)
    at_ = how_ == body_length::kind::chunked ? place::chunk_end : place::over;
  while (at_ != place::inside && at_ != place::over)
    if (auto stepped = step(dl); !stepped) return fail(stepped.error());
  return at_ == place::over ? result<bytes>(bytes{}) : show(dl);
}

result<std::string> body_reader::try_rest(std::size_t limit, deadline dl) try {
  std::string whole;
  for (;;) {
    const auto piece = try_next(dl);
    if (!piece) return fail(piece.error());
    if (piece->empty()) return whole;
    if (piece->size() > limit - whole.size()) return fail(errc::message_too_big);
    whole += as_text(*piece);
  }
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<std::string> try_read_body(byte_stream& from, const request_head& head, std::size_t limit,
                                  deadline dl) {
  return read_whole(from, head, limit, dl);
}

result<std::string> try_read_body(byte_stream& from, const response_head& head, std::size_t limit,
                                  deadline dl) {
  return read_whole(from, head, limit, dl);
}

}  // namespace caraway::http
