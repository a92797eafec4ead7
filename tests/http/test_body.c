/* SPDX-License-Identifier: MIT */
/* Bodies in pieces. */
#include "support.h"

#include "base/internal.h"
#include "message.h"

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct message m;

static void read_response(const char *text, uint32_t lenient, uint64_t body_max)
{
    struct infra_http_limits limits = { .size = sizeof limits,
                                        .lenient = lenient,
                                        .body_max = body_max };

    message_read(&m, INFRA_HTTP_RESPONSE, NULL, &limits, text, strlen(text), 1,
                 message_equal_pieces);
}

/* Extensions, any case of digits, and trailers are read (RFC 9112 §7.1). */
START_TEST(chunks_and_trailers_are_read)
{
    read_response(CHUNKED "00A;a=\"b;\"\r\n0123456789\r\n1\r\nx\r\n000\r\n"
                          "T: v\r\nU: w\r\n\r\nmore",
                  0, 0);
    ck_assert_uint_eq(m.step, INFRA_HTTP_DONE);
    ck_assert_uint_eq(m.body_size, 11);
    ck_assert_mem_eq(m.body, "0123456789x", 11);
    ck_assert_uint_eq(m.trailers.fields_count, 2);
}
END_TEST

/* Whatever two readers could understand differently is refused; blanks behind
 * a size pass in a lenient reader of responses. */
START_TEST(malformed_chunks_are_refused)
{
    static const struct {
        const char *text;
        uint32_t strict, lenient;
    } rows[] = {
#define R(name) INFRA_HTTP_REASON_##name
        { CHUNKED "1 \r\na\r\n0\r\n\r\n", R(CHUNK_SIZE), 0 },
        { CHUNKED "1\t;x\r\na\r\n0\r\n\r\n", R(CHUNK_SIZE), 0 },
        { CHUNKED "1 2\r\na\r\n0\r\n\r\n", R(CHUNK_SIZE), R(CHUNK_SIZE) },
        { CHUNKED "\r\n", R(CHUNK_SIZE), R(CHUNK_SIZE) },
        { CHUNKED ";\r\n", R(CHUNK_SIZE), R(CHUNK_SIZE) },
        { CHUNKED "1;\x01\r\n", R(CHUNK_LINE), R(CHUNK_LINE) },
        { CHUNKED "1;x\n", R(CHUNK_LF), R(CHUNK_LF) },
        { CHUNKED "1\ra", R(CHUNK_CR), R(CHUNK_CR) },
        { CHUNKED "1\r\naa", R(CHUNK_END), R(CHUNK_END) },
        { CHUNKED "1\r\na\ra", R(CHUNK_END), R(CHUNK_END) },
        { CHUNKED "7fffffffffffffff\r\n", 0, 0 },
        { CHUNKED "8000000000000000\r\n", R(CHUNK_SIZE), R(CHUNK_SIZE) },
        { CHUNKED "10000000000000000\r\n", R(CHUNK_SIZE), R(CHUNK_SIZE) },
        { CHUNKED "0\r\nT : v\r\n\r\n", R(FIELD_NAME), R(FIELD_NAME) },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        for (uint32_t lenient = 0; lenient < 2; lenient++) {
            uint32_t reason = lenient ? rows[i].lenient : rows[i].strict;
            read_response(rows[i].text, lenient, 0);
            ck_assert_msg(m.reason == reason &&
                              m.status == (reason != 0 ? 502u : 0u),
                          "%s: %u %s", rows[i].text, m.status,
                          infra_http_reason_name(m.reason));
        }
    }
}
END_TEST

/* A chunk's line has a limit, also one that consists of zeroes. */
START_TEST(chunk_lines_are_bounded)
{
    char text[512] = CHUNKED;
    size_t at = strlen(text);

    memset(text + at, '0', 256);
    read_response(text, 0, 0);
    ck_assert_uint_eq(m.step, INFRA_HTTP_MORE);
    text[at + 256] = '0';
    read_response(text, 0, 0);
    ck_assert_uint_eq(m.reason, INFRA_HTTP_REASON_CHUNK_LINE);
}
END_TEST

