/* SPDX-License-Identifier: MIT */
/**
 * @file session.h
 * One client of a primary and its replicas: where its next statement may go,
 * what its connections carry, and whether they may be given to other clients.
 *
 * @code
 * infra_session_route(&session, reader, &statement, now, &verdict);
 * switch (verdict.kind) {
 * case INFRA_VERDICT_GO:
 *     // Choose in verdict.nodes, such as with a balancer:
 *     //   struct infra_set set = { &verdict.nodes, 64, 0 };
 *     //   struct infra_request request = { .eligible = &set };
 *     infra_session_sent(&session, reader, &verdict, node, now);
 *     send_statement(node);
 *     break;
 * case INFRA_VERDICT_HOLD:
 *     break; // Wait; infra_router_reader_next() gives the session back.
 * case INFRA_VERDICT_WAIT:
 *     break; // Ask again after a publish, at the latest at verdict.until.
 * case INFRA_VERDICT_ANSWER:
 *     say_begin_or_commit(); // Nothing needs to be sent to a server.
 *     break;
 * case INFRA_VERDICT_FAIL:
 *     say_error(infra_verdict_reason_name(verdict.reason));
 *     break;
 * }
 * // When the server has answered:
 * infra_session_done(&session, &result, now);
 * if (infra_session_pins(&session, node) == 0) {
 *     give_back_connection(node);
 * }
 * @endcode
 *
 * **Pins.**  A statement that leaves state on its connection (a transaction, a
 * temporary table, a lock) pins the session to that node.  What was classified
 * starts a pin; only what the server says ends it.  There are three kinds:
 *
 * | pin | what follows it | kept until |
 * |---|---|---|
 * | TRANSACTION, XA | each statement | the server says it is over |
 * | TEMPORARY, ADVISORY, TABLES | each statement | all of them are dropped |
 * | VARIABLE, SEQUENCE, CURSOR | what names it | the same |
 * | PREPARED, LISTEN | what names it | the same |
 * | LAST | what asks about the last statement | the next statement |
 * | NEXT | each statement | the next transaction is over |
 * | PRIMARY | each statement goes to the primary, by any connection | a reset |
 * | UNKNOWN | each statement | a reset |
 *
 * A connection with a pin other than PRIMARY belongs to this session alone
 * (infra_session_pins()).  One without may be given to another session, which
 * first makes it its own: infra_session_journal_next() says what to replay.
 *
 * **Reading what was written.**  After a write the session needs the position
 * of that write, and only replicas whose sample covers it are eligible.  Where
 * the server does not say the position in its answer (PostgreSQL), the session
 * needs the first sample of the primary that was asked for after the write;
 * until then it reads from the primary.  A write that is known by its time only
 * cannot be found lost by a failover.
 *
 * With INFRA_SESSION_CONSISTENCY_MONOTONIC the session also never sees older
 * data than it has: after a read at replica A only A or the primary is eligible
 * until A was sampled after that read (merging A's last sample instead lets
 * reads go back in time).
 *
 * **Transactions.**  A transaction that may write goes to the primary with all
 * that is in it; one that is READ ONLY goes to a replica.  With
 * INFRA_SESSION_DEFER_BEGIN a BEGIN is answered by the host and sent with the
 * first statement; an empty transaction then costs no server anything, and a
 * transaction whose first statement makes it READ ONLY goes to a replica.
 *
 * **No primary.**  A write is held, within the bounds of the router's options,
 * unless its session is pinned; reads go on at the replicas.
 *
 * A session is plain memory of the host's: no allocation, no lock.  Thread
 * safety: calls are *owner* of the session and of the reader they name; between
 * calls a session that is not held may move to another thread and reader of the
 * same router.
 *
 * Cost: a decision over 8 replicas is some tens of nanoseconds.
 */
#ifndef INFRA_SESSION_H
#define INFRA_SESSION_H

