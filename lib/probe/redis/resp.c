/* SPDX-License-Identifier: MIT */
#include "resp.h"

#include "../../base/characters.h"

#include <infra/probe.h>
#include <string.h>

enum state {
    TYPE,
    LINE,
    LINE_LF,
    NUMBER,
    NUMBER_LF,
    BULK,
    BULK_CR,
    BULK_LF,
    BAD,
};

static enum infra__resp_event fail(struct infra__resp *r, uint32_t reason)
{
    r->state = BAD;
    r->reason = reason;
    return INFRA__RESP_BAD;
}

void infra__resp_start(struct infra__resp *r)
{
    *r = (struct infra__resp) { .state = TYPE };
}

/* A value begins; the arrays around it give its place. */
static enum infra__resp_event type_byte(struct infra__resp *r, unsigned char c)
{
    struct infra__resp_value *v = &r->value;

    switch (c) {
    case '+':
    case '-':
        r->state = LINE;
        break;
    case ':':
    case '$':
    case '*':
        r->state = NUMBER;
        break;
    default: /* The first byte of all shows another protocol. */
        return fail(r, r->bytes_count == 1 ? INFRA_PROBE_REASON_WRONG_PROTOCOL
                                           : INFRA_PROBE_REASON_BAD_REPLY);
    }
    *v = (struct infra__resp_value) {
        .type = c,
        .depth = r->depth,
        .index = r->depth > 0 ? r->index[r->depth - 1] : 0,
    };
    r->is_negative = false;
    r->has_digits = false;
    return INFRA__RESP_MORE;
}

static void keep(struct infra__resp_value *v, unsigned char c)
{
    if (v->text_size < INFRA__RESP_TEXT_MAX) {
        v->text[v->text_size++] = c;
    }
}

/* Count the value in the arrays that it ends. */
static enum infra__resp_event value_end(struct infra__resp *r)
{
    r->state = TYPE;
    while (r->depth > 0) {
        r->index[r->depth - 1]++;
        if (--r->left[r->depth - 1] > 0) {
            break;
        }
        r->depth--;
    }
    r->value.ends_reply = r->depth == 0;
    return INFRA__RESP_VALUE;
}

static enum infra__resp_event array_start(struct infra__resp *r)
{
    if (r->depth == INFRA__RESP_DEPTH_MAX) {
        return fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    }
    r->left[r->depth] = (uint32_t)r->value.number;
    r->index[r->depth] = 0;
    r->depth++;
    r->state = TYPE;
    return INFRA__RESP_VALUE;
}

/* The number decides what follows. -1 is null; no other length is negative. */
static enum infra__resp_event number_end(struct infra__resp *r)
{
    struct infra__resp_value *v = &r->value;

    if (v->type == ':') {
        return value_end(r);
    }
    if (v->number < -1) {
        return fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    }
    if (v->number > (int64_t)INFRA__RESP_BYTES_MAX) {
        return fail(r, INFRA_PROBE_REASON_REPLY_TOO_LONG);
    }
    if (v->number < 0 || (v->type == '*' && v->number == 0)) {
        return value_end(r);
    }
    if (v->type == '*') {
        return array_start(r);
    }
    r->bulk_left = (uint32_t)v->number;
    r->state = r->bulk_left > 0 ? BULK : BULK_CR;
    return INFRA__RESP_MORE;
}

static enum infra__resp_event number_byte(struct infra__resp *r,
                                          unsigned char c)
{
    int64_t *number = &r->value.number;
    int64_t digit = c - '0';

    if (c == '\r' && r->has_digits) {
        r->state = NUMBER_LF;
    } else if (c == '-' && !r->has_digits && !r->is_negative) {
        r->is_negative = true;
    } else if (!infra__is_digit(c)) {
        return fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    } else if (r->is_negative ? *number < (INT64_MIN + digit) / 10
                              : *number > (INT64_MAX - digit) / 10) {
        return fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    } else {
        *number = *number * 10 + (r->is_negative ? -digit : digit);
        r->has_digits = true;
    }
    return INFRA__RESP_MORE;
}

static enum infra__resp_event line_byte(struct infra__resp *r, unsigned char c)
{
    if (c == '\n') {
        return fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    }
    if (c == '\r') {
        r->state = LINE_LF;
    } else {
        keep(&r->value, c);
    }
    return INFRA__RESP_MORE;
}

static void bulk_byte(struct infra__resp *r, unsigned char c)
{
    keep(&r->value, c);
    if (--r->bulk_left == 0) {
        r->state = BULK_CR;
    }
}

enum infra__resp_event infra__resp_byte(struct infra__resp *r, unsigned char c)
{
    if (r->state != BAD && ++r->bytes_count > INFRA__RESP_BYTES_MAX) {
        return fail(r, INFRA_PROBE_REASON_REPLY_TOO_LONG);
    }
    switch (r->state) {
    case TYPE:
        return type_byte(r, c);
    case LINE:
        return line_byte(r, c);
    case NUMBER:
        return number_byte(r, c);
    case BULK:
        bulk_byte(r, c);
        return INFRA__RESP_MORE;
    case BULK_CR:
        r->state = BULK_LF;
        return c == '\r' ? INFRA__RESP_MORE
                         : fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    case LINE_LF:
    case BULK_LF:
        return c == '\n' ? value_end(r) : fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    case NUMBER_LF:
        return c == '\n' ? number_end(r)
                         : fail(r, INFRA_PROBE_REASON_BAD_REPLY);
    default:
        return INFRA__RESP_BAD;
    }
}

bool infra__resp_begins(const struct infra__resp_value *v, const char *text)
{
    size_t size = strlen(text);

    return v->text_size >= size && memcmp(v->text, text, size) == 0;
}

bool infra__resp_is(const struct infra__resp_value *v, const char *text)
{
    return infra__is_word(v->text, v->text_size, text);
}
