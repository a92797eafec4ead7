/* SPDX-License-Identifier: MIT */
#include "http_reply.h"

#include "characters.h"

#include <string.h>

/* A chunk's line, up to its LF. Real ones are 2 to 20 bytes. */
#define CHUNK_LINE_MAX 256u
#define KNOWN_NAME_MAX sizeof(((struct infra__http_reply *)0)->name)

enum state {
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

enum field { FIELD_OTHER, FIELD_LENGTH, FIELD_CODING };

/* '#' is any digit. That a status does not begin with 0 is seen to apart. */
static const char status_line[] = "HTTP/1.# ###";
#define STATUS_AT 9u

static const char chunked[] = "chunked";

static void fail(struct infra__http_reply *r, uint32_t fault)
{
    r->state = BAD;
    r->fault = fault;
}

static void start_head(struct infra__http_reply *r)
{
    r->state = STATUS_LINE;
    r->status = 0;
    r->position = 0;
    r->has_length = false;
    r->has_coding = false;
    r->is_degraded = false;
}

void infra__http_reply_start(struct infra__http_reply *r, uint32_t header_max,
                             bool keeps)
{
    *r =
        (struct infra__http_reply) { .header_max = header_max, .keeps = keeps };
    start_head(r);
}

static void status_line_byte(struct infra__http_reply *r, unsigned char c)
{
    unsigned char expected = (unsigned char)status_line[r->position];

    if (expected == '#' ? !infra__is_digit(c) : c != expected) {
        fail(r, INFRA__HTTP_NOT_HTTP);
        return;
    }
    if (r->position == STATUS_AT - 2) {
        r->is_http10 = c == '0';
    } else if (r->position >= STATUS_AT) {
        r->status = r->status * 10 + (uint32_t)(c - '0');
    }
    r->position++;
    if (status_line[r->position] != '\0') {
        return;
    }
    r->state = STATUS_END;
    if (r->status < 100) {
        fail(r, INFRA__HTTP_NOT_HTTP);
    }
}

static void name_byte(struct infra__http_reply *r, unsigned char c)
{
    if (!infra__is_tchar(c)) {
        fail(r, INFRA__HTTP_BAD_HEADER);
        return;
    }
    r->state = FIELD_NAME;
    if (r->position < KNOWN_NAME_MAX) {
        r->name[r->position] = (char)infra__lower(c);
    }
    /* One past the end stands for every name that is too long to matter. */
    r->position = (uint8_t)(r->position + (r->position <= KNOWN_NAME_MAX));
}

static bool name_is(const struct infra__http_reply *r, const char *name)
{
    return strlen(name) == r->position &&
           memcmp(r->name, name, r->position) == 0;
}

static void name_end(struct infra__http_reply *r)
{
    r->field = FIELD_OTHER;
    if (name_is(r, "content-length")) {
        r->field = FIELD_LENGTH;
        /* Again is allowed with the same value, see value_end(). */
        r->left = 0;
    } else if (name_is(r, "transfer-encoding")) {
        r->field = FIELD_CODING;
    } else if (name_is(r, "x-envoy-degraded")) {
        r->is_degraded = true; /* Whatever its value, as in Envoy. */
    }
    r->state = FIELD_VALUE;
    r->position = 0;
    r->value_ended = false;
}

static void value_byte(struct infra__http_reply *r, unsigned char c)
{
    if (r->field == FIELD_OTHER) {
        return;
    }
    if (infra__is_blank(c)) {
        r->value_ended = r->position > 0;
        return;
    }
    bool good = !r->value_ended;
    if (r->field == FIELD_LENGTH) {
        uint64_t digit = (uint64_t)c - '0';
        good =
            good && infra__is_digit(c) && r->left <= (UINT64_MAX - digit) / 10;
        r->left = good ? r->left * 10 + digit : 0;
        r->position = 1; /* There may be any number of leading zeros. */
    } else {
        good = good && r->position < sizeof chunked - 1 &&
               infra__lower(c) == (unsigned char)chunked[r->position];
        r->position++;
    }
    if (!good) {
        fail(r, INFRA__HTTP_BAD_LENGTH);
    }
}

/* RFC 9112 §6.3 (5): a length may be repeated, but no list is taken apart. */
static void value_end(struct infra__http_reply *r)
{
    bool good = true;

    r->state = FIELD_START;
    if (r->field == FIELD_LENGTH) {
        good = r->position > 0 && (!r->has_length || r->length == r->left);
        r->has_length = true;
        r->length = r->left;
    } else if (r->field == FIELD_CODING) {
        good = r->position == sizeof chunked - 1 && !r->has_coding;
        r->has_coding = true;
    }
    if (!good) {
        fail(r, INFRA__HTTP_BAD_LENGTH);
    }
}

/* 101 is no interim reply: what follows it is not HTTP. */
static bool is_interim(uint32_t status)
{
    return status < 200 && status != 101;
}

static void start_chunk(struct infra__http_reply *r)
{
    r->state = CHUNK_SIZE_START;
    r->left = 0;
    r->line_count = 0;
}

/* RFC 9112 §6.3: how long the body is. Both ways to say it, or a coding in
 * HTTP/1.0, are what response splitting is made of (§6.1). */
static void start_body(struct infra__http_reply *r)
{
    if (r->has_coding && (r->has_length || r->is_http10)) {
        fail(r, INFRA__HTTP_BAD_LENGTH);
    } else if (r->status == 101 || r->status == 204 || r->status == 304) {
        r->state = ENDED;
    } else if (r->has_coding) {
        start_chunk(r);
    } else if (r->has_length) {
        r->left = r->length;
        r->state = r->left > 0 ? DATA_LENGTH : ENDED;
    } else {
        r->left = UINT64_MAX;
        r->state = DATA_UNTIL_CLOSE;
    }
}

/* Answers whether the head of the final reply is complete. */
static bool line_end(struct infra__http_reply *r)
{
    r->after_cr = false;
    switch (r->state) {
    case STATUS_END:
    case REASON_PHRASE:
        r->state = FIELD_START;
        break;
    case FIELD_VALUE:
        value_end(r);
        break;
    case FIELD_START:
        if (is_interim(r->status)) {
            start_head(r);
            break;
        }
        start_body(r);
        return r->state != BAD;
    default: /* A line without a colon. */
        fail(r, INFRA__HTTP_BAD_HEADER);
        break;
    }
    return false;
}

/* A byte of a line that is neither its end nor a control character. */
static void line_byte(struct infra__http_reply *r, unsigned char c)
{
    switch (r->state) {
    case STATUS_END:
        r->state = REASON_PHRASE;
        if (c != ' ') {
            fail(r, INFRA__HTTP_NOT_HTTP);
        }
        break;
    case FIELD_START: /* A folded line fails here: a blank is no tchar. */
        r->position = 0;
        name_byte(r, c);
        break;
    case FIELD_NAME:
        if (c == ':') {
            name_end(r);
        } else {
            name_byte(r, c);
        }
        break;
    case FIELD_VALUE:
        value_byte(r, c);
        break;
    default:
        break;
    }
}

/* Answers whether the head of the final reply is complete. */
static bool head_byte(struct infra__http_reply *r, unsigned char c)
{
    if (++r->header_count > r->header_max) {
        fail(r, INFRA__HTTP_HEADER_TOO_LONG);
    } else if (r->state == STATUS_LINE) {
        status_line_byte(r, c);
    } else if (c == '\n') {
        return line_end(r);
    } else if (r->after_cr) {
        fail(r, INFRA__HTTP_BAD_HEADER);
    } else if (c == '\r') {
        r->after_cr = true;
    } else if (infra__is_control(c)) {
        fail(r, INFRA__HTTP_BAD_HEADER);
    } else {
        line_byte(r, c);
    }
    return false;
}

/* A byte of the line that begins a chunk: may it stand there? */
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

/* RFC 9112 §7.1.2: fields that are passed over, and an empty line. */
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
static void chunk_byte(struct infra__http_reply *r, unsigned char c)
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
        start_chunk(r);
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
        fail(r, INFRA__HTTP_BAD_CHUNK);
    }
}

