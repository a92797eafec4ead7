/* SPDX-License-Identifier: MIT */
/**
 * @file probe.h
 * Health checks as conversations without a socket (see "Exchange" in base.h).
 * A probe is one object for one backend, started again for every check.
 *
 * @code
 * struct infra_probe_http_options o = { .size = sizeof o, .path = "/health" };
 * infra_probe_http(&probe, &o);
 * infra_probe_start(probe, 0, now);
 * run(infra_probe_exchange(probe));          // until want() is DONE
 * infra_probe_result(probe, &result);        // result.outcome, result.reason
 * @endcode
 *
 * Every phase has a deadline and every length a limit.  A server that accepts
 * and hangs, drips, floods, or talks nonsense therefore ends in a result with a
 * reason of its own.  The result does not depend on how the input is split.
 *
 * How a check leaves the server:
 *
 * - After a timeout or a malformed reply the connection is reset.
 * - TCP: the reset arrives before the server's program sees the connection.
 * - HTTP and agent: the reply is read to its end, also after the check is
 *   decided, and the server notices nothing.
 * - MySQL, PostgreSQL: the protocol's own farewell, which the server does not
 *   log.
 * - Redis: a reset after the last reply, logged at level "verbose" only.
 * - Script: it ends with its last step, and with a reset if that step was an
 *   expectation.  If the server logs resets, send the protocol's farewell and
 *   end with EXPECT_END.
 *
 * Database checks are in probe_database.h, which this header includes.
 *
 * Memory: one allocation per probe, made by the function that creates it.
 */
#ifndef INFRA_PROBE_H
#define INFRA_PROBE_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_probe; /**< The check of one backend; one thread at a time. */

/** Why a check ended as it did; finer than the outcome.  Append-only. */
enum infra_probe_reason {
    INFRA_PROBE_REASON_PASSED,
    INFRA_PROBE_REASON_REFUSED,         /**< Connection refused. */
    INFRA_PROBE_REASON_UNREACHABLE,     /**< No route to the address. */
    INFRA_PROBE_REASON_CONNECT_TIMEOUT, /**< Not connected in time. */
    INFRA_PROBE_REASON_NO_REPLY,        /**< Connected, no byte in time. */
    INFRA_PROBE_REASON_SLOW_REPLY,      /**< The reply began, but was late. */
    INFRA_PROBE_REASON_RESET,           /**< The connection broke. */
    INFRA_PROBE_REASON_CLOSED_EARLY, /**< Closed before the reply was over. */
    INFRA_PROBE_REASON_LOCAL,        /**< No descriptor, port or memory here. */
    INFRA_PROBE_REASON_NOT_HTTP,     /**< Does not begin like an HTTP reply. */
    INFRA_PROBE_REASON_BAD_HEADER,   /**< A header field that HTTP forbids. */
    INFRA_PROBE_REASON_HEADER_TOO_LONG, /**< Past header_max. */
    INFRA_PROBE_REASON_BAD_LENGTH, /**< Contradictory or malformed framing. */
    INFRA_PROBE_REASON_BAD_CHUNK,  /**< Malformed chunked coding. */
    INFRA_PROBE_REASON_STATUS,     /**< Not the expected status. */
    INFRA_PROBE_REASON_BODY,       /**< The body lacks the expected text. */
    INFRA_PROBE_REASON_BODY_TOO_LONG,  /**< No text in the first body_max. */
    INFRA_PROBE_REASON_TLS,            /**< TLS handshake failed or refused. */
    INFRA_PROBE_REASON_TLS_TIMEOUT,    /**< TLS handshake not done in time. */
    INFRA_PROBE_REASON_WRONG_PROTOCOL, /**< It speaks another protocol. */
    INFRA_PROBE_REASON_BAD_REPLY, /**< A message that the protocol forbids. */
    INFRA_PROBE_REASON_REPLY_TOO_LONG, /**< Past what a check reads. */
    INFRA_PROBE_REASON_SERVER_ERROR,  /**< The server answered with an error. */
    INFRA_PROBE_REASON_LOGIN_REFUSED, /**< Wrong user, password or address. */
    INFRA_PROBE_REASON_LOGIN_UNKNOWN, /**< Login method not supported here. */
    INFRA_PROBE_REASON_LOGIN_FORGED,  /**< No proof that the server knows the
                                      password. */
    INFRA_PROBE_REASON_STARTING, /**< Starting up, loading or recovering. */
    INFRA_PROBE_REASON_STOPPING, /**< Shutting down. */
    INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS, /**< Too many connections. */
    INFRA_PROBE_REASON_READ_ONLY,            /**< A primary was expected. */
    INFRA_PROBE_REASON_NOT_REPLICA,          /**< A replica was expected. */
    INFRA_PROBE_REASON_NOT_REPLICATING, /**< A replica without its primary. */
    INFRA_PROBE_REASON_LAGGING,         /**< A replica too far behind. */
    INFRA_PROBE_REASON_UNEXPECTED,      /**< Not what the script expects. */
    INFRA_PROBE_REASON_AGENT_DOWN, /**< The agent reports the backend down. */
    INFRA_PROBE_REASON_DEGRADED,   /**< Passed, with a request for less load. */
    INFRA_PROBE_REASON_ANSWER, /**< The host's question has no answer, or one
                                      outside its limits. */
    INFRA_PROBE_REASON_LOGIN_NEEDS_TLS, /**< The password would be sent in clear
                                             text: set tls to 1. */
};

