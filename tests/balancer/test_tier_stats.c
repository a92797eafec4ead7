/* SPDX-License-Identifier: MIT */
/* What infra_balancer_inspect_tier() tells, against what picks do. */
#include "pool.h"

#include "balancer/algorithm/hash_ring.h"

#include <stdlib.h>
#include <string.h>

static struct pool pool;

static void open_pool(const struct infra_balancer_policy *policy,
                      const void *policy_options, uint32_t count,
                      const uint32_t *weights)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = policy,
                                        .policy_options = policy_options };

    pool_open(&pool, &o);
    pool_fill(&pool, count, weights);
}

static struct infra_balancer_tier_status stats_of(uint32_t tier)
{
    struct infra_balancer_tier_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, tier, &stats),
                     INFRA_OK);
    return stats;
}

static void check_counts(uint32_t tier, uint32_t backends, uint32_t up,
                         uint32_t candidates, uint32_t load)
{
    struct infra_balancer_tier_status stats = stats_of(tier);

    ck_assert_uint_eq(stats.backends, backends);
    ck_assert_uint_eq(stats.up, up);
    ck_assert_uint_eq(stats.candidates, candidates);
    ck_assert_uint_eq(stats.load_percent, load);
}

static void mark(uint32_t begin, uint32_t end, uint32_t state)
{
    for (uint32_t id = begin; id < end; id++) {
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH, state);
    }
}

static const struct infra_balancer_policy *list_or_hash(int index)
{
    return index == 0 ? infra_balancer_smooth_weighted()
                      : infra_balancer_maglev();
}

/* Members and their marks are seen at once, candidates once published; a
 * draining backend is neither up nor a candidate. */
START_TEST(who_is_there_and_who_is_used)
{
    open_pool(list_or_hash(_i), NULL, 10, NULL);
    check_counts(0, 10, 10, 10, 100);
    mark(0, 2, INFRA_BALANCER_STATE_DOWN);
    mark(2, 3, INFRA_BALANCER_STATE_DEGRADED);
    mark(3, 4, INFRA_BALANCER_STATE_DRAINING);
    ck_assert_int_eq(pool_set(&pool, 10, 1, 0, 0), INFRA_OK);
    ck_assert_int_eq(pool_set(&pool, 11, 1, 2, 0), INFRA_OK);
    check_counts(0, 11, 8, 10, 100);
    check_counts(2, 1, 1, 0, 0);
    pool_publish(&pool);
    check_counts(0, 11, 8, 8, 100);
    check_counts(2, 1, 1, 1, 0);
    check_counts(1, 0, 0, 0, 0);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 11), INFRA_OK);
    check_counts(2, 0, 0, 1, 0);
    pool_close(&pool);
}
END_TEST

/* Before the first publish there are no candidates. */
START_TEST(nothing_is_published_yet)
{
    pool_open(&pool, NULL);
    check_counts(0, 0, 0, 0, 0);
    ck_assert_int_eq(pool_set(&pool, 1, 1, 0, 0), INFRA_OK);
    check_counts(0, 1, 1, 0, 0);
    ck_assert_uint_eq(stats_of(0).share_min_ppm, 0);
    ck_assert_uint_eq(stats_of(0).share_max_ppm, 0);
    pool_close(&pool);
}
END_TEST

/* A subset uses fewer than are up; an outage that lifts marks uses more. */
START_TEST(used_may_be_fewer_or_more_than_up)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = list_or_hash(_i),
                                        .outage = INFRA_BALANCER_OUTAGE_ANYBODY,
                                        .subset_size = 4,
                                        .subset_key = "web-1" };

    pool_open(&pool, &o);
    pool_fill(&pool, 10, NULL);
    check_counts(0, 10, 10, 4, 100);
    mark(0, 10, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    check_counts(0, 10, 0, 4, 100);
    pool_close(&pool);
}
END_TEST

/* Where tiers share the traffic each has its part, of the healthy and of the
 * degraded. */
