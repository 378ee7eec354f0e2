// tls_stream.hpp - what is behind a tls::stream.
//
//     reader <- plain_ <- session_ <- what the stream below has buffered
//     writer -> session_ -> out_ -> flight_ -> the stream below
//
// The session never waits, so reader and writer never are in it at the same time. Ciphertext must go
// out in the order in which it was made, and what was encrypted cannot be taken back. Both the
// writer and the reader (answers to key updates, alerts) make some; it gathers in out_, and whoever
// has the turn `writing_` moves it into the stream below, by way of flight_.
//
// A write promises all or nothing. Once its first piece is encrypted it can only be all: if the
// stream below then does not take it in time, the rest is encrypted too, the write has succeeded,
// and a coroutine of our own inherits the turn and pushes. Later writers wait for it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "caraway/task_group.hpp"
#include "caraway/tls.hpp"
#include "codec/tls_session.hpp"
#include "io/outgoing.hpp"
#include "proto/turn.hpp"
#include "runtime/buffer_pool.hpp"

namespace caraway::tls {

class stream_impl final : public stream, private sink {
 public:
  explicit stream_impl(caraway::stream_ptr under) noexcept
      : under_(std::move(under)), session_(*this) {}
  ~stream_impl() override;

  // Opens the session and shakes hands. After a failure the object is good for nothing; refuse()
  // lets the peer know.
  result<void> shake(ssl_ctx_st& setup, const session_options& options, deadline dl);
  void refuse(deadline dl) noexcept;

  result<mutable_bytes> try_fill(std::size_t min, deadline dl) override;
  mutable_bytes buffered() noexcept override;
  void consume(std::size_t n) noexcept override;
  std::unique_ptr<kept_memory> consume_but_keep(std::size_t n) noexcept override;
  result<std::size_t> try_read_into(mutable_bytes into, std::size_t min, deadline dl,
                                    std::size_t* received) override;
  result<void> try_write(parts ps, deadline dl) override;
  std::size_t pending() const noexcept override;
  void limit_pending(std::size_t n) noexcept override;
  result<void> try_flush(deadline dl) override;
  result<void> try_done(deadline dl) override;
  result<void> try_close(deadline dl) override;
  void abort() noexcept override;
  bool healthy() const noexcept override;

  std::string_view version() const noexcept override { return session_.version(); }
  std::string_view cipher() const noexcept override { return session_.cipher(); }
  std::string_view alpn() const noexcept override { return session_.alpn(); }
  std::string_view host() const noexcept override { return session_.host(); }
  bool resumed() const noexcept override { return session_.resumed(); }
  std::string peer_subject() const override { return session_.peer_subject(); }
  std::string peer_certificate() const override { return session_.peer_certificate(); }
  byte_stream* below() const noexcept override { return under_.get(); }
  result<caraway::stream_ptr> try_detach(deadline dl) override;

 private:
  class receiver;
  class writer;

  bool put(bytes b) noexcept override;

  mutable_bytes view() noexcept { return {plain_.memory() + begin_, plain_.size() - begin_}; }
  bool make_room(std::size_t wanted) noexcept;
  std::size_t take(mutable_bytes into) noexcept;
  void drop_plain() noexcept;
  std::error_code cannot_receive() const noexcept;
  template <class Room>
  result<std::size_t> receive(Room room, deadline dl);
  result<void> receive_more(std::size_t min, deadline dl);
  result<std::size_t> decrypt(mutable_bytes into);
  result<void> pull(deadline dl);
  result<void> drain(deadline dl);

  std::error_code cannot_write() const noexcept;
  result<void> encrypt(io::outgoing& what);
  result<void> encrypt_next(io::outgoing& what);
  result<void> send(io::outgoing& what, deadline dl);
  result<void> push(deadline dl);
  result<void> flush_below(deadline dl);
  bool has_pending() const noexcept { return flight_.size() + out_.size() > 0; }
  void say_what_receiving_made() noexcept;
  result<void> say_all(deadline dl);
  void leave_turn() noexcept;
  void push_to_the_end() noexcept;
  void say_goodbye() noexcept;
  void drop_below() noexcept;

  std::error_code note_write(std::error_code code) noexcept;
  void broken(std::error_code code) noexcept;
  result<void> close_below(result<void> so_far, deadline dl);

  caraway::stream_ptr under_;
  session session_;
  runtime::lent_buffer plain_;
  std::size_t begin_ = 0;  // what of plain_ was consumed
  runtime::lent_buffer out_;
  // How much of that is there because something was received.
  std::size_t unsaid_ = 0;
  runtime::lent_buffer flight_;
  proto::turn writing_;
  std::error_code read_failure_;
  std::error_code write_failure_;
  bool established_ = false;
  bool receiving_ = false;
  bool ended_ = false;   // the peer has said close_notify
  bool done_ = false;    // we have
  bool closed_ = false;  // closed, aborted or detached
  // Made when it is first needed; behind everything its task refers to.
  std::unique_ptr<task_group> pushing_;
};

}  // namespace caraway::tls
