/* SPDX-License-Identifier: MIT */
/* The databases among the arguments of db_failover, and how to find one by its
 * key or its address. */
#ifndef EXAMPLES_DB_LIST_H
#define EXAMPLES_DB_LIST_H

#include "db_failover_options.h"

/* Add "KEY=ADDR:PORT[,ATTRIBUTE]..."; @text is taken apart in place.  False,
 * with a message: it is wrong. */
bool db_list_read(struct db_failover_options *o, char *text);

/* Key of a database, "-" past the last. */
const char *db_key(const struct db_failover_options *o, uint32_t db);

/* Database with this key; DBS_MAX: none. */
uint32_t db_by_key(const struct db_failover_options *o, const char *key);

/* Database that listens at "host:port", as replicas name their source; DBS_MAX:
 * none. */
uint32_t db_by_address(const struct db_failover_options *o, const char *name);

#endif
