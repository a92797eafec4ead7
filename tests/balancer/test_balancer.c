/* SPDX-License-Identifier: MIT */
/* The control side: what it accepts, refuses and keeps, and when an id may go
 * to another key. */
#include "pool.h"

#include <string.h>

static struct pool pool;

static void setup(void)
{
    pool_open(&pool, NULL);
}

static void teardown(void)
{
    pool_close(&pool);
}

static int set_key(uint32_t id, const char *key)
{
    struct infra_backend b = { .size = sizeof b, .key = key, .id = id };

    return infra_balancer_set(pool.balancer, &b, 0);
}

static struct infra_balancer_status inspect(uint32_t id)
{
    struct infra_balancer_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, id, &stats),
                     INFRA_OK);
    return stats;
}

/* Bad options are named and leave the result untouched. */
START_TEST(create_refuses_bad_options)
{
    static const struct infra_balancer_policy nameless = {
        .size = sizeof nameless
    };
    struct infra_balancer *b = NULL;
    struct infra_balancer_options o = { .size = sizeof o };

    ck_assert_int_eq(infra_balancer_create(NULL, NULL), INFRA_EINVAL);
    o.ids_max = INFRA_BALANCER_IDS_MAX + 1;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    o.ids_max = 0;
    o.spill = 2;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    o.spill = 0;
    o.policy = &nameless;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    o.policy = NULL;
    o.size = sizeof o - 1;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    ck_assert_ptr_null(b);
}
END_TEST

/* A newer caller: a zero tail is accepted, anything else refused. */
START_TEST(create_knows_newer_callers)
{
    struct {
        struct infra_balancer_options v1;
        uint64_t future;
    } o = { .v1 = { .size = sizeof o }, .future = (uint64_t)_i };
    struct infra_balancer *b = NULL;

    ck_assert_int_eq(infra_balancer_create(&b, &o.v1),
                     _i == 0 ? INFRA_OK : INFRA_ESTRUCT);
    infra_balancer_destroy(b);
}
END_TEST

/* The greatest of everything works. */
START_TEST(limits_are_inclusive)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .ids_max = INFRA_BALANCER_IDS_MAX };
    struct pool big;
    char key[INFRA_BALANCER_KEY_MAX + 2];

    pool_open(&big, &o);
    memset(key, 'k', sizeof key);
    key[INFRA_BALANCER_KEY_MAX] = '\0';
    struct infra_backend b = { .size = sizeof b,
                               .key = key,
                               .id = INFRA_BALANCER_IDS_MAX - 1,
                               .weight = INFRA_BALANCER_WEIGHT_MAX,
                               .tier = INFRA_BALANCER_TIERS_MAX - 1,
                               .in_flight_max = UINT32_MAX };
    ck_assert_int_eq(infra_balancer_set(big.balancer, &b, 0), INFRA_OK);
    pool_publish(&big);
    ck_assert_int_eq(pool_once(&big, NULL), INFRA_BALANCER_IDS_MAX - 1);
    pool_close(&big);
}
END_TEST

/* Every bad field of a backend is INFRA_EINVAL, and nothing changes. */
START_TEST(set_refuses_bad_backends)
{
    char longest[INFRA_BALANCER_KEY_MAX + 2];
    struct infra_backend good = { .size = sizeof good, .key = "a", .id = 3 };

    memset(longest, 'k', sizeof longest);
    longest[INFRA_BALANCER_KEY_MAX + 1] = '\0';
    const struct infra_backend bad[] = {
        { .size = sizeof good, .key = NULL, .id = 3 },
        { .size = sizeof good, .key = "", .id = 3 },
        { .size = sizeof good, .key = longest, .id = 3 },
        { .size = sizeof good, .key = "a", .id = 64 },
        { .size = sizeof good, .key = "a", .id = UINT32_MAX },
        { .size = sizeof good, .key = "a", .id = 3, .weight = 65536 },
        { .size = sizeof good, .key = "a", .id = 3, .tier = 16 },
        { .size = 1, .key = "a", .id = 3 },
    };

    ck_assert_int_eq(infra_balancer_set(NULL, &good, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_set(pool.balancer, NULL, 0), INFRA_EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(infra_balancer_set(pool.balancer, &bad[i], 0),
                         INFRA_EINVAL);
    }
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
}
END_TEST

/* Ids without a backend, and marks that do not exist. */
START_TEST(unknown_ids_and_marks)
{
    struct infra_balancer_status stats = { .size = sizeof stats };

    pool_fill(&pool, 2, NULL);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 2), INFRA_ENOENT);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 64), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_remove(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_mark(pool.balancer, 2,
                                         INFRA_BALANCER_AXIS_HEALTH,
                                         INFRA_BALANCER_STATE_DOWN),
                     INFRA_ENOENT);
    ck_assert_int_eq(infra_balancer_mark(pool.balancer, 0, 3, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_mark(pool.balancer, 0, 0, 4), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, 2, &stats),
                     INFRA_ENOENT);
    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, 0, NULL),
                     INFRA_EINVAL);
    stats.size = 4;
    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, 0, &stats),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_publish(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_reader_create(NULL, pool.balancer),
                     INFRA_EINVAL);
}
END_TEST

