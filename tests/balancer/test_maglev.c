/* SPDX-License-Identifier: MIT */
/* Maglev tables: Envoy's to the bit, and what every table promises. */
#include "envoy_members.h"
#include "support.h"

#include "balancer/algorithm/maglev_table.h"
#include "base/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 1024

/* Both pieces of memory exactly as large as they are asked for. */
static uint16_t *table_of(uint32_t size,
                          const struct infra__hash_member *members,
                          uint32_t count)
{
    uint16_t *table = malloc(size * sizeof *table);
    void *scratch = malloc(infra__maglev_scratch_size(count, size));

    ck_assert(table != NULL && scratch != NULL);
    infra__maglev_build(table, size, members, count, scratch);
    free(scratch);
    return table;
}

/* Names and space for many members. */
struct crowd {
    char keys[MEMBERS_MAX][32];
    struct infra__hash_member members[MEMBERS_MAX];
};

static struct crowd *crowd_of(uint32_t count)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);

    ck_assert_ptr_nonnull(crowd);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(crowd->keys[i], sizeof crowd->keys[i], "10.0.%u.%u:8080",
                       i / 250, i % 250);
        crowd->members[i] = (struct infra__hash_member) { crowd->keys[i], 1 };
    }
    return crowd;
}

static void count_slots(const uint16_t *table, uint32_t size,
                        uint32_t *ret_counts)
{
    for (uint32_t slot = 0; slot < size; slot++) {
        ret_counts[table[slot]]++;
    }
}

static const struct infra__hash_member one_two[] = { { "127.0.0.1:90", 1 },
                                                     { "127.0.0.1:91", 2 } };
static const struct infra__hash_member eight_two[] = { { "127.0.0.1:90", 8 },
                                                       { "127.0.0.1:91", 2 } };

static const struct {
    const char *name;
    const struct infra__hash_member *members;
    uint32_t count;
    uint32_t size;
    uint16_t table[17];
} rows[] = {
    { "Basic", ports_90, 6, 7, { 2, 4, 0, 1, 5, 0, 3 } },
    { "BasicWithHostName", names_90, 6, 7, { 2, 5, 0, 3, 4, 1, 0 } },
    { "Weighted",
      one_two,
      2,
      17,
      { 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1 } },
    { "LocalityWeightedSameLocalityWeights",
      ports_90,
      2,
      17,
      { 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1 } },
    { "LocalityWeightedDifferentLocalityWeights",
      eight_two,
      2,
      17,
      { 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0 } },
};

/* The tables of Envoy's tests. */
START_TEST(envoy_tables)
{
    uint16_t *table = table_of(rows[_i].size, rows[_i].members, rows[_i].count);

    for (uint32_t slot = 0; slot < rows[_i].size; slot++) {
        ck_assert_msg(table[slot] == rows[_i].table[slot], "%s: slot %u",
                      rows[_i].name, slot);
    }
    free(table);
}
END_TEST

/* A slot and a turn at a time, as Envoy does it; members come in the order of
 * their keys. */
static void build_slowly(uint16_t *table, uint32_t size,
                         const struct infra__hash_member *members,
                         uint32_t count)
{
    double targets[60] = { 0 };
    uint64_t steps[60] = { 0 };
    double total = (double)infra__hash_weight_total(members, count);
    double greatest = 0;
    uint32_t left = size;

    memset(table, 0xff, size * sizeof *table);
    for (uint32_t i = 0; i < count; i++) {
        double share = members[i].weight / total;
        greatest = share > greatest ? share : greatest;
    }
    for (uint32_t turn = 1; left > 0; turn++) {
        for (uint32_t i = 0; i < count && left > 0; i++) {
            const char *key = members[i].key;
            if (turn * (members[i].weight / total) < targets[i]) {
                continue;
            }
            targets[i] += greatest;
            uint64_t offset = infra_xxhash64(key, strlen(key), 0) % size;
            uint64_t skip =
                infra_xxhash64(key, strlen(key), 1) % (size - 1) + 1;
            while (table[(offset + skip * steps[i]) % size] !=
                   INFRA__MAGLEV_EMPTY) {
                steps[i]++;
            }
            table[(offset + skip * steps[i]) % size] = (uint16_t)i;
            left--;
        }
    }
}

