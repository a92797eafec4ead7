/* SPDX-License-Identifier: MIT */
/* The generic cell rate algorithm (ITU-T I.371): each start moves the due time
 * of the next by one interval, and a start may be early by a slack. A loop that
 * wakes each millisecond at best needs the slack; a late loop gains no more
 * than the slack, however late it is. O(1). */
#include "rate_limit.h"

#include <assert.h>

#define AT_ONCE INFRA_MS(10)

struct infra__pace infra__pace_of(uint32_t per_s)
{
    struct infra__pace pace = { 0 };

    assert(per_s <= INFRA__PACE_PER_S_MAX);
    if (per_s > 0) {
        pace.interval = (INFRA_SEC(1) + per_s - 1) / per_s;
        pace.slack = pace.interval < AT_ONCE ? AT_ONCE - pace.interval : 0;
    }
    return pace;
}

infra_time infra__pace_next(const struct infra__pace *pace)
{
    return pace->due > pace->slack ? pace->due - pace->slack : 0;
}

void infra__pace_take(struct infra__pace *pace, infra_time now)
{
    if (pace->interval > 0) {
        pace->due = (pace->due > now ? pace->due : now) + pace->interval;
    }
}
