/* SPDX-License-Identifier: MIT */
#include "db_watch.h"

#include "../common/arguments.h"
#include "db_list.h"

#include <stdlib.h>

#define FASTER 4u /* Factor of checks while a state may change. */

struct watched {
    struct infra_probe *probe; /* The prober's. */
    uint64_t checks;
    uint32_t failures; /* In a row. */
};

struct db_watch {
    const struct db_failover_options *options;
    struct infra_prober *prober;
    struct watched dbs[DBS_MAX];
};

static int watch_db(struct db_watch *w, uint32_t id)
{
    const struct db *db = &w->options->dbs[id];
    struct infra_prober_target target = {
        .size = sizeof target,
        .key = db->key,
        .address = (const struct sockaddr *)&db->address,
        .id = id,
        .address_size = db->address_size,
    };
    int err = check_spec_probe(w->options->check, &target.probe);

    if (err != INFRA_OK) {
        return err;
    }
    err = infra_prober_set(w->prober, &target, infra_driver_now());
    if (err != INFRA_OK) {
        infra_probe_destroy(target.probe);
        return err;
    }
    w->dbs[id].probe = target.probe;
    return INFRA_OK;
}

struct db_watch *db_watch_create(struct infra_driver *driver,
                                 const struct db_failover_options *options,
                                 uint64_t seed)
{
    const struct infra_health_options health = {
        .size = sizeof health,
        .seed = seed,
        .inter = options->inter,
        .fastinter = options->inter / FASTER,
        .start_spread = options->inter / FASTER,
        .ids_max = DBS_MAX,
        .fall = options->fall,
    };
    const struct infra_prober_options o = { .size = sizeof o,
                                            .health = &health };
    struct db_watch *w = calloc(1, sizeof *w);
    int err =
        w == NULL ? INFRA_ENOMEM : infra_prober_create(&w->prober, driver, &o);

    if (w != NULL) {
        w->options = options;
    }
    for (uint32_t i = 0; i < options->dbs_count && err == INFRA_OK; i++) {
        err = watch_db(w, i);
    }
    if (err != INFRA_OK) {
        (void)arguments_wrong("checks: %s", infra_strerror(err));
        db_watch_destroy(w);
        return NULL;
    }
    return w;
}

void db_watch_destroy(struct db_watch *watch)
{
    if (watch != NULL) {
        infra_prober_destroy(watch->prober);
        free(watch);
    }
}

/* False: the failed check proves nothing. A database that is full or refuses
 * the login is up all the same, and local failures are not its fault. A
 * database that accepts the connection and does not answer may hang. */
static bool is_seen(const struct infra_probe_result *r, uint32_t *ret_view)
{
    switch (r->reason) {
    case INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS:
    case INFRA_PROBE_REASON_LOGIN_REFUSED:
    case INFRA_PROBE_REASON_LOGIN_UNKNOWN:
    case INFRA_PROBE_REASON_LOGIN_FORGED:
    case INFRA_PROBE_REASON_LOGIN_NEEDS_TLS:
    case INFRA_PROBE_REASON_TLS:
    case INFRA_PROBE_REASON_LOCAL:
        return false;
    case INFRA_PROBE_REASON_NO_REPLY:
    case INFRA_PROBE_REASON_SLOW_REPLY:
        *ret_view = INFRA_PROMOTION_VIEW_STALLED;
        return true;
    default:
        *ret_view = INFRA_PROMOTION_VIEW_DOWN;
        return true;
    }
}

/* A check that passed but did not get all facts proves nothing: its user may
 * not see replication, or the server has only just started. */
static bool is_told(const struct infra_probe_result *r)
{
    const uint32_t needed = INFRA_PROBE_HAS_WRITABLE | INFRA_PROBE_HAS_ROLE |
                            INFRA_PROBE_HAS_POSITION;

    return r->outcome == INFRA_OUTCOME_OK && (r->has & needed) == needed;
}

/* A MariaDB or MySQL replica that has a source knows its lag, unless its SQL
 * thread has stopped. */
static bool is_halted(const struct db_watch *w,
                      const struct infra_probe_result *r,
                      const struct watched *d)
{
    return w->options->is_mysql && r->role == INFRA_PROBE_ROLE_REPLICA &&
           (r->has & INFRA_PROBE_HAS_LAG) == 0 &&
           infra_probe_text(d->probe, INFRA_PROBE_TEXT_SOURCE)[0] != '\0';
}

static bool sample(struct db_watch *w, uint32_t id,
                   const struct infra_probe_result *r,
                   struct infra_promotion_sample *ret)
{
    struct watched *d = &w->dbs[id];

    *ret =
        (struct infra_promotion_sample) { .source = INFRA_PROMOTION_NO_NODE };
    if (r->outcome != INFRA_OUTCOME_OK) {
        d->failures++;
        return d->failures >= w->options->fall && is_seen(r, &ret->view);
    }
    d->failures = 0;
    if (!is_told(r)) {
        return false;
    }
    uint32_t source = db_by_address(
        w->options, infra_probe_text(d->probe, INFRA_PROBE_TEXT_SOURCE));
    ret->view = INFRA_PROMOTION_VIEW_OK;
    ret->timeline = (r->has & INFRA_PROBE_HAS_ANSWER) != 0 ? r->answer : 0;
    ret->position = r->position;
    ret->writable = r->writable;
    ret->halted = is_halted(w, r, d);
    if (source != DBS_MAX && source != id) {
        ret->source = source;
    }
    return true;
}

bool db_watch_next(struct db_watch *watch, infra_time now, uint32_t *ret_db,
                   struct infra_promotion_sample *ret)
{
    struct infra_health_event event;

    /* The planner goes by samples, not by health. */
    while (infra_prober_next(watch->prober, now, &event) == INFRA_OK) {
    }
    for (uint32_t id = 0; id < watch->options->dbs_count; id++) {
        struct infra_health_status h = { .size = sizeof h };
        struct infra_probe_result r;
        (void)infra_prober_inspect(watch->prober, id, &h, &r);
        if (h.checks == watch->dbs[id].checks) {
            continue;
        }
        watch->dbs[id].checks = h.checks;
        if (sample(watch, id, &r, ret)) {
            ret->at = now - r.duration; /* It ended in this step. */
            *ret_db = id;
            return true;
        }
    }
    return false;
}

void db_watch_look(struct db_watch *watch, uint32_t db, infra_time now)
{
    (void)infra_prober_check_now(watch->prober, db, now);
}

const char *db_watch_reason(const struct db_watch *watch, uint32_t db)
{
    struct infra_health_status h = { .size = sizeof h };
    struct infra_probe_result r;

    (void)infra_prober_inspect(watch->prober, db, &h, &r);
    return h.checks == 0 ? "not checked yet"
                         : infra_probe_reason_name(r.reason);
}
