/* SPDX-License-Identifier: MIT */
/* From marks to lists: the backends that may be picked, by tier, and each
 * list's part of the traffic; of a tier larger than a subset only the choice of
 * subset.h. A backend's state counts as the mode of its tier says, normally as
 * it is. One block of memory holds the lists and their entries. O(ids_max). */
#include "internal.h"
#include "subset.h"
#include "tier_load.h"

enum mode {
    MODE_NORMAL,
    MODE_ANYBODY, /* Health and passive marks are ignored. */
    MODE_LAST_UP, /* The backends that were up last. */
    MODE_REFUSE,  /* None, and the tier keeps its traffic. */
};

/* The lists, before they have memory. By rank, but modes by tier. */
struct plan {
    uint32_t available[LISTS_MAX];
    uint32_t listed[LISTS_MAX];
    uint32_t load[LISTS_MAX];
    uint32_t modes[INFRA_BALANCER_TIERS_MAX];
    uint32_t lists_count;
    uint32_t entries_count;
    uint32_t aside_count;
    uint32_t first_rank; /* The healthy of the first tier with members. */
};

static uint32_t state_in(const struct member *m, uint32_t mode)
{
    uint32_t admin = member_admin(m);

    switch (mode) {
    case MODE_NORMAL:
        return member_state(m);
    case MODE_ANYBODY:
        return admin <= INFRA_BALANCER_STATE_DEGRADED ? INFRA_BALANCER_STATE_UP
                                                      : admin;
    case MODE_LAST_UP:
        return admin <= INFRA_BALANCER_STATE_DEGRADED && m->was_up
                   ? INFRA_BALANCER_STATE_UP
                   : INFRA_BALANCER_STATE_DOWN;
    default:
        return INFRA_BALANCER_STATE_DOWN;
    }
}

/* The list that takes a member; LISTS_MAX: none, it gets no new work. */
static uint32_t rank_in(const struct member *m, uint32_t mode)
{
    uint32_t state = state_in(m, mode);

    if (!m->present || state > INFRA_BALANCER_STATE_DEGRADED) {
        return LISTS_MAX;
    }
    return 2u * m->tier + (state == INFRA_BALANCER_STATE_DEGRADED);
}

bool infra__lists_is_up(const struct member *m)
{
    return rank_in(m, MODE_NORMAL) < LISTS_MAX;
}

uint32_t infra__lists_up_count(const struct infra_balancer *b)
{
    uint32_t count = 0;

    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        count += infra__lists_is_up(&b->members[id]);
    }
    return count;
}

/* Strictly by tier: the first list with a backend gets all traffic. */
static void load_first(struct plan *plan)
{
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (plan->available[rank] > 0) {
            plan->load[rank] = 100;
            return;
        }
    }
}

/* As Envoy does. A tier in panic changes its mode. */
static void load_tiers(const struct infra_balancer *b, struct plan *plan)
{
    struct infra__tier_health health[INFRA_BALANCER_TIERS_MAX] = { { 0 } };
    struct infra__tier_load load[INFRA_BALANCER_TIERS_MAX];

    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        const struct member *m = &b->members[id];
        if (!m->present || member_admin(m) > INFRA_BALANCER_STATE_DEGRADED) {
            continue;
        }
        health[m->tier].all++;
        health[m->tier].healthy += member_state(m) == INFRA_BALANCER_STATE_UP;
        health[m->tier].degraded +=
            member_state(m) == INFRA_BALANCER_STATE_DEGRADED;
    }
    infra__tier_loads(load, health, INFRA_BALANCER_TIERS_MAX,
                      b->options.overprovision_percent,
                      b->options.panic_percent);
    for (uint32_t t = 0; t < INFRA_BALANCER_TIERS_MAX; t++) {
        plan->load[2 * t] = load[t].healthy;
        plan->load[2 * t + 1] = load[t].degraded;
        if (load[t].panic) {
            /* The whole tier is one list, with one load. */
            plan->load[2 * t] += plan->load[2 * t + 1];
            plan->load[2 * t + 1] = 0;
            plan->modes[t] = b->options.outage == INFRA_BALANCER_OUTAGE_REFUSE
                                 ? MODE_REFUSE
                                 : MODE_ANYBODY;
        }
    }
}

