/* SPDX-License-Identifier: MIT */
/* The parts of tcp_proxy: proxy_start.c builds them, tcp_proxy.c runs them. */
#ifndef EXAMPLES_PROXY_H
#define EXAMPLES_PROXY_H

#include "../common/admin.h"
#include "proxy_history.h"
#include "proxy_options.h"
#include "relay.h"

#include <infra/infra.h>
#include <pthread.h>
#include <stdbool.h>

struct worker {
    pthread_t thread;
    struct infra_balancer_reader *reader;
    struct infra_metrics_writer *writer; /* NULL: no admin listener. */
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
    struct infra_metrics *metrics; /* NULL: no admin listener. */
    struct infra_metrics_text *text;
    struct infra_collect *collect;
    struct admin *admin;
    struct relay_series series;
    uint32_t sessions_now; /* Series that are set before a text. */
    uint32_t clients_refused;
    uint32_t sessions_full;
    const char **names; /* Of backends, by id. */
    struct history history;
    infra_time started;
    bool *is_down; /* By its checks, by id. */
    uint32_t up_count;
};

/* Log a failed step of the start.  False: it failed. */
bool proxy_step(const char *step, int err);

/* Make the balancer and the limits.  False: the arguments do not fit together;
 * the reason was logged. */
bool proxy_prepare(struct proxy *proxy);

/* Take what a check or the outlier detection says. */
void proxy_take_check(struct proxy *proxy,
                      const struct infra_health_event *event);
void proxy_take_outlier(struct proxy *proxy,
                        const struct infra_outlier_event *event);

/* Start the checks and the outlier detection.  False: the reason was logged. */
bool proxy_start(struct proxy *proxy);

#endif
