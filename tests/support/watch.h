/* SPDX-License-Identifier: MIT */
/* Outlier detection over backends "b0", "b1", ..., and short words for its
 * calls: what the tests of outlier have in common. */
#ifndef TESTS_WATCH_H
#define TESTS_WATCH_H

#include "support.h"

#include <infra/outlier.h>

#define WATCH_NOTHING 99u /* No kind of event. */

/* For options: a detector that never has enough. */
#define WATCH_OFF UINT32_MAX

struct watch {
    struct test_heap heap;
    struct infra_outlier *outlier;
};

/* The fixture: none yet; closed, with no memory left. */
extern struct watch watch;
void watch_setup(void);
void watch_teardown(void);

/* Options without the detectors of failures in a row, and with no cap. */
struct infra_outlier_options watch_no_runs(void);

void watch_open(struct watch *w, struct infra_outlier_options options);

/* Destroy it, and assert that no memory is left. */
void watch_close(struct watch *w);

/* Backend @id with its key. */
void watch_set(struct watch *w, uint32_t id, uint32_t tier, infra_time now);

/* Backends 0 .. count - 1 in tier 0, at time 0. */
void watch_fill(struct watch *w, uint32_t count);

/* Report @count times; returns how many reports asked to wake control. */
int watch_report(struct watch *w, uint32_t id, uint32_t result, int count);

/* That many successes and errors of `watch`. */
void watch_serve(uint32_t id, int good, int bad);

/* @count successes of this latency. */
void watch_time(struct watch *w, uint32_t id, infra_time latency, int count);

/* The next event, of kind WATCH_NOTHING if there is none. */
struct infra_outlier_event watch_next(struct watch *w, infra_time now);

/* The next event must be this one. */
struct infra_outlier_event watch_expect(struct watch *w, infra_time now,
                                        uint32_t kind, uint32_t id,
                                        uint32_t reason);

/* There must be no event. */
void watch_quiet(struct watch *w, infra_time now);

struct infra_outlier_status watch_inspect(struct watch *w, uint32_t id);

#endif
