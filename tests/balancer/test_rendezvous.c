/* SPDX-License-Identifier: MIT */
/* Weighted rendezvous: the owner of a key, in any order of members. */
#include "rendezvous_top.h"
#include "support.h"

#include "balancer/algorithm/rendezvous_hash.h"
#include "base/fixed.h"
#include "base/internal.h"
#include "base/random.h"

#include <infra/base.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX 200

/* @count nodes of weight 1, with keys of their own. */
static void nodes_init(struct infra__rendezvous_node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "10.0.0.%u:80", i);
        nodes[i] = (struct infra__rendezvous_node) {
            .seed = infra__rendezvous_seed(key), .weight = 1, .index = i
        };
    }
}

static uint32_t owner(const struct infra__rendezvous_node *nodes,
                      uint32_t count, uint64_t hash)
{
    struct infra__rendezvous_rank best = { .index = UINT32_MAX };

    (void)rendezvous_top(&best, 1, nodes, count, hash);
    return best.index;
}

/* A key's owner is the one with the greatest w / -ln(u), as libm says. */
START_TEST(the_greatest_score_wins)
{
    struct infra__rendezvous_node nodes[50];
    uint64_t random = 1;

    nodes_init(nodes, 50);
    for (uint32_t i = 0; i < 50; i++) {
        nodes[i].weight = 1 + i * i;
    }
    for (int k = 0; k < 2000; k++) {
        uint64_t hash = infra__random(&random);
        long double greatest = 0;
        uint32_t want = 0;
        for (uint32_t i = 0; i < 50; i++) {
            long double u =
                ldexpl((long double)infra__mix(nodes[i].seed ^ hash), -64);
            long double score = (long double)nodes[i].weight / -logl(u);
            if (score > greatest) {
                greatest = score;
                want = i;
            }
        }
        ck_assert_uint_eq(owner(nodes, 50, hash), want);
    }
}
END_TEST

/* The choice is the same on every machine and in every version: the owners of
 * the hashes 0, 1, 2 .. among five members. */
START_TEST(choices_are_frozen)
{
    static const struct {
        const char *key;
        uint32_t weight;
    } members[] = {
        { "a", 1 }, { "b", 2 }, { "c", 3 }, { "d", 4 }, { "e", 5 }
    };
    static const char owners[] =
        "baeeeeedbcbacceddeecebdcdbddeceddaceedecbccccdce";
    struct infra__rendezvous_node nodes[5];

    for (uint32_t i = 0; i < 5; i++) {
        nodes[i].seed = infra__rendezvous_seed(members[i].key);
        nodes[i].weight = members[i].weight;
        nodes[i].index = i;
    }
    for (uint64_t hash = 0; owners[hash] != '\0'; hash++) {
        ck_assert_int_eq('a' + (int)owner(nodes, 5, hash), owners[hash]);
    }
}
END_TEST

/* Who is passed over without a logarithm could not have won: one place gives
 * the same winner as places for all. */
START_TEST(passing_over_loses_nothing)
{
    struct infra__rendezvous_node nodes[NODES_MAX];
    struct infra__rendezvous_rank ranks[NODES_MAX];
    uint64_t random = 2;

    nodes_init(nodes, NODES_MAX);
    for (int k = 0; k < 2000; k++) {
        uint64_t hash = infra__random(&random);
        for (uint32_t i = 0; i < NODES_MAX; i++) {
            uint32_t weight = (uint32_t)(infra__random(&random) & 0xffff);
            nodes[i].weight = k % 2 == 0 ? 1 : weight | 1;
        }
        ck_assert_uint_eq(
            rendezvous_top(ranks, NODES_MAX, nodes, NODES_MAX, hash),
            NODES_MAX);
        ck_assert_uint_eq(owner(nodes, NODES_MAX, hash), ranks[0].index);
    }
}
END_TEST

