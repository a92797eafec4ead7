/* SPDX-License-Identifier: MIT */
/**
 * @file probe_database.h
 * Health checks of databases, which also find out the server's role.
 *
 * Each check logs in if the options name a user, asks its questions, and puts
 * role, writability, position and lag into the result (probe.h): for routing of
 * statements, or to find the most advanced replica.  Included by probe.h.
 *
 * @code
 * struct infra_probe_pgsql_options o = { .size = sizeof o,
 *                                        .user = "probe", .password = secret,
 *                                        .expect = INFRA_PROBE_ROLE_REPLICA,
 *                                        .lag_max = INFRA_SEC(5),
 *                                        .seed = entropy };
 * infra_probe_pgsql(&probe, &o);
 * @endcode
 *
 * **A question of the host's own** may be added to each.  MySQL and PostgreSQL
 * take SQL that returns one row with a number from 0 to 2^64 - 1 in the first
 * column.  Redis takes a command, its words separated by blanks, that returns
 * such a number.  The result has the number as `answer`.  The question is asked
 * last, so that the answer is not older than the position.  Use it as a canary,
 * which shows that a table can be read, or for the timeline of
 * infra/promotion.h:
 *
 * @code
 * .question = "SELECT max(token) FROM failover.timeline"
 * @endcode
 *
 * An error, NULL, no row, several rows, or another value leave the answer
 * unset, and the check does not fail for it: the table may not exist yet.
 * After an error the text MESSAGE is that error.  The check does fail if the
 * server reports that it is stopping or not in service, and if the answer is
 * late: time that the question waits, for a lock too, counts as the server's
 * time.
 *
 * **Limits for the answer.**  With answer_min or answer_max the answer decides:
 * an unset answer, or one outside the limits, fails the check as ANSWER, and an
 * error fails it with the reason of the error (usually SERVER_ERROR).  A node
 * of Galera that is synced:
 *
 * @code
 * .question = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
 *             " WHERE VARIABLE_NAME = 'wsrep_local_state'",
 * .answer_min = 4, .answer_max = 4
 * @endcode
 *
 * (in MySQL performance_schema.global_status).  For a condition let SQL
 * compare: "SELECT (count(*) > 0)::int FROM ...", with answer_min 1.
 *
 * **A question that writes.**  On a primary with a full disk a check that only
 * reads passes, although every write fails, or hangs until there is space.  A
 * question that writes finds both: the error, and the hang as SLOW_REPLY after
 * response_timeout.  It needs a table of its own with one row, a user that may
 * write to the table, and answer_min 1:
 *
 * @code
 * "UPDATE canary SET n = n + 1 RETURNING 1"                    // PostgreSQL
 * "REPLACE INTO canary (id, at) VALUES (1, now()) RETURNING 1" // MariaDB 10.5
 * "SELECT touch_canary()"         // MySQL: a function that writes, returns 1
 * "INCR canary"                                                // Redis
 * @endcode
 *
 * Ask it of a primary only (expect = PRIMARY): a replica refuses, and each
 * check costs one write.
 */
#ifndef INFRA_PROBE_DATABASE_H
#define INFRA_PROBE_DATABASE_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_probe;          /**< See probe.h. */
struct infra_probe_timeouts; /**< See probe.h. */

/** Options of infra_probe_mysql().  Texts are copied; of the password only
 *  hashes are kept, unless tls is 1. */
struct infra_probe_mysql_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts; /**< NULL: all defaults. */
    uint32_t tls;         /**< 1: TLS, requested before the login. */
    uint32_t ask;         /**< 1: ask for role, writable, lag and position.  0:
                               ask only what expect and lag_max need. */
    const char *user;     /**< At most 255 bytes; NULL: no login. */
    const char *password; /**< At most 255 bytes; NULL or "": none. */
    const char *question; /**< The host's question, see above, 1 to 511 bytes;
                               NULL: none. */
    uint64_t answer_min;  /**< Least answer that passes; 0: any. */
    uint64_t answer_max; /**< Greatest answer that passes; 0: any.  Either limit
                               requires an answer. */
    uint32_t expect;     /**< enum infra_probe_role that passes; UNKNOWN: any.
                               PRIMARY: a server that takes writes. */
    uint32_t reserved;
    infra_time lag_max; /**< Greatest lag of a replica that passes; 0: any. */
};

