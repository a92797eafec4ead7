/* SPDX-License-Identifier: MIT */
/**
 * @file http.h
 * HTTP/1.x message framing for proxies and servers: heads, bodies, trailers,
 * and a writer of normalised heads.  Strict, without input and output.
 *
 * @code
 * struct infra_http_field fields[64];
 * struct infra_http_head head;
 * struct infra_http_body body;
 *
 * infra_http_head_start(&head, INFRA_HTTP_REQUEST, 0, NULL, fields, 64);
 * do {
 *     count += receive(buffer + count);
 *     step = infra_http_head_take(&head, buffer, count);
 * } while (step == INFRA_HTTP_MORE);
 * if (step == INFRA_HTTP_REFUSED) {
 *     answer_and_close(head.refusal_status,
 *                      infra_http_reason_name(head.reason));
 * }
 * infra_http_body_start(&body, &head);  (it begins at buffer + head.size)
 * @endcode
 *
 * **A head lies in the host's buffer.**  The machine is given the buffer from
 * the head's first byte each time, with more bytes at its end; it copies
 * nothing and keeps offsets, so the buffer may move between calls.  A line is
 * judged when its end is there, so that any split of the input gives the same
 * answer.  (A first byte that cannot begin a message is refused at once.)
 *
 * **Framing is decided once**, by RFC 9112 §6.3, and only from a head that
 * leaves no choice.  Refused are: a coding beside a length, several lengths,
 * any coding but "chunked", a coding in HTTP/1.0, blanks before a colon, folded
 * lines, bare CR and LF, control characters, and a request whose Host is not
 * exactly one.  A request body never lasts until close.
 *
 * **Lenient** mode accepts what RFC 9112 lets a recipient accept: LF as the end
 * of a line of a head (§2.2), any number of empty lines before a head, equal
 * Content-Lengths (§6.3), bytes above 127 in a target; in a response also a
 * blank before a colon (§5.1) and blanks behind a chunk's size.
 *
 * **Bodies** pass in pieces.  infra_http_body_take() says which bytes of the
 * input are data; infra_http_body_left() says how many of the next bytes are,
 * for splice(), and infra_http_body_pass() counts these.  After the last chunk
 * the trailer section is a head of kind INFRA_HTTP_TRAILERS.
 *
 * **Output** is never the input.  infra_http_write_line() and _fields() write
 * each line anew, the target in origin-form, exactly one Host, without
 * hop-by-hop fields (RFC 9110 §7.6.1) and without names such as
 * Transfer_Encoding, which CGI programs take for the framing's own.  The host
 * adds its fields, and the framing of its choice.
 *
 * **After a refusal** the connection's position is unknown: answer if possible,
 * then close.  Bytes behind a response that no request asked for are the host's
 * to notice: it closes that connection.  A body that the host did not read to
 * its end likewise forbids the next message.
 *
 * Cost: O(bytes), the common bytes eight at a time.  No allocation, no state
 * but in the structs.  Sources: RFC 9110, RFC 9112.
 */
#ifndef INFRA_HTTP_H
#define INFRA_HTTP_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a call asks of the host.  Append-only. */
enum infra_http_step {
    INFRA_HTTP_MORE = 0,    /**< All bytes are seen; more are needed. */
    INFRA_HTTP_DONE = 1,    /**< The head, or the body, is complete. */
    INFRA_HTTP_DATA = 2,    /**< A piece of the body. */
    INFRA_HTTP_TRAILER = 3, /**< The trailer section follows. */
    INFRA_HTTP_REFUSED = 4, /**< See reason and refusal_status. */
};

/** What a head is of. */
enum infra_http_kind {
    INFRA_HTTP_REQUEST = 0,
    INFRA_HTTP_RESPONSE = 1,
    INFRA_HTTP_TRAILERS = 2,
};

/** How a message's body ends. */
enum infra_http_framing {
    INFRA_HTTP_FRAMING_NONE = 0,    /**< There is no body. */
    INFRA_HTTP_FRAMING_LENGTH = 1,  /**< Content-Length. */
    INFRA_HTTP_FRAMING_CHUNKED = 2, /**< Chunked coding. */
    INFRA_HTTP_FRAMING_CLOSE = 3,   /**< A response until close. */
    /** No body but a tunnel: CONNECT with 2xx, or 101.  For a request:
     *  CONNECT; nothing is a tunnel before the response says it. */
    INFRA_HTTP_FRAMING_TUNNEL = 4,
};

