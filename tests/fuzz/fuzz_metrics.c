/* SPDX-License-Identifier: MIT */
/* The exposition there and back. The first bytes name families and series, the
 * rest are their values; what is printed is read by rules of its own, written
 * from OpenMetrics 1.0, and has to be what was counted. Buffers of two sizes
 * get the same bytes. */
#include "fuzz.h"

#include <infra/metrics.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 24, TEXT_MAX = 1 << 17, VALUE_MAX = 300 };

struct sample {
    char name[160];
    char label[VALUE_MAX];
    uint64_t value;
    bool was_seen;
};

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static struct sample samples[SERIES_MAX];
static size_t samples_count;

static void check(int good)
{
    if (!good) {
        abort();
    }
}

static uint8_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* A text of the next bytes, up to @size_max; it ends at a zero. */
static void word(struct input *in, char *ret, size_t size_max)
{
    size_t size = byte(in) % size_max, i = 0;

    for (; i < size && in->at < in->end; i++) {
        ret[i] = (char)byte(in);
    }
    ret[i] = '\0';
}

/* Of a counter, a series with a label. The model keeps what was accepted. */
static void add_series(struct infra_metrics *m, struct infra_metrics_writer *w,
                       struct input *in, uint32_t family, const char *name)
{
    char label[VALUE_MAX];
    const char *values[] = { label };
    uint32_t id;
    size_t i = 0;

    word(in, label, sizeof label);
    uint64_t n = byte(in) * UINT64_C(0x0101010101);
    if (infra_metrics_series_add(m, family, values, &id) != INFRA_OK) {
        return;
    }
    while (i < samples_count && (strcmp(samples[i].name, name) != 0 ||
                                 strcmp(samples[i].label, label) != 0)) {
        i++;
    }
    if (i == samples_count) {
        check(samples_count < SERIES_MAX);
        samples_count++;
        samples[i] = (struct sample) { .value = 0 };
        strcpy(samples[i].name, name);
        strcpy(samples[i].label, label);
    }
    samples[i].value += n;
    check(infra_metrics_count(w, id, n) == INFRA_OK);
}

static void fill(struct infra_metrics *m, struct infra_metrics_writer *w,
                 struct input *in)
{
    static const char *const labels[] = { "l" };
    uint32_t family = 0;
    char name[150] = "", help[600];

    while (in->at < in->end) {
        uint8_t what = byte(in);
        if (what % 4 == 0 || name[0] == '\0') {
            struct infra_metrics_family f = { .size = sizeof f,
                                              .labels = labels,
                                              .labels_count = 1 };
            char next[150];
            word(in, next, sizeof next);
            word(in, help, sizeof help);
            f.name = next;
            f.help = help;
            if (infra_metrics_family_add(m, &f, &family) == INFRA_OK) {
                strcpy(name, next);
            }
        } else {
            add_series(m, w, in, family, name);
        }
    }
}

static size_t read_all(struct infra_metrics_text *t, char *ret, size_t piece)
{
    size_t size = 0, count;

    check(infra_metrics_text_begin(t, INFRA_METRICS_FORMAT_OPENMETRICS) ==
          INFRA_OK);
    do {
        size_t room = TEXT_MAX - size;
        count =
            infra_metrics_text_read(t, ret + size, piece < room ? piece : room);
        size += count;
    } while (count > 0);
    check(size < TEXT_MAX);
    return size;
}

/* Read up to @end; the byte after it. */
static const char *until(const char *at, char end, char *ret, size_t room)
{
    size_t i = 0;

    for (; *at != end; at++) {
        check(*at != '\n' && *at != '\0' && i + 1 < room);
        ret[i++] = *at;
    }
    ret[i] = '\0';
    return at + 1;
}

static const char *quoted(const char *at, char *ret, size_t room)
{
    size_t i = 0;

    check(*at++ == '"');
    for (; *at != '"'; at++) {
        char c = *at;
        check(c != '\n' && c != '\0' && i + 1 < room);
        if (c == '\\') {
            at++;
            check(*at == '\\' || *at == '"' || *at == 'n');
            c = *at == 'n' ? '\n' : *at;
        }
        ret[i++] = c;
    }
    ret[i] = '\0';
    return at + 1;
}

/* A sample's line: NAME_total{l="VALUE"} NUMBER. */
static const char *sample_line(const char *at)
{
    char name[200], label[VALUE_MAX], number[40], label_name[8];
    size_t i = 0;

    at = until(at, '{', name, sizeof name);
    at = until(at, '=', label_name, sizeof label_name);
    check(strcmp(label_name, "l") == 0);
    at = quoted(at, label, sizeof label);
    check(at[0] == '}' && at[1] == ' ');
    at = until(at + 2, '\n', number, sizeof number);
    size_t size = strlen(name);
    check(size > 6 && strcmp(name + size - 6, "_total") == 0);
    name[size - 6] = '\0';
    while (i < samples_count && (strcmp(samples[i].name, name) != 0 ||
                                 strcmp(samples[i].label, label) != 0)) {
        i++;
    }
    check(i < samples_count && !samples[i].was_seen);
    samples[i].was_seen = true;
    check(strtoull(number, NULL, 10) == samples[i].value);
    return at;
}

static void read_back(const char *text)
{
    static const char end[] = "# EOF\n";
    char rest[4096];
    size_t seen = 0;

    while (strcmp(text, end) != 0) {
        if (text[0] == '#') {
            check(strncmp(text, "# TYPE ", 7) == 0 ||
                  strncmp(text, "# HELP ", 7) == 0);
            text = until(text, '\n', rest, sizeof rest);
        } else {
            text = sample_line(text);
            seen++;
        }
    }
    check(seen == samples_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole[TEXT_MAX + 1], pieces[TEXT_MAX + 1];
    struct infra_metrics_options o = { .size = sizeof o,
                                       .families_max = 8,
                                       .series_max = SERIES_MAX,
                                       .writers_max = 1 };
    struct input in = { data, data + size };
    struct infra_metrics *m;
    struct infra_metrics_writer *w;
    struct infra_metrics_text *t;

    samples_count = 0;
    check(infra_metrics_create(&m, &o) == INFRA_OK);
    check(infra_metrics_writer_create(&w, m) == INFRA_OK);
    check(infra_metrics_text_create(&t, m) == INFRA_OK);
    size_t piece = byte(&in) + 1u;
    fill(m, w, &in);
    struct infra_metrics_status status = { .size = sizeof status };
    check(infra_metrics_inspect(m, &status) == INFRA_OK);
    size_t whole_size = read_all(t, whole, TEXT_MAX);
    check(read_all(t, pieces, piece) == whole_size);
    check(memcmp(whole, pieces, whole_size) == 0);
    whole[whole_size] = '\0';
    if (status.dropped == 0) {
        read_back(whole);
    }
    infra_metrics_text_destroy(t);
    infra_metrics_destroy(m);
    return 0;
}
