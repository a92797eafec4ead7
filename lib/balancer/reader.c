/* SPDX-License-Identifier: MIT */
/* Create and destroy readers, on the control thread, and sum their counts. */
#include "../base/random.h"
#include "internal.h"
#include "slow_start.h"

#include <stdalign.h>

static size_t aligned(size_t size)
{
    const size_t align = alignof(max_align_t);

    return (size + align - 1) / align * align;
}

static void free_parts(const struct infra_balancer_reader *r)
{
    const struct infra_allocator *a = &r->balancer->allocator;

    infra__free(a, r->tallies, r->options.ids_max, sizeof *r->tallies);
    infra__free(a, r->report_tallies, r->options.ids_max,
                sizeof *r->report_tallies);
    infra__free(a, r->memory, LISTS_MAX, r->memory_stride);
    infra__free(a, r->credits, r->options.ids_max, sizeof *r->credits);
}

/* Its counts and the policy's memory. */
static bool take_parts(struct infra_balancer_reader *r)
{
    const struct infra_allocator *a = &r->balancer->allocator;
    bool needs_credits =
        r->options.slow_start_interval > 0 && r->policy.whole_tier == 0;

    r->memory_stride = aligned(r->policy.memory_size);
    r->tallies = infra__alloc(a, r->options.ids_max, sizeof *r->tallies);
    r->report_tallies =
        infra__alloc(a, r->options.ids_max, sizeof *r->report_tallies);
    r->memory = infra__alloc(a, LISTS_MAX, r->memory_stride);
    if (needs_credits) {
        r->credits = infra__alloc(a, r->options.ids_max, sizeof *r->credits);
    }
    return r->tallies != NULL && r->report_tallies != NULL &&
           (r->memory != NULL || r->memory_stride == 0) &&
           (r->credits != NULL || !needs_credits);
}

int infra_balancer_reader_create(struct infra_balancer_reader **ret,
                                 struct infra_balancer *balancer)
{
    struct infra_balancer_reader *r;

    if (ret == NULL || balancer == NULL) {
        return INFRA_EINVAL;
    }
    const struct infra_allocator *a = &balancer->allocator;
    r = infra__alloc_lines(a, sizeof *r);
    if (r == NULL) {
        return INFRA_ENOMEM;
    }
    r->balancer = balancer;
    r->options = balancer->options;
    r->policy = *balancer->options.policy;
    r->policy.needs_load |= r->options.bound_percent > 0;
    r->policy_options = balancer->policy_options;
    r->slots = balancer->slots;
    r->tier_slots = balancer->tier_slots;
    r->ledger = balancer->ledger;
    r->has_budget =
        (r->options.retry_percent | r->options.retry_min_per_s) != 0;
    if (!take_parts(r)) {
        free_parts(r);
        infra__free_lines(a, r, sizeof *r);
        return INFRA_ENOMEM;
    }
    /* Each reader starts elsewhere, or all workers would pick in step. */
    r->random =
        infra__mix(balancer->options.seed + ++balancer->readers_created);
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        for (uint32_t word = 0; word < 4; word++) {
            r->states[rank][word] = infra__random(&r->random);
        }
    }
    if (balancer->table != NULL) {
        infra__inbox_post(&r->inbox, &balancer->table->edition,
                          infra__table_free, balancer);
    }
    r->next = balancer->readers;
    balancer->readers = r;
    *ret = r;
    return INFRA_OK;
}

static void add_counts(struct counts *sum,
                       const struct infra_balancer_reader *r, uint32_t id)
{
    const struct tally *t = &r->tallies[id];
    const struct report_tally *p = &r->report_tallies[id];

    /* Acquire pairs with the store in release(): all work under the tickets is
     * done. Picks are read afterwards, so that no release lacks its pick. The
     * rest is statistics. */
    sum->releases += atomic_load_explicit(&t->releases, memory_order_acquire);
    sum->failures += atomic_load_explicit(&p->failures, memory_order_relaxed);
    sum->reports += atomic_load_explicit(&p->reports, memory_order_relaxed);
    sum->latency_sum +=
        atomic_load_explicit(&p->latency_sum, memory_order_relaxed);
}

struct counts infra__balancer_counts(const struct infra_balancer *b,
                                     uint32_t id)
{
    struct counts sum = *infra__balancer_base(b, id);

    for (const struct infra_balancer_reader *r = b->readers; r != NULL;
         r = r->next) {
        add_counts(&sum, r, id);
    }
    for (const struct infra_balancer_reader *r = b->readers; r != NULL;
         r = r->next) {
        sum.picks +=
            atomic_load_explicit(&r->tallies[id].picks, memory_order_relaxed);
    }
    return sum;
}

void infra_balancer_reader_destroy(struct infra_balancer_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    struct infra_balancer *b = reader->balancer;
    struct infra_balancer_reader **link = &b->readers;

    while (*link != reader) {
        link = &(*link)->next;
    }
    *link = reader->next;
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        struct counts *base = infra__balancer_base(b, id);
        add_counts(base, reader, id);
        base->picks += atomic_load_explicit(&reader->tallies[id].picks,
                                            memory_order_relaxed);
    }
    infra__inbox_finish(&reader->inbox, infra__table_free, b);
    free_parts(reader);
    infra__free_lines(&b->allocator, reader, sizeof *reader);
}
