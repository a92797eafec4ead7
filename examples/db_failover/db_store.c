/* SPDX-License-Identifier: MIT */
#include "db_store.h"

#include <string.h>

bool db_store_open(struct db_store *store, struct infra_driver *driver,
                   const struct db_failover_options *options)
{
    const char *path = options->lease.floor;
    struct infra_failover_options machine = { .size = sizeof machine,
                                              .group = options->group,
                                              .gate = &store->gate };

    *store = (struct db_store) { .options = options,
                                 .named = { .db = DBS_MAX, .former = DBS_MAX },
                                 .floor.group = options->group };
    if (!token_floors_open(&store->floor_file, path, &store->floor, 1)) {
        return false;
    }
    machine.token_floor = store->floor.token;
    return lease_access_open(&store->access, &options->lease) &&
           lease_store_open(&store->store, &store->access, driver, &machine);
}

void db_store_close(struct db_store *store)
{
    lease_store_close(&store->store);
    lease_access_close(&store->access);
}

/* Compose the new record.  It is kept even if the store refuses it: to know
 * more than was granted does no harm. */
static void compose(struct db_store *store,
                    const struct infra_promotion_event *e)
{
    struct db_named *n = &store->named;
    struct db_named former = *n;

    if (e->kind == INFRA_PROMOTION_EVENT_RECORD_APART) {
        bool is_apart = (e->flags & INFRA_PROMOTION_FLAG_APART) != 0;
        n->apart &= ~(1u << e->id);
        n->apart |= is_apart ? 1u << e->id : 0;
        return;
    }
    n->db = e->id;
    n->token = e->token;
    n->timeline = e->timeline;
    n->is_unfinished = e->kind == INFRA_PROMOTION_EVENT_RECORD_INTENT;
    if (!former.is_unfinished) {
        n->former = former.db;
        n->former_token = former.token;
        n->former_timeline = former.timeline;
    }
}

void db_store_ask(struct db_store *store,
                  const struct infra_promotion_event *event, infra_time now)
{
    char text[DB_RECORD_SIZE];
    const struct infra_promotion_event *e = event;

    store->asked = *e;
    if (e->kind == INFRA_PROMOTION_EVENT_READ_RECORD) {
        (void)infra_lease_read_record(store->store.lease, e->token,
                                      e->call_deadline, now);
        return;
    }
    compose(store, e);
    size_t size = db_record_write(store->options, &store->named, text);
    (void)infra_lease_write_record(store->store.lease, e->token, text, size,
                                   e->call_deadline, now);
}

static bool read_record(struct db_store *store,
                        const struct infra_lease_record *record)
{
    char text[DB_RECORD_SIZE] = "";

    memcpy(text, record->bytes, record->count);
    return db_record_read(store->options, text, &store->named);
}

static uint32_t outcome_of(uint32_t outcome)
{
    return outcome == INFRA_LEASE_OUTCOME_GRANTED   ? INFRA_ORDER_DONE
           : outcome == INFRA_LEASE_OUTCOME_UNKNOWN ? INFRA_ORDER_UNKNOWN
                                                    : INFRA_ORDER_FAILED;
}

bool db_store_next(struct db_store *store, infra_time now,
                   struct infra_promotion_event *ret_asked,
                   uint32_t *ret_outcome, struct db_named *ret)
{
    struct infra_lease_record record;

    if (infra_lease_take_record(store->store.lease, now, &record) != INFRA_OK) {
        return false;
    }
    *ret_asked = store->asked;
    *ret_outcome = outcome_of(record.outcome);
    if (store->asked.kind == INFRA_PROMOTION_EVENT_READ_RECORD &&
        *ret_outcome == INFRA_ORDER_DONE && !read_record(store, &record)) {
        *ret_outcome = INFRA_ORDER_FAILED;
    }
    *ret = store->named;
    return true;
}

const char *db_store_keep_floor(struct db_store *store)
{
    struct infra_failover_status status = { .size = sizeof status };

    (void)infra_failover_inspect(infra_elector_machine(store->store.elector),
                                 &status);
    token_floors_see(&store->floor_file, 0, status.token_floor);
    return token_floors_keep(&store->floor_file, infra_driver_now());
}
