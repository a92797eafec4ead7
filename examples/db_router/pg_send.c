/* SPDX-License-Identifier: MIT */
/*
 * A unit on its way to a server.  One that names no prepared statement goes as
 * it is.  Else each message is written anew with the names that statements have
 * on servers, and a statement that this server does not have is prepared in
 * front of its first use; the answers to what was added are kept from the
 * client.  A unit behind a BEGIN that was held back waits for the answer to
 * it, since a statement must not run without it.
 */
#include "pg.h"

#include <stdlib.h>
#include <string.h>

/* A name that no statement on a server has. */
static const char nobody[] = "infra_none";

static bool expect(struct server *s, enum pg_expected_kind kind, uint64_t id,
                   bool is_change)
{
    struct pg_server *p = pg_server(s);

    if (p->expected_count == p->expected_room) {
        uint32_t room = p->expected_room == 0 ? 16 : p->expected_room * 2;
        struct pg_expected *more = realloc(p->expected, room * sizeof *more);
        if (more == NULL) {
            s->link.broken = true;
            return false;
        }
        p->expected = more;
        p->expected_room = room;
    }
    p->expected[p->expected_count++] = (struct pg_expected) {
        .id = id, .kind = (uint8_t)kind, .is_change = is_change
    };
    return true;
}

static void put_close(struct server *s, const char *name)
{
    size_t size = strlen(name) + 1;

    pg_put_header(&s->link, 'C', 1 + size);
    link_put(&s->link, "S", 1);
    link_put(&s->link, name, size);
}

static void close_ours(struct server *s, uint64_t id)
{
    const struct pg_statement named = { .id = id };
    char name[PG_NAME_SIZE];

    pg_statement_name(&named, name);
    put_close(s, name);
    (void)expect(s, PG_EXPECT_CLOSE_OURS, 0, false);
}

/* Put a Parse of @st; one that is there already is closed first. */
static void put_parse(struct server *s, const struct pg_statement *st,
                      bool is_ours)
{
    struct pg_server *p = pg_server(s);
    char name[PG_NAME_SIZE];
    uint64_t evicted = 0;

    pg_statement_name(st, name);
    if (pg_prepared_has(&p->prepared, st->id)) {
        close_ours(s, st->id);
    } else {
        if (p->prepared.is_doubtful) {
            close_ours(s, st->id);
        }
        if (!pg_prepared_add(&p->prepared, st->id, &evicted)) {
            s->link.broken = true;
            return;
        }
        if (evicted != 0) {
            close_ours(s, evicted);
        }
    }
    pg_put_header(&s->link, 'P', strlen(name) + 1 + st->size);
    link_put(&s->link, name, strlen(name) + 1);
    link_put(&s->link, st->body, st->size);
    (void)expect(s, is_ours ? PG_EXPECT_PARSE_OURS : PG_EXPECT_PARSE, st->id,
                 !is_ours);
}

/* The unnamed statement of an earlier group. */
static void need_unnamed(struct server *s, const struct client *c)
{
    struct pg_server *p = pg_server(s);
    const struct pg_unnamed *u = &pg_client(c)->unnamed;

    if (u->body == NULL ||
        (p->unnamed_client == c->serial && p->unnamed_serial == u->serial)) {
        return;
    }
    pg_put_header(&s->link, 'P', 1 + u->size);
    link_put(&s->link, "", 1);
    link_put(&s->link, u->body, u->size);
    (void)expect(s, PG_EXPECT_PARSE_OURS, 0, false);
    p->unnamed_client = c->serial;
    p->unnamed_serial = u->serial;
}

/* Put @m with the server's name of @st in place of the @name_size bytes that
 * stand @before bytes behind the start of its body. */
static void put_renamed(struct server *s, const struct pg_message *m,
                        const struct pg_statement *st, size_t before,
                        size_t name_size)
{
    char name[PG_NAME_SIZE];

    pg_statement_name(st, name);
    size_t size = strlen(name);
    pg_put_header(&s->link, m->type, m->size - name_size + size);
    link_put(&s->link, m->body, before);
    link_put(&s->link, name, size);
    link_put(&s->link, m->body + before + name_size,
             m->size - before - name_size);
}

static void put_same(struct server *s, const struct pg_message *m)
{
    link_put(&s->link, m->body - PG_HEADER, PG_HEADER + m->size);
}

