/* SPDX-License-Identifier: MIT */
/* Version 1 of the PROXY protocol: a line (proxy-protocol.txt, section 2.1). */
#include "internal.h"

#include "../base/characters.h"

#include <string.h>

#define WORDS 6u /* PROXY TCP4 source destination port port */

struct word {
    const char *text;
    size_t size;
};

/* Words with one blank between them; their number, 0: not that. */
static size_t split(const char *line, size_t size, struct word words[WORDS])
{
    size_t count = 0, begin = 0;

    for (size_t i = 0; i <= size; i++) {
        if (i < size && line[i] != ' ') {
            continue;
        }
        if (i == begin || count == WORDS) {
            return 0;
        }
        words[count++] = (struct word) { line + begin, i - begin };
        begin = i + 1;
    }
    return count;
}

static bool is_word(const struct word *w, const char *text)
{
    return w->size == strlen(text) && memcmp(w->text, text, w->size) == 0;
}

static bool read_port(const struct word *w, uint16_t *ret)
{
    uint32_t n = 0;

    if (w->size > 5 || (w->size > 1 && w->text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < w->size; i++) {
        if (!infra__is_digit((unsigned char)w->text[i])) {
            return false;
        }
        n = n * 10 + (uint32_t)(w->text[i] - '0');
    }
    *ret = (uint16_t)n;
    return n <= UINT16_MAX;
}

/* A colon makes the family: ::ffff:1.2.3.4 is a text of TCP6. */
static bool read_address(const struct word *w, bool is_ipv4,
                         struct infra_address *ret)
{
    return (memchr(w->text, ':', w->size) == NULL) == is_ipv4 &&
           infra_address_parse(w->text, w->size, ret) == INFRA_OK;
}

static int read_line(const char *line, size_t size,
                     struct infra_proxy_header *h)
{
    struct word words[WORDS];
    bool is_ipv4;

    /* "UNKNOWN": all up to the end of the line is ignored. */
    if (size >= 13 && memcmp(line, "PROXY UNKNOWN", 13) == 0 &&
        (size == 13 || line[13] == ' ')) {
        h->family = INFRA_PROXY_FAMILY_UNKNOWN;
        return INFRA_OK;
    }
    if (split(line, size, words) != WORDS) {
        return INFRA_PROXY_FLAW_LINE;
    }
    if (is_word(&words[1], "TCP4")) {
        h->family = INFRA_PROXY_FAMILY_TCP4;
        is_ipv4 = true;
    } else if (is_word(&words[1], "TCP6")) {
        h->family = INFRA_PROXY_FAMILY_TCP6;
        is_ipv4 = false;
    } else {
        return INFRA_PROXY_FLAW_FAMILY;
    }
    if (!read_address(&words[2], is_ipv4, &h->source) ||
        !read_address(&words[3], is_ipv4, &h->destination)) {
        return INFRA_PROXY_FLAW_ADDRESS;
    }
    if (!read_port(&words[4], &h->source_port) ||
        !read_port(&words[5], &h->destination_port)) {
        return INFRA_PROXY_FLAW_PORT;
    }
    h->has_addresses = 1;
    return INFRA_OK;
}

int infra__proxy_read_v1(const struct infra_proxy_options *options,
                         const unsigned char *bytes, size_t size,
                         struct infra_proxy_header *ret)
{
    struct infra_proxy_header h = { .version = 1 };
    size_t max = INFRA_PROXY_V1_MAX;

    max = options->size_max < max ? options->size_max : max;
    size_t there = size < max ? size : max;
    const unsigned char *end = memchr(bytes, '\n', there);
    if (end == NULL) {
        return size < max ? INFRA_EAGAIN : INFRA_PROXY_FLAW_SIZE;
    }
    size_t length = (size_t)(end - bytes);
    if (length == 0 || end[-1] != '\r' ||
        memchr(bytes, '\r', length - 1) != NULL) {
        return INFRA_PROXY_FLAW_LINE;
    }
    int err = read_line((const char *)bytes, length - 1, &h);
    if (err == INFRA_OK) {
        h.size = (uint32_t)length + 1;
        h.tlvs_at = h.size;
        *ret = h;
    }
    return err;
}
