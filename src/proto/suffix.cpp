// suffix.cpp - messages that end with a delimiter.
//
// A message stays in the buffer of the stream below until it is whole; only what is dropped is
// consumed as it comes.
#include "caraway/suffix.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>

#include "codec/delimiter.hpp"
#include "io/overdue.hpp"
#include "proto/record_socket.hpp"

namespace caraway::suffix {
namespace {

static_assert(max_delimiter == codec::max_delimiter);

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

class socket final : public proto::record_socket {
 public:
  socket(stream_ptr below, const options& o) noexcept
      : record_socket(std::move(below)), search_(codec::delimiter(o.delimiter)), limit_(o.limit) {}

  result<void> try_send(parts ps, deadline dl) override;

 protected:
  result<bytes> receive(deadline dl) override;
  result<std::size_t> receive_into(mutable_bytes into, deadline dl) override;
  result<std::size_t> drop(deadline dl) override;
  bool is_half_taken() const noexcept override { return dropping_; }

 private:
  std::size_t delimiter_size() const noexcept { return search_.wanted().size(); }
  result<std::size_t> await_end(std::size_t room, deadline dl);
  result<std::size_t> find_end(std::size_t room, deadline dl);
  void pass_over() noexcept;

  codec::delimiter_search search_;
  const std::size_t limit_;
  bool dropping_ = false;    // the beginning of the message is gone already
  std::size_t dropped_ = 0;  // so much of it
};

result<void> socket::try_send(parts ps, deadline dl) {
  if (!codec::ends_where_it_should(ps, search_.wanted())) return fail(EINVAL);
  const bytes end = search_.wanted().text();
  return put({}, ps, parts(&end, 1), dl);
}

// The size of the next message that is not dropped, once all of it is buffered.
result<std::size_t> socket::await_end(std::size_t room, deadline dl) {
  if (dropping_)
    if (auto dropped = drop(dl); !dropped) return dropped;
  return find_end(room, dl);
}

// What came is looked at also after a failure: it may be too much already.
result<std::size_t> socket::find_end(std::size_t room, deadline dl) {
  const std::size_t most = std::min(room, limit_);
  std::error_code why;
  for (bool waited = false;; waited = true) {
    const bytes seen = below().buffered();
    const auto end = search_.find(seen);
    const std::size_t size = end.value_or(seen.size() - search_.open());
    if (size > most) return room < limit_ ? fail(EMSGSIZE) : fail(errc::message_too_big);
    if (end) return size;
    if (why) return fail(why);
    if (waited && io::overdue(dl)) return fail(ETIMEDOUT);
    if (auto more = fill(seen.size() + search_.need(), dl); !more) why = more.error();
  }
}

result<bytes> socket::receive(deadline dl) {
  const auto size = await_end(unlimited, dl);
  if (!size) return fail(size.error());
  search_.restart();
  return show(0, *size, delimiter_size());
}

result<std::size_t> socket::receive_into(mutable_bytes into, deadline dl) {
  const auto size = await_end(into.size(), dl);
  if (!size) return size;
  search_.restart();
  std::ranges::copy(below().buffered().first(*size), into.begin());
  below().consume(*size + delimiter_size());
  return size;
}

// A peer that never stops sending does not move the deadline.
result<std::size_t> socket::drop(deadline dl) {
  for (bool waited = false;; waited = true) {
    const auto end = search_.find(below().buffered());
    if (end) {
      search_.restart();
      below().consume(*end + delimiter_size());
      dropping_ = false;
      return std::exchange(dropped_, 0) + *end;
    }
    pass_over();
    if (waited && io::overdue(dl)) return fail(ETIMEDOUT);
    const std::size_t more = below().buffered().size() + search_.need();
    if (auto seen = fill(more, dl); !seen) return fail(seen.error());
  }
}

// Consumes what cannot be part of the delimiter.
void socket::pass_over() noexcept {
  const std::size_t n = below().buffered().size() - search_.open();
  if (n == 0) return;
  below().consume(n);
  dropped_ += n;
  dropping_ = true;
  search_.pass(n);
}

}  // namespace

result<record_ptr> try_attach(stream_ptr below, const options& o) noexcept {
  if (o.delimiter.empty() || o.delimiter.size() > max_delimiter) return fail(EINVAL);
  record_ptr made(new (std::nothrow) socket(std::move(below), o));
  if (made == nullptr) return fail(ENOMEM);
  return made;
}

}  // namespace caraway::suffix
