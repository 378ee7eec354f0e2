// bsock.cpp - sending to and receiving from whatever answers bsock_type.
#include "capi/handle.hpp"
#include "capi/iolist.hpp"

using namespace caraway;
using namespace caraway::capi;

namespace {
const char bsock_type_id = 0;
}

const void* dill_bsock_type = &bsock_type_id;

int dill_bsend(int s, const void* buf, std::size_t len, std::int64_t deadline) {
  auto* b = query<dill_bsock_vfs>(s, dill_bsock_type);
  if (b == nullptr) return -1;
  if (buf == nullptr && len > 0) return outcome(EINVAL);
  dill_iolist list = single(buf, len);
  return b->bsendl(b, &list, &list, deadline);
}

int dill_brecv(int s, void* buf, std::size_t len, std::int64_t deadline) {
  auto* b = query<dill_bsock_vfs>(s, dill_bsock_type);
  if (b == nullptr) return -1;
  dill_iolist list = single(buf, len);
  return b->brecvl(b, &list, &list, deadline);
}

int dill_bsendl(int s, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  auto* b = query<dill_bsock_vfs>(s, dill_bsock_type);
  if (b == nullptr) return -1;
  if (first == nullptr || last == nullptr || last->iol_next != nullptr) return outcome(EINVAL);
  return b->bsendl(b, first, last, deadline);
}

int dill_brecvl(int s, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  auto* b = query<dill_bsock_vfs>(s, dill_bsock_type);
  if (b == nullptr) return -1;
  if (first == nullptr || last == nullptr || last->iol_next != nullptr) return outcome(EINVAL);
  return b->brecvl(b, first, last, deadline);
}
