/* SPDX-License-Identifier: MIT */
/* Stream sockets without waiting, and the outcomes of their errors. Every
 * descriptor is created non-blocking and close-on-exec in one call, since
 * another thread of the host may fork at any time. */
#include "socket.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

int infra__address_import(struct infra__address *ret,
                          const struct sockaddr *address, uint32_t size)
{
    size_t least;
    size_t most = sizeof ret->storage;

    if (address == NULL || size < sizeof address->sa_family) {
        return INFRA_EINVAL;
    }
    switch (address->sa_family) {
    case AF_INET:
        least = sizeof(struct sockaddr_in);
        break;
    case AF_INET6:
        least = sizeof(struct sockaddr_in6);
        break;
    case AF_UNIX:
        least = offsetof(struct sockaddr_un, sun_path) + 1;
        most = sizeof(struct sockaddr_un);
        break;
    default:
        return INFRA_EINVAL;
    }
    if (size < least || size > most) {
        return INFRA_EINVAL;
    }
    if (address->sa_family != AF_UNIX) {
        size = (uint32_t)least;
    }
    *ret = (struct infra__address) { .size = (socklen_t)size };
    memcpy(&ret->storage, address, size);
    return INFRA_OK;
}

bool infra__address_equal(const struct infra__address *a,
                          const struct infra__address *b)
{
    if (a->size != b->size || a->storage.ss_family != b->storage.ss_family) {
        return false;
    }
    if (a->storage.ss_family == AF_UNIX) {
        return memcmp(&a->storage, &b->storage, a->size) == 0;
    }
    /* Fields only: the bytes between them need not be zero. */
    if (a->storage.ss_family == AF_INET) {
        const struct sockaddr_in *v = (const struct sockaddr_in *)&a->storage;
        const struct sockaddr_in *w = (const struct sockaddr_in *)&b->storage;
        return v->sin_port == w->sin_port &&
               v->sin_addr.s_addr == w->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *v = (const struct sockaddr_in6 *)&a->storage;
    const struct sockaddr_in6 *w = (const struct sockaddr_in6 *)&b->storage;
    return v->sin6_port == w->sin6_port &&
           v->sin6_scope_id == w->sin6_scope_id &&
           memcmp(&v->sin6_addr, &w->sin6_addr, sizeof v->sin6_addr) == 0;
}

int infra__socket_connect(const struct infra__address *address, int *ret_fd)
{
    int fd = socket(address->storage.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return errno;
    }
    if (address->storage.ss_family != AF_UNIX) {
        infra__socket_set_quickack(fd, false);
    }
    /* POSIX: an interrupted connect continues by itself. */
    int error = 0;
    if (connect(fd, (const struct sockaddr *)&address->storage,
                address->size) != 0) {
        error = errno == EINTR ? EINPROGRESS : errno;
    }
    if (error != 0 && error != EINPROGRESS) {
        (void)close(fd);
        return error;
    }
    *ret_fd = fd;
    return error;
}

int infra__socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error
                                                                    : errno;
}

bool infra__socket_is_own_peer(int fd, const struct infra__address *peer)
{
    struct infra__address own = { .size = sizeof own.storage };

    return peer->storage.ss_family != AF_UNIX &&
           getsockname(fd, (struct sockaddr *)&own.storage, &own.size) == 0 &&
           infra__address_equal(&own, peer);
}

void infra__socket_set_abort(int fd)
{
    const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void infra__socket_set_nodelay(int fd)
{
    const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void infra__socket_set_quickack(int fd, bool on)
{
    const int value = on;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &value, sizeof value);
}

bool infra__socket_holds_bytes(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Is there a local address from which this one can be reached? Connecting a
 * datagram socket sends nothing and takes no stream port. */
static bool has_source(const struct infra__address *address)
{
    int fd = socket(address->storage.ss_family,
                    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return true; /* Unknown does not count against the peer. */
    }
    int error = connect(fd, (const struct sockaddr *)&address->storage,
                        address->size) != 0
                    ? errno
                    : 0;
    (void)close(fd);
    return error != EADDRNOTAVAIL;
}

uint32_t infra__socket_outcome(int error, const struct infra__address *peer)
{
    assert(error != 0);
    if (error == EADDRNOTAVAIL && peer->storage.ss_family != AF_UNIX &&
        !has_source(peer)) {
        return INFRA_OUTCOME_UNREACHABLE;
    }
    return infra_outcome_of_errno(error);
}
