/* SPDX-License-Identifier: MIT */
/* What is known of a key, at its id or kept for INFRA_HEALTH_KEPT_FOR after the
 * key was removed (base/keys.h). A backend must not come up by a new name
 * resolution without passing its checks, nor have its checks put off again and
 * again (haproxy#51). */
#include "internal.h"

#include <assert.h>

/* The state as it would be at another id: a check that is running there will
 * have said nothing. */
static struct infra__kept copy_of(struct infra_health *h, uint32_t id)
{
    const struct infra__backend *b = &h->backends[id];
    struct infra__kept copy = { .history = b->history,
                                .next = h->checks.due[id] };

    if (b->is_running) {
        copy.next =
            infra__health_following(h, b, INFRA_HEALTH_REASON_FASTINTER);
        copy.history.reason = INFRA_HEALTH_REASON_FASTINTER;
    }
    return copy;
}

/* The running check now belongs to the key's other id, unless that id has begun
 * a check of its own since it took over the key's history. */
static void hand_over(const struct infra__history *from,
                      struct infra__history *to)
{
    if (to->started == from->started && to->checks == from->checks &&
        to->call == 0) {
        to->call = from->call;
        to->call_due = from->call_due;
    }
}

void infra__health_keep(struct infra_health *h, uint32_t id)
{
    assert(h->backends[id].is_set);
    uint32_t place = infra__keys_leave(
        &h->keys, id, infra__time_add(h->now, INFRA_HEALTH_KEPT_FOR));

    if (place < h->ids_max) {
        hand_over(&h->backends[id].history, &h->backends[place].history);
    } else {
        h->kept[place - h->ids_max] = copy_of(h, id);
    }
}

bool infra__health_recall(struct infra_health *h, uint64_t hash,
                          struct infra__kept *ret)
{
    uint32_t place = infra__keys_recall(&h->keys, hash, h->now);

    if (place == INFRA__NOWHERE) {
        return false;
    }
    if (place >= h->ids_max) {
        *ret = h->kept[place - h->ids_max];
        return true;
    }
    *ret = copy_of(h, place);
    ret->history.call = 0; /* The running check stays with the other id. */
    return true;
}
