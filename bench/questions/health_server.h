/* SPDX-License-Identifier: MIT */
/* The servers that `infra-bench health` checks: each a process of its own, that
 * answers on every address of 127.0.0.0/8. */
#ifndef BENCH_HEALTH_SERVER_H
#define BENCH_HEALTH_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_server {
    pid_t pid; /* 0: none. */
    uint16_t port;
};

/* Start a server, which answers HTTP or only accepts. 0 or an errno. */
int bench_server_start(struct bench_server *server, bool is_http);
void bench_server_stop(struct bench_server *server);
void bench_server_signal(const struct bench_server *server, int signal);

/* CPU time used, in microseconds. */
double bench_server_cpu_us(const struct bench_server *server);

/* The address of the backend with this number. */
struct sockaddr_in bench_server_address(const struct bench_server *server,
                                        uint32_t id);

/* Cost of a check by the bare system calls, one after another: the mean of
 * @count. */
double bench_server_bare_us(const struct bench_server *server, bool is_http,
                            int count);

/* Run this process on that processor, if allowed. */
void bench_server_pin_to(int cpu);

#endif
