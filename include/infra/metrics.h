/* SPDX-License-Identifier: MIT */
/**
 * @file metrics.h
 * Counters, gauges and histograms, and the text that Prometheus reads.
 *
 * struct infra_metrics is the control side: families (a name, its help, its
 * unit, the names of its labels) and their series (the values of the labels).
 * Each thread that counts has a struct infra_metrics_writer, a shard that only
 * this thread writes.  struct infra_metrics_text writes everything as text into
 * the host's buffers.
 *
 * @code
 * // Control thread.
 * static const char *const labels[] = { "backend" };
 * struct infra_metrics_family family = {
 *     .size = sizeof family, .name = "web_connect_seconds",
 *     .help = "Time to connect.", .kind = INFRA_METRICS_KIND_HISTOGRAM,
 *     .unit = INFRA_METRICS_UNIT_SECONDS,
 *     .labels = labels, .labels_count = 1 };
 * const char *values[] = { "10.0.0.1:80" };
 * uint32_t family_id, connect;
 * infra_metrics_family_add(metrics, &family, &family_id);
 * infra_metrics_series_add(metrics, family_id, values, &connect);
 * // Each worker thread, with a writer of its own.
 * infra_metrics_observe(writer, connect, connected_at - started_at);
 * // GET /metrics, on the control thread.
 * infra_metrics_text_begin(text, INFRA_METRICS_FORMAT_OPENMETRICS);
 * while ((count = infra_metrics_text_read(text, buffer, sizeof buffer)) > 0) {
 *     send_all(client, buffer, count);
 * }
 * @endcode
 *
 * **Values are integers**: nanoseconds in a family of seconds, millionths in a
 * family of ratios.  The text has decimals that are exact, since no floating
 * point is used.
 *
 * **Histograms** are log-linear: 32 buckets for each doubling, over all of 64
 * bits (Gil Tene's HdrHistogram, with a fixed precision).  A bucket is at most
 * 3.1 % wide, so that a quantile is within 1.6 % of a value that was observed.
 * The text has cumulative counts at the bounds of the family; a bound counts
 * every value up to it, and may count values up to 3.1 % above it.
 * The sum starts again from zero after 2^64, which is 584 years of seconds.
 *
 * **Series are bounded.**  At series_max, infra_metrics_series_add() answers
 * INFRA_EFULL with the family's overflow series, the same for all that found no
 * room: its one label is overflow="true".  What is counted there is not lost,
 * and a label that an attacker chooses fills no memory.
 *
 * **Names** are checked when a family is added: what Prometheus would refuse,
 * or would take for something else, is an enum infra_metrics_flaw.  A name
 * stands without the suffix that its kind adds (_total, _bucket, _count, _sum,
 * _info), and ends with its unit.  Values of labels may be any UTF-8; quotes,
 * backslashes and line breaks are escaped.
 *
 * What it cannot do: exemplars, summaries, native histograms.  Values of
 * different series are not of one instant.
 *
 * Thread safety: calls on the metrics and on a text are *owner* (the control
 * thread's); calls on a writer are *owner* (its thread's) and may overlap with
 * those.
 *
 * Cost: a count is a load and a store in the thread's own memory, without a
 * locked instruction; an observation is two of each.  A text costs O(series x
 * writers).  Memory: 8 bytes a series and writer, and 15 368 bytes a histogram
 * and writer.  Sources: OpenMetrics 1.0; Prometheus text format 0.0.4.
 */
#ifndef INFRA_METRICS_H
#define INFRA_METRICS_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_metrics;        /**< Control side: families and series. */
struct infra_metrics_writer; /**< One thread's shard. */
struct infra_metrics_text;   /**< One reading of everything as text. */

#define INFRA_METRICS_LABELS_MAX 8u       /**< Labels of a family. */
#define INFRA_METRICS_STATES_MAX 32u      /**< States of a family. */
#define INFRA_METRICS_BOUNDS_MAX 64u      /**< Bounds of a histogram. */
#define INFRA_METRICS_NAME_MAX 128u       /**< Bytes of a name. */
#define INFRA_METRICS_HELP_MAX 512u       /**< Bytes of a help. */
#define INFRA_METRICS_VALUE_MAX 256u      /**< Bytes of a label's value. */
#define INFRA_METRICS_SERIES_MAX 1000000u /**< Upper limit of series_max. */

