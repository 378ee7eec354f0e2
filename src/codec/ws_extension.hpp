// ws_extension.hpp - the lists in Sec-WebSocket-Extensions (RFC 6455 section 9.1).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "caraway/http_head.hpp"

namespace caraway::ws {

struct extension_parameter {
  std::string name;
  std::optional<std::string> value;  // without its quotes
};

struct extension {
  std::string name;
  std::vector<extension_parameter> parameters;
};

// All extensions in all fields of that name, in order; nothing if one of the fields is malformed.
std::optional<std::vector<extension>> parse_extensions(const http::field_list& fields);

}  // namespace caraway::ws
