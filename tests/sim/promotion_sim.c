/* SPDX-License-Identifier: MIT */
#include "promotion_sim.h"

#include "failover/internal.h"
#include "promotion/internal.h"
#include "promotion_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLANNERS 3u
#define MESSAGES_MAX 1024u
#define TICK INFRA_MS(50)
#define END_OF_FAULTS INFRA_SEC(25)
#define END_OF_TIME INFRA_SEC(50)
#define TTL INFRA_SEC(3)
#define GUARD INFRA_MS(300)
#define PROBE_EVERY INFRA_MS(250)
#define PROBE_LIMIT INFRA_MS(400)
#define EVENTS_MAX 1000u /* Of one turn; more is a machine that spins. */

enum message_kind { SAMPLE, ORDER, ANSWER, WORD, STORE, RECORD };

/* Who was named primary. */
struct record {
    uint32_t node;
    uint64_t token;
    uint64_t timeline;
    bool is_unfinished;
    uint32_t apart; /* A bit for each node. */
    /* Unfinished: who was primary before. */
    uint32_t former;
    uint64_t former_token;
    uint64_t former_timeline;
};

struct message {
    infra_time at;
    enum message_kind kind;
    uint32_t planner; /* To whom, or of an order, from whom. */
    uint32_t boot;
    uint32_t node;
    uint32_t outcome;
    struct record record;

    struct infra_promotion_sample sample;
    struct infra_promotion_event event;
};

struct planner {

    struct infra_promotion *machine;
    struct infra_gate gate;
    bool is_alive;
    uint32_t boot;
    infra_time back_at;
    infra_time paused_until;
    infra_time unpaused_at; /* The last that was set. */
    infra_time no_store_until;
    infra_time blind_until[DBS_MAX]; /* It does not reach that node. */
    infra_time alone_until;          /* It does not reach other planners. */
    /* On its disk, and what its router goes by. */
    struct record named;
    struct record known; /* As it writes it beside the lease. */
    uint64_t asked;      /* The last call about that; it replaced the others. */

    uint32_t flags[DBS_MAX];
    uint32_t step; /* As it was told last. */
    infra_time since;
    infra_time failed_at[DBS_MAX]; /* PROMOTE, and nothing since. */
    uint32_t proved; /* A bit for each node: a REPOINT was DONE, or ADMIT. */
};

struct world {
    struct promotion_sim_result result;
    struct dbs dbs;
    struct infra_promotion_options config;
    struct planner planners[PLANNERS];
    uint32_t mode;
    bool is_verbose;
    bool is_healed;
    infra_time now;
    uint64_t random;
    infra_time next_fault;
    infra_time deaf_until[DBS_MAX]; /* No order reaches the agent there. */
    uint32_t promoted[TOKENS_MAX];  /* Node + 1, by the token of a PROMOTE. */
    /* The store of the lease. */
    uint32_t holder;      /* PLANNERS: none. */
    uint32_t holder_boot; /* Who starts again has it no more. */
    uint64_t token;
    infra_time lease_until;
    infra_time free_since;
    struct record record;
    uint64_t record_token; /* The last write of it: by which lease, */
    uint64_t record_call;  /* and call. */

    uint32_t messages_count;
    struct message messages[MESSAGES_MAX];
};

uint64_t promotion_sim_rows[PROMOTION_SIM_ROWS_MAX];

