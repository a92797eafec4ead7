/* SPDX-License-Identifier: MIT */
/* The PostgreSQL check against other protocols, broken ones, replies that never
 * end or end too early; and its texts. */
#include "pgsql_peer.h"

#include "base/internal.h"

#include <string.h>

#define ROW                                      \
    "D\0\0\0\46\0\6\0\0\0\1f\0\0\0\3off\0\0\0\4" \
    "0/10\377\377\377\377\377\377\377\377\377\377\377\377"
#define ANSWER PGSQL_COLUMNS ROW PGSQL_COMPLETE PGSQL_READY
#define NOTICE "N\0\0\0\16SNOTICE\0\0\0"
#define NOTIFICATION "A\0\0\0\14\0\0\0\1a\0b\0"

#define TEXT(t) .text = (t), .size = sizeof(t) - 1
#define BAD(r) .reason = INFRA_PROBE_REASON_##r

/* The answers of a server up to the question, in any split; then it hangs. */
static const struct {
    const char *name;
    const char *text;
    size_t size;
    uint32_t reason;
} replies[] = {
    { .name = "all as it should be", TEXT(PGSQL_WELCOME ANSWER) },
    { .name = "with notices",
      TEXT(PGSQL_AUTH_OK NOTICE PGSQL_VERSION NOTIFICATION PGSQL_KEY NOTICE
               PGSQL_READY NOTICE PGSQL_COLUMNS NOTIFICATION ROW NOTICE
                   PGSQL_VERSION PGSQL_COMPLETE NOTICE PGSQL_READY) },
    { .name = "in a transaction",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS ROW PGSQL_COMPLETE "Z\0\0\0\5T") },
    { .name = "a key of another length",
      TEXT(PGSQL_AUTH_OK "K\0\0\0\10\0\0\1\2" PGSQL_READY ANSWER) },

    /* Not PostgreSQL. */
    { .name = "HTTP",
      TEXT("HTTP/1.1 400 Bad Request\r\n\r\n"),
      BAD(WRONG_PROTOCOL) },
    { .name = "SSH", TEXT("SSH-2.0-OpenSSH_9.2\r\n"), BAD(WRONG_PROTOCOL) },
    { .name = "MySQL",
      TEXT("\112\0\0\0\12"
           "8.0.19\0\10\0\0\0"),
      BAD(WRONG_PROTOCOL) },
    { .name = "MySQL, with a greeting of 0x45 bytes",
      TEXT("\105\0\0\0\12"
           "8.0.19\0\10\0\0\0"),
      BAD(SERVER_ERROR) },
    { .name = "MySQL, with a greeting of 0x52 bytes",
      TEXT("\122\0\0\0\12"
           "8.0.19\0\10\0\0\0"),
      BAD(WRONG_PROTOCOL) },
    { .name = "Redis", TEXT("-ERR unknown command\r\n"), BAD(WRONG_PROTOCOL) },
    { .name = "TLS alert", TEXT("\25\3\1\0\2\2\50"), BAD(WRONG_PROTOCOL) },
    { .name = "ready at once", TEXT(PGSQL_READY), BAD(WRONG_PROTOCOL) },
    { .name = "a notice at once", TEXT(NOTICE), BAD(WRONG_PROTOCOL) },
    { .name = "a request too short",
      TEXT("R\0\0\0\7\0\0\0"),
      BAD(WRONG_PROTOCOL) },
    { .name = "a request too long", TEXT("R\0\0\7\321"), BAD(WRONG_PROTOCOL) },
    { .name = "an error too short",
      TEXT("E\0\0\0\7S\0\0"),
      BAD(WRONG_PROTOCOL) },
    { .name = "an error too long", TEXT("E\0\0\165\61"), BAD(WRONG_PROTOCOL) },
    { .name = "no text at 1", TEXT("E\37   "), BAD(WRONG_PROTOCOL) },
    { .name = "no text at 2", TEXT("E \37  "), BAD(WRONG_PROTOCOL) },
    { .name = "no text at 3", TEXT("E  \37 "), BAD(WRONG_PROTOCOL) },
    { .name = "no text at 4", TEXT("E   \37"), BAD(WRONG_PROTOCOL) },
    { .name = "a request of an unheard-of kind",
      TEXT("R\0\0\0\10\0\0\1\0"),
      BAD(WRONG_PROTOCOL) },

    /* Errors that are a line of text, or have no fields. */
    { .name = "cannot fork",
      TEXT("Ecould not fork new process for connection: no\n\0"),
      BAD(SERVER_ERROR) },
    { .name = "a line alone", TEXT("Ecould not\n"), BAD(SERVER_ERROR) },
    { .name = "a text alone", TEXT("Ecould not\0"), BAD(SERVER_ERROR) },
    { .name = "an error without an end",
      TEXT("E\0\0\0\13SFATAL\0"),
      BAD(SERVER_ERROR) },
    { .name = "an error without a text",
      TEXT("E\0\0\0\10\0\0\0\0"),
      BAD(SERVER_ERROR) },

    /* What the protocol forbids. */
    { .name = "length 3", TEXT(PGSQL_AUTH_OK "S\0\0\0\3"), BAD(BAD_REPLY) },
    { .name = "length 0", TEXT(PGSQL_AUTH_OK "Z\0\0\0\0"), BAD(BAD_REPLY) },
    { .name = "an unknown type",
      TEXT(PGSQL_AUTH_OK "x\0\0\0\4"),
      BAD(BAD_REPLY) },
    { .name = "a row before the question",
      TEXT(PGSQL_AUTH_OK ROW),
      BAD(BAD_REPLY) },
    { .name = "a key in the answer",
      TEXT(PGSQL_WELCOME PGSQL_KEY),
      BAD(BAD_REPLY) },
    { .name = "a row without columns",
      TEXT(PGSQL_WELCOME ROW),
      BAD(BAD_REPLY) },
    { .name = "columns twice",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS PGSQL_COLUMNS),
      BAD(BAD_REPLY) },
    { .name = "columns of others",
      TEXT(PGSQL_WELCOME "T\0\0\0\6\0\5"),
      BAD(BAD_REPLY) },
    { .name = "columns without a count",
      TEXT(PGSQL_WELCOME "T\0\0\0\5\0"),
      BAD(BAD_REPLY) },
    { .name = "two rows",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS ROW ROW),
      BAD(BAD_REPLY) },
    { .name = "complete without a row",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS PGSQL_COMPLETE),
      BAD(BAD_REPLY) },
    { .name = "complete twice",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS ROW PGSQL_COMPLETE PGSQL_COMPLETE),
      BAD(BAD_REPLY) },
    { .name = "ready without an answer",
      TEXT(PGSQL_WELCOME PGSQL_READY),
      BAD(BAD_REPLY) },
    { .name = "ready without an end",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS ROW PGSQL_READY),
      BAD(BAD_REPLY) },
    { .name = "an empty row",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS "D\0\0\0\4"),
      BAD(BAD_REPLY) },
    { .name = "a row of no columns",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS "D\0\0\0\6\0\0"),
      BAD(BAD_REPLY) },
    { .name = "a row that ends before a length",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS "D\0\0\0\11\0\6\0\0\0"),
      BAD(BAD_REPLY) },
    { .name = "a row that ends in a cell",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS "D\0\0\0\13\0\6\0\0\0\2t"),
      BAD(BAD_REPLY) },
    { .name = "a cell of -2 bytes",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS "D\0\0\0\12\0\6\377\377\377\376"),
      BAD(BAD_REPLY) },
    { .name = "a row with more behind it",
      TEXT(PGSQL_WELCOME PGSQL_COLUMNS
           "D\0\0\0\47\0\6\0\0\0\1f\0\0\0\3off\0\0\0\4"
           "0/10\377\377\377\377\377\377\377\377\377\377\377\377x"),
      BAD(BAD_REPLY) },
    { .name = "a copy", TEXT(PGSQL_WELCOME "G\0\0\0\7\0\0\0"), BAD(BAD_REPLY) },

    /* Too much. */
    { .name = "a message of 64 KiB",
      TEXT(PGSQL_AUTH_OK "S\0\0\377\377"),
      BAD(REPLY_TOO_LONG) },
    { .name = "a message of 2 GiB",
      TEXT(PGSQL_AUTH_OK "S\177\377\377\377"),
      BAD(REPLY_TOO_LONG) },
    { .name = "a message of 4 GiB",
      TEXT(PGSQL_AUTH_OK "S\377\377\377\377"),
      BAD(REPLY_TOO_LONG) },
};

