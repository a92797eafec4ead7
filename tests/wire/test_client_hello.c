/* SPDX-License-Identifier: MIT */
/* What a ClientHello says: known hellos, and each piece of them. */
#include "hex.h"

#include "base/internal.h"

#include <infra/client_hello.h>

/* clang-format off */
static const struct {
    const char *name;
    const char *hex;
    int result;
    const char *sni;
    const char *alpn;
    uint32_t version;
} rows[] = {
    { "C-01 SNI example.com, ALPN h2+http/1.1, sup_v",
      "16030100600100005c0303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f0100002f00000010000e"
      "00000b6578616d706c652e636f6d0010000e000c02683208687474702f31"
      "2e31002b00050403040303",
      INFRA_OK, "example.com", "h2,http/1.1", 0x0304 },
    { "C-02 no SNI, no ALPN, TLS1.2",
      "1603010036010000320303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f01000005ff01000100",
      INFRA_OK, "", "", 0x0303 },
    { "C-03 no extensions block at all",
      "160301002f0100002b0303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f0100",
      INFRA_OK, "", "", 0x0303 },
    { "C-04 C-01's handshake split over 2 TLS record",
      "16030100280100005c0303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f00001603010038041301c02f0100002f00"
      "000010000e00000b6578616d706c652e636f6d0010000e000c0268320868"
      "7474702f312e31002b00050403040303",
      INFRA_OK, "example.com", "h2,http/1.1", 0x0304 },
    { "C-05 same, one handshake byte per record for ",
      "16030100010116030100010016030100010016030100015c160301005c03"
      "03000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c"
      "1d1e1f0000041301c02f0100002f00000010000e00000b6578616d706c65"
      "2e636f6d0010000e000c02683208687474702f312e31002b000504030403"
      "03",
      INFRA_OK, "example.com", "h2,http/1.1", 0x0304 },
    { "C-06 GREASE ext 0x0a0a + SNI + sup_ver GREASE",
      "160301004f0100004b0303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f0100001e0a0a00000000"
      "000d000b000008666f6f2e74657374002b0005047a7a0304",
      INFRA_OK, "foo.test", "", 0x0304 },
    { "C-07 session id 32 bytes",
      "160301005d010000590303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f20000102030405060708090a0b0c0d0e0f"
      "101112131415161718191a1b1c1d1e1f00041301c02f0100000c00000008"
      "0006000003612e62",
      INFRA_OK, "a.b", "", 0x0303 },
    { "C-08 SNI uppercase EXAMPLE.Com",
      "1603010045010000410303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f0100001400000010000e"
      "00000b4558414d504c452e436f6d",
      INFRA_OK, "example.com", "", 0x0303 },
    { "CX-01 session id len 33",
      "160301005c010000580303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f2100000000000000000000000000000000"
      "000000000000000000000000000000000000041301c02f0100000a000000"
      "06000400000161",
      INFRA_CLIENT_HELLO_FLAW_LENGTH, "", "", 0 },
    { "CX-02 odd cipher length",
      "160301003a010000360303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000031301000100000a00000006000400"
      "000161",
      INFRA_CLIENT_HELLO_FLAW_LENGTH, "", "", 0 },
    { "CX-03 SNI list length one too big",
      "160301003d010000390303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f0100000c000000080007"
      "000003616263",
      INFRA_CLIENT_HELLO_FLAW_NAME, "", "", 0 },
    { "CX-04 SNI empty name",
      "160301003a010000360303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f01000009000000050003"
      "000000",
      INFRA_CLIENT_HELLO_FLAW_NAME, "", "", 0 },
    { "CX-05 SNI with NUL",
      "160301003d010000390303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f0100000c000000080006"
      "000003610062",
      INFRA_CLIENT_HELLO_FLAW_NAME, "", "", 0 },
    { "CX-06 duplicate SNI extension",
      "1603010045010000410303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f01000014000000060004"
      "0000016100000006000400000162",
      INFRA_CLIENT_HELLO_FLAW_TWICE, "", "", 0 },
    { "CX-07 ALPN zero-length protocol",
      "1603010038010000340303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f01000007001000030001"
      "00",
      INFRA_CLIENT_HELLO_FLAW_ALPN, "", "", 0 },
    { "CX-08 extension overruns block",
      "1603010036010000320303000102030405060708090a0b0c0d0e0f101112"
      "131415161718191a1b1c1d1e1f0000041301c02f010000050000002000",
      INFRA_CLIENT_HELLO_FLAW_LENGTH, "", "", 0 },
    { "CX-09 HTTP request on TLS port",
      "474554202f20485454502f312e310d0a486f73743a20780d0a0d0a",
      INFRA_CLIENT_HELLO_FLAW_NOT_TLS, "", "", 0 },
    { "CX-10 PROXY v2 signature on TLS port",
      "0d0a0d0a000d0a515549540a",
      INFRA_CLIENT_HELLO_FLAW_NOT_TLS, "", "", 0 },
    { "CX-11 TLS alert record first",
      "15030300020228",
      INFRA_CLIENT_HELLO_FLAW_NOT_TLS, "", "", 0 },
    { "CX-12 zero length handshake record",
      "1603010000",
      INFRA_CLIENT_HELLO_FLAW_RECORD, "", "", 0 },
    { "CX-13 record length 16385",
      "160301400101",
      INFRA_CLIENT_HELLO_FLAW_RECORD, "", "", 0 },
    { "CX-14 handshake length 2^24-1",
      "160301000501ffffff03",
      INFRA_CLIENT_HELLO_FLAW_SIZE, "", "", 0 },
    { "CX-15 ServerHello type 2",
      "160303000402000000",
      INFRA_CLIENT_HELLO_FLAW_NOT_TLS, "", "", 0 },
    { "nginx get_frag",
      "160301003b010000380303ac8c8678a0aa1e7eed3644eed6c3bd2c697bc7"
      "deda249db0e30c339ebaa80b7600000200000100000d0000000900070000"
      "04666f6f160301000166",
      INFRA_OK, "foof", "", 0x0303 },
    { "nginx get_short",
      "1603010038010000330303eb6357cdbaa6b8d853f1f6ac0fdf03178c0ae4"
      "1824e76436823c1b273fbfde4b00000000000c000000080006000003666f"
      "6f",
      INFRA_CLIENT_HELLO_FLAW_LENGTH, "", "", 0 },
    { "nginx get_oldver rec ver 3.0",
      "1603000038010000340303eb6357cdbaa6b8d853f1f6ac0fdf03178c0ae4"
      "1824e76436823c1b273fbfde4b00000000000c000000080006000003666f"
      "6f",
      INFRA_OK, "foo", "", 0x0303 },
    { "nginx get_tls13",
      "16030100330100002f0303eb6357cdbaa6b8d853f1f6ac0fdf03178c0ae4"
      "1824e76436823c1b273fbfde4b000000000007002b0007027f1c",
      INFRA_CLIENT_HELLO_FLAW_LENGTH, "", "", 0 },
    { "nginx get_ssl2 SSLv2-format hello",
      "801c010002000300000010010080322dd95c4749ef173d5f0916f0b730f8",
      INFRA_CLIENT_HELLO_FLAW_NOT_TLS, "", "", 0 },
    { "OpenSSL 3.0.19",
      "1603010200010001fc030383d41181d0a0c96d2b4f14dc1924e2871d4f8d"
      "753a9c48376ffcd946e359046a20845de11cf66376b7222f1e5615ae54ff"
      "bf971ad4a8b7bb4cf7ec8fb20a0181bb0024130213031301c02cc030c02b"
      "c02fcca9cca8c024c028c023c027009f009e006b006700ff0100018f0000"
      "0014001200000f7777772e6578616d706c652e6f7267000b000403000102"
      "000a00160014001d0017001e001900180100010101020103010400230000"
      "0010000e000c02683208687474702f312e310016000000170000000d002a"
      "0028040305030603080708080809080a080b080408050806040105010601"
      "030303010302040205020602002b00050403040303002d00020101003300"
      "260024001d00200b26e7bb8ed4a3f607e92bb5a7e3a8b37cc61995279880"
      "b81ed885bfd67e6b52001500cc0000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000"
      "00000000000000",
      INFRA_OK, "www.example.org", "h2,http/1.1", 0x0304 },
};
/* clang-format on */

