/* SPDX-License-Identifier: MIT */
/**
 * @file promotion.h
 * Who follows a dead primary, and how: the planner of a replicated database.
 *
 * One machine per group of database nodes and controlling process.  All of the
 * processes watch; only the one that holds the lease of the group (failover.h)
 * acts, and it acts only while its gate is open.  When enough observers agree
 * that the primary is dead it shuts it out, takes the replicas off it, waits
 * for their positions, promotes the one that has everything, and points the
 * others at it.  It also moves a living primary without loss, stops the second
 * of two primaries, and takes a former one back as a replica.
 *
 * The machine knows no SQL and no socket.  It gives orders, one at a time to a
 * node; the host carries them out and answers.  What the host sees of the nodes
 * it reports, and the machine believes what it sees rather than an answer: a
 * candidate is the primary when it has said that it was promoted and has then
 * been seen to take writes.
 *
 * @code
 * while (infra_promotion_next(p, now, &e) == INFRA_OK) {
 *     switch (e.kind) {
 *     case INFRA_PROMOTION_READ:       // ..., answer
 *         infra_promotion_adopt(p, it.node, it.token, it.timeline, it.begun,
 *                               now);
 *         // and infra_promotion_set() each node that is written down as APART
 *         break;
 *     case INFRA_PROMOTION_NAME:       write_down(&e, BEGUN); break;
 *     case INFRA_PROMOTION_PRIMARY:    write_down(&e, DONE);
 *                                      tell_routers(e.node, e.token); break;
 *     case INFRA_PROMOTION_HOLD:       let_routers_wait(); break;
 *     case INFRA_PROMOTION_RESIGN:     step_down(failover); break;
 *     case INFRA_PROMOTION_STEP:       log_it(e.step, e.reason); break;
 *     case INFRA_PROMOTION_MARK:       write_down(&e, e.flags); break;
 *     case INFRA_PROMOTION_QUARANTINE: keep_flags(e.node, e.flags); break;
 *     default:                         send_to_agent(&e); break;
 *     }
 * }
 * sleep_until(infra_promotion_deadline(p));
 * ...
 * infra_promotion_answer(p, call, INFRA_FENCE_DONE, now);
 * infra_promotion_report(p, node, &what_a_probe_saw, now);
 * @endcode
 *
 * What the orders are:
 *
 *            MariaDB, MySQL                   PostgreSQL
 *   FENCE    power off, or the agent stops the server and keeps it from
 *            starting other than read-only
 *   STOP     read_only = 1, end all           the agent: only itself may
 *            connections                      connect
 *   DETACH   STOP REPLICA IO_THREAD           primary_conninfo = '', reload
 *   PROMOTE  RESET REPLICA ALL,               pg_promote(), or what STOP did
 *            read_only = 0                    is undone
 *            and in both: the token into a table that is replicated
 *   REPOINT  CHANGE REPLICATION SOURCE TO     primary_conninfo, pg_rewind if it
 *                                             has more
 *
 * What the host owes it:
 *  - Who is primary is written down beside the lease, with its token compared
 *    (infra_lease_write_record() of lease.h): before the promotion, as begun,
 *    and after it.  So who takes over knows what the one before it had begun,
 *    and that one cannot begin anything any more.
 *  - The flag APART of each node is written into the same record, when MARK
 *    tells it, and is kept in each later record.
 *  - Each start of the process has a lease of its own, with a new token.
 *  - Every order carries the token.  What acts on a node for the host hands it
 *    to an infra_fence there, kept over restarts, and answers FAILED if that
 *    refuses it: what was on its way when the lease went to another must do
 *    nothing.  It carries out the orders of one token in the order of calls.
 *    Without such an agent, ask the gate before each statement; then nothing
 *    helps a process that is stopped between the two.
 *  - A position is what a node has *received* and made durable, as a number
 *    that grows: PostgreSQL's pg_last_wal_receive_lsn(), MariaDB's sequence
 *    number in its one domain, the count of MySQL's GTID sets, received ones
 *    included.  It compares within one timeline.  What is applied, as the checks
 *    of databases tell it (probe_database.h), will do if DETACH is not answered
 *    before all that was received is applied: positions count from then on.
 *  - DETACH is answered FAILED for a node whose data is half replaced or is
 *    being cloned, and the clone goes on: the node has not reported then.
 *    REPOINT is answered DONE only if the node has nothing that `source` has
 *    not: the data was compared or replaced.
 *  - The timeline is the token in that table, read when all that was received
 *    is applied.  PostgreSQL's own does not do: it stays the same when the
 *    primary is promoted that never ceased to be it.  Without timelines (all
 *    0) who was primary counts for nothing until it follows again; but a new
 *    process does not remember it, so let it be quarantined by option.
 *  - The time of a sample is when the probe *began*.
 *
 * What is lost: nothing, where each write is acknowledged by `sync_acks` of the
 * nodes that are flagged SYNC (PostgreSQL: synchronous_standby_names ANY k;
 * MariaDB, MySQL: semi-synchronous, waiting without time-out) and every node
 * that may ever be primary is one of them.  The replicas are detached before
 * they are asked, so that whoever is not shut out finds none to acknowledge its
 * writes, and so many are asked that one of them has each acknowledged write.
 * With asynchronous replication a dead primary takes with it what it had not
 * sent; `behind_max` and `loss` say what may be lost, by default nothing that
 * is known of, and the fence alone keeps two from being written to.
 *
 * A node that was seen to take writes beside the primary has a history of its
 * own, which neither its position nor its timeline shows: it has the flag APART
 * until a REPOINT is DONE.  The writes of that history are lost.
 *
 * One token names one primary, for ever: a process promotes once with it, and
 * then asks to resign, so that routers and agents can tell the newer from the
 * older by the token alone, whatever else went wrong.
 *
 * Sources: Redis Sentinel, Patroni (quorum commit), pg_auto_failover (report
 * the position, then decide; one table), orchestrator (the replicas' view).
 *
 * Cost: O(nodes) a call, O(nodes * observers) where it counts votes, and
 * O(nodes * nodes) while it chooses.  Memory: 160 bytes a node and 16 for
 * each of its observers, allocated by create.
 */
