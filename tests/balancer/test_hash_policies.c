/* SPDX-License-Identifier: MIT */
/* The hash policies in the balancer: keys stay, only what must moves, and the
 * peers' known answers through a pick. (The builders: test_rings, test_maglev,
 * ...) */
#include "pool.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

enum { BACKENDS = 12, KEYS = 4000 };

static struct pool pool;

static const struct infra_balancer_policy *hash_policy(int index)
{
    static const char *const names[] = { "maglev",     "ring",       "ketama",
                                         "nginx-ring", "rendezvous", "jump",
                                         "ip-hash" };

    return infra_balancer_policy_by_name(names[index]);
}
#define HASH_POLICIES 7

static void open_pool(const struct infra_balancer_policy *policy,
                      const void *policy_options)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = policy,
                                        .policy_options = policy_options };

    pool_open(&pool, &o);
}

static int pick_hash(uint64_t hash)
{
    struct infra_request q = { .hash = hash };

    return pool_once(&pool, &q);
}

/* Where each of KEYS keys goes. */
static void map_keys(int *owners)
{
    uint64_t random = 3;

    for (int i = 0; i < KEYS; i++) {
        owners[i] = pick_hash(infra__random(&random));
        ck_assert_int_ge(owners[i], 0);
    }
}

/* A key stays; everybody has some; and when one goes down, degrades or drains
 * only its keys move, not all to one other, and they come back with it. */
START_TEST(only_the_keys_of_the_missing_move)
{
    int before[KEYS], during[KEYS], after[KEYS];
    uint32_t counts[BACKENDS] = { 0 }, heirs[BACKENDS] = { 0 };

    open_pool(hash_policy(_i), NULL);
    pool_fill(&pool, BACKENDS, NULL);
    map_keys(before);
    for (uint32_t state = INFRA_BALANCER_STATE_DEGRADED;
         state <= INFRA_BALANCER_STATE_DOWN; state++) {
        pool_mark(&pool, 5, INFRA_BALANCER_AXIS_HEALTH, state);
        pool_publish(&pool);
        map_keys(during);
        pool_mark(&pool, 5, INFRA_BALANCER_AXIS_HEALTH,
                  INFRA_BALANCER_STATE_UP);
        pool_publish(&pool);
        map_keys(after);
        for (int i = 0; i < KEYS; i++) {
            counts[before[i]]++;
            ck_assert_int_eq(before[i], after[i]);
            ck_assert_int_ne(during[i], 5);
            if (before[i] != 5) {
                ck_assert_int_eq(before[i], during[i]);
            } else {
                heirs[during[i]]++;
            }
        }
    }
    for (int id = 0; id < BACKENDS; id++) {
        ck_assert_uint_gt(counts[id], KEYS * 3 / BACKENDS / 3);
        ck_assert_uint_lt(heirs[id], counts[5] * 2 / 3);
    }
    pool_close(&pool);
}
END_TEST

/* Retries and sets are honoured exactly, down to the last one. */
START_TEST(retries_meet_everybody_once)
{
    uint32_t tried[BACKENDS];
    uint64_t random = 9;

    open_pool(hash_policy(_i), NULL);
    pool_fill(&pool, BACKENDS, NULL);
    for (int key = 0; key < 100; key++) {
        struct infra_request q = { .hash = infra__random(&random),
                                   .tried = tried };
        uint32_t seen = 0;
        for (; q.tried_count < BACKENDS; q.tried_count++) {
            int id = pool_once(&pool, &q);
            ck_assert_int_ge(id, 0);
            ck_assert_uint_eq(seen >> id & 1u, 0);
            seen |= 1u << id;
            tried[q.tried_count] = (uint32_t)id;
        }
        ck_assert_int_eq(pool_once(&pool, &q), INFRA_ETRIED);
    }
    pool_close(&pool);
}
END_TEST

static void set_peer(uint32_t id, const char *key, uint32_t weight)
{
    struct infra_backend b = {
        .size = sizeof b, .key = key, .id = id, .weight = weight
    };

    ck_assert_int_eq(infra_balancer_set(pool.balancer, &b, 0), INFRA_OK);
}

/* 127.0.0.1:90 .. :95, as in Envoy's tests. */
static void fill_envoy(uint32_t first_port)
{
    for (uint32_t id = 0; id < 6; id++) {
        char key[32];
        snprintf(key, sizeof key, "127.0.0.1:%u", (unsigned)(first_port + id));
        set_peer(id, key, 1);
    }
    pool_publish(&pool);
}

