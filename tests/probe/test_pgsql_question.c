/* SPDX-License-Identifier: MIT */
/* The host's question in the PostgreSQL check, and the source of a replica. */
#include "pgsql_peer.h"

#include "base/internal.h"

#include <string.h>

#define QUERY "select max(token) from timeline"
#define MESSAGE "Q\0\0\0\44" QUERY "\0"
#define COLUMN "T\0\0\0\6\0\1"
#define COPY "G\0\0\0\7\0\0\0"
#define EMPTY "I\0\0\0\4"

static const char *const replica[] = { "t",    "on",      "0/10",
                                       "0/10", "9000000", "streaming a:5432" };

/* A check of a server that answers the library's question, if asked, with a row
 * and the host's with these messages. */
static struct infra_probe_result run(const char *const cells[6],
                                     const struct pgsql_bytes *answer,
                                     enum test_split split, uint64_t number)
{
    struct pgsql_bytes status = { 0 };
    struct test_step script[7] = {
        TEST_ACCEPT(0),
        TEST_EXPECT(PGSQL_STARTUP),
        TEST_SEND(PGSQL_WELCOME),
    };
    struct test_transport t = { .steps = script,
                                .steps_count = 3,
                                .split = split,
                                .split_number = number };

    if (cells != NULL) {
        pgsql_put_text(&status, PGSQL_COLUMNS);
        pgsql_put_row(&status, cells, 6);
        pgsql_put_text(&status, PGSQL_COMPLETE PGSQL_READY);
        script[3] = (struct test_step)TEST_EXPECT(PGSQL_QUESTION);
        script[4] = (struct test_step) { .kind = TEST_STEP_SEND,
                                         .bytes = status.at,
                                         .size = status.size };
        t.steps_count = 5;
    }
    if (answer != NULL) {
        script[t.steps_count++] = (struct test_step)TEST_EXPECT(MESSAGE);
        script[t.steps_count++] = (struct test_step) { .kind = TEST_STEP_SEND,
                                                       .bytes = answer->at,
                                                       .size = answer->size };
    }
    struct infra_probe_result r = pgsql_run(&t);
    if (r.reason == INFRA_PROBE_REASON_PASSED) {
        ck_assert_uint_eq(t.heard_count, sizeof PGSQL_TERMINATE - 1);
        ck_assert_mem_eq(t.heard, PGSQL_TERMINATE, t.heard_count);
    }
    return r;
}

static struct pgsql_bytes rows_of(const char *const *cells, size_t columns,
                                  size_t count)
{
    struct pgsql_bytes b = { 0 };
    const char description[] = { 0, (char)columns };

    pgsql_put_message(&b, 'T', description, sizeof description);
    for (size_t i = 0; i < count; i++) {
        pgsql_put_row(&b, cells + i * columns, columns);
    }
    pgsql_put_text(&b, PGSQL_COMPLETE PGSQL_READY);
    return b;
}

/* Answers to the host's question. Only a number in the first column of a single
 * row counts. */
static const struct {
    const char *name;
    const char *cells[4];
    size_t columns;
    size_t count;
    bool is_told;
    uint64_t answer;
} answers[] = {
    { "a number", { "18" }, 1, 1, true, 18 },
    { "zero", { "0" }, 1, 1, true, 0 },
    { "the greatest", { "18446744073709551615" }, 1, 1, true, UINT64_MAX },
    { "the first column", { "7", NULL, "8" }, 3, 1, true, 7 },
    { "too great", { "18446744073709551616" }, 1, 1, false, 0 },
    { "null", { NULL }, 1, 1, false, 0 },
    { "null before a number", { NULL, "5" }, 2, 1, false, 0 },
    { "nothing", { "" }, 1, 1, false, 0 },
    { "negative", { "-1" }, 1, 1, false, 0 },
    { "a fraction", { "1.0" }, 1, 1, false, 0 },
    { "text", { "1x" }, 1, 1, false, 0 },
    { "no row", { NULL }, 1, 0, false, 0 },
    { "no column", { NULL }, 0, 1, false, 0 },
    { "two rows", { "1", "1" }, 1, 2, false, 0 },
    { "text, then a number", { "x", "1" }, 1, 2, false, 0 },
};

