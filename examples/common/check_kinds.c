/* SPDX-License-Identifier: MIT */
/* Each kind has a name, a help, settings that become options, and a
 * constructor. To add one: a member of union check_options, its table of
 * settings, CREATE and KIND. */
#include "check_kinds.h"

#include "arguments.h"

#include <string.h>

static void text(struct check_making *m, const char *name, const char *value,
                 void *option)
{
    (void)m;
    (void)name;
    memcpy(option, &value, sizeof value);
}

static void number(struct check_making *m, const char *name, const char *value,
                   void *option)
{
    uint32_t n = 0;

    if (!read_number(&value, &n) || *value != '\0') {
        m->wrong = name;
    }
    memcpy(option, &n, sizeof n);
}

static void answer(struct check_making *m, const char *name, const char *value,
                   void *option)
{
    uint32_t n = 0;

    number(m, name, value, &n);
    memcpy(option, &(uint64_t) { n }, sizeof(uint64_t));
}

/* With a unit, or in milliseconds. */
static void duration(struct check_making *m, const char *name,
                     const char *value, void *option)
{
    infra_time time = 0;

    if (!parse_time(value, true, &time)) {
        m->wrong = name;
    }
    memcpy(option, &time, sizeof time);
}

static void role(struct check_making *m, const char *name, const char *value,
                 void *option)
{
    uint32_t role = INFRA_PROBE_ROLE_REPLICA;

    while (role > 0 && strcmp(value, infra_probe_role_name(role)) != 0) {
        role--;
    }
    if (role == INFRA_PROBE_ROLE_UNKNOWN && strcmp(value, "any") != 0) {
        m->wrong = name;
    }
    memcpy(option, &role, sizeof role);
}

static void http_fields(struct check_making *m)
{
    for (uint32_t i = 0; i < m->settings->count; i++) {
        struct check_setting *s = &m->settings->at[i];
        if (strcmp(s->name, "field") == 0) {
            const char *wrong = http_fields_add(&m->fields, s->value, s->size);
            s->is_used = true;
            m->wrong = wrong != NULL ? wrong : m->wrong;
        }
    }
    m->options.http.fields = m->fields.at;
    m->options.http.fields_count = m->fields.count;
}

static void pgsql_seed(struct check_making *m)
{
    m->options.pgsql.seed = m->seed;
}

/* The steps in their order. */
static void script_steps(struct check_making *m)
{
    struct infra_probe_script_options *o = &m->options.script;

    o->steps = m->steps;
    for (uint32_t i = 0; i < m->settings->count; i++) {
        struct check_setting *s = &m->settings->at[i];
        uint32_t kind = 0;
        while (kind <= INFRA_PROBE_STEP_REFUSE &&
               strcmp(s->name, infra_probe_step_name(kind)) != 0) {
            kind++;
        }
        if (kind <= INFRA_PROBE_STEP_REFUSE) {
            s->is_used = true;
            m->steps[o->steps_count++] = (struct infra_probe_step) {
                .kind = kind, .bytes = s->value, .bytes_size = s->size
            };
        }
    }
}

/* Each constructor takes its own member of the union. */
#define CREATE(kind)                                       \
    static int create_##kind(struct infra_probe **ret,     \
                             const union check_options *o) \
    {                                                      \
        return infra_probe_##kind(ret, &o->kind);          \
    }
CREATE(agent)
CREATE(http)
CREATE(mysql)
CREATE(pgsql)
CREATE(redis)
CREATE(script)
CREATE(tcp)

