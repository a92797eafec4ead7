/* SPDX-License-Identifier: MIT */
/* What Prometheus would refuse, or take for something else, has a name. */
#include "support.h"

#include "base/internal.h"
#include "base/utf8.h"

#include <infra/metrics.h>
#include <string.h>

static struct infra_metrics *metrics;

static void setup(void)
{
    ck_assert_int_eq(infra_metrics_create(&metrics, NULL), INFRA_OK);
}

static void teardown(void)
{
    infra_metrics_destroy(metrics);
}

static int add(const struct infra_metrics_family *f)
{
    uint32_t id = 12345;
    int err = infra_metrics_family_add(metrics, f, &id);

    ck_assert_int_eq(id != 12345, err == INFRA_OK);
    return err;
}

static char too_long[INFRA_METRICS_HELP_MAX + 2];

/* Names are plain, without the suffixes that kinds add. */
START_TEST(names_are_checked)
{
    static const struct {
        const char *name;
        int flaw;
    } rows[] = {
        { "a", INFRA_OK },
        { "A9_", INFRA_OK },
        { "total", INFRA_OK },
        { "my_totals", INFRA_OK },
        { NULL, INFRA_METRICS_FLAW_NAME },
        { "", INFRA_METRICS_FLAW_NAME },
        { "9a", INFRA_METRICS_FLAW_NAME },
        { "_a", INFRA_METRICS_FLAW_NAME },
        { "a:b", INFRA_METRICS_FLAW_NAME },
        { "a-b", INFRA_METRICS_FLAW_NAME },
        { "a b", INFRA_METRICS_FLAW_NAME },
        { "a\"", INFRA_METRICS_FLAW_NAME },
        { "a\n", INFRA_METRICS_FLAW_NAME },
        { "\xc3\xa4", INFRA_METRICS_FLAW_NAME },
        { "a_total", INFRA_METRICS_FLAW_SUFFIX },
        { "a_created", INFRA_METRICS_FLAW_SUFFIX },
        { "a_bucket", INFRA_METRICS_FLAW_SUFFIX },
        { "a_count", INFRA_METRICS_FLAW_SUFFIX },
        { "a_sum", INFRA_METRICS_FLAW_SUFFIX },
        { "a_gcount", INFRA_METRICS_FLAW_SUFFIX },
        { "a_gsum", INFRA_METRICS_FLAW_SUFFIX },
        { "a_info", INFRA_METRICS_FLAW_SUFFIX },
        { "a", INFRA_METRICS_FLAW_TAKEN },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        const struct infra_metrics_family f = { .size = sizeof f,
                                                .name = rows[i].name };
        int flaw = add(&f);
        ck_assert_msg(flaw == rows[i].flaw, "%s: %d", rows[i].name, flaw);
    }
    memset(too_long, 'a', sizeof too_long - 1);
    for (uint32_t size = 127; size <= 129; size++) {
        const struct infra_metrics_family f = {
            .size = sizeof f, .name = too_long + sizeof too_long - 1 - size
        };
        ck_assert_int_eq(add(&f), size <= INFRA_METRICS_NAME_MAX
                                      ? INFRA_OK
                                      : (int)INFRA_METRICS_FLAW_NAME);
    }
}
END_TEST

/* A name ends with its unit; states and texts have none. */
START_TEST(units_are_checked)
{
    static const char *const states[] = { "up" };
    static const struct {
        const char *name;
        uint32_t kind;
        uint32_t unit;
        int flaw;
    } rows[] = {
        { "a_seconds", 0, INFRA_METRICS_UNIT_SECONDS, INFRA_OK },
        { "a_bytes", 1, INFRA_METRICS_UNIT_BYTES, INFRA_OK },
        { "a_ratio", 2, INFRA_METRICS_UNIT_RATIO, INFRA_OK },
        { "b_seconds", 0, INFRA_METRICS_UNIT_NONE, INFRA_OK },
        { "c", 0, INFRA_METRICS_UNIT_SECONDS, INFRA_METRICS_FLAW_UNIT },
        { "cseconds", 0, INFRA_METRICS_UNIT_SECONDS, INFRA_METRICS_FLAW_UNIT },
        { "seconds", 0, INFRA_METRICS_UNIT_SECONDS, INFRA_METRICS_FLAW_UNIT },
        { "c_ms", 0, INFRA_METRICS_UNIT_SECONDS, INFRA_METRICS_FLAW_UNIT },
        { "c_bytes", 4, INFRA_METRICS_UNIT_BYTES, INFRA_METRICS_FLAW_UNIT },
        { "c_bytes", 3, INFRA_METRICS_UNIT_BYTES, INFRA_METRICS_FLAW_UNIT },
        { "c", 5, 0, INFRA_METRICS_FLAW_KIND },
        { "c", 0, 4, INFRA_METRICS_FLAW_KIND },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_metrics_family f = { .size = sizeof f,
                                          .name = rows[i].name,
                                          .kind = rows[i].kind,
                                          .unit = rows[i].unit };
        if (rows[i].kind == INFRA_METRICS_KIND_STATESET) {
            f.states = states;
            f.states_count = 1;
        }
        ck_assert_msg(add(&f) == rows[i].flaw, "%s", rows[i].name);
    }
}
END_TEST

