/* SPDX-License-Identifier: MIT */
/**
 * @file promotion.h
 * Plan the succession of a dead primary in a replicated database.
 *
 * One machine per group of database nodes and controlling process.  All
 * processes watch.  Only the process that holds the lease of the group
 * (failover.h) acts, and only while its gate is open.  When enough observers
 * agree that the primary is dead, the machine fences the primary, detaches the
 * replicas, waits for their positions, promotes a replica that has every
 * acknowledged write, and points the others at it.  It also moves a living
 * primary without loss, stops the second of two primaries, and takes a former
 * primary back as a replica.
 *
 * The machine knows no SQL and no socket.  It gives orders, one at a time to a
 * node; the host carries them out and answers.  The host also reports samples
 * of all nodes.  A sample weighs more than an answer: a candidate counts as
 * primary once its promotion was answered DONE and a later sample shows it
 * writable.
 *
 * @code
 * while (infra_promotion_next(p, now, &e) == INFRA_OK) {
 *     switch (e.kind) {
 *     case INFRA_PROMOTION_EVENT_READ_RECORD:    // ..., then the answer
 *         infra_promotion_adopt(p, r.id, r.token, r.timeline, r.unfinished,
 *                               now);
 *         // and infra_promotion_set() each node that is recorded as APART
 *         break;
 *     case INFRA_PROMOTION_EVENT_RECORD_INTENT:  record(&e, BEGUN); break;
 *     case INFRA_PROMOTION_EVENT_RECORD_PRIMARY: record(&e, DONE);
 *                                                tell_routers(&e); break;
 *     case INFRA_PROMOTION_EVENT_RECORD_APART:   record(&e, e.flags); break;
 *     case INFRA_PROMOTION_EVENT_HOLD:           let_writes_wait(); break;
 *     case INFRA_PROMOTION_EVENT_RESIGN:         step_down(failover); break;
 *     case INFRA_PROMOTION_EVENT_STEP:           log_step(&e); break;
 *     case INFRA_PROMOTION_EVENT_QUARANTINE:     keep_flags(&e); break;
 *     default:                                   send_to_agent(&e); break;
 *     }
 * }
 * sleep_until(infra_promotion_deadline(p));
 * ...
 * infra_promotion_answer(p, call, INFRA_ORDER_DONE, now);
 * infra_promotion_report(p, id, &sample_of_a_probe, now);
 * @endcode
 *
 * The orders, and what carries them out:
 *
 *            MariaDB, MySQL                   PostgreSQL
 *   FENCE    power off; or the agent stops the server, and lets it start
 *            read-only at most
 *   STOP     read_only = 1, end all           the agent: no connections but
 *            connections                      its own
 *   DETACH   STOP REPLICA IO_THREAD           primary_conninfo = '', reload
 *   PROMOTE  RESET REPLICA ALL,               pg_promote(), or undo STOP
 *            read_only = 0
 *            and in both: write the token into a replicated table
 *   REPOINT  CHANGE REPLICATION SOURCE TO     primary_conninfo; pg_rewind if
 *                                             the node has more
 *
 * Duties of the host:
 *  - Write the primary into a record beside the lease, in a write that compares
 *    the token (infra_lease_write_record() of lease.h): before the promotion as
 *    an intent, after it as done.  A successor therefore knows what its
 *    predecessor had begun, and the predecessor can begin nothing more.
 *  - Write the flag APART of each node into the same record at RECORD_APART,
 *    and keep the flags in each later record.
 *  - Take a new lease, with a new token, at each start of the process.
 *  - Give the token of each order to the agent that acts on the node.  The
 *    agent presents it to an infra_fence, kept over restarts, and answers
 *    FAILED if the fence refuses it: an order that was under way when the lease
 *    changed hands must do nothing.  The agent carries out the orders of one
 *    token in the order of their calls.  Without such an agent, ask the gate
 *    before each statement; a process that is stopped between gate and
 *    statement is then not covered.
 *  - Report as position what a node has *received* and made durable, as a
 *    number that grows: PostgreSQL's pg_last_wal_receive_lsn(), MariaDB's
 *    sequence number in its one domain, the count of MySQL's GTID sets,
 *    received ones included.  Positions compare within one timeline.  The
 *    applied position, as database checks tell it (probe_database.h), is enough
 *    if DETACH is answered only after everything received is applied: positions
 *    count from then on.
 *  - Answer DETACH with FAILED for a node whose data is half replaced or is
 *    being cloned, and let the clone go on: such a node has not reported.
 *    Answer REPOINT with DONE only if the node has nothing that its source has
 *    not: the data was compared or replaced.
 *  - Report as timeline the token in the replicated table, read when everything
 *    received is applied.  PostgreSQL's own timeline will not do: it stays the
 *    same when a primary that never ceased to be primary is promoted.  Without
 *    timelines (all 0) a former primary counts for nothing until it follows
 *    again; but a new process does not know the former primary, so set the
 *    option `quarantine`.
 *  - Report as time of a sample the *begin* of the probe.
 *
 * What is lost: nothing, if each write is acknowledged by `sync_acks` of the
 * nodes that are flagged SYNC (PostgreSQL: synchronous_standby_names ANY k;
 * MariaDB, MySQL: semi-synchronous, waiting without time-out) and every node
 * that may ever be primary is one of them.  Replicas are detached before their
 * positions are read, so an unfenced primary gets no more acknowledgements; and
 * enough replicas are read that at least one has every acknowledged write.
 * With asynchronous replication a dead primary takes the writes with it that it
 * had not sent.  `behind_max` and `loss` set how much may be lost, by default
 * no write that is known of, and the fence alone keeps two primaries apart.
 *
 * A node that was seen writable beside the primary has a history of its own,
 * which neither its position nor its timeline shows.  It has the flag APART
 * until a REPOINT is DONE.  The writes of that history are lost.
 *
 * One token names one primary, for ever.  A process promotes once by a token
 * and then asks to resign, so that routers and agents can tell the newer
 * primary from the older by the token alone, whatever else went wrong.
 *
 * Sources: Redis Sentinel, Patroni (quorum commit), pg_auto_failover (report
 * the position, then decide; one table), orchestrator (the replicas' view).
 *
 * Cost: O(nodes) a call, O(nodes * observers) for counting votes, and
 * O(nodes * nodes) while choosing.  Memory: 160 bytes a node and 16 for each of
 * its observers, allocated by create.
 */
