/* SPDX-License-Identifier: MIT */
/* Log-linear buckets, what they lose, and what the writers' sum to. */
#include "support.h"

#include "metrics/internal.h"

#include <stdio.h>

static struct test_heap heap;
static struct infra_metrics *metrics;
static struct infra_metrics_writer *writer;
static uint32_t family;

static void setup(void)
{
    static const char *const labels[] = { "l" };
    const struct infra_metrics_options o = { .size = sizeof o,
                                             .allocator = &heap.allocator };
    const struct infra_metrics_family f = { .size = sizeof f,
                                            .name = "h",
                                            .kind =
                                                INFRA_METRICS_KIND_HISTOGRAM,
                                            .labels = labels,
                                            .labels_count = 1 };

    test_heap_init(&heap, -1);
    ck_assert_int_eq(infra_metrics_create(&metrics, &o), INFRA_OK);
    ck_assert_int_eq(infra_metrics_writer_create(&writer, metrics), INFRA_OK);
    ck_assert_int_eq(infra_metrics_family_add(metrics, &f, &family), INFRA_OK);
}

static void teardown(void)
{
    infra_metrics_destroy(metrics);
    ck_assert_int_eq(heap.live, 0);
}

static uint32_t series(const char *label)
{
    uint32_t id = INFRA_METRICS_NO_SERIES;

    ck_assert_int_eq(infra_metrics_series_add(metrics, family, &label, &id),
                     INFRA_OK);
    return id;
}

static struct infra_metrics_distribution inspect(uint32_t id)
{
    struct infra_metrics_distribution d = { .size = sizeof d };

    ck_assert_int_eq(infra_metrics_inspect_histogram(metrics, id, &d),
                     INFRA_OK);
    return d;
}

/* A value has the bucket that research computed. */
START_TEST(values_have_their_buckets)
{
    static const struct {
        uint64_t value;
        uint32_t bucket;
    } rows[] = {
        { 0, 0 },
        { 31, 31 },
        { 32, 32 },
        { 63, 63 },
        { 64, 64 },
        { 65, 64 },
        { 66, 65 },
        { 1000, 190 },
        { 1024, 192 },
        { UINT64_C(1) << 63, 1888 },
        { UINT64_MAX, 1919 },
    };

    ck_assert_uint_eq(HISTOGRAM_BUCKETS, 1920);
    ck_assert_uint_eq(sizeof(struct infra__metrics_histogram), 15368);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_uint_eq(infra__log_linear_bucket(rows[i].value, 5),
                          rows[i].bucket);
    }
}
END_TEST

/* Buckets follow each other without a gap, and no value is further from the
 * middle of its bucket than 1.6 %. */
START_TEST(buckets_cover_all_values)
{
    for (uint32_t bits = 3; bits < 8; bits += 2) {
        uint32_t count = INFRA__LOG_LINEAR_BUCKETS(bits);
        uint64_t expected = 0;
        for (uint32_t b = 0; b < count; b++) {
            uint64_t low = infra__log_linear_low(b, bits);
            uint64_t high = infra__log_linear_high(b, bits);
            uint64_t middle = infra__log_linear_middle(b, bits);
            ck_assert_uint_eq(low, expected);
            ck_assert_uint_eq(infra__log_linear_bucket(low, bits), b);
            ck_assert_uint_eq(infra__log_linear_bucket(high, bits), b);
            ck_assert_uint_eq(infra__log_linear_bucket(middle, bits), b);
            ck_assert_uint_le((middle - low) >> (63 - bits), 0);
            ck_assert((double)(high - middle) * (double)(2u << bits) <=
                      (double)low + (double)(2u << bits));
            expected = high + 1;
        }
        ck_assert_uint_eq(expected, 0); /* Past 2^64 - 1. */
        ck_assert_uint_eq(infra__log_linear_low(count, bits), UINT64_MAX);
    }
}
END_TEST

