/* SPDX-License-Identifier: MIT */
/* Defaults and ranges: Envoy's (api/envoy/config/cluster/v3/
 * outlier_detection.proto), except for max_ejection_percent and for the options
 * that Envoy lacks. */
#include "internal.h"
#include "statistics.h"

/* Three years, so that no sum of a few durations overflows. */
#define DURATION_MAX INFRA_SEC(100000000)
#define INTERVAL_MIN INFRA_MS(1)

#define EJECTION_TIME_MAX INFRA_SEC(300)
#define LATENCY_RATIO_MIN 1000u
#define ANY UINT32_MAX
#define BIT(name) (1u << INFRA_OUTLIER_REASON_##name)

static const uint32_t dry_by_default =
    BIT(CONSECUTIVE_GATEWAY_FAILURE) | BIT(FAILURE_PERCENTAGE) |
    BIT(FAILURE_PERCENTAGE_LOCAL_ORIGIN) | BIT(LATENCY);

static const struct {
    size_t offset;
    uint32_t by_default;
    uint32_t max;
} numbers[] = {
#define AT(name) offsetof(struct infra_outlier_options, name)
    { AT(ids_max), 64, INFRA_OUTLIER_IDS_MAX },
    { AT(max_ejection_percent), 50, 100 },
    { AT(always_eject_one_host), 0, 1 },
    { AT(split_local_origin), 0, 1 },
    { AT(consecutive_5xx), 5, ANY },
    { AT(consecutive_gateway_failure), 5, ANY },
    { AT(consecutive_local_origin_failure), 5, ANY },
    { AT(success_rate_minimum_hosts), 5, ANY },
    { AT(success_rate_request_volume), 100, ANY },
    { AT(success_rate_stdev_factor), 1900, INFRA__FACTOR_MAX },
    { AT(failure_percentage_minimum_hosts), 5, ANY },
    { AT(failure_percentage_request_volume), 50, ANY },
    { AT(failure_percentage_threshold), 85, 100 },
    { AT(median_minimum_hosts), 3, ANY },
    { AT(median_factor), 3500, 100000 },
    { AT(median_gap_percent), 10, 100 },
    { AT(latency_ratio), 3000, 1000000 },
    { AT(idle_decay), 0, 1 },
};

static bool complete_numbers(struct infra_outlier_options *o)
{
    bool are_in_range = true;

    for (size_t i = 0; i < INFRA__COUNT_OF(numbers); i++) {
        uint32_t *number = (void *)((char *)o + numbers[i].offset);
        *number = *number != 0 ? *number : numbers[i].by_default;
        are_in_range &= *number <= numbers[i].max;
    }
    return are_in_range && o->latency_ratio >= LATENCY_RATIO_MIN;
}

static bool complete_enforce(uint32_t enforce[INFRA_OUTLIER_DETECTORS_MAX])
{
    bool are_in_range = true;

    for (uint32_t i = 0; i < INFRA_OUTLIER_REASON_TIME; i++) {
        if (enforce[i] == 0) {
            enforce[i] =
                (dry_by_default >> i & 1) != 0 ? INFRA_OUTLIER_DRY_RUN : 100;
        }
        are_in_range &=
            enforce[i] <= 100 || enforce[i] == INFRA_OUTLIER_DRY_RUN;
    }
    return are_in_range;
}

static void set_default(infra_time *value, infra_time by_default)
{
    *value = *value != 0 ? *value : by_default;
}

static bool complete_durations(struct infra_outlier_options *o)
{
    set_default(&o->interval, INFRA_SEC(10));
    set_default(&o->base_ejection_time, INFRA_SEC(30));
    set_default(&o->max_ejection_time, o->base_ejection_time > EJECTION_TIME_MAX
                                           ? o->base_ejection_time
                                           : EJECTION_TIME_MAX);
    set_default(&o->latency_gap, INFRA_MS(10));
    return o->interval >= INTERVAL_MIN && o->interval <= DURATION_MAX &&
           o->max_ejection_time >= o->base_ejection_time &&
           o->max_ejection_time <= DURATION_MAX &&
           o->max_ejection_time_jitter <= DURATION_MAX &&
           o->latency_gap <= DURATION_MAX;
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
    return complete_durations(o) && complete_numbers(o) &&
                   complete_enforce(o->enforce)
               ? INFRA_OK
               : INFRA_EINVAL;
}
