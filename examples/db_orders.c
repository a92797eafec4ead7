/* SPDX-License-Identifier: MIT */
#include "db_orders.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE INFRA_SEC(2) /* From SIGTERM to SIGKILL. */

/* What runs for one database, and what is to run after it. */
struct run {
    pid_t pid; /* 0: nothing.  The leader of a group of processes. */
    struct infra_promotion_event order;
    struct infra_promotion_event next; /* Its call 0 and token 0: none. */
    infra_time since;
    infra_time limit; /* Then it is sent the next signal. */
    bool is_terminated;
};

struct db_orders {
    const struct db_failover_options *options;
    /* The word to routers is no database's order, and has a place of its own.
     */
    struct run runs[DBS_MAX + 1];
};

struct db_orders *db_orders_create(const struct db_failover_options *options)
{
    struct db_orders *o = calloc(1, sizeof *o);

    if (o != NULL) {
        o->options = options;
    }
    return o;
}

void db_orders_free(struct db_orders *orders)
{
    free(orders);
}

static void set_number(const char *name, uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    (void)setenv(name, text, 1);
}

static void set_environment(const struct db_failover_options *o,
                            const struct infra_promotion_event *e)
{
    bool has_source = e->source < o->dbs_count;

    (void)setenv("INFRA_ORDER", infra_promotion_event_name(e->kind), 1);
    (void)setenv("INFRA_NODE", o->dbs[e->node].key, 1);
    (void)setenv("INFRA_ADDRESS", o->dbs[e->node].name, 1);
    (void)setenv("INFRA_SOURCE", has_source ? o->dbs[e->source].key : "", 1);
    (void)setenv("INFRA_SOURCE_ADDRESS",
                 has_source ? o->dbs[e->source].name : "", 1);
    set_number("INFRA_TOKEN", e->token);
    set_number("INFRA_POSITION", e->position);
    set_number("INFRA_TIMELINE", e->timeline);
}

static void run_child(const struct db_failover_options *o,
                      const struct infra_promotion_event *e)
{
    static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGPIPE };
    const char *command =
        e->kind == INFRA_PROMOTION_PRIMARY ? o->on_primary : o->agent;
    const char *source =
        e->source < o->dbs_count ? o->dbs[e->source].key : NULL;
    char *line = NULL;

    (void)setpgid(0, 0);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)signal(signals[i], SIG_DFL);
    }
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    set_environment(o, e);
    if (asprintf(&line, "%s \"$@\"", command) > 0) {
        (void)execl("/bin/sh", "sh", "-c", line, "sh",
                    infra_promotion_event_name(e->kind), o->dbs[e->node].key,
                    source, (char *)NULL);
    }
    _exit(126);
}

static void start(struct db_orders *o, struct run *run,
                  const struct infra_promotion_event *e, infra_time now)
{
    pid_t pid = fork();

    if (pid == 0) {
        run_child(o->options, e);
    }
    /* Without a process it has no answer, and is given again. */
    *run = (struct run) { .pid = pid > 0 ? pid : 0,
                          .order = *e,
                          .since = now,
                          .limit = now + o->options->agent_limit };
}

static void send_signal(struct run *run, infra_time now)
{
    /* Its own call of setpgid() may be to come. */
    (void)setpgid(run->pid, run->pid);
    (void)kill(-run->pid, run->is_terminated ? SIGKILL : SIGTERM);
    run->is_terminated = true;
    run->limit = now + GRACE;
}

static bool is_same(const struct infra_promotion_event *a,
                    const struct infra_promotion_event *b)
{
    return a->kind == b->kind && a->token == b->token && a->source == b->source;
}

void db_orders_give(struct db_orders *orders,
                    const struct infra_promotion_event *order, infra_time now)
{
    struct run *run =
        &orders->runs[order->kind == INFRA_PROMOTION_PRIMARY ? DBS_MAX
                                                             : order->node];

    if (run->pid == 0) {
        start(orders, run, order, now);
    } else if (is_same(&run->order, order) && !run->is_terminated) {
        run->order.call = order->call;
    } else {
        run->next = *order;
        if (!run->is_terminated) {
            send_signal(run, now);
        }
    }
}

static uint32_t outcome_of(int status)
{
    return !WIFEXITED(status)         ? INFRA_FENCE_UNKNOWN
           : WEXITSTATUS(status) == 0 ? INFRA_FENCE_DONE
           : WEXITSTATUS(status) == 1 ? INFRA_FENCE_FAILED
                                      : INFRA_FENCE_UNKNOWN;
}

bool db_orders_next(struct db_orders *orders, infra_time now,
                    struct db_order_end *ret)
{
    for (uint32_t i = 0; i <= DBS_MAX; i++) {
        struct run *run = &orders->runs[i];
        int status;
        if (run->pid == 0) {
            continue;
        }
        if (waitpid(run->pid, &status, WNOHANG) == run->pid) {
            struct infra_promotion_event next = run->next;
            *ret = (struct db_order_end) { .order = run->order,
                                           .outcome = outcome_of(status),
                                           .status = status,
                                           .took = now - run->since };
            run->pid = 0;
            if (next.token != 0) {
                start(orders, run, &next, now);
            }
            return true;
        }
        if (now >= run->limit) {
            send_signal(run, now);
        }
    }
    return false;
}

infra_time db_orders_deadline(const struct db_orders *orders)
{
    infra_time at = INFRA_TIME_NEVER;

    for (uint32_t i = 0; i <= DBS_MAX; i++) {
        const struct run *run = &orders->runs[i];
        if (run->pid != 0 && run->limit < at) {
            at = run->limit;
        }
    }
    return at;
}
