/* SPDX-License-Identifier: MIT */
#include "node.h"

#include "support.h"

#include "failover/internal.h"

#include <stdio.h>
#include <string.h>

enum { SLEEPS_MAX = 1000 };

void node_create(struct node *n, struct infra_failover_options options)
{
    *n = (struct node) { .now = NODE_START };
    n->ttl = options.ttl != 0 ? options.ttl : NODE_TTL;
    options.size = sizeof options;
    options.group = "group";
    options.node = "node";
    options.gate = &n->gate;
    options.incarnation += options.incarnation == 0;
    ck_assert_int_eq(infra_failover_create(&n->machine, &options), INFRA_OK);
}

void node_destroy(struct node *n)
{
    infra_failover_destroy(n->machine);
    n->machine = NULL;
}

static void say(struct node *n, const char *word, const char *why)
{
    size_t length = strlen(n->heard);
    int more =
        snprintf(n->heard + length, sizeof n->heard - length, "%s%s%s%s%s",
                 length > 0 ? " " : "", word, why != NULL ? "(" : "",
                 why != NULL ? why : "", why != NULL ? ")" : "");

    ck_assert_int_lt(more, (int)(sizeof n->heard - length));
}

static void change_role(struct node *n, const struct infra_failover_event *e)
{
    ck_assert_uint_eq(infra__transition(n->role, e->reason), e->role);
    n->seen[n->role] |= 1u << e->reason;
    n->from = n->role;
    n->reason = e->reason;
    n->role = e->role;
    say(n, infra_failover_role_name(e->role),
        infra_failover_reason_name(e->reason));
}

static void activate(struct node *n, const struct infra_failover_event *e)
{
    uint64_t token = 0;

    ck_assert_uint_eq(n->active, 0);
    ck_assert_uint_gt(e->token, n->greatest);
    ck_assert_uint_gt(e->valid_until, n->now);
    ck_assert(infra_gate_is_open(&n->gate, n->now, &token));
    ck_assert_uint_eq(token, e->token);
    n->active = n->greatest = e->token;
    say(n, "ACTIVATE", NULL);
}

static void take(struct node *n, const struct infra_failover_event *e)
{
    n->last = e->kind == INFRA_FAILOVER_EVENT_ROLE ? n->last : *e;
    switch (e->kind) {
    case INFRA_FAILOVER_EVENT_CALL:
        ck_assert_uint_gt(e->call.deadline, n->now);
        n->call = e->call;
        say(n, infra_lease_op_name(e->call.op), NULL);
        break;
    case INFRA_FAILOVER_EVENT_FENCE:
        n->fence = *e;
        say(n, "FENCE", NULL);
        break;
    case INFRA_FAILOVER_EVENT_ACTIVATE:
        activate(n, e);
        break;
    case INFRA_FAILOVER_EVENT_DRAIN:
        ck_assert_uint_eq(n->active, e->token);
        say(n, "DRAIN", NULL);
        break;
    case INFRA_FAILOVER_EVENT_DEACTIVATE:
        ck_assert_uint_eq(n->active, e->token);
        n->active = 0;
        say(n, "STOP", NULL);
        break;
    default:
        change_role(n, e);
        break;
    }
}

/* What holds whenever the host has taken all. */
static void look(const struct node *n)
{
    uint64_t token = 0;
    int is_open = infra_gate_is_open(&n->gate, n->now, &token);
    struct infra_failover_status s = node_status(n);

    ck_assert_msg(infra_failover_deadline(n->machine) > n->now,
                  "\"%s\", and called again at once", n->heard);
    ck_assert_uint_eq(token, n->active);
    ck_assert_int_eq(is_open, n->active != 0);
    ck_assert_int_eq(infra_gate_admits(&n->gate, n->now, NULL),
                     is_open && s.role != INFRA_FAILOVER_ROLE_DRAINING);
    ck_assert_uint_eq(s.role, n->role);
    ck_assert_uint_eq(s.token != 0, s.role >= INFRA_FAILOVER_ROLE_GRACE &&
                                        s.role <= INFRA_FAILOVER_ROLE_DRAINING);
    ck_assert(s.token == 0 || s.valid_until > n->now);
    ck_assert(n->active == 0 || n->active == s.token);
}