static uint64_t draw(struct world *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t below(struct world *w, uint64_t n)
{
    return (uint32_t)(draw(w) % n);
}

static bool chance(struct world *w, uint32_t percent)
{
    return below(w, 100) < percent;
}

static infra_time between(struct world *w, infra_time least, infra_time most)
{
    return least + draw(w) % (most - least);
}

static bool has_faults(const struct world *w)
{
    return w->mode <= PROMOTION_SIM_ASYNC && w->now < END_OF_FAULTS;
}

static void trace(struct world *w, const char *what, uint32_t planner,
                  uint32_t node, uint64_t token, const char *why)
{
    w->result.trace =
        (w->result.trace ^ w->now ^ token << 32 ^ node << 16 ^ planner ^
         (uint64_t)what[0] << 8 ^ (uint64_t)what[1] << 24) *
        0x100000001b3u;
    if (w->is_verbose) {
        printf("%9.3f  planner %u  %-10s node %-3d token %-4llu %s\n",
               (double)w->now / 1e9, planner, what, (int)node,
               (unsigned long long)token, why);
    }
}

static void send(struct world *w, struct message m)
{
    if (w->messages_count == MESSAGES_MAX) {
        dbs_violate(&w->dbs, "the network is full");
        return;
    }
    if (has_faults(w) && chance(w, 5)) {
        return;
    }
    m.at = w->now + between(w, INFRA_MS(1), INFRA_MS(40));
    if (has_faults(w) && chance(w, 4)) {
        m.at += between(w, INFRA_MS(50), INFRA_SEC(4));
    }
    w->messages[w->messages_count++] = m;
}

static bool reaches(const struct world *w, uint32_t planner, uint32_t node)
{
    return w->now >= w->planners[planner].blind_until[node];
}

/* Planners. */
static void set_node(struct planner *x, uint32_t node, infra_time now)
{
    char key[2] = { (char)('a' + node), 0 };

    const struct infra_promotion_node given = { .size = sizeof given,
                                                .key = key,
                                                .id = node,
                                                .priority = node,
                                                .flags = x->flags[node] };
    if (infra_promotion_set(x->machine, &given, now) != INFRA_OK) {
        abort();
    }
}

/* As the record says. */
static void mark_nodes(struct world *w, struct planner *x)
{
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        uint32_t flags = x->flags[n];
        if ((x->known.apart >> n & 1u) != 0) {
            x->flags[n] |= INFRA_PROMOTION_FLAG_APART;
            set_node(x, n, w->now);
            x->flags[n] = flags;
        }
    }
}

/* Somebody was named: the machine is told, and the router goes by it. */
static void hear(struct world *w, struct planner *x, struct record named)
{
    if (named.token > x->named.token && !named.is_unfinished) {
        x->named = named;
    }
    if (named.is_unfinished && named.former_token != 0) {
        (void)infra_promotion_adopt(x->machine, named.former,
                                    named.former_token, named.former_timeline,
                                    0, w->now);
    }
    if (named.token != 0) {
        (void)infra_promotion_adopt(x->machine, named.node, named.token,
                                    named.timeline, named.is_unfinished,
                                    w->now);
    }
}

static void start_planner(struct world *w, uint32_t i)
{
    struct planner *x = &w->planners[i];
    struct infra_promotion_options o = w->config;

    memset(&x->gate, 0, sizeof x->gate);
    o.gate = &x->gate;
    if (infra_promotion_create(&x->machine, &o) != INFRA_OK) {
        abort();
    }
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        set_node(x, n, w->now);
    }
    hear(w, x, x->named);
    x->is_alive = true;
    x->step = INFRA_PROMOTION_STEP_STANDBY;
    memset(x->failed_at, 0, sizeof x->failed_at);
    x->proved = 0;
    x->boot++;
    x->paused_until = 0;
}

static void kill_planner(struct world *w, uint32_t i, infra_time back_at)
{
    struct planner *x = &w->planners[i];

    if (x->is_alive) {
        infra_promotion_destroy(x->machine);
        x->machine = NULL;
        x->is_alive = false;
        x->back_at = back_at;
        trace(w, "dies", i, WORLD_NO_NODE, 0, "");
    }
}

static void spread_word(struct world *w, uint32_t from)
{
    const struct planner *x = &w->planners[from];

    for (uint32_t i = 0; i < PLANNERS; i++) {
        if (i != from && w->now >= x->alone_until) {
            send(w, (struct message) {
                        .kind = WORD, .planner = i, .record = x->named });
        }
    }
}

/* With asynchronous replication the fence alone keeps two from being written
 * to: no other node may be, or come back, writable. */
