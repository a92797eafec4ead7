/* SPDX-License-Identifier: MIT */
/* Messages of PostgreSQL's protocol: a type, a length that counts itself, a
 * body.  All numbers have their big end first. */
#ifndef EXAMPLES_DB_ROUTER_PG_WIRE_H
#define EXAMPLES_DB_ROUTER_PG_WIRE_H

#include "link.h"

#include <stdint.h>

#define PG_HEADER 5u

/* The longest message of a server: PostgreSQL's own limit. */
#define PG_SERVER_MESSAGE_MAX 0x3fffffffu

struct pg_message {
    char type;
    const unsigned char *body;
    size_t size; /* Of the body. */
};

enum pg_found {
    PG_WHOLE,
    PG_PART, /* ret->size is right if the header is there, else 0. */
    PG_WRONG /* A length below 4 or above the limit. */
};

/* The message at the start of @size bytes. */
enum pg_found pg_message_at(const unsigned char *bytes, size_t size, size_t max,
                            struct pg_message *ret);

static inline uint32_t pg_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static inline void pg_set_u32(unsigned char *p, uint32_t n)
{
    p[0] = (unsigned char)(n >> 24);
    p[1] = (unsigned char)(n >> 16);
    p[2] = (unsigned char)(n >> 8);
    p[3] = (unsigned char)n;
}

/* Take the text that ends with a zero from the front of @size bytes.  Its
 * length without the zero; false: there is no zero. */
bool pg_text(const unsigned char **at, size_t *size, const char **ret,
             size_t *ret_size);

/* Put a message of this body. */
void pg_put(struct link *l, char type, const void *body, size_t size);

/* Put the start of a message with @size bytes of body, which are put next. */
void pg_put_header(struct link *l, char type, size_t size);

/* Put a Query. */
void pg_put_query(struct link *l, const char *text);

/* A field of an ErrorResponse; "": it has none. */
const char *pg_error_field(const struct pg_message *m, char field);

/* Is this code one with which a login fails again? */
bool pg_error_is_final(const char *code);

#endif
