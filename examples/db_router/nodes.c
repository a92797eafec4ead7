/* SPDX-License-Identifier: MIT */
/*
 * Probes say what each node is: role, position, lag.  Each result becomes a
 * role and a sample of the router, and a publish shows them to the workers.
 *
 * The timeline of PostgreSQL grows with each promotion, so it is the fencing
 * token: a former primary that comes back has a lower one.  With --failover the
 * record of db_failover says which node may be primary, and by which token
 * (primary_record.h).
 */
#include "nodes.h"

#include "../common/entropy.h"
#include "../common/log.h"
#include "node_options.h"
#include "primary_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOWN_FACTOR 2u /* Of the interval, for a node that is down. */

struct watched {
    struct infra_probe *probe; /* The prober's. */
    uint64_t checks;
    uint32_t failures; /* In a row. */
    uint32_t role;     /* enum infra_router_role, as set. */
    uint64_t token;    /* As set. */
    uint64_t timeline; /* PostgreSQL: as it says, while it says primary. */
    uint32_t state;    /* enum infra_router_state, as logged. */
    infra_time lag;    /* At lag_at. */
    infra_time lag_at; /* 0: no lag is known. */
    bool is_known;     /* It was set. */
    bool is_up;
    bool says_primary; /* While it is up. */
};

struct nodes {
    const struct options *options;
    struct workers_shared *shared;
    struct infra_driver *driver;
    struct infra_prober *prober;
    struct infra_router *router;
    struct infra_balancer *balancer;
    struct primary_record *record; /* NULL: there is no --failover. */
    struct tls_side tls;
    struct watched at[INFRA_ROUTER_NODES_MAX];
};

static bool step(const char *what, int err)
{
    if (err != INFRA_OK) {
        log_line("%s: %s", what, infra_strerror(err));
    }
    return err == INFRA_OK;
}

static int watch(struct nodes *n, uint32_t id, uint64_t seed)
{
    const struct node *node = &n->options->nodes[id];
    char host[NI_MAXHOST];
    struct infra_prober_target target = {
        .size = sizeof target,
        .key = node->name,
        .address = (const struct sockaddr *)&node->address.storage,
        .id = id,
        .address_size = node->address.size,
        .tls_name = tls_node_name(&n->options->tls, &node->address.storage,
                                  node->address.size, host),
    };
    int err = node_probe(&target.probe, n->options, seed + id);

    if (err == INFRA_OK) {
        err = infra_prober_set(n->prober, &target, infra_driver_now());
        if (err != INFRA_OK) {
            infra_probe_destroy(target.probe);
        }
    }
    n->at[id].probe = target.probe;
    return err;
}

static bool make_probes(struct nodes *n, uint64_t seed)
{
    const struct options *o = n->options;
    const struct infra_health_options health = {
        .size = sizeof health,
        .seed = seed,
        .inter = o->sample_interval,
        .downinter = o->sample_interval * DOWN_FACTOR,
        .start_spread = INFRA_MS(1),
        .ids_max = INFRA_ROUTER_NODES_MAX,
        .fall = o->fall,
    };
    const char *why = NULL;
    if (!tls_open_nodes(&n->tls, &o->tls, &why)) {
        log_line("%s", why);
        return false;
    }
    const struct infra_prober_options options = {
        .size = sizeof options,
        .health = &health,
        .tls = n->tls.by != NULL ? &n->tls.functions : NULL,
    };
    int err = infra_driver_create(&n->driver, NULL);

    if (err == INFRA_OK) {
        err = infra_prober_create(&n->prober, n->driver, &options);
    }
    for (uint32_t i = 0; i < o->nodes_count && err == INFRA_OK; i++) {
        err = watch(n, i, seed);
    }
    return step("probes", err);
}

