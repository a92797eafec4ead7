/* SPDX-License-Identifier: MIT */
/* The request of a Redis check: all commands in one write. */
#ifndef INFRA_PROBE_REDIS_REQUEST_H
#define INFRA_PROBE_REDIS_REQUEST_H

#include "../internal.h"

bool infra__redis_options_are_allowed(
    const struct infra_probe_redis_options *o);

/* Write the request of options that are allowed. */
void infra__redis_request_write(struct infra__request *r,
                                const struct infra_probe_redis_options *o);

#endif
