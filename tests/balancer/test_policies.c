/* SPDX-License-Identifier: MIT */
/* How each policy spreads: known answers from nginx and gRPC, and fairness. */
#include "pool.h"

#include "base/random.h"

#include "balancer/algorithm/alias.h"
#include "balancer/algorithm/static_stride.h"

#include <string.h>

static struct pool pool;

static void open_pool(const struct infra_balancer_policy *policy,
                      uint32_t ids_max)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = policy,
                                        .ids_max = ids_max };

    pool_open(&pool, &o);
}

/* Picks per backend over `picks` picks. */
static void count_picks(uint32_t *counts, uint32_t backends, int picks,
                        const struct infra_request *request)
{
    memset(counts, 0, backends * sizeof counts[0]);
    for (int i = 0; i < picks; i++) {
        int id = pool_once(&pool, request);
        ck_assert_int_ge(id, 0);
        counts[id]++;
    }
}

/* Each in turn, whatever the weights. */
START_TEST(round_robin_takes_each_in_turn)
{
    static const uint32_t weights[] = { 9, 1, 4 };

    open_pool(infra_balancer_round_robin(), 0);
    pool_fill(&pool, 3, weights);
    int first = pool_once(&pool, NULL);
    for (int i = 1; i < 30; i++) {
        ck_assert_int_eq(pool_once(&pool, NULL), (first + i) % 3);
    }
    pool_close(&pool);
}
END_TEST

/* A change of membership does not send the rotation back to the start. */
START_TEST(round_robin_keeps_its_position)
{
    open_pool(infra_balancer_round_robin(), 0);
    pool_fill(&pool, 10, NULL);
    while (pool_once(&pool, NULL) != 4) {
    }
    ck_assert_int_eq(pool_set(&pool, 10, 1, 0, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 5);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 9), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 6);
    pool_close(&pool);
}
END_TEST

/* A third of the traffic may only use 2 and 3, a third only 4 and 5. Nobody
 * gets a neighbour's share, and no pattern of requests meets one backend
 * only. */
START_TEST(restricted_picks_spare_the_neighbours)
{
    uint64_t words[2] = { 1u << 2 | 1u << 3, 1u << 4 | 1u << 5 };
    struct infra_set sets[2] = { { .words = &words[0], .ids_max = 64 },
                                 { .words = &words[1], .ids_max = 64 } };
    uint32_t counts[3][10] = { { 0 } };

    open_pool(_i == 0 ? infra_balancer_round_robin()
                      : infra_balancer_smooth_weighted(),
              0);
    pool_fill(&pool, 10, NULL);
    for (int i = 0; i < 10000; i++) {
        for (int kind = 0; kind < 3; kind++) {
            struct infra_request q = { .eligible =
                                           kind < 2 ? &sets[kind] : NULL };
            counts[kind][pool_once(&pool, &q)]++;
        }
    }
    for (int id = 0; id < 10; id++) {
        ck_assert_uint_eq(counts[2][id], 1000);
    }
    for (int id = 2; id < 6; id++) {
        uint32_t got = counts[id / 2 - 1][id];
        ck_assert_uint_ge(got, 4980);
        ck_assert_uint_le(got, 5020);
    }
    pool_close(&pool);
}
END_TEST

/* Restricted picks go by weight where the policy does. */
START_TEST(restricted_picks_keep_to_the_weights)
{
    static const uint32_t weights[] = { 9, 1, 3, 9 };
    uint64_t word = 1u << 1 | 1u << 2;
    struct infra_set set = { .words = &word, .ids_max = 64 };
    struct infra_request narrow = { .eligible = &set };
    uint32_t counts[4];

    open_pool(_i == 0 ? infra_balancer_smooth_weighted()
                      : infra_balancer_two_choices(),
              0);
    pool_fill(&pool, 4, weights);
    count_picks(counts, 4, 4000, &narrow);
    ck_assert_uint_ge(counts[1], 940);
    ck_assert_uint_le(counts[1], 1060);
    ck_assert_uint_eq(counts[1] + counts[2], 4000);
    pool_close(&pool);
}
END_TEST

