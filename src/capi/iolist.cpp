#include "capi/iolist.hpp"

#include <algorithm>

namespace caraway::capi {

int check_list(const dill_iolist* first, const dill_iolist* last) noexcept {
  if (first == nullptr || last == nullptr || last->iol_next != nullptr) return EINVAL;
  const dill_iolist* end = nullptr;
  const dill_iolist* slow = first;
  std::size_t n = 0;
  for (const dill_iolist* at = first; at != nullptr; at = at->iol_next) {
    if (at->iol_rsvd != 0) return EINVAL;
    end = at;
    if (++n % 2 == 0) slow = slow->iol_next;
    if (at->iol_next == slow) return EINVAL;  // went round
  }
  return end == last ? 0 : EINVAL;
}

std::size_t list_size(const dill_iolist* first) noexcept {
  std::size_t n = 0;
  for (const dill_iolist* at = first; at != nullptr; at = at->iol_next)
    if (__builtin_add_overflow(n, at->iol_len, &n)) return SIZE_MAX;
  return n;
}

int list_parts::set(const dill_iolist* first) noexcept {
  std::size_t n = 0;
  for (const dill_iolist* at = first; at != nullptr; at = at->iol_next) {
    if (at->iol_base == nullptr && at->iol_len > 0) return EINVAL;
    ++n;
  }
  if (n > usual) {
    many_.reset(new (std::nothrow) bytes[n]);
    if (many_ == nullptr) return ENOMEM;
    pieces_ = many_.get();
  }
  for (const dill_iolist* at = first; at != nullptr; at = at->iol_next)
    pieces_[size_++] = {static_cast<const std::byte*>(at->iol_base), at->iol_len};
  return 0;
}

void scatter(bytes message, const dill_iolist* first) noexcept {
  for (const dill_iolist* at = first; at != nullptr && !message.empty(); at = at->iol_next) {
    const std::size_t n = std::min(message.size(), at->iol_len);
    if (at->iol_base != nullptr && n > 0) std::memcpy(at->iol_base, message.data(), n);
    message = message.subspan(n);
  }
}

}  // namespace caraway::capi
