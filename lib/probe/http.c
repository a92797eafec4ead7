/* SPDX-License-Identifier: MIT */
/* An HTTP check: one request, written once at creation, and what is expected of
 * the reply. It is over as soon as it is decided: with the head where no text
 * is asked for, else with the text or with the end of the body. */
#include "../base/search.h"
#include "http_request.h"
#include "internal.h"

#include "../base/http_reply.h"
#include "../base/internal.h"

#include <assert.h>
#include <string.h>

#define READ_MAX (1u << 20)
#define STATUS_MIN 100u
#define STATUS_MAX 599u

INFRA__NO_TAIL_PADDING(struct infra_probe_http_options, fields_count);

/* By enum infra__http_fault. */
static const uint32_t reasons[] = {
    [INFRA__HTTP_NOT_HTTP] = INFRA_PROBE_REASON_NOT_HTTP,
    [INFRA__HTTP_BAD_HEADER] = INFRA_PROBE_REASON_BAD_HEADER,
    [INFRA__HTTP_HEADER_TOO_LONG] = INFRA_PROBE_REASON_HEADER_TOO_LONG,
    [INFRA__HTTP_BAD_LENGTH] = INFRA_PROBE_REASON_BAD_LENGTH,
    [INFRA__HTTP_BAD_CHUNK] = INFRA_PROBE_REASON_BAD_CHUNK,
    [INFRA__HTTP_CUT_SHORT] = INFRA_PROBE_REASON_CLOSED_EARLY,
};

struct http {
    struct infra_probe probe; /* First: it is a probe. */
    struct infra__http_reply reply;
    struct infra__search search; /* Size 0: no text is asked for. */
    uint32_t status_min;
    uint32_t status_max;
    uint32_t header_max;
    uint32_t body_max;
    uint32_t body_count; /* Bytes of the body that were searched. */
    uint32_t request_size;
    uint32_t request_sent;
    bool drains_on_404;
    char bytes[]; /* The request, the text, the search's table. */
};

static void http_connected(struct infra_probe *probe)
{
    struct http *h = (struct http *)probe;

    infra__http_reply_start(&h->reply, h->header_max, false);
    infra__search_start(&h->search);
    h->body_count = 0;
    h->request_sent = 0;
}

static size_t http_output(struct infra_probe *probe, const void **ret)
{
    struct http *h = (struct http *)probe;

    *ret = h->bytes + h->request_sent;
    return h->request_size - h->request_sent;
}

static void http_sent(struct infra_probe *probe, size_t count)
{
    struct http *h = (struct http *)probe;

    assert(count <= h->request_size - h->request_sent);
    h->request_sent += (uint32_t)count;
}

static void tell_admin(struct http *h, uint32_t admin)
{
    if (h->drains_on_404) {
        h->probe.result.admin = admin;
        h->probe.result.has |= INFRA_PROBE_HAS_ADMIN;
    }
}

static void pass(struct http *h)
{
    tell_admin(h, INFRA_PROBE_ADMIN_READY);
    infra__probe_finish(&h->probe, h->reply.is_degraded
                                       ? INFRA_PROBE_REASON_DEGRADED
                                       : INFRA_PROBE_REASON_PASSED);
}

static void judge_head(struct http *h)
{
    uint32_t status = h->reply.status;

    h->probe.result.status = status;
    h->probe.result.has |= INFRA_PROBE_HAS_STATUS;
    if (h->drains_on_404 && status == 404) {
        tell_admin(h, INFRA_PROBE_ADMIN_DRAIN);
        infra__probe_finish(&h->probe, INFRA_PROBE_REASON_PASSED);
    } else if (status < h->status_min || status > h->status_max) {
        infra__probe_finish(&h->probe, INFRA_PROBE_REASON_STATUS);
    } else if (h->search.size == 0) {
        pass(h);
    }
}

static void judge_body(struct http *h, struct infra__bytes piece)
{
    uint32_t left = h->body_max - h->body_count;
    uint32_t count = piece.count < left ? (uint32_t)piece.count : left;

    h->body_count += count;
    if (infra__search_feed(&h->search, piece.at, count)) {
        pass(h);
    } else if (piece.count > count) {
        infra__probe_finish(&h->probe, INFRA_PROBE_REASON_BODY_TOO_LONG);
    }
}

