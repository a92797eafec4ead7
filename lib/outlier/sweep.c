/* SPDX-License-Identifier: MIT */
/* The end of an interval: returns, detection of outliers, decay of multipliers,
 * in Envoy's order (onIntervalTimer); our own detectors follow Envoy's. A
 * detector is one pass to collect the values of backends with enough reports,
 * some passes for the typical value (two for mean and deviation, 66 for two
 * medians), and one to find the outliers: O(n), plus sorting the outliers. */
#include "../base/sort.h"
#include "internal.h"
#include "statistics.h"

/* 1.4826 MAD is the standard deviation of a normal distribution. In 10^-7,
 * which includes the thousandths of the factor. */
#define MAD_SCALE 14826u
#define MAD_SCALE_ONE 10000000u

#define ONE_PERCENT ((int64_t)INFRA__MILLION / 100)
#define ANY_TIER INFRA_OUTLIER_TIERS_MAX

/* Which failures count. */
enum view {
    VIEW_EXTERNAL, /* Error answers; without the split, all failures. */
    VIEW_LOCAL,    /* Failures to reach the backend. */
    VIEW_WHOLE,
};

struct share {
    uint64_t good;
    uint64_t all;
};

static struct share share_of(const struct infra_outlier *o,
                             const struct infra__outlier_window *w,
                             enum view view)
{
    struct share s = { .good = w->successes,
                       .all = w->successes + w->errors + w->misses };

    if (view == VIEW_LOCAL) {
        s.good += w->errors;
    } else if (view == VIEW_EXTERNAL && o->desk.split) {
        s.all -= w->misses;
    }
    return s;
}

static uint32_t rate_of(struct share s)
{
    return (uint32_t)(s.good * INFRA__MILLION / s.all);
}

/* The mean of the logarithms: one slow answer hardly moves it, unlike the mean
 * of the latencies, and a difference of two of them is a ratio. */
static uint32_t mean_log(const struct infra__outlier_window *w)
{
    return infra__latency_mean_log(w->latency_sum, w->timed);
}

static int64_t latency_of(const struct infra__outlier_window *w)
{
    return infra__latency_of_log(mean_log(w));
}

/* Is the backend compared in this tier? */
static bool takes_part(const struct infra__outlier_backend *b, uint32_t tier)
{
    return b->is_set && !b->record.is_ejected &&
           (tier == ANY_TIER || b->tier == tier);
}

/* Collect the rates of all backends with at least @volume reports. */
static uint32_t collect_rates(struct infra_outlier *o, enum view view,
                              uint32_t tier, uint32_t volume)
{
    uint32_t count = 0;

    for (uint32_t id = 0; id < o->desk.ids_max; id++) {
        const struct infra__outlier_backend *b = &o->backends[id];
        struct share s = share_of(o, &b->record.window, view);
        if (takes_part(b, tier) && s.all >= volume) {
            o->ids[count] = id;
            o->values[count++] = rate_of(s);
        }
    }
    return count;
}

/* What a detector compares, and what it found typical. */
struct trial {
    uint32_t reason;
    enum view view;
    struct infra__typical limit;
};

static struct infra__outlier_evidence evidence_of(const struct infra_outlier *o,
                                                  const struct trial *t,
                                                  uint32_t id)
{
    const struct infra__outlier_window *w = &o->backends[id].record.window;
    struct infra__outlier_evidence e = { .reason = t->reason,
                                         .typical = t->limit.typical,
                                         .threshold = t->limit.threshold };

    if (t->reason == INFRA_OUTLIER_REASON_LATENCY) {
        e.reports = w->timed;
        e.value = latency_of(w);
        return e;
    }
    struct share s = share_of(o, w, t->view);
    bool is_percentage =
        t->reason == INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE ||
        t->reason == INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN;
    e.reports = s.all;
    e.value = is_percentage ? INFRA__MILLION - rate_of(s) : rate_of(s);
    return e;
}

/* Note the backend collected at @index as an outlier. */
static void find(struct infra_outlier *o, uint32_t *found, uint32_t index,
                 uint32_t merit)
{
    o->found[(*found)++] = (uint64_t)merit << 32 | o->ids[index];
}

/* The worst first, since the cap may spare the rest. */
static void convict(struct infra_outlier *o, const struct trial *t,
                    uint32_t found)
{
    infra__sort(o->found, found, sizeof o->found[0], infra__outlier_by_number);
    for (uint32_t i = 0; i < found; i++) {
        uint32_t id = (uint32_t)o->found[i];
        struct infra__outlier_evidence evidence = evidence_of(o, t, id);
        infra__outlier_detected(o, id, &evidence);
    }
}

/* Of the collected rates, those below the threshold are outliers. */
static void convict_rates(struct infra_outlier *o, const struct trial *t,
                          uint32_t count)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++) {
        if ((int64_t)o->values[i] < t->limit.threshold) {
            find(o, &found, i, o->values[i]);
        }
    }
    convict(o, t, found);
}

static void judge_success_rates(struct infra_outlier *o, enum view view,
                                uint32_t reason)
{
    const struct infra_outlier_options *options = &o->options;
    uint32_t count =
        collect_rates(o, view, ANY_TIER, options->success_rate_request_volume);

    if (count < options->success_rate_minimum_hosts) {
        return;
    }
    const struct trial t = { .reason = reason,
                             .view = view,
                             .limit = infra__mean_threshold(
                                 o->values, count,
                                 options->success_rate_stdev_factor) };
    convict_rates(o, &t, count);
}

