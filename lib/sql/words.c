/* SPDX-License-Identifier: MIT */
/* The texts of the words. slots.c tells where to find one. */
#include "lookup.h"

#define ENTRY(id, text) [WORD_##id] = { text },
const struct infra__sql_entry infra__sql_entries[WORDS_END] = {
    INFRA__SQL_WORDS(ENTRY)
};

bool infra__sql_is(const char *text, size_t length, const char *lower)
{
    for (size_t i = 0; i < length; i++) {
        if ((text[i] | 0x20) != (lower[i] | 0x20) || lower[i] == '\0') {
            return false;
        }
    }
    return lower[length] == '\0';
}

uint8_t infra__sql_last_word(const char *at, size_t length)
{
    return infra__sql_word(at, length,
                           infra__sql_up_to_eight(at, at, at + length));
}
