#include "loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 120000

static int bind_any(int family, struct test_endpoint *ret)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret = (struct test_endpoint) { .size = sizeof ret->storage };
    ret->storage.ss_family = (sa_family_t)family;
    socklen_t size = sizeof(sa_family_t); /* Unix: an abstract name is drawn. */
    if (family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&ret->storage;
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof *in;
    } else if (family == AF_INET6) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)&ret->storage;
        in->sin6_addr = in6addr_loopback;
        size = sizeof *in;
    }
    if (bind(fd, (struct sockaddr *)&ret->storage, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&ret->storage, &ret->size) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int test_listen(int family, int backlog, struct test_endpoint *ret)
{
    int fd = bind_any(family, ret);

    if (fd >= 0 && listen(fd, backlog) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int test_listen_at(const struct test_endpoint *endpoint, int backlog)
{
    int fd = socket(endpoint->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (const struct sockaddr *)&endpoint->storage, endpoint->size) !=
            0 ||
        listen(fd, backlog) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int test_refuse(struct test_endpoint *ret)
{
    return bind_any(AF_INET, ret);
}

int test_meet_itself(int family, struct test_endpoint *ret)
{
    int fd = bind_any(family, ret);

    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&ret->storage, ret->size) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int test_crowd(const struct test_endpoint *endpoint, int ret[TEST_CROWD_MAX])
{
    int count = 0;
    bool connected = true;

    while (connected && count < TEST_CROWD_MAX) {
        int fd = socket(endpoint->storage.ss_family,
                        SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connected = connect(fd, (const struct sockaddr *)&endpoint->storage,
                            endpoint->size) == 0 ||
                    errno == EINPROGRESS;
        ret[count++] = fd;
        /* On the loopback the handshake is over before connect returns. */
        connected =
            connected &&
            poll(&(struct pollfd) { .fd = fd, .events = POLLOUT }, 1, 0) == 1;
    }
    return count;
}

bool test_wait(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    return poll(&p, 1, PATIENCE_MS) == 1;
}

int test_accept(int listener)
{
    if (!test_wait(listener, POLLIN)) {
        return -1;
    }
    int fd = accept(listener, NULL, NULL);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int test_read_all(int fd, char *ret, size_t size)
{
    size_t used = 0;
    int error = ETIMEDOUT;

    while (test_wait(fd, POLLIN) && used < size - 1) {
        ssize_t count = recv(fd, ret + used, size - 1 - used, 0);
        if (count <= 0) {
            error = count == 0 ? 0 : errno;
            break;
        }
        used += (size_t)count;
    }
    ret[used] = '\0';
    return error;
}

void test_reset(int fd)
{
    const struct linger linger = { .l_onoff = 1 };

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)close(fd);
}