static struct infra_probe_result hear(const char *text, size_t size,
                                      enum test_step_kind end,
                                      enum test_split split, uint64_t number)
{
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        { .kind = TEST_STEP_SEND, .bytes = text, .size = size },
        { .kind = end },
        TEST_CLOSED,
    };
    struct test_transport t = TEST_TRANSPORT(script);

    t.steps_count -= end == TEST_STEP_CLOSED ? 1 : 0;
    t.split = split;
    t.split_number = number;
    return pgsql_run(&t);
}

START_TEST(replies_have_their_reason)
{
    const char *text = replies[_i].text;
    size_t size = replies[_i].size;

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
        for (uint64_t number = 1; number < 60; number++) {
            uint32_t reason =
                hear(text, size,
                     text[0] == 'R' &&
                             replies[_i].reason != INFRA_PROBE_REASON_PASSED
                         ? TEST_STEP_CLOSED
                         : TEST_STEP_HANG,
                     (enum test_split)split, number)
                    .reason;
            ck_assert_msg(reason == replies[_i].reason, "%s: %s, split %d %d",
                          replies[_i].name, infra_probe_reason_name(reason),
                          split, (int)number);
        }
    }
}
END_TEST

/* A reply that ends early is CLOSED_EARLY, one that stops is NO_REPLY or
 * SLOW_REPLY. Nothing before the end passes. */
