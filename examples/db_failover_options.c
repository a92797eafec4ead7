/* SPDX-License-Identifier: MIT */
/* Arguments in, options out.  Whatever is wrong is said in one line that names
 * the argument, before anything is opened. */
#include "db_failover_options.h"

#include "arguments.h"
#include "db_check_time.h"
#include "db_list.h"
#include "secret.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 1000u
#define TIMELINE_QUESTION "question=SELECT max(token) FROM infra_failover.token"

static const char help_begin[] =
    "usage: db_failover --lease LEASE --node NAME --agent CMD --check CHECK\n"
    "                   [OPTION]... DB...\n"
    "       db_failover --tell PATH COMMAND [KEY]\n"
    "\n"
    "Watch a replicated database, MariaDB or PostgreSQL, and promote a replica "
    "when\n"
    "the primary is dead.  Run two or three of it, each on a host of its own "
    "and\n"
    "with the same arguments but --node; the one that has the lease acts.\n"
    "\n"
    "DB is KEY=ADDR:PORT[,priority=N][,never][,async]; ADDR is an IP address, "
    "in\n"
    "brackets if IPv6, and the one by which replicas call their source.  Of "
    "two that\n"
    "have as much, the one of greater priority is promoted; \"never\" is "
    "never;\n"
    "\"async\" does not count in --sync-acks.\n"
    "\n"
    "LEASE is what decides who acts:\n";

static const char help_options[] =
    "  --group NAME           of the lease in etcd (db)\n"
    "  --agent CMD            carries out orders, see below\n"
    "  --on-primary CMD       tells routers who is primary, like an agent, "
    "with "
    "the\n"
    "                         order \"primary\"; its exit status is only "
    "logged\n"
    "  --check CHECK          how databases are asked, see below: mysql or "
    "pgsql,\n"
    "                         with a user who may see replication\n"
    "  --control PATH         a socket for commands, see below\n"
    "  --inter TIME           between two checks of a database (1s)\n"
    "  --fall N               failed checks until it counts as down (3)\n"
    "  --fresh TIME           the age up to which a check counts, from when it "
    "began: at\n"
    "                         least twice --inter, and at least the time-outs "
    "of\n"
    "                         --check together (5s)\n"
    "  --evidence N           so many say that the primary is dead: this "
    "process, and\n"
    "                         replicas that receive from it no more (2)\n"
    "  --sync-acks N          databases that acknowledge each write, as the "
    "servers\n"
    "                         are configured; 0: asynchronous (0)\n"
    "  --unfenced WHAT        a primary that cannot be shut out: retry, for "
    "ever, or\n"
    "                         proceed after --fence-wait; right with "
    "--sync-acks only\n"
    "                         (retry)\n"
    "  --fence-wait TIME      (30s)\n"
    "  --collect TIME         wait so long for the last replica to report "
    "(2s)\n"
    "  --loss WHAT            if those who may have writes do not come back: "
    "keep\n"
    "                         waiting for them, or lose the writes (keep)\n"
    "  --order TIME           an order without an answer is given again (10s)\n"
    "  --agent-limit TIME     then an agent is killed (10m)\n"
    "  --recovery-gap TIME    from one change of primary to the next (60s)\n"
    "  --half-life TIME       of the penalty for changes: after two no more "
    "until\n"
    "                         it has fallen (15m)\n"
    "  --help                 this text\n"
    "\n"
    "TIME is a whole number with its unit: 500ms, 2s, 10m.\n"
    "\n";

