/* SPDX-License-Identifier: MIT */
/* Limits on running and starting checks: which checks wait, for how long, and
 * in which order they start. */
#include "prober_host.h"

#include "driver/rate_limit.h"
#include "fake_tls.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKENDS 6u
#define MANY 600u

static struct test_endpoint endpoints[BACKENDS];
static int listeners[BACKENDS];

/* Checked within the first second, and then once in a while. */
static const struct infra_health_options schedule = {
    .size = sizeof schedule,
    .inter = INFRA_SEC(1000),
    .start_spread = INFRA_SEC(1),
    .fastinter = INFRA_SEC(1),
    .ids_max = MANY,
    .fall = 1,
    .initial = INFRA_HEALTH_INITIAL_UP,
};

static void create(uint32_t concurrency_max, uint32_t rate_max_per_s,
                   infra_time inter)
{
    struct infra_health_options health = schedule;

    health.inter = inter != 0 ? inter : schedule.inter;
    ck_assert_int_eq(create_prober(&health, concurrency_max, rate_max_per_s),
                     INFRA_OK);
}

static void setup(void)
{
    open_driver();
    for (uint32_t id = 0; id < BACKENDS; id++) {
        listeners[id] = test_listen(AF_UNIX, MANY, &endpoints[id]);
    }
}

static void teardown(void)
{
    for (uint32_t id = 0; id < BACKENDS; id++) {
        (void)close(listeners[id]);
    }
    close_all();
}

static void set(uint32_t id, const char *key, struct infra_probe *probe)
{
    const struct test_endpoint *e = &endpoints[id % BACKENDS];
    char own_key[16];

    snprintf(own_key, sizeof own_key, "b%u", (unsigned)id);
    ck_assert_int_eq(set_target(id, key != NULL ? key : own_key, &e->storage,
                                e->size, probe),
                     INFRA_OK);
}

static struct infra_prober_status load(void)
{
    struct infra_prober_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_prober_inspect_load(prober, &stats), INFRA_OK);
    return stats;
}

/* Has a check reached this backend since the last time? */
static bool was_reached(uint32_t id)
{
    struct pollfd p = { .fd = listeners[id], .events = POLLIN };

    if (poll(&p, 1, 0) != 1) {
        return false;
    }
    (void)close(test_accept(listeners[id]));
    return true;
}

/* No more run than may; the others wait, do not keep the loop awake, and start
 * in the order in which they were due as soon as there is room. */
START_TEST(the_oldest_waits_least)
{
    uint32_t order[BACKENDS];
    infra_time due[BACKENDS];

    create(2, 0, 0);
    for (uint32_t id = 0; id < BACKENDS; id++) {
        set(id, NULL, http_probe(0));
        due[id] = inspect(id).next;
        uint32_t at = id;
        for (; at > 0 && due[order[at - 1]] > due[id]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = id;
    }
    infra_time late_max = 0;
    now += INFRA_SEC(5); /* The loop was late: all are due. */
    step();
    for (uint32_t started = 2; started <= BACKENDS; started += 2) {
        ck_assert_uint_eq(load().running, 2);
        ck_assert_uint_eq(load().waiting, BACKENDS - started);
        ck_assert_uint_eq(load().started, started);
        infra_time late = now - due[order[started - 2]];
        late_max = late > late_max ? late : late_max;
        ck_assert_uint_eq(load().late_max, late_max);
        for (uint32_t i = 0; i < BACKENDS; i++) {
            ck_assert_int_eq(was_reached(order[i]),
                             i + 2 == started || i + 1 == started);
        }
        if (started == BACKENDS) {
            break;
        }
        /* Until both have timed out, on a loop that is no longer late. */
        while (load().started == started) {
            ck_assert_uint_eq(infra_driver_deadline(driver),
                              now + INFRA_HEALTH_LATE);
            now += INFRA_HEALTH_LATE;
            step();
        }
    }
}
END_TEST

/* Without a word 512 checks may run. */
START_TEST(a_limit_by_default)
{
    create(0, 0, 0);
    for (uint32_t id = 0; id < MANY; id++) {
        set(id, NULL, http_probe(0));
    }
    now += INFRA_SEC(1);
    step();
    ck_assert_uint_eq(load().running, 512);
    ck_assert_uint_eq(load().waiting, MANY - 512);
}
END_TEST

/* Checks start evenly, and a loop that was late does not catch up. */
START_TEST(starts_are_paced)
{
    create(0, 100, 0);
    for (uint32_t id = 0; id < MANY; id++) {
        set(id, NULL, tcp_probe());
    }
    now += INFRA_SEC(60);
    for (uint64_t started = 1; started <= 50; started++) {
        step();
        ck_assert_uint_eq(load().started, started);
        ck_assert_uint_eq(infra_driver_deadline(driver), now + INFRA_MS(10));
        now += INFRA_MS(10);
    }
    now += INFRA_SEC(60);
    step();
    ck_assert_uint_eq(load().started, 51);
}
END_TEST

/* When more is asked than the pace allows, everybody gets the same share, and
 * nobody is checked twice in a row for having waited. */
START_TEST(a_pace_too_slow_is_fair)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;

    create(0, 4, INFRA_SEC(1)); /* Six want it each second. */
    for (uint32_t id = 0; id < BACKENDS; id++) {
        set(id, NULL, tcp_probe());
    }
    for (infra_time end = now + INFRA_SEC(60); now < end;) {
        infra_time due = infra_driver_deadline(driver);
        ck_assert_uint_gt(due, now - INFRA_SEC(1));
        now = due > now ? due : now;
        step();
    }
    for (uint32_t id = 0; id < BACKENDS; id++) {
        least = inspect(id).checks < least ? inspect(id).checks : least;
        most = inspect(id).checks > most ? inspect(id).checks : most;
    }
    ck_assert_uint_le(most - least, 1);
    ck_assert_uint_ge(load().started, 4 * 58);
    ck_assert_uint_le(load().started, 4 * 60 + 1);
    ck_assert_uint_le(load().late_max, INFRA_SEC(2));
}
END_TEST

