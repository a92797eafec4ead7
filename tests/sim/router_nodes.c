/* SPDX-License-Identifier: MIT */
/* A primary, its replicas, and what becomes of them. */
#include "router_sim.h"

#include <stdio.h>
#include <string.h>

#define LEASE INFRA_SEC(2)

static uint32_t common_prefix(const struct router_server *a,
                              const struct router_server *b)
{
    uint32_t i = 0;

    while (i < a->count && i < b->count && a->log[i] == b->log[i]) {
        i++;
    }
    return i;
}

bool router_has(const struct router_world *w, uint32_t node,
                struct router_place p)
{
    const struct router_server *n = &w->nodes[node];

    return p.position <= n->applied && n->log[p.position - 1] == p.id;
}

struct router_mark router_mark(const struct router_world *w, uint32_t node,
                               uint32_t applied)
{
    const struct router_server *n = &w->nodes[node];
    struct router_mark m = { .applied = applied, .timeline = n->timeline };

    for (uint32_t i = 0; i < applied; i++) {
        const struct router_entry *e = &w->entries[n->log[i]];
        m.last[e->server] = e->gno;
    }
    return m;
}

uint32_t router_kind(const struct router_world *w)
{
    static const uint32_t kinds[TEXTS] = {
        [TEXT_NUMBER] = INFRA_POSITION_NUMBER,
        [TEXT_LSN] = INFRA_POSITION_LSN,
        [TEXT_LSN_ALONE] = INFRA_POSITION_LSN,
        [TEXT_MARIADB] = INFRA_POSITION_MARIADB,
        [TEXT_MYSQL] = INFRA_POSITION_MYSQL,
    };

    return kinds[w->text];
}

#define UUID "3e11fa47-71ca-11e1-9e33-c80aa942956%u"

size_t router_say(const struct router_world *w, const struct router_mark *m,
                  char text[ROUTER_TEXT_MAX])
{
    size_t length = 0;

    switch (w->text) {
    case TEXT_NUMBER:
        return (size_t)snprintf(text, ROUTER_TEXT_MAX, "%u", m->applied);
    case TEXT_LSN:
        return (size_t)snprintf(text, ROUTER_TEXT_MAX, "%u:0/%X", m->timeline,
                                m->applied * 16);
    case TEXT_LSN_ALONE:
        return (size_t)snprintf(text, ROUTER_TEXT_MAX, "0/%X", m->applied * 16);
    case TEXT_MARIADB:
        return (size_t)snprintf(text, ROUTER_TEXT_MAX, "0-1-%u", m->applied);
    default:
        break;
    }
    text[0] = '\0';
    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        if (m->last[i] > 0) {
            length += (size_t)snprintf(text + length, ROUTER_TEXT_MAX - length,
                                       "%s" UUID ":1-%u", length > 0 ? "," : "",
                                       i, m->last[i]);
        }
    }
    return length;
}

struct infra_position router_position_of(const struct router_world *w,
                                         struct router_place p, uint32_t node,
                                         uint64_t token)
{
    const struct router_entry *e = &w->entries[p.id];
    struct router_mark m = { .applied = p.position,
                             .timeline = w->nodes[node].timeline };
    struct infra_position position = { 0 };
    char text[ROUTER_TEXT_MAX];
    size_t length = router_say(w, &m, text);

    if (w->text == TEXT_MYSQL) { /* That transaction alone. */
        length =
            (size_t)snprintf(text, sizeof text, UUID ":%u", e->server, e->gno);
    }
    (void)infra_position_parse(router_kind(w), token, text, length, &position);
    return position;
}

bool router_may_write(const struct router_world *w, uint32_t node)
{
    const struct router_server *n = &w->nodes[node];

    return n->is_alive && n->is_primary &&
           (!w->has_leases || w->now < n->lease_until);
}

struct router_place router_append(struct router_world *w, uint32_t node)
{
    struct router_server *n = &w->nodes[node];
    struct router_place p = { 0, 0 };
    uint32_t gno = 1;

