/* SPDX-License-Identifier: MIT */
/* Finding a word of words.h. The first eight bytes of a name are one number; a
 * hash of it tells the only word that it can be, and one comparison whether it
 * is that. Only the rest of a longer word is compared byte by byte. */
#ifndef INFRA_SQL_LOOKUP_H
#define INFRA_SQL_LOOKUP_H

#include "words.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Folding the case sets bit 5 of each byte. Among the bytes of identifiers that
 * keeps all apart that differ by more than case. */
#define INFRA__SQL_FOLD 0x2020202020202020u

/* Padded with NUL. */
struct infra__sql_entry {
    char text[24];
};
extern const struct infra__sql_entry infra__sql_entries[WORDS_END];

/* slots.c: the only word that it can be, by a hash of its first eight bytes and
 * its length. The factor is one with which no two words meet. */
#define INFRA__SQL_WORD_BITS 11u
extern const uint64_t infra__sql_word_factor;
extern const uint8_t infra__sql_word_slots[1u << INFRA__SQL_WORD_BITS];

/* Are these bytes that lower-case text, in any case? Bytes of identifiers
 * only. */
bool infra__sql_is(const char *text, size_t length, const char *lower);

/* Eight bytes as one number, the first lowest on every machine. */
static inline uint64_t infra__sql_eight(const char *at)
{
    uint64_t bytes;

    memcpy(&bytes, at, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

/* The same of a text that goes from @from to @end, with NUL behind its end. */
static inline uint64_t infra__sql_up_to_eight(const char *at, const char *from,
                                              const char *end)
{
    size_t left = (size_t)(end - at);
    uint64_t bytes = 0;

    if (left >= 8) {
        return infra__sql_eight(at);
    }
    if (end - from >= 8 && left > 0) {
        return infra__sql_eight(end - 8) >> 8 * (8 - left);
    }
    for (size_t i = 0; i < left; i++) {
        bytes |= (uint64_t)(unsigned char)at[i] << 8 * i;
    }
    return bytes;
}

/* The slot of a name by its first eight bytes, folded. */
static inline uint32_t infra__sql_word_slot(uint64_t head, size_t length,
                                            uint64_t factor)
{
    return (uint32_t)(((head ^ length) * factor) >>
                      (64 - INFRA__SQL_WORD_BITS));
}

/* The word that is at @at, in any case; WORD_NONE. @bytes: the first eight of
 * the text there, whether they belong to it or not. */
static inline uint8_t infra__sql_word(const char *at, size_t length,
                                      uint64_t bytes)
{
    uint64_t mask = length < 8 ? ((uint64_t)1 << 8 * length) - 1 : ~(uint64_t)0;
    uint64_t fold = INFRA__SQL_FOLD & mask;
    uint64_t head = (bytes & mask) | fold;
    uint32_t slot = infra__sql_word_slot(head, length, infra__sql_word_factor);
    uint8_t word = infra__sql_word_slots[slot];
    const char *text = infra__sql_entries[word].text;

    if ((infra__sql_eight(text) | fold) != head ||
        (length > 8 && !infra__sql_is(at + 8, length - 8, text + 8))) {
        return WORD_NONE;
    }
    return word;
}

/* The same where the text ends with it. */
uint8_t infra__sql_last_word(const char *at, size_t length);

#endif
