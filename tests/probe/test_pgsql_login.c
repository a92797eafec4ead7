/* SPDX-License-Identifier: MIT */
/* The PostgreSQL check until the server is ready: its messages to the byte,
 * each method of login, and TLS. */
#include "pgsql_peer.h"

#include "base/internal.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD "pencil"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="

/* With seed 0 in the first check, and the messages that follow. */
#define NONCE "nTQUn70f53frI4eZBUyMv7zj"
#define SCRAM_FIRST "p\0\0\0\66SCRAM-SHA-256\0\0\0\0\40n,,n=,r=" NONCE
#define SCRAM_CHALLENGE \
    "R\0\0\0\120\0\0\0\13r=" NONCE "server-nonce,s=" SALT ",i=4096"
#define SCRAM_FINAL                                \
    "p\0\0\0\140c=biws,r=" NONCE "server-nonce,p=" \
    "PlUgnalCJlnqxdxteOsxuEK6EMIF8xauSx2az0NhP+4="
#define SCRAM_PROOF         \
    "R\0\0\0\66\0\0\0\14v=" \
    "5BkuGfa7IEGXEw7ZpbgVKVfBBSLIlY2BYWJCQGStxSk="

#define SETTLED PGSQL_VERSION PGSQL_KEY PGSQL_READY
#define LOGS_IN .options = { .password = PASSWORD }
#define SENDS_CLEAR \
    .options = { .password = PASSWORD, .allow_cleartext_password = 1 }
#define ASKS .options = { .ask = 1 }

