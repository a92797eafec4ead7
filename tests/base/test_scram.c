/* SPDX-License-Identifier: MIT */
/* SCRAM-SHA-256, the client's side: the exchange of RFC 7677, good and bad
 * messages of a server, and the keys that are kept for the next login. */
#include "support.h"

#include "base/internal.h"
#include "base/scram.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD "pencil"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="

static struct infra_login_scram scram;
static char first[INFRA_LOGIN_MESSAGE_MAX], answer[INFRA_LOGIN_MESSAGE_MAX];
static size_t first_size, answer_size;

static void setup(void)
{
    memset(&scram, 0, sizeof scram);
}

static void start(const char *user, const char *nonce)
{
    infra__scram_client(&scram, PASSWORD, strlen(PASSWORD));
    ck_assert_int_eq(infra__scram_client_first(&scram, user, nonce,
                                               strlen(nonce), first,
                                               &first_size),
                     INFRA_LOGIN_STEP_SEND);
}

/* The reason; NONE: it goes on, or is done. */
static uint32_t hear(const char *message)
{
    memset(answer, '?', sizeof answer);
    answer_size = 0;
    int step = infra__scram_client_next(
        &scram, (struct infra__span) { message, strlen(message) }, answer,
        &answer_size);
    ck_assert_int_eq(step == INFRA_LOGIN_STEP_REFUSED,
                     scram.reason != INFRA_LOGIN_REASON_NONE);
    ck_assert_int_eq(step == INFRA_LOGIN_STEP_SEND, answer_size > 0);
    return scram.reason;
}

static void ck_answer(const char *expected)
{
    ck_assert_uint_eq(answer_size, strlen(expected));
    ck_assert_mem_eq(answer, expected, answer_size);
}

#define RFC_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_FULL_NONCE RFC_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void start_as_in_rfc(void)
{
    start("user", RFC_NONCE);
    ck_assert_int_eq(hear("r=" RFC_FULL_NONCE ",s=" SALT ",i=4096"),
                     INFRA_LOGIN_REASON_NONE);
}

