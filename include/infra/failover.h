/* SPDX-License-Identifier: MIT */
/**
 * @file failover.h
 * Which of several nodes is active, and the proof.
 *
 * One machine per group and node.  It holds a lease in a store that all nodes
 * of the group share (lease.h), and is active only while the lease is certainly
 * its own.  Validity counts from the moment at which the call that armed the
 * lease was *issued*, less clock drift and a guard.  So an active node has
 * stopped by itself before another can be granted the lease, whether or not the
 * store ever answers again.  Active-active is two groups, each preferring
 * another node.
 *
 * @code
 * while (infra_failover_next(f, now, &e) == INFRA_OK) {
 *     switch (e.kind) {
 *     case INFRA_FAILOVER_EVENT_CALL:       ask_store(&e.call);        break;
 *     case INFRA_FAILOVER_EVENT_FENCE:      fence_former(e.call.id);   break;
 *     case INFRA_FAILOVER_EVENT_ACTIVATE:   serve(e.token);            break;
 *     case INFRA_FAILOVER_EVENT_DRAIN:      begin_nothing_new();       break;
 *     case INFRA_FAILOVER_EVENT_DEACTIVATE: stop_at_once();            break;
 *     case INFRA_FAILOVER_EVENT_ROLE:       log_it(e.role, e.reason);  break;
 *     }
 * }
 * sleep_until(infra_failover_deadline(f));
 * ...
 * infra_failover_answer(f, call.id, &answer_of_the_store, now);
 * @endcode
 *
 * Act once on each event; believe the gate (gate.h).  Between an event and the
 * host's action the lease may end, so every side effect asks the gate first,
 * and a write to a shared resource presents the token to the fence there.
 *
 * The machine has no clock, store or socket; infra_elector of driver.h runs it
 * over real ones.  Time is CLOCK_BOOTTIME of the control thread.  A clock that
 * steps back puts the machine into FAULT.  A step back hidden by an equally
 * long pause cannot be detected; the fence covers that case.
 *
 * Sources: Gray and Cheriton 1989 (leases), Burrows 2006 (Chubby: sequencers),
 * Patroni, and what their users found out.
 *
 * Cost: O(1) a call; nothing is allocated after create.
 */
#ifndef INFRA_FAILOVER_H
#define INFRA_FAILOVER_H

#include <infra/base.h>
#include <infra/gate.h>
#include <infra/lease.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_failover; /**< One group on one node. */

/** Role of this node in its group. */
enum infra_failover_role {
    INFRA_FAILOVER_ROLE_STANDBY,   /**< Another node is active, or none. */
    INFRA_FAILOVER_ROLE_ACQUIRING, /**< It has asked for the lease. */
    INFRA_FAILOVER_ROLE_GRACE,     /**< It holds the lease, and waits until the
                                        former holder has certainly stopped. */
    INFRA_FAILOVER_ROLE_ACTIVE,
    INFRA_FAILOVER_ROLE_DOUBT,    /**< Active; renewals fail, the lease still
                                       holds. */
    INFRA_FAILOVER_ROLE_DRAINING, /**< It begins nothing new and will stop. */
    INFRA_FAILOVER_ROLE_FAULT,    /**< It may not be active; see the reason. */
    INFRA_FAILOVER_ROLE_COOLDOWN, /**< It lets other nodes go first. */
};

/** Why a role changed. */
enum infra_failover_reason {
    INFRA_FAILOVER_REASON_START,
    INFRA_FAILOVER_REASON_FREE,      /**< The lease was free. */
    INFRA_FAILOVER_REASON_GRANTED,   /**< The store granted the lease. */
    INFRA_FAILOVER_REASON_HELD,      /**< Another node holds the lease. */
    INFRA_FAILOVER_REASON_READY,     /**< Fence and grace are over. */
    INFRA_FAILOVER_REASON_LATE,      /**< No renewal for half the ttl. */
    INFRA_FAILOVER_REASON_RENEWED,   /**< Renewed after all. */
    INFRA_FAILOVER_REASON_LOST,      /**< The store says the lease is lost. */
    INFRA_FAILOVER_REASON_EXPIRED,   /**< Validity ran out. */
    INFRA_FAILOVER_REASON_FENCE,     /**< Fencing the former holder failed. */
    INFRA_FAILOVER_REASON_STALLED,   /**< The workers attest no progress. */
    INFRA_FAILOVER_REASON_UNFIT,     /**< The host says it cannot serve. */
    INFRA_FAILOVER_REASON_FIT,       /**< The host says it can serve again. */
    INFRA_FAILOVER_REASON_RESIGN,    /**< The operator or the host ordered
                                          STEP_DOWN. */
    INFRA_FAILOVER_REASON_REQUESTED, /**< A preferred node requests the
                                          lease. */
    INFRA_FAILOVER_REASON_DRAINED,   /**< The work in progress is done. */
    INFRA_FAILOVER_REASON_LIMIT,     /**< It is not, and time is up. */
    INFRA_FAILOVER_REASON_COOLED,    /**< The cool-down is over. */
    INFRA_FAILOVER_REASON_PAUSE,     /**< This process stood still, or the clock
                                          jumped. */
    INFRA_FAILOVER_REASON_CLOCK,     /**< The clock stepped back. */
    INFRA_FAILOVER_REASON_REGRESSED, /**< The store granted a token that is not
                                          new: it was reset or restored. */
    INFRA_FAILOVER_REASON_COMMAND,   /**< Another command of the operator. */
    INFRA_FAILOVER_REASON_FAILED,    /**< The host says that serving failed. */
};

