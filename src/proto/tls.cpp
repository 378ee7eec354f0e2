#include "caraway/tls.hpp"

#include <cerrno>
#include <new>

#include "caraway/wait.hpp"
#include "proto/tls_contexts.hpp"
#include "proto/tls_stream.hpp"

namespace caraway::tls {
namespace {

result<stream_ptr> establish(caraway::stream_ptr under, ssl_ctx_st& setup,
                             const session_options& options, deadline dl) {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  auto made = std::make_unique<stream_impl>(std::move(under));
  const auto shaken = made->shake(setup, options, dl);
  if (shaken) return made;
  if (shaken.error().category() == category()) made->refuse(dl);
  return fail(shaken.error());
}

}  // namespace

result<stream_ptr> try_attach_client(caraway::stream_ptr under, const client_options& options,
                                     deadline dl) try {
  const auto context = options.context.get();
  if (!context) return fail(context.error());
  const bool check_host = (*context)->verify == verification::host;
  if (check_host && options.host.empty()) return fail(EINVAL);
  const auto alpn = alpn_list(options.alpn);
  if (!alpn) return fail(alpn.error());
  const session_options wanted{.as = side::client,
                               .host = options.host,
                               .check_host = check_host,
                               .alpn = *alpn,
                               .anonymous = options.anonymous};
  return establish(std::move(under), *(*context)->setup, wanted, dl);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<stream_ptr> try_attach_server(caraway::stream_ptr under, const server_context& context,
                                     deadline dl) try {
  if (context.get() == nullptr) return fail(EINVAL);
  const shared_setup setup = context.get()->setup();
  return establish(std::move(under), *setup, {.as = side::server}, dl);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway::tls
