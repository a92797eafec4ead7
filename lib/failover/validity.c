/* SPDX-License-Identifier: MIT */
/* The certain end of a lease on the holder's own clock (Gray and Cheriton 1989,
 * section 5). The store counts from after the issue of the call, so the issue
 * is never too late. Both clocks may drift by drift_ppm, so (1 - d) / (1 + d)
 * of the store's time is ours. The guard covers the time between the last look
 * at the gate and the effect. */
#include "internal.h"

#define PPM 1000000u

infra_time infra__validity(infra_time issue, infra_time ttl, uint32_t drift_ppm,
                           infra_time guard)
{
    if (RULE(DRIFT)) {
        /* INFRA_LEASE_TTL_MAX keeps the product in 64 bits. */
        ttl = ttl * (PPM - drift_ppm) / (PPM + drift_ppm);
    }
    infra_time off = RULE(GUARD) ? guard : 0;
    return infra__time_add(issue, ttl > off ? ttl - off : 0);
}
