/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: a limit of starts per second, evenly spread. */
#ifndef INFRA_DRIVER_RATE_LIMIT_H
#define INFRA_DRIVER_RATE_LIMIT_H

#include <infra/base.h>

#define INFRA__PACE_PER_S_MAX 1000000u

struct infra__pace {
    infra_time interval; /* From one start to the next; 0: no limit. */
    infra_time slack;    /* Starts may be early by this. */
    infra_time due;      /* Even time of the next start. */
};

/* @per_s up to INFRA__PACE_PER_S_MAX; 0: no limit. */
struct infra__pace infra__pace_of(uint32_t per_s);

/* Earliest time of the next start; 0: at any time. */
infra_time infra__pace_next(const struct infra__pace *pace);

/* Count a start. */
void infra__pace_take(struct infra__pace *pace, infra_time now);

#endif
