/* SPDX-License-Identifier: MIT */
/* Two different backends drawn by weight, for policies that compare two. O(1);
 * if few are usable, some more draws and then a draw among the usable, O(n). */
#ifndef INFRA_BALANCER_ALGORITHM_DRAW_PAIR_H
#define INFRA_BALANCER_ALGORITHM_DRAW_PAIR_H

#include "alias.h"

/* @columns: of infra__alias_table_build(), NULL if all weights are equal.
 * NO_INDEX where none is left. */
void infra__draw_pair(const struct alias_column *columns, uint64_t *random,
                      const struct infra_balancer_candidates *c,
                      uint32_t pair[2]);

#endif
