/* SPDX-License-Identifier: MIT */
/* Heads: limits, forms of targets, responses, connection options. */
#include "support.h"

#include "base/internal.h"
#include "message.h"

#include <stdio.h>

static struct infra_http_field fields[MESSAGE_FIELDS];
static struct infra_http_head head;

static uint32_t take(uint32_t kind, const struct infra_http_head *request,
                     const struct infra_http_limits *limits, const char *text)
{
    ck_assert_int_eq(infra_http_head_start(&head, kind, request, limits, fields,
                                           MESSAGE_FIELDS),
                     INFRA_OK);
    return infra_http_head_take(&head, text, strlen(text));
}

static void expect_refusal(uint32_t kind, const char *text, uint32_t reason,
                           uint32_t status)
{
    ck_assert_msg(take(kind, NULL, NULL, text) == INFRA_HTTP_REFUSED, "%s",
                  text);
    ck_assert_msg(head.reason == reason && head.refusal_status == status,
                  "%s: %u %s", text, head.refusal_status,
                  infra_http_reason_name(head.reason));
}

static void expect_text(const char *text, struct infra_http_span span,
                        const char *expected)
{
    ck_assert_msg(span.length == strlen(expected) &&
                      memcmp(text + span.at, expected, span.length) == 0,
                  "%.*s, not %s", (int)span.length, text + span.at, expected);
}

/* A head's parts are found in place. */
START_TEST(a_head_is_taken_apart)
{
    static const char text[] =
        "POST /a?b HTTP/1.1\r\nHost: h:80\r\nX:\t v w \t\r\nEmpty:\r\n"
        "EXPECT: 100-Continue\r\ncontent-length: 12\r\n\r\nmore";

    ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, NULL, text),
                      INFRA_HTTP_DONE);
    ck_assert_uint_eq(head.size, sizeof text - 5);
    ck_assert_uint_eq(head.method_id, INFRA_HTTP_METHOD_POST);
    ck_assert_uint_eq(head.framing, INFRA_HTTP_FRAMING_LENGTH);
    ck_assert_uint_eq(head.content_length, 12);
    ck_assert_uint_eq(head.flags, INFRA_HTTP_KEEP_ALIVE | INFRA_HTTP_CONTINUE |
                                      INFRA_HTTP_HAS_LENGTH);
    expect_text(text, head.method, "POST");
    expect_text(text, head.path, "/a?b");
    expect_text(text, head.host, "h:80");
    ck_assert_uint_eq(head.fields_count, 5);
    expect_text(text, fields[1].name, "X");
    expect_text(text, fields[1].value, "v w");
    expect_text(text, fields[2].value, "");
    ck_assert_int_eq(infra_http_head_find(&head, INFRA_HTTP_ID_EXPECT, 0), 3);
    ck_assert_int_eq(infra_http_head_find(&head, INFRA_HTTP_ID_EXPECT, 4), -1);
    ck_assert_uint_eq(infra_http_head_take(&head, text, sizeof text - 1),
                      INFRA_HTTP_DONE);
}
END_TEST

/* Each of the four forms of a target gives a path and a host (RFC 9112 §3.2);
 * the target's authority counts more than Host. */
