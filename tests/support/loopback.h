/* The other end: sockets of this machine for tests of what connects. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct test_endpoint {
    struct sockaddr_storage storage;
    socklen_t size;
};

/* A listener on an address of its own: AF_INET, AF_INET6 or AF_UNIX. */
int test_listen(int family, int backlog, struct test_endpoint *ret);

/* Another listener on an address that is free again. */
int test_listen_at(const struct test_endpoint *endpoint, int backlog);

/* An IPv4 address that refuses: bound as long as the answer is open, and no
 * listener. */
int test_refuse(struct test_endpoint *ret);

/* A socket that is connected with itself. */
int test_meet_itself(int family, struct test_endpoint *ret);

/* Connect until the listener's queue is full: who comes now waits for ever. The
 * descriptors to close are in @ret, the answer is their count. */
#define TEST_CROWD_MAX 16
int test_crowd(const struct test_endpoint *endpoint, int ret[TEST_CROWD_MAX]);

/* Wait for these poll events; false: they did not come in ten seconds. */
bool test_wait(int fd, short events);

/* The next connection, -1 after ten seconds. */
int test_accept(int listener);

/* Read until the end of the stream. The answer is how it ended, 0 or an errno;
 * what came is a string in @ret. */
int test_read_all(int fd, char *ret, size_t size);

/* Close with a reset. */
void test_reset(int fd);

#endif