static const char more_help[] =
    "CMD runs as CMD ORDER KEY [SOURCE-KEY] by /bin/sh, with INFRA_ORDER "
    "(fence, stop,\n"
    "detach, promote, repoint), INFRA_NODE, INFRA_ADDRESS, INFRA_SOURCE,\n"
    "INFRA_SOURCE_ADDRESS, INFRA_TOKEN, INFRA_POSITION and INFRA_TIMELINE.  "
    "Exit status\n"
    "0: done; 1: not done; anything else: nobody knows.  What the orders are "
    "and what\n"
    "is owed to tokens is said in infra/promotion.h; db_agent.sh does it for "
    "servers\n"
    "of this host.\n"
    "\n"
    "The timeline of a database is the number that it answers to the question "
    "of the\n"
    "check; if none is given: SELECT max(token) FROM infra_failover.token, the "
    "table\n"
    "that db_agent.sh writes.\n"
    "\n"
    "What a process sees it does not tell the others.  Evidence is what it "
    "sees "
    "itself\n"
    "and what replicas say to it; so the primary must be reachable from each.\n"
    "\n"
    "A database that took writes beside the primary has a history of its own "
    "and is\n"
    "\"apart\", which is written beside the lease: it is shut out, pointed at "
    "the primary,\n"
    "and not promoted before that is done (exit status 0: its data is the "
    "primary's).\n"
    "Nor is a MariaDB or MySQL replica that \"does not apply\" what it "
    "receives, or one\n"
    "for which the agent answers 1 to detach or to promote.\n"
    "\n"
    "Of a database whose disk is full, what is read is answered.  To see that "
    "too, let\n"
    "the question write, with --evidence 1, since replicas see nothing wrong: "
    "db_beat_*.sql\n"
    "make a function for it, and question=SELECT infra_failover.beat() calls "
    "it.\n"
    "\n"
    "COMMAND is status; switchover KEY: make it primary in place of the living "
    "one,\n"
    "without loss; abort: end that; force KEY: promote it though writes may be "
    "lost,\n"
    "or though the last change is recent; admit KEY: it is apart no more, "
    "since its data\n"
    "was looked at; pause, resume: of this process only.\n"
    "\n"
    "The log goes to stdout and is never waited for: lines that nobody takes "
    "are\n"
    "dropped and counted, and of many lines of a kind a few are written.\n"
    "\n"
    "SIGTERM or SIGINT: give the lease back and exit 0; databases stay as they "
    "are.\n"
    "Exit status 2: the arguments are wrong; 1: the system refused something, "
    "or a\n"
    "command could not be followed.\n"
    "\n";

/* Names of words for an option. */
struct word {
    const char *name;
    uint32_t value;
};
static const struct word unfenced[] = {
    { "retry", INFRA_PROMOTION_RETRY }, { "proceed", INFRA_PROMOTION_PROCEED }
};
static const struct word loss[] = { { "keep", INFRA_PROMOTION_KEEP },
                                    { "lose", INFRA_PROMOTION_LOSE } };

static bool read_word(const char *name, const char *text,
                      const struct word words[2], uint32_t *ret)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (strcmp(words[i].name, text) == 0) {
            *ret = words[i].value;
            return true;
        }
    }
    return arguments_wrong("%s \"%s\": must be %s or %s", name, text,
                           words[0].name, words[1].name);
}

/* Role, position and source are asked for in any case, and the timeline. */
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
    infra_time check_time = db_check_time(all); /* Before it is hidden. */
    check_spec_free(o->check);
    o->check = check_spec_read("--check", all);
    if (o->check != NULL) {
        o->is_mysql = text[0] == 'm';
        o->check_time = check_time;
    }
    secret_hide(text + 6);
    secret_free(all);
    return o->check != NULL;
}

enum option_code {
    GROUP = 1,
    AGENT,
    ON_PRIMARY,
    CHECK,
    CONTROL,
    INTER,
    FALL,
    FRESH,
    EVIDENCE,
    SYNC_ACKS,
    UNFENCED,
    FENCE_WAIT,
    COLLECT,
    LOSS,
    ORDER,
    AGENT_LIMIT,
    RECOVERY_GAP,
    HALF_LIFE,
    TELL,
    HELP,
};

#define WITH(name, code)                    \
    {                                       \
        name, required_argument, NULL, code \
    }
