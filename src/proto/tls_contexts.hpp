// tls_contexts.hpp - what is behind the contexts of tls_context.hpp.
#pragma once

#include <mutex>

#include "caraway/tls_context.hpp"
#include "codec/tls_setup.hpp"

namespace caraway::tls {

struct client_context::impl {
  shared_setup setup;
  verification verify;
};

struct server_context::impl {
  // What the next handshake uses.
  shared_setup setup() const {
    const std::lock_guard lock(mutex);
    return current;
  }

  mutable std::mutex mutex;
  shared_setup current;
  server_settings settings;
};

}  // namespace caraway::tls
