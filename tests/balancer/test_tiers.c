/* SPDX-License-Identifier: MIT */
/* Tiers that share the traffic, panic, total outage, and the way back. */
#include "pool.h"

#include "base/random.h"

#include <string.h>

enum { PICKS = 20000 };

static struct pool pool;
static uint32_t counts[512];
static uint32_t refused;

/* Count the picks of each backend, of PICKS, and the failed ones. */
static void count_picks(int expected_error)
{
    memset(counts, 0, sizeof counts);
    refused = 0;
    for (int i = 0; i < PICKS; i++) {
        /* Well mixed, for the policies that go by it. */
        struct infra_request q = { .hash = (uint64_t)i * 0x9e3779b97f4a7c15u };
        int id = pool_once(&pool, &q);
        if (id < 0) {
            ck_assert_int_eq(id, expected_error);
            refused++;
        } else {
            counts[id]++;
        }
    }
}

static uint32_t tier_count(uint32_t first, uint32_t last)
{
    uint32_t sum = 0;

    for (uint32_t id = first; id <= last; id++) {
        sum += counts[id];
    }
    return sum;
}

/* Is it @percent of all picks, within one? */
static void check_percent(uint32_t count, uint32_t percent)
{
    ck_assert_uint_ge(count, PICKS / 100 * (percent > 0 ? percent - 1 : 0));
    ck_assert_uint_le(count, PICKS / 100 * (percent > 0 ? percent + 1 : 0));
}

static uint32_t pick_first_allowed(
    const void *table, uint64_t state[4],
    const struct infra_balancer_candidates *candidates, uint64_t hash)
{
    uint32_t count = infra_candidates_count(candidates);

    (void)table;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)((hash >> 40) + i) % count;
        if (infra_candidates_may(candidates, index)) {
            return index;
        }
    }
    return UINT32_MAX;
}

static const struct infra_balancer_policy by_hash = {
    .size = sizeof by_hash,
    .name = "by-hash",
    .pick = pick_first_allowed,
    .whole_tier = 1,
};

/* Four backends in tier 0, four in tier 1; list policies and whole-tier
 * ones. */
static void open_pool(int kind, struct infra_balancer_options o)
{
    o.size = sizeof o;
    o.policy = kind == 0 ? infra_balancer_random() : &by_hash;
    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 8; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 4, 0), INFRA_OK);
    }
    pool_publish(&pool);
}

static void mark(uint32_t first, uint32_t last, uint32_t axis, uint32_t state)
{
    for (uint32_t id = first; id <= last; id++) {
        pool_mark(&pool, id, axis, state);
    }
    pool_publish(&pool);
}

#define ENVOY                                              \
    (struct infra_balancer_options)                        \
    {                                                      \
        .overprovision_percent = 140, .panic_percent = 50, \
        .outage = INFRA_BALANCER_OUTAGE_ANYBODY            \
    }

/* A tier hands on what it cannot carry: half of it down leaves it 70 %. */
START_TEST(tiers_share_in_proportion)
{
    open_pool(_i, ENVOY);
    count_picks(0);
    ck_assert_uint_eq(tier_count(0, 3), PICKS);
    mark(0, 1, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    count_picks(0);
    ck_assert_uint_eq(tier_count(0, 1), 0);
    check_percent(tier_count(2, 3), 70);
    check_percent(tier_count(4, 7), 30);
    pool_close(&pool);
}
END_TEST

/* The degraded of tier 0 come after the healthy of tier 1. */
START_TEST(degraded_come_last)
{
    open_pool(_i, ENVOY);
    mark(0, 3, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DEGRADED);
    count_picks(0);
    ck_assert_uint_eq(tier_count(4, 7), PICKS);
    mark(5, 7, INFRA_BALANCER_AXIS_HEALTH,
         INFRA_BALANCER_STATE_DOWN); /* 35 % of tier 1. */
    count_picks(0);
    check_percent(counts[4], 35);
    check_percent(tier_count(0, 3), 65);
    pool_close(&pool);
}
END_TEST

/* In panic checks are not believed, but the operator is. */
START_TEST(panic_lifts_health_but_not_admin)
{
    open_pool(_i, ENVOY);
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_DOWN);
    mark(0, 6, INFRA_BALANCER_AXIS_PASSIVE, INFRA_BALANCER_STATE_DOWN);
    count_picks(0);
    ck_assert_uint_eq(counts[3], 0);
    for (uint32_t id = 0; id < 8; id++) {
        ck_assert(id == 3 || counts[id] > PICKS / 16);
    }
    pool_close(&pool);
}
END_TEST

