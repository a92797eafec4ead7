/* SPDX-License-Identifier: MIT */
#include "http_reply.h"

#include "characters.h"
#include "http_chunks.h"

#include <string.h>

#define KNOWN_NAME_MAX sizeof(((struct infra__http_reply *)0)->name)

enum field { FIELD_OTHER, FIELD_LENGTH, FIELD_CODING };

/* '#' is any digit. The first digit of a status is checked separately. */
static const char status_line[] = "HTTP/1.# ###";
#define STATUS_AT 9u

static const char chunked[] = "chunked";

static void start_head(struct infra__http_reply *r)
{
    r->state = STATUS_LINE;
    r->status = 0;
    r->position = 0;
    r->has_length = false;
    r->has_coding = false;
    r->is_degraded = false;
    r->is_unframed = false;
    r->may_fold = false;
}

void infra__http_reply_start(struct infra__http_reply *r, uint32_t header_max,
                             bool keeps)
{
    *r =
        (struct infra__http_reply) { .header_max = header_max, .keeps = keeps };
    start_head(r);
}

/* Empty lines before the status line, from an interim reply or a careless
 * script, and several blanks before the status: HAProxy and nginx skip both. */
static bool may_precede(uint32_t position, unsigned char c)
{
    return position == 0           ? c == '\r' || c == '\n'
           : position == STATUS_AT ? infra__is_blank(c)
                                   : false;
}

static void status_line_byte(struct infra__http_reply *r, unsigned char c)
{
    unsigned char expected = (unsigned char)status_line[r->position];

    if (!r->keeps && may_precede(r->position, c)) {
        return;
    }
    if (expected == '#' ? !infra__is_digit(c) : c != expected) {
        infra__http_fail(r, INFRA__HTTP_NOT_HTTP);
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
        infra__http_fail(r, INFRA__HTTP_NOT_HTTP);
    }
}

/* The position for a name that is too long to matter, or no name. */
#define NO_NAME (KNOWN_NAME_MAX + 1)

