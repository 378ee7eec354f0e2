// ws_script.hpp - for tests: frames as a peer would send them, and what a connection makes of them,
// however the bytes are cut.
//
//     ws_wire in(ws::role::server);              // what a server is sent
//     in.frame(ws::opcode::text, "Hello").close(1000);
//     EXPECT_EQ(hear(in), "text(Hello) closed(1000) > close(1000)");
//
// A transcript lists the events of the connection in order, then, behind '>', the frames it had to
// send.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "caraway/ws_connection.hpp"

namespace caraway::ws {

// Masks that differ from one another and are the same in every run.
inline void predictable(mutable_bytes into) noexcept {
  static thread_local unsigned seed = 1;
  for (std::byte& b : into) b = static_cast<std::byte>((seed = seed * 1103515245 + 12345) >> 16);
}

// Bytes on their way to a connection of role `to`.
class ws_wire {
 public:
  explicit ws_wire(role to) : to_(to) {}

  // Bytes as they are.
  ws_wire& raw(std::string_view data) {
    data_ += data;
    return *this;
  }

  ws_wire& frame(opcode op, std::string_view payload, bool fin = true, std::uint8_t reserved = 0) {
    return frame_of(static_cast<unsigned>(op), payload, fin, reserved);
  }

  // Any opcode, also one that does not exist, and any size of a control frame.
  ws_wire& frame_of(unsigned op, std::string_view payload, bool fin = true,
                    std::uint8_t reserved = 0) {
    header(op, payload.size(), fin, reserved);
    const std::size_t start = data_.size();
    data_ += payload;
    if (to_ == role::server)
      for (std::size_t i = start; i < data_.size(); ++i)
        data_[i] = static_cast<char>(data_[i] ^ static_cast<char>(mask_[(i - start) % 4]));
    return *this;
  }

  // A header that announces `size` bytes, and nothing behind it.
  ws_wire& header(unsigned op, std::uint64_t size, bool fin = true, std::uint8_t reserved = 0) {
    std::byte room[max_header_size];
    frame_header h{.op = static_cast<opcode>(op), .fin = fin, .masked = to_ == role::server};
    h.reserved = reserved;
    h.size = size;
    if (h.masked) predictable(mask_);
    if (h.masked) h.mask = mask_;
    data_ += as_text({room, format_header(room, h)});
    return *this;
  }

  ws_wire& close(unsigned code, std::string_view reason = {}) {
    std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code)};
    return frame(opcode::close, payload.append(reason));
  }

  role to() const { return to_; }
  const std::string& data() const { return data_; }
  std::size_t size() const { return data_.size(); }

 private:
  role to_;
  mask_key mask_{};
  std::string data_;
};

inline std::string name_of(opcode op) {
  switch (op) {
    case opcode::continuation:
      return "continuation";
    case opcode::text:
      return "text";
    case opcode::binary:
      return "binary";
    case opcode::close:
      return "close";
    case opcode::ping:
      return "ping";
    case opcode::pong:
      return "pong";
  }
  return "unknown";
}

inline unsigned code_in(std::string_view payload) {
  return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
}

// The whole frames in `data`, which a connection of role `from` has sent, as "pong(x) close(1000)".
inline std::string read_frames(std::string_view data, role from) {
  std::string text;
  const role reader = from == role::client ? role::server : role::client;
  while (!data.empty()) {
    const parsed_header p = parse_header(as_bytes(data), reader);
    if (p.used == 0 || p.header.size > data.size() - p.used)
      throw std::logic_error("broken output");
    std::string payload(data.substr(p.used, p.header.size));
    for (std::size_t i = 0; p.header.masked && i < payload.size(); ++i)
      payload[i] = static_cast<char>(payload[i] ^ static_cast<char>(p.header.mask[i % 4]));
    data.remove_prefix(p.used + p.header.size);
    if (p.header.op == opcode::close)
      payload = payload.empty() ? "" : std::to_string(code_in(payload));
    text += (text.empty() ? "" : " ") + name_of(p.header.op) + (p.header.fin ? "(" : "...(") +
            payload + ")";
  }
  return text;
}

// Drives a connection and keeps the transcript.
class ws_listener {
 public:
  ws_listener(const connection_options& options, bool direct)
      : connection_(options), direct_(direct) {}

  // The next bytes have arrived. The connection is asked as seldom as it allows.
  void feed(std::string_view chunk) {
    while (!chunk.empty()) {
      const mutable_bytes into = connection_.destination();
      if (direct_ && !into.empty() && buffer_.empty()) {
        const std::size_t n = std::min(into.size(), chunk.size());
        std::ranges::copy(as_bytes(chunk.substr(0, n)), into.begin());
        connection_.received(n);
        chunk.remove_prefix(n);
        need_ = 0;
      } else {
        const bytes arrived = as_bytes(chunk);
        buffer_.insert(buffer_.end(), arrived.begin(), arrived.end());
        chunk = {};
      }
      if (buffer_.size() >= need_) listen();
    }
  }

