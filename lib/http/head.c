/* SPDX-License-Identifier: MIT */
/* A head as lines in the host's buffer. A line is judged when its LF is there,
 * never before: so the answer does not depend on how the bytes came. An LF is
 * looked for only in bytes not seen before, so that a head in single bytes
 * costs no more than O(bytes). */
#include "internal.h"

#include "../base/internal.h"

INFRA__NO_TAIL_PADDING(struct infra_http_limits, reserved);
INFRA__NO_TAIL_PADDING(struct infra_http_head, absolute);

#define HEAD_DEFAULT 16384u
#define TARGET_DEFAULT 8192u
#define HEAD_MAX (1u << 20)

static uint32_t asked_of(const struct infra_http_head *request)
{
    uint32_t asked = request != NULL ? request->method_id : 0;

    if (request != NULL && request->kind == INFRA_HTTP_RESPONSE) {
        asked |= INFRA__HTTP_ASKED_RESPONSE;
    }
    if (request != NULL && (request->flags & INFRA_HTTP_UPGRADE) != 0) {
        asked |= INFRA__HTTP_ASKED_UPGRADE;
    }
    return asked;
}

int infra_http_head_start(struct infra_http_head *head, uint32_t kind,
                          const struct infra_http_head *request,
                          const struct infra_http_limits *limits,
                          struct infra_http_field *fields, uint32_t fields_max)
{
    struct infra_http_limits l = { .size = sizeof l };

    if (head == NULL || kind > INFRA_HTTP_TRAILERS ||
        (fields == NULL && fields_max > 0)) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&l, sizeof l, limits, sizeof l);
    if (err != INFRA_OK) {
        return err;
    }
    if (l.head_max > HEAD_MAX || l.lenient > 1 || l.reserved != 0 ||
        l.body_max > INFRA__HTTP_LENGTH_MAX) {
        return INFRA_EINVAL;
    }
    *head = (struct infra_http_head) {
        .kind = kind,
        .fields = fields,
        .fields_max = fields_max,
        .body_max = l.body_max > 0 ? l.body_max : INFRA__HTTP_LENGTH_MAX,
        .head_max = l.head_max > 0 ? l.head_max : HEAD_DEFAULT,
        .target_max = l.target_max > 0 ? l.target_max : TARGET_DEFAULT,
        .lenient = l.lenient,
        .state = kind == INFRA_HTTP_TRAILERS ? INFRA__HTTP_HEAD_FIELDS
                                             : INFRA__HTTP_HEAD_FIRST_LINE,
        .asked = asked_of(request),
    };
    return INFRA_OK;
}

static uint32_t refuse(struct infra_http_head *head, uint32_t reason)
{
    bool is_response = head->kind == INFRA_HTTP_RESPONSE ||
                       (head->kind == INFRA_HTTP_TRAILERS &&
                        (head->asked & INFRA__HTTP_ASKED_RESPONSE) != 0);

    head->state = INFRA__HTTP_HEAD_REFUSED;
    head->reason = reason;
    head->refusal_status = infra__http_status(reason, is_response);
    return INFRA_HTTP_REFUSED;
}

/* A head without an end in time. */
static uint32_t refuse_size(struct infra_http_head *head)
{
    return refuse(head, head->kind == INFRA_HTTP_REQUEST &&
                                head->state == INFRA__HTTP_HEAD_FIRST_LINE
                            ? INFRA_HTTP_REASON_TARGET_SIZE
                            : INFRA_HTTP_REASON_HEAD_SIZE);
}

/* May a message, or an empty line before it, begin like this? What is no HTTP
 * may never have an LF. */
static bool may_begin(const struct infra_http_head *head, unsigned char c)
{
    if (c == '\r' || c == '\n') {
        return true;
    }
    return head->kind == INFRA_HTTP_RESPONSE
               ? c == 'H'
               : (infra__http_bytes[c] & INFRA__HTTP_TOKEN) != 0;
}

static uint32_t first_line(struct infra_http_head *head,
                           const unsigned char *bytes, size_t line_size)
{
    bool is_request = head->kind == INFRA_HTTP_REQUEST;

    if (line_size == 0) { /* RFC 9112 §2.2: at least one is to be ignored. */
        return head->at == 0 || head->lenient != 0
                   ? INFRA_HTTP_REASON_NONE
                   : (is_request ? INFRA_HTTP_REASON_REQUEST_LINE
                                 : INFRA_HTTP_REASON_STATUS_LINE);
    }
    head->state = INFRA__HTTP_HEAD_FIELDS;
    return is_request ? infra__http_request_line(head, bytes, line_size)
                      : infra__http_status_line(head, bytes, line_size);
}

/* Judge the line at head->at, whose LF is at @lf. */
static uint32_t judge(struct infra_http_head *head, const unsigned char *bytes,
                      size_t lf)
{
    size_t end = lf;

    if (lf > head->at && bytes[lf - 1] == '\r') {
        end = lf - 1;
    } else if (head->lenient == 0) {
        return INFRA_HTTP_REASON_BARE_LF;
    }
    if (head->state == INFRA__HTTP_HEAD_FIRST_LINE) {
        return first_line(head, bytes, end - head->at);
    }
    if (end > head->at) {
        return infra__http_field_line(head, bytes, end - head->at);
    }
    head->state = INFRA__HTTP_HEAD_DONE;
    head->size = (uint32_t)lf + 1;
    return infra__http_frame(head, bytes);
}

uint32_t infra_http_head_take(struct infra_http_head *head, const void *bytes,
                              size_t count)
{
    const unsigned char *b = bytes;
    size_t seen = count < head->head_max ? count : head->head_max;

    while (head->state < INFRA__HTTP_HEAD_DONE) {
        size_t from = head->scanned > head->at ? head->scanned : head->at;
        if (head->state == INFRA__HTTP_HEAD_FIRST_LINE && head->at < seen &&
            !may_begin(head, b[head->at])) {
            return refuse(head, head->kind == INFRA_HTTP_REQUEST
                                    ? INFRA_HTTP_REASON_REQUEST_LINE
                                    : INFRA_HTTP_REASON_STATUS_LINE);
        }
        const unsigned char *lf =
            from < seen ? memchr(b + from, '\n', seen - from) : NULL;
        if (lf == NULL) {
            head->scanned = (uint32_t)seen;
            return seen < head->head_max ? (uint32_t)INFRA_HTTP_MORE
                                         : refuse_size(head);
        }
        uint32_t reason = judge(head, b, (size_t)(lf - b));
        if (reason != INFRA_HTTP_REASON_NONE) {
            return refuse(head, reason);
        }
        head->at = (uint32_t)(lf - b) + 1;
    }
    return head->state == INFRA__HTTP_HEAD_DONE ? INFRA_HTTP_DONE
                                                : INFRA_HTTP_REFUSED;
}

int32_t infra_http_head_find(const struct infra_http_head *head, uint32_t id,
                             uint32_t from)
{
    for (uint32_t i = from; i < head->fields_count; i++) {
        if (head->fields[i].id == id) {
            return (int32_t)i;
        }
    }
    return -1;
}
