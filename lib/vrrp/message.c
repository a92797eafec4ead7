/* SPDX-License-Identifier: MIT */
/* Advertisements as bytes (RFC 9568 section 5.2):
 *
 *    0        1        2        3        4        6          8
 *    version  virtual  priority count    interval checksum   addresses,
 *    3, type  router                     in 10 ms            4 or 16 bytes
 *    1                                   (12 bits)           each
 *
 * Reading trusts nothing: every length is checked before it is used. */
#include "../base/internal.h"
#include "checksum.h"
#include "internal.h"

#include <infra/vrrp.h>
#include <string.h>

#define VERSION 3u
#define TYPE_ADVERTISEMENT 1u
#define HEAD_SIZE 8u
#define HOP_LIMIT 255u
#define DATAGRAM_MAX 65535u
#define INTERVAL_MASK 0x0fffu

#define IPV4_HEAD_SIZE 20u
#define IPV4_FRAGMENT_MASK 0x3fffu /* More fragments, and the offset. */

_Static_assert(INFRA_VRRP_MESSAGE_MAX ==
                   HEAD_SIZE + 16u * INFRA_VRRP_ADDRESSES_MAX,
               "the largest message");

static uint32_t get16(const uint8_t *from)
{
    return (uint32_t)from[0] << 8 | from[1];
}

static uint32_t pseudo(const struct infra_vrrp_address *source,
                       const struct infra_vrrp_address *destination,
                       uint32_t family, size_t count)
{
    return infra__sum_pseudo(source->bytes, destination->bytes,
                             infra__vrrp_address_size(family),
                             INFRA_VRRP_PROTOCOL, count);
}

int infra_vrrp_message(const struct infra_vrrp *vrrp,
                       const struct infra_vrrp_event *event, void *buffer,
                       size_t buffer_size)
{
    if (vrrp == NULL || event == NULL || buffer == NULL ||
        event->kind != INFRA_VRRP_EVENT_ADVERTISE) {
        return INFRA_EINVAL;
    }
    uint8_t *to = buffer;
    size_t address_size = infra__vrrp_address_size(vrrp->o.family);
    size_t size = HEAD_SIZE + vrrp->o.addresses_count * address_size;

    if (buffer_size < size) {
        return INFRA_EINVAL;
    }
    to[0] = VERSION << 4 | TYPE_ADVERTISEMENT;
    to[1] = (uint8_t)vrrp->o.vrid;
    to[2] = (uint8_t)event->priority;
    to[3] = (uint8_t)vrrp->o.addresses_count;
    infra__put16(to + 4,
                 (uint32_t)(vrrp->o.interval / INFRA__VRRP_INTERVAL_UNIT));
    infra__put16(to + 6, 0);
    for (uint32_t i = 0; i < vrrp->o.addresses_count; i++) {
        memcpy(to + HEAD_SIZE + i * address_size, vrrp->addresses[i].bytes,
               address_size);
    }
    uint32_t sum = infra__sum(0, to, size);
    if (vrrp->o.family == INFRA_VRRP_FAMILY_IPV6 ||
        vrrp->o.checksum == INFRA_VRRP_CHECKSUM_PSEUDO) {
        sum += pseudo(&vrrp->o.local, &event->address, vrrp->o.family, size);
    }
    infra__put16(to + 6, infra__checksum(sum));
    return (int)size;
}

int infra_vrrp_unwrap(const void *bytes, size_t bytes_count,
                      struct infra_vrrp_datagram *ret)
{
    const uint8_t *at = bytes;

