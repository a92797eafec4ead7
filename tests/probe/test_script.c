/* SPDX-License-Identifier: MIT */
/* Scripts that send and expect: the examples of the header, each kind of step
 * met and missed, in every split, and the number of steps passed. */
#include "support.h"
#include "transport.h"

#include "base/internal.h"
#include "base/random.h"

#include <infra/probe.h>
#include <string.h>

#define SEND(t)                                     \
    {                                               \
        .kind = INFRA_PROBE_STEP_SEND, .bytes = (t) \
    }
#define EXPECT(t)                                     \
    {                                                 \
        .kind = INFRA_PROBE_STEP_EXPECT, .bytes = (t) \
    }
#define START(t)                                            \
    {                                                       \
        .kind = INFRA_PROBE_STEP_EXPECT_START, .bytes = (t) \
    }
#define REFUSE(t)                                     \
    {                                                 \
        .kind = INFRA_PROBE_STEP_REFUSE, .bytes = (t) \
    }
#define END                                 \
    {                                       \
        .kind = INFRA_PROBE_STEP_EXPECT_END \
    }

/* Steps, the peer's side, and the result. */
struct row {
    const char *name;
    struct infra_probe_step steps[6];
    struct test_step peer[8];
    uint32_t reason;
    uint32_t passed; /* Steps. */
    const char *message;
};

#define SMTP \
    .steps = { START("220"), EXPECT("\r\n"), SEND("QUIT\r\n"), START("221") }
#define IMAP                                                          \
    .steps = { REFUSE("* BYE"), EXPECT("* OK"), SEND("a LOGOUT\r\n"), \
               EXPECT("a OK"), END }
#define LDAP_BIND "\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"
#define LDAP                                           \
    .steps = { { .kind = INFRA_PROBE_STEP_SEND,        \
                 .bytes = LDAP_BIND,                   \
                 .bytes_size = sizeof LDAP_BIND - 1 }, \
               { .kind = INFRA_PROBE_STEP_EXPECT,      \
                 .bytes = "\x0a\1\0",                  \
                 .bytes_size = 3 } }
#define SAYS(...) .peer = { TEST_ACCEPT(0), __VA_ARGS__ }
#define REASON(r) .reason = INFRA_PROBE_REASON_##r

