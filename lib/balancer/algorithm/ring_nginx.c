/* SPDX-License-Identifier: MIT */
/* nginx's consistent hash (ngx_http_upstream_hash_module.c), that of
 * Cache::Memcached::Fast with ketama_points=160 and of Pingora: the CRC-32 of
 * HOST NUL PORT and the hash of the point before, little-endian. The key is the
 * server as in nginx's configuration ("host:port", "host", "unix:/path"). Of
 * equal hashes one point stays: the first server's, where nginx leaves it to an
 * unstable sort. Adding or removing a server moves its own keys only.
 * O(points), 160 per unit of weight, fewer if that would exceed
 * INFRA__RING_POINTS_MAX. */
#include "ring_layouts.h"

#include "../../base/crc32.h"

#include <infra/policy.h>
#include <string.h>

#define POINTS 160u

/* A member's points, scaled down if the sum is too large, at least one. */
static uint32_t points_of(uint32_t weight, uint64_t total)
{
    if (POINTS * total <= INFRA__RING_POINTS_MAX) {
        return POINTS * weight;
    }
    uint64_t points = (uint64_t)INFRA__RING_POINTS_MAX * weight / total;

    return points > 0 ? (uint32_t)points : 1;
}

uint32_t infra__ring_nginx_points(const struct infra__hash_member *members,
                                  uint32_t count)
{
    uint64_t total = infra__hash_weight_total(members, count);
    uint32_t points = 0;

    for (uint32_t i = 0; i < count; i++) {
        points += points_of(members[i].weight, total);
    }
    return points;
}

/* ASCII only, whatever the locale. */
static bool is_unix(const char *key)
{
    static const char scheme[] = "unix:";

    for (size_t i = 0; i < sizeof scheme - 1; i++) {
        char lower = key[i] >= 'A' && key[i] <= 'Z' ? (char)(key[i] - 'A' + 'a')
                                                    : key[i];
        if (lower != scheme[i]) {
            return false;
        }
    }
    return true;
}

/* The CRC-32 of HOST NUL PORT. The port is the digits after the last colon, if
 * only digits follow it. */
static uint32_t server_crc(const char *key)
{
    const char *host = is_unix(key) ? key + 5 : key;
    size_t size = strlen(host);
    size_t host_size = size;

    if (host == key) {
        size_t at = size;
        while (at > 0 && host[at - 1] >= '0' && host[at - 1] <= '9') {
            at--;
        }
        host_size = at > 0 && host[at - 1] == ':' ? at - 1 : size;
    }
    uint32_t crc = infra__crc32(0, host, host_size);
    crc = infra__crc32(crc, "", 1);
    if (host_size < size) {
        crc = infra__crc32(crc, host + host_size + 1, size - host_size - 1);
    }
    return crc;
}

void infra__ring_nginx_fill(struct infra__ring *ring,
                            const struct infra__hash_member *members,
                            uint32_t count)
{
    uint64_t total = infra__hash_weight_total(members, count);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t server = server_crc(members[i].key);
        uint32_t points = points_of(members[i].weight, total);
        uint32_t hash = 0;
        for (uint32_t k = 0; k < points; k++) {
            const unsigned char before[4] = { (unsigned char)hash,
                                              (unsigned char)(hash >> 8),
                                              (unsigned char)(hash >> 16),
                                              (unsigned char)(hash >> 24) };
            hash = infra__crc32(server, before, sizeof before);
            infra__ring_add(ring, (uint64_t)hash << 32, i);
        }
    }
    infra__ring_finish(ring);
    infra__ring_unique(ring);
}

uint64_t infra_nginx_hash(const void *key, size_t size)
{
    return (uint64_t)infra__crc32(0, key, size) << 32;
}
