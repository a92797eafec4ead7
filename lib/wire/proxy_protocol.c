/* SPDX-License-Identifier: MIT */
/* The PROXY protocol: which version it is, and the names of the enums. */
#include "internal.h"

#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_proxy_options, reserved);

static const char *const flaws[] = {
    [INFRA_PROXY_FLAW_SIGNATURE] = "signature",
    [INFRA_PROXY_FLAW_SIZE] = "size",
    [INFRA_PROXY_FLAW_LINE] = "line",
    [INFRA_PROXY_FLAW_ADDRESS] = "address",
    [INFRA_PROXY_FLAW_PORT] = "port",
    [INFRA_PROXY_FLAW_VERSION] = "version",
    [INFRA_PROXY_FLAW_COMMAND] = "command",
    [INFRA_PROXY_FLAW_FAMILY] = "family",
    [INFRA_PROXY_FLAW_TLV] = "tlv",
    [INFRA_PROXY_FLAW_CRC] = "crc",
};

static const char *const families[] = {
    [INFRA_PROXY_FAMILY_UNKNOWN] = "unknown",
    [INFRA_PROXY_FAMILY_TCP4] = "tcp4",
    [INFRA_PROXY_FAMILY_TCP6] = "tcp6",
    [INFRA_PROXY_FAMILY_UDP4] = "udp4",
    [INFRA_PROXY_FAMILY_UDP6] = "udp6",
    [INFRA_PROXY_FAMILY_UNIX] = "unix",
    [INFRA_PROXY_FAMILY_UNIX_DATAGRAM] = "unix datagram",
};

const unsigned char infra__proxy_signature[SIGNATURE_SIZE] = {
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
};

const char *infra_proxy_flaw_name(uint32_t flaw)
{
    return INFRA__NAME(flaws, flaw);
}

const char *infra_proxy_family_name(uint32_t family)
{
    return INFRA__NAME(families, family);
}

static int complete(void *options)
{
    struct infra_proxy_options *o = options;

    o->versions = o->versions != 0 ? o->versions : (1u << 1 | 1u << 2);
    o->size_max = o->size_max != 0 ? o->size_max : 4096u;
    return (o->versions & ~(1u << 1 | 1u << 2)) == 0 && o->needs_crc <= 1 &&
                   o->reserved == 0
               ? INFRA_OK
               : INFRA_EINVAL;
}

/* Do the bytes begin as @start does, as far as they have come? */
static bool begins_as(const unsigned char *bytes, size_t size,
                      const void *start, size_t start_size)
{
    return memcmp(bytes, start, size < start_size ? size : start_size) == 0;
}

int infra_proxy_read(const struct infra_proxy_options *options,
                     const void *bytes, size_t size,
                     struct infra_proxy_header *ret)
{
    struct infra_proxy_options o = { .size = sizeof o };

    if ((bytes == NULL && size > 0) || ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_take(&o, options, complete);
    if (err != INFRA_OK) {
        return err;
    }
    if (size == 0) {
        return INFRA_EAGAIN;
    }
    if ((o.versions & 1u << 1) != 0 && begins_as(bytes, size, "PROXY ", 6)) {
        return infra__proxy_read_v1(&o, bytes, size, ret);
    }
    if ((o.versions & 1u << 2) != 0 &&
        begins_as(bytes, size, infra__proxy_signature, SIGNATURE_SIZE)) {
        return infra__proxy_read_v2(&o, bytes, size, ret);
    }
    return INFRA_PROXY_FLAW_SIGNATURE;
}
