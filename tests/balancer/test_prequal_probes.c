/* SPDX-License-Identifier: MIT */
/* Prequal's probes: which backends, how often, in which tier, and what becomes
 * of answers when backends change. */
#include "prequal_pool.h"

#include "base/random.h"

#include <string.h>

/* The generation of the first backend of an id; answer() relies on it. */
START_TEST(probes_name_a_backend)
{
    open_pool(NULL);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_ge(pool_once(&pool, NULL), 0);
    ck_assert_int_eq(ask(0), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_lt(probes[i].id, 3);
        ck_assert_uint_eq(probes[i].generation, 1);
        ck_assert_uint_ne(probes[i].id, probes[(i + 1) % 3].id);
        ck_assert_int_eq(
            infra_balancer_probe_answer(pool.reader, &probes[i], 0, 0, 0),
            INFRA_OK);
    }
    pool_close(&pool);
}
END_TEST

/* Probes keep their number for a hundred picks, also if taken late. */
START_TEST(probes_keep_their_rate)
{
    static const struct {
        uint32_t percent, picks, due;
    } rows[] = { { 0, 1, 3 },   { 0, 5, 15 },    { 50, 1, 0 },
                 { 50, 2, 1 },  { 50, 9, 4 },    { 133, 3, 3 },
                 { 250, 2, 5 }, { 1, 99, 0 },    { 1, 100, 1 },
                 { 0, 10, 30 }, { 0, 100, 32 },  { 3200, 1, 32 },
                 { 100, 7, 7 }, { 3200, 9, 32 }, { 99, 2, 1 } };
    struct infra_prequal_options o = options();

    o.probes_percent = rows[_i].percent;
    open_pool(&o);
    pool_fill(&pool, 100, NULL);
    for (uint32_t i = 0; i < rows[_i].picks; i++) {
        ck_assert_int_ge(pool_once(&pool, NULL), 0);
    }
    ck_assert_int_eq(ask(0), (int)rows[_i].due);
    ck_assert_int_eq(ask(0), 0);
    pool_close(&pool);
}
END_TEST

/* The rest of a fraction is not lost. */
START_TEST(probes_have_fractions)
{
    struct infra_prequal_options o = options();
    int count = 0;

    o.probes_percent = 133;
    open_pool(&o);
    pool_fill(&pool, 100, NULL);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_ge(pool_once(&pool, NULL), 0);
        count += ask(0);
    }
    ck_assert_int_eq(count, 1330);
    pool_close(&pool);
}
END_TEST

/* What does not fit comes with the next call; more than all there are does
 * not. */
START_TEST(probes_fit_the_room)
{
    open_pool(NULL);
    ck_assert_int_eq(ask(INFRA_SEC(9)), 0); /* Nothing is published. */
    pool_fill(&pool, 5, NULL);
    ck_assert_int_ge(pool_once(&pool, NULL), 0);
    ck_assert_int_eq(infra_balancer_probes_next(pool.reader, 0, NULL, 0), 0);
    ck_assert_int_eq(infra_balancer_probes_next(pool.reader, 0, probes, 2), 2);
    ck_assert_int_eq(infra_balancer_probes_next(pool.reader, 0, probes, 2), 1);
    ck_assert_int_eq(infra_balancer_probes_next(pool.reader, 0, probes, 2), 0);
    for (int i = 0; i < 9; i++) {
        ck_assert_int_ge(pool_once(&pool, NULL), 0);
    }
    ck_assert_int_eq(ask(0), 5);
    ck_assert_int_eq(ask(0), 0);
    pool_close(&pool);
}
END_TEST

