/* SPDX-License-Identifier: MIT */
/* A request to an admin listener: the head of HTTP/1.x, and nothing after it.
 * Strict (RFC 9112): no bare LF, no folded lines, no body, one Host.
 *
 * A page of somebody else in the operator's browser may send requests here, but
 * neither read the answer nor add a header to them.  So whatever changes
 * something is a POST with the header X-Admin.  And since a name of somebody
 * else may be made to lead to this address (DNS rebinding), which makes that
 * page one of this site, Host has to be an address or "localhost". */
#ifndef EXAMPLES_ADMIN_REQUEST_H
#define EXAMPLES_ADMIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define ADMIN_REQUEST_MAX 4096u /* Bytes of a head. */
#define ADMIN_PATH_MAX 256u     /* Bytes of a path, or of a query. */

enum admin_method { ADMIN_GET, ADMIN_HEAD, ADMIN_POST };

struct admin_request {
    enum admin_method method;
    bool wants_openmetrics;         /* By Accept. */
    bool has_guard;                 /* The header X-Admin. */
    char path[ADMIN_PATH_MAX + 1];  /* "/status", as sent. */
    char query[ADMIN_PATH_MAX + 1]; /* After "?". */
};

/* Read a request.  0: more bytes are needed; 200: it is whole; another HTTP
 * status: why it is refused. */
int admin_request_read(const char *bytes, size_t size,
                       struct admin_request *ret);

/* The value of a name in the query, into @ret of ADMIN_PATH_MAX + 1 bytes, with
 * %XX decoded.  False: it is not there, or it is not printable ASCII. */
bool admin_request_value(const struct admin_request *request, const char *name,
                         char *ret);

#endif
