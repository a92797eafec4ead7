/* SPDX-License-Identifier: MIT */
/* The first line of a message (RFC 9112 §3, §4): exactly one blank between its
 * parts, and a target of one of the four forms. */
#include "internal.h"

static const struct {
    const char *name; /* Methods have case. */
    uint32_t id;
} methods[] = {
    { "GET", INFRA_HTTP_METHOD_GET },
    { "HEAD", INFRA_HTTP_METHOD_HEAD },
    { "POST", INFRA_HTTP_METHOD_POST },
    { "PUT", INFRA_HTTP_METHOD_PUT },
    { "DELETE", INFRA_HTTP_METHOD_DELETE },
    { "CONNECT", INFRA_HTTP_METHOD_CONNECT },
    { "OPTIONS", INFRA_HTTP_METHOD_OPTIONS },
    { "TRACE", INFRA_HTTP_METHOD_TRACE },
};

static uint32_t method_of(const unsigned char *p, size_t size)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strlen(methods[i].name) == size &&
            memcmp(methods[i].name, p, size) == 0) {
            return methods[i].id;
        }
    }
    return INFRA_HTTP_METHOD_OTHER;
}

/* HTTP/1.0 or HTTP/1.1 in 8 bytes; other versions are a reason of their own. */
static uint32_t read_version(struct infra_http_head *head,
                             const unsigned char *p, uint32_t malformed)
{
    if (memcmp(p, "HTTP/", 5) != 0 || p[5] < '0' || p[5] > '9' || p[6] != '.' ||
        p[7] < '0' || p[7] > '9') {
        return malformed;
    }
    if (p[5] != '1' || p[7] > '1') {
        return INFRA_HTTP_REASON_VERSION;
    }
    head->minor = (uint32_t)p[7] - '0';
    return INFRA_HTTP_REASON_NONE;
}

/* absolute-form: "http://" or "https://", an authority, and what follows. */
static uint32_t read_absolute(struct infra_http_head *head,
                              const unsigned char *bytes)
{
    const unsigned char *p = bytes + head->target.at;
    uint32_t size = head->target.length, begin = 0, end;

    if (size > 7 && INFRA__HTTP_IS(p, 7, "http://")) {
        begin = 7;
    } else if (size > 8 && INFRA__HTTP_IS(p, 8, "https://")) {
        begin = 8;
    } else {
        return INFRA_HTTP_REASON_TARGET;
    }
    for (end = begin; end < size && p[end] != '/' && p[end] != '?'; end++) {
    }
    if (!infra__http_is_host(p + begin, end - begin)) {
        return INFRA_HTTP_REASON_HOST_VALUE;
    }
    head->absolute = 1;
    head->host.at = head->target.at + begin;
    head->host.length = end - begin;
    head->path.at = head->target.at + end;
    head->path.length = size - end;
    return INFRA_HTTP_REASON_NONE;
}

/* RFC 9112 §3.2. */
static uint32_t read_target(struct infra_http_head *head,
                            const unsigned char *bytes)
{
    const unsigned char *p = bytes + head->target.at;
    uint32_t size = head->target.length;

    if (size > head->target_max) {
        return INFRA_HTTP_REASON_TARGET_SIZE;
    }
    for (uint32_t i = 0; i < size; i++) {
        if ((infra__http_bytes[p[i]] & INFRA__HTTP_TARGET) == 0 &&
            (p[i] < 0x80 || head->lenient == 0)) {
            return infra__http_control(p[i], INFRA_HTTP_REASON_TARGET);
        }
    }
    if (head->method_id == INFRA_HTTP_METHOD_CONNECT) {
        head->absolute = 1;
        head->host = head->target;
        return infra__http_is_host(p, size) ? INFRA_HTTP_REASON_NONE
                                            : INFRA_HTTP_REASON_HOST_VALUE;
    }
    bool is_asterisk = size == 1 && p[0] == '*' &&
                       head->method_id == INFRA_HTTP_METHOD_OPTIONS;
    if (p[0] == '/' || is_asterisk) {
        head->path = head->target;
        return INFRA_HTTP_REASON_NONE;
    }
    return read_absolute(head, bytes);
}

uint32_t infra__http_request_line(struct infra_http_head *head,
                                  const unsigned char *bytes, size_t line_size)
{
    const unsigned char *p = bytes + head->at;
    const unsigned char *blank, *end = p + line_size;
    uint32_t i = 0;

    while (i < line_size && (infra__http_bytes[p[i]] & INFRA__HTTP_TOKEN)) {
        i++;
    }
    if (i == line_size) {
        return INFRA_HTTP_REASON_REQUEST_LINE;
    }
    if (p[i] != ' ') {
        return infra__http_control(p[i], INFRA_HTTP_REASON_METHOD);
    }
    head->method.at = head->at;
    head->method.length = i;
    head->method_id = method_of(p, i);
    p += i + 1;
    blank = memchr(p, ' ', (size_t)(end - p));
    if (blank == NULL || blank == p || end - blank != 9) {
        return INFRA_HTTP_REASON_REQUEST_LINE;
    }
    uint32_t reason =
        read_version(head, blank + 1, INFRA_HTTP_REASON_REQUEST_LINE);
    if (reason != INFRA_HTTP_REASON_NONE) {
        return reason;
    }
    head->target.at = (uint32_t)(p - bytes);
    head->target.length = (uint32_t)(blank - p);
    return read_target(head, bytes);
}

/* RFC 9112 §4. The blank before a phrase that is empty may be missing, as
 * servers often leave it out. */
uint32_t infra__http_status_line(struct infra_http_head *head,
                                 const unsigned char *bytes, size_t line_size)
{
    const unsigned char *p = bytes + head->at;
    uint32_t reason;

    if (line_size < 12) {
        return INFRA_HTTP_REASON_STATUS_LINE;
    }
    reason = read_version(head, p, INFRA_HTTP_REASON_STATUS_LINE);
    if (reason != INFRA_HTTP_REASON_NONE) {
        return reason;
    }
    for (int i = 9; i < 12; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return INFRA_HTTP_REASON_STATUS_LINE;
        }
        head->status = head->status * 10 + (uint32_t)p[i] - '0';
    }
    if (p[8] != ' ' || head->status < 100 || head->status > 599 ||
        (line_size > 12 && p[12] != ' ')) {
        return INFRA_HTTP_REASON_STATUS_LINE;
    }
    if (line_size > 12) {
        size_t size = infra__http_text_size(p + 13, line_size - 13);
        if (size < line_size - 13) {
            return infra__http_control(p[13 + size],
                                       INFRA_HTTP_REASON_STATUS_LINE);
        }
        head->phrase.at = head->at + 13;
        head->phrase.length = (uint32_t)size;
    }
    return INFRA_HTTP_REASON_NONE;
}
