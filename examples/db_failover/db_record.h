/* SPDX-License-Identifier: MIT */
/* The record beside the lease, as text: the primary, and the databases that
 * have a history of their own.
 *
 *   done KEY TOKEN TIMELINE [apart MARK...]
 *   begun KEY TOKEN [after MARK TOKEN TIMELINE] [apart MARK...]
 *   none [apart MARK...]
 *
 * "after" is the primary before.  A MARK is five digits of the hash of a key,
 * so that all marks fit into a record. */
#ifndef EXAMPLES_DB_RECORD_H
#define EXAMPLES_DB_RECORD_H

#include "db_failover_options.h"

#include <infra/lease.h>

#define DB_RECORD_SIZE (INFRA_LEASE_RECORD_MAX + 1u)

struct db_named {
    uint32_t db; /* DBS_MAX: none. */
    uint32_t former;
    uint64_t token;
    uint64_t timeline;
    uint64_t former_token;
    uint64_t former_timeline;
    uint32_t apart; /* A bit for each database. */
    bool is_unfinished;
};

/* The length of the text. */
size_t db_record_write(const struct db_failover_options *o,
                       const struct db_named *named, char text[DB_RECORD_SIZE]);

/* False, with a message: the record is malformed, or names an unknown database.
 * The primary is unknown then, and nothing may be done. */
bool db_record_read(const struct db_failover_options *o, const char *text,
                    struct db_named *ret);

#endif