#ifndef INFRA_PROMOTION_H
#define INFRA_PROMOTION_H

#include <infra/base.h>
#include <infra/failover.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_promotion; /**< The plans of one group in one process. */

#define INFRA_PROMOTION_NODES_MAX 256u     /**< Most nodes of one group. */
#define INFRA_PROMOTION_OBSERVERS_MAX 256u /**< Most observers of a node. */
#define INFRA_PROMOTION_NOBODY UINT32_MAX  /**< No node. */

/** Where it stands. */
enum infra_promotion_step {
    INFRA_PROMOTION_STANDBY,     /**< Without the lease: it only watches. */
    INFRA_PROMOTION_READING,     /**< Who was named primary last? */
    INFRA_PROMOTION_WATCH,       /**< Nothing to do but to keep the replicas. */
    INFRA_PROMOTION_SUSPECT,     /**< Somebody does not see the primary. */
    INFRA_PROMOTION_WAITING,     /**< It is dead, and it may not act yet. */
    INFRA_PROMOTION_FENCING,     /**< A primary is being shut out; until that
                                      is done it may turn out to be alive. */
    INFRA_PROMOTION_COLLECTING,  /**< Replicas are detached and report. */
    INFRA_PROMOTION_HELD,        /**< To go on might lose writes. */
    INFRA_PROMOTION_STOPPING,    /**< Switchover: the writes are stopped, */
    INFRA_PROMOTION_CATCHING_UP, /**< and the candidate gets the last. */
    INFRA_PROMOTION_NAMING,      /**< Who is promoted is written down. */
    INFRA_PROMOTION_PROMOTING,   /**< Until it is seen to take writes. */
    INFRA_PROMOTION_REPOINTING,  /**< The others are pointed at it. */
    INFRA_PROMOTION_CONFLICT,    /**< Two take writes: one is shut out. */
    INFRA_PROMOTION_PAUSED,      /**< By the operator. */
};

