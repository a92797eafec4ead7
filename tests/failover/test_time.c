/* SPDX-License-Identifier: MIT */
/* Failover: the host's clock. It stands still, jumps on, and goes back. */
#include "node.h"
#include "support.h"

static struct node n;

static void teardown(void)
{
    node_destroy(&n);
}

/* It stood still while it waited: it may have waited on a clock that jumped, so
 * nothing begins before a renewal that was asked for afterwards. */
START_TEST(after_a_pause_grace_is_verified)
{
    node_create(&n,
                (struct infra_failover_options) { .grace = INFRA_MS(3500) });
    (void)node_take_over(&n);
    ck_assert_str_eq(node_sleep(&n), "renew");
    uint64_t before = n.call.id;
    ck_assert_str_eq(node_after(&n, INFRA_SEC(3)), "renew");
    ck_assert_str_eq(node_after(&n, INFRA_MS(200)), "");
    const struct infra_lease_answer a = {
        .outcome = INFRA_LEASE_OUTCOME_GRANTED, .token = 1, .ttl = n.ttl
    };
    ck_assert_int_eq(infra_failover_answer(n.machine, before, &a, n.now),
                     INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1),
                     "active(ready) ACTIVATE");
}
END_TEST

/* Nor is what it has to wait for over because the clock went on. */
START_TEST(after_a_pause_grace_goes_on)
{
    node_create(&n, (struct infra_failover_options) { .grace = INFRA_SEC(2) });
    (void)node_take_over(&n);
    ck_assert_str_eq(node_after(&n, INFRA_MS(500)), "");
    ck_assert_str_eq(node_after(&n, INFRA_SEC(7)), "renew");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1), "");
    ck_assert_str_eq(node_after(&n, INFRA_MS(1500) - 1), "");
    ck_assert_str_eq(node_after(&n, 1), "active(ready) ACTIVATE");
}
END_TEST

/* The same while a fence is awaited, though nothing but the next renewal is due
 * after the grace: the clock jumps over that wait, and the fence works. Found
 * by the simulator in seed 2257627. */
START_TEST(after_a_jump_with_a_fence_grace_goes_on)
{
    node_create(&n, (struct infra_failover_options) {
                        .grace = INFRA_MS(1500),
                        .fence_policy = INFRA_FAILOVER_FENCE_TRY });
    ck_assert_str_eq(node_take_over(&n), "grace(granted) FENCE");
    ck_assert_str_eq(node_after(&n, INFRA_MS(5700)), "renew");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1), "");
    ck_assert_int_eq(infra_failover_answer_fence(n.machine, n.fence.call.id,
                                                 INFRA_ORDER_DONE, n.now),
                     INFRA_OK);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_str_eq(node_after(&n, INFRA_MS(1500) - 1), "");
    ck_assert_str_eq(node_after(&n, 1), "active(ready) ACTIVATE");
}
END_TEST

/* A node that waits for a fence is woken once when the grace is over, not
 * again and again. */
START_TEST(a_fence_is_awaited_in_peace)
{
    node_create(&n, (struct infra_failover_options) {
                        .grace = INFRA_MS(1500),
                        .fence_policy = INFRA_FAILOVER_FENCE_TRY });
    (void)node_take_over(&n);
    infra_time granted = n.now;
    ck_assert_uint_eq(infra_failover_deadline(n.machine),
                      granted + INFRA_MS(1500));
    ck_assert_str_eq(node_sleep(&n), "");
    ck_assert_str_eq(node_sleep(&n), "renew");
    ck_assert_uint_gt(n.now, granted + INFRA_SEC(3));
}
END_TEST

/* An active node that stood still is in doubt until it is renewed; it goes on,
 * as its lease holds, and is not told so twice. */
START_TEST(after_a_pause_it_is_in_doubt)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    infra_time due = infra_failover_deadline(n.machine);
    ck_assert_str_eq(node_at(&n, due + n.ttl / 4 + 1), "doubt(pause) renew");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1),
                     "active(renewed)");
}
END_TEST

/* Up to pause_max late is late, and no more. */
START_TEST(late_is_no_pause)
{
    node_create(&n,
                (struct infra_failover_options) { .pause_max = INFRA_SEC(1) });
    node_lead(&n, 1);
    infra_time due = infra_failover_deadline(n.machine);
    ck_assert_str_eq(node_at(&n, due + INFRA_SEC(1)), "renew");
}
END_TEST

/* Grace was over while it stood still: it asks for a renewal at once, though
 * none was due. */
