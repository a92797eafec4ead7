/* SPDX-License-Identifier: MIT */
/* The texts in which servers say their positions. Blanks may stand between any
 * two words: MySQL breaks lines after commas.
 *
 *   NUMBER   number
 *   LSN      [timeline ":"] hex "/" hex
 *   MARIADB  domain "-" server "-" sequence {"," ...}
 *   MYSQL    uuid {":" [tag ":"] first ["-" last]} {"," ...}
 *
 * A tag counts until the next one of the same uuid (MySQL 8.3). */
#include "position.h"

#include "../base/characters.h"

#include <string.h>

#define UUID_LENGTH 36u
#define TAG_MAX 32u
#define LSN_DIGITS_MAX 8u

struct reading {
    const char *at;
    const char *end;
    struct infra__position_parts *list;
    struct infra_position_part part;
    int err; /* INFRA_EFULL; the rest is still checked. */
};

static void skip_blanks(struct reading *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || (*r->at >= '\t' && *r->at <= '\r'))) {
        r->at++;
    }
}

/* The next byte that is not blank, '\0' at the end. */
static unsigned char next(struct reading *r)
{
    skip_blanks(r);
    return r->at < r->end ? (unsigned char)*r->at : '\0';
}

static bool take(struct reading *r, char c)
{
    bool is_there = next(r) == (unsigned char)c;

    r->at += is_there ? 1 : 0;
    return is_there;
}

static bool take_number(struct reading *r, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;

    if (!infra__is_digit(next(r))) {
        return false;
    }
    while (r->at < r->end && infra__is_digit((unsigned char)*r->at)) {
        if (!infra__append_digit(&number, (unsigned char)*r->at)) {
            return false;
        }
        r->at++;
    }
    *ret = number;
    return number <= max;
}

static void put_source(struct reading *r, uint64_t number)
{
    for (unsigned i = 0; i < 4; i++) {
        r->part.source[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static void add(struct reading *r)
{
    int err = infra__position_insert(r->list, &r->part);

    r->err = err != INFRA_OK ? err : r->err;
}

static bool read_number(struct reading *r)
{
    if (!take_number(r, UINT64_MAX, &r->part.last)) {
        return false;
    }
    add(r);
    return true;
}

/* 32 bits in hexadecimal digits. */
static bool take_half(struct reading *r, uint64_t *ret)
{
    uint64_t number = 0;
    unsigned digits = 0;

    for (skip_blanks(r); r->at < r->end; r->at++, digits++) {
        int value = infra__hex_value((unsigned char)*r->at);
        if (value < 0) {
            break;
        }
        number = number << 4 | (uint64_t)value;
        if (digits == LSN_DIGITS_MAX) {
            return false;
        }
    }
    *ret = number;
    return digits > 0;
}

static bool read_lsn(struct reading *r)
{
    uint64_t timeline = 0;
    uint64_t high;
    uint64_t low;

    if (memchr(r->at, ':', (size_t)(r->end - r->at)) != NULL &&
        !(take_number(r, UINT32_MAX, &timeline) && timeline > 0 &&
          take(r, ':'))) {
        return false;
    }
    if (!take_half(r, &high) || !take(r, '/') || !take_half(r, &low)) {
        return false;
    }
    put_source(r, timeline);
    r->part.last = high << 32 | low;
    add(r);
    return true;
}

static bool read_mariadb(struct reading *r)
{
    do {
        uint64_t domain;
        uint64_t server;
        if (!take_number(r, UINT32_MAX, &domain) || !take(r, '-') ||
            !take_number(r, UINT32_MAX, &server) || !take(r, '-') ||
            !take_number(r, UINT64_MAX, &r->part.last)) {
            return false;
        }
        put_source(r, domain);
        add(r);
    } while (take(r, ','));
    return true;
}

/* 8-4-4-4-12 digits. */
static bool take_uuid(struct reading *r)
{
    unsigned digits = 0;

    skip_blanks(r);
    if ((size_t)(r->end - r->at) < UUID_LENGTH) {
        return false;
    }
    for (unsigned i = 0; i < UUID_LENGTH; i++) {
        unsigned char c = (unsigned char)r->at[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') {
                return false;
            }
            continue;
        }
        int value = infra__hex_value(c);
        if (value < 0) {
            return false;
        }
        uint8_t *byte = &r->part.source[digits++ / 2];
        *byte = (uint8_t)(*byte << 4 | value);
    }
    r->at += UUID_LENGTH;
    return true;
}

static bool is_tag_byte(unsigned char c)
{
    return (infra__lower(c) >= 'a' && infra__lower(c) <= 'z') || c == '_';
}

/* A tag, if there is one, with the colon behind it. Case does not count. */
static bool take_tag(struct reading *r)
{
    char tag[TAG_MAX];
    size_t size = 0;

    if (!is_tag_byte(next(r))) {
        return true;
    }
    for (; r->at < r->end; r->at++) {
        unsigned char c = (unsigned char)*r->at;
        if (!is_tag_byte(c) && !infra__is_digit(c)) {
            break;
        }
        if (size == TAG_MAX) {
            return false;
        }
        tag[size++] = (char)infra__lower(c);
    }
    r->part.tag = infra_xxhash64(tag, size, 0);
    r->part.tag += r->part.tag == 0 ? 1 : 0; /* 0 is no tag. */
    return take(r, ':');
}

static bool take_interval(struct reading *r)
{
    if (!take_tag(r) || !take_number(r, UINT64_MAX, &r->part.first)) {
        return false;
    }
    r->part.last = r->part.first;
    if (take(r, '-') && !take_number(r, UINT64_MAX, &r->part.last)) {
        return false;
    }
    if (r->part.first == 0 || r->part.last < r->part.first) {
        return false;
    }
    add(r);
    return true;
}

static bool read_mysql(struct reading *r)
{
    do {
        r->part.tag = 0;
        if (!take_uuid(r) || !take(r, ':')) {
            return false;
        }
        do {
            if (!take_interval(r)) {
                return false;
            }
        } while (take(r, ':'));
    } while (take(r, ','));
    return true;
}

static bool read_kind(struct reading *r)
{
    switch (r->list->kind) {
    case INFRA_POSITION_NUMBER:
        return read_number(r);
    case INFRA_POSITION_LSN:
        return read_lsn(r);
    case INFRA_POSITION_MARIADB:
        return read_mariadb(r);
    case INFRA_POSITION_MYSQL:
        return read_mysql(r);
    default:
        return false;
    }
}

int infra__position_read(struct infra__position_parts *list, uint64_t epoch,
                         const char *text, size_t length)
{
    struct reading r = {
        .at = text,
        .end = text + length,
        .list = list,
        .part = { .epoch = epoch },
        .err = INFRA_OK,
    };

    skip_blanks(&r);
    if (r.at < r.end && !read_kind(&r)) {
        return INFRA_EINVAL;
    }
    skip_blanks(&r);
    return r.at < r.end ? INFRA_EINVAL : r.err;
}
