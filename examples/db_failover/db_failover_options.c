/* SPDX-License-Identifier: MIT */
/* Arguments in, options out.  A wrong argument is named in one line to stderr,
 * before anything is opened. */
#include "db_failover_options.h"

#include "../common/arguments.h"
#include "../common/secret.h"
#include "db_list.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FALL_MAX 1000u
#define TIMELINE_QUESTION "question=SELECT max(token) FROM infra_failover.token"

static const char help_begin[] =
    "usage: db_failover --lease LEASE --node NAME --agent CMD --check CHECK\n"
    "                   [OPTION]... DB...\n"
    "       db_failover --tell PATH COMMAND [KEY]\n"
    "\n"
    "Watch a replicated MariaDB or PostgreSQL database, and promote a replica\n"
    "when the primary is dead.  Run two or three of these processes, each on "
    "a\n"
    "host of its own, with the same arguments except --node.  The process "
    "that\n"
    "holds the lease acts.\n"
    "\n"
    "DB is KEY=ADDR:PORT[,priority=N][,never][,async].  ADDR is the IP "
    "address\n"
    "by which replicas name their source, an IPv6 address in brackets.  Of "
    "two\n"
    "equally advanced databases the one of higher priority is promoted.\n"
    "\"never\": is not promoted.  \"async\": is not counted by --sync-acks.\n"
    "\n"
    "LEASE decides which process acts:\n";

static const char help_options[] =
    "  --group NAME           of the lease in etcd (db)\n"
    "  --agent CMD            carries out orders, see below\n"
    "  --on-primary CMD       tells routers the primary: run like an agent,\n"
    "                         with the order \"primary\"; its exit status is\n"
    "                         only logged\n"
    "  --check CHECK          how to check a database, see below: mysql or\n"
    "                         pgsql, with a user who may see replication\n"
    "  --control PATH         socket for commands, see below\n"
    "  --inter TIME           interval of the checks of a database (1s)\n"
    "  --fall N               failed checks until a database is down (3)\n"
    "  --sample-age-max TIME  maximum age of a check, from its begin; at\n"
    "                         least twice --inter, and the time-outs of\n"
    "                         --check together (5s)\n"
    "  --dead-votes-min N     votes needed to declare the primary dead, of\n"
    "                         this process and of replicas that do not\n"
    "                         receive from it (2)\n"
    "  --sync-acks N          databases that acknowledge each write, as the\n"
    "                         servers are configured; 0: asynchronous (0)\n"
    "  --unfenced WHAT        when a primary cannot be fenced: retry for\n"
    "                         ever, or proceed after --fence-timeout, safe\n"
    "                         with --sync-acks only (retry)\n"
    "  --fence-timeout TIME   for --unfenced proceed (30s)\n"
    "  --collect-timeout TIME\n"
    "                         wait for replicas that do not report (2s);\n"
    "                         those that answer checks have --order-timeout\n"
    "  --loss WHAT            when databases that may have writes stay away:\n"
    "                         refuse to go on, or accept the loss (refuse)\n"
    "  --order-timeout TIME   repeat an order that has no answer (10s)\n"
    "  --agent-timeout TIME   kill an agent that has not ended (10m)\n"
    "  --recovery-interval TIME\n"
    "                         least time between two changes of primary\n"
    "                         (60s)\n"
    "  --half-life TIME       of the penalty for changes; after two changes\n"
    "                         none is begun until it has fallen (15m)\n"
    "  --help                 this text\n"
    "\n"
    "TIME is a whole number with its unit: 500ms, 2s, 10m.\n"
    "\n";

