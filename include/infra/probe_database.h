/* SPDX-License-Identifier: MIT */
/**
 * @file probe_database.h
 * Checks of databases: not only whether they live, but what they are.  Each logs
 * in, if it is told who to be, asks one question, and tells role, writability,
 * position and lag in its result (probe.h), for whoever routes statements or
 * looks for the most advanced replica.  Included by probe.h.
 *
 * @code
 * struct infra_probe_pgsql_options o = { .size = sizeof o,
 *                                        .user = "probe", .password = secret,
 *                                        .expect = INFRA_ROLE_REPLICA,
 *                                        .lag_max = INFRA_SEC(5),
 *                                        .seed = entropy };
 * infra_probe_pgsql(&probe, &o);
 * @endcode
 *
 * All can be asked a question of the host's own, too.  MySQL and PostgreSQL take
 * SQL, which is answered by one row whose first column is a number from 0 to
 * 2^64 - 1; Redis takes a command with its words, parted by blanks, which is
 * answered by such a number.  The result tells it as `answer`.  The question is
 * asked last, so that the answer is not older than the position.  It serves as a
 * canary, which shows that a table can be read, or for the timeline of
 * infra/promotion.h:
 *
 * @code
 * .question = "SELECT max(token) FROM failover.timeline"
 * @endcode
 *
 * An answer that is an error, NULL, no row or many, or no such number is not
 * told, and the check does not fail by it: the table may not be there yet.  The
 * text MESSAGE is then the error, if it was one.  The check does fail where the
 * server says that it is going or not in service, or does not answer in time:
 * what the question waits for, a lock as well, counts as the server's time.
 *
 * With answer_min or answer_max the answer decides, too: one that is not told or
 * not within them fails the check as ANSWER, and one that is an error with the
 * reason of the error (SERVER_ERROR as a rule).  A node of Galera that is synced:
 *
 * @code
 * .question = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
 *             " WHERE VARIABLE_NAME = 'wsrep_local_state'",
 * .answer_min = 4, .answer_max = 4
 * @endcode
 *
 * (in MySQL performance_schema.global_status).  For a condition let SQL compare:
 * "SELECT (count(*) > 0)::int FROM ...", with answer_min 1.
 *
 * A check that only reads passes at a primary whose disk is full, while each
 * write fails, or hangs until there is room.  A question that writes notices
 * both: the error, and by response_timeout the silence (SLOW_REPLY).  It needs a
 * table of its own, with one row, a user that may write it, and answer_min 1:
 *
 * @code
 * "UPDATE canary SET n = n + 1 RETURNING 1"                    // PostgreSQL
 * "REPLACE INTO canary (id, at) VALUES (1, now()) RETURNING 1" // MariaDB 10.5
 * "SELECT touch_canary()"         // MySQL: a function that writes, and returns 1
 * "INCR canary"                                                // Redis
 * @endcode
 *
 * Use it for a primary only (with expect = PRIMARY): a replica refuses, and each
 * check costs it a write.
 */
#ifndef INFRA_PROBE_DATABASE_H
#define INFRA_PROBE_DATABASE_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_probe; /**< See probe.h. */

/** Options of infra_probe_mysql().  Texts are copied; of the password only its
 *  hash is kept. */
struct infra_probe_mysql_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *user;     /**< Who logs in, at most 255 bytes.  NULL: nobody. */
    const char *password; /**< At most 255 bytes.  NULL or "": none. */
    const char *question; /**< The host's own, 1 to 511 bytes; see above.  NULL:
                               none. */
    infra_time connect_timeout;    /**< 0: 1 s.  With TLS for each of both. */
    infra_time response_timeout;   /**< From connected to the end; 0: 2 s. */
    infra_time first_byte_timeout; /**< From connected to the first byte; 0, or
                                        more: response_timeout. */
    infra_time lag_max; /**< A replica may be this far behind; 0: any. */
    uint32_t tls;       /**< 1: TLS, asked for before the login. */
    uint32_t ask;       /**< 1: role, writable, lag and position are asked, to
                             be told in the result.  0: as much of it as expect
                             and lag_max need. */
    uint32_t expect;    /**< enum infra_probe_role: what it must be to pass.
                             PRIMARY: one that takes writes.  UNKNOWN: any. */
    uint32_t reserved;
    uint64_t answer_min; /**< Least answer that passes; 0: any. */
    uint64_t answer_max; /**< Greatest answer that passes; 0: any.  With either
                              there has to be an answer. */
};

