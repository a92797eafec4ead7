/* SPDX-License-Identifier: MIT */
/* The library's question to PostgreSQL, and the meaning of the answer: role,
 * writability, position, lag. */
#ifndef INFRA_PROBE_PGSQL_QUESTION_H
#define INFRA_PROBE_PGSQL_QUESTION_H

#include "../database.h"
#include "messages.h"

#define INFRA__PGSQL_POSITION_MAX 18u /* "FFFFFFFF/FFFFFFFF" and the zero. */
#define INFRA__PGSQL_COLUMNS 6u

/* The message that asks. */
size_t infra__pgsql_question(const void **ret);

enum infra__pgsql_receiver {
    INFRA__PGSQL_RECEIVER_NONE,      /* No such process. */
    INFRA__PGSQL_RECEIVER_WAITING,   /* The process does not receive. */
    INFRA__PGSQL_RECEIVER_STREAMING, /* Or hidden from this user. */
};

/* The answer's one row. */
struct infra__pgsql_row {
    uint64_t position; /* Written by a primary, replayed by a replica. */
    uint64_t received;
    infra_time age; /* Since the last commit that was replayed. */
    enum infra__pgsql_receiver receiver;
    bool is_replica;
    bool is_read_only;
    bool has_position;
    bool has_received;
    bool has_age;
    char position_text[INFRA__PGSQL_POSITION_MAX];
    char source[INFRA__SOURCE_SIZE]; /* "" if it does not receive. */
};

/* The answer to the host's question so far. Begin with zeroes. */
struct infra__pgsql_answer {
    uint64_t number;
    uint32_t rows_count;
    uint32_t error; /* enum infra_probe_reason, or PASSED. */
    bool has_columns;
    bool has_number; /* There is one row, with this number. */
};

/* Kept from check to check: when the replica was last caught up, and where. */
struct infra__pgsql_memory {
    uint64_t position;
    infra_time time;
    bool is_set;
};

/* Does the message describe the columns of the question? */
bool infra__pgsql_columns_are_ours(const struct infra__pgsql_messages *m);

/* Read a data row. False: it does not answer the question. */
bool infra__pgsql_row_read(struct infra__pgsql_row *ret,
                           const struct infra__pgsql_messages *m);

/* Take a row of the answer to the host's question. */
void infra__pgsql_answer_row(struct infra__pgsql_answer *a,
                             const struct infra__pgsql_messages *m);

/* Put the row into the result. */
void infra__pgsql_row_tell(const struct infra__pgsql_row *row,
                           struct infra__pgsql_memory *memory, infra_time now,
                           struct infra_probe_result *ret);

/* Judge the row and the result made of it. An enum infra_probe_reason. */
uint32_t infra__pgsql_row_judge(const struct infra__pgsql_row *row,
                                const struct infra_probe_result *result,
                                const struct infra__database_limits *limits);

#endif
