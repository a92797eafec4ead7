/* SPDX-License-Identifier: MIT */
/* Bounded load over hash policies, and caps of whole tiers. */
#include "pool.h"

#include "base/random.h"

#include <string.h>

enum { BACKENDS = 8, TICKETS = 400 };

static struct pool pool;
static struct infra_ticket held[TICKETS];

static void open_hash_pool(int index, uint32_t bound_percent)
{
    static const char *const names[] = { "maglev",     "ring",       "ketama",
                                         "nginx-ring", "rendezvous", "jump",
                                         "ip-hash" };
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = infra_balancer_policy_by_name(names[index]),
        .bound_percent = bound_percent,
    };

    pool_open(&pool, &o);
}

static void release_all(int count)
{
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &held[i], 0, 0),
                         0);
    }
}

/* The most that the k-th ticket may find at a backend of this weight: its part
 * of ceil(k * bound), rounded up. */
static uint64_t most(uint64_t k, uint32_t bound, uint32_t weight,
                     uint32_t total_weight)
{
    uint64_t places = (k * bound + 99) / 100;

    return (places * weight + total_weight - 1) / total_weight;
}

/* One hot key for everybody: no backend is ever above its bound, every place is
 * used in the end, and every pick finds somebody. */
START_TEST(a_hot_key_is_spread)
{
    static const uint32_t weights[BACKENDS] = { 1, 2, 1, 2, 1, 2, 1, 2 };
    const uint32_t bound = _i % 2 == 0 ? 125 : 100;
    struct infra_request q = { .hash = 0x123456789abcdefu };

    open_hash_pool(_i / 2, bound);
    pool_fill(&pool, BACKENDS, weights);
    pool_mark(&pool, 3, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    for (int i = 0; i < TICKETS; i++) {
        int id = pool_pick(&pool, &q, &held[i]);
        ck_assert_int_ge(id, 0);
        ck_assert_int_ne(id, 3);
        ck_assert_uint_le(pool_in_flight(&pool, (uint32_t)id),
                          most((uint64_t)i + 1, bound, weights[id], 10));
    }
    if (bound == 100) { /* The places add up to the tickets. */
        for (uint32_t id = 0; id < BACKENDS; id++) {
            uint64_t exact = id == 3 ? 0 : TICKETS * weights[id] / 10;
            ck_assert_uint_ge(pool_in_flight(&pool, id) + 1, exact);
            ck_assert_uint_le(pool_in_flight(&pool, id), exact + 1);
        }
    }
    release_all(TICKETS);
    pool_close(&pool);
}
END_TEST

/* Far from the bound a key goes where it goes without one. */
START_TEST(cool_keys_do_not_move)
{
    int owners[2][500];

    for (int bounded = 0; bounded < 2; bounded++) {
        uint64_t random = 4;
        open_hash_pool(_i, bounded ? 200 : 0);
        pool_fill(&pool, BACKENDS, NULL);
        for (int i = 0; i < TICKETS / 4; i++) { /* Some load everywhere. */
            struct infra_request q = { .hash = infra__random(&random) };
            ck_assert_int_ge(pool_pick(&pool, &q, &held[i]), 0);
        }
        int same = 0;
        for (int i = 0; i < 500; i++) {
            struct infra_request q = { .hash = infra__random(&random) };
            owners[bounded][i] = pool_once(&pool, &q);
            same += bounded && owners[0][i] == owners[1][i];
        }
        ck_assert(!bounded || same > 450);
        release_all(TICKETS / 4);
        pool_close(&pool);
    }
}
END_TEST

/* Who has nothing in flight has room for one, however small its weight: one
 * request at a time goes where it goes without a bound. */
START_TEST(an_idle_backend_has_room)
{
    static const uint32_t weights[][BACKENDS] = {
        { 1, 1, 1, 1, 1, 1, 1, 1 },
        { 1, 1, 1, 1, 100, 1, 1, 200 },
    };
    static const uint32_t bounds[] = { 100, 125, 150, 1000 };
    int owners[500];

    for (int bound = -1; bound < 4; bound++) {
        uint64_t random = 6;
        open_hash_pool(_i / 2, bound < 0 ? 0 : bounds[bound]);
        pool_fill(&pool, BACKENDS, weights[_i % 2]);
        for (int i = 0; i < 500; i++) {
            struct infra_request q = { .hash = infra__random(&random) };
            int id = pool_once(&pool, &q);
            ck_assert(bound < 0 || id == owners[i]);
            owners[i] = id;
        }
        pool_close(&pool);
    }
}
END_TEST

/* So with some in flight: a key whose backend is idle goes there. */
START_TEST(an_idle_backend_has_room_beside_busy_ones)
{
    int owners[500];

    for (int bounded = 0; bounded < 2; bounded++) {
        uint64_t random = 7;
        open_hash_pool(_i, bounded ? 150 : 0);
        pool_fill(&pool, BACKENDS, NULL);
        for (int i = 0; i < 2; i++) {
            struct infra_request q = { .hash = infra__random(&random) };
            ck_assert_int_ge(pool_pick(&pool, &q, &held[i]), 0);
        }
        for (int i = 0; i < 500; i++) {
            struct infra_request q = { .hash = infra__random(&random) };
            int id = pool_once(&pool, &q);
            ck_assert_int_ge(id, 0);
            ck_assert(!bounded || id == owners[i] ||
                      pool_in_flight(&pool, (uint32_t)owners[i]) > 0);
            owners[i] = id;
        }
        release_all(2);
        pool_close(&pool);
    }
}
END_TEST

/* Sessions that came back while their backend was draining are none of the
 * tier's tickets; with them all may be at their bound, and nobody is refused
 * for it. */
START_TEST(nobody_is_refused_for_the_bound_alone)
{
    struct infra_request q = { .hash = 99,
                               .flags = INFRA_REQUEST_STICKY,
                               .sticky = 0 };
    struct infra_request free = { .hash = 99 };

    open_hash_pool(_i, 100);
    pool_fill(&pool, 2, NULL);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    pool_publish(&pool);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(pool_pick(&pool, &q, &held[i]), 0);
    }
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_UP);
    pool_publish(&pool);
    for (int i = 10; i < 30; i++) {
        ck_assert_int_ge(pool_pick(&pool, &free, &held[i]), 0);
    }
    release_all(30);
    pool_close(&pool);
}
END_TEST

