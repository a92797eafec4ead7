/* SPDX-License-Identifier: MIT */
/* Which node is the primary, and which replicas are fresh enough. */
#include "group.h"

#include <string.h>

static struct group g;

static void stop(void)
{
    group_stop(&g);
}

static uint32_t state_of(uint32_t id)
{
    struct infra_router_status status = { .size = sizeof status };

    ck_assert_int_eq(infra_router_inspect(g.router, id, g.now, &status),
                     INFRA_OK);
    return status.state;
}

static struct infra_verdict route(uint32_t kind)
{
    struct infra_session s;

    group_session(&g, &s, 0, 0);
    struct infra_verdict v = group_route(&g, &s, kind, 0);
    infra_session_leave(&s);
    return v;
}

#define STATE(name) INFRA_ROUTER_STATE_##name

/* Writes go to the primary, reads to all replicas. */
START_TEST(roles_divide_the_work)
{
    group_start(&g, NULL, 3);
    ck_assert_uint_eq(route(KIND(WRITE)).nodes, 1);
    ck_assert_uint_eq(route(KIND(WRITE)).token, 1);
    ck_assert_uint_eq(route(KIND(WRITE)).flags, INFRA_VERDICT_AT_PRIMARY);
    ck_assert_uint_eq(route(KIND(UNKNOWN)).nodes, 1);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 14);
    ck_assert_uint_eq(state_of(0), STATE(PRIMARY));
    ck_assert_uint_eq(state_of(3), STATE(SERVING));
}
END_TEST

/* Before the first publish nothing is known, so that all is held. */
START_TEST(nothing_is_known_before_the_first_publish)
{
    memset(&g, 0, sizeof g);
    ck_assert_int_eq(infra_router_create(&g.router, NULL), INFRA_OK);
    ck_assert_int_eq(infra_router_reader_create(&g.reader, g.router), INFRA_OK);
    struct infra_verdict v = route(KIND(READ));
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.reason, WHY(NO_PRIMARY));
    group_set(&g, 2, INFRA_ROUTER_ROLE_REPLICA, 0);
    ck_assert_uint_eq(state_of(2), STATE(NONE));
}
END_TEST

/* The primary with the newer token counts, also when the older one is set
 * later; a node of an older token gets neither writes nor reads. */
START_TEST(an_older_token_is_refused)
{
    group_start(&g, NULL, 2);
    group_set(&g, 1, INFRA_ROUTER_ROLE_PRIMARY, 2);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(WRITE)).nodes, 2);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 4);
    ck_assert_uint_eq(state_of(0), STATE(STALE));
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    group_set(&g, 0, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    struct infra_verdict v = route(KIND(WRITE));
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.reason, WHY(NO_PRIMARY));
    ck_assert_uint_eq(route(KIND(READ)).nodes, 4);
}
END_TEST

/* Two of one token: neither takes writes or reads until one of them is gone. */
START_TEST(split_brain_is_no_choice)
{
    group_start(&g, NULL, 2);
    group_set(&g, 1, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    struct infra_verdict v = route(KIND(WRITE));
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.reason, WHY(SPLIT_BRAIN));
    ck_assert_uint_eq(route(KIND(READ)).nodes, 4);
    ck_assert_uint_eq(state_of(0), STATE(SPLIT));
    ck_assert_uint_eq(state_of(1), STATE(SPLIT));
    group_set(&g, 1, INFRA_ROUTER_ROLE_REPLICA, 0);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(WRITE)).nodes, 1);
}
END_TEST

/* Hosts without tokens: a second primary is a split brain, too. */
START_TEST(without_tokens_a_second_primary_is_a_split_brain)
{
    group_start(&g, NULL, 1);
    ck_assert_int_eq(infra_router_remove(g.router, 0), INFRA_OK);
    infra_router_destroy(g.router);
    group_start(&g, NULL, 2);
    group_set(&g, 0, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_set(&g, 2, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(WRITE)).reason, WHY(SPLIT_BRAIN));
}
END_TEST

/* From the end of its lease on, the primary takes no writes. */
START_TEST(a_lease_ends)
{
    group_start(&g, NULL, 1);
    struct infra_router_node node = { .size = sizeof node,
                                      .role = INFRA_ROUTER_ROLE_PRIMARY,
                                      .token = 1,
                                      .valid_until = g.now + INFRA_SEC(3) };
    ck_assert_int_eq(infra_router_set(g.router, 0, &node), INFRA_OK);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(WRITE)).kind, VERDICT(GO));
    g.now += INFRA_SEC(3) - 1;
    ck_assert_uint_eq(route(KIND(WRITE)).kind, VERDICT(GO));
    g.now++;
    ck_assert_uint_eq(route(KIND(WRITE)).reason, WHY(LEASE_OVER));
    ck_assert_uint_eq(route(KIND(READ)).nodes, 2);
}
END_TEST

