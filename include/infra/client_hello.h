/* SPDX-License-Identifier: MIT */
/**
 * @file client_hello.h
 * A look at the first message of a TLS client, without ending TLS: which name
 * does it want (SNI), which protocols does it speak (ALPN)?  So HTTPS is routed
 * by name while only the backend has the key.
 *
 * @code
 * struct infra_client_hello hello;
 * int result = infra_client_hello_read(buffer, count, &hello);
 *
 * if (result == INFRA_EAGAIN) {
 *     read_more();                   (within a time limit)
 * } else if (result == INFRA_OK && hello.name_size > 0) {
 *     relay_to(backend_of(hello.name), buffer, count);
 * } else {
 *     close_it();                    (or a backend for all others)
 * }
 * @endcode
 *
 * Nothing is consumed: the backend gets all bytes as they came.  The reader is
 * a function of the bytes that have come, from the first on, and keeps nothing.
 * Any split gives the same answer.
 *
 * **Records.**  A hello may be spread over TLS records of any sizes, common
 * since post-quantum keys made hellos long.  It may have up to
 * INFRA_CLIENT_HELLO_MAX bytes, and five more for each record.  A host whose
 * buffer is full without an answer closes the connection.
 *
 * **Strictness.**  Lengths must agree to the byte, also of extensions that are
 * stepped over; extensions that are read may come once; a name is of letters,
 * digits, `-`, `_` and `.`.  Lists of ciphers are not judged: that is the
 * server's.  The hello is not authenticated: what it says is a wish.
 *
 * **Encrypted hellos** (ECH) show the outer name only; has_ech says so.
 *
 * Cost: O(bytes), at each call from the first byte on; no allocation.  Sources:
 * RFC 8446, RFC 6066 (section 3), RFC 7301.
 */
#ifndef INFRA_CLIENT_HELLO_H
#define INFRA_CLIENT_HELLO_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INFRA_CLIENT_HELLO_MAX 16384u /**< Bytes, without heads of records. */
#define INFRA_CLIENT_HELLO_ALPN_MAX 256u

/** What is wrong with a hello.  Append-only. */
enum infra_client_hello_flaw {
    INFRA_CLIENT_HELLO_FLAW_NOT_TLS = 1, /**< Another protocol, another message;
                                              also SSL 2. */
    INFRA_CLIENT_HELLO_FLAW_RECORD = 2,  /**< An empty record, or too large. */
    INFRA_CLIENT_HELLO_FLAW_SIZE = 3,    /**< More than a limit. */
    INFRA_CLIENT_HELLO_FLAW_LENGTH = 4,  /**< Lengths that do not agree. */
    INFRA_CLIENT_HELLO_FLAW_TWICE = 5, /**< An extension that is there twice. */
    INFRA_CLIENT_HELLO_FLAW_NAME = 6,  /**< A name that is none. */
    INFRA_CLIENT_HELLO_FLAW_ALPN = 7,  /**< A list that is none. */
};

/** Name of a flaw ("not tls"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_client_hello_flaw_name(uint32_t flaw);

/** What a hello says.  A plain value. */
struct infra_client_hello {
    uint32_t name_size; /**< 0: no name. */
    uint32_t alpn_size; /**< 0: no ALPN. */
    uint32_t version;   /**< The highest offered: 0x0303 TLS 1.2, 0x0304 1.3. */
    uint32_t has_ech;   /**< 1: the name is the outer one. */
    /** In small letters, without a dot at the end, with a zero. */
    char name[256];
    /** The protocols as they came, each after a byte with its length.  More
     *  than INFRA_CLIENT_HELLO_ALPN_MAX bytes of them are FLAW_SIZE. */
    unsigned char alpn[INFRA_CLIENT_HELLO_ALPN_MAX];
};

/**
 * Read a hello.
 *
 * @param bytes  All that has come from the first byte on; what follows the
 *               hello is ignored.  NULL only with @p size 0.
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EAGAIN: it is not all there; an enum
 *         infra_client_hello_flaw; INFRA_EINVAL: NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_client_hello_read(const void *bytes, size_t size,
                                      struct infra_client_hello *ret);

/**
 * Is @p protocol ("h2") among those that the client speaks?  1 or 0; 0 for
 * NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_client_hello_has_alpn(
    const struct infra_client_hello *hello, const char *protocol);

#ifdef __cplusplus
}
#endif

#endif
