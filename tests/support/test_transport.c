/* SPDX-License-Identifier: MIT */
/* The scripted peer keeps the contract of the exchange, seen with a toy that
 * asks for TLS in mid-conversation, keeps its connection, and loses it. */
#include "transport.h"

#include "support.h"

#include <infra/base.h>
#include <string.h>

#define PHASE INFRA_SEC(1)

/* Says "tls?", wants 'S', starts TLS, says "hello", wants "ok.", then is idle
 * until it is asked again, on the same connection if that still stands. Any
 * trouble closes the connection and goes to the next endpoint; the third
 * trouble ends it. */
struct toy {
    const char *out;
    infra_time deadline;
    uint32_t want;
    uint32_t endpoint;
    uint32_t outcome;
    unsigned troubles;
    unsigned answers;
    unsigned notes[INFRA_NOTE_DEADLINE + 1];
    bool is_secure;
};

static uint32_t toy_want(const void *self)
{
    return ((const struct toy *)self)->want;
}

static uint32_t toy_endpoint(const void *self)
{
    return ((const struct toy *)self)->endpoint;
}

static infra_time toy_deadline(const void *self)
{
    return ((const struct toy *)self)->deadline;
}

static size_t toy_output(void *self, const void **ret)
{
    struct toy *toy = self;

    *ret = toy->out;
    return strlen(toy->out);
}

static void toy_sent(void *self, size_t count, infra_time now)
{
    struct toy *toy = self;

    (void)now;
    toy->out += count;
}

static void toy_say(struct toy *toy, const char *text, infra_time now)
{
    toy->out = text;
    toy->want = INFRA_WANT_IO;
    toy->deadline = now + PHASE;
}

static void toy_input(void *self, const void *bytes, size_t count,
                      infra_time now)
{
    struct toy *toy = self;

    for (size_t i = 0; i < count; i++) {
        char c = ((const char *)bytes)[i];
        if (!toy->is_secure) {
            /* Bytes behind it were sent in the clear by somebody else. */
            toy->want =
                c == 'S' && i + 1 == count ? INFRA_WANT_TLS : INFRA_WANT_CLOSE;
            toy->deadline = now + PHASE;
            return;
        }
        if (c == '.') {
            toy->answers++;
            toy->want = INFRA_WANT_IDLE;
            toy->deadline = INFRA_TIME_NEVER;
        }
    }
}

static void toy_note(void *self, uint32_t note, uint32_t detail, infra_time now)
{
    struct toy *toy = self;

    toy->notes[note]++;
    if (note == INFRA_NOTE_CONNECTED) {
        toy_say(toy, "tls?", now);
    } else if (note == INFRA_NOTE_TLS_UP) {
        toy->is_secure = true;
        toy_say(toy, "hello", now);
    } else if (note == INFRA_NOTE_CLOSED) {
        toy->is_secure = false;
        toy->endpoint++;
        toy->want = INFRA_WANT_CONNECT;
        toy->deadline = now + PHASE;
    } else {
        toy->outcome = note == INFRA_NOTE_FAILED ? detail : INFRA_OUTCOME_RESET;
        toy->want = ++toy->troubles < 3 ? INFRA_WANT_CLOSE : INFRA_WANT_DONE;
    }
}

static const struct infra_exchange_ops toy_ops = { .size = sizeof toy_ops,
                                                   .want = toy_want,
                                                   .endpoint = toy_endpoint,
                                                   .output = toy_output,
                                                   .sent = toy_sent,
                                                   .input = toy_input,
                                                   .note = toy_note,
                                                   .deadline = toy_deadline };

static struct toy toy;
static const struct infra_exchange exchange = { &toy_ops, &toy };

static void setup(void)
{
    toy = (struct toy) { .want = INFRA_WANT_CONNECT,
                         .deadline = PHASE,
                         .out = "" };
}

