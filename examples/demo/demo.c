/* SPDX-License-Identifier: MIT */
/*
 * The demonstration that demo.sh runs: three HTTP servers and a passive spare,
 * all embedded, two load balancers in front of them, of which one serves
 * (lb_pair with tcp_proxy), and clients that never stop asking. One server is
 * killed, then all three, then they are brought back; at last the active load
 * balancer is killed. The program checks which server answers, and exits
 * non-zero if it is the wrong one.
 *
 *   demo PATH_OF_LB_PAIR PATH_OF_TCP_PROXY
 */
#include "demo.h"

#include "../common/log.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BALANCERS = 2,
    CLIENTS = 4,
    TICK_MS = 100,        /* One line of the picture's history. */
    PHASE_TICKS_MIN = 20, /* Long enough to watch. */
    PHASE_TICKS_MAX = 120,
};

static struct balancer balancers[BALANCERS] = { { .name = "LB1" },
                                                { .name = "LB2" } };
static struct balancer *active; /* The active one, by the logs. */
static char lease[] = "/tmp/libinfra-demo-XXXXXX";
static uint16_t proxy_port;
static _Atomic unsigned long failed;
/* In milliseconds: the time of the last answer, and the longest gap. */
static _Atomic unsigned long answered_at;
static _Atomic unsigned long silence_max;
static atomic_int stop;
static int on_terminal;
static int picture_lines;

/* One request through the proxy: the server that answered; NULL: none. */
static struct server *ask(void)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: demo\r\n"
                                  "Connection: close\r\n\r\n";
    struct timeval patience = { .tv_sec = 5 };
    struct sockaddr_in a = loopback(proxy_port);
    struct server *found = NULL;
    char reply[512] = "";
    size_t got = 0;
    ssize_t n = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        die("socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
        while (got < sizeof reply - 1 &&
               (n = recv(fd, reply + got, sizeof reply - 1 - got, 0)) > 0) {
            got += (size_t)n;
        }
    }
    close(fd);
    reply[got] = '\0';
    char *body = strstr(reply, "\r\n\r\n");
    for (int i = 0; i < SERVERS && body != NULL; i++) {
        size_t length = strlen(servers[i].name);
        if (strncmp(body + 4, servers[i].name, length) == 0 &&
            body[4 + length] == '\n') {
            found = &servers[i];
        }
    }
    return found;
}

static unsigned long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}

static void note_answer(struct server *s)
{
    unsigned long now = now_ms();
    unsigned long silence = now - atomic_exchange(&answered_at, now);
    unsigned long max = atomic_load(&silence_max);

    atomic_fetch_add(&s->answers, 1);
    /* Another client may have been faster by a moment, so that time seems to go
     * back. */
    while (silence > max && silence < LONG_MAX &&
           !atomic_compare_exchange_weak(&silence_max, &max, silence)) {
    }
}

