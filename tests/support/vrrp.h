/* SPDX-License-Identifier: MIT */
/* One virtual router under test: node .1 of 10.0.0.0/24, at 1 s and priority
 * 100, and a line of text for what it says. */
#ifndef TESTS_VRRP_H
#define TESTS_VRRP_H

#include "support.h"

#include <infra/vrrp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Microseconds, in which the known answers are. */
#define US(n) INFRA_US(n)

static struct test_heap heap;
static struct infra_vrrp *vrrp;

static inline struct infra_vrrp_address test_ipv4(uint8_t last)
{
    return (struct infra_vrrp_address) { { 10, 0, 0, last } };
}

/* fe80::last */
static inline struct infra_vrrp_address test_ipv6(uint8_t last)
{
    return (struct infra_vrrp_address) { { 0xfe, 0x80, [15] = last } };
}

/* The addresses of all nodes, .100 and .101. */
static const uint8_t test_addresses[8] = { 10, 0, 0, 100, 10, 0, 0, 101 };

/* What is required, where @o has zeroes. */
static inline struct infra_vrrp_options test_options(
    struct infra_vrrp_options o)
{
    static struct infra_vrrp_address addresses[2];

    addresses[0] = test_ipv4(100);
    addresses[1] = test_ipv4(101);
    if (o.addresses == NULL) {
        o.addresses = addresses;
        o.addresses_count = 2;
    }
    if (o.local.bytes[0] == 0) {
        o.local = test_ipv4(1);
    }
    o.size = sizeof o;
    o.allocator = &heap.allocator;
    o.vrid = o.vrid != 0 ? o.vrid : 51;
    return o;
}

static inline void create(struct infra_vrrp_options o)
{
    o = test_options(o);
    ck_assert_int_eq(infra_vrrp_create(&vrrp, &o), INFRA_OK);
}

static inline void setup(void)
{
    test_heap_init(&heap, -1);
    vrrp = NULL;
}

static inline void teardown(void)
{
    infra_vrrp_destroy(vrrp);
    ck_assert_int_eq(heap.live, 0);
}

static inline void start(infra_time now)
{
    ck_assert_int_eq(infra_vrrp_start(vrrp, now), INFRA_OK);
}

static inline struct infra_vrrp_advert test_advert(uint32_t priority,
                                                   uint8_t last)
{
    return (struct infra_vrrp_advert) { .source = test_ipv4(last),
                                        .addresses = test_addresses,
                                        .interval = INFRA_SEC(1),
                                        .vrid = 51,
                                        .priority = priority,
                                        .addresses_count = 2 };
}

/* A message of @priority from node @last. */
static inline void hear(uint32_t priority, uint8_t last, infra_time now)
{
    struct infra_vrrp_advert a = test_advert(priority, last);

    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, now), 0);
}

static inline struct infra_vrrp_status inspect(void)
{
    struct infra_vrrp_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_vrrp_inspect(vrrp, &s), INFRA_OK);
    return s;
}

static inline void test_format(const struct infra_vrrp_event *e, char *to,
                               size_t size)
{
    const char *reason = infra_vrrp_reason_name(e->reason);

    switch (e->kind) {
    case INFRA_VRRP_EVENT_ADVERTISE:
        (void)snprintf(to, size, "send %u", e->priority);
        break;
    case INFRA_VRRP_EVENT_CHANGE:
        (void)snprintf(to, size, "%s by %s", infra_vrrp_state_name(e->state),
                       reason);
        break;
    case INFRA_VRRP_EVENT_ANNOUNCE:
        (void)snprintf(to, size, "announce .%u", e->address.bytes[3]);
        break;
    case INFRA_VRRP_EVENT_WITNESS:
        (void)snprintf(to, size, "ask by %s", reason);
        break;
    default:
        (void)snprintf(to, size, "hint %s", reason);
        break;
    }
}

/* All events of now, as one line; "" if there are none. */
static inline const char *events(infra_time now)
{
    static char line[1024];
    struct infra_vrrp_event e;
    int err;

    line[0] = '\0';
    while ((err = infra_vrrp_next(vrrp, now, &e)) == INFRA_OK) {
        size_t size = strlen(line);
        (void)snprintf(line + size, sizeof line - size, "%s",
                       size == 0 ? "" : ", ");
        size = strlen(line);
        test_format(&e, line + size, sizeof line - size);
        ck_assert_uint_eq(e.reserved, 0);
    }
    ck_assert_int_eq(err, INFRA_EAGAIN);
    return line;
}

/* Nothing until @then, and then this. */
#define expect_at(then, line)                                 \
    do {                                                      \
        ck_assert_uint_eq(infra_vrrp_deadline(vrrp), (then)); \
        ck_assert_str_eq(events((then)-1), "");               \
        ck_assert_str_eq(events(then), (line));               \
    } while (0)

#endif
