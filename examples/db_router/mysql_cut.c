/* SPDX-License-Identifier: MIT */
/* The commands of a client: where they end, and what they are to a router. */
#include "mysql_settings.h"
#include "mysql_state.h"
#include "mysql_words.h"

#include <stdio.h>
#include <string.h>

#define COMMAND_SIZE 1u
#define TEXT_AT (MYSQL_HEADER_SIZE + COMMAND_SIZE)
#define ID_SIZE 4u
#define LONG_DATA_SIZE (COMMAND_SIZE + ID_SIZE + 2) /* Without data. */

/* The first words of a text. */
struct words {
    struct mysql_token first;
    struct mysql_token second;
};

static struct words words_of(const char *text, size_t size)
{
    struct words words;
    const char *at = text;

    words.first = mysql_next_token(&at, text + size, false);
    words.second = mysql_next_token(&at, text + size, false);
    return words;
}

static void answer_ok(struct client *c, struct unit *ret)
{
    unsigned char bytes[32];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };

    mysql_write_ok(&w, 1, mysql_client_of(c)->status);
    link_put(&c->link, bytes, w.size);
    ret->kind = UNIT_ANSWERED;
}

static void answer_error(struct client *c, struct unit *ret, uint16_t number,
                         const char *state, const char *message)
{
    unsigned char bytes[640];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };

    mysql_write_error(&w, 1, number, state, message);
    link_put(&c->link, bytes, w.size);
    ret->kind = UNIT_ANSWERED;
}

static void unsupported(struct client *c, struct unit *ret, const char *message)
{
    answer_error(c, ret, 1235, "42000", message);
}

static void bad(struct unit *ret, enum trouble trouble, const char *why)
{
    ret->kind = UNIT_BAD;
    ret->trouble = (uint8_t)trouble;
    ret->why = why;
}

static void classify(const struct client *c, const char *text, size_t size,
                     struct infra_statement *ret)
{
    const struct infra_sql sql = { .size = sizeof sql,
                                   .dialect = c->protocol->dialect,
                                   .mode = mysql_client_of(c)->sql_mode };

    *ret = (struct infra_statement) { .kind = INFRA_STATEMENT_UNKNOWN };
    (void)infra_sql_classify(&sql, text, size, ret);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool contains(const char *text, size_t size, const char *word)
{
    size_t length = strlen(word);

    for (size_t i = 0; i + length <= size; i++) {
        size_t n = 0;
        while (n < length && lower(text[i + n]) == word[n]) {
            n++;
        }
        if (n == length) {
            return true;
        }
    }
    return false;
}

/* May it ask for LAST_INSERT_ID()? A read does not; a routine may. */
static bool asks_insert_id(const struct infra_statement *statement,
                           const char *text, size_t size)
{
    if (statement->kind == INFRA_STATEMENT_READ) {
        return false;
    }
    struct words words = words_of(text, size);
    return (statement->flags & INFRA_STATEMENT_UNKNOWN_FUNCTION) != 0 ||
           (statement->flags & INFRA_STATEMENT_EXECUTE) != 0 ||
           mysql_token_is(&words.first, "call") ||
           contains(text, size, "last_insert_id") ||
           contains(text, size, "identity");
}

static const char *why_refused(const char *text, size_t size)
{
    struct words words = words_of(text, size);

    if (mysql_token_is(&words.first, "kill")) {
        return "KILL does not work through the proxy: its numbers of "
               "connections are not those of a node";
    }
    return NULL;
}

static void route(struct unit *ret, uint8_t kind)
{
    ret->kind = UNIT_ROUTE;
    ret->statement = (struct infra_statement) { .kind = kind, .count = 1 };
}

static void cut_query(struct client *c, struct mysql_text text,
                      struct unit *ret)
{
    const char *sql = (const char *)text.bytes;
    const char *why = why_refused(sql, text.size);

