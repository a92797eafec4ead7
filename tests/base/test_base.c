/* SPDX-License-Identifier: MIT */
/* The vocabulary: names, sized structs, sets, hashing, randomness, timers. */
#include "support.h"

#include "base/characters.h"
#include "base/internal.h"
#include "base/random.h"
#include "base/timers.h"

#include <string.h>

/* Every result has a text of its own; other numbers are "unknown error". */
START_TEST(results_are_named)
{
    for (int e = INFRA_EEXIST; e <= INFRA_OK; e++) {
        ck_assert_str_ne(infra_strerror(e), "unknown error");
        ck_assert_str_ne(infra_strerror(e), "");
        for (int f = INFRA_EEXIST; f < e; f++) {
            ck_assert_str_ne(infra_strerror(e), infra_strerror(f));
        }
    }
    ck_assert_str_eq(infra_strerror(1), "unknown error");
    ck_assert_str_eq(infra_strerror(INFRA_EEXIST - 1), "unknown error");
}
END_TEST

/* Exactly error .. reset, and the gateway error, blame the backend. */
START_TEST(outcomes_know_the_fault)
{
    static const int blames[] = { 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0 };

    for (uint32_t o = 0; o < INFRA__COUNT_OF(blames); o++) {
        ck_assert_int_eq(infra_outcome_blames_backend(o), blames[o]);
    }
    ck_assert_str_eq(infra_outcome_name(INFRA_OUTCOME_REFUSED), "refused");
    ck_assert_str_eq(infra_outcome_name(INFRA_OUTCOME_ABANDONED), "abandoned");
    ck_assert_str_eq(infra_outcome_name(INFRA_OUTCOME_DEGRADED), "degraded");
    ck_assert_str_eq(infra_outcome_name(INFRA_OUTCOME_GATEWAY_ERROR),
                     "gateway error");
    ck_assert_str_eq(infra_outcome_name(INFRA_OUTCOME_STALE), "stale");
    ck_assert_str_eq(infra_outcome_name(11), "unknown");
}
END_TEST

START_TEST(version_matches_the_header)
{
    ck_assert_uint_eq(infra_version(), INFRA_VERSION_MAJOR << 16 |
                                           INFRA_VERSION_MINOR << 8 |
                                           INFRA_VERSION_PATCH);
}
END_TEST

/* xxHash64 agrees with the reference implementation. */
START_TEST(xxhash64_known_answers)
{
    static const struct {
        const char *text;
        uint64_t seed;
        uint64_t hash;
    } rows[] = {
        { "", 0, 0xef46db3751d8e999u },
        { "a", 0, 0xd24ec4f1a98c6e5bu },
        { "abc", 0, 0x44bc2cf5ad770999u },
        { "127.0.0.1:94_1", 0, 833437586790550860u },
        { "127.0.0.1:92_0", 0, 928266305478181108u },
        { "Nobody inspects the spammish repetition", 0, 0xfbcea83c8a378bf1u },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        uint64_t hash =
            infra_xxhash64(rows[i].text, strlen(rows[i].text), rows[i].seed);
        ck_assert_msg(hash == rows[i].hash, "%s: %llx", rows[i].text,
                      (unsigned long long)hash);
    }
}
END_TEST

struct sized {
    size_t size;
    uint64_t old;
    uint64_t new;
};

