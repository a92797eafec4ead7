/* SPDX-License-Identifier: MIT */
/*
 * A node of a virtual router: it has the addresses while it is Active.
 *
 *   cc vrrp_node.c vrrp_port.c vrrp_link.c ../common/virtual_address.c \
 *      ../common/waiting.c ../common/arguments.c ../common/log.c \
 *      ../common/log_sink.c $(pkg-config --cflags --libs libinfra) \
 *      -D_GNU_SOURCE -o vrrp_node
 *   ./vrrp_node --interface eth0 --local 192.0.2.1 --vrid 51 \
 *      --address 192.0.2.100/24 --priority 100 --interval 100
 *
 * It works with keepalived ("version 3") and with routers.  SIGTERM resigns and
 * ends it.  SIGUSR1 makes this node unfit, or fit again.  --peer, once or more,
 * is for unicast.  It needs root, or CAP_NET_RAW and CAP_NET_ADMIN.  It prints
 *
 *   backup: start
 *   active: silence, 0.361 s after the last message
 *   initialize: stop
 */
#include "../common/arguments.h"
#include "../common/log.h"
#include "../common/waiting.h"
#include "vrrp_port.h"

#include <errno.h>
#include <getopt.h>
#include <infra/driver.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Lines of a kind within LOG_WINDOW. */
#define LOG_REPEATS_MAX 20u

#define INTERVAL_MS_MAX 40950u /* RFC 9568, section 5.2.7: 12 bits. */
#define DAY_S 86400u

static const char usage[] =
    "usage: vrrp_node --interface NAME --local ADDR --vrid N "
    "--address ADDR/PREFIX...\n"
    "    [--peer ADDR]... [--priority N] [--interval MS] "
    "[--preempt-delay MS] [--no-preempt]\n"
    "    [--announce-every SECONDS]";

static const struct option long_options[] = {
    { "interface", required_argument, NULL, 'i' },
    { "local", required_argument, NULL, 'l' },
    { "vrid", required_argument, NULL, 'v' },
    { "address", required_argument, NULL, 'a' },
    { "peer", required_argument, NULL, 'u' },
    { "priority", required_argument, NULL, 'p' },
    { "interval", required_argument, NULL, 'n' },
    { "no-preempt", no_argument, NULL, 'N' },
    { "preempt-delay", required_argument, NULL, 'd' },
    { "announce-every", required_argument, NULL, 'e' },
    { NULL, 0, NULL, 0 },
};

struct node {
    const char *interface;
    struct infra_vrrp_options options;
    struct virtual_address addresses[INFRA_VRRP_ADDRESSES_MAX];
    struct infra_vrrp_address peers[INFRA_VRRP_PEERS_MAX];
    struct virtual_link link;
    struct vrrp_port port;
    int signal_fd;
    bool is_unfit;
    bool is_over;
};

/* Both: false, to be returned. */
static bool show_usage(void)
{
    (void)log_say(STDERR_FILENO, usage);
    return false;
}

static bool fail(const char *what)
{
    return arguments_wrong("%s: %s", what, strerror(errno));
}

static bool read_local(struct node *n, const char *text)
{
    struct virtual_address a;

    if (!virtual_address_parse(text, &a) || a.prefix != 0) {
        return arguments_wrong("--local \"%s\": must be an address", text);
    }
    n->options.local = a.address;
    n->options.family = a.family;
    return true;
}

static bool read_virtual(struct node *n, const char *text)
{
    uint32_t i = n->options.addresses_count;

    if (i == INFRA_VRRP_ADDRESSES_MAX) {
        return arguments_wrong("--address: at most %u", i);
    }
    n->options.addresses_count++;
    return (virtual_address_parse(text, &n->addresses[i]) &&
            n->addresses[i].prefix != 0) ||
           arguments_wrong(
               "--address \"%s\": must be ADDR/PREFIX, a prefix of 1 to %d",
               text, strchr(text, ':') != NULL ? 128 : 32);
}

static bool read_peer(struct node *n, const char *text)
{
    struct virtual_address a;

    if (n->options.peers_count == INFRA_VRRP_PEERS_MAX) {
        return arguments_wrong("--peer: at most %u", INFRA_VRRP_PEERS_MAX);
    }
    if (!virtual_address_parse(text, &a) || a.prefix != 0) {
        return arguments_wrong("--peer \"%s\": must be an address", text);
    }
    n->peers[n->options.peers_count++] = a.address;
    return true;
}

/* @unit is the unit of the number. */
static bool read_duration(const char *name, const char *text, uint32_t min,
                          uint32_t max, infra_time unit, infra_time *ret)
{
    uint32_t number = 0;

    if (!read_range(name, text, min, max, &number)) {
        return false;
    }
    *ret = number * unit;
    return true;
}

