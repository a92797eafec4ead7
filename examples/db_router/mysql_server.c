/* SPDX-License-Identifier: MIT */
/* A connection to a node: its login, and the command after it that asks for
 * positions. */
#include "mysql_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GREETING_MAX 4096u
#define HANDSHAKE_ROOM 1024u

/* Of an answer: OK says where a write is, and what schema is used. */
static const char track_mysql[] = "SET SESSION session_track_gtids=OWN_GTID, "
                                  "session_track_schema=ON";
static const char track_mariadb[] =
    "SET SESSION session_track_system_variables="
    "CONCAT(@@session_track_system_variables,',last_gtid'), "
    "session_track_schema=ON";

void mysql_set_schema(struct mysql_schema *schema, const void *name,
                      size_t size)
{
    size = size <= sizeof schema->name ? size : sizeof schema->name;
    schema->size = (uint16_t)size;
    if (size > 0) {
        memcpy(schema->name, name, size);
    }
}

bool mysql_schema_is(const struct mysql_schema *a, const struct mysql_schema *b)
{
    return a->size == b->size && memcmp(a->name, b->name, a->size) == 0;
}

/* The flavor is behind the name of the database: see set_database(). */
void mysql_connect(struct server *s)
{
    struct mysql_server *st = mysql_server_of(s);
    const char *mark = strchr(s->database, '\1');
    char *end;

    if (mark == NULL) {
        s->link.broken = true;
        return;
    }
    unsigned long long flavor = strtoull(mark + 1, &end, 16);
    st->flavor.capabilities = (uint32_t)(flavor >> 8);
    st->flavor.charset = (uint8_t)flavor;
    mysql_set_schema(&st->flavor.schema, s->database,
                     (size_t)(mark - s->database));
    st->schema = st->flavor.schema;
    st->has_many = (st->flavor.capabilities & MYSQL_CAN_MULTI_STATEMENTS) != 0;
}

static enum step fail(struct server *s, const char *why)
{
    struct mysql_server *st = mysql_server_of(s);

    (void)snprintf(s->why, sizeof s->why, "%s", why);
    infra_login_wipe(&st->login, sizeof st->login);
    return STEP_FAILED;
}

/* The server's own error; a wrong password or database stays wrong. */
static enum step refused(struct server *s, struct mysql_text payload)
{
    static const uint16_t final[] = { 1044, 1045, 1049, 1698, 1524 };
    uint16_t number;
    struct mysql_text message;

    if (!mysql_read_error(payload, &number, &message)) {
        return fail(s, "a malformed error in the login");
    }
    (void)snprintf(s->why, sizeof s->why, "%.*s", (int)message.size,
                   (const char *)message.bytes);
    (void)snprintf(s->code, sizeof s->code, "%u", (unsigned)number);
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        s->is_final = s->is_final || final[i] == number;
    }
    infra_login_wipe(&mysql_server_of(s)->login,
                     sizeof mysql_server_of(s)->login);
    return STEP_FAILED;
}

static bool put_packet(struct server *s, uint8_t sequence, const void *bytes,
                       size_t size)
{
    struct mysql_writer w = mysql_room(&s->link, MYSQL_HEADER_SIZE + size);
    size_t begin = mysql_begin_packet(&w, sequence);

    mysql_write_bytes(&w, bytes, size);
    mysql_end_packet(&w, begin);
    return !w.is_bad;
}

static bool begin_login(struct server *s)
{
    struct mysql_server *st = mysql_server_of(s);
    struct infra_login_mysql_keys keys;
    const uint32_t needed = INFRA_LOGIN_HAS_SHA1 | INFRA_LOGIN_HAS_SHA256;
    const char *password = s->user->password;

    db_user_mysql(s->user, &keys);
    bool has_keys = (keys.has & needed) != 0;
    int err = infra_login_mysql_client(
        &st->login, has_keys ? &keys : NULL, password,
        password == NULL ? 0 : strlen(password), s->is_secure);
    infra_login_wipe(&keys, sizeof keys);
    return err == INFRA_OK && (has_keys || password != NULL);
}

static enum step put_handshake(struct server *s, const unsigned char *answer,
                               size_t size, bool is_tls_request)
{
    struct mysql_server *st = mysql_server_of(s);
    unsigned char bytes[HANDSHAKE_ROOM];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };
    const char *method = infra_login_mysql_method_name(st->login.method);
    struct mysql_handshake h = {
        .capabilities = st->capabilities,
        .charset = st->flavor.charset,
        .is_tls_request = is_tls_request,
        .user = { (const unsigned char *)s->user->name, strlen(s->user->name) },
        .answer = { answer, size },
        .database = { (const unsigned char *)st->schema.name, st->schema.size },
        .method = { (const unsigned char *)method, strlen(method) },
    };

    mysql_write_handshake(&w, s->is_secure ? 2 : 1, &h);
    if (w.is_bad) {
        return fail(s, "the name of the user or database is too long");
    }
    link_put(&s->link, bytes, w.size);
    return STEP_MORE;
}

/* The challenge is known; with TLS it has begun. */
static enum step answer_greeting(struct server *s)
{
    struct mysql_server *st = mysql_server_of(s);
    unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t size = 0;

    if (!begin_login(s)) {
        return fail(s, "the proxy does not know the password: the user file "
                       "has none, and no client has proven it since");
    }
    int step = infra_login_mysql_first(&st->login, st->method,
                                       strlen(st->method), st->challenge,
                                       sizeof st->challenge, out, &size);
    if (step != INFRA_LOGIN_STEP_SEND) {
        return fail(s, infra_login_reason_name(st->login.reason));
    }
    st->login_step = MYSQL_LOGIN_ANSWER;
    return put_handshake(s, out, size, false);
}

