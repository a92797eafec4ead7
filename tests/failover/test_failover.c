/* SPDX-License-Identifier: MIT */
/* Failover: the table of roles. Every row of it is reached by a script of public
 * calls; in every role every input is tried; and long random walks keep what
 * node.c looks at whenever the host has taken all events. */
#include "node.h"
#include "support.h"

#include "base/random.h"
#include "failover/internal.h"
#include "failover/transitions.h"

#include <string.h>

/* What can be done to a node, a letter each. */
#define INPUTS "rwxecCaAEGnNWKusbfhkpotRdFDUzj.~@"

static struct node n;
static uint64_t token; /* The greatest that the store gave. */

static struct infra_failover_options options(void)
{
    /* All that is optional is on: a fence, a drain, proof of progress. */
    return (struct infra_failover_options) { .drain = INFRA_SEC(1),
                                             .attest_max = INFRA_MS(3500),
                                             .preempt = 1,
                                             .preference = 100,
                                             .fence_policy =
                                                 INFRA_FAILOVER_FENCE_REQUIRE };
}

static void setup(void)
{
    token = 0;
    node_create(&n, options());
    (void)node_take(&n);
}

static void teardown(void)
{
    node_destroy(&n);
}

static void answer(uint32_t outcome, uint64_t its_token, infra_time ttl,
                   uint64_t request)
{
    (void)node_answer_as(
        &n, (struct infra_lease_answer) { .outcome = outcome,
                                          .token = its_token,
                                          .ttl = ttl,
                                          .handover_request = request });
}

/* The store's answers to the last call. */
static bool input_of_store(char input)
{
    switch (input) {
    case 'r': /* Nobody has it. */
        answer(INFRA_LEASE_OUTCOME_LOST, 0, 0, 0);
        break;
    case 'w': /* Nobody has it, but somebody else asked for it. */
        answer(INFRA_LEASE_OUTCOME_LOST, 0, 0, 101);
        break;
    case 'x': /* No answer. */
        answer(INFRA_LEASE_OUTCOME_UNKNOWN, 0, 0, 0);
        break;
    case 'c': /* Another has it: with an older token, or a new one. */
        answer(INFRA_LEASE_OUTCOME_CONFLICT, token, 0, 0);
        break;
    case 'C':
        answer(INFRA_LEASE_OUTCOME_CONFLICT, ++token, 0, 0);
        break;
    case 'a': /* It is granted, cleanly or not; too late; or an old one. */
        (void)node_answer_clean(&n, ++token);
        break;
    case 'A':
        answer(INFRA_LEASE_OUTCOME_GRANTED, ++token, n.ttl, 0);
        break;
    case 'E':
        answer(INFRA_LEASE_OUTCOME_GRANTED, ++token, 1, 0);
        break;
    case 'G':
        answer(INFRA_LEASE_OUTCOME_GRANTED, 1, n.ttl, 0);
        break;
    case 'n': /* It is renewed. */
        answer(INFRA_LEASE_OUTCOME_GRANTED, token, n.ttl, 0);
        break;
    case 'e': /* It is, but for no time to speak of. */
        answer(INFRA_LEASE_OUTCOME_GRANTED, token, 1, 0);
        break;
    case 'N': /* It is gone. */
        answer(INFRA_LEASE_OUTCOME_LOST, 0, 0, 0);
        break;
    case 'W': /* It is renewed, and a better node wants it. */
        answer(INFRA_LEASE_OUTCOME_GRANTED, token, n.ttl, 101);
        break;
    case 'K': /* So does the operator. */
        answer(INFRA_LEASE_OUTCOME_GRANTED, token, n.ttl, 256);
        break;
    default:
        return false;
    }
    return true;
}

/* What its host and its operator say. */
static bool input_of_host(char input)
{
    switch (input) {
    case 'u':
        (void)infra_failover_fit(n.machine, 0, n.now);
        break;
    case 'f':
        (void)infra_failover_fit(n.machine, 1, n.now);
        break;
    case 'h':
        (void)infra_failover_hint(n.machine, n.now);
        break;
    case 'd':
        (void)infra_failover_drained(n.machine, n.now);
        break;
    case 'D':
        (void)infra_failover_answer_fence(n.machine, n.fence.call.id,
                                          INFRA_ORDER_DONE, n.now);
        break;
    case 'F':
        (void)infra_failover_answer_fence(n.machine, n.fence.call.id,
                                          INFRA_ORDER_FAILED, n.now);
        break;
    case 'U':
        (void)infra_failover_answer_fence(n.machine, n.fence.call.id,
                                          INFRA_ORDER_UNKNOWN, n.now);
        break;
    case 's':
        (void)infra_failover_command(n.machine,
                                     INFRA_FAILOVER_COMMAND_STEP_DOWN, n.now);
        break;
    case 'b': /* It is broken. */
        (void)infra_failover_command(n.machine, INFRA_FAILOVER_COMMAND_FAIL,
                                     n.now);
        break;
    case 't':
        (void)infra_failover_command(n.machine,
                                     INFRA_FAILOVER_COMMAND_TAKE_OVER, n.now);
        break;
    case 'p':
        (void)infra_failover_command(n.machine, INFRA_FAILOVER_COMMAND_PAUSE,
                                     n.now);
        break;
    case 'R':
        (void)infra_failover_command(n.machine, INFRA_FAILOVER_COMMAND_RESUME,
                                     n.now);
        break;
    default:
        return false;
    }
    return true;
}

