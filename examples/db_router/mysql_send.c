/* SPDX-License-Identifier: MIT */
/* A unit, and what has to come before it at a connection: settings, a BEGIN
 * that was held back, LAST_INSERT_ID(), the statement that it executes. Each
 * step waits for the answer of the one before, since a statement must not run
 * without it. */
#include "mysql_state.h"

#include <stdio.h>
#include <string.h>

#define BIT(doing) (1u << (doing))

/* A command with a text. */
static void put_command(struct server *s, uint8_t command, const void *text,
                        size_t size)
{
    struct mysql_writer w = mysql_room(&s->link, MYSQL_HEADER_SIZE + 1 + size);

    mysql_write_command(&w, command, text, size);
}

static void put_schema(struct server *s, const void *name, size_t size)
{
    put_command(s, MYSQL_COM_INIT_DB, name, size);
}

/* What follows is answered as @expect. */
static void expect(struct server *s, const struct client *c,
                   enum mysql_doing doing, uint32_t expect)
{
    struct mysql_server *st = mysql_server_of(s);
    struct mysql_answer_setup setup = {
        .capabilities = st->capabilities,
        .expect = expect,
        .position_kind = s->protocol->position_kind,
        .epoch = c != NULL ? c->verdict.token : 0,
    };

    if (c != NULL && doing == MYSQL_DOING_UNIT) {
        const struct mysql_client *client = mysql_client_of(c);
        setup.client_id = client->statement_id;
        setup.is_plain = (client->capabilities & MYSQL_CAN_SESSION_TRACK) == 0;
    }
    st->doing = (uint8_t)doing;
    mysql_answer_begin(&st->answer, &setup);
}

/* Undo what was set: how many answers that has. */
static uint32_t put_reset(struct server *s)
{
    struct mysql_server *st = mysql_server_of(s);
    uint32_t count = 2;

    put_command(s, MYSQL_COM_RESET_CONNECTION, NULL, 0);
    mysql_cache_finish(&st->cache);
    st->insert_client = st->insert_version = 0;
    mysql_put_track(s);
    st->needs_track = false;
    if (!mysql_schema_is(&st->schema, &st->flavor.schema)) {
        if (st->flavor.schema.size == 0) {
            s->link.broken = true; /* No command goes back to none. */
        }
        put_schema(s, st->flavor.schema.name, st->flavor.schema.size);
        st->schema = st->flavor.schema;
        count++;
    }
    bool has_many = (st->flavor.capabilities & MYSQL_CAN_MULTI_STATEMENTS) != 0;
    if (st->has_many != has_many) {
        put_command(s, MYSQL_COM_SET_OPTION, has_many ? "\0" : "\1", 2);
        st->has_many = has_many;
        count++;
    }
    return count;
}

static bool is_name(const struct infra_session_setting *s, const char *name)
{
    return s->name_length == strlen(name) &&
           memcmp(s->name, name, s->name_length) == 0;
}

static void put_setting(struct server *s,
                        const struct infra_session_setting *setting)
{
    struct mysql_server *st = mysql_server_of(s);

    if (is_name(setting, MYSQL_NAME_SCHEMA)) {
        put_schema(s, setting->text, setting->length);
        mysql_set_schema(&st->schema, setting->text, setting->length);
    } else if (is_name(setting, MYSQL_NAME_OPTION)) {
        put_command(s, MYSQL_COM_SET_OPTION, setting->text, setting->length);
        st->has_many = setting->text[0] == '\0';
    } else {
        put_command(s, MYSQL_COM_QUERY, setting->text, setting->length);
    }
}

bool mysql_adopt(struct server *s, struct client *c, bool reset)
{
    struct mysql_server *st = mysql_server_of(s);
    struct infra_session_setting setting;
    uint32_t cursor = 0;
    uint32_t count = reset || c == NULL ? put_reset(s) : 0;

    while (c != NULL && infra_session_journal_next(&c->session, &cursor,
                                                   &setting) == INFRA_OK) {
        put_setting(s, &setting);
        count++;
    }
    st->answers_left = count;
    if (count > 0) {
        expect(s, NULL, MYSQL_DOING_ADOPT, MYSQL_EXPECT_OK);
    }
    return count > 0 && !s->link.broken;
}

void mysql_begin(struct server *s, struct client *c)
{
    (void)c;
    mysql_server_of(s)->todo |= BIT(MYSQL_DOING_BEGIN);
}

struct mysql_statement *mysql_unit_statement(const struct client *c,
                                             const struct unit *unit)
{
    const struct mysql_client *st = mysql_client_of(c);

    return unit->tag == MYSQL_COM_STMT_PREPARE ||
                   unit->tag == MYSQL_COM_STMT_EXECUTE
               ? mysql_statement_find(&st->statements, st->statement_id)
               : NULL;
}

/* Is the schema of the statement, at its preparation, that of now? */
static bool has_schema(const struct mysql_server *st,
                       const struct mysql_key *key)
{
    struct mysql_schema schema;

    mysql_set_schema(&schema, key->bytes, key->text_at - 1);
    return mysql_schema_is(&schema, &st->schema);
}

/* The steps of an EXECUTE whose text is not prepared here. */
static uint32_t prepare_steps(struct server *s, const struct client *c,
                              const struct unit *unit)
{
    struct mysql_server *st = mysql_server_of(s);
    const struct mysql_statement *statement = mysql_unit_statement(c, unit);

    if (unit->tag != MYSQL_COM_STMT_EXECUTE || statement == NULL ||
        mysql_cache_find(&st->cache, &statement->key) != NULL) {
        return 0;
    }
    if (has_schema(st, &statement->key) || statement->key.text_at == 1) {
        return BIT(MYSQL_DOING_PREPARE);
    }
    return BIT(MYSQL_DOING_SCHEMA) | BIT(MYSQL_DOING_PREPARE) |
           (st->schema.size > 0 ? BIT(MYSQL_DOING_SCHEMA_BACK) : 0);
}