/* Labels have names of their own. */
START_TEST(labels_are_checked)
{
    static const struct {
        const char *labels[2];
        int flaw;
    } rows[] = {
        { { "a", "b" }, INFRA_OK },
        { { "a", "a" }, INFRA_METRICS_FLAW_LABEL_TAKEN },
        { { "le", "b" }, INFRA_METRICS_FLAW_LABEL_TAKEN },
        { { "a", "quantile" }, INFRA_METRICS_FLAW_LABEL_TAKEN },
        { { "a", "overflow" }, INFRA_METRICS_FLAW_LABEL_TAKEN },
        { { "a", "m" }, INFRA_METRICS_FLAW_LABEL_TAKEN },
        { { "a", NULL }, INFRA_METRICS_FLAW_LABEL },
        { { "a", "" }, INFRA_METRICS_FLAW_LABEL },
        { { "__a", "b" }, INFRA_METRICS_FLAW_LABEL },
        { { "1", "b" }, INFRA_METRICS_FLAW_LABEL },
        { { "a-b", "b" }, INFRA_METRICS_FLAW_LABEL },
        { { "a:b", "b" }, INFRA_METRICS_FLAW_LABEL },
        { { "a", "\xff" }, INFRA_METRICS_FLAW_LABEL },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_metrics_family f = { .size = sizeof f,
                                          .name = i == 0 ? "n" : "m",
                                          .labels = rows[i].labels,
                                          .labels_count = 2 };
        ck_assert_msg(add(&f) == rows[i].flaw, "row %zu", i);
    }
    struct infra_metrics_family f = { .size = sizeof f,
                                      .name = "m",
                                      .labels_count = 1 };
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_LABEL);
    f.labels = rows[0].labels;
    f.labels_count = INFRA_METRICS_LABELS_MAX + 1;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_LABEL);
}
END_TEST

/* Bounds grow, and belong to histograms; states have names of their own, and
 * belong to state sets; a help is UTF-8 of a limited size. */
START_TEST(bounds_states_and_helps_are_checked)
{
    static const uint64_t bounds[] = { 1, 2, 2 };
    static const char *const states[] = { "up", "down", "up",  "a\"",
                                          "",   "a b",  "a\\", "a\n" };
    struct infra_metrics_family f = { .size = sizeof f,
                                      .name = "m",
                                      .kind = INFRA_METRICS_KIND_HISTOGRAM,
                                      .bounds = bounds,
                                      .bounds_count = 3 };

    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_BOUNDS);
    f.bounds_count = INFRA_METRICS_BOUNDS_MAX + 1;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_BOUNDS);
    f.bounds = NULL;
    f.bounds_count = 1;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_BOUNDS);
    f.kind = INFRA_METRICS_KIND_COUNTER;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_BOUNDS);
    f.bounds_count = 0;
    f.states = states;
    f.states_count = 1;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_STATES);
    f.kind = INFRA_METRICS_KIND_STATESET;
    f.states_count = 0;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_STATES);
    f.states_count = 3;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_STATES);
    f.states_count = INFRA_METRICS_STATES_MAX + 1;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_STATES);
    for (size_t i = 3; i < INFRA__COUNT_OF(states); i++) {
        f.states = states + i;
        f.states_count = 1;
        ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_STATES);
    }
    f.states = states;
    f.states_count = 2;
    f.help = "\xc3";
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_HELP);
    memset(too_long, 'a', sizeof too_long - 1);
    f.help = too_long;
    ck_assert_int_eq(add(&f), INFRA_METRICS_FLAW_HELP);
    f.help = too_long + 1;
    ck_assert_int_eq(add(&f), INFRA_OK);
    f.size = 8;
    ck_assert_int_eq(add(&f), INFRA_EINVAL);
    ck_assert_int_eq(add(NULL), INFRA_EINVAL);
}
END_TEST

