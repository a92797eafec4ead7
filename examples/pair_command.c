/* SPDX-License-Identifier: MIT */
#include "pair_command.h"

#include <errno.h>
#include <infra/driver.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

void pair_become_plain(void)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run(const char *text, const struct pair_variables *v)
{
    char token[32];

    (void)snprintf(token, sizeof token, "%llu", (unsigned long long)v->token);
    (void)setpgid(0, 0);
    pair_become_plain();
    if (setenv("INFRA_GROUP", v->group, 1) == 0 &&
        setenv("INFRA_NODE", v->node, 1) == 0 &&
        setenv("INFRA_TOKEN", token, 1) == 0 &&
        setenv("INFRA_ADDRESS", v->addresses, 1) == 0) {
        (void)execl("/bin/sh", "sh", "-c", text, (char *)NULL);
    }
    _exit(127);
}

bool pair_command_start(struct pair_command *command, const char *text,
                        const struct pair_variables *variables,
                        infra_time limit_at)
{
    pid_t pid = fork();

    if (pid < 0) {
        pair_say("%s: %s: %s", variables->group, text, strerror(errno));
        return false;
    }
    if (pid == 0) {
        run(text, variables);
    }
    (void)setpgid(pid, pid); /* Whoever comes first. */
    *command = (struct pair_command) { .pid = pid, .limit_at = limit_at };
    return true;
}

void pair_command_kill(struct pair_command *command)
{
    if (command->pid > 0) {
        (void)kill(-command->pid, SIGKILL);
        command->limit_at = INFRA_TIME_NEVER;
    }
}

void pair_command_expire(struct pair_command *command, infra_time now)
{
    if (command->pid > 0 && now >= command->limit_at) {
        command->is_late = true;
        pair_command_kill(command);
    }
}

infra_time pair_command_deadline(const struct pair_command *command)
{
    return command->pid > 0 ? command->limit_at : INFRA_TIME_NEVER;
}

bool pair_command_ended(struct pair_command *command, pid_t pid, int status,
                        enum pair_ending *ret)
{
    if (command->pid == 0 || command->pid != pid) {
        return false;
    }
    *ret = command->is_late                                ? PAIR_LATE
           : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? PAIR_DONE
                                                           : PAIR_FAILED;
    *command = (struct pair_command) { 0 };
    return true;
}
