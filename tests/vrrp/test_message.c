/* SPDX-License-Identifier: MIT */
/* VRRP, the bytes: what keepalived 2.2.7 sent is understood, what this library
 * sends is the same, what is damaged is refused by name, and the frames that
 * announce an address are those of the RFCs. */
#include "vrrp.h"

#include "vrrp/checksum.h"

/* Captured from keepalived 2.2.7 of Debian 12: VRID 51, priority 150, 100 ms,
 * addresses 10.99.0.100 and .101, from 10.99.0.1; with the IPv4 header. */
static const uint8_t multicast[] = {
    0x45, 0xc0, 0x00, 0x24, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x32,
    0x0a, 0x63, 0x00, 0x01, 0xe0, 0x00, 0x00, 0x12, 0x31, 0x33, 0x96, 0x02,
    0x00, 0x0a, 0x38, 0x3a, 0x0a, 0x63, 0x00, 0x64, 0x0a, 0x63, 0x00, 0x65,
};

/* The same when it is stopped. */
static const uint8_t resignation[] = {
    0x45, 0xc0, 0x00, 0x24, 0x00, 0x25, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x0e,
    0x0a, 0x63, 0x00, 0x01, 0xe0, 0x00, 0x00, 0x12, 0x31, 0x33, 0x00, 0x02,
    0x00, 0x0a, 0xce, 0x3a, 0x0a, 0x63, 0x00, 0x64, 0x0a, 0x63, 0x00, 0x65,
};

/* The same to the peer 10.99.0.2, with one address. */
static const uint8_t unicast[] = {
    0x45, 0xc0, 0x00, 0x20, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xa5,
    0xe4, 0x0a, 0x63, 0x00, 0x01, 0x0a, 0x63, 0x00, 0x02, 0x31, 0x33,
    0x96, 0x01, 0x00, 0x0a, 0x18, 0xb5, 0x0a, 0x63, 0x00, 0x64,
};

