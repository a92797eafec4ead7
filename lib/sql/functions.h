/* SPDX-License-Identifier: MIT */
/* What the built-in functions do: lists of names, each of one effect. */
#ifndef INFRA_SQL_FUNCTIONS_H
#define INFRA_SQL_FUNCTIONS_H

#include "../base/internal.h"
#include "internal.h"

struct infra__sql_functions {
    const char *const *names; /* Sorted. NULL: behind the last list. */
    uint32_t count;
    uint32_t effect; /* enum effect. */
};

extern const struct infra__sql_functions infra__sql_functions_postgresql[];
extern const struct infra__sql_functions infra__sql_functions_mysql[];

#endif
