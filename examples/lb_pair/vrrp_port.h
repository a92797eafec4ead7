/* SPDX-License-Identifier: MIT */
/* A virtual router (infra/vrrp.h) on its sockets, for vrrp_node and lb_pair: it
 * reads and sends messages, and leaves the changes to the host. */
#ifndef EXAMPLES_VRRP_PORT_H
#define EXAMPLES_VRRP_PORT_H

#include "../common/virtual_address.h"
#include "vrrp_link.h"

struct vrrp_port {
    struct infra_vrrp *machine; /* NULL: closed. */
    struct link link;
    struct virtual_link *interface; /* For the announcements. */
    uint32_t flaws;      /* Bits of flaws that are not to be reported. */
    infra_time heard_at; /* The last good message; 0: none yet. */
};

/* A port that is closed, which vrrp_port_close() takes. */
#define VRRP_PORT_CLOSED                                          \
    {                                                             \
        .link = {.receive_fd = -1, .send_fd = -1, .twin_fd = -1 } \
    }

/* Read the messages that wait, at most LINK_DATAGRAMS_MAX: before a look at the
 * timers.  The result has a bit, 1 << enum infra_vrrp_flaw, for each flaw that
 * was met for the first time. */
uint32_t vrrp_port_hear(struct vrrp_port *port);

/* Send all that the machine wants sent.  True: @ret is a CHANGE or a HINT. */
bool vrrp_port_next(struct vrrp_port *port, struct infra_vrrp_event *ret);

/* Free the machine and close its sockets; not the interface. */
void vrrp_port_close(struct vrrp_port *port);

#endif
