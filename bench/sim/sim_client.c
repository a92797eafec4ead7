/* SPDX-License-Identifier: MIT */
/* The clients, and the balancers between them and the servers, as a host would
 * write them: pick, work, report the latency of a success, release with the
 * outcome. A refused connection is tried again on another backend, at most
 * twice; any other failure is the client's answer. */
#include "sim_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* A server's weight is its speed. */
static int add_backend(struct sim_balancer *b, const struct sim_options *o,
                       uint32_t id)
{
    char key[32];

    snprintf(key, sizeof key, "10.%u.%u.%u:80", (unsigned)(id >> 16),
             (unsigned)(id >> 8 & 255u), (unsigned)(id & 255u));
    struct infra_backend backend = {
        .size = sizeof backend,
        .key = key,
        .id = id,
        .weight = o->speeds_count > 0 && !o->weights_are_even
                      ? o->speeds[id % o->speeds_count]
                      : 1,
        .in_flight_max = o->in_flight_max,
    };
    return infra_balancer_set(b->control, &backend, 0);
}

static int is_absent(const struct sim_options *o, uint32_t id)
{
    for (uint32_t i = 0; i < o->faults_count; i++) {
        if (o->faults[i].kind == SIM_ABSENT && o->faults[i].server == id) {
            return 1;
        }
    }
    return 0;
}

static int create_one(struct sim_balancer *b, const struct sim_options *o,
                      uint64_t seed)
{
    struct infra_balancer_options options = {
        .size = sizeof options,
        .policy = o->policy,
        .seed = seed,
        .ids_max = o->servers,
    };
    int err = infra_balancer_create(&b->control, &options);

    for (uint32_t id = 0; err == INFRA_OK && id < o->servers; id++) {
        if (!is_absent(o, id)) {
            err = add_backend(b, o, id);
        }
    }
    if (err == INFRA_OK) {
        err = infra_balancer_publish(b->control, 0);
    }
    if (err == INFRA_OK) {
        err = infra_balancer_reader_create(&b->reader, b->control);
    }
    return err;
}

int sim_balancers_create(struct sim *s)
{
    uint64_t seeds = sim_stream(s->options->seed, SIM_STREAM_BALANCERS);
    int err = INFRA_OK;

    for (uint32_t i = 0; err == INFRA_OK && i < s->options->balancers; i++) {
        err = create_one(&s->balancers[i], s->options, sim_random(&seeds));
    }
    return err;
}

int sim_balancers_are_idle(const struct sim *s)
{
    for (uint32_t i = 0; i < s->options->balancers; i++) {
        for (uint32_t id = 0; id < s->options->servers; id++) {
            struct infra_balancer_status stats = { .size = sizeof stats };
            if (infra_balancer_inspect(s->balancers[i].control, id, &stats) ==
                    INFRA_OK &&
                stats.in_flight != 0) {
                return 0;
            }
        }
    }
    return 1;
}

void sim_balancers_destroy(struct sim *s)
{
    for (uint32_t i = 0; s->balancers != NULL && i < s->options->balancers;
         i++) {
        infra_balancer_reader_destroy(s->balancers[i].reader);
        infra_balancer_destroy(s->balancers[i].control);
    }
}

void sim_balancers_update(struct sim *s, const struct sim_fault *fault,
                          int is_up, infra_time now)
{
    for (uint32_t i = 0; i < s->options->balancers; i++) {
        struct sim_balancer *b = &s->balancers[i];
        int err = fault->kind == SIM_ABSENT
                      ? add_backend(b, s->options, fault->server)
                      : infra_balancer_mark(b->control, fault->server,
                                            INFRA_BALANCER_AXIS_HEALTH,
                                            is_up ? INFRA_BALANCER_STATE_UP
                                                  : INFRA_BALANCER_STATE_DOWN);
        if (err == INFRA_OK) {
            err = infra_balancer_publish(b->control, now);
        }
        if (err != INFRA_OK) {
            s->error = err;
        }
    }
}

static void let_go(struct sim *s, uint32_t request)
{
    struct sim_request *r = &s->requests[request];

    if (!r->is_open && !r->is_held) {
        r->next = s->free;
        s->free = request;
    }
}