/**
 * Create a check of a MySQL or MariaDB server: greeting, login, questions.
 *
 * **With a user** the check passes when the login succeeds and the answers are
 * as expected.  It leaves with COM_QUIT, and the server counts no error.  The
 * login method is the greeting's, and a server may switch once to another:
 * mysql_native_password or caching_sha2_password, else LOGIN_UNKNOWN with the
 * method's name as MESSAGE.
 *
 * **caching_sha2_password** (the default of MySQL since 8.0) proves a password
 * by its hash only if the server has that password in its cache, which it loses
 * at each start and when the password changes.  Else the server asks for the
 * password itself.  The check sends it over TLS; without TLS it ends as
 * LOGIN_NEEDS_TLS, until another client has logged in as this user.  So set tls
 * to 1 for a user of this method that has a password.  (The method's RSA keys,
 * an exchange without TLS, are not supported.)
 *
 * **Without a user** the check passes when the server accepts or refuses the
 * anonymous user.  The reason: a server counts a login that is broken off as an
 * error of the client's host (host_cache.SUM_CONNECT_ERRORS of MariaDB 10.11).
 * After max_connect_errors of them, 100 by default, it blocks that host with
 * all its clients.  A refused login does not count there.  So this check always
 * waits for the refusal, also after LOGIN_UNKNOWN and where TLS is missing; the
 * exception is a failed TLS handshake.  The server counts the refusal in
 * Aborted_connects and may log it.  A user of its own for the check, which
 * needs no privilege, leaves no trace.
 *
 * What the check asks and reports:
 *
 * - writable: neither read_only nor innodb_read_only is on.
 * - role: REPLICA if the server is set up to follow another one, also if it
 *   takes writes or has stopped to follow; else PRIMARY.  Needs a privilege:
 *   REPLICA MONITOR in MariaDB, REPLICATION CLIENT in MySQL.
 * - lag: the greatest Seconds_Behind_Master of all sources; unset while the
 *   server does not know it.
 * - position: in MariaDB the sum of the sequence numbers in @@gtid_current_pos
 *   (with the usual single domain, its number), in MySQL the number of
 *   transactions in @@gtid_executed.  Of two servers with one history, the
 *   greater position is ahead.  INFRA_PROBE_TEXT_POSITION is the server's text
 *   without blanks; "" above 4095 bytes.
 * - INFRA_PROBE_TEXT_SOURCE, set with the role: configured host and port of the
 *   source with a running IO thread; of several sources the first.
 *
 * An answer that does not come is unset, and fails the check only if expect or
 * lag_max needs it: as SERVER_ERROR, with the cause in status and MESSAGE.
 * With lag_max a replica fails as NOT_REPLICATING when one of its threads does
 * not run or its lag is unset; that includes every replica of a dead primary.
 * lag_max has no effect on a server that is not a replica.
 *
 * Memory: about 8 KiB.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is too long, an empty question, a password, or anything to ask,
 *         without a user, an unknown value, limits for the answer without a
 *         question, answer_max below answer_min.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_mysql(
    struct infra_probe **ret, const struct infra_probe_mysql_options *options);

/** Options of infra_probe_pgsql().  Texts are copied. */
struct infra_probe_pgsql_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts; /**< NULL: all defaults. */
    uint32_t tls;         /**< 1: TLS, requested before the login. */
    uint32_t ask;         /**< 1: ask for role, writable, lag and position;
                               expect and lag_max imply it. */
    const char *user;     /**< 1 to 127 bytes; NULL: "postgres". */
    const char *password; /**< At most 1023 bytes; NULL or "": none. */
    const char *question; /**< The host's question, see above, 1 to 511 bytes;
                               NULL: none. */
    uint64_t answer_min;  /**< Least answer that passes; 0: any. */
    uint64_t answer_max; /**< Greatest answer that passes; 0: any.  Either limit
                               requires an answer. */
    uint32_t expect;     /**< enum infra_probe_role that passes; UNKNOWN: any.
                               PRIMARY: a server that takes writes, else
                               READ_ONLY. */
    uint32_t allow_cleartext_password; /**< 1: send the password in clear text
                                            without TLS if the server asks for
                                            it. */
    const char *database;              /**< 1 to 127 bytes; NULL: "postgres". */
    infra_time lag_max; /**< Greatest lag of a replica that passes; 0: any. */
    uint64_t seed;      /**< For nonces: entropy, different for each probe. */
};