/* Known answers: nginx commit 52327e0627, and its algorithm by hand. */
static const struct {
    const char *name;
    uint32_t count;
    uint32_t weights[4];
    uint32_t cycle;
    const char *order;
} smooth[] = {
    { "nginx 5 1 1", 3, { 5, 1, 1 }, 7, "0010200" },
    { "1 2", 2, { 1, 2 }, 3, "101" },
    { "1 2 3", 3, { 1, 2, 3 }, 6, "210212" },
    { "3 3 4", 3, { 3, 3, 4 }, 10, "2012012012" },
    { "4 3 2 1", 4, { 4, 3, 2, 1 }, 10, "0120130210" },
    { "50 10 10", 3, { 50, 10, 10 }, 7, "0010200" },
    { "equal", 4, { 7, 7, 7, 7 }, 4, "0123" },
    { "alone", 1, { 65535 }, 1, "0" },
};

/* The order is nginx's, from a starting point that the seed chooses. */
START_TEST(smooth_order_is_that_of_nginx)
{
    uint32_t cycle = smooth[_i].cycle;
    char got[64] = "";

    open_pool(infra_balancer_smooth_weighted(), 0);
    pool_fill(&pool, smooth[_i].count, smooth[_i].weights);
    for (uint32_t i = 0; i < 2 * cycle; i++) {
        got[i] = (char)('0' + pool_once(&pool, NULL));
    }
    ck_assert_msg(strstr(got, smooth[_i].order) != NULL, "%s: %s",
                  smooth[_i].name, got);
    pool_close(&pool);
}
END_TEST

/* Over a cycle each backend has exactly its weight, up to the longest cycle. */
START_TEST(smooth_cycles_are_exact)
{
    static const uint32_t weights[] = { 4000, 90, 5, 1 }; /* 4096 turns. */
    uint32_t counts[4];

    open_pool(infra_balancer_smooth_weighted(), 0);
    pool_fill(&pool, 4, weights);
    count_picks(counts, 4, 4096, NULL);
    for (int id = 0; id < 4; id++) {
        ck_assert_uint_eq(counts[id], weights[id]);
    }
    pool_close(&pool);
}
END_TEST

/* Beyond the longest cycle the strides are as exact as their 16 bits. */
START_TEST(longer_cycles_use_strides)
{
    static const uint32_t weights[] = { 4000, 1000, 3001, 500 };
    uint32_t counts[4];

    open_pool(infra_balancer_smooth_weighted(), 0);
    pool_fill(&pool, 4, weights);
    count_picks(counts, 4, 85010, NULL);
    for (int id = 0; id < 4; id++) {
        ck_assert_uint_ge(counts[id], weights[id] * 10 - 10);
        ck_assert_uint_le(counts[id], weights[id] * 10 + 10);
    }
    pool_close(&pool);
}
END_TEST

static void stride_scale(uint16_t *scaled, const uint32_t *weights,
                         uint32_t count)
{
    static struct entry entries[32];
    struct list list = { .entries = entries, .count = count };

    for (uint32_t i = 0; i < count; i++) {
        entries[i].weight = weights[i];
        list.weight_total += weights[i];
    }
    infra__static_stride_scale(scaled, &list);
}

static void stride_counts(uint32_t *counts, const uint32_t *weights,
                          uint32_t count, int picks, char *order)
{
    uint64_t position[2] = { 0, 0 };
    uint16_t scaled[32];

    stride_scale(scaled, weights, count);
    memset(counts, 0, count * sizeof counts[0]);
    for (int i = 0; i < picks; i++) {
        uint32_t k = infra__static_stride_next(scaled, count, position);
        counts[k]++;
        if (order != NULL) {
            order[i] = (char)('0' + k);
        }
    }
}

