/* SPDX-License-Identifier: MIT */
/**
 * @file health.h
 * When to check which backend, and what its answers mean.
 *
 * The machine knows no sockets.  It says *probe backend 7 now*, takes the
 * verdict, and says *up*, *degraded* or *down* with a reason when enough
 * verdicts agree.  A check is never run twice at once for a backend, first
 * checks are spread over the interval by the hash of the key and the seed, and
 * a late loop skips checks instead of catching up in a burst.
 *
 * @code
 * while (infra_health_next(health, now, &event) == INFRA_OK) {
 *     switch (event.kind) {
 *     case INFRA_HEALTH_PROBE:    start_check(event.id, event.check); break;
 *     case INFRA_HEALTH_UP:       mark(event.id, INFRA_STATE_UP); break;
 *     case INFRA_HEALTH_DEGRADED: mark(event.id, INFRA_STATE_DEGRADED); break;
 *     case INFRA_HEALTH_DOWN:     mark(event.id, INFRA_STATE_DOWN); break;
 *     default:                    log_reason(event.kind, event.reason);
 *     }
 * }
 * sleep_until(infra_health_deadline(health));
 * ...
 * infra_health_verdict(health, check, INFRA_OUTCOME_REFUSED, 0, now);
 * @endcode
 *
 * driver.h runs all of this over real sockets (infra_prober); use this header
 * alone where the host has its own way to probe.
 *
 * **The counter** (HAProxy, src/check.c) is one integer from 0 to
 * rise + fall - 1; the backend is up from `rise` on.  A pass adds one, and
 * lifts it to the top when it is then up; a failure takes one away, and drops
 * it to 0 when it is then down.
 *
 * **The intervals** go by state and edge: `inter` while it is fully up,
 * `downinter` while it is fully down, `fastinter` on the way between them, in
 * both directions.  (Envoy's interval, unhealthy_interval, and its two edge
 * intervals.)  Each check counts from when the one before was due.  In any time
 * there are at most two more checks of a backend than intervals.
 *
 * **Degraded** is a pass with a wish: the backend does its work and would
 * rather be spared.  It is the backend's own word and not a guess, so one check
 * is enough in both directions; failures do not touch it.
 *
 * **A backend is its key.**  Where a key moves to another id, or is removed and
 * comes back within INFRA_HEALTH_KEPT_FOR, its counter, its history and its
 * place in the schedule go with it: resolving a name again brings nobody up and
 * puts no check off.  The verdict on a check that was running counts for the
 * key; if it does not come, the check is repeated when `fastinter` has passed.
 * Up to ids_max removed keys are kept, the last ones.
 *
 * **Self-doubt** (after Lifeguard, Dadgar and others 2018).  The machine asks
 * itself whether it is the sick one.  Three things speak against it: its loop
 * comes more than INFRA_HEALTH_LATE after the deadline; a check ends with
 * INFRA_OUTCOME_LOCAL, and the check of that backend before it did not; or a
 * backend that is to go down for its silence is one of a crowd: since it began,
 * more backends fell silent than checks of any were answered.  Silence is
 * INFRA_OUTCOME_TIMEOUT or _UNREACHABLE, and a backend that has never answered
 * does not fall silent; all else is said by somebody, and is evidence about
 * him.  Then the machine is in doubt:
 *
 * - infra_health_patience() stretches the time-outs of new checks: to the
 *   double, and by one more for every `fastinter` in which the loop was late
 *   again, up to 8 times.
 * - Silence does not take a backend down, but is checked again after
 *   `fastinter`.
 * - Each `fastinter` without such evidence, with an answer to a check that
 *   began after it, takes one step back; the last one ends the doubt.  Where
 *   only LOCAL spoke against the machine, any end but LOCAL is answer enough.
 *
 * And a failed check says nothing if the loop was away for half of its time or
 * more: after a SIGSTOP, a suspended machine or a long stall nobody is
 * condemned by what was under way.
 *
 * A backend's failures are held back like this `fall` times in a row.  So doubt
 * costs time but never the truth: where everybody is silent, or the loop is
 * always late, who is dead is down after twice as many checks.
 *
 * **How soon.**  Where a time-out is not longer than `fastinter`, and without
 * doubt, a backend is down (fall - 1) * fastinter and one time-out after its
 * first failing check began, give or take the jitter; one `fastinter` later if
 * that check was asked for.
 *
 * Cost: O(log n) a check, O(n) a verdict that comes after the key has moved.
 * Memory: at most 248 bytes per id, allocated by create.
 */
#ifndef INFRA_HEALTH_H
#define INFRA_HEALTH_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_health; /**< The checks of one group of backends. */

#define INFRA_HEALTH_IDS_MAX 65535u /**< Most ids of one object. */
#define INFRA_HEALTH_RISE_MAX 1000u /**< Largest rise, and largest fall. */

