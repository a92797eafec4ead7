/* SPDX-License-Identifier: MIT */
/* The answers of a server connection: of a unit, for its client; of what came
 * before the unit, for nobody. */
#include "mysql_state.h"

#include <string.h>

/* Errors. */
#define ERROR_OPTION 1290u /* --read-only, among others. */
#define ERROR_READ_ONLY_TRANSACTION 1792u
#define ERROR_READ_ONLY_MODE 1836u

static void bad(struct answer *ret, const char *why)
{
    ret->kind = ANSWER_BAD;
    ret->size = 0;
    ret->why = why;
}

/* Is it the refusal of a server that is read-only? 1290 names the option. */
static bool is_refusal(const struct mysql_answer_result *r,
                       const unsigned char *packet, size_t size)
{
    static const char word[] = "read";

    if (r->error == ERROR_READ_ONLY_TRANSACTION ||
        r->error == ERROR_READ_ONLY_MODE) {
        return true;
    }
    for (size_t i = 0; r->error == ERROR_OPTION && i + sizeof word - 1 <= size;
         i++) {
        if (memcmp(packet + i, word, sizeof word - 1) == 0) {
            return true;
        }
    }
    return false;
}

/* What the answer says of the session. An error has no flags: they are as they
 * were. */
static void fill_result(struct server *s, struct client *c, struct answer *ret)
{
    struct mysql_server *st = mysql_server_of(s);
    struct mysql_client *client = mysql_client_of(c);
    const struct mysql_answer_result *r = &st->answer.result;
    bool is_reset = c->unit.tag == MYSQL_COM_RESET_CONNECTION && r->error == 0;

    if (r->has_status) {
        client->status = r->status & (uint16_t)~MYSQL_STATUS_SESSION_CHANGED;
        client->sql_mode &= ~INFRA_SQL_NO_BACKSLASH_ESCAPES;
        client->sql_mode |= (r->status & MYSQL_STATUS_NO_BACKSLASH_ESCAPES) != 0
                                ? INFRA_SQL_NO_BACKSLASH_ESCAPES
                                : 0;
    }
    ret->result = (struct infra_session_result) {
        .transaction = (client->status & MYSQL_STATUS_IN_TRANSACTION) != 0
                           ? INFRA_SESSION_TRANSACTION_OPEN
                           : INFRA_SESSION_TRANSACTION_NONE,
        .is_error = r->error != 0,
        .is_autocommit_off = (client->status & MYSQL_STATUS_AUTOCOMMIT) == 0,
        .is_reset = is_reset,
        .has_warnings = r->warnings > 0 || r->error != 0,
        .has_written = r->has_position || r->has_unknown_position,
        .position =
            r->has_position && !r->has_unknown_position ? &r->position : NULL,
    };
}

/* What the connection and the client know from now on. */
static void learn(struct server *s, struct client *c)
{
    struct mysql_server *st = mysql_server_of(s);
    struct mysql_client *client = mysql_client_of(c);
    const struct mysql_answer_result *r = &st->answer.result;

    if (r->has_schema) {
        mysql_set_schema(&st->schema, r->schema, r->schema_size);
        client->schema = st->schema;
        client->has_schema_news = true;
    }
    if (r->insert_id != 0) {
        client->insert_id = r->insert_id;
        st->insert_client = c->serial;
        st->insert_version = ++client->insert_version;
    }
    if (r->error == 0 && c->unit.tag == MYSQL_COM_SET_OPTION) {
        st->has_many = link_in(&c->link)[MYSQL_HEADER_SIZE + 1] == 0;
    }
    if (r->error == 0 && c->unit.tag == MYSQL_COM_RESET_CONNECTION) {
        mysql_cache_finish(&st->cache);
        st->insert_client = st->insert_version = 0;
        st->needs_track = true;
    }
}

/* A statement was prepared for the unit. False: out of memory. */
static bool note_prepared(struct server *s, struct client *c)
{
    struct mysql_server *st = mysql_server_of(s);
    const struct mysql_answer_result *r = &st->answer.result;
    struct mysql_statement *statement = mysql_unit_statement(c, &c->unit);
    uint32_t closed;

    if (statement == NULL || r->error != 0) {
        return true;
    }
    if (c->unit.tag == MYSQL_COM_STMT_PREPARE &&
        !mysql_statement_set_params(statement, r->params_count)) {
        return false;
    }
    if (!mysql_cache_add(&st->cache, &statement->key, r->statement_id,
                         &closed)) {
        return false;
    }
    if (closed != 0) {
        struct mysql_writer w = mysql_room(&s->link, MYSQL_HEADER_SIZE + 1 + 4);
        size_t begin = mysql_begin_packet(&w, 0);
        mysql_write_fixed(&w, MYSQL_COM_STMT_CLOSE, 1);
        mysql_write_fixed(&w, closed, 4);
        mysql_end_packet(&w, begin);
    }
    return true;
}

/* The unit is answered; @size bytes of the answer are left to pass on. */
static void end_unit(struct server *s, struct client *c, size_t size,
                     struct answer *ret)
{
    struct mysql_server *st = mysql_server_of(s);

