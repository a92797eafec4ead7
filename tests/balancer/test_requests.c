/* SPDX-License-Identifier: MIT */
/* What a request may ask beyond sets: its sticky backend, a retry within the
 * budget; and what the ticket says of why. */
#include "pool.h"

#include <string.h>

static struct pool pool;

static void setup(void)
{
    pool_open(&pool, NULL);
    pool_fill(&pool, 4, NULL);
}

static void teardown(void)
{
    pool_close(&pool);
}

static uint32_t why(const struct infra_request *request)
{
    struct infra_ticket t;

    ck_assert_int_ge(pool_pick(&pool, request, &t), 0);
    uint32_t bits = infra_ticket_why(&t);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), INFRA_OK);
    return bits;
}

static struct infra_request sticky_to(uint32_t id)
{
    return (struct infra_request) { .flags = INFRA_REQUEST_STICKY,
                                    .sticky = id };
}

/* A session keeps its backend, in any tier, degraded or draining, until that is
 * down or gone; then the policy chooses. */
START_TEST(sticky_holds_until_down)
{
    struct infra_request q = sticky_to(2);

    for (uint32_t state = INFRA_BALANCER_STATE_UP;
         state < INFRA_BALANCER_STATE_DOWN; state++) {
        pool_mark(&pool, 2, INFRA_BALANCER_AXIS_ADMIN, state);
        ck_assert_int_eq(pool_set(&pool, 2, 1, 1 + state, 0), INFRA_OK);
        pool_publish(&pool);
        for (int i = 0; i < 5; i++) {
            ck_assert_int_eq(pool_once(&pool, &q), 2);
        }
        ck_assert_uint_eq(why(&q), INFRA_TICKET_WHY_STICKY);
    }
    pool_mark(&pool, 2, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    ck_assert_int_ne(pool_once(&pool, &q), 2);
    ck_assert_uint_eq(why(&q), 0);
    for (uint32_t id = 60; id < 70; id++) { /* Unknown, and out of range. */
        q = sticky_to(id);
        ck_assert_int_ge(pool_once(&pool, &q), 0);
    }
}
END_TEST

/* Sets and caps are stronger than sticky. */
START_TEST(sticky_yields_to_sets_and_caps)
{
    uint64_t word = 1u << 1;
    struct infra_set only = { .words = &word, .ids_max = 64 };
    const uint32_t tried[] = { 2 };
    struct infra_request q = sticky_to(2);
    struct infra_ticket t;

    q.eligible = &only;
    ck_assert_int_eq(pool_once(&pool, &q), 1);
    q = sticky_to(2);
    q.tried = tried;
    q.tried_count = 1;
    ck_assert_int_ne(pool_once(&pool, &q), 2);
    q = sticky_to(3);
    ck_assert_int_eq(pool_set(&pool, 3, 1, 0, 1), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(pool_pick(&pool, &q, &t), 3);
    ck_assert_int_ne(pool_once(&pool, &q), 3);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), INFRA_OK);
    ck_assert_int_eq(pool_once(&pool, &q), 3);
}
END_TEST

/* Every bit of why, and its name. */
START_TEST(a_ticket_says_why)
{
    const uint32_t tried[] = { 0, 1, 2, 3 };
    struct infra_request q = { .tried = tried, .tried_count = 1 };

    ck_assert_uint_eq(why(NULL), 0);
    ck_assert_uint_eq(why(&q) & ~(uint32_t)INFRA_TICKET_WHY_INSTEAD,
                      INFRA_TICKET_WHY_RETRY);
    ck_assert_int_eq(pool_set(&pool, 4, 1, 3, 0), INFRA_OK);
    pool_publish(&pool);
    q.tried_count = 4;
    ck_assert_uint_eq(why(&q), INFRA_TICKET_WHY_RETRY | INFRA_TICKET_WHY_SPILL |
                                   INFRA_TICKET_WHY_INSTEAD);
    for (uint32_t id = 0; id < 4; id++) {
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  INFRA_BALANCER_STATE_DOWN);
    }
    pool_publish(&pool);
    ck_assert_uint_eq(why(NULL), INFRA_TICKET_WHY_SPILL);
    ck_assert_uint_eq(infra_ticket_why(NULL), 0);
    ck_assert_str_eq(infra_ticket_why_name(INFRA_TICKET_WHY_STICKY), "sticky");
    ck_assert_str_eq(infra_ticket_why_name(INFRA_TICKET_WHY_RETRY), "retry");
    ck_assert_str_eq(infra_ticket_why_name(INFRA_TICKET_WHY_SPILL), "spill");
    ck_assert_str_eq(infra_ticket_why_name(INFRA_TICKET_WHY_OUTAGE), "outage");
    ck_assert_str_eq(infra_ticket_why_name(INFRA_TICKET_WHY_INSTEAD),
                     "instead");
    ck_assert_str_eq(infra_ticket_why_name(INFRA_TICKET_WHY_WARMING),
                     "warming");
    ck_assert_str_eq(infra_ticket_why_name(3), "unknown");
}
END_TEST

