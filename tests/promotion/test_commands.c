/* SPDX-License-Identifier: MIT */
/* Promotion: the operator's words, the switchover, the damper. */
#include "promotion_host.h"

#include <stdbool.h>

/* To b; the primary has been told to stop. */
static void begin_switchover(void)
{
    host_start(sync_1, 3);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1, INFRA_OK);
    host_expect("hold-a [stopping: command] stop-a");
}

/* And it did, at position 105. */
static void stop_primary(void)
{
    begin_switchover();
    host_done(INFRA_PROMOTION_EVENT_STOP, 0);
    host_expect("");
    host_replica(0, NO_NODE, 1, 105);
    host_expect("[catching-up: stopped]");
}

/* The writes are stopped, the candidate gets the last of them, takes over, and
 * the former primary follows it. */
START_TEST(switchover_loses_nothing)
{
    stop_primary();
    host_replica(1, 0, 1, 104);
    host_expect("");
    host_replica(1, 0, 1, 105);
    host_expect("record-intent-b [recording: caught-up]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    host_expect("[promoting: recorded] promote-b");
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_primary(1, 2, 106);
    host_expect("record-primary-b [repointing: writable] repoint-a repoint-c");
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 1);
    host_done(INFRA_PROMOTION_EVENT_REPOINT, 0);
    host_expect("");
    host_replica(2, 1, 2, 106);
    host_expect("[watch: repointed] resign");
}
END_TEST

/* Who is quarantined after a recovery is not after a switchover. */
START_TEST(switchover_quarantines_nobody)
{
    host_start(
        (struct infra_promotion_options) { .sync_acks = 1, .quarantine = 1 },
        3);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1, INFRA_OK);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_STOP, 0);
    host_replica(0, NO_NODE, 1, 105);
    host_replica(1, 0, 1, 105);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_primary(1, 2, 106);
    host_expect("record-primary-b [repointing: writable] repoint-a repoint-c");
}
END_TEST

/* What fails before the promotion leads back to the primary. */
static const struct {
    const char *name;
    bool is_stopped;
    uint32_t how; /* 0: refused; 1: time; 2: abort; 3: it writes again */
    const char *told;
} ways_back[] = {
    { "stop is refused", false, 0, "record-intent-a [recording: refused]" },
    { "stop takes too long", false, 1, "record-intent-a [recording: timeout]" },
    { "aborted while stopping", false, 2,
      "record-intent-a [recording: command]" },
    { "takes too long to catch up", true, 1,
      "record-intent-a [recording: timeout]" },
    { "aborted while catching up", true, 2,
      "record-intent-a [recording: command]" },
    { "it takes writes again", true, 3,
      "record-intent-a [recording: refused]" },
};

START_TEST(failed_switchover_leads_back)
{
    if (ways_back[_i].is_stopped) {
        stop_primary();
    } else {
        begin_switchover();
    }
    switch (ways_back[_i].how) {
    case 0:
        host_answer(INFRA_PROMOTION_EVENT_STOP, 0, INFRA_ORDER_FAILED);
        break;
    case 1:
        host.now = host_status().since + INFRA_SEC(10) - 1;
        (void)host_take();
        host.now++;
        break;
    case 2:
        host_command(INFRA_PROMOTION_COMMAND_ABORT, 0, INFRA_OK);
        break;
    default:
        host_primary(0, 1, 106);
        break;
    }
    host_expect(ways_back[_i].told);
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 0);
    host_expect("[promoting: recorded] promote-a");
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 0);
    host_primary(0, 2, 106);
    (void)host_take();
    ck_assert_uint_eq(host_status().primary, 0);
    ck_assert_uint_eq(host_status().changes, 0);
}
END_TEST

/* The primary may die while it is stopped, or after. */
START_TEST(primary_may_die_in_a_switchover)
{
    if (_i == 0) {
        begin_switchover();
    } else {
        stop_primary();
    }
    host_wait(INFRA_SEC(6));
    host_dead(0);
    host_expect("hold-a [fencing: dead] fence-a");
}
END_TEST

