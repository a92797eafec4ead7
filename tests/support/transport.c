/* SPDX-License-Identifier: MIT */
#include "transport.h"

#include "base/random.h"
#include "support.h"

#include <string.h>

/* More turns than any conversation takes: who gets here turns in a circle. */
#define TURNS_MAX 1000000

static const struct test_step *next_step(const struct test_transport *t)
{
    static const struct test_step hang = TEST_HANG;

    return t->step < t->steps_count ? &t->steps[t->step] : &hang;
}

static void step_done(struct test_transport *t)
{
    t->step++;
    t->offset = 0;
}

/* Where the next piece ends, of @left bytes of which @offset came before. */
static size_t piece(struct test_transport *t, size_t offset, size_t left)
{
    size_t size = left;

    if (t->split == TEST_SPLIT_BYTES) {
        size = 1;
    } else if (t->split == TEST_SPLIT_AT && offset < t->split_number) {
        size = (size_t)t->split_number - offset;
    } else if (t->split == TEST_SPLIT_RANDOM) {
        size = 1 + infra__below(infra__random(&t->split_number), 7);
    }
    return size < left ? size : left;
}

static uint32_t want_of(struct infra_exchange x)
{
    return x.ops->want(x.self);
}

static void note(struct test_transport *t, struct infra_exchange x,
                 uint32_t kind, uint32_t detail)
{
    x.ops->note(x.self, kind, detail, t->now);
}

/* Let time pass up to @until or the deadline, whichever is first. */
static void pass_time(struct test_transport *t, struct infra_exchange x,
                      infra_time until)
{
    infra_time deadline = x.ops->deadline(x.self);

    if (deadline > until) {
        t->now = until;
        return;
    }
    ck_assert_msg(deadline != INFRA_TIME_NEVER,
                  "step %zu: hangs without a deadline", t->step);
    t->now = deadline > t->now ? deadline : t->now;
    note(t, x, INFRA_NOTE_DEADLINE, 0);
}

/* Steps that are the same whatever is wanted; answers whether this was one. */
static bool run_anywhere(struct test_transport *t, struct infra_exchange x)
{
    const struct test_step *s = next_step(t);

    switch (s->kind) {
    case TEST_STEP_WAIT:
        step_done(t);
        pass_time(t, x, t->now + s->time);
        return true;
    case TEST_STEP_PAUSE:
        step_done(t);
        t->now += s->time;
        return true;
    case TEST_STEP_HANG:
        if (t->step < t->steps_count) {
            step_done(t);
        }
        pass_time(t, x, INFRA_TIME_NEVER);
        return true;
    case TEST_STEP_FAIL:
        step_done(t);
        note(t, x, INFRA_NOTE_FAILED, s->number);
        return true;
    case TEST_STEP_ACCEPT:
    case TEST_STEP_TLS_UP:
    case TEST_STEP_EXPECT:
    case TEST_STEP_SEND:
    case TEST_STEP_EOF:
    case TEST_STEP_TRUNCATED:
    case TEST_STEP_CLOSED:
    case TEST_STEP_IDLE:
        break;
    }
    return false;
}

/* The exchange speaks; the peer has it in its ear whether it listens or not. */
static bool run_output(struct test_transport *t, struct infra_exchange x)
{
    const void *bytes = NULL;
    size_t count = x.ops->output(x.self, &bytes);

    if (count == 0) {
        return false;
    }
    size_t size = piece(t, t->heard_count, count);
    if (size > sizeof t->heard - t->heard_count) {
        ck_abort_msg("step %zu: says too much", t->step);
    }
    memcpy(t->heard + t->heard_count, bytes, size);
    t->heard_count += size;
    x.ops->sent(x.self, size, t->now);
    return true;
}

static void run_expect(struct test_transport *t, struct infra_exchange x,
                       const struct test_step *s)
{
    size_t size = s->size < t->heard_count ? s->size : t->heard_count;

    ck_assert_msg(memcmp(t->heard, s->bytes, size) == 0,
                  "step %zu: heard '%.*s', should be '%.*s'", t->step,
                  (int)size, (const char *)t->heard, (int)size,
                  (const char *)s->bytes);
    if (size < s->size) {
        /* The peer waits for bytes that do not come: both sides hang. */
        pass_time(t, x, INFRA_TIME_NEVER);
        return;
    }
    t->heard_count -= size;
    memmove(t->heard, t->heard + size, t->heard_count);
    step_done(t);
}

