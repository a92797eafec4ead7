/* SPDX-License-Identifier: MIT */
#include "begin_text.h"

#include <string.h>
#include <strings.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The next word; its size is 0 at the end, or before anything that is neither a
 * word nor blank, comma or semicolon. */
static size_t next_word(const char **at, const char *end)
{
    const char *word = *at;

    while (word < end && memchr(" \t\r\n,;", *word, 6) != NULL) {
        word++;
    }
    *at = word;
    while (word < end && is_letter(*word)) {
        word++;
    }
    return (size_t)(word - *at);
}

static bool is_one_of(const char *word, size_t size, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strlen(*words) == size && strncasecmp(*words, word, size) == 0) {
            return true;
        }
    }
    return false;
}

bool begin_text_is_plain(const char *text, size_t size)
{
    static const char *const words[] = {
        "begin",        "start",     "work",        "transaction",
        "isolation",    "level",     "read",        "only",
        "write",        "committed", "uncommitted", "repeatable",
        "serializable", "not",       "deferrable",  NULL
    };
    const char *end = text + size;
    size_t length;

    if (size > BEGIN_TEXT_MAX) {
        return false;
    }
    while ((length = next_word(&text, end)) > 0) {
        if (!is_one_of(text, length, words)) {
            return false;
        }
        text += length;
    }
    return text == end;
}

void begin_text_check(struct infra_statement *statement, const char *text,
                      size_t size)
{
    bool begins = statement->kind == INFRA_STATEMENT_BEGIN ||
                  statement->kind == INFRA_STATEMENT_BEGIN_READ_ONLY;

    if (begins && !begin_text_is_plain(text, size)) {
        statement->kind = INFRA_STATEMENT_WRITE;
    }
}

bool end_text_is_rollback(const char *text, size_t size)
{
    static const char *const words[] = { "rollback", "abort", NULL };
    size_t length = next_word(&text, text + size);

    return length > 0 && is_one_of(text, length, words);
}
