/* SPDX-License-Identifier: MIT */
/* Of a balancer: its backends and its tiers. */
#include "internal.h"

#include <stdio.h>

static const struct infra__collect_family backend_families[] = {
    { "backend_picks", "Times a backend was picked.", "backend", PLACE_PICKS,
      INFRA_METRICS_KIND_COUNTER, 0, NULL },
    { "backend_failures", "Outcomes that blame a backend.", "backend",
      PLACE_FAILURES, INFRA_METRICS_KIND_COUNTER, 0, NULL },
    { "backend_sessions", "Work that a backend has now.", "backend",
      PLACE_SESSIONS, INFRA_METRICS_KIND_GAUGE, 0, NULL },
    { "backend_share_ratio",
      "Part of its tier's traffic that is due to a "
      "backend; 0: it cannot be picked.",
      "backend", PLACE_SHARE, INFRA_METRICS_KIND_GAUGE,
      INFRA_METRICS_UNIT_RATIO, NULL },
    { "backend_state", "State of a backend, by its worst mark.", "backend",
      PLACE_STATE, INFRA_METRICS_KIND_STATESET, 0, infra_balancer_state_name },
    { "backend_latency_reports", "Latencies reported for a backend.", "backend",
      PLACE_REPORTS, INFRA_METRICS_KIND_COUNTER, 0, NULL },
    { "backend_latency_seconds", "Sum of these latencies.", "backend",
      PLACE_LATENCY, INFRA_METRICS_KIND_COUNTER, INFRA_METRICS_UNIT_SECONDS,
      NULL },
};

static const struct infra__collect_family tier_families[] = {
    { "tier_backends", "Backends of a tier.", "tier", PLACE_TIER_BACKENDS,
      INFRA_METRICS_KIND_GAUGE, 0, NULL },
    { "tier_up", "Backends of a tier that are up or degraded.", "tier",
      PLACE_TIER_UP, INFRA_METRICS_KIND_GAUGE, 0, NULL },
    { "tier_candidates", "Backends of a tier that may be picked.", "tier",
      PLACE_TIER_CANDIDATES, INFRA_METRICS_KIND_GAUGE, 0, NULL },
};

int infra_collect_balancer(struct infra_collect *collect,
                           const struct infra_balancer *balancer, uint32_t id,
                           const char *name)
{
    struct infra_balancer_status s = { .size = sizeof s };

    if (collect == NULL || name == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra_balancer_inspect(balancer, id, &s);
    const int64_t values[] = {
        (int64_t)s.picks,
        (int64_t)s.failures,
        (int64_t)s.in_flight,
        s.share_ppm,
        s.state,
        (int64_t)s.reports,
        (int64_t)s.latency_sum,
    };

    return err != INFRA_OK
               ? err
               : infra__collect_set(collect, backend_families,
                                    INFRA__COUNT_OF(backend_families), name,
                                    values);
}

int infra_collect_tier(struct infra_collect *collect,
                       const struct infra_balancer *balancer, uint32_t tier)
{
    struct infra_balancer_tier_status s = { .size = sizeof s };
    char label[12];

    if (collect == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra_balancer_inspect_tier(balancer, tier, &s);
    const int64_t values[] = { s.backends, s.up, s.candidates };
    (void)snprintf(label, sizeof label, "%u", (unsigned)tier);
    return err != INFRA_OK ? err
                           : infra__collect_set(collect, tier_families,
                                                INFRA__COUNT_OF(tier_families),
                                                label, values);
}
