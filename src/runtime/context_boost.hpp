// context_boost.hpp - the switch for every other processor, by Boost.Context.
//
// fcontext hands the suspended context to whoever is resumed, who stores it where the next switch
// back looks for it: in `sp` of the context that was left.
#pragma once

#include <boost/context/detail/fcontext.hpp>

#include "runtime/context.hpp"

namespace caraway::runtime {

struct context_passage {
  context* from;
  context* to;
};

inline void switch_context(context& from, context& to) noexcept {
  context_passage p{&from, &to};
  const auto t = boost::context::detail::jump_fcontext(to.sp, &p);
  static_cast<context_passage*>(t.data)->from->sp = t.fctx;
}

}  // namespace caraway::runtime