/** By so much the loop may come late before the machine doubts itself.  While a
 *  check runs it is wanted at least as often. */
#define INFRA_HEALTH_LATE INFRA_MS(100)
/** So long the state of a removed key is kept. */
#define INFRA_HEALTH_KEPT_FOR INFRA_SEC(300)
/** The id of an event that is about the machine itself. */
#define INFRA_HEALTH_NOBODY UINT32_MAX

/** What a backend counts as before its first check (HAProxy's init-state). */
enum infra_health_initial {
    INFRA_HEALTH_INITIAL_UP,         /**< One failure from down.  Default. */
    INFRA_HEALTH_INITIAL_FULLY_UP,   /**< `fall` failures from down. */
    INFRA_HEALTH_INITIAL_DOWN,       /**< One pass from up. */
    INFRA_HEALTH_INITIAL_FULLY_DOWN, /**< `rise` passes from up. */
};

enum infra_health_event_kind {
    INFRA_HEALTH_PROBE,    /**< Check this backend; answer with the verdict. */
    INFRA_HEALTH_UP,       /**< It came up, or is no longer degraded. */
    INFRA_HEALTH_DOWN,     /**< It went down. */
    INFRA_HEALTH_DEGRADED, /**< It is up, came up perhaps, but degraded. */
    INFRA_HEALTH_DOUBT,    /**< The machine began to doubt itself. */
    INFRA_HEALTH_TRUST,    /**< It no longer does. */
    INFRA_HEALTH_WISH,     /**< Not of this machine but of infra_prober_next():
                                what a backend asks for is another thing now. */
};

/** Why an event happened.  Append-only. */
enum infra_health_reason {
    INFRA_HEALTH_REASON_START,     /**< PROBE: the first check. */
    INFRA_HEALTH_REASON_INTER,     /**< PROBE: fully up. */
    INFRA_HEALTH_REASON_FASTINTER, /**< PROBE: on the way up or down, or the
                                        last check said nothing. */
    INFRA_HEALTH_REASON_DOWNINTER, /**< PROBE: fully down. */
    INFRA_HEALTH_REASON_RISE,      /**< UP, DEGRADED: enough checks passed. */
    INFRA_HEALTH_REASON_FALL,      /**< DOWN: enough checks failed. */
    INFRA_HEALTH_REASON_ASKED,     /**< PROBE: infra_health_probe_now(). */
    INFRA_HEALTH_REASON_DEGRADED,  /**< DEGRADED: it was up and said so. */
    INFRA_HEALTH_REASON_RELIEVED,  /**< UP: it was degraded. */
    INFRA_HEALTH_REASON_KEPT,      /**< UP, DEGRADED, DOWN: it was so before
                                        its key came to this id. */
    INFRA_HEALTH_REASON_LATE,      /**< DOUBT: the loop came late. */
    INFRA_HEALTH_REASON_LOCAL,     /**< DOUBT: a check ended with LOCAL. */
    INFRA_HEALTH_REASON_SILENCE,   /**< DOUBT: many fell silent at once. */
    INFRA_HEALTH_REASON_ANSWERED,  /**< TRUST: checks are answered again. */
};

/** Options of infra_health_create(). */
struct infra_health_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** Of the jitter and of the spread of first checks; 0 is a fixed seed of
     *  its own.  Checkers of the same backends want different ones (entropy, or
     *  their number): with one seed those that started together check each
     *  backend at the same time for ever. */
    uint64_t seed;
    /** Between checks; 0: 2 s.  At least 1 ms, like the next two. */
    infra_time inter;
    infra_time fastinter; /**< While the counter moves; 0: inter. */
    infra_time downinter; /**< While fully down; 0: inter. */
    /** First checks fall within this; 0: inter. */
    infra_time start_spread;
    uint32_t ids_max;        /**< 0: 64.  Ids are 0 .. ids_max - 1. */
    uint32_t rise;           /**< Passes to come up; 0: 2. */
    uint32_t fall;           /**< Failures to go down; 0: 3. */
    uint32_t jitter_percent; /**< Each interval varies by so much, 0 .. 50. */
    uint32_t initial;        /**< enum infra_health_initial */
    uint32_t reserved;
};

/** Something to do or to know; 64 bytes for ever. */
struct infra_health_event {
    uint32_t kind;    /**< enum infra_health_event_kind */
    uint32_t id;      /**< The backend; INFRA_HEALTH_NOBODY: DOUBT, TRUST. */
    uint64_t check;   /**< PROBE: to be given back with the verdict. */
    infra_time at;    /**< PROBE: when it was due; else when it happened. */
    uint32_t reason;  /**< enum infra_health_reason */
    uint32_t outcome; /**< UP, DEGRADED, DOWN: of the check that decided. */
    uint32_t detail;  /**< UP, DEGRADED, DOWN: as given with that verdict. */
    uint32_t counter; /**< After the event, 0 .. rise + fall - 1. */
    /** WISH: enum infra_probe_has: which of the next four it has ever told.
     *  They are those of struct infra_probe_result, each as told last. */
    uint32_t has;
    uint32_t admin;
    uint32_t weight_percent;
    uint32_t weight;
    uint32_t in_flight_max;
    uint32_t reserved;
};

