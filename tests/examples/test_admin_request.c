/* SPDX-License-Identifier: MIT */
/* Requests to the admin listener of the examples: what is one, and what is
 * refused with which status. */
#include "support.h"

#include "../../examples/common/admin_request.h"

#include <stdio.h>
#include <string.h>

#define HOST "Host: 127.0.0.1:9\r\n"

static int read_text(const char *text, struct admin_request *ret)
{
    return admin_request_read(text, strlen(text), ret);
}

/* What comes is read, or refused with a status of HTTP. */
START_TEST(requests_are_read_or_refused)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        { "GET / HTTP/1.1\r\n" HOST "\r\n", 200 },
        { "GET / HTTP/1.0\r\n" HOST "\r\n", 200 },
        { "HEAD /status HTTP/1.1\r\n" HOST "\r\n", 200 },
        { "GET /a?b=c HTTP/1.1\r\nhost:localhost\r\nX: y z\t\r\n\r\n", 200 },
        { "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200 },
        { "GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 200 },
        { "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200 },
        { "POST / HTTP/1.1\r\n" HOST "X-Admin: 1\r\n\r\n", 200 },
        { "", 0 },
        { "GET / HTTP/1.1\r\n" HOST, 0 },
        { "GET / HTTP/1.1\r\n" HOST "\r", 0 },
        { "POST / HTTP/1.1\r\n" HOST "\r\n", 403 },
        { "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403 },
        { "GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 403 },
        { "GET / HTTP/1.1\r\nHost: localhost:a\r\n\r\n", 403 },
        { "GET / HTTP/1.1\r\nHost: [evil]\r\n\r\n", 403 },
        { "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 403 },
        { "GET / HTTP/1.1\r\nHost:\r\n\r\n", 403 },
        { "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 403 },
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST " X: y\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST ": y\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400 },
        { "GET / HTTP/1.1\n" HOST "\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "X: \x7f\r\n\r\n", 400 },
        { "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET a HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /\r\n" HOST "\r\n", 400 },
        { "G@T / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" HOST "\r\n", 405 },
        { "get / HTTP/1.1\r\n" HOST "\r\n", 405 },
        { "GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", 413 },
        { "GET / HTTP/1.1\r\n" HOST "Content-Length: 00\r\n\r\n", 413 },
        { "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 413 },
        { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
        { "GET / HTTP/1.10\r\n" HOST "\r\n", 505 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admin_request r;
        int status = read_text(rows[i].text, &r);
        ck_assert_msg(status == rows[i].status, "%s: %d", rows[i].text, status);
    }
}
END_TEST

/* Any part of a request is not one yet, and what follows it is not read. */
START_TEST(parts_are_waited_for)
{
    static const char text[] =
        "GET /metrics?x=1 HTTP/1.1\r\n" HOST
        "Accept: application/openmetrics-text;version=1.0.0,*/*\r\n\r\nGET /";
    size_t size = sizeof text - 1 - 5;
    struct admin_request r;

    for (size_t i = 0; i < size; i++) {
        ck_assert_int_eq(admin_request_read(text, i, &r), 0);
    }
    for (size_t i = size; i < sizeof text; i++) {
        ck_assert_int_eq(admin_request_read(text, i, &r), 200);
        ck_assert_str_eq(r.path, "/metrics");
        ck_assert_str_eq(r.query, "x=1");
        ck_assert(r.wants_openmetrics);
        ck_assert(!r.has_guard);
    }
}
END_TEST

/* A head, a path and a query have a limit. */
START_TEST(sizes_are_limited)
{
    char text[ADMIN_REQUEST_MAX + 100];
    struct admin_request r;

    memset(text, 'a', sizeof text);
    ck_assert_int_eq(admin_request_read(text, ADMIN_REQUEST_MAX - 1, &r), 0);
    ck_assert_int_eq(admin_request_read(text, ADMIN_REQUEST_MAX, &r), 431);
    for (size_t size = ADMIN_PATH_MAX; size <= ADMIN_PATH_MAX + 1; size++) {
        int status = size == ADMIN_PATH_MAX ? 200 : 414;
        int n =
            snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n" HOST "\r\n",
                     (int)size - 1, 0);
        ck_assert_int_eq(admin_request_read(text, (size_t)n, &r), status);
        n = snprintf(text, sizeof text, "GET /?%0*d HTTP/1.1\r\n" HOST "\r\n",
                     (int)size, 0);
        ck_assert_int_eq(admin_request_read(text, (size_t)n, &r), status);
    }
    int n =
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "X: %0*d\r\n\r\n",
                 ADMIN_REQUEST_MAX, 0);
    ck_assert_int_eq(admin_request_read(text, (size_t)n, &r), 431);
    /* A zero is no character. */
    ck_assert_int_eq(
        admin_request_read("GET /\0 HTTP/1.1\r\n" HOST "\r\n", 39, &r), 400);
}
END_TEST

/* Values of a query are found by name, and decoded. */
START_TEST(values_of_a_query)
{
    static const struct {
        const char *query;
        const char *value; /* NULL: none. */
    } rows[] = {
        { "to=up", "up" },   { "name=a&to=up", "up" },
        { "to=&x=y", "" },   { "to=a%3Ab%2f", "a:b/" },
        { "to=a+b", "a+b" }, { "", NULL },
        { "to", NULL },      { "tooth=x", NULL },
        { "x=to=up", NULL }, { "to=%00", NULL },
        { "to=%2", NULL },   { "to=%", NULL },
        { "to=%zz", NULL },  { "to=%20", NULL },
        { "to=%ff", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admin_request r = { .method = ADMIN_GET };
        char value[ADMIN_PATH_MAX + 1] = "-";
        strcpy(r.query, rows[i].query);
        bool is_there = admin_request_value(&r, "to", value);
        ck_assert_msg(is_there == (rows[i].value != NULL), "%s", rows[i].query);
        if (is_there) {
            ck_assert_str_eq(value, rows[i].value);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admin_request");
    TCase *tc = tcase_create("admin_request");

    tcase_add_test(tc, requests_are_read_or_refused);
    tcase_add_test(tc, parts_are_waited_for);
    tcase_add_test(tc, sizes_are_limited);
    tcase_add_test(tc, values_of_a_query);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
