/* SPDX-License-Identifier: MIT */
/* Failover: the lease and the time. What the store's answers mean, when they
 * come late, twice or never, and what the machine does by itself. */
#include "node.h"
#include "support.h"

static struct node n;

static void create(struct infra_failover_options o)
{
    node_destroy(&n);
    node_create(&n, o);
}

static void setup(void)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
}

static void teardown(void)
{
    node_destroy(&n);
}

static int reply(uint64_t call, uint32_t outcome, uint64_t token)
{
    const struct infra_lease_answer a = { .outcome = outcome,
                                          .token = token,
                                          .ttl = n.ttl };

    return infra_failover_answer(n.machine, call, &a, n.now);
}

static const char *renewed_with(uint64_t request, infra_time ttl)
{
    return node_answer_as(&n, (struct infra_lease_answer) {
                                  .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                  .token = n.active,
                                  .ttl = ttl,
                                  .handover_request = request });
}

static infra_time valid_until(void)
{
    return node_status(&n).valid_until;
}

/* Until when a lease of 10 s holds that was armed by a call at @issue. */
static infra_time ten_seconds(infra_time issue)
{
    return issue + INFRA_SEC(10) * 99 / 101 - INFRA_MS(500);
}

/* The store answers no more: the node asks again and again, is in doubt after
 * half the lease, and has stopped when it may be another's. It gives it back
 * when what it began can have no effect any more, in case the store is still
 * there; tries that three times; and lets others go first. */
START_TEST(who_hears_nothing_stops_in_time)
{
    for (uint64_t token = 1; token <= 2; token++) { /* The second time, too. */
        node_lead(&n, token);
        infra_time begin = n.now;
        ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(19)),
                         "3333 renew, 4333 renew, 5000 doubt(late), "
                         "5333 renew, 6333 renew, 7333 renew, 8333 renew, "
                         "9301 STOP cool-down(expired), 9801 release, "
                         "10801 release, 11801 release");
        ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(1)),
                         "19301 standby(cooled) read");
    }
}
END_TEST

/* A lease counts from the issue of the call, not from its answer. */
START_TEST(a_slow_grant_is_a_short_lease)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    infra_time issue = n.now;
    n.now += INFRA_MS(900);
    ck_assert_str_eq(node_answer_clean(&n, 1),
                     "grace(granted) active(ready) ACTIVATE");
    ck_assert_uint_eq(n.last.valid_until, ten_seconds(issue));
    ck_assert_uint_eq(valid_until(), ten_seconds(issue));
    ck_assert_str_eq(node_sleep(&n), "renew");
    ck_assert_uint_eq(n.now, issue + n.ttl / 3);
}
END_TEST

/* Every third of the ttl it is renewed; each renewal counts from its issue, and
 * opens the gate for longer. */
START_TEST(renewals_extend_it)
{
    node_lead(&n, 1);
    for (int i = 0; i < 5; i++) {
        infra_time issue = n.now + n.ttl / 3;
        ck_assert_str_eq(node_sleep(&n), "renew");
        ck_assert_uint_eq(n.now, issue);
        ck_assert_uint_eq(n.call.token, 1);
        n.now += INFRA_MS(200);
        ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1), "");
        ck_assert_uint_eq(valid_until(), ten_seconds(issue));
        ck_assert(infra_gate_is_open(&n.gate, ten_seconds(issue) - 1, NULL));
        ck_assert(!infra_gate_is_open(&n.gate, ten_seconds(issue), NULL));
        n.now = issue; /* So that it is simple to say when. */
    }
    ck_assert_uint_eq(node_status(&n).activations, 1);
}
END_TEST

/* Doubt counts from the issue, too, not from when a slow store answers. */
START_TEST(half_a_lease_counts_from_the_issue)
{
    node_lead(&n, 1);
    (void)node_sleep(&n);
    infra_time issue = n.now;
    n.now += INFRA_MS(900);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1), "");
    ck_assert_str_eq(node_diary(&n, issue, INFRA_MS(4200)),
                     "3333 renew, 4333 renew, 5000 doubt(late)");
}
END_TEST

