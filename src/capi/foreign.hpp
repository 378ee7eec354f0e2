// foreign.hpp - sockets that a program made itself (objects that answer bsock_type or msock_type), as
// the core sees them.
//
// Neither owns the object: closing is up to its handle. After abort() it may be gone, and is not touched
// any more; who was inside a call of it by then is told ECANCELED. nullptr if there is no memory.
#pragma once

#include "capi/capi.hpp"
#include "caraway/byte_stream.hpp"
#include "caraway/message_stream.hpp"

namespace caraway::capi {

// Never receives more than was asked for, since such an object takes nothing back. A receive or send
// that fails may have moved some bytes, so that direction is broken from then on: ECONNRESET, or
// EPIPE at an end.
stream_ptr make_foreign(dill_bsock_vfs& vfs) noexcept;

// A message of up to 64 KiB that does not fit is kept here. What becomes of a larger one is up to the
// object: `keeps` says that it stays there.
message_ptr make_foreign(dill_msock_vfs& vfs, bool keeps) noexcept;

// What a message socket of the library answers, besides msock_type, if what did not fit stays there.
extern const void* const keeping_type;

// A deadline as C functions take it.
std::int64_t to_milliseconds(deadline dl) noexcept;

}  // namespace caraway::capi
