/* SPDX-License-Identifier: MIT */
/* Failover: what may be asked of it and what may not, options of other ages,
 * and memory that runs out. */
#include "node.h"
#include "support.h"

#include <string.h>

#define NAME_63 \
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static struct test_heap heap;
static struct infra_gate gate;
static struct node n;

static struct infra_failover_options usable(void)
{
    return (struct infra_failover_options) {
        .size = sizeof(struct infra_failover_options),
        .allocator = &heap.allocator,
        .group = "group",
        .node = "node",
        .gate = &gate,
        .incarnation = 1,
    };
}

static int create(const struct infra_failover_options *o)
{
    struct infra_failover *f = NULL;
    int err = infra_failover_create(&f, o);

    ck_assert_int_eq(err == INFRA_OK, f != NULL);
    infra_failover_destroy(f);
    ck_assert_int_eq(heap.live, 0);
    return err;
}

/* Each is set in options that are else usable. */
static const struct {
    const char *name;
    struct infra_failover_options o; /* What is not 0 here. */
    int result;
} rows[] = {
    { "all defaults", { .ttl = 0 }, INFRA_OK },
    { "shortest ttl", { .ttl = INFRA_MS(100) }, INFRA_OK },
    { "shorter", { .ttl = INFRA_MS(100) - 1 }, INFRA_EINVAL },
    { "longest ttl", { .ttl = INFRA_SEC(3600) }, INFRA_OK },
    { "longer", { .ttl = INFRA_SEC(3600) + 1 }, INFRA_EINVAL },
    { "end of time", { .ttl = INFRA_TIME_NEVER }, INFRA_EINVAL },
    { "greatest drift", { .drift_ppm = 200000 }, INFRA_OK },
    { "greater", { .drift_ppm = 200001 }, INFRA_EINVAL },
    { "of all", { .drift_ppm = UINT32_MAX }, INFRA_EINVAL },
    { "preference", { .preference = 255 }, INFRA_OK },
    { "above", { .preference = 256 }, INFRA_EINVAL },
    { "preempt", { .preempt = 1 }, INFRA_OK },
    { "doubly", { .preempt = 2 }, INFRA_EINVAL },
    { "last fence", { .fence_policy = INFRA_FAILOVER_FENCE_TRY }, INFRA_OK },
    { "none", { .fence_policy = INFRA_FAILOVER_FENCE_TRY + 1 }, INFRA_EINVAL },
    { "quick to forget", { .penalty_half_life = INFRA_SEC(1) }, INFRA_OK },
    { "quicker", { .penalty_half_life = INFRA_SEC(1) - 1 }, INFRA_EINVAL },
    { "slow", { .penalty_half_life = INFRA_SEC(86400) }, INFRA_OK },
    { "slower", { .penalty_half_life = INFRA_SEC(86400) + 1 }, INFRA_EINVAL },
    { "hold-down", { .hold_down = INFRA_SEC(86400) }, INFRA_OK },
    { "more of it", { .hold_down = INFRA_SEC(86400) + 1 }, INFRA_EINVAL },
    { "grace", { .grace = INFRA_SEC(86400) }, INFRA_OK },
    { "more of it", { .grace = INFRA_SEC(86400) + 1 }, INFRA_EINVAL },
    { "never attested", { .attest_age_max = INFRA_TIME_NEVER }, INFRA_OK },
    { "never paused", { .pause_max = INFRA_TIME_NEVER }, INFRA_OK },
    { "for ever", { .tenure_min = INFRA_TIME_NEVER }, INFRA_OK },
    { "quick attempt", { .call_timeout = 1 }, INFRA_OK },
    { "ages", { .call_timeout = INFRA_TIME_NEVER }, INFRA_EINVAL },
    { "guard past it", { .guard = INFRA_TIME_NEVER }, INFRA_EINVAL },
    { "drain past it", { .drain_timeout = INFRA_TIME_NEVER }, INFRA_EINVAL },
    /* ttl / 3 + 2 * attempt + drain <= ttl * 0.99 / 1.01 - guard, or there is
     * no second try: Patroni's loop_wait + 2 * retry_timeout <= ttl. With 3 s
     * and 500 ms and the attempt of 500 ms the room is 2440.6 - 2000 ms. */
    { "room for it",
      { .ttl = INFRA_SEC(3), .drain_timeout = INFRA_MS(440) },
      INFRA_OK },
    { "no room",
      { .ttl = INFRA_SEC(3), .drain_timeout = INFRA_MS(441) },
      INFRA_EINVAL },
    { "room for calls",
      { .ttl = INFRA_SEC(3), .call_timeout = INFRA_MS(720) },
      INFRA_OK },
    { "no room",
      { .ttl = INFRA_SEC(3), .call_timeout = INFRA_MS(721) },
      INFRA_EINVAL },
    { "room for guard",
      { .ttl = INFRA_SEC(3), .guard = INFRA_MS(940) },
      INFRA_OK },
    { "no room",
      { .ttl = INFRA_SEC(3), .guard = INFRA_MS(941) },
      INFRA_EINVAL },
};