/* Every set of three is as likely as another: each backend and each pair. */
START_TEST(probes_are_uniform_and_different)
{
    enum { N = 10, CALLS = 60000 };
    static uint32_t seen[N], pairs[N][N];

    open_pool(NULL);
    pool_fill(&pool, N, NULL);
    memset(seen, 0, sizeof seen);
    memset(pairs, 0, sizeof pairs);
    for (int i = 0; i < CALLS; i++) {
        ck_assert_int_ge(pool_once(&pool, NULL), 0);
        ck_assert_int_eq(ask(0), 3);
        for (int a = 0; a < 3; a++) {
            seen[probes[a].id]++;
            for (int b = 0; b < 3; b++) {
                pairs[probes[a].id][probes[b].id] += a != b;
            }
        }
    }
    for (int a = 0; a < N; a++) {
        ck_assert_uint_eq(pairs[a][a], 0);
        ck_assert_uint_ge(seen[a], CALLS * 3 / N * 97 / 100);
        ck_assert_uint_le(seen[a], CALLS * 3 / N * 103 / 100);
        for (int b = 0; b < N; b++) {
            ck_assert(a == b || (pairs[a][b] >= CALLS / 15 * 94 / 100 &&
                                 pairs[a][b] <= CALLS / 15 * 106 / 100));
        }
    }
    pool_close(&pool);
}
END_TEST

/* A host with a timer keeps the pool from running dry; after half of an
 * answer's age, and not before. */
START_TEST(probes_are_due_when_idle)
{
    struct infra_prequal_options o = options();

    o.age_max = INFRA_SEC(4);
    o.probes_percent = _i == 0 ? 0 : 10;
    open_pool(&o);
    pool_fill(&pool, 50, NULL);
    ck_assert_int_eq(ask(INFRA_SEC(100)), _i == 0 ? 3 : 2); /* At the start. */
    ck_assert_int_eq(ask(INFRA_SEC(100)), 0);
    ck_assert_int_eq(ask(INFRA_SEC(102) - 1), 0);
    ck_assert_int_eq(ask(INFRA_SEC(102)), _i == 0 ? 3 : 2);
    ck_assert_int_eq(ask(INFRA_SEC(101)), 0);
    ck_assert_int_eq(ask(INFRA_SEC(103)), 0);
    ck_assert_int_eq(ask(INFRA_SEC(200)), _i == 0 ? 3 : 2);
    for (int i = 0; i < 50; i++) { /* What picks owe is not forgotten. */
        ck_assert_int_ge(pool_once(&pool, NULL), 0);
    }
    ck_assert_int_eq(ask(INFRA_SEC(300)), _i == 0 ? 32 : 5);
    pool_close(&pool);
}
END_TEST

/* The tier that takes the traffic is probed, and the others are not. */
START_TEST(the_tier_in_use_is_probed)
{
    open_pool(NULL);
    for (uint32_t id = 0; id < 40; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 20, 0), 0);
    }
    pool_publish(&pool);
    for (int down = 0; down < 2; down++) {
        ck_assert_int_eq(ask(INFRA_SEC(1 + down)), 3);
        for (int i = 0; i < 100; i++) {
            ck_assert_int_ge(pool_once(&pool, NULL), 0);
            ck_assert_int_eq(ask(0), 3);
            for (int k = 0; k < 3; k++) {
                ck_assert_uint_eq(probes[k].id / 20, (uint32_t)down);
                ck_assert_int_eq(answer(probes[k].id, 0, 0, 0), 0);
            }
        }
        for (uint32_t id = 0; id < 20; id++) {
            pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                      INFRA_BALANCER_STATE_DOWN);
        }
        pool_publish(&pool);
    }
    pool_close(&pool);
}
END_TEST

/* With retries both tiers are used, and both are probed in one call. */
START_TEST(each_tier_has_its_own_pool)
{
    uint64_t word = 3u << 2;
    struct infra_set spare = { .words = &word, .ids_max = 64 };
    struct infra_request q = { .eligible = &spare };

    open_pool(NULL);
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 2, 0), 0);
    }
    pool_publish(&pool);
    ck_assert_int_lt(pool_once(&pool, NULL), 2);
    ck_assert_int_ge(pool_once(&pool, &q), 2);
    probes[3].id = 99;
    ck_assert_int_eq(infra_balancer_probes_next(pool.reader, 0, probes, 3), 3);
    ck_assert_uint_lt(probes[0].id, 2);
    ck_assert_uint_eq(probes[1].id, 1 - probes[0].id);
    ck_assert_uint_ge(probes[2].id, 2);
    ck_assert_uint_eq(probes[3].id, 99);
    ck_assert_int_eq(ask(0), 1);
    ck_assert_uint_ge(probes[0].id, 2);
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(answer(id, 0, INFRA_MS(10 - id), 0), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pool_once(&pool, NULL), 1);
        ck_assert_int_eq(pool_once(&pool, &q), 3);
        ck_assert_int_eq(answer(1, 0, 1, 0), 0);
        ck_assert_int_eq(answer(3, 0, 1, 0), 0);
    }
    pool_close(&pool);
}
END_TEST

