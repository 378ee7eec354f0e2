// context_aarch64.hpp - the switch on 64-bit ARM. The reasons are at the head of
// context_x86_64.hpp.
//
// x19 and x29 cannot be declared clobbered everywhere (base and frame pointer), so both are saved
// by hand, x19 in extra[0]; x18 belongs to the platform. The link register is a clobber like any
// other. Code resumed at `pc` finds the address of its own context in x1.
#pragma once

#include "runtime/context.hpp"

namespace caraway::runtime {

static_assert(offsetof(context, sp) == 0 && offsetof(context, fp) == 8 &&
              offsetof(context, pc) == 16 && offsetof(context, extra) == 24);

[[gnu::always_inline]] inline void switch_context(context& from, context& to) noexcept {
  register context* f asm("x0") = &from;
  register context* t asm("x1") = &to;
  asm volatile(
      "adr x2, 1f\n\t"
      "mov x3, sp\n\t"
      "stp x3, x29, [x0]\n\t"
      "stp x2, x19, [x0, #16]\n\t"
      "ldp x3, x29, [x1]\n\t"
      "ldp x2, x19, [x1, #16]\n\t"
      "mov sp, x3\n\t"
      "br x2\n"
      "1:\n\t"
      "hint #36"  // bti j: a target of indirect jumps
      : "+r"(f), "+r"(t)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0",
        "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
        "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
        "v28", "v29", "v30", "v31", "memory", "cc");
}

}  // namespace caraway::runtime