/* Whatever the weights and sizes, no short cut leads elsewhere. */
START_TEST(as_if_built_slowly)
{
    static const uint32_t sizes[] = { 2, 3, 5, 17, 251, 1021, 4093, 10007 };
    const uint32_t size = sizes[_i];
    struct crowd *crowd = crowd_of(60);
    uint16_t *slowly = malloc(size * sizeof *slowly);
    uint64_t random = (uint64_t)_i;

    ck_assert_ptr_nonnull(slowly);
    for (uint32_t round = 0; round < 40; round++) {
        uint32_t count = 1 + infra__below(infra__random(&random), 60);
        uint32_t most = 1u << round % 17; /* 65536 at last. */
        for (uint32_t i = 0; i < count; i++) {
            (void)snprintf(crowd->keys[i], sizeof crowd->keys[i], "%03u-%u", i,
                           round);
            crowd->members[i].weight =
                i % 5 == 0 ? 1 : 1 + infra__below(infra__random(&random), most);
        }
        uint16_t *table = table_of(size, crowd->members, count);
        build_slowly(slowly, size, crowd->members, count);
        ck_assert_msg(memcmp(table, slowly, size * sizeof *table) == 0,
                      "%u slots, %u members up to %u", size, count, most);
        free(table);
    }
    free(slowly);
    free(crowd);
}
END_TEST

/* Envoy's retries look the table up with another hash, which is theirs, but
 * shows what lies where: hash 10 with no, one and two retries. */
START_TEST(envoy_retries)
{
    static const uint16_t want[] = { 1, 0, 5 };
    uint16_t *table = table_of(7, ports_90, 6);

    for (uint64_t attempt = 0; attempt < 3; attempt++) {
        uint64_t hash = attempt > 0 ? 10 ^ (~attempt + 1) : 10;
        ck_assert_uint_eq(table[infra__maglev_slot(hash, 7)], want[attempt]);
    }
    free(table);
}
END_TEST

/* Envoy's test of a host with 127 of 128 parts among 1024: each of the others
 * has exactly one slot. */
START_TEST(envoy_lopsided_weights)
{
    struct crowd *crowd = crowd_of(1024);
    uint32_t slots[MEMBERS_MAX] = { 0 };

    crowd->members[0].weight = 127 * 1023;
    uint16_t *table = table_of(65537, crowd->members, 1024);
    count_slots(table, 65537, slots);
    ck_assert_uint_eq(slots[0], 64514);
    for (uint32_t i = 1; i < 1024; i++) {
        ck_assert_uint_eq(slots[i], 1);
    }
    free(table);
    free(crowd);
}
END_TEST

/* Katran's test: 400 equal members differ by one slot at most. */
START_TEST(equals_have_equal_shares)
{
    struct crowd *crowd = crowd_of(400);
    uint32_t slots[MEMBERS_MAX] = { 0 };
    uint16_t *table = table_of(65537, crowd->members, 400);

    count_slots(table, 65537, slots);
    for (uint32_t i = 0; i < 400; i++) {
        ck_assert(slots[i] == 65537 / 400 || slots[i] == 65537 / 400 + 1);
    }
    free(table);
    free(crowd);
}
END_TEST

/* Shares of slots follow the weights to within a slot or two. */
START_TEST(shares_follow_weights)
{
    struct crowd *crowd = crowd_of(100);
    uint32_t slots[MEMBERS_MAX] = { 0 };
    uint32_t total = 0;

    for (uint32_t i = 0; i < 100; i++) {
        crowd->members[i].weight = 1 + i % 10;
        total += crowd->members[i].weight;
    }
    uint16_t *table = table_of(65537, crowd->members, 100);
    count_slots(table, 65537, slots);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t due = 65537 * crowd->members[i].weight / total;
        ck_assert_uint_ge(slots[i] + 2, due);
        ck_assert_uint_le(slots[i], due + 2);
    }
    free(table);
    free(crowd);
}
END_TEST

