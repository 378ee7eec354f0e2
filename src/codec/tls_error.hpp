// tls_error.hpp - codes of OpenSSL as error codes.
#pragma once

#include <system_error>

namespace caraway::tls {

// What failed verification: X509_V_ERR_...
std::error_code verification_error(long code) noexcept;

// The oldest error in the thread's queue of OpenSSL, which is empty afterwards. ENOMEM if it says so
// or nothing is in the queue.
std::error_code take_error() noexcept;

}  // namespace caraway::tls
