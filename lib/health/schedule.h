/* SPDX-License-Identifier: MIT */
/* When the next check is due. The key's hash and the seed choose the point of
 * start_spread for the first check, so a restart keeps the order, and checkers
 * with different seeds do not coincide. Later checks keep that phase: an
 * interval starts when the previous check was due, not when it ended (HAProxy,
 * src/check.c, process_chk_conn). */
#ifndef INFRA_HEALTH_SCHEDULE_H
#define INFRA_HEALTH_SCHEDULE_H

#include "rise_fall.h"

#include <infra/base.h>

struct infra__schedule {
    infra_time inter;
    infra_time fastinter;
    infra_time downinter;
    infra_time start_spread; /* At least 1 ns, the others at least 1 ms. */
    uint64_t random;         /* State of the jitter's generator. */
    uint64_t seed;           /* 0: the hash alone decides. */
    uint32_t jitter_percent; /* 0 .. 50 */
};

infra_time infra__schedule_first(const struct infra__schedule *s, uint64_t hash,
                                 infra_time now);

/* The interval for a counter: INFRA_HEALTH_REASON_INTER, _FASTINTER or
 * _DOWNINTER. */
uint32_t infra__schedule_reason(const struct infra__rise_fall *rf,
                                uint32_t counter);

infra_time infra__schedule_interval(const struct infra__schedule *s,
                                    uint32_t reason);

/* The first time, from @earliest on, a whole number of intervals from @phase.
 * */
infra_time infra__schedule_in_phase(infra_time phase, infra_time interval,
                                    infra_time earliest);

/* Time of the check after the one due at @due, not before @now. */
infra_time infra__schedule_next(struct infra__schedule *s, uint32_t reason,
                                infra_time due, infra_time now);

#endif