static void set_modes(struct plan *plan, uint32_t mode)
{
    for (uint32_t t = 0; t < INFRA_BALANCER_TIERS_MAX; t++) {
        plan->modes[t] = mode;
    }
}

/* Does a list show it, to be picked or only to be known? */
static bool belongs(const struct infra_balancer *b, const struct plan *plan,
                    const struct member *m, uint32_t rank)
{
    if (!m->present || m->tier != rank / 2 ||
        plan->modes[m->tier] == MODE_REFUSE ||
        (m->passed_over >> rank % 2 & 1u) != 0) {
        return false;
    }
    return b->options.policy->whole_tier != 0 || m->rank == rank;
}

/* Does it only keep its work: draining, or outside the subset of the list that
 * would take it? */
static bool is_aside(const struct member *m)
{
    return m->present &&
           (member_state(m) == INFRA_BALANCER_STATE_DRAINING ||
            (m->rank < LISTS_MAX && (m->passed_over >> m->rank % 2 & 1u) != 0));
}

static bool is_list(const struct plan *plan, uint32_t rank)
{
    return plan->available[rank] > 0 ||
           (plan->modes[rank / 2] == MODE_REFUSE && plan->load[rank] > 0);
}

/* Traffic that belongs to no list goes to the first: all of it, if health does
 * not amount to one percent anywhere. */
static void load_rest(struct plan *plan)
{
    uint32_t first = LISTS_MAX;
    uint32_t rest = 100;

    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (is_list(plan, rank)) {
            first = first == LISTS_MAX ? rank : first;
            rest -= plan->load[rank];
        }
    }
    if (first < LISTS_MAX) {
        plan->load[first] += rest;
    }
}

/* Count the members of each list, by the modes. */
static void count_members(struct infra_balancer *b, struct plan *plan)
{
    plan->first_rank = LISTS_MAX;
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        struct member *m = &b->members[id];
        uint32_t healthy = 2u * m->tier;
        if (!m->present) {
            continue;
        }
        m->rank = (uint8_t)rank_in(m, plan->modes[m->tier]);
        m->passed_over = 0;
        if (m->rank < LISTS_MAX) {
            plan->available[m->rank]++;
        }
        plan->listed[healthy] += belongs(b, plan, m, healthy);
        plan->listed[healthy + 1] += belongs(b, plan, m, healthy + 1);
        plan->aside_count += is_aside(m);
        if (healthy < plan->first_rank) {
            plan->first_rank = healthy;
        }
    }
}

static void choose_subsets(struct infra_balancer *b, struct plan *plan)
{
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (plan->available[rank] > 0 &&
            plan->listed[rank] > b->options.subset_size) {
            plan->listed[rank] = infra__subset_choose(b, rank);
        }
    }
    plan->aside_count = 0;
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        plan->aside_count += is_aside(&b->members[id]);
    }
}

static void make_plan(struct infra_balancer *b, struct plan *plan)
{
    static const uint32_t outage_modes[] = {
        [INFRA_BALANCER_OUTAGE_REFUSE] = MODE_REFUSE,
        [INFRA_BALANCER_OUTAGE_ANYBODY] = MODE_ANYBODY,
        [INFRA_BALANCER_OUTAGE_LAST_UP] = MODE_LAST_UP,
    };
    bool any_up = infra__lists_up_count(b) > 0;
    bool shared = b->options.overprovision_percent > 0 &&
                  (any_up || b->options.panic_percent > 0);

    *plan = (struct plan) { .lists_count = 0 };
    if (shared) {
        load_tiers(b, plan);
    } else {
        set_modes(plan, any_up ? MODE_NORMAL : outage_modes[b->options.outage]);
    }
    count_members(b, plan);
    if (shared) {
        load_rest(plan);
    } else {
        load_first(plan);
    }
    if (b->options.subset_size > 0) {
        choose_subsets(b, plan);
    }
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (is_list(plan, rank)) {
            plan->lists_count++;
            plan->entries_count += plan->listed[rank];
        }
    }
}

static void add_entry(struct list *list, struct entry *e,
                      const struct member *m, uint32_t id, uint32_t state)
{
    *e = (struct entry) { .id = id,
                          .weight = member_weight(m),
                          .cap = m->in_flight_max,
                          .owner = m->owner,
                          .state = (uint8_t)state,
                          .tier = m->tier };
    list->count++;
    list->weight_total += e->weight;
    list->capped |= m->in_flight_max > 0;
    if (!entry_is_up(list, e)) {
        atomic_store_explicit(&list->partial, true, memory_order_relaxed);
    }
    list->even &= e->weight == list->entries[0].weight;
}

