#include "metrics_page.hpp"

#include <caraway/http.hpp>
#include <caraway/metrics_text.hpp>
#include <caraway/resolver.hpp>
#include <caraway/this_task.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

namespace tool {
namespace {

using namespace std::chrono_literals;
namespace http = caraway::http;

// For a request and its answer, all in all.
constexpr auto patience = 10s;
// More than a few scrapers at a time are a mistake.
constexpr std::size_t most_at_a_time = 16;

caraway::result<caraway::address> address_of(const std::string& where) {
  const std::size_t colon = where.rfind(':');
  if (colon == where.npos) return caraway::fail(EINVAL);
  std::uint16_t port = 0;
  const char* const end = where.data() + where.size();
  const auto [stop, wrong] = std::from_chars(where.data() + colon + 1, end, port);
  if (wrong != std::errc() || stop != end) return caraway::fail(EINVAL);
  if (colon == 0) return caraway::address::any(port);
  const auto found = caraway::try_resolve(where.substr(0, colon), port, patience);
  if (!found) return caraway::fail(found.error());
  return found->front();
}

http::response plain(int status, std::string body, std::string_view type) {
  http::response r;
  r.head.status = status;
  r.head.fields = {{"Content-Type", std::string(type)}, {"Connection", "close"}};
  r.body = std::move(body);
  return r;
}

http::response respond(const http::request_head& request,
                       const std::function<std::string()>& page) {
  constexpr std::string_view words = "text/plain; charset=utf-8";
  if (request.method != "GET") {
    http::response r = plain(405, "Only GET.\n", words);
    r.head.fields.push_back({"Allow", "GET"});
    return r;
  }
  if (request.target.substr(0, request.target.find('?')) != "/metrics")
    return plain(404, "It is at /metrics.\n", words);
  return plain(200, page(), caraway::metrics_text::content_type);
}

}  // namespace

caraway::result<std::unique_ptr<metrics_page>> metrics_page::start(
    const std::string& where, std::function<std::string()> write) {
  const auto at = address_of(where);
  if (!at) return caraway::fail(at.error());
  auto listener = caraway::tcp::try_listen(*at);
  if (!listener) return caraway::fail(listener.error());
  return std::make_unique<metrics_page>(std::move(*listener), std::move(write));
}

metrics_page::metrics_page(caraway::tcp::listener l, std::function<std::string()> write)
    : listener_(std::move(l)), write_(std::move(write)) {
  tasks_.go([this] { accept_all(); });
}

std::string metrics_page::url() const {
  return "http://" + listener_.local_address().to_string() + "/metrics";
}

void metrics_page::accept_all() {
  for (;;) {
    auto s = listener_.try_accept(caraway::never);
    if (!s && s.error() == std::errc::operation_canceled) return;
    if (!s || live_ >= most_at_a_time) {
      if (!caraway::try_sleep(50ms)) return;
      continue;
    }
    ++live_;
    tasks_.go([this, stream = std::move(*s)] {
      answer(*stream);
      --live_;
    });
  }
}

void metrics_page::answer(caraway::byte_stream& to) {
  const caraway::deadline until = patience;
  http::request_head request;
  const auto read = http::try_read_head(to, request, until);
  if (!read && read.error() != caraway::errc::protocol) return;
  const auto text = http::format(read ? respond(request, write_)
                                      : plain(400, "This is no HTTP/1.1.\n", "text/plain"));
  if (!text) return;
  const caraway::bytes all = caraway::as_bytes(*text);
  if (to.try_write(caraway::parts(&all, 1), until)) static_cast<void>(to.try_close(until));
}

}  // namespace tool
