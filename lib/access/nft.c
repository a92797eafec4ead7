/* SPDX-License-Identifier: MIT */
/* The published table as a text for nftables. Its sets have the ranges whose
 * action is not the default's, joined where they meet, so that the kernel needs
 * no order of rules. The text is lines; a cursor names the next one. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_access_nft, reserved);

enum part {
    HEAD,
    SET_IPV4,
    RANGES_IPV4,
    END_IPV4,
    SET_IPV6,
    RANGES_IPV6,
    END_IPV6,
    CHAIN,
    PORTS_IPV4,
    PORTS_IPV6,
    END,
    PARTS
};

static bool is_name(const char *name)
{
    size_t n = strnlen(name, INFRA_ACCESS_NFT_NAME_MAX);

    if (n == 0 || n == INFRA_ACCESS_NFT_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool is_letter = (name[i] >= 'a' && name[i] <= 'z') ||
                         (name[i] >= 'A' && name[i] <= 'Z');
        bool is_other = (name[i] >= '0' && name[i] <= '9') || name[i] == '_';
        if (!is_letter && (i == 0 || !is_other)) {
            return false;
        }
    }
    return true;
}

static int take_options(struct infra_access_nft *o,
                        const struct infra_access_nft *nft)
{
    int err = nft != NULL ? infra__options_import(o, sizeof *o, nft, sizeof *o)
                          : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    o->table = o->table != NULL ? o->table : "infra";
    if (o->ports == NULL || o->ports_count == 0 || o->reserved != 0 ||
        o->ports_count > INFRA_ACCESS_NFT_PORTS_MAX || !is_name(o->table)) {
        return INFRA_EINVAL;
    }
    for (uint32_t i = 0; i < o->ports_count; i++) {
        if (o->ports[i] == 0) {
            return INFRA_EINVAL;
        }
    }
    return INFRA_OK;
}

static uint32_t range_action(const struct table *t, uint32_t i, bool is_ipv4)
{
    return is_ipv4 ? t->v4[i].action : t->v6[i].action;
}

static struct infra_address address_of(struct point p)
{
    struct infra_address a;

    for (int i = 0; i < 8; i++) {
        a.bytes[i] = (unsigned char)(p.high >> (56 - 8 * i));
        a.bytes[8 + i] = (unsigned char)(p.low >> (56 - 8 * i));
    }
    return a;
}

/* The first address of range @i, and the last one before it. */
static struct infra_address first_of(const struct table *t, uint32_t i,
                                     bool is_ipv4)
{
    return is_ipv4 ? infra_address_ipv4(t->v4_start[i])
                   : address_of(t->v6_start[i]);
}

static struct infra_address last_before(const struct table *t, uint32_t i,
                                        bool is_ipv4)
{
    if (is_ipv4) {
        return infra_address_ipv4(i < t->v4_count ? t->v4_start[i] - 1
                                                  : UINT32_MAX);
    }
    struct point p = { UINT64_MAX, UINT64_MAX };
    if (i < t->v6_count) {
        p = t->v6_start[i];
        p.high -= p.low == 0;
        p.low--;
    }
    return address_of(p);
}

/* IPv4 in IPv6 is never a source of a packet of IPv6; nft takes this form for
 * both ends all the same. */
static void print_ipv6(struct infra_address a, char *ret)
{
    if (infra_address_is_ipv4(&a)) {
        (void)snprintf(ret, INFRA_ADDRESS_TEXT_MAX + 8, "::ffff:%x:%x",
                       (unsigned)a.bytes[12] << 8 | a.bytes[13],
                       (unsigned)a.bytes[14] << 8 | a.bytes[15]);
    } else {
        (void)infra_address_print(&a, ret);
    }
}

static int print_range(const struct table *t, uint32_t action, bool is_ipv4,
                       uint32_t *range, char *ret, size_t size)
{
    char first[INFRA_ADDRESS_TEXT_MAX + 8], last[INFRA_ADDRESS_TEXT_MAX + 8];
    uint32_t count = is_ipv4 ? t->v4_count : t->v6_count;
    uint32_t begin = *range, end;

    while (begin < count && range_action(t, begin, is_ipv4) == action) {
        begin++;
    }
    if (begin == count) {
        *range = count;
        return 0;
    }
    for (end = begin + 1;
         end < count && range_action(t, end, is_ipv4) != action; end++) {
    }
    *range = end;
    struct infra_address a = first_of(t, begin, is_ipv4);
    struct infra_address b = last_before(t, end, is_ipv4);
    if (is_ipv4) {
        (void)infra_address_print(&a, first);
        (void)infra_address_print(&b, last);
    } else {
        print_ipv6(a, first);
        print_ipv6(b, last);
    }
    return memcmp(&a, &b, sizeof a) == 0
               ? snprintf(ret, size, "\t\t\t%s,\n", first)
               : snprintf(ret, size, "\t\t\t%s-%s,\n", first, last);
}

