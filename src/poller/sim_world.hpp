// sim_world.hpp - which simulated network the calling thread lives in.
#pragma once

#include "base/fd_closer.hpp"
#include "poller/sim_network.hpp"

namespace caraway::sim {

// As long as it exists, `n` is the world of the thread that made it: configure() changes its
// weather, and descriptors are closed there.
class enrolment {
 public:
  explicit enrolment(network& n) noexcept;
  ~enrolment();
  enrolment(const enrolment&) = delete;
  enrolment& operator=(const enrolment&) = delete;

 private:
  network* outer_network_;
  base::fd_closer* outer_closer_;
};

}  // namespace caraway::sim
