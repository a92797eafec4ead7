/* SPDX-License-Identifier: MIT */
/* Our ketama beside libmemcached's, in the same run, turn and turn about. These
 * do nothing where libmemcached was not there when infra-bench was built.
 *
 * The ring is libmemcached's, though its hash functions have a library of their
 * own, libhashkit, which is held against ours as well. Above 100 servers
 * libmemcached aborts, so that is as far as it is asked. */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include "../sweep.h"

/* Rows of infra-bench pick: from a key's bytes to its server, with one thread,
 * and for no backends to its hash alone. An error of the library. */
int rival_pick(struct report *report, uint32_t backends, int quick);

/* Rows of infra-bench build: a new ring. Both must choose the same server for
 * each of many keys, else it says so and answers 1. */
int rival_build(struct report *report, const struct subject *subject,
                int quick);

#endif
