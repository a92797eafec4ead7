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
    char addresses_text[512]; /* ADDR/PREFIX, with blanks between. */
};

struct pair_options {
    struct lease_spec lease; /* Not with VRRP, but for node. */
    uint32_t vrid;           /* Of the first group; 0: not by VRRP. */
    const char *interface;   /* NULL: no address is moved. */
    const char *up;
    const char *down;
    const char *fence;
    infra_time drain;
    infra_time attest;
    infra_time limit; /* Of a command. */
    bool preempt;
    uint32_t groups_count;
    struct pair_group groups[SHARED_GATES_MAX];
    char **command; /* With its arguments, up to NULL. */
};

/* Read the arguments. 0: go on; else exit with the status in @ret_status: help
 * was printed to stdout, or what is wrong to stderr. @ret is untouched then. */
int pair_options_read(struct pair_options *ret, int *ret_status, int argc,
                      char **argv);

/* Do they fit together?  If not, it has been said what is wrong.  Fills in the
 * ttl. */
bool pair_options_fit(struct pair_options *options);

#endif
