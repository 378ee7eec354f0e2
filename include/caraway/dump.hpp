// dump.hpp - what every coroutine of the thread is doing.
//
//     std::fputs(caraway::dump().c_str(), stderr);
//
// One line per coroutine: id, name, state, what it waits for, since when, its deadline, and how much
// of its stack was ever touched (not for main, on the stack of the thread).
#pragma once

#include <string>

namespace caraway {

// The text; empty if the thread has no scheduler yet.
std::string dump();

// Writes it to a descriptor. Errors of writing are ignored.
void dump(int fd);

}  // namespace caraway
