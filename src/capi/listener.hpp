// listener.hpp - a listener of the core behind a handle: what tcp and ipc have in common.
#pragma once

#include "capi/guest.hpp"
#include "capi/handle.hpp"

namespace caraway::capi {

// Listener is tcp::listener or local::listener, which may go while somebody accepts; `kind` is the type
// its handle answers to. Closing the handle wakes the coroutine that accepts.
template <class Listener>
struct listener_object final : object {
  const void* kind = nullptr;
  Listener listener;
  list<guest<std::nullptr_t>> accepting;  // one at most

  listener_object() noexcept {
    query = [](dill_hvfs* vfs, const void* type) -> void* {
      auto* o = static_cast<listener_object*>(vfs);
      if (type == o->kind) return o;
      errno = ENOTSUP;
      return nullptr;
    };
    close = [](dill_hvfs* vfs) {
      auto& o = *static_cast<listener_object*>(vfs);
      o.listener.close();
      guest<std::nullptr_t>::leave_to(o.accepting, nullptr);
      destroy(o);
    };
  }

  // The next connection; EBUSY if another coroutine accepts.
  auto accept(deadline dl) noexcept -> decltype(listener.try_accept(dl)) {
    if (!accepting.empty()) return fail(EBUSY);
    guest<std::nullptr_t> here;
    here.enter(accepting);
    return listener.try_accept(dl);
  }
};

// Makes the handle of a listener, in `memory` unless that is nullptr; -1 and errno, then the
// listener is gone.
template <class Listener, class Storage>
int make_listener(Listener l, const void* kind, Storage* memory) noexcept {
  using object_type = listener_object<Listener>;
  object_type* made = create<object_type>(memory);
  int h = outcome(ENOMEM);
  if (made != nullptr) {
    made->kind = kind;
    made->listener = std::move(l);
    h = make_handle(*made);
  }
  if (h >= 0) return h;
  // The end of a listener may change errno.
  const int code = errno;
  if (made != nullptr) destroy(*made);
  l = Listener();
  return outcome(code);
}

}  // namespace caraway::capi