/** Why it went there. */
enum infra_promotion_reason {
    INFRA_PROMOTION_REASON_START,
    INFRA_PROMOTION_REASON_LEASE,      /**< The gate is open. */
    INFRA_PROMOTION_REASON_UNLEASED,   /**< It is shut, or has another token. */
    INFRA_PROMOTION_REASON_READ,       /**< It knows who was named last. */
    INFRA_PROMOTION_REASON_SUSPECTED,  /**< Somebody does not see it. */
    INFRA_PROMOTION_REASON_ALIVE,      /**< Somebody sees it after all. */
    INFRA_PROMOTION_REASON_DEAD,       /**< Enough agree, and nobody sees it. */
    INFRA_PROMOTION_REASON_READONLY,   /**< It is there and takes no writes. */
    INFRA_PROMOTION_REASON_UNFINISHED, /**< A promotion was begun, and nobody
                                            knows how it ended. */
    INFRA_PROMOTION_REASON_DAMPED,     /**< Too soon after the last change. */
    INFRA_PROMOTION_REASON_SPENT,      /**< The token has named a primary. */
    INFRA_PROMOTION_REASON_FENCED,     /**< It is out. */
    INFRA_PROMOTION_REASON_UNFENCED,   /**< It may not be; by policy, go on. */
    INFRA_PROMOTION_REASON_REPORTED,   /**< Enough reported; one has it all. */
    INFRA_PROMOTION_REASON_MISSING,    /**< Who did not report may be ahead. */
    INFRA_PROMOTION_REASON_AHEAD,      /**< Who may not be promoted is ahead. */
    INFRA_PROMOTION_REASON_NONE,       /**< Nobody may be promoted. */
    INFRA_PROMOTION_REASON_COMMAND,    /**< The operator's. */
    INFRA_PROMOTION_REASON_STOPPED,    /**< It takes no more writes. */
    INFRA_PROMOTION_REASON_CAUGHT_UP,  /**< The candidate has its last. */
    INFRA_PROMOTION_REASON_NAMED,      /**< It is written down. */
    INFRA_PROMOTION_REASON_REFUSED,    /**< An order failed. */
    INFRA_PROMOTION_REASON_TIMEOUT,    /**< It took too long. */
    INFRA_PROMOTION_REASON_WRITABLE,   /**< The candidate takes writes. */
    INFRA_PROMOTION_REASON_REPOINTED,  /**< All that can be reached follow. */
    INFRA_PROMOTION_REASON_CONFLICT,   /**< Another one takes writes, or may. */
    INFRA_PROMOTION_REASON_RESOLVED,   /**< It does not any more. */
    INFRA_PROMOTION_REASON_ADOPTED,    /**< A newer primary was found. */
    INFRA_PROMOTION_REASON_PAUSED,     /**< By the operator. */
};

enum infra_promotion_event_kind {
    /** Read from the record beside the lease, with `token`, who was named last,
     *  tell it by infra_promotion_adopt(), and answer DONE, also if nobody was.
     *  Before the answer, set the nodes that the record says are APART: that
     *  flag is forgotten here, since others may have changed the record. */
    INFRA_PROMOTION_READ,
    /** `node` is about to be promoted by this token: write it into the record,
     *  as unfinished, and answer DONE if that was granted. */
    INFRA_PROMOTION_NAME,
    /** It takes writes, by this token: write that down, in the same way, then
     *  tell the routers, and answer DONE. */
    INFRA_PROMOTION_PRIMARY,
    /** There will be another primary: let writes wait, as long as clients
     *  bear it.  A courtesy, nothing depends on it. */
    INFRA_PROMOTION_HOLD,
    /** Shut `node` out, so that it takes no writes whatever it believes, nor
     *  when it comes back. */
    INFRA_PROMOTION_FENCE,
    INFRA_PROMOTION_STOP,   /**< It takes no more writes, and stays up. */
    INFRA_PROMOTION_DETACH, /**< It receives from nobody any more. */
    /** It takes writes.  FAILED: another node is chosen, and this one not for
     *  `promote`.  So it is when the node dies meanwhile. */
    INFRA_PROMOTION_PROMOTE,
    /** It follows `source`.  What it has beyond `position` of an older
     *  timeline is undone, or it is built anew, and that before it connects:
     *  PostgreSQL takes the word of one that has gone its own way for an
     *  acknowledgement of all up to there.  What it has received is not thrown
     *  away unapplied, as MariaDB does: it may be the only copy, if `source`
     *  is about to die. */
    INFRA_PROMOTION_REPOINT,
    /** By option: it was primary, and has the flag QUARANTINED now. */
    INFRA_PROMOTION_QUARANTINE,
    /** This token is used up: give the lease back, and take it again or leave
     *  it to another process. */
    INFRA_PROMOTION_RESIGN,
    INFRA_PROMOTION_STEP, /**< It went to `step`: for the log. */
    /** `node` has the `flags` now, of which APART has changed: write APART into
     *  the record, beside the primary, and answer DONE if that was granted.
     *  Until then the node is not shut out, and nobody is promoted. */
    INFRA_PROMOTION_MARK,
};