/* A caller from the past, of today, and from the future. */
START_TEST(options_of_any_age)
{
    struct sized dst = { 0 };
    struct {
        struct sized known;
        uint64_t unknown;
    } src = { .known = { .old = 1, .new = 2 } };
    const size_t v1 = offsetof(struct sized, new);

    ck_assert_int_eq(infra__options_import(&dst, sizeof dst, NULL, v1), 0);
    ck_assert_uint_eq(dst.old, 0);
    src.known.size = v1;
    ck_assert_int_eq(infra__options_import(&dst, sizeof dst, &src, v1), 0);
    ck_assert_uint_eq(dst.old, 1);
    ck_assert_uint_eq(dst.new, 0);
    src.known.size = sizeof src;
    ck_assert_int_eq(infra__options_import(&dst, sizeof dst, &src, v1), 0);
    ck_assert_uint_eq(dst.new, 2);
    src.unknown = 1;
    ck_assert_int_eq(infra__options_import(&dst, sizeof dst, &src, v1),
                     INFRA_ESTRUCT);
    src.known.size = v1 - 1;
    ck_assert_int_eq(infra__options_import(&dst, sizeof dst, &src, v1),
                     INFRA_EINVAL);
    src.known.size = 4097;
    ck_assert_int_eq(infra__options_import(&dst, sizeof dst, &src, v1),
                     INFRA_EINVAL);
}
END_TEST

static int complete(void *options)
{
    struct sized *o = options;

    o->new = o->new != 0 ? o->new : 5;
    return o->old <= 9 ? INFRA_OK : INFRA_EINVAL;
}

/* Options are imported, completed and checked in this order, and the first
 * error is the result. */
START_TEST(options_are_completed_once_they_are_imported)
{
    struct sized src = { .size = sizeof src, .old = 9 };
    struct sized dst = { .size = sizeof dst };

    ck_assert_int_eq(infra__options_take(&dst, &src, complete), INFRA_OK);
    ck_assert_uint_eq(dst.old, 9);
    ck_assert_uint_eq(dst.new, 5);
    src.old = 10;
    ck_assert_int_eq(infra__options_take(&dst, &src, complete), INFRA_EINVAL);
    ck_assert_int_eq(infra__options_take(&dst, &src, NULL), INFRA_OK);
    src.size = 1;
    ck_assert_int_eq(infra__options_take(&dst, &src, complete), INFRA_EINVAL);
}
END_TEST

/* An object begins with its allocator; after an error there is no object. */
START_TEST(objects_begin_with_their_allocator)
{
    struct test_heap heap;
    int err = INFRA_ESTRUCT;

    test_heap_init(&heap, 1);
    ck_assert_ptr_null(infra__object_create(&err, 100, &heap.allocator));
    ck_assert_int_eq(err, INFRA_ESTRUCT);
    ck_assert_int_eq(heap.calls, 0);
    err = INFRA_OK;
    struct infra_allocator *object =
        infra__object_create(&err, 100, &heap.allocator);
    ck_assert_ptr_eq(object->user, &heap);
    infra__object_free(object, 100);
    ck_assert_int_eq(heap.live, 0);
    ck_assert_ptr_null(infra__object_create(&err, 100, &heap.allocator));
    ck_assert_int_eq(err, INFRA_ENOMEM);
}
END_TEST

/* A table of names answers "unknown" for its gaps and past its end. */
START_TEST(names_of_a_table_with_a_gap)
{
    static const char *const names[] = { [0] = "first", [2] = "third" };

    ck_assert_str_eq(INFRA__NAME(names, 0), "first");
    ck_assert_str_eq(INFRA__NAME(names, 1), "unknown");
    ck_assert_str_eq(INFRA__NAME(names, 2), "third");
    ck_assert_str_eq(INFRA__NAME(names, 3), "unknown");
}
END_TEST

