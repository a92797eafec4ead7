/* SPDX-License-Identifier: MIT */
/* Weighted round robin without a queue, as in gRPC (gRFC A58 and
 * static_stride_scheduler.cc). Backend i with scaled weight w takes its turn in
 * generation g if (w * g + i * K/2) mod K >= K - w, with K = 65535: in w of K
 * generations, evenly apart. Weights are limited to 1/100 .. 10 times the mean,
 * then scaled so that the greatest is K. So a pick passes over at most ten
 * turns on average. */
#ifndef INFRA_BALANCER_ALGORITHM_STATIC_STRIDE_H
#define INFRA_BALANCER_ALGORITHM_STATIC_STRIDE_H

#include "../internal.h"

/* Fill @ret_scaled with a scaled weight, at least 1, for each of the list. */
void infra__static_stride_scale(uint16_t *ret_scaled, const struct list *list);

/* The next turn, if it is usable and the pick has no eligible set, else a draw
 * by weight. @position is the index and the generation; any two words, and a
 * position in another list, will do to go on from. @sequence: of restricted
 * picks, as in round_robin.c. */
uint32_t infra__static_stride_pick(const uint16_t *scaled,
                                   const struct infra_balancer_candidates *c,
                                   uint64_t position[2], uint64_t *sequence);

/* The next turn, usable or not. */
uint32_t infra__static_stride_next(const uint16_t *scaled, uint32_t count,
                                   uint64_t position[2]);

#endif
