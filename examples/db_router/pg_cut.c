/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a client to units.  A group is looked for by its headers
 * first, from where the last look ended, and read in whole when its Sync is
 * there.
 */
#include "pg.h"

#include <string.h>

/* A group of this size is sent before its Sync is there. */
#define OPEN_SIZE (64u * 1024u)

/* The length of a message is trusted up to here before its text is seen. */
#define HEADER PG_HEADER

static void bad(struct unit *ret, enum trouble trouble, const char *why)
{
    ret->kind = UNIT_BAD;
    ret->trouble = (uint8_t)trouble;
    ret->why = why;
}

static void more(struct unit *ret, size_t size)
{
    ret->kind = UNIT_MORE;
    ret->size = size;
}

static bool is_of_group(char type)
{
    return memchr("PBDECHS", type, 7) != NULL;
}

/* A wrong length: is it too large, or nonsense? */
static void bad_length(const struct client *c, const unsigned char *at,
                       struct unit *ret)
{
    if (pg_u32(at + 1) - 4 > client_limits(c)->message_max &&
        pg_u32(at + 1) >= 4 && memchr("QPBDECHSFdcfpX", at[0], 14) != NULL) {
        bad(ret, TROUBLE_TOO_LARGE,
            "a message is larger than --message-max allows");
    } else {
        bad(ret, TROUBLE_MALFORMED, "a message with a length that none has");
    }
}

static void query(struct client *c, const struct pg_message *m,
                  struct unit *ret)
{
    const unsigned char *end = m->size > 0 ? memchr(m->body, 0, m->size) : NULL;

    if (end == NULL || end != m->body + m->size - 1) {
        bad(ret, TROUBLE_MALFORMED, "malformed Query");
        return;
    }
    ret->kind = UNIT_ROUTE;
    ret->tag = 'Q';
    ret->size = HEADER + m->size;
    ret->text_at = HEADER;
    ret->text_size = m->size - 1;
    pg_classify(c, m->body, ret->text_size, &ret->statement);
    if (client_limits(c)->defers_begin) {
        begin_text_check(&ret->statement, (const char *)m->body,
                         ret->text_size);
    }
}

/* The end of a group in the first @size bytes: behind its Sync, or behind what
 * is to be sent already (@ret_is_open). */
static bool find_end(struct client *c, const unsigned char *at, size_t size,
                     size_t *ret_end, bool *ret_is_open, struct unit *ret)
{
    struct pg_client *p = pg_client(c);
    struct pg_message m;
    size_t end = p->scanned;

    *ret_is_open = false;
    while (end < size) {
        enum pg_found found = pg_message_at(at + end, size - end,
                                            client_limits(c)->message_max, &m);
        if (found == PG_WRONG) {
            bad_length(c, at + end, ret);
            return false;
        }
        if (found == PG_PART) {
            more(ret, end + HEADER + m.size);
            break;
        }
        if (!is_of_group(m.type)) {
            bad(ret, TROUBLE_MALFORMED,
                "a message inside of a group that has no Sync yet");
            return false;
        }
        end += HEADER + m.size;
        p->scanned = end;
        if (m.type == 'S') {
            *ret_end = end;
            return true;
        }
        *ret_is_open = m.type == 'H' && end == size;
    }
    if (end > client_limits(c)->message_max) {
        bad(ret, TROUBLE_TOO_LARGE,
            "a group of messages is larger than --message-max allows");
        return false;
    }
    *ret_end = p->scanned;
    *ret_is_open = (*ret_is_open && end == size) || (p->scanned >= OPEN_SIZE);
    return *ret_is_open;
}

/* Read the messages of a group, which are whole. */
static bool read_group(struct client *c, const unsigned char *at, size_t size,
                       struct infra_statement *combined, struct unit *ret)
{
    struct pg_message m;

    for (size_t done = 0; done < size; done += HEADER + m.size) {
        (void)pg_message_at(at + done, size - done, UINT32_MAX, &m);
        const char *wrong = pg_group_add(c, &m, combined);
        if (wrong != NULL) {
            bad(ret, TROUBLE_MALFORMED, wrong);
            return false;
        }
    }
    return true;
}

static void put_status(struct client *c)
{
    static const char letters[] = "ITE";

    pg_put_ready(&c->link, letters[c->transaction % 3]);
}

/* What begins or ends a transaction may be answered here, so it has to be all
 * that the group does. */
static void check_group(const struct client *c, struct unit *ret)
{
    struct infra_statement *s = &ret->statement;
    bool is_end = s->kind == INFRA_STATEMENT_END;
    size_t size;

    if (!is_end && s->kind != INFRA_STATEMENT_BEGIN &&
        s->kind != INFRA_STATEMENT_BEGIN_READ_ONLY) {
        return;
    }
    if (!pg_group_is_one(c) || s->count != 1) {
        s->kind = INFRA_STATEMENT_WRITE;
        return;
    }
    const char *text = pg_unit_text(c, ret, &size);
    begin_text_check(s, text, size);
}

static void group(struct client *c, const unsigned char *at, size_t size,
                  struct unit *ret)
{
    struct pg_client *p = pg_client(c);
    bool is_open;
    size_t end;

