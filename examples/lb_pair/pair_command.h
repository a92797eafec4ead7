/* SPDX-License-Identifier: MIT */
/* The operator's commands of lb_pair, and what it says. */
#ifndef EXAMPLES_PAIR_COMMAND_H
#define EXAMPLES_PAIR_COMMAND_H

#include "../common/shell_command.h"

#include <stdint.h>

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
bool pair_command_start(struct shell_command *command, const char *text,
                        const struct pair_variables *variables,
                        infra_time limit_at);

/* A process ended.  Was it this?  If so, none is running now. */
bool pair_command_ended(struct shell_command *command, pid_t pid, int status,
                        enum pair_ending *ret);

/* Begin the log, to stderr (log.h). */
void pair_log_open(uint32_t groups_count);

/* Say something there, with the time since the machine booted, on the clock
 * that leases go by. */
void pair_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
