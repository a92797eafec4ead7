/* SPDX-License-Identifier: MIT */
/* A kind and its settings; each kind makes its options of them.  A setting that
 * the kind does not ask for is an error, so that a misspelt one is not lost. */
#include "check_spec.h"

#include "arguments.h"
#include "http_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 64u

const char check_spec_help[] =
    "CHECK is how a backend is checked: a kind, and settings after commas "
    "that\n"
    "are named as in infra/probe.h:\n"
    "  tcp                                  it accepts a connection\n"
    "  http:/PATH                           GET PATH is answered with 200 to "
    "399\n"
    "  http:/PATH,host=H,field=X-Forwarded-Proto: https,field=NAME: VALUE\n"
    "  mysql,user=U,password=P,expect=replica,lag_max=5s\n"
    "  pgsql,user=U,password=P,expect=primary,question=SELECT 1\n"
    "  redis,password=P,expect=primary\n"
    "                                       with question=Q the answer, a "
    "number, is\n"
    "                                       judged by answer_min=N and "
    "answer_max=N\n"
    "  agent                                HAProxy's agent-check\n"
    "  script,start=220 ,send=QUIT\\r\\n,expect=221\n"
    "All take connect_timeout=TIME and response_timeout=TIME.  In a value a "
    "comma is\n"
    "written \\, and a backslash \\\\.\n";

struct setting {
    char *name;
    char *value;
    size_t size;
    bool is_used;
};

struct check_spec {
    const struct kind *kind;
    char *text; /* Which the settings point into. */
    struct setting settings[SETTINGS_MAX];
    uint32_t count;
};

/* What a kind reads its options from. */
struct reading {
    struct check_spec *spec;
    const char *wrong; /* The first setting whose value is bad. */
    uint64_t seed;
};

struct kind {
    const char *name;
    int (*create)(struct infra_probe **ret, struct reading *r);
};

static const char *text(struct reading *r, const char *name)
{
    for (uint32_t i = 0; i < r->spec->count; i++) {
        struct setting *s = &r->spec->settings[i];
        if (strcmp(s->name, name) == 0) {
            s->is_used = true;
            if (strlen(s->value) != s->size) { /* A zero byte would cut it. */
                r->wrong = name;
            }
            return s->value;
        }
    }
    return NULL;
}

static uint32_t number(struct reading *r, const char *name)
{
    const char *value = text(r, name);
    uint32_t n = 0;

    if (value != NULL && (!read_number(&value, &n) || *value != '\0')) {
        r->wrong = name;
    }
    return n;
}

/* With a unit, or in milliseconds. */
static infra_time duration(struct reading *r, const char *name)
{
    const char *value = text(r, name);
    uint32_t n = 0;

    if (value == NULL) {
        return 0;
    }
    if (!read_number(&value, &n)) {
        r->wrong = name;
    }
    if (strcmp(value, "s") == 0) {
        return INFRA_SEC(n);
    }
    if (*value != '\0' && strcmp(value, "ms") != 0) {
        r->wrong = name;
    }
    return INFRA_MS(n);
}

static uint32_t role(struct reading *r, const char *name)
{
    const char *value = text(r, name);

    if (value == NULL || strcmp(value, "any") == 0) {
        return INFRA_ROLE_UNKNOWN;
    }
    if (strcmp(value, "primary") != 0 && strcmp(value, "replica") != 0) {
        r->wrong = name;
    }
    return value[0] == 'p' ? INFRA_ROLE_PRIMARY : INFRA_ROLE_REPLICA;
}

static int tcp(struct infra_probe **ret, struct reading *r)
{
    const struct infra_probe_tcp_options o = {
        .size = sizeof o,
        .connect_timeout = duration(r, "connect_timeout"),
        .tls = number(r, "tls"),
    };

    return infra_probe_tcp(ret, &o);
}

static int http(struct infra_probe **ret, struct reading *r)
{
    struct http_fields fields = { .count = 0 };

    for (uint32_t i = 0; i < r->spec->count; i++) {
        struct setting *s = &r->spec->settings[i];
        if (strcmp(s->name, "field") == 0) {
            const char *wrong = http_fields_add(&fields, s->value, s->size);
            s->is_used = true;
            r->wrong = wrong != NULL ? wrong : r->wrong;
        }
    }
    const struct infra_probe_http_options o = {
        .size = sizeof o,
        .method = text(r, "method"),
        .path = text(r, "path"),
        .host = text(r, "host"),
        .body_contains = text(r, "body_contains"),
        .connect_timeout = duration(r, "connect_timeout"),
        .response_timeout = duration(r, "response_timeout"),
        .first_byte_timeout = duration(r, "first_byte_timeout"),
        .status_min = number(r, "status_min"),
        .status_max = number(r, "status_max"),
        .drain_on_404 = number(r, "drain_on_404"),
        .tls = number(r, "tls"),
        .fields = fields.at,
        .fields_count = fields.count,
    };

    return infra_probe_http(ret, &o);
}

