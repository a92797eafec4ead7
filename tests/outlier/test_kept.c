/* SPDX-License-Identifier: MIT */
/* Outlier: ejected backends when the host changes its list: the cap of a tier
 * that shrinks, and the state of a key that leaves and comes back. */
#include "watch.h"

#include "base/internal.h"
#include "base/random.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Only failures in a row eject. */
static void open_rows(uint32_t percent, uint32_t always_one)
{
    watch_open(&watch, (struct infra_outlier_options) {
                           .max_ejection_percent = percent,
                           .always_eject_one_host = always_one,
                           .success_rate_minimum_hosts = WATCH_OFF,
                           .failure_percentage_minimum_hosts = WATCH_OFF,
                           .median_minimum_hosts = WATCH_OFF });
}

static struct infra_outlier_event eject(uint32_t id, infra_time now)
{
    (void)watch_report(&watch, id, INFRA_OUTCOME_ERROR, 5);
    return watch_expect(&watch, now, INFRA_OUTLIER_EVENT_EJECTED, id,
                        INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
}

static void set_key(uint32_t id, const char *key, infra_time now)
{
    ck_assert_int_eq(infra_outlier_set(watch.outlier, id, key, 0, now), 0);
}

static void take_away(uint32_t id)
{
    ck_assert_int_eq(infra_outlier_remove(watch.outlier, id), INFRA_OK);
}

/* Two of four are ejected, and the other two leave, in each possible way:
 * before the next event one of the ejected returns. */
START_TEST(a_tier_that_shrinks_keeps_its_cap)
{
    open_rows(50, 0);
    watch_fill(&watch, 4);
    (void)eject(0, INFRA_SEC(1));
    (void)eject(1, INFRA_SEC(2));
    for (uint32_t id = 2; id < 4; id++) {
        if (_i == 0) {
            take_away(id);
        } else if (_i == 1) {
            watch_set(&watch, id, 1, INFRA_SEC(3));
        } else {
            ck_assert_int_eq(
                infra_outlier_set(watch.outlier, id, "other", 1, 0), 0);
        }
    }
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(3), INFRA_OUTLIER_EVENT_RETURNED, 0,
                     INFRA_OUTLIER_REASON_SHRUNK);
    ck_assert_uint_eq(e.at, INFRA_SEC(3));
    ck_assert_uint_eq(e.ejections, 1);
    watch_quiet(&watch, INFRA_SEC(3));
    ck_assert_uint_gt(infra_outlier_deadline(watch.outlier), INFRA_SEC(3));
    ck_assert_uint_eq(watch_inspect(&watch, 0).is_ejected, 0);
    ck_assert_uint_eq(watch_inspect(&watch, 1).is_ejected, 1);
    take_away(0);
    watch_expect(&watch, INFRA_SEC(4), INFRA_OUTLIER_EVENT_RETURNED, 1,
                 INFRA_OUTLIER_REASON_SHRUNK);
    watch_quiet(&watch, INFRA_SEC(4));
}
END_TEST

/* Ejected backends that move shrink the cap of one tier and fill the other. */
START_TEST(a_backend_that_moves_counts_in_its_new_tier)
{
    open_rows(50, 0);
    for (uint32_t id = 0; id < 6; id++) {
        watch_set(&watch, id, id / 4, 0); /* 0 to 3, and 4 and 5. */
    }
    (void)eject(0, 1);
    (void)eject(4, 2);
    watch_set(&watch, 0, 1, 3); /* Two of three. */
    watch_expect(&watch, 3, INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_SHRUNK);
    watch_quiet(&watch, 3);
}
END_TEST

/* With always_eject_one_host one may be out, but no more. */
START_TEST(one_may_be_out_of_a_tier_that_shrinks)
{
    open_rows(60, 1);
    watch_fill(&watch, 5);
    for (uint32_t id = 0; id < 3; id++) {
        (void)eject(id, id);
    }
    take_away(3);
    take_away(4);
    watch_expect(&watch, 9, INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_SHRUNK);
    watch_expect(&watch, 9, INFRA_OUTLIER_EVENT_RETURNED, 1,
                 INFRA_OUTLIER_REASON_SHRUNK);
    watch_quiet(&watch, 9);
    take_away(0);
    take_away(1);
    watch_quiet(&watch, 9);
    ck_assert_uint_eq(watch_inspect(&watch, 2).is_ejected, 1);
}
END_TEST

