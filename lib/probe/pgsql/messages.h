/* SPDX-License-Identifier: MIT */
/* The messages of a PostgreSQL server (its documentation, 55.7): a type, four
 * bytes of length that count themselves, a body. Any split of the input gives
 * the same messages.
 *
 * Of a body the beginning is kept, which has what a check needs. The size of
 * all messages together is limited, too.
 *
 * A malformed first message means another protocol, a later one a bad reply. */
#ifndef INFRA_PROBE_PGSQL_MESSAGES_H
#define INFRA_PROBE_PGSQL_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFRA__PGSQL_BODY_MAX 1024u
#define INFRA__PGSQL_READ_MAX 65536u

enum infra__pgsql_event {
    INFRA__PGSQL_MORE,    /* All bytes are taken. */
    INFRA__PGSQL_MESSAGE, /* See type, body, size, is_cut. */
    INFRA__PGSQL_BAD,     /* See reason. */
};

struct infra__pgsql_input {
    const unsigned char *at;
    size_t count;
};

/* Begin with zeroes. */
struct infra__pgsql_messages {
    uint32_t read_count; /* Of all messages, up to the end of this one. */
    uint32_t length;     /* Of the body. */
    uint32_t done;       /* Bytes of the body that have come. */
    uint32_t size;       /* Bytes of the body that are kept. */
    uint32_t reason;     /* enum infra_probe_reason, once it is bad. */
    uint8_t header_count;
    unsigned char type;
    bool is_cut;      /* The end of the body is not kept. */
    bool is_old;      /* An error without fields: a line of text. */
    bool is_followed; /* A message came before. */
    unsigned char body[INFRA__PGSQL_BODY_MAX];
};

/* Take bytes from the front of @in up to the next event. */
enum infra__pgsql_event infra__pgsql_messages_next(
    struct infra__pgsql_messages *m, struct infra__pgsql_input *in);

/* PostgreSQL's numbers: big-endian, of two and of four bytes. */
static inline uint32_t infra__pgsql_u16(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t infra__pgsql_u32(const unsigned char *p)
{
    return infra__pgsql_u16(p) << 16 | infra__pgsql_u16(p + 2);
}

static inline void infra__pgsql_put_u32(void *ret, uint32_t number)
{
    unsigned char *p = ret;

    p[0] = (unsigned char)(number >> 24);
    p[1] = (unsigned char)(number >> 16);
    p[2] = (unsigned char)(number >> 8);
    p[3] = (unsigned char)number;
}

#define INFRA__PGSQL_TEXT_MAX 256u /* With the zero. */

struct infra__pgsql_error {
    uint32_t reason; /* enum infra_probe_reason */
    bool is_final;   /* The server ends the session. */
};

/* Read an error. @ret_text: severity, SQLSTATE and message. */
struct infra__pgsql_error infra__pgsql_error_read(
    const struct infra__pgsql_messages *m,
    char ret_text[INFRA__PGSQL_TEXT_MAX]);

#endif
