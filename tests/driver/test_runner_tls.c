/* SPDX-License-Identifier: MIT */
/* Exchanges over TLS: what the runner does with a session's wants. */
#include "fake_tls.h"
#include "support.h"
#include "talk.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake_tls fake;
static struct infra_tls functions;
static struct talk t;
static int listener;
static int peer;

static void setup(void)
{
    struct test_endpoint endpoint;

    talk_setup();
    fake = (struct fake_tls) { .piece = 0 };
    functions = fake_tls_functions(&fake);
    listener = test_listen(AF_UNIX, 8, &endpoint);
    peer = -1;
    talk_init(&t, &endpoint);
    t.job.tls = &functions;
    t.secures = true;
}

/* Every session that was opened was closed, once. */
static void teardown(void)
{
    infra__job_detach(&t.job);
    ck_assert_int_eq(fake.closed, fake.opened);
    if (peer >= 0) {
        (void)close(peer);
    }
    (void)close(listener);
    talk_teardown();
}

static void start(void)
{
    infra__job_start(&t.job, 0);
    peer = test_accept(listener);
}

/* The peer sends what @text is on the wire. */
static void say(const char *text)
{
    char coded[128];
    size_t size = strlen(text);

    memcpy(coded, text, size);
    fake_tls_code(coded, size);
    ck_assert_int_eq(send(peer, coded, size, 0), (ssize_t)size);
}

static void say_raw(const char *text)
{
    ck_assert_int_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void turn(void)
{
    ck_assert(test_wait(infra_driver_fd(talk_driver), POLLIN));
    talk_step(INFRA_SEC(1));
}

/* Step at this time as long as something is due, without waiting. */
static void drain(infra_time now)
{
    while (infra_driver_deadline(talk_driver) <= now) {
        talk_step(now);
    }
}

/* The peer has got exactly these bytes, and then no more. */
static void expect_raw(const char *text)
{
    char bytes[64];

    for (size_t i = 0; i < strlen(text); i++) {
        while (recv(peer, &bytes[i], 1, MSG_DONTWAIT) != 1) {
            turn();
        }
    }
    ck_assert_mem_eq(bytes, text, strlen(text));
    ck_assert_int_le(recv(peer, bytes, sizeof bytes, MSG_DONTWAIT), 0);
}

static void expect_failure(uint32_t outcome)
{
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], 1);
    ck_assert_uint_eq(t.outcome, outcome);
    ck_assert_int_eq(fake.quiet, fake.opened);
}

/* Nothing is ready: the loop would wait. */
static void expect_no_turn(void)
{
    struct pollfd p = { .fd = infra_driver_fd(talk_driver), .events = POLLIN };

    ck_assert_int_eq(poll(&p, 1, 0), 0);
    ck_assert_uint_gt(infra_driver_deadline(talk_driver), INFRA_SEC(1));
}

/* However a session moves its bytes, the conversation is the same: all at once,
 * in pieces, or reading for a write and writing for a read. */
START_TEST(a_conversation_goes_through_the_session)
{
    static const struct fake_tls ways[] = {
        { .piece = 0 },
        { .piece = 1 },
        { .piece = 3, .waits_to_begin = true },
        { .piece = 1, .reads_by_write = true },
        { .piece = 2, .writes_by_read = true },
        { .reads_by_write = true, .writes_by_read = true },
    };

    fake = ways[_i];
    t.addresses[0].tls_name = "db.example";
    t.say = "question";
    t.say_size = 8;
    t.enough = 6;
    start();
    expect_raw("H");
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CONNECTED], 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_TLS_UP], 0);
    ck_assert_str_eq(fake.name, "db.example");
    say_raw("h");
    char question[] = "Kquestion";
    fake_tls_code(question + 1, 8);
    if (fake.writes_by_read) {
        turn();
        talk_step(INFRA_SEC(1)); /* For a read that waits to write. */
        ck_assert_uint_eq(t.say_size, 8);
        expect_no_turn();
        say_raw("k");
    }
    expect_raw(fake.reads_by_write ? question : question + 1);
    say("answer");
    while (t.done == 0) {
        turn();
        drain(INFRA_SEC(1));
    }
    ck_assert_uint_eq(t.notes[INFRA_NOTE_TLS_UP], 1);
    ck_assert_mem_eq(t.heard, "answer", 6);
    ck_assert_int_eq(fake.quiet, 0);
    expect_raw(FAKE_TLS_NOTIFY);
}
END_TEST

