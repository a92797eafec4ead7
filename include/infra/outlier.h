/* SPDX-License-Identifier: MIT */
/**
 * @file outlier.h
 * Which backend does worse than its fellows, as the traffic itself shows.
 *
 * Workers report how each piece of work ended.  The control thread takes the
 * events: *eject backend 7 for a while*, and later *it may return*, each with
 * the numbers that speak for it.  What an ejection means is the host's affair;
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
 *     if (event.kind == INFRA_OUTLIER_EJECTED) {
 *         infra_balancer_mark(balancer, event.id, INFRA_BALANCER_AXIS_PASSIVE,
 *                             INFRA_BALANCER_STATE_DOWN);
 *     } else if (event.kind == INFRA_OUTLIER_RETURNED) {
 *         infra_balancer_mark(balancer, event.id, INFRA_BALANCER_AXIS_PASSIVE,
 *                             INFRA_BALANCER_STATE_UP);
 *     }
 *     log_event(infra_outlier_reason_name(event.reason), &event);
 * }
 * infra_balancer_publish(balancer, now);
 * @endcode
 *
 * A host with active checks does two things more: after EJECTED it checks that
 * backend at once, and when a check of an ejected backend passes it may call
 * infra_outlier_passed().  Beware: a check that sees less than the traffic does
 * returns a backend that still fails (envoy#28303).
 *
 * **Detectors.**  Seven are Envoy's, with its names, defaults and arithmetic
 * (outlier_detection_impl.cc): failures in a row, which are noticed at once;
 * and at every sweep success rates below mean - factor x standard deviation,
 * and shares of failures above a limit.  A mean is dragged down by those it
 * should expose: with more than 1 / (1 + 1.9^2) = 21.7 % of the backends dead,
 * two of five, that threshold is below zero and finds nobody.  So there are two
 * of our own, with median and median absolute deviation (MAD), which hold until
 * half of the backends are bad (Iglewicz and Hoaglin, How to Detect and Handle
 * Outliers, 1993): one for success rates, one for latencies.  These compare
 * backends of one tier, Envoy's compare all.
 *
 * **Ejections** are Envoy's: base_ejection_time x multiplier, at most
 * max_ejection_time, plus jitter; over at the first sweep after that.  The
 * multiplier goes up with each ejection and down with each good interval.  On
 * return the counts begin afresh.
 *
 * Where we differ from Envoy on purpose:
 *
 * - max_ejection_percent counts by tier, so that no tier can lose all while
 *   another has many (Envoy counts over all priorities; put all into tier 0 for
 *   that).  Its default is 50 and not 10, which in a tier of fewer than ten
 *   ejects nobody.  When it bites, the worst go first.
 * - It holds as well when a tier shrinks, by remove or set (Envoy looks at it
 *   only when it ejects): at the next infra_outlier_next() the ejections that
 *   have the least time left end, until the rest is within the cap
 *   (INFRA_OUTLIER_SHRUNK).  The cap counts all backends that are set, also
 *   those that active checks have marked down: for these the balancer has its
 *   panic mode.
 * - A backend that two detectors find in one sweep is ejected once.
 * - The multiplier goes down only after an interval in which the backend has
 *   done enough; Envoy's goes down in intervals without traffic too, so that
 *   ejections of a backend with little of it never grow (envoy#26758).
 *   idle_decay = 1 is Envoy's way.
 * - An answer, good or bad, proves that the backend was reached; Envoy has its
 *   connection reported apart.
 * - Rates are compared to a millionth.
 *
 * Cost: a report is one atomic addition in the backend's own cache line, a few
 * when it tells of a failure.  A sweep is O(n), with n log n for those found.
 * Memory: 640 bytes per id, allocated by create.
 */
#ifndef INFRA_OUTLIER_H
#define INFRA_OUTLIER_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_outlier; /**< The watch over one group of backends. */

#define INFRA_OUTLIER_IDS_MAX 65535u /**< Most ids of one object. */
#define INFRA_OUTLIER_TIERS_MAX 16u  /**< Tiers 0 .. 15. */

