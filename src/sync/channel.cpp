#include "caraway/channel.hpp"

#include <cerrno>
#include <new>

#include "sync/queue.hpp"

namespace caraway::lowlevel {
namespace {

int wait_with(void* item, wait_queue& q, const char* what, deadline dl) noexcept {
  channel_waiter w;
  w.item = item;
  operation op(what);
  op.add(w);
  q.push_back(w);
  return op.park(dl);
}

std::size_t bytes_for(std::size_t capacity, std::size_t item_size) {
  std::size_t n = 0;
  if (__builtin_mul_overflow(capacity, item_size, &n)) throw std::bad_array_new_length();
  return n;
}

}  // namespace

channel_core::channel_core(std::size_t capacity, std::size_t item_size)
    : item_size_(item_size), capacity_(capacity) {
  if (capacity != 0) slots_.reset(new std::byte[bytes_for(capacity, item_size)]);
}

channel_core::~channel_core() {
  sync::wake_all(senders_, ECANCELED);
  sync::wake_all(receivers_, ECANCELED);
}

int channel_core::wait_to_send(void* item, deadline dl) noexcept {
  return wait_with(item, senders_, "channel send", dl);
}

int channel_core::wait_to_receive(void* into, deadline dl) noexcept {
  return wait_with(into, receivers_, "channel receive", dl);
}

void channel_core::close() noexcept {
  closed_ = true;
  sync::wake_all(senders_, EPIPE);
  sync::wake_all(receivers_, EPIPE);
}

}  // namespace caraway::lowlevel