START_TEST(load_is_of_both_lists)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = list_or_hash(_i),
                                        .overprovision_percent = 100 };

    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 8; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 4, 0), INFRA_OK);
    }
    mark(0, 1, INFRA_BALANCER_STATE_DEGRADED);
    mark(1, 2, INFRA_BALANCER_STATE_DOWN);
    mark(4, 7, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    /* 50 healthy and 25 degraded, and 25: they are all that there is. */
    check_counts(0, 4, 3, 3, 75);
    check_counts(1, 4, 1, 1, 25);
    pool_close(&pool);
}
END_TEST

/* The table's bytes are told once, though the healthy and the degraded share
 * it; and of both, where each has its own. */
START_TEST(bytes_of_tables)
{
    open_pool(infra_balancer_round_robin(), NULL, 10, NULL);
    ck_assert_uint_eq(stats_of(0).table_bytes, 0);
    pool_close(&pool);

    open_pool(infra_balancer_maglev(), NULL, 10, NULL);
    ck_assert_uint_ge(stats_of(0).table_bytes, 65537 * 2);
    ck_assert_uint_le(stats_of(0).table_bytes, 65537 * 2 + 64);
    mark(0, 1, INFRA_BALANCER_STATE_DEGRADED);
    pool_publish(&pool);
    ck_assert_uint_le(stats_of(0).table_bytes, 65537 * 2 + 64);
    pool_close(&pool);

    open_pool(infra_balancer_smooth_weighted(), NULL, 10, NULL);
    uint64_t all = stats_of(0).table_bytes;
    mark(0, 4, INFRA_BALANCER_STATE_DEGRADED);
    pool_publish(&pool);
    ck_assert_uint_gt(stats_of(0).table_bytes, all);
    pool_close(&pool);
}
END_TEST

/* Every policy is fair, but rings, which are so by chance, and ip_hash, which
 * has few values. */
START_TEST(how_even_the_policies_are)
{
    static const uint32_t weights[12] = { 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3 };
    const struct infra_balancer_policy *policy =
        infra_balancer_policy_by_name(infra_balancer_policy_name((uint32_t)_i));
    uint32_t off = 0; /* In millionths. */

    off = strcmp(policy->name, "maglev") == 0 ? 1000 : off;
    off = strcmp(policy->name, "ip-hash") == 0 ? 4000 : off;
    off = strcmp(policy->name, "ketama") == 0 ? 250000 : off;
    off = strcmp(policy->name, "nginx-ring") == 0 ? 250000 : off;
    off = strcmp(policy->name, "ring") == 0 ? 400000 : off;
    open_pool(policy, NULL, 12, weights);
    struct infra_balancer_tier_status stats = stats_of(0);
    ck_assert_uint_le(stats.share_min_ppm, 1000000);
    ck_assert_uint_ge(stats.share_max_ppm, 1000000);
    ck_assert_uint_ge(stats.share_min_ppm, 1000000 - off);
    ck_assert_uint_le(stats.share_max_ppm, 1000000 + off);
    ck_assert_int_eq(stats.share_max_ppm > 1000000, off > 0);
    pool_close(&pool);
}
END_TEST

static const struct infra_maglev_options small_maglev = {
    .size = sizeof small_maglev,
    .table_size = 251,
};

/* Hashes that meet each part of the table as often as it is large: all of a
 * few values, or a number of them at even distances. */
static const struct {
    const char *policy;
    const void *options;
    uint64_t step;
    uint32_t count;
    uint32_t tolerance_ppm;
} walks[] = {
    { "maglev", NULL, 1, 65537, 1 },
    { "maglev", &small_maglev, 1, 251, 1 },
    { "ip-hash", NULL, 1, 6271, 1 },
    { "ketama", NULL, (uint64_t)1 << 44, 1u << 20, 3000 },
    { "nginx-ring", NULL, (uint64_t)1 << 44, 1u << 20, 3000 },
    { "ring", NULL, (uint64_t)1 << 44, 1u << 20, 3000 },
};

