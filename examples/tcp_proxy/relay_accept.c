/* SPDX-License-Identifier: MIT */
/* Clients that arrive: accepted while there are a place, a descriptor and an
 * open gate, else left in the queue or reset. */
#include "relay_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Out of descriptors or memory: let clients wait in the queue for a while, as a
 * ready listener would turn the loop for nothing. */
static void pause_listener(struct relay *relay)
{
    if (relay->accept_again == 0) {
        epoll_ctl(relay->epoll_fd, EPOLL_CTL_DEL, relay->listen_fd, NULL);
    }
    relay->accept_again = relay->now + RELAY_ACCEPT_PAUSE;
    relay->exhausted = false;
    relay->has_place = false;
}

/* The key of hash policies: the client's address without its port. */
static uint64_t client_hash(const struct relay *relay,
                            const struct sockaddr_storage *client)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)client;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)client;
    bool is_v6 = client->ss_family == AF_INET6;
    const void *address =
        is_v6 ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr;
    size_t size = is_v6 ? sizeof in6->sin6_addr : sizeof in->sin_addr;

    return relay->options.nginx_ip_hash ? infra_ip_hash(address, size)
                                        : infra_xxhash64(address, size, 0);
}

/* Are a place for a client and a descriptor for its backend free? */
static bool has_room(struct relay *relay)
{
    if (relay->reserve_fd < 0) {
        relay->reserve_fd = fcntl(relay->wake_fd, F_DUPFD_CLOEXEC, 0);
    }
    return relay->reserve_fd >= 0 &&
           relay_limits_reserve(relay->options.limits);
}

static void take_in(struct relay *relay, int fd,
                    const struct sockaddr_storage *client)
{
    struct relay_limits *limits = relay->options.limits;
    struct relay_arrival arrival = {
        .hash = client_hash(relay, client),
        .source = relay_limits_source(limits, client),
    };

    memcpy(&arrival.address, client, sizeof arrival.address);
    if (!relay_gate_admits(relay, fd, &arrival.pass) ||
        !relay_limits_enter(limits, arrival.source)) {
        relay_limits_release(limits);
        relay_reset_fd(fd);
        return;
    }
    relay_session_start(relay, fd, &arrival);
}

bool relay_accept(struct relay *relay, int count)
{
    for (int i = 0; i < count && !relay->exhausted; i++) {
        struct sockaddr_storage client;
        socklen_t size = sizeof client;
        if (!has_room(relay)) {
            relay->exhausted = true;
            break;
        }
        int fd = accept4(relay->listen_fd, (struct sockaddr *)&client, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_in(relay, fd, &client);
            continue;
        }
        int error = errno;
        relay_limits_release(relay->options.limits);
        if (error == EAGAIN) {
            return false;
        }
        /* Any other error is of a client that has left already. */
        relay->exhausted = relay_is_shortage(error);
    }
    if (relay->exhausted) {
        pause_listener(relay);
        return false;
    }
    return true;
}
