/* SPDX-License-Identifier: MIT */
/**
 * @file probe.h
 * What to say to a backend to learn whether it lives: conversations without a
 * socket (see "Exchange" in base.h), each one object that is started again for
 * every check.
 *
 * @code
 * struct infra_probe_http_options o = { .size = sizeof o, .path = "/health" };
 * infra_probe_http(&probe, &o);
 * infra_probe_start(probe, now);
 * run(infra_probe_exchange(probe));          // until want() is DONE
 * infra_probe_result(probe, &result);        // result.outcome, result.reason
 * @endcode
 *
 * Every phase has its deadline and every length its limit, so that a server
 * that accepts and hangs, drips, floods or talks nonsense ends in a result with
 * its own reason.  Input may come in any pieces: the result is the same.
 *
 * Memory: one allocation per probe, by the function that creates it.
 */
#ifndef INFRA_PROBE_H
#define INFRA_PROBE_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_probe; /**< One backend's check; one thread at a time. */

/** What a check found, finer than its outcome.  Append-only. */
enum infra_probe_reason {
    INFRA_PROBE_PASSED,
    INFRA_PROBE_REFUSED,         /**< Connection refused. */
    INFRA_PROBE_UNREACHABLE,     /**< No route to it. */
    INFRA_PROBE_CONNECT_TIMEOUT, /**< No connection in time. */
    INFRA_PROBE_NO_REPLY,        /**< Connected, and not a byte in time. */
    INFRA_PROBE_SLOW_REPLY,   /**< The reply began but did not end in time. */
    INFRA_PROBE_RESET,        /**< The connection broke. */
    INFRA_PROBE_CLOSED_EARLY, /**< The reply ended before its end. */
    INFRA_PROBE_LOCAL,        /**< No descriptor, port or memory here. */
    INFRA_PROBE_NOT_HTTP,     /**< It does not start like an HTTP reply. */
    INFRA_PROBE_BAD_HEADER,   /**< A header field that HTTP does not allow. */
    INFRA_PROBE_HEADER_TOO_LONG, /**< Past header_max. */
    INFRA_PROBE_BAD_LENGTH,      /**< Contradictory or malformed framing. */
    INFRA_PROBE_BAD_CHUNK,       /**< Malformed chunked coding. */
    INFRA_PROBE_STATUS,          /**< Not the expected status. */
    INFRA_PROBE_BODY,            /**< The body lacks the expected text. */
    INFRA_PROBE_BODY_TOO_LONG,   /**< The text is not in the first body_max. */
    INFRA_PROBE_TLS,            /**< The TLS handshake failed or was refused. */
    INFRA_PROBE_TLS_TIMEOUT,    /**< It did not end in time. */
    INFRA_PROBE_WRONG_PROTOCOL, /**< It speaks, but not this protocol. */
    INFRA_PROBE_BAD_REPLY,      /**< A message that the protocol forbids. */
    INFRA_PROBE_REPLY_TOO_LONG, /**< Past what a check reads. */
    INFRA_PROBE_SERVER_ERROR,   /**< It answered with an error. */
    INFRA_PROBE_LOGIN_REFUSED, /**< Wrong user or password, or not from here. */
    INFRA_PROBE_LOGIN_UNKNOWN, /**< It wants a method that is not known. */
    INFRA_PROBE_LOGIN_FORGED,  /**< It could not prove that it knows the
                                      password itself. */
    INFRA_PROBE_STARTING,      /**< It is starting up, loading or recovering. */
    INFRA_PROBE_STOPPING,      /**< It is shutting down. */
    INFRA_PROBE_CROWDED,       /**< Too many connections. */
    INFRA_PROBE_READ_ONLY,     /**< A primary was expected. */
    INFRA_PROBE_NOT_REPLICA,   /**< A replica was expected. */
    INFRA_PROBE_NOT_REPLICATING, /**< A replica without its primary. */
    INFRA_PROBE_LAGGING,         /**< A replica too far behind. */
    INFRA_PROBE_UNEXPECTED,      /**< Not what the script expects. */
    INFRA_PROBE_AGENT_DOWN,      /**< The agent says so. */
    INFRA_PROBE_DEGRADED,        /**< Passed, but it asks to be spared. */
};

