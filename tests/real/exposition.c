/* SPDX-License-Identifier: MIT */
/* Every kind of metric with texts that need escapes, for Prometheus's own
 * parser: exposition open|old, on stdout. exposition.py knows what is in it. */
#include <infra/metrics.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int err)
{
    if (err != INFRA_OK) {
        fprintf(stderr, "exposition: %s\n",
                err > 0 ? infra_metrics_flaw_name((uint32_t)err)
                        : infra_strerror(err));
        exit(EXIT_FAILURE);
    }
}

static uint32_t add(struct infra_metrics *m, const char *name, uint32_t kind,
                    uint32_t unit, const char *value)
{
    static const char *const labels[] = { "what" };
    static const char *const states[] = { "up", "down", "drain" };
    struct infra_metrics_family f = {
        .size = sizeof f,
        .name = name,
        .help = "A \"quote\", a \\ and\na break; \xc3\xa4\xe2\x82\xac.",
        .kind = kind,
        .unit = unit,
        .labels = labels,
        .labels_count = 1,
    };
    uint32_t family, series;

    if (kind == INFRA_METRICS_KIND_STATESET) {
        f.states = states;
        f.states_count = 3;
    }
    must(infra_metrics_family_add(m, &f, &family));
    must(infra_metrics_series_add(m, family, &value, &series));
    return series;
}

int main(int argc, char **argv)
{
    static const char what[] = "C:\\dir\\\"q\"\nline, {a=\"b\"} \xc3\xa4\t#";
    struct infra_metrics_options o = { .size = sizeof o,
                                       .created =
                                           UINT64_C(1726600000123000000) };
    int is_open = argc > 1 && strcmp(argv[1], "open") == 0;
    struct infra_metrics *m;
    struct infra_metrics_writer *w;
    struct infra_metrics_text *t;
    char piece[1000];
    size_t size;

    must(infra_metrics_create(&m, &o));
    must(infra_metrics_writer_create(&w, m));
    (void)add(m, "x_build", INFRA_METRICS_KIND_INFO, 0, what);
    uint32_t state = add(m, "x_state", INFRA_METRICS_KIND_STATESET, 0, what);
    must(infra_metrics_set(m, state, 2));
    uint32_t level = add(m, "x_level_seconds", INFRA_METRICS_KIND_GAUGE,
                         INFRA_METRICS_UNIT_SECONDS, what);
    must(infra_metrics_set(m, level, -1500000000));
    uint32_t bytes = add(m, "x_received_bytes", INFRA_METRICS_KIND_COUNTER,
                         INFRA_METRICS_UNIT_BYTES, what);
    must(infra_metrics_count(w, bytes, UINT64_C(1) << 53));
    uint32_t took = add(m, "x_took_seconds", INFRA_METRICS_KIND_HISTOGRAM,
                        INFRA_METRICS_UNIT_SECONDS, what);
    for (uint64_t i = 1; i <= 1000; i++) {
        must(infra_metrics_observe(w, took, i * 1000000));
    }
    must(infra_metrics_text_create(&t, m));
    must(infra_metrics_text_begin(t, is_open
                                         ? INFRA_METRICS_FORMAT_OPENMETRICS
                                         : INFRA_METRICS_FORMAT_PROMETHEUS));
    while ((size = infra_metrics_text_read(t, piece, sizeof piece)) > 0) {
        fwrite(piece, 1, size, stdout);
    }
    infra_metrics_text_destroy(t);
    infra_metrics_destroy(m);
    return EXIT_SUCCESS;
}
