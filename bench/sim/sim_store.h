/* SPDX-License-Identifier: MIT */
/* A lease store that does what the contract in failover.h says, in the time of
 * its own clock. What goes wrong with it is the world's doing. */
#ifndef TESTS_SIM_SIM_STORE_H
#define TESTS_SIM_SIM_STORE_H

#include <infra/failover.h>
#include <stdbool.h>

struct sim_store {
    uint32_t holder; /* A node + 1; 0: nobody. */
    uint64_t incarnation;
    uint64_t token; /* Of the holder. */
    uint64_t last_token;
    infra_time ttl;
    infra_time expires;
    bool is_clean; /* The last holder released it, or there was none. */
    uint64_t handover_request;
    infra_time request_until;
};

struct sim_request {
    uint64_t call;
    uint64_t incarnation;
    uint64_t token;
    uint64_t handover_request;
    infra_time ttl;
    uint32_t node;
    uint32_t op; /* enum infra_lease_op */
};

/* Carry it out at @now of the store's clock. */
struct infra_lease_answer sim_store_do(struct sim_store *s,
                                       const struct sim_request *r,
                                       infra_time now);

/* Take back what has run out. */
void sim_store_expire(struct sim_store *s, infra_time now);

#endif
