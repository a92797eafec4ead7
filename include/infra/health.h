/* SPDX-License-Identifier: MIT */
/**
 * @file health.h
 * When to check which backend, and what the results mean.
 *
 * The machine knows no sockets.  It says *check backend 7 now*, takes the
 * outcome, and says *up*, *degraded* or *down*, with a reason, once enough
 * outcomes agree.  A backend has at most one check running.  The hash of the
 * key and the seed spread the first checks over the interval.  A late loop
 * skips checks; it does not catch up in a burst.
 *
 * @code
 * while (infra_health_next(health, now, &event) == INFRA_OK) {
 *     switch (event.kind) {
 *     case INFRA_HEALTH_EVENT_CHECK: start_check(event.id, event.call); break;
 *     case INFRA_HEALTH_EVENT_UP:    mark_up(event.id); break;
 *     case INFRA_HEALTH_EVENT_DOWN:  mark_down(event.id); break;
 *     case INFRA_HEALTH_EVENT_DEGRADED: mark_degraded(event.id); break;
 *     default: log(infra_health_event_name(event.kind), event.reason);
 *     }
 * }
 * sleep_until(infra_health_deadline(health));
 * ...
 * infra_health_answer(health, call, INFRA_OUTCOME_REFUSED, 0, now);
 * @endcode
 *
 * driver.h does all of this over real sockets (infra_prober).  Use this header
 * alone in a host that has its own way to probe.
 *
 * **The counter** (HAProxy, src/check.c) is one integer from 0 to
 * rise + fall - 1; the backend is up from `rise` on.  A pass adds one and, if
 * the backend is then up, lifts the counter to the top.  A failure subtracts
 * one and, if the backend is then down, drops the counter to 0.
 *
 * **The intervals.**  `inter` applies while the counter is at the top,
 * `downinter` while it is 0, `fastinter` in between, in both directions (Envoy:
 * interval, unhealthy_interval, and the two edge intervals).  An interval
 * starts when the previous check was due.  In n intervals a backend is checked
 * at most n + 2 times.
 *
 * **Degraded** is a pass with a request: the backend works and asks for less
 * traffic.  The backend itself says so, so one check is enough in both
 * directions; a failed check leaves the mark as it is.
 *
 * **A backend is its key.**  If a key moves to another id, or is removed and
 * set again within INFRA_HEALTH_KEPT_FOR, its counter, history and place in the
 * schedule move with it.  Resolving a name again therefore brings no backend up
 * and postpones no check.  The outcome of a running check counts for the key;
 * without an outcome the check is repeated after `fastinter`.  The last ids_max
 * removed keys are kept.
 *
 * **Self-doubt** (after Lifeguard, Dadgar and others 2018): is the checker
 * itself sick?  Three kinds of evidence say so:
 *
 * - its loop comes more than INFRA_HEALTH_LATE after the deadline;
 * - a check ends with INFRA_OUTCOME_LOCAL, and that backend's previous check
 *   did not;
 * - silence is about to take a backend down, and since that silence began more
 *   backends fell silent than checks were answered.
 *
 * Silence is INFRA_OUTCOME_TIMEOUT or _UNREACHABLE; a backend that has never
 * answered cannot fall silent.  Every other outcome was sent by somebody and is
 * evidence about the backend.  In doubt:
 *
 * - infra_health_timeout_scale() stretches the timeouts of new checks: to
 *   double, then by one more for each `fastinter` in which the loop was late
 *   again, up to 8 times.
 * - Silence does not take a backend down; the check is repeated after
 *   `fastinter`.
 * - Each `fastinter` without new evidence, and with an answer to a check that
 *   began after the last evidence, takes one step back; the last step ends the
 *   doubt.  If LOCAL was the only evidence, any outcome but LOCAL serves as the
 *   answer.
 *
 * In addition a failed check counts for nothing if the loop was away for half
 * of the check's time or more.  So a SIGSTOP, a suspended machine or a long
 * stall condemns no backend.
 *
 * Doubt suppresses at most `fall` consecutive failures, so a dead backend is
 * down after at most twice the usual number of checks, even if every backend is
 * silent or the loop is always late.
 *
 * **Time to detect.**  With a timeout of at most `fastinter`, and without
 * doubt, a backend is down (fall - 1) * fastinter plus one timeout after its
 * first failing check began, give or take the jitter; one `fastinter` later if
 * infra_health_check_now() caused that check.
 *
 * Cost: O(log n) per check; O(n) for an answer after its key has moved.
 * Memory: at most 252 bytes per id, allocated by create.
 */
#ifndef INFRA_HEALTH_H
#define INFRA_HEALTH_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_health; /**< The checks of one group of backends. */

#define INFRA_HEALTH_IDS_MAX 65535u /**< Upper limit of ids_max. */
#define INFRA_HEALTH_RISE_MAX 1000u /**< Upper limit of rise and of fall. */

/** Lateness of the loop from which the machine doubts itself.  While a check
 *  runs, infra_health_deadline() is never further away than this. */
