/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include "../base/internal.h"
#include "../base/random.h"
#include "rise_fall.h"

infra_time infra__schedule_first(const struct infra_health_options *o,
                                 uint64_t hash, infra_time now)
{
    uint64_t point =
        o->seed == 0 ? hash : infra__mix(hash + infra__mix(o->seed));

    return infra__time_add(now, point % o->start_spread);
}

uint32_t infra__schedule_reason(const struct infra_health_options *o,
                                uint32_t counter)
{
    if (counter == infra__rise_fall_top(o)) {
        return INFRA_HEALTH_REASON_INTER;
    }
    return counter == 0 ? INFRA_HEALTH_REASON_DOWNINTER
                        : INFRA_HEALTH_REASON_FASTINTER;
}

infra_time infra__schedule_interval(const struct infra_health_options *o,
                                    uint32_t reason)
{
    switch (reason) {
    case INFRA_HEALTH_REASON_FASTINTER:
    case INFRA_HEALTH_REASON_ASKED:
        return o->fastinter;
    case INFRA_HEALTH_REASON_DOWNINTER:
        return o->downinter;
    default:
        return o->inter;
    }
}

/* Uniform in interval +- jitter_percent. */
static infra_time with_jitter(uint32_t percent, uint64_t *random,
                              infra_time interval)
{
    /* In two parts: the product would overflow for long intervals. */
    infra_time width =
        interval / 100 * percent + interval % 100 * percent / 100;

    if (width == 0) {
        return interval;
    }
    return infra__time_add(interval - width,
                           infra__random(random) % (2 * width + 1));
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

infra_time infra__schedule_next(const struct infra_health_options *o,
                                uint64_t *random, uint32_t reason,
                                infra_time due, infra_time now)
{
    infra_time interval = infra__schedule_interval(o, reason);
    infra_time next =
        infra__time_add(due, with_jitter(o->jitter_percent, random, interval));

    /* Late: skip whole intervals. Checking at once would be a burst of all the
     * missed checks, and would leave them in step for ever. */
    return next >= now ? next : infra__schedule_in_phase(next, interval, now);
}
