/* SPDX-License-Identifier: MIT */
/* Addresses and prefixes as values, and as texts (RFC 4291, section 2.2; RFC
 * 5952). Not inet_pton() and inet_ntop(): these want a zero at the end, and
 * take zones or not by the C library. */
#include <infra/address.h>

#include "address.h"
#include "characters.h"
#include "internal.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define GROUPS 8u

static const char *const flaws[] = {
    [INFRA_PREFIX_FLAW_ADDRESS] = "not an address",
    [INFRA_PREFIX_FLAW_ZONE] = "a zone",
    [INFRA_PREFIX_FLAW_LENGTH] = "no length of such a prefix",
    [INFRA_PREFIX_FLAW_HOST_BITS] = "host bits set",
};

const char *infra_prefix_flaw_name(uint32_t flaw)
{
    return INFRA__NAME(flaws, flaw);
}

/* Decimal digits without a leading zero up to @max, or -1. */
static int read_number(const char *text, size_t size, int max)
{
    int n = 0;

    if (size == 0 || size > 3 || (size > 1 && text[0] == '0')) {
        return -1;
    }
    for (size_t i = 0; i < size; i++) {
        if (!infra__is_digit((unsigned char)text[i])) {
            return -1;
        }
        n = n * 10 + (text[i] - '0');
    }
    return n <= max ? n : -1;
}

/* Four parts to @ret. */
static bool read_ipv4(const char *text, size_t size, unsigned char *ret)
{
    size_t at = 0;

    for (int i = 0; i < 4; i++) {
        size_t end = at;
        while (end < size && text[end] != '.') {
            end++;
        }
        int n = read_number(text + at, end - at, 255);
        if (n < 0 || (i < 3) != (end < size)) {
            return false;
        }
        ret[i] = (unsigned char)n;
        at = end + 1;
    }
    return true;
}

static int hex_digit(char c)
{
    unsigned char l = infra__lower((unsigned char)c);

    if (infra__is_digit(l)) {
        return l - '0';
    }
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* The groups of an IPv6 text as they are read. */
struct groups {
    unsigned char bytes[16];
    size_t count; /* Bytes. */
    size_t gap;   /* Where "::" stands; SIZE_MAX: nowhere. */
};

/* A group of up to four digits at @at; the offset after it, 0: none. */
static size_t read_group(struct groups *g, const char *text, size_t size,
                         size_t at)
{
    unsigned n = 0;
    size_t end = at;

    while (end < size && end - at < 5 && hex_digit(text[end]) >= 0) {
        n = n * 16 + (unsigned)hex_digit(text[end++]);
    }
    if (end == at || end - at > 4 || g->count > 14) {
        return 0;
    }
    g->bytes[g->count++] = (unsigned char)(n >> 8);
    g->bytes[g->count++] = (unsigned char)n;
    return end;
}

/* One step: "::", a group, or four parts at the end. The next offset, 0: no. */
static size_t read_piece(struct groups *g, const char *text, size_t size,
                         size_t at)
{
    if (size - at >= 2 && text[at] == ':' && text[at + 1] == ':') {
        if (g->gap != SIZE_MAX || (size - at > 2 && text[at + 2] == ':')) {
            return 0;
        }
        g->gap = g->count;
        return at + 2;
    }
    if (memchr(text + at, ':', size - at) == NULL &&
        memchr(text + at, '.', size - at) != NULL) {
        if (g->count > 12 ||
            !read_ipv4(text + at, size - at, g->bytes + g->count)) {
            return 0;
        }
        g->count += 4;
        return size;
    }
    size_t end = read_group(g, text, size, at);
    bool has_more = end != 0 && end < size;
    if (has_more && text[end] != ':') {
        return 0;
    }
    /* A single colon leads to a group; "::" is a piece of its own. */
    if (has_more && (end + 1 == size || text[end + 1] != ':')) {
        return end + 1 < size ? end + 1 : 0;
    }
    return end;
}

static bool read_ipv6(const char *text, size_t size, struct infra_address *ret)
{
    struct groups g = { .gap = SIZE_MAX };

    for (size_t at = 0; at < size;) {
        at = read_piece(&g, text, size, at);
        if (at == 0) {
            return false;
        }
    }
    /* "::" stands for one group at least. */
    if (g.gap == SIZE_MAX ? g.count != 16 : g.count > 14) {
        return false;
    }
    memset(ret, 0, sizeof *ret);
    size_t head = g.gap == SIZE_MAX ? g.count : g.gap;
    memcpy(ret->bytes, g.bytes, head);
    memcpy(ret->bytes + 16 - (g.count - head), g.bytes + head, g.count - head);
    return true;
}

int infra_address_parse(const char *text, size_t size,
                        struct infra_address *ret)
{
    struct infra_address a = infra_address_ipv4(0);

    if (text == NULL || ret == NULL || size == 0 ||
        size >= INFRA_ADDRESS_TEXT_MAX) {
        return INFRA_EINVAL;
    }
    bool good = memchr(text, ':', size) != NULL
                    ? read_ipv6(text, size, &a)
                    : read_ipv4(text, size, a.bytes + 12);
    if (!good) {
        return INFRA_EINVAL;
    }
    *ret = a;
    return INFRA_OK;
}

/* The longest run of zero groups, of two at least: its first, and its end. */
static void find_gap(const unsigned *group, unsigned *first, unsigned *end)
{
    *first = *end = GROUPS + 1;
    for (unsigned i = 0, best = 1; i < GROUPS; i++) {
        unsigned j = i;
        while (j < GROUPS && group[j] == 0) {
            j++;
        }
        if (j - i > best) {
            best = j - i;
            *first = i;
            *end = j;
        }
    }
}

size_t infra_address_print(const struct infra_address *address,
                           char ret[INFRA_ADDRESS_TEXT_MAX])
{
    unsigned group[GROUPS], gap, gap_end;
    size_t length = 0;

    if (address == NULL || ret == NULL) {
        return 0;
    }
    const unsigned char *b = address->bytes;
    if (infra_address_is_ipv4(address)) {
        return (size_t)snprintf(ret, INFRA_ADDRESS_TEXT_MAX, "%u.%u.%u.%u",
                                b[12], b[13], b[14], b[15]);
    }
    for (unsigned i = 0; i < GROUPS; i++) {
        group[i] = (unsigned)b[2 * i] << 8 | b[2 * i + 1];
    }
    find_gap(group, &gap, &gap_end);
    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == gap) {
            length += (size_t)snprintf(ret + length, 3, "::");
            i = gap_end - 1;
            continue;
        }
        const char *colon = i > 0 && i != gap_end ? ":" : "";
        length += (size_t)snprintf(ret + length, 6, "%s%x", colon, group[i]);
    }
    return length;
}

