/* SPDX-License-Identifier: MIT */
/* The sockets of infra/vrrp.h on Linux: raw sockets for its messages (protocol
 * 112, multicast or unicast).  virtual_address.h moves the addresses.  It needs
 * CAP_NET_RAW. */
#ifndef EXAMPLES_VRRP_LINK_H
#define EXAMPLES_VRRP_LINK_H

#include <infra/vrrp.h>
#include <stdbool.h>

/* Datagrams read in one turn, so that a flood leaves time for the rest. */
#define LINK_DATAGRAMS_MAX 256
#define LINK_DATAGRAM_MAX 2048

struct link {
    int receive_fd; /* To poll for reading. */
    int send_fd;
    int twin_fd;     /* For messages from this node's own address. */
    uint32_t family; /* enum infra_vrrp_family */
    uint32_t index;
    uint8_t buffer[LINK_DATAGRAM_MAX]; /* Of the last datagram. */
};

/* All return 0, or -1 with errno set. */
int link_open(struct link *link, const char *interface, uint32_t family,
              const struct infra_vrrp_address *local);
void link_close(struct link *link);

/* Read the next datagram, with 0 or an enum infra_vrrp_flaw in @flaw. */
int link_receive(struct link *link, struct infra_vrrp_datagram *ret, int *flaw);

/* Has another node sent a message from this node's own IPv4 address?  The
 * kernel drops such messages, so both nodes would stay Active. */
bool link_has_twin(struct link *link);

int link_send(struct link *link, const struct infra_vrrp_address *to,
              const void *bytes, size_t size);

#endif
