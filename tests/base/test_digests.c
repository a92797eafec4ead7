/* SPDX-License-Identifier: MIT */
/* The parts of logins against published values: SHA-256, HMAC, PBKDF2, base64,
 * and the comparison of secrets. */
#include "support.h"

#include "base/base64.h"
#include "base/hmac_sha256.h"
#include "base/internal.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

#define TEXT_SIZE (2 * (size_t)INFRA__SHA256_SIZE + 1)

/* The usual notation. */
static void text_of(char ret[TEXT_SIZE],
                    const unsigned char digest[INFRA__SHA256_SIZE])
{
    for (size_t i = 0; i < INFRA__SHA256_SIZE; i++) {
        (void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    }
}

static void ck_digest(const unsigned char digest[INFRA__SHA256_SIZE],
                      const char *expected)
{
    char text[TEXT_SIZE];

    text_of(text, digest);
    ck_assert_str_eq(text, expected);
}

static void sha256(unsigned char ret[INFRA__SHA256_SIZE], const void *bytes,
                   size_t size)
{
    struct infra__sha256 h;

    infra__sha256_start(&h);
    infra__sha256_feed(&h, bytes, size);
    infra__sha256_finish(&h, ret);
}

/* The examples that NIST publishes with FIPS 180-4. */
START_TEST(sha256_fips_180)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb924"
              "27ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223"
                 "b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039"
          "a33ce45964ff2167f6ecedd419db06c1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
          "cf5b16a778af8380036ce59e7b049237"
          "0b249b11e8f07a51afac45037afee9d1" },
    };
    unsigned char digest[INFRA__SHA256_SIZE];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        sha256(digest, rows[i].text, strlen(rows[i].text));
        ck_digest(digest, rows[i].digest);
    }
}
END_TEST

/* And its last one, a million times "a", in pieces of every size in turn. */
START_TEST(sha256_of_a_million)
{
    unsigned char digest[INFRA__SHA256_SIZE];
    struct infra__sha256 h;
    char piece[199];
    size_t left = 1000000, size = 0;

    memset(piece, 'a', sizeof piece);
    infra__sha256_start(&h);
    while (left > 0) {
        size = size % sizeof piece + 1;
        size = size < left ? size : left;
        infra__sha256_feed(&h, piece, size);
        left -= size;
    }
    infra__sha256_finish(&h, digest);
    ck_digest(digest, "cdc76e5c9914fb9281a1c7e284d73e67"
                      "f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* Every length around the ends of a block: the padding takes one or two. */
START_TEST(sha256_around_a_block)
{
    static const struct {
        size_t size;
        const char *digest;
    } rows[] = {
        { 55, "d5e285683cd4efc02d021a5c62014694"
              "958901005d6f71e89e0989fac77e4072" },
        { 56, "04c26261370ee7541549d16dee320c72"
              "3e3fd14671e66a099afe0a377c16888e" },
        { 57, "ae14a2563ccf969d99aca69ce6bb7498"
              "1f734bbf9f655f73b8f06db68cab5217" },
        { 63, "75220b47218278e656f2013bb8f0c455"
              "a25eaf01e86c64924e9d48d89776d6f2" },
        { 64, "7ce100971f64e7001e8fe5a51973ecdf"
              "e1ced42befe7ee8d5fd6219506b5393c" },
        { 65, "9537c5fdf120482f7d58d25e9ed583f5"
              "2c02b4e304ea814db1633ad565aed7e9" },
        { 119, "000b48d4edf0fa7bee3c6236ecd2785b"
               "aa5db4eeb8bb54341b029e0d9fa5fb0c" },
        { 120, "13f05a0b594787f5ecd315edc96141bd"
               "3243203d1b7d4f0836f37308b276ba98" },
        { 128, "24da1b81d0b16df6428eee73c69fcb2a"
               "93c76bc6df706f0c6670fe6bfe800464" },
    };
    unsigned char digest[INFRA__SHA256_SIZE];
    char text[128];

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        sha256(digest, text, rows[i].size);
        ck_digest(digest, rows[i].digest);
    }
}
END_TEST

/* The digest of pieces is the digest of the whole, wherever it is cut. */
START_TEST(sha256_of_pieces)
{
    unsigned char whole[INFRA__SHA256_SIZE], pieces[INFRA__SHA256_SIZE];
    char text[150];

    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(i * 7);
    }
    sha256(whole, text, sizeof text);
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        struct infra__sha256 h;
        infra__sha256_start(&h);
        infra__sha256_feed(&h, text, cut);
        infra__sha256_feed(&h, text + cut, sizeof text - cut);
        infra__sha256_finish(&h, pieces);
        ck_assert_mem_eq(pieces, whole, sizeof whole);
    }
}
END_TEST

