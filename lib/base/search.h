/* SPDX-License-Identifier: MIT */
/* Finding a text in a stream (Knuth, Morris, Pratt 1977): how much of the text
 * the stream's end matches is the whole state, so that it is found across any
 * pieces. One byte of table a byte of text; two comparisons a byte of stream at
 * most. */
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

/* Fill @s->borders for @s->text and begin. */
void infra__search_prepare(struct infra__search *s);

/* Begin anew. */
void infra__search_start(struct infra__search *s);

/* Does the text end within these bytes? Not to be asked again once it did. */
bool infra__search_feed(struct infra__search *s, const unsigned char *bytes,
                        size_t count);

#endif
