/* SPDX-License-Identifier: MIT */
#include "vrrp_port.h"

#include <infra/driver.h>

uint32_t vrrp_port_hear(struct vrrp_port *port)
{
    struct infra_vrrp_datagram datagram;
    struct infra_vrrp_advert advert;
    uint32_t known = port->flaws;
    int flaw;

    for (int i = 0; i < LINK_DATAGRAMS_MAX &&
                    link_receive(&port->link, &datagram, &flaw) == 0;
         i++) {
        infra_time now = infra_driver_now();
        if (flaw == 0) {
            flaw = infra_vrrp_parse(&datagram, &advert);
        }
        if (flaw == 0) {
            flaw = infra_vrrp_hear(port->machine, &advert, now);
        }
        if (flaw == 0) {
            port->heard_at = now;
        } else if (flaw > 0) {
            port->flaws |= 1u << flaw;
        }
    }
    return port->flaws & ~known;
}

/* Sending fails while the interface is down; the next message may get out. */
bool vrrp_port_next(struct vrrp_port *port, struct infra_vrrp_event *ret)
{
    uint8_t bytes[INFRA_VRRP_MESSAGE_MAX];
    int size;

    while (infra_vrrp_next(port->machine, infra_driver_now(), ret) ==
           INFRA_OK) {
        if (ret->kind == INFRA_VRRP_EVENT_ADVERTISE) {
            size = infra_vrrp_message(port->machine, ret, bytes, sizeof bytes);
            (void)link_send(&port->link, &ret->address, bytes, (size_t)size);
        } else if (ret->kind == INFRA_VRRP_EVENT_ANNOUNCE) {
            size = infra_vrrp_frame(port->machine, ret, port->interface->mac,
                                    bytes, sizeof bytes);
            (void)virtual_link_send(port->interface, bytes, (size_t)size);
        } else {
            return true;
        }
    }
    return false;
}

void vrrp_port_close(struct vrrp_port *port)
{
    infra_vrrp_destroy(port->machine);
    port->machine = NULL;
    link_close(&port->link);
}