/* The example of RFC 7677, 3. */
START_TEST(rfc_7677)
{
    static const char expected[] = "n,,n=user,r=" RFC_NONCE;

    start_as_in_rfc();
    ck_assert_uint_eq(first_size, sizeof expected - 1);
    ck_assert_mem_eq(first, expected, sizeof expected - 1);
    ck_answer("c=biws,r=" RFC_FULL_NONCE
              ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    ck_assert_int_eq(hear("v=" RFC_SIGNATURE), INFRA_LOGIN_REASON_NONE);
    ck_assert_int_eq(hear("v=" RFC_SIGNATURE), INFRA_LOGIN_REASON_OUT_OF_ORDER);
    start_as_in_rfc();
    ck_assert_int_eq(hear("v=" RFC_SIGNATURE ",x=y"), INFRA_LOGIN_REASON_NONE);
}
END_TEST

/* As with PostgreSQL, without a name; with one iteration, and with an unknown
 * extension, which the signature covers. */
START_TEST(extensions_are_signed)
{
    start("", "nTQUn70f53frI4eZBUyMv7zj");
    ck_assert_int_eq(hear("r=nTQUn70f53frI4eZBUyMv7zjs,s=" SALT ",i=1,x=y"),
                     INFRA_LOGIN_REASON_NONE);
    ck_answer("c=biws,r=nTQUn70f53frI4eZBUyMv7zjs,"
              "p=BtBsG9j1S3w4XIE2MrhaqSvffp6bGeKIfSogQJurnl0=");
    ck_assert_int_eq(hear("v=EbR9GSpuoy0ePOrTn3HcrquinsgHHOBZ5eqQCsDmPxc="),
                     INFRA_LOGIN_REASON_NONE);
}
END_TEST

/* Bad first messages of a server, and the shortest and longest good ones. */
START_TEST(first_messages_are_checked)
{
    static const struct {
        const char *message;
        uint32_t reason;
    } rows[] = {
        { "r=abcd,s=QQ==,i=1", INFRA_LOGIN_REASON_NONE },
        { "r=abcd,s=QQ==,i=1,", INFRA_LOGIN_REASON_NONE },
        { "r=abc~,s=QQ==,i=100000", INFRA_LOGIN_REASON_NONE },
        { "", INFRA_LOGIN_REASON_MISSING },
        { "r", INFRA_LOGIN_REASON_MALFORMED },
        { "r=", INFRA_LOGIN_REASON_MISSING },
        { "r=,s=QQ==,i=1", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abc,s=QQ==,i=1",
          INFRA_LOGIN_REASON_WRONG_NONCE }, /* nothing added */
        { "r=ab,s=QQ==,i=1", INFRA_LOGIN_REASON_WRONG_NONCE }, /* cut */
        { "r=abxd,s=QQ==,i=1",
          INFRA_LOGIN_REASON_WRONG_NONCE }, /* another one */
        { "r=ab\177cd,s=QQ==,i=1", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abc d,s=QQ==,i=1", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abc\377,s=QQ==,i=1", INFRA_LOGIN_REASON_MALFORMED },
        { "s=QQ==,r=abcd,i=1", INFRA_LOGIN_REASON_MISSING }, /* order */
        { "r=abcd,i=1,s=QQ==", INFRA_LOGIN_REASON_MISSING },
        { "m=x,r=abcd,s=QQ==,i=1",
          INFRA_LOGIN_REASON_EXTENSION }, /* mandatory */
        { "r=abcd,s=QQ==", INFRA_LOGIN_REASON_MISSING },
        { "r=abcd,s=QQ==,", INFRA_LOGIN_REASON_MISSING },
        { "r=abcd,s=QQ==,i", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=QQ==,i=", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=,i=1", INFRA_LOGIN_REASON_BAD_BASE64 },
        { "r=abcd,s=QQ,i=1", INFRA_LOGIN_REASON_BAD_BASE64 },
        { "r=abcd,s=QR==,i=1", INFRA_LOGIN_REASON_BAD_BASE64 },
        { "r=abcd,s=QQ==,i=0", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=QQ==,i=01", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=QQ==,i=-1", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=QQ==,i=+1", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=QQ==,i=1x", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=QQ==,i=4294967297x", INFRA_LOGIN_REASON_MALFORMED },
        { "r=abcd,s=QQ==,i=100001", INFRA_LOGIN_REASON_TOO_COSTLY },
        { "r=abcd,s=QQ==,i=4294967297", INFRA_LOGIN_REASON_TOO_COSTLY },
        { "r=abcd,s=QQ==,i=99999999999999999999999",
          INFRA_LOGIN_REASON_TOO_COSTLY },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start("", "abc");
        uint32_t reason = hear(rows[i].message);
        ck_assert_msg(reason == rows[i].reason, "%s: %s", rows[i].message,
                      infra_login_reason_name(reason));
        ck_assert_int_eq(answer_size > 0, reason == INFRA_LOGIN_REASON_NONE);
    }
}
END_TEST

/* The longest message has an answer; a salt is limited. */
START_TEST(first_messages_have_a_limit)
{
    char message[INFRA_LOGIN_INPUT_MAX + 1], salt[93] = { 0 };
    char longer[INFRA_LOGIN_INPUT_MAX + 2];
    const size_t tail = strlen(",s=QQ==,i=1");

    memset(message, 'a', sizeof message);
    memcpy(message, "r=", 2);
    strcpy(message + sizeof message - 1 - tail, ",s=QQ==,i=1");
    start("", "aaa");
    ck_assert_int_eq(hear(message), INFRA_LOGIN_REASON_NONE);
    ck_assert_uint_eq(answer_size, strlen("c=biws,r=") +
                                       (sizeof message - 1 - tail - 2) +
                                       strlen(",p=") + 44);
    (void)snprintf(longer, sizeof longer, "%s,", message);
    start("", "aaa");
    ck_assert_int_eq(hear(longer), INFRA_LOGIN_REASON_TOO_LONG);
    for (size_t size = 64; size <= 66; size++) {
        memset(salt, 'A', 88);
        memset(salt + 86, size == 64 ? '=' : 'A', size == 65 ? 0 : 2);
        salt[87] = size == 66 ? 'A' : '=';
        (void)snprintf(message, sizeof message, "r=aaab,s=%.88s,i=1", salt);
        start("", "aaa");
        ck_assert_int_eq(hear(message), size == 64
                                            ? INFRA_LOGIN_REASON_NONE
                                            : INFRA_LOGIN_REASON_BAD_BASE64);
    }
}
END_TEST

/* Last messages of a server; only one of 2^256 signatures is right. */
START_TEST(last_messages_are_checked)
{
    static const struct {
        const char *message;
        uint32_t reason;
    } rows[] = {
        { "v=" RFC_SIGNATURE, INFRA_LOGIN_REASON_NONE },
        { "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
          INFRA_LOGIN_REASON_FORGED },
        { "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=",
          INFRA_LOGIN_REASON_FORGED },
        { "e=invalid-proof", INFRA_LOGIN_REASON_REFUSED },
        { "e=", INFRA_LOGIN_REASON_REFUSED },
        { "", INFRA_LOGIN_REASON_MISSING },
        { "v=", INFRA_LOGIN_REASON_BAD_BASE64 },
        { "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==",
          INFRA_LOGIN_REASON_BAD_BASE64 },
        { "v=" RFC_SIGNATURE RFC_SIGNATURE, INFRA_LOGIN_REASON_BAD_BASE64 },
        { "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4",
          INFRA_LOGIN_REASON_BAD_BASE64 },
        { "x=y,v=" RFC_SIGNATURE, INFRA_LOGIN_REASON_MISSING },
        { "what", INFRA_LOGIN_REASON_MALFORMED },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start_as_in_rfc();
        uint32_t reason = hear(rows[i].message);
        ck_assert_msg(reason == rows[i].reason, "%s: %s", rows[i].message,
                      infra_login_reason_name(reason));
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
        ck_assert_int_eq(hear(text), INFRA_LOGIN_REASON_NONE);
        (void)snprintf(text, sizeof text, "c=biws,r=%sserver-nonce,p=%s",
                       rows[i].nonce, rows[i].proof);
        ck_answer(text);
        (void)snprintf(text, sizeof text, "v=%s", rows[i].signature);
        ck_assert_int_eq(hear(text), INFRA_LOGIN_REASON_NONE);
    }
    /* They are used: with others the proof is another. */
    start("", rows[0].nonce);
    ck_assert_int_eq(hear("r=nTQUn70f53frI4eZBUyMv7zjs,s=" SALT ",i=1"),
                     INFRA_LOGIN_REASON_NONE);
    scram.keys.client_key[0] ^= 1;
    char before[INFRA_LOGIN_MESSAGE_MAX];
    memcpy(before, answer, sizeof before);
    start("", rows[0].nonce);
    ck_assert_int_eq(hear("r=nTQUn70f53frI4eZBUyMv7zjs,s=" SALT ",i=1"),
                     INFRA_LOGIN_REASON_NONE);
    ck_assert_mem_ne(answer, before, answer_size);
}
END_TEST

/* A salt that begins like another one is a different salt. */
START_TEST(keys_are_of_the_whole_salt)
{
    char before[INFRA_LOGIN_MESSAGE_MAX];

    start("", "abc");
    ck_assert_int_eq(hear("r=abcd,s=QUI=,i=1"), INFRA_LOGIN_REASON_NONE);
    memcpy(before, answer, sizeof before);
    start("", "abc");
    ck_assert_int_eq(hear("r=abcd,s=QQ==,i=1"), INFRA_LOGIN_REASON_NONE);
    ck_assert_mem_ne(answer, before, answer_size);
    memcpy(before, answer, sizeof before);
    setup();
    start("", "abc");
    ck_assert_int_eq(hear("r=abcd,s=QQ==,i=1"), INFRA_LOGIN_REASON_NONE);
    ck_assert_mem_eq(answer, before, answer_size);
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