    st->doing = MYSQL_DOING_NOTHING;
    st->todo = 0;
    st->pending = 0;
    st->has_ended_unit = false;
    ret->kind = ANSWER_DONE;
    ret->size = size;
    fill_result(s, c, ret);
    learn(s, c);
}

/* Bytes at @size that are a part of a unit's answer, or its end. */
static void take_unit(struct server *s, struct client *c,
                      const unsigned char *bytes,
                      const struct mysql_event *event, struct answer *ret)
{
    struct mysql_server *st = mysql_server_of(s);
    const struct mysql_answer *a = &st->answer;
    bool is_prepared = c->unit.tag == MYSQL_COM_STMT_PREPARE;

    if (a->is_complete && is_prepared && !note_prepared(s, c)) {
        bad(ret, "out of memory");
        return;
    }
    if (event->skipped > 0) { /* The rest is looked at again. */
        st->pending = event->size - event->skipped;
        st->has_ended_unit = a->is_complete;
        ret->kind = ANSWER_DROP;
        ret->size = event->skipped;
        return;
    }
    if (a->is_complete && a->result.error != 0 && !c->is_passed &&
        is_refusal(&a->result, bytes, event->size)) {
        st->pending = 1;
        st->has_ended_unit = true;
        ret->kind = ANSWER_ERROR;
        ret->failure = INFRA_SESSION_FAILURE_REFUSED;
        ret->size = event->size - 1;
        return;
    }
    if (a->is_complete) {
        end_unit(s, c, event->size, ret);
        return;
    }
    ret->kind = ANSWER_PASS;
    ret->size = event->size;
}

static void take_pending(struct server *s, struct client *c, size_t size,
                         struct answer *ret)
{
    struct mysql_server *st = mysql_server_of(s);

    if (size < st->pending) {
        ret->kind = ANSWER_MORE;
        ret->size = st->pending;
        return;
    }
    if (st->has_ended_unit) {
        end_unit(s, c, st->pending, ret);
        return;
    }
    ret->kind = ANSWER_PASS;
    ret->size = st->pending;
    st->pending = 0;
}

/* Send what comes next for the unit. */
static void go_on(struct server *s, struct client *c)
{
    struct mysql_server *st = mysql_server_of(s);

    st->doing = MYSQL_DOING_NOTHING;
    if (c != NULL && st->todo != 0 && mysql_next_step(s, c, &c->unit)) {
        link_put(&s->link, link_in(&c->link), c->unit.size);
    }
}

/* An answer to what comes before a unit. */
static void take_step(struct server *s, struct client *c, size_t size,
                      struct answer *ret)
{
    struct mysql_server *st = mysql_server_of(s);
    bool is_adopting = st->doing == MYSQL_DOING_ADOPT;

    ret->kind = ANSWER_DROP;
    ret->size = size;
    if (!st->answer.is_complete) {
        return;
    }
    if (st->answer.result.error != 0) {
        s->is_unsent = true; /* Nothing of the unit was sent. */
        bad(ret, is_adopting
                     ? "it refused a setting of the session"
                     : "it refused what has to come before a statement");
        return;
    }
    if (st->doing == MYSQL_DOING_PREPARE && !note_prepared(s, c)) {
        bad(ret, "out of memory");
        return;
    }
    if (is_adopting && --st->answers_left > 0) {
        struct mysql_answer_setup setup = st->answer.setup;
        mysql_answer_begin(&st->answer, &setup);
        return;
    }
    ret->kind = is_adopting ? ANSWER_READY : ANSWER_DROP;
    go_on(s, c);
}

/* The text of an EXECUTE cannot be prepared here: its error is the answer. */
static bool is_answer(const struct mysql_server *st)
{
    return st->doing == MYSQL_DOING_UNIT ||
           (st->doing == MYSQL_DOING_PREPARE && st->answer.is_complete &&
            st->answer.result.error != 0);
}

void mysql_follow(struct server *s, struct client *c,
                  const unsigned char *bytes, size_t size, struct answer *ret)
{
    struct mysql_server *st = mysql_server_of(s);
    unsigned char *in = link_in(&s->link);
    struct mysql_event event;

    if (st->pending > 0 && c != NULL) {
        take_pending(s, c, size, ret);
        return;
    }
    if (st->doing == MYSQL_DOING_NOTHING ||
        (c == NULL && st->doing != MYSQL_DOING_ADOPT)) {
        bad(ret, "the server ends the connection");
        return;
    }
    mysql_answer_next(&st->answer, in, size, &event);
    switch (event.kind) {
    case MYSQL_EVENT_MORE:
        ret->kind = ANSWER_MORE;
        ret->size = event.size;
        return;
    case MYSQL_EVENT_BAD:
        bad(ret, st->answer.result.has_local_file
                     ? "the server asks for a file of the client"
                     : "the server breaks the protocol");
        return;
    default:
        break;
    }
    if (c != NULL && is_answer(st)) {
        take_unit(s, c, bytes, &event, ret);
    } else {
        take_step(s, c, event.size, ret);
    }
}
