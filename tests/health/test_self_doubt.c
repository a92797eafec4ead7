/* SPDX-License-Identifier: MIT */
/* Health: are the backends sick, or the checker? What raises doubt, what it
 * suppresses, what ends it, and that dead backends are found in bounded time
 * all the same. In virtual time. */
#include "health_loop.h"

#include "base/internal.h"
#include "base/random.h"

#include <string.h>

#define INTER INFRA_MS(2000)
#define FASTINTER INFRA_MS(600)
#define FALL 3u

static const struct infra_health_options schedule = {
    .inter = INTER,
    .fastinter = FASTINTER,
    .fall = FALL,
    .initial = INFRA_HEALTH_INITIAL_FULLY_UP,
};

static struct test_loop loop;

static void start(uint32_t count)
{
    test_loop_init(&loop, &schedule, count, INFRA_SEC(1000));
}

static void teardown(void)
{
    test_loop_finish(&loop);
    memset(&loop, 0, sizeof loop);
}

static uint32_t timeout_scale(void)
{
    return infra_health_timeout_scale(loop.health);
}

static void run_for(infra_time time)
{
    test_loop_run(&loop, loop.now + time);
}

static uint32_t count_down(void)
{
    uint32_t count = 0;

    for (uint32_t id = 0; id < loop.count; id++) {
        count += loop.backends[id].kind == INFRA_HEALTH_EVENT_DOWN;
    }
    return count;
}

static void set_outcome(uint32_t first, uint32_t count, uint32_t outcome)
{
    for (uint32_t id = first; id < first + count; id++) {
        loop.backends[id].outcome = outcome;
    }
}

static const uint32_t counts[] = { 1, 3, 10 };
static const uint32_t deaths[] = { INFRA_OUTCOME_REFUSED, INFRA_OUTCOME_TIMEOUT,
                                   INFRA_OUTCOME_UNREACHABLE };
enum { DEATHS = 3, PHASES = 40 };

/* Of 1, 3 or 10 backends one dies, refusing or silent, at any point of the
 * schedule: it alone goes down, at the latest (fall - 1) fastinter and a
 * timeout after its first failing check began. */
START_TEST(the_dead_are_down_in_time)
{
    uint32_t count = counts[_i / PHASES / DEATHS];
    uint32_t death = deaths[_i / PHASES % DEATHS];
    uint32_t phase = (uint32_t)_i % PHASES;

    start(count);
    run_for(INFRA_SEC(10) + INTER / PHASES * phase);
    uint32_t victim = phase % count;
    infra_time died_at = loop.now;
    set_outcome(victim, 1, death);
    infra_time bound = INTER + (FALL - 1) * FASTINTER + loop.timeout;
    test_loop_run(&loop, died_at + bound);
    ck_assert_uint_eq(loop.backends[victim].kind, INFRA_HEALTH_EVENT_DOWN);
    ck_assert_uint_eq(count_down(), 1);
    ck_assert(!loop.doubts);
    /* The last of `fall` checks began two fastinter after the first. */
    struct infra_health_status s = test_loop_inspect(&loop, victim);
    ck_assert_uint_eq(s.since, loop.backends[victim].changed_at);
    run_for(INFRA_SEC(20));
    ck_assert_uint_eq(count_down(), 1);
    ck_assert_uint_eq(loop.backends[victim].changes, 1);
    set_outcome(victim, 1, INFRA_OUTCOME_OK);
    run_for(INFRA_SEC(10));
    ck_assert_uint_eq(count_down(), 0);
}
END_TEST

/* The checker is stopped for 0.3 to 60 s, at any point of the schedule, while
 * one backend dies. Whatever the outcomes of the running checks, the living
 * stay up, and the dead one is down before twice as many checks have failed. */
