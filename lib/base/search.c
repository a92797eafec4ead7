/* SPDX-License-Identifier: MIT */
#include "search.h"

#include <assert.h>

/* Length of the match after @byte follows a match of @matched bytes. */
static size_t extend(const struct infra__search *s, size_t matched,
                     unsigned char byte)
{
    while (matched > 0 && s->text[matched] != byte) {
        matched = s->borders[matched - 1];
    }
    return matched + (s->text[matched] == byte);
}

void infra__search_prepare(struct infra__search *s)
{
    assert(s->size >= 1 && s->size <= INFRA__SEARCH_TEXT_MAX);
    s->borders[0] = 0;
    for (size_t i = 1; i < s->size; i++) {
        s->borders[i] = (uint8_t)extend(s, s->borders[i - 1], s->text[i]);
    }
    infra__search_start(s);
}

void infra__search_start(struct infra__search *s)
{
    s->matched = 0;
}

bool infra__search_feed(struct infra__search *s, const unsigned char *bytes,
                        size_t count)
{
    assert(s->matched < s->size);
    for (size_t i = 0; i < count; i++) {
        s->matched = extend(s, s->matched, bytes[i]);
        if (s->matched == s->size) {
            return true;
        }
    }
    return false;
}
