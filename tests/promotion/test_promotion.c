/* SPDX-License-Identifier: MIT */
/* Promotion: what the planner does, told by its events. */
#include "promotion_host.h"

#include <stdbool.h>

/* The primary died and the replicas noticed; on to FENCING. */
static void lose_primary(void)
{
    host_wait(INFRA_SEC(6));
    host_replica(1, NO_NODE, 1, 100);
    host_replica(2, NO_NODE, 1, 99);
    host_dead(0);
}

/* And it is shut out, and they are detached and have reported. */
static void collect(void)
{
    lose_primary();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_replica(1, NO_NODE, 1, 100);
    host_replica(2, NO_NODE, 1, 99);
}

/* And b was promoted, by token @token. */
static void promote_b(uint64_t token)
{
    collect();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_primary(1, token, 101);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_REPOINT, 2);
    host_replica(2, 1, token, 101);
    (void)host_take();
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_WATCH);
}

/* Another token, and the store knows nothing new. */
static void lead_again(uint64_t token)
{
    host_lease(token);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    (void)host_take();
}

/* A dead primary is shut out, the replicas are asked, the one that has all is
 * promoted, and the other follows it. */
START_TEST(dead_primary_is_replaced)
{
    host_start(sync_1, 3);
    lose_primary();
    host_expect("hold-a [suspect: suspected] [fencing: dead] fence-a");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    host_expect("hold-a [collecting: fenced] detach-a detach-b detach-c");
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_expect("");
    host_replica(1, NO_NODE, 1, 100);
    host_replica(2, NO_NODE, 1, 99);
    host_expect("record-intent-b [recording: reported]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    host_expect("[promoting: recorded] promote-b");
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_expect("");
    host_primary(1, 2, 101);
    host_expect("record-primary-b [repointing: writable] repoint-c");
    ck_assert_uint_eq(host.primary.token, 2);
    ck_assert_uint_eq(host.primary.timeline, 2);
    ck_assert_uint_eq(host.primary.position, 100);
    ck_assert_uint_eq(host.repoint.source, 1);
    ck_assert_uint_eq(host.repoint.timeline, 2);
    ck_assert_uint_eq(host.repoint.position, 100);
    host_done(INFRA_PROMOTION_EVENT_REPOINT, 2);
    host_expect("");
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 1);
    host_expect("[watch: repointed] resign");
    ck_assert_uint_eq(host_status().primary, 1);
    ck_assert_uint_eq(host_status().primary_token, 2);
    ck_assert_uint_eq(host_status().changes, 1);
}
END_TEST

/* What observers and replicas say, and what it makes of it. o: an observer sees
 * it, d: does not, s: it hangs; f: a replica receives from it, l: it does not,
 * x: says nothing fresh. */
static const struct {
    const char *votes;
    uint32_t evidence;
    uint32_t step;
} evidence[] = {
    { "dxx xx", 0, INFRA_PROMOTION_STEP_SUSPECT },
    { "dxx fx", 0, INFRA_PROMOTION_STEP_SUSPECT },
    { "ddd fx", 0,
      INFRA_PROMOTION_STEP_SUSPECT }, /* It sees what they do not. */
    { "ddd lf", 0, INFRA_PROMOTION_STEP_SUSPECT },
    { "dxx lx", 0, INFRA_PROMOTION_STEP_FENCING },
    { "ddx xx", 0, INFRA_PROMOTION_STEP_FENCING },
    { "ddo ll", 0, INFRA_PROMOTION_STEP_WATCH },
    { "xxx ll", 0, INFRA_PROMOTION_STEP_WATCH }, /* No observer said so. */
    { "ooo ll", 0, INFRA_PROMOTION_STEP_WATCH },
    { "ssx ff", 0, INFRA_PROMOTION_STEP_FENCING },
    { "sxx ff", 0, INFRA_PROMOTION_STEP_SUSPECT },
    { "sdx ff", 0, INFRA_PROMOTION_STEP_SUSPECT },
    { "sdx xl", 0, INFRA_PROMOTION_STEP_FENCING },
    { "sso ff", 0, INFRA_PROMOTION_STEP_WATCH },
    { "ddd lx", 5, INFRA_PROMOTION_STEP_SUSPECT },
    { "ddd ll", 5, INFRA_PROMOTION_STEP_FENCING },
    { "dxx xx", 1, INFRA_PROMOTION_STEP_FENCING },
};

