/* SPDX-License-Identifier: MIT */
/* An HTTP check: one request, written once at creation, and the expected reply.
 * The check is over as soon as it is decided: with the head if no text is
 * expected, else with the text or the end of the body. */
#include "http_request.h"
#include "internal.h"

#include "../base/characters.h"
#include "../base/http_reply.h"
#include "../base/internal.h"
#include "../base/search.h"

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
    struct infra__search search; /* Size 0: no text is expected. */
    uint32_t status_min;
    uint32_t status_max;
    uint32_t header_max;
    uint32_t body_max;
    uint32_t body_count; /* Bytes of the body that were searched. */
    bool drains_on_404;
    char bytes[]; /* The request, the text, the search's table. */
};

static void http_connected(struct infra_probe *probe)
{
    struct http *h = (struct http *)probe;

    infra__http_reply_start(&h->reply, h->header_max, false);
    infra__search_start(&h->search);
    h->body_count = 0;
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
    return o->body_contains == NULL ||
           (infra__text_fits(o->body_contains, 1, INFRA__SEARCH_TEXT_MAX) &&
            strcmp(o->method, "HEAD") != 0);
}

static bool are_numbers_allowed(const struct infra_probe_http_options *o)
{
    return o->status_min >= STATUS_MIN && o->status_max <= STATUS_MAX &&
           o->status_min <= o->status_max && o->header_max <= READ_MAX &&
           o->body_max <= READ_MAX && o->drain_on_404 <= 1;
}

static int complete(void *options)
{
    struct infra_probe_http_options *o = options;

    set_defaults(o);
    return infra__http_request_is_allowed(o) && is_body_text_allowed(o) &&
                   are_numbers_allowed(o)
               ? INFRA_OK
               : INFRA_EINVAL;
}

static void set_search(struct http *h, const char *text, char *place)
{
    size_t size = strlen(text);

    memcpy(place, text, size);
    h->search = (struct infra__search) { .text = (unsigned char *)place,
                                         .borders = (uint8_t *)place + size,
                                         .size = size };
    infra__search_prepare(&h->search);
}

int infra_probe_http(struct infra_probe **ret,
                     const struct infra_probe_http_options *options)
{
    struct infra_probe_http_options o = { .size = sizeof o };
    struct infra__request size = { .at = NULL };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;

    if (err == INFRA_OK) {
        infra__http_request_write(&size, &o);
    }
    size_t text_size = o.body_contains != NULL ? strlen(o.body_contains) : 0;
    struct http *h = infra__probe_create(
        &err, sizeof *h + size.size + 2 * text_size, &http, &o);
    if (h == NULL) {
        return err;
    }
    h->probe.request.at = h->bytes;
    infra__http_request_write(&h->probe.request, &o);
    if (text_size > 0) {
        set_search(h, o.body_contains, h->bytes + size.size);
    }
    h->status_min = o.status_min;
    h->status_max = o.status_max;
    h->header_max = o.header_max;
    h->body_max = o.body_max;
    h->drains_on_404 = o.drain_on_404 == 1;
    *ret = &h->probe;
    return INFRA_OK;
}
