/* SPDX-License-Identifier: MIT */
#include "status.h"
#include "../database.h"

#include "../../base/characters.h"
#include "../../base/internal.h"

#include <string.h>

/* MySQL from that version on executes a comment that begins with "!50706", and
 * MariaDB one with "M!100002"; each ignores the other's. So one text does for
 * both, and the version in a greeting, which proxies make up, does not matter.
 *
 * super_read_only is not asked: it is never on without read_only. Aurora's
 * readers have innodb_read_only instead. MariaDB may have several sources, and
 * SHOW SLAVE STATUS shows only the unnamed one; MySQL shows all. For a MySQL
 * before 8.0.22 the second question is a mere SHOW: a syntax error. */
static const char *const questions[] = {
    [INFRA__MYSQL_ASK_VARIABLES] =
        "SELECT @@global.read_only AS read_only,"
        "@@global.innodb_read_only AS innodb_read_only"
        "/*!50706 ,@@global.gtid_executed AS gtid_executed*/"
        "/*M!100002 ,@@global.gtid_current_pos AS gtid_current_pos*/",
    [INFRA__MYSQL_ASK_REPLICATION] =
        "SHOW /*M!100002 ALL SLAVES STATUS*//*!80022 REPLICA STATUS*/",
    [INFRA__MYSQL_ASK_REPLICATION_OLD] = "SHOW SLAVE STATUS",
    [INFRA__MYSQL_ASK_HOST] = NULL,
};

enum column {
    OTHER,
    ANSWER,    /* To the host's question: 1, as infra__mysql_rows has it. */
    READ_ONLY, /* A variable that forbids writes. */
    GTID_SET,
    GTID_LIST,
    RECEIVER, /* The threads of a replica. */
    APPLIER,
    LAG,
    HOST,
    PORT,
};

static const struct infra__mysql_column columns[] = {
    { "read_only", READ_ONLY },       { "innodb_read_only", READ_ONLY },
    { "gtid_executed", GTID_SET },    { "gtid_current_pos", GTID_LIST },
    { "Slave_IO_Running", RECEIVER }, { "Replica_IO_Running", RECEIVER },
    { "Slave_SQL_Running", APPLIER }, { "Replica_SQL_Running", APPLIER },
    { "Seconds_Behind_Master", LAG }, { "Seconds_Behind_Source", LAG },
    { "Master_Host", HOST },          { "Source_Host", HOST },
    { "Master_Port", PORT },          { "Source_Port", PORT },
};

#define VARIABLES_COUNT 2u /* Of READ_ONLY. */

void infra__mysql_status_start(struct infra__mysql_status *s)
{
    *s = (struct infra__mysql_status) { 0 };
}

const char *infra__mysql_status_ask(struct infra__mysql_status *s,
                                    enum infra__mysql_question question)
{
    bool is_host = question == INFRA__MYSQL_ASK_HOST;

    s->question = (uint8_t)question;
    s->rows_count = 0;
    if (!is_host) { /* The host's question comes before the sources. */
        s->is_stopped = s->has_no_lag = false;
        s->source[0] = '\0';
    }
    infra__mysql_rows_start(&s->rows, columns,
                            is_host ? 0 : INFRA__COUNT_OF(columns));
    return questions[question];
}

static void position_byte(struct infra__mysql_status *s, unsigned char c)
{
    if (s->cell_size == 0) {
        infra__mysql_gtid_start(&s->gtid, s->rows.number == GTID_SET
                                              ? INFRA__MYSQL_GTID_SET
                                              : INFRA__MARIADB_GTID_LIST);
        s->position_size = 0;
        s->cell_size = 1; /* Begun. */
    }
    if (c == '\n' || c == ' ') { /* MySQL breaks lines after commas. */
        return;
    }
    infra__mysql_gtid_byte(&s->gtid, c);
    if (s->position_size < INFRA__MYSQL_POSITION_MAX) {
        s->position[s->position_size] = (char)c;
    }
    s->position_size++;
}

static void cell_byte(struct infra__mysql_status *s, unsigned char c)
{
    if (s->rows.number == GTID_SET || s->rows.number == GTID_LIST) {
        position_byte(s, c);
        return;
    }
    if (s->rows.number == HOST) {
        if (s->host_size < sizeof s->host) {
            s->host[s->host_size] = c;
        }
        s->host_size =
            (uint16_t)(s->host_size + (s->host_size <= sizeof s->host));
        return;
    }
    if (s->cell_size < sizeof s->cell) {
        s->cell[s->cell_size] = (char)c;
    }
    /* One past the end stands for every longer size. */
    s->cell_size = (uint8_t)(s->cell_size + (s->cell_size <= sizeof s->cell));
}

static bool cell_is(const struct infra__mysql_status *s, const char *word)
{
    return infra__is_word(s->cell, s->cell_size, word);
}

static bool number_end(const struct infra__mysql_status *s, uint64_t *ret)
{
    return s->cell_size <= sizeof s->cell &&
           infra__read_number(ret, s->cell, s->cell_size);
}

