/* Health checks over real sockets: verdicts and reasons become changes. */
#include "prober_host.h"

#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define IDS_MAX 4u

/* One pass up, one failure down, a check each second, half a one in between. */
static const struct infra_health_options schedule = {
    .size = sizeof schedule,
    .inter = INFRA_SEC(1),
    .fastinter = INFRA_MS(500),
    .ids_max = IDS_MAX,
    .rise = 1,
    .fall = 1,
    .initial = INFRA_HEALTH_INITIAL_DOWN,
};

static int create_all(void)
{
    int err = create_driver();

    return err != INFRA_OK ? err : create_prober(&schedule, 0, 0);
}

static void setup(void)
{
    open_driver();
    ck_assert_int_eq(create_prober(&schedule, 0, 0), INFRA_OK);
}

static int set(uint32_t id, const char *key, const struct test_endpoint *e,
               struct infra_probe *probe)
{
    return set_target(id, key, &e->storage, e->size, probe);
}

/* Go to the next deadline and step. */
static void next_deadline(void)
{
    infra_time due = infra_driver_deadline(driver);

    ck_assert_uint_ne(due, INFRA_TIME_NEVER);
    now = due > now ? due : now;
    step();
}

/* Let sockets speak, at this very time, until @id's check is over. */
static void finish_check(uint32_t id)
{
    while (is_running(id)) {
        ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
        step();
    }
}

/* Run the next check of @id from its start to its end. */
static void run_check(uint32_t id)
{
    uint64_t before = inspect(id).checks;

    while (inspect(id).checks == before) {
        next_deadline();
        finish_check(id);
    }
}

static struct infra_health_event expect_change(uint32_t kind, uint32_t reason)
{
    struct infra_health_event event;

    ck_assert_int_eq(infra_prober_next(prober, now, &event), INFRA_OK);
    ck_assert_uint_eq(event.kind, kind);
    ck_assert_uint_eq(event.detail, reason);
    return event;
}

/* The prober says something of itself. */
static void expect_doubt(uint32_t kind, uint32_t reason)
{
    struct infra_health_event event =
        expect_change(kind, 0); /* There is no check to blame. */

    ck_assert_uint_eq(event.id, INFRA_HEALTH_NOBODY);
    ck_assert_uint_eq(event.reason, reason);
}

static void expect_nothing(void)
{
    struct infra_health_event event;

    ck_assert_int_eq(infra_prober_next(prober, now, &event), INFRA_EAGAIN);
}

/* A server comes, goes, and comes again: up, down and up, each once. */
START_TEST(a_server_comes_and_goes)
{
    struct test_endpoint endpoint;
    struct infra_probe_result result;

    int listener = test_listen(AF_UNIX, 64, &endpoint);
    ck_assert_int_eq(set(2, "a", &endpoint, tcp_probe()), INFRA_OK);
    ck_assert_int_eq(infra_prober_inspect(prober, 2, NULL, &result), INFRA_OK);
    static const struct infra_probe_result none;
    ck_assert_mem_eq(&result, &none, sizeof result);
    run_check(2);
    struct infra_health_event event =
        expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(event.id, 2);
    ck_assert_uint_eq(event.outcome, INFRA_OUTCOME_OK);
    ck_assert_uint_eq(event.reason, INFRA_HEALTH_REASON_RISE);
    expect_nothing();
    run_check(2);
    expect_nothing();

    (void)close(listener);
    run_check(2);
    event = expect_change(INFRA_HEALTH_EVENT_DOWN, INFRA_PROBE_REASON_REFUSED);
    ck_assert_uint_eq(event.outcome, INFRA_OUTCOME_REFUSED);
    ck_assert_int_eq(infra_prober_inspect(prober, 2, NULL, &result), INFRA_OK);
    ck_assert_uint_eq(result.reason, INFRA_PROBE_REASON_REFUSED);

    listener = test_listen_at(&endpoint, 64);
    run_check(2);
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    (void)close(listener);
}
END_TEST

/* A host whose traffic failed brings the next check forward: it starts a
 * fastinter after the last one, not an interval. */
