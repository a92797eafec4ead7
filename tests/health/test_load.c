/* SPDX-License-Identifier: MIT */
/* Health: many backends, and late loops. One check at a time, no more checks
 * than the intervals allow, and no backend forgotten. */
#include "health_loop.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

static struct test_loop loop;

static void teardown(void)
{
    test_loop_finish(&loop);
    memset(&loop, 0, sizeof loop);
}

/* Ten thousand backends, each checked every second, for half a minute: each has
 * its check in every second, at most one check of a backend runs (test_loop
 * asserts it), and no hundredth of a second has many more than a hundredth of
 * the checks. Then a thousand die, and are down in time, without delay to the
 * others. */
START_TEST(ten_thousand_each_second)
{
    enum { COUNT = 10000, DEAD = 1000, SECONDS = 30 };
    const struct infra_health_options o = { .inter = INFRA_SEC(1),
                                            .fastinter = INFRA_MS(500),
                                            .initial =
                                                INFRA_HEALTH_INITIAL_FULLY_UP };
    const infra_time start = INFRA_SEC(77);

    test_loop_init(&loop, &o, COUNT, start);
    loop.timeout = INFRA_MS(400);
    for (infra_time t = 0; t < INFRA_SEC(1); t += INFRA_MS(10)) {
        uint64_t before = 0, after = 0;
        for (uint32_t id = 0; id < COUNT; id++) {
            before += loop.backends[id].probes;
        }
        test_loop_run(&loop, start + t + INFRA_MS(10) - 1);
        for (uint32_t id = 0; id < COUNT; id++) {
            after += loop.backends[id].probes;
        }
        ck_assert_uint_ge(after - before, 40); /* Six sigma about 100. */
        ck_assert_uint_le(after - before, 160);
    }
    for (uint32_t second = 1; second < SECONDS; second++) {
        for (uint32_t id = 0; id < COUNT; id++) {
            if (loop.backends[id].probes != second) {
                ck_abort_msg("backend %u: %d checks in %u seconds", id,
                             (int)loop.backends[id].probes, second);
            }
        }
        test_loop_run(&loop, start + INFRA_SEC(second + 1) - 1);
    }
    infra_time died_at = loop.now;
    for (uint32_t id = 0; id < DEAD; id++) {
        loop.backends[id].outcome =
            id % 2 == 0 ? INFRA_OUTCOME_TIMEOUT : INFRA_OUTCOME_REFUSED;
    }
    test_loop_run(&loop,
                  died_at + INFRA_SEC(1) + 2 * INFRA_MS(500) + loop.timeout);
    for (uint32_t id = 0; id < COUNT; id++) {
        uint32_t kind =
            id < DEAD ? INFRA_HEALTH_EVENT_DOWN : INFRA_HEALTH_EVENT_UP;
        if (loop.backends[id].kind != kind) {
            ck_abort_msg("backend %u: %u", id, loop.backends[id].kind);
        }
    }
    ck_assert(!loop.doubts);
}
END_TEST

/* The times of one backend's checks. */
#define TIMES_MAX 4000u

struct times {
    infra_time at[TIMES_MAX];
    uint32_t count;
};

/* From any check on, n more take at least n - 1 of the shortest intervals. */
static void expect_rate(const struct times *t, infra_time interval)
{
    for (uint32_t from = 0; from < t->count; from++) {
        for (uint32_t n = 2; from + n < t->count && n < 200; n++) {
            if (t->at[from + n] - t->at[from] < (n - 1) * interval) {
                ck_abort_msg("check %u: %u more too soon", from, n);
            }
        }
    }
}

/* A loop that is late by up to three intervals, outcomes of all kinds: one
 * check at a time (test_loop asserts it), never more often than the interval,
 * and never a gap longer than an interval plus the lateness. */
START_TEST(lateness_neither_bursts_nor_starves)
{
    enum { COUNT = 6, JITTER = 20 };
    static const uint32_t outcomes[] = {
        INFRA_OUTCOME_OK,      INFRA_OUTCOME_OK,    INFRA_OUTCOME_REFUSED,
        INFRA_OUTCOME_TIMEOUT, INFRA_OUTCOME_LOCAL, INFRA_OUTCOME_DEGRADED
    };
    const infra_time late_max = INFRA_MS(1) << _i;
    const infra_time interval = INFRA_MS(700);
    const struct infra_health_options o = { .inter = interval,
                                            .jitter_percent = JITTER,
                                            .seed = (uint64_t)_i + 1 };
    struct times *times = calloc(COUNT, sizeof *times);
    uint64_t random = (uint64_t)_i;
    infra_time longest = 0;

    ck_assert_ptr_nonnull(times);
    test_loop_init(&loop, &o, COUNT, INFRA_SEC(5));
    loop.late_max = late_max;
    loop.random = random;
    loop.timeout = INFRA_MS(50);
    while (loop.now < INFRA_SEC(300)) {
        uint32_t id = infra__below(infra__random(&random), COUNT);
        loop.backends[id].outcome =
            outcomes[infra__below(infra__random(&random), 6)];
        test_loop_run(&loop, loop.now + INFRA_MS(20));
        for (id = 0; id < COUNT; id++) {
            const struct test_backend *b = &loop.backends[id];
            struct times *t = &times[id];
            if (b->probes == t->count) {
                continue;
            }
            ck_assert_uint_eq(b->probes, t->count + 1);
            if (t->count > 0) {
                infra_time pause = b->started - t->at[t->count - 1];
                longest = pause > longest ? pause : longest;
            }
            t->at[t->count++] = b->started;
            ck_assert_uint_lt(t->count, TIMES_MAX);
        }
    }
    for (uint32_t id = 0; id < COUNT; id++) {
        ck_assert_uint_gt(times[id].count, 60);
        expect_rate(&times[id], interval * (100 - JITTER) / 100);
    }
    /* A check takes up to 400 ms and is noticed late, the next one as well; a
     * missed turn waits for the following one. */
    ck_assert_uint_le(longest, 2 * interval * (100 + JITTER) / 100 +
                                   8 * loop.timeout + 2 * late_max);
    free(times);
}
END_TEST

static Suite *load_suite(void)
{
    Suite *s = suite_create("health_load");
    TCase *tc = tcase_create("load");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, ten_thousand_each_second);
    tcase_add_loop_test(tc, lateness_neither_bursts_nor_starves, 0, 12);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(load_suite());
}
