/* SPDX-License-Identifier: MIT */
/* A backend's latency as a peak-sensitive mean (Finagle's PeakEwma): a latency
 * above the mean replaces it at once; one below moves it down, the more the
 * longer the last is ago, by exp(-t / 10 s); and as time passes without any it
 * sinks, so that who was slow is tried again. One word in the slot, so that any
 * thread may update it by compare and exchange: the mean in units of 1024 ns in
 * the lower half, when it was updated in units of 2^20 ns in the upper. 0:
 * nothing is known. */
#ifndef INFRA_BALANCER_LATENCY_H
#define INFRA_BALANCER_LATENCY_H

#include "internal.h"

/* What a failure counts as, at least and at most: it must not look fast. */
#define LATENCY_FAILURE_MIN INFRA_SEC(1)
#define LATENCY_FAILURE_MAX INFRA_SEC(30)

void infra__latency_observe(struct slot *slot, infra_time latency,
                            infra_time now);

/* Work failed after @latency: as long, a second, or twice the mean, whatever is
 * most. */
void infra__latency_failed(struct slot *slot, infra_time latency,
                           infra_time now);

/* The mean at @now in units of 1024 ns, below 2^28; 0: nothing is known. It is
 * not written back. Within 1 %. */
uint32_t infra__latency_read(const struct slot *slot, infra_time now);

#endif