#define INFRA_HEALTH_LATE INFRA_MS(100)
/** Time for which the state of a removed key is kept. */
#define INFRA_HEALTH_KEPT_FOR INFRA_SEC(300)
/** The id of an event about the machine itself. */
#define INFRA_HEALTH_NOBODY UINT32_MAX

/** State of a backend before its first check (HAProxy's init-state). */
enum infra_health_initial {
    INFRA_HEALTH_INITIAL_UP,         /**< One failure from down.  Default. */
    INFRA_HEALTH_INITIAL_FULLY_UP,   /**< `fall` failures from down. */
    INFRA_HEALTH_INITIAL_DOWN,       /**< One pass from up. */
    INFRA_HEALTH_INITIAL_FULLY_DOWN, /**< `rise` passes from up. */
};

enum infra_health_event_kind {
    INFRA_HEALTH_EVENT_CHECK,    /**< Check this backend; then
                                      infra_health_answer(). */
    INFRA_HEALTH_EVENT_UP,       /**< It came up, or is no longer degraded. */
    INFRA_HEALTH_EVENT_DOWN,     /**< It went down. */
    INFRA_HEALTH_EVENT_DEGRADED, /**< It is up, perhaps since now, and
                                      degraded. */
    INFRA_HEALTH_EVENT_DOUBT,    /**< The machine began to doubt itself. */
    INFRA_HEALTH_EVENT_TRUST,    /**< The doubt is over. */
    INFRA_HEALTH_EVENT_WISH,     /**< Only from infra_prober_next(): the weight,
                                      cap or administrative state that the
                                      backend asks for has changed. */
};

/** Why an event happened.  Append-only. */
enum infra_health_reason {
    INFRA_HEALTH_REASON_START,     /**< CHECK: the first one. */
    INFRA_HEALTH_REASON_INTER,     /**< CHECK: fully up. */
    INFRA_HEALTH_REASON_FASTINTER, /**< CHECK: between fully up and fully down,
                                        or the last outcome did not count. */
    INFRA_HEALTH_REASON_DOWNINTER, /**< CHECK: fully down. */
    INFRA_HEALTH_REASON_RISE,      /**< UP, DEGRADED: enough checks passed. */
    INFRA_HEALTH_REASON_FALL,      /**< DOWN: enough checks failed. */
    INFRA_HEALTH_REASON_ASKED,     /**< CHECK: infra_health_check_now(). */
    INFRA_HEALTH_REASON_DEGRADED,  /**< DEGRADED: the backend was up and asks
                                        for less traffic. */
    INFRA_HEALTH_REASON_RELIEVED,  /**< UP: the backend was degraded. */
    INFRA_HEALTH_REASON_KEPT,      /**< UP, DEGRADED, DOWN: the state kept of
                                        the key that came to this id. */
    INFRA_HEALTH_REASON_LATE,      /**< DOUBT: the loop came late. */
    INFRA_HEALTH_REASON_LOCAL,     /**< DOUBT: a check ended with LOCAL. */
    INFRA_HEALTH_REASON_SILENCE,   /**< DOUBT: many fell silent at once. */
    INFRA_HEALTH_REASON_ANSWERED,  /**< TRUST: checks are answered again. */
};

/** Options of infra_health_create(). */
struct infra_health_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** Seed of the jitter and of the spread of first checks; 0: a fixed seed.
     *  Checkers of the same backends need different seeds (entropy, or their
     *  number): with one seed, those that start together check each backend at
     *  the same moment for ever. */
    uint64_t seed;
    /** Interval between checks, 1 ms or more; 0: 2 s. */
    infra_time inter;
    /** Interval while the counter moves, 1 ms or more; 0: inter. */
    infra_time fastinter;
    /** Interval while fully down, 1 ms or more; 0: inter. */
    infra_time downinter;
    /** Time over which first checks are spread; 0: inter. */
    infra_time start_spread;
    uint32_t ids_max; /**< Ids are 0 .. ids_max - 1; 0: 64. */
    uint32_t rise;    /**< Passes to come up; 0: 2. */
    uint32_t fall;    /**< Failures to go down; 0: 3. */
    /** Variation of each interval in percent, 0 .. 50. */
    uint32_t jitter_percent;
    uint32_t initial; /**< enum infra_health_initial */
    uint32_t reserved;
};

/** What to do, or what changed; 64 bytes for ever. */
struct infra_health_event {
    uint32_t kind;    /**< enum infra_health_event_kind */
    uint32_t reason;  /**< enum infra_health_reason */
    uint32_t id;      /**< The backend; DOUBT, TRUST: INFRA_HEALTH_NOBODY. */
    uint32_t outcome; /**< UP, DEGRADED, DOWN: of the check that decided. */
    uint64_t call;    /**< CHECK: its number, for infra_health_answer(). */
    infra_time at;    /**< CHECK: when it was due; else when it happened. */
    uint32_t detail;  /**< UP, DEGRADED, DOWN: as given with that outcome. */
    uint32_t counter; /**< After the event, 0 .. rise + fall - 1. */
    /** WISH: enum infra_probe_has: which of the next four fields the backend
     *  has ever sent.  The four are those of struct infra_probe_result, each
     *  with its latest value. */
    uint32_t has;
    uint32_t admin;
    uint32_t weight_percent;
    uint32_t weight;
    uint32_t in_flight_max;
    uint32_t reserved;
};

