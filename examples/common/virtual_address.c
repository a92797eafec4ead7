/* SPDX-License-Identifier: MIT */
#include "virtual_address.h"

#include "arguments.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool virtual_address_parse(const char *text, struct virtual_address *ret)
{
    bool is_ipv6 = strchr(text, ':') != NULL;
    size_t size = strcspn(text, "/");
    const char *p = text + size;
    char host[INET6_ADDRSTRLEN];
    uint32_t prefix = 0;

    *ret =
        (struct virtual_address) { .family = is_ipv6 ? INFRA_VRRP_FAMILY_IPV6
                                                     : INFRA_VRRP_FAMILY_IPV4 };
    if (size >= sizeof host) {
        return false;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    if (*p == '/') {
        p++;
        if (!read_number(&p, &prefix) || prefix < 1 ||
            prefix > (is_ipv6 ? 128u : 32u)) {
            return false;
        }
    }
    ret->prefix = (uint8_t)prefix;
    return *p == '\0' && inet_pton(is_ipv6 ? AF_INET6 : AF_INET, host,
                                   ret->address.bytes) == 1;
}

/* Without this the interface's own addresses of a prefix are removed with the
 * first one of that prefix, which may be a moving one (ip-sysctl:
 * promote_secondaries). */
static void keep_own_addresses(const char *interface)
{
    char path[64 + IFNAMSIZ];

    (void)snprintf(path, sizeof path,
                   "/proc/sys/net/ipv4/conf/%s/promote_secondaries", interface);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "1", 1);
        close(fd);
    }
}

int virtual_link_open(struct virtual_link *link, const char *interface)
{
    struct ifreq request = { 0 };

    *link = (struct virtual_link) { .index = if_nametoindex(interface) };
    link->frame_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    link->netlink_fd =
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (link->index == 0 || link->frame_fd < 0 || link->netlink_fd < 0) {
        return -1;
    }
    strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    if (ioctl(link->frame_fd, SIOCGIFHWADDR, &request) != 0) {
        return -1;
    }
    memcpy(link->mac, request.ifr_hwaddr.sa_data, sizeof link->mac);
    keep_own_addresses(interface);
    return 0;
}

void virtual_link_close(struct virtual_link *link)
{
    if (link->frame_fd >= 0) {
        close(link->frame_fd);
    }
    if (link->netlink_fd >= 0) {
        close(link->netlink_fd);
    }
    link->frame_fd = link->netlink_fd = -1;
}

int virtual_link_send(struct virtual_link *link, const void *frame, size_t size)
{
    struct sockaddr_ll to = { .sll_family = AF_PACKET,
                              .sll_ifindex = (int)link->index,
                              .sll_halen = 6 };

    return sendto(link->frame_fd, frame, size, 0, (struct sockaddr *)&to,
                  sizeof to) < 0
               ? -1
               : 0;
}

/* A request to set or remove an address (rtnetlink(7)). */
struct address_request {
    struct nlmsghdr head;
    struct ifaddrmsg message;
    uint8_t attributes[64];
};

static void add_attribute(struct address_request *request, uint16_t type,
                          const void *bytes, size_t size)
{
    size_t at = request->head.nlmsg_len - NLMSG_LENGTH(sizeof request->message);
    struct rtattr head = { .rta_len = (uint16_t)RTA_LENGTH(size),
                           .rta_type = type };

    memcpy(request->attributes + at, &head, sizeof head);
    memcpy(request->attributes + at + RTA_LENGTH(0), bytes, size);
    request->head.nlmsg_len += (uint32_t)RTA_ALIGN(RTA_LENGTH(size));
}

/* 0, or the kernel's errno. */
static int ask_kernel(struct virtual_link *link,
                      const struct address_request *request)
{
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        char rest[256];
    } reply;

    if (send(link->netlink_fd, request, request->head.nlmsg_len, 0) < 0 ||
        recv(link->netlink_fd, &reply, sizeof reply, 0) < 0) {
        return errno;
    }
    return -reply.error.error;
}

int virtual_link_set(struct virtual_link *link,
                     const struct virtual_address *address, uint32_t seconds)
{
    int is_ipv4 = address->family == INFRA_VRRP_FAMILY_IPV4;
    const struct ifa_cacheinfo lifetime = { .ifa_prefered = seconds,
                                            .ifa_valid = seconds };
    struct address_request request = {
        .head = { .nlmsg_len = NLMSG_LENGTH(sizeof request.message),
                  .nlmsg_type = seconds > 0 ? RTM_NEWADDR : RTM_DELADDR,
                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
        /* Another node may still have it: do not look for duplicates. */
        .message = { .ifa_family = is_ipv4 ? AF_INET : AF_INET6,
                     .ifa_prefixlen = address->prefix,
                     .ifa_flags = is_ipv4 ? 0 : IFA_F_NODAD,
                     .ifa_index = link->index },
    };

    add_attribute(&request, IFA_LOCAL, address->address.bytes,
                  is_ipv4 ? 4 : 16);
    if (seconds > 0) {
        request.head.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
        add_attribute(&request, IFA_CACHEINFO, &lifetime, sizeof lifetime);
    }
    int err = ask_kernel(link, &request);
    bool is_gone = err == EADDRNOTAVAIL || err == ENODEV;
    if (err != 0 && (seconds > 0 || !is_gone)) {
        errno = err;
        return -1;
    }
    return 0;
}

/* The library writes such frames for virtual routers; a router that is never
 * started is enough. */
int virtual_link_announce(struct virtual_link *link,
                          const struct virtual_address *address)
{
    /* For IPv6 the first address has to be link-local; its value does not
     * matter. */
    const struct infra_vrrp_address local =
        address->family == INFRA_VRRP_FAMILY_IPV4
            ? address->address
            : (struct infra_vrrp_address) { .bytes = { 0xfe, 0x80, [15] = 1 } };
    const struct infra_vrrp_options options = { .size = sizeof options,
                                                .addresses = &local,
                                                .addresses_count = 1,
                                                .local = local,
                                                .family = address->family,
                                                .vrid = 1 };
    const struct infra_vrrp_event event = { .kind = INFRA_VRRP_EVENT_ANNOUNCE,
                                            .address = address->address };
    uint8_t frame[INFRA_VRRP_FRAME_MAX];
    struct infra_vrrp *writer = NULL;

    if (infra_vrrp_create(&writer, &options) != INFRA_OK) {
        errno = ENOMEM;
        return -1;
    }
    int size = infra_vrrp_frame(writer, &event, link->mac, frame, sizeof frame);
    infra_vrrp_destroy(writer);
    return virtual_link_send(link, frame, (size_t)size);
}
