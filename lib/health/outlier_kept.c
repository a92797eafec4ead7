/* SPDX-License-Identifier: MIT */
/* A backend is its key, not its id, as in kept.c of the health checks, and by
 * the same rule: a host may give a key another id, or drop it and bring it back
 * a moment later. It must not be in again by that, nor have the evidence
 * against it forgotten again and again. So what is known of a key goes with it.
 * The last ids_max that were removed are kept, for INFRA_OUTLIER_KEPT_FOR. */
#include "outlier_internal.h"

#include <assert.h>

/* What there is to keep. */
static struct infra__outlier_kept copy_of(struct infra_outlier *o, uint32_t id)
{
    struct infra__outlier_backend *b = &o->backends[id];
    struct infra__outlier_kept copy;

    infra__outlier_gather(&o->desk.slots[id], &b->seen, &b->record.window);
    infra__outlier_save_runs(&o->desk.slots[id], copy.runs);
    copy.record = b->record;
    copy.until = infra__time_add(o->now, INFRA_OUTLIER_KEPT_FOR);
    copy.due = o->due;
    return copy;
}

static void drop(struct infra_outlier *o, uint32_t place)
{
    infra__keys_remove(&o->keys, o->desk.ids_max + place);
    o->kept[place].until = 0;
}

/* A place that is free, or that of the key that has been away for longest: one
 * that comes and goes takes none from the others. The search is needed only
 * when places have been taken out of their order. */
static uint32_t find_place(struct infra_outlier *o)
{
    uint32_t place = o->kept_next;

    for (uint32_t i = 0; o->kept[place].until != 0 && i < o->desk.ids_max;
         i++) {
        place = o->kept[i].until < o->kept[place].until ? i : place;
    }
    o->kept_next = place + 1 < o->desk.ids_max ? place + 1 : 0;
    return place;
}

void infra__outlier_keep(struct infra_outlier *o, uint32_t id)
{
    uint64_t hash = o->keys.hashes[id];

    assert(o->backends[id].is_set);
    infra__keys_remove(&o->keys, id);
    /* What is kept for a key is taken when it is set: this is another id. */
    if (infra__keys_find(&o->keys, hash) != INFRA__NOWHERE) {
        return;
    }
    uint32_t place = find_place(o);
    if (o->kept[place].until != 0) {
        drop(o, place);
    }
    o->kept[place] = copy_of(o, id);
    infra__keys_add(&o->keys, o->desk.ids_max + place, hash);
}

static const struct infra__outlier_window empty_window;

/* An ejection that would be over is, and an interval that has ended since says
 * no more about the one that runs. */
static void bring_up_to_date(const struct infra_outlier *o,
                             struct infra__outlier_kept *k)
{
    struct infra__outlier_record *r = &k->record;
    bool is_over = r->is_ejected && r->until <= o->now;

    if (is_over) {
        r->is_ejected = false;
        r->since = o->now;
        r->until = 0;
        for (uint32_t reason = 0; reason < INFRA__RUNS; reason++) {
            k->runs[reason] = 0;
        }
    }
    if (is_over || k->due != o->due) {
        r->window = empty_window;
    }
}

struct infra__outlier_kept infra__outlier_recall(struct infra_outlier *o,
                                                 uint64_t hash)
{
    uint32_t place = infra__keys_find(&o->keys, hash);
    struct infra__outlier_kept copy = { .until = 0 };

    if (place != INFRA__NOWHERE && place < o->desk.ids_max) {
        copy = copy_of(o, place);
    } else if (place != INFRA__NOWHERE) {
        copy = o->kept[place - o->desk.ids_max];
        drop(o, place - o->desk.ids_max);
    }
    if (o->now >= copy.until) {
        return (struct infra__outlier_kept) { .record.since = o->now };
    }
    bring_up_to_date(o, &copy);
    return copy;
}