static const struct row rows[] = {
    /* The header's examples. */
    { .name = "SMTP",
      SMTP,
      SAYS(TEST_SEND("220 a ESMTP\r\n"), TEST_EXPECT("QUIT\r\n"),
           TEST_SEND("221 bye\r\n")),
      .passed = 4,
      .message = "221" },
    { .name = "SMTP that is busy",
      SMTP,
      SAYS(TEST_SEND("2")),
      REASON(SLOW_REPLY),
      .message = "2" },
    { .name = "SMTP that closes in between",
      SMTP,
      SAYS(TEST_SEND("220 a ESMTP\r\n"), TEST_EXPECT("QUIT\r\n"), TEST_EOF),
      REASON(CLOSED_EARLY),
      .passed = 3 },
    { .name = "SMTP whose second answer is wrong",
      SMTP,
      SAYS(TEST_SEND("220 a ESMTP\r\n"), TEST_EXPECT("QUIT\r\n"),
           TEST_SEND("2"), TEST_SEND("5")),
      REASON(UNEXPECTED),
      .passed = 3,
      .message = "25" },
    { .name = "IMAP",
      IMAP,
      SAYS(TEST_SEND("* OK hi\r\n"), TEST_EXPECT("a LOGOUT\r\n"),
           TEST_SEND("* BYE\r\na OK done\r\n"), TEST_EOF),
      .passed = 5,
      .message = " done" },
    { .name = "IMAP that sends us away",
      IMAP,
      SAYS(TEST_SEND("* BYE"), TEST_EOF),
      REASON(UNEXPECTED),
      .passed = 1,
      .message = "* BYE" },
    { .name = "IMAP that keeps the connection",
      IMAP,
      SAYS(TEST_SEND("* OK hi\r\n"), TEST_EXPECT("a LOGOUT\r\n"),
           TEST_SEND("a OK done\r\n")),
      REASON(SLOW_REPLY),
      .passed = 4,
      .message = " done" },
    { .name = "memcached",
      .steps = { SEND("version\r\n"), START("VERSION ") },
      SAYS(TEST_EXPECT("version\r\n"), TEST_SEND("VERSION 1.6.18\r\n")),
      .passed = 2,
      .message = "VERSION " },
    { .name = "LDAP",
      LDAP,
      SAYS(TEST_EXPECT(LDAP_BIND),
           TEST_SEND("\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0")),
      .passed = 2,
      .message = "0????a????" },
    { .name = "LDAP that refuses",
      LDAP,
      SAYS(TEST_EXPECT(LDAP_BIND),
           TEST_SEND("\x30\x0c\2\1\1\x61\7\x0a\1\1\4\0\4\0"), TEST_EOF),
      REASON(CLOSED_EARLY),
      .passed = 1,
      .message = "0????a????????" },

    /* Each kind, alone. */
    { .name = "send alone",
      .steps = { SEND("hello") },
      SAYS(TEST_EXPECT("hello")),
      .passed = 1 },
    { .name = "send twice",
      .steps = { SEND("hel"), SEND("lo") },
      SAYS(TEST_EXPECT("hello")),
      .passed = 2 },
    { .name = "send last",
      .steps = { EXPECT("hi"), SEND("bye"), SEND("!") },
      SAYS(TEST_SEND("hi"), TEST_EXPECT("bye!")),
      .passed = 3,
      .message = "hi" },
    { .name = "expect, and what comes before is passed over",
      .steps = { EXPECT("b") },
      SAYS(TEST_SEND("\r\n\naab")),
      .passed = 1,
      .message = "aab" },
    { .name = "expect what does not come",
      .steps = { EXPECT("b") },
      SAYS(TEST_SEND("aa\r\n"), TEST_EOF),
      REASON(CLOSED_EARLY),
      .message = "aa" },
    { .name = "the texts do not overlap",
      .steps = { EXPECT("aba"), EXPECT("aba") },
      SAYS(TEST_SEND("ababa"), TEST_EOF),
      REASON(CLOSED_EARLY),
      .passed = 1,
      .message = "ba" },
    { .name = "the same text again",
      .steps = { EXPECT("aba"), EXPECT("aba") },
      SAYS(TEST_SEND("abaaba")),
      .passed = 2,
      .message = "aba" },
    { .name = "start and start",
      .steps = { START("ab"), START("cd") },
      SAYS(TEST_SEND("abcd")),
      .passed = 2,
      .message = "cd" },
    { .name = "start that only begins well",
      .steps = { START("aba") },
      SAYS(TEST_SEND("ab"), TEST_SEND("b")),
      REASON(UNEXPECTED),
      .message = "abb" },
    { .name = "start that ends too early",
      .steps = { START("aba") },
      SAYS(TEST_SEND("ab"), TEST_EOF),
      REASON(CLOSED_EARLY),
      .message = "ab" },
    { .name = "end",
      .steps = { END },
      SAYS(TEST_SEND("abc"), TEST_EOF),
      .passed = 1,
      .message = "abc" },
    { .name = "end, and a last word",
      .steps = { END, SEND("a") },
      SAYS(TEST_EOF),
      REASON(CLOSED_EARLY),
      .passed = 2 },
    { .name = "end without close_notify",
      .steps = { END },
      SAYS(TEST_SEND("abc"), TEST_TRUNCATED),
      REASON(CLOSED_EARLY),
      .message = "abc" },
    { .name = "refuse what does not come",
      .steps = { REFUSE("bad"), END },
      SAYS(TEST_SEND("good"), TEST_EOF),
      .passed = 2,
      .message = "good" },
    { .name = "refuse what comes",
      .steps = { REFUSE("bad"), END },
      SAYS(TEST_SEND("too bad")),
      REASON(UNEXPECTED),
      .passed = 1,
      .message = "too bad" },
    { .name = "refuse two things",
      .steps = { REFUSE("bad"), REFUSE("worse"), EXPECT("well") },
      SAYS(TEST_SEND("worse")),
      REASON(UNEXPECTED),
      .passed = 2,
      .message = "worse" },
    { .name = "refuse ends with what is expected",
      .steps = { REFUSE("not well"), EXPECT("well") },
      SAYS(TEST_SEND("not well")),
      REASON(UNEXPECTED),
      .passed = 1,
      .message = "not well" },
    { .name = "refuse before a start",
      .steps = { REFUSE("a"), START("ab") },
      SAYS(TEST_SEND("a")),
      REASON(UNEXPECTED),
      .passed = 1,
      .message = "a" },
    { .name = "refuse counts for one expectation",
      .steps = { REFUSE("bad"), EXPECT("a"), EXPECT("b"), EXPECT("d") },
      SAYS(TEST_SEND("a bad")),
      .passed = 4,
      .message = "ad" },
    { .name = "refuse begins where the expectation does",
      .steps = { EXPECT("ba"), REFUSE("bad"), EXPECT("d") },
      SAYS(TEST_SEND("bad")),
      .passed = 3,
      .message = "d" },
    { .name = "refuse, send, expect",
      .steps = { REFUSE("bad"), SEND("how?"), EXPECT("well") },
      SAYS(TEST_EXPECT("how?"), TEST_SEND("bad")),
      REASON(UNEXPECTED),
      .passed = 2,
      .message = "bad" },
    { .name = "send, refuse, expect",
      .steps = { SEND("how?"), REFUSE("bad"), EXPECT("well") },
      SAYS(TEST_EXPECT("how?"), TEST_SEND("well")),
      .passed = 3,
      .message = "well" },
    { .name = "answers that come before they are asked for",
      .steps = { EXPECT("a"), SEND("1"), EXPECT("b"), SEND("2"), EXPECT("c") },
      SAYS(TEST_SEND("abc"), TEST_EXPECT("12")),
      .passed = 5,
      .message = "c" },
    { .name = "nothing at all",
      .steps = { EXPECT("a") },
      SAYS(TEST_EOF),
      REASON(CLOSED_EARLY) },
    { .name = "silence",
      .steps = { EXPECT("a") },
      SAYS(TEST_HANG),
      REASON(NO_REPLY) },
    { .name = "reset",
      .steps = { EXPECT("a"), EXPECT("b") },
      SAYS(TEST_SEND("ac"), TEST_FAIL(INFRA_OUTCOME_RESET)),
      REASON(RESET),
      .passed = 1,
      .message = "c" },
};

