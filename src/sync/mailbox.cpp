// mailbox.cpp - how items cross threads.
//
// Letters stand in a list under a mutex. A receiver that finds none parks and sets `armed`; the
// first post after that sends one function to the inbox of the receiver's thread, and clears it, so
// that a busy mailbox costs no wake-ups. The function runs on the receiver's thread, outside any
// coroutine, and hands letters to receivers directly: a receiver that was woken has its letter,
// whatever happens to it before it runs.
#include "caraway/mailbox.hpp"

#include <cerrno>
#include <mutex>
#include <new>

#include "runtime/scheduler.hpp"
#include "sync/queue.hpp"

namespace caraway::lowlevel {

class mailbox_state : public std::enable_shared_from_this<mailbox_state> {
 public:
  explicit mailbox_state(std::size_t capacity)
      : capacity_(capacity), home_(runtime::scheduler::current().inbox()) {}
  ~mailbox_state() { drop_all(); }

  result<void> post(letter& l);
  result<letter*> receive(deadline dl) noexcept;
  void close();
  void abandon() noexcept;
  std::size_t size() noexcept {
    const std::lock_guard lock(mutex_);
    return size_;
  }

 private:
  struct receiver : waiter {
    letter* received = nullptr;
  };

  bool ring();
  void deliver() noexcept;
  letter* pop() noexcept;
  void drop_all() noexcept;

  std::mutex mutex_;
  letter* first_ = nullptr;
  letter* last_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_;
  bool armed_ = false;
  bool closed_ = false;
  std::shared_ptr<runtime::inbox> home_;
  wait_queue receivers_;  // of the owner's thread, without the mutex
};

// Has deliver() called on the owner's thread if somebody waits there. False if that thread is gone.
bool mailbox_state::ring() {
  if (!armed_) return true;
  if (!home_->post([self = shared_from_this()] { self->deliver(); })) return false;
  armed_ = false;
  return true;
}

result<void> mailbox_state::post(letter& l) {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(errc::closed);
  if (size_ >= capacity_) return fail(EAGAIN);
  if (!ring()) return fail(errc::closed);
  l.next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = &l;
  last_ = &l;
  ++size_;
  return {};
}

letter* mailbox_state::pop() noexcept {
  letter* l = first_;
  if (l == nullptr) return nullptr;
  first_ = l->next;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return l;
}

void mailbox_state::deliver() noexcept {
  const std::lock_guard lock(mutex_);
  while (!receivers_.empty() && size_ != 0) {
    auto& r = static_cast<receiver&>(receivers_.front());
    r.received = pop();
    wake(r);
  }
  if (closed_) sync::wake_all(receivers_, EPIPE);
  armed_ = !receivers_.empty();
}

result<letter*> mailbox_state::receive(deadline dl) noexcept {
  if (cancel_pending()) return fail(ECANCELED);
  {
    const std::lock_guard lock(mutex_);
    if (receivers_.empty()) {
      if (letter* l = pop(); l != nullptr) return l;
      if (closed_) return fail(errc::end_of_stream);
    }
    armed_ = true;
  }
  receiver self;
  operation op("mailbox receive");
  op.add(self);
  receivers_.push_back(self);
  const int code = op.park(dl);
  if (code == 0) return self.received;
  return code == EPIPE ? fail(errc::end_of_stream) : fail(code);
}

void mailbox_state::close() {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  ring();
  closed_ = true;
}

void mailbox_state::abandon() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  drop_all();
  sync::wake_all(receivers_, ECANCELED);
}

void mailbox_state::drop_all() noexcept {
  for (;;) {
    letter* l = nullptr;
    {
      const std::lock_guard lock(mutex_);
      l = pop();
    }
    if (l == nullptr) return;
    l->destroy(l);
  }
}

std::shared_ptr<mailbox_state> make_mailbox(std::size_t capacity) {
  return std::make_shared<mailbox_state>(capacity);
}

result<void> post(mailbox_state& s, letter& l) noexcept {
  try {
    return s.post(l);
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
}

result<letter*> receive(mailbox_state& s, deadline dl) noexcept {
  return s.receive(dl);
}

void close(mailbox_state& s) {
  s.close();
}

void abandon(mailbox_state& s) noexcept {
  s.abandon();
}

std::size_t size(mailbox_state& s) noexcept {
  return s.size();
}

}  // namespace caraway::lowlevel