/* A tier has a cap on its tickets; then the next tier takes over, by option, or
 * none does. */
START_TEST(tiers_have_caps)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .spill =
            _i == 0 ? INFRA_BALANCER_SPILL_DOWN : INFRA_BALANCER_SPILL_FULL,
        .tier_in_flight_max = { 5, 2 },
    };
    uint64_t word = 0;
    struct infra_set nobody = { .words = &word, .ids_max = 64 };
    struct infra_request narrow = { .eligible = &nobody };
    struct infra_request sticky = { .flags = INFRA_REQUEST_STICKY,
                                    .sticky = 1 };

    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 2, 0), INFRA_OK);
    }
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, &narrow), INFRA_EINELIGIBLE);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_lt(pool_pick(&pool, NULL, &held[i]), 2);
    }
    ck_assert_int_eq(pool_pick(&pool, &sticky, &held[4]), 1);
    ck_assert_uint_eq(infra_ticket_why(&held[4]), INFRA_TICKET_WHY_STICKY);
    if (_i == 0) {
        ck_assert_int_eq(pool_once(&pool, NULL), INFRA_EFULL);
        ck_assert_int_eq(pool_once(&pool, &sticky), INFRA_EFULL);
        ck_assert_int_eq(pool_once(&pool, &narrow), INFRA_EINELIGIBLE);
        release_all(5);
    } else {
        ck_assert_int_ge(pool_pick(&pool, NULL, &held[5]), 2);
        ck_assert_int_ge(pool_pick(&pool, &sticky, &held[6]), 2);
        ck_assert_int_eq(pool_once(&pool, NULL), INFRA_EFULL);
        release_all(7);
    }
    /* All places are back. */
    for (int i = 0; i < 5; i++) {
        ck_assert_int_lt(pool_pick(&pool, NULL, &held[i]), 2);
    }
    release_all(5);
    pool_close(&pool);
}
END_TEST

/* A bound out of range, or over a policy that is none of hashes. */
START_TEST(bad_bounds_are_refused)
{
    static const uint32_t bounds[] = { 1, 99, 10001, 125 };
    struct infra_balancer *b = NULL;

    for (int i = 0; i < 4; i++) {
        struct infra_balancer_options o = {
            .size = sizeof o,
            .policy =
                i < 3 ? infra_balancer_maglev() : infra_balancer_two_choices(),
            .bound_percent = bounds[i],
        };
        ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    }
}
END_TEST

static Suite *bounds_suite(void)
{
    Suite *s = suite_create("bounds");
    TCase *tc = tcase_create("bounds");
    tcase_add_loop_test(tc, a_hot_key_is_spread, 0, 14);
    tcase_add_loop_test(tc, cool_keys_do_not_move, 0, 7);
    tcase_add_loop_test(tc, an_idle_backend_has_room, 0, 14);
    tcase_add_loop_test(tc, an_idle_backend_has_room_beside_busy_ones, 0, 7);
    tcase_add_loop_test(tc, nobody_is_refused_for_the_bound_alone, 0, 7);
    tcase_add_loop_test(tc, tiers_have_caps, 0, 2);
    tcase_add_test(tc, bad_bounds_are_refused);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(bounds_suite());
}
