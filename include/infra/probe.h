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
 * What the server notes of a check: with a limit that is over or a reply that
 * is none, a reset.  Else nothing: TCP resets before the program hears of it;
 * HTTP and the agent are read to the end, also when they are decided; MySQL and
 * PostgreSQL are left with their own farewell; Redis is reset after its last
 * reply, which it logs as "verbose" only.  A script ends with its last step, and
 * the connection with a reset if that was an expectation: for a server that
 * minds, let it send the protocol's farewell and end with EXPECT_END.
 *
 * Databases have a header of their own, probe_database.h, which this one
 * includes.
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
    INFRA_PROBE_ANSWER,          /**< The host's own question has no answer, or
                                    not one within its limits. */
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
    INFRA_TOLD_HEALTH = 256, /**< By an agent: the outcome is a verdict. */
    INFRA_TOLD_WEIGHT_ABSOLUTE = 512, /**< weight, not weight_percent. */
    INFRA_TOLD_ANSWER = 1024, /**< The host's own question was answered. */
};

/** Which text infra_probe_text() is to tell. */
enum infra_probe_text_kind {
    INFRA_PROBE_TEXT_VERSION,  /**< What the server calls itself. */
    INFRA_PROBE_TEXT_MESSAGE,  /**< The error, or what an agent or a script
                                    saw. */
    INFRA_PROBE_TEXT_POSITION, /**< Of a database, as it writes it: GTIDs, an
                                    LSN, an offset. */
    INFRA_PROBE_TEXT_SOURCE,   /**< Of a replica: from whom it receives now, as
                                    "host:port"; "" if from nobody. */
};

/** How a check ended. */
struct infra_probe_result {
    uint32_t outcome;    /**< enum infra_outcome, for infra_health_verdict(). */
    uint32_t reason;     /**< enum infra_probe_reason */
    uint32_t status;     /**< HTTP: the status.  Databases: the error's number.
                           Scripts: how many steps were passed. */
    uint32_t told;       /**< enum infra_probe_told; other fields are 0. */
    infra_time duration; /**< From start to end. */
    infra_time lag;      /**< How far a replica is behind. */
    uint64_t position; /**< An LSN, a replication offset, a GTID's sequence. */
    uint32_t role;     /**< enum infra_probe_role */
    uint32_t writable; /**< 1: it takes writes. */
    uint32_t weight_percent; /**< Of the configured weight; 0: no work. */
    uint32_t in_flight_max;  /**< As in struct infra_backend. */
    uint32_t admin;          /**< enum infra_probe_admin */
    uint32_t weight;         /**< Instead of the configured one; 0: no work. */
    uint64_t answer;         /**< To the question in a database's options. */
    uint64_t reserved1[4];
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
 * A check that passes as soon as the connection stands.  It shows that the
 * server's system answers, not that its program does: one that hangs passes.
 * The driver then resets the connection before the program hears of it.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK, INFRA_ENOMEM, INFRA_EINVAL, INFRA_ESTRUCT.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_tcp(
    struct infra_probe **ret, const struct infra_probe_tcp_options *options);

/** A field of an HTTP request. */
struct infra_probe_http_field {
    const char *name;  /**< A token of at most 64 bytes. */
    const char *value; /**< At most 4096 bytes without control characters. */
};

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
    /** 1: 404 passes and asks for a drain, as in HAProxy's disable-on-404: the
     *  result tells DRAIN, and READY with any other reply that passes.  In
     *  HAProxy 404 does not bring back who is down; here it is a pass, and the
     *  drain keeps new work away. */
    uint32_t drain_on_404;
    /** Header fields of the host's own, at most 32, which are sent as they are,
     *  after ours: Authorization, X-Forwarded-Proto.  User-Agent replaces ours.
     *  INFRA_EINVAL: what frames the request or the connection: Host (that is
     *  an option), Connection, Content-Length, Transfer-Encoding, TE, Trailer,
     *  Upgrade, Expect. */
    const struct infra_probe_http_field *fields;
    size_t fields_count;
};