static void *client(void *arg)
{
    const struct timespec pause = { .tv_nsec = 2000000 };

    (void)arg;
    while (!atomic_load(&stop)) {
        struct server *s = ask();
        if (s != NULL) {
            note_answer(s);
        } else {
            atomic_fetch_add(&failed, 1);
        }
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* Print lines above the picture. */
static void say(const char *text)
{
    if (on_terminal && picture_lines > 0) {
        char up[32];
        int size = snprintf(up, sizeof up, "\033[%dA\033[J", picture_lines);
        log_block(up, (size_t)size);
        picture_lines = 0;
    }
    log_line("%s", text);
}

/* Note the state of each server in a line. */
static void note_servers(const char *line)
{
    for (int i = 0; i < SERVERS; i++) {
        char address[32];
        snprintf(address, sizeof address, "127.0.0.1:%u ", servers[i].port);
        if (strstr(line, address) != NULL) {
            const char *word = strstr(line, " down") ? "down"
                               : strstr(line, " up") ? "up"
                                                     : servers[i].says;
            memmove(servers[i].says, word, strlen(word) + 1);
        }
    }
}

/* Pass the log on, and note its news. Of the proxies the active one's is
 * enough. */
static void read_log(struct balancer *b)
{
    char text[600];
    char c;

    while (read(b->log, &c, 1) == 1) {
        if (c != '\n') {
            b->line[b->used] = c;
            b->used += b->used < sizeof b->line - 1;
            continue;
        }
        b->line[b->used] = '\0';
        b->used = 0;
        if (strstr(b->line, "web: serves") != NULL) {
            active = b;
        }
        if (b == active || strncmp(b->line, "tcp_proxy:", 10) != 0) {
            snprintf(text, sizeof text, "    %s: %s", b->name, b->line);
            say(text);
            note_servers(b->line);
        }
    }
}

static void read_logs(void)
{
    for (int i = 0; i < BALANCERS; i++) {
        read_log(&balancers[i]);
    }
}

/* Answers of a server within the window. */
static unsigned long recent(const struct server *s)
{
    return s->history[0] - s->history[WINDOW];
}

static void draw(void)
{
    unsigned long total = 0;

    for (int i = 0; i < SERVERS; i++) {
        total += recent(&servers[i]);
    }
    if (!on_terminal) {
        return;
    }
    char *picture = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&picture, &size);
    if (out == NULL) {
        return;
    }
    if (picture_lines > 0) {
        fprintf(out, "\033[%dA\033[J", picture_lines);
    }
    fprintf(out, "\n  server  process  health  requests  share of the last "
                 "second\n");
    for (int i = 0; i < SERVERS; i++) {
        const struct server *s = &servers[i];
        unsigned long share = total > 0 ? recent(s) * 100 / total : 0;
        fprintf(out, "  %-6s  %-7s  %-6s  %8lu  %3lu %% ", s->name,
                s->pid != 0 ? "runs" : "killed", s->says, s->history[0], share);
        for (unsigned long k = 0; k < share; k += 4) {
            fputc('#', out);
        }
        fputc('\n', out);
    }
    fprintf(out, "  failed requests: %lu\n", atomic_load(&failed));
    if (fclose(out) == 0) {
        log_block(picture, size);
    }
    free(picture);
    picture_lines = SERVERS + 3;
}

static void tick(void)
{
    const struct timespec pause = { .tv_nsec = TICK_MS * 1000000L };

    nanosleep(&pause, NULL);
    read_logs();
    for (int i = 0; i < SERVERS; i++) {
        struct server *s = &servers[i];
        memmove(s->history + 1, s->history, WINDOW * sizeof s->history[0]);
        s->history[0] = atomic_load(&s->answers);
    }
    draw();
    log_tend();
}

/* Do the expected servers, a bit each, share evenly, and the others serve
 * nothing? */
static int as_expected(unsigned expected)
{
    unsigned long total = 0, sharers = 0;

    for (int i = 0; i < SERVERS; i++) {
        total += recent(&servers[i]);
        sharers += expected >> i & 1u;
    }
    for (int i = 0; i < SERVERS; i++) {
        unsigned long got = recent(&servers[i]) * sharers * 100;
        if (expected >> i & 1u ? got < 75 * total || got > 125 * total
                               : got > 0) {
            return 0;
        }
    }
    return total > 50;
}

/* Watch until it is as expected; 0 if it never is. */
static int phase(const char *text, unsigned expected, unsigned long failed_max)
{
    unsigned long failed_before = atomic_load(&failed);
    char summary[240];
    int ticks = 0;

    say(text);
    atomic_store(&silence_max, 0);
    while (ticks < PHASE_TICKS_MIN || !as_expected(expected)) {
        tick();
        if (++ticks > PHASE_TICKS_MAX) {
            say("==> FAILED: this is not what should happen");
            return 0;
        }
    }
    unsigned long lost = atomic_load(&failed) - failed_before;
    snprintf(summary, sizeof summary,
             "==> as it should be; share of the last second: A %lu, B %lu, "
             "C %lu, spare %lu; failed: %lu; longest time without an answer: "
             "%lu ms",
             recent(&servers[0]), recent(&servers[1]), recent(&servers[2]),
             recent(&servers[3]), lost, atomic_load(&silence_max));
    say(summary);
    if (lost > failed_max) {
        say("==> FAILED: more requests were lost than were under way");
        return 0;
    }
    return 1;
}

static int play(void)
{
    if (!phase("\n[1] One load balancer serves, the other waits; A, B and C "
               "share the load, the\n    spare waits",
               7u, 0)) {
        return 0;
    }
    kill_server(&servers[0]);
    /* A request that A was answering when it died is lost: one a client. */
    if (!phase("\n[2] A is killed: its requests are retried on B and C", 6u,
               CLIENTS)) {
        return 0;
    }
    kill_server(&servers[1]);
    kill_server(&servers[2]);
    if (!phase("\n[3] B and C are killed: the spare takes over", 8u,
               2 * CLIENTS)) {
        return 0;
    }
    for (int i = 0; i < SPARE; i++) {
        start_server(&servers[i]);
    }
    if (!phase("\n[4] A, B and C are back: the spare is idle again", 7u, 0)) {
        return 0;
    }
    end_balancer(active, SIGKILL);
    return phase(
        "\n[5] The load balancer that serves is killed: the other takes "
        "over (clients are\n    refused until then)",
        7u, ULONG_MAX);
}

/* Wait until one of the load balancers serves. */
static int wait_for_service(void)
{
    const struct timespec pause = { .tv_nsec = 50000000 };

    for (int attempts = 0; ask() == NULL; attempts++) {
        nanosleep(&pause, NULL);
        read_logs();
        if (attempts > 100) {
            log_line("demo: no answer through the load balancers");
            return 0;
        }
    }
    atomic_store(&answered_at, now_ms());
    return 1;
}

static void finish(void)
{
    for (int i = 0; i < BALANCERS; i++) {
        end_balancer(&balancers[i], SIGTERM);
    }
    for (int i = 0; i < SERVERS; i++) {
        if (servers[i].pid != 0) {
            kill_server(&servers[i]);
        }
    }
    unlink(lease);
}

int main(int argc, char **argv)
{
    pthread_t clients[CLIENTS];

    if (argc != 3) {
        fprintf(stderr, "usage: demo PATH_OF_LB_PAIR PATH_OF_TCP_PROXY\n");
        return 2;
    }
    const struct log_options log_options = { .fd = STDOUT_FILENO };
    log_open(&log_options);
    on_terminal = isatty(STDOUT_FILENO);
    for (int i = 0; i < SERVERS; i++) {
        start_server(&servers[i]);
    }
    proxy_port = free_port();
    close(mkstemp(lease));
    for (int i = 0; i < BALANCERS; i++) {
        start_balancer(&balancers[i], lease, proxy_port, argv[1], argv[2]);
    }
    int good = wait_for_service();
    for (int i = 0; good && i < CLIENTS; i++) {
        if (pthread_create(&clients[i], NULL, client, NULL) != 0) {
            die("pthread_create");
        }
    }
    if (good) {
        good = play();
        atomic_store(&stop, 1);
        for (int i = 0; i < CLIENTS; i++) {
            pthread_join(clients[i], NULL);
        }
    }
    finish();
    log_line("%s", good ? "\nThe demonstration passed."
                        : "\nThe demonstration FAILED.");
    log_close();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
