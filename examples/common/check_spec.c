/* SPDX-License-Identifier: MIT */
/* A kind and its settings; each kind makes its options of them.  A setting that
 * the kind does not ask for is an error, so that a misspelt one is not lost. */
#include "check_spec.h"

#include "arguments.h"
#include "http_fields.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SETTINGS_MAX 64u

const char check_spec_help[] =
    "CHECK is how a backend is checked: a kind, and settings after commas "
    "that\n"
    "are named as in infra/probe.h:\n"
    "  tcp                                  it accepts a connection, which the "
    "kernel\n"
    "                                       also does for a program that "
    "stands "
    "still:\n"
    "                                       the other kinds see that, which "
    "await an\n"
    "                                       answer\n"
    "  http:/PATH                           GET PATH is answered with 200 to "
    "399\n"
    "  http:/PATH,host=H,field=X-Forwarded-Proto: https,field=NAME: VALUE\n"
    "  mysql,user=U,password-file=PATH,expect=replica,lag_max=5s\n"
    "  pgsql,user=U,password-env=NAME,expect=primary,question=SELECT 1\n"
    "  redis,password-file=PATH,expect=primary\n"
    "                                       with question=Q the answer, a "
    "number, is\n"
    "                                       judged by answer_min=N and "
    "answer_max=N\n"
    "  agent                                HAProxy's agent-check\n"
    "  script,start=220 ,send=QUIT\\r\\n,expect=221\n"
    "All take connect_timeout=TIME and response_timeout=TIME.  In a value a "
    "comma is\n"
    "written \\, and a backslash \\\\.  password-file=PATH reads the password "
    "from a\n"
    "file, password-env=NAME from the environment, which is wiped then; any "
    "setting\n"
    "has these two forms.  password=P works, too: it is overwritten in the "
    "list of\n"
    "processes at once, but who looks in that moment sees it.\n";

struct setting {
    char *name;
    char *value;
    char *own; /* The value, if it is not in the text. */
    size_t size;
    bool is_used;
};

struct check_spec {
    const struct kind *kind;
    char *text;       /* Which the settings point into. */
    size_t text_size; /* To be wiped. */
    struct setting settings[SETTINGS_MAX];
    uint32_t count;
};

/* What a kind reads its options from. */
struct reading {
    struct check_spec *spec;
    struct infra_probe_timeouts timeouts;
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
    infra_time time = 0;

    if (value != NULL && !parse_time(value, true, &time)) {
        r->wrong = name;
    }
    return time;
}

static const struct infra_probe_timeouts *timeouts(struct reading *r)
{
    r->timeouts = (struct infra_probe_timeouts) {
        .size = sizeof r->timeouts,
        .connect_timeout = duration(r, "connect_timeout"),
        .response_timeout = duration(r, "response_timeout"),
        .first_byte_timeout = duration(r, "first_byte_timeout"),
    };
    return &r->timeouts;
}

static uint32_t role(struct reading *r, const char *name)
{
    const char *value = text(r, name);

    if (value == NULL || strcmp(value, "any") == 0) {
        return INFRA_PROBE_ROLE_UNKNOWN;
    }
    if (strcmp(value, "primary") != 0 && strcmp(value, "replica") != 0) {
        r->wrong = name;
    }
    return value[0] == 'p' ? INFRA_PROBE_ROLE_PRIMARY
                           : INFRA_PROBE_ROLE_REPLICA;
}

static int tcp(struct infra_probe **ret, struct reading *r)
{
    const struct infra_probe_tcp_options o = {
        .size = sizeof o,
        .timeouts = timeouts(r),
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
        .timeouts = timeouts(r),
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
        .timeouts = timeouts(r),
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
        .timeouts = timeouts(r),
        .lag_max = duration(r, "lag_max"),
        .seed = r->seed,
        .ask = number(r, "ask"),
        .expect = role(r, "expect"),
        .tls = number(r, "tls"),
        .allow_cleartext_password = number(r, "allow_cleartext_password"),
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
        .timeouts = timeouts(r),
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
        .timeouts = timeouts(r),
        .tls = number(r, "tls"),
    };

    return infra_probe_agent(ret, &o);
}

