/* SPDX-License-Identifier: MIT */
#include "db_store.h"

#include "arguments.h"
#include "db_list.h"

#include <stdio.h>
#include <string.h>

#define RECORD_FORMAT_MAX (INFRA_LEASE_RECORD_MAX + 1u)

bool db_store_open(struct db_store *store, struct infra_driver *driver,
                   const struct db_failover_options *options)
{
    const char *path = options->lease.floor;
    struct infra_failover_options machine = { .size = sizeof machine,
                                              .group = options->group,
                                              .gate = &store->gate };

    *store =
        (struct db_store) { .options = options, .floor.group = options->group };
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

void db_store_ask(struct db_store *store,
                  const struct infra_promotion_event *event, infra_time now)
{
    char text[RECORD_FORMAT_MAX];
    const struct infra_promotion_event *e = event;
    int size = 0;

    store->asked = *e;
    if (e->kind == INFRA_PROMOTION_READ) {
        (void)infra_lease_read_record(store->store.lease, e->token,
                                      e->call_deadline, now);
        return;
    }
    const char *key = store->options->dbs[e->node].key;
    if (e->kind == INFRA_PROMOTION_NAME) {
        size = snprintf(text, sizeof text, "begun %s %llu", key,
                        (unsigned long long)e->token);
    } else {
        size = snprintf(text, sizeof text, "done %s %llu %llu", key,
                        (unsigned long long)e->token,
                        (unsigned long long)e->timeline);
    }
    (void)infra_lease_write_record(store->store.lease, e->token, text,
                                   (size_t)size, e->call_deadline, now);
}

/* False: it says something else, or names somebody who is not here.  Then it is
 * not known who is primary, and nothing may be done. */
static bool read_record(const struct db_failover_options *o,
                        const struct infra_lease_record *record,
                        struct db_named *ret)
{
    char text[RECORD_FORMAT_MAX] = "";
    char what[8] = "";
    char key[DB_KEY_MAX + 1] = "";
    unsigned long long token = 0;
    unsigned long long timeline = 0;

    *ret = (struct db_named) { .db = DBS_MAX };
    if (record->count == 0) {
        return true;
    }
    memcpy(text, record->bytes, record->count);
    int count =
        sscanf(text, "%7s %63s %llu %llu", what, key, &token, &timeline);
    bool is_begun = strcmp(what, "begun") == 0 && count == 3;
    bool is_done = strcmp(what, "done") == 0 && count == 4;
    ret->db = db_by_key(o, key);
    ret->is_unfinished = is_begun;
    ret->token = token;
    ret->timeline = timeline;
    return (is_begun || is_done) && token != 0 &&
           (ret->db != DBS_MAX ||
            arguments_wrong("the record beside the lease is \"%s\", and there "
                            "is no such database",
                            text));
}

static uint32_t outcome_of(uint32_t outcome)
{
    return outcome == INFRA_LEASE_GRANTED   ? INFRA_FENCE_DONE
           : outcome == INFRA_LEASE_UNKNOWN ? INFRA_FENCE_UNKNOWN
                                            : INFRA_FENCE_FAILED;
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
    *ret = (struct db_named) { .db = DBS_MAX };
    if (store->asked.kind == INFRA_PROMOTION_READ &&
        *ret_outcome == INFRA_FENCE_DONE &&
        !read_record(store->options, &record, ret)) {
        *ret_outcome = INFRA_FENCE_FAILED;
    }
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