/* "h2,http/1.1" */
static void print_alpn(const struct infra_client_hello *h, char *ret)
{
    *ret = '\0';
    for (uint32_t at = 0; at < h->alpn_size; at += 1u + h->alpn[at]) {
        strcat(ret, at > 0 ? "," : "");
        strncat(ret, (const char *)h->alpn + at + 1, h->alpn[at]);
    }
}

/* Read a copy of its exact size. */
static int read_copy(const unsigned char *bytes, size_t size,
                     struct infra_client_hello *ret)
{
    unsigned char *copy = copy_of(bytes, size);
    int result = infra_client_hello_read(copy, size, ret);

    free(copy);
    return result;
}

/* Each known hello says what it should, and a bad one has its flaw. */
START_TEST(known_hellos)
{
    struct infra_client_hello h;
    char alpn[INFRA_CLIENT_HELLO_ALPN_MAX + 1];
    size_t size;
    unsigned char *bytes = bytes_of(rows[_i].hex, &size);
    int result = read_copy(bytes, size, &h);

    free(bytes);
    ck_assert_msg(result == rows[_i].result, "%s: %d", rows[_i].name, result);
    if (result == INFRA_OK) {
        ck_assert_str_eq(h.name, rows[_i].sni);
        ck_assert_uint_eq(h.name_size, strlen(h.name));
        print_alpn(&h, alpn);
        ck_assert_str_eq(alpn, rows[_i].alpn);
        ck_assert_uint_eq(h.version, rows[_i].version);
        ck_assert_uint_eq(h.has_ech, 0);
    }
}
END_TEST