/** The former name of an outcome that every function takes now. */
#define INFRA_OUTLIER_GATEWAY_ERROR INFRA_OUTCOME_GATEWAY_ERROR

enum infra_outlier_event_kind {
    INFRA_OUTLIER_EJECTED,  /**< Give it no work. */
    INFRA_OUTLIER_RETURNED, /**< Give it work again. */
    INFRA_OUTLIER_CAPPED,   /**< Found, but enough of its tier are out. */
    INFRA_OUTLIER_WATCHED,  /**< Found, but `enforce` let it pass. */
};

/** Why.  The first nine are detectors; with what they measure. */
enum infra_outlier_reason {
    /** Errors in a row; split_local_origin = 0: failures of any kind. */
    INFRA_OUTLIER_CONSECUTIVE_5XX,
    /** Gateway errors in a row; split_local_origin = 0: and failures to reach
     *  the backend.  Another error breaks the row. */
    INFRA_OUTLIER_CONSECUTIVE_GATEWAY_FAILURE,
    /** Failures to reach the backend in a row; split_local_origin = 1 only. */
    INFRA_OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
    /** Success rate below mean - factor x standard deviation, in millionths. */
    INFRA_OUTLIER_SUCCESS_RATE,
    /** The same for the rate at which the backend could be reached. */
    INFRA_OUTLIER_SUCCESS_RATE_LOCAL_ORIGIN,
    /** Share of failures from a limit on, in millionths. */
    INFRA_OUTLIER_FAILURE_PERCENTAGE,
    /** The same for the failures to reach the backend. */
    INFRA_OUTLIER_FAILURE_PERCENTAGE_LOCAL_ORIGIN,
    /** Success rate, both kinds of failure together, far below the median of
     *  the tier, in millionths. */
    INFRA_OUTLIER_MEDIAN_RATE,
    /** Latency far above the median of the tier, in nanoseconds. */
    INFRA_OUTLIER_LATENCY,
    INFRA_OUTLIER_TIME,   /**< RETURNED: the ejection was over. */
    INFRA_OUTLIER_PASSED, /**< RETURNED: infra_outlier_passed(). */
    /** RETURNED: the tier has fewer backends, so that fewer may be out. */
    INFRA_OUTLIER_SHRUNK,
    INFRA_OUTLIER_KEPT, /**< EJECTED: the state that was kept of its key. */
};
#define INFRA_OUTLIER_DETECTORS_MAX 16u /**< Room for more detectors. */

/** How long the state of a removed key is kept, as in health.h. */
#define INFRA_OUTLIER_KEPT_FOR INFRA_SEC(300)

/** infra_outlier_options.enforce: find, tell and count, but never eject. */
#define INFRA_OUTLIER_WATCH UINT32_MAX

/**
 * Options of infra_outlier_create(), in Envoy's words where they are its.  A
 * detector is switched off by a number of failures or of hosts that nobody
 * reaches, UINT32_MAX.
 */
