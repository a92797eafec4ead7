/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include "../base/internal.h"
#include "../base/random.h"

#include <infra/health.h>

infra_time infra__schedule_first(const struct infra__schedule *s, uint64_t hash,
                                 infra_time now)
{
    uint64_t point =
        s->seed == 0 ? hash : infra__mix(hash + infra__mix(s->seed));

    return infra__time_add(now, point % s->start_spread);
}

uint32_t infra__schedule_reason(const struct infra__rise_fall *rf,
                                uint32_t counter)
{
    if (counter == infra__rise_fall_top(rf)) {
        return INFRA_HEALTH_REASON_INTER;
    }
    return counter == 0 ? INFRA_HEALTH_REASON_DOWNINTER
                        : INFRA_HEALTH_REASON_FASTINTER;
}

infra_time infra__schedule_interval(const struct infra__schedule *s,
                                    uint32_t reason)
{
    switch (reason) {
    case INFRA_HEALTH_REASON_FASTINTER:
    case INFRA_HEALTH_REASON_ASKED:
        return s->fastinter;
    case INFRA_HEALTH_REASON_DOWNINTER:
        return s->downinter;
    default:
        return s->inter;
    }
}

/* Uniform in interval +- jitter_percent. */
static infra_time with_jitter(struct infra__schedule *s, infra_time interval)
{
    uint32_t percent = s->jitter_percent;
    /* In two parts: the product would overflow for long intervals. */
    infra_time width =
        interval / 100 * percent + interval % 100 * percent / 100;

    if (width == 0) {
        return interval;
    }
    return infra__time_add(interval - width,
                           infra__random(&s->random) % (2 * width + 1));
}

infra_time infra__schedule_in_phase(infra_time phase, infra_time interval,
                                    infra_time earliest)
{
    if (phase >= earliest) {
        return earliest + (phase - earliest) % interval;
    }
    infra_time rest = (earliest - phase) % interval;
    return rest == 0 ? earliest : infra__time_add(earliest, interval - rest);
}

infra_time infra__schedule_next(struct infra__schedule *s, uint32_t reason,
                                infra_time due, infra_time now)
{
    infra_time interval = infra__schedule_interval(s, reason);
    infra_time next = infra__time_add(due, with_jitter(s, interval));

    /* Late: skip whole intervals. Checking at once would be a burst of all the
     * missed checks, and would leave them in step for ever. */
    return next >= now ? next : infra__schedule_in_phase(next, interval, now);
}