/** Flags of a node.  They may be set at any time.  A PROMOTE that the host has
 *  taken before is not taken back, and not given again. */
/** Is never made primary in place of another.  The primary goes on. */
#define INFRA_PROMOTION_NEVER 1u
#define INFRA_PROMOTION_SYNC 2u /**< Its word counts in `sync_acks`. */
/** Gets no order but to be fenced, is not promoted and not asked, until it is
 *  set without this flag. */
#define INFRA_PROMOTION_QUARANTINED 4u
/** Has a history of its own: took writes beside the primary, or by a token that
 *  the primary never had.  The node has not reported, whatever it says, and is
 *  not promoted, not even by FORCE; it is shut out while it takes writes, and
 *  pointed at the primary.  It gets a DETACH only after a REPOINT that was not
 *  answered, to find out whether its data is still being replaced: what is has
 *  acknowledged nothing since the node was shut out, and need not be asked.  The machine sets the flag, and
 *  takes it back when a REPOINT is DONE; MARK tells both.  The host sets it at
 *  READ, and does not take it back: the operator may, by ADMIT. */
#define INFRA_PROMOTION_APART 8u

/** What an observer saw of a node. */
enum infra_promotion_view {
    INFRA_PROMOTION_VIEW_OK,   /**< It answers; the rest of the sample counts.
                                    */
    INFRA_PROMOTION_VIEW_DOWN, /**< It cannot be reached. */
    /** It answers, and a write that would prove it alive does not end (a full
     *  or a hanging disk).  Replicas may be connected all the same, and so are
     *  not asked. */
    INFRA_PROMOTION_VIEW_STALLED,
};

/** One look at one node. */
struct infra_promotion_sample {
    uint32_t observer; /**< Whose: 0 .. observers_max - 1. */
    uint32_t view;     /**< enum infra_promotion_view */
    infra_time at;     /**< When it began, on this clock. */
    uint64_t timeline; /**< 0 where there are none. */
    uint64_t position; /**< Received and durable. */
    uint32_t writable; /**< 1: it takes writes. */
    uint32_t source;   /**< From whom it receives, or NOBODY. */
    /** 1: It does not apply what it receives (MariaDB, MySQL: the SQL thread
     *  has stopped; PostgreSQL: replay is paused).  The node is not promoted
     *  then, and does not count as one that has reported. */
    uint32_t halted;
    uint32_t reserved; /**< 0. */
};

/** What to do when a fence attempt did not succeed. */
enum infra_promotion_unfenced {
    INFRA_PROMOTION_RETRY, /**< Try for ever. */
    /** Go on once `fence_wait` is over.  Right where writes are acknowledged
     *  by replicas, or where it shuts itself out in that time. */
    INFRA_PROMOTION_PROCEED,
};

/** What to do when writes might be lost. */
enum infra_promotion_loss {
    INFRA_PROMOTION_KEEP, /**< Wait for those who may have them. */
    /** Lose them: the most advanced of those who reported in time.  With
     *  asynchronous replication the others are fenced, too. */
    INFRA_PROMOTION_LOSE,
};