/* What the store really gave counts if it is less than was asked, also if that
 * is less than before; if it is more, it does not. */
START_TEST(less_is_believed_and_more_is_not)
{
    node_lead(&n, 1);
    (void)node_sleep(&n);
    ck_assert_str_eq(renewed_with(0, INFRA_SEC(3600)), "");
    ck_assert_uint_eq(valid_until(), ten_seconds(n.now));
    (void)node_sleep(&n);
    ck_assert_str_eq(renewed_with(0, INFRA_SEC(5)), "");
    infra_time end = n.now + INFRA_SEC(5) * 99 / 101 - INFRA_MS(500);
    ck_assert_uint_eq(valid_until(), end);
    ck_assert(!infra_gate_is_open(&n.gate, end, NULL));
    (void)node_sleep(&n);
    ck_assert_str_eq(renewed_with(0, INFRA_MS(500)), "STOP cool-down(expired)");
}
END_TEST

/* A renewal that was given up does not count when its answer comes: not for the
 * one that was asked next, and not after the end. */
START_TEST(late_answers_do_not_count)
{
    node_lead(&n, 1);
    (void)node_sleep(&n);
    uint64_t first = n.call.id;
    infra_time end = valid_until();
    ck_assert_str_eq(node_sleep(&n), "renew");
    ck_assert_uint_ne(n.call.id, first);
    ck_assert_int_eq(reply(first, INFRA_LEASE_OUTCOME_GRANTED, 1),
                     INFRA_ESTALE);
    ck_assert_uint_eq(valid_until(), end);
    ck_assert_int_eq(reply(first, INFRA_LEASE_OUTCOME_LOST, 0), INFRA_ESTALE);
    (void)node_at(&n, end - INFRA_MS(1));
    uint64_t last = n.call.id;
    ck_assert_str_eq(node_at(&n, end), "STOP cool-down(expired)");
    ck_assert_int_eq(reply(last, INFRA_LEASE_OUTCOME_GRANTED, 1), INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_COOLDOWN);
}
END_TEST

/* The answer that arrives together with the end is too late. */
START_TEST(the_end_comes_before_the_answer)
{
    node_lead(&n, 1);
    (void)node_diary(&n, n.now, valid_until() - n.now - INFRA_MS(1));
    uint64_t call = n.call.id;
    n.now += INFRA_MS(1);
    ck_assert_int_eq(reply(call, INFRA_LEASE_OUTCOME_GRANTED, 1), INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "STOP cool-down(expired)");
}
END_TEST

static const struct {
    uint32_t outcome;
    uint64_t token;
    uint64_t floor;
} losses[] = {
    { INFRA_LEASE_OUTCOME_LOST, 0, 5 },
    { INFRA_LEASE_OUTCOME_CONFLICT, 6, 6 },
    { INFRA_LEASE_OUTCOME_CONFLICT, UINT64_MAX,
      5 },                                 /* Nothing could follow it. */
    { INFRA_LEASE_OUTCOME_GRANTED, 6, 5 }, /* Ours, but not this one. */
};

/* A node that hears that it has lost the lease stops at once, and releases
 * nothing: Patroni's "demote, no lock". */
START_TEST(who_has_lost_it_stops_at_once)
{
    node_lead(&n, 5);
    (void)node_sleep(&n);
    ck_assert_str_eq(node_answer(&n, losses[_i].outcome, losses[_i].token),
                     "STOP cool-down(lost)");
    ck_assert_uint_eq(n.last.token, 5);
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_SEC(10) - 1), "");
    ck_assert_uint_eq(node_status(&n).token_floor, losses[_i].floor);
    ck_assert_str_eq(node_sleep(&n), "standby(cooled) read");
}
END_TEST

/* No answer to ACQUIRE: it may be ours. It looks; if it is, it is renewed, and
 * counts from then; the former holder is not known, so there is a grace. */
