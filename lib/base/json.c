/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "characters.h"

#include <string.h>

/* What may come next. */
enum next {
    VALUE,
    VALUE_OR_END, /* After [ */
    NAME_OR_END,  /* After { */
    NAME,         /* After a comma in an object. */
    COMMA_OR_END, /* After a value in an array or object. */
    NOTHING,      /* After the outermost value. */
    WRONG,
};

struct scan {
    const char *at;
    const char *end;
    uint32_t depth;
    uint32_t objects; /* A bit for each open level: it is an object. */
    enum next next;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' ||
                              *s->at == '\n' || *s->at == '\r')) {
        s->at++;
    }
}

static bool take(struct scan *s, char c)
{
    bool is_there = s->at < s->end && *s->at == c;

    s->at += is_there;
    return is_there;
}

/* Four hexadecimal digits. */
static bool take_hex(struct scan *s)
{
    if (s->end - s->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (infra__hex_value((unsigned char)*s->at++) < 0) {
            return false;
        }
    }
    return true;
}

/* From behind the opening quote to the closing one. Bytes from 0x80 on are not
 * checked. */
static bool take_string(struct scan *s)
{
    while (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at++;
        if (c == '"') {
            return true;
        }
        if (c < ' ') {
            return false;
        }
        if (c != '\\') {
            continue;
        }
        if (s->at == s->end) {
            return false;
        }
        c = (unsigned char)*s->at++;
        if (c == 'u' ? !take_hex(s) : c == '\0' || !strchr("\"\\/bfnrt", c)) {
            return false;
        }
    }
    return false;
}

static bool take_digits(struct scan *s)
{
    const char *first = s->at;

    while (s->at < s->end && infra__is_digit((unsigned char)*s->at)) {
        s->at++;
    }
    return s->at > first;
}

static bool take_number(struct scan *s)
{
    (void)take(s, '-');
    if (!take(s, '0') && !take_digits(s)) {
        return false;
    }
    if (take(s, '.') && !take_digits(s)) {
        return false;
    }
    if (take(s, 'e') || take(s, 'E')) {
        (void)(take(s, '+') || take(s, '-'));
        return take_digits(s);
    }
    return true;
}

static bool take_word(struct scan *s)
{
    static const char *const words[] = { "true", "false", "null" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= size &&
            memcmp(s->at, words[i], size) == 0) {
            s->at += size;
            return true;
        }
    }
    return false;
}

static void after_value(struct scan *s)
{
    s->next = s->depth > 0 ? COMMA_OR_END : NOTHING;
}

static void open_level(struct scan *s, bool is_object)
{
    if (s->depth == INFRA__JSON_DEPTH_MAX) {
        s->next = WRONG;
        return;
    }
    s->objects = s->objects << 1 | is_object;
    s->depth++;
    s->next = is_object ? NAME_OR_END : VALUE_OR_END;
}

static void close_level(struct scan *s)
{
    s->objects >>= 1;
    s->depth--;
    after_value(s);
}

static void take_value(struct scan *s)
{
    if (take(s, '{') || take(s, '[')) {
        open_level(s, s->at[-1] == '{');
        return;
    }
    bool good = take(s, '"') ? take_string(s)
                : s->at < s->end && (*s->at == '-' ||
                                     infra__is_digit((unsigned char)*s->at))
                    ? take_number(s)
                    : take_word(s);
    after_value(s);
    s->next = good ? s->next : WRONG;
}

static void take_name(struct scan *s)
{
    bool good = take(s, '"') && take_string(s);

    skip_blanks(s);
    s->next = good && take(s, ':') ? VALUE : WRONG;
}

static void take_comma_or_end(struct scan *s)
{
    bool is_object = (s->objects & 1) != 0;

    if (take(s, ',')) {
        s->next = is_object ? NAME : VALUE;
    } else if (take(s, is_object ? '}' : ']')) {
        close_level(s);
    } else {
        s->next = WRONG;
    }
}