#ifndef INFRA_PROMOTION_H
#define INFRA_PROMOTION_H

#include <infra/base.h>
#include <infra/gate.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_promotion; /**< The plans of one group in one process. */

#define INFRA_PROMOTION_NODES_MAX 256u     /**< Nodes of one group. */
#define INFRA_PROMOTION_OBSERVERS_MAX 256u /**< Observers of a node. */
#define INFRA_PROMOTION_NO_NODE UINT32_MAX /**< In place of an id: none. */

/** Where the plan stands. */
enum infra_promotion_step {
    INFRA_PROMOTION_STEP_STANDBY,     /**< No lease: watch only. */
    INFRA_PROMOTION_STEP_READING,     /**< Reads the record. */
    INFRA_PROMOTION_STEP_WATCH,       /**< Keeps the replicas in place. */
    INFRA_PROMOTION_STEP_SUSPECT,     /**< An observer does not see it. */
    INFRA_PROMOTION_STEP_WAITING,     /**< The primary is dead; the damper or
                                           the token forbids to act yet. */
    INFRA_PROMOTION_STEP_FENCING,     /**< Fences a primary; a primary that is
                                           seen alive ends the plan. */
    INFRA_PROMOTION_STEP_COLLECTING,  /**< Detached replicas report. */
    INFRA_PROMOTION_STEP_HELD,        /**< To go on might lose writes. */
    INFRA_PROMOTION_STEP_STOPPING,    /**< Switchover: stops the writes. */
    INFRA_PROMOTION_STEP_CATCHING_UP, /**< Switchover: waits until the candidate
                                           has the last write. */
    INFRA_PROMOTION_STEP_RECORDING,   /**< Records the intent to promote. */
    INFRA_PROMOTION_STEP_PROMOTING,   /**< Until the candidate is writable. */
    INFRA_PROMOTION_STEP_REPOINTING,  /**< Points replicas at the primary. */
    INFRA_PROMOTION_STEP_CONFLICT,    /**< Fences a second writable node. */
    INFRA_PROMOTION_STEP_PAUSED,      /**< By the operator. */
};

