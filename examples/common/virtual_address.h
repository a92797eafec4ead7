/* SPDX-License-Identifier: MIT */
/* An address that moves between nodes, on Linux: rtnetlink sets it on an
 * interface and removes it, and a packet socket sends the frames that tell the
 * LAN where it is now.  It needs CAP_NET_ADMIN and CAP_NET_RAW.
 *
 * A holder may set an address for some seconds only, again and again: then the
 * kernel removes it when the process was killed or stands still. */
#ifndef EXAMPLES_VIRTUAL_ADDRESS_H
#define EXAMPLES_VIRTUAL_ADDRESS_H

#include <infra/vrrp.h>
#include <stdbool.h>

#define VIRTUAL_ADDRESS_FOREVER UINT32_MAX /* Seconds. */

struct virtual_address {
    struct infra_vrrp_address address;
    uint32_t family; /* enum infra_vrrp_family */
    uint8_t prefix;  /* Bits; 0: none was given. */
};

/* Read "ADDR" or "ADDR/PREFIX", as 192.0.2.10/24.  False: it is neither. */
bool virtual_address_parse(const char *text, struct virtual_address *ret);

/* An interface. */
struct virtual_link {
    int frame_fd;
    int netlink_fd;
    uint32_t index;
    uint8_t mac[6];
};

/* All return 0, or -1 with errno set.  Opening sets the interface's sysctl
 * promote_secondaries, if that is allowed: the interface's own address with the
 * prefix of a virtual one then stays when the virtual one is removed. */
int virtual_link_open(struct virtual_link *link, const char *interface);
void virtual_link_close(struct virtual_link *link);

/* Set the address for @seconds from now, whether it is set or not; 0: remove
 * it, set or not. */
int virtual_link_set(struct virtual_link *link,
                     const struct virtual_address *address, uint32_t seconds);

/* Send a whole Ethernet frame. */
int virtual_link_send(struct virtual_link *link, const void *frame,
                      size_t size);

/* Tell the LAN that the address is here: gratuitous ARP, or a neighbour
 * advertisement. */
int virtual_link_announce(struct virtual_link *link,
                          const struct virtual_address *address);

#endif
