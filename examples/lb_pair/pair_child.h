/* SPDX-License-Identifier: MIT */
/* The command that lb_pair runs on each node: kept running, and never longer
 * than lb_pair itself. */
#ifndef EXAMPLES_PAIR_CHILD_H
#define EXAMPLES_PAIR_CHILD_H

#include "../common/shared_gates.h"

#include <sys/types.h>

struct pair_child {
    char **command;
    const struct shared_gates *gates; /* NULL: none. */
    int gates_fd;
    pid_t pid; /* 0: it does not run. */
    infra_time started_at;
    infra_time start_at; /* Time of its next start. */
    infra_time delay;    /* Delay before the start after that. */
    bool is_settled;     /* It has stayed up for SETTLE. */
    bool is_over;        /* Do not start it again. */
};

/* Start it, or note that it has settled, if it is time. */
void pair_child_turn(struct pair_child *child, infra_time now);

infra_time pair_child_deadline(const struct pair_child *child);

/* A process ended.  True: it was this one. */
bool pair_child_ended(struct pair_child *child, pid_t pid, int status,
                      infra_time now);

/* Kill it; it is started again. */
void pair_child_kill(const struct pair_child *child);

/* End it, and do not start it again. */
void pair_child_end(struct pair_child *child);

#endif
