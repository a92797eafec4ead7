/* SPDX-License-Identifier: MIT */
/* Two different backends drawn by weight, for policies that compare two. O(1);
 * when few may be picked the draws are repeated some times and then made among
 * those that may, O(n). */
#ifndef INFRA_BALANCER_ALGORITHM_DRAW_PAIR_H
#define INFRA_BALANCER_ALGORITHM_DRAW_PAIR_H

#include "alias.h"

/* @columns: infra__alias_table_build()'s, NULL where all weights are equal.
 * Either may be NO_INDEX, the second if there is one only. */
void infra__draw_pair(const struct alias_column *columns, uint64_t *random,
                      const struct infra_balancer_candidates *c,
                      uint32_t pair[2]);

#endif
