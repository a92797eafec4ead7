/* SPDX-License-Identifier: MIT */
/* The least that a check can say: the connection stands. */
#include "internal.h"

#include "../base/internal.h"

INFRA__NO_TAIL_PADDING(struct infra_probe_tcp_options, reserved);

static void tcp_connected(struct infra_probe *probe)
{
    infra__probe_finish(probe, INFRA_PROBE_REASON_PASSED);
}

/* It never talks: the other functions are never called. */
static const struct infra__probe_kind tcp = { .connected = tcp_connected };

int infra_probe_tcp(struct infra_probe **ret,
                    const struct infra_probe_tcp_options *options)
{
    struct infra_probe_tcp_options o = { .size = sizeof o };

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    if (o.tls > 1) {
        return INFRA_EINVAL;
    }
    const struct infra__probe_limits limits = { .connect_timeout =
                                                    o.connect_timeout,
                                                .tls = o.tls == 1 };
    return infra__probe_create(ret, sizeof **ret, &tcp, o.allocator, &limits);
}
