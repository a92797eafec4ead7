/* SPDX-License-Identifier: MIT */
#include "shell_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void shell_become_plain(void)
{
    static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGPIPE };
    sigset_t none;

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)signal(signals[i], SIG_DFL);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A command must neither end nor wait because the log is not read. */
static void leave_dead_log(void)
{
    struct pollfd log = { .fd = STDERR_FILENO, .events = POLLOUT };
    bool is_taken =
        poll(&log, 1, 0) == 1 && (log.revents & (POLLERR | POLLNVAL)) == 0;
    int fd = is_taken ? -1 : open("/dev/null", O_WRONLY);

    if (fd >= 0 && fd != STDERR_FILENO) {
        (void)dup2(fd, STDERR_FILENO);
        (void)close(fd);
    }
}

static void run(const struct shell_order *order)
{
    const char *const *a = order->arguments;

    (void)setpgid(0, 0);
    shell_become_plain();
    leave_dead_log();
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    for (const struct shell_variable *v = order->variables; v->name != NULL;
         v++) {
        if (setenv(v->name, v->value, 1) != 0) {
            _exit(126);
        }
    }
    (void)execl("/bin/sh", "sh", "-c", order->text, "sh", a[0], a[1], a[2],
                (char *)NULL);
    _exit(126);
}

bool shell_command_start(struct shell_command *command,
                         const struct shell_order *order)
{
    pid_t pid = fork();

    if (pid < 0) {
        return false;
    }
    if (pid == 0) {
        run(order);
    }
    (void)setpgid(pid, pid); /* Whichever comes first. */
    *command = (struct shell_command) { .pid = pid,
                                        .limit_at = order->limit_at,
                                        .grace = order->grace };
    return true;
}

void shell_command_stop(struct shell_command *command, infra_time now)
{
    bool is_last = command->grace == 0 || command->is_stopped;

    if (command->pid > 0) {
        (void)kill(-command->pid, is_last ? SIGKILL : SIGTERM);
        command->is_stopped = true;
        command->limit_at = is_last ? INFRA_TIME_NEVER : now + command->grace;
    }
}

void shell_command_expire(struct shell_command *command, infra_time now)
{
    if (command->pid > 0 && now >= command->limit_at) {
        command->is_late |= !command->is_stopped;
        shell_command_stop(command, now);
    }
}

infra_time shell_command_deadline(const struct shell_command *command)
{
    return command->pid > 0 ? command->limit_at : INFRA_TIME_NEVER;
}

bool shell_command_ended(struct shell_command *command, pid_t pid)
{
    if (command->pid == 0 || command->pid != pid) {
        return false;
    }
    command->pid = 0;
    return true;
}