/**
 * An HTTP/1.1 request (RFC 9112) on a connection of its own, and what to expect
 * of the reply: chunked, with Content-Length, or ended by closing.  Interim 1xx
 * replies are passed over, but for 101, which is final.  A check is no proxy,
 * and takes what other clients take: empty lines before the reply, folded
 * fields, lines that are no field, a list of equal lengths, a coding in HTTP/1.0
 * or beside a length (the coding counts).  Framing that is wrong beyond that is
 * BAD_LENGTH only if body_contains needs it.  Control characters in the header,
 * and more than header_max of it, fail with every client.  The request is
 *
 * @code
 * GET /health HTTP/1.1
 * Host: localhost
 * User-Agent: libinfra
 * Connection: close
 * @endcode
 *
 * A reply that passes and has the field x-envoy-degraded, with any value, ends
 * as DEGRADED (Envoy, "Degraded endpoints").
 *
 * The result is there as soon as it is decided: with the head, or with the text.
 * The driver then reads on until the server has closed the connection, so that
 * the server can say all and has no error to log; for the rest of
 * response_timeout and for 1 MiB.  A server that does not close in time is left
 * in order, one that sends more is reset.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a text
 *         that may not stand in a request or is too long, a field that may not
 *         be set or too many, body_contains with HEAD, a status outside 100 .. 599, status_max below status_min,
 *         header_max or body_max above 1 MiB, a flag above 1.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_http(
    struct infra_probe **ret, const struct infra_probe_http_options *options);

/** Options of infra_probe_agent().  The text is copied. */
struct infra_probe_agent_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *send; /**< NULL: nothing is sent.  At most 1024 bytes. */
    infra_time connect_timeout;    /**< 0: 1 s.  With TLS for each of both. */
    infra_time response_timeout;   /**< From connected to the end; 0: 2 s. */
    infra_time first_byte_timeout; /**< From connected to the first byte; 0, or
                                        more: response_timeout. */
    uint32_t tls;                  /**< 1: over TLS. */
    uint32_t reserved;
};

/**
 * Ask the agent of a backend: HAProxy's agent-check.  The agent is a small
 * server beside the backend that answers with one line and knows what no check
 * from outside sees: load, or the operator's wish.  The line ends with the
 * first CR or LF; its words are parted by blanks, tabs and commas, in any order
 * and any case, and the last of a kind wins:
 *
 * - `up`; `down`, `fail`, `stopped`: told as HEALTH, the latter three end as
 *   AGENT_DOWN;
 * - `75%` or `weight:75%`: told as WEIGHT, weight_percent (at most 25600);
 *   `weight:10`, 0 to 256: told as WEIGHT_ABSOLUTE, weight.  0 and 0% are told
 *   as they are, and mean no new work, as in HAProxy: for the balancer they go
 *   to infra_balancer_set_share() and infra_balancer_set_weight(), where 0 is
 *   nothing, and never into infra_backend.weight, where 0 is the default, 1;
 * - `maxconn:30`: told as IN_FLIGHT_MAX; 0 is no cap;
 * - `ready`, `drain`, `maint`: told as ADMIN.
 *
 * A word that begins with # begins a description, up to the end of the line:
 * the text MESSAGE, or else the first word that is none of these (such words
 * and numbers out of range are ignored).
 *
 * What is not told is not changed: the host keeps what it was told before.  For
 * HAProxy's behaviour it keeps the agent apart from the check of the backend
 * itself, takes PASSED and AGENT_DOWN for a verdict only if HEALTH is told, and
 * lets every other reason be: an agent that cannot be reached says nothing
 * about its backend.  A host that hands every outcome to the health of a
 * backend, as infra_prober does, holds a dead agent against it.
 *
 * The reasons beside those of the connection: AGENT_DOWN; CLOSED_EARLY, no
 * whole line; REPLY_TOO_LONG, a line past 1024 bytes; BAD_REPLY, a zero byte.
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

/** What to do in a step of a script. */
enum infra_probe_step_kind {
    /** Send the bytes. */
    INFRA_STEP_SEND,
    /** Wait for the bytes; whatever comes before them is passed over. */
    INFRA_STEP_EXPECT,
    /** These bytes must come next: the first that differs is UNEXPECTED. */
    INFRA_STEP_EXPECT_START,
    /** Wait for the end of the stream; whatever comes before is passed over. */
    INFRA_STEP_EXPECT_END,
    /** Wait for nothing, but the bytes are UNEXPECTED if they come before what
     *  the next expectation waits for, or end with it. */
    INFRA_STEP_REFUSE,
};

