/* SPDX-License-Identifier: MIT */
/* The metrics as text, line by line. A line goes straight into the host's
 * buffer where there is room for the longest one, else into the text's own, and
 * from there in pieces. So what was begun is finished as it was begun, whatever
 * the sizes of the buffers. A histogram is summed once, for all of its lines.
 *
 * The order in a family is that of OpenMetrics: TYPE, UNIT, HELP, samples. */
#include "internal.h"

#include <string.h>

enum phase {
    PHASE_TYPE,
    PHASE_UNIT,
    PHASE_HELP,
    PHASE_SERIES,
    PHASE_EOF,
    PHASE_END,
};

/* The lines of a histogram after its bounds. */
enum { TAIL_INF, TAIL_COUNT, TAIL_SUM, TAIL_CREATED, TAIL_END };

struct infra_metrics_text {
    struct infra_allocator allocator;
    const struct infra_metrics *metrics;
    uint32_t format;
    uint32_t phase;
    uint32_t family;
    uint32_t slot;
    uint32_t step; /* The next line of the slot. */
    uint32_t labels_size;
    size_t line_size; /* Of `line`, and how much of it was read. */
    size_t line_read;
    uint64_t value; /* Of the slot: what all of its lines speak of. */
    uint64_t sum;
    uint64_t counts[INFRA_METRICS_BOUNDS_MAX + 1]; /* Cumulative. */
    char labels[LABELS_TEXT_MAX];
    char line[LINE_MAX];
};

int infra_metrics_text_create(struct infra_metrics_text **ret,
                              const struct infra_metrics *metrics)
{
    int err = ret != NULL && metrics != NULL ? INFRA_OK : INFRA_EINVAL;
    struct infra_metrics_text *t = infra__object_create(
        &err, sizeof *t, metrics != NULL ? &metrics->allocator : NULL);

    if (t == NULL) {
        return err;
    }
    t->metrics = metrics;
    t->phase = PHASE_END;
    *ret = t;
    return INFRA_OK;
}

void infra_metrics_text_destroy(struct infra_metrics_text *text)
{
    if (text != NULL) {
        infra__object_free(text, sizeof *text);
    }
}

static const struct infra__metrics_family *family_of(
    const struct infra_metrics_text *t)
{
    return &t->metrics->families[t->family];
}

static void enter_family(struct infra_metrics_text *t, uint32_t family)
{
    t->family = family;
    t->phase = family < t->metrics->families_count ? PHASE_TYPE : PHASE_EOF;
}

int infra_metrics_text_begin(struct infra_metrics_text *text, uint32_t format)
{
    if (text == NULL || format > INFRA_METRICS_FORMAT_OPENMETRICS) {
        return INFRA_EINVAL;
    }
    text->format = format;
    text->line_size = text->line_read = 0;
    enter_family(text, 0);
    return INFRA_OK;
}

static char *append(char *at, const char *word)
{
    size_t size = strlen(word);

    memcpy(at, word, size);
    return at + size;
}

static bool is_open(const struct infra_metrics_text *t)
{
    return t->format == INFRA_METRICS_FORMAT_OPENMETRICS;
}

/* The name in a comment: in the older format that of the samples. */
static char *append_name(const struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_family *f = family_of(t);

    at = append(at, f->name);
    if (!is_open(t)) {
        at = append(at, f->kind == INFRA_METRICS_KIND_COUNTER ? "_total"
                        : f->kind == INFRA_METRICS_KIND_INFO  ? "_info"
                                                              : "");
    }
    return at;
}

/* Name, suffix, labels and the blank before the value. @label, with its value
 * in what is appended by the caller, is none if NULL. */
static char *append_sample(const struct infra_metrics_text *t, char *at,
                           const char *suffix, const char *labels,
                           uint32_t labels_size, const char *label)
{
    at = append(at, family_of(t)->name);
    at = append(at, suffix);
    if (labels_size > 0 || label != NULL) {
        *at++ = '{';
        memcpy(at, labels, labels_size);
        at += labels_size;
    }
    if (label != NULL) {
        if (labels_size > 0) {
            *at++ = ',';
        }
        at = append(at, label);
        return append(at, "=\"");
    }
    if (labels_size > 0) {
        *at++ = '}';
    }
    *at++ = ' ';
    return at;
}