/** What a database is. */
enum infra_probe_role {
    INFRA_ROLE_UNKNOWN,
    INFRA_ROLE_PRIMARY,
    INFRA_ROLE_REPLICA,
};

/** What an agent asks the operator to do; see infra_probe_agent(). */
enum infra_probe_admin {
    INFRA_ADMIN_READY,
    INFRA_ADMIN_DRAIN,
    INFRA_ADMIN_MAINTENANCE,
};

/** Which fields of a result the reply told, as bits of `told`. */
enum infra_probe_told {
    INFRA_TOLD_STATUS = 1,
    INFRA_TOLD_ROLE = 2,
    INFRA_TOLD_WRITABLE = 4,
    INFRA_TOLD_POSITION = 8,
    INFRA_TOLD_LAG = 16,
    INFRA_TOLD_WEIGHT = 32,
    INFRA_TOLD_IN_FLIGHT_MAX = 64,
    INFRA_TOLD_ADMIN = 128,
};

/** Which text infra_probe_text() is to tell. */
enum infra_probe_text_kind {
    INFRA_PROBE_TEXT_VERSION,  /**< What the server calls itself. */
    INFRA_PROBE_TEXT_MESSAGE,  /**< The error, or what an agent or a script
                                    saw. */
    INFRA_PROBE_TEXT_POSITION, /**< Of a database, as it writes it: GTIDs, an
                                    LSN, an offset. */
};

/** How a check ended. */
struct infra_probe_result {
    uint32_t outcome; /**< enum infra_outcome, for infra_health_verdict(). */
    uint32_t reason;  /**< enum infra_probe_reason */
    uint32_t status;  /**< HTTP: the status.  Databases: the error's number. */
    uint32_t told;    /**< enum infra_probe_told; other fields are 0. */
    infra_time duration; /**< From start to end. */
    infra_time lag;      /**< How far a replica is behind. */
    uint64_t position; /**< An LSN, a replication offset, a GTID's sequence. */
    uint32_t role;     /**< enum infra_probe_role */
    uint32_t writable; /**< 1: it takes writes. */
    uint32_t weight_percent; /**< Of the configured weight. */
    uint32_t in_flight_max;  /**< As in struct infra_backend. */
    uint32_t admin;          /**< enum infra_probe_admin */
    uint32_t reserved;
    uint64_t reserved1[5];
};

/** Options of infra_probe_tcp(). */
struct infra_probe_tcp_options {
    size_t size;
    const struct infra_allocator *allocator;
    infra_time connect_timeout; /**< 0: 1 s.  With TLS for each of both. */
    uint32_t tls;               /**< 1: and the TLS handshake is done. */
    uint32_t reserved;
};

/**
 * A check that passes as soon as the connection stands.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK, INFRA_ENOMEM, INFRA_EINVAL, INFRA_ESTRUCT.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_tcp(
    struct infra_probe **ret, const struct infra_probe_tcp_options *options);

/** Options of infra_probe_http().  Texts are copied. */
struct infra_probe_http_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *method; /**< NULL: GET.  A token of at most 32 bytes, not
                             CONNECT. */
    const char *path;   /**< NULL: "/".  Origin form or "*", at most 2048 bytes
                             of visible ASCII. */
    const char *host;   /**< The Host field; NULL: "localhost".  1 to 255 bytes
                             of visible ASCII. */
    /** Text that the body must contain, 1 to 255 bytes, not with HEAD.  The
     *  check passes as soon as it came.  NULL: the body is not read and the
     *  check ends with the header. */
    const char *body_contains;
    infra_time connect_timeout;    /**< 0: 1 s.  With TLS for each of both. */
    infra_time response_timeout;   /**< From connected to the end; 0: 2 s. */
    infra_time first_byte_timeout; /**< From connected to the first byte; 0, or
                                        more: response_timeout. */
    uint32_t status_min;           /**< 0: 200. */
    uint32_t status_max;           /**< 0: 399, or status_min if that is set. */
    uint32_t header_max;           /**< Status lines and fields; 0: 16384. */
    uint32_t body_max;             /**< How much is searched; 0: 65536. */
    uint32_t tls;                  /**< 1: over TLS. */
    uint32_t reserved;
};

