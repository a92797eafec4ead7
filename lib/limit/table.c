/* SPDX-License-Identifier: MIT */
/* The table: a rate and a number of connections for each source. */
#include "internal.h"

#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_limit_table_options, ipv6_bits);
INFRA__NO_TAIL_PADDING(struct infra_limit_table_status, sources_max);

static int complete(void *options)
{
    struct infra_limit_table_options *o = options;

    o->sources_max = o->sources_max != 0 ? o->sources_max : 65536u;
    o->ipv4_bits = o->ipv4_bits != 0 ? o->ipv4_bits : 32u;
    o->ipv6_bits = o->ipv6_bits != 0 ? o->ipv6_bits : 64u;
    bool has_rate = o->rate != NULL && o->rate->interval != 0;

    return (has_rate || (o->rate == NULL && o->connections_max != 0)) &&
                   o->sources_max <= INFRA_LIMIT_SOURCES_MAX &&
                   o->connections_max <= INFRA_LIMIT_CONNECTIONS_MAX &&
                   o->ipv4_bits <= 32 && o->ipv6_bits <= 128
               ? INFRA_OK
               : INFRA_EINVAL;
}

static void set_masks(struct infra_limit_table *t,
                      const struct infra_limit_table_options *o)
{
    t->mask_ipv4 = UINT64_MAX << (32 - o->ipv4_bits);
    t->mask_ipv6[0] =
        o->ipv6_bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - o->ipv6_bits);
    t->mask_ipv6[1] =
        o->ipv6_bits <= 64 ? 0 : UINT64_MAX << (128 - o->ipv6_bits);
}

static size_t sets_bytes(const struct infra_limit_table *t)
{
    return t->sets_count * sizeof(struct set);
}

static int create_sets(struct infra_limit_table *t,
                       const struct infra_limit_table_options *o)
{
    t->sets_count = 1;
    while (t->sets_count * WAYS < o->sources_max) {
        t->sets_count *= 2;
    }
    if (o->rate != NULL) {
        t->rate = *o->rate;
        t->rates = infra__alloc_lines(&t->allocator, sets_bytes(t));
    }
    if (o->connections_max != 0) {
        t->connections_max = o->connections_max;
        t->connections = infra__alloc_lines(&t->allocator, sets_bytes(t));
    }
    return (o->rate != NULL && t->rates == NULL) ||
                   (o->connections_max != 0 && t->connections == NULL)
               ? INFRA_ENOMEM
               : INFRA_OK;
}

int infra_limit_table_create(struct infra_limit_table **ret,
                             const struct infra_limit_table_options *options)
{
    struct infra_limit_table_options o = { .size = sizeof o };
    int err = ret != NULL && options != NULL
                  ? infra__options_take(&o, options, complete)
                  : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    struct infra_allocator a = infra__allocator_or_libc(o.allocator);
    struct infra_limit_table *t = infra__alloc_lines(&a, sizeof *t);
    if (t == NULL) {
        return INFRA_ENOMEM;
    }
    t->allocator = a;
    set_masks(t, &o);
    for (int i = 0; o.secret != NULL && i < 2; i++) {
        for (int k = 7; k >= 0; k--) {
            t->key[i] = t->key[i] << 8 | o.secret[8 * i + k];
        }
    }
    err = create_sets(t, &o);
    if (err != INFRA_OK) {
        infra_limit_table_destroy(t);
        return err;
    }
    *ret = t;
    return INFRA_OK;
}

void infra_limit_table_destroy(struct infra_limit_table *table)
{
    if (table == NULL) {
        return;
    }
    struct infra_allocator a = table->allocator;

    if (table->rates != NULL) {
        infra__free_lines(&a, table->rates, sets_bytes(table));
    }
    if (table->connections != NULL) {
        infra__free_lines(&a, table->connections, sets_bytes(table));
    }
    infra__free_lines(&a, table, sizeof *table);
}

/* A rate's state is that of GCRA. It only grows, so it never recurs: a way is
 * given away only when its state is not after now. */
static bool rate_is_idle(uint64_t state, const struct use *use)
{
    return state <= use->now;
}

