/* SPDX-License-Identifier: MIT */
/* Where a scenario has a mean service time of 1 ms, its milliseconds are
 * service times, the unit of queueing theory. */
#include "scenarios.h"

#include <string.h>

/* For servers whose latency does not depend on their load. */
#define UNLIMITED 1000000u

static const struct sim_fault linkerd_pause[] = {
    { .kind = SIM_SLOW, .server = 0, .begin = 15, .end = 45, .extra = 1.833 },
};
static const struct sim_fault brpc_slow[] = {
    { .kind = SIM_SLOW, .server = 0, .extra = 5e-3 },
    { .kind = SIM_SLOW, .server = 1, .extra = 5e-3 },
};
static const struct sim_fault black_hole[] = {
    { .kind = SIM_FAIL_FAST, .server = 0 },
};
static const struct sim_fault refuse[] = {
    { .kind = SIM_REFUSE, .server = 0 },
};
/* Absent, then cold for two seconds. */
static const struct sim_fault fresh_host[] = {
    { .kind = SIM_ABSENT, .server = 0, .end = 10 },
    { .kind = SIM_SLOW, .server = 0, .begin = 10, .end = 12, .extra = 50e-3 },
};
/* One after the other, each down for five seconds. */
static const struct sim_fault restarts[] = {
    { .kind = SIM_RESTART, .server = 0, .begin = 10, .end = 15 },
    { .kind = SIM_RESTART, .server = 1, .begin = 20, .end = 25 },
    { .kind = SIM_RESTART, .server = 2, .begin = 30, .end = 35 },
    { .kind = SIM_RESTART, .server = 3, .begin = 40, .end = 45 },
    { .kind = SIM_RESTART, .server = 4, .begin = 50, .end = 55 },
};
static const struct sim_fault one_reset[] = {
    { .kind = SIM_RESET, .server = 0, .begin = 10 },
};
static const struct sim_fault crash[] = {
    { .kind = SIM_RESTART, .server = 0, .begin = 10, .end = 12.7 },
};
/* The other becomes slow when the first is back, which the balancers know
 * 0.3 s after the fault's end. */
static const struct sim_fault crash_beside_slow[] = {
    { .kind = SIM_RESTART, .server = 0, .begin = 10, .end = 12.7 },
    { .kind = SIM_SLOW, .server = 1, .begin = 13, .extra = 100e-3 },
};
static const uint32_t unequal[] = { 1, 1, 2, 4 };
static const uint32_t halves[] = { 1, 2 };

