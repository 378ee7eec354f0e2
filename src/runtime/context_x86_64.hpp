// context_x86_64.hpp - the switch on x86-64.
//
// What every author of such a switch should know:
//
//   * The processor predicts returns with a stack of its own. A switch that leaves a call without
//     its return (call, pop, jmp) makes every later return of the coroutine mispredict: four times
//     the cost five frames deep. Here control leaves and comes back by jumps inside one function.
//   * GCC looks through functions: seeing that a switch stores to no static variable it may hoist
//     `while (!stop) yield();` into an endless loop, although other code ran meanwhile. So every
//     function that holds the switch is `noipa` (CARAWAY_OPAQUE).
//   * rbp cannot be declared clobbered, so it is saved by hand. Nothing is pushed, so the red zone
//     below the stack pointer stays intact.
//   * Code built for AVX-512 keeps values in registers that plain code does not know; the clobber
//     list has them all.
//   * There is no shadow stack to switch: what includes this file is compiled without CET.
//
// Code resumed at `pc` finds the address of its own context in rsi.
#pragma once

#include "runtime/context.hpp"

namespace caraway::runtime {

static_assert(offsetof(context, sp) == 0 && offsetof(context, fp) == 8 &&
              offsetof(context, pc) == 16);

#if defined(__AVX512F__)
#define CARAWAY_WIDE_CLOBBERS                                                                   \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",   \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", \
      "k7"
#else
#define CARAWAY_WIDE_CLOBBERS
#endif

[[gnu::always_inline]] inline void switch_context(context& from, context& to) noexcept {
  context* f = &from;
  context* t = &to;
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, 0(%%rdi)\n\t"
      "movq %%rbp, 8(%%rdi)\n\t"
      "movq %%rax, 16(%%rdi)\n\t"
      "movq 0(%%rsi), %%rsp\n\t"
      "movq 8(%%rsi), %%rbp\n\t"
      "jmpq *16(%%rsi)\n"
      "1:"
      : "+D"(f), "+S"(t)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
        "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc" CARAWAY_WIDE_CLOBBERS);
}

#undef CARAWAY_WIDE_CLOBBERS

}  // namespace caraway::runtime
