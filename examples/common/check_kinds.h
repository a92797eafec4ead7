/* SPDX-License-Identifier: MIT */
/* The kinds of check in a table. */
#ifndef EXAMPLES_CHECK_KINDS_H
#define EXAMPLES_CHECK_KINDS_H

#include "check_settings.h"
#include "http_fields.h"

#include <infra/probe.h>

union check_options {
    struct infra_probe_agent_options agent;
    struct infra_probe_http_options http;
    struct infra_probe_mysql_options mysql;
    struct infra_probe_pgsql_options pgsql;
    struct infra_probe_redis_options redis;
    struct infra_probe_script_options script;
    struct infra_probe_tcp_options tcp;
};

/* A probe that is being made.  Begin with the settings and the seed. */
struct check_making {
    struct check_settings *settings;
    const char *wrong; /* The first setting with a bad value. */
    uint64_t seed;
    union check_options options;
    struct infra_probe_timeouts timeouts;
    struct http_fields fields;
    struct infra_probe_step steps[CHECK_SETTINGS_MAX];
};

/* A setting, and the option that it becomes. */
struct check_option {
    const char *name;
    size_t at;
    void (*read)(struct check_making *m, const char *name, const char *value,
                 void *option);
};

struct check_kind {
    const char *name;
    const char *help;
    size_t options_size;
    const struct check_option *options;
    size_t options_count;
    void (*finish)(struct check_making *m); /* NULL: nothing is left to do. */
    int (*create)(struct infra_probe **ret, const union check_options *o);
};

extern const struct check_kind check_kinds[];
extern const size_t check_kinds_count;

/* Make a probe of the settings.  An INFRA_ result; see @m->wrong, too. */
int check_kind_create(struct infra_probe **ret, const struct check_kind *kind,
                      struct check_making *m);

#endif
