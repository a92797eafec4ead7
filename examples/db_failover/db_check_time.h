/* SPDX-License-Identifier: MIT */
/* The longest time of a check, from its settings. */
#ifndef EXAMPLES_DB_CHECK_TIME_H
#define EXAMPLES_DB_CHECK_TIME_H

#include <infra/base.h>

/* Sum of the time-outs of a valid "mysql,..." or "pgsql,...", with the defaults
 * of the library. */
infra_time db_check_time(const char *text);

#endif
