// bundle.hpp - what other sections ask about bundles and their coroutines.
#pragma once

#include "capi/capi.hpp"

namespace caraway::capi {

// The bundle that the running coroutine belongs to is this object.
bool is_own_bundle(const dill_hvfs* vfs) noexcept;

}  // namespace caraway::capi