/* Values of labels are UTF-8 of a limited size. */
START_TEST(values_are_checked)
{
    static const char *const labels[] = { "a", "b" };
    const struct infra_metrics_family f = {
        .size = sizeof f, .name = "m", .labels = labels, .labels_count = 2
    };
    const char *values[] = { "x", NULL };
    uint32_t family, id = 7;

    ck_assert_int_eq(infra_metrics_family_add(metrics, &f, &family), INFRA_OK);
    ck_assert_int_eq(infra_metrics_series_add(metrics, family, values, &id),
                     INFRA_METRICS_FLAW_VALUE);
    ck_assert_int_eq(infra_metrics_series_add(metrics, family, NULL, &id),
                     INFRA_EINVAL);
    values[1] = "\xed\xa0\x80";
    ck_assert_int_eq(infra_metrics_series_add(metrics, family, values, &id),
                     INFRA_METRICS_FLAW_UTF8);
    memset(too_long, 'a', sizeof too_long - 1);
    values[1] = too_long + sizeof too_long - 2 - INFRA_METRICS_VALUE_MAX;
    ck_assert_int_eq(infra_metrics_series_add(metrics, family, values, &id),
                     INFRA_METRICS_FLAW_VALUE);
    ck_assert_uint_eq(id, 7);
    values[1]++;
    ck_assert_int_eq(infra_metrics_series_add(metrics, family, values, &id),
                     INFRA_OK);
    ck_assert_int_eq(infra_metrics_series_add(metrics, family + 1, values, &id),
                     INFRA_EINVAL);
}
END_TEST

/* UTF-8 is what RFC 3629 says, and nothing else. */
START_TEST(utf8_is_strict)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        { "", true },
        { "\x7f", true },
        { "\xc2\x80", true },
        { "\xdf\xbf", true },
        { "\xe0\xa0\x80", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\xf0\x90\x80\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\x80", false },
        { "\xc0\x80", false },
        { "\xc1\xbf", false },
        { "\xc2", false },
        { "\xc2\x41", false },
        { "\xe0\x9f\xbf", false },
        { "\xe2\x82", false },
        { "\xe2\x82\x41", false },
        { "\xed\xa0\x80", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xf4\x90\x80\x80", false },
        { "\xf5\x80\x80\x80", false },
        { "\xf0\x90\x80", false },
        { "a\xff", false },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_msg(infra__is_utf8(rows[i].text, strlen(rows[i].text)) ==
                          rows[i].is,
                      "row %zu", i);
    }
    ck_assert(!infra__is_utf8("\xc2\x80", 1)); /* Cut. */
}
END_TEST

/* Each enumerator has a name. */
START_TEST(enums_have_names)
{
    ck_assert_str_eq(infra_metrics_kind_name(INFRA_METRICS_KIND_INFO), "info");
    ck_assert_str_eq(infra_metrics_kind_name(5), "unknown");
    ck_assert_str_eq(infra_metrics_unit_name(INFRA_METRICS_UNIT_SECONDS),
                     "seconds");
    ck_assert_str_eq(infra_metrics_unit_name(4), "unknown");
    for (uint32_t i = 0; i <= INFRA_METRICS_FLAW_UTF8; i++) {
        ck_assert_str_ne(infra_metrics_flaw_name(i), "unknown");
    }
    ck_assert_str_eq(infra_metrics_flaw_name(INFRA_METRICS_FLAW_UTF8 + 1),
                     "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_flaws");
    TCase *tc = tcase_create("flaws");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, names_are_checked);
    tcase_add_test(tc, units_are_checked);
    tcase_add_test(tc, labels_are_checked);
    tcase_add_test(tc, bounds_states_and_helps_are_checked);
    tcase_add_test(tc, values_are_checked);
    tcase_add_test(tc, utf8_is_strict);
    tcase_add_test(tc, enums_have_names);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
