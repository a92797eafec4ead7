/* SPDX-License-Identifier: MIT */
/* The lag of a replica is the age of the last commit that it replayed. That age
 * grows while the primary is idle, so the lag is 0 while everything received is
 * replayed and the receiver works. A commit after an idle hour would make it an
 * hour until the replay, so it is at most the time since a check last saw the
 * replica caught up. */
#include "question.h"

#include "../../base/characters.h"
#include "../../base/internal.h"
#include "../../base/printable.h"

#include <string.h>

/* Names that exist in PostgreSQL 10 and later. All are qualified, operators
 * too, so that no schema of a user can replace them. The receiver's state needs
 * a privilege (pg_monitor): without it the row exists and is all null. The
 * state comes as "streaming 10.0.0.1:5432". The sender's columns, which
 * PostgreSQL 10 lacks, are taken by way of JSON, where they are null then. */
#define CATALOG "pg_catalog."
#define SENDER "j OPERATOR(" CATALOG "->>) 'sender_"
#define QUERY                                                             \
    "SELECT " CATALOG "pg_is_in_recovery()"                               \
    ", " CATALOG "current_setting('transaction_read_only')"               \
    ", CASE WHEN " CATALOG "pg_is_in_recovery()"                          \
    " THEN " CATALOG "pg_last_wal_replay_lsn()"                           \
    " ELSE " CATALOG "pg_current_wal_lsn() END"                           \
    ", " CATALOG "pg_last_wal_receive_lsn()"                              \
    ", (" CATALOG "date_part('epoch', " CATALOG "clock_timestamp()"       \
    " OPERATOR(" CATALOG "-) " CATALOG "pg_last_xact_replay_timestamp())" \
    " OPERATOR(" CATALOG "*) 1000000)::" CATALOG "int8"                   \
    ", (SELECT " CATALOG "concat_ws(' ', coalesce(status, 'hidden')"      \
    ", " CATALOG "concat_ws(':', " SENDER "host', " SENDER "port'))"      \
    " FROM " CATALOG "pg_stat_wal_receiver AS w"                          \
    ", " CATALOG "to_jsonb(w) AS j)"

/* The type, the length (it counts itself), the text with its zero. */
static const struct {
    char type;
    unsigned char length[4];
    char text[sizeof QUERY];
} question = { .type = 'Q',
               .length = { 0, 0, (sizeof QUERY + 4) >> 8,
                           (sizeof QUERY + 4) & 0xff },
               .text = QUERY };

size_t infra__pgsql_question(const void **ret)
{
    *ret = &question;
    return sizeof question;
}

struct cell {
    const char *at; /* NULL: null. */
    size_t size;
};

bool infra__pgsql_columns_are_ours(const struct infra__pgsql_messages *m)
{
    return m->size >= 2 && infra__pgsql_u16(m->body) == INFRA__PGSQL_COLUMNS;
}

/* A count of two bytes, then for each cell a length of four (-1: null) and the
 * text; no byte after the last cell. */
static bool take_cells(struct cell ret[INFRA__PGSQL_COLUMNS],
                       const struct infra__pgsql_messages *m)
{
    const unsigned char *at = m->body + 2;
    size_t left = m->size - 2;

    if (m->is_cut || !infra__pgsql_columns_are_ours(m)) {
        return false;
    }
    for (size_t i = 0; i < INFRA__PGSQL_COLUMNS; i++) {
        if (left < 4) {
            return false;
        }
        uint32_t size = infra__pgsql_u32(at);
        bool is_null = size == UINT32_MAX;
        at += 4;
        left -= 4;
        size = is_null ? 0 : size;
        if (size > left) {
            return false;
        }
        ret[i] = (struct cell) { is_null ? NULL : (const char *)at, size };
        at += size;
        left -= size;
    }
    return left == 0;
}

static bool is_text(struct cell c, const char *text)
{
    return c.at != NULL && infra__is_word(c.at, c.size, text);
}

/* One of two words. */
static bool read_word(bool *ret, struct cell c, const char *yes, const char *no)
{
    *ret = is_text(c, yes);
    return *ret || is_text(c, no);
}

/* One to eight hexadecimal digits up to @end. */
static bool read_half(uint32_t *ret, const char *at, const char *end)
{
    if (end - at < 1 || end - at > 8) {
        return false;
    }
    for (*ret = 0; at < end; at++) {
        int digit = infra__hex_value((unsigned char)*at);
        if (digit < 0) {
            return false;
        }
        *ret = *ret << 4 | (uint32_t)digit;
    }
    return true;
}

/* An LSN, "16/B374D848", or null. */
static bool read_lsn(uint64_t *ret, bool *ret_has, struct cell c)
{
    uint32_t high, low;

    *ret_has = c.at != NULL;
    if (c.at == NULL) {
        return true;
    }
    const char *slash = memchr(c.at, '/', c.size);
    if (slash == NULL || !read_half(&high, c.at, slash) ||
        !read_half(&low, slash + 1, c.at + c.size)) {
        return false;
    }
    *ret = (uint64_t)high << 32 | low;
    return true;
}

/* Microseconds, or null. If this clock is behind the primary's they are
 * negative and count as 0. */
