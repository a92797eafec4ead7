/* SPDX-License-Identifier: MIT */
/*
 * The answers of a server.  Rows go by without a look at more than their
 * headers.  ReadyForQuery alone says that a unit is answered and what state the
 * transaction has; tags and errors on the way are noted.
 */
#include "pg.h"

#include <stdio.h>
#include <string.h>

#define TAG_MAX 64u
#define SMALL_MAX 65536u /* Of messages that are read in whole. */

/* What is to be done with a message. */
enum verdict {
    PASS,
    DROP,
    PASS_PART, /* As far as it is there, then its rest. */
    WAIT,      /* It is not whole. */
    REPORT     /* `ret` is filled in; it ends there. */
};

struct view {
    struct server *s;
    struct client *c; /* NULL: nobody's. */
    struct answer *ret;
    bool is_first; /* Nothing is passed before this message. */
};

static enum verdict bad(const struct view *v, const char *why)
{
    v->ret->kind = ANSWER_BAD;
    v->ret->size = 0;
    v->ret->why = why;
    return REPORT;
}

static bool starts(const char *tag, const char *word)
{
    size_t size = strlen(word);

    return strncmp(tag, word, size) == 0 &&
           (tag[size] == '\0' || tag[size] == ' ');
}

/* What the tag of a command says of it. */
static void note_tag(struct pg_server *p, const char *tag)
{
    static const char *const reads[] = { "SELECT", "FETCH",    "SHOW",
                                         "MOVE",   "BEGIN",    "COMMIT",
                                         "SET",    "ROLLBACK", "EXPLAIN" };
    bool is_read = false;

    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        is_read = is_read || starts(tag, reads[i]);
    }
    p->has_written |=
        !is_read && (starts(tag, "INSERT") || starts(tag, "UPDATE") ||
                     starts(tag, "DELETE") || starts(tag, "MERGE") ||
                     starts(tag, "CREATE") || starts(tag, "ALTER") ||
                     starts(tag, "DROP") || starts(tag, "TRUNCATE"));
    p->is_rolled_back = starts(tag, "ROLLBACK");
    p->has_set |= starts(tag, "SET") || starts(tag, "RESET");
    p->has_discarded |= strcmp(tag, "DISCARD ALL") == 0;
    p->has_deallocated |=
        p->has_discarded || strcmp(tag, "DEALLOCATE ALL") == 0;
}

static enum verdict command_complete(const struct view *v,
                                     const struct pg_message *m)
{
    if (m->size == 0 || m->size > TAG_MAX * 4 || m->body[m->size - 1] != '\0') {
        return bad(v, "a malformed CommandComplete");
    }
    note_tag(pg_server(v->s), (const char *)m->body);
    return PASS;
}

/* May the unit be sent again after this error? */
static bool is_replayable(const struct view *v, const char *code,
                          uint8_t *ret_failure)
{
    bool at_primary = (v->c->verdict.flags & INFRA_VERDICT_AT_PRIMARY) != 0;

    if (strcmp(code, "25006") == 0) {
        *ret_failure = INFRA_SESSION_FAILURE_REFUSED;
        return true;
    }
    *ret_failure = INFRA_SESSION_FAILURE_CANCELED;
    return strcmp(code, "40001") == 0 && !at_primary;
}

static enum verdict take_error(const struct view *v, const struct pg_message *m)
{
    struct pg_server *p = pg_server(v->s);
    const char *code = pg_error_field(m, 'C');
    const char *severity = pg_error_field(m, 'V');
    bool was_first = !p->has_error;

    if (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0) {
        (void)snprintf(p->fatal, sizeof p->fatal, "%.5s %.200s", code,
                       pg_error_field(m, 'M'));
        return bad(v, p->fatal);
    }
    p->has_error = true;
    if (v->c == NULL || !p->expects_ready || !was_first || !v->is_first ||
        v->c->is_passed || !is_replayable(v, code, &v->ret->failure)) {
        return v->c == NULL ? DROP : PASS;
    }
    v->ret->kind = ANSWER_ERROR;
    v->ret->size = PG_HEADER + m->size;
    return REPORT;
}

/* ParseComplete and CloseComplete. */
static enum verdict take_expected(const struct view *v, bool is_parse)
{
    struct pg_server *p = pg_server(v->s);