/* Each is taken or refused, and a refusal leaves nothing behind. */
START_TEST(options_have_limits)
{
    struct infra_failover_options o = rows[_i].o;
    struct infra_failover_options u = usable();

    o.size = u.size;
    o.allocator = u.allocator;
    o.group = u.group;
    o.node = u.node;
    o.gate = u.gate;
    o.incarnation = u.incarnation;
    ck_assert_msg(create(&o) == rows[_i].result, "%s", rows[_i].name);
}
END_TEST

/* Names have 1 to 63 bytes, and nothing that is required may be missing. */
START_TEST(names_gate_and_incarnation_are_required)
{
    static const struct {
        const char *name;
        int result;
    } names[] = { { NULL, INFRA_EINVAL },
                  { "", INFRA_EINVAL },
                  { "x", INFRA_OK },
                  { NAME_63, INFRA_OK },
                  { NAME_63 "l", INFRA_EINVAL } };

    ck_assert_uint_eq(strlen(NAME_63), INFRA_LEASE_NAME_MAX);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct infra_failover_options o = usable();
        o.group = names[i].name;
        ck_assert_int_eq(create(&o), names[i].result);
        o = usable();
        o.node = names[i].name;
        ck_assert_int_eq(create(&o), names[i].result);
    }
    struct infra_failover_options o = usable();
    o.gate = NULL;
    ck_assert_int_eq(create(&o), INFRA_EINVAL);
    o = usable();
    o.incarnation = 0;
    ck_assert_int_eq(create(&o), INFRA_EINVAL);
    ck_assert_int_eq(create(NULL), INFRA_EINVAL);
    o = usable();
    ck_assert_int_eq(infra_failover_create(NULL, &o), INFRA_EINVAL);
}
END_TEST

/* Shorter options than the first are none; longer ones must say nothing. */
START_TEST(options_have_an_age)
{
    struct {
        struct infra_failover_options o;
        uint64_t newer;
    } future = { .o = usable() };

    future.o.size = sizeof future;
    ck_assert_int_eq(create(&future.o), INFRA_OK);
    future.newer = 1;
    ck_assert_int_eq(create(&future.o), INFRA_ESTRUCT);
    future.o.size = sizeof future.o - 1;
    ck_assert_int_eq(create(&future.o), INFRA_EINVAL);
    future.o.size = 0;
    ck_assert_int_eq(create(&future.o), INFRA_EINVAL);
}
END_TEST

/* Each allocation may fail, and nothing is kept then. */
START_TEST(every_allocation_may_fail)
{
    struct infra_failover_options o = usable();
    int failures = 0;

    for (;; failures++) {
        heap.countdown = failures;
        int err = create(&o);
        if (err == INFRA_OK) {
            break;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
    }
    ck_assert_int_eq(failures, 1);
}
END_TEST

/* After create nothing is allocated, and destroy shuts the gate. */
START_TEST(nothing_is_allocated_after_create)
{
    struct infra_failover_options o = { .allocator = &heap.allocator };

    node_create(&n, o);
    long calls = heap.calls;
    node_lead(&n, 1);
    ck_assert(infra_gate_is_open(&n.gate, n.now, NULL));
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    node_until(&n, INFRA_LEASE_OP_READ);
    node_lead(&n, 2);
    ck_assert_int_eq(heap.calls, calls);
    node_destroy(&n);
    ck_assert(!infra_gate_is_open(&n.gate, n.now, NULL));
    infra_failover_destroy(NULL);
}
END_TEST

/* A machine shuts the gate that a former process has left open. */
START_TEST(create_shuts_the_gate)
{
    struct infra_failover_options o = usable();
    struct infra_failover *f = NULL;

    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    gate = n.gate;
    ck_assert(infra_gate_is_open(&gate, n.now, NULL));
    ck_assert_int_eq(infra_failover_create(&f, &o), INFRA_OK);
    ck_assert(!infra_gate_is_open(&gate, n.now, NULL));
    infra_failover_destroy(f);
    node_destroy(&n);
}
END_TEST

/* The defaults are what the header says: 10 s, of which a call may take 1 s;
 * 9.801 s less the guard of 500 ms; as long a grace; 10 s of hold-down. */
START_TEST(zero_is_the_default)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_until(&n, INFRA_LEASE_OP_READ);
    ck_assert_uint_eq(n.call.deadline, n.now + INFRA_SEC(1));
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1),
                     "grace(granted)");
    ck_assert_uint_eq(node_status(&n).valid_until / INFRA_MS(1),
                      n.now / INFRA_MS(1) + 9801 - 500);
    ck_assert_str_eq(node_after(&n, INFRA_MS(500) - 1), "");
    ck_assert_str_eq(node_after(&n, 1), "active(ready) ACTIVATE");
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    infra_time stopped = n.now;
    while (n.role == INFRA_FAILOVER_ROLE_COOLDOWN) {
        (void)node_sleep(&n);
    }
    ck_assert_uint_eq(n.now, stopped + INFRA_SEC(10));
    node_destroy(&n);
}
END_TEST

