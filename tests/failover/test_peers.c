/* SPDX-License-Identifier: MIT */
/* Failover: the other nodes. Preference, handover requests, commands of the
 * operator, and the fence against the former holder. */
#include "node.h"
#include "support.h"

#include <string.h>

#define OPERATOR 256u /* The request of one, which is above any preference. */

static struct node n;

static void teardown(void)
{
    node_destroy(&n);
}

static const char *renew_with(uint64_t request)
{
    node_until(&n, INFRA_LEASE_OP_RENEW);
    return node_answer_as(&n, (struct infra_lease_answer) {
                                  .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                  .token = node_status(&n).token,
                                  .ttl = n.ttl,
                                  .handover_request = request });
}

static const char *free_with(uint64_t request)
{
    return node_answer_as(
        &n, (struct infra_lease_answer) { .outcome = INFRA_LEASE_OUTCOME_LOST,
                                          .handover_request = request });
}

/* What a candidate finds, and what it does: client-go's table of elections, and
 * what Patroni's replicas do. The holder's record is the store's matter
 * here. */
static const struct {
    const char *name;
    uint32_t outcome;
    uint64_t token;
    const char *then;
} finds[] = {
    { "no record", INFRA_LEASE_OUTCOME_LOST, 0, "acquiring(free) acquire" },
    { "a record that ran out", INFRA_LEASE_OUTCOME_LOST, 8,
      "acquiring(free) acquire" },
    { "another's", INFRA_LEASE_OUTCOME_CONFLICT, 8, "" },
    { "its own", INFRA_LEASE_OUTCOME_GRANTED, 8, "acquiring(free) renew" },
    { "an error", INFRA_LEASE_OUTCOME_UNKNOWN, 0, "" },
};

START_TEST(a_candidate_looks_before_it_asks)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_until(&n, INFRA_LEASE_OP_READ);
    const char *then = node_answer(&n, finds[_i].outcome, finds[_i].token);
    ck_assert_msg(strcmp(then, finds[_i].then) == 0, "%s: %s", finds[_i].name,
                  then);
}
END_TEST

/* Three policies, how the fence ended, and what follows. The ttl is 10 s, the
 * grace 500 ms. */
static const struct {
    uint32_t policy;
    uint32_t outcome;
    infra_time after; /* In milliseconds since it held the lease. */
    const char *then;
    const char *diary;
} fences[] = {
    { INFRA_FAILOVER_FENCE_REQUIRE, INFRA_ORDER_DONE, 100, "",
      "500 active(ready) ACTIVATE" },
    { INFRA_FAILOVER_FENCE_REQUIRE, INFRA_ORDER_DONE, 600,
      "active(ready) ACTIVATE", "" },
    /* Not released: a released lease needs no fence. */
    { INFRA_FAILOVER_FENCE_REQUIRE, INFRA_ORDER_FAILED, 100, "cool-down(fence)",
      "" },
    { INFRA_FAILOVER_FENCE_REQUIRE, INFRA_ORDER_UNKNOWN, 100,
      "cool-down(fence)", "" },
    { INFRA_FAILOVER_FENCE_TRY, INFRA_ORDER_DONE, 600, "active(ready) ACTIVATE",
      "" },
};

START_TEST(a_fence_is_waited_for)
{
    node_create(&n, (struct infra_failover_options) { .fence_policy =
                                                          fences[_i].policy });
    ck_assert_str_eq(node_take_over(&n), "grace(granted) FENCE");
    ck_assert_uint_eq(n.fence.token, 1);
    infra_time begin = n.now;
    ck_assert_str_eq(node_diary(&n, begin, INFRA_MS(fences[_i].after)), "");
    ck_assert_str_eq(node_fenced(&n, fences[_i].outcome), fences[_i].then);
    ck_assert_int_eq(infra_failover_answer_fence(n.machine, n.fence.call.id,
                                                 INFRA_ORDER_DONE, n.now),
                     INFRA_ESTALE);
    ck_assert_str_eq(node_diary(&n, begin, INFRA_MS(2500)), fences[_i].diary);
}
END_TEST

