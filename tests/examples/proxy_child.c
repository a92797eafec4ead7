/* SPDX-License-Identifier: MIT */
#include "proxy_child.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int kept_fd = -1;

void child_keep(int fd)
{
    kept_fd = fd;
}

static void become_proxy(const char *const *args)
{
    const char *program = getenv("TCP_PROXY");
    char *argv[CHILD_ARGS_MAX + 2] = { strdup("tcp_proxy") };

    for (int i = 0; args[i] != NULL && i < CHILD_ARGS_MAX; i++) {
        argv[i + 1] = strdup(args[i]);
    }
    /* No proxy outlives a test that failed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
        if (fd != kept_fd) {
            close(fd); /* What Check has open counts too. */
        }
    }
    execv(program, argv);
    _exit(127);
}

void child_run(struct child *child, const char *const *args)
{
    int fds[2];

    memset(child, 0, sizeof *child);
    ck_assert_msg(getenv("TCP_PROXY") != NULL, "TCP_PROXY is not set");
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    child->pid = fork();
    ck_assert_int_ge(child->pid, 0);
    if (child->pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        dup2(fds[1], STDOUT_FILENO);
        become_proxy(args);
    }
    close(fds[1]);
    child->log_fd = fds[0];
}

/* Read some of the log; false: it has ended. */
static int read_log(struct child *child)
{
    struct pollfd p = { .fd = child->log_fd, .events = POLLIN };

    ck_assert_msg(poll(&p, 1, CHILD_PATIENCE_MS) == 1, "no more log after:\n%s",
                  child->log);
    ssize_t n = read(child->log_fd, child->log + child->log_size,
                     sizeof child->log - 1 - child->log_size);
    ck_assert_int_ge(n, 0);
    child->log_size += (size_t)n;
    child->log[child->log_size] = '\0';
    return n > 0;
}

void child_wait_log(struct child *child, const char *text)
{
    while (strstr(child->log, text) == NULL) {
        ck_assert_msg(read_log(child), "no \"%s\" in:\n%s", text, child->log);
    }
}

int child_count_log(const struct child *child, const char *text)
{
    int count = 0;

    for (const char *p = child->log; (p = strstr(p, text)) != NULL; p++) {
        count++;
    }
    return count;
}

void child_start(struct child *child, const char *const *args)
{
    const char *all[CHILD_ARGS_MAX + 1] = { "--listen", "127.0.0.1:0" };
    int port;

    for (int i = 0; i < CHILD_ARGS_MAX - 2 && args[i] != NULL; i++) {
        all[i + 2] = args[i];
    }
    child_run(child, all);
    child_wait_log(child, "listening on 127.0.0.1:");
    child_wait_log(child, "\n");
    ck_assert_int_eq(
        sscanf(child->log, "tcp_proxy: listening on 127.0.0.1:%d", &port), 1);
    child->port = (in_port_t)port;
}

int child_wait_end(struct child *child)
{
    int status;

    while (read_log(child)) {
    }
    ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
    close(child->log_fd);
    return status;
}

void child_stop(struct child *child)
{
    ck_assert_int_eq(kill(child->pid, SIGTERM), 0);
    int status = child_wait_end(child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "status %#x, log:\n%s", (unsigned)status, child->log);
}

void child_limit_fds(const struct child *child, unsigned descriptors)
{
    const struct rlimit limit = { descriptors, descriptors };

    /* By its parent, since valgrind only plays a limit that is set on oneself,
     * and forgets it at the exec. */
    ck_assert_int_eq(prlimit(child->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

int child_fds(const struct child *child)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)child->pid);
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count - 2;
}

size_t child_resident(const struct child *child)
{
    char path[64];
    unsigned long size = 0;
    unsigned long resident = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)child->pid);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu %lu", &size, &resident), 2);
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static struct sockaddr_in loopback(in_port_t port)
{
    return (struct sockaddr_in) {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
}

in_port_t backend_port(int listener)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size),
                     0);
    return ntohs(address.sin_port);
}

int backend_listen(in_port_t port, char *ret_name)
{
    const int on = 1;
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 1024), 0);
    snprintf(ret_name, 32, "127.0.0.1:%d", backend_port(fd));
    return fd;
}

static void await(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    ck_assert_msg(poll(&p, 1, CHILD_PATIENCE_MS) == 1, "nothing came");
}

int backend_accept(int listener)
{
    await(listener, POLLIN);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

int backend_accept_session(int listener, char *ret_byte)
{
    for (;;) {
        int fd = backend_accept(listener);
        if (recv(fd, ret_byte, 1, 0) == 1) {
            return fd;
        }
        close(fd);
    }
}

int backend_is_idle(int listener)
{
    struct pollfd p = { .fd = listener, .events = POLLIN };

    return poll(&p, 1, 0) == 0;
}

int client_connect(in_port_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address),
                     0);
    return fd;
}

void say_all(int fd, const char *text)
{
    size_t size = strlen(text);

    ck_assert_int_eq(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

void hear(int fd, const char *text)
{
    size_t size = strlen(text);
    char heard[256];

    ck_assert_uint_lt(size, sizeof heard);
    for (size_t have = 0; have < size;) {
        await(fd, POLLIN);
        ssize_t n = recv(fd, heard + have, size - have, 0);
        ck_assert_msg(n > 0, "end or error after %zu bytes: %s", have,
                      strerror(errno));
        have += (size_t)n;
    }
    ck_assert_mem_eq(heard, text, size);
}

/* 0 for the end of stream, else an errno. */
static int ending(int fd)
{
    char byte;

    await(fd, POLLIN);
    ssize_t n = recv(fd, &byte, 1, 0);
    ck_assert_msg(n <= 0, "a byte came instead of the end");
    return n == 0 ? 0 : errno;
}

void hear_end(int fd)
{
    ck_assert_int_eq(ending(fd), 0);
}

void hear_reset(int fd)
{
    ck_assert_int_eq(ending(fd), ECONNRESET);
}

void hear_break(int fd)
{
    await(fd, 0); /* POLLERR needs no asking. */
}

void hear_any_end(int fd)
{
    int error = ending(fd);

    ck_assert(error == 0 || error == ECONNRESET);
}

void close_by_reset(int fd)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}
