/* SPDX-License-Identifier: MIT */
/* A pool with Prequal, and probes in both directions. */
#ifndef TESTS_BALANCER_PREQUAL_POOL_H
#define TESTS_BALANCER_PREQUAL_POOL_H

#include "pool.h"

static struct pool pool;
static struct infra_balancer_probe probes[INFRA_BALANCER_PROBES_MAX];

static inline void open_pool(const struct infra_prequal_options *options)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = infra_balancer_prequal(),
                                        .policy_options = options,
                                        .ids_max = 128 };

    pool_open(&pool, &o);
}

static inline struct infra_prequal_options options(void)
{
    return (struct infra_prequal_options) { .size = sizeof(
                                                struct infra_prequal_options) };
}

static inline int ask(infra_time now)
{
    return infra_balancer_probes_next(pool.reader, now, probes,
                                      INFRA_BALANCER_PROBES_MAX);
}

/* As the first backend that has the id. */
static inline int answer(uint32_t id, uint32_t in_flight, infra_time latency,
                         infra_time now)
{
    struct infra_balancer_probe probe = { .id = id, .generation = 1 };

    return infra_balancer_probe_answer(pool.reader, &probe, in_flight, latency,
                                       now);
}

#endif