    if (n->count == ROUTER_LOG_MAX ||
        w->entries_count == sizeof w->entries / sizeof w->entries[0]) {
        router_violate(w, "the log overflows");
        return p;
    }
    for (uint32_t i = n->count; i-- > 0 && gno == 1;) {
        const struct router_entry *e = &w->entries[n->log[i]];
        gno = e->server == node ? e->gno + 1 : gno;
    }
    p.id = w->entries_count++;
    w->entries[p.id] = (struct router_entry) {
        .server = node, .gno = gno, .token = n->token, .at = w->now
    };
    if (node != w->primary) { /* Its reign is over, unknown to it. */
        w->entries[p.id].lost_by = w->token;
    }
    n->log[n->count++] = (uint16_t)p.id;
    n->applied = n->count;
    p.position = n->count;
    w->result.writes++;
    return p;
}

/* Since when is there something that the node does not show? */
infra_time router_lag(const struct router_world *w, uint32_t node)
{
    const struct router_server *n = &w->nodes[node];
    const struct router_server *p = &w->nodes[w->primary];

    return n->applied >= p->count ? 0
                                  : w->now - w->entries[p->log[n->applied]].at;
}

void router_copy(struct router_world *w, uint32_t node)
{
    struct router_server *n = &w->nodes[node];
    const struct router_server *p = &w->nodes[w->primary];

    router_push(w, (struct router_event) { .at = w->now + INFRA_MS(5) +
                                                 router_below(w, INFRA_MS(120)),
                                           .kind = STEP_COPY,
                                           .node = node });
    if (w->has_leases && n->is_alive && n->is_primary &&
        w->now >= n->isolated_until && node == w->primary) {
        n->lease_until = w->now + LEASE;
    }
    if (!n->is_alive || n->is_primary || n->is_apart) {
        return;
    }
    if (p->is_alive && w->now >= n->stopped_until && n->count < p->count) {
        uint32_t more = p->count - n->count;
        more = router_chance(w, 50)
                   ? more
                   : (uint32_t)router_below(w, (uint64_t)more + 1);
        memcpy(n->log + n->count, p->log + n->count, more * sizeof n->log[0]);
        n->count += more;
        n->timeline = p->timeline;
    }
    if (router_chance(w, 60)) {
        n->applied = n->count;
    } else if (n->applied < n->count) {
        n->applied +=
            (uint32_t)router_below(w, (uint64_t)n->count - n->applied + 1);
    }
}

/* What the others are, now that @node was promoted. */
static void settle_others(struct router_world *w, uint32_t node)
{
    struct router_server *b = &w->nodes[node];

    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        struct router_server *n = &w->nodes[i];
        if (i == node) {
            continue;
        }
        bool was_apart = n->is_apart;
        n->is_apart =
            n->is_apart || n->is_primary || common_prefix(n, b) < n->count;
        if (!n->is_apart) {
            n->timeline = b->timeline;
        } else if (!was_apart) {
            router_push(
                w, (struct router_event) { .at = w->now + INFRA_MS(200) +
                                                 router_below(w, INFRA_SEC(8)),
                                           .kind = STEP_REBUILD,
                                           .node = i });
        }
    }
    for (uint32_t i = 0; i < w->entries_count; i++) {
        struct router_entry *e = &w->entries[i];
        e->lost_by = e->lost_by == 0 ? w->token : e->lost_by;
    }
    for (uint32_t i = 0; i < b->count; i++) {
        struct router_entry *e = &w->entries[b->log[i]];
        e->lost_by = e->lost_by == w->token ? 0 : e->lost_by;
    }
}

static void promote(struct router_world *w, uint32_t node)
{
    struct router_server *n = &w->nodes[node];
    bool repeats = w->repeats_tokens && w->token > 0 && router_chance(w, 30);

    if (repeats) {
        w->is_repeated[w->token] = true;
    } else {
        w->token++;
    }
    n->is_primary = true;
    n->token = w->token;
    n->applied = n->count;
    n->timeline = (uint32_t)w->token;
    n->lease_until = w->now + LEASE;
    n->since = router_mark(w, node, n->count);
    w->primary = node;
    settle_others(w, node);
    w->result.promotions++;
    router_trace(w, "promote", node, w->token, n->count);
}

void router_start_nodes(struct router_world *w)
{
    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        w->nodes[i].is_alive = true;
        router_push(
            w, (struct router_event) { .at = router_below(w, INFRA_MS(100)),
                                       .kind = STEP_COPY,
                                       .node = i });
    }
    promote(w, (uint32_t)router_below(w, ROUTER_NODES));
    (void)router_append(w, w->primary); /* An empty set is no position. */
    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        w->nodes[i].count = w->nodes[i].applied = 1;
    }
    router_push(
        w, (struct router_event) { .at = INFRA_SEC(1), .kind = STEP_ELECT });
    router_push(
        w, (struct router_event) { .at = INFRA_SEC(2), .kind = STEP_FAULT });
}