/* What the session has read further than it handed out comes without another
 * word from the socket, a bounded share of it in each turn. */
START_TEST(what_a_session_holds_is_drained)
{
    fake.piece = 1;
    t.enough = 40;
    start();
    say_raw("h");
    say("a reply of forty bytes, sent in a piece.");
    turn();
    size_t heard = t.heard_size;
    ck_assert_uint_gt(heard, 0);
    ck_assert_uint_lt(heard, 10);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_SEC(1));
    talk_step(INFRA_SEC(1));
    ck_assert_uint_gt(t.heard_size, heard);
    ck_assert_uint_lt(t.heard_size, heard + 10);
    drain(INFRA_SEC(1));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.heard_size, 40);
}
END_TEST

/* When nothing is left in the session it waits, and does not spin. */
START_TEST(a_drained_session_waits)
{
    fake.piece = 1;
    t.enough = 40;
    start();
    say_raw("h");
    say("some words");
    turn();
    drain(INFRA_SEC(1));
    ck_assert_uint_eq(t.heard_size, 10);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_SEC(10));
    expect_no_turn();
    int reads = fake.reads;
    talk_step(INFRA_SEC(2));
    ck_assert_int_eq(fake.reads, reads);
}
END_TEST

/* A session may hold bytes from the moment at which it is secure. */
START_TEST(early_bytes_are_heard)
{
    fake.is_instant = true;
    t.enough = 5;
    start();
    drain(INFRA_SEC(1));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_mem_eq(t.heard, "early", 5);
}
END_TEST

/* By TCP, whose connections are reset where that loses nothing: the last
 * message of a mere handshake has still to be read, and close_notify too. */
START_TEST(a_mere_handshake_ends_in_order)
{
    struct test_endpoint endpoint;
    struct talk tcp;
    char bytes[8];

    int tcp_listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&tcp, &endpoint);
    tcp.job.tls = &functions;
    tcp.secures = true;
    infra__job_start(&tcp.job, 0);
    talk_settle_until(&tcp, INFRA_NOTE_CONNECTED);
    int other = test_accept(tcp_listener);
    ck_assert_int_eq(send(other, "h", 1, 0), 1);
    talk_settle(&tcp);
    ck_assert_int_eq(test_read_all(other, bytes, sizeof bytes), 0);
    ck_assert_str_eq(bytes, "H" FAKE_TLS_NOTIFY);
    infra__job_detach(&tcp.job);
    (void)close(other);
    (void)close(tcp_listener);
}
END_TEST

/* After a pause what a session holds is taken before it is called late. */
START_TEST(what_a_session_holds_is_not_late)
{
    fake.piece = 1;
    t.enough = 40;
    start();
    say_raw("h");
    say("a reply of forty bytes, sent in a piece.");
    turn();
    ck_assert_uint_eq(t.done, 0);
    talk_step(INFRA_SEC(10));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.heard_size, 40);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 0);
}
END_TEST

/* A session that reads by writing is not asked again before the socket can be
 * written, and then at once, though nothing more comes to be read. */
START_TEST(a_read_may_wait_to_write)
{
    fake.reads_by_write = true;
    t.enough = 2;
    start();
    say_raw("h");
    say("yo");
    turn();
    ck_assert_int_eq(fake.reads, 1);
    turn();
    ck_assert_uint_eq(t.done, 1);
    ck_assert_int_eq(fake.reads, 2);
}
END_TEST

/* close_notify is the end; a stream that ends without it is cut off. Either is
 * told once, and what came before it first. */
START_TEST(the_end_is_told_from_truncation)
{
    static const uint32_t notes[] = { INFRA_NOTE_EOF, INFRA_NOTE_TRUNCATED };

    t.enough = SIZE_MAX;
    t.stays = true;
    start();
    say_raw("h");
    say("bye");
    if (_i == 0) {
        say_raw(FAKE_TLS_NOTIFY);
    } else {
        (void)shutdown(peer, SHUT_WR);
    }
    while (t.notes[notes[_i]] == 0) {
        turn();
    }
    drain(INFRA_SEC(1));
    ck_assert_uint_eq(t.heard_size, 3);
    ck_assert_uint_eq(t.notes[notes[_i]], 1);
    ck_assert_uint_eq(t.notes[notes[1 - _i]], 0);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], 0);
    ck_assert_uint_eq(t.done, 0);
}
END_TEST

