/* SPDX-License-Identifier: MIT */
/* The control side: nodes, what they said of themselves, and readers. */
#include "internal.h"

#include <string.h>

#define SAMPLE_PARTS_MAX 1024u
#define READERS_MAX 4096u

static int complete(void *options)
{
    struct infra_router_options *o = options;

    o->nodes_max = o->nodes_max != 0 ? o->nodes_max : 16;
    o->readers_max = o->readers_max != 0 ? o->readers_max : 64;
    o->lag_max = o->lag_max != 0 ? o->lag_max : INFRA_SEC(10);
    if (o->lag_preferred == 0) {
        o->lag_preferred =
            o->lag_max < INFRA_SEC(1) ? o->lag_max : INFRA_SEC(1);
    }
    o->replicas_min = o->replicas_min != 0 ? o->replicas_min : 2;
    o->held_max = o->held_max != 0 ? o->held_max : 1000;
    o->hold_max = o->hold_max != 0 ? o->hold_max : INFRA_SEC(10);
    return o->nodes_max <= INFRA_ROUTER_NODES_MAX &&
                   o->readers_max <= READERS_MAX &&
                   o->fallback <= INFRA_ROUTER_FALLBACK_FAIL &&
                   o->lag_preferred <= o->lag_max
               ? INFRA_OK
               : INFRA_EINVAL;
}

int infra_router_create(struct infra_router **ret,
                        const struct infra_router_options *options)
{
    struct infra_router_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_router *r = infra__object_create(&err, sizeof *r, o.allocator);

    if (r == NULL) {
        return err;
    }
    r->options = o;
    r->nodes = infra__alloc(&r->allocator, o.nodes_max, sizeof *r->nodes);
    if (r->nodes == NULL) {
        infra__object_free(r, sizeof *r);
        return INFRA_ENOMEM;
    }
    *ret = r;
    return INFRA_OK;
}

static void free_parts(struct infra_router *r, struct node *n)
{
    infra__free(&r->allocator, n->parts, n->parts_size, sizeof *n->parts);
    n->parts = NULL;
    n->parts_size = n->parts_count = 0;
}

void infra_router_destroy(struct infra_router *router)
{
    if (router == NULL) {
        return;
    }
    while (router->readers != NULL) {
        infra_router_reader_destroy(router->readers);
    }
    if (router->table != NULL) {
        infra__edition_unref(&router->table->edition, infra__router_table_free,
                             router);
    }
    for (uint32_t id = 0; id < router->options.nodes_max; id++) {
        free_parts(router, &router->nodes[id]);
    }
    infra__free(&router->allocator, router->nodes, router->options.nodes_max,
                sizeof *router->nodes);
    infra__object_free(router, sizeof *router);
}

static struct node *node_at(const struct infra_router *r, uint32_t id)
{
    return r != NULL && id < r->options.nodes_max && r->nodes[id].is_set
               ? &r->nodes[id]
               : NULL;
}

/* Another role, or a primary of another reign: what sessions have on the node
 * is void. A node that was out of sight and is back as it was is the same, but
 * may have been built anew: what it last said of itself is void. */
static void note_role(struct node *n, const struct infra_router_node *now)
{
    bool is_void = now->role != n->role;

    if (now->role != INFRA_ROUTER_ROLE_NONE) {
        bool is_other =
            n->last_role != INFRA_ROUTER_ROLE_NONE && now->role != n->last_role;
        bool is_newer = now->role == INFRA_ROUTER_ROLE_PRIMARY &&
                        n->last_role == INFRA_ROUTER_ROLE_PRIMARY &&
                        now->token != n->token;
        n->generation += is_other || is_newer;
        n->last_role = (uint8_t)now->role;
        is_void |= is_newer;
        n->token = now->token;
    }
    n->role = (uint8_t)now->role;
    if (is_void && ROUTER_RULE(SIGHT)) { /* asked_at stays: the past is over. */
        n->sight++;
        n->has_sample = false;
        n->parts_count = 0;
        n->position_kind = INFRA_POSITION_NONE;
        n->as_of = 0;
    }
}