/* Edits are invisible until they are published, and then all at once. */
START_TEST(nothing_is_seen_before_publish)
{
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
    ck_assert_int_eq(set_key(5, "five"), INFRA_OK);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 5);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 5), INFRA_OK);
    ck_assert_int_eq(pool_once(&pool, NULL), 5);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
}
END_TEST

/* The worst mark counts, and lifting one axis does not lift another. */
START_TEST(axes_do_not_overrule_each_other)
{
    pool_fill(&pool, 1, NULL);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_PASSIVE, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(inspect(0).state, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(inspect(0).axis, INFRA_BALANCER_AXIS_PASSIVE);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_PASSIVE, INFRA_BALANCER_STATE_UP);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
    ck_assert_uint_eq(inspect(0).state, INFRA_BALANCER_STATE_DRAINING);
    ck_assert_uint_eq(inspect(0).axis, INFRA_BALANCER_AXIS_ADMIN);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_UP);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 0);
    ck_assert_uint_eq(inspect(0).axis, 0);
}
END_TEST

/* Whatever release() is told, the ticket is back, with the places that it held
 * under the caps of its backend and of its tier. */
START_TEST(no_outcome_keeps_a_ticket)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .tier_in_flight_max = { 1 } };
    const uint32_t last = INFRA_OUTCOME_STALE;

    pool_close(&pool);
    pool_open(&pool, &o);
    ck_assert_int_eq(pool_set(&pool, 0, 1, 0, 1), INFRA_OK);
    pool_publish(&pool);
    for (uint32_t i = 0; i <= last + 3; i++) {
        const uint32_t far[] = { last + 1, 256, UINT32_MAX };
        uint32_t outcome = i <= last ? i : far[i - last - 1];
        uint64_t failures = inspect(0).failures;
        struct infra_ticket t;
        ck_assert_int_eq(pool_pick(&pool, NULL, &t), 0);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, outcome, 0),
                         outcome <= last ? INFRA_OK : INFRA_EINVAL);
        ck_assert_uint_eq(inspect(0).in_flight, 0);
        ck_assert_uint_eq(inspect(0).load, 0);
        ck_assert_uint_eq(inspect(0).failures - failures,
                          (uint64_t)infra_outcome_blames_backend(outcome));
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0),
                         INFRA_EINVAL);
    }
}
END_TEST

/* Picks, failures, latency and work in flight, from two readers, one gone. */
START_TEST(counters_are_summed_and_kept)
{
    struct infra_balancer_reader *second = NULL;
    struct infra_ticket t[3];

    pool_fill(&pool, 1, NULL);
    ck_assert_int_eq(infra_balancer_reader_create(&second, pool.balancer), 0);
    ck_assert_int_eq(infra_balancer_pick(second, NULL, 0, &t[0]), 0);
    ck_assert_int_eq(infra_balancer_pick(second, NULL, 0, &t[1]), 0);
    ck_assert_int_eq(pool_pick(&pool, NULL, &t[2]), 0);
    ck_assert_int_eq(infra_balancer_report(second, &t[0], INFRA_OUTCOME_OK, 30),
                     0);
    ck_assert_int_eq(
        infra_balancer_release(second, &t[0], INFRA_OUTCOME_RESET, 0), 0);
    ck_assert_uint_eq(inspect(0).picks, 3);
    ck_assert_uint_eq(inspect(0).in_flight, 2);
    infra_balancer_reader_destroy(second);
    /* Its other ticket comes back through another reader. */
    ck_assert_int_eq(
        infra_balancer_release(pool.reader, &t[1], INFRA_OUTCOME_ABANDONED, 0),
        0);
    ck_assert_int_eq(
        infra_balancer_report(pool.reader, &t[2], INFRA_OUTCOME_TIMEOUT, 99),
        0);
    ck_assert_int_eq(
        infra_balancer_release(pool.reader, &t[2], INFRA_OUTCOME_OK, 0), 0);
    /* Neither a removal nor a change loses them. */
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(pool_set(&pool, 0, 7, 1, 0), INFRA_OK);
    pool_publish(&pool);
    struct infra_balancer_status stats = inspect(0);
    ck_assert_uint_eq(stats.picks, 3);
    ck_assert_uint_eq(stats.in_flight, 0);
    ck_assert_uint_eq(stats.failures, 2);
    ck_assert_uint_eq(stats.reports, 1);
    ck_assert_uint_eq(stats.latency_sum, 30);
}
END_TEST