/** A series that is none: counts to it are ignored with INFRA_EINVAL. */
#define INFRA_METRICS_NO_SERIES UINT32_MAX

/** infra_metrics_set(): the value is not known, and the sample is left out. */
#define INFRA_METRICS_UNKNOWN INT64_MIN

/** What a family is.  Append-only. */
enum infra_metrics_kind {
    INFRA_METRICS_KIND_COUNTER = 0,   /**< Only grows.  Adds _total. */
    INFRA_METRICS_KIND_GAUGE = 1,     /**< Goes up and down; any sign. */
    INFRA_METRICS_KIND_HISTOGRAM = 2, /**< How values are distributed.  Adds
                                      _bucket, _count, _sum. */
    INFRA_METRICS_KIND_STATESET =
        3,                      /**< One of several states, by its number. */
    INFRA_METRICS_KIND_INFO = 4 /**< Texts that are all in labels.  Adds _info;
                                      the value is 1. */
};

/** What the values of a family measure.  Append-only. */
enum infra_metrics_unit {
    INFRA_METRICS_UNIT_NONE = 0,    /**< A number of what the name says. */
    INFRA_METRICS_UNIT_SECONDS = 1, /**< Nanoseconds, printed as seconds. */
    INFRA_METRICS_UNIT_BYTES = 2,
    INFRA_METRICS_UNIT_RATIO = 3 /**< Millionths, printed as 0 .. 1. */
};

/** The form of the text.  Append-only. */
enum infra_metrics_format {
    /** text/plain; version=0.0.4; charset=utf-8 */
    INFRA_METRICS_FORMAT_PROMETHEUS = 0,
    /** application/openmetrics-text; version=1.0.0; charset=utf-8 */
    INFRA_METRICS_FORMAT_OPENMETRICS = 1
};

/** Why a family or a series is refused.  Append-only. */
enum infra_metrics_flaw {
    INFRA_METRICS_FLAW_NONE = 0,
    INFRA_METRICS_FLAW_NAME = 1,   /**< Not [a-zA-Z][a-zA-Z0-9_]*, empty, or too
                                        long. */
    INFRA_METRICS_FLAW_SUFFIX = 2, /**< The name ends with _total, _created,
                                        _bucket, _count, _sum, _gcount, _gsum or
                                        _info, which a kind adds. */
    INFRA_METRICS_FLAW_TAKEN = 3,  /**< Another family has this name. */
    INFRA_METRICS_FLAW_UNIT = 4,   /**< The name does not end with its unit
                                        (_seconds, _bytes, _ratio); or a unit of
                                        a STATESET or INFO. */
    INFRA_METRICS_FLAW_HELP = 5,   /**< The help is too long, or not UTF-8. */
    INFRA_METRICS_FLAW_KIND = 6,   /**< No such kind or unit. */
    INFRA_METRICS_FLAW_LABEL = 7,  /**< A label's name is not [a-zA-Z]
                                        [a-zA-Z0-9_]*, or there are too
                                        many. */
    INFRA_METRICS_FLAW_LABEL_TAKEN = 8, /**< Two labels of one name, or a name
                                             with a meaning: le, quantile,
                                             overflow, that of a STATESET. */
    INFRA_METRICS_FLAW_BOUNDS = 9,  /**< Bounds do not grow, are too many, or of
                                        another kind. */
    INFRA_METRICS_FLAW_STATES = 10, /**< A STATESET has none or too many states,
                                         two of one name, or a bad name; or
                                         states of another kind. */
    INFRA_METRICS_FLAW_VALUE = 11, /**< A label's value is too long, or NULL. */
    INFRA_METRICS_FLAW_UTF8 = 12   /**< A label's value is not UTF-8. */
};

/** Options of infra_metrics_create(); 0 is the default. */
struct infra_metrics_options {
    size_t size;
    const struct infra_allocator *allocator;
    uint64_t created; /**< Unix time, in ns, at which the counters were zero,
                           for _created in OpenMetrics; 0: not printed. */
    uint32_t families_max; /**< Default 256; at most 65536. */
    uint32_t series_max;   /**< Number of series, without one overflow series a
                                family.  Default 10000; at most 1000000. */
    uint32_t writers_max;  /**< Default 64; at most 4096. */
    uint32_t reserved;
};

