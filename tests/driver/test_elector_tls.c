/* SPDX-License-Identifier: MIT */
/* Failover over a store that is reached through a host's TLS library. */
#include "fake_tls.h"
#include "loopback.h"
#include "support.h"

#include "base/internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVERS 2u
#define HEADER "\"header\":{\"revision\":\"9\"}"
#define NONE "{\"response_range\":{}}"

static struct test_heap heap;
static struct infra_driver *driver;
static struct infra_elector *elector;
static struct infra_lease *lease; /* That the elector has, or will have. */
static struct infra_gate gate;
static struct fake_tls fake;
static struct infra_tls functions;
static struct test_endpoint places[SERVERS];
static struct infra_elector_endpoint endpoints[SERVERS];
static int listeners[SERVERS];
static int fds_before;

static void setup(void)
{
    struct infra_driver_options d = { .size = sizeof d };

    fds_before = test_open_fds();
    test_heap_init(&heap, -1);
    d.allocator = &heap.allocator;
    fake = (struct fake_tls) { .piece = 0 };
    functions = fake_tls_functions(&fake);
    elector = NULL;
    ck_assert_int_eq(infra_driver_create(&driver, &d), INFRA_OK);
    for (uint32_t i = 0; i < SERVERS; i++) {
        listeners[i] = test_listen(AF_INET, 8, &places[i]);
        endpoints[i] = (struct infra_elector_endpoint) {
            .address = (const struct sockaddr *)&places[i].storage,
            .address_size = places[i].size
        };
    }
}

