/* SPDX-License-Identifier: MIT */
/* Arguments in, options out.  An error is one line that names the argument,
 * before anything is opened. */
#include "options.h"

#include "../common/arguments.h"
#include "../common/secret.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 255u
#define COUNT_MAX 1000u
#define CLIENTS_MAX 1000000u
#define SERVERS_MAX 100000u

enum option_code {
    OPTION_DIALECT = 256,
    OPTION_LISTEN,
    OPTION_USERS,
    OPTION_NODE,
    OPTION_WORKERS,
    OPTION_PROBE_USER,
    OPTION_PROBE_PASSWORD_FILE,
    OPTION_PROBE_PASSWORD_ENV,
    OPTION_PROBE_DATABASE,
    OPTION_FALL,
    OPTION_SHARE,
    OPTION_CONSISTENCY,
    OPTION_DEFER_BEGIN,
    OPTION_BALANCE,
    OPTION_REPLICAS_MIN,
    OPTION_FALLBACK,
    OPTION_FALLBACK_RATE,
    OPTION_HELD_MAX,
    OPTION_CLIENTS_MAX,
    OPTION_SERVERS_MAX,
    OPTION_MESSAGE_MAX,
    OPTION_SERVER_VERSION,
    OPTION_HELP,
    OPTION_TIMES /* The first of those that are times; FAILOVER_SPEC_FIRST and
                    more are those of failover_spec.h. */
};

/* Options that are a time. */
static const struct time_option {
    const char *name;
    size_t at;
} time_options[] = {
    { "--sample-interval", offsetof(struct options, sample_interval) },
    { "--probe-timeout", offsetof(struct options, probe_timeout) },
    { "--lag-max", offsetof(struct options, lag_max) },
    { "--lag-preferred", offsetof(struct options, lag_preferred) },
    { "--hold-max", offsetof(struct options, hold_max) },
    { "--wait-max", offsetof(struct options, wait_max) },
    { "--login-timeout", offsetof(struct options, login_timeout) },
    { "--connect-timeout", offsetof(struct options, connect_timeout) },
    { "--queue-timeout", offsetof(struct options, queue_timeout) },
    { "--idle-timeout", offsetof(struct options, idle_timeout) },
    { "--server-idle-timeout", offsetof(struct options, server_idle_timeout) },
    { "--drain-timeout", offsetof(struct options, drain_timeout) },
};

#define NEEDS(name, code)                   \
    {                                       \
        name, required_argument, NULL, code \
    }

