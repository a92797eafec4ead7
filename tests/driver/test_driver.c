/* The driver as such: its descriptors, its deadline, waking it, running it. */
#include "loopback.h"
#include "support.h"

#include "driver/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test_heap heap;
static struct infra_driver *driver;
static int fds_before;

static void setup(void)
{
    fds_before = test_open_fds();
    test_heap_init(&heap, -1);
    struct infra_driver_options o = { .size = sizeof o,
                                      .allocator = &heap.allocator };
    ck_assert_int_eq(infra_driver_create(&driver, &o), INFRA_OK);
}

static void teardown(void)
{
    infra_driver_destroy(driver);
    ck_assert_int_eq(heap.live, 0);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

static bool is_readable(void)
{
    struct pollfd p = { .fd = infra_driver_fd(driver), .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

/* A client that counts its turns and has what the test says. */
struct guest {
    struct infra__client client;
    uint32_t turns;
    infra_time now; /* Of the last turn. */
    infra_time deadline;
    uint32_t pending_after; /* Turns; 0: never. */
};

static void guest_turn(void *self, infra_time now)
{
    struct guest *g = self;

    g->turns++;
    g->now = now;
}

static infra_time guest_deadline(const void *self)
{
    return ((const struct guest *)self)->deadline;
}

static bool guest_pending(const void *self)
{
    const struct guest *g = self;

    return g->pending_after > 0 && g->turns >= g->pending_after;
}

static void guest_join(struct guest *g)
{
    *g = (struct guest) { .deadline = INFRA_TIME_NEVER };
    g->client = (struct infra__client) { .turn = guest_turn,
                                         .deadline = guest_deadline,
                                         .pending = guest_pending,
                                         .self = g };
    infra__driver_join(driver, &g->client);
}

/* An exchange that waits for ever, or until its deadline. */
struct wait {
    struct infra__job job;
    struct infra__address address;
    infra_time deadline;
    uint32_t want;
    uint32_t place; /* In the order of ends. */
    infra_time ended;
};

static uint32_t ends_count;

static uint32_t wait_want(const void *self)
{
    return ((const struct wait *)self)->want;
}

static uint32_t wait_endpoint(const void *self)
{
    (void)self;
    return 0;
}

static size_t wait_output(void *self, const void **ret)
{
    (void)self;
    (void)ret;
    return 0;
}

static void wait_note(void *self, uint32_t note, uint32_t detail,
                      infra_time now)
{
    struct wait *w = self;

    (void)detail;
    (void)now;
    w->want = note == INFRA_NOTE_CONNECTED ? INFRA_WANT_IO : INFRA_WANT_DONE;
}

static infra_time wait_deadline(const void *self)
{
    return ((const struct wait *)self)->deadline;
}

static const struct infra_exchange_ops wait_ops = { .size = sizeof wait_ops,
                                                    .want = wait_want,
                                                    .endpoint = wait_endpoint,
                                                    .output = wait_output,
                                                    .note = wait_note,
                                                    .deadline = wait_deadline };

static void wait_done(void *owner, infra_time now)
{
    struct wait *w = owner;

    w->place = ends_count++;
    w->ended = now;
}

static void wait_init(struct wait *w, uint32_t want, infra_time deadline)
{
    *w = (struct wait) { .want = want, .deadline = deadline };
    w->job = (struct infra__job) { .exchange = { &wait_ops, w },
                                   .addresses = &w->address,
                                   .addresses_count = 1,
                                   .done = wait_done,
                                   .owner = w };
    ck_assert_int_eq(infra__job_attach(driver, &w->job), INFRA_OK);
}

/* Options of another time, or that make no sense, are refused. */
START_TEST(options_are_looked_at)
{
    struct {
        struct infra_driver_options known;
        uint64_t unknown;
    } o = { .known = { .size = sizeof o } };
    struct infra_driver *other = NULL;

    ck_assert_int_eq(infra_driver_create(NULL, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_driver_create(&other, &o.known), INFRA_OK);
    infra_driver_destroy(other);
    other = NULL;
    o.unknown = 1;
    ck_assert_int_eq(infra_driver_create(&other, &o.known), INFRA_ESTRUCT);
    o.known.size = 1;
    ck_assert_int_eq(infra_driver_create(&other, &o.known), INFRA_EINVAL);
    ck_assert_ptr_null(other);
    infra_driver_destroy(NULL);
    ck_assert_int_eq(infra_driver_step(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_driver_run(NULL, 0), INFRA_EINVAL);
}
END_TEST

/* Without memory there is no driver. */
START_TEST(creation_needs_memory)
{
    struct infra_driver *other = NULL;
    struct test_heap poor;

    test_heap_init(&poor, 0);
    struct infra_driver_options o = { .size = sizeof o,
                                      .allocator = &poor.allocator };
    ck_assert_int_eq(infra_driver_create(&other, &o), INFRA_ENOMEM);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(poor.live, 0);
}
END_TEST

/* None without its three descriptors; what was opened is closed again. */
START_TEST(creation_needs_descriptors)
{
    struct infra_driver *other = NULL;
    struct test_heap count;
    struct rlimit limit;

    test_heap_init(&count, -1);
    struct infra_driver_options o = { .size = sizeof o,
                                      .allocator = &count.allocator };
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int next = dup(0);
    (void)close(next);
    struct rlimit few = { .rlim_cur = (rlim_t)(next + _i),
                          .rlim_max = limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    errno = 0;
    int err = infra_driver_create(&other, &o);
    int error = errno;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(err, INFRA_ESYSTEM);
    ck_assert_int_eq(error, EMFILE);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(count.live, 0);
}
END_TEST

/* The descriptor is all there is to poll: it is readable when the deadline
 * comes, until that was seen to, and not for a deadline that was taken back
 * more than once. */
START_TEST(the_deadline_makes_it_readable)
{
    struct guest g;
    struct pollfd p = { .fd = infra_driver_fd(driver), .events = POLLIN };

    guest_join(&g);
    ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()), INFRA_OK);
    ck_assert(!is_readable());
    for (int i = 0; i < 3; i++) {
        infra_time due = infra_driver_now() + INFRA_MS(20);
        g.deadline = due;
        ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()),
                         INFRA_OK);
        ck_assert_int_eq(poll(&p, 1, -1), 1);
        ck_assert_uint_ge(infra_driver_now(), due);
        ck_assert(is_readable());
        g.deadline = INFRA_TIME_NEVER;
        ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()),
                         INFRA_OK);
        ck_assert(!is_readable());
    }
    /* It is late already. */
    g.deadline = 0;
    ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()), INFRA_OK);
    ck_assert(is_readable());
    ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()), INFRA_OK);
    ck_assert(is_readable());
    g.deadline = infra_driver_now() + INFRA_MS(20);
    infra_time late = g.deadline + INFRA_SEC(1000);
    ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()), INFRA_OK);
    /* Put off: it rings in vain once. */
    g.deadline = late;
    ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()), INFRA_OK);
    ck_assert_int_eq(poll(&p, 1, -1), 1);
    ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()), INFRA_OK);
    ck_assert(!is_readable());
    infra__driver_leave(driver, &g.client);
}
END_TEST

