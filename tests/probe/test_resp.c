/* SPDX-License-Identifier: MIT */
/* The parser of Redis replies: values and their place, malformed replies, and
 * the end of a reply. */
#include "support.h"

#include "base/internal.h"
#include "probe/redis/resp.h"

#include <infra/probe.h>
#include <stdio.h>
#include <string.h>

/* Each value on a line of its own: place, type, number or text, and a bar at
 * the end of a reply. */
static const struct {
    const char *name;
    const char *bytes;
    const char *values;
} good[] = {
    { "simple string", "+OK\r\n", "0.0+OK|" },
    { "empty simple string", "+\r\n", "0.0+|" },
    { "error", "-ERR no\r\n", "0.0-ERR no|" },
    { "number", ":42\r\n", "0.0:42|" },
    { "greatest number", ":9223372036854775807\r\n",
      "0.0:9223372036854775807|" },
    { "least number", ":-9223372036854775808\r\n",
      "0.0:-9223372036854775808|" },
    { "minus zero", ":-0\r\n", "0.0:0|" },
    { "leading zeros", ":00000000000000000000000012\r\n", "0.0:12|" },
    { "bulk", "$2\r\nab\r\n", "0.0$ab|" },
    { "bulk with a line end", "$4\r\na\r\nb\r\n", "0.0$a\r\nb|" },
    { "empty bulk", "$0\r\n\r\n", "0.0$|" },
    { "null bulk", "$-1\r\n", "0.0$|" },
    { "null array", "*-1\r\n", "0.0*-1|" },
    { "empty array", "*0\r\n", "0.0*0|" },
    { "array", "*3\r\n:1\r\n$1\r\nb\r\n+c\r\n", "0.0*3 1.0:1 1.1$b 1.2+c|" },
    { "arrays in arrays", "*2\r\n*2\r\n:1\r\n*1\r\n:2\r\n*1\r\n*0\r\n+x\r\n",
      "0.0*2 1.0*2 2.0:1 2.1*1 3.0:2 1.1*1 2.0*0|0.0+x|" },
    { "four deep", "*1\r\n*1\r\n*1\r\n*2\r\n:1\r\n:2\r\n",
      "0.0*1 1.0*1 2.0*1 3.0*2 4.0:1 4.1:2|" },
    { "replies in a row", "+a\r\n-b\r\n*1\r\n$-1\r\n:3\r\n",
      "0.0+a|0.0-b|0.0*1 1.0$|0.0:3|" },
};

START_TEST(values_are_told_with_their_place)
{
    struct infra__resp r;
    char told[512] = "";
    size_t size = 0;

    infra__resp_start(&r);
    for (const char *p = good[_i].bytes; *p != '\0'; p++) {
        const struct infra__resp_value *v = &r.value;
        enum infra__resp_event e = infra__resp_byte(&r, (unsigned char)*p);

        ck_assert_msg(e != INFRA__RESP_BAD, "%s: bad at %d", good[_i].name,
                      (int)(p - good[_i].bytes));
        if (e == INFRA__RESP_MORE) {
            continue;
        }
        char number[24] = "";
        if (v->type == ':' || v->type == '*') {
            (void)snprintf(number, sizeof number, "%lld", (long long)v->number);
        }
        size += (size_t)snprintf(
            told + size, sizeof told - size, "%u.%u%c%s%.*s%s", v->depth,
            v->index, v->type, number, (int)v->text_size, (const char *)v->text,
            v->ends_reply ? "|" : " ");
    }
    ck_assert_msg(strcmp(told, good[_i].values) == 0, "%s: '%s'", good[_i].name,
                  told);
}
END_TEST

/* The last byte is the one that is refused. */
static const struct {
    const char *bytes;
    size_t size;
    uint32_t reason;
} bad[] = {
#define BAD(text, r)                                   \
    {                                                  \
        text, sizeof(text) - 1, INFRA_PROBE_REASON_##r \
    }
    BAD("H", WRONG_PROTOCOL),
    BAD("\0", WRONG_PROTOCOL),
    BAD("\r", WRONG_PROTOCOL),
    BAD("%", WRONG_PROTOCOL),
    BAD("+a\r\n%", BAD_REPLY),
    BAD("+a\r\n\r", BAD_REPLY),
    BAD("+a\n", BAD_REPLY),
    BAD("+a\rb", BAD_REPLY),
    BAD("-a\r\r", BAD_REPLY),
    BAD(":\r", BAD_REPLY),
    BAD(":-\r", BAD_REPLY),
    BAD(":--", BAD_REPLY),
    BAD(":1-", BAD_REPLY),
    BAD(":+", BAD_REPLY),
    BAD(":1\n", BAD_REPLY),
    BAD(":1\rx", BAD_REPLY),
    BAD(": ", BAD_REPLY),
    BAD(":/", BAD_REPLY),
    BAD("::", BAD_REPLY),
    BAD(":9223372036854775808", BAD_REPLY),
    BAD(":-9223372036854775809", BAD_REPLY),
    BAD(":12345678901234567890", BAD_REPLY),
    BAD("$-2\r\n", BAD_REPLY),
    BAD("*-2\r\n", BAD_REPLY),
    BAD("$65537\r\n", REPLY_TOO_LONG),
    BAD("*65537\r\n", REPLY_TOO_LONG),
    BAD("$1\r\nab", BAD_REPLY),
    BAD("$1\r\na\rb", BAD_REPLY),
    BAD("$0\r\nx", BAD_REPLY),
    BAD("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", BAD_REPLY),
    BAD("*1\r\nx", BAD_REPLY),
};