/**
 * A MySQL or MariaDB server: its greeting, a login, and what it is.
 *
 * With a user it passes when the login succeeds and the questions, if there are
 * any, have the expected answers.  It leaves with COM_QUIT, and the server
 * counts nothing.  The method is mysql_native_password, also where the server
 * switches to it; or no password, also with caching_sha2_password.  Other
 * methods end in LOGIN_UNKNOWN, with their name as the message.
 *
 * Without a user it passes when the server lets the anonymous user in or says
 * that it does not.  That has a reason: a login that is broken off counts as an
 * error of the host (host_cache.SUM_CONNECT_ERRORS of MariaDB 10.11), and after
 * max_connect_errors of them, 100 by default, the server blocks the host with
 * all its clients.  A login that is refused does not count there, so this check
 * always waits to be refused, in LOGIN_UNKNOWN and where TLS is missing, too;
 * not so if the TLS handshake fails.  The server counts it in Aborted_connects,
 * and may log it.  A user of its own for the check, which needs no privilege,
 * leaves no trace at all.
 *
 * What is asked, and what of it is told:
 *
 * - writable: neither read_only nor innodb_read_only is on.
 * - role: REPLICA if it is set up to follow another server, even if it takes
 *   writes or has stopped to follow; else PRIMARY.  Needs a privilege: REPLICA
 *   MONITOR in MariaDB, REPLICATION CLIENT in MySQL.
 * - lag: Seconds_Behind_Master, of all its sources the greatest; not told while
 *   it does not know that.
 * - position: from @@gtid_current_pos in MariaDB the sum of the sequence
 *   numbers (of the usual single domain, its number), from @@gtid_executed in
 *   MySQL the number of transactions.  Of two servers with one history the
 *   greater one is ahead.  INFRA_PROBE_TEXT_POSITION is what the server wrote,
 *   without blanks; "" if that is longer than 4095 bytes.
 * - INFRA_PROBE_TEXT_SOURCE, with the role: the host and port of the source
 *   whose IO thread runs, as they were configured; of several the first.
 *
 * What of this was not answered is not told, and counts only if expect or
 * lag_max needs it (then SERVER_ERROR; the result's status and the message say
 * why).  With lag_max a replica fails as NOT_REPLICATING when a thread of it
 * does not run or its lag is not told; this includes every replica of a primary
 * that is gone.  lag_max is nothing to a server that is not a replica.
 *
 * About 8 KiB of memory.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is too long, an empty question, a password or anything to ask
 *         without a user, a value that is not known, limits of an answer without
 *         a question or the greatest below the least.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_mysql(
    struct infra_probe **ret, const struct infra_probe_mysql_options *options);

/** Options of infra_probe_pgsql().  Texts are copied. */
struct infra_probe_pgsql_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *user;              /**< NULL: "postgres".  1 to 127 bytes. */
    const char *password;          /**< NULL or "": none.  At most 1023
                                        bytes. */
    const char *database;          /**< NULL: "postgres".  1 to 127 bytes. */
    const char *question;          /**< The host's own, 1 to 511 bytes; see
                                        above.  NULL: none. */
    infra_time lag_max;            /**< A replica may be this far behind; 0: any
                                     distance. */
    infra_time connect_timeout;    /**< 0: 1 s.  With TLS for each of both. */
    infra_time response_timeout;   /**< From connected to the end; 0: 2 s. */
    infra_time first_byte_timeout; /**< From connected to the first byte; 0, or
                                        more: response_timeout. */
    uint64_t seed;   /**< For nonces: entropy, another one for each probe. */
    uint32_t expect; /**< enum infra_probe_role: what it must be to pass.
                          PRIMARY: one that takes writes, else READ_ONLY.
                          UNKNOWN: any. */
    uint32_t ask;    /**< 1: role, writable, lag and position are asked, to be
                          told in the result.  So do expect and lag_max. */
    uint32_t tls;    /**< 1: TLS, asked for before the login. */
    uint32_t clear_password; /**< 1: a server that asks for the password in
                                  clear text gets it without TLS too. */
    uint64_t answer_min;     /**< Least answer that passes; 0: any. */
    uint64_t answer_max;     /**< Greatest answer that passes; 0: any.  With
                                  either there has to be an answer. */
};