START_TEST(each_truncation_is_noticed)
{
    static const char whole[] = PGSQL_WELCOME ANSWER;

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (size_t size = 0; size < sizeof whole; size++) {
        struct infra_probe_result r =
            hear(whole, size, TEST_STEP_EOF, TEST_SPLIT_NONE, 0);
        bool is_whole = size == sizeof whole - 1;
        ck_assert_uint_eq(r.reason, is_whole ? INFRA_PROBE_REASON_PASSED
                                             : INFRA_PROBE_REASON_CLOSED_EARLY);
        r = hear(whole, size, TEST_STEP_HANG, TEST_SPLIT_NONE, 0);
        if (is_whole) {
            ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
        } else {
            ck_assert_uint_eq(r.reason, size == 0
                                            ? INFRA_PROBE_REASON_NO_REPLY
                                            : INFRA_PROBE_REASON_SLOW_REPLY);
            ck_assert_uint_eq(r.duration, INFRA_SEC(2));
        }
    }
}
END_TEST

/* An endless reply is cut off: after 64 KiB of messages, or 1 KiB of a text
 * line. */
START_TEST(floods_are_cut_off)
{
    static const struct {
        const char *begin;
        size_t begin_size;
        const char *more;
        size_t more_size;
        size_t read_max;
    } floods[] = {
        { PGSQL_AUTH_OK, 9, NOTICE, sizeof NOTICE - 1, 65536 },
        { PGSQL_AUTH_OK, 9, PGSQL_VERSION, sizeof PGSQL_VERSION - 1, 65536 },
        { "Exxxx", 5, "x", 1, 1030 },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(floods); i++) {
        pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
        struct infra_exchange x = infra_probe_exchange(pgsql_probe);
        struct infra_probe_result r;
        size_t read = floods[i].begin_size;
        infra_probe_start(pgsql_probe, 0, 0);
        x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
        x.ops->input(x.self, floods[i].begin, floods[i].begin_size, 0);
        while (infra_probe_result(pgsql_probe, &r) == INFRA_EAGAIN) {
            x.ops->input(x.self, floods[i].more, floods[i].more_size, 0);
            read += floods[i].more_size;
            ck_assert_uint_le(read, floods[i].read_max + floods[i].more_size);
        }
        ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REPLY_TOO_LONG);
        ck_assert_uint_ge(read + floods[i].more_size, floods[i].read_max - 6);
    }
}
END_TEST