struct infra_outlier_options {
    size_t size;
    const struct infra_allocator *allocator;
    uint64_t seed; /**< Of jitter and `enforce`; 0 is a fixed seed. */
    /** Between sweeps; 0: 10 s.  At least 1 ms. */
    infra_time interval;
    infra_time base_ejection_time; /**< 0: 30 s. */
    /** Not below the base; 0: 300 s, or the base if that is more. */
    infra_time max_ejection_time;
    infra_time max_ejection_time_jitter; /**< Is added, evenly; 0: none. */
    /** LATENCY: slower than the median by this much; 0: 10 ms. */
    infra_time latency_gap;
    uint32_t ids_max; /**< 0: 64.  Ids are 0 .. ids_max - 1. */
    /** Most of a tier that may be out at once, 1 .. 100; 0: 50 (Envoy: 10). */
    uint32_t max_ejection_percent;
    /** 1: one of a tier may be out whatever the percentage. */
    uint32_t always_eject_one_host;
    /** 1: failures to reach a backend are counted apart from its errors, by the
     *  detectors of local origin.  0: all are failures alike. */
    uint32_t split_local_origin;
    /** Failures in a row that convict; each 0: 5. */
    uint32_t consecutive_5xx;
    uint32_t consecutive_gateway_failure;
    uint32_t consecutive_local_origin_failure;
    /** SUCCESS_RATE judges when so many backends (0: 5) have so many reports in
     *  the interval (0: 100).  That volume also holds for MEDIAN_RATE and
     *  LATENCY, and as successes for an interval to be a good one. */
    uint32_t success_rate_minimum_hosts;
    uint32_t success_rate_request_volume;
    /** Standard deviations, in thousandths, 1 .. 8000; 0: 1900. */
    uint32_t success_rate_stdev_factor;
    /** FAILURE_PERCENTAGE judges when so many backends (0: 5) have so many
     *  reports (0: 50), and convicts from so many percent on (0: 85). */
    uint32_t failure_percentage_minimum_hosts;
    uint32_t failure_percentage_request_volume;
    uint32_t failure_percentage_threshold;
    /** MEDIAN_RATE and LATENCY judge when so many of the tier have the volume;
     *  0: 3. */
    uint32_t median_minimum_hosts;
    /** They convict from so many deviations on, in thousandths of 1.4826 MAD
     *  (one standard deviation, were it the normal distribution), up to
     *  100000; 0: 3500. */
    uint32_t median_factor;
    /** MEDIAN_RATE: and from so many points of a percentage below the median
     *  on, up to 100; 0: 10.  Else fleets that agree would have outliers. */
    uint32_t median_gap_percent;
    /** LATENCY: and from so many thousandths of the median on, 1000 to 1000000;
     *  0: 3000, three times as slow. */
    uint32_t latency_ratio;
    uint32_t idle_decay; /**< 1: the multiplier needs no traffic to go down. */
    /** By reason: in how many cases of 100 a detection ejects, or
     *  INFRA_OUTLIER_WATCH.  0: always; but WATCH for the gateway failures and
     *  both percentages, as in Envoy, and for latency. */
    uint32_t enforce[INFRA_OUTLIER_DETECTORS_MAX];
};

/** What happened to a backend; 64 bytes for ever. */
struct infra_outlier_event {
    uint32_t kind;      /**< enum infra_outlier_event_kind */
    uint32_t id;        /**< The backend. */
    infra_time at;      /**< When it happened. */
    infra_time until;   /**< EJECTED: the first sweep from here on returns it;
                             else 0. */
    uint32_t reason;    /**< enum infra_outlier_reason */
    uint32_t ejections; /**< Of this backend, so far. */
    uint64_t reports;   /**< The evidence: so many reports of the interval; for
                             failures in a row, and for RETURNED, 0. */
    int64_t value;      /**< What was measured, in the unit of its reason, */
    int64_t typical;    /**< the mean or median of all; 0: there is none, */
    int64_t threshold;  /**< and where the outliers begin.  May be below 0. */
};

/** What infra_outlier_inspect() tells about one backend. */
struct infra_outlier_stats {
    size_t size;
    infra_time since;   /**< Of the last change of is_ejected, or of set. */
    infra_time until;   /**< While ejected, as in the event; else 0. */
    infra_time latency; /**< Its typical latency in the last complete interval;
                             0: unknown. */
    uint64_t reports;   /**< In that interval. */
    uint32_t rate;      /**< Success rate of these, in millionths. */
    uint32_t is_ejected;
    uint32_t ejections;  /**< So far. */
    uint32_t multiplier; /**< Of the last ejection, less what it went down. */
    uint32_t detections[INFRA_OUTLIER_DETECTORS_MAX]; /**< By reason. */
};

/**
 * Create a watch without backends.
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

/** Free it, with no report under way; NULL is allowed.  Thread safety: owner.
 */