/* Without EJECTED taken, no RETURNED follows. */
START_TEST(what_was_not_told_is_not_taken_back)
{
    open_rows(50, 0);
    watch_fill(&watch, 4);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    (void)watch_report(&watch, 1, INFRA_OUTCOME_ERROR, 5);
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_int_eq(infra_outlier_passed(watch.outlier, 0, 1), INFRA_OK);
    take_away(2);
    take_away(3);
    take_away(0);
    watch_quiet(&watch, 2);
    ck_assert_uint_eq(watch_inspect(&watch, 1).is_ejected, 0);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(10));
}
END_TEST

static bool is_within(uint32_t out, uint32_t all, uint32_t percent,
                      uint32_t always_one)
{
    return 100 * out <= percent * all || (always_one != 0 && out <= 1);
}

/* Whatever leaves: once the host has taken all events, no tier is above its
 * cap, no more backends than necessary have returned, and none before one with
 * less time left. */
START_TEST(caps_hold_whatever_leaves)
{
    uint64_t random = (uint64_t)_i;
    uint32_t percent = 1 + infra__below(infra__random(&random), 100);
    uint32_t always_one = (uint32_t)_i % 2;
    uint32_t all = 0, out = 0, left_max = 0;
    infra_time until[64] = { 0 };
    infra_time returned = 0;

    open_rows(percent, always_one);
    watch_fill(&watch, 64);
    for (uint32_t id = 0; id < 64; id++) {
        infra_time now = INFRA_MS(infra__below(infra__random(&random), 900));
        (void)watch_report(&watch, id, INFRA_OUTCOME_ERROR, 5);
        struct infra_outlier_event e = watch_next(&watch, now);
        until[id] = e.kind == INFRA_OUTLIER_EVENT_EJECTED ? e.until : 0;
    }
    for (uint32_t id = 0; id < 64; id++) {
        uint32_t dice = infra__below(infra__random(&random), 8);
        if (dice < 5) {
            dice < 3 ? take_away(id) : watch_set(&watch, id, 1, INFRA_SEC(1));
            until[id] = 0;
        } else {
            all++;
            out += until[id] != 0;
        }
    }
    struct infra_outlier_event e;
    while ((e = watch_next(&watch, INFRA_SEC(1))).kind != WATCH_NOTHING) {
        ck_assert_uint_eq(e.kind, INFRA_OUTLIER_EVENT_RETURNED);
        ck_assert_uint_eq(e.reason, INFRA_OUTLIER_REASON_SHRUNK);
        if (until[e.id] == 0) {
            continue; /* In the other tier, which filled up. */
        }
        ck_assert(!is_within(out, all, percent, always_one));
        ck_assert_uint_ge(until[e.id] >> 10, returned >> 10);
        returned = until[e.id];
        until[e.id] = 0;
        out--;
    }
    ck_assert(is_within(out, all, percent, always_one));
    for (uint32_t id = 0; id < 64; id++) {
        left_max += until[id] != 0 && until[id] >> 10 < returned >> 10;
    }
    ck_assert_uint_eq(left_max, 0);
}
END_TEST

/* A removed backend that comes back is ejected until the same time, with an
 * event: at its own id, at another, or at its own after another key was
 * there. */
