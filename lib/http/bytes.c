/* SPDX-License-Identifier: MIT */
/* What a byte of a head may be, control characters found eight bytes at a time,
 * and lists. */
#include "internal.h"

#include "../base/characters.h"

#define K (INFRA__HTTP_TOKEN | INFRA__HTTP_TARGET | INFRA__HTTP_HOST)
#define G (INFRA__HTTP_TARGET | INFRA__HTTP_HOST)
#define U (INFRA__HTTP_TOKEN | INFRA__HTTP_TARGET)
#define T INFRA__HTTP_TARGET
#define N INFRA__HTTP_TOKEN

/* Tokens: RFC 9110 §5.6.2. Targets: all visible bytes but "#", as no fragment
 * is sent. Hosts: a reg-name of RFC 3986 §3.2.2. */
/* clang-format off */
const unsigned char infra__http_bytes[256] = {
    [0x21] = K, T, N, K, K, K, K, G, G, K, K, G, K, K, T, /* ! to / */
    [0x30] = K, K, K, K, K, K, K, K, K, K, T, G, T, G, T, T, /* 0 to ? */
    [0x40] = T, K, K, K, K, K, K, K, K, K, K, K, K, K, K, K, /* @ to O */
    [0x50] = K, K, K, K, K, K, K, K, K, K, K, T, T, T, U, K, /* P to _ */
    [0x60] = U, K, K, K, K, K, K, K, K, K, K, K, K, K, K, K, /* ` to o */
    [0x70] = K, K, K, K, K, K, K, K, K, K, K, T, U, T, K,    /* p to ~ */
};
/* clang-format on */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The highest bit of each byte that is below 0x20, or DEL; and perhaps of bytes
 * above these, which costs a second look and no more. */
static uint64_t suspects(uint64_t word)
{
    uint64_t del = word ^ EACH(0x7f);

    return ((word - EACH(0x20)) | (del - EACH(1))) & ~word & EACH(0x80);
}

size_t infra__http_text_size(const unsigned char *p, size_t size)
{
    size_t i = 0;

    while (i < size) {
        uint64_t word;
        while (size - i >= sizeof word) {
            memcpy(&word, p + i, sizeof word);
            if (suspects(word) != 0) {
                break;
            }
            i += sizeof word;
        }
        size_t end = size - i > sizeof word ? i + sizeof word : size;
        for (; i < end; i++) {
            if (infra__is_control(p[i])) {
                return i;
            }
        }
    }
    return size;
}

/* An address in brackets is only looked at for its characters. */
bool infra__http_is_host(const unsigned char *p, size_t size)
{
    size_t i = 0;

    if (size > 0 && p[0] == '[') {
        for (i = 1; i < size &&
                    (infra__hex_value(p[i]) >= 0 || p[i] == ':' || p[i] == '.');
             i++) {
        }
        if (i < 3 || i == size || p[i] != ']') {
            return false;
        }
        i++;
    } else {
        while (i < size && (infra__http_bytes[p[i]] & INFRA__HTTP_HOST) != 0) {
            i++;
        }
        if (i == 0) {
            return false;
        }
    }
    if (i < size && p[i] == ':') {
        for (i++; i < size && infra__is_digit(p[i]); i++) {
        }
    }
    return i == size;
}

bool infra__http_list_next(const unsigned char **p, const unsigned char *end,
                           const unsigned char **ret, size_t *ret_size)
{
    const unsigned char *begin = *p, *comma;

    if (begin == NULL) {
        return false;
    }
    comma = begin < end ? memchr(begin, ',', (size_t)(end - begin)) : NULL;
    *p = comma != NULL ? comma + 1 : NULL;
    end = comma != NULL ? comma : end;
    while (begin < end && infra__is_blank(*begin)) {
        begin++;
    }
    while (end > begin && infra__is_blank(end[-1])) {
        end--;
    }
    *ret = begin;
    *ret_size = (size_t)(end - begin);
    return true;
}
