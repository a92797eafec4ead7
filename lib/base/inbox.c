/* SPDX-License-Identifier: MIT */
#include "inbox.h"

#include <assert.h>

/* A test puts a scheduler here, to run every interleaving. */
#ifndef INFRA__STEP
#define INFRA__STEP()
#endif

struct infra__edition *infra__inbox_adopt(struct infra__inbox *box)
{
    INFRA__STEP();
    /* Acquire pairs with post(): the table's bytes are there. */
    struct infra__edition *e =
        atomic_exchange_explicit(&box->posted, NULL, memory_order_acq_rel);
    if (e == NULL) {
        return box->current;
    }
    box->current = e;
    INFRA__STEP();
    /* Release pairs with settle(): every use of the former edition is before
     * this, so control may free it and read its counts. */
    atomic_store_explicit(&box->adopted, e->version, memory_order_release);
    return e;
}

void infra__edition_unref(struct infra__edition *e,
                          infra__edition_free *free_edition, void *owner)
{
    assert(e->refs > 0);
    if (--e->refs == 0) {
        free_edition(owner, e);
    }
}

uint64_t infra__inbox_settle(struct infra__inbox *box,
                             infra__edition_free *free_edition, void *owner)
{
    /* Acquire pairs with the store in adopt(). */
    uint64_t adopted =
        atomic_load_explicit(&box->adopted, memory_order_acquire);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < INFRA__INBOX_HELD_MAX; i++) {
        struct infra__edition *e = box->held[i];
        box->held[i] = NULL;
        if (e != NULL && e->version < adopted) {
            infra__edition_unref(e, free_edition, owner);
        } else if (e != NULL) {
            box->held[kept++] = e;
        }
    }
    if (kept > 0) {
        return box->held[0]->version;
    }
    return box->last != NULL ? box->last->version : 0;
}

void infra__inbox_post(struct infra__inbox *box, struct infra__edition *e,
                       infra__edition_free *free_edition, void *owner)
{
    e->refs++;
    INFRA__STEP();
    /* Release pairs with adopt(). */
    struct infra__edition *back =
        atomic_exchange_explicit(&box->posted, e, memory_order_acq_rel);
    if (back != NULL) {
        assert(back == box->last); /* No reader has seen it. */
        infra__edition_unref(back, free_edition, owner);
    } else if (box->last != NULL) {
        /* The reader took it, and announced the edition before it first. So all
         * earlier ones are free: after settling, one place of held[] is. */
        INFRA__STEP();
        (void)infra__inbox_settle(box, free_edition, owner);
        uint32_t place = box->held[0] != NULL;
        assert(box->held[place] == NULL);
        box->held[place] = box->last;
    }
    box->last = e;
}

void infra__inbox_finish(struct infra__inbox *box,
                         infra__edition_free *free_edition, void *owner)
{
    for (uint32_t i = 0; i < INFRA__INBOX_HELD_MAX; i++) {
        if (box->held[i] != NULL) {
            infra__edition_unref(box->held[i], free_edition, owner);
        }
    }
    if (box->last != NULL) {
        infra__edition_unref(box->last, free_edition, owner);
    }
}
