/* SPDX-License-Identifier: MIT */
/* Readers: created and destroyed on the control thread, which also sums what
 * they have counted. */
#include "internal.h"

int infra_router_reader_create(struct infra_router_reader **ret,
                               struct infra_router *router)
{
    if (ret == NULL || router == NULL) {
        return INFRA_EINVAL;
    }
    if (router->readers_count == router->options.readers_max) {
        return INFRA_EFULL;
    }
    struct infra_router_reader *r =
        infra__alloc_lines(&router->allocator, sizeof *r);
    if (r == NULL) {
        return INFRA_ENOMEM;
    }
    r->router = router;
    r->options = router->options;
    if (router->table != NULL) {
        infra__inbox_post(&r->inbox, &router->table->edition,
                          infra__router_table_free, router);
    }
    r->next = router->readers;
    router->readers = r;
    router->readers_count++;
    *ret = r;
    return INFRA_OK;
}

static void add_verdicts(uint64_t sum[REASONS_MAX],
                         const struct infra_router_reader *r)
{
    for (uint32_t i = 0; i < REASONS_MAX; i++) {
        /* Relaxed: statistics. */
        sum[i] += atomic_load_explicit(&r->verdicts[i], memory_order_relaxed);
    }
}

void infra_router_reader_destroy(struct infra_router_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    struct infra_router *router = reader->router;
    struct infra_router_reader **link = &router->readers;

    while (*link != reader) {
        link = &(*link)->next;
    }
    *link = reader->next;
    router->readers_count--;
    add_verdicts(router->past, reader);
    infra__inbox_finish(&reader->inbox, infra__router_table_free, router);
    infra__free_lines(&router->allocator, reader, sizeof *reader);
}

void infra_router_reader_refresh(struct infra_router_reader *reader)
{
    if (reader != NULL) {
        (void)infra__router_table(reader);
    }
}

static uint32_t state_of(const struct infra_router *r, uint32_t id,
                         infra_time now)
{
    const struct table *t = r->table;
    const struct node *n = &r->nodes[id];

    if (t == NULL || t->views[id].role == INFRA_ROUTER_ROLE_NONE) {
        return INFRA_ROUTER_STATE_NONE;
    }
    if (t->primary == id) {
        return INFRA_ROUTER_STATE_PRIMARY;
    }
    if (t->views[id].role == INFRA_ROUTER_ROLE_PRIMARY) {
        return n->token == t->token ? INFRA_ROUTER_STATE_SPLIT
                                    : INFRA_ROUTER_STATE_STALE;
    }
    if ((t->replicas & bit_of(id)) == 0) {
        return INFRA_ROUTER_STATE_DRAINING;
    }
    if ((infra__router_serving(t, &r->options, 0, now) & bit_of(id)) != 0) {
        return INFRA_ROUTER_STATE_SERVING;
    }
    infra_time as_of = t->views[id].as_of;
    if (as_of == 0) {
        return INFRA_ROUTER_STATE_UNSAMPLED;
    }
    bool is_old = now > as_of && now - as_of > r->options.lag_max;
    return is_old || (t->cut & bit_of(id)) != 0 ? INFRA_ROUTER_STATE_LAGGING
                                                : INFRA_ROUTER_STATE_SPARE;
}

int infra_router_inspect(const struct infra_router *router, uint32_t id,
                         infra_time now, struct infra_router_status *ret)
{
    if (router == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (id >= router->options.nodes_max || !router->nodes[id].is_set) {
        return INFRA_ENOENT;
    }
    const struct node *n = &router->nodes[id];
    struct infra_router_status s = {
        .role = n->role,
        .state = state_of(router, id, now),
        .token = n->token,
        .age = INFRA_TIME_NEVER,
        .sampled_at = n->has_sample ? n->asked_at : 0,
    };
    if (n->as_of != 0) {
        s.age = now > n->as_of ? now - n->as_of : 0;
    }
    return infra__status_export(ret, &s, sizeof s, sizeof s);
}

int infra_router_inspect_group(const struct infra_router *router,
                               infra_time now,
                               struct infra_router_group_status *ret)
{
    if (router == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    struct infra_router_group_status s = {
        .primary = NODE_NONE,
        .token = router->token,
        .version = router->version,
    };
    if (router->table != NULL) {
        s.primary = router->table->primary;
        s.serving = (uint32_t)__builtin_popcountll(
            infra__router_serving(router->table, &router->options, 0, now));
    }
    for (uint32_t i = 0; i < REASONS_MAX; i++) {
        s.verdicts[i] = router->past[i];
    }
    for (const struct infra_router_reader *r = router->readers; r != NULL;
         r = r->next) {
        add_verdicts(s.verdicts, r);
        /* Relaxed: statistics. */
        s.held += atomic_load_explicit(&r->held_count, memory_order_relaxed);
    }
    return infra__status_export(ret, &s, sizeof s, sizeof s);
}
