/* SPDX-License-Identifier: MIT */
/* The databases among the arguments of db_failover, and who is meant by a key or
 * an address. */
#ifndef EXAMPLES_DB_LIST_H
#define EXAMPLES_DB_LIST_H

#include "db_failover_options.h"

/* Add "KEY=ADDR:PORT[,ATTRIBUTE]..."; @text is taken apart in place.  False: it
 * has been said what is wrong. */
bool db_list_read(struct db_failover_options *o, char *text);

/* Which database has this key?  DBS_MAX: none. */
uint32_t db_by_key(const struct db_failover_options *o, const char *key);

/* Which one listens at "host:port", as a replica calls its source?  DBS_MAX:
 * none. */
uint32_t db_by_address(const struct db_failover_options *o, const char *name);

#endif