static char *append_signed(const struct infra_metrics_text *t, char *at,
                           uint64_t value)
{
    if (value >> 63 != 0) {
        *at++ = '-';
        value = 0 - value;
    }
    return infra__metrics_number(at, value,
                                 infra__metrics_decimals(family_of(t)->unit));
}

static char *append_created(const struct infra_metrics_text *t, char *at)
{
    return infra__metrics_number(at, t->metrics->options.created, 9);
}

static char *type_line(struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_family *f = family_of(t);
    bool is_old_gauge = !is_open(t) && (f->kind == INFRA_METRICS_KIND_INFO ||
                                        f->kind == INFRA_METRICS_KIND_STATESET);

    at = append(at, "# TYPE ");
    at = append_name(t, at);
    *at++ = ' ';
    at = append(
        at, infra_metrics_kind_name(
                is_old_gauge ? (uint32_t)INFRA_METRICS_KIND_GAUGE : f->kind));
    *at++ = '\n';
    return at;
}

static char *unit_line(struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_family *f = family_of(t);
    const char *unit = infra__metrics_unit_suffix(f->unit);

    if (unit == NULL || !is_open(t)) {
        return at;
    }
    at = append(at, "# UNIT ");
    at = append(at, f->name);
    *at++ = ' ';
    at = append(at, unit);
    *at++ = '\n';
    return at;
}

static char *help_line(struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_family *f = family_of(t);

    if (f->help == NULL) {
        return at;
    }
    at = append(at, "# HELP ");
    at = append_name(t, at);
    *at++ = ' ';
    at = infra__metrics_escape(at, f->help, is_open(t));
    *at++ = '\n';
    return at;
}

/* A series of one line; of two with _created, which are one step, so that
 * nobody comes between. */
static char *plain_lines(const struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_family *f = family_of(t);
    const struct infra__metrics_series *s = &t->metrics->series[t->slot];
    uint64_t value = infra__metrics_value(t->metrics, t->slot);

    if (f->kind == INFRA_METRICS_KIND_INFO) {
        at = append_sample(t, at, "_info", s->labels, s->labels_size, NULL);
        return append(at, "1\n");
    }
    if (f->kind == INFRA_METRICS_KIND_GAUGE) {
        at = append_sample(t, at, "", s->labels, s->labels_size, NULL);
        at = append_signed(t, at, value);
        return append(at, "\n");
    }
    at = append_sample(t, at, "_total", s->labels, s->labels_size, NULL);
    at = infra__metrics_number(at, value, infra__metrics_decimals(f->unit));
    *at++ = '\n';
    if (is_open(t) && t->metrics->options.created != 0) {
        at = append_sample(t, at, "_created", s->labels, s->labels_size, NULL);
        at = append_created(t, at);
        *at++ = '\n';
    }
    return at;
}

/* What all lines of a series speak of, also when it is removed meanwhile. */
static void keep_series(struct infra_metrics_text *t)
{
    const struct infra__metrics_series *s = &t->metrics->series[t->slot];

    t->labels_size = s->labels_size;
    if (s->labels_size > 0) {
        memcpy(t->labels, s->labels, s->labels_size);
    }
}

static char *state_line(struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_family *f = family_of(t);
    uint32_t state = t->step++;

    if (state == f->states_count) {
        t->step = 0;
        return at;
    }
    if (state == 0) {
        t->value = infra__metrics_value(t->metrics, t->slot);
        keep_series(t);
    }
    at = append_sample(t, at, "", t->labels, t->labels_size, f->name);
    at = append(at, f->states[state]);
    at = append(at, "\"} ");
    *at++ = t->value == state ? '1' : '0';
    *at++ = '\n';
    return at;
}

/* A bucket that has a bound inside counts for it, so that no value up to the
 * bound is missing. */
static void sum_histogram(struct infra_metrics_text *t)
{
    const struct infra__metrics_family *f = family_of(t);
    struct infra__metrics_merged merged;
    uint32_t bound = 0;
    uint64_t count = 0;

    infra__metrics_merge(t->metrics, t->slot, &merged);
    for (uint32_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
        while (bound < f->bounds_count &&
               infra__log_linear_low(b, HISTOGRAM_BITS) > f->bounds[bound]) {
            t->counts[bound++] = count;
        }
        count += merged.buckets[b];
    }
    while (bound < f->bounds_count) {
        t->counts[bound++] = count;
    }
    t->value = count;
    t->sum = merged.sum;
}