/** The role of a database. */
enum infra_probe_role {
    INFRA_PROBE_ROLE_UNKNOWN,
    INFRA_PROBE_ROLE_PRIMARY,
    INFRA_PROBE_ROLE_REPLICA,
};

/** The administrative state that an agent requests; see infra_probe_agent(). */
enum infra_probe_admin {
    INFRA_PROBE_ADMIN_READY,
    INFRA_PROBE_ADMIN_DRAIN,
    INFRA_PROBE_ADMIN_MAINTENANCE,
};

/** Bits of infra_probe_result.has: the fields that the reply filled in. */
enum infra_probe_has {
    INFRA_PROBE_HAS_STATUS = 1,
    INFRA_PROBE_HAS_ROLE = 2,
    INFRA_PROBE_HAS_WRITABLE = 4,
    INFRA_PROBE_HAS_POSITION = 8,
    INFRA_PROBE_HAS_LAG = 16,
    INFRA_PROBE_HAS_WEIGHT = 32,
    INFRA_PROBE_HAS_IN_FLIGHT_MAX = 64,
    INFRA_PROBE_HAS_ADMIN = 128,
    INFRA_PROBE_HAS_HEALTH = 256, /**< Agent: the outcome is a verdict. */
    INFRA_PROBE_HAS_WEIGHT_ABSOLUTE = 512, /**< weight, not weight_percent. */
    INFRA_PROBE_HAS_ANSWER = 1024, /**< answer, to the host's question. */
};

/** The texts of a check; see infra_probe_text(). */
enum infra_probe_text_kind {
    INFRA_PROBE_TEXT_VERSION,  /**< The server's version, in its words. */
    INFRA_PROBE_TEXT_MESSAGE,  /**< The error; an agent's description; what a
                                    script saw. */
    INFRA_PROBE_TEXT_POSITION, /**< A database's position as it writes it:
                                    GTIDs, an LSN, an offset. */
    INFRA_PROBE_TEXT_SOURCE,   /**< "host:port" that a replica receives from;
                                    "": none. */
};

/** How a check ended. */
struct infra_probe_result {
    uint32_t outcome;    /**< enum infra_outcome, for infra_health_answer(). */
    uint32_t reason;     /**< enum infra_probe_reason */
    uint32_t status;     /**< HTTP: status.  Database: number of the error.
                              Script: number of steps passed. */
    uint32_t has;        /**< enum infra_probe_has; other fields are 0. */
    infra_time duration; /**< From start to end. */
    infra_time lag;      /**< Age of what a replica shows. */
    uint64_t position;   /**< An LSN, replication offset, or GTID sequence. */
    uint32_t role;       /**< enum infra_probe_role */
    uint32_t writable;   /**< 1: the server takes writes. */
    uint32_t weight_percent; /**< Of the configured weight; 0: no work. */
    uint32_t in_flight_max;  /**< As in struct infra_backend. */
    uint32_t admin;          /**< enum infra_probe_admin */
    uint32_t weight;         /**< Replaces the configured weight; 0: no work. */
    uint64_t answer;         /**< To the question in a database's options. */
    uint64_t reserved1[4];
};

