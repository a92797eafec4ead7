/* SPDX-License-Identifier: MIT */
/* Looking up a word: among those of its first letter and length. */
#include "lexer.h"

struct entry {
    char text[20];
};

#define ENTRY(id, text) [WORD_##id] = { text },
static const struct entry entries[] = { INFRA__SQL_WORDS(ENTRY) };

/* Row: the first letter; column: a length from 2 on; the first word that is not
 * before such a one. So the words of one letter and length are those up to the
 * next column's. test_words.c finds each word by it. */
#define LENGTH_MIN 2u
#define LENGTH_MAX 19u
/* clang-format off */
static const uint8_t firsts[26][LENGTH_MAX - LENGTH_MIN + 2] = {
    { 1, 2, 5, 5, 8, 8, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11 },
    { 11, 12, 12, 12, 13, 14, 15, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16 },
    { 16, 16, 16, 20, 26, 29, 34, 35, 37, 39, 40, 40, 40, 40, 41, 41, 41, 41, 41 },
    { 41, 42, 42, 44, 44, 45, 48, 50, 51, 52, 52, 52, 52, 52, 52, 52, 52, 52, 52 },
    { 52, 52, 53, 54, 54, 58, 61, 62, 62, 62, 62, 62, 62, 62, 62, 62, 62, 62, 62 },
    { 62, 62, 63, 65, 68, 71, 71, 72, 72, 72, 72, 72, 72, 72, 72, 72, 72, 72, 72 },
    { 72, 72, 73, 73, 75, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77 },
    { 77, 77, 77, 79, 79, 80, 81, 81, 81, 81, 81, 81, 81, 81, 81, 81, 81, 81, 81 },
    { 81, 82, 82, 83, 84, 86, 88, 88, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90 },
    { 90, 90, 90, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91 },
    { 91, 91, 92, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94, 94 },
    { 94, 94, 94, 97, 99, 100, 101, 101, 101, 101, 101, 101, 101, 101, 101, 101, 101, 101, 101 },
    { 101, 101, 101, 102, 103, 103, 103, 103, 103, 103, 103, 104, 104, 104, 104, 104, 104, 104, 104 },
    { 104, 105, 106, 107, 108, 109, 110, 110, 110, 110, 110, 110, 110, 110, 110, 110, 110, 110, 110 },
    { 110, 112, 113, 115, 116, 117, 117, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118, 118 },
    { 118, 118, 118, 118, 119, 119, 122, 125, 127, 129, 129, 130, 130, 130, 130, 130, 130, 130, 130 },
    { 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130 },
    { 130, 130, 131, 132, 133, 137, 142, 145, 146, 147, 147, 147, 147, 147, 147, 147, 147, 147, 147 },
    { 147, 147, 148, 152, 155, 161, 164, 166, 168, 168, 168, 169, 169, 169, 169, 169, 169, 169, 170 },
    { 170, 171, 171, 173, 174, 175, 175, 177, 178, 178, 180, 180, 180, 180, 180, 180, 180, 180, 180 },
    { 180, 180, 181, 181, 183, 185, 185, 186, 187, 187, 187, 187, 187, 187, 187, 187, 187, 187, 187 },
    { 187, 187, 187, 187, 188, 190, 191, 191, 192, 192, 192, 192, 192, 192, 192, 192, 192, 192, 192 },
    { 192, 192, 192, 196, 198, 199, 199, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200 },
    { 200, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201 },
    { 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201 },
    { 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201 },
};
/* clang-format on */

/* Bytes of identifiers only: there, setting bit 5 folds the case and keeps all
 * else apart. */
bool infra__sql_is(const char *text, uint32_t length, const char *lower)
{
    for (uint32_t i = 0; i < length; i++) {
        if ((text[i] | 0x20) != (lower[i] | 0x20) || lower[i] == '\0') {
            return false;
        }
    }
    return lower[length] == '\0';
}

uint8_t infra__sql_word(const char *text, uint32_t length)
{
    unsigned letter = (unsigned)(((unsigned char)text[0] | 0x20u) - 'a');

    if (length < LENGTH_MIN || length > LENGTH_MAX || letter > 25) {
        return WORD_NONE;
    }
    const uint8_t *first = &firsts[letter][length - LENGTH_MIN];
    char second = (char)(text[1] | 0x20);
    for (uint8_t w = first[0]; w < first[1]; w++) {
        if (entries[w].text[1] == second &&
            infra__sql_is(text, length, entries[w].text)) {
            return w;
        }
    }
    return WORD_NONE;
}
