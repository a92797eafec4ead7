/* SPDX-License-Identifier: MIT */
/* From the nodes of the control side to one immutable table, posted to each
 * reader's inbox. */
#include "internal.h"

#include <string.h>

static size_t table_size(uint32_t nodes_max)
{
    return sizeof(struct table) + nodes_max * sizeof(struct view);
}

static void free_table(const struct infra_router *r, struct table *t)
{
    infra__free(&r->allocator, t->parts, t->parts_count, sizeof *t->parts);
    infra__free(&r->allocator, t, 1, table_size(t->nodes_max));
}

void infra__router_table_free(void *owner, struct infra__edition *edition)
{
    free_table(owner, (struct table *)(void *)edition);
}

static struct table *table_create(const struct infra_router *r)
{
    struct table *t =
        infra__alloc(&r->allocator, 1, table_size(r->options.nodes_max));
    size_t parts = 0;

    if (t == NULL) {
        return NULL;
    }
    t->nodes_max = r->options.nodes_max;
    for (uint32_t id = 0; id < t->nodes_max; id++) {
        parts += r->nodes[id].parts_count;
    }
    if (parts > 0) {
        t->parts = infra__alloc(&r->allocator, parts, sizeof *t->parts);
        if (t->parts == NULL) {
            free_table(r, t);
            return NULL;
        }
        t->parts_count = parts;
    }
    return t;
}

/* The token of the reign that was known when a sample was asked for: what it
 * says may be of no later history. */
static uint64_t reign_at(const struct infra_router *r, infra_time asked_at)
{
    uint64_t token = 0;

    if (!ROUTER_RULE(REIGN)) {
        return r->token;
    }
    for (uint32_t i = 0;
         i < r->reigns_count && r->reigns[i].known_at <= asked_at; i++) {
        token = r->reigns[i].token;
    }
    return token;
}

static void fill_views(const struct infra_router *r, struct table *t)
{
    struct infra_position_part *parts = t->parts;

    for (uint32_t id = 0; id < t->nodes_max; id++) {
        const struct node *n = &r->nodes[id];
        struct view *v = &t->views[id];
        *v = (struct view) {
            .as_of = n->as_of,
            .asked_at = n->has_sample ? n->asked_at : 0,
            .token = reign_at(r, n->asked_at),
            .parts = parts,
            .parts_count = (uint32_t)n->parts_count,
            .generation = n->generation,
            .sight = n->sight,
            .position_kind = n->position_kind,
            .role = n->role,
        };
        if (n->parts_count > 0) {
            memcpy(parts, n->parts, n->parts_count * sizeof *parts);
            parts += n->parts_count;
        }
        if (n->role == INFRA_ROUTER_ROLE_REPLICA) {
            t->standing |= bit_of(id);
            t->replicas |= (uint64_t)(!n->is_draining || !ROUTER_RULE(DRAIN))
                           << id;
            t->cut |= (uint64_t)n->is_cut << id;
        }
    }
}

int infra_router_publish(struct infra_router *router, infra_time now)
{
    if (router == NULL) {
        return INFRA_EINVAL;
    }
    struct table *t = table_create(router);
    if (t == NULL) {
        return INFRA_ENOMEM;
    }
    infra__router_cut(router, now);
    infra__router_choose_primary(router, t);
    infra__router_note_reign(router, t, now);
    fill_views(router, t);
    t->reigns_count = router->reigns_count;
    memcpy(t->reigns, router->reigns, sizeof t->reigns);
    t->edition.version = ++router->version;
    t->edition.refs = 1; /* Control's own. */
    if (router->table != NULL) {
        infra__edition_unref(&router->table->edition, infra__router_table_free,
                             router);
    }
    router->table = t;
    for (struct infra_router_reader *r = router->readers; r != NULL;
         r = r->next) {
        (void)infra__inbox_settle(&r->inbox, infra__router_table_free, router);
        infra__inbox_post(&r->inbox, &t->edition, infra__router_table_free,
                          router);
    }
    return INFRA_OK;
}