static const struct scenario scenarios[] = {
    { .name = "steady",
      .help = "ten servers that are 90 % busy, one balancer, exponential "
              "service of 1 ms",
      .published_by = "p99 in theory: E10/M/1 for round robin, M/M/1 for "
                      "random, for two choices the mean field of Mitzenmacher "
                      "2001, with any number of servers",
      .published = { { "round-robin", "26.1" },
                     { "random", "46.1" },
                     { "two-choices", "8.8" } },
      .options = { .requests = 1000000,
                   .balancers = 1,
                   .servers = 10,
                   .workers = 1,
                   .service_mean = 1e-3,
                   .within = 10e-3,
                   .warm_up = 0.1 },
      .load = 0.9 },
    { .name = "linkerd",
      .help = "eleven servers of 167 ms, 1000 requests/s for a minute; one "
              "takes 2 s from 15 s to 45 s",
      .published_by = "success within 1 s in linkerd's blog, \"Beyond Round "
                      "Robin\", 2016",
      .published = { { "round-robin", "95 %" },
                     { "least-connections", "99 %" },
                     { "peak-ewma", "99.9 %" } },
      .options = { .requests = 60000,
                   .balancers = 1,
                   .servers = 11,
                   .workers = UNLIMITED,
                   .service = SIM_LOG_NORMAL,
                   .service_mean = 167e-3,
                   .sigma = 0.03,
                   .rate = 1000,
                   .within = 1,
                   .faults = linkerd_pause,
                   .faults_count = 1 } },
    { .name = "brpc-3340",
      .help = "four servers of 0.2 ms, two of them 5 ms slower, 4000 "
              "requests/s for 15 s",
      .published_by = "p99 in ms in brpc's issue 3340, which weighs by latency "
                      "(peak EWMA) and draws 2, or looks at all 4",
      .published = { { "round-robin", "7.7" },
                     { "peak-ewma", "2: 7.7, 4: 0.31" } },
      .options = { .requests = 60000,
                   .balancers = 1,
                   .servers = 4,
                   .workers = UNLIMITED,
                   .service = SIM_LOG_NORMAL,
                   .service_mean = 0.2e-3,
                   .sigma = 0.2,
                   .rate = 4000,
                   .within = 1e-3,
                   .faults = brpc_slow,
                   .faults_count = 2 } },
    { .name = "black-hole",
      .help = "ten servers, 70 % busy; one answers errors in 0.1 ms, and "
              "nobody marks it",
      .published_by = "errors, by arithmetic; that less work in flight draws "
                      "more traffic: ingress-nginx issue 9882, mosn issue 2274",
      .published = { { "round-robin", "10 %" },
                     { "random", "10 %" },
                     { "least-connections", "more" },
                     { "two-choices", "more" } },
      .options = { .requests = 500000,
                   .balancers = 4,
                   .servers = 10,
                   .workers = 4,
                   .service_mean = 10e-3,
                   .within = 100e-3,
                   .warm_up = 0.1,
                   .faults = black_hole,
                   .faults_count = 1 },
      .load = 0.7 },
    { .name = "refuse",
      .help = "ten servers, 70 % busy; one refuses connections, and nobody "
              "marks it",
      .options = { .requests = 500000,
                   .balancers = 4,
                   .servers = 10,
                   .workers = 4,
                   .service_mean = 10e-3,
                   .within = 100e-3,
                   .warm_up = 0.1,
                   .faults = refuse,
                   .faults_count = 1 },
      .load = 0.7 },
    { .name = "fresh-host",
      .help = "ten servers, 80 % busy; a tenth one joins and takes 50 ms "
              "longer for 2 s: the 3 s from then on",
      .options = { .requests = 50000,
                   .balancers = 4,
                   .servers = 10,
                   .workers = 4,
                   .service_mean = 10e-3,
                   .within = 100e-3,
                   .update_delay = 0.1,
                   .measure_begin = 10,
                   .measure_end = 13,
                   .faults = fresh_host,
                   .faults_count = 2 },
      .load = 0.8 },
    { .name = "unequal",
      .help = "eight servers with the speeds and weights 1, 1, 2, 4, ..., 80 % "
              "busy; requests give up after 1 s",
      .options = { .requests = 500000,
                   .balancers = 1,
                   .servers = 8,
                   .speeds = unequal,
                   .speeds_count = 4,
                   .workers = 1,
                   .service_mean = 10e-3,
                   .timeout = 1,
                   .within = 100e-3,
                   .warm_up = 0.1 },
      .load = 0.8 },
    { .name = "unknown",
      .help = "a hundred servers, half of them twice as fast, which a hundred "
              "balancers do not know; 60 % busy",
      .options = { .requests = 1000000,
                   .balancers = 100,
                   .servers = 100,
                   .speeds = halves,
                   .speeds_count = 2,
                   .weights_are_even = 1,
                   .workers = 1,
                   .service_mean = 10e-3,
                   .within = 100e-3,
                   .warm_up = 0.1 },
      .load = 0.6 },
    { .name = "bursty",
      .help = "ten servers, 60 % busy on the whole: 120 % in bursts of 100 "
              "requests, pauses as long, four balancers",
      .options = { .requests = 1000000,
                   .balancers = 4,
                   .servers = 10,
                   .workers = 1,
                   .service_mean = 10e-3,
                   .arrivals = SIM_BURSTY,
                   .within = 100e-3,
                   .warm_up = 0.1 },
      .load = 0.6 },
    { .name = "heavy-tail",
      .help = "ten servers, 70 % busy; 1 % of the requests (Pareto) are a "
              "fifth of the work, four balancers",
      .options = { .requests = 1000000,
                   .balancers = 4,
                   .servers = 10,
                   .workers = 1,
                   .service = SIM_PARETO,
                   .service_mean = 10e-3,
                   .within = 100e-3,
                   .warm_up = 0.1 },
      .load = 0.7 },
    { .name = "restart",
      .help = "ten servers, 60 % busy; five restart one by one for 5 s, which "
              "is noticed 1 s later",
      .options = { .requests = 150000,
                   .balancers = 4,
                   .servers = 10,
                   .workers = 4,
                   .service_mean = 10e-3,
                   .within = 100e-3,
                   .update_delay = 1,
                   .faults = restarts,
                   .faults_count = 5 },
      .load = 0.6 },
    { .name = "one-reset",
      .help = "three servers, 75 % busy; one connection to the first is reset, "
              "once: the 20 s from then on",
      .options = { .requests = 40000,
                   .balancers = 1,
                   .servers = 3,
                   .workers = 10,
                   .service_mean = 20e-3,
                   .within = 100e-3,
                   .measure_begin = 10,
                   .measure_end = 30,
                   .faults = one_reset,
                   .faults_count = 1 },
      .load = 0.75 },
    { .name = "crash",
      .help = "three servers, 60 % busy; the first crashes, is marked down "
              "0.3 s later and up after 3 s: the 20 s from then on",
      .options = { .requests = 30000,
                   .balancers = 1,
                   .servers = 3,
                   .workers = 10,
                   .service_mean = 20e-3,
                   .within = 100e-3,
                   .update_delay = 0.3,
                   .measure_begin = 13,
                   .measure_end = 33,
                   .faults = crash,
                   .faults_count = 1 },
      .load = 0.6 },
    { .name = "crash-slow",
      .help = "the same, 40 % busy, but as the first is up again the second "
              "takes 100 ms longer",
      .options = { .requests = 25000,
                   .balancers = 1,
                   .servers = 3,
                   .workers = 10,
                   .service_mean = 20e-3,
                   .within = 100e-3,
                   .update_delay = 0.3,
                   .measure_begin = 13,
                   .measure_end = 33,
                   .faults = crash_beside_slow,
                   .faults_count = 2 },
      .load = 0.4 },
};

const struct scenario *scenario_at(uint32_t index)
{
    return index < sizeof scenarios / sizeof scenarios[0] ? &scenarios[index]
                                                          : NULL;
}

const struct scenario *scenario_by_name(const char *name)
{
    const struct scenario *s = NULL;
    uint32_t i = 0;

    while ((s = scenario_at(i++)) != NULL && strcmp(s->name, name) != 0) {
    }
    return s;
}

const char *scenario_published(const struct scenario *scenario,
                               const char *policy)
{
    for (int i = 0; i < PUBLISHED_MAX; i++) {
        if (scenario->published[i].policy != NULL &&
            strcmp(scenario->published[i].policy, policy) == 0) {
            return scenario->published[i].figure;
        }
    }
    return "-";
}
