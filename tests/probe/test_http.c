/* SPDX-License-Identifier: MIT */
/* The HTTP check: the request to the byte, every kind of reply in every split,
 * limits, deadlines, and texts that a request may not contain. */
#include "probing.h"

#include "base/internal.h"

#include <infra/probe.h>
#include <stdio.h>
#include <string.h>

#define REQUEST                \
    "GET / HTTP/1.1\r\n"       \
    "Host: localhost\r\n"      \
    "User-Agent: libinfra\r\n" \
    "Connection: close\r\n"    \
    "\r\n"

static void create(struct infra_probe_http_options o)
{
    o.size = sizeof o;
    o.allocator = &probing.heap.allocator;
    ck_assert_int_eq(infra_probe_http(&probing.probe, &o), INFRA_OK);
}

static const struct infra_probe_http_field fields[] = {
    { "Authorization", "Basic dTpw" },
    { "X-Forwarded-Proto", "https" },
    { "X-Odd~!#", "\t \xc3\xa9, \"a:b\"\\" },
    { "X-Empty", "" },
    { "user-AGENT", "probe/1" },
    { "X-Empty", "again" },
};

/* The request is exactly this, however it is split. */
static const struct {
    struct infra_probe_http_options options;
    const char *request;
} requests[] = {
    { { .method = NULL }, REQUEST },
    { { .method = "HEAD", .path = "/health?deep=1", .host = "[::1]:8080" },
      "HEAD /health?deep=1 HTTP/1.1\r\nHost: [::1]:8080\r\n"
      "User-Agent: libinfra\r\nConnection: close\r\n\r\n" },
    { { .method = "OPTIONS", .path = "*", .host = "example.org" },
      "OPTIONS * HTTP/1.1\r\nHost: example.org\r\n"
      "User-Agent: libinfra\r\nConnection: close\r\n\r\n" },
    { { .fields = fields, .fields_count = 2 },
      "GET / HTTP/1.1\r\nHost: localhost\r\n"
      "User-Agent: libinfra\r\nConnection: close\r\n"
      "Authorization: Basic dTpw\r\nX-Forwarded-Proto: https\r\n\r\n" },
    { { .host = "a", .fields = fields + 2, .fields_count = 4 },
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
      "X-Odd~!#: \t \xc3\xa9, \"a:b\"\\\r\nX-Empty: \r\n"
      "user-AGENT: probe/1\r\nX-Empty: again\r\n\r\n" },
    { { .fields = NULL, .fields_count = 0 }, REQUEST },
};

START_TEST(requests_are_exact)
{
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        { .kind = TEST_STEP_EXPECT,
          .bytes = requests[_i].request,
          .size = strlen(requests[_i].request) },
        TEST_SEND("HTTP/1.1 200 OK\r\n\r\n"),
    };

    create(requests[_i].options);
    for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
        struct test_transport t = TEST_TRANSPORT(script);
        t.split = (enum test_split)split;
        t.split_number = 3;
        ck_assert_uint_eq(probing_run(&t).reason, INFRA_PROBE_REASON_PASSED);
        ck_assert_uint_eq(t.heard_count, 0);
    }
}
END_TEST

/* A reply, the end of the connection, and the result. */
struct reply {
    const char *name;
    const char *text;
    size_t size;
    struct infra_probe_http_options options;
    enum test_step_kind end; /* 0: nothing more comes. */
    uint32_t reason;
    uint32_t status;
};

#define TEXT(t) .text = (t), .size = sizeof(t) - 1
#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_LINE "Transfer-Encoding: chunked\r\n\r\n"
#define WANTS(t) .options = { .body_contains = (t) }