/* The end of a long message is dropped, unless all of it counts. */
START_TEST(long_messages_are_passed_over)
{
    static const char types[] = { 'N', 'K', 'S' };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (size_t i = 0; i < sizeof types; i++) {
        struct pgsql_bytes b = { 0 };
        static const char body[2000];
        pgsql_put_text(&b, PGSQL_AUTH_OK);
        pgsql_put_message(&b, types[i], body, sizeof body);
        pgsql_put_text(&b, PGSQL_READY ANSWER);
        ck_assert_uint_eq(
            hear(b.at, b.size, TEST_STEP_HANG, TEST_SPLIT_NONE, 0).reason,
            INFRA_PROBE_REASON_PASSED);
    }
    struct pgsql_bytes request = { 0 }, row = { 0 };
    char cell[1024] = { 0 };
    const char *const cells[] = { "f", "off", NULL, NULL, NULL, cell };

    memset(cell, 'x', sizeof cell - 1);
    pgsql_put_text(&row, PGSQL_WELCOME PGSQL_COLUMNS);
    pgsql_put_row(&row, cells, 6);
    ck_assert_uint_eq(
        hear(row.at, row.size, TEST_STEP_HANG, TEST_SPLIT_NONE, 0).reason,
        INFRA_PROBE_REASON_BAD_REPLY);
    /* A request with too many methods is cut, and not trusted. */
    memcpy(cell, "\0\0\0\12SCRAM-SHA-256", 18);
    pgsql_put_message(&request, 'R', cell, sizeof cell);
    pgsql_put(&request, "", 0);
    pgsql_create((struct infra_probe_pgsql_options) { .password = "a" });
    ck_assert_uint_eq(
        hear(request.at, request.size, TEST_STEP_EOF, TEST_SPLIT_NONE, 0)
            .reason,
        INFRA_PROBE_REASON_CLOSED_EARLY);
    request.size = 0;
    char more[1025];
    memcpy(more, cell, sizeof cell);
    more[1024] = '\0';
    pgsql_put_message(&request, 'R', more, sizeof more);
    ck_assert_uint_eq(
        hear(request.at, request.size, TEST_STEP_CLOSED, TEST_SPLIT_NONE, 0)
            .reason,
        INFRA_PROBE_REASON_REPLY_TOO_LONG);
}
END_TEST

/* Texts are printable and limited, whatever was sent, and gone with the next
 * check. */
START_TEST(texts_are_printable_and_of_this_check)
{
    static const struct test_step refused[] = { TEST_FAIL(
        INFRA_OUTCOME_REFUSED) };
    struct test_transport t = TEST_TRANSPORT(refused);
    char long_text[1500] = "\1\x7f\xc3\xa9\n ok ";
    struct pgsql_bytes b = { 0 };

    memset(long_text + strlen(long_text), 'x', sizeof long_text - 20);
    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    pgsql_put_text(&b, PGSQL_AUTH_OK);
    char body[200] = "server_version";
    memcpy(body + 15, "\t15", 3);
    memset(body + 18, 'y', sizeof body - 18);
    pgsql_put_message(&b, 'S', body, sizeof body);
    pgsql_put_error(&b, "FATAL", "XX000", long_text);
    (void)hear(b.at, b.size, TEST_STEP_HANG, TEST_SPLIT_NONE, 0);
    const char *message = pgsql_message();
    const char *version =
        infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_VERSION);
    ck_assert_uint_eq(strlen(message), 255);
    ck_assert_mem_eq(message, "FATAL XX000 ????? ok xxxx", 25);
    ck_assert_uint_eq(strlen(version), 63);
    ck_assert_mem_eq(version, "?15yyyy", 7);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, 99), "");
    (void)pgsql_run(&t);
    ck_assert_str_eq(pgsql_message(), "");
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_VERSION),
                     "");
    static const char passes[] = PGSQL_WELCOME ANSWER;
    (void)hear(passes, sizeof passes - 1, TEST_STEP_HANG, TEST_SPLIT_NONE, 0);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_POSITION),
                     "0/10");
    (void)hear(PGSQL_AUTH_OK, 9, TEST_STEP_EOF, TEST_SPLIT_NONE, 0);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_POSITION),
                     "");
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_VERSION),
                     "");
}
END_TEST

