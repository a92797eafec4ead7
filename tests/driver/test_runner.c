/* Exchanges over real sockets: connecting, closing, and what is refused. */
#include "support.h"
#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

/* With IPv4, IPv6 and Unix sockets: the check passes and leaves nothing. Of TCP
 * connections the server's program never hears, for they are reset before the
 * handshake's last packet; the system sends that by itself after a while, so
 * that one of a few checks has to be quick enough. */
START_TEST(a_connection_is_noted_and_reset)
{
    static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
    struct test_endpoint endpoint;
    struct talk t;
    bool unheard = false;

    int listener = test_listen(families[_i], 8, &endpoint);
    if (listener < 0 && families[_i] == AF_INET6) {
        return; /* This machine has none. */
    }
    for (int i = 0; i < 5 && !unheard; i++) {
        struct pollfd p = { .fd = listener, .events = POLLIN };
        char bytes[8];
        talk_init(&t, &endpoint);
        infra__job_start(&t.job, 0);
        if (t.done == 0) {
            talk_settle(&t);
        }
        ck_assert_uint_eq(t.notes[INFRA_NOTE_CONNECTED], 1);
        ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_TIME_NEVER);
        infra__job_detach(&t.job);
        unheard = poll(&p, 1, 0) == 0;
        if (unheard) {
            break;
        }
        int peer = test_accept(listener);
        ck_assert_int_eq(test_read_all(peer, bytes, sizeof bytes),
                         families[_i] == AF_UNIX ? 0 : ECONNRESET);
        (void)close(peer);
    }
    ck_assert(unheard == (families[_i] != AF_UNIX));
    (void)close(listener);
}
END_TEST

/* Who only listens has the handshake ended at once, since the server may wait
 * for that before it speaks. By itself the system would do it some time later:
 * one of a few has to show the difference. */
START_TEST(who_listens_is_heard_of)
{
    struct test_endpoint endpoint;
    bool heard = false;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    for (int i = 0; i < 5 && !heard; i++) {
        struct pollfd p = { .fd = listener, .events = POLLIN };
        talk_init(&t, &endpoint);
        t.enough = 1;
        infra__job_start(&t.job, 0);
        talk_settle_until(&t, INFRA_NOTE_CONNECTED);
        heard = poll(&p, 1, 0) == 1;
        int nodelay = 0;
        socklen_t size = sizeof nodelay;
        ck_assert_int_eq(
            getsockopt(t.job.fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &size), 0);
        ck_assert_int_eq(nodelay, 1);
        (void)close(test_accept(listener));
        infra__job_detach(&t.job);
    }
    ck_assert(heard);
    (void)close(listener);
}
END_TEST

/* Who speaks ends the handshake with its first bytes, in one packet after the
 * SYN; again one of a few has to be quick enough. */
START_TEST(first_words_end_the_handshake)
{
    struct test_endpoint endpoint;
    uint32_t packets = 0;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    for (int i = 0; i < 5 && packets != 2; i++) {
        struct tcp_info info = { 0 };
        socklen_t size = sizeof info;
        talk_init(&t, &endpoint);
        t.say = "hello";
        t.say_size = 5;
        t.enough = 1;
        infra__job_start(&t.job, 0);
        talk_settle_until(&t, INFRA_NOTE_CONNECTED);
        ck_assert_uint_eq(t.say_size, 0);
        ck_assert_int_eq(
            getsockopt(t.job.fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
        packets = info.tcpi_segs_out;
        infra__job_detach(&t.job);
    }
    ck_assert_uint_eq(packets, 2);
    (void)close(listener);
}
END_TEST

/* No listener: by TCP the error comes later, by a Unix path at once. */
START_TEST(a_refusal_is_refused)
{
    struct test_endpoint tcp;
    struct test_endpoint path = { .size = sizeof(struct sockaddr_un) };
    struct talk t;

    int bound = test_refuse(&tcp);
    talk_init(&t, &tcp);
    infra__job_start(&t.job, 0);
    talk_settle(&t);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_REFUSED);
    infra__job_detach(&t.job);
    (void)close(bound);

    struct sockaddr_un *un = (struct sockaddr_un *)&path.storage;
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, "/nonexistent/socket");
    talk_init(&t, &path);
    infra__job_start(&t.job, 0);
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_REFUSED);
    infra__job_detach(&t.job);
}
END_TEST

