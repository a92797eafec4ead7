/* SPDX-License-Identifier: MIT */
#include "vrrp_link.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union endpoint {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t endpoint_of(const struct link *link,
                             const struct infra_vrrp_address *address,
                             union endpoint *ret)
{
    memset(ret, 0, sizeof *ret);
    if (link->family == INFRA_VRRP_FAMILY_IPV4) {
        ret->ipv4.sin_family = AF_INET;
        memcpy(&ret->ipv4.sin_addr, address->bytes, 4);
        return sizeof ret->ipv4;
    }
    ret->ipv6.sin6_family = AF_INET6;
    ret->ipv6.sin6_scope_id = link->index;
    memcpy(&ret->ipv6.sin6_addr, address->bytes, 16);
    return sizeof ret->ipv6;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int raw_socket(const struct link *link, const char *interface)
{
    int fd =
        socket(link->family == INFRA_VRRP_FAMILY_IPV4 ? AF_INET : AF_INET6,
               SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, INFRA_VRRP_PROTOCOL);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
                              (socklen_t)strlen(interface)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Join the group, and for IPv6 ask for what IPv4 has in its header. */
static int prepare_to_receive(const struct link *link)
{
    struct ip_mreqn ipv4 = { .imr_ifindex = (int)link->index };
    struct ipv6_mreq ipv6 = { .ipv6mr_interface = link->index };

    if (link->family == INFRA_VRRP_FAMILY_IPV4) {
        ipv4.imr_multiaddr.s_addr = htonl(0xe0000012);
        return setsockopt(link->receive_fd, IPPROTO_IP, IP_ADD_MEMBERSHIP,
                          &ipv4, sizeof ipv4);
    }
    ipv6.ipv6mr_multiaddr =
        (struct in6_addr) { .s6_addr = { 0xff, 2, [15] = 0x12 } };
    return set(link->receive_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) != 0 ||
                   set(link->receive_fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) !=
                       0
               ? -1
               : setsockopt(link->receive_fd, IPPROTO_IPV6, IPV6_JOIN_GROUP,
                            &ipv6, sizeof ipv6);
}

/* Send from the local address, with 255 hops, as internetwork control, and not
 * back to this node.  A bound socket receives no multicast: hence two
 * sockets. */
static int prepare_to_send(const struct link *link,
                           const struct infra_vrrp_address *local)
{
    struct ip_mreqn interface = { .imr_ifindex = (int)link->index };
    union endpoint from;
    socklen_t size = endpoint_of(link, local, &from);
    int fd = link->send_fd;
    int err = bind(fd, &from.any, size) | set(fd, SOL_SOCKET, SO_RCVBUF, 0);

    if (link->family == INFRA_VRRP_FAMILY_IPV4) {
        return err | set(fd, IPPROTO_IP, IP_TTL, 255) |
               set(fd, IPPROTO_IP, IP_TOS, 0xc0) |
               set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255) |
               set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0) |
               setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface,
                          sizeof interface);
    }
    return err | set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) |
           set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0xc0) |
           set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) |
           set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) |
           set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)link->index);
}

/* A packet socket for VRRP messages of other nodes from @local. */
static int open_twin(const struct link *link,
                     const struct infra_vrrp_address *local)
{
    uint32_t source;
    memcpy(&source, local->bytes, sizeof source);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
                 (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 5, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9), /* The protocol. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, INFRA_VRRP_PROTOCOL, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12), /* The source. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(source), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 64),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = { sizeof filter / sizeof filter[0],
                                        filter };
    const struct sockaddr_ll at = { .sll_family = AF_PACKET,
                                    .sll_protocol = htons(ETH_P_IP),
                                    .sll_ifindex = (int)link->index };
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* It receives nothing before bind(). */
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
                               sizeof program) != 0 ||
                    bind(fd, (const struct sockaddr *)&at, sizeof at) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

int link_open(struct link *link, const char *interface, uint32_t family,
              const struct infra_vrrp_address *local)
{
    *link =
        (struct link) { .family = family, .index = if_nametoindex(interface) };
    link->twin_fd =
        family == INFRA_VRRP_FAMILY_IPV4 ? open_twin(link, local) : -1;
    link->receive_fd = raw_socket(link, interface);
    link->send_fd = raw_socket(link, interface);
    if (link->index == 0 || link->receive_fd < 0 || link->send_fd < 0) {
        return -1;
    }
    return prepare_to_receive(link) != 0 || prepare_to_send(link, local) != 0
               ? -1
               : 0;
}

void link_close(struct link *link)
{
    if (link->receive_fd >= 0) {
        close(link->receive_fd);
    }
    if (link->send_fd >= 0) {
        close(link->send_fd);
    }
    if (link->twin_fd >= 0) {
        close(link->twin_fd);
    }
    link->receive_fd = link->send_fd = link->twin_fd = -1;
}

bool link_has_twin(struct link *link)
{
    bool is_heard = false;

    for (int i = 0; i < LINK_DATAGRAMS_MAX; i++) {
        if (recv(link->twin_fd, link->buffer, sizeof link->buffer, 0) < 0) {
            break;
        }
        is_heard = true;
    }
    return is_heard;
}

/* The ancillary data of an IPv6 datagram. */
static void read_ancillary(struct msghdr *message,
                           struct infra_vrrp_datagram *ret)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
         c = CMSG_NXTHDR(message, c)) {
        int hops;
        struct in6_pktinfo info;
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
            memcpy(&hops, CMSG_DATA(c), sizeof hops);
            ret->hop_limit = (uint32_t)hops;
        } else if (c->cmsg_level == IPPROTO_IPV6 &&
                   c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(ret->destination.bytes, &info.ipi6_addr, 16);
        }
    }
}

int link_receive(struct link *link, struct infra_vrrp_datagram *ret, int *flaw)
{
    union endpoint from;
    char control[256];
    struct iovec piece = { link->buffer, sizeof link->buffer };
    struct msghdr message = { .msg_name = &from,
                              .msg_namelen = sizeof from,
                              .msg_iov = &piece,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t size = recvmsg(link->receive_fd, &message, 0);

    if (size < 0) {
        return -1;
    }
    if (link->family == INFRA_VRRP_FAMILY_IPV4) {
        *flaw = infra_vrrp_unwrap(link->buffer, (size_t)size, ret);
        return 0;
    }
    *ret = (struct infra_vrrp_datagram) { .bytes = link->buffer,
                                          .bytes_count = (size_t)size,
                                          .family = INFRA_VRRP_FAMILY_IPV6 };
    memcpy(ret->source.bytes, &from.ipv6.sin6_addr, 16);
    read_ancillary(&message, ret);
    *flaw = 0;
    return 0;
}

int link_send(struct link *link, const struct infra_vrrp_address *to,
              const void *bytes, size_t size)
{
    union endpoint endpoint;
    socklen_t endpoint_size = endpoint_of(link, to, &endpoint);

    return sendto(link->send_fd, bytes, size, 0, &endpoint.any, endpoint_size) <
                   0
               ? -1
               : 0;
}
