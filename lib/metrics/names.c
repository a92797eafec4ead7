/* SPDX-License-Identifier: MIT */
/* The names of the enums. */
#include "internal.h"

static const char *const kinds[] = {
    [INFRA_METRICS_KIND_COUNTER] = "counter",
    [INFRA_METRICS_KIND_GAUGE] = "gauge",
    [INFRA_METRICS_KIND_HISTOGRAM] = "histogram",
    [INFRA_METRICS_KIND_STATESET] = "stateset",
    [INFRA_METRICS_KIND_INFO] = "info",
};

static const char *const units[] = {
    [INFRA_METRICS_UNIT_NONE] = "none",
    [INFRA_METRICS_UNIT_SECONDS] = "seconds",
    [INFRA_METRICS_UNIT_BYTES] = "bytes",
    [INFRA_METRICS_UNIT_RATIO] = "ratio",
};

static const char *const flaws[] = {
    [INFRA_METRICS_FLAW_NONE] = "none",
    [INFRA_METRICS_FLAW_NAME] = "bad name",
    [INFRA_METRICS_FLAW_SUFFIX] = "suffix of a kind",
    [INFRA_METRICS_FLAW_TAKEN] = "name taken",
    [INFRA_METRICS_FLAW_UNIT] = "name without its unit",
    [INFRA_METRICS_FLAW_HELP] = "bad help",
    [INFRA_METRICS_FLAW_KIND] = "unknown kind or unit",
    [INFRA_METRICS_FLAW_LABEL] = "bad label",
    [INFRA_METRICS_FLAW_LABEL_TAKEN] = "label taken",
    [INFRA_METRICS_FLAW_BOUNDS] = "bad bounds",
    [INFRA_METRICS_FLAW_STATES] = "bad states",
    [INFRA_METRICS_FLAW_VALUE] = "label value too long",
    [INFRA_METRICS_FLAW_UTF8] = "label value is not UTF-8",
};

static const char *const content_types[] = {
    [INFRA_METRICS_FORMAT_PROMETHEUS] =
        "text/plain; version=0.0.4; charset=utf-8",
    [INFRA_METRICS_FORMAT_OPENMETRICS] =
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const char *infra_metrics_kind_name(uint32_t kind)
{
    return INFRA__NAME(kinds, kind);
}

const char *infra_metrics_unit_name(uint32_t unit)
{
    return INFRA__NAME(units, unit);
}

const char *infra_metrics_flaw_name(uint32_t flaw)
{
    return INFRA__NAME(flaws, flaw);
}

const char *infra_metrics_content_type(uint32_t format)
{
    return INFRA__NAME(content_types, format);
}

const char *infra__metrics_unit_suffix(uint32_t unit)
{
    return unit != INFRA_METRICS_UNIT_NONE ? units[unit] : NULL;
}

uint32_t infra__metrics_decimals(uint32_t unit)
{
    return unit == INFRA_METRICS_UNIT_SECONDS ? 9u
           : unit == INFRA_METRICS_UNIT_RATIO ? 6u
                                              : 0u;
}
