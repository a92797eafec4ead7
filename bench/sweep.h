/* SPDX-License-Identifier: MIT */
/* The same question put to every policy at several numbers of backends. */
#ifndef BENCH_SWEEP_H
#define BENCH_SWEEP_H

#include "bench.h"

#include <infra/balancer.h>

/* The subject of a measurement: one row, or several, of the report. */
struct subject {
    const char
        *name; /* The policy's, with its table size if not the default. */
    const struct infra_balancer_policy *policy;
    const void *policy_options; /* NULL: its defaults. */
    uint32_t backends;
};

/* Adds the rows of one subject. Any result but 0 ends the sweep: an
 * infra_error, or 1 after an error on stderr. */
typedef int (*sweep_measure)(struct report *report,
                             const struct subject *subject, int quick);

/* Print a report with the rows of every policy, or of the one that the options
 * name; --quick: the smallest size only. Returns an exit status. */
int sweep(const struct bench_options *options, const char *const *columns,
          const uint32_t *sizes, size_t sizes_count, sweep_measure measure);

/* A balancer with backends 0 .. n - 1 of weight 1, and room for one more; for
 * the caller to destroy, even after an error. Without an allocator libc's. */
int sweep_create(struct infra_balancer **ret, const struct subject *subject,
                 const struct infra_allocator *allocator);

/* Add that backend, or set its weight; publish follows. */
int sweep_set(struct infra_balancer *balancer, uint32_t id, uint32_t weight);

/* A balancer published, and one reader of it; both the caller's to destroy. */
int sweep_create_with_reader(struct infra_balancer **ret,
                             struct infra_balancer_reader **ret_reader,
                             const struct subject *subject);

#endif
