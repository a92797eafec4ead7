/* SPDX-License-Identifier: MIT */
/* The processes of the demonstration: the servers, which are copies of this
 * program, and the load balancers. */
#ifndef EXAMPLES_DEMO_H
#define EXAMPLES_DEMO_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SERVERS = 4, /* The last is the spare. */
    SPARE = SERVERS - 1,
    WINDOW = 10, /* Ticks on which a phase is judged. */
};

struct server {
    const char *name;
    pid_t pid; /* 0: killed. */
    uint16_t port;
    char says[16]; /* State by the proxy's log. */
    _Atomic unsigned long answers;
    unsigned long history[WINDOW + 1]; /* Of answers, the newest first. */
};

extern struct server servers[SERVERS];

/* A copy of lb_pair, with its proxy. */
struct balancer {
    const char *name;
    pid_t pid; /* 0: killed. */
    int log;
    char line[512]; /* The last line of the log so far, */
    size_t used;    /* and its length. */
};

/* Print the errno of @what, and exit. */
void die(const char *what);

struct sockaddr_in loopback(uint16_t port);

/* A port that is free now. */
uint16_t free_port(void);

void start_server(struct server *server);
void kill_server(struct server *server);

/* Run lb_pair over a lease in a file, with a proxy that listens at @port while
 * it serves. */
void start_balancer(struct balancer *balancer, const char *lease_path,
                    uint16_t port, const char *pair, const char *proxy);
void end_balancer(struct balancer *balancer, int signal);

#endif