enum infra_failover_event_kind {
    /** Carry out `call` at the store; answer by infra_failover_answer(), with
     *  UNKNOWN at call.deadline.  One call is out at a time: a new one replaces
     *  it. */
    INFRA_FAILOVER_EVENT_CALL,
    /** Fence the former holder; answer by infra_failover_answer_fence(), with
     *  UNKNOWN if it takes too long: until then no node is active. */
    INFRA_FAILOVER_EVENT_FENCE,
    INFRA_FAILOVER_EVENT_ACTIVATE, /**< Serve.  The gate is open. */
    /** Begin nothing new; call infra_failover_drained() when the work in
     *  progress is done.  At `valid_until` it has to stop in any case. */
    INFRA_FAILOVER_EVENT_DRAIN,
    INFRA_FAILOVER_EVENT_DEACTIVATE, /**< Stop at once.  The gate is closed. */
    INFRA_FAILOVER_EVENT_ROLE,       /**< The role changed: for the log. */
};

/** What fencing has to achieve before a take-over that is not clean. */
enum infra_failover_fence {
    /** Nothing: the former holder's validity and the grace are over.  Enough
     *  where the resource checks tokens (infra_fence). */
    INFRA_FAILOVER_FENCE_WAIT,
    /** The host fences the former holder (power, switch, STONITH) and answers
     *  DONE; else this node cools down and lets the lease run out, so that the
     *  next holder has to fence, too. */
    INFRA_FAILOVER_FENCE_REQUIRE,
    /** As REQUIRE, but FAILED and UNKNOWN count as done when another whole ttl
     *  and the grace have passed. */
    INFRA_FAILOVER_FENCE_TRY,
};

/** Options of infra_failover_create(). */
struct infra_failover_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *group;       /**< Required: name of the group; not kept. */
    const char *node;        /**< Required: name of this node; not kept. */
    struct infra_gate *gate; /**< Required; outlives the machine. */
    uint64_t incarnation;    /**< Required: a fresh random number each start. */
    /** Greatest token that this node ever saw (infra_failover_status), written
     *  down by the host.  The machine never serves under a token that is not
     *  greater; 0: none. */
    uint64_t token_floor;
    uint64_t seed;           /**< Seed of the jitter; 0: the incarnation. */
    infra_time ttl;          /**< Of the lease; 0: 10 s.  At least 100 ms. */
    infra_time call_timeout; /**< Of one call; 0: ttl / 6, at most 1 s. */
    /** Taken off the validity; 0: ttl / 6, at most 500 ms. */
    infra_time guard;
    /** Wait after a take-over that is not clean; 0: the guard. */
    infra_time grace;
    /** Limit for the work in progress, taken off the validity; 0: it is dropped
     *  at once. */
    infra_time drain_timeout;
    /** Renew only if infra_gate_attest() was called within this time, so that a
     *  hung process loses the lease; 0: off. */
    infra_time attest_age_max;
    /** A call later than deadline + pause_max counts as a pause of the process;
     *  0: ttl / 4.  A smaller jump of the clock is taken to be right. */
    infra_time pause_max;
    /** Minimum time as active before a preferred node's request is granted. */
    infra_time tenure_min;
    /** Time for which this node lets others go first after it lost or left the
     *  lease or was refused; 0: ttl. */
    infra_time hold_down;
    /** Half-life of the penalty, which grows by 1000 each time that holding the
     *  lease ends badly: for any reason but RESIGN, REQUESTED and CLOCK.  From
     *  2000 until below 750 the node is damped (after RFC 2439): it does not
     *  request the lease, and each hold-down is eight times as long.  It ends
     *  early if no other node is there: one hold-down has passed and the lease
     *  has been free for half a ttl.  0: 15 min. */
    infra_time penalty_half_life;
    uint32_t drift_ppm; /**< Of two clocks against each other; 0: 10000. */
    /** Preference among nodes that could hold the lease, 0 to 255; higher goes
     *  first. */
    uint32_t preference;
    /** 1: request the lease from a holder of less preference, unless this node
     *  is damped.  0: the holder keeps it. */
    uint32_t preempt;
    uint32_t fence_policy; /**< enum infra_failover_fence */
};

