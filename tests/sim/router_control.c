/* SPDX-License-Identifier: MIT */
/* Two control sides: each asks every node again and again, tells its router
 * what was answered, and takes a node that is silent for dead. */
#include "router_sim.h"

#include <stdlib.h>

#define SILENCE_MAX INFRA_MS(700)

static void must(struct router_world *w, int err)
{
    if (err != INFRA_OK) {
        router_violate(w, infra_strerror(err));
    }
}

static void ask_later(struct router_world *w, uint32_t side, uint32_t node)
{
    router_push(w, (struct router_event) { .at = w->now + INFRA_MS(20) +
                                                 router_below(w, INFRA_MS(150)),
                                           .kind = STEP_ASK,
                                           .node = node,
                                           .who = side });
}

void router_start_sides(struct router_world *w)
{
    for (uint32_t i = 0; i < ROUTER_ROUTERS; i++) {
        struct router_side *s = &w->sides[i];
        must(w, infra_router_create(&s->router, &w->options));
        for (uint32_t k = 0; k < ROUTER_READERS; k++) {
            must(w, infra_router_reader_create(&s->readers[k], s->router));
        }
        for (uint32_t node = 0; node < ROUTER_NODES; node++) {
            ask_later(w, i, node);
        }
    }
}

void router_stop_sides(struct router_world *w)
{
    for (uint32_t i = 0; i < ROUTER_ROUTERS; i++) {
        infra_router_destroy(w->sides[i].router);
    }
}

/* What the node says of itself, now. */
static struct router_answer answer_of(const struct router_world *w,
                                      uint32_t node)
{
    const struct router_server *n = &w->nodes[node];
    struct router_answer a = { .role = INFRA_ROUTER_ROLE_NONE };

    if (!n->is_alive || (n->is_apart && !n->is_primary)) {
        return a;
    }
    a.role =
        n->is_primary ? INFRA_ROUTER_ROLE_PRIMARY : INFRA_ROUTER_ROLE_REPLICA;
    a.token = n->is_primary ? n->token : 0;
    a.at = router_mark(w, node, n->applied);
    a.lag = n->is_primary ? 0 : router_lag(w, node);
    a.since = n->since;
    a.is_draining = n->is_draining && !n->is_primary;
    a.valid_until = w->has_leases && n->is_primary ? n->lease_until : 0;
    return a;
}

/* The answer is that of the moment of the question, as bad as it may be. */
void router_ask(struct router_world *w, const struct router_event *e)
{
    struct router_told *told = &w->sides[e->who].told[e->node];
    struct router_event answer = { .at = w->now + router_delay(w),
                                   .kind = STEP_ANSWER,
                                   .node = e->node,
                                   .who = e->who,
                                   .asked_at = w->now };

    ask_later(w, e->who, e->node);
    if (told->ask != 0) {
        if (w->now - told->heard_at < SILENCE_MAX) {
            return;
        }
        answer.at = w->now; /* Taken for dead; what comes late is ignored. */
        answer.answer.role = INFRA_ROUTER_ROLE_NONE;
        told->ask = 0;
    } else if (w->now < w->nodes[e->node].isolated_until ||
               router_chance(w, 2)) {
        told->ask = ++w->orders; /* No answer will come. */
        told->heard_at = w->now;
        return;
    } else {
        answer.answer = answer_of(w, e->node);
        told->ask = answer.number = ++w->orders;
        told->heard_at = w->now;
    }
    router_push(w, answer);
}

static void tell_sample(struct router_world *w, const struct router_event *e)
{
    struct router_side *s = &w->sides[e->who];
    struct router_told *told = &s->told[e->node];
    char text[ROUTER_TEXT_MAX];
    struct infra_router_sample sample = { .size = sizeof sample,
                                          .asked_at = e->asked_at,
                                          .lag = e->answer.lag,
                                          .kind = router_kind(w),
                                          .text = text };

    sample.length = (uint32_t)router_say(w, &e->answer.at, text);
    must(w, infra_router_sample(s->router, e->node, &sample));
    told->asked_at = e->asked_at;
    told->as_of = e->asked_at > e->answer.lag ? e->asked_at - e->answer.lag : 1;
}

void router_answer(struct router_world *w, const struct router_event *e)
{
    struct router_side *s = &w->sides[e->who];
    struct router_told *told = &s->told[e->node];
    const struct router_answer *a = &e->answer;
    struct infra_router_node node = { .size = sizeof node,
                                      .role = a->role,
                                      .token = a->token,
                                      .is_draining = a->is_draining,
                                      .valid_until = a->valid_until };
    struct infra_position since = { 0 };
    char text[ROUTER_TEXT_MAX];

    if (told->ask != e->number && e->number != 0) {
        return; /* It was given up. */
    }
    bool is_new = a->role != told->answer.role;
    told->ask = 0;
    told->answer = *a;
    told->as_of = is_new ? 0 : told->as_of;
    if (a->role == INFRA_ROUTER_ROLE_PRIMARY && w->knows_since) {
        size_t length = router_say(w, &a->since, text);
        must(w, infra_position_parse(router_kind(w), a->token, text, length,
                                     &since));
        node.since = &since;
    }
    must(w, infra_router_set(s->router, e->node, &node));
    router_trace(w, infra_router_role_name(a->role), e->who * 10 + e->node,
                 a->at.applied, e->asked_at / 1000);
    /* The host may not have looked at the position yet. */
    if (a->role != INFRA_ROUTER_ROLE_NONE &&
        !(is_new && router_chance(w, 50))) {
        tell_sample(w, e);
    }
    if (a->role == INFRA_ROUTER_ROLE_PRIMARY) {
        told->token = a->token;
        s->told_token = a->token > s->told_token ? a->token : s->told_token;
    }
    if (router_chance(w, 60)) {
        router_publish(w, e->who);
    } else if (!s->is_publishing) {
        s->is_publishing = true;
        router_push(w, (struct router_event) {
                           .at = w->now + router_below(w, INFRA_MS(80)),
                           .kind = STEP_PUBLISH,
                           .who = e->who });
    }
}

void router_publish(struct router_world *w, uint32_t side)
{
    struct router_side *s = &w->sides[side];

    must(w, infra_router_publish(s->router, w->now));
    s->is_publishing = false;
    s->token = s->told_token;
    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        s->published[i] = s->told[i];
        if (s->told[i].answer.role == INFRA_ROUTER_ROLE_PRIMARY) {
            s->has_seen[s->told[i].answer.token] = true;
        }
    }
    router_release(w, side);
}
