/* SPDX-License-Identifier: MIT */
/* What does it cost to read a head of HTTP/1.1, to write it anew, and to pass a
 * chunked body? The goal for heads: a gigabyte a second, which is 500 ns for an
 * ordinary request of 500 bytes.
 *
 * A figure is the nanoseconds for one: the median and the least of REPEATS runs
 * of half a millisecond. Each run repeats one message, so the processor
 * foretells its branches. */
#include "../bench.h"
#include "../stopwatch.h"

#include <infra/http.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 201, FIELDS = 64, CHUNK = 4096 };

struct work {
    uint32_t kind;
    const char *bytes;
    size_t size;
};

static const char short_request[] = "GET / HTTP/1.1\r\nHost: localhost:8080\r\n"
                                    "Accept: */*\r\n\r\n";
static const char browser_request[] =
    "GET /assets/images/products/overview.png?width=640&v=20240117 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 "
    "Firefox/115.0\r\n"
    "Accept: image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Referer: https://www.example.com/products/overview.html\r\n"
    "Cookie: session=5d41402abc4b2a76b9719d911017c592; theme=dark; "
    "consent=yes\r\n"
    "Sec-Fetch-Mode: no-cors\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nServer: app\r\n"
                               "Date: Tue, 01 Dec 2026 03:00:00 GMT\r\n"
                               "Content-Type: text/html; charset=utf-8\r\n"
                               "Content-Length: 5120\r\n"
                               "Cache-Control: no-store\r\n\r\n";

static void read_head(const struct work *w, struct infra_http_head *head,
                      struct infra_http_field *fields)
{
    if (infra_http_head_start(head, w->kind, NULL, NULL, fields, FIELDS) !=
            INFRA_OK ||
        infra_http_head_take(head, w->bytes, w->size) != INFRA_HTTP_DONE) {
        abort();
    }
}

static void run_head(const struct work *w)
{
    struct infra_http_head head;
    struct infra_http_field fields[FIELDS];

    read_head(w, &head, fields);
    bench_keep(head.size);
}

static void run_write(const struct work *w)
{
    struct infra_http_head head;
    struct infra_http_field fields[FIELDS];
    char bytes[4096];
    struct infra_http_out out = { .at = bytes, .room = sizeof bytes };

    read_head(w, &head, fields);
    infra_http_write_line(&out, &head, w->bytes);
    infra_http_write_fields(&out, &head, w->bytes, 0);
    infra_http_write_end(&out, head.framing, head.content_length, 0);
    bench_keep(out.length);
}

static void run_body(const struct work *w)
{
    static const char start[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    static struct infra_http_head head;
    static struct infra_http_field fields[1];
    struct infra_http_body body;
    size_t at = 0, used, data;
    uint32_t step;

    if (head.size == 0) {
        struct work h = { INFRA_HTTP_RESPONSE, start, sizeof start - 1 };
        read_head(&h, &head, fields);
    }
    if (infra_http_body_start(&body, &head) != INFRA_OK) {
        abort();
    }
    do {
        step = infra_http_body_take(&body, w->bytes + at, w->size - at, &used,
                                    &data);
        at += used;
        bench_keep(data);
    } while (step == INFRA_HTTP_DATA);
    if (step != INFRA_HTTP_TRAILER) {
        abort();
    }
}

typedef void contestant(const struct work *w);

static double run_once(contestant *run, const struct work *w, uint64_t rounds)
{
    double begin = stopwatch_now_ns();

    for (uint64_t i = 0; i < rounds; i++) {
        run(w);
    }
    return (stopwatch_now_ns() - begin) / (double)rounds;
}

static void measure(struct report *report, const char *name, contestant *run,
                    const struct work *w, int quick)
{
    double ns[REPEATS];
    uint64_t rounds = 1;
    int repeats = quick ? 1 : REPEATS;

    report_progress(name);
    while (run_once(run, w, rounds) * (double)rounds < (quick ? 1e4 : 5e5)) {
        rounds *= 2;
    }
    for (int i = 0; i < repeats; i++) {
        ns[i] = run_once(run, w, rounds);
    }
    double median = stopwatch_median(ns, repeats);
    report_text(report, name);
    report_number(report, (double)w->size, 0);
    report_number(report, median, 1);
    report_number(report, ns[0], 1);
    report_number(report, median / (double)w->size, 3);
}

int bench_http(const struct bench_options *options)
{
    static const char *const columns[] = { "work",   "bytes",       "median_ns",
                                           "min_ns", "ns_per_byte", NULL };
    const struct work heads[] = {
        { INFRA_HTTP_REQUEST, short_request, sizeof short_request - 1 },
        { INFRA_HTTP_REQUEST, browser_request, sizeof browser_request - 1 },
        { INFRA_HTTP_RESPONSE, response, sizeof response - 1 },
    };
    static char chunks[16 * (CHUNK + 8) + 8];
    struct work body = { INFRA_HTTP_RESPONSE, chunks, 0 };
    struct report report;

    for (int i = 0; i < 16; i++) {
        memcpy(chunks + body.size, "1000\r\n", 6);
        memset(chunks + body.size + 6, 'a', CHUNK);
        memcpy(chunks + body.size + 6 + CHUNK, "\r\n", 2);
        body.size += CHUNK + 8;
    }
    memcpy(chunks + body.size, "0\r\n", 3);
    body.size += 3;
    report_begin(&report, options->format, columns);
    measure(&report, "short request", run_head, &heads[0], options->quick);
    measure(&report, "browser request", run_head, &heads[1], options->quick);
    measure(&report, "response", run_head, &heads[2], options->quick);
    measure(&report, "request, rewritten", run_write, &heads[1],
            options->quick);
    measure(&report, "chunks of 4 KiB", run_body, &body, options->quick);
    report_progress("");
    report_end(&report);
    return 0;
}
