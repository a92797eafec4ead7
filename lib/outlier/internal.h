/* SPDX-License-Identifier: MIT */
/* What the files of the outlier watch share: the watch itself. */
#ifndef INFRA_OUTLIER_INTERNAL_H
#define INFRA_OUTLIER_INTERNAL_H

#include "../base/keys.h"
#include "../base/timers.h"
#include "report.h"

#include <infra/outlier.h>
#include <stdbool.h>

/* What is known of a backend, which goes with its key. */
struct infra__outlier_record {
    infra_time since;
    infra_time until; /* While ejected: over at the first sweep from here. */
    struct infra__outlier_window window; /* Of the interval that runs, */
    struct infra__outlier_window last;   /* and of the one before. */
    uint32_t detections[INFRA_OUTLIER_DETECTORS_MAX];
    uint32_t ejections;
    uint32_t multiplier;
    bool is_ejected;
};

/* The control side of a backend. */
struct infra__outlier_backend {
    struct infra__outlier_record record;
    struct infra__outlier_mark seen;
    struct infra_outlier_event event; /* While it is among the changes. */
    uint8_t tier;
    bool is_set;
};

/* What is known of a key. */
struct infra__outlier_kept {
    struct infra__outlier_record record;
    infra_time due; /* The sweep that its window would have ended with. */
    uint32_t runs[INFRA__RUNS];
};

struct infra__outlier_tier {
    uint32_t members;
    uint32_t ejected;
};

struct infra_outlier {
    struct infra__outlier_desk desk; /* The workers'. */
    struct infra_allocator allocator;
    void *raw;                            /* What this struct stands in, */
    void *raw_slots;                      /* and what the slots do. */
    struct infra_outlier_options options; /* With the defaults filled in. */
    struct infra__outlier_backend *backends;
    struct infra__timers changes; /* By the order in which they happened. */
    struct infra__keys keys;
    struct infra__outlier_kept *kept; /* By kept place of `keys`. */
    uint64_t changes_count;
    infra_time now; /* The greatest that was seen. */
    infra_time due; /* The next sweep. */
    uint64_t random;
    uint32_t members;
    struct infra__outlier_tier tiers[INFRA_OUTLIER_TIERS_MAX];
    /* For a sweep: those that are compared, what is compared, and who is found
     * wanting. */
    uint32_t *ids;
    uint32_t *values;
    uint32_t *scratch;
    uint64_t *found;
};

/* options.c: fill in the defaults of a struct infra_outlier_options and
 * check it. INFRA_EINVAL: out of range; INFRA_ESTRUCT: no such detector. */
int infra__outlier_options_complete(void *options);

/* eject.c */

/* What a detector has against a backend: an event's fields from `reason` on. */
struct infra__outlier_evidence {
    uint32_t reason;
    uint64_t reports;
    int64_t value;
    int64_t typical;
    int64_t threshold;
};

/* How long an ejection lasts when @multiplier, which goes up, is that of the
 * ones before. @random: any number. */
infra_time infra__outlier_ejection_time(const struct infra_outlier_options *o,
                                        uint32_t *multiplier, uint64_t random);

/* A detector has found a backend that is in: eject it, unless the cap or chance
 * spares it. */
void infra__outlier_detected(struct infra_outlier *o, uint32_t id,
                             const struct infra__outlier_evidence *evidence);

/* An ejected backend returns; all its counts begin afresh. The host is told,
 * unless it has not heard of the ejection yet. */
void infra__outlier_give_back(struct infra_outlier *o, uint32_t id,
                              uint32_t reason);

/* A backend that is ejected came by the state that was kept of its key. */
void infra__outlier_tell_kept(struct infra_outlier *o, uint32_t id);

/* Are more of some tier out than may be? And have some of them return. */
bool infra__outlier_is_over_cap(const struct infra_outlier *o);
void infra__outlier_keep_caps(struct infra_outlier *o);

/* After a sweep, for a backend that is in: the multiplier may go down. */
void infra__outlier_decay(const struct infra_outlier *o,
                          struct infra__outlier_backend *b);

/* For infra__sort() of `found`. */
int infra__outlier_by_number(const void *a, const void *b);

/* Let a backend's reports so far be forgotten. */
void infra__outlier_begin_window(struct infra_outlier *o, uint32_t id);

/* kept.c */

/* A backend leaves its id: remember what is known of it. */
void infra__outlier_keep(struct infra_outlier *o, uint32_t id);

/* What is known of the key with this hash, from another id or out of what is
 * kept. Nothing is known of a stranger. */
struct infra__outlier_kept infra__outlier_recall(struct infra_outlier *o,
                                                 uint64_t hash);

/* sweep.c: judge the interval that ends, and begin another. */
void infra__outlier_sweep(struct infra_outlier *o);

#endif
