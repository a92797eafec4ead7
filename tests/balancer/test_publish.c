/* SPDX-License-Identifier: MIT */
/* A mark becomes visible whatever the weights, the number of backends and the
 * memory: the documented limits with every policy, tables that cannot be built,
 * and no memory at all. */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>

static struct pool pool;

static void open_pool(uint32_t policy, uint32_t ids_max, uint32_t outage)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy =
            infra_balancer_policy_by_name(infra_balancer_policy_name(policy)),
        .ids_max = ids_max,
        .outage = outage,
    };

    pool_open(&pool, &o);
}

static int pick(uint64_t i)
{
    struct infra_request q = { .hash = i * 0x9e3779b97f4a7c15u };

    return pool_once(&pool, &q);
}

/* None of these is picked, and another is. */
static void never_picked(uint64_t down, int picks)
{
    for (uint64_t i = 0; i < (uint64_t)picks; i++) {
        int id = pick(i);
        ck_assert_int_ge(id, 0);
        ck_assert(id >= 64 || (down >> id & 1) == 0);
    }
}

static void mark(uint32_t id, uint32_t state)
{
    pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH, state);
}

static const struct {
    uint32_t count;
    uint32_t weights[2]; /* Of the even and of the odd ids. */
} limits[] = {
    { 2, { 30000, 30000 } }, { 2, { 25000, 25000 } }, { 2, { 65535, 65535 } },
    { 3, { 1, 65535 } },     { 1, { 65535, 1 } },     { 300, { 65535, 1 } },
    { 3000, { 1, 1 } },      { 3000, { 3, 65535 } },
};
#define LIMITS ((int)(sizeof limits / sizeof limits[0]))

/* With every policy the greatest weights publish, and so does what comes
 * after. */
START_TEST(weights_up_to_the_limit_work)
{
    uint32_t count = limits[_i % LIMITS].count;

    open_pool((uint32_t)(_i / LIMITS), count, 0);
    for (uint32_t id = 0; id < count; id++) {
        ck_assert_int_eq(
            pool_set(&pool, id, limits[_i % LIMITS].weights[id % 2], 0, 0),
            INFRA_OK);
    }
    pool_publish(&pool);
    never_picked(0, 100);
    mark(0, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    if (count > 1) {
        never_picked(1, 100);
    } else {
        ck_assert_int_eq(pick(1), INFRA_ENONE);
    }
    pool_close(&pool);
}
END_TEST

/* And the greatest number of backends, of the greatest weight. */
START_TEST(ids_up_to_the_limit_work)
{
    enum { COUNT = INFRA_BALANCER_IDS_MAX };
    struct infra_backend *list = calloc(COUNT, sizeof *list);
    char(*keys)[24] = calloc(COUNT, sizeof *keys);

    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "10.0.%u.%u:80", (unsigned)i / 256,
                 (unsigned)i % 256);
        list[i] = (struct infra_backend) {
            .size = sizeof *list,
            .key = keys[i],
            .id = i,
            .weight = INFRA_BALANCER_WEIGHT_MAX,
        };
    }
    open_pool((uint32_t)_i, COUNT, 0);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, COUNT, 0),
                     INFRA_OK);
    pool_publish(&pool);
    int id = pick(1);
    ck_assert_int_ge(id, 0);
    mark((uint32_t)id, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    ck_assert_int_ne(pick(1), id);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 7), INFRA_OK);
    pool_publish(&pool);
    free(list);
    free(keys);
    pool_close(&pool);
}
END_TEST

/* Scaled down, a ring keeps the proportions, and gives the lightest a place. */
START_TEST(rings_that_are_scaled_down_keep_the_proportions)
{
    static const uint32_t weights[] = { 65535, 30000, 2000, 1 };
    struct infra_balancer_tier_status stats = { .size = sizeof stats };
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = infra_balancer_nginx_ring() };

    pool_open(&pool, &o);
    pool_fill(&pool, 3, weights);
    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 0, &stats), 0);
    ck_assert_uint_ge(stats.share_min_ppm, 900000);
    ck_assert_uint_le(stats.share_max_ppm, 1100000);
    pool_fill(&pool, 4, weights);
    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 0, &stats), 0);
    ck_assert_uint_gt(stats.share_min_ppm, 0);
    ck_assert_uint_le(stats.table_bytes, 8u << 20);
    pool_close(&pool);
}
END_TEST

/* Each allocation of a publish fails in turn, with every policy: a backend that
 * went down or was removed is not picked; one that is up again is, unless
 * memory fails for the list itself; with memory again all is as it should
 * be. */
START_TEST(marks_are_visible_without_memory)
{
    for (long n = 0;; n++) {
        open_pool((uint32_t)_i, 8, 0);
        for (uint32_t id = 0; id < 6; id++) {
            ck_assert_int_eq(pool_set(&pool, id, 1 + id % 3, id / 4, 0), 0);
        }
        pool_publish(&pool);
        ck_assert_int_ge(pick(1), 0);
        mark(0, INFRA_BALANCER_STATE_DOWN);
        mark(2, INFRA_BALANCER_STATE_DRAINING);
        ck_assert_int_eq(infra_balancer_remove(pool.balancer, 1), INFRA_OK);
        ck_assert_int_eq(pool_set(&pool, 4, 7, 0, 0), INFRA_OK);
        pool.heap.countdown = n;
        int err = infra_balancer_publish(pool.balancer, 0);
        ck_assert(err == INFRA_OK || err == INFRA_ENOMEM);
        never_picked(7, 200);
        mark(2, INFRA_BALANCER_STATE_UP);
        pool.heap.countdown = n;
        (void)!infra_balancer_publish(pool.balancer, 0);
        never_picked(3, 200);
        const uint32_t tried[] = { 3, 4, 5 };
        struct infra_request q = { .tried = tried, .tried_count = 3 };
        ck_assert_int_eq(pool_once(&pool, &q), 2);
        pool.heap.countdown = -1;
        pool_publish(&pool);
        never_picked(3, 200);
        pool_close(&pool);
        if (err == INFRA_OK) {
            break;
        }
    }
}
END_TEST

