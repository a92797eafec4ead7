/* SPDX-License-Identifier: MIT */
/* Drawing by weight in O(1): the alias method (Walker 1977, Vose 1991). Column
 * i answers i below its threshold and its alias above; all columns are equally
 * likely. Built in O(n). */
#ifndef INFRA_BALANCER_ALGORITHM_ALIAS_H
#define INFRA_BALANCER_ALGORITHM_ALIAS_H

#include "../../base/random.h"
#include "../internal.h"

struct alias_column {
    uint32_t threshold; /* Of 2^32. */
    uint32_t alias;
};

/* The functions of a policy: a table of columns. None if all weights are
 * equal. */
size_t infra__alias_table_size(const struct infra_balancer_candidates *c);
size_t infra__alias_scratch_size(const struct infra_balancer_candidates *c);
int infra__alias_table_build(void *table, void *scratch,
                             const struct infra_balancer_candidates *c);

/* An index by weight, usable or not. Without columns: all alike. */
static inline uint32_t infra__alias_draw(const struct alias_column *columns,
                                         uint32_t count, uint64_t random)
{
    uint32_t column = infra__below(random, count);

    return columns == NULL || (uint32_t)random < columns[column].threshold
               ? column
               : columns[column].alias;
}

#endif
