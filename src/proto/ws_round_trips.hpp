// ws_round_trips.hpp - which pings are on their way, and how long their pongs took.
//
// A pong answers the newest ping with its payload; those sent before that are answered by it too
// (5.5.3). Holds memory only while a ping is out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "caraway/bytes.hpp"
#include "caraway/deadline.hpp"
#include "caraway/wait.hpp"
#include "caraway/ws_frame.hpp"
#include "caraway/ws_socket.hpp"

namespace caraway::ws {

class round_trips {
 public:
  round_trips() noexcept;
  round_trips(const round_trips&) = delete;
  round_trips& operator=(const round_trips&) = delete;
  ~round_trips();

  // A ping with `payload` is about to be sent; a number for it, 0 if there is no memory to remember
  // it. Beyond the newest `most` pings the oldest are forgotten.
  std::uint64_t sent(bytes payload, time_point now) noexcept;
  // It was not sent after all.
  void forget(std::uint64_t number) noexcept;
  // A pong came: how long it took, nothing if it answers no ping. Those who wait for its ping, or for
  // an older one, are woken.
  std::optional<nanoseconds> answered(bytes payload, time_point now) noexcept;

  // Blocks until ping `number` was answered: how long that took, or if that was before the call, what
  // was measured last. ETIMEDOUT, ECANCELED, or the code of break_off().
  result<nanoseconds> wait(std::uint64_t number, deadline dl) noexcept;
  void break_off(int code) noexcept;

  // Nothing until the first pong.
  std::optional<round_trip> measured() const noexcept { return measured_; }
  // Pings without an answer yet.
  std::size_t out() const noexcept { return count_; }

  static constexpr std::size_t most = 8;

 private:
  struct ping;
  struct waiting : lowlevel::waiter {
    std::uint64_t number;
    time_point asked;
    nanoseconds took{};
  };
  void drop_from(std::unique_ptr<ping>& at) noexcept;
  void note(nanoseconds took) noexcept;

  std::unique_ptr<ping> newest_;
  std::size_t count_ = 0;
  std::uint64_t numbers_ = 0;
  // The newest ping that was answered, and thereby all before it.
  std::uint64_t answered_ = 0;
  std::optional<round_trip> measured_;
  lowlevel::wait_queue waiting_;
};

}  // namespace caraway::ws
