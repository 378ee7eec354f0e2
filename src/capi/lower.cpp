#include "capi/lower.hpp"

#include "capi/foreign.hpp"

namespace caraway::capi {

int lower::take(int s, stream_ptr& stream) noexcept {
  handle_ = dill_hown(s);
  if (handle_ < 0) return errno;
  own_ = own<stream_object>(handle_, stream_type);
  int code = 0;
  if (own_ != nullptr)
    code = take_own(*own_, stream);
  else if (auto* vfs = query<dill_bsock_vfs>(handle_, dill_bsock_type); vfs == nullptr)
    code = ENOTSUP;
  else if (stream = make_foreign(*vfs); stream == nullptr)
    code = ENOMEM;
  if (code != 0) close();
  return code;
}

int lower::take_own(stream_object& o, stream_ptr& stream) noexcept {
  stream_state& state = *o.state;
  if (state.in.busy || state.out.busy) return EBUSY;
  if (state.in.code != 0) return state.in.code;
  if (state.out.code != 0) return state.out.code;
  stream = std::move(state.stream);
  if (o.lend != nullptr) o.lend(*stream, true);
  return 0;
}

int lower::give_back(stream_ptr stream) noexcept {
  if (own_ != nullptr) {
    if (own_->lend != nullptr) own_->lend(*stream, false);
    own_->state->stream = std::move(stream);
  }
  return std::exchange(handle_, -1);
}

void lower::close() noexcept {
  if (handle_ >= 0) dill_hclose(std::exchange(handle_, -1));
}

}  // namespace caraway::capi
