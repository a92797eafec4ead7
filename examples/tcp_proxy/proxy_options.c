/* SPDX-License-Identifier: MIT */
/* Arguments in, options out.  An error is one line that names the argument,
 * before anything is opened. */
#include "proxy_options.h"

#include "../common/arguments.h"
#include "../common/secret.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 256u
#define SESSIONS_MAX 100000000u
#define COUNT_MAX 1000u /* Of rise and fall. */

static const char help[] =
    "usage: tcp_proxy --listen ADDR:PORT [OPTION]... BACKEND...\n"
    "\n"
    "Spread TCP connections over backends that pass their health checks.\n"
    "\n"
    "BACKEND is ADDR:PORT[,weight=N][,backup]; ADDR is an IPv4 address or an\n"
    "IPv6 address in brackets.  Backups serve while no other backend can.\n"
    "\n"
    "  --listen ADDR:PORT     address for clients; port 0: the system chooses\n"
    "  --threads N            worker threads (1)\n"
    "  --balance NAME         policy that chooses a backend (round-robin;\n"
    "                         with weights smooth-weighted):\n"
    "                         %s\n"
    "                         (hashes are of the client's address; prequal\n"
    "                         has no probes here, so it is two-choices)\n"
    "  --check CHECK          check of the backends, see below (tcp)\n"
    "  --check-port PORT      port of the checks, such as that of an agent\n"
    "                         beside the server (the backend's)\n"
    "  --inter TIME           interval between checks of a backend (2s)\n"
    "  --fastinter TIME       interval while the state is changing (inter)\n"
    "  --downinter TIME       interval while a backend is down (inter)\n"
    "  --rise N               passed checks until a backend is up (2)\n"
    "  --fall N               failed checks until a backend is down (3)\n"
    "  --slow-start TIME      time in which a backend that came up gets its\n"
    "                         full share (off)\n"
    "  --outlier N            eject a backend for a while after N failed\n"
    "                         sessions in a row, or when it fails far more\n"
    "                         often than the others (off)\n"
    "  --on-all-down WHAT     refuse clients, or use any backend, or those\n"
    "                         that were up last: refuse|anybody|last-up\n"
    "                         (refuse)\n"
    "  --connect-timeout TIME limit for a connect, then the next backend is\n"
    "                         tried (1s)\n"
    "  --idle-timeout TIME    limit without a byte in either direction (10m)\n"
    "  --answer-timeout TIME  limit for a backend's answer after the client's\n"
    "                         last bytes; then the session is reset and\n"
    "                         counts as failed for --outlier.  Not for\n"
    "                         protocols in which clients get no answer (off)\n"
    "  --drain-timeout TIME   limit for sessions to end after SIGTERM (30s)\n"
    "  --sessions-max N       sessions at once; further clients wait until\n"
    "                         one ends (half of the descriptors: ulimit -Hn /\n"
    "                         2)\n"
    "  --sessions-per-address N\n"
    "                         of these for one IPv4 address or IPv6 /64;\n"
    "                         further clients are reset.  In any case an\n"
    "                         address gets another session only while it has\n"
    "                         less than 16 times the number of free ones, so\n"
    "                         one address alone never takes all (no further\n"
    "                         cap)\n"
    "  --buffer-memory SIZE   per thread, for bytes that a client or backend\n"
    "                         does not take yet; above it a session keeps 16k\n"
    "                         per direction, below it 256k (16m)\n"
    "  --gate                 one of a pair: lb_pair runs this program; serve\n"
    "                         only while lb_pair's gate is open, cut sessions\n"
    "                         when it shuts, attest progress to it (off)\n"
    "  --admin [ADDR:]PORT    listener for the operator, on 127.0.0.1 unless\n"
    "                         ADDR says otherwise: /status, a page for "
    "people;\n"
    "                         /status.json; /metrics, for Prometheus; "
    "/healthz\n"
    "                         (off)\n"
    "  --admin-writes         there, POST /mark?name=BACKEND&to=WHAT with the\n"
    "                         header X-Admin marks a backend: up, drain, "
    "down,\n"
    "                         or weight with &weight=N (off)\n"
    "  --log-sessions         a line for each session that has ended: time,\n"
    "                         client, backend, tries, time to connect, "
    "length,\n"
    "                         bytes, and why it ended (off)\n"
    "  --help                 this text\n"
    "\n";

/* C11 promises 4095 characters of a string. */
static const char help_end[] =
    "TIME is a whole number with a unit: 500ms, 2s, 10m.  SIZE likewise: 64k,\n"
    "16m, 1g.\n"
    "\n"
    "%s"
    "\n"
    "A backend can ask for no new clients in the reply to its check and keeps\n"
    "those it has: 404 with http,...,drain_on_404=1, or an agent's drain,\n"
    "maint or 0%%.  An agent's weight and maxconn are followed, too;\n"
    "round-robin has no weights, so with agent the default is\n"
    "smooth-weighted.\n"
    "\n"
    "The log goes to stderr and never blocks: lines that nobody reads are\n"
    "dropped and counted, and of many lines of one kind a few are written.\n"
    "\n"
    "SIGTERM or SIGINT: no new clients; exit 0 when the sessions have ended\n"
    "or the drain timeout has passed.  A second signal ends at once.  Exit\n"
    "status 2: wrong arguments; 1: the system refused something.\n";