/* It hears nothing until its role changes; its workers go on, or do not. */
static void be_deaf(bool is_working)
{
    for (uint32_t i = 0, role = n.role; i < 100 && n.role == role; i++) {
        if (is_working) {
            infra_gate_attest(&n.gate, n.now);
        }
        if (infra_failover_deadline(n.machine) == INFRA_TIME_NEVER) {
            break;
        }
        (void)node_sleep(&n);
    }
}

static void input_of_time(char input)
{
    infra_time at = infra_failover_deadline(n.machine);

    at = at != INFRA_TIME_NEVER && at > n.now ? at : n.now + INFRA_MS(100);
    switch (input) {
    case '.': /* It sleeps until the deadline. */
        n.now = at;
        break;
    case '~': /* Nobody answers, and nothing is done. */
    case '@': /* Nobody answers, but the workers go on. */
        be_deaf(input == '@');
        break;
    case 'o': /* A worker makes progress. */
        infra_gate_attest(&n.gate, n.now);
        break;
    case 'z': /* It stands still. */
        n.now = at + INFRA_SEC(3);
        break;
    case 'j': /* It stands still for so long that its lease runs out. */
        n.now += INFRA_SEC(30);
        break;
    default: /* 'k': the clock goes back. */
        n.now -= INFRA_SEC(1);
        break;
    }
}

static void input(char what)
{
    if (!input_of_store(what) && !input_of_host(what)) {
        input_of_time(what);
    }
    (void)node_take(&n);
}

static void play(const char *script)
{
    for (; *script != '\0'; script++) {
        input(*script);
    }
}

/* Each row of the table with the shortest script that goes through it. */
static const struct {
    uint32_t from;
    uint32_t reason;
    const char *script;
} scripts[] = {
#define ROW(from, reason) INFRA_FAILOVER_ROLE_##from, INFRA_FAILOVER_REASON_##reason
    { ROW(STANDBY, FREE), "r" },
    { ROW(STANDBY, UNFIT), "u" },
    { ROW(STANDBY, CLOCK), "k" },
    { ROW(ACQUIRING, GRANTED), "rA" },
    { ROW(ACQUIRING, HELD), "rC" },
    { ROW(ACQUIRING, EXPIRED), "rE" },
    { ROW(ACQUIRING, COMMAND), "rp" },
    { ROW(ACQUIRING, REGRESSED), "C.n.rG" },
    { ROW(ACQUIRING, UNFIT), "ru" },
    { ROW(ACQUIRING, CLOCK), "rk" },
    { ROW(GRACE, READY), "ra" },
    { ROW(GRACE, LOST), "rA..N" },
    { ROW(GRACE, EXPIRED), "rA~" },
    { ROW(GRACE, FENCE), "rAF" },
    { ROW(GRACE, RESIGN), "rAs" },
    { ROW(GRACE, UNFIT), "rAu" },
    { ROW(GRACE, FAILED), "rAb" },
    { ROW(ACTIVE, FAILED), "rab" },
    { ROW(DOUBT, FAILED), "ra@b" },
    { ROW(GRACE, CLOCK), "rAk" },
    { ROW(ACTIVE, LATE), "ra@" },
    { ROW(ACTIVE, PAUSE), "raz" },
    { ROW(ACTIVE, RESIGN), "ras" },
    { ROW(ACTIVE, ASKED), "ra.W" },
    { ROW(ACTIVE, STALLED), "ra~" },
    { ROW(ACTIVE, UNFIT), "rau" },
    { ROW(ACTIVE, LOST), "ra.N" },
    { ROW(ACTIVE, EXPIRED), "ra.e" },
    { ROW(ACTIVE, CLOCK), "rak" },
    { ROW(DOUBT, RENEWED), "ra@n" },
    { ROW(DOUBT, LATE), "ra@@" },
    { ROW(DOUBT, RESIGN), "ra@s" },
    { ROW(DOUBT, STALLED), "ra@~" },
    { ROW(DOUBT, UNFIT), "ra@u" },
    { ROW(DOUBT, LOST), "ra@N" },
    { ROW(DOUBT, EXPIRED), "ra@j" },
    { ROW(DOUBT, CLOCK), "ra@k" },
    { ROW(DRAINING, DRAINED), "rasd" },
    { ROW(DRAINING, LIMIT), "ras~" },
    { ROW(DRAINING, LOST), "ra.sN" },
    { ROW(DRAINING, EXPIRED), "rasj" },
    { ROW(DRAINING, CLOCK), "rask" },
    { ROW(FAULT, FIT), "uf" },
    { ROW(COOLDOWN, COOLED), "ra.N~" },
    { ROW(COOLDOWN, COMMAND), "ra.Nt" },
    { ROW(COOLDOWN, UNFIT), "ra.Nu" },
    { ROW(COOLDOWN, CLOCK), "ra.Nk" },
#undef ROW
};
enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

