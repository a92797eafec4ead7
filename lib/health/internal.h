/* SPDX-License-Identifier: MIT */
/* The machine's memory, which health.c, checks.c and kept.c share. */
#ifndef INFRA_HEALTH_INTERNAL_H
#define INFRA_HEALTH_INTERNAL_H

#include "../base/timers.h"
#include "keys.h"
#include "rise_fall.h"
#include "schedule.h"
#include "self_doubt.h"

#include <infra/health.h>
#include <stdbool.h>

/* What stays of a backend when it changes its id, or goes and comes back. */
struct infra__history {
    infra_time since;   /* It became what it is. */
    infra_time started; /* Its last check was handed out. */
    uint64_t check;     /* The last one handed out, 0 when it is answered. */
    infra_time check_due;
    uint64_t checks;
    uint64_t failures;
    uint32_t outcome;
    uint32_t detail;
    uint16_t counter;
    uint16_t held;  /* Failures that doubt has held back, one after another. */
    uint8_t reason; /* Of the next check, or of the one that is running. */
    bool is_degraded;
    bool has_answered; /* Once, well or not. */
    bool is_wanting;   /* Its last check lacked something here. */
};

struct infra__backend {
    struct infra__history history;
    /* When the last check handed out was due. With REASON_ASKED: when the next
     * would have been, had nobody asked. */
    infra_time due;
    infra_time slept;          /* The machine had, before the running check. */
    struct infra__heard heard; /* Before the check at which it fell silent. */
    uint32_t generation;       /* Of the last check; outlives the backend. */
    uint8_t change_reason;     /* Of the change that is queued. */
    bool is_set : 1;
    bool is_running : 1;
    bool is_silent : 1; /* So was its last check, and it was up. */
    bool is_asked : 1;  /* For another check after the running one. */
};

/* One that was removed. */
struct infra__kept {
    struct infra__history history;
    infra_time next;  /* Its next check. */
    infra_time until; /* 0: nobody. */
};

struct infra_health {
    struct infra_allocator allocator;
    struct infra__timers checks;  /* By the time at which they are due. */
    struct infra__timers changes; /* By the order in which they happened. */
    /* Who is at which id, and from ids_max on, at which place of `kept`. */
    struct infra__keys keys;
    struct infra__backend *backends;
    struct infra__kept *kept; /* A ring: the oldest is overwritten. */
    infra_time now;           /* The greatest that was seen. */
    uint64_t changes_count;
    struct infra__schedule schedule;
    struct infra__self_doubt doubt;
    struct infra__rise_fall rise_fall;
    uint32_t ids_max;
    uint32_t initial;
    uint32_t running_count;
    uint32_t kept_next; /* The ring's next place. */
    bool is_turning;    /* next() was called once, so the loop runs. */
};

/* Move on to @now, and notice if that comes late. */
void infra__health_advance(struct infra_health *h, infra_time now);

/* UP, DEGRADED or DOWN. */
uint32_t infra__health_kind(const struct infra_health *h,
                            const struct infra__history *history);

/* The check after the one that is running. */
infra_time infra__health_following(struct infra_health *h,
                                   const struct infra__backend *b,
                                   uint32_t reason);

/* Hand out what @id has become. */
void infra__health_change(struct infra_health *h, uint32_t id, uint32_t reason);

/* Keep the state of a backend that leaves its id, unless its key is at another
 * id as well. */
void infra__health_keep(struct infra_health *h, uint32_t id);

/* The state of whoever has or had the key, for its new id: from another id, or
 * out of what is kept. False: nobody, and nothing is set. */
bool infra__health_recall(struct infra_health *h, uint64_t hash,
                          struct infra__history *ret, infra_time *ret_next);

#endif
