/* SPDX-License-Identifier: MIT */
/* Shared by the two files of the HTTP reply: the states, and those of the
 * chunked coding among them. */
#ifndef INFRA_BASE_HTTP_CHUNKS_H
#define INFRA_BASE_HTTP_CHUNKS_H

#include "http_reply.h"

enum infra__http_state {
    STATUS_LINE, /* Up to the last digit of the status. */
    STATUS_END,
    REASON_PHRASE,
    FIELD_START,
    FIELD_NAME,
    FIELD_VALUE,
    CHUNK_SIZE_START, /* The first state after the head. */
    CHUNK_SIZE,
    CHUNK_SIZE_END, /* Blanks between a size and its extensions. */
    CHUNK_EXTENSION,
    CHUNK_LINE_LF,
    CHUNK_END_CR,
    CHUNK_END_LF,
    TRAILER_START,
    TRAILER_LINE,
    TRAILER_END_LF,
    DATA_CHUNK, /* The first state in which bytes are the body's. */
    DATA_LENGTH,
    DATA_UNTIL_CLOSE,
    ENDED,
    BAD,
};

static inline void infra__http_fail(struct infra__http_reply *r, uint32_t fault)
{
    r->state = BAD;
    r->fault = fault;
}

/* Start a chunk; take a byte of it that is not data. */
void infra__http_chunk_start(struct infra__http_reply *r);
void infra__http_chunk_byte(struct infra__http_reply *r, unsigned char c);

#endif
