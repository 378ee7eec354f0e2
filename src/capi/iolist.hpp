// iolist.hpp - lists of pieces of memory, as C programs pass them.
#pragma once

#include <cstring>

#include "capi/capi.hpp"
#include "caraway/bytes.hpp"

namespace caraway::capi {

// 0, or EINVAL: one of the ends is missing, something comes after `last`, the list is a ring or
// does not lead to `last`, a reserved member is set.
int check_list(const dill_iolist* first, const dill_iolist* last) noexcept;

// The bytes of a checked list; SIZE_MAX if they are more.
std::size_t list_size(const dill_iolist* first) noexcept;

// What a list sends, as the core wants it: a few pieces in place, more in allocated memory.
class list_parts {
 public:
  // From a checked list. EINVAL for a piece without memory, ENOMEM.
  int set(const dill_iolist* first) noexcept;
  parts get() const noexcept { return {pieces_, size_}; }

 private:
  static constexpr std::size_t usual = 16;
  bytes few_[usual];
  std::unique_ptr<bytes[]> many_;
  bytes* pieces_ = few_;
  std::size_t size_ = 0;
};

// Puts `message` into a checked list that is big enough; pieces without memory are passed over.
void scatter(bytes message, const dill_iolist* first) noexcept;

// The list of one piece that stands for a plain buffer.
inline dill_iolist single(const void* buf, std::size_t len) noexcept {
  return {const_cast<void*>(buf), len, nullptr, 0};
}

}  // namespace caraway::capi
