/* SPDX-License-Identifier: MIT */
/* The rules of the control side: an array that grows, and its order. */
#include "internal.h"

#include "../base/sort.h"

#include <string.h>

#define RULES_FIRST 64u

_Static_assert(sizeof(struct rule) <= INFRA__SORT_SIZE_MAX,
               "a rule must fit a sort");

int infra__access_rules_grow(const struct infra_allocator *a, struct rules *r)
{
    if (r->count < r->size) {
        return INFRA_OK;
    }
    uint32_t size = r->size > 0 ? 2 * r->size : RULES_FIRST;
    struct rule *all = infra__alloc(a, size, sizeof *all);
    if (all == NULL) {
        return INFRA_ENOMEM;
    }
    if (r->count > 0) {
        memcpy(all, r->all, r->count * sizeof *all);
    }
    infra__free(a, r->all, r->size, sizeof *all);
    r->all = all;
    r->size = size;
    return INFRA_OK;
}

void infra__access_rules_free(const struct infra_allocator *a, struct rules *r)
{
    infra__free(a, r->all, r->size, sizeof *r->all);
    *r = (struct rules) { 0 };
}

static int compare(const void *x, const void *y)
{
    const struct rule *a = x, *b = y;
    int order = memcmp(a->prefix.address.bytes, b->prefix.address.bytes, 16);

    if (order != 0) {
        return order;
    }
    if (a->prefix.length != b->prefix.length) {
        return a->prefix.length < b->prefix.length ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

const struct rule *infra__access_rules_sort(struct rules *rules)
{
    uint32_t kept = 0;

    infra__sort(rules->all, rules->count, sizeof *rules->all, compare);
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct rule *r = &rules->all[i];
        const struct rule *last = kept > 0 ? &rules->all[kept - 1] : NULL;
        bool is_same =
            last != NULL && last->prefix.length == r->prefix.length &&
            memcmp(&last->prefix.address, &r->prefix.address, 16) == 0;
        if (is_same && last->action != r->action) {
            return r;
        }
        if (!is_same) {
            rules->all[kept++] = *r;
        }
    }
    rules->count = kept;
    return NULL;
}
