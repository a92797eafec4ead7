/* SPDX-License-Identifier: MIT */
/* The greatest token of each group that this node has seen, in a file that
 * outlives it: one line "GROUP TOKEN" each.  A store that gives smaller ones
 * was reset, or restored from an old backup.  Several programs may share a
 * file: each writes its own groups, and leaves the others' as they are. */
#ifndef EXAMPLES_TOKEN_FLOOR_H
#define EXAMPLES_TOKEN_FLOOR_H

#include <infra/base.h>
#include <stdbool.h>
#include <stdint.h>

struct token_floor {
    const char *group;
    uint64_t token;
};

/* The file of a program. */
struct token_floors {
    const char *path; /* NULL: nothing is kept. */
    struct token_floor *floors;
    uint32_t count;
    bool is_due;     /* Something is not in the file yet, */
    bool has_failed; /* and that has been said. */
    infra_time retry_at;
};

/* Read what the file says of these groups, 0 without a line or a file, and
 * write it again, to see that it can be written.  False: it has been said what
 * is wrong. */
bool token_floors_open(struct token_floors *ret, const char *path,
                       struct token_floor *floors, uint32_t count);

/* Write the groups into the file, so that they are on the disk; whole or not at
 * all. What the file has of them is kept if it is greater, and is then in
 * @floors, too. 0 or an errno: EBADMSG: a line is not GROUP TOKEN; ELOOP: it is
 * a symbolic link, which nobody follows. */
int token_floors_write(const char *path, struct token_floor *floors,
                       uint32_t count);

/* The group of this number has such a token. */
void token_floors_see(struct token_floors *f, uint32_t number, uint64_t token);

/* Write what is new.  What fails is tried again each second.  The answer is
 * what there is to say, such as "No space left on device", then "written
 * again"; NULL: nothing new. */
const char *token_floors_keep(struct token_floors *f, infra_time now);

#endif
