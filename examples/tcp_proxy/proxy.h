/* SPDX-License-Identifier: MIT */
/* What tcp_proxy is made of: proxy_start.c builds it, tcp_proxy.c runs it. */
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
    struct infra_outlier *outlier; /* NULL: none is looked for. */
    struct worker *workers;
    struct shared_gates gates; /* Of lb_pair, if --gate is given. */
    struct relay_limits *limits;
    unsigned full_seen; /* What was said of the limits. */
    unsigned refused_seen;
    bool *is_down; /* By its checks, by id. */
    uint32_t up_count;
};

/* Did a step of the start work?  If not, say which. */
bool proxy_step(const char *step, int err);

/* Make the balancer and the limits.  False: the arguments do not fit together,
 * and it has been said why. */
bool proxy_prepare(struct proxy *proxy);

/* Start the checks and the outlier detection.  False: it has been said what did
 * not work. */
bool proxy_start(struct proxy *proxy);

#endif