/* A part of a good hello is never an answer; what follows a hello changes none;
 * and a part of a bad one is either not yet an answer, or the same. */
START_TEST(parts_say_nothing_else)
{
    struct infra_client_hello h, whole;
    size_t size;
    unsigned char *bytes = bytes_of(rows[_i].hex, &size);
    int result = read_copy(bytes, size, &whole);

    for (size_t part = 0; part < size; part++) {
        int early = read_copy(bytes, part, &h);
        if (result == INFRA_OK) {
            ck_assert_msg(early == INFRA_EAGAIN, "%s: %zu bytes", rows[_i].name,
                          part);
        } else {
            ck_assert(early == INFRA_EAGAIN || early == result);
        }
    }
    unsigned char *more = malloc(size + 1);
    ck_assert_ptr_nonnull(more);
    memcpy(more, bytes, size);
    more[size] = 0xff;
    ck_assert_int_eq(read_copy(more, size + 1, &h), result);
    if (result == INFRA_OK) {
        ck_assert_mem_eq(&h, &whole, sizeof h);
    }
    free(more);
    free(bytes);
}
END_TEST

/* The message of @bytes (one record) again, in records of @piece bytes. */
static unsigned char *split(const unsigned char *bytes, size_t size,
                            size_t piece, size_t *ret_size)
{
    unsigned char *out = malloc(6 * size);
    size_t at = 0;

    ck_assert_ptr_nonnull(out);
    for (size_t i = 5; i < size; i += piece) {
        size_t n = size - i < piece ? size - i : piece;
        const unsigned char head[5] = { 22, 3, 1, (unsigned char)(n >> 8),
                                        (unsigned char)n };
        memcpy(out + at, head, 5);
        memcpy(out + at + 5, bytes + i, n);
        at += 5 + n;
    }
    *ret_size = at;
    return out;
}

