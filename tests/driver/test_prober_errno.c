/* SPDX-License-Identifier: MIT */
/* Errors of the system: the destination's fault, which takes it down, or ours,
 * which condemns no backend and is no lasting doubt. connect() and socket() are
 * this program's own, so that each errno can be had. */
#include "prober_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STRANGE_PORT 1 /* Where the destination under test is. */
#define TIMEOUT INFRA_SEC(1)

static int connect_error; /* Of the destination under test. */
static int socket_error;  /* Of an IPv6 socket. */
static bool has_source;   /* Datagrams could be sent to it. */

/* By these names, since glibc declares the others in a way of its own. */
int fake_connect(int fd, const void *address,
                 socklen_t size) __asm__("connect");
int fake_socket(int family, int type, int protocol) __asm__("socket");

int fake_connect(int fd, const void *address, socklen_t size)
{
    const struct sockaddr_in *in = address;
    int type = 0;
    socklen_t type_size = sizeof type;

    if (in->sin_family == AF_UNIX || in->sin_port != htons(STRANGE_PORT) ||
        connect_error == 0) {
        return (int)syscall(SYS_connect, fd, address, size);
    }
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size);
    if (type == SOCK_DGRAM && has_source) {
        return 0;
    }
    errno = connect_error;
    return -1;
}

int fake_socket(int family, int type, int protocol)
{
    if (family == AF_INET6 && socket_error != 0) {
        errno = socket_error;
        return -1;
    }
    return (int)syscall(SYS_socket, family, type, protocol);
}

static void create(uint32_t initial)
{
    const struct infra_health_options schedule = { .size = sizeof schedule,
                                                   .inter = INFRA_SEC(2),
                                                   .fastinter = INFRA_SEC(1),
                                                   .initial = initial };

    open_driver();
    ck_assert_int_eq(create_prober(&schedule, 0, 0), INFRA_OK);
}

static void setup(void)
{
    connect_error = socket_error = 0;
    has_source = false;
    create(INFRA_HEALTH_INITIAL_FULLY_UP);
}

static void set(uint32_t id, const char *key, const void *address,
                uint32_t size, struct infra_probe *probe)
{
    ck_assert_int_eq(set_target(id, key, address, size, probe), INFRA_OK);
}

static void set_strange(uint32_t id, const char *key, int family)
{
    const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                      .sin6_port = htons(STRANGE_PORT),
                                      .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    const struct sockaddr_in in = { .sin_family = AF_INET,
                                    .sin_port = htons(STRANGE_PORT),
                                    .sin_addr = { htonl(0x7f000001) } };

    if (family == AF_INET6) {
        set(id, key, &in6, sizeof in6, tcp_probe());
    } else {
        set(id, key, &in, sizeof in, tcp_probe());
    }
}

/* What was heard of a backend, and how often of doubt. */
struct heard {
    uint32_t kind; /* 0: nothing, since that is no change. */
    uint32_t outcome;
    infra_time at;
    uint32_t doubts;
    uint32_t trusts;
};

/* Live for @time, deadline by deadline. */
static struct heard listen_for(uint32_t id, infra_time time)
{
    struct heard heard = { 0 };
    infra_time until = now + time;

    while (now < until) {
        infra_time due = infra_driver_deadline(driver);
        due = due < until ? due : until;
        now = due > now ? due : now;
        step();
        struct infra_health_event e;
        while (infra_prober_next(prober, now, &e) == INFRA_OK) {
            heard.doubts += e.kind == INFRA_HEALTH_EVENT_DOUBT;
            heard.trusts += e.kind == INFRA_HEALTH_EVENT_TRUST;
            if (e.id == id) {
                heard.kind = e.kind;
                heard.outcome = e.outcome;
                heard.at = now;
            }
        }
    }
    return heard;
}

static const struct {
    const char *name;
    int connect_error;
    int socket_error;
    int family;
    bool has_source;
    uint32_t outcome;
} theirs[] = {
    { "blackhole", EINVAL, 0, AF_INET, 0, INFRA_OUTCOME_UNREACHABLE },
    { "prohibited", EACCES, 0, AF_INET, 0, INFRA_OUTCOME_UNREACHABLE },
    { "firewall", EPERM, 0, AF_INET, 0, INFRA_OUTCOME_UNREACHABLE },
    { "no route", ENETUNREACH, 0, AF_INET, 0, INFRA_OUTCOME_UNREACHABLE },
    { "no IPv6 here", EADDRNOTAVAIL, 0, AF_INET6, 0,
      INFRA_OUTCOME_UNREACHABLE },
    { "no IPv6 at all", 0, EAFNOSUPPORT, AF_INET6, 0,
      INFRA_OUTCOME_UNREACHABLE },
    { "no such interface", ENODEV, 0, AF_INET6, 0, INFRA_OUTCOME_UNREACHABLE },
    { "torn", ECONNABORTED, 0, AF_INET, 0, INFRA_OUTCOME_RESET },
    { "no peer", ENOTCONN, 0, AF_INET, 0, INFRA_OUTCOME_RESET },
    { "ICMP", EPROTO, 0, AF_INET, 0, INFRA_OUTCOME_UNREACHABLE },
    { "no net", ENONET, 0, AF_INET, 0, INFRA_OUTCOME_UNREACHABLE },
    { "unheard of", ENOTEMPTY, 0, AF_INET, 0, INFRA_OUTCOME_UNREACHABLE },
};

/* A destination that cannot be reached goes down, whatever the system calls it,
 * and the prober has no doubt of itself. */