/* A full queue: a Unix listener refuses, with TCP the attempt hangs until the
 * deadline. */
START_TEST(a_full_backlog_refuses_or_hangs)
{
    static const int families[] = { AF_UNIX, AF_INET };
    struct test_endpoint endpoint;
    int crowd[TEST_CROWD_MAX];
    struct talk t;

    int listener = test_listen(families[_i], 0, &endpoint);
    int count = test_crowd(&endpoint, crowd);
    talk_init(&t, &endpoint);
    infra__job_start(&t.job, 0);
    if (families[_i] == AF_UNIX) {
        ck_assert_uint_eq(t.done, 1);
        ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_REFUSED);
    } else {
        ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_SEC(10));
        talk_step(INFRA_SEC(10) - 1);
        ck_assert_uint_eq(t.done, 0);
        talk_step(INFRA_SEC(10));
        ck_assert_uint_eq(t.done, 1);
        ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 1);
        ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], 0);
    }
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CONNECTED], 0);
    infra__job_detach(&t.job);
    for (int i = 0; i < count; i++) {
        (void)close(crowd[i]);
    }
    (void)close(listener);
}
END_TEST

/* The exchange chooses among addresses; one that is not there is our fault. */
START_TEST(endpoints_are_tried_as_told)
{
    struct test_endpoint dead;
    struct test_endpoint live;
    struct talk t;

    int bound = test_refuse(&dead);
    int listener = test_listen(AF_INET, 8, &live);
    talk_init(&t, &dead);
    ck_assert_int_eq(
        infra__address_import(
            &t.addresses[1], (const struct sockaddr *)&live.storage, live.size),
        INFRA_OK);
    t.job.addresses_count = 2;
    t.redials = true;
    infra__job_start(&t.job, 0);
    talk_settle(&t);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CONNECTED], 1);
    t.want = INFRA_WANT_CONNECT;
    t.redials = false;
    t.endpoint = 2;
    infra__job_start(&t.job, 0);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_LOCAL);
    infra__job_detach(&t.job);
    (void)close(bound);
    (void)close(listener);
}
END_TEST

/* An attempt that hangs is given up, and its socket with it, when its time is
 * over; the next address has a chance. */
START_TEST(a_hanging_attempt_makes_room)
{
    struct test_endpoint full;
    struct test_endpoint live;
    int crowd[TEST_CROWD_MAX];
    struct talk t;

    int listeners[] = { test_listen(AF_INET, 0, &full),
                        test_listen(AF_INET, 8, &live) };
    int count = test_crowd(&full, crowd);
    talk_init(&t, &full);
    ck_assert_int_eq(
        infra__address_import(
            &t.addresses[1], (const struct sockaddr *)&live.storage, live.size),
        INFRA_OK);
    t.job.addresses_count = 2;
    t.redials = true;
    infra__job_start(&t.job, 0);
    talk_step(INFRA_SEC(10));
    ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 1);
    talk_settle(&t);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CONNECTED], 1);
    infra__job_detach(&t.job);
    for (int i = 0; i < count; i++) {
        (void)close(crowd[i]);
    }
    (void)close(listeners[0]);
    (void)close(listeners[1]);
}
END_TEST

/* TCP's simultaneous open can connect a socket with itself when nobody listens;
 * that is a refusal. */
START_TEST(a_socket_that_met_itself_was_refused)
{
    struct test_endpoint endpoint;
    struct talk t;

    int fd = test_meet_itself(AF_INET, &endpoint);
    talk_init(&t, &endpoint);
    /* It cannot be had by chance: put it where connect() would have. */
    t.job.fd = fd;
    t.job.link = INFRA__LINK_CONNECTING;
    t.job.running = true;
    infra__job_ready(&t.job, POLLOUT, 0);
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CONNECTED], 0);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_REFUSED);
    infra__job_detach(&t.job);
}
END_TEST

