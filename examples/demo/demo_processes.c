/* SPDX-License-Identifier: MIT */
#include "demo.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_MAX 256 /* More than are ever open. */

struct server servers[SERVERS] = {
    { .name = "A", .says = "up" },
    { .name = "B", .says = "up" },
    { .name = "C", .says = "up" },
    { .name = "spare", .says = "up" },
};

void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* A listening socket; port 0: a free one. */
static int listen_on(uint16_t *port)
{
    struct sockaddr_in a = loopback(*port);
    socklen_t size = sizeof a;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
        die("listen");
    }
    *port = ntohs(a.sin_port);
    return fd;
}

uint16_t free_port(void)
{
    uint16_t port = 0;

    close(listen_on(&port));
    return port;
}

/* The embedded HTTP server: one request per connection, answered with its
 * name. */
static void serve(int listener, const char *name)
{
    char request[4096], reply[256];

    snprintf(reply, sizeof reply,
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s\n",
             strlen(name) + 1, name);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            continue;
        }
        if (recv(fd, request, sizeof request, 0) > 0) {
            (void)send(fd, reply, strlen(reply), MSG_NOSIGNAL);
        }
        close(fd);
    }
}

void start_server(struct server *s)
{
    int listener = listen_on(&s->port);

    s->pid = fork();
    if (s->pid < 0) {
        die("fork");
    }
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* A copy of a client's socket would keep its connection open. */
        for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++) {
            if (fd != listener) {
                close(fd);
            }
        }
        serve(listener, s->name);
    }
    close(listener);
}

void kill_server(struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static void run_balancer(const struct balancer *b, const char *lease,
                         uint16_t port, const char *pair, const char *proxy)
{
    char lease_arg[64], listen_arg[32], backends[SERVERS][48];

    snprintf(lease_arg, sizeof lease_arg, "file:%s", lease);
    snprintf(listen_arg, sizeof listen_arg, "127.0.0.1:%u", port);
    for (int i = 0; i < SERVERS; i++) {
        snprintf(backends[i], sizeof backends[i], "127.0.0.1:%u%s",
                 servers[i].port, i == SPARE ? ",backup" : "");
    }
    execl(pair, pair, "--lease", lease_arg, "--node", b->name, "--group", "web",
          "--", proxy, "--gate", "--listen", listen_arg, "--threads", "1",
          "--check", "http:/", "--inter", "500ms", backends[0], backends[1],
          backends[2], backends[3], (char *)NULL);
    die(pair);
}

void start_balancer(struct balancer *b, const char *lease_path, uint16_t port,
                    const char *pair, const char *proxy)
{
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) != 0 || (b->pid = fork()) < 0) {
        die("start a load balancer");
    }
    if (b->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_DFL); /* SIG_IGN of the log would survive exec. */
        dup2(pipe_fds[1], STDERR_FILENO);
        run_balancer(b, lease_path, port, pair, proxy);
    }
    close(pipe_fds[1]);
    b->log = pipe_fds[0];
    fcntl(b->log, F_SETFL, O_NONBLOCK);
}

void end_balancer(struct balancer *b, int signal)
{
    if (b->pid != 0) {
        kill(b->pid, signal);
        waitpid(b->pid, NULL, 0);
        b->pid = 0;
    }
}
