/* SPDX-License-Identifier: MIT */
#include "failover_sim.h"

#include "failover/internal.h"
#include "sim_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 5u
#define QUEUE_MAX 4096u
#define OWNERS 1024u /* Tokens whose users are remembered. */
#define END_OF_FAULTS INFRA_SEC(60)
#define END_OF_TIME INFRA_SEC(120)
#define FOREVER INFRA_SEC(1000000)

enum kind { WAKE, REQUEST, REPLY, WORK, EFFECT, FENCED, DRAINED, FAULT, WATCH };

struct step {
    infra_time at;
    uint64_t order;
    enum kind kind;
    uint32_t node;
    uint32_t boot;
    uint64_t number;
    struct sim_request request;
    struct infra_lease_answer answer;
};

struct node {
    struct infra_failover *machine;
    struct infra_gate gate;
    /* Its clock: what it showed at some moment of the world, and how fast. */
    infra_time clock_base;
    infra_time world_base;
    int32_t ppm;
    uint32_t boot; /* Grows as it dies and comes back. */
    bool is_alive;
    bool is_unfit;
    bool is_draining; /* It takes nothing new. */
    infra_time paused_until;
    infra_time stalled_since; /* Its workers; 0: they work. */
    infra_time mute_until;    /* What it sends is lost, */
    infra_time deaf_until;    /* or what is sent to it. */
    uint64_t wake;            /* The order of the wake that counts. */
    infra_time activated;
    uint64_t serving; /* The token it serves under, as it was told. */
    uint64_t fenced_token;
    uint64_t served_token; /* The greatest ever. */
    uint64_t disk_floor;
};

struct world {
    const struct sim_options *options;
    struct sim_result result;
    struct sim_store store;
    struct infra_failover_options config;
    struct infra_fence fence;
    struct node nodes[NODES_MAX];
    infra_time now;
    infra_time lapsed_at; /* When the last lease ran out unreleased. */
    infra_time outage_until;
    infra_time died_at; /* An active node; 0: nobody since. */
    uint64_t owner_token[OWNERS];
    uint32_t owner_node[OWNERS];
    bool was_clean[OWNERS];
    uint64_t random;
    int32_t store_ppm;
    uint64_t orders;
    uint32_t queue_count;
    struct step queue[QUEUE_MAX];
};

