/* SPDX-License-Identifier: MIT */
/**
 * @file outlier.h
 * Which backend does worse than the others, as the traffic itself shows.
 *
 * Workers report how each piece of work ended.  The control thread takes the
 * events: *eject backend 7 for a while*, and later *backend 7 may return*, each
 * with the numbers that support it.  The host decides what an ejection means;
 * in the balancer it is a mark on the passive axis.
 *
 * @code
 * // Any worker, as soon as it knows how its work ended.
 * if (infra_outlier_report(outlier, id, outcome, latency) == 1) {
 *     wake_the_control_thread();
 * }
 *
 * // The control thread, when woken and at infra_outlier_deadline().
 * while (infra_outlier_next(outlier, now, &event) == INFRA_OK) {
 *     if (event.kind == INFRA_OUTLIER_EVENT_EJECTED) {
 *         mark_passive(event.id, INFRA_BALANCER_STATE_DOWN);
 *     } else if (event.kind == INFRA_OUTLIER_EVENT_RETURNED) {
 *         mark_passive(event.id, INFRA_BALANCER_STATE_UP);
 *     }
 *     log_event(infra_outlier_reason_name(event.reason), &event);
 * }
 * infra_balancer_publish(balancer, now);
 * @endcode
 *
 * A host with active checks does two more things: after EJECTED it checks that
 * backend at once, and when a check of an ejected backend passes it may call
 * infra_outlier_passed().  Beware: a check that sees less than the traffic
 * returns a backend that still fails (envoy#28303).
 *
 * **Detectors.**  Seven are Envoy's, with Envoy's names, defaults and
 * arithmetic (outlier_detection_impl.cc).  Failures in a row are noticed at
 * once.  Each sweep finds success rates below mean - factor x standard
 * deviation, and shares of failures above a limit.  The outliers themselves
 * drag the mean down: with more than 1 / (1 + 1.9^2) = 21.7 % of the backends
 * dead, such as two of five, that threshold is below zero and finds none.  Two
 * further detectors, one for success rates and one for latencies, therefore use
 * median and median absolute deviation (MAD), which hold until half of the
 * backends are bad (Iglewicz and Hoaglin, How to Detect and Handle Outliers,
 * 1993).  These two compare the backends of one tier; Envoy's compare all.
 *
 * **Ejections** are Envoy's: base_ejection_time x multiplier, at most
 * max_ejection_time, plus jitter, over at the first sweep after that.  The
 * multiplier goes up with each ejection and down with each good interval.  A
 * backend that returns starts with fresh counts.
 *
 * Where we differ from Envoy on purpose:
 *
 * - max_ejection_percent applies per tier, so that no tier loses all backends
 *   while another has many.  (Envoy counts over all priorities; put all
 *   backends into tier 0 for that.)  The default is 50, not 10: 10 would eject
 *   none in a tier of fewer than ten.  At the cap, the worst are ejected first.
 * - The cap also holds when a tier shrinks, by remove or set; Envoy checks only
 *   when it ejects.  At the next infra_outlier_next() the ejections with the
 *   least time left end until the tier is within its cap
 *   (INFRA_OUTLIER_REASON_SHRUNK).  The cap counts all backends that are set,
 *   also those that active checks have marked down; for these the balancer has
 *   its panic mode.
 * - A backend found by two detectors in one sweep is ejected once.
 * - The multiplier goes down only after an interval in which the backend did
 *   enough work.  Envoy's also goes down in intervals without traffic, so that
 *   ejections of a backend with little traffic never grow (envoy#26758).
 *   idle_decay = 1 is Envoy's way.
 * - An answer, good or bad, proves that the backend was reached; with Envoy the
 *   connection is reported separately.
 * - Rates are compared to a millionth.
 *
 * Cost: a report is one atomic addition in the backend's own cache line, a few
 * for a failure.  A sweep is O(n), plus n log n for the backends found.
 * Memory: 640 bytes per id, allocated by create.
 */
#ifndef INFRA_OUTLIER_H
#define INFRA_OUTLIER_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_outlier; /**< Outlier detection for one group of backends. */

