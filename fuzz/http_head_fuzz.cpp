// http_head_fuzz.cpp - a head that parses can be formatted and parses to the same, and what comes
// before its end is never taken for a whole head.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "caraway/http_head.hpp"

namespace {

using namespace caraway;

bool same(const http::field_list& a, const http::field_list& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].name != b[i].name || a[i].value != b[i].value) return false;
  return true;
}

bool same_start(const http::request_head& a, const http::request_head& b) {
  return a.method == b.method && a.target == b.target;
}
bool same_start(const http::response_head& a, const http::response_head& b) {
  return a.status == b.status;
}

template <class Head>
void check(bytes in) {
  Head first, second, cut;
  const auto used = http::parse(in, first);
  if (!used || *used == 0) return;
  if (*used > in.size()) std::abort();
  const auto before = http::parse(in.first(*used - 1), cut);
  if (!before || *before != 0) std::abort();
  const auto text = http::format(first);
  if (!text) std::abort();
  const auto again = http::parse(as_bytes(*text), second, {.size = text->size(), .fields = 100});
  if (!again || *again != text->size()) std::abort();
  if (!same_start(first, second) || !same(first.fields, second.fields)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes in(reinterpret_cast<const std::byte*>(data), size);
  check<http::request_head>(in);
  check<http::response_head>(in);
  return 0;
}
