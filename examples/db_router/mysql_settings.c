/* SPDX-License-Identifier: MIT */
#include "mysql_settings.h"
#include "mysql_words.h"

#include <string.h>

static struct mysql_token take(struct mysql_settings *s)
{
    return mysql_next_token(&s->at, s->end, s->is_backslash_plain);
}

static struct mysql_token peek(const struct mysql_settings *s)
{
    const char *at = s->at;

    return mysql_next_token(&at, s->end, s->is_backslash_plain);
}

static bool accept(struct mysql_settings *s, const char *word)
{
    struct mysql_token t = peek(s);

    if (!mysql_token_is(&t, word)) {
        return false;
    }
    (void)take(s);
    return true;
}

/* A semicolon at the very end is an end, too. */
static bool is_end(const struct mysql_settings *s)
{
    struct mysql_settings rest = *s;
    struct mysql_token t = take(&rest);

    if (t.kind == MYSQL_TOKEN_SEMICOLON) {
        t = take(&rest);
    }
    return t.kind == MYSQL_TOKEN_END;
}

/* The end of an assignment. */
static bool is_over(const struct mysql_settings *s)
{
    return peek(s).kind == MYSQL_TOKEN_COMMA || is_end(s);
}

void mysql_settings_begin(struct mysql_settings *s, const char *text,
                          size_t size, bool is_backslash_plain)
{
    *s = (struct mysql_settings) { .at = text,
                                   .end = text + size,
                                   .is_backslash_plain = is_backslash_plain };
}

/* A constant: a word, a number with its sign and fraction, a text. */
static bool take_constant(struct mysql_settings *s)
{
    struct mysql_token t = take(s);

    if (t.kind == MYSQL_TOKEN_OTHER && t.size == 1 &&
        (*t.at == '-' || *t.at == '+')) {
        t = take(s);
    }
    if (t.kind == MYSQL_TOKEN_STRING) {
        return true;
    }
    if (t.kind == MYSQL_TOKEN_WORD && peek(s).kind == MYSQL_TOKEN_DOT &&
        *t.at >= '0' && *t.at <= '9') {
        (void)take(s);
        t = take(s);
    }
    return t.kind == MYSQL_TOKEN_WORD;
}

/* Set the name in small letters, without backquotes. */
static bool set_name(struct mysql_setting *ret, const char *name, size_t size)
{
    if (size >= 2 && *name == '`') {
        name++;
        size -= 2;
    }
    if (size == 0 || size > sizeof ret->name) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        ret->name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    ret->name_size = size;
    return true;
}

/* NAMES charset [COLLATE collation], or CHARACTER SET charset. */
static bool take_names(struct mysql_settings *s)
{
    return take_constant(s) && (!accept(s, "collate") || take_constant(s));
}

/* [SESSION | LOCAL | @@ [session. | local.]] name. */
static bool take_name(struct mysql_settings *s, struct mysql_setting *ret)
{
    struct mysql_token t = take(s);
    bool is_scoped = false;

    if (t.kind == MYSQL_TOKEN_SYSTEM) {
        t = take(s);
        is_scoped = peek(s).kind == MYSQL_TOKEN_DOT;
        if (is_scoped) {
            (void)take(s);
        }
    } else {
        is_scoped = peek(s).kind == MYSQL_TOKEN_WORD;
    }
    if (is_scoped) {
        if (!mysql_token_is(&t, "session") && !mysql_token_is(&t, "local")) {
            return false;
        }
        t = take(s);
    }
    /* SET PASSWORD is of the server. */
    return t.kind == MYSQL_TOKEN_WORD && !mysql_token_is(&t, "password") &&
           set_name(ret, t.at, t.size);
}

/* The modes of all transactions to come. */
static bool take_transaction(struct mysql_settings *s)
{
    while (!is_end(s)) {
        struct mysql_token t = take(s);
        if (t.kind != MYSQL_TOKEN_WORD && t.kind != MYSQL_TOKEN_COMMA) {
            return false;
        }
    }
    return true;
}

/* One assignment, up to its comma. False: opaque. */
static bool take_setting(struct mysql_settings *s, struct mysql_setting *ret)
{
    struct mysql_settings before = *s;

    if (accept(s, "names")) {
        return set_name(ret, "names", 5) && take_names(s);
    }
    if (accept(s, "charset") || (accept(s, "character") && accept(s, "set"))) {
        return set_name(ret, "names", 5) && take_constant(s);
    }
    *s = before;
    if (accept(s, "role")) {
        return set_name(ret, "role", 4) && take_constant(s);
    }
    if ((accept(s, "session") || accept(s, "local")) &&
        accept(s, "transaction")) {
        return set_name(ret, "transaction", 11) && take_transaction(s);
    }
    *s = before;
    return take_name(s, ret) && take(s).kind == MYSQL_TOKEN_EQUAL &&
           take_constant(s);
}

static bool set_text(struct mysql_setting *ret, const char *at, size_t size)
{
    static const char set[] = "SET ";

    if (size > sizeof ret->text - (sizeof set - 1)) {
        return false;
    }
    memcpy(ret->text, set, sizeof set - 1);
    memcpy(ret->text + sizeof set - 1, at, size);
    ret->text_size = sizeof set - 1 + size;
    return true;
}

/* Up to the comma or the end. */
static bool skip_user_variable(struct mysql_settings *s)
{
    int depth = 0;

    while (!is_end(s) && (depth > 0 || peek(s).kind != MYSQL_TOKEN_COMMA)) {
        struct mysql_token t = take(s);
        depth += t.kind == MYSQL_TOKEN_OTHER && *t.at == '(';
        depth -= t.kind == MYSQL_TOKEN_OTHER && *t.at == ')';
    }
    return depth == 0;
}

enum mysql_setting_kind mysql_settings_next(struct mysql_settings *s,
                                            struct mysql_setting *ret)
{
    if (!s->has_begun) {
        s->has_begun = true;
        if (!accept(s, "set")) {
            return MYSQL_SETTING_OPAQUE;
        }
    } else if (is_end(s)) {
        return MYSQL_SETTING_NONE;
    } else if (take(s).kind != MYSQL_TOKEN_COMMA) {
        return MYSQL_SETTING_OPAQUE;
    }
    struct mysql_token first = peek(s);
    if (first.kind == MYSQL_TOKEN_USER) {
        return skip_user_variable(s) ? MYSQL_SETTING_OWN : MYSQL_SETTING_OPAQUE;
    }
    if (!take_setting(s, ret) || !is_over(s) ||
        !set_text(ret, first.at, (size_t)(s->at - first.at))) {
        return MYSQL_SETTING_OPAQUE;
    }
    return MYSQL_SETTING_VALUE;
}