/* maglev_lb_test.cc: slot by slot. */
START_TEST(maglev_is_that_of_envoy)
{
    static const int table[] = { 2, 4, 0, 1, 5, 0, 3 };
    const struct infra_maglev_options o = { .size = sizeof o, .table_size = 7 };

    open_pool(infra_balancer_maglev(), &o);
    fill_envoy(90);
    for (uint64_t slot = 0; slot < 7; slot++) {
        ck_assert_int_eq(pick_hash(slot), table[slot]);
        ck_assert_int_eq(pick_hash(slot + 70), table[slot]);
    }
    pool_close(&pool);
}
END_TEST

/* ring_hash_lb_test.cc, Basic and BasicWithMurmur2, with its retries: they are
 * the next points of the ring. */
START_TEST(ring_is_that_of_envoy)
{
    static const struct {
        uint64_t hash;
        uint32_t port;
    } rows[2][6] = { { { 0, 94 },
                       { UINT64_MAX, 94 },
                       { 3551244743356806947u, 95 },
                       { 3551244743356806948u, 93 },
                       { 16117243373044804880u, 90 },
                       { 16117243373044804890u, 94 } },
                     { { 0, 85 },
                       { UINT64_MAX, 85 },
                       { 1358027074129602068u, 85 },
                       { 1358027074129602069u, 83 },
                       { 10150910876324007730u, 82 },
                       { 10150910876324007732u, 83 } } };
    const struct infra_ring_options o = { .size = sizeof o,
                                          .points_min = 12,
                                          .murmur2 = (uint32_t)_i };
    const uint32_t first_port = _i == 0 ? 90 : 80;
    const uint32_t tried[] = { 4, 2 };
    struct infra_request q = { .hash = 0, .tried = tried, .tried_count = 1 };

    open_pool(infra_balancer_ring(), &o);
    fill_envoy(first_port);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(pick_hash(rows[_i][i].hash),
                         (int)(rows[_i][i].port - first_port));
    }
    if (_i == 0) { /* :94, then :92, then :90. */
        ck_assert_int_eq(pool_once(&pool, &q), 2);
        q.tried_count = 2;
        ck_assert_int_eq(pool_once(&pool, &q), 0);
    }
    pool_close(&pool);
}
END_TEST

/* nginx's ip_hash, weighted: the value modulo the sum falls on the walk of
 * weights; a /24 stays together. */
START_TEST(ip_hash_is_that_of_nginx)
{
    const uint8_t a[] = { 10, 1, 2, 3 }, b[] = { 10, 1, 2, 250 };
    const uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8 };

    open_pool(infra_balancer_ip_hash(), NULL);
    set_peer(0, "a", 2);
    set_peer(1, "b", 1);
    pool_publish(&pool);
    uint64_t hash = infra_ip_hash(a, sizeof a);
    /* ((89 * 113 + 10) % 6271 * 113 + 1) % 6271 * 113 + 2 ... */
    uint64_t expected = 89;
    for (int i = 0; i < 3; i++) {
        expected = (expected * 113 + a[i]) % 6271;
    }
    ck_assert_uint_eq(hash, expected);
    ck_assert_uint_eq(infra_ip_hash(b, sizeof b), hash);
    ck_assert_int_eq(pick_hash(hash), hash % 3 < 2 ? 0 : 1);
    ck_assert_uint_ne(infra_ip_hash(six, sizeof six), 0);
    ck_assert_uint_eq(infra_ip_hash(a, 3), 0);
    pool_close(&pool);
}
END_TEST

/* Jump's buckets are ids: one in the middle that goes leaves a hole, and no key
 * of another moves; one more at the end takes only its part. */
START_TEST(jump_keeps_keys_over_holes)
{
    int before[KEYS], after[KEYS];

    open_pool(infra_balancer_jump(), NULL);
    pool_fill(&pool, BACKENDS, NULL);
    map_keys(before);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 5), INFRA_OK);
    pool_publish(&pool);
    map_keys(after);
    for (int i = 0; i < KEYS; i++) {
        ck_assert(before[i] == 5 ? after[i] != 5 : after[i] == before[i]);
    }
    ck_assert_int_eq(pool_set(&pool, 5, 1, 0, 0), INFRA_OK);
    ck_assert_int_eq(pool_set(&pool, BACKENDS, 1, 0, 0), INFRA_OK);
    pool_publish(&pool);
    map_keys(after);
    for (int i = 0; i < KEYS; i++) {
        ck_assert(after[i] == before[i] || after[i] == BACKENDS);
    }
    pool_close(&pool);
}
END_TEST