    if (p->expected_at == p->expected_count) {
        return v->c == NULL ? DROP : PASS;
    }
    const struct pg_expected *e = &p->expected[p->expected_at++];
    bool fits = (e->kind <= PG_EXPECT_PARSE_OURS) == is_parse;
    if (!fits) {
        return bad(v, "an answer to another message");
    }
    if (e->is_change && v->c != NULL) {
        pg_client(v->c)->group->confirmed++;
    }
    return e->kind == PG_EXPECT_PARSE || e->kind == PG_EXPECT_CLOSE ? PASS
                                                                    : DROP;
}

/* Those that an error has skipped were not made. */
static void forget_expected(struct pg_server *p)
{
    for (uint32_t i = p->expected_at; i < p->expected_count; i++) {
        if (p->expected[i].id != 0) {
            pg_prepared_remove(&p->prepared, p->expected[i].id);
        }
        p->prepared.is_doubtful = true;
    }
    p->expected_count = 0;
    p->expected_at = 0;
    if (p->has_error) {
        p->unnamed_client = 0;
    }
}

static enum verdict ready(const struct view *v, const struct pg_message *m)
{
    struct pg_server *p = pg_server(v->s);
    char status = m->size == 1 ? (char)m->body[0] : '\0';
    struct infra_session_result *r = &v->ret->result;

    if (status != 'I' && status != 'T' && status != 'E') {
        return bad(v, "a malformed ReadyForQuery");
    }
    if (!p->expects_ready || v->c == NULL) {
        return bad(v, "an answer to nothing");
    }
    forget_expected(p);
    p->expects_ready = false;
    p->is_in_transaction = status != 'I';
    if (p->has_deallocated) {
        pg_prepared_clear(&p->prepared);
        p->unnamed_client = 0;
    }
    *r = (struct infra_session_result) {
        .transaction = status == 'I'   ? INFRA_SESSION_TRANSACTION_NONE
                       : status == 'T' ? INFRA_SESSION_TRANSACTION_OPEN
                                       : INFRA_SESSION_TRANSACTION_FAILED,
        .is_error = p->has_error,
        .is_rolled_back = p->is_rolled_back,
        .is_reset = p->has_discarded,
        .has_written = p->has_written,
    };
    pg_client(v->c)->has_deallocated = p->has_deallocated;
    pg_client(v->c)->has_set |= p->has_set;
    v->ret->kind = ANSWER_DONE;
    v->ret->size = PG_HEADER + m->size;
    return REPORT;
}

/* The server also reports what an administrator has changed for all: a plain
 * read sets nothing, and no client means these by a statement that writes. */
static bool is_of_client(const struct infra_statement *s, const char *name)
{
    bool is_plain = s->kind == INFRA_STATEMENT_READ ||
                    s->kind == INFRA_STATEMENT_BEGIN ||
                    s->kind == INFRA_STATEMENT_BEGIN_READ_ONLY;

    return !is_plain && (s->kind != INFRA_STATEMENT_WRITE ||
                         strcmp(name, "default_transaction_read_only") != 0);
}

static enum verdict parameter(const struct view *v, const struct pg_message *m)
{
    const unsigned char *at = m->body;
    size_t size = m->size;
    const char *name;
    const char *value;
    size_t name_size;
    size_t value_size;

    if (!pg_text(&at, &size, &name, &name_size) ||
        !pg_text(&at, &size, &value, &value_size)) {
        return bad(v, "a malformed ParameterStatus");
    }
    if (v->c == NULL || strcmp(name, "in_hot_standby") == 0) {
        return DROP;
    }
    pg_settings_told(v->c, name, value);
    pg_client(v->c)->has_set |= is_of_client(&v->c->unit.statement, name);
    return PASS;
}

/* A whole message, of those that have to be read. */
static enum verdict take(const struct view *v, const struct pg_message *m)
{
    switch (m->type) {
    case 'C':
        return command_complete(v, m);
    case 'E':
        return take_error(v, m);
    case '1':
    case '3':
        return take_expected(v, m->type == '1');
    case 'S':
        return parameter(v, m);
    case 'Z':
        return ready(v, m);
    case 'G':
        if (v->c == NULL || !pg_server(v->s)->expects_ready) {
            return bad(v, "COPY that nobody asked for");
        }
        pg_client(v->c)->is_copying = true;
        client_wants_more(v->c);
        return PASS;
    case 'A':
    case 'N':
        return v->c == NULL ? DROP : PASS;
    default:
        return bad(v, "not a message of PostgreSQL's protocol");
    }
}

