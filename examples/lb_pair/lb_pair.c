/* SPDX-License-Identifier: MIT */
/*
 * One of two or more nodes that run the same program, of which exactly one
 * serves.  With groups that prefer different nodes each node serves some, and
 * any node can serve all.
 *
 *   lb_pair --lease etcd:192.0.2.21:2379,192.0.2.22:2379,192.0.2.23:2379 \
 *     --node lb1 --interface eth0 --group web,address=192.0.2.100/24 \
 *     -- tcp_proxy --gate --listen 0.0.0.0:80 192.0.2.31:80 192.0.2.32:80
 *
 * It prints the time on CLOCK_BOOTTIME, the group and its role:
 *
 *   12.519 web: acquiring: free, token 0
 *   12.524 web: grace: granted, token 8
 *   12.524 web: active: ready, token 8
 *   12.524 web: serves, token 8
 *
 * One loop: signals, the store's sockets, VRRP's sockets, and all deadlines.
 * Nothing else in it waits, or a lease would be renewed too late: the
 * operator's commands are started and reaped, never waited for.
 */
#include "../common/arguments.h"
#include "../common/log.h"
#include "../common/waiting.h"
#include "lb_pair_options.h"
#include "link_watch.h"
#include "pair_admin.h"
#include "pair_child.h"
#include "pair_role.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* An interface that came back is not used before this has passed: a switch may
 * not forward yet, and a node that hears no other would take over. */
#define LINK_SETTLE INFRA_SEC(1)

/* A node that failed to serve stays away, twice as long each time, until it has
 * served for longer than the maximum.  VRRP has no INFRA_FAILOVER_FAIL, so this
 * stands here for both kinds. */
#define PATIENCE_MIN INFRA_SEC(5)
#define PATIENCE_MAX INFRA_SEC(60)

struct pair {
    struct pair_options options;
    const struct pair_role_kind *kind;
    struct infra_driver *driver;
    struct virtual_link link;
    struct link_watch watch; /* Of the link's interface. */
    bool is_linked;          /* The interface is there, and up. */
    struct shared_gates gates;
    struct pair_child child;
    struct pair_role *roles[SHARED_GATES_MAX];
    struct pair_admin admin;
    struct lease_access access;
    struct token_floor floors[SHARED_GATES_MAX];
    struct token_floors floor_file; /* Of these floors. */
    infra_time end_at; /* The limit of the end; 0: it does not end yet. */
    bool has_handed_over;
    int signal_fd;
};

static bool open_roles(struct pair *p)
{
    const struct pair_host host = {
        .options = &p->options,
        .driver = p->driver,
        .link = p->options.interface != NULL ? &p->link : NULL,
        .gates = p->gates.gates != NULL ? &p->gates : NULL,
        .access = &p->access,
        .floors = p->floors,
    };

    for (uint32_t i = 0; i < p->options.groups_count; i++) {
        p->roles[i] = p->kind->open(&host, i, infra_driver_now());
        if (p->roles[i] == NULL) {
            return false;
        }
        p->roles[i]->is_linked = p->is_linked;
    }
    return true;
}

static bool open_link(struct pair *p)
{
    const char *interface = p->options.interface;

    if (interface == NULL) {
        p->is_linked = true;
        return true;
    }
    if (link_watch_open(&p->watch, interface) != 0 ||
        virtual_link_open(&p->link, interface) != 0) {
        pair_say("--interface %s: %s", interface, strerror(errno));
        return false;
    }
    p->is_linked = p->watch.is_up;
    if (!p->is_linked) {
        pair_say("--interface %s: it is down", interface);
    }
    return true;
}

static bool open_lease(struct pair *p)
{
    const struct pair_options *o = &p->options;

    for (uint32_t i = 0; i < o->groups_count; i++) {
        p->floors[i].group = o->groups[i].name;
    }
    if (!token_floors_open(&p->floor_file, o->lease.floor, p->floors,
                           o->groups_count)) {
        return false;
    }
    return lease_access_open(&p->access, &o->lease);
}

static bool start(struct pair *p)
{
    const struct pair_options *o = &p->options;
    int err = infra_driver_create(&p->driver, NULL);

    if (err != INFRA_OK) {
        pair_say("%s", arguments_why(err));
        return false;
    }
    if (!open_link(p) || !open_lease(p)) {
        return false;
    }
    if (o->vrid == 0) {
        p->child.gates_fd = shared_gates_create(&p->gates, o->groups_count);
        if (p->child.gates_fd < 0) {
            pair_say("gates: %s", strerror(errno));
            return false;
        }
        p->child.gates = &p->gates;
    }
    p->child.command = o->command;
    p->kind = o->vrid != 0 ? &pair_router : &pair_elector;
    bool good = open_roles(p) &&
                pair_admin_open(&p->admin, &p->options, p->kind, p->roles);
    lease_spec_forget(&p->options.lease);
    return good;
}

