// msock.cpp - sending to and receiving from whatever answers msock_type.
#include "capi/handle.hpp"
#include "capi/iolist.hpp"

using namespace caraway;
using namespace caraway::capi;

namespace {
const char msock_type_id = 0;
}

const void* dill_msock_type = &msock_type_id;

int dill_msend(int s, const void* buf, std::size_t len, std::int64_t deadline) {
  auto* m = query<dill_msock_vfs>(s, dill_msock_type);
  if (m == nullptr) return -1;
  if (buf == nullptr && len > 0) return outcome(EINVAL);
  dill_iolist list = single(buf, len);
  return m->msendl(m, &list, &list, deadline);
}

ssize_t dill_mrecv(int s, void* buf, std::size_t len, std::int64_t deadline) {
  auto* m = query<dill_msock_vfs>(s, dill_msock_type);
  if (m == nullptr) return -1;
  dill_iolist list = single(buf, len);
  return m->mrecvl(m, &list, &list, deadline);
}

int dill_msendl(int s, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  auto* m = query<dill_msock_vfs>(s, dill_msock_type);
  if (m == nullptr) return -1;
  if (first == nullptr || last == nullptr || last->iol_next != nullptr) return outcome(EINVAL);
  return m->msendl(m, first, last, deadline);
}

ssize_t dill_mrecvl(int s, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  auto* m = query<dill_msock_vfs>(s, dill_msock_type);
  if (m == nullptr) return -1;
  const bool drop = first == nullptr && last == nullptr;
  if (!drop && (first == nullptr || last == nullptr || last->iol_next != nullptr))
    return outcome(EINVAL);
  return m->mrecvl(m, first, last, deadline);
}