static uint64_t draw(struct world *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(struct world *w, uint64_t n)
{
    return draw(w) % n;
}

static bool chance(struct world *w, uint32_t per_10000)
{
    return below(w, 10000) < per_10000;
}

static void violate(struct world *w, const char *what)
{
    if (w->result.violation == NULL) {
        w->result.violation = what;
        w->result.at = w->now;
    }
}

static void trace(struct world *w, const char *what, uint32_t node, uint64_t a,
                  uint64_t b)
{
    w->result.trace = (w->result.trace ^ w->now ^ a << 40 ^ b << 20 ^ node ^
                       (uint64_t)what[0] << 8 ^ (uint64_t)what[1]) *
                      0x100000001b3u;
    if (w->options->verbose) {
        printf("%10.6f  node %u  %-10s %llu %llu\n", (double)w->now / 1e9, node,
               what, (unsigned long long)a, (unsigned long long)b);
    }
}

/* A heap by time, and by order among equals. */
static bool is_before(const struct step *a, const struct step *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static uint64_t push(struct world *w, struct step s)
{
    if (w->queue_count == QUEUE_MAX) {
        violate(w, "the queue overflows");
        return 0;
    }
    s.order = ++w->orders;
    uint32_t i = w->queue_count++;
    while (i > 0 && is_before(&s, &w->queue[(i - 1) / 2])) {
        w->queue[i] = w->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->queue[i] = s;
    return s.order;
}

static struct step pop(struct world *w)
{
    struct step top = w->queue[0];
    struct step last = w->queue[--w->queue_count];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= w->queue_count) {
            break;
        }
        if (child + 1 < w->queue_count &&
            is_before(&w->queue[child + 1], &w->queue[child])) {
            child++;
        }
        if (!is_before(&w->queue[child], &last)) {
            break;
        }
        w->queue[i] = w->queue[child];
        i = child;
    }
    w->queue[i] = last;
    return top;
}

/* Clocks. */
static infra_time scale(infra_time t, int32_t ppm)
{
    return (infra_time)((int64_t)t + (int64_t)(t / 1000) * ppm / 1000);
}

static infra_time local(const struct world *w, const struct node *n)
{
    return n->clock_base + scale(w->now - n->world_base, n->ppm);
}

static infra_time store_now(const struct world *w)
{
    return INFRA_SEC(5) + scale(w->now, w->store_ppm);
}

/* When the node's clock will show @at. */
static infra_time world_at(const struct world *w, const struct node *n,
                           infra_time at)
{
    infra_time here = local(w, n);

    return at <= here            ? w->now
           : at - here > FOREVER ? w->now + FOREVER
                                 : w->now + scale(at - here, -n->ppm) + 1000;
}

static bool has_faults(const struct world *w)
{
    return w->options->mode != SIM_LIVENESS || w->now < END_OF_FAULTS;
}

/* A message takes so long; 0: it is lost. */
static infra_time delay(struct world *w)
{
    if (!has_faults(w)) {
        return INFRA_MS(1) + below(w, INFRA_MS(5));
    }
    if (chance(w, 300)) {
        return 0;
    }
    return chance(w, 900) ? INFRA_MS(50) + below(w, INFRA_SEC(4))
                          : INFRA_MS(1) + below(w, INFRA_MS(10));
}

static bool is_open(const struct world *w, const struct node *n,
                    uint64_t *ret_token)
{
    return n->is_alive && infra_gate_open(&n->gate, local(w, n), ret_token);
}

/* What has to hold at every moment. */
static void look_at_gates(struct world *w)
{
    uint32_t open = 0;

    for (uint32_t i = 0; i < w->options->nodes; i++) {
        struct node *n = &w->nodes[i];
        uint64_t token = 0;
        if (!is_open(w, n, &token)) {
            continue;
        }
        open++;
        uint32_t slot = (uint32_t)(token % OWNERS);
        if (w->owner_token[slot] == token && w->owner_node[slot] != i &&
            w->options->mode != SIM_REGRESSED) {
            violate(w, "two nodes have one token");
        }
        infra_time idle =
            n->stalled_since > n->activated ? n->stalled_since : n->activated;
        if (n->stalled_since != 0 && w->config.attest_max != 0 &&
            w->now > idle + w->config.attest_max + 2 * w->config.ttl) {
            violate(w, "active without progress");
        }
    }
    if (open > 1 && w->options->mode != SIM_REGRESSED) {
        violate(w, "two gates are open");
    }
}

static void start_node(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];
    struct infra_failover_options o = w->config;
    char name[2] = { (char)('a' + i), 0 };

    o.node = name;
    o.gate = &n->gate;
    o.incarnation = draw(w) | 1;
    o.token_floor = n->disk_floor;
    o.preference = i;
    memset(&n->gate, 0, sizeof n->gate);
    if (infra_failover_create(&n->machine, &o) != INFRA_OK) {
        abort();
    }
    n->boot++;
    n->is_alive = true;
    n->is_unfit = false;
    n->serving = 0;
    n->is_draining = false;
    n->stalled_since = 0;
    n->paused_until = 0;
    n->clock_base = INFRA_SEC(1000) + below(w, INFRA_SEC(1000));
    n->world_base = w->now;
    n->wake = push(w, (struct step) { .at = w->now + below(w, INFRA_MS(100)),
                                      .kind = WAKE,
                                      .node = i,
                                      .boot = n->boot });
    push(w, (struct step) { .at = w->now + INFRA_MS(20),
                            .kind = WORK,
                            .node = i,
                            .boot = n->boot });
}

static void kill_node(struct world *w, uint32_t i, infra_time back_after)
{
    struct node *n = &w->nodes[i];
    struct infra_failover_status s = { .size = sizeof s };

    (void)infra_failover_inspect(n->machine, &s);
    bool remembers = chance(w, 8000);
    n->disk_floor = remembers ? s.token_floor : 0;
    n->served_token = remembers ? n->served_token : 0;
    if (is_open(w, n, NULL)) {
        w->died_at = w->now;
    }
    infra_failover_destroy(n->machine);
    n->machine = NULL;
    n->is_alive = false;
    n->boot++;
    trace(w, "dies", i, 0, 0);
    push(w, (struct step) { .at = w->now + back_after,
                            .kind = WAKE,
                            .node = i,
                            .boot = n->boot });
}

