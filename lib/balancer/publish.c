/* SPDX-License-Identifier: MIT */
/* Build a table and make it visible, in the caller of publish. What the policy
 * precomputes is a separate block, shared by all tables that list the same
 * backends, so that with a policy of whole tiers a change of health rebuilds
 * nothing. A reader never sees an incomplete table, and never frees one.
 * O(ids_max + what the policy needs). */
#include "algorithm/ewma.h"
#include "internal.h"
#include "shared_slots.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#define BUILT_HEAD                                       \
    ((sizeof(struct built) + alignof(max_align_t) - 1) & \
     ~(alignof(max_align_t) - 1))

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

/* Share the block of a list of the same backends, if @t has one. */
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

/* Build the table for some candidates. */
static int fill_built(const struct infra_balancer *b, struct list *list,
                      const struct infra_balancer_candidates *c, void *scratch)
{
    const struct infra_balancer_policy *policy = b->options.policy;
    size_t size = policy->table_size(c);

    if (size == 0) {
        return INFRA_OK;
    }
    struct built *built =
        size <= SIZE_MAX - BUILT_HEAD
            ? infra__alloc(&b->allocator, 1, BUILT_HEAD + size)
            : NULL;
    if (built == NULL) {
        return INFRA_ENOMEM;
    }
    *built = (struct built) { .refs = 1, .bytes = BUILT_HEAD + size };
    void *data = (unsigned char *)built + BUILT_HEAD;
    int err =
        policy->build != NULL ? policy->build(data, scratch, c) : INFRA_OK;
    if (err != INFRA_OK) {
        unref_built(b, built);
        return err;
    }
    list->built = built;
    list->built_data = data;
    return INFRA_OK;
}

static int build_list(const struct infra_balancer *b, struct list *list)
{
    const struct infra_balancer_policy *policy = b->options.policy;
    struct infra_balancer_candidates c = infra__candidates_of(b, list);
    uint32_t members_count = policy->whole_tier != 0 ? list->count : 0;
    struct infra__hash_member *members =
        infra__alloc(&b->allocator, members_count, sizeof *members);
    void *scratch = NULL;
    size_t scratch_size = 0;
    int err = members_count == 0 || members != NULL ? INFRA_OK : INFRA_ENOMEM;

    for (uint32_t i = 0; members != NULL && i < members_count; i++) {
        members[i].key = infra_candidates_key(&c, i);
        members[i].weight = list->entries[i].weight;
    }
    c.hash_members = members;
    if (err == INFRA_OK && policy->scratch_size != NULL) {
        scratch_size = policy->scratch_size(&c);
        scratch = infra__alloc(&b->allocator, 1, scratch_size);
        err = scratch_size == 0 || scratch != NULL ? INFRA_OK : INFRA_ENOMEM;
    }
    if (err == INFRA_OK) {
        err = fill_built(b, list, &c, scratch);
    }
    infra__free(&b->allocator, members, members_count, sizeof *members);
    infra__free(&b->allocator, scratch, 1, scratch_size);
    return err;
}

/* A list whose table cannot be built does without. Returns the first error. */
static int build_all(const struct infra_balancer *b, struct table *t)
{
    int first = INFRA_OK;

    if (b->options.policy->table_size == NULL) {
        return INFRA_OK;
    }
    for (uint32_t l = 0; l < t->lists_count; l++) {
        struct list *list = &t->lists[l];
        if (list->count == 0 || share_built(t, list) ||
            share_built(b->table, list)) {
            continue;
        }
        int err = build_list(b, list);
        list->bare = err != INFRA_OK;
        first = first == INFRA_OK ? err : first;
    }
    return first;
}

/* A backend that has come up starts to warm up now. */
static void note_arrivals(struct infra_balancer *b, infra_time now)
{
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        struct member *m = &b->members[id];
        bool is_up = infra__lists_is_up(m);
        if (is_up && !m->is_up) {
            m->up_since = now;
            if (m->has_been_up) {
                infra__latency_came_up(&b->slots[id], now);
            }
            m->has_been_up = 1;
        }
        m->is_up = is_up;
    }
}

/* The table is published: note its version for removed members, and which are
 * up, for INFRA_BALANCER_OUTAGE_LAST_UP. */
static void note_members(struct infra_balancer *b, uint32_t up_count)
{
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        struct member *m = &b->members[id];
        if (m->absent_since == EDITION_PENDING && !m->present) {
            m->absent_since = b->version;
        }
        if (up_count > 0) {
            m->was_up = m->is_up;
        }
    }
    b->recovering =
        up_count == 0 || (b->recovering && up_count < b->options.shed_until_up);
}

static bool is_plain(const struct list *list)
{
    return list->load == 100 && list->count > 0 && !list->capped &&
           !atomic_load_explicit(&list->partial, memory_order_relaxed) &&
           !list->bare && !list->outage && !list->counted &&
           list->warm_at == 0 && !list->spill;
}

int infra_balancer_publish(struct infra_balancer *balancer, infra_time now)
{
    struct infra_balancer *b = balancer;

    if (b == NULL) {
        return INFRA_EINVAL;
    }
    for (struct infra_balancer_reader *r = b->readers; r != NULL; r = r->next) {
        (void)infra__inbox_settle(&r->inbox, infra__table_free, b);
    }
    infra__shared_adopt_marks(b);
    infra__members_leave(b);
    if (!b->dirty) {
        return INFRA_OK;
    }
    note_arrivals(b, now);
    struct table *t = infra__lists_lay_out(b, now);
    if (t == NULL) {
        infra__table_withdraw(b);
        return INFRA_ENOMEM;
    }
    int err = build_all(b, t);
    uint32_t up_count = infra__lists_up_count(b);
    t->admitted =
        b->recovering && up_count > 0 && up_count < b->options.shed_until_up
            ? (uint32_t)(((uint64_t)up_count << 32) / b->options.shed_until_up)
            : UINT32_MAX;
    bool plain = t->admitted == UINT32_MAX && t->lists_count > 0 &&
                 is_plain(&t->lists[0]);
    atomic_store_explicit(&t->plain, plain, memory_order_relaxed);
    t->edition.version = ++b->version;
    t->edition.refs = 1;
    for (struct infra_balancer_reader *r = b->readers; r != NULL; r = r->next) {
        infra__inbox_post(&r->inbox, &t->edition, infra__table_free, b);
    }
    if (b->table != NULL) {
        infra__edition_unref(&b->table->edition, infra__table_free, b);
    }
    b->table = t;
    b->dirty = err != INFRA_OK; /* So that the next publish tries again. */
    note_members(b, up_count);
    assert(b->table->edition.version == b->version);
    return err;
}
