/* SPDX-License-Identifier: MIT */
/*
 * A node of a virtual router: it has the address whenever it is Active.
 *
 *   cc vrrp_node.c virtual_address.c vrrp_link.c arguments.c log.c \
 *      log_sink.c $(pkg-config --cflags --libs libinfra) \
 *      -D_GNU_SOURCE -o vrrp_node
 *   ./vrrp_node --interface eth0 --local 192.0.2.1 --vrid 51 \
 *      --address 192.0.2.100/24 --priority 100 --interval 100
 *
 * It takes its turn with keepalived ("version 3") and with routers.  SIGTERM
 * resigns and ends it, SIGUSR1 says that this node cannot serve, or can again.
 * --peer, once or more, is for unicast.  It needs root, or CAP_NET_RAW and
 * CAP_NET_ADMIN.  It prints
 *
 *   backup: start
 *   active: silence, 0.361 s after the last message
 *   initialize: stop
 */
#include "../common/arguments.h"
#include "../common/log.h"
#include "../common/virtual_address.h"
#include "vrrp_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Lines of a kind within LOG_WINDOW. */
#define LOG_REPEATS_MAX 20u

#define INTERVAL_MS_MAX 40950u /* RFC 9568, section 5.2.7: 12 bits. */
#define DAY_S 86400u

static struct link link_;
static struct virtual_link interface_;
static struct infra_vrrp *vrrp;
static struct infra_vrrp_address addresses[INFRA_VRRP_ADDRESSES_MAX];
static uint8_t prefixes[INFRA_VRRP_ADDRESSES_MAX];
static struct infra_vrrp_address peers[INFRA_VRRP_PEERS_MAX];
static infra_time last_heard;
static uint32_t dropped; /* Flaws that were told, as bits. */
static volatile sig_atomic_t is_stopping;
static volatile sig_atomic_t is_unfit;

static void fail(const char *what)
{
    char line[LOG_LINE_MAX];

    (void)snprintf(line, sizeof line, "vrrp_node: %s: %s", what,
                   strerror(errno));
    (void)log_say(STDERR_FILENO, line);
    log_close();
    exit(EXIT_FAILURE);
}

static void take_signal(int number)
{
    if (number == SIGUSR1) {
        is_unfit = !is_unfit;
    } else {
        is_stopping = 1;
    }
}

static infra_time now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return INFRA_SEC(t.tv_sec) + (infra_time)t.tv_nsec;
}

/* Read what is there before looking at the clock. */
static void hear_all(void)
{
    struct infra_vrrp_datagram datagram;
    struct infra_vrrp_advert advert;
    int flaw;

    for (int i = 0;
         i < LINK_DATAGRAMS_MAX && link_receive(&link_, &datagram, &flaw) == 0;
         i++) {
        infra_time t = now();
        if (flaw == 0) {
            flaw = infra_vrrp_parse(&datagram, &advert);
        }
        if (flaw == 0) {
            flaw = infra_vrrp_hear(vrrp, &advert, t);
        }
        if (flaw == 0) {
            last_heard = t;
        } else if (flaw > 0 && (dropped & 1u << flaw) == 0) {
            dropped |= 1u << flaw;
            log_line("dropped: %s", infra_vrrp_flaw_name((uint32_t)flaw));
        }
    }
}

static void change(const struct infra_vrrp_event *event)
{
    char after[64] = "";

    for (uint32_t i = 0; prefixes[i] != 0; i++) {
        const struct virtual_address a = { .address = addresses[i],
                                           .family = link_.family,
                                           .prefix = prefixes[i] };
        if (virtual_link_set(&interface_, &a,
                             event->state == INFRA_VRRP_STATE_ACTIVE
                                 ? VIRTUAL_ADDRESS_FOREVER
                                 : 0) != 0) {
            fail("address");
        }
    }
    if (event->state == INFRA_VRRP_STATE_ACTIVE && last_heard != 0) {
        (void)snprintf(after, sizeof after, ", %.3f s after the last message",
                       (double)(event->at - last_heard) / 1e9);
    }
    log_line("%s: %s%s", infra_vrrp_state_name(event->state),
             infra_vrrp_reason_name(event->reason), after);
}

/* Sending fails while the interface is down: no matter, the next one may not.
 */
static void act(const struct infra_vrrp_event *event)
{
    uint8_t buffer[INFRA_VRRP_MESSAGE_MAX];
    int size;

    switch (event->kind) {
    case INFRA_VRRP_EVENT_ADVERTISE:
        size = infra_vrrp_message(vrrp, event, buffer, sizeof buffer);
        (void)link_send(&link_, &event->address, buffer, (size_t)size);
        break;
    case INFRA_VRRP_EVENT_CHANGE:
        change(event);
        break;
    case INFRA_VRRP_EVENT_ANNOUNCE:
        size = infra_vrrp_frame(vrrp, event, interface_.mac, buffer,
                                sizeof buffer);
        (void)virtual_link_send(&interface_, buffer, (size_t)size);
        break;
    default:
        log_line("hint: %s", infra_vrrp_reason_name(event->reason));
        break;
    }
}