/** Why a message is refused.  Append-only.  In brackets the status. */
enum infra_http_reason {
    INFRA_HTTP_REASON_NONE = 0,
    INFRA_HTTP_REASON_REQUEST_LINE = 1,   /**< Malformed. [400] */
    INFRA_HTTP_REASON_METHOD = 2,         /**< Not a token. [400] */
    INFRA_HTTP_REASON_TARGET = 3,         /**< Malformed, or unfit. [400] */
    INFRA_HTTP_REASON_VERSION = 4,        /**< Not HTTP/1.0 or 1.1. [505] */
    INFRA_HTTP_REASON_STATUS_LINE = 5,    /**< Malformed. [502] */
    INFRA_HTTP_REASON_FIELD_NAME = 6,     /**< Not a token and a colon. [400] */
    INFRA_HTTP_REASON_FIELD_VALUE = 7,    /**< A control character. [400] */
    INFRA_HTTP_REASON_NUL = 8,            /**< A zero byte. [400] */
    INFRA_HTTP_REASON_FOLDED = 9,         /**< A line begins blank. [400] */
    INFRA_HTTP_REASON_BARE_LF = 10,       /**< LF without CR. [400] */
    INFRA_HTTP_REASON_BARE_CR = 11,       /**< CR without LF. [400] */
    INFRA_HTTP_REASON_HOST_COUNT = 12,    /**< Not exactly one Host. [400] */
    INFRA_HTTP_REASON_HOST_VALUE = 13,    /**< Not a host and port. [400] */
    INFRA_HTTP_REASON_LENGTH_SYNTAX = 14, /**< No number < 2^63. [400] */
    INFRA_HTTP_REASON_LENGTHS = 15,       /**< Several. [400] */
    INFRA_HTTP_REASON_LENGTH_CODING = 16, /**< Both. [400] */
    INFRA_HTTP_REASON_CODING = 17,        /**< An unknown one. [501] */
    INFRA_HTTP_REASON_NOT_CHUNKED = 18,   /**< Not exactly chunked. [400] */
    INFRA_HTTP_REASON_CODING_VERSION = 19, /**< In HTTP/1.0. [400] */
    INFRA_HTTP_REASON_CONNECTION = 20,     /**< Over 16 options. [400] */
    INFRA_HTTP_REASON_TARGET_SIZE = 21,    /**< Too long. [414] */
    INFRA_HTTP_REASON_HEAD_SIZE = 22,      /**< Too long. [431] */
    INFRA_HTTP_REASON_FIELDS = 23,         /**< Too many. [431] */
    INFRA_HTTP_REASON_BODY_SIZE = 24,      /**< Over body_max. [413] */
    INFRA_HTTP_REASON_CHUNK_SIZE = 25,     /**< Malformed. [400] */
    INFRA_HTTP_REASON_CHUNK_LINE =
        26,                          /**< Over 256 bytes, or a control. [400] */
    INFRA_HTTP_REASON_CHUNK_LF = 27, /**< LF without CR. [400] */
    INFRA_HTTP_REASON_CHUNK_CR = 28, /**< CR without LF. [400] */
    INFRA_HTTP_REASON_CHUNK_END = 29, /**< Data without CR LF. [400] */
    INFRA_HTTP_REASON_CUT_SHORT = 30, /**< The stream ended early. [400] */
    INFRA_HTTP_REASON_SWITCH = 31,    /**< 101 that none asked for. [502] */
};
/* In a response each status is 502. */

/** Fields that have a meaning here, or that proxies ask for.  Append-only. */
enum infra_http_id {
    INFRA_HTTP_ID_OTHER = 0,
    INFRA_HTTP_ID_HOST = 1,
    INFRA_HTTP_ID_CONTENT_LENGTH = 2,
    INFRA_HTTP_ID_TRANSFER_ENCODING = 3,
    INFRA_HTTP_ID_CONNECTION = 4,
    INFRA_HTTP_ID_KEEP_ALIVE = 5,
    INFRA_HTTP_ID_PROXY_CONNECTION = 6,
    INFRA_HTTP_ID_TE = 7,
    INFRA_HTTP_ID_TRAILER = 8,
    INFRA_HTTP_ID_UPGRADE = 9,
    INFRA_HTTP_ID_EXPECT = 10,
    INFRA_HTTP_ID_COOKIE = 11,
    INFRA_HTTP_ID_FORWARDED = 12,
    INFRA_HTTP_ID_X_FORWARDED_FOR = 13,
    INFRA_HTTP_ID_X_FORWARDED_PROTO = 14,
    INFRA_HTTP_ID_PROXY_AUTHORIZATION = 15,
    INFRA_HTTP_ID_PROXY_AUTHENTICATE = 16,
    INFRA_HTTP_ID_MAX = 17,
};

/** Methods that matter to framing and to retries. */
enum infra_http_method {
    INFRA_HTTP_METHOD_OTHER = 0,
    INFRA_HTTP_METHOD_GET = 1,
    INFRA_HTTP_METHOD_HEAD = 2,
    INFRA_HTTP_METHOD_POST = 3,
    INFRA_HTTP_METHOD_PUT = 4,
    INFRA_HTTP_METHOD_DELETE = 5,
    INFRA_HTTP_METHOD_CONNECT = 6,
    INFRA_HTTP_METHOD_OPTIONS = 7,
    INFRA_HTTP_METHOD_TRACE = 8,
};

