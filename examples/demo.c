/* SPDX-License-Identifier: MIT */
/*
 * The demonstration that demo.sh runs: three HTTP servers and a passive spare,
 * all embedded, tcp_proxy in front of them, and clients that never stop asking.
 * One server is killed, then all three, then they are brought back. The program
 * watches who answers and exits non-zero if it is not who should.
 *
 *   demo PATH_OF_TCP_PROXY
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SERVERS = 4, /* The last is the spare. */
    SPARE = SERVERS - 1,
    CLIENTS = 4,
    FDS_MAX = 256,        /* More than are ever open. */
    WINDOW = 10,          /* Ticks that a judgement looks back on. */
    TICK_MS = 100,        /* One line of the picture's history. */
    PHASE_TICKS_MIN = 20, /* Long enough to watch. */
    PHASE_TICKS_MAX = 120,
};

struct server {
    const char *name;
    pid_t pid; /* 0: killed. */
    uint16_t port;
    char says[16]; /* What the proxy's log says. */
    _Atomic unsigned long answers;
    unsigned long history[WINDOW + 1]; /* Of answers, the newest first. */
};

static struct server servers[SERVERS] = {
    { .name = "A", .says = "up" },
    { .name = "B", .says = "up" },
    { .name = "C", .says = "up" },
    { .name = "spare", .says = "up" },
};
static uint16_t proxy_port;
static pid_t proxy_pid;
static int proxy_log;
static _Atomic unsigned long failed;
static atomic_int stop;
static int on_terminal;
static int picture_lines;

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* A listening socket; port 0 becomes a free one. */
static int listen_on(uint16_t *port)
{
    struct sockaddr_in a = loopback(*port);
    socklen_t size = sizeof a;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
        die("listen");
    }
    *port = ntohs(a.sin_port);
    return fd;
}

/* The embedded HTTP server: one request a connection, its name for an answer.
 * */
static void serve(int listener, const char *name)
{
    char request[4096], reply[256];

    snprintf(reply, sizeof reply,
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s\n",
             strlen(name) + 1, name);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            continue;
        }
        if (recv(fd, request, sizeof request, 0) > 0) {
            (void)send(fd, reply, strlen(reply), MSG_NOSIGNAL);
        }
        close(fd);
    }
}

static void start_server(struct server *s)
{
    int listener = listen_on(&s->port);

    s->pid = fork();
    if (s->pid < 0) {
        die("fork");
    }
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* A copy of a client's socket would keep its connection open. */
        for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++) {
            if (fd != listener) {
                close(fd);
            }
        }
        serve(listener, s->name);
    }
    close(listener);
}

static void kill_server(struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static void start_proxy(const char *path)
{
    char listen_arg[32], backends[SERVERS][48];
    int pipe_fds[2];

    close(listen_on(&proxy_port));
    snprintf(listen_arg, sizeof listen_arg, "127.0.0.1:%u", proxy_port);
    for (int i = 0; i < SERVERS; i++) {
        snprintf(backends[i], sizeof backends[i], "127.0.0.1:%u%s",
                 servers[i].port, i == SPARE ? ",backup" : "");
    }
    if (pipe(pipe_fds) != 0 || (proxy_pid = fork()) < 0) {
        die("start the proxy");
    }
    if (proxy_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pipe_fds[1], STDERR_FILENO);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        execl(path, path, "--listen", listen_arg, "--threads", "1", "--check",
              "http:/", "--inter", "500ms", backends[0], backends[1],
              backends[2], backends[3], (char *)NULL);
        die(path);
    }
    close(pipe_fds[1]);
    proxy_log = pipe_fds[0];
    fcntl(proxy_log, F_SETFL, O_NONBLOCK);
}

/* One request through the proxy: the server that answered, NULL: none did. */
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