    if (why != NULL) {
        unsupported(c, ret, why);
        return;
    }
    ret->kind = UNIT_ROUTE;
    ret->text_at = TEXT_AT;
    ret->text_size = text.size;
    classify(c, sql, text.size, &ret->statement);
    if (client_limits(c)->defers_begin) {
        begin_text_check(&ret->statement, sql, text.size);
    }
    mysql_client_of(c)->wants_insert_id =
        asks_insert_id(&ret->statement, sql, text.size);
}

/* To prepare it does nothing yet, so that it leaves no state. */
static void cut_prepare(struct client *c, struct mysql_text text,
                        struct unit *ret)
{
    struct mysql_client *st = mysql_client_of(c);
    const char *sql = (const char *)text.bytes;
    const char *why = why_refused(sql, text.size);
    struct mysql_statement *statement;

    if (why != NULL) {
        unsupported(c, ret, why);
        return;
    }
    statement = mysql_statement_add(&st->statements, st->schema.name,
                                    st->schema.size, sql, text.size);
    if (statement == NULL) {
        answer_error(c, ret, 1461, "42000",
                     "Can't create more prepared statements of one client");
        return;
    }
    classify(c, sql, text.size, &statement->class);
    st->statement_id = statement->id;
    route(ret, statement->class.kind == INFRA_STATEMENT_READ
                   ? INFRA_STATEMENT_READ
                   : INFRA_STATEMENT_WRITE);
}

/* The statement that a command names by its id. */
static struct mysql_statement *named(const struct client *c,
                                     struct mysql_text payload)
{
    struct mysql_reader r = mysql_reader_of(payload.bytes, payload.size);

    (void)mysql_read_fixed(&r, COMMAND_SIZE);
    uint32_t id = (uint32_t)mysql_read_fixed(&r, ID_SIZE);
    return r.is_bad ? NULL
                    : mysql_statement_find(&mysql_client_of(c)->statements, id);
}

static void unknown_statement(struct client *c, struct unit *ret,
                              const char *command)
{
    char message[96];

    (void)snprintf(message, sizeof message,
                   "Unknown prepared statement handler given to %s", command);
    answer_error(c, ret, 1243, "HY000", message);
}

static void cut_execute(struct client *c, struct mysql_text payload,
                        struct unit *ret)
{
    struct mysql_client *st = mysql_client_of(c);
    struct mysql_statement *statement = named(c, payload);

    if (statement == NULL) {
        unknown_statement(c, ret, "mysqld_stmt_execute");
        return;
    }
    if (!mysql_statement_execute(statement, payload)) {
        answer_error(c, ret, 1210, "HY000",
                     "Incorrect arguments to mysqld_stmt_execute");
        return;
    }
    st->statement_id = statement->id;
    ret->kind = UNIT_ROUTE;
    ret->statement = statement->class;
    if (client_limits(c)->defers_begin) {
        /* Its text is not in the unit. */
        begin_text_check(&ret->statement, "-", 1);
    }
    ret->statement.name = ret->statement.name_length = 0;
    ret->statement.at = ret->statement.at_length = 0;
    const struct mysql_key *key = &statement->key;
    st->wants_insert_id = asks_insert_id(
        &statement->class, key->bytes + key->text_at, key->size - key->text_at);
}

static void cut_long_data(struct client *c, struct mysql_text payload,
                          struct unit *ret)
{
    struct mysql_statement *statement = named(c, payload);

    if (payload.size < LONG_DATA_SIZE) {
        bad(ret, TROUBLE_MALFORMED, "a malformed COM_STMT_SEND_LONG_DATA");
        return;
    }
    ret->kind = UNIT_ANSWERED; /* There is no answer, to errors either. */
    if (statement != NULL &&
        !mysql_statement_keep(statement, payload.bytes - MYSQL_HEADER_SIZE,
                              payload.size + MYSQL_HEADER_SIZE,
                              client_limits(c)->message_max)) {
        bad(ret, TROUBLE_TOO_LARGE,
            "a parameter in pieces is larger than --message-max");
    }
}

static void cut_reset_statement(struct client *c, struct mysql_text payload,
                                struct unit *ret)
{
    struct mysql_statement *statement = named(c, payload);

