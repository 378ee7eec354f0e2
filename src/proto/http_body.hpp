// http_body.hpp - the body of an HTTP/1.1 response, read whole (RFC 9112 section 6).
#pragma once

#include <string>

#include "caraway/byte_stream.hpp"
#include "caraway/http_head.hpp"

namespace caraway::proto {

// The body behind `head` on `from`: of the length it says, in chunks, or up to the end. At most
// `limit` bytes, and what has come when the deadline passes, the connection breaks or the framing
// is wrong. Blocks. Never fails; `from` is of no more use unless the body was whole.
std::string read_body(byte_stream& from, const http::response_head& head, std::size_t limit,
                      deadline dl);

}  // namespace caraway::proto