/** A step of a script. */
struct infra_probe_step {
    const void *bytes; /**< Unused by EXPECT_END. */
    size_t bytes_size; /**< 0: bytes is a string, and this its length. */
    uint32_t kind;     /**< enum infra_probe_step_kind */
    uint32_t reserved;
};

/** Options of infra_probe_script().  Steps and bytes are copied. */
struct infra_probe_script_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_step *steps;
    size_t steps_count;            /**< 1 to 64. */
    infra_time connect_timeout;    /**< 0: 1 s.  With TLS for each of both. */
    infra_time response_timeout;   /**< From connected to the end; 0: 2 s. */
    infra_time first_byte_timeout; /**< From connected to the first byte; 0, or
                                        more: response_timeout. */
    uint32_t tls;                  /**< 1: over TLS. */
    uint32_t reserved;
};

/**
 * A check that sends and expects, for any protocol that needs no more, like
 * HAProxy's tcp-check.  An expectation begins where the one before it ended,
 * and the check passes with its last step.
 *
 * @code
 * const struct infra_probe_step smtp[] = {
 *     { .kind = INFRA_STEP_EXPECT_START, .bytes = "220" },
 *     { .kind = INFRA_STEP_EXPECT, .bytes = "\r\n" },
 *     { .kind = INFRA_STEP_SEND, .bytes = "QUIT\r\n" },
 *     { .kind = INFRA_STEP_EXPECT_START, .bytes = "221" },
 * };
 * const struct infra_probe_step imap[] = {
 *     { .kind = INFRA_STEP_REFUSE, .bytes = "* BYE" },
 *     { .kind = INFRA_STEP_EXPECT, .bytes = "* OK" },
 *     { .kind = INFRA_STEP_SEND, .bytes = "a LOGOUT\r\n" },
 *     { .kind = INFRA_STEP_EXPECT, .bytes = "a OK" },
 *     { .kind = INFRA_STEP_EXPECT_END },
 * };
 * const struct infra_probe_step memcached[] = {
 *     { .kind = INFRA_STEP_SEND, .bytes = "version\r\n" },
 *     { .kind = INFRA_STEP_EXPECT_START, .bytes = "VERSION " },
 * };
 * const struct infra_probe_step ldap[] = { // bind, and its result is 0
 *     { .kind = INFRA_STEP_SEND, .bytes_size = 14,
 *       .bytes = "\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0" },
 *     { .kind = INFRA_STEP_EXPECT, .bytes = "\x0a\1\0", .bytes_size = 3 },
 * };
 * @endcode
 *
 * The result tells STATUS: how many steps were passed; so it is the index of
 * the one that was not.  Sending counts as passed as soon as it begins.  The
 * text MESSAGE is the first 127 bytes of what the last expectation saw, without
 * the line ends around it; after UNEXPECTED how much of the wrong answer it
 * shows depends on how that came.
 *
 * The reasons beside those of the connection: UNEXPECTED; CLOSED_EARLY, the end
 * came where something else is expected; NO_REPLY, SLOW_REPLY, it did not come
 * in time; REPLY_TOO_LONG, past 64 KiB.
 *
 * @param[out] ret  Set on success only.
 * @param options   Required.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, no steps
 *         or too many, an unknown kind, no bytes, more than 4096 to send or
 *         more than 255 to look for, REFUSE without an expectation after it,
 *         tls above 1.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_probe_script(
    struct infra_probe **ret, const struct infra_probe_script_options *options);

/** Free a probe, and wipe what it knows; NULL is allowed.  Thread safety:
 *  owner. */
INFRA_API void infra_probe_destroy(struct infra_probe *probe);

/**
 * Begin a check, forgetting the one before.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_probe_start(struct infra_probe *probe, infra_time now);

/**
 * The same for a checker that doubts itself: every deadline of this check is
 * @p patience_permille thousandths of what the options say, but never less than
 * that.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_probe_start_patiently(struct infra_probe *probe,
                                           uint32_t patience_permille,
                                           infra_time now);

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

#include <infra/probe_database.h>

#endif /* INFRA_PROBE_H */
