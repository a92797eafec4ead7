/* SPDX-License-Identifier: MIT */
/* Arguments in, options out.  Whatever is wrong is said in one line that names
 * the argument, before anything is opened. */
#include "lb_pair_options.h"

#include "arguments.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define VRID_MAX 255u
#define PREFERENCE_MAX 255u
#define PREFERENCE_DEFAULT 100u

static const char help[] =
    "usage: lb_pair --lease LEASE --node NAME --group GROUP [OPTION]...\n"
    "               -- COMMAND [ARGUMENT]...\n"
    "\n"
    "One of two or more nodes that all run COMMAND, of which one serves.\n"
    "\n"
    "LEASE is what decides who it is:\n"
    "  file:PATH              a file, for processes of one host; the group's "
    "name\n"
    "                         is appended if there are several\n"
    "  etcd:ADDR:PORT,...     the members of an etcd cluster (3.4 or later)\n"
    "  vrrp:VRID              nobody but the nodes, by VRRP (RFC 9568) every\n"
    "                         100 ms; more groups have the following VRIDs.  "
    "If\n"
    "                         nodes do not hear each other, both serve\n"
    "\n"
    "GROUP is NAME[,address=ADDR/PREFIX]...[,preference=N]: what is served by "
    "one\n"
    "node at a time, and the addresses that this node then has.  --group may "
    "be\n"
    "repeated: with two groups, crossed preferences and --preempt both nodes\n"
    "serve, and either can serve alone.\n"
    "\n"
    "  --node NAME            this node; another name on each\n"
    "  --interface NAME       move the addresses here: by rtnetlink, with\n"
    "                         gratuitous ARP or neighbour advertisements.  "
    "The\n"
    "                         kernel gets them for the rest of the lease "
    "only,\n"
    "                         and drops them by itself when lb_pair is killed "
    "or\n"
    "                         stands still (a second or two after the ttl)\n"
    "  --up CMD, --down CMD   run by sh -c when this node begins to serve a\n"
    "                         group, and has ceased to; --down at the start,\n"
    "                         too, except with a file.  Both have to bear\n"
    "                         repetition.  If --up fails the node steps down.\n"
    "                         --down has to be quick: after --drain and a "
    "sixth "
    "of\n"
    "                         the ttl (500 ms at most) the lease is given back "
    "in\n"
    "                         any case\n"
    "  --fence CMD            run before a take-over from a node that did not\n"
    "                         hand over: shut that node out (power, switch).  "
    "If\n"
    "                         it fails nobody takes over, and it is tried "
    "again\n"
    "  --limit TIME           for each of these commands, which is killed "
    "then;\n"
    "                         for COMMAND to end after SIGTERM (10s)\n"
    "  --ttl TIME             a node that is silent for so long is replaced; "
    "with\n"
    "                         etcd whole seconds, 2s at least (3s)\n"
    "  --drain TIME           for sessions to end at a hand-over (none)\n"
    "  --attest TIME          COMMAND has to show progress so often at the "
    "gate "
    "or\n"
    "                         is killed and replaced; for commands that know "
    "the\n"
    "                         gate (off)\n"
    "  --preempt              take a group from a node of less preference\n"
    "  --state PATH           keep the greatest token that was seen in this "
    "file:\n"
    "                         a store that was restored from an old backup "
    "gives\n"
    "                         tokens anew, under which this node then refuses "
    "to\n"
    "                         serve (fault: regressed), until the file is "
    "removed\n"
    "                         and lb_pair started again\n"
    "  --user NAME, --password TEXT\n"
    "                         for an etcd that has users\n"
    "  --help                 this text\n"
    "\n"
    "preference= is 0 to 255 (100), with VRRP 1 to 254: who serves where "
    "several\n"
    "could.  TIME is a whole number with its unit: 500ms, 2s, 10m.\n"
    "\n"
    "COMMAND runs all the time, on the nodes that stand by, too, and ends "
    "with\n"
    "lb_pair, however that ends (what it starts itself may not).  When it "
    "ends it\n"
    "is started again, and the node does not serve until it has stayed up for "
    "a\n"
    "moment.  INFRA_GATE_FD in its environment is the descriptor of its gates\n"
    "(infra/failover.h; tcp_proxy --gate), one for each group: not with VRRP.\n"
    "CMD finds INFRA_GROUP, INFRA_NODE, INFRA_TOKEN (a number that grows with "
    "each\n"
    "take-over; 0: none) and INFRA_ADDRESS (those of the group, ADDR/PREFIX)\n"
    "there.\n"
    "\n"
    "SIGTERM or SIGINT: hand over and exit 0.  SIGUSR1: hand over and stand "
    "by\n"
    "(then others go first for a ttl).  SIGUSR2: take over; also clears what\n"
    "only an operator can clear.  Exit status 2: the arguments are wrong; 1: "
    "the\n"
    "system refused something.\n";

