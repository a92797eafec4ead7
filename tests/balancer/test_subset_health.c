/* SPDX-License-Identifier: MIT */
/* Subsets when backends fail, and how evenly many clients load them. */
#include "pool.h"

#include "balancer/internal.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKENDS = 40, SIZE = 8, KEYS = 500 };

static struct pool pool;

static void open_with(struct infra_balancer_options o)
{
    o.size = sizeof o;
    o.subset_size = SIZE;
    o.subset_key = "web-1";
    pool_open(&pool, &o);
    pool_fill(&pool, BACKENDS, NULL);
}

static void open_pool(const struct infra_balancer_policy *policy)
{
    open_with((struct infra_balancer_options) { .policy = policy });
}

static uint64_t bit(uint32_t id)
{
    return (uint64_t)1 << id;
}

static uint32_t first(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits);
}

static int count(uint64_t bits)
{
    return __builtin_popcountll(bits);
}

#define ALL (bit(BACKENDS) - 1)

/* Who is picked by requests like this one. */
static uint64_t picked_by(struct infra_request q)
{
    uint64_t random = 1;
    uint64_t bits = 0;

    for (int i = 0; i < 100 * SIZE; i++) {
        q.hash = infra__random(&random);
        int id = pool_once(&pool, &q);
        ck_assert_int_ge(id, 0);
        bits |= bit((uint32_t)id);
    }
    return bits;
}

static uint64_t picked(void)
{
    return picked_by((struct infra_request) { .hash = 0 });
}

static void mark_on(uint64_t ids, uint32_t axis, uint32_t state)
{
    for (; ids != 0; ids &= ids - 1) {
        pool_mark(&pool, first(ids), axis, state);
    }
    pool_publish(&pool);
}

static void mark(uint64_t ids, uint32_t state)
{
    mark_on(ids, INFRA_BALANCER_AXIS_HEALTH, state);
}

/* With a list policy the next best stands in for one that is not up, until it
 * is again; who is not in the subset may do what it wants. */
START_TEST(a_list_policy_has_a_stand_in)
{
    static const uint32_t states[] = { INFRA_BALANCER_STATE_DEGRADED,
                                       INFRA_BALANCER_STATE_DRAINING,
                                       INFRA_BALANCER_STATE_DOWN };

    open_pool(infra_balancer_round_robin());
    uint64_t mine = picked();
    for (uint32_t id = 0; id < BACKENDS; id++) {
        mark(bit(id), states[_i]);
        uint64_t now = picked();
        ck_assert_int_eq(count(now), SIZE);
        ck_assert_uint_eq(mine & ~now, mine & bit(id));
        mark(bit(id), INFRA_BALANCER_STATE_UP);
        ck_assert_uint_eq(picked(), mine);
    }
    pool_close(&pool);
}
END_TEST

/* While enough are up a list policy has as many as it should, then all. */
START_TEST(a_list_policy_goes_on_to_the_last)
{
    open_pool(infra_balancer_round_robin());
    for (uint64_t up = ALL; up != 0; up &= ~picked()) {
        mark(ALL, INFRA_BALANCER_STATE_DOWN);
        mark(up, INFRA_BALANCER_STATE_UP);
        ck_assert_int_eq(count(picked()), count(up) < SIZE ? count(up) : SIZE);
        ck_assert_uint_eq(picked() & ~up, 0);
    }
    mark(ALL, INFRA_BALANCER_STATE_DOWN);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
    pool_close(&pool);
}
END_TEST

/* The healthy and the degraded of a tier are chosen apart: when all the healthy
 * were tried there are as many degraded. */
START_TEST(the_degraded_are_chosen_apart)
{
    const uint64_t healthy = bit(20) - 1;
    uint32_t tried[SIZE];
    uint32_t tried_count = 0;

    open_pool(_i == 0 ? infra_balancer_round_robin() : infra_balancer_maglev());
    uint64_t mine = picked();
    mark(ALL & ~healthy, INFRA_BALANCER_STATE_DEGRADED);
    uint64_t now = picked();
    ck_assert_uint_eq(now & ~healthy, 0);
    ck_assert_uint_eq(now & mine, mine & healthy);
    for (uint64_t left = now; left != 0; left &= left - 1) {
        tried[tried_count++] = first(left);
    }
    now = picked_by(
        (struct infra_request) { .tried = tried, .tried_count = tried_count });
    ck_assert_uint_eq(now & healthy, 0);
    ck_assert_uint_eq(now & mine, mine & ~healthy);
    ck_assert_int_eq(count(now), _i == 0 ? SIZE : count(mine & ~healthy));
    pool_close(&pool);
}
END_TEST