/* Only the parameter server_version is the version. */
START_TEST(other_parameters_are_no_version)
{
    static const char *const others[] = { "server_versio\0"
                                          "n",
                                          "server_versions\0"
                                          "16",
                                          "server_version", "", "x" };
    static const size_t sizes[] = { 16, 19, 15, 0, 1 };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (size_t i = 0; i < INFRA__COUNT_OF(others); i++) {
        struct pgsql_bytes b = { 0 };
        pgsql_put_text(&b, PGSQL_AUTH_OK);
        pgsql_put_message(&b, 'S', others[i], sizes[i]);
        pgsql_put_text(&b, PGSQL_READY ANSWER);
        ck_assert_uint_eq(
            hear(b.at, b.size, TEST_STEP_HANG, TEST_SPLIT_NONE, 0).reason,
            INFRA_PROBE_REASON_PASSED);
        ck_assert_str_eq(
            infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_VERSION), "");
    }
}
END_TEST

/* The rest of an earlier message in the buffer does not count. */
START_TEST(messages_are_apart)
{
    static const char stale[] = "server_version\0stale";
    struct pgsql_bytes b = { 0 };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    pgsql_put_text(&b, PGSQL_AUTH_OK);
    pgsql_put_message(&b, 'N', stale, sizeof stale);
    pgsql_put_message(&b, 'S', "serv", 4);
    pgsql_put_message(&b, 'S', "", 0);
    pgsql_put_text(&b, PGSQL_READY ANSWER);
    ck_assert_uint_eq(
        hear(b.at, b.size, TEST_STEP_HANG, TEST_SPLIT_NONE, 0).reason,
        INFRA_PROBE_REASON_PASSED);
    ck_assert_str_eq(infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_VERSION),
                     "");
}
END_TEST

/* A row that just fits is complete. With a byte more it is not, even if the
 * kept part looks complete. */
START_TEST(cut_rows_are_not_taken)
{
    char status[1024] = { 0 };
    const char *const cells[] = { "f", "off", NULL, NULL, NULL, status };
    struct pgsql_bytes row = { 0 }, b = { 0 };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    memset(status, 'x', 1024 - 2 - 6 * 4 - 4);
    pgsql_put_row(&row, cells, 6);
    ck_assert_uint_eq(row.size, 5 + 1024);
    for (size_t more = 0; more < 2; more++) {
        b.size = 0;
        row.at[row.size] = 'x';
        pgsql_put_text(&b, PGSQL_WELCOME PGSQL_COLUMNS);
        pgsql_put_message(&b, 'D', row.at + 5, 1024 + more);
        pgsql_put_text(&b, PGSQL_COMPLETE PGSQL_READY);
        ck_assert_uint_eq(
            hear(b.at, b.size, TEST_STEP_HANG, TEST_SPLIT_NONE, 0).reason,
            more == 0 ? INFRA_PROBE_REASON_PASSED
                      : INFRA_PROBE_REASON_BAD_REPLY);
    }
}
END_TEST

static Suite *pgsql_suite(void)
{
    Suite *s = suite_create("probe_pgsql");
    TCase *tc = tcase_create("replies");

    tcase_add_checked_fixture(tc, pgsql_setup, pgsql_teardown);
    tcase_add_loop_test(tc, replies_have_their_reason, 0,
                        INFRA__COUNT_OF(replies));
    tcase_add_test(tc, each_truncation_is_noticed);
    tcase_add_test(tc, floods_are_cut_off);
    tcase_add_test(tc, long_messages_are_passed_over);
    tcase_add_test(tc, texts_are_printable_and_of_this_check);
    tcase_add_test(tc, other_parameters_are_no_version);
    tcase_add_test(tc, messages_are_apart);
    tcase_add_test(tc, cut_rows_are_not_taken);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(pgsql_suite());
}
