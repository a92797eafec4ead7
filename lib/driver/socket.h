/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: stream sockets, and the outcomes of their errors. */
#ifndef INFRA_DRIVER_SOCKET_H
#define INFRA_DRIVER_SOCKET_H

#include <infra/base.h>

#include <stdbool.h>
#include <sys/socket.h>

struct infra__address {
    struct sockaddr_storage storage;
    socklen_t size;
    const char *tls_name; /* Server name for TLS, the owner's; NULL: none. */
};

/* Copy an IPv4, IPv6 or Unix address, without a name. INFRA_EINVAL: another
 * family, or a size that does not fit. */
int infra__address_import(struct infra__address *ret,
                          const struct sockaddr *address, uint32_t size);

/* The same place? Names are not compared. */
bool infra__address_equal(const struct infra__address *a,
                          const struct infra__address *b);

/* Begin to connect a new non-blocking socket. 0: it is connected; EINPROGRESS:
 * it will become writable; another errno: there is no socket. */
int infra__socket_connect(const struct infra__address *address, int *ret_fd);

/* The pending error of a socket, 0 for none. */
int infra__socket_error(int fd);

/* Is the socket connected to itself? */
bool infra__socket_is_own_peer(int fd, const struct infra__address *peer);

/* Closing will reset the connection. */
void infra__socket_set_abort(int fd);

/* Small writes go out at once. */
void infra__socket_set_nodelay(int fd);

/* On: the handshake's last packet goes out at once; off: with the first bytes,
 * or after a fifth of a second, or never. */
void infra__socket_set_quickack(int fd, bool on);

/* Are there unread bytes? */
bool infra__socket_holds_bytes(int fd);

/* An enum infra_outcome for an errno of a socket to @peer. */
uint32_t infra__socket_outcome(int error, const struct infra__address *peer);

#endif
