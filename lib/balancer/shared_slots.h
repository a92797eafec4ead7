/* SPDX-License-Identifier: MIT */
/* The layout of the slots, in private memory or in memory that worker processes
 * share:
 *
 *   struct shared     what it is, and a count of changed marks
 *   slots             one per id
 *   tier slots        one per tier
 *   ledgers           one per worker: a holding per id and per tier, and the
 *                     worker's process
 *
 * A ledger holds its worker's part of each count, so that it can be reclaimed
 * when the worker is dead. Offsets only, no pointers: each process maps the
 * memory at another address. */
#ifndef INFRA_BALANCER_SHARED_SLOTS_H
#define INFRA_BALANCER_SHARED_SLOTS_H

#include "internal.h"

struct shared {
    uint64_t magic;
    uint32_t ids_max;
    uint32_t workers_max;           /* 0: private memory without ledgers. */
    _Atomic uint64_t marks_changes; /* Tells the others to look. */
    _Atomic uint32_t naming; /* Number + 1 of the worker that names; 0: none. */
    uint32_t reserved0;
    uint64_t reserved[4];
};
_Static_assert(sizeof(struct shared) == INFRA__CACHE_LINE, "one line");

/* Size in bytes of the whole; 0: too much. */
size_t infra__shared_size(uint32_t ids_max, uint32_t workers_max);

/* Initialise zeroed memory. */
void infra__shared_make(void *memory, uint32_t ids_max, uint32_t workers_max);

/* Slots for a balancer: its own, or as a worker in the host's memory.
 * INFRA_ENOMEM, INFRA_EINVAL. */
int infra__shared_open(struct infra_balancer *b);
/* The reverse; a worker gives up all that it holds. */
void infra__shared_close(struct infra_balancer *b);

/* Is it such memory? */
bool infra__shared_is(const void *memory);
/* Give back all that a dead worker held. */
void infra__shared_reap(struct shared *s, uint32_t worker);
/* The name of a worker's process; 0: none, or the host numbers its workers. */
_Atomic uint64_t *infra__shared_process(struct shared *s, uint32_t worker);

/* With shared memory only: the id that a key has, or INFRA_EFULL. This worker
 * has claimed it then. */
int infra__shared_id_of(struct infra_balancer *b, const char *key);
/* Claim an id without an owner for a key; with @is_former also an id of a key
 * that no worker has. False: it cannot be had. */
bool infra__shared_take(struct infra_balancer *b, uint32_t id, const char *key,
                        bool is_former);

/* The rest does nothing without shared memory. */

/* Make the slot this key's in all processes. INFRA_EBUSY: another process has
 * another key there. */
int infra__shared_claim(struct infra_balancer *b, uint32_t id, const char *key);
/* This process has removed its backend; or takes it back before it has left. */
void infra__shared_remove(struct infra_balancer *b, uint32_t id);
void infra__shared_return(struct infra_balancer *b, uint32_t id);
/* This process no longer uses its backend of that id. */
void infra__shared_leave(struct infra_balancer *b, uint32_t id);

/* Pass a mark or a share to the others; adopt theirs. */
void infra__shared_mark(struct infra_balancer *b, uint32_t id, uint32_t axis,
                        uint32_t state);
void infra__shared_share(struct infra_balancer *b, uint32_t id, uint32_t share);
void infra__shared_adopt_marks(struct infra_balancer *b);

#endif
