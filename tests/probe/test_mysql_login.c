/* SPDX-License-Identifier: MIT */
/* Greeting and login of the MySQL check: its packets to the byte, the answers
 * of a server, and the reason of each, in every split. */
#include "mysql_check.h"

#include "base/internal.h"

#include <string.h>

#define FIXED(tls)                                                         \
    "\x01" tls "\x08\0\0\0\0\x01!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\0\0\0"
#define METHOD "mysql_native_password\0"
#define ANONYMOUS FIXED("\x82") "\0\0" METHOD

static void check(const char *name, uint32_t reason, uint32_t status,
                  const char *message)
{
    for (uint64_t i = 0; i < 200; i++) {
        enum test_split split = i == 0    ? TEST_SPLIT_NONE
                                : i == 1  ? TEST_SPLIT_BYTES
                                : i < 150 ? TEST_SPLIT_AT
                                          : TEST_SPLIT_RANDOM;
        struct infra_probe_result r =
            peer_run(&mysql.peer, mysql.probe, split, i - 1);
        ck_assert_msg(r.reason == reason && r.status == status,
                      "%s, split %d %d: %s, %u", name, (int)split, (int)i,
                      infra_probe_reason_name(r.reason), r.status);
        ck_assert_str_eq(
            infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE), message);
    }
}

static const struct infra_probe_mysql_options secret = { .user = "check",
                                                         .password = "secret" };

/* With a user and a password the check logs in as a real server requires, and
 * leaves with a farewell. */
START_TEST(login_is_exact)
{
    mysql_create_as(secret);
    peer_greet(&mysql.peer, PEER_MARIADB);
    peer_log_in(&mysql.peer);
    peer_quit(&mysql.peer);
    check("password", INFRA_PROBE_REASON_PASSED, 0, "");
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION),
                     "10.11.19-MariaDB-0+deb12u1-log");
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_POSITION),
                     "");
    ck_assert_str_eq(infra_probe_text(mysql.probe, 99), "");
}
END_TEST

/* Without a password, NULL or "", the answer is empty. */
START_TEST(login_without_password_is_exact)
{
    mysql_create_as((struct infra_probe_mysql_options) {
        .user = "check", .password = _i == 0 ? NULL : "" });
    peer_greet(&mysql.peer, PEER_MARIADB);
    peer_expect(&mysql.peer, PEER_TEXT(FIXED("\x82") "check\0\0" METHOD));
    peer_ok(&mysql.peer);
    peer_quit(&mysql.peer);
    check("no password", INFRA_PROBE_REASON_PASSED, 0, "");
}
END_TEST

/* A server older than plug-ins gets no plug-in name. */
START_TEST(login_without_plugins_is_exact)
{
    mysql_create_as((struct infra_probe_mysql_options) { .user = "check" });
    peer_greet(&mysql.peer, PEER_MARIADB & ~0x80000u);
    peer_expect(&mysql.peer,
                PEER_TEXT("\x01\x82\0\0\0\0\0\x01!\0\0\0\0\0\0\0\0\0\0\0"
                          "\0\0\0\0\0\0\0\0\0\0\0\0check\0\0"));
    peer_ok(&mysql.peer);
    peer_quit(&mysql.peer);
    check("no plug-ins", INFRA_PROBE_REASON_PASSED, 0, "");
}
END_TEST

/* TLS begins between the greeting and the login, both with the flag for it. */
START_TEST(tls_comes_before_the_login)
{
    struct infra_probe_mysql_options o = secret;

    o.tls = 1;
    mysql_create_as(o);
    peer_greet(&mysql.peer, PEER_MARIADB | PEER_TLS);
    peer_step(&mysql.peer, (struct test_step)TEST_TLS_UP);
    peer_expect(&mysql.peer, PEER_TEXT(FIXED("\x8a"))); /* Heard before that. */
    peer_expect(&mysql.peer,
                PEER_TEXT(FIXED(
                    "\x8a") "check\0\x14"
                            "\xb7\xcbV[{\x04"
                            "f\x1bNb\x98\x9f\xe7^*\x01\xf7\x99=\x18" METHOD));
    peer_ok(&mysql.peer);
    peer_quit(&mysql.peer);
    check("TLS", INFRA_PROBE_REASON_PASSED, 0, "");
}
END_TEST

