/* SPDX-License-Identifier: MIT */
/* An address that moves between nodes, on Linux: rtnetlink to have it on an
 * interface or not, and a packet socket for the frames that tell the LAN where
 * it is now.  It needs CAP_NET_ADMIN and CAP_NET_RAW.
 *
 * Whoever has an address may have it for some seconds only, and say again and
 * again that it still does: then the kernel takes it back from a process that
 * was killed or stands still. */
#ifndef EXAMPLES_VIRTUAL_ADDRESS_H
#define EXAMPLES_VIRTUAL_ADDRESS_H

#include <infra/vrrp.h>

#define VIRTUAL_ADDRESS_FOREVER UINT32_MAX /* Seconds. */

struct virtual_address {
    struct infra_vrrp_address address;
    uint32_t family; /* enum infra_vrrp_family */
    uint8_t prefix;  /* Bits. */
};

/* An interface. */
struct virtual_link {
    int frame_fd;
    int netlink_fd;
    uint32_t index;
    uint8_t mac[6];
};

/* All answer 0, or -1 with errno set.  To open it sets the interface's sysctl
 * promote_secondaries, if that is allowed: an address of its own with the prefix
 * of a virtual one stays when that one goes. */
int virtual_link_open(struct virtual_link *link, const char *interface);
void virtual_link_close(struct virtual_link *link);

/* Have the address for so long from now, whoever has it so far; 0: have it no
 * more.  That it is so already is no error. */
int virtual_link_set(struct virtual_link *link,
                     const struct virtual_address *address, uint32_t seconds);

/* A whole Ethernet frame. */
int virtual_link_send(struct virtual_link *link, const void *frame,
                      size_t size);

/* Tell the LAN that the address is here: gratuitous ARP, or a neighbour
 * advertisement. */
int virtual_link_announce(struct virtual_link *link,
                          const struct virtual_address *address);

#endif
