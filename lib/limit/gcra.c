/* SPDX-License-Identifier: MIT */
/* A rate in one word (ITU-T I.371, "virtual scheduling"): the state is the time
 * at which all that was taken has flowed off. */
#include "gcra.h"

#include "../base/internal.h"

#define WINDOW_MAX (UINT64_C(1) << 62)

int infra_limit_rate_of(struct infra_limit_rate *ret, uint64_t count,
                        infra_time period, uint64_t burst)
{
    struct infra_limit_rate rate;

    if (ret == NULL || count == 0 || period < count) {
        return INFRA_EINVAL;
    }
    rate.interval = period / count + (period % count != 0);
    if (__builtin_mul_overflow(rate.interval, burst != 0 ? burst : 1,
                               &rate.window) ||
        rate.window > WINDOW_MAX) {
        return INFRA_EINVAL;
    }
    *ret = rate;
    return INFRA_OK;
}

int infra_limit_take(const struct infra_limit_rate *rate, infra_time *state,
                     uint32_t cost, infra_time now)
{
    if (rate == NULL || state == NULL) {
        return 0;
    }
    infra_time next = infra__gcra_next(rate, *state, cost, now);
    if (!infra__gcra_fits(rate, next, now)) {
        return 0;
    }
    if (cost > 0) {
        *state = next;
    }
    return 1;
}

int infra_limit_take_shared(const struct infra_limit_rate *rate,
                            infra_time *state, uint32_t cost, infra_time now)
{
    if (rate == NULL || state == NULL) {
        return 0;
    }
    /* Relaxed: the word stands for itself, and nothing else is read by it. */
    infra_time old = __atomic_load_n(state, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < INFRA__LIMIT_TRIES; i++) {
        infra_time next = infra__gcra_next(rate, old, cost, now);
        if (!infra__gcra_fits(rate, next, now)) {
            return 0;
        }
        if (cost == 0 ||
            __atomic_compare_exchange_n(state, &old, next, 0, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            return 1;
        }
    }
    return 0;
}

infra_time infra_limit_wait(const struct infra_limit_rate *rate,
                            infra_time state, uint32_t cost, infra_time now)
{
    if (rate == NULL) {
        return INFRA_TIME_NEVER;
    }
    infra_time next = infra__gcra_next(rate, state, cost, now);
    if (infra__gcra_fits(rate, next, now)) {
        return 0;
    }
    infra_time alone = infra__gcra_next(rate, 0, cost, 0);
    return alone > rate->window || next == INFRA_TIME_NEVER
               ? INFRA_TIME_NEVER
               : next - now - rate->window;
}

uint64_t infra_limit_remaining(const struct infra_limit_rate *rate,
                               infra_time state, infra_time now)
{
    if (rate == NULL) {
        return 0;
    }
    infra_time debt = state > now ? state - now : 0;

    return debt < rate->window ? (rate->window - debt) / rate->interval : 0;
}
