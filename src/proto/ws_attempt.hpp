// ws_attempt.hpp - a handshake under way: counted and told if it comes to nothing.
#pragma once

#include <memory>
#include <system_error>

#include "caraway/error.hpp"
#include "caraway/http_head.hpp"
#include "caraway/ws_meter.hpp"
#include "caraway/ws_observer.hpp"

namespace caraway::ws {

class attempt {
 public:
  attempt(role as, const std::shared_ptr<meter>& counts, const std::shared_ptr<observer>& hears)
      : role_(as), meter_(counts ? counts : thread_meter()), observer_(hears) {}
  attempt(const attempt&) = delete;
  attempt& operator=(const attempt&) = delete;
  ~attempt() {
    if (succeeded) return;
    const bool by_choice = error_ == errc::handshake_refused;
    if (meter_) meter::add(by_choice ? meter_->numbers().refused : meter_->numbers().failed);
    if (observer_) observer_->not_opened({role_, request, response, status, error_});
  }

  // What it comes to nothing of.
  std::unexpected<std::error_code> fails(std::error_code why) noexcept {
    error_ = why;
    return fail(why);
  }

  // The one that was read, as far as it was.
  http::request_head request;
  http::response_head response;
  // Of the answer that was given or got.
  int status = 0;
  bool succeeded = false;

 private:
  ws::role role_;
  std::error_code error_;
  std::shared_ptr<meter> meter_;
  std::shared_ptr<observer> observer_;
};

}  // namespace caraway::ws
