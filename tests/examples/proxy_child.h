/* SPDX-License-Identifier: MIT */
/* A tcp_proxy in a process of its own, and sockets to talk through it.  Every
 * call that waits gives up, and fails the test, after CHILD_PATIENCE_MS. */
#ifndef TESTS_PROXY_CHILD_H
#define TESTS_PROXY_CHILD_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_PATIENCE_MS 120000
#define CHILD_ARGS_MAX 24

struct child {
    pid_t pid;
    int log_fd;      /* Its stderr. */
    size_t log_size; /* Of what was read of it. */
    char log[16384];
    in_port_t port; /* Where it listens. */
};

/* A descriptor that every later child has, too; all others are closed there. */
void child_keep(int fd);

/* Run the program that the environment's TCP_PROXY names, with these arguments
 * up to NULL. */
void child_run(struct child *child, const char *const *args);

/* From now on it opens at most @descriptors. */
void child_limit_fds(const struct child *child, unsigned descriptors);

/* The same with "--listen 127.0.0.1:0" before, until it listens. */
void child_start(struct child *child, const char *const *args);

/* Until its log contains @text. */
void child_wait_log(struct child *child, const char *text);

/* How often @text is in the log so far. */
int child_count_log(const struct child *child, const char *text);

/* Wait for its end, read the rest of the log; the wait(2) status. */
int child_wait_end(struct child *child);

/* SIGTERM, and it must exit with 0. */
void child_stop(struct child *child);

/* Its open descriptors, and its resident memory in bytes. */
int child_fds(const struct child *child);
size_t child_resident(const struct child *child);

/* A listener on 127.0.0.1; @port 0: any.  Its "ADDR:PORT" text goes to
 * @ret_name, which holds 32 bytes. */
int backend_listen(in_port_t port, char *ret_name);
in_port_t backend_port(int listener);
int backend_accept(int listener);

/* The next connection on which something is said, and the first byte of it,
 * which is taken; a health check comes without one. */
int backend_accept_session(int listener, char *ret_byte);

/* Is the queue empty? */
int backend_is_idle(int listener);

int client_connect(in_port_t port);

void say_all(int fd, const char *text); /* Write it. */
void hear(int fd, const char *text);    /* Exactly this comes, */
void hear_end(int fd);                  /* the end of stream comes, */
void hear_reset(int fd);                /* a reset comes, */
void hear_break(int fd);                /* a reset comes after the end, */
void hear_any_end(int fd);              /* or one of the two. */
void close_by_reset(int fd);

#endif
