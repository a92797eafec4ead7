/* SPDX-License-Identifier: MIT */
/*
 * Settings of a session: the text of each SET is kept under the name of what it
 * sets, and sent again where the session goes on.  What is not understood pins
 * the session to its connection.
 */
#include "pg.h"
#include "pg_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
    char key[PG_SET_NAME_SIZE];
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
    char name[PG_SET_NAME_SIZE] = "";

    while (size > 0 && (pg_is_blank(text[size - 1]) || text[size - 1] == ';')) {
        size--;
    }
    switch (pg_read_change(text, size, name)) {
    case PG_CHANGE_NONE:
        break;
    case PG_CHANGE_SET:
        (void)infra_session_journal_set(&c->session, name, strlen(name), text,
                                        size);
        break;
    case PG_CHANGE_RESET:
        note_reset(c, name, text, size);
        break;
    case PG_CHANGE_UNKNOWN:
    default:
        pg_settings_pin(c);
        break;
    }
}

/* The text of a unit of kind SESSION. */
const char *pg_unit_text(const struct client *c, const struct unit *unit,
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
            const char *text = pg_unit_text(c, unit, &size);
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