static void run_send(struct test_transport *t, struct infra_exchange x,
                     const struct test_step *s)
{
    const unsigned char *bytes = s->bytes;
    size_t size = piece(t, t->offset, s->size - t->offset);
    uint32_t before = want_of(x);

    if (size > 0) {
        x.ops->input(x.self, bytes + t->offset, size, t->now);
    }
    t->offset += size;
    bool has_left = t->offset < s->size;
    /* What the exchange did not want any more is lost with the phase. */
    if (!has_left || want_of(x) != before) {
        t->has_stray_bytes = has_left && want_of(x) == INFRA_WANT_TLS;
        step_done(t);
    }
}

static void run_io(struct test_transport *t, struct infra_exchange x)
{
    const struct test_step *s = next_step(t);

    if ((want_of(x) == INFRA_WANT_IO && run_output(t, x)) ||
        run_anywhere(t, x)) {
        return;
    }
    if (s->kind == TEST_STEP_SEND) {
        run_send(t, x, s);
    } else if (s->kind == TEST_STEP_EOF || s->kind == TEST_STEP_TRUNCATED) {
        step_done(t);
        note(t, x,
             s->kind == TEST_STEP_EOF ? INFRA_NOTE_EOF : INFRA_NOTE_TRUNCATED,
             0);
    } else if (s->kind == TEST_STEP_EXPECT) {
        run_expect(t, x, s);
    } else {
        ck_abort_msg("step %zu: not while bytes are exchanged", t->step);
    }
}

static void run_connect(struct test_transport *t, struct infra_exchange x)
{
    const struct test_step *s = next_step(t);

    t->has_stray_bytes = false;
    if (run_anywhere(t, x)) {
        return;
    }
    ck_assert_msg(s->kind == TEST_STEP_ACCEPT, "step %zu: not while connecting",
                  t->step);
    ck_assert_uint_eq(x.ops->endpoint(x.self), s->number);
    step_done(t);
    t->connects++;
    t->heard_count = 0;
    note(t, x, INFRA_NOTE_CONNECTED, 0);
}

static void run_tls(struct test_transport *t, struct infra_exchange x)
{
    const struct test_step *s = next_step(t);

    if (t->has_stray_bytes) {
        t->has_stray_bytes = false;
        note(t, x, INFRA_NOTE_FAILED, INFRA_OUTCOME_ERROR);
        return;
    }
    if (run_anywhere(t, x)) {
        return;
    }
    ck_assert_msg(s->kind == TEST_STEP_TLS_UP, "step %zu: not while TLS starts",
                  t->step);
    step_done(t);
    t->tls_ups++;
    note(t, x, INFRA_NOTE_TLS_UP, 0);
}

static void run_close(struct test_transport *t, struct infra_exchange x)
{
    ck_assert_msg(next_step(t)->kind == TEST_STEP_CLOSED,
                  "step %zu: closed too early", t->step);
    step_done(t);
    note(t, x, INFRA_NOTE_CLOSED, 0);
}

void test_transport_run(struct test_transport *t, struct infra_exchange x)
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        switch (want_of(x)) {
        case INFRA_WANT_CONNECT:
            run_connect(t, x);
            break;
        case INFRA_WANT_TLS:
            run_tls(t, x);
            break;
        case INFRA_WANT_IO:
            run_io(t, x);
            break;
        case INFRA_WANT_CLOSE:
            run_close(t, x);
            break;
        case INFRA_WANT_IDLE:
            if (next_step(t)->kind == TEST_STEP_IDLE) {
                step_done(t);
                return;
            }
            if (t->step == t->steps_count) {
                return;
            }
            run_io(t, x);
            break;
        case INFRA_WANT_DONE:
            return;
        default:
            ck_abort_msg("no such want");
        }
    }
    ck_abort_msg("step %zu: turns round and round", t->step);
}