/* TRY: what could not be shut out is given another ttl and the grace, renewing
 * all the while. */
START_TEST(a_fence_that_failed_costs_a_ttl)
{
    node_create(&n, (struct infra_failover_options) {
                        .fence_policy = INFRA_FAILOVER_FENCE_TRY });
    (void)node_take_over(&n);
    (void)node_after(&n, INFRA_SEC(2));
    ck_assert_str_eq(node_fenced(&n, INFRA_ORDER_FAILED), "");
    infra_time failed = n.now;
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(node_renew(&n), "");
    }
    ck_assert_str_eq(node_sleep(&n), "active(ready) ACTIVATE");
    ck_assert_uint_eq(n.now, failed + INFRA_MS(10500));
}
END_TEST

/* Until the fence is answered no node is active, however long that takes. */
START_TEST(no_answer_is_no_fence)
{
    node_create(&n, (struct infra_failover_options) {
                        .fence_policy = INFRA_FAILOVER_FENCE_TRY });
    (void)node_take_over(&n);
    for (int i = 0; i < 100; i++) {
        ck_assert_str_eq(node_renew(&n), "");
    }
    ck_assert_str_eq(node_fenced(&n, INFRA_ORDER_DONE),
                     "active(ready) ACTIVATE");
}
END_TEST

/* The former holder gave it back in order: nothing to wait for. */
START_TEST(a_clean_grant_needs_no_fence)
{
    node_create(&n, (struct infra_failover_options) {
                        .fence_policy = INFRA_FAILOVER_FENCE_REQUIRE,
                        .grace = INFRA_SEC(60) });
    node_lead(&n, 1);
}
END_TEST

/* An answer for another attempt, or after the node gave up, is not used. */
START_TEST(a_late_fence_does_not_count)
{
    node_create(&n, (struct infra_failover_options) {
                        .fence_policy = INFRA_FAILOVER_FENCE_REQUIRE });
    (void)node_take_over(&n);
    ck_assert_int_eq(infra_failover_answer_fence(n.machine, n.fence.call.id + 1,
                                                 INFRA_ORDER_DONE, n.now),
                     INFRA_ESTALE);
    ck_assert_str_eq(node_after(&n, INFRA_SEC(1)), "");
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    ck_assert_int_eq(infra_failover_answer_fence(n.machine, n.fence.call.id,
                                                 INFRA_ORDER_DONE, n.now),
                     INFRA_ESTALE);
}
END_TEST

/* A grace longer than the lease is spent renewing. */
START_TEST(a_long_grace_is_renewed)
{
    node_create(&n, (struct infra_failover_options) { .grace = INFRA_SEC(60) });
    (void)node_take_over(&n);
    infra_time begin = n.now;
    while (n.now < begin + INFRA_SEC(58)) {
        ck_assert_str_eq(node_renew(&n), "");
    }
    ck_assert_str_eq(node_at(&n, begin + INFRA_SEC(60)),
                     "active(ready) ACTIVATE");
}
END_TEST

/* After a take-over that failed it does not race for a ttl, as in Patroni when
 * what comes before the promotion fails. */
START_TEST(a_failed_take_over_lets_others_go_first)
{
    node_create(&n, (struct infra_failover_options) {
                        .fence_policy = INFRA_FAILOVER_FENCE_REQUIRE });
    (void)node_take_over(&n);
    infra_time begin = n.now;
    ck_assert_str_eq(node_fenced(&n, INFRA_ORDER_FAILED), "cool-down(fence)");
    ck_assert_uint_eq(node_status(&n).penalty, 1000);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    ck_assert_str_eq(node_diary(&n, begin, INFRA_SEC(10)),
                     "10000 standby(cooled) read");
}
END_TEST

/* A node that would rather have it says so to the holder, twice a ttl, naming
 * the token that it means; one that would not, or may not, says nothing. */
