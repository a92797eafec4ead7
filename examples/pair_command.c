/* SPDX-License-Identifier: MIT */
#include "pair_command.h"

#include <errno.h>
#include <infra/driver.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void pair_say(const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* One write: the log may be that of several processes. */
    (void)dprintf(STDERR_FILENO, "%.3f %s\n", (double)infra_driver_now() / 1e9,
                  text);
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