/* Records of any sizes give the same answer. */
START_TEST(records_of_any_size)
{
    struct infra_client_hello h, whole;
    size_t size, split_size;
    unsigned char *bytes = bytes_of(rows[_i].hex, &size);

    if (read_copy(bytes, size, &whole) == INFRA_OK &&
        (size_t)bytes[3] * 256 + bytes[4] + 5 == size) {
        for (size_t piece = 1; piece < size; piece++) {
            unsigned char *s = split(bytes, size, piece, &split_size);
            ck_assert_int_eq(read_copy(s, split_size, &h), INFRA_OK);
            ck_assert_mem_eq(&h, &whole, sizeof h);
            ck_assert_int_eq(read_copy(s, split_size - 1, &h), INFRA_EAGAIN);
            free(s);
        }
    }
    free(bytes);
}
END_TEST

/* A message that says it is up to 4 bytes longer than what came is not all
 * there: HAProxy once read beyond it. */
START_TEST(a_message_that_is_longer_is_waited_for)
{
    struct infra_client_hello h;
    size_t size;
    unsigned char *bytes = bytes_of(rows[0].hex, &size);

    for (unsigned more = 1; more <= 4; more++) {
        bytes[4] = (unsigned char)(bytes[4] + 1);
        bytes[8] = (unsigned char)(bytes[8] + 1);
        ck_assert_int_eq(read_copy(bytes, size, &h), INFRA_EAGAIN);
        bytes[4] = (unsigned char)(bytes[4] - 1);
        ck_assert_int_eq(read_copy(bytes, size, &h), INFRA_EAGAIN);
        bytes[4] = (unsigned char)(bytes[4] + 1);
    }
    free(bytes);
}
END_TEST

/* A hello with one extension of @type and @size bytes. */
static size_t make(unsigned char *out, unsigned type, const void *data,
                   size_t size)
{
    size_t block = 4 + size, body = 2 + 32 + 1 + 2 + 1 + 2 + block;
    unsigned char *b = out;

    memset(out, 0, 5 + 4 + body);
    b[0] = 22, b[1] = 3, b[2] = 1;
    b[3] = (unsigned char)((body + 4) >> 8), b[4] = (unsigned char)(body + 4);
    b[5] = 1;
    b[7] = (unsigned char)(body >> 8), b[8] = (unsigned char)body;
    b[9] = 3, b[10] = 3;
    b = out + 9 + 2 + 32 + 1 + 2 + 1;
    b[0] = (unsigned char)(block >> 8), b[1] = (unsigned char)block;
    b[2] = (unsigned char)(type >> 8), b[3] = (unsigned char)type;
    b[4] = (unsigned char)(size >> 8), b[5] = (unsigned char)size;
    memcpy(b + 6, data, size);
    return 5 + 4 + body;
}

static int read_name(const char *name, struct infra_client_hello *h)
{
    static unsigned char hello[1024];
    unsigned char data[600] = { 0 };
    size_t n = strlen(name);

    data[0] = (unsigned char)((n + 3) >> 8);
    data[1] = (unsigned char)(n + 3);
    data[3] = (unsigned char)(n >> 8);
    data[4] = (unsigned char)n;
    memcpy(data + 5, name, n);
    return infra_client_hello_read(hello, make(hello, 0, data, n + 5), h);
}

/* Names that no host has are refused; one dot at the end is dropped. */
START_TEST(names_are_names_of_hosts)
{
    static const char *const bad[] = { ".",   ".a",  "a..b", "a b",
                                       "a\n", "a:1", "a/b",  "\xc3\xa4",
                                       "a..", "*.a", "[::1]" };
    struct infra_client_hello h;
    char longest[257];

    for (size_t i = 0; i < INFRA__COUNT_OF(bad); i++) {
        ck_assert_msg(read_name(bad[i], &h) == INFRA_CLIENT_HELLO_FLAW_NAME,
                      "%s", bad[i]);
    }
    ck_assert_int_eq(read_name("Foo_1.Example-2.", &h), INFRA_OK);
    ck_assert_str_eq(h.name, "foo_1.example-2");
    ck_assert_uint_eq(h.name_size, 15);
    memset(longest, 'a', 256);
    longest[256] = '\0';
    ck_assert_int_eq(read_name(longest, &h), INFRA_CLIENT_HELLO_FLAW_NAME);
    longest[255] = '\0';
    ck_assert_int_eq(read_name(longest, &h), INFRA_OK);
    ck_assert_str_eq(h.name, longest);
}
END_TEST