#define OPTION(kind, option, reader)                                 \
    {                                                                \
        .name = #option,                                             \
        .at = offsetof(struct infra_probe_##kind##_options, option), \
        .read = (reader)                                             \
    }
#define DATABASE(kind)                                            \
    OPTION(kind, tls, number), OPTION(kind, ask, number),         \
        OPTION(kind, user, text), OPTION(kind, password, text),   \
        OPTION(kind, question, text), OPTION(kind, expect, role), \
        OPTION(kind, answer_min, answer), OPTION(kind, answer_max, answer)

static const struct check_option agent_options[] = {
    OPTION(agent, tls, number),
    OPTION(agent, send, text),
};
static const struct check_option http_options[] = {
    OPTION(http, tls, number),         OPTION(http, method, text),
    OPTION(http, path, text),          OPTION(http, host, text),
    OPTION(http, body_contains, text), OPTION(http, status_min, number),
    OPTION(http, status_max, number),  OPTION(http, drain_on_404, number),
};
static const struct check_option mysql_options[] = {
    DATABASE(mysql),
    OPTION(mysql, lag_max, duration),
};
static const struct check_option pgsql_options[] = {
    DATABASE(pgsql),
    OPTION(pgsql, lag_max, duration),
    OPTION(pgsql, database, text),
    OPTION(pgsql, allow_cleartext_password, number),
};
static const struct check_option redis_options[] = { DATABASE(redis) };
static const struct check_option script_options[] = {
    OPTION(script, tls, number),
};
static const struct check_option tcp_options[] = { OPTION(tcp, tls, number) };

#define KIND(kind, last, text)                                             \
    {                                                                      \
        .name = #kind, .help = (text),                                     \
        .options_size = sizeof(struct infra_probe_##kind##_options),       \
        .options = kind##_options,                                         \
        .options_count = sizeof kind##_options / sizeof kind##_options[0], \
        .finish = (last), .create = create_##kind                          \
    }
const struct check_kind check_kinds[] = {
    KIND(agent, NULL, "  agent                    HAProxy's agent-check\n"),
    KIND(http, http_fields,
         "  http:/PATH               GET PATH returns a status of 200 to 399\n"
         "  http:/PATH,host=NAME,field=X-Forwarded-Proto: https,"
         "field=NAME: VALUE\n"),
    KIND(mysql, NULL,
         "  mysql,user=NAME,password-file=PATH,expect=replica,lag_max=5s\n"),
    KIND(pgsql, pgsql_seed,
         "  pgsql,user=NAME,password-env=NAME,expect=primary,"
         "question=SELECT 1\n"),
    KIND(redis, NULL, "  redis,password-file=PATH,expect=primary\n"),
    KIND(script, script_steps,
         "  script,start=220 ,send=QUIT\\r\\n,expect=221\n"),
    KIND(tcp, NULL,
         "  tcp                      The server accepts a connection.  Its "
         "kernel does\n"
         "                           that even if the program hangs; the other "
         "kinds\n"
         "                           wait for an answer of the program.\n"),
};
const size_t check_kinds_count = sizeof check_kinds / sizeof check_kinds[0];

static const struct check_option timeout_options[] = {
    { "connect_timeout", offsetof(struct infra_probe_timeouts, connect_timeout),
      duration },
    { "response_timeout",
      offsetof(struct infra_probe_timeouts, response_timeout), duration },
    { "first_byte_timeout",
      offsetof(struct infra_probe_timeouts, first_byte_timeout), duration },
};
#define TIMEOUTS_COUNT (sizeof timeout_options / sizeof timeout_options[0])

static void read_options(struct check_making *m,
                         const struct check_option *options, size_t count,
                         void *target)
{
    for (size_t i = 0; i < count; i++) {
        const struct check_option *o = &options[i];
        bool is_read = false;
        for (uint32_t j = 0; j < m->settings->count; j++) {
            struct check_setting *s = &m->settings->at[j];
            if (is_read || strcmp(s->name, o->name) != 0) {
                continue;
            }
            is_read = true;
            s->is_used = true;
            if (strlen(s->value) != s->size) { /* A zero byte would cut it. */
                m->wrong = o->name;
            }
            o->read(m, o->name, s->value, (char *)target + o->at);
        }
    }
}

int check_kind_create(struct infra_probe **ret, const struct check_kind *kind,
                      struct check_making *m)
{
    m->timeouts.size = sizeof m->timeouts;
    read_options(m, timeout_options, TIMEOUTS_COUNT, &m->timeouts);
    /* All options begin alike. */
    m->options.tcp.size = kind->options_size;
    m->options.tcp.timeouts = &m->timeouts;
    read_options(m, kind->options, kind->options_count, &m->options);
    if (kind->finish != NULL) {
        kind->finish(m);
    }
    return kind->create(ret, &m->options);
}
