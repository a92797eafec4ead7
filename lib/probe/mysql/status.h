/* SPDX-License-Identifier: MIT */
/* The questions to a MySQL or MariaDB server, the meaning of their columns, and
 * the fields of the result that follow. */
#ifndef INFRA_PROBE_MYSQL_STATUS_H
#define INFRA_PROBE_MYSQL_STATUS_H

#include "../database.h"
#include "gtid.h"
#include "rows.h"

/* Numbers from 1, in the order in which they are asked. */
enum infra__mysql_question {
    INFRA__MYSQL_ASK_NOTHING,
    INFRA__MYSQL_ASK_VARIABLES,
    INFRA__MYSQL_ASK_REPLICATION,
    INFRA__MYSQL_ASK_REPLICATION_OLD, /* After a syntax error. */
    INFRA__MYSQL_ASK_HOST,            /* The host's own. */
};
#define INFRA__MYSQL_QUESTIONS (INFRA__MYSQL_ASK_HOST + 1)

#define INFRA__MYSQL_POSITION_MAX 4095u

struct infra__mysql_status {
    struct infra__mysql_rows rows;
    struct infra__mysql_gtid gtid;
    infra_time lag;  /* Greatest of all sources. */
    uint64_t number; /* Position, from the GTIDs. */
    uint64_t answer; /* To the host's question. */
    uint32_t position_size;
    uint32_t rows_count;
    uint64_t port; /* Of this row, like the host. */
    uint16_t host_size;
    uint8_t question; /* enum infra__mysql_question, the latest. */
    uint8_t cell_size;
    uint8_t variables_on; /* Of READ_ONLY. */
    uint8_t variables_off;
    bool has_gtid;
    bool has_answer;
    bool is_receiving; /* Of this row, like the next two. */
    bool is_applying;
    bool row_has_lag;
    bool is_stopped; /* A source is not followed. */
    bool has_no_lag; /* The lag of a source is unknown. */
    char cell[24];   /* 2^64 has 20 digits. */
    unsigned char host[INFRA__SOURCE_HOST_MAX];
    char source[INFRA__SOURCE_SIZE];
    char position[INFRA__MYSQL_POSITION_MAX + 1];
};

/* Forget all. */
void infra__mysql_status_start(struct infra__mysql_status *s);

/* Begin the answer to a question. Its text; NULL for the host's question. */
const char *infra__mysql_status_ask(struct infra__mysql_status *s,
                                    enum infra__mysql_question question);

/* Take a byte of a packet of the answer, which is not an error, with @left of
 * @size bytes after it. INFRA__MYSQL_NOTHING, INFRA__MYSQL_ROWS_END at the end
 * of the answer, or INFRA__MYSQL_ROWS_BAD. */
enum infra__mysql_rows_event infra__mysql_status_byte(
    struct infra__mysql_status *s, unsigned char c, uint32_t size,
    uint32_t left);

/* Put the answer that has ended into the result. */
void infra__mysql_status_tell(const struct infra__mysql_status *s,
                              struct infra_probe_result *ret);

#endif
