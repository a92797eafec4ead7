/* SPDX-License-Identifier: MIT */
/* Where the slots lie, by themselves or in memory that worker processes share:
 *
 *   struct shared     what it is, and a count of the marks that were set
 *   slots             one per id
 *   tier slots        one per tier
 *   ledgers           one per worker, of a holding per id and per tier, and
 *                     the process that it is
 *
 * A ledger says what of each count is its worker's, so that it can be taken
 * back when the worker is dead. Offsets only, no pointers: each process has the
 * memory elsewhere. */
#ifndef INFRA_BALANCER_SHARED_SLOTS_H
#define INFRA_BALANCER_SHARED_SLOTS_H

#include "internal.h"

struct shared {
    uint64_t magic;
    uint32_t ids_max;
    uint32_t workers_max; /* 0: one process has it all; there are no ledgers. */
    /* Grows when a mark changes, so that others know to look. */
    _Atomic uint64_t marks_changes;
    _Atomic uint32_t naming; /* Which worker names; one more than its number. */
    uint32_t reserved0;
    uint64_t reserved[4];
};
_Static_assert(sizeof(struct shared) == INFRA__CACHE_LINE, "one line");

/* Bytes of it all; 0: too much. */
size_t infra__shared_size(uint32_t ids_max, uint32_t workers_max);

/* Make it of zeroed memory. */
void infra__shared_make(void *memory, uint32_t ids_max, uint32_t workers_max);

/* Slots for a balancer whose allocator and ids_max are set: its own, or in
 * @memory as @worker. INFRA_ENOMEM, INFRA_EINVAL. */
int infra__shared_open(struct infra_balancer *b, void *memory, uint32_t worker);
/* The way back; a worker gives up all that it holds. */
void infra__shared_close(struct infra_balancer *b);

/* Is it such memory? */
bool infra__shared_is(const void *memory);
/* Give back all that a dead worker held. */
void infra__shared_reap(struct shared *s, uint32_t worker);
/* What a worker's process is called; 0: nobody has the number, or all numbers
 * are the host's. */
_Atomic uint64_t *infra__shared_process(struct shared *s, uint32_t worker);

/* Where workers share: the id that a key has, or INFRA_EFULL. It is this
 * worker's, too, from then on. */
int infra__shared_id_of(struct infra_balancer *b, const char *key);
/* Take an id for a key if it is nobody's, or, with @is_former, if it is that of
 * a key that no worker has. False: it is not to be had. */
bool infra__shared_take(struct infra_balancer *b, uint32_t id, const char *key,
                        bool is_former);

/* The rest does nothing where nobody shares. */

/* Have the slot be this key's in all processes. INFRA_EBUSY: somebody there has
 * another key. */
int infra__shared_claim(struct infra_balancer *b, uint32_t id, const char *key);
/* This process has removed its backend of that id, and takes it back before it
 * has left. */
void infra__shared_remove(struct infra_balancer *b, uint32_t id);
void infra__shared_return(struct infra_balancer *b, uint32_t id);
/* This process has done with its backend of that id. */
void infra__shared_leave(struct infra_balancer *b, uint32_t id);

/* Tell the others of a mark, or of a share; take over theirs. */
void infra__shared_mark(struct infra_balancer *b, uint32_t id, uint32_t axis,
                        uint32_t state);
void infra__shared_share(struct infra_balancer *b, uint32_t id, uint32_t share);
void infra__shared_adopt_marks(struct infra_balancer *b);

#endif