/* VRRP version 2. */
static const uint8_t version_2[] = {
    0x45, 0xc0, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70,
    0xd0, 0x2e, 0x0a, 0x63, 0x00, 0x01, 0xe0, 0x00, 0x00, 0x12,
    0x21, 0x33, 0x96, 0x01, 0x00, 0x01, 0x3e, 0x03, 0x0a, 0x63,
    0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* IPv6, without the IP header: fe80::100 and 2001:db8::100. */
static const uint8_t ipv6[] = {
    0x31, 0x33, 0x96, 0x02, 0x00, 0x0a, 0xf6, 0xa7, 0xfe, 0x80,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
};
static const struct infra_vrrp_address ipv6_source = {
    { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0xb0, 0x89, 0xf4, 0xff, 0xfe, 0x1a, 0x72,
      0x0b }
};
static const struct infra_vrrp_address ipv6_group = { { 0xff, 2, [15] = 18 } };

static struct infra_vrrp_datagram unwrap(const uint8_t *bytes, size_t count)
{
    struct infra_vrrp_datagram d;

    ck_assert_int_eq(infra_vrrp_unwrap(bytes, count, &d), 0);
    return d;
}

static struct infra_vrrp_datagram ipv6_datagram(const uint8_t *bytes)
{
    return (struct infra_vrrp_datagram) { .bytes = bytes,
                                          .bytes_count = sizeof ipv6,
                                          .source = ipv6_source,
                                          .destination = ipv6_group,
                                          .family = INFRA_VRRP_FAMILY_IPV6,
                                          .hop_limit = 255 };
}

static struct infra_vrrp_advert parse(const struct infra_vrrp_datagram *d)
{
    struct infra_vrrp_advert a;

    ck_assert_int_eq(infra_vrrp_parse(d, &a), 0);
    ck_assert_uint_eq(a.reserved, 0);
    return a;
}

/* A node as keepalived was. */
static void create_like_keepalived(struct infra_vrrp_options o)
{
    static struct infra_vrrp_address addresses[2];

    addresses[0] = (struct infra_vrrp_address) { { 10, 99, 0, 100 } };
    addresses[1] = (struct infra_vrrp_address) { { 10, 99, 0, 101 } };
    o.local = (struct infra_vrrp_address) { { 10, 99, 0, 1 } };
    if (o.family == INFRA_VRRP_FAMILY_IPV6) {
        memcpy(addresses[0].bytes, ipv6 + 8, 16);
        memcpy(addresses[1].bytes, ipv6 + 24, 16);
        o.local = ipv6_source;
    }
    o.addresses = addresses;
    o.addresses_count = o.peers_count != 0 ? 1 : 2;
    o.priority = 150;
    o.interval = INFRA_MS(100);
    create(o);
    start(0);
}

/* The first event of @kind, from the take-over on. */
static struct infra_vrrp_event first(uint32_t kind)
{
    struct infra_vrrp_event e;

    do {
        ck_assert_int_eq(infra_vrrp_next(vrrp, INFRA_SEC(1), &e), INFRA_OK);
    } while (e.kind != kind);
    return e;
}

/* An IPv4 header is taken off, with what it says. */
START_TEST(ipv4_header_is_taken_off)
{
    struct infra_vrrp_datagram d = unwrap(multicast, sizeof multicast);

    ck_assert_ptr_eq(d.bytes, multicast + 20);
    ck_assert_uint_eq(d.bytes_count, 16);
    ck_assert_mem_eq(d.source.bytes, multicast + 12, 4);
    ck_assert_mem_eq(d.destination.bytes, multicast + 16, 4);
    ck_assert_uint_eq(d.source.bytes[4], 0);
    ck_assert_uint_eq(d.family, INFRA_VRRP_FAMILY_IPV4);
    ck_assert_uint_eq(d.hop_limit, 255);
}
END_TEST

/* What is no whole IPv4 datagram of VRRP: a byte of the header, and how many
 * bytes there are. */
static const struct {
    size_t at;
    uint8_t value;
    size_t count;
    int flaw;
} headers[] = {
    { 0, 0x45, 36, 0 },
    { 0, 0x45, 60, 0 }, /* Padding of a short frame. */
    { 0, 0x46, 36, 0 }, /* Options. */
    { 0, 0x49, 36, 0 }, /* Nothing but options. */
    { 0, 0x4a, 36, INFRA_VRRP_FLAW_IP },
    { 0, 0x44, 36, INFRA_VRRP_FLAW_IP },
    { 0, 0x65, 36, INFRA_VRRP_FLAW_IP },
    { 0, 0x45, 35, INFRA_VRRP_FLAW_IP },
    { 0, 0x45, 19, INFRA_VRRP_FLAW_IP },
    { 0, 0x45, 0, INFRA_VRRP_FLAW_IP },
    { 2, 1, 60, INFRA_VRRP_FLAW_IP }, /* It says that it is longer. */
    { 3, 20, 36, 0 },
    { 3, 20, 20, 0 }, /* No message at all. */
    { 3, 19, 36, INFRA_VRRP_FLAW_IP },
    { 6, 0x40, 36, 0 }, /* Do not fragment. */
    { 6, 0x20, 36, INFRA_VRRP_FLAW_IP },
    { 7, 1, 36, INFRA_VRRP_FLAW_IP },
    { 9, 111, 36, INFRA_VRRP_FLAW_IP },
};

START_TEST(ipv4_header_is_checked)
{
    uint8_t bytes[60] = { 0 };
    struct infra_vrrp_datagram d;

    memcpy(bytes, multicast, sizeof multicast);
    bytes[headers[_i].at] = headers[_i].value;
    uint8_t *exact = malloc(headers[_i].count + 1);
    memcpy(exact, bytes, headers[_i].count);
    ck_assert_int_eq(infra_vrrp_unwrap(exact, headers[_i].count, &d),
                     headers[_i].flaw);
    if (headers[_i].flaw == 0) {
        ck_assert_uint_eq((size_t)((const uint8_t *)d.bytes - exact) +
                              d.bytes_count,
                          exact[3]);
    }
    free(exact);
}
END_TEST

/* What keepalived sends is understood. */
START_TEST(keepalived_is_understood)
{
    struct infra_vrrp_datagram d = unwrap(multicast, sizeof multicast);
    struct infra_vrrp_advert a = parse(&d);

    ck_assert_mem_eq(a.source.bytes, multicast + 12, 4);
    ck_assert_ptr_eq(a.addresses, multicast + 28);
    ck_assert_uint_eq(a.addresses_count, 2);
    ck_assert_uint_eq(a.interval, INFRA_MS(100));
    ck_assert_uint_eq(a.family, INFRA_VRRP_FAMILY_IPV4);
    ck_assert_uint_eq(a.vrid, 51);
    ck_assert_uint_eq(a.priority, 150);
    ck_assert_uint_eq(a.checksum, INFRA_VRRP_CHECKSUM_PSEUDO);

    d = unwrap(resignation, sizeof resignation);
    ck_assert_uint_eq(parse(&d).priority, 0);
    d = unwrap(unicast, sizeof unicast);
    ck_assert_uint_eq(parse(&d).addresses_count, 1);

    d = ipv6_datagram(ipv6);
    a = parse(&d);
    ck_assert_mem_eq(a.source.bytes, ipv6_source.bytes, 16);
    ck_assert_ptr_eq(a.addresses, ipv6 + 8);
    ck_assert_uint_eq(a.addresses_count, 2);
    ck_assert_uint_eq(a.family, INFRA_VRRP_FAMILY_IPV6);
    ck_assert_uint_eq(a.interval, INFRA_MS(100));
}
END_TEST

/* Version 2 is refused as what it is. */
START_TEST(version_2_is_refused_by_name)
{
    struct infra_vrrp_datagram d = unwrap(version_2, sizeof version_2);
    struct infra_vrrp_advert a;

    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_VERSION);
    ck_assert_str_eq(infra_vrrp_flaw_name(INFRA_VRRP_FLAW_VERSION), "version");
}
END_TEST