/* A switchover needs a living primary, its replicas, and a fit candidate. */
START_TEST(switchover_is_refused)
{
    host_start(sync_1, 3);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 0, INFRA_EBUSY);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 3, INFRA_ENOENT);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, NO_NODE, INFRA_ENOENT);
    host_command(INFRA_PROMOTION_COMMAND_ADMIT + 1, 1, INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_command(NULL, 0, 0, 0), INFRA_EINVAL);
    host_set(1, 0, 0);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1, INFRA_EBUSY);
    host_set(1, 0, INFRA_PROMOTION_FLAG_SYNC | INFRA_PROMOTION_FLAG_NEVER);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1, INFRA_EBUSY);
    host_wait(INFRA_SEC(5));
    host_primary(0, 1, 100);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 2, INFRA_OK);
    (void)host_take();
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 2, INFRA_EBUSY);
}
END_TEST

/* With too few replicas it might be one that was replaced and does not know. */
START_TEST(switchover_needs_followers)
{
    host_start((struct infra_promotion_options) { .sync_acks = 2 }, 3);
    host_replica(1, NO_NODE, 1, 100);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 2, INFRA_EBUSY);
    host_replica(1, 0, 1, 100);
    host_wait(INFRA_SEC(5) + 1);
    host_replica(1, 0, 1, 100);
    host_replica(2, 0, 1, 100);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 2, INFRA_EBUSY);
    host_primary(0, 1, 100);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 2, INFRA_OK);
}
END_TEST

/* There is nothing to abort but a switchover, to force but what is held. */
START_TEST(commands_have_their_time)
{
    host_start(sync_1, 3);
    host_command(INFRA_PROMOTION_COMMAND_ABORT, 0, INFRA_EBUSY);
    host_command(INFRA_PROMOTION_COMMAND_FORCE, 1, INFRA_EBUSY);
    host_command(INFRA_PROMOTION_COMMAND_FORCE, 3, INFRA_ENOENT);
}
END_TEST

/* A pause ends what is begun, and nothing is begun; then it looks afresh. */
START_TEST(pause_gives_no_orders)
{
    begin_switchover();
    host_command(INFRA_PROMOTION_COMMAND_PAUSE, 0, INFRA_OK);
    host_expect("[paused: paused]");
    ck_assert_uint_eq(host_status().paused, 1);
    host_wait(INFRA_SEC(6));
    host_dead(0);
    host_expect("");
    ck_assert_uint_eq(infra_promotion_deadline(host.p), INFRA_TIME_NEVER);
    host_lease(0);
    host_expect("[standby: unleased]");
    host_lease(3);
    host_expect("[reading: lease] [paused: paused]");
    host_command(INFRA_PROMOTION_COMMAND_RESUME, 0, INFRA_OK);
    host_expect("read-record [reading: command]"); /* Others may have acted. */
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_FENCING);
}
END_TEST

/* Held: a node that may be ahead is missing. */
static void hold(void)
{
    host_start(sync_1, 3);
    host_wait(INFRA_SEC(6));
    host_dead(0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    host_replica(1, NO_NODE, 1, 100);
    host_expect("");
    host_wait(INFRA_SEC(2));
    host_expect("[held: missing]");
    ck_assert_uint_eq(host_status().needed, 2);
    ck_assert_uint_eq(host_status().reported, 1);
    ck_assert_uint_eq(host_status().reason, INFRA_PROMOTION_REASON_MISSING);
}

START_TEST(held_until_it_reports)
{
    hold();
    host_replica(2, NO_NODE, 1, 101); /* Not detached yet. */
    host_expect("");
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_replica(2, 1, 1, 101); /* Somebody attached it again. */
    host_expect("detach-c");
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_replica(2, NO_NODE, 1, 101);
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

START_TEST(held_until_it_is_given_up)
{
    hold();
    host_command(INFRA_PROMOTION_COMMAND_FORCE, 2, INFRA_EBUSY);
    host_command(INFRA_PROMOTION_COMMAND_FORCE, 1, INFRA_OK);
    host_expect("record-intent-b [recording: command]");
}
END_TEST

/* Held, the primary comes back: it has everything, and goes on. */
START_TEST(held_until_the_primary_is_back)
{
    hold();
    host_wait(INFRA_SEC(3));
    host_expect("detach-a detach-c");
    host_done(INFRA_PROMOTION_EVENT_DETACH, 0);
    host_replica(1, NO_NODE, 1, 100);
    host_replica(0, NO_NODE, 1, 105);
    host_expect("record-intent-a [recording: reported]");
}
END_TEST

/* Held, and another takes writes: it has to be shut out first. */
START_TEST(held_against_a_writer)
{
    hold();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_primary(2, 0, 50);
    host_expect("record-apart-c hold-a [fencing: conflict]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 2);
    host_expect("fence-c");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 2);
    host_expect("hold-a [collecting: fenced] [held: missing] detach-a");
}
END_TEST

/* Another process changed the primary to b, 10 s ago, and now b is dead. */
static void change_at_once(void)
{
    host_create(sync_1, 3);
    host_lead(4);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 1, 2, 2, 0, host.now),
                     INFRA_OK);
    host_wait(INFRA_SEC(10));
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    host_replica(0, NO_NODE, 2, 100);
    host_dead(1);
    host_expect("[watch: read] [suspect: suspected] [waiting: damped]");
}

