/* SPDX-License-Identifier: MIT */
/* The replies of Redis (RESP2, Redis serialization protocol specification). A
 * state machine over single bytes, so that any split gives the same result. It
 * keeps the beginning of one text and the position in each array; both are
 * limited. What servers do not send is refused: a line that ends in LF alone, a
 * plus before a number, types of RESP3. */
#ifndef INFRA_PROBE_REDIS_RESP_H
#define INFRA_PROBE_REDIS_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFRA__RESP_TEXT_MAX 255u
#define INFRA__RESP_DEPTH_MAX 4u
#define INFRA__RESP_BYTES_MAX 65536u

enum infra__resp_event {
    INFRA__RESP_MORE,
    INFRA__RESP_VALUE, /* A value is complete, or an array begins. */
    INFRA__RESP_BAD,   /* See reason. */
};

/* A value and its place in the reply. */
struct infra__resp_value {
    int64_t number;     /* ':'; '*': elements, < 0: null; '$': bytes. */
    uint32_t depth;     /* 0: the reply itself. */
    uint32_t index;     /* In its array. */
    unsigned char type; /* '+', '-', ':', '$' or '*'. */
    bool ends_reply;
    uint16_t text_size; /* Of '+', '-' and '$': bytes kept. */
    unsigned char text[INFRA__RESP_TEXT_MAX];
};

struct infra__resp {
    struct infra__resp_value value;
    uint32_t reason; /* enum infra_probe_reason, once it is bad. */
    uint32_t bytes_count;
    uint32_t depth; /* Open arrays. */
    uint32_t left[INFRA__RESP_DEPTH_MAX];
    uint32_t index[INFRA__RESP_DEPTH_MAX];
    uint32_t bulk_left;
    uint8_t state;
    bool is_negative;
    bool has_digits;
};

void infra__resp_start(struct infra__resp *r);

enum infra__resp_event infra__resp_byte(struct infra__resp *r, unsigned char c);

/* Is the value's text @text, or does it begin with @text? */
bool infra__resp_is(const struct infra__resp_value *v, const char *text);
bool infra__resp_begins(const struct infra__resp_value *v, const char *text);

#endif
