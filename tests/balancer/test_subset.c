/* SPDX-License-Identifier: MIT */
/* Subsets: the backends that a client uses, and those that take its picks. */
#include "pool.h"
#include "rendezvous_top.h"

#include "balancer/algorithm/rendezvous_hash.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BACKENDS = 40, SIZE = 8 };

static struct pool pool;

/* With backends b0 to b39 of weight 1, in tier 0. */
static void open_pool(const struct infra_balancer_policy *policy,
                      const char *client, uint32_t size)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = policy,
                                        .subset_size = size,
                                        .subset_key = client };

    pool_open(&pool, &o);
    pool_fill(&pool, BACKENDS, NULL);
}

static uint32_t share(uint32_t id)
{
    struct infra_balancer_status stats = { .size = sizeof stats };
    int err = infra_balancer_inspect(pool.balancer, id, &stats);

    ck_assert(err == INFRA_OK || err == INFRA_ENOENT);
    return err == INFRA_OK ? stats.share_ppm : 0;
}

/* Who can be picked, as a word of bits. */
static uint64_t subset(void)
{
    uint64_t bits = 0;

    for (uint32_t id = 0; id < 64; id++) {
        bits |= share(id) > 0 ? (uint64_t)1 << id : 0;
    }
    return bits;
}

/* Who is picked. */
static uint64_t picked(void)
{
    uint64_t random = 1;
    uint64_t bits = 0;

    for (int i = 0; i < 100 * SIZE; i++) {
        struct infra_request q = { .hash = infra__random(&random) };
        int id = pool_once(&pool, &q);
        ck_assert_int_ge(id, 0);
        bits |= (uint64_t)1 << id;
    }
    return bits;
}

static int count(uint64_t bits)
{
    return __builtin_popcountll(bits);
}

static uint32_t first(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits);
}

static uint64_t bit(uint32_t id)
{
    return (uint64_t)1 << id;
}

static void mark(uint64_t ids, uint32_t state)
{
    for (; ids != 0; ids &= ids - 1) {
        pool_mark(&pool, first(ids), INFRA_BALANCER_AXIS_HEALTH, state);
    }
    pool_publish(&pool);
}

/* The subset of @size if only these backends were there. */
static uint64_t subset_among(uint64_t ids, const char *client, uint32_t size)
{
    struct infra__rendezvous_node nodes[64];
    struct infra__rendezvous_rank best[64];
    uint64_t hash = infra_xxhash64(client, strlen(client), 0x737562736574);
    uint64_t bits = 0;
    uint32_t nodes_count = 0;

    for (; ids != 0; ids &= ids - 1) {
        char key[16];
        snprintf(key, sizeof key, "b%u", (unsigned)first(ids));
        nodes[nodes_count++] = (struct infra__rendezvous_node) {
            infra_xxhash64(key, strlen(key), 0), 1, first(ids)
        };
    }
    uint32_t found = rendezvous_top(best, size, nodes, nodes_count, hash);
    for (uint32_t i = 0; i < found; i++) {
        bits |= bit(best[i].index);
    }
    return bits;
}

#define ALL (bit(BACKENDS) - 1)

/* The choice is the same on every machine and in every version: restarts and
 * updates keep the connections that there are. */
START_TEST(choices_are_frozen)
{
    static const struct {
        const char *client;
        uint64_t ids;
    } rows[] = {
        { "web-1", 0xc040058108 },
        { "web-2", 0x000a80c540 },
        { "10.0.0.1:8080", 0x04004021a5 },
    };

    open_pool(NULL, rows[_i].client, SIZE);
    ck_assert_uint_eq(subset(), subset_among(ALL, rows[_i].client, SIZE));
    ck_assert_uint_eq(subset(), rows[_i].ids);
    pool_close(&pool);
}
END_TEST