static void on_activate(struct world *w, uint32_t i,
                        const struct infra_failover_event *e)
{
    struct node *n = &w->nodes[i];
    uint32_t slot = (uint32_t)(e->token % OWNERS);
    bool clean = w->was_clean[slot];

    w->result.activations++;
    if (w->died_at != 0) {
        infra_time took = w->now - w->died_at;
        w->result.takeovers_count++;
        w->result.takeover_max =
            took > w->result.takeover_max ? took : w->result.takeover_max;
        w->died_at = 0;
    }
    if (local(w, n) >= e->valid_until) {
        violate(w, "activated after its end");
    }
    if (e->token <= n->served_token) {
        violate(w, "activated under an old token");
    }
    n->served_token = e->token;
    if (n->is_unfit) {
        violate(w, "activated though it is not fit");
    }
    if (!clean && w->options->mode != SIM_REGRESSED &&
        w->now < w->lapsed_at + w->config.grace / 10 * 9) {
        violate(w, "activated without grace");
    }
    if (!clean && w->config.fence_policy == INFRA_FENCE_REQUIRE &&
        n->fenced_token != e->token) {
        violate(w, "activated without a fence");
    }
    n->serving = e->token;
    n->activated = w->now;
}

static void send(struct world *w, uint32_t i,
                 const struct infra_failover_event *e)
{
    struct node *n = &w->nodes[i];
    struct step s = { .kind = REQUEST, .node = i, .boot = n->boot };
    uint32_t copies = has_faults(w) && chance(w, 100) ? 2 : 1;

    s.request =
        (struct sim_request) { .call = e->call,
                               .incarnation = (uint64_t)n->boot << 8 | i,
                               .token = e->token,
                               .wish = e->wish,
                               .ttl = w->config.ttl,
                               .node = i,
                               .op = e->op };
    for (uint32_t c = 0; c < copies; c++) {
        infra_time d = delay(w);
        s.at = w->now + d;
        if (d != 0 && w->now >= n->mute_until) {
            push(w, s);
        }
    }
}

/* One event of the machine, as its host takes it. */
static void handle(struct world *w, uint32_t i,
                   const struct infra_failover_event *e)
{
    struct node *n = &w->nodes[i];
    struct step s = { .node = i, .boot = n->boot, .number = e->call };

    trace(w,
          e->kind == INFRA_FAILOVER_CALL   ? infra_lease_op_name(e->op)
          : e->kind == INFRA_FAILOVER_ROLE ? infra_failover_role_name(e->role)
          : e->kind == INFRA_FAILOVER_ACTIVATE ? "ACTIVATE"
          : e->kind == INFRA_FAILOVER_DRAIN    ? "DRAIN"
          : e->kind == INFRA_FAILOVER_FENCE    ? "FENCE"
                                               : "STOP",
          i, e->token, e->reason);
    switch (e->kind) {
    case INFRA_FAILOVER_CALL:
        send(w, i, e);
        break;
    case INFRA_FAILOVER_FENCE:
        s.kind = FENCED;
        s.at = w->now + below(w, INFRA_SEC(2));
        s.request.token = e->token;
        push(w, s);
        break;
    case INFRA_FAILOVER_ACTIVATE:
        on_activate(w, i, e);
        break;
    case INFRA_FAILOVER_DRAIN:
        n->is_draining = true;
        s.kind = DRAINED; /* When all that it began is done. */
        s.at = w->now + w->config.guard + below(w, INFRA_SEC(1));
        if (chance(w, 8000)) {
            push(w, s);
        }
        break;
    case INFRA_FAILOVER_DEACTIVATE:
        n->serving = 0;
        n->is_draining = false;
        break;
    default:
        break;
    }
}

/* The host's turn: take what there is, and sleep until the deadline. Anywhere in it
 * the process may be stopped. */
static void turn(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];
    struct infra_failover_event e;
    struct infra_failover_status s = { .size = sizeof s };
    infra_time at;

    for (;;) {
        if (has_faults(w) && chance(w, 10)) {
            n->paused_until = w->now + INFRA_MS(100) + below(w, INFRA_SEC(15));
            trace(w, "stands", i, n->paused_until, 0);
        }
        if (w->now < n->paused_until) {
            at = n->paused_until;
            break;
        }
        if (infra_failover_next(n->machine, local(w, n), &e) != INFRA_OK) {
            (void)infra_failover_inspect(n->machine, &s);
            if (n->serving != 0 && local(w, n) >= s.valid_until) {
                violate(w, "it goes on after its end");
            }
            at = world_at(w, n, infra_failover_deadline(n->machine)) +
                 below(w, INFRA_MS(5));
            break;
        }
        handle(w, i, &e);
        look_at_gates(w);
    }
    n->wake = push(w, (struct step) {
                          .at = at, .kind = WAKE, .node = i, .boot = n->boot });
}

