/* SPDX-License-Identifier: MIT */
/* A check of a MySQL or MariaDB server as a probe: its options and its side of
 * the exchange. The conversation is in talk.c. */
#include "mysql.h"

#include "../../base/internal.h"

#include <string.h>

#define PASSWORD_MAX INFRA_LOGIN_MYSQL_PASSWORD_MAX

INFRA__NO_TAIL_PADDING(struct infra_probe_mysql_options, lag_max);

static void mysql_connected(struct infra_probe *probe)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;

    m->step = INFRA__MYSQL_GREETING;
    m->is_given_up = false;
    m->is_lost = false;
    m->head_size = 0;
    m->output_size = 0;
    m->packets = (struct infra__mysql_packets) { 0 };
    m->greeting = (struct infra__mysql_greeting) { 0 };
    infra__mysql_status_start(&m->status);
}

static void mysql_written(struct infra_probe *probe)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;

    if (m->step == INFRA__MYSQL_TLS) {
        infra__probe_upgrade(probe);
    }
}

static void mysql_input(struct infra_probe *probe, const void *bytes,
                        size_t count)
{
    struct infra__mysql *m = (struct infra__mysql *)probe;
    const unsigned char *p = bytes;

    for (size_t i = 0;
         i < count && probe->want == INFRA_WANT_IO && !probe->is_leaving; i++) {
        /* In clear before the handshake (as in CVE-2021-23222). */
        if (m->step == INFRA__MYSQL_TLS) {
            infra__probe_finish(probe, INFRA_PROBE_REASON_TLS);
            return;
        }
        infra__mysql_hear(m, p[i]);
    }
}

static void mysql_upgraded(struct infra_probe *probe)
{
    infra__mysql_log_in((struct infra__mysql *)probe);
}

/* A server may refuse what it cannot read without a word. */
static void mysql_ended(struct infra_probe *probe)
{
    const struct infra__mysql *m = (struct infra__mysql *)probe;

    infra__probe_finish(probe, m->is_lost ? m->reason
                                          : INFRA_PROBE_REASON_CLOSED_EARLY);
}

static const struct infra__probe_kind mysql = { .connected = mysql_connected,
                                                .written = mysql_written,
                                                .input = mysql_input,
                                                .ended = mysql_ended,
                                                .upgraded = mysql_upgraded };

static int complete(void *options)
{
    const struct infra_probe_mysql_options *o = options;
    bool needs_user = o->password != NULL || o->lag_max != 0 || o->ask != 0 ||
                      o->expect != INFRA_PROBE_ROLE_UNKNOWN ||
                      o->question != NULL;

    return infra__database_options_are_allowed(o, INFRA__MYSQL_USER_MAX,
                                               PASSWORD_MAX) &&
                   (o->user != NULL || !needs_user)
               ? INFRA_OK
               : INFRA_EINVAL;
}

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static void set_user(struct infra__mysql *m,
                     const struct infra_probe_mysql_options *o)
{
    m->has_user = o->user != NULL;
    if (m->has_user) {
        memcpy(m->name, o->user, size_of(o->user));
    }
    if (o->password != NULL && o->password[0] != '\0') {
        infra__mysql_login_derive(&m->keys, o->password, strlen(o->password));
    }
    if (m->keys.has != 0 && o->tls == 1) {
        m->password = memcpy(m->name + size_of(o->user) + size_of(o->question),
                             o->password, size_of(o->password));
    }
}

static void set_questions(struct infra__mysql *m,
                          const struct infra_probe_mysql_options *o)
{
    m->needs[INFRA__MYSQL_ASK_VARIABLES] =
        o->expect == INFRA_PROBE_ROLE_PRIMARY;
    m->needs[INFRA__MYSQL_ASK_REPLICATION] =
        o->expect == INFRA_PROBE_ROLE_REPLICA || o->lag_max != 0;
    for (size_t i = INFRA__MYSQL_ASK_VARIABLES;
         i <= INFRA__MYSQL_ASK_REPLICATION; i++) {
        m->asks[i] = m->needs[i] || o->ask == 1;
    }
    m->asks[INFRA__MYSQL_ASK_HOST] = o->question != NULL;
    m->limits = infra__database_limits(o);
    m->limits.lag_max = o->lag_max;
    if (o->question != NULL) { /* Requires a user. */
        m->question = memcpy(m->name + size_of(o->user), o->question,
                             size_of(o->question));
    }
}

int infra_probe_mysql(struct infra_probe **ret,
                      const struct infra_probe_mysql_options *options)
{
    struct infra_probe_mysql_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    /* The anonymous user's name is one zero. */
    size_t texts_size =
        err == INFRA_OK
            ? size_of(o.user) + size_of(o.question) + size_of(o.password) + 1
            : 0;
    struct infra__mysql *m =
        infra__probe_create(&err, sizeof *m + texts_size, &mysql, &o);

    if (m == NULL) {
        return err;
    }
    m->probe.texts[INFRA_PROBE_TEXT_VERSION] = m->greeting.version;
    m->probe.texts[INFRA_PROBE_TEXT_MESSAGE] = m->message;
    m->probe.texts[INFRA_PROBE_TEXT_POSITION] = m->status.position;
    m->probe.texts[INFRA_PROBE_TEXT_SOURCE] = m->status.source;
    m->tls = o.tls == 1;
    set_user(m, &o);
    set_questions(m, &o);
    *ret = &m->probe;
    return INFRA_OK;
}
