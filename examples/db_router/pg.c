/* SPDX-License-Identifier: MIT */
/* What the proxy itself says to a client of PostgreSQL, and the table of the
 * protocol. */
#include "pg.h"

#include <stdlib.h>
#include <string.h>

void pg_put_error(struct link *l, const char *severity, const char *code,
                  const char *text)
{
    size_t severity_size = strlen(severity) + 1;
    size_t text_size = strlen(text) + 1;

    pg_put_header(l, 'E', 2 * (1 + severity_size) + 7 + 1 + text_size + 1);
    link_put(l, "S", 1);
    link_put(l, severity, severity_size);
    link_put(l, "V", 1);
    link_put(l, severity, severity_size);
    link_put(l, "C", 1);
    link_put(l, code, 6);
    link_put(l, "M", 1);
    link_put(l, text, text_size);
    link_put(l, "", 1);
}

void pg_put_ready(struct link *l, char status)
{
    pg_put(l, 'Z', &status, 1);
}

static const char *code_of(const struct client *c, enum trouble trouble)
{
    static const char codes[][6] = {
        [TROUBLE_MALFORMED] = "08P01",   [TROUBLE_TOO_LARGE] = "54000",
        [TROUBLE_LOGIN] = "28P01",       [TROUBLE_CLIENTS] = "53300",
        [TROUBLE_SERVERS] = "53300",     [TROUBLE_REFUSED] = "08001",
        [TROUBLE_UNREACHED] = "08001",   [TROUBLE_NO_NODE] = "57P03",
        [TROUBLE_LOST] = "08006",        [TROUBLE_CHANGED] = "40001",
        [TROUBLE_STOPPING] = "57P01",    [TROUBLE_IDLE] = "57P05",
        [TROUBLE_UNSUPPORTED] = "0A000", [TROUBLE_MEMORY] = "53200",
    };

    return trouble == TROUBLE_REFUSED && strlen(c->code) == 5 ? c->code
                                                              : codes[trouble];
}

static void say(struct client *c, const struct unit *unit, enum trouble trouble,
                const char *text, bool is_last)
{
    struct pg_client *p = pg_client(c);

    pg_put_error(&c->link, is_last ? "FATAL" : "ERROR", code_of(c, trouble),
                 text);
    if (is_last || unit == NULL) {
        return;
    }
    c->transaction = INFRA_SESSION_TRANSACTION_NONE;
    if (unit->is_open) {
        p->is_skipping = true;
        return;
    }
    pg_put_ready(&c->link, 'I');
}

/* The answers to the messages of a group before its Sync. */
static void say_group(struct client *c, size_t size, const char *tag)
{
    const unsigned char *at = link_in(&c->link);
    struct pg_message m;

    for (size_t done = 0; done < size; done += PG_HEADER + m.size) {
        (void)pg_message_at(at + done, size - done, UINT32_MAX, &m);
        switch (m.type) {
        case 'P':
            pg_put(&c->link, '1', "", 0);
            break;
        case 'B':
            pg_put(&c->link, '2', "", 0);
            break;
        case 'C':
            pg_put(&c->link, '3', "", 0);
            break;
        case 'D': /* Of a statement: it has no parameters; no rows. */
            if (m.body[0] == 'S') {
                pg_put(&c->link, 't', "\0", 2);
            }
            pg_put(&c->link, 'n', "", 0);
            break;
        case 'E':
            pg_put(&c->link, 'C', tag, strlen(tag) + 1);
            break;
        default:
            break;
        }
    }
}

/* What begins or ends a transaction of which no server has heard. */
static void say_done(struct client *c, const struct unit *unit)
{
    struct pg_client *p = pg_client(c);
    bool is_end = unit->statement.kind == INFRA_STATEMENT_END;
    size_t size;
    const char *text = pg_unit_text(c, unit, &size);
    const char *tag = !is_end                            ? "BEGIN"
                      : end_text_is_rollback(text, size) ? "ROLLBACK"
                                                         : "COMMIT";

    p->begin_size = 0;
    if (!is_end) {
        p->begin_size = (uint8_t)size; /* See begin_text_check(). */
        memcpy(p->begin, text, size);
    }
    if (unit->tag == 'S') {
        say_group(c, unit->size, tag);
        p->group->confirmed = p->group->count;
        pg_group_end(c);
    } else {
        pg_put(&c->link, 'C', tag, strlen(tag) + 1);
    }
    c->transaction = is_end ? INFRA_SESSION_TRANSACTION_NONE
                            : INFRA_SESSION_TRANSACTION_OPEN;
    pg_put_ready(&c->link, is_end ? 'I' : 'T');
}

