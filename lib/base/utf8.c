/* SPDX-License-Identifier: MIT */
#include "utf8.h"

/* Number of bytes that follow, and the range of the first of them: RFC 3629,
 * section 4. */
struct lead {
    size_t follow;
    unsigned char min;
    unsigned char max;
};

static bool lead_of(unsigned char c, struct lead *ret)
{
    *ret = (struct lead) { .follow = 0, .min = 0x80, .max = 0xbf };
    if (c < 0x80) {
        return true;
    }
    if (c < 0xc2 || c > 0xf4) {
        return false;
    }
    ret->follow = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if (c == 0xe0) {
        ret->min = 0xa0;
    } else if (c == 0xed) {
        ret->max = 0x9f;
    } else if (c == 0xf0) {
        ret->min = 0x90;
    } else if (c == 0xf4) {
        ret->max = 0x8f;
    }
    return true;
}

bool infra__is_utf8(const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    struct lead lead;

    for (size_t at = 0; at < size; at += 1 + lead.follow) {
        if (!lead_of(p[at], &lead) || lead.follow >= size - at) {
            return false;
        }
        for (size_t i = 1; i <= lead.follow; i++) {
            unsigned char min = i == 1 ? lead.min : 0x80;
            unsigned char max = i == 1 ? lead.max : 0xbf;
            if (p[at + i] < min || p[at + i] > max) {
                return false;
            }
        }
    }
    return true;
}
