/* SPDX-License-Identifier: MIT */
/* A primary and its replicas for tests, at a time that only the test moves. */
#ifndef TESTS_ROUTER_GROUP_H
#define TESTS_ROUTER_GROUP_H

#include "support.h"

#include <infra/session.h>

#define PIN(name) INFRA_SESSION_PIN_##name
#define WHY(name) INFRA_VERDICT_REASON_##name
#define VERDICT(name) INFRA_VERDICT_##name
#define KIND(name) INFRA_STATEMENT_##name

struct group {
    struct infra_router *router;
    struct infra_router_reader *reader;
    infra_time now;
    unsigned char journal[256];
};

/* Node 0 is the primary with token 1, nodes 1 .. @replicas follow; each was
 * sampled now, at position 100, with no lag. NULL: defaults. */
void group_start(struct group *g, const struct infra_router_options *options,
                 uint32_t replicas);
void group_stop(struct group *g);

void group_set(struct group *g, uint32_t id, uint32_t role, uint64_t token);
/* A sample asked for now. @position 0: none. */
void group_sample(struct group *g, uint32_t id, infra_time lag,
                  uint64_t position);
void group_publish(struct group *g);

/* A session with a journal. */
void group_session(struct group *g, struct infra_session *s,
                   uint32_t consistency, uint32_t flags);

struct infra_verdict group_route(struct group *g, struct infra_session *s,
                                 uint32_t kind, uint32_t flags);
/* Route, send to the first of the allowed nodes, and answer with @transaction;
 * returns that node. */
uint32_t group_run(struct group *g, struct infra_session *s, uint32_t kind,
                   uint32_t flags, uint32_t transaction);
/* The answer of the statement that is out at @node. */
void group_done(struct group *g, struct infra_session *s, uint32_t node,
                uint32_t transaction);

struct infra_position number_at(uint64_t epoch, uint64_t n);

#endif
