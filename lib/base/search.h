/* SPDX-License-Identifier: MIT */
/* Finding a text in a stream (Knuth, Morris, Pratt 1977). The state is the
 * length of the match at the stream's end, so the text is found across any
 * pieces. One byte of table per byte of text; at most two comparisons per byte
 * of stream. */
#ifndef INFRA_BASE_SEARCH_H
#define INFRA_BASE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFRA__SEARCH_TEXT_MAX 255u

struct infra__search {
    const unsigned char *text;
    uint8_t *borders; /* Of each prefix: its longest proper border. */
    size_t size;      /* 1 .. INFRA__SEARCH_TEXT_MAX */
    size_t matched;
};

/* Fill @s->borders for @s->text, and start. */
void infra__search_prepare(struct infra__search *s);

/* Start again. */
void infra__search_start(struct infra__search *s);

/* Does the text end within these bytes? Do not call again after it did. */
bool infra__search_feed(struct infra__search *s, const unsigned char *bytes,
                        size_t count);

#endif