/* Known answers of gRPC's static_stride_scheduler_test. */
START_TEST(strides_are_those_of_grpc)
{
    static const uint32_t simple[] = { 1, 2, 3 };
    static const uint32_t even[] = { 300, 300, 300 };
    static const uint32_t falling[] = { 3, 2, 1 };
    uint32_t heavy[20] = { 81 };
    uint32_t light[] = { 65535, 1 };
    uint16_t scaled[3];
    uint32_t counts[20];
    char order[16] = "";

    stride_scale(scaled, simple, 3);
    ck_assert_uint_eq(scaled[0], 21845);
    ck_assert_uint_eq(scaled[1], 43690);
    ck_assert_uint_eq(scaled[2], 65535);
    stride_counts(counts, simple, 3, 6, order);
    ck_assert_str_eq(order, "122012");
    stride_counts(counts, simple, 3, 131070, NULL);
    ck_assert_uint_eq(counts[2], 65535);
    stride_counts(counts, falling, 3, 6, order);
    ck_assert_str_eq(order, "012001");
    memset(order, 0, sizeof order);
    stride_counts(counts, even, 3, 7, order);
    ck_assert_str_eq(order, "0120120");
    /* 81 beside 19 x 1 counts as 50: ten times the mean of 5. */
    for (int i = 1; i < 20; i++) {
        heavy[i] = 1;
    }
    stride_counts(counts, heavy, 20, 69, NULL);
    ck_assert_uint_eq(counts[0], 50);
    ck_assert_uint_eq(counts[1], 1);
    /* At least a hundredth of the mean: 1 of 201. */
    stride_counts(counts, light, 2, 201, NULL);
    ck_assert_uint_eq(counts[0], 200);
    ck_assert_uint_eq(counts[1], 1);
}
END_TEST

/* The fewest per weight wins; equals are taken in turn. */
START_TEST(least_connections_compares_by_weight)
{
    static const uint32_t weights[] = { 1, 3 };
    struct infra_ticket held[8];
    uint32_t counts[2] = { 0 };

    open_pool(infra_balancer_least_connections(), 0);
    pool_fill(&pool, 2, weights);
    for (int i = 0; i < 8; i++) {
        counts[pool_pick(&pool, NULL, &held[i])]++;
    }
    ck_assert_uint_eq(counts[0], 2);
    ck_assert_uint_eq(counts[1], 6);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &held[i], 0, 0),
                         0);
    }
    count_picks(counts, 2, 100, NULL);
    ck_assert_uint_eq(counts[0], 25); /* Idle, too. */
    pool_close(&pool);
}
END_TEST

/* ngx_http_upstream_get_least_conn_peer(), as in nginx 1.25. */
static int nginx_pick(const uint32_t *weights, const uint32_t *conns,
                      int *currents, int count)
{
    int best = 0, many = 0, total = 0, first;

    for (int i = 1; i < count; i++) {
        if (conns[i] * weights[best] < conns[best] * weights[i]) {
            best = i;
            many = 0;
        } else if (conns[i] * weights[best] == conns[best] * weights[i]) {
            many = 1;
        }
    }
    first = best;
    if (many || count == 1) {
        currents[best] += (int)weights[best];
        total += (int)weights[best];
        for (int i = first + 1; i < count; i++) {
            if (conns[i] * weights[best] != conns[best] * weights[i]) {
                continue;
            }
            currents[i] += (int)weights[i];
            total += (int)weights[i];
            best = currents[i] > currents[best] ? i : best;
        }
    }
    currents[best] -= total;
    return best;
}

/* With as many in flight as these, from none to many, each pick is nginx's. */
START_TEST(least_connections_is_that_of_nginx)
{
    static const struct {
        int count, in_flight;
        uint32_t weights[16];
    } rows[] = {
        { 3, 0, { 5, 1, 1 } },
        { 3, 1, { 5, 1, 1 } },
        { 3, 2, { 5, 1, 1 } },
        { 5, 2, { 1, 10, 3, 3, 100 } },
        { 5, 9, { 6, 4, 2, 2, 1 } },
        { 16, 1, { 3, 1, 2, 9, 1, 1, 1, 4, 7, 7, 1, 2, 2, 2, 8, 6 } },
    };
    struct infra_ticket held[16];
    int ids[16];
    int currents[16] = { 0 };
    uint32_t conns[16] = { 0 };
    uint64_t random = 3;

    open_pool(infra_balancer_least_connections(), 0);
    pool_fill(&pool, (uint32_t)rows[_i].count, rows[_i].weights);
    for (int i = 0; i < 3000; i++) {
        int k =
            rows[_i].in_flight > 0
                ? (int)(infra__random(&random) % (uint64_t)rows[_i].in_flight)
                : 0;
        if (i >= rows[_i].in_flight && rows[_i].in_flight > 0) {
            conns[ids[k]]--;
            ck_assert_int_eq(
                infra_balancer_release(pool.reader, &held[k], 0, 0), 0);
        } else {
            k = rows[_i].in_flight > 0 ? i : 0;
        }
        int want =
            nginx_pick(rows[_i].weights, conns, currents, rows[_i].count);
        ids[k] = pool_pick(&pool, NULL, &held[k]);
        ck_assert_msg(ids[k] == want, "row %d, pick %d: %d, not %d", _i, i,
                      ids[k], want);
        conns[want]++;
        if (rows[_i].in_flight == 0) {
            conns[want]--;
            ck_assert_int_eq(
                infra_balancer_release(pool.reader, &held[0], 0, 0), 0);
        }
    }
    for (int k = 0; k < rows[_i].in_flight; k++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &held[k], 0, 0),
                         0);
    }
    pool_close(&pool);
}
END_TEST

