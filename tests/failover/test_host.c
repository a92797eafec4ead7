/* SPDX-License-Identifier: MIT */
/* Failover: the host. How it stops, its workers, and what is held against
 * it. */
#include "node.h"
#include "support.h"

static struct node n;

static void teardown(void)
{
    node_destroy(&n);
}

static const char *drained(void)
{
    ck_assert_int_eq(infra_failover_drained(n.machine, n.now), INFRA_OK);
    return node_take(&n);
}

/* Without a drain it stops at once, and gives the lease back when what it began
 * can have no effect any more; it lets others go first for the hold-down. */
START_TEST(it_steps_down_at_once)
{
    node_create(&n,
                (struct infra_failover_options) { .hold_down = INFRA_SEC(20) });
    node_lead(&n, 1);
    infra_time begin = n.now;
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN),
                     "STOP draining(resign) cool-down(limit)");
    ck_assert_uint_eq(n.last.token, 1);
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(1)), "500 release");
    ck_assert_uint_eq(n.call.token, 1);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0), "");
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(19)),
                     "20000 standby(cooled) read");
}
END_TEST

/* The host that knows that nothing is in progress does not wait for the guard;
 * and not before it was told to stop. */
START_TEST(drained_gives_it_back_at_once)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    ck_assert_int_eq(infra_failover_drained(n.machine, n.now), INFRA_ESTALE);
    ck_assert_int_eq(infra_failover_command(
                         n.machine, INFRA_FAILOVER_COMMAND_STEP_DOWN, n.now),
                     INFRA_OK);
    ck_assert_int_eq(infra_failover_drained(n.machine, n.now), INFRA_ESTALE);
    (void)node_take(&n);
    ck_assert_str_eq(drained(), "release");
}
END_TEST

/* With a drain it takes nothing new for that time; when it says that it is
 * done, it stops and gives the lease back in the same moment. */
START_TEST(it_drains_before_it_stops)
{
    node_create(
        &n, (struct infra_failover_options) { .drain_timeout = INFRA_SEC(2) });
    node_lead(&n, 1);
    ck_assert_int_eq(infra_failover_command(
                         n.machine, INFRA_FAILOVER_COMMAND_STEP_DOWN, n.now),
                     INFRA_OK);
    ck_assert_int_eq(infra_failover_drained(n.machine, n.now), INFRA_ESTALE);
    ck_assert(infra_gate_admits(&n.gate, n.now, NULL));
    ck_assert_str_eq(node_take(&n), "DRAIN draining(resign)");
    ck_assert(!infra_gate_admits(&n.gate, n.now, NULL));
    ck_assert_uint_eq(n.last.valid_until, n.now + INFRA_SEC(2));
    ck_assert(infra_gate_is_open(&n.gate, n.now + INFRA_SEC(2) - 1, NULL));
    ck_assert(!infra_gate_is_open(&n.gate, n.now + INFRA_SEC(2), NULL));
    n.now += INFRA_SEC(1);
    ck_assert_str_eq(drained(), "STOP cool-down(drained) release");
    ck_assert_int_eq(infra_failover_drained(n.machine, n.now), INFRA_OK);
}
END_TEST

/* If it does not say so, it stops at the limit, also while it renews. */
START_TEST(a_drain_has_a_limit)
{
    node_create(
        &n, (struct infra_failover_options) { .drain_timeout = INFRA_SEC(2) });
    node_lead(&n, 1);
    (void)node_after(&n, INFRA_SEC(3));
    infra_time begin = n.now;
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    ck_assert_str_eq(node_renew(&n), "");
    ck_assert(infra_gate_is_open(&n.gate, n.now, NULL));
    ck_assert(!infra_gate_admits(&n.gate, n.now, NULL));
    ck_assert(!infra_gate_is_open(&n.gate, begin + INFRA_SEC(2), NULL));
    ck_assert_str_eq(node_diary(&n, begin, INFRA_MS(2000)),
                     "2000 STOP cool-down(limit)");
    ck_assert_str_eq(drained(), "release");
}
END_TEST

/* In doubt it drains while there is time for that, and the drain does not go on
 * past the lease. */
START_TEST(doubt_ends_in_a_drain)
{
    node_create(
        &n, (struct infra_failover_options) { .drain_timeout = INFRA_SEC(2),
                                              .call_timeout = INFRA_MS(1500) });
    node_lead(&n, 1);
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_SEC(10)),
                     "3333 renew, 4833 renew, 5000 doubt(late), 6333 renew, "
                     "7301 DRAIN draining(late), 7833 renew, "
                     "9301 STOP cool-down(expired), 9801 release");
}
END_TEST

/* However late the host comes to it, the drain does not go on past the
 * lease. */