START_TEST(a_key_that_comes_back_is_still_ejected)
{
    uint32_t id = _i == 1 ? 5 : 0;

    open_rows(50, 0);
    watch_fill(&watch, 4);
    infra_time until = eject(0, INFRA_SEC(1)).until;
    struct infra_outlier_status before = watch_inspect(&watch, 0);
    if (_i == 2) {
        set_key(0, "somebody else", INFRA_SEC(2));
    } else if (_i != 3) {
        take_away(0);
    }
    watch_quiet(&watch, INFRA_SEC(2));
    if (_i == 3) {
        set_key(5, "b0", INFRA_SEC(3)); /* While it still has the other id. */
        id = 5;
    } else {
        set_key(id, "b0", INFRA_SEC(3));
    }
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(3), INFRA_OUTLIER_EVENT_EJECTED, id,
                     INFRA_OUTLIER_REASON_KEPT);
    ck_assert_uint_eq(e.until, until);
    ck_assert_uint_eq(e.ejections, 1);
    struct infra_outlier_status after = watch_inspect(&watch, id);
    ck_assert_mem_eq(&before, &after, sizeof before);
    watch_quiet(&watch, INFRA_SEC(3));
}
END_TEST

/* But no longer than kept, and no longer than the ejection. */
START_TEST(what_is_kept_ends)
{
    static const struct {
        infra_time away;
        uint32_t is_ejected;
        uint32_t ejections;
    } rows[] = {
        { INFRA_SEC(30) - 1, 1, 1 },
        { INFRA_SEC(30), 0, 1 },
        { INFRA_OUTLIER_KEPT_FOR - 1, 0, 1 },
        { INFRA_OUTLIER_KEPT_FOR, 0, 0 },
    };
    infra_time now = rows[_i].away;

    open_rows(50, 0);
    watch_fill(&watch, 2);
    (void)eject(0, 0);
    take_away(0);
    watch_quiet(&watch, 0);
    watch_set(&watch, 0, 0, now);
    struct infra_outlier_status s = watch_inspect(&watch, 0);
    ck_assert_uint_eq(s.is_ejected, rows[_i].is_ejected);
    ck_assert_uint_eq(s.ejections, rows[_i].ejections);
    ck_assert_uint_eq(s.multiplier, rows[_i].ejections);
    ck_assert_uint_eq(s.since, rows[_i].is_ejected ? 0 : now);
    if (rows[_i].is_ejected) {
        watch_expect(&watch, now, INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_KEPT);
    }
    watch_quiet(&watch, now);
    if (!rows[_i].is_ejected) { /* And the row starts afresh. */
        ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 4), 0);
        watch_quiet(&watch, now);
    }
}
END_TEST

/* Evidence survives a host that drops and adds its backends all the time: a row
 * of failures, one that control has not seen yet, and the rates of an interval;
 * and sweeps are on time. */
START_TEST(evidence_outlives_a_new_list)
{
    watch_open(&watch, (struct infra_outlier_options) { .interval = 0 });
    watch_fill(&watch, 6);
    for (int i = 0; i < 20; i++) {
        infra_time now = INFRA_MS(500) * (infra_time)i;
        for (uint32_t id = 0; id < 6; id++) {
            (void)watch_report(&watch, id, INFRA_OUTCOME_OK, 6);
            if (id == 0) {
                (void)watch_report(&watch, id, INFRA_OUTCOME_ERROR, 4);
                (void)watch_report(&watch, id, INFRA_OUTCOME_OK, 1);
            }
        }
        (void)watch_report(&watch, 1, INFRA_OUTCOME_ERROR, i == 19 ? 4 : 0);
        watch_quiet(&watch, now);
        for (uint32_t id = 0; id < 6; id++) {
            take_away(id);
        }
        for (uint32_t id = 0; id < 6; id++) {
            watch_set(&watch, id, 0, now);
        }
    }
    ck_assert_int_eq(watch_report(&watch, 1, INFRA_OUTCOME_ERROR, 1), 1);
    take_away(1);
    watch_set(&watch, 1, 0, INFRA_MS(9600));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);
    watch_expect(&watch, INFRA_MS(9600), INFRA_OUTLIER_EVENT_EJECTED, 1,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(10));
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_SUCCESS_RATE);
    ck_assert_uint_eq(e.reports, 220);
}
END_TEST