static bool is_beside(const struct world *w, uint32_t i, uint32_t candidate)
{
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        const struct db *d = &w->dbs.db[n];
        bool is_known =
            (w->planners[i].flags[n] & INFRA_PROMOTION_FLAG_QUARANTINED) != 0 ||
            d->is_by_hand;
        if (n != candidate && d->is_writable && !d->is_fenced && !is_known) {
            return true;
        }
    }
    return false;
}

static void check_promotion(struct world *w, uint32_t i,
                            const struct infra_promotion_event *e)
{
    uint32_t *promoted = &w->promoted[e->token % TOKENS_MAX];

    if (*promoted != 0 && *promoted != e->id + 1) {
        dbs_violate(&w->dbs, "one token promotes two nodes");
    }
    *promoted = e->id + 1;
    if (w->record.node != e->id || w->record.token != e->token) {
        dbs_violate(&w->dbs, "a promotion that is not in the record");
    }
    if (w->dbs.db[e->id].is_cloned) {
        dbs_violate(&w->dbs, "a promotion of half a copy");
    }
    if (w->mode == PROMOTION_SIM_ASYNC && has_faults(w) &&
        is_beside(w, i, e->id)) {
        dbs_violate(&w->dbs, "a promotion beside a writable node");
    }
}

static void check_order(struct world *w, uint32_t i,
                        const struct infra_promotion_event *e)
{
    uint64_t token = 0;

    if (!infra_gate_is_open(&w->planners[i].gate, w->now, &token) ||
        token != e->token) {
        dbs_violate(&w->dbs, "an order without a lease");
    }
    if (w->mode == PROMOTION_SIM_QUIET &&
        e->kind != INFRA_PROMOTION_EVENT_REPOINT) {
        dbs_violate(&w->dbs, "a plan against a healthy primary");
    }
    if (e->kind == INFRA_PROMOTION_EVENT_PROMOTE) {
        check_promotion(w, i, e);
    }
    infra_time *failed_at = &w->planners[i].failed_at[e->id];
    if (e->kind == INFRA_PROMOTION_EVENT_REPOINT) {
        *failed_at = 0;
    } else if (e->kind == INFRA_PROMOTION_EVENT_PROMOTE && *failed_at != 0 &&
               w->now < *failed_at + w->config.promote_timeout) {
        dbs_violate(&w->dbs, "who was not promoted is tried again at once");
    }
}

/* A candidate that is gone is not waited for. */
static void check_candidate(struct world *w, uint32_t i)
{
    const struct planner *x = &w->planners[i];
    struct infra_promotion_status s = { .size = sizeof s };

    if (!x->is_alive || w->now < x->paused_until ||
        x->step != INFRA_PROMOTION_STEP_PROMOTING) {
        return;
    }
    (void)infra_promotion_inspect(x->machine, &s);
    const struct db *d = &w->dbs.db[s.candidate];
    if (s.step == INFRA_PROMOTION_STEP_PROMOTING && !d->is_up &&
        w->now > x->since + INFRA_MS(2500) &&
        w->now > d->down_since + INFRA_MS(2500) &&
        w->now > x->unpaused_at + INFRA_MS(2500)) {
        dbs_violate(&w->dbs, "a dead candidate is waited for");
    }
}

static void release(struct world *w, uint32_t i)
{
    infra__gate_shut(&w->planners[i].gate);
    if (w->holder == i) {
        w->holder = PLANNERS;
        w->free_since = w->now;
    }
}

/* The whole of what it is to say now. */
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

static void ask_store(struct world *w, uint32_t i,
                      const struct infra_promotion_event *e)
{
    compose(w, &w->planners[i], e);
    w->planners[i].asked = e->call;
    if (w->now >= w->planners[i].no_store_until) {
        send(w, (struct message) { .kind = STORE,
                                   .planner = i,
                                   .boot = w->planners[i].boot,
                                   .record = w->planners[i].known,
                                   .event = *e });
    }
}