#define INFRA_OUTLIER_IDS_MAX 65535u /**< Upper limit of ids_max. */
#define INFRA_OUTLIER_TIERS_MAX 16u  /**< Tiers 0 .. 15. */

enum infra_outlier_event_kind {
    INFRA_OUTLIER_EVENT_EJECTED,  /**< Give the backend no work. */
    INFRA_OUTLIER_EVENT_RETURNED, /**< Give the backend work again. */
    INFRA_OUTLIER_EVENT_CAPPED,   /**< Found, but its tier is at the cap. */
    INFRA_OUTLIER_EVENT_SPARED,   /**< Found, but `enforce` spared it. */
};

/** Why an event happened.  The first nine are detectors; with the unit of what
 *  they measure. */
enum infra_outlier_reason {
    /** Errors in a row; split_local_origin = 0: failures of any kind. */
    INFRA_OUTLIER_REASON_CONSECUTIVE_5XX,
    /** Gateway errors in a row; split_local_origin = 0: and failures to reach
     *  the backend.  Another error breaks the row. */
    INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE,
    /** Failures to reach the backend in a row; split_local_origin = 1 only. */
    INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
    /** Success rate below mean - factor x standard deviation, in millionths. */
    INFRA_OUTLIER_REASON_SUCCESS_RATE,
    /** The same for the rate at which the backend could be reached. */
    INFRA_OUTLIER_REASON_SUCCESS_RATE_LOCAL_ORIGIN,
    /** Share of failures at or above a limit, in millionths. */
    INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE,
    /** The same for the failures to reach the backend. */
    INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN,
    /** Success rate, both kinds of failure together, far below the median of
     *  the tier, in millionths. */
    INFRA_OUTLIER_REASON_MEDIAN_RATE,
    /** Latency far above the median of the tier, in nanoseconds. */
    INFRA_OUTLIER_REASON_LATENCY,
    INFRA_OUTLIER_REASON_TIME,   /**< RETURNED: the ejection was over. */
    INFRA_OUTLIER_REASON_PASSED, /**< RETURNED: infra_outlier_passed(). */
    INFRA_OUTLIER_REASON_SHRUNK, /**< RETURNED: the tier, and so its cap, has
                                      shrunk. */
    INFRA_OUTLIER_REASON_KEPT,   /**< EJECTED: the kept state of its key. */
};
#define INFRA_OUTLIER_DETECTORS_MAX 16u /**< Room for more detectors. */

/** Time for which the state of a removed key is kept, as in health.h. */
#define INFRA_OUTLIER_KEPT_FOR INFRA_SEC(300)

/** infra_outlier_options.enforce: detect, report and count, but never eject. */
#define INFRA_OUTLIER_DRY_RUN UINT32_MAX

/**
 * Options of infra_outlier_create(), with Envoy's names where Envoy has them.
 * To disable a detector set its count, or its *_minimum_hosts, to UINT32_MAX.
 */