START_TEST(numbers_are_told)
{
    struct pgsql_bytes b =
        rows_of(answers[_i].cells, answers[_i].columns, answers[_i].count);

    pgsql_create((struct infra_probe_pgsql_options) { .question = QUERY });
    for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
        for (uint64_t number = 1; number < 30; number++) {
            struct infra_probe_result r =
                run(NULL, &b, (enum test_split)split, number);
            ck_assert_msg(r.reason == INFRA_PROBE_REASON_PASSED, "%s: %s",
                          answers[_i].name, infra_probe_reason_name(r.reason));
            ck_assert_msg(
                r.has == (answers[_i].is_told ? INFRA_PROBE_HAS_ANSWER : 0),
                "%s: %x", answers[_i].name, r.has);
            ck_assert_uint_eq(r.answer, answers[_i].answer);
        }
    }
}
END_TEST

/* The host's question is a query of its own after the library's, and does not
 * change that one's verdict. */
START_TEST(it_is_asked_last)
{
    static const struct {
        struct infra_probe_pgsql_options options;
        uint32_t reason;
    } rows[] = {
        { { .ask = 1 }, INFRA_PROBE_REASON_PASSED },
        { { .lag_max = 1 }, INFRA_PROBE_REASON_PASSED },
        { { .expect = INFRA_PROBE_ROLE_REPLICA }, INFRA_PROBE_REASON_PASSED },
        { { .expect = INFRA_PROBE_ROLE_PRIMARY },
          INFRA_PROBE_REASON_READ_ONLY },
    };
    static const char *const cells[] = { "18" };
    struct pgsql_bytes b = rows_of(cells, 1, 1);
    struct infra_probe_pgsql_options o = rows[_i].options;

    o.question = QUERY;
    pgsql_create(o);
    struct infra_probe_result r = run(replica, &b, TEST_SPLIT_RANDOM, 1);
    ck_assert_uint_eq(r.reason, rows[_i].reason);
    ck_assert_uint_eq(r.has, INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE |
                                 INFRA_PROBE_HAS_POSITION |
                                 INFRA_PROBE_HAS_LAG | INFRA_PROBE_HAS_ANSWER);
    ck_assert_uint_eq(r.answer, 18);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_POSITION),
                     "0/10");
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_SOURCE),
                     "a:5432");
}
END_TEST

/* If the library's question fails, the host's is not asked. */
START_TEST(it_is_not_asked_after_a_failure)
{
    struct pgsql_bytes b = { 0 };

    pgsql_put_error(&b, "ERROR", "42883", "function does not exist");
    pgsql_put_text(&b, PGSQL_READY);
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        TEST_SEND(PGSQL_WELCOME),
        TEST_EXPECT(PGSQL_STARTUP PGSQL_QUESTION),
        { .kind = TEST_STEP_SEND, .bytes = b.at, .size = b.size },
        TEST_EXPECT(PGSQL_TERMINATE),
    };
    struct test_transport t = TEST_TRANSPORT(script);

    pgsql_create(
        (struct infra_probe_pgsql_options) { .ask = 1, .question = QUERY });
    ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_SERVER_ERROR);
}
END_TEST

/* An error fails the check only if it ends the session; earlier results
 * stay. */
