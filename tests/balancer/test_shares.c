/* SPDX-License-Identifier: MIT */
/* What an agent says of a backend's weight: per cent of the configured one, or
 * a weight in its place; and nothing means nothing. */
#include "pool.h"

#include <stdlib.h>

static struct pool pool;

static void open_pool(const char *policy, uint32_t outage)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = infra_balancer_policy_by_name(policy),
        .outage = outage,
    };

    pool_open(&pool, &o);
}

static void set_share(uint32_t id, uint32_t percent)
{
    ck_assert_int_eq(infra_balancer_set_share(pool.balancer, id, percent),
                     INFRA_OK);
    pool_publish(&pool);
}

static struct infra_balancer_status stats_of(uint32_t id)
{
    struct infra_balancer_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, id, &stats),
                     INFRA_OK);
    return stats;
}

static const struct {
    uint32_t weight;
    uint32_t percent;
    uint32_t result; /* Beside a weight of 1000. */
} rows[] = {
    { 200, 50, 100 },  { 200, 100, 200 },   { 200, 300, 600 },
    { 1, 50, 1 },      { 1, 1, 1 },         { 65535, 200, 65535 },
    { 65535, 1, 655 }, { 10, 25600, 2560 }, { 65535, 65535, 65535 },
    { 7, 33, 2 },      { 0, 50, 1 },        { 0, 500, 5 },
};

/* Per cent of the configured weight, at least 1 and at most the greatest. */
START_TEST(a_share_is_of_the_configured_weight)
{
    const uint32_t weights[] = { rows[_i].weight, 1000 };

    open_pool("smooth-weighted", 0);
    pool_fill(&pool, 2, weights);
    set_share(0, rows[_i].percent);
    uint64_t result = rows[_i].result;
    ck_assert_uint_eq(stats_of(0).share_ppm,
                      result * 1000000 / (result + 1000));
    pool_close(&pool);
}
END_TEST

/* A backend without weight gets nothing new with any policy, but by a sticky
 * request; 100 per cent bring it back. */
START_TEST(nothing_is_nothing)
{
    struct infra_request sticky = { .flags = INFRA_REQUEST_STICKY,
                                    .sticky = 1 };

    open_pool(infra_balancer_policy_name((uint32_t)_i), 0);
    pool_fill(&pool, 3, NULL);
    for (int absolute = 0; absolute < 2; absolute++) {
        if (absolute) {
            ck_assert_int_eq(infra_balancer_set_weight(pool.balancer, 1, 0),
                             INFRA_OK);
            pool_publish(&pool);
        } else {
            set_share(1, 0);
        }
        for (uint64_t i = 0; i < 200; i++) {
            struct infra_request q = { .hash = i << 57 | i * i };
            int id = pool_once(&pool, &q);
            ck_assert(id == 0 || id == 2);
        }
        ck_assert_int_eq(pool_once(&pool, &sticky), 1);
        ck_assert_uint_eq(stats_of(1).state, INFRA_BALANCER_STATE_DRAINING);
        ck_assert_uint_eq(stats_of(1).axis, INFRA_BALANCER_AXIS_ADMIN);
        ck_assert_uint_eq(stats_of(1).share_ppm, 0);
        set_share(1, 100);
        ck_assert_uint_eq(stats_of(1).share_ppm, 333333);
        ck_assert_uint_eq(stats_of(1).state, INFRA_BALANCER_STATE_UP);
    }
    pool_close(&pool);
}
END_TEST

/* No outage lifts it, and a worse mark is told with its own axis. */
START_TEST(an_outage_does_not_lift_it)
{
    open_pool("round-robin", INFRA_BALANCER_OUTAGE_ANYBODY);
    pool_fill(&pool, 2, NULL);
    set_share(0, 0);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(pool_once(&pool, NULL), 1);
    }
    ck_assert_uint_eq(stats_of(0).state, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(stats_of(0).axis, INFRA_BALANCER_AXIS_HEALTH);
    set_share(1, 0);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
    pool_close(&pool);
}
END_TEST

/* An absolute weight stands in place of the configured one. Another configured
 * weight leaves the share, the end of the backend ends it. */
