/* SPDX-License-Identifier: MIT */
/* Of active checks. */
#include "internal.h"

static const struct infra__collect_family families[] = {
    { "backend_checks", "Checks of a backend.", "backend", PLACE_CHECKS,
      INFRA_METRICS_KIND_COUNTER, 0, NULL },
    { "backend_check_failures", "Checks of a backend that blame it.", "backend",
      PLACE_CHECK_FAILURES, INFRA_METRICS_KIND_COUNTER, 0, NULL },
    { "backend_check_up", "1: a backend is up by its checks.", "backend",
      PLACE_CHECK_UP, INFRA_METRICS_KIND_GAUGE, 0, NULL },
};

int infra_collect_health(struct infra_collect *collect, const char *name,
                         const struct infra_health_status *status)
{
    struct infra_health_status s = { .size = sizeof s };

    if (collect == NULL || name == NULL || status == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&s, sizeof s, status, sizeof s);
    const int64_t values[] = { (int64_t)s.checks, (int64_t)s.failures, s.up };
    return err != INFRA_OK
               ? err
               : infra__collect_set(collect, families,
                                    INFRA__COUNT_OF(families), name, values);
}