/** Timeouts in the options of every probe; copied. */
struct infra_probe_timeouts {
    size_t size;
    infra_time connect_timeout;    /**< Limit for TCP connect, and again for the
                                        TLS handshake; 0: 1 s. */
    infra_time response_timeout;   /**< Limit from connected to the end of the
                                        check; 0: 2 s. */
    infra_time first_byte_timeout; /**< Limit from connected to the first byte;
                                        0 or anything above response_timeout:
                                        response_timeout. */
};

/** Options of infra_probe_tcp(). */
struct infra_probe_tcp_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts; /**< NULL: all defaults. */
    uint32_t tls; /**< 1: also do the TLS handshake. */
    uint32_t reserved;
};

/**
 * Create a check that passes as soon as the connection is up.
 *
 * It shows that the server's kernel answers, not that its program does: a
 * program that hangs passes.  The driver resets the connection before the
 * program sees it.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK, INFRA_ENOMEM, INFRA_EINVAL, INFRA_ESTRUCT.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_tcp(
    struct infra_probe **ret, const struct infra_probe_tcp_options *options);

/** A header field of an HTTP request. */
struct infra_probe_http_field {
    const char *name;  /**< A token of at most 64 bytes. */
    const char *value; /**< At most 4096 bytes without control characters. */
};

/** Options of infra_probe_http().  Texts are copied. */
struct infra_probe_http_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts; /**< NULL: all defaults. */
    uint32_t tls;                                /**< 1: over TLS. */
    /** 1: status 404 passes with admin DRAIN, any other reply that passes with
     *  admin READY, as in HAProxy's disable-on-404.  Unlike HAProxy, 404 also
     *  counts as a pass for a backend that is down; the drain keeps new work
     *  away from it. */
    uint32_t drain_on_404;
    const char *method; /**< A token of at most 32 bytes, not CONNECT; NULL:
                             GET. */
    const char *path;   /**< Origin form or "*", at most 2048 bytes of visible
                             ASCII; NULL: "/". */
    const char *host;   /**< The Host field, 1 to 255 bytes of visible ASCII;
                             NULL: "localhost". */
    /** Text that the body must contain, 1 to 255 bytes, not with HEAD; the
     *  check passes as soon as the text has come.  NULL: the check ends with
     *  the header and does not read the body. */
    const char *body_contains;
    uint32_t status_min; /**< Least status that passes; 0: 200. */
    uint32_t status_max; /**< Greatest status that passes; 0: status_min, or 399
                              if that is 0, too. */
    uint32_t header_max; /**< Limit for status lines and fields; 0: 16384. */
    uint32_t body_max;   /**< Bytes of the body to search; 0: 65536. */
    /** Header fields of the host's own, at most 32, sent unchanged after the
     *  library's: Authorization, X-Forwarded-Proto.  A User-Agent replaces the
     *  library's.  INFRA_EINVAL: a field that frames the request or controls
     *  the connection: Host (an option above), Connection, Content-Length,
     *  Transfer-Encoding, TE, Trailer, Upgrade, Expect. */
    const struct infra_probe_http_field *fields;
    size_t fields_count;
};

/**
 * Create a check that sends one HTTP/1.1 request (RFC 9112) on a connection of
 * its own and judges the reply.
 *
 * @code
 * GET /health HTTP/1.1
 * Host: localhost
 * User-Agent: libinfra
 * Connection: close
 * @endcode
 *
 * The reply may be chunked, have a Content-Length, or end with the connection.
 * Interim 1xx replies are skipped, except 101, which is final.
 *
 * The parser accepts what other clients accept: empty lines before the reply,
 * folded fields, lines that are not fields, a list of equal lengths, and a
 * transfer coding in HTTP/1.0 or beside a length (the coding wins).  Framing
 * that is wrong beyond that is BAD_LENGTH, but only if body_contains needs the
 * body.  Control characters in the header, and a header above header_max, fail
 * as they do with every client.
 *
 * A reply that passes and has the field x-envoy-degraded, with any value, ends
 * as DEGRADED (Envoy, "Degraded endpoints").
 *
 * The result is available as soon as the check is decided: with the header, or
 * with the text.  The driver then reads on until the server closes, for the
 * rest of response_timeout and up to 1 MiB, so that the server sees no error.
 * A server that does not close in time is closed in order; a server that sends
 * more is reset.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is too long or that a request may not contain, more than 32
 *         fields or one that may not be set, body_contains with HEAD, a status
 *         outside 100 .. 599, status_max below status_min, header_max or
 *         body_max above 1 MiB, a flag above 1.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_http(
    struct infra_probe **ret, const struct infra_probe_http_options *options);

/** Options of infra_probe_agent().  The text is copied. */
struct infra_probe_agent_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts; /**< NULL: all defaults. */
    uint32_t tls;                                /**< 1: over TLS. */
    uint32_t reserved;
    const char *send; /**< What to send, at most 1024 bytes; NULL: nothing. */
};

