/* SPDX-License-Identifier: MIT */
/* The longest prefix decides: known answers, and random rules against a
 * search through all of them. */
#include "fixture.h"

#include "base/internal.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { RULES = 300, ROUNDS = 40 };

static const char ipv4_rules[] = "allow 0.0.0.0/0\n"
                                 "deny 10.0.0.0/8\n"
                                 "allow 10.1.0.0/16\n"
                                 "deny 10.1.2.0/24\n"
                                 "allow 10.1.2.128/25\n"
                                 "deny 10.1.2.255/32\n"
                                 "deny 192.168.0.0/16\n"
                                 "allow 192.168.128.0/17\n"
                                 "deny 203.0.113.0/24\n"
                                 "allow 203.0.113.64/26\n"
                                 "deny 255.255.255.255/32\n"
                                 "deny 128.0.0.0/1\n"
                                 "deny 0.0.0.0/32\n";

static const char ipv6_rules[] = "allow ::/0\n"
                                 "deny 2001:db8::/32\n"
                                 "allow 2001:db8:1::/48\n"
                                 "deny 2001:db8:1:2::/64\n"
                                 "allow 2001:db8:1:2::80/121\n"
                                 "deny 2001:db8::1/128\n"
                                 "deny fe80::/10\n"
                                 "allow ::ffff:0:0/96\n"
                                 "deny fc00::/7\n";

struct row {
    const char *address;
    uint32_t rule;
};

static void expect(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t rule = rule_for(rows[i].address, NULL);
        ck_assert_msg(rule == rows[i].rule, "%s: rule %u", rows[i].address,
                      rule);
    }
}

/* Nested prefixes of IPv4, at each of their edges. */
START_TEST(known_answers_of_ipv4)
{
    static const struct row rows[] = {
        { "0.0.0.0", 13 },          { "0.0.0.1", 1 },
        { "9.255.255.255", 1 },     { "10.0.0.0", 2 },
        { "10.1.1.255", 3 },        { "10.1.2.0", 4 },
        { "10.1.2.127", 4 },        { "10.1.2.128", 5 },
        { "10.1.2.254", 5 },        { "10.1.2.255", 6 },
        { "10.1.3.0", 3 },          { "11.0.0.0", 1 },
        { "127.255.255.255", 1 },   { "128.0.0.0", 12 },
        { "192.168.127.255", 7 },   { "192.168.128.0", 8 },
        { "203.0.113.63", 9 },      { "203.0.113.64", 10 },
        { "203.0.113.127", 10 },    { "203.0.113.128", 9 },
        { "255.255.255.254", 12 },  { "255.255.255.255", 11 },
        { "::ffff:10.1.2.255", 6 }, { "::1", INFRA_ACCESS_RULE_NONE },
    };

    publish_text(ipv4_rules);
    expect(rows, INFRA__COUNT_OF(rows));
}
END_TEST

/* Nested prefixes of IPv6; ::ffff:0:0/96 is IPv4. */
START_TEST(known_answers_of_ipv6)
{
    static const struct row rows[] = {
        { "::", 1 },
        { "::1", 1 },
        { "2001:db8::", 2 },
        { "2001:db8::1", 6 },
        { "2001:db8::2", 2 },
        { "2001:db8:1::ffff", 3 },
        { "2001:db8:1:2::7f", 4 },
        { "2001:db8:1:2::80", 5 },
        { "2001:db8:1:2::ff", 5 },
        { "2001:db8:1:2::100", 4 },
        { "2001:db9::", 1 },
        { "febf:ffff::1", 7 },
        { "fec0::1", 1 },
        { "::ffff:10.1.2.3", 8 },
        { "10.1.2.3", 8 },
        { "::fffe:ffff:ffff", 1 },
        { "::1:0:0:0", 1 },
        { "fdff::1", 9 },
        { "fe00::1", 1 },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1 },
    };

    publish_text(ipv6_rules);
    expect(rows, INFRA__COUNT_OF(rows));
}
END_TEST

/* A lone prefix is denied or allowed at both of its ends, and no further, for
 * each length of both families. */