START_TEST(targets_have_four_forms)
{
    static const struct {
        const char *line, *path, *host;
        uint32_t reason;
    } rows[] = {
        { "GET / HTTP/1.1", "/", "a", 0 },
        { "GET http://b:8/c?d HTTP/1.1", "/c?d", "b:8", 0 },
        { "GET HTTPS://b?d HTTP/1.1", "?d", "b", 0 },
        { "GET http://[::1]:8 HTTP/1.1", "", "[::1]:8", 0 },
        { "OPTIONS * HTTP/1.1", "*", "a", 0 },
        { "CONNECT b:443 HTTP/1.1", "", "b:443", 0 },
        { "GET * HTTP/1.1", "", "", INFRA_HTTP_REASON_TARGET },
        { "GET ftp://b/ HTTP/1.1", "", "", INFRA_HTTP_REASON_TARGET },
        { "GET http:/// HTTP/1.1", "", "", INFRA_HTTP_REASON_HOST_VALUE },
        { "GET http://u@b/ HTTP/1.1", "", "", INFRA_HTTP_REASON_HOST_VALUE },
        { "CONNECT /x HTTP/1.1", "", "", INFRA_HTTP_REASON_HOST_VALUE },
        { "GET /a#b HTTP/1.1", "", "", INFRA_HTTP_REASON_TARGET },
        { "GET /\xc3\xa4 HTTP/1.1", "", "", INFRA_HTTP_REASON_TARGET },
        { "GET /a\x01 HTTP/1.1", "", "", INFRA_HTTP_REASON_TARGET },
        { "GET /a\t/b HTTP/1.1", "", "", INFRA_HTTP_REASON_TARGET },
        { "GET /", "", "", INFRA_HTTP_REASON_REQUEST_LINE },
        { "GET", "", "", INFRA_HTTP_REASON_REQUEST_LINE },
        { "GET / http/1.1", "", "", INFRA_HTTP_REASON_REQUEST_LINE },
    };
    char text[128];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n", rows[i].line);
        if (rows[i].reason != 0) {
            expect_refusal(INFRA_HTTP_REQUEST, text, rows[i].reason, 400);
            continue;
        }
        ck_assert_msg(take(INFRA_HTTP_REQUEST, NULL, NULL, text) ==
                          INFRA_HTTP_DONE,
                      "%s: %s", text, infra_http_reason_name(head.reason));
        expect_text(text, head.path, rows[i].path);
        expect_text(text, head.host, rows[i].host);
    }
}
END_TEST

/* Hosts are names or addresses, with or without a port. */
START_TEST(hosts_are_checked)
{
    static const char *const good[] = { "a",       "a:",     "a.b:1",   "[::1]",
                                        "1.2.3.4", "x_y-z~", "[::1]:80" };
    static const char *const bad[] = { "",      ":80",  "a:b", "a b",   "[]",
                                       "[::1",  "a/b",  "a@b", "a,b:c", "[a]b",
                                       "a:1:2", "[g1]", "[:]" };
    char text[128];

    for (size_t i = 0; i < INFRA__COUNT_OF(good); i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
                 good[i]);
        ck_assert_msg(take(INFRA_HTTP_REQUEST, NULL, NULL, text) ==
                          INFRA_HTTP_DONE,
                      "%s", text);
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(bad); i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
                 bad[i]);
        expect_refusal(INFRA_HTTP_REQUEST, text, INFRA_HTTP_REASON_HOST_VALUE,
                       400);
    }
}
END_TEST

/* Each limit is held to the byte, with the status that says which it was. */
START_TEST(limits_hold_to_the_byte)
{
    static const char text[] = "GET /abcd HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 9\r\n\r\n";
    struct infra_http_limits limits = { .size = sizeof limits,
                                        .head_max = sizeof text - 1,
                                        .target_max = 5,
                                        .body_max = 9 };
    ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, &limits, text),
                      INFRA_HTTP_DONE);
    limits.head_max--;
    ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, &limits, text),
                      INFRA_HTTP_REFUSED);
    ck_assert_uint_eq(head.refusal_status, 431);
    limits.head_max = 8; /* The limit falls into the first line. */
    ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, &limits, text),
                      INFRA_HTTP_REFUSED);
    ck_assert_uint_eq(head.refusal_status, 414);
    limits.head_max = 0;
    limits.target_max = 4;
    ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, &limits, text),
                      INFRA_HTTP_REFUSED);
    ck_assert_uint_eq(head.refusal_status, 414);
    limits.target_max = 0;
    limits.body_max = 8;
    ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, &limits, text),
                      INFRA_HTTP_REFUSED);
    ck_assert_uint_eq(head.refusal_status, 413);
    ck_assert_int_eq(
        infra_http_head_start(&head, INFRA_HTTP_REQUEST, NULL, NULL, fields, 1),
        INFRA_OK);
    ck_assert_uint_eq(infra_http_head_take(&head, text, sizeof text - 1),
                      INFRA_HTTP_REFUSED);
    ck_assert_uint_eq(head.reason, INFRA_HTTP_REASON_FIELDS);
    ck_assert_uint_eq(head.refusal_status, 431);
}
END_TEST

/* What cannot begin a request is refused at its first byte: it may never have
 * an end of a line. */
