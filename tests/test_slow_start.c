/* SPDX-License-Identifier: MIT */
/* Slow start: a backend that comes up grows into its share, with every policy.
 * */
#include "pool.h"

#include "base/random.h"

#include <string.h>

enum { PICKS = 40000, BACKENDS = 8 };

static struct pool pool;

static void open_pool(int policy)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = infra_balancer_policy_by_name(
            infra_balancer_policy_name((uint32_t)policy)),
        .slow_start = INFRA_SEC(10),
    };

    pool_open(&pool, &o);
    pool_fill(&pool, BACKENDS, NULL);
}

static void publish_at(infra_time now)
{
    ck_assert_int_eq(infra_balancer_publish(pool.balancer, now), INFRA_OK);
}

/* How often backend 3 is picked at this time. */
static uint32_t picks_of_3(infra_time now)
{
    uint32_t count = 0;
    uint64_t random = 1;

    for (int i = 0; i < PICKS; i++) {
        struct infra_request q = { .hash = infra__random(&random) };
        struct infra_ticket t;
        int id = infra_balancer_pick(pool.reader, &q, now, &t);
        ck_assert_int_ge(id, 0);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, now), 0);
        count += id == 3;
    }
    return count;
}

/* Down, then up at second 100. */
static void restart_3(void)
{
    pool_mark(&pool, 3, INFRA_AXIS_HEALTH, INFRA_STATE_DOWN);
    publish_at(INFRA_SEC(90));
    pool_mark(&pool, 3, INFRA_AXIS_HEALTH, INFRA_STATE_UP);
    publish_at(INFRA_SEC(100));
}

/* A tenth of its share at first, half of it half way, all of it in the end;
 * never nothing. First packs whatever it is told and is left out. */
START_TEST(a_share_grows)
{
    static const struct {
        infra_time at;
        uint32_t percent;
    } rows[] = { { INFRA_SEC(100), 10 }, { INFRA_SEC(100) + INFRA_MS(500), 10 },
                 { INFRA_SEC(102), 20 }, { INFRA_SEC(105), 50 },
                 { INFRA_SEC(108), 80 }, { INFRA_SEC(110), 100 },
                 { INFRA_SEC(500), 100 } };

    open_pool(_i);
    uint32_t whole = picks_of_3(INFRA_SEC(80));
    if (whole == 0) { /* First, which never comes to 3. */
        pool_close(&pool);
        return;
    }
    restart_3();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* Its rest goes to the others: f / (7 + f) of all. */
        uint32_t f = rows[i].percent;
        uint32_t expected = PICKS * f / (100 * (BACKENDS - 1) + f);
        uint32_t got = picks_of_3(rows[i].at);
        ck_assert_msg(got * 100 > expected * 80 && got * 100 < expected * 125,
                      "policy %d, row %d: %u of %u", _i, (int)i, got, expected);
    }
    pool_close(&pool);
}
END_TEST

/* When all are new there is nobody to take the rest: each has its share. */
START_TEST(all_new_are_none_new)
{
    open_pool(_i);
    for (uint32_t id = 0; id < BACKENDS; id++) {
        pool_mark(&pool, id, INFRA_AXIS_HEALTH, INFRA_STATE_DOWN);
    }
    publish_at(INFRA_SEC(90));
    for (uint32_t id = 0; id < BACKENDS; id++) {
        pool_mark(&pool, id, INFRA_AXIS_HEALTH, INFRA_STATE_UP);
    }
    publish_at(INFRA_SEC(100));
    uint32_t got = picks_of_3(INFRA_SEC(101));
    ck_assert(got == 0 || (got > PICKS / BACKENDS / 2 && got < PICKS / 4));
    pool_close(&pool);
}
END_TEST

/* A change of something else does not start it over. */
START_TEST(other_changes_do_not_restart_it)
{
    open_pool(0);
    restart_3();
    pool_mark(&pool, 5, INFRA_AXIS_ADMIN, INFRA_STATE_DOWN);
    publish_at(INFRA_SEC(105));
    uint32_t got = picks_of_3(INFRA_SEC(105));
    ck_assert_uint_gt(got, PICKS / 20); /* 0.5 / 6.5, and not 0.1 / 6.1. */
    pool_close(&pool);
}
END_TEST

/* A pick that may only go to new ones goes there. */
START_TEST(a_new_one_alone_serves)
{
    uint64_t word = 1u << 3;
    struct infra_set only = { .words = &word, .ids_max = 64 };
    struct infra_request q = { .eligible = &only };
    struct infra_ticket t;

    open_pool(_i);
    restart_3();
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(
            infra_balancer_pick(pool.reader, &q, INFRA_SEC(100), &t), 3);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
    }
    pool_close(&pool);
}
END_TEST

static Suite *slow_start_suite(void)
{
    Suite *s = suite_create("slow_start");
    TCase *tc = tcase_create("slow start");
    tcase_add_loop_test(tc, a_share_grows, 0, POLICIES);
    tcase_add_loop_test(tc, all_new_are_none_new, 0, POLICIES);
    tcase_add_test(tc, other_changes_do_not_restart_it);
    tcase_add_loop_test(tc, a_new_one_alone_serves, 0, POLICIES);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(slow_start_suite());
}