/* RFC 4231, test cases 1 to 4, 6 and 7. */
START_TEST(hmac_rfc_4231)
{
    static const struct {
        const char *key;
        size_t key_size; /* The key again and again. */
        const char *text;
        size_t text_size;
        const char *digest;
    } rows[] = {
        { "\x0b", 20, "Hi There", 8,
          "b0344c61d8db38535ca8afceaf0bf12b"
          "881dc200c9833da726e9376c2e32cff7" },
        { "Jefe", 4, "what do ya want for nothing?", 28,
          "5bdcc146bf60754e6a042426089575c7"
          "5a003f089d2739839dec58b964ec3843" },
        { "\xaa", 20, "\xdd", 50,
          "773ea91e36800e46854db8ebd09181a7"
          "2959098b3ef8c122d9635514ced565fe" },
        { "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27"
          "\30\31",
          25, "\xcd", 50,
          "82558a389a443c0ea4cc819899f2083a"
          "85f0faa3e578f8077a2e3ff46729665b" },
        { "\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
          54,
          "60e431591ee0b67f0d8a26aacbf5b77f"
          "8e0bc6213728c5140546040f0ee37f54" },
        { "\xaa", 131,
          "This is a test using a larger than block-size key and a larger "
          "than block-size data. The key needs to be hashed before being "
          "used by the HMAC algorithm.",
          152,
          "9b09ffa71b942fcb27635fbcd5b0e944"
          "bfdc63644f0713938a7f51535c3a35e2" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        unsigned char digest[INFRA__SHA256_SIZE], key[131], text[152];
        struct infra__hmac m;
        for (size_t k = 0; k < rows[i].key_size; k++) {
            key[k] = (unsigned char)rows[i].key[k % strlen(rows[i].key)];
        }
        for (size_t k = 0; k < rows[i].text_size; k++) {
            text[k] = (unsigned char)rows[i].text[k % strlen(rows[i].text)];
        }
        infra__hmac_start(&m, key, rows[i].key_size);
        infra__hmac_feed(&m, text, rows[i].text_size);
        infra__hmac_finish(&m, digest);
        ck_digest(digest, rows[i].digest);
    }
}
END_TEST

/* A key of exactly a block is used as is, a longer one is digested, and no key
 * is a key of zeroes (as in Python's hmac). */
START_TEST(hmac_keys_around_a_block)
{
    static const struct {
        size_t size;
        const char *digest;
    } rows[] = {
        { 0, "0611b704abab473f956257a09cc2fc2c"
             "867211d077bdffc5a91bd8a5047826ff" },
        { 63, "c90d83e78c64ee16fe2eefa3e8a834d7"
              "9d1d3d0ea483f8d9908323b714c7f134" },
        { 64, "0414bb1d8c0c4556cdb2028727b16610"
              "ae377b1a194b6db1f853d4297f2329bc" },
        { 65, "5b69580123e3d7e788b7e8352ac37a32"
              "47b911c5ec0837147b74109a6382d3f5" },
    };
    char key[65];

    memset(key, 'k', sizeof key);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        unsigned char digest[INFRA__SHA256_SIZE];
        struct infra__hmac m;
        infra__hmac_start(&m, rows[i].size > 0 ? key : NULL, rows[i].size);
        infra__hmac_feed(&m, "text", 4);
        infra__hmac_finish(&m, digest);
        ck_digest(digest, rows[i].digest);
    }
}
END_TEST

/* RFC 7914, 11 (the first block of each), and the inputs of RFC 6070 with
 * SHA-256 in place of SHA-1, which are published in many places. */
START_TEST(pbkdf2_known_answers)
{
#define SIZED(t) (t), sizeof(t) - 1
    static const struct {
        const char *password;
        size_t password_size;
        const char *salt;
        size_t salt_size;
        uint32_t iterations;
        const char *digest; /* Or its first half. */
    } rows[] = {
        { SIZED("passwd"), SIZED("salt"), 1,
          "55ac046e56e3089fec1691c22544b605"
          "f94185216dde0465e68b9d57c20dacbc" },
        { SIZED("Password"), SIZED("NaCl"), 80000,
          "4ddcd8f60b98be21830cee5ef22701f9"
          "641a4418d04c0414aeff08876b34ab56" },
        { SIZED("password"), SIZED("salt"), 1,
          "120fb6cffcf8b32c43e7225256c4f837"
          "a86548c92ccc35480805987cb70be17b" },
        { SIZED("password"), SIZED("salt"), 2,
          "ae4d0c95af6b46d32d0adff928f06dd0"
          "2a303f8ef3c251dfd6e2d85a95474c43" },
        { SIZED("password"), SIZED("salt"), 4096,
          "c5e478d59288c841aa530db6845c4c8d"
          "962893a001ce4e11a4963873aa98134a" },
        { SIZED("passwordPASSWORDpassword"),
          SIZED("saltSALTsaltSALTsaltSALTsaltSALTsalt"), 4096,
          "348c89dbcbd32b2f32d814b8116e84cf"
          "2b17347ebc1800181c4e2a1fb8dd53e1" },
        { SIZED("pass\0word"), SIZED("sa\0lt"), 4096,
          "89b69d0516f829893c696226650a8687" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        unsigned char digest[INFRA__SHA256_SIZE];
        char text[TEXT_SIZE];
        infra__pbkdf2(digest, rows[i].password, rows[i].password_size,
                      rows[i].salt, rows[i].salt_size, rows[i].iterations);
        text_of(text, digest);
        text[strlen(rows[i].digest)] = '\0';
        ck_assert_str_eq(text, rows[i].digest);
    }
}
END_TEST

/* RFC 4648, 10, and the ends of the alphabet. */
START_TEST(base64_rfc_4648)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
    } rows[] = {
        { SIZED(""), "" },
        { SIZED("f"), "Zg==" },
        { SIZED("fo"), "Zm8=" },
        { SIZED("foo"), "Zm9v" },
        { SIZED("foob"), "Zm9vYg==" },
        { SIZED("fooba"), "Zm9vYmE=" },
        { SIZED("foobar"), "Zm9vYmFy" },
        { SIZED("\0\0\0"), "AAAA" },
        { SIZED("\xff\xff\xff"), "////" },
        { SIZED("\xfb\xef\xbe"), "++++" },
        { SIZED("\x14\xfb\x9c\x03\xd9\x7e"), "FPucA9l+" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        size_t text_size = strlen(rows[i].text);
        unsigned char bytes[8];
        char text[12] = "...........";
        ck_assert_uint_eq(INFRA__BASE64_SIZE(rows[i].size), text_size);
        infra__base64_encode(text, rows[i].bytes, rows[i].size);
        ck_assert_mem_eq(text, rows[i].text, text_size);
        ck_assert_int_eq(text[text_size], '.');
        ck_assert_int_eq(
            infra__base64_decode(bytes, sizeof bytes, text, text_size),
            (int)rows[i].size);
        ck_assert_mem_eq(bytes, rows[i].bytes, rows[i].size);
    }
}
END_TEST