static size_t steps_of(const struct row *row)
{
    size_t count = 0;

    while (count < INFRA__COUNT_OF(row->steps) &&
           (row->steps[count].bytes != NULL ||
            row->steps[count].kind == INFRA_PROBE_STEP_EXPECT_END)) {
        count++;
    }
    return count;
}

static struct infra_probe *create(const struct row *row)
{
    const struct infra_probe_script_options o = {
        .size = sizeof o, .steps = row->steps, .steps_count = steps_of(row)
    };
    struct infra_probe *probe = NULL;

    ck_assert_int_eq(infra_probe_script(&probe, &o), INFRA_OK);
    return probe;
}

static void check(struct infra_probe *probe, const struct row *row,
                  enum test_split split, uint64_t number)
{
    const char *message = row->message != NULL ? row->message : "";
    struct test_transport t = { .steps = row->peer,
                                .split = split,
                                .split_number = number };
    struct infra_probe_result r;

    /* An ACCEPT is kind 0 too: it stands only in front. */
    t.steps_count = 1;
    while (t.steps_count < INFRA__COUNT_OF(row->peer) &&
           row->peer[t.steps_count].kind != TEST_STEP_ACCEPT) {
        t.steps_count++;
    }
    infra_probe_start(probe, 0, 0);
    test_transport_run(&t, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    ck_assert_msg(r.reason == row->reason && r.status == row->passed,
                  "%s, split %d %d: %s after %u", row->name, (int)split,
                  (int)number, infra_probe_reason_name(r.reason), r.status);
    ck_assert_uint_eq(r.has, t.connects > 0 ? INFRA_PROBE_HAS_STATUS : 0);
    /* A check that ends with its last word does not wait for the peer to hear
     * it. */
    const struct test_step *left =
        t.step < t.steps_count ? &row->peer[t.step] : NULL;
    bool is_last = left != NULL && left->kind == TEST_STEP_EXPECT;
    ck_assert_msg(
        t.heard_count == (is_last ? left->size : 0) &&
            (!is_last || memcmp(t.heard, left->bytes, left->size) == 0),
        "%s: heard '%.*s' at the end", row->name, (int)t.heard_count,
        (const char *)t.heard);
    const char *text = infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE);
    ck_assert_msg(strcmp(text, message) == 0, "%s, split %d %d: '%s'",
                  row->name, (int)split, (int)number, text);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION), "");
}