/* A server without TLS gets an anonymous login in place of the user's name; its
 * reply does not matter. */
START_TEST(tls_is_not_done_without)
{
    struct infra_probe_mysql_options o = secret;

    o.tls = 1;
    mysql_create_as(o);
    peer_greet(&mysql.peer, PEER_MARIADB & ~PEER_TLS);
    peer_expect(&mysql.peer, PEER_TEXT(ANONYMOUS));
    switch (_i) {
    case 0:
        peer_error(&mysql.peer, 1045, "Access denied");
        break;
    case 1:
        peer_ok(&mysql.peer);
        peer_quit(&mysql.peer);
        break;
    case 2:
        peer_packet(&mysql.peer,
                    PEER_TEXT("\xfe" METHOD "abcdefghijklmnopqrst\0"));
        peer_expect(&mysql.peer, PEER_TEXT(""));
        peer_error(&mysql.peer, 1040, "Too many connections");
        break;
    default:
        peer_packet(&mysql.peer, PEER_TEXT("\x01"));
        break;
    }
    check("no TLS", INFRA_PROBE_REASON_TLS, 0, "");
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION),
                     "10.11.19-MariaDB-0+deb12u1-log");
}
END_TEST

/* Bytes in clear before the handshake are refused, an OK too. */
START_TEST(nothing_comes_before_tls)
{
    struct infra_probe_mysql_options o = secret;

    o.tls = 1;
    mysql_create_as(o);
    peer_greet(&mysql.peer, PEER_MARIADB | PEER_TLS);
    mysql.peer.sequence = 3;
    peer_ok(&mysql.peer);
    struct infra_probe_result r =
        peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_TLS);
    /* Also if only one byte of it comes with the greeting. */
    r = peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_AT,
                 mysql.peer.steps[1].size - 10);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_TLS);
}
END_TEST

/* Without a user the check logs in as the anonymous user, and passes with any
 * answer. */
static const struct {
    const char *name;
    unsigned error; /* 0: it is let in. */
    uint32_t reason;
} knocks[] = {
    { "let in", 0, INFRA_PROBE_REASON_PASSED },
    { "access denied", 1045, INFRA_PROBE_REASON_PASSED },
    { "locked", 4151, INFRA_PROBE_REASON_PASSED },
    { "method", 1251, INFRA_PROBE_REASON_PASSED },
    { "crowded", 1040, INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS },
    { "stopping", 1053, INFRA_PROBE_REASON_STOPPING },
    { "starting", 1047, INFRA_PROBE_REASON_STARTING },
    { "other", 1105, INFRA_PROBE_REASON_SERVER_ERROR },
};

START_TEST(anonymous_knocks)
{
    bool is_good = knocks[_i].reason == INFRA_PROBE_REASON_PASSED;

    mysql_create_as((struct infra_probe_mysql_options) { .user = NULL });
    peer_greet(&mysql.peer, PEER_MARIADB);
    peer_expect(&mysql.peer, PEER_TEXT(ANONYMOUS));
    if (knocks[_i].error == 0) {
        peer_ok(&mysql.peer);
        peer_quit(&mysql.peer);
    } else {
        peer_error(&mysql.peer, knocks[_i].error, "Go away");
    }
    check(knocks[_i].name, knocks[_i].reason, is_good ? 0 : knocks[_i].error,
          is_good ? "" : "Go away");
}
END_TEST

/* A server may switch the method: to mysql_native_password with another
 * challenge, to one that accepts an empty password, or to an unknown one. An
 * unknown one gets a meaningless answer, so that the server refuses the login:
 * MariaDB blocks hosts that leave without an answer. */
