/* SPDX-License-Identifier: MIT */
/* What the modules know of themselves, as text. */
#include "support.h"

#include "base/internal.h"

#include <infra/collect.h>
#include <infra/session.h>
#include <stdlib.h>
#include <string.h>

static struct test_heap heap;
static struct infra_metrics *metrics;
static struct infra_collect *collect;
static char text[65536];

static void setup(void)
{
    const struct infra_metrics_options o = { .size = sizeof o,
                                             .allocator = &heap.allocator };

    test_heap_init(&heap, -1);
    ck_assert_int_eq(infra_metrics_create(&metrics, &o), INFRA_OK);
    ck_assert_int_eq(
        infra_collect_create(&collect, metrics, "web", &heap.allocator),
        INFRA_OK);
}

static void teardown(void)
{
    infra_collect_destroy(collect);
    infra_metrics_destroy(metrics);
    ck_assert_int_eq(heap.live, 0);
}

static void print(void)
{
    struct infra_metrics_text *t;

    ck_assert_int_eq(infra_metrics_text_create(&t, metrics), INFRA_OK);
    (void)infra_metrics_text_begin(t, INFRA_METRICS_FORMAT_PROMETHEUS);
    text[infra_metrics_text_read(t, text, sizeof text - 1)] = '\0';
    infra_metrics_text_destroy(t);
}

/* Is there this line? */
static void check_line(const char *line)
{
    char want[300] = "\n";

    strcat(strcat(want, line), "\n");
    ck_assert_msg(strstr(text, want) != NULL, "no %s in\n%s", line, text);
}