START_TEST(it_may_fail)
{
    static const struct {
        const char *severity;
        const char *code;
        bool after_a_row;
        uint32_t reason;
    } rows[] = {
        { "ERROR", "42P01", false,
          INFRA_PROBE_REASON_PASSED }, /* No such table. */
        { "ERROR", "42501", false,
          INFRA_PROBE_REASON_PASSED }, /* Not to be read. */
        { "ERROR", "28000", false, INFRA_PROBE_REASON_PASSED },
        { "ERROR", "22012", true, INFRA_PROBE_REASON_PASSED }, /* By zero. */
        { "FATAL", "57P01", false, INFRA_PROBE_REASON_STOPPING },
        { "PANIC", "XX000", true, INFRA_PROBE_REASON_SERVER_ERROR },
    };
    static const char *const cells[] = { "18" };
    struct pgsql_bytes b = { 0 };

    if (rows[_i].after_a_row) {
        pgsql_put_text(&b, COLUMN);
        pgsql_put_row(&b, cells, 1);
    }
    pgsql_put_error(&b, rows[_i].severity, rows[_i].code, "no");
    pgsql_put_text(&b, PGSQL_READY);
    pgsql_create(
        (struct infra_probe_pgsql_options) { .ask = 1, .question = QUERY });
    for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
        struct infra_probe_result r =
            run(replica, &b, (enum test_split)split, 1);
        ck_assert_uint_eq(r.reason, rows[_i].reason);
        ck_assert_uint_eq(r.has,
                          INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE |
                              INFRA_PROBE_HAS_POSITION | INFRA_PROBE_HAS_LAG);
        ck_assert_mem_eq(pgsql_message(), rows[_i].severity, 5);
    }
}
END_TEST

/* The answer may be empty or have other statements, but no copy, and no row
 * without columns. */
START_TEST(it_may_be_anything)
{
#define FIVE "D\0\0\0\13\0\1\0\0\0\0015"
    static const struct {
        const char *name;
        const char *text;
        size_t size;
        uint32_t reason;
        uint32_t has;
    } rows[] = {
#define ROW(name, text, reason, told) \
    { (name), (text), sizeof(text) - 1, INFRA_PROBE_REASON_##reason, (told) }
        ROW("empty", EMPTY PGSQL_READY, PASSED, 0),
        ROW("done", PGSQL_COMPLETE PGSQL_READY, PASSED, 0),
        ROW("ready", PGSQL_READY, PASSED, 0),
        ROW("one after another",
            PGSQL_COMPLETE COLUMN FIVE PGSQL_COMPLETE PGSQL_READY, PASSED,
            INFRA_PROBE_HAS_ANSWER),
        ROW("two answers",
            COLUMN FIVE PGSQL_COMPLETE COLUMN FIVE PGSQL_COMPLETE PGSQL_READY,
            PASSED, 0),
        ROW("a parameter and a notification",
            PGSQL_VERSION
            "A\0\0\0\14\0\0\0\1a\0b\0" COLUMN FIVE PGSQL_COMPLETE PGSQL_READY,
            PASSED, INFRA_PROBE_HAS_ANSWER),
        ROW("a short row", COLUMN "D\0\0\0\11\0\1\0\0\0" PGSQL_READY, PASSED,
            0),
        ROW("a row that would go on in a message before it",
            COLUMN "S\0\0\0\13\0\1\0\0\0\0015"
                   "D\0\0\0\11\0\1\0\0\0" PGSQL_READY,
            PASSED, 0),
        ROW("a row without a count", COLUMN "D\0\0\0\5\0" PGSQL_READY, PASSED,
            0),
        ROW("a cell that ends early",
            COLUMN "D\0\0\0\13\0\1\0\0\0\0025" PGSQL_READY, PASSED, 0),
        ROW("a row without columns", FIVE PGSQL_READY, BAD_REPLY, 0),
        ROW("a copy", COPY, BAD_REPLY, 0),
        ROW("a login", PGSQL_AUTH_OK, BAD_REPLY, 0),
    };

    pgsql_create((struct infra_probe_pgsql_options) { .question = QUERY });
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct pgsql_bytes b = { 0 };
        pgsql_put(&b, rows[i].text, rows[i].size);
        for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
            struct infra_probe_result r =
                run(NULL, &b, (enum test_split)split, 3);
            ck_assert_msg(r.reason == rows[i].reason, "%s: %s", rows[i].name,
                          infra_probe_reason_name(r.reason));
            ck_assert_msg(r.has == rows[i].has, "%s", rows[i].name);
        }
    }
}
END_TEST