/* Or panic refuses: picks in the part of a tier in panic fail. */
START_TEST(panic_may_refuse)
{
    struct infra_balancer_options o = { .overprovision_percent = 100,
                                        .panic_percent = 50,
                                        .outage =
                                            INFRA_BALANCER_OUTAGE_REFUSE };

    open_pool(_i, o);
    mark(0, 2, INFRA_BALANCER_AXIS_HEALTH,
         INFRA_BALANCER_STATE_DOWN); /* 25 %: panic ... */
    mark(4, 5, INFRA_BALANCER_AXIS_HEALTH,
         INFRA_BALANCER_STATE_DOWN); /* ... and 50 %: none. */
    count_picks(INFRA_ENONE);
    check_percent(tier_count(6, 7), 66);
    check_percent(refused, 34);
    ck_assert_uint_eq(counts[3], 0);
    pool_close(&pool);
}
END_TEST

/* If none is up: none, those the operator allows, or those that were up
 * last. */
START_TEST(outage_has_three_answers)
{
    struct infra_balancer_options o = { .outage = (uint32_t)_i / 2 };

    open_pool(_i % 2, o);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    mark(0, 0, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    mark(2, 7, INFRA_BALANCER_AXIS_HEALTH,
         INFRA_BALANCER_STATE_DOWN); /* The rest, all at once. */
    count_picks(INFRA_ENONE);
    ck_assert_uint_eq(counts[1], 0);
    if (o.outage == INFRA_BALANCER_OUTAGE_REFUSE) {
        ck_assert_uint_eq(refused, PICKS);
    } else if (o.outage == INFRA_BALANCER_OUTAGE_ANYBODY) {
        ck_assert_uint_eq(tier_count(0, 3), PICKS);
        ck_assert_uint_gt(counts[0], 0);
    } else {
        ck_assert_uint_eq(tier_count(2, 3), PICKS);
        mark(2, 2, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_DOWN);
        count_picks(0);
        ck_assert_uint_eq(counts[3], PICKS);
    }
    mark(5, 5, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
    count_picks(0);
    ck_assert_uint_eq(counts[5], PICKS);
    pool_close(&pool);
}
END_TEST

/* After a total outage the first that come back get their part only, until
 * enough are back; losing some without an outage sheds nothing. */
START_TEST(recovery_admits_in_proportion)
{
    struct infra_balancer_options o = { .shed_until_up = 4 };

    open_pool(_i, o);
    mark(0, 6, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    count_picks(0);
    mark(7, 7, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    count_picks(INFRA_ENONE);
    ck_assert_uint_eq(refused, PICKS);
    for (uint32_t back = 1; back < 4; back++) {
        mark(back, back, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
        count_picks(INFRA_ESHED);
        check_percent(refused, 100 - 25 * back);
    }
    mark(4, 4, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
    count_picks(0);
    mark(4, 4, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    count_picks(0);
    pool_close(&pool);
}
END_TEST

/* Shares out of range, and panic without over-provisioning. */
START_TEST(bad_options_are_refused)
{
    static const struct infra_balancer_options bad[] = {
        { .size = sizeof bad[0], .outage = 3 },
        { .size = sizeof bad[0], .overprovision_percent = 10001 },
        { .size = sizeof bad[0], .panic_percent = 50 },
        { .size = sizeof bad[0],
          .overprovision_percent = 140,
          .panic_percent = 101 },
        { .size = sizeof bad[0], .shed_until_up = 65536 },
    };
    struct infra_balancer *b = NULL;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(infra_balancer_create(&b, &bad[i]), INFRA_EINVAL);
    }
}
END_TEST

static struct infra_balancer_tier_status tier_stats(uint32_t tier)
{
    struct infra_balancer_tier_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, tier, &stats),
                     INFRA_OK);
    return stats;
}

/* Envoy's 10/5, 10/0/2 at a threshold of 50: the degraded load of a tier in
 * panic is that tier's. */
START_TEST(degraded_load_of_a_tier_in_panic_stays)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = _i == 0 ? infra_balancer_random() : &by_hash,
        .overprovision_percent = 140,
        .panic_percent = 50,
        .outage = INFRA_BALANCER_OUTAGE_ANYBODY
    };

    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 20; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 10, 0), INFRA_OK);
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  id < 5               ? INFRA_BALANCER_STATE_UP
                  : id < 10 || id > 11 ? INFRA_BALANCER_STATE_DOWN
                                       : INFRA_BALANCER_STATE_DEGRADED);
    }
    pool_publish(&pool);
    count_picks(0);
    check_percent(tier_count(0, 9), 72);
    check_percent(tier_count(10, 19), 28);
    ck_assert_uint_eq(tier_stats(0).load_percent, 72);
    ck_assert_uint_eq(tier_stats(1).load_percent, 28);
    pool_close(&pool);
}
END_TEST