/* The last input of a script goes through its row, and none before. */
START_TEST(each_row_is_reached)
{
    uint32_t bit = 1u << scripts[_i].reason;
    uint32_t *seen = &n.seen[scripts[_i].from];

    for (const char *s = scripts[_i].script; *s != '\0'; s++) {
        ck_assert_msg((*seen & bit) == 0, "%s: early", scripts[_i].script);
        input(*s);
    }
    ck_assert_msg((*seen & bit) != 0, "%s: %s, not %s from %s",
                  scripts[_i].script, n.heard,
                  infra_failover_reason_name(scripts[_i].reason),
                  infra_failover_role_name(scripts[_i].from));
}
END_TEST

/* No row is dead: the scripts and the table have the same rows. */
START_TEST(the_scripts_are_the_table)
{
    size_t count;
    const struct infra__transition_row *rows = infra__transitions(&count);

    ck_assert_uint_eq(count, SCRIPTS);
    for (size_t i = 0; i < count; i++) {
        size_t scripted = 0;
        for (size_t k = 0; k < SCRIPTS; k++) {
            scripted += scripts[k].from == rows[i].from &&
                        scripts[k].reason == rows[i].reason;
        }
        ck_assert_uint_eq(scripted, 1);
    }
}
END_TEST

/* From a role with a reason there is one way, and it goes elsewhere. What is not
 * in the table does not happen. */
START_TEST(the_table_is_a_function)
{
    size_t count;
    size_t ways = 0;
    const struct infra__transition_row *rows = infra__transitions(&count);

    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_ne(rows[i].from, rows[i].to);
        ck_assert_uint_eq(infra__transition(rows[i].from, rows[i].reason),
                          rows[i].to);
    }
    for (uint32_t role = 0; role <= ROLES_COUNT; role++) {
        for (uint32_t reason = 0; reason <= REASONS_COUNT; reason++) {
            ways += infra__transition(role, reason) != ROLES_COUNT;
        }
    }
    ck_assert_uint_eq(ways, count);
}
END_TEST

/* The roles that can be reached from @role, a bit each. */
static uint32_t reachable(uint32_t role)
{
    uint32_t set = 1u << role;

    for (uint32_t round = 0; round < ROLES_COUNT; round++) {
        for (uint32_t from = 0; from < ROLES_COUNT; from++) {
            for (uint32_t why = 0; why < REASONS_COUNT; why++) {
                uint32_t to = infra__transition(from, why);
                set |=
                    (set >> from & 1u) != 0 && to != ROLES_COUNT ? 1u << to : 0;
            }
        }
    }
    return set;
}

/* No role is a trap, and none is out of reach. */
START_TEST(each_role_leads_to_each)
{
    for (uint32_t role = 0; role < ROLES_COUNT; role++) {
        ck_assert_uint_eq(reachable(role), (1u << ROLES_COUNT) - 1);
    }
}
END_TEST

/* Only GRACE leads to being active, and who holds the lease gives it up only by
 * way of COOLDOWN or FAULT: nobody takes it twice in a row without a pause. */
START_TEST(the_table_is_strict)
{
    size_t count;
    const struct infra__transition_row *rows = infra__transitions(&count);

    for (size_t i = 0; i < count; i++) {
        bool held = rows[i].from >= INFRA_FAILOVER_ROLE_GRACE &&
                    rows[i].from <= INFRA_FAILOVER_ROLE_DRAINING;
        bool holds = rows[i].to >= INFRA_FAILOVER_ROLE_GRACE &&
                     rows[i].to <= INFRA_FAILOVER_ROLE_DRAINING;
        ck_assert(!holds || held || rows[i].to == INFRA_FAILOVER_ROLE_GRACE);
        ck_assert(!held || holds ||
                  rows[i].to == INFRA_FAILOVER_ROLE_COOLDOWN ||
                  rows[i].to == INFRA_FAILOVER_ROLE_FAULT);
        ck_assert(rows[i].to != INFRA_FAILOVER_ROLE_ACTIVE ||
                  rows[i].from == INFRA_FAILOVER_ROLE_GRACE ||
                  rows[i].from == INFRA_FAILOVER_ROLE_DOUBT);
        ck_assert(rows[i].from != INFRA_FAILOVER_ROLE_FAULT ||
                  rows[i].reason == INFRA_FAILOVER_REASON_FIT);
    }
}
END_TEST