static const char more_help[] =
    "CMD runs as CMD ORDER KEY [SOURCE-KEY] by /bin/sh.  Its environment has\n"
    "INFRA_ORDER (fence, stop, detach, promote, repoint), INFRA_NODE,\n"
    "INFRA_ADDRESS, INFRA_SOURCE, INFRA_SOURCE_ADDRESS, INFRA_TOKEN,\n"
    "INFRA_POSITION and INFRA_TIMELINE.  Exit status 0: done; 1: not done;\n"
    "any other: unknown.  infra/promotion.h defines the orders and the duty\n"
    "to refuse old tokens; db_agent.sh carries them out for servers of this\n"
    "host.\n"
    "\n"
    "The timeline of a database is the number that answers the question of\n"
    "the check.  Default: SELECT max(token) FROM infra_failover.token, the\n"
    "table that db_agent.sh writes.\n"
    "\n"
    "Processes do not tell each other what they see.  Votes come from the\n"
    "process itself and from the replicas it checks, so each process must be\n"
    "able to reach the primary.\n"
    "\n"
    "A database that took writes beside the primary has a history of its own:\n"
    "it is \"apart\", and recorded as such beside the lease.  It is fenced,\n"
    "then pointed at the primary, and not promoted before that is done (exit\n"
    "status 0: its data is the primary's).  Nor is a MariaDB or MySQL replica\n"
    "promoted that \"does not apply\" what it receives, or for which the "
    "agent\n"
    "answers 1 to detach or promote.\n"
    "\n"
    "A database with a full disk still answers reads.  To notice a full disk,\n"
    "let the question write, and give --dead-votes-min 1, since replicas see\n"
    "nothing wrong: db_beat_*.sql make a function for it, which the question\n"
    "SELECT infra_failover.beat() calls.\n"
    "\n"
    "COMMAND is one of\n"
    "  status          print the state\n"
    "  switchover KEY  make KEY the primary in place of the living one,\n"
    "                  without loss\n"
    "  abort           end a switchover\n"
    "  force KEY       promote KEY though writes may be lost, or though the\n"
    "                  last change is recent\n"
    "  admit KEY       KEY is apart no more: its data was checked\n"
    "  pause, resume   this process only\n"
    "\n"
    "The log goes to stdout, without ever blocking: lines that are not read\n"
    "are dropped and counted, and only the first of many similar lines are\n"
    "written.\n"
    "\n"
    "SIGTERM or SIGINT: release the lease and exit 0; databases stay as they\n"
    "are.  Exit status 2: wrong arguments; 1: the system refused something,\n"
    "or a command failed.\n"
    "\n";

/* Ask for role, position, source and timeline in any case. */
static bool read_check(struct db_failover_options *o, char *text)
{
    char *all = NULL;

    if (strncmp(text, "mysql,", 6) != 0 && strncmp(text, "pgsql,", 6) != 0) {
        return arguments_wrong("--check: must be mysql or pgsql, with a user");
    }
    if (asprintf(&all, "%s%s%s%s", text,
                 strstr(text, ",ask=") == NULL ? ",ask=1" : "",
                 strstr(text, ",question=") == NULL ? "," : "",
                 strstr(text, ",question=") == NULL ? TIMELINE_QUESTION : "") <
        0) {
        return arguments_wrong("out of memory");
    }
    check_spec_free(o->check);
    o->check = check_spec_read("--check", all);
    if (o->check != NULL) {
        o->is_mysql = text[0] == 'm';
        o->check_time = check_spec_longest(o->check);
    }
    secret_hide(text + 6);
    secret_free(all);
    return o->check != NULL;
}

/* What an option holds. */
enum kind { TEXT, NAME, TIME, COUNT, WORD, CHECK, HELP };

struct row {
    const char *name;
    enum kind kind;
    size_t field; /* Its offset in struct db_failover_options. */
    uint32_t least;
    uint32_t most;
    const char *(*word)(uint32_t); /* WORD: of each value from 0. */
};