START_TEST(a_pause_condemns_no_backend)
{
    static const infra_time pauses[] = { INFRA_MS(300), INFRA_MS(900),
                                         INFRA_SEC(3), INFRA_SEC(30),
                                         INFRA_SEC(60) };
    static const uint32_t outcomes[] = { INFRA_OUTCOME_TIMEOUT,
                                         INFRA_OUTCOME_RESET,
                                         INFRA_OUTCOME_ERROR };
    uint64_t random = (uint64_t)_i;

    start(counts[_i % 3]);
    set_outcome(0, loop.count, INFRA_OUTCOME_OK);
    for (uint32_t id = 0; id < loop.count; id++) {
        loop.backends[id].takes =
            INFRA_MS(40); /* Often one check is running. */
    }
    for (int round = 0; round < 60; round++) {
        run_for(INFRA_MS(infra__below(infra__random(&random), 4000)));
        for (int pause = 0; pause <= round % 3; pause++) {
            test_loop_pause(&loop, pauses[round % 5], outcomes[round % 3]);
            run_for(INFRA_MS(1)); /* And stop again. */
        }
        ck_assert_uint_eq(count_down(), 0);
        run_for(INFRA_SEC(8));
        ck_assert_uint_eq(count_down(), 0);
        ck_assert(!loop.doubts);
        ck_assert_uint_eq(timeout_scale(), 1000);
    }
    /* A check that runs across a pause; its backend is dead now. */
    while (loop.backends[0].check == 0) {
        run_for(INFRA_MS(10));
    }
    set_outcome(0, 1, deaths[_i / 3 % DEATHS]);
    test_loop_pause(&loop, INFRA_SEC(30), loop.backends[0].outcome);
    /* A check takes twice the timeout, and with the skip two fastinters. */
    run_for(2 * FALL * 2 * FASTINTER);
    ck_assert_uint_eq(loop.backends[0].kind, INFRA_HEALTH_EVENT_DOWN);
    ck_assert_uint_eq(count_down(), 1);
}
END_TEST

/* A failure is suppressed if the loop slept for half of the check's time or
 * more; otherwise it counts. */
START_TEST(what_was_slept_through_says_nothing)
{
    static const struct {
        infra_time watched;
        infra_time pause;
        uint32_t counter;
    } rows[] = {
        /* The loop is late from 100 ms after its last turn. */
        { INFRA_MS(400), INFRA_MS(599), 3 },
        { INFRA_MS(400), INFRA_MS(600), 4 },
        { INFRA_MS(100), INFRA_MS(301), 4 },
        { INFRA_MS(100), INFRA_MS(300), 4 },
        { INFRA_MS(100), INFRA_MS(299), 3 },
        { 0, INFRA_MS(200), 3 }, /* It was late by no more than it may. */
        { 0, INFRA_MS(201), 4 },
    };

    start(1);
    loop.timeout = INFRA_SEC(5);
    set_outcome(0, 1, INFRA_OUTCOME_TIMEOUT);
    while (loop.backends[0].check == 0) {
        test_loop_run(&loop, infra_health_deadline(loop.health));
    }
    infra_time started = loop.now;
    test_loop_run(&loop, started + rows[_i].watched);
    ck_assert_uint_eq(loop.now, started + rows[_i].watched);
    test_loop_pause(&loop, rows[_i].pause, INFRA_OUTCOME_TIMEOUT);
    struct infra_health_status s = test_loop_inspect(&loop, 0);
    ck_assert_uint_eq(s.counter, rows[_i].counter);
    ck_assert_uint_eq(s.held, rows[_i].counter == 4);
    ck_assert_uint_eq(s.failures, 1);
    ck_assert_uint_eq(s.checks, 1);
}
END_TEST

/* A pass counts although the loop slept: it was sent by a living backend. */
START_TEST(a_pass_counts_over_a_pause)
{
    start(1);
    set_outcome(0, 1, INFRA_OUTCOME_REFUSED);
    run_for(INFRA_SEC(10));
    ck_assert_uint_eq(count_down(), 1);
    loop.backends[0].takes = INFRA_MS(400);
    while (loop.backends[0].check == 0) {
        run_for(INFRA_MS(50));
    }
    test_loop_pause(&loop, INFRA_SEC(30), INFRA_OUTCOME_OK);
    ck_assert_uint_eq(test_loop_inspect(&loop, 0).counter, 1);
}
END_TEST

/* All fall silent at once: doubt, for silence, suppresses `fall` failures of
 * each, then they count: down after 2 * fall checks. */
