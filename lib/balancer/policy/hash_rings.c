/* SPDX-License-Identifier: MIT */
/* The ring policies: Envoy's, libmemcached's and nginx's layout
 * (ring_layouts.h) on one kind of ring (hash_ring.h). A key that may not have its
 * point's backend goes on to the next point, at most PROBES_MAX times. */
#include "../algorithm/ring_layouts.h"
#include "../internal.h"

#define POINTS_MIN_DEFAULT 1024u
#define ENVOY_POINTS_MAX (8u << 20)

INFRA__NO_TAIL_PADDING(struct infra_ring_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_ketama_options, reserved);

static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct infra__ring *ring = table;
    uint32_t place = infra__ring_find(ring, hash);

    (void)state;
    for (uint32_t i = 0; i < PROBES_MAX; i++) {
        uint32_t index = ring->points[place].index;
        if (candidate_may(c, index)) {
            return index;
        }
        place = infra__ring_next(ring, place);
    }
    return infra__candidates_rendezvous(c, hash);
}

static void shares(const void *table, const struct infra_balancer_candidates *c,
                   uint64_t *due, uint64_t *has)
{
    const struct infra__ring *ring = table;

    (void)c;
    (void)due;
    for (uint32_t place = 0; place < ring->count; place++) {
        has[ring->points[place].index] += infra__ring_part(ring, place);
    }
}

static size_t ring_size(uint64_t points)
{
    return infra__ring_size((uint32_t)points);
}

static int check_envoy(const void *options)
{
    const struct infra_ring_options *o = options;
    uint32_t least = o->points_min != 0 ? o->points_min : POINTS_MIN_DEFAULT;
    uint32_t most = o->points_max != 0 ? o->points_max : ENVOY_POINTS_MAX;

    if (o->reserved != 0) {
        return INFRA_ESTRUCT;
    }
    return o->murmur2 <= 1 && most <= ENVOY_POINTS_MAX && least <= most
               ? INFRA_OK
               : INFRA_EINVAL;
}

static struct infra__ring_envoy envoy_layout(
    const struct infra_balancer_candidates *c)
{
    const struct infra_ring_options *o = c->options;

    return (struct infra__ring_envoy) {
        .points_min = o->points_min != 0 ? o->points_min : POINTS_MIN_DEFAULT,
        .points_max =
            o->points_max != 0 && o->points_max < INFRA__RING_POINTS_MAX
                ? o->points_max
                : INFRA__RING_POINTS_MAX,
        .murmur2 = o->murmur2 != 0,
    };
}

static uint64_t envoy_points(const struct infra_balancer_candidates *c)
{
    struct infra__ring_envoy layout = envoy_layout(c);

    return infra__ring_envoy_points(&layout, c->hash_members, c->list->count);
}

static size_t envoy_size(const struct infra_balancer_candidates *c)
{
    return ring_size(envoy_points(c));
}

static int build_envoy(void *table, void *scratch,
                       const struct infra_balancer_candidates *c)
{
    struct infra__ring_envoy layout = envoy_layout(c);

    (void)scratch;
    infra__ring_init(table, (uint32_t)envoy_points(c));
    infra__ring_envoy_fill(table, &layout, c->hash_members, c->list->count);
    return INFRA_OK;
}

const struct infra_balancer_policy *infra_balancer_ring(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "ring",
        .table_size = envoy_size,
        .build = build_envoy,
        .pick = pick,
        .shares = shares,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ANY,
        .options_size = sizeof(struct infra_ring_options),
        .check = check_envoy,
    };

    return &policy;
}

static int check_ketama(const void *options)
{
    const struct infra_ketama_options *o = options;

    if (o->reserved != 0) {
        return INFRA_ESTRUCT;
    }
    return o->unweighted <= 1 ? INFRA_OK : INFRA_EINVAL;
}

static bool is_weighted(const struct infra_balancer_candidates *c)
{
    const struct infra_ketama_options *o = c->options;

    return o->unweighted == 0;
}

static void shares_of_ketama(const void *table,
                             const struct infra_balancer_candidates *c,
                             uint64_t *due, uint64_t *has)
{
    for (uint32_t i = 0; i < c->list->count && !is_weighted(c); i++) {
        due[i] = 1;
    }
    shares(table, c, due, has);
}

static uint64_t ketama_points(const struct infra_balancer_candidates *c)
{
    return infra__ring_libmemcached_points(c->hash_members, c->list->count,
                                           is_weighted(c));
}

static size_t ketama_size(const struct infra_balancer_candidates *c)
{
    return ring_size(ketama_points(c));
}

static int build_ketama(void *table, void *scratch,
                        const struct infra_balancer_candidates *c)
{
    (void)scratch;
    infra__ring_init(table, (uint32_t)ketama_points(c));
    infra__ring_libmemcached_fill(table, c->hash_members, c->list->count,
                                  is_weighted(c));
    return INFRA_OK;
}

const struct infra_balancer_policy *infra_balancer_ketama(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "ketama",
        .table_size = ketama_size,
        .build = build_ketama,
        .pick = pick,
        .shares = shares_of_ketama,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_KETAMA,
        .options_size = sizeof(struct infra_ketama_options),
        .check = check_ketama,
    };

    return &policy;
}

uint64_t infra_ketama_hash(const void *key, size_t size)
{
    return infra__ring_libmemcached_hash(key, size);
}

static uint64_t nginx_points(const struct infra_balancer_candidates *c)
{
    return infra__ring_nginx_points(c->hash_members, c->list->count);
}

static size_t nginx_size(const struct infra_balancer_candidates *c)
{
    return ring_size(nginx_points(c));
}

static int build_nginx(void *table, void *scratch,
                       const struct infra_balancer_candidates *c)
{
    (void)scratch;
    infra__ring_init(table, (uint32_t)nginx_points(c));
    infra__ring_nginx_fill(table, c->hash_members, c->list->count);
    return INFRA_OK;
}

const struct infra_balancer_policy *infra_balancer_nginx_ring(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "nginx-ring",
        .table_size = nginx_size,
        .build = build_nginx,
        .pick = pick,
        .shares = shares,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_NGINX,
    };

    return &policy;
}

uint64_t infra_nginx_hash(const void *key, size_t size)
{
    return infra__ring_nginx_hash(key, size);
}
