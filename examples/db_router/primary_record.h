/* SPDX-License-Identifier: MIT */
/* The primary as db_failover has recorded it beside its lease.  The record is
 * only read, and the lease never taken.
 *
 * A record counts if its token is not older than the newest seen, since a read
 * may be out of date.  "begun" names no primary: writes are to be held until
 * "done" names one.  A record that is malformed, or that names an unknown key,
 * names none, either. */
#ifndef EXAMPLES_DB_ROUTER_PRIMARY_RECORD_H
#define EXAMPLES_DB_ROUTER_PRIMARY_RECORD_H

#include "failover_spec.h"

struct primary_record;

struct primary_record_options {
    struct failover_spec
        *spec;               /* Outlives the record; its password is wiped. */
    const char *const *keys; /* Of the nodes by id; copied, not the texts. */
    uint32_t keys_count;
    infra_time interval; /* Between two reads. */
};

/* NULL: the error is on stderr. */
struct primary_record *primary_record_open(
    struct infra_driver *driver, const struct primary_record_options *options);
void primary_record_close(struct primary_record *r);

/* After each step of the driver, and at the deadline.  True: something else is
 * recorded now. */
bool primary_record_step(struct primary_record *r, infra_time now);
infra_time primary_record_deadline(const struct primary_record *r);

/* Is this node the primary?  @ret_token is its fencing token. */
bool primary_record_names(const struct primary_record *r, uint32_t id,
                          uint64_t *ret_token);

/* It was not read for so long that another primary may be recorded by now. */
bool primary_record_is_old(const struct primary_record *r, infra_time now);

#endif
