/* SPDX-License-Identifier: MIT */
/* Failover: a node that keeps failing is damped, however it fails, and damping
 * never leaves a service without a node that could serve. */
#include "node.h"
#include "support.h"

#include <infra/lease.h>
#include <stdbool.h>
#include <string.h>

#define DAY INFRA_SEC(86400)

static struct node n;

static void create(struct infra_failover_options o)
{
    o.penalty_half_life = DAY; /* Nothing fades here. */
    node_create(&n, o);
}

static void teardown(void)
{
    node_destroy(&n);
}

/* It has the lease, and waits for the former holder. */
static void be_in_grace(uint64_t token)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, token),
                     "grace(granted)");
}

static void break_down(void)
{
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_FAIL);
}

/* Up to the release of what it held. */
static void cool(void)
{
    while (n.role != INFRA_FAILOVER_ROLE_COOLDOWN) {
        (void)node_sleep(&n);
    }
    node_until(&n, INFRA_LEASE_OP_RELEASE);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
}

/* From this token on; the third time it is damped. */
static void be_damped(uint64_t token)
{
    for (uint64_t i = 0; i < 3; i++) {
        node_lead(&n, token + i);
        break_down();
        cool();
    }
    ck_assert_uint_ge(node_status(&n).penalty, 2000);
}

/* Sleep for @duration, and find the lease as @outcome says. */
static void find(infra_time duration, uint32_t outcome)
{
    infra_time end = n.now + duration;

    while (infra_failover_deadline(n.machine) <= end) {
        (void)node_sleep(&n);
        if (n.last.kind == INFRA_FAILOVER_EVENT_CALL) {
            ck_assert_uint_eq(n.last.call.op, INFRA_LEASE_OP_READ);
            (void)node_answer(&n, outcome,
                              outcome == INFRA_LEASE_OUTCOME_CONFLICT ? 9 : 0);
            n.last.kind = INFRA_FAILOVER_EVENT_ROLE; /* It is answered. */
        }
        if (n.role != INFRA_FAILOVER_ROLE_COOLDOWN) {
            return;
        }
    }
    n.now = end;
}

/* What the host says of itself counts before and after it was told to serve,
 * with and without a drain, and also on top of an orderly end. */
static const struct {
    const char *how;
    const char *steps; /* g: grace, a: active, s: step down, f: fail. */
    const char *heard; /* After the last one. */
    infra_time drain;
    uint32_t penalty;
} failures[] = {
    { "in grace", "gf", "cool-down(failed)", 0, 1000 },
    { "active", "af", "STOP draining(failed) cool-down(limit)", 0, 1000 },
    { "and it drains", "af", "DRAIN draining(failed)", INFRA_SEC(1), 1000 },
    { "while it drains", "asf", "", INFRA_SEC(1), 1000 },
    { "twice", "aff", "", INFRA_SEC(1), 1000 },
    { "it did not", "as", "DRAIN draining(resign)", INFRA_SEC(1), 0 },
};

START_TEST(what_the_host_says_counts)
{
    create((struct infra_failover_options) { .drain_timeout =
                                                 failures[_i].drain });
    ck_assert_int_eq(
        infra_failover_command(n.machine, INFRA_FAILOVER_COMMAND_FAIL, n.now),
        INFRA_EBUSY);
    for (const char *s = failures[_i].steps; *s != '\0'; s++) {
        if (*s == 'g') {
            be_in_grace(1);
        } else if (*s == 'a') {
            node_lead(&n, 1);
        } else {
            (void)node_command(&n, *s == 's' ? INFRA_FAILOVER_COMMAND_STEP_DOWN
                                             : INFRA_FAILOVER_COMMAND_FAIL);
        }
    }
    ck_assert_msg(strcmp(n.heard, failures[_i].heard) == 0, "%s: %s",
                  failures[_i].how, n.heard);
    cool();
    ck_assert_msg(node_status(&n).penalty == failures[_i].penalty ||
                      node_status(&n).penalty + 1 == failures[_i].penalty,
                  "%s: %u", failures[_i].how, node_status(&n).penalty);
}
END_TEST

/* The word is about one activity: the next one starts without it. */
START_TEST(a_word_is_not_held_against_the_next)
{
    create((struct infra_failover_options) { .ttl = 0 });
    node_lead(&n, 1);
    break_down();
    cool();
    node_lead(&n, 2);
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_STEP_DOWN);
    cool();
    ck_assert_uint_le(node_status(&n).penalty, 1000);
}
END_TEST

