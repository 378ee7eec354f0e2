// metrics_page.hpp - numbers for Prometheus over HTTP, beside what a command does.
#pragma once

#include <caraway/error.hpp>
#include <caraway/task_group.hpp>
#include <functional>
#include <memory>
#include <string>

#include <caraway/tcp.hpp>

namespace tool {

// Serves GET /metrics at HOST:PORT until it goes. `write` makes the page.
class metrics_page {
 public:
  static caraway::result<std::unique_ptr<metrics_page>> start(const std::string& where,
                                                              std::function<std::string()> write);
  // "http://127.0.0.1:40123/metrics".
  std::string url() const;

  metrics_page(caraway::tcp::listener l, std::function<std::string()> write);

 private:
  void accept_all();
  void answer(caraway::byte_stream& to);

  caraway::tcp::listener listener_;
  std::function<std::string()> write_;
  std::size_t live_ = 0;
  caraway::task_group tasks_{caraway::on_failure::collect};
};

}  // namespace tool