static void greet(struct client *c)
{
    (void)c; /* The client speaks first. */
}

/* The value that the startup message has for a parameter; NULL: none. */
static const char *own_value(const struct pg_client *p, const char *name)
{
    const char *found = NULL;

    for (size_t at = 0; at < p->startup_size;) {
        const char *other = p->startup + at;
        const char *value = other + strlen(other) + 1;
        if (strcasecmp(other, name) == 0) {
            found = value;
        }
        at += strlen(other) + strlen(value) + 2;
    }
    return found;
}

static void put_parameter(struct client *c, const struct pg_message *m)
{
    const unsigned char *at = m->body;
    size_t size = m->size;
    const char *name;
    const char *value;
    size_t name_size;
    size_t value_size;

    if (!pg_text(&at, &size, &name, &name_size) ||
        !pg_text(&at, &size, &value, &value_size)) {
        return;
    }
    const char *own = own_value(pg_client(c), name);
    value = own != NULL ? own : value;
    value_size = strlen(value);
    pg_put_header(&c->link, 'S', name_size + value_size + 2);
    link_put(&c->link, name, name_size + 1);
    link_put(&c->link, value, value_size + 1);
    pg_settings_told(c, name, value);
}

static void welcome(struct client *c, const struct greeting *greeting)
{
    const unsigned char *at = greeting->bytes;
    size_t size = greeting->size;
    struct pg_message m;
    unsigned char key[8];

    while (size > 0 && pg_message_at(at, size, UINT32_MAX, &m) == PG_WHOLE) {
        put_parameter(c, &m);
        at += PG_HEADER + m.size;
        size -= PG_HEADER + m.size;
    }
    pg_set_u32(key, c->cancel.process);
    memcpy(key + 4, &c->cancel.key, sizeof c->cancel.key);
    pg_put(&c->link, 'K', key, sizeof key);
    pg_put_ready(&c->link, 'I');
}

static void leave(struct client *c)
{
    struct pg_client *p = pg_client(c);

    pg_group_free(c);
    pg_names_clear(worker_state(c->link.worker), &p->names);
    free(p->unnamed.body);
    free(p->startup);
    if (p->login != NULL) {
        infra_login_wipe(p->login, sizeof *p->login);
        free(p->login);
    }
    memset(p, 0, sizeof *p);
}

static void finish(struct server *s)
{
    struct pg_server *p = pg_server(s);

    pg_prepared_clear(&p->prepared);
    free(p->expected);
    free(p->parameters);
    if (p->login != NULL) {
        infra_login_wipe(p->login, sizeof *p->login);
        free(p->login);
    }
    memset(p, 0, sizeof *p);
}

static size_t cancel(const struct server *s, unsigned char ret[64])
{
    pg_set_u32(ret, 16);
    pg_set_u32(ret + 4, 80877102);
    pg_set_u32(ret + 8, pg_server(s)->process);
    pg_set_u32(ret + 12, pg_server(s)->key);
    return 16;
}

static void stop(void *state)
{
    pg_statements_free(state);
}

const struct protocol protocol_pg = {
    .name = "pg",
    .dialect = INFRA_SQL_POSTGRESQL,
    .position_kind = INFRA_POSITION_LSN,
    .client_size = sizeof(struct pg_client),
    .server_size = sizeof(struct pg_server),
    .worker_size = sizeof(struct pg_statements),
    .welcome_needs_greeting = true,
    .stop = stop,
    .greet = greet,
    .login = pg_login,
    .welcome = welcome,
    .cut = pg_cut,
    .cut_more = pg_cut_more,
    .note = pg_note,
    .say_done = say_done,
    .say = say,
    .leave = leave,
    .connect = pg_connect,
    .secured = pg_secured,
    .server_login = pg_server_login,
    .learn = pg_learn,
    .adopt = pg_adopt,
    .begin = pg_begin,
    .send = pg_send,
    .follow = pg_follow,
    .finish = finish,
    .cancel = cancel,
    .ask_tls = pg_ask_tls,
    .take_tls = pg_take_tls,
};