static const struct option long_options[] = {
    NEEDS("dialect", OPTION_DIALECT),
    NEEDS("listen", OPTION_LISTEN),
    NEEDS("users", OPTION_USERS),
    NEEDS("primary", OPTION_NODE),
    NEEDS("replica", OPTION_NODE),
    NEEDS("workers", OPTION_WORKERS),
    NEEDS("probe-user", OPTION_PROBE_USER),
    NEEDS("probe-password-file", OPTION_PROBE_PASSWORD_FILE),
    NEEDS("probe-password-env", OPTION_PROBE_PASSWORD_ENV),
    NEEDS("probe-database", OPTION_PROBE_DATABASE),
    NEEDS("fall", OPTION_FALL),
    NEEDS("share", OPTION_SHARE),
    NEEDS("consistency", OPTION_CONSISTENCY),
    NEEDS("balance", OPTION_BALANCE),
    NEEDS("replicas-min", OPTION_REPLICAS_MIN),
    NEEDS("fallback", OPTION_FALLBACK),
    NEEDS("fallback-rate", OPTION_FALLBACK_RATE),
    NEEDS("held-max", OPTION_HELD_MAX),
    NEEDS("clients-max", OPTION_CLIENTS_MAX),
    NEEDS("servers-max", OPTION_SERVERS_MAX),
    NEEDS("message-max", OPTION_MESSAGE_MAX),
    NEEDS("server-version", OPTION_SERVER_VERSION),
    NEEDS("sample-interval", OPTION_TIMES),
    NEEDS("probe-timeout", OPTION_TIMES + 1),
    NEEDS("lag-max", OPTION_TIMES + 2),
    NEEDS("lag-preferred", OPTION_TIMES + 3),
    NEEDS("hold-max", OPTION_TIMES + 4),
    NEEDS("wait-max", OPTION_TIMES + 5),
    NEEDS("login-timeout", OPTION_TIMES + 6),
    NEEDS("connect-timeout", OPTION_TIMES + 7),
    NEEDS("queue-timeout", OPTION_TIMES + 8),
    NEEDS("idle-timeout", OPTION_TIMES + 9),
    NEEDS("server-idle-timeout", OPTION_TIMES + 10),
    NEEDS("drain-timeout", OPTION_TIMES + 11),
    { "defer-begin", no_argument, NULL, OPTION_DEFER_BEGIN },
    FAILOVER_SPEC_OPTIONS,
    TLS_SPEC_OPTIONS,
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

/* The index of a word; false: it is none of them. */
static bool read_word(const char *name, const char *text,
                      const char *const *words, uint32_t *ret)
{
    char all[256] = "";
    size_t size = 0;

    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret = i;
            return true;
        }
        size += (size_t)snprintf(all + size, sizeof all - size, "%s %s",
                                 i > 0 ? " or" : "", words[i]);
    }
    return arguments_wrong("%s \"%s\": must be%s", name, text, all);
}

static bool read_dialect(struct options *o, const char *text)
{
    static const char *const words[] = { "pg", "mysql", "mariadb", NULL };
#ifdef DB_ROUTER_MYSQL
    static const struct protocol *const protocols[] = { &protocol_pg,
                                                        &protocol_mysql,
                                                        &protocol_mariadb };
#else
    static const struct protocol *const protocols[] = { &protocol_pg, NULL,
                                                        NULL };
#endif

    if (!read_word("--dialect", text, words, &o->sql_dialect)) {
        return false;
    }
    o->protocol = protocols[o->sql_dialect];
    return o->protocol != NULL ||
           arguments_wrong("--dialect %s: not in this build", text);
}

/* Take "KEY=" off the start, if it is there. */
static bool read_key(const struct options *o, struct node *node, char **text)
{
    char *address = strchr(*text, '=');

    if (address == NULL) {
        return true;
    }
    *address = '\0';
    if (!read_name("the key of a node", *text, &node->key)) {
        return false;
    }
    *text = address + 1;
    for (uint32_t i = 0; i < o->nodes_count; i++) {
        if (o->nodes[i].key != NULL &&
            strcmp(o->nodes[i].key, node->key) == 0) {
            return arguments_wrong("key \"%s\": given twice", node->key);
        }
    }
    return true;
}

static bool read_node(struct options *o, char *text)
{
    struct node *node = &o->nodes[o->nodes_count];

    if (o->nodes_count == INFRA_ROUTER_NODES_MAX) {
        return arguments_wrong("--replica \"%s\": more than %u nodes", text,
                               INFRA_ROUTER_NODES_MAX);
    }
    if (!read_key(o, node, &text) ||
        !read_address("--primary or --replica", text, false,
                      &node->address.storage, &node->address.size)) {
        return false;
    }
    for (uint32_t i = 0; i < o->nodes_count; i++) {
        const struct address *other = &o->nodes[i].address;
        if (other->size == node->address.size &&
            memcmp(&other->storage, &node->address.storage, other->size) == 0) {
            return arguments_wrong("node \"%s\": given twice", text);
        }
    }
    node->name = text;
    o->nodes_count++;
    return true;
}

static bool read_policy(const char *name, struct options *o)
{
    o->policy = infra_balancer_policy_by_name(name);
    return o->policy != NULL ||
           arguments_wrong("--balance \"%s\": there is no such policy; use "
                           "two-choices, round-robin or random",
                           name);
}

