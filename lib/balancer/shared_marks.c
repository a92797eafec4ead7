/* SPDX-License-Identifier: MIT */
/* Marks and shares among workers: a worker stores its own in the shared slot
 * and adopts those of the others at its next publish. */
#include "shared_slots.h"

/* Release pairs with the acquire in infra__shared_adopt_marks(): a worker that
 * sees the new count sees the mark. */
static void note_change(struct infra_balancer *b)
{
    uint64_t changes = atomic_fetch_add_explicit(&b->shared->marks_changes, 1,
                                                 memory_order_release);
    b->marks_seen += changes == b->marks_seen; /* Ours only. */
}

void infra__shared_mark(struct infra_balancer *b, uint32_t id, uint32_t axis,
                        uint32_t state)
{
    if (b->ledger == NULL || axis == INFRA_BALANCER_AXIS_PASSIVE) {
        return; /* Each worker's own, as are its reports. */
    }
    _Atomic uint32_t *marks = &b->slots[id].marks;
    uint32_t shift = 8 * axis;
    uint32_t before = atomic_load_explicit(marks, memory_order_relaxed);
    uint32_t after;

    do {
        after = (before & ~((uint32_t)0xff << shift)) | state << shift;
        if (after == before) {
            return;
        }
    } while (!atomic_compare_exchange_weak_explicit(
        marks, &before, after, memory_order_relaxed, memory_order_relaxed));
    note_change(b);
}

void infra__shared_share(struct infra_balancer *b, uint32_t id, uint32_t share)
{
    if (b->ledger != NULL &&
        atomic_exchange_explicit(&b->slots[id].share, share,
                                 memory_order_relaxed) != share) {
        note_change(b);
    }
}

void infra__shared_adopt_marks(struct infra_balancer *b)
{
    if (b->ledger == NULL) {
        return;
    }
    uint64_t changes =
        atomic_load_explicit(&b->shared->marks_changes, memory_order_acquire);
    if (changes == b->marks_seen) {
        return;
    }
    b->marks_seen = changes;
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        struct member *m = &b->members[id];
        /* Relaxed: a change after the count was read counts again. */
        uint32_t marks =
            atomic_load_explicit(&b->slots[id].marks, memory_order_relaxed);
        for (uint32_t axis = 0; m->present && axis < 3; axis++) {
            if (axis == INFRA_BALANCER_AXIS_PASSIVE) {
                continue;
            }
            uint8_t state = (uint8_t)(marks >> 8 * axis);
            b->dirty |= m->marks[axis] != state;
            m->marks[axis] = state;
        }
        uint32_t share =
            atomic_load_explicit(&b->slots[id].share, memory_order_relaxed);
        b->dirty |= m->present && m->share != share;
        m->share = m->present ? share : 0;
    }
}
