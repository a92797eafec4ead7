/* SPDX-License-Identifier: MIT */
#include "failover_spec.h"

#include "../common/arguments.h"

#include <stdio.h>

static const char help[] =
    "Failover by db_failover:\n"
    "  --failover LEASE       the lease of db_failover.  The primary is the\n"
    "                         node that is recorded beside it, once that node\n"
    "                         itself says so; another one that says so gets\n"
    "                         nothing, and while a promotion is recorded "
    "writes\n"
    "                         are held.  Nodes are given as KEY=ADDR:PORT "
    "then,\n"
    "                         with db_failover's keys, up to 16.  LEASE is\n"
    "                         file:PATH, for the same user, or\n"
    "                         etcd:HOST:PORT,...  While it cannot be read, "
    "the\n"
    "                         primary that was recorded last stays, unless\n"
    "                         another node says that it is primary\n"
    "  --failover-group NAME  of the lease in etcd (db)\n"
    "  --failover-user NAME, --failover-password-file PATH,\n"
    "  --failover-password-env NAME\n"
    "                         user of etcd\n"
    "  --failover-tls CA_FILE, --failover-tls-name NAME,\n"
    "  --failover-tls-cert FILE, --failover-tls-key FILE\n"
    "                         TLS with etcd, as in db_failover --help\n"
    "\n";

void failover_spec_help(void)
{
    (void)fputs(help, stdout);
}

struct failover_spec failover_spec_default(void)
{
    return (struct failover_spec) {
        .group = "db",
        .lease = { .node = "db_router", .ttl = INFRA_LEASE_TTL_DEFAULT }
    };
}

void failover_spec_begin_messages(void)
{
    arguments_begin("db_router: --failover");
}

void failover_spec_end_messages(void)
{
    arguments_begin("db_router");
}

bool failover_spec_read(struct failover_spec *spec, int option, char *value)
{
    if (option == FAILOVER_SPEC_GROUP) {
        return read_name("--failover-group", value, &spec->group);
    }
    failover_spec_begin_messages();
    bool good = lease_spec_read(&spec->lease,
                                option - FAILOVER_SPEC_FIRST + LEASE_SPEC_FIRST,
                                value, "");
    failover_spec_end_messages();
    return good;
}

bool failover_spec_fits(const struct failover_spec *spec)
{
    failover_spec_begin_messages();
    bool good = lease_spec_fits(&spec->lease, 0);
    failover_spec_end_messages();
    return good;
}
