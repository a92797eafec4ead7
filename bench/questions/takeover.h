/* SPDX-License-Identifier: MIT */
/* Two nodes and a store (sim_store.h) in virtual time, with one fault: how long
 * is no node active? The machines are the library's. A message takes 0.5 to
 * 1.5 ms each way, and a timer is up to 1 ms late. */
#ifndef BENCH_TAKEOVER_H
#define BENCH_TAKEOVER_H

#include "../sim/histogram.h"

#include <infra/failover.h>

enum takeover_fault {
    TAKEOVER_CRASH,  /* The active node is gone, with its state. */
    TAKEOVER_FREEZE, /* It stands still, and goes on after the take-over. */
    TAKEOVER_HAND,   /* It steps down on command, with nothing to drain. */
};

struct takeover {
    uint32_t fault; /* enum takeover_fault */
    int has_watch;  /* 1: a watch wakes the standby; 0: it polls. */
    infra_time ttl;
    uint64_t count; /* Faults. */
    uint64_t seed;
    /* Out: from the fault to the activation of the other. */
    struct histogram times;
    infra_time max;
    infra_time bound;  /* Promised by the configuration. */
    uint64_t overlaps; /* Moments at which both gates were open. */
    uint64_t steps;
};

/* INFRA_OK, INFRA_ENOMEM, or INFRA_EAGAIN: no take-over within its bound many
 * times over. */
int takeover_run(struct takeover *t);

#endif