/* Conversations and the reason of their end. */
static const struct {
    const char *name;
    struct infra_probe_pgsql_options options;
    struct test_step script[10];
    uint32_t reason;
    const char *version;
    const char *message;
} logins[] = {
    { .name = "asked for a password is alive",
      .script = { TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_SASL),
                  TEST_CLOSED } },
    { .name = "asked for any is alive",
      .script = { TEST_SEND("R\0\0\0\10\0\0\0\7"), TEST_CLOSED } },
    { .name = "trusted without a need",
      .script = { TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_OK SETTLED),
                  TEST_EXPECT(PGSQL_TERMINATE) },
      .version = "15.18" },
    { .name = "trusted with a password",
      LOGS_IN,
      .script = { TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_OK SETTLED),
                  TEST_EXPECT(PGSQL_TERMINATE) },
      .version = "15.18" },
    { .name = "clear text",
      SENDS_CLEAR,
      .script = { TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_CLEAR),
                  TEST_EXPECT("p\0\0\0\13pencil\0"),
                  TEST_SEND(PGSQL_AUTH_OK SETTLED),
                  TEST_EXPECT(PGSQL_TERMINATE) },
      .version = "15.18" },
    { .name = "clear text without TLS",
      LOGS_IN,
      .script = { TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_CLEAR),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      .message = "the password is asked for in clear text without TLS" },
    { .name = "MD5",
      LOGS_IN,
      .script = { TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_MD5),
                  TEST_EXPECT("p\0\0\0\50md5e80dcb5a5a629a42a481330239bee7b5"
                              "\0"),
                  TEST_SEND(PGSQL_AUTH_OK SETTLED),
                  TEST_EXPECT(PGSQL_TERMINATE) },
      .version = "15.18" },
    { .name = "MD5 of another user",
      .options = { .password = PASSWORD, .user = "monitor" },
      .script = { TEST_SEND(PGSQL_AUTH_MD5),
                  TEST_EXPECT("\0\0\0\102\0\3\0\0user\0monitor\0database\0"
                              "postgres\0application_name\0libinfra\0\0"
                              "p\0\0\0\50md5b143af42581db4519e705fbbdd999741"
                              "\0"),
                  TEST_SEND(PGSQL_AUTH_OK SETTLED) },
      .version = "15.18" },
    { .name = "SCRAM",
      LOGS_IN,
      .script = { TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_SASL),
                  TEST_EXPECT(SCRAM_FIRST), TEST_SEND(SCRAM_CHALLENGE),
                  TEST_EXPECT(SCRAM_FINAL),
                  TEST_SEND(SCRAM_PROOF PGSQL_AUTH_OK SETTLED),
                  TEST_EXPECT(PGSQL_TERMINATE) },
      .version = "15.18" },
    { .name = "SCRAM beside others",
      LOGS_IN,
      .script = { TEST_SEND("R\0\0\0\52\0\0\0\12SCRAM-SHA-256-PLUS\0"
                            "SCRAM-SHA-256\0\0"),
                  TEST_EXPECT(PGSQL_STARTUP SCRAM_FIRST), TEST_EOF },
      .reason = INFRA_PROBE_REASON_CLOSED_EARLY },
    { .name = "only with channel binding",
      LOGS_IN,
      .script = { TEST_SEND("R\0\0\0\34\0\0\0\12SCRAM-SHA-256-PLUS\0\0"),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      .message = "SASL without SCRAM-SHA-256 is asked for" },
    { .name = "names without an end",
      LOGS_IN,
      .script = { TEST_SEND("R\0\0\0\25\0\0\0\12SCRAM-SHA-256"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      .message = "SASL without SCRAM-SHA-256 is asked for" },
    { .name = "GSSAPI",
      LOGS_IN,
      .script = { TEST_SEND("R\0\0\0\10\0\0\0\7"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      .message = "GSSAPI is asked for" },
    { .name = "what nobody knows yet",
      LOGS_IN,
      .script = { TEST_SEND("R\0\0\0\10\0\0\0\15"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      .message = "an unknown method is asked for" },
    { .name = "what has no name",
      LOGS_IN,
      .script = { TEST_SEND("R\0\0\0\10\0\0\0\10"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      .message = "an unknown method is asked for" },
    { .name = "a login is needed and there is no password",
      ASKS,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_REFUSED,
      .message = "a password is asked for and there is none" },

    /* Who cannot prove that it knows the password. */
    { .name = "let in instead of a challenge",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(PGSQL_AUTH_OK),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_FORGED },
    { .name = "let in instead of a proof",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(SCRAM_CHALLENGE),
                  TEST_SEND(PGSQL_AUTH_OK), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_FORGED },
    { .name = "a proof that is none",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(SCRAM_CHALLENGE),
                  TEST_SEND("R\0\0\0\66\0\0\0\14v="
                            "6BkuGfa7IEGXEw7ZpbgVKVfBBSLIlY2BYWJCQGStxSk="),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_FORGED },
    { .name = "SCRAM's own refusal",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(SCRAM_CHALLENGE),
                  TEST_SEND("R\0\0\0\27\0\0\0\14e=invalid-proof"),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_REFUSED },
    { .name = "a proof that is no SCRAM",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(SCRAM_CHALLENGE),
                  TEST_SEND("R\0\0\0\11\0\0\0\14x"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "a challenge that is no SCRAM",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND("R\0\0\0\11\0\0\0\13x"),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "a challenge that costs too much",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL),
                  TEST_SEND("R\0\0\0\107\0\0\0\13r=" NONCE "s,s=" SALT
                            ",i=100001"),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_LOGIN_UNKNOWN,
      .message = "too many iterations of SCRAM are asked for" },

    /* Requests out of turn. */
    { .name = "a challenge at first",
      LOGS_IN,
      .script = { TEST_SEND(SCRAM_CHALLENGE), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "a proof at first",
      LOGS_IN,
      .script = { TEST_SEND(SCRAM_PROOF), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "a proof at first, not logging in",
      .script = { TEST_SEND(SCRAM_PROOF), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "a proof before the challenge",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(SCRAM_PROOF),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "two challenges",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(SCRAM_CHALLENGE),
                  TEST_SEND(SCRAM_CHALLENGE), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "two proofs",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_SASL), TEST_SEND(SCRAM_CHALLENGE),
                  TEST_SEND(SCRAM_PROOF SCRAM_PROOF), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "the password a second time",
      SENDS_CLEAR,
      .script = { TEST_SEND(PGSQL_AUTH_MD5), TEST_SEND(PGSQL_AUTH_CLEAR),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "a parameter before we are let in",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_MD5), TEST_SEND(PGSQL_VERSION) },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "a key before we are let in",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_MD5), TEST_SEND(PGSQL_KEY) },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "ready before we are let in",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_MD5), TEST_SEND(PGSQL_READY) },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "a notification before we are let in",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_MD5),
                  TEST_SEND("A\0\0\0\14\0\0\0\1a\0b\0") },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "a notice before we are let in",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_MD5),
                  TEST_SEND("N\0\0\0\5\0" PGSQL_AUTH_OK SETTLED) },
      .version = "15.18" },
    { .name = "let in twice",
      .script = { TEST_SEND(PGSQL_AUTH_OK PGSQL_AUTH_OK) },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },
    { .name = "a salt too short",
      LOGS_IN,
      .script = { TEST_SEND("R\0\0\0\13\0\0\0\5\1\2\3"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "clear text and more",
      .script = { TEST_SEND("R\0\0\0\11\0\0\0\3x"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "let in and more",
      .script = { TEST_SEND("R\0\0\0\11\0\0\0\0x"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "let in after a password and more",
      LOGS_IN,
      .script = { TEST_SEND(PGSQL_AUTH_MD5), TEST_SEND("R\0\0\0\11\0\0\0\0x"),
                  TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_BAD_REPLY },

    /* TLS. */
    { .name = "TLS, then clear text",
      .options = { .password = PASSWORD, .tls = 1 },
      .script = { TEST_EXPECT(PGSQL_TLS_REQUEST), TEST_SEND("S"), TEST_TLS_UP,
                  TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_CLEAR),
                  TEST_EXPECT("p\0\0\0\13pencil\0"),
                  TEST_SEND(PGSQL_AUTH_OK SETTLED),
                  TEST_EXPECT(PGSQL_TERMINATE) },
      .version = "15.18" },
    { .name = "TLS that fails",
      .options = { .tls = 1 },
      .script = { TEST_SEND("S"), TEST_FAIL(INFRA_OUTCOME_ERROR) },
      .reason = INFRA_PROBE_REASON_TLS },
    { .name = "no TLS",
      .options = { .tls = 1 },
      .script = { TEST_EXPECT(PGSQL_TLS_REQUEST), TEST_SEND("N"), TEST_CLOSED },
      .reason = INFRA_PROBE_REASON_TLS,
      .message = "the server has no TLS" },
    { .name = "an error of anyone",
      .options = { .tls = 1 },
      .script = { TEST_SEND("E\0\0\0\13SFATAL\0") },
      .reason = INFRA_PROBE_REASON_SERVER_ERROR,
      .message = "an error in place of TLS" },
    { .name = "HTTP in place of TLS",
      .options = { .tls = 1 },
      .script = { TEST_SEND("HTTP/1.1 400 Bad Request\r\n\r\n") },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "a login in place of TLS",
      .options = { .tls = 1 },
      .script = { TEST_SEND(PGSQL_AUTH_OK) },
      .reason = INFRA_PROBE_REASON_WRONG_PROTOCOL },
    { .name = "the end in place of TLS",
      .options = { .tls = 1 },
      .script = { TEST_EOF },
      .reason = INFRA_PROBE_REASON_CLOSED_EARLY },
};

/* The conversation is complete; its last message came too late. */
static void check_farewell(struct test_transport *t)
{
    size_t end = t->steps_count;

    while (t->steps[end - 1].kind == TEST_STEP_ACCEPT) {
        end--; /* Places that are left. */
    }
    const struct test_step *last = &t->steps[t->step];
    if (t->step < end && last->kind == TEST_STEP_EXPECT) {
        ck_assert_uint_eq(t->heard_count, last->size);
        ck_assert_mem_eq(t->heard, last->bytes, last->size);
        t->step++;
    }
    ck_assert_uint_eq(t->step, end);
}

static void check_login(int row, enum test_split split, uint64_t number)
{
    struct test_step script[11] = { TEST_ACCEPT(0) };
    struct test_transport t = TEST_TRANSPORT(script);
    const char *version = logins[row].version, *message = logins[row].message;

    memcpy(script + 1, logins[row].script, sizeof logins[row].script);
    t.split = split;
    t.split_number = number;
    pgsql_create(logins[row].options);
    struct infra_probe_result r = pgsql_run(&t);
    check_farewell(&t);
    ck_assert_msg(r.reason == logins[row].reason, "%s: %s (%s), split %d",
                  logins[row].name, infra_probe_reason_name(r.reason),
                  pgsql_message(), (int)split);
    ck_assert_uint_eq(r.has, 0);
    ck_assert_uint_eq(r.status, 0);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_VERSION),
                     version != NULL ? version : "");
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_POSITION),
                     "");
    /* Bytes between the agreement and the handshake are reported as such if
     * they are seen at all. */
    if (message != NULL) {
        ck_assert_str_eq(pgsql_message(), message);
    }
}

START_TEST(each_login_ends_as_it_should)
{
    check_login(_i, TEST_SPLIT_NONE, 0);
    check_login(_i, TEST_SPLIT_BYTES, 0);
    for (uint64_t number = 1; number < 20; number++) {
        check_login(_i, TEST_SPLIT_AT, number);
        check_login(_i, TEST_SPLIT_RANDOM, number);
    }
}
END_TEST

/* Bytes in clear before the handshake end the check, in every split
 * (CVE-2021-23222): after the handshake they would pass for the server's. */
START_TEST(stray_bytes_before_tls_end_it)
{
    static const struct test_step script[] = { TEST_ACCEPT(0),
                                               TEST_SEND("S" PGSQL_AUTH_OK),
                                               TEST_TLS_UP };
    static const struct test_step one[] = { TEST_ACCEPT(0), TEST_SEND("Sx") };
    struct test_transport u = TEST_TRANSPORT(one);

    pgsql_create((struct infra_probe_pgsql_options) { .tls = 1 });
    for (uint64_t at = 0; at < sizeof PGSQL_AUTH_OK; at++) {
        struct test_transport t = TEST_TRANSPORT(script);
        t.split = TEST_SPLIT_AT;
        t.split_number = at;
        ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_TLS);
        ck_assert_uint_eq(t.tls_ups, 0);
    }
    ck_assert_uint_eq(pgsql_run(&u).reason, INFRA_PROBE_REASON_TLS);
    ck_assert_str_eq(pgsql_message(), "bytes in clear before the handshake");
}
END_TEST

/* Over TLS the password may be sent in clear; the next check needs TLS for that
 * again. */
START_TEST(tls_counts_for_its_check)
{
    static const struct test_step secure[] = {
        TEST_ACCEPT(0),
        TEST_SEND("S"),
        TEST_TLS_UP,
        TEST_SEND(PGSQL_AUTH_CLEAR),
        TEST_EXPECT(PGSQL_TLS_REQUEST PGSQL_STARTUP "p\0\0\0\13pencil\0"),
        TEST_EOF,
    };
    static const struct test_step cut[] = { TEST_ACCEPT(0), TEST_SEND("N"),
                                            TEST_CLOSED };

    pgsql_create(
        (struct infra_probe_pgsql_options) { .password = PASSWORD, .tls = 1 });
    for (int i = 0; i < 3; i++) {
        struct test_transport t = TEST_TRANSPORT(secure);
        ck_assert_uint_eq(pgsql_run(&t).reason,
                          INFRA_PROBE_REASON_CLOSED_EARLY);
        struct test_transport u = TEST_TRANSPORT(cut);
        ck_assert_uint_eq(pgsql_run(&u).reason, INFRA_PROBE_REASON_TLS);
    }
}
END_TEST

/* Each login has its own nonce, and the keys of the first are reused. */
START_TEST(logins_follow_each_other)
{
    static const struct {
        const char *nonce;
        const char *proof;
        const char *signature;
    } rows[] = {
        { NONCE, "PlUgnalCJlnqxdxteOsxuEK6EMIF8xauSx2az0NhP+4=",
          "5BkuGfa7IEGXEw7ZpbgVKVfBBSLIlY2BYWJCQGStxSk=" },
        { "xXEyfLAawd5pcnE8v2zB/Dws",
          "GOF1PHaZHaVOcqivnSzOb1Wz0cTmFZmId5vSNU4ncsc=",
          "Jf05e2at/ZyvwgnJtlBdEgyr3NtVO3jbUPPOODG1+DY=" },
    };

    pgsql_create((struct infra_probe_pgsql_options) { .password = PASSWORD });
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct pgsql_bytes challenge = { 0 }, proof = { 0 }, answer = { 0 };
        char text[256];
        int size = snprintf(text, sizeof text,
                            "%c%c%c\13r=%sserver-nonce,s=" SALT ",i=4096", 0, 0,
                            0, rows[i].nonce);
        pgsql_put_message(&challenge, 'R', text, (size_t)size);
        size = snprintf(text, sizeof text, "c=biws,r=%sserver-nonce,p=%s",
                        rows[i].nonce, rows[i].proof);
        pgsql_put_message(&answer, 'p', text, (size_t)size);
        size = snprintf(text, sizeof text, "%c%c%c\14v=%s", 0, 0, 0,
                        rows[i].signature);
        pgsql_put_message(&proof, 'R', text, (size_t)size);
        pgsql_put_text(&proof, PGSQL_AUTH_OK SETTLED);
        const struct test_step script[] = {
            TEST_ACCEPT(0),
            TEST_EXPECT(PGSQL_STARTUP),
            TEST_SEND(PGSQL_AUTH_SASL),
            TEST_EXPECT("p\0\0\0\66SCRAM-SHA-256\0\0\0\0\40n,,n=,r="),
            { .kind = TEST_STEP_EXPECT, .bytes = rows[i].nonce, .size = 24 },
            { .kind = TEST_STEP_SEND,
              .bytes = challenge.at,
              .size = challenge.size },
            { .kind = TEST_STEP_EXPECT,
              .bytes = answer.at,
              .size = answer.size },
            { .kind = TEST_STEP_SEND, .bytes = proof.at, .size = proof.size },
        };
        struct test_transport t = TEST_TRANSPORT(script);
        ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_PASSED);
    }
}
END_TEST