/* With every policy exactly those of the subset are picked, of any size. */
START_TEST(nobody_else_is_picked)
{
    const struct infra_balancer_policy *policy =
        infra_balancer_policy_by_name(infra_balancer_policy_name((uint32_t)_i));

    for (uint32_t size = 1; size < BACKENDS + 10; size += size < SIZE ? 1 : 9) {
        open_pool(policy, "web-1", size);
        uint64_t want = subset_among(ALL, "web-1", size);
        ck_assert_uint_eq(subset(), want);
        if (strcmp(policy->name, "first") == 0) {
            ck_assert_uint_eq(picked(), bit(first(want)));
        } else if (strcmp(policy->name, "peak-ewma") != 0) {
            ck_assert_msg(picked() == want, "%s, %u", policy->name, size);
        }
        ck_assert_uint_eq(picked() & ~want, 0);
        pool_close(&pool);
    }
}
END_TEST

/* No size is no subset, and a size of as many as there are, or more, is all. */
START_TEST(none_and_all)
{
    static const uint32_t sizes[] = { 0,  BACKENDS, BACKENDS + 1, 64,
                                      65, 70000,    UINT32_MAX };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        open_pool(NULL, "web-1", sizes[i]);
        ck_assert_uint_eq(subset(), ALL);
        pool_close(&pool);
    }
    open_pool(NULL, "web-1", BACKENDS - 1);
    ck_assert_int_eq(count(subset()), BACKENDS - 1);
    pool_close(&pool);
}
END_TEST

/* A client is its key: neither its seed nor the order in which it learns of the
 * backends, nor their weights, make another choice. */
START_TEST(only_the_keys_count)
{
    struct infra_balancer_options o = {
        .size = sizeof o, .seed = 7, .subset_size = SIZE, .subset_key = "web-1"
    };

    pool_open(&pool, &o);
    for (uint32_t i = 0; i < BACKENDS; i++) {
        uint32_t id = (i * 7 + 3) % BACKENDS;
        ck_assert_int_eq(pool_set(&pool, id, 1 + id % 9, 0, 0), INFRA_OK);
    }
    pool_publish(&pool);
    ck_assert_uint_eq(subset(), subset_among(ALL, "web-1", SIZE));
    pool_close(&pool);
}
END_TEST

/* A backend that goes is replaced where it was in the subset, and nothing
 * changes where it was not; one that comes takes one's place, or nobody's. */
START_TEST(membership_moves_one_at_most)
{
    const struct infra_balancer_policy *policy =
        _i == 0 ? infra_balancer_round_robin() : infra_balancer_maglev();

    open_pool(policy, "web-1", SIZE);
    uint64_t before = subset();
    for (uint32_t id = 0; id < BACKENDS; id++) {
        ck_assert_int_eq(infra_balancer_remove(pool.balancer, id), INFRA_OK);
        pool_publish(&pool);
        uint64_t without = subset();
        ck_assert_int_eq(count(without), SIZE);
        ck_assert_uint_eq(before & ~without, before & bit(id));
        ck_assert_uint_eq(without, subset_among(ALL & ~bit(id), "web-1", SIZE));
        ck_assert_int_eq(pool_set(&pool, id, 1, 0, 0), INFRA_OK);
        pool_publish(&pool);
        ck_assert_uint_eq(subset(), before);
    }
    pool_close(&pool);
}
END_TEST