/** The state of one backend, from infra_health_inspect(). */
struct infra_health_status {
    size_t size;
    uint64_t checks;   /**< Outcomes taken. */
    uint64_t failures; /**< Outcomes that blamed the backend. */
    infra_time since;  /**< Time of the last change. */
    infra_time next;   /**< Next check; INFRA_TIME_NEVER: one is running. */
    uint32_t up;       /**< 1: up or degraded. */
    uint32_t counter;  /**< 0 .. rise + fall - 1. */
    uint32_t outcome;  /**< The last one. */
    uint32_t detail;   /**< Of the last outcome. */
    uint32_t degraded; /**< 1: up, and degraded. */
    uint32_t held;     /**< Consecutive failures suppressed by doubt. */
};

/**
 * Create a machine without backends.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK, INFRA_ENOMEM, INFRA_EINVAL (a value out of range),
 * INFRA_ESTRUCT.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_health_create(
    struct infra_health **ret, const struct infra_health_options *options);

/** Free the machine; NULL is allowed.  Thread safety: owner. */
INFRA_API void infra_health_destroy(struct infra_health *health);

/**
 * Start checking a backend.  Setting the key that the id already has changes
 * nothing, so a host may set its whole list again.  Another key replaces the
 * former one; its state is that of the same key at another id (of several, the
 * one set last), or the kept state, or that of `initial` in the options.  If
 * the state differs from `initial`, an event follows
 * (INFRA_HEALTH_REASON_KEPT).
 *
 * @param key  Name of the backend, not empty; its hash spreads the first check.
 *             Two ids with one key are checked separately.
 * @return INFRA_OK; INFRA_EINVAL: NULL, id out of range, no key.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_set(struct infra_health *health, uint32_t id,
                               const char *key, infra_time now);

/**
 * As infra_health_set(), with an `initial` for this backend alone.  A restarted
 * checker passes the state that the backend was marked with, so that the first
 * change of each backend is reported.
 *
 * @param initial  enum infra_health_initial: the state of an unknown key, and
 *                 the state that the host takes the backend for.
 * @return As infra_health_set(), and INFRA_EINVAL: no such initial.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_set_initial(struct infra_health *health, uint32_t id,
                                       const char *key, uint32_t initial,
                                       infra_time now);

/**
 * Stop checking a backend and drop its queued events.  Its state is kept for
 * its key.  The answer to a running check is INFRA_ESTALE, unless the key is
 * set again first.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_remove(struct infra_health *health, uint32_t id);

/**
 * Take the next event: doubt or trust first, then changes in their order, then
 * the checks that are due, oldest first.  So no backend is checked again before
 * the host knows what its last check changed.  Every CHECK needs exactly one
 * infra_health_answer().  A host with a limit on concurrent checks keeps the
 * events and starts those checks later, but goes on calling in time.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_health_next(struct infra_health *health,
                                                infra_time now,
                                                struct infra_health_event *ret);

/**
 * Latest time for the next infra_health_next(), as known now; 0: an event is
 * ready.  From the first infra_health_next() on, a later call is evidence for
 * self-doubt.
 *
 * Thread safety: owner.
 */
INFRA_API infra_time infra_health_deadline(const struct infra_health *health);

/**
 * Ask for an early check, for example because traffic failed.  The check is due
 * at once, or `fastinter` after the last check began if that is later; the
 * schedule then goes on as before.  If a check is running, the early one
 * follows it.  Asking again changes nothing.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_check_now(struct infra_health *health, uint32_t id,
                                     infra_time now);

/**
 * Report how a check ended.
 *
 * @param call     From the CHECK event.
 * @param outcome  enum infra_outcome.  OK and DEGRADED are a pass.  An outcome
 *                 that does not blame the backend (INFRA_OUTCOME_LOCAL,
 *                 _ABANDONED, _STALE) leaves the counter alone, and the check
 *                 is repeated after fastinter.
 * @param detail   Any number; returned in the event of the change that this
 *                 outcome causes.
 * @return INFRA_OK; INFRA_ESTALE: the check is answered or was repeated, or its
 *         backend is gone; INFRA_EINVAL: NULL, or no such outcome (the check is
 *         over all the same, as ABANDONED).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_answer(struct infra_health *health, uint64_t call,
                                  uint32_t outcome, uint32_t detail,
                                  infra_time now);

/**
 * Read a backend's state.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_inspect(const struct infra_health *health,
                                   uint32_t id,
                                   struct infra_health_status *ret);

/**
 * Factor for the timeouts of checks that start now, in thousandths.  1000: no
 * doubt.
 *
 * @return 1000 .. 8000; 1000 for NULL.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t
infra_health_timeout_scale(const struct infra_health *health);

/** Name of a reason ("fall"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_health_reason_name(uint32_t reason);

/** Name of an event kind ("down"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_health_event_name(uint32_t kind);

/** Name of an initial state ("fully up"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_health_initial_name(uint32_t initial);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_HEALTH_H */
