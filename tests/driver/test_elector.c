/* Failover over a store on a driver, on a virtual clock where the store is in
 * memory. */
#include "loopback.h"
#include "support.h"

#include "base/internal.h"
#include "lease/memory.h"
#include <infra/driver.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TTL INFRA_SEC(3)

static struct test_heap heap;
static struct infra_driver *driver;
static struct infra_elector *electors[2];
static struct infra_gate gates[2];
static struct infra_lease_cell cell;
static infra_time now;
static int fds_before;

static struct infra_lease *memory_lease(uint64_t incarnation)
{
    const struct infra_lease_memory_options o = { .size = sizeof o,
                                                  .allocator = &heap.allocator,
                                                  .cell = &cell,
                                                  .incarnation = incarnation,
                                                  .ttl = TTL };
    struct infra_lease *lease = NULL;

    ck_assert_int_eq(infra_lease_memory(&lease, &o), INFRA_OK);
    return lease;
}

static struct infra_failover_options machine_options(uint32_t i)
{
    return (struct infra_failover_options) { .size = sizeof(
                                                 struct infra_failover_options),
                                             .allocator = &heap.allocator,
                                             .group = "lb",
                                             .node = i == 0 ? "a" : "b",
                                             .gate = &gates[i],
                                             .incarnation = 17 + i,
                                             .ttl = TTL };
}

static int create_with(struct infra_elector **ret, uint32_t i,
                       struct infra_lease *lease)
{
    struct infra_failover_options f = machine_options(i);
    const struct infra_elector_options o = { .size = sizeof o,
                                             .allocator = &heap.allocator,
                                             .failover = &f,
                                             .lease = lease };

    return infra_elector_create(ret, driver, &o);
}

static void setup(void)
{
    struct infra_driver_options d = { .size = sizeof d };

    fds_before = test_open_fds();
    test_heap_init(&heap, -1);
    d.allocator = &heap.allocator;
    now = INFRA_SEC(100);
    cell = (struct infra_lease_cell) { 0 };
    memset(gates, 0, sizeof gates);
    ck_assert_int_eq(infra_driver_create(&driver, &d), INFRA_OK);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(create_with(&electors[i], i, memory_lease(17 + i)),
                         INFRA_OK);
    }
}

