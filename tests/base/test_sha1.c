/* SPDX-License-Identifier: MIT */
/* SHA-1 against published values. */
#include "support.h"

#include "base/internal.h"
#include "base/sha1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The digest in the usual notation. */
static void sha1_text(char ret[41], const char *text, size_t size)
{
    unsigned char digest[INFRA__SHA1_SIZE];

    infra__sha1(digest, text, size);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(ret + 2 * i, 3, "%02x", (unsigned)digest[i]);
    }
}

/* The examples of FIPS 180-1, A and B, and those of NIST for no message and for
 * one of 896 bits. */
START_TEST(fips_180)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        { "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
          "a49b2446a02c645bf419f995b67091253a04a259" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char digest[41];
        sha1_text(digest, rows[i].text, strlen(rows[i].text));
        ck_assert_str_eq(digest, rows[i].digest);
    }
}
END_TEST

/* FIPS 180-1, C: a million times the letter a. */
START_TEST(a_million)
{
    const size_t size = 1000000;
    char *text = malloc(size);
    char digest[41];

    ck_assert_ptr_nonnull(text);
    memset(text, 'a', size);
    sha1_text(digest, text, size);
    free(text);
    ck_assert_str_eq(digest, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}
END_TEST

/* Every length around the ends of a block: the padding takes one or two. */
START_TEST(around_a_block)
{
    static const struct {
        size_t size;
        const char *digest;
    } rows[] = {
        { 55, "cef734ba81a024479e09eb5a75b6ddae62e6abf1" },
        { 56, "901305367c259952f4e7af8323f480d59f81335b" },
        { 63, "0ddc4e0cccd9a12850deb5abb0853a4425559fec" },
        { 64, "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163" },
        { 65, "78c741ddc482e4cdf8c474a0876347a0905b6233" },
        { 119, "4300320394f7ee239bcdce7d3b8bcee173a0cd5c" },
        { 120, "ceb2821639c4b6dcb10bce0e522ca2e608ce056d" },
        { 128, "150fa3fbdc899bd0b8f95a9fb6027f564d953762" },
    };
    char text[129];

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char digest[41];
        sha1_text(digest, text, rows[i].size);
        ck_assert_str_eq(digest, rows[i].digest);
    }
}
END_TEST

static Suite *sha1_suite(void)
{
    Suite *s = suite_create("sha1");
    TCase *tc = tcase_create("digest");
    tcase_add_test(tc, fips_180);
    tcase_add_test(tc, a_million);
    tcase_add_test(tc, around_a_block);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(sha1_suite());
}