#define CHALLENGE "abcdefghijklmnopqrst"
#define EIGHT "\0\0\0\0\0\0\0\0"
#define NO_ANSWER EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT
static const struct {
    const char *name;
    const char *method;
    size_t method_size;
    const char *answer; /* NULL: there is none. */
    size_t answer_size;
    struct infra_probe_mysql_options options;
    uint32_t reason;
    const char *message;
} switches[] = {
    { "ours",
      PEER_TEXT("\xfe" METHOD CHALLENGE "\0"),
      PEER_TEXT("\x88\x17\xc5\x0f\xa7\x79\xda\xef\x01\x0e\xe7\x57\x78\x25\xb0"
                "\x84\x7d\xf9\x84\x2e"),
      { .user = "check", .password = "secret" },
      INFRA_PROBE_REASON_PASSED,
      "" },
    { "ours, no password",
      PEER_TEXT("\xfe" METHOD CHALLENGE "\0"),
      PEER_TEXT(""),
      { .user = "check" },
      INFRA_PROBE_REASON_PASSED,
      "" },
    { "SHA-2, no password",
      PEER_TEXT("\xfe"
                "caching_sha2_password\0" CHALLENGE "\0"),
      PEER_TEXT("\0"),
      { .user = "check" },
      INFRA_PROBE_REASON_PASSED,
      "" },
    { "old SHA-2, no password",
      PEER_TEXT("\xfe"
                "sha256_password\0" CHALLENGE "\0"),
      PEER_TEXT("\0"),
      { .user = "check" },
      INFRA_PROBE_REASON_PASSED,
      "" },
    { "SHA-2",
      PEER_TEXT("\xfe"
                "caching_sha2_password\0" CHALLENGE "\0"),
      PEER_TEXT("\xc7\x6e\x28\x98\x61\x2a\x4c\xf0\x42\xc7\x7f\xa8\xc4\x70\x2c"
                "\x4c\x64\xc0\xc2\xc5\x57\xc5\x3c\x4d\x75\x59\x5a\xaa\x6a\xba"
                "\xe8\x09"),
      { .user = "check", .password = "secret" },
      INFRA_PROBE_REASON_PASSED,
      "" },
    { "old SHA-2",
      PEER_TEXT("\xfe"
                "sha256_password\0" CHALLENGE "\0"),
      PEER_TEXT(NO_ANSWER),
      { .user = "check", .password = "secret" },
      INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      "sha256_password" },
    { "another",
      PEER_TEXT("\xfe"
                "client_ed25519\0" CHALLENGE),
      PEER_TEXT(NO_ANSWER),
      { .user = "check" },
      INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      "client_ed25519" },
    { "one with our name as its beginning",
      PEER_TEXT("\xfe"
                "mysql_native_password2\0" CHALLENGE "\0"),
      PEER_TEXT(NO_ANSWER),
      { .user = "check" },
      INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      "mysql_native_password2" },
    { "not printable",
      PEER_TEXT("\xfe\x1b[2J\0"),
      PEER_TEXT(NO_ANSWER),
      { .user = "check" },
      INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      "?[2J" },
    { "of before 4.1",
      PEER_TEXT("\xfe"),
      PEER_TEXT(NO_ANSWER),
      { .user = "check", .password = "secret" },
      INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      "mysql_old_password" },
    { "another, anonymous",
      PEER_TEXT("\xfe"
                "client_ed25519\0" CHALLENGE),
      PEER_TEXT(NO_ANSWER),
      { .user = NULL },
      INFRA_PROBE_REASON_PASSED,
      "" },
    { "a short challenge",
      PEER_TEXT("\xfe" METHOD "abcdefghijklmnopqrs"),
      NULL,
      0,
      { .user = "check", .password = "secret" },
      INFRA_PROBE_REASON_BAD_REPLY,
      "mysql_native_password" },
    { "a name without end",
      PEER_TEXT("\xfe"
                "mysql_native_password"),
      NULL,
      0,
      { .user = "check" },
      INFRA_PROBE_REASON_BAD_REPLY,
      "" },
};

