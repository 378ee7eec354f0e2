// ws_parts_fuzz.cpp - a message that is taken in parts is the one that comes whole, compressed or not,
// and needs little memory however large it is.
#include <cstdlib>
#include <string>

#include "codec/ws_script.hpp"
#include "cuts.hpp"

namespace {

using namespace caraway;

constexpr std::size_t most_memory = std::size_t{1} << 20;

class reader {
 public:
  reader(const ws::connection_options& o, bool in_parts) : connection_(o), in_parts_(in_parts) {}

  void feed(bytes piece) {
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    while (step() != ws::event_kind::need_more) {
      if (connection_.state() >= ws::connection_state::closed) return buffer_.clear();
    }
  }

  // The messages, and how it ended.
  std::string story() const { return told_ + "end " + std::to_string(connection_.failure()); }

 private:
  ws::event_kind step() {
    const ws::event e = connection_.receive(buffer_);
    if (e.kind == ws::event_kind::message) {
      told_ += '[' + std::exchange(begun_, {}) + std::string(as_text(e.payload)) + ']';
    } else if (in_parts_) {
      begun_ += as_text(connection_.take_part());
      if (connection_.memory() > most_memory) std::abort();
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(e.consumed));
    return e.kind;
  }

  ws::connection connection_;
  bool in_parts_;
  std::vector<std::byte> buffer_;
  std::string begun_;
  std::string told_;
};

std::string story(const ws::connection_options& o, bytes input,
                  const std::vector<std::size_t>& cuts, bool in_parts) {
  reader r(o, in_parts);
  std::size_t from = 0;
  for (std::size_t cut : cuts) {
    r.feed(input.subspan(from, cut - from));
    from = cut;
  }
  r.feed(input.subspan(from));
  return r.story();
}

}  // namespace

// The first byte: role, a limit that can be met or a large one, compression. Then cuts and input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const ws::role self = (data[0] & 1) != 0 ? ws::role::server : ws::role::client;
  ws::connection_options options = ws::script_options(self);
  options.max_message = (data[0] & 2) != 0 ? data[0] >> 3 : std::size_t{8} << 20;
  if ((data[0] & 4) == 0) options.direct_threshold = 20;
  if ((data[0] & 128) != 0) options.deflate.emplace().peer_takeover = (data[0] & 64) != 0;
  const auto [input, cuts] = fuzz::read_cuts(data + 1, size - 1);
  const std::string whole = story(options, input, {}, false);
  if (story(options, input, cuts, true) != whole || story(options, input, {}, true) != whole)
    std::abort();
  return 0;
}
