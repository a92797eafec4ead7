/* SPDX-License-Identifier: MIT */
/* Promotion, in a world that goes wrong: see sim/promotion_sim.h. What must
 * never be is looked at all the time, and each rule that prevents it is broken
 * in turn, to see that it is noticed. */
#include "support.h"

#include "../sim/promotion_sim.h"
#include "promotion/internal.h"

#include <stdlib.h>

#define SEEDS 50u          /* For more: PROMOTION_SEEDS. */
#define SEEDS_OF_ROWS 600u /* At most, like the next. */
#define SEEDS_OF_A_RULE 10000u

enum infra__promotion_rule infra__promotion_broken_rule;

static const char *const modes[PROMOTION_SIM_MODES] = { "sync", "async",
                                                        "quiet", "switchover" };

static uint64_t seeds(void)
{
    const char *text = getenv("PROMOTION_SEEDS");

    return text != NULL ? strtoull(text, NULL, 10) : SEEDS;
}

/* No acknowledged write is lost, no token names two primaries, no write of a
 * former primary is acknowledged after those of the new one, no order is given
 * without a lease, a healthy primary is left alone. After the last fault there
 * is one primary that all follow. */
START_TEST(nothing_is_lost)
{
    uint64_t changes = 0;

    for (uint64_t seed = 0; seed < seeds(); seed++) {
        struct promotion_sim_result r =
            promotion_sim_run(seed, (uint32_t)_i, false);
        ck_assert_msg(r.violation == NULL, "%s, seed %llu, at %.2f s: %s",
                      modes[_i], (unsigned long long)seed, (double)r.at / 1e9,
                      r.violation);
        changes += r.changes;
    }
    if (_i == PROMOTION_SIM_QUIET) {
        ck_assert_uint_eq(changes, 0);
    } else {
        ck_assert_uint_gt(changes, seeds() / 2); /* It does happen. */
    }
}
END_TEST

/* The same seed gives the same history. */
START_TEST(history_repeats_itself)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct promotion_sim_result a =
            promotion_sim_run(seed, (uint32_t)_i, false);
        struct promotion_sim_result b =
            promotion_sim_run(seed, (uint32_t)_i, false);
        ck_assert_uint_eq(a.trace, b.trace);
    }
}
END_TEST

/* Rows of the table that this world hardly reaches, each with a test of its
 * own. */
static const struct {
    uint32_t from;
    uint32_t reason;
} rare[] = {
#define ROW(step, why)                                            \
    {                                                             \
        INFRA_PROMOTION_STEP_##step, INFRA_PROMOTION_REASON_##why \
    }
    ROW(WATCH, ADOPTED),       ROW(SUSPECT, DAMPED),
    ROW(SUSPECT, ADOPTED),     ROW(WAITING, ALIVE),
    ROW(WAITING, CONFLICT),    ROW(WAITING, ADOPTED),
    ROW(WAITING, DEAD),        ROW(STOPPING, REFUSED),
    ROW(CATCHING_UP, REFUSED), ROW(CATCHING_UP, COMMAND),
    ROW(CONFLICT, ADOPTED),
#undef ROW
};

static bool is_rare(const struct infra__promotion_row *row)
{
    for (size_t i = 0; i < INFRA__COUNT_OF(rare); i++) {
        if (rare[i].from == row->from && rare[i].reason == row->reason) {
            return true;
        }
    }
    return false;
}

/* The first row that was not used; NULL: all were, but the rare ones. */
static const struct infra__promotion_row *unused_row(void)
{
    size_t count;
    const struct infra__promotion_row *rows = infra__promotion_table(&count);

    ck_assert_uint_le(count, PROMOTION_SIM_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (promotion_sim_rows[i] == 0 && !is_rare(&rows[i])) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Every other row of the table is used: there is no dead edge. */
START_TEST(no_row_is_dead)
{
    const struct infra__promotion_row *row = unused_row();

    for (uint64_t seed = 0; seed < SEEDS_OF_ROWS && row != NULL; seed++) {
        for (uint32_t mode = 0; mode < PROMOTION_SIM_MODES; mode++) {
            (void)promotion_sim_run(seed, mode, false);
        }
        row = unused_row();
    }
    ck_assert_msg(row == NULL, "%s: %s", infra_promotion_step_name(row->from),
                  infra_promotion_reason_name(row->reason));
}
END_TEST

/* Rules that show in tests of their own: here the nodes are alike, and what the
 * next rule does hides that one is missing. */
static bool is_shown_elsewhere(int rule)
{
    return rule == INFRA__PROMOTION_RULE_ALL ||
           rule == INFRA__PROMOTION_RULE_SYNC ||
           rule == INFRA__PROMOTION_RULE_STOP ||
           rule == INFRA__PROMOTION_RULE_SEEN;
}

/* Where the search for a broken rule begins, so that it is short: a little
 * before the seed that shows the rule today. */
static uint64_t first_seed(int rule)
{
    switch (rule) {
    case INFRA__PROMOTION_RULE_VETO:
        return 260;
    case INFRA__PROMOTION_RULE_SINCE:
        return 1740;
    case INFRA__PROMOTION_RULE_TIMELINE:
        return 1080;
    case INFRA__PROMOTION_RULE_CATCH_UP:
        return 110;
    case INFRA__PROMOTION_RULE_APART:
        return 430;
    case INFRA__PROMOTION_RULE_MARK:
        return 190;
    case INFRA__PROMOTION_RULE_SEAL:
        return 120;
    default:
        return 0;
    }
}

/* A rule that is broken is noticed. */
START_TEST(broken_rule_is_noticed)
{
    if (is_shown_elsewhere(_i)) {
        return;
    }
    infra__promotion_broken_rule = (enum infra__promotion_rule)_i;
    for (uint64_t i = 0; i < SEEDS_OF_A_RULE; i++) {
        uint64_t seed = first_seed(_i) + i;
        for (uint32_t mode = 0; mode < PROMOTION_SIM_MODES; mode++) {
            if (promotion_sim_run(seed, mode, false).violation != NULL) {
                return;
            }
        }
    }
    ck_abort_msg("rule %d may be broken", _i);
}
END_TEST

static Suite *sim_suite(void)
{
    Suite *s = suite_create("promotion_sim");
    TCase *t = tcase_create("world");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, nothing_is_lost, 0, PROMOTION_SIM_MODES);
    tcase_add_loop_test(t, history_repeats_itself, 0, PROMOTION_SIM_MODES);
    tcase_add_test(t, no_row_is_dead);
    suite_add_tcase(s, t);

    t = tcase_create("rules");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, broken_rule_is_noticed,
                        INFRA__PROMOTION_RULE_NONE + 1,
                        INFRA__PROMOTION_RULES_COUNT);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(sim_suite());
}
