/* SPDX-License-Identifier: MIT */
/* What a Redis check says: all of it, in one write. */
#ifndef INFRA_PROBE_REDIS_REQUEST_H
#define INFRA_PROBE_REDIS_REQUEST_H

#include <infra/probe.h>
#include <stdbool.h>

/* Are all options such as the header wants them? */
bool infra__redis_options_are_allowed(
    const struct infra_probe_redis_options *o);

/* Write the request, which is allowed; its size. @ret may be NULL. */
size_t infra__redis_request_write(char *ret,
                                  const struct infra_probe_redis_options *o);

#endif