/* What was seen to write on its own is restarted read-only, perhaps. */
static void put_down(struct world *w)
{
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        if ((w->record.apart >> n & 1u) != 0 && chance(w, 50)) {
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
    send(w, m);
}

static void isolate(struct world *w, uint32_t node, infra_time until)
{
    for (uint32_t i = 0; i < DBS_MAX; i++) {
        w->dbs.cut_until[node][i] = chance(w, 70) ? until : 0;
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        w->planners[i].blind_until[node] = chance(w, 70) ? until : 0;
    }
}

/* Things go wrong at the worst of moments, too: in the middle of a plan. */
static void spoil(struct world *w, uint32_t i, uint32_t node)
{
    infra_time until = w->now + between(w, INFRA_MS(500), INFRA_SEC(6));

    if (!has_faults(w) || w->now < w->deaf_until[node] || !chance(w, 15)) {
        return;
    }
    if (chance(w, 60)) {
        w->planners[i].paused_until = until;
    }
    if (chance(w, 60)) {
        isolate(w, node, until);
    }
    trace(w, "spoilt", i, node, 0, "");
}

/* Which row of the table was that? */
static void count_row(struct world *w, struct planner *x,
                      const struct infra_promotion_event *e)
{
    size_t count;
    const struct infra__promotion_row *rows = infra__promotion_table(&count);

    for (size_t i = 0; i < count; i++) {
        bool is_from = rows[i].from == x->step || rows[i].from == STEPS_COUNT;
        if (is_from && rows[i].reason == e->reason && rows[i].to == e->step) {
            promotion_sim_rows[i]++;
            x->step = e->step;
            x->since = w->now;
            return;
        }
    }
    dbs_violate(&w->dbs, "a step that is not in the table");
}

/* A token that has named a primary begins no plan. */
static void check_step(struct world *w, const struct planner *x)
{
    struct infra_promotion_status s = { .size = sizeof s };

    (void)infra_promotion_inspect(x->machine, &s);
    if (s.token_used != 0 && (s.step == INFRA_PROMOTION_STEP_FENCING ||
                              s.step == INFRA_PROMOTION_STEP_COLLECTING)) {
        dbs_violate(&w->dbs, "a plan by a used token");
    }
}

/* The worst of moments for a candidate to die, or for its agent. */
static void spoil_promotion(struct world *w,
                            const struct infra_promotion_event *e)
{
    if (e->kind != INFRA_PROMOTION_EVENT_PROMOTE || !has_faults(w) ||
        w->now < w->deaf_until[e->id]) {
        return;
    }
    if (chance(w, 10)) {
        dbs_crash(&w->dbs, e->id, w->now + INFRA_SEC(7), false);
        trace(w, "candidate", 0, e->id, e->token, "dies");
    } else if (chance(w, 10)) {
        w->deaf_until[e->id] = w->now + INFRA_SEC(7);
        trace(w, "candidate", 0, e->id, e->token, "is deaf");
    }
}

static void handle(struct world *w, uint32_t i,
                   const struct infra_promotion_event *e)
{
    struct planner *x = &w->planners[i];

    trace(w,
          e->kind == INFRA_PROMOTION_EVENT_STEP
              ? infra_promotion_step_name(e->step)
              : infra_promotion_event_name(e->kind),
          i, e->id, e->token, infra_promotion_reason_name(e->reason));
    switch (e->kind) {
    case INFRA_PROMOTION_EVENT_RECORD_PRIMARY:
        dbs_named(&w->dbs, e->id, e->token);
        ask_store(w, i, e);
        spoil(w, i, e->id);
        break;
    case INFRA_PROMOTION_EVENT_READ_RECORD:
    case INFRA_PROMOTION_EVENT_RECORD_INTENT:
    case INFRA_PROMOTION_EVENT_RECORD_APART:
        ask_store(w, i, e);
        break;
    case INFRA_PROMOTION_EVENT_QUARANTINE:
        x->flags[e->id] |= INFRA_PROMOTION_FLAG_QUARANTINED;
        break;
    case INFRA_PROMOTION_EVENT_RESIGN:
        release(w, i);
        break;
    case INFRA_PROMOTION_EVENT_HOLD:
        break;
    case INFRA_PROMOTION_EVENT_STEP:
        count_row(w, x, e);
        check_step(w, x);
        break;
    default:
        check_order(w, i, e);
        spoil_promotion(w, e);
        send(w, (struct message) { .kind = ORDER,
                                   .planner = i,
                                   .boot = x->boot,
                                   .node = e->id,
                                   .event = *e });
        spoil(w, i, e->id);
        break;
    }
}

static void turn(struct world *w, uint32_t i)
{
    struct planner *x = &w->planners[i];
    struct infra_promotion_event e;

    if (!x->is_alive || w->now < x->paused_until) {
        return;
    }
    for (uint32_t n = 0; n < EVENTS_MAX && w->now >= x->paused_until; n++) {
        if (infra_promotion_next(x->machine, w->now, &e) != INFRA_OK) {
            if (infra_promotion_deadline(x->machine) <= w->now) {
                dbs_violate(&w->dbs, "a deadline that has passed");
            }
            return;
        }
        handle(w, i, &e);
    }
    if (w->now >= x->paused_until) {
        dbs_violate(&w->dbs, "events without end");
    }
}

/* The store: the lease is renewed, lapses, is taken. */
static void lease(struct world *w)
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
    uint32_t i = below(w, PLANNERS);
    struct planner *x = &w->planners[i];
    if (w->holder == PLANNERS && w->now >= w->free_since + INFRA_MS(100) &&
        x->is_alive && w->now >= x->paused_until &&
        w->now >= x->no_store_until && w->token + 3 < TOKENS_MAX) {
        w->token += 1 + below(w, 2);
        w->holder = i;
        w->holder_boot = x->boot;

        w->lease_until = w->now + TTL;
        infra__gate_set(&x->gate, w->token, w->lease_until - GUARD, false);
        trace(w, "lease", i, WORLD_NO_NODE, w->token, "");
    }
}

