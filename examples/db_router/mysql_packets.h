/* SPDX-License-Identifier: MIT */
/* Packets of MySQL and MariaDB: three bytes of length, little end first, a
 * sequence number, the payload. A payload of 0xffffff bytes is continued by the
 * next packet. Inside are numbers and texts, some of which begin with their
 * length.
 *
 * A reader never leaves its bytes, a writer never its buffer: one that would is
 * bad from then on, reads zeroes, and writes nothing. */
#ifndef EXAMPLES_MYSQL_PACKETS_H
#define EXAMPLES_MYSQL_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MYSQL_HEADER_SIZE 4u
#define MYSQL_PAYLOAD_MAX 0xffffffu /* Of one packet. */

/* First bytes of payloads. */
#define MYSQL_OK 0x00u
#define MYSQL_MORE_DATA 0x01u /* In a login. */
#define MYSQL_LOCAL_FILE 0xfbu
#define MYSQL_EOF 0xfeu /* And the switch of a login's method. */
#define MYSQL_ERROR 0xffu

/* Capabilities. */
#define MYSQL_CAN_LONG_PASSWORD (1u << 0)
#define MYSQL_CAN_FOUND_ROWS (1u << 1)
#define MYSQL_CAN_LONG_FLAG (1u << 2)
#define MYSQL_CAN_CONNECT_WITH_DB (1u << 3)
#define MYSQL_CAN_LOCAL_FILES (1u << 7)
#define MYSQL_CAN_IGNORE_SPACE (1u << 8)
#define MYSQL_CAN_PROTOCOL_41 (1u << 9)
#define MYSQL_CAN_INTERACTIVE (1u << 10)
#define MYSQL_CAN_TLS (1u << 11)
#define MYSQL_CAN_TRANSACTIONS (1u << 13)
#define MYSQL_CAN_SECURE_CONNECTION (1u << 15)
#define MYSQL_CAN_MULTI_STATEMENTS (1u << 16)
#define MYSQL_CAN_MULTI_RESULTS (1u << 17)
#define MYSQL_CAN_PS_MULTI_RESULTS (1u << 18)
#define MYSQL_CAN_PLUGIN_AUTH (1u << 19)
#define MYSQL_CAN_CONNECT_ATTRIBUTES (1u << 20)
#define MYSQL_CAN_LENENC_LOGIN (1u << 21)
#define MYSQL_CAN_SESSION_TRACK (1u << 23)
#define MYSQL_CAN_DEPRECATE_EOF (1u << 24)

/* Status flags of OK and EOF. */
#define MYSQL_STATUS_IN_TRANSACTION 0x0001u
#define MYSQL_STATUS_AUTOCOMMIT 0x0002u
#define MYSQL_STATUS_MORE_RESULTS 0x0008u
#define MYSQL_STATUS_CURSOR_EXISTS 0x0040u
#define MYSQL_STATUS_NO_BACKSLASH_ESCAPES 0x0200u
#define MYSQL_STATUS_SESSION_CHANGED 0x4000u

/* Bytes that lie elsewhere, without a zero at the end. */
struct mysql_text {
    const unsigned char *bytes;
    size_t size;
};

struct mysql_reader {
    const unsigned char *at;
    const unsigned char *end;
    bool is_bad;
};

struct mysql_reader mysql_reader_of(const void *bytes, size_t size);
size_t mysql_left(const struct mysql_reader *r);

/* A number of @size bytes, 1 to 8. */
uint64_t mysql_read_fixed(struct mysql_reader *r, size_t size);

/* A number that begins with its length; the mark of NULL is bad. */
uint64_t mysql_read_number(struct mysql_reader *r);

struct mysql_text mysql_read_bytes(struct mysql_reader *r, size_t size);

/* A text behind its length; one before a zero; all that is left. */
struct mysql_text mysql_read_text(struct mysql_reader *r);
struct mysql_text mysql_read_until_zero(struct mysql_reader *r);
struct mysql_text mysql_read_rest(struct mysql_reader *r);

enum mysql_found {
    MYSQL_FOUND,
    MYSQL_FOUND_PART, /* More bytes are needed. */
    MYSQL_FOUND_LONG, /* It is longer than one packet may be. */
};

struct mysql_packet {
    struct mysql_text payload;
    uint8_t sequence;
};

/* The packet at the beginning of @bytes. Packets with a continuation are
 * MYSQL_FOUND_LONG as soon as that is known, like those with more than
 * @payload_max bytes. */
enum mysql_found mysql_find_packet(const unsigned char *bytes, size_t size,
                                   size_t payload_max,
                                   struct mysql_packet *ret);

struct mysql_writer {
    unsigned char *bytes;
    size_t size;
    size_t size_max;
    bool is_bad;
};

void mysql_write_fixed(struct mysql_writer *w, uint64_t value, size_t size);
void mysql_write_number(struct mysql_writer *w, uint64_t value);
void mysql_write_bytes(struct mysql_writer *w, const void *bytes, size_t size);
void mysql_write_zeroes(struct mysql_writer *w, size_t size);
void mysql_write_text(struct mysql_writer *w, const void *bytes, size_t size);
void mysql_write_until_zero(struct mysql_writer *w, const char *text);

/* Begin a packet: where it begins, for its end. */
size_t mysql_begin_packet(struct mysql_writer *w, uint8_t sequence);
void mysql_end_packet(struct mysql_writer *w, size_t begin);

/* A command of a single byte and @size bytes of text. */
void mysql_write_command(struct mysql_writer *w, uint8_t command,
                         const void *text, size_t size);

/* What an OK says without a text. */
void mysql_write_ok(struct mysql_writer *w, uint8_t sequence, uint16_t status);

/* @state: an SQLSTATE of 5 characters. The message is cut at 512 bytes. */
void mysql_write_error(struct mysql_writer *w, uint8_t sequence,
                       uint16_t number, const char *state, const char *message);

#endif
