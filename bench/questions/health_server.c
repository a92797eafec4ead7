/* SPDX-License-Identifier: MIT */
#include "health_server.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n"
                              "Connection: close\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                            "Connection: close\r\n\r\n";

void bench_server_pin_to(int cpu)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)cpu, &cpus);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
}

static void serve(int listener, bool is_http)
{
    /* A silent client holds up the others only briefly. */
    const struct timeval patience = { .tv_usec = 20000 };
    char bytes[1024];

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        if (is_http) {
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            if (recv(fd, bytes, sizeof bytes, 0) > 0) {
                (void)send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL);
            }
        }
        close(fd);
    }
}

int bench_server_start(struct bench_server *server, bool is_http)
{
    struct sockaddr_in any = { .sin_family = AF_INET };
    socklen_t size = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t parent = getpid();

    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) != 0 ||
        listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&any, &size) != 0) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            bench_server_pin_to(1);
            serve(fd, is_http);
        }
        _exit(1);
    }
    int error = pid < 0 ? errno : 0;
    close(fd);
    if (error == 0) {
        *server = (struct bench_server) { pid, ntohs(any.sin_port) };
    }
    return error;
}

void bench_server_stop(struct bench_server *server)
{
    if (server->pid != 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

void bench_server_signal(const struct bench_server *server, int signal)
{
    kill(server->pid, signal);
}

double bench_server_cpu_us(const struct bench_server *server)
{
    struct timespec spent = { 0 };
    clockid_t clock;

    if (clock_getcpuclockid(server->pid, &clock) == 0) {
        (void)clock_gettime(clock, &spent);
    }
    return (double)spent.tv_sec * 1e6 + (double)spent.tv_nsec / 1e3;
}

struct sockaddr_in bench_server_address(const struct bench_server *server,
                                        uint32_t id)
{
    return (struct sockaddr_in) { .sin_family = AF_INET,
                                  .sin_port = htons(server->port),
                                  .sin_addr.s_addr = htonl(0x7f010000u + id) };
}

static void bare_check(int epoll_fd, const struct sockaddr_in *address,
                       bool is_http)
{
    const struct linger reset = { .l_onoff = 1 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = { .events = EPOLLOUT };
    char bytes[1024];
    int error;
    socklen_t size = sizeof error;

    (void)connect(fd, (const struct sockaddr *)address, sizeof *address);
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    (void)epoll_wait(epoll_fd, &event, 1, 1000);
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (is_http) {
        (void)send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
        event.events = EPOLLIN;
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
        (void)epoll_wait(epoll_fd, &event, 1, 1000);
        (void)recv(fd, bytes, sizeof bytes, 0);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

double bench_server_bare_us(const struct bench_server *server, bool is_http,
                            int count)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct timespec a;
    struct timespec b;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (int i = 0; i < count; i++) {
        struct sockaddr_in address = bench_server_address(server, (uint32_t)i);
        bare_check(epoll_fd, &address, is_http);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    close(epoll_fd);
    return ((double)(b.tv_sec - a.tv_sec) * 1e6 +
            (double)(b.tv_nsec - a.tv_nsec) / 1e3) /
           count;
}
