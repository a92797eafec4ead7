/* SPDX-License-Identifier: MIT */
/*
 * What is in an extended group: which statements it binds, and so where it may
 * go; which names it makes and closes.  Changes of names count within the group
 * at once, and for the client when the server has confirmed them, so that a
 * group can be sent again.
 */
#include "pg.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGES_MAX 1000000u

void pg_classify(const struct client *c, const unsigned char *text, size_t size,
                 struct infra_statement *ret)
{
    const struct infra_sql sql = { .size = sizeof sql,
                                   .dialect = INFRA_SQL_POSTGRESQL,
                                   .mode = pg_client(c)->sql_mode };

    if (infra_sql_classify(&sql, (const char *)text, size, ret) != INFRA_OK) {
        *ret = (struct infra_statement) { .count = 1 };
    }
}

bool pg_group_begin(struct client *c)
{
    struct pg_client *p = pg_client(c);

    if (p->group == NULL) {
        p->group = calloc(1, sizeof *p->group);
        return p->group != NULL;
    }
    struct pg_group *g = p->group;
    g->confirmed = 0; /* Of a group that failed. */
    pg_group_end(c);
    g->messages = 0;
    g->needs_rewrite = false;
    g->parses_unnamed = false;
    g->uses_old_unnamed = false;
    g->has_bind = false;
    g->binds = 0;
    g->executes = 0;
    return true;
}

void pg_group_free(struct client *c)
{
    struct pg_group *g = pg_client(c)->group;

    if (g == NULL) {
        return;
    }
    for (uint32_t i = 0; i < g->count; i++) {
        pg_statement_release(worker_state(c->link.worker),
                             g->changes[i].statement);
    }
    free(g->changes);
    free(g->names);
    free(g);
    pg_client(c)->group = NULL;
}

static bool add_change(struct pg_group *g, const char *name, size_t size,
                       struct pg_statement *statement)
{
    if (g->count == g->room) {
        uint32_t room = g->room == 0 ? 4 : g->room * 2;
        struct pg_change *more = realloc(g->changes, room * sizeof *more);
        if (more == NULL) {
            return false;
        }
        g->changes = more;
        g->room = room;
    }
    if (g->names_room - g->names_size < size + 1) {
        uint32_t room = g->names_room * 2 + (uint32_t)size + 1;
        char *more = realloc(g->names, room);
        if (more == NULL) {
            return false;
        }
        g->names = more;
        g->names_room = room;
    }
    memcpy(g->names + g->names_size, name, size);
    g->names[g->names_size + size] = '\0';
    g->changes[g->count++] = (struct pg_change) { .name_at = g->names_size,
                                                  .message = g->messages,
                                                  .statement = statement };
    g->names_size += (uint32_t)size + 1;
    return true;
}

struct pg_statement *pg_group_find(const struct client *c, const char *name,
                                   size_t size, uint32_t message)
{
    const struct pg_group *g = pg_client(c)->group;

    for (uint32_t i = g->count; i > 0; i--) {
        const struct pg_change *change = &g->changes[i - 1];
        const char *other = g->names + change->name_at;
        if (change->message < message && strncmp(other, name, size) == 0 &&
            other[size] == '\0') {
            return change->statement;
        }
    }
    return pg_names_find(&pg_client(c)->names, name, size);
}

/* Two statements of one group: only reads stay reads. */
static void combine(struct infra_statement *all,
                    const struct infra_statement *one)
{
    bool is_first = all->count == 0;
    uint32_t flags = all->flags | one->flags;
    uint32_t count = (uint32_t)all->count + one->count;
    bool are_reads = (all->kind == INFRA_STATEMENT_READ ||
                      all->kind == INFRA_STATEMENT_BEGIN_READ_ONLY) &&
                     one->kind == INFRA_STATEMENT_READ;

    if (is_first) {
        *all = *one;
        all->count = one->count == 0 ? 1 : one->count;
        return;
    }
    if (!are_reads) {
        all->kind = INFRA_STATEMENT_WRITE;
        all->reason = INFRA_STATEMENT_REASON_MULTIPLE;
    }
    all->flags = flags;
    all->count = count > UINT16_MAX ? UINT16_MAX : (uint16_t)count;
}

static bool keep_unnamed(struct client *c, const unsigned char *body,
                         size_t size)
{
    struct pg_unnamed *u = &pg_client(c)->unnamed;

    if (size > u->room) {
        unsigned char *more = malloc(size);
        if (more == NULL) {
            return false;
        }
        free(u->body);
        u->body = more;
        u->room = size;
    }
    memcpy(u->body, body, size);
    u->size = size;
    u->serial++;
    return true;
}

static const char *add_parse(struct client *c, const struct pg_message *m,
                             struct infra_statement *combined)
{
    struct pg_client *p = pg_client(c);
    struct pg_group *g = p->group;
    const unsigned char *at = m->body;
    size_t size = m->size;
    const char *name;
    size_t name_size;