/* After this prefix a name has the length of another name, modulo 256. */
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct reply good_replies[] = {
    { .name = "least", TEXT("HTTP/1.1 200 \r\n\r\n"), .status = 200 },
    { .name = "no reason phrase", TEXT("HTTP/1.1 204\r\n\r\n"), .status = 204 },
    { .name = "HTTP/1.0",
      TEXT("HTTP/1.0 301 Moved\r\nLocation: /\r\n\r\n"),
      .status = 301 },
    { .name = "line feeds alone",
      TEXT("HTTP/1.1 200 OK\nA: b\n\n"),
      .status = 200 },
    { .name = "odd fields",
      TEXT(OK_LINE "a:\r\nb:\t \r\nX-~!#$%&'*+.^_`|9:  \xc3\xa9 \"\\ \r\n"
                   "A-name-longer-than-every-name-that-matters: 1\r\n\r\n"),
      .status = 200 },
    { .name = "interim replies",
      TEXT("HTTP/1.1 100 Continue\r\n\r\n"
           "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: </a>\r\n\r\n"
           "HTTP/1.1 200 OK\r\n\r\n"),
      .status = 200 },
    { .name = "equal lengths",
      TEXT(OK_LINE "Content-Length: 3\r\nContent-Length: 003\r\n\r\nabc"),
      .status = 200 },
    { .name = "equal lengths with blanks",
      TEXT(OK_LINE "Content-Length: 3 \r\nContent-Length:3\r\n\r\nabc"),
      WANTS("abc"),
      .status = 200 },
    { .name = "lengths of interim replies count for nothing",
      TEXT("HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall abc"),
      WANTS("abc"),
      .status = 200 },
    { .name = "lengths of interim replies are no chunk sizes",
      TEXT("HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\n" CHUNKED
           "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
      WANTS("cd"),
      .status = 200 },
    { .name = "name that only begins like one that matters",
      TEXT(OK_LINE "Transfer-Encodings: gzip\r\nContent-Lengths: x\r\n\r\n"),
      .status = 200 },
    { .name = "name that only ends like one that matters",
      TEXT(OK_LINE X64 X64 X64 X64 "Transfer-Encoding: gzip\r\n\r\n"),
      .status = 200 },
    { .name = "coding in any case",
      TEXT(OK_LINE
           "TRANSFER-encoding: \tChunKed \r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      WANTS("abc"),
      .status = 200 },
    { .name = "greatest length",
      TEXT(OK_LINE "Content-Length: 18446744073709551615\r\n\r\n"),
      .status = 200 },
    { .name = "expected status",
      TEXT("HTTP/1.1 503 Busy\r\n\r\n"),
      .options = { .status_min = 503 },
      .status = 503 },
    { .name = "status at the lower end",
      TEXT("HTTP/1.1 404 No\r\n\r\n"),
      .options = { .status_min = 404, .status_max = 405 },
      .status = 404 },
    { .name = "status at the upper end",
      TEXT("HTTP/1.1 405 No\r\n\r\n"),
      .options = { .status_min = 404, .status_max = 405 },
      .status = 405 },
    { .name = "switching protocols is final",
      TEXT("HTTP/1.1 101 Switching\r\n\r\n"),
      .options = { .status_min = 101 },
      .status = 101 },
    { .name = "body with length",
      TEXT(OK_LINE "Content-Length: 12\r\n\r\nstatus: fine"),
      WANTS("fine"),
      .status = 200 },
    { .name = "body until close",
      TEXT(OK_LINE "\r\nall is fine, and more"),
      WANTS("fine"),
      .status = 200 },
    { .name = "the text is the body",
      TEXT(OK_LINE "Content-Length: 4\r\n\r\nfine"),
      WANTS("fine"),
      .status = 200 },
    { .name = "text over chunks",
      TEXT(CHUNKED "3\r\nall\r\n5;ext=\"a b\"\r\n is f\r\n"
                   "0003 \t;x\r\nine\r\n0\r\n\r\n"),
      WANTS("is fine"),
      .status = 200 },
    { .name = "chunk sizes in hex",
      TEXT(CHUNKED "1\r\nx\r\n0A\r\n0123456789\r\na\r\n0123456789\r\n"
                   "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"),
      WANTS("z"),
      .status = 200 },
    { .name = "partial matches before the match",
      TEXT(OK_LINE "\r\nabababacababadababaca"),
      WANTS("ababaca"),
      .status = 200 },
    { .name = "text at the very end of what is searched",
      TEXT(OK_LINE "\r\n0123456789fine"),
      .options = { .body_contains = "fine", .body_max = 14 },
      .status = 200 },
    { .name = "header of exactly the limit",
      TEXT("HTTP/1.1 200 OK\r\nA: 0123456789\r\n\r\n"),
      .options = { .header_max = 34 },
      .status = 200 },
    { .name = "garbage after the decision",
      TEXT(OK_LINE "\r\n\0\1\2HTTP"),
      .status = 200 },
};

#define BAD(r) .reason = INFRA_PROBE_REASON_##r

static const struct reply bad_replies[] = {
    /* What does not begin like HTTP, known at the first byte that differs. */
    { .name = "SSH", TEXT("SSH-2.0-OpenSSH_9.2\r\n"), BAD(NOT_HTTP) },
    { .name = "TLS alert", TEXT("\25\3\1\0\2\2\50"), BAD(NOT_HTTP) },
    { .name = "HTTP/2 frame", TEXT("\0\0\22\4\0\0\0\0\0"), BAD(NOT_HTTP) },
    { .name = "HTTP/0.9", TEXT("<html>"), BAD(NOT_HTTP) },
    { .name = "HTTP/2 in text",
      TEXT("HTTP/2.0 200 OK\r\n\r\n"),
      BAD(NOT_HTTP) },
    { .name = "lower case", TEXT("http/1.1 200 OK\r\n\r\n"), BAD(NOT_HTTP) },
    { .name = "short status", TEXT("HTTP/1.1 20 OK\r\n\r\n"), BAD(NOT_HTTP) },
    { .name = "long status", TEXT("HTTP/1.1 2000 OK\r\n\r\n"), BAD(NOT_HTTP) },
    { .name = "status 099", TEXT("HTTP/1.1 099 OK\r\n\r\n"), BAD(NOT_HTTP) },
    { .name = "status with sign",
      TEXT("HTTP/1.1 +20 OK\r\n\r\n"),
      BAD(NOT_HTTP) },
    { .name = "line end in the version",
      TEXT("HTTP/\r\n1.1 200 OK\r\n\r\n"),
      BAD(NOT_HTTP) },
    { .name = "interim, then nonsense",
      TEXT("HTTP/1.1 100 Continue\r\n\r\n200 OK"),
      BAD(NOT_HTTP) },

    /* RFC 9112 §5. */
    { .name = "NUL in the reason phrase",
      TEXT("HTTP/1.1 200 O\0K\r\n\r\n"),
      BAD(BAD_HEADER) },
    { .name = "NUL in a value",
      TEXT(OK_LINE "A: b\0c\r\n\r\n"),
      BAD(BAD_HEADER) },
    { .name = "DEL in a value",
      TEXT(OK_LINE "A: b\177c\r\n\r\n"),
      BAD(BAD_HEADER) },
    { .name = "vertical tab before the coding",
      TEXT(OK_LINE "Transfer-Encoding: \13chunked\r\n\r\n"),
      BAD(BAD_HEADER) },
    { .name = "CR alone in a value",
      TEXT(OK_LINE "A: b\rc\r\n\r\n"),
      BAD(BAD_HEADER) },
    { .name = "CR alone at the end of the head",
      TEXT(OK_LINE "\rA: b\r\n\r\n"),
      BAD(BAD_HEADER) },

    { .name = "header one past the limit",
      TEXT("HTTP/1.1 200 OK\r\nA: 0123456789\r\n\r\n"),
      .options = { .header_max = 33 },
      BAD(HEADER_TOO_LONG) },
    { .name = "interim replies past the limit",
      TEXT(
          "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"),
      .options = { .header_max = 40 },
      BAD(HEADER_TOO_LONG) },

    /* RFC 9112 §6. */

    /* RFC 9112 §7.1. */
    { .name = "no chunk size",
      TEXT(CHUNKED "\r\nabc"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "chunk size with minus",
      TEXT(CHUNKED "-1\r\nabc"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "chunk size with 0x",
      TEXT(CHUNKED "0x3\r\nabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "blank before the chunk size",
      TEXT(CHUNKED " 3\r\nabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "two chunk sizes",
      TEXT(CHUNKED "3 3\r\nabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "chunk size of 2^64",
      TEXT(CHUNKED "10000000000000000\r\nabc"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "LF alone after the chunk size",
      TEXT(CHUNKED "3\nabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "no LF after the chunk size",
      TEXT(CHUNKED "3\rxabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "no CR after the data",
      TEXT(CHUNKED "3\r\nabcx\n3\r\ndef"),
      WANTS("cd"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "no LF after the data",
      TEXT(CHUNKED "3\r\nabc\rx3\r\ndef"),
      WANTS("cd"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "LF alone after an extension",
      TEXT(CHUNKED "3;a\nabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "CR alone after the chunk size",
      TEXT(CHUNKED "3\rabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "LF alone after the data",
      TEXT(CHUNKED "3\r\nabc\n0\r\n"),
      WANTS("abcd"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "CR alone after the data",
      TEXT(CHUNKED "3\r\nabc\r0\r\n"),
      WANTS("abcd"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "more data than the chunk size",
      TEXT(CHUNKED "3\r\nabcd\r\n"),
      WANTS("abcd"),
      BAD(BAD_CHUNK),
      .status = 200 },
    { .name = "NUL in an extension",
      TEXT(CHUNKED "3;a\0\r\nabc\r\n"),
      WANTS("abc"),
      BAD(BAD_CHUNK),
      .status = 200 },

    /* The reply is HTTP, and not what is wanted. */
    { .name = "status above",
      TEXT("HTTP/1.1 400 Bad\r\n\r\n"),
      BAD(STATUS),
      .status = 400 },
    { .name = "status below",
      TEXT("HTTP/1.1 200 OK\r\n\r\n"),
      BAD(STATUS),
      .options = { .status_min = 201, .status_max = 299 },
      .status = 200 },
    { .name = "default with a minimum is the minimum",
      TEXT("HTTP/1.1 201 OK\r\n\r\n"),
      BAD(STATUS),
      .options = { .status_min = 200 },
      .status = 201 },
    { .name = "unassigned status",
      TEXT("HTTP/1.1 999 Go away\r\n\r\n"),
      BAD(STATUS),
      .options = { .status_max = 599 },
      .status = 999 },
    { .name = "switching protocols",
      TEXT("HTTP/1.1 101 Switching\r\n\r\n"),
      BAD(STATUS),
      .status = 101 },
    { .name = "status before body",
      TEXT("HTTP/1.1 500 Oops\r\n\r\nfine"),
      WANTS("fine"),
      BAD(STATUS),
      .status = 500 },
    { .name = "text is not there",
      TEXT(OK_LINE "Content-Length: 4\r\n\r\nfinefine"),
      WANTS("finef"),
      BAD(BODY),
      .status = 200 },
    { .name = "text is not in the chunks",
      TEXT(CHUNKED "2\r\nfi\r\n0\r\nne: fine\r\n\r\n"),
      WANTS("fine"),
      BAD(BODY),
      .status = 200 },
    { .name = "text is in the header",
      TEXT(OK_LINE "A: fine\r\n\r\nbad"),
      .end = TEST_STEP_EOF,
      WANTS("fine"),
      BAD(BODY),
      .status = 200 },
    { .name = "empty body",
      TEXT(OK_LINE "Content-Length: 0\r\n\r\n"),
      WANTS("a"),
      BAD(BODY),
      .status = 200 },
    { .name = "101 has no body",
      TEXT("HTTP/1.1 101 Switching\r\n\r\nfine"),
      BAD(BODY),
      .options = { .status_min = 101, .body_contains = "fine" },
      .status = 101 },
    { .name = "204 has no body",
      TEXT("HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\nfine"),
      WANTS("fine"),
      BAD(BODY),
      .status = 204 },
    { .name = "304 has no body",
      TEXT("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine"),
      WANTS("fine"),
      BAD(BODY),
      .status = 304 },
    { .name = "text is past what is searched",
      TEXT(OK_LINE "\r\n0123456789fine"),
      BAD(BODY_TOO_LONG),
      .options = { .body_contains = "fine", .body_max = 13 },
      .status = 200 },
    { .name = "long, in chunks",
      TEXT(CHUNKED "8\r\n01234567\r\n8\r\n89abcdef\r\n"),
      BAD(BODY_TOO_LONG),
      .options = { .body_contains = "fine", .body_max = 12 },
      .status = 200 },
    { .name = "body of exactly what is searched",
      TEXT(OK_LINE "Content-Length: 4\r\n\r\nnone"),
      BAD(BODY),
      .options = { .body_contains = "fine", .body_max = 4 },
      .status = 200 },

    /* The connection ends before the reply. */
    { .name = "nothing at all",
      TEXT(""),
      .end = TEST_STEP_EOF,
      BAD(CLOSED_EARLY) },
    { .name = "end in the status line",
      TEXT("HTTP/1.1 2"),
      .end = TEST_STEP_EOF,
      BAD(CLOSED_EARLY) },
    { .name = "end in the header",
      TEXT(OK_LINE "A: b\r\n"),
      .end = TEST_STEP_EOF,
      BAD(CLOSED_EARLY) },
    { .name = "end after an interim reply",
      TEXT("HTTP/1.1 100 Continue\r\n\r\n"),
      .end = TEST_STEP_EOF,
      BAD(CLOSED_EARLY) },
    { .name = "end in the body",
      TEXT(OK_LINE "Content-Length: 4\r\n\r\nfin"),
      .end = TEST_STEP_EOF,
      WANTS("fine"),
      BAD(CLOSED_EARLY),
      .status = 200 },
    { .name = "end in a chunk",
      TEXT(CHUNKED "8\r\nabc"),
      .end = TEST_STEP_EOF,
      WANTS("fine"),
      BAD(CLOSED_EARLY),
      .status = 200 },
    { .name = "end before the last chunk",
      TEXT(CHUNKED "3\r\nabc\r\n"),
      .end = TEST_STEP_EOF,
      WANTS("fine"),
      BAD(CLOSED_EARLY),
      .status = 200 },
    { .name = "end of a body until close",
      TEXT(OK_LINE "\r\nall is well"),
      .end = TEST_STEP_EOF,
      WANTS("fine"),
      BAD(BODY),
      .status = 200 },
    { .name = "truncated body until close",
      TEXT(OK_LINE "\r\nall is well"),
      .end = TEST_STEP_TRUNCATED,
      WANTS("fine"),
      BAD(CLOSED_EARLY),
      .status = 200 },
    { .name = "reset in the header",
      TEXT(OK_LINE),
      .end = TEST_STEP_FAIL,
      BAD(RESET) },
    { .name = "reset in the body",
      TEXT(OK_LINE "\r\nall is well"),
      .end = TEST_STEP_FAIL,
      WANTS("fine"),
      BAD(RESET),
      .status = 200 },

    /* Or it does not come in time. */
    { .name = "silence", TEXT(""), BAD(NO_REPLY) },
    { .name = "one byte", TEXT("H"), BAD(SLOW_REPLY) },
    { .name = "half a header", TEXT(OK_LINE "A: b\r\n"), BAD(SLOW_REPLY) },
    { .name = "half a body",
      TEXT(OK_LINE "Content-Length: 9\r\n\r\nabc"),
      WANTS("fine"),
      BAD(SLOW_REPLY),
      .status = 200 },
    { .name = "interim only",
      TEXT("HTTP/1.1 100 Continue\r\n\r\n"),
      BAD(SLOW_REPLY) },
};

/* What HTTP forbids and servers send all the same. A check of the status
 * accepts it; a check of the body does if the framing is clear. A reply without
 * a body of its own is followed by CHUNK. */
#define CHUNK "3\r\nabc\r\n0\r\n\r\n"

static const struct {
    const char *name;
    const char *text;
    uint32_t reason; /* When "abc" is asked for. */
} odd_replies[] = {
    { "empty line before it", "\r\n" OK_LINE "\r\nabc", 0 },
    { "empty lines before it", "\n\r\n\n" OK_LINE "\r\nabc", 0 },
    { "empty line after an interim reply",
      "HTTP/1.1 100 Continue\r\n\r\n\r\n" OK_LINE "\r\nabc", 0 },
    { "two blanks", "HTTP/1.1  200 OK\r\n\r\nabc", 0 },
    { "blank and tab", "HTTP/1.1 \t200\tOK\r\n\r\nabc", 0 },
    { "status of IIS", "HTTP/1.1 200.1 OK\r\n\r\nabc", 0 },
    { "CR CR LF", "HTTP/1.1 200 OK\r\r\nA: b\r\r\n\r\r\nabc", 0 },
    { "folded line", OK_LINE "A: b\r\n c\r\n\r\nabc", 0 },
    { "folded lines with tabs", OK_LINE "A:\r\n\tb\r\n\t\tc\r\n\r\nabc", 0 },
    { "folded line in an interim reply",
      "HTTP/1.1 103 Hints\r\nA: b\r\n c\r\n\r\n" OK_LINE "\r\nabc", 0 },
    { "folded length", OK_LINE "Content-Length:\r\n 3\r\n\r\nabc", 0 },
    { "length with a blank line folded on",
      OK_LINE "Content-Length: 3\r\n \r\n\r\nabc", 0 },
    { "folded length of two parts",
      OK_LINE "Content-Length: 1\r\n 3\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "folded coding",
      OK_LINE "Transfer-Encoding:\r\n chunked\r\nA: b\r\n\r\n" CHUNK, 0 },
    { "folded on what is no field",
      OK_LINE "Content-Length\r\n 9: x\r\n\r\nabc", 0 },
    { "blank before the first field", OK_LINE " Content-Length: 9\r\n\r\nabc",
      0 },
    { "blank before the colon", OK_LINE "A : b\r\n\r\nabc", 0 },
    { "blanks before the colon of a length",
      OK_LINE "Content-Length \t: 3\r\n\r\nabc", 0 },
    { "blank in a name", OK_LINE "A B: c\r\n\r\nabc", 0 },
    { "blank in a name that begins like a length",
      OK_LINE "Content-Length x: 1\r\n\r\nabc", 0 },
    { "no name", OK_LINE ": b\r\n\r\nabc", 0 },
    { "no colon", OK_LINE "A\r\n\r\nabc", 0 },
    { "status line again", OK_LINE OK_LINE "\r\nabc", 0 },
    { "not a token", OK_LINE "A(b): c\r\n\r\nabc", 0 },
    { "a high byte in a name", OK_LINE "\xc3\xa9: c\r\n\r\nabc", 0 },
    { "bad field in an interim reply",
      "HTTP/1.1 100 Continue\r\nA : b\r\n\r\n" OK_LINE "\r\nabc", 0 },
    { "list of lengths", OK_LINE "Content-Length: 3, 3\r\n\r\nabc", 0 },
    { "longer list of lengths",
      OK_LINE "Content-Length: 3,003\t,3\r\nContent-Length: 3\r\n\r\nabc", 0 },
    { "list of other lengths", OK_LINE "Content-Length: 3, 4\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "list with nothing in it", OK_LINE "Content-Length: 3,\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "lengths that differ",
      OK_LINE "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "two lengths", OK_LINE "Content-Length: 3 3\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "length with plus", OK_LINE "Content-Length: +3\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "length with minus", OK_LINE "Content-Length: -1\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "length in hex", OK_LINE "Content-Length: 0x3\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "length with underscore", OK_LINE "Content-Length: 1_0\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "length of 2^64",
      OK_LINE "Content-Length: 18446744073709551616\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "length of many digits",
      OK_LINE "Content-Length: 99999999999999999999999999\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "no length", OK_LINE "Content-Length: \r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "coding and length",
      OK_LINE "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNK,
      0 },
    { "length and coding",
      OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" CHUNK,
      0 },
    { "coding in HTTP/1.0",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNK, 0 },
    { "unknown coding", OK_LINE "Transfer-Encoding: gzip\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "look-alike", OK_LINE "Transfer-Encoding: xchunked\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "longer look-alike", OK_LINE "Transfer-Encoding: chunkedx\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "shorter look-alike", OK_LINE "Transfer-Encoding: chunke\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "list of codings", OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "trailing comma", OK_LINE "Transfer-Encoding: chunked,\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "coding twice",
      OK_LINE "Transfer-Encoding: chunked\r\n"
              "Transfer-Encoding: chunked\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
    { "no coding", OK_LINE "Transfer-Encoding:\r\n\r\nabc",
      INFRA_PROBE_REASON_BAD_LENGTH },
};

static void check_reply(const struct reply *reply, enum test_split split,
                        uint64_t number)
{
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        TEST_EXPECT(REQUEST),
        { .kind = TEST_STEP_SEND, .bytes = reply->text, .size = reply->size },
        { .kind = reply->end, .number = INFRA_OUTCOME_RESET },
    };
    struct test_transport t = TEST_TRANSPORT(script);

    t.steps_count -= reply->end == 0;
    t.split = split;
    t.split_number = number;
    struct infra_probe_result r = probing_run(&t);
    ck_assert_msg(r.reason == reply->reason && r.status == reply->status,
                  "%s, split %d %d: %s, status %u", reply->name, (int)split,
                  (int)number, infra_probe_reason_name(r.reason), r.status);
    bool is_late = r.reason == INFRA_PROBE_REASON_NO_REPLY ||
                   r.reason == INFRA_PROBE_REASON_SLOW_REPLY;
    ck_assert_msg(r.duration == (is_late ? INFRA_SEC(2) : 0),
                  "%s: took %llu ns", reply->name,
                  (unsigned long long)r.duration);
}

static void check_in_every_split(const struct reply *reply)
{
    create(reply->options);
    check_reply(reply, TEST_SPLIT_NONE, 0);
    check_reply(reply, TEST_SPLIT_BYTES, 0);
    for (uint64_t at = 1; at < reply->size; at++) {
        check_reply(reply, TEST_SPLIT_AT, at);
    }
    for (uint64_t seed = 0; seed < 8; seed++) {
        check_reply(reply, TEST_SPLIT_RANDOM, seed);
    }
}

/* Replies that pass, in every split. */
START_TEST(good_replies_pass)
{
    check_in_every_split(&good_replies[_i]);
}
END_TEST

/* Replies that fail have their own reason, in every split. */
START_TEST(bad_replies_have_their_reason)
{
    check_in_every_split(&bad_replies[_i]);
}
END_TEST

/* Odd replies, checked with and without their body. */
START_TEST(odd_replies_are_judged_by_what_is_asked)
{
    struct reply reply = { .name = odd_replies[_i].name,
                           .text = odd_replies[_i].text,
                           .size = strlen(odd_replies[_i].text),
                           .status = 200 };

    check_in_every_split(&reply);
    infra_probe_destroy(probing.probe);
    reply.options.body_contains = "abc";
    reply.reason = odd_replies[_i].reason;
    check_in_every_split(&reply);
}
END_TEST

/* An unexpected status is the reason, not the oddity beside it. */
START_TEST(a_status_is_told_before_the_framing)
{
    const struct reply reply = {
        .name = "status and framing",
        TEXT("HTTP/1.1 503 No\r\nContent-Length: x\r\n\r\n"),
        .options = { .body_contains = "abc" },
        BAD(STATUS),
        .status = 503,
    };

    check_in_every_split(&reply);
}
END_TEST

/* Every reason of this check has a reply above or a test below. */
START_TEST(every_reason_is_reached)
{
    bool reached[INFRA_PROBE_REASON_BODY_TOO_LONG + 1] = { false };

    reached[INFRA_PROBE_REASON_PASSED] = true;
    for (size_t i = 0; i < INFRA__COUNT_OF(bad_replies); i++) {
        reached[bad_replies[i].reason] = true;
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(odd_replies); i++) {
        reached[odd_replies[i].reason] = true;
    }
    /* These are of the connection, see test_probe_tcp.c. */
    reached[INFRA_PROBE_REASON_REFUSED] = true;
    reached[INFRA_PROBE_REASON_UNREACHABLE] = true;
    reached[INFRA_PROBE_REASON_CONNECT_TIMEOUT] = true;
    reached[INFRA_PROBE_REASON_LOCAL] = true;
    for (uint32_t r = 0; r < INFRA__COUNT_OF(reached); r++) {
        ck_assert_msg(reached[r], "%s", infra_probe_reason_name(r));
    }
}
END_TEST

/* A text is found anywhere, also after a part of itself: all words of a's and
 * b's in all texts, against strstr(). */
START_TEST(search_agrees_with_strstr)
{
    char text[11] = { 0 }, word[5] = { 0 };
    char reply[64] = OK_LINE "\r\n";
    const size_t head = strlen(reply);

    for (uint32_t w = 0; w < 5u << 4; w++) {
        size_t word_size = w >> 4;
        if (word_size == 0) {
            continue;
        }
        for (size_t i = 0; i < word_size; i++) {
            word[i] = (w >> i & 1u) != 0 ? 'b' : 'a';
        }
        word[word_size] = '\0';
        create((struct infra_probe_http_options) { .body_contains = word });
        struct infra_exchange x = infra_probe_exchange(probing.probe);
        for (uint32_t n = 0; n < 1u << 10; n++) {
            struct infra_probe_result r = { .reason = 99 };
            for (int i = 0; i < 10; i++) {
                text[i] = (n >> i & 1u) != 0 ? 'b' : 'a';
            }
            memcpy(reply + head, text, sizeof text);
            infra_probe_start(probing.probe, 0, 0);
            x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
            x.ops->input(x.self, reply, head + n % 11, 0);
            x.ops->input(x.self, reply + head + n % 11, 10 - n % 11, 0);
            x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
            int err = infra_probe_result(probing.probe, &r);
            bool found = strstr(text, word) != NULL;
            if (err != INFRA_OK ||
                r.reason != (found ? INFRA_PROBE_REASON_PASSED
                                   : INFRA_PROBE_REASON_BODY)) {
                ck_abort_msg("'%s' in '%s': %u", word, text, r.reason);
            }
        }
        infra_probe_destroy(probing.probe);
        probing.probe = NULL;
    }
}
END_TEST

/* The size line of a chunk is limited, with any padding. */
START_TEST(chunk_lines_are_bounded)
{
    static const char padding[] = { '0', ';', ' ' };
    char reply[1024];
    struct reply row = { .name = "padded chunk lines",
                         .text = reply,
                         .options = { .body_contains = "abcabc" },
                         .status = 200 };

    create(row.options);
    for (size_t over = 0; over < 2; over++) {
        char pad[256] = { 0 };
        bool is_before = padding[_i] == '0';

        /* A digit and the CR are the other two of 256 bytes. */
        memset(pad, padding[_i], 254 + over);
        row.size = (size_t)snprintf(reply, sizeof reply,
                                    CHUNKED "%s3%s\r\nabc\r\n%s3%s\r\nabc",
                                    is_before ? pad : "", is_before ? "" : pad,
                                    is_before ? pad : "", is_before ? "" : pad);
        row.reason =
            over > 0 ? INFRA_PROBE_REASON_BAD_CHUNK : INFRA_PROBE_REASON_PASSED;
        check_reply(&row, TEST_SPLIT_NONE, 0);
        check_reply(&row, TEST_SPLIT_BYTES, 0);
    }
}
END_TEST

/* A check leaves nothing in the next one of the same probe. */
START_TEST(checks_are_independent)
{
    static const struct reply rows[] = {
        { .name = "status",
          TEXT("HTTP/1.1 500 Oops\r\n\r\n"),
          BAD(STATUS),
          .status = 500 },
        { .name = "silence", TEXT(""), BAD(NO_REPLY) },
        { .name = "chunk",
          TEXT(CHUNKED "5\r\n..fi"),
          BAD(CLOSED_EARLY),
          .end = TEST_STEP_EOF,
          .status = 200 },
        { .name = "not found",
          TEXT(OK_LINE "\r\nne"),
          BAD(BODY),
          .end = TEST_STEP_EOF,
          .status = 200 },
        { .name = "not too long", TEXT(OK_LINE "\r\n..fine"), .status = 200 },
        { .name = "silence again", TEXT(""), BAD(NO_REPLY) },
    };

    create((struct infra_probe_http_options) {
        .body_contains = "fine", .body_max = 6, .header_max = 50 });
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        check_reply(&rows[i], TEST_SPLIT_NONE, 0);
    }
}
END_TEST

/* A runner that repeats CONNECTED does not restart the reply. */
START_TEST(connecting_twice_is_ignored)
{
    struct infra_probe_result r;

    create((struct infra_probe_http_options) { .method = "GET" });
    struct infra_exchange x = infra_probe_exchange(probing.probe);
    infra_probe_start(probing.probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, "HTTP/1.1 200", 12, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, INFRA_SEC(1));
    ck_assert_uint_eq(x.ops->deadline(x.self), INFRA_SEC(2));
    x.ops->input(x.self, " OK\r\n\r\n", 7, INFRA_SEC(1));
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
}
END_TEST

/* A server that floods with fields or interim replies is cut off at the default
 * limit. */
START_TEST(floods_are_cut_off)
{
    static const struct {
        const char *start;
        const char *flood;
    } rows[] = {
        { "HTTP/1.1 200 OK\r\n", "A: b\r\n" },
        { "HTTP/1.1 200 OK\r\nA: ", "\xff" },
        { "HTTP/1.1 200 OK\r\n", "x" },
        { "HTTP/1.1 200 ", "OK" },
        { "", "HTTP/1.1 100 Continue\r\n\r\n" },
    };
    const char *flood = rows[_i].flood;
    struct infra_probe_result r;
    size_t taken = strlen(rows[_i].start);

    create((struct infra_probe_http_options) { .method = "GET" });
    struct infra_exchange x = infra_probe_exchange(probing.probe);
    infra_probe_start(probing.probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, rows[_i].start, taken, 0);
    while (x.ops->want(x.self) == INFRA_WANT_IO && taken < 100000) {
        x.ops->input(x.self, flood, strlen(flood), 0);
        taken += strlen(flood);
    }
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_HEADER_TOO_LONG);
    ck_assert_uint_gt(taken, 16384);
    ck_assert_uint_le(taken, 16384 + strlen(flood));
}
END_TEST

/* The reply may come before the request is sent, and late if the runner was
 * late. */
START_TEST(replies_may_be_early_and_late)
{
    static const struct test_step early[] = {
        TEST_ACCEPT(0), TEST_SEND("HTTP/1.1 200 OK\r\n\r\n")
    };
    static const struct test_step late[] = {
        TEST_PAUSE(INFRA_SEC(9)), TEST_ACCEPT(0), TEST_EXPECT(REQUEST),
        TEST_PAUSE(INFRA_SEC(9)), TEST_SEND("HTTP/1.1 200 OK\r\n\r\n")
    };
    struct test_transport t = TEST_TRANSPORT(early);
    struct test_transport u = TEST_TRANSPORT(late);

    create((struct infra_probe_http_options) { .method = "GET" });
    ck_assert_uint_eq(probing_run(&t).reason, INFRA_PROBE_REASON_PASSED);
    struct infra_probe_result r = probing_run(&u);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.duration, INFRA_SEC(18));
}
END_TEST

/* Each phase has its own time, which a drip does not extend. */
START_TEST(phases_have_their_own_time)
{
    static const struct test_step slow[] = {
        TEST_WAIT(INFRA_MS(90)), TEST_ACCEPT(0), TEST_WAIT(INFRA_MS(240)),
        TEST_SEND("HTTP/1.1 200 OK\r\n\r\n")
    };
    static const struct test_step drip[] = {
        TEST_ACCEPT(0),     TEST_SEND("HTTP/1.1 200"), TEST_WAIT(INFRA_MS(200)),
        TEST_SEND(" OK\r"), TEST_WAIT(INFRA_MS(200)),  TEST_SEND("\n\r\n"),
    };
    static const struct test_step dead[] = { TEST_HANG };
    struct test_transport t[] = { TEST_TRANSPORT(slow), TEST_TRANSPORT(drip),
                                  TEST_TRANSPORT(dead) };
    static const struct {
        uint32_t reason;
        infra_time duration;
    } expected[] = { { INFRA_PROBE_REASON_PASSED, INFRA_MS(330) },
                     { INFRA_PROBE_REASON_SLOW_REPLY, INFRA_MS(250) },
                     { INFRA_PROBE_REASON_CONNECT_TIMEOUT, INFRA_MS(100) } };

    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .connect_timeout =
                                                       INFRA_MS(100),
                                                   .response_timeout =
                                                       INFRA_MS(250) };

    create((struct infra_probe_http_options) { .timeouts = &timeouts });
    for (int i = 0; i < 3; i++) {
        struct infra_probe_result r = probing_run(&t[i]);
        ck_assert_uint_eq(r.reason, expected[i].reason);
        ck_assert_uint_eq(r.duration, expected[i].duration);
    }
}
END_TEST

/* A timeout of the system in mid-reply counts as a deadline. */
START_TEST(a_timeout_of_the_system_is_one_of_the_phase)
{
    static const struct test_step script[] = {
        TEST_ACCEPT(0), TEST_SEND("HTTP"), TEST_FAIL(INFRA_OUTCOME_TIMEOUT)
    };
    struct test_transport t = TEST_TRANSPORT(script);

    create((struct infra_probe_http_options) { .method = "GET" });
    ck_assert_uint_eq(probing_run(&t).reason, INFRA_PROBE_REASON_SLOW_REPLY);
}
END_TEST

/* Texts that a request may not contain, and contradictions, are refused; values
 * at their limit are not. */
START_TEST(options_are_checked)
{
    static char long_path[2050], long_text[257];
    static struct infra_probe_http_field many[33];
    const struct {
        const char *name;
        struct infra_probe_http_options o;
        int result;
    } rows[] = {
        { "method of 32", { .method = long_text + 224 }, INFRA_OK },
        { "method of 33", { .method = long_text + 223 }, INFRA_EINVAL },
        { "method empty", { .method = "" }, INFRA_EINVAL },
        { "method no token", { .method = "GE T" }, INFRA_EINVAL },
        { "method splits", { .method = "GET / HTTP/1.1\r\nA:" }, -2 },
        { "CONNECT", { .method = "CONNECT" }, INFRA_EINVAL },
        { "path of 2048", { .path = long_path + 1 }, INFRA_OK },
        { "path of 2049", { .path = long_path }, INFRA_EINVAL },
        { "path empty", { .path = "" }, INFRA_EINVAL },
        { "path relative", { .path = "health" }, INFRA_EINVAL },
        { "path absolute form", { .path = "http://a/" }, INFRA_EINVAL },
        { "path star and more", { .path = "*a" }, INFRA_EINVAL },
        { "path with blank", { .path = "/a b" }, INFRA_EINVAL },
        { "path with line end", { .path = "/\r\nA: b" }, INFRA_EINVAL },
        { "path with high byte", { .path = "/\xc3\xa9" }, INFRA_EINVAL },
        { "path with DEL", { .path = "/\177" }, INFRA_EINVAL },
        { "host of 255", { .host = long_text + 1 }, INFRA_OK },
        { "host of 256", { .host = long_text }, INFRA_EINVAL },
        { "host empty", { .host = "" }, INFRA_EINVAL },
        { "host with line end", { .host = "a\nB: c" }, INFRA_EINVAL },
        { "text of 255", { .body_contains = long_text + 1 }, INFRA_OK },
        { "text of 256", { .body_contains = long_text }, INFRA_EINVAL },
        { "text empty", { .body_contains = "" }, INFRA_EINVAL },
        { "text of any bytes", { .body_contains = "\r\n\1\xff" }, INFRA_OK },
        { "text with HEAD", { .method = "HEAD", .body_contains = "a" }, -2 },
        { "text with head", { .method = "head", .body_contains = "a" }, 0 },
        { "status least", { .status_min = 100 }, INFRA_OK },
        { "status too small", { .status_min = 99 }, INFRA_EINVAL },
        { "status greatest", { .status_max = 599 }, INFRA_OK },
        { "status too great", { .status_max = 600 }, INFRA_EINVAL },
        { "status min too great", { .status_min = 600 }, INFRA_EINVAL },
        { "no status", { .status_min = 300, .status_max = 299 }, -2 },
        { "maximum below the default", { .status_max = 199 }, INFRA_EINVAL },
        { "header greatest", { .header_max = 1u << 20 }, INFRA_OK },
        { "header too great", { .header_max = (1u << 20) + 1 }, INFRA_EINVAL },
        { "body greatest", { .body_max = 1u << 20 }, INFRA_OK },
        { "body too great", { .body_max = (1u << 20) + 1 }, INFRA_EINVAL },
        { "fields without any", { .fields_count = 1 }, INFRA_EINVAL },
        { "fields of 32", { .fields = many, .fields_count = 32 }, INFRA_OK },
        { "fields of 33", { .fields = many, .fields_count = 33 }, -2 },
    };

    memset(long_path, '/', sizeof long_path - 1);
    memset(long_text, 'a', sizeof long_text - 1);
    for (size_t i = 0; i < INFRA__COUNT_OF(many); i++) {
        many[i] = (struct infra_probe_http_field) { "A", "b" };
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_probe_http_options o = rows[i].o;
        o.size = sizeof o;
        int err = infra_probe_http(&probing.probe, &o);
        ck_assert_msg(err == rows[i].result, "%s: %d", rows[i].name, err);
        ck_assert_int_eq(probing.probe == NULL, err != INFRA_OK);
        infra_probe_destroy(probing.probe);
        probing.probe = NULL;
    }
}
END_TEST

/* The texts are copied. */
/* A field may not end its line or the request, frame the request, name its
 * target, or control the connection. */
START_TEST(fields_are_checked)
{
    static char name[66], value[4098];
    const struct {
        struct infra_probe_http_field field;
        int result;
    } rows[] = {
        { { "A", "" }, INFRA_OK },
        { { "A", " b\t" }, INFRA_OK },
        { { name + 1, value + 1 }, INFRA_OK },
        { { name, "b" }, INFRA_EINVAL },
        { { "A", value }, INFRA_EINVAL },
        { { NULL, "b" }, INFRA_EINVAL },
        { { "A", NULL }, INFRA_EINVAL },
        { { "", "b" }, INFRA_EINVAL },
        { { "A:", "b" }, INFRA_EINVAL },
        { { "A b", "b" }, INFRA_EINVAL },
        { { " A", "b" }, INFRA_EINVAL },
        { { "A\r\nB", "b" }, INFRA_EINVAL },
        { { "A", "b\r\nB: c" }, INFRA_EINVAL },
        { { "A", "b\r" }, INFRA_EINVAL },
        { { "A", "b\nB: c" }, INFRA_EINVAL },
        { { "A", "\1" }, INFRA_EINVAL },
        { { "A", "\177" }, INFRA_EINVAL },
        { { "Host", "b" }, INFRA_EINVAL },
        { { "hOST", "b" }, INFRA_EINVAL },
        { { "Hosts", "b" }, INFRA_OK },
        { { "Hos", "b" }, INFRA_OK },
        { { "Connection", "keep-alive" }, INFRA_EINVAL },
        { { "Content-Length", "3" }, INFRA_EINVAL },
        { { "content-length", "" }, INFRA_EINVAL },
        { { "Content-Type", "text/plain" }, INFRA_OK },
        { { "Transfer-Encoding", "chunked" }, INFRA_EINVAL },
        { { "TE", "trailers" }, INFRA_EINVAL },
        { { "Trailer", "A" }, INFRA_EINVAL },
        { { "Upgrade", "h2c" }, INFRA_EINVAL },
        { { "Expect", "100-continue" }, INFRA_EINVAL },
    };

    memset(name, 'a', sizeof name - 1);
    memset(value, 'a', sizeof value - 1);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        const struct infra_probe_http_options o = { .size = sizeof o,
                                                    .fields = &rows[i].field,
                                                    .fields_count = 1 };
        int err = infra_probe_http(&probing.probe, &o);
        ck_assert_msg(err == rows[i].result, "%zu: %d", i, err);
        ck_assert_int_eq(probing.probe == NULL, err != INFRA_OK);
        infra_probe_destroy(probing.probe);
        probing.probe = NULL;
    }
}
END_TEST

START_TEST(texts_are_copied)
{
    static const struct test_step script[] = {
        TEST_ACCEPT(0),
        TEST_EXPECT("GET /a HTTP/1.1\r\nHost: b\r\n"
                    "User-Agent: libinfra\r\nConnection: close\r\n\r\n"),
        TEST_SEND("HTTP/1.1 200 OK\r\n\r\nword")
    };
    struct test_transport t = TEST_TRANSPORT(script);
    char method[] = "GET", path[] = "/a", host[] = "b", text[] = "word";

    create((struct infra_probe_http_options) {
        .method = method, .path = path, .host = host, .body_contains = text });
    memset(method, 'x', 3);
    memset(path, 'x', 2);
    memset(host, 'x', 1);
    memset(text, 'x', 4);
    ck_assert_uint_eq(probing_run(&t).reason, INFRA_PROBE_REASON_PASSED);
}
END_TEST

static Suite *http_suite(void)
{
    Suite *s = suite_create("probe_http");
    TCase *tc = tcase_create("replies");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_loop_test(tc, requests_are_exact, 0, INFRA__COUNT_OF(requests));
    tcase_add_loop_test(tc, good_replies_pass, 0,
                        INFRA__COUNT_OF(good_replies));
    tcase_add_loop_test(tc, bad_replies_have_their_reason, 0,
                        INFRA__COUNT_OF(bad_replies));
    tcase_add_loop_test(tc, odd_replies_are_judged_by_what_is_asked, 0,
                        INFRA__COUNT_OF(odd_replies));
    tcase_add_test(tc, a_status_is_told_before_the_framing);
    tcase_add_test(tc, every_reason_is_reached);
    tcase_add_test(tc, search_agrees_with_strstr);
    tcase_add_test(tc, checks_are_independent);
    tcase_add_test(tc, connecting_twice_is_ignored);
    tcase_add_loop_test(tc, chunk_lines_are_bounded, 0, 3);
    tcase_add_loop_test(tc, floods_are_cut_off, 0, 5);
    suite_add_tcase(s, tc);

    tc = tcase_create("time");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_test(tc, replies_may_be_early_and_late);
    tcase_add_test(tc, phases_have_their_own_time);
    tcase_add_test(tc, a_timeout_of_the_system_is_one_of_the_phase);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_test(tc, options_are_checked);
    tcase_add_test(tc, fields_are_checked);
    tcase_add_test(tc, texts_are_copied);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(http_suite());
}
