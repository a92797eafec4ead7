/* SPDX-License-Identifier: MIT */
/**
 * @file failover.h
 * Which of several nodes is active, and the proof.
 *
 * One machine per group and node.  It holds a lease in a store that all nodes
 * of the group share (lease.h), and is active only while that lease is
 * certainly its own: validity counts from the moment at which the call that
 * armed the lease was *issued*, less clock drift and a guard, so that an active
 * node has stopped by itself before another can be granted the lease, whether
 * or not the store ever answers again.  Active-active is two groups, each
 * preferring another node.
 *
 * @code
 * while (infra_failover_next(f, now, &e) == INFRA_OK) {
 *     switch (e.kind) {
 *     case INFRA_FAILOVER_CALL:       ask_store(&e);             break;
 *     case INFRA_FAILOVER_FENCE:      shut_out_the_former(&e);   break;
 *     case INFRA_FAILOVER_ACTIVATE:   serve(e.token);            break;
 *     case INFRA_FAILOVER_DRAIN:      take_nothing_new();        break;
 *     case INFRA_FAILOVER_DEACTIVATE: stop_at_once();            break;
 *     case INFRA_FAILOVER_ROLE:       log_it(e.role, e.reason);  break;
 *     }
 * }
 * sleep_until(infra_failover_deadline(f));
 * ...
 * infra_failover_reply(f, e.call, &answer_of_the_store, now);
 * // any worker, before each side effect:
 * if (infra_gate_is_open(gate, now, &token)) { write_with(token); }
 * @endcode
 *
 * Events are for acting once; the gate is the truth.  Between an event and the
 * host's acting on it anything may happen, so every side effect asks the gate,
 * and what writes to a shared resource hands it the token, which the resource
 * (infra_fence) refuses once it has seen a newer one: that alone helps a
 * process that was paused between asking and writing.
 *
 * The machine knows no clock, store or socket; driver.h runs it over real ones
 * (infra_elector).  Time is the control side's CLOCK_BOOTTIME; a clock that
 * goes back is a fault here, unless the process stood still for as long, which
 * nobody can tell: for that there is the fence.  Sources: Gray and Cheriton 1989 (leases), Burrows
 * 2006 (Chubby: sequencers), Patroni, and what their users found out.
 *
 * Cost: O(1) a call; nothing is allocated after create.
 */
#ifndef INFRA_FAILOVER_H
#define INFRA_FAILOVER_H

#include <infra/base.h>
#include <infra/gate.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_failover; /**< One group on one node. */

#define INFRA_FAILOVER_NAME_MAX 63u /**< Longest group and node, in bytes. */

/** What this node is in its group. */
enum infra_failover_role {
    INFRA_FAILOVER_STANDBY,   /**< Another is active, or nobody yet. */
    INFRA_FAILOVER_ACQUIRING, /**< It has asked for the lease. */
    INFRA_FAILOVER_GRACE, /**< It holds the lease, and waits until the former
                                   holder is certainly out. */
    INFRA_FAILOVER_ACTIVE,
    INFRA_FAILOVER_DOUBT, /**< Active; renewals fail, the lease still holds. */
    INFRA_FAILOVER_DRAINING, /**< It takes nothing new and is about to stop. */
    INFRA_FAILOVER_FAULT,    /**< It may not be active; see the reason. */
    INFRA_FAILOVER_COOLDOWN, /**< It lets others go first for a while. */
};