START_TEST(it_lasts_until_the_backend_is_removed)
{
    const uint32_t weights[] = { 10, 100 };

    open_pool("random", 0);
    pool_fill(&pool, 2, weights);
    ck_assert_int_eq(infra_balancer_set_weight(pool.balancer, 0, 100),
                     INFRA_OK);
    pool_publish(&pool);
    ck_assert_uint_eq(stats_of(0).share_ppm, 500000);
    set_share(0, 500);
    ck_assert_uint_eq(stats_of(0).share_ppm, 333333);
    ck_assert_int_eq(pool_set(&pool, 0, 20, 0, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_uint_eq(stats_of(0).share_ppm, 500000);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), INFRA_OK);
    ck_assert_int_eq(infra_balancer_set_share(pool.balancer, 0, 50),
                     INFRA_ENOENT);
    ck_assert_int_eq(pool_set(&pool, 0, 100, 0, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_uint_eq(stats_of(0).share_ppm, 500000);
    pool_close(&pool);
}
END_TEST

/* With a hash policy nothing, and the way back, moves only its keys and builds
 * no table. */
START_TEST(nothing_builds_no_table)
{
    const uint32_t weights[] = { 10, 10, 10, 10 };

    open_pool("ring", 0);
    pool_fill(&pool, 4, weights);
    long calls = pool.heap.calls;
    set_share(2, 0);
    set_share(2, 100);
    ck_assert_int_le(pool.heap.calls - calls, 2);
    set_share(2, 50);
    ck_assert_int_gt(pool.heap.calls - calls, 3);
    pool_close(&pool);
}
END_TEST

/* A share set by one worker counts for all, also for later workers. */
START_TEST(workers_share_it)
{
    enum { IDS = 4, WORKERS = 3 };
    struct infra_balancer *b[WORKERS];
    size_t size = infra_balancer_shared_size(IDS, WORKERS);
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);

    ck_assert_int_eq(infra_balancer_shared_init(memory, size, IDS, WORKERS),
                     INFRA_OK);
    for (uint32_t w = 0; w < WORKERS; w++) {
        struct infra_balancer_options o = {
            .size = sizeof o, .ids_max = IDS, .shared = memory, .worker = w
        };
        ck_assert_int_eq(infra_balancer_create(&b[w], &o), INFRA_OK);
        for (uint32_t id = 0; id < 2; id++) {
            struct infra_backend backend = { .size = sizeof backend,
                                             .key = id == 0 ? "a" : "b",
                                             .id = id };
            ck_assert_int_eq(infra_balancer_set(b[w], &backend, 0), INFRA_OK);
        }
        if (w == 1) {
            ck_assert_int_eq(infra_balancer_set_share(b[1], 0, 0), INFRA_OK);
        }
    }
    for (uint32_t w = 0; w < WORKERS; w++) {
        struct infra_balancer_status stats = { .size = sizeof stats };
        ck_assert_int_eq(infra_balancer_publish(b[w], 0), INFRA_OK);
        ck_assert_int_eq(infra_balancer_inspect(b[w], 0, &stats), INFRA_OK);
        ck_assert_uint_eq(stats.state, INFRA_BALANCER_STATE_DRAINING);
    }
    for (uint32_t w = 0; w < WORKERS; w++) {
        infra_balancer_destroy(b[w]);
    }
    free(memory);
}
END_TEST

/* Ids and numbers out of range. */
START_TEST(bad_shares_are_refused)
{
    open_pool("round-robin", 0);
    pool_fill(&pool, 1, NULL);
    struct infra_balancer *b = pool.balancer;
    ck_assert_int_eq(infra_balancer_set_share(NULL, 0, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_set_share(b, 64, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_set_share(b, 1, 1), INFRA_ENOENT);
    ck_assert_int_eq(infra_balancer_set_share(b, 0, 65536), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_set_weight(NULL, 0, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_set_weight(b, 64, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_set_weight(b, 1, 1), INFRA_ENOENT);
    ck_assert_int_eq(infra_balancer_set_weight(b, 0, 65536), INFRA_EINVAL);
    ck_assert_uint_eq(stats_of(0).state, INFRA_BALANCER_STATE_UP);
    pool_close(&pool);
}
END_TEST

static Suite *shares_suite(void)
{
    Suite *s = suite_create("shares");
    TCase *tc = tcase_create("shares");
    tcase_add_loop_test(tc, a_share_is_of_the_configured_weight, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(tc, nothing_is_nothing, 0, policies_count());
    tcase_add_test(tc, an_outage_does_not_lift_it);
    tcase_add_test(tc, it_lasts_until_the_backend_is_removed);
    tcase_add_test(tc, nothing_builds_no_table);
    tcase_add_test(tc, workers_share_it);
    tcase_add_test(tc, bad_shares_are_refused);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(shares_suite());
}
