/* SPDX-License-Identifier: MIT */
/* How long a check may take, read from its words. */
#ifndef EXAMPLES_DB_CHECK_TIME_H
#define EXAMPLES_DB_CHECK_TIME_H

#include <infra/base.h>

/* The time-outs of a good "mysql,..." or "pgsql,..." together, as the library has
 * them where none is given. */
infra_time db_check_time(const char *text);

#endif
