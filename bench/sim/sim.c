/* SPDX-License-Identifier: MIT */
/* The loop of the simulation: handle the next arrival, time-out or event until
 * every client has its answer. It hands the servers' answers to the clients. */
#include "sim_internal.h"

#include <stdlib.h>

#define PROGRESS_STEP 65536u

void sim_schedule(struct sim *s, infra_time at, enum sim_event_kind kind,
                  uint32_t index, enum infra_outcome outcome)
{
    struct sim_event event = {
        .at = at, .kind = kind, .index = index, .outcome = outcome
    };

    if (!sim_events_add(&s->events, event)) {
        s->error = INFRA_ENOMEM;
    }
}

static double speed_of(const struct sim_options *o, uint32_t server)
{
    return o->speeds_count > 0 ? o->speeds[server % o->speeds_count] : 1;
}

double sim_rate(const struct sim_options *options, double load)
{
    double speeds = 0;

    for (uint32_t i = 0; i < options->servers; i++) {
        speeds += speed_of(options, i);
    }
    return load * speeds * options->workers / options->service_mean;
}

static void schedule_faults(struct sim *s)
{
    const struct sim_options *o = s->options;
    infra_time delay = sim_time(o->update_delay);

    for (uint32_t i = 0; i < o->faults_count; i++) {
        const struct sim_fault *f = &o->faults[i];
        int is_seen = f->kind == SIM_RESTART || f->kind == SIM_ABSENT;
        if (f->server >= o->servers) {
            continue;
        }
        sim_schedule(s, sim_time(f->begin), SIM_EVENT_BEGIN, i,
                     INFRA_OUTCOME_OK);
        if (f->kind == SIM_RESTART) {
            sim_schedule(s, sim_time(f->begin) + delay, SIM_EVENT_DOWN, i,
                         INFRA_OUTCOME_OK);
        }
        if (f->end > 0) {
            sim_schedule(s, sim_time(f->end), SIM_EVENT_END, i,
                         INFRA_OUTCOME_OK);
        }
        if (f->end > 0 && is_seen) {
            sim_schedule(s, sim_time(f->end) + delay, SIM_EVENT_UP, i,
                         INFRA_OUTCOME_OK);
        }
    }
}

static void handle(struct sim *s, const struct sim_event *event)
{
    const struct sim_fault *fault = &s->options->faults[event->index];

    switch (event->kind) {
    case SIM_EVENT_SERVED:
        sim_server_served(s, event->index, event->at);
        sim_client_answer(s, event->index, event->outcome, event->at);
        break;
    case SIM_EVENT_ANSWERED:
        s->requests[event->index].is_held = 0;
        sim_client_answer(s, event->index, event->outcome, event->at);
        break;
    case SIM_EVENT_RESET:
        sim_client_answer(s, event->index, event->outcome, event->at);
        break;
    case SIM_EVENT_BEGIN:
    case SIM_EVENT_END:
        sim_server_fault(s, fault, event->kind == SIM_EVENT_BEGIN, event->at);
        break;
    case SIM_EVENT_ASKED:
        sim_probe_arrive(s, event->index, event->at);
        break;
    case SIM_EVENT_PROBED:
        sim_probe_answer(s, event->index, event->at);
        break;
    case SIM_EVENT_DOWN:
    case SIM_EVENT_UP:
        sim_balancers_update(s, fault, event->kind == SIM_EVENT_UP, event->at);
        break;
    }
}

/* The servers' work until the last arrival: after that they only drain. */
static void sum_up_servers(struct sim *s, infra_time now)
{
    double sum = 0;
    double most = 0;

    for (uint32_t i = 0; i < s->options->servers; i++) {
        sim_server_account(&s->servers[i], now);
        double busy = s->servers[i].busy_ns;
        sum += busy;
        most = busy > most ? busy : most;
    }
    double mean = sum / s->options->servers;
    if (now > 0 && mean > 0) {
        s->result->utilisation =
            mean / ((double)now * (double)s->options->workers);
        s->result->spread = most / mean;
    }
}

