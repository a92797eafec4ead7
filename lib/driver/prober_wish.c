/* SPDX-License-Identifier: MIT */
/* What backends ask for: an agent tells a weight, an administrative state, a
 * cap, and what it does not tell stays as it was. The host hears of it when it
 * is another thing than what it knows; who wishes twice before the host asks is
 * told of once. */
#include "prober.h"

#include <string.h>

static void merge(struct infra__wish *w, const struct infra_probe_result *r)
{
    if ((r->has & INFRA_PROBE_HAS_ADMIN) != 0) {
        w->admin = r->admin;
    }
    if ((r->has & INFRA_PROBE_HAS_IN_FLIGHT_MAX) != 0) {
        w->in_flight_max = r->in_flight_max;
    }
    /* One of the two; of a reply that tells both, the number. */
    if ((r->has & INFRA_PROBE_HAS_WEIGHT_ABSOLUTE) != 0) {
        w->weight = r->weight;
        w->weight_percent = 0;
        w->has &= ~(uint32_t)INFRA_PROBE_HAS_WEIGHT;
    } else if ((r->has & INFRA_PROBE_HAS_WEIGHT) != 0) {
        w->weight_percent = r->weight_percent;
        w->weight = 0;
        w->has &= ~(uint32_t)INFRA_PROBE_HAS_WEIGHT_ABSOLUTE;
    }
    uint32_t has = r->has;
    if ((has & INFRA_PROBE_HAS_WEIGHT_ABSOLUTE) != 0) {
        has &= ~(uint32_t)INFRA_PROBE_HAS_WEIGHT;
    }
    w->has |= has & (INFRA_PROBE_HAS_ADMIN | INFRA_PROBE_HAS_IN_FLIGHT_MAX |
                     INFRA_PROBE_HAS_WEIGHT | INFRA_PROBE_HAS_WEIGHT_ABSOLUTE);
}

void infra__wish_tell(struct infra__backend *b)
{
    bool is_known =
        memcmp(&b->wish, &b->known_wish, sizeof b->wish) == 0 || b->is_gone;

    if (is_known) {
        infra__line_leave(b, INFRA__LINE_WISHES);
    } else if (!b->places[INFRA__LINE_WISHES].taken) {
        infra__line_enter(b, INFRA__LINE_WISHES);
    }
}

void infra__wish_note(struct infra__backend *b, infra_time now)
{
    struct infra__wish was = b->wish;

    merge(&b->wish, &b->result);
    if (memcmp(&was, &b->wish, sizeof was) != 0) {
        b->wished_at = now;
        infra__wish_tell(b);
    }
}

void infra__wish_take(struct infra__backend *b, struct infra_health_event *ret)
{
    const struct infra__wish *w = &b->wish;

    infra__line_leave(b, INFRA__LINE_WISHES);
    b->known_wish = *w;
    *ret = (struct infra_health_event) { .kind = INFRA_HEALTH_EVENT_WISH,
                                         .id = b->id,
                                         .at = b->wished_at,
                                         .has = w->has,
                                         .admin = w->admin,
                                         .weight_percent = w->weight_percent,
                                         .weight = w->weight,
                                         .in_flight_max = w->in_flight_max };
}
