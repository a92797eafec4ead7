/* SPDX-License-Identifier: MIT */
/* The greatest token of each group that this node has seen, in a file that
 * outlives it: one line "GROUP TOKEN" each.  A store that gives smaller ones was
 * reset, or restored from an old backup. */
#ifndef EXAMPLES_TOKEN_FLOOR_H
#define EXAMPLES_TOKEN_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

struct token_floor {
    const char *group;
    uint64_t token;
};

/* Read those of @floors; whose group is not there, or without a file, it is 0.
 * False: the file cannot be read, or says something else, which has been
 * said. */
bool token_floors_read(const char *path, struct token_floor *floors,
                       uint32_t count);

/* Write them in place of all that the file says, so that they are on the disk;
 * whole or not at all.  0 or an errno. */
int token_floors_write(const char *path, const struct token_floor *floors,
                       uint32_t count);

#endif