bool mysql_send(struct server *s, struct client *c, const struct unit *unit)
{
    struct mysql_server *st = mysql_server_of(s);
    const struct mysql_client *client = mysql_client_of(c);

    st->todo |= BIT(MYSQL_DOING_UNIT) | prepare_steps(s, c, unit);
    if (st->needs_track) {
        st->todo |= BIT(MYSQL_DOING_TRACK);
    }
    if (client->wants_insert_id &&
        (st->insert_client != c->serial ||
         st->insert_version != client->insert_version)) {
        st->todo |= BIT(MYSQL_DOING_INSERT_ID);
    }
    return st->doing == MYSQL_DOING_NOTHING && mysql_next_step(s, c, unit);
}

static void put_insert_id(struct server *s, const struct client *c)
{
    struct mysql_server *st = mysql_server_of(s);
    const struct mysql_client *client = mysql_client_of(c);
    char text[64];
    int size = snprintf(text, sizeof text, "SET last_insert_id=%llu",
                        (unsigned long long)client->insert_id);

    put_command(s, MYSQL_COM_QUERY, text, (size_t)size);
    st->insert_client = c->serial;
    st->insert_version = client->insert_version;
}

/* True: the bytes of the unit are to be sent as they are. */
static bool put_unit(struct server *s, struct client *c,
                     const struct unit *unit)
{
    struct mysql_server *st = mysql_server_of(s);
    static const struct {
        uint8_t command;
        uint8_t expect;
    } answers[] = {
        { MYSQL_COM_QUERY, MYSQL_EXPECT_RESULTS },
        { MYSQL_COM_STMT_EXECUTE, MYSQL_EXPECT_RESULTS },
        { MYSQL_COM_STMT_PREPARE, MYSQL_EXPECT_PREPARED },
        { MYSQL_COM_FIELD_LIST, MYSQL_EXPECT_FIELDS },
        { MYSQL_COM_STATISTICS, MYSQL_EXPECT_TEXT },
    };
    uint32_t kind = MYSQL_EXPECT_OK;

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        kind = answers[i].command == unit->tag ? answers[i].expect : kind;
    }
    expect(s, c, MYSQL_DOING_UNIT, kind);
    const struct mysql_statement *statement = mysql_unit_statement(c, unit);
    if (unit->tag != MYSQL_COM_STMT_EXECUTE || statement == NULL) {
        return true;
    }
    const struct mysql_prepared *prepared =
        mysql_cache_find(&st->cache, &statement->key);
    struct mysql_text payload = { link_in(&c->link) + MYSQL_HEADER_SIZE,
                                  unit->size - MYSQL_HEADER_SIZE };
    struct mysql_writer w = { .size_max =
                                  mysql_statement_size(statement, payload) };
    w.bytes = prepared != NULL ? link_room(&s->link, w.size_max) : NULL;
    if (w.bytes == NULL) {
        s->link.broken = true;
        return false;
    }
    mysql_statement_write(statement, payload, prepared->id, &w);
    if (w.is_bad) {
        s->link.broken = true;
        return false;
    }
    s->link.out.end -= w.size_max - w.size; /* Types that were there. */
    return false;
}

/* Prepare the statement of the unit, or use its schema. */
static void put_statement(struct server *s, const struct client *c,
                          const struct unit *unit, uint32_t doing)
{
    const struct mysql_statement *statement = mysql_unit_statement(c, unit);

    if (statement == NULL) { /* Its steps are not begun without it. */
        s->link.broken = true;
        return;
    }
    const struct mysql_key *key = &statement->key;
    if (doing == MYSQL_DOING_SCHEMA) {
        put_schema(s, key->bytes, key->text_at - 1);
    } else {
        put_command(s, MYSQL_COM_STMT_PREPARE, key->bytes + key->text_at,
                    key->size - key->text_at);
    }
}

static void put_begin(struct server *s, const struct mysql_client *client)
{
    put_command(s, MYSQL_COM_QUERY, client->begin, client->begin_size);
}

bool mysql_next_step(struct server *s, struct client *c,
                     const struct unit *unit)
{
    struct mysql_server *st = mysql_server_of(s);
    uint32_t doing = MYSQL_DOING_TRACK;

    while ((st->todo & BIT(doing)) == 0) {
        doing++;
    }
    st->todo &= ~BIT(doing);
    switch (doing) {
    case MYSQL_DOING_TRACK:
        st->needs_track = false;
        mysql_put_track(s);
        break;
    case MYSQL_DOING_BEGIN:
        put_begin(s, mysql_client_of(c));
        break;
    case MYSQL_DOING_INSERT_ID:
        put_insert_id(s, c);
        break;
    case MYSQL_DOING_SCHEMA:
        put_statement(s, c, unit, doing);
        break;
    case MYSQL_DOING_SCHEMA_BACK:
        put_schema(s, st->schema.name, st->schema.size);
        break;
    case MYSQL_DOING_PREPARE:
        put_statement(s, c, unit, doing);
        expect(s, c, MYSQL_DOING_PREPARE, MYSQL_EXPECT_PREPARED);
        return false;
    default:
        return put_unit(s, c, unit);
    }
    expect(s, c, (enum mysql_doing)doing, MYSQL_EXPECT_OK);
    return false;
}
