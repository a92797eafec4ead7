/* SPDX-License-Identifier: MIT */
/* What a server stores of a SCRAM password: verifiers made by PostgreSQL 15. */
#include "support.h"

#include "base/internal.h"

#include <infra/login.h>
#include <stdio.h>
#include <string.h>

/* CREATE ROLE alice PASSWORD 'pencil', from pg_authid. */
#define ALICE                                        \
    "SCRAM-SHA-256$4096:eGkxn5DtIk4M5iYvrXBLPw=="    \
    "$zux/gBhTxTj9FtIUhlwI+7ZVWCXkbHXWUVuCGwsDSaE=:" \
    "8jUCLtEPtRgZJqzdFaTKAGht43zJzfvkNjxSs/Qv8iQ="
#define BOB                                          \
    "SCRAM-SHA-256$4096:iBxhidA3ezKFuGby/CVm7Q=="    \
    "$uGH+y+31d1Y93BG/3395S0mQAVjlMtBFHYQdr543gco=:" \
    "PPytLqKBUu639/FKMG1Ac/m7BSsqUbI+1z3j8ZgRLkk="

#define KEY "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="

static int parse(struct infra_login_scram_keys *ret, const char *text)
{
    return infra_login_scram_parse(ret, text, strlen(text));
}

/* The verifiers of PostgreSQL are read, are written again as they were, and
 * follow from the passwords. */
