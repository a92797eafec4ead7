/* SPDX-License-Identifier: MIT */
/* What the operator sees of tcp_proxy, and may do to it: /metrics, /healthz,
 * /status, /status.json and /mark. */
#ifndef EXAMPLES_PROXY_ADMIN_H
#define EXAMPLES_PROXY_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

struct page;
struct proxy;

/* Add the series; before the workers start.  False: the reason was logged. */
bool proxy_admin_prepare(struct proxy *proxy);

/* Listen.  False: the reason was logged. */
bool proxy_admin_listen(struct proxy *proxy);

void proxy_admin_finish(struct proxy *proxy);

/* The series of tcp_proxy itself and of its modules, as of now. */
void proxy_admin_collect(struct proxy *proxy);

/* The version of the library. */
void proxy_admin_version(char *text, size_t size);

/* Append /status.json. */
void proxy_admin_status(struct proxy *proxy, struct page *page);

#endif