/* With a short lease the default attempt and guard are a sixth of it. */
START_TEST(defaults_follow_a_short_ttl)
{
    node_create(&n, (struct infra_failover_options) { .ttl = INFRA_MS(600) });
    node_until(&n, INFRA_LEASE_OP_READ);
    ck_assert_uint_eq(n.call.deadline, n.now + INFRA_MS(100));
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 1);
    ck_assert_uint_eq(node_status(&n).valid_until,
                      n.now + INFRA_MS(600) * 99 / 101 - INFRA_MS(100));
    ck_assert_str_eq(node_sleep(&n), "active(ready) ACTIVATE");
    node_destroy(&n);
}
END_TEST

/* NULL is refused everywhere, and so is what has no such number; the machine is
 * as it was. */
START_TEST(bad_input_is_refused)
{
    struct infra_failover_event e = { 0 };
    struct infra_lease_answer a = { .outcome = INFRA_LEASE_OUTCOME_UNKNOWN };

    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    node_until(&n, INFRA_LEASE_OP_READ);
    infra_time due = infra_failover_deadline(n.machine);
    struct infra_failover *f = n.machine;
    infra_time late = n.now + INFRA_SEC(60);

    ck_assert_int_eq(infra_failover_next(NULL, late, &e), INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_next(f, late, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_answer(NULL, 1, &a, late), INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_answer(f, 1, NULL, late), INFRA_EINVAL);
    a.outcome++;
    ck_assert_int_eq(infra_failover_answer(f, 1, &a, late), INFRA_EINVAL);
    a.outcome = INFRA_LEASE_OUTCOME_GRANTED; /* And no token. */
    ck_assert_int_eq(infra_failover_answer(f, n.call.id, &a, late),
                     INFRA_EINVAL);
    ck_assert_int_eq(
        infra_failover_answer_fence(NULL, 1, INFRA_ORDER_DONE, late),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_failover_answer_fence(f, 1, INFRA_ORDER_UNKNOWN + 1, late),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_drained(NULL, late), INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_fit(NULL, 0, late), INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_hint(NULL, late), INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_command(NULL, 0, late), INFRA_EINVAL);
    ck_assert_int_eq(
        infra_failover_command(f, INFRA_FAILOVER_COMMAND_FAIL + 1, late),
        INFRA_EINVAL);
    ck_assert_uint_eq(infra_failover_deadline(NULL), INFRA_TIME_NEVER);
    ck_assert_uint_eq(infra_failover_deadline(f), due);
    ck_assert_str_eq(node_take(&n), "");
    node_destroy(&n);
}
END_TEST

/* What was not asked for, or was asked for in a former life, is stale. */
START_TEST(stale_answers_are_refused)
{
    struct infra_lease_answer a = { .outcome = INFRA_LEASE_OUTCOME_LOST };
    struct infra_failover *f;

    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
    f = n.machine;
    ck_assert_int_eq(infra_failover_answer(f, 0, &a, n.now), INFRA_ESTALE);
    ck_assert_int_eq(infra_failover_answer_fence(f, 0, INFRA_ORDER_DONE, n.now),
                     INFRA_ESTALE);
    ck_assert_int_eq(infra_failover_drained(f, n.now), INFRA_ESTALE);
    node_until(&n, INFRA_LEASE_OP_READ);
    uint64_t call = n.call.id;
    ck_assert_int_eq(infra_failover_answer(f, call + 1, &a, n.now),
                     INFRA_ESTALE);
    ck_assert_int_eq(infra_failover_answer(f, call, &a, n.now), INFRA_OK);
    ck_assert_int_eq(infra_failover_answer(f, call, &a, n.now), INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "acquiring(free) acquire");
    ck_assert_int_eq(infra_failover_answer(f, call, &a, n.now), INFRA_ESTALE);
    ck_assert_str_eq(node_take(&n), "");
    node_destroy(&n);
}
END_TEST

/* Commands that make no sense now are refused, and change nothing. */
START_TEST(commands_out_of_place_are_busy)
{
    struct infra_failover_options o = { .drain_timeout = INFRA_SEC(1) };

    node_create(&n, o);
    ck_assert_int_eq(infra_failover_command(
                         n.machine, INFRA_FAILOVER_COMMAND_STEP_DOWN, n.now),
                     INFRA_EBUSY);
    node_lead(&n, 1);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_DRAINING);
    ck_assert_int_eq(infra_failover_command(
                         n.machine, INFRA_FAILOVER_COMMAND_TAKE_OVER, n.now),
                     INFRA_EBUSY);
    (void)infra_failover_fit(n.machine, 0, n.now);
    (void)node_after(&n, INFRA_SEC(1));
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_FAULT);
    ck_assert_int_eq(infra_failover_command(
                         n.machine, INFRA_FAILOVER_COMMAND_TAKE_OVER, n.now),
                     INFRA_EBUSY);
    ck_assert_int_eq(infra_failover_command(
                         n.machine, INFRA_FAILOVER_COMMAND_STEP_DOWN, n.now),
                     INFRA_EBUSY);
    node_destroy(&n);
}
END_TEST

