/* SPDX-License-Identifier: MIT */
/* Arguments in, options out.  An error is one line that names the argument,
 * before anything is opened. */
#include "lb_pair_options.h"

#include "../common/arguments.h"
#include "../common/secret.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define VRID_MAX 255u
#define PREFERENCE_MAX 255u
#define PREFERENCE_DEFAULT 100u

static const char help_begin[] =
    "usage: lb_pair --lease LEASE --node NAME --group GROUP [OPTION]...\n"
    "               -- COMMAND [ARGUMENT]...\n"
    "\n"
    "Run COMMAND on two or more nodes, of which one serves.\n"
    "\n"
    "LEASE decides which node serves:\n";

static const char help_groups[] =
    "  vrrp:VRID              no store: the nodes decide by VRRP (RFC 9568),\n"
    "                         every 100 ms; further groups have the following\n"
    "                         VRIDs.  If the nodes do not hear each other,\n"
    "                         both serve\n"
    "\n"
    "GROUP is NAME[,address=ADDR/PREFIX]...[,preference=N]: a service of one\n"
    "node at a time, and the addresses that this node then has.  --group may\n"
    "be repeated: with two groups, crossed preferences and --preempt both\n"
    "nodes serve, and either can serve alone.\n"
    "\n";

static const char help_options[] =
    "  --interface NAME       interface for the addresses: they are set by\n"
    "                         rtnetlink and announced by gratuitous ARP or\n"
    "                         neighbour advertisements.  The kernel gets them\n"
    "                         for the rest of the lease only, and removes\n"
    "                         them when lb_pair was killed or stands still (a\n"
    "                         second or two after the ttl).  A link that is\n"
    "                         down is a fault; it is used again one second\n"
    "                         after it came up, also if it was deleted and\n"
    "                         made again.  Sets the interface's sysctl\n"
    "                         promote_secondaries\n"
    "  --up CMD, --down CMD   commands run by sh -c when this node begins to\n"
    "                         serve a group, and when it has ceased to;\n"
    "                         --down also at the start, except with a file.\n"
    "                         Both must bear repetition.  A node whose --up\n"
    "                         fails, or whose address cannot be set, steps\n"
    "                         down and stays away for 5 s, twice as long each\n"
    "                         time up to 60 s, or until SIGUSR2.  --down must\n"
    "                         be quick: --drain and a sixth of the ttl (500\n"
    "                         ms at most) later the lease is released in any\n"
    "                         case\n"
    "  --fence CMD            command run before a take-over from a node that\n"
    "                         did not hand over: shut that node out (power,\n"
    "                         switch).  If it fails no node takes over, and\n"
    "                         it is tried again\n"
    "  --limit TIME           limit for each of these commands, which is\n"
    "                         killed then; and for COMMAND to end after\n"
    "                         SIGTERM (10s)\n"
    "  --drain TIME           limit for sessions to end at a hand-over (none)\n"
    "  --attest TIME          COMMAND must show progress at the gate within\n"
    "                         this time, or is killed and replaced; for\n"
    "                         commands that know the gate (off)\n"
    "  --preempt              take a group from a node of less preference\n"
    "  --admin [ADDR:]PORT    listener for the operator, on 127.0.0.1 unless\n"
    "                         ADDR says otherwise: /status, a page; /metrics,\n"
    "                         for Prometheus; /status.json; /healthz (off)\n"
    "  --help                 this text\n"
    "\n"
    "preference= is 0 to 255 (100), with VRRP 1 to 254; of the nodes that can\n"
    "serve, the one with the greatest does.  TIME is a whole number with a\n"
    "unit: 500ms, 2s, 10m.\n"
    "\n"
    "COMMAND runs all the time, also on nodes that stand by, and ends with\n"
    "lb_pair, however that ends (processes that COMMAND starts may not).\n"
    "When COMMAND ends it is started again, and the node does not serve until\n"
    "COMMAND has stayed up for a moment.  INFRA_GATE_FD in its environment is\n"
    "the descriptor of its gates, one for each group\n"
    "(examples/common/shared_gates.h; tcp_proxy --gate); with VRRP there is\n"
    "none.\n"
    "\n"
    "CMD has in its environment INFRA_GROUP, INFRA_NODE, INFRA_TOKEN (a\n"
    "number that grows with each take-over; 0: none) and INFRA_ADDRESS (those\n"
    "of the group, ADDR/PREFIX).\n"
    "\n"
    "The log goes to stderr and never blocks: lines that nobody reads are\n"
    "dropped and counted, and of many lines of one kind a few are written.\n"
    "The output of a CMD goes there, too, or nowhere if nobody reads it when\n"
    "CMD starts; a CMD that prints more than a pipe holds should not rely on\n"
    "a reader.\n"
    "\n"
    "SIGTERM or SIGINT: hand over and exit 0.  SIGUSR1: hand over and stand\n"
    "by (other nodes go first for a ttl).  SIGUSR2: take over; this also\n"
    "clears a state that only an operator can clear.  Exit status 2: wrong\n"
    "arguments; 1: the system refused something.\n";

