/* SPDX-License-Identifier: MIT */
/* What a complete head means: where its message ends (RFC 9112 §6.3), whether
 * the connection lasts (§9.3), and which fields are only for this hop (RFC 9110
 * §7.6.1). */
#include "internal.h"

/* Mark the fields that @option names; Host and what frames the message are
 * written anew in any case. */
static void mark_named(struct infra_http_head *head, const unsigned char *bytes,
                       const unsigned char *option, size_t size)
{
    for (uint32_t i = 0; i < head->fields_count; i++) {
        struct infra_http_field *f = &head->fields[i];
        const unsigned char *name = infra__http_at(bytes, &f->name);
        size_t same = 0;
        if (f->name.length != size) {
            continue;
        }
        while (same < size && (name[same] | 0x20) == (option[same] | 0x20)) {
            same++;
        }
        if (same == size) {
            f->flags |= INFRA_HTTP_FIELD_HOP;
        }
    }
}

struct options {
    uint32_t count;
    bool closes, keeps, upgrades;
};

/* False: too many. */
static bool read_connection(struct infra_http_head *head,
                            const unsigned char *bytes,
                            const struct infra_http_span *value,
                            struct options *options)
{
    const unsigned char *option, *p = infra__http_at(bytes, value);
    const unsigned char *end = p + value->length;
    size_t size;

    while (infra__http_list_next(&p, end, &option, &size)) {
        if (++options->count > INFRA__HTTP_OPTIONS_MAX) {
            return false;
        }
        if (INFRA__HTTP_IS(option, size, "close")) {
            options->closes = true;
        } else if (INFRA__HTTP_IS(option, size, "keep-alive")) {
            options->keeps = true;
        } else if (INFRA__HTTP_IS(option, size, "upgrade")) {
            options->upgrades = true;
        } else {
            mark_named(head, bytes, option, size);
        }
    }
    return true;
}

static bool is_hop_by_hop(uint32_t id)
{
    switch (id) {
    case INFRA_HTTP_ID_TRANSFER_ENCODING:
    case INFRA_HTTP_ID_CONNECTION:
    case INFRA_HTTP_ID_KEEP_ALIVE:
    case INFRA_HTTP_ID_PROXY_CONNECTION:
    case INFRA_HTTP_ID_TE:
    case INFRA_HTTP_ID_TRAILER:
    case INFRA_HTTP_ID_UPGRADE:
    case INFRA_HTTP_ID_PROXY_AUTHORIZATION:
    case INFRA_HTTP_ID_PROXY_AUTHENTICATE:
        return true;
    default:
        return false;
    }
}

static uint32_t read_options(struct infra_http_head *head,
                             const unsigned char *bytes)
{
    struct options options = { .count = 0 };
    bool has_upgrade = false;

    for (uint32_t i = 0; i < head->fields_count; i++) {
        struct infra_http_field *f = &head->fields[i];
        if (f->id == INFRA_HTTP_ID_CONNECTION &&
            !read_connection(head, bytes, &f->value, &options)) {
            return INFRA_HTTP_REASON_CONNECTION;
        }
        has_upgrade |= f->id == INFRA_HTTP_ID_UPGRADE;
        if (is_hop_by_hop(f->id)) {
            f->flags |= INFRA_HTTP_FIELD_HOP;
        }
    }
    if (!options.closes && (head->minor == 1 || options.keeps)) {
        head->flags |= INFRA_HTTP_KEEP_ALIVE;
    }
    if (head->minor == 1 && has_upgrade && options.upgrades) {
        head->flags |= INFRA_HTTP_UPGRADE;
    }
    return INFRA_HTTP_REASON_NONE;
}

