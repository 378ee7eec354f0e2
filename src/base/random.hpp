// random.hpp - bytes that nobody can predict: keys, masks.
//
// They come from the kernel's generator, a few hundred at a time for each thread, so that a few
// bytes cost a copy. A child process never repeats what its parent was given.
#pragma once

#include "caraway/bytes.hpp"

namespace caraway::base {

// Fills `into`. Does not block once the machine has booted.
void random_bytes(mutable_bytes into) noexcept;

}  // namespace caraway::base
