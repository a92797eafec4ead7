/* SPDX-License-Identifier: MIT */
/* Fifty requests and what becomes of them, strict and lenient. Many are from
 * reports on servers that others smuggled requests past; the verdicts follow
 * RFC 9112. The corpus of AWS's desync guardian has the same classes. */
#include "support.h"

#include "base/internal.h"
#include "message.h"

#define BYTES(text) text, sizeof(text) - 1
#define DONE(framing, size)                                       \
    {                                                             \
        INFRA_HTTP_DONE, 0, 0, INFRA_HTTP_FRAMING_##framing, size \
    }
#define REFUSED(status, reason)                                      \
    {                                                                \
        INFRA_HTTP_REFUSED, status, INFRA_HTTP_REASON_##reason, 0, 0 \
    }
#define MORE                        \
    {                               \
        INFRA_HTTP_MORE, 0, 0, 0, 0 \
    }

struct verdict {
    uint32_t step, status, reason, framing;
    size_t body_size;
};

/* clang-format off */
static const struct {
    const char *name, *bytes;
    size_t size;
    struct verdict strict, lenient;
} rows[] = {
    { "H-01", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "\r\n"), DONE(NONE, 0), DONE(NONE, 0) },
    { "H-02", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 3\r\n"
      "\r\n"
      "abc"), DONE(LENGTH, 3), DONE(LENGTH, 3) },
    { "H-03", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "3\r\n"
      "abc\r\n"
      "0\r\n"
      "\r\n"), DONE(CHUNKED, 3), DONE(CHUNKED, 3) },
    { "H-04", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: Chunked\r\n"
      "\r\n"
      "3;x=\"y\"\r\n"
      "abc\r\n"
      "0\r\n"
      "T: v\r\n"
      "\r\n"), DONE(CHUNKED, 3), DONE(CHUNKED, 3) },
    { "H-05", BYTES("\r\n"
      "GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "\r\n"), DONE(NONE, 0), DONE(NONE, 0) },
    { "H-06", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 0\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, LENGTH_CODING), REFUSED(400, LENGTH_CODING) },
    { "H-07", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 3\r\n"
      "Content-Length: 4\r\n"
      "\r\n"
      "abcd"), REFUSED(400, LENGTHS), REFUSED(400, LENGTHS) },
    { "H-08", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 3, 3\r\n"
      "\r\n"
      "abc"), REFUSED(400, LENGTHS), DONE(LENGTH, 3) },
    { "H-09", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: +3\r\n"
      "\r\n"
      "abc"), REFUSED(400, LENGTH_SYNTAX), REFUSED(400, LENGTH_SYNTAX) },
    { "H-10", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 0x3\r\n"
      "\r\n"
      "abc"), REFUSED(400, LENGTH_SYNTAX), REFUSED(400, LENGTH_SYNTAX) },
    { "H-11", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 1_0\r\n"
      "\r\n"
      "abcabcabca"), REFUSED(400, LENGTH_SYNTAX), REFUSED(400, LENGTH_SYNTAX) },
    { "H-12", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 18446744073709551616\r\n"
      "\r\n"), REFUSED(400, LENGTH_SYNTAX), REFUSED(400, LENGTH_SYNTAX) },
    { "H-13", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: -1\r\n"
      "\r\n"), REFUSED(400, LENGTH_SYNTAX), REFUSED(400, LENGTH_SYNTAX) },
    { "H-14", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length:\r\n"
      "\r\n"), REFUSED(400, LENGTH_SYNTAX), REFUSED(400, LENGTH_SYNTAX) },
    { "H-15", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length : 3\r\n"
      "\r\n"
      "abc"), REFUSED(400, FIELD_NAME), REFUSED(400, FIELD_NAME) },
    { "H-16", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding : chunked\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, FIELD_NAME), REFUSED(400, FIELD_NAME) },
    { "H-17", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: xchunked\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, NOT_CHUNKED), REFUSED(400, NOT_CHUNKED) },
    { "H-18", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked, identity\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, NOT_CHUNKED), REFUSED(400, NOT_CHUNKED) },
    { "H-19", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: identity, chunked\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(501, CODING), REFUSED(501, CODING) },
    { "H-20", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, NOT_CHUNKED), REFUSED(400, NOT_CHUNKED) },
    { "H-21", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked,\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, NOT_CHUNKED), REFUSED(400, NOT_CHUNKED) },
    { "H-22", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: \x0b" "chunked\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, FIELD_VALUE), REFUSED(400, FIELD_VALUE) },
    { "H-23", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\x00\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, NUL), REFUSED(400, NUL) },
    { "H-24", BYTES("POST / HTTP/1.0\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CODING_VERSION), REFUSED(400, CODING_VERSION) },
    { "H-25", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      " X: y\r\n"
      "\r\n"), REFUSED(400, FOLDED), REFUSED(400, FOLDED) },
    { "H-26", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "X: a\r\n"
      "\tb\r\n"
      "\r\n"), REFUSED(400, FOLDED), REFUSED(400, FOLDED) },
    { "H-27", BYTES("GET / HTTP/1.1\n"
      "Host: a\n"
      "\n"), REFUSED(400, BARE_LF), DONE(NONE, 0) },
    { "H-28", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "X: a\rb\r\n"
      "\r\n"), REFUSED(400, BARE_CR), REFUSED(400, BARE_CR) },
    { "H-29", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      ": x\r\n"
      "\r\n"), REFUSED(400, FIELD_NAME), REFUSED(400, FIELD_NAME) },
    { "H-30", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "X\x00Y: 1\r\n"
      "\r\n"), REFUSED(400, NUL), REFUSED(400, NUL) },
    { "H-31", BYTES("GET / HTTP/1.1\r\n"
      "\r\n"), REFUSED(400, HOST_COUNT), REFUSED(400, HOST_COUNT) },
    { "H-32", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Host: b\r\n"
      "\r\n"), REFUSED(400, HOST_COUNT), REFUSED(400, HOST_COUNT) },
    { "H-33", BYTES("GET / HTTP/1.1\r\n"
      "Host: a@b/c\r\n"
      "\r\n"), REFUSED(400, HOST_VALUE), REFUSED(400, HOST_VALUE) },
    { "H-34", BYTES("GET  / HTTP/1.1\r\n"
      "Host: a\r\n"
      "\r\n"), REFUSED(400, REQUEST_LINE), REFUSED(400, REQUEST_LINE) },
    { "H-35", BYTES("GET /a b HTTP/1.1\r\n"
      "Host: a\r\n"
      "\r\n"), REFUSED(400, REQUEST_LINE), REFUSED(400, REQUEST_LINE) },
    { "H-36", BYTES("GET / HTTP/2.0\r\n"
      "Host: a\r\n"
      "\r\n"), REFUSED(505, VERSION), REFUSED(505, VERSION) },
    { "H-37", BYTES("G@T / HTTP/1.1\r\n"
      "Host: a\r\n"
      "\r\n"), REFUSED(400, METHOD), REFUSED(400, METHOD) },
    { "H-38", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "3\n"
      "abc\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_LF), REFUSED(400, CHUNK_LF) },
    { "H-39", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "2;\n"
      "xx\r\n"
      "4c\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_LF), REFUSED(400, CHUNK_LF) },
    { "H-40", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "0x3\r\n"
      "abc\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_SIZE), REFUSED(400, CHUNK_SIZE) },
    { "H-41", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      " 3\r\n"
      "abc\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_SIZE), REFUSED(400, CHUNK_SIZE) },
    { "H-42", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "100000000000000003\r\n"
      "abc\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_SIZE), REFUSED(400, CHUNK_SIZE) },
    { "H-43", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "3\r\n"
      "abcX\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_END), REFUSED(400, CHUNK_END) },
    { "H-44", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "3\r\n"
      "abc\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_END), REFUSED(400, CHUNK_END) },
    { "H-45", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "-1\r\n"
      "\r\n"), REFUSED(400, CHUNK_SIZE), REFUSED(400, CHUNK_SIZE) },
    { "H-46", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer-Encoding: chunked\r\n"
      "\r\n"
      "3\r\rabc\r\n"
      "0\r\n"
      "\r\n"), REFUSED(400, CHUNK_CR), REFUSED(400, CHUNK_CR) },
    { "H-47", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Transfer_Encoding: chunked\r\n"
      "\r\n"), DONE(NONE, 0), DONE(NONE, 0) },
    { "H-48", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 5\r\n"
      "\r\n"), MORE, MORE },
    { "H-49", BYTES("POST / HTTP/1.1\r\n"
      "Host: a\r\n"
      "Content-Length: 3\r\n"
      "\r\n"
      "ab"), MORE, MORE },
    { "H-50", BYTES("GET / HTTP/1.1\r\n"
      "Host: a\r\n"
      "X-: \x7f\r\n"
      "\r\n"), REFUSED(400, FIELD_VALUE), REFUSED(400, FIELD_VALUE) },
};
/* clang-format on */

static void expect(int row, const struct verdict *v, const struct message *m)
{
    ck_assert_msg(m->step == v->step && m->reason == v->reason &&
                      m->status == v->status,
                  "%s: step %u, %u %s", rows[row].name, m->step, m->status,
                  infra_http_reason_name(m->reason));
    if (v->step == INFRA_HTTP_DONE) {
        ck_assert_msg(m->head.framing == v->framing &&
                          m->body_size == v->body_size &&
                          m->used == rows[row].size,
                      "%s: %s, %zu", rows[row].name,
                      infra_http_framing_name(m->head.framing), m->body_size);
    }
}

/* Each vector has its verdict, in both modes, for each split in two and for
 * pieces of 1, 2 and 3 bytes. */
START_TEST(each_vector_has_its_verdict)
{
    static struct message m;

    for (uint32_t lenient = 0; lenient < 2; lenient++) {
        struct infra_http_limits limits = { .size = sizeof limits,
                                            .lenient = lenient };
        const struct verdict *v =
            lenient == 1 ? &rows[_i].lenient : &rows[_i].strict;
        for (size_t split = 0; split < rows[_i].size; split++) {
            message_read(&m, INFRA_HTTP_REQUEST, NULL, &limits, rows[_i].bytes,
                         rows[_i].size, split, message_two_pieces);
            expect(_i, v, &m);
        }
        for (size_t split = 1; split < 4; split++) {
            message_read(&m, INFRA_HTTP_REQUEST, NULL, &limits, rows[_i].bytes,
                         rows[_i].size, split, message_equal_pieces);
            expect(_i, v, &m);
        }
    }
}
END_TEST

/* What is passed on of the request H-47 has no Transfer_Encoding. */
START_TEST(look_alikes_are_not_passed_on)
{
    static struct message m;
    char out[8192];

    message_read(&m, INFRA_HTTP_REQUEST, NULL, NULL, rows[46].bytes,
                 rows[46].size, 0, message_equal_pieces);
    size_t size = message_write(&m, rows[46].bytes, out, sizeof out - 1);
    out[size] = '\0';
    ck_assert_str_eq(out, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_vectors");
    TCase *tc = tcase_create("vectors");

    tcase_add_loop_test(tc, each_vector_has_its_verdict, 0,
                        (int)INFRA__COUNT_OF(rows));
    tcase_add_test(tc, look_alikes_are_not_passed_on);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
