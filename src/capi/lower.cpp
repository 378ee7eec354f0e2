#include "capi/lower.hpp"

#include "capi/foreign.hpp"
#include "capi/messages.hpp"

namespace caraway::capi {

int lower::take_handle(int s) noexcept {
  handle_ = dill_hown(s);
  return handle_ < 0 ? errno : 0;
}

int lower::close_after(int code) noexcept {
  if (code != 0) close();
  return code;
}

int lower::take(int s, stream_ptr& stream) noexcept {
  if (const int code = take_handle(s); code != 0) return code;
  own_ = own<stream_object>(handle_, stream_type);
  if (own_ != nullptr) return close_after(take_own(*own_, stream));
  auto* vfs = query<dill_bsock_vfs>(handle_, dill_bsock_type);
  if (vfs == nullptr) return close_after(ENOTSUP);
  stream = make_foreign(*vfs);
  foreign_ = stream.get();
  return close_after(stream == nullptr ? ENOMEM : 0);
}

int lower::take(int s, message_ptr& stream) noexcept {
  if (const int code = take_handle(s); code != 0) return code;
  own_messages_ = own<message_object>(handle_, message_type);
  if (own_messages_ != nullptr) return close_after(take_own(*own_messages_, stream));
  auto* vfs = query<dill_msock_vfs>(handle_, dill_msock_type);
  if (vfs == nullptr) return close_after(ENOTSUP);
  stream = make_foreign(*vfs, query_own(handle_, keeping_type) != nullptr);
  return close_after(stream == nullptr ? ENOMEM : 0);
}

int lower::take_own(stream_object& o, stream_ptr& stream) noexcept {
  stream_state& state = o.state;
  if (state.in.busy || state.out.busy) return EBUSY;
  if (state.in.code == ECONNRESET || state.out.code == ECONNRESET) return ECONNRESET;
  stream = std::move(state.stream);
  o.host.reset();
  if (o.lend != nullptr) o.lend(*stream, true);
  return 0;
}

int lower::take_own(message_object& o, message_ptr& stream) noexcept {
  message_state& state = o.state;
  if (state.sending || state.receiving) return EBUSY;
  if (state.broken) return ECONNRESET;
  stream = std::move(state.stream);
  return 0;
}

int lower::may_give_back() const noexcept {
  if (foreign_ == nullptr) return 0;
  if (!foreign_->healthy()) return ECONNRESET;
  return foreign_->buffered().empty() ? 0 : EBUSY;
}

int lower::give_back(stream_ptr stream) noexcept {
  if (own_ != nullptr) {
    if (own_->lend != nullptr) own_->lend(*stream, false);
    own_->state.stream = std::move(stream);
  }
  return std::exchange(handle_, -1);
}

int lower::give_back(message_ptr stream) noexcept {
  if (own_messages_ != nullptr) own_messages_->state.stream = std::move(stream);
  return std::exchange(handle_, -1);
}

bool lower::said_all() const noexcept {
  if (own_ != nullptr) return own_->state.out.code == EPIPE;
  return own_messages_ != nullptr && own_messages_->state.below.said_all();
}

lower lower::of(int kept) noexcept {
  lower made;
  made.handle_ = kept;
  made.own_ = own<stream_object>(kept, stream_type);
  return made;
}

void lower::close() noexcept {
  if (handle_ >= 0) dill_hclose(std::exchange(handle_, -1));
}

int refuse(int s, int code) noexcept {
  return dill_hclose(s) == 0 ? outcome(code) : -1;
}

}  // namespace caraway::capi