    if (bytes == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (bytes_count < IPV4_HEAD_SIZE || at[0] >> 4 != 4) {
        return INFRA_VRRP_FLAW_IP;
    }
    size_t head_size = (at[0] & 0xfu) * 4u;
    size_t size = get16(at + 2);
    if (head_size < IPV4_HEAD_SIZE || size < head_size || size > bytes_count ||
        (get16(at + 6) & IPV4_FRAGMENT_MASK) != 0 ||
        at[9] != INFRA_VRRP_PROTOCOL) {
        return INFRA_VRRP_FLAW_IP;
    }
    *ret = (struct infra_vrrp_datagram) { .bytes = at + head_size,
                                          .bytes_count = size - head_size,
                                          .family = INFRA_VRRP_FAMILY_IPV4,
                                          .hop_limit = at[8] };
    memcpy(ret->source.bytes, at + 12, 4);
    memcpy(ret->destination.bytes, at + 16, 4);
    return INFRA_OK;
}

/* Which checksum it has, or -1. IPv6 knows one kind only. */
static int checksum_kind(const struct infra_vrrp_datagram *d)
{
    uint32_t sum = infra__sum(0, d->bytes, d->bytes_count);

    if (infra__checksum(sum + pseudo(&d->source, &d->destination, d->family,
                                     d->bytes_count)) == 0) {
        return INFRA_VRRP_CHECKSUM_PSEUDO;
    }
    if (d->family == INFRA_VRRP_FAMILY_IPV4 && infra__checksum(sum) == 0) {
        return INFRA_VRRP_CHECKSUM_MESSAGE;
    }
    return -1;
}

/* What is wrong with the message, apart from its checksum. */
static uint32_t find_flaw(const struct infra_vrrp_datagram *d)
{
    const uint8_t *at = d->bytes;

    if (d->hop_limit != HOP_LIMIT) {
        return INFRA_VRRP_FLAW_HOP_LIMIT;
    }
    if (d->bytes_count < HEAD_SIZE || d->bytes_count > DATAGRAM_MAX) {
        return INFRA_VRRP_FLAW_LENGTH;
    }
    if (at[0] >> 4 != VERSION) {
        return INFRA_VRRP_FLAW_VERSION;
    }
    if ((at[0] & 0xfu) != TYPE_ADVERTISEMENT) {
        return INFRA_VRRP_FLAW_TYPE;
    }
    if (at[3] == 0) {
        return INFRA_VRRP_FLAW_COUNT;
    }
    if (d->bytes_count <
        HEAD_SIZE + at[3] * infra__vrrp_address_size(d->family)) {
        return INFRA_VRRP_FLAW_LENGTH;
    }
    if ((get16(at + 4) & INTERVAL_MASK) == 0) {
        return INFRA_VRRP_FLAW_INTERVAL;
    }
    if (d->family == INFRA_VRRP_FAMILY_IPV6 &&
        !infra__vrrp_is_link_local(at + HEAD_SIZE)) {
        return INFRA_VRRP_FLAW_LINK_LOCAL;
    }
    return INFRA_VRRP_FLAW_NONE;
}

int infra_vrrp_parse(const struct infra_vrrp_datagram *datagram,
                     struct infra_vrrp_advert *ret)
{
    if (datagram == NULL || ret == NULL || datagram->bytes == NULL ||
        datagram->family > INFRA_VRRP_FAMILY_IPV6) {
        return INFRA_EINVAL;
    }
    uint32_t flaw = find_flaw(datagram);
    if (flaw != INFRA_VRRP_FLAW_NONE) {
        return (int)flaw;
    }
    int checksum = checksum_kind(datagram);
    if (checksum < 0) {
        return INFRA_VRRP_FLAW_CHECKSUM;
    }
    const uint8_t *at = datagram->bytes;
    *ret = (struct infra_vrrp_advert) {
        .addresses = at + HEAD_SIZE,
        .interval = (get16(at + 4) & INTERVAL_MASK) * INFRA__VRRP_INTERVAL_UNIT,
        .family = datagram->family,
        .vrid = at[1],
        .priority = at[2],
        .addresses_count = at[3],
        .checksum = (uint32_t)checksum,
    };
    memcpy(ret->source.bytes, datagram->source.bytes,
           infra__vrrp_address_size(datagram->family));
    return INFRA_OK;
}