/* Each planner looks at each node, and tells the others. */
static void probe(struct world *w, uint32_t i)
{
    struct planner *x = &w->planners[i];

    for (uint32_t n = 0; n < w->dbs.count && x->is_alive; n++) {
        struct message m = { .kind = SAMPLE, .node = n };
        m.sample.observer = i;
        m.sample.at = w->now;
        dbs_sample(&w->dbs, n, &m.sample);
        if (!reaches(w, i, n)) {
            m.sample.view = INFRA_PROMOTION_VIEW_DOWN;
        }
        for (uint32_t to = 0; to < PLANNERS; to++) {
            m.planner = to;
            if (to == i || (w->now >= x->alone_until &&
                            w->now >= w->planners[to].alone_until)) {
                send(w, m);
            }
        }
    }
}

static void fence(struct world *w, struct message *m)
{
    uint32_t dice = has_faults(w) ? below(w, 10) : 9;

    m->outcome = dice < 2   ? INFRA_ORDER_FAILED
                 : dice < 4 ? INFRA_ORDER_UNKNOWN
                            : INFRA_ORDER_DONE;
    if (dice >= 3) {
        (void)dbs_carry_out(&w->dbs, &m->event, m->planner);
    }
}

/* The source dies before a clone, or in the middle of it. */
static void lose_source(struct world *w, const struct infra_promotion_event *e)
{
    if (e->kind == INFRA_PROMOTION_EVENT_REPOINT && has_faults(w) &&
        (w->dbs.db[e->id].is_cloned || (w->record.apart >> e->id & 1u) != 0) &&
        chance(w, 20)) {
        dbs_crash(&w->dbs, e->source, w->now + INFRA_SEC(7), false);
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
    if (e->kind == INFRA_PROMOTION_EVENT_PROMOTE &&
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
        } else if (reaches(w, m.planner, m.node) &&
                   w->now >= w->deaf_until[m.node]) {
            lose_source(w, &m.event);
            m.outcome = dbs_carry_out(&w->dbs, &m.event, m.planner);
        } else {
            m.outcome = INFRA_ORDER_UNKNOWN;
        }
        m.kind = ANSWER;
        send(w, m);
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
            hear(w, x, m.record);
            x->known = m.record;
            mark_nodes(w, x);
        }
        if (infra_promotion_answer(x->machine, m.event.call, m.outcome,
                                   w->now) == INFRA_OK &&
            m.event.kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY &&
            m.outcome == INFRA_ORDER_DONE) {
            hear(w, x, m.record);
            spread_word(w, m.planner);
        }
    } else if (m.kind == SAMPLE) {
        (void)infra_promotion_report(x->machine, m.node, &m.sample, w->now);
    } else if (m.kind == ANSWER) {
        take_answer(w, x, &m);
    } else if (m.kind == WORD) {
        hear(w, x, m.record);
    }
}

