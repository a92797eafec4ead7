/* SPDX-License-Identifier: MIT */
#include "health_loop.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

void test_loop_init(struct test_loop *loop,
                    const struct infra_health_options *options, uint32_t count,
                    infra_time now)
{
    const struct infra_allocator libc = infra__allocator_or_libc(NULL);
    struct infra_health_options o = *options;
    char key[32];

    *loop = (struct test_loop) { .now = now,
                                 .timeout = INFRA_MS(500),
                                 .count = count };
    o.size = sizeof o;
    o.ids_max = o.ids_max != 0 ? o.ids_max : count;
    ck_assert_int_eq(infra_health_create(&loop->health, &o), INFRA_OK);
    ck_assert_int_eq(infra__timers_init(&loop->answers, count, &libc), 0);
    loop->backends = calloc(count, sizeof *loop->backends);
    ck_assert_ptr_nonnull(loop->backends);
    for (uint32_t id = 0; id < count; id++) {
        struct test_backend *b = &loop->backends[id];
        (void)snprintf(key, sizeof key, "backend %u", id);
        ck_assert_int_eq(infra_health_set(loop->health, id, key, now), 0);
        b->outcome = INFRA_OUTCOME_OK;
        b->takes = INFRA_MS(1);
        b->kind = INFRA_HEALTH_EVENT_UP;
    }
}

void test_loop_finish(struct test_loop *loop)
{
    const struct infra_allocator libc = infra__allocator_or_libc(NULL);

    infra_health_destroy(loop->health);
    infra__timers_finish(&loop->answers, &libc);
    free(loop->backends);
}

struct infra_health_status test_loop_inspect(const struct test_loop *loop,
                                             uint32_t id)
{
    struct infra_health_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_health_inspect(loop->health, id, &s), INFRA_OK);
    return s;
}

static void begin(struct test_loop *loop,
                  const struct infra_health_event *event)
{
    struct test_backend *b = &loop->backends[event->id];
    uint64_t scale = infra_health_timeout_scale(loop->health);
    infra_time takes = b->outcome == INFRA_OUTCOME_TIMEOUT
                           ? loop->timeout / 1000 * scale
                           : b->takes;

    if (b->check != 0 || event->at > loop->now) {
        ck_abort_msg("backend %u: two checks, or one too early", event->id);
    }
    b->check = event->call;
    b->answer = b->outcome;
    b->previous = b->started;
    b->started = loop->now;
    b->probes++;
    infra__timers_set(&loop->answers, event->id, loop->now + takes);
}

static void take(struct test_loop *loop, const struct infra_health_event *event)
{
    switch (event->kind) {
    case INFRA_HEALTH_EVENT_CHECK:
        begin(loop, event);
        break;
    case INFRA_HEALTH_EVENT_DOUBT:
    case INFRA_HEALTH_EVENT_TRUST:
        ck_assert(loop->doubts == (event->kind == INFRA_HEALTH_EVENT_TRUST));
        loop->doubts = !loop->doubts;
        loop->reason = loop->doubts ? event->reason : loop->reason;
        break;
    default:
        ck_assert_uint_ne(loop->backends[event->id].kind, event->kind);
        loop->backends[event->id].kind = event->kind;
        loop->backends[event->id].changed_at = event->at;
        loop->backends[event->id].changes++;
    }
}

static void turn(struct test_loop *loop)
{
    struct infra_health_event event;
    uint32_t begun = 0;

    while (infra__timers_first(&loop->answers) <= loop->now) {
        uint32_t id = loop->answers.heap[0];
        struct test_backend *b = &loop->backends[id];
        infra__timers_set(&loop->answers, id, INFRA_TIME_NEVER);
        int err = infra_health_answer(loop->health, b->check, b->answer, 0,
                                      loop->now);
        if (err != INFRA_OK) {
            ck_abort_msg("verdict: %d", err);
        }
        b->check = 0;
    }
    while (infra_health_next(loop->health, loop->now, &event) == INFRA_OK) {
        begun += event.kind == INFRA_HEALTH_EVENT_CHECK;
        take(loop, &event);
    }
    loop->burst = begun > loop->burst ? begun : loop->burst;
    loop->turns++;
}

void test_loop_run(struct test_loop *loop, infra_time until)
{
    for (;;) {
        infra_time deadline = infra_health_deadline(loop->health);
        infra_time answer = infra__timers_first(&loop->answers);
        infra_time wake = deadline < answer ? deadline : answer;
        if (wake > until) {
            loop->now = until > loop->now ? until : loop->now;
            return;
        }
        loop->now = wake > loop->now ? wake : loop->now;
        if (loop->late_max != 0) {
            loop->now += infra__random(&loop->random) % loop->late_max;
        }
        turn(loop);
    }
}

void test_loop_pause(struct test_loop *loop, infra_time pause, uint32_t outcome)
{
    loop->now += pause;
    for (uint32_t id = 0; id < loop->count; id++) {
        if (loop->backends[id].check != 0) {
            loop->backends[id].answer = outcome;
            infra__timers_set(&loop->answers, id, loop->now);
        }
    }
    turn(loop);
}