/**
 * Create a check that asks a backend's agent (HAProxy's agent-check).
 *
 * An agent is a small server beside the backend.  It answers with one line, and
 * knows what no check from outside sees: the load, or what the operator wants.
 * The line ends with the first CR or LF.  Words are separated by blanks, tabs
 * and commas, in any order and any case; the last word of a kind wins:
 *
 * - `up`; `down`, `fail`, `stopped`: HEALTH is set; the latter three end as
 *   AGENT_DOWN;
 * - `75%` or `weight:75%`: WEIGHT is set, weight_percent is at most 25600;
 * - `weight:10`, 0 to 256: WEIGHT_ABSOLUTE is set, with weight;
 * - `maxconn:30`: IN_FLIGHT_MAX is set; 0 means no cap;
 * - `ready`, `drain`, `maint`: ADMIN is set.
 *
 * A weight of 0 or 0% means no new work, as in HAProxy.  Pass it to
 * infra_balancer_set_share() or infra_balancer_set_weight(), where 0 is no
 * work.  Never store it in infra_backend.weight, where 0 means the default, 1.
 *
 * A word that begins with # begins a description, which goes to the end of the
 * line.  The text MESSAGE is the description, or else the first word that is
 * none of the above.  Such words, and numbers out of range, are ignored.
 *
 * A field that is not set leaves the host's earlier value in force.  To behave
 * like HAProxy, keep the agent apart from the check of the backend: take PASSED
 * and AGENT_DOWN as a verdict only if HEALTH is set, and ignore every other
 * reason, since an agent that cannot be reached says nothing about its backend.
 * A host that passes every outcome on to the backend's health, as infra_prober
 * does, counts a dead agent as a failure of the backend.
 *
 * Reasons beside those of the connection: AGENT_DOWN; CLOSED_EARLY: no complete
 * line; REPLY_TOO_LONG: a line above 1024 bytes; BAD_REPLY: a zero byte.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that is too long, tls above 1.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_agent(
    struct infra_probe **ret, const struct infra_probe_agent_options *options);

/** What a step of a script does. */
enum infra_probe_step_kind {
    /** Send the bytes. */
    INFRA_PROBE_STEP_SEND,
    /** Wait for the bytes, skipping what comes before them. */
    INFRA_PROBE_STEP_EXPECT,
    /** The bytes must come next; the first that differs is UNEXPECTED. */
    INFRA_PROBE_STEP_EXPECT_START,
    /** Wait for the end of the stream, skipping what comes before it. */
    INFRA_PROBE_STEP_EXPECT_END,
    /** Do not wait.  The check is UNEXPECTED if the bytes come before, or end
     *  together with, those of the next expectation. */
    INFRA_PROBE_STEP_REFUSE,
};

/** A step of a script. */
struct infra_probe_step {
    const void *bytes; /**< Unused by EXPECT_END. */
    size_t bytes_size; /**< 0: bytes is a string; its length. */
    uint32_t kind;     /**< enum infra_probe_step_kind */
    uint32_t reserved;
};

/** Options of infra_probe_script().  Steps and bytes are copied. */
struct infra_probe_script_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts; /**< NULL: all defaults. */
    uint32_t tls;                                /**< 1: over TLS. */
    uint32_t reserved;
    const struct infra_probe_step *steps;
    size_t steps_count; /**< 1 to 64. */
};