/* Who waits may be removed, replaced or said again; nobody else loses a turn,
 * and what waited for another key is forgotten. */
START_TEST(the_line_may_be_left)
{
    create(1, 0, 0);
    for (uint32_t id = 0; id < 4; id++) {
        set(id, NULL, http_probe(0));
    }
    now += INFRA_SEC(1);
    step();
    ck_assert_uint_eq(load().waiting, 3);
    uint32_t runs = 0;
    while (!was_reached(runs)) {
        runs++;
    }
    uint32_t removed = (runs + 1) % 4;
    uint32_t renamed = (runs + 2) % 4;
    uint32_t again = (runs + 3) % 4;
    ck_assert_int_eq(infra_prober_remove(prober, removed), INFRA_OK);
    ck_assert_uint_eq(load().waiting, 2);
    set(renamed, "another", http_probe(0));
    ck_assert_uint_eq(load().waiting, 1);
    ck_assert_uint_eq(inspect(renamed).checks, 0);
    ck_assert_uint_ne(inspect(renamed).next, INFRA_TIME_NEVER);
    set(again, NULL, http_probe(0)); /* It keeps its place. */
    ck_assert_uint_eq(load().waiting, 1);
    ck_assert_uint_eq(inspect(again).next, INFRA_TIME_NEVER);
    /* The one that runs makes room when it goes. */
    ck_assert_int_eq(infra_prober_remove(prober, runs), INFRA_OK);
    ck_assert_uint_eq(load().running, 0);
    ck_assert_uint_eq(infra_driver_deadline(driver), 0);
    step();
    ck_assert(was_reached(again));
    ck_assert_uint_eq(load().running, 1);
    ck_assert_uint_eq(load().waiting, 0);
    set(again, NULL, http_probe(0)); /* The same with another probe goes on. */
    ck_assert_uint_eq(load().running, 1);
    struct test_endpoint elsewhere = endpoints[again];
    endpoints[again] = endpoints[(again + 1) % BACKENDS];
    set(again, NULL, http_probe(0)); /* Elsewhere: cut short. */
    ck_assert_uint_eq(load().running, 0);
    ck_assert_uint_ne(inspect(again).next, INFRA_TIME_NEVER);
    endpoints[again] = elsewhere;
}
END_TEST

/* Of a pace: how many start at once, and in the long run. */
START_TEST(a_pace_is_kept)
{
    static const struct {
        uint32_t per_s;
        uint32_t at_once;
    } rows[] = { { 1, 1 },   { 3, 1 },       { 100, 1 },
                 { 200, 2 }, { 10000, 100 }, { 1000000, 10000 } };
    struct infra__pace pace = infra__pace_of(rows[_i].per_s);
    infra_time begin = INFRA_SEC(1000);
    uint32_t count = 0;

    ck_assert_uint_ge(pace.interval * rows[_i].per_s, INFRA_SEC(1));
    while (infra__pace_next(&pace) <= begin) {
        infra__pace_take(&pace, begin);
        count++;
    }
    ck_assert_uint_eq(count, rows[_i].at_once);
    for (infra_time t = begin; t < begin + INFRA_SEC(2); t += INFRA_US(500)) {
        while (infra__pace_next(&pace) <= t) {
            infra__pace_take(&pace, t);
            count++;
        }
    }
    ck_assert_uint_ge(count, 2 * rows[_i].per_s);
    ck_assert_uint_le(count, 2 * rows[_i].per_s + rows[_i].at_once);
}
END_TEST

/* Without a pace all start as they come. */
START_TEST(no_pace_is_none)
{
    struct infra__pace pace = infra__pace_of(0);

    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(infra__pace_next(&pace), 0);
        infra__pace_take(&pace, INFRA_SEC(1));
    }
}
END_TEST

/* Values out of range are refused, as is a struct infra_tls that lacks a
 * function. */
