/* SPDX-License-Identifier: MIT */
/* The errors of PostgreSQL: their reason, when they may come, and their
 * text. */
#include "pgsql_peer.h"

#include "base/internal.h"

#include <stdio.h>
#include <string.h>

/* The code of an error gives the reason; the message has all of it. */
START_TEST(errors_have_their_reason)
{
    static const struct {
        const char *code;
        const char *message;
        uint32_t reason;
    } rows[] = {
        { "57P03", "the database system is starting up",
          INFRA_PROBE_REASON_STARTING },
        { "57P03", "the database system is not yet accepting connections",
          INFRA_PROBE_REASON_STARTING },
        { "57P03", "the database system is in recovery mode",
          INFRA_PROBE_REASON_STARTING },
        { "57P03", "the database system is shutting down",
          INFRA_PROBE_REASON_STOPPING },
        { "57P03", "das Datenbanksystem startet", INFRA_PROBE_REASON_STARTING },
        { "57P01", "terminating connection due to administrator command",
          INFRA_PROBE_REASON_STOPPING },
        { "57P02", "crash shutdown", INFRA_PROBE_REASON_STOPPING },
        { "53300", "sorry, too many clients already",
          INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS },
        { "53200", "shutting down", INFRA_PROBE_REASON_SERVER_ERROR },
        { "28P01", "password authentication failed for user \"a\"",
          INFRA_PROBE_REASON_LOGIN_REFUSED },
        { "28000", "no pg_hba.conf entry", INFRA_PROBE_REASON_LOGIN_REFUSED },
        { "3D000", "database \"a\" does not exist",
          INFRA_PROBE_REASON_SERVER_ERROR },
        { "42501", "permission denied", INFRA_PROBE_REASON_SERVER_ERROR },
        { "28", "short", INFRA_PROBE_REASON_SERVER_ERROR },
        { "53300x", "long", INFRA_PROBE_REASON_SERVER_ERROR },
        { "", "no code", INFRA_PROBE_REASON_SERVER_ERROR },
    };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct pgsql_bytes error = { 0 };
        char text[256];
        pgsql_put_error(&error, "FATAL", rows[i].code, rows[i].message);
        const struct test_step script[] = {
            TEST_ACCEPT(0),
            { .kind = TEST_STEP_SEND, .bytes = error.at, .size = error.size },
        };
        struct test_transport t = TEST_TRANSPORT(script);
        uint32_t reason = pgsql_run(&t).reason;
        ck_assert_msg(reason == rows[i].reason, "%s: %s", rows[i].message,
                      infra_probe_reason_name(reason));
        (void)snprintf(text, sizeof text, "FATAL %s%s%s", rows[i].code,
                       rows[i].code[0] != '\0' ? " " : "", rows[i].message);
        ck_assert_str_eq(pgsql_message(), text);
    }
}
END_TEST

/* Errors may also come during a login. */
START_TEST(errors_end_a_login_at_any_step)
{
    static const char *const before[] = { "", PGSQL_AUTH_OK };
    static const size_t sizes[] = { 0, sizeof PGSQL_AUTH_OK - 1 };

    pgsql_create((struct infra_probe_pgsql_options) { .password = "pencil" });
    for (size_t i = 0; i < INFRA__COUNT_OF(before); i++) {
        struct pgsql_bytes error = { 0 };
        pgsql_put(&error, before[i], sizes[i]);
        /* While logging in no error lets it go on, whatever it calls itself. */
        pgsql_put_error(&error, "ERROR", "28P01", "no");
        const struct test_step script[] = {
            TEST_ACCEPT(0),
            { .kind = TEST_STEP_SEND, .bytes = error.at, .size = error.size },
        };
        struct test_transport t = TEST_TRANSPORT(script);
        ck_assert_uint_eq(pgsql_run(&t).reason,
                          INFRA_PROBE_REASON_LOGIN_REFUSED);
        ck_assert_str_eq(pgsql_message(), "ERROR 28P01 no");
    }
}
END_TEST

static void hear(const char *text, size_t size, enum test_split split)
{
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        { .kind = TEST_STEP_SEND, .bytes = text, .size = size },
    };
    struct test_transport t = TEST_TRANSPORT(script);

    t.split = split;
    t.split_number = 1;
    ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_SERVER_ERROR);
}

/* A server that cannot fork sends one line; other errors have fields, any of
 * which may be missing. */