/* Scripts have the same result and message in every split. */
START_TEST(scripts_are_followed)
{
    struct infra_probe *probe = create(&rows[_i]);

    check(probe, &rows[_i], TEST_SPLIT_NONE, 0);
    check(probe, &rows[_i], TEST_SPLIT_BYTES, 0);
    for (uint64_t at = 1; at < 20; at++) {
        check(probe, &rows[_i], TEST_SPLIT_AT, at);
        check(probe, &rows[_i], TEST_SPLIT_RANDOM, at);
    }
    infra_probe_destroy(probe);
}
END_TEST

/* A check leaves nothing in the next one: neither its message nor its unsent
 * bytes. */
START_TEST(checks_are_independent)
{
    static const struct row next[] = {
        { .name = "refused",
          .peer = { TEST_FAIL(INFRA_OUTCOME_REFUSED) },
          REASON(REFUSED) },
        { .name = "silence", SAYS(TEST_HANG), REASON(NO_REPLY) },
        { .name = "wrong",
          SAYS(TEST_SEND("221")),
          REASON(UNEXPECTED),
          .message = "2" },
        { .name = "well",
          SAYS(TEST_SEND("1"), TEST_EXPECT("hello"), TEST_SEND("3")),
          .passed = 3,
          .message = "3" },
    };
    static const struct row row = {
        .name = "hello", .steps = { START("1"), SEND("hello"), START("3") }
    };
    struct infra_probe *probe = create(&row);
    struct infra_exchange x = infra_probe_exchange(probe);
    const void *out;

    for (size_t i = 0; i < INFRA__COUNT_OF(next) * 2; i++) {
        infra_probe_start(probe, 0, 0);
        x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
        x.ops->input(x.self, "1", 1, 0);
        ck_assert_uint_eq(x.ops->output(x.self, &out), 5);
        x.ops->sent(x.self, 2, 0);
        ck_assert_uint_eq(x.ops->output(x.self, &out), 3);
        x.ops->note(x.self, INFRA_NOTE_FAILED, INFRA_OUTCOME_RESET, 0);
        check(probe, &next[i / 2], TEST_SPLIT_BYTES, 0);
    }
    check(probe, &next[2], TEST_SPLIT_BYTES, 0);
    check(probe, &next[1], TEST_SPLIT_NONE, 0);
    infra_probe_destroy(probe);
}
END_TEST