/* Of many that are idle each has its share by weight, too. */
START_TEST(least_connections_draws_by_weight)
{
    uint32_t weights[40];
    uint32_t counts[40];

    for (uint32_t i = 0; i < 40; i++) {
        weights[i] = i == 7 ? 39 : 1; /* Half of all. */
    }
    open_pool(infra_balancer_least_connections(), 0);
    pool_fill(&pool, 40, weights);
    count_picks(counts, 40, 20000, NULL);
    ck_assert_uint_gt(counts[7], 9000);
    ck_assert_uint_lt(counts[7], 11000);
    pool_close(&pool);
}
END_TEST

/* Of many backends some are drawn. With half of them stuck, the stuck ones get
 * almost nothing once that is known: the number of draws has grown. */
START_TEST(least_connections_avoids_the_stuck_half)
{
    static struct infra_ticket stuck[64 * 40];
    uint32_t counts[64];
    int held = 0;

    open_pool(infra_balancer_least_connections(), 0);
    pool_fill(&pool, 64, NULL);
    for (uint32_t i = 0; i < 64 * 40; i++) {
        int id = pool_pick(&pool, NULL, &stuck[held]);
        if (id % 2 == 0) {
            held++;
        } else {
            ck_assert_int_eq(
                infra_balancer_release(pool.reader, &stuck[held], 0, 0), 0);
        }
    }
    uint32_t wrong = 0;
    count_picks(counts, 64, 20000, NULL);
    for (uint32_t id = 0; id < 64; id += 2) {
        wrong += counts[id];
    }
    ck_assert_uint_le(wrong, 20000 / 50);
    for (int i = 0; i < held; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &stuck[i], 0, 0),
                         0);
    }
    pool_close(&pool);
}
END_TEST

/* With work held at all but one, that one is found, always. */
START_TEST(least_connections_finds_the_idle_one)
{
    struct infra_ticket held[9];
    struct infra_ticket t;

    open_pool(infra_balancer_least_connections(), 0);
    pool_fill(&pool, 10, NULL);
    for (int i = 0; i < 9; i++) {
        ck_assert_int_ge(pool_pick(&pool, NULL, &held[i]), 0);
    }
    int idle = pool_pick(&pool, NULL, &t);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
        ck_assert_int_eq(pool_pick(&pool, NULL, &t), idle);
    }
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &held[i], 0, 0),
                         0);
    }
    pool_close(&pool);
}
END_TEST

/* The two are different: of two backends the less loaded always wins. */
START_TEST(two_choices_are_different)
{
    static const uint32_t weights[2][2] = { { 1, 1 }, { 5, 5000 } };
    struct infra_ticket held[64];

    open_pool(infra_balancer_two_choices(), 0);
    pool_fill(&pool, 2, weights[_i]);
    for (int i = 0; i < 64; i++) {
        ck_assert_int_ge(pool_pick(&pool, NULL, &held[i]), 0);
        if (_i == 0 && i % 2 == 1) {
            ck_assert_uint_eq(pool_in_flight(&pool, 0), (uint64_t)i / 2 + 1);
        }
    }
    if (_i == 1) { /* 1000 to 1: one pick at most is due to the light one. */
        ck_assert_uint_le(pool_in_flight(&pool, 0), 1);
    }
    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &held[i], 0, 0),
                         0);
    }
    pool_close(&pool);
}
END_TEST