    if (!find_end(c, at, size, &end, &is_open, ret)) {
        return; /* MORE or BAD. */
    }
    p->scanned = 0;
    if (end == HEADER && at[0] == 'S') {
        ret->kind = UNIT_ANSWERED; /* Nothing but a Sync. */
        ret->size = end;
        put_status(c);
        return;
    }
    if (!pg_group_begin(c)) {
        bad(ret, TROUBLE_MEMORY, "out of memory");
        return;
    }
    if (!read_group(c, at, end, &ret->statement, ret)) {
        return;
    }
    ret->kind = UNIT_ROUTE;
    ret->tag = 'S';
    ret->size = end;
    ret->is_open = is_open;
    c->takes_more = is_open;
    if (client_limits(c)->defers_begin) {
        check_group(c, ret);
    }
    if (ret->statement.count == 0) {
        ret->statement.kind = INFRA_STATEMENT_READ;
        ret->statement.count = 1;
    }
    if (is_open) {
        /* What follows is not known. */
        ret->statement.kind = INFRA_STATEMENT_WRITE;
        ret->statement.reason = INFRA_STATEMENT_REASON_MULTIPLE;
        p->group->needs_rewrite = true;
    }
}

/* After an error in an open group all is skipped up to the Sync. */
static void skip(struct client *c, const unsigned char *at, size_t size,
                 struct unit *ret)
{
    struct pg_message m;
    enum pg_found found =
        pg_message_at(at, size, client_limits(c)->message_max, &m);

    if (found == PG_WRONG) {
        bad_length(c, at, ret);
        return;
    }
    if (found == PG_PART) {
        more(ret, HEADER + m.size);
        return;
    }
    ret->kind = UNIT_ANSWERED;
    ret->size = HEADER + m.size;
    if (m.type == 'X') {
        ret->kind = UNIT_QUIT;
    } else if (m.type == 'S') {
        pg_client(c)->is_skipping = false;
        put_status(c);
    }
}

static void function_call(struct unit *ret, size_t size)
{
    ret->kind = UNIT_ROUTE;
    ret->tag = 'F';
    ret->size = HEADER + size;
    ret->statement.kind = INFRA_STATEMENT_WRITE;
    ret->statement.count = 1;
    ret->statement.flags = INFRA_STATEMENT_UNKNOWN_FUNCTION;
}

void pg_cut(struct client *c, struct unit *ret)
{
    const unsigned char *at = link_in(&c->link);
    size_t size = link_in_size(&c->link);
    struct pg_message m;

    if (pg_client(c)->is_skipping) {
        skip(c, at, size, ret);
        return;
    }
    if (is_of_group((char)at[0])) {
        group(c, at, size, ret);
        return;
    }
    if (memchr("QFXdcf", at[0], 6) == NULL) {
        bad(ret, TROUBLE_MALFORMED, "a message of an unknown type");
        return;
    }
    enum pg_found found =
        pg_message_at(at, size, client_limits(c)->message_max, &m);
    if (found == PG_WRONG) {
        bad_length(c, at, ret);
        return;
    }
    if (found == PG_PART) {
        more(ret, HEADER + m.size);
        return;
    }
    switch (m.type) {
    case 'Q':
        query(c, &m, ret);
        break;
    case 'F':
        function_call(ret, m.size);
        break;
    case 'X':
        ret->kind = UNIT_QUIT;
        break;
    default: /* The rest of a COPY that has failed. */
        ret->kind = UNIT_ANSWERED;
        ret->size = HEADER + m.size;
        break;
    }
}

/* Rows of COPY, whole messages. */
static void copy_more(struct client *c, const unsigned char *at, size_t size,
                      struct unit *ret)
{
    struct pg_client *p = pg_client(c);
    struct pg_message m;
    size_t done = 0;

    while (done < size && p->is_copying) {
        enum pg_found found = pg_message_at(at + done, size - done,
                                            client_limits(c)->message_max, &m);
        if (found == PG_WRONG) {
            bad_length(c, at + done, ret);
            return;
        }
        if (memchr("dcfHS", at[done], 5) == NULL) {
            bad(ret, TROUBLE_MALFORMED, "not a message of COPY");
            return;
        }
        if (found == PG_PART) {
            more(ret, HEADER + m.size);
            break;
        }
        done += HEADER + m.size;
        /* In an extended group a Sync follows; one that was sent before the end
         * of the rows is ignored by the server. */
        p->is_copying = m.type != 'c' && m.type != 'f';
        c->takes_more = p->is_copying || c->unit.tag == 'S';
    }
    if (done > 0) {
        ret->kind = UNIT_FOLLOW;
        ret->tag = 'd';
        ret->size = done;
    }
}

void pg_cut_more(struct client *c, struct unit *ret)
{
    struct pg_client *p = pg_client(c);
    const unsigned char *at = link_in(&c->link);
    size_t size = link_in_size(&c->link);
    struct infra_statement ignored = { .count = 1 };
    bool is_open;
    size_t end;

    if (p->is_copying) {
        copy_more(c, at, size, ret);
        return;
    }
    if (!is_of_group((char)at[0])) {
        bad(ret, TROUBLE_MALFORMED,
            "a message inside of a group that has no Sync yet");
        return;
    }
    if (!find_end(c, at, size, &end, &is_open, ret)) {
        /* Whole messages go at once: the server may answer nothing before. */
        if (ret->kind == UNIT_BAD || p->scanned == 0) {
            return;
        }
        end = p->scanned;
        is_open = true;
    }
    p->scanned = 0;
    if (!read_group(c, at, end, &ignored, ret)) {
        return;
    }
    ret->kind = UNIT_FOLLOW;
    ret->tag = 'S';
    ret->size = end;
    c->takes_more = is_open;
}