/* Checks of texts: size, characters, equality. */
START_TEST(texts_are_checked)
{
    ck_assert(infra__text_fits("ab", 1, 2));
    ck_assert(!infra__text_fits("abc", 1, 2));
    ck_assert(!infra__text_fits("", 1, 2));
    ck_assert(infra__text_fits("", 0, 2));
    ck_assert(!infra__text_fits(NULL, 0, 2));
    ck_assert(infra__text_is_made_of(infra__is_digit, "12a", 2));
    ck_assert(!infra__text_is_made_of(infra__is_digit, "12a", 3));
    ck_assert(infra__text_is_made_of(infra__is_digit, "", 0));
    ck_assert(infra__is_word("yes!", 3, "yes"));
    ck_assert(!infra__is_word("yes!", 4, "yes"));
    ck_assert(!infra__is_word("yes!", 2, "yes"));

    const char *const most = "18446744073709551615",
                      *more = "18446744073709551616";
    uint64_t number = 7;
    ck_assert(!infra__read_number(&number, "", 0));
    ck_assert(!infra__read_number(&number, "1a", 2));
    ck_assert(!infra__read_number(&number, more, strlen(more)));
    ck_assert_uint_eq(number, 7);
    ck_assert(infra__read_number(&number, most, strlen(most)));
    ck_assert_uint_eq(number, UINT64_MAX);
    ck_assert(infra__read_number(&number, "012", 3));
    ck_assert_uint_eq(number, 12);
}
END_TEST

/* A snapshot fills what both sides know and zeroes the rest of the caller's. */
START_TEST(stats_of_any_age)
{
    const struct sized ours = { .old = 1, .new = 2 };
    struct {
        struct sized known;
        uint64_t unknown;
    } theirs = { .known = { .new = 7 }, .unknown = 9 };
    const size_t v1 = offsetof(struct sized, new);

    theirs.known.size = v1;
    ck_assert_int_eq(infra__status_export(&theirs, &ours, sizeof ours, v1), 0);
    ck_assert_uint_eq(theirs.known.old, 1);
    ck_assert_uint_eq(theirs.known.new, 7);
    theirs.known.size = sizeof theirs;
    ck_assert_int_eq(infra__status_export(&theirs, &ours, sizeof ours, v1), 0);
    ck_assert_uint_eq(theirs.known.new, 2);
    ck_assert_uint_eq(theirs.unknown, 0);
    ck_assert_uint_eq(theirs.known.size, sizeof theirs);
    theirs.known.size = 0;
    ck_assert_int_eq(infra__status_export(&theirs, &ours, sizeof ours, v1),
                     INFRA_EINVAL);
}
END_TEST

/* A set ignores ids out of its range. */
START_TEST(sets_keep_to_their_ids)
{
    uint64_t words[INFRA_SET_WORDS(70)] = { 0 };
    struct infra_set set = { .words = words, .ids_max = 70 };

    ck_assert_uint_eq(INFRA__COUNT_OF(words), 2);
    infra_set_add(&set, 0);
    infra_set_add(&set, 69);
    infra_set_add(&set, 70);
    ck_assert_int_eq(infra_set_has(&set, 0), 1);
    ck_assert_int_eq(infra_set_has(&set, 1), 0);
    ck_assert_int_eq(infra_set_has(&set, 69), 1);
    ck_assert_int_eq(infra_set_has(&set, 70), 0);
    infra_set_remove(&set, 69);
    infra_set_remove(&set, 4000000000u);
    ck_assert_int_eq(infra_set_has(&set, 69), 0);
    ck_assert_uint_eq(words[0], 1);
}
END_TEST

/* SplitMix64 gives the published sequence of seed 1234567. */
START_TEST(random_known_answers)
{
    static const uint64_t expected[] = {
        6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
        4593380528125082431u, 16408922859458223821u
    };
    uint64_t state = 1234567;

    for (size_t i = 0; i < INFRA__COUNT_OF(expected); i++) {
        ck_assert_uint_eq(infra__random(&state), expected[i]);
    }
    for (uint32_t n = 1; n < 100; n++) {
        ck_assert_uint_lt(infra__below(infra__random(&state), n), n);
    }
    ck_assert_uint_eq(infra__below(UINT64_MAX, 7), 6);
    ck_assert_uint_eq(infra__below(0, 7), 0);
}
END_TEST

/* Saturating time: the end of time stays the end. */
START_TEST(time_saturates)
{
    ck_assert_uint_eq(infra__time_add(3, 4), 7);
    ck_assert_uint_eq(infra__time_add(INFRA_TIME_NEVER, 1), INFRA_TIME_NEVER);
    ck_assert_uint_eq(infra__time_add(1, INFRA_TIME_NEVER), INFRA_TIME_NEVER);
}
END_TEST

