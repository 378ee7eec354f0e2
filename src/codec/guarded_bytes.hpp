// guarded_bytes.hpp - for tests: bytes that end exactly where memory ends, so that reading or
// writing one byte too far crashes.
//
//     guarded_bytes in(text);
//     parse(in.view());
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "caraway/bytes.hpp"

namespace caraway::codec {

class guarded_bytes {
 public:
  explicit guarded_bytes(std::size_t n) : size_(n) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (n / page + 2) * page;
    void* at = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(at);
    mprotect(base_ + mapped_ - page, page, PROT_NONE);
    data_ = base_ + mapped_ - page - n;
  }
  explicit guarded_bytes(bytes content) : guarded_bytes(content.size()) {
    std::ranges::copy(content, data_);
  }
  guarded_bytes(const guarded_bytes&) = delete;
  guarded_bytes& operator=(const guarded_bytes&) = delete;
  ~guarded_bytes() { munmap(base_, mapped_); }

  mutable_bytes view() const noexcept { return {data_, size_}; }

 private:
  std::byte* base_;
  std::byte* data_;
  std::size_t mapped_;
  std::size_t size_;
};

}  // namespace caraway::codec
