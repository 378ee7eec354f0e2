// guest.hpp - a coroutine that is inside a call on the object of a handle, which may be closed meanwhile.
//
// An object may be in memory of the program's, which is the program's again as soon as the handle is
// closed, while those who were blocked in it still have to run. So what they are blocked in, a stream
// for example, is not part of the object: the object has a pointer P to it. Closing leaves that to the
// guests, the last of whom to go destroys it, and tells them that the object is gone. They stand in a
// list from their own stacks, so nothing is allocated, and closing cannot fail.
//
//     guest<stream_ptr> here;
//     here.enter(s.inside);
//     stream& blocked_in = *s.stream;
//     const int code = receive(blocked_in);
//     if (!here.gone()) s.code = code;
#pragma once

#include <utility>

#include "caraway/list.hpp"

namespace caraway::capi {

template <class P>
class guest : public list_node {
 public:
  guest() noexcept = default;
  guest(const guest&) = delete;
  guest& operator=(const guest&) = delete;
  ~guest() { leave_to(others_, std::move(kept_)); }

  // Stays in `guests` until the end. Not inlined, for GCC does not see that, and warns.
  [[gnu::noinline]] void enter(list<guest>& guests) noexcept { guests.push_back(*this); }

  // The handle was closed; its object must not be touched.
  bool gone() const noexcept { return gone_; }

  // For the end of an object: its guests get `whole`. Without any it is destroyed.
  static void leave_to(list<guest>& guests, P whole) noexcept {
    if (guests.empty()) return;
    guest& heir = guests.pop_front();
    heir.gone_ = true;
    heir.kept_ = std::move(whole);
    guests.for_each([](guest& g) { g.gone_ = true; });
    heir.others_.splice_back(guests);
  }

 private:
  bool gone_ = false;
  // Of the one whom all was left to.
  P kept_{};
  list<guest> others_;
};

}  // namespace caraway::capi
