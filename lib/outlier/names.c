/* SPDX-License-Identifier: MIT */
/* The words of the outlier watch, and what an HTTP status means to it. */
#include "../base/internal.h"

#include <infra/outlier.h>

static const char *const reasons[] = {
    [INFRA_OUTLIER_CONSECUTIVE_5XX] = "consecutive-5xx",
    [INFRA_OUTLIER_CONSECUTIVE_GATEWAY_FAILURE] = "consecutive-gateway-failure",
    [INFRA_OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] =
        "consecutive-local-origin-failure",
    [INFRA_OUTLIER_SUCCESS_RATE] = "success-rate",
    [INFRA_OUTLIER_SUCCESS_RATE_LOCAL_ORIGIN] = "success-rate-local-origin",
    [INFRA_OUTLIER_FAILURE_PERCENTAGE] = "failure-percentage",
    [INFRA_OUTLIER_FAILURE_PERCENTAGE_LOCAL_ORIGIN] =
        "failure-percentage-local-origin",
    [INFRA_OUTLIER_MEDIAN_RATE] = "median-rate",
    [INFRA_OUTLIER_LATENCY] = "latency",
    [INFRA_OUTLIER_TIME] = "time",
    [INFRA_OUTLIER_PASSED] = "passed",
    [INFRA_OUTLIER_SHRUNK] = "shrunk",
    [INFRA_OUTLIER_KEPT] = "kept",
};

static const char *const kinds[] = {
    [INFRA_OUTLIER_EJECTED] = "ejected",
    [INFRA_OUTLIER_RETURNED] = "returned",
    [INFRA_OUTLIER_CAPPED] = "capped",
    [INFRA_OUTLIER_WATCHED] = "watched",
};

const char *infra_outlier_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_outlier_event_name(uint32_t kind)
{
    return INFRA__NAME(kinds, kind);
}

uint32_t infra_outlier_result_of_status(uint32_t status)
{
    if (status >= 502 && status <= 504) {
        return INFRA_OUTCOME_GATEWAY_ERROR;
    }
    return status >= 500 && status <= 599 ? INFRA_OUTCOME_ERROR
                                          : INFRA_OUTCOME_OK;
}