static void run(void)
{
    struct pollfd poll_fd = { .fd = link_.receive_fd, .events = POLLIN };
    struct infra_vrrp_event event;
    sigset_t none;

    sigemptyset(&none);
    for (int is_over = 0; !is_over;) {
        hear_all();
        infra_vrrp_fit(vrrp, !is_unfit, now());
        if (is_stopping) {
            infra_vrrp_stop(vrrp, now());
            is_over = 1;
        }
        while (infra_vrrp_next(vrrp, now(), &event) == INFRA_OK) {
            act(&event);
        }
        infra_time until = infra_vrrp_deadline(vrrp);
        infra_time t = now();
        infra_time wait = until > t ? until - t : 0;
        struct timespec timeout = { (time_t)(wait / INFRA_SEC(1)),
                                    (long)(wait % INFRA_SEC(1)) };
        log_tend();
        if (!is_over) { /* Signals come in here and nowhere else. */
            (void)ppoll(&poll_fd, 1,
                        until == INFRA_TIME_NEVER ? NULL : &timeout, &none);
        }
    }
}

static void usage(void)
{
    (void)log_say(STDERR_FILENO,
                  "usage: vrrp_node --interface NAME --local ADDRESS --vrid N "
                  "--address ADDRESS/PREFIX...\n"
                  "    [--peer ADDRESS]... [--priority N] [--interval MS] "
                  "[--preempt-delay MS] [--no-preempt]\n"
                  "    [--announce-every SECONDS]");
    exit(2);
}

static int read_host(const char *text, struct infra_vrrp_address *ret)
{
    int is_ipv6 = strchr(text, ':') != NULL;

    memset(ret, 0, sizeof *ret);
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, ret->bytes) != 1) {
        usage();
    }
    return is_ipv6;
}

/* A number in its range. */
static uint32_t number_of(const char *name, const char *text, uint32_t min,
                          uint32_t max)
{
    uint32_t number = 0;

    if (!read_range(name, text, min, max, &number)) {
        exit(2);
    }
    return number;
}

/* ADDRESS/PREFIX. */
static void read_virtual(char *text, struct infra_vrrp_options *o)
{
    char *slash = strchr(text, '/');

    if (slash == NULL || o->addresses_count == INFRA_VRRP_ADDRESSES_MAX - 1) {
        usage();
    }
    *slash = '\0';
    int is_ipv6 = read_host(text, &addresses[o->addresses_count]);
    prefixes[o->addresses_count++] = (uint8_t)number_of(
        "the prefix of --address", slash + 1, 1, is_ipv6 ? 128 : 32);
}

static const char *read_options(int argc, char **argv,
                                struct infra_vrrp_options *o)
{
    static const struct option options[] = {
        { "interface", 1, NULL, 'i' },
        { "local", 1, NULL, 'l' },
        { "vrid", 1, NULL, 'v' },
        { "address", 1, NULL, 'a' },
        { "peer", 1, NULL, 'u' },
        { "priority", 1, NULL, 'p' },
        { "interval", 1, NULL, 'n' },
        { "no-preempt", 0, NULL, 'N' },
        { "preempt-delay", 1, NULL, 'd' },
        { "announce-every", 1, NULL, 'e' },
        { NULL, 0, NULL, 0 },
    };
    const char *interface = NULL;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'i':
            interface = optarg;
            break;
        case 'l':
            o->family = (uint32_t)read_host(optarg, &o->local);
            break;
        case 'v':
            o->vrid = number_of("--vrid", optarg, 1, 255);
            break;
        case 'a':
            read_virtual(optarg, o);
            break;
        case 'u':
            if (o->peers_count == INFRA_VRRP_PEERS_MAX) {
                usage();
            }
            (void)read_host(optarg, &peers[o->peers_count++]);
            break;
        case 'p':
            o->priority = number_of("--priority", optarg, 1, 255);
            break;
        case 'n':
            o->interval =
                INFRA_MS(number_of("--interval", optarg, 10, INTERVAL_MS_MAX));
            break;
        case 'e':
            o->announce_every =
                INFRA_SEC(number_of("--announce-every", optarg, 0, DAY_S));
            break;
        case 'N':
            o->no_preempt = 1;
            break;
        case 'd':
            o->preempt_delay =
                INFRA_MS(number_of("--preempt-delay", optarg, 0, 1000 * DAY_S));
            break;
        default:
            usage();
        }
    }
    if (interface == NULL || optind != argc) {
        usage();
    }
    return interface;
}

int main(int argc, char **argv)
{
    struct infra_vrrp_options o = { .size = sizeof o, .addresses = addresses };
    const struct log_options log_options = { .fd = STDOUT_FILENO,
                                             .repeats_max = LOG_REPEATS_MAX };
    struct sigaction action = { .sa_handler = take_signal };
    sigset_t signals;

    arguments_begin("vrrp_node");
    const char *interface = read_options(argc, argv, &o);
    o.peers = o.peers_count != 0 ? peers : NULL;
    if (infra_vrrp_create(&vrrp, &o) != INFRA_OK) {
        usage();
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    log_open(&log_options);
    if (virtual_link_open(&interface_, interface) != 0 ||
        link_open(&link_, interface, o.family, &o.local) != 0) {
        fail(interface);
    }
    infra_vrrp_start(vrrp, now());
    run();
    infra_vrrp_destroy(vrrp);
    link_close(&link_);
    virtual_link_close(&interface_);
    log_close();
    return EXIT_SUCCESS;
}
