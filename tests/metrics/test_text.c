/* SPDX-License-Identifier: MIT */
/* The text that Prometheus reads, to the byte. tests/real/metrics_parser.sh
 * gives the same to Prometheus's own parser. */
#include "support.h"

#include "metrics/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_heap heap;
static struct infra_metrics *metrics;
static struct infra_metrics_writer *writer;
static struct infra_metrics_text *text;

static void setup(void)
{
    struct infra_metrics_options o = { .size = sizeof o,
                                       .allocator = &heap.allocator,
                                       .created =
                                           UINT64_C(1726600000123000000) };

    test_heap_init(&heap, -1);
    ck_assert_int_eq(infra_metrics_create(&metrics, &o), INFRA_OK);
    ck_assert_int_eq(infra_metrics_writer_create(&writer, metrics), INFRA_OK);
    ck_assert_int_eq(infra_metrics_text_create(&text, metrics), INFRA_OK);
}

static void teardown(void)
{
    infra_metrics_text_destroy(text);
    infra_metrics_destroy(metrics);
    ck_assert_int_eq(heap.live, 0);
}

static uint32_t family(const struct infra_metrics_family *f)
{
    uint32_t id = UINT32_MAX;
    int err = infra_metrics_family_add(metrics, f, &id);

    ck_assert_msg(err == INFRA_OK, "%s: %s", f->name,
                  infra_metrics_flaw_name((uint32_t)err));
    return id;
}

static uint32_t series(uint32_t of, const char *a, const char *b)
{
    const char *values[] = { a, b };
    uint32_t id = UINT32_MAX;

    ck_assert_int_eq(infra_metrics_series_add(metrics, of, values, &id),
                     INFRA_OK);
    return id;
}

/* A text that the caller frees, in buffers of @piece bytes. */
static char *read_all(uint32_t format, size_t piece)
{
    size_t size = 0, room = 1 << 16, count;
    char *all = malloc(room);

    ck_assert_ptr_nonnull(all);
    ck_assert_int_eq(infra_metrics_text_begin(text, format), INFRA_OK);
    while ((count = infra_metrics_text_read(text, all + size, piece)) > 0) {
        size += count;
        ck_assert_uint_le(size + piece + 1, room);
        if (count < piece) {
            break;
        }
    }
    ck_assert_uint_eq(infra_metrics_text_read(text, all + size, 1), 0);
    all[size] = '\0';
    return all;
}

static void check_text(uint32_t format, const char *want)
{
    char *all = read_all(format, 30000);

    ck_assert_str_eq(all, want);
    free(all);
}

/* Seven families of every kind, as research and the parser of Prometheus have
 * them. */
