/* SPDX-License-Identifier: MIT */
/* A body in pieces (RFC 9112 §6, §7.1). Data is passed over as a whole; only
 * what stands between chunks is looked at byte by byte. Every line of a chunk
 * ends in CR LF, in lenient mode, too: where readers differ about a lone LF,
 * requests are smuggled. */
#include "internal.h"

#include "../base/characters.h"
#include "../base/internal.h"

INFRA__NO_TAIL_PADDING(struct infra_http_body, reserved);

#define CHUNK_LINE_MAX 256u

enum state {
    DATA, /* body->left bytes. */
    SIZE_START,
    SIZE,
    SIZE_BLANKS,
    EXTENSION,
    LINE_LF,
    DATA_CR,
    DATA_LF,
    TRAILER,
    DONE,
    REFUSED,
};

int infra_http_body_start(struct infra_http_body *body,
                          const struct infra_http_head *head)
{
    if (body == NULL || head == NULL || head->state != INFRA__HTTP_HEAD_DONE) {
        return INFRA_EINVAL;
    }
    *body = (struct infra_http_body) {
        .body_max = head->body_max,
        .framing = head->framing,
        .lenient = head->lenient,
        .response = head->kind == INFRA_HTTP_RESPONSE,
        .state = DONE,
    };
    switch (head->framing) {
    case INFRA_HTTP_FRAMING_LENGTH:
        body->left = head->content_length;
        body->state = body->left > 0 ? DATA : DONE;
        break;
    case INFRA_HTTP_FRAMING_CHUNKED:
        body->state = SIZE_START;
        break;
    case INFRA_HTTP_FRAMING_CLOSE:
        body->left = UINT64_MAX;
        body->state = DATA;
        break;
    default:
        break;
    }
    return INFRA_OK;
}

static void refuse(struct infra_http_body *body, uint32_t reason)
{
    body->state = REFUSED;
    body->left = 0;
    body->reason = reason;
    body->refusal_status = infra__http_status(reason, body->response != 0);
}

/* The line of a chunk's size ended: data, or the last chunk. */
static void end_line(struct infra_http_body *body)
{
    body->line = 0;
    if (body->left > body->body_max - body->total) {
        refuse(body, INFRA_HTTP_REASON_BODY_SIZE);
        return;
    }
    body->total += body->left;
    body->state = body->left > 0 ? DATA : TRAILER;
}

/* A digit of a chunk's size, or what may follow one. */
static void take_size(struct infra_http_body *body, unsigned char c)
{
    int digit = infra__hex_value(c);

    if (digit >= 0 && body->state != SIZE_BLANKS) {
        if (body->left > INFRA__HTTP_LENGTH_MAX >> 4) {
            refuse(body, INFRA_HTTP_REASON_CHUNK_SIZE);
            return;
        }
        body->left = body->left << 4 | (uint64_t)digit;
        body->state = SIZE;
    } else if (body->state == SIZE_START) {
        refuse(body, INFRA_HTTP_REASON_CHUNK_SIZE);
    } else if (c == '\r') {
        body->state = LINE_LF;
    } else if (c == ';') {
        body->state = EXTENSION;
    } else if (infra__is_blank(c) && body->lenient != 0 &&
               body->response != 0) {
        body->state = SIZE_BLANKS;
    } else {
        refuse(body, c == '\n' ? INFRA_HTTP_REASON_CHUNK_LF
                               : INFRA_HTTP_REASON_CHUNK_SIZE);
    }
}

static void take_extension(struct infra_http_body *body, unsigned char c)
{
    if (c == '\r') {
        body->state = LINE_LF;
    } else if (c == '\n') {
        refuse(body, INFRA_HTTP_REASON_CHUNK_LF);
    } else if (infra__is_control(c)) {
        refuse(body, INFRA_HTTP_REASON_CHUNK_LINE);
    }
}

/* Take a byte that is not data. */
static void take_byte(struct infra_http_body *body, unsigned char c)
{
    switch (body->state) {
    case SIZE_START:
    case SIZE:
    case SIZE_BLANKS:
        take_size(body, c);
        break;
    case EXTENSION:
        take_extension(body, c);
        break;
    case LINE_LF:
        if (c == '\n') {
            end_line(body);
        } else {
            refuse(body, INFRA_HTTP_REASON_CHUNK_CR);
        }
        return;
    case DATA_CR:
    case DATA_LF:
        if (c != (body->state == DATA_CR ? '\r' : '\n')) {
            refuse(body, INFRA_HTTP_REASON_CHUNK_END);
            return;
        }
        body->state = body->state == DATA_CR ? DATA_LF : SIZE_START;
        return;
    default:
        return;
    }
    if (++body->line > CHUNK_LINE_MAX && body->state != REFUSED) {
        refuse(body, INFRA_HTTP_REASON_CHUNK_LINE);
    }
}

/* @count bytes of data have passed. Those until close are counted in total,
 * against body_max. */
static void pass(struct infra_http_body *body, uint64_t count)
{
    if (body->framing == INFRA_HTTP_FRAMING_CLOSE) {
        if (count > body->body_max - body->total) {
            refuse(body, INFRA_HTTP_REASON_BODY_SIZE);
        } else {
            body->total += count;
        }
        return;
    }
    body->left -= count;
    if (body->left == 0) {
        body->state =
            body->framing == INFRA_HTTP_FRAMING_CHUNKED ? DATA_CR : DONE;
    }
}

uint32_t infra_http_body_take(struct infra_http_body *body, const void *bytes,
                              size_t count, size_t *ret_used, size_t *ret_data)
{
    const unsigned char *b = bytes;
    size_t i = 0;

    *ret_data = 0;
    while (i < count && body->state != DATA && body->state < TRAILER) {
        take_byte(body, b[i++]);
    }
    if (body->state == DATA && i < count) {
        size_t size = count - i;
        size = size < body->left ? size : (size_t)body->left;
        pass(body, size);
        i += size;
        *ret_data = body->state == REFUSED ? 0 : size;
    }
    *ret_used = i;
    if (*ret_data > 0) {
        return INFRA_HTTP_DATA;
    }
    switch (body->state) {
    case TRAILER:
        return INFRA_HTTP_TRAILER;
    case DONE:
        return INFRA_HTTP_DONE;
    case REFUSED:
        return INFRA_HTTP_REFUSED;
    default:
        return INFRA_HTTP_MORE;
    }
}

uint64_t infra_http_body_left(const struct infra_http_body *body)
{
    return body->state == DATA ? body->left : 0;
}

int infra_http_body_pass(struct infra_http_body *body, uint64_t count)
{
    if (body == NULL || count > infra_http_body_left(body)) {
        return INFRA_EINVAL;
    }
    if (count > 0) {
        pass(body, count);
    }
    return INFRA_OK;
}

uint32_t infra_http_body_eof(struct infra_http_body *body)
{
    if (body->state == DONE ||
        (body->state == DATA && body->framing == INFRA_HTTP_FRAMING_CLOSE)) {
        body->state = DONE;
        return INFRA_HTTP_DONE;
    }
    if (body->state != REFUSED) {
        refuse(body, INFRA_HTTP_REASON_CUT_SHORT);
    }
    return INFRA_HTTP_REFUSED;
}