/* The reports of one interval do not count in the next. */
START_TEST(rates_are_of_one_interval)
{
    open_rows(50, 0);
    watch_fill(&watch, 2);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_OK, 7);
    take_away(0);
    watch_quiet(&watch, INFRA_SEC(10));
    watch_set(&watch, 0, 0, INFRA_SEC(11));
    (void)watch_report(&watch, 0, INFRA_OUTCOME_OK, 2);
    watch_quiet(&watch, INFRA_SEC(20));
    ck_assert_uint_eq(watch_inspect(&watch, 0).reports, 2);
}
END_TEST

/* A host may set its list anew in any order: no backend returns by that. */
START_TEST(a_list_may_be_said_in_any_order)
{
    open_rows(50, 0);
    watch_fill(&watch, 4);
    (void)eject(0, 1);
    (void)eject(1, 2);
    for (uint32_t id = 0; id < 4; id++) {
        take_away(id);
    }
    for (uint32_t i = 0; i < 4; i++) {
        watch_set(&watch, _i == 0 ? i : 3 - i, 0, 3);
    }
    watch_expect(&watch, 3, INFRA_OUTLIER_EVENT_EJECTED, _i == 0 ? 0 : 1,
                 INFRA_OUTLIER_REASON_KEPT);
    watch_expect(&watch, 3, INFRA_OUTLIER_EVENT_EJECTED, _i == 0 ? 1 : 0,
                 INFRA_OUTLIER_REASON_KEPT);
    watch_quiet(&watch, 3);
    /* Two swap ids. */
    set_key(0, "b3", 4);
    set_key(3, "b0", 4);
    watch_expect(&watch, 4, INFRA_OUTLIER_EVENT_EJECTED, 3,
                 INFRA_OUTLIER_REASON_KEPT);
    watch_quiet(&watch, 4);
    ck_assert_uint_eq(watch_inspect(&watch, 0).is_ejected, 0);
}
END_TEST

/* The last ids_max removed keys are kept. */
START_TEST(the_last_keys_are_kept)
{
    char key[8];

    watch_open(&watch, (struct infra_outlier_options) {
                           .ids_max = 2, .max_ejection_percent = 100 });
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "k%u", i);
        set_key(0, key, i);
        (void)eject(0, i);
        take_away(0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "k%u", (i + 1) % 3);
        set_key(0, key, 3);
        ck_assert_uint_eq(watch_inspect(&watch, 0).is_ejected, i < 2);
        take_away(0);
    }
}
END_TEST

/* One key that comes and goes evicts none of the others that are kept. */
START_TEST(one_key_that_comes_and_goes_evicts_no_other)
{
    watch_open(&watch, (struct infra_outlier_options) {
                           .ids_max = 4, .max_ejection_percent = 100 });
    set_key(0, "away", 0);
    (void)eject(0, 0);
    take_away(0);
    for (int i = 0; i < 20; i++) {
        set_key(1, i % 3 == 0 ? "here" : "there", 1);
        take_away(1);
    }
    set_key(0, "away", 2);
    ck_assert_uint_eq(watch_inspect(&watch, 0).is_ejected, 1);
}
END_TEST

static Suite *kept_suite(void)
{
    Suite *s = suite_create("outlier_kept");
    TCase *tc = tcase_create("caps");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_loop_test(tc, a_tier_that_shrinks_keeps_its_cap, 0, 3);
    tcase_add_test(tc, a_backend_that_moves_counts_in_its_new_tier);
    tcase_add_test(tc, one_may_be_out_of_a_tier_that_shrinks);
    tcase_add_test(tc, what_was_not_told_is_not_taken_back);
    tcase_add_loop_test(tc, caps_hold_whatever_leaves, 0, 50);
    suite_add_tcase(s, tc);

    tc = tcase_create("keys");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_loop_test(tc, a_key_that_comes_back_is_still_ejected, 0, 4);
    tcase_add_loop_test(tc, what_is_kept_ends, 0, 4);
    tcase_add_test(tc, evidence_outlives_a_new_list);
    tcase_add_test(tc, rates_are_of_one_interval);
    tcase_add_loop_test(tc, a_list_may_be_said_in_any_order, 0, 2);
    tcase_add_test(tc, the_last_keys_are_kept);
    tcase_add_test(tc, one_key_that_comes_and_goes_evicts_no_other);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(kept_suite());
}
