/* SPDX-License-Identifier: MIT */
/* Private to the simulation: the state of a run. sim.c is the loop. It calls
 * sim_client.c (clients and balancers), sim_server.c and sim_probe.c (Prequal);
 * the client calls the server, never the other way round. */
#ifndef BENCH_SIM_INTERNAL_H
#define BENCH_SIM_INTERNAL_H

#include "sim_arrivals.h"
#include "sim_events.h"
#include "sim_random.h"

#define SIM_NOBODY UINT32_MAX
#define SIM_RETRIES_MAX 2u

/* A client's request. It lives until the client has its answer (or gave up) and
 * its last attempt has left server and wire. */
struct sim_request {
    infra_time arrived;
    infra_time picked; /* The current attempt. */
    double demand;     /* Seconds at speed 1. */
    uint64_t hash;
    struct infra_ticket ticket;
    uint32_t tried[SIM_RETRIES_MAX];
    uint32_t tried_count;
    uint32_t balancer;
    uint32_t server;
    infra_time accepted; /* By the server. */
    uint32_t beside;     /* In flight at the server then. */
    uint32_t older; /* List of requests with a waiting client, by arrival. */
    uint32_t newer;
    uint32_t next;       /* In a server's queue, or free. */
    uint8_t is_open;     /* The client waits. */
    uint8_t is_held;     /* By a queue or an event. */
    uint8_t is_lost;     /* Its server restarted under it. */
    uint8_t is_measured; /* Arrived in the part that counts. */
};

/* The times of a server's last requests that met about as many others. */
enum { SIM_RECENT = 9 };
struct sim_recent {
    float seconds[SIM_RECENT];
    uint32_t count; /* Ever. */
};
enum { SIM_LEVELS = 48 };

struct sim_server {
    const struct sim_fault *fault; /* The current one, or NULL. */
    struct sim_recent *recent;     /* SIM_LEVELS of them; NULL: not probed. */
    double speed;
    uint32_t busy; /* Workers. */
    uint32_t waiting;
    uint32_t first; /* Waiting. */
    uint32_t last;
    infra_time changed; /* When `busy` did. */
    double busy_ns;     /* Its integral over time until then. */
};

/* On its way to the server or back. */
struct sim_probe {
    struct infra_balancer_probe probe;
    infra_time latency;
    uint32_t in_flight;
    uint32_t balancer;
    uint32_t next; /* Free. */
};

struct sim_balancer {
    struct infra_balancer *control;
    struct infra_balancer_reader *reader;
};

struct sim {
    const struct sim_options *options;
    struct sim_result *result;
    struct sim_arrival_process arrivals;
    struct sim_keys keys;
    struct sim_events events;
    struct sim_request *requests;
    uint32_t requests_size;
    uint32_t free;
    uint32_t oldest; /* With a waiting client. */
    uint32_t newest;
    struct sim_server *servers;
    struct sim_recent *recent; /* Of all servers. */
    struct sim_balancer *balancers;
    struct sim_probe *probes;
    uint32_t probes_size;
    uint32_t probes_free;
    uint64_t service_random;
    uint64_t keys_random;
    uint64_t clients_random;
    infra_time timeout; /* INFRA_TIME_NEVER: none. */
    uint64_t warm_up;   /* Requests. */
    infra_time measure_begin;
    infra_time measure_end;
    uint64_t arrived;
    int error; /* The first that occurred; the run stops. */
};

static inline infra_time sim_time(double seconds)
{
    return (infra_time)(seconds * 1e9);
}

void sim_schedule(struct sim *s, infra_time at, enum sim_event_kind kind,
                  uint32_t index, enum infra_outcome outcome);

/* sim_client.c */
int sim_balancers_create(struct sim *s);
/* 1 if every ticket was given back. */
int sim_balancers_are_idle(const struct sim *s);
void sim_balancers_destroy(struct sim *s);
/* The balancers learn of a fault's beginning or end. */
void sim_balancers_update(struct sim *s, const struct sim_fault *fault,
                          int is_up, infra_time now);
void sim_client_arrive(struct sim *s, infra_time now);
/* The outcome of an attempt. Frees the request once neither client nor server
 * holds it. */
void sim_client_answer(struct sim *s, uint32_t request,
                       enum infra_outcome outcome, infra_time now);
/* The time at which the oldest client gives up. */
infra_time sim_client_deadline(const struct sim *s);
void sim_client_give_up(struct sim *s, infra_time now);

/* sim_server.c */
void sim_server_accept(struct sim *s, uint32_t request, infra_time now);
/* The request leaves its worker; its client is still to be answered. */
void sim_server_served(struct sim *s, uint32_t request, infra_time now);
void sim_server_fault(struct sim *s, const struct sim_fault *fault,
                      int is_beginning, infra_time now);
/* In service and waiting. */
static inline uint32_t sim_server_in_flight(const struct sim_server *server)
{
    return server->busy + server->waiting;
}
/* Bring busy_ns up to now. */
void sim_server_account(struct sim_server *server, infra_time now);

/* sim_probe.c */
/* Send the probes that are due, after a pick. */
void sim_probe_send(struct sim *s, uint32_t balancer, infra_time now);
void sim_probe_arrive(struct sim *s, uint32_t probe, infra_time now);
void sim_probe_answer(struct sim *s, uint32_t probe, infra_time now);
/* A request was served: remember its time for the answers to probes. */
void sim_probe_note(struct sim_server *server, const struct sim_request *r,
                    infra_time now);

#endif
