// deflate_none.cpp - in place of deflate_zlib.cpp in a build without zlib: nothing can be made.
#include "codec/deflate.hpp"

struct z_stream_s {};

namespace caraway::codec {

bool can_deflate() noexcept {
  return false;
}

deflater::deflater(const deflate_setting& s) noexcept : setting_(s) {}
deflater::~deflater() = default;
std::unique_ptr<deflater> deflater::make(const deflate_setting&) noexcept {
  return nullptr;
}
bool deflater::add(parts, bool, growing_bytes&) noexcept {
  return false;
}
void deflater::reset() noexcept {}

inflater::inflater() noexcept = default;
inflater::~inflater() = default;
std::unique_ptr<inflater> inflater::make(int) noexcept {
  return nullptr;
}
inflate_state inflater::go_on(bytes&, mutable_bytes&) noexcept {
  return inflate_state::no_memory;
}
bytes inflater::message_tail() noexcept {
  return {};
}
void inflater::reset() noexcept {}

}  // namespace caraway::codec