/* Age is the lag of the sample plus the time since. Beyond lag_max a replica
 * serves nothing; it is back below three quarters of that. */
START_TEST(age_grows_between_samples)
{
    group_start(&g, NULL, 2);
    group_sample(&g, 1, INFRA_SEC(6), 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 6);
    g.now += INFRA_SEC(4);
    group_sample(&g, 2, 0, 100);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 6);
    g.now += 1;
    ck_assert_uint_eq(route(KIND(READ)).nodes, 4);
    ck_assert_uint_eq(state_of(1), STATE(LAGGING));
    group_publish(&g);
    group_sample(&g, 1, INFRA_MS(7500), 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 4);
    ck_assert_uint_eq(state_of(1), STATE(LAGGING));
    group_sample(&g, 1, INFRA_MS(7499), 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 6);
}
END_TEST

/* The fresh ones serve alone if they are enough; else the least old of the
 * others join them. */
START_TEST(two_tiers_of_freshness)
{
    group_start(&g, NULL, 4);
    group_sample(&g, 1, INFRA_SEC(3), 90);
    group_sample(&g, 2, INFRA_SEC(2), 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 24);
    ck_assert_uint_eq(state_of(1), STATE(SPARE));
    group_sample(&g, 4, INFRA_SEC(4), 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 12);
    group_sample(&g, 3, INFRA_SEC(5), 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 6);
}
END_TEST

/* A replica of unknown lag serves only where any lag will do. */
START_TEST(unknown_lag_is_not_fit)
{
    struct infra_router_options any = { .size = sizeof any,
                                        .lag_max = INFRA_TIME_NEVER };

    group_start(&g, NULL, 1);
    group_sample(&g, 1, INFRA_TIME_NEVER, 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 1);
    ck_assert_uint_eq(route(KIND(READ)).reason, WHY(NO_REPLICA));
    ck_assert_uint_eq(state_of(1), STATE(UNSAMPLED));
    group_stop(&g);
    group_start(&g, &any, 2);
    group_sample(&g, 1, INFRA_TIME_NEVER, 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 6);
}
END_TEST

/* A session may ask for fresher replicas than the router does. */
START_TEST(a_session_has_a_bound_of_its_own)
{
    struct infra_session s;
    struct infra_session_options o = { .size = sizeof o,
                                       .age_max = INFRA_MS(500) };

    group_start(&g, NULL, 2);
    group_sample(&g, 1, INFRA_MS(501), 90);
    group_publish(&g);
    ck_assert_int_eq(infra_session_init(&s, &o), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
    g.now += INFRA_MS(501);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 6);
}
END_TEST

/* Draining: no new work, but what is there is finished. */
START_TEST(a_draining_replica_gets_nothing_new)
{
    struct infra_router_node node = { .size = sizeof node,
                                      .role = INFRA_ROUTER_ROLE_REPLICA,
                                      .is_draining = 1 };

    group_start(&g, NULL, 2);
    ck_assert_int_eq(infra_router_set(g.router, 1, &node), INFRA_OK);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 4);
    ck_assert_uint_eq(state_of(1), STATE(DRAINING));
}
END_TEST

/* What happens when no replica is fit is an option. */
START_TEST(fallbacks)
{
    struct infra_router_options o = { .size = sizeof o,
                                      .fallback =
                                          INFRA_ROUTER_FALLBACK_LEAST_LAGGED };

    group_start(&g, &o, 2);
    group_sample(&g, 1, INFRA_SEC(20), 90);
    group_sample(&g, 2, INFRA_SEC(19), 90);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 4);
    ck_assert_uint_eq(route(KIND(READ)).reason, WHY(NO_REPLICA));
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    group_set(&g, 2, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 1);
    group_stop(&g);
    o.fallback = INFRA_ROUTER_FALLBACK_FAIL;
    group_start(&g, &o, 0);
    ck_assert_uint_eq(route(KIND(READ)).kind, VERDICT(FAIL));
    ck_assert_uint_eq(route(KIND(READ)).reason, WHY(NO_REPLICA));
}
END_TEST

/* The primary takes no more than its share of orphaned reads: a burst of a
 * second's worth, then one for each interval. */