static int print_ports(const struct infra_access_nft *o, uint32_t action,
                       bool is_ipv4, char *ret, size_t size)
{
    int n = snprintf(ret, size, "\t\ttcp dport { ");

    for (uint32_t i = 0; i < o->ports_count; i++) {
        n += snprintf(ret + n, size - (size_t)n, "%s%u", i > 0 ? ", " : "",
                      (unsigned)o->ports[i]);
    }
    /* By default allow: drop those of the set; by default deny: the others. */
    n += snprintf(ret + n, size - (size_t)n, " } meta nfproto ipv%d %s saddr ",
                  is_ipv4 ? 4 : 6, is_ipv4 ? "ip" : "ip6");
    n += snprintf(ret + n, size - (size_t)n, "%s@sources%d counter drop\n",
                  action == INFRA_ACCESS_DENY ? "!= " : "", is_ipv4 ? 4 : 6);
    return n;
}

static bool has_ranges(const struct table *t, uint32_t action, bool is_ipv4)
{
    uint32_t count = is_ipv4 ? t->v4_count : t->v6_count;

    for (uint32_t i = 0; i < count; i++) {
        if (range_action(t, i, is_ipv4) != action) {
            return true;
        }
    }
    return false;
}

static int print_set(const struct table *t, uint32_t action, bool is_ipv4,
                     bool is_end, char *ret, size_t size)
{
    bool has = has_ranges(t, action, is_ipv4);
    int n = is_ipv4 ? 4 : 6;

    return is_end ? snprintf(ret, size, "%s\t}\n", has ? "\t\t}\n" : "")
                  : snprintf(ret, size,
                             "\tset sources%d {\n\t\ttype ipv%d_addr\n"
                             "\t\tflags interval\n%s",
                             n, n, has ? "\t\telements = {\n" : "");
}

/* One piece of at most INFRA_ACCESS_NFT_LINE_MAX bytes; the cursor moves on. */
static int print_piece(const struct table *t, const struct infra_access_nft *o,
                       struct infra_access_nft_cursor *c, char *ret,
                       size_t size)
{
    uint32_t action = t->default_action, part = c->part;
    bool is_ipv4 = part < SET_IPV6 || part == PORTS_IPV4;
    int n;

    if (part == RANGES_IPV4 || part == RANGES_IPV6) {
        n = print_range(t, action, is_ipv4, &c->range, ret, size);
        c->part += n == 0;
        return n;
    }
    c->part++;
    c->range = 0;
    switch (part) {
    case HEAD: /* Adding it first makes the deletion succeed. */
        return snprintf(ret, size,
                        "table inet %s\ndelete table inet %s\n"
                        "table inet %s {\n",
                        o->table, o->table, o->table);
    case SET_IPV4:
    case SET_IPV6:
        return print_set(t, action, is_ipv4, false, ret, size);
    case END_IPV4:
    case END_IPV6:
        return print_set(t, action, is_ipv4, true, ret, size);
    case CHAIN:
        return snprintf(ret, size,
                        "\tchain input {\n\t\ttype filter hook input priority "
                        "filter; policy accept;\n");
    case PORTS_IPV4:
    case PORTS_IPV6:
        return print_ports(o, action, is_ipv4, ret, size);
    default:
        return snprintf(ret, size, "\t}\n}\n");
    }
}

int infra_access_print_nft(const struct infra_access *access,
                           const struct infra_access_nft *nft,
                           struct infra_access_nft_cursor *cursor, char *ret,
                           size_t size)
{
    struct infra_access_nft o = { .size = sizeof o };
    size_t length = 0;

    if (access == NULL || cursor == NULL || ret == NULL ||
        size < INFRA_ACCESS_NFT_LINE_MAX || cursor->part > PARTS) {
        return INFRA_EINVAL;
    }
    int err = take_options(&o, nft);
    if (err != INFRA_OK) {
        return err;
    }
    const struct table *t = access->table;
    if (t == NULL) {
        return INFRA_EAGAIN;
    }
    if (cursor->part == HEAD) {
        cursor->version = t->edition.version;
    }
    if (cursor->version != t->edition.version) {
        return INFRA_ESTALE;
    }
    while (cursor->part < PARTS && size - length >= INFRA_ACCESS_NFT_LINE_MAX &&
           length < (size_t)INT32_MAX - INFRA_ACCESS_NFT_LINE_MAX) {
        length +=
            (size_t)print_piece(t, &o, cursor, ret + length, size - length);
    }
    return (int)length;
}
