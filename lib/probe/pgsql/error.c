/* SPDX-License-Identifier: MIT */
#include "error.h"

#include "../../base/internal.h"
#include "../../base/printable.h"

#include <infra/probe.h>
#include <string.h>

#define CODE_SIZE 5u

struct field {
    const char *at;
    size_t size;
};

struct fields {
    struct field severity; /* Of 9.6 and later, in English. */
    struct field severity_translated;
    struct field code;
    struct field message;
};

/* By code, or by its class. */
static const struct {
    const char *code;
    uint32_t reason;
} codes[] = {
    { "28", INFRA_PROBE_REASON_LOGIN_REFUSED }, /* invalid authorization */
    { "53300",
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS }, /* too many connections */
    { "57P01", INFRA_PROBE_REASON_STOPPING },    /* admin shutdown */
    { "57P02", INFRA_PROBE_REASON_STOPPING },    /* crash shutdown */
    { "57P03", INFRA_PROBE_REASON_STARTING },    /* cannot connect now */
};

static bool is_text(struct field f, const char *text)
{
    return f.size == strlen(text) && memcmp(f.at, text, f.size) == 0;
}

static bool has_text(struct field f, const char *text)
{
    size_t size = strlen(text);

    for (size_t at = 0; at + size <= f.size; at++) {
        if (memcmp(f.at + at, text, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Each field is a letter and a text with its zero. The last text may have lost
 * its end, where a long message was cut. */
static struct fields take_apart(const struct infra__pgsql_messages *m)
{
    struct fields f = { .code = { "", 0 } };
    const char *at = (const char *)m->body;
    size_t left = m->size;

    while (left > 1 && at[0] != '\0') {
        const char *text = at + 1;
        const char *end = memchr(text, '\0', left - 1);
        struct field field = { text,
                               end != NULL ? (size_t)(end - text) : left - 1 };
        switch (at[0]) {
        case 'V':
            f.severity = field;
            break;
        case 'S':
            f.severity_translated = field;
            break;
        case 'C':
            f.code = field;
            break;
        case 'M':
            f.message = field;
            break;
        default: /* Detail, hint, file and line are for its own log. */
            break;
        }
        size_t taken = 1 + field.size + (end != NULL ? 1 : 0);
        at += taken;
        left -= taken;
    }
    if (f.severity.size == 0) {
        f.severity = f.severity_translated;
    }
    return f;
}

static uint32_t reason_of(const struct fields *f)
{
    /* A server that starts, recovers or stops has one code for all of it; the
     * message alone tells, unless it is translated. */
    if (is_text(f->code, "57P03") && has_text(f->message, "shutting down")) {
        return INFRA_PROBE_REASON_STOPPING;
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(codes); i++) {
        size_t size = strlen(codes[i].code);
        if (f->code.size == CODE_SIZE &&
            memcmp(f->code.at, codes[i].code, size) == 0) {
            return codes[i].reason;
        }
    }
    return INFRA_PROBE_REASON_SERVER_ERROR;
}

/* The fields that are there, with a blank between them. */
static void append(char ret_text[INFRA__PGSQL_TEXT_MAX], struct field f)
{
    size_t size = strlen(ret_text);

    if (size > 0 && f.size > 0 && size + 1 < INFRA__PGSQL_TEXT_MAX) {
        ret_text[size++] = ' ';
    }
    infra__copy_printable(ret_text + size, INFRA__PGSQL_TEXT_MAX - size,
                          (const unsigned char *)f.at, f.size);
}

struct infra__pgsql_error infra__pgsql_error_read(
    const struct infra__pgsql_messages *m, char ret_text[INFRA__PGSQL_TEXT_MAX])
{
    struct fields f = { .code = { "", 0 } };
    const struct field *const parts[] = { &f.severity, &f.code, &f.message };

    if (m->is_old) {
        f.message = (struct field) { (const char *)m->body, m->size };
    } else {
        f = take_apart(m);
    }
    ret_text[0] = '\0';
    for (size_t i = 0; i < INFRA__COUNT_OF(parts); i++) {
        append(ret_text, *parts[i]);
    }
    return (struct infra__pgsql_error) {
        .reason = reason_of(&f),
        .is_final =
            is_text(f.severity, "FATAL") || is_text(f.severity, "PANIC"),
    };
}