/* How to come to each role. */
static const char *const ways[ROLES_COUNT] = {
    [INFRA_FAILOVER_ROLE_STANDBY] = "",
    [INFRA_FAILOVER_ROLE_ACQUIRING] = "r",
    [INFRA_FAILOVER_ROLE_GRACE] = "rA",
    [INFRA_FAILOVER_ROLE_ACTIVE] = "ra",
    [INFRA_FAILOVER_ROLE_DOUBT] = "ra@",
    [INFRA_FAILOVER_ROLE_DRAINING] = "ra.s",
    [INFRA_FAILOVER_ROLE_FAULT] = "k",
    [INFRA_FAILOVER_ROLE_COOLDOWN] = "ra.N",
};

/* In each role each two inputs are harmless: what has to hold, holds, and then
 * the node still can become active. */
START_TEST(any_input_in_any_role)
{
    uint32_t role = (uint32_t)_i;

    for (const char *a = INPUTS; *a != '\0'; a++) {
        for (const char *b = INPUTS; *b != '\0'; b++) {
            play(ways[role]);
            ck_assert_uint_eq(n.role, role);
            input(*a);
            input(*b);
            teardown();
            setup();
        }
    }
}
END_TEST

/* A walk of random inputs keeps what has to hold, and goes through most of
 * the table. */
START_TEST(random_walks_are_safe)
{
    static const char inputs[] = INPUTS "rrraaaAAnnnnnnnn.......oooD";
    uint32_t seen[ROLES_COUNT] = { 0 };
    uint64_t random = (uint64_t)_i;
    uint32_t count = 0;

    for (uint32_t walk = 0; walk < 200; walk++) {
        for (uint32_t i = 0; i < 100; i++) {
            input(inputs[infra__below(infra__random(&random),
                                      sizeof inputs - 1)]);
        }
        for (uint32_t role = 0; role < ROLES_COUNT; role++) {
            seen[role] |= n.seen[role];
        }
        teardown();
        setup();
    }
    for (uint32_t role = 0; role < ROLES_COUNT; role++) {
        count += (uint32_t)__builtin_popcount(seen[role]);
    }
    ck_assert_uint_gt(count, SCRIPTS * 3 / 4);
}
END_TEST

/* All that has a number has a word of its own. */
START_TEST(everything_has_a_name)
{
    static const struct {
        const char *(*name)(uint32_t);
        uint32_t count;
    } rows[] = {
        { infra_failover_role_name, ROLES_COUNT },
        { infra_failover_reason_name, REASONS_COUNT },
        { infra_lease_op_name, INFRA_LEASE_OP_REQUEST + 1 },
        { infra_lease_outcome_name, INFRA_LEASE_OUTCOME_UNKNOWN + 1 },
    };
    const char *(*name)(uint32_t) = rows[_i].name;

    for (uint32_t i = 0; i < rows[_i].count; i++) {
        ck_assert_uint_gt(strlen(name(i)), 0);
        for (uint32_t k = 0; k < i; k++) {
            ck_assert_str_ne(name(i), name(k));
        }
    }
    ck_assert_str_eq(name(rows[_i].count), "unknown");
    ck_assert_str_eq(name(UINT32_MAX), "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failover");
    TCase *table = tcase_create("table");
    TCase *walks = tcase_create("walks");

    tcase_add_checked_fixture(table, setup, teardown);
    tcase_add_loop_test(table, each_row_is_reached, 0, SCRIPTS);
    tcase_add_test(table, the_scripts_are_the_table);
    tcase_add_test(table, the_table_is_a_function);
    tcase_add_test(table, each_role_leads_to_each);
    tcase_add_test(table, the_table_is_strict);
    tcase_add_loop_test(table, everything_has_a_name, 0, 4);
    suite_add_tcase(suite, table);

    tcase_add_checked_fixture(walks, setup, teardown);
    tcase_add_loop_test(walks, any_input_in_any_role, 0, ROLES_COUNT);
    tcase_add_loop_test(walks, random_walks_are_safe, 0, 4);
    suite_add_tcase(suite, walks);
    return test_main(suite);
}
