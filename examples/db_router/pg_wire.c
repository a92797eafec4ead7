/* SPDX-License-Identifier: MIT */
#include "pg_wire.h"

#include <string.h>

enum pg_found pg_message_at(const unsigned char *bytes, size_t size, size_t max,
                            struct pg_message *ret)
{
    ret->size = 0;
    if (size < PG_HEADER) {
        return PG_PART;
    }
    uint32_t length = pg_u32(bytes + 1);
    if (length < 4 || length - 4 > max) {
        return PG_WRONG;
    }
    ret->type = (char)bytes[0];
    ret->body = bytes + PG_HEADER;
    ret->size = length - 4;
    return ret->size <= size - PG_HEADER ? PG_WHOLE : PG_PART;
}

bool pg_text(const unsigned char **at, size_t *size, const char **ret,
             size_t *ret_size)
{
    const unsigned char *end = *size > 0 ? memchr(*at, 0, *size) : NULL;

    if (end == NULL) {
        return false;
    }
    *ret = (const char *)*at;
    *ret_size = (size_t)(end - *at);
    *size -= *ret_size + 1;
    *at = end + 1;
    return true;
}

void pg_put_header(struct link *l, char type, size_t size)
{
    unsigned char header[PG_HEADER] = { (unsigned char)type };

    pg_set_u32(header + 1, (uint32_t)(size + 4));
    link_put(l, header, sizeof header);
}

void pg_put(struct link *l, char type, const void *body, size_t size)
{
    pg_put_header(l, type, size);
    link_put(l, body, size);
}

void pg_put_query(struct link *l, const char *text)
{
    pg_put(l, 'Q', text, strlen(text) + 1);
}

const char *pg_error_field(const struct pg_message *m, char field)
{
    const unsigned char *at = m->body;
    size_t size = m->size;

    while (size > 1 && *at != 0) {
        char kind = (char)*at;
        const char *text;
        size_t length;
        at++;
        size--;
        if (!pg_text(&at, &size, &text, &length)) {
            break;
        }
        if (kind == field) {
            return text;
        }
    }
    return "";
}

bool pg_error_is_final(const char *code)
{
    return strncmp(code, "28", 2) == 0 || strcmp(code, "3D000") == 0 ||
           strcmp(code, "42501") == 0 || strcmp(code, "55000") == 0;
}
