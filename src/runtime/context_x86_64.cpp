// context_x86_64.cpp - where coroutines begin on x86-64; the switch is in the header.
#include "runtime/context_x86_64.hpp"

#include <cstdint>

namespace caraway::runtime {

static_assert(offsetof(context, extra) == 24);

// The first code of a coroutine: calls extra[0](extra[1]), which never returns. By a jump, since a
// call without its return would make those of whoever runs after the coroutine's end mispredict. Its
// frame has no return address, so that backtraces and unwinding end here.
asm(R"(
    .text
    .p2align 4
    .type caraway_context_start, @function
caraway_context_start:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp
    movq 32(%rsi), %rdi
    leaq 1f(%rip), %rax
    pushq %rax
    jmpq *24(%rsi)
1:  ud2
    .cfi_endproc
    .size caraway_context_start, .-caraway_context_start
)");
extern "C" [[gnu::visibility("hidden")]] void caraway_context_start();

void make_context(context& c, std::byte*, std::byte* top, void (*entry)(void*),
                  void* argument) noexcept {
  c.sp = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15});
  c.fp = nullptr;
  c.pc = reinterpret_cast<void*>(&caraway_context_start);
  c.extra[0] = reinterpret_cast<void*>(entry);
  c.extra[1] = argument;
}

}  // namespace caraway::runtime
