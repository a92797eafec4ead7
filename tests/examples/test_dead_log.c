/* SPDX-License-Identifier: MIT */
/* Every program here does its work though nobody reads its log: the reader has
 * left, or stands still behind a pipe, a socket or a terminal. */
#include "proxy_child.h"
#include "support.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum reader { CLOSED_PIPE, FULL_PIPE, FULL_SOCKET, FROZEN_TERMINAL, READERS };

static int kept[2]; /* The reader's end and the writer's. */
static char dir[] = "/tmp/dead_log_XXXXXX";
static char answer[32]; /* Of a server that fails each check. */
static int server;

static void fill(int fd)
{
    char bytes[4096];
    int flags = fcntl(fd, F_GETFL);

    memset(bytes, '\n', sizeof bytes);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (write(fd, bytes, sizeof bytes) > 0) {
    }
    while (write(fd, bytes, 1) > 0) {
    }
    ck_assert_int_eq(errno, EAGAIN);
    fcntl(fd, F_SETFL, flags);
}

static void open_terminal(void)
{
    kept[0] = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(kept[0], 0);
    ck_assert_int_eq(grantpt(kept[0]), 0);
    ck_assert_int_eq(unlockpt(kept[0]), 0);
    kept[1] = open(ptsname(kept[0]), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(kept[1], 0);
    ck_assert_int_eq(tcflow(kept[1], TCOOFF), 0);
}

static void open_log(int kind)
{
    switch (kind) {
    case CLOSED_PIPE:
        ck_assert_int_eq(pipe(kept), 0);
        close(kept[0]);
        kept[0] = -1;
        break;
    case FULL_PIPE:
        ck_assert_int_eq(pipe(kept), 0);
        fill(kept[1]);
        break;
    case FULL_SOCKET:
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, kept), 0);
        fill(kept[1]);
        break;
    default:
        open_terminal();
        break;
    }
}

static pid_t run(const char *variable, const char *const *args)
{
    char *argv[CHILD_ARGS_MAX + 2] = { strdup(variable) };
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid != 0) {
        free(argv[0]);
        return pid;
    }
    for (int i = 0; args[i] != NULL && i < CHILD_ARGS_MAX; i++) {
        argv[i + 1] = strdup(args[i]);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(kept[1], STDOUT_FILENO);
    dup2(kept[1], STDERR_FILENO);
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
        close(fd);
    }
    execv(getenv(variable), argv);
    _exit(127);
}

/* Its wait(2) status, within the patience. */
static int wait_end(pid_t pid)
{
    const struct timespec moment = { .tv_nsec = 1000000 };
    int status;
    pid_t ended = 0;

    for (int i = 0; ended == 0 && i < CHILD_PATIENCE_MS; i++) {
        ended = waitpid(pid, &status, WNOHANG);
        if (ended == 0) {
            nanosleep(&moment, NULL);
        }
    }
    ck_assert_msg(ended == pid, "it does not end");
    return status;
}

static void end_well(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    int status = wait_end(pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x",
                  (unsigned)status);
}

static void setup(void)
{
    /* A program that is over early is not to end the test. */
    signal(SIGPIPE, SIG_DFL);
    strcpy(dir, "/tmp/dead_log_XXXXXX"); /* Another one without a fork. */
    ck_assert_ptr_nonnull(mkdtemp(dir));
    server = backend_listen(0, answer);
}