START_TEST(an_unknown_grant_is_adopted)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    ck_assert_str_eq(node_sleep(&n), "read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 3), "renew");
    ck_assert_uint_eq(n.call.token, 3);
    ck_assert_str_eq(node_sleep(&n), "renew"); /* No answer to that. */
    infra_time issue = n.now;
    n.now += INFRA_MS(300);
    ck_assert_str_eq(node_answer_clean(&n, 3), "grace(granted)");
    ck_assert_uint_eq(valid_until(), ten_seconds(issue));
    ck_assert_str_eq(node_after(&n, INFRA_MS(500)), "active(ready) ACTIVATE");
    ck_assert_uint_eq(n.active, 3);
}
END_TEST

/* After adopting a lease the node does not request the one before it. */
START_TEST(a_former_holder_is_forgotten)
{
    create((struct infra_failover_options) { .preempt = 1, .preference = 9 });
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 3);
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 4);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 4);
    node_until(&n, INFRA_LEASE_OP_RENEW);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0),
                     "STOP cool-down(lost)");
    ck_assert_str_eq(node_sleep(&n), "standby(cooled) read");
}
END_TEST

/* It was not adopted in time, or another node has it by now. */
START_TEST(an_adoption_may_fail)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_UNKNOWN, 0);
    ck_assert_str_eq(node_sleep(&n), "read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 3), "renew");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 4),
                     "standby(held)");
    ck_assert_str_eq(node_sleep(&n), "read");
}
END_TEST

/* After an unknown ACQUIRE the store tells what became of it. */
START_TEST(an_unknown_grant_is_resolved)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    (void)node_sleep(&n);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0), "acquire");
    (void)node_sleep(&n);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 9),
                     "standby(held)");
    ck_assert_uint_eq(node_status(&n).token_floor, 9);
}
END_TEST

/* A lease of its own from before: one that it served under, or that a former
 * process left, is given back when the grace is over, and a new one is
 * taken. */
START_TEST(an_old_lease_of_its_own_is_given_back)
{
    create((struct infra_failover_options) { .token_floor = 7 });
    node_until(&n, INFRA_LEASE_OP_READ);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 7), "");
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_MS(600)), "500 release");
    ck_assert_uint_eq(n.call.token, 7);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0), "read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0),
                     "acquiring(free) acquire");
    ck_assert_uint_eq(n.call.token, 7); /* A new one is to be greater. */
    (void)node_answer_clean(&n, 8);
    ck_assert_uint_eq(n.active, 8);
}
END_TEST

/* ACQUIRE is granted after it was given up: it is given back, once. */
START_TEST(a_late_grant_is_given_back)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    uint64_t call = n.call.id;
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_PAUSE),
                     "standby(command)");
    ck_assert_int_eq(reply(call, INFRA_LEASE_OUTCOME_GRANTED, 4), INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_str_eq(node_sleep(&n), "release");
    ck_assert_uint_eq(n.call.token, 4);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0), "read");
    /* Nor is it taken under that token again: the RELEASE may come twice. */
    ck_assert_uint_eq(node_status(&n).token_floor, 4);
}
END_TEST

/* Not so for a node that is still acquiring, and will see that it holds the
 * lease; for a holder; and for an answer that grants nothing. */
START_TEST(not_every_late_answer_is_given_back)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    uint64_t call = n.call.id;
    ck_assert_str_eq(node_sleep(&n), "read");
    ck_assert_int_eq(reply(call, INFRA_LEASE_OUTCOME_GRANTED, 4), INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 4), "renew");
    ck_assert_str_eq(node_answer_clean(&n, 4), "grace(granted)");
    ck_assert_str_eq(node_sleep(&n), "active(ready) ACTIVATE");
    ck_assert_int_eq(reply(call, INFRA_LEASE_OUTCOME_GRANTED, 9), INFRA_ESTALE);
    node_until(&n, INFRA_LEASE_OP_RENEW);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0),
                     "STOP cool-down(lost)");
    ck_assert_int_eq(reply(call, INFRA_LEASE_OUTCOME_CONFLICT, 9),
                     INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
}
END_TEST