/** Why a role changed. */
enum infra_failover_reason {
    INFRA_FAILOVER_REASON_START,
    INFRA_FAILOVER_REASON_FREE,    /**< Nobody held the lease. */
    INFRA_FAILOVER_REASON_GRANTED, /**< The store granted the lease. */
    INFRA_FAILOVER_REASON_HELD,    /**< Another holds the lease. */
    INFRA_FAILOVER_REASON_READY,   /**< Fence and grace are over. */
    INFRA_FAILOVER_REASON_LATE,    /**< No renewal for half the lease. */
    INFRA_FAILOVER_REASON_RENEWED, /**< Renewed after all. */
    INFRA_FAILOVER_REASON_LOST,    /**< The store says that it is not ours. */
    INFRA_FAILOVER_REASON_EXPIRED, /**< Validity ran out. */
    INFRA_FAILOVER_REASON_FENCE,   /**< The former holder could not be shut
                                          out. */
    INFRA_FAILOVER_REASON_STALLED, /**< The workers attest no progress. */
    INFRA_FAILOVER_REASON_UNFIT,   /**< The host says it cannot serve. */
    INFRA_FAILOVER_REASON_FIT,     /**< It can again. */
    INFRA_FAILOVER_REASON_RESIGN,  /**< The operator, or this host, steps down.
                                          */
    INFRA_FAILOVER_REASON_ASKED,   /**< A preferred node asks for the lease. */
    INFRA_FAILOVER_REASON_DRAINED, /**< The work in progress is done. */
    INFRA_FAILOVER_REASON_LIMIT,   /**< It is not, and time is up. */
    INFRA_FAILOVER_REASON_COOLED,  /**< The cool-down is over. */
    INFRA_FAILOVER_REASON_PAUSE,   /**< This process stood still, or the clock
                                          jumped. */
    INFRA_FAILOVER_REASON_CLOCK,   /**< The clock went back. */
    INFRA_FAILOVER_REASON_REGRESSED, /**< The store gave a token that is not new:
                                          it was reset or restored. */
    INFRA_FAILOVER_REASON_COMMAND,   /**< Another command of the operator. */
    INFRA_FAILOVER_REASON_FAILED,    /**< The host says that it failed to
                                          serve. */
};

/** What to ask the store.  Each names the token that it means, so that a call
 *  that is carried out late does no harm. */
enum infra_lease_op {
    /** Take the lease if nobody has it.  Its ttl counts from the issue. */
    INFRA_LEASE_ACQUIRE,
    /** Extend it, and prove that it is ours. */
    INFRA_LEASE_RENEW,
    /** Who has it?  Also resolves an unknown outcome, by the incarnation. */
    INFRA_LEASE_READ,
    /** Give it back, if it is still ours. */
    INFRA_LEASE_RELEASE,
    /** Leave word for the holder that this node would like to have it. */
    INFRA_LEASE_ASK,
};

/** How a call ended. */
enum infra_lease_outcome {
    INFRA_LEASE_GRANTED,  /**< It is ours; RELEASE, ASK: done. */
    INFRA_LEASE_CONFLICT, /**< Another has it. */
    INFRA_LEASE_LOST,     /**< Nobody has it. */
    INFRA_LEASE_UNKNOWN,  /**< It may have happened or not: no answer, or an
                               error that proves nothing. */
};

/** The store's answer. */
struct infra_lease_answer {
    uint32_t outcome; /**< enum infra_lease_outcome */
    /** GRANTED, of ACQUIRE: the former holder released it in order, or there
     *  was none, so that nobody has to be waited for. */
    uint32_t clean;
    uint64_t token; /**< Of the lease, ours or theirs; 0: nobody's. */
    infra_time ttl; /**< GRANTED: what the store really gave. */
    uint64_t wish;  /**< RENEW, READ: the preference that somebody left word
                         of; 0: nobody did. */
    uint64_t reserved[4];
};

enum infra_failover_event_kind {
    /** Ask the store, and answer by infra_failover_reply(), at `call_deadline`
     *  at the latest (with UNKNOWN).  One is outstanding at a time: a new one
     *  replaces it. */
    INFRA_FAILOVER_CALL,
    /** Shut the former holder out; answer by infra_failover_fenced(), with
     *  UNKNOWN if it takes too long: until then nobody is active. */
    INFRA_FAILOVER_FENCE,
    INFRA_FAILOVER_ACTIVATE, /**< Serve.  The gate is open. */
    /** Take nothing new; say infra_failover_drained() when the work in progress
     *  is done.  At `valid_until` it is over in any case. */
    INFRA_FAILOVER_DRAIN,
    INFRA_FAILOVER_DEACTIVATE, /**< Stop at once.  The gate is shut. */
    INFRA_FAILOVER_ROLE,       /**< The role changed: for the log. */
};