/* An id that another key takes has the place of that key. */
START_TEST(an_id_is_not_a_key)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .subset_size = 1,
                                        .subset_key = "web-1" };
    struct infra_backend list[2] = {
        { .size = sizeof list[0], .key = "b0", .id = 0 },
        { .size = sizeof list[0], .key = "b1", .id = 1 },
    };

    pool_open(&pool, &o);
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, 2, 0), INFRA_OK);
    pool_publish(&pool);
    uint64_t before = subset();
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, NULL, 0, 0), INFRA_OK);
    pool_publish(&pool);
    infra_balancer_refresh(pool.reader);
    list[0].id = 1;
    list[1].id = 0;
    ck_assert_int_eq(infra_balancer_sync(pool.balancer, list, 2, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_uint_eq(subset(), before ^ 3);
    pool_close(&pool);
}
END_TEST

/* Each tier has a subset of its own, and one whose subset is down though the
 * tier is not is no reason to go on to the next. */
START_TEST(each_tier_has_its_own)
{
    const uint64_t tier_0 = bit(20) - 1;
    const struct infra_balancer_policy *policy =
        _i == 0 ? infra_balancer_round_robin() : infra_balancer_rendezvous();

    open_pool(policy, "web-1", 5);
    for (uint32_t id = 20; id < BACKENDS; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, 3, 0), INFRA_OK);
    }
    pool_publish(&pool);
    uint64_t mine = subset_among(tier_0, "web-1", 5);
    ck_assert_uint_eq(subset(), mine | subset_among(ALL & ~tier_0, "web-1", 5));
    ck_assert_uint_eq(picked(), mine);
    mark(mine, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(picked(), subset_among(tier_0 & ~mine, "web-1", 5));
    mark(tier_0, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(picked(), subset_among(ALL & ~tier_0, "web-1", 5));
    pool_close(&pool);
}
END_TEST

/* A share is that of the weight in the subset; all of them together are one. */
START_TEST(shares_are_of_the_subset)
{
    uint32_t weight = 0;
    uint32_t sum = 0;

    open_pool(infra_balancer_random(), "web-1", SIZE);
    uint64_t mine = subset();
    for (uint32_t id = 0; id < BACKENDS; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1 + id, 0, 0), INFRA_OK);
        weight += (mine & bit(id)) != 0 ? 1 + id : 0;
    }
    pool_publish(&pool);
    for (uint32_t id = 0; id < BACKENDS; id++) {
        uint32_t due = (uint32_t)((1 + id) * (uint64_t)1000000 / weight);
        ck_assert_uint_eq(share(id), (mine & bit(id)) != 0 ? due : 0);
        sum += share(id);
    }
    ck_assert_uint_ge(sum, 1000000 - SIZE);
    pool_close(&pool);
}
END_TEST

/* A size needs a name of 1 to 255 bytes; without a size the name is ignored. */
START_TEST(a_subset_needs_a_name)
{
    char longest[INFRA_BALANCER_KEY_MAX + 2];
    struct infra_balancer_options o = { .size = sizeof o, .subset_size = 1 };
    struct infra_balancer *b = NULL;

    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    o.subset_key = "";
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    o.subset_key = longest;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    ck_assert_ptr_null(b);
    o.subset_key = longest + 1;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_OK);
    infra_balancer_destroy(b);
    o.subset_size = 0;
    o.subset_key = longest;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_OK);
    infra_balancer_destroy(b);
}
END_TEST

/* The name is hashed in create; it need not outlive that. Every allocation may
 * fail, and nothing is left. */
START_TEST(every_allocation_may_fail)
{
    struct test_heap heap;
    char client[] = "web-1";
    struct infra_balancer_options o = { .size = sizeof o,
                                        .allocator = &heap.allocator,
                                        .subset_size = SIZE,
                                        .subset_key = client };
    struct infra_balancer *b = NULL;
    int err = INFRA_ENOMEM;

    for (long n = 0; err == INFRA_ENOMEM; n++) {
        test_heap_init(&heap, n);
        err = infra_balancer_create(&b, &o);
        ck_assert(err == INFRA_OK || heap.live == 0);
    }
    ck_assert_int_eq(err, INFRA_OK);
    memset(client, 'x', sizeof client - 1);
    heap.countdown = -1;
    pool.balancer = b;
    pool_fill(&pool, BACKENDS, NULL);
    ck_assert_uint_eq(subset(), subset_among(ALL, "web-1", SIZE));
    infra_balancer_destroy(b);
    ck_assert_int_eq(heap.live, 0);
}
END_TEST

static Suite *subset_suite(void)
{
    Suite *s = suite_create("subset");
    TCase *tc = tcase_create("choice");
    tcase_add_loop_test(tc, choices_are_frozen, 0, 3);
    tcase_add_loop_test(tc, nobody_else_is_picked, 0, policies_count());
    tcase_add_test(tc, none_and_all);
    tcase_add_test(tc, only_the_keys_count);
    tcase_add_loop_test(tc, membership_moves_one_at_most, 0, 2);
    tcase_add_test(tc, an_id_is_not_a_key);
    tcase_add_loop_test(tc, each_tier_has_its_own, 0, 2);
    tcase_add_test(tc, shares_are_of_the_subset);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_test(tc, a_subset_needs_a_name);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(subset_suite());
}
