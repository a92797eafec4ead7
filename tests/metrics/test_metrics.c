/* SPDX-License-Identifier: MIT */
/* Series, writers, limits and memory. */
#include "support.h"

#include "metrics/internal.h"

#include <stdio.h>
#include <string.h>

static struct test_heap heap;
static struct infra_metrics *metrics;

static const char *const labels[] = { "l" };

static void open_metrics(uint32_t series_max, uint32_t writers_max)
{
    struct infra_metrics_options o = { .size = sizeof o,
                                       .allocator = &heap.allocator,
                                       .families_max = 4,
                                       .series_max = series_max,
                                       .writers_max = writers_max };

    test_heap_init(&heap, -1);
    ck_assert_int_eq(infra_metrics_create(&metrics, &o), INFRA_OK);
}

static void teardown(void)
{
    infra_metrics_destroy(metrics);
    metrics = NULL;
    ck_assert_int_eq(heap.live, 0);
}

static uint32_t family(const char *name, uint32_t kind)
{
    const struct infra_metrics_family f = { .size = sizeof f,
                                            .name = name,
                                            .kind = kind,
                                            .labels = labels,
                                            .labels_count = 1 };
    uint32_t id = UINT32_MAX;

    ck_assert_int_eq(infra_metrics_family_add(metrics, &f, &id), INFRA_OK);
    return id;
}

static int add(uint32_t of, const char *label, uint32_t *ret)
{
    return infra_metrics_series_add(metrics, of, &label, ret);
}

static uint64_t value(uint32_t id)
{
    uint64_t v = 0;

    ck_assert_int_eq(infra_metrics_read(metrics, id, &v), INFRA_OK);
    return v;
}

/* The same labels are the same series; a family has its own. */
START_TEST(labels_name_a_series)
{
    uint32_t a, b, c, d;

    open_metrics(10, 1);
    uint32_t f = family("f", INFRA_METRICS_KIND_COUNTER);
    uint32_t g = family("g", INFRA_METRICS_KIND_COUNTER);
    ck_assert_int_eq(add(f, "x", &a), INFRA_OK);
    ck_assert_int_eq(add(f, "y", &b), INFRA_OK);
    ck_assert_int_eq(add(f, "x", &c), INFRA_OK);
    ck_assert_int_eq(add(g, "x", &d), INFRA_OK);
    ck_assert_uint_eq(a, c);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_ne(a, d);
}
END_TEST

/* At the limit every further series is the family's overflow, which counts;
 * a series that was removed makes room. */
START_TEST(series_are_bounded)
{
    struct infra_metrics_status status = { .size = sizeof status };
    struct infra_metrics_writer *w;
    uint32_t a, b, over, again, other;

    open_metrics(2, 1);
    uint32_t f = family("f", INFRA_METRICS_KIND_COUNTER);
    uint32_t g = family("g", INFRA_METRICS_KIND_HISTOGRAM);
    ck_assert_int_eq(infra_metrics_writer_create(&w, metrics), INFRA_OK);
    ck_assert_int_eq(add(f, "a", &a), INFRA_OK);
    ck_assert_int_eq(add(f, "b", &b), INFRA_OK);
    ck_assert_int_eq(add(f, "c", &over), INFRA_EFULL);
    ck_assert_int_eq(add(f, "d", &again), INFRA_EFULL);
    ck_assert_uint_eq(over, again);
    ck_assert_int_eq(add(g, "d", &other), INFRA_EFULL);
    ck_assert_uint_ne(over, other);
    ck_assert_int_eq(infra_metrics_count(w, over, 3), INFRA_OK);
    ck_assert_int_eq(infra_metrics_observe(w, other, 3), INFRA_OK);
    ck_assert_uint_eq(value(over), 3);
    ck_assert_int_eq(infra_metrics_series_remove(metrics, over), INFRA_OK);
    ck_assert_uint_eq(value(over), 3);
    ck_assert_int_eq(infra_metrics_inspect(metrics, &status), INFRA_OK);
    ck_assert_uint_eq(status.dropped, 3);
    ck_assert_uint_eq(status.series, 2);
    ck_assert_uint_eq(status.families, 2);
    ck_assert_uint_eq(status.writers, 1);
    ck_assert_int_eq(infra_metrics_series_remove(metrics, a), INFRA_OK);
    ck_assert_int_eq(add(f, "b", &again), INFRA_OK);
    ck_assert_uint_eq(again, b);
    ck_assert_int_eq(add(f, "c", &again), INFRA_OK);
    ck_assert_int_eq(add(f, "d", &again), INFRA_EFULL);
}
END_TEST

/* A slot that a series leaves is another's from zero, whatever writers and
 * control had counted there. */
