// ws_soak.hpp - for tests: conversations in which anything happens, and an account of every message.
//
// Each side sends numbered messages from several coroutines, whole, in pieces, with deadlines that
// are too short and in coroutines that are cancelled, and receives in all ways there are. At last one
// side says goodbye, closes, aborts or is gone. Then the account has to balance: whoever has heard
// the other's goodbye has received exactly what the other's sends have told to be sent, and whoever
// has not has received the beginning of it, in order and nothing twice.
//
// A seed decides what happens; only when it does, the poller decides too.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "caraway/shield.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"

namespace caraway::ws::soak {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class dice {
 public:
  explicit dice(unsigned seed) : engine_(seed) {}
  // One of 0 to n - 1.
  unsigned of(unsigned n) { return static_cast<unsigned>(engine_()) % n; }
  bool one_in(unsigned n) { return of(n) == 0; }
  // Often too short.
  deadline brief() { return one_in(4) ? deadline(immediately) : deadline(microseconds(of(2000))); }
  unsigned size() {
    constexpr std::array<unsigned, 10> below{100, 100,  100,  100,   100,
                                             500, 2000, 5000, 20000, 60000};
    return of(below[of(below.size())]);
  }

 private:
  std::mt19937 engine_;
};

// A message says who sent it, as what, and can be told from every other one to its last byte.
inline std::string message_of(unsigned sender, unsigned number, unsigned size) {
  std::string text = std::to_string(sender) + " " + std::to_string(number) + " ";
  for (unsigned i = 0; i < size; ++i) text += static_cast<char>('a' + (i + i / 256 + number) % 26);
  return text;
}

constexpr unsigned senders = 2;

// What one side has sent, and the other received: the numbers of each sender.
struct account {
  struct entry {
    std::vector<unsigned> sent;      // by what send told
    std::vector<unsigned> doubtful;  // the conversation broke meanwhile
    std::vector<unsigned> received;
  };
  std::array<entry, senders> of;
  std::string spoiled;  // a message that is none

  void receive(std::string_view text) {
    unsigned sender = senders, number = 0;
    int head = 0;
    const std::string start(text.substr(0, 20));
    const int read = std::sscanf(start.c_str(), "%u %u %n", &sender, &number, &head);
    const auto size = static_cast<unsigned>(text.size()) - static_cast<unsigned>(head);
    if (read != 2 || sender >= senders || message_of(sender, number, size) != text)
      spoiled = start;
    else
      of[sender].received.push_back(number);
  }

  // What is wrong with it, if so many messages may be missing at the end; "" for nothing.
  std::string balance(std::size_t missing) const {
    if (!spoiled.empty()) return "spoiled: " + spoiled;
    for (const entry& e : of) {
      std::vector<unsigned> due = e.sent;
      for (unsigned n : e.doubtful)
        if (std::ranges::count(e.received, n) > 0) due.push_back(n);
      std::ranges::sort(due);
      const std::size_t got = e.received.size();
      if (got > due.size() || due.size() - got > missing ||
          !std::equal(e.received.begin(), e.received.end(), due.begin()))
        return "sent" + list(due) + " and received" + list(e.received);
      missing -= std::min(missing, due.size() - got);
    }
    return "";
  }

 private:
  static std::string list(const std::vector<unsigned>& numbers) {
    std::string text;
    for (unsigned n : numbers) text += " " + std::to_string(n);
    return text;
  }
};

// How a side ends the conversation when it has sent everything, or, the last two, before.
enum class way { waits_for_the_other, says_goodbye, closes, aborts, is_gone };

class side {
 public:
  side(socket ws, account& ours, account& theirs, way w, unsigned seed)
      : ws_(std::move(ws)), ours_(ours), theirs_(theirs), way_(w), seed_(seed) {}

