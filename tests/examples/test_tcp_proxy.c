/* SPDX-License-Identifier: MIT */
/* The proxy of examples/ as client and backend meet it: bytes, ends, resets,
 * and what a session costs. */
#include "support.h"

#include "proxy_child.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLOOD_SIZE (64u << 20)

/* Checks so rare, the first one too, that no test sees any. */
#define RARELY "--inter", "100000m"

/* The one backend of most tests. */
static struct child proxy;
static int listener;
static char name[32];
static int client;
static int backend;

static void open_session(void)
{
    char byte;

    client = client_connect(proxy.port);
    say_all(client, "?");
    backend = backend_accept_session(listener, &byte);
}

static void setup(void)
{
    listener = backend_listen(0, name);
    child_start(&proxy, (const char *[]) { RARELY, name, NULL });
    open_session();
}

static void teardown(void)
{
    close(client);
    close(backend);
    child_stop(&proxy);
    close(listener);
}

/* Both ways, any number of times. */
START_TEST(bytes_go_both_ways)
{
    for (int i = 0; i < 100; i++) {
        say_all(client, "ping");
        hear(backend, "ping");
        say_all(backend, "a longer pong");
        hear(client, "a longer pong");
    }
}
END_TEST

/* The log has a line for each session, with its bytes and why it ended. */
START_TEST(sessions_are_logged)
{
    struct child logging;
    char own[32];
    int other = backend_listen(0, own);
    char byte;

    child_start(&logging,
                (const char *[]) { RARELY, "--log-sessions", own, NULL });
    int from = client_connect(logging.port);
    say_all(from, "?ab");
    int to = backend_accept_session(other, &byte);
    hear(to, "ab");
    say_all(to, "hello");
    hear(from, "hello");
    close(to);
    hear_end(from);
    close(from);
    child_wait_log(&logging, "session time=2");
    child_wait_log(&logging, " in=3 out=5 end=done\n");
    child_wait_log(&logging, " tries=1 connect_ms=");
    child_wait_log(&logging, "client=127.0.0.1:");
    child_wait_log(&logging, own);
    from = client_connect(logging.port);
    say_all(from, "?");
    to = backend_accept_session(other, &byte);
    close_by_reset(from);
    child_wait_log(&logging, "end=client-reset\n");
    close(to);
    close(other);
    child_stop(&logging);
}
END_TEST

/* A client that has said all still gets the whole answer. */
START_TEST(client_may_close_its_half)
{
    say_all(client, "request");
    shutdown(client, SHUT_WR);
    hear(backend, "request");
    hear_end(backend);
    say_all(backend, "answer");
    hear(client, "answer");
    say_all(backend, " in two parts");
    hear(client, " in two parts");
    close(backend);
    hear_end(client);
    backend = -1;
}
END_TEST

/* A backend that has said all still hears the client. */
START_TEST(backend_may_close_its_half)
{
    say_all(backend, "bye");
    shutdown(backend, SHUT_WR);
    hear(client, "bye");
    hear_end(client);
    say_all(client, "wait");
    hear(backend, "wait");
    close(client);
    hear_end(backend);
    client = -1;
}
END_TEST

/* What was said before a reset arrives before the reset. */
START_TEST(reset_of_the_backend_reaches_the_client)
{
    say_all(backend, "half an ans");
    hear(client, "half an ans");
    close_by_reset(backend);
    hear_reset(client);
    backend = -1;
}
END_TEST

START_TEST(reset_of_the_client_reaches_the_backend)
{
    say_all(client, "half a req");
    hear(backend, "half a req");
    close_by_reset(client);
    hear_reset(backend);
    client = -1;
}
END_TEST

/* A half that is closed already can still be reset. */
START_TEST(reset_after_half_close_is_seen)
{
    shutdown(client, SHUT_WR);
    hear_end(backend);
    close_by_reset(client);
    hear_break(backend);
    client = -1;
}
END_TEST

/* The bytes of the flood: no two places look alike for long. */
static unsigned char flood_byte(size_t at)
{
    return (unsigned char)(at ^ at >> 8 ^ at >> 16);
}

static pid_t flood(int fd)
{
    pid_t pid = fork();

    if (pid == 0) {
        unsigned char bytes[65536];
        close(client); /* Or it would live on here. */
        for (size_t at = 0; at < FLOOD_SIZE;) {
            for (size_t i = 0; i < sizeof bytes; i++) {
                bytes[i] = flood_byte(at + i);
            }
            ssize_t n = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
            if (n <= 0) {
                _exit(1);
            }
            at += (size_t)n;
        }
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void hear_flood(int fd)
{
    unsigned char bytes[40000];
    size_t at = 0;
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != flood_byte(at + (size_t)i)) {
                ck_abort_msg("wrong byte at %zu", at + (size_t)i);
            }
        }
        at += (size_t)n;
    }
    ck_assert_uint_eq(at, FLOOD_SIZE);
}