/* The splits under which every conversation must come out the same. */
static const struct {
    enum test_split split;
    uint64_t number;
} splits[] = {
    { TEST_SPLIT_NONE, 0 }, { TEST_SPLIT_BYTES, 0 },  { TEST_SPLIT_AT, 1 },
    { TEST_SPLIT_AT, 2 },   { TEST_SPLIT_RANDOM, 1 }, { TEST_SPLIT_RANDOM, 2 },
};
#define SPLITS_COUNT ((int)(sizeof splits / sizeof splits[0]))

static void set_split(struct test_transport *t, int i)
{
    t->split = splits[i].split;
    t->split_number = splits[i].number;
}

/* A connection is upgraded, used, kept idle, and used again. */
START_TEST(upgrade_in_mid_conversation_then_idle)
{
    static const struct test_step script[] = {
        TEST_ACCEPT(0),    TEST_EXPECT("tls?"),      TEST_SEND("S"),
        TEST_TLS_UP,       TEST_EXPECT("hello"),     TEST_SEND("ok."),
        TEST_IDLE,         TEST_EXPECT("once more"), TEST_WAIT(INFRA_MS(900)),
        TEST_SEND("fine"), TEST_SEND("."),
    };
    struct test_transport t = TEST_TRANSPORT(script);

    set_split(&t, _i);
    test_transport_run(&t, exchange);
    ck_assert_uint_eq(toy.want, INFRA_WANT_IDLE);
    ck_assert_uint_eq(t.step, 7);
    ck_assert_uint_eq(toy.answers, 1);
    toy_say(&toy, "once more", t.now);
    test_transport_run(&t, exchange);
    ck_assert_uint_eq(toy.answers, 2);
    ck_assert_uint_eq(t.step, t.steps_count);
    ck_assert_uint_eq(t.connects, 1);
    ck_assert_uint_eq(t.tls_ups, 1);
    ck_assert_uint_eq(t.now, INFRA_MS(900));
    ck_assert_uint_eq(t.heard_count, 0);
}
END_TEST

/* Each way to lose a connection is told as it is, and the next is asked for. */
START_TEST(losses_lead_to_the_next_endpoint)
{
    static const struct test_step script[] = { TEST_FAIL(INFRA_OUTCOME_REFUSED),
                                               TEST_CLOSED,
                                               TEST_ACCEPT(1),
                                               TEST_EOF,
                                               TEST_CLOSED,
                                               TEST_ACCEPT(2),
                                               TEST_EXPECT("tls?"),
                                               TEST_SEND("S"),
                                               TEST_FAIL(INFRA_OUTCOME_ERROR) };
    struct test_transport t = TEST_TRANSPORT(script);

    set_split(&t, _i);
    test_transport_run(&t, exchange);
    ck_assert_uint_eq(toy.want, INFRA_WANT_DONE);
    ck_assert_uint_eq(toy.outcome, INFRA_OUTCOME_ERROR);
    ck_assert_uint_eq(toy.notes[INFRA_NOTE_EOF], 1);
    ck_assert_uint_eq(toy.notes[INFRA_NOTE_CLOSED], 2);
    ck_assert_uint_eq(t.connects, 2);
    ck_assert_uint_eq(t.tls_ups, 0);
    /* What the second peer did not listen to is not said to the third. */
    ck_assert_uint_eq(t.heard_count, 0);
}
END_TEST

/* An idle connection that is lost is a note, too. */
START_TEST(idle_connections_can_be_lost)
{
    static const struct test_step script[] = {
        TEST_ACCEPT(0), TEST_EXPECT("tls?"), TEST_SEND("S"),
        TEST_TLS_UP,    TEST_SEND("ok."),    TEST_WAIT(INFRA_SEC(60)),
        TEST_TRUNCATED, TEST_CLOSED,         TEST_ACCEPT(1),
        TEST_SEND("N"), TEST_CLOSED,         TEST_ACCEPT(2),
        TEST_SEND("S"), TEST_TLS_UP,         TEST_SEND("ok."),
    };
    struct test_transport t = TEST_TRANSPORT(script);

    test_transport_run(&t, exchange);
    ck_assert_uint_eq(toy.want, INFRA_WANT_IDLE);
    ck_assert_uint_eq(toy.notes[INFRA_NOTE_TRUNCATED], 1);
    ck_assert_uint_eq(toy.answers, 2);
    ck_assert_uint_eq(t.now, INFRA_SEC(60));
}
END_TEST