static bool read_age(infra_time *ret, bool *ret_has, struct cell c)
{
    const uint64_t us_max = INFRA_TIME_NEVER / INFRA_US(1);
    bool is_negative = c.size > 0 && c.at[0] == '-';
    uint64_t us = 0;

    *ret_has = c.at != NULL;
    if (c.at != NULL && c.size == (is_negative ? 1 : 0)) {
        return false;
    }
    for (size_t i = is_negative ? 1 : 0; i < c.size; i++) {
        if (!infra__is_digit((unsigned char)c.at[i])) {
            return false;
        }
        us = us * 10 + (uint64_t)(c.at[i] - '0');
        us = us < us_max / 10 ? us : us_max / 10 - 1;
    }
    *ret = is_negative ? 0 : INFRA_US(us);
    return true;
}

/* The receiver's status, and after a blank its source. */
static void read_receiver(struct infra__pgsql_row *ret, struct cell c)
{
    const char *blank = c.at != NULL ? memchr(c.at, ' ', c.size) : NULL;
    struct cell status = { c.at,
                           blank != NULL ? (size_t)(blank - c.at) : c.size };
    bool is_streaming = is_text(status, "streaming");

    if (c.at == NULL) {
        ret->receiver = INFRA__PGSQL_RECEIVER_NONE;
    } else if (is_streaming || is_text(status, "hidden")) {
        ret->receiver = INFRA__PGSQL_RECEIVER_STREAMING;
    } else {
        ret->receiver = INFRA__PGSQL_RECEIVER_WAITING;
    }
    if (is_streaming && blank != NULL &&
        c.size - status.size <= sizeof ret->source) {
        infra__copy_printable(ret->source, sizeof ret->source,
                              (const unsigned char *)blank + 1,
                              c.size - status.size - 1);
    }
}

void infra__pgsql_answer_row(struct infra__pgsql_answer *a,
                             const struct infra__pgsql_messages *m)
{
    const size_t head = 6; /* The number of cells, the length of the first. */

    a->has_number = a->rows_count == 0 && m->size >= head &&
                    infra__pgsql_u32(m->body + 2) <= m->size - head &&
                    infra__read_number(&a->number, m->body + head,
                                       infra__pgsql_u32(m->body + 2));
    a->rows_count++;
}

bool infra__pgsql_row_read(struct infra__pgsql_row *ret,
                           const struct infra__pgsql_messages *m)
{
    struct cell cells[INFRA__PGSQL_COLUMNS];
    struct infra__pgsql_row row = { 0 };

    if (!take_cells(cells, m) ||
        !read_word(&row.is_replica, cells[0], "t", "f") ||
        !read_word(&row.is_read_only, cells[1], "on", "off") ||
        !read_lsn(&row.position, &row.has_position, cells[2]) ||
        !read_lsn(&row.received, &row.has_received, cells[3]) ||
        !read_age(&row.age, &row.has_age, cells[4])) {
        return false;
    }
    if (row.is_replica) {
        read_receiver(&row, cells[5]);
    }
    if (row.has_position) {
        memcpy(row.position_text, cells[2].at, cells[2].size);
    }
    *ret = row;
    return true;
}

/* Everything received is replayed. After a restart "received" begins at the
 * start of a segment again, behind what was replayed before. */
static bool is_caught_up(const struct infra__pgsql_row *row)
{
    return row->receiver == INFRA__PGSQL_RECEIVER_STREAMING &&
           row->has_position && row->has_received &&
           row->position >= row->received;
}

static void tell_lag(const struct infra__pgsql_row *row,
                     struct infra__pgsql_memory *memory, infra_time now,
                     struct infra_probe_result *ret)
{
    if (is_caught_up(row)) {
        *memory = (struct infra__pgsql_memory) { .position = row->position,
                                                 .time = now,
                                                 .is_set = true };
    }
    /* A log that became shorter is another log. */
    if (row->position < memory->position) {
        memory->is_set = false;
    }
    if (!row->has_age && !memory->is_set) {
        return;
    }
    infra_time since =
        memory->is_set && now > memory->time ? now - memory->time : 0;
    ret->has |= INFRA_PROBE_HAS_LAG;
    ret->lag = row->age;
    if (memory->is_set && (!row->has_age || since < row->age)) {
        ret->lag = since;
    }
}

void infra__pgsql_row_tell(const struct infra__pgsql_row *row,
                           struct infra__pgsql_memory *memory, infra_time now,
                           struct infra_probe_result *ret)
{
    ret->has |= INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE;
    ret->role =
        row->is_replica ? INFRA_PROBE_ROLE_REPLICA : INFRA_PROBE_ROLE_PRIMARY;
    ret->writable = !row->is_replica && !row->is_read_only;
    if (row->has_position) {
        ret->has |= INFRA_PROBE_HAS_POSITION;
        ret->position = row->position;
    }
    if (row->is_replica) {
        tell_lag(row, memory, now, ret);
    } else {
        memory->is_set = false;
    }
}

uint32_t infra__pgsql_row_judge(const struct infra__pgsql_row *row,
                                const struct infra_probe_result *result,
                                const struct infra__database_limits *limits)
{
    uint32_t reason = infra__database_judge_role(limits, result);

    if (reason == INFRA_PROBE_REASON_PASSED && limits->lag_max > 0 &&
        row->is_replica &&
        ((result->has & INFRA_PROBE_HAS_LAG) == 0 ||
         result->lag > limits->lag_max)) {
        return row->receiver == INFRA__PGSQL_RECEIVER_STREAMING
                   ? INFRA_PROBE_REASON_LAGGING
                   : INFRA_PROBE_REASON_NOT_REPLICATING;
    }
    return reason;
}