/* A host with another clock times the deadline itself, and is not woken. */
START_TEST(another_clock_has_no_alarm)
{
    struct guest g;

    guest_join(&g);
    g.deadline = 1;
    ck_assert_int_eq(infra_driver_step(driver, INFRA_SEC(5)), INFRA_OK);
    ck_assert(!is_readable());
    ck_assert_uint_eq(infra_driver_deadline(driver), 1);
    infra__driver_leave(driver, &g.client);
}
END_TEST

static void wake_in_handler(int signal)
{
    (void)signal;
    infra_driver_wake(driver);
}

/* Whatever a signal interrupts finds errno as it was, also where the wake-up
 * itself fails, since there are too many already. */
START_TEST(a_handler_of_signals_may_wake)
{
    struct sigaction action = { .sa_handler = wake_in_handler };
    const uint64_t most = UINT64_MAX - 1;

    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 2; i++) {
        if (i == 1) {
            ck_assert_int_eq(write(driver->wake_fd, &most, sizeof most),
                             (int)sizeof most);
        }
        errno = ENOTEMPTY;
        ck_assert_int_eq(raise(SIGUSR1), 0);
        ck_assert_int_eq(errno, ENOTEMPTY);
        ck_assert(is_readable());
        ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
        ck_assert(!is_readable());
    }
}
END_TEST

