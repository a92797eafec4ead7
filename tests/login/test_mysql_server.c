/* SPDX-License-Identifier: MIT */
/* MySQL's methods, the server's side: each method against each form in which a
 * password is stored, and what a client must not send. */
#include "support.h"

#include "base/internal.h"

#include <infra/login.h>
#include <string.h>

#define NATIVE "mysql_native_password"
#define CACHING "caching_sha2_password"

/* The bytes 1 to 20; the rest is not used. */
static const unsigned char entropy[INFRA_LOGIN_ENTROPY_SIZE] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
};
#define CHALLENGE "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24"

static const unsigned char native_proof[20] = {
    0xb3, 0x2b, 0xb3, 0xa5, 0x83, 0xe1, 0x34, 0x0c, 0x0a, 0x11,
    0x08, 0xd5, 0x8b, 0x1b, 0xe4, 0x97, 0x81, 0xad, 0x8c, 0x2f,
};
static const unsigned char caching_proof[32] = {
    0x74, 0x6e, 0xbe, 0x20, 0x5d, 0x56, 0xa0, 0x70, 0x7a, 0xcb, 0x3e,
    0x79, 0x6e, 0x83, 0x4e, 0x0d, 0xd7, 0xb1, 0xd6, 0x17, 0x43, 0xb2,
    0x6b, 0xd5, 0x20, 0x2c, 0x7a, 0x62, 0x32, 0x30, 0xc7, 0xc9,
};

static struct infra_login_mysql_keys all, keys;
static struct infra_login_mysql login;
static unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
static size_t out_size;

static void setup(void)
{
    ck_assert_int_eq(infra_login_mysql_derive(&all, "secret", 6), INFRA_OK);
    keys = all;
}

/* @has: what is stored; 0: the user is unknown. */
static void start(uint32_t method, uint32_t has, uint32_t is_secure)
{
    keys.has = has;
    ck_assert_int_eq(infra_login_mysql_server(&login, method, entropy),
                     INFRA_OK);
    ck_assert_int_eq(
        infra_login_mysql_set_user(&login, has != 0 ? &keys : NULL, is_secure),
        INFRA_OK);
}

static int first(const char *method, const void *proof, size_t size)
{
    out_size = 99;
    return infra_login_mysql_first(&login, method, strlen(method), proof, size,
                                   out, &out_size);
}

static int next(const void *message, size_t size)
{
    out_size = 99;
    return infra_login_mysql_next(&login, message, size, out, &out_size);
}

static void ck_out(const void *expected, size_t size)
{
    ck_assert_uint_eq(out_size, size);
    ck_assert_mem_eq(out, expected, size);
}

