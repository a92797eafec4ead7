/* SPDX-License-Identifier: MIT */
/* The outcome of an errno: one table for checks and for proxies.
 *
 * LOCAL are only the errors that any destination would give. The others count
 * against the destination, even if this machine's own kernel gives them. What
 * is not listed is UNREACHABLE: no route (ENETUNREACH, EHOSTUNREACH, ENETDOWN,
 * EHOSTDOWN, ENONET), a blackhole (EINVAL) or prohibiting route (EACCES), a
 * firewall (EPERM), a missing address family (EAFNOSUPPORT), an interface that
 * is gone (ENODEV, ENXIO), and what ICMP reports (ENOPROTOOPT, EPROTO,
 * EMSGSIZE, EOPNOTSUPP). These affect some destinations and not others. */
#include "internal.h"

#include <errno.h>

static const struct {
    int error;
    uint32_t outcome;
} rows[] = {
    { 0, INFRA_OUTCOME_OK },

    { ECONNREFUSED, INFRA_OUTCOME_REFUSED },
    /* No listener at this Unix path. */
    { ENOENT, INFRA_OUTCOME_REFUSED },
    { ENOTDIR, INFRA_OUTCOME_REFUSED },
    { ELOOP, INFRA_OUTCOME_REFUSED },
    { ENAMETOOLONG, INFRA_OUTCOME_REFUSED },
    { EPROTOTYPE, INFRA_OUTCOME_REFUSED }, /* Not a stream socket. */
    { EAGAIN, INFRA_OUTCOME_REFUSED },     /* The listener's queue is full. */
    { EWOULDBLOCK, INFRA_OUTCOME_REFUSED },

    { ETIMEDOUT, INFRA_OUTCOME_TIMEOUT },

    { ECONNRESET, INFRA_OUTCOME_RESET },
    { ECONNABORTED, INFRA_OUTCOME_RESET },
    { ENETRESET, INFRA_OUTCOME_RESET },
    { ENOTCONN, INFRA_OUTCOME_RESET },
    { EPIPE, INFRA_OUTCOME_RESET },
#ifdef ESHUTDOWN
    { ESHUTDOWN, INFRA_OUTCOME_RESET },
#endif

    { EMFILE, INFRA_OUTCOME_LOCAL },
    { ENFILE, INFRA_OUTCOME_LOCAL },
    { ENOMEM, INFRA_OUTCOME_LOCAL },
    { ENOBUFS, INFRA_OUTCOME_LOCAL },
    { ENOSPC, INFRA_OUTCOME_LOCAL }, /* epoll's limit of watches. */
    /* No local port, or no local address: base.h. */
    { EADDRNOTAVAIL, INFRA_OUTCOME_LOCAL },
    { EADDRINUSE, INFRA_OUTCOME_LOCAL },
    /* Mistakes of the caller, and errors that end nothing. */
    { EBADF, INFRA_OUTCOME_LOCAL },
    { EFAULT, INFRA_OUTCOME_LOCAL },
    { ENOTSOCK, INFRA_OUTCOME_LOCAL },
    { EDESTADDRREQ, INFRA_OUTCOME_LOCAL },
    { EISCONN, INFRA_OUTCOME_LOCAL },
    { EALREADY, INFRA_OUTCOME_LOCAL },
    { EINPROGRESS, INFRA_OUTCOME_LOCAL },
    { EINTR, INFRA_OUTCOME_LOCAL },
};

uint32_t infra_outcome_of_errno(int error)
{
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        if (rows[i].error == error) {
            return rows[i].outcome;
        }
    }
    return INFRA_OUTCOME_UNREACHABLE;
}
