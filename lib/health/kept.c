/* SPDX-License-Identifier: MIT */
/* A backend is its key, not its id: a host that resolves its names again may
 * give the same key another id, or drop it and bring it back a moment later. It
 * must not come up by that without passing its checks, nor have its checks put
 * off again and again (haproxy#51). So what is known of a key goes with it. The
 * last ids_max that were removed are kept, for INFRA_HEALTH_KEPT_FOR. */
#include "internal.h"

#include <assert.h>

/* What there is to keep. A check that is running will have said nothing. */
static struct infra__kept copy_of(struct infra_health *h, uint32_t id)
{
    const struct infra__backend *b = &h->backends[id];
    struct infra__kept copy = { .history = b->history,
                                .next = h->checks.due[id],
                                .until = infra__time_add(
                                    h->now, INFRA_HEALTH_KEPT_FOR) };

    if (b->is_running) {
        copy.next =
            infra__health_following(h, b, INFRA_HEALTH_REASON_FASTINTER);
        copy.history.reason = INFRA_HEALTH_REASON_FASTINTER;
    }
    return copy;
}

static void drop(struct infra_health *h, uint32_t place)
{
    infra__keys_remove(&h->keys, h->ids_max + place);
    h->kept[place].until = 0;
}

/* The check that is running is the other's now, if that has not begun one of
 * its own since it was told of the key. */
static void hand_over(const struct infra__history *from,
                      struct infra__history *to)
{
    if (to->started == from->started && to->checks == from->checks &&
        to->check == 0) {
        to->check = from->check;
        to->check_due = from->check_due;
    }
}

void infra__health_keep(struct infra_health *h, uint32_t id)
{
    uint64_t hash = h->keys.hashes[id];
    uint32_t place = h->kept_next;

    assert(h->backends[id].is_set);
    infra__keys_remove(&h->keys, id);
    /* What is kept for a key is taken when it is set: this is another id. */
    uint32_t other = infra__keys_find(&h->keys, hash);
    if (other != INFRA__NOWHERE) {
        hand_over(&h->backends[id].history, &h->backends[other].history);
        return;
    }
    if (h->kept[place].until != 0) {
        drop(h, place);
    }
    h->kept[place] = copy_of(h, id);
    infra__keys_add(&h->keys, h->ids_max + place, hash);
    h->kept_next = place + 1 < h->ids_max ? place + 1 : 0;
}

bool infra__health_recall(struct infra_health *h, uint64_t hash,
                          struct infra__history *ret, infra_time *ret_next)
{
    uint32_t place = infra__keys_find(&h->keys, hash);
    struct infra__kept copy;

    if (place == INFRA__NOWHERE) {
        return false;
    }
    if (place < h->ids_max) {
        copy = copy_of(h, place);
        copy.history.check = 0; /* It is still that one's. */
    } else {
        copy = h->kept[place - h->ids_max];
        drop(h, place - h->ids_max);
    }
    if (h->now >= copy.until) {
        return false;
    }
    *ret = copy.history;
    *ret_next = copy.next;
    return true;
}
