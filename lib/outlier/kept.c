/* SPDX-License-Identifier: MIT */
/* What is known of a key, at its id or kept for INFRA_OUTLIER_KEPT_FOR after
 * the key was removed (base/keys.h). A backend must not return by a new name
 * resolution, nor have the evidence against it forgotten again and again. */
#include "internal.h"

#include <assert.h>

static const struct infra__outlier_window empty_window;

static struct infra__outlier_kept copy_of(struct infra_outlier *o, uint32_t id)
{
    struct infra__outlier_backend *b = &o->backends[id];
    struct infra__outlier_kept copy = { .due = o->due };

    infra__outlier_gather(&o->desk.slots[id], &b->seen, &b->record.window);
    infra__outlier_save_runs(&o->desk.slots[id], copy.runs);
    copy.record = b->record;
    return copy;
}

void infra__outlier_keep(struct infra_outlier *o, uint32_t id)
{
    assert(o->backends[id].is_set);
    uint32_t place = infra__keys_leave(
        &o->keys, id, infra__time_add(o->now, INFRA_OUTLIER_KEPT_FOR));

    if (place >= o->desk.ids_max) {
        o->kept[place - o->desk.ids_max] = copy_of(o, id);
    }
}

/* An ejection whose time has passed is over, and an interval that has ended
 * since says nothing about the running one. */
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
    uint32_t place = infra__keys_recall(&o->keys, hash, o->now);

    if (place == INFRA__NOWHERE) {
        return (struct infra__outlier_kept) { .record.since = o->now };
    }
    struct infra__outlier_kept copy = place < o->desk.ids_max
                                          ? copy_of(o, place)
                                          : o->kept[place - o->desk.ids_max];
    bring_up_to_date(o, &copy);
    return copy;
}
