// socket_stream.hpp - the byte_stream face of a socket_core; tcp and unix add what is theirs.
#pragma once

#include <memory>
#include <utility>

#include "net/socket_core.hpp"

namespace caraway::net {

// `Face` is an abstract class derived from byte_stream.
template <class Face>
class socket_stream : public Face {
 public:
  socket_stream(unique_fd fd, std::unique_ptr<runtime::io_handle> handle, ending e) noexcept
      : core_(std::move(fd), std::move(handle), e) {}

  result<mutable_bytes> try_fill(std::size_t min, deadline dl) final { return core_.fill(min, dl); }
  mutable_bytes buffered() noexcept final { return core_.buffered(); }
  void consume(std::size_t n) noexcept final { core_.consume(n); }
  std::unique_ptr<kept_memory> consume_but_keep(std::size_t n) noexcept final {
    return core_.consume_but_keep(n);
  }
  void limit_pending(std::size_t n) noexcept final { core_.limit_pending(n); }
  std::size_t pending() const noexcept final { return core_.pending(); }
  result<std::size_t> try_read_into(mutable_bytes into, std::size_t min, deadline dl,
                                    std::size_t* received) final {
    return core_.read_into(into, min, dl, received);
  }
  result<void> try_write(parts ps, deadline dl) final { return core_.write(ps, dl); }
  result<void> try_flush(deadline dl) final { return core_.flush(dl); }
  result<void> try_done(deadline dl) final { return core_.done(dl); }
  result<void> try_close(deadline dl) final { return core_.close(dl); }
  void abort() noexcept final { core_.abort(); }
  bool healthy() const noexcept final { return core_.healthy(); }
  int fd() const noexcept final { return core_.fd(); }

 protected:
  socket_core core_;
};

}  // namespace caraway::net
