/* SPDX-License-Identifier: MIT */
/* Of this node's role in a group. */
#include "internal.h"

static const struct infra__collect_family families[] = {
    { "failover_role", "Role of this node.", "group", PLACE_ROLE,
      INFRA_METRICS_KIND_STATESET, 0, infra_failover_role_name },
    { "failover_token", "Fencing token of this node's lease; 0: none.", "group",
      PLACE_TOKEN, INFRA_METRICS_KIND_GAUGE, 0, NULL },
    { "failover_activations", "Times this node became active.", "group",
      PLACE_ACTIVATIONS, INFRA_METRICS_KIND_COUNTER, 0, NULL },
};

int infra_collect_failover(struct infra_collect *collect, const char *group,
                           const struct infra_failover_status *status)
{
    struct infra_failover_status s = { .size = sizeof s };

    if (collect == NULL || group == NULL || status == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&s, sizeof s, status, sizeof s);
    const int64_t values[] = { s.role, (int64_t)s.token,
                               (int64_t)s.activations };
    return err != INFRA_OK
               ? err
               : infra__collect_set(collect, families,
                                    INFRA__COUNT_OF(families), group, values);
}
