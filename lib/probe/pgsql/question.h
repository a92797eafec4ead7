/* SPDX-License-Identifier: MIT */
/* What PostgreSQL is asked once it let us in, and what the answer means: its
 * role, whether it takes writes, how far its log is, how far behind it is. */
#ifndef INFRA_PROBE_PGSQL_QUESTION_H
#define INFRA_PROBE_PGSQL_QUESTION_H

#include "../source.h"
#include "messages.h"

#include <infra/probe.h>

#define INFRA__PGSQL_POSITION_MAX 18u /* "FFFFFFFF/FFFFFFFF" and the zero. */
#define INFRA__PGSQL_COLUMNS 6u

/* The message that asks. */
size_t infra__pgsql_question(const char **ret);

/* Write the message that asks this; its size, 0 for NULL. @ret may be NULL. */
size_t infra__pgsql_query(char *ret, const char *text);

enum infra__pgsql_receiver {
    INFRA__PGSQL_RECEIVER_NONE,      /* There is no process to receive. */
    INFRA__PGSQL_RECEIVER_WAITING,   /* There is one that does not. */
    INFRA__PGSQL_RECEIVER_STREAMING, /* Or may not be looked at. */
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

/* The answer to the host's own question, as far as it came. Begin with
 * zeroes. */
struct infra__pgsql_answer {
    uint64_t number;
    uint32_t rows_count;
    uint32_t error; /* enum infra_probe_reason, or PASSED. */
    bool has_columns;
    bool has_number; /* There was one row, and this in it. */
};

/* What a check leaves for the next one. */
struct infra__pgsql_memory {
    uint64_t position; /* Of a replica that had replayed all it received ... */
    infra_time time;   /* ... at this time. */
    bool is_set;
};

/* Is it the description of our columns? */
bool infra__pgsql_columns_are_ours(const struct infra__pgsql_messages *m);

/* Take a data row apart; false: it is none of ours. */
bool infra__pgsql_row_read(struct infra__pgsql_row *ret,
                           const struct infra__pgsql_messages *m);

/* Take a row of the answer to the host. */
void infra__pgsql_answer_row(struct infra__pgsql_answer *a,
                             const struct infra__pgsql_messages *m);

/* Put into @ret what the row tells. */
void infra__pgsql_row_tell(const struct infra__pgsql_row *row,
                           struct infra__pgsql_memory *memory, infra_time now,
                           struct infra_probe_result *ret);

/* Is that what was expected? An enum infra_probe_reason. */
uint32_t infra__pgsql_row_judge(const struct infra__pgsql_row *row,
                                const struct infra_probe_result *result,
                                uint32_t expect, infra_time lag_max);

#endif
