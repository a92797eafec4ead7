/* SPDX-License-Identifier: MIT */
/* Positions of MySQL against a model: for each source the bits of a word. Sets
 * are random; most have fewer intervals than a position holds, some more. */
#include "support.h"

#include "base/random.h"
#include "router/position.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 20000
#define SOURCES 4u /* Two uuids, each without and with a tag. */

struct set {
    uint64_t numbers[SOURCES]; /* Bit i: number i + 1. */
};

static uint64_t state;

static uint32_t below(uint32_t n)
{
    return infra__below(infra__random(&state), n);
}

/* Random runs, from few long ones to many short ones. */
static struct set random_set(void)
{
    struct set s = { { 0 } };
    uint32_t runs = below(below(4) == 0 ? 24 : 5);

    for (uint32_t i = 0; i < runs; i++) {
        uint64_t length = 1 + below(below(2) == 0 ? 3 : 30);
        uint64_t run = ((uint64_t)1 << length) - 1;
        s.numbers[below(SOURCES)] |= run << below(64);
    }
    return s;
}

static void begin(void)
{
    state = 1;
}

/* The text of a set: each interval alone, in a random order of the sources. */
static size_t text_of(const struct set *s, char *text, size_t size)
{
    static const char *const sources[SOURCES] = {
        "00000000-0000-0000-0000-000000000001:",
        "00000000-0000-0000-0000-000000000001:tag:",
        "00000000-0000-0000-0000-000000000002:",
        "00000000-0000-0000-0000-000000000002:tag:",
    };
    size_t length = 0;
    uint32_t first_source = below(SOURCES);

    for (uint32_t i = 0; i < SOURCES; i++) {
        uint32_t source = (first_source + i) % SOURCES;
        for (uint32_t bit = 0; bit < 64; bit++) {
            uint32_t first = bit;
            while (bit < 64 && (s->numbers[source] >> bit & 1) != 0) {
                bit++;
            }
            if (bit > first) {
                length += (size_t)snprintf(text + length, size - length,
                                           "%s%s%u-%u", length > 0 ? ",\n" : "",
                                           sources[source], first + 1, bit);
            }
        }
    }
    ck_assert_uint_lt(length, size);
    return length;
}

static uint32_t source_of(const struct infra_position_part *part)
{
    return (part->source[15] - 1u) * 2 + (part->tag != 0);
}

static struct set set_of(const struct infra_position_part *parts, size_t count)
{
    struct set s = { { 0 } };

    for (size_t i = 0; i < count; i++) {
        for (uint64_t n = parts[i].first; n <= parts[i].last; n++) {
            s.numbers[source_of(&parts[i])] |= (uint64_t)1 << (n - 1);
        }
    }
    return s;
}

static int has_all(const struct set *have, const struct set *need)
{
    for (uint32_t i = 0; i < SOURCES; i++) {
        if ((need->numbers[i] & ~have->numbers[i]) != 0) {
            return 0;
        }
    }
    return 1;
}

static int is_same(const struct set *a, const struct set *b)
{
    return has_all(a, b) && has_all(b, a);
}

static struct set united(const struct set *a, const struct set *b)
{
    struct set s = *a;

    for (uint32_t i = 0; i < SOURCES; i++) {
        s.numbers[i] |= b->numbers[i];
    }
    return s;
}

static struct infra_position position_of(const struct set *s)
{
    char text[8192] = "";
    size_t length = text_of(s, text, sizeof text);
    struct infra_position p;

    ck_assert_int_eq(
        infra_position_parse(INFRA_POSITION_MYSQL, 3, text, length, &p),
        INFRA_OK);
    ck_assert(infra__position_is_sound(&p));
    return p;
}

static size_t parts_of(const struct set *s, struct infra_position_part *parts,
                       size_t max)
{
    char text[8192] = "";
    size_t length = text_of(s, text, sizeof text);
    size_t count = 0;

    ck_assert_int_eq(infra__position_parse_parts(INFRA_POSITION_MYSQL, 9, text,
                                                 length, parts, max, &count),
                     INFRA_OK);
    return count;
}

