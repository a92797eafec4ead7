/* SPDX-License-Identifier: MIT */
/* Of outlier detection. */
#include "internal.h"

static const struct infra__collect_family families[] = {
    { "backend_ejected", "1: a backend is ejected.", "backend", PLACE_EJECTED,
      INFRA_METRICS_KIND_GAUGE, 0, NULL },
    { "backend_ejections", "Ejections of a backend.", "backend",
      PLACE_EJECTIONS, INFRA_METRICS_KIND_COUNTER, 0, NULL },
    { "backend_success_ratio",
      "Part of the reports in the last interval that were good.", "backend",
      PLACE_SUCCESS, INFRA_METRICS_KIND_GAUGE, INFRA_METRICS_UNIT_RATIO, NULL },
};

int infra_collect_outlier(struct infra_collect *collect,
                          const struct infra_outlier *outlier, uint32_t id,
                          const char *name)
{
    struct infra_outlier_status s = { .size = sizeof s };

    if (collect == NULL || name == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra_outlier_inspect(outlier, id, &s);
    const int64_t values[] = {
        s.is_ejected,
        s.ejections,
        s.reports > 0 ? (int64_t)s.rate : INFRA_METRICS_UNKNOWN,
    };

    return err != INFRA_OK
               ? err
               : infra__collect_set(collect, families,
                                    INFRA__COUNT_OF(families), name, values);
}