static const struct option long_options[] = {
    { "listen", required_argument, NULL, 'l' },
    { "threads", required_argument, NULL, 't' },
    { "balance", required_argument, NULL, 'b' },
    { "check", required_argument, NULL, 'c' },
    { "check-port", required_argument, NULL, 'p' },
    { "inter", required_argument, NULL, 'i' },
    { "fastinter", required_argument, NULL, 'F' },
    { "downinter", required_argument, NULL, 'd' },
    { "slow-start", required_argument, NULL, 's' },
    { "outlier", required_argument, NULL, 'o' },
    { "on-all-down", required_argument, NULL, 'a' },
    { "rise", required_argument, NULL, 'r' },
    { "fall", required_argument, NULL, 'f' },
    { "connect-timeout", required_argument, NULL, 'C' },
    { "idle-timeout", required_argument, NULL, 'I' },
    { "answer-timeout", required_argument, NULL, 'A' },
    { "drain-timeout", required_argument, NULL, 'D' },
    { "sessions-max", required_argument, NULL, 'S' },
    { "sessions-per-address", required_argument, NULL, 'P' },
    { "buffer-memory", required_argument, NULL, 'B' },
    { "gate", no_argument, NULL, 'g' },
    { "admin", required_argument, NULL, 'M' },
    { "log-sessions", no_argument, NULL, 'L' },
    { "admin-writes", no_argument, NULL, 'W' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static bool read_policy(const char *name,
                        const struct infra_balancer_policy **ret)
{
    *ret = infra_balancer_policy_by_name(name);
    if (*ret != NULL) {
        return true;
    }
    char names[1024] = "";
    size_t size = 0;
    for (uint32_t i = 0; infra_balancer_policy_name(i) != NULL; i++) {
        size += (size_t)snprintf(names + size, sizeof names - size, "%s %s",
                                 i == 0 ? "" : " or",
                                 infra_balancer_policy_name(i));
    }
    return arguments_wrong("--balance \"%s\": must be%s", name, names);
}

static bool read_check(struct proxy_options *o, char *text)
{
    check_spec_free(o->check);
    o->check = check_spec_read("--check", text);
    return o->check != NULL;
}

static bool read_outage(const char *text, uint32_t *ret)
{
    for (uint32_t i = 0; i <= INFRA_BALANCER_OUTAGE_LAST_UP; i++) {
        if (strcmp(text, infra_balancer_outage_name(i)) == 0) {
            *ret = i;
            return true;
        }
    }
    return arguments_wrong("--on-all-down \"%s\": must be refuse, anybody or "
                           "last-up",
                           text);
}

/* ",weight=N" and ",backup", in any order. */
static bool read_attributes(const char *text, char *attributes,
                            struct proxy_backend *backend)
{
    char *rest = attributes;

    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        if (strcmp(word, "backup") == 0) {
            backend->tier = 1;
        } else if (strncmp(word, "weight=", 7) == 0) {
            const char *p = word + 7;
            if (!read_number(&p, &backend->weight) || *p != '\0' ||
                backend->weight == 0 ||
                backend->weight > INFRA_BALANCER_WEIGHT_MAX) {
                return arguments_wrong("backend \"%s\": weight must be 1 to %u",
                                       text, INFRA_BALANCER_WEIGHT_MAX);
            }
        } else {
            return arguments_wrong(
                "backend \"%s\": \"%s\" is neither weight=N nor "
                "backup",
                text, word);
        }
    }
    return true;
}

static bool read_backend(struct proxy_options *o, char *text)
{
    struct proxy_backend *backend = &o->backends[o->backends_count];
    struct relay_address *address = &o->addresses[o->backends_count];
    char *comma = strchr(text, ',');
    char *attributes = comma == NULL ? NULL : strdup(comma + 1);

    if (comma != NULL && attributes == NULL) {
        return arguments_wrong("out of memory");
    }
    bool ok = read_attributes(text, attributes, backend);
    free(attributes);
    if (!ok) {
        return false;
    }
    if (comma != NULL) {
        *comma = '\0';
    }
    backend->name = text;
    if (!read_address("backend", text, false, &address->storage,
                      &address->size)) {
        return false;
    }
    for (uint32_t i = 0; i < o->backends_count; i++) {
        if (o->addresses[i].size == address->size &&
            memcmp(&o->addresses[i].storage, &address->storage,
                   address->size) == 0) {
            return arguments_wrong("backend \"%s\": given twice", text);
        }
    }
    o->backends_count++;
    return true;
}

static bool read_option(struct proxy_options *o, int option, char *value)
{
    switch (option) {
    case 'l':
        return read_address("--listen", value, true, &o->listen.storage,
                            &o->listen.size);
    case 't':
        return read_count("--threads", value, THREADS_MAX, &o->threads);
    case 'b':
        return read_policy(value, &o->policy);
    case 'c':
        return read_check(o, value);
    case 'p':
        return read_count("--check-port", value, UINT16_MAX, &o->check_port);
    case 'i':
        return read_time("--inter", value, &o->inter);
    case 'F':
        return read_time("--fastinter", value, &o->fastinter);
    case 'd':
        return read_time("--downinter", value, &o->downinter);
    case 's':
        return read_time("--slow-start", value, &o->slow_start);
    case 'o':
        return read_count("--outlier", value, COUNT_MAX, &o->outlier);
    case 'a':
        return read_outage(value, &o->outage);
    case 'r':
        return read_count("--rise", value, COUNT_MAX, &o->rise);
    case 'f':
        return read_count("--fall", value, COUNT_MAX, &o->fall);
    case 'C':
        return read_time("--connect-timeout", value, &o->connect_timeout);
    case 'I':
        return read_time("--idle-timeout", value, &o->idle_timeout);
    case 'A':
        return read_time("--answer-timeout", value, &o->answer_timeout);
    case 'D':
        return read_time("--drain-timeout", value, &o->drain_timeout);
    case 'S':
        return read_count("--sessions-max", value, SESSIONS_MAX,
                          &o->sessions_max);
    case 'P':
        return read_count("--sessions-per-address", value, SESSIONS_MAX,
                          &o->sessions_per_address_max);
    case 'B':
        return read_size("--buffer-memory", value, &o->buffered_max);
    case 'g':
        o->gate = 1;
        return true;
    case 'M':
        return read_admin_address(value, &o->admin.storage, &o->admin.size);
    case 'L':
        o->log_sessions = 1;
        return true;
    case 'W':
        o->admin_writes = 1;
        return true;
    default:
        return false; /* getopt_long() has named it. */
    }
}

/* Round robin ignores weights: refuse them. */
static bool settle_policy(struct proxy_options *o)
{
    bool weighted = false;

    for (uint32_t i = 0; i < o->backends_count; i++) {
        weighted |= o->backends[i].weight != 0;
    }
    if (o->policy == NULL) {
        weighted |= check_spec_tells_weight(o->check);
        o->policy = weighted ? infra_balancer_smooth_weighted()
                             : infra_balancer_round_robin();
    }
    if (weighted && o->policy == infra_balancer_round_robin()) {
        return arguments_wrong("--balance round-robin ignores weights: use "
                               "smooth-weighted");
    }
    return true;
}

static bool read_all(struct proxy_options *o, int argc, char **argv)
{
    if (o->listen.size == 0) {
        return arguments_wrong("--listen ADDR:PORT is missing (try --help)");
    }
    if (o->admin_writes && o->admin.size == 0) {
        return arguments_wrong("--admin-writes needs --admin");
    }
    if (optind == argc) {
        return arguments_wrong("at least one BACKEND is needed (try --help)");
    }
    o->backends = calloc((size_t)argc, sizeof *o->backends);
    o->addresses = calloc((size_t)argc, sizeof *o->addresses);
    if (o->backends == NULL || o->addresses == NULL) {
        return arguments_wrong("out of memory");
    }
    for (int i = optind; i < argc; i++) {
        if (!read_backend(o, argv[i])) {
            return false;
        }
    }
    char tcp[] = "tcp";
    return (o->check != NULL || read_check(o, tcp)) && settle_policy(o);
}

static void print_help(void)
{
    const char *const margin = "\n                         ";
    char names[1024] = "";
    size_t size = 0;
    size_t line = 0; /* Start of the current line. */

    for (uint32_t i = 0; infra_balancer_policy_name(i) != NULL; i++) {
        const char *name = infra_balancer_policy_name(i);
        bool full = size - line + strlen(name) > 50;
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%s%s",
                                 i > 0 ? "," : "",
                                 full    ? margin
                                 : i > 0 ? " "
                                         : "",
                                 name);
        line = full ? size - strlen(name) : line;
    }
    printf(help, names);
    printf(help_end, check_spec_help());
}

int proxy_options_read(struct proxy_options *ret, int *ret_status, int argc,
                       char **argv)
{
    struct proxy_options o = {
        .connect_timeout = INFRA_SEC(1),
        .idle_timeout = INFRA_SEC(600),
        .drain_timeout = INFRA_SEC(30),
        .inter = INFRA_SEC(2),
        .rise = 2,
        .fall = 3,
        .threads = 1,
        .buffered_max = 16u << 20,
    };
    int option;

    *ret_status = 2;
    arguments_begin("tcp_proxy");
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'h') {
            print_help();
            proxy_options_finish(&o);
            *ret_status = 0;
            return -1;
        }
        if (!read_option(&o, option, optarg)) {
            proxy_options_finish(&o);
            return -1;
        }
    }
    if (!read_all(&o, argc, argv)) {
        proxy_options_finish(&o);
        return -1;
    }
    secret_forget_environment();
    *ret = o;
    return 0;
}

void proxy_options_forget(struct proxy_options *options)
{
    check_spec_free(options->check);
    options->check = NULL;
}

void proxy_options_finish(struct proxy_options *options)
{
    proxy_options_forget(options);
    free(options->backends);
    free(options->addresses);
}
