/* SPDX-License-Identifier: MIT */
/* What the record beside the lease says is told to the planner, and to routers. */
#ifndef EXAMPLES_DB_NAMES_H
#define EXAMPLES_DB_NAMES_H

#include "db_commands.h"

/* Make database @id known to the planner, with @flags beside its own. */
int db_set(struct host *h, uint32_t id, uint32_t flags, infra_time now);

/* Take what the store has answered. */
void db_take_record(struct host *h, infra_time now);

#endif
