/* SPDX-License-Identifier: MIT */
/* When the next check is due. The key's hash and the seed choose the point of
 * start_spread for the first check, so a restart keeps the order, and checkers
 * with different seeds do not coincide. Later checks keep that phase: an
 * interval starts when the previous check was due, not when it ended (HAProxy,
 * src/check.c, process_chk_conn). */
#ifndef INFRA_HEALTH_SCHEDULE_H
#define INFRA_HEALTH_SCHEDULE_H

#include <infra/health.h>

infra_time infra__schedule_first(const struct infra_health_options *o,
                                 uint64_t hash, infra_time now);

/* The interval for a counter: INFRA_HEALTH_REASON_INTER, _FASTINTER or
 * _DOWNINTER. */
uint32_t infra__schedule_reason(const struct infra_health_options *o,
                                uint32_t counter);

infra_time infra__schedule_interval(const struct infra_health_options *o,
                                    uint32_t reason);

/* The first time, from @earliest on, a whole number of intervals from @phase.
 * */
infra_time infra__schedule_in_phase(infra_time phase, infra_time interval,
                                    infra_time earliest);

/* Time of the check after the one due at @due, not before @now. @random: state
 * of the jitter's generator. */
infra_time infra__schedule_next(const struct infra_health_options *o,
                                uint64_t *random, uint32_t reason,
                                infra_time due, infra_time now);

#endif