static void deliver_all(struct world *w)
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

static uint32_t any_writable(const struct world *w)
{
    for (uint32_t i = 0; i < w->dbs.count; i++) {
        if (w->dbs.db[i].is_up && w->dbs.db[i].is_writable) {
            return i;
        }
    }
    return 0;
}

static void command(struct world *w, uint32_t command)
{
    for (uint32_t i = 0; i < PLANNERS; i++) {
        if (w->planners[i].is_alive) {
            int err = infra_promotion_command(w->planners[i].machine, command,
                                              below(w, w->dbs.count), w->now);
            if (err == INFRA_OK) {
                trace(w, "operator", i, command, 0, "");
            }
        }
    }
}

/* No router sends clients there. */
static void take_in_hand(struct world *w, uint32_t node)
{
    bool is_routed = w->record.node == node;

    for (uint32_t i = 0; i < PLANNERS; i++) {
        is_routed = is_routed || w->planners[i].named.node == node;
    }
    if (!is_routed) {
        dbs_take_in_hand(&w->dbs, node);
        trace(w, "by hand", 0, node, 0, "");
    }
}

static void fault(struct world *w)
{
    uint32_t node = chance(w, 50) ? any_writable(w) : below(w, w->dbs.count);
    struct planner *x = &w->planners[chance(w, 60) && w->holder < PLANNERS
                                         ? w->holder
                                         : below(w, PLANNERS)];
    infra_time until = w->now + between(w, INFRA_MS(500), INFRA_SEC(6));
    uint32_t kind = below(w, 14);

    trace(w, "fault", kind, node, 0, "");
    switch (kind) {
    case 0:
    case 1:
        dbs_crash(&w->dbs, node, until, chance(w, 50));
        break;
    case 2:
    case 3:
        isolate(w, node, until);
        break;
    case 4:
        w->dbs.db[node].stalled_until = until;
        break;
    case 5:
        kill_planner(w, (uint32_t)(x - w->planners), until);
        break;
    case 6:
        x->paused_until = until;
        break;
    case 7:
        x->no_store_until = until;
        break;
    case 8:
        x->blind_until[node] = until;
        break;
    case 9:
        x->alone_until = until;
        break;
    case 10:
    case 11:
        take_in_hand(w, below(w, w->dbs.count));
        break;
    case 12:
        command(w, chance(w, 70) ? INFRA_PROMOTION_COMMAND_SWITCHOVER
                                 : INFRA_PROMOTION_COMMAND_ABORT);
        break;
    default:
        command(w, chance(w, 30) ? INFRA_PROMOTION_COMMAND_PAUSE
                                 : INFRA_PROMOTION_COMMAND_RESUME);
        break;
    }
    w->next_fault = w->now + between(w, INFRA_MS(100), INFRA_MS(2500));
}

/* One observer at a time does not see the primary, or nothing at all; or the
 * operator moves it. */
