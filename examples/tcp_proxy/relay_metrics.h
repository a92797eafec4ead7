/* SPDX-License-Identifier: MIT */
/*
 * What a worker counts of its sessions, in a shard of its own (metrics.h): how
 * they begin and why they end, the time that a connect and a session take, and
 * their bytes.
 */
#ifndef EXAMPLES_RELAY_METRICS_H
#define EXAMPLES_RELAY_METRICS_H

#include <infra/metrics.h>

/* Why a session ended. */
enum relay_end {
    RELAY_END_DONE,          /* Both sides ended. */
    RELAY_END_CLIENT_RESET,  /* The client broke it. */
    RELAY_END_BACKEND_RESET, /* The backend broke it. */
    RELAY_END_NO_BACKEND,    /* None could be connected. */
    RELAY_END_IDLE,          /* No byte for too long. */
    RELAY_END_NO_ANSWER,     /* The backend did not answer its client. */
    RELAY_END_CUT,           /* The drain or the term of this node is over. */
    RELAY_END_SHORTAGE,      /* No memory or descriptor here. */
    RELAY_ENDS
};

/* Its name, as a label and in the log. */
const char *relay_end_name(uint32_t reason);

/* The series of all workers. */
struct relay_series {
    uint32_t sessions;
    uint32_t received_bytes; /* From clients. */
    uint32_t sent_bytes;     /* To clients. */
    uint32_t session_seconds;
    uint32_t ended[RELAY_ENDS];
    uint32_t *connect_seconds; /* By backend. */
};

struct relay_metrics {
    struct infra_metrics_writer *writer; /* NULL: nothing is counted. */
    const struct relay_series *series;
};

struct relay_session;

/* A session begins, is connected, has passed bytes on, ends. */
void relay_metrics_begin(const struct relay_metrics *metrics);
void relay_metrics_connect(const struct relay_metrics *metrics, uint32_t id,
                           infra_time took);
void relay_metrics_bytes(const struct relay_metrics *metrics,
                         struct relay_session *session);
void relay_metrics_end(const struct relay_metrics *metrics,
                       enum relay_end reason, infra_time took);

#endif
