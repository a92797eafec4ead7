/* SPDX-License-Identifier: MIT */
/* What infra/vrrp.h leaves to the host, on Linux: raw sockets for the messages
 * (protocol 112, multicast or unicast), a packet socket for the frames that
 * announce an address, and rtnetlink to have an address or not. It needs
 * CAP_NET_RAW and CAP_NET_ADMIN. */
#ifndef EXAMPLES_VRRP_LINK_H
#define EXAMPLES_VRRP_LINK_H

#include <infra/vrrp.h>

#define LINK_DATAGRAM_MAX 2048

struct link {
    int receive_fd; /* To poll for reading. */
    int send_fd;
    int frame_fd;
    int netlink_fd;
    uint32_t family; /* enum infra_vrrp_family */
    uint32_t index;
    uint8_t mac[6];
    uint8_t buffer[LINK_DATAGRAM_MAX]; /* Of the last datagram. */
};

/* All answer 0, or -1 with errno set. */
int link_open(struct link *link, const char *interface, uint32_t family,
              const struct infra_vrrp_address *local);
void link_close(struct link *link);

/* The next datagram, if there is one, with 0 or an enum infra_vrrp_flaw in
 * @flaw. */
int link_receive(struct link *link, struct infra_vrrp_datagram *ret, int *flaw);

int link_send(struct link *link, const struct infra_vrrp_address *to,
              const void *bytes, size_t size);
int link_send_frame(struct link *link, const void *frame, size_t size);

/* Have the address on the interface, or have it no more. */
int link_set_address(struct link *link,
                     const struct infra_vrrp_address *address, uint8_t prefix,
                     int have);

#endif
