/* SPDX-License-Identifier: MIT */
#include "mysql_words.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

/* Behind a comment at @p that is not executed; NULL: there is none. */
static const char *skip_comment(const char *p, const char *end)
{
    size_t left = (size_t)(end - p);
    bool is_line = *p == '#' || (left >= 2 && p[0] == '-' && p[1] == '-' &&
                                 (left == 2 || is_space(p[2])));

    if (is_line) {
        const char *line = memchr(p, '\n', left);
        return line == NULL ? end : line + 1;
    }
    if (left < 4 || p[0] != '/' || p[1] != '*' || p[2] == '!' ||
        (p[2] == 'M' && p[3] == '!')) {
        return NULL;
    }
    for (p += 2; end - p >= 2; p++) {
        if (p[0] == '*' && p[1] == '/') {
            return p + 2;
        }
    }
    return NULL;
}

/* Behind the quoted text that begins at @p; NULL: it is open. */
static const char *skip_quoted(const char *p, const char *end, bool escapes)
{
    char quote = *p++;

    escapes = escapes && quote != '`';
    while (p < end) {
        bool is_pair = end - p >= 2 && ((*p == quote && p[1] == quote) ||
                                        (*p == '\\' && escapes));
        if (*p == quote && !is_pair) {
            return p + 1;
        }
        p += is_pair ? 2 : 1;
    }
    return NULL;
}

static struct mysql_token token(int kind, const char *at, const char *behind)
{
    struct mysql_token t = { .at = at, .size = (size_t)(behind - at) };

    t.kind = kind;
    return t;
}

static struct mysql_token symbol(const char *p, const char *end)
{
    switch (*p) {
    case '=':
        return token(MYSQL_TOKEN_EQUAL, p, p + 1);
    case ',':
        return token(MYSQL_TOKEN_COMMA, p, p + 1);
    case '.':
        return token(MYSQL_TOKEN_DOT, p, p + 1);
    case ';':
        return token(MYSQL_TOKEN_SEMICOLON, p, p + 1);
    case ':':
        return end - p >= 2 && p[1] == '=' ? token(MYSQL_TOKEN_EQUAL, p, p + 2)
                                           : token(MYSQL_TOKEN_OTHER, p, p + 1);
    case '@':
        return end - p >= 2 && p[1] == '@' ? token(MYSQL_TOKEN_SYSTEM, p, p + 2)
                                           : token(MYSQL_TOKEN_USER, p, p + 1);
    default:
        return token(MYSQL_TOKEN_OTHER, p, p + 1);
    }
}

static struct mysql_token read_token(const char *p, const char *end,
                                     bool is_backslash_plain)
{
    const char *behind = p;

    if (p == end) {
        return token(MYSQL_TOKEN_END, p, p);
    }
    if (*p == '\'' || *p == '"' || *p == '`') {
        behind = skip_quoted(p, end, !is_backslash_plain);
        if (behind == NULL) {
            return token(MYSQL_TOKEN_OTHER, p, end);
        }
        return token(*p == '`' ? MYSQL_TOKEN_WORD : MYSQL_TOKEN_STRING, p,
                     behind);
    }
    while (behind < end && is_word(*behind)) {
        behind++;
    }
    return behind > p ? token(MYSQL_TOKEN_WORD, p, behind) : symbol(p, end);
}

struct mysql_token mysql_next_token(const char **at, const char *end,
                                    bool is_backslash_plain)
{
    const char *p = *at;

    while (p < end) {
        const char *behind = is_space(*p) ? p + 1 : skip_comment(p, end);
        if (behind == NULL) {
            break;
        }
        p = behind;
    }
    struct mysql_token t = read_token(p, end, is_backslash_plain);
    *at = t.at + t.size;
    return t;
}

bool mysql_token_is(const struct mysql_token *t, const char *word)
{
    if (t->kind != MYSQL_TOKEN_WORD || strlen(word) != t->size) {
        return false;
    }
    for (size_t i = 0; i < t->size; i++) {
        char c = t->at[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (c != word[i]) {
            return false;
        }
    }
    return true;
}