START_TEST(traffic_brings_a_check_forward)
{
    struct test_endpoint endpoint;

    int listener = test_listen(AF_UNIX, 64, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    run_check(0);
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    infra_time last = now;
    (void)close(listener);
    now += INFRA_MS(100);
    ck_assert_uint_eq(infra_driver_deadline(driver), last + INFRA_SEC(1));
    ck_assert_int_eq(infra_prober_check_now(prober, 0, now), INFRA_OK);
    ck_assert_uint_eq(infra_driver_deadline(driver), last + INFRA_MS(500));
    run_check(0);
    ck_assert_uint_eq(now, last + INFRA_MS(500));
    (void)expect_change(INFRA_HEALTH_EVENT_DOWN, INFRA_PROBE_REASON_REFUSED);
}
END_TEST

/* What an HTTP server answers, and the reason that the host hears. */
START_TEST(replies_have_reasons)
{
    static const struct {
        const char *reply; /* NULL: reset. */
        uint32_t reason;
        uint32_t outcome;
    } rows[] = {
        { "HTTP/1.1 503 No\r\n\r\n", INFRA_PROBE_REASON_STATUS,
          INFRA_OUTCOME_ERROR },
        { "220 smtp\r\n", INFRA_PROBE_REASON_NOT_HTTP, INFRA_OUTCOME_ERROR },
        { "HTTP/1.1 200", INFRA_PROBE_REASON_CLOSED_EARLY,
          INFRA_OUTCOME_RESET },
        { NULL, INFRA_PROBE_REASON_RESET, INFRA_OUTCOME_RESET },
    };
    struct test_endpoint endpoint;
    char request[256];

    int listener = test_listen(AF_INET, 8, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, http_probe(0)), INFRA_OK);
    for (size_t i = 0; i < 2 * INFRA__COUNT_OF(rows); i++) {
        /* Good and bad by turns. */
        size_t row = i / 2;
        const char *reply =
            i % 2 == 0 ? "HTTP/1.1 200 OK\r\n\r\n" : rows[row].reply;
        while (!is_running(0)) {
            next_deadline();
        }
        /* The request ends the handshake. */
        ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
        step();
        int peer = test_accept(listener);
        ck_assert_int_gt(recv(peer, request, sizeof request, 0), 0);
        if (reply != NULL) {
            ck_assert_int_gt(send(peer, reply, strlen(reply), 0), 0);
            (void)close(peer);
        } else {
            test_reset(peer);
        }
        finish_check(0);
        if (i % 2 == 0) {
            (void)expect_change(INFRA_HEALTH_EVENT_UP,
                                INFRA_PROBE_REASON_PASSED);
        } else {
            struct infra_health_event event =
                expect_change(INFRA_HEALTH_EVENT_DOWN, rows[row].reason);
            ck_assert_uint_eq(event.outcome, rows[row].outcome);
        }
    }
    (void)close(listener);
}
END_TEST

/* A server that accepts and is silent is down when the time is over, and not
 * before. */
START_TEST(silence_is_no_reply)
{
    struct test_endpoint endpoint;
    struct infra_health_options health = schedule;

    health.initial = INFRA_HEALTH_INITIAL_UP;
    struct infra_prober_options o = { .size = sizeof o, .health = &health };
    infra_prober_destroy(prober);
    ck_assert_int_eq(infra_prober_create(&prober, driver, &o), INFRA_OK);
    int listener = test_listen(AF_INET, 8, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, http_probe(0)), INFRA_OK);
    next_deadline();
    ck_assert(is_running(0));
    ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
    step();
    infra_time started = now;
    while (inspect(0).checks == 0) {
        expect_nothing();
        next_deadline();
    }
    ck_assert_uint_eq(now, started + INFRA_SEC(2));
    (void)expect_change(INFRA_HEALTH_EVENT_DOWN, INFRA_PROBE_REASON_NO_REPLY);
    (void)close(listener);
}
END_TEST

/* Up and down again before the host asked is no change; several backends'
 * changes come in the order in which they happened. */
START_TEST(changes_wait_and_cancel_out)
{
    struct test_endpoint endpoint[3];
    int listener[3];

    for (uint32_t id = 0; id < 3; id++) {
        listener[id] = test_listen(AF_UNIX, 64, &endpoint[id]);
    }
    static const uint32_t order[] = { 1, 2, 0 };
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t id = order[i];
        ck_assert_int_eq(set(id,
                             id == 0   ? "a"
                             : id == 1 ? "b"
                                       : "c",
                             &endpoint[id], tcp_probe()),
                         INFRA_OK);
        run_check(id);
    }
    (void)close(listener[2]);
    run_check(2);
    ck_assert_uint_eq(
        expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED).id, 1);
    ck_assert_uint_eq(
        expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED).id, 0);
    expect_nothing();
    (void)close(listener[0]);
    (void)close(listener[1]);
}
END_TEST