/* The share is that of the weights in the published list. */
START_TEST(shares_add_up)
{
    static const uint32_t weights[] = { 1, 2, 5 };

    pool_fill(&pool, 3, weights);
    ck_assert_uint_eq(inspect(0).share_ppm, 125000);
    ck_assert_uint_eq(inspect(1).share_ppm, 250000);
    ck_assert_uint_eq(inspect(2).share_ppm, 625000);
    pool_mark(&pool, 2, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    ck_assert_uint_eq(inspect(1).share_ppm, 666666);
    ck_assert_uint_eq(inspect(2).share_ppm, 0);
}
END_TEST

/* Another key gets an id only when the former owner is removed, published away,
 * left by every reader, and every ticket is back. */
START_TEST(an_id_is_busy_until_it_is_free)
{
    struct infra_ticket ticket;

    pool_fill(&pool, 2, NULL);
    while (pool_pick(&pool, NULL, &ticket) != 0) {
    }
    ck_assert_int_eq(set_key(0, "other"), INFRA_EBUSY); /* Not removed. */
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), INFRA_OK);
    ck_assert_int_eq(set_key(0, "other"), INFRA_EBUSY); /* Not published. */
    pool_publish(&pool);
    ck_assert_int_eq(set_key(0, "other"), INFRA_EBUSY); /* Reader behind. */
    infra_balancer_refresh(pool.reader);
    ck_assert_int_eq(set_key(0, "other"), INFRA_EBUSY); /* A ticket out. */
    ck_assert_int_eq(
        infra_balancer_release(pool.reader, &ticket, INFRA_OUTCOME_ERROR, 0),
        INFRA_OK);
    ck_assert_int_eq(set_key(0, "other"), INFRA_OK);
    ck_assert_uint_eq(inspect(0).picks, 0);
    ck_assert_uint_eq(inspect(0).failures, 0);
    pool_publish(&pool);
    ck_assert_int_ge(pool_once(&pool, NULL), 0);
    ck_assert_int_ge(pool_once(&pool, NULL), 0);
    ck_assert_uint_eq(inspect(0).picks, 1);
}
END_TEST

/* The same key may come back at any time, ticket or not. */
START_TEST(the_same_key_is_never_busy)
{
    struct infra_ticket ticket;

    pool_fill(&pool, 1, NULL);
    ck_assert_int_eq(pool_pick(&pool, NULL, &ticket), 0);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), INFRA_OK);
    ck_assert_int_eq(pool_set(&pool, 0, 1, 0, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_uint_eq(inspect(0).in_flight, 1);
    ck_assert_int_eq(
        infra_balancer_release(pool.reader, &ticket, INFRA_OUTCOME_OK, 0), 0);
    ck_assert_uint_eq(inspect(0).in_flight, 0);
}
END_TEST

/* A reader that never picked holds nothing back. */
START_TEST(an_idle_new_reader_blocks_no_id)
{
    pool_fill(&pool, 1, NULL);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(set_key(0, "other"), INFRA_OK);
}
END_TEST

/* Without any reader, too, a removal has to be published first: a reader that
 * is created now would still see the former owner. */
START_TEST(a_removal_counts_from_its_publish)
{
    pool_fill(&pool, 1, NULL);
    infra_balancer_reader_destroy(pool.reader);
    pool.reader = NULL;
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), INFRA_OK);
    ck_assert_int_eq(set_key(0, "other"), INFRA_EBUSY);
    pool_publish(&pool);
    ck_assert_int_eq(set_key(0, "other"), INFRA_OK);
}
END_TEST

/* Publish without edits does nothing and needs no memory. */
START_TEST(an_empty_publish_is_free)
{
    pool_fill(&pool, 3, NULL);
    long calls = pool.heap.calls;
    pool_publish(&pool);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
    pool_publish(&pool);
    ck_assert_int_eq(pool.heap.calls, calls);
}
END_TEST

/* Each call that allocates, with the n-th allocation failing: the error has a
 * name, and what was there before still serves. */