/* What is sent is, byte for byte, what keepalived sends. */
START_TEST(messages_are_those_of_keepalived)
{
    static const struct infra_vrrp_address peer = { { 10, 99, 0, 2 } };
    uint8_t buffer[INFRA_VRRP_MESSAGE_MAX];

    create_like_keepalived((struct infra_vrrp_options) { .size = 0 });
    struct infra_vrrp_event e = first(INFRA_VRRP_EVENT_ADVERTISE);
    ck_assert_mem_eq(e.address.bytes, multicast + 16, 4);
    ck_assert_int_eq(infra_vrrp_message(vrrp, &e, buffer, sizeof buffer), 16);
    ck_assert_mem_eq(buffer, multicast + 20, 16);
    ck_assert_int_eq(infra_vrrp_stop(vrrp, INFRA_SEC(1)), INFRA_OK);
    e = first(INFRA_VRRP_EVENT_ADVERTISE);
    ck_assert_int_eq(infra_vrrp_message(vrrp, &e, buffer, 16), 16);
    ck_assert_mem_eq(buffer, resignation + 20, 16);
    infra_vrrp_destroy(vrrp);

    create_like_keepalived(
        (struct infra_vrrp_options) { .peers = &peer, .peers_count = 1 });
    e = first(INFRA_VRRP_EVENT_ADVERTISE);
    ck_assert_mem_eq(e.address.bytes, peer.bytes, 16);
    ck_assert_int_eq(infra_vrrp_message(vrrp, &e, buffer, sizeof buffer), 12);
    ck_assert_mem_eq(buffer, unicast + 20, 12);
    infra_vrrp_destroy(vrrp);

    /* With IPv6 there is no choice of checksums. */
    create_like_keepalived((struct infra_vrrp_options) {
        .family = INFRA_VRRP_FAMILY_IPV6,
        .checksum = INFRA_VRRP_CHECKSUM_MESSAGE });
    e = first(INFRA_VRRP_EVENT_ADVERTISE);
    ck_assert_mem_eq(e.address.bytes, ipv6_group.bytes, 16);
    ck_assert_int_eq(infra_vrrp_message(vrrp, &e, buffer, sizeof buffer), 40);
    ck_assert_mem_eq(buffer, ipv6, 40);
}
END_TEST