static void ck_refused(uint32_t reason)
{
    ck_assert_str_eq(infra_login_reason_name(login.reason),
                     infra_login_reason_name(reason));
    ck_assert_uint_eq(out_size, 0);
    ck_assert_int_eq(next(native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}

#define SHA1_TWICE INFRA_LOGIN_HAS_SHA1_TWICE
#define SHA256_TWICE INFRA_LOGIN_HAS_SHA256_TWICE

/* The challenge is ASCII without zero and dollar, as MySQL's. */
START_TEST(challenges_are_ascii)
{
    unsigned char bytes[INFRA_LOGIN_ENTROPY_SIZE];

    for (unsigned c = 0; c < 256; c++) {
        memset(bytes, (int)c, sizeof bytes);
        ck_assert_int_eq(
            infra_login_mysql_server(&login, INFRA_LOGIN_MYSQL_NATIVE, bytes),
            INFRA_OK);
        unsigned at = login.challenge[19];
        ck_assert(at > 0 && at < 128 && at != '$');
        ck_assert(at == (c & 127) || at == (c & 127) + 1);
    }
}
END_TEST

/* A proof is checked against the stored hash, which gives the client's key. */
START_TEST(proofs_are_checked)
{
    start(INFRA_LOGIN_MYSQL_NATIVE, SHA1_TWICE, 0);
    memset(keys.sha1, 0, sizeof keys.sha1);
    ck_assert_mem_eq(login.challenge, entropy, sizeof login.challenge);
    memset(login.keys.sha1, 0, sizeof login.keys.sha1);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_DONE);
    ck_out("", 0);
    ck_assert_uint_eq(login.keys.has, SHA1_TWICE | INFRA_LOGIN_HAS_SHA1);
    ck_assert_mem_eq(login.keys.sha1, all.sha1, sizeof all.sha1);

    start(INFRA_LOGIN_MYSQL_CACHING_SHA2, SHA256_TWICE, 0);
    memset(login.keys.sha256, 0, sizeof login.keys.sha256);
    ck_assert_int_eq(first(CACHING, caching_proof, sizeof caching_proof),
                     INFRA_LOGIN_STEP_DONE);
    ck_out("\1\3", 2);
    ck_assert_uint_eq(login.keys.has, SHA256_TWICE | INFRA_LOGIN_HAS_SHA256);
    ck_assert_mem_eq(login.keys.sha256, all.sha256, sizeof all.sha256);
}
END_TEST

/* Both methods need no switch where both hashes are stored, whatever the
 * greeting named; a client without plug-ins speaks mysql_native_password. */
START_TEST(both_methods_where_both_are_stored)
{
    for (uint32_t method = INFRA_LOGIN_MYSQL_NATIVE;
         method <= INFRA_LOGIN_MYSQL_CACHING_SHA2; method++) {
        start(method, SHA1_TWICE | SHA256_TWICE, 0);
        ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                         INFRA_LOGIN_STEP_DONE);
        start(method, SHA1_TWICE | SHA256_TWICE, 0);
        ck_assert_int_eq(first("", native_proof, sizeof native_proof),
                         INFRA_LOGIN_STEP_DONE);
        start(method, SHA1_TWICE | SHA256_TWICE, 0);
        ck_assert_int_eq(first(CACHING, caching_proof, sizeof caching_proof),
                         INFRA_LOGIN_STEP_DONE);
    }
}
END_TEST