static void at_store(struct world *w, const struct step *s)
{
    struct node *n = &w->nodes[s->node];
    struct step reply = { .kind = REPLY, .node = s->node, .boot = s->boot };
    infra_time now = store_now(w);

    if (w->now < w->outage_until) {
        return;
    }
    uint32_t before = w->store.holder;
    infra_time expires = w->store.expires;
    sim_store_expire(&w->store, now);
    if (before != 0 && w->store.holder == 0) {
        w->lapsed_at = w->now - (now - expires);
    }
    if (s->request.op == INFRA_LEASE_RELEASE && n->boot == s->boot &&
        w->store.holder == s->node + 1 && w->store.token == s->request.token &&
        is_open(w, n, NULL)) {
        violate(w, "released while it is active");
    }
    reply.answer = sim_store_do(&w->store, &s->request, now);
    reply.request = s->request;
    reply.number = s->request.call;
    if (s->request.op == INFRA_LEASE_ACQUIRE &&
        reply.answer.outcome == INFRA_LEASE_GRANTED) {
        uint32_t slot = (uint32_t)(reply.answer.token % OWNERS);
        w->owner_token[slot] = reply.answer.token;
        w->owner_node[slot] = s->node;
        w->was_clean[slot] = w->store.is_clean;
    }
    if (reply.answer.outcome == INFRA_LEASE_GRANTED && w->store.holder != 0) {
        push(w,
             (struct step) {
                 .at = w->now + scale(w->store.expires - now, -w->store_ppm) +
                       INFRA_MS(1),
                 .kind = WATCH });
    }
    for (uint32_t c = has_faults(w) && chance(w, 100) ? 2 : 1; c > 0; c--) {
        infra_time d = delay(w);
        reply.at = w->now + d;
        if (d != 0) {
            push(w, reply);
        }
    }
}

static void on_reply(struct world *w, const struct step *s)
{
    struct node *n = &w->nodes[s->node];

    int err =
        infra_failover_reply(n->machine, s->number, &s->answer, local(w, n));
    trace(w, infra_lease_outcome_name(s->answer.outcome), s->node,
          s->answer.token, (uint64_t)(err == INFRA_OK));
    if (err == INFRA_OK && s->request.op == INFRA_LEASE_RENEW &&
        (s->answer.outcome == INFRA_LEASE_LOST ||
         s->answer.outcome == INFRA_LEASE_CONFLICT) &&
        is_open(w, n, NULL)) {
        violate(w, "it keeps a lease that is lost");
    }
}

/* A worker asks the gate, and what it then does takes effect within the guard,
 * unless the process stands still in between. */
static void work(struct world *w, const struct step *s)
{
    struct node *n = &w->nodes[s->node];
    struct step again = *s;
    uint64_t token = 0;

    again.at = w->now + INFRA_MS(10) + below(w, INFRA_MS(40));
    push(w, again);
    if (n->stalled_since != 0) {
        return;
    }
    infra_gate_attest(&n->gate, local(w, n));
    if (!n->is_draining && is_open(w, n, &token)) {
        again.kind = EFFECT;
        again.number = token;
        again.at = w->now + below(w, w->config.guard * 95 / 100);
        push(w, again);
    }
}

static void effect(struct world *w, const struct step *s, bool was_paused)
{
    uint64_t token = 0;

    w->result.writes++;
    for (uint32_t i = 0; i < w->options->nodes && !was_paused; i++) {
        if (i != s->node && is_open(w, &w->nodes[i], &token) &&
            w->options->mode != SIM_REGRESSED) {
            violate(w, "a write takes effect under another's lease");
        }
    }
    if (infra_fence_admit(&w->fence, s->number) == INFRA_OK) {
        uint32_t slot = (uint32_t)(s->number % OWNERS);
        if (w->owner_token[slot] == s->number &&
            w->owner_node[slot] != s->node &&
            w->options->mode != SIM_REGRESSED) {
            violate(w, "the fence admits two nodes under one token");
        }
    }
}