static void take_data(struct infra__http_reply *r, struct infra__bytes *in,
                      struct infra__bytes *ret)
{
    size_t count = in->count < r->left ? in->count : (size_t)r->left;

    *ret = (struct infra__bytes) { .at = in->at, .count = count };
    in->at += count;
    in->count -= count;
    r->left -= count;
    if (r->left == 0) {
        r->state = r->state == DATA_CHUNK ? CHUNK_END_CR : ENDED;
    }
}

enum infra__http_event infra__http_reply_next(struct infra__http_reply *r,
                                              struct infra__bytes *in,
                                              struct infra__bytes *ret)
{
    for (;;) {
        if (r->state == ENDED) {
            return INFRA__HTTP_END;
        }
        if (r->state == BAD) {
            return INFRA__HTTP_BAD;
        }
        if (in->count == 0) {
            return INFRA__HTTP_MORE;
        }
        if (r->state >= DATA_CHUNK) {
            take_data(r, in, ret);
            return INFRA__HTTP_BODY;
        }
        unsigned char c = *in->at++;
        in->count--;
        if (r->state >= CHUNK_SIZE_START) {
            chunk_byte(r, c);
        } else if (head_byte(r, c)) {
            return INFRA__HTTP_HEAD;
        }
    }
}

enum infra__http_event infra__http_reply_eof(struct infra__http_reply *r)
{
    if (r->state == DATA_UNTIL_CLOSE) {
        r->state = ENDED;
    } else if (r->state < ENDED) {
        fail(r, INFRA__HTTP_CUT_SHORT);
    }
    return r->state == ENDED ? INFRA__HTTP_END : INFRA__HTTP_BAD;
}
