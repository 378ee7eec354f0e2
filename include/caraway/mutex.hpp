// mutex.hpp - mutual exclusion between coroutines of one thread, across blocking calls.
//
//     mutex m;
//     std::lock_guard lock(m);
//     write_header(); write_body();    // nobody else in between
//
// First come, first served: unlock() hands the mutex to who has waited longest, so a late comer
// never slips in. Not recursive: locking twice from one coroutine blocks until the deadline.
#pragma once

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/wait.hpp"

namespace caraway {

class mutex {
 public:
  mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
  // Whoever still waits gets ECANCELED.
  ~mutex();

  // Blocks until the mutex is the caller's. ETIMEDOUT and ECANCELED: it is not.
  result<void> try_lock(deadline dl) noexcept;
  void lock(deadline dl) { value_or_raise(try_lock(dl), "lock"); }
  void lock() { lock(never); }

  // Takes the mutex if it is free. Does not block.
  bool try_lock() noexcept;

  // Hands it on. Does not block.
  void unlock() noexcept;

 private:
  bool locked_ = false;
  lowlevel::wait_queue waiters_;
};

}  // namespace caraway