START_TEST(other_methods)
{
    mysql_create_as(switches[_i].options);
    peer_greet(&mysql.peer, PEER_MARIADB);
    mysql.peer.sequence++; /* The login, which is looked at elsewhere. */
    peer_packet(&mysql.peer, switches[_i].method, switches[_i].method_size);
    if (switches[_i].answer != NULL) {
        mysql.peer.sequence++;
        if (switches[_i].reason == INFRA_PROBE_REASON_PASSED) {
            peer_ok(&mysql.peer);
        } else {
            peer_error(&mysql.peer, 1045, "Access denied");
        }
    }
    check(switches[_i].name, switches[_i].reason, 0, switches[_i].message);
}
END_TEST

START_TEST(other_methods_are_answered)
{
    struct test_transport t = { .steps = mysql.peer.steps };
    size_t answer = switches[_i].answer_size;

    if (switches[_i].answer == NULL) {
        return;
    }
    mysql_create_as(switches[_i].options);
    peer_greet(&mysql.peer, PEER_MARIADB);
    mysql.peer.sequence++;
    peer_packet(&mysql.peer, switches[_i].method, switches[_i].method_size);
    t.steps_count = mysql.peer.steps_count;
    peer_expect(&mysql.peer, switches[_i].answer, answer);
    infra_probe_start(mysql.probe, 0, 0);
    test_transport_run(&t, infra_probe_exchange(mysql.probe));
    ck_assert_uint_ge(t.heard_count, 4 + answer);
    ck_assert_mem_eq(t.heard + t.heard_count - 4 - answer,
                     mysql.peer.steps[mysql.peer.steps_count - 1].bytes,
                     4 + answer);
}
END_TEST

/* One switch is allowed, and no step that the method does not have. A method
 * that is unknown stays unknown. */
static const struct {
    const char *name;
    const char *method;
    const char *reply; /* The first byte of what comes next. */
    const char *user;
    uint32_t reason;
    const char *message;
} ends[] = {
    { "again", "mysql_native_password", "\xfe", "check",
      INFRA_PROBE_REASON_BAD_REPLY, "mysql_native_password" },
    { "more", "mysql_native_password", "\x01", "check",
      INFRA_PROBE_REASON_BAD_REPLY, "mysql_native_password" },
    { "unknown, more, anonymous", "other", "\x01", NULL,
      INFRA_PROBE_REASON_PASSED, "" },
    { "unknown, again", "other", "\xfe", "check",
      INFRA_PROBE_REASON_LOGIN_UNKNOWN, "other" },
    { "unknown, more", "other", "\x01", "check",
      INFRA_PROBE_REASON_LOGIN_UNKNOWN, "other" },
    { "unknown, let in", "other", "\0", "check",
      INFRA_PROBE_REASON_LOGIN_UNKNOWN, "other" },
};

START_TEST(methods_come_to_an_end)
{
    char method[128] = "\xfe";
    bool is_other = strcmp(ends[_i].method, "other") == 0;

    strcpy(method + 1, ends[_i].method);
    mysql_create_as(
        (struct infra_probe_mysql_options) { .user = ends[_i].user });
    peer_greet(&mysql.peer, PEER_MARIADB);
    if (ends[_i].user != NULL) {
        peer_expect(&mysql.peer, PEER_TEXT(FIXED("\x82") "check\0\0" METHOD));
    } else {
        peer_expect(&mysql.peer, PEER_TEXT(ANONYMOUS));
    }
    peer_packet(&mysql.peer, method, strlen(method) + 1);
    peer_expect(&mysql.peer, NO_ANSWER, is_other ? sizeof NO_ANSWER - 1 : 0);
    memcpy(method, ends[_i].reply, 1);
    peer_packet(&mysql.peer, method, strlen(ends[_i].method) + 2);
    if (method[0] == '\0') {
        peer_quit(&mysql.peer);
    }
    check(ends[_i].name, ends[_i].reason, 0, ends[_i].message);
}
END_TEST

/* MySQL 8 greets by caching_sha2_password, whose login is one byte after no
 * password and a proof after one. The server then finds the password in its
 * cache, or asks for it: over TLS it is sent with its zero, in clear it is
 * not. */
