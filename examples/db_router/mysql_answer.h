/* SPDX-License-Identifier: MIT */
/* The answer of a server to one command, followed until it is complete. Rows
 * are passed on where they lie; only the packets that say how things stand (OK,
 * EOF, errors, the count of columns) are read, and perhaps changed for the
 * client, in place. A state machine: bytes may come in any pieces.
 *
 *     for (;;) {
 *         mysql_answer_next(&answer, bytes, size, &event);
 *         if (event.kind == MYSQL_EVENT_MORE) { read up to event.size bytes }
 *         if (event.kind == MYSQL_EVENT_BAD) { close }
 *         send bytes + event.skipped, event.size - event.skipped;
 *         bytes += event.size, size -= event.size;
 *         if (answer.is_complete) { break; }
 *     }
 *
 * Sources: MySQL's and MariaDB's manuals of the protocol. */
#ifndef EXAMPLES_MYSQL_ANSWER_H
#define EXAMPLES_MYSQL_ANSWER_H

#include "mysql_packets.h"

#include <infra/position.h>

/* The longest packet that is read. An OK tells what has changed in the session;
 * the longest error has 600 bytes. */
#define MYSQL_READ_MAX 65536u
#define MYSQL_SCHEMA_MAX 256u /* 64 characters of up to four bytes. */

/* Answers by kind of command. */
enum mysql_expect {
    MYSQL_EXPECT_OK,       /* One OK, EOF or error: most commands. */
    MYSQL_EXPECT_RESULTS,  /* COM_QUERY, COM_STMT_EXECUTE. */
    MYSQL_EXPECT_ROWS,     /* COM_STMT_FETCH. */
    MYSQL_EXPECT_PREPARED, /* COM_STMT_PREPARE. */
    MYSQL_EXPECT_FIELDS,   /* COM_FIELD_LIST. */
    MYSQL_EXPECT_TEXT      /* COM_STATISTICS: one packet. */
};

/* How the connection and its client are. Zeroes: as little as there is. */
struct mysql_answer_setup {
    uint32_t capabilities;  /* Agreed on with the server. */
    uint32_t expect;        /* enum mysql_expect */
    uint32_t position_kind; /* enum infra_position_kind of its GTIDs. */
    uint32_t client_id;     /* PREPARED: the client's id of the statement. */
    uint64_t epoch;         /* Fencing token of the server. */
    bool is_plain; /* The client does not speak MYSQL_CAN_SESSION_TRACK. */
};

/* What the answer says. */
struct mysql_answer_result {
    uint64_t insert_id; /* Of the last OK that has one; 0: none. */
    uint32_t statement_id;
    uint16_t columns_count; /* PREPARED. */
    uint16_t params_count;
    uint16_t status; /* Flags of the last OK or EOF. */
    uint16_t warnings;
    uint16_t error; /* Number; 0: no error. */
    uint16_t schema_size;
    bool has_status;
    bool has_schema; /* The session's schema has changed: see schema. */
    bool has_position;
    bool has_unknown_position; /* One that does not fit. */
    bool has_local_file;       /* The server asked for a file: it is bad. */
    char schema[MYSQL_SCHEMA_MAX];
    struct infra_position position;
};

struct mysql_answer {
    struct mysql_answer_setup setup;
    struct mysql_answer_result result;
    bool is_complete;
    bool is_bad;
    bool is_continued; /* The next packet belongs to the same payload. */
    bool has_begun;    /* A packet of it was seen. */
    uint8_t state;
    uint32_t length; /* Of the payload of this packet. */
    uint32_t left;   /* Of it, that is passed on. */
    uint32_t columns_left;
};

enum mysql_event_kind {
    MYSQL_EVENT_MORE,   /* `size` bytes are needed in all. */
    MYSQL_EVENT_PASS,   /* `size` bytes for the client. */
    MYSQL_EVENT_PACKET, /* The same, one packet that was read. */
    MYSQL_EVENT_BAD     /* The server broke the protocol. */
};

struct mysql_event {
    uint8_t kind; /* enum mysql_event_kind */
    size_t size;
    size_t skipped; /* PACKET: of these at the front, not for the client. */
};

void mysql_answer_begin(struct mysql_answer *a,
                        const struct mysql_answer_setup *setup);

/* Look at the next bytes of an answer that is not complete. */
void mysql_answer_next(struct mysql_answer *a, unsigned char *bytes,
                       size_t size, struct mysql_event *ret);

#endif