/* The client has its answer. */
static void end(struct sim *s, uint32_t request, int is_ok, infra_time now)
{
    struct sim_request *r = &s->requests[request];
    infra_time latency = now - r->arrived;

    *(r->older != SIM_NOBODY ? &s->requests[r->older].newer : &s->oldest) =
        r->newer;
    *(r->newer != SIM_NOBODY ? &s->requests[r->newer].older : &s->newest) =
        r->older;
    r->is_open = 0;
    if (r->is_measured) {
        histogram_add(&s->result->latency, latency);
        s->result->errors += !is_ok;
        s->result->within += is_ok && latency <= sim_time(s->options->within);
    }
    let_go(s, request);
}

static void attempt(struct sim *s, uint32_t request, infra_time now)
{
    struct sim_request *r = &s->requests[request];
    const struct infra_request what = {
        .tried = r->tried,
        .tried_count = r->tried_count,
        .hash = r->hash,
    };
    int id = infra_balancer_pick(s->balancers[r->balancer].reader, &what, now,
                                 &r->ticket);

    if (id < 0) {
        s->result->unpicked++;
        end(s, request, 0, now);
        return;
    }
    r->picked = now;
    r->server = (uint32_t)id;
    if (s->recent != NULL) {
        sim_probe_send(s, r->balancer, now);
    }
    sim_server_accept(s, request, now);
}

static void release(struct sim *s, struct sim_request *r,
                    enum infra_outcome outcome, infra_time now)
{
    struct infra_balancer_reader *reader = s->balancers[r->balancer].reader;
    int err = INFRA_OK;

    if (outcome == INFRA_OUTCOME_OK) {
        err =
            infra_balancer_report(reader, &r->ticket, outcome, now - r->picked);
    }
    if (err == INFRA_OK) {
        err = infra_balancer_release(reader, &r->ticket, outcome, now);
    }
    if (err != INFRA_OK) {
        s->error = err;
    }
}

void sim_client_answer(struct sim *s, uint32_t request,
                       enum infra_outcome outcome, infra_time now)
{
    struct sim_request *r = &s->requests[request];

    if (!r->is_open) {
        let_go(s, request);
        return;
    }
    release(s, r, outcome, now);
    if (outcome == INFRA_OUTCOME_REFUSED && r->tried_count < SIM_RETRIES_MAX) {
        r->tried[r->tried_count++] = r->server;
        s->result->retries++;
        attempt(s, request, now);
        return;
    }
    end(s, request, outcome == INFRA_OUTCOME_OK, now);
}

infra_time sim_client_deadline(const struct sim *s)
{
    if (s->oldest == SIM_NOBODY || s->timeout == INFRA_TIME_NEVER) {
        return INFRA_TIME_NEVER;
    }
    return s->requests[s->oldest].arrived + s->timeout;
}

void sim_client_give_up(struct sim *s, infra_time now)
{
    uint32_t request = s->oldest;

    release(s, &s->requests[request], INFRA_OUTCOME_TIMEOUT, now);
    end(s, request, 0, now);
}

/* 0: no memory. */
static int grow(struct sim *s)
{
    uint32_t size = s->requests_size > 0 ? 2 * s->requests_size : 1024;
    struct sim_request *requests =
        realloc(s->requests, size * sizeof requests[0]);

    if (requests == NULL) {
        return 0;
    }
    for (uint32_t i = size; i-- > s->requests_size;) {
        requests[i] = (struct sim_request) { .next = s->free };
        s->free = i;
    }
    s->requests = requests;
    s->requests_size = size;
    return 1;
}

void sim_client_arrive(struct sim *s, infra_time now)
{
    const struct sim_options *o = s->options;

    if (s->free == SIM_NOBODY && !grow(s)) {
        s->error = INFRA_ENOMEM;
        return;
    }
    uint32_t request = s->free;
    struct sim_request *r = &s->requests[request];
    s->free = r->next;
    *r = (struct sim_request) {
        .arrived = now,
        .demand = sim_service_time(o, &s->service_random),
        .hash = sim_key(&s->keys, &s->keys_random),
        .balancer =
            (uint32_t)((sim_random(&s->clients_random) >> 32) * o->balancers >>
                       32),
        .older = s->newest,
        .newer = SIM_NOBODY,
        .is_open = 1,
        .is_measured = s->arrived >= s->warm_up && now >= s->measure_begin &&
                       now < s->measure_end,
    };
    if (o->trace != NULL && o->trace->hashes[s->arrived] != 0) {
        r->hash = o->trace->hashes[s->arrived];
    }
    *(s->newest != SIM_NOBODY ? &s->requests[s->newest].newer : &s->oldest) =
        request;
    s->newest = request;
    s->arrived++;
    attempt(s, request, now);
}
