// foreign.hpp - a byte stream that a program made itself (an object that answers bsock_type), as
// the core sees it.
#pragma once

#include "capi/capi.hpp"
#include "caraway/byte_stream.hpp"

namespace caraway::capi {

// Does not own the object: closing and aborting are up to its handle. Never receives more than was
// asked for, since such an object takes nothing back. A receive that fails may have lost bytes.
// nullptr if there is no memory.
stream_ptr make_foreign(dill_bsock_vfs& vfs) noexcept;

}  // namespace caraway::capi
