// listener.hpp - a listener of the core behind a handle: what tcp and ipc have in common.
#pragma once

#include "capi/handle.hpp"

namespace caraway::capi {

// Listener is tcp::listener or local::listener; `Kind` is the type its handle answers to. Closing
// the handle wakes the coroutine that accepts, whose call has a reference of its own.
template <class Listener>
struct listener_object final : object {
  struct state {
    Listener listener;
    bool accepting = false;
  };

  const void* kind = nullptr;
  std::shared_ptr<state> shared;

  listener_object() noexcept {
    query = [](dill_hvfs* vfs, const void* type) -> void* {
      auto* o = static_cast<listener_object*>(vfs);
      if (type == o->kind) return o;
      errno = ENOTSUP;
      return nullptr;
    };
    close = [](dill_hvfs* vfs) {
      auto& o = *static_cast<listener_object*>(vfs);
      o.shared->listener.close();
      destroy(o);
    };
  }

  // The next connection; EBUSY if another coroutine accepts.
  auto accept(deadline dl) noexcept -> decltype(shared->listener.try_accept(dl)) {
    const std::shared_ptr<state> s = shared;
    if (s->accepting) return fail(EBUSY);
    s->accepting = true;
    auto accepted = s->listener.try_accept(dl);
    s->accepting = false;
    return accepted;
  }
};

// Makes the handle of a listener, in `memory` unless that is nullptr; -1 and errno, then the
// listener is gone.
template <class Listener, class Storage>
int make_listener(Listener l, const void* kind, Storage* memory) noexcept {
  using object_type = listener_object<Listener>;
  object_type* made = create<object_type>(memory);
  if (made == nullptr) return outcome(ENOMEM);
  made->kind = kind;
  const int code = without_exceptions([&] {
    made->shared = std::make_shared<typename object_type::state>(std::move(l));
    return 0;
  });
  const int h = code == 0 ? make_handle(*made) : outcome(code);
  if (h < 0) destroy(*made);
  return h;
}

}  // namespace caraway::capi
