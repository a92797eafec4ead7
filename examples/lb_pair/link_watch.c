/* SPDX-License-Identifier: MIT */
#include "link_watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_MAX 64 /* In one turn. */

static void look(struct link_watch *watch)
{
    struct ifreq flags = { 0 };
    struct ifreq mac = { 0 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    watch->index = if_nametoindex(watch->interface);
    strncpy(flags.ifr_name, watch->interface, IFNAMSIZ - 1);
    strncpy(mac.ifr_name, watch->interface, IFNAMSIZ - 1);
    watch->is_up = watch->index != 0 && fd >= 0 &&
                   ioctl(fd, SIOCGIFFLAGS, &flags) == 0 &&
                   (flags.ifr_flags & IFF_UP) != 0 &&
                   (flags.ifr_flags & IFF_RUNNING) != 0 &&
                   ioctl(fd, SIOCGIFHWADDR, &mac) == 0;
    if (watch->is_up) {
        memcpy(watch->mac, mac.ifr_hwaddr.sa_data, sizeof watch->mac);
    }
    if (fd >= 0) {
        close(fd);
    }
}

int link_watch_open(struct link_watch *watch, const char *interface)
{
    const struct sockaddr_nl all = { .nl_family = AF_NETLINK,
                                     .nl_groups = RTMGRP_LINK |
                                                  RTMGRP_IPV4_IFADDR |
                                                  RTMGRP_IPV6_IFADDR };

    *watch = (struct link_watch) { .interface = interface };
    watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       NETLINK_ROUTE);
    if (watch->fd < 0 ||
        bind(watch->fd, (const struct sockaddr *)&all, sizeof all) != 0) {
        return -1;
    }
    look(watch);
    return 0;
}

void link_watch_close(struct link_watch *watch)
{
    if (watch->fd >= 0) {
        close(watch->fd);
    }
}

/* Only that messages came matters, also lost ones (ENOBUFS). */
bool link_watch_read(struct link_watch *watch)
{
    char message[8192];
    bool is_told = false;

    for (int i = 0; i < READS_MAX; i++) {
        if (recv(watch->fd, message, sizeof message, 0) < 0 &&
            errno != ENOBUFS) {
            break;
        }
        is_told = true;
    }
    if (is_told) {
        look(watch);
    }
    return is_told;
}

bool link_watch_follow(const struct link_watch *watch,
                       struct virtual_link *link)
{
    if (!watch->is_up) {
        return false;
    }
    if (link->index != watch->index) {
        virtual_link_close(link);
        if (virtual_link_open(link, watch->interface) != 0) {
            link->index = 0;
            return false;
        }
    }
    memcpy(link->mac, watch->mac, sizeof link->mac);
    return true;
}