/* The table of jobs grows; an allocation that fails changes nothing. */
START_TEST(growth_survives_no_memory)
{
    enum { COUNT = 17 };
    static struct wait waits[COUNT];
    struct wait late = { .want = INFRA_WANT_IDLE };

    for (uint32_t i = 0; i < COUNT - 1; i++) {
        wait_init(&waits[i], INFRA_WANT_IDLE, INFRA_SEC(5) + i);
        infra__job_start(&waits[i].job, 0);
    }
    for (long n = 0; n < 4; n++) {
        heap.countdown = n;
        ck_assert_int_eq(infra__job_attach(driver, &late.job), INFRA_ENOMEM);
        ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_SEC(5));
    }
    heap.countdown = -1;
    wait_init(&waits[COUNT - 1], INFRA_WANT_IDLE, INFRA_SEC(4));
    infra__job_start(&waits[COUNT - 1].job, 0);
    ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_SEC(4));
    for (uint32_t i = 0; i < COUNT; i++) {
        infra__job_detach(&waits[i].job);
    }
    long calls = heap.calls;
    for (uint32_t i = 0; i < COUNT; i++) {
        wait_init(&waits[i], INFRA_WANT_IDLE, INFRA_SEC(5));
    }
    ck_assert_int_eq(heap.calls, calls); /* Places are used again. */
    for (uint32_t i = 0; i < COUNT; i++) {
        infra__job_detach(&waits[i].job);
    }
}
END_TEST

/* A late step expires all that is due, in the order of deadlines, and nothing
 * else; the deadline is the next one. */
START_TEST(deadlines_expire_in_order)
{
    enum { COUNT = 40 };
    static struct wait waits[COUNT];

    ends_count = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        wait_init(&waits[i], INFRA_WANT_IDLE, INFRA_SEC(1 + i * 7 % COUNT));
        infra__job_start(&waits[i].job, 0);
    }
    ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_SEC(1));
    ck_assert_int_eq(infra_driver_step(driver, INFRA_SEC(1) - 1), INFRA_OK);
    ck_assert_uint_eq(ends_count, 0);
    ck_assert_int_eq(infra_driver_step(driver, INFRA_SEC(COUNT - 1)), INFRA_OK);
    ck_assert_uint_eq(ends_count, COUNT - 1);
    ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_SEC(COUNT));
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(waits[i].place,
                          waits[i].ended == 0 ? 0u : i * 7 % COUNT);
        infra__job_detach(&waits[i].job);
    }
}
END_TEST

/* Clients have a turn in each step and a say in the deadline; a smaller now
 * counts as equal. */
START_TEST(clients_have_turns)
{
    struct guest a;
    struct guest b;

    guest_join(&a);
    guest_join(&b);
    ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_TIME_NEVER);
    a.deadline = INFRA_SEC(3);
    b.deadline = INFRA_SEC(2);
    ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_SEC(2));
    ck_assert_int_eq(infra_driver_step(driver, INFRA_SEC(5)), INFRA_OK);
    ck_assert_int_eq(infra_driver_step(driver, INFRA_SEC(4)), INFRA_OK);
    ck_assert_uint_eq(a.turns, 2);
    ck_assert_uint_eq(b.turns, 2);
    ck_assert_uint_eq(a.now, INFRA_SEC(5));
    infra__driver_leave(driver, &a.client);
    ck_assert_int_eq(infra_driver_step(driver, INFRA_SEC(6)), INFRA_OK);
    ck_assert_uint_eq(a.turns, 2);
    ck_assert_uint_eq(b.turns, 3);
    infra__driver_leave(driver, &b.client);
}
END_TEST

/* wake() makes the descriptor readable until the next step. */
START_TEST(waking_lasts_until_the_next_step)
{
    ck_assert(!is_readable());
    infra_driver_wake(driver);
    infra_driver_wake(driver);
    ck_assert(is_readable());
    ck_assert_int_eq(infra_driver_step(driver, 0), INFRA_OK);
    ck_assert(!is_readable());
}
END_TEST

static void *wake_from_thread(void *unused)
{
    (void)unused;
    infra_driver_wake(driver);
    return NULL;
}

/* Another thread can end a run that would last for ever. */
START_TEST(a_thread_wakes_a_run)
{
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, wake_from_thread, NULL),
                         0);
        ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    ck_assert(!is_readable());
}
END_TEST

/* A run ends when a client has something for the host, after a step. */
START_TEST(a_run_ends_with_something_pending)
{
    struct guest g;

    guest_join(&g);
    g.deadline = 0;
    g.pending_after = 3;
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    ck_assert_uint_eq(g.turns, 3);
    g.deadline = INFRA_TIME_NEVER;
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    ck_assert_uint_eq(g.turns, 4);
    infra__driver_leave(driver, &g.client);
}
END_TEST

/* A run ends when its time comes, having stepped at least once, and it did not
 * step all the while. */