START_TEST(after_a_pause_it_asks_at_once)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    (void)node_take_over(&n);
    ck_assert_str_eq(node_after(&n, INFRA_MS(3050)), "renew");
}
END_TEST

/* It stood still before it heard that it is active: it does not begin in doubt,
 * but when it is renewed. */
START_TEST(nobody_begins_in_doubt)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    const struct infra_lease_answer a = { .outcome =
                                              INFRA_LEASE_OUTCOME_GRANTED,
                                          .clean = 1,
                                          .token = 1,
                                          .ttl = n.ttl };
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &a, n.now),
                     INFRA_OK);
    ck_assert_str_eq(node_after(&n, INFRA_SEC(3)),
                     "grace(granted) active(ready) doubt(pause) renew");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1),
                     "active(renewed) ACTIVATE");
}
END_TEST

/* An answer that was on its way before the pause tells nothing of after it. */
START_TEST(a_pause_voids_the_call_that_is_out)
{
    node_create(&n,
                (struct infra_failover_options) { .pause_max = INFRA_MS(100) });
    node_lead(&n, 1);
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_MS(4500)),
                     "3333 renew, 4333 renew");
    uint64_t before = n.call.id;
    n.now += INFRA_MS(650); /* It was to be in doubt at 5000. */
    ck_assert_uint_lt(n.now, n.call.deadline);
    const struct infra_lease_answer a = {
        .outcome = INFRA_LEASE_OUTCOME_GRANTED, .token = 1, .ttl = n.ttl
    };
    ck_assert_int_eq(infra_failover_answer(n.machine, before, &a, n.now),
                     INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "doubt(pause) renew");
}
END_TEST

/* A host that answers and then sleeps until the deadline, without taking what
 * there is (nothing), did not stand still. */
START_TEST(sleeping_is_no_pause)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    (void)node_sleep(&n);
    const struct infra_lease_answer a = {
        .outcome = INFRA_LEASE_OUTCOME_GRANTED, .token = 1, .ttl = n.ttl
    };
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &a, n.now),
                     INFRA_OK);
    ck_assert_str_eq(node_sleep(&n), "renew");
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &a, n.now),
                     INFRA_OK);
    ck_assert_int_eq(infra_failover_drained(n.machine, n.now), INFRA_ESTALE);
    ck_assert_str_eq(node_sleep(&n), "renew");
}
END_TEST

/* A pause before the lease is given back: it may be the clock alone that
 * passed, so what was begun gets the guard again. */
START_TEST(a_pause_is_not_the_guard)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    infra_time due = infra_failover_deadline(n.machine);
    ck_assert_str_eq(node_at(&n, due + INFRA_SEC(3)), "");
    ck_assert_str_eq(node_after(&n, INFRA_MS(500)), "release");
}
END_TEST

/* Threads read their clocks in another order: half the guard back is nothing,
 * and lengthens nothing. */
START_TEST(a_little_back_is_the_same_time)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    infra_time now = n.now;
    ck_assert_str_eq(node_sleep(&n), "renew");
    infra_time issue = n.now;
    n.now -= INFRA_MS(250);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1), "");
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_ACTIVE);
    ck_assert_uint_eq(node_status(&n).valid_until - issue,
                      INFRA_SEC(10) * 99 / 101 - INFRA_MS(500));
    ck_assert_uint_ge(infra_failover_deadline(n.machine), now);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    ck_assert_uint_eq(node_status(&n).since, issue);
    n.now = issue - INFRA_MS(250) - 1;
    ck_assert_str_eq(node_take(&n), "fault(clock)");
}
END_TEST

/* Further back is another clock: nothing that was counted on it holds. It
 * stops, gives the lease back by the new clock, and waits for the operator. */
START_TEST(a_clock_that_goes_back_is_a_fault)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    (void)node_sleep(&n);
    n.now -= INFRA_SEC(50);
    infra_time begin = n.now;
    ck_assert_str_eq(node_take(&n), "STOP fault(clock)");
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(1)), "500 release");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    ck_assert_str_eq(node_fit(&n, 1), "");
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_RESUME),
                     "cool-down(fit)");
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(9)),
                     "10000 standby(cooled) read");
}
END_TEST

/* In grace, too, and the whole grace is waited for on the new clock before the
 * lease is given back: the part that has passed is not known. */
START_TEST(a_clock_that_goes_back_begins_the_grace_anew)
{
    node_create(&n, (struct infra_failover_options) { .grace = INFRA_SEC(1) });
    (void)node_take_over(&n);
    n.now -= INFRA_SEC(20);
    infra_time begin = n.now;
    ck_assert_str_eq(node_take(&n), "fault(clock)");
    ck_assert_str_eq(node_diary(&n, begin, INFRA_MS(1500)), "1000 release");
}
END_TEST

