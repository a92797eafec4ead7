/* SPDX-License-Identifier: MIT */
/* What the operator sees of lb_pair, with --admin: role, lease and reason of
 * each group, as a page, as JSON and as metrics. */
#ifndef EXAMPLES_PAIR_ADMIN_H
#define EXAMPLES_PAIR_ADMIN_H

#include "../common/admin.h"
#include "pair_role.h"

struct pair_admin {
    const struct pair_options *options;
    const struct pair_role_kind *kind;
    struct pair_role *const *roles;
    struct admin *admin; /* NULL: none. */
    struct infra_metrics *metrics;
    struct infra_metrics_text *text;
    struct infra_collect *collect;
    uint32_t serves[SHARED_GATES_MAX]; /* Series by group. */
    infra_time started;
};

/* Listen, if the options say so.  False: the reason was logged. */
bool pair_admin_open(struct pair_admin *a, const struct pair_options *options,
                     const struct pair_role_kind *kind,
                     struct pair_role *const *roles);
void pair_admin_close(struct pair_admin *a);

/* To poll for reading; -1: no listener. */
int pair_admin_fd(const struct pair_admin *a);
infra_time pair_admin_deadline(const struct pair_admin *a);
void pair_admin_turn(struct pair_admin *a, infra_time now);

#endif
