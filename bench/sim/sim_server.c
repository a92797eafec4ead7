/* SPDX-License-Identifier: MIT */
/* A server: first come, first served, by a number of workers. A request whose
 * client gave up is served all the same, as the server does not know. Answers
 * go to the client by the loop (sim.c), so this file calls nothing of it. Each
 * step is O(1), but for a restart, which looks at every request. */
#include "sim_internal.h"

static const double refused_after = 1e-3;
static const double failed_after = 1e-4;

void sim_server_account(struct sim_server *server, infra_time now)
{
    server->busy_ns += (double)server->busy * (double)(now - server->changed);
    server->changed = now;
}

static void serve(struct sim *s, uint32_t request, infra_time now)
{
    const struct sim_request *r = &s->requests[request];
    struct sim_server *server = &s->servers[r->server];
    double seconds = r->demand / server->speed;

    if (server->fault != NULL && server->fault->kind == SIM_SLOW) {
        seconds += server->fault->extra;
    }
    sim_server_account(server, now);
    server->busy++;
    sim_schedule(s, now + sim_time(seconds), SIM_EVENT_SERVED, request,
                 INFRA_OUTCOME_OK);
}

static void wait_in_queue(struct sim *s, uint32_t request)
{
    struct sim_server *server = &s->servers[s->requests[request].server];

    s->requests[request].next = SIM_NOBODY;
    if (server->waiting++ == 0) {
        server->first = request;
    } else {
        s->requests[server->last].next = request;
    }
    server->last = request;
}

static uint32_t leave_queue(struct sim *s, struct sim_server *server)
{
    uint32_t request = server->first;

    server->first = s->requests[request].next;
    server->waiting--;
    return request;
}

static void answer_later(struct sim *s, uint32_t request,
                         enum infra_outcome outcome, infra_time now)
{
    double delay =
        outcome == INFRA_OUTCOME_REFUSED ? refused_after : failed_after;

    sim_schedule(s, now + sim_time(delay), SIM_EVENT_ANSWERED, request,
                 outcome);
}

void sim_server_accept(struct sim *s, uint32_t request, infra_time now)
{
    const struct sim_options *o = s->options;
    struct sim_server *server = &s->servers[s->requests[request].server];

    s->requests[request].is_held = 1;
    s->requests[request].accepted = now;
    s->requests[request].beside = sim_server_in_flight(server);
    if (server->fault != NULL && server->fault->kind == SIM_FAIL_FAST) {
        answer_later(s, request, INFRA_OUTCOME_ERROR, now);
    } else if (server->fault != NULL && server->fault->kind != SIM_SLOW) {
        answer_later(s, request, INFRA_OUTCOME_REFUSED, now);
    } else if (server->busy < o->workers) {
        serve(s, request, now);
    } else if (o->queue_max > 0 && server->waiting >= o->queue_max) {
        answer_later(s, request, INFRA_OUTCOME_ERROR, now);
    } else {
        wait_in_queue(s, request);
    }
}

void sim_server_served(struct sim *s, uint32_t request, infra_time now)
{
    const struct sim_request *r = &s->requests[request];
    struct sim_server *server = &s->servers[r->server];

    if (!r->is_lost) {
        sim_server_account(server, now);
        sim_probe_note(server, r, now);
        server->busy--;
        if (server->waiting > 0) {
            serve(s, leave_queue(s, server), now);
        }
    }
    s->requests[request].is_held = 0;
}

/* The connection of a request breaks off, at once. */
static void reset(struct sim *s, uint32_t request, infra_time now)
{
    sim_schedule(s, now, SIM_EVENT_RESET, request, INFRA_OUTCOME_RESET);
}

/* All requests in service and in the queue break off. */
static void restart(struct sim *s, uint32_t index, infra_time now)
{
    struct sim_server *server = &s->servers[index];

    sim_server_account(server, now);
    server->busy = 0;
    while (server->waiting > 0) {
        uint32_t request = leave_queue(s, server);
        s->requests[request].is_held = 0;
        reset(s, request, now);
    }
    for (uint32_t i = 0; i < s->requests_size; i++) {
        struct sim_request *r = &s->requests[i];
        if (r->is_held && !r->is_lost && r->server == index) {
            r->is_lost = 1; /* Its event is still to come. */
            reset(s, i, now);
        }
    }
}

/* One connection breaks off; the server works on, as it does not know. */
static void reset_one(struct sim *s, uint32_t index, infra_time now)
{
    for (uint32_t i = 0; i < s->requests_size; i++) {
        const struct sim_request *r = &s->requests[i];
        if (r->is_held && r->is_open && r->server == index) {
            reset(s, i, now);
            return;
        }
    }
}

void sim_server_fault(struct sim *s, const struct sim_fault *fault,
                      int is_beginning, infra_time now)
{
    if (fault->kind == SIM_RESET) {
        if (is_beginning) {
            reset_one(s, fault->server, now);
        }
        return;
    }
    s->servers[fault->server].fault = is_beginning ? fault : NULL;
    if (is_beginning && fault->kind == SIM_RESTART) {
        restart(s, fault->server, now);
    }
}