/** A family.  All of it is copied. */
struct infra_metrics_family {
    size_t size;
    const char *name;          /**< Without the suffix that its kind adds. */
    const char *help;          /**< NULL: none. */
    const char *const *labels; /**< Names of labels. */
    const char *const *states; /**< STATESET: names of states, by number. */
    const uint64_t *bounds;    /**< HISTOGRAM: upper bounds, growing.  NULL: for
                                    SECONDS 16 from 0.1 ms to 10 s in steps of
                                    2.5, 2 and 2; for RATIO the tenths; else the
                                    powers of 4 up to 4^15. */
    uint32_t kind;             /**< enum infra_metrics_kind. */
    uint32_t unit;             /**< enum infra_metrics_unit. */
    uint32_t labels_count;
    uint32_t states_count;
    uint32_t bounds_count;
    uint32_t reserved;
};

/** Result of infra_metrics_inspect(). */
struct infra_metrics_status {
    size_t size;
    uint32_t families;
    uint32_t series;  /**< Without overflow series. */
    uint32_t writers; /**< That exist now. */
    uint32_t reserved;
    uint64_t dropped; /**< Calls of infra_metrics_series_add() that found no
                           room. */
};

/** Result of infra_metrics_inspect_histogram(). */
struct infra_metrics_distribution {
    size_t size;
    uint64_t count;
    uint64_t sum;
    uint64_t least;    /**< Within 1.6 %; 0: none was observed. */
    uint64_t greatest; /**< Within 1.6 %. */
    uint64_t p50;      /**< Half of the values are at most this; 0: none. */
    uint64_t p90;
    uint64_t p99;
    uint64_t p999;
};

/**
 * Create metrics without families.
 *
 * @param options  NULL: defaults.
 * @return INFRA_OK; INFRA_EINVAL: an option out of its range; INFRA_ESTRUCT;
 * INFRA_ENOMEM.
 *
 * Allocates.
 *
 * Thread safety: any.
 */
INFRA_API int INFRA_NODISCARD infra_metrics_create(
    struct infra_metrics **ret, const struct infra_metrics_options *options);

/**
 * Destroy metrics with their writers; NULL is ignored.  Texts go first.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_metrics_destroy(struct infra_metrics *metrics);

/**
 * Add a family.  It stays for as long as the metrics.
 *
 * @param[out] ret  Its number; set on success only.
 * @return INFRA_OK; greater: an enum infra_metrics_flaw; INFRA_EFULL:
 * families_max; INFRA_EINVAL: NULL; INFRA_ESTRUCT; INFRA_ENOMEM.
 *
 * Allocates.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_family_add(
    struct infra_metrics *metrics, const struct infra_metrics_family *family,
    uint32_t *ret);

/**
 * Find a series by the values of its labels, or add it.
 *
 * @param values    As many as the family has labels, in their order; NULL:
 *                  none.
 * @param[out] ret  The series, also with INFRA_EFULL.
 * @return INFRA_OK; INFRA_EFULL: series_max, and @p ret is the overflow series
 * of the family; greater: an enum infra_metrics_flaw; INFRA_EINVAL: NULL, no
 * such family; INFRA_ENOMEM.
 *
 * Allocates; for a histogram 15 kB a writer.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_series_add(struct infra_metrics *metrics,
                                       uint32_t family,
                                       const char *const *values,
                                       uint32_t *ret);

/**
 * Remove a series: it is printed no more, and its number may soon be another's
 * in the same family.  No writer may use it any more.  An overflow series
 * stays.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_series_remove(struct infra_metrics *metrics,
                                          uint32_t series);

/**
 * Set what the control thread knows of a gauge (a value) or a STATESET (the
 * number of a state).  What writers have changed is added to it.
 *
 * @param value  INFRA_METRICS_UNKNOWN: leave the sample out.
 * @return INFRA_OK; INFRA_ENOENT: no such series; INFRA_EINVAL: NULL, or of
 * another kind.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_set(struct infra_metrics *metrics, uint32_t series,
                                int64_t value);

/**
 * Set what the control thread knows of a counter, such as the count of another
 * module.  What writers have counted is added to it.
 *
 * @return INFRA_OK; INFRA_ENOENT: no such series; INFRA_EINVAL: NULL, or of
 * another kind.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_set_total(struct infra_metrics *metrics,
                                      uint32_t series, uint64_t total);

/**
 * Read a counter, or a gauge or a state as an int64_t: the sum over all
 * writers.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL: NULL, or a histogram.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_read(const struct infra_metrics *metrics,
                                 uint32_t series, uint64_t *ret);

/**
 * Read a histogram, over all writers.  @p ret->size is set by the caller.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL: NULL, or no histogram.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_inspect_histogram(
    const struct infra_metrics *metrics, uint32_t series,
    struct infra_metrics_distribution *ret);

/**
 * Read the size of it all.  @p ret->size is set by the caller.
 *
 * @return INFRA_OK; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_inspect(const struct infra_metrics *metrics,
                                    struct infra_metrics_status *ret);

/**
 * Create a writer for one thread.
 *
 * @return INFRA_OK; INFRA_EFULL: writers_max exist; INFRA_EINVAL; INFRA_ENOMEM.
 *
 * Allocates 8 bytes a series of series_max, and 15 kB a histogram.
 *
 * Thread safety: owner (of the metrics).
 */
