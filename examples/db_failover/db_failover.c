/* SPDX-License-Identifier: MIT */
/*
 * Failover of a replicated database, PostgreSQL or MariaDB: watch primary and
 * replicas, and promote a replica when the primary is dead, without losing a
 * write that was acknowledged by a replica.
 *
 *   db_failover --lease file:/run/db.lease --node watcher1 \
 *       --agent 'env DB_AGENT_DIR=/srv/db db_agent.sh' --sync-acks 1 \
 *       --unfenced proceed --check pgsql,user=probe,password-env=PASSWORD \
 *       db1=127.0.0.1:5432 db2=127.0.0.1:5433 db3=127.0.0.1:5434
 *
 * The machine that decides is infra_promotion; the parts around it are
 *
 *   db_store     the lease (infra_elector) and the record of the primary
 *   db_primary   the record, passed on to the planner and to routers
 *   db_watch     checks (infra_prober) and their samples
 *   db_orders    programs that carry out orders
 *   db_control   the socket of the operator
 *   db_commands  the operator's commands
 *
 * and this file passes on what each part has for the others, in one thread.
 */
#include "../common/arguments.h"
#include "../common/entropy.h"
#include "../common/log.h"
#include "db_commands.h"
#include "db_control.h"
#include "db_list.h"
#include "db_primary.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEAVE_MAX INFRA_SEC(3) /* Limit for giving back the lease at the end. */
/* Lines of a kind for each database within LOG_WINDOW. */
#define DB_REPEATS_MAX 10u

static struct infra_driver *woken; /* By signals. */
static volatile sig_atomic_t is_to_leave;

static void on_child(int number)
{
    (void)number;
    infra_driver_wake(woken);
}

static void on_end(int number)
{
    (void)number;
    is_to_leave = 1;
    infra_driver_wake(woken);
}

static void take_roles(struct host *h)
{
    struct infra_failover *machine =
        infra_elector_machine(h->store.store.elector);
    struct infra_failover_event e;

    while (infra_elector_next(h->store.store.elector, infra_driver_now(), &e) ==
           INFRA_OK) {
        if (e.kind == INFRA_FAILOVER_EVENT_ROLE) {
            log_line("lease %s %s token %llu", infra_failover_role_name(e.role),
                     infra_failover_reason_name(e.reason),
                     (unsigned long long)e.token);
        } else if (e.kind == INFRA_FAILOVER_EVENT_DRAIN ||
                   e.kind == INFRA_FAILOVER_EVENT_DEACTIVATE) {
            /* Orders under way carry the token; none is waited for. */
            (void)infra_failover_drained(machine, infra_driver_now());
        }
    }
    const char *news = db_store_keep_floor(&h->store);
    if (news != NULL) {
        log_line("--floor %s: %s", h->options.lease.floor, news);
    }
}

static void watch_store(struct host *h)
{
    uint32_t detail;
    const char *news = lease_store_news(&h->store.store, &detail);

    if (news != NULL) {
        log_line("store %s (%u)", news, detail);
    }
}

static void note_change(struct host *h, uint32_t db,
                        const struct infra_promotion_sample *s)
{
    struct infra_promotion_sample *last = &h->seen[db];

    if (last->at == 0 || last->view != s->view ||
        last->writable != s->writable || last->source != s->source ||
        last->halted != s->halted || last->timeline != s->timeline) {
        log_line("see %s %s %s source %s%s timeline %llu position %llu (%s)",
                 db_key(&h->options, db),
                 s->view == INFRA_PROMOTION_VIEW_OK     ? "up"
                 : s->view == INFRA_PROMOTION_VIEW_DOWN ? "down"
                                                        : "stalled",
                 s->writable ? "writable" : "read-only",
                 db_key(&h->options, s->source),
                 s->halted ? ", does not apply," : "",
                 (unsigned long long)s->timeline,
                 (unsigned long long)s->position,
                 db_watch_reason(h->watch, db));
    }
    *last = *s;
}

static void take_samples(struct host *h, infra_time now)
{
    struct infra_promotion_sample s;
    uint32_t db;

    while (db_watch_next(h->watch, now, &db, &s)) {
        note_change(h, db, &s);
        (void)infra_promotion_report(h->plan, db, &s, now);
    }
}

