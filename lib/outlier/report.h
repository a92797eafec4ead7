/* SPDX-License-Identifier: MIT */
/* Where workers and the control thread of an outlier watch meet: a cache line
 * of counters per backend that only grow, and a bitmap of the backends at which
 * control should look before its next sweep. Workers add, control subtracts
 * what it has seen already, so neither waits and nothing is lost. */
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
     * their latencies as logarithms in the lower 38. One addition counts both,
     * and a reader has them from the same moment. */
    _Alignas(INFRA__CACHE_LINE) _Atomic uint64_t timed;
    _Atomic uint64_t untimed; /* The other successes. */
    _Atomic uint64_t errors;
    _Atomic uint64_t misses;            /* Failures to reach it. */
    _Atomic uint32_t runs[INFRA__RUNS]; /* Failures in a row, by reason. */
    _Atomic uint32_t tripped; /* Bits by reason: control has not looked yet. */
};

/* What was reported in an interval. */
struct infra__outlier_window {
    uint64_t successes;
    uint64_t errors;
    uint64_t misses;
    uint64_t timed;       /* Successes of known latency, */
    uint64_t latency_sum; /* and the sum of their logarithms. */
};

/* How far control has read a slot. */
struct infra__outlier_mark {
    uint64_t timed;
    uint64_t untimed;
    uint64_t errors;
    uint64_t misses;
};

/* The workers' part of a watch. Read only, but for what the pointers lead to
 * and the flag. */
struct infra__outlier_desk {
    struct infra__outlier_slot *slots;
    _Atomic uint64_t *tripped; /* Bitmap of ids with bits in their slots. */
    uint32_t ids_max;
    bool split;
    uint32_t runs_max[INFRA__RUNS];
    /* On a line of its own: set after the bitmap, cleared before it is read. */
    _Alignas(INFRA__CACHE_LINE) _Atomic uint32_t is_tripped;
};

/* As infra_outlier_report(). */
int infra__outlier_report(struct infra__outlier_desk *desk, uint32_t id,
                          uint32_t outcome, infra_time latency);

/* Control: add to @w what came in at @slot since @seen. */
void infra__outlier_gather(struct infra__outlier_slot *slot,
                           struct infra__outlier_mark *seen,
                           struct infra__outlier_window *w);

/* Control: forget the failures in a row and what they tripped. */
void infra__outlier_reset_runs(struct infra__outlier_slot *slot);

/* Control: the failures in a row as they are, and as they were. What is full
 * trips, if @may_trip. */
void infra__outlier_save_runs(const struct infra__outlier_slot *slot,
                              uint32_t ret[INFRA__RUNS]);
void infra__outlier_restore_runs(struct infra__outlier_desk *desk, uint32_t id,
                                 const uint32_t runs[INFRA__RUNS],
                                 bool may_trip);

/* Control: take one of 64 words of the bitmap; 0: nothing there. */
uint64_t infra__outlier_take_tripped(struct infra__outlier_desk *desk,
                                     uint32_t word);

/* Control: has anything tripped since this was asked last? */
bool infra__outlier_take_flag(struct infra__outlier_desk *desk);

#endif
