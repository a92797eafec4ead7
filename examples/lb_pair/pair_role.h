/* SPDX-License-Identifier: MIT */
/* The kinds of a group: served by a lease in a store (pair_elector.c), or by
 * VRRP (pair_router.c). */
#ifndef EXAMPLES_PAIR_ROLE_H
#define EXAMPLES_PAIR_ROLE_H

#include "../common/lease_store.h"
#include "../common/token_floor.h"
#include "pair_service.h"

/* Shared by all groups. */
struct pair_host {
    const struct pair_options *options;
    struct infra_driver *driver;
    struct virtual_link *link;  /* NULL: none. */
    struct shared_gates *gates; /* NULL: none. */
    const struct lease_access *access;
    const struct token_floor *floors; /* Of each group. */
};

struct pair_role; /* Of one group. */

/* What the operator sees of a group. */
struct pair_view {
    const char *state;
    const char *reason;     /* Of the last change of state, */
    infra_time since;       /* and its time. */
    infra_time valid_until; /* 0: no lease. */
    uint64_t activations;
    struct infra_failover_status failover; /* Of size 0 with VRRP. */
};

struct pair_role_kind {
    /* The group's number counts from 0.  NULL: the reason was logged. */
    struct pair_role *(*open)(const struct pair_host *host, uint32_t number,
                              infra_time now);
    void (*close)(struct pair_role *role);
    /* A turn, and the latest time of the next one. */
    void (*turn)(struct pair_role *role, infra_time now);
    infra_time (*deadline)(const struct pair_role *role, infra_time now);
    /* To poll for reading; -1: only the driver's. */
    int (*fd)(const struct pair_role *role);
    /* The interface or its addresses have changed: look them up again.  False:
     * they are not usable.  NULL: not needed. */
    bool (*relink)(struct pair_role *role, infra_time now);
    /* This node can serve, or not. */
    void (*fit)(struct pair_role *role, bool fit, infra_time now);
    void (*step_down)(struct pair_role *role, infra_time now);
    void (*take_over)(struct pair_role *role, infra_time now);
    /* Step down for good; and has that been done? */
    void (*end)(struct pair_role *role, infra_time now);
    bool (*is_over)(struct pair_role *role, infra_time now);
    /* A process ended.  True: it was of this role. */
    bool (*ended)(struct pair_role *role, pid_t pid, int status,
                  infra_time now);
    void (*inspect)(const struct pair_role *role, struct pair_view *ret);
};

extern const struct pair_role_kind pair_elector;
extern const struct pair_role_kind pair_router;

/* The first member of each role. */
struct pair_role {
    struct pair_service service;
    bool has_stalled;     /* The command shows no progress; loop clears it. */
    bool is_fit;          /* As last told. */
    bool is_linked;       /* The interface that it needs is up. */
    infra_time fit_at;    /* Earliest time to serve. */
    infra_time failed_at; /* Last failure to serve; 0: none. */
    infra_time patience;  /* From then to fit_at; doubled each time. */
    uint64_t token_floor;
};

#endif