/* Shares of keys follow the weights, from the least to the greatest. */
START_TEST(shares_follow_weights)
{
    static const uint32_t weights[] = { 1, 2, 3, 4, 90 };
    struct infra__rendezvous_node nodes[6];
    uint32_t shares[6] = { 0 };
    uint64_t random = 3;

    nodes_init(nodes, 6);
    for (uint32_t i = 0; i < 5; i++) {
        nodes[i].weight = weights[i];
    }
    for (int k = 0; k < 200000; k++) {
        shares[owner(nodes, 5, infra__random(&random))]++;
    }
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_uint_gt(shares[i], 2000 * weights[i] * 93 / 100);
        ck_assert_uint_lt(shares[i], 2000 * weights[i] * 107 / 100);
    }
    /* 65535 to 1, in 65536 keys a time. */
    nodes[0].weight = 65535;
    nodes[1].weight = 1;
    shares[1] = 0;
    for (int k = 0; k < 40 * 65536; k++) {
        shares[1] += owner(nodes, 2, infra__random(&random));
    }
    ck_assert_uint_gt(shares[1], 20);
    ck_assert_uint_lt(shares[1], 70);
}
END_TEST

/* When a member goes, its keys move and no others; when it comes, it takes keys
 * and moves no others. */
START_TEST(who_goes_moves_its_own_keys)
{
    struct infra__rendezvous_node nodes[30];
    struct infra__rendezvous_node rest[29];
    uint32_t heirs[30] = { 0 };
    uint32_t heirs_count = 0;
    uint64_t random = 4;

    nodes_init(nodes, 30);
    memcpy(rest, nodes, 11 * sizeof *rest);
    memcpy(rest + 11, nodes + 12, 18 * sizeof *rest);
    for (int k = 0; k < 20000; k++) {
        uint64_t hash = infra__random(&random);
        uint32_t before = owner(nodes, 30, hash);
        uint32_t after = owner(rest, 29, hash);
        ck_assert(before == 11 || before == after);
        heirs_count += before == 11 && heirs[after]++ == 0;
    }
    ck_assert_uint_eq(heirs_count, 29);
}
END_TEST

/* A member that gets heavier only takes keys, as many as the weight says. */
START_TEST(a_weight_moves_the_difference)
{
    struct infra__rendezvous_node light[10];
    struct infra__rendezvous_node heavy[10];
    uint64_t random = 5;
    uint32_t moved = 0;

    nodes_init(light, 10);
    nodes_init(heavy, 10);
    heavy[4].weight = 2;
    for (int k = 0; k < 110000; k++) {
        uint64_t hash = infra__random(&random);
        uint32_t after = owner(heavy, 10, hash);
        if (after != owner(light, 10, hash)) {
            ck_assert_uint_eq(after, 4);
            moved++;
        }
    }
    /* 2/11 less 1/10. */
    ck_assert_uint_gt(moved, 9000 * 93 / 100);
    ck_assert_uint_lt(moved, 9000 * 107 / 100);
}
END_TEST

/* The order of members changes nothing, neither the winner nor the ranking. */
START_TEST(order_does_not_matter)
{
    struct infra__rendezvous_node nodes[40];
    struct infra__rendezvous_node turned[40];
    struct infra__rendezvous_rank one[7];
    struct infra__rendezvous_rank other[7];
    uint64_t random = 6;

    nodes_init(nodes, 40);
    for (uint32_t i = 0; i < 40; i++) {
        nodes[i].weight = 1 + i % 4;
        turned[(i * 7 + 3) % 40] = nodes[i];
    }
    for (int k = 0; k < 2000; k++) {
        uint64_t hash = infra__random(&random);
        ck_assert_uint_eq(rendezvous_top(one, 7, nodes, 40, hash), 7);
        ck_assert_uint_eq(rendezvous_top(other, 7, turned, 40, hash), 7);
        for (uint32_t i = 0; i < 7; i++) {
            ck_assert_uint_eq(one[i].index, other[i].index);
        }
    }
}
END_TEST

/* The k best are the first k of the whole ranking, and what is left when these
 * are taken out goes on from there. */
START_TEST(the_best_are_the_first_of_the_ranking)
{
    struct infra__rendezvous_node nodes[40];
    struct infra__rendezvous_rank all[40];
    struct infra__rendezvous_rank some[40];
    uint64_t random = 7;

    nodes_init(nodes, 40);
    for (uint32_t k = 1; k <= 40; k++) {
        uint64_t hash = infra__random(&random);
        ck_assert_uint_eq(rendezvous_top(all, 40, nodes, 40, hash), 40);
        ck_assert_uint_eq(rendezvous_top(some, k, nodes, 40, hash), k);
        for (uint32_t i = 0; i < k; i++) {
            ck_assert_uint_eq(some[i].index, all[i].index);
        }
        for (uint32_t i = 1; i < 40; i++) {
            ck_assert_uint_le(all[i - 1].cost, all[i].cost);
        }
    }
}
END_TEST

