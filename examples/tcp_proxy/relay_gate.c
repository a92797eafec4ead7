/* SPDX-License-Identifier: MIT */
/*
 * A relay that serves only while a gate is open (shared_gates.h).  It looks
 * each turn, and turns at least each GATE_LOOK.  The port is bound from the
 * start, so that an error shows early, but it listens only while new sessions
 * may begin.  A session is cut when its gate has shut: before it moves another
 * byte if it is ready, else at the end of the turn.
 */
#include "relay_private.h"

#include <errno.h>
#include <infra/driver.h>

/* Limit for noticing a gate, and interval of attestation. */
#define GATE_LOOK INFRA_MS(10)

infra_time relay_gate_deadline(const struct relay *relay)
{
    return relay->options.gates == NULL ? INFRA_TIME_NEVER
                                        : relay->now + GATE_LOOK;
}

bool relay_gate_allows(const struct relay *relay, const struct relay_session *s)
{
    uint64_t token = 0;

    if (s->pass.gate == NULL) {
        return shared_gates_allow(relay->options.gates, relay->now);
    }
    /* Open with another token: a later term. */
    return infra_gate_is_open(&s->pass.gate->gate, relay->now, &token) == 1 &&
           token == s->pass.token;
}

bool relay_gate_admits(const struct relay *relay, int fd,
                       struct relay_pass *ret)
{
    struct sockaddr_storage local;
    socklen_t size = sizeof local;

    *ret = (struct relay_pass) { 0 };
    if (relay->options.gates == NULL) {
        return true;
    }
    if (getsockname(fd, (struct sockaddr *)&local, &size) != 0) {
        return false;
    }
    ret->gate = shared_gates_find(relay->options.gates, &local);
    if (ret->gate == NULL) {
        return shared_gates_allow(relay->options.gates, relay->now);
    }
    /* Serve the clients that were in the queue when a drain began and the
     * listener is about to be closed. */
    return relay->listens
               ? infra_gate_admits(&ret->gate->gate, relay->now, &ret->token)
               : infra_gate_is_open(&ret->gate->gate, relay->now, &ret->token);
}

void relay_gate_enter(const struct relay_session *s)
{
    if (s->pass.gate != NULL) {
        atomic_fetch_add(&s->pass.gate->sessions, 1);
    }
}

void relay_gate_leave(const struct relay_session *s)
{
    if (s->pass.gate != NULL) {
        atomic_fetch_sub(&s->pass.gate->sessions, 1);
    }
}

/* A ready session is served, or cut, in the next turn. */
static void cut_idle(struct relay *relay)
{
    for (int i = 0; i < RELAY_PHASES; i++) {
        struct relay_link *list = &relay->phases[i];
        for (struct relay_link *l = list->next, *next; l != list; l = next) {
            struct relay_session *s = (struct relay_session *)l;
            next = l->next;
            if (!s->ready && !relay_gate_allows(relay, s)) {
                relay_session_cut(relay, s);
            }
        }
    }
}

/* Has a term ended since the last look? */
static bool has_ended(struct relay *relay)
{
    const struct shared_gates *gates = relay->options.gates;
    bool result = false;

    for (uint32_t i = 0; i < gates->count; i++) {
        uint64_t token = 0;
        (void)infra_gate_is_open(&gates->gates[i].gate, relay->now, &token);
        result |= relay->tokens[i] != 0 && relay->tokens[i] != token;
        relay->tokens[i] = token;
    }
    return result;
}

int relay_gate_follow(struct relay *relay)
{
    if (relay->options.gates == NULL) {
        return 0;
    }
    atomic_store_explicit(&relay->turned_at, relay->now, memory_order_relaxed);
    if (has_ended(relay)) {
        cut_idle(relay);
    }
    bool admits = !atomic_load(&relay->draining) &&
                  shared_gates_admit(relay->options.gates, relay->now);
    if (admits == relay->listens) {
        return 0;
    }
    return admits ? relay_listen(relay) : relay_rebind(relay);
}
