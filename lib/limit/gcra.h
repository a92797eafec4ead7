/* SPDX-License-Identifier: MIT */
/* Private to lib/limit: the arithmetic of GCRA. */
#ifndef INFRA_LIMIT_GCRA_H
#define INFRA_LIMIT_GCRA_H

#include <infra/limit.h>

#define INFRA__LIMIT_TRIES 64u

/* The state after @cost more units; INFRA_TIME_NEVER if that is past the end of
 * time, which no window reaches. */
static inline infra_time infra__gcra_next(const struct infra_limit_rate *rate,
                                          infra_time state, uint32_t cost,
                                          infra_time now)
{
    infra_time from = state > now ? state : now;
    infra_time more, next;

    if (__builtin_mul_overflow(rate->interval, (infra_time)cost, &more) ||
        __builtin_add_overflow(from, more, &next)) {
        return INFRA_TIME_NEVER;
    }
    return next;
}

static inline int infra__gcra_fits(const struct infra_limit_rate *rate,
                                   infra_time next, infra_time now)
{
    return next != INFRA_TIME_NEVER && next - now <= rate->window;
}

#endif
