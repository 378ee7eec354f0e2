// metrics_text.hpp - numbers as text for Prometheus (text exposition format, version 0.0.4).
//
//     metrics_text m;
//     m.family("jobs_total", metric_kind::counter, "Jobs done.");
//     m.sample(17, {{"queue", "fast"}});
//     m.text();
//     // # HELP jobs_total Jobs done.
//     // # TYPE jobs_total counter
//     // jobs_total{queue="fast"} 17
//
// What comes out is always well-formed: names are made so, values escaped. No function blocks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace caraway {

enum class metric_kind : unsigned char { counter, gauge, summary };

struct metric_label {
  std::string_view name;
  std::string_view value;
};

class metrics_text {
 public:
  // Served with the text.
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

  // The samples that follow are of `name`. A family must not come twice.
  void family(std::string_view name, metric_kind kind, std::string_view help);

  // One value, with labels that together occur once in the family. `suffix` is "_sum" or "_count" in
  // a summary, else empty.
  void sample(std::uint64_t value, std::initializer_list<metric_label> labels = {},
              std::string_view suffix = {});
  void sample(int value, std::initializer_list<metric_label> labels = {},
              std::string_view suffix = {}) {
    sample(static_cast<double>(value), labels, suffix);
  }
  void sample(double value, std::initializer_list<metric_label> labels = {},
              std::string_view suffix = {});

  const std::string& text() const noexcept { return text_; }

 private:
  void begin_sample(std::initializer_list<metric_label> labels, std::string_view suffix);

  std::string name_;
  std::string text_;
};

}  // namespace caraway
