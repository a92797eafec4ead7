/* SPDX-License-Identifier: MIT */
/* A discrete-event simulation of the real balancer with a virtual clock: n
 * balancers, which do not see each other's work in flight, spread one stream of
 * requests over m servers. Arrivals do not wait for answers (an open loop). A
 * server serves in the order of arrival with a number of workers.
 *
 * The same options give the same result. Requests arrive at the same times with
 * the same demands and keys under every policy, so that differences are due to
 * the policies. */
#ifndef BENCH_SIM_H
#define BENCH_SIM_H

#include "histogram.h"

#include <infra/balancer.h>

enum sim_service {
    SIM_EXPONENTIAL,
    SIM_LOG_NORMAL,
    SIM_PARETO,
    SIM_BIMODAL,
};

enum sim_arrivals {
    SIM_POISSON,
    SIM_BURSTY, /* Poisson at twice the rate, and pauses of the same length. */
};

enum sim_fault_kind {
    SIM_SLOW,      /* Each service takes longer by `extra`. */
    SIM_REFUSE,    /* Connections are refused, after 1 ms. */
    SIM_FAIL_FAST, /* The answer is an error, after 0.1 ms: a black hole. */
    /* Down: its requests are reset, connections are refused. The balancers see
     * both edges, after the delay. */
    SIM_RESTART,
    SIM_RESET, /* At `begin` one of its connections is reset, no more. */
    /* Absent from time 0; the balancers get it at the end, after the delay. */
    SIM_ABSENT,
};

/* A fault of one server. Faults of one server do not overlap. Times are in
 * seconds, as in all options here. */
struct sim_fault {
    enum sim_fault_kind kind;
    uint32_t server; /* Ignored if out of range. */
    double begin;
    double end;   /* 0: for ever. */
    double extra; /* SIM_SLOW. */
};

/* Recorded arrivals. */
struct sim_trace {
    uint64_t *times;  /* Nanoseconds from the first, in order. */
    uint64_t *hashes; /* Of the key; 0: draw one. */
    uint64_t count;
};

struct sim_options {
    const struct infra_balancer_policy *policy;
    uint64_t seed;
    uint64_t requests;
    uint32_t balancers;
    uint32_t servers;
    const uint32_t *speeds; /* By server, in turn; also the weights. */
    uint32_t speeds_count;  /* 0: all 1. */
    int weights_are_even;   /* The balancers do not know the speeds. */
    uint32_t workers;       /* Of a server. */
    uint32_t queue_max;     /* Waiting at a server, 0: any number. */
    uint32_t in_flight_max; /* Of a balancer at a server, 0: no cap. */
    enum sim_service service;
    double service_mean; /* At speed 1. */
    double sigma;        /* Of the log-normal's logarithm, 0: 1. */
    enum sim_arrivals arrivals;
    double rate;                   /* Mean arrivals per second. */
    const struct sim_trace *trace; /* Instead of both, unless NULL. */
    double timeout;                /* Of a request, 0: none. */
    double within;                 /* The latency that counts as success. */
    double update_delay;
    const struct sim_fault *faults;
    uint32_t faults_count;
    /* Measured are the requests after this part of them (0 .. 1), and of those
     * the ones that arrive in this time. */
    double warm_up;
    double measure_begin;
    double measure_end; /* 0: the run's end. */
    /* Called now and then, unless NULL. */
    void (*progress)(void *user, uint64_t requests);
    void *user;
};

struct sim_result {
    struct histogram latency; /* Of the measured, however they ended. */
    uint64_t errors;          /* Of the measured: not OK in the end. */
    uint64_t within;          /* Of the measured: OK, and in time. */
    uint64_t retries;         /* All that follow are of the whole run. */
    uint64_t unpicked;        /* Ended by a pick without a backend. */
    double utilisation;       /* Busy workers / workers, up to the last arrival,
                                 the mean of the servers. */
    double spread;            /* The busiest server's utilisation / the mean. */
};

/* The rate that gives a run this load; 1: all that the servers can do. */
double sim_rate(const struct sim_options *options, double load);

/* INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL; INFRA_EBUSY: a ticket was not released,
 * an error of the simulation or of the library. */
int sim_run(struct sim_result *ret, const struct sim_options *options);

#endif
