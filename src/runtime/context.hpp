// context.hpp - the registers of a coroutine that is not running, and the switch between two of
// them.
//
// There are two files per architecture, context_NAME.hpp with the switch and context_NAME.cpp with
// the beginning; the build picks a pair. Only the stack pointer, the frame pointer and the place to
// go on are saved: the switch is an inline assembly statement that declares every other register
// clobbered, so that the compiler saves what it needs and no more. It jumps within one function,
// which keeps calls and returns paired and the processor's return predictor right. The
// floating-point control words are not switched: all coroutines of a thread share one
// floating-point environment.
#pragma once

#include <cstddef>

namespace caraway::runtime {

struct context {
  void* sp = nullptr;
  void* fp = nullptr;
  void* pc = nullptr;
  // What code resumed at `pc` may want to find: entry and argument, or callee-saved registers.
  void* extra[13];
};

// In the header of the architecture, inlined into the functions that switch, for every frame
// between two coroutines costs a mispredicted return:
//   void switch_context(context& from, context& to) noexcept;
// saves the caller in `from` and goes on in `to`; returns when somebody switches to `from`.

// Sets `c` up to call entry(argument) on a stack that ends below `top`; entry never returns.
void make_context(context& c, std::byte* limit, std::byte* top, void (*entry)(void*),
                  void* argument) noexcept;

}  // namespace caraway::runtime
