/* SPDX-License-Identifier: MIT */
/* The PROXY protocol: headers of the specification and of other proxies' tests,
 * each piece of them, and what is written. */
#include "hex.h"

#include "base/internal.h"
#include "wire/crc32c.h"

#include <infra/proxy_protocol.h>
#include <stdio.h>

/* clang-format off */
#define G4 "ffff:ffff:ffff:ffff"
#define G8 G4 ":" G4
static const struct {
    const char *line;
    int result;
    uint32_t size;
    const char *source, *destination;
    uint16_t source_port, destination_port;
} lines[] = {
    { "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", INFRA_OK, 47, "192.168.0.1", "192.168.0.11", 56324, 443 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\r\n", INFRA_OK, 41, "192.0.2.1", "192.0.2.2", 123, 5678 },
    { "PROXY TCP6 2001:Db8::1 2001:Db8::2 123 5678\r\n", INFRA_OK, 45, "2001:db8::1", "2001:db8::2", 123, 5678 },
    { "PROXY UNKNOWN\r\n", INFRA_OK, 15, NULL, NULL, 0, 0 },
    { "PROXY UNKNOWN 1 2 3 4 5 6\r\n", INFRA_OK, 27, NULL, NULL, 0, 0 },
    { "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", INFRA_OK, 56, "255.255.255.255", "255.255.255.255", 65535, 65535 },
    { "PROXY TCP6 " G8 " " G8 " 65535 65535\r\n", INFRA_OK, 104, G8, G8, 65535, 65535 },
    { "PROXY UNKNOWN " G8 " " G8 " 65535 65535\r\n", INFRA_OK, 107, NULL, NULL, 0, 0 },
    { "PROXY TCP6 ::ffff:192.0.2.1 ::1 0 1\r\n", INFRA_OK, 37, "192.0.2.1", "::1", 0, 1 },
    { "PROXY UNKNOWN " G8 " " G8 " 65535 65535 x", INFRA_PROXY_FLAW_SIZE, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY UNKNOWN\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY UNKNOWN a\rb\r\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY UNKNOWNX\r\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.01 192.0.2.2 123 5678\r\n", INFRA_PROXY_FLAW_ADDRESS, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 0123 5678\r\n", INFRA_PROXY_FLAW_PORT, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 65536 1\r\n", INFRA_PROXY_FLAW_PORT, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 1 x\r\n", INFRA_PROXY_FLAW_PORT, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", INFRA_PROXY_FLAW_ADDRESS, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", INFRA_PROXY_FLAW_ADDRESS, 0, NULL, NULL, 0, 0 },
    { "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", INFRA_PROXY_FLAW_SIGNATURE, 0, NULL, NULL, 0, 0 },
    { "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", INFRA_PROXY_FLAW_FAMILY, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", INFRA_PROXY_FLAW_LINE, 0, NULL, NULL, 0, 0 },
    { "PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n", INFRA_PROXY_FLAW_ADDRESS, 0, NULL, NULL, 0, 0 },
    { "PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n", INFRA_PROXY_FLAW_FAMILY, 0, NULL, NULL, 0, 0 },
    { "GET / HTTP/1.1\r\n\r\n", INFRA_PROXY_FLAW_SIGNATURE, 0, NULL, NULL, 0, 0 },
};

static const struct {
    const char *name;
    uint32_t size;
    int result;
    const char *hex;
    uint32_t family;
    uint32_t is_local;
    const char *source, *destination;
    uint16_t source_port, destination_port;
    const char *tlvs; /* Types. */
} headers[] = {
    { "P2-01", 16, INFRA_OK,
      "0d0a0d0a000d0a515549540a20000000",
      INFRA_PROXY_FAMILY_UNKNOWN, 1, NULL, NULL, 0, 0, "" },
    { "P2-02", 28, INFRA_OK,
      "0d0a0d0a000d0a515549540a2111000cc0000201c0000202007b162e",
      INFRA_PROXY_FAMILY_TCP4, 0, "192.0.2.1", "192.0.2.2", 123, 5678, "" },
    { "P2-03", 52, INFRA_OK,
      "0d0a0d0a000d0a515549540a2121002420010db800000000000000000000"
      "000120010db8000000000000000000000002007b162e",
      INFRA_PROXY_FAMILY_TCP6, 0, "2001:db8::1", "2001:db8::2", 123, 5678, "" },
    { "P2-04", 54, INFRA_OK,
      "0d0a0d0a000d0a515549540a21110026c0000201c6336407dc0401bb0200"
      "0b6578616d706c652e636f6d0100026832030004d2c23556",
      INFRA_PROXY_FAMILY_TCP4, 0, "192.0.2.1", "198.51.100.7", 56324, 443, "2 1 3" },
    { "P2-05", 41, INFRA_OK,
      "0d0a0d0a000d0a515549540a21110019c0000201c0000202007b162e0400"
      "03000000050004deadbeef",
      INFRA_PROXY_FAMILY_TCP4, 0, "192.0.2.1", "192.0.2.2", 123, 5678, "4 5" },
    { "P2-06", 60, INFRA_OK,
      "0d0a0d0a000d0a515549540a2111002cc0000201c0000202007b162e2000"
      "1d01000000ff210007544c5376312e3222000b6578616d706c652e636f6d",
      INFRA_PROXY_FAMILY_TCP4, 0, "192.0.2.1", "192.0.2.2", 123, 5678, "32" },
    { "P2-07", 28, INFRA_OK,
      "0d0a0d0a000d0a515549540a2011000c0a0000010a00000200010002",
      INFRA_PROXY_FAMILY_UNKNOWN, 1, NULL, NULL, 0, 0, "" },
    { "P2-08", 28, INFRA_OK,
      "0d0a0d0a000d0a515549540a2112000cc0000201c0000202007b0035",
      INFRA_PROXY_FAMILY_UDP4, 0, NULL, NULL, 0, 0, "" },
    { "P2-09", 20, INFRA_OK,
      "0d0a0d0a000d0a515549540a2100000401020304",
      INFRA_PROXY_FAMILY_UNKNOWN, 0, NULL, NULL, 0, 0, "" },
    { "X2-01", 28, INFRA_PROXY_FLAW_VERSION,
      "0d0a0d0a000d0a515549540a1111000cc0000201c0000202007b162e",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-02", 28, INFRA_PROXY_FLAW_COMMAND,
      "0d0a0d0a000d0a515549540a2211000cc0000201c0000202007b162e",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-03", 20, INFRA_PROXY_FLAW_FAMILY,
      "0d0a0d0a000d0a515549540a2141000401020304",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-04", 28, INFRA_PROXY_FLAW_FAMILY,
      "0d0a0d0a000d0a515549540a2113000cc0000201c0000202007b162e",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-05", 27, INFRA_PROXY_FLAW_ADDRESS,
      "0d0a0d0a000d0a515549540a2111000bc0000201c0000202007b16",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-06", 51, INFRA_PROXY_FLAW_ADDRESS,
      "0d0a0d0a000d0a515549540a2121002320010db800000000000000000000"
      "000120010db8000000000000000000000002007b16",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-07", 41, INFRA_PROXY_FLAW_TLV,
      "0d0a0d0a000d0a515549540a211100147f0000017f000001002a05390200"
      "0a31323334353132333435",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-08", 36, INFRA_PROXY_FLAW_TLV,
      "0d0a0d0a000d0a515549540a211100147f0000017f000001002a05390200"
      "043132333447",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-09", 35, INFRA_PROXY_FLAW_CRC,
      "0d0a0d0a000d0a515549540a21110013c0000201c6336407dc0401bb0300"
      "04d45a11b8",
      0, 0, NULL, NULL, 0, 0, "" },
    { "X2-10", 34, INFRA_PROXY_FLAW_CRC,
      "0d0a0d0a000d0a515549540a21110012c0000201c0000202007b162e0300"
      "03000000",
      0, 0, NULL, NULL, 0, 0, "" },
    { "P2-12", 36, INFRA_OK,
      "0d0a0d0a000d0a515549540a211100147f0000017f000001002a05390200"
      "053132333435",
      INFRA_PROXY_FAMILY_TCP4, 0, "127.0.0.1", "127.0.0.1", 42, 1337, "2" },
    { "P2-13", 140, INFRA_PROXY_FLAW_CRC,
      "0d0a0d0a000d0a515549540a2111007cc0000201c0000202007b162e0100"
      "05414c504e310200096c6f63616c686f737403000434333231050005554e"
      "49515120003a01000000ff210007544c5376312e3222000b6578616d706c"
      "652e636f6d23000a4145533235362d534841240004534841312500065253"
      "413531323000054e45544e53ae00053132333435",
      0, 0, NULL, NULL, 0, 0, "" },
};
/* clang-format on */

static int read_copy(const struct infra_proxy_options *o, const void *bytes,
                     size_t size, struct infra_proxy_header *ret)
{
    unsigned char *copy = copy_of(bytes, size);
    int result = infra_proxy_read(o, copy, size, ret);

    free(copy);
    return result;
}

static void check_addresses(const struct infra_proxy_header *h,
                            const char *source, const char *destination,
                            uint16_t source_port, uint16_t destination_port)
{
    char text[INFRA_ADDRESS_TEXT_MAX];

    ck_assert_uint_eq(h->has_addresses, source != NULL);
    ck_assert_uint_eq(h->source_port, source_port);
    ck_assert_uint_eq(h->destination_port, destination_port);
    if (source != NULL) {
        (void)infra_address_print(&h->source, text);
        ck_assert_str_eq(text, source);
        (void)infra_address_print(&h->destination, text);
        ck_assert_str_eq(text, destination);
    }
}

/* Any part of a header is not yet an answer, or the flaw of the whole; what
 * follows the header changes nothing. */
static void check_parts(const void *bytes, size_t size, int result,
                        const struct infra_proxy_header *whole)
{
    struct infra_proxy_header h;
    unsigned char *more = malloc(size + 3);

    for (size_t part = 0; part < size; part++) {
        int early = read_copy(NULL, bytes, part, &h);
        ck_assert_msg(early == INFRA_EAGAIN ||
                          (early == result && result > INFRA_OK),
                      "%zu bytes: %d", part, early);
    }
    ck_assert_ptr_nonnull(more);
    memcpy(more, bytes, size);
    memcpy(more + size, "\r\nX", 3);
    if (result == INFRA_OK) {
        ck_assert_int_eq(read_copy(NULL, more, size + 3, &h), INFRA_OK);
        ck_assert_mem_eq(&h, whole, sizeof h);
    }
    free(more);
}

/* Version 1, line by line. */
START_TEST(known_lines)
{
    struct infra_proxy_header h;
    size_t size = strlen(lines[_i].line);
    int result = read_copy(NULL, lines[_i].line, size, &h);

    ck_assert_msg(result == lines[_i].result, "%s: %d", lines[_i].line, result);
    if (result == INFRA_OK) {
        ck_assert_uint_eq(h.version, 1);
        ck_assert_uint_eq(h.size, lines[_i].size);
        ck_assert_uint_eq(h.is_local, 0);
        ck_assert_uint_eq(h.tlvs_size, 0);
        check_addresses(&h, lines[_i].source, lines[_i].destination,
                        lines[_i].source_port, lines[_i].destination_port);
    }
    check_parts(lines[_i].line, size, result, &h);
}
END_TEST

/* The types of the TLVs, with blanks. */
static void print_types(const unsigned char *bytes,
                        const struct infra_proxy_header *h, char *ret)
{
    struct infra_proxy_tlv tlv;
    size_t at = 0;

    *ret = '\0';
    while (infra_proxy_tlv_next(bytes + h->tlvs_at, h->tlvs_size, &at, &tlv) ==
           INFRA_OK) {
        sprintf(ret + strlen(ret), "%s%u", *ret != '\0' ? " " : "", tlv.type);
    }
    ck_assert_uint_eq(at, h->tlvs_size);
}

/* Version 2, header by header. */
START_TEST(known_headers)
{
    struct infra_proxy_header h;
    size_t size;
    unsigned char *bytes = bytes_of(headers[_i].hex, &size);
    int result = read_copy(NULL, bytes, size, &h);

    ck_assert_uint_eq(size, headers[_i].size);
    ck_assert_msg(result == headers[_i].result, "%s: %d", headers[_i].name,
                  result);
    if (result == INFRA_OK) {
        char types[64];
        ck_assert_uint_eq(h.version, 2);
        ck_assert_uint_eq(h.size, size);
        ck_assert_uint_eq(h.family, headers[_i].family);
        ck_assert_uint_eq(h.is_local, headers[_i].is_local);
        check_addresses(&h, headers[_i].source, headers[_i].destination,
                        headers[_i].source_port, headers[_i].destination_port);
        print_types(bytes, &h, types);
        ck_assert_str_eq(types, headers[_i].tlvs);
    }
    check_parts(bytes, size, result, &h);
    free(bytes);
}
END_TEST

static const unsigned char *header_named(const char *name, size_t *ret_size)
{
    static unsigned char kept[256];

    for (size_t i = 0; i < INFRA__COUNT_OF(headers); i++) {
        if (strcmp(headers[i].name, name) == 0) {
            unsigned char *bytes = bytes_of(headers[i].hex, ret_size);
            memcpy(kept, bytes, *ret_size);
            free(bytes);
            return kept;
        }
    }
    ck_abort_msg("%s", name);
}

/* A Unix socket is a family like another: its header is taken off, and its
 * paths are no addresses. */
START_TEST(unix_sockets_have_no_addresses)
{
    unsigned char bytes[232] = { 0 };
    struct infra_proxy_header h;
    size_t size;

    memcpy(bytes, header_named("P2-02", &size), 12);
    bytes[12] = 0x21, bytes[13] = 0x31, bytes[15] = 216;
    memcpy(bytes + 16, "/tmp/a.sock", 11);
    ck_assert_int_eq(read_copy(NULL, bytes, sizeof bytes, &h), INFRA_OK);
    ck_assert_uint_eq(h.family, INFRA_PROXY_FAMILY_UNIX);
    ck_assert_uint_eq(h.has_addresses, 0);
    ck_assert_uint_eq(h.size, 232);
}
END_TEST

/* Of all broken bits of a header with a CRC, those pass that make it another
 * kind of header, or hide the CRC; with needs_crc the latter do not pass. */
START_TEST(broken_bits_are_seen)
{
    struct infra_proxy_options strict = { .size = sizeof strict,
                                          .needs_crc = 1 };
    struct infra_proxy_header h;
    unsigned passed = 0, passed_strict = 0;
    size_t size;
    unsigned char bytes[64];

    memcpy(bytes, header_named("P2-04", &size), 54);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        int result = read_copy(NULL, bytes, size, &h);
        passed += result == INFRA_OK;
        result = read_copy(&strict, bytes, size, &h);
        passed_strict += result == INFRA_OK;
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert_uint_eq(passed, 11);
    ck_assert_uint_eq(passed_strict, 1); /* LOCAL, without addresses. */
    ck_assert_int_eq(read_copy(&strict, bytes, size, &h), INFRA_OK);
    const unsigned char *plain = header_named("P2-02", &size);
    ck_assert_int_eq(read_copy(&strict, plain, size, &h), INFRA_PROXY_FLAW_CRC);
}
END_TEST

/* Inside of the TLV of TLS are TLVs again. */
START_TEST(tlvs_of_tls)
{
    struct infra_proxy_header h;
    struct infra_proxy_tlv ssl, tlv;
    size_t size, at = 0, inner = 0;
    const unsigned char *bytes = header_named("P2-06", &size);

    ck_assert_int_eq(infra_proxy_read(NULL, bytes, size, &h), INFRA_OK);
    ck_assert_int_eq(
        infra_proxy_tlv_next(bytes + h.tlvs_at, h.tlvs_size, &at, &ssl),
        INFRA_OK);
    ck_assert_uint_eq(ssl.type, INFRA_PROXY_TLV_SSL);
    ck_assert_uint_eq(ssl.value[0], 1);
    ck_assert_uint_eq(ssl.value[4], 255);
    ck_assert_int_eq(
        infra_proxy_tlv_next(ssl.value + 5, ssl.size - 5, &inner, &tlv),
        INFRA_OK);
    ck_assert_uint_eq(tlv.type, INFRA_PROXY_TLV_SSL_VERSION);
    ck_assert_mem_eq(tlv.value, "TLSv1.2", 7);
    ck_assert_int_eq(
        infra_proxy_tlv_next(ssl.value + 5, ssl.size - 5, &inner, &tlv),
        INFRA_OK);
    ck_assert_mem_eq(tlv.value, "example.com", 11);
    ck_assert_int_eq(
        infra_proxy_tlv_next(ssl.value + 5, ssl.size - 5, &inner, &tlv),
        INFRA_EAGAIN);
    inner = 0;
    ck_assert_int_eq(infra_proxy_tlv_next("\1\0\2x", 4, &inner, &tlv),
                     INFRA_PROXY_FLAW_TLV);
    inner = ssl.size;
    ck_assert_int_eq(
        infra_proxy_tlv_next(ssl.value + 5, ssl.size - 5, &inner, &tlv),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_tlv_next(NULL, 1, &at, &tlv), INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_tlv_next("", 0, NULL, &tlv), INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_tlv_next("", 0, &at, NULL), INFRA_EINVAL);
}
END_TEST

/* Only allowed versions and sizes are read. */
START_TEST(options_limit_what_is_read)
{
    struct infra_proxy_options o = { .size = sizeof o, .versions = 1u << 2 };
    struct infra_proxy_header h;
    size_t size;
    const unsigned char *v2 = header_named("P2-02", &size);

    ck_assert_int_eq(infra_proxy_read(&o, "P", 1, &h),
                     INFRA_PROXY_FLAW_SIGNATURE);
    ck_assert_int_eq(infra_proxy_read(&o, v2, size, &h), INFRA_OK);
    o.versions = 1u << 1;
    ck_assert_int_eq(infra_proxy_read(&o, v2, 1, &h),
                     INFRA_PROXY_FLAW_SIGNATURE);
    o.versions = 0;
    o.size_max = 27;
    ck_assert_int_eq(infra_proxy_read(&o, v2, 16, &h), INFRA_PROXY_FLAW_SIZE);
    ck_assert_int_eq(infra_proxy_read(&o, lines[0].line, 27, &h),
                     INFRA_PROXY_FLAW_SIZE);
    o.size_max = 28;
    ck_assert_int_eq(infra_proxy_read(&o, v2, size, &h), INFRA_OK);
    o.versions = 1;
    ck_assert_int_eq(infra_proxy_read(&o, v2, size, &h), INFRA_EINVAL);
    o.versions = 0;
    o.needs_crc = 2;
    ck_assert_int_eq(infra_proxy_read(&o, v2, size, &h), INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_read(NULL, NULL, 1, &h), INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_read(NULL, v2, size, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_read(NULL, NULL, 0, &h), INFRA_EAGAIN);
}
END_TEST

/* Each header and each line that can be written comes out as it came in. */
START_TEST(what_is_written_is_what_was_read)
{
    struct infra_proxy_header h;
    struct infra_proxy_tlv tlvs[8];
    unsigned char out[256];
    size_t size;

    for (size_t i = 0; i < INFRA__COUNT_OF(lines); i++) {
        size = strlen(lines[i].line);
        if (lines[i].source == NULL || lines[i].source_port == 0 || i == 2 ||
            infra_proxy_read(NULL, lines[i].line, size, &h) != INFRA_OK) {
            continue;
        }
        ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, out, size), (int)size);
        ck_assert_mem_eq(out, lines[i].line, size);
        ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, out, size - 1),
                         INFRA_EFULL);
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(headers); i++) {
        const unsigned char *bytes = header_named(headers[i].name, &size);
        if (headers[i].result != INFRA_OK || headers[i].source == NULL) {
            continue;
        }
        size_t count = 0, at = 0;
        ck_assert_int_eq(infra_proxy_read(NULL, bytes, size, &h), INFRA_OK);
        while (infra_proxy_tlv_next(bytes + h.tlvs_at, h.tlvs_size, &at,
                                    &tlvs[count]) == INFRA_OK) {
            count++;
        }
        ck_assert_int_eq(infra_proxy_write(&h, tlvs, count, out, size),
                         (int)size);
        ck_assert_mem_eq(out, bytes, size);
        ck_assert_int_eq(infra_proxy_write(&h, tlvs, count, out, size - 1),
                         INFRA_EFULL);
    }
}
END_TEST

