/* SPDX-License-Identifier: MIT */
/* The input is a datagram: 4 and all of it with IPv4, 6 and source, destination
 * and message with IPv6. Whatever it is, reading stays inside, gives the same
 * at any address, and with the right checksum fails for nothing but another
 * flaw. What is understood goes into a virtual router, whose messages are then
 * understood in turn. */
#include "fuzz.h"

#include <infra/vrrp.h>
#include <stdlib.h>
#include <string.h>

static void need(int ok)
{
    if (!ok) {
        abort();
    }
}

static struct infra_vrrp *router_of(uint32_t family)
{
    static struct infra_vrrp *routers[2];
    static const struct infra_vrrp_address address[2] = {
        { { 10, 99, 0, 100 } }, { { 0xfe, 0x80, [14] = 1 } }
    };
    struct infra_vrrp_options o = { .size = sizeof o,
                                    .addresses = &address[family],
                                    .addresses_count = 1,
                                    .local = { { 0xfe, 0x80, [15] = 9 } },
                                    .interval = INFRA_MS(100),
                                    .family = family,
                                    .vrid = 51 };

    if (routers[family] == NULL) {
        need(infra_vrrp_create(&routers[family], &o) == INFRA_OK);
        need(infra_vrrp_start(routers[family], 0) == INFRA_OK);
    }
    return routers[family];
}

/* What the router sends is understood by others. */
static void check_message(const struct infra_vrrp *router, uint32_t family,
                          const struct infra_vrrp_event *event)
{
    uint8_t bytes[INFRA_VRRP_MESSAGE_MAX];
    int size = infra_vrrp_message(router, event, bytes, sizeof bytes);
    struct infra_vrrp_datagram d = { .bytes = bytes,
                                     .bytes_count = (size_t)size,
                                     .source = { { 0xfe, 0x80, [15] = 9 } },
                                     .destination = event->address,
                                     .family = family,
                                     .hop_limit = 255 };
    struct infra_vrrp_advert a;

    need(size > 0 && infra_vrrp_parse(&d, &a) == 0);
    need(a.vrid == 51 && a.priority == event->priority);
}

static void drive(const struct infra_vrrp_advert *advert)
{
    static infra_time now;
    struct infra_vrrp *router = router_of(advert->family);
    struct infra_vrrp_event e;
    uint32_t events_count = 0;

    now += INFRA_MS(7) * (advert->priority % 64u);
    need(infra_vrrp_hear(router, advert, now) >= 0);
    while (infra_vrrp_next(router, now, &e) == INFRA_OK) {
        need(++events_count < 32);
        if (e.kind == INFRA_VRRP_EVENT_ADVERTISE) {
            check_message(router, advert->family, &e);
        }
    }
    need(infra_vrrp_deadline(router) > now);
}

/* Put the right checksum into a copy of the message. */
static void mend(const struct infra_vrrp_datagram *d, uint8_t *bytes)
{
    size_t address_size = d->family == INFRA_VRRP_FAMILY_IPV4 ? 4 : 16;
    uint32_t sum = INFRA_VRRP_PROTOCOL + (uint32_t)d->bytes_count;

    bytes[6] = bytes[7] = 0;
    for (size_t i = 0; i < address_size; i += 2) {
        sum += (uint32_t)d->source.bytes[i] << 8 | d->source.bytes[i + 1];
        sum += (uint32_t)d->destination.bytes[i] << 8 |
               d->destination.bytes[i + 1];
    }
    for (size_t i = 0; i < d->bytes_count; i++) {
        sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 8 : 0);
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    bytes[6] = (uint8_t)(~sum >> 8);
    bytes[7] = (uint8_t)~sum;
}

static void check(struct infra_vrrp_datagram d)
{
    struct infra_vrrp_advert a;
    int flaw = infra_vrrp_parse(&d, &a);

    need(flaw >= 0 && flaw < INFRA_VRRP_FLAW_VRID);
    if (flaw == 0) {
        drive(&a);
    }
    uint8_t *copy = malloc(d.bytes_count + 1);
    need(copy != NULL);
    memcpy(copy + 1, d.bytes, d.bytes_count);
    d.bytes = copy + 1;
    need(infra_vrrp_parse(&d, &a) == flaw);
    if (d.bytes_count >= 8) {
        mend(&d, copy + 1);
        int mended = infra_vrrp_parse(&d, &a);
        need(flaw == 0 || flaw == INFRA_VRRP_FLAW_CHECKSUM ? mended == 0
                                                           : mended == flaw);
        if (mended == 0) {
            need(a.addresses == copy + 9 &&
                 a.addresses_count *
                         (d.family == INFRA_VRRP_FAMILY_IPV4 ? 4u : 16u) <=
                     d.bytes_count - 8);
            drive(&a);
        }
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infra_vrrp_datagram d = { .family = INFRA_VRRP_FAMILY_IPV6,
                                     .hop_limit = 255 };

    if (size > 0 && data[0] == 4) {
        int flaw = infra_vrrp_unwrap(data + 1, size - 1, &d);
        need(flaw == 0 || flaw == INFRA_VRRP_FLAW_IP);
        if (flaw == 0) {
            check(d);
        }
    } else if (size >= 33) {
        memcpy(d.source.bytes, data + 1, 16);
        memcpy(d.destination.bytes, data + 17, 16);
        d.bytes = data + 33;
        d.bytes_count = size - 33;
        check(d);
    }
    return 0;
}
