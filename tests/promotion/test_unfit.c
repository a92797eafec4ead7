/* SPDX-License-Identifier: MIT */
/* Promotion: nodes that have not reported, nodes that are not promoted, and
 * candidates that become unfit. */
#include "promotion_host.h"

#include <stdbool.h>
#include <string.h>

/* A node that cannot be detached has not reported, though it was before. */
START_TEST(whose_detach_fails_has_not_reported)
{
    host_start(sync_1, 4);
    host_wait(INFRA_SEC(6));
    host_replica(1, NO_NODE, 1, 120);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_dead(0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    if (_i == 1) {
        host_replica(1, 2, 1, 120); /* Somebody attached it again. */
        host_expect("detach-b");
    } else {
        host_replica(1, 2, 1, 120);
        host_expect("detach-b");
        host_replica(1, NO_NODE, 1, 120); /* And its link is down. */
    }
    if (_i == 1) {
        host_answer(INFRA_PROMOTION_EVENT_DETACH, 1, INFRA_ORDER_FAILED);
    }
    host_replica(1, NO_NODE, 1, 120);
    host_report_c_and_d();
    host_wait(_i == 1 ? INFRA_SEC(2) : INFRA_SEC(5)); /* The order is out. */
    (void)host_take();
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_HELD);
    ck_assert_uint_eq(host_status().reported, 2);
}
END_TEST

/* A replica that does not apply what it receives is no candidate, and what it
 * says that it has is not all of it. */
START_TEST(halted_replica_is_not_promoted)
{
    struct infra_promotion_sample s = {
        .timeline = 1, .position = 120, .source = NO_NODE, .halted = 1
    };

    host_start((struct infra_promotion_options) { .sync_acks = 2 }, 4);
    s.at = host.now;
    s.source = 0;
    ck_assert_int_eq(infra_promotion_report(host.p, 1, &s, host.now), INFRA_OK);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1, INFRA_EBUSY);
    host_lose_primary();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    s.at = host.now;
    s.source = NO_NODE;
    ck_assert_int_eq(infra_promotion_report(host.p, 1, &s, host.now), INFRA_OK);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 3);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_wait(INFRA_SEC(2));
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

/* All have reported, c is chosen. */
static void choose_c(struct infra_promotion_options o)
{
    host_start(o, 4);
    host_lose_primary();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 3);
    host_replica(1, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_replica(2, NO_NODE, 1, 111);
    host_expect("record-intent-c [recording: reported]");
}

/* With another token, and all as it was. */
static void collect_again(uint64_t token)
{
    host_lease(token);
    (void)host_take();
    ck_assert_int_eq(
        infra_promotion_adopt(host.p, 2, token - 1, 0, 1, host.now), INFRA_OK);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    (void)host_take();
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_COLLECTING);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 3);
    host_replica(1, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
}

/* A candidate that refuses is not tried again with the next token, where
 * another has everything: of b, c and d any two do. */
START_TEST(refused_candidate_is_not_chosen_again)
{
    choose_c((struct infra_promotion_options) { .sync_acks = 2 });
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 2);
    (void)host_take();
    host_answer(INFRA_PROMOTION_EVENT_PROMOTE, 2, INFRA_ORDER_FAILED);
    host_expect("[watch: refused] [waiting: token-used] resign");
    collect_again(3);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_replica(2, NO_NODE, 1, 111);
    host_wait(INFRA_SEC(2));
    host_expect("record-intent-b [recording: reported]");
}
END_TEST

/* If no other has everything, it is tried again after promote_timeout. */
START_TEST(refused_candidate_gets_another_chance)
{
    choose_c((struct infra_promotion_options) { 0 });
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 2);
    (void)host_take();
    host_answer(INFRA_PROMOTION_EVENT_PROMOTE, 2, INFRA_ORDER_FAILED);
    host_expect("[watch: refused] [waiting: token-used] resign");
    infra_time at = host.now + INFRA_SEC(60) - 1;
    collect_again(3);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 0);
    host_replica(0, NO_NODE, 1, 100);
    host_replica(2, NO_NODE, 1, 111);
    host_wait(INFRA_SEC(2));
    host_expect("[held: ahead]");
    host.now = at - INFRA_SEC(1);
    host_replica(2, NO_NODE, 1, 111);
    (void)host_take();
    ck_assert_uint_eq(infra_promotion_deadline(host.p), at);
    host.now = at;
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