static void tease(struct world *w)
{
    if (w->mode == PROMOTION_SIM_QUIET) {
        struct planner *x = &w->planners[below(w, PLANNERS)];
        infra_time until = w->now + between(w, INFRA_MS(300), INFRA_MS(1900));
        bool is_alone = chance(w, 50);
        x->blind_until[any_writable(w)] = until;
        x->alone_until = is_alone ? until : 0;
        for (uint32_t n = 0; n < w->dbs.count && is_alone; n++) {
            x->blind_until[n] = until;
        }
    } else if (w->now < END_OF_FAULTS) {
        command(w, INFRA_PROMOTION_COMMAND_SWITCHOVER);
    }
    w->next_fault = w->now + between(w, INFRA_SEC(2), INFRA_SEC(4));
}

/* Nobody may be promoted who has everything: the operator knows who has. */
static void help(struct world *w)
{
    uint32_t node = dbs_complete(&w->dbs);
    struct promotion_sim_result *r = &w->result;

    if (dbs_leader(&w->dbs) != WORLD_NO_NODE || node == WORLD_NO_NODE) {
        return;
    }
    w->dbs.db[node].is_fenced = false;
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct infra_promotion_status s = { .size = sizeof s };
        struct planner *x = &w->planners[i];
        if (!x->is_alive) {
            continue;
        }
        (void)infra_promotion_inspect(x->machine, &s);
        if (s.step == INFRA_PROMOTION_STEP_HELD) {
            (void)infra_promotion_command(
                x->machine, INFRA_PROMOTION_COMMAND_ADMIT, node, w->now);
            x->proved |= 1u << node;
            r->helped += infra_promotion_command(x->machine,
                                                 INFRA_PROMOTION_COMMAND_FORCE,
                                                 node, w->now) == INFRA_OK;
        }
    }
}

/* The operator lets in who was primary. */
static void let_in(struct world *w)
{
    if (w->now > END_OF_FAULTS + INFRA_SEC(8)) {
        help(w);
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct planner *x = &w->planners[i];
        for (uint32_t n = 0; n < w->dbs.count && x->is_alive; n++) {
            if ((x->flags[n] & INFRA_PROMOTION_FLAG_QUARANTINED) != 0) {
                x->flags[n] &= ~INFRA_PROMOTION_FLAG_QUARANTINED;
                set_node(x, n, w->now);
            }
        }
    }
}

/* All is well again. */
static void heal(struct world *w)
{
    memset(w->dbs.cut_until, 0, sizeof w->dbs.cut_until);
    memset(w->deaf_until, 0, sizeof w->deaf_until);
    for (uint32_t i = 0; i < w->dbs.count; i++) {
        w->dbs.db[i].stalled_until = 0;
        w->dbs.db[i].back_at = w->now;
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct planner *x = &w->planners[i];
        memset(x->blind_until, 0, sizeof x->blind_until);
        x->alone_until = x->paused_until = x->no_store_until = 0;
        x->back_at = w->now;
    }
    command(w, INFRA_PROMOTION_COMMAND_RESUME);
}

static void configure(struct world *w)
{
    uint32_t count = 3 + below(w, 3);
    uint32_t acks =
        w->mode == PROMOTION_SIM_ASYNC ? 0 : 1 + below(w, count - 2);

    w->config = (struct infra_promotion_options) {
        .size = sizeof w->config,
        .sample_age_max = INFRA_SEC(1),
        .order_timeout = INFRA_MS(500),
        .fence_timeout = INFRA_SEC(1),
        .collect_timeout = INFRA_MS(500),
        .catch_up_timeout = INFRA_SEC(2),
        .promote_timeout = INFRA_SEC(5),
        .recovery_interval = INFRA_MS(100),
        .penalty_half_life = INFRA_SEC(1),
        .nodes_max = count,
        .observers_max = PLANNERS,
        .sync_acks = acks,
        .fence_failed = acks > 0 && chance(w, 70),
        .fence_unknown = acks > 0 && chance(w, 70),
        .loss = acks == 0 && chance(w, 70),
        .quarantine = chance(w, 30),
    };
    dbs_start(&w->dbs, count, acks);
    w->record = (struct record) { .token = 1, .timeline = 1 };
    w->dbs.is_strict = chance(w, 50);
    uint32_t is_never = chance(w, 20) ? count - 1 : count;
    for (uint32_t i = 0; i < PLANNERS; i++) {
        for (uint32_t n = 0; n < count; n++) {
            w->planners[i].flags[n] =
                INFRA_PROMOTION_FLAG_SYNC |
                (n == is_never ? INFRA_PROMOTION_FLAG_NEVER : 0);
        }
        w->planners[i].named = w->record;
        start_planner(w, i);
    }
    w->token = 1;
    w->holder = PLANNERS;
    w->next_fault = INFRA_SEC(2);
}