  void feed_eof() { note(connection_.receive_eof()); }

  bool over() const { return over_; }
  ws::connection& connection() { return connection_; }

  std::string transcript() {
    const std::string output = read_frames(output_, connection_.role());
    return events_ + (output.empty() ? "" : (events_.empty() ? "> " : " > ") + output);
  }

 private:
  void listen() {
    for (;;) {
      const event e = connection_.receive(buffer_);
      note(e);
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(e.consumed));
      take_output();
      if (over_) return;
      if (e.kind == event_kind::need_more) return expect_patience(e.need);
    }
  }

  // Too little input for another call to be worth while must change nothing.
  void expect_patience(std::size_t need) {
    need_ = need;
    if (buffer_.size() >= need) throw std::logic_error("needs no more than it was shown");
    const std::vector<std::byte> before = buffer_;
    const event again = connection_.receive(buffer_);
    if (again.kind != event_kind::need_more || again.consumed != 0 || again.need != need ||
        buffer_ != before)
      throw std::logic_error("the same input twice is not the same");
  }

  void note(const event& e) {
    std::string text;
    switch (e.kind) {
      case event_kind::need_more:
        return;
      case event_kind::progress:
        if (e.need != 0) throw std::logic_error("progress and a need at once");
        return;
      case event_kind::message:
      case event_kind::ping:
      case event_kind::pong:
        text = name_of(e.op) + "(" + std::string(as_text(e.payload)) + ")";
        break;
      case event_kind::closed:
        text = "closed(" + closed_with() + ")";
        break;
      case event_kind::failed:
        text = "failed(" + std::to_string(connection_.failure()) + ")";
        break;
    }
    if (e.need != 0) throw std::logic_error("an event and a need at once");
    if (over_) return;
    over_ = e.kind == event_kind::closed || e.kind == event_kind::failed;
    events_ += (events_.empty() ? "" : " ") + text;
  }

  std::string closed_with() const {
    const close_status status = connection_.peer_close();
    return std::to_string(status.code) + std::string(status.reason.empty() ? "" : " ") +
           std::string(status.reason);
  }

  void take_output() {
    const bytes out = connection_.pending();
    output_ += as_text(out);
    connection_.sent(out.size());
  }

  ws::connection connection_;
  bool direct_;
  bool over_ = false;
  std::size_t need_ = 0;
  std::vector<std::byte> buffer_;
  std::string events_;
  std::string output_;
};

inline connection_options script_options(role r) {
  return {.role = r, .random = predictable};
}

// The transcript of `wire`, cut at the positions `cuts`.
inline std::string hear_cut(const ws_wire& wire, connection_options options, bool direct,
                            const std::vector<std::size_t>& cuts) {
  ws_listener listener(options, direct);
  std::size_t from = 0;
  for (std::size_t cut : cuts) {
    listener.feed(std::string_view(wire.data()).substr(from, cut - from));
    from = cut;
  }
  listener.feed(std::string_view(wire.data()).substr(from));
  return listener.transcript();
}

// The transcript of `wire`: in one piece, byte by byte and in every two pieces (large wires: in
// many small pieces and many two pieces), into the caller's buffer and straight to its destination,
// with and without a threshold; "different" if they are not all the same.
inline std::string hear(const ws_wire& wire, connection_options options) {
  const std::size_t stride = wire.size() < 2000 ? 1 : 1 + wire.size() / 50;
  std::vector<std::size_t> every;
  for (std::size_t i = 1; i < wire.size(); i += stride) every.push_back(i);
  const std::string whole = hear_cut(wire, options, false, {});
  for (std::uint32_t threshold : {options.direct_threshold, 0u, 3u}) {
    options.direct_threshold = threshold;
    for (bool direct : {false, true}) {
      if (hear_cut(wire, options, direct, every) != whole) return "different in small pieces";
      if (wire.size() > 10000) continue;
      for (std::size_t cut : every)
        if (hear_cut(wire, options, direct, {cut}) != whole)
          return "different when cut at " + std::to_string(cut);
    }
  }
  return whole;
}

inline std::string hear(const ws_wire& wire) {
  return hear(wire, script_options(wire.to()));
}

// How many bytes of `wire` are needed until the connection has failed or closed, byte by byte; the
// most of all ways to drive it, so that promptness is a promise. 0 if it never does.
inline std::size_t over_after(const ws_wire& wire, connection_options options) {
  std::size_t worst = 0;
  for (std::uint32_t threshold : {options.direct_threshold, 0u}) {
    options.direct_threshold = threshold;
    for (bool direct : {false, true}) {
      ws_listener listener(options, direct);
      std::size_t i = 0;
      while (i < wire.size() && !listener.over()) listener.feed(wire.data().substr(i++, 1));
      if (!listener.over()) return 0;
      worst = std::max(worst, i);
    }
  }
  return worst;
}

inline std::size_t over_after(const ws_wire& wire) {
  return over_after(wire, script_options(wire.to()));
}

}  // namespace caraway::ws