/* The primary is dead with enough votes, and no veto. */
START_TEST(evidence_of_many_is_needed)
{
    const char *votes = evidence[_i].votes;

    host_start((struct infra_promotion_options) { .dead_votes_min =
                                                      evidence[_i].evidence },
               3);
    host_wait(INFRA_SEC(6));
    for (uint32_t n = 1; n < 3; n++) {
        if (votes[3 + n] != 'x') {
            host_replica(n, votes[3 + n] == 'f' ? 0 : NO_NODE, 1, 100);
        }
    }
    for (uint32_t o = 3; o-- > 0;) {
        if (votes[o] == 'o') { /* As it is no replica, and takes writes. */
            struct infra_promotion_sample s = { .observer = o,
                                                .timeline = 1,
                                                .position = 100,
                                                .writable = 1,
                                                .source = NO_NODE,
                                                .at = host.now };
            ck_assert_int_eq(infra_promotion_report(host.p, 0, &s, host.now),
                             INFRA_OK);
        } else if (votes[o] != 'x') {
            host_view(o, 0,
                      votes[o] == 'd' ? INFRA_PROMOTION_VIEW_DOWN
                                      : INFRA_PROMOTION_VIEW_STALLED);
        }
    }
    ck_assert_msg(host_status().step == evidence[_i].step, "%s: %s", votes,
                  infra_promotion_step_name(host_status().step));
}
END_TEST

/* What was seen longer ago than `fresh` says nothing; so a stopped process does
 * not condemn what it has not looked at since. */
START_TEST(old_samples_say_nothing)
{
    host_start(sync_1, 3);
    host_wait(INFRA_SEC(6));
    host_view(0, 0, INFRA_PROMOTION_VIEW_DOWN);
    host_expect("[suspect: suspected]");
    host_wait(INFRA_SEC(5) + 1);
    host_view(1, 0, INFRA_PROMOTION_VIEW_DOWN);
    host_expect("[watch: alive] [suspect: suspected]");
    host_view(0, 0, INFRA_PROMOTION_VIEW_DOWN);
    host_expect("hold-a [fencing: dead] fence-a");
}
END_TEST

static const struct {
    uint32_t outcome;
    uint32_t failed;
    uint32_t unknown;
    bool goes_on;
} fences[] = {
    { INFRA_ORDER_FAILED, INFRA_PROMOTION_UNFENCED_RETRY,
      INFRA_PROMOTION_UNFENCED_PROCEED, false },
    { INFRA_ORDER_FAILED, INFRA_PROMOTION_UNFENCED_PROCEED,
      INFRA_PROMOTION_UNFENCED_RETRY, true },
    { INFRA_ORDER_UNKNOWN, INFRA_PROMOTION_UNFENCED_PROCEED,
      INFRA_PROMOTION_UNFENCED_RETRY, false },
    { INFRA_ORDER_UNKNOWN, INFRA_PROMOTION_UNFENCED_RETRY,
      INFRA_PROMOTION_UNFENCED_PROCEED, true },
};

/* A fence that failed, or whose outcome is unknown, is repeated. It is ignored
 * after fence_timeout only by the policy for just that outcome. */
START_TEST(fence_outcomes_have_policies)
{
    host_start(
        (struct infra_promotion_options) { .sync_acks = 1,
                                           .fence_failed = fences[_i].failed,
                                           .fence_unknown =
                                               fences[_i].unknown },
        3);
    lose_primary();
    (void)host_take();
    for (int i = 0; i < 6; i++) {
        host_answer(INFRA_PROMOTION_EVENT_FENCE, 0, fences[_i].outcome);
        host_expect("");
        host.now = infra_promotion_deadline(host.p) - 1;
        host_expect("");
        host_wait(1);
        if (i < 5) {
            host_expect("fence-a");
        }
    }
    host_expect(fences[_i].goes_on ? "hold-a [collecting: unfenced] fence-a "
                                     "detach-b detach-c"
                                   : "fence-a");
}
END_TEST

/* An order without an answer is given again at its deadline; the late answer
 * to the first is stale. */
START_TEST(orders_are_repeated)
{
    host_start(sync_1, 3);
    lose_primary();
    (void)host_take();
    uint64_t first = host.calls[INFRA_PROMOTION_EVENT_FENCE][0];
    ck_assert_uint_eq(infra_promotion_deadline(host.p),
                      host.now + INFRA_SEC(5));
    host_wait(INFRA_SEC(5));
    host_expect("fence-a");
    ck_assert_int_eq(
        infra_promotion_answer(host.p, first, INFRA_ORDER_DONE, host.now),
        INFRA_ESTALE);
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_COLLECTING);
}
END_TEST