START_TEST(a_silent_crowd_is_believed_later)
{
    static const uint32_t crowds[] = { 2, 3, 10, 200 };

    start(crowds[_i]);
    loop.timeout = INFRA_MS(250); /* Twice that is shorter than fastinter. */
    run_for(INFRA_SEC(10));
    uint32_t all = loop.count;
    infra_time died_at = loop.now;
    set_outcome(0, all, INFRA_OUTCOME_TIMEOUT);
    test_loop_run(&loop, died_at + (FALL - 1) * FASTINTER + loop.timeout);
    /* With two, the first may be answered before the second is checked. */
    ck_assert_uint_le(count_down(), all <= 3 ? 1 : 0);
    infra_time bound = INTER + (2 * FALL - 1) * FASTINTER + 2 * loop.timeout;
    test_loop_run(&loop, died_at + bound);
    ck_assert_uint_eq(count_down(), all);
    if (all > 3) {
        ck_assert(loop.doubts);
        ck_assert_uint_eq(loop.reason, INFRA_HEALTH_REASON_SILENCE);
        ck_assert_uint_eq(timeout_scale(), 2000);
        for (uint32_t id = 0; id < all; id++) {
            ck_assert_uint_eq(test_loop_inspect(&loop, id).failures, 2 * FALL);
        }
    }
    /* They come back as without doubt. */
    infra_time back_at = loop.now;
    set_outcome(0, all, INFRA_OUTCOME_OK);
    test_loop_run(&loop, back_at + INTER + FASTINTER + INFRA_MS(1));
    ck_assert_uint_eq(count_down(), 0);
    run_for(INTER);
    ck_assert(!loop.doubts);
    ck_assert_uint_eq(timeout_scale(), 1000);
}
END_TEST

/* A short cut of the link, not longer than doubt lasts, takes none of ten
 * backends down. */
START_TEST(a_short_cut_of_our_link_condemns_no_backend)
{
    start(10);
    loop.timeout = INFRA_MS(250);
    run_for(INFRA_SEC(10) + INTER / 20 * (infra_time)_i);
    set_outcome(0, 10, INFRA_OUTCOME_TIMEOUT);
    run_for((2 * FALL - 1) * FASTINTER - loop.timeout);
    set_outcome(0, 10, INFRA_OUTCOME_OK);
    run_for(INFRA_SEC(10));
    for (uint32_t id = 0; id < 10; id++) {
        ck_assert_uint_eq(loop.backends[id].changes, 0);
    }
    ck_assert(!loop.doubts);
}
END_TEST

/* A refusal is an answer: however many refuse, reset or answer with errors at
 * once, there is no doubt and no delay. */
START_TEST(refusals_raise_no_doubt)
{
    static const uint32_t spoken[] = { INFRA_OUTCOME_REFUSED,
                                       INFRA_OUTCOME_RESET,
                                       INFRA_OUTCOME_ERROR };

    start(10);
    run_for(INFRA_SEC(10));
    infra_time died_at = loop.now;
    set_outcome(0, 10, spoken[_i]);
    test_loop_run(&loop,
                  died_at + INTER + (FALL - 1) * FASTINTER + INFRA_MS(1));
    ck_assert_uint_eq(count_down(), 10);
    ck_assert(!loop.doubts);
    for (uint32_t id = 0; id < 10; id++) {
        ck_assert_uint_eq(test_loop_inspect(&loop, id).held, 0);
    }
}
END_TEST

/* In doubt, too, a refusal counts at once and takes a backend down. */
START_TEST(refusals_count_in_doubt)
{
    start(1);
    run_for(INFRA_SEC(10));
    set_outcome(0, 1, INFRA_OUTCOME_REFUSED);
    test_loop_pause(&loop, INFRA_SEC(30), INFRA_OUTCOME_OK);
    ck_assert(loop.doubts);
    run_for(INFRA_MS(1) + (FALL - 1) * FASTINTER);
    ck_assert_uint_eq(count_down(), 1);
    ck_assert_uint_eq(test_loop_inspect(&loop, 0).held, 0);
}
END_TEST

/* A third of many may die in silence without raising doubt. */
START_TEST(a_minority_raises_no_doubt)
{
    uint32_t all = _i == 0 ? 30 : 999;

    start(all);
    run_for(INFRA_SEC(10));
    infra_time died_at = loop.now;
    set_outcome(0, all / 3, INFRA_OUTCOME_TIMEOUT);
    test_loop_run(&loop,
                  died_at + INTER + (FALL - 1) * FASTINTER + loop.timeout);
    ck_assert_uint_eq(count_down(), all / 3);
    ck_assert(!loop.doubts);
}
END_TEST

