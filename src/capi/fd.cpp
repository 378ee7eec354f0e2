// fd.cpp - fdin(), fdout() and fdclean(): waiting for descriptors of the program's own.
#include "capi/capi.hpp"
#include "caraway/fd_wait.hpp"
#include "sync/fd_watch.hpp"

using namespace caraway;
using namespace caraway::capi;

int dill_fdin(int fd, std::int64_t deadline) {
  return outcome(code_of(try_wait_readable(fd, to_deadline(deadline))));
}

int dill_fdout(int fd, std::int64_t deadline) {
  return outcome(code_of(try_wait_writable(fd, to_deadline(deadline))));
}

// Nothing is remembered about a descriptor between waits.
int dill_fdclean(int fd) {
  return outcome(sync::fd_watch::find(fd) == nullptr ? 0 : EBUSY);
}