/* Codings and lengths, apart from the message's kind. A reason. */
static uint32_t check_lengths(struct infra_http_head *head)
{
    bool may_have_both =
        head->kind == INFRA_HTTP_RESPONSE && head->lenient != 0;

    if (head->codings != 0 && head->lengths > 0) {
        if (!may_have_both) {
            return INFRA_HTTP_REASON_LENGTH_CODING;
        }
        head->flags &= ~(INFRA_HTTP_KEEP_ALIVE | INFRA_HTTP_HAS_LENGTH);
    }
    if (head->codings != 0 && head->minor == 0) {
        return INFRA_HTTP_REASON_CODING_VERSION;
    }
    if ((head->codings & INFRA__HTTP_CODING_BAD) != 0 ||
        (head->codings != 0 &&
         (head->codings & INFRA__HTTP_CODING_CHUNKED) == 0)) {
        return INFRA_HTTP_REASON_NOT_CHUNKED;
    }
    return (head->codings & INFRA__HTTP_CODING_OTHER) != 0
               ? INFRA_HTTP_REASON_CODING
               : INFRA_HTTP_REASON_NONE;
}

static uint32_t frame_body(struct infra_http_head *head, uint32_t otherwise)
{
    head->framing = head->codings != 0  ? (uint32_t)INFRA_HTTP_FRAMING_CHUNKED
                    : head->lengths > 0 ? (uint32_t)INFRA_HTTP_FRAMING_LENGTH
                                        : otherwise;
    if (head->framing == INFRA_HTTP_FRAMING_LENGTH &&
        head->content_length > head->body_max) {
        return INFRA_HTTP_REASON_BODY_SIZE;
    }
    return INFRA_HTTP_REASON_NONE;
}

static uint32_t frame_request(struct infra_http_head *head)
{
    if (head->hosts > 1 || (head->hosts == 0 && head->minor == 1)) {
        return INFRA_HTTP_REASON_HOST_COUNT;
    }
    if (head->method_id == INFRA_HTTP_METHOD_CONNECT) {
        /* RFC 9110 §9.3.6: it has no content. */
        head->framing = INFRA_HTTP_FRAMING_TUNNEL;
        return head->codings != 0 || head->content_length > 0
                   ? INFRA_HTTP_REASON_BODY_SIZE
                   : INFRA_HTTP_REASON_NONE;
    }
    return frame_body(head, INFRA_HTTP_FRAMING_NONE);
}

static uint32_t frame_response(struct infra_http_head *head)
{
    uint32_t method = head->asked & 0xffu;
    uint32_t reason;

    if (head->status == 101) {
        head->framing = INFRA_HTTP_FRAMING_TUNNEL;
        return (head->asked & INFRA__HTTP_ASKED_UPGRADE) != 0
                   ? INFRA_HTTP_REASON_NONE
                   : INFRA_HTTP_REASON_SWITCH;
    }
    if (head->status < 200) {
        head->flags |= INFRA_HTTP_INTERIM;
        return INFRA_HTTP_REASON_NONE;
    }
    if (method == INFRA_HTTP_METHOD_HEAD || head->status == 204 ||
        head->status == 304) {
        return INFRA_HTTP_REASON_NONE;
    }
    if (method == INFRA_HTTP_METHOD_CONNECT && head->status < 300) {
        head->framing = INFRA_HTTP_FRAMING_TUNNEL;
        return INFRA_HTTP_REASON_NONE;
    }
    reason = frame_body(head, INFRA_HTTP_FRAMING_CLOSE);
    if (head->framing == INFRA_HTTP_FRAMING_CLOSE) {
        head->flags &= ~INFRA_HTTP_KEEP_ALIVE;
    }
    return reason;
}

uint32_t infra__http_frame(struct infra_http_head *head,
                           const unsigned char *bytes)
{
    uint32_t reason;

    if (head->kind == INFRA_HTTP_TRAILERS) {
        return INFRA_HTTP_REASON_NONE;
    }
    reason = read_options(head, bytes);
    if (reason == INFRA_HTTP_REASON_NONE) {
        reason = check_lengths(head);
    }
    if (reason != INFRA_HTTP_REASON_NONE) {
        return reason;
    }
    return head->kind == INFRA_HTTP_REQUEST ? frame_request(head)
                                            : frame_response(head);
}