START_TEST(verifiers_of_postgresql)
{
    static const struct {
        const char *text;
        const char *password;
    } rows[] = {
        { ALICE, "pencil" },
        { BOB, "correct horse battery staple" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_login_scram_keys keys, derived;
        char text[INFRA_LOGIN_SCRAM_VERIFIER_MAX];
        ck_assert_int_eq(parse(&keys, rows[i].text), INFRA_OK);
        ck_assert_uint_eq(keys.iterations, 4096);
        ck_assert_uint_eq(keys.salt_size, 16);
        ck_assert_uint_eq(keys.has_client_key, 0);
        ck_assert_uint_eq(infra_login_scram_write(&keys, text),
                          strlen(rows[i].text));
        ck_assert_str_eq(text, rows[i].text);
        ck_assert_int_eq(infra_login_scram_derive(&derived, rows[i].password,
                                                  strlen(rows[i].password),
                                                  keys.salt, keys.salt_size, 0),
                         INFRA_OK);
        ck_assert_uint_eq(derived.has_client_key, 1);
        (void)infra_login_scram_write(&derived, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

/* Other texts are refused, and nothing is set. */
START_TEST(other_texts_are_refused)
{
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        { "SCRAM-SHA-256$1:QQ==$" KEY ":" KEY, INFRA_OK },
        { "SCRAM-SHA-256$2147483647:QQ==$" KEY ":" KEY, INFRA_OK },
        { "", INFRA_EINVAL },
        { "secret", INFRA_EINVAL },
        { "md57cb133e596658708079ed4cfaaf64462", INFRA_EINVAL },
        { "SCRAM-SHA-256", INFRA_EINVAL },
        { "SCRAM-SHA-256$", INFRA_EINVAL },
        { "SCRAM-SHA-1$1:QQ==$" KEY ":" KEY, INFRA_EINVAL },
        { "scram-sha-256$1:QQ==$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$0:QQ==$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$01:QQ==$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$-1:QQ==$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$:QQ==$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$2147483648:QQ==$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$99999999999999999999:QQ==$" KEY ":" KEY,
          INFRA_EINVAL },
        { "SCRAM-SHA-256$1:$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ$" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==" KEY ":" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$" KEY ":", INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$:" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$QQ==:" KEY, INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$" KEY ":QQ==", INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$" KEY ":" KEY "QQ==", INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$" KEY ":" KEY "\n", INFRA_EINVAL },
        { "SCRAM-SHA-256$1:QQ==$" KEY ":" KEY ":" KEY, INFRA_EINVAL },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_login_scram_keys keys = { .iterations = 7 };
        int err = parse(&keys, rows[i].text);
        ck_assert_msg(err == rows[i].err, "%s: %d", rows[i].text, err);
        ck_assert_int_eq(keys.iterations == 7, err != INFRA_OK);
    }
    struct infra_login_scram_keys keys;
    for (size_t size = 0; size < strlen(ALICE); size++) {
        ck_assert_int_eq(infra_login_scram_parse(&keys, ALICE, size),
                         INFRA_EINVAL);
    }
    ck_assert_int_eq(infra_login_scram_parse(&keys, ALICE, sizeof ALICE),
                     INFRA_EINVAL); /* A zero is none of its characters. */
    ck_assert_int_eq(infra_login_scram_parse(NULL, ALICE, strlen(ALICE)),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_parse(&keys, NULL, 0), INFRA_EINVAL);
}
END_TEST

/* The longest verifier fits. */
START_TEST(the_longest_verifier_fits)
{
    struct infra_login_scram_keys keys = { .iterations = UINT32_MAX,
                                           .salt_size = 64 };
    char text[INFRA_LOGIN_SCRAM_VERIFIER_MAX];

    memset(keys.salt, 0xff, sizeof keys.salt);
    size_t size = infra_login_scram_write(&keys, text);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_uint_eq(size, 14 + 10 + 1 + 88 + 1 + 44 + 1 + 44);
    keys.salt_size = 65;
    ck_assert_uint_eq(infra_login_scram_write(&keys, text), 0);
    keys = (struct infra_login_scram_keys) { 0 };
    ck_assert_uint_eq(infra_login_scram_write(&keys, text), 0);
    ck_assert_uint_eq(infra_login_scram_write(NULL, text), 0);
    keys.iterations = 1;
    ck_assert_uint_eq(infra_login_scram_write(&keys, NULL), 0);
}
END_TEST

/* A password that SASLprep might change is refused by name, and each size has
 * its limits. */
START_TEST(passwords_are_checked)
{
    static const struct {
        const char *password;
        int err;
    } rows[] = {
        { "a", INFRA_OK },
        { " !~", INFRA_OK },
        { "", INFRA_EINVAL },
        { "p\xc3\xa4ss", INFRA_LOGIN_REASON_NOT_ASCII },
        { "a\tb", INFRA_LOGIN_REASON_NOT_ASCII },
        { "a\177", INFRA_LOGIN_REASON_NOT_ASCII },
    };
    struct infra_login_scram_keys keys;
    char text[1100];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_int_eq(infra_login_scram_derive(&keys, rows[i].password,
                                                  strlen(rows[i].password), "s",
                                                  1, 1),
                         rows[i].err);
    }
    ck_assert_int_eq(infra_login_scram_derive(&keys, "a\0b", 3, "s", 1, 1),
                     INFRA_LOGIN_REASON_NOT_ASCII);
    memset(text, 'a', sizeof text);
    for (size_t size = 1023; size <= 1024; size++) {
        ck_assert_int_eq(infra_login_scram_derive(&keys, text, size, "s", 1, 1),
                         size == 1023 ? INFRA_OK : INFRA_EINVAL);
    }
    for (size_t size = 0; size <= 65; size++) {
        ck_assert_int_eq(infra_login_scram_derive(&keys, "a", 1, text, size, 1),
                         size > 0 && size < 65 ? INFRA_OK : INFRA_EINVAL);
    }
    ck_assert_int_eq(infra_login_scram_derive(&keys, "a", 1, "s", 1, 100001),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_derive(NULL, "a", 1, "s", 1, 1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_derive(&keys, NULL, 0, "s", 1, 1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_derive(&keys, "a", 1, NULL, 1, 1),
                     INFRA_EINVAL);
}
END_TEST

/* An unknown user has a salt like the others: the same at each attempt, and
 * another for each name and each secret. */
START_TEST(a_mock_is_like_a_user)
{
    unsigned char secret[INFRA_LOGIN_ENTROPY_SIZE] = { 0 };
    struct infra_login_scram_keys a, b;
    char text[INFRA_LOGIN_SCRAM_VERIFIER_MAX];

    ck_assert_int_eq(infra_login_scram_mock(&a, "nobody", 6, secret, 0),
                     INFRA_OK);
    ck_assert_uint_eq(a.is_mock, 1);
    ck_assert_uint_eq(a.salt_size, 16);
    (void)infra_login_scram_write(&a, text);
    ck_assert_ptr_nonnull(strstr(text, "$4096:bW5C2ry/RDJn8n627uFZiQ==$"));
    ck_assert_int_eq(infra_login_scram_mock(&b, "nobody", 6, secret, 5000),
                     INFRA_OK);
    ck_assert_uint_eq(b.iterations, 5000);
    ck_assert_mem_eq(a.salt, b.salt, 16);
    ck_assert_int_eq(infra_login_scram_mock(&b, "nobody", 5, secret, 0),
                     INFRA_OK);
    ck_assert_mem_ne(a.salt, b.salt, 16);
    secret[INFRA_LOGIN_ENTROPY_SIZE - 1] = 1;
    ck_assert_int_eq(infra_login_scram_mock(&b, "nobody", 6, secret, 0),
                     INFRA_OK);
    ck_assert_mem_ne(a.salt, b.salt, 16);
    ck_assert_int_eq(infra_login_scram_mock(NULL, "a", 1, secret, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_mock(&a, NULL, 0, secret, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_mock(&a, "a", 1, NULL, 0), INFRA_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_verifier");
    TCase *tc = tcase_create("verifier");

    tcase_add_test(tc, verifiers_of_postgresql);
    tcase_add_test(tc, other_texts_are_refused);
    tcase_add_test(tc, the_longest_verifier_fits);
    tcase_add_test(tc, passwords_are_checked);
    tcase_add_test(tc, a_mock_is_like_a_user);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