/* One of 200 is up, which is less than one percent: it gets all, and the tier
 * says so. */
START_TEST(the_last_one_has_all_the_load)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = _i == 0
                                                      ? infra_balancer_random()
                                                      : &by_hash,
                                        .ids_max = 401,
                                        .overprovision_percent = 140 };

    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 400; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 200, 0), INFRA_OK);
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  id == 250 ? INFRA_BALANCER_STATE_UP
                            : INFRA_BALANCER_STATE_DOWN);
    }
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 250);
    ck_assert_uint_eq(tier_stats(0).load_percent, 0);
    ck_assert_uint_eq(tier_stats(1).load_percent, 100);
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 3);
    ck_assert_uint_eq(tier_stats(0).load_percent, 100);
    ck_assert_uint_eq(tier_stats(1).load_percent, 0);
    pool_close(&pool);
}
END_TEST

/* Whatever is up, and however tiers share: what inspect says each tier has is
 * what picks do, and it is all of the traffic. */
START_TEST(loads_are_what_picks_do)
{
    static const uint32_t overs[] = { 0, 1, 60, 100, 140, 10000 };
    static const uint32_t panics[] = { 0, 1, 50, 100 };
    uint64_t random = (uint64_t)_i + 1;
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = _i % 2 == 0 ? infra_balancer_random() : &by_hash,
        .overprovision_percent = overs[_i / 2 % 6],
        .outage = (uint32_t)_i % 3,
    };
    uint32_t loads[3], all = 0;

    if (o.overprovision_percent > 0) {
        o.panic_percent = panics[infra__below(infra__random(&random), 4)];
    }
    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 60; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 20, 0), INFRA_OK);
    }
    for (uint32_t tier = 0; tier < 3; tier++) {
        uint32_t up = infra__below(infra__random(&random), 10);
        uint32_t degraded = infra__below(infra__random(&random), 10);
        for (uint32_t i = 0; i < 20; i++) {
            pool_mark(&pool, 20 * tier + i, INFRA_BALANCER_AXIS_HEALTH,
                      i < up              ? INFRA_BALANCER_STATE_UP
                      : i < up + degraded ? INFRA_BALANCER_STATE_DEGRADED
                                          : INFRA_BALANCER_STATE_DOWN);
        }
    }
    pool_publish(&pool);
    count_picks(INFRA_ENONE);
    for (uint32_t tier = 0; tier < 3; tier++) {
        loads[tier] = tier_stats(tier).load_percent;
        all += loads[tier];
        if (refused == 0) {
            check_percent(tier_count(20 * tier, 20 * tier + 19), loads[tier]);
        }
    }
    ck_assert(all == 100 || refused == PICKS);
    pool_close(&pool);
}
END_TEST

static Suite *tiers_suite(void)
{
    Suite *s = suite_create("tiers");
    TCase *tc = tcase_create("load");
    tcase_add_loop_test(tc, tiers_share_in_proportion, 0, 2);
    tcase_add_loop_test(tc, degraded_come_last, 0, 2);
    tcase_add_loop_test(tc, the_last_one_has_all_the_load, 0, 2);
    tcase_add_loop_test(tc, degraded_load_of_a_tier_in_panic_stays, 0, 2);
    tcase_add_loop_test(tc, loads_are_what_picks_do, 0, 48);
    suite_add_tcase(s, tc);

    tc = tcase_create("outage");
    tcase_add_loop_test(tc, panic_lifts_health_but_not_admin, 0, 2);
    tcase_add_loop_test(tc, panic_may_refuse, 0, 2);
    tcase_add_loop_test(tc, outage_has_three_answers, 0, 6);
    tcase_add_loop_test(tc, recovery_admits_in_proportion, 0, 2);
    tcase_add_test(tc, bad_options_are_refused);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(tiers_suite());
}
