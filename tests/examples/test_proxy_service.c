/* SPDX-License-Identifier: MIT */
/* The proxy of examples/ as its operator meets it: which backend serves, what
 * the log says, and how it ends. */
#include "support.h"

#include "proxy_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Checks so rare, the first one too, that no test sees any. */
#define RARELY "--inter", "100000m"
#define OFTEN "--inter", "10ms", "--rise", "1", "--fall", "1"

/* The proxy of a test and the listener of its backend. */
static struct child proxy;
static int listener;
static char name[32];

/* A session in which nothing is said ends. */
START_TEST(idle_session_times_out)
{
    listener = backend_listen(0, name);

    child_start(&proxy, (const char *[]) { RARELY, "--idle-timeout", "50ms",
                                           name, NULL });
    int idle = client_connect(proxy.port);
    hear_any_end(idle);
    close(idle);
    child_stop(&proxy);
    close(listener);
}
END_TEST

/* The next client's byte. */
static void hear_request(int from)
{
    char byte;
    int b = backend_accept_session(from, &byte);

    ck_assert_int_eq(byte, 'r');
    close(b);
}

/* A backend whose port is closed costs clients nothing: another one serves them
 * before any check has noticed. */
START_TEST(refused_connection_is_retried)
{
    char names[2][32];
    int gone = backend_listen(0, names[0]);
    int there = backend_listen(0, names[1]);

    close(gone);
    child_start(&proxy, (const char *[]) { RARELY, names[0], names[1], NULL });
    for (int i = 0; i < 10; i++) {
        int c = client_connect(proxy.port);
        say_all(c, "request");
        char byte;
        int b = backend_accept_session(there, &byte);
        ck_assert_int_eq(byte, 'r');
        hear(b, "equest");
        close(c);
        hear_end(b);
        close(b);
    }
    child_stop(&proxy);
    close(there);
}
END_TEST

/* With no backend up, clients are turned away at once and one line tells the
 * reason; when a backend is up again, another line, and service. */
START_TEST(without_backends_clients_are_refused)
{
    listener = backend_listen(0, name);
    in_port_t port = backend_port(listener);

    close(listener);
    child_start(&proxy, (const char *[]) { OFTEN, name, NULL });
    child_wait_log(&proxy, "is down: fall (refused)\n");
    child_wait_log(&proxy, "no backend is up: clients are refused\n");
    for (int i = 0; i < 20; i++) {
        int c = client_connect(proxy.port);
        hear_reset(c);
        close(c);
    }
    listener = backend_listen(port, name);
    child_wait_log(&proxy, "is up: rise (passed)\n");
    child_wait_log(&proxy, "clients are served again\n");
    ck_assert_int_eq(child_count_log(&proxy, "clients are refused"), 1);
    child_stop(&proxy);
    close(listener);
}
END_TEST

/* A backend that the kernel refuses to reach at once, by whatever errno, goes
 * down, and costs the clients of others nothing.  A link-local address without
 * its link is EINVAL, as a blackhole route is. */
START_TEST(unreachable_backend_goes_down)
{
    listener = backend_listen(0, name);
    child_start(&proxy,
                (const char *[]) { "--inter", "100000m", "--fastinter", "600s",
                                   "[fe80::1]:80", name, NULL });
    for (int i = 0; i < 10; i++) {
        int c = client_connect(proxy.port);
        say_all(c, "r");
        hear_request(listener);
        close(c);
    }
    child_stop(&proxy);
    child_start(&proxy, (const char *[]) { OFTEN, "[fe80::1]:80", NULL });
    child_wait_log(&proxy, "is down: fall (unreachable)\n");
    child_wait_log(&proxy, "no backend is up: clients are refused\n");
    ck_assert_int_eq(child_count_log(&proxy, "doubt"), 0);
    child_stop(&proxy);
    close(listener);
}
END_TEST

/* Which of the two listeners does a client that has spoken come to?  Its
 * connection there goes to @ret_fd. */
static int accept_at_either(const int listeners[2], int *ret_fd)
{
    for (;;) {
        struct pollfd fds[] = { { .fd = listeners[0], .events = POLLIN },
                                { .fd = listeners[1], .events = POLLIN } };
        char byte;
        ck_assert_int_gt(poll(fds, 2, CHILD_PATIENCE_MS), 0);
        int i = fds[0].revents != 0 ? 0 : 1;
        *ret_fd = backend_accept(listeners[i]);
        if (recv(*ret_fd, &byte, 1, 0) == 1) {
            return i;
        }
        close(*ret_fd); /* A health check. */
    }
}