static void fill_sample(void)
{
    static const char *const backend[] = { "backend" };
    static const char *const build[] = { "version", "revision" };
    static const char *const path[] = { "path" };
    static const char *const states[] = { "up", "down", "drain" };
    static const uint64_t bounds[] = { 1000000, 10000000, 100000000,
                                       1000000000 };
    static const struct infra_metrics_family families[] = {
        { sizeof families[0], "infra_build", "Build information.", build, NULL,
          NULL, INFRA_METRICS_KIND_INFO, 0, 2, 0, 0, 0 },
        { sizeof families[0], "infra_backend_state",
          "Health state of a backend.", backend, states, NULL,
          INFRA_METRICS_KIND_STATESET, 0, 1, 3, 0, 0 },
        { sizeof families[0], "infra_backend_sessions", "Current sessions.",
          backend, NULL, NULL, INFRA_METRICS_KIND_GAUGE, 0, 1, 0, 0, 0 },
        { sizeof families[0], "infra_backend_requests",
          "Requests sent to a backend.", backend, NULL, NULL,
          INFRA_METRICS_KIND_COUNTER, 0, 1, 0, 0, 0 },
        { sizeof families[0], "infra_backend_received_bytes",
          "Bytes received from a backend.", backend, NULL, NULL,
          INFRA_METRICS_KIND_COUNTER, INFRA_METRICS_UNIT_BYTES, 1, 0, 0, 0 },
        { sizeof families[0], "infra_backend_connect_seconds",
          "Time to connect; quote \" backslash \\ newline \n end.", backend,
          NULL, bounds, INFRA_METRICS_KIND_HISTOGRAM,
          INFRA_METRICS_UNIT_SECONDS, 1, 0, 4, 0 },
        { sizeof families[0], "infra_label_escape", NULL, path, NULL, NULL,
          INFRA_METRICS_KIND_GAUGE, 0, 1, 0, 0, 0 },
    };
    static const uint64_t observed[] = { 500000, 5000000, 5000000, 200000000 };
    uint32_t id[7];

    for (size_t i = 0; i < 7; i++) {
        uint32_t f = family(&families[i]);
        id[i] = i == 0   ? series(f, "0.1.0", "deadbeef")
                : i == 6 ? series(f, "C:\\dir\\\"q\"\nline", NULL)
                         : series(f, "a:1", NULL);
    }
    ck_assert_int_eq(infra_metrics_set(metrics, id[1], 0), INFRA_OK);
    ck_assert_int_eq(infra_metrics_set(metrics, id[2], 2), INFRA_OK);
    ck_assert_int_eq(infra_metrics_change(writer, id[2], 2), INFRA_OK);
    ck_assert_int_eq(infra_metrics_change(writer, id[2], -1), INFRA_OK);
    ck_assert_int_eq(infra_metrics_count(writer, id[3], 42), INFRA_OK);
    ck_assert_int_eq(infra_metrics_set_total(metrics, id[4], UINT64_MAX - 1),
                     INFRA_OK);
    ck_assert_int_eq(infra_metrics_count(writer, id[4], 1), INFRA_OK);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(infra_metrics_observe(writer, id[5], observed[i]),
                         INFRA_OK);
    }
    ck_assert_int_eq(infra_metrics_set(metrics, id[6], 1), INFRA_OK);
}

#define CREATED "1726600000.123\n"

static const char open_sample[] =
    "# TYPE infra_build info\n"
    "# HELP infra_build Build information.\n"
    "infra_build_info{version=\"0.1.0\",revision=\"deadbeef\"} 1\n"
    "# TYPE infra_backend_state stateset\n"
    "# HELP infra_backend_state Health state of a backend.\n"
    "infra_backend_state{backend=\"a:1\",infra_backend_state=\"up\"} 1\n"
    "infra_backend_state{backend=\"a:1\",infra_backend_state=\"down\"} 0\n"
    "infra_backend_state{backend=\"a:1\",infra_backend_state=\"drain\"} 0\n"
    "# TYPE infra_backend_sessions gauge\n"
    "# HELP infra_backend_sessions Current sessions.\n"
    "infra_backend_sessions{backend=\"a:1\"} 3\n"
    "# TYPE infra_backend_requests counter\n"
    "# HELP infra_backend_requests Requests sent to a backend.\n"
    "infra_backend_requests_total{backend=\"a:1\"} 42\n"
    "infra_backend_requests_created{backend=\"a:1\"} " CREATED
    "# TYPE infra_backend_received_bytes counter\n"
    "# UNIT infra_backend_received_bytes bytes\n"
    "# HELP infra_backend_received_bytes Bytes received from a backend.\n"
    "infra_backend_received_bytes_total{backend=\"a:1\"} "
    "18446744073709551615\n"
    "infra_backend_received_bytes_created{backend=\"a:1\"} " CREATED
    "# TYPE infra_backend_connect_seconds histogram\n"
    "# UNIT infra_backend_connect_seconds seconds\n"
    "# HELP infra_backend_connect_seconds Time to connect; quote \\\" "
    "backslash \\\\ newline \\n end.\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"0.001\"} 1\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"0.01\"} 3\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"0.1\"} 3\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"1.0\"} 4\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"+Inf\"} 4\n"
    "infra_backend_connect_seconds_count{backend=\"a:1\"} 4\n"
    "infra_backend_connect_seconds_sum{backend=\"a:1\"} 0.2105\n"
    "infra_backend_connect_seconds_created{backend=\"a:1\"} " CREATED
    "# TYPE infra_label_escape gauge\n"
    "infra_label_escape{path=\"C:\\\\dir\\\\\\\"q\\\"\\nline\"} 1\n"
    "# EOF\n";

