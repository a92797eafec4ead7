/* SPDX-License-Identifier: MIT */
/* Slow start: a backend that comes up grows into its share, with every
 * policy. */
#include "pool.h"

#include "base/random.h"

#include <stdbool.h>
#include <string.h>

enum { PICKS = 4000, BACKENDS = 8 };

static struct pool pool;

static void open_pool(int policy)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = infra_balancer_policy_by_name(
            infra_balancer_policy_name((uint32_t)policy)),
        .slow_start_interval = INFRA_SEC(10),
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
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    publish_at(INFRA_SEC(90));
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
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

/* If all are new none can take the rest: each has its share. */
START_TEST(all_new_are_none_new)
{
    open_pool(_i);
    for (uint32_t id = 0; id < BACKENDS; id++) {
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  INFRA_BALANCER_STATE_DOWN);
    }
    publish_at(INFRA_SEC(90));
    for (uint32_t id = 0; id < BACKENDS; id++) {
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  INFRA_BALANCER_STATE_UP);
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
    pool_mark(&pool, 5, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_DOWN);
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

/* Sessions that outlast the interval: none of them ends. Enough that chance
 * hides nothing: the hash policies have more of it. */
enum { OLD_SESSIONS = 50, NEW_SESSIONS = 1000, NEW_KEYS = 4000 };

static const struct infra_balancer_policy *policy(int index)
{
    return infra_balancer_policy_by_name(
        infra_balancer_policy_name((uint32_t)index));
}

static uint32_t new_sessions(int index)
{
    return infra_balancer_policy_hash(policy(index)) != INFRA_POLICY_HASH_NONE
               ? NEW_KEYS
               : NEW_SESSIONS;
}

/* Where it is Prequal the probes are answered: work takes the longer the more
 * of it there is. */
static void answer_probes(const uint32_t *sessions, infra_time now)
{
    struct infra_balancer_probe probes[INFRA_BALANCER_PROBES_MAX];
    int count = infra_balancer_probes_next(pool.reader, now, probes,
                                           INFRA_BALANCER_PROBES_MAX);

    for (int i = 0; i < count; i++) {
        uint32_t in_flight = sessions[probes[i].id];
        ck_assert_int_eq(
            infra_balancer_probe_answer(pool.reader, &probes[i], in_flight,
                                        INFRA_MS(1 + in_flight), now),
            INFRA_OK);
    }
}

/* Begin this many sessions, evenly from @from to @to. */
static void begin_sessions(uint32_t *sessions, uint32_t count, infra_time from,
                           infra_time to)
{
    uint64_t random = 99 + from; /* Whatever ran before in this process. */

    for (uint32_t i = 0; i < count; i++) {
        infra_time now = from + (to - from) * i / count;
        struct infra_request q = { .hash = infra__random(&random) };
        struct infra_ticket t;
        int id = infra_balancer_pick(pool.reader, &q, now, &t);
        ck_assert_int_ge(id, 0);
        sessions[id]++;
        ck_assert_int_eq(
            infra_balancer_report(pool.reader, &t, INFRA_OUTCOME_OK, 0), 0);
        answer_probes(sessions, now);
    }
}

static void assert_near(int index, const char *what, uint32_t got,
                        double expected)
{
    ck_assert_msg(got > expected * 0.75 && got < expected * 1.3 + 10,
                  "policy %d, %s: %u of %g", index, what, (unsigned)got,
                  expected);
}

static bool is_first(int index)
{
    return policy(index) == infra_balancer_first();
}

/* What a new one gets is the same where sessions do not end: a policy that
 * counts them would send it all there is. Near the end a policy that names it
 * for its share and no more may be a little behind. */
START_TEST(long_sessions_change_nothing)
{
    static const struct {
        infra_time at;
        double part; /* The mean of the second from then on. */
    } rows[] = { { INFRA_SEC(100), 0.1 },
                 { INFRA_SEC(102), 0.25 },
                 { INFRA_SEC(105), 0.55 },
                 { INFRA_SEC(108), 0.85 } };
    uint32_t sessions[BACKENDS] = { 0 };

    if (is_first(_i)) {
        return;
    }
    open_pool(_i);
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    publish_at(INFRA_SEC(10));
    begin_sessions(sessions, 7 * OLD_SESSIONS, INFRA_SEC(50), INFRA_SEC(90));
    ck_assert_uint_eq(sessions[3], 0);
    restart_3();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t before = sessions[3];
        begin_sessions(sessions, new_sessions(_i), rows[i].at,
                       rows[i].at + INFRA_SEC(1));
        assert_near(_i, "long", sessions[3] - before,
                    new_sessions(_i) * rows[i].part / (7 + rows[i].part));
    }
    pool_close(&pool);
}
END_TEST