/** What fencing has to achieve before a take-over that is not clean. */
enum infra_fence_policy {
    /** Nothing: the former holder's validity and the grace are over.  It is
     *  enough where what it writes to checks tokens (infra_fence). */
    INFRA_FENCE_WAIT,
    /** The host has shut it out (power, switch, STONITH): acknowledged, or this
     *  node cools down and lets the lease run out, so that whoever is next has
     *  to fence, too. */
    INFRA_FENCE_REQUIRE,
    /** As REQUIRE, but a failed or unknown attempt counts as done when another
     *  whole ttl and the grace have passed after it. */
    INFRA_FENCE_TRY,
};

/** Options of infra_failover_create(). */
struct infra_failover_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *group; /**< Required. The store is who needs it; not kept. */
    const char *node;  /**< So, too; another on each node. */
    struct infra_gate
        *gate;            /**< Required; the host's, longer than the machine. */
    uint64_t incarnation; /**< Required: fresh randomness with each start. */
    /** The greatest token this node ever saw (status.token_floor, written down
     *  by the host): one that is not greater is never served under. */
    uint64_t token_floor;
    uint64_t seed;      /**< Of the jitter; 0: the incarnation. */
    infra_time ttl;     /**< Of the lease; 0: 10 s.  At least 100 ms. */
    infra_time attempt; /**< For one call; 0: ttl / 6, at most 1 s. */
    infra_time guard;   /**< Off the validity; 0: 500 ms, or ttl / 6 if less. */
    infra_time grace; /**< After a take-over that is not clean; 0: the guard. */
    infra_time drain; /**< For the work in progress, off the validity; 0: it
                               is dropped at once. */
    /** Renew only while a worker attested progress so recently, or a hung
     *  process would renew for ever; 0: not asked for. */
    infra_time attest_max;
    /** To be called so late, after the deadline, is a pause; 0: ttl / 4.  A
     *  clock that jumps on by less is taken to be right. */
    infra_time pause_max;
    /** Hand over on request of a preferred node only after so long. */
    infra_time tenure_min;
    /** After it lost, left or was refused, how long this node lets others go
     *  first; 0: ttl. */
    infra_time hold_down;
    /** Of the penalty, 1000 for each time the lease was held and that ended
     *  badly: all but RESIGN, ASKED and CLOCK do.  From 2000 to below 750 the
     *  node is damped (after RFC 2439): it does not ask for the lease, and each
     *  hold-down is eight times as long, or as long as others take the lease:
     *  when one hold-down has passed and the lease has been free for half a
     *  ttl, there is nobody else, and it is a standby again.  0: 15 min. */
    infra_time penalty_half_life;
    uint32_t drift_ppm; /**< Of the clocks against each other; 0: 10000. */
    /** Who should have it where several could, 0 to 255; higher first. */
    uint32_t preference;
    uint32_t preempt; /**< 1: also ask for it when one of less preference has
                                it, unless this node is damped.  0: who has it keeps it. */
    uint32_t fence_policy; /**< enum infra_fence_policy */
};

/** Something to do or to know; 64 bytes for ever. */
struct infra_failover_event {
    uint32_t kind;   /**< enum infra_failover_event_kind */
    uint32_t reason; /**< enum infra_failover_reason */
    uint64_t call;   /**< CALL, FENCE: to be given back. */
    uint64_t token;  /**< Of the lease.  CALL, of ACQUIRE: the new one has
                                   to be greater. */
    infra_time valid_until;   /**< Of the lease, on this clock. */
    infra_time call_deadline; /**< CALL: then it is UNKNOWN. */
    uint32_t op;              /**< CALL: enum infra_lease_op */
    uint32_t role;            /**< enum infra_failover_role, after it. */
    uint64_t wish; /**< CALL, of ASK: the preference to leave word of. */
    uint64_t reserved;
};

/** What infra_failover_inspect() tells. */
struct infra_failover_status {
    size_t size;
    uint64_t token;         /**< Of our lease, 0: none. */
    uint64_t token_floor;   /**< The greatest seen: to be written down. */
    infra_time valid_until; /**< 0: not ours. */
    infra_time since;       /**< Of the role. */
    uint64_t activations;
    uint32_t role;
    uint32_t reason;  /**< Of the last change. */
    uint32_t penalty; /**< Now. */
    uint32_t paused;  /**< By the operator. */
};

