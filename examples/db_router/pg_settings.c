/* SPDX-License-Identifier: MIT */
/*
 * Settings of a session: the text of each SET is kept under the name of what it
 * sets, and sent again where the session goes on.  What is not understood pins
 * the session to its connection.
 */
#include "pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_SIZE 64u

/* A setting with this text does not fit into any journal. */
static const char too_long[JOURNAL_SIZE + 1];

void pg_settings_pin(struct client *c)
{
    (void)infra_session_journal_set(&c->session, "?", 1, too_long,
                                    sizeof too_long);
}

/* Is its value a list of names?  SET takes a quoted text for one name;
 * set_config() takes a value as the startup message has it. */
static bool is_list(const char *name)
{
    size_t size = strlen(name);

    return strcmp(name, "search_path") == 0 ||
           strcmp(name, "temp_tablespaces") == 0 ||
           (size > 18 && strcmp(name + size - 18, "_preload_libraries") == 0);
}

/* A value in quotes, with quotes and backslashes in it doubled; 0: no room. */
static size_t quote(char *to, size_t room, const char *value)
{
    size_t size = 0;

    if (room < 8) {
        return 0;
    }
    if (strchr(value, '\\') != NULL) {
        to[size++] = 'E';
    }
    to[size++] = '\'';
    for (; *value != '\0' && size + 4 < room; value++) {
        if (*value == '\'' || *value == '\\') {
            to[size++] = *value;
        }
        to[size++] = *value;
    }
    to[size++] = '\'';
    return *value == '\0' ? size : 0;
}

static void set_startup(struct client *c, const char *name, const char *value)
{
    char text[JOURNAL_SIZE];
    char key[NAME_SIZE];
    size_t name_size = strlen(name);

    if (name_size >= sizeof key) {
        pg_settings_pin(c);
        return;
    }
    for (size_t i = 0; i <= name_size; i++) {
        char ch = name[i];
        key[i] = (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
    }
    bool is_config = is_list(key);
    size_t at = (size_t)snprintf(
        text, sizeof text,
        is_config ? "SELECT pg_catalog.set_config('%s'," : "SET %s TO ", key);
    size_t quoted = quote(text + at, sizeof text - at - 16, value);
    if (quoted == 0) {
        pg_settings_pin(c);
        return;
    }
    at += quoted;
    if (is_config) {
        memcpy(text + at, ",false)", 7);
        at += 7;
    }
    (void)infra_session_journal_set(&c->session, key, name_size, text, at);
}

void pg_settings_start(struct client *c)
{
    const struct pg_client *p = pg_client(c);

    for (size_t at = 0; at < p->startup_size;) {
        const char *name = p->startup + at;
        const char *value = name + strlen(name) + 1;
        set_startup(c, name, value);
        at += strlen(name) + strlen(value) + 2;
    }
}

static bool is_unsafe(const char *encoding)
{
    static const char *const unsafe[] = { "SJIS",          "BIG5", "GBK",
                                          "GB18030",       "UHC",  "JOHAB",
                                          "SHIFT_JIS_2004" };

    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++) {
        if (strcasecmp(encoding, unsafe[i]) == 0) {
            return true;
        }
    }
    return false;
}

void pg_settings_told(struct client *c, const char *name, const char *value)
{
    struct pg_client *p = pg_client(c);

    if (strcasecmp(name, "client_encoding") == 0) {
        p->sql_mode &= ~INFRA_SQL_UNSAFE_ENCODING;
        p->sql_mode |= is_unsafe(value) ? INFRA_SQL_UNSAFE_ENCODING : 0;
    } else if (strcasecmp(name, "standard_conforming_strings") == 0) {
        p->sql_mode &= ~INFRA_SQL_BACKSLASH_ESCAPES;
        p->sql_mode |=
            strcasecmp(value, "on") == 0 ? 0 : INFRA_SQL_BACKSLASH_ESCAPES;
    }
}