/* Over 160 000 picks of idle backends each gets its weight, within 5 %. */
START_TEST(draws_go_by_weight)
{
    static const uint32_t weights[] = { 1, 2, 3, 4, 1, 2, 3, 4 };
    uint32_t counts[8];

    open_pool(_i < 2 ? infra_balancer_two_choices() : infra_balancer_random(),
              0);
    pool_fill(&pool, 8, _i % 2 == 0 ? NULL : weights);
    count_picks(counts, 8, 160000, NULL);
    for (int id = 0; id < 8; id++) {
        uint32_t expected = _i % 2 == 0 ? 20000 : 8000 * weights[id];
        ck_assert_msg(counts[id] > expected * 95 / 100 &&
                          counts[id] < expected * 105 / 100,
                      "%d: %u of %u", id, counts[id], expected);
    }
    pool_close(&pool);
}
END_TEST

/* Strides are exact where the smooth order is, and keep their phase. */
START_TEST(weighted_round_robin_is_even)
{
    static const uint32_t weights[] = { 5, 1, 4 };
    uint32_t counts[3];

    open_pool(infra_balancer_weighted_round_robin(), 0);
    pool_fill(&pool, 3, weights);
    for (int round = 0; round < 100; round++) {
        count_picks(counts, 3, 10, NULL);
        for (int id = 0; id < 3; id++) {
            ck_assert_uint_ge(counts[id] + 1, weights[id]);
            ck_assert_uint_le(counts[id], weights[id] + 1);
        }
    }
    pool_close(&pool);
}
END_TEST

/* One backend is filled before the next is touched, and the lowest is refilled
 * first. */
START_TEST(first_packs)
{
    struct infra_ticket held[5];

    open_pool(infra_balancer_first(), 0);
    for (uint32_t id = 0; id < 3; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, 0, 2), INFRA_OK);
    }
    pool_publish(&pool);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(pool_pick(&pool, NULL, &held[i]), i / 2);
    }
    ck_assert_int_eq(infra_balancer_release(pool.reader, &held[1], 0, 0), 0);
    ck_assert_int_eq(pool_pick(&pool, NULL, &held[1]), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &held[i], 0, 0),
                         0);
    }
    pool_close(&pool);
}
END_TEST

/* The columns of an alias table hold exactly the weights. */
START_TEST(alias_columns_hold_the_weights)
{
    enum { COUNT = 200 };
    static struct entry entries[COUNT];
    static struct alias_column columns[COUNT];
    static uint64_t rests[COUNT];
    double mass[COUNT] = { 0 };
    uint64_t random = (uint64_t)_i * 77 + 1;
    struct list list = { .entries = entries, .count = COUNT };

    for (uint32_t i = 0; i < COUNT; i++) {
        random = random * 6364136223846793005u + 1;
        entries[i].weight = 1 + (uint32_t)(random >> (_i % 2 ? 48 : 60));
        entries[i].weight =
            entries[i].weight > 65535 ? 65535 : entries[i].weight;
        list.weight_total += entries[i].weight;
    }
    const struct infra_balancer_candidates c = { .list = &list };
    ck_assert_int_eq(infra__alias_table_build(columns, rests, &c), INFRA_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        double here = (double)columns[i].threshold / 4294967296.0;
        mass[i] += here;
        mass[columns[i].alias] += 1 - here;
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        double expected =
            (double)entries[i].weight * COUNT / (double)list.weight_total;
        ck_assert_double_eq_tol(mass[i], expected, 1e-6);
    }
}
END_TEST

/* A host's own policy sees the candidates in the order of ids and is held to
 * what may be picked. */
static uint32_t seen_weight, seen_load;

static uint32_t pick_last(const void *table, uint64_t state[4],
                          const struct infra_balancer_candidates *candidates,
                          uint64_t hash)
{
    uint32_t last = infra_candidates_count(candidates) - 1;

    ck_assert_uint_eq(*(const uint32_t *)table, last + 1);
    ck_assert_uint_eq(hash, 99);
    state[0] = 0;
    seen_weight = infra_candidates_weight(candidates, last);
    seen_load = infra_candidates_in_flight(candidates, last);
    ck_assert_uint_eq(infra_candidates_id(candidates, last), 6);
    return last;
}

static size_t four(const struct infra_balancer_candidates *candidates)
{
    (void)candidates;
    return sizeof(uint32_t);
}