START_TEST(what_cannot_be_is_known_at_once)
{
    const unsigned char *bytes = (const unsigned char *)bad[_i].bytes;
    const size_t last = bad[_i].size - 1;
    struct infra__resp r;

    infra__resp_start(&r);
    for (size_t i = 0; i < last; i++) {
        ck_assert_msg(infra__resp_byte(&r, bytes[i]) != INFRA__RESP_BAD,
                      "'%s' is bad too early, at %zu", bad[_i].bytes, i);
    }
    ck_assert_msg(infra__resp_byte(&r, bytes[last]) == INFRA__RESP_BAD,
                  "'%s' is not bad", bad[_i].bytes);
    ck_assert_uint_eq(r.reason, bad[_i].reason);
    ck_assert_int_eq(infra__resp_byte(&r, '+'), INFRA__RESP_BAD);
    ck_assert_uint_eq(r.reason, bad[_i].reason);
}
END_TEST

/* All replies together may have 64 KiB, in one text or in many. */
START_TEST(replies_are_bounded)
{
    static const struct {
        const char *start;
        const char *flood;
    } rows[] = {
        { "+", "x" },          { ":", "0" },
        { "$65536\r\n", "x" }, { "*65536\r\n", ":1\r\n" },
        { "", "+PONG\r\n" },
    };
    const char *flood = rows[_i].flood;
    struct infra__resp r;
    enum infra__resp_event e = INFRA__RESP_MORE;
    size_t count = 0;

    infra__resp_start(&r);
    for (const char *p = rows[_i].start; *p != '\0'; p++, count++) {
        e = infra__resp_byte(&r, (unsigned char)*p);
    }
    for (size_t i = 0; e != INFRA__RESP_BAD && count < 100000; count++, i++) {
        e = infra__resp_byte(&r, (unsigned char)flood[i % strlen(flood)]);
    }
    ck_assert_uint_eq(count, INFRA__RESP_BYTES_MAX + 1);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REPLY_TOO_LONG);
}
END_TEST

/* The beginning of a long text is kept, up to the last byte that fits. */
START_TEST(the_beginning_of_a_text_is_kept)
{
    for (size_t size = 250; size < 260; size++) {
        struct infra__resp r;
        enum infra__resp_event e = INFRA__RESP_MORE;
        size_t kept = size < INFRA__RESP_TEXT_MAX ? size : INFRA__RESP_TEXT_MAX;

        infra__resp_start(&r);
        (void)infra__resp_byte(&r, '+');
        for (size_t i = 0; i < size; i++) {
            e = infra__resp_byte(&r, (unsigned char)('a' + i % 26));
            ck_assert_int_eq(e, INFRA__RESP_MORE);
        }
        (void)infra__resp_byte(&r, '\r');
        ck_assert_int_eq(infra__resp_byte(&r, '\n'), INFRA__RESP_VALUE);
        ck_assert_uint_eq(r.value.text_size, kept);
        for (size_t i = 0; i < kept; i++) {
            ck_assert_uint_eq(r.value.text[i], 'a' + i % 26);
        }
    }
}
END_TEST

START_TEST(texts_are_compared_whole_or_from_the_start)
{
    const struct infra__resp_value v = { .text = "LOADING x", .text_size = 9 };
    const struct infra__resp_value empty = { .text = "LOADING" };

    ck_assert(infra__resp_is(&v, "LOADING x"));
    ck_assert(!infra__resp_is(&v, "LOADING"));
    ck_assert(!infra__resp_is(&v, "LOADING xy"));
    ck_assert(infra__resp_begins(&v, "LOADING"));
    ck_assert(infra__resp_begins(&v, "LOADING x"));
    ck_assert(!infra__resp_begins(&v, "LOADING xy"));
    ck_assert(!infra__resp_begins(&v, "OADING"));
    ck_assert(infra__resp_is(&empty, ""));
    ck_assert(!infra__resp_begins(&empty, "L"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_resp");
    TCase *tc = tcase_create("resp");
    tcase_add_loop_test(tc, values_are_told_with_their_place, 0,
                        INFRA__COUNT_OF(good));
    tcase_add_loop_test(tc, what_cannot_be_is_known_at_once, 0,
                        INFRA__COUNT_OF(bad));
    tcase_add_loop_test(tc, replies_are_bounded, 0, 5);
    tcase_add_test(tc, the_beginning_of_a_text_is_kept);
    tcase_add_test(tc, texts_are_compared_whole_or_from_the_start);
    suite_add_tcase(s, tc);
    return test_main(s);
}