void mysql_secured(struct server *s)
{
    if (answer_greeting(s) == STEP_FAILED) {
        s->link.broken = true;
    }
}

static enum step take_greeting(struct server *s, struct mysql_text payload)
{
    struct mysql_server *st = mysql_server_of(s);
    struct mysql_greeting greeting;

    if (payload.size > 0 && payload.bytes[0] == MYSQL_ERROR) {
        return refused(s, payload);
    }
    if (!mysql_read_greeting(payload, &greeting)) {
        return fail(s, "its greeting is not that of MySQL or MariaDB");
    }
    uint32_t wanted = st->flavor.capabilities | MYSQL_NODE_NEEDS;
    if (s->wants_tls && (greeting.capabilities & MYSQL_CAN_TLS) == 0) {
        return fail(s, "the node offers no TLS (--node-tls)");
    }
    if (greeting.method.size >= sizeof st->method) {
        return fail(s, "its method of login is not known");
    }
    if ((greeting.capabilities & wanted) != wanted) {
        return fail(s, "it lacks capabilities of MySQL 5.7 or MariaDB 10.2");
    }
    st->capabilities = wanted | MYSQL_CAN_LONG_PASSWORD |
                       (greeting.capabilities &
                        (MYSQL_CAN_LONG_FLAG | MYSQL_CAN_LENENC_LOGIN)) |
                       (st->schema.size > 0 ? MYSQL_CAN_CONNECT_WITH_DB : 0);
    memcpy(st->challenge, greeting.challenge, sizeof st->challenge);
    if (greeting.method.size > 0) {
        memcpy(st->method, greeting.method.bytes, greeting.method.size);
    }
    st->method[greeting.method.size] = '\0';
    if (s->wants_tls) {
        st->capabilities |= MYSQL_CAN_TLS;
        return put_handshake(s, NULL, 0, true) == STEP_MORE ? STEP_TLS
                                                            : STEP_FAILED;
    }
    return answer_greeting(s);
}

static enum step take_answer(struct server *s, const struct mysql_packet *p)
{
    struct mysql_server *st = mysql_server_of(s);
    unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t size = 0;

    if (p->payload.size > 0 && p->payload.bytes[0] == MYSQL_ERROR) {
        return refused(s, p->payload);
    }
    int step = infra_login_mysql_next(&st->login, p->payload.bytes,
                                      p->payload.size, out, &size);
    switch (step) {
    case INFRA_LOGIN_STEP_WAIT:
        return STEP_MORE;
    case INFRA_LOGIN_STEP_SEND:
        return put_packet(s, (uint8_t)(p->sequence + 1), out, size)
                   ? STEP_MORE
                   : fail(s, "out of memory");
    case INFRA_LOGIN_STEP_DONE:
        infra_login_wipe(&st->login, sizeof st->login);
        st->login_step = MYSQL_LOGIN_TRACK;
        mysql_put_track(s);
        return STEP_MORE;
    default:
        return fail(s, infra_login_reason_name(st->login.reason));
    }
}

void mysql_put_track(struct server *s)
{
    bool is_mariadb = mysql_is_mariadb(s->protocol);
    const char *text = is_mariadb ? track_mariadb : track_mysql;
    size_t size =
        is_mariadb ? sizeof track_mariadb - 1 : sizeof track_mysql - 1;
    struct mysql_writer w = mysql_room(&s->link, MYSQL_HEADER_SIZE + 1 + size);

    mysql_write_command(&w, MYSQL_COM_QUERY, text, size);
}

enum step mysql_server_login(struct server *s)
{
    struct mysql_server *st = mysql_server_of(s);
    struct mysql_packet packet;
    enum step step = STEP_MORE;

    while (step == STEP_MORE) {
        enum mysql_found found = mysql_find_packet(
            link_in(&s->link), link_in_size(&s->link), GREETING_MAX, &packet);
        if (found == MYSQL_FOUND_PART) {
            return STEP_MORE;
        }
        if (found == MYSQL_FOUND_LONG) {
            return fail(s, "a packet in its login is too long");
        }
        if (st->login_step == MYSQL_LOGIN_GREETING) {
            step = take_greeting(s, packet.payload);
        } else if (st->login_step == MYSQL_LOGIN_ANSWER) {
            step = take_answer(s, &packet);
        } else {
            step =
                packet.payload.size > 0 && packet.payload.bytes[0] == MYSQL_OK
                    ? STEP_DONE
                    : refused(s, packet.payload);
        }
        link_take(&s->link, MYSQL_HEADER_SIZE + packet.payload.size);
    }
    st->is_ready = step == STEP_DONE;
    return step;
}

/* Clients are greeted before a node is known. */
void mysql_learn(const struct server *s, struct greeting *ret)
{
    (void)s;
    (void)ret;
}

/* Without a farewell the server logs an aborted connection. */
void mysql_finish(struct server *s)
{
    struct mysql_server *st = mysql_server_of(s);
    static const unsigned char quit[] = { 1, 0, 0, 0, MYSQL_COM_QUIT };

    if (st->is_ready && st->doing == MYSQL_DOING_NOTHING && !s->link.broken &&
        !s->link.eof) {
        link_send(&s->link, quit, sizeof quit);
    }
    mysql_cache_finish(&st->cache);
    infra_login_wipe(&st->login, sizeof st->login);
}

/* KILL needs a login of its own. */
size_t mysql_cancel(const struct server *s, unsigned char ret[64])
{
    (void)s;
    (void)ret;
    return 0;
}