static int build_count(void *table, void *scratch,
                       const struct infra_balancer_candidates *candidates)
{
    ck_assert_ptr_null(scratch);
    *(uint32_t *)table = infra_candidates_count(candidates);
    ck_assert_int_eq(infra_candidates_may(candidates, 0), 1);
    return INFRA_OK;
}

START_TEST(a_host_brings_its_own_policy)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "last",
        .table_size = four,
        .build = build_count,
        .pick = pick_last,
        .needs_load = 1,
    };
    const uint32_t tried[] = { 6 };
    struct infra_request q = { .hash = 99, .tried = tried };
    struct infra_ticket t;

    open_pool(&policy, 0);
    ck_assert_int_eq(pool_set(&pool, 2, 1, 0, 0), INFRA_OK);
    ck_assert_int_eq(pool_set(&pool, 6, 30, 0, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(pool_pick(&pool, &q, &t), 6);
    ck_assert_int_eq(pool_once(&pool, &q), 6);
    ck_assert_uint_eq(seen_weight, 30);
    ck_assert_uint_eq(seen_load, 1);
    q.tried_count = 1; /* It insists on 6, and the balancer takes 2. */
    ck_assert_int_eq(pool_once(&pool, &q), 2);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
    pool_close(&pool);
}
END_TEST

static int builds;

static int count_builds(void *table, void *scratch,
                        const struct infra_balancer_candidates *candidates)
{
    builds++;
    ck_assert_str_eq(infra_candidates_key(candidates, 1), "b1");
    return build_count(table, scratch, candidates);
}

/* The host's own hash policy: the hash's backend, or the next that may. */
static uint32_t pick_by_hash(const void *table, uint64_t state[4],
                             const struct infra_balancer_candidates *candidates,
                             uint64_t hash)
{
    uint32_t count = infra_candidates_count(candidates);

    (void)state;
    ck_assert_uint_eq(*(const uint32_t *)table, 4);
    ck_assert_ptr_null(infra_candidates_key(candidates, 0));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)((hash + i) % count);
        if (infra_candidates_may(candidates, index)) {
            return index;
        }
    }
    return UINT32_MAX;
}

/* A policy of whole tiers is built once for a membership: when a backend goes
 * down and up nothing is built, and no other backend's keys move. */
START_TEST(a_change_of_health_builds_nothing)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "modulo",
        .table_size = four,
        .build = count_builds,
        .pick = pick_by_hash,
        .whole_tier = 1,
    };

    builds = 0;
    open_pool(&policy, 0);
    pool_fill(&pool, 4, NULL);
    ck_assert_int_eq(builds, 1);
    for (int state = INFRA_BALANCER_STATE_DOWN;
         state >= INFRA_BALANCER_STATE_UP; state--) {
        pool_mark(&pool, 2, INFRA_BALANCER_AXIS_HEALTH, (uint32_t)state);
        pool_publish(&pool);
        for (uint32_t hash = 0; hash < 4; hash++) {
            struct infra_request q = { .hash = hash };
            int moved = hash == 2 && state != INFRA_BALANCER_STATE_UP;
            ck_assert_int_eq(pool_once(&pool, &q), moved ? 3 : (int)hash);
        }
    }
    ck_assert_int_eq(builds, 1);
    ck_assert_int_eq(pool_set(&pool, 2, 5, 0, 0), INFRA_OK); /* A weight. */
    pool_publish(&pool);
    ck_assert_int_eq(builds, 2);
    pool_close(&pool);
}
END_TEST

struct host_options {
    size_t size;
    uint32_t wanted; /* The index to pick; 0: 1. */
    uint32_t reserved;
};

static int complete_host_options(void *options)
{
    struct host_options *o = options;

    o->wanted += o->wanted == 0;
    return o->wanted < 3 ? INFRA_OK : INFRA_EINVAL;
}

static infra_time seen_latencies[3];

static uint32_t pick_wanted(const void *table, uint64_t state[4],
                            const struct infra_balancer_candidates *candidates,
                            uint64_t hash)
{
    const struct host_options *o = infra_candidates_options(candidates);

    (void)table;
    (void)state;
    (void)hash;
    for (uint32_t i = 0; i < 3; i++) {
        seen_latencies[i] = infra_candidates_latency(candidates, i);
    }
    return o == NULL ? 1 : o->wanted;
}