/* The order of the members does not change the slots of any. */
START_TEST(order_does_not_matter)
{
    struct crowd *crowd = crowd_of(50);
    struct infra__hash_member turned[50];

    for (uint32_t i = 0; i < 50; i++) {
        crowd->members[i].weight = 1 + i % 3;
        turned[(i * 7 + 3) % 50] = crowd->members[i];
    }
    uint16_t *table = table_of(4093, crowd->members, 50);
    uint16_t *other = table_of(4093, turned, 50);
    for (uint32_t slot = 0; slot < 4093; slot++) {
        ck_assert_uint_eq(other[slot], (table[slot] * 7u + 3) % 50);
    }
    free(table);
    free(other);
    free(crowd);
}
END_TEST

/* When a member goes, hardly anybody else's keys move: with 65537 slots fewer
 * than 4 in 1000 among 10 members, 8 among 100, 12 among 500. */
START_TEST(a_member_that_goes_moves_little_else)
{
    static const struct {
        uint32_t count;
        uint32_t per_mille;
    } limits[] = { { 10, 4 }, { 100, 8 }, { 500, 12 } };

    for (size_t r = 0; r < INFRA__COUNT_OF(limits); r++) {
        uint32_t count = limits[r].count;
        struct crowd *crowd = crowd_of(count);
        uint16_t *before = table_of(65537, crowd->members, count);
        uint16_t *after = table_of(65537, crowd->members, count - 1);
        uint32_t moved = 0;
        for (uint32_t slot = 0; slot < 65537; slot++) {
            moved += before[slot] != count - 1 && before[slot] != after[slot];
        }
        ck_assert_uint_lt(moved, 66 * limits[r].per_mille);
        free(before);
        free(after);
        free(crowd);
    }
}
END_TEST

/* A walk meets every slot once and ends where it began, with any hash. */
START_TEST(a_walk_meets_every_slot)
{
    static const uint32_t sizes[] = { 2, 3, 7, 251, 4093 };
    uint64_t random = 1;

    for (size_t r = 0; r < INFRA__COUNT_OF(sizes); r++) {
        for (int k = 0; k < 20; k++) {
            bool seen[4093] = { false };
            uint64_t hash = k > 0 ? infra__random(&random) : UINT64_MAX;
            uint32_t first = infra__maglev_slot(hash, sizes[r]);
            uint32_t slot = first;
            for (uint32_t n = 0; n < sizes[r]; n++) {
                ck_assert_uint_lt(slot, sizes[r]);
                ck_assert(!seen[slot]);
                seen[slot] = true;
                slot = infra__maglev_next(slot, hash, sizes[r]);
            }
            ck_assert_uint_eq(slot, first);
        }
    }
}
END_TEST

/* The keys of a member that is down spread over the others by weight, also the
 * keys of one slot. */
START_TEST(keys_of_a_member_that_is_down_spread)
{
    struct crowd *crowd = crowd_of(10);
    uint32_t heirs[10] = { 0 };
    uint64_t random = 2;
    uint32_t keys = 0;

    for (uint32_t i = 0; i < 10; i++) {
        crowd->members[i].weight = i < 5 ? 1 : 2;
    }
    uint16_t *table = table_of(4093, crowd->members, 10);
    uint32_t only = 0;
    while (table[only] != 9) {
        only++;
    }
    while (keys < 13000) {
        uint64_t hash = infra__random(&random);
        hash -= hash % 4093;
        hash += hash < UINT64_MAX - 4093 ? only : 0;
        uint32_t slot = infra__maglev_slot(hash, 4093);
        while (table[slot] == 9) {
            slot = infra__maglev_next(slot, hash, 4093);
        }
        heirs[table[slot]]++;
        keys++;
    }
    ck_assert_uint_eq(heirs[9], 0);
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t due = 1000 * crowd->members[i].weight;
        ck_assert_uint_gt(heirs[i], due * 8 / 10);
        ck_assert_uint_lt(heirs[i], due * 12 / 10);
    }
    free(table);
    free(crowd);
}
END_TEST