/** Flags of a head. */
#define INFRA_HTTP_KEEP_ALIVE (1u << 0) /**< The sender keeps it open. */
#define INFRA_HTTP_CONTINUE (1u << 1)   /**< Expect: 100-continue. */
#define INFRA_HTTP_UPGRADE (1u << 2)    /**< Upgrade, named by Connection. */
#define INFRA_HTTP_INTERIM (1u << 3)    /**< 1xx but 101: another follows. */
#define INFRA_HTTP_HAS_LENGTH (1u << 4) /**< content_length is the field's. */

/** Flags of a field. */
#define INFRA_HTTP_FIELD_HOP (1u << 0) /**< Not for the next hop. */

/** A part of the host's buffer. */
struct infra_http_span {
    uint32_t at; /**< Offset from the head's first byte. */
    uint32_t length;
};

/** A field.  Blanks around the value are not part of it. */
struct infra_http_field {
    struct infra_http_span name;
    struct infra_http_span value;
    uint16_t id; /**< enum infra_http_id. */
    uint16_t flags;
};

/** Limits and mode.  Copied. */
struct infra_http_limits {
    size_t size;         /**< sizeof(struct infra_http_limits). */
    uint64_t body_max;   /**< Bytes of a body, decoded; 0: 2^63 - 1. */
    uint32_t head_max;   /**< Bytes of a head; 0: 16384; at most 2^20. */
    uint32_t target_max; /**< Bytes of a target; 0: 8192. */
    uint32_t lenient;    /**< 0: strict; 1: see above. */
    uint32_t reserved;   /**< Must be zero. */
};

/** A head.  Read what stands before the line; the rest is private. */
struct infra_http_head {
    uint64_t content_length; /**< With HAS_LENGTH, whatever the framing. */
    uint32_t size;           /**< Bytes of the head, once it is DONE. */
    uint32_t fields_count;   /**< Fields that are set. */
    uint32_t flags;          /**< INFRA_HTTP_KEEP_ALIVE, ... */
    uint32_t framing;        /**< enum infra_http_framing. */
    uint32_t reason;         /**< enum infra_http_reason. */
    uint32_t refusal_status; /**< The answer, if REFUSED. */
    uint32_t method_id;      /**< enum infra_http_method. */
    uint32_t status;         /**< Of a response. */
    uint32_t minor;          /**< HTTP/1.@a minor: 0 or 1. */
    uint32_t kind;           /**< enum infra_http_kind. */
    struct infra_http_span method; /**< Of a request. */
    struct infra_http_span target; /**< As it stands. */
    /** Of the target; "/" is not there if absolute-form has no path: length 0.
     *  OPTIONS with "*": that. */
    struct infra_http_span path;
    /** Authority of the target if it has one, else the value of Host. */
    struct infra_http_span host;
    struct infra_http_span phrase; /**< Of a response: the reason phrase. */
    /* ---- */
    struct infra_http_field *fields;
    uint64_t body_max;
    uint32_t fields_max;
    uint32_t head_max;
    uint32_t target_max;
    uint32_t lenient;
    uint32_t at;      /* The line that is next. */
    uint32_t scanned; /* No LF from there up to here. */
    uint32_t state;
    uint32_t asked; /* Method and flags of the request. */
    uint32_t lengths;
    uint32_t codings;
    uint32_t hosts;
    uint32_t absolute;
};

/** A body.  Read reason and refusal_status; the rest is private. */
struct infra_http_body {
    uint64_t left;
    uint64_t total;
    uint64_t body_max;
    uint32_t reason;         /**< enum infra_http_reason. */
    uint32_t refusal_status; /**< The answer, if REFUSED. */
    uint32_t state;
    uint32_t framing;
    uint32_t line;
    uint32_t lenient;
    uint32_t response;
    uint32_t reserved;
};

/**
 * Start a head.
 *
 * @param request  The head of the request that a response answers: HEAD,
 *                 CONNECT and Upgrade change its framing.  Of trailers: the
 *                 head of their message.  NULL for a request, or for what
 *                 belongs to a plain GET.
 * @param limits   NULL for all defaults.
 * @param fields   Room for fields, the host's; it must outlive the head.
 * @return INFRA_OK; INFRA_EINVAL: NULL, an unknown kind, or a limit out of
 *         range; INFRA_ESTRUCT.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_http_head_start(struct infra_http_head *head, uint32_t kind,
                                    const struct infra_http_head *request,
                                    const struct infra_http_limits *limits,
                                    struct infra_http_field *fields,
                                    uint32_t fields_max);

/**
 * Look at a head's bytes.
 *
 * @param bytes  All of the head that is there, from its first byte.
 * @param count  Bytes; not less than at the last call.
 * @return enum infra_http_step: MORE, DONE, or REFUSED, which then stays.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t infra_http_head_take(struct infra_http_head *head,
                                        const void *bytes, size_t count);

/**
 * Find the first field with this id, from index @p from.
 *
 * @return its index, or -1.
 *
 * Thread safety: owner.
 */
