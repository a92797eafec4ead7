/* HTTP replies on a kept connection: where each one ends. Their contents are
 * tested with the check that reads them (test_http.c). */
#include "support.h"

#include "base/http_reply.h"
#include "base/internal.h"

#include <string.h>

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *reply;
    enum infra__http_event end;
    const char *rest; /* At its END: the bytes that are not its own. */
} rows[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP", INFRA__HTTP_END,
      "HTTP" },
    { "HTTP/1.1 204 No\r\n\r\nHTTP", INFRA__HTTP_END, "HTTP" },
    { CHUNKED "2\r\nab\r\n0\r\n\r\nHTTP", INFRA__HTTP_END, "HTTP" },
    { CHUNKED "2\r\nab\r\n0\r\nA: b\r\nC:\r\n\r\nHTTP", INFRA__HTTP_END,
      "HTTP" },
    { CHUNKED "2\r\nab\r\n0\r\n", INFRA__HTTP_MORE, "" },
    { CHUNKED "2\r\nab\r\n0\r\nA: b\r\n", INFRA__HTTP_MORE, "" },
    { CHUNKED "2\r\nab\r\n0\r\nA: b\r\n\r", INFRA__HTTP_MORE, "" },
    { CHUNKED "2\r\nab\r\n0\r\n\rA", INFRA__HTTP_BAD, "" },
    { CHUNKED "2\r\nab\r\n0\r\n\n", INFRA__HTTP_BAD, "" },
    { CHUNKED "2\r\nab\r\n0\r\nA: b\n", INFRA__HTTP_BAD, "" },
    { CHUNKED "2\r\nab\r\n0\r\nA: b\rC", INFRA__HTTP_BAD, "" },
    { CHUNKED "2\r\nab\r\n0\r\nA: \x01", INFRA__HTTP_BAD, "" },
    /* The head has 47 bytes; with trailers it may have 80. */
    { CHUNKED "2\r\nab\r\n0\r\n"
              "A: 456789012345678901234567890\r\n\r\nHTTP",
      INFRA__HTTP_BAD, "" },
};

/* Any reply ends where its framing says, trailers included, in whatever pieces
 * it comes. */
START_TEST(a_reply_ends_where_it_ends)
{
    const char *reply = rows[_i].reply;
    size_t size = strlen(reply);

    for (size_t step = 1; step <= size; step++) {
        struct infra__http_reply r;
        struct infra__bytes in = { .count = 0 };
        struct infra__bytes piece;
        enum infra__http_event event = INFRA__HTTP_MORE;
        char body[8] = "";
        size_t at = 0;
        infra__http_reply_start(&r, 80, true);
        while (event != INFRA__HTTP_END && event != INFRA__HTTP_BAD &&
               (event != INFRA__HTTP_MORE || at < size)) {
            if (in.count == 0) {
                in.at = (const unsigned char *)reply + at;
                in.count = size - at < step ? size - at : step;
                at += in.count;
            }
            event = infra__http_reply_next(&r, &in, &piece);
            if (event == INFRA__HTTP_BODY) {
                ck_assert_uint_le(strlen(body) + piece.count, 2);
                strncat(body, (const char *)piece.at, piece.count);
            }
        }
        const char *rest = (const char *)in.at;
        ck_assert_msg(event == rows[_i].end, "%s: %u", reply, event);
        ck_assert_str_eq(body, strstr(reply, " 204 ") != NULL ? "" : "ab");
        if (event == INFRA__HTTP_END) {
            ck_assert_str_eq(rest, rows[_i].rest);
        }
    }
}
END_TEST

/* Leniencies of a check (test_http.c) are errors where another reply follows:
 * two readers that frame a reply differently confuse one reply with another. */
START_TEST(strict_where_another_follows)
{
    static const char *const odd[] = {
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 403.1 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA(b): c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n"
        "Content-Length: 2\r\n\r\n",
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(odd); i++) {
        struct infra__http_reply r;
        struct infra__bytes piece,
            in = { (const unsigned char *)odd[i], strlen(odd[i]) };
        infra__http_reply_start(&r, 1000, true);
        ck_assert_msg(infra__http_reply_next(&r, &in, &piece) ==
                          INFRA__HTTP_BAD,
                      "%s", odd[i]);
    }
}
END_TEST

static Suite *http_reply_suite(void)
{
    Suite *s = suite_create("http_reply");
    TCase *tc = tcase_create("kept");
    tcase_add_loop_test(tc, a_reply_ends_where_it_ends, 0,
                        (int)INFRA__COUNT_OF(rows));
    tcase_add_test(tc, strict_where_another_follows);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(http_reply_suite());
}
