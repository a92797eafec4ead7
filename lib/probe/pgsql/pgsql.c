/* SPDX-License-Identifier: MIT */
/* A PostgreSQL check as a kind of probe, and its options. */
#include "pgsql.h"
#include "startup.h"

#include "../../base/internal.h"
#include "../answer.h"

#include <assert.h>
#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_probe_pgsql_options, answer_max);

static void pgsql_connected(struct infra_probe *probe)
{
    infra__pgsql_start((struct infra__pgsql *)probe);
}

static void pgsql_upgraded(struct infra_probe *probe)
{
    struct infra__pgsql *p = (struct infra__pgsql *)probe;

    p->login.is_clear_allowed = true;
    infra__pgsql_introduce(p);
}

static size_t pgsql_output(struct infra_probe *probe, const void **ret)
{
    struct infra__pgsql *p = (struct infra__pgsql *)probe;

    *ret = p->output;
    return p->output_size;
}

static void pgsql_sent(struct infra_probe *probe, size_t count)
{
    struct infra__pgsql *p = (struct infra__pgsql *)probe;

    assert(count <= p->output_size);
    p->output += count;
    p->output_size -= count;
    if (p->state == INFRA__PGSQL_LEAVING && p->output_size == 0) {
        infra__probe_finish(probe, p->reason);
    }
}

static void pgsql_input(struct infra_probe *probe, const void *bytes,
                        size_t count)
{
    infra__pgsql_hear((struct infra__pgsql *)probe, bytes, count);
}

/* A server may go once it said what it had to say. */
static void pgsql_ended(struct infra_probe *probe)
{
    struct infra__pgsql *p = (struct infra__pgsql *)probe;
    bool is_known = p->state == INFRA__PGSQL_LEAVING ||
                    p->reason != INFRA_PROBE_REASON_PASSED;

    infra__probe_finish(probe,
                        is_known ? p->reason : INFRA_PROBE_REASON_CLOSED_EARLY);
}

static const char *pgsql_text(const struct infra_probe *probe, uint32_t kind)
{
    const struct infra__pgsql *p = (const struct infra__pgsql *)probe;

    if (!probe->is_talking) {
        return NULL; /* The texts are of an earlier check. */
    }
    switch (kind) {
    case INFRA_PROBE_TEXT_VERSION:
        return p->version;
    case INFRA_PROBE_TEXT_MESSAGE:
        return p->message;
    case INFRA_PROBE_TEXT_POSITION:
        return p->has_row ? p->row.position_text : NULL;
    case INFRA_PROBE_TEXT_SOURCE: /* Not of half an answer. */
        return probe->result.role == INFRA_PROBE_ROLE_REPLICA ? p->row.source
                                                              : NULL;
    default:
        return NULL;
    }
}

static const struct infra__probe_kind pgsql = { .connected = pgsql_connected,
                                                .output = pgsql_output,
                                                .sent = pgsql_sent,
                                                .input = pgsql_input,
                                                .ended = pgsql_ended,
                                                .upgraded = pgsql_upgraded,
                                                .text = pgsql_text };

/* Is @text 1 to @size_max bytes? */
static bool is_text(const char *text, size_t size_max)
{
    size_t size = strnlen(text, size_max + 1);

    return size > 0 && size <= size_max;
}

static bool are_options_allowed(const struct infra_probe_pgsql_options *o)
{
    const struct infra__answer_limits limits = { o->answer_min, o->answer_max };

    return is_text(o->user, INFRA__PGSQL_USER_MAX) &&
           is_text(o->database, INFRA__PGSQL_USER_MAX) &&
           (o->password == NULL ||
            is_text(o->password, INFRA__PGSQL_PASSWORD_MAX)) &&
           (o->question == NULL || is_text(o->question, INFRA__QUESTION_MAX)) &&
           o->expect <= INFRA_PROBE_ROLE_REPLICA && o->ask <= 1 &&
           o->tls <= 1 && o->allow_cleartext_password <= 1 &&
           infra__answer_limits_are_allowed(&limits, o->question);
}

/* One allocation: the struct, the startup message, the question, the password.
 */
static int create(struct infra__pgsql **ret,
                  const struct infra_probe_pgsql_options *o)
{
    size_t startup_size = infra__pgsql_startup(NULL, o->user, o->database);
    size_t question_size = infra__pgsql_query(NULL, o->question);
    size_t password_size = o->password != NULL ? strlen(o->password) + 1 : 0;
    const struct infra__probe_limits limits = {
        .connect_timeout = o->connect_timeout,
        .response_timeout = o->response_timeout,
        .first_byte_timeout = o->first_byte_timeout,
    };
    struct infra_probe *probe;

    int err = infra__probe_create(&probe,
                                  sizeof(struct infra__pgsql) + startup_size +
                                      question_size + password_size,
                                  &pgsql, o->allocator, &limits);
    if (err != INFRA_OK) {
        return err;
    }
    struct infra__pgsql *p = (struct infra__pgsql *)probe;

    p->startup_size = (uint32_t)startup_size;
    (void)infra__pgsql_startup(p->texts, o->user, o->database);
    p->login.user = p->texts + INFRA__PGSQL_STARTUP_USER_AT;
    if (o->question != NULL) {
        p->question_size = (uint32_t)question_size;
        p->question = p->texts + startup_size;
        (void)infra__pgsql_query(p->texts + startup_size, o->question);
    }
    if (o->password != NULL) {
        p->login.password = memcpy(p->texts + startup_size + question_size,
                                   o->password, password_size);
    }
    *ret = p;
    return INFRA_OK;
}

int infra_probe_pgsql(struct infra_probe **ret,
                      const struct infra_probe_pgsql_options *options)
{
    struct infra_probe_pgsql_options o = { .size = sizeof o };
    struct infra__pgsql *p;

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    o.user = o.user != NULL ? o.user : "postgres";
    o.database = o.database != NULL ? o.database : "postgres";
    o.password =
        o.password != NULL && o.password[0] != '\0' ? o.password : NULL;
    if (!are_options_allowed(&o)) {
        return INFRA_EINVAL;
    }
    err = create(&p, &o);
    if (err != INFRA_OK) {
        return err;
    }
    p->login.seed = o.seed;
    p->lag_max = o.lag_max;
    p->limits = (struct infra__answer_limits) { o.answer_min, o.answer_max };
    p->expect = o.expect;
    p->wants_tls = o.tls == 1;
    p->asks =
        o.ask == 1 || o.expect != INFRA_PROBE_ROLE_UNKNOWN || o.lag_max > 0;
    p->wants_login = p->asks || o.password != NULL || o.question != NULL;
    p->is_clear_allowed = o.allow_cleartext_password == 1;
    *ret = &p->probe;
    return INFRA_OK;
}
