/* SPDX-License-Identifier: MIT */
#include "relay_limits.h"

#include <infra/base.h>
#include <infra/policy.h>
#include <netinet/in.h>
#include <string.h>

/* A customer gets half of an IPv6 address. */
#define PREFIX_SIZE 8u

bool relay_limits_reserve(struct relay_limits *limits)
{
    unsigned before =
        atomic_fetch_add_explicit(&limits->sessions, 1, memory_order_relaxed);

    if (before < limits->sessions_max) {
        return true;
    }
    atomic_fetch_sub_explicit(&limits->sessions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&limits->full_count, 1, memory_order_relaxed);
    return false;
}

void relay_limits_release(struct relay_limits *limits)
{
    atomic_fetch_sub_explicit(&limits->sessions, 1, memory_order_relaxed);
}

uint64_t relay_limits_source(const struct relay_limits *limits,
                             const struct sockaddr_storage *client)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)client;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)client;
    const void *bytes = &in->sin_addr;
    size_t size = sizeof in->sin_addr;

    if (client->ss_family == AF_INET6 &&
        IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        bytes = in6->sin6_addr.s6_addr + sizeof in6->sin6_addr - size;
    } else if (client->ss_family == AF_INET6) {
        bytes = &in6->sin6_addr;
        size = PREFIX_SIZE;
    }
    return infra_xxhash64(bytes, size, limits->seed);
}

static atomic_uint *slot(struct relay_limits *limits, uint64_t source, int row)
{
    return &limits->slots[row][(source >> 32 * row) % RELAY_LIMITS_SLOTS];
}

bool relay_limits_enter(struct relay_limits *limits, uint64_t source)
{
    unsigned counts[2];
    unsigned taken =
        atomic_load_explicit(&limits->sessions, memory_order_relaxed);

    for (int row = 0; row < 2; row++) {
        counts[row] = atomic_fetch_add_explicit(slot(limits, source, row), 1,
                                                memory_order_relaxed);
    }
    uint64_t count = counts[0] < counts[1] ? counts[0] : counts[1];
    /* This session's own place is taken already. */
    uint64_t left =
        taken < limits->sessions_max ? limits->sessions_max - taken : 0;
    if (count == 0 ||
        (count < left * RELAY_LIMITS_GREED &&
         (limits->per_address_max == 0 || count < limits->per_address_max))) {
        return true;
    }
    relay_limits_leave(limits, source);
    atomic_fetch_add_explicit(&limits->refused_count, 1, memory_order_relaxed);
    return false;
}

void relay_limits_leave(struct relay_limits *limits, uint64_t source)
{
    for (int row = 0; row < 2; row++) {
        atomic_fetch_sub_explicit(slot(limits, source, row), 1,
                                  memory_order_relaxed);
    }
}
