/* SPDX-License-Identifier: MIT */
/*
 * One worker of a TCP proxy: a listener, an epoll set and the sessions between
 * clients and backends, all on one thread.  A balancer's reader chooses the
 * backends; everything else here is sockets.
 *
 * A session is transparent: bytes, the end of each direction and a reset are
 * passed on, and nothing is read that cannot be written.
 */
#ifndef EXAMPLES_RELAY_H
#define EXAMPLES_RELAY_H

#include "../common/shared_gates.h"
#include "relay_limits.h"
#include "relay_metrics.h"

#include <infra/balancer.h>
#include <infra/driver.h>
#include <infra/outlier.h>
#include <sys/socket.h>

struct relay; /* One worker. */

struct relay_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

struct relay_options {
    struct infra_balancer_reader *reader; /* For this worker alone. */
    const struct relay_address *backends; /* By the ids of the reader. */
    const struct relay_address *listen;
    infra_time connect_timeout;
    infra_time idle_timeout;
    /* Limit for a backend's answer to its client; 0: none. */
    infra_time answer_timeout;
    uint32_t log_sessions;  /* 1: a line for each (relay_log.h). */
    uint32_t nginx_ip_hash; /* 1: clients hash as in nginx's ip_hash. */
    /* Takes the outcome of each session, and wakes the driver when that ejects
     * a backend; NULL: none. */
    struct infra_outlier *outlier;
    struct infra_driver *driver;
    /* Of all workers; must outlive them. */
    struct relay_limits *limits;
    struct relay_metrics metrics; /* Of this worker. */
    /* Bytes that wait for a write in this worker; above it a session keeps at
     * most 16 KiB per direction. */
    size_t buffered_max;
    /* Serve only while one of these is open; NULL: always. */
    const struct shared_gates *gates;
};

/* Open the listener: clients queue from now on, or with gates while one is
 * open. 0 or an errno.  Reader and addresses stay the caller's and must outlive
 * the relay. */
int relay_create(struct relay **ret, const struct relay_options *options);

/* Close everything; NULL is allowed. */
void relay_destroy(struct relay *relay);

/* The listener's address, with the port that the system chose for 0. */
int relay_address(const struct relay *relay, struct relay_address *ret);

/* Serve until a drain is over.  0 or an errno. */
int relay_run(struct relay *relay);

/* Time of its last turn; with gates it turns all the time.  From any thread. */
infra_time relay_progress(const struct relay *relay);

/* Take no new client, let the sessions end, cut the rest at @limit (by
 * infra_driver_now()).  Called once, from any thread. */
void relay_drain(struct relay *relay, infra_time limit);

#endif
