/* SPDX-License-Identifier: MIT */
/* What a byte may be. */
#ifndef INFRA_SQL_BYTES_H
#define INFRA_SQL_BYTES_H

#include <stdint.h>

#define BLANK 1u /* Space, \t, \n, \v, \f, \r. */
#define DIGIT 2u
#define LETTER 4u    /* ASCII, _ and $. */
#define HIGH 8u      /* Above 127; a letter, too. */
#define COMMENT 16u  /* A comment may begin or end here. */
#define QUOTE 32u    /* A quote, a backslash or NUL: it may end a string. */
#define PREFIXED 64u /* E'', U&'': it may belong to the letter before it. */
#define DOT 128u
#define IN_WORD (LETTER | DIGIT | HIGH)

extern const uint8_t infra__sql_classes[256];

static inline uint8_t class_of(char c)
{
    return infra__sql_classes[(unsigned char)c];
}

/* The class of the byte at @at, and 0 at the end. */
static inline uint8_t class_at(const char *at, const char *end)
{
    return at < end ? class_of(*at) : 0;
}

/* The byte at @at, and NUL at the end. */
static inline char byte_at(const char *at, const char *end)
{
    return at < end ? *at : '\0';
}

#endif