static void check_extremes(const uint32_t *counts, const uint32_t *weights,
                           uint32_t backends, uint32_t tolerance_ppm)
{
    struct infra_balancer_tier_status stats = stats_of(0);
    double least = 1e9, most = 0;
    double weight = 0, all = 0;

    for (uint32_t id = 0; id < backends; id++) {
        weight += weights[id];
        all += counts[id];
    }
    for (uint32_t id = 0; id < backends; id++) {
        double part = 1e6 * (counts[id] / all) / (weights[id] / weight);
        least = part < least ? part : least;
        most = part > most ? part : most;
    }
    ck_assert_double_eq_tol(stats.share_min_ppm, least, tolerance_ppm);
    ck_assert_double_eq_tol(stats.share_max_ppm, most, tolerance_ppm);
}

/* The extremes are those of the picks of all keys. */
START_TEST(shares_are_those_of_keys)
{
    static const uint32_t weights[] = { 5, 1, 1, 3, 2, 9, 1 };
    uint32_t counts[7] = { 0 };

    open_pool(infra_balancer_policy_by_name(walks[_i].policy),
              walks[_i].options, 7, weights);
    for (uint32_t i = 0; i < walks[_i].count; i++) {
        struct infra_request q = { .hash = walks[_i].step * i };
        struct infra_ticket t;
        int id = infra_balancer_pick(pool.reader, &q, 0, &t);
        if (id < 0 || infra_balancer_release(pool.reader, &t, 0, 0) != 0) {
            ck_abort();
        }
        counts[id]++;
    }
    check_extremes(counts, weights, 7, walks[_i].tolerance_ppm);
    mark(0, 3, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    check_extremes(counts, weights, 7, walks[_i].tolerance_ppm);
    pool_close(&pool);
}
END_TEST

/* And for those that take turns, of the turns in a whole round: with strides
 * the lightest is raised to a hundredth of the mean, and the heaviest brought
 * down to ten times that. */
START_TEST(shares_are_those_of_turns)
{
    static uint32_t weights[40], counts[40];
    const struct infra_balancer_policy *policy =
        _i == 0 ? infra_balancer_smooth_weighted()
                : infra_balancer_weighted_round_robin();
    uint32_t sum = 0;
    uint32_t round = 0;

    for (uint32_t id = 0; id < 40; id++) {
        weights[id] = id == 0 ? 65535 : id == 1 ? 1 : 3000;
        sum += weights[id];
    }
    open_pool(policy, NULL, 40, weights);
    /* In 65535 generations each takes its scaled weight of turns. */
    uint64_t top = 10 * (uint64_t)sum < 40 * (uint64_t)65535
                       ? 10 * (uint64_t)sum
                       : 40 * (uint64_t)65535;
    for (uint32_t id = 0; id < 40; id++) {
        uint64_t w = 40 * (uint64_t)weights[id];
        w = w > top ? top : 100 * w < sum ? sum / 100 : w;
        round += (uint32_t)((w * 65535 + top / 2) / top);
    }
    memset(counts, 0, sizeof counts);
    for (uint32_t i = 0; i < round; i++) {
        struct infra_ticket t;
        int id = infra_balancer_pick(pool.reader, NULL, 0, &t);
        if (id < 0 || infra_balancer_release(pool.reader, &t, 0, 0) != 0) {
            ck_abort();
        }
        counts[id]++;
    }
    ck_assert_uint_gt(stats_of(0).share_max_ppm, 10000000);
    check_extremes(counts, weights, 40, 30);
    pool_close(&pool);
}
END_TEST

/* Where some are degraded the shares are those of the healthy. */
START_TEST(shares_of_the_healthy)
{
    static const uint32_t weights[] = { 2, 2, 2, 1, 1000, 65535 };

    open_pool(infra_balancer_weighted_round_robin(), NULL, 6, weights);
    ck_assert_uint_gt(stats_of(0).share_max_ppm, 1000000);
    mark(3, 6, INFRA_BALANCER_STATE_DEGRADED);
    pool_publish(&pool);
    ck_assert_uint_eq(stats_of(0).share_min_ppm, 1000000);
    ck_assert_uint_eq(stats_of(0).share_max_ppm, 1000000);
    mark(0, 3, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    ck_assert_uint_gt(stats_of(0).share_max_ppm, 1000000);
    pool_close(&pool);
}
END_TEST

/* Without weights, as libmemcached is by default, all should have the same. */
START_TEST(unweighted_is_no_injustice)
{
    static const struct infra_ketama_options unweighted = {
        .size = sizeof unweighted,
        .unweighted = 1,
    };
    static const uint32_t weights[] = { 1, 100, 1 };

    open_pool(infra_balancer_ketama(), &unweighted, 3, weights);
    ck_assert_uint_gt(stats_of(0).share_min_ppm, 700000);
    ck_assert_uint_lt(stats_of(0).share_max_ppm, 1300000);
    pool_close(&pool);
}
END_TEST

/* One backend has all of any table. */
START_TEST(one_has_all)
{
    open_pool(
        infra_balancer_policy_by_name(infra_balancer_policy_name((uint32_t)_i)),
        NULL, 1, NULL);
    ck_assert_uint_eq(stats_of(0).share_min_ppm, 1000000);
    ck_assert_uint_eq(stats_of(0).share_max_ppm, 1000000);
    pool_close(&pool);
}
END_TEST

/* The parts of a ring's places are the whole, also of places in one point. */
START_TEST(places_of_a_ring)
{
    static const struct {
        uint64_t hashes[3];
        uint64_t parts[3];
        uint32_t count;
    } rows[] = {
        { { 0x500 }, { UINT64_MAX >> 8 }, 1 },
        { { 0x500, 0x500 }, { UINT64_MAX >> 8, 0 }, 2 },
        { { 0x500, 0x500, 0x900 }, { (UINT64_MAX >> 8) - 3, 0, 4 }, 3 },
        { { 0, 0x800, UINT64_MAX }, { 0, 8, (UINT64_MAX >> 8) - 8 }, 3 },
    };
    struct infra__ring *ring = malloc(infra__ring_size(3));

    ck_assert_ptr_nonnull(ring);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        infra__ring_init(ring, 3);
        for (uint32_t i = 0; i < rows[r].count; i++) {
            infra__ring_add(ring, rows[r].hashes[i], i);
        }
        infra__ring_finish(ring);
        for (uint32_t i = 0; i < rows[r].count; i++) {
            ck_assert_uint_eq(infra__ring_part(ring, i), rows[r].parts[i]);
        }
    }
    free(ring);
}
END_TEST

static const uint64_t *host_due;
static const uint64_t *host_has;

static uint32_t pick_none(const void *table, uint64_t state[4],
                          const struct infra_balancer_candidates *candidates,
                          uint64_t hash)
{
    (void)table;
    (void)state;
    (void)candidates;
    (void)hash;
    return UINT32_MAX;
}

static void host_shares(const void *table,
                        const struct infra_balancer_candidates *candidates,
                        uint64_t *due, uint64_t *has)
{
    ck_assert_ptr_null(table);
    for (uint32_t i = 0; i < infra_candidates_count(candidates); i++) {
        ck_assert_uint_eq(due[i], infra_candidates_weight(candidates, i));
        ck_assert_uint_eq(has[i], 0);
        due[i] = host_due[i];
        has[i] = host_has[i];
    }
}

/* A host's policy says what it likes, in its own units; what should have
 * nothing does not count, and nonsense comes out as bounded numbers. */
START_TEST(a_host_policy_tells_its_own)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "host",
        .pick = pick_none,
        .shares = host_shares,
    };
    static const struct {
        uint64_t due[3], has[3];
        uint32_t least, most;
    } rows[] = {
        { { 1, 1, 2 }, { 30, 10, 40 }, 500000, 1500000 },
        { { 1, 1, 0 }, { 30, 10, 40 }, 250000, 750000 },
        { { 1, 1, 1 }, { 0, 0, 7 }, 0, 3000000 },
        { { 1, 1, 1 }, { 0, 0, 0 }, 0, 0 },
        { { 0, 0, 0 }, { 1, 1, 1 }, 0, 0 },
        { { 1, UINT64_MAX / 4, UINT64_MAX / 4 }, { 1, 0, 0 }, 0, UINT32_MAX },
        { { 3, 3, 3 }, { 1, 1, 1 }, 1000000, 1000000 },
        { { 1, 1, 1 }, { 1, 2, 4 }, 428571, 1714286 },
        { { 3, 3, 1 }, { 3, 3, 1 }, 1000000, 1000000 },
    };
    static const uint32_t weights[] = { 7, 8, 9 };

    open_pool(&policy, NULL, 3, weights);
    host_due = rows[_i].due;
    host_has = rows[_i].has;
    ck_assert_uint_eq(stats_of(0).share_min_ppm, rows[_i].least);
    ck_assert_uint_eq(stats_of(0).share_max_ppm, rows[_i].most);
    pool_close(&pool);
}
END_TEST

