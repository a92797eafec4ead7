/* SPDX-License-Identifier: MIT */
/* A MySQL server's side of a conversation, put together as a script for
 * transport.h: packets with their headers and sequence, results with their
 * columns and rows. */
#ifndef TESTS_MYSQL_PEER_H
#define TESTS_MYSQL_PEER_H

#include "transport.h"

#include <infra/probe.h>
#include <stddef.h>

#define PEER_STEPS_MAX 32u
#define PEER_BYTES_MAX 65536u

/* The questions to the byte, repeated here to check them. */
#define PEER_VARIABLES                                    \
    "SELECT @@global.read_only AS read_only,"             \
    "@@global.innodb_read_only AS innodb_read_only"       \
    "/*!50706 ,@@global.gtid_executed AS gtid_executed*/" \
    "/*M!100002 ,@@global.gtid_current_pos AS gtid_current_pos*/"
#define PEER_REPLICATION \
    "SHOW /*M!100002 ALL SLAVES STATUS*//*!80022 REPLICA STATUS*/"
#define PEER_REPLICATION_OLD "SHOW SLAVE STATUS"

/* Begin with zeroes. */
struct peer {
    struct test_step steps[PEER_STEPS_MAX];
    size_t steps_count;
    unsigned char sequence;
    size_t size;
    unsigned char bytes[PEER_BYTES_MAX];
};

/* A text with the zeroes that it may contain. */
#define PEER_TEXT(t) (t), sizeof(t) - 1

void peer_step(struct peer *p, struct test_step step);

/* Raw bytes. */
void peer_send(struct peer *p, const void *bytes, size_t size);

/* A packet of the server, or one that it must hear, next in the sequence. */
void peer_packet(struct peer *p, const void *payload, size_t size);
void peer_expect(struct peer *p, const void *payload, size_t size);

/* Accept and greet, as MariaDB 10.11 does; with these capabilities. */
#define PEER_MARIADB 0x81fff7feu
#define PEER_TLS 0x800u
void peer_greet(struct peer *p, uint32_t capabilities);

/* The same with another method. */
void peer_greet_by(struct peer *p, uint32_t capabilities, const char *method);

/* Expect and accept the login of "check" with "secret". */
void peer_log_in(struct peer *p);

void peer_ok(struct peer *p);
void peer_end_mark(struct peer *p);
void peer_error(struct peer *p, unsigned number, const char *message);

/* Expect a query, or the farewell. */
void peer_query(struct peer *p, const char *text);
void peer_quit(struct peer *p);

/* Run a check against it. What it last expects must be what was last heard,
 * unless the check ended before. */
struct infra_probe_result peer_run(const struct peer *p,
                                   struct infra_probe *probe,
                                   enum test_split split, uint64_t number);

/* A result: names and cells separated by '|'; rows end with NULL. A cell that
 * is "NULL" is one. */
void peer_columns(struct peer *p, const char *names);
void peer_row(struct peer *p, const char *cells);
void peer_result(struct peer *p, const char *names, const char *const *rows);

#endif
