/* SPDX-License-Identifier: MIT */
/* A server's error: its SQLSTATE (PostgreSQL's documentation, appendix A) as a
 * reason, and the error as a line of text. */
#include "messages.h"

#include "../../base/characters.h"
#include "../../base/printable.h"

#include <infra/probe.h>

#define CODE_SIZE 5u

struct field {
    const char *at;
    size_t size;
};

static bool is(struct field f, const char *text)
{
    return infra__is_word(f.at, f.size, text);
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

/* Each field is a letter and a text with its zero. The last text lacks its end
 * if a long message was cut. */
static struct field find(const struct infra__pgsql_messages *m, char letter)
{
    struct field found = { "", 0 };
    const char *at = (const char *)m->body;
    size_t left = m->size;

    while (left > 1 && at[0] != '\0') {
        struct field field = { at + 1, strnlen(at + 1, left - 1) };
        size_t taken = 1 + field.size + (field.size < left - 1);
        if (at[0] == letter) {
            found = field;
        }
        at += taken;
        left -= taken;
    }
    return found;
}

static uint32_t reason_of(struct field code, struct field message)
{
    if (code.size != CODE_SIZE) {
        return INFRA_PROBE_REASON_SERVER_ERROR;
    }
    if (memcmp(code.at, "28", 2) == 0) { /* invalid authorization */
        return INFRA_PROBE_REASON_LOGIN_REFUSED;
    }
    if (is(code, "53300")) {
        return INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS;
    }
    /* One code for a server that starts, recovers or stops; the message tells
     * which, unless it is translated. */
    if (is(code, "57P03")) {
        return has_text(message, "shutting down") ? INFRA_PROBE_REASON_STOPPING
                                                  : INFRA_PROBE_REASON_STARTING;
    }
    return is(code, "57P01") || is(code, "57P02")
               ? INFRA_PROBE_REASON_STOPPING
               : INFRA_PROBE_REASON_SERVER_ERROR;
}

/* Append a field, after a blank. */
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
    struct field severity = { "", 0 }, code = { "", 0 };
    struct field message = { (const char *)m->body, m->size };

    if (!m->is_old) {
        severity = find(m, 'V'); /* In English; since 9.6. */
        severity = severity.size > 0 ? severity : find(m, 'S');
        code = find(m, 'C');
        message = find(m, 'M');
    }
    ret_text[0] = '\0';
    append(ret_text, severity);
    append(ret_text, code);
    append(ret_text, message);
    return (struct infra__pgsql_error) {
        .reason = reason_of(code, message),
        .is_final = is(severity, "FATAL") || is(severity, "PANIC"),
    };
}
