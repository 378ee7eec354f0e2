// channel.hpp - a queue of typed items between coroutines of one thread.
//
//     channel<int> numbers;                      // capacity 0: a hand-over, both sides meet
//     group.go([&] { for (int i : {1, 2, 3}) numbers.send(i); numbers.close(); });
//     while (auto n = numbers.next()) use(*n);
//
// First come, first served on both sides. An item is never lost: after a send that failed it is
// still the sender's, after a receive that failed it is still in the channel. close() ends the flow
// in order: receivers get what is there first, then errc::end_of_stream; senders get errc::closed.
//
// T must be movable without throwing. mailbox.hpp crosses threads.
#pragma once

#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/wait.hpp"

namespace caraway {

namespace lowlevel {

// A sender or receiver that waits. `item` is what the sender gives (to be moved from), or memory of
// the receiver's to construct the item in.
struct channel_waiter : waiter {
  void* item = nullptr;
};

// What a channel is without the type of its items: a ring of slots and who waits.
class channel_core {
 public:
  channel_core(std::size_t capacity, std::size_t item_size);
  channel_core(const channel_core&) = delete;
  channel_core& operator=(const channel_core&) = delete;
  // Whoever still waits gets ECANCELED. The items are gone already.
  ~channel_core();

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept { return size_; }
  bool closed() const noexcept { return closed_; }

  // The slot of the oldest item, and the one the next item goes to.
  void* front() const noexcept { return slots_.get() + first_ * item_size_; }
  void* back() const noexcept {
    const std::size_t i = first_ + size_;
    return slots_.get() + (i < capacity_ ? i : i - capacity_) * item_size_;
  }
  void pushed() noexcept { ++size_; }
  void popped() noexcept {
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
    --size_;
  }

  channel_waiter* sender() noexcept { return first_of(senders_); }
  channel_waiter* receiver() noexcept { return first_of(receivers_); }
  void add_sender(channel_waiter& w) noexcept { senders_.push_back(w); }
  void add_receiver(channel_waiter& w) noexcept { receivers_.push_back(w); }

  // Blocks as a sender or receiver of `item`. 0: the other side has moved the item. ETIMEDOUT,
  // ECANCELED, EPIPE: closed meanwhile.
  int wait_to_send(void* item, deadline dl) noexcept;
  int wait_to_receive(void* into, deadline dl) noexcept;

  void close() noexcept;

 private:
  static channel_waiter* first_of(wait_queue& q) noexcept {
    return q.empty() ? nullptr : &static_cast<channel_waiter&>(q.front());
  }

  wait_queue senders_;
  wait_queue receivers_;
  std::unique_ptr<std::byte[]> slots_;
  std::size_t item_size_;
  std::size_t capacity_;
  std::size_t size_ = 0;
  std::size_t first_ = 0;
  bool closed_ = false;
};

// Memory for one T that may or may not be there.
template <class T>
struct item_slot {
  item_slot() noexcept {}
  ~item_slot() {}
  // Moves the item out; the slot is empty afterwards.
  T take() noexcept {
    T v = std::move(item);
    item.~T();
    return v;
  }
  union {
    T item;
  };
};

}  // namespace lowlevel

template <class T>
class channel {
  static_assert(std::is_object_v<T> && std::is_nothrow_move_constructible_v<T>,
                "items of a channel are moved, which must not throw");
  static_assert(alignof(T) <= alignof(std::max_align_t), "items need too much alignment");

 public:
  using value_type = T;

  // Room for `capacity` items nobody has asked for yet. Throws std::bad_alloc.
  explicit channel(std::size_t capacity = 0) : core_(capacity, sizeof(T)) {}
  // Drops the items in it. Whoever still waits gets ECANCELED.
  ~channel() {
    while (core_.size() != 0) {
      static_cast<T*>(core_.front())->~T();
      core_.popped();
    }
  }

  // Blocks until a receiver took the item or there was room for it. After a failure `item` is as it
  // was. ETIMEDOUT, ECANCELED, errc::closed.
  result<void> try_send(T&& item, deadline dl) {
    if (lowlevel::cancel_pending()) return fail(ECANCELED);
    if (core_.closed()) return fail(errc::closed);
    if (offer(item)) return {};
    return sent(core_.wait_to_send(&item, dl));
  }
  result<void> try_send(const T& item, deadline dl) { return try_send(T(item), dl); }
  void send(T&& item, deadline dl = never) {
    value_or_raise(try_send(std::move(item), dl), "send");
  }
  void send(const T& item, deadline dl = never) { send(T(item), dl); }

  // Blocks for the next item. ETIMEDOUT, ECANCELED; errc::end_of_stream once the channel is closed
  // and empty.
  result<T> try_recv(deadline dl) {
    lowlevel::item_slot<T> slot;
    if (lowlevel::cancel_pending()) return fail(ECANCELED);
    if (!take(&slot.item)) {
      if (core_.closed()) return fail(errc::end_of_stream);
      if (const int code = core_.wait_to_receive(&slot.item, dl)) return received(code);
    }
    return slot.take();
  }
  T recv(deadline dl = never) { return value_or_raise(try_recv(dl), "receive"); }

  // The next item, or none once the channel is closed and empty. Blocks; throws as recv().
  std::optional<T> next(deadline dl = never) {
    auto r = try_recv(dl);
    if (!r && r.error() == make_error_code(errc::end_of_stream)) return std::nullopt;
    return value_or_raise(std::move(r), "receive");
  }

  // Nothing more will be sent. Wakes who waits. Nothing happens the second time. Does not block.
  void close() noexcept { core_.close(); }
  bool closed() const noexcept { return core_.closed(); }

  // Items in the channel; blocked senders not counted.
  std::size_t size() const noexcept { return core_.size(); }
  std::size_t capacity() const noexcept { return core_.capacity(); }

  // The steps of sending and receiving, for select. offer() moves `item` on if nobody has to wait
  // for that, take() constructs an item in `into`; false and nothing done if it is not possible
  // now.
  bool offer(T& item) noexcept {
    if (lowlevel::channel_waiter* r = core_.receiver()) {
      ::new (r->item) T(std::move(item));
      lowlevel::wake(*r);
      return true;
    }
    if (core_.size() == core_.capacity()) return false;
    ::new (core_.back()) T(std::move(item));
    core_.pushed();
    return true;
  }
  bool take(void* into) noexcept {
    lowlevel::channel_waiter* s = core_.sender();
    if (core_.size() == 0) {
      if (s == nullptr) return false;
      ::new (into) T(std::move(*static_cast<T*>(s->item)));
    } else {
      move_front(into);
      if (s == nullptr) return true;
      ::new (core_.back()) T(std::move(*static_cast<T*>(s->item)));
      core_.pushed();
    }
    lowlevel::wake(*s);
    return true;
  }
  static result<void> sent(int code) noexcept {
    if (code == 0) [[likely]]
      return {};
    return code == EPIPE ? fail(errc::closed) : fail(code);
  }
  static std::unexpected<std::error_code> received(int code) noexcept {
    return code == EPIPE ? fail(errc::end_of_stream) : fail(code);
  }
  lowlevel::channel_core& core() noexcept { return core_; }

 private:
  void move_front(void* into) noexcept {
    T* front = static_cast<T*>(core_.front());
    ::new (into) T(std::move(*front));
    front->~T();
    core_.popped();
  }

  lowlevel::channel_core core_;
};

}  // namespace caraway
