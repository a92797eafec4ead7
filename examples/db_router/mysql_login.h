/* SPDX-License-Identifier: MIT */
/* The packets with which a connection of MySQL begins, both sides: the server's
 * greeting and the client's answer. What proves a password is in login.h.
 *
 * The proxy offers what every node has since MySQL 5.7 and MariaDB 10.2, and
 * that it understands. Not offered: compression, files of the client (LOAD DATA
 * LOCAL), attributes of queries, results without definitions, and MariaDB's own
 * capabilities. */
#ifndef EXAMPLES_MYSQL_LOGIN_H
#define EXAMPLES_MYSQL_LOGIN_H

#include "mysql_packets.h"

#define MYSQL_CHALLENGE_SIZE 20u
#define MYSQL_NAME_MAX 255u /* Of a user or a schema. */

/* Offered to clients, besides TLS. */
#define MYSQL_OFFER                                                           \
    (MYSQL_CAN_LONG_PASSWORD | MYSQL_CAN_FOUND_ROWS | MYSQL_CAN_LONG_FLAG |   \
     MYSQL_CAN_CONNECT_WITH_DB | MYSQL_CAN_IGNORE_SPACE |                     \
     MYSQL_CAN_PROTOCOL_41 | MYSQL_CAN_INTERACTIVE | MYSQL_CAN_TRANSACTIONS | \
     MYSQL_CAN_SECURE_CONNECTION | MYSQL_CAN_MULTI_STATEMENTS |               \
     MYSQL_CAN_MULTI_RESULTS | MYSQL_CAN_PS_MULTI_RESULTS |                   \
     MYSQL_CAN_PLUGIN_AUTH | MYSQL_CAN_CONNECT_ATTRIBUTES |                   \
     MYSQL_CAN_LENENC_LOGIN | MYSQL_CAN_SESSION_TRACK |                       \
     MYSQL_CAN_DEPRECATE_EOF)

/* A client without these is too old. */
#define MYSQL_CLIENT_NEEDS (MYSQL_CAN_PROTOCOL_41 | MYSQL_CAN_SECURE_CONNECTION)

/* What a client has that changes how a server answers it: connections are
 * shared among clients in which these are equal. */
#define MYSQL_FLAVOR                                        \
    (MYSQL_CAN_FOUND_ROWS | MYSQL_CAN_IGNORE_SPACE |        \
     MYSQL_CAN_MULTI_STATEMENTS | MYSQL_CAN_MULTI_RESULTS | \
     MYSQL_CAN_PS_MULTI_RESULTS | MYSQL_CAN_DEPRECATE_EOF)

/* Asked of a node besides, and needed. */
#define MYSQL_NODE_NEEDS                                   \
    (MYSQL_CAN_PROTOCOL_41 | MYSQL_CAN_SECURE_CONNECTION | \
     MYSQL_CAN_TRANSACTIONS | MYSQL_CAN_PLUGIN_AUTH | MYSQL_CAN_SESSION_TRACK)

/* A server's greeting. */
struct mysql_greeting {
    uint32_t capabilities;
    uint32_t connection_id;
    uint16_t status;
    uint8_t charset;
    unsigned char challenge[MYSQL_CHALLENGE_SIZE];
    struct mysql_text version;
    struct mysql_text method; /* Empty: mysql_native_password. */
};

/* A client's answer. */
struct mysql_handshake {
    uint32_t capabilities;
    uint8_t charset;
    bool is_tls_request; /* TLS comes next, then the answer again. */
    struct mysql_text user;
    struct mysql_text answer;
    struct mysql_text database; /* Empty: none. */
    struct mysql_text method;   /* Empty: none named. */
};

/* Write a greeting as the packet 0. Its method ends with a zero. */
void mysql_write_greeting(struct mysql_writer *w,
                          const struct mysql_greeting *greeting);

/* Read a greeting's payload. False: malformed, or older than protocol 4.1. */
bool mysql_read_greeting(struct mysql_text payload, struct mysql_greeting *ret);

/* Write an answer; its attributes are empty. */
void mysql_write_handshake(struct mysql_writer *w, uint8_t sequence,
                           const struct mysql_handshake *handshake);

/* Read an answer's payload. False: malformed, or older than protocol 4.1. */
bool mysql_read_handshake(struct mysql_text payload,
                          struct mysql_handshake *ret);

/* An error's number and message. False: malformed. */
bool mysql_read_error(struct mysql_text payload, uint16_t *ret_number,
                      struct mysql_text *ret_message);

/* Does the character set of this id have ASCII bytes inside its characters? */
bool mysql_charset_is_unsafe(uint8_t charset);

#endif
