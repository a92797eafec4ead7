/* SPDX-License-Identifier: MIT */
/* Private to lib/access: the rules of the control side, the table that is made
 * of them, and a thread's view of it. */
#ifndef INFRA_ACCESS_INTERNAL_H
#define INFRA_ACCESS_INTERNAL_H

#include "../base/address.h"
#include "../base/inbox.h"
#include "../base/internal.h"

#include <infra/access.h>

#include <stdatomic.h>
#include <stdbool.h>

#define RULE_NONE INFRA_ACCESS_RULE_NONE
#define INDEX_BITS_MIN 4u
#define INDEX_BITS_MAX 16u

/* A rule; IPv6 and IPv4 sort apart, since their addresses do. */
struct rule {
    struct infra_prefix prefix;
    uint32_t action;
    uint32_t id;
    uint32_t place; /* Its order in the text. */
};

struct rules {
    struct rule *all;
    uint32_t count;
    uint32_t size;
};

struct answer {
    uint32_t rule;
    uint32_t action;
};

/* Position of an address in the space of 128 bits. */
struct point {
    uint64_t high;
    uint64_t low;
};

/* Disjoint ranges without gaps: each begins at its start and ends before the
 * next one's. The first start is 0. */
struct table {
    struct infra__edition edition;
    uint32_t shift;       /* From an IPv4 address to its place in the index. */
    uint32_t index_count; /* Places, and one more. */
    uint32_t v4_count;
    uint32_t v6_count;
    uint32_t *index; /* The last range that begins at or before a place. */
    uint32_t *v4_start;
    struct answer *v4;
    struct point *v6_start;
    struct answer *v6;
    size_t bytes;
    uint32_t default_action;
    uint32_t reserved;
};

struct infra_access_reader {
    struct infra__inbox inbox;
    /* By action. Written by this thread alone, read by control. */
    _Atomic uint64_t counts[2];
    struct infra_access *access;
    struct infra_access_reader *next;
};

struct infra_access {
    struct infra_allocator allocator;
    struct infra_access_options options;
    struct rules rules;
    uint32_t default_action;
    uint32_t readers_count;
    struct table *table;
    struct infra_access_reader *readers;
    uint64_t version;
    uint64_t past[2]; /* Counts of readers that are gone. */
};

static inline struct point point_of(const struct infra_address *a)
{
    return (struct point) { infra__load_be64(a->bytes),
                            infra__load_be64(a->bytes + 8) };
}

static inline bool point_is_before(struct point a, struct point b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* rules.c: memory for one rule more; INFRA_ENOMEM. */
int infra__access_rules_grow(const struct infra_allocator *a, struct rules *r);
void infra__access_rules_free(const struct infra_allocator *a, struct rules *r);
/* Sort by prefix, wider ones first. A rule of @rules with the prefix of the one
 * before it and the other action, NULL: none; of those with the same action
 * only the first is kept. */
const struct rule *infra__access_rules_sort(struct rules *rules);

/* table.c: a table of sorted rules; NULL: no memory. */
struct table *infra__access_table_create(const struct infra_allocator *a,
                                         const struct rules *sorted,
                                         uint32_t default_action);
/* Called with a table that no reader can use any more. */
void infra__access_table_free(void *owner, struct infra__edition *edition);

/* The answer for a point that is not IPv4. */
struct answer infra__access_find_ipv6(const struct table *t, struct point p);

/* The answer for a number of IPv4; here, since a call costs a tenth of it. */
static inline struct answer infra__access_find_ipv4(const struct table *t,
                                                    uint32_t number)
{
    uint32_t place = number >> t->shift;
    uint32_t first = t->index[place];
    uint32_t count = t->index[place + 1] - first + 1;
    const uint32_t *start = t->v4_start + first;

    while (count > 1) {
        uint32_t half = count / 2;
        start += start[half] <= number ? half : 0; /* No branch. */
        count -= half;
    }
    return t->v4[start - t->v4_start];
}

#endif