/* So with a hash policy, when none of its subset is degraded but others are:
 * the healthy keep what they have, and their places in the tier. */
START_TEST(degraded_outside_the_subset)
{
    struct infra_balancer_options o = { .policy = infra_balancer_rendezvous(),
                                        .tier_in_flight_max = { 1 } };
    struct infra_request q = { .flags = INFRA_REQUEST_STICKY };
    struct infra_ticket ticket;
    uint32_t tried[SIZE];
    uint32_t tried_count = 0;

    open_with(o);
    uint64_t mine = picked();
    mark(ALL & ~mine, INFRA_BALANCER_STATE_DEGRADED);
    ck_assert_uint_eq(picked(), mine);
    for (uint64_t left = mine; left != 0; left &= left - 1) {
        tried[tried_count++] = first(left);
    }
    uint64_t now = picked_by(
        (struct infra_request) { .tried = tried, .tried_count = tried_count });
    ck_assert_uint_eq(now & mine, 0);
    ck_assert_int_eq(count(now), SIZE);
    q.sticky = first(mine);
    ck_assert_int_eq(pool_pick(&pool, &q, &ticket), (int)q.sticky);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_EFULL);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &ticket, 0, 0), 0);
    pool_close(&pool);
}
END_TEST

/* Who is outside the subset stands aside in the table, draining or not. */
START_TEST(the_others_stand_aside)
{
    open_pool(_i == 0 ? infra_balancer_round_robin() : infra_balancer_maglev());
    mark(1, INFRA_BALANCER_STATE_DRAINING);
    const struct table *t = pool.balancer->table;
    uint32_t listed = t->lists[0].count + t->aside.count;
    ck_assert_uint_eq(t->lists_count, 1);
    ck_assert_uint_eq(t->lists[0].count, SIZE);
    ck_assert_uint_eq(listed, BACKENDS);
    ck_assert_uint_eq(t->bytes, sizeof *t + sizeof t->lists[0] +
                                    listed * sizeof(struct entry));
    pool_close(&pool);
}
END_TEST

static const void *table_of_first_list(void)
{
    return pool.balancer->table->lists[0].built_data;
}

static void map_keys(int *ret)
{
    uint64_t random = 3;

    for (int i = 0; i < KEYS; i++) {
        struct infra_request q = { .hash = infra__random(&random) };
        ret[i] = pool_once(&pool, &q);
        ck_assert_int_ge(ret[i], 0);
    }
}

/* With a hash policy a flap builds nothing, in the subset and elsewhere, and
 * moves the keys of the one that is down to others of the subset. */
START_TEST(a_hash_policy_keeps_its_subset)
{
    static const char *const names[] = { "maglev", "ketama", "rendezvous",
                                         "jump" };
    static int before[KEYS], during[KEYS], after[KEYS];

    open_pool(infra_balancer_policy_by_name(names[_i]));
    uint64_t mine = picked();
    map_keys(before);
    const void *table = table_of_first_list();
    for (uint32_t id = 0; id < BACKENDS; id++) {
        mark(bit(id), INFRA_BALANCER_STATE_DOWN);
        map_keys(during);
        ck_assert_uint_eq(picked(), mine & ~bit(id));
        ck_assert_ptr_eq(table_of_first_list(), table);
        mark(bit(id), INFRA_BALANCER_STATE_UP);
        map_keys(after);
        ck_assert_ptr_eq(table_of_first_list(), table);
        for (int i = 0; i < KEYS; i++) {
            ck_assert(before[i] == (int)id || during[i] == before[i]);
            ck_assert_int_eq(after[i], before[i]);
        }
    }
    pool_close(&pool);
}
END_TEST