/* A write that waits to read from a stream that has ended waits for nothing. */
START_TEST(no_write_waits_for_an_ended_stream)
{
    fake.writes_by_read = true;
    t.enough = SIZE_MAX;
    t.stays = true;
    start();
    say_raw("h");
    say_raw(FAKE_TLS_NOTIFY);
    while (t.notes[INFRA_NOTE_EOF] == 0) {
        turn();
    }
    ck_assert_uint_eq(t.done, 0);
    t.say = "hello?";
    t.say_size = 6;
    infra__job_ready(&t.job, 0, INFRA_SEC(1));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_RESET);
}
END_TEST

/* A handshake that the peer refuses, leaves or breaks is its fault. */
START_TEST(a_failed_handshake_is_an_error)
{
    start();
    expect_raw("H");
    if (_i == 0) {
        say_raw("x");
    } else if (_i == 1) {
        (void)shutdown(peer, SHUT_WR);
    } else {
        (void)close(peer);
        peer = -1;
    }
    turn();
    expect_failure(INFRA_OUTCOME_ERROR);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_TLS_UP], 0);
}
END_TEST

/* A handshake that hangs ends at the deadline, and not before; the peer hears
 * no close_notify. */
START_TEST(a_hanging_handshake_ends_at_the_deadline)
{
    start();
    expect_raw("H");
    talk_step(INFRA_SEC(10) - 1);
    ck_assert_uint_eq(t.done, 0);
    talk_step(INFRA_SEC(10));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 1);
    ck_assert_int_eq(fake.quiet, 1);
    char bytes[8];
    ck_assert_int_eq(test_read_all(peer, bytes, sizeof bytes), 0);
    ck_assert_str_eq(bytes, "");
}
END_TEST

/* A connection in the clear becomes a secure one in its middle. */
START_TEST(an_upgrade_in_mid_conversation)
{
    t.secures = false;
    t.upgrade_after = 1;
    t.say = "SSLRequest";
    t.say_size = 10;
    t.enough = 3;
    start();
    expect_raw("SSLRequest");
    ck_assert_int_eq(fake.opened, 0);
    say_raw("S");
    expect_raw("H");
    say_raw("h");
    say("ok");
    talk_settle(&t);
    ck_assert_mem_eq(t.heard, "Sok", 3);
}
END_TEST

/* Bytes that came in the clear after the agreement, and before the handshake,
 * are not taken for bytes of the session. */
START_TEST(bytes_in_the_clear_end_an_upgrade)
{
    t.secures = false;
    t.say = "SSLRequest";
    t.say_size = 10;
    t.enough = 3;
    start();
    expect_raw("SSLRequest");
    say_raw("S");
    t.want = INFRA_WANT_TLS; /* It has seen the "S" and not what follows. */
    turn();
    expect_failure(INFRA_OUTCOME_ERROR);
    ck_assert_int_eq(fake.opened, 0);
}
END_TEST

/* Without functions, without memory, and within a session, TLS is not to be
 * had, and that is not the peer's fault. */
START_TEST(tls_is_not_to_be_had)
{
    if (_i == 0) {
        t.job.tls = NULL;
    } else if (_i == 1) {
        fake.has_no_memory = true;
    } else {
        t.enough = 3;
        t.upgrade_after = 2;
    }
    start();
    if (_i == 2) {
        say_raw("h");
        say("go");
        turn();
    }
    ck_assert_int_eq(fake.closed, _i == 2);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], 1);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_LOCAL);
}
END_TEST

/* There is no session without a connection. */
START_TEST(tls_needs_a_connection)
{
    t.want = INFRA_WANT_TLS;
    infra__job_start(&t.job, 0);
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_RESET);
    ck_assert_int_eq(fake.opened, 0);
}
END_TEST

/* A session that answers what it may not is over; nothing is believed of it. */
START_TEST(absurd_answers_are_errors)
{
    static const long answers[] = {
        LONG_MAX, INFRA__DRIVER_READ_SIZE + 1, -99, LONG_MIN, INFRA_TLS_ERROR, 0
    };

    t.say = "x";
    t.say_size = _i % 2 == 0 ? 1 : 0;
    t.enough = SIZE_MAX;
    start();
    fake.is_absurd = true;
    fake.absurd = answers[_i / 2];
    say_raw("h");
    turn();
    ck_assert_uint_eq(t.notes[INFRA_NOTE_TLS_UP], 1);
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_ERROR);
    ck_assert_uint_eq(t.heard_size, 0);
    ck_assert_int_eq(fake.quiet, 1);
}
END_TEST

