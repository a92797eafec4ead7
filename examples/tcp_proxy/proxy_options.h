/* SPDX-License-Identifier: MIT */
/* The arguments of tcp_proxy, checked and with their defaults. */
#ifndef EXAMPLES_PROXY_OPTIONS_H
#define EXAMPLES_PROXY_OPTIONS_H

#include "../common/check_spec.h"
#include "relay.h"

#include <infra/balancer.h>

struct proxy_backend {
    const char *name; /* ADDR:PORT as given, without attributes. */
    uint32_t weight;  /* 0: none was given. */
    uint32_t tier;    /* 1 for a backup. */
};

struct proxy_options {
    struct relay_address listen;
    struct relay_address admin; /* Of size 0: none. */
    const struct infra_balancer_policy *policy;
    struct check_spec *check;
    infra_time connect_timeout;
    infra_time idle_timeout;
    infra_time answer_timeout; /* 0: none. */
    infra_time drain_timeout;
    infra_time inter;
    infra_time fastinter;
    infra_time downinter;
    infra_time slow_start;
    uint64_t buffered_max; /* Bytes of a worker. */
    uint32_t check_port;   /* 0: that of the backend. */
    uint32_t rise;
    uint32_t fall;
    uint32_t outlier;      /* Failures in a row; 0: no detection. */
    uint32_t outage;       /* enum infra_balancer_outage */
    uint32_t gate;         /* 1: serve only while a gate of lb_pair is open. */
    uint32_t log_sessions; /* 1: a line for each session. */
    uint32_t admin_writes; /* 1: the admin listener takes marks. */
    uint32_t threads;
    uint32_t sessions_max;             /* 0: as descriptors allow. */
    uint32_t sessions_per_address_max; /* 0: see relay_limits.h. */
    uint32_t backends_count;
    struct proxy_backend *backends;  /* By id, */
    struct relay_address *addresses; /* and their addresses. */
};

/* Read the arguments.  0: go on; else exit with @ret_status, after the help on
 * stdout or an error on stderr. */
int proxy_options_read(struct proxy_options *ret, int *ret_status, int argc,
                       char **argv);

/* Free the words of the checks, once these are made: they may hold a
 * password. */
void proxy_options_forget(struct proxy_options *options);

void proxy_options_finish(struct proxy_options *options);

#endif
