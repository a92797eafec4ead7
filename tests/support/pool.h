/* SPDX-License-Identifier: MIT */
/* A balancer with one reader and backends "b0", "b1", ...: what the tests of
 * the balancer, the pick and the policies have in common. */
#ifndef TESTS_POOL_H
#define TESTS_POOL_H

#include "support.h"

#include <infra/balancer.h>

/* Number of policies that infra_balancer_policy_name() lists: the end of a loop
 * test over all of them. */
int policies_count(void);

struct pool {
    struct test_heap heap;
    struct infra_balancer *balancer;
    struct infra_balancer_reader *reader;
};

/* Options NULL: the defaults. The pool's heap replaces the allocator. */
void pool_open(struct pool *p, const struct infra_balancer_options *options);

/* Destroys both and asserts that nothing is left. */
void pool_close(struct pool *p);

int pool_set(struct pool *p, uint32_t id, uint32_t weight, uint32_t tier,
             uint32_t cap);

/* Backends 0 .. count - 1 with these weights (NULL: 1) in tier 0, published. */
void pool_fill(struct pool *p, uint32_t count, const uint32_t *weights);

void pool_mark(struct pool *p, uint32_t id, uint32_t axis, uint32_t state);
void pool_publish(struct pool *p);

/* Pick and keep the ticket. */
int pool_pick(struct pool *p, const struct infra_request *request,
              struct infra_ticket *ret);

/* Pick and release at once. */
int pool_once(struct pool *p, const struct infra_request *request);

uint64_t pool_in_flight(struct pool *p, uint32_t id);

#endif
