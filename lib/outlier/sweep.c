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

/* What a detector measures. */
enum view {
    VIEW_EXTERNAL, /* Error answers; without the split, all failures. */
    VIEW_LOCAL,    /* Failures to reach the backend. */
    VIEW_WHOLE,    /* All failures. */
    VIEW_LATENCY,
};

struct share {
    uint64_t good;
    uint64_t all;
};

/* A detector at work, and the limit that it found. */
struct trial {
    uint32_t reason;
    enum view view;
    uint32_t tier;
    uint32_t volume; /* Least number of reports. */
    uint32_t count;  /* Backends collected. */
    struct infra__typical limit;
};

static struct share share_of(const struct infra_outlier *o,
                             const struct infra__outlier_window *w,
                             enum view view)
{
    struct share s = { .good = w->successes,
                       .all = w->successes + w->errors + w->misses };

    if (view == VIEW_LATENCY) {
        s.all = w->timed;
    } else if (view == VIEW_LOCAL) {
        s.good += w->errors;
    } else if (view == VIEW_EXTERNAL && o->desk.split) {
        s.all -= w->misses;
    }
    return s;
}

/* The mean of the logarithms of latencies: one slow answer hardly moves it,
 * unlike the mean of the latencies, and a difference of two of them is a ratio.
 * Otherwise the success rate, in millionths. */
static uint32_t value_of(const struct infra__outlier_window *w, enum view view,
                         struct share s)
{
    return view == VIEW_LATENCY
               ? infra__latency_mean_log(w->latency_sum, w->timed)
               : (uint32_t)(s.good * INFRA__MILLION / s.all);
}

/* Is the backend compared in this tier? */
static bool takes_part(const struct infra__outlier_backend *b, uint32_t tier)
{
    return b->is_set && !b->record.is_ejected &&
           (tier == ANY_TIER || b->tier == tier);
}

/* Collect the values of all backends with at least the volume of reports. */
static struct trial collect(struct infra_outlier *o, struct trial t)
{
    for (uint32_t id = 0; id < o->desk.ids_max; id++) {
        const struct infra__outlier_backend *b = &o->backends[id];
        const struct infra__outlier_window *w = &b->record.window;
        struct share s = share_of(o, w, t.view);
        if (takes_part(b, t.tier) && s.all >= t.volume) {
            o->ids[t.count] = id;
            o->values[t.count++] = value_of(w, t.view, s);
        }
    }
    return t;
}

static bool is_percentage(const struct trial *t)
{
    return t->reason == INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE ||
           t->reason == INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN;
}

static bool is_outlier(const struct infra_outlier *o, const struct trial *t,
                       uint32_t index)
{
    uint32_t value = o->values[index];

    if (t->view == VIEW_LATENCY) {
        return infra__latency_of_log(value) > t->limit.threshold;
    }
    if (!is_percentage(t)) {
        return (int64_t)value < t->limit.threshold;
    }
    struct share s =
        share_of(o, &o->backends[o->ids[index]].record.window, t->view);
    /* In whole numbers: 85 of 100 is 85 %. */
    return (s.all - s.good) * 100 >=
           s.all * o->options.failure_percentage_threshold;
}

static struct infra__outlier_evidence evidence_of(const struct infra_outlier *o,
                                                  const struct trial *t,
                                                  uint32_t id)
{
    const struct infra__outlier_window *w = &o->backends[id].record.window;
    struct share s = share_of(o, w, t->view);
    int64_t value = value_of(w, t->view, s);

    return (struct infra__outlier_evidence) {
        .reason = t->reason,
        .reports = s.all,
        .value = t->view == VIEW_LATENCY
                     ? infra__latency_of_log((uint64_t)value)
                 : is_percentage(t) ? INFRA__MILLION - value
                                    : value,
        .typical = t->limit.typical,
        .threshold = t->limit.threshold,
    };
}

/* Find the outliers among the collected, and convict the worst first, since the
 * cap may spare the rest. */
static void convict(struct infra_outlier *o, const struct trial *t)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        if (is_outlier(o, t, i)) {
            uint64_t rank = t->view == VIEW_LATENCY ? UINT32_MAX - o->values[i]
                                                    : o->values[i];
            o->found[found++] = rank << 32 | o->ids[i];
        }
    }
    infra__sort(o->found, found, sizeof o->found[0], infra__outlier_by_number);
    for (uint32_t i = 0; i < found; i++) {
        uint32_t id = (uint32_t)o->found[i];
        struct infra__outlier_evidence evidence = evidence_of(o, t, id);
        infra__outlier_detected(o, id, &evidence);
    }
}

static void judge_as_envoy(struct infra_outlier *o, enum view view,
                           uint32_t rate_reason, uint32_t percentage_reason)
{
    const struct infra_outlier_options *options = &o->options;
    struct trial rate = { .reason = rate_reason,
                          .view = view,
                          .tier = ANY_TIER,
                          .volume = options->success_rate_request_volume };
    struct trial percentage = {
        .reason = percentage_reason,
        .view = view,
        .tier = ANY_TIER,
        .volume = options->failure_percentage_request_volume,
        .limit.threshold = options->failure_percentage_threshold * ONE_PERCENT
    };
    /* Backends that the success rate ejects still count for the minimum. */
    bool are_enough = collect(o, percentage).count >=
                      options->failure_percentage_minimum_hosts;

    rate = collect(o, rate);
    if (rate.count >= options->success_rate_minimum_hosts) {
        rate.limit = infra__mean_threshold(o->values, rate.count,
                                           options->success_rate_stdev_factor);
        convict(o, &rate);
    }
    if (are_enough) {
        percentage = collect(o, percentage);
        convict(o, &percentage);
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

/* Below the median by deviations and by gap: in a uniform fleet MAD is 0 and
 * every failure an outlier. */
static struct infra__typical rate_limit(const struct infra_outlier *o,
                                        uint32_t median, uint64_t deviations)
{
    int64_t gap =
        max((int64_t)deviations, o->options.median_gap_percent * ONE_PERCENT);

    return (struct infra__typical) { .typical = median,
                                     .threshold = median - gap };
}

/* The greatest of the limits by deviations, by ratio and by gap. */
static struct infra__typical latency_limit(const struct infra_outlier *o,
                                           uint32_t median, uint64_t deviations)
{
    int64_t typical = infra__latency_of_log(median);
    int64_t by_deviations = infra__latency_of_log(median + deviations);
    int64_t by_ratio = typical * o->options.latency_ratio / 1000;
    int64_t by_gap = typical + (int64_t)o->options.latency_gap;

    return (struct infra__typical) { .typical = typical,
                                     .threshold = max(by_deviations,
                                                      max(by_ratio, by_gap)) };
}

static void judge_by_median(struct infra_outlier *o, uint32_t tier,
                            enum view view, uint32_t reason)
{
    struct trial t = { .reason = reason,
                       .view = view,
                       .tier = tier,
                       .volume = o->options.success_rate_request_volume };

    t = collect(o, t);
    if (t.count >= o->options.median_minimum_hosts) {
        uint32_t median = infra__median(o->values, t.count);
        uint64_t width = deviations(o, t.count, median);
        t.limit = view == VIEW_LATENCY ? latency_limit(o, median, width)
                                       : rate_limit(o, median, width);
        convict(o, &t);
    }
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
            judge_by_median(o, tier, VIEW_WHOLE,
                            INFRA_OUTLIER_REASON_MEDIAN_RATE);
            judge_by_median(o, tier, VIEW_LATENCY,
                            INFRA_OUTLIER_REASON_LATENCY);
        }
    }
    open_windows(o);
}