/* A long row counts like a short one if the number comes first. */
START_TEST(a_row_may_be_long)
{
    static char text[2000];
    const char *const cells[] = { "18", text };

    memset(text, 'x', sizeof text - 1);
    struct pgsql_bytes b = rows_of(cells, 2, 1);
    pgsql_create((struct infra_probe_pgsql_options) { .question = QUERY });
    ck_assert_uint_eq(run(NULL, &b, TEST_SPLIT_NONE, 0).answer, 18);
}
END_TEST

/* The library's question has no empty answer. */
START_TEST(ours_is_never_empty)
{
    static const struct test_step script[] = { TEST_ACCEPT(0),
                                               TEST_SEND(PGSQL_WELCOME EMPTY),
                                               TEST_HANG };
    struct test_transport t = TEST_TRANSPORT(script);

    pgsql_create(
        (struct infra_probe_pgsql_options) { .ask = 1, .question = QUERY });
    ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_BAD_REPLY);
}
END_TEST

/* A server that closes before its answer has not answered. */
START_TEST(it_must_be_answered)
{
    static const struct test_step ends[] = { TEST_EOF,
                                             TEST_FAIL(INFRA_OUTCOME_RESET),
                                             TEST_HANG };
    static const uint32_t reasons[] = { INFRA_PROBE_REASON_CLOSED_EARLY,
                                        INFRA_PROBE_REASON_RESET,
                                        INFRA_PROBE_REASON_SLOW_REPLY };
    const struct test_step script[] = { TEST_ACCEPT(0),
                                        TEST_SEND(PGSQL_WELCOME),
                                        TEST_EXPECT(PGSQL_STARTUP MESSAGE),
                                        TEST_SEND(COLUMN FIVE), ends[_i] };
    struct test_transport t = TEST_TRANSPORT(script);

    pgsql_create((struct infra_probe_pgsql_options) { .question = QUERY });
    struct infra_probe_result r = pgsql_run(&t);
    ck_assert_uint_eq(r.reason, reasons[_i]);
    ck_assert_uint_eq(r.has, 0);
}
END_TEST

/* A question has 1 to 511 bytes, is copied, and is sent whole. */
START_TEST(questions_are_checked)
{
    static const size_t sizes[] = { 0, 1, 511, 512 };
    char text[513] = { 0 };
    struct pgsql_bytes b = { 0 };
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        TEST_SEND(PGSQL_WELCOME),
        TEST_EXPECT(PGSQL_STARTUP),
        { .kind = TEST_STEP_EXPECT, .bytes = b.at, .size = 5 + 512 },
        TEST_SEND(COLUMN FIVE PGSQL_READY),
    };
    struct test_transport t = TEST_TRANSPORT(script);

    for (size_t i = 0; i < INFRA__COUNT_OF(sizes); i++) {
        struct infra_probe_pgsql_options o = { .size = sizeof o,
                                               .question = text };
        struct infra_probe *p = NULL;
        memset(text, 'q', sizes[i]);
        text[sizes[i]] = '\0';
        bool is_fine = sizes[i] > 0 && sizes[i] < 512;
        ck_assert_int_eq(infra_probe_pgsql(&p, &o),
                         is_fine ? INFRA_OK : INFRA_EINVAL);
        ck_assert((p != NULL) == is_fine);
        infra_probe_destroy(p);
    }
    text[511] = '\0';
    pgsql_put_message(&b, 'Q', text, 512);
    pgsql_create((struct infra_probe_pgsql_options) { .question = text });
    memset(text, 'x', sizeof text - 1);
    ck_assert_uint_eq(pgsql_run(&t).answer, 5);
}
END_TEST