/* It believes the candidate when it says so and is then seen to take writes. */
START_TEST(promotion_is_seen)
{
    host_start(sync_1, 3);
    collect();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    host_expect("[promoting: recorded] promote-b");
    host_primary(1, 2, 101); /* Of another order, perhaps. */
    host_expect("");
    host_wait(1);
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_expect("");
    host_replica(1, NO_NODE, 1, 100);
    host_expect("");
    host_primary(1, 2, 101);
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_REPOINTING);
}
END_TEST

/* A promotion that fails, or takes too long, has used up the token: the next
 * one begins anew. */
START_TEST(failed_promotion_wants_another_token)
{
    host_start(sync_1, 3);
    collect();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    (void)host_take();
    if (_i == 0) {
        host_answer(INFRA_PROMOTION_EVENT_PROMOTE, 1, INFRA_ORDER_FAILED);
        host_expect("[watch: refused] [waiting: token-used] resign");
    } else {
        host_answer(INFRA_PROMOTION_EVENT_PROMOTE, 1, INFRA_ORDER_UNKNOWN);
        host_wait(INFRA_SEC(60) - 3);
        host_expect("promote-b");
        host_wait(1);
        host_expect("[watch: timeout] [waiting: token-used] resign");
    }
    host_lease(0);
    host_expect("[standby: unleased]");
    lead_again(3);
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_COLLECTING);
    ck_assert_uint_eq(host_status().target, NO_NODE);
}
END_TEST

/* Without the lease nothing is done, and answers come too late. With another
 * token the machine begins by reading the record. */
START_TEST(without_lease_nothing_is_done)
{
    host_start(sync_1, 3);
    lose_primary();
    (void)host_take();
    host_lease(0);
    host_expect("[standby: unleased]");
    ck_assert_uint_eq(infra_promotion_deadline(host.p), INFRA_TIME_NEVER);
    ck_assert_int_eq(infra_promotion_answer(
                         host.p, host.calls[INFRA_PROMOTION_EVENT_FENCE][0],
                         INFRA_ORDER_DONE, host.now),
                     INFRA_ESTALE);
    host_dead(0);
    host_expect("");
    host_lease(3);
    host_expect("read-record [reading: lease]");
    host_answer(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE,
                INFRA_ORDER_UNKNOWN);
    host_expect("");
    host_wait(INFRA_SEC(5));
    host_expect("read-record");
    host_wait(1);
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    host_expect("[watch: read]");
}
END_TEST

/* A token older than that of the last promotion is the store's error. */
START_TEST(old_token_is_not_used)
{
    host_start(sync_1, 3);
    promote_b(2);
    host_lease(1);
    host_expect("[standby: unleased]");
    host_lease(3);
    host_expect("read-record [reading: lease]");
}
END_TEST

/* One token promotes once: with the same one it waits, and asks to resign. */
START_TEST(token_promotes_once)
{
    host_start(sync_1, 3);
    promote_b(2);
    host_wait(INFRA_SEC(70));
    host_replica(2, NO_NODE, 2, 101);
    host_dead(1);
    host_expect("[suspect: suspected] [waiting: token-used] resign");
    host_primary(1, 2, 102);
    host_expect("");
    lead_again(3);
    host_dead(1);
    host_expect("hold-b [suspect: suspected] [fencing: dead] fence-b");
}
END_TEST

/* A promotion of another process, with an unknown end, is begun anew, with all
 * nodes detached first. */
START_TEST(unfinished_promotion_is_begun_anew)
{
    host_start(sync_1, 3);
    host_lease(0);
    (void)host_take();
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 0, 1, host.now),
                     INFRA_OK);
    host_lease(4);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    host_expect("hold-c [watch: read] [collecting: unfinished] detach-a "
                "detach-b detach-c");
    for (uint32_t i = 0; i < 3; i++) {
        host_done(INFRA_PROMOTION_EVENT_DETACH, i);
    }
    host_primary(0, 1, 110);
    host_replica(1, NO_NODE, 1, 100);
    host_replica(2, NO_NODE, 1, 105);
    host_expect(
        "record-intent-a [recording: reported]"); /* It was never out. */
}
END_TEST

/* That it was finished is heard as well. */
START_TEST(unfinished_promotion_may_have_been_finished)
{
    host_start(sync_1, 3);
    host_lease(0);
    (void)host_take();
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 0, 1, host.now),
                     INFRA_OK);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 3, 1, host.now),
                     INFRA_ESTALE);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 1, 3, 3, 0, host.now),
                     INFRA_ESTALE);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 3, 0, host.now),
                     INFRA_OK);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 3, 0, host.now),
                     INFRA_ESTALE);
    host_wait(INFRA_SEC(6));
    host_lease(4);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    host_expect("[watch: read]");
}
END_TEST

