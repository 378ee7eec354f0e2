// kept_block.hpp - a block of a stream's buffer whose bytes outlive their consumption.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "caraway/byte_stream.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::io {

struct kept_block final : kept_memory {
  runtime::lent_buffer block;
};

// As byte_stream::consume_but_keep, where the buffered bytes are those of `block` behind the first
// `begin`: the block goes with the bytes that are kept, those behind them move to another.
inline std::unique_ptr<kept_memory> keep_block(runtime::lent_buffer& block, std::size_t& begin,
                                               std::size_t n) noexcept {
  std::unique_ptr<kept_block> kept(new (std::nothrow) kept_block);
  const bytes rest(block.memory() + begin + n, block.size() - begin - n);
  runtime::lent_buffer other;
  if (!rest.empty()) {
    other = runtime::scheduler::current().buffers().borrow(rest.size());
    if (!other) return nullptr;
    std::memcpy(other.memory(), rest.data(), rest.size());
    other.set_size(rest.size());
  }
  if (!kept) return nullptr;
  kept->block = std::exchange(block, std::move(other));
  begin = 0;
  return kept;
}

}  // namespace caraway::io