INFRA_API int32_t infra_http_head_find(const struct infra_http_head *head,
                                       uint32_t id, uint32_t from);

/**
 * Start the body of a head that is DONE.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or the head is not DONE.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_http_body_start(struct infra_http_body *body,
                                    const struct infra_http_head *head);

/**
 * Take bytes of a body, up to the end of the next piece of data.
 *
 * @param[out] ret_used  Bytes taken; give the others again.
 * @param[out] ret_data  Bytes of data: the last ones of those taken.
 * @return enum infra_http_step.  DATA: call again, also with no bytes.
 *         TRAILER: start a head of kind INFRA_HTTP_TRAILERS; the body ends with
 *         it.  DONE: the next byte is not this message's.  A TUNNEL is DONE.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t infra_http_body_take(struct infra_http_body *body,
                                        const void *bytes, size_t count,
                                        size_t *ret_used, size_t *ret_data);

/**
 * Bytes that follow and are all data, so that the host may splice() them.
 *
 * @return 0: none, or not known; UINT64_MAX: all until close.
 *
 * Thread safety: owner.
 */
INFRA_API uint64_t infra_http_body_left(const struct infra_http_body *body);

/**
 * Count @p count bytes of data that the host passed on by itself.
 *
 * @return INFRA_OK; INFRA_EINVAL: more than infra_http_body_left().
 *
 * Thread safety: owner.
 */
INFRA_API int infra_http_body_pass(struct infra_http_body *body,
                                   uint64_t count);

/**
 * The peer ended its stream in order.
 *
 * @return DONE: the body is complete; REFUSED: it is cut short.
 *
 * Thread safety: owner.
 */
INFRA_API uint32_t infra_http_body_eof(struct infra_http_body *body);

/** Where output goes.  A plain value. */
struct infra_http_out {
    char *at;      /**< The host's. */
    size_t room;   /**< Bytes at @a at. */
    size_t length; /**< Bytes written; above room: these would be needed. */
};

/**
 * Write the first line of a head that is DONE, as HTTP/1.1, and of a request
 * its Host.  A status line has no reason phrase of the peer's, only a blank.
 * A request of HTTP/1.0 may have no Host (@a host is empty): add one.
 *
 * @param bytes  The head's, as for infra_http_head_take().
 *
 * Thread safety: owner (of the output).
 */
INFRA_API void infra_http_write_line(struct infra_http_out *out,
                                     const struct infra_http_head *head,
                                     const void *bytes);

/**
 * Write the fields for the next hop: none that are hop-by-hop, frame the
 * message, or look like it; not Host; none whose id's bit is in @p without.
 * Of trailers also none that may change the message: Cookie, Forwarded, Expect,
 * X-Forwarded-For and -Proto.
 *
 * @param without  Bits 1 << enum infra_http_id.
 *
 * Thread safety: owner (of the output).
 */
INFRA_API void infra_http_write_fields(struct infra_http_out *out,
                                       const struct infra_http_head *head,
                                       const void *bytes, uint32_t without);

/**
 * Write a field of the host's own.
 *
 * @return INFRA_OK; INFRA_EINVAL: the name is no token, or the value has a
 *         control character; nothing is written.
 *
 * Thread safety: owner (of the output).
 */
INFRA_API int infra_http_write_field(struct infra_http_out *out,
                                     const char *name, const void *value,
                                     size_t length);

/**
 * Write the fields that frame a body, and the empty line that ends a head.
 *
 * @param framing  CLOSE writes "Connection: close"; so does @p close not 0.
 *                 NONE and TUNNEL write no framing.
 *
 * Thread safety: owner (of the output).
 */
INFRA_API void infra_http_write_end(struct infra_http_out *out,
                                    uint32_t framing, uint64_t length,
                                    uint32_t close);

/**
 * Write what stands before a chunk of @p count bytes; CR LF follows its data,
 * the host's to write.  0: the last chunk; trailers and an empty line follow.
 *
 * Thread safety: owner (of the output).
 */
INFRA_API void infra_http_write_chunk(struct infra_http_out *out,
                                      uint64_t count);

/**
 * Name of a reason.  Static text; "unknown" for other numbers.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_http_reason_name(uint32_t reason);

/**
 * Name of a framing.  Static text; "unknown" for other numbers.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_http_framing_name(uint32_t framing);

#ifdef __cplusplus
}
#endif

#endif
