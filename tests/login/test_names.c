/* SPDX-License-Identifier: MIT */
/* The names of the enums, and the values that are only wiped or digested. */
#include "support.h"

#include "base/internal.h"

#include <infra/login.h>
#include <string.h>

/* Each value has a name of its own, and others are unknown. */
START_TEST(each_value_has_a_name)
{
    for (uint32_t i = 0; i <= INFRA_LOGIN_REASON_OUT_OF_ORDER; i++) {
        ck_assert_str_ne(infra_login_reason_name(i), "unknown");
        for (uint32_t k = 0; k < i; k++) {
            ck_assert_str_ne(infra_login_reason_name(i),
                             infra_login_reason_name(k));
        }
    }
    ck_assert_str_eq(
        infra_login_reason_name(INFRA_LOGIN_REASON_OUT_OF_ORDER + 1),
        "unknown");
    ck_assert_str_eq(infra_login_step_name(INFRA_LOGIN_STEP_WAIT), "wait");
    ck_assert_str_eq(infra_login_step_name(INFRA_LOGIN_STEP_SEND), "send");
    ck_assert_str_eq(infra_login_step_name(INFRA_LOGIN_STEP_DONE), "done");
    ck_assert_str_eq(infra_login_step_name(INFRA_LOGIN_STEP_REFUSED),
                     "refused");
    ck_assert_str_eq(infra_login_step_name(4), "unknown");
    ck_assert_str_eq(infra_login_mysql_method_name(INFRA_LOGIN_MYSQL_NATIVE),
                     "mysql_native_password");
    ck_assert_str_eq(
        infra_login_mysql_method_name(INFRA_LOGIN_MYSQL_CACHING_SHA2),
        "caching_sha2_password");
    ck_assert_str_eq(infra_login_mysql_method_name(INFRA_LOGIN_MYSQL_UNKNOWN),
                     "unknown");
    ck_assert_str_eq(infra_login_mysql_method_name(3), "unknown");
}
END_TEST

/* Secrets become zeroes; there may be none. */
START_TEST(secrets_are_wiped)
{
    char secret[4] = "abc";

    infra_login_wipe(secret, 3);
    ck_assert_mem_eq(secret, "\0\0\0", sizeof secret);
    infra_login_wipe(NULL, 3);
}
END_TEST

/* PostgreSQL 15 stores md57cb1... for the user "old" with the password
 * "secret"; either may be given, and the answer is that of Python's hashlib. */
START_TEST(md5_answers_from_password_or_digest)
{
    static const char stored[] = "md57cb133e596658708079ed4cfaaf64462";
    static const char expected[] = "md59beeeb41c143580ce9cd93674f1f0056";
    static const unsigned char salt[] = { 1, 2, 3, 4 };
    char text[1100], ret[INFRA_LOGIN_MD5_SIZE];

    ck_assert_int_eq(infra_login_md5("old", 3, "secret", 6, salt, ret),
                     INFRA_OK);
    ck_assert_mem_eq(ret, expected, sizeof ret);
    memset(ret, 0, sizeof ret);
    ck_assert_int_eq(
        infra_login_md5("old", 3, stored, strlen(stored), salt, ret), INFRA_OK);
    ck_assert_mem_eq(ret, expected, sizeof ret);
    memset(text, 'a', sizeof text);
    ck_assert_int_eq(infra_login_md5(text, 1023, text, 1023, salt, ret),
                     INFRA_OK);
    ck_assert_int_eq(infra_login_md5(text, 1024, text, 1, salt, ret),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_md5(text, 1, text, 1024, salt, ret),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_md5(NULL, 0, text, 1, salt, ret),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_md5(text, 1, NULL, 0, salt, ret),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_md5(text, 1, text, 1, NULL, ret),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_md5(text, 1, text, 1, salt, NULL),
                     INFRA_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_names");
    TCase *tc = tcase_create("names");

    tcase_add_test(tc, each_value_has_a_name);
    tcase_add_test(tc, secrets_are_wiped);
    tcase_add_test(tc, md5_answers_from_password_or_digest);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