/** Why a step was entered. */
enum infra_promotion_reason {
    INFRA_PROMOTION_REASON_START,
    INFRA_PROMOTION_REASON_LEASE,        /**< The gate is open. */
    INFRA_PROMOTION_REASON_UNLEASED,     /**< The gate is shut, or its token is
                                            another. */
    INFRA_PROMOTION_REASON_READ,         /**< The record was read. */
    INFRA_PROMOTION_REASON_SUSPECTED,    /**< An observer does not see it. */
    INFRA_PROMOTION_REASON_ALIVE,        /**< The primary is seen after all. */
    INFRA_PROMOTION_REASON_DEAD,         /**< Enough votes, and no veto. */
    INFRA_PROMOTION_REASON_READONLY,     /**< The primary is up and takes no
                                            writes. */
    INFRA_PROMOTION_REASON_UNFINISHED,   /**< A promotion was begun; its end is
                                            unknown. */
    INFRA_PROMOTION_REASON_DAMPED,       /**< Too soon after the last change. */
    INFRA_PROMOTION_REASON_TOKEN_USED,   /**< The token has named a primary. */
    INFRA_PROMOTION_REASON_FENCED,       /**< The node is fenced. */
    INFRA_PROMOTION_REASON_UNFENCED,     /**< It may not be; the policy is to
                                            proceed. */
    INFRA_PROMOTION_REASON_REPORTED,     /**< Enough reports; one has it all. */
    INFRA_PROMOTION_REASON_MISSING,      /**< A silent node may be ahead. */
    INFRA_PROMOTION_REASON_AHEAD,        /**< A node that may not be promoted is
                                            ahead. */
    INFRA_PROMOTION_REASON_NO_CANDIDATE, /**< No node may be promoted. */
    INFRA_PROMOTION_REASON_COMMAND,      /**< By the operator. */
    INFRA_PROMOTION_REASON_STOPPED,      /**< The primary takes no writes. */
    INFRA_PROMOTION_REASON_CAUGHT_UP,    /**< The candidate has every write. */
    INFRA_PROMOTION_REASON_RECORDED,     /**< The intent is recorded. */
    INFRA_PROMOTION_REASON_REFUSED,      /**< An order failed. */
    INFRA_PROMOTION_REASON_TIMEOUT,      /**< Its time is over. */
    INFRA_PROMOTION_REASON_WRITABLE,     /**< The candidate takes writes. */
    INFRA_PROMOTION_REASON_REPOINTED,    /**< All reachable replicas follow. */
    INFRA_PROMOTION_REASON_CONFLICT,     /**< Another node is writable, or may
                                              be. */
    INFRA_PROMOTION_REASON_RESOLVED,     /**< No other node is any more. */
    INFRA_PROMOTION_REASON_ADOPTED,      /**< A newer primary was found. */
    INFRA_PROMOTION_REASON_PAUSED,       /**< By the operator. */
};

/** What an event asks of the host. */
enum infra_promotion_event_kind {
    /** Read the record beside the lease, with `token`.  Pass the primary to
     *  infra_promotion_adopt(), if there is one, and each node recorded as
     *  APART to infra_promotion_set() (the machine has dropped these flags,
     *  since other processes may have changed the record); then answer DONE. */
    INFRA_PROMOTION_EVENT_READ_RECORD,
    /** Node `id` is about to be promoted by this token: write that into the
     *  record as unfinished, and answer DONE if the write was granted. */
    INFRA_PROMOTION_EVENT_RECORD_INTENT,
    /** Node `id` takes writes, by this token: write that into the record in the
     *  same way, then tell the routers, and answer DONE. */
    INFRA_PROMOTION_EVENT_RECORD_PRIMARY,
    /** The primary will change: let writes wait, as long as clients bear it.
     *  Optional. */
    INFRA_PROMOTION_EVENT_HOLD,
    /** Fence the node: it takes no writes now, nor when it comes back. */
    INFRA_PROMOTION_EVENT_FENCE,
    INFRA_PROMOTION_EVENT_STOP,   /**< Stop the writes; the node stays up. */
    INFRA_PROMOTION_EVENT_DETACH, /**< Stop receiving from any source. */
    /** Take writes.  FAILED: another node is chosen, and this node is not for
     *  promote_timeout.  Likewise when the node dies meanwhile. */
    INFRA_PROMOTION_EVENT_PROMOTE,
    /** Follow `source`.  What the node has beyond `position` of an older
     *  timeline is undone, or the node is built anew, *before* it connects:
     *  PostgreSQL takes the word of a diverged replica for an acknowledgement
     *  of everything up to there.  What the node has received must not be
     *  dropped unapplied, as MariaDB does: it may be the only copy if `source`
     *  is about to die. */
    INFRA_PROMOTION_EVENT_REPOINT,
    /** By option: the node was primary, and is QUARANTINED from now on. */
    INFRA_PROMOTION_EVENT_QUARANTINE,
    /** The token is used up: release the lease, then take it again or leave it
     *  to another process. */
    INFRA_PROMOTION_EVENT_RESIGN,
    INFRA_PROMOTION_EVENT_STEP, /**< `step` was entered: for the log. */
    /** The flag APART of the node has changed to what `flags` says: write it
     *  into the record, beside the primary, and answer DONE if the write was
     *  granted.  Until then the node is not fenced, and none is promoted. */
    INFRA_PROMOTION_EVENT_RECORD_APART,
};

