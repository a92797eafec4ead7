/* SPDX-License-Identifier: MIT */
/* The record beside the lease, as text: who was named primary, and which
 * databases have a history of their own.
 *
 *   done KEY TOKEN TIMELINE [apart MARK...]
 *   begun KEY TOKEN [after MARK TOKEN TIMELINE] [apart MARK...]
 *   none [apart MARK...]
 *
 * "after" is who was primary before.  A MARK is five digits of a hash of a key,
 * so that all of it fits into a record. */
#ifndef EXAMPLES_DB_RECORD_H
#define EXAMPLES_DB_RECORD_H

#include "db_failover_options.h"

#include <infra/lease.h>

#define DB_RECORD_SIZE (INFRA_LEASE_RECORD_MAX + 1u)

struct db_named {
    uint32_t db; /* DBS_MAX: nobody. */
    uint32_t former;
    uint64_t token;
    uint64_t timeline;
    uint64_t former_token;
    uint64_t former_timeline;
    uint32_t apart; /* A bit for each database. */
    bool is_unfinished;
};

/* Its length. */
size_t db_record_write(const struct db_failover_options *o,
                       const struct db_named *named, char text[DB_RECORD_SIZE]);

/* False: it says something else, or names somebody who is not here; it has been
 * said.  Then it is not known who is primary, and nothing may be done. */
bool db_record_read(const struct db_failover_options *o, const char *text,
                    struct db_named *ret);

#endif
