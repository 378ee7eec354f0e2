#include "caraway/term.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <optional>
#include <vector>

#include "io/overdue.hpp"
#include "proto/turn.hpp"

namespace caraway::term {
namespace {

class raised {
 public:
  explicit raised(bool& flag) noexcept : flag_(flag) { flag_ = true; }
  raised(const raised&) = delete;
  raised& operator=(const raised&) = delete;
  ~raised() { flag_ = false; }

 private:
  bool& flag_;
};

class term_socket final : public socket {
 public:
  term_socket(message_ptr below, bytes terminator)
      : terminator_(terminator.begin(), terminator.end()),
        small_(terminator.size()),
        below_(std::move(below)) {}

  result<void> try_send(parts ps, deadline dl) override;
  result<bytes> try_recv(deadline dl) override;
  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override;
  result<std::size_t> try_skip(deadline dl) override;
  bool keeps_what_did_not_fit() const noexcept override;
  result<void> try_flush(deadline dl) override;
  result<void> try_done(deadline dl) override;
  result<message_ptr> try_detach(deadline dl) override;
  result<void> try_close(deadline dl) override;
  void abort() noexcept override;

 private:
  bool is_terminator(bytes message) const noexcept {
    return std::ranges::equal(message, terminator_);
  }
  bool is_terminator(parts ps) const noexcept;
  result<void> enter_receive() const noexcept;
  result<void> listen(bytes message) noexcept;
  std::error_code note(std::error_code why) noexcept;
  result<std::size_t> receive_into(mutable_bytes into, deadline dl);
  result<void> receive_small(deadline dl);
  result<std::size_t> skip(deadline dl);
  result<std::size_t> skip_large(deadline dl);
  result<std::size_t> skip_whole(deadline dl);
  result<void> say_goodbye(deadline dl);