#include <infra/router.h>
#include <infra/statement.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What to do with a statement.  Append-only. */
enum infra_verdict_kind {
    INFRA_VERDICT_FAIL = 0, /**< Refuse it, with the reason. */
    INFRA_VERDICT_GO = 1,   /**< Send it to one of `nodes`. */
    /** Ask again after the next publish, at the latest at `until`; `nodes` may
     *  be asked to wait for infra_session_position() themselves. */
    INFRA_VERDICT_WAIT = 2,
    INFRA_VERDICT_HOLD = 3,  /**< infra_router_reader_next() gives it back. */
    INFRA_VERDICT_ANSWER = 4 /**< BEGIN, or the end of a transaction of which
                                  nothing was sent: say it is done. */
};

/** Why a verdict is what it is.  Append-only, fewer than 32. */
enum infra_verdict_reason {
    INFRA_VERDICT_REASON_READ = 0,   /**< A read: the replicas that serve. */
    INFRA_VERDICT_REASON_WRITE = 1,  /**< Needs the primary: see the statement's
                                         own reason. */
    INFRA_VERDICT_REASON_PINNED = 2, /**< Goes where a pin is. */
    INFRA_VERDICT_REASON_PRIMARY = 3,   /**< The session has the pin PRIMARY. */
    INFRA_VERDICT_REASON_READ_ONLY = 4, /**< A READ ONLY transaction. */
    INFRA_VERDICT_REASON_DEFERRED = 5,  /**< BEGIN is held back. */
    INFRA_VERDICT_REASON_SETTING = 6,   /**< State of the session: the primary,
                                             or without one a replica. */
    INFRA_VERDICT_REASON_OWN_WRITE = 7, /**< No replica shows yet what this
                                             session has written or seen. */
    INFRA_VERDICT_REASON_MONOTONIC = 8, /**< Stays where it read last. */
    INFRA_VERDICT_REASON_NO_REPLICA = 9,     /**< No replica is fit. */
    INFRA_VERDICT_REASON_FALLBACK_RATE = 10, /**< None is fit, and the primary
                                                  gets enough of those. */
    INFRA_VERDICT_REASON_NO_PRIMARY = 11,    /**< None is known. */
    INFRA_VERDICT_REASON_SPLIT_BRAIN = 12,   /**< Two with the same token. */
    INFRA_VERDICT_REASON_LEASE_OVER = 13,    /**< The primary's valid_until. */
    INFRA_VERDICT_REASON_NEWER_TOKEN = 14,   /**< The session has seen a newer
                                                primary than is known here. */
    INFRA_VERDICT_REASON_LOST = 15, /**< What the session has seen was lost in a
                                         failover: infra_session_forget(). */
    INFRA_VERDICT_REASON_HELD_MAX = 16,  /**< Too many are held. */
    INFRA_VERDICT_REASON_HOLD_OVER = 17, /**< Held for hold_max. */
    /** The node of a pin is gone or has another role or token: close the
     *  session's connection there and call infra_session_lost(). */
    INFRA_VERDICT_REASON_NODE_CHANGED = 18,
    INFRA_VERDICT_REASON_ELSEWHERE = 19 /**< It writes, and needs what is on
                                             another node than the primary. */
};

/** The statement of this verdict must come behind the BEGIN that was held. */
#define INFRA_VERDICT_BEGIN_FIRST (1u << 0)
/** Only this session's own connection to that node will do. */
#define INFRA_VERDICT_OWN_CONNECTION (1u << 1)
/** `nodes` is the primary. */
#define INFRA_VERDICT_AT_PRIMARY (1u << 2)

/** A decision.  48 bytes. */
struct infra_verdict {
    uint8_t kind;   /**< enum infra_verdict_kind. */
    uint8_t reason; /**< enum infra_verdict_reason. */
    uint8_t flags;  /**< INFRA_VERDICT_... */
    uint8_t reserved0;
    uint32_t pins;    /**< Pins that decided: INFRA_SESSION_PIN_... */
    uint64_t nodes;   /**< GO, WAIT: a bit for each id; never 0. */
    uint64_t token;   /**< Fencing token of the primary; 0: none. */
    infra_time until; /**< WAIT, HOLD: end of the time; else 0. */
    uint64_t reserved[2];
};

/**
 * @name Pins
 * State that a session has on its connections, as bits.
 * @{
 */