/* ALPN lists up to the limit are told as they came. */
START_TEST(protocols_are_found)
{
    static unsigned char hello[1024];
    unsigned char data[2 + 260] = { 1, 0 };
    struct infra_client_hello h;

    for (size_t i = 0; i < 260; i += 4) {
        memcpy(data + 2 + i, "\3foo", 4);
    }
    memcpy(data + 2, "\2h2\0", 4);
    memcpy(data + 2 + 3, "\4x/11", 5);
    ck_assert_int_eq(
        infra_client_hello_read(hello, make(hello, 16, data, 258), &h),
        INFRA_OK);
    ck_assert_uint_eq(h.alpn_size, 256);
    ck_assert_int_eq(infra_client_hello_has_alpn(&h, "h2"), 1);
    ck_assert_int_eq(infra_client_hello_has_alpn(&h, "x/11"), 1);
    ck_assert_int_eq(infra_client_hello_has_alpn(&h, "foo"), 1);
    ck_assert_int_eq(infra_client_hello_has_alpn(&h, "fo"), 0);
    ck_assert_int_eq(infra_client_hello_has_alpn(&h, ""), 0);
    ck_assert_int_eq(infra_client_hello_has_alpn(NULL, "h2"), 0);
    ck_assert_int_eq(infra_client_hello_has_alpn(&h, NULL), 0);
    data[1] = 4;
    ck_assert_int_eq(
        infra_client_hello_read(hello, make(hello, 16, data, 262), &h),
        INFRA_CLIENT_HELLO_FLAW_SIZE);
}
END_TEST

/* An encrypted hello is one with its outer name. */
START_TEST(an_encrypted_hello_is_seen)
{
    static unsigned char hello[1024];
    struct infra_client_hello h;

    ck_assert_int_eq(
        infra_client_hello_read(hello, make(hello, 0xfe0d, "x", 1), &h),
        INFRA_OK);
    ck_assert_uint_eq(h.has_ech, 1);
}
END_TEST

/* NULL is refused, and each flaw has a name. */
START_TEST(names_and_null)
{
    struct infra_client_hello h;

    ck_assert_int_eq(infra_client_hello_read(NULL, 1, &h), INFRA_EINVAL);
    ck_assert_int_eq(infra_client_hello_read("", 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_client_hello_read(NULL, 0, &h), INFRA_EAGAIN);
    for (uint32_t f = 1; f <= INFRA_CLIENT_HELLO_FLAW_ALPN; f++) {
        ck_assert_str_ne(infra_client_hello_flaw_name(f), "unknown");
    }
    ck_assert_str_eq(infra_client_hello_flaw_name(0), "unknown");
    ck_assert_str_eq(infra_client_hello_flaw_name(8), "unknown");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("client_hello");
    TCase *tc = tcase_create("client_hello");
    const int count = (int)INFRA__COUNT_OF(rows);

    tcase_add_loop_test(tc, known_hellos, 0, count);
    tcase_add_loop_test(tc, parts_say_nothing_else, 0, count);
    tcase_add_loop_test(tc, records_of_any_size, 0, count);
    tcase_add_test(tc, a_message_that_is_longer_is_waited_for);
    tcase_add_test(tc, names_are_names_of_hosts);
    tcase_add_test(tc, protocols_are_found);
    tcase_add_test(tc, an_encrypted_hello_is_seen);
    tcase_add_test(tc, names_and_null);
    suite_add_tcase(s, tc);
    return test_main(s);
}
