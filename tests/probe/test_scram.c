/* SPDX-License-Identifier: MIT */
/* SCRAM-SHA-256: the exchange of RFC 7677, good and bad messages of a server,
 * and the keys that are kept for the next login. */
#include "support.h"

#include "base/internal.h"
#include "probe/pgsql/scram.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD "pencil"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="

static struct infra__scram scram;
static char answer[INFRA__SCRAM_FINAL_MAX];
static size_t answer_size;

static void setup(void)
{
    memset(&scram, 0, sizeof scram);
}

static void start(const char *user, const char *nonce)
{
    infra__scram_start(&scram, user, nonce, strlen(nonce));
}

static enum infra__scram_verdict hear(const char *message)
{
    memset(answer, '?', sizeof answer);
    answer_size = 0;
    return infra__scram_answer(&scram, PASSWORD, strlen(PASSWORD), message,
                               strlen(message), answer, &answer_size);
}

static void ck_answer(const char *expected)
{
    ck_assert_uint_eq(answer_size, strlen(expected));
    ck_assert_mem_eq(answer, expected, answer_size);
}

static enum infra__scram_verdict judge(const char *message)
{
    return infra__scram_judge(&scram, message, strlen(message));
}

#define RFC_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_FULL_NONCE RFC_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void start_as_in_rfc(void)
{
    start("user", RFC_NONCE);
    ck_assert_int_eq(hear("r=" RFC_FULL_NONCE ",s=" SALT ",i=4096"),
                     INFRA__SCRAM_FINE);
}