#define INFRA_SESSION_PIN_TRANSACTION (1u << 0)
/** Temporary tables. */
#define INFRA_SESSION_PIN_TEMPORARY (1u << 1)
/** Advisory locks, GET_LOCK(). */
#define INFRA_SESSION_PIN_ADVISORY (1u << 2)
/** MySQL's LOCK TABLES. */
#define INFRA_SESSION_PIN_TABLES (1u << 3)
/** A distributed transaction. */
#define INFRA_SESSION_PIN_XA (1u << 4)
/** Not understood, or the journal is full. */
#define INFRA_SESSION_PIN_UNKNOWN (1u << 5)
/** User variables. */
#define INFRA_SESSION_PIN_VARIABLE (1u << 6)
/** currval(). */
#define INFRA_SESSION_PIN_SEQUENCE (1u << 7)
/** Cursors that outlive their transaction. */
#define INFRA_SESSION_PIN_CURSOR (1u << 8)
/** PREPARE as text. */
#define INFRA_SESSION_PIN_PREPARED (1u << 9)
#define INFRA_SESSION_PIN_LISTEN (1u << 10)
/** The next statement may ask about the last one. */
#define INFRA_SESSION_PIN_LAST (1u << 11)
/** A default that replicas refuse (SERIALIZABLE), autocommit off: not bound to
 *  a connection. */
#define INFRA_SESSION_PIN_PRIMARY (1u << 12)
/** Modes of the next transaction. */
#define INFRA_SESSION_PIN_NEXT (1u << 13)
/** @} */

/** Promises to a session about its reads.  Append-only.
 *
 *  MONOTONIC needs a wait_max of the router.  With synchronous replication a
 *  replica shows a commit before the primary does: there it waits for the
 *  replica that confirms it (PostgreSQL; MySQL's AFTER_SYNC).  So a session
 *  that has read from a replica waits for one that is fit.  It goes to the
 *  primary only when wait_max is over, or for what no replica may do, and may
 *  then see less than before for as long as such a commit waits. */
enum infra_session_consistency {
    INFRA_SESSION_CONSISTENCY_OWN_WRITES = 0, /**< Sees its own writes. */
    INFRA_SESSION_CONSISTENCY_MONOTONIC = 1,  /**< And never older data than it
                                                   has seen; see below. */
    INFRA_SESSION_CONSISTENCY_EVENTUAL = 2    /**< Neither; only the router's
                                                   lag_max. */
};

/** infra_session_options.flags: the host answers BEGIN itself. */
#define INFRA_SESSION_DEFER_BEGIN (1u << 0)

/** Options of infra_session_init(); 0 is the default. */
struct infra_session_options {
    size_t size;
    uint32_t consistency; /**< enum infra_session_consistency. */
    uint32_t flags;       /**< INFRA_SESSION_... */
    infra_time age_max;   /**< Age of the oldest replica that may answer a read;
                               0: the router's lag_max alone. */
    void *journal;        /**< Memory for settings, of the host's; NULL: each
                               setting pins the session to its connection. */
    size_t journal_size;  /**< Bytes of it, up to 65535. */
};

/** One client: memory of the host's, contents of the library's. */
struct infra_session {
    uint64_t opaque[96];
};

/** State of the transaction after a statement, as the server says it.
 *  Append-only. */
enum infra_session_transaction {
    INFRA_SESSION_TRANSACTION_NONE = 0,  /**< ReadyForQuery I; IN_TRANS off. */
    INFRA_SESSION_TRANSACTION_OPEN = 1,  /**< T; IN_TRANS on. */
    INFRA_SESSION_TRANSACTION_FAILED = 2 /**< E. */
};

/** How a statement ended, as the server says it; see infra_session_done(). */
struct infra_session_result {
    size_t size;
    uint32_t node;
    uint8_t transaction;       /**< enum infra_session_transaction. */
    uint8_t is_error;          /**< 1: the server answered with an error. */
    uint8_t is_rolled_back;    /**< 1: the transaction that ended was rolled
                                 back. */
    uint8_t is_autocommit_off; /**< 1: MySQL's status flag AUTOCOMMIT is off. */
    uint8_t is_reset;          /**< 1: the connection forgot all its state
                                 (COM_RESET_CONNECTION, DISCARD ALL). */
    uint8_t has_warnings;      /**< 1: the next statement may ask for them. */
    uint8_t has_written;       /**< 1: the server says so by its tag or its
                                 position, whatever the statement was. */
    uint8_t reserved[5];
    /** Where the write is; NULL: the server did not say. */
    const struct infra_position *position;
};

