// ws_liveness.hpp - what a WebSocket has to do by itself, and when: ask a silent peer for a sign of
// life, give it up, close an idle conversation, listen where nobody does.
//
// Only decides: it is told the time and what is to be seen, and says what is due and when to look
// again. In between, each event costs the store of a time.
//
//     heard |<- ping_after ->| ping |<- answer_within ->| give up
//
// A peer is only given up while somebody listens to it; otherwise the silence is ours.
#pragma once

#include <cstddef>

#include "caraway/deadline.hpp"
#include "caraway/ws_limits.hpp"

namespace caraway::ws {

class liveness {
 public:
  // So long nobody has to receive before somebody listens in the receiver's place.
  static constexpr std::chrono::milliseconds grace{100};
  // So long a peer has to answer when an idle conversation is closed.
  static constexpr std::chrono::seconds goodbye_patience{5};

  liveness(const limits& l, time_point now) noexcept;

  // Bytes came.
  void heard(time_point now) noexcept { heard_ = now; }
  // A message came or went.
  void message(time_point now) noexcept { message_ = now; }
  // A receive has ended. True if look() has to be called at next_look(), which is new.
  bool left(time_point now) noexcept {
    left_ = now;
    if (watching_ || !alive()) return false;
    watching_ = true;
    next_ = next_ < now + grace ? next_ : now + grace;
    return true;
  }

  // What is to be seen of the conversation.
  struct view {
    bool listening = false;    // somebody receives
    bool may_listen = false;   // somebody could
    bool open = true;          // pings may be sent
    std::size_t buffered = 0;  // bytes received and not used
    std::size_t leaving = 0;   // bytes written and not with the kernel
  };
  struct duties {
    bool ping = false;
    bool listen = false;
    bool close_idle = false;
    bool give_up = false;
  };
  duties look(time_point now, const view& v) noexcept;

  // How long a ping may take to go out.
  std::chrono::milliseconds patience() const noexcept { return settings_.answer_within; }

  // time_point::max(): not until left() says so.
  time_point next_look() const noexcept { return next_; }

 private:
  static constexpr time_point none = time_point::max();

  bool alive() const noexcept { return settings_ != keepalive_off; }
  void look_for_life(time_point now, const view& v, duties& due) noexcept;
  void look_for_messages(time_point now, duties& due) noexcept;
  void look_for_listeners(time_point now, const view& v, duties& due) noexcept;
  void by(time_point at) noexcept { next_ = at < next_ ? at : next_; }

  keepalive settings_;
  std::chrono::milliseconds idle_;
  time_point heard_;
  time_point message_;
  time_point left_;
  time_point asked_ = none;    // for a sign of life that has not come
  time_point goodbye_ = none;  // when the idle conversation was closed
  time_point next_ = none;
  std::size_t buffered_ = 0;
  std::size_t leaving_ = 0;
  bool watching_ = false;  // whether anybody receives
};

}  // namespace caraway::ws
