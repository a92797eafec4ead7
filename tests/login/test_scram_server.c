/* SPDX-License-Identifier: MIT */
/* The server's side of SCRAM: the exchange of RFC 7677, and each message that
 * is refused, with its reason. */
#include "support.h"

#include "base/internal.h"

#include <infra/login.h>
#include <stdio.h>
#include <string.h>

#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define VERIFIER                                     \
    "SCRAM-SHA-256$4096:" SALT                       \
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

#define CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCE CLIENT_NONCE SERVER_NONCE
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const unsigned char zeroes[INFRA_LOGIN_ENTROPY_SIZE];
static struct infra_login_scram_keys keys;
static struct infra_login_scram login;
static char out[INFRA_LOGIN_MESSAGE_MAX];
static size_t out_size;

static void start(void)
{
    ck_assert_int_eq(infra_login_scram_server(&login, &keys, zeroes), INFRA_OK);
    strcpy(login.nonce, SERVER_NONCE); /* That of the RFC. */
}

static void setup(void)
{
    memset(&login, 0xff, sizeof login);
    ck_assert_int_eq(infra_login_scram_parse(&keys, VERIFIER, strlen(VERIFIER)),
                     INFRA_OK);
    start();
}

static int hear_bytes(const char *message, size_t size)
{
    memset(out, '?', sizeof out);
    out_size = 99;
    int step = infra_login_scram_next(&login, message, size, out, &out_size);
    ck_assert_int_eq(step == INFRA_LOGIN_STEP_REFUSED,
                     login.reason != INFRA_LOGIN_REASON_NONE);
    ck_assert_int_eq(step == INFRA_LOGIN_STEP_REFUSED, out_size == 0);
    return step;
}

static int hear(const char *message)
{
    return hear_bytes(message, strlen(message));
}

static void ck_out(const char *expected)
{
    ck_assert_uint_eq(out_size, strlen(expected));
    ck_assert_mem_eq(out, expected, out_size);
}

