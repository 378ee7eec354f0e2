// context_boost.cpp - where coroutines begin with Boost.Context.
#include "runtime/context_boost.hpp"

namespace caraway::runtime {
namespace {

void start(boost::context::detail::transfer_t t) noexcept {
  const context_passage p = *static_cast<context_passage*>(t.data);
  p.from->sp = t.fctx;
  reinterpret_cast<void (*)(void*)>(p.to->extra[0])(p.to->extra[1]);
}

}  // namespace

void make_context(context& c, std::byte* limit, std::byte* top, void (*entry)(void*),
                  void* argument) noexcept {
  c.extra[0] = reinterpret_cast<void*>(entry);
  c.extra[1] = argument;
  c.sp = boost::context::detail::make_fcontext(top, static_cast<std::size_t>(top - limit), start);
}

}  // namespace caraway::runtime