/* Words of a text, without comments: a text with one is not understood. */
struct words {
    const char *at;
    const char *end;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The next word in lower case; "": another character stands there. */
static void next_word(struct words *w, char ret[NAME_SIZE])
{
    size_t size = 0;

    while (w->at < w->end && is_blank(*w->at)) {
        w->at++;
    }
    while (
        w->at < w->end && size < NAME_SIZE - 1 &&
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
    while (w->at < w->end && (is_blank(*w->at) || *w->at == ';')) {
        w->at++;
    }
    return w->at == w->end;
}

enum change {
    CHANGE_UNKNOWN,
    CHANGE_NONE,
    CHANGE_SET,   /* `name` is set by the text. */
    CHANGE_RESET, /* `name` is back; "": all. */
};

static enum change read_reset(struct words *w, char name[NAME_SIZE])
{
    char second[NAME_SIZE];

    next_word(w, name);
    if (strcmp(name, "all") == 0) {
        name[0] = '\0';
    } else if (strcmp(name, "time") == 0) {
        next_word(w, second);
        (void)snprintf(name, NAME_SIZE, "timezone");
    } else if (strcmp(name, "session") == 0) {
        next_word(w, second);
        (void)snprintf(name, NAME_SIZE, "session_authorization");
    } else if (name[0] == '\0') {
        return CHANGE_UNKNOWN;
    }
    return ends(w) ? CHANGE_RESET : CHANGE_UNKNOWN;
}

/* The value, up to the end: DEFAULT alone is a reset. */
static enum change read_value(struct words *w)
{
    char value[NAME_SIZE];
    struct words look = *w;

    next_word(&look, value);
    return strcmp(value, "default") == 0 && ends(&look) ? CHANGE_RESET
                                                        : CHANGE_SET;
}

static enum change read_set(struct words *w, char name[NAME_SIZE])
{
    char word[NAME_SIZE];
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
            (void)snprintf(name, NAME_SIZE, "session_authorization");
            return read_value(w);
        }
        if (strcmp(name, "characteristics") == 0) {
            return CHANGE_SET; /* Kept under this name. */
        }
    }
    if (strcmp(name, "time") == 0) {
        next_word(w, word);
        (void)snprintf(name, NAME_SIZE, "timezone");
        return strcmp(word, "zone") == 0 ? read_value(w) : CHANGE_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (strcmp(name, special[i].word) == 0) {
            (void)snprintf(name, NAME_SIZE, "%s", special[i].name);
            return read_value(w);
        }
    }
    next_word(w, word);
    if (word[0] == '\0' && w->at < w->end && *w->at == '=') {
        w->at++;
    } else if (strcmp(word, "to") != 0) {
        return CHANGE_UNKNOWN;
    }
    return name[0] == '\0' ? CHANGE_UNKNOWN : read_value(w);
}