/* Quantiles of a distribution that is known are within 1.6 %. */
START_TEST(quantiles_are_within_their_error)
{
    for (uint64_t scale = 1; scale <= 1000000000; scale *= 1000) {
        char label[30];
        snprintf(label, sizeof label, "%llu", (unsigned long long)scale);
        uint32_t id = series(label);
        for (uint64_t i = 1; i <= 10000; i++) {
            ck_assert_int_eq(infra_metrics_observe(writer, id, i * scale),
                             INFRA_OK);
        }
        struct infra_metrics_distribution d = inspect(id);
        ck_assert_uint_eq(d.count, 10000);
        ck_assert_uint_eq(d.sum, 50005000 * scale);
        const struct {
            uint64_t got;
            uint64_t want;
        } rows[] = { { d.least, 1 },  { d.p50, 5000 },  { d.p90, 9000 },
                     { d.p99, 9900 }, { d.p999, 9990 }, { d.greatest, 10000 } };
        for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
            uint64_t want = rows[i].want * scale;
            uint64_t off =
                rows[i].got > want ? rows[i].got - want : want - rows[i].got;
            ck_assert_msg(off * 64 <= want + 64, "%zu of %s: %llu, not %llu", i,
                          label, (unsigned long long)rows[i].got,
                          (unsigned long long)want);
        }
    }
}
END_TEST

/* One value, a few, and the extremes. */
START_TEST(few_values_have_quantiles)
{
    uint32_t none = series("none"), one = series("one"), ends = series("ends");
    struct infra_metrics_distribution d = inspect(none);

    ck_assert_uint_eq(d.count, 0);
    ck_assert_uint_eq(d.p50, 0);
    ck_assert_uint_eq(d.greatest, 0);
    (void)infra_metrics_observe(writer, one, 7);
    d = inspect(one);
    ck_assert_uint_eq(d.least, 7);
    ck_assert_uint_eq(d.p50, 7);
    ck_assert_uint_eq(d.p999, 7);
    (void)infra_metrics_observe(writer, ends, 0);
    (void)infra_metrics_observe(writer, ends, UINT64_MAX);
    d = inspect(ends);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_uint_eq(d.least, 0);
    ck_assert_uint_eq(d.p50, 0);
    ck_assert_uint_gt(d.p90, UINT64_MAX / 64 * 63);
    ck_assert_uint_eq(d.sum, UINT64_MAX);
}
END_TEST

/* A series of a slot that another one had starts at zero, and every writer has
 * its buckets, also one that came in between. */
START_TEST(a_slot_is_used_again_from_zero)
{
    struct infra_metrics_writer *second, *third;
    uint32_t id = series("a");

    ck_assert_int_eq(infra_metrics_writer_create(&second, metrics), INFRA_OK);
    for (int round = 0; round < 3; round++) {
        const char *label = round % 2 == 0 ? "b" : "c";
        ck_assert_int_eq(infra_metrics_observe(writer, id, 5), INFRA_OK);
        ck_assert_int_eq(infra_metrics_observe(second, id, 6), INFRA_OK);
        ck_assert_uint_eq(inspect(id).count, 2);
        ck_assert_uint_eq(inspect(id).sum, 11);
        ck_assert_int_eq(infra_metrics_series_remove(metrics, id), INFRA_OK);
        uint32_t next = series(label);
        ck_assert_uint_eq(next, id);
        ck_assert_uint_eq(inspect(id).count, 0);
        ck_assert_uint_eq(inspect(id).sum, 0);
    }
    ck_assert_int_eq(infra_metrics_series_remove(metrics, id), INFRA_OK);
    ck_assert_int_eq(infra_metrics_writer_create(&third, metrics), INFRA_OK);
    id = series("d");
    ck_assert_int_eq(infra_metrics_observe(third, id, 1), INFRA_OK);
    ck_assert_uint_eq(inspect(id).count, 1);
}
END_TEST

/* What a writer that was given back has counted stays, and its place is taken
 * by the next one. */