START_TEST(errors_may_be_lines)
{
    static const char line[] = "Ecould not fork new process\n";
    static const char fields[] = "E\0\0\0\22SFATAL\0Ma\0Fb\0\0";
    static const char both[] = "E\0\0\0\30SA\0VFATAL\0Mb\0SB\0Cc\0\0";

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
        hear(line, sizeof line - 1, (enum test_split)split);
        ck_assert_str_eq(pgsql_message(), "could not fork new process");
        /* Before 9.6 the severity came translated only. */
        hear(fields, sizeof fields - 1, (enum test_split)split);
        ck_assert_str_eq(pgsql_message(), "FATAL a");
        hear(both, sizeof both - 1, (enum test_split)split);
        ck_assert_str_eq(pgsql_message(), "FATAL c b");
    }
}
END_TEST

/* After an error as the answer the check reports it and leaves in order. */
START_TEST(errors_may_answer_the_question)
{
    static const struct {
        const char *severity;
        const char *code;
        uint32_t reason;
        bool leaves;
    } errors[] = {
        { "ERROR", "42501", INFRA_PROBE_REASON_SERVER_ERROR, true },
        { "ERROR", "57014", INFRA_PROBE_REASON_SERVER_ERROR, true },
        { "FATAL", "57P01", INFRA_PROBE_REASON_STOPPING, false },
        { "PANIC", "XX000", INFRA_PROBE_REASON_SERVER_ERROR, false },
    };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (size_t i = 0; i < INFRA__COUNT_OF(errors); i++) {
        for (int columns = 0; columns < 2; columns++) {
            struct pgsql_bytes b = { 0 };
            pgsql_put(&b, PGSQL_COLUMNS,
                      columns ? sizeof PGSQL_COLUMNS - 1 : 0);
            pgsql_put_error(&b, errors[i].severity, errors[i].code, "no");
            const struct test_step script[] = {
                TEST_ACCEPT(0),
                TEST_SEND(PGSQL_WELCOME),
                { .kind = TEST_STEP_SEND, .bytes = b.at, .size = b.size },
                TEST_WAIT(INFRA_MS(1)),
                TEST_SEND(PGSQL_READY),
                TEST_EXPECT(PGSQL_STARTUP PGSQL_QUESTION PGSQL_TERMINATE),
            };
            struct test_transport t = TEST_TRANSPORT(script);
            struct infra_probe_result r = pgsql_run(&t);
            ck_assert_uint_eq(r.reason, errors[i].reason);
            ck_assert_uint_eq(r.has, 0);
            ck_assert_uint_eq(r.duration, errors[i].leaves ? INFRA_MS(1) : 0);
            ck_assert_mem_eq(pgsql_message(), errors[i].severity, 5);
        }
    }
}
END_TEST

/* A server may close after its error, but may not go on with an answer. */
START_TEST(errors_may_be_the_last_word)
{
    struct pgsql_bytes b = { 0 };
    struct infra_probe_result r;

    pgsql_put_error(&b, "FEHLER", "57P01", "no"); /* As before 9.6. */
    const struct test_step ends[] = {
        TEST_ACCEPT(0),
        TEST_SEND(PGSQL_WELCOME),
        { .kind = TEST_STEP_SEND, .bytes = b.at, .size = b.size },
        TEST_EOF,
    };
    const struct test_step goes_on[] = {
        TEST_ACCEPT(0),
        TEST_SEND(PGSQL_WELCOME),
        { .kind = TEST_STEP_SEND, .bytes = b.at, .size = b.size },
        TEST_SEND(PGSQL_COLUMNS),
    };
    struct test_transport t = TEST_TRANSPORT(ends);
    struct test_transport u = TEST_TRANSPORT(goes_on);

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    r = pgsql_run(&t);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_STOPPING);
    r = pgsql_run(&u);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_BAD_REPLY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe_pgsql_errors");
    TCase *tc = tcase_create("errors");

    tcase_add_checked_fixture(tc, pgsql_setup, pgsql_teardown);
    tcase_add_test(tc, errors_have_their_reason);
    tcase_add_test(tc, errors_end_a_login_at_any_step);
    tcase_add_test(tc, errors_may_be_lines);
    tcase_add_test(tc, errors_may_answer_the_question);
    tcase_add_test(tc, errors_may_be_the_last_word);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
