// mailbox.hpp - items for the coroutines of one thread from any thread.
//
//     mailbox<job> box;                                    // lives on the receiving thread
//     std::thread worker([to = box.address()] { to.post(make_job()); });
//     job j = box.recv(5s);
//
// Items arrive in the order in which they were posted. A receive that timed out or was cancelled
// has taken nothing. The address may be copied and kept by any thread for as long as it likes:
// posting to a mailbox that is closed or gone fails, and does nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway {

namespace lowlevel {

// An item on its way.
struct letter {
  letter* next = nullptr;
  void (*destroy)(letter*) noexcept = nullptr;
};

template <class T>
struct letter_of : letter {
  explicit letter_of(T&& v) : item(std::move(v)) {
    destroy = [](letter* l) noexcept { delete static_cast<letter_of*>(l); };
  }
  T item;
};

// What the mailbox and its addresses share. Safe from any thread but for receive().
class mailbox_state;
std::shared_ptr<mailbox_state> make_mailbox(std::size_t capacity);
// Takes over `l` unless it fails. EAGAIN: full. errc::closed.
result<void> post(mailbox_state& s, letter& l) noexcept;
// Blocks for the next letter, which is the caller's then.
result<letter*> receive(mailbox_state& s, deadline dl) noexcept;
void close(mailbox_state& s);
// No more receiving either; drops what is there.
void abandon(mailbox_state& s) noexcept;
std::size_t size(mailbox_state& s) noexcept;

}  // namespace lowlevel

// Where to post to. From any thread.
template <class T>
class mailbox_address {
 public:
  // An address of nothing: posting fails with errc::closed.
  mailbox_address() noexcept = default;

  // Puts `item` into the mailbox and wakes a receiver. Never blocks. After a failure `item` is as
  // it was. EAGAIN: the mailbox is full. errc::closed: it is closed or gone. ENOMEM; throws
  // std::bad_alloc.
  result<void> try_post(T&& item) const {
    if (!state_) return fail(errc::closed);
    auto l = std::make_unique<lowlevel::letter_of<T>>(std::move(item));
    if (auto r = lowlevel::post(*state_, *l); !r) {
      item = std::move(l->item);
      return r;
    }
    static_cast<void>(l.release());
    return {};
  }
  result<void> try_post(const T& item) const { return try_post(T(item)); }
  void post(T&& item) const { value_or_raise(try_post(std::move(item)), "post"); }
  void post(const T& item) const { post(T(item)); }

 private:
  template <class>
  friend class mailbox;
  explicit mailbox_address(std::shared_ptr<lowlevel::mailbox_state> s) noexcept
      : state_(std::move(s)) {}

  std::shared_ptr<lowlevel::mailbox_state> state_;
};

template <class T>
class mailbox {
 public:
  // No limit on the number of items.
  static constexpr std::size_t unlimited = SIZE_MAX;

  // A mailbox of the calling thread, for at most `capacity` items. Throws std::bad_alloc.
  explicit mailbox(std::size_t capacity = unlimited) : state_(lowlevel::make_mailbox(capacity)) {}
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;
  // Closes it and drops what is in it. Whoever still waits gets ECANCELED.
  ~mailbox() { lowlevel::abandon(*state_); }

  mailbox_address<T> address() const noexcept { return mailbox_address<T>(state_); }

  // Blocks for the next item; on the mailbox's thread, by any number of coroutines, first come
  // first served. ETIMEDOUT and ECANCELED: nothing was taken. errc::end_of_stream: closed and
  // empty.
  result<T> try_recv(deadline dl) {
    auto l = lowlevel::receive(*state_, dl);
    if (!l) return fail(l.error());
    const std::unique_ptr<lowlevel::letter_of<T>> owned(static_cast<lowlevel::letter_of<T>*>(*l));
    return std::move(owned->item);
  }
  T recv(deadline dl = never) { return value_or_raise(try_recv(dl), "receive"); }

  // The next item, or none once the mailbox is closed and empty. Blocks; throws as recv().
  std::optional<T> next(deadline dl = never) {
    auto r = try_recv(dl);
    if (!r && r.error() == make_error_code(errc::end_of_stream)) return std::nullopt;
    return value_or_raise(std::move(r), "receive");
  }

  // Posting fails from now on; what is there can still be received. From any thread.
  void close() { lowlevel::close(*state_); }

  // Items in it.
  std::size_t size() const noexcept { return lowlevel::size(*state_); }

 private:
  std::shared_ptr<lowlevel::mailbox_state> state_;
};

}  // namespace caraway