START_TEST(each_length_ends_where_it_ends)
{
    for (uint32_t bits = 0; bits <= 128; bits++) {
        for (uint32_t first = 96; first <= 128; first += 32) {
            uint32_t length = first == 96 && bits <= 32 ? 96 + bits : bits;
            struct infra_address base =
                first == 96 && bits <= 32
                    ? address("171.205.239.18")
                    : address("2001:db8:abcd:ef12:3456:789a:bcde:f012");
            struct infra_access_rule r = {
                .size = sizeof r,
                .prefix = { infra_address_mask(&base, length), length },
                .action = INFRA_ACCESS_ALLOW,
                .id = 4,
            };
            ck_assert_int_eq(infra_access_clear(access_), INFRA_OK);
            ck_assert_int_eq(infra_access_add(access_, &r), INFRA_OK);
            ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
            struct infra_address last = r.prefix.address, out = last;
            for (uint32_t bit = length; bit < 128; bit++) {
                last.bytes[bit / 8] |= (unsigned char)(0x80u >> bit % 8);
            }
            ck_assert_int_eq(infra_access_check(reader, &base, NULL), 1);
            ck_assert_int_eq(
                infra_access_check(reader, &r.prefix.address, NULL), 1);
            ck_assert_int_eq(infra_access_check(reader, &last, NULL), 1);
            if (length > (first == 96 && bits <= 32 ? 96u : 0u)) {
                uint32_t bit = length - 1;
                out.bytes[bit / 8] ^= (unsigned char)(0x80u >> bit % 8);
                ck_assert_int_eq(infra_access_check(reader, &out, NULL), 0);
            }
        }
    }
}
END_TEST

static uint64_t seed;

/* An address in which much is the same as in others. */
static struct infra_address random_address(int is_ipv4)
{
    struct infra_address a = infra_address_ipv4(0);

    if (!is_ipv4) {
        memset(&a, 0, sizeof a);
    }
    for (int i = is_ipv4 ? 12 : 0; i < 16; i++) {
        uint64_t r = infra__random(&seed);
        a.bytes[i] = (unsigned char)((r & 0xff00) < 0x5000 ? r & 3 : r & 0x82);
    }
    return a;
}

static uint32_t slow_rule_for(const struct infra_access_rule *rules,
                              uint32_t count, const struct infra_address *a)
{
    const struct infra_access_rule *best = NULL;

    for (uint32_t i = 0; i < count; i++) {
        if (infra_prefix_contains(&rules[i].prefix, a) &&
            (best == NULL || rules[i].prefix.length > best->prefix.length)) {
            best = &rules[i];
        }
    }
    return best != NULL ? best->id : INFRA_ACCESS_RULE_NONE;
}

/* Does the table say what a search through all rules says? */
static void compare(const struct infra_access_rule *rules, uint32_t count,
                    struct infra_address a)
{
    uint32_t rule;

    (void)infra_access_check(reader, &a, &rule);
    ck_assert_uint_eq(rule, slow_rule_for(rules, count, &a));
}

/* The address before or after @a. */
static struct infra_address step(struct infra_address a, int up)
{
    for (int i = 15; i >= 0; i--) {
        a.bytes[i] = (unsigned char)(a.bytes[i] + (up ? 1 : -1));
        if (a.bytes[i] != (up ? 0 : 0xff)) {
            break;
        }
    }
    return a;
}

static void compare_around(const struct infra_access_rule *rules,
                           uint32_t count, const struct infra_prefix *p)
{
    struct infra_address last = p->address;

    for (uint32_t bit = p->length; bit < 128; bit++) {
        last.bytes[bit / 8] |= (unsigned char)(0x80u >> bit % 8);
    }
    compare(rules, count, p->address);
    compare(rules, count, step(p->address, 0));
    compare(rules, count, last);
    compare(rules, count, step(last, 1));
}

/* Random rules of both families: at each edge, and at random addresses, the
 * table agrees with a search through all rules. */
START_TEST(tables_agree_with_a_slow_search)
{
    static struct infra_access_rule rules[RULES];

    for (uint32_t round = 0; round < ROUNDS; round++) {
        seed = round + 1;
        uint32_t count = 1 + (uint32_t)(infra__random(&seed) % RULES);
        ck_assert_int_eq(infra_access_clear(access_), INFRA_OK);
        for (uint32_t i = 0; i < count; i++) {
            int is_ipv4 = (int)(infra__random(&seed) & 1);
            struct infra_address a = random_address(is_ipv4);
            uint32_t length = is_ipv4
                                  ? 96 + infra__below(infra__random(&seed), 33)
                                  : infra__below(infra__random(&seed), 129);
            rules[i] = (struct infra_access_rule) {
                .size = sizeof rules[i],
                .prefix = { infra_address_mask(&a, length), length },
                .action = length & 1, /* One action for a prefix. */
                .id = i,
            };
            ck_assert_int_eq(infra_access_add(access_, &rules[i]), INFRA_OK);
        }
        ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
        for (uint32_t i = 0; i < count; i++) {
            compare_around(rules, count, &rules[i].prefix);
            compare(rules, count, random_address(0));
            compare(rules, count, random_address(1));
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access_lookup");
    TCase *tc = tcase_create("lookup");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, known_answers_of_ipv4);
    tcase_add_test(tc, known_answers_of_ipv6);
    tcase_add_test(tc, each_length_ends_where_it_ends);
    tcase_add_test(tc, tables_agree_with_a_slow_search);
    suite_add_tcase(s, tc);
    return test_main(s);
}
