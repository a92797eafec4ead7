/* SPDX-License-Identifier: MIT */
/* A peer that follows a script, and the runner between it and an exchange: the
 * contract of "Exchange" in base.h on a virtual clock, with no socket. The
 * script is the peer's side of the conversation, one step after the other:
 *
 *     static const struct test_step script[] = {
 *         TEST_ACCEPT(0), TEST_EXPECT("PING\r\n"), TEST_SEND("PONG\r\n"),
 *         TEST_EOF,
 *     };
 *
 * After the last step the peer says nothing more, for ever. What contradicts
 * the script (other bytes than expected, a connection where a close is due)
 * fails the test that is running. */
#ifndef TESTS_TRANSPORT_H
#define TESTS_TRANSPORT_H

#include <infra/base.h>
#include <stdbool.h>

enum test_step_kind {
    /* Answers to want CONNECT. */
    TEST_STEP_ACCEPT, /* The exchange must ask for this endpoint. */
    /* Answers to want TLS. */
    TEST_STEP_TLS_UP,
    /* Any want but CLOSE and DONE: the connection, or what was wanted, fails
     * with this outcome. */
    TEST_STEP_FAIL,
    /* During want IO; SEND, EOF and TRUNCATED also while it is idle. */
    TEST_STEP_EXPECT, /* These bytes must come next. */
    TEST_STEP_SEND,
    TEST_STEP_EOF,
    TEST_STEP_TRUNCATED,
    /* The answer to want CLOSE. */
    TEST_STEP_CLOSED,
    /* The exchange must want IDLE: the run ends here, so that its owner can
     * give it more to do; the next run goes on behind it. */
    TEST_STEP_IDLE,
    /* Any want but DONE. Time passes; a deadline in it strikes on time. */
    TEST_STEP_WAIT,
    /* The runner itself sleeps: what the peer did by then is seen first, and
     * the deadline only after that. */
    TEST_STEP_PAUSE,
    /* Nothing happens until the deadline. */
    TEST_STEP_HANG,
};

struct test_step {
    const void *bytes;
    size_t size;
    infra_time time;
    enum test_step_kind kind;
    uint32_t number; /* An endpoint, or an enum infra_outcome. */
};

#define TEST_ACCEPT(endpoint)                          \
    {                                                  \
        .kind = TEST_STEP_ACCEPT, .number = (endpoint) \
    }
#define TEST_TLS_UP              \
    {                            \
        .kind = TEST_STEP_TLS_UP \
    }
#define TEST_FAIL(outcome)                          \
    {                                               \
        .kind = TEST_STEP_FAIL, .number = (outcome) \
    }
#define TEST_EXPECT(text)                                                   \
    {                                                                       \
        .kind = TEST_STEP_EXPECT, .bytes = (text), .size = sizeof(text) - 1 \
    }
#define TEST_SEND(text)                                                   \
    {                                                                     \
        .kind = TEST_STEP_SEND, .bytes = (text), .size = sizeof(text) - 1 \
    }
#define TEST_EOF              \
    {                         \
        .kind = TEST_STEP_EOF \
    }
#define TEST_TRUNCATED              \
    {                               \
        .kind = TEST_STEP_TRUNCATED \
    }
#define TEST_CLOSED              \
    {                            \
        .kind = TEST_STEP_CLOSED \
    }
#define TEST_IDLE              \
    {                          \
        .kind = TEST_STEP_IDLE \
    }
#define TEST_WAIT(duration)                        \
    {                                              \
        .kind = TEST_STEP_WAIT, .time = (duration) \
    }
#define TEST_PAUSE(duration)                        \
    {                                               \
        .kind = TEST_STEP_PAUSE, .time = (duration) \
    }
#define TEST_HANG              \
    {                          \
        .kind = TEST_STEP_HANG \
    }

/* How what is sent, either way, falls into pieces. */
enum test_split {
    TEST_SPLIT_NONE,   /* All at once. */
    TEST_SPLIT_BYTES,  /* One byte at a time. */
    TEST_SPLIT_AT,     /* The first @split_number bytes of a step, the rest. */
    TEST_SPLIT_RANDOM, /* 1 .. 7 bytes, seeded with @split_number. */
};

struct test_transport {
    const struct test_step *steps;
    size_t steps_count;
    infra_time now;
    enum test_split split;
    uint64_t split_number;

    /* What happened; begin with zeroes. */
    size_t step;       /* The one that is next. */
    size_t offset;     /* How much of it is sent. */
    unsigned connects; /* Connections that stood. */
    unsigned tls_ups;
    /* The peer sent more than the exchange took before it wanted TLS: in the
     * clear where a handshake belongs (CVE-2021-23222), so that the handshake
     * fails. */
    bool has_stray_bytes;
    size_t heard_count; /* What came and no EXPECT has taken yet. */
    unsigned char heard[8192];
};

#define TEST_TRANSPORT(script)                                                 \
    {                                                                          \
        .steps = (script), .steps_count = sizeof(script) / sizeof((script)[0]) \
    }

/* Run until the exchange is done, or idle at an IDLE step or at the end of the
 * script. @t->now is then the time. */
void test_transport_run(struct test_transport *t, struct infra_exchange x);

#endif