/* A host's policy sees its options, copied and completed by itself. */
START_TEST(a_host_policy_has_options)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "wanted",
        .pick = pick_wanted,
        .options_size = sizeof(struct host_options),
        .complete = complete_host_options,
    };
    struct host_options wanted = { .size = sizeof wanted, .wanted = 2 };
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = &policy,
                                        .policy_options = &wanted };
    struct infra_balancer *none;

    pool_open(&pool, &o);
    wanted.wanted = 0; /* The balancer has a copy. */
    pool_fill(&pool, 3, NULL);
    ck_assert_int_eq(pool_once(&pool, NULL), 2);
    pool_close(&pool);
    o.policy_options = NULL;
    pool_open(&pool, &o);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_eq(pool_once(&pool, NULL), 1);
    pool_close(&pool);
    wanted.wanted = 3;
    o.policy_options = &wanted;
    ck_assert_int_eq(infra_balancer_create(&none, &o), INFRA_EINVAL);
}
END_TEST

/* It sees the reported latencies if it needs them: unknown is 0, a backend that
 * has only failed counts as a second. Without options there are none. */
START_TEST(a_host_policy_sees_latencies)
{
    struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "watching",
        .pick = pick_wanted,
        .needs_latency = _i == 0,
    };
    const uint32_t outcomes[] = { INFRA_OUTCOME_OK, INFRA_OUTCOME_ERROR };
    struct infra_balancer_options o = { .size = sizeof o, .policy = &policy };

    pool_open(&pool, &o);
    pool_fill(&pool, 3, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        /* The set leaves one, whatever the policy wants. */
        struct infra_set only = { .words = &(uint64_t) { 1u << i },
                                  .ids_max = 64 };
        struct infra_request q = { .eligible = &only };
        struct infra_ticket t;
        ck_assert_int_eq(pool_pick(&pool, &q, &t), (int)i);
        ck_assert_int_eq(
            infra_balancer_report(pool.reader, &t, outcomes[i], INFRA_MS(8)),
            INFRA_OK);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
    }
    ck_assert_int_ge(pool_once(&pool, NULL), 0);
    ck_assert_uint_eq(seen_latencies[2], 0);
    if (_i == 0) { /* In units of 1024 ns, within 1 %. */
        ck_assert_uint_ge(seen_latencies[0], INFRA_MS(8) * 99 / 100);
        ck_assert_uint_le(seen_latencies[0], INFRA_MS(8));
        ck_assert_uint_eq(seen_latencies[1], INFRA_SEC(1));
    } else {
        ck_assert_uint_eq(seen_latencies[0], 0);
        ck_assert_uint_eq(seen_latencies[1], 0);
    }
    pool_close(&pool);
}
END_TEST

/* With the id's new owner the table is another one. */
START_TEST(a_new_owner_is_built_anew)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "modulo",
        .table_size = four,
        .build = count_builds,
        .pick = pick_by_hash,
        .whole_tier = 1,
    };
    struct infra_backend other = { .size = sizeof other, .key = "x", .id = 3 };
    struct infra_request q = { .hash = 3 };

    builds = 0;
    open_pool(&policy, 0);
    pool_fill(&pool, 4, NULL);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DEGRADED);
    pool_publish(&pool); /* Two lists of one tier share what is built. */
    ck_assert_int_eq(builds, 1);
    ck_assert_int_eq(infra_balancer_remove(pool.balancer, 3), INFRA_OK);
    pool_fill(&pool, 3, NULL);
    infra_balancer_refresh(pool.reader);
    builds = 0;
    ck_assert_int_eq(infra_balancer_set(pool.balancer, &other, 0), INFRA_OK);
    pool_publish(&pool);
    ck_assert_int_eq(builds, 1);
    ck_assert_int_eq(pool_once(&pool, &q), 3);
    pool_close(&pool);
}
END_TEST

/* Every policy is found by the name it has. */
START_TEST(policies_are_found_by_name)
{
    uint32_t count = 0;

    for (const char *name; (name = infra_balancer_policy_name(count));
         count++) {
        const struct infra_balancer_policy *p =
            infra_balancer_policy_by_name(name);
        ck_assert_ptr_nonnull(p);
        ck_assert_str_eq(p->name, name);
    }
    ck_assert_uint_gt(count, 0);
    ck_assert_ptr_null(infra_balancer_policy_by_name("fastest"));
    ck_assert_ptr_null(infra_balancer_policy_by_name(NULL));
}
END_TEST

