/* SPDX-License-Identifier: MIT */
/* Commands of the operator, carried out. */
#ifndef EXAMPLES_DB_COMMANDS_H
#define EXAMPLES_DB_COMMANDS_H

#include "db_host.h"

/* Carry out a command, and write the answer: "ok ..." or "no ...". @text is
 * taken apart in place. */
void db_obey(struct host *h, char *text, infra_time now, char *answer,
             size_t size);

#endif