START_TEST(options_are_looked_at)
{
    struct infra_prober_options o = { .size = sizeof o };
    struct fake_tls fake = { .piece = 0 };
    struct infra_tls whole = fake_tls_functions(&fake);
    struct infra_prober_status stats = { .size = 1 };

    o.rate_max_per_s = 1000001;
    ck_assert_int_eq(infra_prober_create(&prober, driver, &o), INFRA_EINVAL);
    o.rate_max_per_s = 1000000;
    o.tls = &whole;
    ck_assert_int_eq(infra_prober_create(&prober, driver, &o), INFRA_OK);
    infra_prober_destroy(prober);
    prober = NULL;
    for (int i = 0; i < 6; i++) {
        struct infra_tls t = whole;
        t.open = i == 0 ? NULL : t.open;
        t.handshake = i == 1 ? NULL : t.handshake;
        t.read = i == 2 ? NULL : t.read;
        t.write = i == 3 ? NULL : t.write;
        t.close = i == 4 ? NULL : t.close;
        t.size = i == 5 ? 8 : t.size;
        o.tls = &t;
        ck_assert_int_eq(infra_prober_create(&prober, driver, &o),
                         INFRA_EINVAL);
    }
    create(0, 0, 0);
    ck_assert_int_eq(infra_prober_inspect_load(NULL, &stats), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_inspect_load(prober, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_inspect_load(prober, &stats), INFRA_EINVAL);
}
END_TEST

/* A probe that wants TLS of a prober without it learns nothing of the
 * server. */
START_TEST(without_a_transport_tls_is_local)
{
    const struct infra_probe_tcp_options tcp = { .size = sizeof tcp,
                                                 .allocator = &heap.allocator,
                                                 .tls = 1 };
    struct infra_probe_result result;
    struct infra_probe *probe;

    create(0, 0, 0);
    ck_assert_int_eq(infra_probe_tcp(&probe, &tcp), INFRA_OK);
    set(0, NULL, probe);
    now += INFRA_SEC(2);
    step();
    ck_assert_int_eq(infra_prober_inspect(prober, 0, NULL, &result), INFRA_OK);
    ck_assert_uint_eq(inspect(0).checks, 1);
    ck_assert_uint_eq(result.reason, INFRA_PROBE_REASON_LOCAL);
}
END_TEST

/* A server's name is copied, may change and go, and its memory may fail; the
 * session is opened with the present one. */
START_TEST(names_are_copied)
{
    static struct fake_tls fake; /* Teardown closes the last session. */
    const struct infra_tls functions = fake_tls_functions(&fake);
    const struct infra_prober_options o = { .size = sizeof o,
                                            .allocator = &heap.allocator,
                                            .tls = &functions };
    const struct infra_probe_tcp_options tcp = { .size = sizeof tcp,
                                                 .allocator = &heap.allocator,
                                                 .tls = 1 };
    char name[] = "a.example";
    struct infra_prober_target t = {
        .size = sizeof t,
        .key = "a",
        .address = (const struct sockaddr *)&endpoints[0].storage,
        .address_size = endpoints[0].size,
        .tls_name = ""
    };

    ck_assert_int_eq(infra_prober_create(&prober, driver, &o), INFRA_OK);
    ck_assert_int_eq(infra_probe_tcp(&t.probe, &tcp), INFRA_OK);
    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_EINVAL);
    t.tls_name = name;
    long live = heap.live;
    long n = 0;
    for (int err = INFRA_ENOMEM; err != INFRA_OK; n++) {
        heap.countdown = n;
        err = infra_prober_set(prober, &t, now);
        ck_assert(err == INFRA_OK || err == INFRA_ENOMEM);
        ck_assert(err == INFRA_OK || heap.live == live);
    }
    ck_assert_int_ge(n, 3);
    heap.countdown = 0;
    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_ENOMEM);
    heap.countdown = -1;
    name[0] = 'x';
    now += INFRA_SEC(2);
    step();
    ck_assert_str_eq(fake.name, "a.example");
    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_OK);
    ck_assert_int_eq(fake.closed, 1);
    now += INFRA_SEC(2);
    step();
    ck_assert_str_eq(fake.name, "x.example");
    t.tls_name = NULL;
    ck_assert_int_eq(infra_prober_set(prober, &t, now), INFRA_OK);
    now += INFRA_SEC(2);
    step();
    ck_assert_str_eq(fake.name, "");
    ck_assert_int_eq(fake.opened, 3);
}
END_TEST

static Suite *prober_limits_suite(void)
{
    Suite *s = suite_create("prober_limits");
    TCase *tc;

    tc = tcase_create("limits");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_oldest_waits_least);
    tcase_add_test(tc, a_limit_by_default);
    tcase_add_test(tc, starts_are_paced);
    tcase_add_test(tc, a_pace_too_slow_is_fair);
    tcase_add_test(tc, the_line_may_be_left);
    suite_add_tcase(s, tc);

    tc = tcase_create("pace");
    tcase_add_loop_test(tc, a_pace_is_kept, 0, 6);
    tcase_add_test(tc, no_pace_is_none);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, options_are_looked_at);
    tcase_add_test(tc, without_a_transport_tls_is_local);
    tcase_add_test(tc, names_are_copied);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(prober_limits_suite());
}
