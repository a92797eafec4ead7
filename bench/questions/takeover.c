/* SPDX-License-Identifier: MIT */
#include "takeover.h"

#include "../sim/sim_random.h"
#include "../sim/sim_store.h"

#include <string.h>

#define ONE_WAY_MIN INFRA_US(500)
#define ONE_WAY_MAX INFRA_US(1500)
#define SLACK INFRA_MS(1)
#define LOOK_MAX INFRA_MS(500)  /* Of a standby, ... */
#define GUARD_MAX INFRA_MS(500) /* ... and the grace. */
#define LATE 10u                /* Times the bound: give up. */

struct node {
    struct infra_failover *machine; /* NULL: it has crashed. */
    struct infra_gate gate;
    uint64_t incarnation;
    uint64_t token; /* Token under which it serves; 0: none. */
    uint32_t role;
    int is_frozen;
    /* Times of the next steps; INFRA_TIME_NEVER: none. */
    infra_time wake_at;
    infra_time request_at; /* Its request reaches the store, */
    infra_time reply_at;   /* and the answer comes back. */
    infra_time hint_at;
    struct sim_request request;
    struct infra_lease_answer answer;
};

struct world {
    struct takeover *t;
    struct sim_store store;
    struct node nodes[2];
    uint64_t random;
    uint64_t incarnations;
    infra_time now;
    infra_time fault_at; /* INFRA_TIME_NEVER: not before all is well. */
    infra_time thaw_at;
    infra_time began; /* The current fault; 0: none. */
    uint32_t faulty;
};

static infra_time earlier(infra_time a, infra_time b)
{
    return a < b ? a : b;
}

static infra_time between(struct world *w, infra_time from, infra_time to)
{
    return from + (infra_time)(sim_uniform(&w->random) * (double)(to - from));
}

static infra_time arrival(struct world *w)
{
    return w->now + between(w, ONE_WAY_MIN, ONE_WAY_MAX);
}

/* The last renewal may be in transit when the node fails, and lasts for a ttl;
 * then the other node looks, or its watch wakes it, and asks; at last it waits
 * for the grace. A hand-over waits for no lease and no grace. */
static infra_time bound_of(const struct takeover *t)
{
    infra_time look = earlier(t->ttl / 6, LOOK_MAX);
    infra_time grace = earlier(t->ttl / 6, GUARD_MAX);
    infra_time messages = 5 * ONE_WAY_MAX + 3 * SLACK;

    look = t->has_watch ? 0 : look;
    return messages + look + (t->fault == TAKEOVER_HAND ? 0 : t->ttl + grace);
}

static int start(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];
    struct infra_failover_options o = {
        .size = sizeof o,
        .group = "bench",
        .node = i == 0 ? "a" : "b",
        .gate = &n->gate,
        .incarnation = ++w->incarnations,
        .ttl = w->t->ttl,
        /* Else damping holds a node that fails often. */
        .penalty_half_life = INFRA_SEC(1)
    };

    *n = (struct node) { .incarnation = w->incarnations,
                         .wake_at = w->now,
                         .request_at = INFRA_TIME_NEVER,
                         .reply_at = INFRA_TIME_NEVER,
                         .hint_at = INFRA_TIME_NEVER };
    return infra_failover_create(&n->machine, &o);
}

/* The other serves: the fault is over. */
static int taken_over(struct world *w)
{
    infra_time took = w->now - w->began;

    histogram_add(&w->t->times, took);
    w->t->max = took > w->t->max ? took : w->t->max;
    w->began = 0;
    if (w->t->fault == TAKEOVER_CRASH) {
        return start(w, w->faulty);
    }
    if (w->t->fault == TAKEOVER_FREEZE) {
        w->thaw_at = w->now + between(w, 0, w->t->ttl);
    }
    return INFRA_OK;
}

static void ask(struct world *w, uint32_t i, const struct infra_lease_call *c)
{
    struct node *n = &w->nodes[i];

    n->request = (struct sim_request) { .call = c->id,
                                        .incarnation = n->incarnation,
                                        .token = c->token,
                                        .handover_request = c->handover_request,
                                        .ttl = w->t->ttl,
                                        .node = i,
                                        .op = c->op };
    n->request_at = arrival(w);
    n->reply_at = INFRA_TIME_NEVER;
}

static int handle(struct world *w, uint32_t i,
                  const struct infra_failover_event *e)
{
    struct node *n = &w->nodes[i];

    switch (e->kind) {
    case INFRA_FAILOVER_EVENT_CALL:
        ask(w, i, &e->call);
        break;
    case INFRA_FAILOVER_EVENT_ROLE:
        n->role = e->role;
        break;
    case INFRA_FAILOVER_EVENT_ACTIVATE:
        n->token = e->token;
        return w->began != 0 && i != w->faulty ? taken_over(w) : INFRA_OK;
    case INFRA_FAILOVER_EVENT_DEACTIVATE:
        n->token = 0;
        (void)infra_failover_drained(n->machine, w->now);
        break;
    default:
        break;
    }
    return INFRA_OK;
}