static int mysql(struct infra_probe **ret, struct reading *r)
{
    const struct infra_probe_mysql_options o = {
        .size = sizeof o,
        .user = text(r, "user"),
        .password = text(r, "password"),
        .question = text(r, "question"),
        .connect_timeout = duration(r, "connect_timeout"),
        .response_timeout = duration(r, "response_timeout"),
        .first_byte_timeout = duration(r, "first_byte_timeout"),
        .lag_max = duration(r, "lag_max"),
        .ask = number(r, "ask"),
        .expect = role(r, "expect"),
        .tls = number(r, "tls"),
        .answer_min = number(r, "answer_min"),
        .answer_max = number(r, "answer_max"),
    };

    return infra_probe_mysql(ret, &o);
}

static int pgsql(struct infra_probe **ret, struct reading *r)
{
    const struct infra_probe_pgsql_options o = {
        .size = sizeof o,
        .user = text(r, "user"),
        .password = text(r, "password"),
        .database = text(r, "database"),
        .question = text(r, "question"),
        .connect_timeout = duration(r, "connect_timeout"),
        .response_timeout = duration(r, "response_timeout"),
        .first_byte_timeout = duration(r, "first_byte_timeout"),
        .lag_max = duration(r, "lag_max"),
        .seed = r->seed,
        .ask = number(r, "ask"),
        .expect = role(r, "expect"),
        .tls = number(r, "tls"),
        .clear_password = number(r, "clear_password"),
        .answer_min = number(r, "answer_min"),
        .answer_max = number(r, "answer_max"),
    };

    return infra_probe_pgsql(ret, &o);
}

static int redis(struct infra_probe **ret, struct reading *r)
{
    const struct infra_probe_redis_options o = {
        .size = sizeof o,
        .user = text(r, "user"),
        .password = text(r, "password"),
        .connect_timeout = duration(r, "connect_timeout"),
        .response_timeout = duration(r, "response_timeout"),
        .first_byte_timeout = duration(r, "first_byte_timeout"),
        .expect = role(r, "expect"),
        .ask = number(r, "ask"),
        .tls = number(r, "tls"),
        .question = text(r, "question"),
        .answer_min = number(r, "answer_min"),
        .answer_max = number(r, "answer_max"),
    };

    return infra_probe_redis(ret, &o);
}

static int agent(struct infra_probe **ret, struct reading *r)
{
    const struct infra_probe_agent_options o = {
        .size = sizeof o,
        .send = text(r, "send"),
        .connect_timeout = duration(r, "connect_timeout"),
        .response_timeout = duration(r, "response_timeout"),
        .first_byte_timeout = duration(r, "first_byte_timeout"),
        .tls = number(r, "tls"),
    };

    return infra_probe_agent(ret, &o);
}

/* The steps in their order. */
static int script(struct infra_probe **ret, struct reading *r)
{
    static const char *const names[] = {
        [INFRA_STEP_SEND] = "send",          [INFRA_STEP_EXPECT] = "expect",
        [INFRA_STEP_EXPECT_START] = "start", [INFRA_STEP_EXPECT_END] = "end",
        [INFRA_STEP_REFUSE] = "refuse",
    };
    struct infra_probe_step steps[SETTINGS_MAX];
    struct infra_probe_script_options o = {
        .size = sizeof o,
        .steps = steps,
        .connect_timeout = duration(r, "connect_timeout"),
        .response_timeout = duration(r, "response_timeout"),
        .first_byte_timeout = duration(r, "first_byte_timeout"),
        .tls = number(r, "tls"),
    };

    for (uint32_t i = 0; i < r->spec->count; i++) {
        struct setting *s = &r->spec->settings[i];
        for (uint32_t kind = 0; kind < sizeof names / sizeof names[0]; kind++) {
            if (strcmp(s->name, names[kind]) == 0) {
                s->is_used = true;
                steps[o.steps_count++] = (struct infra_probe_step) {
                    .kind = kind, .bytes = s->value, .bytes_size = s->size
                };
            }
        }
    }
    return infra_probe_script(ret, &o);
}

