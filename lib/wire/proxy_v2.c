/* SPDX-License-Identifier: MIT */
/* Version 2 of the PROXY protocol: bytes (proxy-protocol.txt, section 2.2). */
#include "internal.h"

#include "crc32c.h"

#include <string.h>

#define CRC_SIZE 4u
#define UNIQUE_ID_MAX 128u

static const struct {
    uint8_t byte;
    uint8_t family;
    uint8_t size; /* Of the addresses. */
} families[] = {
    { 0x11, INFRA_PROXY_FAMILY_TCP4, 12 },
    { 0x12, INFRA_PROXY_FAMILY_UDP4, 12 },
    { 0x21, INFRA_PROXY_FAMILY_TCP6, 36 },
    { 0x22, INFRA_PROXY_FAMILY_UDP6, 36 },
    { 0x31, INFRA_PROXY_FAMILY_UNIX, 2 * INFRA_PROXY_UNIX_SIZE },
    { 0x32, INFRA_PROXY_FAMILY_UNIX_DATAGRAM, 2 * INFRA_PROXY_UNIX_SIZE },
};

static void read_addresses(const unsigned char *b, struct infra_proxy_header *h)
{
    if (h->family == INFRA_PROXY_FAMILY_TCP4) {
        h->source = infra_address_ipv4(get16(b) << 16 | get16(b + 2));
        h->destination = infra_address_ipv4(get16(b + 4) << 16 | get16(b + 6));
        b += 8;
    } else {
        memcpy(h->source.bytes, b, 16);
        memcpy(h->destination.bytes, b + 16, 16);
        b += 32;
    }
    h->source_port = (uint16_t)get16(b);
    h->destination_port = (uint16_t)get16(b + 2);
    h->has_addresses = 1;
}

int infra_proxy_tlv_next(const void *tlvs, size_t size, size_t *at,
                         struct infra_proxy_tlv *ret)
{
    if ((tlvs == NULL && size > 0) || at == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (*at >= size) {
        return *at == size ? INFRA_EAGAIN : INFRA_EINVAL;
    }
    const unsigned char *b = (const unsigned char *)tlvs + *at;
    size_t left = size - *at;
    if (left < 3 || get16(b + 1) > left - 3) {
        return INFRA_PROXY_FLAW_TLV;
    }
    *ret = (struct infra_proxy_tlv) { .value = b + 3,
                                      .size = get16(b + 1),
                                      .type = b[0] };
    *at += 3 + ret->size;
    return INFRA_OK;
}

/* The CRC of the whole header, as if the four bytes at @value were zero. */
static uint32_t crc_without(const unsigned char *bytes, size_t size,
                            const unsigned char *value)
{
    static const unsigned char zeros[CRC_SIZE];
    size_t before = (size_t)(value - bytes);
    uint32_t crc = infra__crc32c(0, bytes, before);

    crc = infra__crc32c(crc, zeros, CRC_SIZE);
    return infra__crc32c(crc, value + CRC_SIZE, size - before - CRC_SIZE);
}

/* Each TLV fits, and the CRC is right if there is one. */
static int check_tlvs(const unsigned char *bytes,
                      const struct infra_proxy_header *h, bool needs_crc)
{
    struct infra_proxy_tlv tlv;
    const unsigned char *crc = NULL;
    size_t at = 0;
    int err;

    while ((err = infra_proxy_tlv_next(bytes + h->tlvs_at, h->tlvs_size, &at,
                                       &tlv)) == INFRA_OK) {
        if (tlv.type == INFRA_PROXY_TLV_CRC32C) {
            if (tlv.size != CRC_SIZE || crc != NULL) {
                return INFRA_PROXY_FLAW_CRC;
            }
            crc = tlv.value;
        }
        if ((tlv.type == INFRA_PROXY_TLV_UNIQUE_ID &&
             tlv.size > UNIQUE_ID_MAX) ||
            (tlv.type == INFRA_PROXY_TLV_SSL && tlv.size < 5)) {
            return INFRA_PROXY_FLAW_TLV;
        }
    }
    if (err != INFRA_EAGAIN) {
        return err;
    }
    if (crc == NULL) {
        return needs_crc ? INFRA_PROXY_FLAW_CRC : INFRA_OK;
    }
    return crc_without(bytes, h->size, crc) ==
                   (get16(crc) << 16 | get16(crc + 2))
               ? INFRA_OK
               : INFRA_PROXY_FLAW_CRC;
}

/* What the 16 bytes of the head say; the size of the addresses, or a flaw as a
 * negative number. */
static int read_head(const unsigned char *bytes, struct infra_proxy_header *h)
{
    uint8_t command = bytes[12] & 15, family = bytes[13];
    int addresses = 0;

    if (bytes[12] >> 4 != 2) {
        return -INFRA_PROXY_FLAW_VERSION;
    }
    if (command > 1) {
        return -INFRA_PROXY_FLAW_COMMAND;
    }
    h->is_local = command == 0;
    if (h->is_local) {
        family = 0; /* It is ignored, whatever it is. */
    }
    if (family >> 4 > 3 || (family & 15) > 2) {
        return -INFRA_PROXY_FLAW_FAMILY;
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(families); i++) {
        if (families[i].byte == family) {
            h->family = families[i].family;
            addresses = families[i].size;
        }
    }
    h->size = V2_HEAD_SIZE + get16(bytes + 14);
    return addresses;
}

int infra__proxy_read_v2(const struct infra_proxy_options *options,
                         const unsigned char *bytes, size_t size,
                         struct infra_proxy_header *ret)
{
    struct infra_proxy_header h = { .version = 2 };

    if (size < V2_HEAD_SIZE) {
        return INFRA_EAGAIN;
    }
    int addresses = read_head(bytes, &h);
    if (addresses < 0) {
        return -addresses;
    }
    if (h.size > options->size_max) {
        return INFRA_PROXY_FLAW_SIZE;
    }
    /* What LOCAL carries, and the bytes of no family, have no meaning. */
    bool is_opaque = addresses == 0;
    if (!is_opaque && h.size < V2_HEAD_SIZE + (uint32_t)addresses) {
        return INFRA_PROXY_FLAW_ADDRESS;
    }
    if (size < h.size) {
        return INFRA_EAGAIN;
    }
    h.tlvs_at = is_opaque ? h.size : V2_HEAD_SIZE + (uint32_t)addresses;
    h.tlvs_size = h.size - h.tlvs_at;
    int err = check_tlvs(bytes, &h, options->needs_crc && !h.is_local);
    if (err != INFRA_OK) {
        return err;
    }
    if (!is_opaque && (h.family == INFRA_PROXY_FAMILY_TCP4 ||
                       h.family == INFRA_PROXY_FAMILY_TCP6)) {
        read_addresses(bytes + V2_HEAD_SIZE, &h);
    }
    *ret = h;
    return INFRA_OK;
}
