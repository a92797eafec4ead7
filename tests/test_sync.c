/* SPDX-License-Identifier: MIT */
/* A whole membership at once: what changes, what stays, and all or nothing. */
#include "pool.h"

static struct pool pool;

static void setup(void)
{
    pool_open(&pool, NULL);
    pool_fill(&pool, 3, NULL);
}

static void teardown(void)
{
    pool_close(&pool);
}

#define BACKEND(name, slot, ...)                                       \
    {                                                                  \
        .size = sizeof(struct infra_backend), .key = name, .id = slot, \
        __VA_ARGS__                                                    \
    }

static int state_of(uint32_t id)
{
    struct infra_balancer_stats stats = { .size = sizeof stats };
    int err = infra_balancer_inspect(pool.balancer, id, &stats);

    return err == INFRA_OK ? (int)stats.state : err;
}

/* Who is on the list stays as it is, marks and counters too; who is not goes.
 * */
START_TEST(a_list_replaces_a_list)
{
    static const struct infra_backend list[] = {
        BACKEND("b7", 7, .tier = 1), BACKEND("b1", 1, .weight = 4)
    };
    struct infra_ticket t;

    while (pool_pick(&pool, NULL, &t) != 1) {
    }
    pool_mark(&pool, 1, INFRA_AXIS_ADMIN, INFRA_STATE_DRAINING);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, 2), INFRA_OK);
    ck_assert_int_eq(state_of(0), INFRA_ENOENT);
    ck_assert_int_eq(state_of(1), INFRA_STATE_DRAINING);
    ck_assert_int_eq(state_of(2), INFRA_ENOENT);
    ck_assert_int_eq(state_of(7), INFRA_STATE_UP);
    ck_assert_uint_eq(pool_in_flight(&pool, 1), 1);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 7);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), INFRA_OK);
}
END_TEST

/* The same list again changes nothing, and the next publish is free. */
START_TEST(the_same_list_changes_nothing)
{
    static const struct infra_backend list[] = { BACKEND("b0", 0, .tier = 0),
                                                 BACKEND("b1", 1, .tier = 0),
                                                 BACKEND("b2", 2, .tier = 0) };

    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, 3), INFRA_OK);
    long calls = pool.heap.calls;
    pool_publish(&pool);
    ck_assert_int_eq(pool.heap.calls, calls);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, NULL, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
}
END_TEST

/* A list with one bad entry changes nothing at all. */
START_TEST(bad_lists_change_nothing)
{
    static const struct {
        struct infra_backend list[2];
        int err;
    } rows[] = {
        { { BACKEND("x", 9, .tier = 0), BACKEND("y", 9, .tier = 0) },
          INFRA_EINVAL }, /* An id named twice. */
        { { BACKEND("x", 9, .tier = 0), BACKEND("y", 64, .tier = 0) },
          INFRA_EINVAL },
        { { BACKEND("x", 9, .tier = 0), BACKEND("", 10, .tier = 0) },
          INFRA_EINVAL },
        { { BACKEND("x", 9, .tier = 0), BACKEND("y", 10, .tier = 16) },
          INFRA_EINVAL },
        { { BACKEND("x", 9, .tier = 0), BACKEND("other", 1, .tier = 0) },
          INFRA_EBUSY },
    };

    ck_assert_int_eq(infra_balancer_sync(pool.balancer, rows[_i].list, 2),
                     rows[_i].err);
    ck_assert_int_eq(state_of(0), INFRA_STATE_UP);
    ck_assert_int_eq(state_of(2), INFRA_STATE_UP);
    ck_assert_int_eq(state_of(9), INFRA_ENOENT);
    ck_assert_int_eq(infra_balancer_sync(NULL, NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, NULL, 1), INFRA_EINVAL);
}
END_TEST

/* Elements of a newer host are further apart. */
START_TEST(newer_elements_are_further_apart)
{
    struct {
        struct infra_backend v1;
        uint64_t future;
    } list[2] = { { .v1 = BACKEND("n5", 5, .tier = 0) },
                  { .v1 = BACKEND("n6", 6, .tier = 0) } };

    list[0].v1.size = list[1].v1.size = sizeof list[0];
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, &list[0].v1, 2),
                     INFRA_OK);
    ck_assert_int_eq(state_of(5), INFRA_STATE_UP);
    ck_assert_int_eq(state_of(6), INFRA_STATE_UP);
    list[1].future = 1;
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, &list[0].v1, 2),
                     INFRA_ESTRUCT);
    list[1].v1.size = sizeof list[1].v1;
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, &list[0].v1, 2),
                     INFRA_EINVAL);
}
END_TEST

/* With any allocation failing the old membership stays. */
START_TEST(every_allocation_may_fail)
{
    static const struct infra_backend list[] = { BACKEND("n8", 8, .tier = 0),
                                                 BACKEND("n9", 9, .tier = 0) };
    int err;

    for (long n = 0;; n++) {
        pool.heap.countdown = n;
        err = infra_balancer_sync(pool.balancer, list, 2);
        if (err == INFRA_OK) {
            ck_assert_int_ge(n, 4);
            break;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
        ck_assert_int_eq(state_of(0), INFRA_STATE_UP);
        ck_assert_int_eq(state_of(8), INFRA_ENOENT);
    }
    pool.heap.countdown = -1;
    ck_assert_int_eq(state_of(8), INFRA_STATE_UP);
}
END_TEST

static Suite *sync_suite(void)
{
    Suite *s = suite_create("sync");
    TCase *tc = tcase_create("sync");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_list_replaces_a_list);
    tcase_add_test(tc, the_same_list_changes_nothing);
    tcase_add_loop_test(tc, bad_lists_change_nothing, 0, 5);
    tcase_add_test(tc, newer_elements_are_further_apart);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(sync_suite());
}