static const struct {
    struct infra_failover_options o;
    uint32_t command; /* After START; UINT32_MAX: none. */
    int unfit;
    uint64_t handover_request; /* 0: it does not ask. */
} askers[] = {
    { { .preference = 100, .preempt = 1 }, UINT32_MAX, 0, 100 },
    { { .preference = 100 }, UINT32_MAX, 0, 0 },
    { { .preempt = 1 }, UINT32_MAX, 0, 0 },
    { { .preference = 100, .preempt = 1 }, UINT32_MAX, 1, 0 },
    { { .preference = 100, .preempt = 1 }, INFRA_FAILOVER_COMMAND_PAUSE, 0, 0 },
    { { .preference = 100 }, INFRA_FAILOVER_COMMAND_TAKE_OVER, 0, OPERATOR },
};

START_TEST(who_would_rather_have_it_asks)
{
    uint64_t asked = 0;

    struct infra_failover_options o = askers[_i].o;
    o.token_floor = 50; /* Which is not what the holder has. */
    node_create(&n, o);
    if (askers[_i].command != UINT32_MAX) {
        (void)node_command(&n, askers[_i].command);
    }
    (void)node_take(&n);
    if (askers[_i].unfit) {
        (void)infra_failover_fit(n.machine, 0, n.now);
        (void)node_take(&n);
    }
    infra_time end = n.now + INFRA_MS(14500);
    while (n.now < end && infra_failover_deadline(n.machine) < end) {
        (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 7);
        (void)node_sleep(&n);
        if (n.call.op == INFRA_LEASE_OP_REQUEST) {
            asked++;
            ck_assert_uint_eq(n.call.handover_request,
                              askers[_i].handover_request);
            ck_assert_uint_eq(n.call.token, 7);
        }
    }
    ck_assert_uint_eq(asked, askers[_i].handover_request != 0 ? 3 : 0);
}
END_TEST

/* A request, and how the holder takes it: preference 100, tenure of a
 * minute. */
static const struct {
    uint64_t request;
    infra_time after; /* Seconds of being active. */
    int is_paused;
    int yields;
} requests[] = {
    { 0, 120, 0, 0 },          { 99, 120, 0, 0 },      { 100, 120, 0, 0 },
    { 101, 120, 0, 1 },        { 101, 30, 0, 0 },      { 101, 120, 1, 0 },
    { OPERATOR, 120, 0, 1 },   { OPERATOR, 30, 0, 1 }, { OPERATOR, 120, 1, 0 },
    { OPERATOR + 1, 9, 0, 0 },
};

START_TEST(who_is_asked_may_yield)
{
    node_create(&n, (struct infra_failover_options) {
                        .preference = 100, .tenure_min = INFRA_SEC(60) });
    node_lead(&n, 1);
    infra_time begin = n.now;
    if (requests[_i].is_paused) {
        (void)node_command(&n, INFRA_FAILOVER_COMMAND_PAUSE);
    }
    while (n.now < begin + INFRA_SEC(requests[_i].after)) {
        ck_assert_str_eq(node_renew(&n), "");
    }
    ck_assert_str_eq(
        renew_with(requests[_i].request),
        requests[_i].yields ? "STOP draining(requested) cool-down(limit)" : "");
}
END_TEST

/* The tenure is over when it is over, and not a nanosecond before. */
START_TEST(tenure_ends_in_time)
{
    node_create(
        &n, (struct infra_failover_options) { .tenure_min = INFRA_SEC(10) });
    node_lead(&n, 1);
    infra_time end = n.now + INFRA_SEC(10);
    (void)node_renew(&n);
    (void)node_renew(&n);
    ck_assert_str_eq(node_sleep(&n), "renew");
    n.now = end - (infra_time)_i;
    const struct infra_lease_answer asked = { .outcome =
                                                  INFRA_LEASE_OUTCOME_GRANTED,
                                              .token = 1,
                                              .ttl = n.ttl,
                                              .handover_request = 1 };
    ck_assert_str_eq(node_answer_as(&n, asked),
                     _i == 0 ? "STOP draining(requested) cool-down(limit)"
                             : "");
}
END_TEST