/* The documented errors leave the struct alone. */
START_TEST(errors)
{
    struct {
        struct infra_balancer_tier_status v1;
        uint64_t future;
    } stats = { .v1 = { .size = sizeof stats.v1, .backends = 77 },
                .future = 5 };

    open_pool(infra_balancer_maglev(), NULL, 3, NULL);
    ck_assert_int_eq(infra_balancer_inspect_tier(NULL, 0, &stats.v1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 0, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 16, &stats.v1),
                     INFRA_EINVAL);
    stats.v1.size--;
    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 0, &stats.v1),
                     INFRA_EINVAL);
    stats.v1.size = sizeof stats;
    pool.heap.countdown = 0;
    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 0, &stats.v1),
                     INFRA_ENOMEM);
    ck_assert_uint_eq(stats.v1.backends, 77);
    ck_assert_uint_eq(stats.future, 5);
    pool.heap.countdown = -1;
    ck_assert_int_eq(infra_balancer_inspect_tier(pool.balancer, 15, &stats.v1),
                     INFRA_OK);
    ck_assert_uint_eq(stats.v1.backends, 0);
    ck_assert_uint_eq(stats.future, 0);
    pool_close(&pool);
}
END_TEST

static Suite *tier_stats_suite(void)
{
    Suite *s = suite_create("tier-stats");
    TCase *tc = tcase_create("who");
    tcase_add_loop_test(tc, who_is_there_and_who_is_used, 0, 2);
    tcase_add_test(tc, nothing_is_published_yet);
    tcase_add_loop_test(tc, used_may_be_fewer_or_more_than_up, 0, 2);
    tcase_add_loop_test(tc, load_is_of_both_lists, 0, 2);
    tcase_add_test(tc, bytes_of_tables);
    tcase_add_test(tc, errors);
    suite_add_tcase(s, tc);

    tc = tcase_create("shares");
    tcase_add_loop_test(tc, how_even_the_policies_are, 0, policies_count());
    tcase_add_loop_test(tc, shares_are_those_of_keys, 0,
                        sizeof walks / sizeof walks[0]);
    tcase_add_loop_test(tc, shares_are_those_of_turns, 0, 2);
    tcase_add_test(tc, shares_of_the_healthy);
    tcase_add_test(tc, unweighted_is_no_injustice);
    tcase_add_loop_test(tc, one_has_all, 0, policies_count());
    tcase_add_test(tc, places_of_a_ring);
    tcase_add_loop_test(tc, a_host_policy_tells_its_own, 0, 9);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(tier_stats_suite());
}