/* Without any memory: all of the first tier go down, and the second has it;
 * then all, and it is nobody, or by option anybody but whom the operator took
 * out. */
START_TEST(an_outage_without_memory)
{
    const uint32_t outage = _i % 2 == 0 ? INFRA_BALANCER_OUTAGE_REFUSE
                                        : INFRA_BALANCER_OUTAGE_ANYBODY;

    open_pool((uint32_t)_i / 2, 8, outage);
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 2, 0), INFRA_OK);
    }
    pool_publish(&pool);
    pool.heap.countdown = 0;
    mark(0, INFRA_BALANCER_STATE_DOWN);
    mark(1, INFRA_BALANCER_STATE_DOWN);
    ck_assert_int_eq(infra_balancer_publish(pool.balancer, 0), INFRA_ENOMEM);
    never_picked(3, 50);
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_DOWN);
    mark(2, INFRA_BALANCER_STATE_DOWN);
    ck_assert_int_eq(infra_balancer_publish(pool.balancer, 0), INFRA_ENOMEM);
    for (uint64_t i = 0; i < 50; i++) {
        ck_assert_int_ne(pick(i), 3);
        ck_assert(outage == INFRA_BALANCER_OUTAGE_ANYBODY ||
                  pick(i) == INFRA_ENONE);
    }
    pool.heap.countdown = -1;
    pool_publish(&pool);
    ck_assert_int_eq(pick(1) >= 0, outage == INFRA_BALANCER_OUTAGE_ANYBODY);
    pool_close(&pool);
}
END_TEST

static size_t eight(const struct infra_balancer_candidates *candidates)
{
    (void)candidates;
    return 8;
}

static int builds;

static int builds_once(void *table, void *scratch,
                       const struct infra_balancer_candidates *candidates)
{
    (void)table;
    (void)scratch;
    (void)candidates;
    return builds++ == 0 ? INFRA_OK : INFRA_ESYSTEM;
}

static uint32_t picks_the_first(
    const void *table, uint64_t state[4],
    const struct infra_balancer_candidates *candidates, uint64_t hash)
{
    (void)state;
    (void)candidates;
    (void)hash;
    ck_assert_ptr_nonnull(table); /* Never asked without what it has built. */
    return 0;
}

/* A host's policy that cannot build any more: publish says so each time, and
 * every mark is visible all the same. */
START_TEST(a_policy_that_fails_for_ever)
{
    static struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "once",
        .table_size = eight,
        .build = builds_once,
        .pick = picks_the_first,
    };
    struct infra_balancer_options o = { .size = sizeof o, .policy = &policy };
    struct infra_balancer_tier_status stats = { .size = sizeof stats };

    builds = 0;
    policy.whole_tier = (uint32_t)_i;
    pool_open(&pool, &o);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_eq(pick(1), 0);
    ck_assert_int_eq(pool_set(&pool, 3, 5, 0, 0), INFRA_OK);
    for (uint64_t step = 0; step < 64; step++) {
        uint64_t down = step % 16;
        for (uint32_t id = 0; id < 4; id++) {
            mark(id, down >> id & 1 ? INFRA_BALANCER_STATE_DOWN
                                    : INFRA_BALANCER_STATE_UP);
        }
        int err = infra_balancer_publish(pool.balancer, 0);
        ck_assert_int_eq(err, down == 15 ? INFRA_OK : INFRA_ESYSTEM);
        if (down == 15) {
            ck_assert_int_eq(pick(step), INFRA_ENONE);
            continue;
        }
        never_picked(down, 50);
        uint64_t seen = 0;
        for (uint64_t i = 0; i < 300; i++) {
            seen |= (uint64_t)1 << pick(i);
        }
        ck_assert_uint_eq(seen, 15 & ~down);
        ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 0, &stats),
                         INFRA_OK);
    }
    pool_close(&pool);
}
END_TEST

static Suite *publish_suite(void)
{
    Suite *s = suite_create("publish");
    TCase *tc = tcase_create("limits");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, weights_up_to_the_limit_work, 0,
                        policies_count() * LIMITS);
    tcase_add_loop_test(tc, ids_up_to_the_limit_work, 0, policies_count());
    tcase_add_test(tc, rings_that_are_scaled_down_keep_the_proportions);
    suite_add_tcase(s, tc);

    tc = tcase_create("failures");
    tcase_add_loop_test(tc, marks_are_visible_without_memory, 0,
                        policies_count());
    tcase_add_loop_test(tc, an_outage_without_memory, 0, 2 * policies_count());
    tcase_add_loop_test(tc, a_policy_that_fails_for_ever, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(publish_suite());
}