/* After any mix of changes the first timer is the least, ties by index. */
START_TEST(timers_agree_with_a_scan)
{
    enum { COUNT = 37 };
    infra_time naive[COUNT];
    struct test_heap heap;
    struct infra__timers t;
    uint64_t random = (uint64_t)_i;

    test_heap_init(&heap, -1);
    ck_assert_int_eq(infra__timers_init(&t, COUNT, &heap.allocator), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        naive[i] = INFRA_TIME_NEVER;
    }
    for (int step = 0; step < 5000; step++) {
        uint32_t i = infra__below(infra__random(&random), COUNT);
        uint64_t r = infra__random(&random);
        naive[i] = r % 4 == 0 ? INFRA_TIME_NEVER : r % 100;
        infra__timers_set(&t, i, naive[i]);
        uint32_t least = 0;
        for (uint32_t k = 1; k < COUNT; k++) {
            least = naive[k] < naive[least] ? k : least;
        }
        ck_assert_uint_eq(infra__timers_first(&t), naive[least]);
        if (naive[least] != INFRA_TIME_NEVER) {
            ck_assert_uint_eq(t.heap[0], least);
        }
    }
    infra__timers_finish(&t, &heap.allocator);
    ck_assert_int_eq(heap.live, 0);
}
END_TEST

START_TEST(timers_survive_no_memory)
{
    struct infra__timers t;
    struct test_heap heap;

    for (long n = 0; n < 3; n++) {
        test_heap_init(&heap, n);
        ck_assert_int_eq(infra__timers_init(&t, 8, &heap.allocator),
                         INFRA_ENOMEM);
        ck_assert_int_eq(heap.live, 0);
        infra__timers_finish(&t, &heap.allocator);
    }
}
END_TEST

/* Memory comes zeroed, on a line when asked, and never from an overflow. */
START_TEST(memory_is_zeroed_and_bounded)
{
    struct test_heap heap;

    test_heap_init(&heap, -1);
    ck_assert_ptr_null(infra__alloc(&heap.allocator, SIZE_MAX, 2));
    ck_assert_ptr_null(infra__alloc(&heap.allocator, 0, 8));
    ck_assert_ptr_null(infra__alloc_lines(&heap.allocator, SIZE_MAX));
    unsigned char *p = infra__alloc_lines(&heap.allocator, 100);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq((uintptr_t)p % INFRA__CACHE_LINE, 0);
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(p[i], 0);
    }
    infra__free_lines(&heap.allocator, p, 100);
    ck_assert_int_eq(heap.live, 0);
}
END_TEST

static Suite *base_suite(void)
{
    Suite *s = suite_create("base");
    TCase *tc = tcase_create("names");
    tcase_add_test(tc, results_are_named);
    tcase_add_test(tc, outcomes_know_the_fault);
    tcase_add_test(tc, version_matches_the_header);
    suite_add_tcase(s, tc);

    tc = tcase_create("structs");
    tcase_add_test(tc, options_of_any_age);
    tcase_add_test(tc, options_are_completed_once_they_are_imported);
    tcase_add_test(tc, objects_begin_with_their_allocator);
    tcase_add_test(tc, names_of_a_table_with_a_gap);
    tcase_add_test(tc, texts_are_checked);
    tcase_add_test(tc, stats_of_any_age);
    tcase_add_test(tc, sets_keep_to_their_ids);
    tcase_add_test(tc, memory_is_zeroed_and_bounded);
    suite_add_tcase(s, tc);

    tc = tcase_create("numbers");
    tcase_add_test(tc, xxhash64_known_answers);
    tcase_add_test(tc, random_known_answers);
    tcase_add_test(tc, time_saturates);
    tcase_add_loop_test(tc, timers_agree_with_a_scan, 0, 4);
    tcase_add_test(tc, timers_survive_no_memory);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(base_suite());
}
