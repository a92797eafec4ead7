/* SPDX-License-Identifier: MIT */
/* Positions as short texts: bytes in base64url (RFC 4648, 5) without padding.
 *
 *   byte      format (0) << 4 | is_filled << 3 | kind
 *   parts     a byte of NEW_... bits: what is not as in the part before, then
 *             epoch   if NEW_EPOCH: a number
 *             source  if NEW_SOURCE: 16 bytes, or a number unless MYSQL
 *             tag     if NEW_TAG: 8 bytes, big end first
 *             first   if MYSQL: a number
 *             last    a number; if MYSQL, last - first
 *   4 bytes   CRC-32 of all that, big end first
 *
 * A number has 7 bits in a byte, the low ones first, and bit 7 says that more
 * follow. Each position has one text: another one is refused. An LSN takes 19
 * characters, a MySQL set of one interval 36. */
#include "position.h"

#include "../base/base64.h"
#include "../base/crc32.h"

#include <string.h>

#define NEW_EPOCH 1u
#define NEW_SOURCE 2u
#define NEW_TAG 4u
#define FILLED 8u
#define CHECKSUM_SIZE 4u
#define NUMBER_SIZE_MAX 10u
#define PART_SIZE_MAX (1u + 16u + 8u + 3u * NUMBER_SIZE_MAX)
#define BYTES_MAX \
    (1u + INFRA_POSITION_PARTS_MAX * PART_SIZE_MAX + CHECKSUM_SIZE)

_Static_assert(INFRA__BASE64_SIZE(BYTES_MAX) < INFRA_POSITION_TEXT_MAX,
               "INFRA_POSITION_TEXT_MAX is too small");

struct bytes {
    size_t size;
    uint8_t at[BYTES_MAX];
};

static void put_big(struct bytes *b, uint64_t number, unsigned size)
{
    while (size-- > 0) {
        b->at[b->size++] = (uint8_t)(number >> 8 * size);
    }
}

static void put_number(struct bytes *b, uint64_t number)
{
    while (number > 0x7f) {
        b->at[b->size++] = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    b->at[b->size++] = (uint8_t)number;
}

static uint64_t short_source(const struct infra_position_part *part)
{
    return (uint64_t)part->source[0] << 24 | (uint64_t)part->source[1] << 16 |
           (uint64_t)part->source[2] << 8 | part->source[3];
}

static void put_part(struct bytes *b, uint32_t kind,
                     const struct infra_position_part *before,
                     const struct infra_position_part *part)
{
    bool is_interval = kind == INFRA_POSITION_MYSQL;
    unsigned news =
        (part->epoch != before->epoch ? NEW_EPOCH : 0u) |
        (memcmp(part->source, before->source, sizeof part->source) != 0
             ? NEW_SOURCE
             : 0u) |
        (part->tag != before->tag ? NEW_TAG : 0u);

    b->at[b->size++] = (uint8_t)news;
    if ((news & NEW_EPOCH) != 0) {
        put_number(b, part->epoch);
    }
    if ((news & NEW_SOURCE) != 0 && is_interval) {
        memcpy(b->at + b->size, part->source, sizeof part->source);
        b->size += sizeof part->source;
    } else if ((news & NEW_SOURCE) != 0) {
        put_number(b, short_source(part));
    }
    if ((news & NEW_TAG) != 0) {
        put_big(b, part->tag, 8);
    }
    if (is_interval) {
        put_number(b, part->first);
    }
    put_number(b, part->last - part->first);
}

static void put_position(struct bytes *b, const struct infra_position *p)
{
    struct infra_position_part before = { 0 };

    b->size = 0;
    b->at[b->size++] = (uint8_t)(p->kind | (p->is_filled ? FILLED : 0u));
    for (uint32_t i = 0; i < p->count; i++) {
        put_part(b, p->kind, &before, &p->parts[i]);
        before = p->parts[i];
    }
    put_big(b, infra__crc32(0, b->at, b->size), CHECKSUM_SIZE);
}

/* Exchange two characters for two others, in place. */
static void translate(char *text, size_t length, const char *from,
                      const char *to)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == from[0] || text[i] == from[1]) {
            text[i] = text[i] == from[0] ? to[0] : to[1];
        }
    }
}