/**
 * Create a check that sends and expects, for any simple protocol, like
 * HAProxy's tcp-check.
 *
 * An expectation begins where the previous one ended.  The check passes with
 * its last step.
 *
 * @code
 * const struct infra_probe_step smtp[] = {
 *     { .kind = INFRA_PROBE_STEP_EXPECT_START, .bytes = "220" },
 *     { .kind = INFRA_PROBE_STEP_EXPECT, .bytes = "\r\n" },
 *     { .kind = INFRA_PROBE_STEP_SEND, .bytes = "QUIT\r\n" },
 *     { .kind = INFRA_PROBE_STEP_EXPECT_START, .bytes = "221" },
 * };
 * const struct infra_probe_step imap[] = {
 *     { .kind = INFRA_PROBE_STEP_REFUSE, .bytes = "* BYE" },
 *     { .kind = INFRA_PROBE_STEP_EXPECT, .bytes = "* OK" },
 *     { .kind = INFRA_PROBE_STEP_SEND, .bytes = "a LOGOUT\r\n" },
 *     { .kind = INFRA_PROBE_STEP_EXPECT, .bytes = "a OK" },
 *     { .kind = INFRA_PROBE_STEP_EXPECT_END },
 * };
 * const struct infra_probe_step memcached[] = {
 *     { .kind = INFRA_PROBE_STEP_SEND, .bytes = "version\r\n" },
 *     { .kind = INFRA_PROBE_STEP_EXPECT_START, .bytes = "VERSION " },
 * };
 * const struct infra_probe_step ldap[] = { // bind; result 0
 *     { .kind = INFRA_PROBE_STEP_SEND, .bytes_size = 14,
 *       .bytes = "\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0" },
 *     { .kind = INFRA_PROBE_STEP_EXPECT,
 *       .bytes = "\x0a\1\0", .bytes_size = 3 },
 * };
 * @endcode
 *
 * STATUS is set: result.status is the number of steps passed, and therefore the
 * index of the step that failed.  A SEND counts as passed as soon as it begins.
 * The text MESSAGE is the first 127 bytes that the last expectation saw,
 * without the line ends around them.  After UNEXPECTED, the part of the wrong
 * answer that it shows depends on how the input was split.
 *
 * Reasons beside those of the connection: UNEXPECTED; CLOSED_EARLY: the stream
 * ended where something else is expected; NO_REPLY, SLOW_REPLY: not in time;
 * REPLY_TOO_LONG: above 64 KiB.
 *
 * @param[out] ret  Set on success only.
 * @param options   Required.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, no steps
 *         or too many, an unknown kind, no bytes, more than 4096 bytes to send
 *         or 255 to look for, REFUSE without a later expectation, tls above 1.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_script(
    struct infra_probe **ret, const struct infra_probe_script_options *options);

/** Free a probe and wipe its memory; NULL is allowed.  Thread safety:
 *  owner. */
INFRA_API void infra_probe_destroy(struct infra_probe *probe);

/**
 * Start a check and forget the previous one.
 *
 * @param timeout_scale  Factor for the timeouts of this check, in thousandths,
 *                       for a checker that doubts itself; below 1000: 1000.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_probe_start(struct infra_probe *probe,
                                 uint32_t timeout_scale, infra_time now);

/**
 * Return the conversation to run, valid for the lifetime of the probe.
 *
 * Thread safety: owner.
 */
INFRA_API struct infra_exchange infra_probe_exchange(struct infra_probe *probe);

/**
 * Return how the check ended.
 *
 * @return INFRA_OK; INFRA_EAGAIN: not started, or not over; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_probe_result(const struct infra_probe *probe,
                                 struct infra_probe_result *ret);

/**
 * Return a text of the last check: printable ASCII whatever the server sent, ""
 * if there is none, valid until the next start.
 *
 * @param kind  enum infra_probe_text_kind
 *
 * Thread safety: owner.
 */
INFRA_API const char *infra_probe_text(const struct infra_probe *probe,
                                       uint32_t kind);

/** Name a reason ("no reply"); "unknown".  Thread safety: any. */
INFRA_API const char *infra_probe_reason_name(uint32_t reason);

/** Name a role ("replica"); "unknown".  Thread safety: any. */
INFRA_API const char *infra_probe_role_name(uint32_t role);

/** Name an administrative state ("drain"); "unknown".  Thread safety: any. */
INFRA_API const char *infra_probe_admin_name(uint32_t admin);

/** Name one bit of infra_probe_result.has, "lag"; "unknown".  Thread safety:
 *  any. */
INFRA_API const char *infra_probe_has_name(uint32_t bit);

/** Name a kind of text ("version"); "unknown".  Thread safety: any. */
INFRA_API const char *infra_probe_text_name(uint32_t kind);

/** Name a kind of step: "send", "expect", "start", "end", "refuse"; "unknown".
 *  Thread safety: any. */
INFRA_API const char *infra_probe_step_name(uint32_t kind);

#ifdef __cplusplus
}
#endif

#include <infra/probe_database.h>

#endif /* INFRA_PROBE_H */
