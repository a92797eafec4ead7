/* SPDX-License-Identifier: MIT */
/* What workers and the control thread share: per backend a cache line of
 * counters that only grow, and a bitmap of the backends that control should
 * look at before its next sweep. Workers add, control subtracts what it has
 * seen, so neither waits and nothing is lost. */
#ifndef INFRA_OUTLIER_REPORT_H
#define INFRA_OUTLIER_REPORT_H

#include "../base/internal.h"

#include <infra/outlier.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The detectors of failures in a row come first among the reasons. */
#define INFRA__RUNS INFRA_OUTLIER_REASON_SUCCESS_RATE

struct infra__outlier_slot {
    /* Successes of known latency: their number in the upper 26 bits, the sum of
     * the logarithms of their latencies in the lower 38. One addition counts
     * both, and one load reads both consistently. */
    _Alignas(INFRA__CACHE_LINE) _Atomic uint64_t timed;
    _Atomic uint64_t untimed; /* The other successes. */
    _Atomic uint64_t errors;
    _Atomic uint64_t misses;            /* Failures to reach it. */
    _Atomic uint32_t runs[INFRA__RUNS]; /* Failures in a row, by reason. */
    _Atomic uint32_t tripped;           /* Bits by reason, for control. */
};

/* Reports of an interval. */
struct infra__outlier_window {
    uint64_t successes;
    uint64_t errors;
    uint64_t misses;
    uint64_t timed;       /* Successes of known latency. */
    uint64_t latency_sum; /* The sum of their logarithms. */
};

/* How far control has read a slot. */
struct infra__outlier_mark {
    uint64_t timed;
    uint64_t untimed;
    uint64_t errors;
    uint64_t misses;
};

/* The workers' part of the object: read only, except the flag and the pointers'
 * targets. */
struct infra__outlier_desk {
    struct infra__outlier_slot *slots;
    _Atomic uint64_t *tripped; /* Bitmap of the ids with a tripped slot. */
    uint32_t ids_max;
    bool split;
    uint32_t runs_max[INFRA__RUNS];
    /* On its own line; set after the bitmap, cleared before it is read. */
    _Alignas(INFRA__CACHE_LINE) _Atomic uint32_t is_tripped;
};

/* As infra_outlier_report(). */
int infra__outlier_report(struct infra__outlier_desk *desk, uint32_t id,
                          uint32_t outcome, infra_time latency);

/* Control: add to @w the reports at @slot since @seen. */
void infra__outlier_gather(struct infra__outlier_slot *slot,
                           struct infra__outlier_mark *seen,
                           struct infra__outlier_window *w);

/* Control: forget the failures in a row and their trips. */
void infra__outlier_reset_runs(struct infra__outlier_slot *slot);

/* Control: read and write the failures in a row. A full row trips if
 * @may_trip. */
void infra__outlier_save_runs(const struct infra__outlier_slot *slot,
                              uint32_t ret[INFRA__RUNS]);
void infra__outlier_restore_runs(struct infra__outlier_desk *desk, uint32_t id,
                                 const uint32_t runs[INFRA__RUNS],
                                 bool may_trip);

/* Control: take a word of the bitmap. */
uint64_t infra__outlier_take_tripped(struct infra__outlier_desk *desk,
                                     uint32_t word);

/* Control: has anything tripped since the last call? */
bool infra__outlier_take_flag(struct infra__outlier_desk *desk);

#endif
