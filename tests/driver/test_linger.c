/* SPDX-License-Identifier: MIT */
/* What a server sees of a check that is decided before it has said all, over
 * real sockets: no reset, unless it floods. */
#include "fake_tls.h"
#include "support.h"
#include "talk.h"

#include <errno.h>
#include <infra/probe.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct infra_probe *probe;
static struct infra__job job;
static struct infra__address address;
static struct test_endpoint endpoint;
static int listener, peer;
static uint32_t done;

static void note_done(void *owner, infra_time now)
{
    (void)owner;
    (void)now;
    done++;
}

static void setup(void)
{
    listener = test_listen(AF_INET, 8, &endpoint);
    talk_setup();
    const struct infra_probe_http_options o = { .size = sizeof o };
    ck_assert_int_eq(infra_probe_http(&probe, &o), INFRA_OK);
    peer = -1;
    done = 0;
}

static void teardown(void)
{
    infra__job_detach(&job);
    infra_probe_destroy(probe);
    if (peer >= 0) {
        (void)close(peer);
    }
    talk_teardown();
    (void)close(listener);
}

static void attach(void)
{
    job = (struct infra__job) { .exchange = infra_probe_exchange(probe),
                                .addresses = &address,
                                .addresses_count = 1,
                                .done = note_done };
    ck_assert_int_eq(infra__address_import(
                         &address, (const struct sockaddr *)&endpoint.storage,
                         endpoint.size),
                     INFRA_OK);
    ck_assert_int_eq(infra__job_attach(talk_driver, &job), INFRA_OK);
}

static void start(infra_time now)
{
    infra_probe_start(probe, 0, now);
    infra__job_start(&job, now);
    peer = test_accept(listener);
    talk_step(now);
}