static void *client(void *arg)
{
    const struct timespec pause = { .tv_nsec = 2000000 };

    (void)arg;
    while (!atomic_load(&stop)) {
        struct server *s = ask();
        atomic_fetch_add(s != NULL ? &s->answers : &failed, 1);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* Lines above the picture. */
static void say(const char *text)
{
    if (on_terminal && picture_lines > 0) {
        printf("\033[%dA\033[J", picture_lines);
        picture_lines = 0;
    }
    printf("%s\n", text);
    fflush(stdout);
}

/* Pass the proxy's log on, and note what it says of each server. */
static void read_log(void)
{
    static char line[512];
    static size_t used;
    char c;

    while (read(proxy_log, &c, 1) == 1) {
        if (c != '\n') {
            line[used] = c;
            used += used < sizeof line - 1;
            continue;
        }
        line[used] = '\0';
        used = 0;
        char text[600];
        snprintf(text, sizeof text, "    %s", line);
        say(text);
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
    if (picture_lines > 0) {
        printf("\033[%dA\033[J", picture_lines);
    }
    printf("\n  server  process  health  requests  share of the last second\n");
    for (int i = 0; i < SERVERS; i++) {
        const struct server *s = &servers[i];
        unsigned long share = total > 0 ? recent(s) * 100 / total : 0;
        printf("  %-6s  %-7s  %-6s  %8lu  %3lu %% ", s->name,
               s->pid != 0 ? "runs" : "killed", s->says, s->history[0], share);
        for (unsigned long k = 0; k < share; k += 4) {
            printf("#");
        }
        printf("\n");
    }
    printf("  failed requests: %lu\n", atomic_load(&failed));
    picture_lines = SERVERS + 3;
    fflush(stdout);
}

static void tick(void)
{
    const struct timespec pause = { .tv_nsec = TICK_MS * 1000000L };

    nanosleep(&pause, NULL);
    read_log();
    for (int i = 0; i < SERVERS; i++) {
        struct server *s = &servers[i];
        memmove(s->history + 1, s->history, WINDOW * sizeof s->history[0]);
        s->history[0] = atomic_load(&s->answers);
    }
    draw();
}

/* Do the expected ones, a bit per server, share evenly, and nobody else serve?
 * */
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
    char summary[200];
    int ticks = 0;

    say(text);
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
             "C %lu, spare %lu; failed: %lu",
             recent(&servers[0]), recent(&servers[1]), recent(&servers[2]),
             recent(&servers[3]), lost);
    say(summary);
    if (lost > failed_max) {
        say("==> FAILED: more requests were lost than were under way");
        return 0;
    }
    return 1;
}

static int play(void)
{
    if (!phase("\n[1] A, B and C are up and share the load; the spare waits",
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
    return phase("\n[4] A, B and C are back: the spare is idle again", 7u, 0);
}

int main(int argc, char **argv)
{
    pthread_t clients[CLIENTS];
    int attempts = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: demo PATH_OF_TCP_PROXY\n");
        return 2;
    }
    on_terminal = isatty(STDOUT_FILENO);
    for (int i = 0; i < SERVERS; i++) {
        start_server(&servers[i]);
    }
    start_proxy(argv[1]);
    while (ask() == NULL) {
        const struct timespec pause = { .tv_nsec = 50000000 };
        nanosleep(&pause, NULL);
        read_log();
        if (++attempts > 100) {
            fprintf(stderr, "demo: no answer through the proxy\n");
            return EXIT_FAILURE;
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (pthread_create(&clients[i], NULL, client, NULL) != 0) {
            die("pthread_create");
        }
    }
    int good = play();
    atomic_store(&stop, 1);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i], NULL);
    }
    kill(proxy_pid, SIGTERM);
    waitpid(proxy_pid, NULL, 0);
    for (int i = 0; i < SERVERS; i++) {
        if (servers[i].pid != 0) {
            kill_server(&servers[i]);
        }
    }
    puts(good ? "\nThe demonstration passed." : "\nThe demonstration FAILED.");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