INFRA_API int INFRA_NODISCARD infra_metrics_writer_create(
    struct infra_metrics_writer **ret, struct infra_metrics *metrics);

/**
 * Give back a writer that its thread uses no more; NULL is ignored.  What it
 * counted stays, and the next writer continues there.
 *
 * Thread safety: owner (of the metrics).
 */
INFRA_API void infra_metrics_writer_destroy(
    struct infra_metrics_writer *writer);

/**
 * Count: add @p n to a counter.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or no counter; nothing is counted.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_count(struct infra_metrics_writer *writer,
                                  uint32_t series, uint64_t n);

/**
 * Change a gauge by @p n, which may be negative.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or no gauge.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_change(struct infra_metrics_writer *writer,
                                   uint32_t series, int64_t n);

/**
 * Observe a value: add it to a histogram.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or no histogram.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_metrics_observe(struct infra_metrics_writer *writer,
                                    uint32_t series, uint64_t value);

/**
 * Create a reading of the metrics; it may be used again and again.
 *
 * @return INFRA_OK; INFRA_EINVAL; INFRA_ENOMEM.
 *
 * Allocates about 16 kB.
 *
 * Thread safety: owner (of the metrics).
 */
INFRA_API int INFRA_NODISCARD infra_metrics_text_create(
    struct infra_metrics_text **ret, const struct infra_metrics *metrics);

/** Destroy a reading; NULL is ignored.  Thread safety: owner (of the
 *  metrics). */
INFRA_API void infra_metrics_text_destroy(struct infra_metrics_text *text);

/**
 * Begin a text from its start.
 *
 * @param format  enum infra_metrics_format.
 * @return INFRA_OK; INFRA_EINVAL: NULL, no such format.
 *
 * Thread safety: owner (of the metrics).
 */
INFRA_API int infra_metrics_text_begin(struct infra_metrics_text *text,
                                       uint32_t format);

/**
 * Write the next bytes of the text.  Buffers of any size get the same text, for
 * as long as nothing is counted in between; a line, and all lines of a
 * histogram, are always of one moment.  Series may come and go between calls.
 *
 * @return Number of bytes, less than @p size at the end only; 0: the end, or
 * NULL.
 *
 * Thread safety: owner (of the metrics).
 */
INFRA_API size_t infra_metrics_text_read(struct infra_metrics_text *text,
                                         void *buffer, size_t size);

/** The value of HTTP's Content-Type for an enum infra_metrics_format, or
 *  "unknown".  Thread safety: any. */
INFRA_API const char *infra_metrics_content_type(uint32_t format);

/** Name of an enum infra_metrics_kind ("counter"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_metrics_kind_name(uint32_t kind);

/** Name of an enum infra_metrics_unit ("seconds", "none"), or
 *  "unknown".  Thread safety: any. */
INFRA_API const char *infra_metrics_unit_name(uint32_t unit);

/** Name of an enum infra_metrics_flaw ("name taken"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_metrics_flaw_name(uint32_t flaw);

#ifdef __cplusplus
}
#endif

#endif
