/* SPDX-License-Identifier: MIT */
/* The arguments of lb_pair, checked and with their defaults. */
#ifndef EXAMPLES_LB_PAIR_OPTIONS_H
#define EXAMPLES_LB_PAIR_OPTIONS_H

#include "../common/lease_spec.h"
#include "../common/shared_gates.h"
#include "../common/virtual_address.h"

struct pair_group {
    const char *name;
    uint32_t preference;
    uint32_t addresses_count;
    struct virtual_address addresses[SHARED_ADDRESSES_MAX];
    char addresses_text[512]; /* ADDR/PREFIX, separated by blanks. */
};

struct pair_options {
    struct lease_spec lease; /* With VRRP only its node. */
    uint32_t vrid;           /* Of the first group; 0: no VRRP. */
    const char *interface;   /* NULL: no address is moved. */
    const char *up;
    const char *down;
    const char *fence;
    struct sockaddr_storage admin; /* Of size 0: none. */
    socklen_t admin_size;
    infra_time drain;
    infra_time attest;
    infra_time limit; /* Of a command. */
    bool preempt;
    uint32_t groups_count;
    struct pair_group groups[SHARED_GATES_MAX];
    char **command; /* And its arguments, up to NULL. */
};

/* Read the arguments.  0: go on; else exit with @ret_status, after the help on
 * stdout or an error on stderr, with @ret untouched. */
int pair_options_read(struct pair_options *ret, int *ret_status, int argc,
                      char **argv);

/* Do the options fit together?  If not, the error is on stderr.  Fills in the
 * ttl. */
bool pair_options_fit(struct pair_options *options);

#endif
