#include "codec/ws_extension.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace caraway::ws {
namespace {

// Takes one field's value apart from its beginning. What cannot be read makes it `broken`.
class reader {
 public:
  explicit reader(std::string_view text) : text_(text) { skip_space(); }

  bool broken() const { return broken_; }
  bool at_end() const { return text_.empty() || broken_; }

  // Steps over `sign` and the space around it, if it is next.
  bool take(char sign) {
    if (!text_.starts_with(sign)) return false;
    text_.remove_prefix(1);
    skip_space();
    return true;
  }

  std::string token() {
    const std::size_t end = text_.find_first_of(" \t,;=\"");
    std::string out(text_.substr(0, end));
    text_.remove_prefix(out.size());
    return checked(std::move(out));
  }

  // A value is a token, with quotes around it or not.
  std::string value() {
    if (!text_.starts_with('"')) return token();
    text_.remove_prefix(1);
    std::string out;
    while (!text_.empty() && text_.front() != '"') {
      if (text_.front() == '\\') text_.remove_prefix(1);
      if (text_.empty()) break;
      out += text_.front();
      text_.remove_prefix(1);
    }
    if (text_.empty()) broken_ = true;
    text_.remove_prefix(text_.empty() ? 0 : 1);
    return checked(std::move(out));
  }

  void expect_separator() { broken_ = broken_ || (!text_.empty() && text_.front() != ','); }

 private:
  std::string checked(std::string out) {
    broken_ = broken_ || !http::is_token(out);
    skip_space();
    return out;
  }

  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size())); }

  std::string_view text_;
  bool broken_ = false;
};

extension_parameter read_parameter(reader& from) {
  extension_parameter out{from.token(), {}};
  if (from.take('=')) out.value = from.value();
  return out;
}

extension read_extension(reader& from) {
  extension out{from.token(), {}};
  while (!from.broken() && from.take(';')) out.parameters.push_back(read_parameter(from));
  from.expect_separator();
  return out;
}

}  // namespace

std::optional<std::vector<extension>> parse_extensions(const http::field_list& fields) {
  std::vector<extension> all;
  for (const http::field& f : fields) {
    if (!http::same_name(f.name, "Sec-WebSocket-Extensions")) continue;
    reader from(f.value);
    while (!from.at_end())
      if (!from.take(',')) all.push_back(read_extension(from));
    if (from.broken()) return std::nullopt;
  }
  return all;
}

}  // namespace caraway::ws