/** Options of infra_promotion_create(). */
struct infra_promotion_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_gate
        *gate;        /**< Required; the host's, longer than the machine. */
    infra_time fresh; /**< For so long a sample speaks; 0: 5 s. */
    infra_time order; /**< An order without an answer for so long is UNKNOWN,
                           and given again; 0: 5 s. */
    infra_time fence_wait; /**< Of PROCEED, from the first order; 0: 30 s. */
    infra_time collect;    /**< Wait so long for the last to report; 0: 2 s. */
    infra_time catch_up;   /**< To stop, and to catch up; 0: 10 s each. */
    infra_time promote;    /**< Until it is seen to take writes; 0: 60 s. */
    infra_time recovery_gap; /**< From one change of primary to the next that
                                  nobody ordered; 0: 60 s. */
    /** Of the penalty, 1000 for each change of primary; from 2000 to below 750
     *  none is begun (after RFC 2439); 0: 15 min. */
    infra_time penalty_half_life;
    uint64_t behind_max; /**< Asynchronous: how far the candidate's position may
                              be behind the greatest that is known. */
    uint32_t nodes_max;  /**< 0: 16. */
    uint32_t observers_max; /**< 0: 8.  Processes that look at nodes. */
    /** So many have to say that the primary is dead, observers and replicas,
     *  one observer at least, and nobody that it is not; 0: 2. */
    uint32_t evidence;
    /** How many SYNC nodes acknowledge each write; 0: replication is
     *  asynchronous. */
    uint32_t sync_acks;
    uint32_t fence_failed;  /**< enum infra_promotion_unfenced */
    uint32_t fence_unknown; /**< enum infra_promotion_unfenced */
    uint32_t loss;          /**< enum infra_promotion_loss */
    uint32_t quarantine;    /**< 1: who was primary and was replaced is let in
                                 by the operator only. */
};

/** Something to do or to know; 64 bytes for ever. */
struct infra_promotion_event {
    uint32_t kind;            /**< enum infra_promotion_event_kind */
    uint32_t reason;          /**< enum infra_promotion_reason, of the step. */
    uint32_t node;            /**< Or NOBODY. */
    uint32_t source;          /**< REPOINT: the primary. */
    uint64_t call;            /**< To be given back; 0: it wants no answer. */
    uint64_t token;           /**< Of the lease. */
    infra_time call_deadline; /**< Without an answer it is UNKNOWN then. */
    uint64_t timeline;        /**< PRIMARY, REPOINT: of the primary, and */
    uint64_t position;        /**< where it began as primary. */
    uint32_t step;            /**< enum infra_promotion_step */
    uint32_t flags;           /**< MARK, QUARANTINE: of the node; else 0. */
};

