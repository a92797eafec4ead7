/* SPDX-License-Identifier: MIT */
/* How a client begins, and what the proxy itself says to it. */
#include "mysql_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_ROOM 1024u       /* Of what the proxy says. */
#define LOGIN_PACKET_MAX 16384u /* Attributes may be long. */
#define CHARSET_UTF8MB4 45u
#define TLS_REQUEST_SIZE 36u /* Right behind it TLS begins. */

#define DEFAULT_MYSQL "8.0.36"
#define DEFAULT_MARIADB "10.11.0-MariaDB"

#define MARK_OF_FLAVOR '\1'

/* Errors of the proxy, by enum trouble. */
static const struct {
    uint16_t number;
    const char *state;
} errors[] = {
    [TROUBLE_MALFORMED] = { 1835, "HY000" },
    [TROUBLE_TOO_LARGE] = { 1153, "08S01" },
    [TROUBLE_LOGIN] = { 1045, "28000" },
    [TROUBLE_CLIENTS] = { 1040, "08004" },
    [TROUBLE_SERVERS] = { 1040, "08004" },
    [TROUBLE_REFUSED] = { 1045, "28000" },
    [TROUBLE_UNREACHED] = { 2003, "HY000" },
    [TROUBLE_NO_NODE] = { 1290, "HY000" },
    [TROUBLE_LOST] = { 1053, "08S01" },
    [TROUBLE_CHANGED] = { 1213, "40001" },
    [TROUBLE_STOPPING] = { 1053, "08S01" },
    [TROUBLE_IDLE] = { 4031, "HY000" },
    [TROUBLE_UNSUPPORTED] = { 1235, "42000" },
    [TROUBLE_MEMORY] = { 1037, "HY001" },
};

struct mysql_writer mysql_room(struct link *l, size_t size)
{
    struct mysql_writer w = { .size_max = size };

    w.bytes = link_room(l, size);
    w.is_bad = w.bytes == NULL;
    return w;
}

/* Put a few packets that @write has written into @bytes. */
static void put(struct client *c, const struct mysql_writer *w)
{
    if (w->is_bad) {
        c->link.broken = true;
    } else {
        link_put(&c->link, w->bytes, w->size);
    }
}

static struct mysql_text text_of(const char *text)
{
    return (struct mysql_text) { .bytes = (const unsigned char *)text,
                                 .size = strlen(text) };
}

void mysql_greet(struct client *c)
{
    struct mysql_client *st = mysql_client_of(c);
    unsigned char bytes[PACKET_ROOM];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };
    unsigned char entropy[INFRA_LOGIN_ENTROPY_SIZE];
    bool is_mariadb = mysql_is_mariadb(c->protocol);
    uint32_t method =
        is_mariadb ? INFRA_LOGIN_MYSQL_NATIVE : INFRA_LOGIN_MYSQL_CACHING_SHA2;
    const char *version = client_limits(c)->server_version;
    bool offers_tls = client_limits(c)->offers_tls;

    if (!protocol_entropy(entropy, sizeof entropy) ||
        infra_login_mysql_server(&st->login, method, entropy) != INFRA_OK) {
        c->link.broken = true;
        return;
    }
    if (version == NULL) {
        version = is_mariadb ? DEFAULT_MARIADB : DEFAULT_MYSQL;
    }
    struct mysql_greeting greeting = {
        .capabilities = MYSQL_OFFER | (offers_tls ? MYSQL_CAN_TLS : 0),
        .connection_id = (uint32_t)c->serial,
        .status = MYSQL_STATUS_AUTOCOMMIT,
        .charset = CHARSET_UTF8MB4,
        .version = text_of(version),
        .method = text_of(infra_login_mysql_method_name(method)),
    };
    memcpy(greeting.challenge, st->login.challenge, MYSQL_CHALLENGE_SIZE);
    mysql_write_greeting(&w, &greeting);
    put(c, &w);
    link_limit_read(&c->link, offers_tls ? TLS_REQUEST_SIZE : 0);
    st->sequence = 1;
    st->status = MYSQL_STATUS_AUTOCOMMIT;
}

/* The login has failed: say it, and why for the log. */
static enum step refuse(struct client *c, uint16_t number, const char *state,
                        const char *message, const char *why)
{
    struct mysql_client *st = mysql_client_of(c);
    unsigned char bytes[PACKET_ROOM];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };

    mysql_write_error(&w, st->sequence, number, state, message);
    put(c, &w);
    c->why = why;
    infra_login_wipe(&st->login, sizeof st->login);
    return STEP_FAILED;
}