#define SHA2 "caching_sha2_password\0"
#define SHA2_PROOF                                                     \
    "\xb5\xb2\x6d\xfc\x56\x05\xd2\x03\x45\xf3\xdf\xd8\x9f\x2a\x4c\xe3" \
    "\x4a\x1d\xbb\x12\x7a\x5a\x7b\x53\x48\x9b\xd2\xe1\x68\x2c\x7f\xcd"
#define NEEDS_TLS                                                          \
    "caching_sha2_password: the server does not have the password in its " \
    "cache, and asks for the password itself, which is sent over TLS only"

static void greet_by_sha2(struct infra_probe_mysql_options options)
{
    uint32_t tls = options.tls == 1 ? PEER_TLS : 0;

    mysql_create_as(options);
    peer_greet_by(&mysql.peer, (PEER_MARIADB & ~PEER_TLS) | tls,
                  "caching_sha2_password");
    if (tls != 0) {
        peer_step(&mysql.peer, (struct test_step)TEST_TLS_UP);
        peer_expect(&mysql.peer, PEER_TEXT(FIXED("\x8a")));
    }
}

START_TEST(sha2_has_a_fast_path)
{
    greet_by_sha2(secret);
    peer_expect(&mysql.peer,
                PEER_TEXT(FIXED("\x82") "check\0\x20" SHA2_PROOF SHA2));
    peer_packet(&mysql.peer, PEER_TEXT("\x01\x03"));
    peer_ok(&mysql.peer);
    peer_quit(&mysql.peer);
    check("fast", INFRA_PROBE_REASON_PASSED, 0, "");
}
END_TEST

START_TEST(sha2_without_password_is_exact)
{
    greet_by_sha2((struct infra_probe_mysql_options) { .user = "check" });
    peer_expect(&mysql.peer, PEER_TEXT(FIXED("\x82") "check\0\x01\0" SHA2));
    peer_ok(&mysql.peer);
    peer_quit(&mysql.peer);
    check("no password", INFRA_PROBE_REASON_PASSED, 0, "");
}
END_TEST

START_TEST(sha2_has_a_full_path_over_tls)
{
    struct infra_probe_mysql_options o = secret;

    o.tls = 1;
    greet_by_sha2(o);
    peer_expect(&mysql.peer,
                PEER_TEXT(FIXED("\x8a") "check\0\x20" SHA2_PROOF SHA2));
    peer_packet(&mysql.peer, PEER_TEXT("\x01\x04"));
    peer_expect(&mysql.peer, "secret", sizeof "secret");
    if (_i == 0) {
        peer_ok(&mysql.peer);
        peer_quit(&mysql.peer);
        check("full", INFRA_PROBE_REASON_PASSED, 0, "");
    } else {
        peer_error(&mysql.peer, 1045, "Access denied");
        check("refused", INFRA_PROBE_REASON_LOGIN_REFUSED, 1045,
              "Access denied");
    }
}
END_TEST

/* The server refuses the answer, or hangs up. */
START_TEST(sha2_needs_tls_for_the_full_path)
{
    greet_by_sha2(secret);
    peer_expect(&mysql.peer,
                PEER_TEXT(FIXED("\x82") "check\0\x20" SHA2_PROOF SHA2));
    peer_packet(&mysql.peer, PEER_TEXT("\x01\x04"));
    peer_expect(&mysql.peer, PEER_TEXT(NO_ANSWER));
    if (_i == 0) {
        peer_error(&mysql.peer, 1045, "Access denied");
    } else {
        peer_step(&mysql.peer, (struct test_step) { .kind = TEST_STEP_EOF });
    }
    check("in clear", INFRA_PROBE_REASON_LOGIN_NEEDS_TLS, 0, NEEDS_TLS);
}
END_TEST

/* A server that greets by it may switch to mysql_native_password, and one that
 * greets by a method that we do not know to either. */