/* A question needs a login: a request for a password does not pass. */
START_TEST(it_needs_a_login)
{
    static const struct test_step script[] = { TEST_ACCEPT(0),
                                               TEST_SEND(PGSQL_AUTH_MD5),
                                               TEST_CLOSED };
    struct test_transport t = TEST_TRANSPORT(script);

    pgsql_create((struct infra_probe_pgsql_options) { .question = QUERY });
    ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_LOGIN_REFUSED);
}
END_TEST

#define LONG_HOST                                                      \
    "/123456789012345678901234567890123456789012345678901234567890123" \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "012345678901234567890123456789012345678901234567890123456789012"

/* The source is that of a streaming receiver, if the user may see it. */
START_TEST(sources_are_told)
{
    static const struct {
        const char *role;
        const char *cell;
        const char *source;
    } rows[] = {
        { "t", "streaming 10.0.0.1:5432", "10.0.0.1:5432" },
        { "t", "streaming ::1:5432", "::1:5432" },
        { "t", "streaming /tmp/a b:5432", "/tmp/a b:5432" },
        { "t", "streaming \t\xc3\xa9:1", "???:1" },
        { "t", "streaming " LONG_HOST ":65535", LONG_HOST ":65535" },
        { "t", "streaming x" LONG_HOST ":65535", "" },
        { "t", "streaming ", "" },
        { "t", "streaming", "" },
        { "t", "hidden ", "" },
        { "t", "hidden a:1", "" },
        { "t", "waiting 10.0.0.1:5432", "" },
        { "t", " 10.0.0.1:5432", "" },
        { "t", NULL, "" },
        { "f", "streaming 10.0.0.1:5432", "" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        const char *cells[] = { rows[i].role, "on", "0/10",
                                "0/10",       "9",  rows[i].cell };
        pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
        ck_assert_uint_eq(run(cells, NULL, TEST_SPLIT_NONE, 0).reason,
                          INFRA_PROBE_REASON_PASSED);
        ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_SOURCE),
                         rows[i].source);
    }
    /* And is forgotten with its check. */
    static const struct test_step nothing[] = { TEST_ACCEPT(0), TEST_EOF };
    struct test_transport t = TEST_TRANSPORT(nothing);
    (void)run(replica, NULL, TEST_SPLIT_NONE, 0);
    (void)pgsql_run(&t);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_SOURCE),
                     "");
}
END_TEST

/* Half an answer has no source. */
START_TEST(sources_are_of_whole_answers)
{
    struct pgsql_bytes b = { 0 };

    pgsql_put_text(&b, PGSQL_WELCOME PGSQL_COLUMNS);
    pgsql_put_row(&b, replica, 6);
    pgsql_put_error(&b, "ERROR", "57014", "canceling statement");
    pgsql_put_text(&b, PGSQL_READY);
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        { .kind = TEST_STEP_SEND, .bytes = b.at, .size = b.size },
        TEST_HANG,
    };
    struct test_transport t = TEST_TRANSPORT(script);

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_SERVER_ERROR);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_SOURCE),
                     "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe_pgsql_question");
    TCase *tc = tcase_create("question");

    tcase_add_checked_fixture(tc, pgsql_setup, pgsql_teardown);
    tcase_add_loop_test(tc, numbers_are_told, 0, INFRA__COUNT_OF(answers));
    tcase_add_loop_test(tc, it_is_asked_last, 0, 4);
    tcase_add_test(tc, it_is_not_asked_after_a_failure);
    tcase_add_loop_test(tc, it_may_fail, 0, 6);
    tcase_add_test(tc, it_may_be_anything);
    tcase_add_test(tc, a_row_may_be_long);
    tcase_add_test(tc, ours_is_never_empty);
    tcase_add_loop_test(tc, it_must_be_answered, 0, 3);
    tcase_add_test(tc, questions_are_checked);
    tcase_add_test(tc, it_needs_a_login);
    tcase_add_test(tc, sources_are_told);
    tcase_add_test(tc, sources_are_of_whole_answers);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
