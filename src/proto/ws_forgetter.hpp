// ws_forgetter.hpp - lets go of a socket's compressor when nothing compressed was sent for a while.
#pragma once

#include <algorithm>
#include <chrono>

#include "caraway/ws_connection.hpp"
#include "proto/ws_socket_impl.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::ws {

// Rings at most once in `after`, however much is sent.
class socket::impl::forgetter final : private runtime::alarm {
 public:
  forgetter(runtime::scheduler& home, connection& c, std::chrono::milliseconds after) noexcept
      : home_(home), connection_(c), after_(std::min(after, std::chrono::milliseconds(longest))) {}
  ~forgetter() { home_.unset(*this); }

  // A compressed message, or a piece of one, was sent.
  void sent() noexcept {
    last_ = home_.turn();
    if (set_ || after_.count() == 0) return;
    set_ = true;
    home_.set(*this, last_ + after_);
  }

 private:
  static constexpr std::chrono::hours longest{24 * 365};

  void rang() noexcept override {
    set_ = home_.turn() < last_ + after_;
    if (set_)
      home_.set(*this, last_ + after_);
    else if (connection_.remembers_sent())
      connection_.forget_sent();
  }

  runtime::scheduler& home_;
  connection& connection_;
  std::chrono::milliseconds after_;
  time_point last_;
  bool set_ = false;
};

}  // namespace caraway::ws