/* A node that yields comes back in a third of the ttl, or after its hold-down
 * if that is shorter, should the preferred node not come. */
START_TEST(who_yields_is_soon_back)
{
    node_create(&n, (struct infra_failover_options) {
                        .hold_down = INFRA_SEC((uint64_t)_i) });
    node_lead(&n, 1);
    (void)renew_with(9);
    infra_time begin = n.now;
    (void)node_after(&n, INFRA_MS(500));
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    ck_assert_str_eq(node_sleep(&n), "standby(cooled) read");
    ck_assert_uint_eq(n.now,
                      begin + (_i == 0 ? n.ttl / 3 : INFRA_SEC((uint64_t)_i)));
}
END_TEST

/* A free lease is left to a preferred node that requested it, for two call
 * timeouts: not to a node of less preference, and not for longer. */
START_TEST(a_free_lease_is_left_to_who_asked)
{
    node_create(&n, (struct infra_failover_options) { .preference = 100,
                                                      .token_floor = 5 });
    node_until(&n, INFRA_LEASE_OP_READ);
    infra_time begin = n.now;
    while (free_with(101)[0] == '\0') {
        ck_assert_uint_lt(n.now, begin + INFRA_SEC(2));
        ck_assert_str_eq(node_sleep(&n), "read");
    }
    ck_assert_uint_ge(n.now, begin + INFRA_SEC(2));
    ck_assert_uint_lt(n.now, begin + INFRA_MS(2500));
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_ACQUIRING);
    /* Another node had it, and it is free again: another wait. */
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 6);
    ck_assert_str_eq(node_sleep(&n), "read");
    ck_assert_str_eq(free_with(101), "");
    ck_assert_str_eq(node_sleep(&n), "read");
    ck_assert_str_eq(free_with(100), "acquiring(free) acquire");
}
END_TEST

/* TAKE_OVER takes a free lease whatever was requested, out of the cool-down,
 * and in a pause that began before; the holder gets the operator's request. */
START_TEST(take_over_goes_first)
{
    node_create(&n, (struct infra_failover_options) { .token_floor = 5 });
    node_lead(&n, 6);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    (void)node_after(&n, INFRA_MS(500));
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_PAUSE);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_TAKE_OVER),
                     "standby(command) read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 7), "");
    ck_assert_str_eq(node_sleep(&n), "request");
    ck_assert_uint_eq(n.call.handover_request, OPERATOR);
    const struct infra_lease_answer done = { .outcome =
                                                 INFRA_LEASE_OUTCOME_GRANTED };
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &done, n.now),
                     INFRA_OK);
    ck_assert_str_eq(node_sleep(&n), "read");
    ck_assert_str_eq(free_with(OPERATOR), "acquiring(free) acquire");
    (void)node_answer_clean(&n, 8);
    ck_assert_uint_eq(n.active, 8);
    /* That order is carried out: it does not hold for the next time. */
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    node_until(&n, INFRA_LEASE_OP_READ);
    ck_assert_str_eq(free_with(0), ""); /* It is paused. */
}
END_TEST

/* It goes first at once: it does not wait for the next look, nor until it may
 * ask again; and a node that is acquiring the lease already goes on. */
START_TEST(take_over_does_not_wait)
{
    node_create(
        &n, (struct infra_failover_options) { .preempt = 1, .preference = 9 });
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 3);
    ck_assert_str_eq(node_sleep(&n), "request");
    ck_assert_uint_eq(n.call.handover_request, 9);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_TAKE_OVER),
                     "request");
    ck_assert_uint_eq(n.call.handover_request, OPERATOR);
    node_until(&n, INFRA_LEASE_OP_READ);
    ck_assert_str_eq(free_with(0), "acquiring(free) acquire");
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_TAKE_OVER), "");
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_ACQUIRING);
}
END_TEST