/* While adopt() or begin() is answered all is dropped; an error ends it. */
static enum verdict take_ours(const struct view *v, const struct pg_message *m)
{
    struct pg_server *p = pg_server(v->s);

    if (m->type == 'E') {
        (void)snprintf(p->fatal, sizeof p->fatal, "it refuses %s: %.5s %.150s",
                       p->ready_left > 0 ? "a setting of the client"
                                         : "to begin a transaction",
                       pg_error_field(m, 'C'), pg_error_field(m, 'M'));
        return bad(v, p->fatal);
    }
    if (m->type != 'Z') {
        return DROP;
    }
    if (p->ready_left > 0) {
        p->ready_left--;
        if (p->ready_left == 0) {
            v->ret->kind = ANSWER_READY;
            v->ret->size = PG_HEADER + m->size;
            return REPORT;
        }
        return DROP;
    }
    p->begin_left = 0;
    if (m->size != 1 || m->body[0] != 'T') {
        return bad(v, "no transaction after BEGIN");
    }
    if (v->c != NULL) {
        pg_send_waiting(v->s, v->c);
    }
    return DROP;
}

static bool is_ours(const struct pg_server *p)
{
    return p->ready_left > 0 || p->begin_left > 0;
}

/* Is it passed or dropped without a look inside? */
static bool is_plain(char type)
{
    return memchr("DTtndsc2IHV", type, 11) != NULL;
}

static enum verdict look(const struct view *v, const unsigned char *at,
                         size_t size, struct pg_message *m)
{
    const struct pg_server *p = pg_server(v->s);
    enum pg_found found = pg_message_at(at, size, PG_SERVER_MESSAGE_MAX, m);

    if (found == PG_WRONG) {
        return bad(v, "a message with a length that none has");
    }
    if (size < PG_HEADER) {
        return WAIT;
    }
    if (is_plain(m->type)) {
        if (!is_ours(p) && (v->c == NULL || !p->expects_ready)) {
            return bad(v, "an answer to nothing");
        }
        return is_ours(p) ? DROP : PASS_PART;
    }
    if (found == PG_PART) {
        if (m->size > SMALL_MAX && m->type != 'E' && m->type != 'N' &&
            m->type != 'A' && m->type != 'S') {
            return bad(v, "a message that is too long for its type");
        }
        return m->size > SMALL_MAX * 16 ? bad(v, "a message is too long")
                                        : WAIT;
    }
    return is_ours(p) ? take_ours(v, m) : take(v, m);
}

/* The rest of a message of which the start was passed or dropped. */
static size_t take_rest(struct pg_server *p, size_t size)
{
    size_t part = p->rest < size ? p->rest : size;

    p->rest -= part;
    return part;
}

static void answer(struct answer *ret, enum answer_kind kind, size_t size)
{
    ret->kind = (uint8_t)kind;
    ret->size = size;
}

void pg_follow(struct server *s, struct client *c, const unsigned char *bytes,
               size_t size, struct answer *ret)
{
    struct pg_server *p = pg_server(s);
    size_t done = 0; /* Bytes to pass. */

    if (p->rest > 0 && p->drops_rest) {
        answer(ret, ANSWER_DROP, take_rest(p, size));
        return;
    }
    done = take_rest(p, size);
    while (done < size) {
        struct view v = { .s = s, .c = c, .ret = ret, .is_first = done == 0 };
        struct pg_message m;
        enum verdict verdict = look(&v, bytes + done, size - done, &m);
        size_t whole = PG_HEADER + m.size;
        if (verdict == REPORT) {
            ret->size += done;
            return;
        }
        if (verdict == WAIT) {
            answer(ret, done > 0 ? ANSWER_PASS : ANSWER_MORE,
                   done > 0 ? done : whole);
            return;
        }
        size_t there = whole < size - done ? whole : size - done;
        p->drops_rest = verdict == DROP;
        if (verdict == DROP) {
            p->rest = done > 0 ? whole : whole - there;
            answer(ret, done > 0 ? ANSWER_PASS : ANSWER_DROP,
                   done > 0 ? done : there);
            return;
        }
        p->rest = whole - there;
        done += there;
    }
    answer(ret, ANSWER_PASS, done);
}
