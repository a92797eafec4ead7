/* SPDX-License-Identifier: MIT */
/**
 * @file address.h
 * IP addresses and prefixes as values: what access.h, limit.h and
 * proxy_protocol.h share.
 *
 * An address is 16 bytes.  IPv4 is mapped into IPv6, after ten zeros and two
 * bytes of 255 (RFC 4291, section 2.5.5.2), so that a client of a dual-stack
 * socket and the same client of an IPv4 socket are equal, and no rule for
 * 10.0.0.0/8 is passed by in the form of IPv6.
 *
 * A prefix of these 96 bits or more is one of IPv4, and is printed as that.  A
 * shorter one, ::/0 included, contains no IPv4 address.
 *
 * Texts are read strictly: decimal parts without a leading zero, four of them;
 * no zone, no blank, no port, no brackets; no bits of a prefix beyond its
 * length.
 */
#ifndef INFRA_ADDRESS_H
#define INFRA_ADDRESS_H

#include <infra/base.h>

struct sockaddr;

#ifdef __cplusplus
extern "C" {
#endif

#define INFRA_ADDRESS_TEXT_MAX 46u /**< An address as text, with its zero. */
#define INFRA_PREFIX_TEXT_MAX 50u  /**< A prefix as text, with its zero. */

/** An address, in the order of the network. */
struct infra_address {
    unsigned char bytes[16];
};

/** All addresses that share the first `length` bits of `address`. */
struct infra_prefix {
    struct infra_address address; /**< The bits beyond the length are 0. */
    uint32_t length;              /**< Bits of the 128: an IPv4 /24 has 120. */
};

/** What is wrong with the text of a prefix.  Append-only. */
enum infra_prefix_flaw {
    INFRA_PREFIX_FLAW_ADDRESS = 1,   /**< No address. */
    INFRA_PREFIX_FLAW_ZONE = 2,      /**< A zone, as in fe80::1%eth0. */
    INFRA_PREFIX_FLAW_LENGTH = 3,    /**< No length, or one of more bits than
                                          the address has. */
    INFRA_PREFIX_FLAW_HOST_BITS = 4, /**< Bits are set beyond the length, as in
                                          10.0.0.1/8. */
};

/** Name of a flaw ("host bits set"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_prefix_flaw_name(uint32_t flaw);

/**
 * Read an address.
 *
 * @param text  Need not end with a zero.
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or not an address.
 *
 * Thread safety: any.
 */
INFRA_API int infra_address_parse(const char *text, size_t size,
                                  struct infra_address *ret);

/**
 * Write an address with a zero: IPv4 in four parts, IPv6 as RFC 5952 says.
 *
 * @return The length; 0 if a pointer is NULL.
 *
 * Thread safety: any.
 */
INFRA_API size_t infra_address_print(const struct infra_address *address,
                                     char ret[INFRA_ADDRESS_TEXT_MAX]);

/**
 * Take the address of a socket, as from accept() or getpeername().
 *
 * @param size  Bytes at @p socket_address.
 * @param[out] ret  Set on success only.
 * @param[out] ret_port  NULL: not wanted.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or neither IPv4 nor IPv6 (a Unix
 *         socket), or cut.
 *
 * Thread safety: any.
 */
INFRA_API int infra_address_of_socket(const struct sockaddr *socket_address,
                                      size_t size, struct infra_address *ret,
                                      uint16_t *ret_port);

/**
 * Read a prefix; an address alone is a prefix of that address.
 *
 * @param text  Need not end with a zero.
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; an enum infra_prefix_flaw; INFRA_EINVAL: NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_prefix_parse(const char *text, size_t size,
                                 struct infra_prefix *ret);

/**
 * Write a prefix with a zero, its length included.
 *
 * @return The length of the text; 0: NULL, or a length beyond 128.
 *
 * Thread safety: any.
 */
INFRA_API size_t infra_prefix_print(const struct infra_prefix *prefix,
                                    char ret[INFRA_PREFIX_TEXT_MAX]);

/**
 * Cut an address down to its first bits.
 *
 * @param length  Of the 128; at most 128.
 *
 * Thread safety: any.
 */
INFRA_API struct infra_address infra_address_mask(
    const struct infra_address *address, uint32_t length);

/**
 * Does the prefix contain the address?  1 or 0; 0 if a pointer is NULL, and for
 * an IPv4 address in a prefix of IPv6.
 *
 * Thread safety: any.
 */
INFRA_API int infra_prefix_contains(const struct infra_prefix *prefix,
                                    const struct infra_address *address);

/** Is it an IPv4 address?  1 or 0.  Thread safety: any. */
static inline int infra_address_is_ipv4(const struct infra_address *address)
{
    const unsigned char *b = address->bytes;
    unsigned any = 0;

    for (int i = 0; i < 10; i++) {
        any |= b[i];
    }
    return any == 0 && b[10] == 0xff && b[11] == 0xff;
}

/** The address a.b.c.d of a number in the host's order.  Thread safety: any. */
static inline struct infra_address infra_address_ipv4(uint32_t number)
{
    struct infra_address a = { { 0 } };

    a.bytes[10] = 0xff;
    a.bytes[11] = 0xff;
    for (int i = 0; i < 4; i++) {
        a.bytes[12 + i] = INFRA_CAST(unsigned char, number >> (24 - 8 * i));
    }
    return a;
}

#ifdef __cplusplus
}
#endif

#endif
