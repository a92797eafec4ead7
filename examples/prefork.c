/* SPDX-License-Identifier: MIT */
/*
 * A pre-fork server whose worker processes balance as one: in-flight counts and
 * marks are in memory that all of them share.  Workers come and go: each joins,
 * which gives it a number and reclaims the tickets of workers that were killed
 * at work.  A reload starts a new generation beside the old one: an address
 * keeps its id, and a backend that is down stays down.  Outlier detection, if
 * used, is separate in each worker.
 *
 *   cc prefork.c $(pkg-config --cflags --libs libinfra) -o prefork
 *   ./prefork
 *
 * Prints the sessions of four workers with three backends, such as:
 *
 *   4 sessions                b0 2  b1 1  b2 1
 *   worker 2 is killed        b0 2  b1 1  b2 1
 *   its successor has joined  b0 1  b1 1  b2 1
 *   b1 is down, a reload      b0 1  b1 1 (down)  b2 1
 *   4 sessions more           b0 3  b1 1 (down)  b2 3
 *   the former have ended     b0 2  b1 0 (down)  b2 2
 */
#include <infra/balancer.h>
#include <infra/driver.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BACKENDS 3u
#define WORKERS 4u
/* For two generations, and for the parent, which joins too. */
#define NUMBERS (2 * WORKERS + 1)

static const char *const backends[BACKENDS] = { "b0", "b1", "b2" };
static void *shared;
static int listener;
static struct sockaddr_in address;
static pid_t workers[2 * WORKERS];

static int check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "prefork: %s failed\n", what);
        exit(EXIT_FAILURE);
    }
    return result;
}

static infra_time now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t); /* The same in all processes. */
    return INFRA_SEC(t.tv_sec) + (infra_time)t.tv_nsec;
}

/* In each process after the fork. */
static struct infra_balancer *join(void)
{
    struct infra_balancer *balancer = NULL;
    int number = check(infra_balancer_shared_join(shared, infra_process_self(),
                                                  infra_process_is_alive, NULL),
                       "join");
    struct infra_balancer_options options = {
        .size = sizeof options,
        .policy = infra_balancer_least_connections(),
        .shared = shared,
        .worker = (uint32_t)number,
        .seed = (uint64_t)number + 1,
    };

    check(infra_balancer_create(&balancer, &options), "create");
    for (uint32_t i = 0; i < BACKENDS; i++) {
        int id;
        while ((id = infra_balancer_id_of(balancer, backends[i])) ==
               INFRA_EBUSY) {
        }
        struct infra_backend b = { .size = sizeof b,
                                   .key = backends[i],
                                   .id = (uint32_t)check(id, "id") };
        check(infra_balancer_set(balancer, &b, now()), "set");
    }
    check(infra_balancer_publish(balancer, now()), "publish");
    return balancer;
}

/* Serve one session at a time: send the client the backend's name and wait
 * until it disconnects.  A real server would work with the backend here. */
static void work(void)
{
    struct infra_balancer *balancer = join();
    struct infra_balancer_reader *reader = NULL;
    struct infra_ticket ticket;

    check(infra_balancer_reader_create(&reader, balancer), "reader");
    for (;;) {
        int client = accept(listener, NULL, NULL);
        char byte;
        if (client < 0) {
            continue;
        }
        /* Adopt marks that others have set since the last loop. */
        check(infra_balancer_publish(balancer, now()), "publish");
        int id = infra_balancer_pick(reader, NULL, now(), &ticket);
        if (id >= 0) {
            (void)!write(client, backends[id], strlen(backends[id]) + 1);
            (void)!read(client, &byte, 1); /* Until it closes. */
            (void)infra_balancer_release(reader, &ticket, INFRA_OUTCOME_OK,
                                         now());
        }
        close(client);
    }
}

static void start_worker(uint32_t number)
{
    workers[number] = check(fork(), "fork");
    if (workers[number] == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* End with the parent. */
        work();
    }
}