/* CLOSE closes, and says so, with a connection or without. */
START_TEST(close_is_answered)
{
    struct test_endpoint endpoint;
    struct talk t;
    char bytes[8];

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.idles = true;
    t.stays = true;
    infra__job_start(&t.job, 0);
    int peer = test_accept(listener);
    t.want = INFRA_WANT_CLOSE;
    ck_assert_int_eq(send(peer, "x", 1, 0), 1);
    talk_step(INFRA_SEC(1));
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CLOSED], 1);
    ck_assert_int_eq(test_read_all(peer, bytes, sizeof bytes), ECONNRESET);
    ck_assert_uint_eq(t.done, 0);
    infra__job_cancel(&t.job);
    t.stays = false;
    t.want = INFRA_WANT_CLOSE;
    infra__job_start(&t.job, 0);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CLOSED], 2);
    ck_assert_uint_eq(t.done, 1);
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* Without a descriptor the outcome is local, and nothing is left to do. */
START_TEST(no_descriptor_is_local)
{
    struct test_endpoint endpoint;
    struct rlimit limit;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = { .rlim_cur = 0, .rlim_max = limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    infra__job_start(&t.job, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_LOCAL);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_TIME_NEVER);
    infra__job_detach(&t.job);
    (void)close(listener);
}
END_TEST

/* A cancelled job hears nothing more; what epoll still has to say of its socket
 * is told from what it says of the next. */
START_TEST(cancelled_is_silent)
{
    struct test_endpoint endpoint;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    infra__job_start(&t.job, 0);
    uint64_t data = infra__job_epoll_data(&t.job);
    ck_assert_ptr_eq(infra__job_find(talk_driver, data), &t.job);
    infra__job_cancel(&t.job);
    ck_assert_ptr_null(infra__job_find(talk_driver, data));
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_TIME_NEVER);
    talk_step(INFRA_SEC(60));
    ck_assert_uint_eq(t.done, 0);
    infra__job_start(&t.job, 0);
    ck_assert_ptr_null(infra__job_find(talk_driver, data));
    infra__job_detach(&t.job);
    ck_assert_ptr_null(infra__job_find(talk_driver, UINT32_MAX));
    (void)close(listener);
}
END_TEST

/* No descriptor blocks or is inherited by a program that the host executes. */
START_TEST(descriptors_do_not_block_and_are_not_inherited)
{
    struct test_endpoint endpoint;
    struct talk t;
    bool old[256];

    int listener = test_listen(AF_INET, 8, &endpoint);
    for (int fd = 0; fd < 256; fd++) {
        old[fd] = fcntl(fd, F_GETFD) != -1;
    }
    struct infra_driver *other;
    ck_assert_int_eq(infra_driver_create(&other, NULL), INFRA_OK);
    talk_init(&t, &endpoint);
    infra__job_start(&t.job, 0);
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        if (old[fd] || fcntl(fd, F_GETFD) == -1) {
            continue;
        }
        count++;
        ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        if (fd != infra_driver_fd(other)) {
            ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        }
    }
    ck_assert_int_eq(count, 4);
    infra__job_detach(&t.job);
    infra_driver_destroy(other);
    (void)close(listener);
}
END_TEST

static Suite *runner_suite(void)
{
    Suite *s = suite_create("runner");
    TCase *tc;

    tc = tcase_create("connect");
    tcase_add_checked_fixture(tc, talk_setup, talk_teardown);
    tcase_add_loop_test(tc, a_connection_is_noted_and_reset, 0, 3);
    tcase_add_test(tc, who_listens_is_heard_of);
    tcase_add_test(tc, first_words_end_the_handshake);
    tcase_add_test(tc, a_refusal_is_refused);
    tcase_add_loop_test(tc, a_full_backlog_refuses_or_hangs, 0, 2);
    tcase_add_test(tc, endpoints_are_tried_as_told);
    tcase_add_test(tc, a_hanging_attempt_makes_room);
    tcase_add_test(tc, a_socket_that_met_itself_was_refused);
    suite_add_tcase(s, tc);

    tc = tcase_create("close");
    tcase_add_checked_fixture(tc, talk_setup, talk_teardown);
    tcase_add_test(tc, close_is_answered);
    tcase_add_test(tc, no_descriptor_is_local);
    tcase_add_test(tc, cancelled_is_silent);
    tcase_add_test(tc, descriptors_do_not_block_and_are_not_inherited);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(runner_suite());
}
