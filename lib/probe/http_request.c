/* SPDX-License-Identifier: MIT */
/* RFC 9112 §3.2 and §9.6: Host is required, and we do not come back. The host's
 * own fields follow ours; none of them may end its line, say where the request
 * ends, or what becomes of the connection. */
#include "http_request.h"

#include "../base/characters.h"
#include "../base/internal.h"

#include <string.h>

#define METHOD_MAX 32u
#define PATH_MAX_BYTES 2048u
#define HOST_MAX 255u
#define FIELDS_MAX 32u
#define NAME_MAX_BYTES 64u
#define VALUE_MAX 4096u
#define USER_AGENT "user-agent"

/* Fields that say how long the request is, whom it is for, what the connection
 * does next, or what would have to be waited for. */
static const char *const reserved[] = {
    "host", "connection", "content-length", "transfer-encoding",
    "te",   "trailer",    "upgrade",        "expect",
};

/* Is @text 1 to @size_max bytes, all of which @may stand there? */
static bool is_text(const char *text, size_t size_max,
                    bool (*may)(unsigned char c))
{
    size_t size = 0;

    for (; text[size] != '\0'; size++) {
        if (size == size_max || !may((unsigned char)text[size])) {
            return false;
        }
    }
    return size > 0;
}

static bool is_no_control(unsigned char c)
{
    return !infra__is_control(c);
}

static bool is_name(const char *name, const char *lower)
{
    size_t i = 0;

    while (lower[i] != '\0' &&
           infra__lower((unsigned char)name[i]) == (unsigned char)lower[i]) {
        i++;
    }
    return lower[i] == '\0' && name[i] == '\0';
}

static bool is_field_allowed(const struct infra_probe_http_field *f)
{
    if (f->name == NULL || f->value == NULL ||
        !is_text(f->name, NAME_MAX_BYTES, infra__is_tchar)) {
        return false;
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(reserved); i++) {
        if (is_name(f->name, reserved[i])) {
            return false;
        }
    }
    return f->value[0] == '\0' || is_text(f->value, VALUE_MAX, is_no_control);
}

bool infra__http_request_is_allowed(const struct infra_probe_http_options *o)
{
    if (o->fields_count > FIELDS_MAX ||
        (o->fields_count > 0 && o->fields == NULL)) {
        return false;
    }
    for (size_t i = 0; i < o->fields_count; i++) {
        if (!is_field_allowed(&o->fields[i])) {
            return false;
        }
    }
    return is_text(o->method, METHOD_MAX, infra__is_tchar) &&
           strcmp(o->method, "CONNECT") != 0 &&
           is_text(o->path, PATH_MAX_BYTES, infra__is_visible) &&
           (o->path[0] == '/' || strcmp(o->path, "*") == 0) &&
           is_text(o->host, HOST_MAX, infra__is_visible);
}

/* Counts if there is nothing at @at. */
struct bytes {
    char *at;
    size_t size;
};

static void add(struct bytes *b, const char *text)
{
    size_t size = strlen(text);

    if (b->at != NULL) {
        memcpy(b->at + b->size, text, size);
    }
    b->size += size;
}

static void add_field(struct bytes *b, const char *name, const char *value)
{
    add(b, name);
    add(b, ": ");
    add(b, value);
    add(b, "\r\n");
}

size_t infra__http_request_write(char *ret,
                                 const struct infra_probe_http_options *o)
{
    struct bytes b = { .at = ret };
    bool has_agent = false;

    for (size_t i = 0; i < o->fields_count; i++) {
        has_agent |= is_name(o->fields[i].name, USER_AGENT);
    }
    add(&b, o->method);
    add(&b, " ");
    add(&b, o->path);
    add(&b, " HTTP/1.1\r\n");
    add_field(&b, "Host", o->host);
    if (!has_agent) {
        add_field(&b, "User-Agent", "libinfra");
    }
    add_field(&b, "Connection", "close");
    for (size_t i = 0; i < o->fields_count; i++) {
        add_field(&b, o->fields[i].name, o->fields[i].value);
    }
    add(&b, "\r\n");
    return b.size;
}