/* The sum of the chunks, and a body until close, have a limit. */
START_TEST(bodies_are_bounded)
{
    read_response(CHUNKED "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", 0, 4);
    ck_assert_uint_eq(m.step, INFRA_HTTP_DONE);
    read_response(CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 0, 4);
    ck_assert_uint_eq(m.reason, INFRA_HTTP_REASON_BODY_SIZE);
    read_response("HTTP/1.1 200 OK\r\n\r\nabcd", 0, 4);
    ck_assert_uint_eq(m.step, INFRA_HTTP_MORE);
    read_response("HTTP/1.1 200 OK\r\n\r\nabcde", 0, 4);
    ck_assert_uint_eq(m.reason, INFRA_HTTP_REASON_BODY_SIZE);
}
END_TEST

static void start(struct infra_http_body *body, const char *text)
{
    struct infra_http_field fields[8];
    struct infra_http_head head;

    ck_assert_int_eq(infra_http_head_start(&head, INFRA_HTTP_RESPONSE, NULL,
                                           NULL, fields, 8),
                     INFRA_OK);
    ck_assert_int_eq(infra_http_body_start(body, &head), INFRA_EINVAL);
    ck_assert_uint_eq(infra_http_head_take(&head, text, strlen(text)),
                      INFRA_HTTP_DONE);
    ck_assert_int_eq(infra_http_body_start(body, &head), INFRA_OK);
}

/* Data that the host passes on by itself counts as data that was taken. */
START_TEST(the_host_may_pass_data_itself)
{
    struct infra_http_body body;
    size_t used, data;

    start(&body, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    ck_assert_uint_eq(infra_http_body_left(&body), 10);
    ck_assert_int_eq(infra_http_body_pass(&body, 11), INFRA_EINVAL);
    ck_assert_int_eq(infra_http_body_pass(&body, 9), INFRA_OK);
    ck_assert_uint_eq(infra_http_body_take(&body, "ab", 2, &used, &data),
                      INFRA_HTTP_DATA);
    ck_assert_uint_eq(used, 1);
    ck_assert_uint_eq(data, 1);
    ck_assert_uint_eq(infra_http_body_take(&body, "b", 1, &used, &data),
                      INFRA_HTTP_DONE);
    ck_assert_uint_eq(used, 0);
    start(&body, CHUNKED);
    ck_assert_uint_eq(infra_http_body_left(&body), 0);
    ck_assert_uint_eq(infra_http_body_take(&body, "5\r\n", 3, &used, &data),
                      INFRA_HTTP_MORE);
    ck_assert_uint_eq(infra_http_body_left(&body), 5);
    ck_assert_int_eq(infra_http_body_pass(&body, 0), INFRA_OK);
    ck_assert_int_eq(infra_http_body_pass(&body, 5), INFRA_OK);
    ck_assert_uint_eq(
        infra_http_body_take(&body, "\r\n0\r\nx", 6, &used, &data),
        INFRA_HTTP_TRAILER);
    ck_assert_uint_eq(used, 5);
    ck_assert_int_eq(infra_http_body_pass(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_http_body_start(NULL, NULL), INFRA_EINVAL);
}
END_TEST

/* The end of the stream completes a body until close, and cuts others short. */
START_TEST(the_end_of_the_stream_is_judged)
{
    struct infra_http_body body;

    start(&body, "HTTP/1.1 200 OK\r\n\r\n");
    ck_assert_uint_eq(infra_http_body_left(&body), UINT64_MAX);
    ck_assert_uint_eq(infra_http_body_eof(&body), INFRA_HTTP_DONE);
    ck_assert_uint_eq(infra_http_body_left(&body), 0);
    start(&body, "HTTP/1.1 204 OK\r\n\r\n");
    ck_assert_uint_eq(infra_http_body_eof(&body), INFRA_HTTP_DONE);
    start(&body, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    ck_assert_uint_eq(infra_http_body_eof(&body), INFRA_HTTP_REFUSED);
    ck_assert_uint_eq(body.reason, INFRA_HTTP_REASON_CUT_SHORT);
    ck_assert_uint_eq(body.refusal_status, 502);
    start(&body, CHUNKED);
    ck_assert_uint_eq(infra_http_body_eof(&body), INFRA_HTTP_REFUSED);
    ck_assert_uint_eq(infra_http_body_eof(&body), INFRA_HTTP_REFUSED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_body");
    TCase *tc = tcase_create("body");

    tcase_add_test(tc, chunks_and_trailers_are_read);
    tcase_add_test(tc, malformed_chunks_are_refused);
    tcase_add_test(tc, chunk_lines_are_bounded);
    tcase_add_test(tc, bodies_are_bounded);
    tcase_add_test(tc, the_host_may_pass_data_itself);
    tcase_add_test(tc, the_end_of_the_stream_is_judged);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
