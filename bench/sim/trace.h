/* SPDX-License-Identifier: MIT */
/* A file of recorded arrivals: on each line a time in seconds, from any origin
 * and in order, and optionally, after a blank, a key. Empty lines and those
 * that begin with # do not count. */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include "sim.h"

/* 1; 0 after a complaint on stderr. */
int trace_read(struct sim_trace *ret, const char *path);
void trace_free(struct sim_trace *trace);

#endif
