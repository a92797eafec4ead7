/* SPDX-License-Identifier: MIT */
/* db_router's workers as threads, with clients and a server that speak a
 * protocol of lines: answers reach who has asked, server connections are
 * shared within their limit, users are read again meanwhile, and each
 * allocation fails in turn. */
#include "failing_malloc.h"
#include "line_protocol.h"
#include "support.h"

#include "worker.h"

#include "../../examples/common/log.h"

#include <fcntl.h>
#include <infra/router.h>
#include <infra/sql.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 2u
#define CLIENTS 12
#define LINES 25
#define SERVERS_MAX 2u

static struct line_server server;
static struct workers_shared shared;
static struct worker workers[WORKERS];
static struct node node;
static struct infra_router *router;
static struct infra_balancer *balancer;
static struct infra_driver *driver;
static struct db_users *users;
static char path[64];
static char why[DB_USERS_WHY_SIZE];
static long worker_countdown; /* malloc_countdown of the workers. */
static int log_fd;
static int fds_before;

static void write_users(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_router(void)
{
    const struct infra_router_options options = { .size = sizeof options,
                                                  .readers_max = WORKERS };
    const struct infra_router_node primary = {
        .size = sizeof primary, .role = INFRA_ROUTER_ROLE_PRIMARY, .token = 1
    };
    const struct infra_balancer_options balancing = { .size = sizeof balancing,
                                                      .ids_max = 1 };
    const struct infra_backend backend = { .size = sizeof backend,
                                           .key = "primary" };
    infra_time now = infra_driver_now();

    ck_assert_int_eq(infra_router_create(&router, &options), INFRA_OK);
    ck_assert_int_eq(infra_router_set(router, 0, &primary), INFRA_OK);
    ck_assert_int_eq(infra_router_publish(router, now), INFRA_OK);
    ck_assert_int_eq(infra_balancer_create(&balancer, &balancing), INFRA_OK);
    ck_assert_int_eq(infra_balancer_set(balancer, &backend, now), INFRA_OK);
    ck_assert_int_eq(infra_balancer_publish(balancer, now), INFRA_OK);
    ck_assert_int_eq(infra_driver_create(&driver, NULL), INFRA_OK);
}

static void *work(void *arg)
{
    malloc_countdown = worker_countdown;
    int error = worker_run(arg);
    malloc_countdown = -1;
    ck_assert_int_eq(error, 0);
    return NULL;
}

static void share(uint32_t count)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_addr = { htonl(INADDR_LOOPBACK) } };

    memset(&node, 0, sizeof node);
    node.name = "primary";
    node.address.storage = server.address;
    node.address.size = server.address_size;
    memset(&shared, 0, sizeof shared);
    shared.protocol = &line_protocol;
    shared.users = users;
    shared.nodes = &node;
    shared.nodes_count = 1;
    shared.driver = driver;
    memcpy(&shared.listen.storage, &at, sizeof at);
    shared.listen.size = sizeof at;
    shared.limits.message_max = 1u << 16;
    shared.clients_max = 100;
    shared.servers_max = SERVERS_MAX;
    shared.login_timeout = INFRA_SEC(600);
    shared.connect_timeout = INFRA_SEC(600);
    shared.queue_timeout = INFRA_SEC(600);
    shared.idle_timeout = INFRA_TIME_NEVER;
    shared.server_idle_timeout = INFRA_SEC(600);
    shared.hold_max = INFRA_SEC(600);
    shared.workers = workers;
    shared.workers_count = count;
}

static void start(uint32_t count, long countdown)
{
    worker_countdown = countdown;
    share(count);
    memset(workers, 0, sizeof workers);
    for (uint32_t i = 0; i < count; i++) {
        struct worker *w = &workers[i];
        ck_assert_int_eq(worker_open(w, &shared, i), 0);
        ck_assert_int_eq(infra_router_reader_create(&w->reader, router),
                         INFRA_OK);
        ck_assert_int_eq(infra_balancer_reader_create(&w->balancer, balancer),
                         INFRA_OK);
        ck_assert_int_eq(pthread_create(&w->thread, NULL, work, w), 0);
    }
}

