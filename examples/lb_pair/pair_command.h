/* SPDX-License-Identifier: MIT */
/* The operator's commands of lb_pair, and its log. */
#ifndef EXAMPLES_PAIR_COMMAND_H
#define EXAMPLES_PAIR_COMMAND_H

#include "../common/shell_command.h"

#include <stdint.h>

/* The environment of a command. */
struct pair_variables {
    const char *group;
    const char *node;
    const char *addresses;
    uint64_t token;
};

/* The end of a command. */
enum pair_ending {
    PAIR_DONE,   /* Exit status 0. */
    PAIR_FAILED, /* Another status, or a signal. */
    PAIR_LATE,   /* It exceeded its limit. */
};

/* False: it could not be started; the reason was logged. */
bool pair_command_start(struct shell_command *command, const char *text,
                        const struct pair_variables *variables,
                        infra_time limit_at);

/* A process ended.  True: it was this one, and none runs now. */
bool pair_command_ended(struct shell_command *command, pid_t pid, int status,
                        enum pair_ending *ret);

/* Open the log, to stderr (log.h). */
void pair_log_open(uint32_t groups_count);

/* Log a line with the time since the boot, by the clock of leases. */
void pair_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