/* Only when none of its subset is up does it choose among those that are. */
START_TEST(a_hash_policy_moves_when_it_must)
{
    open_pool(infra_balancer_maglev());
    uint64_t mine = picked();
    uint64_t last = bit(first(mine));
    mark(mine & ~last, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(picked(), last);
    mark(last, INFRA_BALANCER_STATE_DOWN);
    uint64_t others = picked();
    ck_assert_int_eq(count(others), SIZE);
    ck_assert_uint_eq(others & mine, 0);
    mark(ALL & ~others, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(picked(), others);
    mark(last, INFRA_BALANCER_STATE_UP);
    ck_assert_uint_eq(picked(), last);
    mark(mine, INFRA_BALANCER_STATE_UP);
    ck_assert_uint_eq(picked(), mine);
    pool_close(&pool);
}
END_TEST

/* In an outage that lifts the marks the subset is what it would be without
 * them, but for those that the operator took out. */
START_TEST(an_outage_has_the_same_subset)
{
    struct infra_balancer_options o = {
        .policy = _i % 2 == 0 ? infra_balancer_round_robin()
                              : infra_balancer_maglev(),
        .outage = _i / 2 == 0 ? INFRA_BALANCER_OUTAGE_ANYBODY
                              : INFRA_BALANCER_OUTAGE_LAST_UP,
    };

    open_with(o);
    uint64_t mine = picked();
    uint64_t out = bit(first(mine));
    mark_on(ALL, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(picked(), mine);
    mark_on(out, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_DOWN);
    uint64_t now = picked();
    ck_assert_uint_eq(now & mine, mine & ~out);
    ck_assert_int_eq(count(now), _i % 2 == 0 ? SIZE : SIZE - 1);
    pool_close(&pool);
}
END_TEST

/* Tiers share by the health of all their backends, which every client sees
 * alike, and not by that of the subset. */
START_TEST(tiers_share_by_all)
{
    struct infra_balancer_options o = { .policy = infra_balancer_round_robin(),
                                        .overprovision_percent = 100 };
    const uint64_t tier_0 = bit(20) - 1;
    int in_tier_0 = 0;

    open_with(o);
    for (uint32_t id = 20; id < BACKENDS; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, 1, 0), INFRA_OK);
    }
    mark(bit(10) - 1, INFRA_BALANCER_STATE_DOWN); /* Half of tier 0. */
    for (int i = 0; i < 10000; i++) {
        in_tier_0 += pool_once(&pool, NULL) < 20;
    }
    ck_assert_int_gt(in_tier_0, 4700);
    ck_assert_int_lt(in_tier_0, 5300);
    ck_assert_int_eq(count(picked() & tier_0), SIZE);
    ck_assert_int_eq(count(picked() & ~tier_0), SIZE);
    pool_close(&pool);
}
END_TEST

/* A session's backend may be outside the subset, as it is when a stand-in has
 * left it again, but not down; a place in the tier it does not take. */
START_TEST(a_session_may_be_outside)
{
    struct infra_balancer_options o = {
        .policy =
            _i == 0 ? infra_balancer_round_robin() : infra_balancer_maglev(),
        .tier_in_flight_max = { 1 },
    };
    struct infra_request q = { .flags = INFRA_REQUEST_STICKY };
    struct infra_ticket ticket, other;

    open_with(o);
    uint64_t mine = picked();
    q.sticky = first(~mine);
    for (int i = 0; i < 2; i++) {
        mark(bit(q.sticky),
             i == 0 ? INFRA_BALANCER_STATE_UP : INFRA_BALANCER_STATE_DRAINING);
        ck_assert_int_eq(pool_pick(&pool, &q, &ticket), (int)q.sticky);
        ck_assert_uint_eq(infra_ticket_why(&ticket), INFRA_TICKET_WHY_STICKY);
        ck_assert_int_ge(pool_pick(&pool, NULL, &other), 0);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &ticket, 0, 0), 0);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &other, 0, 0), 0);
    }
    mark(bit(q.sticky), INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(picked_by(q), mine);
    mark(bit(q.sticky), INFRA_BALANCER_STATE_DRAINING);
    ck_assert_uint_eq(picked_by(q), bit(q.sticky));
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, q.sticky), INFRA_OK);
    pool_publish(&pool);
    ck_assert_uint_eq(picked_by(q), mine);
    pool_close(&pool);
}
END_TEST

/* How many of @clients have each of the backends "b0" .., whose weights go 1,
 * 2, 1, 2, .. if they are not @even: the parts of their traffic. */
static void load_of(double *ret, uint32_t clients, uint32_t backends,
                    uint32_t size, bool even)
{
    for (uint32_t c = 0; c < clients; c++) {
        char name[16];
        struct infra_balancer_options o = { .size = sizeof o,
                                            .ids_max = backends,
                                            .subset_size = size,
                                            .subset_key = name };
        snprintf(name, sizeof name, "web-%u", c);
        pool_open(&pool, &o);
        for (uint32_t id = 0; id < backends; id++) {
            uint32_t weight = even ? 1 : 1 + id % 2;
            ck_assert_int_eq(pool_set(&pool, id, weight, 0, 0), INFRA_OK);
        }
        pool_publish(&pool);
        for (uint32_t id = 0; id < backends; id++) {
            struct infra_balancer_status stats = { .size = sizeof stats };
            (void)infra_balancer_inspect(pool.balancer, id, &stats);
            ret[id] += stats.share_ppm / 1e6;
        }
        pool_close(&pool);
    }
}

