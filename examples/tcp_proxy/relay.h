/* SPDX-License-Identifier: MIT */
/*
 * One worker of a TCP proxy: a listener, an epoll set and the sessions between
 * clients and backends, all on one thread.  Which backend takes a client is
 * asked of a balancer's reader; everything else here is sockets.
 *
 * A session is transparent: bytes, the end of each direction and a reset are
 * passed on, and nothing is read that cannot be written.
 */
#ifndef EXAMPLES_RELAY_H
#define EXAMPLES_RELAY_H

#include "../common/shared_gates.h"
#include "relay_limits.h"

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
    const struct relay_address *backends; /* Where the reader's ids are. */
    const struct relay_address *listen;
    infra_time connect_timeout;
    infra_time idle_timeout;
    /* For a backend to say something after the client has; 0: none. */
    infra_time answer_timeout;
    uint32_t nginx_ip_hash; /* 1: clients hash as in nginx's ip_hash. */
    /* Who is told how each session ended, and what is woken when that finds
     * somebody out; NULL: nobody. */
    struct infra_outlier *outlier;
    struct infra_driver *driver;
    /* Of all workers; whose memory outlives them. */
    struct relay_limits *limits;
    /* Bytes waiting to be written here above which a session keeps no more than
     * 16 KiB each way. */
    size_t buffered_max;
    /* It serves only while one of them is open; NULL: always. */
    const struct shared_gates *gates;
};

/* Open the listener; clients queue from now on, or with gates as long as one is
 * open.  0 or an errno.  The reader and
 * the addresses stay the caller's and must outlive the relay. */
int relay_create(struct relay **ret, const struct relay_options *options);

/* Close everything; NULL is allowed. */
void relay_destroy(struct relay *relay);

/* The address that the listener got; it tells the port where 0 was asked. */
int relay_address(const struct relay *relay, struct relay_address *ret);

/* Serve until a drain is over.  0 or an errno. */
int relay_run(struct relay *relay);

/* When it last turned; with gates it does so all the time.  Called from any
 * thread. */
infra_time relay_progress(const struct relay *relay);

/* Take no new client, let the sessions end, cut what is left at @limit (on the
 * clock of infra_driver_now()).  Called once, from any thread. */
void relay_drain(struct relay *relay, infra_time limit);

#endif