/* Flags of a node.  They may be set at any time.  A PROMOTE that the host has
 * taken before is neither taken back nor given again. */

/** Is never made primary in place of another.  The primary goes on. */
#define INFRA_PROMOTION_FLAG_NEVER 1u
/** Acknowledges writes: one of the nodes that `sync_acks` counts. */
#define INFRA_PROMOTION_FLAG_SYNC 2u
/** Gets no order but FENCE, and is neither promoted nor asked, until it is set
 *  without this flag. */
#define INFRA_PROMOTION_FLAG_QUARANTINED 4u
/** Has a history of its own: was writable beside the primary, or by a token
 *  that the primary never had.  Such a node has not reported, whatever it says,
 *  and is not promoted, not even by FORCE.  It is fenced while it is writable,
 *  and pointed at the primary.  It gets a DETACH only after an unanswered
 *  REPOINT, to find out whether its data is still being replaced: such a node
 *  has acknowledged nothing since it was fenced, and need not report.  The
 *  machine sets the flag, and clears it when a REPOINT is DONE; RECORD_APART
 *  tells both.  The host sets the flag at READ_RECORD and never clears it; the
 *  operator may, by ADMIT. */
#define INFRA_PROMOTION_FLAG_APART 8u

/** What an observer saw of a node. */
enum infra_promotion_view {
    INFRA_PROMOTION_VIEW_OK, /**< It answers: the rest of the sample counts. */
    INFRA_PROMOTION_VIEW_DOWN, /**< It cannot be reached. */
    /** It answers, but a write that would prove it alive does not end (a full
     *  or hanging disk).  Its replicas may stay connected, and do not vote. */
    INFRA_PROMOTION_VIEW_STALLED,
};

/** One look at one node. */
struct infra_promotion_sample {
    uint32_t observer; /**< The observer: 0 .. observers_max - 1. */
    uint32_t view;     /**< enum infra_promotion_view */
    infra_time at;     /**< When the probe began, on this clock. */
    uint64_t timeline; /**< 0: the host knows none. */
    uint64_t position; /**< Received and durable. */
    uint32_t writable; /**< 1: it takes writes. */
    uint32_t source;   /**< Node that it receives from, or NO_NODE. */
    /** 1: it does not apply what it receives (MariaDB, MySQL: the SQL thread
     *  has stopped; PostgreSQL: replay is paused).  Then it is not promoted,
     *  and has not reported. */
    uint32_t halted;
    uint32_t reserved; /**< 0. */
};

/** Policy after a fence attempt that did not succeed. */
enum infra_promotion_unfenced {
    INFRA_PROMOTION_UNFENCED_RETRY, /**< Repeat the attempt for ever. */
    /** Go on after `fence_timeout`.  Safe where replicas acknowledge writes, or
     *  where the primary shuts itself out within that time.  While the plan
     *  waits for reports, the attempt is repeated until the node is seen. */
    INFRA_PROMOTION_UNFENCED_PROCEED,
};

/** Policy when writes might be lost. */
enum infra_promotion_loss {
    INFRA_PROMOTION_LOSS_REFUSE, /**< Wait for the nodes that may have them. */
    /** Promote the most advanced of the nodes that reported in time.  With
     *  asynchronous replication the others are fenced, too. */
    INFRA_PROMOTION_LOSS_ACCEPT,
};