/* The checksum may be that of RFC 9568, which covers the message alone. */
START_TEST(checksum_may_cover_the_message_alone)
{
    uint8_t bytes[sizeof multicast];

    create_like_keepalived((struct infra_vrrp_options) {
        .checksum = INFRA_VRRP_CHECKSUM_MESSAGE });
    struct infra_vrrp_event e = first(INFRA_VRRP_EVENT_ADVERTISE);
    memcpy(bytes, multicast, sizeof bytes);
    ck_assert_int_eq(infra_vrrp_message(vrrp, &e, bytes + 20, 16), 16);
    /* 3133 + 9602 + 000a + 0a63 + 0064 + 0a63 + 0065 = dcce */
    ck_assert_uint_eq(bytes[26], 0x23);
    ck_assert_uint_eq(bytes[27], 0x31);
    struct infra_vrrp_datagram d = unwrap(bytes, sizeof bytes);
    ck_assert_uint_eq(parse(&d).checksum, INFRA_VRRP_CHECKSUM_MESSAGE);
}
END_TEST

/* Every flaw: a byte of a good message and the flaw that it makes. Those that
 * are not of the checksum are told even so. */
static const struct {
    int family;
    size_t at;
    uint8_t value;
    int flaw;
} flaws[] = {
    { 4, 0, 0x21, INFRA_VRRP_FLAW_VERSION },
    { 4, 0, 0x41, INFRA_VRRP_FLAW_VERSION },
    { 4, 0, 0x32, INFRA_VRRP_FLAW_TYPE },
    { 4, 0, 0x30, INFRA_VRRP_FLAW_TYPE },
    { 4, 3, 0, INFRA_VRRP_FLAW_COUNT },
    { 4, 3, 3, INFRA_VRRP_FLAW_LENGTH },
    { 4, 3, 255, INFRA_VRRP_FLAW_LENGTH },
    { 4, 3, 1, INFRA_VRRP_FLAW_CHECKSUM },
    { 4, 5, 0, INFRA_VRRP_FLAW_INTERVAL },
    { 4, 1, 52, INFRA_VRRP_FLAW_CHECKSUM },
    { 4, 2, 151, INFRA_VRRP_FLAW_CHECKSUM },
    { 4, 4, 0xf0, INFRA_VRRP_FLAW_CHECKSUM },
    { 4, 7, 0, INFRA_VRRP_FLAW_CHECKSUM },
    { 4, 15, 0x66, INFRA_VRRP_FLAW_CHECKSUM },
    { 6, 0, 0x21, INFRA_VRRP_FLAW_VERSION },
    { 6, 3, 3, INFRA_VRRP_FLAW_LENGTH },
    { 6, 8, 0xff, INFRA_VRRP_FLAW_LINK_LOCAL },
    { 6, 9, 0x40, INFRA_VRRP_FLAW_LINK_LOCAL },
    { 6, 9, 0xbf, INFRA_VRRP_FLAW_CHECKSUM }, /* Still fe80::/10. */
    { 6, 39, 1, INFRA_VRRP_FLAW_CHECKSUM },
};

START_TEST(flaws_are_named)
{
    uint8_t bytes[40];
    struct infra_vrrp_datagram d = unwrap(multicast, sizeof multicast);
    struct infra_vrrp_advert a = { .priority = 77 };

    if (flaws[_i].family == 6) {
        d = ipv6_datagram(ipv6);
    }
    memcpy(bytes, d.bytes, d.bytes_count);
    d.bytes = bytes;
    ck_assert_uint_eq(parse(&d).vrid, 51);
    bytes[flaws[_i].at] = flaws[_i].value;
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), flaws[_i].flaw);
    ck_assert_uint_eq(a.priority, 77);
}
END_TEST

