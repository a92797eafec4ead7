/* SPDX-License-Identifier: MIT */
/* The greatest token of each group that this node has seen, in a file that
 * outlives it: one line "GROUP TOKEN" each. */
#ifndef EXAMPLES_PAIR_STATE_H
#define EXAMPLES_PAIR_STATE_H

#include "lb_pair_options.h"

/* Read them; without a file they are 0.  False: it is there and cannot be read,
 * which has been said. */
bool pair_state_read(const struct pair_options *options, uint64_t *ret_tokens);

/* Write them, so that they are on the disk.  Failing that it has been said. */
void pair_state_write(const struct pair_options *options,
                      const uint64_t *tokens);

#endif