struct infra_outlier_options {
    size_t size;
    const struct infra_allocator *allocator;
    uint64_t seed; /**< Seed of jitter and `enforce`; 0: a fixed seed. */
    /** Time between sweeps, 1 ms or more; 0: 10 s. */
    infra_time interval;
    infra_time base_ejection_time; /**< First ejection; 0: 30 s. */
    /** Longest ejection, base_ejection_time or more; 0: the greater of 300 s
     *  and base_ejection_time. */
    infra_time max_ejection_time;
    infra_time max_ejection_time_jitter; /**< Random addition, up to this. */
    /** LATENCY: least distance above the median; 0: 10 ms. */
    infra_time latency_gap;
    uint32_t ids_max; /**< Ids are 0 .. ids_max - 1; 0: 64. */
    /** Largest ejected share of a tier, in percent, 1 .. 100; 0: 50 (Envoy:
     *  10). */
    uint32_t max_ejection_percent;
    /** 1: one backend of a tier may be ejected whatever the percentage. */
    uint32_t always_eject_one_host;
    /** 1: failures to reach a backend count for the detectors of local origin,
     *  separately from its errors.  0: all failures count alike. */
    uint32_t split_local_origin;
    uint32_t consecutive_5xx;                  /**< Errors in a row; 0: 5. */
    uint32_t consecutive_gateway_failure;      /**< Gateway errors; 0: 5. */
    uint32_t consecutive_local_origin_failure; /**< Not reached; 0: 5. */
    /** SUCCESS_RATE: least number of backends with the volume; 0: 5. */
    uint32_t success_rate_minimum_hosts;
    /** SUCCESS_RATE, MEDIAN_RATE, LATENCY: least number of reports in the
     *  interval, and of successes for a good interval; 0: 100. */
    uint32_t success_rate_request_volume;
    /** SUCCESS_RATE: factor, in thousandths, 1 .. 8000; 0: 1900. */
    uint32_t success_rate_stdev_factor;
    /** FAILURE_PERCENTAGE: least number of backends with the volume; 0: 5. */
    uint32_t failure_percentage_minimum_hosts;
    /** FAILURE_PERCENTAGE: least number of reports in the interval; 0: 50. */
    uint32_t failure_percentage_request_volume;
    /** FAILURE_PERCENTAGE: limit in percent, up to 100; 0: 85. */
    uint32_t failure_percentage_threshold;
    /** MEDIAN_RATE, LATENCY: least number of backends of the tier with the
     *  volume; 0: 3. */
    uint32_t median_minimum_hosts;
    /** MEDIAN_RATE, LATENCY: least distance from the median, in thousandths of
     *  1.4826 MAD (one standard deviation of a normal distribution), up to
     *  100000; 0: 3500. */
    uint32_t median_factor;
    /** MEDIAN_RATE: least distance below the median, in percentage points, up
     *  to 100; 0: 10.  Without it a uniform fleet would have outliers. */
    uint32_t median_gap_percent;
    /** LATENCY: least ratio to the median, in thousandths, 1000 to 1000000; 0:
     *  3000. */
    uint32_t latency_ratio;
    uint32_t idle_decay; /**< 1: the multiplier goes down without traffic. */
    /** By reason: percentage of detections that eject, 1 .. 100, or
     *  INFRA_OUTLIER_DRY_RUN.  0: 100, except DRY_RUN for gateway failures and
     *  both failure percentages, as in Envoy, and for latency. */
    uint32_t enforce[INFRA_OUTLIER_DETECTORS_MAX];
};

/** What happened to a backend; 64 bytes for ever. */
struct infra_outlier_event {
    uint32_t kind;      /**< enum infra_outlier_event_kind */
    uint32_t reason;    /**< enum infra_outlier_reason */
    uint32_t id;        /**< The backend. */
    uint32_t ejections; /**< Of this backend, so far. */
    infra_time at;      /**< When it happened. */
    infra_time until;   /**< EJECTED: the first sweep from this time on returns
                             the backend; else 0. */
    uint64_t reports;   /**< Evidence: reports in the interval; 0 for failures
                             in a row and for RETURNED. */
    int64_t value;      /**< Measured value, in the unit of the reason. */
    int64_t typical;    /**< Mean or median of all; 0: none. */
    int64_t threshold;  /**< Limit from which a value is an outlier; may be
                             negative. */
};

/** The state of one backend, from infra_outlier_inspect(). */
struct infra_outlier_status {
    size_t size;
    infra_time since;   /**< Of the last change of is_ejected, or of set. */
    infra_time until;   /**< While ejected, as in the event; else 0. */
    infra_time latency; /**< Typical latency in the last complete interval; 0:
                             unknown. */
    uint64_t reports;   /**< In that interval. */
    uint32_t rate;      /**< Success rate of these reports, in millionths. */
    uint32_t is_ejected;
    uint32_t ejections;  /**< So far. */
    uint32_t multiplier; /**< Of the last ejection, less its decay since. */
    uint32_t detections[INFRA_OUTLIER_DETECTORS_MAX]; /**< By reason. */
};

