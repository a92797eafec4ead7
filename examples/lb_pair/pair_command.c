/* SPDX-License-Identifier: MIT */
#include "pair_command.h"

#include "../common/log.h"

#include <errno.h>
#include <infra/driver.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Lines of a kind for each group within LOG_WINDOW. */
#define PAIR_REPEATS_MAX 30u

void pair_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_vline(format, args);
    va_end(args);
}

static void stamp(char *text, size_t size)
{
    (void)snprintf(text, size, "%.3f ", (double)infra_driver_now() / 1e9);
}

void pair_log_open(uint32_t groups_count)
{
    const struct log_options options = {
        .fd = STDERR_FILENO,
        .stamp = stamp,
        .repeats_max = PAIR_REPEATS_MAX * (1 + groups_count),
    };

    log_open(&options);
}

bool pair_command_start(struct shell_command *command, const char *text,
                        const struct pair_variables *variables,
                        infra_time limit_at)
{
    char token[32];
    const struct shell_variable environment[] = {
        { "INFRA_GROUP", variables->group },
        { "INFRA_NODE", variables->node },
        { "INFRA_TOKEN", token },
        { "INFRA_ADDRESS", variables->addresses },
        { NULL, NULL },
    };
    const struct shell_order order = { .text = text,
                                       .variables = environment,
                                       .limit_at = limit_at };

    (void)snprintf(token, sizeof token, "%llu",
                   (unsigned long long)variables->token);
    if (!shell_command_start(command, &order)) {
        pair_say("%s: %s: %s", variables->group, text, strerror(errno));
        return false;
    }
    return true;
}

bool pair_command_ended(struct shell_command *command, pid_t pid, int status,
                        enum pair_ending *ret)
{
    if (!shell_command_ended(command, pid)) {
        return false;
    }
    *ret = command->is_late                                ? PAIR_LATE
           : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? PAIR_DONE
                                                           : PAIR_FAILED;
    return true;
}