/* The status has an age, too. */
START_TEST(status_has_an_age)
{
    struct {
        struct infra_failover_status s;
        uint64_t newer;
    } future = { .s = { .size = sizeof future }, .newer = 1 };

    node_create(&n, (struct infra_failover_options) { .token_floor = 5 });
    ck_assert_int_eq(infra_failover_inspect(n.machine, &future.s), INFRA_OK);
    ck_assert_uint_eq(future.newer, 0);
    ck_assert_uint_eq(future.s.size, sizeof future);
    ck_assert_uint_eq(future.s.token_floor, 5);
    future.s.size = sizeof future.s - 1;
    ck_assert_int_eq(infra_failover_inspect(n.machine, &future.s),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_inspect(n.machine, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_failover_inspect(NULL, &future.s), INFRA_EINVAL);
    node_destroy(&n);
}
END_TEST

/* It tells what it is: the lease, the role and why, the penalty, the pause. */
START_TEST(status_tells)
{
    node_create(&n, (struct infra_failover_options) { .token_floor = 5 });
    struct infra_failover_status s = node_status(&n);
    ck_assert_uint_eq(s.reason, INFRA_FAILOVER_REASON_START);
    ck_assert_uint_eq(s.valid_until, 0);
    node_lead(&n, 7);
    s = node_status(&n);
    ck_assert_uint_eq(s.token, 7);
    ck_assert_uint_eq(s.token_floor, 7);
    ck_assert_uint_eq(s.since, n.now);
    ck_assert_uint_eq(s.activations, 1);
    ck_assert_uint_eq(s.reason, INFRA_FAILOVER_REASON_READY);
    ck_assert_uint_eq(s.valid_until, n.last.valid_until);
    ck_assert_uint_eq(s.penalty, 0);
    ck_assert_uint_eq(s.paused, 0);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_PAUSE);
    node_until(&n, INFRA_LEASE_OP_RENEW);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 9);
    s = node_status(&n);
    ck_assert_uint_eq(s.token, 0);
    ck_assert_uint_eq(s.token_floor, 9);
    ck_assert_uint_eq(s.valid_until, 0);
    ck_assert_uint_eq(s.penalty, 1000);
    ck_assert_uint_eq(s.paused, 1);
    ck_assert_uint_eq(s.reason, INFRA_FAILOVER_REASON_LOST);
    node_destroy(&n);
}
END_TEST

static void setup(void)
{
    test_heap_init(&heap, -1);
    gate = (struct infra_gate) { { 0 } };
}

static void teardown(void)
{
    ck_assert_int_eq(heap.live, 0);
}

int main(void)
{
    Suite *suite = suite_create("failover_contract");
    TCase *options = tcase_create("options");
    TCase *contract = tcase_create("contract");

    tcase_add_checked_fixture(options, setup, teardown);
    tcase_add_loop_test(options, options_have_limits, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_test(options, names_gate_and_incarnation_are_required);
    tcase_add_test(options, options_have_an_age);
    tcase_add_test(options, every_allocation_may_fail);
    tcase_add_test(options, zero_is_the_default);
    tcase_add_test(options, defaults_follow_a_short_ttl);
    suite_add_tcase(suite, options);

    tcase_add_checked_fixture(contract, setup, teardown);
    tcase_add_test(contract, nothing_is_allocated_after_create);
    tcase_add_test(contract, create_shuts_the_gate);
    tcase_add_test(contract, bad_input_is_refused);
    tcase_add_test(contract, stale_answers_are_refused);
    tcase_add_test(contract, commands_out_of_place_are_busy);
    tcase_add_test(contract, status_has_an_age);
    tcase_add_test(contract, status_tells);
    suite_add_tcase(suite, contract);
    return test_main(suite);
}