/* A run returns for a change. */
START_TEST(a_run_returns_with_a_change)
{
    struct test_endpoint endpoint;

    int listener = test_listen(AF_INET, 8, &endpoint);
    /* Due long ago by the real clock, so that nothing waits. */
    now = 1;
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    now = infra_driver_now();
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    ck_assert_int_eq(infra_driver_run(driver, 0), INFRA_EAGAIN);
    (void)close(listener);
}
END_TEST

/* Removed while its check runs, or with a change that waits: nothing is heard
 * of it, and the id is free for another. */
START_TEST(removed_is_silent)
{
    struct test_endpoint endpoint;

    int listener = test_listen(AF_INET, 8, &endpoint);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
        next_deadline();
        if (i == 1) {
            finish_check(0);
        } else {
            ck_assert(is_running(0));
        }
        ck_assert_int_eq(infra_prober_remove(prober, 0), INFRA_OK);
        ck_assert_int_eq(infra_prober_remove(prober, 0), INFRA_ENOENT);
        expect_nothing();
        ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_TIME_NEVER);
        ck_assert_int_eq(infra_driver_step(driver, now + INFRA_SEC(60)),
                         INFRA_OK);
        now += INFRA_SEC(60);
        expect_nothing();
    }
    ck_assert_int_eq(set(0, "b", &endpoint, tcp_probe()), INFRA_OK);
    run_check(0);
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    (void)close(listener);
}
END_TEST

/* Set again with the same key: the new address and probe count, the counter
 * goes on, and the check that was cut short is repeated soon. */
START_TEST(set_again_goes_on)
{
    struct test_endpoint silent;
    struct test_endpoint live;
    struct infra_health_status stats = { .size = sizeof stats };

    int listeners[] = { test_listen(AF_UNIX, 8, &silent),
                        test_listen(AF_UNIX, 8, &live) };
    ck_assert_int_eq(set(0, "a", &live, tcp_probe()), INFRA_OK);
    run_check(0);
    struct infra_probe *probe = http_probe(0);
    ck_assert_int_eq(set(0, "a", &silent, probe), INFRA_OK);
    (void)expect_change(INFRA_HEALTH_EVENT_UP,
                        INFRA_PROBE_REASON_PASSED); /* Still. */
    next_deadline();
    ck_assert(is_running(0));
    infra_time started = now;
    ck_assert_int_eq(set(0, "a", &live, probe), INFRA_OK); /* Its own probe. */
    ck_assert_int_eq(infra_prober_inspect(prober, 0, &stats, NULL), INFRA_OK);
    ck_assert_uint_eq(stats.up, 1);
    ck_assert_uint_eq(stats.outcome, INFRA_OUTCOME_ABANDONED);
    ck_assert_uint_eq(stats.next, started + INFRA_MS(500));
    ck_assert_int_eq(set(0, "a", &live, tcp_probe()), INFRA_OK);
    run_check(0);
    ck_assert_uint_eq(now, started + INFRA_MS(500));
    expect_nothing();
    (void)close(listeners[0]);
    (void)close(listeners[1]);
}
END_TEST

/* With another key the id is another backend: what waits for the former one is
 * dropped, and its running check does not speak for the new one. */
START_TEST(another_key_starts_afresh)
{
    struct test_endpoint endpoint;
    struct infra_probe_result result;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    run_check(0);
    ck_assert_int_eq(set(0, "b", &endpoint, http_probe(0)), INFRA_OK);
    expect_nothing();
    ck_assert_uint_eq(inspect(0).checks, 0);
    next_deadline();
    ck_assert(is_running(0));
    ck_assert_int_eq(set(0, "c", &endpoint, tcp_probe()), INFRA_OK);
    ck_assert(!is_running(0));
    ck_assert_uint_eq(inspect(0).checks, 0);
    (void)close(listener);
    run_check(0);
    ck_assert_int_eq(infra_prober_inspect(prober, 0, NULL, &result), INFRA_OK);
    ck_assert_uint_eq(result.reason, INFRA_PROBE_REASON_REFUSED);
    ck_assert_int_eq(set(0, "d", &endpoint, tcp_probe()), INFRA_OK);
    ck_assert_int_eq(infra_prober_inspect(prober, 0, NULL, &result), INFRA_OK);
    ck_assert_uint_eq(result.reason, INFRA_PROBE_REASON_PASSED);
}
END_TEST