    if (!pg_text(&at, &size, &name, &name_size) ||
        memchr(at, 0, size) == NULL) {
        return "malformed Parse";
    }
    size_t text_size = strlen((const char *)at);
    if (name_size == 0) {
        if (g->uses_old_unnamed) {
            return "Parse of the unnamed statement behind its Bind";
        }
        if (!keep_unnamed(c, at, size)) {
            return "out of memory";
        }
        g->parses_unnamed = true;
        pg_classify(c, at, text_size, &p->unnamed.statement);
        if (combined->count == 0 && !g->has_bind) {
            combine(combined, &p->unnamed.statement);
            p->is_text_unnamed = true;
            p->session_text = NULL;
        }
        return NULL;
    }
    bool is_new;
    struct pg_statement *s = pg_statement_get(worker_state(c->link.worker), at,
                                              size, p->sql_mode, &is_new);
    if (s == NULL) {
        return "out of memory";
    }
    if (is_new) {
        pg_classify(c, at, text_size, &s->statement);
    }
    if (!add_change(g, name, name_size, s)) {
        pg_statement_release(worker_state(c->link.worker), s);
        return "out of memory";
    }
    g->needs_rewrite = true;
    if (combined->count == 0 && !g->has_bind) {
        combine(combined, &s->statement);
        p->is_text_unnamed = false;
        p->session_text = s;
    }
    return NULL;
}

/* The unnamed statement; that of an earlier group may have to be made again. */
static void use_unnamed(struct pg_group *g)
{
    if (!g->parses_unnamed) {
        g->uses_old_unnamed = true;
        g->needs_rewrite = true;
    }
}

static const char *add_bind(struct client *c, const struct pg_message *m,
                            struct infra_statement *combined)
{
    struct pg_client *p = pg_client(c);
    struct pg_group *g = p->group;
    const unsigned char *at = m->body;
    size_t size = m->size;
    const char *portal;
    const char *name;
    size_t portal_size;
    size_t name_size;

    if (!pg_text(&at, &size, &portal, &portal_size) ||
        !pg_text(&at, &size, &name, &name_size)) {
        return "malformed Bind";
    }
    if (!g->has_bind) {
        *combined = (struct infra_statement) { 0 }; /* Of a Parse alone. */
    }
    if (name_size == 0) {
        use_unnamed(g);
        p->is_text_unnamed = true;
        p->session_text = NULL;
        if (p->unnamed.body != NULL) {
            combine(combined, &p->unnamed.statement);
        }
    } else {
        struct pg_statement *s = pg_group_find(c, name, name_size, g->messages);
        g->needs_rewrite = true;
        p->is_text_unnamed = false;
        p->session_text = s;
        if (s != NULL) {
            combine(combined, &s->statement);
        }
    }
    g->has_bind = true;
    return NULL;
}

/* Describe and Close: a kind, a name. */
static const char *add_named(struct client *c, const struct pg_message *m,
                             struct infra_statement *combined)
{
    struct pg_group *g = pg_client(c)->group;
    const unsigned char *at = m->body + 1;
    size_t size = m->size - 1;
    const char *name;
    size_t name_size;

    if (m->size == 0 || (m->body[0] != 'S' && m->body[0] != 'P') ||
        !pg_text(&at, &size, &name, &name_size) || size != 0) {
        return m->type == 'D' ? "malformed Describe" : "malformed Close";
    }
    if (m->body[0] != 'S' || name_size == 0) {
        if (m->body[0] == 'S' && m->type == 'D') {
            use_unnamed(g);
        }
        return NULL;
    }
    g->needs_rewrite = true;
    if (m->type == 'C') {
        return add_change(g, name, name_size, NULL) ? NULL : "out of memory";
    }
    const struct pg_statement *s =
        pg_group_find(c, name, name_size, g->messages);
    if (s != NULL && combined->count == 0) {
        combine(combined, &s->statement);
        pg_client(c)->session_text = s;
    }
    return NULL;
}

const char *pg_group_add(struct client *c, const struct pg_message *m,
                         struct infra_statement *combined)
{
    struct pg_group *g = pg_client(c)->group;
    const char *wrong = NULL;

    g->messages++;
    if (g->messages > MESSAGES_MAX) {
        return "too many messages without a Sync";
    }
    switch (m->type) {
    case 'P':
        wrong = add_parse(c, m, combined);
        break;
    case 'B':
        wrong = add_bind(c, m, combined);
        g->binds++;
        break;
    case 'E':
        g->executes++;
        break;
    case 'D':
    case 'C':
        wrong = add_named(c, m, combined);
        break;
    default:
        break;
    }
    return wrong;
}

bool pg_group_is_one(const struct client *c)
{
    const struct pg_group *g = pg_client(c)->group;

    return g->binds == 1 && g->executes == 1;
}

void pg_group_end(struct client *c)
{
    struct pg_client *p = pg_client(c);
    struct pg_group *g = p->group;
    struct pg_statements *all = worker_state(c->link.worker);

    if (g == NULL) {
        return;
    }
    for (uint32_t i = 0; i < g->count; i++) {
        struct pg_change *change = &g->changes[i];
        const char *name = g->names + change->name_at;
        if (i >= g->confirmed) {
            pg_statement_release(all, change->statement);
        } else if (change->statement == NULL) {
            pg_names_remove(all, &p->names, name, strlen(name));
        } else if (!pg_names_set(all, &p->names, name, strlen(name),
                                 change->statement)) {
            c->link.broken = true; /* Out of memory: it ends. */
        }
    }
    g->count = 0;
    g->names_size = 0;
    g->confirmed = 0;
}