START_TEST(a_drain_ends_with_the_lease)
{
    node_create(
        &n, (struct infra_failover_options) { .drain_timeout = INFRA_SEC(2) });
    node_lead(&n, 1);
    infra_time end = node_status(&n).valid_until;
    (void)node_diary(&n, n.now, INFRA_SEC(7));
    ck_assert_str_eq(node_at(&n, end - INFRA_SEC(1)),
                     "DRAIN draining(late) renew");
    ck_assert_uint_eq(n.last.kind, INFRA_FAILOVER_EVENT_CALL);
    ck_assert_uint_eq(n.last.valid_until, end);
    ck_assert(infra_gate_is_open(&n.gate, end - 1, NULL));
    ck_assert(!infra_gate_is_open(&n.gate, end, NULL));
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_UNKNOWN, 0);
    ck_assert_str_eq(node_sleep(&n), "renew");
    ck_assert_str_eq(node_sleep(&n), "STOP cool-down(expired)");
    ck_assert_uint_eq(n.now, end);
}
END_TEST

/* It steps down before the host has heard that it is active: nothing was begun,
 * so there is nothing to wait for; and the next time it drains as ever. */
START_TEST(what_never_served_does_not_drain)
{
    node_create(
        &n, (struct infra_failover_options) { .drain_timeout = INFRA_SEC(2) });
    node_lead(&n, 1);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    ck_assert_str_eq(drained(), "STOP cool-down(drained) release");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    const struct infra_lease_answer a = { .outcome =
                                              INFRA_LEASE_OUTCOME_GRANTED,
                                          .clean = 1,
                                          .token = 2,
                                          .ttl = n.ttl };
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &a, n.now),
                     INFRA_OK);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN),
                     "grace(granted) active(ready) draining(resign) "
                     "cool-down(drained) release");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    node_until(&n, INFRA_LEASE_OP_READ);
    node_lead(&n, 3);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN),
                     "DRAIN draining(resign)");
}
END_TEST

/* While a lease is waiting to be given back nothing else is asked. */
START_TEST(first_it_is_given_back)
{
    node_create(&n,
                (struct infra_failover_options) { .hold_down = INFRA_MS(100) });
    node_lead(&n, 1);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_MS(600)),
                     "100 standby(cooled), 500 release");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0), "read");
}
END_TEST

/* What was not told to serve has nothing to stop; but what is released is
 * clean for the next one, so it waits for the former holder first. */
START_TEST(grace_is_not_skipped_by_the_next)
{
    node_create(
        &n, (struct infra_failover_options) { .drain_timeout = INFRA_SEC(2) });
    ck_assert_str_eq(node_take_over(&n), "grace(granted)");
    n.now += INFRA_MS(200);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN),
                     "cool-down(resign)");
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_MS(400)), "300 release");
}
END_TEST

/* Workers that attest nothing for that time are taken for dead, and the node
 * hands over while it still can. */
START_TEST(no_progress_is_a_reason_to_stop)
{
    node_create(
        &n, (struct infra_failover_options) { .attest_age_max = INFRA_SEC(4) });
    node_lead(&n, 1);
    infra_time begin = n.now;
    ck_assert_str_eq(node_renew(&n), "");
    n.now = begin + INFRA_SEC(3);
    infra_gate_attest(&n.gate, n.now);
    n.now = begin + n.ttl / 3;
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(5)),
                     "6666 renew, "
                     "7000 STOP draining(stalled) cool-down(limit), "
                     "7500 release");
    ck_assert_uint_eq(node_status(&n).penalty, 999);
}
END_TEST

/* What was attested before it was told to serve, or by a clock of tomorrow,
 * does not count; its time begins when it is told. */
START_TEST(progress_counts_from_the_activation)
{
    node_create(
        &n, (struct infra_failover_options) { .attest_age_max = INFRA_SEC(2) });
    infra_gate_attest(&n.gate, n.now + INFRA_SEC(1000));
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    const struct infra_lease_answer a = { .outcome =
                                              INFRA_LEASE_OUTCOME_GRANTED,
                                          .clean = 1,
                                          .token = 1,
                                          .ttl = n.ttl };
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &a, n.now),
                     INFRA_OK);
    ck_assert_str_eq(node_after(&n, INFRA_MS(2100)),
                     "grace(granted) active(ready) ACTIVATE");
    infra_time begin = n.now;
    ck_assert_str_eq(node_diary(&n, begin, INFRA_MS(2000)),
                     "1233 renew, 2000 STOP draining(stalled) "
                     "cool-down(limit)");
}
END_TEST

/* A node that cannot serve drains, and stays in fault until it can; what is
 * left of the cool-down then is not spared it. */
START_TEST(an_unfit_node_is_in_fault)
{
    node_create(
        &n, (struct infra_failover_options) { .drain_timeout = INFRA_SEC(2) });
    node_lead(&n, 1);
    infra_time begin = n.now;
    ck_assert_str_eq(node_fit(&n, 0), "DRAIN draining(unfit)");
    n.now += INFRA_SEC(1);
    ck_assert_str_eq(drained(), "STOP cool-down(drained) fault(unfit) release");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    ck_assert_uint_eq(node_status(&n).penalty, 1000);
    ck_assert_uint_eq(infra_failover_deadline(n.machine), INFRA_TIME_NEVER);
    n.now += INFRA_SEC(4);
    ck_assert_str_eq(node_fit(&n, 1), "cool-down(fit)");
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(6)),
                     "11000 standby(cooled) read");
}
END_TEST

