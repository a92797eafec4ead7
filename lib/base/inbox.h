/* SPDX-License-Identifier: MIT */
/* Publication without locks: how a control thread hands immutable editions of a
 * table to readers, one inbox per reader.
 *
 * Control posts an edition by exchange. What comes back was never seen and is
 * let go at once. A reader adopts at its next look (one relaxed load when there
 * is nothing new) and announces the version; control then lets go of what the
 * reader had before. No fence, no lock, no quiescent state: a reader that
 * sleeps for ever pins at most two editions that it took and one that waits.
 *
 *   reader                                  control
 *   exchange(posted, NULL)  acq_rel  <----  exchange(posted, e)  acq_rel
 *   store(adopted, version) release  ---->  load(adopted)        acquire */
#ifndef INFRA_BASE_INBOX_H
#define INFRA_BASE_INBOX_H

#include "internal.h"

#include <stdatomic.h>

#define INFRA__INBOX_HELD_MAX 2u

/* The head of every published table. Control's own but for the version. */
struct infra__edition {
    uint64_t version; /* Grows by one with every edition; 0 is none. */
    uint32_t refs;
    uint32_t reserved;
};

struct infra__inbox {
    /* Written by both, rarely. */
    _Atomic(struct infra__edition *) posted;
    _Atomic uint64_t adopted;
    /* The reader's. */
    struct infra__edition *current;
    /* Control's: what the reader may still look at, oldest first, and what was
     * posted last. Each holds a reference. */
    struct infra__edition *held[INFRA__INBOX_HELD_MAX];
    struct infra__edition *last;
};

/* Called with an edition nobody can see any more. */
typedef void infra__edition_free(void *owner, struct infra__edition *edition);

/* Control: hand @e to the reader, let go of what the reader has left. */
void infra__inbox_post(struct infra__inbox *box, struct infra__edition *e,
                       infra__edition_free *free_edition, void *owner);

/* Control: let go of what the reader has left. Answers the oldest version that
 * it may still look at, 0 before the first post; all that the reader did with
 * older ones happened before. */
uint64_t infra__inbox_settle(struct infra__inbox *box,
                             infra__edition_free *free_edition, void *owner);

/* Control, with the reader's thread gone: let go of everything. */
void infra__inbox_finish(struct infra__inbox *box,
                         infra__edition_free *free_edition, void *owner);

/* Control: one reference less; the last one frees. */
void infra__edition_unref(struct infra__edition *e,
                          infra__edition_free *free_edition, void *owner);

struct infra__edition *infra__inbox_adopt(struct infra__inbox *box);

/* Reader: the newest edition, NULL before the first post. */
static inline struct infra__edition *infra__inbox_look(struct infra__inbox *box)
{
    /* Relaxed: it only says that it is worth the exchange in adopt(), which
     * acquires. Seeing it late costs freshness, nothing else. */
    if (__builtin_expect(
            atomic_load_explicit(&box->posted, memory_order_relaxed) != NULL,
            0)) {
        return infra__inbox_adopt(box);
    }
    return box->current;
}

#endif