START_TEST(an_outage_of_replicas_spares_the_primary)
{
    struct infra_router_options o = { .size = sizeof o, .fallback_rate = 10 };
    int taken = 0;

    group_start(&g, &o, 0);
    for (int i = 0; i < 100; i++) {
        taken += route(KIND(READ)).kind == VERDICT(GO);
    }
    ck_assert_int_eq(taken, 10);
    ck_assert_uint_eq(route(KIND(READ)).reason, WHY(FALLBACK_RATE));
    for (int i = 0; i < 1000; i++) {
        g.now += INFRA_MS(10);
        taken += route(KIND(READ)).kind == VERDICT(GO);
    }
    ck_assert_int_eq(taken, 110);
    ck_assert_uint_eq(route(KIND(WRITE)).kind, VERDICT(GO));
}
END_TEST

/* Out of sight and back as it was is the same node; removed and set again is
 * another. */
START_TEST(samples_of_the_past_are_ignored)
{
    group_start(&g, NULL, 1);
    infra_time then = g.now;
    g.now += INFRA_SEC(1);
    group_sample(&g, 1, 0, 120);
    struct infra_router_sample old = { .size = sizeof old, .asked_at = then };
    ck_assert_int_eq(infra_router_sample(g.router, 1, &old), INFRA_ESTALE);
    ck_assert_int_eq(infra_router_remove(g.router, 1), INFRA_OK);
    ck_assert_int_eq(infra_router_sample(g.router, 1, &old), INFRA_ENOENT);
    ck_assert_int_eq(infra_router_remove(g.router, 1), INFRA_ENOENT);
}
END_TEST