/* Checks that find no descriptor do not count. They double the timeouts and no
 * more, and an answer a fastinter later ends that. */
START_TEST(want_of_descriptors_is_doubt)
{
    start(4);
    run_for(INFRA_SEC(10));
    set_outcome(0, 4, INFRA_OUTCOME_LOCAL);
    for (int i = 0; i < 20; i++) {
        run_for(INTER / 2);
    }
    ck_assert(loop.doubts);
    ck_assert_uint_eq(loop.reason, INFRA_HEALTH_REASON_LOCAL);
    ck_assert_uint_eq(timeout_scale(), 2000);
    ck_assert_uint_eq(count_down(), 0);
    ck_assert_uint_eq(test_loop_inspect(&loop, 0).counter, 4);
    ck_assert_uint_eq(test_loop_inspect(&loop, 0).failures, 0);
    set_outcome(0, 4, INFRA_OUTCOME_OK);
    run_for(FASTINTER + INTER);
    ck_assert(!loop.doubts);
    set_outcome(0, 1, INFRA_OUTCOME_ABANDONED); /* This blames no backend. */
    run_for(INFRA_SEC(5));
    ck_assert(!loop.doubts);
}
END_TEST

/* One backend whose checks always end with LOCAL is no lasting doubt if the
 * others can be checked, even if none of them answers. */
START_TEST(want_of_one_backend_alone_is_soon_over)
{
    static const uint32_t others[] = { INFRA_OUTCOME_OK, INFRA_OUTCOME_REFUSED,
                                       INFRA_OUTCOME_TIMEOUT };

    start(4);
    set_outcome(1, 3, others[_i]);
    run_for(INFRA_SEC(30));
    set_outcome(0, 1, INFRA_OUTCOME_LOCAL);
    infra_time until = loop.now + INFRA_SEC(10);
    while (!loop.doubts && loop.now < until) {
        run_for(INFRA_MS(10));
    }
    ck_assert_uint_eq(loop.reason, INFRA_HEALTH_REASON_LOCAL);
    run_for(FASTINTER + 2 * INTER);
    ck_assert(!loop.doubts);
    for (int i = 0; i < 100; i++) {
        run_for(INTER / 2);
        ck_assert(!loop.doubts);
    }
    ck_assert_uint_eq(test_loop_inspect(&loop, 0).counter, 4);
    /* LOCAL after a check that could be made is new evidence. */
    set_outcome(0, 1, INFRA_OUTCOME_OK);
    run_for(INTER);
    set_outcome(0, 1, INFRA_OUTCOME_LOCAL);
    until = loop.now + INTER;
    while (!loop.doubts && loop.now < until) {
        run_for(INFRA_MS(10));
    }
    ck_assert(loop.doubts);
}
END_TEST

/* A backend that has never answered cannot fall silent: beside such backends a
 * server that hangs goes down as if they were not there. */
START_TEST(backends_that_never_answered_are_no_crowd)
{
    start(6);
    set_outcome(0, 5, INFRA_OUTCOME_UNREACHABLE);
    set_outcome(5, 1, INFRA_OUTCOME_TIMEOUT);
    run_for(INTER + 2 * FASTINTER + INFRA_SEC(1));
    ck_assert_uint_eq(count_down(), 6);
    ck_assert(!loop.doubts);
}
END_TEST

/* A loop that is late again and again stretches timeouts by a step per
 * fastinter, up to eight times; in time again, it takes them back step by
 * step. */
START_TEST(a_late_loop_becomes_patient)
{
    uint32_t most = 1000;
    infra_time stepped_at = 0;

    start(10);
    run_for(INFRA_SEC(10));
    for (int i = 0; i < 60; i++) {
        uint32_t before = timeout_scale();
        infra_time due = infra_health_deadline(loop.health);
        /* By turns as late as allowed, and twice that. */
        infra_time late = i % 2 == 0 ? INFRA_HEALTH_LATE : 0;
        test_loop_pause(&loop, due - loop.now + INFRA_HEALTH_LATE + late,
                        INFRA_OUTCOME_OK);
        ck_assert(timeout_scale() == before ||
                  timeout_scale() == before + 1000);
        if (timeout_scale() > before) {
            ck_assert(stepped_at == 0 || loop.now - stepped_at >= FASTINTER);
            stepped_at = loop.now;
        }
        most = timeout_scale();
    }
    ck_assert_uint_eq(most, 8000);
    ck_assert_uint_eq(count_down(), 0);
    for (uint32_t left = 7; left > 0; left--) {
        ck_assert_uint_eq(timeout_scale(), 1000 * (left + 1));
        ck_assert(loop.doubts);
        infra_time from = loop.now;
        while (timeout_scale() == 1000 * (left + 1)) {
            run_for(INFRA_MS(20));
        }
        ck_assert_uint_ge(loop.now - from + INFRA_MS(20), FASTINTER);
        ck_assert_uint_le(loop.now - from, FASTINTER + INTER);
    }
    run_for(1);
    ck_assert_uint_eq(timeout_scale(), 1000);
    ck_assert(!loop.doubts);
}
END_TEST

