/* SPDX-License-Identifier: MIT */
/* Messages between planners, databases and the store of lease and record. */
#include "promotion_planners.h"

#include "failover/internal.h"

#define TTL INFRA_SEC(3)
#define GUARD INFRA_MS(300)

void world_send(struct world *w, struct message m)
{
    if (w->messages_count == MESSAGES_MAX) {
        dbs_violate(&w->dbs, "the network is full");
        return;
    }
    if (world_has_faults(w) && world_chance(w, 5)) {
        return;
    }
    m.at = w->now + m.delay + world_between(w, INFRA_MS(1), INFRA_MS(40));
    if (world_has_faults(w) && world_chance(w, 4)) {
        m.at += world_between(w, INFRA_MS(50), INFRA_SEC(4));
    }
    w->messages[w->messages_count++] = m;
}

bool world_reaches(const struct world *w, uint32_t planner, uint32_t node)
{
    return w->now >= w->planners[planner].blind_until[node];
}

void world_spread_word(struct world *w, uint32_t from)
{
    const struct planner *x = &w->planners[from];

    for (uint32_t i = 0; i < PLANNERS; i++) {
        if (i != from && w->now >= x->alone_until) {
            world_send(w, (struct message) {
                              .kind = WORD, .planner = i, .record = x->named });
        }
    }
}

void world_release(struct world *w, uint32_t i)
{
    infra__gate_shut(&w->planners[i].gate);
    if (w->holder == i) {
        w->holder = PLANNERS;
        w->free_since = w->now;
    }
}

/* Compose the record for this event. */
static void compose(struct world *w, struct planner *x,
                    const struct infra_promotion_event *e)
{
    uint32_t apart = x->known.apart;

    if (e->kind == INFRA_PROMOTION_EVENT_RECORD_APART) {
        bool is_apart = (e->flags & INFRA_PROMOTION_FLAG_APART) != 0;
        if (!is_apart && (x->proved >> e->id & 1u) == 0) {
            dbs_violate(&w->dbs, "apart no more, and not repointed");
        }
        x->proved &= is_apart ? ~(1u << e->id) : UINT32_MAX;
        x->known.apart =
            is_apart ? apart | 1u << e->id : apart & ~(1u << e->id);
    } else if (e->kind != INFRA_PROMOTION_EVENT_READ_RECORD) {
        struct record r = { .node = e->id,
                            .token = e->token,
                            .timeline = e->timeline,
                            .apart = apart };
        if (e->kind == INFRA_PROMOTION_EVENT_RECORD_INTENT) {
            const struct record *k = &x->known;
            r.is_unfinished = true;
            r.former = k->is_unfinished ? k->former : k->node;
            r.former_token = k->is_unfinished ? k->former_token : k->token;
            r.former_timeline =
                k->is_unfinished ? k->former_timeline : k->timeline;
        }
        x->known = r;
    }
}

void world_ask_store(struct world *w, uint32_t i,
                     const struct infra_promotion_event *e)
{
    compose(w, &w->planners[i], e);
    w->planners[i].asked = e->call;
    if (w->now >= w->planners[i].no_store_until) {
        world_send(w, (struct message) { .kind = STORE,
                                         .planner = i,
                                         .boot = w->planners[i].boot,
                                         .record = w->planners[i].known,
                                         .event = *e });
    }
}

/* Perhaps a node apart is restarted read-only. */
static void put_down(struct world *w)
{
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        if ((w->record.apart >> n & 1u) != 0 && world_chance(w, 50)) {
            dbs_put_down(&w->dbs, n);
        }
    }
}

/* Only the holder of the lease may write, by its token. */
static void at_store(struct world *w, struct message m)
{
    const struct infra_promotion_event *e = &m.event;

    m.outcome = INFRA_ORDER_DONE;
    if (e->kind != INFRA_PROMOTION_EVENT_READ_RECORD) {
        if (w->holder != m.planner || w->token != e->token) {
            m.outcome = INFRA_ORDER_FAILED;
        } else if (w->record_token == e->token && w->record_call > e->call) {
            return; /* As lease.h says: not after a later one was granted. */
        } else {
            w->record_token = e->token;
            w->record_call = e->call;
            w->result.changes += m.record.node != w->record.node;
            w->record = m.record;
            put_down(w);
        }
    }
    m.kind = RECORD;
    m.record = w->record;
    world_send(w, m);
}

void world_lease(struct world *w)
{
    if (w->holder < PLANNERS) {
        struct planner *x = &w->planners[w->holder];
        bool renews = x->is_alive && x->boot == w->holder_boot &&
                      w->now >= x->paused_until && w->now >= x->no_store_until;
        if (renews && w->now < w->lease_until) {
            w->lease_until = w->now + TTL;
            infra__gate_set(&x->gate, w->token, w->lease_until - GUARD, false);
        } else if (w->now >= w->lease_until) {
            w->holder = PLANNERS;
            w->free_since = w->now;
        }
    }
    uint32_t i = world_below(w, PLANNERS);
    struct planner *x = &w->planners[i];
    if (w->holder == PLANNERS && w->now >= w->free_since + INFRA_MS(100) &&
        x->is_alive && w->now >= x->paused_until &&
        w->now >= x->no_store_until && w->token + 3 < TOKENS_MAX) {
        w->token += 1 + world_below(w, 2);
        w->holder = i;
        w->holder_boot = x->boot;

        w->lease_until = w->now + TTL;
        infra__gate_set(&x->gate, w->token, w->lease_until - GUARD, false);
        world_trace(w, "lease", i, WORLD_NO_NODE, w->token, "");
    }
}