static const char old_sample[] =
    "# TYPE infra_build_info gauge\n"
    "# HELP infra_build_info Build information.\n"
    "infra_build_info{version=\"0.1.0\",revision=\"deadbeef\"} 1\n"
    "# TYPE infra_backend_state gauge\n"
    "# HELP infra_backend_state Health state of a backend.\n"
    "infra_backend_state{backend=\"a:1\",infra_backend_state=\"up\"} 1\n"
    "infra_backend_state{backend=\"a:1\",infra_backend_state=\"down\"} 0\n"
    "infra_backend_state{backend=\"a:1\",infra_backend_state=\"drain\"} 0\n"
    "# TYPE infra_backend_sessions gauge\n"
    "# HELP infra_backend_sessions Current sessions.\n"
    "infra_backend_sessions{backend=\"a:1\"} 3\n"
    "# TYPE infra_backend_requests_total counter\n"
    "# HELP infra_backend_requests_total Requests sent to a backend.\n"
    "infra_backend_requests_total{backend=\"a:1\"} 42\n"
    "# TYPE infra_backend_received_bytes_total counter\n"
    "# HELP infra_backend_received_bytes_total Bytes received from a "
    "backend.\n"
    "infra_backend_received_bytes_total{backend=\"a:1\"} "
    "18446744073709551615\n"
    "# TYPE infra_backend_connect_seconds histogram\n"
    "# HELP infra_backend_connect_seconds Time to connect; quote \" "
    "backslash \\\\ newline \\n end.\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"0.001\"} 1\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"0.01\"} 3\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"0.1\"} 3\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"1.0\"} 4\n"
    "infra_backend_connect_seconds_bucket{backend=\"a:1\",le=\"+Inf\"} 4\n"
    "infra_backend_connect_seconds_count{backend=\"a:1\"} 4\n"
    "infra_backend_connect_seconds_sum{backend=\"a:1\"} 0.2105\n"
    "# TYPE infra_label_escape gauge\n"
    "infra_label_escape{path=\"C:\\\\dir\\\\\\\"q\\\"\\nline\"} 1\n";

/* Every kind is printed as OpenMetrics 1.0 and as Prometheus 0.0.4 say. */
START_TEST(every_kind_in_both_formats)
{
    fill_sample();
    check_text(INFRA_METRICS_FORMAT_OPENMETRICS, open_sample);
    check_text(INFRA_METRICS_FORMAT_PROMETHEUS, old_sample);
}
END_TEST

/* Buffers of any size get the same bytes. */
START_TEST(any_buffer_size_gives_the_same_bytes)
{
    static const size_t pieces[] = {
        1, 2, 3, 7, 64, 1000, 12000, 13000, 25000
    };

    fill_sample();
    for (size_t i = 0; i < INFRA__COUNT_OF(pieces); i++) {
        char *all = read_all(INFRA_METRICS_FORMAT_OPENMETRICS, pieces[i]);
        ck_assert_str_eq(all, open_sample);
        free(all);
    }
}
END_TEST

/* A line that was begun is finished as it was begun, though its value changes
 * and its series is removed meanwhile; a histogram's lines are of one
 * moment. */