/* The host takes what there is and sleeps. */
static int turn(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];
    struct infra_failover_event e;
    int err = INFRA_OK;

    while (err == INFRA_OK &&
           infra_failover_next(n->machine, w->now, &e) == INFRA_OK) {
        err = handle(w, i, &e);
    }
    infra_time at = infra_failover_deadline(n->machine);
    n->wake_at = at == INFRA_TIME_NEVER ? at : at + between(w, 0, SLACK);
    return err;
}

/* The lease is free: wake the watchers. */
static void tell(struct world *w)
{
    for (uint32_t i = 0; i < 2 && w->t->has_watch; i++) {
        w->nodes[i].hint_at = arrival(w);
    }
}

static void at_store(struct world *w, struct node *n)
{
    uint32_t holder = w->store.holder;

    n->request_at = INFRA_TIME_NEVER;
    n->answer = sim_store_do(&w->store, &n->request, w->now);
    n->reply_at = arrival(w);
    if (holder != 0 && w->store.holder == 0) {
        tell(w);
    }
}

static void fail(struct world *w)
{
    w->faulty = w->nodes[0].token != 0 ? 0 : 1;
    struct node *n = &w->nodes[w->faulty];
    w->fault_at = INFRA_TIME_NEVER;
    w->began = w->now;
    switch (w->t->fault) {
    case TAKEOVER_CRASH:
        infra_failover_destroy(n->machine);
        n->machine = NULL;
        n->token = 0;
        n->wake_at = n->reply_at = INFRA_TIME_NEVER;
        break;
    case TAKEOVER_FREEZE:
        n->is_frozen = 1;
        break;
    default:
        (void)infra_failover_command(n->machine,
                                     INFRA_FAILOVER_COMMAND_STEP_DOWN, w->now);
        n->wake_at = w->now;
        break;
    }
}

static void thaw(struct world *w)
{
    w->nodes[w->faulty].is_frozen = 0;
    w->thaw_at = INFRA_TIME_NEVER;
}

/* All is well: schedule the next fault. */
static void plan(struct world *w)
{
    uint32_t a = w->nodes[0].role;
    uint32_t b = w->nodes[1].role;
    int is_well =
        (a == INFRA_FAILOVER_ROLE_ACTIVE && b == INFRA_FAILOVER_ROLE_STANDBY) ||
        (b == INFRA_FAILOVER_ROLE_ACTIVE && a == INFRA_FAILOVER_ROLE_STANDBY);

    if (is_well && w->began == 0 && w->thaw_at == INFRA_TIME_NEVER &&
        w->fault_at == INFRA_TIME_NEVER) {
        w->fault_at = w->now + between(w, w->t->ttl / 3, w->t->ttl);
    }
}

/* The node's next step, never before now. */
static infra_time next_of(const struct world *w, const struct node *n)
{
    infra_time at = n->request_at;

    if (!n->is_frozen && n->machine != NULL) {
        at = earlier(earlier(at, n->wake_at), earlier(n->reply_at, n->hint_at));
    }
    return at > w->now ? at : w->now;
}

/* Carry out one step of this node. */
static int step(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];

    if (n->request_at <= w->now) {
        at_store(w, n);
        return INFRA_OK;
    }
    if (n->reply_at <= w->now) {
        n->reply_at = INFRA_TIME_NEVER;
        (void)infra_failover_answer(n->machine, n->request.call, &n->answer,
                                    w->now);
    } else if (n->hint_at <= w->now) {
        n->hint_at = INFRA_TIME_NEVER;
        (void)infra_failover_hint(n->machine, w->now);
    }
    return turn(w, i);
}

static int happen(struct world *w)
{
    infra_time first = next_of(w, &w->nodes[0]);
    infra_time second = next_of(w, &w->nodes[1]);
    infra_time expiry = w->t->has_watch && w->store.holder != 0
                            ? w->store.expires
                            : INFRA_TIME_NEVER;
    infra_time other = earlier(expiry, earlier(w->fault_at, w->thaw_at));
    uint32_t i = first <= second ? 0 : 1;
    int err = INFRA_OK;

    w->now = earlier(other, earlier(first, second));
    if (w->now == w->fault_at) {
        fail(w);
    } else if (w->now == w->thaw_at) {
        thaw(w);
    } else if (w->now == expiry) {
        sim_store_expire(&w->store, w->now);
        tell(w);
    } else {
        err = step(w, i);
    }
    w->t->overlaps += infra_gate_is_open(&w->nodes[0].gate, w->now, NULL) &&
                      infra_gate_is_open(&w->nodes[1].gate, w->now, NULL);
    w->t->steps++;
    return err;
}

int takeover_run(struct takeover *t)
{
    struct world w = { .t = t,
                       .random = t->seed,
                       .now = INFRA_SEC(1),
                       .fault_at = INFRA_TIME_NEVER,
                       .thaw_at = INFRA_TIME_NEVER };
    int err = start(&w, 0);

    w.store.is_clean = true;
    t->bound = bound_of(t);
    if (err == INFRA_OK) {
        err = start(&w, 1);
    }
    while (err == INFRA_OK && t->times.count < t->count) {
        err = happen(&w);
        if (w.began != 0 && w.now > w.began + LATE * t->bound) {
            err = INFRA_EAGAIN;
        }
        plan(&w);
    }
    infra_failover_destroy(w.nodes[0].machine);
    infra_failover_destroy(w.nodes[1].machine);
    return err;
}