static bool open_record(struct nodes *n, struct failover_spec *spec)
{
    const char *keys[FAILOVER_NODES_MAX];
    const struct options *o = n->options;
    const struct primary_record_options options = {
        .spec = spec,
        .keys = keys,
        .keys_count = o->nodes_count,
        .interval = o->sample_interval,
    };

    if (!lease_spec_is_given(&spec->lease)) {
        return true;
    }
    for (uint32_t i = 0; i < o->nodes_count; i++) {
        keys[i] = o->nodes[i].key;
    }
    n->record = primary_record_open(n->driver, &options);
    return n->record != NULL;
}

struct nodes *nodes_create(struct options *o, struct workers_shared *shared)
{
    struct nodes *n = calloc(1, sizeof *n);
    uint64_t seed;

    if (n == NULL || !entropy_read(&seed)) {
        free(n);
        return NULL;
    }
    n->options = o;
    n->shared = shared;
    if (!step("router", node_router(&n->router, o)) ||
        !step("--balance", node_balancer(&n->balancer, o, seed)) ||
        !make_probes(n, seed) || !open_record(n, &o->failover)) {
        nodes_destroy(n);
        return NULL;
    }
    shared->driver = n->driver;
    return n;
}

void nodes_destroy(struct nodes *n)
{
    if (n != NULL) {
        infra_prober_destroy(n->prober);
        primary_record_close(n->record);
        infra_driver_destroy(n->driver);
        infra_balancer_destroy(n->balancer);
        infra_router_destroy(n->router);
        tls_close(&n->tls);
        free(n);
    }
}

struct infra_router *nodes_router(const struct nodes *n)
{
    return n->router;
}

struct infra_balancer *nodes_balancer(const struct nodes *n)
{
    return n->balancer;
}

int nodes_fd(const struct nodes *n)
{
    return infra_driver_fd(n->driver);
}

infra_time nodes_deadline(const struct nodes *n)
{
    return n->record != NULL ? primary_record_deadline(n->record)
                             : infra_driver_deadline(n->driver);
}

static void set_role(struct nodes *n, uint32_t id, uint32_t role,
                     uint64_t token)
{
    struct watched *w = &n->at[id];
    const struct infra_router_node node = { .size = sizeof node,
                                            .role = role,
                                            .token = token };

    if (w->is_known && w->role == role && w->token == token) {
        return;
    }
    if (step("role", infra_router_set(n->router, id, &node))) {
        w->is_known = true;
        w->role = role;
        w->token = token;
    }
}

/* Does another node say that it is primary? */
static bool has_rival(const struct nodes *n, uint32_t id)
{
    for (uint32_t i = 0; i < n->options->nodes_count; i++) {
        if (i != id && n->at[i].is_up && n->at[i].says_primary) {
            return true;
        }
    }
    return false;
}

/* The role of a node that is up, by what it says and what is recorded. */
static void give_role(struct nodes *n, uint32_t id, infra_time now)
{
    const struct watched *w = &n->at[id];
    const char *name = n->options->nodes[id].name;
    uint64_t token;

    if (!w->says_primary) {
        set_role(n, id, INFRA_ROUTER_ROLE_REPLICA, 0);
    } else if (n->record == NULL) {
        set_role(n, id, INFRA_ROUTER_ROLE_PRIMARY, w->timeline);
    } else if (primary_record_names(n->record, id, &token) &&
               !(primary_record_is_old(n->record, now) && has_rival(n, id))) {
        set_role(n, id, INFRA_ROUTER_ROLE_PRIMARY, token);
    } else {
        if (!w->is_known || w->role != INFRA_ROUTER_ROLE_NONE) {
            log_line("node %s says it is primary, and is not what is recorded: "
                     "it gets nothing",
                     name);
        }
        set_role(n, id, INFRA_ROUTER_ROLE_NONE, 0);
    }
}