START_TEST(a_line_is_of_one_moment)
{
    static const uint64_t bounds[] = { 10, 100 };
    const struct infra_metrics_family f = { .size = sizeof f,
                                            .name = "h",
                                            .kind =
                                                INFRA_METRICS_KIND_HISTOGRAM,
                                            .bounds = bounds,
                                            .bounds_count = 2 };
    static const char want[] = "# TYPE h histogram\n"
                               "h_bucket{le=\"10.0\"} 1\n"
                               "h_bucket{le=\"100.0\"} 1\n"
                               "h_bucket{le=\"+Inf\"} 1\n"
                               "h_count 1\n"
                               "h_sum 5\n"
                               "h_created 1726600000.123\n"
                               "# EOF\n";
    char all[sizeof want] = "";
    size_t size = 0;
    uint32_t id = series(family(&f), NULL, NULL);

    (void)infra_metrics_observe(writer, id, 5);
    ck_assert_int_eq(
        infra_metrics_text_begin(text, INFRA_METRICS_FORMAT_OPENMETRICS),
        INFRA_OK);
    while (size < sizeof want - 1 &&
           infra_metrics_text_read(text, all + size, 1) == 1) {
        size++;
        if (size > strlen("# TYPE h histogram\nh_bucket")) {
            (void)infra_metrics_observe(writer, id, 50);
        }
        if (size == 60) {
            ck_assert_int_eq(infra_metrics_series_remove(metrics, id),
                             INFRA_OK);
        }
    }
    ck_assert_str_eq(all, want);
}
END_TEST

/* A bound counts every value up to it, and none that is 3.2 % above it. */
START_TEST(a_bound_counts_what_is_up_to_it)
{
    static const uint64_t bounds[] = { 0, 40, 1000, 1024, 1000000, 1u << 30 };

    for (size_t i = 0; i < INFRA__COUNT_OF(bounds); i++) {
        char name[8], want[300];
        const struct infra_metrics_family f = {
            .size = sizeof f,
            .name = name,
            .kind = INFRA_METRICS_KIND_HISTOGRAM,
            .bounds = &bounds[i],
            .bounds_count = 1
        };
        snprintf(name, sizeof name, "h%zu", i);
        uint32_t id = series(family(&f), NULL, NULL);
        (void)infra_metrics_observe(writer, id, bounds[i] - (bounds[i] > 0));
        (void)infra_metrics_observe(writer, id, bounds[i]);
        (void)infra_metrics_observe(writer, id, bounds[i] + bounds[i] / 31 + 1);
        *infra__metrics_bound(want, bounds[i], 0) = '\0';
        char line[400];
        snprintf(line, sizeof line, "%s_bucket{le=\"%s\"} 2\n", name, want);
        char *all = read_all(INFRA_METRICS_FORMAT_PROMETHEUS, 30000);
        ck_assert_msg(strstr(all, line) != NULL, "no %s in %s", line, all);
        free(all);
    }
}
END_TEST

/* Labels: a quote, a backslash and a line break are escaped; what is escaped
 * already is escaped again; UTF-8 stays as it is. */
START_TEST(label_values_are_escaped)
{
    static const char *const label[] = { "l" };
    static const struct {
        const char *value;
        const char *printed;
    } rows[] = {
        { "foo\\", "foo\\\\" },
        { "\n", "\\n" },
        { "\\n", "\\\\n" },
        { "\\\n", "\\\\\\n" },
        { "\"", "\\\"" },
        { "", "" },
        { "a,b={}", "a,b={}" },
        { "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac" },
        { "\t\x01", "\t\x01" },
    };
    const struct infra_metrics_family f = { .size = sizeof f,
                                            .name = "e",
                                            .labels = label,
                                            .labels_count = 1,
                                            .kind = INFRA_METRICS_KIND_GAUGE };
    uint32_t id = family(&f);

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char want[100];
        uint32_t s = series(id, rows[i].value, NULL);
        snprintf(want, sizeof want, "# TYPE e gauge\ne{l=\"%s\"} 0\n# EOF\n",
                 rows[i].printed);
        check_text(INFRA_METRICS_FORMAT_OPENMETRICS, want);
        ck_assert_int_eq(infra_metrics_series_remove(metrics, s), INFRA_OK);
    }
}
END_TEST