/* So are those of the datagram around it. */
START_TEST(hops_lengths_and_addresses_are_checked)
{
    struct infra_vrrp_datagram good = unwrap(multicast, sizeof multicast);
    struct infra_vrrp_datagram d = good;
    struct infra_vrrp_advert a;

    d.hop_limit = 254;
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_HOP_LIMIT);
    for (size_t count = 0; count < 16; count++) {
        d = good;
        d.bytes_count = count;
        ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_LENGTH);
    }
    d = good;
    d.bytes_count = 65536;
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_LENGTH);
    d = good;
    d.destination.bytes[3]++; /* Of the pseudo header. */
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_CHECKSUM);
    d = ipv6_datagram(ipv6);
    d.source.bytes[15]++;
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_CHECKSUM);
    d = ipv6_datagram(ipv6);
    d.bytes_count = 39;
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_LENGTH);
}
END_TEST

/* IPv6 has always a pseudo header. */
START_TEST(ipv6_needs_the_pseudo_header)
{
    uint8_t bytes[40] = { 0 };
    struct infra_vrrp_datagram d = ipv6_datagram(bytes);
    struct infra_vrrp_advert a;
    uint32_t sum = 0;

    memcpy(bytes, ipv6, sizeof bytes);
    bytes[6] = bytes[7] = 0;
    for (size_t i = 0; i < sizeof bytes; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    sum = ~((sum & 0xffff) + (sum >> 16));
    bytes[6] = (uint8_t)(sum >> 8);
    bytes[7] = (uint8_t)sum;
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_VRRP_FLAW_CHECKSUM);
}
END_TEST

/* What carries over may carry over again (RFC 1071 section 2). */
START_TEST(carries_are_added_until_none_is_left)
{
    ck_assert_uint_eq(infra__checksum(0), 0xffff);
    ck_assert_uint_eq(infra__checksum(0xffff), 0);
    ck_assert_uint_eq(infra__checksum(0x1fffe), 0);
    ck_assert_uint_eq(infra__checksum(0x1ffff), 0xfffe);
    ck_assert_uint_eq(infra__checksum(0xffffffff), 0);
}
END_TEST

/* The reserved bits are ignored, and so is what follows the addresses, if the
 * checksum covers it. */
START_TEST(future_messages_are_understood)
{
    uint8_t bytes[19];
    struct infra_vrrp_datagram d = unwrap(multicast, sizeof multicast);

    memcpy(bytes, d.bytes, 16);
    d.bytes = bytes;
    bytes[4] = 0x50;
    bytes[6] = 0xe8; /* 0x383a - 0x5000 */
    bytes[7] = 0x39;
    ck_assert_uint_eq(parse(&d).interval, INFRA_MS(100));
    memcpy(bytes + 16, "\x12\x00\x01", 3);
    bytes[6] = 0xd5; /* - 0x1200 - 0x0100, and the length is 3 more */
    bytes[7] = 0x36;
    d.bytes_count = 19;
    ck_assert_uint_eq(parse(&d).addresses_count, 2);
}
END_TEST