/* It is eight hold-downs while others take the lease. */
START_TEST(a_damped_node_lets_others_serve)
{
    create((struct infra_failover_options) { .ttl = 0 });
    be_damped(1);
    infra_time since = node_status(&n).since;
    find(INFRA_SEC(200), INFRA_LEASE_OUTCOME_CONFLICT);
    ck_assert_uint_eq(n.now - since, INFRA_SEC(80));
    ck_assert_uint_eq(n.reason, INFRA_FAILOVER_REASON_COOLED);
}
END_TEST

/* No other node does: it has waited for a hold-down, and looks every half
 * second. */
START_TEST(a_damped_node_serves_where_nobody_does)
{
    create((struct infra_failover_options) { .ttl = 0 });
    be_damped(1);
    infra_time since = node_status(&n).since;
    find(INFRA_SEC(200), INFRA_LEASE_OUTCOME_LOST);
    ck_assert_uint_ge(n.now - since, INFRA_SEC(10));
    ck_assert_uint_le(n.now - since, INFRA_MS(10500));
    ck_assert_str_eq(n.heard, "standby(cooled) read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0),
                     "acquiring(free) acquire");
}
END_TEST

/* After a later holder is gone, other nodes go first for half a ttl. */
START_TEST(it_lets_others_go_first)
{
    create((struct infra_failover_options) { .ttl = 0 });
    be_damped(1);
    find(INFRA_SEC(30), INFRA_LEASE_OUTCOME_CONFLICT);
    infra_time begin = n.now;
    find(INFRA_SEC(200), INFRA_LEASE_OUTCOME_LOST);
    ck_assert_uint_ge(n.now - begin, INFRA_SEC(5));
    ck_assert_uint_le(n.now - begin, INFRA_SEC(6));
}
END_TEST

/* An answer that never came proves nothing, nor does one before a pause. */
START_TEST(what_was_not_seen_does_not_count)
{
    create((struct infra_failover_options) { .ttl = 0 });
    be_damped(1);
    find(INFRA_SEC(20), INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_COOLDOWN);
    find(INFRA_SEC(3), INFRA_LEASE_OUTCOME_LOST);
    n.now += INFRA_SEC(20);
    infra_time begin = n.now;
    find(INFRA_SEC(30), INFRA_LEASE_OUTCOME_LOST);
    ck_assert_uint_ge(n.now - begin, INFRA_SEC(5));
    ck_assert_uint_eq(n.reason, INFRA_FAILOVER_REASON_COOLED);
}
END_TEST

/* A node that is paused by the operator takes nothing, damped or not. */
START_TEST(a_paused_node_stays_where_it_is)
{
    create((struct infra_failover_options) { .ttl = 0 });
    be_damped(1);
    infra_time since = node_status(&n).since;
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_PAUSE);
    find(INFRA_SEC(200), INFRA_LEASE_OUTCOME_LOST);
    ck_assert_uint_eq(n.now - since, INFRA_SEC(80));
}
END_TEST

/* A damped node requests no lease, however preferred, except for the
 * operator. */
START_TEST(a_damped_node_asks_for_nothing)
{
    create((struct infra_failover_options) { .preempt = 1, .preference = 9 });
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1);
    node_until(&n, INFRA_LEASE_OP_REQUEST);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_GRANTED, 0);
    be_damped(2);
    find(INFRA_SEC(200), INFRA_LEASE_OUTCOME_CONFLICT);
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_STANDBY);
    for (uint32_t i = 0; i < 100; i++) {
        (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 9);
        (void)node_sleep(&n);
        ck_assert_uint_eq(n.call.op, INFRA_LEASE_OP_READ);
    }
    (void)node_command(&n, INFRA_FAILOVER_COMMAND_TAKE_OVER);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 9);
    node_until(&n, INFRA_LEASE_OP_REQUEST);
}
END_TEST

/* Two nodes over one lease in memory. */
struct pair {
    struct infra_lease_cell cell;
    struct infra_lease *lease[2];
    struct node node[2];
    infra_time now;
};

static struct pair pair;

static void create_pair(struct infra_failover_options o)
{
    pair = (struct pair) { .now = NODE_START };
    o.penalty_half_life = DAY;
    for (uint64_t i = 0; i < 2; i++) {
        const struct infra_lease_memory_options m = { .size = sizeof m,
                                                      .cell = &pair.cell,
                                                      .incarnation = i + 1 };
        o.incarnation = i + 1;
        o.preference = (uint32_t)(i + 1);
        ck_assert_int_eq(infra_lease_memory(&pair.lease[i], &m), INFRA_OK);
        node_create(&pair.node[i], o);
    }
}

