/* SPDX-License-Identifier: MIT */
/* Building a table and making it visible. One block of memory holds the lists,
 * their entries and what the policy precomputes; a reader never sees a
 * half-made one, and never frees. O(ids_max + what the policy needs), in the
 * caller of publish. */
#include "internal.h"

#include <assert.h>
#include <string.h>

#define BUILT_ALIGNMENT 16u

static size_t align_up(size_t bytes)
{
    return (bytes + BUILT_ALIGNMENT - 1) & ~(size_t)(BUILT_ALIGNMENT - 1);
}

/* Which list a backend belongs to, or LISTS_MAX: it takes nothing new. */
static uint32_t member_rank(const struct member *m)
{
    uint32_t state = member_state(m);

    if (!m->present || state > INFRA_STATE_DEGRADED) {
        return LISTS_MAX;
    }
    return 2u * m->tier + (state == INFRA_STATE_DEGRADED);
}

void infra__table_free(void *owner, struct infra__edition *edition)
{
    const struct infra_balancer *b = owner;
    struct table *t = (struct table *)(void *)edition;

    infra__free(&b->allocator, t, 1, t->bytes);
}

/* A plan counts what the lists need before there is memory for them. */
struct plan {
    struct list lists[LISTS_MAX]; /* By rank; only numbers are set. */
    uint32_t entries_count;
    uint32_t lists_count;
};

static void plan_lists(const struct infra_balancer *b, struct plan *plan)
{
    *plan = (struct plan) { 0 };
    for (uint32_t id = 0; id < b->ids_max; id++) {
        uint32_t rank = member_rank(&b->members[id]);
        if (rank == LISTS_MAX) {
            continue;
        }
        struct list *list = &plan->lists[rank];
        plan->lists_count += list->count == 0;
        plan->entries_count++;
        list->count++;
    }
}

/* Lists and entries, without the policy's tables. NULL: no memory. */
static struct table *lay_out(const struct infra_balancer *b,
                             const struct plan *plan)
{
    size_t bytes = align_up(sizeof(struct table) +
                            plan->lists_count * sizeof(struct list)) +
                   plan->entries_count * sizeof(struct entry);
    struct table *t = infra__alloc(&b->allocator, 1, bytes);
    if (t == NULL) {
        return NULL;
    }
    t->bytes = bytes;
    t->lists_count = plan->lists_count;

    struct entry *entry = (struct entry *)(void *)((unsigned char *)t + bytes) -
                          plan->entries_count;
    struct list *list = t->lists;
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (plan->lists[rank].count == 0) {
            continue;
        }
        *list = (struct list) { .entries = entry, .rank = rank, .even = 1 };
        for (uint32_t id = 0; id < b->ids_max; id++) {
            const struct member *m = &b->members[id];
            if (member_rank(m) != rank) {
                continue;
            }
            *entry++ = (struct entry) { .id = id,
                                        .weight = m->weight,
                                        .cap = m->in_flight_max };
            list->count++;
            list->weight_total += m->weight;
            list->capped |= m->in_flight_max > 0;
            list->even &= m->weight == list->entries[0].weight;
        }
        list++;
    }
    return t;
}

static struct infra_balancer_candidates view(const struct infra_balancer *b,
                                             const struct list *list)
{
    static const struct infra_request no_restriction;

    return (struct infra_balancer_candidates) { .list = list,
                                                .slots = b->slots,
                                                .request = &no_restriction };
}

/* Append the policy's tables to @t, which may move. On failure it is freed. */
static int add_built(const struct infra_balancer *b, struct table **t_ret)
{
    const struct infra_balancer_policy *policy = b->policy;
    struct table *t = *t_ret;
    size_t sizes[LISTS_MAX] = { 0 };
    size_t total = align_up(t->bytes);

    if (policy->table_size == NULL) {
        return INFRA_OK;
    }
    for (uint32_t l = 0; l < t->lists_count; l++) {
        struct infra_balancer_candidates c = view(b, &t->lists[l]);
        sizes[l] = policy->table_size(&c);
        if (sizes[l] > SIZE_MAX / 2 - total) {
            infra__free(&b->allocator, t, 1, t->bytes);
            return INFRA_ENOMEM;
        }
        total += align_up(sizes[l]);
    }
    struct table *grown = infra__alloc(&b->allocator, 1, total);
    if (grown == NULL) {
        infra__free(&b->allocator, t, 1, t->bytes);
        return INFRA_ENOMEM;
    }
    memcpy(grown, t, t->bytes);
    grown->bytes = total;
    unsigned char *built = (unsigned char *)grown + align_up(t->bytes);
    int err = INFRA_OK;
    for (uint32_t l = 0; l < grown->lists_count && err == INFRA_OK; l++) {
        struct list *list = &grown->lists[l];
        size_t offset = (size_t)((const unsigned char *)list->entries -
                                 (const unsigned char *)t);
        list->entries =
            (const struct entry *)(const void *)((unsigned char *)grown +
                                                 offset);
        if (sizes[l] == 0) {
            continue;
        }
        list->built = built;
        struct infra_balancer_candidates c = view(b, list);
        err = policy->build != NULL ? policy->build(built, &c) : INFRA_OK;
        built += align_up(sizes[l]);
    }
    infra__free(&b->allocator, t, 1, t->bytes);
    if (err != INFRA_OK) {
        infra__free(&b->allocator, grown, 1, total);
        return err;
    }
    *t_ret = grown;
    return INFRA_OK;
}

/* The table is out: note who is in it, and since when who is not. */
static void note_members(struct infra_balancer *b)
{
    for (uint32_t id = 0; id < b->ids_max; id++) {
        struct member *m = &b->members[id];
        m->listed = member_rank(m) != LISTS_MAX;
        if (m->absent_since == EDITION_PENDING && !m->present) {
            m->absent_since = b->version;
        }
    }
}

int infra_balancer_publish(struct infra_balancer *balancer, infra_time now)
{
    struct infra_balancer *b = balancer;

    (void)now;
    if (b == NULL) {
        return INFRA_EINVAL;
    }
    for (struct infra_balancer_reader *r = b->readers; r != NULL; r = r->next) {
        (void)infra__inbox_settle(&r->inbox, infra__table_free, b);
    }
    if (!b->dirty) {
        return INFRA_OK;
    }
    struct plan plan;
    plan_lists(b, &plan);
    struct table *t = lay_out(b, &plan);
    if (t == NULL) {
        return INFRA_ENOMEM;
    }
    int err = add_built(b, &t);
    if (err != INFRA_OK) {
        return err;
    }
    t->edition.version = ++b->version;
    t->edition.refs = 1;
    for (struct infra_balancer_reader *r = b->readers; r != NULL; r = r->next) {
        infra__inbox_post(&r->inbox, &t->edition, infra__table_free, b);
    }
    if (b->table != NULL) {
        infra__edition_unref(&b->table->edition, infra__table_free, b);
    }
    b->table = t;
    b->dirty = false;
    note_members(b);
    assert(b->table->edition.version == b->version);
    return INFRA_OK;
}