int infra_position_print(const struct infra_position *position, char *buffer,
                         size_t size)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct bytes b;

    if (position == NULL || buffer == NULL ||
        !infra__position_is_sound(position)) {
        return INFRA_EINVAL;
    }
    put_position(&b, position);
    size_t length = (b.size * 4 + 2) / 3; /* Without padding. */
    if (length >= size) {
        return INFRA_EFULL;
    }
    infra__base64_encode(text, b.at, b.size);
    translate(text, length, "+/", "-_");
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return (int)length;
}

struct input {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
};

static uint64_t get_big(struct input *in, unsigned size)
{
    uint64_t number = 0;

    in->is_bad = in->is_bad || (size_t)(in->end - in->at) < size;
    for (unsigned i = 0; i < size && !in->is_bad; i++) {
        number = number << 8 | *in->at++;
    }
    return number;
}

/* More bits than 64 are lost: then it is not the text of what it says. */
static uint64_t get_number(struct input *in)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < NUMBER_SIZE_MAX; i++) {
        uint64_t byte = get_big(in, 1);
        number |= (byte & 0x7f) << 7 * i;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return number;
}

static void get_part(struct input *in, uint32_t kind,
                     struct infra_position_part *part)
{
    bool is_interval = kind == INFRA_POSITION_MYSQL;
    uint64_t news = get_big(in, 1);

    if ((news & NEW_EPOCH) != 0) {
        part->epoch = get_number(in);
    }
    if ((news & NEW_SOURCE) != 0 && is_interval) {
        for (unsigned i = 0; i < sizeof part->source; i++) {
            part->source[i] = (uint8_t)get_big(in, 1);
        }
    } else if ((news & NEW_SOURCE) != 0) {
        uint64_t source = get_number(in);
        for (unsigned i = 0; i < 4; i++) {
            part->source[i] = (uint8_t)(source >> (24 - 8 * i));
        }
    }
    if ((news & NEW_TAG) != 0) {
        part->tag = get_big(in, 8);
    }
    part->first = is_interval ? get_number(in) : 0;
    part->last = part->first + get_number(in);
}

static bool get_position(struct input *in, struct infra_position *ret)
{
    struct infra_position_part part = { 0 };
    uint64_t head = get_big(in, 1);

    *ret = (struct infra_position) {
        .kind = (uint8_t)(head & ~(uint64_t)FILLED),
        .is_filled = (head & FILLED) != 0,
    };
    while (in->at < in->end && !in->is_bad) {
        if (ret->count == INFRA_POSITION_PARTS_MAX) {
            return false;
        }
        get_part(in, ret->kind, &part);
        ret->parts[ret->count++] = part;
    }
    return !in->is_bad && infra__position_is_sound(ret);
}

/* The bytes of @text, whose characters are of base64url. */
static bool decode(struct bytes *b, const char *text, size_t length)
{
    char padded[INFRA_POSITION_TEXT_MAX + 3];

    if (length >= INFRA_POSITION_TEXT_MAX ||
        memchr(text, '+', length) != NULL ||
        memchr(text, '/', length) != NULL ||
        memchr(text, '=', length) != NULL) {
        return false;
    }
    memcpy(padded, text, length);
    translate(padded, length, "-_", "+/");
    while (length % 4 != 0) {
        padded[length++] = '=';
    }
    int size = infra__base64_decode(b->at, sizeof b->at, padded, length);
    b->size = size > 0 ? (size_t)size : 0;
    return b->size > CHECKSUM_SIZE;
}

int infra_position_scan(const char *text, size_t length,
                        struct infra_position *ret)
{
    struct infra_position position;
    struct bytes b;
    struct bytes again;

    if (text == NULL || ret == NULL || !decode(&b, text, length)) {
        return INFRA_EINVAL;
    }
    struct input in = { .at = b.at, .end = b.at + b.size - CHECKSUM_SIZE };
    if (!get_position(&in, &position)) {
        return INFRA_EINVAL;
    }
    /* This compares the checksum, too. */
    put_position(&again, &position);
    if (again.size != b.size || memcmp(again.at, b.at, b.size) != 0) {
        return INFRA_EINVAL;
    }
    *ret = position;
    return INFRA_OK;
}
