/* SPDX-License-Identifier: MIT */
/* The defaults: Envoy's (api/envoy/config/cluster/v3/outlier_detection.proto),
 * except for max_ejection_percent, and those that it has not. */
#include "internal.h"
#include "statistics.h"

/* Three years: so that no sum of a few durations overflows. */
#define DURATION_MAX INFRA_SEC(100000000)
#define INTERVAL_MIN INFRA_MS(1)

#define EJECTION_TIME_MAX INFRA_SEC(300)
#define MEDIAN_FACTOR_MAX 100000u
#define LATENCY_RATIO_MIN 1000u
#define LATENCY_RATIO_MAX 1000000u

static const uint32_t enforce_defaults[INFRA_OUTLIER_REASON_TIME] = {
    [INFRA_OUTLIER_REASON_CONSECUTIVE_5XX] = 100,
    [INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE] = INFRA_OUTLIER_DRY_RUN,
    [INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] = 100,
    [INFRA_OUTLIER_REASON_SUCCESS_RATE] = 100,
    [INFRA_OUTLIER_REASON_SUCCESS_RATE_LOCAL_ORIGIN] = 100,
    [INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE] = INFRA_OUTLIER_DRY_RUN,
    [INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN] =
        INFRA_OUTLIER_DRY_RUN,
    [INFRA_OUTLIER_REASON_MEDIAN_RATE] = 100,
    [INFRA_OUTLIER_REASON_LATENCY] = INFRA_OUTLIER_DRY_RUN,
};

static void default_time(infra_time *value, infra_time by_default)
{
    *value = *value != 0 ? *value : by_default;
}

static void default_number(uint32_t *value, uint32_t by_default)
{
    *value = *value != 0 ? *value : by_default;
}

static void set_defaults(struct infra_outlier_options *o)
{
    default_time(&o->interval, INFRA_SEC(10));
    default_time(&o->base_ejection_time, INFRA_SEC(30));
    default_time(&o->max_ejection_time,
                 o->base_ejection_time > EJECTION_TIME_MAX
                     ? o->base_ejection_time
                     : EJECTION_TIME_MAX);
    default_time(&o->latency_gap, INFRA_MS(10));
    default_number(&o->ids_max, 64);
    default_number(&o->max_ejection_percent, 50);
    default_number(&o->consecutive_5xx, 5);
    default_number(&o->consecutive_gateway_failure, 5);
    default_number(&o->consecutive_local_origin_failure, 5);
    default_number(&o->success_rate_minimum_hosts, 5);
    default_number(&o->success_rate_request_volume, 100);
    default_number(&o->success_rate_stdev_factor, 1900);
    default_number(&o->failure_percentage_minimum_hosts, 5);
    default_number(&o->failure_percentage_request_volume, 50);
    default_number(&o->failure_percentage_threshold, 85);
    default_number(&o->median_minimum_hosts, 3);
    default_number(&o->median_factor, 3500);
    default_number(&o->median_gap_percent, 10);
    default_number(&o->latency_ratio, 3000);
    for (uint32_t reason = 0; reason < INFRA_OUTLIER_REASON_TIME; reason++) {
        default_number(&o->enforce[reason], enforce_defaults[reason]);
    }
}

static bool durations_in_range(const struct infra_outlier_options *o)
{
    return o->interval >= INTERVAL_MIN && o->interval <= DURATION_MAX &&
           o->max_ejection_time >= o->base_ejection_time &&
           o->max_ejection_time <= DURATION_MAX &&
           o->max_ejection_time_jitter <= DURATION_MAX &&
           o->latency_gap <= DURATION_MAX;
}

static bool numbers_in_range(const struct infra_outlier_options *o)
{
    return o->ids_max <= INFRA_OUTLIER_IDS_MAX &&
           o->max_ejection_percent <= 100 && o->always_eject_one_host <= 1 &&
           o->split_local_origin <= 1 && o->idle_decay <= 1 &&
           o->success_rate_stdev_factor <= INFRA__FACTOR_MAX &&
           o->failure_percentage_threshold <= 100 &&
           o->median_factor <= MEDIAN_FACTOR_MAX &&
           o->median_gap_percent <= 100 &&
           o->latency_ratio >= LATENCY_RATIO_MIN &&
           o->latency_ratio <= LATENCY_RATIO_MAX;
}

static bool enforce_in_range(const struct infra_outlier_options *o)
{
    for (uint32_t reason = 0; reason < INFRA_OUTLIER_REASON_TIME; reason++) {
        if (o->enforce[reason] > 100 &&
            o->enforce[reason] != INFRA_OUTLIER_DRY_RUN) {
            return false;
        }
    }
    return true;
}

int infra__outlier_options_complete(void *options)
{
    struct infra_outlier_options *o = options;

    for (uint32_t i = INFRA_OUTLIER_REASON_TIME;
         i < INFRA_OUTLIER_DETECTORS_MAX; i++) {
        if (o->enforce[i] != 0) {
            return INFRA_ESTRUCT;
        }
    }
    set_defaults(o);
    return durations_in_range(o) && numbers_in_range(o) && enforce_in_range(o)
               ? INFRA_OK
               : INFRA_EINVAL;
}