/* A candidate that dies is not waited for; one that hangs is until it does not
 * answer the order. */
START_TEST(dead_candidate_is_not_waited_for)
{
    uint32_t view =
        _i == 0 ? INFRA_PROMOTION_VIEW_DOWN : INFRA_PROMOTION_VIEW_STALLED;

    choose_c((struct infra_promotion_options) { .sync_acks = 2 });
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 2);
    host_expect("[promoting: recorded] promote-c");
    host_wait(INFRA_SEC(4));
    host_view(0, 2, view);
    host_expect("");
    host_wait(INFRA_SEC(1) - 20);
    host_view(0, 2, view);
    host_expect("");
    host_wait(19);
    host_expect("promote-c"); /* The order was not answered. */
    host_wait(1);
    host_expect("[watch: dead] [waiting: token-used] resign");
    collect_again(3);
    host_wait(INFRA_SEC(2));
    host_expect("record-intent-b [recording: reported]");
}
END_TEST

/* What became of a node after it was chosen, and when. */
static const struct {
    const char *name;
    uint32_t flags;
    bool is_named;
    bool is_told; /* The host has taken the order. */
    bool is_given_up;
} late[] = {
    { "never, while it is named", INFRA_PROMOTION_FLAG_NEVER, false, false,
      true },
    { "never, while the order waits", INFRA_PROMOTION_FLAG_NEVER, true, false,
      true },
    { "never, after the order", INFRA_PROMOTION_FLAG_NEVER, true, true, true },
    { "quarantined, while it is named", INFRA_PROMOTION_FLAG_QUARANTINED, false,
      false, true },
    { "quarantined, while the order waits", INFRA_PROMOTION_FLAG_QUARANTINED,
      true, false, true },
    { "quarantined, after the order", INFRA_PROMOTION_FLAG_QUARANTINED, true,
      true, true },
    { "apart, while it is named", INFRA_PROMOTION_FLAG_APART, false, false,
      true },
    { "apart, while the order waits", INFRA_PROMOTION_FLAG_APART, true, false,
      true },
    { "another priority", 0, true, false, false },
};

/* A node that is not to be promoted any more is not, though it was chosen. */
START_TEST(flags_count_after_the_choice)
{
    uint32_t flags = INFRA_PROMOTION_FLAG_SYNC | late[_i].flags;

    choose_c((struct infra_promotion_options) { .sync_acks = 2 });
    if (late[_i].is_named) {
        host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 2);
    }
    if (late[_i].is_told) {
        host_expect("[promoting: recorded] promote-c");
    }
    host_set(2, 9, flags);
    const char *told = host_take();
    ck_assert_msg((strstr(told, "promote-c") == NULL) == late[_i].is_given_up,
                  "%s: %s", late[_i].name, told);
    ck_assert_msg(
        (strstr(told, "[watch: refused] [waiting: token-used] resign") !=
         NULL) == late[_i].is_given_up,
        "%s: %s", late[_i].name, told);
}
END_TEST

/* To b; the primary is asked to stop, and perhaps has. */
static void begin_switchover(bool is_stopped)
{
    host_start(sync_1, 4);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1, INFRA_OK);
    host_expect("hold-a [stopping: command] stop-a");
    if (is_stopped) {
        host_done(INFRA_PROMOTION_EVENT_STOP, 0);
        host_replica(0, NO_NODE, 1, 105);
        host_expect("[catching-up: stopped]");
    }
}

/* A switchover to a node that is not to be promoted any more leads back. */
START_TEST(flags_count_in_a_switchover)
{
    begin_switchover(_i % 2 == 1);
    host_set(1, 0,
             INFRA_PROMOTION_FLAG_SYNC |
                 (_i < 2   ? INFRA_PROMOTION_FLAG_NEVER
                  : _i < 4 ? INFRA_PROMOTION_FLAG_QUARANTINED
                           : INFRA_PROMOTION_FLAG_APART));
    host_expect("record-intent-a [recording: refused]");
}
END_TEST