static void name_byte(struct infra__http_reply *r, unsigned char c)
{
    bool is_good = infra__is_tchar(c) && !r->value_ended;

    if (!is_good && r->keeps) {
        infra__http_fail(r, INFRA__HTTP_BAD_HEADER);
        return;
    }
    r->state = FIELD_NAME;
    if (infra__is_blank(c)) { /* Old IIS puts blanks before the colon. */
        r->value_ended = true;
        return;
    }
    if (!is_good) {
        r->position = NO_NAME;
    } else if (r->position < KNOWN_NAME_MAX) {
        r->name[r->position] = (char)infra__lower(c);
    }
    r->position = (uint8_t)(r->position + (r->position < NO_NAME));
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
        /* May be repeated with the same value, see take_length(). */
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

/* The framing is invalid. A check of the status alone needs none. */
static void misframed(struct infra__http_reply *r)
{
    if (r->keeps) {
        infra__http_fail(r, INFRA__HTTP_BAD_LENGTH);
    }
    r->is_unframed = true;
    r->field = FIELD_OTHER;
}

/* RFC 9112 §6.3 (5): a length may be repeated, also as a list of equal lengths;
 * a strict reader refuses lists. */
static bool take_length(struct infra__http_reply *r)
{
    bool good = r->position > 0 && (!r->has_length || r->length == r->left);

    r->has_length = true;
    r->length = r->left;
    r->left = 0;
    r->position = 0;
    r->value_ended = false;
    return good;
}

static bool length_byte(struct infra__http_reply *r, unsigned char c)
{
    if (c == ',' && !r->keeps) {
        return take_length(r);
    }
    if (r->value_ended || !infra__append_digit(&r->left, c)) {
        return false;
    }
    r->position = 1; /* Any number of leading zeros. */
    return true;
}

static bool coding_byte(struct infra__http_reply *r, unsigned char c)
{
    return !r->value_ended && r->position < sizeof chunked - 1 &&
           infra__lower(c) == (unsigned char)chunked[r->position++];
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
    if (r->field == FIELD_LENGTH ? !length_byte(r, c) : !coding_byte(r, c)) {
        misframed(r);
    }
}

static void value_end(struct infra__http_reply *r)
{
    bool good = true;

    if (r->field == FIELD_LENGTH) {
        good = take_length(r);
    } else if (r->field == FIELD_CODING) {
        good = r->position == sizeof chunked - 1 && !r->has_coding;
        r->has_coding = true;
    }
    if (!good) {
        misframed(r);
    }
}

/* 101 is no interim reply: no HTTP follows it. */
static bool is_interim(uint32_t status)
{
    return status < 200 && status != 101;
}

/* The length of the body (RFC 9112 §6.3). A length beside a coding, or a coding
 * in HTTP/1.0, may be response splitting (§6.1); if no other reply follows, the
 * coding counts. */
static void start_body(struct infra__http_reply *r)
{
    if (r->keeps && r->has_coding && (r->has_length || r->is_http10)) {
        infra__http_fail(r, INFRA__HTTP_BAD_LENGTH);
    } else if (r->status == 101 || r->status == 204 || r->status == 304) {
        r->state = ENDED;
    } else if (r->is_unframed) {
        infra__http_fail(r, INFRA__HTTP_BAD_LENGTH);
    } else if (r->has_coding) {
        infra__http_chunk_start(r);
    } else if (r->has_length) {
        r->left = r->length;
        r->state = r->left > 0 ? DATA_LENGTH : ENDED;
    } else {
        r->left = UINT64_MAX;
        r->state = DATA_UNTIL_CLOSE;
    }
}

/* The next line does not continue the value (RFC 9112 §5.2). */
static void settle_value(struct infra__http_reply *r)
{
    if (r->may_fold) {
        value_end(r);
    }
    r->may_fold = false;
}

/* True: the head of the final reply is complete. */
static bool head_end(struct infra__http_reply *r)
{
    settle_value(r);
    if (is_interim(r->status)) {
        start_head(r);
        return false;
    }
    start_body(r);
    return r->state != BAD || !r->keeps;
}

/* True: the head of the final reply is complete. */
static bool line_end(struct infra__http_reply *r)
{
    uint8_t state = r->state;

    r->after_cr = false;
    r->state = FIELD_START;
    switch (state) {
    case FIELD_START:
        return head_end(r);
    case FIELD_VALUE:
        r->may_fold = true;
        if (r->keeps) {
            settle_value(r);
        }
        break;
    case FIELD_NAME: /* A line without a colon. */
        if (r->keeps) {
            infra__http_fail(r, INFRA__HTTP_BAD_HEADER);
        }
        break;
    default:
        break;
    }
    return false;
}

/* The first byte of a line that is not empty. */
static void field_start(struct infra__http_reply *r, unsigned char c)
{
    bool goes_on = infra__is_blank(c) && !r->keeps;

    if (goes_on && r->may_fold) { /* A folded line continues with a blank. */
        r->may_fold = false;
        r->state = FIELD_VALUE;
        r->value_ended = r->position > 0;
        return;
    }
    settle_value(r);
    r->position = 0;
    r->value_ended = false;
    if (goes_on || (c == ':' && !r->keeps)) { /* Of nothing. */
        r->field = FIELD_OTHER;
        r->state = FIELD_VALUE;
    } else if (r->state != BAD) {
        name_byte(r, c);
    }
}

/* A byte of a line that is neither its end nor a control character. */
static void line_byte(struct infra__http_reply *r, unsigned char c)
{
    switch (r->state) {
    case STATUS_END:
        r->state = REASON_PHRASE;
        /* IIS sends 403.1, 403.2 and so on. */
        if (c != ' ' && (r->keeps || (c != '\t' && c != '.'))) {
            infra__http_fail(r, INFRA__HTTP_NOT_HTTP);
        }
        break;
    case FIELD_START:
        field_start(r, c);
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

/* True: the head of the final reply is complete. */
static bool head_byte(struct infra__http_reply *r, unsigned char c)
{
    if (++r->header_count > r->header_max) {
        infra__http_fail(r, INFRA__HTTP_HEADER_TOO_LONG);
    } else if (r->state == STATUS_LINE) {
        status_line_byte(r, c);
    } else if (c == '\n') {
        return line_end(r);
    } else if (c == '\r' && (!r->after_cr || !r->keeps)) {
        r->after_cr = true;
    } else if (r->after_cr || infra__is_control(c)) {
        infra__http_fail(r, INFRA__HTTP_BAD_HEADER);
    } else {
        line_byte(r, c);
    }
    return false;
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
            infra__http_chunk_byte(r, c);
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
        infra__http_fail(r, INFRA__HTTP_CUT_SHORT);
    }
    return r->state == ENDED ? INFRA__HTTP_END : INFRA__HTTP_BAD;
}