/* The same of the handshake. */
START_TEST(absurd_handshakes_are_errors)
{
    static const int answers[] = { 1, INT_MAX, -99, INFRA_TLS_CLOSED };

    fake.absurd_handshake = answers[_i];
    start();
    expect_failure(INFRA_OUTCOME_ERROR);
}
END_TEST

/* Each connection has a session of its own. */
START_TEST(a_new_connection_is_a_new_session)
{
    t.redials = true;
    t.addresses[1] = t.addresses[0];
    t.job.addresses_count = 2;
    t.enough = 2;
    start();
    say_raw("x");
    turn();
    (void)close(peer);
    peer = test_accept(listener);
    expect_raw("H");
    say_raw("h");
    say("ok");
    talk_settle(&t);
    ck_assert_int_eq(fake.opened, 2);
    ck_assert_int_eq(fake.quiet, 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_TLS_UP], 1);
    /* Nothing is left of the one before. */
    (void)close(peer);
    t.want = INFRA_WANT_CONNECT;
    t.heard_size = 0;
    t.done = 0;
    start();
    expect_raw("H");
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_SEC(10));
    say_raw("h");
    say("ok");
    talk_settle(&t);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_TLS_UP], 2);
}
END_TEST

/* A forked child drops the session in silence: the peer talks to the parent. */
START_TEST(a_forked_child_is_quiet)
{
    t.enough = SIZE_MAX;
    start();
    expect_raw("H");
    say_raw("h");
    turn();
    ck_assert_uint_eq(t.notes[INFRA_NOTE_TLS_UP], 1);
    pid_t child = fork();
    if (child == 0) {
        infra__job_detach(&t.job);
        _exit(fake.closed == 1 && fake.quiet == 1 ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    say("on");
    turn();
    ck_assert_uint_eq(t.heard_size, 2);
    expect_raw("");
}
END_TEST

/* The answers of a session have names; a count of bytes has none. */
START_TEST(answers_have_names)
{
    static const char *const names[] = { "want read", "want write", "closed",
                                         "truncated", "error" };

    for (long i = 0; i < (long)INFRA__COUNT_OF(names); i++) {
        ck_assert_str_eq(infra_tls_answer_name(-1 - i), names[i]);
    }
    ck_assert_str_eq(infra_tls_answer_name(0), "unknown");
    ck_assert_str_eq(infra_tls_answer_name(1), "unknown");
    ck_assert_str_eq(infra_tls_answer_name(INFRA_TLS_ERROR - 1), "unknown");
    ck_assert_str_eq(infra_tls_answer_name(LONG_MIN), "unknown");
}
END_TEST

static Suite *runner_tls_suite(void)
{
    Suite *s = suite_create("runner_tls");
    TCase *tc;

    tc = tcase_create("bytes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_conversation_goes_through_the_session, 0, 6);
    tcase_add_test(tc, what_a_session_holds_is_drained);
    tcase_add_test(tc, a_drained_session_waits);
    tcase_add_test(tc, early_bytes_are_heard);
    tcase_add_test(tc, what_a_session_holds_is_not_late);
    tcase_add_test(tc, a_read_may_wait_to_write);
    tcase_add_loop_test(tc, the_end_is_told_from_truncation, 0, 2);
    tcase_add_test(tc, no_write_waits_for_an_ended_stream);
    tcase_add_loop_test(tc, absurd_answers_are_errors, 0, 12);
    suite_add_tcase(s, tc);

    tc = tcase_create("handshake");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_failed_handshake_is_an_error, 0, 3);
    tcase_add_test(tc, a_mere_handshake_ends_in_order);
    tcase_add_test(tc, a_hanging_handshake_ends_at_the_deadline);
    tcase_add_test(tc, an_upgrade_in_mid_conversation);
    tcase_add_test(tc, bytes_in_the_clear_end_an_upgrade);
    tcase_add_loop_test(tc, tls_is_not_to_be_had, 0, 3);
    tcase_add_test(tc, tls_needs_a_connection);
    tcase_add_loop_test(tc, absurd_handshakes_are_errors, 0, 4);
    tcase_add_test(tc, answers_have_names);
    tcase_add_test(tc, a_new_connection_is_a_new_session);
    tcase_add_test(tc, a_forked_child_is_quiet);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(runner_tls_suite());
}