INFRA_API void infra_outlier_destroy(struct infra_outlier *outlier);

/**
 * Begin to watch a backend.  With the same key as before all that is known of
 * it stays, only the tier is taken over, so that a host may say its whole list
 * again.  Another key takes the id over, by the rule of infra_health_set(): its
 * state is that of the same key at another id (of several, the one set last),
 * or what is kept of it, or it starts afresh and is not ejected.  If it is
 * ejected, an event tells (INFRA_OUTLIER_KEPT), until the same time as before.
 *
 * Reports name a backend by its id alone.  So that none for a former owner
 * reaches the next, workers report before they release the ticket, and the host
 * comes here after infra_balancer_set() no longer answers INFRA_EBUSY.
 *
 * @param key  Who it is, not empty.
 * @return INFRA_OK; INFRA_EINVAL: NULL, id or tier out of range, no key.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_set(struct infra_outlier *outlier, uint32_t id,
                                const char *key, uint32_t tier, infra_time now);

/**
 * Stop watching a backend.  What is queued for it is dropped, and further
 * reports have no effect.  What is known of it is kept for its key, for
 * INFRA_OUTLIER_KEPT_FOR; up to ids_max removed keys are kept, the last ones.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_remove(struct infra_outlier *outlier, uint32_t id);

/**
 * Tell how a piece of work ended.  Wait-free: from any thread, beside any other
 * call but destroy.
 *
 * OK and DEGRADED are successes, ERROR and GATEWAY_ERROR errors, REFUSED,
 * UNREACHABLE, RESET and TIMEOUT failures to reach the backend.  LOCAL,
 * ABANDONED and STALE say nothing about the backend and change nothing.
 *
 * @param outcome  enum infra_outcome, as for infra_balancer_release(): one
 *                 value serves both.
 * @param latency  How long the success took; 0: unknown.  Compared in steps of
 *                 1 %, from 1 us to 73 minutes.
 * @return 1: a detector has found something that should not wait for the
 *         deadline, so wake the control thread; else 0; INFRA_EINVAL: NULL, id
 *         out of range, no such outcome; nothing is counted then.
 *
 * Thread safety: any.
 */
INFRA_API int infra_outlier_report(struct infra_outlier *outlier, uint32_t id,
                                   uint32_t outcome, infra_time latency);

/**
 * The outcome that an HTTP status stands for, for every function that takes an
 * enum infra_outcome: GATEWAY_ERROR for 502, 503 and 504, ERROR for the others
 * from 500 to 599, else OK.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_outlier_result_of_status(uint32_t status);

/**
 * Take the next event.  Looks at what the reports have found, then sweeps if
 * that is due; a late call sweeps once.  For each backend there is at most one
 * event of a sweep, and the next sweep waits until the host has taken all.  After
 * INFRA_EAGAIN no tier has more backends out than max_ejection_percent allows.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_outlier_next(
    struct infra_outlier *outlier, infra_time now,
    struct infra_outlier_event *ret);

/**
 * When infra_outlier_next() has something again, as far as is known now; 0 if
 * it has something already; INFRA_TIME_NEVER without backends.
 *
 * Thread safety: owner.
 */
INFRA_API infra_time
infra_outlier_deadline(const struct infra_outlier *outlier);

/**
 * Say that an active check of the backend has passed: if it is ejected, it
 * returns, and RETURNED is queued unless the host had not taken EJECTED yet.
 *
 * @return INFRA_OK, also if it was not ejected; INFRA_ENOENT; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_passed(struct infra_outlier *outlier, uint32_t id,
                                   infra_time now);

/**
 * Tell a backend's state.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_outlier_inspect(const struct infra_outlier *outlier,
                                    uint32_t id,
                                    struct infra_outlier_stats *ret);

/** Name of a reason ("success-rate"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_outlier_reason_name(uint32_t reason);

/** Name of an event's kind ("ejected"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_outlier_event_name(uint32_t kind);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_OUTLIER_H */