static void ck_refused(uint32_t reason)
{
    ck_assert_str_eq(infra_login_reason_name(login.reason),
                     infra_login_reason_name(reason));
    /* The login has ended, and its keys are what they were. */
    ck_assert_uint_eq(login.keys.has_client_key, 0);
    ck_assert_int_eq(hear("c=biws,r=" NONCE ",p=" PROOF),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}

/* The example of RFC 7677, 3; the client's key is recovered. */
START_TEST(rfc_7677)
{
    struct infra_login_scram_keys derived;

    ck_assert_int_eq(hear("n,,n=user,r=" CLIENT_NONCE), INFRA_LOGIN_STEP_SEND);
    ck_out("r=" NONCE ",s=" SALT ",i=4096");
    ck_assert_uint_eq(login.keys.has_client_key, 0);
    ck_assert_int_eq(hear("c=biws,r=" NONCE ",p=" PROOF),
                     INFRA_LOGIN_STEP_DONE);
    ck_out("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    ck_assert_int_eq(infra_login_scram_derive(&derived, "pencil", 6, keys.salt,
                                              keys.salt_size, 4096),
                     INFRA_OK);
    ck_assert_mem_eq(&login.keys, &derived, sizeof derived);
    ck_assert_int_eq(hear("c=biws,r=" NONCE ",p=" PROOF),
                     INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}
END_TEST

/* A client that could bind the channel, and extensions, which are signed. */
START_TEST(flags_and_extensions_are_signed)
{
    ck_assert_int_eq(hear("y,,n=,r=" CLIENT_NONCE ",x=1"),
                     INFRA_LOGIN_STEP_SEND);
    ck_assert_int_eq(hear("c=eSws,r=" NONCE ",z=2,p=b4Tl2YOHAs0NR2NlrbgvtBe/"
                          "OVGeVEtZMkHKgRzgyJg="),
                     INFRA_LOGIN_STEP_DONE);
    ck_out("v=fMreEp8CeHk+UTklxZXagrVkHHJsBOP6Bvs0uDXCf0o=");
}
END_TEST

/* The nonce is that of the entropy. */
START_TEST(the_nonce_is_of_the_entropy)
{
    ck_assert_int_eq(infra_login_scram_server(&login, &keys, zeroes), INFRA_OK);
    ck_assert_int_eq(hear("n,,n=,r=a"), INFRA_LOGIN_STEP_SEND);
    ck_out("r=aAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,s=" SALT ",i=4096");
}
END_TEST

/* First messages of clients. */
START_TEST(first_messages_are_checked)
{
    static const struct {
        const char *message;
        uint32_t reason;
    } rows[] = {
        { "n,,n=,r=a", INFRA_LOGIN_REASON_NONE },
        { "n,,n=*,r=a", INFRA_LOGIN_REASON_NONE },
        { "n,,n=*,r=a,", INFRA_LOGIN_REASON_NONE },
        { "n,,n=*,r=a,A=b,c=", INFRA_LOGIN_REASON_NONE },
        { "", INFRA_LOGIN_REASON_MISSING },
        { "n", INFRA_LOGIN_REASON_MALFORMED },
        { "n,", INFRA_LOGIN_REASON_MALFORMED },
        { "n,,", INFRA_LOGIN_REASON_MISSING },
        { "n,,n=user", INFRA_LOGIN_REASON_MISSING },
        { "n,,r=abc", INFRA_LOGIN_REASON_MISSING },
        { "n,,r=abc,n=user", INFRA_LOGIN_REASON_MISSING },
        { "n,,n=user,r=", INFRA_LOGIN_REASON_MALFORMED },
        { "n,,n=user,r=a b", INFRA_LOGIN_REASON_MALFORMED },
        { "n,,n=user,r=a\xc3\xa4", INFRA_LOGIN_REASON_MALFORMED },
        { "n,,n=user,r=abc,1=2", INFRA_LOGIN_REASON_MALFORMED },
        { "n,,n=user,r=abc,x", INFRA_LOGIN_REASON_MALFORMED },
        { "n,,m=ext,n=user,r=abc", INFRA_LOGIN_REASON_EXTENSION },
        { "x,,n=user,r=abc", INFRA_LOGIN_REASON_MALFORMED },
        { "nn,n=user,r=abc", INFRA_LOGIN_REASON_MALFORMED },
        { "n,x,n=user,r=abc", INFRA_LOGIN_REASON_MALFORMED },
        { "n,a=root,n=user,r=abc", INFRA_LOGIN_REASON_OTHER_IDENTITY },
        { "p=tls-server-end-point,,n=user,r=abc",
          INFRA_LOGIN_REASON_CHANNEL_BINDING },
        { "hello", INFRA_LOGIN_REASON_MALFORMED },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start();
        (void)hear(rows[i].message);
        ck_assert_msg(login.reason == rows[i].reason, "%s: %s", rows[i].message,
                      infra_login_reason_name(login.reason));
    }
    start();
    (void)hear_bytes("n,,n=a\0b,r=abc", 14);
    ck_refused(INFRA_LOGIN_REASON_MALFORMED);
}
END_TEST

/* Last messages of clients after "n,,n=user,r=". */
START_TEST(last_messages_are_checked)
{
    static const struct {
        const char *message;
        uint32_t reason;
    } rows[] = {
        { "c=biws,r=" NONCE ",p=" PROOF, INFRA_LOGIN_REASON_NONE },
        { "", INFRA_LOGIN_REASON_MISSING },
        { "c=biws", INFRA_LOGIN_REASON_MISSING },
        { "c=biws,r=" NONCE, INFRA_LOGIN_REASON_MISSING },
        { "c=biws,p=" PROOF, INFRA_LOGIN_REASON_MISSING },
        { "r=" NONCE ",p=" PROOF, INFRA_LOGIN_REASON_MISSING },
        { "r=" NONCE ",c=biws,p=" PROOF, INFRA_LOGIN_REASON_MISSING },
        { "c=biws,r=" NONCE ",m=1,p=" PROOF, INFRA_LOGIN_REASON_EXTENSION },
        { "c=biws,r=" NONCE ",!,p=" PROOF, INFRA_LOGIN_REASON_MALFORMED },
        { "c=biws,r=" NONCE ",p=" PROOF ",", INFRA_LOGIN_REASON_MALFORMED },
        { "c=biws,r=" NONCE ",p=" PROOF ",x=y", INFRA_LOGIN_REASON_MALFORMED },
        { "c=eSws,r=" NONCE ",p=" PROOF, INFRA_LOGIN_REASON_CHANNEL_BINDING },
        { "c=,r=" NONCE ",p=" PROOF, INFRA_LOGIN_REASON_CHANNEL_BINDING },
        { "c=biwsbiws,r=" NONCE ",p=" PROOF,
          INFRA_LOGIN_REASON_CHANNEL_BINDING },
        { "c=biws,r=" CLIENT_NONCE ",p=" PROOF,
          INFRA_LOGIN_REASON_WRONG_NONCE },
        { "c=biws,r=" NONCE "x,p=" PROOF, INFRA_LOGIN_REASON_WRONG_NONCE },
        { "c=biws,r=x" CLIENT_NONCE "hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=" PROOF,
          INFRA_LOGIN_REASON_WRONG_NONCE },
        { "c=biws,r=" NONCE ",p=", INFRA_LOGIN_REASON_BAD_BASE64 },
        { "c=biws,r=" NONCE ",p=QQ==", INFRA_LOGIN_REASON_BAD_BASE64 },
        { "c=biws,r=" NONCE ",p=!" PROOF, INFRA_LOGIN_REASON_BAD_BASE64 },
        { "c=biws,r=" NONCE ",p=" PROOF PROOF, INFRA_LOGIN_REASON_BAD_BASE64 },
        { "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR=",
          INFRA_LOGIN_REASON_BAD_BASE64 },
        { "c=biws,r=" NONCE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
          INFRA_LOGIN_REASON_WRONG_PASSWORD },
        { "c=biws,r=" NONCE ",x=y,p=" PROOF,
          INFRA_LOGIN_REASON_WRONG_PASSWORD },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        start();
        ck_assert_int_eq(hear("n,,n=user,r=" CLIENT_NONCE),
                         INFRA_LOGIN_STEP_SEND);
        (void)hear(rows[i].message);
        ck_assert_msg(login.reason == rows[i].reason, "%s: %s", rows[i].message,
                      infra_login_reason_name(login.reason));
        if (rows[i].reason != INFRA_LOGIN_REASON_NONE) {
            ck_refused(rows[i].reason);
        }
    }
}
END_TEST

/* Each beginning of either message is refused. */
START_TEST(cut_messages_are_refused)
{
    static const char first[] = "n,,n=user,r=" CLIENT_NONCE;
    static const char last[] = "c=biws,r=" NONCE ",p=" PROOF;

    for (size_t size = 0; size <= strlen("n,,n=user,r="); size++) {
        start();
        ck_assert_int_eq(hear_bytes(first, size), INFRA_LOGIN_STEP_REFUSED);
    }
    for (size_t size = 0; size < strlen(last); size++) {
        start();
        ck_assert_int_eq(hear(first), INFRA_LOGIN_STEP_SEND);
        ck_assert_int_eq(hear_bytes(last, size), INFRA_LOGIN_STEP_REFUSED);
    }
}
END_TEST

/* A nonce for which the answer has no room, and a message above the limit, are
 * too long; a login with the longest nonce ends. */
START_TEST(messages_have_a_limit)
{
    char message[INFRA_LOGIN_INPUT_MAX + 2], last[INFRA_LOGIN_INPUT_MAX + 1];
    char nonce[INFRA_LOGIN_INPUT_MAX + 1] = { 0 };
    size_t longest =
        INFRA_LOGIN_INPUT_MAX - strlen("r=" SERVER_NONCE ",s=" SALT ",i=4096");

    for (size_t size = longest; size <= longest + 1; size++) {
        start();
        memset(nonce, 'n', size);
        (void)snprintf(message, sizeof message, "n,,n=,r=%s", nonce);
        (void)hear(message);
        ck_assert_uint_eq(login.reason, size == longest
                                            ? INFRA_LOGIN_REASON_NONE
                                            : INFRA_LOGIN_REASON_TOO_LONG);
        if (size == longest) {
            ck_assert_uint_eq(out_size, INFRA_LOGIN_INPUT_MAX);
            (void)snprintf(last, sizeof last, "c=biws,r=%s%s", nonce,
                           SERVER_NONCE);
            (void)hear(last);
            ck_refused(INFRA_LOGIN_REASON_MISSING);
        }
    }
    for (size_t size = INFRA_LOGIN_INPUT_MAX; size <= INFRA_LOGIN_INPUT_MAX + 1;
         size++) {
        start();
        memset(message, 'u', sizeof message);
        memcpy(message, "n,,n=", 5);
        memcpy(message + size - 4, ",r=a", 4);
        (void)hear_bytes(message, size);
        ck_assert_uint_eq(login.reason, size == INFRA_LOGIN_INPUT_MAX
                                            ? INFRA_LOGIN_REASON_NONE
                                            : INFRA_LOGIN_REASON_TOO_LONG);
    }
}
END_TEST

/* An unknown user sees the same messages up to the end, and no proof is right,
 * even that of a key whose digest is stored. */
START_TEST(an_unknown_user_fails_as_a_wrong_password)
{
    ck_assert_int_eq(infra_login_scram_mock(&keys, "user", 4, zeroes, 0),
                     INFRA_OK);
    start();
    ck_assert_int_eq(hear("n,,n=user,r=" CLIENT_NONCE), INFRA_LOGIN_STEP_SEND);
    ck_assert_uint_eq(out_size, strlen("r=" NONCE ",s=" SALT ",i=4096"));
    ck_assert_mem_eq(out, "r=" NONCE ",s=", strlen("r=" NONCE ",s="));
    (void)hear("c=biws,r=" NONCE ",p=" PROOF);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
    setup();
    keys.is_mock = 1;
    start();
    ck_assert_int_eq(hear("n,,n=user,r=" CLIENT_NONCE), INFRA_LOGIN_STEP_SEND);
    (void)hear("c=biws,r=" NONCE ",p=" PROOF);
    ck_refused(INFRA_LOGIN_REASON_UNKNOWN_USER);
}
END_TEST

/* Names of mechanisms: what a server offers, or a client chose. */
START_TEST(mechanisms_are_chosen_by_name)
{
    static const struct {
        const char *names;
        size_t size;
        int ret;
    } rows[] = {
        { "SCRAM-SHA-256\0", 15, INFRA_OK },
        { "SCRAM-SHA-256", 14, INFRA_OK },
        { "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0", 34, INFRA_OK },
        { "SCRAM-SHA-256-PLUS", 19, INFRA_LOGIN_REASON_CHANNEL_BINDING },
        { "OTHER\0SCRAM-SHA-256-PLUS\0", 26,
          INFRA_LOGIN_REASON_CHANNEL_BINDING },
        { "SCRAM-SHA-1", 12, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
        { "scram-sha-256", 14, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
        { "SCRAM-SHA-256", 13, INFRA_LOGIN_REASON_UNKNOWN_METHOD }, /* cut */
        { "", 0, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
        { "", 1, INFRA_LOGIN_REASON_UNKNOWN_METHOD },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_int_eq(infra_login_scram_choose(rows[i].names, rows[i].size),
                         rows[i].ret);
    }
    ck_assert_int_eq(infra_login_scram_choose(NULL, 0), INFRA_EINVAL);
}
END_TEST

/* Arguments that break a precondition. */
START_TEST(arguments_are_checked)
{
    struct infra_login_scram_keys bad = keys;

    ck_assert_int_eq(infra_login_scram_server(NULL, &keys, zeroes),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_server(&login, NULL, zeroes),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_server(&login, &keys, NULL),
                     INFRA_EINVAL);
    bad.iterations = 0;
    ck_assert_int_eq(infra_login_scram_server(&login, &bad, zeroes),
                     INFRA_EINVAL);
    bad = keys;
    bad.salt_size = 65;
    ck_assert_int_eq(infra_login_scram_server(&login, &bad, zeroes),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_next(NULL, "", 0, out, &out_size),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_next(&login, NULL, 1, out, &out_size),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_next(&login, "", 0, NULL, &out_size),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_next(&login, "", 0, out, NULL),
                     INFRA_EINVAL);
    memset(&login, 0, sizeof login); /* It was not started. */
    (void)hear("n,,n=,r=a");
    ck_assert_uint_eq(login.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_scram_server");
    TCase *tc = tcase_create("scram_server");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, rfc_7677);
    tcase_add_test(tc, flags_and_extensions_are_signed);
    tcase_add_test(tc, the_nonce_is_of_the_entropy);
    tcase_add_test(tc, first_messages_are_checked);
    tcase_add_test(tc, last_messages_are_checked);
    tcase_add_test(tc, cut_messages_are_refused);
    tcase_add_test(tc, messages_have_a_limit);
    tcase_add_test(tc, an_unknown_user_fails_as_a_wrong_password);
    tcase_add_test(tc, mechanisms_are_chosen_by_name);
    tcase_add_test(tc, arguments_are_checked);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