static uint64_t rate_next(uint64_t state, struct use *use)
{
    const struct infra_limit_rate *rate = &use->table->rate;
    infra_time next = infra__gcra_next(rate, state, use->cost, use->now);

    if (infra__gcra_fits(rate, next, use->now)) {
        return next;
    }
    use->wait = infra_limit_wait(rate, state, use->cost, use->now);
    return state;
}

/* It may have used the overflow before: so it begins with that debt. */
static uint64_t rate_first(uint64_t idle, uint64_t overflow, struct use *use,
                           bool *ret_refused)
{
    (void)idle;
    uint64_t next = rate_next(overflow, use);

    *ret_refused = next == overflow;
    return next;
}

static const struct kind rate_kind = { rate_is_idle, rate_next, rate_first,
                                       true };

/* A number of connections, and above it the number of sources that the way has
 * had, so that a state never recurs. */
static bool connections_are_idle(uint64_t state, const struct use *use)
{
    (void)use;
    return (uint32_t)state == 0;
}

static uint64_t connections_next(uint64_t state, struct use *use)
{
    return (uint32_t)state < use->table->connections_max ? state + 1 : state;
}

static uint64_t connections_first(uint64_t idle, uint64_t overflow,
                                  struct use *use, bool *ret_refused)
{
    (void)overflow; /* Nobody uses it. */
    (void)use;
    *ret_refused = false;
    return ((idle >> 32) + 1) << 32 | 1;
}

static const struct kind connections_kind = { connections_are_idle,
                                              connections_next,
                                              connections_first, false };

static int count_result(struct infra_limit_table *table, enum result result,
                        enum counter refusal)
{
    if (result == DONE_SHARED || result == REFUSED_SHARED) {
        infra__limit_count(table, SHARED);
    }
    if (result == TIRED) {
        infra__limit_count(table, CONTENDED);
    } else if (result == REFUSED || result == REFUSED_SHARED) {
        infra__limit_count(table, refusal);
    }
    return result == DONE || result == DONE_SHARED;
}

/* Without the cost of a use: nothing changes. */
static infra_time wait_for(const struct infra_limit_table *table,
                           const struct place *place, uint32_t cost,
                           infra_time now)
{
    uint64_t state;

    if (infra__limit_find(place, &state) == WAYS) {
        state =
            atomic_load_explicit(&place->set->overflow, memory_order_relaxed);
    }
    return infra_limit_wait(&table->rate, state, cost, now);
}

int infra_limit_table_take(struct infra_limit_table *table,
                           const struct infra_address *address, uint32_t cost,
                           infra_time now, infra_time *ret_wait)
{
    struct use use = { .table = table, .cost = cost, .now = now };
    uint32_t way;
    int taken = 0;

    if (table == NULL || address == NULL) {
        return 0;
    }
    if (table->rates == NULL) {
        taken = 1;
    } else {
        struct place p = infra__limit_place(table, table->rates, address);
        if (cost == 0 ||
            infra_limit_wait(&table->rate, 0, cost, 0) == INFRA_TIME_NEVER) {
            use.wait = wait_for(table, &p, cost, now);
            taken = use.wait == 0;
        } else {
            enum result r = infra__limit_use(&p, &rate_kind, &use, &way);
            taken = count_result(table, r, LIMITED);
        }
    }
    if (ret_wait != NULL) {
        *ret_wait = taken ? 0 : use.wait;
    }
    return taken;
}

int infra_limit_table_enter(struct infra_limit_table *table,
                            const struct infra_address *address,
                            uint64_t *ret_ticket)
{
    struct use use = { .table = table };
    uint32_t way;

    if (table == NULL || address == NULL || ret_ticket == NULL) {
        return 0;
    }
    if (table->connections == NULL) {
        *ret_ticket = 0;
        return 1;
    }
    struct place p = infra__limit_place(table, table->connections, address);
    enum result r = infra__limit_use(&p, &connections_kind, &use, &way);
    if (!count_result(table, r, CAPPED)) {
        return 0;
    }
    *ret_ticket = (uint64_t)(p.set - table->connections) * (WAYS + 1) + way + 1;
    return 1;
}