/** What infra_promotion_inspect() tells. */
struct infra_promotion_status {
    size_t size;
    uint64_t token;         /**< Of the lease; 0: none. */
    uint64_t primary_token; /**< Which named the primary, if known. */
    infra_time since;       /**< Of the step. */
    uint64_t changes;       /**< Changes of primary that were seen. */
    uint32_t step;          /**< enum infra_promotion_step */
    uint32_t reason;        /**< Of the step; HELD: why it is held now. */
    uint32_t primary;       /**< Or NOBODY, like the next two. */
    uint32_t candidate;
    uint32_t target;   /**< Who is shut out. */
    uint32_t spent;    /**< 1: the token has named a primary. */
    uint32_t alive;    /**< So many see the primary, */
    uint32_t dead;     /**< so many say it is dead. */
    uint32_t reported; /**< So many of those who count reported, */
    uint32_t needed;   /**< so many have to. */
    uint32_t penalty;  /**< Now. */
    uint32_t paused;   /**< By the operator. */
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

/** Free it; NULL is allowed.  Thread safety: owner. */
INFRA_API void infra_promotion_destroy(struct infra_promotion *promotion);

/**
 * Make a node known, or change its priority and flags.  With another key it is
 * another node, of which nothing is known.
 *
 * @param priority  Who comes first of those who are as far, higher first.
 * @param flags     All of them, but that APART stays if it is not given.
 * @return INFRA_OK; INFRA_EBUSY: another key, while its former owner is the
 *         primary or part of a plan; INFRA_EINVAL: NULL, id or flags out of
 *         range, no key.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_set(struct infra_promotion *promotion,
                                  uint32_t node, const char *key,
                                  uint32_t priority, uint32_t flags);

/**
 * Forget a node.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EBUSY: it is the primary or part of a
 *         plan; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_remove(struct infra_promotion *promotion,
                                     uint32_t node);

/**
 * Tell who was named primary, by this process in a former life or by another:
 * as it is written down, or as others say.  It counts if its token is newer
 * than what is known, or finishes what is known as unfinished.
 *
 * @param timeline    Of the PRIMARY event; of a NAME event it does not count.
 * @param unfinished  1: by NAME, and PRIMARY has not followed.
 *
 * @return INFRA_OK; INFRA_ESTALE: it is not newer; INFRA_ENOENT; INFRA_EINVAL:
 *         NULL, token 0.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_adopt(struct infra_promotion *promotion,
                                    uint32_t node, uint64_t token,
                                    uint64_t timeline, int unfinished,
                                    infra_time now);

/**
 * Tell what an observer saw of a node.
 *
 * @return INFRA_OK; INFRA_ESTALE: an observer's younger sample is known;
 *         INFRA_ENOENT; INFRA_EINVAL: NULL, or a value out of range.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_report(
    struct infra_promotion *promotion, uint32_t node,
    const struct infra_promotion_sample *sample, infra_time now);

/**
 * Take the next event.  What is due is done first.  Orders are handed out only
 * while the gate is open.  Call it also after each turn of what owns the gate.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_promotion_next(
    struct infra_promotion *promotion, infra_time now,
    struct infra_promotion_event *ret);

/** When infra_promotion_next() has something again, if nothing is reported and
 *  the gate stays as it is; 0 if it has something already.
 *  Thread safety: owner. */
INFRA_API infra_time
infra_promotion_deadline(const struct infra_promotion *promotion);

/**
 * Answer an event that has a call: DONE, it is so; FAILED, it is not, and will
 * not become so by this order; UNKNOWN.
 *
 * @param outcome  enum infra_fence_outcome
 * @return INFRA_OK; INFRA_ESTALE: it was answered, or is not wanted any more;
 *         INFRA_EINVAL: no such outcome.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_answer(struct infra_promotion *promotion,
                                     uint64_t call, uint32_t outcome,
                                     infra_time now);

/** Commands of the operator. */
enum infra_promotion_command {
    /** Make @p node the primary in place of the living one, without loss.  If
     *  anything fails before it is promoted, the primary goes on. */
    INFRA_PROMOTION_SWITCHOVER,
    INFRA_PROMOTION_ABORT, /**< End a switchover; the primary goes on. */
    /** While HELD: promote @p node, whatever is lost.  While WAITING because
     *  of the last change: wait no more. */
    INFRA_PROMOTION_FORCE,
    /** Give no orders; what is begun is left as it is, and looked at afresh
     *  after RESUME.  The pause is this process's. */
    INFRA_PROMOTION_PAUSE,
    INFRA_PROMOTION_RESUME, /**< It reads the record first. */
    /** @p node is APART no more: the operator knows what its data is. */
    INFRA_PROMOTION_ADMIT,
};

/**
 * Do what the operator says.
 *
 * @param node  Of SWITCHOVER, FORCE and ADMIT; else not looked at.
 * @return INFRA_OK; INFRA_EBUSY: not in this step, or the token is spent, or
 *         the node is not fit for it now; INFRA_ENOENT: no such node;
 *         INFRA_EINVAL: no such command.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_promotion_command(struct infra_promotion *promotion,
                                      uint32_t command, uint32_t node,
                                      infra_time now);

/**
 * Tell where it stands.
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

/** Name of a kind of event ("repoint"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_promotion_event_name(uint32_t kind);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_PROMOTION_H */