static void teardown(void)
{
    infra_elector_destroy(electors[0]);
    infra_elector_destroy(electors[1]);
    infra_driver_destroy(driver);
    ck_assert_int_eq(heap.live, 0);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

static bool is_open(uint32_t i)
{
    uint64_t token;

    return infra_gate_is_open(&gates[i], now, &token) == 1;
}

/* What each was told, as bits of its kinds. */
static uint32_t told[2];

/* Turn after turn, up to @end; never are two gates open. */
static void run_until(infra_time end)
{
    struct infra_failover_event e;

    told[0] = told[1] = 0;
    for (;;) {
        ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
        for (uint32_t i = 0; i < 2; i++) {
            while (electors[i] != NULL &&
                   infra_elector_next(electors[i], now, &e) == INFRA_OK) {
                ck_assert_uint_ne(e.kind, INFRA_FAILOVER_EVENT_CALL);
                told[i] |= 1u << e.kind;
                if (e.kind == INFRA_FAILOVER_EVENT_DRAIN ||
                    e.kind == INFRA_FAILOVER_EVENT_DEACTIVATE) {
                    (void)infra_failover_drained(
                        infra_elector_machine(electors[i]), now);
                }
            }
            ck_assert(!is_open(0) || !is_open(1));
        }
        infra_time due = infra_driver_deadline(driver);
        if (now >= end) {
            return;
        }
        due = due > now ? due : now;
        now = due < end ? due : end;
    }
}

/* One of the two becomes active. A node that steps down hands over in order
 * and at once; a node that is destroyed is replaced when its lease has run
 * out. */
START_TEST(one_is_active)
{
    run_until(now + INFRA_SEC(20));
    ck_assert(is_open(0) != is_open(1));
    uint32_t active = is_open(1);
    ck_assert_int_eq(
        infra_failover_command(infra_elector_machine(electors[active]),
                               INFRA_FAILOVER_COMMAND_STEP_DOWN, now),
        INFRA_OK);
    run_until(now + INFRA_MS(500));
    ck_assert(!is_open(active) && is_open(!active));
    ck_assert(told[active] & 1u << INFRA_FAILOVER_EVENT_DEACTIVATE);
    ck_assert(told[!active] & 1u << INFRA_FAILOVER_EVENT_ACTIVATE);
    ck_assert(told[!active] & 1u << INFRA_FAILOVER_EVENT_ROLE);

    infra_elector_destroy(electors[!active]);
    electors[!active] = NULL;
    ck_assert(!is_open(!active));
    run_until(now + INFRA_MS(1900));
    ck_assert(!is_open(active));
    run_until(now + INFRA_SEC(3));
    ck_assert(is_open(active));
}
END_TEST

/* The store loses a call or a reply now and then: nothing ends by that. */
START_TEST(lost_replies_are_survived)
{
    run_until(now + INFRA_SEC(20));
    uint32_t active = is_open(1);
    for (int i = 0; i < 20; i++) {
        infra__lease_memory_fault(&cell, i % 2 == 0
                                             ? INFRA__LEASE_FAULT_LOSE_REPLY
                                             : INFRA__LEASE_FAULT_LOSE_CALL);
        run_until(now + INFRA_SEC(2));
        ck_assert(is_open(active));
    }
}
END_TEST

/* Two nodes over a file: a node that steps down is followed within a look of
 * 50 ms, long before the other node would have asked by itself. */
START_TEST(a_hint_is_followed)
{
    char path[] = "/tmp/infra-elector-XXXXXX";

    (void)close(mkstemp(path));
    for (uint32_t i = 0; i < 2; i++) {
        const struct infra_lease_file_options o = { .size = sizeof o,
                                                    .allocator =
                                                        &heap.allocator,
                                                    .path = path,
                                                    .node = "n",
                                                    .incarnation = 17 + i,
                                                    .ttl = TTL };
        struct infra_lease *lease;
        infra_elector_destroy(electors[i]);
        ck_assert_int_eq(infra_lease_file(&lease, &o), INFRA_OK);
        ck_assert_int_eq(create_with(&electors[i], i, lease), INFRA_OK);
    }
    for (int i = 0; i < 5; i++) {
        run_until(now + INFRA_SEC(20));
        uint32_t active = is_open(1);
        ck_assert(is_open(0) != is_open(1));
        (void)infra_failover_command(infra_elector_machine(electors[active]),
                                     INFRA_FAILOVER_COMMAND_STEP_DOWN, now);
        run_until(now + INFRA_MS(51));
        ck_assert(is_open(!active));
    }
    (void)unlink(path);
}
END_TEST

/* Wait for a request to this path, and answer it. */
static void serve(int peer, const char *path, const char *body)
{
    char text[2048] = "";
    size_t size = 0;

    while (strstr(text, path) == NULL) {
        ck_assert_int_eq(infra_driver_step(driver, infra_driver_now()),
                         INFRA_OK);
        ssize_t count =
            recv(peer, text + size, sizeof text - 1 - size, MSG_DONTWAIT);
        size += count > 0 ? (size_t)count : 0;
    }
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    ck_assert_int_eq(send(peer, text, (size_t)length, 0), length);
}

/* The last of the events, as the host takes them. */
static uint32_t last_event(void)
{
    struct infra_failover_event e = { .kind = UINT32_MAX };

    while (infra_elector_next(electors[0], infra_driver_now(), &e) ==
           INFRA_OK) {
    }
    return e.kind;
}

#define HEADER "\"header\":{\"revision\":\"9\"}"
#define NONE "{\"response_range\":{}}"

/* Over sockets: a reply makes the run return, and what the machine asks next
 * goes out on the same connection. */
START_TEST(replies_come_over_sockets)
{
    struct test_endpoint endpoint;
    struct infra_failover_options f = machine_options(0);
    struct infra_lease_etcd_options l = { .size = sizeof l,
                                          .allocator = &heap.allocator,
                                          .group = "lb",
                                          .node = "a",
                                          .incarnation = 17 };
    struct infra_elector_endpoint server;
    struct infra_elector_options o = { .size = sizeof o,
                                       .allocator = &heap.allocator,
                                       .failover = &f,
                                       .endpoints = &server,
                                       .endpoints_count = 1 };

    infra_elector_destroy(electors[0]);
    infra_elector_destroy(electors[1]);
    electors[1] = NULL;
    int listener = test_listen(AF_INET, 8, &endpoint);
    server = (struct infra_elector_endpoint) {
        .address = (const struct sockaddr *)&endpoint.storage,
        .address_size = endpoint.size
    };
    f.ttl = l.ttl = INFRA_SEC(60); /* Whatever machine this is. */
    ck_assert_int_eq(infra_lease_etcd(&o.lease, &l), INFRA_OK);
    ck_assert_int_eq(infra_elector_create(&electors[0], driver, &o), INFRA_OK);
    (void)last_event();
    int peer = test_accept(listener);
    serve(peer, "/v3/kv/txn",
          "{" HEADER ",\"succeeded\":true,\"responses\":[" NONE "," NONE "]}");
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    (void)last_event();
    serve(peer, "/v3/lease/grant", "{" HEADER ",\"ID\":\"77\",\"TTL\":\"60\"}");
    serve(peer, "/v3/kv/txn",
          "{" HEADER ",\"succeeded\":true,\"responses\":[" NONE "]}");
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    ck_assert_uint_eq(last_event(), INFRA_FAILOVER_EVENT_ACTIVATE);

    /* The record goes over a connection of its own, and its answer makes the
     * run return, too. */
    struct infra_lease_record r;
    ck_assert_int_eq(infra_lease_write_record(o.lease, 9, "x", 1,
                                              INFRA_TIME_NEVER,
                                              infra_driver_now()),
                     INFRA_OK);
    (void)last_event();
    int watch = test_accept(listener);
    int other = test_accept(listener);
    serve(other, "/v3/kv/txn", "{" HEADER ",\"succeeded\":true}");
    ck_assert_int_eq(
        infra_driver_run(driver, infra_driver_now() + INFRA_SEC(10)), INFRA_OK);
    ck_assert_int_eq(infra_lease_take_record(o.lease, infra_driver_now(), &r),
                     INFRA_OK);
    ck_assert_uint_eq(r.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    (void)close(other);
    (void)close(watch);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* The run returns when the machine has something to do. */
START_TEST(a_run_returns_for_the_machine)
{
    struct infra_failover_event e;
    bool is_active = false;

    infra_elector_destroy(electors[1]);
    electors[1] = NULL;
    while (!is_active) {
        while (infra_elector_next(electors[0], infra_driver_now(), &e) ==
               INFRA_OK) {
            is_active = is_active || e.kind == INFRA_FAILOVER_EVENT_ACTIVATE;
        }
    }
    ck_assert_int_eq(infra_driver_run(driver, 0), INFRA_EAGAIN);
    /* The next renewal, a second later. */
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
}
END_TEST

/* Every allocation of create fails in turn: the lease stays the caller's. */
START_TEST(every_allocation_may_fail)
{
    struct infra_lease *lease = memory_lease(40);
    struct infra_elector *other = NULL;
    long live = heap.live;
    long n = 0;

    for (int err = INFRA_ENOMEM; err != INFRA_OK; n++) {
        heap.countdown = n;
        err = create_with(&other, 0, lease);
        ck_assert(err == INFRA_OK || err == INFRA_ENOMEM);
        ck_assert(err == INFRA_OK || heap.live == live);
    }
    ck_assert_int_ge(n, 3);
    infra_elector_destroy(other);
}
END_TEST

/* What makes no sense is refused, and the lease stays the caller's. */
START_TEST(arguments_are_looked_at)
{
    struct infra_failover_options f = machine_options(0);
    struct test_endpoint strange = { .size = sizeof strange.storage };
    struct infra_elector_endpoint endpoint = {
        .address = (struct sockaddr *)&strange.storage,
        .address_size = strange.size
    };
    struct {
        struct infra_elector_options known;
        uint64_t unknown;
    } o = { .known = { .size = sizeof o,
                       .allocator = &heap.allocator,
                       .failover = &f,
                       .lease = memory_lease(40) },
            .unknown = 1 };
    struct infra_elector *other = NULL;
    struct infra_failover_event e;

    ck_assert_int_eq(infra_elector_create(NULL, driver, &o.known),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_elector_create(&other, NULL, &o.known),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_elector_create(&other, driver, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_ESTRUCT);
    o.known.size = 8;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_EINVAL);
    o.known.size = sizeof o;
    o.unknown = 0;
    o.known.endpoints_count = 1;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_EINVAL);
    o.known.endpoints = &endpoint;
    o.known.endpoints_count = INFRA_ELECTOR_ENDPOINTS_MAX + 1;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_EINVAL);
    o.known.endpoints_count = 1;
    strange.storage.ss_family = 16;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_EINVAL);
    o.known.endpoints_count = 0;
    f.group = NULL;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_EINVAL);
    o.known.failover = NULL;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_EINVAL);
    f.group = "g";
    o.known.failover = &f;
    struct infra_lease *lease = o.known.lease;
    o.known.lease = NULL;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known),
                     INFRA_EINVAL);
    ck_assert_ptr_null(other);
    o.known.lease = lease;
    ck_assert_int_eq(infra_elector_create(&other, driver, &o.known), INFRA_OK);
    ck_assert_int_eq(infra_elector_next(NULL, now, &e), INFRA_EINVAL);
    ck_assert_int_eq(infra_elector_next(other, now, NULL), INFRA_EINVAL);
    infra_elector_destroy(other);
    infra_elector_destroy(NULL);
}
END_TEST

static Suite *elector_suite(void)
{
    Suite *s = suite_create("elector");
    TCase *tc = tcase_create("memory");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_is_active);
    tcase_add_test(tc, lost_replies_are_survived);
    tcase_add_test(tc, a_run_returns_for_the_machine);
    suite_add_tcase(s, tc);

    tc = tcase_create("stores");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_hint_is_followed);
    tcase_add_test(tc, replies_come_over_sockets);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, arguments_are_looked_at);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(elector_suite());
}