static void teardown(void)
{
    infra_elector_destroy(elector);
    infra_driver_destroy(driver);
    for (uint32_t i = 0; i < SERVERS; i++) {
        (void)close(listeners[i]);
    }
    ck_assert_int_eq(heap.live, 0);
    ck_assert_int_eq(fake.opened, fake.closed);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

static void create_lease(void)
{
    const struct infra_lease_etcd_options l = { .size = sizeof l,
                                                .allocator = &heap.allocator,
                                                .group = "lb",
                                                .node = "a",
                                                .incarnation = 17,
                                                .ttl = INFRA_SEC(60),
                                                .endpoints_count = SERVERS,
                                                .tls = 1 };

    ck_assert_int_eq(infra_lease_etcd(&lease, &l), INFRA_OK);
}

static int create(const struct infra_tls *tls)
{
    const struct infra_failover_options f = { .size = sizeof f,
                                              .allocator = &heap.allocator,
                                              .group = "lb",
                                              .node = "a",
                                              .gate = &gate,
                                              .incarnation = 17,
                                              .ttl = INFRA_SEC(60) };
    const struct infra_elector_options o = { .size = sizeof o,
                                             .allocator = &heap.allocator,
                                             .failover = &f,
                                             .lease = lease,
                                             .endpoints = endpoints,
                                             .tls = tls,
                                             .endpoints_count = SERVERS };

    return infra_elector_create(&elector, driver, &o);
}

/* The last of the events, as the host takes them. */
static uint32_t last_event(void)
{
    struct infra_failover_event e = { .kind = UINT32_MAX };

    while (infra_elector_next(elector, infra_driver_now(), &e) == INFRA_OK) {
    }
    return e.kind;
}

/* What there is to do, within a millisecond. */
static void step(void)
{
    int err = infra_driver_run(driver, infra_driver_now() + INFRA_MS(1));

    ck_assert(err == INFRA_OK || err == INFRA_EAGAIN);
}

/* Take a connection and shake hands. */
static int shake_hands(int listener)
{
    char hello = '\0';
    int peer = test_accept(listener);

    while (recv(peer, &hello, 1, MSG_DONTWAIT) != 1) {
        step();
    }
    ck_assert_int_eq(hello, 'H');
    ck_assert_int_eq(send(peer, "h", 1, 0), 1);
    return peer;
}

/* Wait for a request to this path, and answer it. */
static void serve(int peer, const char *path, const char *body)
{
    char text[2048] = "";
    size_t size = 0;

    while (strstr(text, path) == NULL) {
        step();
        ssize_t count =
            recv(peer, text + size, sizeof text - 1 - size, MSG_DONTWAIT);
        ck_assert_int_ne(count, 0);
        if (count > 0) {
            fake_tls_code(text + size, (size_t)count);
            size += (size_t)count;
        }
    }
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    fake_tls_code(text, (size_t)length);
    ck_assert_int_eq(send(peer, text, (size_t)length, 0), length);
}

/* A node becomes active by a store that it only hears of through sessions. */
START_TEST(all_goes_through_sessions)
{
    create_lease();
    ck_assert_int_eq(create(&functions), INFRA_OK);
    functions = (struct infra_tls) { .size = 0 }; /* It was copied. */
    (void)last_event();
    int peer = shake_hands(listeners[0]);
    serve(peer, "/v3/kv/txn",
          "{" HEADER ",\"succeeded\":true,\"responses\":[" NONE "," NONE "]}");
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    (void)last_event();
    serve(peer, "/v3/lease/grant", "{" HEADER ",\"ID\":\"77\",\"TTL\":\"60\"}");
    serve(peer, "/v3/kv/txn",
          "{" HEADER ",\"succeeded\":true,\"responses\":[" NONE "]}");
    ck_assert_int_eq(infra_driver_run(driver, INFRA_TIME_NEVER), INFRA_OK);
    ck_assert_uint_eq(last_event(), INFRA_FAILOVER_EVENT_ACTIVATE);
    (void)close(peer);
}
END_TEST

/* A server that was connected is left again. */
static void break_off(int listener)
{
    struct pollfd p = { .fd = listener, .events = POLLIN };

    if (poll(&p, 1, 0) == 1) {
        (void)close(accept(listener, NULL, NULL));
    }
}

/* Each server has its own name, which is copied, or none. */
START_TEST(servers_have_names)
{
    char names[SERVERS][16] = { "db-1.example", "db-2.example" };

    create_lease();
    endpoints[0].tls_name = _i == 1 ? NULL : names[0];
    endpoints[1].tls_name = _i == 2 ? NULL : names[1];
    ck_assert_int_eq(create(&functions), INFRA_OK);
    names[0][0] = names[1][0] = 'x';
    (void)last_event();
    /* Each breaks off in the handshake, and so the other is asked. */
    for (uint32_t i = 0; i < SERVERS; i++) {
        const char *expected[] = { _i == 1 ? "" : "db-1.example",
                                   _i == 2 ? "" : "db-2.example" };
        strcpy(fake.name, "nobody");
        while (strcmp(fake.name, expected[i]) != 0) {
            ck_assert_uint_ne(last_event(), INFRA_FAILOVER_EVENT_ACTIVATE);
            break_off(listeners[0]);
            break_off(listeners[1]);
            step();
        }
    }
    struct infra_lease_status stats = { .size = sizeof stats };
    while (stats.unknowns == 0) {
        ck_assert_uint_ne(last_event(), INFRA_FAILOVER_EVENT_ACTIVATE);
        break_off(listeners[0]);
        break_off(listeners[1]);
        step();
        ck_assert_int_eq(infra_lease_inspect(lease, &stats), INFRA_OK);
    }
    ck_assert_uint_eq(stats.reason, INFRA_LEASE_REASON_TLS);
}
END_TEST

/* Without TLS functions no byte is sent, and no node becomes active. */
START_TEST(without_functions_tls_is_local)
{
    struct infra_lease_status stats = { .size = sizeof stats };

    create_lease();
    ck_assert_int_eq(create(NULL), INFRA_OK);
    while (stats.unknowns == 0) {
        step();
        ck_assert_uint_ne(last_event(), INFRA_FAILOVER_EVENT_ACTIVATE);
        ck_assert_int_eq(infra_lease_inspect(lease, &stats), INFRA_OK);
    }
    ck_assert_uint_eq(stats.reason, INFRA_LEASE_REASON_LOCAL);
    ck_assert_int_eq(fake.opened, 0);
}
END_TEST

/* Functions that are missing, or a struct of another version; and no name is
 * not an empty one. On failure the lease stays the caller's. */
START_TEST(functions_are_checked)
{
    struct {
        struct infra_tls known;
        uint64_t unknown;
    } t;

    create_lease();
    for (int i = 0; i < 5; i++) {
        t.known = functions;
        t.known.open = i == 0 ? NULL : t.known.open;
        t.known.handshake = i == 1 ? NULL : t.known.handshake;
        t.known.read = i == 2 ? NULL : t.known.read;
        t.known.write = i == 3 ? NULL : t.known.write;
        t.known.close = i == 4 ? NULL : t.known.close;
        ck_assert_int_eq(create(&t.known), INFRA_EINVAL);
    }
    t.known = functions;
    t.known.size = sizeof t.known - 1;
    ck_assert_int_eq(create(&t.known), INFRA_EINVAL);
    t.known.size = sizeof t;
    t.unknown = 1;
    ck_assert_int_eq(create(&t.known), INFRA_ESTRUCT);
    t.unknown = 0;
    endpoints[1].tls_name = "";
    ck_assert_int_eq(create(&t.known), INFRA_EINVAL);
    ck_assert_ptr_null(elector);
    endpoints[1].tls_name = NULL;
    ck_assert_int_eq(create(&t.known), INFRA_OK);
}
END_TEST

/* Every allocation of create fails in turn, names included. */
START_TEST(every_allocation_may_fail)
{
    create_lease();
    endpoints[0].tls_name = "db-1.example";
    endpoints[1].tls_name = "db-2.example";
    /* The driver's tables grow, and stay so. */
    ck_assert_int_eq(create(&functions), INFRA_OK);
    infra_elector_destroy(elector);
    elector = NULL;
    create_lease();
    long live = heap.live;
    long n = 0;
    for (int err = INFRA_ENOMEM; err != INFRA_OK; n++) {
        heap.countdown = n;
        err = create(&functions);
        ck_assert(err == INFRA_OK || err == INFRA_ENOMEM);
        ck_assert(err == INFRA_OK || heap.live == live);
    }
    ck_assert_int_ge(n, 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("elector_tls");
    TCase *tc = tcase_create("tls");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, all_goes_through_sessions);
    tcase_add_loop_test(tc, servers_have_names, 0, 3);
    tcase_add_test(tc, without_functions_tls_is_local);
    tcase_add_test(tc, functions_are_checked);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(s, tc);
    return test_main(s);
}
