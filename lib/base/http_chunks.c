/* SPDX-License-Identifier: MIT */
#include "http_chunks.h"

#include "characters.h"

/* A chunk's line, up to its LF. Real ones are 2 to 20 bytes. */
#define CHUNK_LINE_MAX 256u
void infra__http_chunk_start(struct infra__http_reply *r)
{
    r->state = CHUNK_SIZE_START;
    r->left = 0;
    r->line_count = 0;
}

/* May this byte stand in the line that starts a chunk? */
static bool chunk_line_byte(struct infra__http_reply *r, unsigned char c)
{
    int digit = infra__hex_value(c);

    if (++r->line_count > CHUNK_LINE_MAX) {
        return false;
    }
    if (r->state <= CHUNK_SIZE && digit >= 0) {
        r->state = CHUNK_SIZE;
        if (r->left > UINT64_MAX >> 4) {
            return false;
        }
        r->left = r->left << 4 | (uint64_t)digit;
        return true;
    }
    if (r->state == CHUNK_SIZE_START) {
        return false;
    }
    if (c == '\r') {
        r->state = CHUNK_LINE_LF;
        return true;
    }
    if (r->state == CHUNK_EXTENSION) {
        return !infra__is_control(c);
    }
    r->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_END;
    return c == ';' || infra__is_blank(c);
}

/* RFC 9112 §7.1.2: fields to skip, then an empty line. */
static bool trailer_byte(struct infra__http_reply *r, unsigned char c)
{
    bool after_cr = r->after_cr;

    r->after_cr = false;
    if (++r->header_count > r->header_max) {
        return false;
    }
    if (r->state == TRAILER_END_LF) {
        r->state = ENDED;
        return c == '\n';
    }
    if (c == '\n' || after_cr) {
        r->state = TRAILER_START;
        return c == '\n' && after_cr;
    }
    if (c == '\r') {
        r->after_cr = r->state == TRAILER_LINE;
        r->state = r->after_cr ? TRAILER_LINE : TRAILER_END_LF;
        return true;
    }
    r->state = TRAILER_LINE;
    return !infra__is_control(c);
}

/* RFC 9112 §7.1, where only CR LF ends a line. */
void infra__http_chunk_byte(struct infra__http_reply *r, unsigned char c)
{
    bool good;

    switch (r->state) {
    case CHUNK_LINE_LF:
        good = c == '\n';
        r->state = r->left > 0 ? DATA_CHUNK : r->keeps ? TRAILER_START : ENDED;
        break;
    case CHUNK_END_CR:
        good = c == '\r';
        r->state = CHUNK_END_LF;
        break;
    case CHUNK_END_LF:
        good = c == '\n';
        infra__http_chunk_start(r);
        break;
    case TRAILER_START:
    case TRAILER_LINE:
    case TRAILER_END_LF:
        good = trailer_byte(r, c);
        break;
    default:
        good = chunk_line_byte(r, c);
        break;
    }
    if (!good) {
        infra__http_fail(r, INFRA__HTTP_BAD_CHUNK);
    }
}