  void run() {
    dice d(seed_);
    task_group receiver(on_failure::collect), all(on_failure::collect);
    receiver.go("soak receiver", [this] { receive_all(); });
    for (unsigned who = 0; who < senders; ++who)
      all.go("soak sender", [this, who] { send_all(who); });
    if (way_ >= way::aborts) {
      caraway::sleep(milliseconds(d.of(60)));
      if (way_ == way::aborts) ws_.abort();
      if (way_ == way::is_gone) all.cancel(), receiver.cancel();
    }
    all.wait();
    if (way_ == way::says_goodbye || way_ == way::closes) say_goodbye();
    receiver.wait();
    if (way_ != way::is_gone) static_cast<void>(ws_.try_close(never));
    ws_ = socket();
  }

  // How many of the messages that `other` has told to be sent this side may not have received. An
  // answer to a goodbye may cut off the end of a message that was left to follow by itself.
  std::size_t may_miss(const side& other) const noexcept {
    if (!heard_the_end_ || way_ == way::closes) return std::numeric_limits<std::size_t>::max();
    return other.said_goodbye_ ? 0 : 1;
  }
  // What went wrong that is nobody's doing; "" for nothing.
  const std::string& complaint() const noexcept { return complaint_; }

 private:
  void send_all(unsigned who) {
    dice d(seed_ * 10 + who + 1);
    for (unsigned n = 0; n < 25 && ws_.is_open(); ++n) {
      if (d.one_in(5)) caraway::sleep(d.brief());
      if (d.one_in(6)) static_cast<void>(ws_.try_ping(as_bytes("soak"), d.brief()));
      if (d.one_in(9)) static_cast<void>(ws_.try_probe({}, d.brief()));
      const auto sent = send(message_of(who, n, d.size()), d);
      auto& entry = ours_.of[who];
      if (sent)
        entry.sent.push_back(n);
      else if (!ws_.is_open())
        entry.doubtful.push_back(n);
      else if (sent.error() != os_error(ETIMEDOUT) && sent.error() != os_error(ECANCELED))
        complain("send", sent.error());
    }
  }

  result<void> send(const std::string& text, dice& d) {
    const bytes all = as_bytes(text);
    const message_type type = d.one_in(2) ? message_type::text : message_type::binary;
    switch (d.of(6)) {
      case 0:
        return ws_.try_send(type, parts(&all, 1), d.brief());
      case 1:
        return send_in_pieces(type, text, d);
      case 2:
        return cancelled(d, [&] { return ws_.try_send(type, parts(&all, 1), never); });
      default:
        return ws_.try_send(type, parts(&all, 1), never);
    }
  }

  result<void> send_in_pieces(message_type type, std::string_view text, dice& d) {
    if (auto begun = ws_.try_begin(type, d.brief()); !begun) return begun;
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, 1 + d.of(20'000));
      const auto sent = ws_.try_send_part(as_bytes(piece), d.brief());
      if (sent) text.remove_prefix(piece.size());
      if (!sent && sent.error() != os_error(ETIMEDOUT)) return sent;
    }
    for (;;) {
      const auto ended = ws_.try_end(d.brief());
      if (ended || ended.error() != os_error(ETIMEDOUT)) return ended;
    }
  }

  // f() in a coroutine that is cancelled before long.
  template <class F>
  auto cancelled(dice& d, F f) -> decltype(f()) {
    task_group group;
    auto running = group.go("soak cancelled", f);
    static_cast<void>(caraway::try_sleep(d.brief()));
    running.cancel();
    const shield until_it_ends(never);
    return running.join();
  }

  void receive_all() {
    dice d(seed_ * 10);
    for (;;) {
      const auto got = receive(d);
      if (got && !*got) return heard(true);
      if (got)
        theirs_.receive(**got);
      else if (got.error() == errc::closed || !ws_.stream())
        return heard(false);
      else if (got.error() != os_error(ETIMEDOUT) && got.error() != os_error(ECANCELED))
        return complain("receive", got.error());
      if (d.one_in(8)) caraway::sleep(milliseconds(d.of(d.one_in(10) ? 150 : 5)));
    }
  }

  using text = std::optional<std::string>;