START_TEST(what_the_destination_causes_takes_it_down)
{
    connect_error = theirs[_i].connect_error;
    socket_error = theirs[_i].socket_error;
    has_source = theirs[_i].has_source;
    set_strange(0, "a", theirs[_i].family);
    struct heard heard = listen_for(0, INFRA_SEC(5));
    ck_assert_msg(heard.kind == INFRA_HEALTH_EVENT_DOWN, "%s", theirs[_i].name);
    ck_assert_msg(heard.outcome == theirs[_i].outcome, "%s", theirs[_i].name);
    ck_assert_msg(heard.doubts == 0, "%s", theirs[_i].name);
}
END_TEST

static const struct {
    const char *name;
    int connect_error;
    int socket_error;
} ours[] = {
    { "no port", EADDRNOTAVAIL, 0 },
    { "no memory", ENOBUFS, 0 },
    { "no descriptor", 0, EMFILE },
    { "no descriptor at all", 0, ENFILE },
    { "no memory for a socket", 0, ENOMEM },
};

/* What no destination could do condemns nobody; but where others are checked
 * meanwhile, doubt ends for good. */
START_TEST(what_is_ours_condemns_nobody)
{
    struct test_endpoint good;
    int listener = test_listen(AF_UNIX, 64, &good);

    connect_error = ours[_i].connect_error;
    socket_error = ours[_i].socket_error;
    has_source = true;
    set_strange(0, "a", AF_INET6);
    set(1, "b", &good.storage, good.size, tcp_probe());
    struct heard heard = listen_for(0, INFRA_SEC(10));
    ck_assert_msg(heard.kind == 0, "%s", ours[_i].name);
    ck_assert_msg(heard.doubts == 1 && heard.trusts == 1, "%s", ours[_i].name);
    heard = listen_for(0, INFRA_SEC(100));
    ck_assert_msg(heard.kind == 0 && heard.doubts == 0, "%s", ours[_i].name);
    (void)close(listener);
}
END_TEST

/* A server that hangs beside it goes down as fast as the header says: fall - 1
 * times fastinter and a time-out after its first failing check, also where
 * nobody else is there and where the other one has failed all along. */
START_TEST(a_hung_server_beside_it_goes_down_in_time)
{
    struct test_endpoint hung;
    int listener = test_listen(AF_UNIX, 64, &hung);

    connect_error = _i < 2 ? EINVAL : EADDRNOTAVAIL;
    has_source = true;
    set_strange(0, "a", AF_INET);
    if (_i % 2 == 1) {
        (void)listen_for(0, INFRA_SEC(60));
    }
    infra_time start = now;
    set(1, "b", &hung.storage, hung.size, http_probe(TIMEOUT));
    struct infra_health_status stats = { .size = sizeof stats };
    ck_assert_int_eq(infra_prober_inspect(prober, 1, &stats, NULL), INFRA_OK);
    struct heard heard = listen_for(1, INFRA_SEC(60));
    ck_assert_uint_eq(heard.kind, INFRA_HEALTH_EVENT_DOWN);
    /* While it is ours, or was before anybody else was checked: doubt stretches
     * one time-out, or holds one failure back. */
    infra_time more = _i >= 2 ? INFRA_SEC(1) + 2 * TIMEOUT : 0;
    ck_assert_msg(heard.at <= stats.next + 2 * INFRA_SEC(1) + TIMEOUT + more,
                  "%d: %g", _i, (double)(heard.at - start) / 1e9);
    heard = listen_for(1, INFRA_SEC(60));
    ck_assert_uint_eq(heard.doubts, 0);
    (void)close(listener);
}
END_TEST

static bool run(const char *command)
{
    return system(command) == 0;
}

static const struct {
    const char *command;
    const char *address;
} routes[] = {
    { "ip route add blackhole 192.0.2.1", "192.0.2.1" },
    { "ip route add prohibit 192.0.2.1", "192.0.2.1" },
    { "ip route add unreachable 192.0.2.1", "192.0.2.1" },
    { "ip route add throw 192.0.2.1", "192.0.2.1" },
    { "sysctl -q net.ipv6.conf.all.disable_ipv6=1", "::1" },
    { ":", "fe80::1" },
};

/* The kernel itself, in a network of the test's own. */
START_TEST(the_kernels_routes_take_it_down)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;

    if (unshare(CLONE_NEWNET) != 0 || !run("ip link set lo up 2>/dev/null") ||
        !run(routes[_i].command)) {
        return; /* Not allowed here. */
    }
    if (inet_pton(AF_INET, routes[_i].address, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(80);
    } else {
        ck_assert_int_eq(
            inet_pton(AF_INET6, routes[_i].address, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(80);
    }
    set(0, "a", &address,
        address.ss_family == AF_INET ? sizeof *in : sizeof *in6, tcp_probe());
    struct heard heard = listen_for(0, INFRA_SEC(5));
    ck_assert_msg(heard.kind == INFRA_HEALTH_EVENT_DOWN &&
                      heard.outcome == INFRA_OUTCOME_UNREACHABLE &&
                      heard.doubts == 0,
                  "%s: %u", routes[_i].command, (unsigned)heard.outcome);
}
END_TEST

static Suite *errno_suite(void)
{
    Suite *s = suite_create("prober errno");
    TCase *tc = tcase_create("errno");
    tcase_add_checked_fixture(tc, setup, close_all);
    tcase_add_loop_test(tc, what_the_destination_causes_takes_it_down, 0,
                        (int)INFRA__COUNT_OF(theirs));
    tcase_add_loop_test(tc, what_is_ours_condemns_nobody, 0,
                        (int)INFRA__COUNT_OF(ours));
    tcase_add_loop_test(tc, a_hung_server_beside_it_goes_down_in_time, 0, 4);
    tcase_add_loop_test(tc, the_kernels_routes_take_it_down, 0,
                        (int)INFRA__COUNT_OF(routes));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(errno_suite());
}