static void kill_worker(uint32_t number)
{
    kill(workers[number], SIGKILL);
    waitpid(workers[number], NULL, 0);
}

/* A client: connect and read the backend's name. */
static int open_session(void)
{
    int fd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    char name[3] = "";

    check(connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
    check((int)read(fd, name, sizeof name) - (int)sizeof name, "session");
    return fd;
}

static uint32_t loads[BACKENDS];

/* Print the tickets of all workers, as the parent sees them. */
static void show(const struct infra_balancer *balancer, const char *what)
{
    printf("%-26s", what);
    for (uint32_t id = 0; id < BACKENDS; id++) {
        struct infra_balancer_status stats = { .size = sizeof stats };
        check(infra_balancer_inspect(balancer, id, &stats), "inspect");
        loads[id] = stats.load;
        printf("%s %u%s  ", backends[id], (unsigned)loads[id],
               stats.state == INFRA_BALANCER_STATE_UP ? "" : " (down)");
    }
    printf("\n");
}

/* Wait until the workers hold this many tickets. */
static void settle(const struct infra_balancer *balancer, uint32_t wanted)
{
    uint32_t total;

    do {
        total = 0;
        for (uint32_t id = 0; id < BACKENDS; id++) {
            struct infra_balancer_status stats = { .size = sizeof stats };
            check(infra_balancer_inspect(balancer, id, &stats), "inspect");
            total += stats.load;
        }
    } while (total != wanted && usleep(1000) == 0);
}

static void listen_here(void)
{
    socklen_t size = sizeof address;

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(bind(listener, (struct sockaddr *)&address, size), "bind");
    check(getsockname(listener, (struct sockaddr *)&address, &size), "name");
    check(listen(listener, 64), "listen");
}

static void share_memory(void)
{
    size_t size = infra_balancer_shared_size(0, NUMBERS);

    shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared == MAP_FAILED ? -1 : 0, "mmap");
    check(infra_balancer_shared_init(shared, size, 0, NUMBERS), "init");
}

int main(void)
{
    int sessions[2 * WORKERS];
    bool good;

    share_memory();
    listen_here();
    struct infra_balancer *balancer = join();
    for (uint32_t w = 0; w < WORKERS; w++) {
        start_worker(w);
        sessions[w] = open_session();
    }
    show(balancer, "4 sessions");
    good = loads[0] < 3 && loads[1] < 3 && loads[2] < 3;

    kill_worker(2);
    show(balancer, "worker 2 is killed");
    start_worker(2);
    settle(balancer, WORKERS - 1);
    show(balancer, "its successor has joined");

    /* The old generation ends with its sessions. */
    check(infra_balancer_mark(balancer, 1, INFRA_BALANCER_AXIS_HEALTH,
                              INFRA_BALANCER_STATE_DOWN),
          "mark");
    kill_worker(2); /* It has no session. */
    for (uint32_t w = 0; w < WORKERS; w++) {
        start_worker(WORKERS + w);
    }
    show(balancer, "b1 is down, a reload");
    uint32_t on_b1 = loads[1];
    for (uint32_t w = 0; w < WORKERS; w++) {
        sessions[WORKERS + w] = open_session();
    }
    show(balancer, "4 sessions more");
    good = good && loads[1] == on_b1 &&
           loads[0] + loads[1] + loads[2] == 2 * WORKERS - 1;

    for (uint32_t w = 0; w < WORKERS; w++) {
        if (w != 2) {
            kill_worker(w);
        }
        close(sessions[w]);
    }
    start_worker(0); /* The next to join reclaims their tickets. */
    settle(balancer, WORKERS);
    show(balancer, "the former have ended");
    good = good && loads[1] == 0 && loads[0] == 2 && loads[2] == 2;

    kill_worker(0);
    for (uint32_t w = 0; w < WORKERS; w++) {
        kill_worker(WORKERS + w);
        close(sessions[WORKERS + w]);
    }
    infra_balancer_destroy(balancer);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