static void say(const char *text)
{
    ck_assert_int_eq(send(peer, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

/* Wait for the driver's socket, unless something is due, and let it have its
 * turn. */
static void step_when_ready(infra_time now)
{
    ck_assert(infra_driver_deadline(talk_driver) <= now ||
              test_wait(infra_driver_fd(talk_driver), POLLIN));
    talk_step(now);
}

static void settle(uint32_t count, infra_time now)
{
    while (done < count) {
        step_when_ready(now);
    }
}

static uint32_t reason_now(void)
{
    struct infra_probe_result r = { .reason = 99 };

    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    return r.reason;
}

/* How the stream ends for the peer: 0 in order, or an errno. */
static int end_of_stream(void)
{
    char bytes[256];

    return test_read_all(peer, bytes, sizeof bytes);
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

/* The result is there with the head; the body comes later, in pieces, and then
 * the server closes: nothing of it is an error. */
START_TEST(a_body_after_the_head_meets_no_reset)
{
    attach();
    start(0);
    say(_i == 0 ? HEAD : "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n");
    settle(1, 0);
    ck_assert_uint_eq(reason_now(), _i == 0 ? INFRA_PROBE_REASON_PASSED
                                            : INFRA_PROBE_REASON_STATUS);
    say("bo");
    step_when_ready(INFRA_MS(10));
    say("dy!");
    step_when_ready(INFRA_MS(20));
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    step_when_ready(INFRA_MS(30));
    ck_assert_int_eq(end_of_stream(), 0);
    ck_assert_int_eq(job.link, INFRA__LINK_NONE);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_TIME_NEVER);
    ck_assert_uint_eq(done, 1);
}
END_TEST

/* All came at once: it is over at once. */
START_TEST(what_has_ended_is_not_waited_for)
{
    attach();
    start(0);
    say(HEAD "body!");
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    settle(1, 0);
    while (job.link != INFRA__LINK_NONE) {
        step_when_ready(0);
    }
    ck_assert_int_eq(end_of_stream(), 0);
}
END_TEST

/* A peer that does not end has until the check's limit, and is closed in
 * order. */
START_TEST(who_does_not_end_is_left_in_time)
{
    attach();
    start(0);
    say(HEAD);
    settle(1, 0);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_SEC(2));
    say("x");
    step_when_ready(INFRA_SEC(1));
    ck_assert_int_eq(job.link, INFRA__LINK_OPEN);
    talk_step(INFRA_SEC(2));
    ck_assert_int_eq(job.link, INFRA__LINK_NONE);
    ck_assert_int_eq(end_of_stream(), 0);
}
END_TEST

/* A flooding peer is reset, before the limit. */
START_TEST(who_floods_is_reset)
{
    static const char bytes[1 << 16];

    attach();
    start(0);
    say(HEAD);
    settle(1, 0);
    for (int i = 0; i < 100000 && job.link != INFRA__LINK_NONE; i++) {
        (void)send(peer, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        talk_step(0);
    }
    ck_assert_int_eq(job.link, INFRA__LINK_NONE);
    ck_assert_int_eq(end_of_stream(), ECONNRESET);
}
END_TEST

/* The next check does not wait for it, nor does the end of the host. */
START_TEST(the_next_check_ends_it)
{
    attach();
    start(0);
    say(HEAD);
    settle(1, 0);
    int first = peer;
    if (_i == 0) {
        start(1);
        say(HEAD "body!");
        settle(2, 1);
        ck_assert_uint_eq(reason_now(), INFRA_PROBE_REASON_PASSED);
    } else {
        infra__job_cancel(&job);
    }
    char ret[256];
    ck_assert_int_eq(test_read_all(first, ret, sizeof ret), 0);
    if (_i == 0) {
        (void)close(first);
    }
}
END_TEST

/* A server that is late is not waited for again. */
START_TEST(who_is_late_is_reset)
{
    attach();
    start(0);
    say("HTTP/1.1 200 OK\r\n");
    step_when_ready(0);
    talk_step(INFRA_SEC(2));
    ck_assert_uint_eq(reason_now(), INFRA_PROBE_REASON_SLOW_REPLY);
    ck_assert_int_eq(job.link, INFRA__LINK_NONE);
    ck_assert_int_eq(end_of_stream(), ECONNRESET);
}
END_TEST

/* An agent may have more to say than its line. */
START_TEST(an_agent_says_all)
{
    const struct infra_probe_agent_options o = { .size = sizeof o };

    infra_probe_destroy(probe);
    ck_assert_int_eq(infra_probe_agent(&probe, &o), INFRA_OK);
    attach();
    start(0);
    say("up\r");
    settle(1, 0);
    ck_assert_uint_eq(reason_now(), INFRA_PROBE_REASON_PASSED);
    say("\n");
    step_when_ready(1);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    step_when_ready(2);
    ck_assert_int_eq(end_of_stream(), 0);
}
END_TEST

static void say_coded(const char *text)
{
    char coded[256];
    size_t size = strlen(text);

    memcpy(coded, text, size);
    fake_tls_code(coded, size);
    ck_assert_int_eq(send(peer, coded, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* The same over TLS, whose sessions hold bytes that nobody is told of; they end
 * with it. */
START_TEST(sessions_are_read_to_their_end)
{
    const struct infra_probe_http_options o = { .size = sizeof o, .tls = 1 };
    struct fake_tls fake = { .piece = _i == 0 ? 0 : 2 };
    struct infra_tls functions = fake_tls_functions(&fake);

    infra_probe_destroy(probe);
    ck_assert_int_eq(infra_probe_http(&probe, &o), INFRA_OK);
    attach();
    job.tls = &functions;
    start(0);
    ck_assert_int_eq(send(peer, "h", 1, MSG_NOSIGNAL), 1);
    say_coded(HEAD);
    while (done == 0) {
        step_when_ready(0);
    }
    ck_assert_uint_eq(reason_now(), INFRA_PROBE_REASON_PASSED);
    ck_assert_int_eq(fake.closed, 0);
    say_coded("body, and so much that no read takes all of it");
    ck_assert_int_eq(send(peer, FAKE_TLS_NOTIFY, 1, MSG_NOSIGNAL), 1);
    while (job.link != INFRA__LINK_NONE) {
        step_when_ready(1);
    }
    ck_assert_int_eq(fake.closed, 1);
    ck_assert_int_eq(end_of_stream(), 0);
}
END_TEST

static Suite *linger_suite(void)
{
    Suite *s = suite_create("linger");
    TCase *tc = tcase_create("linger");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_body_after_the_head_meets_no_reset, 0, 2);
    tcase_add_test(tc, what_has_ended_is_not_waited_for);
    tcase_add_test(tc, who_does_not_end_is_left_in_time);
    tcase_add_test(tc, who_floods_is_reset);
    tcase_add_loop_test(tc, the_next_check_ends_it, 0, 2);
    tcase_add_test(tc, who_is_late_is_reset);
    tcase_add_test(tc, an_agent_says_all);
    tcase_add_loop_test(tc, sessions_are_read_to_their_end, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(linger_suite());
}