static void step_clock(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];
    infra_time here = local(w, n);
    /* Less than pause_max on is not told from being late. */
    infra_time by = INFRA_SEC(3) + below(w, INFRA_SEC(20));
    bool back = chance(w, 5000);

    n->clock_base = back ? here - by : here + by;
    n->world_base = w->now;
    trace(w, back ? "clock back" : "clock on", i, by, 0);
    turn(w, i);
    (void)infra_failover_command(n->machine, INFRA_FAILOVER_RESUME,
                                 local(w, n));
}

/* What the operator, or the host, says once in a while. */
static void command(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];

    switch (below(w, 5)) {
    case 0:
        n->is_unfit = !n->is_unfit;
        (void)infra_failover_fit(n->machine, !n->is_unfit, local(w, n));
        break;
    case 1:
        (void)infra_failover_hint(n->machine, local(w, n));
        break;
    default:
        (void)infra_failover_command(n->machine, (uint32_t)below(w, 4),
                                     local(w, n));
        break;
    }
    trace(w, "command", i, n->is_unfit, 0);
    turn(w, i);
}

static void break_node(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];

    switch (below(w, 8)) {
    case 0:
        kill_node(w, i, below(w, INFRA_SEC(20)));
        break;
    case 1:
        n->paused_until = w->now + below(w, INFRA_SEC(20));
        break;
    case 2:
        n->mute_until = w->now + below(w, INFRA_SEC(15));
        break;
    case 3:
        n->deaf_until = w->now + below(w, INFRA_SEC(15));
        break;
    case 4:
        n->stalled_since = n->stalled_since != 0 ? 0 : w->now;
        break;
    case 5:
        step_clock(w, i);
        break;
    default:
        command(w, i);
        break;
    }
}

static void break_store(struct world *w)
{
    switch (below(w, w->options->mode == SIM_REGRESSED ? 4 : 2)) {
    case 0:
        w->outage_until = w->now + below(w, INFRA_SEC(15));
        break;
    case 1: /* A new leader begins all leases anew. */
        if (w->store.holder != 0 && store_now(w) < w->store.expires) {
            w->store.expires = store_now(w) + w->config.ttl;
        }
        break;
    case 2: /* Restored from a backup. */
        w->store.last_token -= below(w, w->store.last_token / 2 + 1);
        break;
    default: /* Revoked by mistake. */
        w->store.holder = 0;
        w->store.is_clean = false;
        break;
    }
}

static void fault(struct world *w)
{
    uint32_t i = (uint32_t)below(w, w->options->nodes);

    push(w, (struct step) { .at = w->now + below(w, INFRA_SEC(4)),
                            .kind = FAULT });
    if (!has_faults(w)) {
        return;
    }
    if (chance(w, 3000)) {
        break_store(w);
    } else if (w->nodes[i].is_alive && w->now >= w->nodes[i].paused_until) {
        break_node(w, i);
    }
}

/* Deliver one step to its node, or put it off while that stands still. */
static void deliver(struct world *w, struct step *s)
{
    struct node *n = &w->nodes[s->node];

    if (s->boot != n->boot) {
        return; /* Of a former life. */
    }
    if (!n->is_alive) {
        start_node(w, s->node);
        return;
    }
    if (w->now < n->paused_until) {
        s->at = n->paused_until;
        s->request.op |= 0x100; /* It was held up. */
        uint64_t order = push(w, *s);
        n->wake = s->kind == WAKE && s->order == n->wake ? order : n->wake;
        return;
    }
    bool was_held_up = (s->request.op & 0x100) != 0;
    s->request.op &= 0xff;
    switch (s->kind) {
    case WAKE:
        if (s->order != n->wake) {
            return;
        }
        break;
    case REPLY:
        if (w->now < n->deaf_until) {
            return;
        }
        on_reply(w, s);
        break;
    case WORK:
        work(w, s);
        return;
    case EFFECT:
        effect(w, s, was_held_up);
        return;
    case FENCED: {
        uint32_t outcome = (uint32_t)below(w, 3);
        if (outcome == INFRA_FENCE_DONE) {
            n->fenced_token = s->request.token;
        }
        (void)infra_failover_fenced(n->machine, s->number, outcome,
                                    local(w, n));
        break;
    }
    default:
        (void)infra_failover_drained(n->machine, local(w, n));
        break;
    }
    look_at_gates(w);
    turn(w, s->node);
}

