#include "caraway/ws_socket.hpp"

#include <cerrno>
#include <cstring>

#include "proto/ws_socket_impl.hpp"

namespace caraway::ws {
namespace {

const http::request_head no_request;
const http::response_head no_response;
const std::optional<deflate_options> no_deflate;
const ws::traffic no_traffic;

}  // namespace

socket::socket() noexcept = default;
socket::socket(std::unique_ptr<impl> i) noexcept : impl_(std::move(i)) {}
socket::socket(socket&& other) noexcept = default;
socket& socket::operator=(socket&& other) noexcept = default;
socket::~socket() = default;

// Receiving

result<std::optional<message>> socket::try_receive(deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->receive(dl);
  impl_->explain(r);
  return r;
}

result<std::optional<part>> socket::try_receive_part(deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->receive_part(dl);
  impl_->explain(r);
  return r;
}

result<std::optional<received>> socket::try_receive_into(mutable_bytes into, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto m = impl_->receive(dl, into);
  impl_->explain(m);
  if (!m) return fail(m.error());
  if (!*m) return std::nullopt;
  const message& got = **m;
  if (got.size() > into.size()) {
    impl_->hold_again(got);
    return fail(EMSGSIZE);
  }
  if (got.size() > 0 && got.data.data() != into.data())
    std::memcpy(into.data(), got.data.data(), got.size());
  impl_->forget_shown();
  return received{got.type, got.size()};
}

std::size_t socket::next_size() const noexcept {
  return impl_ && impl_->held ? impl_->held->size() : 0;
}

result<bytes> socket::try_recv(deadline dl) {
  const auto m = try_receive(dl);
  if (!m) return fail(m.error());
  if (!*m) return fail(errc::end_of_stream);
  return (*m)->data;
}

result<std::size_t> socket::try_recv_into(mutable_bytes into, deadline dl) {
  const auto m = try_receive_into(into, dl);
  if (!m) return fail(m.error());
  if (!*m) return fail(errc::end_of_stream);
  return (*m)->size;
}

result<std::size_t> socket::try_skip(deadline dl) {
  const auto m = try_recv(dl);
  if (!m) return fail(m.error());
  impl_->forget_shown();
  impl_->note_dropped(m->size());
  return m->size();
}

message_type socket::type() const noexcept {
  return impl_ ? impl_->last_type : message_type::binary;
}

// Sending

result<void> socket::try_send(message_type type, parts ps, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->send(type, ps, dl);
  impl_->explain(r);
  return r;
}

result<void> socket::try_send(parts ps, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->send(impl_->default_type, ps, dl);
  impl_->explain(r);
  return r;
}

result<void> socket::try_send(const prepared& m, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->send(m, dl);
  impl_->explain(r);
  return r;
}

void socket::set_type(message_type type) noexcept {
  if (impl_) impl_->default_type = type;
}

void socket::send_one(message_type type, bytes data, deadline dl) {
  value_or_raise(try_send(type, parts(&data, 1), dl), "send");
}

result<void> socket::try_begin(message_type type, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->begin(type, dl);
  impl_->explain(r);
  return r;
}

result<void> socket::try_send_part(bytes piece, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->send_part(piece, dl);
  impl_->explain(r);
  return r;
}

result<void> socket::try_end(deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->end(dl);
  impl_->explain(r);
  return r;
}

void socket::cut_off() noexcept {
  if (impl_) impl_->cut_off();
}

result<void> socket::try_ping(bytes payload, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->ping(payload, dl);
  impl_->explain(r);
  return r;
}

result<nanoseconds> socket::try_probe(bytes payload, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->probe(payload, dl);
  impl_->explain(r);
  return r;
}

result<void> socket::try_flush(deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->flush(dl);
  impl_->explain(r);
  return r;
}

// Ending

result<void> socket::try_done(std::uint16_t code, std::string_view reason, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->done(code, reason, dl);
  impl_->explain(r);
  return r;
}

result<void> socket::try_close(std::uint16_t code, std::string_view reason, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->close(code, reason, dl);
  impl_->explain(r);
  return r;
}

result<stream_ptr> socket::try_detach(std::uint16_t code, std::string_view reason, deadline dl) {
  if (!impl_) return fail(errc::closed);
  auto r = impl_->detach(code, reason, dl);
  impl_->explain(r);
  return r;
}

void socket::abort() noexcept {
  if (impl_) impl_->abort();
}

// What is known

bool socket::is_open() const noexcept {
  return impl_ && impl_->is_open();
}

bool socket::peer_has_closed() const noexcept {
  return impl_ && impl_->conn.state() == connection_state::closed;
}

std::uint16_t socket::close_code() const noexcept {
  return impl_ ? impl_->conn.peer_close().code : ws::close_code::abnormal;
}

std::string_view socket::close_reason() const noexcept {
  return impl_ ? impl_->conn.peer_close().reason : std::string_view();
}

backlog socket::pending() const noexcept {
  return impl_ ? impl_->pending() : backlog();
}

std::optional<round_trip> socket::round_trip_time() const noexcept {
  return impl_ ? impl_->pings.measured() : std::nullopt;
}

const ws::traffic& socket::carried() const noexcept {
  return impl_ ? impl_->carried : no_traffic;
}

ws::role socket::role() const noexcept {
  return impl_ ? impl_->conn.role() : ws::role::client;
}

std::string_view socket::subprotocol() const noexcept {
  return impl_ ? impl_->subprotocol : std::string_view();
}

const std::optional<deflate_options>& socket::deflate() const noexcept {
  return impl_ ? impl_->deflate : no_deflate;
}

const http::request_head& socket::request() const noexcept {
  return impl_ ? impl_->request : no_request;
}

const http::response_head& socket::response() const noexcept {
  return impl_ ? impl_->response : no_response;
}

byte_stream* socket::stream() const noexcept {
  return impl_ && !impl_->ended && !impl_->gone ? impl_->under.get() : nullptr;
}

}  // namespace caraway::ws
