/* SPDX-License-Identifier: MIT */
/* Nodes with a history of their own.
 *
 * A node that takes writes beside the primary has writes that no other node
 * has, in the timeline of all: neither its position nor its timeline tells it
 * from a replica that has everything. The same holds for a node that was
 * promoted by a token that the present primary never had. Such a node is APART
 * until a REPOINT is DONE, which undoes what the node has beyond the primary or
 * builds it anew. The host records APART before the node is fenced: a fenced
 * node takes no writes, and looks like any replica. */
#include "internal.h"

void infra__promotion_set_apart(struct infra_promotion *p, uint32_t id,
                                bool is_apart)
{
    struct node *n = &p->nodes[id];

    if (is_apart == has_flag(n, FLAG(APART)) || !PROMOTION_RULE(APART)) {
        return;
    }
    n->flags ^= FLAG(APART);
    n->is_unmarked = PROMOTION_RULE(MARK);
    n->is_detached = n->is_detached && !is_apart;
}

/* May the node be writable, by the record? An intended primary that was made
 * writable by hand has not the timeline of its token. */
static bool is_named(const struct infra_promotion *p, uint32_t id)
{
    bool is_to_be = id == p->primary || id == p->begun;

    if (!p->is_unfinished) {
        return id == p->primary;
    }
    return id == p->former || (is_to_be && p->nodes[id].timeline == 0);
}

bool infra__promotion_is_rival(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_old = last_primary(p) != NO_NODE &&
                  n->timeline <= (p->is_unfinished ? p->former_timeline
                                                   : p->primary_timeline);

    return p->primary != NO_NODE && !is_named(p, id) && is_writable(p, id) &&
           (is_old || has_flag(n, FLAG(APART)));
}

/* Was the node promoted after the primary was last a replica, and before the
 * primary was promoted? The primary never had what that node wrote. */
static bool is_off_line(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];

    return p->knows_origin && !p->is_unfinished && n->has_answered &&
           id != p->primary && n->timeline > p->primary_origin &&
           n->timeline < p->primary_timeline;
}

void infra__promotion_begin(struct infra_promotion *p, uint32_t id)
{
    if (!p->is_unfinished) {
        p->former = p->primary;
        p->former_timeline = p->primary_timeline;
    }
    p->begun = id;
    p->is_unfinished = true;
}

void infra__promotion_find_apart(struct infra_promotion *p)
{
    if (is_idle(p)) {
        return; /* The record may name another primary. */
    }
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        if (p->nodes[i].is_set &&
            (infra__promotion_is_rival(p, i) || is_off_line(p, i))) {
            infra__promotion_set_apart(p, i, true);
        }
    }
}

static bool is_unmarked(const struct infra_promotion *p, uint32_t id)
{
    return p->nodes[id].is_unmarked;
}

uint32_t infra__promotion_unmarked(const struct infra_promotion *p)
{
    return first_node(p, is_unmarked);
}

void infra__promotion_unseal(struct infra_promotion *p, bool if_repointed)
{
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        if (p->nodes[i].may_follow || !if_repointed) {
            unseal(&p->nodes[i]);
        }
    }
}

void infra__promotion_seal(struct infra_promotion *p, infra_time at)
{
    const struct node *primary = &p->nodes[p->primary];

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        struct node *n = &p->nodes[i];
        if (n->silent_since != 0 && at > n->silent_since && !n->is_sealed &&
            !n->may_follow && i != p->primary) {
            n->is_sealed = true;
            n->seal_timeline = primary->timeline;
            n->seal_position = primary->position;
        }
    }
}
