/* SPDX-License-Identifier: MIT */
/* Heads written anew from what was understood, so that the next hop reads what
 * was read here, and nothing else. */
#include "internal.h"

#include "../base/characters.h"

static void put(struct infra_http_out *out, const void *bytes, size_t size)
{
    if (out->length <= out->room && size <= out->room - out->length &&
        size > 0) {
        memcpy(out->at + out->length, bytes, size);
    }
    out->length += size;
}

#define PUT(out, text) put(out, text, sizeof(text) - 1)

static void put_span(struct infra_http_out *out, const void *bytes,
                     const struct infra_http_span *span)
{
    put(out, infra__http_at(bytes, span), span->length);
}

static void put_number(struct infra_http_out *out, uint64_t number,
                       unsigned base)
{
    char digits[20];
    size_t i = sizeof digits;

    do {
        digits[--i] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    put(out, digits + i, sizeof digits - i);
}

void infra_http_write_line(struct infra_http_out *out,
                           const struct infra_http_head *head,
                           const void *bytes)
{
    if (head->kind == INFRA_HTTP_RESPONSE) {
        PUT(out, "HTTP/1.1 ");
        put_number(out, head->status, 10);
        PUT(out, " \r\n");
        return;
    }
    put_span(out, bytes, &head->method);
    PUT(out, " ");
    if (head->method_id == INFRA_HTTP_METHOD_CONNECT) {
        put_span(out, bytes, &head->host);
    } else {
        bool is_bare = head->path.length == 0;
        if (is_bare && head->method_id == INFRA_HTTP_METHOD_OPTIONS) {
            PUT(out, "*"); /* RFC 9112 §3.2.4. */
        } else if (is_bare || *infra__http_at(bytes, &head->path) == '?') {
            PUT(out, "/");
        }
        put_span(out, bytes, &head->path);
    }
    PUT(out, " HTTP/1.1\r\n");
    if (head->host.length > 0) {
        PUT(out, "Host: ");
        put_span(out, bytes, &head->host);
        PUT(out, "\r\n");
    }
}

/* Does "_" stand where a field that frames a message has "-"? */
static bool is_look_alike(const unsigned char *name, size_t size)
{
    static const char *const framing[] = { "transfer-encoding",
                                           "content-length" };
    bool is_one = false;

    if (memchr(name, '_', size) == NULL) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        size_t same = 0;
        while (same < size && framing[i][same] != '\0' &&
               (infra__lower(name[same]) == framing[i][same] ||
                (name[same] == '_' && framing[i][same] == '-'))) {
            same++;
        }
        is_one |= same == size && framing[i][same] == '\0';
    }
    return is_one;
}

/* Fields that trailers may not change (RFC 9110 §6.5.1). */
#define NOT_IN_TRAILERS                                                    \
    (1u << INFRA_HTTP_ID_EXPECT | 1u << INFRA_HTTP_ID_COOKIE |             \
     1u << INFRA_HTTP_ID_FORWARDED | 1u << INFRA_HTTP_ID_X_FORWARDED_FOR | \
     1u << INFRA_HTTP_ID_X_FORWARDED_PROTO)
/* Fields that are always written anew, or not at all. */
#define NEVER                                                                 \
    (1u << INFRA_HTTP_ID_HOST | 1u << INFRA_HTTP_ID_CONTENT_LENGTH |          \
     1u << INFRA_HTTP_ID_TRANSFER_ENCODING | 1u << INFRA_HTTP_ID_CONNECTION | \
     1u << INFRA_HTTP_ID_KEEP_ALIVE | 1u << INFRA_HTTP_ID_PROXY_CONNECTION |  \
     1u << INFRA_HTTP_ID_TE | 1u << INFRA_HTTP_ID_TRAILER |                   \
     1u << INFRA_HTTP_ID_UPGRADE | 1u << INFRA_HTTP_ID_PROXY_AUTHORIZATION |  \
     1u << INFRA_HTTP_ID_PROXY_AUTHENTICATE)

void infra_http_write_fields(struct infra_http_out *out,
                             const struct infra_http_head *head,
                             const void *bytes, uint32_t without)
{
    without |= NEVER;
    if (head->kind == INFRA_HTTP_TRAILERS) {
        without |= NOT_IN_TRAILERS;
    }
    for (uint32_t i = 0; i < head->fields_count; i++) {
        const struct infra_http_field *f = &head->fields[i];
        if ((f->flags & INFRA_HTTP_FIELD_HOP) != 0 ||
            (without >> f->id & 1) != 0 ||
            (f->id == INFRA_HTTP_ID_OTHER &&
             is_look_alike(infra__http_at(bytes, &f->name), f->name.length))) {
            continue;
        }
        put_span(out, bytes, &f->name);
        PUT(out, ": ");
        put_span(out, bytes, &f->value);
        PUT(out, "\r\n");
    }
}

int infra_http_write_field(struct infra_http_out *out, const char *name,
                           const void *value, size_t length)
{
    size_t size = name != NULL ? strlen(name) : 0;

    if (size == 0 || (value == NULL && length > 0) ||
        infra__http_text_size(value, length) < length) {
        return INFRA_EINVAL;
    }
    for (size_t i = 0; i < size; i++) {
        if ((infra__http_bytes[(unsigned char)name[i]] & INFRA__HTTP_TOKEN) ==
            0) {
            return INFRA_EINVAL;
        }
    }
    put(out, name, size);
    PUT(out, ": ");
    put(out, value, length);
    PUT(out, "\r\n");
    return INFRA_OK;
}

void infra_http_write_end(struct infra_http_out *out, uint32_t framing,
                          uint64_t length, uint32_t close)
{
    if (framing == INFRA_HTTP_FRAMING_LENGTH) {
        PUT(out, "Content-Length: ");
        put_number(out, length, 10);
        PUT(out, "\r\n");
    } else if (framing == INFRA_HTTP_FRAMING_CHUNKED) {
        PUT(out, "Transfer-Encoding: chunked\r\n");
    }
    if (close != 0 || framing == INFRA_HTTP_FRAMING_CLOSE) {
        PUT(out, "Connection: close\r\n");
    }
    PUT(out, "\r\n");
}

void infra_http_write_chunk(struct infra_http_out *out, uint64_t count)
{
    put_number(out, count, 16);
    PUT(out, "\r\n");
}