#define OF(field) offsetof(struct db_failover_options, field)
#define OF_PLAN(field) OF(promotion.field)
static const struct row rows[] = {
    { "--group", NAME, OF(group), 0, 0, NULL },
    { "--agent", TEXT, OF(agent), 0, 0, NULL },
    { "--on-primary", TEXT, OF(on_primary), 0, 0, NULL },
    { "--check", CHECK, 0, 0, 0, NULL },
    { "--control", TEXT, OF(control), 0, 0, NULL },
    { "--inter", TIME, OF(inter), 0, 0, NULL },
    { "--fall", COUNT, OF(fall), 1, FALL_MAX, NULL },
    { "--sample-age-max", TIME, OF_PLAN(sample_age_max), 0, 0, NULL },
    { "--dead-votes-min", COUNT, OF_PLAN(dead_votes_min), 1, DBS_MAX, NULL },
    { "--sync-acks", COUNT, OF_PLAN(sync_acks), 0, DBS_MAX - 1, NULL },
    { "--unfenced", WORD, OF_PLAN(fence_failed), 0, 1,
      infra_promotion_unfenced_name },
    { "--fence-timeout", TIME, OF_PLAN(fence_timeout), 0, 0, NULL },
    { "--collect-timeout", TIME, OF_PLAN(collect_timeout), 0, 0, NULL },
    { "--loss", WORD, OF_PLAN(loss), 0, 1, infra_promotion_loss_name },
    { "--order-timeout", TIME, OF_PLAN(order_timeout), 0, 0, NULL },
    { "--agent-timeout", TIME, OF(agent_timeout), 0, 0, NULL },
    { "--recovery-interval", TIME, OF_PLAN(recovery_interval), 0, 0, NULL },
    { "--half-life", TIME, OF_PLAN(penalty_half_life), 0, 0, NULL },
    { "--tell", TEXT, OF(tell), 0, 0, NULL },
    { "--help", HELP, 0, 0, 0, NULL },
};
#define ROWS (sizeof rows / sizeof rows[0])
#define OPTIONS_MAX 64u /* With those of the lease. */

static bool read_word(const struct row *row, const char *text, uint32_t *ret)
{
    for (uint32_t i = row->least; i <= row->most; i++) {
        if (strcmp(row->word(i), text) == 0) {
            *ret = i;
            return true;
        }
    }
    return arguments_wrong("%s \"%s\": must be %s or %s", row->name, text,
                           row->word(row->least), row->word(row->most));
}

static bool read_row(struct db_failover_options *o, const struct row *row,
                     char *text)
{
    void *field = (char *)o + row->field;

    switch (row->kind) {
    case TEXT:
        return read_nonempty(row->name, text, field);
    case NAME:
        return read_name(row->name, text, field);
    case TIME:
        return read_time(row->name, text, field);
    case COUNT:
        return read_range(row->name, text, row->least, row->most, field);
    case WORD:
        return read_word(row, text, field);
    case CHECK:
        return read_check(o, text);
    case HELP:
        break;
    }
    return true;
}

/* Are there databases enough, and of the right kind? */
static bool fits_databases(const struct db_failover_options *o)
{
    const struct infra_promotion_options *p = &o->promotion;
    uint32_t sync = 0;
    uint32_t fit = 0; /* Those that may be promoted. */

    for (uint32_t i = 0; i < o->dbs_count; i++) {
        bool is_sync = (o->dbs[i].flags & INFRA_PROMOTION_FLAG_SYNC) != 0;
        sync += is_sync;
        fit += (o->dbs[i].flags & INFRA_PROMOTION_FLAG_NEVER) == 0 &&
               (is_sync || p->sync_acks == 0);
    }
    if (o->dbs_count < 2) {
        return arguments_wrong("at least two databases are needed");
    }
    if (p->sync_acks > 0 && p->sync_acks >= sync) {
        return arguments_wrong("--sync-acks %u: must be less than the %u "
                               "databases that are not async",
                               p->sync_acks, sync);
    }
    if (fit == 0) {
        return arguments_wrong("no database may be promoted: all %sare never",
                               p->sync_acks > 0 ? "that are not async " : "");
    }
    return p->dead_votes_min <= o->dbs_count ||
           arguments_wrong("--dead-votes-min %u: only this process and %u "
                           "replicas vote",
                           p->dead_votes_min, o->dbs_count - 1);
}

