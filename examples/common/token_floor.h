/* SPDX-License-Identifier: MIT */
/* The greatest token that this node has seen of each group, in a file that
 * outlives it: one line "GROUP TOKEN" each.  A store that gives smaller tokens
 * was reset, or restored from an old backup.  Several programs may share a
 * file: each writes its own groups and leaves the others. */
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
    const char *path; /* NULL: no file. */
    struct token_floor *floors;
    uint32_t count;
    bool is_due;     /* Something is yet to be written, */
    bool has_failed; /* and the failure was logged. */
    infra_time retry_at;
};

/* Read the tokens of these groups (0: no line, or no file), and write the file,
 * to see that it can be written.  False: the error is on stderr. */
bool token_floors_open(struct token_floors *ret, const char *path,
                       struct token_floor *floors, uint32_t count);

/* Write the groups to the file and the disk, whole or not at all.  A greater
 * token in the file is kept, and copied to @floors.  0 or an errno: EBADMSG: a
 * line is not GROUP TOKEN; ELOOP: a symbolic link, which is not followed. */
int token_floors_write(const char *path, struct token_floor *floors,
                       uint32_t count);

/* Note a token of the group of this number. */
void token_floors_see(struct token_floors *f, uint32_t number, uint64_t token);

/* Write new tokens.  A failure is retried each second.  The result is a text
 * for the log, such as "No space left on device", then "written again"; NULL:
 * no news. */
const char *token_floors_keep(struct token_floors *f, infra_time now);

#endif
