/* SPDX-License-Identifier: MIT */
/* Header fields of an HTTP check, as "NAME: VALUE". */
#ifndef EXAMPLES_HTTP_FIELDS_H
#define EXAMPLES_HTTP_FIELDS_H

#include <infra/probe.h>
#include <stdbool.h>

#define HTTP_FIELDS_MAX 32u
#define HTTP_FIELD_NAME_MAX 64u

/* Zeroed at first. */
struct http_fields {
    struct infra_probe_http_field at[HTTP_FIELDS_MAX];
    char names[HTTP_FIELDS_MAX][HTTP_FIELD_NAME_MAX + 1];
    size_t count;
};

/* Add the field in @text, which must stay.  NULL; or the part that is wrong:
 * the field's name if it has one, and never its value, which may be a
 * secret. */
const char *http_fields_add(struct http_fields *f, char *text, size_t size);

#endif
