/* SPDX-License-Identifier: MIT */
/* One node of a failover group, its store played by the test. What the machine
 * tells its host is taken down in words, and what has to hold whenever the host
 * has taken all there is, is looked at each time. */
#ifndef TESTS_NODE_H
#define TESTS_NODE_H

#include <infra/failover.h>

#define NODE_TTL INFRA_SEC(10)    /* Unless the options say otherwise. */
#define NODE_START INFRA_SEC(100) /* Of its clock. */

struct node {
    struct infra_failover *machine;
    struct infra_gate gate;
    infra_time now;
    infra_time taken; /* When events were taken last. */
    infra_time ttl;
    /* The last change of role. */
    uint32_t from;
    uint32_t reason;
    uint32_t role;
    uint32_t
        seen[INFRA_FAILOVER_ROLE_COOLDOWN + 1]; /* From a role: a bit for each
                                                   reason that changed it. */
    struct infra_lease_call call;               /* The last one. */
    struct infra_failover_event fence;          /* So, too. */
    struct infra_failover_event last;           /* Of those to act on. */
    uint64_t active;   /* It serves under this; 0: no. */
    uint64_t greatest; /* Token that it ever served under. */
    char heard[1024];
    char diary[1024];
};

/* Create its machine; group, node, gate and incarnation are filled in. */
void node_create(struct node *n, struct infra_failover_options options);
void node_destroy(struct node *n);

/* Take what there is. The answer is what was heard, such as
 * "acquiring(free) acquire": a role with its reason, an operation, or one of
 * FENCE, ACTIVATE, DRAIN and STOP. */
const char *node_take(struct node *n);

/* The same at another time, after a duration, or at the deadline. */
const char *node_at(struct node *n, infra_time now);
const char *node_after(struct node *n, infra_time duration);
const char *node_sleep(struct node *n);

/* Sleep for @duration, deadline by deadline, and leave calls without an answer.
 * What was heard, and how many milliseconds after @since: "3333 renew, 5000
 * doubt(late)". */
const char *node_diary(struct node *n, infra_time since, infra_time duration);

/* Answer the last call: with a lease of the full ttl, or as it says. */
const char *node_answer(struct node *n, uint32_t outcome, uint64_t token);
const char *node_answer_clean(struct node *n, uint64_t token);
const char *node_answer_as(struct node *n, struct infra_lease_answer answer);

const char *node_command(struct node *n, uint32_t command);

struct infra_failover_status node_status(const struct node *n);

/* From the start: it reads, acquires, and is active under @token. */
void node_lead(struct node *n, uint64_t token);

/* Sleep, and leave calls without an answer, until @op is asked. */
void node_until(struct node *n, uint32_t op);

/* Wait for RENEW, and grant it. */
const char *node_renew(struct node *n);

/* From the start: it reads, acquires, and is granted token 1, not cleanly. */
const char *node_take_over(struct node *n);

/* The host's answers and checks of itself, which the machine takes. */
const char *node_fit(struct node *n, int is_fit);
const char *node_fenced(struct node *n, uint32_t outcome);

#endif