/* True: roles may have changed. */
static bool take_record(struct nodes *n, infra_time now)
{
    if (n->record == NULL || !primary_record_step(n->record, now)) {
        return false;
    }
    for (uint32_t i = 0; i < n->options->nodes_count; i++) {
        if (n->at[i].is_up) {
            give_role(n, i, now);
        }
        (void)infra_prober_check_now(n->prober, i, now);
    }
    return true;
}

/* It does not answer: connections to it end. */
static void is_dead(struct nodes *n, uint32_t id,
                    const struct infra_probe_result *r)
{
    struct watched *w = &n->at[id];

    w->failures++;
    if (w->failures < n->options->fall ||
        r->reason == INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS ||
        r->reason == INFRA_PROBE_REASON_LOCAL) {
        return;
    }
    if (!w->is_known || w->role != INFRA_ROUTER_ROLE_NONE) {
        const char *text = infra_probe_text(w->probe, INFRA_PROBE_TEXT_MESSAGE);
        log_line("node %s is down: %s%s%s", n->options->nodes[id].name,
                 infra_probe_reason_name(r->reason),
                 text[0] != '\0' ? ": " : "", text);
        atomic_fetch_add(&n->shared->nodes[id].generation, 1);
    }
    w->is_up = false;
    set_role(n, id, INFRA_ROUTER_ROLE_NONE, 0);
}

static bool has_primary(const struct nodes *n)
{
    for (uint32_t i = 0; i < n->options->nodes_count; i++) {
        if (n->at[i].role == INFRA_ROUTER_ROLE_PRIMARY) {
            return true;
        }
    }
    return false;
}

/* While no node is primary nothing is newer than what a replica shows, so its
 * lag does not grow: that is when its reads are needed most.  MySQL and MariaDB
 * say no lag then; if there is a primary, what they show is as old as in the
 * last sample and the time since. */
static infra_time lag_of(struct nodes *n, uint32_t id,
                         const struct infra_probe_result *r, infra_time now)
{
    struct watched *w = &n->at[id];
    infra_time since = now > w->lag_at ? now - w->lag_at : 0;
    bool is_known = (r->has & INFRA_PROBE_HAS_LAG) != 0;

    if (w->lag_at != 0 && !has_primary(n)) {
        w->lag = is_known && r->lag < w->lag ? r->lag : w->lag;
    } else if (is_known) {
        w->lag = r->lag;
    } else if (w->lag_at == 0 ||
               n->options->sql_dialect == INFRA_SQL_POSTGRESQL) {
        return INFRA_TIME_NEVER;
    } else {
        w->lag += since;
    }
    w->lag_at = now;
    return w->lag;
}

static void take_sample(struct nodes *n, uint32_t id,
                        const struct infra_probe_result *r, infra_time now)
{
    struct watched *w = &n->at[id];
    bool is_pg = n->options->sql_dialect == INFRA_SQL_POSTGRESQL;
    bool is_primary = w->role == INFRA_ROUTER_ROLE_PRIMARY;
    const char *text = infra_probe_text(w->probe, INFRA_PROBE_TEXT_POSITION);
    char own[32];

    if (is_pg && is_primary && (r->has & INFRA_PROBE_HAS_ANSWER) != 0) {
        uint64_t byte = r->answer & ((UINT64_C(1) << NODE_BYTE_BITS) - 1);
        (void)snprintf(own, sizeof own, "%llX/%llX",
                       (unsigned long long)(byte >> 32),
                       (unsigned long long)(byte & UINT32_MAX));
        text = own;
    }
    const struct infra_router_sample sample = {
        .size = sizeof sample,
        .asked_at = now - r->duration,
        .lag = lag_of(n, id, r, now),
        .kind = text[0] == '\0' ? INFRA_POSITION_NONE
                : is_pg         ? INFRA_POSITION_LSN
                : n->options->sql_dialect == INFRA_SQL_MARIADB
                    ? INFRA_POSITION_MARIADB
                    : INFRA_POSITION_MYSQL,
        .text = text,
        .length = (uint32_t)strlen(text),
    };
    int err = infra_router_sample(n->router, id, &sample);
    if (err != INFRA_OK && err != INFRA_ESTALE) {
        log_line("node %s: its position \"%.80s\" is not taken: %s",
                 n->options->nodes[id].name, text, infra_strerror(err));
    }
}