/* A challenge is limited. */
START_TEST(challenges_are_bounded)
{
    for (size_t size = 512; size <= 513; size++) {
        char body[517] = "\0\0\0\13r=" NONCE;
        struct pgsql_bytes b = { 0 };
        memset(body + 30, 'x', size - 26);
        memcpy(body + 4 + size - 11, ",s=QQ==,i=1", 11);
        pgsql_put_message(&b, 'R', body, 4 + size);
        const struct test_step script[] = {
            TEST_ACCEPT(0),
            TEST_SEND(PGSQL_AUTH_SASL),
            { .kind = TEST_STEP_SEND, .bytes = b.at, .size = b.size },
            { .kind = size == 512 ? TEST_STEP_EOF : TEST_STEP_CLOSED },
        };
        struct test_transport t = TEST_TRANSPORT(script);
        pgsql_create(
            (struct infra_probe_pgsql_options) { .password = PASSWORD });
        ck_assert_uint_eq(pgsql_run(&t).reason,
                          size == 512 ? INFRA_PROBE_REASON_CLOSED_EARLY
                                      : INFRA_PROBE_REASON_REPLY_TOO_LONG);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe_pgsql_login");
    TCase *tc = tcase_create("login");

    tcase_add_checked_fixture(tc, pgsql_setup, pgsql_teardown);
    tcase_add_loop_test(tc, each_login_ends_as_it_should, 0,
                        INFRA__COUNT_OF(logins));
    tcase_add_test(tc, stray_bytes_before_tls_end_it);
    tcase_add_test(tc, tls_counts_for_its_check);
    tcase_add_test(tc, logins_follow_each_other);
    tcase_add_test(tc, challenges_are_bounded);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