static void lag_end(struct infra__mysql_status *s)
{
    uint64_t seconds;

    if (!number_end(s, &seconds) || seconds > INFRA_TIME_NEVER / INFRA_SEC(1)) {
        return;
    }
    s->row_has_lag = true;
    s->lag = INFRA_SEC(seconds) > s->lag ? INFRA_SEC(seconds) : s->lag;
}

static void gtid_end(struct infra__mysql_status *s)
{
    s->has_gtid =
        s->cell_size > 0 && infra__mysql_gtid_end(&s->gtid, &s->number);
    /* A part of a set is another set. */
    if (!s->has_gtid || s->position_size > INFRA__MYSQL_POSITION_MAX) {
        s->position_size = 0;
    }
    s->position[s->position_size] = '\0';
}

/* The cell is complete; NULL counts as empty. */
static void cell_end(struct infra__mysql_status *s)
{
    switch (s->rows.number) {
    case READ_ONLY: /* A number; a word since MariaDB 12. */
        if (cell_is(s, "0") || cell_is(s, "OFF")) {
            s->variables_off++;
        } else {
            s->variables_on++;
        }
        break;
    case RECEIVER: /* "No", "Connecting", "Preparing". */
        s->is_receiving = cell_is(s, "Yes");
        break;
    case APPLIER:
        s->is_applying = cell_is(s, "Yes");
        break;
    case LAG: /* NULL: unknown. */
        lag_end(s);
        break;
    case HOST: /* It has a place of its own. */
        break;
    case PORT:
        (void)number_end(s, &s->port);
        break;
    case ANSWER:
        s->has_answer = number_end(s, &s->answer);
        break;
    default:
        gtid_end(s);
        break;
    }
    s->cell_size = 0;
}

/* A row of the sources, or of the variables, is complete. */
static void source_end(struct infra__mysql_status *s)
{
    if (s->is_receiving && s->source[0] == '\0') {
        infra__database_source(s->source, s->host, s->host_size, s->port);
    }
    s->is_stopped = s->is_stopped || !s->is_receiving || !s->is_applying;
    s->has_no_lag = s->has_no_lag || !s->row_has_lag;
    s->is_receiving = s->is_applying = s->row_has_lag = false;
    s->host_size = 0;
    s->port = 0;
}

static void row_end(struct infra__mysql_status *s)
{
    s->rows_count++;
    if (s->question != INFRA__MYSQL_ASK_HOST) {
        source_end(s);
    }
}

enum infra__mysql_rows_event infra__mysql_status_byte(
    struct infra__mysql_status *s, unsigned char c, uint32_t size,
    uint32_t left)
{
    enum infra__mysql_rows_event event =
        infra__mysql_rows_byte(&s->rows, c, size);

    if (event == INFRA__MYSQL_CELL_BYTE || event == INFRA__MYSQL_CELL_LAST) {
        cell_byte(s, c);
    }
    if (event == INFRA__MYSQL_ROWS_BAD) {
        return event;
    }
    if (event != INFRA__MYSQL_NOTHING && event != INFRA__MYSQL_CELL_BYTE) {
        cell_end(s);
    }
    if (left > 0) {
        return INFRA__MYSQL_NOTHING;
    }
    event = infra__mysql_rows_packet_end(&s->rows);
    if (event == INFRA__MYSQL_ROW) {
        row_end(s);
        return INFRA__MYSQL_NOTHING;
    }
    return event;
}

static void tell_variables(const struct infra__mysql_status *s,
                           struct infra_probe_result *ret)
{
    if (s->variables_on + s->variables_off == VARIABLES_COUNT) {
        ret->has |= INFRA_PROBE_HAS_WRITABLE;
        ret->writable = s->variables_on == 0;
    }
    if (s->has_gtid) {
        ret->has |= INFRA_PROBE_HAS_POSITION;
        ret->position = s->number;
    }
}

static void tell_replication(const struct infra__mysql_status *s,
                             struct infra_probe_result *ret)
{
    ret->has |= INFRA_PROBE_HAS_ROLE;
    ret->role =
        s->rows_count > 0 ? INFRA_PROBE_ROLE_REPLICA : INFRA_PROBE_ROLE_PRIMARY;
    if (s->rows_count > 0 && !s->has_no_lag) {
        ret->has |= INFRA_PROBE_HAS_LAG;
        ret->lag = s->lag;
    }
}

static void tell_answer(const struct infra__mysql_status *s,
                        struct infra_probe_result *ret)
{
    if (s->rows_count == 1 && s->has_answer) {
        ret->has |= INFRA_PROBE_HAS_ANSWER;
        ret->answer = s->answer;
    }
}

void infra__mysql_status_tell(const struct infra__mysql_status *s,
                              struct infra_probe_result *ret)
{
    switch (s->question) {
    case INFRA__MYSQL_ASK_VARIABLES:
        tell_variables(s, ret);
        break;
    case INFRA__MYSQL_ASK_HOST:
        tell_answer(s, ret);
        break;
    default:
        tell_replication(s, ret);
        break;
    }
}
