/* SPDX-License-Identifier: MIT */
/* Two electors of this process over one store in memory, in real time: a
 * take-over without processes, disk and network. */
#ifndef BENCH_TAKEOVER_MEMORY_H
#define BENCH_TAKEOVER_MEMORY_H

#include "takeover.h"

/* From the fault, an enum takeover_fault, to the other's open gate. INFRA_OK;
 * INFRA_EINVAL: no such ttl; INFRA_ENOMEM; INFRA_ESYSTEM; INFRA_EAGAIN: two
 * gates were open, or none in time. */
int takeover_memory(uint32_t fault, infra_time ttl, infra_time *ret);

#endif