const char *node_take(struct node *n)
{
    struct infra_failover_event e;

    n->heard[0] = '\0';
    for (;;) {
        infra_time due = infra_failover_deadline(n->machine);
        bool is_back = n->now < n->taken; /* Which no deadline foresees. */
        n->taken = n->now;
        if (infra_failover_next(n->machine, n->now, &e) != INFRA_OK) {
            break;
        }
        take(n, &e);
        ck_assert_msg(due <= n->now || is_back, "\"%s\" before it is due",
                      n->heard);
    }
    look(n);
    return n->heard;
}

const char *node_at(struct node *n, infra_time now)
{
    n->now = now;
    return node_take(n);
}

const char *node_after(struct node *n, infra_time duration)
{
    return node_at(n, n->now + duration);
}

const char *node_sleep(struct node *n)
{
    infra_time at = infra_failover_deadline(n->machine);

    ck_assert_uint_ne(at, INFRA_TIME_NEVER);
    return node_at(n, at > n->now ? at : n->now);
}

const char *node_diary(struct node *n, infra_time since, infra_time duration)
{
    infra_time end = n->now + duration;
    size_t length = 0;

    n->diary[0] = '\0';
    while (infra_failover_deadline(n->machine) <= end) {
        if (node_sleep(n)[0] != '\0') {
            length += (size_t)snprintf(
                n->diary + length, sizeof n->diary - length, "%s%llu %s",
                length > 0 ? ", " : "",
                (unsigned long long)((n->now - since) / INFRA_MS(1)), n->heard);
            ck_assert_uint_lt(length, sizeof n->diary);
        }
    }
    n->now = end;
    return n->diary;
}

const char *node_answer_as(struct node *n, struct infra_lease_answer answer)
{
    (void)infra_failover_answer(n->machine, n->call.id, &answer, n->now);
    return node_take(n);
}

const char *node_answer(struct node *n, uint32_t outcome, uint64_t token)
{
    return node_answer_as(n, (struct infra_lease_answer) { .outcome = outcome,
                                                           .token = token,
                                                           .ttl = n->ttl });
}

const char *node_answer_clean(struct node *n, uint64_t token)
{
    return node_answer_as(
        n, (struct infra_lease_answer) { .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                         .clean = 1,
                                         .token = token,
                                         .ttl = n->ttl });
}

const char *node_command(struct node *n, uint32_t command)
{
    ck_assert_int_eq(infra_failover_command(n->machine, command, n->now),
                     INFRA_OK);
    return node_take(n);
}

struct infra_failover_status node_status(const struct node *n)
{
    struct infra_failover_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_failover_inspect(n->machine, &s), INFRA_OK);
    return s;
}

void node_lead(struct node *n, uint64_t token)
{
    node_until(n, INFRA_LEASE_OP_READ);
    ck_assert_str_eq(node_answer(n, INFRA_LEASE_OUTCOME_LOST, 0),
                     "acquiring(free) acquire");
    ck_assert_str_eq(node_answer_clean(n, token),
                     "grace(granted) active(ready) ACTIVATE");
}

void node_until(struct node *n, uint32_t op)
{
    const uint64_t before = n->call.id;

    (void)node_take(n);
    for (int i = 0; i < SLEEPS_MAX; i++) {
        if (n->call.id != before && n->call.op == op) {
            return;
        }
        (void)node_sleep(n);
    }
    ck_abort_msg("it never asks to %s", infra_lease_op_name(op));
}

const char *node_renew(struct node *n)
{
    node_until(n, INFRA_LEASE_OP_RENEW);
    return node_answer(n, INFRA_LEASE_OUTCOME_GRANTED, node_status(n).token);
}

const char *node_take_over(struct node *n)
{
    node_until(n, INFRA_LEASE_OP_READ);
    (void)node_answer(n, INFRA_LEASE_OUTCOME_LOST, 0);
    return node_answer(n, INFRA_LEASE_OUTCOME_GRANTED, 1);
}

const char *node_fit(struct node *n, int is_fit)
{
    ck_assert_int_eq(infra_failover_fit(n->machine, is_fit, n->now), INFRA_OK);
    return node_take(n);
}

const char *node_fenced(struct node *n, uint32_t outcome)
{
    ck_assert_int_eq(infra_failover_answer_fence(n->machine, n->fence.call.id,
                                                 outcome, n->now),
                     INFRA_OK);
    return node_take(n);
}