static bool read_password(struct options *o, int option, const char *value)
{
    secret_free(o->probe_password);
    o->probe_password =
        option == OPTION_PROBE_PASSWORD_FILE
            ? secret_from_file("--probe-password-file", value)
            : secret_from_environment("--probe-password-env", value);
    return o->probe_password != NULL;
}

static bool read_routing(struct options *o, int option, char *value)
{
    static const char *const shares[] = { "transaction", "session", NULL };
    static const char *const promises[] = { "own-writes", "monotonic",
                                            "eventual", NULL };
    static const char *const fallbacks[] = { "primary", "least-lagged", "fail",
                                             NULL };

    switch (option) {
    case OPTION_SHARE:
        return read_word("--share", value, shares, &o->share);
    case OPTION_CONSISTENCY:
        return read_word("--consistency", value, promises, &o->consistency);
    case OPTION_DEFER_BEGIN:
        o->defers_begin = 1;
        return true;
    case OPTION_FALLBACK:
        return read_word("--fallback", value, fallbacks, &o->fallback);
    case OPTION_BALANCE:
        return read_policy(value, o);
    case OPTION_FALLBACK_RATE:
        return read_count("--fallback-rate", value, UINT32_MAX - 1,
                          &o->fallback_rate);
    case OPTION_REPLICAS_MIN:
        return read_count("--replicas-min", value, INFRA_ROUTER_NODES_MAX,
                          &o->replicas_min);
    default:
        return read_count("--held-max", value, CLIENTS_MAX, &o->held_max);
    }
}

static bool read_option(struct options *o, int option, char *value)
{
    if (option >= FAILOVER_SPEC_FIRST) {
        return failover_spec_read(&o->failover, option, value);
    }
    if (option >= TLS_SPEC_FIRST) {
        return tls_spec_read(&o->tls, option, value);
    }
    if (option >= OPTION_TIMES) {
        const struct time_option *t = &time_options[option - OPTION_TIMES];
        return read_time(t->name, value,
                         (infra_time *)(void *)((char *)o + t->at));
    }
    switch (option) {
    case OPTION_DIALECT:
        return read_dialect(o, value);
    case OPTION_LISTEN:
        return read_address("--listen", value, true, &o->listen.storage,
                            &o->listen.size);
    case OPTION_USERS:
        return read_nonempty("--users", value, &o->users_path);
    case OPTION_NODE:
        return read_node(o, value);
    case OPTION_WORKERS:
        return read_count("--workers", value, WORKERS_MAX, &o->workers);
    case OPTION_PROBE_USER:
        return read_nonempty("--probe-user", value, &o->probe_user);
    case OPTION_PROBE_PASSWORD_FILE:
    case OPTION_PROBE_PASSWORD_ENV:
        return read_password(o, option, value);
    case OPTION_PROBE_DATABASE:
        return read_nonempty("--probe-database", value, &o->probe_database);
    case OPTION_FALL:
        return read_count("--fall", value, COUNT_MAX, &o->fall);
    case OPTION_CLIENTS_MAX:
        return read_count("--clients-max", value, CLIENTS_MAX, &o->clients_max);
    case OPTION_SERVERS_MAX:
        return read_count("--servers-max", value, SERVERS_MAX, &o->servers_max);
    case OPTION_MESSAGE_MAX:
        return read_size("--message-max", value, &o->message_max);
    case OPTION_SERVER_VERSION:
        return read_nonempty("--server-version", value, &o->server_version);
    case '?':
        return false; /* getopt_long() has named it. */
    default:
        return read_routing(o, option, value);
    }
}

