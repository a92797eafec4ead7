/* SPDX-License-Identifier: MIT */
/* Who decides that a group is served here: a lease in a store
 * (pair_elector.c), or VRRP (pair_router.c). */
#ifndef EXAMPLES_PAIR_ROLE_H
#define EXAMPLES_PAIR_ROLE_H

#include "../common/lease_store.h"
#include "../common/token_floor.h"
#include "pair_service.h"

/* What all groups have in common. */
struct pair_host {
    const struct pair_options *options;
    struct infra_driver *driver;
    struct virtual_link *link;  /* NULL: none. */
    struct shared_gates *gates; /* NULL: none. */
    const struct lease_access *access;
    const struct token_floor *floors; /* Of each group. */
};

struct pair_role; /* Of one group. */

struct pair_role_kind {
    /* The group's number counts from 0.  NULL: it has been said why not. */
    struct pair_role *(*open)(const struct pair_host *host, uint32_t number,
                              infra_time now);
    void (*close)(struct pair_role *role);
    /* Do what is due, and when that is. */
    void (*turn)(struct pair_role *role, infra_time now);
    infra_time (*deadline)(const struct pair_role *role, infra_time now);
    /* To poll for reading; -1: none but the driver's. */
    int (*fd)(const struct pair_role *role);
    /* The interface or its addresses have changed: look them up again.  False:
     * this role cannot work with what is there.  NULL: it needs none. */
    bool (*relink)(struct pair_role *role, infra_time now);
    /* Can this node serve? */
    void (*fit)(struct pair_role *role, bool fit, infra_time now);
    void (*step_down)(struct pair_role *role, infra_time now);
    void (*take_over)(struct pair_role *role, infra_time now);
    /* Step down for good; and is that done? */
    void (*end)(struct pair_role *role, infra_time now);
    bool (*is_over)(struct pair_role *role, infra_time now);
    /* A process ended.  Was it one of this? */
    bool (*ended)(struct pair_role *role, pid_t pid, int status,
                  infra_time now);
};

extern const struct pair_role_kind pair_elector;
extern const struct pair_role_kind pair_router;

/* Each begins with this. */
struct pair_role {
    struct pair_service service;
    bool has_stalled;     /* The command shows no progress; to be cleared by who
                         sees it. */
    bool is_fit;          /* As it was told. */
    bool is_linked;       /* It has the interface that it needs. */
    infra_time fit_at;    /* Not to serve before. */
    infra_time failed_at; /* It last failed to serve; 0: never. */
    infra_time patience;  /* From then to fit_at; doubled each time. */
    uint64_t token_floor;
};

#endif
