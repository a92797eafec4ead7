/* SPDX-License-Identifier: MIT */
/* Addresses and prefixes: texts, sockets, and what a prefix contains. */
#include "support.h"

#include "base/internal.h"
#include "base/siphash.h"

#include <arpa/inet.h>
#include <infra/address.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int parse(const char *text, struct infra_prefix *ret)
{
    return infra_prefix_parse(text, strlen(text), ret);
}

static struct infra_address address(const char *text)
{
    struct infra_address a = { { 0 } };

    ck_assert_msg(infra_address_parse(text, strlen(text), &a) == INFRA_OK, "%s",
                  text);
    return a;
}

/* What is written is the shortest form, by RFC 5952, and is read again. */
START_TEST(addresses_are_printed_as_rfc_5952_says)
{
    static const struct {
        const char *text;
        const char *printed;
    } rows[] = {
        { "0.0.0.0", "0.0.0.0" },
        { "192.0.2.1", "192.0.2.1" },
        { "255.255.255.255", "255.255.255.255" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "::FFFF:c000:0201", "192.0.2.1" },
        { "::", "::" },
        { "::1", "::1" },
        { "1::", "1::" },
        { "2001:DB8::1", "2001:db8::1" },
        { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
        { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
        { "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char text[INFRA_ADDRESS_TEXT_MAX];
        struct infra_address a = address(rows[i].text), again;
        ck_assert_uint_eq(infra_address_print(&a, text),
                          strlen(rows[i].printed));
        ck_assert_str_eq(text, rows[i].printed);
        again = address(text);
        ck_assert_mem_eq(&a, &again, sizeof a);
    }
}
END_TEST

/* Random addresses are written as inet_ntop() does, which knows nothing of
 * IPv4 in IPv6 to be written as IPv4, and are read again. */
START_TEST(every_address_comes_back)
{
    uint64_t key[2] = { 1, 2 };

    for (uint64_t i = 0; i < 20000; i++) {
        struct infra_address a, again;
        char text[INFRA_ADDRESS_TEXT_MAX], theirs[INET6_ADDRSTRLEN];
        for (uint64_t k = 0; k < 16; k++) {
            uint64_t h = infra__siphash16(key, i, k);
            a.bytes[k] = (h & 0x300) == 0 ? (unsigned char)h : 0;
        }
        a.bytes[0] |= 0x20;
        ck_assert_uint_gt(infra_address_print(&a, text), 0);
        ck_assert_str_eq(text,
                         inet_ntop(AF_INET6, a.bytes, theirs, sizeof theirs));
        again = address(text);
        ck_assert_mem_eq(&a, &again, sizeof a);
    }
}
END_TEST

/* What is nearly an address is none. */
START_TEST(bad_addresses_are_refused)
{
    static const char *const texts[] = {
        "",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "0x7f.0.0.1",
        "1..3.4",
        "1.2.3.",
        ".1.2.3",
        "1.2.3.-4",
        ":",
        ":::",
        "1:",
        ":1",
        "1:2",
        "::1::",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::8",
        "1:2:3:4:5:6:7:8::",
        "::g",
        "fe80::1%eth0",
        "[::1]",
        "::1.2.3",
        "::01.2.3.4",
        "1.2.3.4::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.4:5",
        "::1:",
        "1:::2",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa",
    };
    struct infra_address a;

    for (size_t i = 0; i < INFRA__COUNT_OF(texts); i++) {
        ck_assert_msg(infra_address_parse(texts[i], strlen(texts[i]), &a) ==
                          INFRA_EINVAL,
                      "%s", texts[i]);
    }
    ck_assert_int_eq(infra_address_parse(NULL, 0, &a), INFRA_EINVAL);
    ck_assert_int_eq(infra_address_parse("1.2.3.4", 7, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_address_parse("1.2.3.45", 7, &a), INFRA_OK);
    ck_assert_uint_eq(a.bytes[15], 4);
    ck_assert_uint_eq(infra_address_print(NULL, NULL), 0);
}
END_TEST

/* A prefix is read strictly, and what is wrong with it has a name. */
START_TEST(bad_prefixes_have_a_flaw)
{
    static const struct {
        const char *text;
        int flaw;
    } rows[] = {
        { "10.0.0.1/8", INFRA_PREFIX_FLAW_HOST_BITS },
        { "2001:db8::1/64", INFRA_PREFIX_FLAW_HOST_BITS },
        { "1.2.3.4/33", INFRA_PREFIX_FLAW_LENGTH },
        { "1.2.3.4/", INFRA_PREFIX_FLAW_LENGTH },
        { "1.2.3.4/-1", INFRA_PREFIX_FLAW_LENGTH },
        { "1.0.0.0/08", INFRA_PREFIX_FLAW_LENGTH },
        { "1.0.0.0/8 ", INFRA_PREFIX_FLAW_LENGTH },
        { "1.0.0.0/8/8", INFRA_PREFIX_FLAW_LENGTH },
        { "2001:db8::/129", INFRA_PREFIX_FLAW_LENGTH },
        { "2001:db8::/1280", INFRA_PREFIX_FLAW_LENGTH },
        { "1.2.3.256/24", INFRA_PREFIX_FLAW_ADDRESS },
        { "1.2.3/24", INFRA_PREFIX_FLAW_ADDRESS },
        { "01.2.3.4/24", INFRA_PREFIX_FLAW_ADDRESS },
        { " 1.2.3.4", INFRA_PREFIX_FLAW_ADDRESS },
        { "0x7f.0.0.1/8", INFRA_PREFIX_FLAW_ADDRESS },
        { "", INFRA_PREFIX_FLAW_ADDRESS },
        { "/8", INFRA_PREFIX_FLAW_ADDRESS },
        { "fe80::1%eth0/64", INFRA_PREFIX_FLAW_ZONE },
        { "fe80::1%eth0", INFRA_PREFIX_FLAW_ZONE },
    };
    struct infra_prefix p;

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_msg(parse(rows[i].text, &p) == rows[i].flaw, "%s",
                      rows[i].text);
    }
    ck_assert_int_eq(infra_prefix_parse(NULL, 0, &p), INFRA_EINVAL);
    ck_assert_str_eq(infra_prefix_flaw_name(1), "not an address");
    ck_assert_str_eq(infra_prefix_flaw_name(4), "host bits set");
    ck_assert_str_eq(infra_prefix_flaw_name(0), "unknown");
    ck_assert_str_eq(infra_prefix_flaw_name(5), "unknown");
}
END_TEST

/* A prefix is printed as it was read, IPv4 in IPv6 as IPv4. */
START_TEST(prefixes_come_back)
{
    static const struct {
        const char *text;
        const char *printed;
    } rows[] = {
        { "0.0.0.0/0", "0.0.0.0/0" },
        { "10.0.0.0/8", "10.0.0.0/8" },
        { "10.1.2.3", "10.1.2.3/32" },
        { "::/0", "::/0" },
        { "2001:db8::/32", "2001:db8::/32" },
        { "::1", "::1/128" },
        { "::ffff:10.0.0.0/104", "10.0.0.0/8" },
        { "::ffff:0:0/96", "0.0.0.0/0" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_prefix p;
        char text[INFRA_PREFIX_TEXT_MAX];
        ck_assert_int_eq(parse(rows[i].text, &p), INFRA_OK);
        ck_assert_uint_eq(infra_prefix_print(&p, text),
                          strlen(rows[i].printed));
        ck_assert_str_eq(text, rows[i].printed);
    }
    ck_assert_uint_eq(infra_prefix_print(NULL, NULL), 0);
}
END_TEST

/* An IPv4 address is in prefixes of IPv4 only, by whatever socket it came. */
START_TEST(a_prefix_contains_its_family_only)
{
    static const struct {
        const char *prefix;
        const char *address;
        int contains;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", 1 },
        { "10.0.0.0/8", "11.0.0.0", 0 },
        { "10.0.0.0/8", "::ffff:10.1.2.3", 1 },
        { "::/0", "10.1.2.3", 0 },
        { "0.0.0.0/0", "10.1.2.3", 1 },
        { "0.0.0.0/0", "::1", 0 },
        { "::/0", "::1", 1 },
        { "fe80::/10", "febf:ffff::1", 1 },
        { "fe80::/10", "fec0::1", 0 },
        { "2001:db8:1:2::80/121", "2001:db8:1:2::ff", 1 },
        { "2001:db8:1:2::80/121", "2001:db8:1:2::100", 0 },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_prefix p;
        struct infra_address a = address(rows[i].address);
        ck_assert_int_eq(parse(rows[i].prefix, &p), INFRA_OK);
        ck_assert_msg(infra_prefix_contains(&p, &a) == rows[i].contains,
                      "%s in %s", rows[i].address, rows[i].prefix);
        ck_assert_int_eq(infra_prefix_contains(&p, NULL), 0);
    }
    struct infra_address a = address("2001:db8:ffff:ffff::1");
    a = infra_address_mask(&a, 35);
    struct infra_address b = address("2001:db8:e000::");
    ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST

/* The address of a socket, with its port; a Unix socket has none. */
START_TEST(addresses_of_sockets)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(80) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons(443) };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct infra_address a, b, want = address("192.0.2.1");
    uint16_t port = 0;

    ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr), 1);
    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr), 1);
    ck_assert_int_eq(
        infra_address_of_socket((const void *)&v4, sizeof v4, &a, &port),
        INFRA_OK);
    ck_assert_uint_eq(port, 80);
    ck_assert_mem_eq(&a, &want, sizeof a);
    ck_assert_int_eq(
        infra_address_of_socket((const void *)&v6, sizeof v6, &b, NULL),
        INFRA_OK);
    ck_assert_mem_eq(&a, &b, sizeof a);
    ck_assert_int_eq(
        infra_address_of_socket((const void *)&v6, sizeof v6 - 1, &b, NULL),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_address_of_socket((const void *)&un, sizeof un, &b, &port),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_address_of_socket((const void *)&v4, 1, &b, &port),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_address_of_socket(NULL, 16, &b, &port),
                     INFRA_EINVAL);
}
END_TEST

/* Vector 16 of the reference code: key 00..0f, message 00..0f. */
START_TEST(siphash_of_the_reference)
{
    const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };

    ck_assert_uint_eq(
        infra__siphash16(key, 0x0706050403020100u, 0x0f0e0d0c0b0a0908u),
        0x3f2acc7f57c29bdbu);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("address");
    TCase *tc = tcase_create("address");

    tcase_add_test(tc, addresses_are_printed_as_rfc_5952_says);
    tcase_add_test(tc, every_address_comes_back);
    tcase_add_test(tc, bad_addresses_are_refused);
    tcase_add_test(tc, bad_prefixes_have_a_flaw);
    tcase_add_test(tc, prefixes_come_back);
    tcase_add_test(tc, a_prefix_contains_its_family_only);
    tcase_add_test(tc, addresses_of_sockets);
    tcase_add_test(tc, siphash_of_the_reference);
    suite_add_tcase(s, tc);
    return test_main(s);
}
