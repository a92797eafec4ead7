/* SPDX-License-Identifier: MIT */
/* Which k of a tier's backends this client uses: the k best by rendezvous of
 * the client's key against theirs (gRFC A68 ranks them by a seeded hash
 * likewise). That needs neither the number of clients nor a rank among them,
 * and who comes or goes changes a subset by one backend at most.
 *
 * Weights are left out of the choice. The policy gives a backend its share of
 * each client that has it; were the heavy in more subsets as well, their loads
 * would be as the squares of the weights. And a new weight moves no subset.
 *
 * O(ids_max), and of n backends about k * (1 + ln(n / k)) have to be put in
 * their place among the best, a heap, which is O(log k). */
#ifndef INFRA_BALANCER_SUBSET_H
#define INFRA_BALANCER_SUBSET_H

#include "internal.h"

/* Memory for the subsets of @size, none for 0, and the hash of the client's
 * key. INFRA_OK, INFRA_ENOMEM. Closed in either case. */
int infra__subset_open(struct infra_balancer *b, uint32_t size,
                       const char *key);
void infra__subset_close(struct infra_balancer *b);

/* The id has this key from now on. */
void infra__subset_know(struct infra_balancer *b, uint32_t id, const char *key);

/* Say for all backends of a list's tier, of which more belong to the list than
 * a subset has, whether it passes them over. Their ranks are known. How many it
 * lists is the answer, and at least one of them is available. */
uint32_t infra__subset_choose(struct infra_balancer *b, uint32_t rank);

#endif
