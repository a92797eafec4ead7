/* SPDX-License-Identifier: MIT */
/* The view of one list that a policy gets, and the exact answers for restricted
 * picks. With an eligible set, tried ids or full backends the k-th usable
 * candidate is taken and never "the next one", which would double the share of
 * an excluded backend's neighbour. O(list). */
#include "../base/random.h"
#include "algorithm/rendezvous_hash.h"
#include "internal.h"

struct infra_balancer_candidates infra__candidates_of(
    const struct infra_balancer *b, const struct list *list)
{
    static const struct infra_request no_restriction;

    return (struct infra_balancer_candidates) { .list = list,
                                                .slots = b->slots,
                                                .members = b->members,
                                                .options = b->policy_options,
                                                .request = &no_restriction };
}

uint32_t infra_candidates_count(
    const struct infra_balancer_candidates *candidates)
{
    return candidates->list->count;
}

uint32_t infra_candidates_id(const struct infra_balancer_candidates *candidates,
                             uint32_t index)
{
    return candidates->list->entries[index].id;
}

const char *infra_candidates_key(
    const struct infra_balancer_candidates *candidates, uint32_t index)
{
    uint32_t id = candidates->list->entries[index].id;

    return candidates->reader == NULL ? candidates->members[id].key : NULL;
}

uint32_t infra_candidates_weight(
    const struct infra_balancer_candidates *candidates, uint32_t index)
{
    return candidates->list->entries[index].weight;
}

uint32_t infra_candidates_in_flight(
    const struct infra_balancer_candidates *candidates, uint32_t index)
{
    uint32_t id = candidates->list->entries[index].id;

    return slot_in_flight(&candidates->slots[id]);
}

const void *infra_candidates_options(
    const struct infra_balancer_candidates *candidates)
{
    return candidates->options;
}

void *infra_candidates_memory(
    const struct infra_balancer_candidates *candidates)
{
    const struct infra_balancer_reader *r = candidates->reader;

    return r != NULL && r->memory != NULL
               ? r->memory + candidates->list->rank * r->memory_stride
               : NULL;
}

bool infra__candidate_may(const struct infra_balancer_candidates *c,
                          uint32_t index)
{
    if (c->no_cold && infra__slow_start_is_cold(c, index)) {
        return false;
    }
    const struct entry *e = &c->list->entries[index];
    return entry_is_up(c->list, e) && entry_wanted(c->request, e) &&
           (e->cap == 0 || slot_in_flight(&c->slots[e->id]) < e->cap) &&
           (c->bound_total == 0 || !is_bound(c, index, e));
}

int infra_candidates_may(const struct infra_balancer_candidates *candidates,
                         uint32_t index)
{
    return candidate_may(candidates, index);
}

const struct entry *infra__list_find(const struct list *list, uint32_t id)
{
    uint32_t low = 0;
    uint32_t high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->entries[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < list->count && list->entries[low].id == id
               ? &list->entries[low]
               : NULL;
}

uint32_t infra__candidates_draw(const struct infra_balancer_candidates *c,
                                uint64_t random, uint32_t except,
                                bool by_weight)
{
    const struct entry *entries = c->list->entries;
    uint32_t last = NO_INDEX;
    uint64_t total = 0;

    for (uint32_t i = 0; i < c->list->count; i++) {
        if (i != except && candidate_may(c, i)) {
            total += by_weight ? entries[i].weight : 1;
        }
    }
    if (total == 0) {
        return NO_INDEX;
    }
    uint32_t point = infra__below(random, (uint32_t)total);
    for (uint32_t i = 0; i < c->list->count; i++) {
        if (i == except || !candidate_may(c, i)) {
            continue;
        }
        uint32_t part = by_weight ? entries[i].weight : 1;
        if (point < part) {
            return i;
        }
        point -= part;
        last = i;
    }
    return last; /* One became full between the two passes. */
}

uint32_t infra__candidates_rendezvous(const struct infra_balancer_candidates *c,
                                      uint64_t hash)
{
    struct infra__rendezvous_rank best = { .index = NO_INDEX };

    for (uint32_t i = 0; i < c->list->count; i++) {
        const struct entry *e = &c->list->entries[i];
        const struct infra__rendezvous_node node = {
            .seed = infra__mix(e->id + INFRA__WEYL),
            .weight = e->weight,
            .index = i,
        };
        if (candidate_may(c, i)) {
            infra__rendezvous_offer(&best, &node, hash);
        }
    }
    return best.index;
}

int infra__candidates_explain(const struct list *lists, uint32_t count,
                              const struct infra_request *request)
{
    const struct infra_request untried = { .eligible = request->eligible };
    int why = INFRA_ENONE;

    for (uint32_t l = 0; l < count; l++) {
        for (uint32_t i = 0; i < lists[l].count; i++) {
            const struct entry *e = &lists[l].entries[i];
            if (!entry_is_up(&lists[l], e)) {
                continue;
            }
            why = why == INFRA_ENONE ? INFRA_EINELIGIBLE : why;
            if (entry_wanted(request, e)) {
                return INFRA_EFULL;
            }
            if (why == INFRA_EINELIGIBLE && entry_wanted(&untried, e)) {
                why = INFRA_ETRIED;
            }
        }
    }
    return why;
}