void world_probe(struct world *w, uint32_t i)
{
    struct planner *x = &w->planners[i];

    for (uint32_t n = 0; n < w->dbs.count && x->is_alive; n++) {
        struct message m = { .kind = SAMPLE, .node = n };
        m.sample.observer = i;
        m.sample.at = w->now;
        dbs_sample(&w->dbs, n, &m.sample);
        if (!world_reaches(w, i, n)) {
            m.sample.view = INFRA_PROMOTION_VIEW_DOWN;
        }
        if (m.sample.view != INFRA_PROMOTION_VIEW_OK) {
            w->unseen_at[n] = w->now;
        }
        for (uint32_t to = 0; to < PLANNERS; to++) {
            m.planner = to;
            if (to == i || (w->now >= x->alone_until &&
                            w->now >= w->planners[to].alone_until)) {
                world_send(w, m);
            }
        }
    }
}

static void fence(struct world *w, struct message *m)
{
    uint32_t dice = world_has_faults(w) ? world_below(w, 10) : 9;

    m->outcome = dice < 2   ? INFRA_ORDER_FAILED
                 : dice < 4 ? INFRA_ORDER_UNKNOWN
                            : INFRA_ORDER_DONE;
    if (dice >= 3) {
        (void)dbs_carry_out(&w->dbs, &m->event, m->planner);
    }
}

static void take_answer(struct world *w, struct planner *x,
                        const struct message *m)
{
    const struct infra_promotion_event *e = &m->event;

    if (m->boot != x->boot ||
        infra_promotion_answer(x->machine, e->call, m->outcome, w->now) !=
            INFRA_OK) {
        return;
    }
    x->detached_at[e->id] = 0;
    if (e->kind == INFRA_PROMOTION_EVENT_FENCE &&
        m->outcome == INFRA_ORDER_DONE) {
        x->fenced |= 1u << e->id;
    } else if (e->kind == INFRA_PROMOTION_EVENT_PROMOTE &&
               m->outcome == INFRA_ORDER_FAILED) {
        x->failed_at[e->id] = w->now;
    } else if (e->kind == INFRA_PROMOTION_EVENT_REPOINT &&
               m->outcome == INFRA_ORDER_DONE) {
        x->proved |= 1u << e->id;
    }
}

static void deliver(struct world *w, struct message m)
{
    struct planner *x = &w->planners[m.planner];

    if (m.kind == STORE) {
        at_store(w, m);
        return;
    }
    if (m.kind == ORDER) {
        if (m.event.kind == INFRA_PROMOTION_EVENT_FENCE) {
            fence(w, &m);
        } else if (world_reaches(w, m.planner, m.node) &&
                   w->now >= w->deaf_until[m.node]) {
            world_lose_source(w, &m.event);
            m.outcome = dbs_carry_out(&w->dbs, &m.event, m.planner);
        } else {
            m.outcome = INFRA_ORDER_UNKNOWN;
        }
        m.kind = ANSWER;
        m.delay = world_has_faults(w) && world_chance(w, 10)
                      ? world_between(w, INFRA_MS(200), INFRA_MS(1000))
                      : 0;
        world_send(w, m);
        return;
    }
    if (!x->is_alive || w->now < x->paused_until) {
        return;
    }
    if (m.kind == RECORD) {
        if (m.boot != x->boot || m.event.call != x->asked) {
            return;
        }
        if (m.event.kind == INFRA_PROMOTION_EVENT_READ_RECORD) {
            world_hear(w, x, m.record);
            x->known = m.record;
            world_mark_nodes(w, x);
        }
        if (infra_promotion_answer(x->machine, m.event.call, m.outcome,
                                   w->now) == INFRA_OK &&
            m.event.kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY &&
            m.outcome == INFRA_ORDER_DONE) {
            world_hear(w, x, m.record);
            world_spread_word(w, m.planner);
        }
    } else if (m.kind == SAMPLE) {
        (void)infra_promotion_report(x->machine, m.node, &m.sample, w->now);
    } else if (m.kind == ANSWER) {
        take_answer(w, x, &m);
    } else if (m.kind == WORD) {
        world_hear(w, x, m.record);
    }
}

void world_deliver_all(struct world *w)
{
    for (uint32_t i = 0; i < w->messages_count;) {
        if (w->messages[i].at > w->now) {
            i++;
            continue;
        }
        struct message m = w->messages[i];
        w->messages[i] = w->messages[--w->messages_count];
        deliver(w, m);
    }
}
