// sim_endpoint.hpp - one socket of the simulated network: what has arrived, what is under way, what
// was shut down, what went wrong.
//
// Two connected endpoints know each other by weak pointers; the descriptor (or, before accept, the
// listener) owns an endpoint. Everything that travels is an event on the timeline. What arrives at
// an endpoint that was closed is answered as TCP does, with a reset.
//
// Functions that stand for system calls return a negative errno on failure.
#pragma once

#include <sys/socket.h>

#include <deque>
#include <memory>
#include <vector>

#include "caraway/bytes.hpp"
#include "poller/sim_address.hpp"
#include "poller/sim_timeline.hpp"
#include "poller/sim_weather.hpp"

namespace caraway::sim {

class endpoint : public std::enable_shared_from_this<endpoint> {
 public:
  enum class phase { idle, listening, connecting, connected };

  endpoint(timeline& time, weather& sky, int family, int type) noexcept;

  // The settings of socket(2), bind(2) and setsockopt(2), for the network to use.
  const int family;
  const int type;
  address local;
  address remote;
  bool bound = false;
  bool reuse_address = false;
  bool only_v6 = false;
  linger lingering{};
  std::size_t send_buffer;

  phase state() const noexcept { return state_; }
  bool is_stream() const noexcept { return type == SOCK_STREAM; }
  bool closed() const noexcept { return closed_; }

  // What of POLLIN, POLLOUT, POLLRDHUP, POLLHUP and POLLERR holds.
  short readiness() const noexcept;
  // The pending error (SO_ERROR), which is gone then.
  int take_error() noexcept;

  // Streams.
  long send(bytes data);
  long recv(mutable_bytes into, bool peek);
  int shutdown(int how);
  // Joins two fresh endpoints.
  static void join(const std::shared_ptr<endpoint>& a, const std::shared_ptr<endpoint>& b) noexcept;

  // Listening.
  void listen(int backlog) noexcept;
  bool is_full() const noexcept { return pending_.size() > backlog_; }
  void enqueue(std::shared_ptr<endpoint> fresh) { pending_.push_back(std::move(fresh)); }
  // The next connection, or nullptr.
  std::shared_ptr<endpoint> accept() noexcept;

  // Connecting: begun; the answer has come; it was refused.
  void begin_connect() noexcept { state_ = phase::connecting; }
  void established(const std::shared_ptr<endpoint>& server);
  void refuse(int code) noexcept;

  // Datagrams: one has arrived; the next one, whose sender goes to `from`.
  void deliver(const address& from, std::vector<std::byte> data);
  long recv_datagram(mutable_bytes into, address& from, bool peek, bool& cut);
  void connect_datagrams() noexcept { state_ = phase::connected; }
  // Nobody is at `to`, where it has sent to; a connected socket is told.
  void unreachable(const address& to) noexcept;

  // The descriptor is gone.
  void close();

  // When something sent now arrives at the peer; later than everything sent before.
  time_point next_arrival() noexcept;

 private:
  struct datagram {
    address from;
    std::vector<std::byte> data;
  };
  static constexpr std::size_t most_datagrams = 256;

  bool is_unix() const noexcept { return family == AF_UNIX; }
  std::size_t unread() const noexcept { return received_.size() - read_; }
  std::size_t room() const noexcept;
  long nothing_to_recv() noexcept;
  int send_error() noexcept;
  void receive(bytes data);
  void consume(std::size_t n) noexcept;
  void answered_by_closed(endpoint* peer);
  void reset(int code) noexcept;
  void reset_peer();
  void finish();
  void grow_older(std::size_t n);
  void close_stream();

  timeline& time_;
  weather& sky_;
  phase state_ = phase::idle;
  std::weak_ptr<endpoint> peer_;
  std::vector<std::byte> received_;
  std::size_t read_ = 0;
  std::size_t under_way_ = 0;  // sent and not yet read
  std::uint64_t lifetime_ = 0;
  time_point last_arrival_{};
  int error_ = 0;
  bool ended_ = false;  // the peer has finished
  bool was_reset_ = false;
  bool no_recv_ = false;
  bool no_send_ = false;
  bool closed_ = false;
  std::size_t backlog_ = 0;
  std::deque<std::shared_ptr<endpoint>> pending_;
  std::deque<datagram> datagrams_;
};

}  // namespace caraway::sim
