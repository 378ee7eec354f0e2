// bundle.hpp - what other sections ask about bundles and their coroutines.
#pragma once

#include "capi/capi.hpp"

namespace caraway::capi {

// For hclose() and hown(), of objects of any kind.
bool is_bundle(const dill_hvfs* vfs) noexcept;
// Somebody is in close_bundle() with it.
bool is_closing(const dill_hvfs* vfs) noexcept;

// Cancels the coroutines of the bundle `vfs` and waits for their ends, then frees it and its number. 0,
// or EDEADLK: one of them would wait for the calling one; then it stays, and whom it has cancelled stays
// cancelled. Blocks, also in a cancelled coroutine.
int close_bundle(int h, dill_hvfs* vfs) noexcept;

}  // namespace caraway::capi
