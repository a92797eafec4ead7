/* SPDX-License-Identifier: MIT */
/* Whether an interface is there and has a carrier, on Linux: rtnetlink tells of
 * each change of links and addresses, and the interface is looked up by name
 * then.  An interface that is deleted and made again has another index: sockets
 * that were bound to the former one hear and send nothing any more. */
#ifndef EXAMPLES_LINK_WATCH_H
#define EXAMPLES_LINK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct link_watch {
    const char *interface;
    int fd;         /* To poll for reading. */
    uint32_t index; /* 0: there is no such interface. */
    bool is_up;     /* It is there, and up, with a carrier. */
    uint8_t mac[6]; /* Its hardware address. */
};

/* 0, or -1 with errno set. */
int link_watch_open(struct link_watch *watch, const char *interface);
void link_watch_close(struct link_watch *watch);

/* Take in what the kernel told.  True: something changed, here or elsewhere,
 * and the fields are true again. */
bool link_watch_read(struct link_watch *watch);

#endif
