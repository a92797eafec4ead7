/* SPDX-License-Identifier: MIT */
/* The parts of tcp_proxy: proxy_start.c builds them, tcp_proxy.c runs them. */
#ifndef EXAMPLES_PROXY_H
#define EXAMPLES_PROXY_H

#include "proxy_options.h"
#include "relay.h"

#include <infra/infra.h>
#include <pthread.h>
#include <stdbool.h>

struct worker {
    pthread_t thread;
    struct infra_balancer_reader *reader;
    struct relay *relay;
    bool running;
};

struct proxy {
    struct proxy_options options;
    struct infra_balancer *balancer;
    struct infra_driver *driver;
    struct infra_prober *prober;
    struct infra_outlier *outlier; /* NULL: no detection. */
    struct worker *workers;
    struct shared_gates gates; /* Of lb_pair, if --gate is given. */
    struct relay_limits *limits;
    unsigned full_seen; /* Counts of the limits, as logged. */
    unsigned refused_seen;
    bool *is_down; /* By its checks, by id. */
    uint32_t up_count;
};

/* Log a failed step of the start.  False: it failed. */
bool proxy_step(const char *step, int err);

/* Make the balancer and the limits.  False: the arguments do not fit together;
 * the reason was logged. */
bool proxy_prepare(struct proxy *proxy);

/* Start the checks and the outlier detection.  False: the reason was logged. */
bool proxy_start(struct proxy *proxy);

#endif