static bool read_option(struct node *n, int option, const char *value)
{
    struct infra_vrrp_options *o = &n->options;

    switch (option) {
    case 'i':
        return read_nonempty("--interface", value, &n->interface);
    case 'l':
        return read_local(n, value);
    case 'v':
        return read_range("--vrid", value, 1, 255, &o->vrid);
    case 'a':
        return read_virtual(n, value);
    case 'u':
        return read_peer(n, value);
    case 'p':
        return read_range("--priority", value, 1, 255, &o->priority);
    case 'n':
        return read_duration("--interval", value, 10, INTERVAL_MS_MAX,
                             INFRA_MS(1), &o->interval);
    case 'e':
        return read_duration("--announce-every", value, 0, DAY_S, INFRA_SEC(1),
                             &o->announce_interval);
    case 'N':
        o->no_preempt = 1;
        return true;
    case 'd':
        return read_duration("--preempt-delay", value, 0, 1000 * DAY_S,
                             INFRA_MS(1), &o->preempt_delay);
    default:
        return false; /* getopt_long() has named it. */
    }
}

static bool read_options(struct node *n, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (!read_option(n, option, optarg)) {
            return false;
        }
    }
    return (n->interface != NULL && optind == argc) || show_usage();
}

static bool create_machine(struct node *n)
{
    struct infra_vrrp_address addresses[INFRA_VRRP_ADDRESSES_MAX];

    for (uint32_t i = 0; i < n->options.addresses_count; i++) {
        addresses[i] = n->addresses[i].address;
    }
    n->options.addresses = addresses;
    n->options.peers = n->options.peers_count != 0 ? n->peers : NULL;
    return infra_vrrp_create(&n->port.machine, &n->options) == INFRA_OK ||
           show_usage();
}

static bool change(struct node *n, const struct infra_vrrp_event *event)
{
    bool is_active = event->state == INFRA_VRRP_STATE_ACTIVE;
    char after[64] = "";

    for (uint32_t i = 0; i < n->options.addresses_count; i++) {
        if (virtual_link_set(&n->link, &n->addresses[i],
                             is_active ? VIRTUAL_ADDRESS_FOREVER : 0) != 0) {
            return fail("address");
        }
    }
    if (is_active && n->port.heard_at != 0) {
        (void)snprintf(after, sizeof after, ", %.3f s after the last message",
                       (double)(event->at - n->port.heard_at) / 1e9);
    }
    log_line("%s: %s%s", infra_vrrp_state_name(event->state),
             infra_vrrp_reason_name(event->reason), after);
    return true;
}

static void take_signals(struct node *n)
{
    struct signalfd_siginfo info;

    while (read(n->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGUSR1) {
            n->is_unfit = !n->is_unfit;
        } else {
            n->is_over = true;
        }
    }
    (void)infra_vrrp_fit(n->port.machine, !n->is_unfit, infra_driver_now());
    if (n->is_over) {
        (void)infra_vrrp_stop(n->port.machine, infra_driver_now());
    }
}

/* False: an address could not be set. */
static bool turn(struct node *n)
{
    struct infra_vrrp_event event;
    uint32_t flaws = vrrp_port_hear(&n->port);

    for (uint32_t flaw = 0; flaws >> flaw != 0; flaw++) {
        if ((flaws >> flaw & 1u) != 0) {
            log_line("dropped: %s", infra_vrrp_flaw_name(flaw));
        }
    }
    take_signals(n);
    while (vrrp_port_next(&n->port, &event)) {
        if (event.kind != INFRA_VRRP_EVENT_CHANGE) {
            log_line("hint: %s", infra_vrrp_reason_name(event.reason));
        } else if (!change(n, &event)) {
            return false;
        }
    }
    return true;
}

static bool run(struct node *n)
{
    struct pollfd fds[] = {
        { .fd = n->port.link.receive_fd, .events = POLLIN },
        { .fd = n->signal_fd, .events = POLLIN },
    };

    (void)infra_vrrp_start(n->port.machine, infra_driver_now());
    for (;;) {
        if (!turn(n)) {
            return false;
        }
        log_tend();
        if (n->is_over) {
            return true;
        }
        wait_until(fds, 2, infra_vrrp_deadline(n->port.machine));
    }
}

int main(int argc, char **argv)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGUSR1 };
    static struct node node = { .options = { .size = sizeof node.options },
                                .port = VRRP_PORT_CLOSED,
                                .link = { .frame_fd = -1, .netlink_fd = -1 } };
    const struct log_options log_options = { .fd = STDOUT_FILENO,
                                             .repeats_max = LOG_REPEATS_MAX };

    arguments_begin("vrrp_node");
    node.port.interface = &node.link;
    if (!read_options(&node, argc, argv) || !create_machine(&node)) {
        return 2;
    }
    node.signal_fd = signals_open(signals, 3);
    log_open(&log_options);
    bool good = (virtual_link_open(&node.link, node.interface) == 0 &&
                 link_open(&node.port.link, node.interface, node.options.family,
                           &node.options.local) == 0) ||
                fail(node.interface);
    good = good && run(&node);
    vrrp_port_close(&node.port);
    virtual_link_close(&node.link);
    log_close();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
