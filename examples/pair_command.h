/* SPDX-License-Identifier: MIT */
/* Processes that lb_pair starts: never waited for, but reaped when they end,
 * and killed when they take too long. */
#ifndef EXAMPLES_PAIR_COMMAND_H
#define EXAMPLES_PAIR_COMMAND_H

#include <infra/base.h>
#include <stdbool.h>
#include <sys/types.h>

/* A command of the operator, run by sh -c.  Zeroes: none is running. */
struct pair_command {
    pid_t pid;
    infra_time limit_at;
    bool is_late; /* It was killed at its limit. */
};

/* What it finds in its environment. */
struct pair_variables {
    const char *group;
    const char *node;
    const char *addresses;
    uint64_t token;
};

/* How it ended. */
enum pair_ending {
    PAIR_DONE,   /* Exit status 0. */
    PAIR_FAILED, /* Another, or a signal. */
    PAIR_LATE,   /* It took too long. */
};

/* False: it could not be started; it has been said why. */
bool pair_command_start(struct pair_command *command, const char *text,
                        const struct pair_variables *variables,
                        infra_time limit_at);

/* Kill it with all that it started, if it runs. */
void pair_command_kill(struct pair_command *command);

/* Kill it if it is time to. */
void pair_command_expire(struct pair_command *command, infra_time now);

/* When to call that. */
infra_time pair_command_deadline(const struct pair_command *command);

/* A process ended.  Was it this?  If so, none is running now. */
bool pair_command_ended(struct pair_command *command, pid_t pid, int status,
                        enum pair_ending *ret);

/* In a process that was forked: nothing of lb_pair's mask and handlers. */
void pair_become_plain(void);

/* Say something to stderr, with the time since the machine booted, on the clock
 * that leases go by. */
void pair_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