int infra_limit_table_leave(struct infra_limit_table *table, uint64_t ticket)
{
    if (table == NULL || ticket > (uint64_t)table->sets_count * (WAYS + 1) ||
        (ticket == 0) != (table->connections == NULL)) {
        return INFRA_EINVAL;
    }
    if (ticket == 0) {
        return INFRA_OK;
    }
    struct set *set = &table->connections[(ticket - 1) / (WAYS + 1)];
    uint32_t way = (uint32_t)((ticket - 1) % (WAYS + 1));
    _Atomic uint64_t *state =
        way == WAYS ? &set->overflow : &set->ways[way].state;
    /* Its connection is counted there, so the way is neither idle nor BUSY. */
    uint64_t old = atomic_load_explicit(state, memory_order_relaxed);
    if (old == BUSY || (uint32_t)old == 0) {
        return INFRA_EINVAL;
    }
    /* Release: what was done for the connection is before its place is
     * another's. */
    atomic_fetch_sub_explicit(state, 1, memory_order_release);
    return INFRA_OK;
}

int infra_limit_table_look(const struct infra_limit_table *table,
                           const struct infra_address *address, infra_time now,
                           struct infra_limit_view *ret)
{
    struct infra_limit_view v = { .is_shared = 0 };
    uint64_t state;

    if (table == NULL || address == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (table->rates != NULL) {
        struct place p = infra__limit_place(table, table->rates, address);
        v.is_shared = infra__limit_find(&p, &state) == WAYS;
        if (v.is_shared) {
            state =
                atomic_load_explicit(&p.set->overflow, memory_order_relaxed);
        }
        v.wait = infra_limit_wait(&table->rate, state, 1, now);
        v.remaining = infra_limit_remaining(&table->rate, state, now);
    }
    if (table->connections != NULL) {
        struct place p = infra__limit_place(table, table->connections, address);
        if (infra__limit_find(&p, &state) == WAYS) {
            v.is_shared = 1;
            state =
                atomic_load_explicit(&p.set->overflow, memory_order_relaxed);
        }
        v.connections = infra__limit_connections(state);
    }
    *ret = v;
    return INFRA_OK;
}

static void add_set(const struct infra_limit_table *table, uint32_t i,
                    infra_time now, struct infra_limit_table_status *s)
{
    for (uint32_t k = 0; k < WAYS && table->rates != NULL; k++) {
        uint64_t state = atomic_load_explicit(&table->rates[i].ways[k].state,
                                              memory_order_relaxed);
        s->sources += state > now && state != BUSY;
    }
    for (uint32_t k = 0; k <= WAYS && table->connections != NULL; k++) {
        struct set *set = &table->connections[i];
        uint32_t n = infra__limit_connections(atomic_load_explicit(
            k < WAYS ? &set->ways[k].state : &set->overflow,
            memory_order_relaxed));
        s->connections += n;
        s->sources += n > 0 && k < WAYS;
    }
}

int infra_limit_table_inspect(const struct infra_limit_table *table,
                              infra_time now,
                              struct infra_limit_table_status *ret)
{
    struct infra_limit_table_status s = { .sources = 0 };
    uint64_t counts[COUNTERS];

    if (table == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    for (int i = 0; i < COUNTERS; i++) {
        counts[i] =
            atomic_load_explicit(&table->counters[i], memory_order_relaxed);
    }
    uint32_t kinds = 0;
    kinds += table->rates != NULL;
    kinds += table->connections != NULL;
    s.limited = counts[LIMITED];
    s.capped = counts[CAPPED];
    s.shared = counts[SHARED];
    s.contended = counts[CONTENDED];
    s.bytes = sizeof *table + kinds * sets_bytes(table);
    s.sources_max = kinds * table->sets_count * WAYS;
    for (uint32_t i = 0; i < table->sets_count; i++) {
        add_set(table, i, now, &s);
    }
    return infra__status_export(ret, &s, sizeof s, sizeof s);
}
