/* SPDX-License-Identifier: MIT */
/* A replicated database and the processes that plan for it, in a world that
 * goes wrong: nodes crash, hang and come back as they please, links are cut,
 * messages are lost, late and out of order, fences fail or stay unknown, and a
 * planner dies or stands still in the middle and another goes on with a newer
 * token. The planners are those of the library. A seed gives the same history
 * to the byte. */
#ifndef TESTS_SIM_PROMOTION_SIM_H
#define TESTS_SIM_PROMOTION_SIM_H

#include <stdbool.h>
#include <stdint.h>

enum promotion_sim_mode {
    /* Each write is acknowledged by replicas; fences may fail. */
    PROMOTION_SIM_SYNC,
    /* Asynchronous: the fence alone keeps two from being written to. */
    PROMOTION_SIM_ASYNC,
    /* One observer at a time does not see the primary: nothing may happen. */
    PROMOTION_SIM_QUIET,
    /* The operator moves a living primary, and nothing else happens to it. */
    PROMOTION_SIM_SWITCHOVER,
    PROMOTION_SIM_MODES,
};

struct promotion_sim_result {
    const char *violation; /* NULL: none. */
    uint64_t at;           /* When, in nanoseconds of the world. */
    uint64_t primaries;    /* RECORD_PRIMARY events. */
    uint64_t changes;      /* To another node. */
    uint64_t acknowledged; /* Writes. */
    uint64_t helped;       /* FORCE by the operator. */
    uint64_t trace;        /* Of all that happened. */
};

/* How often each row of the table was used, over all runs. */
#define PROMOTION_SIM_ROWS_MAX 64u
extern uint64_t promotion_sim_rows[PROMOTION_SIM_ROWS_MAX];

struct promotion_sim_result promotion_sim_run(uint64_t seed, uint32_t mode,
                                              bool verbose);

#endif