/** Options of infra_promotion_create().  Durations: 1 ms to 1 day. */
struct infra_promotion_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_gate *gate; /**< Required; outlives the machine. */
    infra_time sample_age_max;     /**< Maximum age of a sample; 0: 5 s. */
    infra_time order_timeout; /**< Limit for an answer; then it is UNKNOWN, and
                                   the order is repeated; 0: 5 s. */
    infra_time fence_timeout; /**< For UNFENCED_PROCEED, from the first FENCE;
                                   0: 30 s. */
    infra_time collect_timeout;   /**< Wait for nodes that do not report; 0:
                                       2 s.  A node with a fresh sample whose
                                       DETACH is on its way is waited for until
                                       order_timeout, then for a sample. */
    infra_time catch_up_timeout;  /**< Limit for STOPPING, and again for
                                      CATCHING_UP; 0: 10 s. */
    infra_time promote_timeout;   /**< Limit for PROMOTING; 0: 60 s. */
    infra_time recovery_interval; /**< Least time between two changes of primary
                                       without a command; 0: 60 s. */
    /** Half-life of the penalty, at least 1 s; 0: 15 min.  Each change of
     *  primary adds 1000; from 2000 until below 750 no change is begun
     *  (after RFC 2439). */
    infra_time penalty_half_life;
    uint64_t behind_max; /**< Asynchronous: how far the candidate may be behind
                              the greatest known position. */
    uint32_t nodes_max;  /**< Capacity for nodes; 0: 16. */
    uint32_t observers_max; /**< Processes that look at nodes; 0: 8. */
    /** Votes (observers and replicas, at least one observer) needed to declare
     *  the primary dead; one vote that it lives vetoes; 0: 2. */
    uint32_t dead_votes_min;
    uint32_t sync_acks;     /**< SYNC nodes that acknowledge each write; 0:
                                 asynchronous replication. */
    uint32_t fence_failed;  /**< enum infra_promotion_unfenced */
    uint32_t fence_unknown; /**< enum infra_promotion_unfenced */
    uint32_t loss;          /**< enum infra_promotion_loss */
    uint32_t quarantine;    /**< 1: a replaced primary is let in by the operator
                                 only. */
};

/** A database node, for infra_promotion_set(). */
struct infra_promotion_node {
    size_t size;
    const char *key;   /**< Identity of the node, not empty; not kept. */
    uint32_t id;       /**< 0 .. nodes_max - 1. */
    uint32_t priority; /**< Of equally advanced nodes the higher is promoted. */
    uint32_t flags;    /**< INFRA_PROMOTION_FLAG_*; a set APART stays set. */
    uint32_t reserved; /**< 0. */
};

/** Something to do or to know; 64 bytes for ever. */
struct infra_promotion_event {
    uint32_t kind;            /**< enum infra_promotion_event_kind */
    uint32_t reason;          /**< enum infra_promotion_reason, of the step. */
    uint32_t id;              /**< Node, or NO_NODE. */
    uint32_t source;          /**< REPOINT: the primary. */
    uint64_t call;            /**< For the answer; 0: it wants none. */
    uint64_t token;           /**< Of the lease. */
    infra_time call_deadline; /**< Without an answer it is UNKNOWN then. */
    uint64_t timeline;        /**< RECORD_PRIMARY, REPOINT: of the primary. */
    uint64_t position; /**< Likewise: where it began as primary; 0: unknown. */
    uint32_t step;     /**< enum infra_promotion_step */
    uint32_t flags;    /**< RECORD_APART, QUARANTINE: of the node; else 0. */
};

/** Result of infra_promotion_inspect(). */
struct infra_promotion_status {
    size_t size;
    uint64_t token;         /**< Of the lease; 0: none. */
    uint64_t primary_token; /**< Token that named the primary; 0: unknown. */
    infra_time since;       /**< When the step was entered. */
    uint64_t changes;       /**< Changes of primary seen. */
    uint32_t step;          /**< enum infra_promotion_step */
    uint32_t reason;        /**< Of the step; HELD: the reason as of now. */
    uint32_t primary;       /**< Node, or NO_NODE. */
    uint32_t candidate;     /**< Node to be promoted, or NO_NODE. */
    uint32_t target;        /**< Node to be fenced, or NO_NODE. */
    uint32_t token_used;    /**< 1: the token has named a primary. */
    uint32_t alive_votes;   /**< Votes that the primary lives. */
    uint32_t dead_votes;    /**< Votes that the primary is dead. */
    uint32_t reported;      /**< Nodes that count and have reported. */
    uint32_t needed;        /**< Reports needed for a choice. */
    uint32_t penalty;       /**< As of now. */
    uint32_t paused;        /**< 1: by the operator. */
};

/**
 * Create a machine without nodes.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: no gate, or a
 *         value out of range.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_promotion_create(
    struct infra_promotion **ret,
    const struct infra_promotion_options *options);

/** Free the machine; NULL is allowed.  Thread safety: owner. */
INFRA_API void infra_promotion_destroy(struct infra_promotion *promotion);