/* The steps in their order. */
static int script(struct infra_probe **ret, struct reading *r)
{
    struct infra_probe_step steps[SETTINGS_MAX];
    struct infra_probe_script_options o = {
        .size = sizeof o,
        .steps = steps,
        .timeouts = timeouts(r),
        .tls = number(r, "tls"),
    };

    for (uint32_t i = 0; i < r->spec->count; i++) {
        struct setting *s = &r->spec->settings[i];
        for (uint32_t kind = 0; kind <= INFRA_PROBE_STEP_REFUSE; kind++) {
            if (strcmp(s->name, infra_probe_step_name(kind)) == 0) {
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
        rest = split(rest, &spec->settings[spec->count]);
        if (rest == NULL) {
            return false;
        }
        spec->count++;
    }
    return true;
}

/* "http:/PATH" is "http,path=/PATH". */
static bool copy_text(struct check_spec *spec, const char *text)
{
    bool is_short = strncmp(text, "http:/", 6) == 0;

    spec->text_size = strlen(text) + sizeof ",path=";
    spec->text = malloc(spec->text_size);
    if (spec->text == NULL) {
        return arguments_wrong("out of memory");
    }
    (void)snprintf(spec->text, spec->text_size, "%s%s",
                   is_short ? "http,path=" : "", is_short ? text + 5 : text);
    return true;
}

/* NAME-file and NAME-env. */
static bool fetch_value(const char *name, struct setting *s)
{
    char *dash = strrchr(s->name, '-');
    bool is_file = dash != NULL && strcmp(dash, "-file") == 0;

    if (!is_file && (dash == NULL || strcmp(dash, "-env") != 0)) {
        return true;
    }
    s->own = is_file ? secret_from_file(name, s->value)
                     : secret_from_environment(name, s->value);
    if (s->own == NULL) {
        return false;
    }
    *dash = '\0';
    s->value = s->own;
    s->size = strlen(s->own);
    return true;
}

static bool fetch_values(const char *name, struct check_spec *spec)
{
    bool good = true;

    for (uint32_t i = 0; good && i < spec->count; i++) {
        good = fetch_value(name, &spec->settings[i]);
    }
    return good;
}

/* Does the text itself have a secret before this setting?  A comma in a password
 * makes settings of what comes after it. */
static bool is_secret_before(const struct check_spec *spec, uint32_t end)
{
    for (uint32_t i = 0; i < end; i++) {
        const struct setting *s = &spec->settings[i];
        if (s->own == NULL &&
            (strcmp(s->name, "password") == 0 ||
             strcmp(s->name, "field") == 0 || strcmp(s->name, "send") == 0)) {
            return true;
        }
    }
    return false;
}

/* What is wrong; @place has room for a sentence. */
static const char *find_wrong(struct check_spec *spec, char *place, size_t size)
{
    struct reading reading = { .spec = spec, .seed = 1 };
    struct infra_probe *probe = NULL;
    int err = spec->kind->create(&probe, &reading);

    infra_probe_destroy(probe);
    if (reading.wrong != NULL) {
        (void)snprintf(place, size, "bad %s", reading.wrong);
        return place;
    }
    for (uint32_t i = 0; i < spec->count; i++) {
        if (!spec->settings[i].is_used) {
            bool is_secret = is_secret_before(spec, i);
            (void)snprintf(place, size, "setting %u%s%s is not known",
                           (unsigned)i + 1, is_secret ? "" : ", ",
                           is_secret ? "" : spec->settings[i].name);
            return place;
        }
    }
    return err != INFRA_OK ? infra_strerror(err) : NULL;
}

/* Only letters of the kind, and no value: any of them may be a secret that was
 * put in the wrong place. */
static bool complain(const char *name, const char *kind, const char *wrong)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

    return arguments_wrong("%s \"%.*s\": %s (kinds: agent http mysql pgsql "
                           "redis script tcp)",
                           name, (int)strspn(kind, letters), kind, wrong);
}

static bool read_settings(const char *name, struct check_spec *spec)
{
    char place[128];
    char *rest = spec->text;
    const char *kind = strsep(&rest, ",");

    for (size_t i = 0; i < KINDS_COUNT; i++) {
        if (strcmp(kinds[i].name, kind) == 0) {
            spec->kind = &kinds[i];
        }
    }
    if (spec->kind == NULL) {
        return complain(name, kind, "no such kind");
    }
    if (rest != NULL && !split_all(spec, rest)) {
        return complain(name, kind, "a setting is NAME=VALUE");
    }
    if (!fetch_values(name, spec)) {
        return false;
    }
    const char *wrong = find_wrong(spec, place, sizeof place);
    return wrong == NULL || complain(name, kind, wrong);
}

struct check_spec *check_spec_read(const char *name, char *text)
{
    struct check_spec *spec = calloc(1, sizeof *spec);
    char *comma = strchr(text, ',');

    if (spec == NULL) {
        (void)arguments_wrong("out of memory");
        return NULL;
    }
    bool good = copy_text(spec, text) && read_settings(name, spec);
    if (comma != NULL && is_secret_before(spec, spec->count)) {
        secret_hide(comma + 1);
    }
    if (!good) {
        check_spec_free(spec);
        return NULL;
    }
    return spec;
}

void check_spec_free(struct check_spec *spec)
{
    if (spec == NULL) {
        return;
    }
    for (uint32_t i = 0; i < spec->count; i++) {
        secret_free(spec->settings[i].own);
    }
    if (spec->text != NULL) {
        explicit_bzero(spec->text, spec->text_size);
    }
    free(spec->text);
    free(spec);
}

bool check_spec_tells_weight(const struct check_spec *spec)
{
    return spec->kind->create == agent;
}

int check_spec_probe(const struct check_spec *spec, struct infra_probe **ret)
{
    struct check_spec copy = *spec; /* Reading notes what was used. */
    struct reading reading = { .spec = &copy };

    /* For SCRAM's nonce, which nobody may foresee. */
    if (getrandom(&reading.seed, sizeof reading.seed, 0) !=
        sizeof reading.seed) {
        return INFRA_ESYSTEM;
    }
    return spec->kind->create(ret, &reading);
}