/* Bounds are written as OpenMetrics calls canonical. */
START_TEST(bounds_are_canonical)
{
    static const struct {
        uint64_t value;
        uint32_t decimals;
        const char *want;
    } rows[] = {
        { 0, 3, "0.0" },
        { 1, 3, "0.001" },
        { 2, 3, "0.002" },
        { 1, 2, "0.01" },
        { 1, 1, "0.1" },
        { 9, 1, "0.9" },
        { 95, 2, "0.95" },
        { 990, 3, "0.99" },
        { 999, 3, "0.999" },
        { 1, 0, "1.0" },
        { 17, 1, "1.7" },
        { 10, 0, "10.0" },
        { 1, 10, "1e-10" },
        { 1, 9, "1e-09" },
        { 10000, 9, "1e-05" },
        { 100000, 9, "0.0001" },
        { 100000, 0, "100000.0" },
        { 1000000, 0, "1e+06" },
        { 10000000000, 0, "1e+10" },
        { 1048576, 0, "1.048576e+06" },
        { 262144, 0, "262144.0" },
        { 15, 6, "1.5e-05" },
        { UINT64_MAX, 0, "1.8446744073709551615e+19" },
        { UINT64_MAX, 9, "1.8446744073709551615e+10" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char got[64];
        *infra__metrics_bound(got, rows[i].value, rows[i].decimals) = '\0';
        ck_assert_str_eq(got, rows[i].want);
    }
}
END_TEST

/* Values are exact decimals, without needless zeros; integers of 64 bits
 * survive. */
START_TEST(values_are_exact)
{
    static const struct {
        uint64_t value;
        uint32_t decimals;
        const char *want;
    } rows[] = {
        { 0, 0, "0" },
        { 0, 9, "0" },
        { UINT64_C(1) << 63, 0, "9223372036854775808" },
        { UINT64_MAX, 0, "18446744073709551615" },
        { UINT64_MAX, 9, "18446744073.709551615" },
        { 1, 9, "0.000000001" },
        { 210500000, 9, "0.2105" },
        { 3000000000, 9, "3" },
        { 1000000, 6, "1" },
        { 10, 0, "10" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char got[64];
        *infra__metrics_number(got, rows[i].value, rows[i].decimals) = '\0';
        ck_assert_str_eq(got, rows[i].want);
    }
}
END_TEST

/* Gauges have a sign and a scale; a gauge that is not known has no sample. */
START_TEST(gauges_have_a_sign)
{
    const struct infra_metrics_family lag = { .size = sizeof lag,
                                              .name = "lag_seconds",
                                              .kind = INFRA_METRICS_KIND_GAUGE,
                                              .unit =
                                                  INFRA_METRICS_UNIT_SECONDS };
    uint32_t id = series(family(&lag), NULL, NULL);

    ck_assert_int_eq(infra_metrics_set(metrics, id, -1500000000), INFRA_OK);
    check_text(INFRA_METRICS_FORMAT_PROMETHEUS,
               "# TYPE lag_seconds gauge\nlag_seconds -1.5\n");
    ck_assert_int_eq(infra_metrics_set(metrics, id, INFRA_METRICS_UNKNOWN),
                     INFRA_OK);
    check_text(INFRA_METRICS_FORMAT_PROMETHEUS, "# TYPE lag_seconds gauge\n");
    ck_assert_int_eq(infra_metrics_set(metrics, id, INT64_MAX), INFRA_OK);
    check_text(INFRA_METRICS_FORMAT_PROMETHEUS,
               "# TYPE lag_seconds gauge\nlag_seconds 9223372036.854775807\n");
}
END_TEST

/* The longest names and values fit into a line. */
START_TEST(the_longest_line_fits)
{
    enum { LABELS = INFRA_METRICS_LABELS_MAX };
    static char names[LABELS][INFRA_METRICS_NAME_MAX + 1];
    static char value[INFRA_METRICS_VALUE_MAX + 1];
    static char name[INFRA_METRICS_NAME_MAX + 1];
    static char help[INFRA_METRICS_HELP_MAX + 1];
    const char *labels[LABELS], *values[LABELS];
    uint32_t f, id;

    memset(value, '"', sizeof value - 1);
    memset(name, 'n', sizeof name - 1);
    memset(help, '\\', sizeof help - 1);
    for (int i = 0; i < LABELS; i++) {
        memset(names[i], 'a' + i, sizeof names[i] - 1);
        labels[i] = names[i];
        values[i] = value;
    }
    const struct infra_metrics_family o = { .size = sizeof o,
                                            .name = name,
                                            .help = help,
                                            .labels = labels,
                                            .labels_count = LABELS };
    ck_assert_int_eq(infra_metrics_family_add(metrics, &o, &f), INFRA_OK);
    ck_assert_int_eq(infra_metrics_series_add(metrics, f, values, &id),
                     INFRA_OK);
    char *all = read_all(INFRA_METRICS_FORMAT_OPENMETRICS, 14000);
    char *pieces = read_all(INFRA_METRICS_FORMAT_OPENMETRICS, 13);
    ck_assert_str_eq(all, pieces);
    ck_assert_ptr_nonnull(strstr(all, "# EOF\n"));
    ck_assert_uint_gt(strlen(all), 2 * LABELS * 2 * INFRA_METRICS_VALUE_MAX);
    free(pieces);
    free(all);
}
END_TEST

/* What is no text gives none. */
START_TEST(bad_calls_give_no_text)
{
    char buffer[10];
    struct infra_metrics_text *t = NULL;

    ck_assert_uint_eq(infra_metrics_text_read(text, buffer, 10), 0);
    ck_assert_int_eq(infra_metrics_text_begin(text, 2), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_text_begin(NULL, 0), INFRA_EINVAL);
    ck_assert_uint_eq(infra_metrics_text_read(NULL, buffer, 10), 0);
    ck_assert_int_eq(infra_metrics_text_begin(text, 1), INFRA_OK);
    ck_assert_uint_eq(infra_metrics_text_read(text, NULL, 10), 0);
    ck_assert_uint_eq(infra_metrics_text_read(text, buffer, 0), 0);
    ck_assert_uint_eq(infra_metrics_text_read(text, buffer, 10), 6);
    ck_assert_mem_eq(buffer, "# EOF\n", 6);
    ck_assert_int_eq(infra_metrics_text_create(&t, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_metrics_text_create(NULL, metrics), INFRA_EINVAL);
    heap.countdown = 0;
    ck_assert_int_eq(infra_metrics_text_create(&t, metrics), INFRA_ENOMEM);
    ck_assert_ptr_null(t);
    infra_metrics_text_destroy(NULL);
    ck_assert_str_eq(infra_metrics_content_type(1),
                     "application/openmetrics-text; version=1.0.0; "
                     "charset=utf-8");
    ck_assert_str_eq(infra_metrics_content_type(2), "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_text");
    TCase *tc = tcase_create("text");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_kind_in_both_formats);
    tcase_add_test(tc, any_buffer_size_gives_the_same_bytes);
    tcase_add_test(tc, a_line_is_of_one_moment);
    tcase_add_test(tc, a_bound_counts_what_is_up_to_it);
    tcase_add_test(tc, label_values_are_escaped);
    tcase_add_test(tc, bounds_are_canonical);
    tcase_add_test(tc, values_are_exact);
    tcase_add_test(tc, gauges_have_a_sign);
    tcase_add_test(tc, the_longest_line_fits);
    tcase_add_test(tc, bad_calls_give_no_text);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