static void tick(struct world *w)
{
    dbs_tick(&w->dbs, 1 + below(w, 4));
    lease(w);
    deliver_all(w);
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct planner *x = &w->planners[i];
        if (!x->is_alive && w->now >= x->back_at) {
            start_planner(w, i);
        }
        if ((w->now / TICK + i) % (PROBE_EVERY / TICK) == 0 &&
            w->now >= x->paused_until) {
            probe(w, i);
        }
        if ((w->now / TICK + i) % 20 == 0 && w->now >= x->paused_until) {
            spread_word(w, i);
        }
        turn(w, i);
        check_candidate(w, i);
        if (w->now < x->paused_until) {
            x->unpaused_at = x->paused_until;
        }
        if (chance(w, 60) && reaches(w, i, x->named.node)) {
            dbs_write(&w->dbs, x->named.node, x->named.token);
        }
    }
}

/* What has to be when all has been well for a while. */
static void look_at_end(struct world *w)
{
    uint32_t leader = dbs_leader(&w->dbs);

    if (w->is_verbose) {
        for (uint32_t i = 0; i < w->dbs.count; i++) {
            const struct db *d = &w->dbs.db[i];
            printf("node %u: %s%s%s source %d timeline %u position %u\n", i,
                   d->is_up ? "up" : "down", d->is_writable ? " writable" : "",
                   d->is_fenced ? " fenced" : "", (int)d->source,
                   d->log[d->length - 1].term, d->length);
        }
    }
    if (leader == WORLD_NO_NODE) {
        dbs_violate(&w->dbs, "no primary that all follow, though all is well");
        return;
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        if (w->planners[i].named.node != leader) {
            dbs_violate(&w->dbs, "a router does not know the primary");
        }
    }
    if (w->dbs.acknowledged_at + INFRA_SEC(2) < w->now) {
        dbs_violate(&w->dbs, "no write is acknowledged, though all is well");
    }
}

struct promotion_sim_result promotion_sim_run(uint64_t seed, uint32_t mode,
                                              bool verbose)
{
    struct world *w = calloc(1, sizeof *w);

    if (w == NULL) {
        abort();
    }
    w->random = seed * PROMOTION_SIM_MODES + mode;
    w->mode = mode;
    w->is_verbose = verbose;
    w->dbs.result = &w->result;
    configure(w);
    for (; w->now < END_OF_TIME && w->result.violation == NULL;
         w->now += TICK) {
        w->dbs.now = w->now;
        if (w->now >= w->next_fault && mode > PROMOTION_SIM_ASYNC) {
            tease(w);
        } else if (w->now >= w->next_fault && has_faults(w)) {
            fault(w);
        } else if (!w->is_healed && w->now >= END_OF_FAULTS) {
            w->is_healed = true;
            heal(w);
        }
        if (w->is_healed && w->now % INFRA_SEC(1) == 0) {
            let_in(w);
        }
        tick(w);
    }
    if (w->result.violation == NULL) {
        look_at_end(w);
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        kill_planner(w, i, 0);
    }
    struct promotion_sim_result result = w->result;
    free(w);
    return result;
}