/* Bad input has a name and changes nothing. */
START_TEST(bad_input_is_refused)
{
    struct infra_router_options o = { .size = sizeof o, .nodes_max = 65 };
    struct infra_router *router = NULL;
    struct infra_router_node node = { .size = sizeof node, .role = 3 };
    struct infra_router_sample sample = { .size = sizeof sample,
                                          .asked_at = INFRA_SEC(2000),
                                          .kind = INFRA_POSITION_NUMBER,
                                          .text = "x",
                                          .length = 1 };

    ck_assert_int_eq(infra_router_create(&router, &o), INFRA_EINVAL);
    o = (struct infra_router_options) { .size = sizeof o, .fallback = 3 };
    ck_assert_int_eq(infra_router_create(&router, &o), INFRA_EINVAL);
    o = (struct infra_router_options) { .size = sizeof o,
                                        .lag_max = 5,
                                        .lag_preferred = 6 };
    ck_assert_int_eq(infra_router_create(&router, &o), INFRA_EINVAL);
    ck_assert_int_eq(infra_router_create(NULL, NULL), INFRA_EINVAL);
    group_start(&g, NULL, 1);
    ck_assert_int_eq(infra_router_set(g.router, 1, &node), INFRA_EINVAL);
    node.role = INFRA_ROUTER_ROLE_REPLICA;
    ck_assert_int_eq(infra_router_set(g.router, 16, &node), INFRA_EINVAL);
    ck_assert_int_eq(infra_router_sample(g.router, 1, &sample), INFRA_EINVAL);
    sample.kind = 9;
    ck_assert_int_eq(infra_router_sample(g.router, 1, &sample), INFRA_EINVAL);
    sample = (struct infra_router_sample) { .size = sizeof sample,
                                            .asked_at = INFRA_SEC(2000),
                                            .kind = INFRA_POSITION_NUMBER };
    ck_assert_int_eq(infra_router_sample(g.router, 1, &sample), INFRA_EINVAL);
    struct infra_router_status status = { .size = sizeof status };
    ck_assert_int_eq(infra_router_inspect(g.router, 9, 0, &status),
                     INFRA_ENOENT);
    ck_assert_int_eq(infra_router_inspect(g.router, 1, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_router_publish(NULL, 0), INFRA_EINVAL);
    ck_assert_uint_eq(route(KIND(READ)).nodes, 2);
}
END_TEST

/* Verdicts are counted by reason, over readers that are gone as well. */
START_TEST(verdicts_are_counted)
{
    struct infra_router_group_status status = { .size = sizeof status };

    group_start(&g, NULL, 1);
    (void)route(KIND(READ));
    (void)route(KIND(READ));
    (void)route(KIND(WRITE));
    infra_router_reader_destroy(g.reader);
    ck_assert_int_eq(infra_router_reader_create(&g.reader, g.router), INFRA_OK);
    (void)route(KIND(WRITE));
    ck_assert_int_eq(infra_router_inspect_group(g.router, g.now, &status),
                     INFRA_OK);
    ck_assert_uint_eq(status.verdicts[WHY(READ)], 2);
    ck_assert_uint_eq(status.verdicts[WHY(WRITE)], 2);
    ck_assert_uint_eq(status.primary, 0);
    ck_assert_uint_eq(status.serving, 1);
    ck_assert_uint_eq(status.token, 1);
    ck_assert_uint_eq(status.version, 1);
}
END_TEST

/* Each allocation that fails is said, and what was published stays. */
START_TEST(no_memory_changes_nothing)
{
    struct test_heap heap;
    static const char many[] = "0-1-5,1-1-5,2-1-5,3-1-5";
    struct infra_router_sample sample = { .size = sizeof sample,
                                          .asked_at = INFRA_SEC(2000),
                                          .kind = INFRA_POSITION_MARIADB,
                                          .text = many,
                                          .length = sizeof many - 1 };
    int failures = 0;

    for (long n = 0;; n++) {
        test_heap_init(&heap, -1);
        struct infra_router_options o = { .size = sizeof o,
                                          .allocator = &heap.allocator };
        group_start(&g, &o, 1);
        heap.countdown = n;
        int sampled = infra_router_sample(g.router, 1, &sample);
        int published = infra_router_publish(g.router, g.now);
        ck_assert(sampled == INFRA_OK || sampled == INFRA_ENOMEM);
        ck_assert(published == INFRA_OK || published == INFRA_ENOMEM);
        ck_assert_uint_eq(route(KIND(READ)).nodes, 2);
        failures += sampled != INFRA_OK || published != INFRA_OK;
        group_stop(&g);
        ck_assert_int_eq(heap.live, 0);
        if (sampled == INFRA_OK && published == INFRA_OK) {
            break;
        }
    }
    ck_assert_int_ge(failures, 3);
    for (long n = 0; n < 2; n++) {
        test_heap_init(&heap, n);
        struct infra_router_options o = { .size = sizeof o,
                                          .allocator = &heap.allocator };
        ck_assert_int_eq(infra_router_create(&g.router, &o), INFRA_ENOMEM);
        ck_assert_int_eq(heap.live, 0);
    }
    g.router = NULL;
}
END_TEST

/* An idle thread that refreshes holds no old table: at most two are kept for
 * one that does not. */
START_TEST(an_idle_reader_lets_go)
{
    static struct test_heap heap;

    test_heap_init(&heap, -1);
    struct infra_router_options o = { .size = sizeof o,
                                      .allocator = &heap.allocator };
    group_start(&g, &o, 1);
    infra_router_reader_refresh(g.reader);
    group_publish(&g);
    infra_router_reader_refresh(g.reader);
    group_publish(&g);
    long one = heap.live;
    for (int i = 0; i < 100; i++) {
        group_publish(&g);
        infra_router_reader_refresh(g.reader);
    }
    ck_assert_int_le(heap.live, one);
    for (int i = 0; i < 100; i++) {
        group_publish(&g);
    }
    ck_assert_int_le(heap.live, one + 4);
}
END_TEST

static Suite *router_suite(void)
{
    Suite *s = suite_create("router");
    TCase *tc = tcase_create("primary");

    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, roles_divide_the_work);
    tcase_add_test(tc, nothing_is_known_before_the_first_publish);
    tcase_add_test(tc, an_older_token_is_refused);
    tcase_add_test(tc, split_brain_is_no_choice);
    tcase_add_test(tc, without_tokens_a_second_primary_is_a_split_brain);
    tcase_add_test(tc, a_lease_ends);
    suite_add_tcase(s, tc);

    tc = tcase_create("replicas");
    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, age_grows_between_samples);
    tcase_add_test(tc, two_tiers_of_freshness);
    tcase_add_test(tc, unknown_lag_is_not_fit);
    tcase_add_test(tc, a_session_has_a_bound_of_its_own);
    tcase_add_test(tc, a_draining_replica_gets_nothing_new);
    tcase_add_test(tc, fallbacks);
    tcase_add_test(tc, an_outage_of_replicas_spares_the_primary);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, samples_of_the_past_are_ignored);
    tcase_add_test(tc, an_idle_reader_lets_go);
    tcase_add_test(tc, bad_input_is_refused);
    tcase_add_test(tc, verdicts_are_counted);
    tcase_add_test(tc, no_memory_changes_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(router_suite());
}