/* Each policy says which hash it wants: those that look at one, and no others,
 * send all to one backend without it. */
START_TEST(a_policy_says_which_hash_it_wants)
{
    static const struct {
        const char *name;
        uint32_t hash;
    } others[] = { { "ketama", INFRA_POLICY_HASH_KETAMA },
                   { "nginx-ring", INFRA_POLICY_HASH_NGINX },
                   { "ip-hash", INFRA_POLICY_HASH_ADDRESS } };
    const char *name = infra_balancer_policy_name((uint32_t)_i);
    struct infra_balancer_options o = {
        .size = sizeof o, .policy = infra_balancer_policy_by_name(name)
    };
    uint32_t hash = infra_balancer_policy_hash(o.policy);
    uint32_t expected =
        o.policy->whole_tier ? INFRA_POLICY_HASH_ANY : INFRA_POLICY_HASH_NONE;
    uint32_t seen[2] = { 0 };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        expected =
            strcmp(others[i].name, name) == 0 ? others[i].hash : expected;
    }
    ck_assert_uint_eq(hash, expected);
    ck_assert_uint_eq(infra_balancer_policy_hash(NULL), INFRA_POLICY_HASH_NONE);
    pool_open(&pool, &o);
    pool_fill(&pool, 5, NULL);
    for (uint64_t i = 0; i < 500; i++) {
        struct infra_ticket t;
        struct infra_request q = { .hash = i * 0x9e3779b97f4a7c15u };
        seen[0] |= 1u << pool_pick(&pool, NULL, &t);
        seen[1] |= 1u << pool_once(&pool, &q);
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
    }
    if (hash != INFRA_POLICY_HASH_NONE) {
        ck_assert_uint_eq(seen[0] & (seen[0] - 1), 0);
        ck_assert_uint_eq(seen[1], 31);
    }
    pool_close(&pool);
}
END_TEST

static Suite *policies_suite(void)
{
    Suite *s = suite_create("policies");
    TCase *tc = tcase_create("round robin");
    tcase_add_loop_test(tc, a_policy_says_which_hash_it_wants, 0,
                        policies_count());
    tcase_add_test(tc, round_robin_takes_each_in_turn);
    tcase_add_test(tc, round_robin_keeps_its_position);
    tcase_add_loop_test(tc, restricted_picks_spare_the_neighbours, 0, 2);
    suite_add_tcase(s, tc);

    tc = tcase_create("smooth weighted");
    tcase_add_loop_test(tc, restricted_picks_keep_to_the_weights, 0, 2);
    tcase_add_loop_test(tc, smooth_order_is_that_of_nginx, 0,
                        sizeof smooth / sizeof smooth[0]);
    tcase_add_test(tc, smooth_cycles_are_exact);
    tcase_add_test(tc, longer_cycles_use_strides);
    tcase_add_test(tc, strides_are_those_of_grpc);
    suite_add_tcase(s, tc);

    tc = tcase_create("load");
    tcase_add_test(tc, least_connections_compares_by_weight);
    tcase_add_loop_test(tc, least_connections_is_that_of_nginx, 0, 6);
    tcase_add_test(tc, least_connections_draws_by_weight);
    tcase_add_test(tc, least_connections_finds_the_idle_one);
    tcase_add_test(tc, least_connections_avoids_the_stuck_half);
    tcase_add_loop_test(tc, two_choices_are_different, 0, 2);
    tcase_add_loop_test(tc, draws_go_by_weight, 0, 4);
    tcase_add_test(tc, weighted_round_robin_is_even);
    tcase_add_test(tc, first_packs);
    tcase_add_loop_test(tc, alias_columns_hold_the_weights, 0, 6);
    suite_add_tcase(s, tc);

    tc = tcase_create("own");
    tcase_add_test(tc, a_host_brings_its_own_policy);
    tcase_add_test(tc, a_host_policy_has_options);
    tcase_add_loop_test(tc, a_host_policy_sees_latencies, 0, 2);
    tcase_add_test(tc, a_change_of_health_builds_nothing);
    tcase_add_test(tc, a_new_owner_is_built_anew);
    tcase_add_test(tc, policies_are_found_by_name);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(policies_suite());
}
