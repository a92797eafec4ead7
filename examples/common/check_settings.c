/* SPDX-License-Identifier: MIT */
#include "check_settings.h"

#include "arguments.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "http:/PATH" is "http,path=/PATH". */
bool check_settings_begin(struct check_settings *s, const char *text)
{
    bool is_short = strncmp(text, "http:/", 6) == 0;

    s->text_size = strlen(text) + sizeof ",path=";
    s->text = malloc(s->text_size);
    if (s->text == NULL) {
        return arguments_wrong("out of memory");
    }
    (void)snprintf(s->text, s->text_size, "%s%s", is_short ? "http,path=" : "",
                   is_short ? text + 5 : text);
    s->rest = s->text;
    s->kind = strsep(&s->rest, ",");
    return true;
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

    return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

/* The next byte of a value; a backslash and its letters are one byte. */
static char unescape(char **at)
{
    char *p = *at;

    if (p[0] != '\\' || p[1] == '\0') {
        *at = p + 1;
        return p[0];
    }
    *at = p + 2;
    if (p[1] == 'x' && hex(p[2]) >= 0 && hex(p[3]) >= 0) {
        *at = p + 4;
        return (char)(hex(p[2]) << 4 | hex(p[3]));
    }
    return p[1] == 'r' ? '\r' : p[1] == 'n' ? '\n' : p[1] == 't' ? '\t' : p[1];
}

/* "name=value" up to the next comma, in place; what follows the comma.  NULL:
 * malformed. */
static char *split(char *at, struct check_setting *ret)
{
    char *equals = strchr(at, '=');
    char *to;

    if (equals == NULL || equals == at) {
        return NULL;
    }
    *equals = '\0';
    *ret = (struct check_setting) { .name = at, .value = equals + 1 };
    to = at = equals + 1;
    while (*at != ',' && *at != '\0') {
        *to++ = unescape(&at);
    }
    bool is_last = *at == '\0';
    ret->size = (size_t)(to - ret->value);
    *to = '\0';
    return is_last ? at : at + 1;
}

bool check_settings_split(struct check_settings *s)
{
    while (s->rest != NULL && *s->rest != '\0') {
        if (s->count == CHECK_SETTINGS_MAX) {
            return false;
        }
        s->rest = split(s->rest, &s->at[s->count]);
        if (s->rest == NULL) {
            return false;
        }
        s->count++;
    }
    return true;
}

static bool fetch(struct check_setting *s, const char *name)
{
    char *dash = strrchr(s->name, '-');
    bool is_file = dash != NULL && strcmp(dash, "-file") == 0;

    if (!is_file && (dash == NULL || strcmp(dash, "-env") != 0)) {
        return true;
    }
    s->own = is_file ? secret_from_file(name, s->value)
                     : secret_from_environment(name, s->value);
    if (s->own == NULL) {
        return false;
    }
    *dash = '\0';
    s->value = s->own;
    s->size = strlen(s->own);
    return true;
}

bool check_settings_fetch(struct check_settings *s, const char *name)
{
    bool good = true;

    for (uint32_t i = 0; good && i < s->count; i++) {
        good = fetch(&s->at[i], name);
    }
    return good;
}

static bool may_be_secret(const char *name)
{
    return strcmp(name, "password") == 0 || strcmp(name, "field") == 0 ||
           strcmp(name, "send") == 0;
}

bool check_settings_have_secret(const struct check_settings *s, uint32_t end)
{
    bool found = false;

    for (uint32_t i = 0; i < end; i++) {
        found |= s->at[i].own == NULL && may_be_secret(s->at[i].name);
    }
    return found;
}

void check_settings_free(struct check_settings *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        secret_free(s->at[i].own);
    }
    if (s->text != NULL) {
        explicit_bzero(s->text, s->text_size);
    }
    free(s->text);
}