  const std::vector<std::byte> terminator_;
  // Receives what may be the terminator when the caller's memory is smaller than that.
  std::vector<std::byte> small_;
  std::optional<std::size_t> held_;  // the size of a message in there that waits for more room
  message_ptr below_;
  proto::turn sending_;
  bool receiving_ = false;
  bool skipping_ = false;  // the next message below is not the terminator, and is to be dropped
  bool leaving_ = false;   // somebody detaches
  bool said_ = false;      // this side's terminator is out
  bool heard_ = false;     // the peer's has come
  bool ended_ = false;
};

// Sending

bool term_socket::is_terminator(parts ps) const noexcept {
  if (total_size(ps) != terminator_.size()) return false;
  bytes rest = terminator_;
  for (bytes p : ps) {
    if (!std::ranges::equal(p, rest.first(p.size()))) return false;
    rest = rest.subspan(p.size());
  }
  return true;
}

result<void> term_socket::try_send(parts ps, deadline dl) {
  if (is_terminator(ps)) return fail(EINVAL);
  if (auto entered = sending_.take(dl, "term send"); !entered) return entered;
  const proto::turn_holder mine(sending_);
  if (ended_ || said_) return fail(errc::closed);
  return below_->try_send(ps, dl);
}

result<void> term_socket::try_flush(deadline dl) {
  if (ended_ || leaving_) return fail(errc::closed);
  if (auto entered = sending_.take(dl, "term send"); !entered) return entered;
  const proto::turn_holder mine(sending_);
  if (ended_) return fail(errc::closed);
  return below_->try_flush(dl);
}

result<void> term_socket::try_done(deadline dl) {
  if (auto entered = sending_.take(dl, "term send"); !entered) return entered;
  const proto::turn_holder mine(sending_);
  if (ended_ || said_) return fail(errc::closed);
  const bytes terminator = terminator_;
  auto sent = below_->try_send(parts(&terminator, 1), dl);
  said_ = sent.has_value();
  return sent;
}

// Receiving

result<void> term_socket::enter_receive() const noexcept {
  if (ended_) return fail(errc::closed);
  if (receiving_) return fail(EBUSY);
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  if (heard_) return fail(errc::end_of_stream);
  return {};
}

// What came from below: a message, or the end.
result<void> term_socket::listen(bytes message) noexcept {
  heard_ = is_terminator(message);
  if (heard_) return fail(errc::end_of_stream);
  return {};
}

// Without a terminator the end is no end.
std::error_code term_socket::note(std::error_code why) noexcept {
  return why == errc::end_of_stream ? os_error(ECONNRESET) : why;
}

result<bytes> term_socket::try_recv(deadline dl) {
  if (auto entered = enter_receive(); !entered) return fail(entered.error());
  const raised here(receiving_);
  if (held_) return bytes(small_).first(*std::exchange(held_, std::nullopt));
  skipping_ = false;
  const auto message = below_->try_recv(dl);
  if (!message) return fail(note(message.error()));
  if (auto more = listen(*message); !more) return fail(more.error());
  return message;
}

result<std::size_t> term_socket::try_recv_into(mutable_bytes into, deadline dl) {
  if (auto entered = enter_receive(); !entered) return fail(entered.error());
  const raised here(receiving_);
  if (!held_ && into.size() >= small_.size()) return receive_into(into, dl);
  if (!held_)
    if (auto received = receive_small(dl); !received) return fail(received.error());
  if (*held_ > into.size()) return fail(EMSGSIZE);
  const bytes message = bytes(small_).first(*std::exchange(held_, std::nullopt));
  std::ranges::copy(message, into.begin());
  return message.size();
}

result<std::size_t> term_socket::receive_into(mutable_bytes into, deadline dl) {
  skipping_ = false;
  const auto n = below_->try_recv_into(into, dl);
  if (!n) return fail(note(n.error()));
  if (auto more = listen(into.first(*n)); !more) return fail(more.error());
  return n;
}

result<void> term_socket::receive_small(deadline dl) {
  const auto n = receive_into(small_, dl);
  if (!n) return fail(n.error());
  held_ = *n;
  return {};
}

result<std::size_t> term_socket::try_skip(deadline dl) {
  if (auto entered = enter_receive(); !entered) return fail(entered.error());
  const raised here(receiving_);
  return skip(dl);
}

// A message that is larger than the terminator need not be looked at.
result<std::size_t> term_socket::skip(deadline dl) {
  if (held_) return *std::exchange(held_, std::nullopt);
  if (skipping_) return skip_large(dl);
  if (!below_->keeps_what_did_not_fit()) return skip_whole(dl);
  const auto n = receive_into(small_, dl);
  if (n || ended_ || n.error() != std::errc::message_size) return n;
  skipping_ = true;
  return skip_large(dl);
}

result<std::size_t> term_socket::skip_large(deadline dl) {
  const auto n = below_->try_skip(dl);
  if (!n) return fail(note(n.error()));
  skipping_ = false;
  return n;
}

// Where a message that does not fit is gone, it takes room for any to see whether it is the terminator.
// Only as much as one needs becomes memory.
result<std::size_t> term_socket::skip_whole(deadline dl) {
  constexpr std::size_t most = 16 << 20;
  const std::size_t size = std::max(most, small_.size());
  const std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[size]);
  if (memory == nullptr) return fail(ENOMEM);
  return receive_into({memory.get(), size}, dl);
}

bool term_socket::keeps_what_did_not_fit() const noexcept {
  return below_ == nullptr || below_->keeps_what_did_not_fit();
}

// The end

result<message_ptr> term_socket::try_detach(deadline dl) {
  if (ended_) return fail(errc::closed);
  if (receiving_ || sending_.taken()) return fail(EBUSY);
  const raised here(receiving_);
  const raised away(leaving_);
  const auto parted = say_goodbye(dl);
  if (ended_) return fail(ECANCELED);
  if (!parted) {
    abort();
    return fail(parted.error());
  }
  ended_ = true;
  return std::move(below_);
}

// Both have said their last word after this.
result<void> term_socket::say_goodbye(deadline dl) {
  if (!said_)
    if (auto done = try_done(dl); !done) return done;
  for (bool waited = false; !heard_; waited = true) {
    if (ended_) return fail(ECANCELED);
    if (waited && io::overdue(dl)) return fail(ETIMEDOUT);
    if (const auto dropped = skip(dl); !dropped && !heard_) return fail(dropped.error());
  }
  return below_->try_flush(dl);
}

result<void> term_socket::try_close(deadline dl) {
  if (ended_) return fail(errc::closed);
  const auto done = said_ ? result<void>() : try_done(dl);
  if (ended_) return fail(ECANCELED);
  ended_ = true;
  sending_.break_off(ECANCELED);
  const auto closed = below_->try_close(dl);
  return done ? closed : done;
}

void term_socket::abort() noexcept {
  if (below_ == nullptr) return;
  ended_ = true;
  below_->abort();
  sending_.break_off(ECANCELED);
}

}  // namespace

result<socket_ptr> try_attach(message_ptr below, bytes terminator) noexcept try {
  return std::make_unique<term_socket>(std::move(below), terminator);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway::term