/**
 * Create a check of PostgreSQL (10 or later, or a pooler in front of it): login
 * and questions.
 *
 * - Without a password and without questions the check passes as soon as the
 *   server asks for a password of any kind, or is ready if it asks for none.
 *   The user need not exist.
 * - With a password it passes when the server has accepted the login and is
 *   ready.
 * - With ask, expect or lag_max, which need a login, it sends one query; the
 *   host's question is a second one.  The query sets role; writable, 0 on a
 *   replica and with default_transaction_read_only; position, the LSN that a
 *   primary has written or a replica has replayed, and the same as
 *   INFRA_PROBE_TEXT_POSITION, "0/3000148"; lag of a replica; and
 *   INFRA_PROBE_TEXT_SOURCE.
 *
 * A replica with a lag above lag_max, or with an unknown lag, is LAGGING, or
 * NOT_REPLICATING if its receiver is gone, too.  A replica that has lost its
 * primary therefore passes for another lag_max.  lag_max has no effect on a
 * primary.
 *
 * The lag is 0 while everything received is replayed and the receiver works.
 * Else it is the age of the last replayed commit, by the clocks of both
 * servers, but at most the time since a check saw a lag of 0.  What the primary
 * has not sent is not counted.  The receiver's state needs the role pg_monitor.
 * For other users a receiver that exists counts as working, and the source is
 * unset, as it is with PostgreSQL 10.  A source behind a socket in the file
 * system is the socket's directory and the port.
 *
 * **Login.**  The server chooses the method: SCRAM-SHA-256, in which the server
 * also proves that it knows the password (else LOGIN_FORGED); MD5; clear text,
 * over TLS only unless allow_cleartext_password is 1; any other method is
 * LOGIN_UNKNOWN. A server that asks for no password is believed: only TLS
 * protects against a party in between. For SCRAM, normalise a password that is
 * not ASCII first (RFC 4013). A server may ask for up to 100000 iterations,
 * which take 50 ms (the usual 4096: 2 ms) at the first login and when its salt
 * changes; more are LOGIN_UNKNOWN. Nonces come from the seed. The same seed
 * gives the same nonces, with which a recording could pass for the server.
 *
 * Reasons for errors follow the SQLSTATE: STARTING (57P03), STOPPING (57P01,
 * 57P02, and 57P03 with an English message that says "shutting down"),
 * TOO_MANY_CONNECTIONS (53300), LOGIN_REFUSED (28...), SERVER_ERROR (others).
 * INFRA_PROBE_TEXT_MESSAGE is "FATAL 28P01 ...", INFRA_PROBE_TEXT_VERSION the
 * server's version. A check reads at most 64 KiB.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is empty or too long, an unknown role, ask, tls or
 *         allow_cleartext_password above 1, limits for the answer without a
 *         question, answer_max below answer_min.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_pgsql(
    struct infra_probe **ret, const struct infra_probe_pgsql_options *options);

/** Options of infra_probe_redis().  Texts are copied. */
struct infra_probe_redis_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts; /**< NULL: all defaults. */
    uint32_t tls;                                /**< 1: over TLS. */
    uint32_t ask;         /**< 1: ask for role, writable and position; expect
                               implies it. */
    const char *user;     /**< At most 255 bytes; NULL: the default user. */
    const char *password; /**< At most 4096 bytes; NULL: no login. */
    const char *question; /**< The host's question, see above, 1 to 511 bytes
                               without control characters, "GET canary"; NULL:
                               none. */
    uint64_t answer_min;  /**< Least answer that passes; 0: any. */
    uint64_t answer_max; /**< Greatest answer that passes; 0: any.  Either limit
                               requires an answer. */
    uint32_t expect; /**< enum infra_probe_role that passes; UNKNOWN: any. */
    uint32_t reserved;
};

/**
 * Create a check of Redis, or of another server that speaks RESP2.
 *
 * One write sends AUTH if there is a password, PING, ROLE if ask or expect
 * needs it, and the host's question.  The question is therefore asked even if
 * an earlier reply fails the check.
 *
 * - A primary is writable; its position is its replication offset.
 * - A replica is not writable, whatever its replica-read-only says; its
 *   position is the applied offset of the primary's stream.  While its link to
 *   the primary is down, there is no position, the text MESSAGE is the state of
 *   the link ("connect", "sync"), and expect = REPLICA ends as NOT_REPLICATING.
 *   While the link is up, INFRA_PROBE_TEXT_SOURCE is the primary.
 * - A sentinel has no role, and fails with any expected role.
 *
 * ROLE has no lag in time: compare positions.  ACL: the user needs +ping, and
 * +role for ROLE.  Reasons beside those of the connection:
 *
 * - LOGIN_REFUSED: wrong password, a password missing or not expected, or
 *   protected mode;
 * - STARTING: the server loads its data;
 * - TOO_MANY_CONNECTIONS: the maximum number of clients is reached;
 * - NOT_REPLICATING: also a replica that refuses to serve without its primary;
 * - READ_ONLY, NOT_REPLICA: not the expected role;
 * - SERVER_ERROR: any other error;
 * - WRONG_PROTOCOL, BAD_REPLY: not what Redis sends;
 * - REPLY_TOO_LONG: above 64 KiB.
 *
 * Texts: MESSAGE, the first 255 bytes of the error; POSITION, the offset.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is too long or has control characters, a question without a
 *         word, a user without a password, an unknown role, a flag above 1,
 *         limits for the answer without a question, answer_max below
 *         answer_min.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_redis(
    struct infra_probe **ret, const struct infra_probe_redis_options *options);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_PROBE_DATABASE_H */
