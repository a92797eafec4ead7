/* SPDX-License-Identifier: MIT */
/* A whole membership at once: what changes, what stays, and all or nothing. */
#include "pool.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

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
    struct infra_balancer_status stats = { .size = sizeof stats };
    int err = infra_balancer_inspect(pool.balancer, id, &stats);

    return err == INFRA_OK ? (int)stats.state : err;
}

/* A backend on the list stays as it is, marks and counters too; any other
 * goes. */
START_TEST(a_list_replaces_a_list)
{
    static const struct infra_backend list[] = {
        BACKEND("b7", 7, .tier = 1), BACKEND("b1", 1, .weight = 4)
    };
    struct infra_ticket t;

    while (pool_pick(&pool, NULL, &t) != 1) {
    }
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, 2, 0), INFRA_OK);
    ck_assert_int_eq(state_of(0), INFRA_ENOENT);
    ck_assert_int_eq(state_of(1), INFRA_BALANCER_STATE_DRAINING);
    ck_assert_int_eq(state_of(2), INFRA_ENOENT);
    ck_assert_int_eq(state_of(7), INFRA_BALANCER_STATE_UP);
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

    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, 3, 0), INFRA_OK);
    long calls = pool.heap.calls;
    pool_publish(&pool);
    ck_assert_int_eq(pool.heap.calls, calls);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, NULL, 0, 0), INFRA_OK);
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
        { { BACKEND("x", 9, .tier = 0), BACKEND("x", 10, .tier = 1) },
          INFRA_EEXIST },
    };

    ck_assert_int_eq(infra_balancer_sync(pool.balancer, rows[_i].list, 2, 0),
                     rows[_i].err);
    ck_assert_int_eq(state_of(0), INFRA_BALANCER_STATE_UP);
    ck_assert_int_eq(state_of(2), INFRA_BALANCER_STATE_UP);
    ck_assert_int_eq(state_of(9), INFRA_ENOENT);
    ck_assert_int_eq(infra_balancer_sync(NULL, NULL, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, NULL, 1, 0),
                     INFRA_EINVAL);
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
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, &list[0].v1, 2, 0),
                     INFRA_OK);
    ck_assert_int_eq(state_of(5), INFRA_BALANCER_STATE_UP);
    ck_assert_int_eq(state_of(6), INFRA_BALANCER_STATE_UP);
    list[1].future = 1;
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, &list[0].v1, 2, 0),
                     INFRA_ESTRUCT);
    list[1].v1.size = sizeof list[1].v1;
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, &list[0].v1, 2, 0),
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
        err = infra_balancer_sync(pool.balancer, list, 2, 0);
        if (err == INFRA_OK) {
            ck_assert_int_ge(n, 4);
            break;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
        ck_assert_int_eq(state_of(0), INFRA_BALANCER_STATE_UP);
        ck_assert_int_eq(state_of(8), INFRA_ENOENT);
    }
    pool.heap.countdown = -1;
    ck_assert_int_eq(state_of(8), INFRA_BALANCER_STATE_UP);
}
END_TEST

static int set_key(uint32_t id, const char *key)
{
    struct infra_backend b = { .size = sizeof b, .key = key, .id = id };

    return infra_balancer_set(pool.balancer, &b, 0);
}

/* A key has one id at a time; when that is removed another may have it, and in
 * a list it may move at once. */
START_TEST(a_key_has_one_id)
{
    static const struct infra_backend moved[] = { BACKEND("b0", 9, .tier = 0),
                                                  BACKEND("b1", 1, .tier = 0) };

    ck_assert_int_eq(set_key(9, "b0"), INFRA_EEXIST);
    ck_assert_int_eq(state_of(9), INFRA_ENOENT);
    ck_assert_int_eq(set_key(0, "b0"), INFRA_OK);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 2), INFRA_OK);
    ck_assert_int_eq(set_key(9, "b2"), INFRA_OK);
    ck_assert_int_eq(set_key(2, "b2"), INFRA_EEXIST);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 9), INFRA_OK);
    ck_assert_int_eq(set_key(2, "b2"), INFRA_OK);
    pool_publish(&pool);
    infra_balancer_refresh(pool.reader);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, moved, 2, 0), INFRA_OK);
    ck_assert_int_eq(state_of(0), INFRA_ENOENT);
    ck_assert_int_eq(state_of(9), INFRA_BALANCER_STATE_UP);
    ck_assert_int_eq(set_key(0, "b0"), INFRA_EEXIST);
}
END_TEST

/* Whatever comes and goes, a key is refused exactly while another id has it. */
START_TEST(keys_agree_with_a_model)
{
    enum { IDS = 8, KEYS = 12 };
    static const char *const keys[KEYS] = { "a", "b", "c", "d", "e", "f",
                                            "g", "h", "i", "j", "k", "l" };
    int has[IDS];
    uint64_t random = (uint64_t)_i;
    struct infra_balancer_options o = { .size = sizeof o, .ids_max = IDS };

    pool_close(&pool);
    pool_open(&pool, &o);
    for (int id = 0; id < IDS; id++) {
        has[id] = -1;
    }
    for (int step = 0; step < 3000; step++) {
        uint32_t id = infra__below(infra__random(&random), IDS);
        uint32_t key = infra__below(infra__random(&random), KEYS);
        if (has[id] >= 0) {
            ck_assert_int_eq(infra_balancer_remove(pool.balancer, id), 0);
            pool_publish(&pool);
            infra_balancer_refresh(pool.reader);
            has[id] = -1;
        } else {
            int expected = INFRA_OK;
            for (int other = 0; other < IDS; other++) {
                expected = has[other] == (int)key ? INFRA_EEXIST : expected;
            }
            ck_assert_int_eq(set_key(id, keys[key]), expected);
            has[id] = expected == INFRA_OK ? (int)key : -1;
            pool_publish(&pool);
        }
    }
}
END_TEST

/* A long list is compared in no time, and two alike are found wherever they
 * are. */
START_TEST(long_lists_are_compared)
{
    enum { COUNT = 65535 };
    struct infra_balancer_options o = { .size = sizeof o, .ids_max = COUNT };
    struct infra_backend *list = calloc(COUNT, sizeof *list);
    char(*keys)[16] = calloc(COUNT, sizeof *keys);

    pool_close(&pool);
    pool_open(&pool, &o);
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "10.0.%u.%u", (unsigned)i / 256,
                 (unsigned)i % 256);
        list[i] = (struct infra_backend) { .size = sizeof *list,
                                           .key = keys[i],
                                           .id = i };
    }
    list[COUNT - 1].key = keys[7];
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, COUNT, 0),
                     INFRA_EEXIST);
    list[COUNT - 1].key = keys[COUNT - 1];
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, COUNT, 0),
                     INFRA_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_int_eq(infra_balancer_set(pool.balancer, &list[i], 0),
                         INFRA_OK);
    }
    free(list);
    free(keys);
}
END_TEST

static Suite *sync_suite(void)
{
    Suite *s = suite_create("sync");
    TCase *tc = tcase_create("sync");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_list_replaces_a_list);
    tcase_add_test(tc, the_same_list_changes_nothing);
    tcase_add_loop_test(tc, bad_lists_change_nothing, 0, 6);
    tcase_add_test(tc, a_key_has_one_id);
    tcase_add_loop_test(tc, keys_agree_with_a_model, 0, 4);
    tcase_add_test(tc, long_lists_are_compared);
    tcase_add_test(tc, newer_elements_are_further_apart);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(sync_suite());
}
