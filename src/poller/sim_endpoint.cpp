// sim_endpoint.cpp - how simulated sockets behave.
//
// The model is Linux: what was received can be read before an error is reported, the error is
// reported once, and then the stream is at its end. A TCP socket learns that its peer is gone only
// from the answer to what it sends; a Unix socket knows at once.
#include "poller/sim_endpoint.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace caraway::sim {

endpoint::endpoint(timeline& time, weather& sky, int f, int t) noexcept
    : family(f),
      type(t),
      local(f),
      remote(f),
      send_buffer(sky.current().send_buffer),
      time_(time),
      sky_(sky) {}

short endpoint::readiness() const noexcept {
  if (state_ == phase::listening) return pending_.empty() ? 0 : POLLIN;
  if (state_ == phase::connecting) return 0;
  short holds = 0;
  if (error_ != 0) holds |= POLLERR | POLLIN | POLLOUT;
  if (!is_stream()) return holds | POLLOUT | (datagrams_.empty() ? 0 : POLLIN);
  if (state_ == phase::idle) return holds | POLLOUT | POLLHUP;
  if (unread() > 0) holds |= POLLIN;
  if (ended_ || no_recv_ || was_reset_) holds |= POLLIN | POLLRDHUP;
  if (was_reset_ || (no_send_ && (ended_ || no_recv_))) holds |= POLLHUP;
  if (no_send_ || was_reset_ || room() > send_buffer / 3) holds |= POLLOUT;
  return holds;
}

int endpoint::take_error() noexcept {
  return std::exchange(error_, 0);
}

time_point endpoint::next_arrival() noexcept {
  return last_arrival_ = std::max(last_arrival_, time_.now() + sky_.latency());
}

std::size_t endpoint::room() const noexcept {
  return under_way_ >= send_buffer ? 0 : send_buffer - under_way_;
}

int endpoint::send_error() noexcept {
  if (error_ != 0) return take_error();
  if (no_send_ || was_reset_) return EPIPE;
  if (state_ == phase::connecting) return EAGAIN;
  if (state_ != phase::connected) return is_unix() ? ENOTCONN : EPIPE;
  if (!is_unix()) return 0;
  const auto peer = peer_.lock();
  return peer == nullptr || peer->closed_ || peer->no_recv_ ? EPIPE : 0;
}

long endpoint::send(bytes data) {
  if (const int code = send_error(); code != 0) return -code;
  if (data.empty()) return 0;
  if (room() == 0) return -EAGAIN;
  const std::size_t n = sky_.part_of(std::min(data.size(), room()), sky_.current().max_write);
  under_way_ += n;
  time_.at(next_arrival(), [self = shared_from_this(), peer = peer_.lock(),
                            chunk = std::vector(data.begin(), data.begin() + n)] {
    if (peer == nullptr || peer->closed_)
      self->answered_by_closed(peer.get());
    else
      peer->receive(chunk);
  });
  grow_older(n);
  return static_cast<long>(n);
}

void endpoint::receive(bytes data) {
  received_.insert(received_.end(), data.begin(), data.end());
}

// 9293 3.10.7.1: data for a connection that is no more. What that has sent before arrives before.
void endpoint::answered_by_closed(endpoint* peer) {
  const time_point at = peer == nullptr ? time_.now() + sky_.latency() : peer->next_arrival();
  time_.at(at, [self = shared_from_this()] { self->reset(ECONNRESET); });
}

void endpoint::reset(int code) noexcept {
  if (was_reset_ || state_ != phase::connected) return;
  was_reset_ = true;
  error_ = ended_ && !is_unix() ? EPIPE : code;
}

void endpoint::reset_peer() {
  time_.at(next_arrival(), [peer = peer_.lock()] {
    if (peer != nullptr) peer->reset(ECONNRESET);
  });
}

void endpoint::finish() {
  time_.at(next_arrival(), [peer = peer_.lock()] {
    if (peer != nullptr) peer->ended_ = true;
  });
}

// Breaks the connection when it has carried as much as it was given to live.
void endpoint::grow_older(std::size_t n) {
  if (lifetime_ == 0) return;
  const auto peer = peer_.lock();
  lifetime_ = lifetime_ > n ? lifetime_ - n : 0;
  if (peer != nullptr) peer->lifetime_ = lifetime_;
  if (lifetime_ != 0) return;
  reset_peer();
  time_.at(time_.now() + sky_.latency(), [self = shared_from_this()] { self->reset(ECONNRESET); });
}