static void teardown(void)
{
    char path[64];

    close(server);
    close(kept[0]);
    close(kept[1]);
    snprintf(path, sizeof path, "%s/lease", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/sign", dir);
    unlink(path);
    rmdir(dir);
}

/* @count checks come, each of which fails. */
static void fail_checks(int count)
{
    for (int i = 0; i < count; i++) {
        int fd = backend_accept(server);
        close_by_reset(fd);
    }
}

/* A backend that stands still gets no client any more: its mark has come. */
START_TEST(tcp_proxy_goes_on_marking)
{
    char frozen[32];
    char name[40];
    int reserved = backend_listen(0, name);
    in_port_t port = backend_port(reserved);
    int listener = backend_listen(0, frozen);
    const char *const args[] = {
        "--listen",
        name,
        "--check",
        "http,path=/,response_timeout=50ms",
        "--inter",
        "20ms",
        "--fall",
        "2",
        "--drain-timeout",
        "100ms",
        frozen,
        NULL,
    };
    bool is_refused = false;

    close(reserved);
    open_log(_i);
    pid_t pid = run("TCP_PROXY", args);
    close(backend_accept(listener)); /* Its first check: it listens. */
    for (int i = 0; i < CHILD_PATIENCE_MS / 100 && !is_refused; i++) {
        struct pollfd p = { .fd = client_connect(port), .events = POLLIN };
        char c;
        is_refused = poll(&p, 1, 100) == 1 && recv(p.fd, &c, 1, 0) <= 0;
        close(p.fd);
    }
    ck_assert(is_refused);
    end_well(pid);
    close(listener);
}
END_TEST

/* It takes the lease, runs its commands, and hands over. */
START_TEST(lb_pair_goes_on_serving)
{
    char lease[64];
    char sign[64];
    char up[96];

    snprintf(lease, sizeof lease, "file:%s/lease", dir);
    snprintf(sign, sizeof sign, "%s/sign", dir);
    snprintf(up, sizeof up, "echo said; echo up >%s", sign);
    ck_assert_int_eq(mkfifo(sign, 0600), 0);
    struct pollfd p = { .fd = open(sign, O_RDWR | O_NONBLOCK),
                        .events = POLLIN };
    const char *const args[] = { "--lease", lease,   "--node", "a",
                                 "--group", "web",   "--ttl",  "1s",
                                 "--up",    up,      "--down", "true",
                                 "--",      "sleep", "1000",   NULL };
    open_log(_i);
    pid_t pid = run("LB_PAIR", args);
    ck_assert_int_eq(poll(&p, 1, CHILD_PATIENCE_MS), 1);
    end_well(pid);
    close(p.fd);
}
END_TEST

START_TEST(db_failover_goes_on_watching)
{
    char lease[64];
    char db[48];

    snprintf(lease, sizeof lease, "file:%s/lease", dir);
    snprintf(db, sizeof db, "db1=%s", answer);
    const char *const args[] = {
        "--lease", lease,  "--node",  "a",
        "--agent", "true", "--check", "mysql,user=a,password=b",
        "--inter", "20ms", db,        "db2=127.0.0.1:1",
        NULL
    };
    open_log(_i);
    pid_t pid = run("DB_FAILOVER", args);
    fail_checks(20);
    end_well(pid);
}
END_TEST

START_TEST(health_watch_goes_on_checking)
{
    const char *const args[] = { "--check", "http:/", "--inter",
                                 "20ms",    answer,   NULL };

    open_log(_i);
    pid_t pid = run("HEALTH_WATCH", args);
    fail_checks(20);
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(WTERMSIG(wait_end(pid)), SIGTERM);
}
END_TEST

/* In a network of its own, where it is alone. */
static void enter_network(void)
{
    struct ifreq lo = { .ifr_flags = IFF_UP };
    int fd;

    if (unshare(CLONE_NEWNET) != 0) {
        return; /* It will say so itself. */
    }
    strcpy(lo.ifr_name, "lo");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    close(fd);
}

START_TEST(vrrp_node_goes_on)
{
    static const char *const args[] = {
        "--interface", "lo",        "--local",      "127.0.0.1", "--vrid",
        "51",          "--address", "127.0.0.9/32", NULL
    };
    sigset_t term;

    if (geteuid() != 0) {
        return;
    }
    enter_network();
    open_log(_i);
    /* Kept back until it waits for it. */
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    end_well(run("VRRP_NODE", args));
}
END_TEST

/* What is wrong with the arguments is not waited for either. */
START_TEST(wrong_arguments_are_not_waited_for)
{
    static const char *const programs[] = { "TCP_PROXY", "LB_PAIR",
                                            "DB_FAILOVER", "HEALTH_WATCH" };
    static const char *const args[] = { NULL };

    open_log(_i);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        int status = wait_end(run(programs[i], args));
        ck_assert_msg(_i == CLOSED_PIPE ||
                          (WIFEXITED(status) && WEXITSTATUS(status) == 2),
                      "%s: status %#x", programs[i], (unsigned)status);
    }
}
END_TEST

static Suite *dead_log_suite(void)
{
    Suite *suite = suite_create("dead_log");
    TCase *programs = tcase_create("programs");

    tcase_set_timeout(programs, 300);
    tcase_add_checked_fixture(programs, setup, teardown);
    tcase_add_loop_test(programs, tcp_proxy_goes_on_marking, 0, READERS);
    tcase_add_loop_test(programs, lb_pair_goes_on_serving, 0, READERS);
    tcase_add_loop_test(programs, db_failover_goes_on_watching, 0, READERS);
    tcase_add_loop_test(programs, health_watch_goes_on_checking, 0, READERS);
    tcase_add_loop_test(programs, vrrp_node_goes_on, 0, READERS);
    tcase_add_loop_test(programs, wrong_arguments_are_not_waited_for, 0,
                        READERS);
    suite_add_tcase(suite, programs);
    return suite;
}

int main(void)
{
    return test_main(dead_log_suite());
}
