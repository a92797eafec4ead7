/* SPDX-License-Identifier: MIT */
#ifndef INFRA_BASE_DAMPER_H
#define INFRA_BASE_DAMPER_H

#include <infra/base.h>

#include <stdbool.h>

/* The bounds and the default of a half-life, wherever a host sets one. */
#define INFRA__HALF_LIFE_DEFAULT INFRA_SEC(900)
#define INFRA__HALF_LIFE_MIN INFRA_SEC(1)
#define INFRA__HALF_LIFE_MAX INFRA_SEC(86400)

/* A penalty for recent failures (RFC 2439) that halves with every half-life. */
struct infra__damper {
    infra_time half_life;
    infra_time at;
    uint32_t penalty; /* At the time `at`. */
    bool is_suppressed;
};
void infra__damper_add(struct infra__damper *d, infra_time now);
uint32_t infra__damper_penalty(const struct infra__damper *d, infra_time now);
bool infra__damper_is_suppressed(struct infra__damper *d, infra_time now);

#endif