/* A subset of k changes by one member at most when one comes. */
START_TEST(subsets_are_stable)
{
    struct infra__rendezvous_node nodes[41];
    struct infra__rendezvous_rank before[20];
    struct infra__rendezvous_rank after[20];
    uint64_t random = 8;

    nodes_init(nodes, 41);
    for (int k = 0; k < 1000; k++) {
        uint64_t hash = infra__random(&random);
        uint32_t kept = 0;
        (void)rendezvous_top(before, 20, nodes, 40, hash);
        (void)rendezvous_top(after, 20, nodes, 41, hash);
        for (uint32_t i = 0; i < 20; i++) {
            for (uint32_t j = 0; j < 20; j++) {
                kept += before[i].index == after[j].index;
            }
        }
        ck_assert_uint_ge(kept, 19);
    }
}
END_TEST

/* Nobody: nothing. One: it has all keys. Fewer than there is room for: all. */
START_TEST(none_one_and_few)
{
    struct infra__rendezvous_node nodes[3];
    struct infra__rendezvous_rank best[5];

    nodes_init(nodes, 3);
    ck_assert_uint_eq(rendezvous_top(best, 5, nodes, 0, 1), 0);
    ck_assert_uint_eq(owner(nodes, 1, 0), 0);
    ck_assert_uint_eq(owner(nodes, 1, UINT64_MAX), 0);
    ck_assert_uint_eq(rendezvous_top(best, 5, nodes, 3, 1), 3);
    ck_assert_uint_eq(best[0].index + best[1].index + best[2].index, 3);
}
END_TEST

/* Of two with the same key the first has all, or the heavier one. */
START_TEST(equal_keys)
{
    struct infra__rendezvous_node nodes[2];
    uint64_t random = 9;

    nodes_init(nodes, 2);
    nodes[1].seed = nodes[0].seed;
    for (int k = 0; k < 100; k++) {
        ck_assert_uint_eq(owner(nodes, 2, infra__random(&random)), 0);
    }
    nodes[1].weight = 2;
    for (int k = 0; k < 100; k++) {
        ck_assert_uint_eq(owner(nodes, 2, infra__random(&random)), 1);
    }
}
END_TEST

/* What the mix of two words makes of this seed and hash. */
static uint64_t unmix(uint64_t z)
{
    z ^= z >> 31 ^ z >> 62;
    z *= 0x319642b2d24d8ec3u;
    z ^= z >> 27 ^ z >> 54;
    z *= 0x96de1b173f119089u;
    return z ^ z >> 30 ^ z >> 60;
}

/* The ends of the range of draws: the greatest costs nothing and wins, the
 * least costs 64 and loses, whatever the weights. */
START_TEST(extreme_draws)
{
    struct infra__rendezvous_node nodes[] = {
        { .seed = unmix(0), .weight = 65535, .index = 0 },
        { .seed = unmix(UINT64_MAX), .weight = 1, .index = 1 },
    };
    struct infra__rendezvous_rank best[2];

    ck_assert_uint_eq(infra__mix(nodes[1].seed), UINT64_MAX);
    ck_assert_uint_eq(rendezvous_top(best, 2, nodes, 2, 0), 2);
    ck_assert_uint_eq(best[0].index, 1);
    ck_assert_uint_eq(best[0].cost, 0);
    ck_assert_uint_eq(best[1].cost, 64 * INFRA__ONE);
    ck_assert_uint_eq(owner(nodes, 2, 0), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rendezvous");
    TCase *choice = tcase_create("choice");
    TCase *ranking = tcase_create("ranking");

    tcase_add_test(choice, the_greatest_score_wins);
    tcase_add_test(choice, choices_are_frozen);
    tcase_add_test(choice, passing_over_loses_nothing);
    tcase_add_test(choice, shares_follow_weights);
    tcase_add_test(choice, who_goes_moves_its_own_keys);
    tcase_add_test(choice, a_weight_moves_the_difference);
    tcase_add_test(choice, equal_keys);
    tcase_add_test(choice, extreme_draws);
    tcase_add_test(ranking, order_does_not_matter);
    tcase_add_test(ranking, the_best_are_the_first_of_the_ranking);
    tcase_add_test(ranking, subsets_are_stable);
    tcase_add_test(ranking, none_one_and_few);
    suite_add_tcase(suite, choice);
    suite_add_tcase(suite, ranking);
    return test_main(suite);
}