/* What a text of kind SESSION changes. */
static enum change read_change(const char *text, size_t size,
                               char name[NAME_SIZE])
{
    struct words w = { .at = text, .end = text + size };
    char word[NAME_SIZE];

    if (memmem(text, size, "--", 2) != NULL ||
        memmem(text, size, "/*", 2) != NULL || memchr(text, 0, size) != NULL) {
        return CHANGE_UNKNOWN;
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
               ? CHANGE_NONE
               : CHANGE_UNKNOWN;
}

/* As at the start: the settings of the startup message. */
static void start_again(struct client *c)
{
    infra_session_journal_remove(&c->session, NULL, 0);
    pg_settings_start(c);
    c->spoils = true;
}

/* Inside a transaction a rollback may undo it: its own text makes it again. */
static void note_reset(struct client *c, const char *name, const char *text,
                       size_t size)
{
    const struct pg_client *p = pg_client(c);
    bool is_open = c->transaction != INFRA_SESSION_TRANSACTION_NONE;

    if (is_open && name[0] == '\0') {
        pg_settings_pin(c);
    } else if (is_open) {
        (void)infra_session_journal_set(&c->session, name, strlen(name), text,
                                        size);
    } else if (name[0] == '\0') {
        start_again(c);
    } else {
        infra_session_journal_remove(&c->session, name, strlen(name));
        /* The value of the startup message, if it has one. */
        for (size_t at = 0; at < p->startup_size;) {
            const char *other = p->startup + at;
            const char *value = other + strlen(other) + 1;
            if (strcasecmp(other, name) == 0) {
                set_startup(c, other, value);
            }
            at += strlen(other) + strlen(value) + 2;
        }
        c->spoils = true;
    }
}

static void note_setting(struct client *c, const char *text, size_t size)
{
    char name[NAME_SIZE] = "";

    while (size > 0 && (is_blank(text[size - 1]) || text[size - 1] == ';')) {
        size--;
    }
    switch (read_change(text, size, name)) {
    case CHANGE_NONE:
        break;
    case CHANGE_SET:
        (void)infra_session_journal_set(&c->session, name, strlen(name), text,
                                        size);
        break;
    case CHANGE_RESET:
        note_reset(c, name, text, size);
        break;
    case CHANGE_UNKNOWN:
    default:
        pg_settings_pin(c);
        break;
    }
}

/* The text of a unit of kind SESSION. */
static const char *session_text(const struct client *c, const struct unit *unit,
                                size_t *ret_size)
{
    const struct pg_client *p = pg_client(c);
    const unsigned char *body = unit->tag == 'Q' ? NULL
                                : p->session_text != NULL
                                    ? p->session_text->body
                                    : p->unnamed.body;

    if (body == NULL) {
        *ret_size = unit->text_size;
        return unit_text(c, unit);
    }
    *ret_size = strlen((const char *)body);
    return (const char *)body;
}

void pg_note(struct client *c, const struct unit *unit,
             const struct infra_session_result *result)
{
    struct pg_client *p = pg_client(c);
    bool has_set = p->has_set;
    uint8_t kind = unit->statement.kind;
    size_t size;

    pg_group_end(c);
    p->has_set = false;
    if (p->has_deallocated) {
        pg_names_clear(worker_state(c->link.worker), &p->names);
        p->has_deallocated = false;
    }
    if (result->is_reset) {
        start_again(c);
        return;
    }
    if (kind == INFRA_STATEMENT_SESSION && unit->statement.count == 1) {
        if (!result->is_error) {
            const char *text = session_text(c, unit, &size);
            note_setting(c, text, size);
        }
    } else if (has_set && kind != INFRA_STATEMENT_LOCAL &&
               kind != INFRA_STATEMENT_END &&
               kind != INFRA_STATEMENT_SAVEPOINT) {
        pg_settings_pin(c); /* Within a function, or one of several. */
    }
}

static void append(struct link *l, size_t *size, const char *text,
                   size_t text_size)
{
    link_put(l, text, text_size);
    *size += text_size;
}

/* One Query of all texts, as one transaction; its length is known last. */
static void put_settings(struct server *s, const struct client *c, bool reset)
{
    static const char undo[] = "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;";
    struct infra_session_setting setting;
    uint32_t cursor = 0;
    size_t size = reset ? sizeof undo - 1 : 0;

    while (infra_session_journal_next(&c->session, &cursor, &setting) ==
           INFRA_OK) {
        size += setting.length + 2;
    }
    pg_put_header(&s->link, 'Q', size + 1);
    size = 0;
    if (reset) {
        append(&s->link, &size, undo, sizeof undo - 1);
    }
    cursor = 0;
    while (infra_session_journal_next(&c->session, &cursor, &setting) ==
           INFRA_OK) {
        append(&s->link, &size, setting.text, setting.length);
        append(&s->link, &size, "\n;", 2);
    }
    link_put(&s->link, "", 1);
}

bool pg_adopt(struct server *s, struct client *c, bool reset)
{
    struct pg_server *p = pg_server(s);

    p->unnamed_client = 0;
    if (c == NULL) {
        if (p->is_in_transaction) {
            pg_put_query(&s->link, "ROLLBACK");
        }
        pg_put_query(&s->link, "DISCARD ALL");
        p->ready_left = p->is_in_transaction ? 2 : 1;
        p->is_in_transaction = false;
        pg_prepared_clear(&p->prepared);
        return true;
    }
    put_settings(s, c, reset);
    p->ready_left = 1;
    return true;
}

void pg_begin(struct server *s, struct client *c)
{
    (void)c;
    pg_put_query(&s->link, "BEGIN");
    pg_server(s)->begin_left = 1;
}