static void take_result(struct nodes *n, uint32_t id,
                        const struct infra_probe_result *r, infra_time now)
{
    struct watched *w = &n->at[id];
    /* MySQL: a former replica that is still read-only is not promoted yet. */
    bool is_ready = n->options->sql_dialect == INFRA_SQL_POSTGRESQL ||
                    (r->has & INFRA_PROBE_HAS_WRITABLE) == 0 || r->writable;
    bool is_primary = r->role == INFRA_PROBE_ROLE_PRIMARY && is_ready;

    if (r->outcome != INFRA_OUTCOME_OK) {
        is_dead(n, id, r);
        return;
    }
    if ((r->has & INFRA_PROBE_HAS_ROLE) == 0) {
        log_line("node %s does not say its role to user %s: %s",
                 n->options->nodes[id].name, n->options->probe_user,
                 infra_probe_text(w->probe, INFRA_PROBE_TEXT_MESSAGE));
        return;
    }
    w->failures = 0;
    if (is_primary && n->options->sql_dialect == INFRA_SQL_POSTGRESQL) {
        if ((r->has & INFRA_PROBE_HAS_ANSWER) == 0 || r->answer == 0) {
            return; /* Promoted between the two questions: ask again. */
        }
        w->timeline = r->answer >> NODE_BYTE_BITS;
    }
    w->is_up = true;
    w->says_primary = is_primary;
    give_role(n, id, now);
    if (w->role != INFRA_ROUTER_ROLE_NONE) {
        take_sample(n, id, r, now);
    }
}

static void log_states(struct nodes *n, infra_time now)
{
    for (uint32_t i = 0; i < n->options->nodes_count; i++) {
        struct infra_router_status status = { .size = sizeof status };
        if (infra_router_inspect(n->router, i, now, &status) != INFRA_OK ||
            status.state == n->at[i].state) {
            continue;
        }
        n->at[i].state = status.state;
        log_line("node %s is %s", n->options->nodes[i].name,
                 infra_router_state_name(status.state));
    }
}

static void check_suspects(struct nodes *n, infra_time now)
{
    for (uint32_t i = 0; i < n->options->nodes_count; i++) {
        if (atomic_exchange(&n->shared->nodes[i].is_suspected, false)) {
            (void)infra_prober_check_now(n->prober, i, now);
        }
    }
}

void nodes_step(struct nodes *n)
{
    struct infra_health_event event;
    infra_time now = infra_driver_now();
    bool has_news = false;

    check_suspects(n, now);
    infra_driver_step(n->driver, now);
    while (infra_prober_next(n->prober, now, &event) == INFRA_OK) {
        /* The router goes by results, not by health. */
    }
    has_news = take_record(n, now);
    /* With the time from before the step, no sample is taken for one that was
     * asked for later than it was. */
    for (uint32_t i = 0; i < n->options->nodes_count; i++) {
        struct infra_health_status h = { .size = sizeof h };
        struct infra_probe_result r;
        if (infra_prober_inspect(n->prober, i, &h, &r) == INFRA_OK &&
            h.checks != n->at[i].checks) {
            n->at[i].checks = h.checks;
            take_result(n, i, &r, now);
            has_news = true;
        }
    }
    if (!has_news) {
        return;
    }
    now = infra_driver_now();
    if (!step("publish", infra_router_publish(n->router, now))) {
        return;
    }
    log_states(n, now);
    for (uint32_t i = 0; i < n->shared->workers_count; i++) {
        if (n->shared->workers[i].is_running) {
            worker_wake(&n->shared->workers[i]);
        }
    }
}
