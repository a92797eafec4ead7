/* SPDX-License-Identifier: MIT */
/* Publication without locks: a control thread hands immutable editions of a
 * table to readers, through one inbox per reader.
 *
 * Control posts an edition by exchange and releases at once the one that comes
 * back, which no reader has seen. A reader adopts the edition at its next look
 * (one relaxed load if there is nothing new) and announces its version; control
 * then releases the reader's former edition. No fence, no lock, no quiescent
 * state: a reader that sleeps for ever pins at most two editions that it took
 * and one that waits.
 *
 *   reader                                  control
 *   exchange(posted, NULL)  acq_rel  <----  exchange(posted, e)  acq_rel
 *   store(adopted, version) release  ---->  load(adopted)        acquire */
#ifndef INFRA_BASE_INBOX_H
#define INFRA_BASE_INBOX_H

#include "internal.h"

#include <stdatomic.h>

#define INFRA__INBOX_HELD_MAX 2u

/* The head of every published table. Only the version is read by readers. */
struct infra__edition {
    uint64_t version; /* Grows by one with every edition; 0 is none. */
    uint32_t refs;
    uint32_t reserved;
};

struct infra__inbox {
    /* Written by both, rarely. */
    _Atomic(struct infra__edition *) posted;
    _Atomic uint64_t adopted;
    /* Only the reader's. */
    struct infra__edition *current;
    /* Only control's, each with a reference: the editions that the reader may
     * still use, oldest first, and the one posted last. */
    struct infra__edition *held[INFRA__INBOX_HELD_MAX];
    struct infra__edition *last;
};

/* Called with an edition that no reader can use any more. */
typedef void infra__edition_free(void *owner, struct infra__edition *edition);

/* Control: hand @e to the reader, and settle. */
void infra__inbox_post(struct infra__inbox *box, struct infra__edition *e,
                       infra__edition_free *free_edition, void *owner);

/* Control: release the editions that the reader has left. Returns the oldest
 * version that the reader may still use, 0 before the first post; everything
 * the reader did with older ones happened before. */
uint64_t infra__inbox_settle(struct infra__inbox *box,
                             infra__edition_free *free_edition, void *owner);

/* Control, after the reader's end: release everything. */
void infra__inbox_finish(struct infra__inbox *box,
                         infra__edition_free *free_edition, void *owner);

/* Control: drop a reference; the last one frees. */
void infra__edition_unref(struct infra__edition *e,
                          infra__edition_free *free_edition, void *owner);

struct infra__edition *infra__inbox_adopt(struct infra__inbox *box);

/* Reader: the newest edition, NULL before the first post. */
static inline struct infra__edition *infra__inbox_look(struct infra__inbox *box)
{
    /* Relaxed: a hint for the exchange in adopt(), which acquires. A late hint
     * costs freshness only. */
    if (__builtin_expect(
            atomic_load_explicit(&box->posted, memory_order_relaxed) != NULL,
            0)) {
        return infra__inbox_adopt(box);
    }
    return box->current;
}

#endif