static void stop(void)
{
    for (uint32_t i = 0; i < shared.workers_count; i++) {
        worker_drain(&workers[i], infra_driver_now() + INFRA_SEC(600));
    }
    for (uint32_t i = 0; i < shared.workers_count; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
        worker_close(&workers[i]);
        infra_router_reader_destroy(workers[i].reader);
        infra_balancer_reader_destroy(workers[i].balancer);
    }
    ck_assert_uint_eq(atomic_load(&shared.clients_count), 0);
}

static void setup(void)
{
    fds_before = test_open_fds();
    log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(log_fd, 0);
    const struct log_options quiet = { .fd = log_fd };
    log_open(&quiet);
    (void)strcpy(path, "/tmp/infra-test-users-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    write_users("app secret\nother secret\n");
    users = db_users_read(path, INFRA_SQL_MYSQL, why);
    ck_assert_msg(users != NULL, "%s", why);
    line_server_start(&server);
    make_router();
}

static void teardown(void)
{
    infra_router_destroy(router);
    infra_balancer_destroy(balancer);
    infra_driver_destroy(driver);
    line_server_join(&server);
    db_users_free(users);
    (void)unlink(path);
    log_close();
    (void)close(log_fd);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

/* A client that waits for what it reads. */
struct peer {
    int fd;
    FILE *in;
    unsigned process;
    unsigned key;
};

/* @user NULL: it says nothing. */
static struct peer open_peer(const char *user)
{
    struct peer p = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

    ck_assert_int_ge(p.fd, 0);
    ck_assert_int_eq(connect(p.fd,
                             (const struct sockaddr *)&shared.listen.storage,
                             shared.listen.size),
                     0);
    p.in = fdopen(p.fd, "r");
    ck_assert_ptr_nonnull(p.in);
    if (user != NULL) {
        (void)dprintf(p.fd, "%s\n", user);
    }
    return p;
}

/* False: it was closed. */
static bool read_line(struct peer *p, char line[256])
{
    return fgets(line, 256, p->in) != NULL;
}

static bool is_welcome(struct peer *p)
{
    char line[256];

    return read_line(p, line) &&
           sscanf(line, "welcome %u %u\n", &p->process, &p->key) == 2;
}

static void close_peer(struct peer *p)
{
    (void)fclose(p->in);
}

/* All of its lines at once. */
static void send_lines(const struct peer *p, int who)
{
    for (int i = 0; i < LINES; i++) {
        ck_assert_int_gt(
            dprintf(p->fd, "%c client %d line %d\n", i % 2 ? 'r' : 'w', who, i),
            0);
    }
}

static void got_lines(struct peer *p, int who)
{
    char line[256];
    char wanted[256];

    for (int i = 0; i < LINES; i++) {
        (void)snprintf(wanted, sizeof wanted, "=%c client %d line %d\n",
                       i % 2 ? 'r' : 'w', who, i);
        ck_assert(read_line(p, line));
        ck_assert_str_eq(line, wanted);
    }
}

/* Each client of several workers gets its own answers in their order, over no
 * more server connections than are allowed, while the users are read again. */
START_TEST(answers_reach_who_has_asked)
{
    struct peer peers[CLIENTS];

    start(WORKERS, -1);
    for (int i = 0; i < CLIENTS; i++) {
        peers[i] = open_peer(i % 2 ? "app" : "other");
    }
    for (int i = 0; i < CLIENTS; i++) {
        ck_assert(is_welcome(&peers[i]));
        send_lines(&peers[i], i);
    }
    for (int i = 0; i < CLIENTS; i++) {
        write_users(i % 2 ? "app secret\nother secret\n" : "app secret\n");
        ck_assert(db_users_reload(users, path, why));
        got_lines(&peers[i], i);
    }
    for (int i = 0; i < CLIENTS; i++) {
        close_peer(&peers[i]);
    }
    stop();
    ck_assert_uint_ge(server.connections, 1);
}
END_TEST

/* Two users and one connection for each worker: a connection of the one makes
 * room for the other. */
START_TEST(pools_make_room_for_each_other)
{
    struct peer app;
    struct peer other;

    start(1, -1);
    shared.servers_max = 1;
    app = open_peer("app");
    ck_assert(is_welcome(&app));
    other = open_peer("other");
    ck_assert(is_welcome(&other));
    for (int i = 0; i < 5; i++) {
        send_lines(&app, i);
        send_lines(&other, 100 + i);
        got_lines(&app, i);
        got_lines(&other, 100 + i);
    }
    close_peer(&app);
    close_peer(&other);
    stop();
}
END_TEST

static bool has_answer(const struct peer *p)
{
    struct pollfd fd = { .fd = p->fd, .events = POLLIN };

    return poll(&fd, 1, 0) == 1;
}

/* One request, until it is closed. */
static void cancel(const struct peer *p, unsigned key)
{
    char line[256];
    struct peer c = open_peer(NULL);

    (void)dprintf(c.fd, "cancel %u %u\n", p->process, key);
    ck_assert(!read_line(&c, line));
    close_peer(&c);
}

/* A request to cancel reaches what runs for the client, whichever worker has
 * accepted the request; one with a wrong key does nothing. */
START_TEST(requests_to_cancel_find_their_worker)
{
    char line[256];
    struct peer p;

    start(WORKERS, -1);
    p = open_peer("app");
    ck_assert(is_welcome(&p));
    for (int round = 0; round < 4; round++) {
        (void)dprintf(p.fd, "whold\n");
        for (unsigned i = 1; i < 8 && round == 0; i++) {
            cancel(&p, p.key ^ i);
        }
        /* Later one of the round before may still be on its way. */
        ck_assert(round > 0 || !has_answer(&p));
        while (!has_answer(&p)) {
            cancel(&p, p.key);
        }
        ck_assert(read_line(&p, line));
        ck_assert_str_eq(line, "=canceled\n");
    }
    send_lines(&p, 1);
    got_lines(&p, 1);
    close_peer(&p);
    stop();
}
END_TEST

/* Nobody and too much: the connection is closed, others are served. */
START_TEST(bad_clients_end_alone)
{
    char line[256];
    char much[1000];
    struct peer p;
    struct peer bad;

    start(1, -1);
    p = open_peer("app");
    ck_assert(is_welcome(&p));
    bad = open_peer("nobody");
    ck_assert(!read_line(&bad, line));
    close_peer(&bad);
    bad = open_peer("app");
    ck_assert(is_welcome(&bad));
    memset(much, 'r', sizeof much);
    ck_assert_int_gt(send(bad.fd, much, sizeof much, MSG_NOSIGNAL), 0);
    ck_assert(read_line(&bad, line));
    ck_assert_str_eq(line, "!the line is too long\n");
    ck_assert(!read_line(&bad, line));
    close_peer(&bad);
    send_lines(&p, 1);
    got_lines(&p, 1);
    close_peer(&p);
    stop();
}
END_TEST

/* One allocation of the worker fails: its client may lose, and soon others are
 * served again (a node that was not reached rests for a moment). */
START_TEST(every_allocation_may_fail)
{
    malloc_fails_once = true;
    for (long n = 1; n < 12; n++) {
        char line[256];
        start(1, n);
        struct peer p = open_peer("app");
        while (read_line(&p, line) && line[0] == 'w') {
            send_lines(&p, 1);
        }
        close_peer(&p);
        for (bool is_served = false; !is_served;) {
            p = open_peer("app");
            is_served = is_welcome(&p);
            if (is_served) {
                send_lines(&p, 2);
                got_lines(&p, 2);
            }
            close_peer(&p);
        }
        stop();
    }
    malloc_fails_once = false;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("router_workers");
    TCase *loop = tcase_create("loop");

    tcase_add_checked_fixture(loop, setup, teardown);
    tcase_add_test(loop, answers_reach_who_has_asked);
    tcase_add_test(loop, pools_make_room_for_each_other);
    tcase_add_test(loop, requests_to_cancel_find_their_worker);
    tcase_add_test(loop, bad_clients_end_alone);
    tcase_add_test(loop, every_allocation_may_fail);
    suite_add_tcase(suite, loop);
    return test_main(suite);
}