static void destroy_pair(void)
{
    for (int i = 0; i < 2; i++) {
        node_destroy(&pair.node[i]);
        infra_lease_destroy(pair.lease[i]);
    }
}

static void turn(int i)
{
    struct node *one = &pair.node[i];
    struct infra_lease_reply reply;
    uint64_t asked = one->call.id;

    (void)node_at(one, pair.now);
    while (one->call.id != asked) {
        asked = one->call.id;
        (void)infra_lease_begin(pair.lease[i], &one->call, pair.now);
        while (infra_lease_next(pair.lease[i], pair.now, &reply) == INFRA_OK) {
            (void)infra_failover_answer(one->machine, reply.call, &reply.answer,
                                        pair.now);
        }
        (void)node_take(one);
    }
}

/* The one that is active, or -1. */
static int active(void)
{
    ck_assert(pair.node[0].active == 0 || pair.node[1].active == 0);
    return pair.node[0].active != 0 ? 0 : pair.node[1].active != 0 ? 1 : -1;
}

static void pass(void)
{
    infra_time a = infra_failover_deadline(pair.node[0].machine);
    infra_time b = infra_failover_deadline(pair.node[1].machine);
    infra_time at = a < b ? a : b;

    ck_assert_uint_ne(at, INFRA_TIME_NEVER);
    pair.now = at > pair.now ? at : pair.now;
    turn(0);
    turn(1);
}

/* Time without an active node, from now on. */
static infra_time gap(void)
{
    infra_time begin = pair.now;

    while (active() < 0) {
        pass();
    }
    return pair.now - begin;
}

/* Both fail, each more often than it takes, and are well again: one serves
 * after a hold-down and a look, and not after eight. */
START_TEST(two_damped_nodes_leave_no_gap)
{
    create_pair((struct infra_failover_options) { .preempt = _i == 1 });
    for (int i = 0; i < 8; i++) {
        infra_time without = gap();
        ck_assert_msg(without <= NODE_TTL * 2, "%d: %.3f s", i,
                      (double)without / 1e9);
        struct node *one = &pair.node[active()];
        ck_assert_int_eq(infra_failover_command(one->machine,
                                                INFRA_FAILOVER_COMMAND_FAIL,
                                                pair.now),
                         INFRA_OK);
        turn(one == &pair.node[1]);
    }
    ck_assert_uint_le(gap(), NODE_TTL * 2);
}
END_TEST

/* The preferred one never serves: in an hour it has the service five times, and
 * not thirteen times a minute, whatever the host says of it. */
START_TEST(who_never_serves_is_left_alone)
{
    uint32_t times = 0;
    infra_time without = 0;

    create_pair((struct infra_failover_options) { .preempt = 1 });
    while (pair.now < NODE_START + INFRA_SEC(3600)) {
        infra_time last = pair.now;
        bool was_active = active() >= 0;
        pass();
        without += was_active ? 0 : pair.now - last;
        if (active() == 1) {
            times++;
            if (_i == 0) {
                (void)infra_failover_command(pair.node[1].machine,
                                             INFRA_FAILOVER_COMMAND_FAIL,
                                             pair.now);
            } else {
                (void)infra_failover_fit(pair.node[1].machine, 0, pair.now);
                turn(1);
                (void)infra_failover_fit(pair.node[1].machine, 1, pair.now);
            }
            turn(1);
        }
    }
    ck_assert_uint_ge(times, 3);
    ck_assert_uint_le(times, 5);
    ck_assert_uint_le(without, INFRA_SEC(30));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failover_damping");
    TCase *one = tcase_create("one");
    TCase *two = tcase_create("two");

    tcase_add_checked_fixture(one, NULL, teardown);
    tcase_add_loop_test(one, what_the_host_says_counts, 0,
                        (int)(sizeof failures / sizeof failures[0]));
    tcase_add_test(one, a_word_is_not_held_against_the_next);
    tcase_add_test(one, a_damped_node_lets_others_serve);
    tcase_add_test(one, a_damped_node_serves_where_nobody_does);
    tcase_add_test(one, it_lets_others_go_first);
    tcase_add_test(one, what_was_not_seen_does_not_count);
    tcase_add_test(one, a_paused_node_stays_where_it_is);
    tcase_add_test(one, a_damped_node_asks_for_nothing);
    suite_add_tcase(suite, one);

    tcase_add_checked_fixture(two, NULL, destroy_pair);
    tcase_add_loop_test(two, two_damped_nodes_leave_no_gap, 0, 2);
    tcase_add_loop_test(two, who_never_serves_is_left_alone, 0, 2);
    suite_add_tcase(suite, two);
    return test_main(suite);
}