/* A proxy's own connection, and a family without addresses. */
START_TEST(headers_without_addresses)
{
    struct infra_proxy_header h = { .version = 2, .is_local = 1 };
    unsigned char out[64];
    size_t size;

    ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, out, sizeof out), 16);
    ck_assert_mem_eq(out, header_named("P2-01", &size), 16);
    h.is_local = 0;
    h.family = INFRA_PROXY_FAMILY_UNIX;
    ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, out, sizeof out), 16);
    ck_assert_uint_eq(out[12], 0x21);
    ck_assert_uint_eq(out[13], 0);
    h.version = 1;
    ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, out, sizeof out), 15);
    ck_assert_mem_eq(out, "PROXY UNKNOWN\r\n", 15);
    /* IPv4 on one side only is TCP6. */
    h.family = INFRA_PROXY_FAMILY_TCP6;
    h.source = infra_address_ipv4(0xc0000201);
    int length = infra_proxy_write(&h, NULL, 0, out, sizeof out);
    ck_assert_int_eq(length, (int)strlen("PROXY TCP6 ::ffff:192.0.2.1 :: 0 "
                                         "0\r\n"));
    ck_assert_int_eq(infra_proxy_read(NULL, out, (size_t)length, &h), INFRA_OK);
}
END_TEST

/* What cannot be written is refused. */
START_TEST(bad_headers_are_not_written)
{
    static unsigned char big[INFRA_PROXY_V2_MAX + 8];
    struct infra_proxy_header h = {
        .version = 2,
        .family = INFRA_PROXY_FAMILY_TCP4,
        .source = infra_address_ipv4(1),
        .destination = infra_address_ipv4(2),
    };
    struct infra_proxy_tlv tlvs[2] = {
        { .type = INFRA_PROXY_TLV_CRC32C, .size = 4 },
        { .type = INFRA_PROXY_TLV_CRC32C, .size = 4 },
    };
    const int size = (int)sizeof big;

    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 2, big, sizeof big),
                     INFRA_EINVAL);
    tlvs[1] = (struct infra_proxy_tlv) { .type = 256 };
    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 2, big, sizeof big),
                     INFRA_EINVAL);
    tlvs[1] = (struct infra_proxy_tlv) { .type = 1, .size = 1 };
    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 2, big, sizeof big),
                     INFRA_EINVAL);
    tlvs[0].size = 3;
    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 1, big, sizeof big),
                     INFRA_EINVAL);
    tlvs[0] = (struct infra_proxy_tlv) { big, 65536, 4 };
    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 1, big, sizeof big),
                     INFRA_EINVAL);
    tlvs[0].size = 65535 - 12 - 3 + 1;
    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 1, big, sizeof big),
                     INFRA_EFULL);
    static unsigned char value[65535];
    tlvs[0].value = value;
    tlvs[0].size--;
    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 1, big, sizeof big),
                     (int)INFRA_PROXY_V2_MAX);
    ck_assert_int_ge(size, (int)INFRA_PROXY_V2_MAX);
    h.source.bytes[0] = 0x20;
    ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, big, sizeof big),
                     INFRA_EINVAL);
    h.version = 3;
    h.source.bytes[0] = 0;
    ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, big, sizeof big),
                     INFRA_EINVAL);
    h.version = 1;
    ck_assert_int_eq(infra_proxy_write(&h, tlvs, 1, big, sizeof big),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_write(NULL, NULL, 0, big, 9), INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_write(&h, NULL, 0, NULL, 9), INFRA_EINVAL);
    ck_assert_int_eq(infra_proxy_write(&h, NULL, 1, big, 9), INFRA_EINVAL);
}
END_TEST

