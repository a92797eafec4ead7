/* SPDX-License-Identifier: MIT */
/* What a command has set, for the session's journal. */
#include "mysql_settings.h"
#include "mysql_state.h"

#include <string.h>

/* Longer than any journal of a client: the session stays at its connection,
 * since a setting of it cannot be made again. */
static const char no_text[JOURNAL_SIZE + 1];

static void set(struct client *c, const char *name, const void *text,
                size_t size)
{
    (void)infra_session_journal_set(&c->session, name, strlen(name), text,
                                    size);
}

static void stay(struct client *c)
{
    set(c, "opaque", no_text, sizeof no_text);
}

static bool contains(const char *text, size_t size, const char *word)
{
    size_t length = strlen(word);

    for (size_t i = 0; i + length <= size; i++) {
        size_t n = 0;
        while (n < length && (text[i + n] & ~0x20) == word[n]) {
            n++;
        }
        if (n == length) {
            return true;
        }
    }
    return false;
}

static bool is_name(const struct mysql_setting *s, const char *name)
{
    return s->name_size == strlen(name) &&
           memcmp(s->name, name, s->name_size) == 0;
}

/* Settings that change how texts are read. */
static void note_mode(struct mysql_client *st, const struct mysql_setting *s)
{
    static const char *const unsafe[] = { "BIG", "SJIS", "GBK", "GB", "CP" };

    if (is_name(s, "sql_mode")) {
        st->sql_mode &= ~INFRA_SQL_ANSI_QUOTES;
        st->sql_mode |=
            contains(s->text, s->text_size, "ANSI") ? INFRA_SQL_ANSI_QUOTES : 0;
    } else if (is_name(s, "names") || is_name(s, "character_set_client")) {
        st->sql_mode &= ~INFRA_SQL_UNSAFE_ENCODING;
        for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
            st->sql_mode |= contains(s->text, s->text_size, unsafe[i])
                                ? INFRA_SQL_UNSAFE_ENCODING
                                : 0;
        }
    }
}

/* The assignments of a text. */
static void note_settings(struct client *c, const char *text, size_t size)
{
    struct mysql_client *st = mysql_client_of(c);
    struct mysql_settings settings;
    struct mysql_setting s;
    enum mysql_setting_kind kind;

    mysql_settings_begin(&settings, text, size,
                         (st->sql_mode & INFRA_SQL_NO_BACKSLASH_ESCAPES) != 0);
    while ((kind = mysql_settings_next(&settings, &s)) != MYSQL_SETTING_NONE) {
        if (kind == MYSQL_SETTING_OPAQUE) {
            stay(c);
            return;
        }
        if (kind == MYSQL_SETTING_VALUE) {
            note_mode(st, &s);
            (void)infra_session_journal_set(&c->session, s.name, s.name_size,
                                            s.text, s.text_size);
        }
    }
}

/* USE, or COM_INIT_DB; the server has said that it has worked. */
static void note_schema(struct client *c)
{
    struct mysql_client *st = mysql_client_of(c);

    if (mysql_schema_is(&st->schema, &st->flavor.schema)) {
        infra_session_journal_remove(&c->session, MYSQL_NAME_SCHEMA,
                                     sizeof MYSQL_NAME_SCHEMA - 1);
    } else if (st->schema.size == 0) {
        stay(c); /* It was dropped; no command does the same. */
    } else {
        set(c, MYSQL_NAME_SCHEMA, st->schema.name, st->schema.size);
    }
}

static void note_option(struct client *c)
{
    struct mysql_client *st = mysql_client_of(c);
    const unsigned char *option = link_in(&c->link) + MYSQL_HEADER_SIZE + 1;
    bool had_many = (st->flavor.capabilities & MYSQL_CAN_MULTI_STATEMENTS) != 0;

    /* 0: on; 1: off. Others are errors. */
    st->has_many = option[0] == 0;
    if (st->has_many == had_many) {
        infra_session_journal_remove(&c->session, MYSQL_NAME_OPTION,
                                     sizeof MYSQL_NAME_OPTION - 1);
    } else {
        set(c, MYSQL_NAME_OPTION, st->has_many ? "\0" : "\1", 2);
    }
}

static void note_reset(struct client *c)
{
    struct mysql_client *st = mysql_client_of(c);
    bool had_many = (st->flavor.capabilities & MYSQL_CAN_MULTI_STATEMENTS) != 0;

    mysql_statements_finish(&st->statements);
    infra_session_journal_remove(&c->session, NULL, 0);
    st->insert_id = 0;
    st->insert_version++;
    st->sql_mode = mysql_charset_is_unsafe(st->flavor.charset)
                       ? INFRA_SQL_UNSAFE_ENCODING
                       : 0;
    note_schema(c); /* The schema stays, and the option. */
    if (st->has_many != had_many) {
        set(c, MYSQL_NAME_OPTION, st->has_many ? "\0" : "\1", 2);
    }
}

/* What was executed: the text that was prepared. */
static void note_executed(struct client *c, const struct unit *unit)
{
    const struct mysql_statement *statement = mysql_unit_statement(c, unit);

    if (statement == NULL || statement->class.kind != INFRA_STATEMENT_SESSION) {
        return;
    }
    if (statement->params_count > 0) {
        stay(c);
    } else {
        note_settings(c, statement->key.bytes + statement->key.text_at,
                      statement->key.size - statement->key.text_at);
    }
}

void mysql_note(struct client *c, const struct unit *unit,
                const struct infra_session_result *result)
{
    struct mysql_client *st = mysql_client_of(c);
    bool is_use = st->has_schema_news;

    st->has_schema_news = false;
    if (is_use) {
        note_schema(c);
    }
    if (result->is_error) {
        if (unit->tag == MYSQL_COM_STMT_PREPARE) {
            mysql_statement_remove(&st->statements, st->statement_id);
        }
        return;
    }
    switch (unit->tag) {
    case MYSQL_COM_QUERY:
        if (unit->statement.kind == INFRA_STATEMENT_SESSION && !is_use &&
            (unit->statement.flags & INFRA_STATEMENT_NEXT_TRANSACTION) == 0) {
            note_settings(c, unit_text(c, unit), unit->text_size);
        }
        break;
    case MYSQL_COM_STMT_EXECUTE:
        note_executed(c, unit);
        break;
    case MYSQL_COM_SET_OPTION:
        note_option(c);
        break;
    case MYSQL_COM_RESET_CONNECTION:
        note_reset(c);
        break;
    default:
        break;
    }
}
