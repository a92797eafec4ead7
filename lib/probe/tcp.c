/* SPDX-License-Identifier: MIT */
/* The smallest check: the connection is up. */
#include "internal.h"

#include "../base/internal.h"

INFRA__NO_TAIL_PADDING(struct infra_probe_tcp_options, reserved);

static void tcp_connected(struct infra_probe *probe)
{
    infra__probe_finish(probe, INFRA_PROBE_REASON_PASSED);
}

/* It never talks. */
static const struct infra__probe_kind tcp = { .connected = tcp_connected };

int infra_probe_tcp(struct infra_probe **ret,
                    const struct infra_probe_tcp_options *options)
{
    struct infra_probe_tcp_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, NULL) : INFRA_EINVAL;
    struct infra_probe *probe =
        infra__probe_create(&err, sizeof *probe, &tcp, &o);

    if (probe != NULL) {
        *ret = probe;
    }
    return err;
}
