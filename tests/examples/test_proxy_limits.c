/* SPDX-License-Identifier: MIT */
/* What one client, or one address, can take from the others: sessions, and
 * memory of who does not read. */
#include "../../examples/tcp_proxy/relay_limits.h"
#include "support.h"

#include "proxy_child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RARELY "--inter", "100000m"

static struct child proxy;
static int listener;
static char name[32];
static bool was_reset; /* The last client, before it looked for that. */

/* A client with an address of its own; it has said @byte. */
static int connect_and_say(const char *address, char byte)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(inet_pton(AF_INET, address, &a.sin_addr), 1);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(proxy.port);
    /* A reset may come so soon that connect() or send() takes its error. */
    was_reset = connect(fd, (struct sockaddr *)&a, sizeof a) != 0;
    ck_assert(!was_reset || errno == ECONNRESET);
    was_reset |= send(fd, &byte, 1, MSG_NOSIGNAL) != 1;
    return fd;
}

static int connect_from(const char *address)
{
    return connect_and_say(address, 'x');
}

/* Its session reaches the backend. */
static int take_session(void)
{
    char byte;

    return backend_accept_session(listener, &byte);
}

/* All that has reached the backend by now are checks. */
static void no_session_waits(void)
{
    while (!backend_is_idle(listener)) {
        int fd = backend_accept(listener);
        char byte;
        ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
        close(fd);
    }
}

static void start(const char *option, const char *value, const char *other,
                  const char *other_value)
{
    listener = backend_listen(0, name);
    child_start(&proxy, (const char *[]) { RARELY, option, value, other,
                                           other_value, name, NULL });
}

static void stop(void)
{
    child_stop(&proxy);
    close(listener);
}

/* A client that comes when all places are taken waits for one, and is then
 * served. */
START_TEST(who_finds_no_place_waits)
{
    static const char *const addresses[] = { "127.0.0.2", "127.0.0.3",
                                             "127.0.0.4", "127.0.0.5" };
    int clients[4];
    int backends[4];

    start("--sessions-max", "3", "--drain-timeout", "1s");
    for (int i = 0; i < 3; i++) {
        clients[i] = connect_from(addresses[i]);
        backends[i] = take_session();
    }
    clients[3] = connect_from(addresses[3]);
    no_session_waits();
    close_by_reset(clients[1]);
    hear_reset(backends[1]);
    backends[3] = take_session();
    say_all(backends[3], "served");
    hear(clients[3], "served");
    for (int i = 0; i < 4; i++) {
        if (i != 1) {
            close_by_reset(clients[i]);
        }
        close(backends[i]);
    }
    stop();
}
END_TEST

/* An address that has its number is refused; others are not. */
START_TEST(address_has_its_number)
{
    start("--sessions-max", "100", "--sessions-per-address", "2");
    for (int i = 0; i < 3; i++) {
        char address[32];
        snprintf(address, sizeof address, "127.0.1.%d", i + 1);
        int a = connect_from(address);
        int b = connect_from(address);
        int backend_a = take_session();
        int backend_b = take_session();
        int refused = connect_from(address);
        if (!was_reset) {
            hear_reset(refused);
        }
        close(refused);
        /* When one has left there is room again. */
        close_by_reset(a);
        hear_any_end(backend_a);
        int later = connect_from(address);
        int backend_later = take_session();
        close_by_reset(later);
        close_by_reset(b);
        close(backend_a);
        close(backend_b);
        close(backend_later);
    }
    stop();
}
END_TEST

/* One address that wants all places leaves some to others, without any option
 * for it. */
START_TEST(one_address_never_has_all)
{
    enum { MANY = 200 };
    int clients[MANY];
    char whose = 'x';

    start("--sessions-max", "64", "--drain-timeout", "1s");
    for (int i = 0; i < MANY; i++) {
        clients[i] = connect_from("127.0.0.1");
    }
    int other = connect_and_say("127.0.0.2", 'o');
    for (int served = 0; whose != 'o'; served++) {
        ck_assert_int_lt(served, 64);
        say_all(backend_accept_session(listener, &whose), "served");
    }
    hear(other, "served");
    for (int i = 0; i < MANY; i++) {
        close_by_reset(clients[i]);
    }
    close(other);
    stop();
}
END_TEST

/* Write to all until nothing is taken for a moment: at the most it ends too
 * early, which is no worse. */
static void flood(const int *fds, int count)
{
    static char bytes[1 << 18];
    struct pollfd polls[256];
    int left = count;

    for (int i = 0; i < count; i++) {
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        polls[i] = (struct pollfd) { .fd = fds[i], .events = POLLOUT };
    }
    for (int round = 0; round < 1000 && left > 0; round++) {
        left = poll(polls, (nfds_t)count, 300);
        for (int i = 0; i < count; i++) {
            if (polls[i].revents != 0) {
                (void)send(fds[i], bytes, sizeof bytes, MSG_NOSIGNAL);
            }
        }
    }
}