/* A position holds its set: exactly, or with gaps filled and then said. */
START_TEST(a_position_holds_its_set)
{
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct set s = random_set();
        struct infra_position p = position_of(&s);
        struct set held = set_of(p.parts, p.count);
        ck_assert(has_all(&held, &s));
        ck_assert_int_eq(p.is_filled, !is_same(&held, &s));
        ck_assert(!p.is_filled || p.count == INFRA_POSITION_PARTS_MAX);
    }
}
END_TEST

/* What a position covers is what its set has; where gaps were filled there may
 * be a doubt, but never a false yes or no. */
START_TEST(covers_is_the_subset_of_the_model)
{
    uint32_t seen[3] = { 0 };

    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct set a = random_set();
        struct set b = random_set();
        if (below(2) == 0) {
            a = united(&a, &b);
        }
        struct infra_position have = position_of(&a);
        struct infra_position need = position_of(&b);
        struct set needed = set_of(need.parts, need.count);
        uint32_t answer = infra_position_covers(&have, &need);
        int is_there = has_all(&a, &needed);
        seen[answer]++;
        if (have.is_filled && need.count > 0) {
            ck_assert_uint_ne(answer, INFRA_POSITION_ANSWER_YES);
            ck_assert(answer == INFRA_POSITION_ANSWER_UNKNOWN || !is_there);
        } else {
            ck_assert_uint_eq(answer, is_there ? INFRA_POSITION_ANSWER_YES
                                               : INFRA_POSITION_ANSWER_NO);
        }
    }
    ck_assert_uint_gt(seen[0], ROUNDS / 20);
    ck_assert_uint_gt(seen[1], ROUNDS / 20);
    ck_assert_uint_gt(seen[2], ROUNDS / 50);
}
END_TEST

/* A node's parts are its set exactly, and are searched as a position is
 * compared, whatever the epochs. */
START_TEST(the_parts_of_a_node_are_exact)
{
    struct infra_position_part parts[128];

    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct set a = random_set();
        struct set b = random_set();
        if (below(2) == 0) {
            a = united(&a, &b);
        }
        size_t count = parts_of(&a, parts, 128);
        struct set held = set_of(parts, count);
        struct infra_position need = position_of(&b);
        struct set needed = set_of(need.parts, need.count);
        ck_assert(is_same(&held, &a));
        ck_assert_uint_eq(infra__position_covers_parts(
                              INFRA_POSITION_MYSQL, parts, count, false, &need),
                          has_all(&a, &needed) ? INFRA_POSITION_ANSWER_YES
                                               : INFRA_POSITION_ANSWER_NO);
    }
}
END_TEST

/* The parts of a node have the room that they are given and no more. */
START_TEST(the_parts_of_a_node_are_bounded)
{
    struct infra_position_part parts[129];
    struct infra_position_part untouched;
    size_t none = 99;

    begin();
    memset(&untouched, 0xa5, sizeof untouched);
    for (int round = 0; round < 2000; round++) {
        struct set s = random_set();
        char text[8192] = "";
        size_t length = text_of(&s, text, sizeof text);
        size_t count = parts_of(&s, parts, 128);
        if (count == 0) {
            continue;
        }
        parts[count - 1] = untouched;
        ck_assert_int_eq(infra__position_parse_parts(INFRA_POSITION_MYSQL, 9,
                                                     text, length, parts,
                                                     count - 1, &none),
                         INFRA_EFULL);
        ck_assert_uint_eq(none, 99);
        ck_assert_mem_eq(&parts[count - 1], &untouched, sizeof untouched);
        ck_assert_int_eq(infra__position_parse_parts(INFRA_POSITION_MYSQL, 9,
                                                     text, length, parts, count,
                                                     &none),
                         INFRA_OK);
        ck_assert_uint_eq(none, count);
        none = 99;
    }
}
END_TEST

/* A merge covers both, is the same in either order, and changes nothing when
 * it is repeated. */