static void finish(struct pair *p)
{
    pair_admin_close(&p->admin);
    for (uint32_t i = 0; i < p->options.groups_count; i++) {
        if (p->roles[i] != NULL) {
            p->kind->close(p->roles[i]);
        }
    }
    lease_access_close(&p->access);
    shared_gates_close(&p->gates);
    if (p->child.gates_fd >= 0) {
        (void)close(p->child.gates_fd);
    }
    virtual_link_close(&p->link);
    link_watch_close(&p->watch);
    infra_driver_destroy(p->driver);
}

static void reap(struct pair *p)
{
    int status;

    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        infra_time now = infra_driver_now();
        bool is_known = pair_child_ended(&p->child, pid, status, now);
        for (uint32_t i = 0; !is_known && i < p->options.groups_count; i++) {
            is_known = p->kind->ended(p->roles[i], pid, status, now);
        }
    }
}

static void end(struct pair *p, infra_time now)
{
    const struct pair_options *o = &p->options;

    if (p->end_at != 0) {
        p->end_at = now; /* The second signal: at once. */
        return;
    }
    pair_say("ends");
    p->end_at = now + o->drain + 2 * o->limit;
    for (uint32_t i = 0; i < o->groups_count; i++) {
        p->kind->end(p->roles[i], now);
    }
}

static void take_signals(struct pair *p)
{
    struct signalfd_siginfo info;

    while (read(p->signal_fd, &info, sizeof info) == sizeof info) {
        infra_time now = infra_driver_now();
        if (info.ssi_signo == SIGCHLD) {
            reap(p);
        } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            end(p, now);
        }
        for (uint32_t i = 0; i < p->options.groups_count; i++) {
            if (info.ssi_signo == SIGUSR1) {
                p->kind->step_down(p->roles[i], now);
            } else if (info.ssi_signo == SIGUSR2) {
                p->roles[i]->fit_at = 0; /* The operator has repaired it. */
                p->kind->take_over(p->roles[i], now);
            }
        }
    }
}

static void mind_link(struct pair *p, infra_time now)
{
    bool was_linked = p->is_linked;
    bool was_gone = p->watch.index == 0;

    if (p->options.interface == NULL || !link_watch_read(&p->watch)) {
        return;
    }
    p->is_linked = link_watch_follow(&p->watch, &p->link);
    bool is_gone = p->watch.index == 0;
    if (p->is_linked != was_linked || (is_gone && !was_gone)) {
        pair_say("%s is %s", p->watch.interface,
                 p->is_linked ? "up" : (is_gone ? "gone" : "down"));
    }
    for (uint32_t i = 0; i < p->options.groups_count; i++) {
        struct pair_role *role = p->roles[i];
        bool is_linked = p->is_linked && (p->kind->relink == NULL ||
                                          p->kind->relink(role, now));
        if (is_linked && !role->is_linked && role->fit_at < now + LINK_SETTLE) {
            role->fit_at = now + LINK_SETTLE;
        }
        role->is_linked = is_linked;
    }
}

/* It failed to serve.  To try again at once, for whatever reason it failed,
 * would take the service from a node that can serve, again and again. */
static void stay_away(struct pair_role *role, infra_time now)
{
    bool is_new = role->failed_at == 0 ||
                  now - role->failed_at > role->patience + PATIENCE_MAX;

    role->patience = is_new                              ? PATIENCE_MIN
                     : 2 * role->patience < PATIENCE_MAX ? 2 * role->patience
                                                         : PATIENCE_MAX;
    role->failed_at = now;
    role->fit_at = now + role->patience;
    pair_say("%s: stays away for %llu s", role->service.group->name,
             (unsigned long long)(role->patience / INFRA_SEC(1)));
}

