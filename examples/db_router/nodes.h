/* SPDX-License-Identifier: MIT */
/* The control side: probes of the nodes, and what the workers learn of them. */
#ifndef EXAMPLES_DB_ROUTER_NODES_H
#define EXAMPLES_DB_ROUTER_NODES_H

#include "options.h"

struct nodes;

/* NULL: the reason was logged.  @shared: its nodes are those of @o.  Passwords
 * in @o that are not needed any more are wiped. */
struct nodes *nodes_create(struct options *o, struct workers_shared *shared);
void nodes_destroy(struct nodes *n);

struct infra_router *nodes_router(const struct nodes *n);
struct infra_balancer *nodes_balancer(const struct nodes *n);
int nodes_fd(const struct nodes *n); /* Readable: take a step. */
infra_time nodes_deadline(const struct nodes *n);

/* Take the probes' results, and publish what is new to the workers. */
void nodes_step(struct nodes *n);

#endif
