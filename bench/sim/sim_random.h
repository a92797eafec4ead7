/* SPDX-License-Identifier: MIT */
/* Random numbers of the simulation, by SplitMix64 in independent streams. */
#ifndef BENCH_SIM_RANDOM_H
#define BENCH_SIM_RANDOM_H

#include "sim.h"

/* One stream for each purpose, so that a policy that draws more or less of one
 * does not shift the others. */
enum sim_stream {
    SIM_STREAM_ARRIVALS,
    SIM_STREAM_SERVICE,
    SIM_STREAM_KEYS,
    SIM_STREAM_CLIENTS,
    SIM_STREAM_BALANCERS,
};

uint64_t sim_stream(uint64_t seed, enum sim_stream stream);
uint64_t sim_random(uint64_t *state);

/* Uniform in (0, 1]. */
double sim_uniform(uint64_t *state);

/* With mean 1. */
double sim_exponential(uint64_t *state);

/* A service time in seconds. */
double sim_service_time(const struct sim_options *options, uint64_t *state);

/* The hash of one of 10 000 keys, the k-th of which is asked for in proportion
 * to 1 / k: Zipf's law, as popular things on the web follow it. */
enum { SIM_KEYS = 10000 };
struct sim_keys {
    double sums[SIM_KEYS]; /* Cumulative, the last is 1. */
};
void sim_keys_init(struct sim_keys *keys);
uint64_t sim_key(const struct sim_keys *keys, uint64_t *state);

#endif
