/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: a prober, as the host sees it (prober.c) and as the
 * driver runs it (prober_checks.c). */
#ifndef INFRA_DRIVER_PROBER_H
#define INFRA_DRIVER_PROBER_H

#include "internal.h"
#include "rate_limit.h"

/* How long the verdict of a check that nobody waited for is good for the next
 * one, and how long a check goes on without its backend. */
#define INFRA__RESULT_KEPT_FOR INFRA_SEC(10)

enum infra__line {
    INFRA__LINE_CHECKS,  /* Due, and held by a limit. */
    INFRA__LINE_CHANGES, /* For the host. */
    INFRA__LINE_WISHES,  /* The same, of another kind. */
    INFRA__LINES,
};

struct infra__place {
    struct infra__backend *previous;
    struct infra__backend *next;
    bool taken;
};

/* What a backend asks for, as fields of an event. */
struct infra__wish {
    uint32_t has; /* 0: nothing. */
    uint32_t admin;
    uint32_t weight_percent;
    uint32_t weight;
    uint32_t in_flight_max;
};

struct infra__backend {
    struct infra__job job;
    struct infra__address address;
    struct infra_prober *prober;
    struct infra_probe *probe;
    struct infra_probe *next_probe;   /* After the check that runs; or NULL. */
    struct infra__backend *gone_next; /* While it is gone. */
    char *tls_name;                   /* Allocated; NULL: none. */
    struct infra_probe_result result; /* Of the last check that ended. */
    struct infra_health_event change; /* While it is in that line. */
    struct infra__place places[INFRA__LINES];
    struct infra__wish wish;
    struct infra__wish known_wish; /* To the host. */
    infra_time wished_at;
    uint64_t key_hash;
    uint64_t check;        /* That waits or runs. */
    infra_time due;        /* Of that check. */
    infra_time ended_at;   /* With has_ended. */
    infra_time gone_until; /* With is_gone. */
    uint32_t id;
    uint32_t known; /* What the host takes it for: UP, DEGRADED or DOWN. */
    bool is_gone;   /* Removed, and in no place but that of its check. */
    bool has_ended; /* Its check did, and nobody waited for the verdict. */
};

struct infra_prober {
    struct infra_allocator allocator;
    struct infra__client client;
    struct infra_driver *driver;
    struct infra_health *health;
    struct infra_tls tls; /* Without functions: there is none. */
    struct infra__pace pace;
    struct {
        struct infra__backend *first;
        struct infra__backend *last;
    } lines[INFRA__LINES];
    struct infra__backend *gone;     /* Whose check goes on without them. */
    struct infra_health_event doubt; /* While it waits: DOUBT or TRUST. */
    uint64_t started;
    infra_time late_max;
    uint32_t waiting;
    uint32_t running;
    uint32_t concurrency_max;
    uint32_t ids_max;
    uint32_t initial; /* enum infra_health_initial */
    bool doubt_changed;
    struct infra__backend *backends[]; /* By id; NULL: not checked. */
};

/* The prober's turn in a step of the driver. */
void infra__prober_turn(void *self, infra_time now);
infra_time infra__prober_deadline(const void *self);
bool infra__prober_pending(const void *self);

/* A job of a backend is over. */
void infra__check_done(void *owner, infra_time now);
/* Hand in the result of the last check, if anybody waits for it. */
void infra__check_answer(struct infra__backend *b, infra_time now);
/* Forget the check that waits or runs; the schedule hears nothing of it. */
void infra__check_drop(struct infra__backend *b);
/* Cut short the check that runs; the schedule repeats it soon, unless the
 * backend is another one now. */
void infra__check_abandon(struct infra__backend *b, infra_time now);

/* Take a backend out of a line, if it is there. */
void infra__line_leave(struct infra__backend *b, enum infra__line line);

/* Free it, with its probes and without its id. */
void infra__backend_free(struct infra__backend *b);

/* Is it of this key, and at this address under this name? */
bool infra__backend_is(const struct infra__backend *b, uint64_t key_hash,
                       const struct infra__address *address, const char *name);

/* Use the probe that was given last; no check runs. */
void infra__probe_turn_over(struct infra__backend *b);

/* Put one that is gone in the place of one of the same key. */
void infra__prober_replace(struct infra__backend *b,
                           struct infra__backend *gone);

/* Note what the last result asks for. */
void infra__wish_note(struct infra__backend *b, infra_time now);
/* Have the host hear of it, unless it knows. */
void infra__wish_tell(struct infra__backend *b);
/* The host does. */
void infra__wish_take(struct infra__backend *b, struct infra_health_event *ret);

/* Put a backend at the end of a line that it is not in. */
void infra__line_enter(struct infra__backend *b, enum infra__line line);
/* Have the host hear of a change. */
void infra__change_queue(struct infra__backend *b,
                         const struct infra_health_event *change);

/* Has a backend that is leaving a check that waits or runs? Then it may go on
 * without its id until somebody finds it and gives it one. */
bool infra__gone_is_worth(const struct infra__backend *b);
void infra__gone_enter(struct infra__backend *b);
struct infra__backend *infra__gone_find(const struct infra_prober *p,
                                        uint64_t key_hash,
                                        const struct infra__address *address,
                                        const char *tls_name);
void infra__gone_return(struct infra__backend *b, uint32_t id);
/* Free those that nobody has missed, or one of them. */
void infra__gone_sweep(struct infra_prober *p, infra_time now);
void infra__gone_free(struct infra__backend *b);

#endif