    if (statement == NULL) {
        unknown_statement(c, ret, "mysqld_stmt_reset");
        return;
    }
    mysql_statement_reset(statement);
    answer_ok(c, ret);
}

static void cut_close(struct client *c, struct mysql_text payload,
                      struct unit *ret)
{
    struct mysql_statement *statement = named(c, payload);

    if (statement != NULL) {
        mysql_statement_remove(&mysql_client_of(c)->statements, statement->id);
    }
    ret->kind = UNIT_ANSWERED; /* There is no answer. */
}

static void cut_command(struct client *c, struct mysql_text payload,
                        struct unit *ret)
{
    struct mysql_text text = { payload.bytes + COMMAND_SIZE,
                               payload.size - COMMAND_SIZE };

    switch (ret->tag) {
    case MYSQL_COM_QUERY:
        cut_query(c, text, ret);
        break;
    case MYSQL_COM_STMT_PREPARE:
        cut_prepare(c, text, ret);
        break;
    case MYSQL_COM_STMT_EXECUTE:
        cut_execute(c, payload, ret);
        break;
    case MYSQL_COM_STMT_SEND_LONG_DATA:
        cut_long_data(c, payload, ret);
        break;
    case MYSQL_COM_STMT_RESET:
        cut_reset_statement(c, payload, ret);
        break;
    case MYSQL_COM_STMT_CLOSE:
        cut_close(c, payload, ret);
        break;
    case MYSQL_COM_STMT_FETCH: /* No cursor is ever opened. */
        answer_error(c, ret, 1421, "HY000", "The statement has no open cursor");
        break;
    case MYSQL_COM_QUIT:
        ret->kind = UNIT_QUIT;
        break;
    case MYSQL_COM_PING:
        answer_ok(c, ret);
        break;
    case MYSQL_COM_INIT_DB:
    case MYSQL_COM_SET_OPTION:
        route(ret, INFRA_STATEMENT_SESSION);
        break;
    case MYSQL_COM_RESET_CONNECTION:
        route(ret, INFRA_STATEMENT_SESSION);
        ret->statement.flags = INFRA_STATEMENT_RESETS |
                               INFRA_STATEMENT_DEALLOCATE |
                               INFRA_STATEMENT_LEXER_MODE;
        break;
    case MYSQL_COM_FIELD_LIST:
    case MYSQL_COM_STATISTICS:
        route(ret, INFRA_STATEMENT_READ);
        break;
    default:
        unsupported(c, ret, "The proxy does not support this command");
        break;
    }
}

void mysql_cut(struct client *c, struct unit *ret)
{
    struct mysql_client *st = mysql_client_of(c);
    const unsigned char *in = link_in(&c->link);
    size_t size = link_in_size(&c->link);
    struct mysql_packet packet;

    switch (
        mysql_find_packet(in, size, client_limits(c)->message_max, &packet)) {
    case MYSQL_FOUND_PART:
        ret->kind = UNIT_MORE;
        ret->size = MYSQL_HEADER_SIZE;
        if (size >= MYSQL_HEADER_SIZE) {
            struct mysql_reader r = mysql_reader_of(in, size);
            ret->size += (size_t)mysql_read_fixed(&r, 3);
        }
        return;
    case MYSQL_FOUND_LONG:
        bad(ret, TROUBLE_TOO_LARGE,
            "a command is larger than --message-max, or than 16 MiB");
        return;
    case MYSQL_FOUND:
    default:
        break;
    }
    if (packet.sequence != 0 || packet.payload.size == 0) {
        bad(ret, TROUBLE_MALFORMED, "a malformed command");
        return;
    }
    st->wants_insert_id = false;
    st->has_schema_news = false;
    st->statement_id = 0;
    ret->tag = packet.payload.bytes[0];
    ret->size = MYSQL_HEADER_SIZE + packet.payload.size;
    cut_command(c, packet.payload, ret);
}

/* Nothing follows a unit: no file is asked for. */
void mysql_cut_more(struct client *c, struct unit *ret)
{
    (void)c;
    ret->kind = UNIT_MORE;
}