/* The watch: whoever hears it looks at once. */
static void watch(struct world *w)
{
    if (w->now < w->outage_until || store_now(w) < w->store.expires) {
        return;
    }
    for (uint32_t i = 0; i < w->options->nodes; i++) {
        struct node *n = &w->nodes[i];
        if (n->is_alive && w->now >= n->paused_until &&
            w->now >= n->deaf_until) {
            (void)infra_failover_hint(n->machine, local(w, n));
            turn(w, i);
        }
    }
}

static int32_t draw_drift(struct world *w, bool is_tight)
{
    return is_tight ? chance(w, 5000) ? 9500 : -9500
                    : (int32_t)below(w, 19001) - 9500;
}

static void configure(struct world *w)
{
    static const infra_time ttls[] = { INFRA_SEC(2), INFRA_SEC(3),
                                       INFRA_SEC(10) };
    static const infra_time smalls[] = { INFRA_MS(1), INFRA_MS(60),
                                         INFRA_MS(400) };
    struct infra_failover_options *c = &w->config;

    c->size = sizeof *c;
    c->group = "sim";
    c->ttl = ttls[below(w, 3)];
    c->guard = smalls[below(w, 2) + (c->ttl > INFRA_SEC(2))];
    c->guard =
        c->ttl > INFRA_SEC(3) && chance(w, 5000) ? INFRA_MS(1) : c->guard;
    c->grace = smalls[below(w, 3)];
    c->drain = chance(w, 5000) ? c->ttl / 10 : 0;
    c->attest_max = chance(w, 5000) ? INFRA_MS(800) : 0;
    /* No more room than what is told apart: clocks as bad as they may be. */
    bool is_tight = chance(w, 5000);
    if (is_tight) {
        c->guard = c->grace = INFRA_MS(1);
    }
    c->hold_down = INFRA_SEC(1);
    c->preempt = chance(w, 3000);
    c->fence_policy = chance(w, 3000)   ? INFRA_FENCE_REQUIRE
                      : chance(w, 3000) ? INFRA_FENCE_TRY
                                        : INFRA_FENCE_WAIT;
    w->store.is_clean = true;
    w->store_ppm = draw_drift(w, is_tight);
    for (uint32_t i = 0; i < w->options->nodes; i++) {
        w->nodes[i].ppm = draw_drift(w, is_tight);
        start_node(w, i);
    }
}

/* All is well again: no more faults, and whoever was held down is not. */
static void heal(struct world *w)
{
    w->outage_until = 0;
    for (uint32_t i = 0; i < w->options->nodes; i++) {
        struct node *n = &w->nodes[i];
        n->paused_until = n->mute_until = n->deaf_until = 0;
        n->stalled_since = 0;
        n->is_unfit = false;
        w->config.fence_policy = INFRA_FENCE_WAIT;
        if (n->is_alive) {
            (void)infra_failover_fit(n->machine, 1, local(w, n));
            (void)infra_failover_command(n->machine, INFRA_FAILOVER_RESUME,
                                         local(w, n));
            turn(w, i);
        }
    }
}

static uint32_t count_open(const struct world *w)
{
    uint32_t open = 0;

    for (uint32_t i = 0; i < w->options->nodes; i++) {
        open += is_open(w, &w->nodes[i], NULL);
    }
    return open;
}

struct sim_result sim_run(const struct sim_options *options)
{
    struct world *w = calloc(1, sizeof *w);
    bool healed = false;

    if (w == NULL) {
        abort();
    }
    w->options = options;
    w->random = options->seed;
    configure(w);
    push(w, (struct step) { .at = INFRA_SEC(3), .kind = FAULT });
    while (w->queue_count > 0 && w->result.violation == NULL &&
           w->queue[0].at < END_OF_TIME) {
        struct step s = pop(w);
        w->now = s.at > w->now ? s.at : w->now;
        w->result.steps++;
        if (!healed && !has_faults(w)) {
            healed = true;
            heal(w);
        }
        if (s.kind == FAULT) {
            fault(w);
        } else if (s.kind == WATCH) {
            watch(w);
        } else if (s.kind == REQUEST) {
            at_store(w, &s);
        } else {
            deliver(w, &s);
        }
        look_at_gates(w);
    }
    if (options->mode == SIM_LIVENESS && w->result.violation == NULL &&
        count_open(w) != 1) {
        violate(w, "nobody is active though all is well");
    }
    for (uint32_t i = 0; i < options->nodes; i++) {
        infra_failover_destroy(w->nodes[i].machine);
    }
    struct sim_result result = w->result;
    free(w);
    return result;
}
