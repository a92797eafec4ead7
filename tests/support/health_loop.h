/* A host of infra_health in virtual time: a loop that sleeps until the next
 * deadline, and backends that answer as set. It asserts at each step that one
 * check runs at a time, and none starts before it is due. */
#ifndef TESTS_HEALTH_LOOP_H
#define TESTS_HEALTH_LOOP_H

#include "support.h"

#include "base/timers.h"

#include <infra/health.h>
#include <stdbool.h>

struct test_backend {
    uint32_t outcome; /* TIMEOUT: it takes loop.timeout, scaled. */
    infra_time takes; /* Of any other outcome. */
    uint64_t check;   /* While one is running, else 0. */
    uint32_t answer;  /* Of the running one. */
    infra_time started;
    infra_time previous; /* When the one before began. */
    uint32_t kind;       /* UP, DEGRADED or DOWN, as the host was told. */
    infra_time changed_at;
    uint64_t probes;
    uint64_t changes;
};

struct test_loop {
    struct infra_health *health;
    struct test_backend *backends;
    struct infra__timers answers; /* Of running checks. */
    infra_time now;
    infra_time timeout;
    infra_time late_max; /* Of the loop, when it wakes up. */
    uint64_t random;
    uint32_t count;
    uint32_t burst;  /* Most checks that were begun in one turn. */
    bool doubts;     /* As the host was told, and why. */
    uint32_t reason; /* Of the last doubt. */
    uint64_t turns;
};

/* @count backends, "backend 0" and so on, each set at @now and up. */
void test_loop_init(struct test_loop *loop,
                    const struct infra_health_options *options, uint32_t count,
                    infra_time now);
void test_loop_finish(struct test_loop *loop);

/* Run until @until. */
void test_loop_run(struct test_loop *loop, infra_time until);

/* Sleep through @pause, whatever is due. Running checks end with @outcome as
 * soon as the loop is back. */
void test_loop_pause(struct test_loop *loop, infra_time pause,
                     uint32_t outcome);

struct infra_health_status test_loop_inspect(const struct test_loop *loop,
                                             uint32_t id);

#endif