/** What infra_health_inspect() tells about one backend. */
struct infra_health_stats {
    size_t size;
    uint64_t checks;   /**< Verdicts taken. */
    uint64_t failures; /**< Verdicts that spoke against the backend. */
    infra_time since;  /**< Of the last change. */
    infra_time next;   /**< The next check; INFRA_TIME_NEVER: one is running. */
    uint32_t up;       /**< 1, also when degraded, or 0. */
    uint32_t counter;  /**< 0 .. rise + fall - 1. */
    uint32_t outcome;  /**< Of the last verdict. */
    uint32_t detail;   /**< Of the last verdict. */
    uint32_t degraded; /**< 1: it is up, and degraded. */
    uint32_t held;     /**< Failures in a row that doubt has held back. */
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

/** Free it; NULL is allowed.  Thread safety: owner. */
INFRA_API void infra_health_destroy(struct infra_health *health);

/**
 * Begin to check a backend.  With the same key as before nothing changes, so
 * that a host may say its whole list again.  Another key takes the id over: its
 * state is that of the same key at another id (of several, the one set last),
 * or what is kept of it, or it starts afresh, as `initial` says.  If the state
 * is another one than that, an event tells (INFRA_HEALTH_REASON_KEPT).
 *
 * @param key  Who it is, not empty; its hash spreads the first check.  Two ids
 *             with one key are checked each by itself.
 * @return INFRA_OK; INFRA_EINVAL: NULL, id out of range, no key.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_set(struct infra_health *health, uint32_t id,
                               const char *key, infra_time now);

/**
 * The same, for a host that knows more of this backend than `initial` of the
 * options says: a checker that was restarted inherits what its backends were
 * marked as, so that the first change of each is told.
 *
 * @param initial  enum infra_health_initial: where a key begins of which
 *                 nothing is known, and what the host takes the backend for.
 * @return As infra_health_set(), and INFRA_EINVAL if there is no such initial.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_set_initial(struct infra_health *health, uint32_t id,
                                       const char *key, uint32_t initial,
                                       infra_time now);

/**
 * Stop checking a backend.  What is queued for it is dropped, and the verdict
 * of a running check is INFRA_ESTALE, unless its key is set again by then.  Its
 * state is kept for its key.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_remove(struct infra_health *health, uint32_t id);

/**
 * Take the next event: doubt or trust first, then changes as they happened,
 * then the checks that are due, oldest first.  So no backend is checked again
 * before the host knows what the last check changed.  Every PROBE wants exactly
 * one verdict.  A host that cannot start so many checks keeps those that it has
 * taken and starts them later; it calls in time all the same.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_health_next(struct infra_health *health,
                                                infra_time now,
                                                struct infra_health_event *ret);

/**
 * When to call infra_health_next() again at the latest, as far as is known now;
 * 0 if it has something already.  Calling later is what self-doubt looks at,
 * from the first such call on.
 *
 * Thread safety: owner.
 */
INFRA_API infra_time infra_health_deadline(const struct infra_health *health);

/**
 * Ask for a check soon: traffic saw something.  It is due at once, or when
 * `fastinter` has passed since the last one began, and the schedule goes on
 * after it as before.  If a check is running, another one follows.  Asking
 * again changes nothing.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_probe_now(struct infra_health *health, uint32_t id,
                                     infra_time now);

/**
 * Answer a PROBE.
 *
 * @param check    From the event.
 * @param outcome  enum infra_outcome.  OK and DEGRADED are a pass.  What does
 *                 not blame the backend (INFRA_OUTCOME_LOCAL, _ABANDONED,
 *                 _STALE) leaves the counter alone, and the check is repeated
 *                 after fastinter.
 * @param detail   The host's own; handed out with the change that it causes.
 * @return INFRA_OK; INFRA_ESTALE: that check is answered, was repeated, or its
 *         backend is gone; INFRA_EINVAL: NULL, or no such outcome (the check is
 *         over all the same, as ABANDONED).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_verdict(struct infra_health *health, uint64_t check,
                                   uint32_t outcome, uint32_t detail,
                                   infra_time now);

/**
 * Tell a backend's state.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_health_inspect(const struct infra_health *health,
                                   uint32_t id, struct infra_health_stats *ret);

/**
 * By how much to stretch the time-outs of the checks that start now, in
 * thousandths: 1000 is not at all.  More than that is the machine in doubt.
 *
 * @return 1000 .. 8000; 1000 for NULL.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t infra_health_patience(const struct infra_health *health);

/** Name of a reason ("fall"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_health_reason_name(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_HEALTH_H */