START_TEST(a_writer_leaves_its_counts)
{
    struct infra_metrics_status status = { .size = sizeof status };
    struct infra_metrics_writer *next;
    uint32_t id = series("a");

    (void)infra_metrics_observe(writer, id, 5);
    infra_metrics_writer_destroy(writer);
    infra_metrics_writer_destroy(NULL);
    ck_assert_int_eq(infra_metrics_inspect(metrics, &status), INFRA_OK);
    ck_assert_uint_eq(status.writers, 0);
    ck_assert_uint_eq(inspect(id).count, 1);
    uint32_t unseen = series("b");
    ck_assert_int_eq(infra_metrics_writer_create(&next, metrics), INFRA_OK);
    ck_assert_ptr_eq(next, writer);
    (void)infra_metrics_observe(next, id, 5);
    ck_assert_int_eq(infra_metrics_observe(next, unseen, 5), INFRA_OK);
    ck_assert_uint_eq(inspect(id).count, 2);
    ck_assert_uint_eq(inspect(unseen).count, 1);
}
END_TEST

/* What is no histogram is not observed nor read. */
START_TEST(only_histograms_are_observed)
{
    const struct infra_metrics_family f = { .size = sizeof f, .name = "c" };
    struct infra_metrics_distribution d = { .size = sizeof d };
    uint32_t c, counter, id = series("a");
    uint64_t value;

    ck_assert_int_eq(infra_metrics_family_add(metrics, &f, &c), INFRA_OK);
    ck_assert_int_eq(infra_metrics_series_add(metrics, c, NULL, &counter),
                     INFRA_OK);
    ck_assert_int_eq(infra_metrics_observe(writer, counter, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_observe(writer, id + 1, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_observe(writer, id + 7, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_observe(writer, INFRA_METRICS_NO_SERIES, 1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_observe(NULL, id, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_inspect_histogram(metrics, counter, &d),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_inspect_histogram(metrics, id + 1, &d),
                     INFRA_ENOENT);
    ck_assert_int_eq(infra_metrics_inspect_histogram(NULL, id, &d),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_inspect_histogram(metrics, id, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_read(metrics, id, &value), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_set(metrics, id, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_set_total(metrics, id, 1), INFRA_EINVAL);
}
END_TEST

/* A histogram without bounds of its own has the usual ones. */
START_TEST(usual_bounds)
{
    static const struct {
        const char *name;
        uint32_t unit;
        uint32_t count;
        uint64_t first;
        uint64_t last;
    } rows[] = {
        { "a_seconds", INFRA_METRICS_UNIT_SECONDS, 16, 100000, 10000000000 },
        { "a_ratio", INFRA_METRICS_UNIT_RATIO, 10, 100000, 1000000 },
        { "a_bytes", INFRA_METRICS_UNIT_BYTES, 16, 1, 1 << 30 },
        { "a", INFRA_METRICS_UNIT_NONE, 16, 1, 1 << 30 },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        const struct infra_metrics_family f = {
            .size = sizeof f,
            .name = rows[i].name,
            .unit = rows[i].unit,
            .kind = INFRA_METRICS_KIND_HISTOGRAM
        };
        uint32_t id;
        ck_assert_int_eq(infra_metrics_family_add(metrics, &f, &id), INFRA_OK);
        const struct infra__metrics_family *ours = &metrics->families[id];
        ck_assert_uint_eq(ours->bounds_count, rows[i].count);
        ck_assert_uint_eq(ours->bounds[0], rows[i].first);
        ck_assert_uint_eq(ours->bounds[rows[i].count - 1], rows[i].last);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_histogram");
    TCase *tc = tcase_create("histogram");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, values_have_their_buckets);
    tcase_add_test(tc, buckets_cover_all_values);
    tcase_add_test(tc, quantiles_are_within_their_error);
    tcase_add_test(tc, few_values_have_quantiles);
    tcase_add_test(tc, a_slot_is_used_again_from_zero);
    tcase_add_test(tc, a_writer_leaves_its_counts);
    tcase_add_test(tc, only_histograms_are_observed);
    tcase_add_test(tc, usual_bounds);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