static void take_ends(struct host *h, infra_time now)
{
    struct db_order_end end;

    while (db_orders_next(h->orders, now, &end)) {
        log_line("order %s %s token %llu: %s (%s %d) in %llu ms",
                 db_order_name(end.order.kind),
                 db_key(&h->options, end.order.id),
                 (unsigned long long)end.order.token,
                 infra_order_outcome_name(end.outcome),
                 WIFEXITED(end.status) ? "status" : "signal",
                 WIFEXITED(end.status) ? WEXITSTATUS(end.status)
                                       : WTERMSIG(end.status),
                 (unsigned long long)(end.took / INFRA_MS(1)));
        if (end.order.kind != INFRA_PROMOTION_EVENT_RECORD_PRIMARY) {
            (void)infra_promotion_answer(h->plan, end.order.call, end.outcome,
                                         now);
            db_watch_look(h->watch, end.order.id, now);
        }
    }
}

static void step_down(struct host *h, infra_time now)
{
    (void)infra_failover_command(infra_elector_machine(h->store.store.elector),
                                 INFRA_FAILOVER_COMMAND_STEP_DOWN, now);
}

static void take_plan(struct host *h, infra_time now)
{
    struct infra_promotion_event e;

    while (infra_promotion_next(h->plan, now, &e) == INFRA_OK) {
        switch (e.kind) {
        case INFRA_PROMOTION_EVENT_READ_RECORD:
        case INFRA_PROMOTION_EVENT_RECORD_INTENT:
        case INFRA_PROMOTION_EVENT_RECORD_PRIMARY:
            db_store_ask(&h->store, &e, now);
            break;
        case INFRA_PROMOTION_EVENT_RECORD_APART:
            log_line("mark %s %s", db_key(&h->options, e.id),
                     (e.flags & INFRA_PROMOTION_FLAG_APART) != 0 ? "apart"
                                                                 : "not apart");
            db_store_ask(&h->store, &e, now);
            break;
        case INFRA_PROMOTION_EVENT_STEP:
            log_line("step %s %s %s", infra_promotion_step_name(e.step),
                     infra_promotion_reason_name(e.reason),
                     db_key(&h->options, e.id));
            break;
        case INFRA_PROMOTION_EVENT_HOLD: /* db_router goes by the record. */
        case INFRA_PROMOTION_EVENT_QUARANTINE:
            break;
        case INFRA_PROMOTION_EVENT_RESIGN:
            log_line("resign token %llu", (unsigned long long)e.token);
            step_down(h, now);
            break;
        default:
            log_line("order %s %s token %llu", db_order_name(e.kind),
                     db_key(&h->options, e.id), (unsigned long long)e.token);
            db_orders_give(h->orders, &e, now);
            break;
        }
    }
}

static void take_commands(struct host *h, infra_time now)
{
    struct control_command command;
    char answer[CONTROL_ANSWER_MAX];

    while (h->control >= 0 && control_next(h->control, &command)) {
        db_obey(h, command.text, now, answer, sizeof answer);
        control_answer(h->control, &command, answer);
    }
}

static infra_time earlier(infra_time a, infra_time b)
{
    return a < b ? a : b;
}

/* Wait for an event or a deadline. */
static void wait_for(struct host *h)
{
    struct pollfd fds[] = {
        { .fd = infra_driver_fd(h->driver), .events = POLLIN },
        { .fd = h->control, .events = POLLIN },
    };
    infra_time now = infra_driver_now();
    infra_time until = earlier(infra_driver_deadline(h->driver),
                               infra_promotion_deadline(h->plan));

    until = earlier(until, db_orders_deadline(h->orders));
    until = earlier(until, now + INFRA_SEC(1));
    until = until > now ? until - now : 0;
    (void)poll(fds, 2, (int)((until + INFRA_MS(1) - 1) / INFRA_MS(1)));
}

/* Is the lease given back, after a signal to leave? */
static bool has_left(struct host *h, infra_time now)
{
    struct infra_failover_status s = { .size = sizeof s };

    if (is_to_leave && h->leaves_at == 0) {
        h->leaves_at = now + LEAVE_MAX;
        step_down(h, now);
        take_roles(h);
    }
    (void)infra_failover_inspect(infra_elector_machine(h->store.store.elector),
                                 &s);
    return h->leaves_at != 0 && (s.token == 0 || now >= h->leaves_at);
}

