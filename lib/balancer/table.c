/* SPDX-License-Identifier: MIT */
/* Building a table and making it visible, in the caller of publish. One block
 * of memory holds the lists and their entries; what the policy precomputes
 * stands apart and is shared by the tables that list the same backends, so that
 * a change of health rebuilds nothing where the policy takes whole tiers. A
 * reader never sees a half-made table, and never frees. O(ids_max + what the
 * policy needs). */
#include "internal.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#define BUILT_HEAD                                       \
    ((sizeof(struct built) + alignof(max_align_t) - 1) & \
     ~(alignof(max_align_t) - 1))

/* Which list a backend belongs to, or LISTS_MAX: it takes nothing new. */
static uint32_t member_rank(const struct member *m)
{
    uint32_t state = member_state(m);

    if (!m->present || state > INFRA_STATE_DEGRADED) {
        return LISTS_MAX;
    }
    return 2u * m->tier + (state == INFRA_STATE_DEGRADED);
}

static void unref_built(const struct infra_balancer *b, struct built *built)
{
    if (built != NULL && --built->refs == 0) {
        infra__free(&b->allocator, built, 1, built->bytes);
    }
}

void infra__table_free(void *owner, struct infra__edition *edition)
{
    const struct infra_balancer *b = owner;
    struct table *t = (struct table *)(void *)edition;

    for (uint32_t l = 0; l < t->lists_count; l++) {
        unref_built(b, t->lists[l].built);
    }
    infra__free(&b->allocator, t, 1, t->bytes);
}

/* Is it listed with those of this rank, to be picked or only to be known? */
static bool belongs(const struct infra_balancer *b, const struct member *m,
                    uint32_t rank)
{
    return b->policy->whole_tier != 0 ? m->present && m->tier == rank / 2
                                      : member_rank(m) == rank;
}

static void add_entry(struct list *list, struct entry *e,
                      const struct member *m, uint32_t id)
{
    *e = (struct entry) { .id = id,
                          .weight = m->weight,
                          .cap = m->in_flight_max,
                          .owner = m->owner,
                          .state = (uint8_t)member_state(m) };
    list->count++;
    list->weight_total += m->weight;
    list->capped |= m->in_flight_max > 0;
    list->partial |= (list->states >> e->state & 1u) == 0;
    list->even &= m->weight == list->entries[0].weight;
}

/* How many can be picked, and how many are listed, by rank. */
struct plan {
    uint32_t available[LISTS_MAX];
    uint32_t listed[LISTS_MAX];
    uint32_t lists_count;
    uint32_t entries_count;
};

static void make_plan(const struct infra_balancer *b, struct plan *plan)
{
    *plan = (struct plan) { .lists_count = 0 };
    for (uint32_t id = 0; id < b->ids_max; id++) {
        const struct member *m = &b->members[id];
        uint32_t rank = member_rank(m);
        if (rank < LISTS_MAX) {
            plan->available[rank]++;
        }
        for (rank = 2u * m->tier; rank < 2u * m->tier + 2; rank++) {
            plan->listed[rank] += belongs(b, m, rank);
        }
    }
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (plan->available[rank] > 0) {
            plan->lists_count++;
            plan->entries_count += plan->listed[rank];
        }
    }
}

/* Lists and entries, without what the policy builds. NULL: no memory. */
static struct table *lay_out(const struct infra_balancer *b)
{
    struct plan plan;

    make_plan(b, &plan);
    size_t head = sizeof(struct table) + plan.lists_count * sizeof(struct list);
    size_t bytes = head + plan.entries_count * sizeof(struct entry);
    struct table *t = infra__alloc(&b->allocator, 1, bytes);
    if (t == NULL) {
        return NULL;
    }
    t->bytes = bytes;
    struct entry *e = (struct entry *)(void *)((unsigned char *)t + head);
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (plan.available[rank] == 0) {
            continue;
        }
        struct list *list = &t->lists[t->lists_count++];
        *list = (struct list) {
            .entries = e,
            .rank = rank,
            .states =
                1u << (rank % 2 == 0 ? INFRA_STATE_UP : INFRA_STATE_DEGRADED),
            .even = true,
        };
        for (uint32_t id = 0; id < b->ids_max; id++) {
            if (belongs(b, &b->members[id], rank)) {
                add_entry(list, e++, &b->members[id], id);
            }
        }
    }
    return t;
}

static bool same_backends(const struct list *x, const struct list *y)
{
    if (x->count != y->count) {
        return false;
    }
    for (uint32_t i = 0; i < x->count; i++) {
        const struct entry *a = &x->entries[i];
        const struct entry *b = &y->entries[i];
        if (a->id != b->id || a->weight != b->weight || a->owner != b->owner) {
            return false;
        }
    }
    return true;
}

/* Share what a list of the same backends has: of this table, or of the last. */
static bool share_built(const struct table *t, struct list *list)
{
    for (uint32_t l = 0; t != NULL && l < t->lists_count; l++) {
        const struct list *other = &t->lists[l];
        if (other != list && other->built != NULL &&
            same_backends(other, list)) {
            list->built = other->built;
            list->built_data = other->built_data;
            list->built->refs++;
            return true;
        }
    }
    return false;
}

static int build_list(const struct infra_balancer *b, struct list *list)
{
    static const struct infra_request no_restriction;
    const struct infra_balancer_candidates c = { .list = list,
                                                 .slots = b->slots,
                                                 .members = b->members,
                                                 .request = &no_restriction };
    size_t size = b->policy->table_size(&c);

    if (size == 0) {
        return INFRA_OK;
    }
    if (size > SIZE_MAX - BUILT_HEAD) {
        return INFRA_ENOMEM;
    }
    struct built *built = infra__alloc(&b->allocator, 1, BUILT_HEAD + size);
    if (built == NULL) {
        return INFRA_ENOMEM;
    }
    *built = (struct built) { .refs = 1, .bytes = BUILT_HEAD + size };
    void *data = (unsigned char *)built + BUILT_HEAD;
    int err = b->policy->build != NULL ? b->policy->build(data, &c) : INFRA_OK;
    if (err != INFRA_OK) {
        unref_built(b, built);
        return err;
    }
    list->built = built;
    list->built_data = data;
    return INFRA_OK;
}

static int build_all(const struct infra_balancer *b, struct table *t)
{
    int err = INFRA_OK;

    if (b->policy->table_size == NULL) {
        return INFRA_OK;
    }
    for (uint32_t l = 0; l < t->lists_count && err == INFRA_OK; l++) {
        struct list *list = &t->lists[l];
        if (!share_built(t, list) && !share_built(b->table, list)) {
            err = build_list(b, list);
        }
    }
    return err;
}

/* The table is out: note since when it lacks those who were removed. */
static void note_absent(struct infra_balancer *b)
{
    for (uint32_t id = 0; id < b->ids_max; id++) {
        struct member *m = &b->members[id];
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
    struct table *t = lay_out(b);
    if (t == NULL) {
        return INFRA_ENOMEM;
    }
    int err = build_all(b, t);
    if (err != INFRA_OK) {
        infra__table_free(b, &t->edition);
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
    note_absent(b);
    assert(b->table->edition.version == b->version);
    return INFRA_OK;
}