/* So is every wait: to release, to cool down, to look. */
START_TEST(no_time_of_the_old_clock_is_waited_for)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    n.now -= INFRA_SEC(50);
    infra_time begin = n.now;
    ck_assert_str_eq(node_take(&n), "fault(clock)");
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_RESUME),
                     "cool-down(fit)");
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(1)), "500 release");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(9)),
                     "10000 standby(cooled) read");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 7);
    n.now -= INFRA_SEC(5);
    ck_assert_str_eq(node_take(&n), "fault(clock)");
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_RESUME),
                     "cool-down(fit) standby(cooled) read");
}
END_TEST

/* Nor for the answer to what was asked by it. */
START_TEST(a_call_of_the_old_clock_is_off)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    n.now -= INFRA_SEC(5);
    ck_assert_str_eq(node_take(&n), "STOP fault(clock)");
    ck_assert_str_eq(node_after(&n, INFRA_MS(500)), "release");
    n.now -= INFRA_SEC(50);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_str_eq(node_after(&n, INFRA_MS(500)), "release");
}
END_TEST

/* Nor to ask the holder again, or to leave the lease to another. */
START_TEST(courtesy_of_the_old_clock_is_off)
{
    node_create(&n, (struct infra_failover_options) {
                        .preempt = 1, .preference = 100, .token_floor = 7 });
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 7);
    ck_assert_str_eq(node_sleep(&n), "request");
    (void)node_sleep(&n);
    const struct infra_lease_answer asked = { .outcome =
                                                  INFRA_LEASE_OUTCOME_LOST,
                                              .handover_request = 200 };
    node_until(&n, INFRA_LEASE_OP_READ);
    ck_assert_str_eq(node_answer_as(&n, asked), "");
    n.now -= INFRA_SEC(50);
    (void)node_take(&n);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_RESUME),
                     "cool-down(fit) standby(cooled) read");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 7);
    ck_assert_str_eq(node_sleep(&n), "request");
    node_until(&n, INFRA_LEASE_OP_READ);
    ck_assert_str_eq(node_answer_as(&n, asked), "acquiring(free) acquire");
}
END_TEST

/* A penalty fades by the new clock. */
START_TEST(penalties_fade_by_the_new_clock)
{
    node_create(&n, (struct infra_failover_options) { .penalty_half_life =
                                                          INFRA_SEC(10) });
    node_lead(&n, 1);
    node_until(&n, INFRA_LEASE_OP_RENEW);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    n.now -= INFRA_SEC(50);
    ck_assert_str_eq(node_take(&n), "fault(clock)");
    (void)node_after(&n, INFRA_SEC(10));
    ck_assert_uint_eq(node_status(&n).penalty, 500);
}
END_TEST

int main(void)
{
    static void (*const no_setup)(void) = NULL;
    Suite *suite = suite_create("failover_time");
    TCase *time = tcase_create("time");

    tcase_add_checked_fixture(time, no_setup, teardown);
    tcase_add_test(time, after_a_pause_grace_is_verified);
    tcase_add_test(time, after_a_pause_grace_goes_on);
    tcase_add_test(time, after_a_jump_with_a_fence_grace_goes_on);
    tcase_add_test(time, a_fence_is_awaited_in_peace);
    tcase_add_test(time, after_a_pause_it_is_in_doubt);
    tcase_add_test(time, a_pause_voids_the_call_that_is_out);
    tcase_add_test(time, sleeping_is_no_pause);
    tcase_add_test(time, a_pause_is_not_the_guard);
    tcase_add_test(time, a_little_back_is_the_same_time);
    tcase_add_test(time, a_clock_that_goes_back_is_a_fault);
    tcase_add_test(time, a_clock_that_goes_back_begins_the_grace_anew);
    tcase_add_test(time, no_time_of_the_old_clock_is_waited_for);
    tcase_add_test(time, late_is_no_pause);
    tcase_add_test(time, after_a_pause_it_asks_at_once);
    tcase_add_test(time, nobody_begins_in_doubt);
    tcase_add_test(time, a_call_of_the_old_clock_is_off);
    tcase_add_test(time, courtesy_of_the_old_clock_is_off);
    tcase_add_test(time, penalties_fade_by_the_new_clock);
    suite_add_tcase(suite, time);
    return test_main(suite);
}
