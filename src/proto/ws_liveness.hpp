// ws_liveness.hpp - what a WebSocket has to do by itself, and when: ask a silent peer for a sign of
// life, give it up, close an idle conversation, listen where nobody does.
//
// Only decides: it is told the time and what is to be seen, and says what is due and when to look
// again. In between, each event costs the store of a time.
//
//     heard |<- ping_after ->| ping |<- answer_within ->| give up
//
// A peer is only given up for its silence while somebody listens to it; otherwise the silence is
// ours. It gets its pings all the same, one every ping_after, so that it and whatever is in between
// see life. What can be seen of it then is whether it takes in what was sent: if bytes wait for it at
// a ping and none of them has moved answer_within later, it is given up too.
//
// A look that comes late found the thread busy with something else, and what the peer has said
// meanwhile is still with the kernel: whatever is due then is due at the next look.
#pragma once

#include <cstddef>
#include <cstdint>

#include "caraway/deadline.hpp"
#include "caraway/ws_limits.hpp"

namespace caraway::ws {

class liveness {
 public:
  // So long nobody has to receive before somebody listens in the receiver's place.
  static constexpr std::chrono::milliseconds grace{100};
  // So long a peer has to answer when an idle conversation is closed, and to end the transport.
  static constexpr std::chrono::seconds goodbye_patience{5};
  // So long the caller has to end the transport when the conversation is over. Clients wait longer.
  static constexpr std::chrono::milliseconds after_the_end{500};

  liveness(const limits& l, time_point now) noexcept;

  // False with keepalive_off: nothing is received that nobody asked for.
  bool on() const noexcept { return settings_ != keepalive_off; }

  // Bytes came.
  void heard(time_point now) noexcept { heard_ = now; }
  // A message came or went, or more of one.
  void message(time_point now) noexcept { message_ = now; }
  // A receive has ended. True if look() has to be called at next_look(), which is new.
  bool left(time_point now) noexcept {
    left_ = now;
    if (watching_ || !on()) return false;
    watching_ = true;
    next_ = next_ < now + grace ? next_ : now + grace;
    return true;
  }

  // What is to be seen of the conversation.
  struct view {
    bool listening = false;     // somebody receives
    bool may_listen = false;    // somebody could
    bool open = true;           // pings may be sent
    std::size_t buffered = 0;   // bytes received and not used
    std::size_t leaving = 0;    // bytes written and not with the kernel
    std::uint64_t written = 0;  // bytes in all, as far as it was counted
  };
  struct duties {
    bool ping = false;
    bool listen = false;
    bool close_idle = false;
    bool give_up = false;
  };
  duties look(time_point now, const view& v) noexcept;

  // Whether the peer still has to be given up, when somebody gets round to it.
  bool lost(time_point now, const view& v) const noexcept;
  // Whether a message came before the idle conversation was closed; then it goes on.
  bool revived() noexcept;
  // There is nothing to look for until left() says so.
  void rest() noexcept {
    watching_ = false;
    next_ = none;
  }

  // How long a ping may take to go out.
  std::chrono::milliseconds patience() const noexcept { return settings_.answer_within; }

  // time_point::max(): not until left() says so.
  time_point next_look() const noexcept { return next_; }

 private:
  static constexpr time_point none = time_point::max();

  bool deaf(const view& v) const noexcept { return !v.listening && !watching_; }
  bool output_moved(const view& v) const noexcept;
  time_point question(const view& v) const noexcept { return deaf(v) ? stuck_ : asked_; }
  void look_for_listeners(time_point now, const view& v, duties& due) noexcept;
  void look_for_life(time_point now, const view& v, duties& due) noexcept;
  void ask(time_point now, const view& v) noexcept;
  void look_for_messages(time_point now, const view& v, duties& due) noexcept;
  void by(time_point at) noexcept { next_ = at < next_ ? at : next_; }
  bool has_come(time_point at, time_point now) noexcept;

  keepalive settings_;
  std::chrono::milliseconds idle_;
  time_point heard_;
  time_point pinged_;
  time_point message_;
  time_point left_;
  time_point asked_ = none;    // for a sign of life that has not come
  time_point stuck_ = none;    // when nobody listened and bytes were waiting that wait still
  time_point goodbye_ = none;  // when the idle conversation was closed
  time_point next_ = none;
  std::size_t buffered_ = 0;
  std::size_t leaving_ = 0;
  std::uint64_t written_ = 0;
  bool watching_ = false;  // whether anybody receives
  bool late_ = false;
};

}  // namespace caraway::ws
