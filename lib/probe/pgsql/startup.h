/* SPDX-License-Identifier: MIT */
/* The first thing that PostgreSQL hears: who comes, and to which database. */
#ifndef INFRA_PROBE_PGSQL_STARTUP_H
#define INFRA_PROBE_PGSQL_STARTUP_H

#include <stddef.h>

/* Where the user's name is in it, with its zero. */
#define INFRA__PGSQL_STARTUP_USER_AT 13u

/* Write the message and answer its size; NULL: the size alone. */
size_t infra__pgsql_startup(char *ret, const char *user, const char *database);

#endif
