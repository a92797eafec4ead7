/* SPDX-License-Identifier: MIT */
/**
 * @file proxy_protocol.h
 * The PROXY protocol, version 1 and 2: a proxy tells the next server where a
 * connection comes from, in a header before the first byte of the client.
 * Source: HAProxy's proxy-protocol.txt.
 *
 * @code
 * struct infra_proxy_header header;
 * int result = infra_proxy_read(NULL, buffer, count, &header);
 *
 * if (result == INFRA_EAGAIN) {
 *     read_more();               (within a time limit, 3 s or more)
 * } else if (result != INFRA_OK) {
 *     log("%s", infra_proxy_flaw_name(result));
 *     close_it();
 * } else {
 *     if (header.has_addresses) {
 *         client = header.source;
 *     }
 *     skip(header.size);         (the client's own bytes follow)
 * }
 * @endcode
 *
 * **Trust.**  Anybody can write such a header.  Read one only from proxies that
 * are known by their address (access.h), and then always: whether a header is
 * there is never guessed.
 *
 * **Pieces.**  The reader is a function of the bytes that have come, from the
 * first on, and keeps nothing.  Any split gives the same answer.
 *
 * **Strictness.**  This reader refuses what the text says must be refused: a
 * wrong CRC-32C, an unassigned command or family (nginx accepts all of these,
 * as its tests show), leading zeros and doubled blanks in version 1.  It
 * accepts
 * what the text allows: a header in several pieces, `UNKNOWN` with more after
 * it, UDP, Unix and unspecified families (HAProxy does not, by its source of
 * 2026).  LOCAL, the health check of a proxy itself, never has addresses here,
 * whatever it carries.
 *
 * A header may be of any size up to size_max; it costs about a nanosecond a
 * byte, and nothing is allocated.
 */
#ifndef INFRA_PROXY_PROTOCOL_H
#define INFRA_PROXY_PROTOCOL_H

#include <infra/address.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INFRA_PROXY_V1_MAX 107u    /**< Bytes of a header of version 1. */
#define INFRA_PROXY_V2_MAX 65551u  /**< Bytes of a header of version 2. */
#define INFRA_PROXY_UNIX_SIZE 108u /**< Bytes of each path of a Unix socket. */

/** What is wrong with a header.  Append-only. */
enum infra_proxy_flaw {
    INFRA_PROXY_FLAW_SIGNATURE = 1, /**< No header of an allowed version. */
    INFRA_PROXY_FLAW_SIZE = 2,    /**< More than size_max, or a line of version
                                        1 that does not end. */
    INFRA_PROXY_FLAW_LINE = 3,    /**< Version 1: a word or a blank. */
    INFRA_PROXY_FLAW_ADDRESS = 4, /**< No address of that family, or it is cut
                                        off. */
    INFRA_PROXY_FLAW_PORT = 5,
    INFRA_PROXY_FLAW_VERSION = 6, /**< The version of a version 2 header. */
    INFRA_PROXY_FLAW_COMMAND = 7, /**< Unassigned. */
    INFRA_PROXY_FLAW_FAMILY = 8,  /**< Unassigned. */
    INFRA_PROXY_FLAW_TLV = 9,     /**< One does not fit. */
    INFRA_PROXY_FLAW_CRC = 10,    /**< The CRC-32C is wrong, or missing. */
};

/** Name of a flaw ("signature"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_proxy_flaw_name(uint32_t flaw);

/** What the connection of the client was.  Append-only. */
enum infra_proxy_family {
    INFRA_PROXY_FAMILY_UNKNOWN = 0,
    INFRA_PROXY_FAMILY_TCP4 = 1,
    INFRA_PROXY_FAMILY_TCP6 = 2,
    INFRA_PROXY_FAMILY_UDP4 = 3,
    INFRA_PROXY_FAMILY_UDP6 = 4,
    INFRA_PROXY_FAMILY_UNIX = 5, /**< Stream. */
    INFRA_PROXY_FAMILY_UNIX_DATAGRAM = 6,
};