/**
 * Create a machine; the gate is shut.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something
 *         required is missing or out of range, or what is taken off the
 *         validity leaves no room to renew twice before it ends.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_failover_create(
    struct infra_failover **ret, const struct infra_failover_options *options);

/** Shut the gate and free it; NULL is allowed.  To hand over, resign first.
 *  Thread safety: owner. */
INFRA_API void infra_failover_destroy(struct infra_failover *failover);

/**
 * Take the next event.  What is due is done first; ACTIVATE is handed out only
 * if it still holds at @p now, and what no longer matters is dropped.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_failover_next(
    struct infra_failover *failover, infra_time now,
    struct infra_failover_event *ret);

/** When infra_failover_next() has something again; 0 if it has something
 *  already. Thread safety: owner. */
INFRA_API infra_time
infra_failover_deadline(const struct infra_failover *failover);

/**
 * Answer a CALL.
 *
 * @return INFRA_OK; INFRA_ESTALE: that call was answered or replaced, the
 *         answer is not used; INFRA_EINVAL: no such outcome, or a lease without
 *         a token.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_reply(struct infra_failover *failover,
                                   uint64_t call,
                                   const struct infra_lease_answer *answer,
                                   infra_time now);

/** Answer a FENCE with an enum infra_order_outcome.  INFRA_OK, INFRA_ESTALE,
 *  INFRA_EINVAL.  Thread safety: owner. */
INFRA_API int infra_failover_fenced(struct infra_failover *failover,
                                    uint64_t call, uint32_t outcome,
                                    infra_time now);

/** Answer a DRAIN, or a DEACTIVATE: nothing that was begun is in progress.  The
 *  lease is given back at once then, and else when the guard has passed, too.
 *  INFRA_OK; INFRA_ESTALE: it was not asked for; INFRA_EINVAL.  Thread safety:
 *  owner. */
INFRA_API int infra_failover_drained(struct infra_failover *failover,
                                     infra_time now);

/**
 * Can this node serve (its checks of itself)? If not it drains and stays in
 * FAULT. It can, until this says otherwise.
 *
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_fit(struct infra_failover *failover, int fit,
                                 infra_time now);

/** The lease may be free: look now.  For a watch, a lock or a peer's word, none
 *  of which proves anything.  INFRA_OK, INFRA_EINVAL.  Thread safety: owner. */
INFRA_API int infra_failover_hint(struct infra_failover *failover,
                                  infra_time now);

/** Commands of the operator, and of the host. */
enum infra_failover_command {
    /** Step down in order and let others go first. */
    INFRA_FAILOVER_STEP_DOWN,
    /** Take the lease as soon as it is free, whatever holds this node down, and
     *  leave word for its holder. */
    INFRA_FAILOVER_TAKE_OVER,
    /** Change nothing: the active stays active as long as its lease holds, a
     *  standby does not take over, and a TAKE_OVER before this is off. */
    INFRA_FAILOVER_PAUSE,
    /** Go on after PAUSE, or after a fault that only the operator can clear
     *  (CLOCK, REGRESSED). */
    INFRA_FAILOVER_RESUME,
    /** The host's own word: it failed to serve, as by a service that does not
     *  start or an address that cannot be set.  As STEP_DOWN, and counted as an
     *  activity that ended badly, also while it drains. */
    INFRA_FAILOVER_FAIL,
};

/**
 * Do what the operator says.
 *
 * @return INFRA_OK; INFRA_EINVAL: no such command; INFRA_EBUSY: STEP_DOWN or
 *         FAIL while it does not hold the lease, TAKE_OVER while draining or in fault.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_command(struct infra_failover *failover,
                                     uint32_t command, infra_time now);

/**
 * Tell what the node is.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_inspect(const struct infra_failover *failover,
                                     struct infra_failover_status *ret);

/** Name of a role ("standby"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_failover_role_name(uint32_t role);

/** Name of a reason ("expired"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_failover_reason_name(uint32_t reason);

/** Name of an operation ("acquire"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_lease_op_name(uint32_t op);

/** Name of an outcome ("granted"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_lease_outcome_name(uint32_t outcome);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_FAILOVER_H */
