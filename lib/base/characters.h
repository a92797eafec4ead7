/* SPDX-License-Identifier: MIT */
/* Characters as HTTP sees them (RFC 9110 §5.6, RFC 5234 §B.1), in no locale,
 * and the checks of texts that options and peers give. */
#ifndef INFRA_BASE_CHARACTERS_H
#define INFRA_BASE_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline unsigned char infra__lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static inline bool infra__is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static inline bool infra__is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/* What may stand nowhere in a line; HTAB may. */
static inline bool infra__is_control(unsigned char c)
{
    return (c < ' ' && c != '\t') || c == 0x7f;
}

static inline bool infra__is_visible(unsigned char c)
{
    return c > ' ' && c < 0x7f;
}

/* What methods and field names are made of. */
static inline bool infra__is_tchar(unsigned char c)
{
    unsigned char l = infra__lower(c);

    return (l >= 'a' && l <= 'z') || infra__is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Is @text there, of @size_min to @size_max bytes? */
static inline bool infra__text_fits(const char *text, size_t size_min,
                                    size_t size_max)
{
    size_t size = text != NULL ? strnlen(text, size_max + 1) : 0;

    return text != NULL && size >= size_min && size <= size_max;
}

/* May each of the @size bytes stand where @may says? */
static inline bool infra__text_is_made_of(bool (*may)(unsigned char c),
                                          const char *text, size_t size)
{
    size_t i = 0;

    while (i < size && may((unsigned char)text[i])) {
        i++;
    }
    return i == size;
}

/* Are the @size bytes exactly @word? */
static inline bool infra__is_word(const void *bytes, size_t size,
                                  const char *word)
{
    return size == strlen(word) && memcmp(bytes, word, size) == 0;
}

/* Append a decimal digit. False, and nothing changes: not a digit, or the
 * number would exceed 2^64 - 1. */
static inline bool infra__append_digit(uint64_t *number, unsigned char c)
{
    uint64_t digit = (uint64_t)c - '0';

    if (!infra__is_digit(c) || *number > (UINT64_MAX - digit) / 10) {
        return false;
    }
    *number = *number * 10 + digit;
    return true;
}

/* The decimal number that all @size bytes make. False, and nothing is set: no
 * bytes, other bytes than digits, or a number above 2^64 - 1. */
static inline bool infra__read_number(uint64_t *ret, const void *bytes,
                                      size_t size)
{
    const unsigned char *p = bytes;
    uint64_t number = 0;
    size_t i = 0;

    while (i < size && infra__append_digit(&number, p[i])) {
        i++;
    }
    if (size == 0 || i < size) {
        return false;
    }
    *ret = number;
    return true;
}

/* The value of a hexadecimal digit, or -1. */
static inline int infra__hex_value(unsigned char c)
{
    unsigned char l = infra__lower(c);

    if (infra__is_digit(c)) {
        return c - '0';
    }
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

#endif