/* Give a role its fitness, and act on its failures. */
static void tend(struct pair *p, struct pair_role *role, infra_time now)
{
    if (role->service.has_failed) {
        role->service.has_failed = false;
        /* Without its interface the cause is known. */
        if (role->is_linked) {
            stay_away(role, now);
        }
    }
    bool fit = p->child.is_settled && !role->service.is_starting &&
               role->is_linked && now >= role->fit_at;

    if (fit != role->is_fit) {
        role->is_fit = fit;
        p->kind->fit(role, fit, now);
    }
    if (role->has_stalled) {
        /* Its listener would go on taking clients without an answer. */
        pair_say("%s shows no progress: it is killed", p->child.command[0]);
        role->has_stalled = false;
        pair_child_kill(&p->child);
    }
    p->kind->turn(role, now);
}

static void keep_floors(struct pair *p)
{
    for (uint32_t i = 0; i < p->options.groups_count; i++) {
        token_floors_see(&p->floor_file, i, p->roles[i]->token_floor);
    }
    const char *news = token_floors_keep(&p->floor_file, infra_driver_now());
    if (news != NULL) {
        pair_say("--floor %s: %s", p->floor_file.path, news);
    }
}

/* The hand-over comes first: until then the command serves.  True: all is
 * over. */
static bool is_over(struct pair *p, infra_time now)
{
    bool is_handed_over = true;

    for (uint32_t i = 0; i < p->options.groups_count; i++) {
        is_handed_over &= p->kind->is_over(p->roles[i], now);
    }
    if (!p->has_handed_over && (is_handed_over || now >= p->end_at)) {
        if (!is_handed_over) {
            pair_say("no orderly hand-over: time is up");
        }
        p->has_handed_over = true;
        p->end_at = now >= p->end_at ? now : now + p->options.limit;
        pair_child_end(&p->child);
    }
    if (p->has_handed_over && now >= p->end_at) {
        pair_child_kill(&p->child);
    }
    return p->has_handed_over && p->child.pid == 0;
}

static infra_time deadline(const struct pair *p, infra_time now)
{
    infra_time at = infra_driver_deadline(p->driver);
    infra_time child_at = pair_child_deadline(&p->child);
    infra_time admin_at = pair_admin_deadline(&p->admin);

    at = child_at < at ? child_at : at;
    at = admin_at < at ? admin_at : at;
    for (uint32_t i = 0; i < p->options.groups_count; i++) {
        infra_time role_at = p->kind->deadline(p->roles[i], now);
        infra_time fit_at = p->roles[i]->fit_at;
        at = role_at < at ? role_at : at;
        at = fit_at > now && fit_at < at ? fit_at : at;
    }
    /* The end of some things waited for at the end gives no event. */
    return p->end_at != 0 && now + INFRA_MS(10) < at ? now + INFRA_MS(10) : at;
}

static void wait_for_something(struct pair *p)
{
    struct pollfd fds[4 + SHARED_GATES_MAX] = {
        { .fd = p->signal_fd, .events = POLLIN },
        { .fd = infra_driver_fd(p->driver), .events = POLLIN },
        { .fd = p->watch.fd, .events = POLLIN },
        { .fd = pair_admin_fd(&p->admin), .events = POLLIN },
    };

    for (uint32_t i = 0; i < p->options.groups_count; i++) {
        fds[4 + i] = (struct pollfd) { .fd = p->kind->fd(p->roles[i]),
                                       .events = POLLIN };
    }
    wait_until(fds, 4 + p->options.groups_count,
               deadline(p, infra_driver_now()));
}

static void run(struct pair *p)
{
    for (;;) {
        take_signals(p);
        (void)infra_driver_step(p->driver, infra_driver_now());
        infra_time now = infra_driver_now();
        pair_child_turn(&p->child, now);
        mind_link(p, now);
        for (uint32_t i = 0; i < p->options.groups_count; i++) {
            tend(p, p->roles[i], now);
        }
        keep_floors(p);
        pair_admin_turn(&p->admin, infra_driver_now());
        log_tend();
        if (p->end_at != 0 && is_over(p, infra_driver_now())) {
            return;
        }
        wait_for_something(p);
    }
}

int main(int argc, char **argv)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD };
    static struct pair pair = { .link = { .frame_fd = -1, .netlink_fd = -1 },
                                .watch = { .fd = -1 },
                                .child = { .gates_fd = -1 } };
    int status;

    if (pair_options_read(&pair.options, &status, argc, argv) != 0) {
        return status;
    }
    pair_log_open(pair.options.groups_count);
    pair.signal_fd = signals_open(signals, sizeof signals / sizeof signals[0]);
    bool ok = pair.signal_fd >= 0 && start(&pair);
    if (ok) {
        run(&pair);
    }
    finish(&pair);
    log_close();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