START_TEST(every_allocation_may_fail)
{
    static const uint32_t weights[] = { 1, 2, 3 };
    struct infra_balancer_options o = { .size = sizeof o };

    o.policy = _i == 0 ? infra_balancer_smooth_weighted()
                       : infra_balancer_two_choices();
    for (long n = 0;; n++) {
        struct pool p = { .balancer = NULL };
        struct infra_balancer_reader *late = NULL;
        test_heap_init(&p.heap, n);
        o.allocator = &p.heap.allocator;
        int err = infra_balancer_create(&p.balancer, &o);
        if (err == INFRA_OK) {
            err = infra_balancer_reader_create(&p.reader, p.balancer);
        }
        for (uint32_t id = 0; err == INFRA_OK && id < 3; id++) {
            err = pool_set(&p, id, weights[id], 0, 0);
        }
        if (err == INFRA_OK) {
            err = infra_balancer_publish(p.balancer, 0);
        }
        if (err == INFRA_OK) {
            ck_assert_int_ge(pool_once(&p, NULL), 0);
            pool_mark(&p, 0, INFRA_BALANCER_AXIS_HEALTH,
                      INFRA_BALANCER_STATE_DOWN);
            err = infra_balancer_publish(p.balancer, 0);
            ck_assert_int_gt(pool_once(&p, NULL), 0);
        }
        if (err == INFRA_OK) {
            err = infra_balancer_reader_create(&late, p.balancer);
        }
        infra_balancer_reader_destroy(late);
        infra_balancer_reader_destroy(p.reader);
        infra_balancer_destroy(p.balancer);
        ck_assert_int_eq(p.heap.live, 0);
        if (err == INFRA_OK) {
            ck_assert_int_ge(n, 12);
            return;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
    }
}
END_TEST

static int fails_to_build(void *table, void *scratch,
                          const struct infra_balancer_candidates *candidates)
{
    (void)scratch;
    (void)table;
    (void)candidates;
    return INFRA_ESYSTEM;
}

static size_t eight(const struct infra_balancer_candidates *candidates)
{
    (void)candidates;
    return 8;
}

static uint32_t picks_nobody(const void *table, uint64_t state[4],
                             const struct infra_balancer_candidates *candidates,
                             uint64_t hash)
{
    (void)table;
    (void)candidates;
    (void)hash;
    state[0]++;
    return UINT32_MAX - 1;
}

/* A host policy's build may refuse, and publish passes it on. */
START_TEST(a_failing_build_is_passed_on)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "fails",
        .table_size = eight,
        .build = fails_to_build,
        .pick = picks_nobody,
    };
    struct infra_balancer_options o = { .size = sizeof o, .policy = &policy };
    struct pool p;

    pool_open(&p, &o);
    ck_assert_int_eq(pool_set(&p, 0, 1, 0, 0), INFRA_OK);
    ck_assert_int_eq(infra_balancer_publish(p.balancer, 0), INFRA_ESYSTEM);
    ck_assert_int_eq(pool_once(&p, NULL), 0); /* Without the policy. */
    ck_assert_int_eq(infra_balancer_publish(p.balancer, 0), INFRA_ESYSTEM);
    pool_close(&p);
}
END_TEST

START_TEST(every_enum_has_names)
{
    static const struct {
        const char *(*name)(uint32_t value);
        const char *expected[6];
    } rows[] = {
        { infra_balancer_axis_name, { "health", "passive", "admin" } },
        { infra_balancer_state_name, { "up", "degraded", "draining", "down" } },
        { infra_balancer_spill_name, { "down", "full" } },
        { infra_balancer_outage_name, { "refuse", "anybody", "last-up" } },
        { infra_policy_hash_name,
          { "none", "any", "ketama", "nginx", "address" } },
    };

    for (uint32_t value = 0; value < 6; value++) {
        const char *expected = rows[_i].expected[value];
        ck_assert_str_eq(rows[_i].name(value),
                         expected != NULL ? expected : "unknown");
    }
    ck_assert_str_eq(infra_request_flag_name(INFRA_REQUEST_STICKY), "sticky");
    ck_assert_str_eq(infra_request_flag_name(0), "unknown");
}
END_TEST

static Suite *balancer_suite(void)
{
    Suite *s = suite_create("balancer");
    TCase *tc = tcase_create("contract");
    tcase_add_test(tc, create_refuses_bad_options);
    tcase_add_loop_test(tc, create_knows_newer_callers, 0, 2);
    tcase_add_test(tc, limits_are_inclusive);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, 2);
    tcase_add_test(tc, a_failing_build_is_passed_on);
    tcase_add_loop_test(tc, every_enum_has_names, 0, 5);
    suite_add_tcase(s, tc);

    tc = tcase_create("edits");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, set_refuses_bad_backends);
    tcase_add_test(tc, unknown_ids_and_marks);
    tcase_add_test(tc, nothing_is_seen_before_publish);
    tcase_add_test(tc, axes_do_not_overrule_each_other);
    tcase_add_test(tc, an_empty_publish_is_free);
    suite_add_tcase(s, tc);

    tc = tcase_create("counters");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, no_outcome_keeps_a_ticket);
    tcase_add_test(tc, counters_are_summed_and_kept);
    tcase_add_test(tc, shares_add_up);
    suite_add_tcase(s, tc);

    tc = tcase_create("ids");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_id_is_busy_until_it_is_free);
    tcase_add_test(tc, the_same_key_is_never_busy);
    tcase_add_test(tc, an_idle_new_reader_blocks_no_id);
    tcase_add_test(tc, a_removal_counts_from_its_publish);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(balancer_suite());
}