static char *bound_line(const struct infra_metrics_text *t, char *at,
                        uint32_t bound)
{
    const struct infra__metrics_family *f = family_of(t);

    at = append_sample(t, at, "_bucket", t->labels, t->labels_size, "le");
    if (bound < f->bounds_count) {
        at = infra__metrics_bound(at, f->bounds[bound],
                                  infra__metrics_decimals(f->unit));
    } else {
        at = append(at, "+Inf");
    }
    at = append(at, "\"} ");
    return infra__metrics_number(
        at, bound < f->bounds_count ? t->counts[bound] : t->value, 0);
}

static char *tail_line(const struct infra_metrics_text *t, char *at,
                       uint32_t tail)
{
    static const char *const suffixes[] = {
        [TAIL_COUNT] = "_count",
        [TAIL_SUM] = "_sum",
        [TAIL_CREATED] = "_created",
    };

    at = append_sample(t, at, suffixes[tail], t->labels, t->labels_size, NULL);
    if (tail == TAIL_COUNT) {
        return infra__metrics_number(at, t->value, 0);
    }
    if (tail == TAIL_SUM) {
        return infra__metrics_number(
            at, t->sum, infra__metrics_decimals(family_of(t)->unit));
    }
    return append_created(t, at);
}

static char *histogram_line(struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_family *f = family_of(t);
    uint32_t step = t->step++;
    bool is_created = is_open(t) && t->metrics->options.created != 0;

    if (step == 0) {
        keep_series(t);
        sum_histogram(t);
    }
    uint32_t tail =
        step < f->bounds_count ? (uint32_t)TAIL_INF : step - f->bounds_count;
    if (tail == TAIL_END || (tail == TAIL_CREATED && !is_created)) {
        t->step = 0;
        return at;
    }
    at = tail == TAIL_INF ? bound_line(t, at, step) : tail_line(t, at, tail);
    *at++ = '\n';
    return at;
}

/* A line of the slot, or none; then the next slot, unless there is more. What
 * has begun goes on, also if the series was removed meanwhile. */
static char *series_line(struct infra_metrics_text *t, char *at)
{
    const struct infra__metrics_series *s = &t->metrics->series[t->slot];
    const struct infra__metrics_family *f = family_of(t);

    if (t->step > 0 || (s->is_there && s->is_known)) {
        at = f->kind == INFRA_METRICS_KIND_HISTOGRAM  ? histogram_line(t, at)
             : f->kind == INFRA_METRICS_KIND_STATESET ? state_line(t, at)
                                                      : plain_lines(t, at);
    }
    if (t->step == 0) {
        t->slot = s->next;
    }
    return at;
}

/* The next line; none yet if nothing was written. */
static char *next_line(struct infra_metrics_text *t, char *at)
{
    switch ((enum phase)t->phase) {
    case PHASE_TYPE:
        t->phase = PHASE_UNIT;
        return type_line(t, at);
    case PHASE_UNIT:
        t->phase = PHASE_HELP;
        return unit_line(t, at);
    case PHASE_HELP:
        t->phase = PHASE_SERIES;
        t->slot = family_of(t)->first;
        t->step = 0;
        return help_line(t, at);
    case PHASE_SERIES:
        if (t->slot != NO_SLOT) {
            return series_line(t, at);
        }
        enter_family(t, t->family + 1);
        return at;
    case PHASE_EOF:
        t->phase = PHASE_END;
        return is_open(t) ? append(at, "# EOF\n") : at;
    case PHASE_END:
    default:
        return at;
    }
}

/* What is left of the text's own line. */
static size_t drain(struct infra_metrics_text *t, char *at, size_t size)
{
    size_t left = t->line_size - t->line_read;
    size_t count = left < size ? left : size;

    memcpy(at, t->line + t->line_read, count);
    t->line_read += count;
    return count;
}

size_t infra_metrics_text_read(struct infra_metrics_text *text, void *buffer,
                               size_t size)
{
    struct infra_metrics_text *t = text;
    char *at = buffer;

    if (t == NULL || buffer == NULL) {
        return 0;
    }
    char *end = at + size;
    at += drain(t, at, size);
    while (at < end && t->phase != PHASE_END) {
        if ((size_t)(end - at) >= LINE_MAX) {
            at = next_line(t, at);
            continue;
        }
        t->line_read = 0;
        t->line_size = (size_t)(next_line(t, t->line) - t->line);
        at += drain(t, at, (size_t)(end - at));
    }
    return (size_t)(at - (char *)buffer);
}