/* How an activity ends, and the penalty for it. */
static const struct {
    const char *how;
    uint32_t reason; /* Of the last change. */
    uint32_t penalty;
} ends[] = {
    { "resigned", INFRA_FAILOVER_REASON_LIMIT, 0 },
    { "asked", INFRA_FAILOVER_REASON_LIMIT, 0 },
    { "lost", INFRA_FAILOVER_REASON_LOST, 1000 },
    { "expired", INFRA_FAILOVER_REASON_EXPIRED, 1000 },
    { "unfit", INFRA_FAILOVER_REASON_UNFIT, 1000 },
    { "late", INFRA_FAILOVER_REASON_DRAINED, 1000 },
    { "resigned, and lost", INFRA_FAILOVER_REASON_LOST, 1000 },
};

/* An orderly end adds no penalty; any other end does. */
START_TEST(bad_ends_are_held_against_it)
{
    node_create(&n, (struct infra_failover_options) {
                        .drain_timeout = _i < 5 ? 0 : INFRA_SEC(2) });
    node_lead(&n, 1);
    switch (_i) {
    case 0:
        (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
        break;
    case 1:
        node_until(&n, INFRA_LEASE_OP_RENEW);
        (void)node_answer_as(&n, (struct infra_lease_answer) {
                                     .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                     .token = 1,
                                     .ttl = n.ttl,
                                     .handover_request = 9 });
        break;
    case 2:
        node_until(&n, INFRA_LEASE_OP_RENEW);
        (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
        break;
    case 3:
        while (n.role != INFRA_FAILOVER_ROLE_COOLDOWN) {
            (void)node_sleep(&n);
        }
        break;
    case 4:
        (void)node_fit(&n, 0);
        break;
    case 5:
        while (n.role != INFRA_FAILOVER_ROLE_DRAINING) {
            (void)node_sleep(&n);
        }
        (void)drained();
        break;
    default:
        node_until(&n, INFRA_LEASE_OP_RENEW);
        (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
        (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
        break;
    }
    ck_assert_uint_eq(n.reason, ends[_i].reason);
    ck_assert_msg(node_status(&n).penalty == ends[_i].penalty, "%s",
                  ends[_i].how);
}
END_TEST

/* Thrice in a row is a habit: eight times the hold-down while others have the
 * lease, until the penalty has faded. */
START_TEST(who_fails_often_is_held_down_longer)
{
    node_create(&n, (struct infra_failover_options) { .hold_down = INFRA_SEC(1),
                                                      .penalty_half_life =
                                                          INFRA_SEC(10000) });
    for (uint64_t i = 0; i < 3; i++) {
        node_lead(&n, i + 10);
        node_until(&n, INFRA_LEASE_OP_RENEW);
        (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
        infra_time lost = n.now;
        while (n.role == INFRA_FAILOVER_ROLE_COOLDOWN) {
            (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 9);
            (void)node_sleep(&n);
        }
        ck_assert_str_eq(n.heard, "standby(cooled) read");
        ck_assert_uint_eq(n.now - lost, INFRA_SEC(i < 2 ? 1 : 8));
    }
}
END_TEST

int main(void)
{
    static void (*const no_setup)(void) = NULL;
    Suite *suite = suite_create("failover_host");
    TCase *stop = tcase_create("stop");
    TCase *conduct = tcase_create("conduct");

    tcase_add_checked_fixture(stop, no_setup, teardown);
    tcase_add_test(stop, it_steps_down_at_once);
    tcase_add_test(stop, drained_gives_it_back_at_once);
    tcase_add_test(stop, it_drains_before_it_stops);
    tcase_add_test(stop, a_drain_has_a_limit);
    tcase_add_test(stop, doubt_ends_in_a_drain);
    tcase_add_test(stop, a_drain_ends_with_the_lease);
    tcase_add_test(stop, what_never_served_does_not_drain);
    tcase_add_test(stop, first_it_is_given_back);
    tcase_add_test(stop, grace_is_not_skipped_by_the_next);
    suite_add_tcase(suite, stop);

    tcase_add_checked_fixture(conduct, no_setup, teardown);
    tcase_add_test(conduct, no_progress_is_a_reason_to_stop);
    tcase_add_test(conduct, progress_counts_from_the_activation);
    tcase_add_test(conduct, an_unfit_node_is_in_fault);
    tcase_add_loop_test(conduct, bad_ends_are_held_against_it, 0,
                        sizeof ends / sizeof ends[0]);
    tcase_add_test(conduct, who_fails_often_is_held_down_longer);
    suite_add_tcase(suite, conduct);
    return test_main(suite);
}