/** Something to do or to know; 80 bytes for ever. */
struct infra_failover_event {
    uint32_t kind;   /**< enum infra_failover_event_kind */
    uint32_t reason; /**< enum infra_failover_reason */
    uint32_t role;   /**< enum infra_failover_role, after the event. */
    uint32_t reserved;
    uint64_t token;         /**< Of the lease. */
    infra_time valid_until; /**< End of the lease, on this clock. */
    /** CALL: for infra_lease_begin().  FENCE: its id, for the answer. */
    struct infra_lease_call call;
    uint64_t reserved1;
};

/** Status of a machine, for infra_failover_inspect(). */
struct infra_failover_status {
    size_t size;
    uint64_t token;         /**< Of this node's lease; 0: none. */
    uint64_t token_floor;   /**< Greatest token seen: write it down. */
    infra_time valid_until; /**< 0: the lease is not this node's. */
    infra_time since;       /**< Begin of the role. */
    uint64_t activations;
    uint32_t role;
    uint32_t reason;  /**< Of the last change of role. */
    uint32_t penalty; /**< Now. */
    uint32_t paused;  /**< By the operator. */
};

/**
 * Create a machine; the gate is closed.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something
 *         required is missing or out of range, or drift, guard and drain leave
 *         no room for two renewals within the ttl.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_failover_create(
    struct infra_failover **ret, const struct infra_failover_options *options);

/** Close the gate and free the machine; NULL is allowed.  To hand over, order
 *  STEP_DOWN first.  Thread safety: owner. */
INFRA_API void infra_failover_destroy(struct infra_failover *failover);

/**
 * Take the next event.  Timers fire first.  ACTIVATE comes only if the lease
 * still holds at @p now; an event that no longer matters is dropped.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_failover_next(
    struct infra_failover *failover, infra_time now,
    struct infra_failover_event *ret);

/** When infra_failover_next() has an event again; 0: it has one now.  Thread
 *  safety: owner. */
INFRA_API infra_time
infra_failover_deadline(const struct infra_failover *failover);

/**
 * Answer a CALL.
 *
 * @param call  The call's id.
 * @return INFRA_OK; INFRA_ESTALE: that call was answered or replaced, and the
 *         answer is not used; INFRA_EINVAL: no such outcome, or a lease without
 *         a token.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_answer(struct infra_failover *failover,
                                    uint64_t call,
                                    const struct infra_lease_answer *answer,
                                    infra_time now);

/**
 * Answer a FENCE.
 *
 * @param call     The call's id.
 * @param outcome  enum infra_order_outcome
 * @return INFRA_OK; INFRA_ESTALE: that FENCE was answered, or is no longer
 *         needed; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_answer_fence(struct infra_failover *failover,
                                          uint64_t call, uint32_t outcome,
                                          infra_time now);

/**
 * Confirm DRAIN or DEACTIVATE: no work is in progress.  The lease is then
 * released at once; without this call, after the guard time.
 *
 * @return INFRA_OK; INFRA_ESTALE: neither is pending; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_drained(struct infra_failover *failover,
                                     infra_time now);

/**
 * Set whether this node can serve, by the host's checks of itself.  If not, it
 * drains and stays in FAULT.  A new machine can.
 *
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_fit(struct infra_failover *failover, int fit,
                                 infra_time now);

/** Read the lease now, because it may be free.  For the hint of a watch, a lock
 *  or a peer, none of which proves anything.  INFRA_OK, INFRA_EINVAL.  Thread
 *  safety: owner. */
INFRA_API int infra_failover_hint(struct infra_failover *failover,
                                  infra_time now);

/** Commands of the operator, and of the host. */
enum infra_failover_command {
    /** Step down in order and let others go first. */
    INFRA_FAILOVER_COMMAND_STEP_DOWN,
    /** Take the lease as soon as it is free, whatever holds this node down, and
     *  leave a request for the holder. */
    INFRA_FAILOVER_COMMAND_TAKE_OVER,
    /** Change nothing: an active node stays active as long as its lease holds,
     *  a standby does not take over, and an earlier TAKE_OVER is cancelled. */
    INFRA_FAILOVER_COMMAND_PAUSE,
    /** Go on after PAUSE, or after a fault that only the operator can clear
     *  (CLOCK, REGRESSED). */
    INFRA_FAILOVER_COMMAND_RESUME,
    /** The host failed to serve: a service does not start, an address cannot be
     *  set.  As STEP_DOWN, but counts for the penalty, also while draining. */
    INFRA_FAILOVER_COMMAND_FAIL,
};

/**
 * Carry out a command.
 *
 * @param command  enum infra_failover_command
 * @return INFRA_OK; INFRA_EINVAL: no such command; INFRA_EBUSY: STEP_DOWN or
 *         FAIL without the lease, TAKE_OVER while draining or in fault.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_failover_command(struct infra_failover *failover,
                                     uint32_t command, infra_time now);

/**
 * Get the status of the machine.
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

/** Name of an event kind ("activate"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_failover_event_name(uint32_t kind);

/** Name of a fence policy ("require"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_failover_fence_name(uint32_t policy);

/** Name of a command ("step down"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_failover_command_name(uint32_t command);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_FAILOVER_H */