  result<text> receive(dice& d) {
    switch (d.of(6)) {
      case 0:
        return copy(ws_.try_receive(d.brief()));
      case 1:
        return receive_into(d);
      case 2:
        return receive_parts(d);
      case 3:
        return cancelled(d, [this] { return copy(ws_.try_receive(never)); });
      default:
        return copy(ws_.try_receive(never));
    }
  }

  static result<text> copy(const result<std::optional<message>>& m) {
    if (!m) return fail(m.error());
    return *m ? text((*m)->str()) : text();
  }

  result<text> receive_into(dice& d) {
    std::string room(d.of(5000), ' ');
    for (;;) {
      const mutable_bytes into = std::as_writable_bytes(std::span(room));
      const auto got = ws_.try_receive_into(into, d.brief());
      if (got) return *got ? text(room.substr(0, (*got)->size)) : text();
      if (got.error() != os_error(EMSGSIZE)) return fail(got.error());
      room.resize(ws_.next_size());
    }
  }

  result<text> receive_parts(dice& d) {
    std::string all;
    for (bool begun = false;;) {
      const auto p = ws_.try_receive_part(d.brief());
      if (p && !*p) return text();
      if (p) all += as_text((*p)->data);
      if (p && (*p)->last) return all;
      begun = begun || p;
      if (!p && !(begun && p.error() == os_error(ETIMEDOUT))) return fail(p.error());
    }
  }

  void heard(bool end) noexcept { heard_the_end_ = end; }
  void say_goodbye() {
    said_goodbye_ = ws_.is_open();  // the other side was not first
    note(way_ == way::closes ? ws_.try_close(never) : ws_.try_done(close_code::normal, {}, never));
  }
  void note(const result<void>& r) {
    if (!r && r.error() != errc::closed) complain("end", r.error());
  }
  void complain(const std::string& what, std::error_code code) {
    complaint_ += what + ": " + code.message() + "; ";
  }

  socket ws_;
  account& ours_;
  account& theirs_;
  way way_;
  unsigned seed_;
  bool heard_the_end_ = false;
  bool said_goodbye_ = false;
  std::string complaint_;
};

using socket_pair = std::pair<socket, socket>;

// Limits that matter in some conversations and not in others.
inline limits limits_by(dice& d) {
  return {.fragment = d.one_in(2) ? 5000u : 1u << 20,
          .held_back = d.one_in(2) ? 20'000u : 1u << 20};
}

// One conversation. What is wrong with it; "" for nothing.
inline std::string converse(const std::function<socket_pair(dice&)>& connect, unsigned seed,
                            bool transport_breaks = false) {
  constexpr way first_ways[] = {way::says_goodbye, way::says_goodbye, way::closes, way::aborts,
                                way::is_gone};
  constexpr way second_ways[] = {way::waits_for_the_other, way::waits_for_the_other,
                                 way::says_goodbye, way::closes};
  dice d(seed);
  const way first = first_ways[d.of(5)], second = second_ways[d.of(4)];
  account out, back;
  auto [a, b] = connect(d);
  side one(std::move(a), out, back, first, 2 * seed),
      other(std::move(b), back, out, second, 2 * seed + 1);
  {
    task_group group(on_failure::collect);
    group.go([&] { one.run(); });
    group.go([&] { other.run(); });
    if (!group.try_wait(std::chrono::seconds(60))) return "it does not end";
  }
  const std::string there = out.balance(other.may_miss(one));
  const std::string again = back.balance(one.may_miss(other));
  if (there + again != "") return there + again;
  return first < way::aborts && !transport_breaks ? one.complaint() + other.complaint() : "";
}

// Many at a time, each with a seed of its own; what is wrong with them.
inline std::vector<std::string> converse_all(const std::function<socket_pair(dice&)>& connect,
                                             unsigned seed, unsigned count,
                                             bool transport_breaks = false) {
  std::vector<std::string> wrong;
  task_group group;
  for (unsigned n = 0; n < count; ++n)
    group.go([&, n] {
      const std::string what = converse(connect, seed + n, transport_breaks);
      if (what != "") wrong.push_back("conversation " + std::to_string(seed + n) + ": " + what);
    });
  group.wait();
  return wrong;
}

}  // namespace caraway::ws::soak
