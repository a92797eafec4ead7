/* SPDX-License-Identifier: MIT */
/* Prequal's probes. A balancer asks with each pick, and the question and the
 * answer each take half of a round trip. A server that serves tells how many
 * requests it has in flight and the median time of the last that met about as
 * many when they came, as in the paper; one that does not serve tells nothing.
 * One that fails fast does tell: that it has nothing to do. */
#include "sim_internal.h"

#include <stdlib.h>
#include <string.h>

static const double one_way = 50e-6;

/* Which of SIM_LEVELS: each number up to 16, then four to a doubling. */
static uint32_t level_of(uint32_t in_flight)
{
    uint32_t shift = 0;

    if (in_flight < 16) {
        return in_flight;
    }
    while (in_flight >> shift >= 8) {
        shift++;
    }
    uint32_t level = 8 + 4 * shift + (in_flight >> shift & 3u);
    return level < SIM_LEVELS ? level : SIM_LEVELS - 1;
}

void sim_probe_note(struct sim_server *server, const struct sim_request *r,
                    infra_time now)
{
    if (server->recent != NULL) {
        struct sim_recent *recent = &server->recent[level_of(r->beside)];
        recent->seconds[recent->count++ % SIM_RECENT] =
            (float)(now - r->accepted) * 1e-9f;
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;

    return (x > y) - (x < y);
}

static infra_time median(const struct sim_recent *recent)
{
    uint32_t count = recent->count < SIM_RECENT ? recent->count : SIM_RECENT;
    float seconds[SIM_RECENT];

    memcpy(seconds, recent->seconds, sizeof seconds);
    qsort(seconds, count, sizeof seconds[0], by_value);
    return sim_time((double)seconds[count / 2]);
}

/* At the nearest level of which anything is known; 0: at none. */
static infra_time estimate(const struct sim_server *server)
{
    uint32_t level = level_of(sim_server_in_flight(server));

    for (uint32_t d = 0; d < SIM_LEVELS; d++) {
        if (level >= d && server->recent[level - d].count > 0) {
            return median(&server->recent[level - d]);
        }
        if (level + d < SIM_LEVELS && server->recent[level + d].count > 0) {
            return median(&server->recent[level + d]);
        }
    }
    return 0;
}

/* 0: no memory. */
static int grow(struct sim *s)
{
    uint32_t size = s->probes_size > 0 ? 2 * s->probes_size : 256;
    struct sim_probe *probes = realloc(s->probes, size * sizeof probes[0]);

    if (probes == NULL) {
        return 0;
    }
    for (uint32_t i = size; i-- > s->probes_size;) {
        probes[i] = (struct sim_probe) { .next = s->probes_free };
        s->probes_free = i;
    }
    s->probes = probes;
    s->probes_size = size;
    return 1;
}

static void let_go(struct sim *s, uint32_t probe)
{
    s->probes[probe].next = s->probes_free;
    s->probes_free = probe;
}

void sim_probe_send(struct sim *s, uint32_t balancer, infra_time now)
{
    struct infra_balancer_probe probes[INFRA_BALANCER_PROBES_MAX];
    int count = infra_balancer_probes_next(s->balancers[balancer].reader, now,
                                           probes, INFRA_BALANCER_PROBES_MAX);

    for (int i = 0; i < count; i++) {
        if (s->probes_free == SIM_NOBODY && !grow(s)) {
            s->error = INFRA_ENOMEM;
            return;
        }
        uint32_t probe = s->probes_free;
        s->probes_free = s->probes[probe].next;
        s->probes[probe] =
            (struct sim_probe) { .probe = probes[i], .balancer = balancer };
        sim_schedule(s, now + sim_time(one_way), SIM_EVENT_ASKED, probe,
                     INFRA_OUTCOME_OK);
    }
    s->error = count < 0 ? count : s->error;
}

void sim_probe_arrive(struct sim *s, uint32_t probe, infra_time now)
{
    struct sim_probe *p = &s->probes[probe];
    const struct sim_server *server = &s->servers[p->probe.id];

    if (server->fault != NULL && server->fault->kind != SIM_SLOW &&
        server->fault->kind != SIM_FAIL_FAST) {
        let_go(s, probe);
        return;
    }
    p->in_flight = sim_server_in_flight(server);
    p->latency = estimate(server);
    sim_schedule(s, now + sim_time(one_way), SIM_EVENT_PROBED, probe,
                 INFRA_OUTCOME_OK);
}

void sim_probe_answer(struct sim *s, uint32_t probe, infra_time now)
{
    const struct sim_probe *p = &s->probes[probe];
    int err =
        infra_balancer_probe_answer(s->balancers[p->balancer].reader, &p->probe,
                                    p->in_flight, p->latency, now);

    let_go(s, probe);
    if (err != INFRA_OK && err != INFRA_ESTALE) {
        s->error = err;
    }
}
