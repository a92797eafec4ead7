/* SPDX-License-Identifier: MIT */
/* From sorted prefixes to disjoint ranges, and the lookup. Prefixes are nested
 * or disjoint. A sweep over their starts keeps those that are open on a stack,
 * at most one of each length; a range begins where a prefix begins, and after
 * its end, where the one around it goes on. O(n) after the sort.
 *
 * The lookup of IPv4 is that of DXR (Zec, Rizzo, Mikuc, "DXR: Towards a Billion
 * Routing Lookups per Second in Software", 2012): the first bits of an address
 * choose a few ranges by an index, a binary search without branches finds the
 * one. */
#include "internal.h"

#include <assert.h>
#include <string.h>

#define DEPTH_MAX 130u /* The default, and a prefix of each length. */

/* What the sweep makes, of either family. */
struct sweep {
    struct table *table;
    const struct rule *open[DEPTH_MAX];
    struct point last[DEPTH_MAX]; /* The last address of each. */
    uint32_t depth;
    uint32_t default_action;
    bool is_ipv4;
};

static struct point last_of(const struct rule *r)
{
    struct point p = point_of(&r->prefix.address);
    uint32_t length = r->prefix.length;

    p.high |= length >= 64 ? 0 : UINT64_MAX >> length;
    p.low |= length >= 128  ? 0
             : length <= 64 ? UINT64_MAX
                            : UINT64_MAX >> (length - 64);
    return p;
}

static bool next_point(struct point *p, bool is_ipv4)
{
    if (is_ipv4) {
        p->low++;
        return (uint32_t)p->low != 0;
    }
    p->low++;
    p->high += p->low == 0;
    return p->low != 0 || p->high != 0;
}

static void begin_ipv4(struct table *t, uint32_t start, struct answer answer)
{
    if (t->v4_count > 0 && t->v4_start[t->v4_count - 1] == start) {
        t->v4_count--;
    }
    if (t->v4_count > 0 && t->v4[t->v4_count - 1].rule == answer.rule &&
        t->v4[t->v4_count - 1].action == answer.action) {
        return;
    }
    t->v4_start[t->v4_count] = start;
    t->v4[t->v4_count++] = answer;
}

static void begin_ipv6(struct table *t, struct point start,
                       struct answer answer)
{
    if (t->v6_count > 0 &&
        !point_is_before(t->v6_start[t->v6_count - 1], start)) {
        t->v6_count--;
    }
    if (t->v6_count > 0 && t->v6[t->v6_count - 1].rule == answer.rule &&
        t->v6[t->v6_count - 1].action == answer.action) {
        return;
    }
    t->v6_start[t->v6_count] = start;
    t->v6[t->v6_count++] = answer;
}

/* A range begins, with the answer of the innermost prefix that is open. */
static void begin(struct sweep *s, struct point start)
{
    struct answer answer = { RULE_NONE, s->default_action };

    if (s->depth > 0) {
        const struct rule *r = s->open[s->depth - 1];
        answer = (struct answer) { r->id, r->action };
    }
    if (s->is_ipv4) {
        begin_ipv4(s->table, (uint32_t)start.low, answer);
    } else {
        begin_ipv6(s->table, start, answer);
    }
}

/* Close the prefixes that end before @limit; all without one. */
static void close_before(struct sweep *s, const struct point *limit)
{
    while (s->depth > 0 &&
           (limit == NULL || point_is_before(s->last[s->depth - 1], *limit))) {
        struct point next = s->last[--s->depth];
        if (next_point(&next, s->is_ipv4)) {
            begin(s, next);
        }
    }
}

static void sweep(struct sweep *s, const struct rules *sorted)
{
    s->depth = 0;
    begin(s, (struct point) { 0, 0 });
    for (uint32_t i = 0; i < sorted->count; i++) {
        const struct rule *r = &sorted->all[i];
        if (infra__prefix_is_ipv4(&r->prefix) != s->is_ipv4) {
            continue;
        }
        struct point start = point_of(&r->prefix.address);
        close_before(s, &start);
        assert(s->depth < DEPTH_MAX);
        s->open[s->depth] = r;
        s->last[s->depth++] = last_of(r);
        begin(s, start);
    }
    close_before(s, NULL);
}

static void fill_index(struct table *t)
{
    uint32_t range = 0;

    for (uint32_t place = 0; place < t->index_count; place++) {
        uint64_t first = (uint64_t)place << t->shift;
        while (range + 1 < t->v4_count && t->v4_start[range + 1] <= first) {
            range++;
        }
        t->index[place] = range;
    }
}

/* Four places for each range or more, in memory that stays small. */
static uint32_t index_bits(uint32_t ranges)
{
    uint32_t bits = INDEX_BITS_MIN;

    while (bits < INDEX_BITS_MAX && (1u << bits) < 4 * ranges) {
        bits++;
    }
    return bits;
}

/* One block: the head, and the arrays by alignment. */
static struct table *table_alloc(const struct infra_allocator *a, size_t v4_max,
                                 size_t v6_max)
{
    uint32_t bits = index_bits((uint32_t)v4_max);
    size_t index = ((size_t)1 << bits) + 1;
    size_t bytes = sizeof(struct table) + v6_max * sizeof(struct point) +
                   (v4_max + v6_max) * sizeof(struct answer) +
                   (v4_max + index) * sizeof(uint32_t);
    struct table *t = infra__alloc(a, 1, bytes);

    if (t != NULL) {
        t->bytes = bytes;
        t->shift = 32 - bits;
        t->index_count = (uint32_t)index;
        t->v6_start = (void *)(t + 1);
        t->v6 = (void *)(t->v6_start + v6_max);
        t->v4 = t->v6 + v6_max;
        t->v4_start = (void *)(t->v4 + v4_max);
        t->index = t->v4_start + v4_max;
    }
    return t;
}

struct table *infra__access_table_create(const struct infra_allocator *a,
                                         const struct rules *sorted,
                                         uint32_t default_action)
{
    size_t v4 = 0;

    for (uint32_t i = 0; i < sorted->count; i++) {
        v4 += infra__prefix_is_ipv4(&sorted->all[i].prefix);
    }
    /* A prefix begins a range where it begins, and one after its end. */
    struct table *t = table_alloc(a, 2 * v4 + 1, 2 * (sorted->count - v4) + 1);
    if (t == NULL) {
        return NULL;
    }
    t->default_action = default_action;
    struct sweep s = { .table = t, .default_action = default_action };
    sweep(&s, sorted);
    s.is_ipv4 = true;
    sweep(&s, sorted);
    fill_index(t);
    return t;
}

void infra__access_table_free(void *owner, struct infra__edition *edition)
{
    struct infra_access *access = owner;
    struct table *t = (struct table *)(void *)edition;

    infra__free(&access->allocator, t, 1, t->bytes);
}

struct answer infra__access_find_ipv6(const struct table *t, struct point p)
{
    const struct point *start = t->v6_start;
    uint32_t count = t->v6_count;

    while (count > 1) {
        uint32_t half = count / 2;
        struct point s = start[half];
        bool is_above =
            (p.high < s.high) | ((p.high == s.high) & (p.low < s.low));
        start += is_above ? 0 : half;
        count -= half;
    }
    return t->v6[start - t->v6_start];
}