/* Clients that do not read take little memory, whatever they asked for. */
START_TEST(who_does_not_read_gets_little)
{
    enum { COUNT = 200 };
    int clients[COUNT];
    int backends[COUNT];

    start("--buffer-memory", "1m", "--drain-timeout", "1s");
    for (int i = 0; i < COUNT; i++) {
        clients[i] = client_connect(proxy.port);
        say_all(clients[i], "x");
        backends[i] = take_session();
    }
    size_t before = child_resident(&proxy);
    flood(backends, COUNT);
    /* 16 of 256 KiB, of the others 16 KiB at most; it was 256 KiB each. The
     * thread sanitizer has memory of its own for each byte. */
#ifndef __SANITIZE_THREAD__
    ck_assert_uint_lt(child_resident(&proxy) - before, 16u << 20);
#else
    ck_assert_uint_gt(child_resident(&proxy), before / 2);
#endif
    /* And all others are served. */
    int other = client_connect(proxy.port);
    say_all(other, "x");
    int backend = take_session();
    say_all(backend, "served");
    hear(other, "served");
    close(other);
    close(backend);
    for (int i = 0; i < COUNT; i++) {
        close_by_reset(clients[i]);
        close(backends[i]);
    }
    stop();
}
END_TEST

/* More than descriptors allow is refused at the start. */
START_TEST(descriptors_have_to_suffice)
{
    listener = backend_listen(0, name);
    child_run(&proxy,
              (const char *[]) { "--listen", "127.0.0.1:0", "--sessions-max",
                                 "100000000", name, NULL });
    ck_assert_int_ne(child_wait_end(&proxy), 0);
    ck_assert_ptr_nonnull(strstr(proxy.log, "--sessions-max: the limit of"));
    close(listener);
}
END_TEST

static uint64_t source_of(const struct relay_limits *limits, const char *text)
{
    struct sockaddr_storage storage = { .ss_family = AF_INET6 };
    struct sockaddr_in *in = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;

    if (strchr(text, ':') == NULL) {
        storage.ss_family = AF_INET;
        ck_assert_int_eq(inet_pton(AF_INET, text, &in->sin_addr), 1);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
    }
    return relay_limits_source(limits, &storage);
}

/* An address is an IPv4 address, mapped or not, or half of an IPv6 address. */
START_TEST(source_is_an_address)
{
    static const struct relay_limits limits = { .seed = 1 };

#define SAME(a, b) \
    ck_assert_uint_eq(source_of(&limits, a), source_of(&limits, b))
#define OTHER(a, b) \
    ck_assert_uint_ne(source_of(&limits, a), source_of(&limits, b))
    SAME("192.0.2.1", "::ffff:192.0.2.1");
    OTHER("192.0.2.1", "192.0.2.2");
    OTHER("::ffff:192.0.2.1", "::ffff:192.0.2.2");
    SAME("2001:db8::1", "2001:db8::ffff:1");
    OTHER("2001:db8::1", "2001:db8:0:1::1");
}
END_TEST

/* Thresholds: one alone gets 16 of 17, a newcomer always finds a place, and all
 * counts come back to nothing. */
START_TEST(places_are_shared)
{
    enum { MAX = 1700 };
    struct relay_limits *limits = calloc(1, sizeof *limits);
    uint64_t sources[3];
    int counts[3] = { 0 };

    limits->sessions_max = MAX;
    limits->seed = 7;
    sources[0] = source_of(limits, "192.0.2.1");
    sources[1] = source_of(limits, "192.0.2.2");
    sources[2] = source_of(limits, "2001:db8::1");
    for (int who = 0; who < 3; who++) {
        while (relay_limits_reserve(limits) &&
               relay_limits_enter(limits, sources[who])) {
            counts[who]++;
        }
        relay_limits_release(limits);
    }
    ck_assert_int_ge(counts[0], MAX * 16 / 17 - 2);
    ck_assert_int_le(counts[0], MAX * 16 / 17 + 2);
    ck_assert_int_gt(counts[1], 0);
    ck_assert_int_gt(counts[2], 0);
    for (int who = 0; who < 3; who++) {
        for (int i = 0; i < counts[who]; i++) {
            relay_limits_leave(limits, sources[who]);
            relay_limits_release(limits);
        }
    }
    ck_assert_uint_eq(limits->sessions, 0);
    for (size_t i = 0; i < RELAY_LIMITS_SLOTS; i++) {
        ck_assert_uint_eq(limits->slots[0][i] + limits->slots[1][i], 0);
    }
    free(limits);
}
END_TEST

static Suite *limits_suite(void)
{
    Suite *suite = suite_create("proxy_limits");
    TCase *counts = tcase_create("counts");
    TCase *clients = tcase_create("clients");

    tcase_add_test(counts, source_is_an_address);
    tcase_add_test(counts, places_are_shared);
    suite_add_tcase(suite, counts);
    tcase_set_timeout(clients, 300);
    tcase_add_test(clients, who_finds_no_place_waits);
    tcase_add_test(clients, address_has_its_number);
    tcase_add_test(clients, one_address_never_has_all);
    tcase_add_test(clients, who_does_not_read_gets_little);
    tcase_add_test(clients, descriptors_have_to_suffice);
    suite_add_tcase(suite, clients);
    return suite;
}

int main(void)
{
    return test_main(limits_suite());
}
