/* SPDX-License-Identifier: MIT */
/* MySQL's methods: stored hashes, and the client's side. The known answers are
 * those of Python's hashlib, for the password "secret" and a challenge of the
 * bytes 1 to 20. */
#include "support.h"

#include "base/internal.h"

#include <infra/login.h>
#include <string.h>

#define NATIVE_STORED "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"
#define CACHING_STORED \
    "*3881219D087DD9C634373FD33DFA33A2CB6BFC6C520B64B8BB60EF2CEB534AE7"
#define CHALLENGE "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24"

#define NATIVE "mysql_native_password"
#define CACHING "caching_sha2_password"

static const unsigned char native_proof[20] = {
    0xb3, 0x2b, 0xb3, 0xa5, 0x83, 0xe1, 0x34, 0x0c, 0x0a, 0x11,
    0x08, 0xd5, 0x8b, 0x1b, 0xe4, 0x97, 0x81, 0xad, 0x8c, 0x2f,
};
static const unsigned char caching_proof[32] = {
    0x74, 0x6e, 0xbe, 0x20, 0x5d, 0x56, 0xa0, 0x70, 0x7a, 0xcb, 0x3e,
    0x79, 0x6e, 0x83, 0x4e, 0x0d, 0xd7, 0xb1, 0xd6, 0x17, 0x43, 0xb2,
    0x6b, 0xd5, 0x20, 0x2c, 0x7a, 0x62, 0x32, 0x30, 0xc7, 0xc9,
};

static struct infra_login_mysql login;
static unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
static size_t out_size;

static int parse(struct infra_login_mysql_keys *keys, const char *text)
{
    return infra_login_mysql_parse(keys, text, strlen(text));
}

static void start(uint32_t is_secure)
{
    ck_assert_int_eq(
        infra_login_mysql_client(&login, NULL, "secret", 6, is_secure),
        INFRA_OK);
}

