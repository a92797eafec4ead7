/* SPDX-License-Identifier: MIT */
/* From a prober's events to a balancer's marks: each kind, and a whole loop. */
#include "loopback.h"
#include "pool.h"

#include "base/internal.h"
#include <infra/apply.h>

#include <string.h>
#include <unistd.h>

static struct pool pool;

static void setup(void)
{
    const struct infra_balancer_options o = { .size = sizeof o };

    pool_open(&pool, &o);
    pool_fill(&pool, 2, (const uint32_t[]) { 100, 100 });
}

static void teardown(void)
{
    pool_close(&pool);
}

static struct infra_balancer_status stats_of(uint32_t id)
{
    struct infra_balancer_status stats = { .size = sizeof stats };

    pool_publish(&pool);
    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, id, &stats),
                     INFRA_OK);
    return stats;
}

#define ADMIN INFRA_PROBE_HAS_ADMIN
#define PERCENT INFRA_PROBE_HAS_WEIGHT
#define WEIGHT INFRA_PROBE_HAS_WEIGHT_ABSOLUTE

/* What backend 0 is after each event, one after another. */
static const struct {
    const char *name;
    struct infra_health_event event;
    uint32_t state;
    uint32_t axis;
    uint32_t share_ppm;
} rows[] = {
    { "down",
      { .kind = INFRA_HEALTH_EVENT_DOWN },
      INFRA_BALANCER_STATE_DOWN,
      INFRA_BALANCER_AXIS_HEALTH,
      0 },
    { "degraded",
      { .kind = INFRA_HEALTH_EVENT_DEGRADED },
      INFRA_BALANCER_STATE_DEGRADED,
      INFRA_BALANCER_AXIS_HEALTH,
      1000000 },
    { "up",
      { .kind = INFRA_HEALTH_EVENT_UP },
      INFRA_BALANCER_STATE_UP,
      0,
      500000 },
    { "doubt",
      { .kind = INFRA_HEALTH_EVENT_DOUBT, .id = INFRA_HEALTH_NOBODY },
      INFRA_BALANCER_STATE_UP,
      0,
      500000 },
    { "drain",
      { .kind = INFRA_HEALTH_EVENT_WISH,
        .has = ADMIN,
        .admin = INFRA_PROBE_ADMIN_DRAIN },
      INFRA_BALANCER_STATE_DRAINING,
      INFRA_BALANCER_AXIS_ADMIN,
      0 },
    { "maint", /* The worst mark counts. */
      { .kind = INFRA_HEALTH_EVENT_WISH,
        .has = ADMIN,
        .admin = INFRA_PROBE_ADMIN_MAINTENANCE },
      INFRA_BALANCER_STATE_DOWN,
      INFRA_BALANCER_AXIS_ADMIN,
      0 },
    { "up, in maintenance",
      { .kind = INFRA_HEALTH_EVENT_UP },
      INFRA_BALANCER_STATE_DOWN,
      INFRA_BALANCER_AXIS_ADMIN,
      0 },
    { "ready, 50%",
      { .kind = INFRA_HEALTH_EVENT_WISH,
        .has = ADMIN | PERCENT,
        .admin = INFRA_PROBE_ADMIN_READY,
        .weight_percent = 50 },
      INFRA_BALANCER_STATE_UP,
      0,
      333333 },
    { "weight 300",
      { .kind = INFRA_HEALTH_EVENT_WISH, .has = WEIGHT, .weight = 300 },
      INFRA_BALANCER_STATE_UP,
      0,
      750000 },
    { "nothing told",
      { .kind = INFRA_HEALTH_EVENT_WISH },
      INFRA_BALANCER_STATE_UP,
      0,
      750000 },
    { "weight 0",
      { .kind = INFRA_HEALTH_EVENT_WISH, .has = WEIGHT },
      INFRA_BALANCER_STATE_DRAINING,
      INFRA_BALANCER_AXIS_ADMIN,
      0 },
    { "100%",
      { .kind = INFRA_HEALTH_EVENT_WISH,
        .has = PERCENT,
        .weight_percent = 100 },
      INFRA_BALANCER_STATE_UP,
      0,
      500000 },
    { "0%",
      { .kind = INFRA_HEALTH_EVENT_WISH, .has = PERCENT },
      INFRA_BALANCER_STATE_DRAINING,
      INFRA_BALANCER_AXIS_ADMIN,
      0 },
};