static const struct option long_options[] = {
    { "lease", required_argument, NULL, 'l' },
    { "node", required_argument, NULL, 'n' },
    { "group", required_argument, NULL, 'g' },
    { "interface", required_argument, NULL, 'i' },
    { "up", required_argument, NULL, 'u' },
    { "down", required_argument, NULL, 'd' },
    { "fence", required_argument, NULL, 'f' },
    { "limit", required_argument, NULL, 'L' },
    { "ttl", required_argument, NULL, 't' },
    { "drain", required_argument, NULL, 'D' },
    { "attest", required_argument, NULL, 'a' },
    { "preempt", no_argument, NULL, 'p' },
    { "state", required_argument, NULL, 's' },
    { "user", required_argument, NULL, 'U' },
    { "password", required_argument, NULL, 'P' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* Names become part of paths and keys. */
static bool read_name(const char *option, const char *text, const char **ret)
{
    size_t size = strlen(text);

    if (size == 0 || size > INFRA_FAILOVER_NAME_MAX || text[0] == '.' ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789-_.") != size) {
        return arguments_wrong("%s \"%s\": a name must be 1 to %u letters, "
                               "digits, \"-\", \"_\" or \".\", not \".\" first",
                               option, text, INFRA_FAILOVER_NAME_MAX);
    }
    *ret = text;
    return true;
}

static bool read_endpoints(struct pair_options *o, char *list)
{
    o->endpoints_count = 0;
    for (char *one; (one = strsep(&list, ",")) != NULL; o->endpoints_count++) {
        if (o->endpoints_count == INFRA_ELECTOR_ENDPOINTS_MAX) {
            return arguments_wrong("--lease etcd: at most %u members",
                                   INFRA_ELECTOR_ENDPOINTS_MAX);
        }
        if (!read_address("--lease etcd", one, false,
                          &o->endpoints[o->endpoints_count],
                          &o->endpoint_sizes[o->endpoints_count])) {
            return false;
        }
    }
    return true;
}

static bool read_lease(struct pair_options *o, char *text)
{
    if (strncmp(text, "file:", 5) == 0 && text[5] != '\0') {
        o->store = PAIR_FILE;
        o->path = text + 5;
        return true;
    }
    if (strncmp(text, "etcd:", 5) == 0) {
        o->store = PAIR_ETCD;
        return read_endpoints(o, text + 5);
    }
    if (strncmp(text, "vrrp:", 5) == 0) {
        o->store = PAIR_VRRP;
        return read_count("--lease vrrp", text + 5, VRID_MAX, &o->vrid);
    }
    return arguments_wrong("--lease \"%s\": must be file:PATH, "
                           "etcd:ADDR:PORT,... or vrrp:VRID",
                           text);
}

static bool is_same(const struct virtual_address *a,
                    const struct virtual_address *b)
{
    return a->family == b->family &&
           memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

/* Also by the group that is being read. */
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
    struct virtual_address a = { .family = strchr(text, ':') != NULL
                                               ? INFRA_VRRP_IPV6
                                               : INFRA_VRRP_IPV4 };
    const char *slash = strchr(text, '/');
    char host[INET6_ADDRSTRLEN] = "";
    uint32_t prefix = 0;
    uint32_t prefix_max = a.family == INFRA_VRRP_IPV4 ? 32 : 128;
    size_t size = strlen(group->addresses_text);

    if (slash != NULL && (size_t)(slash - text) < sizeof host) {
        memcpy(host, text, (size_t)(slash - text));
    }
    const char *p = slash != NULL ? slash + 1 : text;
    if (inet_pton(a.family == INFRA_VRRP_IPV4 ? AF_INET : AF_INET6, host,
                  a.address.bytes) != 1 ||
        !read_number(&p, &prefix) || *p != '\0' || prefix < 1 ||
        prefix > prefix_max) {
        return arguments_wrong("--group \"%s\": address \"%s\" must be "
                               "ADDR/PREFIX, as 192.0.2.10/24",
                               group->name, text);
    }
    a.prefix = (uint8_t)prefix;
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

static bool read_text(const char *name, const char *text, const char **ret)
{
    *ret = text;
    return text[0] != '\0' || arguments_wrong("%s: must not be empty", name);
}

/* Kept here, so that nobody reads it in the list of processes. */
static bool read_password(struct pair_options *o, char *text)
{
    static char password[128];
    size_t size = strlen(text);

    if (size == 0 || size >= sizeof password) {
        return arguments_wrong("--password: must be 1 to %zu bytes",
                               sizeof password - 1);
    }
    memcpy(password, text, size + 1);
    memset(text, 'x', size);
    o->password = password;
    return true;
}

static bool read_option(struct pair_options *o, int option, char *value)
{
    switch (option) {
    case 'l':
        return read_lease(o, value);
    case 'n':
        return read_name("--node", value, &o->node);
    case 'g':
        return read_group(o, value);
    case 'i':
        return read_text("--interface", value, &o->interface);
    case 'u':
        return read_text("--up", value, &o->up);
    case 'd':
        return read_text("--down", value, &o->down);
    case 'f':
        return read_text("--fence", value, &o->fence);
    case 'L':
        return read_time("--limit", value, &o->limit);
    case 't':
        return read_time("--ttl", value, &o->ttl);
    case 'D':
        return read_time("--drain", value, &o->drain);
    case 'a':
        return read_time("--attest", value, &o->attest);
    case 'p':
        o->preempt = true;
        return true;
    case 's':
        return read_text("--state", value, &o->state);
    case 'U':
        return read_text("--user", value, &o->user);
    case 'P':
        return read_password(o, value);
    default:
        return false; /* getopt_long() has said what is wrong. */
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
            (void)fputs(help, stdout);
            *ret_status = 0;
            return -1;
        }
        if (!read_option(&o, option, optarg)) {
            return -1;
        }
    }
    o.command = argv + optind;
    if (!pair_options_fit(&o)) {
        return -1;
    }
    *ret = o;
    return 0;
}
