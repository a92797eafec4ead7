/* SPDX-License-Identifier: MIT */
/* Names of the enums of outlier.h. */
#include "../base/internal.h"

#include <infra/outlier.h>

static const char *const reasons[] = {
    [INFRA_OUTLIER_REASON_CONSECUTIVE_5XX] = "consecutive-5xx",
    [INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE] =
        "consecutive-gateway-failure",
    [INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] =
        "consecutive-local-origin-failure",
    [INFRA_OUTLIER_REASON_SUCCESS_RATE] = "success-rate",
    [INFRA_OUTLIER_REASON_SUCCESS_RATE_LOCAL_ORIGIN] =
        "success-rate-local-origin",
    [INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE] = "failure-percentage",
    [INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN] =
        "failure-percentage-local-origin",
    [INFRA_OUTLIER_REASON_MEDIAN_RATE] = "median-rate",
    [INFRA_OUTLIER_REASON_LATENCY] = "latency",
    [INFRA_OUTLIER_REASON_TIME] = "time",
    [INFRA_OUTLIER_REASON_PASSED] = "passed",
    [INFRA_OUTLIER_REASON_SHRUNK] = "shrunk",
    [INFRA_OUTLIER_REASON_KEPT] = "kept",
};

static const char *const kinds[] = {
    [INFRA_OUTLIER_EVENT_EJECTED] = "ejected",
    [INFRA_OUTLIER_EVENT_RETURNED] = "returned",
    [INFRA_OUTLIER_EVENT_CAPPED] = "capped",
    [INFRA_OUTLIER_EVENT_SPARED] = "spared",
};

const char *infra_outlier_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_outlier_event_name(uint32_t kind)
{
    return INFRA__NAME(kinds, kind);
}
