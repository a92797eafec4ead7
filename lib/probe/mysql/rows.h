/* SPDX-License-Identifier: MIT */
/* The answer to a MySQL query in the text protocol: the number of columns, one
 * packet for each, an end mark, one packet for each row, an end mark. A state
 * machine over the bytes of packets. It passes on the cells of columns known by
 * name and drops the others, so that a cell may have any length. */
#ifndef INFRA_PROBE_MYSQL_ROWS_H
#define INFRA_PROBE_MYSQL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHOW ALL SLAVES STATUS and SHOW REPLICA STATUS have about 60. */
#define INFRA__MYSQL_COLUMNS_MAX 128u
#define INFRA__MYSQL_COLUMN_NAME_MAX 32u

enum infra__mysql_rows_event {
    INFRA__MYSQL_NOTHING,
    INFRA__MYSQL_CELL_BYTE,
    INFRA__MYSQL_CELL_LAST,  /* The cell's last byte. */
    INFRA__MYSQL_CELL_EMPTY, /* A cell of no bytes. */
    INFRA__MYSQL_CELL_NULL,
    INFRA__MYSQL_ROW,      /* The row is complete. */
    INFRA__MYSQL_ROWS_END, /* The answer is complete. */
    INFRA__MYSQL_ROWS_BAD, /* Forbidden by the protocol. */
};

/* A known column and its number; other columns are 0. */
struct infra__mysql_column {
    const char *name;
    uint8_t number;
};

struct infra__mysql_rows {
    const struct infra__mysql_column *columns;
    size_t columns_count;
    uint32_t length; /* Bytes left of the cell. */
    uint8_t state;
    uint8_t packet; /* The kind of this packet. */
    uint8_t prefix; /* Bytes left of a length. */
    uint8_t shift;
    uint8_t fields_count; /* Columns of the answer. */
    uint8_t definitions;  /* Columns that are defined so far. */
    uint8_t field;        /* In this packet. */
    uint8_t name_size;
    uint8_t number; /* Column of the event's cell. */
    char name[INFRA__MYSQL_COLUMN_NAME_MAX];
    uint8_t numbers[INFRA__MYSQL_COLUMNS_MAX]; /* By field. */
};

/* Begin an answer. Without @columns its first column is number 1, whatever its
 * name. */
void infra__mysql_rows_start(struct infra__mysql_rows *r,
                             const struct infra__mysql_column *columns,
                             size_t columns_count);

/* Take the next byte of a packet of @size bytes that is not an error. */
enum infra__mysql_rows_event infra__mysql_rows_byte(struct infra__mysql_rows *r,
                                                    unsigned char c,
                                                    uint32_t size);

/* The last byte of the packet was taken. */
enum infra__mysql_rows_event infra__mysql_rows_packet_end(
    struct infra__mysql_rows *r);

#endif
