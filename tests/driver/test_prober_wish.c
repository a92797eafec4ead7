/* SPDX-License-Identifier: MIT */
/* What backends ask for by their agents: the host hears of each change, once,
 * and of nothing that it knows. */
#include "prober_host.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static int listener;
static struct test_endpoint endpoint;

static void setup(void)
{
    const struct infra_health_options schedule = { .size = sizeof schedule,
                                                   .rise = 1,
                                                   .fall = 1 };

    open_driver();
    ck_assert_int_eq(create_prober(&schedule, 0, 0), INFRA_OK);
    listener = test_listen(AF_UNIX, 64, &endpoint);
}

static void teardown(void)
{
    (void)close(listener);
    close_all();
}

static void set(uint32_t id, const char *key, bool is_http)
{
    const struct infra_probe_agent_options agent = { .size = sizeof agent,
                                                     .allocator =
                                                         &heap.allocator };
    const struct infra_probe_http_options http = { .size = sizeof http,
                                                   .allocator = &heap.allocator,
                                                   .drain_on_404 = 1 };
    struct infra_prober_target target = {
        .size = sizeof target,
        .key = key,
        .address = (const struct sockaddr *)&endpoint.storage,
        .address_size = endpoint.size,
        .id = id
    };

    ck_assert_int_eq(is_http ? infra_probe_http(&target.probe, &http)
                             : infra_probe_agent(&target.probe, &agent),
                     INFRA_OK);
    ck_assert_int_eq(infra_prober_set(prober, &target, now), INFRA_OK);
}

/* The next check of @id, the only backend, is answered with this. */
static void answer(uint32_t id, const char *reply)
{
    uint64_t before = inspect(id).checks;

    while (!is_running(id)) {
        infra_time due = infra_driver_deadline(driver);
        now = due > now ? due : now;
        step();
    }
    int peer = test_accept(listener);
    ck_assert_int_ge(peer, 0);
    ck_assert_int_eq(send(peer, reply, strlen(reply), MSG_NOSIGNAL),
                     (int)strlen(reply));
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    while (inspect(id).checks == before) {
        ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
        step();
    }
    (void)close(peer);
}

static struct infra_health_event expect(uint32_t kind)
{
    struct infra_health_event e;

    ck_assert_int_eq(infra_prober_next(prober, now, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, kind);
    return e;
}

static void expect_nothing(void)
{
    struct infra_health_event e;

    ck_assert_int_eq(infra_prober_next(prober, now, &e), INFRA_EAGAIN);
}

/* Each word of an agent, and what is told of all that it said so far. */
START_TEST(words_become_wishes)
{
    enum {
        ADMIN = INFRA_PROBE_HAS_ADMIN,
        PERCENT = INFRA_PROBE_HAS_WEIGHT,
        WEIGHT = INFRA_PROBE_HAS_WEIGHT_ABSOLUTE,
        CAP = INFRA_PROBE_HAS_IN_FLIGHT_MAX
    };
    static const struct {
        const char *reply;
        bool is_news;
        uint32_t has;
        uint32_t admin;
        uint32_t weight_percent;
        uint32_t weight;
        uint32_t in_flight_max;
    } rows[] = {
        { "up\n", false, 0, 0, 0, 0, 0 },
        { "ready\n", true, ADMIN, INFRA_PROBE_ADMIN_READY, 0, 0, 0 },
        { "up ready\n", false, 0, 0, 0, 0, 0 },
        { "drain\n", true, ADMIN, INFRA_PROBE_ADMIN_DRAIN, 0, 0, 0 },
        { "drain\n", false, 0, 0, 0, 0, 0 },
        { "up\n", false, 0, 0, 0, 0, 0 }, /* It still drains. */
        { "maint\n", true, ADMIN, INFRA_PROBE_ADMIN_MAINTENANCE, 0, 0, 0 },
        { "ready 50%\n", true, ADMIN | PERCENT, INFRA_PROBE_ADMIN_READY, 50, 0,
          0 },
        { "0%\n", true, ADMIN | PERCENT, INFRA_PROBE_ADMIN_READY, 0, 0, 0 },
        { "0%\n", false, 0, 0, 0, 0, 0 },
        { "weight:7\n", true, ADMIN | WEIGHT, INFRA_PROBE_ADMIN_READY, 0, 7,
          0 },
        { "weight:0 maxconn:30\n", true, ADMIN | WEIGHT | CAP,
          INFRA_PROBE_ADMIN_READY, 0, 0, 30 },
        { "100%\n", true, ADMIN | PERCENT | CAP, INFRA_PROBE_ADMIN_READY, 100,
          0, 30 },
        { "maxconn:0\n", true, ADMIN | PERCENT | CAP, INFRA_PROBE_ADMIN_READY,
          100, 0, 0 },
    };

    set(0, "a", false);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        answer(0, rows[i].reply);
        if (rows[i].is_news) {
            struct infra_health_event e = expect(INFRA_HEALTH_EVENT_WISH);
            ck_assert_uint_eq(e.id, 0);
            ck_assert_uint_eq(e.at, now);
            ck_assert_msg(e.has == rows[i].has, "%s", rows[i].reply);
            ck_assert_uint_eq(e.admin, rows[i].admin);
            ck_assert_uint_eq(e.weight_percent, rows[i].weight_percent);
            ck_assert_uint_eq(e.weight, rows[i].weight);
            ck_assert_uint_eq(e.in_flight_max, rows[i].in_flight_max);
        }
        expect_nothing();
    }
}
END_TEST