/* Only primes are sizes, up to Envoy's greatest. */
START_TEST(sizes_are_primes)
{
    static const uint32_t good[] = { 2, 3, 7, 17, 251, 65537, 655373, 5000011 };
    static const uint32_t bad[] = { 0,      1,       4,       9,
                                    8,      65536,   4094,    65539u * 3,
                                    655371, 5000010, 5000077, UINT32_MAX };

    for (size_t i = 0; i < INFRA__COUNT_OF(good); i++) {
        ck_assert_msg(infra__maglev_size_ok(good[i]), "%u", good[i]);
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(bad); i++) {
        ck_assert_msg(!infra__maglev_size_ok(bad[i]), "%u", bad[i]);
    }
}
END_TEST

/* No members: all slots are empty. One: it has all. */
START_TEST(none_and_one)
{
    uint16_t *none = table_of(7, ports_90, 0);
    uint16_t *one = table_of(7, ports_90, 1);
    uint16_t *least = table_of(2, ports_90, 2);

    for (uint32_t slot = 0; slot < 7; slot++) {
        ck_assert_uint_eq(none[slot], INFRA__MAGLEV_EMPTY);
        ck_assert_uint_eq(one[slot], 0);
    }
    ck_assert_uint_eq(least[0] + least[1], 1);
    free(none);
    free(one);
    free(least);
}
END_TEST

/* More members than slots: the first by key have one each. */
START_TEST(more_members_than_slots)
{
    uint32_t slots[6] = { 0 };
    uint16_t *table = table_of(5, ports_90, 6);

    count_slots(table, 5, slots);
    for (uint32_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(slots[i], i < 5);
    }
    free(table);
}
END_TEST

/* Members with equal keys take turns and have equal shares. */
START_TEST(equal_keys)
{
    static const struct infra__hash_member members[] = { { "a", 1 },
                                                         { "a", 1 } };
    uint32_t slots[2] = { 0 };
    uint16_t *table = table_of(251, members, 2);

    count_slots(table, 251, slots);
    ck_assert_uint_eq(slots[0], 126);
    ck_assert_uint_eq(slots[1], 125);
    free(table);
}
END_TEST

/* The greatest difference of weights leaves the lighter one its slot. */
START_TEST(huge_weights)
{
    struct infra__hash_member members[] = { { "a", UINT32_MAX }, { "b", 1 } };
    uint32_t slots[2] = { 0 };
    uint16_t *table = table_of(65537, members, 2);

    count_slots(table, 65537, slots);
    ck_assert_uint_eq(slots[0], 65536);
    ck_assert_uint_eq(slots[1], 1);
    free(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("maglev");
    TCase *envoy = tcase_create("envoy");
    TCase *table = tcase_create("table");

    tcase_add_loop_test(envoy, envoy_tables, 0, (int)INFRA__COUNT_OF(rows));
    tcase_add_test(envoy, envoy_retries);
    tcase_add_loop_test(envoy, as_if_built_slowly, 0, 8);
    tcase_add_test(envoy, envoy_lopsided_weights);
    tcase_add_test(table, equals_have_equal_shares);
    tcase_add_test(table, shares_follow_weights);
    tcase_add_test(table, order_does_not_matter);
    tcase_add_test(table, a_member_that_goes_moves_little_else);
    tcase_add_test(table, a_walk_meets_every_slot);
    tcase_add_test(table, keys_of_a_member_that_is_down_spread);
    tcase_add_test(table, sizes_are_primes);
    tcase_add_test(table, none_and_one);
    tcase_add_test(table, more_members_than_slots);
    tcase_add_test(table, equal_keys);
    tcase_add_test(table, huge_weights);
    suite_add_tcase(suite, envoy);
    suite_add_tcase(suite, table);
    return test_main(suite);
}