/* How many of `attempts` retries are allowed at this time. */
static int retries(int attempts, infra_time now)
{
    const uint32_t tried[] = { 0 };
    struct infra_request q = { .tried = tried, .tried_count = 1 };
    struct infra_ticket t;
    int allowed = 0;

    for (int i = 0; i < attempts; i++) {
        int id = infra_balancer_pick(pool.reader, &q, now, &t);
        if (id >= 0) {
            allowed++;
            ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, now),
                             0);
        } else {
            ck_assert_int_eq(id, INFRA_EBUDGET);
        }
    }
    return allowed;
}

static void first_attempts(int count, infra_time now)
{
    struct infra_ticket t;

    for (int i = 0; i < count; i++) {
        ck_assert_int_ge(infra_balancer_pick(pool.reader, NULL, now, &t), 0);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, now), 0);
    }
}

/* Twenty retries a hundred first attempts, a hundred saved at most. */
START_TEST(retries_are_a_part_of_attempts)
{
    struct infra_balancer_options o = { .size = sizeof o, .retry_percent = 20 };

    pool_close(&pool);
    pool_open(&pool, &o);
    pool_fill(&pool, 4, NULL);
    ck_assert_int_eq(retries(5, 1), 0);
    first_attempts(100, 2);
    ck_assert_int_eq(retries(50, 3), 20);
    first_attempts(5000, INFRA_SEC(9));
    ck_assert_int_eq(retries(500, INFRA_SEC(10)), 100);
}
END_TEST

/* Three a second whatever the traffic, ten seconds' worth saved; time that
 * stands still or goes back gives none. */
START_TEST(retries_have_a_minimum)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .retry_min_per_s = 3 };

    pool_close(&pool);
    pool_open(&pool, &o);
    pool_fill(&pool, 4, NULL);
    ck_assert_int_eq(retries(50, INFRA_SEC(1000)), 30);
    ck_assert_int_eq(retries(50, INFRA_SEC(1002)), 6);
    ck_assert_int_eq(retries(50, INFRA_SEC(1002)), 0);
    ck_assert_int_eq(retries(50, INFRA_SEC(1001)), 0);
    ck_assert_int_eq(retries(50, INFRA_SEC(1003)), 3);
    ck_assert_int_eq(retries(500, INFRA_SEC(5000)), 30);
}
END_TEST

/* A retry that fails is none, and a first attempt that fails saves nothing. */
START_TEST(only_what_happens_counts)
{
    static const uint32_t all[] = { 0, 1, 2, 3 };
    uint64_t word = 0;
    struct infra_set nobody = { .words = &word, .ids_max = 64 };
    const struct infra_request narrow = { .eligible = &nobody };
    const struct infra_request refused[] = {
        { .tried = all, .tried_count = 4 },
        { .tried = all, .tried_count = 1, .eligible = &nobody },
        { .tried = all, .tried_count = 1 }, /* With all at their cap. */
    };
    static const int results[] = { INFRA_ETRIED, INFRA_EINELIGIBLE,
                                   INFRA_EFULL };
    struct infra_balancer_options o = { .size = sizeof o, .retry_percent = 20 };
    struct infra_ticket t[4];

    pool_close(&pool);
    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, 0, 1), INFRA_OK);
    }
    pool_publish(&pool);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(pool_once(&pool, &narrow), INFRA_EINELIGIBLE);
    }
    ck_assert_int_eq(retries(10, 1), 0);
    first_attempts(96, 2);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_ge(pool_pick(&pool, NULL, &t[i]), 0);
    }
    for (int i = 0; i < 300; i++) {
        ck_assert_int_eq(pool_once(&pool, &refused[i % 3]), results[i % 3]);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t[i], 0, 3), 0);
    }
    ck_assert_int_eq(retries(50, 4), 20);
}
END_TEST

static Suite *requests_suite(void)
{
    Suite *s = suite_create("requests");
    TCase *tc = tcase_create("sticky and why");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sticky_holds_until_down);
    tcase_add_test(tc, sticky_yields_to_sets_and_caps);
    tcase_add_test(tc, a_ticket_says_why);
    suite_add_tcase(s, tc);

    tc = tcase_create("retry budget");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, retries_are_a_part_of_attempts);
    tcase_add_test(tc, retries_have_a_minimum);
    tcase_add_test(tc, only_what_happens_counts);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(requests_suite());
}
