// context_aarch64.cpp - where coroutines begin on 64-bit ARM; the switch is in the header.
#include "runtime/context_aarch64.hpp"

#include <cstdint>

namespace caraway::runtime {

// The first code of a coroutine: calls extra[1](extra[2]); extra[0] is where x19 is restored from.
asm(R"(
    .text
    .p2align 4
    .type caraway_context_start, %function
caraway_context_start:
    .cfi_startproc
    .cfi_undefined x30
    hint #36
    mov x29, xzr
    mov x30, xzr
    ldp x2, x0, [x1, #32]
    blr x2
    brk #1
    .cfi_endproc
    .size caraway_context_start, .-caraway_context_start
)");
extern "C" [[gnu::visibility("hidden")]] void caraway_context_start();

void make_context(context& c, std::byte*, std::byte* top, void (*entry)(void*),
                  void* argument) noexcept {
  c.sp = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15});
  c.fp = nullptr;
  c.pc = reinterpret_cast<void*>(&caraway_context_start);
  c.extra[1] = reinterpret_cast<void*>(entry);
  c.extra[2] = argument;
}

}  // namespace caraway::runtime
