/* SPDX-License-Identifier: MIT */
/* Failover: the table of roles. Every row of it is reached by a script of
 * public calls; in every role every input is tried; and long random walks keep
 * what node.c looks at whenever the host has taken all events. */
#include "node.h"
#include "support.h"

#include "base/random.h"
#include "failover/internal.h"
#include "failover/transitions.h"

#include <string.h>

static struct node n;
static uint64_t token; /* The greatest that the store gave. */

static struct infra_failover_options options(void)
{
    /* All that is optional is on: a fence, a drain, proof of progress. */
    return (struct infra_failover_options) { .drain_timeout = INFRA_SEC(1),
                                             .attest_age_max = INFRA_MS(3500),
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

/* An input: what the store answers, the host or the operator says, or time
 * does. Scripts are words of these, with a blank between two. */
struct input {
    const char *word;
    void (*act)(const struct input *in);
    uint32_t value;   /* Outcome, command, or whether it is so. */
    uint32_t token;   /* Of an answer. */
    infra_time ttl;   /* Of an answer. */
    uint64_t request; /* Of an answer. */
    uint32_t weight;  /* In random walks, beside 1. */
};

enum { NO_TOKEN, FIRST_TOKEN, LAST_TOKEN, NEXT_TOKEN };
#define FULL INFRA_TIME_NEVER /* The ttl of the node. */

static void act_answer(const struct input *in)
{
    token += in->token == NEXT_TOKEN;
    (void)node_answer_as(&n, (struct infra_lease_answer) {
                                 .outcome = in->value,
                                 .token = in->token == NO_TOKEN      ? 0
                                          : in->token == FIRST_TOKEN ? 1
                                                                     : token,
                                 .ttl = in->ttl == FULL ? n.ttl : in->ttl,
                                 .handover_request = in->request });
}

static void act_grant_clean(const struct input *in)
{
    (void)in;
    (void)node_answer_clean(&n, ++token);
}

static void act_fit(const struct input *in)
{
    (void)infra_failover_fit(n.machine, in->value != 0, n.now);
}

static void act_hint(const struct input *in)
{
    (void)in;
    (void)infra_failover_hint(n.machine, n.now);
}

static void act_drained(const struct input *in)
{
    (void)in;
    (void)infra_failover_drained(n.machine, n.now);
}

static void act_fence(const struct input *in)
{
    (void)infra_failover_answer_fence(n.machine, n.fence.call.id, in->value,
                                      n.now);
}

static void act_command(const struct input *in)
{
    (void)infra_failover_command(n.machine, in->value, n.now);
}

static void act_attest(const struct input *in)
{
    (void)in;
    infra_gate_attest(&n.gate, n.now);
}

/* The node hears nothing until its role changes; value 1: its workers go on. */
static void act_deaf(const struct input *in)
{
    for (uint32_t i = 0, role = n.role; i < 100 && n.role == role; i++) {
        if (in->value != 0) {
            infra_gate_attest(&n.gate, n.now);
        }
        if (infra_failover_deadline(n.machine) == INFRA_TIME_NEVER) {
            break;
        }
        (void)node_sleep(&n);
    }
}

/* To the deadline, and value seconds more. */
static void act_sleep(const struct input *in)
{
    infra_time at = infra_failover_deadline(n.machine);

    at = at != INFRA_TIME_NEVER && at > n.now ? at : n.now + INFRA_MS(100);
    n.now = at + INFRA_SEC(in->value);
}

static void act_outlast(const struct input *in)
{
    (void)in;
    n.now += INFRA_SEC(30); /* The lease has run out then. */
}

static void act_clock_back(const struct input *in)
{
    (void)in;
    n.now -= INFRA_SEC(1);
}

#define ANSWER(outcome) \
    .act = act_answer, .value = INFRA_LEASE_OUTCOME_##outcome
#define COMMAND(command) \
    .act = act_command, .value = INFRA_FAILOVER_COMMAND_##command
#define FENCE(outcome) .act = act_fence, .value = INFRA_ORDER_##outcome
static const struct input inputs[] = {
    { "free", ANSWER(LOST), .weight = 3 },
    { "free-requested", ANSWER(LOST), .request = 101 },
    { "no-answer", ANSWER(UNKNOWN) },
    { "renewed-short", ANSWER(GRANTED), LAST_TOKEN, 1, 0, 0 },
    { "held-before", ANSWER(CONFLICT), LAST_TOKEN, 0, 0, 0 },
    { "held", ANSWER(CONFLICT), NEXT_TOKEN, 0, 0, 0 },
    { "granted-clean", .act = act_grant_clean, .weight = 3 },
    { "granted", ANSWER(GRANTED), NEXT_TOKEN, FULL, 0, 2 },
    { "granted-late", ANSWER(GRANTED), NEXT_TOKEN, 1, 0, 0 },
    { "granted-old", ANSWER(GRANTED), FIRST_TOKEN, FULL, 0, 0 },
    { "renewed", ANSWER(GRANTED), LAST_TOKEN, FULL, 0, 8 },
    { "lost", ANSWER(LOST) },
    { "renewed-requested", ANSWER(GRANTED), LAST_TOKEN, FULL, 101, 0 },
    { "renewed-operator", ANSWER(GRANTED), LAST_TOKEN, FULL, 256, 0 },
    { "unfit", .act = act_fit, .value = 0 },
    { "step-down", COMMAND(STEP_DOWN) },
    { "fail", COMMAND(FAIL) },
    { "fit", .act = act_fit, .value = 1 },
    { "hint", .act = act_hint },
    { "clock-back", .act = act_clock_back },
    { "pause", COMMAND(PAUSE) },
    { "attest", .act = act_attest, .weight = 3 },
    { "take-over", COMMAND(TAKE_OVER) },
    { "resume", COMMAND(RESUME) },
    { "drained", .act = act_drained },
    { "fence-failed", FENCE(FAILED) },
    { "fenced", FENCE(DONE), .weight = 1 },
    { "fence-unknown", FENCE(UNKNOWN) },
    { "stand-still", .act = act_sleep, .value = 3 },
    { "outlast", .act = act_outlast },
    { "sleep", .act = act_sleep, .weight = 7 },
    { "deaf-idle", .act = act_deaf, .value = 0 },
    { "deaf", .act = act_deaf, .value = 1 },
};
enum { INPUTS = sizeof inputs / sizeof inputs[0] };

static void apply(const struct input *in)
{
    in->act(in);
    (void)node_take(&n);
}

/* The input of the first word of @script, which is moved behind it. */
static const struct input *take_word(const char **script)
{
    size_t size = strcspn(*script, " ");

    for (int i = 0; i < INPUTS; i++) {
        if (strlen(inputs[i].word) == size &&
            memcmp(inputs[i].word, *script, size) == 0) {
            *script += size + ((*script)[size] == ' ');
            return &inputs[i];
        }
    }
    ck_abort_msg("\"%s\" begins with no word", *script);
    return NULL;
}

static void play(const char *script)
{
    while (*script != '\0') {
        apply(take_word(&script));
    }
}

/* Each row of the table with the shortest script that goes through it. */
static const struct {
    uint32_t from;
    uint32_t reason;
    const char *script;
} scripts[] = {
#define ROW(from, reason) \
    INFRA_FAILOVER_ROLE_##from, INFRA_FAILOVER_REASON_##reason
    { ROW(STANDBY, FREE), "free" },
    { ROW(STANDBY, UNFIT), "unfit" },
    { ROW(STANDBY, CLOCK), "clock-back" },
    { ROW(ACQUIRING, GRANTED), "free granted" },
    { ROW(ACQUIRING, HELD), "free held" },
    { ROW(ACQUIRING, EXPIRED), "free granted-late" },
    { ROW(ACQUIRING, COMMAND), "free pause" },
    { ROW(ACQUIRING, REGRESSED), "held sleep renewed sleep free granted-old" },
    { ROW(ACQUIRING, UNFIT), "free unfit" },
    { ROW(ACQUIRING, CLOCK), "free clock-back" },
    { ROW(GRACE, READY), "free granted-clean" },
    { ROW(GRACE, LOST), "free granted sleep sleep lost" },
    { ROW(GRACE, EXPIRED), "free granted deaf-idle" },
    { ROW(GRACE, FENCE), "free granted fence-failed" },
    { ROW(GRACE, RESIGN), "free granted step-down" },
    { ROW(GRACE, UNFIT), "free granted unfit" },
    { ROW(GRACE, FAILED), "free granted fail" },
    { ROW(ACTIVE, FAILED), "free granted-clean fail" },
    { ROW(DOUBT, FAILED), "free granted-clean deaf fail" },
    { ROW(GRACE, CLOCK), "free granted clock-back" },
    { ROW(ACTIVE, LATE), "free granted-clean deaf" },
    { ROW(ACTIVE, PAUSE), "free granted-clean stand-still" },
    { ROW(ACTIVE, RESIGN), "free granted-clean step-down" },
    { ROW(ACTIVE, REQUESTED), "free granted-clean sleep renewed-requested" },
    { ROW(ACTIVE, STALLED), "free granted-clean deaf-idle" },
    { ROW(ACTIVE, UNFIT), "free granted-clean unfit" },
    { ROW(ACTIVE, LOST), "free granted-clean sleep lost" },
    { ROW(ACTIVE, EXPIRED), "free granted-clean sleep renewed-short" },
    { ROW(ACTIVE, CLOCK), "free granted-clean clock-back" },
    { ROW(DOUBT, RENEWED), "free granted-clean deaf renewed" },
    { ROW(DOUBT, LATE), "free granted-clean deaf deaf" },
    { ROW(DOUBT, RESIGN), "free granted-clean deaf step-down" },
    { ROW(DOUBT, STALLED), "free granted-clean deaf deaf-idle" },
    { ROW(DOUBT, UNFIT), "free granted-clean deaf unfit" },
    { ROW(DOUBT, LOST), "free granted-clean deaf lost" },
    { ROW(DOUBT, EXPIRED), "free granted-clean deaf outlast" },
    { ROW(DOUBT, CLOCK), "free granted-clean deaf clock-back" },
    { ROW(DRAINING, DRAINED), "free granted-clean step-down drained" },
    { ROW(DRAINING, LIMIT), "free granted-clean step-down deaf-idle" },
    { ROW(DRAINING, LOST), "free granted-clean sleep step-down lost" },
    { ROW(DRAINING, EXPIRED), "free granted-clean step-down outlast" },
    { ROW(DRAINING, CLOCK), "free granted-clean step-down clock-back" },
    { ROW(FAULT, FIT), "unfit fit" },
    { ROW(COOLDOWN, COOLED), "free granted-clean sleep lost deaf-idle" },
    { ROW(COOLDOWN, COMMAND), "free granted-clean sleep lost take-over" },
    { ROW(COOLDOWN, UNFIT), "free granted-clean sleep lost unfit" },
    { ROW(COOLDOWN, CLOCK), "free granted-clean sleep lost clock-back" },
#undef ROW
};
enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

/* The last input of a script goes through its row, and none before. */
START_TEST(each_row_is_reached)
{
    uint32_t bit = 1u << scripts[_i].reason;
    uint32_t *seen = &n.seen[scripts[_i].from];

    for (const char *s = scripts[_i].script; *s != '\0';) {
        ck_assert_msg((*seen & bit) == 0, "%s: early", scripts[_i].script);
        apply(take_word(&s));
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

/* From a role with a reason there is one way, and it goes elsewhere. What is
 * not in the table does not happen. */
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

/* Only GRACE leads to being active, and a holder gives the lease up only by
 * way of COOLDOWN or FAULT: no node takes it twice in a row without a
 * pause. */
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
    [INFRA_FAILOVER_ROLE_ACQUIRING] = "free",
    [INFRA_FAILOVER_ROLE_GRACE] = "free granted",
    [INFRA_FAILOVER_ROLE_ACTIVE] = "free granted-clean",
    [INFRA_FAILOVER_ROLE_DOUBT] = "free granted-clean deaf",
    [INFRA_FAILOVER_ROLE_DRAINING] = "free granted-clean sleep step-down",
    [INFRA_FAILOVER_ROLE_FAULT] = "clock-back",
    [INFRA_FAILOVER_ROLE_COOLDOWN] = "free granted-clean sleep lost",
};

/* In each role each two inputs are harmless: what has to hold, holds, and then
 * the node still can become active. */
START_TEST(any_input_in_any_role)
{
    uint32_t role = (uint32_t)_i;

    for (int a = 0; a < INPUTS; a++) {
        for (int b = 0; b < INPUTS; b++) {
            play(ways[role]);
            ck_assert_uint_eq(n.role, role);
            apply(&inputs[a]);
            apply(&inputs[b]);
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
    const struct input *bag[INPUTS * 2];
    uint32_t bag_count = 0;
    uint32_t seen[ROLES_COUNT] = { 0 };
    uint64_t random = (uint64_t)_i;
    uint32_t count = 0;

    for (int i = 0; i < INPUTS; i++) {
        for (uint32_t k = 0; k <= inputs[i].weight; k++) {
            bag[bag_count++] = &inputs[i];
        }
    }
    ck_assert_uint_le(bag_count, INPUTS * 2);
    for (uint32_t walk = 0; walk < 200; walk++) {
        for (uint32_t i = 0; i < 100; i++) {
            apply(bag[infra__below(infra__random(&random), bag_count)]);
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
        { infra_failover_event_name, INFRA_FAILOVER_EVENT_ROLE + 1 },
        { infra_failover_fence_name, INFRA_FAILOVER_FENCE_TRY + 1 },
        { infra_failover_command_name, INFRA_FAILOVER_COMMAND_FAIL + 1 },
        { infra_lease_reason_name, INFRA_LEASE_REASON_TLS + 1 },
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
    tcase_add_loop_test(table, everything_has_a_name, 0, 7);
    suite_add_tcase(suite, table);

    tcase_add_checked_fixture(walks, setup, teardown);
    tcase_add_loop_test(walks, any_input_in_any_role, 0, ROLES_COUNT);
    tcase_add_loop_test(walks, random_walks_are_safe, 0, 4);
    suite_add_tcase(suite, walks);
    return test_main(suite);
}
