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

static const char help_begin[] =
    "usage: db_router --dialect DIALECT --listen ADDR:PORT --users FILE\n"
    "                 --primary ADDR:PORT [--replica ADDR:PORT]...\n"
    "                 --probe-user NAME [OPTION]...\n"
    "\n"
    "Stand in front of a primary and its replicas as if they were one server:\n"
    "writes and transactions go to the primary, reads to replicas that show\n"
    "what their client has written, and server connections are shared.  When\n"
    "the primary dies, writes are held until another node is primary.\n"
    "\n"
    "  --dialect DIALECT      pg, mysql or mariadb\n"
    "  --listen ADDR:PORT     address for clients; port 0: the system chooses\n"
    "  --users FILE           who may log in, and as whom the proxy logs in "
    "at\n"
    "                         the nodes; a line is NAME SECRET [DATABASE].\n"
    "                         SECRET is the password, or what a server "
    "stores:\n"
    "                         SCRAM-SHA-256$... (pg), *HEX (mysql, mariadb);\n"
    "                         DATABASE is the only one that is allowed\n"
    "  --primary ADDR:PORT    a node; probes find out which node is primary\n"
    "  --replica ADDR:PORT    another node; up to 64 in all\n"
    "  --workers N            worker threads (1)\n"
    "\n"
    "Probes:\n"
    "  --probe-user NAME      who asks the nodes for role, position and lag;\n"
    "                         with PostgreSQL it needs the role pg_monitor\n"
    "  --probe-password-file FILE, --probe-password-env NAME\n"
    "                         its password (none)\n"
    "  --probe-database NAME  pg: where it logs in (postgres)\n"
    "  --sample-interval TIME interval of the probes of a node; after a write\n"
    "                         its client reads from the primary for about as\n"
    "                         long (100ms)\n"
    "  --probe-timeout TIME   limit of a probe (1s)\n"
    "  --fall N               failed probes until a node is down (3)\n"
    "\n"
    "Routing:\n"
    "  --share WHAT           transaction: a server connection is given to\n"
    "                         another client when nothing of its own is on "
    "it;\n"
    "                         session: when the client leaves (transaction)\n"
    "  --consistency WHAT     of a client's reads: own-writes, monotonic, or\n"
    "                         eventual (own-writes)\n"
    "  --balance NAME         policy that chooses a replica (two-choices)\n"
    "  --lag-max TIME         a replica with more lag gets no reads (10s)\n"
    "  --lag-preferred TIME   replicas up to this lag come first (1s)\n"
    "  --replicas-min N       replicas wanted in service; the least lagging\n"
    "                         others join those that come first (2)\n"
    "  --fallback WHAT        reads that no replica is fit for: primary,\n"
    "                         least-lagged or fail (primary)\n"
    "  --fallback-rate N      such reads for the primary in a second, of each\n"
    "                         worker (no limit)\n"
    "  --hold-max TIME        time for which a statement waits for a primary\n"
    "                         (10s)\n"
    "  --held-max N           clients of a worker that wait so (1000)\n"
    "  --wait-max TIME        time for which a read waits for a replica to "
    "show\n"
    "                         what its client has written, before it goes to\n"
    "                         the primary (off)\n"
    "\n";

static const char help_end[] =
    "Limits:\n"
    "  --clients-max N        clients at once (10000)\n"
    "  --servers-max N        server connections to a node (100)\n"
    "  --message-max SIZE     one statement with its values (64m)\n"
    "  --login-timeout TIME   of a client (10s)\n"
    "  --connect-timeout TIME of a server connection, with its login (5s)\n"
    "  --queue-timeout TIME   of a statement that waits for a server\n"
    "                         connection (30s)\n"
    "  --idle-timeout TIME    of a client that says nothing (off)\n"
    "  --server-idle-timeout TIME\n"
    "                         of a server connection without client (10m)\n"
    "  --drain-timeout TIME   for transactions to end after SIGTERM (30s)\n"
    "  --server-version TEXT  mysql, mariadb: the version that clients are "
    "told\n"
    "  --help                 this text\n"
    "\n"
    "TIME is a whole number with a unit: 500ms, 2s, 10m.  SIZE likewise: 64k,\n"
    "16m, 1g.\n"
    "\n"
    "What clients may notice: with --share transaction, currval() and "
    "lastval()\n"
    "after an INSERT that does not itself name the sequence; PREPARE as text\n"
    "and the protocol's prepared statements do not see each other.  With\n"
    "--share session neither.\n"
    "\n"
    "MySQL and MariaDB: KILL, LOAD DATA LOCAL, cursors, COM_CHANGE_USER,\n"
    "compression, TLS and commands of 16 MiB and more do not work through the\n"
    "proxy; CONNECTION_ID() is that of a server connection.  With --share\n"
    "transaction ROW_COUNT() is not that of the statement before, and\n"
    "LAST_INSERT_ID() is what the last INSERT has answered, also where that\n"
    "gave the id itself.\n"
    "\n"
    "The log goes to stderr and never blocks: lines that nobody reads are\n"
    "dropped and counted, and of many lines of one kind a few are written.\n"
    "\n"
    "SIGTERM or SIGINT: no new clients; those in a transaction may end it;\n"
    "exit 0.  A second signal ends at once.  Exit status 2: wrong arguments;\n"
    "1: the system refused something.\n";

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
    OPTION_TIMES /* The first of those that are times. */
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

static bool read_node(struct options *o, char *text)
{
    struct node *node = &o->nodes[o->nodes_count];

    if (o->nodes_count == INFRA_ROUTER_NODES_MAX) {
        return arguments_wrong("--replica \"%s\": more than %u nodes", text,
                               INFRA_ROUTER_NODES_MAX);
    }
    if (!read_address("--primary or --replica", text, false,
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

/* What is missing, and what does not fit together. */
static bool check(struct options *o)
{
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
    o->users = db_users_read("--users", o->users_path, o->sql_dialect);
    return o->users != NULL;
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
        .login_timeout = INFRA_SEC(10),
        .connect_timeout = INFRA_SEC(5),
        .queue_timeout = INFRA_SEC(30),
        .idle_timeout = INFRA_TIME_NEVER,
        .server_idle_timeout = INFRA_SEC(600),
        .drain_timeout = INFRA_SEC(30),
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
            (void)fputs(help_begin, stdout);
            (void)fputs(help_end, stdout);
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
    secret_forget_environment();
    *ret = o;
    return 0;
}

void options_finish(struct options *o)
{
    db_users_free(o->users);
    secret_free(o->probe_password);
    o->users = NULL;
    o->probe_password = NULL;
}