/* Out of descriptors: nobody is condemned, and the next try is a fastinter away
 * instead of at once. */
START_TEST(no_descriptor_condemns_nobody)
{
    struct test_endpoint endpoint;
    struct infra_probe_result result;
    struct rlimit limit;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    run_check(0);
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = { .rlim_cur = 0, .rlim_max = limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    next_deadline();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(infra_prober_inspect(prober, 0, NULL, &result), INFRA_OK);
    ck_assert_uint_eq(result.reason, INFRA_PROBE_REASON_LOCAL);
    expect_doubt(INFRA_HEALTH_EVENT_DOUBT, INFRA_HEALTH_REASON_LOCAL);
    expect_nothing();
    ck_assert_uint_eq(infra_driver_deadline(driver), now + INFRA_MS(500));
    run_check(0);
    expect_doubt(INFRA_HEALTH_EVENT_TRUST, INFRA_HEALTH_REASON_ANSWERED);
    expect_nothing();
    (void)close(listener);
}
END_TEST

/* After a pause of a minute: all checks were under way and are answered, so all
 * are still up. The prober says that it was away, and when it is back. */
START_TEST(a_pause_condemns_nobody)
{
    static const char *const keys[IDS_MAX] = { "a", "b", "c", "d" };
    struct test_endpoint endpoint;

    int listener = test_listen(AF_INET, 64, &endpoint);
    for (uint32_t id = 0; id < IDS_MAX; id++) {
        ck_assert_int_eq(set(id, keys[id], &endpoint, tcp_probe()), INFRA_OK);
        run_check(id);
        (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    }
    now += INFRA_SEC(2);
    step();
    now += INFRA_SEC(60);
    for (uint32_t id = 0; id < IDS_MAX; id++) {
        ck_assert(is_running(id));
    }
    ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
    step();
    expect_doubt(INFRA_HEALTH_EVENT_DOUBT, INFRA_HEALTH_REASON_LATE);
    expect_nothing();
    run_check(0);
    run_check(0);
    expect_doubt(INFRA_HEALTH_EVENT_TRUST, INFRA_HEALTH_REASON_ANSWERED);
    expect_nothing();
    (void)close(listener);
}
END_TEST

/* Silent while all were connected, over a pause of a minute: what timed out in
 * it is held against nobody, though one failure would do. */
START_TEST(a_pause_excuses_the_silent)
{
    struct test_endpoint silent;
    struct test_endpoint live;

    int listeners[] = { test_listen(AF_UNIX, 64, &silent),
                        test_listen(AF_UNIX, 64, &live) };
    ck_assert_int_eq(set(0, "a", &live, tcp_probe()), INFRA_OK);
    run_check(0);
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    ck_assert_int_eq(set(0, "a", &silent, http_probe(0)), INFRA_OK);
    next_deadline();
    ck_assert(is_running(0));
    now += INFRA_SEC(60);
    uint64_t before = inspect(0).checks;
    step();
    ck_assert_uint_eq(inspect(0).checks, before + 1);
    expect_doubt(INFRA_HEALTH_EVENT_DOUBT, INFRA_HEALTH_REASON_LATE);
    expect_nothing();
    for (int i = 0; i < 2; i++) {
        (void)close(listeners[i]);
    }
}
END_TEST

/* Doubt is something to return for; doubt that has passed is not. */
START_TEST(a_run_returns_with_doubt)
{
    struct test_endpoint endpoint;

    int listener = test_listen(AF_UNIX, 64, &endpoint);
    now = 1; /* Long ago by the real clock. */
    ck_assert_int_eq(set(0, "a", &endpoint, http_probe(0)), INFRA_OK);
    next_deadline();
    ck_assert(is_running(0));
    ck_assert_int_eq(infra_driver_run(driver, 0), INFRA_OK);
    expect_doubt(INFRA_HEALTH_EVENT_DOUBT, INFRA_HEALTH_REASON_LATE);
    expect_nothing();
    (void)close(listener);
}
END_TEST

START_TEST(doubt_and_trust_cancel_out)
{
    struct test_endpoint endpoint;

    int listener = test_listen(AF_UNIX, 64, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    for (int i = 0; i < 3; i++) {
        run_check(0);
        now += INFRA_SEC(30);
        run_check(0);
        run_check(0);
        run_check(0);
    }
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    expect_nothing();
    (void)close(listener);
}
END_TEST

/* What a backend is before its first check is what the host takes it for: only
 * the other thing is news. */
START_TEST(the_initial_state_is_no_news)
{
    static const struct {
        uint32_t initial;
        int is_up;
    } rows[] = {
        { INFRA_HEALTH_INITIAL_UP, 1 },
        { INFRA_HEALTH_INITIAL_FULLY_UP, 1 },
        { INFRA_HEALTH_INITIAL_DOWN, 0 },
        { INFRA_HEALTH_INITIAL_FULLY_DOWN, 0 },
    };
    struct infra_health_options health = schedule;
    struct test_endpoint endpoint;

    health.initial = rows[_i].initial;
    struct infra_prober_options o = { .size = sizeof o, .health = &health };
    infra_prober_destroy(prober);
    ck_assert_int_eq(infra_prober_create(&prober, driver, &o), INFRA_OK);
    int listener = test_listen(AF_UNIX, 64, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    run_check(0);
    if (!rows[_i].is_up) {
        (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    }
    expect_nothing();
    (void)close(listener);
    run_check(0);
    (void)expect_change(INFRA_HEALTH_EVENT_DOWN, INFRA_PROBE_REASON_REFUSED);
    expect_nothing();
}
END_TEST

/* A checker that was restarted inherits what a backend is marked as, whatever
 * the options say of others: what has changed since is told, what has not is
 * not. */
START_TEST(a_restarted_checker_inherits)
{
    struct test_endpoint there;
    struct test_endpoint gone;
    int listener = test_listen(AF_UNIX, 8, &there);
    int closed = test_refuse(&gone);

    for (uint32_t i = 0; i < 4; i++) {
        const struct test_endpoint *e = i < 2 ? &there : &gone;
        struct infra_prober_target target = {
            .size = sizeof target,
            .key = (const char *[]) { "a", "b", "c", "d" }[i],
            .address = (const struct sockaddr *)&e->storage,
            .address_size = e->size,
            .probe = tcp_probe(),
            .id = i,
            .has_initial = 1,
            .initial =
                i % 2 == 0 ? INFRA_HEALTH_INITIAL_UP : INFRA_HEALTH_INITIAL_DOWN
        };
        ck_assert_int_eq(infra_prober_set(prober, &target, now), INFRA_OK);
    }
    for (uint32_t i = 0; i < 4; i++) {
        while (inspect(i).checks == 0) {
            run_check(i);
        }
    }
    struct infra_health_event event;
    uint32_t heard[4] = { 0 };
    while (infra_prober_next(prober, now, &event) == INFRA_OK) {
        heard[event.id] = event.kind;
    }
    ck_assert_uint_eq(heard[0], 0);
    ck_assert_uint_eq(heard[1], INFRA_HEALTH_EVENT_UP);
    ck_assert_uint_eq(heard[2], INFRA_HEALTH_EVENT_DOWN);
    ck_assert_uint_eq(heard[3], 0);
    (void)close(listener);
    (void)close(closed);
}
END_TEST

/* A backend that moves to another id is there what it was. */
START_TEST(a_key_may_move)
{
    struct test_endpoint endpoint;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    run_check(0);
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    ck_assert_int_eq(infra_prober_remove(prober, 0), INFRA_OK);
    ck_assert_int_eq(set(3, "a", &endpoint, tcp_probe()), INFRA_OK);
    step();
    struct infra_health_event event =
        expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(event.id, 3);
    ck_assert_uint_eq(event.reason, INFRA_HEALTH_REASON_KEPT);
    expect_nothing();
    (void)close(listener);
}
END_TEST

/* Destroyed in the middle of checks and changes: teardown sees that nothing is
 * left. */
START_TEST(destroy_ends_everything)
{
    struct test_endpoint endpoint;

    int listener = test_listen(AF_INET, 8, &endpoint);
    ck_assert_int_eq(set(0, "a", &endpoint, tcp_probe()), INFRA_OK);
    run_check(0);
    ck_assert_int_eq(set(1, "b", &endpoint, http_probe(0)), INFRA_OK);
    while (!is_running(1)) {
        next_deadline();
    }
    infra_prober_destroy(prober);
    prober = NULL;
    ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_TIME_NEVER);
    step();
    (void)close(listener);
}
END_TEST

/* Every allocation of create and set fails in turn: all is as before, and the
 * probe is still the caller's. */
START_TEST(every_allocation_may_fail)
{
    struct test_endpoint endpoint;
    long n = 0;

    close_all();
    int listener = test_listen(AF_UNIX, 8, &endpoint);
    for (int err = INFRA_ENOMEM; err != INFRA_OK; n++) {
        driver = NULL;
        prober = NULL;
        test_heap_init(&heap, n);
        err = create_all();
        ck_assert(err == INFRA_OK || err == INFRA_ENOMEM);
        ck_assert(err == INFRA_OK || prober == NULL);
        if (err != INFRA_OK) {
            infra_driver_destroy(driver);
            ck_assert_int_eq(heap.live, 0);
        }
    }
    ck_assert_int_gt(n, 5);
    heap.countdown = -1;
    struct infra_probe *probe = tcp_probe();
    long live = heap.live;
    n = 0;
    for (int err = INFRA_ENOMEM; err != INFRA_OK; n++) {
        heap.countdown = n;
        err = set(0, "a", &endpoint, probe);
        ck_assert(err == INFRA_OK || err == INFRA_ENOMEM);
        if (err != INFRA_OK) {
            ck_assert_int_eq(heap.live, live);
            ck_assert_int_eq(infra_prober_remove(prober, 0), INFRA_ENOENT);
        }
    }
    ck_assert_int_gt(n, 4);
    /* From here on, nothing is allocated: not by set, nor by checks. */
    heap.countdown = 0;
    ck_assert_int_eq(set(0, "b", &endpoint, probe), INFRA_OK);
    run_check(0);
    (void)expect_change(INFRA_HEALTH_EVENT_UP, INFRA_PROBE_REASON_PASSED);
    (void)close(listener);
    fds_before = test_open_fds() - 3;
}
END_TEST

/* What makes no sense is refused, and the probe stays the caller's. */
START_TEST(arguments_are_looked_at)
{
    struct test_endpoint endpoint;
    struct test_endpoint strange = { .size = sizeof strange.storage };
    struct infra_health_options bad = { .size = sizeof bad, .rise = 5000 };
    struct infra_prober_options o = { .size = sizeof o, .health = &bad };
    struct infra_health_event event;
    struct infra_health_status stats = { .size = 1 };
    struct infra_prober *other = NULL;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    strange.storage.ss_family = AF_NETLINK;
    struct infra_probe *probe = tcp_probe();
    ck_assert_int_eq(set(IDS_MAX, "a", &endpoint, probe), INFRA_EINVAL);
    ck_assert_int_eq(set(0, NULL, &endpoint, probe), INFRA_EINVAL);
    ck_assert_int_eq(set(0, "", &endpoint, probe), INFRA_EINVAL);
    ck_assert_int_eq(set(0, "a", &endpoint, NULL), INFRA_EINVAL);
    ck_assert_int_eq(set(0, "a", &strange, probe), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_set(prober, NULL, now), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_remove(prober, 0), INFRA_ENOENT);
    ck_assert_int_eq(infra_prober_remove(prober, IDS_MAX), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_check_now(prober, 0, now), INFRA_ENOENT);
    ck_assert_int_eq(infra_prober_check_now(prober, IDS_MAX, now),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_check_now(NULL, 0, now), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_inspect(prober, 0, NULL, NULL), INFRA_ENOENT);
    ck_assert_int_eq(infra_prober_inspect(prober, IDS_MAX, NULL, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_next(prober, now, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_next(NULL, now, &event), INFRA_EINVAL);
    ck_assert_int_eq(set(0, "a", &endpoint, probe), INFRA_OK);
    ck_assert_int_eq(infra_prober_inspect(prober, 0, &stats, NULL),
                     INFRA_EINVAL);

    ck_assert_int_eq(infra_prober_create(&other, driver, &o), INFRA_EINVAL);
    o.size = 1;
    ck_assert_int_eq(infra_prober_create(&other, driver, &o), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_create(&other, NULL, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_create(NULL, driver, NULL), INFRA_EINVAL);
    ck_assert_ptr_null(other);
    infra_prober_destroy(NULL);
    ck_assert_int_eq(infra_prober_create(&other, driver, NULL), INFRA_OK);
    infra_prober_destroy(other);
    (void)close(listener);
}
END_TEST

/* Structs from a newer header work as long as their news are zero. */
START_TEST(structs_of_the_future)
{
    struct {
        struct infra_prober_options known;
        uint64_t unknown;
    } o = { .known = { .size = sizeof o } };
    struct {
        struct infra_prober_target known;
        uint64_t unknown;
    } t = { .known = { .size = sizeof t, .key = "a" }, .unknown = 1 };
    struct infra_prober *other;

    ck_assert_int_eq(infra_prober_create(&other, driver, &o.known), INFRA_OK);
    infra_prober_destroy(other);
    o.unknown = 1;
    ck_assert_int_eq(infra_prober_create(&other, driver, &o.known),
                     INFRA_ESTRUCT);
    ck_assert_int_eq(infra_prober_set(prober, &t.known, now), INFRA_ESTRUCT);
    t.known.size = offsetof(struct infra_prober_target, has_initial) - 1;
    ck_assert_int_eq(infra_prober_set(prober, &t.known, now), INFRA_EINVAL);
}
END_TEST

/* A target as long as before it had `initial`, and one that contradicts
 * itself. */
START_TEST(targets_of_any_age)
{
    struct test_endpoint endpoint;
    int listener = test_listen(AF_UNIX, 8, &endpoint);
    struct infra_prober_target t = {
        .size = sizeof t,
        .key = "a",
        .address = (const struct sockaddr *)&endpoint.storage,
        .address_size = endpoint.size,
        .probe = tcp_probe(),
        .initial = 1
    };

    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_EINVAL);
    t.has_initial = 2;
    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_EINVAL);
    t.has_initial = 1;
    t.initial = INFRA_HEALTH_INITIAL_FULLY_DOWN + 1;
    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_EINVAL);
    t.size = offsetof(struct infra_prober_target, has_initial);
    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_OK);
    struct infra_health_status stats = { .size = sizeof stats };
    ck_assert_int_eq(infra_prober_inspect(prober, 0, &stats, NULL), INFRA_OK);
    ck_assert_uint_eq(stats.up, 0); /* As the options say. */
    (void)close(listener);
}
END_TEST

static Suite *prober_suite(void)
{
    Suite *s = suite_create("prober");
    TCase *tc = tcase_create("changes");
    tcase_add_checked_fixture(tc, setup, close_all);
    tcase_add_test(tc, a_server_comes_and_goes);
    tcase_add_test(tc, traffic_brings_a_check_forward);
    tcase_add_test(tc, replies_have_reasons);
    tcase_add_test(tc, silence_is_no_reply);
    tcase_add_test(tc, changes_wait_and_cancel_out);
    tcase_add_test(tc, a_run_returns_with_a_change);
    tcase_add_test(tc, no_descriptor_condemns_nobody);
    tcase_add_test(tc, a_pause_condemns_nobody);
    tcase_add_test(tc, a_pause_excuses_the_silent);
    tcase_add_test(tc, a_run_returns_with_doubt);
    tcase_add_test(tc, doubt_and_trust_cancel_out);
    tcase_add_loop_test(tc, the_initial_state_is_no_news, 0, 4);
    tcase_add_test(tc, a_restarted_checker_inherits);
    tcase_add_test(tc, a_key_may_move);
    suite_add_tcase(s, tc);

    tc = tcase_create("set");
    tcase_add_checked_fixture(tc, setup, close_all);
    tcase_add_test(tc, removed_is_silent);
    tcase_add_test(tc, set_again_goes_on);
    tcase_add_test(tc, another_key_starts_afresh);
    tcase_add_test(tc, destroy_ends_everything);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, setup, close_all);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, arguments_are_looked_at);
    tcase_add_test(tc, structs_of_the_future);
    tcase_add_test(tc, targets_of_any_age);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(prober_suite());
}
