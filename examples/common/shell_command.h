/* SPDX-License-Identifier: MIT */
/* Commands of the operator, run by /bin/sh, each as a group of processes: never
 * waited for, but reaped when they end, and ended past their limit. */
#ifndef EXAMPLES_SHELL_COMMAND_H
#define EXAMPLES_SHELL_COMMAND_H

#include <infra/base.h>
#include <stdbool.h>
#include <sys/types.h>

#define SHELL_ARGUMENTS_MAX 3u

/* Zeroes: none is running. */
struct shell_command {
    pid_t pid; /* 0: none. */
    infra_time limit_at;
    infra_time grace;
    bool is_stopped; /* A signal was sent. */
    bool is_late;    /* Because of its limit. */
};

/* A variable of its environment. */
struct shell_variable {
    const char *name; /* NULL: the end. */
    const char *value;
};

struct shell_order {
    const char *text;                           /* As for sh -c. */
    const char *arguments[SHELL_ARGUMENTS_MAX]; /* "$@", up to NULL. */
    const struct shell_variable *variables;     /* In addition to ours. */
    infra_time limit_at;
    infra_time grace; /* From SIGTERM to SIGKILL; 0: SIGKILL at once. */
};

/* Start it; its output goes to stderr, or nowhere if that is not read at the
 * start.  False: see errno. */
bool shell_command_start(struct shell_command *command,
                         const struct shell_order *order);

/* End it, with all processes that it started. */
void shell_command_stop(struct shell_command *command, infra_time now);

/* The same if it is time, and the time of that. */
void shell_command_expire(struct shell_command *command, infra_time now);
infra_time shell_command_deadline(const struct shell_command *command);

/* A process ended.  True: it was this one, and none runs now. */
bool shell_command_ended(struct shell_command *command, pid_t pid);

/* In a forked process: restore signal mask and handlers. */
void shell_become_plain(void);

#endif
