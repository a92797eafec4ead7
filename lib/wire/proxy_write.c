/* SPDX-License-Identifier: MIT */
/* Headers of the PROXY protocol, written. */
#include "internal.h"

#include "crc32c.h"

#include <stdio.h>
#include <string.h>

#define LENGTH_MAX 65535u

static bool has_addresses(const struct infra_proxy_header *h)
{
    return !h->is_local && (h->family == INFRA_PROXY_FAMILY_TCP4 ||
                            h->family == INFRA_PROXY_FAMILY_TCP6);
}

static bool is_tcp4(const struct infra_proxy_header *h)
{
    return h->family == INFRA_PROXY_FAMILY_TCP4;
}

static bool is_sound(const struct infra_proxy_header *h)
{
    return h->is_local || !is_tcp4(h) ||
           (infra_address_is_ipv4(&h->source) &&
            infra_address_is_ipv4(&h->destination));
}

/* An address of TCP6: IPv4 keeps the form of IPv6 there, since the line says
 * that both are IPv6. */
static void print_address(const struct infra_proxy_header *h,
                          const struct infra_address *a,
                          char ret[INFRA_ADDRESS_TEXT_MAX + 8])
{
    size_t at = 0;

    if (!is_tcp4(h) && infra_address_is_ipv4(a)) {
        at = (size_t)snprintf(ret, 8, "::ffff:");
    }
    (void)infra_address_print(a, ret + at);
}

static int write_v1(const struct infra_proxy_header *h, char *ret, size_t size)
{
    char line[INFRA_PROXY_V1_MAX + 1];
    char source[INFRA_ADDRESS_TEXT_MAX + 8];
    char destination[INFRA_ADDRESS_TEXT_MAX + 8];
    int length;

    if (has_addresses(h)) {
        print_address(h, &h->source, source);
        print_address(h, &h->destination, destination);
        length =
            snprintf(line, sizeof line, "PROXY TCP%c %s %s %u %u\r\n",
                     is_tcp4(h) ? '4' : '6', source, destination,
                     (unsigned)h->source_port, (unsigned)h->destination_port);
    } else {
        length = snprintf(line, sizeof line, "PROXY UNKNOWN\r\n");
    }
    if ((size_t)length > size) {
        return INFRA_EFULL;
    }
    memcpy(ret, line, (size_t)length);
    return length;
}

/* Bytes of the addresses. */
static size_t put_addresses(const struct infra_proxy_header *h,
                            unsigned char *b)
{
    size_t each = is_tcp4(h) ? 4 : 16;

    memcpy(b, h->source.bytes + 16 - each, each);
    memcpy(b + each, h->destination.bytes + 16 - each, each);
    put16(b + 2 * each, h->source_port);
    put16(b + 2 * each + 2, h->destination_port);
    return 2 * each + 4;
}

/* Bytes of the TLVs, or INFRA_EINVAL. */
static int tlvs_size(const struct infra_proxy_tlv *tlvs, size_t count)
{
    size_t sum = 0, crcs = 0;

    for (size_t i = 0; i < count; i++) {
        bool is_crc = tlvs[i].type == INFRA_PROXY_TLV_CRC32C;
        crcs += is_crc;
        if (tlvs[i].type > 255 || tlvs[i].size > LENGTH_MAX || crcs > 1 ||
            (is_crc && tlvs[i].size != 4) ||
            (!is_crc && tlvs[i].size > 0 && tlvs[i].value == NULL)) {
            return INFRA_EINVAL;
        }
        sum += 3 + tlvs[i].size;
        if (sum > LENGTH_MAX) {
            return INFRA_EFULL;
        }
    }
    return (int)sum;
}

/* @ret_crc: the place of the CRC's value, NULL: there is none. */
static size_t put_tlvs(const struct infra_proxy_tlv *tlvs, size_t count,
                       unsigned char *b, unsigned char **ret_crc)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        b[at] = (unsigned char)tlvs[i].type;
        put16(b + at + 1, tlvs[i].size);
        at += 3;
        if (tlvs[i].type == INFRA_PROXY_TLV_CRC32C) {
            memset(b + at, 0, 4);
            *ret_crc = b + at;
        } else if (tlvs[i].size > 0) {
            memcpy(b + at, tlvs[i].value, tlvs[i].size);
        }
        at += tlvs[i].size;
    }
    return at;
}

static int write_v2(const struct infra_proxy_header *h,
                    const struct infra_proxy_tlv *tlvs, size_t count,
                    unsigned char *ret, size_t size)
{
    size_t addresses = !has_addresses(h) ? 0 : is_tcp4(h) ? 12 : 36;
    /* What follows no addresses is opaque: no reader looks for TLVs there. */
    int more = addresses > 0 ? tlvs_size(tlvs, count) : 0;
    unsigned char *crc = NULL;

    if (more < 0) {
        return more;
    }
    size_t length = addresses + (size_t)more;
    if (length > LENGTH_MAX || V2_HEAD_SIZE + length > size) {
        return INFRA_EFULL;
    }
    memcpy(ret, infra__proxy_signature, SIGNATURE_SIZE);
    ret[12] = h->is_local ? 0x20 : 0x21;
    ret[13] = addresses == 0 ? 0x00 : is_tcp4(h) ? 0x11 : 0x21;
    put16(ret + 14, (uint32_t)length);
    if (addresses > 0) {
        (void)put_addresses(h, ret + V2_HEAD_SIZE);
        (void)put_tlvs(tlvs, count, ret + V2_HEAD_SIZE + addresses, &crc);
    }
    if (crc != NULL) {
        put32(crc, infra__crc32c(0, ret, V2_HEAD_SIZE + length));
    }
    return (int)(V2_HEAD_SIZE + length);
}

int infra_proxy_write(const struct infra_proxy_header *header,
                      const struct infra_proxy_tlv *tlvs, size_t count,
                      void *ret, size_t size)
{
    if (header == NULL || ret == NULL || (tlvs == NULL && count > 0) ||
        !is_sound(header)) {
        return INFRA_EINVAL;
    }
    if (header->version == 1) {
        return count == 0 ? write_v1(header, ret, size) : INFRA_EINVAL;
    }
    return header->version == 2 ? write_v2(header, tlvs, count, ret, size)
                                : INFRA_EINVAL;
}