static void look_again(void)
{
    host_replica(0, NO_NODE, 2, 100);
    host_dead(1);
}

/* A change of primary is not followed by another at once; the operator may say
 * that it is, and the primary may be back. */
START_TEST(changes_are_damped)
{
    change_at_once();
    infra_time at = host.now - 1 - INFRA_SEC(10);
    switch (_i) {
    case 0:
        host.now = at + INFRA_SEC(60) - 1;
        look_again();
        host_expect("[watch: alive] [suspect: suspected] [waiting: damped]");
        host.now++;
        look_again();
        host_expect("hold-b [fencing: dead] fence-b");
        break;
    case 1:
        host_command(INFRA_PROMOTION_COMMAND_FORCE, 0, INFRA_OK);
        host_expect("hold-b [fencing: dead] fence-b");
        break;
    case 2:
        host_primary(1, 2, 100);
        host_expect("[watch: alive]");
        break;
    case 3:
        host_primary(2, 5, 100);
        host_expect("record-primary-c [repointing: adopted] repoint-a");
        break;
    default:
        host_primary(2, 1, 100);
        host_expect("record-apart-c [conflict: conflict]");
        break;
    }
}
END_TEST

/* The penalty of two changes lasts longer than the gap: below 750 it is over,
 * at 1000 a change and a half-life of 15 minutes. */
START_TEST(penalty_of_two_changes)
{
    host_create(sync_1, 3);
    host_lead(4);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 1, 2, 2, 0, host.now), 0);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 3, 0, host.now), 0);
    ck_assert_uint_eq(host_status().penalty, 2000);
    ck_assert_uint_eq(host_status().changes, 2);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    infra_time at = host.now - 1;
    host.now = at + INFRA_SEC(1273); /* 900 s * log2(2000 / 750) = 1273.5 */
    host_dead(2);
    host_expect("[watch: read] [suspect: suspected] [waiting: damped]");
    host.now = at + INFRA_SEC(1275);
    host_dead(2);
    host_expect("hold-c [fencing: dead] fence-c");
}
END_TEST

static Suite *commands_suite(void)
{
    Suite *s = suite_create("promotion_commands");
    TCase *t = tcase_create("switchover");

    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_test(t, switchover_loses_nothing);
    tcase_add_test(t, switchover_quarantines_nobody);
    tcase_add_loop_test(t, failed_switchover_leads_back, 0,
                        (int)(sizeof ways_back / sizeof ways_back[0]));
    tcase_add_loop_test(t, primary_may_die_in_a_switchover, 0, 2);
    tcase_add_test(t, switchover_is_refused);
    tcase_add_test(t, switchover_needs_followers);
    suite_add_tcase(s, t);

    t = tcase_create("operator");
    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_test(t, commands_have_their_time);
    tcase_add_test(t, pause_gives_no_orders);
    tcase_add_test(t, held_until_it_reports);
    tcase_add_test(t, held_until_it_is_given_up);
    tcase_add_test(t, held_until_the_primary_is_back);
    tcase_add_test(t, held_against_a_writer);
    tcase_add_loop_test(t, changes_are_damped, 0, 5);
    tcase_add_test(t, penalty_of_two_changes);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(commands_suite());
}