/* A late answer of a backend that may not be picked is not taken. */
START_TEST(late_answers_are_stale)
{
    open_pool(NULL);
    ck_assert_int_eq(answer(0, 0, 0, 0), INFRA_ESTALE);
    pool_fill(&pool, 4, NULL);
    ck_assert_int_eq(answer(0, 0, 0, 0), INFRA_OK);
    ck_assert_int_eq(answer(4, 0, 0, 0), INFRA_ESTALE);
    ck_assert_int_eq(answer(UINT32_MAX, 0, 0, 0), INFRA_ESTALE);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_PASSIVE,
              INFRA_BALANCER_STATE_DEGRADED);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 2), 0);
    ck_assert_int_eq(answer(0, 0, 0, 0), INFRA_OK); /* Not published. */
    pool_publish(&pool);
    ck_assert_int_eq(answer(0, 0, 0, 0), INFRA_ESTALE);
    ck_assert_int_eq(answer(1, 0, 0, 0), INFRA_ESTALE);
    ck_assert_int_eq(answer(2, 0, 0, 0), INFRA_ESTALE);
    ck_assert_int_eq(answer(3, 0, 0, 0), INFRA_OK);
    pool_close(&pool);
}
END_TEST

/* An answer of the id's former owner says nothing about the present one: not
 * if it comes late, and not from the pool. */
START_TEST(answers_do_not_outlive_the_owner)
{
    struct infra_backend other = { .size = sizeof other, .key = "x", .id = 0 };
    struct infra_balancer_probe late = { .id = 0, .generation = 1 };

    open_pool(NULL);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_eq(answer(0, 0, 0, 0), 0); /* By far the best. */
    ck_assert_int_eq(answer(1, 1, INFRA_MS(5), 0), 0);
    ck_assert_int_eq(answer(2, 1, INFRA_MS(7), 0), 0);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), 0);
    pool_publish(&pool);
    infra_balancer_refresh(pool.reader);
    ck_assert_int_eq(infra_balancer_set(pool.balancer, &other, 0), INFRA_OK);
    pool_publish(&pool);
    infra_balancer_refresh(pool.reader);
    ck_assert_int_eq(pool_once(&pool, NULL), 1);
    ck_assert_int_eq(infra_balancer_probe_answer(pool.reader, &late, 0, 0, 0),
                     INFRA_ESTALE);
    late.generation = 2;
    ck_assert_int_eq(infra_balancer_probe_answer(pool.reader, &late, 0, 0, 0),
                     0);
    ck_assert_int_eq(pool_once(&pool, NULL), 0);
    ck_assert_int_eq(ask(0), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(probes[i].generation, probes[i].id == 0 ? 2 : 1);
    }
    pool_close(&pool);
}
END_TEST

static Suite *prequal_probes_suite(void)
{
    Suite *s = suite_create("prequal_probes");
    TCase *tc = tcase_create("probes");
    tcase_add_test(tc, probes_name_a_backend);
    tcase_add_loop_test(tc, probes_keep_their_rate, 0, 15);
    tcase_add_test(tc, probes_have_fractions);
    tcase_add_test(tc, probes_fit_the_room);
    tcase_add_test(tc, probes_are_uniform_and_different);
    tcase_add_loop_test(tc, probes_are_due_when_idle, 0, 2);
    tcase_add_test(tc, the_tier_in_use_is_probed);
    tcase_add_test(tc, each_tier_has_its_own_pool);
    tcase_add_test(tc, late_answers_are_stale);
    tcase_add_test(tc, answers_do_not_outlive_the_owner);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(prequal_probes_suite());
}