/* A primary that stays read-only is made to take writes, or another is. */
START_TEST(read_only_primary_is_promoted_again)
{
    host_start(sync_1, 3);
    host_replica(0, NO_NODE, 1, 100);
    host_expect("");
    host_wait(INFRA_SEC(5) - 1);
    host_replica(0, NO_NODE, 1, 100);
    host_expect("");
    host_wait(1);
    host_replica(0, NO_NODE, 1, 100);
    host_expect("hold-a [collecting: read-only] detach-a detach-b detach-c");
}
END_TEST

/* No primary is known: the writable node is it, if most nodes are seen and no
 * other is writable by the same timeline. */
START_TEST(unknown_primary_is_found)
{
    host_create(sync_1, 3);
    host_lease(1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    host_expect("[watch: read]");
    host_primary(1, 1, 100);
    host_expect("");
    if (_i == 0) {
        host_replica(2, 1, 1, 100);
        host_expect("record-primary-b [repointing: adopted]");
        ck_assert_uint_eq(host.primary.position, 0);
        return;
    }
    host_primary(2, 1, 100);
    host_expect("[conflict: conflict]");
    host_primary(2, 2, 100);
    host_expect("record-primary-c [watch: resolved] [repointing: adopted]");
}
END_TEST

/* If no node is writable for a while, the best is promoted. */
START_TEST(headless_group_gets_a_primary)
{
    host_create(sync_1, 3);
    host_lease(1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    host_replica(1, NO_NODE, 1, 100);
    host_replica(2, NO_NODE, 1, 100);
    host_wait(INFRA_SEC(5) - 2);
    host_expect("[watch: read]");
    host_replica(2, NO_NODE, 1, 100);
    host_expect("");
    host_wait(2);
    host_replica(1, NO_NODE, 1, 100);
    host_expect("hold [collecting: read-only] detach-a detach-b detach-c");
}
END_TEST

/* Of two that take writes the older is shut out; it comes back as a replica. */
START_TEST(older_of_two_primaries_is_fenced)
{
    host_start(sync_1, 3);
    promote_b(2);
    host_primary(0, 1, 103);
    host_expect("record-apart-a [conflict: conflict]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 0);
    host_expect("fence-a");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    host_expect("[watch: resolved] resign");
    host_wait(INFRA_SEC(1));
    host_primary(1, 2, 110);
    host_replica(0, NO_NODE, 1, 103);
    host_expect("");
    host_wait(INFRA_SEC(5));
    host_primary(1, 2, 110);
    host_replica(0, NO_NODE, 1, 103);
    host_expect("repoint-a");
    ck_assert_uint_eq(host.repoint.position, 100);
}
END_TEST

/* A rival of a newer timeline is the primary, and was not told. */
START_TEST(newer_of_two_primaries_is_adopted)
{
    host_start(sync_1, 3);
    host_primary(1, 1, 100);
    host_expect("record-apart-b [conflict: conflict]");
    host_primary(2, 5, 100);
    host_expect("record-primary-c [repointing: adopted]");
}
END_TEST

/* The primary that is kept may die meanwhile. */
START_TEST(primary_may_die_in_a_conflict)
{
    host_start(sync_1, 3);
    host_wait(INFRA_SEC(6));
    host_primary(1, 1, 100);
    host_expect("record-apart-b [conflict: conflict]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    host_expect("fence-b");
    host_dead(0);
    host_expect("hold-a [fencing: dead] fence-a");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    host_expect("hold-a [collecting: fenced] [fencing: conflict] fence-b");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 1);
    host_expect("hold-a [collecting: fenced] detach-a detach-c");
}
END_TEST

/* In doubt about the primary, the newer one is adopted, the rival fenced. */
START_TEST(doubt_looks_at_rivals)
{
    host_start(sync_1, 3);
    host_wait(INFRA_SEC(6));
    host_view(0, 0, INFRA_PROMOTION_VIEW_DOWN);
    host_expect("[suspect: suspected]");
    host_primary(1, _i == 0 ? 5 : 1, 100);
    host_expect(_i == 0 ? "record-primary-b [repointing: adopted]"
                        : "record-apart-b [conflict: conflict]");
}
END_TEST

/* With the option a former primary is out until the operator lets it in. */
START_TEST(former_primary_is_quarantined)
{
    host_start(
        (struct infra_promotion_options) { .sync_acks = 1, .quarantine = 1 },
        3);
    collect();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_primary(1, 2, 101);
    host_replica(0, NO_NODE, 1, 100);
    host_expect(
        "record-primary-b [repointing: writable] quarantine-a repoint-c");
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 1);
    host_done(INFRA_PROMOTION_EVENT_REPOINT, 2);
    (void)host_take();
    host_wait(INFRA_SEC(6));
    host_primary(1, 2, 101);
    host_replica(0, NO_NODE, 1, 100);
    host_expect("");
    host_set(0, 0, INFRA_PROMOTION_FLAG_SYNC);
    host_expect("repoint-a");
}
END_TEST

/* A replica that lost its source may come back by itself; else it is pointed at
 * the primary. A cascaded replica is left alone if its acknowledgements do not
 * count; a replica of a former primary is repointed. */
START_TEST(lost_replicas_are_repointed)
{
    host_start((struct infra_promotion_options) { .sync_acks = (uint32_t)_i },
               3);
    host_replica(1, NO_NODE, 1, 100);
    host_replica(2, 1, 1, 100);
    host_expect(_i == 0 ? "" : "repoint-c");
    host_wait(INFRA_SEC(5) - 1);
    host_primary(0, 1, 100);
    host_replica(1, NO_NODE, 1, 100);
    host_expect("");
    host_wait(1);
    host_replica(1, NO_NODE, 1, 100);
    (void)host_take();
    ck_assert_uint_ne(host.calls[INFRA_PROMOTION_EVENT_REPOINT][1], 0);
    host_done(INFRA_PROMOTION_EVENT_REPOINT, 1);
    host_wait(INFRA_SEC(4));
    host_replica(1, 0, 1, 100);
    host_expect("");
}
END_TEST

/* One that has just been pointed at the primary is not pointed at it once more
 * because of what was seen before; nor by the next process that acts. */
START_TEST(repointed_replica_is_seen_first)
{
    host_start(sync_1, 3);
    collect();
    (void)host_take();
    host_wait(INFRA_SEC(4));
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    (void)host_take();
    host_wait(INFRA_SEC(2));
    host_replica(2, NO_NODE, 1, 99);
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_primary(1, 2, 101);
    host_expect("record-primary-b [repointing: writable] repoint-c");
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 1);
    host_done(INFRA_PROMOTION_EVENT_REPOINT, 2);
    host_expect("[watch: repointed] resign");
    lead_again(3);
    host_expect("");
    host_wait(1);
    host_replica(2, NO_NODE, 1, 99);
    host_expect("repoint-c");
}
END_TEST

/* The new primary dies while the others are pointed at it: the token is given
 * back at once. */
START_TEST(dead_primary_is_not_waited_with)
{
    host_start(sync_1, 3);
    collect();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_primary(1, 2, 101);
    host_expect("record-primary-b [repointing: writable] repoint-c");
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 1);
    host_dead(1);
    host_expect("[watch: timeout] [suspect: suspected] [waiting: damped] "
                "resign");
}
END_TEST

