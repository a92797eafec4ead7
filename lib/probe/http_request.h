/* SPDX-License-Identifier: MIT */
/* The request of an HTTP check: what may stand in it, and its bytes. */
#ifndef INFRA_PROBE_HTTP_REQUEST_H
#define INFRA_PROBE_HTTP_REQUEST_H

#include <infra/probe.h>
#include <stdbool.h>

/* Are the request's texts such that they make one request? Defaults are filled
 * in. */
bool infra__http_request_is_allowed(const struct infra_probe_http_options *o);

/* Write the request, which is allowed; its size. @ret may be NULL. */
size_t infra__http_request_write(char *ret,
                                 const struct infra_probe_http_options *o);

#endif
