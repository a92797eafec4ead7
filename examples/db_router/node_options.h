/* SPDX-License-Identifier: MIT */
/* What db_router's options are to the library's router, balancer and probes.
 * Each function answers as the one of the library. */
#ifndef EXAMPLES_DB_ROUTER_NODE_OPTIONS_H
#define EXAMPLES_DB_ROUTER_NODE_OPTIONS_H

#include "options.h"

int node_router(struct infra_router **ret, const struct options *o);
/* With the nodes, and published. */
int node_balancer(struct infra_balancer **ret, const struct options *o,
                  uint64_t seed);

/* A PostgreSQL primary answers with a number: its timeline times 2^48 plus the
 * byte in the log, of the insert position, since the written one is behind
 * commits while synchronous_commit is off. */
#define NODE_BYTE_BITS 48u
int node_probe(struct infra_probe **ret, const struct options *o,
               uint64_t seed);

#endif
