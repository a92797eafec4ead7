/* SPDX-License-Identifier: MIT */
/* The messages of the client that hold a text: startup and query. */
#ifndef INFRA_PROBE_PGSQL_STARTUP_H
#define INFRA_PROBE_PGSQL_STARTUP_H

#include "../internal.h"

/* Where the startup message has the user's name, with its zero. */
#define INFRA__PGSQL_STARTUP_USER_AT 13u

void infra__pgsql_startup(struct infra__request *r, const char *user,
                          const char *database);

void infra__pgsql_query(struct infra__request *r, const char *text);

#endif
