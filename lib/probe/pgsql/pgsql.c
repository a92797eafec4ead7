/* SPDX-License-Identifier: MIT */
/* A PostgreSQL check as a probe: its options and its side of the exchange. */
#include "pgsql.h"

#include "../../base/characters.h"
#include "../../base/internal.h"

#include <string.h>

#define PROTOCOL_3_0 196608u

/* Where the startup message has the user's name, with its zero. */
#define STARTUP_USER_AT 13u

INFRA__NO_TAIL_PADDING(struct infra_probe_pgsql_options, seed);

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

static void pgsql_input(struct infra_probe *probe, const void *bytes,
                        size_t count)
{
    infra__pgsql_hear((struct infra__pgsql *)probe, bytes, count);
}

/* A server may close once it has sent its error. */
static void pgsql_ended(struct infra_probe *probe)
{
    struct infra__pgsql *p = (struct infra__pgsql *)probe;

    infra__probe_finish(probe, p->reason != INFRA_PROBE_REASON_PASSED
                                   ? p->reason
                                   : INFRA_PROBE_REASON_CLOSED_EARLY);
}

static const struct infra__probe_kind pgsql = { .connected = pgsql_connected,
                                                .input = pgsql_input,
                                                .ended = pgsql_ended,
                                                .upgraded = pgsql_upgraded };

static int complete(void *options)
{
    struct infra_probe_pgsql_options *o = options;

    o->user = o->user != NULL ? o->user : "postgres";
    o->database = o->database != NULL ? o->database : "postgres";
    if (o->password != NULL && o->password[0] == '\0') {
        o->password = NULL;
    }
    return infra__database_options_are_allowed(o, INFRA__PGSQL_USER_MAX,
                                               INFRA__PGSQL_PASSWORD_MAX) &&
                   o->user[0] != '\0' &&
                   infra__text_fits(o->database, 1, INFRA__PGSQL_USER_MAX) &&
                   o->allow_cleartext_password <= 1
               ? INFRA_OK
               : INFRA_EINVAL;
}

static void add_number(struct infra__request *r, uint32_t number)
{
    unsigned char bytes[4];

    infra__pgsql_put_u32(bytes, number);
    infra__request_add(r, bytes, sizeof bytes);
}

static void add_startup(struct infra__request *r, const char *user,
                        const char *database)
{
    const char *const texts[] = { "user", user, "database", database,
                                  /* Shown in the server's log and views. */
                                  "application_name", "libinfra", "" };
    size_t size = 8; /* Of this, and of the protocol. */

    for (size_t i = 0; i < INFRA__COUNT_OF(texts); i++) {
        size += strlen(texts[i]) + 1;
    }
    add_number(r, (uint32_t)size);
    add_number(r, PROTOCOL_3_0);
    for (size_t i = 0; i < INFRA__COUNT_OF(texts); i++) {
        infra__request_add(r, texts[i], strlen(texts[i]) + 1);
    }
}

static void add_query(struct infra__request *r, const char *text)
{
    size_t size = strlen(text) + 1;

    infra__request_add(r, "Q", 1);
    add_number(r, (uint32_t)size + 4);
    infra__request_add(r, text, size);
}

/* The startup message, the question, the password. @ret_ends: of the first
 * two. */
static void write_texts(struct infra__request *r, size_t ret_ends[2],
                        const struct infra_probe_pgsql_options *o)
{
    add_startup(r, o->user, o->database);
    ret_ends[0] = r->size;
    if (o->question != NULL) {
        add_query(r, o->question);
    }
    ret_ends[1] = r->size;
    if (o->password != NULL) {
        infra__request_add(r, o->password, strlen(o->password) + 1);
    }
}

static void set_texts(struct infra__pgsql *p,
                      const struct infra_probe_pgsql_options *o)
{
    struct infra__request texts = { .at = p->texts };
    size_t ends[2];

    write_texts(&texts, ends, o);
    p->startup = (struct infra__request) { p->texts, ends[0] };
    p->question =
        (struct infra__request) { p->texts + ends[0], ends[1] - ends[0] };
    p->login.user = p->texts + STARTUP_USER_AT;
    p->login.password = o->password != NULL ? p->texts + ends[1] : NULL;
    p->probe.texts[INFRA_PROBE_TEXT_VERSION] = p->version;
    p->probe.texts[INFRA_PROBE_TEXT_MESSAGE] = p->message;
    p->probe.texts[INFRA_PROBE_TEXT_POSITION] = p->row.position_text;
    p->probe.texts[INFRA_PROBE_TEXT_SOURCE] = p->row.source;
}

int infra_probe_pgsql(struct infra_probe **ret,
                      const struct infra_probe_pgsql_options *options)
{
    struct infra_probe_pgsql_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra__request texts = { .at = NULL };
    size_t ends[2];

    if (err == INFRA_OK) {
        write_texts(&texts, ends, &o);
    }
    struct infra__pgsql *p =
        infra__probe_create(&err, sizeof *p + texts.size, &pgsql, &o);
    if (p == NULL) {
        return err;
    }
    set_texts(p, &o);
    p->login.seed = o.seed;
    p->limits = infra__database_limits(&o);
    p->limits.lag_max = o.lag_max;
    p->wants_tls = o.tls == 1;
    p->asks =
        o.ask == 1 || o.expect != INFRA_PROBE_ROLE_UNKNOWN || o.lag_max > 0;
    p->wants_login = p->asks || o.password != NULL || o.question != NULL;
    p->is_clear_allowed = o.allow_cleartext_password == 1;
    *ret = &p->probe;
    return INFRA_OK;
}