/* The example of RFC 7677, 3. */
START_TEST(rfc_7677)
{
    static const char first[] = "n,,n=user,r=" RFC_NONCE;

    start_as_in_rfc();
    ck_assert_uint_eq(scram.first_size, sizeof first - 1);
    ck_assert_mem_eq(scram.first, first, sizeof first - 1);
    ck_answer("c=biws,r=" RFC_FULL_NONCE
              ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    ck_assert_int_eq(judge("v=" RFC_SIGNATURE), INFRA__SCRAM_FINE);
    ck_assert_int_eq(judge("v=" RFC_SIGNATURE ",x=y"), INFRA__SCRAM_FINE);
}
END_TEST

/* As with PostgreSQL, without a name; with one iteration, and with an unknown
 * extension, which the signature covers. */
START_TEST(extensions_are_signed)
{
    start("", "nTQUn70f53frI4eZBUyMv7zj");
    ck_assert_int_eq(hear("r=nTQUn70f53frI4eZBUyMv7zjs,s=" SALT ",i=1,x=y"),
                     INFRA__SCRAM_FINE);
    ck_answer("c=biws,r=nTQUn70f53frI4eZBUyMv7zjs,"
              "p=BtBsG9j1S3w4XIE2MrhaqSvffp6bGeKIfSogQJurnl0=");
    ck_assert_int_eq(judge("v=EbR9GSpuoy0ePOrTn3HcrquinsgHHOBZ5eqQCsDmPxc="),
                     INFRA__SCRAM_FINE);
}
END_TEST

/* Bad first messages of a server, and the shortest and longest good ones. */
START_TEST(first_messages_are_checked)
{
    static const struct {
        const char *message;
        enum infra__scram_verdict verdict;
    } rows[] = {
        { "r=abcd,s=QQ==,i=1", INFRA__SCRAM_FINE },
        { "r=abcd,s=QQ==,i=1,", INFRA__SCRAM_FINE },
        { "r=abc~,s=QQ==,i=100000", INFRA__SCRAM_FINE },
        { "", INFRA__SCRAM_MALFORMED },
        { "r", INFRA__SCRAM_MALFORMED },
        { "r=", INFRA__SCRAM_MALFORMED },
        { "r=abc,s=QQ==,i=1", INFRA__SCRAM_MALFORMED },  /* nothing added */
        { "r=ab,s=QQ==,i=1", INFRA__SCRAM_MALFORMED },   /* cut */
        { "r=abxd,s=QQ==,i=1", INFRA__SCRAM_MALFORMED }, /* another one */
        { "r=ab\177cd,s=QQ==,i=1", INFRA__SCRAM_MALFORMED },
        { "r=abc d,s=QQ==,i=1", INFRA__SCRAM_MALFORMED },
        { "r=abc\377,s=QQ==,i=1", INFRA__SCRAM_MALFORMED },
        { "s=QQ==,r=abcd,i=1", INFRA__SCRAM_MALFORMED }, /* order */
        { "r=abcd,i=1,s=QQ==", INFRA__SCRAM_MALFORMED },
        { "m=x,r=abcd,s=QQ==,i=1", INFRA__SCRAM_MALFORMED }, /* mandatory */
        { "r=abcd,s=QQ==", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=,i=1", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ,i=1", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QR==,i=1", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=0", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=01", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=-1", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=+1", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=1x", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=4294967297x", INFRA__SCRAM_MALFORMED },
        { "r=abcd,s=QQ==,i=100001", INFRA__SCRAM_COSTLY },
        { "r=abcd,s=QQ==,i=4294967297", INFRA__SCRAM_COSTLY },
        { "r=abcd,s=QQ==,i=99999999999999999999999", INFRA__SCRAM_COSTLY },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start("", "abc");
        enum infra__scram_verdict verdict = hear(rows[i].message);
        ck_assert_msg(verdict == rows[i].verdict, "%s: %d", rows[i].message,
                      (int)verdict);
        ck_assert_int_eq(answer_size > 0, verdict == INFRA__SCRAM_FINE);
    }
}
END_TEST

/* The longest message has an answer; a salt is limited. */
START_TEST(first_messages_have_a_limit)
{
    char message[INFRA__SCRAM_SERVER_FIRST_MAX + 1], salt[93] = { 0 };
    const size_t tail = strlen(",s=QQ==,i=1");

    memset(message, 'a', sizeof message);
    memcpy(message, "r=", 2);
    strcpy(message + sizeof message - 1 - tail, ",s=QQ==,i=1");
    start("", "aaa");
    ck_assert_int_eq(hear(message), INFRA__SCRAM_FINE);
    ck_assert_uint_eq(answer_size, strlen("c=biws,r=") +
                                       (sizeof message - 1 - tail - 2) +
                                       strlen(",p=") + 44);
    for (size_t size = 64; size <= 66; size++) {
        memset(salt, 'A', 88);
        memset(salt + 86, size == 64 ? '=' : 'A', size == 65 ? 0 : 2);
        salt[87] = size == 66 ? 'A' : '=';
        (void)snprintf(message, sizeof message, "r=aaab,s=%.88s,i=1", salt);
        ck_assert_int_eq(hear(message), size == 64 ? INFRA__SCRAM_FINE
                                                   : INFRA__SCRAM_MALFORMED);
    }
}
END_TEST

/* Last messages of a server; only one of 2^256 signatures is right. */
START_TEST(last_messages_are_checked)
{
    static const struct {
        const char *message;
        enum infra__scram_verdict verdict;
    } rows[] = {
        { "v=" RFC_SIGNATURE, INFRA__SCRAM_FINE },
        { "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
          INFRA__SCRAM_FORGED },
        { "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=",
          INFRA__SCRAM_FORGED },
        { "e=invalid-proof", INFRA__SCRAM_REFUSED },
        { "e=", INFRA__SCRAM_REFUSED },
        { "", INFRA__SCRAM_MALFORMED },
        { "v=", INFRA__SCRAM_MALFORMED },
        { "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==",
          INFRA__SCRAM_MALFORMED },
        { "v=" RFC_SIGNATURE RFC_SIGNATURE, INFRA__SCRAM_MALFORMED },
        { "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4",
          INFRA__SCRAM_MALFORMED },
        { "x=y,v=" RFC_SIGNATURE, INFRA__SCRAM_MALFORMED },
    };

    start_as_in_rfc();
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        enum infra__scram_verdict verdict = judge(rows[i].message);
        ck_assert_msg(verdict == rows[i].verdict, "%s: %d", rows[i].message,
                      (int)verdict);
    }
}
END_TEST

/* A later login reuses the keys if salt and iterations are the same, and sends
 * the same messages as without them. */
START_TEST(keys_are_kept)
{
    static const struct {
        const char *nonce;
        const char *salt;
        const char *iterations;
        const char *proof;
        const char *signature;
    } rows[] = {
        { "nTQUn70f53frI4eZBUyMv7zj", "W22ZaJ0SNY7soEsUEjb6gQ==", "4096",
          "PlUgnalCJlnqxdxteOsxuEK6EMIF8xauSx2az0NhP+4=",
          "5BkuGfa7IEGXEw7ZpbgVKVfBBSLIlY2BYWJCQGStxSk=" },
        { "xXEyfLAawd5pcnE8v2zB/Dws", "W22ZaJ0SNY7soEsUEjb6gQ==", "4096",
          "GOF1PHaZHaVOcqivnSzOb1Wz0cTmFZmId5vSNU4ncsc=",
          "Jf05e2at/ZyvwgnJtlBdEgyr3NtVO3jbUPPOODG1+DY=" },
        { "lvteSicEtBC78JfEHkD/gRjv", "W22ZaJ0SNY7soEsUEjb6gA==", "4096",
          "vocQ1wFEVQC4C6RJKP0XT8OGERvvQQ13T3Lb6I3+VKI=",
          "DDRWPKBaU0Sk8Aqz1LMIQRzObBmwI/SDTkORuwiJbMM=" },
        { "91SMAj5DETixE1dZP1zOud01", "W22ZaJ0SNY7soEsUEjb6gA==", "4097",
          "xEuWh/3D8RqB9zQExGsc5YmiCBJ5z0mEsthcO0W3Rb8=",
          "FVSwiggZEB34Xl2aPsXf6I3gON4gM4PXs0SAjQ33y4M=" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char text[256];
        start("", rows[i].nonce);
        (void)snprintf(text, sizeof text, "r=%sserver-nonce,s=%s,i=%s",
                       rows[i].nonce, rows[i].salt, rows[i].iterations);
        ck_assert_int_eq(hear(text), INFRA__SCRAM_FINE);
        (void)snprintf(text, sizeof text, "c=biws,r=%sserver-nonce,p=%s",
                       rows[i].nonce, rows[i].proof);
        ck_answer(text);
        (void)snprintf(text, sizeof text, "v=%s", rows[i].signature);
        ck_assert_int_eq(judge(text), INFRA__SCRAM_FINE);
    }
    /* They are used: with others the proof is another. */
    start("", rows[0].nonce);
    ck_assert_int_eq(hear("r=nTQUn70f53frI4eZBUyMv7zjs,s=" SALT ",i=1"),
                     INFRA__SCRAM_FINE);
    scram.keys.client[0] ^= 1;
    char before[INFRA__SCRAM_FINAL_MAX];
    memcpy(before, answer, sizeof before);
    ck_assert_int_eq(hear("r=nTQUn70f53frI4eZBUyMv7zjs,s=" SALT ",i=1"),
                     INFRA__SCRAM_FINE);
    ck_assert_mem_ne(answer, before, answer_size);
}
END_TEST

/* A salt that begins like another one is a different salt. */
START_TEST(keys_are_of_the_whole_salt)
{
    char first[INFRA__SCRAM_FINAL_MAX];

    start("", "abc");
    ck_assert_int_eq(hear("r=abcd,s=QUI=,i=1"), INFRA__SCRAM_FINE);
    memcpy(first, answer, sizeof first);
    ck_assert_int_eq(hear("r=abcd,s=QQ==,i=1"), INFRA__SCRAM_FINE);
    ck_assert_mem_ne(answer, first, answer_size);
    memcpy(first, answer, sizeof first);
    setup();
    start("", "abc");
    ck_assert_int_eq(hear("r=abcd,s=QQ==,i=1"), INFRA__SCRAM_FINE);
    ck_assert_mem_eq(answer, first, answer_size);
}
END_TEST

/* Nonces differ with every bit of the seed and of the number. */
START_TEST(nonces_are_of_seed_and_number)
{
    static const struct {
        uint64_t seed;
        uint64_t number;
        const char *nonce;
    } rows[] = {
        { 0, 1, "nTQUn70f53frI4eZBUyMv7zj" },
        { 0, 2, "xXEyfLAawd5pcnE8v2zB/Dws" },
        { 1, 1, "gU3XuXhNV8FbnCly6bT9bPfh" },
        { UINT64_MAX, 1, "ycsEuph6laU1qLp9GLOBXQ8E" },
    };
    char nonces[128][INFRA__SCRAM_NONCE_SIZE];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        infra__scram_nonce(nonces[0], rows[i].seed, rows[i].number);
        ck_assert_mem_eq(nonces[0], rows[i].nonce, INFRA__SCRAM_NONCE_SIZE);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        infra__scram_nonce(nonces[bit], (uint64_t)1 << bit, 0);
        infra__scram_nonce(nonces[64 + bit], 0, (uint64_t)1 << bit);
    }
    for (size_t i = 0; i < 128; i++) {
        for (size_t k = 0; k < i; k++) {
            ck_assert_mem_ne(nonces[i], nonces[k], INFRA__SCRAM_NONCE_SIZE);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scram");
    TCase *tc = tcase_create("scram");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, rfc_7677);
    tcase_add_test(tc, extensions_are_signed);
    tcase_add_test(tc, first_messages_are_checked);
    tcase_add_test(tc, first_messages_have_a_limit);
    tcase_add_test(tc, last_messages_are_checked);
    tcase_add_test(tc, keys_are_kept);
    tcase_add_test(tc, keys_are_of_the_whole_salt);
    tcase_add_test(tc, nonces_are_of_seed_and_number);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
