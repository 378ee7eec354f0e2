#include "caraway/http.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

#include "proto/http_line.hpp"

namespace caraway::http {
namespace {

// Whether parsing `text` again is worth it, after its first `parsed` bytes were not a whole head: it
// ends now, or is twice as long. So a head that comes byte by byte costs no more than a few looks.
bool may_be_whole(std::string_view text, std::size_t parsed) noexcept {
  return text.ends_with("\r\n\r\n") || text.size() >= 2 * parsed ||
         text.substr(parsed - std::min<std::size_t>(parsed, 3)).contains("\r\n\r\n");
}

template <class Head>
result<void> read_head(byte_stream& from, Head& head, deadline dl, const head_limits& limits) {
  std::size_t wanted = 1;
  std::size_t parsed = 0;
  for (;;) {
    const auto seen = from.try_fill(wanted, dl);
    if (!seen) return fail(seen.error());
    wanted = seen->size() + 1;
    if (!may_be_whole(as_text(*seen), parsed)) continue;
    const auto used = parse(*seen, head, limits);
    if (!used) return fail(used.error());
    if (*used > 0) {
      from.consume(*used);
      return {};
    }
    parsed = seen->size();
  }
}

}  // namespace

result<void> try_read_head(byte_stream& from, request_head& into, deadline dl,
                           const head_limits& limits) {
  return read_head(from, into, dl, limits);
}

result<void> try_read_head(byte_stream& from, response_head& into, deadline dl,
                           const head_limits& limits) {
  return read_head(from, into, dl, limits);
}

// A coroutine inside a call, in one direction; false if another one is.
class socket::use {
 public:
  explicit use(direction& d) noexcept : direction_(d), entered_(!d.busy) { d.busy = true; }
  use(const use&) = delete;
  use& operator=(const use&) = delete;
  ~use() {
    if (entered_) direction_.busy = false;
  }
  explicit operator bool() const noexcept { return entered_; }

 private:
  direction& direction_;
  bool entered_;
};

socket::socket(stream_ptr under, const head_limits& limits) noexcept
    : under_(std::move(under)), limits_(limits) {}

// --- sending ---

result<void> socket::send_text(const result<std::string>& text, stage after, deadline dl) {
  if (!text) return fail(text.error());
  const use entered(out_);
  if (!entered) return fail(EBUSY);
  const bytes all = as_bytes(*text);
  if (auto sent = under_->try_write(parts(&all, 1), dl); !sent) return sent;
  out_.at = after;
  return {};
}

template <class Head>
result<void> socket::send_head(const Head& head, deadline dl) {
  if (out_.at == stage::begun) return fail(EINVAL);
  return send_text(format(head), stage::ended, dl);
}

template <class Head>
result<void> socket::send_start_line(const Head& head, deadline dl) {
  if (out_.at == stage::begun) return fail(EINVAL);
  return send_text(format_start_line(head), stage::begun, dl);
}

result<void> socket::try_send(const request_head& head, deadline dl) {
  return send_head(head, dl);
}

result<void> socket::try_send(const response_head& head, deadline dl) {
  return send_head(head, dl);
}

result<void> socket::try_send_request_line(std::string_view method, std::string_view target,
                                           deadline dl) try {
  return send_start_line(request_head{std::string(method), std::string(target), 1, {}}, dl);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<void> socket::try_send_status_line(int status, std::string_view reason, deadline dl) try {
  return send_start_line(response_head{status, std::string(reason), 1, {}}, dl);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<void> socket::try_send_field(std::string_view name, std::string_view value, deadline dl) {
  if (out_.at == stage::ended) return fail(errc::closed);
  return send_text(format_field(name, value), stage::begun, dl);
}

result<void> socket::try_done(deadline dl) {
  if (out_.at == stage::ended) return fail(errc::closed);
  return send_text("\r\n", stage::ended, dl);
}

// --- receiving ---

// What breaks the head breaks the direction.
std::error_code socket::note(std::error_code why) noexcept {
  if (why == errc::protocol || why == errc::message_too_big) in_.fault = why;
  return why;
}

template <class Head>
result<Head> socket::receive_head(deadline dl) {
  const use entered(in_);
  if (!entered) return fail(EBUSY);
  if (in_.fault) return fail(in_.fault);
  if (in_.at == stage::begun) return fail(EINVAL);
  Head head;
  if (auto read = try_read_head(*under_, head, dl, limits_); !read) return fail(note(read.error()));
  in_.at = stage::ended;
  return head;
}

// Shows the next line of the head, within what its limits leave.
result<std::string_view> socket::next_line(deadline dl) {
  if (in_.fault) return fail(in_.fault);
  auto line = proto::peek_line(*under_, limits_.size - in_.size, dl);
  if (!line) return fail(note(line.error()));
  if (in_.fields == limits_.fields && in_.at == stage::begun && !line->empty())
    return fail(note(errc::message_too_big));
  return line;
}

void socket::drop_line(std::string_view line) noexcept {
  const std::size_t size = line.size() + proto::line_end;
  if (line.empty())
    in_ = {.at = stage::ended, .busy = in_.busy, .size = 0, .fields = 0, .fault = {}};
  else
    in_.at = stage::begun;
  if (in_.at == stage::begun) in_.size += size;
  under_->consume(size);
}

template <class Head>
result<Head> socket::receive_start_line(deadline dl) {
  const use entered(in_);
  if (!entered) return fail(EBUSY);
  if (in_.at == stage::begun) return fail(in_.fault ? in_.fault : os_error(EINVAL));
  const auto line = next_line(dl);
  if (!line) return fail(line.error());
  Head head;
  if (auto parsed = parse_start_line(*line, head); !parsed) return fail(note(parsed.error()));
  drop_line(*line);
  return head;
}

result<request_head> socket::try_receive_request(deadline dl) {
  return receive_head<request_head>(dl);
}

result<response_head> socket::try_receive_response(deadline dl) {
  return receive_head<response_head>(dl);
}

result<request_head> socket::try_receive_request_line(deadline dl) {
  return receive_start_line<request_head>(dl);
}

result<response_head> socket::try_receive_status_line(deadline dl) {
  return receive_start_line<response_head>(dl);
}

result<std::optional<field>> socket::try_receive_field(deadline dl) {
  const use entered(in_);
  if (!entered) return fail(EBUSY);
  if (in_.at == stage::ended) return std::nullopt;
  const auto line = next_line(dl);
  if (!line) return fail(line.error());
  if (line->empty()) {
    drop_line(*line);
    return std::nullopt;
  }
  auto found = parse_field(*line);
  if (!found) return fail(note(found.error()));
  drop_line(*line);
  ++in_.fields;
  return std::optional<field>(std::move(*found));
}

result<void> socket::try_skip(deadline dl) {
  const use entered(in_);
  if (!entered) return fail(EBUSY);
  do {
    const auto line = next_line(dl);
    if (!line) return fail(line.error());
    drop_line(*line);
  } while (in_.at == stage::begun);
  return {};
}

// --- the end ---

result<stream_ptr> socket::try_detach(deadline dl) {
  if (in_.busy || out_.busy) return fail(EBUSY);
  result<void> left;
  if (out_.at == stage::begun) left = try_done(dl);
  if (left && in_.at == stage::begun) left = try_skip(dl);
  if (!left) {
    under_->abort();
    return fail(left.error());
  }
  return std::move(under_);
}

}  // namespace caraway::http
