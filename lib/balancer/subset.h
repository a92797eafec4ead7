/* SPDX-License-Identifier: MIT */
/* The k of a tier's backends that this client uses: the best by rendezvous of
 * the client's key against theirs (gRFC A68 also ranks by a seeded hash). No
 * number of clients, no rank among them; a backend that is added or removed
 * changes a subset by at most one.
 *
 * Weights play no part. The policy gives a backend its share of each client
 * that has it; if heavy backends were in more subsets as well, load would grow
 * with the square of the weight. And a new weight moves no subset.
 *
 * O(ids_max). Of n backends about k * (1 + ln(n / k)) enter the best so far, a
 * heap: O(log k) each. */
#ifndef INFRA_BALANCER_SUBSET_H
#define INFRA_BALANCER_SUBSET_H

#include "internal.h"

/* Memory for subsets, if the options want them, and the hash of the client's
 * key. INFRA_OK, INFRA_ENOMEM; to be closed in either case. */
int infra__subset_open(struct infra_balancer *b);
void infra__subset_close(struct infra_balancer *b);

/* The id has this key from now on. */
void infra__subset_know(struct infra_balancer *b, uint32_t id, const char *key);

/* Set passed_over for all backends of a list's tier with more members than a
 * subset has. Their ranks are known. Returns how many the list has; at least
 * one of them is available. */
uint32_t infra__subset_choose(struct infra_balancer *b, uint32_t rank);

#endif
