/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: a prober. prober.c is what the host calls,
 * prober_targets.c sets and removes, prober_gone.c keeps the checks of removed
 * targets, prober_checks.c runs checks. */
#ifndef INFRA_DRIVER_PROBER_H
#define INFRA_DRIVER_PROBER_H

#include "internal.h"
#include "rate_limit.h"

/* How long a check goes on after its target was removed, and how long its
 * result is kept for the next check of the same key. */
#define INFRA__RESULT_KEPT_FOR INFRA_SEC(10)

enum infra__line {
    INFRA__LINE_CHECKS,  /* Due, and held by a limit. */
    INFRA__LINE_CHANGES, /* Of health, for the host. */
    INFRA__LINE_WISHES,  /* Of backends, for the host. */
    INFRA__LINES,
};

struct infra__place {
    struct infra__target *previous;
    struct infra__target *next;
    bool taken;
};

/* A backend's request, in the fields of an event. */
struct infra__wish {
    uint32_t has; /* 0: nothing. */
    uint32_t admin;
    uint32_t weight_percent;
    uint32_t weight;
    uint32_t in_flight_max;
};

struct infra__target {
    struct infra__job job;
    struct infra__address address;
    struct infra_prober *prober;
    struct infra_probe *probe;
    struct infra_probe *next_probe;   /* After the running check; or NULL. */
    struct infra__target *gone_next;  /* While it is gone. */
    char *tls_name;                   /* Allocated; NULL: none. */
    struct infra_probe_result result; /* Of the last check that ended. */
    struct infra_health_event change; /* While in LINE_CHANGES. */
    struct infra__place places[INFRA__LINES];
    struct infra__wish wish;
    struct infra__wish known_wish; /* The last one the host took. */
    infra_time wished_at;
    uint64_t key_hash;
    uint64_t check;        /* The call of the waiting or running check. */
    infra_time due;        /* Of that check. */
    infra_time ended_at;   /* With has_ended. */
    infra_time gone_until; /* With is_gone. */
    uint32_t id;
    uint32_t known; /* The last change the host took: UP, DEGRADED or DOWN. */
    bool is_gone;   /* Removed, in no line but LINE_CHECKS. */
    bool has_ended; /* Its check did, without a call that waits for it. */
};

struct infra_prober {
    struct infra_allocator allocator;
    struct infra__client client;
    struct infra_driver *driver;
    struct infra_health *health;
    struct infra_tls tls; /* Without functions: no TLS. */
    struct infra__pace pace;
    struct {
        struct infra__target *first;
        struct infra__target *last;
    } lines[INFRA__LINES];
    struct infra__target *gone;      /* Removed, with a check going on. */
    struct infra_health_event doubt; /* DOUBT or TRUST, for the host. */
    uint64_t started;
    infra_time late_max;
    uint32_t waiting;
    uint32_t running;
    uint32_t concurrency_max;
    uint32_t ids_max;
    uint32_t initial; /* enum infra_health_initial */
    bool doubt_changed;
    struct infra__target *targets[]; /* By id; NULL: not checked. */
};

/* The prober's turn in a step of the driver. */
void infra__prober_turn(void *self, infra_time now);
infra_time infra__prober_deadline(const void *self);
bool infra__prober_pending(const void *self);

/* A target's job is over. */
void infra__check_done(void *owner, infra_time now);
/* Answer the call with the last result, if the call still waits. */
void infra__check_answer(struct infra__target *t, infra_time now);
/* Drop the waiting or running check, without an answer. */
void infra__check_drop(struct infra__target *t);
/* Cut the running check short; the schedule repeats it soon, unless the id has
 * another key now. */
void infra__check_abandon(struct infra__target *t, infra_time now);

/* Put a target at the end of a line that it is not in; take it out, if it is
 * in. */
void infra__line_enter(struct infra__target *t, enum infra__line line);
void infra__line_leave(struct infra__target *t, enum infra__line line);
/* Queue a change of health for the host. */
void infra__change_queue(struct infra__target *t,
                         const struct infra_health_event *change);

/* Free a target that has no id, with its probes. */
void infra__target_free(struct infra__target *t);

/* Does it have this key, address and name? */
bool infra__target_is(const struct infra__target *t, uint64_t key_hash,
                      const struct infra__address *address, const char *name);

/* Use the probe given last; no check runs. */
void infra__probe_turn_over(struct infra__target *t);

/* Put one that is gone in the place of one with the same key. */
void infra__prober_replace(struct infra__target *t, struct infra__target *gone);

/* Merge the request of the last result into the wish. */
void infra__wish_note(struct infra__target *t, infra_time now);
/* Queue the wish for the host, unless the host knows it. */
void infra__wish_queue(struct infra__target *t);

/* Does a check wait or run? Then it may go on without its id until its key is
 * set again. */
bool infra__gone_is_worth(const struct infra__target *t);
void infra__gone_enter(struct infra__target *t);
struct infra__target *infra__gone_find(const struct infra_prober *p,
                                       uint64_t key_hash,
                                       const struct infra__address *address,
                                       const char *tls_name);
void infra__gone_return(struct infra__target *t, uint32_t id);
/* Free those whose time is over. */
void infra__gone_sweep(struct infra_prober *p, infra_time now);
void infra__gone_free(struct infra__target *t);

#endif