/* A client whose method the stored hash cannot check is asked to switch. */
START_TEST(clients_are_asked_to_switch)
{
    start(INFRA_LOGIN_MYSQL_CACHING_SHA2, SHA1_TWICE, 0);
    ck_assert_int_eq(first(CACHING, caching_proof, sizeof caching_proof),
                     INFRA_LOGIN_STEP_SEND);
    ck_out("\xfe" NATIVE "\0" CHALLENGE, 44);
    ck_assert_int_eq(next(native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_DONE);
    ck_out("", 0);

    start(INFRA_LOGIN_MYSQL_NATIVE, SHA256_TWICE, 1);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_SEND);
    ck_out("\xfe" CACHING "\0" CHALLENGE, 44);
    ck_assert_int_eq(next(caching_proof, sizeof caching_proof),
                     INFRA_LOGIN_STEP_DONE);
    ck_out("\1\3", 2);

    start(INFRA_LOGIN_MYSQL_CACHING_SHA2, SHA1_TWICE | SHA256_TWICE, 0);
    ck_assert_int_eq(first("client_ed25519\n", "x", 1), INFRA_LOGIN_STEP_SEND);
    ck_assert_str_eq(login.asked, "client_ed25519?");
    ck_out("\xfe" CACHING "\0" CHALLENGE, 44);
    ck_assert_int_eq(next(native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_MALFORMED);
}
END_TEST

/* Over TLS a client of caching_sha2_password is asked for the password, which
 * is checked against each hash that is stored, and gives all keys. */
START_TEST(the_full_path_checks_the_password)
{
    start(INFRA_LOGIN_MYSQL_CACHING_SHA2, SHA1_TWICE, 1);
    ck_assert_int_eq(first(CACHING, caching_proof, sizeof caching_proof),
                     INFRA_LOGIN_STEP_SEND);
    ck_out("\1\4", 2);
    ck_assert_int_eq(next("secret", 7), INFRA_LOGIN_STEP_DONE);
    ck_out("", 0);
    ck_assert_mem_eq(&login.keys, &all, sizeof all);
}
END_TEST

/* What a client must not send on the full path. */
START_TEST(passwords_are_checked)
{
    static const char long_password[INFRA_LOGIN_MYSQL_PASSWORD_MAX + 2] = "a";
    static const struct {
        const char *message;
        size_t size;
        uint32_t reason;
    } rows[] = {
        { "secret", 7, INFRA_LOGIN_REASON_NONE },
        { "secreT", 7, INFRA_LOGIN_REASON_WRONG_PASSWORD },
        { "", 1, INFRA_LOGIN_REASON_WRONG_PASSWORD },
        { "", 0, INFRA_LOGIN_REASON_MALFORMED },
        { "secret", 6, INFRA_LOGIN_REASON_MALFORMED },
        { "secret\0", 8, INFRA_LOGIN_REASON_MALFORMED },
        { "\2", 1, INFRA_LOGIN_REASON_NEEDS_TLS },
        { long_password, sizeof long_password, INFRA_LOGIN_REASON_TOO_LONG },
        { long_password, sizeof long_password - 1,
          INFRA_LOGIN_REASON_MALFORMED },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start(INFRA_LOGIN_MYSQL_CACHING_SHA2, SHA1_TWICE, 1);
        ck_assert_int_eq(first(CACHING, caching_proof, sizeof caching_proof),
                         INFRA_LOGIN_STEP_SEND);
        (void)next(rows[i].message, rows[i].size);
        ck_assert_msg(login.reason == rows[i].reason, "%zu: %s", i,
                      infra_login_reason_name(login.reason));
    }
}
END_TEST

/* A wrong password, a proof of another size, and an empty one. */
START_TEST(bad_proofs_are_refused)
{
    static const struct {
        const char *method;
        const void *proof;
        size_t size;
        uint32_t reason;
    } rows[] = {
        { NATIVE, caching_proof, 20, INFRA_LOGIN_REASON_WRONG_PASSWORD },
        { NATIVE, native_proof, 19, INFRA_LOGIN_REASON_MALFORMED },
        { NATIVE, caching_proof, 21, INFRA_LOGIN_REASON_MALFORMED },
        { NATIVE, "", 0, INFRA_LOGIN_REASON_WRONG_PASSWORD },
        { CACHING, "01234567890123456789012345678901", 32,
          INFRA_LOGIN_REASON_WRONG_PASSWORD },
        { CACHING, caching_proof, 31, INFRA_LOGIN_REASON_MALFORMED },
        { CACHING, "", 0, INFRA_LOGIN_REASON_WRONG_PASSWORD },
        { CACHING, "", 1, INFRA_LOGIN_REASON_WRONG_PASSWORD },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start(INFRA_LOGIN_MYSQL_NATIVE, SHA1_TWICE | SHA256_TWICE, 1);
        ck_assert_int_eq(first(rows[i].method, rows[i].proof, rows[i].size),
                         INFRA_LOGIN_STEP_REFUSED);
        ck_assert_uint_eq(login.keys.has, SHA1_TWICE | SHA256_TWICE);
        ck_refused(rows[i].reason);
    }
}
END_TEST

/* An unknown user is led through the method of the greeting, as users are of
 * whom that hash is stored, and no proof is right. */
START_TEST(an_unknown_user_fails_as_a_wrong_password)
{
    start(INFRA_LOGIN_MYSQL_CACHING_SHA2, 0, 1);
    ck_assert_int_eq(first(CACHING, caching_proof, sizeof caching_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
    start(INFRA_LOGIN_MYSQL_NATIVE, 0, 1);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
    start(INFRA_LOGIN_MYSQL_NATIVE, 0, 1);
    ck_assert_int_eq(first(NATIVE, "", 0), INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
    start(INFRA_LOGIN_MYSQL_CACHING_SHA2, 0, 1);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_SEND);
    ck_out("\xfe" CACHING "\0" CHALLENGE, 44);
    ck_assert_int_eq(next(caching_proof, sizeof caching_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
    /* As a user of whom SHA1(SHA1(password)) is stored. */
    start(INFRA_LOGIN_MYSQL_NATIVE, 0, 1);
    ck_assert_int_eq(first(CACHING, caching_proof, sizeof caching_proof),
                     INFRA_LOGIN_STEP_SEND);
    ck_out("\1\4", 2);
    ck_assert_int_eq(next("secret", 7), INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
    /* Nor is a proof that would be right. */
    start(INFRA_LOGIN_MYSQL_NATIVE, 0, 0);
    login.keys = all;
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    /* So it is if the user was not set. */
    ck_assert_int_eq(
        infra_login_mysql_server(&login, INFRA_LOGIN_MYSQL_NATIVE, entropy),
        INFRA_OK);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
}
END_TEST

/* COM_CHANGE_USER begins again, with the challenge of the greeting. */
START_TEST(the_user_may_change)
{
    start(INFRA_LOGIN_MYSQL_NATIVE, SHA1_TWICE, 0);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_DONE);
    ck_assert_int_eq(infra_login_mysql_set_user(&login, NULL, 0), INFRA_OK);
    ck_assert_uint_eq(login.keys.has, 0);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_assert_int_eq(infra_login_mysql_set_user(&login, &keys, 0), INFRA_OK);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_DONE);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_NONE);
}
END_TEST

/* Arguments that break a precondition, and calls out of order. */
START_TEST(arguments_are_checked)
{
    ck_assert_int_eq(
        infra_login_mysql_server(NULL, INFRA_LOGIN_MYSQL_NATIVE, entropy),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_login_mysql_server(&login, INFRA_LOGIN_MYSQL_UNKNOWN, entropy),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_server(&login, 3, entropy),
                     INFRA_EINVAL);
    ck_assert_int_eq(
        infra_login_mysql_server(&login, INFRA_LOGIN_MYSQL_NATIVE, NULL),
        INFRA_EINVAL);
    start(INFRA_LOGIN_MYSQL_NATIVE, SHA1_TWICE, 0);
    ck_assert_int_eq(infra_login_mysql_set_user(NULL, NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_set_user(&login, NULL, 2), INFRA_EINVAL);
    keys.has = INFRA_LOGIN_HAS_SHA1;
    ck_assert_int_eq(infra_login_mysql_set_user(&login, &keys, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(next("", 0), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
    ck_assert_int_eq(first(NATIVE, native_proof, sizeof native_proof),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_refused(INFRA_LOGIN_REASON_OUT_OF_ORDER);
    ck_assert_int_eq(infra_login_mysql_client(&login, NULL, "a", 1, 0),
                     INFRA_OK);
    ck_assert_int_eq(infra_login_mysql_first(&login, NATIVE, strlen(NATIVE),
                                             CHALLENGE, 20, out, &out_size),
                     INFRA_LOGIN_STEP_SEND);
    ck_assert_int_eq(infra_login_mysql_set_user(&login, NULL, 0), INFRA_EINVAL);
    memset(&login, 0, sizeof login);
    ck_assert_int_eq(infra_login_mysql_set_user(&login, NULL, 0), INFRA_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_mysql_server");
    TCase *tc = tcase_create("mysql_server");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, challenges_are_ascii);
    tcase_add_test(tc, proofs_are_checked);
    tcase_add_test(tc, both_methods_where_both_are_stored);
    tcase_add_test(tc, clients_are_asked_to_switch);
    tcase_add_test(tc, the_full_path_checks_the_password);
    tcase_add_test(tc, passwords_are_checked);
    tcase_add_test(tc, bad_proofs_are_refused);
    tcase_add_test(tc, an_unknown_user_fails_as_a_wrong_password);
    tcase_add_test(tc, the_user_may_change);
    tcase_add_test(tc, arguments_are_checked);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