/**
 * Create an object without backends.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK, INFRA_ENOMEM, INFRA_EINVAL (a value out of range),
 * INFRA_ESTRUCT.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_outlier_create(
    struct infra_outlier **ret, const struct infra_outlier_options *options);

/** Free the object, with no report under way; NULL is allowed.  Thread safety:
 *  owner. */
INFRA_API void infra_outlier_destroy(struct infra_outlier *outlier);

/**
 * Start watching a backend.  Setting the key that the id already has keeps the
 * state and only takes over the tier, so a host may set its whole list again.
 * Another key replaces the former one, by the rule of infra_health_set(): its
 * state is that of the same key at another id (of several, the one set last),
 * or the kept state, or it starts afresh and is not ejected.  If it is ejected,
 * an event follows (INFRA_OUTLIER_REASON_KEPT), with the same `until` as
 * before.
 *
 * Reports name a backend by its id alone.  So that no report on a former
 * backend counts for the next one, workers report before they release the
 * ticket, and the host calls this after infra_balancer_set() has stopped
 * returning INFRA_EBUSY.
 *
 * @param key  Name of the backend, not empty.
 * @return INFRA_OK; INFRA_EINVAL: NULL, id or tier out of range, no key.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_set(struct infra_outlier *outlier, uint32_t id,
                                const char *key, uint32_t tier, infra_time now);

/**
 * Stop watching a backend and drop its queued event.  Further reports have no
 * effect.  Its state is kept for its key for INFRA_OUTLIER_KEPT_FOR; the last
 * ids_max removed keys are kept.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_remove(struct infra_outlier *outlier, uint32_t id);

/**
 * Report how a piece of work ended.  Wait-free; from any thread, concurrently
 * with any call but destroy.
 *
 * OK and DEGRADED are successes, ERROR and GATEWAY_ERROR errors, REFUSED,
 * UNREACHABLE, RESET and TIMEOUT failures to reach the backend.  LOCAL,
 * ABANDONED and STALE say nothing about the backend and change nothing.
 *
 * @param outcome  enum infra_outcome, the same value as for
 *                 infra_balancer_release().
 * @param latency  Duration of a success; 0: unknown.  Compared in steps of 1 %,
 *                 from 1 us to 73 minutes.
 * @return 1: a detector has found something before the deadline, so wake the
 *         control thread; else 0.  INFRA_EINVAL: NULL, id out of range, no such
 *         outcome; nothing is counted.
 *
 * Thread safety: any.
 */
INFRA_API int infra_outlier_report(struct infra_outlier *outlier, uint32_t id,
                                   uint32_t outcome, infra_time latency);

/**
 * Take the next event.  Judges failures in a row, then sweeps if a sweep is
 * due; a late call sweeps once.  A sweep makes at most one event for each
 * backend, and the next sweep waits until the host has taken them all.  After
 * INFRA_EAGAIN no tier has more ejected backends than max_ejection_percent
 * allows.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_outlier_next(
    struct infra_outlier *outlier, infra_time now,
    struct infra_outlier_event *ret);

/**
 * Time of the next infra_outlier_next(), as known now; 0: an event is ready;
 * INFRA_TIME_NEVER: no backends.
 *
 * Thread safety: owner.
 */
INFRA_API infra_time
infra_outlier_deadline(const struct infra_outlier *outlier);

/**
 * Note that an active check of the backend has passed.  An ejected backend
 * returns, and RETURNED is queued unless the host has not taken EJECTED yet.
 *
 * @return INFRA_OK, also if it was not ejected; INFRA_ENOENT; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_passed(struct infra_outlier *outlier, uint32_t id,
                                   infra_time now);

/**
 * Read a backend's state.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_inspect(const struct infra_outlier *outlier,
                                    uint32_t id,
                                    struct infra_outlier_status *ret);

/** Name of a reason ("success-rate"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_outlier_reason_name(uint32_t reason);

/** Name of an event kind ("ejected"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_outlier_event_name(uint32_t kind);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_OUTLIER_H */