/* A balancer's backends: counts, share and state; and a tier. */
START_TEST(a_balancer_is_collected)
{
    struct infra_balancer *b;
    struct infra_balancer_reader *r;
    struct infra_ticket ticket;
    const struct infra_request request = { .hash = 1 };

    ck_assert_int_eq(infra_balancer_create(&b, NULL), INFRA_OK);
    for (uint32_t id = 0; id < 2; id++) {
        const struct infra_backend backend = { .size = sizeof backend,
                                               .id = id,
                                               .key = id == 0 ? "a:1" : "b:1" };
        ck_assert_int_eq(infra_balancer_set(b, &backend, 1), INFRA_OK);
    }
    (void)infra_balancer_mark(b, 1, INFRA_BALANCER_AXIS_HEALTH,
                              INFRA_BALANCER_STATE_DOWN);
    ck_assert_int_eq(infra_balancer_publish(b, 1), INFRA_OK);
    ck_assert_int_eq(infra_balancer_reader_create(&r, b), INFRA_OK);
    ck_assert_int_eq(infra_balancer_pick(r, &request, 2, &ticket), 0);
    infra_balancer_report(r, &ticket, INFRA_OUTCOME_OK, INFRA_MS(3));
    for (uint32_t id = 0; id < 2; id++) {
        ck_assert_int_eq(
            infra_collect_balancer(collect, b, id, id == 0 ? "a:1" : "b:1"),
            INFRA_OK);
    }
    ck_assert_int_eq(infra_collect_balancer(collect, b, 2, "c"), INFRA_ENOENT);
    ck_assert_int_eq(infra_collect_balancer(NULL, b, 0, "c"), INFRA_EINVAL);
    ck_assert_int_eq(infra_collect_balancer(collect, b, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_collect_tier(collect, b, 0), INFRA_OK);
    ck_assert_int_eq(infra_collect_tier(collect, b, 99), INFRA_EINVAL);
    ck_assert_int_eq(infra_collect_tier(NULL, b, 0), INFRA_EINVAL);
    print();
    check_line("web_backend_picks_total{backend=\"a:1\"} 1");
    check_line("web_backend_sessions{backend=\"a:1\"} 1");
    check_line("web_backend_share_ratio{backend=\"a:1\"} 1");
    check_line("web_backend_share_ratio{backend=\"b:1\"} 0");
    check_line("web_backend_state{backend=\"a:1\",web_backend_state=\"up\"} 1");
    check_line("web_backend_state{backend=\"b:1\",web_backend_state=\"up\"} 0");
    check_line(
        "web_backend_state{backend=\"b:1\",web_backend_state=\"down\"} 1");
    check_line("web_backend_latency_reports_total{backend=\"a:1\"} 1");
    check_line("web_backend_latency_seconds_total{backend=\"a:1\"} 0.003");
    check_line("web_tier_backends{tier=\"0\"} 2");
    check_line("web_tier_up{tier=\"0\"} 1");
    infra_balancer_release(r, &ticket, INFRA_OUTCOME_RESET, 3);
    ck_assert_int_eq(infra_collect_balancer(collect, b, 0, "a:1"), INFRA_OK);
    ck_assert_int_eq(infra_collect_remove(collect, "b:1"), INFRA_OK);
    print();
    check_line("web_backend_failures_total{backend=\"a:1\"} 1");
    check_line("web_backend_sessions{backend=\"a:1\"} 0");
    ck_assert_ptr_null(strstr(text, "b:1"));
    infra_balancer_reader_destroy(r);
    infra_balancer_destroy(b);
}
END_TEST

/* Checks and ejections of a backend. */
START_TEST(checks_and_ejections_are_collected)
{
    const struct infra_health_status health = {
        .size = sizeof health, .checks = 7, .failures = 3, .up = 1
    };
    struct infra_health_status old = { .size = 8 };
    struct infra_outlier *outlier;

    ck_assert_int_eq(infra_collect_health(collect, "a:1", &health), INFRA_OK);
    ck_assert_int_eq(infra_collect_health(collect, "a:1", &old), INFRA_EINVAL);
    ck_assert_int_eq(infra_collect_health(collect, "a:1", NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_collect_health(collect, "\xff", &health),
                     INFRA_METRICS_FLAW_UTF8);
    ck_assert_int_eq(infra_outlier_create(&outlier, NULL), INFRA_OK);
    ck_assert_int_eq(infra_outlier_set(outlier, 0, "a:1", 0, 1), INFRA_OK);
    ck_assert_int_eq(infra_collect_outlier(collect, outlier, 0, "a:1"),
                     INFRA_OK);
    ck_assert_int_eq(infra_collect_outlier(collect, outlier, 1, "b:1"),
                     INFRA_ENOENT);
    ck_assert_int_eq(infra_collect_outlier(NULL, outlier, 0, "a:1"),
                     INFRA_EINVAL);
    print();
    check_line("web_backend_checks_total{backend=\"a:1\"} 7");
    check_line("web_backend_check_failures_total{backend=\"a:1\"} 3");
    check_line("web_backend_check_up{backend=\"a:1\"} 1");
    check_line("web_backend_ejected{backend=\"a:1\"} 0");
    check_line("web_backend_ejections_total{backend=\"a:1\"} 0");
    ck_assert_ptr_null(strstr(text, "success_ratio{")); /* Nothing reported. */
    infra_outlier_destroy(outlier);
}
END_TEST

/* The role in a group, and a router with its nodes. */
START_TEST(roles_and_routers_are_collected)
{
    const struct infra_failover_status role = { .size = sizeof role,
                                                .role =
                                                    INFRA_FAILOVER_ROLE_ACTIVE,
                                                .token = 12,
                                                .activations = 2 };
    const struct infra_router_node primary = {
        .size = sizeof primary, .role = INFRA_ROUTER_ROLE_PRIMARY, .token = 1
    };
    const struct infra_router_node replica = { .size = sizeof replica,
                                               .role =
                                                   INFRA_ROUTER_ROLE_REPLICA };
    const struct infra_router_sample sample = { .size = sizeof sample,
                                                .asked_at = INFRA_SEC(10),
                                                .lag = INFRA_MS(250) };
    struct infra_router *r;

    ck_assert_int_eq(infra_collect_failover(collect, "lb", &role), INFRA_OK);
    ck_assert_int_eq(infra_collect_failover(collect, NULL, &role),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_router_create(&r, NULL), INFRA_OK);
    ck_assert_int_eq(infra_router_set(r, 0, &primary), INFRA_OK);
    ck_assert_int_eq(infra_router_set(r, 1, &replica), INFRA_OK);
    ck_assert_int_eq(infra_router_sample(r, 1, &sample), INFRA_OK);
    ck_assert_int_eq(infra_router_publish(r, INFRA_SEC(10)), INFRA_OK);
    for (uint32_t id = 0; id < 2; id++) {
        ck_assert_int_eq(infra_collect_router_node(collect, r, id,
                                                   id == 0 ? "db1" : "db2",
                                                   INFRA_SEC(11)),
                         INFRA_OK);
    }
    ck_assert_int_eq(infra_collect_router_node(collect, r, 5, "x", 1),
                     INFRA_ENOENT);
    ck_assert_int_eq(infra_collect_router(collect, r, INFRA_SEC(11)), INFRA_OK);
    ck_assert_int_eq(infra_collect_router(NULL, r, 1), INFRA_EINVAL);
    print();
    check_line(
        "web_failover_role{group=\"lb\",web_failover_role=\"active\"} 1");
    check_line(
        "web_failover_role{group=\"lb\",web_failover_role=\"standby\"} 0");
    check_line("web_failover_token{group=\"lb\"} 12");
    check_line("web_failover_activations_total{group=\"lb\"} 2");
    check_line("web_node_state{node=\"db1\",web_node_state=\"primary\"} 1");
    check_line("web_node_state{node=\"db2\",web_node_state=\"serving\"} 1");
    check_line("web_node_lag_seconds{node=\"db2\"} 1.25");
    ck_assert_ptr_null(strstr(text, "lag_seconds{node=\"db1\"")); /* None. */
    check_line("web_router_held_sessions 0");
    check_line("web_router_serving_replicas 1");
    ck_assert_ptr_nonnull(strstr(text, "web_router_verdicts_total{reason=\""));
    infra_router_destroy(r);
}
END_TEST

/* A family that the host has is an error by name; so are bad prefixes; without
 * room the overflow series has the value, and a call goes on. */
START_TEST(errors_have_names)
{
    const struct infra_health_status health = { .size = sizeof health,
                                                .checks = 7 };
    const struct infra_metrics_family taken = { .size = sizeof taken,
                                                .name = "web_backend_checks" };
    const struct infra_metrics_options small = { .size = sizeof small,
                                                 .allocator = &heap.allocator,
                                                 .series_max = 1 };
    static const char *const prefixes[] = {
        "", "9", "_a", "a-b", NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };
    struct infra_collect *other;
    struct infra_metrics *m;
    uint32_t id;

    for (size_t i = 0; i < INFRA__COUNT_OF(prefixes); i++) {
        ck_assert_int_eq(
            infra_collect_create(&other, metrics, prefixes[i], NULL),
            INFRA_EINVAL);
    }
    ck_assert_int_eq(infra_collect_create(&other, NULL, "a", NULL),
                     INFRA_EINVAL);
    heap.countdown = 0;
    ck_assert_int_eq(
        infra_collect_create(&other, metrics, "a", &heap.allocator),
        INFRA_ENOMEM);
    ck_assert_int_eq(infra_collect_health(collect, "a", &health), INFRA_ENOMEM);
    heap.countdown = -1;
    ck_assert_int_eq(infra_metrics_family_add(metrics, &taken, &id), INFRA_OK);
    ck_assert_int_eq(infra_collect_health(collect, "a", &health),
                     INFRA_METRICS_FLAW_TAKEN);
    ck_assert_int_eq(infra_collect_remove(collect, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_collect_remove(NULL, "a"), INFRA_EINVAL);
    ck_assert_int_eq(infra_collect_remove(collect, "a"), INFRA_OK);
    ck_assert_int_eq(infra_metrics_create(&m, &small), INFRA_OK);
    ck_assert_int_eq(infra_collect_create(&other, m, "w", NULL), INFRA_OK);
    ck_assert_int_eq(infra_collect_health(other, "a", &health), INFRA_EFULL);
    ck_assert_int_eq(infra_collect_health(other, "b", &health), INFRA_EFULL);
    ck_assert_int_eq(infra_collect_remove(other, "a"), INFRA_OK);
    infra_collect_destroy(other);
    infra_metrics_destroy(m);
    infra_collect_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collect");
    TCase *tc = tcase_create("collect");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_balancer_is_collected);
    tcase_add_test(tc, checks_and_ejections_are_collected);
    tcase_add_test(tc, roles_and_routers_are_collected);
    tcase_add_test(tc, errors_have_names);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
