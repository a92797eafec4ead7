/* SPDX-License-Identifier: MIT */
/* A check of a MySQL or MariaDB server, as a probe: its options and its side of
 * the exchange. What is said is in talk.c. */
#include "mysql.h"

#include "../../base/internal.h"
#include "../answer.h"

#include <assert.h>
#include <string.h>

#define PASSWORD_MAX 255u

INFRA__NO_TAIL_PADDING(struct infra_probe_mysql_options, answer_max);

static void mysql_connected(struct infra_probe *probe)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;

    m->step = INFRA__MYSQL_GREETING;
    m->is_switched = false;
    m->is_lost = false;
    m->head_size = 0;
    m->output_size = 0;
    m->output_sent = 0;
    m->packets = (struct infra__mysql_packets) { 0 };
    m->greeting = (struct infra__mysql_greeting) { 0 };
    infra__mysql_status_start(&m->status);
    m->message[0] = '\0';
}

static size_t mysql_output(struct infra_probe *probe, const void **ret)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;

    *ret = m->output + m->output_sent;
    return m->output_size - m->output_sent;
}

static void mysql_sent(struct infra_probe *probe, size_t count)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;

    assert(count <= m->output_size - m->output_sent);
    m->output_sent += (uint32_t)count;
    if (m->output_sent < m->output_size) {
        return;
    }
    if (m->step == INFRA__MYSQL_TLS) {
        infra__probe_upgrade(probe);
    } else if (m->step == INFRA__MYSQL_LEAVING) {
        infra__probe_finish(probe, m->reason);
    }
}

static void mysql_input(struct infra_probe *probe, const void *bytes,
                        size_t count)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;
    const unsigned char *p = bytes;

    for (size_t i = 0; i < count && probe->want == INFRA_WANT_IO; i++) {
        if (m->step == INFRA__MYSQL_LEAVING) {
            return;
        }
        /* In the clear, where a handshake belongs (as in CVE-2021-23222). */
        if (m->step == INFRA__MYSQL_TLS) {
            infra__probe_finish(probe, INFRA_PROBE_REASON_TLS);
            return;
        }
        infra__mysql_hear(m, p[i]);
    }
}

static void mysql_ended(struct infra_probe *probe)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;

    infra__probe_finish(probe, m->step == INFRA__MYSQL_LEAVING
                                   ? m->reason
                                   : INFRA_PROBE_REASON_CLOSED_EARLY);
}

static void mysql_upgraded(struct infra_probe *probe)
{
    infra__mysql_log_in((struct infra__mysql *)probe);
}

static const char *mysql_text(const struct infra_probe *probe, uint32_t kind)
{
    const struct infra__mysql *m = (const struct infra__mysql *)probe;

    if (!probe->is_talking) { /* They are of an earlier check. */
        return NULL;
    }
    switch (kind) {
    case INFRA_PROBE_TEXT_VERSION:
        return m->greeting.version;
    case INFRA_PROBE_TEXT_MESSAGE:
        return m->message;
    case INFRA_PROBE_TEXT_POSITION:
        return (probe->result.has & INFRA_PROBE_HAS_POSITION) != 0
                   ? m->status.position
                   : NULL;
    case INFRA_PROBE_TEXT_SOURCE: /* Not of half an answer. */
        return (probe->result.has & INFRA_PROBE_HAS_ROLE) != 0
                   ? m->status.source
                   : NULL;
    default:
        return NULL;
    }
}

static const struct infra__probe_kind mysql = { .connected = mysql_connected,
                                                .output = mysql_output,
                                                .sent = mysql_sent,
                                                .input = mysql_input,
                                                .ended = mysql_ended,
                                                .upgraded = mysql_upgraded,
                                                .text = mysql_text };

static bool is_short(const char *text, size_t size_max)
{
    return text == NULL || strnlen(text, size_max + 1) <= size_max;
}

static bool are_options_allowed(const struct infra_probe_mysql_options *o)
{
    const struct infra__answer_limits limits = { o->answer_min, o->answer_max };
    bool wants_more = o->password != NULL || o->lag_max != 0 || o->ask != 0 ||
                      o->expect != INFRA_PROBE_ROLE_UNKNOWN ||
                      o->question != NULL;

    return is_short(o->user, INFRA__MYSQL_USER_MAX) &&
           is_short(o->password, PASSWORD_MAX) &&
           is_short(o->question, INFRA__QUESTION_MAX) &&
           (o->question == NULL || o->question[0] != '\0') &&
           (o->user != NULL || !wants_more) && o->tls <= 1 && o->ask <= 1 &&
           o->expect <= INFRA_PROBE_ROLE_REPLICA &&
           infra__answer_limits_are_allowed(&limits, o->question);
}

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static void set_user(struct infra__mysql *m,
                     const struct infra_probe_mysql_options *o)
{
    m->has_user = o->user != NULL;
    m->user.name = m->name;
    if (m->has_user) {
        memcpy(m->name, o->user, size_of(o->user));
    }
    if (o->password != NULL && o->password[0] != '\0') {
        m->user.has_password = true;
        infra__sha1(m->user.secret, o->password, strlen(o->password));
    }
}

static void set_questions(struct infra__mysql *m,
                          const struct infra_probe_mysql_options *o)
{
    m->needs[INFRA__MYSQL_ASK_VARIABLES] =
        o->expect == INFRA_PROBE_ROLE_PRIMARY;
    m->needs[INFRA__MYSQL_ASK_REPLICATION] =
        o->expect == INFRA_PROBE_ROLE_REPLICA || o->lag_max != 0;
    m->asks[INFRA__MYSQL_ASK_VARIABLES] =
        m->needs[INFRA__MYSQL_ASK_VARIABLES] || o->ask == 1;
    m->asks[INFRA__MYSQL_ASK_REPLICATION] =
        m->needs[INFRA__MYSQL_ASK_REPLICATION] || o->ask == 1;
    m->asks[INFRA__MYSQL_ASK_HOST] = o->question != NULL;
    m->limits = (struct infra__answer_limits) { o->answer_min, o->answer_max };
    if (o->question != NULL) { /* A question has a user. */
        m->question = memcpy(m->name + size_of(o->user), o->question,
                             size_of(o->question));
    }
}

int infra_probe_mysql(struct infra_probe **ret,
                      const struct infra_probe_mysql_options *options)
{
    struct infra_probe_mysql_options o = { .size = sizeof o };
    struct infra_probe *probe;

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    if (!are_options_allowed(&o)) {
        return INFRA_EINVAL;
    }
    const struct infra__probe_limits limits = {
        .connect_timeout = o.connect_timeout,
        .response_timeout = o.response_timeout,
        .first_byte_timeout = o.first_byte_timeout,
    };
    /* Nobody's name is a zero. */
    size_t texts_size = size_of(o.user) + size_of(o.question) + 1;
    err = infra__probe_create(&probe, sizeof(struct infra__mysql) + texts_size,
                              &mysql, o.allocator, &limits);
    if (err != INFRA_OK) {
        return err;
    }
    struct infra__mysql *m = (struct infra__mysql *)probe;
    m->lag_max = o.lag_max;
    m->expect = o.expect;
    m->tls = o.tls == 1;
    set_user(m, &o);
    set_questions(m, &o);
    *ret = probe;
    return INFRA_OK;
}
