/* SPDX-License-Identifier: MIT */
#include "slow_start.h"

#include "../base/random.h"

#define WHOLE ((uint64_t)1 << 32)

/* Most credit that a policy can leave unused. */
#define CREDIT_MAX 16u

/* If half of the backends are new, at a tenth each, 64 draws fail once in
 * 10^16. */
#define DRAWS_MAX 64u

/* The part of its share, of 2^32, of a backend that came up at @since. */
static uint64_t warmth(infra_time since, infra_time now, infra_time window)
{
    infra_time age = now > since ? now - since : 0;

    if (age >= window) {
        return WHOLE;
    }
    /* In 1/65536 of the interval, against overflow. */
    infra_time part = window >> 16;
    uint64_t warm = part > 0 ? age / part << 16 : age * WHOLE / window;
    warm = warm < WHOLE ? warm : WHOLE - 1;
    return warm > WHOLE / 10 ? warm : WHOLE / 10;
}

/* The same, relative to the warmest of the list. */
static uint64_t part_of(const struct infra_balancer_candidates *c,
                        uint32_t index)
{
    infra_time window = c->reader->options.slow_start_interval;
    infra_time since = c->list->since[index];

    if (c->now >= since && c->now - since >= window) {
        return WHOLE; /* The usual case. */
    }
    uint64_t warm = warmth(since, c->now, window);
    uint64_t most = warmth(c->list->oldest, c->now, window);
    return warm < most ? (warm << 32) / most : WHOLE;
}

static struct credit *credit_of(const struct infra_balancer_candidates *c,
                                uint32_t index)
{
    struct credit *credit = &c->reader->credits[c->list->entries[index].id];

    if (credit->since != c->list->since[index]) {
        *credit = (struct credit) { .since = c->list->since[index] };
    }
    return credit;
}

/* A draw by weight times warmth among the usable candidates, or NO_INDEX. */
static uint32_t draw_one(const struct infra_balancer_candidates *c,
                         uint64_t random)
{
    const struct list *list = c->list;
    uint64_t total = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        if (candidate_may(c, i)) {
            total += list->entries[i].weight * (part_of(c, i) >> 16);
        }
    }
    uint64_t point = total > 0 ? random % total : 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (!candidate_may(c, i)) {
            continue;
        }
        uint64_t part = list->entries[i].weight * (part_of(c, i) >> 16);
        if (point < part) {
            return i;
        }
        point -= part;
    }
    return NO_INDEX;
}

/* The same if only their warmth differs. */
static uint32_t draw_even(const struct infra_balancer_candidates *c)
{
    for (uint32_t t = 0; t < DRAWS_MAX; t++) {
        uint64_t word = infra__random(&c->reader->random);
        uint32_t index = infra__below(word, c->list->count);
        if ((uint32_t)word < part_of(c, index)) {
            return index;
        }
    }
    return NO_INDEX;
}

void infra__slow_start_earn(const struct infra_balancer_candidates *c)
{
    if (c->reader->credits == NULL) {
        return;
    }
    uint32_t index = !c->narrow && c->list->even
                         ? draw_even(c)
                         : draw_one(c, infra__random(&c->reader->random));

    if (index != NO_INDEX && part_of(c, index) < WHOLE) {
        struct credit *credit = credit_of(c, index);
        credit->count += credit->count < CREDIT_MAX;
    }
}

bool infra__slow_start_is_cold(const struct infra_balancer_candidates *c,
                               uint32_t index)
{
    uint64_t part = part_of(c, index);

    if (part == WHOLE) {
        return false;
    }
    if (c->reader->credits != NULL) {
        return credit_of(c, index)->count == 0;
    }
    uint32_t id = c->list->entries[index].id;
    return infra__mix(c->request->hash ^ id) >> 32 >= part;
}

void infra__slow_start_spend(const struct infra_balancer_candidates *c,
                             uint32_t index)
{
    if (c->reader->credits != NULL && part_of(c, index) < WHOLE) {
        struct credit *credit = credit_of(c, index);
        credit->count -= credit->count > 0;
    }
}
