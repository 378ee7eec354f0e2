// socks5_message_fuzz.cpp - what parses and can be formatted parses to the same message again; a shorter
// beginning of it is never whole, nor said to need more than it takes.
//
// The first byte chooses the message.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "caraway/socks5_message.hpp"

namespace {

using namespace caraway;

template <class Message>
void check_cuts(bytes in, std::size_t size) {
  for (std::size_t n = 0; n < size; ++n) {
    Message cut;
    const auto needed = socks5::parse(in.first(n), cut);
    if (!needed || *needed <= n || *needed > size) std::abort();
  }
}

template <class Message>
void check(bytes in) {
  Message first, second;
  const auto size = socks5::parse(in, first);
  if (!size) return;
  if (*size > 513) std::abort();
  if (*size > in.size()) return;
  check_cuts<Message>(in, *size);
  const auto text = socks5::format(first);
  if (!text) return;  // a name that is no name to send, such as one with a colon
  const auto again = socks5::parse(as_bytes(*text), second);
  if (!again || *again != text->size() || socks5::format(second) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bytes in = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 6) {
    case 0:
      check<socks5::greeting>(in);
      break;
    case 1:
      check<socks5::choice>(in);
      break;
    case 2:
      check<socks5::credentials>(in);
      break;
    case 3:
      check<socks5::verdict>(in);
      break;
    case 4:
      check<socks5::request>(in);
      break;
    default:
      check<socks5::response>(in);
  }
  return 0;
}