START_TEST(sha2_may_be_left)
{
    static const char *const methods[] = { "caching_sha2_password",
                                           "sha256_password", "" };

    mysql_create_as(secret);
    peer_greet_by(&mysql.peer, PEER_MARIADB, methods[_i]);
    if (_i == 0) {
        peer_expect(&mysql.peer,
                    PEER_TEXT(FIXED("\x82") "check\0\x20" SHA2_PROOF SHA2));
    } else {
        peer_expect(
            &mysql.peer,
            PEER_TEXT(
                FIXED("\x82") "check\0\x14"
                              "\xb7\xcbV[{\x04"
                              "f\x1bNb\x98\x9f\xe7^*\x01\xf7\x99=\x18" METHOD));
    }
    peer_packet(&mysql.peer, PEER_TEXT("\xfe" METHOD CHALLENGE "\0"));
    peer_expect(&mysql.peer,
                PEER_TEXT("\x88\x17\xc5\x0f\xa7\x79\xda\xef\x01\x0e\xe7\x57"
                          "\x78\x25\xb0\x84\x7d\xf9\x84\x2e"));
    peer_ok(&mysql.peer);
    peer_quit(&mysql.peer);
    check(methods[_i], INFRA_PROBE_REASON_PASSED, 0, "");
}
END_TEST

/* What a server of caching_sha2_password must not say. */
START_TEST(sha2_has_two_steps)
{
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        { PEER_TEXT("\x01") },
        { PEER_TEXT("\x01\x02") },
        { PEER_TEXT("\x01\x03\0") },
        { PEER_TEXT("\x02") },
    };

    greet_by_sha2(secret);
    mysql.peer.sequence++;
    if (_i < (int)INFRA__COUNT_OF(rows)) {
        peer_packet(&mysql.peer, rows[_i].bytes, rows[_i].size);
    } else {
        peer_packet(&mysql.peer, PEER_TEXT("\x01\x03"));
        peer_packet(&mysql.peer, PEER_TEXT("\x01\x03"));
    }
    check("bad", INFRA_PROBE_REASON_BAD_REPLY, 0, "");
}
END_TEST

static Suite *login_suite(void)
{
    Suite *s = suite_create("probe_mysql_login");
    TCase *login = tcase_create("login");
    TCase *methods = tcase_create("methods");
    tcase_add_checked_fixture(login, mysql_setup_silent, mysql_teardown);
    tcase_add_checked_fixture(methods, mysql_setup_silent, mysql_teardown);
    tcase_add_test(login, login_is_exact);
    tcase_add_loop_test(login, login_without_password_is_exact, 0, 2);
    tcase_add_test(login, login_without_plugins_is_exact);
    tcase_add_test(login, tls_comes_before_the_login);
    tcase_add_loop_test(login, tls_is_not_done_without, 0, 4);
    tcase_add_test(login, nothing_comes_before_tls);
    tcase_add_loop_test(login, anonymous_knocks, 0, INFRA__COUNT_OF(knocks));
    tcase_add_loop_test(methods, other_methods, 0, INFRA__COUNT_OF(switches));
    tcase_add_loop_test(methods, other_methods_are_answered, 0,
                        INFRA__COUNT_OF(switches));
    tcase_add_loop_test(methods, methods_come_to_an_end, 0,
                        INFRA__COUNT_OF(ends));
    TCase *sha2 = tcase_create("sha2");
    tcase_add_checked_fixture(sha2, mysql_setup_silent, mysql_teardown);
    tcase_add_test(sha2, sha2_has_a_fast_path);
    tcase_add_test(sha2, sha2_without_password_is_exact);
    tcase_add_loop_test(sha2, sha2_has_a_full_path_over_tls, 0, 2);
    tcase_add_loop_test(sha2, sha2_needs_tls_for_the_full_path, 0, 2);
    tcase_add_loop_test(sha2, sha2_may_be_left, 0, 3);
    tcase_add_loop_test(sha2, sha2_has_two_steps, 0, 5);
    suite_add_tcase(s, sha2);
    suite_add_tcase(s, login);
    suite_add_tcase(s, methods);
    return s;
}

int main(void)
{
    return test_main(login_suite());
}
