/* SPDX-License-Identifier: MIT */
#include "db_store.h"

#include "arguments.h"
#include "db_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define RECORD_FORMAT_MAX (INFRA_LEASE_RECORD_MAX + 1u)

static int open_lease(struct db_store *s, uint64_t incarnation)
{
    const struct db_failover_options *o = s->options;
    const struct infra_lease_file_options file = { .size = sizeof file,
                                                   .path = o->lease_path,
                                                   .node = o->node,
                                                   .incarnation = incarnation,
                                                   .ttl = o->ttl };
    const struct infra_lease_etcd_options etcd = {
        .size = sizeof etcd,
        .group = o->group,
        .node = o->node,
        .incarnation = incarnation,
        .ttl = o->ttl,
        .endpoints_count = o->endpoints_count,
    };

    return o->lease_path != NULL ? infra_lease_file(&s->lease, &file)
                                 : infra_lease_etcd(&s->lease, &etcd);
}

static int open_elector(struct db_store *s, struct infra_driver *driver,
                        uint64_t incarnation)
{
    const struct db_failover_options *o = s->options;
    struct infra_elector_endpoint endpoints[INFRA_ELECTOR_ENDPOINTS_MAX];
    const struct infra_failover_options failover = {
        .size = sizeof failover,
        .group = o->group,
        .node = o->node,
        .gate = &s->gate,
        .incarnation = incarnation,
        .token_floor = s->floor,
        .ttl = o->ttl,
    };
    const struct infra_elector_options elector = {
        .size = sizeof elector,
        .failover = &failover,
        .lease = s->lease,
        .endpoints = endpoints,
        .endpoints_count = o->endpoints_count,
    };

    for (uint32_t i = 0; i < o->endpoints_count; i++) {
        endpoints[i] = (struct infra_elector_endpoint) {
            .address = (const struct sockaddr *)&o->endpoints[i],
            .address_size = o->endpoints_size[i],
        };
    }
    return infra_elector_create(&s->elector, driver, &elector);
}

static bool read_floor(struct db_store *s)
{
    const char *path = s->options->floor_path;
    unsigned long long floor = 0;
    FILE *file = path != NULL ? fopen(path, "re") : NULL;

    if (path == NULL || (file == NULL && errno == ENOENT)) {
        return true;
    }
    if (file == NULL) {
        return arguments_wrong("--floor %s: %s", path, strerror(errno));
    }
    int count = fscanf(file, "%llu", &floor);
    (void)fclose(file);
    s->floor = floor;
    return count == 1 || arguments_wrong("--floor %s: is no number; delete it "
                                         "if the store was never reset",
                                         path);
}

bool db_store_open(struct db_store *store, struct infra_driver *driver,
                   const struct db_failover_options *options)
{
    uint64_t incarnation = 0;

    *store = (struct db_store) { .options = options };
    if (getrandom(&incarnation, sizeof incarnation, 0) != sizeof incarnation) {
        return arguments_wrong("no randomness: %s", strerror(errno));
    }
    incarnation |= 1; /* Zero is none. */
    if (!read_floor(store)) {
        return false;
    }
    int err = open_lease(store, incarnation);
    if (err != INFRA_OK) {
        return arguments_wrong("--lease: %s%s", infra_strerror(err),
                               err == INFRA_EINVAL ? ": that file is no lease"
                                                   : "");
    }
    err = open_elector(store, driver, incarnation);
    if (err != INFRA_OK) {
        infra_lease_destroy(store->lease);
        return arguments_wrong("--ttl or --lease: %s", infra_strerror(err));
    }
    return true;
}

void db_store_close(struct db_store *store)
{
    infra_elector_destroy(store->elector);
}

void db_store_ask(struct db_store *store,
                  const struct infra_promotion_event *event, infra_time now)
{
    char text[RECORD_FORMAT_MAX];
    const struct infra_promotion_event *e = event;
    int size = 0;

    store->asked = *e;
    if (e->kind == INFRA_PROMOTION_READ) {
        (void)infra_lease_read_record(store->lease, e->token, e->call_deadline,
                                      now);
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
    (void)infra_lease_write_record(store->lease, e->token, text, (size_t)size,
                                   e->call_deadline, now);
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

    if (infra_lease_take_record(store->lease, now, &record) != INFRA_OK) {
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

/* Whole or not at all. */
static bool write_floor(const char *path, uint64_t floor)
{
    char text[32];
    char new[4096];
    int size = snprintf(text, sizeof text, "%llu\n", (unsigned long long)floor);

    if (snprintf(new, sizeof new, "%s.new", path) >= (int)sizeof new) {
        return false;
    }
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text, (size_t)size) == size &&
                fsync(fd) == 0 && rename(new, path) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return good;
}

void db_store_keep_floor(struct db_store *store)
{
    struct infra_failover_status status = { .size = sizeof status };
    const char *path = store->options->floor_path;

    (void)infra_failover_inspect(infra_elector_machine(store->elector),
                                 &status);
    if (path == NULL || status.token_floor <= store->floor) {
        return;
    }
    store->floor = status.token_floor;
    if (!write_floor(path, store->floor)) {
        (void)arguments_wrong("--floor %s: %s", path, strerror(errno));
    }
}