/* Which of the two listeners is the next client sent to? */
static int where_to(struct child *child, const int listeners[2])
{
    int c = client_connect(child->port);
    int b;

    say_all(c, "r");
    int found = accept_at_either(listeners, &b);
    close(b);
    hear_any_end(c);
    close(c);
    return found;
}

/* A backend that passes its checks and breaks its sessions is found out by
 * those, and gets no more; one that does its work stays. */
START_TEST(broken_sessions_are_noticed)
{
    const struct linger reset = { .l_onoff = 1 };
    char names[2][32];
    int listeners[2] = { backend_listen(0, names[0]),
                         backend_listen(0, names[1]) };

    child_start(&proxy, (const char *[]) { "--outlier", "3", names[0], names[1],
                                           NULL });
    for (int broken = 0; broken < 3;) {
        int c = client_connect(proxy.port);
        int b;
        say_all(c, "r");
        if (accept_at_either(listeners, &b) == 0) {
            ck_assert_int_eq(
                setsockopt(b, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
            broken++;
        }
        close(b);
        hear_any_end(c);
        close(c);
    }
    child_wait_log(&proxy, "is ejected: consecutive-5xx\n");
    ck_assert_ptr_nonnull(strstr(proxy.log, names[0]));
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(where_to(&proxy, listeners), 1);
    }
    child_stop(&proxy);
    close(listeners[0]);
    close(listeners[1]);
}
END_TEST

/* A server that answers each client, and closes after it; one that asks nothing
 * holds up no other. */
static pid_t start_answering(int from)
{
    struct pollfd fds[64] = { { .fd = from, .events = POLLIN } };
    nfds_t count = 1;
    pid_t pid = fork();
    char byte;

    if (pid != 0) {
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        poll(fds, count, -1);
        for (nfds_t i = count - 1; i > 0; i--) {
            if (fds[i].revents == 0) {
                continue;
            }
            if (recv(fds[i].fd, &byte, 1, 0) == 1) {
                (void)send(fds[i].fd, "a", 1, MSG_NOSIGNAL);
            } else {
                close(fds[i].fd);
                fds[i] = fds[--count];
            }
        }
        if (fds[0].revents != 0 && count < 64) {
            fds[count++] = (struct pollfd) { .fd = accept(from, NULL, NULL),
                                             .events = POLLIN };
        }
    }
}

static int ask(void)
{
    int fd = client_connect(proxy.port);

    say_all(fd, "q");
    return fd;
}

/* Is a client answered that has asked?  Else it was reset. */
static bool is_answered(int fd)
{
    char byte;

    ssize_t n = recv(fd, &byte, 1, 0);
    ck_assert(n == 1 || (n < 0 && errno == ECONNRESET));
    return n == 1;
}

static bool is_open(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* A backend that stands still passes the tcp check; clients that wait for it in
 * vain are let go, and it is found out by them.  Who was answered, or has asked
 * nothing, has all the time.  They all ask at once and wait side by side, since
 * the limit has to be long: a slow server is not one that stands still. */
START_TEST(standing_still_is_noticed)
{
    enum { CLIENTS = 8 };
    char names[2][32];
    int clients[CLIENTS];
    int frozen = backend_listen(0, names[0]);
    int first = -1;
    int failed = 0;
    int row = 0;

    listener = backend_listen(0, names[1]);
    pid_t server = start_answering(listener);
    child_start(&proxy,
                (const char *[]) { RARELY, "--outlier", "3", "--answer-timeout",
                                   "3s", names[0], names[1], NULL });
    int silent = client_connect(proxy.port);
    while (failed < 3) {
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = ask();
        }
        for (int i = 0; i < CLIENTS; i++) {
            bool answered = is_answered(clients[i]);
            failed += !answered;
            if (answered && first < 0) {
                first = clients[i];
            } else {
                close(clients[i]);
            }
        }
    }
    child_wait_log(&proxy, "is ejected: consecutive-5xx\n");
    ck_assert_ptr_nonnull(strstr(proxy.log, names[0]));
    for (int i = 0; row < 10; i++) {
        int c = ask();
        ck_assert_int_lt(i, 100);
        row = is_answered(c) ? row + 1 : 0;
        close(c);
    }
    ck_assert(is_open(silent));
    ck_assert(is_open(first));
    close(silent);
    close(first);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    close(listener);
    close(frozen);
    child_stop(&proxy);
}
END_TEST

/* Where the checks of all fail, they may be what is wrong: on demand clients
 * are served all the same. */
START_TEST(checks_need_not_be_believed)
{
    char byte = 0;

    listener = backend_listen(0, name);
    child_start(&proxy, (const char *[]) { "--check",
                                           "script,send=x,start=y,"
                                           "response_timeout=20ms",
                                           "--on-all-down", "anybody", OFTEN,
                                           name, NULL });
    child_wait_log(&proxy, "no backend is up: their checks are not believed\n");
    int c = client_connect(proxy.port);
    say_all(c, "r");
    while (byte != 'r') { /* What comes before are checks. */
        int b = backend_accept(listener);
        (void)!recv(b, &byte, 1, 0);
        close(b);
    }
    hear_any_end(c);
    close(c);
    child_stop(&proxy);
    close(listener);
}
END_TEST

/* Weights are kept to the letter: 3, 1 gives a a b a. */
START_TEST(weights_are_kept)
{
    char names[2][32];
    int listeners[2];
    int counts[2] = { 0, 0 };

    for (int i = 0; i < 2; i++) {
        listeners[i] = backend_listen(0, names[i]);
    }
    strcat(names[0], ",weight=3");
    child_start(&proxy, (const char *[]) { RARELY, names[0], names[1], NULL });
    for (int i = 0; i < 16; i++) {
        counts[where_to(&proxy, listeners)]++;
    }
    ck_assert_int_eq(counts[0], 12);
    ck_assert_int_eq(counts[1], 4);
    child_stop(&proxy);
    close(listeners[0]);
    close(listeners[1]);
}
END_TEST

/* A backup serves while no other backend can, and no longer. */
START_TEST(backup_takes_over_and_gives_back)
{
    char names[2][32];
    char backup[48];
    int listeners[2];

    for (int i = 0; i < 2; i++) {
        listeners[i] = backend_listen(0, names[i]);
    }
    in_port_t port = backend_port(listeners[0]);
    snprintf(backup, sizeof backup, "%s,backup", names[1]);
    child_start(&proxy, (const char *[]) { OFTEN, names[0], backup, NULL });
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(where_to(&proxy, listeners), 0);
    }
    close(listeners[0]);
    listeners[0] = listeners[1]; /* The only one to look at. */
    for (int i = 0; i < 5; i++) {
        where_to(&proxy, listeners);
    }
    child_wait_log(&proxy, "is down");
    listeners[0] = backend_listen(port, names[0]);
    child_wait_log(&proxy, "is up");
    ck_assert_int_eq(child_count_log(&proxy, "clients are refused"), 0);
    /* The worker hears of it when it next picks: the line is written before. */
    for (int i = 0; where_to(&proxy, listeners) != 0; i++) {
        ck_assert_int_lt(i, 1000);
    }
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(where_to(&proxy, listeners), 0);
    }
    child_stop(&proxy);
    close(listeners[0]);
    close(listeners[1]);
}
END_TEST