/* A wrong answer in one piece is shown as far as the message goes. */
START_TEST(a_wrong_answer_is_shown)
{
    static const struct row row = { .name = "wrong",
                                    .steps = { START("+OK") } };
    struct infra_probe *probe = create(&row);
    struct infra_exchange x = infra_probe_exchange(probe);
    char answer[200], shown[128];

    memset(answer, 'n', sizeof answer);
    memset(shown, 'n', sizeof shown);
    shown[127] = '\0';
    infra_probe_start(probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, answer, sizeof answer, 0);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE), shown);
    infra_probe_destroy(probe);
}
END_TEST

/* A peer that never sends the expected bytes is cut off at 64 KiB over all
 * expectations; the next check counts from 0. */
START_TEST(floods_are_cut_off)
{
    static const struct row row = { .name = "flood",
                                    .steps = { EXPECT("yx"), END } };
    struct infra_probe *probe = create(&row);
    struct infra_exchange x = infra_probe_exchange(probe);

    for (int n = 0; n < 2; n++) {
        struct infra_probe_result r;
        size_t count = 2;

        infra_probe_start(probe, 0, 0);
        x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
        x.ops->input(x.self, "yx", 2, 0);
        while (x.ops->want(x.self) == INFRA_WANT_IO && count < 100000) {
            x.ops->input(x.self, "x", 1, 0);
            count++;
        }
        ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
        ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REPLY_TOO_LONG);
        ck_assert_uint_eq(count, 65537);
    }
    infra_probe_destroy(probe);
}
END_TEST

/* The end of the first @word in @text; SIZE_MAX: none. */
static size_t first_end(const char *text, const char *word)
{
    const char *at = strstr(text, word);

    return at != NULL ? (size_t)(at - text) + strlen(word) : SIZE_MAX;
}

/* Random words in random texts, against strstr(): the check passes if the
 * expected word ends before the refused one. */
START_TEST(searches_agree_with_strstr)
{
    uint64_t seed = 42;

    for (int n = 0; n < 3000; n++) {
        char words[2][5] = { { 0 } }, text[25] = { 0 };
        for (int w = 0; w < 2; w++) {
            uint32_t size = 1 + infra__below(infra__random(&seed), 4);
            for (uint32_t i = 0; i < size; i++) {
                words[w][i] = (char)('a' + infra__random(&seed) % 2);
            }
        }
        for (size_t i = 0; i < sizeof text - 1; i++) {
            text[i] = (char)('a' + infra__random(&seed) % 2);
        }
        struct row row = { .name = text,
                           .steps = { REFUSE(words[0]), EXPECT(words[1]) } };
        struct infra_probe *probe = create(&row);
        struct infra_exchange x = infra_probe_exchange(probe);
        struct infra_probe_result r;
        size_t bad = first_end(text, words[0]);
        size_t good = first_end(text, words[1]);
        uint32_t reason = INFRA_PROBE_REASON_CLOSED_EARLY;

        if (bad != SIZE_MAX || good != SIZE_MAX) {
            reason = good < bad ? INFRA_PROBE_REASON_PASSED
                                : INFRA_PROBE_REASON_UNEXPECTED;
        }
        infra_probe_start(probe, 0, 0);
        x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
        x.ops->input(x.self, text, sizeof text - 1, 0);
        x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
        ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
        ck_assert_msg(r.reason == reason, "not '%s', '%s' in '%s': %s",
                      words[0], words[1], text,
                      infra_probe_reason_name(r.reason));
        infra_probe_destroy(probe);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_script");
    TCase *tc = tcase_create("script");
    tcase_add_loop_test(tc, scripts_are_followed, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, checks_are_independent);
    tcase_add_test(tc, a_wrong_answer_is_shown);
    tcase_add_test(tc, floods_are_cut_off);
    tcase_add_test(tc, searches_agree_with_strstr);
    suite_add_tcase(s, tc);
    return test_main(s);
}