START_TEST(other_protocols_are_refused_at_once)
{
    expect_refusal(INFRA_HTTP_REQUEST, "\x16", INFRA_HTTP_REASON_REQUEST_LINE,
                   400);
    expect_refusal(INFRA_HTTP_REQUEST, "\r\n\r\n",
                   INFRA_HTTP_REASON_REQUEST_LINE, 400);
    expect_refusal(INFRA_HTTP_RESPONSE, "S", INFRA_HTTP_REASON_STATUS_LINE,
                   502);
}
END_TEST

/* A response's framing follows its status and the request (RFC 9112 §6.3). */
START_TEST(responses_are_framed_by_status_and_request)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char get_head[] = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char connect[] = "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char upgrade[] = "GET / HTTP/1.1\r\nHost: a\r\n"
                                  "Connection: Upgrade\r\nUpgrade: x\r\n\r\n";
    static const struct {
        const char *request, *response;
        uint32_t framing, flags, reason;
    } rows[] = {
#define LENGTH "Content-Length: 5\r\n\r\n"
#define CODING "Transfer-Encoding: chunked\r\n\r\n"
#define KEEPS INFRA_HTTP_KEEP_ALIVE
#define HAS (INFRA_HTTP_KEEP_ALIVE | INFRA_HTTP_HAS_LENGTH)
        { get, "HTTP/1.1 200 OK\r\n" LENGTH, 1, HAS, 0 },
        { get, "HTTP/1.1 200\r\n" CODING, 2, KEEPS, 0 },
        { get, "HTTP/1.1 200 OK\r\n\r\n", 3, 0, 0 },
        { get, "HTTP/1.0 200 OK\r\n" LENGTH, 1, INFRA_HTTP_HAS_LENGTH, 0 },
        { get, "HTTP/1.1 204 x\r\n" LENGTH, 0, HAS, 0 },
        { get, "HTTP/1.1 304 x\r\n" LENGTH, 0, HAS, 0 },
        { get, "HTTP/1.1 100 x\r\n\r\n", 0, KEEPS | INFRA_HTTP_INTERIM, 0 },
        { get_head, "HTTP/1.1 200 x\r\n" LENGTH, 0, HAS, 0 },
        { get_head, "HTTP/1.1 200 x\r\n" CODING, 0, KEEPS, 0 },
        { connect, "HTTP/1.1 200 x\r\n\r\n", 4, KEEPS, 0 },
        { connect, "HTTP/1.1 403 x\r\n" LENGTH, 1, HAS, 0 },
        { upgrade, "HTTP/1.1 101 x\r\n\r\n", 4, KEEPS, 0 },
        { upgrade, "HTTP/1.1 200 x\r\n" LENGTH, 1, HAS, 0 },
        { get, "HTTP/1.1 101 x\r\n\r\n", 0, 0, INFRA_HTTP_REASON_SWITCH },
        { get, "HTTP/1.1 20 x\r\n\r\n", 0, 0, INFRA_HTTP_REASON_STATUS_LINE },
        { get, "HTTP/1.1 099 x\r\n\r\n", 0, 0, INFRA_HTTP_REASON_STATUS_LINE },
        { get, "HTTP/1.1 200x\r\n\r\n", 0, 0, INFRA_HTTP_REASON_STATUS_LINE },
        { get, "HTTP/1.1 200 x\r\nContent-Length: 5\r\n" CODING, 0, 0,
          INFRA_HTTP_REASON_LENGTH_CODING },
        { get, "HTTP/1.1 200 x\r\nA : b\r\n\r\n", 0, 0,
          INFRA_HTTP_REASON_FIELD_NAME },
        { get, "HTTP/2.0 200 x\r\n\r\n", 0, 0, INFRA_HTTP_REASON_VERSION },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, NULL, rows[i].request),
                          INFRA_HTTP_DONE);
        struct infra_http_head request = head;
        uint32_t step =
            take(INFRA_HTTP_RESPONSE, &request, NULL, rows[i].response);
        ck_assert_msg(
            step == (rows[i].reason != 0 ? (uint32_t)INFRA_HTTP_REFUSED
                                         : (uint32_t)INFRA_HTTP_DONE) &&
                head.reason == rows[i].reason,
            "%s: %s", rows[i].response, infra_http_reason_name(head.reason));
        if (rows[i].reason != 0) {
            ck_assert_uint_eq(head.refusal_status, 502);
        } else {
            ck_assert_msg(
                head.framing == rows[i].framing && head.flags == rows[i].flags,
                "%s: %u %u", rows[i].response, head.framing, head.flags);
        }
    }
}
END_TEST

