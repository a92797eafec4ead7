/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void infra__base64_encode(char *ret, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;

    for (size_t at = 0; at < size; at += 3, ret += 4) {
        size_t count = size - at < 3 ? size - at : 3;
        uint32_t bits = (uint32_t)p[at] << 16;

        bits |= count > 1 ? (uint32_t)p[at + 1] << 8 : 0;
        bits |= count > 2 ? (uint32_t)p[at + 2] : 0;
        ret[0] = alphabet[bits >> 18];
        ret[1] = alphabet[bits >> 12 & 63];
        ret[2] = count > 1 ? alphabet[bits >> 6 & 63] : '=';
        ret[3] = count > 2 ? alphabet[bits & 63] : '=';
    }
}

/* Six bits; 64: not in the alphabet. */
static uint32_t value(char c)
{
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

    return at != NULL ? (uint32_t)(at - alphabet) : 64;
}

/* Four characters, the last 3 - @count of them padding. */
static int decode_group(unsigned char ret[3], const char *text, size_t count)
{
    uint32_t bits = 0;

    for (size_t i = 0; i <= count; i++) {
        uint32_t v = value(text[i]);
        if (v > 63) {
            return -1;
        }
        bits |= v << (18 - 6 * i);
    }
    for (size_t i = 0; i < 3; i++) {
        ret[i] = (unsigned char)(bits >> (16 - 8 * i));
    }
    /* Unused bits are zero (RFC 4648, 3.5). */
    return (count < 2 && ret[1] != 0) || (count < 3 && ret[2] != 0) ? -1 : 0;
}

int infra__base64_decode(void *ret, size_t ret_max, const char *text,
                         size_t size)
{
    unsigned char *p = ret;
    size_t done = 0;

    if (size % 4 != 0 || size > INT_MAX) {
        return -1;
    }
    for (size_t at = 0; at < size; at += 4) {
        const char *group = text + at;
        bool is_last = at + 4 == size;
        unsigned char bytes[3];
        size_t count = 3;

        if (is_last && group[3] == '=') {
            count = group[2] == '=' ? 1 : 2;
        }
        if (decode_group(bytes, group, count) != 0 || count > ret_max - done) {
            return -1;
        }
        memcpy(p + done, bytes, count);
        done += count;
    }
    return (int)done;
}