static void run(struct host *h)
{
    for (;;) {
        wait_for(h);
        infra_time now = infra_driver_now();
        (void)infra_driver_step(h->driver, now);
        take_roles(h);
        watch_store(h);
        take_samples(h, now);
        take_ends(h, now);
        db_take_record(h, now);
        take_commands(h, now);
        take_plan(h, now);
        take_roles(h); /* Carry out what was asked of the elector. */
        log_tend();
        if (has_left(h, now)) {
            return;
        }
    }
}

static void stamp(char *text, size_t size)
{
    char second[32];
    struct timespec ts;
    struct tm tm;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    (void)strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S",
                   localtime_r(&ts.tv_sec, &tm));
    (void)snprintf(text, size, "%s.%03ld ", second, ts.tv_nsec / 1000000);
}

static void open_log(uint32_t dbs_count)
{
    const struct log_options options = {
        .fd = STDOUT_FILENO,
        .stamp = stamp,
        .repeats_max = DB_REPEATS_MAX * (1 + dbs_count),
    };

    log_open(&options);
}

static bool start_plan(struct host *h)
{
    struct infra_promotion_options o = h->options.promotion;

    o.gate = &h->store.gate;
    int err = infra_promotion_create(&h->plan, &o);
    for (uint32_t i = 0; i < h->options.dbs_count && err == INFRA_OK; i++) {
        err = db_set(h, i, 0, infra_driver_now());
    }
    return err == INFRA_OK ||
           arguments_wrong("the options do not fit together: %s",
                           infra_strerror(err));
}

static bool start(struct host *h)
{
    struct sigaction action = { .sa_handler = on_child,
                                .sa_flags = SA_NOCLDSTOP };

    int err = infra_driver_create(&h->driver, NULL);
    if (err != INFRA_OK) {
        return arguments_wrong("%s", arguments_why(err));
    }
    woken = h->driver;
    (void)sigaction(SIGCHLD, &action, NULL);
    action.sa_handler = on_end;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    h->orders = db_orders_create(&h->options);
    h->control = -1;
    if (h->orders == NULL) {
        return arguments_wrong("out of memory");
    }
    if (!db_store_open(&h->store, h->driver, &h->options)) {
        return false;
    }
    uint64_t seed;
    if (!entropy_read(&seed)) {
        return false;
    }
    h->watch = db_watch_create(h->driver, &h->options, seed);
    /* The passwords are not needed any more. */
    lease_spec_forget(&h->options.lease);
    check_spec_free(h->options.check);
    h->options.check = NULL;
    if (h->watch == NULL || !start_plan(h)) {
        return false;
    }
    if (h->options.control != NULL) {
        h->control = control_open(h->options.control);
        return h->control >= 0;
    }
    return true;
}

static void finish(struct host *h)
{
    (void)signal(SIGCHLD, SIG_DFL); /* Nothing to wake any more. */
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    infra_promotion_destroy(h->plan);
    db_watch_destroy(h->watch);
    db_orders_free(h->orders);
    db_store_close(&h->store);
    infra_driver_destroy(h->driver);
    check_spec_free(h->options.check);
    if (h->control >= 0) {
        (void)unlink(h->options.control);
        (void)close(h->control);
    }
}

int main(int argc, char **argv)
{
    static struct host host;
    struct host *h = &host;
    int status;

    arguments_begin("db_failover");
    if (db_failover_options_read(&h->options, &status, argc, argv) != 0) {
        check_spec_free(h->options.check);
        return status;
    }
    if (h->options.tell != NULL) {
        return control_tell(h->options.tell, h->options.words) ? EXIT_SUCCESS
                                                               : EXIT_FAILURE;
    }
    h->control = -1;
    open_log(h->options.dbs_count);
    bool good = start(h);
    if (good) {
        log_line("start %s", h->options.lease.node);
        run(h);
        log_line("end %s", h->options.lease.node);
    }
    finish(h);
    log_close();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
