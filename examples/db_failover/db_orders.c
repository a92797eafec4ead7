/* SPDX-License-Identifier: MIT */
#include "db_orders.h"

#include "../common/shell_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define GRACE INFRA_SEC(2) /* From SIGTERM to SIGKILL. */

/* The run for one database, and the order after it. */
struct run {
    struct shell_command command;
    struct infra_promotion_event order;
    struct infra_promotion_event next; /* Token 0: none. */
    infra_time since;
};

struct db_orders {
    const struct db_failover_options *options;
    /* The last one is for --on-primary. */
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

const char *db_order_name(uint32_t kind)
{
    return kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY
               ? "primary"
               : infra_promotion_event_name(kind);
}

/* Numbers of an order as text. */
struct numbers {
    char token[24];
    char position[24];
    char timeline[24];
};

static void set_number(char text[24], uint64_t number)
{
    (void)snprintf(text, 24, "%llu", (unsigned long long)number);
}

static void start_command(struct shell_command *command,
                          const struct db_failover_options *o,
                          const struct infra_promotion_event *e, infra_time now)
{
    const struct db *db = &o->dbs[e->id];
    const struct db *source =
        e->source < o->dbs_count ? &o->dbs[e->source] : NULL;
    struct numbers n;
    char *line = NULL;
    const struct shell_variable environment[] = {
        { "INFRA_ORDER", db_order_name(e->kind) },
        { "INFRA_NODE", db->key },
        { "INFRA_ADDRESS", db->name },
        { "INFRA_SOURCE", source != NULL ? source->key : "" },
        { "INFRA_SOURCE_ADDRESS", source != NULL ? source->name : "" },
        { "INFRA_TOKEN", n.token },
        { "INFRA_POSITION", n.position },
        { "INFRA_TIMELINE", n.timeline },
        { NULL, NULL },
    };
    struct shell_order order = { .arguments = { db_order_name(e->kind), db->key,
                                                source != NULL ? source->key
                                                               : NULL },
                                 .variables = environment,
                                 .limit_at = now + o->agent_timeout,
                                 .grace = GRACE };

    set_number(n.token, e->token);
    set_number(n.position, e->position);
    set_number(n.timeline, e->timeline);
    /* Without a process there is no answer, and the order is repeated. */
    if (asprintf(&line, "%s \"$@\"",
                 e->kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY
                     ? o->on_primary
                     : o->agent) > 0) {
        order.text = line;
        (void)shell_command_start(command, &order);
        free(line);
    }
}

static void start(struct db_orders *o, struct run *run,
                  const struct infra_promotion_event *e, infra_time now)
{
    *run = (struct run) { .order = *e, .since = now };
    start_command(&run->command, o->options, e, now);
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
        &orders->runs[order->kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY
                          ? DBS_MAX
                          : order->id];

    if (run->command.pid == 0) {
        start(orders, run, order, now);
    } else if (is_same(&run->order, order) && !run->command.is_stopped) {
        run->order.call = order->call;
    } else {
        run->next = *order;
        if (!run->command.is_stopped) {
            shell_command_stop(&run->command, now);
        }
    }
}

static uint32_t outcome_of(int status)
{
    return !WIFEXITED(status)         ? INFRA_ORDER_UNKNOWN
           : WEXITSTATUS(status) == 0 ? INFRA_ORDER_DONE
           : WEXITSTATUS(status) == 1 ? INFRA_ORDER_FAILED
                                      : INFRA_ORDER_UNKNOWN;
}

bool db_orders_next(struct db_orders *orders, infra_time now,
                    struct db_order_end *ret)
{
    for (uint32_t i = 0; i <= DBS_MAX; i++) {
        struct run *run = &orders->runs[i];
        int status;
        if (run->command.pid == 0) {
            continue;
        }
        if (waitpid(run->command.pid, &status, WNOHANG) == run->command.pid) {
            struct infra_promotion_event next = run->next;
            *ret = (struct db_order_end) { .order = run->order,
                                           .outcome = outcome_of(status),
                                           .status = status,
                                           .took = now - run->since };
            run->command.pid = 0;
            if (next.token != 0) {
                start(orders, run, &next, now);
            }
            return true;
        }
        shell_command_expire(&run->command, now);
    }
    return false;
}

infra_time db_orders_deadline(const struct db_orders *orders)
{
    infra_time at = INFRA_TIME_NEVER;

    for (uint32_t i = 0; i <= DBS_MAX; i++) {
        infra_time end_at = shell_command_deadline(&orders->runs[i].command);
        at = end_at < at ? end_at : at;
    }
    return at;
}