/** What went wrong with a statement.  Append-only. */
enum infra_session_failure {
    INFRA_SESSION_FAILURE_NOT_SENT = 0, /**< Not a byte of it left the host. */
    INFRA_SESSION_FAILURE_REFUSED = 1,  /**< The node said that it is read-only
                                             (25006; 1290, 1792, 1836). */
    INFRA_SESSION_FAILURE_CANCELED = 2, /**< A replica gave it up for replay
                                             (40001 on a standby). */
    INFRA_SESSION_FAILURE_BROKEN = 3    /**< The connection ended before the
                                             answer was complete. */
};

/** May a statement that failed be sent again?  Append-only. */
enum infra_session_replay {
    INFRA_SESSION_REPLAY_NO = 0,     /**< Its outcome is not known, or others
                                      depend on it, or a BEGIN that was held
                                      back went with it: say the error. */
    INFRA_SESSION_REPLAY_YES = 1,    /**< Route it again. */
    INFRA_SESSION_REPLAY_PRIMARY = 2 /**< It did nothing: route it again as a
                                          write, whatever it was taken for. */
};

/**
 * Begin a session.
 *
 * @param options  NULL: defaults.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or an option out of its range;
 *         INFRA_ESTRUCT.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_init(struct infra_session *session,
                                 const struct infra_session_options *options);

/**
 * Decide where a statement may go.  Changes nothing but the reader's counters
 * and, with HOLD and WAIT, the time of the session's patience: a statement that
 * is not sent is routed again, or dropped by infra_session_leave().
 *
 * @param[out] ret  Set on success only.  A refusal is a verdict, not an error.
 * @return INFRA_OK; INFRA_EBUSY: a statement is out, or the session is held;
 *         INFRA_EINVAL: NULL, or an unknown kind of statement.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_route(struct infra_session *session,
                                  struct infra_router_reader *reader,
                                  const struct infra_statement *statement,
                                  infra_time now, struct infra_verdict *ret);

/**
 * The statement of the last verdict goes to @p node, or is answered by the host
 * (ANSWER; @p node is then ignored and no infra_session_done() follows).  Call
 * it before the first byte leaves.
 *
 * @return INFRA_OK; INFRA_ESTALE: the node has changed since the verdict, route
 *         again; INFRA_EINVAL: not the last verdict, or a node outside of it;
 *         INFRA_EBUSY: a statement is out.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_sent(struct infra_session *session,
                                 struct infra_router_reader *reader,
                                 const struct infra_verdict *verdict,
                                 uint32_t node, infra_time now);

/**
 * The server's answer to the statement that was sent is complete.
 *
 * @param now  Time read after the last byte of the answer was received.  With
 *             an earlier one a sample that was asked for in between, before the
 *             write was committed, would count as one that covers it.
 * @return INFRA_OK; INFRA_ENOENT: no statement is out at that node;
 *         INFRA_EINVAL; INFRA_ESTRUCT.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_done(struct infra_session *session,
                                 const struct infra_session_result *result,
                                 infra_time now);

/**
 * The session's connection to @p node has ended.  Pins there are gone; those
 * that other statements depend on make the next verdict NODE_CHANGED once, so
 * that the client hears of it.  A write that was out counts as written.
 *
 * @return INFRA_OK; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_lost(struct infra_session *session, uint32_t node,
                                 infra_time now);

/**
 * May the statement that is out, or was routed last, be sent again?  Ask before
 * infra_session_done() or infra_session_lost() for it.
 *
 * @param failure       enum infra_session_failure.
 * @param is_forwarded  1: a part of the answer has reached the client.
 * @return enum infra_session_replay.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t infra_session_replay(const struct infra_session *session,
                                        uint32_t failure, int is_forwarded);

/**
 * Pins that keep the session's connection to @p node its own, as bits; 0: it
 * may be given to another session now.  A statement that is out keeps it, too:
 * UINT32_MAX.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t infra_session_pins(const struct infra_session *session,
                                      uint32_t node);

/**
 * Leave: the client is gone, or its statement is dropped while it is held.
 * The session is as after init, without its connections.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_session_leave(struct infra_session *session);

/**
 * @name Settings
 * A session's settings, as texts that make them again on another connection.
 * @{
 */

