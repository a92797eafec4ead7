/* SPDX-License-Identifier: MIT */
/* The host of a prober in the tests: one prober on one driver, in virtual time,
 * with all memory from one counting heap. Each test program has its own. */
#ifndef TESTS_PROBER_HOST_H
#define TESTS_PROBER_HOST_H

#include "loopback.h"
#include "support.h"

#include "base/internal.h"
#include <infra/driver.h>

#include <poll.h>
#include <unistd.h>

static struct test_heap heap;
static struct infra_driver *driver;
static struct infra_prober *prober;
static infra_time now; /* Virtual. */
static int fds_before;

/* The driver, which may fail for lack of memory. */
static inline int create_driver(void)
{
    const struct infra_driver_options o = { .size = sizeof o,
                                            .allocator = &heap.allocator };

    return infra_driver_create(&driver, &o);
}

static inline void open_driver(void)
{
    fds_before = test_open_fds();
    now = INFRA_SEC(100);
    driver = NULL;
    prober = NULL;
    test_heap_init(&heap, -1);
    ck_assert_int_eq(create_driver(), INFRA_OK);
}

/* The prober, with this schedule; the limits are as in infra_prober_options. */
static inline int create_prober(const struct infra_health_options *schedule,
                                uint32_t concurrency_max,
                                uint32_t rate_max_per_s)
{
    struct infra_health_options health = *schedule;
    const struct infra_prober_options o = { .size = sizeof o,
                                            .allocator = &heap.allocator,
                                            .health = &health,
                                            .concurrency_max = concurrency_max,
                                            .rate_max_per_s = rate_max_per_s };

    health.allocator = &heap.allocator;
    return infra_prober_create(&prober, driver, &o);
}

/* All descriptors and all memory are given back. */
static inline void close_all(void)
{
    infra_prober_destroy(prober);
    infra_driver_destroy(driver);
    ck_assert_int_eq(heap.live, 0);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

static inline void step(void)
{
    ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
}

/* It is over as soon as it starts. The heap counts probes, too: each must end
 * with the prober. */
static inline struct infra_probe *tcp_probe(void)
{
    const struct infra_probe_tcp_options o = { .size = sizeof o,
                                               .allocator = &heap.allocator };
    struct infra_probe *probe = NULL;

    ck_assert_int_eq(infra_probe_tcp(&probe, &o), INFRA_OK);
    return probe;
}

/* Without a reply it runs for @timeout; 0: two seconds. */
static inline struct infra_probe *http_probe(infra_time timeout)
{
    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .response_timeout =
                                                       timeout };
    const struct infra_probe_http_options o = { .size = sizeof o,
                                                .allocator = &heap.allocator,
                                                .timeouts = &timeouts };
    struct infra_probe *probe = NULL;

    ck_assert_int_eq(infra_probe_http(&probe, &o), INFRA_OK);
    return probe;
}

static inline int set_target(uint32_t id, const char *key, const void *address,
                             uint32_t size, struct infra_probe *probe)
{
    const struct infra_prober_target target = { .size = sizeof target,
                                                .key = key,
                                                .address = address,
                                                .address_size = size,
                                                .probe = probe,
                                                .id = id };

    return infra_prober_set(prober, &target, now);
}

static inline struct infra_health_status inspect(uint32_t id)
{
    struct infra_health_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_prober_inspect(prober, id, &stats, NULL), INFRA_OK);
    return stats;
}

static inline bool is_running(uint32_t id)
{
    return inspect(id).next == INFRA_TIME_NEVER;
}

#endif
