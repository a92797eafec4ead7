/* SPDX-License-Identifier: MIT */
/* Heads written anew. */
#include "support.h"

#include "base/internal.h"
#include "message.h"

static struct message m;

/* What is passed on is normalised, to the byte. */
START_TEST(output_is_normalised)
{
    static const struct {
        uint32_t kind;
        const char *in, *out;
    } rows[] = {
#define REQUEST INFRA_HTTP_REQUEST
#define RESPONSE INFRA_HTTP_RESPONSE
        { REQUEST,
          "GET http://b/c HTTP/1.1\r\nA:1\r\nhost: a\r\n"
          "Connection: X\r\nX: 1\r\nKeep-Alive: 5\r\n"
          "Content_Length: 3\r\nb_c: \t2 \r\nTE: trailers\r\n"
          "Proxy-Authorization: x\r\nUpgrade: h2c\r\n\r\n",
          "GET /c HTTP/1.1\r\nHost: b\r\nA: 1\r\nb_c: 2\r\n\r\n" },
        { REQUEST, "GET http://b?c HTTP/1.1\r\nHost: b\r\n\r\n",
          "GET /?c HTTP/1.1\r\nHost: b\r\n\r\n" },
        { REQUEST, "GET http://b HTTP/1.1\r\nHost: b\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: b\r\n\r\n" },
        { REQUEST, "OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n",
          "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n" },
        { REQUEST, "CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\n",
          "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n" },
        { REQUEST, "GET / HTTP/1.0\r\nHost: b\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n" },
        { REQUEST,
          "PUT / HTTP/1.1\r\nHost: b\r\nContent-Length: 0003\r\n\r\nabc",
          "PUT / HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc" },
        { REQUEST,
          "PUT / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n"
          "Trailer: T\r\n\r\n1;x\r\na\r\n1\r\nb\r\n0\r\n"
          "Host: evil\r\nCookie: c\r\nT: v\r\nContent-Length: 1\r\n\r\n",
          "PUT / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
          "2\r\nab\r\n0\r\nT: v\r\n\r\n" },
        { RESPONSE, "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n" },
    };
    char out[16384];

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        message_read(&m, rows[i].kind, NULL, NULL, rows[i].in,
                     strlen(rows[i].in), 0, message_equal_pieces);
        ck_assert_msg(m.step == INFRA_HTTP_DONE, "%s: %s", rows[i].in,
                      infra_http_reason_name(m.reason));
        size_t size = message_write(&m, rows[i].in, out, sizeof out - 1);
        out[size] = '\0';
        ck_assert_str_eq(out, rows[i].out);
    }
}
END_TEST

/* Without room nothing is written past it, and the length is what it takes. */
START_TEST(output_without_room_is_counted)
{
    static const char in[] = "GET / HTTP/1.1\r\nHost: b\r\nA: 1\r\n\r\n";
    char out[64];

    message_read(&m, INFRA_HTTP_REQUEST, NULL, NULL, in, sizeof in - 1, 0,
                 message_equal_pieces);
    for (size_t room = 0; room < sizeof in; room++) {
        struct infra_http_out o = { .at = out, .room = room };
        memset(out, '#', sizeof out);
        infra_http_write_line(&o, &m.head, in);
        infra_http_write_fields(&o, &m.head, in, 0);
        infra_http_write_end(&o, INFRA_HTTP_FRAMING_NONE, 0, 0);
        ck_assert_uint_eq(o.length, sizeof in - 1);
        for (size_t i = room; i < sizeof out; i++) {
            ck_assert_int_eq(out[i], '#');
        }
    }
    ck_assert_mem_eq(out, in, sizeof in - 1);
}
END_TEST

/* The host's own fields cannot break a line; ids can be left out. */
START_TEST(own_fields_are_checked)
{
    static const char in[] = "GET / HTTP/1.1\r\nHost: b\r\nCookie: 1\r\n"
                             "X-Forwarded-For: x\r\nConnection: close\r\n\r\n";
    char out[128] = "";
    struct infra_http_out o = { .at = out, .room = sizeof out - 1 };

    ck_assert_int_eq(infra_http_write_field(&o, "A b", "x", 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_http_write_field(&o, "", "x", 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_http_write_field(&o, NULL, "x", 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_http_write_field(&o, "A", NULL, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_http_write_field(&o, "A", "x\r\ny", 4),
                     INFRA_EINVAL);
    ck_assert_uint_eq(o.length, 0);
    ck_assert_int_eq(infra_http_write_field(&o, "A", "x", 1), INFRA_OK);
    message_read(&m, INFRA_HTTP_REQUEST, NULL, NULL, in, sizeof in - 1, 0,
                 message_equal_pieces);
    infra_http_write_fields(&o, &m.head, in,
                            1u << INFRA_HTTP_ID_X_FORWARDED_FOR);
    infra_http_write_end(&o, INFRA_HTTP_FRAMING_CLOSE, 0, 0);
    infra_http_write_chunk(&o, 0x1f2e);
    ck_assert_str_eq(out,
                     "A: x\r\nCookie: 1\r\nConnection: close\r\n\r\n1f2e\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_write");
    TCase *tc = tcase_create("write");

    tcase_add_test(tc, output_is_normalised);
    tcase_add_test(tc, output_without_room_is_counted);
    tcase_add_test(tc, own_fields_are_checked);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