long endpoint::recv(mutable_bytes into, bool peek) {
  if (unread() == 0) return nothing_to_recv();
  const std::size_t most = std::min(into.size(), unread());
  const std::size_t n = peek ? most : sky_.part_of(most, sky_.current().max_read);
  std::copy_n(received_.begin() + static_cast<std::ptrdiff_t>(read_), n, into.begin());
  if (!peek) consume(n);
  return static_cast<long>(n);
}

void endpoint::consume(std::size_t n) noexcept {
  read_ += n;
  if (const auto peer = peer_.lock(); peer != nullptr) peer->under_way_ -= n;
  if (unread() != 0 && read_ < send_buffer) return;
  received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(read_));
  read_ = 0;
}

long endpoint::nothing_to_recv() noexcept {
  if (error_ != 0) return -take_error();
  if (ended_ || was_reset_ || no_recv_) return 0;
  return state_ == phase::connected || state_ == phase::connecting ? -EAGAIN : -ENOTCONN;
}

int endpoint::shutdown(int how) {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  if (state_ != phase::connected || was_reset_) return -ENOTCONN;
  if (how != SHUT_WR) no_recv_ = true;
  if (how != SHUT_RD && !std::exchange(no_send_, true) && is_stream()) finish();
  return 0;
}

void endpoint::join(const std::shared_ptr<endpoint>& a,
                    const std::shared_ptr<endpoint>& b) noexcept {
  a->peer_ = b;
  b->peer_ = a;
  a->state_ = b->state_ = phase::connected;
  a->lifetime_ = b->lifetime_ = a->sky_.lifetime();
}

void endpoint::listen(int backlog) noexcept {
  state_ = phase::listening;
  backlog_ = static_cast<std::size_t>(std::clamp(backlog, 0, 4096));
}

std::shared_ptr<endpoint> endpoint::accept() noexcept {
  if (pending_.empty()) return nullptr;
  std::shared_ptr<endpoint> fresh = std::move(pending_.front());
  pending_.pop_front();
  return fresh;
}

// The server's half is connected already; it is told with a reset if nobody waits for it any more.
void endpoint::established(const std::shared_ptr<endpoint>& server) {
  if (closed_) {
    server->reset(ECONNRESET);
    return;
  }
  state_ = phase::connected;
}

void endpoint::refuse(int code) noexcept {
  if (closed_) return;
  state_ = phase::idle;
  error_ = code;
}

void endpoint::deliver(const address& from, std::vector<std::byte> data) {
  if (closed_ || datagrams_.size() == most_datagrams) return;
  const bool strange = !from.same_host(remote) || from.port() != remote.port();
  if (state_ == phase::connected && strange) return;
  datagrams_.push_back({from, std::move(data)});
}

void endpoint::unreachable(const address& to) noexcept {
  const bool told =
      state_ == phase::connected && to.same_host(remote) && to.port() == remote.port();
  if (told && to.is_loopback()) error_ = ECONNREFUSED;
}

long endpoint::recv_datagram(mutable_bytes into, address& from, bool peek, bool& cut) {
  if (error_ != 0) return -take_error();
  if (datagrams_.empty()) return no_recv_ ? 0 : -EAGAIN;
  const datagram& d = datagrams_.front();
  const std::size_t n = std::min(into.size(), d.data.size());
  std::copy_n(d.data.begin(), n, into.begin());
  from = d.from;
  cut = n < d.data.size();
  if (!peek) datagrams_.pop_front();
  return static_cast<long>(n);
}

void endpoint::close() {
  closed_ = true;
  for (const auto& fresh : std::exchange(pending_, {})) {
    fresh->closed_ = true;
    fresh->reset_peer();
  }
  if (state_ == phase::connected && is_stream()) close_stream();
}

// Unread bytes make the end a reset, as does a linger time of zero.
void endpoint::close_stream() {
  if (was_reset_) return;
  const bool abort = lingering.l_onoff != 0 && lingering.l_linger == 0 && !is_unix();
  if (abort || unread() > 0)
    reset_peer();
  else if (!no_send_)
    finish();
}

}  // namespace caraway::sim