/* A reader that stands still stops the writer, not the proxy, whose memory does
 * not grow with it; and not a byte is lost when it reads on. */
START_TEST(flood_waits_for_a_slow_reader)
{
    size_t resident = child_resident(&proxy);
    int slow = client;
    pid_t pid = flood(backend);

    close(backend);
    for (int i = 0; i < 100; i++) {
        open_session();
        say_all(client, "quick");
        hear(backend, "quick");
        close(client);
        hear_end(backend);
        close(backend);
    }
    ck_assert_uint_lt(child_resident(&proxy), resident + FLOOD_SIZE / 4);
    hear_flood(slow);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    client = slow;
    backend = -1;
}
END_TEST

/* Who goes away in the middle of a flood is gone, on both sides. */
START_TEST(flood_ends_with_its_reader)
{
    char bytes[1000];
    int status;
    pid_t pid = flood(backend);

    close(backend);
    ck_assert_int_gt(recv(client, bytes, sizeof bytes, 0), 0);
    close(client);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    client = -1;
    backend = -1;
}
END_TEST

/* Urgent data stops a read short; what follows it comes all the same. */
START_TEST(urgent_data_holds_nothing_up)
{
    say_all(client, "before");
    ck_assert_int_eq(send(client, "!", 1, MSG_OOB), 1);
    say_all(client, "after");
    hear(backend, "beforeafter");
}
END_TEST

/* After sessions that ended in every way, no descriptor is left behind. */
START_TEST(descriptors_come_back)
{
    close(client);
    hear_end(backend);
    close(backend);
    open_session();
    int fds = child_fds(&proxy);
    for (int i = 0; i < 200; i++) {
        int first_client = client;
        int first_backend = backend;
        open_session();
        switch (i % 4) {
        case 0:
            close(first_client);
            hear_end(first_backend);
            close(first_backend);
            break;
        case 1:
            close(first_backend);
            hear_end(first_client);
            close(first_client);
            break;
        case 2:
            close_by_reset(first_client);
            hear_reset(first_backend);
            close(first_backend);
            break;
        default:
            close_by_reset(first_backend);
            hear_reset(first_client);
            close(first_client);
            break;
        }
        /* A round trip: the proxy has turned since. */
        say_all(client, "x");
        hear(backend, "x");
        ck_assert_int_le(child_fds(&proxy), fds + 4);
    }
    /* The last one may still be closing. */
    for (int i = 0; child_fds(&proxy) > fds; i++) {
        ck_assert_int_lt(i, 10000);
        say_all(client, "x");
        hear(backend, "x");
    }
}
END_TEST

/* An idle session costs the proxy no more than a KiB of memory. */
START_TEST(idle_sessions_are_cheap)
{
    enum { COUNT = 400 };
    int clients[COUNT];
    int backends[COUNT];
    size_t resident = child_resident(&proxy);

    for (int i = 0; i < COUNT; i++) {
        clients[i] = client;
        backends[i] = backend;
        open_session();
        say_all(client, "request");
        hear(backend, "request");
        say_all(backend, "answer");
        hear(client, "answer");
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* A sanitizer keeps more than the program asks for. */
    ck_assert_uint_le(child_resident(&proxy), resident + 1024u * COUNT);
#else
    (void)resident;
#endif
    for (int i = 0; i < COUNT; i++) {
        close(clients[i]);
        close(backends[i]);
    }
}
END_TEST

/* Clients that speak first do not teach the proxy to wait for those that let
 * the server speak first: a silent client still gets its greeting. */
START_TEST(server_may_speak_first)
{
    for (int i = 0; i < 3; i++) {
        int silent = client_connect(proxy.port);
        int greeter = backend_accept(listener);
        say_all(greeter, "220 hello");
        hear(silent, "220 hello");
        say_all(silent, "hello");
        hear(greeter, "hello");
        close(silent);
        hear_end(greeter);
        close(greeter);
        close(client);
        close(backend);
        open_session();
    }
}
END_TEST

static Suite *proxy_suite(void)
{
    Suite *s = suite_create("tcp_proxy");
    TCase *tc = tcase_create("session");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bytes_go_both_ways);
    tcase_add_test(tc, sessions_are_logged);
    tcase_add_test(tc, client_may_close_its_half);
    tcase_add_test(tc, backend_may_close_its_half);
    tcase_add_test(tc, reset_of_the_backend_reaches_the_client);
    tcase_add_test(tc, reset_of_the_client_reaches_the_backend);
    tcase_add_test(tc, reset_after_half_close_is_seen);
    tcase_add_test(tc, urgent_data_holds_nothing_up);
    tcase_add_test(tc, server_may_speak_first);
    suite_add_tcase(s, tc);

    tc = tcase_create("resources");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, flood_waits_for_a_slow_reader);
    tcase_add_test(tc, flood_ends_with_its_reader);
    tcase_add_test(tc, descriptors_come_back);
    tcase_add_test(tc, idle_sessions_are_cheap);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(proxy_suite());
}