/* Send what the login has written. */
static void put_login(struct client *c, const unsigned char *out, size_t size)
{
    struct mysql_client *st = mysql_client_of(c);
    unsigned char bytes[INFRA_LOGIN_MESSAGE_MAX + MYSQL_HEADER_SIZE];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };
    size_t begin = mysql_begin_packet(&w, st->sequence++);

    mysql_write_bytes(&w, out, size);
    mysql_end_packet(&w, begin);
    put(c, &w);
}

static enum step take_step(struct client *c, int step, const unsigned char *out,
                           size_t size)
{
    struct mysql_client *st = mysql_client_of(c);

    switch (step) {
    case INFRA_LOGIN_STEP_WAIT:
        return STEP_MORE;
    case INFRA_LOGIN_STEP_SEND:
        put_login(c, out, size);
        return STEP_MORE;
    case INFRA_LOGIN_STEP_DONE:
        if (size > 0) {
            put_login(c, out, size);
        }
        db_user_learn_mysql(c->user, &st->login.keys);
        infra_login_wipe(&st->login, sizeof st->login);
        return STEP_DONE;
    default:
        return refuse(c, 1045, "28000", "Access denied",
                      infra_login_reason_name(st->login.reason));
    }
}

/* The database with the flavor behind it, which is the key of a pool. */
static bool set_database(struct client *c, struct mysql_text name)
{
    struct mysql_client *st = mysql_client_of(c);
    char key[MYSQL_NAME_MAX + 16];

    if (name.size == 0 && c->user != NULL && c->user->database != NULL) {
        name = text_of(c->user->database);
    }
    st->flavor.capabilities = st->capabilities & MYSQL_FLAVOR;
    mysql_set_schema(&st->flavor.schema, name.bytes, name.size);
    st->schema = st->flavor.schema;
    int size = snprintf(key, sizeof key, "%.*s%c%08x%02x", (int)st->schema.size,
                        st->schema.name, MARK_OF_FLAVOR,
                        (unsigned)st->flavor.capabilities,
                        (unsigned)st->flavor.charset);
    return client_set_database(c, key, (size_t)size);
}

static bool may_use(const struct client *c)
{
    const struct mysql_schema *schema = &mysql_client_of(c)->schema;
    const char *only = c->user == NULL ? NULL : c->user->database;

    return only == NULL || (strlen(only) == schema->size &&
                            memcmp(only, schema->name, schema->size) == 0);
}

/* The client has answered the greeting. */
static enum step take_handshake(struct client *c, struct mysql_text payload)
{
    struct mysql_client *st = mysql_client_of(c);
    struct mysql_handshake h;
    unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t out_size = 0;

    bool is_whole = mysql_read_handshake(payload, &h);
    if (is_whole && h.is_tls_request && !c->is_secure &&
        client_limits(c)->offers_tls) {
        return STEP_TLS;
    }
    if (!is_whole || h.is_tls_request) {
        return refuse(c, 1043, "08S01", "Bad handshake",
                      h.is_tls_request ? "the client wants TLS"
                                       : "a malformed answer to the greeting");
    }
    if (client_limits(c)->requires_tls && !c->is_secure) {
        return refuse(c, 3159, "HY000",
                      "Connections using insecure transport are prohibited by "
                      "the proxy: use TLS",
                      "it does not use TLS (--client-tls require)");
    }
    link_limit_read(&c->link, 0);
    st->has_answered = true;
    st->capabilities = h.capabilities & MYSQL_OFFER;
    st->has_many = (st->capabilities & MYSQL_CAN_MULTI_STATEMENTS) != 0;
    st->flavor.charset = h.charset;
    st->sql_mode =
        mysql_charset_is_unsafe(h.charset) ? INFRA_SQL_UNSAFE_ENCODING : 0;
    c->user = client_find_user(c, (const char *)h.user.bytes, h.user.size);
    if (memchr(h.database.bytes, MARK_OF_FLAVOR, h.database.size) != NULL ||
        h.database.size > MYSQL_SCHEMA_MAX || !set_database(c, h.database)) {
        return refuse(c, 1049, "42000", "Unknown database",
                      "the name of a database that cannot be");
    }
    int err = infra_login_mysql_set_user(
        &st->login, c->user == NULL ? NULL : &c->user->mysql, c->is_secure);
    if (err != INFRA_OK) {
        return refuse(c, 1045, "28000", "Access denied",
                      "the user file has no key of this user for MySQL");
    }
    int step = infra_login_mysql_first(&st->login, (const char *)h.method.bytes,
                                       h.method.size, h.answer.bytes,
                                       h.answer.size, out, &out_size);
    return take_step(c, step, out, out_size);
}