static int first(const char *method)
{
    return infra_login_mysql_first(&login, method, strlen(method), CHALLENGE,
                                   21, out, &out_size);
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

/* SELECT PASSWORD('password') of MySQL 5.7 and MariaDB. */
START_TEST(stored_hashes_are_those_of_mysql)
{
    struct infra_login_mysql_keys keys = { 0 }, derived;

    ck_assert_int_eq(parse(&keys, "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"),
                     INFRA_OK);
    ck_assert_uint_eq(keys.has, INFRA_LOGIN_HAS_SHA1_TWICE);
    ck_assert_int_eq(infra_login_mysql_derive(&derived, "password", 8),
                     INFRA_OK);
    ck_assert_mem_eq(keys.sha1_twice, derived.sha1_twice, 20);
    memset(&keys, 0, sizeof keys);
    ck_assert_int_eq(parse(&keys, NATIVE_STORED), INFRA_OK);
    ck_assert_int_eq(parse(&keys, CACHING_STORED), INFRA_OK);
    ck_assert_uint_eq(keys.has, INFRA_LOGIN_HAS_SHA1_TWICE |
                                    INFRA_LOGIN_HAS_SHA256_TWICE);
    ck_assert_int_eq(infra_login_mysql_derive(&derived, "secret", 6), INFRA_OK);
    ck_assert_mem_eq(keys.sha1_twice, derived.sha1_twice, 20);
    ck_assert_mem_eq(keys.sha256_twice, derived.sha256_twice, 32);
    ck_assert_uint_eq(derived.has, 15);
}
END_TEST

/* Other texts and bad passwords are refused, and nothing is set. */
START_TEST(other_texts_are_refused)
{
    static const char *const rows[] = {
        "",
        "*",
        "secret",
        "14E65567ABDB5135D0CFD9A70B3032C179A49EE7",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EE",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EE70",
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EEG",
        "*3881219D087DD9C634373FD33DFA33A2CB6BFC6C520B64B8BB60EF2CEB534A",
        "$A$005$0123456789012345678901234567890123456789",
    };
    struct infra_login_mysql_keys keys = { 0 };
    char text[300];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_int_eq(parse(&keys, rows[i]), INFRA_EINVAL);
    }
    ck_assert_uint_eq(keys.has, 0);
    ck_assert_int_eq(parse(&keys, "*14e65567abdb5135d0cfd9a70b3032c179a49ee7"),
                     INFRA_OK);
    ck_assert_int_eq(infra_login_mysql_parse(NULL, "*", 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_parse(&keys, NULL, 41), INFRA_EINVAL);
    memset(text, 'a', sizeof text);
    ck_assert_int_eq(infra_login_mysql_derive(&keys, text, 255), INFRA_OK);
    ck_assert_int_eq(infra_login_mysql_derive(&keys, text, 256), INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_derive(&keys, "", 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_derive(&keys, "a\0b", 3), INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_derive(&keys, NULL, 3), INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_derive(NULL, "a", 1), INFRA_EINVAL);
}
END_TEST

/* The greeting's method is used, with the proof that others compute. */
START_TEST(proofs_are_those_of_mysql)
{
    start(0);
    ck_assert_int_eq(first(NATIVE), INFRA_LOGIN_STEP_SEND);
    ck_assert_uint_eq(login.method, INFRA_LOGIN_MYSQL_NATIVE);
    ck_out(native_proof, sizeof native_proof);
    ck_assert_int_eq(next("\0\0\0\2\0\0\0", 7), INFRA_LOGIN_STEP_DONE);
    ck_out("", 0);
    start(0);
    ck_assert_int_eq(first(CACHING), INFRA_LOGIN_STEP_SEND);
    ck_assert_uint_eq(login.method, INFRA_LOGIN_MYSQL_CACHING_SHA2);
    ck_out(caching_proof, sizeof caching_proof);
    ck_assert_int_eq(next("\1\3", 2), INFRA_LOGIN_STEP_WAIT);
    ck_assert_int_eq(next("\0\0\0\2\0\0\0", 7), INFRA_LOGIN_STEP_DONE);
    ck_assert_int_eq(next("\0\0\0\2\0\0\0", 7), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}
END_TEST

/* A server may switch once from either method to the other, with a challenge of
 * its own; from an unknown method, or none, to one of them. */
START_TEST(the_server_may_switch)
{
    static const char *const greetings[] = { NATIVE, CACHING, "",
                                             "client_ed25519" };

    for (size_t i = 0; i < INFRA__COUNT_OF(greetings); i++) {
        start(0);
        ck_assert_int_eq(first(greetings[i]), INFRA_LOGIN_STEP_SEND);
        ck_assert_uint_eq(login.method, i == 1 ? INFRA_LOGIN_MYSQL_CACHING_SHA2
                                               : INFRA_LOGIN_MYSQL_NATIVE);
        ck_assert_int_eq(next("\xfe" CACHING "\0" CHALLENGE "\0", 44),
                         INFRA_LOGIN_STEP_SEND);
        ck_out(caching_proof, sizeof caching_proof);
        ck_assert_str_eq(login.asked, CACHING);
        start(0);
        ck_assert_int_eq(first(greetings[i]), INFRA_LOGIN_STEP_SEND);
        ck_assert_int_eq(next("\xfe" NATIVE "\0" CHALLENGE "\0", 44),
                         INFRA_LOGIN_STEP_SEND);
        ck_out(native_proof, sizeof native_proof);
        ck_assert_int_eq(next("\xfe" NATIVE "\0" CHALLENGE "\0", 44),
                         INFRA_LOGIN_STEP_REFUSED);
        ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
    }
}
END_TEST

/* The full path sends the password with its zero, where nobody can read it. */
START_TEST(the_full_path_needs_tls_and_the_password)
{
    struct infra_login_mysql_keys keys;

    start(1);
    ck_assert_int_eq(first(CACHING), INFRA_LOGIN_STEP_SEND);
    ck_assert_int_eq(next("\1\4", 2), INFRA_LOGIN_STEP_SEND);
    ck_out("secret", 7);
    ck_assert_int_eq(next("\0\0\0\2\0\0\0", 7), INFRA_LOGIN_STEP_DONE);
    start(0);
    ck_assert_int_eq(first(CACHING), INFRA_LOGIN_STEP_SEND);
    ck_assert_int_eq(next("\1\4", 2), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_NEEDS_TLS);
    ck_out("", 0);
    ck_assert_int_eq(infra_login_mysql_derive(&keys, "secret", 6), INFRA_OK);
    ck_assert_int_eq(infra_login_mysql_client(&login, &keys, NULL, 0, 1),
                     INFRA_OK);
    ck_assert_int_eq(first(CACHING), INFRA_LOGIN_STEP_SEND);
    ck_assert_int_eq(next("\1\4", 2), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_NEEDS_PASSWORD);
}
END_TEST

/* What a server must not send. */
START_TEST(bad_packets_are_refused)
{
    static const struct {
        const char *greeting;
        const char *message;
        size_t size;
        uint32_t reason;
    } rows[] = {
        { NATIVE, "", 0, INFRA_LOGIN_REASON_MALFORMED },
        { NATIVE, "\2", 1, INFRA_LOGIN_REASON_MALFORMED },
        { NATIVE, "\1\3", 2, INFRA_LOGIN_REASON_MALFORMED },
        { CACHING, "\1", 1, INFRA_LOGIN_REASON_MALFORMED },
        { CACHING, "\1\2", 2, INFRA_LOGIN_REASON_MALFORMED },
        { CACHING, "\1\3\0", 3, INFRA_LOGIN_REASON_MALFORMED },
        { CACHING, "\xff\x15\4#28000no", 10, INFRA_LOGIN_REASON_REFUSED },
        { NATIVE, "\xfe", 1, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
        { NATIVE, "\xfe" NATIVE, 22, INFRA_LOGIN_REASON_MALFORMED },
        { NATIVE, "\xfe" NATIVE, 23, INFRA_LOGIN_REASON_MALFORMED },
        { NATIVE, "\xfe" NATIVE "\0" CHALLENGE, 42,
          INFRA_LOGIN_REASON_MALFORMED },
        { NATIVE, "\xfe" NATIVE "\0" CHALLENGE, 43, INFRA_LOGIN_REASON_NONE },
        { NATIVE,
          "\xfe"
          "client_ed25519\0x",
          17, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
        { NATIVE,
          "\xfe"
          "sha256_password\0x",
          18, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
        { NATIVE,
          "\xfe"
          "mysql_clear_password\0x",
          23, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start(1);
        ck_assert_int_eq(first(rows[i].greeting), INFRA_LOGIN_STEP_SEND);
        (void)next(rows[i].message, rows[i].size);
        ck_assert_msg(login.reason == rows[i].reason, "%zu: %s", i,
                      infra_login_reason_name(login.reason));
    }
    ck_assert_str_eq(login.asked, "mysql_clear_password");
    start(1);
    ck_assert_int_eq(first(NATIVE), INFRA_LOGIN_STEP_SEND);
    (void)next("\xfe", 1);
    ck_assert_str_eq(login.asked, "mysql_old_password");
    /* A greeting whose challenge is cut. */
    start(1);
    ck_assert_int_eq(infra_login_mysql_first(&login, NATIVE, 21, CHALLENGE, 19,
                                             out, &out_size),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_MALFORMED);
    /* The server says twice how it goes on. */
    start(1);
    ck_assert_int_eq(first(CACHING), INFRA_LOGIN_STEP_SEND);
    ck_assert_int_eq(next("\1\3", 2), INFRA_LOGIN_STEP_WAIT);
    ck_assert_int_eq(next("\1\4", 2), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}
END_TEST

/* Without a password the answer is empty, or a zero where that means empty. */
START_TEST(a_user_may_have_no_password)
{
    ck_assert_int_eq(infra_login_mysql_client(&login, NULL, NULL, 0, 0),
                     INFRA_OK);
    ck_assert_int_eq(first(NATIVE), INFRA_LOGIN_STEP_SEND);
    ck_out("", 0);
    ck_assert_int_eq(next("\xfe" CACHING "\0" CHALLENGE "\0", 44),
                     INFRA_LOGIN_STEP_SEND);
    ck_out("\0", 1);
    ck_assert_int_eq(next("\1\4", 2), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_NEEDS_PASSWORD);
    ck_assert_int_eq(infra_login_mysql_client(&login, NULL, NULL, 0, 0),
                     INFRA_OK);
    ck_assert_int_eq(first(CACHING), INFRA_LOGIN_STEP_SEND);
    ck_out("\0", 1);
    ck_assert_int_eq(next("\xfe"
                          "sha256_password\0x",
                          18),
                     INFRA_LOGIN_STEP_SEND);
    ck_out("\0", 1);
}
END_TEST

/* Keys of one method answer by that method, and no other. */
START_TEST(keys_of_one_method_suffice)
{
    struct infra_login_mysql_keys all, keys;

    ck_assert_int_eq(infra_login_mysql_derive(&all, "secret", 6), INFRA_OK);
    keys = all;
    keys.has = INFRA_LOGIN_HAS_SHA1 | INFRA_LOGIN_HAS_SHA1_TWICE;
    ck_assert_int_eq(infra_login_mysql_client(&login, &keys, NULL, 0, 0),
                     INFRA_OK);
    ck_assert_int_eq(first(CACHING), INFRA_LOGIN_STEP_SEND);
    ck_assert_uint_eq(login.method, INFRA_LOGIN_MYSQL_NATIVE);
    ck_out(native_proof, sizeof native_proof);
    ck_assert_int_eq(next("\xfe" CACHING "\0" CHALLENGE "\0", 44),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_NEEDS_PASSWORD);
    keys.has = INFRA_LOGIN_HAS_SHA256 | INFRA_LOGIN_HAS_SHA256_TWICE;
    ck_assert_int_eq(infra_login_mysql_client(&login, &keys, NULL, 0, 0),
                     INFRA_OK);
    ck_assert_int_eq(first(NATIVE), INFRA_LOGIN_STEP_SEND);
    ck_assert_uint_eq(login.method, INFRA_LOGIN_MYSQL_CACHING_SHA2);
    ck_out(caching_proof, sizeof caching_proof);
    keys.has = INFRA_LOGIN_HAS_SHA1_TWICE | INFRA_LOGIN_HAS_SHA256_TWICE;
    ck_assert_int_eq(infra_login_mysql_client(&login, &keys, NULL, 0, 0),
                     INFRA_EINVAL);
}
END_TEST

/* Arguments that break a precondition. */
START_TEST(arguments_are_checked)
{
    ck_assert_int_eq(infra_login_mysql_client(NULL, NULL, NULL, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_client(&login, NULL, "", 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_client(&login, NULL, "a", 1, 2),
                     INFRA_EINVAL);
    start(0);
    ck_assert_int_eq(
        infra_login_mysql_first(NULL, "", 0, "", 0, out, &out_size),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_login_mysql_first(&login, NULL, 1, "", 0, out, &out_size),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_login_mysql_first(&login, "", 0, NULL, 1, out, &out_size),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_login_mysql_first(&login, "", 0, "", 0, NULL, &out_size),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_first(&login, "", 0, "", 0, out, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_next(NULL, "", 0, out, &out_size),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_next(&login, NULL, 1, out, &out_size),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_next(&login, "", 0, NULL, &out_size),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_mysql_next(&login, "", 0, out, NULL),
                     INFRA_EINVAL);
    /* A packet before the greeting. */
    ck_assert_int_eq(next("\0\0\0\2\0\0\0", 7), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_mysql");
    TCase *tc = tcase_create("mysql");

    tcase_add_test(tc, stored_hashes_are_those_of_mysql);
    tcase_add_test(tc, other_texts_are_refused);
    tcase_add_test(tc, proofs_are_those_of_mysql);
    tcase_add_test(tc, the_server_may_switch);
    tcase_add_test(tc, the_full_path_needs_tls_and_the_password);
    tcase_add_test(tc, bad_packets_are_refused);
    tcase_add_test(tc, a_user_may_have_no_password);
    tcase_add_test(tc, keys_of_one_method_suffice);
    tcase_add_test(tc, arguments_are_checked);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