START_TEST(events_become_marks)
{
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_int_eq(
            infra_prober_apply_event(pool.balancer, &rows[i].event), INFRA_OK);
        struct infra_balancer_status stats = stats_of(0);
        ck_assert_msg(stats.state == rows[i].state, "%s: %s", rows[i].name,
                      infra_balancer_state_name(stats.state));
        ck_assert_msg(stats.axis == rows[i].axis, "%s", rows[i].name);
        ck_assert_msg(stats.share_ppm == rows[i].share_ppm, "%s: %u",
                      rows[i].name, (unsigned)stats.share_ppm);
    }
}
END_TEST

/* What cannot be done is said, and changes nothing. */
START_TEST(strange_events_are_refused)
{
    static const struct {
        struct infra_health_event event;
        int result;
    } strange[] = {
        { { .kind = INFRA_HEALTH_EVENT_DOWN, .id = 7 }, INFRA_ENOENT },
        { { .kind = INFRA_HEALTH_EVENT_CHECK }, INFRA_EINVAL },
        { { .kind = INFRA_HEALTH_EVENT_WISH + 1 }, INFRA_EINVAL },
        { { .kind = INFRA_HEALTH_EVENT_WISH, .has = ADMIN, .admin = 3 },
          INFRA_EINVAL },
        { { .kind = INFRA_HEALTH_EVENT_WISH, .has = WEIGHT, .weight = 70000 },
          INFRA_EINVAL },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(strange); i++) {
        ck_assert_int_eq(
            infra_prober_apply_event(pool.balancer, &strange[i].event),
            strange[i].result);
        ck_assert_uint_eq(stats_of(0).share_ppm, 500000);
    }
    ck_assert_int_eq(infra_prober_apply_event(NULL, &strange[0].event),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_apply_event(pool.balancer, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_prober_apply(NULL, pool.balancer, 0), INFRA_EINVAL);
}
END_TEST

/* A server that is closed takes no traffic after one line of the host's. */
START_TEST(a_prober_marks_a_balancer)
{
    struct infra_driver *driver = NULL;
    struct infra_prober *prober = NULL;
    const struct infra_health_options h = { .size = sizeof h };
    const struct infra_prober_options o = { .size = sizeof o, .health = &h };
    struct test_endpoint endpoints[3];
    int fds[3] = { test_refuse(&endpoints[0]),
                   test_listen(AF_UNIX, 64, &endpoints[1]),
                   test_refuse(&endpoints[2]) }; /* Unknown to the balancer. */
    infra_time now = INFRA_SEC(100);

    ck_assert_int_eq(infra_driver_create(&driver, NULL), INFRA_OK);
    ck_assert_int_eq(infra_prober_create(&prober, driver, &o), INFRA_OK);
    ck_assert_int_eq(infra_prober_apply(prober, NULL, now), INFRA_EINVAL);
    for (uint32_t id = 0; id < 3; id++) {
        struct infra_prober_target target = {
            .size = sizeof target,
            .key = (const char *[]) { "b0", "b1", "b2" }[id],
            .address = (const struct sockaddr *)&endpoints[id].storage,
            .address_size = endpoints[id].size,
            .id = id
        };
        ck_assert_int_eq(infra_probe_tcp(&target.probe, NULL), INFRA_OK);
        ck_assert_int_eq(infra_prober_set(prober, &target, now), INFRA_OK);
    }
    int applied = 0;
    for (int i = 0; i < 100 && applied == 0; i++) {
        infra_time due = infra_driver_deadline(driver);
        now = due > now ? due : now;
        ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
        applied = infra_prober_apply(prober, pool.balancer, now);
    }
    ck_assert_int_eq(applied, 1);
    ck_assert_int_eq(infra_prober_apply(prober, pool.balancer, now), 0);
    pool_publish(&pool);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(pool_once(&pool, NULL), 1);
    }
    infra_prober_destroy(prober);
    infra_driver_destroy(driver);
    for (int i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
}
END_TEST

static Suite *apply_suite(void)
{
    Suite *s = suite_create("apply");
    TCase *tc = tcase_create("apply");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, events_become_marks);
    tcase_add_test(tc, strange_events_are_refused);
    tcase_add_test(tc, a_prober_marks_a_balancer);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(apply_suite());
}
