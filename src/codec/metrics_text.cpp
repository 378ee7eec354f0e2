#include "caraway/metrics_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace caraway {
namespace {

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// With whatever may not stand in a name replaced; `also` may.
std::string name_of(std::string_view text, std::string_view also) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && out.empty()) out += '_';
    out += digit || is_letter(c) || also.find(c) != also.npos ? c : '_';
  }
  return out.empty() ? "_" : out;
}

std::string escaped(std::string_view text, bool quoted) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (quoted && c == '"')) {
      out.append("\\").append(1, c);
    } else {
      out += c;
    }
  }
  return out;
}

std::string_view kind_of(metric_kind kind) noexcept {
  constexpr std::string_view names[] = {"counter", "gauge", "summary"};
  return names[static_cast<std::size_t>(kind)];
}

template <class T>
std::string digits(T value) {
  std::array<char, 32> room;
  const auto end = std::to_chars(room.data(), room.data() + room.size(), value).ptr;
  return {room.data(), end};
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return digits(value);
}

}  // namespace

void metrics_text::family(std::string_view name, metric_kind kind, std::string_view help) {
  name_ = name_of(name, ":");
  text_.append("# HELP ").append(name_).append(" ").append(escaped(help, false)).append("\n");
  text_.append("# TYPE ").append(name_).append(" ").append(kind_of(kind)).append("\n");
}

void metrics_text::begin_sample(std::initializer_list<metric_label> labels,
                                std::string_view suffix) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const metric_label& l : labels) {
    text_.append(1, before).append(name_of(l.name, "")).append("=\"");
    text_.append(escaped(l.value, true)).append("\"");
    before = ',';
  }
  text_.append(labels.size() == 0 ? " " : "} ");
}

void metrics_text::sample(std::uint64_t value, std::initializer_list<metric_label> labels,
                          std::string_view suffix) {
  begin_sample(labels, suffix);
  text_.append(digits(value)).append("\n");
}

void metrics_text::sample(double value, std::initializer_list<metric_label> labels,
                          std::string_view suffix) {
  begin_sample(labels, suffix);
  text_.append(number(value)).append("\n");
}

}  // namespace caraway