/* Any bit that turns over on the way is noticed. */
START_TEST(no_bit_may_turn_over)
{
    for (size_t bit = 0; bit < 8 * 16; bit++) {
        uint8_t bytes[sizeof multicast];
        struct infra_vrrp_advert a;

        memcpy(bytes, multicast, sizeof bytes);
        bytes[20 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct infra_vrrp_datagram d = unwrap(bytes, sizeof bytes);
        ck_assert_int_gt(infra_vrrp_parse(&d, &a), 0);
    }
}
END_TEST

/* A gratuitous ARP request: to everybody, that 10.99.0.100 is here. */
START_TEST(ipv4_is_announced_by_arp)
{
    static const uint8_t mac[6] = { 0xea, 0xdd, 0x90, 0x50, 0x92, 0x82 };
    static const uint8_t frame[42] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xea, 0xdd, 0x90, 0x50, 0x92,
        0x82, 0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,
        0xea, 0xdd, 0x90, 0x50, 0x92, 0x82, 0x0a, 0x63, 0x00, 0x64, 0xea,
        0xdd, 0x90, 0x50, 0x92, 0x82, 0x0a, 0x63, 0x00, 0x64,
    };
    static const uint8_t own[6] = { 0, 0, 0x5e, 0, 1, 51 };
    uint8_t buffer[INFRA_VRRP_FRAME_MAX];

    create_like_keepalived((struct infra_vrrp_options) { .size = 0 });
    struct infra_vrrp_event e = first(INFRA_VRRP_EVENT_ANNOUNCE);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, &e, mac, buffer, 42), 42);
    ck_assert_mem_eq(buffer, frame, 42);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, &e, NULL, buffer, 42), 42);
    ck_assert_mem_eq(buffer + 6, own, 6);
    ck_assert_mem_eq(buffer + 22, own, 6);
    ck_assert_mem_eq(buffer + 32, own, 6);
    e = first(INFRA_VRRP_EVENT_ANNOUNCE);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, &e, mac, buffer, 42), 42);
    ck_assert_uint_eq(buffer[31], 101);
    ck_assert_uint_eq(buffer[41], 101);
}
END_TEST

/* A neighbour advertisement, as keepalived sends it to all nodes, but for the
 * router flag, which the RFC wants: 0xa0 for 0x20, so 0x8000 off the checksum
 * (0x49ed there). */
START_TEST(ipv6_is_announced_by_neighbour_advertisement)
{
    static const uint8_t mac[6] = { 0xea, 0xdd, 0x90, 0x50, 0x92, 0x82 };
    static const uint8_t frame[86] = {
        0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0xea, 0xdd, 0x90, 0x50, 0x92,
        0x82, 0x86, 0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff,
        0xfe, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x01, 0x00, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88,
        0x00, 0xc9, 0xec, 0xa0, 0x00, 0x00, 0x00, 0xfe, 0x80, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
        0x00, 0x02, 0x01, 0xea, 0xdd, 0x90, 0x50, 0x92, 0x82,
    };
    static const uint8_t own[6] = { 0, 0, 0x5e, 0, 2, 51 };
    uint8_t buffer[INFRA_VRRP_FRAME_MAX];

    create_like_keepalived(
        (struct infra_vrrp_options) { .family = INFRA_VRRP_FAMILY_IPV6 });
    struct infra_vrrp_event e = first(INFRA_VRRP_EVENT_ANNOUNCE);
    memset(buffer, 0xee, sizeof buffer);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, &e, mac, buffer, sizeof buffer),
                     86);
    ck_assert_mem_eq(buffer, frame, 86);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, &e, NULL, buffer, 86), 86);
    ck_assert_mem_eq(buffer + 80, own, 6);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vrrp_message");
    TCase *tc = tcase_create("bytes");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ipv4_header_is_taken_off);
    tcase_add_loop_test(tc, ipv4_header_is_checked, 0,
                        sizeof headers / sizeof headers[0]);
    tcase_add_test(tc, keepalived_is_understood);
    tcase_add_test(tc, version_2_is_refused_by_name);
    tcase_add_test(tc, messages_are_those_of_keepalived);
    tcase_add_test(tc, checksum_may_cover_the_message_alone);
    tcase_add_loop_test(tc, flaws_are_named, 0, sizeof flaws / sizeof flaws[0]);
    tcase_add_test(tc, hops_lengths_and_addresses_are_checked);
    tcase_add_test(tc, ipv6_needs_the_pseudo_header);
    tcase_add_test(tc, carries_are_added_until_none_is_left);
    tcase_add_test(tc, future_messages_are_understood);
    tcase_add_test(tc, no_bit_may_turn_over);
    tcase_add_test(tc, ipv4_is_announced_by_arp);
    tcase_add_test(tc, ipv6_is_announced_by_neighbour_advertisement);
    suite_add_tcase(s, tc);
    return test_main(s);
}