int infra_address_of_socket(const struct sockaddr *socket_address, size_t size,
                            struct infra_address *ret, uint16_t *ret_port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint16_t port;
    sa_family_t family;

    if (socket_address == NULL || ret == NULL ||
        size < offsetof(struct sockaddr, sa_family) + sizeof family) {
        return INFRA_EINVAL;
    }
    /* By copies: the caller's may be of any alignment. */
    memcpy(&family,
           (const char *)socket_address + offsetof(struct sockaddr, sa_family),
           sizeof family);
    if (family == AF_INET && size >= sizeof v4) {
        memcpy(&v4, socket_address, sizeof v4);
        *ret = infra_address_ipv4(ntohl(v4.sin_addr.s_addr));
        port = ntohs(v4.sin_port);
    } else if (family == AF_INET6 && size >= sizeof v6) {
        memcpy(&v6, socket_address, sizeof v6);
        memcpy(ret->bytes, &v6.sin6_addr, sizeof ret->bytes);
        port = ntohs(v6.sin6_port);
    } else {
        return INFRA_EINVAL;
    }
    if (ret_port != NULL) {
        *ret_port = port;
    }
    return INFRA_OK;
}

struct infra_address infra_address_mask(const struct infra_address *address,
                                        uint32_t length)
{
    struct infra_address a = *address;

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t bits = length > 8 * i ? length - 8 * i : 0;
        if (bits < 8) {
            a.bytes[i] = (unsigned char)(a.bytes[i] & ~(0xffu >> bits));
        }
    }
    return a;
}

int infra_prefix_parse(const char *text, size_t size, struct infra_prefix *ret)
{
    struct infra_prefix p = { .length = 128 };

    if (text == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const char *slash = size > 0 ? memchr(text, '/', size) : NULL;
    size_t head = slash != NULL ? (size_t)(slash - text) : size;
    if (head > 0 && memchr(text, '%', head) != NULL) {
        return INFRA_PREFIX_FLAW_ZONE;
    }
    if (infra_address_parse(text, head, &p.address) != INFRA_OK) {
        return INFRA_PREFIX_FLAW_ADDRESS;
    }
    if (slash != NULL) {
        bool is_short = memchr(text, ':', head) == NULL;
        int n = read_number(slash + 1, size - head - 1, is_short ? 32 : 128);
        if (n < 0) {
            return INFRA_PREFIX_FLAW_LENGTH;
        }
        p.length = (uint32_t)n + (is_short ? 96u : 0u);
    }
    struct infra_address masked = infra_address_mask(&p.address, p.length);
    if (memcmp(&masked, &p.address, sizeof masked) != 0) {
        return INFRA_PREFIX_FLAW_HOST_BITS;
    }
    *ret = p;
    return INFRA_OK;
}

size_t infra_prefix_print(const struct infra_prefix *prefix,
                          char ret[INFRA_PREFIX_TEXT_MAX])
{
    if (prefix == NULL || ret == NULL || prefix->length > 128) {
        return 0;
    }
    size_t length = infra_address_print(&prefix->address, ret);
    uint32_t bits = prefix->length - (infra__prefix_is_ipv4(prefix) ? 96u : 0u);

    return length + (size_t)snprintf(ret + length,
                                     INFRA_PREFIX_TEXT_MAX - length, "/%u",
                                     (unsigned)bits);
}

int infra_prefix_contains(const struct infra_prefix *prefix,
                          const struct infra_address *address)
{
    if (prefix == NULL || address == NULL || prefix->length > 128 ||
        infra__prefix_is_ipv4(prefix) != infra_address_is_ipv4(address)) {
        return 0;
    }
    struct infra_address masked = infra_address_mask(address, prefix->length);

    return memcmp(&masked, &prefix->address, sizeof masked) == 0;
}
