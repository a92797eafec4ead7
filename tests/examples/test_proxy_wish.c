/* SPDX-License-Identifier: MIT */
/* The proxy of examples/ does what a backend wishes by the answer to its check:
 * no new clients, all others stay; another weight. */
#include "support.h"

#include "proxy_child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OFTEN "--inter", "10ms"
#define CLIENTS 20
#define ATTEMPTS_MAX 2000

/* Servers that answer checks with a text, and clients with their number. */
static struct {
    char name[32];
    int listener;
    pid_t pid;
    char *answer; /* To checks; shared with the server. */
} servers[2];
static struct child proxy;

static void serve(int i)
{
    char text[512];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(servers[i].listener, NULL, NULL);
        ssize_t n = recv(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        if (strncmp(text, "client", 6) == 0) {
            snprintf(text, sizeof text, "%d", i);
        } else {
            snprintf(text, sizeof text, "%s", servers[i].answer);
        }
        (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
        close(fd);
    }
}

static void start(const char *check, const char *policy, const char *answer)
{
    for (int i = 0; i < 2; i++) {
        servers[i].listener = backend_listen(0, servers[i].name);
        servers[i].answer = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(servers[i].answer, MAP_FAILED);
        strcpy(servers[i].answer, answer);
        servers[i].pid = fork();
        if (servers[i].pid == 0) {
            serve(i);
        }
    }
    child_start(&proxy,
                (const char *[]) { OFTEN, "--check", check, "--balance", policy,
                                   servers[0].name, servers[1].name, NULL });
}

static void stop(void)
{
    child_stop(&proxy);
    for (int i = 0; i < 2; i++) {
        kill(servers[i].pid, SIGKILL);
        waitpid(servers[i].pid, NULL, 0);
        close(servers[i].listener);
        munmap(servers[i].answer, 4096);
    }
}

static void say_wish(int i, const char *answer, const char *logged)
{
    char text[128];

    strcpy(servers[i].answer, answer);
    snprintf(text, sizeof text, "backend %s wishes: %s", servers[i].name,
             logged);
    child_wait_log(&proxy, text);
    child_wait_log(&proxy, "\n");
}

/* Which server a client gets. */
static int ask(void)
{
    char byte = '?';
    int fd = client_connect(proxy.port);

    say_all(fd, "client");
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
    close(fd);
    return byte - '0';
}

/* A number of clients in a row go to the second, after a moment. */
static void leaves_the_first(void)
{
    int row = 0;

    for (int i = 0; row < CLIENTS; i++) {
        ck_assert_int_lt(i, ATTEMPTS_MAX);
        row = ask() == 1 ? row + 1 : 0;
    }
}

static void comes_back(void)
{
    for (int i = 0; ask() != 0; i++) {
        ck_assert_int_lt(i, ATTEMPTS_MAX);
    }
}

#define OK "HTTP/1.0 200 OK\r\n\r\n"
#define NOT_FOUND "HTTP/1.0 404 Not Found\r\n\r\n"

static const struct {
    const char *check;
    const char *before;
    const char *wish;
    const char *logged;
    const char *after;
} rows[] = {
    { "http,path=/,drain_on_404=1", OK, NOT_FOUND, "drain, weight 1", OK },
    { "agent,send=a\n", "up\n", "up drain\n", "drain", "up ready\n" },
    { "agent,send=a\n", "up\n", "up maint\n", "maintenance", "up ready\n" },
    { "agent,send=a\n", "up\n", "up 0%\n", "ready, weight 0", "up 100%\n" },
    { "agent,send=a\n", "up\n", "up weight:0\n", "ready, weight 0",
      "up weight:1\n" },
};

/* A backend that wishes to be drained gets no new client, until it wishes to
 * have some. */
START_TEST(wish_is_done)
{
    start(rows[_i].check, "random", rows[_i].before);
    comes_back();
    say_wish(0, rows[_i].wish, rows[_i].logged);
    leaves_the_first();
    say_wish(0, rows[_i].after, "ready, weight 1");
    comes_back();
    stop();
}
END_TEST

/* If all wish to be drained clients are refused, whatever checks are worth. */
START_TEST(nobody_is_left)
{
    char byte;

    start("agent,send=a\n", "random", "up\n");
    say_wish(0, "up drain\n", "drain");
    say_wish(1, "up drain\n", "drain");
    for (int i = 0;; i++) {
        ck_assert_int_lt(i, ATTEMPTS_MAX);
        int fd = client_connect(proxy.port);
        /* The reset may come before it. */
        (void)send(fd, "client", 6, MSG_NOSIGNAL);
        ssize_t n = recv(fd, &byte, 1, 0);
        close(fd);
        if (n <= 0) {
            break;
        }
    }
    stop();
}
END_TEST

/* An agent's weight counts, also where no weight was configured. */
START_TEST(weight_is_followed)
{
    int count = 0;

    start("agent,send=a\n", "smooth-weighted", "up\n");
    say_wish(1, "up weight:9\n", "ready, weight 9");
    for (int i = 0; count != 18; i++) {
        ck_assert_int_lt(i, 100);
        count = 0;
        for (int k = 0; k < 20; k++) {
            count += ask();
        }
    }
    stop();
}
END_TEST

static Suite *wish_suite(void)
{
    Suite *suite = suite_create("proxy_wish");
    TCase *wishes = tcase_create("wishes");

    tcase_set_timeout(wishes, 300);
    tcase_add_loop_test(wishes, wish_is_done, 0, sizeof rows / sizeof rows[0]);
    tcase_add_test(wishes, nobody_is_left);
    tcase_add_test(wishes, weight_is_followed);
    suite_add_tcase(suite, wishes);
    return suite;
}

int main(void)
{
    return test_main(wish_suite());
}