/* One that was there and seven that are new: each of those has a tenth of what
 * the old one has. A hash policy lets a key that seven refuse find the old one,
 * which has more then. Also where the requests are restricted. */
START_TEST(many_new_ones_leave_the_old_one_its_share)
{
    uint32_t sessions[BACKENDS] = { 0 };

    if (is_first(_i)) {
        return;
    }
    open_pool(_i);
    for (uint32_t id = 1; id < BACKENDS; id++) {
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  INFRA_BALANCER_STATE_DOWN);
    }
    publish_at(INFRA_SEC(10));
    begin_sessions(sessions, OLD_SESSIONS, INFRA_SEC(50), INFRA_SEC(90));
    for (uint32_t id = 1; id < BACKENDS; id++) {
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  INFRA_BALANCER_STATE_UP);
    }
    publish_at(INFRA_SEC(100));
    memset(sessions, 0, sizeof sessions);
    begin_sessions(sessions, NEW_SESSIONS, INFRA_SEC(100), INFRA_SEC(101));
    for (uint32_t id = 1; id < BACKENDS; id++) {
        ck_assert_uint_gt(sessions[id], 0);
        ck_assert_uint_lt(sessions[id], NEW_SESSIONS / BACKENDS);
    }
    ck_assert_msg(sessions[0] > NEW_SESSIONS * 0.5, "policy %d: %u", _i,
                  (unsigned)sessions[0]);
    pool_close(&pool);
}
END_TEST

/* Weights count: a new one of weight 4 beside old ones of 1, 2 and 3. */
START_TEST(a_share_is_by_weight)
{
    static const char *const names[] = {
        "smooth-weighted", "random",    "least-connections",
        "two-choices",     "peak-ewma", "weighted-round-robin"
    };
    static const uint32_t weights[] = { 1, 2, 3, 4 };
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = infra_balancer_policy_by_name(names[_i]),
        .slow_start_interval = INFRA_SEC(10),
    };
    uint32_t sessions[BACKENDS] = { 0 };

    pool_open(&pool, &o);
    pool_fill(&pool, 4, weights);
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    publish_at(INFRA_SEC(10));
    begin_sessions(sessions, 6 * OLD_SESSIONS, INFRA_SEC(50), INFRA_SEC(90));
    restart_3();
    begin_sessions(sessions, NEW_SESSIONS, INFRA_SEC(100), INFRA_SEC(101));
    assert_near(_i, names[_i], sessions[3], NEW_SESSIONS * 0.4 / 6.4);
    pool_close(&pool);
}
END_TEST

/* A request that may go to the new one and to one other counts those two. */
START_TEST(a_share_is_of_those_that_may)
{
    uint64_t word = 1u << 3 | 1u << 4;
    struct infra_set two = { .words = &word, .ids_max = 64 };
    uint32_t count = 0;
    uint64_t random = 7;

    if (is_first(_i)) {
        return;
    }
    open_pool(_i);
    restart_3();
    for (int i = 0; i < 1000; i++) {
        struct infra_request q = { .eligible = &two,
                                   .hash = infra__random(&random) };
        struct infra_ticket t;
        count += infra_balancer_pick(pool.reader, &q, INFRA_SEC(105), &t) == 3;
    }
    ck_assert_msg(count > 200 && count < 450, "policy %d: %u", _i,
                  (unsigned)count);
    pool_close(&pool);
}
END_TEST

static Suite *slow_start_suite(void)
{
    Suite *s = suite_create("slow_start");
    TCase *tc = tcase_create("slow start");
    tcase_add_loop_test(tc, a_share_grows, 0, policies_count());
    tcase_add_loop_test(tc, all_new_are_none_new, 0, policies_count());
    tcase_add_loop_test(tc, long_sessions_change_nothing, 0, policies_count());
    tcase_add_loop_test(tc, many_new_ones_leave_the_old_one_its_share, 0,
                        policies_count());
    tcase_add_loop_test(tc, a_share_is_by_weight, 0, 6);
    tcase_add_loop_test(tc, a_share_is_of_those_that_may, 0, policies_count());
    tcase_add_test(tc, other_changes_do_not_restart_it);
    tcase_add_loop_test(tc, a_new_one_alone_serves, 0, policies_count());
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(slow_start_suite());
}