static double sum_of(const double *numbers, uint32_t count, uint32_t step)
{
    double sum = 0;

    for (uint32_t i = 0; i < count; i += step) {
        sum += numbers[i];
    }
    return sum;
}

static const struct {
    uint32_t clients, backends, size;
} fleets[] = { { 1000, 100, 40 }, { 400, 100, 10 }, { 100, 200, 20 } };

/* Over many clients the load varies as the header says. */
START_TEST(load_varies_by_chance_only)
{
    const uint32_t n = fleets[_i].clients;
    const uint32_t m = fleets[_i].backends;
    const uint32_t k = fleets[_i].size;
    double load[200] = { 0 };
    double squares = 0;

    load_of(load, n, m, k, true);
    double mean = sum_of(load, m, 1) / m;
    ck_assert_double_eq_tol(mean, (double)n / m, 0.01 * n / m);
    for (uint32_t id = 0; id < m; id++) {
        squares += (load[id] - mean) * (load[id] - mean);
    }
    double varies = sqrt(squares / m) / mean;
    double expected = sqrt((double)(m - k) / ((double)n * k));
    ck_assert_double_gt(varies, 0.75 * expected);
    ck_assert_double_lt(varies, 1.25 * expected);
}
END_TEST

/* Twice the weight is twice the load, and not four times. */
START_TEST(load_follows_the_weights_once)
{
    double load[60] = { 0 };

    load_of(load, 600, 60, 12, false);
    double light = sum_of(load, 60, 2);
    double heavy = sum_of(load + 1, 59, 2);
    ck_assert_double_gt(heavy / light, 1.8);
    ck_assert_double_lt(heavy / light, 2.1);
}
END_TEST

/* Where clients and backends are the same processes, choices are as random as
 * elsewhere: one in five of 40 chooses its choosers. */
START_TEST(peers_do_not_pair_up)
{
    uint64_t chosen[BACKENDS];
    int selves = 0;
    int pairs = 0;

    for (uint32_t c = 0; c < BACKENDS; c++) {
        char name[16];
        struct infra_balancer_options o = { .size = sizeof o,
                                            .subset_size = SIZE,
                                            .subset_key = name };
        snprintf(name, sizeof name, "b%u", c);
        pool_open(&pool, &o);
        pool_fill(&pool, BACKENDS, NULL);
        chosen[c] = picked();
        selves += (chosen[c] & bit(c)) != 0;
        pool_close(&pool);
    }
    for (uint32_t c = 0; c < BACKENDS; c++) {
        for (uint32_t d = 0; d < c; d++) {
            pairs += (chosen[c] & bit(d)) != 0 && (chosen[d] & bit(c)) != 0;
        }
    }
    ck_assert_int_gt(selves, 0);
    ck_assert_int_lt(pairs, 2 * 40 * 39 / 2 / 25); /* 31 expected. */
}
END_TEST

static Suite *subset_suite(void)
{
    Suite *s = suite_create("subset-health");
    TCase *tc = tcase_create("health");
    tcase_add_loop_test(tc, a_list_policy_has_a_stand_in, 0, 3);
    tcase_add_test(tc, a_list_policy_goes_on_to_the_last);
    tcase_add_loop_test(tc, the_degraded_are_chosen_apart, 0, 2);
    tcase_add_test(tc, degraded_outside_the_subset);
    tcase_add_loop_test(tc, the_others_stand_aside, 0, 2);
    tcase_add_loop_test(tc, a_hash_policy_keeps_its_subset, 0, 4);
    tcase_add_test(tc, a_hash_policy_moves_when_it_must);
    tcase_add_loop_test(tc, an_outage_has_the_same_subset, 0, 4);
    tcase_add_test(tc, tiers_share_by_all);
    tcase_add_loop_test(tc, a_session_may_be_outside, 0, 2);
    suite_add_tcase(s, tc);

    tc = tcase_create("fleet");
    tcase_add_loop_test(tc, load_varies_by_chance_only, 0, 3);
    tcase_add_test(tc, load_follows_the_weights_once);
    tcase_add_test(tc, peers_do_not_pair_up);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(subset_suite());
}