START_TEST(a_slot_starts_again_at_zero)
{
    struct infra_metrics_writer *w;
    uint32_t a, b;

    open_metrics(1, 1);
    uint32_t f = family("f", INFRA_METRICS_KIND_COUNTER);
    ck_assert_int_eq(infra_metrics_writer_create(&w, metrics), INFRA_OK);
    ck_assert_int_eq(add(f, "a", &a), INFRA_OK);
    (void)infra_metrics_count(w, a, 5);
    ck_assert_int_eq(infra_metrics_set_total(metrics, a, 7), INFRA_OK);
    ck_assert_uint_eq(value(a), 12);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(infra_metrics_series_remove(metrics, a), INFRA_OK);
        ck_assert_int_eq(infra_metrics_series_remove(metrics, a), INFRA_ENOENT);
        ck_assert_int_eq(infra_metrics_set_total(metrics, a, 1), INFRA_ENOENT);
        ck_assert_int_eq(add(f, i % 2 == 0 ? "b" : "a", &b), INFRA_OK);
        ck_assert_uint_eq(value(b), 0);
        (void)infra_metrics_count(w, b, 5);
        ck_assert_uint_eq(value(b), 5);
        ck_assert_int_eq(infra_metrics_set_total(metrics, b, 100), INFRA_OK);
        ck_assert_uint_eq(value(b), 105);
    }
}
END_TEST

/* Every writer counts for itself, and the value is the sum. */
START_TEST(writers_sum_up)
{
    struct infra_metrics_writer *w[3], *none = NULL;
    uint32_t c, g;

    open_metrics(10, 3);
    ck_assert_int_eq(add(family("c", INFRA_METRICS_KIND_COUNTER), "", &c),
                     INFRA_OK);
    ck_assert_int_eq(add(family("g", INFRA_METRICS_KIND_GAUGE), "", &g),
                     INFRA_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(infra_metrics_writer_create(&w[i], metrics), INFRA_OK);
        ck_assert_int_eq(infra_metrics_count(w[i], c, 10), INFRA_OK);
        ck_assert_int_eq(infra_metrics_change(w[i], g, i - 1), INFRA_OK);
    }
    ck_assert_int_eq(infra_metrics_writer_create(&none, metrics), INFRA_EFULL);
    ck_assert_ptr_null(none);
    ck_assert_uint_eq(value(c), 30);
    ck_assert_uint_eq(value(g), 0);
    ck_assert_int_eq(infra_metrics_change(w[0], g, -5), INFRA_OK);
    ck_assert_int_eq((int64_t)value(g), -5);
    ck_assert_int_eq(infra_metrics_set(metrics, g, 7), INFRA_OK);
    ck_assert_uint_eq(value(g), 2);
}
END_TEST

