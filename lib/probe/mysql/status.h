/* SPDX-License-Identifier: MIT */
/* What a MySQL or MariaDB server is: the questions, what their columns mean,
 * and what follows from it. */
#ifndef INFRA_PROBE_MYSQL_STATUS_H
#define INFRA_PROBE_MYSQL_STATUS_H

#include "../source.h"
#include "gtid.h"
#include "rows.h"

#include <infra/probe.h>

/* Numbers from 1, in the order in which they are asked. */
enum infra__mysql_question {
    INFRA__MYSQL_ASK_NOTHING,
    INFRA__MYSQL_ASK_VARIABLES,
    INFRA__MYSQL_ASK_REPLICATION,
    INFRA__MYSQL_ASK_REPLICATION_OLD, /* If that is a syntax error. */
    INFRA__MYSQL_ASK_HOST,            /* What the host wants to know. */
};
#define INFRA__MYSQL_QUESTIONS (INFRA__MYSQL_ASK_HOST + 1)

#define INFRA__MYSQL_POSITION_MAX 4095u

struct infra__mysql_status {
    struct infra__mysql_rows rows;
    struct infra__mysql_gtid gtid;
    infra_time lag;  /* The greatest of all sources. */
    uint64_t number; /* What the GTIDs amount to. */
    uint64_t answer; /* To the host. */
    uint32_t position_size;
    uint32_t rows_count;
    uint64_t port; /* In this row, as the host is. */
    uint16_t host_size;
    uint8_t question; /* enum infra__mysql_question, the last one. */
    uint8_t cell_size;
    uint8_t variables_on; /* Of those that forbid to write. */
    uint8_t variables_off;
    bool has_gtid;
    bool has_answer;
    bool is_receiving; /* In this row, as the next two. */
    bool is_applying;
    bool row_has_lag;
    bool is_stopped; /* Some source is not being followed. */
    bool has_no_lag; /* Of some source it is not known. */
    char cell[24];   /* 2^64 has 20 digits. */
    unsigned char host[INFRA__SOURCE_HOST_MAX];
    char source[INFRA__SOURCE_SIZE];
    char position[INFRA__MYSQL_POSITION_MAX + 1];
};

/* Forget all. */
void infra__mysql_status_start(struct infra__mysql_status *s);

/* Begin to take the answer to a question; the question's text, which is NULL
 * for the host's. */
const char *infra__mysql_status_ask(struct infra__mysql_status *s,
                                    enum infra__mysql_question question);

/* A byte of a packet of the answer, which is no error, with @left of @size
 * bytes after it. INFRA__MYSQL_NOTHING, or INFRA__MYSQL_ROWS_END: all of the
 * answer was taken, or INFRA__MYSQL_ROWS_BAD. */
enum infra__mysql_rows_event infra__mysql_status_byte(
    struct infra__mysql_status *s, unsigned char c, uint32_t size,
    uint32_t left);

/* Add what the answer that has ended says. */
void infra__mysql_status_tell(const struct infra__mysql_status *s,
                              struct infra_probe_result *ret);

#endif
