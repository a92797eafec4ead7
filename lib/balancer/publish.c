/* SPDX-License-Identifier: MIT */
/* Building a table and making it visible, in the caller of publish. What the
 * policy precomputes stands apart and is shared by the tables that list the
 * same backends, so that a change of health rebuilds nothing where the policy
 * takes whole tiers. A reader never sees a half-made table, and never frees.
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

/* Memory for the time of a build. */
struct build {
    struct infra__hash_member *members;
    size_t members_count;
    void *scratch;
    size_t scratch_size;
};

static void finish_build(const struct infra_balancer *b, struct build *build)
{
    infra__free(&b->allocator, build->members, build->members_count,
                sizeof *build->members);
    infra__free(&b->allocator, build->scratch, 1, build->scratch_size);
}

static int prepare_build(const struct infra_balancer *b,
                         struct infra_balancer_candidates *c,
                         struct build *build)
{
    uint32_t count = c->list->count;

    if (b->policy->whole_tier != 0) {
        build->members_count = count;
        build->members =
            infra__alloc(&b->allocator, count, sizeof *build->members);
        if (build->members == NULL) {
            return INFRA_ENOMEM;
        }
        for (uint32_t i = 0; i < count; i++) {
            build->members[i].key = infra_candidates_key(c, i);
            build->members[i].weight = c->list->entries[i].weight;
        }
        c->hash_members = build->members;
    }
    build->scratch_size =
        b->policy->scratch_size != NULL ? b->policy->scratch_size(c) : 0;
    if (build->scratch_size > 0) {
        build->scratch = infra__alloc(&b->allocator, 1, build->scratch_size);
    }
    return build->scratch_size > 0 && build->scratch == NULL ? INFRA_ENOMEM
                                                             : INFRA_OK;
}

/* The table itself. */
static int fill_built(const struct infra_balancer *b, struct list *list,
                      const struct infra_balancer_candidates *c,
                      const struct build *build)
{
    size_t size = b->policy->table_size(c);

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
    int err = b->policy->build != NULL
                  ? b->policy->build(data, build->scratch, c)
                  : INFRA_OK;
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
    static const struct infra_request no_restriction;
    struct infra_balancer_candidates c = { .list = list,
                                           .slots = b->slots,
                                           .members = b->members,
                                           .options = b->policy_options,
                                           .request = &no_restriction };
    struct build build = { .members = NULL };

    int err = prepare_build(b, &c, &build);
    if (err == INFRA_OK) {
        err = fill_built(b, list, &c, &build);
    }
    finish_build(b, &build);
    return err;
}

/* What cannot be built does without. The first error. */
static int build_all(const struct infra_balancer *b, struct table *t)
{
    int first = INFRA_OK;

    if (b->policy->table_size == NULL) {
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

/* Who is up that was not starts to warm up now. */
static void note_arrivals(struct infra_balancer *b, infra_time now)
{
    for (uint32_t id = 0; id < b->ids_max; id++) {
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

/* The table is out: note since when it lacks those who were removed, and who is
 * up, in case that nobody is some day. */
static void note_members(struct infra_balancer *b, uint32_t up_count)
{
    for (uint32_t id = 0; id < b->ids_max; id++) {
        struct member *m = &b->members[id];
        if (m->absent_since == EDITION_PENDING && !m->present) {
            m->absent_since = b->version;
        }
        if (up_count > 0) {
            m->was_up = m->is_up;
        }
    }
    b->recovering =
        up_count == 0 || (b->recovering && up_count < b->shed_until_up);
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
        b->recovering && up_count > 0 && up_count < b->shed_until_up
            ? (uint32_t)(((uint64_t)up_count << 32) / b->shed_until_up)
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
    b->dirty = err != INFRA_OK; /* Then the next publish tries again. */
    note_members(b, up_count);
    assert(b->table->edition.version == b->version);
    return err;
}