/* Deadlines strike on time: in a wait, in a hang, after the script's end, and
 * when the peer waits for bytes that are not going to come. */
START_TEST(deadlines_strike_on_time)
{
    static const struct test_step script[] = {
        TEST_HANG,        TEST_CLOSED,
        TEST_ACCEPT(1),   TEST_EXPECT("tls?"),
        TEST_WAIT(PHASE), TEST_CLOSED,
        TEST_ACCEPT(2),   TEST_EXPECT("tls?and more"),
    };
    struct test_transport t = TEST_TRANSPORT(script);

    t.steps_count -= (size_t)_i;
    test_transport_run(&t, exchange);
    ck_assert_uint_eq(toy.want, INFRA_WANT_DONE);
    ck_assert_uint_eq(toy.notes[INFRA_NOTE_DEADLINE], 3);
    ck_assert_uint_eq(t.now, 3 * PHASE);
    ck_assert_uint_eq(t.step, 7); /* Not past what was not said. */
}
END_TEST

/* After a pause of the runner, what came by then comes before the deadline. */
START_TEST(a_paused_runner_reads_before_it_expires)
{
    static const struct test_step script[] = {
        TEST_ACCEPT(0),  TEST_PAUSE(5 * PHASE), TEST_SEND("S"),
        TEST_TLS_UP,     TEST_PAUSE(5 * PHASE), TEST_SEND("o"),
        TEST_SEND("k."),
    };
    struct test_transport t = TEST_TRANSPORT(script);

    test_transport_run(&t, exchange);
    ck_assert_uint_eq(toy.answers, 1);
    ck_assert_uint_eq(toy.notes[INFRA_NOTE_DEADLINE], 0);
    ck_assert_uint_eq(t.now, 10 * PHASE);
}
END_TEST

/* Bytes in the clear behind the consent to TLS spoil the handshake, where the
 * exchange did not get to see them. */
START_TEST(stray_bytes_spoil_the_handshake)
{
    static const struct test_step script[] = {
        TEST_ACCEPT(0), TEST_EXPECT("tls?"), TEST_SEND("Sok."), TEST_CLOSED,
        TEST_ACCEPT(1), TEST_SEND("S"),      TEST_TLS_UP,       TEST_SEND("."),
    };
    struct test_transport t = TEST_TRANSPORT(script);

    set_split(&t, _i);
    test_transport_run(&t, exchange);
    ck_assert_uint_eq(toy.answers, 1);
    ck_assert_uint_eq(t.connects, 2);
    ck_assert_uint_eq(t.tls_ups, 1);
    if (t.split == TEST_SPLIT_BYTES) {
        ck_assert_uint_eq(toy.notes[INFRA_NOTE_FAILED], 1);
    }
}
END_TEST

static Suite *transport_suite(void)
{
    Suite *s = suite_create("transport");
    TCase *tc = tcase_create("runner");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, upgrade_in_mid_conversation_then_idle, 0,
                        SPLITS_COUNT);
    tcase_add_loop_test(tc, losses_lead_to_the_next_endpoint, 0, SPLITS_COUNT);
    tcase_add_test(tc, idle_connections_can_be_lost);
    tcase_add_loop_test(tc, deadlines_strike_on_time, 0, 2);
    tcase_add_test(tc, a_paused_runner_reads_before_it_expires);
    tcase_add_loop_test(tc, stray_bytes_spoil_the_handshake, 0, SPLITS_COUNT);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(transport_suite());
}
