/* SPDX-License-Identifier: MIT */
#include "messages.h"

#include <infra/probe.h>
#include <string.h>

#define HEADER_SIZE 5u
#define LENGTH_SIZE 4u

/* The lengths that a first message may have: those of libpq. */
#define FIRST_LENGTH_MAX 2000u
#define FIRST_ERROR_MAX 30000u
#define FIRST_LENGTH_MIN 8u

static enum infra__pgsql_event bad(struct infra__pgsql_messages *m,
                                   uint32_t reason)
{
    m->reason = reason;
    return INFRA__PGSQL_BAD;
}

/* PostgreSQL begins with a request for a login or with an error. Other servers
 * that speak first (SSH, MySQL) are not PostgreSQL. */
static bool may_come_first(unsigned char type)
{
    return type == 'R' || type == 'E';
}

static bool is_first_length(const struct infra__pgsql_messages *m)
{
    return m->length >= FIRST_LENGTH_MIN &&
           m->length <= (m->type == 'E' ? FIRST_ERROR_MAX : FIRST_LENGTH_MAX);
}

/* A postmaster that cannot fork reports that in the format of PostgreSQL 6.3: a
 * line of text after the type, which looks like an enormous length. */
static bool is_old_error(const struct infra__pgsql_messages *m)
{
    return m->type == 'E' && m->body[0] >= ' ' && m->body[1] >= ' ' &&
           m->body[2] >= ' ' && m->body[3] >= ' ';
}

/* One byte of the header. */
static enum infra__pgsql_event header_byte(struct infra__pgsql_messages *m,
                                           unsigned char c)
{
    if (m->header_count++ == 0) {
        m->type = c;
        m->length = 0;
        m->done = 0;
        m->size = 0;
        m->is_cut = false;
        return m->is_followed || may_come_first(c)
                   ? INFRA__PGSQL_MORE
                   : bad(m, INFRA_PROBE_REASON_WRONG_PROTOCOL);
    }
    m->body[m->size++] = c; /* It may be text. */
    m->length = m->length << 8 | c;
    if (m->header_count < HEADER_SIZE) {
        return INFRA__PGSQL_MORE;
    }
    if (!m->is_followed) {
        m->is_old = is_old_error(m);
        if (m->is_old) {
            return INFRA__PGSQL_MORE;
        }
        if (!is_first_length(m)) {
            return bad(m, INFRA_PROBE_REASON_WRONG_PROTOCOL);
        }
    }
    if (m->length < LENGTH_SIZE) {
        return bad(m, INFRA_PROBE_REASON_BAD_REPLY);
    }
    if (m->length >= INFRA__PGSQL_READ_MAX - m->read_count) {
        return bad(m, INFRA_PROBE_REASON_REPLY_TOO_LONG);
    }
    m->read_count += 1 + m->length;
    m->length -= LENGTH_SIZE;
    m->size = 0;
    return INFRA__PGSQL_MORE;
}

static bool is_complete(const struct infra__pgsql_messages *m)
{
    return m->header_count == HEADER_SIZE && !m->is_old && m->done == m->length;
}

static enum infra__pgsql_event message(struct infra__pgsql_messages *m)
{
    m->header_count = 0;
    m->is_followed = true;
    return INFRA__PGSQL_MESSAGE;
}

/* Take the part of the body that is there. */
static void take_body(struct infra__pgsql_messages *m,
                      struct infra__pgsql_input *in)
{
    size_t left = m->length - m->done;
    size_t room = sizeof m->body - m->size;
    size_t count = in->count < left ? in->count : left;
    size_t kept = count < room ? count : room;

    memcpy(m->body + m->size, in->at, kept);
    m->size += (uint32_t)kept;
    m->is_cut = m->is_cut || kept < count;
    m->done += (uint32_t)count;
    in->at += count;
    in->count -= count;
}

/* A byte of an old error, which ends with its line. */
static enum infra__pgsql_event text_byte(struct infra__pgsql_messages *m,
                                         unsigned char c)
{
    if (c == '\n' || c == '\0') {
        return message(m);
    }
    if (m->size == sizeof m->body) {
        return bad(m, INFRA_PROBE_REASON_REPLY_TOO_LONG);
    }
    m->body[m->size++] = c;
    return INFRA__PGSQL_MORE;
}

enum infra__pgsql_event infra__pgsql_messages_next(
    struct infra__pgsql_messages *m, struct infra__pgsql_input *in)
{
    while (in->count > 0) {
        if (m->header_count == HEADER_SIZE && !m->is_old) {
            take_body(m, in);
        } else {
            unsigned char c = *in->at++;
            in->count--;
            enum infra__pgsql_event event = m->header_count < HEADER_SIZE
                                                ? header_byte(m, c)
                                                : text_byte(m, c);
            if (event != INFRA__PGSQL_MORE) {
                return event;
            }
        }
        if (is_complete(m)) {
            return message(m);
        }
    }
    return INFRA__PGSQL_MORE;
}
