/* SPDX-License-Identifier: MIT */
/* What a backend wishes by the answers to its checks: to be drained (a 404 with
 * drain_on_404=1, an agent's drain, maint or 0%), more or less weight, a cap. */
#ifndef EXAMPLES_PROXY_WISH_H
#define EXAMPLES_PROXY_WISH_H

#include <infra/balancer.h>
#include <infra/probe.h>
#include <stdbool.h>

/* Zeroes: nothing was wished. */
struct proxy_wish {
    uint64_t checks; /* Of which the last was heard. */
    uint32_t admin;  /* enum infra_probe_admin */
    uint32_t weight; /* In place of the configured one, if has_weight. */
    uint32_t in_flight_max;
    bool has_weight; /* Then 0 is a wish for nothing new. */
};

/* Hear an answer; @weight is the configured one.  What it does not tell stays
 * as it was.  Has anything changed? */
bool proxy_wish_hear(struct proxy_wish *wish,
                     const struct infra_probe_result *answer, uint32_t weight);

/* The mark that the wish comes to: enum infra_balancer_state. */
uint32_t proxy_wish_state(const struct proxy_wish *wish);

/* For a log: "drain". */
const char *proxy_wish_name(const struct proxy_wish *wish);

#endif