static Suite *promotion_suite(void)
{
    Suite *s = suite_create("promotion");
    TCase *t = tcase_create("recovery");

    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_test(t, dead_primary_is_replaced);
    tcase_add_loop_test(t, evidence_of_many_is_needed, 0,
                        (int)(sizeof evidence / sizeof evidence[0]));
    tcase_add_test(t, old_samples_say_nothing);
    tcase_add_loop_test(t, fence_outcomes_have_policies, 0,
                        (int)(sizeof fences / sizeof fences[0]));
    tcase_add_test(t, orders_are_repeated);
    tcase_add_test(t, promotion_is_seen);
    suite_add_tcase(s, t);

    t = tcase_create("lease");
    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_loop_test(t, failed_promotion_wants_another_token, 0, 2);
    tcase_add_test(t, without_lease_nothing_is_done);
    tcase_add_test(t, old_token_is_not_used);
    tcase_add_test(t, token_promotes_once);
    tcase_add_test(t, dead_primary_is_not_waited_with);
    tcase_add_test(t, unfinished_promotion_is_begun_anew);
    tcase_add_test(t, unfinished_promotion_may_have_been_finished);
    suite_add_tcase(s, t);

    t = tcase_create("primary");
    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_test(t, read_only_primary_is_promoted_again);
    tcase_add_loop_test(t, unknown_primary_is_found, 0, 2);
    tcase_add_test(t, headless_group_gets_a_primary);
    tcase_add_test(t, older_of_two_primaries_is_fenced);
    tcase_add_test(t, newer_of_two_primaries_is_adopted);
    tcase_add_test(t, primary_may_die_in_a_conflict);
    tcase_add_loop_test(t, doubt_looks_at_rivals, 0, 2);
    tcase_add_test(t, former_primary_is_quarantined);
    tcase_add_loop_test(t, lost_replicas_are_repointed, 0, 2);
    tcase_add_test(t, repointed_replica_is_seen_first);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(promotion_suite());
}
