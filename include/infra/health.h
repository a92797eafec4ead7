/* SPDX-License-Identifier: MIT */
/**
 * @file health.h
 * When to check which backend, and what its answers mean.
 *
 * The machine knows no sockets.  It says *probe backend 7 now*, takes the
 * verdict, and says *up* or *down* with a reason when enough verdicts agree:
 * HAProxy's rise/fall counter and its three intervals, exactly.  A check is
 * never run twice at once for a backend, first checks are spread over the
 * interval by the hash of the key, and a late loop skips checks instead of
 * catching up in a burst.
 *
 * @code
 * while (infra_health_next(health, now, &event) == INFRA_OK) {
 *     switch (event.kind) {
 *     case INFRA_HEALTH_PROBE: start_check(event.id, event.check); break;
 *     case INFRA_HEALTH_UP:    mark(event.id, INFRA_STATE_UP); break;
 *     case INFRA_HEALTH_DOWN:  mark(event.id, INFRA_STATE_DOWN); break;
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
 * The counter (HAProxy, src/check.c): one integer from 0 to rise + fall - 1;
 * the backend is up from `rise` on.  A pass adds one, and lifts it to the top
 * when it is then up; a failure takes one away, and drops it to 0 when it is
 * then down.
 *
 * Cost: O(log n) a check.  Memory: 88 bytes per id, allocated by create.
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

/** What a backend counts as before its first check (HAProxy's init-state). */
enum infra_health_initial {
    INFRA_HEALTH_INITIAL_UP,         /**< One failure from down.  Default. */
    INFRA_HEALTH_INITIAL_FULLY_UP,   /**< `fall` failures from down. */
    INFRA_HEALTH_INITIAL_DOWN,       /**< One pass from up. */
    INFRA_HEALTH_INITIAL_FULLY_DOWN, /**< `rise` passes from up. */
};

enum infra_health_event_kind {
    INFRA_HEALTH_PROBE, /**< Check this backend; answer with the verdict. */
    INFRA_HEALTH_UP,    /**< It came up. */
    INFRA_HEALTH_DOWN,  /**< It went down. */
};

/** Why an event happened. */
enum infra_health_reason {
    INFRA_HEALTH_REASON_START,     /**< PROBE: the first check. */
    INFRA_HEALTH_REASON_INTER,     /**< PROBE: fully up. */
    INFRA_HEALTH_REASON_FASTINTER, /**< PROBE: on the way up or down, or the
                                        last check said nothing. */
    INFRA_HEALTH_REASON_DOWNINTER, /**< PROBE: fully down. */
    INFRA_HEALTH_REASON_RISE,      /**< UP: enough checks passed. */
    INFRA_HEALTH_REASON_FALL,      /**< DOWN: enough checks failed. */
};

/** Options of infra_health_create(). */
struct infra_health_options {
    size_t size;
    const struct infra_allocator *allocator;
    uint64_t seed; /**< Of the jitter; 0 is a fixed seed of its own. */
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
    uint32_t id;      /**< The backend. */
    uint64_t check;   /**< PROBE: to be given back with the verdict. */
    infra_time at;    /**< PROBE: when it was due; else when it happened. */
    uint32_t reason;  /**< enum infra_health_reason */
    uint32_t outcome; /**< UP, DOWN: of the check that decided. */
    uint32_t detail;  /**< UP, DOWN: as given with that verdict. */
    uint32_t counter; /**< After the event, 0 .. rise + fall - 1. */
    uint64_t reserved[3];
};

/** What infra_health_inspect() tells about one backend. */
struct infra_health_stats {
    size_t size;
    uint64_t checks;   /**< Verdicts taken. */
    uint64_t failures; /**< Verdicts that spoke against the backend. */
    infra_time since;  /**< Of the last change of up. */
    infra_time next;   /**< The next check; INFRA_TIME_NEVER: one is running. */
    uint32_t up;       /**< 1 or 0. */
    uint32_t counter;  /**< 0 .. rise + fall - 1. */
    uint32_t outcome;  /**< Of the last verdict. */
    uint32_t detail;   /**< Of the last verdict. */
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
 * that a host may say its whole list again; with another key it starts afresh.
 *
 * @param key  Who it is, not empty; its hash spreads the first check.
 * @return INFRA_OK; INFRA_EINVAL: NULL, id out of range, no key.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_health_set(struct infra_health *health,
                                               uint32_t id, const char *key,
                                               infra_time now);

/**
 * Stop checking a backend.  What is queued for it is dropped, and the verdict
 * of a running check will be INFRA_ESTALE.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_health_remove(struct infra_health *health,
                                                  uint32_t id);

/**
 * Take the next event: changes first, as they happened, then the checks that
 * are due, oldest first.  So no backend is checked again before the host knows
 * what the last check changed.  Every PROBE wants exactly one verdict.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_health_next(struct infra_health *health,
                                                infra_time now,
                                                struct infra_health_event *ret);

/**
 * When infra_health_next() has something again, as far as is known now; 0 if it
 * has something already.
 *
 * Thread safety: owner.
 */
INFRA_API infra_time infra_health_deadline(const struct infra_health *health);

/**
 * Answer a PROBE.
 *
 * @param check    From the event.
 * @param outcome  enum infra_outcome.  OK and DEGRADED are a pass.  What does
 *                 not blame the backend (INFRA_OUTCOME_LOCAL, _ABANDONED)
 *                 leaves the counter alone, and the check is repeated after
 *                 fastinter.
 * @param detail   The host's own; handed out with the change that it causes.
 * @return INFRA_OK; INFRA_ESTALE: that check is answered or its backend gone;
 *         INFRA_EINVAL: NULL, or no such outcome.
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
 * thousandths: 1000 is not at all.  It rises while the machine has reason to
 * think that it is itself the slow one.
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
