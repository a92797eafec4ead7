/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: a prober, as the host sees it (prober.c) and as the
 * driver runs it (checks.c). */
#ifndef INFRA_DRIVER_PROBER_H
#define INFRA_DRIVER_PROBER_H

#include "driver.h"
#include "pace.h"

enum infra__line {
    INFRA__LINE_CHECKS,  /* Due, and held by a limit. */
    INFRA__LINE_CHANGES, /* For the host. */
    INFRA__LINES,
};

struct infra__place {
    struct infra__backend *previous;
    struct infra__backend *next;
    bool taken;
};

struct infra__backend {
    struct infra__job job;
    struct infra__address address;
    struct infra_prober *prober;
    struct infra_probe *probe;
    char *tls_name;                   /* Allocated; NULL: none. */
    struct infra_probe_result result; /* Of the last check that ended. */
    struct infra_health_event change; /* While it is in that line. */
    struct infra__place places[INFRA__LINES];
    uint64_t key_hash;
    uint64_t check; /* That waits or runs. */
    infra_time due; /* Of that check. */
    uint32_t id;
    uint32_t known; /* What the host takes it for: UP, DEGRADED or DOWN. */
};

struct infra_prober {
    struct infra_allocator allocator;
    struct infra__client client;
    struct infra_driver *driver;
    struct infra_health *health;
    struct infra_transport tls; /* Without functions: there is none. */
    struct infra__pace pace;
    struct {
        struct infra__backend *first;
        struct infra__backend *last;
    } lines[INFRA__LINES];
    struct infra_health_event doubt; /* While it waits: DOUBT or TRUST. */
    uint64_t started;
    infra_time late_max;
    uint32_t waiting;
    uint32_t running;
    uint32_t concurrency_max;
    uint32_t ids_max;
    uint32_t initial; /* Kind of a backend that was just set. */
    bool doubt_changed;
    struct infra__backend *backends[]; /* By id; NULL: not checked. */
};

/* The prober's turn in a step of the driver. */
void infra__prober_turn(void *self, infra_time now);
infra_time infra__prober_deadline(const void *self);
bool infra__prober_pending(const void *self);

/* A job of a backend is over. */
void infra__check_done(void *owner, infra_time now);
/* Forget the check that waits or runs; the schedule hears nothing of it. */
void infra__check_drop(struct infra__backend *b);
/* Cut short the check that runs; the schedule repeats it soon, unless the
 * backend is another one now. */
void infra__check_abandon(struct infra__backend *b, infra_time now);

/* Take a backend out of a line, if it is there. */
void infra__line_leave(struct infra__backend *b, enum infra__line line);

#endif