static const struct option long_options[] = {
    LEASE_SPEC_OPTIONS,
    { "group", required_argument, NULL, 'g' },
    { "interface", required_argument, NULL, 'i' },
    { "up", required_argument, NULL, 'u' },
    { "down", required_argument, NULL, 'd' },
    { "fence", required_argument, NULL, 'f' },
    { "limit", required_argument, NULL, 'L' },
    { "drain", required_argument, NULL, 'D' },
    { "attest", required_argument, NULL, 'a' },
    { "admin", required_argument, NULL, 'M' },
    { "preempt", no_argument, NULL, 'p' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* The text of file and etcd is read elsewhere. */
static bool read_lease(struct pair_options *o, char *text)
{
    o->vrid = 0; /* The last one counts. */
    if (strncmp(text, "vrrp:", 5) != 0) {
        return lease_spec_read(&o->lease, LEASE_SPEC_LEASE, text,
                               " or vrrp:VRID");
    }
    o->lease.path = NULL;
    o->lease.servers_count = 0;
    return read_count("--lease vrrp", text + 5, VRID_MAX, &o->vrid);
}

static bool is_same(const struct virtual_address *a,
                    const struct virtual_address *b)
{
    return a->family == b->family &&
           memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

/* Also by the group being read. */
static bool is_taken(const struct pair_options *o,
                     const struct virtual_address *address)
{
    for (uint32_t i = 0; i <= o->groups_count; i++) {
        for (uint32_t j = 0; j < o->groups[i].addresses_count; j++) {
            if (is_same(&o->groups[i].addresses[j], address)) {
                return true;
            }
        }
    }
    return false;
}

/* ADDR/PREFIX. */
static bool read_virtual(struct pair_options *o, struct pair_group *group,
                         const char *text)
{
    size_t size = strlen(group->addresses_text);
    struct virtual_address a;

    if (!virtual_address_parse(text, &a) || a.prefix == 0) {
        return arguments_wrong("--group \"%s\": address \"%s\" must be "
                               "ADDR/PREFIX, as 192.0.2.10/24",
                               group->name, text);
    }
    if (group->addresses_count == SHARED_ADDRESSES_MAX) {
        return arguments_wrong("--group \"%s\": at most %u addresses",
                               group->name, SHARED_ADDRESSES_MAX);
    }
    if (is_taken(o, &a)) {
        return arguments_wrong("--group \"%s\": address \"%s\": given twice",
                               group->name, text);
    }
    group->addresses[group->addresses_count++] = a;
    (void)snprintf(group->addresses_text + size,
                   sizeof group->addresses_text - size, "%s%s",
                   size > 0 ? " " : "", text);
    return true;
}

static bool read_group_word(struct pair_options *o, struct pair_group *group,
                            const char *word)
{
    if (strncmp(word, "address=", 8) == 0) {
        return read_virtual(o, group, word + 8);
    }
    if (strncmp(word, "preference=", 11) == 0) {
        const char *p = word + 11;
        if (!read_number(&p, &group->preference) || *p != '\0' ||
            group->preference > PREFERENCE_MAX) {
            return arguments_wrong("--group \"%s\": preference must be 0 to %u",
                                   group->name, PREFERENCE_MAX);
        }
        return true;
    }
    return arguments_wrong("--group \"%s\": \"%s\" is neither "
                           "address=ADDR/PREFIX nor preference=N",
                           group->name, word);
}

static bool read_group(struct pair_options *o, char *text)
{
    struct pair_group *group = &o->groups[o->groups_count];
    char *rest = text;
    const char *name = strsep(&rest, ",");

    if (o->groups_count == SHARED_GATES_MAX) {
        return arguments_wrong("--group: at most %u", SHARED_GATES_MAX);
    }
    if (!read_name("--group", name, &group->name)) {
        return false;
    }
    for (uint32_t i = 0; i < o->groups_count; i++) {
        if (strcmp(o->groups[i].name, name) == 0) {
            return arguments_wrong("--group \"%s\": given twice", name);
        }
    }
    group->preference = PREFERENCE_DEFAULT;
    for (const char *word; (word = strsep(&rest, ",")) != NULL;) {
        if (!read_group_word(o, group, word)) {
            return false;
        }
    }
    o->groups_count++;
    return true;
}

static bool read_option(struct pair_options *o, int option, char *value)
{
    switch (option) {
    case LEASE_SPEC_LEASE:
        return read_lease(o, value);
    case 'g':
        return read_group(o, value);
    case 'i':
        return read_nonempty("--interface", value, &o->interface);
    case 'u':
        return read_nonempty("--up", value, &o->up);
    case 'd':
        return read_nonempty("--down", value, &o->down);
    case 'f':
        return read_nonempty("--fence", value, &o->fence);
    case 'L':
        return read_time("--limit", value, &o->limit);
    case 'D':
        return read_time("--drain", value, &o->drain);
    case 'a':
        return read_time("--attest", value, &o->attest);
    case 'M':
        return read_admin_address(value, &o->admin, &o->admin_size);
    case 'p':
        o->preempt = true;
        return true;
    default:
        return lease_spec_read(&o->lease, option, value, "");
    }
}

int pair_options_read(struct pair_options *ret, int *ret_status, int argc,
                      char **argv)
{
    struct pair_options o = { .limit = INFRA_SEC(10) };
    int option;

    *ret_status = 2;
    arguments_begin("lb_pair");
    /* "+": the options of COMMAND are its own. */
    while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(help_begin, stdout);
            lease_spec_help_lease();
            (void)fputs(help_groups, stdout);
            lease_spec_help_options("3s");
            (void)fputs(help_options, stdout);
            *ret_status = 0;
            return -1;
        }
        if (!read_option(&o, option, optarg)) {
            lease_spec_forget(&o.lease);
            return -1;
        }
    }
    o.command = argv + optind;
    o.lease.has_groups = o.groups_count > 1;
    if (!pair_options_fit(&o)) {
        lease_spec_forget(&o.lease);
        return -1;
    }
    secret_forget_environment();
    *ret = o;
    return 0;
}
