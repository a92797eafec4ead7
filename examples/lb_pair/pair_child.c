/* SPDX-License-Identifier: MIT */
#include "pair_child.h"

#include "pair_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A command that has stayed up for this counts as able to serve. */
#define SETTLE INFRA_MS(500)

/* Delay between two starts, doubled each time, until the command stays up for
 * longer. */
#define DELAY_MIN INFRA_MS(100)
#define DELAY_MAX INFRA_SEC(10)

static void run(const struct pair_child *child, pid_t parent)
{
    char number[16];

    shell_become_plain();
    (void)setpgid(0, 0); /* A Ctrl-C is for lb_pair, which hands over first. */
    /* The end of lb_pair, for any cause, ends this process: two never serve
     * because one was left behind.  And if lb_pair has ended already: */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(127);
    }
    if (child->gates != NULL) {
        (void)snprintf(number, sizeof number, "%d", child->gates_fd);
        if (fcntl(child->gates_fd, F_SETFD, 0) != 0 ||
            setenv(SHARED_GATES_VARIABLE, number, 1) != 0) {
            _exit(127);
        }
    }
    (void)execvp(child->command[0], child->command);
    pair_say("%s: %s", child->command[0], strerror(errno));
    _exit(127);
}

/* A command that does not run has no sessions; one that begins has yet to
 * report them. */
static void reset_gates(const struct pair_child *child, bool runs)
{
    for (uint32_t i = 0; child->gates != NULL && i < child->gates->count; i++) {
        atomic_store(&child->gates->gates[i].is_followed, !runs);
        atomic_store(&child->gates->gates[i].sessions, 0);
    }
}

static void start(struct pair_child *child, infra_time now)
{
    pid_t parent = getpid();

    reset_gates(child, true);
    pid_t pid = fork();
    if (pid == 0) {
        run(child, parent);
    }
    if (pid < 0) {
        pair_say("%s: %s", child->command[0], strerror(errno));
    }
    child->pid = pid > 0 ? pid : 0;
    child->started_at = now;
    child->start_at = now + DELAY_MAX; /* If fork() failed. */
}

void pair_child_turn(struct pair_child *child, infra_time now)
{
    if (child->pid == 0 && !child->is_over && now >= child->start_at) {
        start(child, now);
    }
    if (child->pid != 0 && now >= child->started_at + SETTLE) {
        child->is_settled = true;
    }
}

infra_time pair_child_deadline(const struct pair_child *child)
{
    if (child->pid == 0) {
        return child->is_over ? INFRA_TIME_NEVER : child->start_at;
    }
    return child->is_settled ? INFRA_TIME_NEVER : child->started_at + SETTLE;
}

bool pair_child_ended(struct pair_child *child, pid_t pid, int status,
                      infra_time now)
{
    if (child->pid == 0 || child->pid != pid) {
        return false;
    }
    child->pid = 0;
    child->is_settled = false;
    reset_gates(child, false);
    if (child->delay < DELAY_MIN || now - child->started_at >= DELAY_MAX) {
        child->delay = DELAY_MIN;
    }
    child->start_at = now + child->delay;
    if (!child->is_over) {
        pair_say("%s ended: %s %d; again in %llu ms", child->command[0],
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 (unsigned long long)(child->delay / INFRA_MS(1)));
    }
    child->delay = 2 * child->delay < DELAY_MAX ? 2 * child->delay : DELAY_MAX;
    return true;
}

void pair_child_kill(const struct pair_child *child)
{
    if (child->pid > 0) {
        (void)setpgid(child->pid, child->pid); /* If it has not yet. */
        (void)kill(-child->pid, SIGKILL);
    }
}

void pair_child_end(struct pair_child *child)
{
    child->is_over = true;
    if (child->pid > 0) {
        (void)kill(child->pid, SIGTERM);
    }
}