/** Name of a family ("tcp4"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_proxy_family_name(uint32_t family);

/** A header.  A plain value. */
struct infra_proxy_header {
    struct infra_address source; /**< If it has_addresses. */
    struct infra_address destination;
    uint16_t source_port;
    uint16_t destination_port;
    uint32_t version;       /**< 1 or 2. */
    uint32_t is_local;      /**< 1: the proxy's own connection; use the socket's
                            addresses. */
    uint32_t family;        /**< enum infra_proxy_family. */
    uint32_t has_addresses; /**< 1: of TCP over IPv4 or IPv6; 0: use the
                                 socket's. */
    uint32_t size;    /**< Bytes of the header: what follows is the client's. */
    uint32_t tlvs_at; /**< Place of the first TLV in the bytes. */
    uint32_t tlvs_size; /**< 0: none. */
};

/** How headers are read. */
struct infra_proxy_options {
    size_t size;        /**< sizeof(struct infra_proxy_options). */
    uint32_t versions;  /**< Bits: 1 << version; 0: both. */
    uint32_t size_max;  /**< Bytes; 0: 4096. */
    uint32_t needs_crc; /**< 1: version 2 must have a CRC-32C, so that no broken
                             bit passes. */
    uint32_t reserved;
};

/**
 * Read a header.
 *
 * @param options  NULL: all defaults.
 * @param bytes    All that has come from the first byte on; more may follow the
 *                 header.  NULL only with @p size 0.
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EAGAIN: it is not all there; an enum
 *         infra_proxy_flaw; INFRA_EINVAL: NULL, an unknown version;
 *         INFRA_ESTRUCT.
 *
 * Thread safety: any.
 */
INFRA_API int infra_proxy_read(const struct infra_proxy_options *options,
                               const void *bytes, size_t size,
                               struct infra_proxy_header *ret);

/** Types of TLVs; others are a host's own (0xe0 to 0xef) or unknown. */
enum infra_proxy_tlv_type {
    INFRA_PROXY_TLV_ALPN = 0x01,
    INFRA_PROXY_TLV_AUTHORITY =
        0x02, /**< The name that the client asked for. */
    INFRA_PROXY_TLV_CRC32C = 0x03,
    INFRA_PROXY_TLV_NOOP = 0x04,
    INFRA_PROXY_TLV_UNIQUE_ID = 0x05, /**< At most 128 bytes. */
    INFRA_PROXY_TLV_SSL = 0x20, /**< A byte of flags, four of the result of the
                                     verification (0: good), then TLVs. */
    INFRA_PROXY_TLV_SSL_VERSION = 0x21, /**< The following are inside of SSL. */
    INFRA_PROXY_TLV_SSL_CN = 0x22,
    INFRA_PROXY_TLV_SSL_CIPHER = 0x23,
    INFRA_PROXY_TLV_NETNS = 0x30,
};

/** A TLV. */
struct infra_proxy_tlv {
    const unsigned char *value; /**< Inside of the bytes that were read. */
    uint32_t size;
    uint32_t type; /**< enum infra_proxy_tlv_type, or another byte. */
};

/**
 * Step through TLVs: those of a header (bytes + tlvs_at, tlvs_size), or those
 * inside of an SSL one (value + 5, size - 5).
 *
 * @param at  Where to read; 0 at first, then as it was left.
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EAGAIN: there are no more; INFRA_PROXY_FLAW_TLV: the
 *         next does not fit; INFRA_EINVAL: NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_proxy_tlv_next(const void *tlvs, size_t size, size_t *at,
                                   struct infra_proxy_tlv *ret);

/**
 * Write a header of version 1 or 2 (@p header->version).
 *
 * With is_local, or a family other than TCP4 and TCP6, it is `UNKNOWN`, or of
 * version 2 LOCAL or UNSPEC, without addresses.
 *
 * @param header  Its sizes are not read.
 * @param tlvs    For version 2; the value of INFRA_PROXY_TLV_CRC32C is not
 *                read: its size is 4, and the CRC is computed.  NULL: none.
 * @param ret     @p size bytes.
 * @return Bytes written; INFRA_EFULL: more than @p size or
 *         INFRA_PROXY_V2_MAX; INFRA_EINVAL: NULL, an unknown version, TLVs in
 *         version 1, two CRCs or one of another size, a TLV of more than 65535
 *         bytes, or an address that is not of its family.
 *
 * Thread safety: any.
 */
INFRA_API int infra_proxy_write(const struct infra_proxy_header *header,
                                const struct infra_proxy_tlv *tlvs,
                                size_t count, void *ret, size_t size);

#ifdef __cplusplus
}
#endif

#endif