/* Texts and meanings are one to one; other texts are refused. */
START_TEST(base64_is_strict)
{
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        { SIZED("Zg=") },      { SIZED("Zg") },        { SIZED("Z") },
        { SIZED("Zh==") },     { SIZED("Zm9=") },      { SIZED("Z===") },
        { SIZED("====") },     { SIZED("Zg==Zg==") },  { SIZED("Zm=v") },
        { SIZED("Zm9v\n") },   { SIZED("Zm9v Zm9v") }, { SIZED(" Zm9") },
        { SIZED("Zm9\0") },    { SIZED("Zm9-") },      { SIZED("Zm9_") },
        { SIZED("Zm9\xff") },  { SIZED("Z\0==") },     { SIZED("=m9v") },
        { SIZED("Zm9v====") }, { SIZED("Zg=v") },      { SIZED("Zm8=Zm9v") },
    };
    unsigned char bytes[8];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_msg(infra__base64_decode(bytes, sizeof bytes, rows[i].text,
                                           rows[i].size) == -1,
                      "%s", rows[i].text);
    }
}
END_TEST

/* Decoding returns the bytes, in exactly their room and not in a byte less. */
START_TEST(base64_returns)
{
    uint64_t random = 1;

    for (size_t size = 1; size < 100; size++) {
        unsigned char bytes[100], back[100];
        char text[INFRA__BASE64_SIZE(100)];
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (unsigned char)infra__random(&random);
        }
        infra__base64_encode(text, bytes, size);
        ck_assert_int_eq(
            infra__base64_decode(back, size, text, INFRA__BASE64_SIZE(size)),
            (int)size);
        ck_assert_mem_eq(back, bytes, size);
        memset(back, 0xee, sizeof back);
        ck_assert_int_eq(infra__base64_decode(back, size - 1, text,
                                              INFRA__BASE64_SIZE(size)),
                         -1);
        ck_assert_uint_eq(back[size - 1], 0xee);
    }
}
END_TEST

/* Equal is equal in every bit. */
START_TEST(secrets_are_compared_whole)
{
    unsigned char a[33], b[33];

    memset(a, 0x5a, sizeof a);
    memset(b, 0x5a, sizeof b);
    ck_assert(infra__equal_secret(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (unsigned char)(1u << bit % 8);
        ck_assert(!infra__equal_secret(a, b, sizeof a));
        ck_assert(infra__equal_secret(a, b, bit / 8));
        b[bit / 8] = 0x5a;
    }
    ck_assert(infra__equal_secret(a, b, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digests");
    TCase *digests = tcase_create("digests");
    TCase *texts = tcase_create("texts");

    tcase_add_test(digests, sha256_fips_180);
    tcase_add_test(digests, sha256_of_a_million);
    tcase_add_test(digests, sha256_around_a_block);
    tcase_add_test(digests, sha256_of_pieces);
    tcase_add_test(digests, hmac_rfc_4231);
    tcase_add_test(digests, hmac_keys_around_a_block);
    tcase_add_test(digests, pbkdf2_known_answers);
    tcase_add_test(texts, base64_rfc_4648);
    tcase_add_test(texts, base64_is_strict);
    tcase_add_test(texts, base64_returns);
    tcase_add_test(texts, secrets_are_compared_whole);
    suite_add_tcase(suite, digests);
    suite_add_tcase(suite, texts);
    return test_main(suite);
}