/* A primary with the flag NEVER goes on after a failed switchover: it replaces
 * no other. */
START_TEST(primary_goes_on)
{
    begin_switchover(false);
    host_set(0, 0, INFRA_PROMOTION_FLAG_SYNC | INFRA_PROMOTION_FLAG_NEVER);
    host_answer(INFRA_PROMOTION_EVENT_STOP, 0, INFRA_ORDER_FAILED);
    host_expect("record-intent-a [recording: refused]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 0);
    host_expect("[promoting: recorded] promote-a");
}
END_TEST

/* A quarantined primary is not asked to stop, and not promoted again. */
START_TEST(quarantined_primary_gets_no_order)
{
    const uint32_t flags =
        INFRA_PROMOTION_FLAG_SYNC | INFRA_PROMOTION_FLAG_QUARANTINED;

    if (_i == 0) {
        host_start(sync_1, 4);
        host_set(0, 0, flags);
        host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1, INFRA_EBUSY);
        host_expect("");
        return;
    }
    begin_switchover(_i == 2);
    host_set(0, 0, flags);
    host_expect(
        "[recording: refused] [watch: refused] [waiting: token-used] resign");
    collect_again(3);
}
END_TEST

/* Of nodes that may be shut out for ever by a fence that fails: the primary is
 * there and well after all. */
START_TEST(fence_that_fails_has_a_way_back)
{
    host_start((struct infra_promotion_options) { 0 }, 4);
    host_wait(INFRA_SEC(6));
    host_dead(0);
    (void)host_take();
    host_primary(0, 1, 120); /* The order is on its way. */
    host_expect("");
    if (_i == 0) {
        host_answer(INFRA_PROMOTION_EVENT_FENCE, 0, INFRA_ORDER_FAILED);
        host_expect("");
    } else {
        host_wait(INFRA_SEC(5)); /* No answer at all. */
        host_expect("fence-a");
        host_wait(1);
    }
    host_primary(0, 1, 121);
    host_view(1, 0, INFRA_PROMOTION_VIEW_OK);
    host_expect("[watch: alive]");
}
END_TEST

/* Asynchronous: a node that reported, writable, and is then lost from sight is
 * fenced before another is promoted, though that loses its writes. */
START_TEST(lost_writer_is_fenced_first)
{
    host_start(
        (struct infra_promotion_options) { .loss =
                                               INFRA_PROMOTION_LOSS_ACCEPT },
        4);
    host_lease(0);
    (void)host_take();
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 0, 1, host.now),
                     INFRA_OK);
    host_lease(4);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_primary(2, 3, 120);
    host_wait(INFRA_SEC(6));
    host_set(0, 0, INFRA_PROMOTION_FLAG_QUARANTINED);
    host_set(3, 0, INFRA_PROMOTION_FLAG_QUARANTINED);
    host_replica(1, NO_NODE, 1, 110);
    host_expect("hold-c [held: missing] [fencing: conflict] fence-c");
}
END_TEST

static Suite *unfit_suite(void)
{
    Suite *s = suite_create("promotion_unfit");
    TCase *t = tcase_create("unfit");
    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_loop_test(t, whose_detach_fails_has_not_reported, 0, 2);
    tcase_add_test(t, halted_replica_is_not_promoted);
    tcase_add_test(t, refused_candidate_is_not_chosen_again);
    tcase_add_test(t, refused_candidate_gets_another_chance);
    tcase_add_loop_test(t, dead_candidate_is_not_waited_for, 0, 2);
    tcase_add_loop_test(t, flags_count_after_the_choice, 0,
                        (int)(sizeof late / sizeof late[0]));
    tcase_add_loop_test(t, flags_count_in_a_switchover, 0, 6);
    tcase_add_test(t, primary_goes_on);
    tcase_add_loop_test(t, quarantined_primary_gets_no_order, 0, 3);
    tcase_add_loop_test(t, fence_that_fails_has_a_way_back, 0, 2);
    tcase_add_test(t, lost_writer_is_fenced_first);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(unfit_suite());
}