static const struct kind kinds[] = {
    { "agent", agent }, { "http", http },   { "mysql", mysql },
    { "pgsql", pgsql }, { "redis", redis }, { "script", script },
    { "tcp", tcp },
};
#define KINDS_COUNT (sizeof kinds / sizeof kinds[0])

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

    return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

/* The next byte of a value, with what a backslash makes of it. */
static char unescape(char **at)
{
    char *p = *at;

    if (p[0] != '\\' || p[1] == '\0') {
        *at = p + 1;
        return p[0];
    }
    *at = p + 2;
    if (p[1] == 'x' && hex(p[2]) >= 0 && hex(p[3]) >= 0) {
        *at = p + 4;
        return (char)(hex(p[2]) << 4 | hex(p[3]));
    }
    return p[1] == 'r' ? '\r' : p[1] == 'n' ? '\n' : p[1] == 't' ? '\t' : p[1];
}

/* ",name=value" up to the next comma, in place.  NULL: it is none. */
static char *split(char *at, struct setting *ret)
{
    char *equals = strchr(at, '=');
    char *to;

    if (equals == NULL || equals == at) {
        return NULL;
    }
    *equals = '\0';
    *ret = (struct setting) { .name = at, .value = equals + 1 };
    to = at = equals + 1;
    while (*at != ',' && *at != '\0') {
        *to++ = unescape(&at);
    }
    bool is_last = *at == '\0';
    ret->size = (size_t)(to - ret->value);
    *to = '\0';
    return is_last ? at : at + 1;
}

static bool split_all(struct check_spec *spec, char *rest)
{
    while (*rest != '\0') {
        if (spec->count == SETTINGS_MAX) {
            return false;
        }
        rest = split(rest, &spec->settings[spec->count++]);
        if (rest == NULL) {
            return false;
        }
    }
    return true;
}

/* "http:/PATH" is "http,path=/PATH". */
static char *normal(const char *text)
{
    size_t size = strlen(text) + sizeof ",path=";
    char *copy = malloc(size);

    if (copy != NULL) {
        bool is_short = strncmp(text, "http:/", 6) == 0;
        (void)snprintf(copy, size, "%s%s", is_short ? "http,path=" : "",
                       is_short ? text + 5 : text);
    }
    return copy;
}

static const char *find_wrong(struct check_spec *spec)
{
    struct reading reading = { .spec = spec, .seed = 1 };
    struct infra_probe *probe = NULL;
    int err = spec->kind->create(&probe, &reading);

    infra_probe_destroy(probe);
    if (reading.wrong != NULL) {
        return reading.wrong;
    }
    for (uint32_t i = 0; i < spec->count; i++) {
        if (!spec->settings[i].is_used) {
            return spec->settings[i].name;
        }
    }
    return err != INFRA_OK ? infra_strerror(err) : NULL;
}

struct check_spec *check_spec_read(const char *name, const char *text)
{
    struct check_spec *spec = calloc(1, sizeof *spec);
    char *copy = normal(text);
    char *rest = copy;
    const char *kind = copy != NULL ? strsep(&rest, ",") : NULL;

    if (spec == NULL || copy == NULL) {
        (void)arguments_wrong("out of memory");
        free(copy);
        free(spec);
        return NULL;
    }
    spec->text = copy;
    for (size_t i = 0; i < KINDS_COUNT; i++) {
        if (strcmp(kinds[i].name, kind) == 0) {
            spec->kind = &kinds[i];
        }
    }
    const char *wrong = spec->kind == NULL ? "no such kind"
                        : rest != NULL && !split_all(spec, rest)
                            ? "a setting is NAME=VALUE"
                            : find_wrong(spec);
    if (wrong != NULL) {
        (void)arguments_wrong("%s \"%s\": %s (kinds: agent http mysql pgsql "
                              "redis script tcp)",
                              name, text, wrong);
        check_spec_free(spec);
        return NULL;
    }
    return spec;
}

void check_spec_free(struct check_spec *spec)
{
    if (spec != NULL) {
        free(spec->text);
        free(spec);
    }
}

int check_spec_probe(const struct check_spec *spec, uint64_t seed,
                     struct infra_probe **ret)
{
    struct check_spec copy = *spec; /* Reading notes what was used. */
    struct reading reading = { .spec = &copy, .seed = seed };

    return spec->kind->create(ret, &reading);
}
