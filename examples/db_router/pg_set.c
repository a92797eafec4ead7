/* SPDX-License-Identifier: MIT */
#include "pg_set.h"

#include <stdio.h>
#include <string.h>

/* Words of a text, without comments: a text with one is not understood. */
struct words {
    const char *at;
    const char *end;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The next word in lower case; "": another character stands there. */
static void next_word(struct words *w, char ret[PG_SET_NAME_SIZE])
{
    size_t size = 0;

    while (w->at < w->end && pg_is_blank(*w->at)) {
        w->at++;
    }
    while (
        w->at < w->end && size < PG_SET_NAME_SIZE - 1 &&
        (is_letter(*w->at) || (size > 0 && ((*w->at >= '0' && *w->at <= '9') ||
                                            *w->at == '$' || *w->at == '.')))) {
        char c = *w->at++;
        ret[size++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    ret[size] = '\0';
}

/* Is nothing left but a semicolon? */
static bool ends(struct words *w)
{
    while (w->at < w->end && (pg_is_blank(*w->at) || *w->at == ';')) {
        w->at++;
    }
    return w->at == w->end;
}

static enum pg_change_kind read_reset(struct words *w,
                                      char name[PG_SET_NAME_SIZE])
{
    char second[PG_SET_NAME_SIZE];

    next_word(w, name);
    if (strcmp(name, "all") == 0) {
        name[0] = '\0';
    } else if (strcmp(name, "time") == 0) {
        next_word(w, second);
        (void)snprintf(name, PG_SET_NAME_SIZE, "timezone");
    } else if (strcmp(name, "session") == 0) {
        next_word(w, second);
        (void)snprintf(name, PG_SET_NAME_SIZE, "session_authorization");
    } else if (name[0] == '\0') {
        return PG_CHANGE_UNKNOWN;
    }
    return ends(w) ? PG_CHANGE_RESET : PG_CHANGE_UNKNOWN;
}

/* The value, up to the end: DEFAULT alone is a reset. */
static enum pg_change_kind read_value(struct words *w)
{
    char value[PG_SET_NAME_SIZE];
    struct words look = *w;

    next_word(&look, value);
    return strcmp(value, "default") == 0 && ends(&look) ? PG_CHANGE_RESET
                                                        : PG_CHANGE_SET;
}

static enum pg_change_kind read_set(struct words *w,
                                    char name[PG_SET_NAME_SIZE])
{
    char word[PG_SET_NAME_SIZE];
    static const struct {
        const char *word;
        const char *name;
    } special[] = { { "names", "client_encoding" },
                    { "role", "role" },
                    { "schema", "search_path" } };

    next_word(w, name);
    if (strcmp(name, "session") == 0) {
        next_word(w, name);
        if (strcmp(name, "authorization") == 0) {
            (void)snprintf(name, PG_SET_NAME_SIZE, "session_authorization");
            return read_value(w);
        }
        if (strcmp(name, "characteristics") == 0) {
            return PG_CHANGE_SET; /* Kept under this name. */
        }
    }
    if (strcmp(name, "time") == 0) {
        next_word(w, word);
        (void)snprintf(name, PG_SET_NAME_SIZE, "timezone");
        return strcmp(word, "zone") == 0 ? read_value(w) : PG_CHANGE_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (strcmp(name, special[i].word) == 0) {
            (void)snprintf(name, PG_SET_NAME_SIZE, "%s", special[i].name);
            return read_value(w);
        }
    }
    next_word(w, word);
    if (word[0] == '\0' && w->at < w->end && *w->at == '=') {
        w->at++;
    } else if (strcmp(word, "to") != 0) {
        return PG_CHANGE_UNKNOWN;
    }
    return name[0] == '\0' ? PG_CHANGE_UNKNOWN : read_value(w);
}

enum pg_change_kind pg_read_change(const char *text, size_t size,
                                   char name[PG_SET_NAME_SIZE])
{
    struct words w = { .at = text, .end = text + size };
    char word[PG_SET_NAME_SIZE];

    if (memmem(text, size, "--", 2) != NULL ||
        memmem(text, size, "/*", 2) != NULL || memchr(text, 0, size) != NULL) {
        return PG_CHANGE_UNKNOWN;
    }
    next_word(&w, word);
    if (strcmp(word, "set") == 0) {
        return read_set(&w, name);
    }
    if (strcmp(word, "reset") == 0) {
        return read_reset(&w, name);
    }
    /* DISCARD ALL is in the result; other kinds leave no settings. */
    return strcmp(word, "discard") == 0 || strcmp(word, "unlisten") == 0 ||
                   strcmp(word, "deallocate") == 0 || strcmp(word, "close") == 0
               ? PG_CHANGE_NONE
               : PG_CHANGE_UNKNOWN;
}