/* The record of db_failover has a key for each node. */
static bool check_failover(const struct options *o)
{
    if (!failover_spec_fits(&o->failover)) {
        return false;
    }
    if (!lease_spec_is_given(&o->failover.lease)) {
        return true;
    }
    if (o->nodes_count > FAILOVER_NODES_MAX) {
        return arguments_wrong("--failover: at most %u nodes",
                               FAILOVER_NODES_MAX);
    }
    for (uint32_t i = 0; i < o->nodes_count; i++) {
        if (o->nodes[i].key == NULL) {
            return arguments_wrong("--failover: node \"%s\" must be "
                                   "KEY=ADDR:PORT",
                                   o->nodes[i].name);
        }
    }
    return true;
}

/* What is missing, and what does not fit together. */
static bool check(struct options *o)
{
    char why[DB_USERS_WHY_SIZE];
    const char *missing = o->protocol == NULL     ? "--dialect DIALECT"
                          : o->listen.size == 0   ? "--listen ADDR:PORT"
                          : o->users_path == NULL ? "--users FILE"
                          : o->nodes_count == 0   ? "--primary ADDR:PORT"
                          : o->probe_user == NULL ? "--probe-user NAME"
                                                  : NULL;

    if (missing != NULL) {
        return arguments_wrong("%s is missing (try --help)", missing);
    }
    if (o->servers_max < o->workers) {
        return arguments_wrong("--servers-max %u: at least one for each of "
                               "--workers %u",
                               (unsigned)o->servers_max, (unsigned)o->workers);
    }
    if (o->sample_interval < INFRA_MS(1)) {
        return arguments_wrong("--sample-interval: at least 1ms");
    }
    if (o->lag_preferred > o->lag_max) {
        return arguments_wrong("--lag-preferred: at most --lag-max");
    }
    if (!check_failover(o) || !tls_spec_fits(&o->tls)) {
        return false;
    }
    o->users = db_users_read(o->users_path, o->sql_dialect, why);
    return o->users != NULL ||
           arguments_wrong("--users %s: %s", o->users_path, why);
}

static struct options defaults(void)
{
    return (struct options) {
        .policy = infra_balancer_two_choices(),
        .workers = 1,
        .fall = 3,
        .replicas_min = 2,
        .held_max = 1000,
        .clients_max = 10000,
        .servers_max = 100,
        .message_max = 64u << 20,
        .sample_interval = INFRA_MS(100),
        .probe_timeout = INFRA_SEC(1),
        .lag_max = INFRA_SEC(10),
        .lag_preferred = INFRA_SEC(1),
        .hold_max = INFRA_SEC(10),
        .wait_max = INFRA_TIME_NEVER, /* Not given. */
        .login_timeout = INFRA_SEC(10),
        .connect_timeout = INFRA_SEC(5),
        .queue_timeout = INFRA_SEC(30),
        .idle_timeout = INFRA_TIME_NEVER,
        .server_idle_timeout = INFRA_SEC(600),
        .drain_timeout = INFRA_SEC(30),
        .failover = failover_spec_default(),
    };
}

int options_read(struct options *ret, int *ret_status, int argc, char **argv)
{
    struct options o = defaults();
    int option;

    *ret_status = 2;
    arguments_begin("db_router");
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            options_help();
            options_finish(&o);
            *ret_status = 0;
            return -1;
        }
        if (!read_option(&o, option, optarg)) {
            options_finish(&o);
            return -1;
        }
    }
    bool is_ok =
        optind == argc ||
        arguments_wrong("\"%s\": not an option (try --help)", argv[optind]);
    if (!is_ok || !check(&o)) {
        options_finish(&o);
        return -1;
    }
    if (o.wait_max == INFRA_TIME_NEVER) {
        o.wait_max = o.consistency == INFRA_SESSION_CONSISTENCY_MONOTONIC
                         ? INFRA_SEC(1)
                         : 0;
    }
    secret_forget_environment();
    *ret = o;
    return 0;
}

void options_finish(struct options *o)
{
    db_users_free(o->users);
    secret_free(o->probe_password);
    lease_spec_forget(&o->failover.lease);
    o->users = NULL;
    o->probe_password = NULL;
}