/* Do the options fit together? */
static bool fits(struct db_failover_options *o)
{
    struct infra_promotion_options *p = &o->promotion;
    const char *missing = !lease_spec_is_given(&o->lease) ? "--lease"
                          : o->lease.node == NULL         ? "--node"
                          : o->agent == NULL              ? "--agent"
                          : o->check == NULL              ? "--check"
                                                          : NULL;
    if (missing != NULL) {
        return arguments_wrong("%s is missing (try --help)", missing);
    }
    if (!fits_databases(o)) {
        return false;
    }
    if (p->fence_failed == INFRA_PROMOTION_UNFENCED_PROCEED &&
        p->sync_acks == 0) {
        return arguments_wrong("--unfenced proceed: needs --sync-acks, or two "
                               "primaries would be written to");
    }
    if (!lease_spec_fits(&o->lease, 0)) {
        return false;
    }
    if (p->sample_age_max < 2 * o->inter) {
        return arguments_wrong(
            "--sample-age-max: must be at least twice --inter");
    }
    if (p->sample_age_max < o->check_time) {
        return arguments_wrong(
            "--sample-age-max of %llu ms: must be at least the "
            "time-outs of --check together, %llu ms",
            (unsigned long long)(p->sample_age_max / INFRA_MS(1)),
            (unsigned long long)(o->check_time / INFRA_MS(1)));
    }
    p->fence_unknown = p->fence_failed;
    return true;
}

static void print_help(void)
{
    (void)fputs(help_begin, stdout);
    lease_spec_help_lease();
    printf("\n");
    lease_spec_help_options("10s");
    printf("%s%s%s", help_options, more_help, check_spec_help());
}

/* The options of the lease, then one for each row; its code is the row's. */
static void list_options(struct option list[OPTIONS_MAX])
{
    static const struct option lease[] = { LEASE_SPEC_OPTIONS };
    size_t count = sizeof lease / sizeof lease[0];

    memcpy(list, lease, sizeof lease);
    for (size_t i = 0; i < ROWS; i++) {
        int argument = rows[i].kind == HELP ? no_argument : required_argument;
        list[count++] =
            (struct option) { rows[i].name + 2, argument, NULL, (int)i };
    }
    list[count] = (struct option) { NULL, 0, NULL, 0 };
}

int db_failover_options_read(struct db_failover_options *ret, int *ret_status,
                             int argc, char **argv)
{
    struct option list[OPTIONS_MAX];
    bool good = true;
    int code;

    *ret = (struct db_failover_options) {
        .group = "db",
        .lease = { .ttl = INFRA_SEC(10) },
        .inter = INFRA_SEC(1),
        .fall = 3,
        .agent_timeout = INFRA_SEC(600),
        .promotion = { .size = sizeof ret->promotion,
                       .sample_age_max = INFRA_SEC(5),
                       .order_timeout = INFRA_SEC(10),
                       .dead_votes_min = 2,
                       .observers_max = 1,
                       .nodes_max = DBS_MAX },
    };
    *ret_status = 2;
    list_options(list);
    while (good && (code = getopt_long(argc, argv, "", list, NULL)) != -1) {
        if (code >= 0 && code < (int)ROWS && rows[code].kind == HELP) {
            print_help();
            *ret_status = 0;
            return -1;
        }
        good = code >= 0 && code < (int)ROWS
                   ? read_row(ret, &rows[code], optarg)
                   : lease_spec_read(&ret->lease, code, optarg, "");
    }
    ret->words = argv + optind;
    if (good && ret->tell != NULL) {
        good = optind < argc || arguments_wrong("--tell: a command is missing");
        return good ? 0 : -1;
    }
    for (int i = optind; good && i < argc; i++) {
        good = db_list_read(ret, argv[i]);
    }
    secret_forget_environment();
    return good && fits(ret) ? 0 : -1;
}
