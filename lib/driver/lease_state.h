/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: the records of a lease in a file, see lease_file.c. */
#ifndef INFRA_DRIVER_LEASE_STATE_H
#define INFRA_DRIVER_LEASE_STATE_H

#include "../base/internal.h"
#include "../lease/rules.h"

#include <limits.h>

#define INFRA__BOOT_ID_SIZE 40u /* 36 characters and zeroes. */

/* The writer of a state, and the boot of its clock. */
struct infra__lease_origin {
    char node[INFRA_LEASE_NAME_MAX + 1];
    char boot_id[INFRA__BOOT_ID_SIZE];
};

struct infra__lease_state {
    uint64_t sequence;
    struct infra__lease_cell cell;
    uint64_t is_locked; /* The holder holds the lock of its token. */
    struct infra__lease_origin origin; /* Of the writer. */
};

/* INFRA_ESYSTEM: the boot id cannot be read. */
int infra__lease_origin_init(struct infra__lease_origin *o, const char *node);

bool infra__lease_is_of_boot(const struct infra__lease_state *r,
                             const struct infra__lease_origin *o);

/* How far this time namespace's clock is ahead of the boot's. INFRA_ESYSTEM:
 * the kernel does not tell. */
int infra__lease_clock_init(int64_t *ret_offset);
int64_t infra__lease_clock_offset(const char *text);

/* The absolute path, which a chdir(2) does not change. INFRA_ESYSTEM. */
int infra__lease_path_init(char ret[PATH_MAX], const char *path);

/* Is the open file the one at the path? 0; EBADMSG: it was moved, replaced or
 * deleted; or another errno. */
int infra__lease_file_find(int fd, const char *path);

#define INFRA__LEASE_LOCKS ((uint64_t)1 << 62) /* Bytes that can be locked. */

/* Lock or unlock a byte, without waiting: F_WRLCK, F_UNLCK. 0 or an errno. */
int infra__lease_lock(int fd, short type, uint64_t byte);

/* Does no other process hold the lock of this byte? */
bool infra__lease_is_unlocked(int fd, uint64_t byte);

/* Open or create the file. INFRA_EINVAL, INFRA_EREMOTE, INFRA_ESYSTEM. */
int infra__lease_file_open(int *ret_fd, const char *path);

/* Write the first states into an empty file. INFRA_EINVAL: it holds something
 * else; INFRA_ESYSTEM. */
int infra__lease_file_prepare(int fd, const char *path,
                              const struct infra__lease_origin *o);

/* Read the newer whole state. 0, an errno, or EBADMSG: there is none. */
int infra__lease_state_read(int fd, struct infra__lease_state *ret);

/* Write @r as the next state; @is_durable: as both, on the disk when this
 * returns. 0 or an errno. */
int infra__lease_state_write(int fd, const struct infra__lease_state *r,
                             const struct infra__lease_origin *o,
                             bool is_durable);

#endif
