/* SPDX-License-Identifier: MIT */
#include "http_fields.h"

#include <string.h>

#define NOT_A_FIELD "field"

static bool is_allowed(const struct infra_probe_http_field *field)
{
    const struct infra_probe_http_options o = { .size = sizeof o,
                                                .fields = field,
                                                .fields_count = 1 };
    struct infra_probe *probe = NULL;
    int err = infra_probe_http(&probe, &o);

    infra_probe_destroy(probe);
    return err != INFRA_EINVAL;
}

const char *http_fields_add(struct http_fields *f, char *text, size_t size)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *colon = strchr(text, ':');
    size_t name_size = colon != NULL ? (size_t)(colon - text) : 0;

    /* A zero byte would cut the field. */
    if (name_size == 0 || name_size > HTTP_FIELD_NAME_MAX ||
        strlen(text) != size || f->count == HTTP_FIELDS_MAX) {
        return NOT_A_FIELD;
    }
    char *name = f->names[f->count];
    struct infra_probe_http_field *field = &f->at[f->count];

    memcpy(name, text, name_size);
    name[name_size] = '\0';
    field->name = name;
    field->value = colon + 1 + strspn(colon + 1, " ");
    if (is_allowed(field)) {
        f->count++;
        return NULL;
    }
    if (strspn(text, plain) != name_size) {
        return NOT_A_FIELD;
    }
    text[name_size] = '\0';
    return text;
}
