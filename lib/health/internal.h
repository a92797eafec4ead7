/* SPDX-License-Identifier: MIT */
/* The machine itself, shared by the files of this folder. */
#ifndef INFRA_HEALTH_INTERNAL_H
#define INFRA_HEALTH_INTERNAL_H

#include "../base/keys.h"
#include "../base/timers.h"
#include "rise_fall.h"
#include "schedule.h"
#include "self_doubt.h"

#include <infra/health.h>
#include <stdbool.h>

/* What goes with the key when a backend changes its id, or is removed and set
 * again. */
struct infra__history {
    infra_time since;   /* Of the last change. */
    infra_time started; /* When the last check was handed out. */
    uint64_t call;      /* Number of the last check; 0: it is answered. */
    infra_time call_due;
    uint64_t checks;
    uint64_t failures;
    uint32_t outcome;
    uint32_t detail;
    uint16_t counter;
    uint16_t held;  /* Consecutive failures suppressed by doubt. */
    uint8_t reason; /* Of the next check, or of the running one. */
    bool is_degraded;
    bool has_answered; /* At least once, well or not. */
    bool is_wanting;   /* Its last check ended with LOCAL. */
};

struct infra__backend {
    struct infra__history history;
    /* When the last check handed out was due. With REASON_ASKED: when the next
     * regular check is due. */
    infra_time due;
    infra_time slept;          /* By the machine, before the running check. */
    struct infra__heard heard; /* Before the check at which it fell silent. */
    uint32_t generation;       /* Of the last check; outlives the backend. */
    uint8_t change_reason;     /* Of the queued change. */
    bool is_set : 1;
    bool is_running : 1;
    bool is_silent : 1; /* Its last check was silent, and it was up. */
    bool is_asked : 1;  /* Another check follows the running one. */
};

/* What is known of a key. */
struct infra__kept {
    struct infra__history history;
    infra_time next; /* Its next check. */
};

struct infra_health {
    struct infra_allocator allocator;
    struct infra__timers checks;  /* By due time. */
    struct infra__timers changes; /* By order. */
    struct infra__keys keys;
    struct infra__backend *backends;
    struct infra__kept *kept; /* By kept place of `keys`. */
    infra_time now;           /* The greatest so far. */
    uint64_t changes_count;
    struct infra_health_options options; /* With the defaults filled in. */
    struct infra__self_doubt doubt;
    uint64_t random; /* State of the jitter's generator. */
    uint32_t ids_max;
    uint32_t running_count;
    bool is_turning; /* next() was called, so the loop runs. */
};

/* Move on to @now, and note a late loop. */
void infra__health_advance(struct infra_health *h, infra_time now);

/* UP, DEGRADED or DOWN. */
uint32_t infra__health_kind(const struct infra_health *h,
                            const struct infra__history *history);

/* The check after the one that is running. */
infra_time infra__health_following(struct infra_health *h,
                                   const struct infra__backend *b,
                                   uint32_t reason);

/* Queue an event about the state of @id. */
void infra__health_change(struct infra_health *h, uint32_t id, uint32_t reason);

/* Keep the state of a backend that leaves its id, unless another id has the
 * same key. */
void infra__health_keep(struct infra_health *h, uint32_t id);

/* The state of a key for its new id, from another id or kept. False: unknown,
 * and nothing is set. */
bool infra__health_recall(struct infra_health *h, uint64_t hash,
                          struct infra__kept *ret);

#endif