/* The active may be told, too: nothing happens, and nothing is left of it. */
START_TEST(take_over_of_the_active_is_nothing)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_TAKE_OVER), "");
    (void)renew_with(9);
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_SEC(1)), "500 release");
}
END_TEST

/* PAUSE: the active goes on, a standby does not begin, also not what it found
 * to be its own, and a TAKE_OVER from before is off; until RESUME. */
START_TEST(a_pause_changes_nothing)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_TAKE_OVER);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_PAUSE), "");
    ck_assert_str_eq(free_with(0), "");
    ck_assert_str_eq(node_sleep(&n), "read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 3), "");
    ck_assert_str_eq(node_sleep(&n), "release");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_RESUME);
    node_lead(&n, 4);
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_PAUSE), "");
    ck_assert_str_eq(node_renew(&n), "");
    ck_assert_str_eq(renew_with(OPERATOR), "");
    ck_assert_str_eq(node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN),
                     "STOP draining(resign) cool-down(limit)");
}
END_TEST

/* A standby that is not fit does not take a lease, nor keep one. */
START_TEST(who_is_not_fit_does_not_race)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    ck_assert_int_eq(infra_failover_fit(n.machine, 0, n.now), INFRA_OK);
    ck_assert_str_eq(node_take(&n), "fault(unfit)");
    const struct infra_lease_answer a = {
        .outcome = INFRA_LEASE_OUTCOME_GRANTED, .token = 1, .ttl = n.ttl
    };
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &a, n.now),
                     INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
    ck_assert_int_eq(infra_failover_fit(n.machine, 1, n.now), INFRA_OK);
    ck_assert_str_eq(node_take(&n), "cool-down(fit) standby(cooled)");
    ck_assert_str_eq(node_sleep(&n), "release");
}
END_TEST

int main(void)
{
    static void (*const no_setup)(void) = NULL;
    Suite *suite = suite_create("failover_peers");
    TCase *race = tcase_create("race");
    TCase *fence = tcase_create("fence");
    TCase *request = tcase_create("request");
    TCase *orders = tcase_create("orders");

    tcase_add_checked_fixture(race, no_setup, teardown);
    tcase_add_loop_test(race, a_candidate_looks_before_it_asks, 0,
                        sizeof finds / sizeof finds[0]);
    tcase_add_test(race, who_is_not_fit_does_not_race);
    suite_add_tcase(suite, race);

    tcase_add_checked_fixture(fence, no_setup, teardown);
    tcase_add_loop_test(fence, a_fence_is_waited_for, 0,
                        sizeof fences / sizeof fences[0]);
    tcase_add_test(fence, a_fence_that_failed_costs_a_ttl);
    tcase_add_test(fence, no_answer_is_no_fence);
    tcase_add_test(fence, a_clean_grant_needs_no_fence);
    tcase_add_test(fence, a_late_fence_does_not_count);
    tcase_add_test(fence, a_long_grace_is_renewed);
    tcase_add_test(fence, a_failed_take_over_lets_others_go_first);
    suite_add_tcase(suite, fence);

    tcase_add_checked_fixture(request, no_setup, teardown);
    tcase_add_loop_test(request, who_would_rather_have_it_asks, 0,
                        sizeof askers / sizeof askers[0]);
    tcase_add_loop_test(request, who_is_asked_may_yield, 0,
                        sizeof requests / sizeof requests[0]);
    tcase_add_loop_test(request, tenure_ends_in_time, 0, 2);
    tcase_add_loop_test(request, who_yields_is_soon_back, 0, 3);
    tcase_add_test(request, a_free_lease_is_left_to_who_asked);
    suite_add_tcase(suite, request);

    tcase_add_checked_fixture(orders, no_setup, teardown);
    tcase_add_test(orders, take_over_goes_first);
    tcase_add_test(orders, take_over_does_not_wait);
    tcase_add_test(orders, take_over_of_the_active_is_nothing);
    tcase_add_test(orders, a_pause_changes_nothing);
    suite_add_tcase(suite, orders);
    return test_main(suite);
}
