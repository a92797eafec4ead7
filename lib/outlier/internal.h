/* SPDX-License-Identifier: MIT */
/* The object itself, shared by the files of this folder. */
#ifndef INFRA_OUTLIER_INTERNAL_H
#define INFRA_OUTLIER_INTERNAL_H

#include "../base/keys.h"
#include "../base/timers.h"
#include "report.h"

#include <infra/outlier.h>
#include <stdbool.h>

/* State of a backend that goes with its key. */
struct infra__outlier_record {
    infra_time since;
    infra_time until; /* While ejected: over at the first sweep from then on. */
    struct infra__outlier_window window; /* Of the running interval. */
    struct infra__outlier_window last;   /* Of the previous interval. */
    uint32_t detections[INFRA_OUTLIER_DETECTORS_MAX];
    uint32_t ejections;
    uint32_t multiplier;
    bool is_ejected;
};

/* The control side of a backend. */
struct infra__outlier_backend {
    struct infra__outlier_record record;
    struct infra__outlier_mark seen;
    struct infra_outlier_event event; /* While queued. */
    uint8_t tier;
    bool is_set;
};

/* All that is known of a key. */
struct infra__outlier_kept {
    struct infra__outlier_record record;
    infra_time due; /* The sweep at the end of its window. */
    uint32_t runs[INFRA__RUNS];
};

struct infra__outlier_tier {
    uint32_t members;
    uint32_t ejected;
};

struct infra_outlier {
    struct infra__outlier_desk desk; /* The workers' part. */
    struct infra_allocator allocator;
    struct infra_outlier_options options; /* With the defaults filled in. */
    struct infra__outlier_backend *backends;
    struct infra__timers changes; /* Queued events, by order. */
    struct infra__keys keys;
    struct infra__outlier_kept *kept; /* By kept place of `keys`. */
    uint64_t changes_count;
    infra_time now; /* The greatest so far. */
    infra_time due; /* The next sweep. */
    uint64_t random;
    uint32_t members;
    struct infra__outlier_tier tiers[INFRA_OUTLIER_TIERS_MAX];
    /* For a sweep: the ids and values compared, and the ids found. */
    uint32_t *ids;
    uint32_t *values;
    uint32_t *scratch;
    uint64_t *found;
};

/* options.c: fill in the defaults of a struct infra_outlier_options and
 * check it. INFRA_EINVAL: out of range; INFRA_ESTRUCT: no such detector. */
int infra__outlier_options_complete(void *options);

/* eject.c */

/* What a detector found: fields of an event. */
struct infra__outlier_evidence {
    uint32_t reason;
    uint64_t reports;
    int64_t value;
    int64_t typical;
    int64_t threshold;
};

/* Duration of an ejection after earlier ones with @multiplier, which goes up.
 * @random: any number. */
infra_time infra__outlier_ejection_time(const struct infra_outlier_options *o,
                                        uint32_t *multiplier, uint64_t random);

/* A detector has found a backend that is not ejected: eject it, unless the cap
 * or `enforce` spares it. */
void infra__outlier_detected(struct infra_outlier *o, uint32_t id,
                             const struct infra__outlier_evidence *evidence);

/* An ejected backend returns, and its counts start afresh. The event is queued
 * unless the host has not taken EJECTED yet. */
void infra__outlier_give_back(struct infra_outlier *o, uint32_t id,
                              uint32_t reason);

/* Queue the event for a backend that is ejected by the kept state of its key.
 * */
void infra__outlier_tell_kept(struct infra_outlier *o, uint32_t id);

/* Has a tier more ejected backends than its cap? Let the surplus return. */
bool infra__outlier_is_over_cap(const struct infra_outlier *o);
void infra__outlier_keep_caps(struct infra_outlier *o);

/* After a sweep, for a backend that is not ejected: the multiplier may go
 * down. */
void infra__outlier_decay(const struct infra_outlier *o,
                          struct infra__outlier_backend *b);

/* For infra__sort() of `found`. */
int infra__outlier_by_number(const void *a, const void *b);

/* Forget a backend's reports so far. */
void infra__outlier_begin_window(struct infra_outlier *o, uint32_t id);

/* kept.c */

/* Keep the state of a backend that leaves its id. */
void infra__outlier_keep(struct infra_outlier *o, uint32_t id);

/* The state of a key, from another id, or kept, or fresh. */
struct infra__outlier_kept infra__outlier_recall(struct infra_outlier *o,
                                                 uint64_t hash);

/* sweep.c: judge the interval, and begin the next one. */
void infra__outlier_sweep(struct infra_outlier *o);

#endif