/* A number of another kind, or of none, counts nothing. */
START_TEST(other_kinds_are_refused)
{
    struct infra_metrics_writer *w;
    uint32_t c, g;
    uint64_t v;

    open_metrics(10, 1);
    ck_assert_int_eq(add(family("c", INFRA_METRICS_KIND_COUNTER), "", &c),
                     INFRA_OK);
    ck_assert_int_eq(add(family("g", INFRA_METRICS_KIND_GAUGE), "", &g),
                     INFRA_OK);
    ck_assert_int_eq(infra_metrics_writer_create(&w, metrics), INFRA_OK);
    ck_assert_int_eq(infra_metrics_count(w, g, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_count(w, 1000, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_count(w, INFRA_METRICS_NO_SERIES, 1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_count(NULL, c, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_change(w, c, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_change(w, INFRA_METRICS_NO_SERIES, 1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_change(NULL, g, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_set(metrics, c, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_set(NULL, g, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_set_total(metrics, g, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_set(metrics, 1000, 1), INFRA_ENOENT);
    ck_assert_int_eq(infra_metrics_read(metrics, 1000, &v), INFRA_ENOENT);
    ck_assert_int_eq(infra_metrics_read(NULL, c, &v), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_read(metrics, c, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_series_remove(NULL, c), INFRA_EINVAL);
    ck_assert_uint_eq(value(c), 0);
    ck_assert_uint_eq(value(g), 0);
}
END_TEST

/* Thousands of series are found again, also after some were removed. */
START_TEST(many_series_are_found)
{
    enum { COUNT = 3000 };
    static uint32_t ids[COUNT];
    uint32_t again;
    char label[20];

    open_metrics(COUNT, 1);
    uint32_t f = family("f", INFRA_METRICS_KIND_GAUGE);
    for (int i = 0; i < COUNT; i++) {
        snprintf(label, sizeof label, "%d", i);
        ck_assert_int_eq(add(f, label, &ids[i]), INFRA_OK);
        ck_assert_int_eq(infra_metrics_set(metrics, ids[i], i), INFRA_OK);
    }
    for (int i = 0; i < COUNT; i += 3) {
        ck_assert_int_eq(infra_metrics_series_remove(metrics, ids[i]),
                         INFRA_OK);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(label, sizeof label, "%d", i);
        ck_assert_int_eq(add(f, label, &again), INFRA_OK);
        ck_assert_uint_eq(value(again), i % 3 == 0 ? 0 : (uint64_t)i);
    }
    ck_assert_int_eq(add(f, "one more", &again), INFRA_EFULL);
}
END_TEST

/* Options have ranges, and structs of any age. */
START_TEST(options_have_ranges)
{
    static const struct infra_metrics_options rows[] = {
        { .size = sizeof rows[0], .families_max = 65537 },
        { .size = sizeof rows[0], .series_max = 1000001 },
        { .size = sizeof rows[0], .writers_max = 4097 },
        { .size = sizeof rows[0], .reserved = 1 },
        { .size = 8 },
    };
    struct {
        struct infra_metrics_options o;
        uint64_t later;
    } future = { .o = { .size = sizeof future }, .later = 1 };
    struct infra_metrics_status status = { .size = 0 };

    test_heap_init(&heap, -1);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_int_eq(infra_metrics_create(&metrics, &rows[i]),
                         INFRA_EINVAL);
    }
    ck_assert_int_eq(infra_metrics_create(&metrics, &future.o), INFRA_ESTRUCT);
    ck_assert_int_eq(infra_metrics_create(NULL, NULL), INFRA_EINVAL);
    future.later = 0;
    ck_assert_int_eq(infra_metrics_create(&metrics, &future.o), INFRA_OK);
    ck_assert_int_eq(infra_metrics_inspect(metrics, &status), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_inspect(metrics, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_inspect(NULL, &status), INFRA_EINVAL);
}
END_TEST

/* Families have a limit, too. */
START_TEST(families_are_bounded)
{
    const struct infra_metrics_family f = { .size = sizeof f, .name = "last" };
    uint32_t id;

    open_metrics(1, 1);
    (void)family("a", 0);
    (void)family("b", 0);
    (void)family("c", 0);
    (void)family("d", 0);
    ck_assert_int_eq(infra_metrics_family_add(metrics, &f, &id), INFRA_EFULL);
    ck_assert_int_eq(infra_metrics_family_add(metrics, NULL, &id),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_family_add(metrics, &f, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_family_add(NULL, &f, &id), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_series_add(NULL, 0, labels, &id),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_series_add(metrics, 0, labels, NULL),
                     INFRA_EINVAL);
}
END_TEST

/* Everything that allocates, once; INFRA_ENOMEM if any of it failed. */
static int run_through(void)
{
    struct infra_metrics_options o = { .size = sizeof o,
                                       .allocator = &heap.allocator,
                                       .families_max = 2,
                                       .series_max = 2,
                                       .writers_max = 3 };
    const struct infra_metrics_family f = { .size = sizeof f,
                                            .name = "h",
                                            .kind =
                                                INFRA_METRICS_KIND_HISTOGRAM,
                                            .labels = labels,
                                            .labels_count = 1 };
    const struct infra_metrics_family c = {
        .size = sizeof c, .name = "c", .labels = labels, .labels_count = 1
    };
    struct infra_metrics_writer *w[3] = { NULL };
    uint32_t h = 0, counts = 0, id = 0, over, counter = UINT32_MAX;
    int failures = 0;

    if (infra_metrics_create(&metrics, &o) != INFRA_OK) {
        return INFRA_ENOMEM;
    }
    failures += infra_metrics_family_add(metrics, &f, &h) != INFRA_OK;
    failures += infra_metrics_family_add(metrics, &c, &counts) != INFRA_OK;
    failures += infra_metrics_writer_create(&w[0], metrics) != INFRA_OK;
    failures += infra_metrics_writer_create(&w[1], metrics) != INFRA_OK;
    if (failures == 0) {
        failures += add(h, "a", &id) != INFRA_OK;
        (void)infra_metrics_observe(w[0], id, 1);
        (void)infra_metrics_series_remove(metrics, id);
        failures += add(h, "b", &id) != INFRA_OK;
        failures += infra_metrics_writer_create(&w[2], metrics) != INFRA_OK;
        failures += add(counts, "a", &counter) != INFRA_OK;
        failures += add(h, "over", &over) != INFRA_EFULL;
    }
    /* A counter never starts with what a histogram left behind. */
    if (counter != UINT32_MAX) {
        ck_assert_uint_eq(value(counter), 0);
    }
    infra_metrics_destroy(metrics);
    metrics = NULL;
    return failures == 0 ? INFRA_OK : INFRA_ENOMEM;
}

/* Any allocation may fail: the call says so, and nothing is lost. */
START_TEST(every_allocation_may_fail)
{
    long countdown = 0;
    int err = INFRA_ENOMEM;

    for (; err == INFRA_ENOMEM && countdown < 100; countdown++) {
        test_heap_init(&heap, countdown);
        err = run_through();
        ck_assert_int_eq(heap.live, 0);
    }
    ck_assert_int_eq(err, INFRA_OK);
    ck_assert_int_gt(countdown, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("metrics");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, labels_name_a_series);
    tcase_add_test(tc, series_are_bounded);
    tcase_add_test(tc, a_slot_starts_again_at_zero);
    tcase_add_test(tc, writers_sum_up);
    tcase_add_test(tc, other_kinds_are_refused);
    tcase_add_test(tc, many_series_are_found);
    tcase_add_test(tc, options_have_ranges);
    tcase_add_test(tc, families_are_bounded);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
