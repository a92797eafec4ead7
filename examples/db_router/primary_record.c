/* SPDX-License-Identifier: MIT */
/* An elector that is paused for ever carries the reads to the store, since it
 * runs the conversations with etcd; it changes nothing there. */
#include "primary_record.h"

#include "../common/arguments.h"
#include "../common/lease_store.h"
#include "../common/log.h"
#include "../db_failover/db_record.h"

#include <stdlib.h>
#include <string.h>

#define READ_TIMEOUT INFRA_SEC(2)
#define AGE_MAX INFRA_SEC(5)

_Static_assert(FAILOVER_NODES_MAX == DBS_MAX, "as many as db_failover has");

struct primary_record {
    struct db_failover_options dbs; /* The keys, as db_record_read() wants. */
    struct infra_gate gate;
    struct lease_access access;
    struct lease_store store;
    struct infra_driver *driver;
    infra_time interval;
    infra_time ask_at;
    infra_time read_at; /* Of the last answer that was one; 0: none. */
    bool is_out;        /* A read is. */
    bool has_failed;    /* The last read did, and that was logged. */
    bool is_malformed;
    char text[DB_RECORD_SIZE]; /* As it was last taken. */
    struct db_named named;     /* The newest. */
};

static bool open_store(struct primary_record *r, struct failover_spec *spec)
{
    const struct infra_failover_options machine = { .size = sizeof machine,
                                                    .group = spec->group,
                                                    .gate = &r->gate };

    failover_spec_begin_messages();
    bool good = lease_access_open(&r->access, &spec->lease) &&
                lease_store_open(&r->store, &r->access, r->driver, &machine);
    failover_spec_end_messages();
    lease_spec_forget(&spec->lease);
    if (!good) {
        return false;
    }
    (void)infra_failover_command(infra_elector_machine(r->store.elector),
                                 INFRA_FAILOVER_COMMAND_PAUSE,
                                 infra_driver_now());
    return true;
}

struct primary_record *primary_record_open(
    struct infra_driver *driver, const struct primary_record_options *options)
{
    struct primary_record *r = calloc(1, sizeof *r);

    if (r == NULL) {
        (void)arguments_wrong("out of memory");
        return NULL;
    }
    r->driver = driver;
    r->interval = options->interval;
    r->named = (struct db_named) { .db = DBS_MAX, .former = DBS_MAX };
    r->dbs.dbs_count = options->keys_count;
    for (uint32_t i = 0; i < options->keys_count; i++) {
        r->dbs.dbs[i].key = options->keys[i];
    }
    if (!open_store(r, options->spec)) {
        primary_record_close(r);
        return NULL;
    }
    return r;
}

void primary_record_close(struct primary_record *r)
{
    if (r != NULL) {
        lease_store_close(&r->store);
        lease_access_close(&r->access);
        free(r);
    }
}

/* A token names one primary for ever, first as begun, then as done. */
static bool is_older(const struct db_named *read, const struct db_named *named)
{
    return read->token < named->token ||
           (read->token == named->token && read->is_unfinished &&
            !named->is_unfinished);
}

static void say(const struct primary_record *r)
{
    const struct db_named *n = &r->named;

    if (n->db == DBS_MAX) {
        log_line("db_failover has recorded no primary: writes are held");
    } else if (n->is_unfinished) {
        log_line("db_failover promotes %s, token %llu: writes are held",
                 r->dbs.dbs[n->db].key, (unsigned long long)n->token);
    } else {
        log_line("db_failover has recorded %s as primary, token %llu",
                 r->dbs.dbs[n->db].key, (unsigned long long)n->token);
    }
}

/* True: it is news. */
static bool take_text(struct primary_record *r, const char *text)
{
    struct db_named read;
    bool is_first = r->read_at == 0;

    if (!is_first && strcmp(text, r->text) == 0) {
        return false;
    }
    memcpy(r->text, text, sizeof r->text);
    r->is_malformed = !db_record_read(&r->dbs, text, &read);
    if (r->is_malformed) {
        log_line("the record of db_failover cannot be used: writes are held");
        return true;
    }
    if (is_older(&read, &r->named)) {
        log_line("a record of token %llu is not taken after one of %llu",
                 (unsigned long long)read.token,
                 (unsigned long long)r->named.token);
        return true; /* It may have been malformed before. */
    }
    r->named = read;
    say(r);
    return true;
}

static bool take_answer(struct primary_record *r,
                        const struct infra_lease_record *record, infra_time now)
{
    char text[DB_RECORD_SIZE] = "";

    if (record->outcome != INFRA_LEASE_OUTCOME_GRANTED) {
        if (!r->has_failed) {
            log_line("the record of db_failover cannot be read: %s (%u)",
                     infra_lease_reason_name(record->reason), record->detail);
        }
        r->has_failed = true;
        return false;
    }
    if (r->has_failed) {
        log_line("the record of db_failover is read again");
    }
    r->has_failed = false;
    memcpy(text, record->bytes, record->count);
    bool is_news = take_text(r, text);
    r->read_at = now;
    return is_news;
}

bool primary_record_step(struct primary_record *r, infra_time now)
{
    struct infra_lease_record record;
    struct infra_failover_event event;
    bool is_news = false;

    if (!r->is_out && now >= r->ask_at) {
        (void)infra_lease_read_record(r->store.lease, 0, now + READ_TIMEOUT,
                                      now);
        r->is_out = true;
    }
    while (infra_elector_next(r->store.elector, now, &event) == INFRA_OK) {
        /* It is paused: nothing is to be done. */
    }
    if (infra_lease_take_record(r->store.lease, now, &record) == INFRA_OK) {
        is_news = take_answer(r, &record, now);
        r->is_out = false;
        r->ask_at = now + r->interval;
    }
    return is_news;
}

infra_time primary_record_deadline(const struct primary_record *r)
{
    infra_time driver = infra_driver_deadline(r->driver);

    return !r->is_out && r->ask_at < driver ? r->ask_at : driver;
}

bool primary_record_names(const struct primary_record *r, uint32_t id,
                          uint64_t *ret_token)
{
    const struct db_named *n = &r->named;

    if (r->is_malformed || n->is_unfinished || n->db != id) {
        return false;
    }
    *ret_token = n->token;
    return true;
}

bool primary_record_is_old(const struct primary_record *r, infra_time now)
{
    return now > r->read_at + AGE_MAX;
}
