/* libdillimpl.h - for those who make handles of their own: protocols, sockets, anything.

   An object begins with a table of functions; hmake() gives it a number, hquery() finds out what it
   can do, by types whose address is their identity. Sockets answer bsock_type or msock_type:

       struct quux { struct hvfs hvfs; struct msock_vfs mvfs; int lower; };

       static void *quux_query(struct hvfs *hvfs, const void *type) {
           struct quux *self = (struct quux *)hvfs;
           if (type == msock_type) return &self->mvfs;
           errno = ENOTSUP;
           return NULL;
       }
*/
#ifndef LIBDILLIMPL_H_INCLUDED
#define LIBDILLIMPL_H_INCLUDED

#include "libdill.h"

#if defined(__cplusplus)
extern "C" {
#endif

/* The address of this object is the object's. `query` returns what stands for `type`, or NULL and errno
   (ENOTSUP); it may be called once only for the same type. `close` frees the object; blocking calls in
   it fail with ECANCELED. */
struct dill_hvfs {
  void* (*query)(struct dill_hvfs* vfs, const void* type);
  void (*close)(struct dill_hvfs* vfs);
};

/* A handle for the object. EINVAL: vfs or one of its functions is NULL; ECANCELED, ENOMEM. */
DILL_EXPORT int dill_hmake(struct dill_hvfs* vfs);
/* What the object answers for `type`; EBADF, or the errno of the object. */
DILL_EXPORT void* dill_hquery(int h, const void* type);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define hvfs dill_hvfs
#define hmake dill_hmake
#define hquery dill_hquery
#endif

#if !defined(DILL_DISABLE_SOCKETS)

DILL_EXPORT extern const void* dill_bsock_type;
struct dill_bsock_vfs {
  int (*bsendl)(struct dill_bsock_vfs* vfs, struct dill_iolist* first, struct dill_iolist* last,
                int64_t deadline);
  int (*brecvl)(struct dill_bsock_vfs* vfs, struct dill_iolist* first, struct dill_iolist* last,
                int64_t deadline);
};

DILL_EXPORT extern const void* dill_msock_type;
struct dill_msock_vfs {
  int (*msendl)(struct dill_msock_vfs* vfs, struct dill_iolist* first, struct dill_iolist* last,
                int64_t deadline);
  ssize_t (*mrecvl)(struct dill_msock_vfs* vfs, struct dill_iolist* first, struct dill_iolist* last,
                    int64_t deadline);
};

#if !defined(DILL_DISABLE_RAW_NAMES)
#define bsock_vfs dill_bsock_vfs
#define bsock_type dill_bsock_type
#define msock_vfs dill_msock_vfs
#define msock_type dill_msock_type
#endif

#endif /* DILL_DISABLE_SOCKETS */

#if defined(__cplusplus)
}
#endif

#endif /* LIBDILLIMPL_H_INCLUDED */