static void loop(struct sim *s)
{
    infra_time arrival = sim_arrivals_next(&s->arrivals);

    while (s->error == INFRA_OK &&
           (arrival != INFRA_TIME_NEVER || s->oldest != SIM_NOBODY)) {
        infra_time event = sim_events_next(&s->events);
        infra_time deadline = sim_client_deadline(s);
        if (event <= deadline && event <= arrival) {
            struct sim_event e = sim_events_take(&s->events);
            handle(s, &e);
        } else if (deadline <= arrival) {
            sim_client_give_up(s, deadline);
        } else {
            infra_time now = arrival;
            sim_client_arrive(s, now);
            arrival = sim_arrivals_next(&s->arrivals);
            if (arrival == INFRA_TIME_NEVER) {
                sum_up_servers(s, now);
            }
            if (s->options->progress != NULL &&
                s->arrived % PROGRESS_STEP == 0) {
                s->options->progress(s->options->user, s->arrived);
            }
        }
    }
}

static int is_valid(const struct sim_options *o)
{
    return o->policy != NULL && o->balancers > 0 && o->servers > 0 &&
           o->workers > 0 && o->service_mean > 0 &&
           (o->rate > 0 || o->trace != NULL);
}

static void init(struct sim *s, struct sim_result *ret,
                 const struct sim_options *o)
{
    s->options = o;
    s->result = ret;
    s->free = s->oldest = s->newest = s->probes_free = SIM_NOBODY;
    s->service_random = sim_stream(o->seed, SIM_STREAM_SERVICE);
    s->keys_random = sim_stream(o->seed, SIM_STREAM_KEYS);
    s->clients_random = sim_stream(o->seed, SIM_STREAM_CLIENTS);
    s->timeout = o->timeout > 0 ? sim_time(o->timeout) : INFRA_TIME_NEVER;
    s->warm_up = (uint64_t)(o->warm_up * (double)o->requests);
    s->measure_begin = sim_time(o->measure_begin);
    s->measure_end =
        o->measure_end > 0 ? sim_time(o->measure_end) : INFRA_TIME_NEVER;
    sim_arrivals_init(&s->arrivals, o);
    sim_keys_init(&s->keys);
    for (uint32_t i = 0; i < o->servers; i++) {
        s->servers[i].speed = speed_of(o, i);
        s->servers[i].recent =
            s->recent != NULL ? &s->recent[i * SIM_LEVELS] : NULL;
    }
    schedule_faults(s);
}

int sim_run(struct sim_result *ret, const struct sim_options *options)
{
    *ret = (struct sim_result) { .retries = 0 };
    if (!is_valid(options)) {
        return INFRA_EINVAL;
    }
    struct sim *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return INFRA_ENOMEM;
    }
    s->servers = calloc(options->servers, sizeof s->servers[0]);
    s->balancers = calloc(options->balancers, sizeof s->balancers[0]);
    s->options = options;
    int is_probed = options->policy == infra_balancer_prequal();
    if (is_probed) {
        s->recent =
            calloc((size_t)options->servers * SIM_LEVELS, sizeof *s->recent);
    }
    if (s->servers == NULL || s->balancers == NULL ||
        (is_probed && s->recent == NULL)) {
        s->error = INFRA_ENOMEM;
    } else {
        init(s, ret, options);
        int err = sim_balancers_create(s);
        s->error = s->error != INFRA_OK ? s->error : err;
    }
    if (s->error == INFRA_OK) {
        loop(s);
    }
    if (s->error == INFRA_OK && !sim_balancers_are_idle(s)) {
        s->error = INFRA_EBUSY;
    }
    int err = s->error;
    sim_balancers_destroy(s);
    free(s->events.heap);
    free(s->requests);
    free(s->probes);
    free(s->recent);
    free(s->balancers);
    free(s->servers);
    free(s);
    return err;
}