static enum step take_packet(struct client *c, struct mysql_text payload)
{
    struct mysql_client *st = mysql_client_of(c);
    unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t out_size = 0;
    enum step step;

    if (!st->has_answered) {
        step = take_handshake(c, payload);
    } else {
        int next = infra_login_mysql_next(&st->login, payload.bytes,
                                          payload.size, out, &out_size);
        step = take_step(c, next, out, out_size);
    }
    if (step == STEP_DONE && !may_use(c)) {
        return refuse(c, 1044, "42000", "Access denied to this database",
                      "the user file has another database for this user");
    }
    return step;
}

enum step mysql_login(struct client *c)
{
    struct mysql_client *st = mysql_client_of(c);
    struct mysql_packet packet;
    enum step step = STEP_MORE;

    while (step == STEP_MORE) {
        switch (mysql_find_packet(link_in(&c->link), link_in_size(&c->link),
                                  LOGIN_PACKET_MAX, &packet)) {
        case MYSQL_FOUND_PART:
            if (link_in_size(&c->link) >= TLS_REQUEST_SIZE) {
                link_limit_read(&c->link, 0); /* It asks for no TLS. */
            }
            return STEP_MORE;
        case MYSQL_FOUND_LONG:
            return refuse(c, 1153, "08S01", "Got a packet that is too large",
                          "a long packet in the login");
        case MYSQL_FOUND:
        default:
            break;
        }
        if (packet.sequence != st->sequence) {
            return refuse(c, 1156, "08S01", "Got packets out of order",
                          "packets out of order in the login");
        }
        st->sequence++;
        step = take_packet(c, packet.payload);
        link_take(&c->link, MYSQL_HEADER_SIZE + packet.payload.size);
    }
    return step;
}

static void put_ok(struct client *c, uint8_t sequence)
{
    unsigned char bytes[PACKET_ROOM];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };

    mysql_write_ok(&w, sequence, mysql_client_of(c)->status);
    put(c, &w);
}

void mysql_welcome(struct client *c, const struct greeting *greeting)
{
    struct mysql_client *st = mysql_client_of(c);

    (void)greeting;
    put_ok(c, st->sequence);
    st->sequence = 0;
}

void mysql_say_done(struct client *c, const struct unit *unit)
{
    struct mysql_client *st = mysql_client_of(c);
    unsigned in_transaction = unit->statement.kind == INFRA_STATEMENT_END
                                  ? 0
                                  : MYSQL_STATUS_IN_TRANSACTION;

    st->begin_size = 0;
    if (in_transaction != 0) { /* See begin_text_check(). */
        st->begin_size = (uint16_t)unit->text_size;
        memcpy(st->begin, unit_text(c, unit), unit->text_size);
    }

    st->status = (uint16_t)((st->status & ~MYSQL_STATUS_IN_TRANSACTION) |
                            in_transaction);
    c->transaction = in_transaction != 0 ? INFRA_SESSION_TRANSACTION_OPEN
                                         : INFRA_SESSION_TRANSACTION_NONE;
    put_ok(c, 1);
}

void mysql_say(struct client *c, const struct unit *unit, enum trouble trouble,
               const char *text, bool is_last)
{
    struct mysql_client *st = mysql_client_of(c);
    unsigned char bytes[PACKET_ROOM];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };
    uint8_t sequence = unit != NULL ? 1 : st->sequence;
    uint16_t number = errors[trouble].number;

    (void)is_last;
    if (trouble == TROUBLE_REFUSED && c->code[0] != '\0') {
        number = (uint16_t)strtoul(c->code, NULL, 10);
    }
    mysql_write_error(&w, sequence, number, errors[trouble].state, text);
    put(c, &w);
    if (unit != NULL && unit->tag == MYSQL_COM_STMT_PREPARE) {
        mysql_statement_remove(&st->statements, st->statement_id);
    }
}

void mysql_leave(struct client *c)
{
    struct mysql_client *st = mysql_client_of(c);

    mysql_statements_finish(&st->statements);
    infra_login_wipe(&st->login, sizeof st->login);
}