static void http_input(struct infra_probe *probe, const void *bytes,
                       size_t count)
{
    struct http *h = (struct http *)probe;
    struct infra__bytes in = { .at = bytes, .count = count };
    struct infra__bytes piece;

    while (probe->want == INFRA_WANT_IO) {
        switch (infra__http_reply_next(&h->reply, &in, &piece)) {
        case INFRA__HTTP_MORE:
            return;
        case INFRA__HTTP_HEAD:
            judge_head(h);
            break;
        case INFRA__HTTP_BODY:
            judge_body(h, piece);
            break;
        case INFRA__HTTP_END:
            infra__probe_finish(probe, INFRA_PROBE_REASON_BODY);
            break;
        case INFRA__HTTP_BAD:
            infra__probe_finish(probe, reasons[h->reply.fault]);
            break;
        }
    }
}

static void http_ended(struct infra_probe *probe)
{
    struct http *h = (struct http *)probe;
    bool good = infra__http_reply_eof(&h->reply) == INFRA__HTTP_END;

    infra__probe_finish(probe, good ? INFRA_PROBE_REASON_BODY
                                    : reasons[h->reply.fault]);
}

static const struct infra__probe_kind http = { .connected = http_connected,
                                               .output = http_output,
                                               .sent = http_sent,
                                               .input = http_input,
                                               .ended = http_ended,
                                               .peer_closes = true };

static void set_defaults(struct infra_probe_http_options *o)
{
    o->method = o->method != NULL ? o->method : "GET";
    o->path = o->path != NULL ? o->path : "/";
    o->host = o->host != NULL ? o->host : "localhost";
    if (o->status_max == 0) {
        o->status_max = o->status_min != 0 ? o->status_min : 399;
    }
    o->status_min = o->status_min != 0 ? o->status_min : 200;
    o->header_max = o->header_max != 0 ? o->header_max : 16384;
    o->body_max = o->body_max != 0 ? o->body_max : 65536;
}

static bool is_body_text_allowed(const struct infra_probe_http_options *o)
{
    size_t size =
        o->body_contains != NULL ? strlen(o->body_contains) : SIZE_MAX;

    return o->body_contains == NULL ||
           (size > 0 && size <= INFRA__SEARCH_TEXT_MAX &&
            strcmp(o->method, "HEAD") != 0);
}

static bool are_numbers_allowed(const struct infra_probe_http_options *o)
{
    return o->status_min >= STATUS_MIN && o->status_max <= STATUS_MAX &&
           o->status_min <= o->status_max && o->header_max <= READ_MAX &&
           o->body_max <= READ_MAX && o->tls <= 1 && o->drain_on_404 <= 1;
}

/* One allocation: the struct, the request, the text, the table. */
static int create(struct http **ret, const struct infra_probe_http_options *o)
{
    size_t request_size = infra__http_request_write(NULL, o);
    size_t text_size = o->body_contains != NULL ? strlen(o->body_contains) : 0;
    const struct infra__probe_limits limits = {
        .connect_timeout = o->connect_timeout,
        .response_timeout = o->response_timeout,
        .first_byte_timeout = o->first_byte_timeout,
        .tls = o->tls == 1,
    };
    struct infra_probe *probe;

    int err = infra__probe_create(
        &probe, sizeof(struct http) + request_size + 2 * text_size, &http,
        o->allocator, &limits);
    if (err != INFRA_OK) {
        return err;
    }
    struct http *h = (struct http *)probe;
    char *text = h->bytes + request_size;

    h->request_size = (uint32_t)request_size;
    (void)infra__http_request_write(h->bytes, o);
    if (text_size > 0) {
        memcpy(text, o->body_contains, text_size);
        h->search =
            (struct infra__search) { .text = (const unsigned char *)text,
                                     .borders = (uint8_t *)text + text_size,
                                     .size = text_size };
        infra__search_prepare(&h->search);
    }
    *ret = h;
    return INFRA_OK;
}

int infra_probe_http(struct infra_probe **ret,
                     const struct infra_probe_http_options *options)
{
    struct infra_probe_http_options o = { .size = sizeof o };
    struct http *h;

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    set_defaults(&o);
    if (!infra__http_request_is_allowed(&o) || !is_body_text_allowed(&o) ||
        !are_numbers_allowed(&o)) {
        return INFRA_EINVAL;
    }
    err = create(&h, &o);
    if (err != INFRA_OK) {
        return err;
    }
    h->status_min = o.status_min;
    h->status_max = o.status_max;
    h->header_max = o.header_max;
    h->body_max = o.body_max;
    h->drains_on_404 = o.drain_on_404 == 1;
    *ret = &h->probe;
    return INFRA_OK;
}