/* Is there need of another primary, by those who watch? A lease is waited
 * for. */
static bool is_needed(const struct router_world *w)
{
    const struct router_server *p = &w->nodes[w->primary];

    if (p->is_alive && p->is_primary && w->now >= p->isolated_until) {
        return false;
    }
    return !w->has_leases || w->now > p->lease_until;
}

void router_elect(struct router_world *w)
{
    uint32_t best = ROUTER_NODES;
    bool loses = router_chance(w, 40);

    router_push(w, (struct router_event) { .at = w->now + INFRA_MS(200) +
                                                 router_below(w, INFRA_SEC(2)),
                                           .kind = STEP_ELECT });
    if (!is_needed(w)) {
        return;
    }
    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        const struct router_server *n = &w->nodes[i];
        if (!n->is_alive || n->is_primary || n->is_apart) {
            continue;
        }
        if (best == ROUTER_NODES ||
            (loses ? router_chance(w, 50) : n->count > w->nodes[best].count)) {
            best = i;
        }
    }
    if (best < ROUTER_NODES) {
        promote(w, best);
    }
}

/* Copied from the primary: it has what both have had. */
static void build_anew(struct router_world *w, uint32_t node)
{
    struct router_server *n = &w->nodes[node];

    n->count = common_prefix(n, &w->nodes[w->primary]);
    if (router_chance(w, 30)) { /* From a backup. */
        n->count -= (uint32_t)router_below(w, (uint64_t)n->count + 1) / 4;
    }
    n->applied = n->applied < n->count ? n->applied : n->count;
    n->timeline = w->nodes[w->primary].timeline;
    n->is_apart = n->is_primary = false;
    n->rebuilt_at = 0;
    router_trace(w, "rebuilt", node, n->count, 0);
}

void router_restart(struct router_world *w, uint32_t node)
{
    struct router_server *n = &w->nodes[node];

    if (n->is_alive || w->now < n->rebuilt_at) {
        return;
    }
    n->is_alive = true;
    n->boot++;
    if (n->rebuilt_at != 0) {
        build_anew(w, node);
    }
    /* One that was the primary believes it still is, or is a replica again. */
    if (n->is_primary && node != w->primary && router_chance(w, 50)) {
        n->is_primary = false;
    }
    router_trace(w, "restart", node, n->is_primary, n->count);
}

/* A node with another history goes down for long enough to be missed. */
void router_rebuild(struct router_world *w, uint32_t node)
{
    struct router_server *n = &w->nodes[node];

    if (!n->is_apart || node == w->primary) {
        return;
    }
    n->is_alive = false;
    n->boot++;
    n->rebuilt_at = w->now + INFRA_MS(1500);
    router_push(w, (struct router_event) { .at = n->rebuilt_at +
                                                 router_below(w, INFRA_SEC(1)),
                                           .kind = STEP_RESTART,
                                           .node = node });
    router_trace(w, "rebuild", node, n->count, 0);
}

void router_fault(struct router_world *w)
{
    uint32_t i = router_chance(w, 40) ? w->primary
                                      : (uint32_t)router_below(w, ROUTER_NODES);
    struct router_server *n = &w->nodes[i];

    router_push(
        w, (struct router_event) { .at = w->now + router_below(w, INFRA_SEC(4)),
                                   .kind = STEP_FAULT });
    if (!n->is_alive) {
        return;
    }
    switch (router_below(w, 5)) {
    case 0:
    case 1:
        n->is_alive = false;
        n->boot++;
        router_push(w, (struct router_event) {
                           .at = w->now + router_below(w, INFRA_SEC(6)),
                           .kind = STEP_RESTART,
                           .node = i });
        router_trace(w, "dies", i, n->is_primary, n->count);
        break;
    case 2:
        n->isolated_until = w->now + router_below(w, INFRA_SEC(5));
        router_trace(w, "is cut off", i, n->is_primary, n->count);
        break;
    case 3:
        n->stopped_until = w->now + router_below(w, INFRA_SEC(5));
        break;
    default:
        n->is_draining = !n->is_draining;
        break;
    }
}