/* Note when each backend came up, if some are newer than others: if all are
 * equally new none has a share to leave to the others. */
static void note_new(const struct infra_balancer *b, struct list *list,
                     infra_time *since, infra_time now)
{
    infra_time newest = 0;

    list->oldest = INFRA_TIME_NEVER;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct entry *e = &list->entries[i];
        since[i] = b->members[e->id].up_since;
        if (entry_is_up(list, e)) {
            newest = since[i] > newest ? since[i] : newest;
            list->oldest = since[i] < list->oldest ? since[i] : list->oldest;
        }
    }
    infra_time warm_at =
        infra__time_add(newest, b->options.slow_start_interval);
    if (warm_at > now && newest > list->oldest) {
        list->since = since;
        list->warm_at = warm_at;
    }
}

static void fill_list(const struct infra_balancer *b, const struct plan *plan,
                      struct list *list, struct entry *entries)
{
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        const struct member *m = &b->members[id];
        if (belongs(b, plan, m, list->rank)) {
            add_entry(list, entries++, m, id,
                      state_in(m, plan->modes[m->tier]));
        }
    }
}

static void fill_aside(const struct infra_balancer *b, struct list *list,
                       struct entry *entries)
{
    *list = (struct list) { .entries = entries };
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        const struct member *m = &b->members[id];
        if (is_aside(m)) {
            add_entry(list, entries++, m, id, INFRA_BALANCER_STATE_DRAINING);
        }
    }
}

/* For bounded load: the weight of the earlier entries that may be picked. */
static void note_weights(struct list *list, uint64_t *weight_before)
{
    uint64_t weight = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct entry *e = &list->entries[i];
        weight_before[i] = weight;
        weight += entry_is_up(list, e) ? e->weight : 0;
    }
    list->weight_before = weight_before;
    list->weight_bound = weight;
}

/* One block: the table, its lists, the times when entries came up, the weights
 * for bounded load, the entries. */
struct table *infra__lists_lay_out(struct infra_balancer *b, infra_time now)
{
    struct plan plan;

    make_plan(b, &plan);
    size_t head = sizeof(struct table) + plan.lists_count * sizeof(struct list);
    size_t since_bytes = b->options.slow_start_interval > 0
                             ? plan.entries_count * sizeof(infra_time)
                             : 0;
    size_t weight_bytes = b->options.bound_percent > 0
                              ? plan.entries_count * sizeof(uint64_t)
                              : 0;
    size_t bytes =
        head + since_bytes + weight_bytes +
        (plan.entries_count + plan.aside_count) * sizeof(struct entry);
    struct table *t = infra__alloc(&b->allocator, 1, bytes);
    if (t == NULL) {
        return NULL;
    }
    void *block = (unsigned char *)t + head;
    infra_time *since = block;
    block = (unsigned char *)block + since_bytes;
    uint64_t *weights = block;
    block = (unsigned char *)block + weight_bytes;
    struct entry *entries = block;
    t->bytes = bytes;
    for (uint32_t rank = 0; rank < LISTS_MAX; rank++) {
        if (!is_list(&plan, rank)) {
            continue;
        }
        struct list *list = &t->lists[t->lists_count++];
        *list = (struct list) {
            .entries = entries,
            .rank = rank,
            .load = (uint8_t)plan.load[rank],
            .outage = plan.modes[rank / 2] != MODE_NORMAL,
            .tier_cap = b->options.tier_in_flight_max[rank / 2],
            .counted = b->options.bound_percent > 0 ||
                       b->options.tier_in_flight_max[rank / 2] > 0,
            .spill = rank != plan.first_rank,
            .states = 1u << (rank % 2 == 0 ? INFRA_BALANCER_STATE_UP
                                           : INFRA_BALANCER_STATE_DEGRADED),
            .even = true,
        };
        fill_list(b, &plan, list, entries);
        if (b->options.slow_start_interval > 0) {
            note_new(b, list, since, now);
            since += list->count;
        }
        if (b->options.bound_percent > 0) {
            note_weights(list, weights);
            weights += list->count;
        }
        entries += list->count;
    }
    fill_aside(b, &t->aside, entries);
    return t;
}
