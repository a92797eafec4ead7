/* SPDX-License-Identifier: MIT */
/* Whether an interface exists and has a carrier, on Linux: after each rtnetlink
 * message about links and addresses it is looked up by name.  An interface that
 * is deleted and made again has another index: sockets bound to the former one
 * neither receive nor send. */
#ifndef EXAMPLES_LINK_WATCH_H
#define EXAMPLES_LINK_WATCH_H

#include "../common/virtual_address.h"

struct link_watch {
    const char *interface;
    int fd;         /* To poll for reading. */
    uint32_t index; /* 0: no such interface. */
    bool is_up;     /* It exists, is up, and has a carrier. */
    uint8_t mac[6]; /* Its hardware address. */
};

/* 0, or -1 with errno set. */
int link_watch_open(struct link_watch *watch, const char *interface);
void link_watch_close(struct link_watch *watch);

/* Read the kernel's messages.  True: something changed, here or on another
 * interface, and the fields are up to date. */
bool link_watch_read(struct link_watch *watch);

/* Bind @link to the interface, which has another index when it was made again.
 * False: the interface is down, or gone. */
bool link_watch_follow(const struct link_watch *watch,
                       struct virtual_link *link);

#endif