/* Bind, and Describe of a statement. */
static void put_use(struct server *s, const struct client *c,
                    const struct pg_message *m, size_t before, uint32_t number)
{
    const char *name = (const char *)m->body + before;
    size_t size = strlen(name);

    if (size == 0) {
        if (pg_client(c)->group->uses_old_unnamed) {
            need_unnamed(s, c);
        }
        put_same(s, m);
        return;
    }
    struct pg_statement *st = pg_group_find(c, name, size, number);
    if (st == NULL) {
        put_same(s, m); /* The server says that there is none. */
        return;
    }
    if (!pg_prepared_has(&pg_server(s)->prepared, st->id)) {
        put_parse(s, st, true);
    }
    put_renamed(s, m, st, before, size);
}

static void put_message(struct server *s, const struct client *c,
                        const struct pg_message *m, uint32_t number)
{
    const char *name = (const char *)m->body;

    switch (m->type) {
    case 'P':
        if (name[0] != '\0') {
            put_parse(s, pg_group_find(c, name, strlen(name), number + 1),
                      false);
            return;
        }
        put_same(s, m);
        (void)expect(s, PG_EXPECT_PARSE, 0, false);
        return;
    case 'B':
        put_use(s, c, m, strlen(name) + 1, number);
        return;
    case 'D':
        if (m->body[0] == 'S') {
            put_use(s, c, m, 1, number);
            return;
        }
        break;
    case 'C':
        if (m->body[0] == 'S' && name[1] != '\0') {
            put_close(s, nobody);
            (void)expect(s, PG_EXPECT_CLOSE, 0, true);
            return;
        }
        (void)expect(s, PG_EXPECT_CLOSE, 0, false);
        break;
    default:
        break;
    }
    put_same(s, m);
}

/* Note whose unnamed statement the server has now. */
static void note_unnamed(struct server *s, const struct client *c)
{
    struct pg_server *p = pg_server(s);

    if (pg_client(c)->group->parses_unnamed) {
        p->unnamed_client = c->serial;
        p->unnamed_serial = pg_client(c)->unnamed.serial;
    }
}

static void begin_unit(struct server *s, const struct unit *unit)
{
    struct pg_server *p = pg_server(s);

    p->expects_ready = true;
    p->has_error = false;
    p->has_written = false;
    p->is_rolled_back = false;
    p->has_discarded = false;
    p->has_deallocated = false;
    p->has_set = false;
    p->expected_count = 0;
    p->expected_at = 0;
    if (unit->tag == 'Q') {
        p->unnamed_client = 0; /* A Query drops the unnamed statement. */
    }
}

void pg_begin(struct server *s, struct client *c)
{
    const struct pg_client *p = pg_client(c);

    pg_put_header(&s->link, 'Q', p->begin_size + 1u);
    link_put(&s->link, p->begin, p->begin_size);
    link_put(&s->link, "", 1);
    pg_server(s)->begin_left = 1;
}

void pg_send_waiting(struct server *s, struct client *c)
{
    struct pg_server *p = pg_server(s);

    if (!p->unit_waits) {
        return;
    }
    p->unit_waits = false;
    if (pg_send(s, c, &c->unit)) {
        link_put(&s->link, link_in(&c->link), c->unit.size);
    }
    if (c->unit.is_open) {
        client_wants_more(c);
    }
}

bool pg_send(struct server *s, struct client *c, const struct unit *unit)
{
    const struct pg_group *g = pg_client(c)->group;
    const unsigned char *at = link_in(&c->link);
    struct pg_message m;

    if (pg_server(s)->begin_left > 0) {
        pg_server(s)->unit_waits = true;
        c->takes_more = false; /* Until it is sent. */
        return false;
    }
    if (unit->kind == UNIT_ROUTE) {
        begin_unit(s, unit);
        pg_client(c)->is_copying = false;
    }
    if (unit->tag != 'S') {
        return true;
    }
    note_unnamed(s, c);
    if (!g->needs_rewrite) {
        return true;
    }
    /* In a group that goes on, messages before it were counted. */
    uint32_t number = unit->kind == UNIT_ROUTE ? 0 : pg_server(s)->messages;
    for (size_t done = 0; done < unit->size; done += PG_HEADER + m.size) {
        (void)pg_message_at(at + done, unit->size - done, UINT32_MAX, &m);
        put_message(s, c, &m, ++number);
    }
    pg_server(s)->messages = number;
    return false;
}
