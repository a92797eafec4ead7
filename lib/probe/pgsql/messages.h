/* SPDX-License-Identifier: MIT */
/* What a PostgreSQL server sends, message by message (its documentation, 55.7):
 * a type, four bytes of length that count themselves, a body. Any split of the
 * input gives the same messages.
 *
 * A body is kept up to a limit and the rest is passed over: what a check looks
 * at is short or begins with what matters. All messages together are bounded,
 * too.
 *
 * Until a first message made sense it is another protocol, after it a bad
 * reply. */
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
    uint32_t read_count; /* Of all messages, with what the present one has
                            announced. */
    uint32_t length;     /* Of the body. */
    uint32_t done;       /* Of it. */
    uint32_t size;       /* Kept of it. */
    uint32_t reason;     /* enum infra_probe_reason, once it is bad. */
    uint8_t header_count;
    unsigned char type;
    bool is_cut;      /* The body is longer than what is kept of it. */
    bool is_old;      /* An error without fields: a line of text. */
    bool is_followed; /* There was a message before. */
    unsigned char body[INFRA__PGSQL_BODY_MAX];
};

/* Take bytes from the front of @in up to the next event. */
enum infra__pgsql_event infra__pgsql_messages_next(
    struct infra__pgsql_messages *m, struct infra__pgsql_input *in);

#endif
