/* SPDX-License-Identifier: MIT */
/* RFC 9112 §3.2 and §9.6: Host is required, and the connection is for one
 * request. The host's own fields follow the library's. None of them may end its
 * line, frame the request, or control the connection. */
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

/* Fields that frame the request, name its target, control the connection, or
 * make the client wait. */
static const char *const reserved[] = {
    "host", "connection", "content-length", "transfer-encoding",
    "te",   "trailer",    "upgrade",        "expect",
};

static bool is_text(const char *text, size_t size_max,
                    bool (*may)(unsigned char c))
{
    return infra__text_fits(text, 1, size_max) &&
           infra__text_is_made_of(may, text, strlen(text));
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

static void add_field(struct infra__request *r, const char *name,
                      const char *value)
{
    infra__request_add_text(r, name);
    infra__request_add_text(r, ": ");
    infra__request_add_text(r, value);
    infra__request_add_text(r, "\r\n");
}

void infra__http_request_write(struct infra__request *r,
                               const struct infra_probe_http_options *o)
{
    bool has_agent = false;

    for (size_t i = 0; i < o->fields_count; i++) {
        has_agent |= is_name(o->fields[i].name, USER_AGENT);
    }
    infra__request_add_text(r, o->method);
    infra__request_add_text(r, " ");
    infra__request_add_text(r, o->path);
    infra__request_add_text(r, " HTTP/1.1\r\n");
    add_field(r, "Host", o->host);
    if (!has_agent) {
        add_field(r, "User-Agent", "libinfra");
    }
    add_field(r, "Connection", "close");
    for (size_t i = 0; i < o->fields_count; i++) {
        add_field(r, o->fields[i].name, o->fields[i].value);
    }
    infra__request_add_text(r, "\r\n");
}