int infra_router_set(struct infra_router *router, uint32_t id,
                     const struct infra_router_node *node)
{
    struct infra_router_node copy = { .size = sizeof copy };

    if (router == NULL || node == NULL || id >= router->options.nodes_max) {
        return INFRA_EINVAL;
    }
    int err = infra__options_take(&copy, node, NULL);
    if (err != INFRA_OK) {
        return err;
    }
    if (copy.role > INFRA_ROUTER_ROLE_REPLICA || copy.is_draining > 1) {
        return INFRA_EINVAL;
    }
    struct node *n = &router->nodes[id];
    note_role(n, &copy);
    n->is_set = true;
    n->is_draining = copy.is_draining != 0;
    n->valid_until = copy.valid_until;
    n->since = copy.since != NULL ? *copy.since : (struct infra_position) { 0 };
    if (copy.role == INFRA_ROUTER_ROLE_PRIMARY && copy.token > router->token) {
        router->token = copy.token;
    }
    return INFRA_OK;
}

int infra_router_remove(struct infra_router *router, uint32_t id)
{
    struct node *n = node_at(router, id);

    if (n == NULL) {
        return INFRA_ENOENT;
    }
    uint32_t generation = n->generation + 1;
    free_parts(router, n);
    *n = (struct node) { .generation = generation };
    return INFRA_OK;
}

/* Replace the position of @n by the text of @s. */
static int take_position(struct infra_router *r, struct node *n,
                         const struct infra_router_sample *s)
{
    struct infra_position_part stack[64];
    struct infra_position_part *parts = stack;
    size_t size = INFRA__COUNT_OF(stack);
    size_t count;

    int err = infra__position_parse_parts(s->kind, 0, s->text, s->length, parts,
                                          size, &count);
    if (err == INFRA_EFULL) {
        size = SAMPLE_PARTS_MAX;
        parts = infra__alloc(&r->allocator, size, sizeof *parts);
        err = parts != NULL
                  ? infra__position_parse_parts(s->kind, 0, s->text, s->length,
                                                parts, size, &count)
                  : INFRA_ENOMEM;
    }
    if (err == INFRA_OK && count > n->parts_size) {
        struct infra_position_part *grown =
            infra__alloc(&r->allocator, count, sizeof *grown);
        err = grown != NULL ? INFRA_OK : INFRA_ENOMEM;
        if (grown != NULL) {
            free_parts(r, n);
            n->parts = grown;
            n->parts_size = count;
        }
    }
    if (err == INFRA_OK && count > 0) {
        memcpy(n->parts, parts, count * sizeof *parts);
    }
    if (err == INFRA_OK) {
        n->parts_count = count;
    }
    if (parts != stack) {
        infra__free(&r->allocator, parts, size, sizeof *parts);
    }
    return err;
}

int infra_router_sample(struct infra_router *router, uint32_t id,
                        const struct infra_router_sample *sample)
{
    struct infra_router_sample s = { .size = sizeof s };
    struct node *n = node_at(router, id);
    int err =
        sample != NULL ? infra__options_take(&s, sample, NULL) : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    if (s.kind > INFRA_POSITION_MYSQL ||
        (s.text == NULL && (s.kind != INFRA_POSITION_NONE || s.length > 0))) {
        return INFRA_EINVAL;
    }
    if (n == NULL) {
        return INFRA_ENOENT;
    }
    if (s.asked_at < n->asked_at) {
        return INFRA_ESTALE;
    }
    if (s.kind == INFRA_POSITION_NONE) {
        n->parts_count = 0;
    } else {
        err = take_position(router, n, &s);
    }
    if (err != INFRA_OK) {
        return err;
    }
    n->has_sample = true;
    n->position_kind = (uint8_t)s.kind;
    n->asked_at = s.asked_at;
    n->as_of = 0;
    if (s.lag != INFRA_TIME_NEVER) {
        n->as_of = s.asked_at > s.lag ? s.asked_at - s.lag : 1;
    }
    return INFRA_OK;
}