/* Shares follow the weights in the policies that have them. */
START_TEST(shares_follow_the_weights)
{
    static const uint32_t weights[] = { 1, 2, 3, 4 };
    int owners[KEYS];
    uint32_t counts[4] = { 0 };

    open_pool(hash_policy(_i), NULL);
    pool_fill(&pool, 4, weights);
    map_keys(owners);
    for (int i = 0; i < KEYS; i++) {
        counts[owners[i]]++;
    }
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_uint_gt(counts[id], KEYS / 10 * weights[id] * 70 / 100);
        ck_assert_uint_lt(counts[id], KEYS / 10 * weights[id] * 130 / 100);
    }
    pool_close(&pool);
}
END_TEST

/* Every bad option has its error, and a policy without options takes none. */
START_TEST(bad_policy_options_are_refused)
{
    const struct infra_maglev_options even = { .size = sizeof even,
                                               .table_size = 65536 };
    const struct infra_maglev_options huge = { .size = sizeof huge,
                                               .table_size = 5000081 };
    const struct infra_maglev_options used = { .size = sizeof used,
                                               .reserved = 1 };
    const struct infra_ring_options crossed = { .size = sizeof crossed,
                                                .points_min = 100,
                                                .points_max = 99 };
    const struct infra_ring_options hash = { .size = sizeof hash,
                                             .murmur2 = 2 };
    const struct infra_ketama_options odd = { .size = sizeof odd,
                                              .unweighted = 2 };
    const struct infra_maglev_options small = { .size = 4 };
    const struct {
        const struct infra_balancer_policy *policy;
        const void *options;
        int err;
    } rows[] = {
        { infra_balancer_maglev(), &even, INFRA_EINVAL },
        { infra_balancer_maglev(), &huge, INFRA_EINVAL },
        { infra_balancer_maglev(), &used, INFRA_ESTRUCT },
        { infra_balancer_maglev(), &small, INFRA_EINVAL },
        { infra_balancer_ring(), &crossed, INFRA_EINVAL },
        { infra_balancer_ring(), &hash, INFRA_EINVAL },
        { infra_balancer_ketama(), &odd, INFRA_EINVAL },
        { infra_balancer_jump(), &odd, INFRA_EINVAL },
    };
    struct infra_balancer *b = NULL;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct infra_balancer_options o = { .size = sizeof o,
                                            .policy = rows[i].policy,
                                            .policy_options = rows[i].options };
        ck_assert_int_eq(infra_balancer_create(&b, &o), rows[i].err);
        ck_assert_ptr_null(b);
    }
}
END_TEST

/* Each publish of a hash policy with its n-th allocation failing. */
START_TEST(every_allocation_may_fail)
{
    open_pool(hash_policy(_i), NULL);
    pool_fill(&pool, 3, NULL);
    for (long n = 0;; n++) {
        ck_assert_int_eq(pool_set(&pool, 1, 2 + (uint32_t)n % 2, 0, 0), 0);
        pool.heap.countdown = n;
        int err = infra_balancer_publish(pool.balancer, 0);
        pool.heap.countdown = -1;
        ck_assert_int_ge(pick_hash(77), 0);
        if (err == INFRA_OK) {
            ck_assert_int_ge(n, 3);
            break;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
    }
    pool_close(&pool);
}
END_TEST

static Suite *hash_policies_suite(void)
{
    Suite *s = suite_create("hash_policies");
    TCase *tc = tcase_create("keys");
    tcase_add_loop_test(tc, only_the_keys_of_the_missing_move, 0,
                        HASH_POLICIES);
    tcase_add_loop_test(tc, retries_meet_everybody_once, 0, HASH_POLICIES);
    tcase_add_loop_test(tc, shares_follow_the_weights, 0, 5);
    tcase_add_test(tc, jump_keeps_keys_over_holes);
    suite_add_tcase(s, tc);

    tc = tcase_create("peers");
    tcase_add_test(tc, maglev_is_that_of_envoy);
    tcase_add_loop_test(tc, ring_is_that_of_envoy, 0, 2);
    tcase_add_test(tc, ip_hash_is_that_of_nginx);
    suite_add_tcase(s, tc);

    tc = tcase_create("limits");
    tcase_add_test(tc, bad_policy_options_are_refused);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, HASH_POLICIES);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(hash_policies_suite());
}