static const struct option long_options[] = {
    LEASE_SPEC_OPTIONS,
    WITH("group", GROUP),
    WITH("agent", AGENT),
    WITH("on-primary", ON_PRIMARY),
    WITH("check", CHECK),
    WITH("control", CONTROL),
    WITH("inter", INTER),
    WITH("fall", FALL),
    WITH("fresh", FRESH),
    WITH("evidence", EVIDENCE),
    WITH("sync-acks", SYNC_ACKS),
    WITH("unfenced", UNFENCED),
    WITH("fence-wait", FENCE_WAIT),
    WITH("collect", COLLECT),
    WITH("loss", LOSS),
    WITH("order", ORDER),
    WITH("agent-limit", AGENT_LIMIT),
    WITH("recovery-gap", RECOVERY_GAP),
    WITH("half-life", HALF_LIFE),
    WITH("tell", TELL),
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

static bool read_text(struct db_failover_options *o, int code, char *text)
{
    switch (code) {
    case GROUP:
        return read_name("--group", text, &o->group);
    case CHECK:
        return read_check(o, text);
    case AGENT:
        return read_nonempty("--agent", text, &o->agent);
    case ON_PRIMARY:
        return read_nonempty("--on-primary", text, &o->on_primary);
    case CONTROL:
        return read_nonempty("--control", text, &o->control);
    case TELL:
        return read_nonempty("--tell", text, &o->tell);
    default:
        return lease_spec_read(&o->lease, code, text, "");
    }
}

static bool read_option(struct db_failover_options *o, int code, char *text)
{
    struct infra_promotion_options *p = &o->promotion;

    switch (code) {
    case INTER:
        return read_time("--inter", text, &o->inter);
    case FALL:
        return read_count("--fall", text, COUNT_MAX, &o->fall);
    case FRESH:
        return read_time("--fresh", text, &p->fresh);
    case EVIDENCE:
        return read_count("--evidence", text, DBS_MAX, &p->evidence);
    case SYNC_ACKS:
        return read_range("--sync-acks", text, 0, DBS_MAX - 1, &p->sync_acks);
    case UNFENCED:
        return read_word("--unfenced", text, unfenced, &p->fence_failed);
    case FENCE_WAIT:
        return read_time("--fence-wait", text, &p->fence_wait);
    case COLLECT:
        return read_time("--collect", text, &p->collect);
    case LOSS:
        return read_word("--loss", text, loss, &p->loss);
    case ORDER:
        return read_time("--order", text, &p->order);
    case AGENT_LIMIT:
        return read_time("--agent-limit", text, &o->agent_limit);
    case RECOVERY_GAP:
        return read_time("--recovery-gap", text, &p->recovery_gap);
    case HALF_LIFE:
        return read_time("--half-life", text, &p->penalty_half_life);
    default:
        return read_text(o, code, text);
    }
}

/* Are there databases enough, and of the right kind? */
static bool fits_databases(const struct db_failover_options *o)
{
    const struct infra_promotion_options *p = &o->promotion;
    uint32_t sync = 0;
    uint32_t fit = 0; /* To be promoted. */

    for (uint32_t i = 0; i < o->dbs_count; i++) {
        bool is_sync = (o->dbs[i].flags & INFRA_PROMOTION_SYNC) != 0;
        sync += is_sync;
        fit += (o->dbs[i].flags & INFRA_PROMOTION_NEVER) == 0 &&
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
    return p->evidence <= o->dbs_count ||
           arguments_wrong("--evidence %u: there are only this process and "
                           "%u replicas to say so",
                           p->evidence, o->dbs_count - 1);
}

/* What each option cannot see by itself. */
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
    if (p->fence_failed == INFRA_PROMOTION_PROCEED && p->sync_acks == 0) {
        return arguments_wrong("--unfenced proceed: needs --sync-acks, or two "
                               "primaries would be written to");
    }
    if (!lease_spec_fits(&o->lease, 0)) {
        return false;
    }
    if (p->fresh < 2 * o->inter) {
        return arguments_wrong("--fresh: must be at least twice --inter");
    }
    if (p->fresh < o->check_time) {
        return arguments_wrong(
            "--fresh of %llu ms: must be at least the "
            "time-outs of --check together, %llu ms",
            (unsigned long long)(p->fresh / INFRA_MS(1)),
            (unsigned long long)(o->check_time / INFRA_MS(1)));
    }
    p->fence_unknown = p->fence_failed;
    return true;
}

int db_failover_options_read(struct db_failover_options *ret, int *ret_status,
                             int argc, char **argv)
{
    bool good = true;
    int code;

    *ret = (struct db_failover_options) {
        .group = "db",
        .lease = { .ttl = INFRA_SEC(10) },
        .inter = INFRA_SEC(1),
        .fall = 3,
        .agent_limit = INFRA_SEC(600),
        .promotion = { .size = sizeof ret->promotion,
                       .fresh = INFRA_SEC(5),
                       .order = INFRA_SEC(10),
                       .evidence = 2,
                       .observers_max = 1,
                       .nodes_max = DBS_MAX },
    };
    *ret_status = 2;
    while (good &&
           (code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (code == HELP) {
            (void)fputs(help_begin, stdout);
            lease_spec_help_lease();
            printf("\n");
            lease_spec_help_options("10s");
            printf("%s%s%s", help_options, more_help, check_spec_help);
            *ret_status = 0;
            return -1;
        }
        good = read_option(ret, code, optarg);
    }
    ret->words = argv + optind;
    if (good && ret->tell != NULL) {
        good = optind < argc || arguments_wrong("--tell: what? (try --help)");
        return good ? 0 : -1;
    }
    for (int i = optind; good && i < argc; i++) {
        good = db_list_read(ret, argv[i]);
    }
    secret_forget_environment();
    return good && fits(ret) ? 0 : -1;
}
