/* SPDX-License-Identifier: MIT */
/* The proxy of examples/ as one of a pair: what it does when its gates, which
 * are in the hands of the test, open and shut. */
#include "support.h"

#include "../../examples/common/shared_gates.h"
#include "failover/internal.h"
#include "proxy_child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <infra/driver.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RARELY "--inter", "100000m"

static struct child proxy;
static struct shared_gates gates;
static int listener;
static char name[32];
static int client;
static int backend;

static void rest(void)
{
    const struct timespec t = { .tv_nsec = 2000000 };

    (void)nanosleep(&t, NULL);
}

static void set_gate(uint32_t i, uint64_t token, infra_time duration)
{
    infra__gate_set(&gates.gates[i].gate, token, infra_driver_now() + duration,
                    false);
}

static void shut_gate(uint32_t i)
{
    infra__gate_shut(&gates.gates[i].gate);
}

/* Its client has said @byte: does the backend hear it, or is it turned away? */
static int is_heard(int fd, char byte)
{
    for (;;) {
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
                                { .fd = listener, .events = POLLIN } };
        char heard = 0;
        ck_assert_int_gt(poll(fds, 2, CHILD_PATIENCE_MS), 0);
        if (fds[0].revents != 0) {
            return 0;
        }
        int session = backend_accept(listener);
        (void)!recv(session, &heard, 1, 0); /* A check says nothing. */
        close(session);
        if (heard == byte) {
            return 1;
        }
    }
}

/* Is a client at this address admitted? */
static int is_taken_in(const char *address)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(proxy.port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    static char byte;

    /* Another letter than the one before, who may have left unheard. */
    byte = (char)(byte < 'a' || byte == 'z' ? 'a' : byte + 1);
    ck_assert_int_eq(inet_pton(AF_INET, address, &to.sin_addr), 1);
    int result = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
                 send(fd, &byte, 1, MSG_NOSIGNAL) == 1 && is_heard(fd, byte);
    close_by_reset(fd);
    return result;
}

static void await(const char *address, int is_open)
{
    for (int i = 0; is_taken_in(address) != is_open; i++) {
        ck_assert_msg(i < CHILD_PATIENCE_MS / 2, "%s never %s", address,
                      is_open ? "opens" : "shuts");
        rest();
    }
}

static void await_sessions(uint32_t i, uint32_t count)
{
    for (int n = 0; atomic_load(&gates.gates[i].sessions) != count; n++) {
        ck_assert_msg(n < CHILD_PATIENCE_MS / 2, "%u sessions",
                      atomic_load(&gates.gates[i].sessions));
        rest();
    }
}

static void open_session(void)
{
    char byte;

    client = client_connect(proxy.port);
    say_all(client, "?");
    while (backend = backend_accept_session(listener, &byte), byte != '?') {
        close(backend); /* A client of await(). */
    }
}

static void start(uint32_t gates_count, const char *address)
{
    char number[16];
    int fd = shared_gates_create(&gates, gates_count);

    listener = backend_listen(0, name);
    (void)snprintf(number, sizeof number, "%d", fd);
    ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
    ck_assert_int_eq(setenv(SHARED_GATES_VARIABLE, number, 1), 0);
    child_keep(fd);
    child_run(&proxy, (const char *[]) { "--gate", "--listen", address, RARELY,
                                         name, NULL });
    child_wait_log(&proxy, "only while a gate is open");
    int port = 0;
    const char *said = strstr(proxy.log, "listening on ");
    ck_assert_int_eq(sscanf(said, "listening on %*[0-9.]:%d", &port), 1);
    proxy.port = (in_port_t)port;
    close(fd);
}

static void setup(void)
{
    start(1, "127.0.0.1:0");
}

static void setup_two(void)
{
    static const uint8_t addresses[2][16] = {
        { [10] = 0xff, 0xff, 127, 0, 0, 1 },
        { [10] = 0xff, 0xff, 127, 0, 0, 2 },
    };

    start(2, "0.0.0.0:0");
    for (int i = 0; i < 2; i++) {
        memcpy(gates.gates[i].addresses[0], addresses[i], 16);
        gates.gates[i].addresses_count = 1;
    }
}

static void teardown(void)
{
    for (uint32_t i = 0; i < gates.count; i++) {
        shut_gate(i); /* Else it would wait for clients that have left. */
    }
    child_stop(&proxy);
    shared_gates_close(&gates);
    close(listener);
}

/* It follows its gate, logs it, and admits no client while the gate is shut. */
START_TEST(it_listens_while_the_gate_is_open)
{
    ck_assert_uint_eq(atomic_load(&gates.gates[0].is_followed), 1);
    ck_assert(!is_taken_in("127.0.0.1"));
    set_gate(0, 1, INFRA_SEC(3600));
    await("127.0.0.1", 1);
    shut_gate(0);
    await("127.0.0.1", 0);
    set_gate(0, 2, INFRA_SEC(3600));
    await("127.0.0.1", 1);
}
END_TEST

/* Sessions are cut when it shuts, and the backend gets nothing more. */
START_TEST(a_session_ends_with_its_gate)
{
    set_gate(0, 1, INFRA_SEC(3600));
    await("127.0.0.1", 1);
    open_session();
    await_sessions(0, 1);
    shut_gate(0);
    (void)send(client, "late", 4, MSG_NOSIGNAL);
    hear_any_end(client);
    hear_any_end(backend);
    await_sessions(0, 0);
    close(client);
    close(backend);
}
END_TEST

/* A gate shuts by itself when its time is over, in whatever state lb_pair
 * is. */
