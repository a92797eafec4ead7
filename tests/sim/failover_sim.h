/* SPDX-License-Identifier: MIT */
/* Nodes that fail over, in a world that goes wrong: a virtual clock, a network
 * that loses, delays, doubles and cuts one way, a store that fails, forgets to
 * answer and renews leases by itself, clocks that drift and step, processes
 * that are stopped between any two calls, and die. The machines are the
 * library's, and the invariants are looked at after every step. A seed gives
 * the same history to the byte. */
#ifndef TESTS_SIM_FAILOVER_SIM_H
#define TESTS_SIM_FAILOVER_SIM_H

#include <stdbool.h>
#include <stdint.h>

enum sim_mode {
    SIM_SAFETY,    /* Faults without end. */
    SIM_LIVENESS,  /* Faults that end: then one node is active in time. */
    SIM_REGRESSED, /* The store loses its memory: tokens alone hold. */
};

struct sim_options {
    uint64_t seed;
    uint32_t mode; /* enum sim_mode */
    uint32_t nodes;
    bool verbose; /* Print the history. */
};

struct sim_result {
    const char *violation; /* NULL: none. */
    uint64_t at;           /* When, in nanoseconds of the world. */
    uint64_t steps;
    uint64_t activations;
    uint64_t writes;
    uint64_t trace; /* Of all that happened. */
    /* From the death of an active node to another's activation. */
    uint64_t takeovers_count;
    uint64_t takeover_max;
};

struct sim_result sim_run(const struct sim_options *options);

#endif