static void judge_failure_percentage(struct infra_outlier *o, enum view view,
                                     uint32_t reason)
{
    uint32_t percent = o->options.failure_percentage_threshold;
    const struct trial t = { .reason = reason,
                             .view = view,
                             .limit.threshold = percent * ONE_PERCENT };
    uint32_t count = collect_rates(
        o, view, ANY_TIER, o->options.failure_percentage_request_volume);
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct share s =
            share_of(o, &o->backends[o->ids[i]].record.window, view);
        /* In whole numbers: 85 of 100 is 85 %. */
        if ((s.all - s.good) * 100 >= s.all * percent) {
            find(o, &found, i, o->values[i]);
        }
    }
    convict(o, &t, found);
}

static void judge_as_envoy(struct infra_outlier *o, enum view view,
                           uint32_t rate_reason, uint32_t percentage_reason)
{
    /* Backends that the success rate ejects still count for the minimum. */
    uint32_t count = collect_rates(
        o, view, ANY_TIER, o->options.failure_percentage_request_volume);

    judge_success_rates(o, view, rate_reason);
    if (count >= o->options.failure_percentage_minimum_hosts) {
        judge_failure_percentage(o, view, percentage_reason);
    }
}

/* `median_factor` deviations of the collected values. */
static uint64_t deviations(const struct infra_outlier *o, uint32_t count,
                           uint32_t median)
{
    uint64_t mad =
        infra__median_deviation(o->values, count, median, o->scratch);

    return mad * MAD_SCALE * o->options.median_factor / MAD_SCALE_ONE;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* In a uniform fleet MAD is 0 and every failure an outlier; hence the gap. */
static void judge_median_rate(struct infra_outlier *o, uint32_t tier)
{
    const struct infra_outlier_options *options = &o->options;
    uint32_t count = collect_rates(o, VIEW_WHOLE, tier,
                                   options->success_rate_request_volume);

    if (count < options->median_minimum_hosts) {
        return;
    }
    uint32_t median = infra__median(o->values, count);
    int64_t gap = max((int64_t)deviations(o, count, median),
                      options->median_gap_percent * ONE_PERCENT);
    const struct trial t = { .reason = INFRA_OUTLIER_REASON_MEDIAN_RATE,
                             .view = VIEW_WHOLE,
                             .limit = { .typical = median,
                                        .threshold = median - gap } };
    convict_rates(o, &t, count);
}

static uint32_t collect_latencies(struct infra_outlier *o, uint32_t tier)
{
    uint32_t count = 0;

    for (uint32_t id = 0; id < o->desk.ids_max; id++) {
        const struct infra__outlier_backend *b = &o->backends[id];
        if (takes_part(b, tier) &&
            b->record.window.timed >= o->options.success_rate_request_volume) {
            o->ids[count] = id;
            o->values[count++] = mean_log(&b->record.window);
        }
    }
    return count;
}

/* The greatest of the limits by deviations, by ratio and by gap. */
static struct infra__typical latency_limit(const struct infra_outlier *o,
                                           uint32_t count)
{
    uint32_t median = infra__median(o->values, count);
    int64_t typical = infra__latency_of_log(median);
    int64_t by_deviations =
        infra__latency_of_log(median + deviations(o, count, median));
    int64_t by_ratio = typical * o->options.latency_ratio / 1000;
    int64_t by_gap = typical + (int64_t)o->options.latency_gap;

    return (struct infra__typical) { .typical = typical,
                                     .threshold = max(by_deviations,
                                                      max(by_ratio, by_gap)) };
}

static void judge_latency(struct infra_outlier *o, uint32_t tier)
{
    uint32_t count = collect_latencies(o, tier);
    uint32_t found = 0;

    if (count < o->options.median_minimum_hosts) {
        return;
    }
    const struct trial t = { .reason = INFRA_OUTLIER_REASON_LATENCY,
                             .limit = latency_limit(o, count) };
    for (uint32_t i = 0; i < count; i++) {
        if (infra__latency_of_log(o->values[i]) > t.limit.threshold) {
            find(o, &found, i, UINT32_MAX - o->values[i]);
        }
    }
    convict(o, &t, found);
}

/* Read the counters, and end the ejections that are over. */
static void close_windows(struct infra_outlier *o)
{
    for (uint32_t id = 0; id < o->desk.ids_max; id++) {
        struct infra__outlier_backend *b = &o->backends[id];
        if (!b->is_set) {
            continue;
        }
        infra__outlier_gather(&o->desk.slots[id], &b->seen, &b->record.window);
        b->record.last = b->record.window;
        if (b->record.is_ejected && b->record.until <= o->now) {
            infra__outlier_give_back(o, id, INFRA_OUTLIER_REASON_TIME);
        }
    }
}

static void open_windows(struct infra_outlier *o)
{
    for (uint32_t id = 0; id < o->desk.ids_max; id++) {
        struct infra__outlier_backend *b = &o->backends[id];
        if (takes_part(b, ANY_TIER)) {
            infra__outlier_decay(o, b);
        }
        b->record.window = (struct infra__outlier_window) { 0 };
    }
}

void infra__outlier_sweep(struct infra_outlier *o)
{
    close_windows(o);
    judge_as_envoy(o, VIEW_EXTERNAL, INFRA_OUTLIER_REASON_SUCCESS_RATE,
                   INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE);
    if (o->desk.split) {
        judge_as_envoy(o, VIEW_LOCAL,
                       INFRA_OUTLIER_REASON_SUCCESS_RATE_LOCAL_ORIGIN,
                       INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN);
    }
    for (uint32_t tier = 0; tier < INFRA_OUTLIER_TIERS_MAX; tier++) {
        if (o->tiers[tier].members >= o->options.median_minimum_hosts) {
            judge_median_rate(o, tier);
            judge_latency(o, tier);
        }
    }
    open_windows(o);
}