START_TEST(a_run_ends_in_time)
{
    struct guest g;

    guest_join(&g);
    ck_assert_int_eq(infra_driver_run(driver, 0), INFRA_EAGAIN);
    ck_assert_uint_eq(g.turns, 1);
    infra_time until = infra_driver_now() + INFRA_MS(3) + 1;
    ck_assert_int_eq(infra_driver_run(driver, until), INFRA_EAGAIN);
    ck_assert_uint_ge(infra_driver_now(), until);
    ck_assert_uint_eq(g.turns, 2);
    infra__driver_leave(driver, &g.client);
}
END_TEST

static void ignore(int signal)
{
    (void)signal;
}

/* A signal does not end a run. */
START_TEST(a_run_survives_signals)
{
    struct sigaction action = { .sa_handler = ignore };
    struct itimerval soon = { .it_value = { .tv_usec = 1000 } };
    struct sigaction before;

    ck_assert_int_eq(sigaction(SIGALRM, &action, &before), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    infra_time until = infra_driver_now() + INFRA_MS(10);
    ck_assert_int_eq(infra_driver_run(driver, until), INFRA_EAGAIN);
    ck_assert_uint_ge(infra_driver_now(), until);
    ck_assert_int_eq(sigaction(SIGALRM, &before, NULL), 0);
}
END_TEST

/* A forked child that destroys takes nothing from its parent: the connection
 * stands, and is still watched. */
START_TEST(a_child_may_destroy)
{
    struct test_endpoint endpoint;
    struct wait w;

    int listener = test_listen(AF_INET, 8, &endpoint);
    wait_init(&w, INFRA_WANT_CONNECT, INFRA_TIME_NEVER);
    ck_assert_int_eq(infra__address_import(
                         &w.address, (const struct sockaddr *)&endpoint.storage,
                         endpoint.size),
                     INFRA_OK);
    infra__job_start(&w.job, 0);
    while (w.want == INFRA_WANT_CONNECT) {
        ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
        ck_assert_int_eq(infra_driver_step(driver, 0), INFRA_OK);
    }
    pid_t child = fork();
    if (child == 0) {
        infra__job_detach(&w.job);
        infra_driver_destroy(driver);
        _exit(heap.live == 0 ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    int peer = test_accept(listener);
    ck_assert(!is_readable());
    ck_assert(w.job.running);
    (void)close(peer);
    while (w.job.running) {
        ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
        ck_assert_int_eq(infra_driver_step(driver, 0), INFRA_OK);
    }
    infra__job_detach(&w.job);
    (void)close(listener);
}
END_TEST

/* A closed socket makes no noise, even if a child still holds a copy. */
START_TEST(a_copy_of_a_closed_socket_is_not_heard)
{
    struct test_endpoint endpoint;
    struct wait w;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    wait_init(&w, INFRA_WANT_CONNECT, INFRA_TIME_NEVER);
    ck_assert_int_eq(infra__address_import(
                         &w.address, (const struct sockaddr *)&endpoint.storage,
                         endpoint.size),
                     INFRA_OK);
    infra__job_start(&w.job, 0);
    int copy = fcntl(w.job.fd, F_DUPFD_CLOEXEC, 0);
    infra__job_detach(&w.job);
    (void)close(test_accept(listener)); /* The copy becomes readable. */
    ck_assert(!is_readable());
    (void)close(copy);
    (void)close(listener);
}
END_TEST

static Suite *driver_suite(void)
{
    Suite *s = suite_create("driver");
    TCase *tc = tcase_create("create");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, options_are_looked_at);
    tcase_add_test(tc, creation_needs_memory);
    tcase_add_test(tc, the_deadline_makes_it_readable);
    tcase_add_test(tc, another_clock_has_no_alarm);
    tcase_add_test(tc, a_handler_of_signals_may_wake);
    tcase_add_loop_test(tc, creation_needs_descriptors, 0, 3);
    tcase_add_test(tc, growth_survives_no_memory);
    suite_add_tcase(s, tc);

    tc = tcase_create("turns");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, deadlines_expire_in_order);
    tcase_add_test(tc, clients_have_turns);
    suite_add_tcase(s, tc);

    tc = tcase_create("run");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, waking_lasts_until_the_next_step);
    tcase_add_test(tc, a_thread_wakes_a_run);
    tcase_add_test(tc, a_run_ends_with_something_pending);
    tcase_add_test(tc, a_run_ends_in_time);
    tcase_add_test(tc, a_run_survives_signals);
    suite_add_tcase(s, tc);

    tc = tcase_create("fork");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_child_may_destroy);
    tcase_add_test(tc, a_copy_of_a_closed_socket_is_not_heard);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(driver_suite());
}