/* A grant that was used arrives a second time, when the lease is about to be
 * given back: that is not hurried, as what was begun may still have effect. */
START_TEST(an_echo_of_a_grant_changes_nothing)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    uint64_t call = n.call.id;
    (void)node_answer_clean(&n, 4);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN),
                     "STOP draining(resign) cool-down(limit)");
    n.now += INFRA_MS(10);
    ck_assert_int_eq(reply(call, INFRA_LEASE_OUTCOME_GRANTED, 4), INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_str_eq(node_after(&n, INFRA_MS(490)), "release");
}
END_TEST

/* A grant that is over before it is heard of is given back. */
START_TEST(a_grant_may_be_too_late)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    ck_assert_str_eq(
        node_answer_as(&n,
                       (struct infra_lease_answer) {
                           .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                           .token = 2,
                           .ttl = INFRA_MS(500) }), /* The guard. */
        "standby(expired)");
    ck_assert_str_eq(node_sleep(&n), "release");
    ck_assert_uint_eq(n.call.token, 2);
    ck_assert_uint_eq(node_status(&n).activations, 0);
}
END_TEST

/* A store that grants a token that is not new was reset: no node serves under
 * it before the operator resumes, and not even then if it is not new. */
START_TEST(a_store_that_forgot_is_a_fault)
{
    create((struct infra_failover_options) { .token_floor = 40 });
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    ck_assert_str_eq(node_answer_clean(&n, 40), "fault(regressed) release");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    ck_assert_uint_eq(infra_failover_deadline(n.machine), INFRA_TIME_NEVER);
    ck_assert_str_eq(node_after(&n, INFRA_SEC(1000)), "");
    ck_assert_int_eq(infra_failover_fit(n.machine, 1, n.now), INFRA_OK);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_RESUME),
                     "cool-down(fit) standby(cooled) read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0),
                     "acquiring(free) acquire");
    ck_assert_uint_eq(n.call.token, 40);
    ck_assert_str_eq(node_answer_clean(&n, 41),
                     "grace(granted) active(ready) ACTIVATE");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failover_rules");
    TCase *lease = tcase_create("lease");
    TCase *doubt = tcase_create("doubt");

    tcase_add_checked_fixture(lease, setup, teardown);
    tcase_add_test(lease, who_hears_nothing_stops_in_time);
    tcase_add_test(lease, a_slow_grant_is_a_short_lease);
    tcase_add_test(lease, renewals_extend_it);
    tcase_add_test(lease, half_a_lease_counts_from_the_issue);
    tcase_add_test(lease, less_is_believed_and_more_is_not);
    tcase_add_test(lease, late_answers_do_not_count);
    tcase_add_test(lease, the_end_comes_before_the_answer);
    tcase_add_loop_test(lease, who_has_lost_it_stops_at_once, 0,
                        sizeof losses / sizeof losses[0]);
    suite_add_tcase(suite, lease);

    tcase_add_checked_fixture(doubt, setup, teardown);
    tcase_add_test(doubt, an_unknown_grant_is_adopted);
    tcase_add_test(doubt, a_former_holder_is_forgotten);
    tcase_add_test(doubt, an_adoption_may_fail);
    tcase_add_test(doubt, an_unknown_grant_is_resolved);
    tcase_add_test(doubt, an_old_lease_of_its_own_is_given_back);
    tcase_add_test(doubt, a_late_grant_is_given_back);
    tcase_add_test(doubt, not_every_late_answer_is_given_back);
    tcase_add_test(doubt, an_echo_of_a_grant_changes_nothing);
    tcase_add_test(doubt, a_grant_may_be_too_late);
    tcase_add_test(doubt, a_store_that_forgot_is_a_fault);
    suite_add_tcase(suite, doubt);
    return test_main(suite);
}
