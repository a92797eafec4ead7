/* SPDX-License-Identifier: MIT */
/* The program of which a pair runs one on each node: kept running, and never
 * longer than lb_pair itself. */
#ifndef EXAMPLES_PAIR_CHILD_H
#define EXAMPLES_PAIR_CHILD_H

#include "../common/shared_gates.h"

#include <sys/types.h>

struct pair_child {
    char **command;
    const struct shared_gates *gates; /* NULL: it has none. */
    int gates_fd;
    pid_t pid; /* 0: it does not run. */
    infra_time started_at;
    infra_time start_at; /* When it is to be started again. */
    infra_time delay;    /* Before the next start but one. */
    bool is_settled;     /* It has stayed up for a moment. */
    bool is_over;        /* It is not to be started again. */
};

/* Start it, or note that it has settled, if it is time to. */
void pair_child_turn(struct pair_child *child, infra_time now);

infra_time pair_child_deadline(const struct pair_child *child);

/* A process ended.  Was it this? */
bool pair_child_ended(struct pair_child *child, pid_t pid, int status,
                      infra_time now);

/* Kill it: it is started again. */
void pair_child_kill(const struct pair_child *child);

/* Have it end, and not start again. */
void pair_child_end(struct pair_child *child);

#endif