START_TEST(a_session_ends_when_the_time_of_its_gate_is_up)
{
    set_gate(0, 1, INFRA_SEC(3600));
    await("127.0.0.1", 1);
    open_session();
    set_gate(0, 1, INFRA_MS(300));
    hear_any_end(client);
    ck_assert(!is_taken_in("127.0.0.1"));
    close(client);
    close(backend);
}
END_TEST

/* In a drain nothing new begins, and what is in progress goes on. */
START_TEST(a_drain_takes_nobody_and_cuts_nobody)
{
    set_gate(0, 1, INFRA_SEC(3600));
    await("127.0.0.1", 1);
    open_session();
    infra__gate_set(&gates.gates[0].gate, 1,
                    infra_driver_now() + INFRA_SEC(3600), true);
    await("127.0.0.1", 0);
    say_all(client, "ping");
    hear(backend, "ping");
    say_all(backend, "pong");
    hear(client, "pong");
    await_sessions(0, 1);
    close(client);
    hear_end(backend);
    close(backend);
    await_sessions(0, 0);
}
END_TEST

/* What began under one token does not go on under the next: another node may
 * have served in between. */
START_TEST(a_later_term_is_another)
{
    set_gate(0, 1, INFRA_SEC(3600));
    await("127.0.0.1", 1);
    open_session();
    set_gate(0, 2, INFRA_SEC(3600));
    hear_any_end(client);
    await("127.0.0.1", 1);
    close(client);
    close(backend);
}
END_TEST

/* It attests progress all the time, and none when it stands still. */
START_TEST(who_stands_still_attests_nothing)
{
    infra_time first = infra__gate_attested(&gates.gates[0].gate);
    infra_time last;

    for (int i = 0; infra__gate_attested(&gates.gates[0].gate) == first; i++) {
        ck_assert_int_lt(i, CHILD_PATIENCE_MS / 2);
        rest();
    }
    ck_assert_int_eq(kill(proxy.pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(proxy.pid, NULL, WUNTRACED), proxy.pid);
    last = infra__gate_attested(&gates.gates[0].gate);
    for (int i = 0; i < 50; i++) {
        rest();
    }
    ck_assert_uint_eq(infra__gate_attested(&gates.gates[0].gate), last);
    ck_assert_int_eq(kill(proxy.pid, SIGCONT), 0);
    while (infra__gate_attested(&gates.gates[0].gate) == last) {
        rest();
    }
}
END_TEST

/* Each group has its address: a client of a group that is another node's is
 * turned away, and a session ends with its own gate only. */
START_TEST(a_session_belongs_to_the_group_of_its_address)
{
    set_gate(0, 1, INFRA_SEC(3600));
    await("127.0.0.1", 1);
    ck_assert(!is_taken_in("127.0.0.2"));
    open_session();
    await_sessions(0, 1);
    set_gate(1, 5, INFRA_SEC(3600));
    await("127.0.0.2", 1);
    shut_gate(1);
    await("127.0.0.2", 0);
    say_all(client, "ping");
    hear(backend, "ping");
    await("127.0.0.1", 1);
    set_gate(1, 6, INFRA_SEC(3600));
    shut_gate(0);
    hear_any_end(client);
    await("127.0.0.2", 1);
    ck_assert(!is_taken_in("127.0.0.1"));
    close(client);
    close(backend);
}
END_TEST

static const struct {
    const char *value;
    const char *says;
} environments[] = {
    { NULL, "no INFRA_GATE_FD in the environment" },
    { "", "INFRA_GATE_FD is no descriptor of gates" },
    { "900", "INFRA_GATE_FD is no descriptor of gates" },
    { "2", "INFRA_GATE_FD is no descriptor of gates" },
    { "-1", "INFRA_GATE_FD is no descriptor of gates" },
};

/* Without gates it would serve always, or never: neither is meant. */
START_TEST(it_does_not_run_without_gates)
{
    if (environments[_i].value == NULL) {
        (void)unsetenv(SHARED_GATES_VARIABLE);
    } else {
        (void)setenv(SHARED_GATES_VARIABLE, environments[_i].value, 1);
    }
    child_run(&proxy, (const char *[]) { "--gate", "--listen", "127.0.0.1:0",
                                         "127.0.0.1:1", NULL });
    int status = child_wait_end(&proxy);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 2, "%s",
                  proxy.log);
    ck_assert_msg(strstr(proxy.log, environments[_i].says) != NULL, "%s",
                  proxy.log);
}
END_TEST

static Suite *gate_suite(void)
{
    Suite *s = suite_create("proxy_gate");
    TCase *one = tcase_create("one gate");
    TCase *two = tcase_create("two gates");
    TCase *none = tcase_create("no gate");

    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_test(one, it_listens_while_the_gate_is_open);
    tcase_add_test(one, a_session_ends_with_its_gate);
    tcase_add_test(one, a_session_ends_when_the_time_of_its_gate_is_up);
    tcase_add_test(one, a_drain_takes_nobody_and_cuts_nobody);
    tcase_add_test(one, a_later_term_is_another);
    tcase_add_test(one, who_stands_still_attests_nothing);
    tcase_add_checked_fixture(two, setup_two, teardown);
    tcase_add_test(two, a_session_belongs_to_the_group_of_its_address);
    tcase_add_loop_test(none, it_does_not_run_without_gates, 0,
                        sizeof environments / sizeof environments[0]);
    suite_add_tcase(s, one);
    suite_add_tcase(s, two);
    suite_add_tcase(s, none);
    return s;
}

int main(void)
{
    return test_main(gate_suite());
}
