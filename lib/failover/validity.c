/* SPDX-License-Identifier: MIT */
/* Until when a lease holds for certain, on the holder's own clock. The store
 * began to count after the call was issued, so from the issue is never too
 * late; its clock and ours may differ by drift_ppm each way, so of its time
 * (1 - d) / (1 + d) is ours; and the guard is for what lies between the last
 * look at the gate and the effect (Gray and Cheriton 1989, section 5). */
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