/* The check value of CRC-32C, and the names. */
START_TEST(crc_and_names)
{
    ck_assert_uint_eq(infra__crc32c(0, "123456789", 9), 0xe3069283);
    ck_assert_uint_eq(infra__crc32c(infra__crc32c(0, "1234", 4), "56789", 5),
                      0xe3069283);
    for (uint32_t f = 1; f <= INFRA_PROXY_FLAW_CRC; f++) {
        ck_assert_str_ne(infra_proxy_flaw_name(f), "unknown");
    }
    ck_assert_str_eq(infra_proxy_flaw_name(INFRA_PROXY_FLAW_CRC + 1),
                     "unknown");
    ck_assert_str_eq(infra_proxy_family_name(INFRA_PROXY_FAMILY_TCP6), "tcp6");
    ck_assert_str_eq(infra_proxy_family_name(7), "unknown");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("proxy_protocol");
    TCase *tc = tcase_create("proxy_protocol");

    tcase_add_loop_test(tc, known_lines, 0, (int)INFRA__COUNT_OF(lines));
    tcase_add_loop_test(tc, known_headers, 0, (int)INFRA__COUNT_OF(headers));
    tcase_add_test(tc, unix_sockets_have_no_addresses);
    tcase_add_test(tc, broken_bits_are_seen);
    tcase_add_test(tc, tlvs_of_tls);
    tcase_add_test(tc, options_limit_what_is_read);
    tcase_add_test(tc, what_is_written_is_what_was_read);
    tcase_add_test(tc, headers_without_addresses);
    tcase_add_test(tc, bad_headers_are_not_written);
    tcase_add_test(tc, crc_and_names);
    suite_add_tcase(s, tc);
    return test_main(s);
}
