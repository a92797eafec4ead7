/* SPDX-License-Identifier: MIT */
/* A damper for a node that keeps failing (RFC 2439, section 2.3): each failure
 * adds to a penalty that halves with every half-life; suppressed from 2000 on,
 * until it is below 750. */
#include "damper.h"

#include "fixed.h"

#define PENALTY_OF_ONE 1000u
#define PENALTY_MAX 16000u
#define SUPPRESS 2000u
#define REUSE 750u

uint32_t infra__damper_penalty(const struct infra__damper *d, infra_time now)
{
    infra_time age = now > d->at ? now - d->at : 0;
    uint64_t halvings = age / d->half_life;

    if (halvings >= 32) {
        return 0;
    }
    /* 2^-x for the fraction x, as 2^(32-x) / 2^32; in units of 2^16 ns, so that
     * nothing overflows. */
    infra_time rest = age % d->half_life >> 16;
    uint64_t x = (rest << 32) / (d->half_life >> 16);
    uint64_t power = infra__exp2(32 * INFRA__ONE - x);
    return (uint32_t)(d->penalty * (power >> 8) >> 24 >> halvings);
}

void infra__damper_add(struct infra__damper *d, infra_time now)
{
    uint32_t penalty = infra__damper_penalty(d, now) + PENALTY_OF_ONE;

    d->penalty = penalty < PENALTY_MAX ? penalty : PENALTY_MAX;
    d->at = now;
    d->is_suppressed = d->is_suppressed || d->penalty >= SUPPRESS;
}

bool infra__damper_is_suppressed(struct infra__damper *d, infra_time now)
{
    if (infra__damper_penalty(d, now) < REUSE) {
        d->is_suppressed = false;
    }
    return d->is_suppressed;
}