/* A lenient reader of responses accepts a blank before a colon, and a coding
 * beside a length, which ends the connection (RFC 9112 §6.1). */
START_TEST(lenient_responses)
{
    struct infra_http_limits limits = { .size = sizeof limits, .lenient = 1 };
    static const char text[] = "\r\n\nHTTP/1.1 200 OK\nContent-Length : 1\n"
                               "Transfer-Encoding: chunked\n\n";

    ck_assert_uint_eq(take(INFRA_HTTP_RESPONSE, NULL, &limits, text),
                      INFRA_HTTP_DONE);
    ck_assert_uint_eq(head.framing, INFRA_HTTP_FRAMING_CHUNKED);
    ck_assert_uint_eq(head.flags, 0);
    expect_text(text, fields[0].name, "Content-Length");
}
END_TEST

/* Connection says whether the connection lasts and which fields are only for
 * this hop; more options than are looked at are refused. */
START_TEST(connection_options_count)
{
    static const struct {
        const char *version, *value;
        uint32_t keeps;
    } rows[] = {
        { "1.1", "x", 1 },          { "1.1", "close", 0 },
        { "1.1", "x ,\tCLOSE", 0 }, { "1.0", "x", 0 },
        { "1.0", "Keep-Alive", 1 }, { "1.0", "keep-alive, close", 0 },
    };
    char text[256];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        snprintf(text, sizeof text,
                 "GET / HTTP/%s\r\nHost: a\r\nConnection: %s\r\n\r\n",
                 rows[i].version, rows[i].value);
        ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, NULL, text),
                          INFRA_HTTP_DONE);
        ck_assert_msg((head.flags & INFRA_HTTP_KEEP_ALIVE) == rows[i].keeps,
                      "%s", text);
    }
    ck_assert_uint_eq(take(INFRA_HTTP_REQUEST, NULL, NULL,
                           "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-a, "
                           "TE\r\nx-A: 1\r\nB: 2\r\nTE: trailers\r\n\r\n"),
                      INFRA_HTTP_DONE);
    ck_assert_uint_eq(fields[1].flags, INFRA_HTTP_FIELD_HOP);
    ck_assert_uint_eq(fields[2].flags, INFRA_HTTP_FIELD_HOP);
    ck_assert_uint_eq(fields[3].flags, 0);
    ck_assert_uint_eq(fields[4].flags, INFRA_HTTP_FIELD_HOP);
    expect_refusal(INFRA_HTTP_REQUEST,
                   "GET / HTTP/1.1\r\nHost: a\r\nConnection: a,a,a,a,a,a,a,a\r"
                   "\nConnection: a,a,a,a,a,a,a,a,a\r\n\r\n",
                   INFRA_HTTP_REASON_CONNECTION, 400);
}
END_TEST

/* CONNECT has no body, and HTTP/1.0 neither codings nor a need for Host. */
START_TEST(versions_and_methods_have_their_rules)
{
    expect_refusal(INFRA_HTTP_REQUEST,
                   "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                   "\r\n",
                   INFRA_HTTP_REASON_BODY_SIZE, 413);
    ck_assert_uint_eq(
        take(INFRA_HTTP_REQUEST, NULL, NULL, "GET / HTTP/1.0\r\n\r\n"),
        INFRA_HTTP_DONE);
    ck_assert_uint_eq(head.host.length, 0);
    expect_refusal(INFRA_HTTP_REQUEST, "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
                   INFRA_HTTP_REASON_VERSION, 505);
}
END_TEST

/* A coding is exactly "chunked", without empty elements or parameters. */
START_TEST(codings_are_exact)
{
    static const char *const rows[] = { "", ", chunked", "chunked;q=1", ",",
                                        "chunked chunked" };
    char text[128];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        snprintf(text, sizeof text,
                 "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n",
                 rows[i]);
        expect_refusal(INFRA_HTTP_REQUEST, text, INFRA_HTTP_REASON_NOT_CHUNKED,
                       400);
    }
}
END_TEST