/**
 * Add a node, or change its priority and flags.  Another key at the same id is
 * another node, of which nothing is known.
 *
 * @return INFRA_OK; INFRA_EBUSY: another key, while the node is the primary or
 *         part of a plan; INFRA_ESTRUCT; INFRA_EINVAL: NULL, id or flags out of
 *         range, no key.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_set(struct infra_promotion *promotion,
                                  const struct infra_promotion_node *node,
                                  infra_time now);

/**
 * Forget a node.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EBUSY: it is the primary or part of a
 *         plan; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_remove(struct infra_promotion *promotion,
                                     uint32_t id);

/**
 * Adopt the primary that the record or another process names.  It counts if its
 * token is newer than the known one, or if it finishes the known unfinished
 * promotion.
 *
 * @param timeline    Of the RECORD_PRIMARY event; ignored if unfinished.
 * @param unfinished  1: RECORD_INTENT was recorded, RECORD_PRIMARY was not.
 *
 * @return INFRA_OK; INFRA_ESTALE: it is not newer; INFRA_ENOENT; INFRA_EINVAL:
 *         NULL, token 0.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_adopt(struct infra_promotion *promotion,
                                    uint32_t id, uint64_t token,
                                    uint64_t timeline, int unfinished,
                                    infra_time now);

/**
 * Report what an observer saw of a node.
 *
 * @return INFRA_OK; INFRA_ESTALE: a younger sample of the same observer is
 *         known; INFRA_ENOENT; INFRA_EINVAL: NULL, or a value out of range.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_report(
    struct infra_promotion *promotion, uint32_t id,
    const struct infra_promotion_sample *sample, infra_time now);

/**
 * Do what is due, and take the next event.  Orders are handed out only while
 * the gate is open.  Call it also after each turn of the gate's owner.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_promotion_next(
    struct infra_promotion *promotion, infra_time now,
    struct infra_promotion_event *ret);

/** Time of the next event if nothing is reported and the gate stays as it is; 0
 *  if there is an event already.  Thread safety: owner. */
INFRA_API infra_time
infra_promotion_deadline(const struct infra_promotion *promotion);

/**
 * Answer an event that has a call.  DONE: it is so.  FAILED: it is not, and
 * will not become so by this order.  UNKNOWN: anything else.
 *
 * @param outcome  enum infra_order_outcome
 * @return INFRA_OK; INFRA_ESTALE: the call was answered, or is not wanted any
 *         more; INFRA_EINVAL: no such outcome.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_answer(struct infra_promotion *promotion,
                                     uint64_t call, uint32_t outcome,
                                     infra_time now);

/** Commands of the operator. */
enum infra_promotion_command {
    /** Make node @p id the primary in place of the living one, without loss.
     *  If anything fails before the promotion, the primary goes on. */
    INFRA_PROMOTION_COMMAND_SWITCHOVER,
    INFRA_PROMOTION_COMMAND_ABORT, /**< End a switchover. */
    /** While HELD: promote node @p id, whatever is lost.  While WAITING after
     *  the last change: wait no longer. */
    INFRA_PROMOTION_COMMAND_FORCE,
    /** Give no orders.  What is begun stays as it is, and is looked at afresh
     *  after RESUME.  Only this process pauses. */
    INFRA_PROMOTION_COMMAND_PAUSE,
    INFRA_PROMOTION_COMMAND_RESUME, /**< Go on with reading the record. */
    /** Clear APART of node @p id: the operator has checked its data. */
    INFRA_PROMOTION_COMMAND_ADMIT,
};

/**
 * Carry out a command of the operator.
 *
 * @param id  Node for SWITCHOVER, FORCE and ADMIT; otherwise ignored.
 * @return INFRA_OK; INFRA_EBUSY: not in this step, or the token is used, or the
 *         node is not fit for it now; INFRA_ENOENT: no such node; INFRA_EINVAL:
 *         no such command.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_command(struct infra_promotion *promotion,
                                      uint32_t command, uint32_t id,
                                      infra_time now);

/**
 * Inspect the plan.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_inspect(const struct infra_promotion *promotion,
                                      struct infra_promotion_status *ret);

/** Name of a step ("collecting"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_step_name(uint32_t step);

/** Name of a reason ("dead"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_reason_name(uint32_t reason);

/** Name of an event kind ("repoint"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_event_name(uint32_t kind);

/** Name of a view ("stalled"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_view_name(uint32_t view);

/** Name of a command ("switchover"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_command_name(uint32_t command);

/** Name of an unfenced policy ("retry"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_unfenced_name(uint32_t policy);

/** Name of a loss policy ("refuse"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_loss_name(uint32_t policy);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_PROMOTION_H */