/**
 * An HTTP/1.1 request (RFC 9112) on a connection of its own, and what to expect
 * of the reply: chunked, with Content-Length, or ended by closing.  Interim 1xx
 * replies are passed over, but for 101, which is final.  The request is
 *
 * @code
 * GET /health HTTP/1.1
 * Host: localhost
 * User-Agent: libinfra
 * Connection: close
 * @endcode
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that may not stand in a request or is too long, body_contains with
 *         HEAD, a status outside 100 .. 599, status_max below status_min,
 *         header_max or body_max above 1 MiB, tls above 1.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_http(
    struct infra_probe **ret, const struct infra_probe_http_options *options);

/** Options of infra_probe_pgsql().  Texts are copied. */
struct infra_probe_pgsql_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *user;              /**< NULL: "postgres".  1 to 127 bytes. */
    const char *password;          /**< NULL or "": none.  At most 1023
                                        bytes. */
    const char *database;          /**< NULL: "postgres".  1 to 127 bytes. */
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
};

/**
 * A login at PostgreSQL (10 or later, or a pooler before it), and what the
 * server tells of itself.  How far it goes:
 *
 * - Without a password and with nothing to ask it passes as soon as the server
 *   asks for a password of any kind, or, where it asks for none, is ready.  The
 *   user need not exist.
 * - With a password, when the server has let it in and is ready.
 * - With something to ask, which needs a login, by the answer to one query.  It
 *   tells `role`; `writable`, which is no on replicas and where
 *   default_transaction_read_only is on; `position`, the LSN that a primary has
 *   written or a replica has replayed, and INFRA_PROBE_TEXT_POSITION, the same
 *   as "0/3000148"; and `lag` of a replica.
 *
 * A replica that is more than lag_max behind, or cannot tell, is LAGGING; and
 * NOT_REPLICATING if its receiver is gone, too.  So a replica that has lost its
 * primary passes for as long as lag_max.  That is nothing to a primary.
 *
 * The lag is 0 when all that was received is replayed and the receiver is at
 * work, else the age of the last commit that was replayed, by the clocks of
 * both servers, but no more than the time since a check saw it 0.  What the
 * primary has not sent is not seen.  The receiver's state needs the role
 * pg_monitor; for other users a receiver that exists is one that works.
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
 *         clear_password above 1.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_pgsql(
    struct infra_probe **ret, const struct infra_probe_pgsql_options *options);

/** Free a probe; NULL is allowed.  Thread safety: owner. */
INFRA_API void infra_probe_destroy(struct infra_probe *probe);

/**
 * Begin a check, forgetting the one before.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_probe_start(struct infra_probe *probe, infra_time now);

/**
 * The conversation to run.  It is valid as long as the probe.
 *
 * Thread safety: owner.
 */
INFRA_API struct infra_exchange infra_probe_exchange(struct infra_probe *probe);

/**
 * Tell how the check ended.
 *
 * @return INFRA_OK; INFRA_EAGAIN: it was not started or is not over;
 *         INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_probe_result(const struct infra_probe *probe,
                                 struct infra_probe_result *ret);

/**
 * What the last check saw, as text: valid until the next start, "" if there is
 * none, and always printable ASCII, whatever the server sent.
 *
 * @param kind  enum infra_probe_text_kind
 *
 * Thread safety: owner.
 */
INFRA_API const char *infra_probe_text(const struct infra_probe *probe,
                                       uint32_t kind);

/** A reason in a few words ("no reply"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_probe_reason_name(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_PROBE_H */