/* Take a token. */
static void step(struct scan *s)
{
    skip_blanks(s);
    if ((s->next == VALUE_OR_END && take(s, ']')) ||
        (s->next == NAME_OR_END && take(s, '}'))) {
        close_level(s);
        return;
    }
    switch (s->next) {
    case VALUE_OR_END:
    case VALUE:
        take_value(s);
        break;
    case NAME_OR_END:
    case NAME:
        take_name(s);
        break;
    case COMMA_OR_END:
        take_comma_or_end(s);
        break;
    case NOTHING:
    case WRONG:
        break;
    }
}

/* Skip a value from its first character; false: malformed. */
static bool pass_value(struct scan *s)
{
    do {
        step(s);
    } while (s->next != NOTHING && s->next != WRONG);
    return s->next == NOTHING;
}

static struct scan scan_of(const char *at, size_t size)
{
    return (struct scan) { .at = at, .end = at + size, .next = VALUE };
}

bool infra__json_parse(struct infra__json *ret, const char *text, size_t size)
{
    struct scan s = scan_of(text, size);

    skip_blanks(&s);
    const char *first = s.at;
    if (!pass_value(&s)) {
        return false;
    }
    const char *last = s.at;
    skip_blanks(&s);
    if (s.at != s.end) {
        return false;
    }
    *ret = (struct infra__json) { .at = first, .size = (size_t)(last - first) };
    return true;
}

/* Take the value that starts here. */
static struct infra__json value_here(struct scan *s)
{
    skip_blanks(s);
    struct scan inner = scan_of(s->at, (size_t)(s->end - s->at));
    (void)pass_value(&inner); /* Checked before. */
    struct infra__json v = { .at = s->at, .size = (size_t)(inner.at - s->at) };
    s->at = inner.at;
    return v;
}

/* Is there another one, after a bracket or a comma? */
static bool has_next(struct scan *s, char open, char close)
{
    skip_blanks(s);
    if (!take(s, open) && !take(s, ',')) {
        return false;
    }
    skip_blanks(s);
    return !take(s, close);
}

bool infra__json_member(struct infra__json *ret, struct infra__json value,
                        const char *name)
{
    struct scan s = scan_of(value.at, value.size);

    while (has_next(&s, '{', '}')) {
        struct infra__json key = value_here(&s);
        skip_blanks(&s);
        (void)take(&s, ':');
        struct infra__json v = value_here(&s);
        if (infra__is_word(key.at + 1, key.size - 2, name)) {
            *ret = v;
            return true;
        }
    }
    return false;
}

bool infra__json_element(struct infra__json *ret, struct infra__json value,
                         uint32_t index)
{
    struct infra__json element;

    while (infra__json_take(&element, &value)) {
        if (index-- == 0) {
            *ret = element;
            return true;
        }
    }
    return false;
}

bool infra__json_take(struct infra__json *ret, struct infra__json *rest)
{
    struct scan s = scan_of(rest->at, rest->size);

    if (!has_next(&s, '[', ']')) {
        return false;
    }
    *ret = value_here(&s);
    *rest = (struct infra__json) { .at = s.at, .size = (size_t)(s.end - s.at) };
    return true;
}

bool infra__json_string(struct infra__json *ret, struct infra__json value)
{
    if (value.size < 2 || value.at[0] != '"' ||
        memchr(value.at, '\\', value.size) != NULL) {
        return false;
    }
    *ret = (struct infra__json) { .at = value.at + 1, .size = value.size - 2 };
    return true;
}

bool infra__json_uint64(uint64_t *ret, struct infra__json value)
{
    struct infra__json digits = value;

    (void)infra__json_string(&digits, value);
    return (digits.size == 1 || (digits.size > 1 && digits.at[0] != '0')) &&
           infra__read_number(ret, digits.at, digits.size);
}

bool infra__json_is_true(struct infra__json value)
{
    return infra__is_word(value.at, value.size, "true");
}