/**
 * A login at PostgreSQL (10 or later, or a pooler before it), and what the
 * server tells of itself.  How far it goes:
 *
 * - Without a password and with nothing to ask it passes as soon as the server
 *   asks for a password of any kind, or, where it asks for none, is ready.  The
 *   user need not exist.
 * - With a password, when the server has let it in and is ready.
 * - With something to ask, which needs a login, by the answer to one query; the
 *   host's own question is another one after it.  It tells `role`; `writable`,
 *   which is no on replicas and where default_transaction_read_only is on;
 *   `position`, the LSN that a primary has written or a replica has replayed,
 *   and INFRA_PROBE_TEXT_POSITION, the same as "0/3000148"; `lag` of a replica,
 *   and INFRA_PROBE_TEXT_SOURCE.
 *
 * A replica that is more than lag_max behind, or cannot tell, is LAGGING; and
 * NOT_REPLICATING if its receiver is gone, too.  So a replica that has lost its
 * primary passes for as long as lag_max.  That is nothing to a primary.
 *
 * The lag is 0 when all that was received is replayed and the receiver is at
 * work, else the age of the last commit that was replayed, by the clocks of
 * both servers, but no more than the time since a check saw it 0.  What the
 * primary has not sent is not seen.  The receiver's state needs the role
 * pg_monitor; for other users a receiver that exists is one that works, and the
 * source is not told; nor is it by PostgreSQL 10.  A source behind a socket of
 * the file system is told as the socket's directory and the port.
 *
 * The password goes out as the server asks: SCRAM-SHA-256, where the server has
 * to prove that it knows the password, too (else LOGIN_FORGED); MD5; in clear
 * text only over TLS, unless clear_password is 1; other methods are
 * LOGIN_UNKNOWN.  A server that asks for none is believed: against who may sit
 * in between only TLS helps.  For SCRAM a password that is not ASCII has to
 * come normalised (RFC 4013).  A server may ask for up to 100000 iterations,
 * which take 50 ms (the usual 4096: 2 ms) at the first login and when its salt
 * changes; more are LOGIN_UNKNOWN.  Nonces come from the seed: from the same
 * seed, the same nonces, by which a server could be forged out of a recording.
 *
 * The reasons of errors go by SQLSTATE: STARTING (57P03), STOPPING (57P01,
 * 57P02, and 57P03 with a message in English that says so), CROWDED (53300),
 * LOGIN_REFUSED (28...), SERVER_ERROR (others).  INFRA_PROBE_TEXT_MESSAGE is
 * "FATAL 28P01 ..."; INFRA_PROBE_TEXT_VERSION the server's version.  A check
 * reads at most 64 KiB.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is empty or too long, an unknown role, ask, tls or
 *         clear_password above 1, limits of an answer without a question or the
 *         greatest below the least.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_pgsql(
    struct infra_probe **ret, const struct infra_probe_pgsql_options *options);

/** Options of infra_probe_redis().  Texts are copied. */
struct infra_probe_redis_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *user;     /**< NULL: the default user.  At most 255 bytes. */
    const char *password; /**< NULL: no login.  At most 4096 bytes. */
    infra_time connect_timeout;    /**< 0: 1 s.  With TLS for each of both. */
    infra_time response_timeout;   /**< From connected to the end; 0: 2 s. */
    infra_time first_byte_timeout; /**< From connected to the first byte; 0, or
                                        more: response_timeout. */
    uint32_t expect; /**< enum infra_probe_role; 0: any.  Implies ask. */
    uint32_t ask;    /**< 1: tell role, writable and position. */
    uint32_t tls;    /**< 1: over TLS. */
    uint32_t reserved;
    const char *question; /**< The host's own, 1 to 511 bytes without control
                               characters, "GET canary"; see above.  NULL:
                               none. */
    uint64_t answer_min;  /**< Least answer that passes; 0: any. */
    uint64_t answer_max;  /**< Greatest answer that passes; 0: any.  With either
                               there has to be an answer. */
};

/**
 * A check of Redis, or of what speaks its protocol (RESP2): AUTH if there is a
 * password, PING, ROLE if that is asked for, and the host's question, all in one
 * write.  So the question is asked also where an earlier reply fails the check.
 *
 * - A primary is writable, and its position is its replication offset.
 * - A replica is not writable, whatever its replica-read-only says, and its
 *   position is how far it has applied its primary's stream.  While its link to
 *   the primary does not stand, ROLE tells no position, the text MESSAGE is the
 *   state of the link ("connect", "sync"), and a replica that is expected is
 *   NOT_REPLICATING.  While it stands INFRA_PROBE_TEXT_SOURCE is the primary.
 * - A sentinel has no role: it fails whatever role is expected.
 *
 * The lag in time is not in ROLE: compare positions.  ACL: the user needs
 * +ping, and +role for ROLE.  The reasons beside those of the connection:
 *
 * - LOGIN_REFUSED: a wrong password, none where one is needed or one where none
 *   is known, or the protected mode;
 * - STARTING: it loads its data;
 * - CROWDED: the maximum of clients is reached;
 * - NOT_REPLICATING: also a replica that serves nothing without its primary;
 * - READ_ONLY, NOT_REPLICA: it has not the expected role;
 * - SERVER_ERROR: any other error;
 * - WRONG_PROTOCOL, BAD_REPLY: what Redis does not say;
 * - REPLY_TOO_LONG: past 64 KiB.
 *
 * The texts: MESSAGE, the first 255 bytes of the error; POSITION, the offset.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is too long or has control characters, a question without a
 *         word, a user without a password, no such role, a flag above 1, limits
 *         of an answer without a question or the greatest below the least.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_redis(
    struct infra_probe **ret, const struct infra_probe_redis_options *options);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_PROBE_DATABASE_H */
