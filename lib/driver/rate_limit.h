/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: at most so many starts in a second, evenly. */
#ifndef INFRA_DRIVER_RATE_LIMIT_H
#define INFRA_DRIVER_RATE_LIMIT_H

#include <infra/base.h>

#define INFRA__PACE_PER_S_MAX 1000000u

struct infra__pace {
    infra_time interval; /* From one start to the next; 0: as they come. */
    infra_time slack;    /* How far starts may run ahead of that. */
    infra_time due;      /* Of the next, if all came evenly. */
};

/* @per_s up to INFRA__PACE_PER_S_MAX; 0: as they come. */
struct infra__pace infra__pace_of(uint32_t per_s);

/* When the next may start; 0: at any time. */
infra_time infra__pace_next(const struct infra__pace *pace);

/* One starts. */
void infra__pace_take(struct infra__pace *pace, infra_time now);

#endif