/** One setting. */
struct infra_session_setting {
    const char *name; /**< Not ended by NUL. */
    const char *text;
    uint32_t name_length;
    uint32_t length;
};

/**
 * Note a setting that a server has accepted.  The last text of a name counts,
 * and takes the last place.  Inside a transaction it is dropped again if the
 * transaction is rolled back.
 *
 * @param name  One spelling for one setting: names are compared byte by byte.
 * @return INFRA_OK; INFRA_EFULL: no room; the session then has the pin UNKNOWN;
 *         INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_journal_set(struct infra_session *session,
                                        const char *name, size_t name_length,
                                        const char *text, size_t length);

/**
 * Forget one setting that is back at its default; NULL: all.  It counts at
 * once: inside a transaction note the text that resets it instead.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_session_journal_remove(struct infra_session *session,
                                            const char *name,
                                            size_t name_length);

/**
 * Number that changes with each change of the settings, never 0.  A connection
 * that carries the same number of the same session needs no replay.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t
infra_session_journal_version(const struct infra_session *session);

/**
 * The next setting to replay on a connection that was reset.
 *
 * @param cursor    Starts at 0.
 * @param[out] ret  Valid until the next change of the settings.
 * @return INFRA_OK; INFRA_EAGAIN: that was all; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_journal_next(const struct infra_session *session,
                                         uint32_t *cursor,
                                         struct infra_session_setting *ret);
/** @} */

/**
 * @name What it has written and seen
 * @{
 */

/**
 * The position that this session's reads need, to carry elsewhere.
 *
 * @return INFRA_OK; INFRA_EAGAIN: of the last write or read only the time is
 *         known, so that a sample of its node has to come first; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_position(struct infra_session *session,
                                     struct infra_router_reader *reader,
                                     infra_time now,
                                     struct infra_position *ret);

/**
 * The session's reads need @p position as well, such as from a cookie.
 *
 * @return INFRA_OK; INFRA_EINVAL: of another kind than what is there;
 *         INFRA_EFULL: too long with what is there, so that reads stay on the
 *         primary until its next sample.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_require(struct infra_session *session,
                                    const struct infra_position *position,
                                    infra_time now);

/**
 * After the reason LOST: go on without what was lost.  What was not lost is
 * still seen: reads go to the primary until its next sample.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_session_forget(struct infra_session *session);
/** @} */

/**
 * Say the last decision in a sentence for a log, such as "read: go to nodes 1,2
 * (node 3 lagging; statement: verb)".  Ends with NUL, is cut at @p size.
 *
 * @return Its length, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_session_explain(const struct infra_session *session,
                                    char *buffer, size_t size);

/** Name of an enum infra_verdict_kind ("go"), or "unknown".  Thread safety:
 *  any. */
INFRA_API const char *infra_verdict_kind_name(uint32_t kind);

/** Name of an enum infra_verdict_reason ("own-write"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_verdict_reason_name(uint32_t reason);

/** Name of one INFRA_SESSION_PIN_... bit ("temporary"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_session_pin_name(uint32_t pin);

/** Name of an enum infra_session_consistency ("monotonic"), or "unknown".
 *  Thread safety: any. */
INFRA_API const char *infra_session_consistency_name(uint32_t consistency);

/** Name of an enum infra_session_transaction ("open"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_session_transaction_name(uint32_t transaction);

/** Name of an enum infra_session_failure ("refused"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_session_failure_name(uint32_t failure);

/** Name of an enum infra_session_replay ("primary"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_session_replay_name(uint32_t replay);

#ifdef __cplusplus
}
#endif

#endif