START_TEST(a_merge_is_a_union)
{
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct set sets[2] = { random_set(), random_set() };
        struct set both = united(&sets[0], &sets[1]);
        struct infra_position a = position_of(&sets[0]);
        struct infra_position b = position_of(&sets[1]);
        struct infra_position ab = a;
        struct infra_position ba = b;
        ck_assert_int_eq(infra_position_merge(&ab, &b), INFRA_OK);
        ck_assert_int_eq(infra_position_merge(&ba, &a), INFRA_OK);
        ck_assert_mem_eq(&ab, &ba, sizeof ab);
        ck_assert(infra__position_is_sound(&ab));
        struct set held = set_of(ab.parts, ab.count);
        ck_assert(has_all(&held, &both));
        ck_assert(ab.is_filled || is_same(&held, &both));
        if (!ab.is_filled) {
            ck_assert_uint_eq(infra_position_covers(&ab, &a), 1);
            ck_assert_uint_eq(infra_position_covers(&ab, &b), 1);
        }
        ck_assert_int_eq(infra_position_merge(&ab, &a), INFRA_OK);
        ck_assert_int_eq(infra_position_merge(&ab, &ab), INFRA_OK);
        ck_assert_mem_eq(&ab, &ba, sizeof ab);
    }
}
END_TEST

/* What covers a position covers all that this one covers. */
START_TEST(covers_is_transitive)
{
    uint32_t chains = 0;

    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct set s = random_set();
        struct set larger = random_set();
        struct set largest = random_set();
        if (below(4) > 0) {
            larger = united(&larger, &s);
            largest = united(&largest, &larger);
        }
        struct infra_position a = position_of(&largest);
        struct infra_position b = position_of(&larger);
        struct infra_position c = position_of(&s);
        if (infra_position_covers(&a, &b) == 1 &&
            infra_position_covers(&b, &c) == 1) {
            ck_assert_uint_eq(infra_position_covers(&a, &c), 1);
            chains++;
        }
    }
    ck_assert_uint_gt(chains, ROUNDS / 20);
}
END_TEST

/* A position that is needed never needs less when its gaps are filled: what
 * covers it has the whole set. */
START_TEST(a_filled_position_never_needs_less)
{
    struct infra_position_part parts[128];
    uint32_t filled = 0;

    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct set s = random_set();
        struct set more = random_set();
        struct set node = united(&s, &more);
        node.numbers[below(SOURCES)] &= ~((uint64_t)1 << below(64));
        struct infra_position need = position_of(&s);
        size_t count = parts_of(&node, parts, 128);
        filled += need.is_filled;
        if (infra__position_covers_parts(INFRA_POSITION_MYSQL, parts, count,
                                         false, &need) == 1) {
            ck_assert(has_all(&node, &s));
        }
    }
    ck_assert_uint_gt(filled, ROUNDS / 50);
}
END_TEST

/* A set has the same position however its text is divided and ordered. */
START_TEST(the_order_of_a_text_does_not_count)
{
    struct infra_position_part parts[128];

    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct set s = random_set();
        struct infra_position p = position_of(&s);
        struct infra_position pieces = { 0 };
        size_t count = parts_of(&s, parts, 128);
        if (p.is_filled) {
            continue;
        }
        for (size_t i = count; i-- > 0;) {
            struct set one = set_of(&parts[i], 1);
            struct infra_position piece = position_of(&one);
            ck_assert_int_eq(infra_position_merge(&pieces, &piece), INFRA_OK);
        }
        ck_assert_mem_eq(&pieces, &p, sizeof p);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("position_sets");
    TCase *model = tcase_create("model");

    tcase_add_test(model, a_position_holds_its_set);
    tcase_add_test(model, covers_is_the_subset_of_the_model);
    tcase_add_test(model, the_parts_of_a_node_are_exact);
    tcase_add_test(model, the_parts_of_a_node_are_bounded);
    tcase_add_test(model, a_merge_is_a_union);
    tcase_add_test(model, covers_is_transitive);
    tcase_add_test(model, a_filled_position_never_needs_less);
    tcase_add_test(model, the_order_of_a_text_does_not_count);
    suite_add_tcase(suite, model);
    return test_main(suite);
}