/* A start with what it cannot use says so. */
START_TEST(bad_arguments_are_refused)
{
    struct infra_http_limits limits = { .size = sizeof limits };
    struct {
        struct infra_http_limits known;
        uint64_t later;
    } future = { { .size = sizeof future }, 1 };

#define START(h, kind, l, f) infra_http_head_start(h, kind, NULL, l, f, 1)
    ck_assert_int_eq(START(NULL, 0, NULL, fields), INFRA_EINVAL);
    ck_assert_int_eq(START(&head, 3, NULL, fields), INFRA_EINVAL);
    ck_assert_int_eq(START(&head, 0, NULL, NULL), INFRA_EINVAL);
    ck_assert_int_eq(START(&head, 0, &future.known, fields), INFRA_ESTRUCT);
    limits.head_max = (1u << 20) + 1;
    ck_assert_int_eq(START(&head, 0, &limits, fields), INFRA_EINVAL);
    limits.head_max = 1u << 20;
    ck_assert_int_eq(START(&head, 0, &limits, fields), INFRA_OK);
    limits.lenient = 2;
    ck_assert_int_eq(START(&head, 0, &limits, fields), INFRA_EINVAL);
    limits.lenient = 0;
    limits.reserved = 1;
    ck_assert_int_eq(START(&head, 0, &limits, fields), INFRA_EINVAL);
    limits.reserved = 0;
    limits.body_max = UINT64_MAX;
    ck_assert_int_eq(START(&head, 0, &limits, fields), INFRA_EINVAL);
}
END_TEST

/* Each control character in a value is found, wherever it stands among the
 * eight bytes that are looked at together; HTAB and bytes above 127 may be. */
START_TEST(control_characters_are_found_everywhere)
{
    char text[64];

    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 17; at++) {
            int n = snprintf(text, sizeof text,
                             "GET / HTTP/1.1\r\nHost: a\r\nX: "
                             "aaaaaaaaaaaaaaaaaaa\r\n\r\n");
            text[29 + at] = (char)c;
            ck_assert_int_eq(infra_http_head_start(&head, INFRA_HTTP_REQUEST,
                                                   NULL, NULL, fields, 8),
                             INFRA_OK);
            int is_good = c == '\t' || (c >= ' ' && c != 0x7f);
            ck_assert_msg(infra_http_head_take(&head, text, (size_t)n) ==
                              (is_good ? (uint32_t)INFRA_HTTP_DONE
                                       : (uint32_t)INFRA_HTTP_REFUSED),
                          "%d at %zu", c, at);
        }
    }
}
END_TEST

/* Each reason and framing has a name of its own. */
START_TEST(each_value_has_a_name)
{
    for (uint32_t i = 0; i <= INFRA_HTTP_REASON_SWITCH; i++) {
        ck_assert_str_ne(infra_http_reason_name(i), "unknown");
        for (uint32_t k = 0; k < i; k++) {
            ck_assert_str_ne(infra_http_reason_name(i),
                             infra_http_reason_name(k));
        }
    }
    ck_assert_str_eq(infra_http_reason_name(INFRA_HTTP_REASON_SWITCH + 1),
                     "unknown");
    ck_assert_str_eq(infra_http_framing_name(INFRA_HTTP_FRAMING_TUNNEL),
                     "tunnel");
    ck_assert_str_eq(infra_http_framing_name(5), "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_head");
    TCase *tc = tcase_create("head");

    tcase_add_test(tc, a_head_is_taken_apart);
    tcase_add_test(tc, targets_have_four_forms);
    tcase_add_test(tc, hosts_are_checked);
    tcase_add_test(tc, limits_hold_to_the_byte);
    tcase_add_test(tc, other_protocols_are_refused_at_once);
    tcase_add_test(tc, responses_are_framed_by_status_and_request);
    tcase_add_test(tc, lenient_responses);
    tcase_add_test(tc, connection_options_count);
    tcase_add_test(tc, versions_and_methods_have_their_rules);
    tcase_add_test(tc, codings_are_exact);
    tcase_add_test(tc, bad_arguments_are_refused);
    tcase_add_test(tc, control_characters_are_found_everywhere);
    tcase_add_test(tc, each_value_has_a_name);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
