/* SPDX-License-Identifier: MIT */
/* A sorted array of parts without two that touch. Servers say their sets in
 * order, so an insertion is mostly an append. */
#include "position.h"

#include <string.h>

/* What parts must have in common to be one. */
static int compare_keys(const struct infra_position_part *a,
                        const struct infra_position_part *b)
{
    int order = memcmp(a->source, b->source, sizeof a->source);

    if (order != 0) {
        return order;
    }
    if (a->tag != b->tag) {
        return a->tag < b->tag ? -1 : 1;
    }
    return a->epoch == b->epoch ? 0 : a->epoch < b->epoch ? -1 : 1;
}

static bool is_before(const struct infra_position_part *a,
                      const struct infra_position_part *b)
{
    int order = compare_keys(a, b);

    return order < 0 || (order == 0 && a->first < b->first);
}

/* Are the two, in order, one part? An interval begins at 1; other parts reach
 * from 0 to their number. */
static bool touch(uint32_t kind, const struct infra_position_part *a,
                  const struct infra_position_part *b)
{
    return compare_keys(a, b) == 0 &&
           (kind != INFRA_POSITION_MYSQL || b->first - 1 <= a->last);
}

/* The number of parts that are not behind @part. */
static uint32_t place(const struct infra__position_parts *list,
                      const struct infra_position_part *part)
{
    uint32_t low = 0;
    uint32_t high = list->count;

    if (high > 0 && !is_before(part, &list->parts[high - 1])) {
        return high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_before(part, &list->parts[middle])) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Move what begins at @from to @to. */
static void move(struct infra__position_parts *list, uint32_t to, uint32_t from)
{
    memmove(&list->parts[to], &list->parts[from],
            (list->count - from) * sizeof list->parts[0]);
    list->count = list->count - from + to;
}

/* The part at @at has grown: it takes in those behind it that it touches. */
static void absorb(struct infra__position_parts *list, uint32_t at)
{
    struct infra_position_part *part = &list->parts[at];
    uint32_t next = at + 1;

    while (next < list->count && touch(list->kind, part, &list->parts[next])) {
        if (list->parts[next].last > part->last) {
            part->last = list->parts[next].last;
        }
        next++;
    }
    if (next > at + 1) {
        move(list, at + 1, next);
    }
}

bool infra__position_fill(struct infra__position_parts *list)
{
    uint64_t least = UINT64_MAX;
    uint32_t at = list->count;

    for (uint32_t i = 0; i + 1 < list->count; i++) {
        const struct infra_position_part *part = &list->parts[i];
        if (compare_keys(part, part + 1) == 0 &&
            part[1].first - part->last < least) {
            least = part[1].first - part->last;
            at = i;
        }
    }
    if (at == list->count) {
        return false;
    }
    list->parts[at].last = list->parts[at + 1].last;
    move(list, at + 1, at + 2);
    list->is_filled = true;
    return true;
}

int infra__position_insert(struct infra__position_parts *list,
                           const struct infra_position_part *part)
{
    for (;;) {
        uint32_t at = place(list, part);
        struct infra_position_part *here = &list->parts[at];

        if (at > 0 && touch(list->kind, here - 1, part)) {
            if (part->last > here[-1].last) {
                here[-1].last = part->last;
                absorb(list, at - 1);
            }
            return INFRA_OK;
        }
        if (at < list->count && touch(list->kind, part, here)) {
            here->first = part->first;
            if (part->last > here->last) {
                here->last = part->last;
                absorb(list, at);
            }
            return INFRA_OK;
        }
        if (list->count < list->max) {
            move(list, at + 1, at);
            *here = *part;
            return INFRA_OK;
        }
        if (!list->fills || !infra__position_fill(list)) {
            return INFRA_EFULL;
        }
    }
}
