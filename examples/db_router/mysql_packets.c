/* SPDX-License-Identifier: MIT */
#include "mysql_packets.h"

#include <string.h>

/* Marks of the lengths in a number. */
#define NUMBER_MAX 0xfau /* Of a single byte. */
#define NUMBER_2 0xfcu
#define NUMBER_3 0xfdu
#define NUMBER_8 0xfeu

#define MESSAGE_MAX 512u

struct mysql_reader mysql_reader_of(const void *bytes, size_t size)
{
    struct mysql_reader r = { .at = bytes, .end = bytes };

    if (size > 0) {
        r.end = r.at + size;
    }
    return r;
}

size_t mysql_left(const struct mysql_reader *r)
{
    return (size_t)(r->end - r->at);
}

struct mysql_text mysql_read_bytes(struct mysql_reader *r, size_t size)
{
    struct mysql_text text = { .bytes = r->at };

    if (r->is_bad || size > mysql_left(r)) {
        r->is_bad = true;
        return text;
    }
    text.size = size;
    r->at += size;
    return text;
}

uint64_t mysql_read_fixed(struct mysql_reader *r, size_t size)
{
    struct mysql_text text = mysql_read_bytes(r, size);
    uint64_t value = 0;

    for (size_t i = text.size; i > 0; i--) {
        value = value << 8 | text.bytes[i - 1];
    }
    return value;
}

uint64_t mysql_read_number(struct mysql_reader *r)
{
    uint64_t first = mysql_read_fixed(r, 1);

    switch (first) {
    case NUMBER_2:
        return mysql_read_fixed(r, 2);
    case NUMBER_3:
        return mysql_read_fixed(r, 3);
    case NUMBER_8:
        return mysql_read_fixed(r, 8);
    default:
        break;
    }
    if (first > NUMBER_MAX) { /* NULL, or an error. */
        r->is_bad = true;
        return 0;
    }
    return first;
}

struct mysql_text mysql_read_text(struct mysql_reader *r)
{
    uint64_t size = mysql_read_number(r);

    if (size > mysql_left(r)) {
        r->is_bad = true;
        size = 0;
    }
    return mysql_read_bytes(r, (size_t)size);
}

struct mysql_text mysql_read_until_zero(struct mysql_reader *r)
{
    size_t left = mysql_left(r);
    const unsigned char *zero = left > 0 ? memchr(r->at, 0, left) : NULL;

    if (zero == NULL) {
        r->is_bad = true;
        return mysql_read_bytes(r, 0);
    }
    struct mysql_text text = mysql_read_bytes(r, (size_t)(zero - r->at));
    (void)mysql_read_fixed(r, 1);
    return text;
}

struct mysql_text mysql_read_rest(struct mysql_reader *r)
{
    return mysql_read_bytes(r, mysql_left(r));
}

enum mysql_found mysql_find_packet(const unsigned char *bytes, size_t size,
                                   size_t payload_max, struct mysql_packet *ret)
{
    struct mysql_reader r = mysql_reader_of(bytes, size);

    if (size < MYSQL_HEADER_SIZE) {
        return MYSQL_FOUND_PART;
    }
    size_t length = (size_t)mysql_read_fixed(&r, 3);
    uint8_t sequence = (uint8_t)mysql_read_fixed(&r, 1);
    if (length >= MYSQL_PAYLOAD_MAX || length > payload_max) {
        return MYSQL_FOUND_LONG;
    }
    if (length > mysql_left(&r)) {
        return MYSQL_FOUND_PART;
    }
    ret->payload = mysql_read_bytes(&r, length);
    ret->sequence = sequence;
    return MYSQL_FOUND;
}

/* Where @size bytes go; NULL: there is no room. */
static unsigned char *room(struct mysql_writer *w, size_t size)
{
    if (w->is_bad || size > w->size_max - w->size) {
        w->is_bad = true;
        return NULL;
    }
    w->size += size;
    return w->bytes + w->size - size;
}

void mysql_write_fixed(struct mysql_writer *w, uint64_t value, size_t size)
{
    unsigned char *at = room(w, size);

    for (size_t i = 0; at != NULL && i < size; i++) {
        at[i] = (unsigned char)(value >> 8 * i);
    }
}

void mysql_write_number(struct mysql_writer *w, uint64_t value)
{
    size_t size = value <= NUMBER_MAX         ? 0
                  : value <= UINT16_MAX       ? 2
                  : value < MYSQL_PAYLOAD_MAX ? 3
                                              : 8;
    static const unsigned char marks[] = { 0, 0, NUMBER_2, NUMBER_3 };

    if (size == 0) {
        mysql_write_fixed(w, value, 1);
    } else {
        mysql_write_fixed(w, size == 8 ? NUMBER_8 : marks[size], 1);
        mysql_write_fixed(w, value, size);
    }
}

void mysql_write_bytes(struct mysql_writer *w, const void *bytes, size_t size)
{
    unsigned char *at = room(w, size);

    if (at != NULL && size > 0) {
        memcpy(at, bytes, size);
    }
}

void mysql_write_zeroes(struct mysql_writer *w, size_t size)
{
    unsigned char *at = room(w, size);

    if (at != NULL) {
        memset(at, 0, size);
    }
}

void mysql_write_text(struct mysql_writer *w, const void *bytes, size_t size)
{
    mysql_write_number(w, size);
    mysql_write_bytes(w, bytes, size);
}

void mysql_write_until_zero(struct mysql_writer *w, const char *text)
{
    mysql_write_bytes(w, text, strlen(text) + 1);
}

size_t mysql_begin_packet(struct mysql_writer *w, uint8_t sequence)
{
    size_t begin = w->size;

    mysql_write_fixed(w, 0, 3);
    mysql_write_fixed(w, sequence, 1);
    return begin;
}

void mysql_end_packet(struct mysql_writer *w, size_t begin)
{
    if (w->is_bad || w->size - begin - MYSQL_HEADER_SIZE >= MYSQL_PAYLOAD_MAX) {
        w->is_bad = true;
        return;
    }
    size_t length = w->size - begin - MYSQL_HEADER_SIZE;
    for (size_t i = 0; i < 3; i++) {
        w->bytes[begin + i] = (unsigned char)(length >> 8 * i);
    }
}

void mysql_write_command(struct mysql_writer *w, uint8_t command,
                         const void *text, size_t size)
{
    size_t begin = mysql_begin_packet(w, 0);

    mysql_write_fixed(w, command, 1);
    mysql_write_bytes(w, text, size);
    mysql_end_packet(w, begin);
}

void mysql_write_ok(struct mysql_writer *w, uint8_t sequence, uint16_t status)
{
    size_t begin = mysql_begin_packet(w, sequence);

    mysql_write_fixed(w, MYSQL_OK, 1);
    mysql_write_number(w, 0);
    mysql_write_number(w, 0);
    mysql_write_fixed(w, status, 2);
    mysql_write_fixed(w, 0, 2);
    mysql_end_packet(w, begin);
}

void mysql_write_error(struct mysql_writer *w, uint8_t sequence,
                       uint16_t number, const char *state, const char *message)
{
    size_t begin = mysql_begin_packet(w, sequence);
    size_t size = strlen(message);

    mysql_write_fixed(w, MYSQL_ERROR, 1);
    mysql_write_fixed(w, number, 2);
    mysql_write_bytes(w, "#", 1);
    mysql_write_bytes(w, state, 5);
    mysql_write_bytes(w, message, size < MESSAGE_MAX ? size : MESSAGE_MAX);
    mysql_end_packet(w, begin);
}
