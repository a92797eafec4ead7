/* SPDX-License-Identifier: MIT */
/* The request of an HTTP check: the texts that it may contain, and its
 * bytes. */
#ifndef INFRA_PROBE_HTTP_REQUEST_H
#define INFRA_PROBE_HTTP_REQUEST_H

#include "internal.h"

/* Do the texts make exactly one request? Defaults are filled in. */
bool infra__http_request_is_allowed(const struct infra_probe_http_options *o);

/* Write the request, which is allowed. */
void infra__http_request_write(struct infra__request *r,
                               const struct infra_probe_http_options *o);

#endif