static void start_with_backend(void)
{
    listener = backend_listen(0, name);
    child_start(&proxy, (const char *[]) { RARELY, name, NULL });
}

/* Wait until the proxy's port is closed. */
static void wait_until_closed(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(proxy.port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int err = 0;

    for (int i = 0; err == 0; i++) {
        ck_assert_int_lt(i, 100000);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        err = connect(fd, (struct sockaddr *)&to, sizeof to);
        close(fd);
    }
}

/* After SIGTERM nobody new comes in, who is in stays, and the end is orderly.
 * */
START_TEST(drain_lets_sessions_finish)
{
    start_with_backend();
    int client = client_connect(proxy.port);
    int backend = backend_accept(listener);
    ck_assert_int_eq(kill(proxy.pid, SIGTERM), 0);
    wait_until_closed();
    say_all(client, "still");
    hear(backend, "still");
    say_all(backend, "here");
    hear(client, "here");
    close(client);
    hear_end(backend);
    close(backend);
    close(listener); /* Also closes clients accepted late. */
    int status = child_wait_end(&proxy);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* A drain does not wait for ever. */
START_TEST(drain_has_a_limit)
{
    listener = backend_listen(0, name);
    child_start(&proxy, (const char *[]) { RARELY, "--drain-timeout", "50ms",
                                           name, NULL });
    int client = client_connect(proxy.port);
    int backend = backend_accept(listener);
    child_stop(&proxy);
    hear_any_end(client);
    close(backend);
    close(client);
    close(listener);
}
END_TEST

/* A second signal ends at once. */
START_TEST(second_signal_ends_at_once)
{
    start_with_backend();
    int client = client_connect(proxy.port);
    int backend = backend_accept(listener);
    ck_assert_int_eq(kill(proxy.pid, SIGINT), 0);
    wait_until_closed(); /* The first one was taken. */
    ck_assert_int_eq(kill(proxy.pid, SIGTERM), 0);
    int status = child_wait_end(&proxy);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    close(client);
    close(backend);
    close(listener);
}
END_TEST

/* Workers share the port, and a drain ends them all. */
START_TEST(workers_serve_together)
{
    enum { COUNT = 60 };
    int clients[COUNT];
    int backends[COUNT];

    listener = backend_listen(0, name);
    child_start(&proxy,
                (const char *[]) { RARELY, "--threads", "3", name, NULL });
    for (int i = 0; i < COUNT; i++) {
        clients[i] = client_connect(proxy.port);
        say_all(clients[i], "from a client");
        backends[i] = backend_accept(listener);
        hear(backends[i], "from a client");
        say_all(backends[i], "from a backend");
        hear(clients[i], "from a backend");
    }
    for (int i = 0; i < COUNT; i++) {
        close(clients[i]);
        close(backends[i]);
    }
    child_stop(&proxy);
    close(listener);
}
END_TEST

/* One of the clients is served: close it. */
static void let_one_leave(int *clients, struct pollfd *fds, int count)
{
    unsigned char who;

    for (int i = 0; i < count; i++) {
        fds[i] = (struct pollfd) { .fd = clients[i], .events = POLLIN };
    }
    fds[count] = (struct pollfd) { .fd = listener, .events = POLLIN };
    ck_assert_int_gt(poll(fds, (nfds_t)count + 1, CHILD_PATIENCE_MS), 0);
    if (fds[count].revents != 0) {
        int backend = backend_accept(listener);
        if (recv(backend, &who, 1, 0) == 1) {
            close(clients[who]);
            clients[who] = -1;
        }
        close(backend);
        return;
    }
    ck_abort_msg("a client was turned away");
}

static int count_open(const int *fds, int count)
{
    int open_count = 0;

    for (int i = 0; i < count; i++) {
        open_count += fds[i] >= 0;
    }
    return open_count;
}

/* Without descriptors clients wait in the queue until somebody leaves; none is
 * turned away, and none hangs. */
START_TEST(out_of_descriptors_clients_wait)
{
    enum { COUNT = 60 };
    const unsigned descriptors = (unsigned)_i; /* Odd and even. */
    int clients[COUNT];
    struct pollfd fds[COUNT + 1];
    int port;

    listener = backend_listen(0, name);
    child_run(&proxy, (const char *[]) { "--listen", "127.0.0.1:0", RARELY,
                                         name, NULL });
    child_wait_log(&proxy, "listening on");
    child_wait_log(&proxy, "\n");
    ck_assert_int_eq(
        sscanf(proxy.log, "tcp_proxy: listening on 127.0.0.1:%d", &port), 1);
    child_limit_fds(&proxy, descriptors);
    for (int i = 0; i < COUNT; i++) {
        unsigned char who = (unsigned char)i;
        clients[i] = client_connect((in_port_t)port);
        ck_assert_int_eq(send(clients[i], &who, 1, MSG_NOSIGNAL), 1);
    }
    while (count_open(clients, COUNT) > 0) {
        let_one_leave(clients, fds, COUNT);
    }
    ck_assert_int_le(child_fds(&proxy), (int)descriptors);
    close(listener);
    child_stop(&proxy);
}
END_TEST

static Suite *service_suite(void)
{
    Suite *s = suite_create("proxy_service");
    TCase *tc = tcase_create("backends");
    tcase_add_test(tc, idle_session_times_out);
    tcase_add_test(tc, refused_connection_is_retried);
    tcase_add_test(tc, without_backends_clients_are_refused);
    tcase_add_test(tc, unreachable_backend_goes_down);
    tcase_add_test(tc, broken_sessions_are_noticed);
    tcase_add_test(tc, standing_still_is_noticed);
    tcase_add_test(tc, checks_need_not_be_believed);
    tcase_add_test(tc, weights_are_kept);
    tcase_add_test(tc, backup_takes_over_and_gives_back);
    suite_add_tcase(s, tc);

    tc = tcase_create("process");
    tcase_add_test(tc, drain_lets_sessions_finish);
    tcase_add_test(tc, drain_has_a_limit);
    tcase_add_test(tc, second_signal_ends_at_once);
    tcase_add_test(tc, workers_serve_together);
    tcase_add_loop_test(tc, out_of_descriptors_clients_wait, 32, 34);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(service_suite());
}
