/* SPDX-License-Identifier: MIT */
/* Pass the record beside the lease on to the planner and to routers. */
#ifndef EXAMPLES_DB_PRIMARY_H
#define EXAMPLES_DB_PRIMARY_H

#include "db_host.h"

/* Make database @id known to the planner, with @flags beside its own. */
int db_set(struct host *h, uint32_t id, uint32_t flags, infra_time now);

/* Take the answers of the store. */
void db_take_record(struct host *h, infra_time now);

#endif