/* A loop that is always late finds the dead as well, after twice as many
 * checks, and the recovered. */
START_TEST(a_loop_that_is_always_late_finds_the_dead)
{
    start(10);
    set_outcome(3, 1, deaths[_i]);
    for (int i = 0; i < 400; i++) {
        /* A turn every half second, whatever is due. */
        loop.now += INFRA_MS(500);
        test_loop_run(&loop, loop.now);
        if (i == 200) {
            ck_assert_uint_eq(loop.backends[3].kind, INFRA_HEALTH_EVENT_DOWN);
            ck_assert_uint_eq(count_down(), 1);
            ck_assert_uint_eq(timeout_scale(), 8000);
            set_outcome(3, 1, INFRA_OUTCOME_OK);
        }
    }
    ck_assert_uint_eq(count_down(), 0);
}
END_TEST

/* Doubt begins when the loop is later than INFRA_HEALTH_LATE, in whatever call,
 * and ends with an answer a fastinter later; each is reported once. */
START_TEST(doubt_begins_and_ends_once)
{
    struct infra_health_event e;

    start(2);
    ck_assert_uint_eq(timeout_scale(), 1000);
    run_for(INFRA_SEC(5));
    infra_time wanted = infra_health_deadline(loop.health);
    infra_time back = wanted + INFRA_HEALTH_LATE;
    ck_assert_int_eq(infra_health_check_now(loop.health, 0, back), INFRA_OK);
    ck_assert_uint_eq(timeout_scale(), 1000); /* Late, but not too late. */
    ck_assert_uint_eq(infra_health_deadline(loop.health), 0);
    back += INFRA_HEALTH_LATE + 1;
    ck_assert_int_eq(infra_health_check_now(loop.health, 0, back), INFRA_OK);
    ck_assert_uint_eq(timeout_scale(), 2000);
    ck_assert_int_eq(infra_health_next(loop.health, back, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_DOUBT);
    ck_assert_uint_eq(e.id, INFRA_HEALTH_NOBODY);
    ck_assert_uint_eq(e.reason, INFRA_HEALTH_REASON_LATE);
    ck_assert_uint_eq(e.at, back);
    ck_assert_uint_eq(e.counter, 1);
    ck_assert_int_eq(infra_health_next(loop.health, back, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    infra_time calm = back + FASTINTER;
    for (infra_time t = back; t < calm; t += INFRA_MS(50)) {
        struct infra_health_event other;
        while (infra_health_next(loop.health, t, &other) == INFRA_OK) {
            ck_assert_uint_eq(other.kind, INFRA_HEALTH_EVENT_CHECK);
        }
    }
    ck_assert_int_eq(infra_health_answer(loop.health, e.call, 0, 0, calm), 0);
    ck_assert_uint_eq(timeout_scale(), 1000);
    ck_assert_uint_eq(infra_health_deadline(loop.health), 0);
    ck_assert_int_eq(infra_health_next(loop.health, calm, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_TRUST);
    ck_assert_uint_eq(e.reason, INFRA_HEALTH_REASON_ANSWERED);
    ck_assert_uint_eq(e.at, calm);
    ck_assert_uint_eq(e.counter, 0);
    while (infra_health_next(loop.health, calm, &e) == INFRA_OK) {
        ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    }
}
END_TEST

/* Doubt that has passed before the host asks is not reported. */
START_TEST(doubt_that_has_passed_is_no_news)
{
    struct infra_health_event e;

    start(1);
    loop.backends[0].takes = 0;
    run_for(INFRA_SEC(5));
    ck_assert_uint_eq(infra_health_deadline(loop.health),
                      test_loop_inspect(&loop, 0).next);
    test_loop_run(&loop, infra_health_deadline(loop.health) - 1);
    ck_assert_int_eq(infra_health_next(loop.health, loop.now + 1, &e), 0);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    infra_time late = loop.now + INFRA_SEC(1);
    ck_assert_int_eq(infra_health_check_now(loop.health, 0, late), INFRA_OK);
    ck_assert_uint_eq(timeout_scale(), 2000);
    /* The answer to a check from before the trouble does not end the doubt. */
    late += INFRA_MS(1);
    ck_assert_int_eq(infra_health_answer(loop.health, e.call, 0, 0, late), 0);
    ck_assert_uint_eq(timeout_scale(), 2000);
    ck_assert_int_eq(infra_health_next(loop.health, late, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_DOUBT);
    ck_assert_int_eq(infra_health_next(loop.health, late, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    for (infra_time end = late + FASTINTER; late < end; late += INFRA_MS(50)) {
        struct infra_health_event none;
        ck_assert_int_eq(infra_health_next(loop.health, late, &none),
                         INFRA_EAGAIN);
    }
    ck_assert_int_eq(infra_health_answer(loop.health, e.call, 0, 0, late), 0);
    ck_assert_uint_eq(timeout_scale(), 1000);
    /* Late again before TRUST was taken: the doubt goes on. */
    late += INFRA_SEC(9);
    ck_assert_int_eq(infra_health_check_now(loop.health, 0, late), INFRA_OK);
    ck_assert_uint_eq(timeout_scale(), 2000);
    ck_assert_int_eq(infra_health_next(loop.health, late, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
}
END_TEST

/* A host that sets its backends long before its loop runs is not late, nor is a
 * host with nothing to do. */
START_TEST(no_loop_is_not_late)
{
    struct infra_health_event e;

    start(1);
    ck_assert_int_eq(
        infra_health_set(loop.health, 0, "other", loop.now + INFRA_SEC(100)),
        INFRA_OK);
    loop.now += INFRA_SEC(200);
    ck_assert_int_eq(infra_health_next(loop.health, loop.now, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    ck_assert_int_eq(infra_health_remove(loop.health, 0), INFRA_OK);
    loop.now += INFRA_SEC(1000);
    ck_assert_int_eq(infra_health_next(loop.health, loop.now, &e),
                     INFRA_EAGAIN);
    ck_assert_uint_eq(timeout_scale(), 1000);
}
END_TEST

static Suite *doubt_suite(void)
{
    Suite *s = suite_create("self_doubt");
    TCase *tc = tcase_create("bounds");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_loop_test(tc, the_dead_are_down_in_time, 0, 3 * DEATHS * PHASES);
    tcase_add_loop_test(tc, a_pause_condemns_no_backend, 0, 3 * DEATHS);
    tcase_add_loop_test(tc, a_silent_crowd_is_believed_later, 0, 4);
    tcase_add_loop_test(tc, a_loop_that_is_always_late_finds_the_dead, 0,
                        DEATHS);
    suite_add_tcase(s, tc);

    tc = tcase_create("evidence");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_loop_test(tc, what_was_slept_through_says_nothing, 0, 7);
    tcase_add_test(tc, a_pass_counts_over_a_pause);
    tcase_add_loop_test(tc, a_short_cut_of_our_link_condemns_no_backend, 0, 20);
    tcase_add_loop_test(tc, refusals_raise_no_doubt, 0, 3);
    tcase_add_test(tc, refusals_count_in_doubt);
    tcase_add_loop_test(tc, a_minority_raises_no_doubt, 0, 2);
    tcase_add_test(tc, want_of_descriptors_is_doubt);
    tcase_add_loop_test(tc, want_of_one_backend_alone_is_soon_over, 0, 3);
    tcase_add_test(tc, backends_that_never_answered_are_no_crowd);
    suite_add_tcase(s, tc);

    tc = tcase_create("score");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, a_late_loop_becomes_patient);
    tcase_add_test(tc, doubt_begins_and_ends_once);
    tcase_add_test(tc, doubt_that_has_passed_is_no_news);
    tcase_add_test(tc, no_loop_is_not_late);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(doubt_suite());
}