/* Up and down are changes; a wish goes before the change, stays while checks
 * fail, and what was taken back before anybody asked is no news. */
START_TEST(wishes_and_changes)
{
    set(0, "a", false);
    answer(0, "down drain\n");
    (void)expect(INFRA_HEALTH_EVENT_WISH);
    (void)expect(INFRA_HEALTH_EVENT_DOWN);
    answer(0, "");
    expect_nothing();
    answer(0, "up\n");
    (void)expect(INFRA_HEALTH_EVENT_UP);
    expect_nothing();
    answer(0, "ready\n");
    answer(0, "drain\n");
    expect_nothing();
    answer(0, "maint\n");
    answer(0, "ready\n");
    ck_assert_uint_eq(expect(INFRA_HEALTH_EVENT_WISH).admin,
                      INFRA_PROBE_ADMIN_READY);
    expect_nothing();
    /* A run of the driver returns for a wish alone. */
    answer(0, "drain\n");
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    struct infra_health_event e = { 0 };
    while (e.kind !=
           INFRA_HEALTH_EVENT_WISH) { /* The real clock is far away. */
        ck_assert_int_eq(infra_prober_next(prober, now, &e), INFRA_OK);
    }
}
END_TEST

/* A page that is not found asks to be drained, where the check says so. */
START_TEST(not_found_is_a_wish)
{
    set(0, "a", true);
    answer(0, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    ck_assert_uint_eq(expect(INFRA_HEALTH_EVENT_WISH).admin,
                      INFRA_PROBE_ADMIN_DRAIN);
    expect_nothing(); /* It is up. */
    answer(0, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ck_assert_uint_eq(expect(INFRA_HEALTH_EVENT_WISH).admin,
                      INFRA_PROBE_ADMIN_READY);
    expect_nothing();
}
END_TEST

/* The wish is the key's: another key at the id has none, and a wish that waits
 * for the host goes with a backend that is removed. */
START_TEST(another_key_wishes_nothing)
{
    set(0, "a", false);
    answer(0, "drain\n");
    ck_assert_int_eq(infra_prober_remove(prober, 0), INFRA_OK);
    expect_nothing();
    set(0, "b", false);
    expect_nothing();
    answer(0, "ready\n");
    (void)expect(INFRA_HEALTH_EVENT_WISH);
    set(0, "c", false);
    answer(0, "ready\n");
    (void)expect(INFRA_HEALTH_EVENT_WISH);
    expect_nothing();
}
END_TEST

static Suite *wish_suite(void)
{
    Suite *s = suite_create("prober_wish");
    TCase *tc = tcase_create("wish");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, words_become_wishes);
    tcase_add_test(tc, wishes_and_changes);
    tcase_add_test(tc, not_found_is_a_wish);
    tcase_add_test(tc, another_key_wishes_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(wish_suite());
}
