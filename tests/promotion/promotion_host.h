/* SPDX-License-Identifier: MIT */
/* A host for the tests of the promotion planner: it writes down as text what it
 * is told, remembers the calls, and reports what a test says of the nodes. */
#ifndef TESTS_PROMOTION_HOST_H
#define TESTS_PROMOTION_HOST_H

#include "support.h"

#include <infra/promotion.h>

#define NODES 5u
#define NO_NODE INFRA_PROMOTION_NO_NODE

struct test_host {
    struct test_heap heap;
    struct infra_gate gate;
    struct infra_promotion *p;
    infra_time now;
    uint64_t calls[16][NODES + 1]; /* By kind and node; the last: no node. */
    struct infra_promotion_event primary; /* The last of its kind, */
    struct infra_promotion_event repoint;
    struct infra_promotion_event mark;
    char told[2048];
};

extern struct test_host host;

void host_setup(void);
void host_teardown(void);

/* A machine of short times for @nodes nodes, a to e, all SYNC; the missing
 * options as the library has them. */
void host_create(struct infra_promotion_options o, uint32_t nodes);

/* Set node @id, 0 for a. */
void host_set(uint32_t id, uint32_t priority, uint32_t flags);

/* The operator's command has this result. */
void host_command(uint32_t command, uint32_t id, int expected);

/* The gate is open with this token; 0: shut. */
void host_lease(uint64_t token);

/* The lease, and the store says that node 0 is primary, by token 1. */
void host_lead(uint64_t token);

/* Take all events; the text is in host.told. */
const char *host_take(void);

/* They are these, since the last time. */
#define host_expect(text) ck_assert_str_eq(host_take(), text)

/* Answer the last order of that kind to that node. */
void host_answer(uint32_t kind, uint32_t node, uint32_t outcome);
void host_done(uint32_t kind, uint32_t node);

/* What observers see. */
void host_view(uint32_t observer, uint32_t node, uint32_t view);
void host_primary(uint32_t node, uint64_t timeline, uint64_t position);
void host_replica(uint32_t node, uint32_t source, uint64_t timeline,
                  uint64_t position);

/* Observers 0 and 1 do not see it. */
void host_dead(uint32_t node);

/* Time passes. */
void host_wait(infra_time duration);

struct infra_promotion_status host_status(void);

/* One node acknowledges each write. */
extern const struct infra_promotion_options sync_1;

/* As host_create(); a is primary by token 2, the others follow. */
void host_start(struct infra_promotion_options o, uint32_t nodes);

/* Of four nodes: the primary dies at position 110 or more, and is fenced. */
void host_lose_primary(void);

/* And then c and d are detached, and report. */
void host_report_c_and_d(void);

#endif
