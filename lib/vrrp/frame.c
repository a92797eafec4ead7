/* SPDX-License-Identifier: MIT */
/* Announcements of the hardware address of a virtual address, as whole
 * Ethernet frames: a gratuitous ARP request (RFC 5227 section 3, RFC 826; the
 * target hardware address as RFC 9568 section 6.4.2 has it, erratum 7949) and
 * an unsolicited neighbour advertisement (RFC 4861 sections 4.4 and 7.2.6). */
#include "checksum.h"
#include "internal.h"

#include <infra/vrrp.h>
#include <string.h>

#define MAC_SIZE 6u
#define ETHERNET_SIZE 14u
#define ETHERTYPE_ARP 0x0806u
#define ETHERTYPE_IPV6 0x86ddu

#define ARP_SIZE (ETHERNET_SIZE + 28u)
#define ARP_ETHERNET 1u
#define ARP_IPV4 0x0800u
#define ARP_REQUEST 1u

#define IPV6_SIZE 40u
#define ICMPV6 58u
#define NEIGHBOUR_ADVERTISEMENT 136u
/* Router and override, not solicited (RFC 9568 section 6.4.2). */
#define NEIGHBOUR_FLAGS 0xa0u
#define OPTION_TARGET_ADDRESS 2u
#define NEIGHBOUR_SIZE 32u /* 24, and the option's 8. */

_Static_assert(INFRA_VRRP_FRAME_MAX ==
                   ETHERNET_SIZE + IPV6_SIZE + NEIGHBOUR_SIZE,
               "the largest frame");

int infra_vrrp_mac(const struct infra_vrrp *vrrp, uint8_t ret[6])
{
    if (vrrp == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const uint8_t mac[MAC_SIZE] = { 0x00,
                                    0x00,
                                    0x5e,
                                    0x00,
                                    vrrp->o.family == INFRA_VRRP_FAMILY_IPV4
                                        ? 0x01
                                        : 0x02,
                                    (uint8_t)vrrp->o.vrid };
    memcpy(ret, mac, sizeof mac);
    return INFRA_OK;
}

static void put_ethernet(uint8_t *to, const uint8_t *destination,
                         const uint8_t *source, uint32_t type)
{
    memcpy(to, destination, MAC_SIZE);
    memcpy(to + 6, source, MAC_SIZE);
    infra__put16(to + 12, type);
}

static void put_arp(uint8_t *to, const uint8_t *mac, const uint8_t *address)
{
    static const uint8_t everybody[MAC_SIZE] = { 0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff };

    put_ethernet(to, everybody, mac, ETHERTYPE_ARP);
    to += ETHERNET_SIZE;
    infra__put16(to, ARP_ETHERNET);
    infra__put16(to + 2, ARP_IPV4);
    to[4] = MAC_SIZE;
    to[5] = 4;
    infra__put16(to + 6, ARP_REQUEST);
    memcpy(to + 8, mac, MAC_SIZE);
    memcpy(to + 14, address, 4);
    memcpy(to + 18, mac, MAC_SIZE);
    memcpy(to + 24, address, 4);
}

/* From the virtual address to all nodes. */
static void put_ipv6(uint8_t *to, const uint8_t *address,
                     const uint8_t *destination)
{
    memset(to, 0, IPV6_SIZE);
    to[0] = 6 << 4;
    infra__put16(to + 4, NEIGHBOUR_SIZE);
    to[6] = ICMPV6;
    to[7] = 255; /* Else it is dropped: RFC 4861 section 7.1.2. */
    memcpy(to + 8, address, 16);
    memcpy(to + 24, destination, 16);
}

static void put_neighbour(uint8_t *to, const uint8_t *mac,
                          const uint8_t *address)
{
    static const uint8_t all_nodes_mac[MAC_SIZE] = { 0x33, 0x33, 0, 0, 0, 1 };
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };

    put_ethernet(to, all_nodes_mac, mac, ETHERTYPE_IPV6);
    put_ipv6(to + ETHERNET_SIZE, address, all_nodes);
    to += ETHERNET_SIZE + IPV6_SIZE;
    memset(to, 0, NEIGHBOUR_SIZE);
    to[0] = NEIGHBOUR_ADVERTISEMENT;
    to[4] = NEIGHBOUR_FLAGS;
    memcpy(to + 8, address, 16);
    to[24] = OPTION_TARGET_ADDRESS;
    to[25] = 1; /* In units of eight bytes. */
    memcpy(to + 26, mac, MAC_SIZE);
    infra__put16(to + 2,
                 infra__checksum(infra__sum(0, to, NEIGHBOUR_SIZE) +
                                 infra__sum_pseudo(address, all_nodes, 16,
                                                   ICMPV6, NEIGHBOUR_SIZE)));
}

int infra_vrrp_frame(const struct infra_vrrp *vrrp,
                     const struct infra_vrrp_event *event, const uint8_t *mac,
                     void *buffer, size_t buffer_size)
{
    uint8_t own_mac[MAC_SIZE];

    if (vrrp == NULL || event == NULL || buffer == NULL ||
        event->kind != INFRA_VRRP_EVENT_ANNOUNCE) {
        return INFRA_EINVAL;
    }
    size_t size = vrrp->o.family == INFRA_VRRP_FAMILY_IPV4
                      ? ARP_SIZE
                      : INFRA_VRRP_FRAME_MAX;
    if (buffer_size < size) {
        return INFRA_EINVAL;
    }
    if (mac == NULL) {
        (void)infra_vrrp_mac(vrrp, own_mac);
        mac = own_mac;
    }
    if (vrrp->o.family == INFRA_VRRP_FAMILY_IPV4) {
        put_arp(buffer, mac, event->address.bytes);
    } else {
        put_neighbour(buffer, mac, event->address.bytes);
    }
    return (int)size;
}
