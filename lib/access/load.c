/* SPDX-License-Identifier: MIT */
/* Rules as text: a rule on each line, and the line of the first flaw. */
#include "internal.h"

#include "../base/characters.h"

#include <string.h>

static const char *const actions[] = {
    [INFRA_ACCESS_DENY] = "deny",
    [INFRA_ACCESS_ALLOW] = "allow",
};

static const char *const flaws[] = {
    [INFRA_ACCESS_FLAW_NONE] = "none",
    [INFRA_ACCESS_FLAW_ADDRESS] = "not an address",
    [INFRA_ACCESS_FLAW_ZONE] = "a zone",
    [INFRA_ACCESS_FLAW_LENGTH] = "no length of such a prefix",
    [INFRA_ACCESS_FLAW_HOST_BITS] = "host bits set",
    [INFRA_ACCESS_FLAW_WORD] = "not allow, deny or default",
    [INFRA_ACCESS_FLAW_MISSING] = "the rule ends early",
    [INFRA_ACCESS_FLAW_TRAILING] = "more after the rule",
    [INFRA_ACCESS_FLAW_CONFLICT] = "the same prefix with the other action",
    [INFRA_ACCESS_FLAW_DEFAULT] = "a second default",
    [INFRA_ACCESS_FLAW_TOO_MANY] = "too many rules",
};

const char *infra_access_action_name(uint32_t action)
{
    return INFRA__NAME(actions, action);
}

const char *infra_access_flaw_name(uint32_t flaw)
{
    return INFRA__NAME(flaws, flaw);
}

/* A line as it is read. */
struct line {
    const char *text;
    size_t size; /* Without its end and its comment. */
    size_t at;
    uint32_t number;
};

struct word {
    const char *text;
    size_t size; /* 0: there is none. */
};

struct loading {
    const struct infra_access *access;
    struct rules rules;
    struct infra_access_problem problem;
    uint32_t default_action;
    uint32_t default_line; /* 0: none yet. */
};

static int flaw(struct loading *l, const struct line *line,
                const struct word *word, uint32_t what, uint32_t other_line)
{
    l->problem = (struct infra_access_problem) {
        .line = line->number,
        .flaw = what,
        .other_line = other_line,
        .column = (uint32_t)(word->text - line->text) + 1,
    };
    return INFRA_EINVAL;
}

static struct word next_word(struct line *line)
{
    while (line->at < line->size &&
           infra__is_blank((unsigned char)line->text[line->at])) {
        line->at++;
    }
    size_t begin = line->at;
    while (line->at < line->size &&
           !infra__is_blank((unsigned char)line->text[line->at])) {
        line->at++;
    }
    return (struct word) { line->text + begin, line->at - begin };
}

static bool is_word(const struct word *word, const char *expected)
{
    size_t i = 0;

    while (i < word->size && expected[i] != '\0' &&
           infra__lower((unsigned char)word->text[i]) ==
               (unsigned char)expected[i]) {
        i++;
    }
    return i == word->size && expected[i] == '\0';
}

/* enum infra_access_action, or 2. */
static uint32_t action_of(const struct word *word)
{
    uint32_t action = INFRA_ACCESS_DENY;

    while (action < INFRA__COUNT_OF(actions) &&
           !is_word(word, actions[action])) {
        action++;
    }
    return action;
}

static int take_default(struct loading *l, struct line *line)
{
    struct word word = next_word(line);
    uint32_t action = action_of(&word);

    if (action > INFRA_ACCESS_ALLOW) {
        return flaw(l, line, &word,
                    word.size == 0 ? INFRA_ACCESS_FLAW_MISSING
                                   : INFRA_ACCESS_FLAW_WORD,
                    0);
    }
    if (l->default_line != 0) {
        return flaw(l, line, &word, INFRA_ACCESS_FLAW_DEFAULT, l->default_line);
    }
    l->default_action = action;
    l->default_line = line->number;
    return INFRA_OK;
}

static int take_rule(struct loading *l, struct line *line, uint32_t action)
{
    struct word word = next_word(line);
    struct infra_prefix prefix;

    if (word.size == 0) {
        return flaw(l, line, &word, INFRA_ACCESS_FLAW_MISSING, 0);
    }
    int what = infra_prefix_parse(word.text, word.size, &prefix);
    if (what != INFRA_OK) {
        return flaw(l, line, &word, (uint32_t)what, 0);
    }
    if (l->rules.count == l->access->options.rules_max) {
        return flaw(l, line, &word, INFRA_ACCESS_FLAW_TOO_MANY, 0);
    }
    int err = infra__access_rules_grow(&l->access->allocator, &l->rules);
    if (err == INFRA_OK) {
        l->rules.all[l->rules.count++] = (struct rule) {
            .prefix = prefix,
            .action = action,
            .id = line->number,
            .place = line->number,
        };
    }
    return err;
}

static int take_line(struct loading *l, struct line *line)
{
    struct word word = next_word(line);
    uint32_t action = action_of(&word);
    int err;

    if (word.size == 0) {
        return INFRA_OK;
    }
    if (action <= INFRA_ACCESS_ALLOW) {
        err = take_rule(l, line, action);
    } else if (is_word(&word, "default")) {
        err = take_default(l, line);
    } else {
        return flaw(l, line, &word, INFRA_ACCESS_FLAW_WORD, 0);
    }
    if (err == INFRA_OK) {
        word = next_word(line);
        if (word.size > 0) {
            return flaw(l, line, &word, INFRA_ACCESS_FLAW_TRAILING, 0);
        }
    }
    return err;
}

static int take_text(struct loading *l, const char *text, size_t size)
{
    struct line line = { .number = 0 };
    int err = INFRA_OK;

    for (size_t at = 0; at < size && err == INFRA_OK;) {
        const char *begin = text + at;
        const char *end = memchr(begin, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - begin) : size - at;
        at += length + 1;
        const char *comment = length > 0 ? memchr(begin, '#', length) : NULL;
        if (comment != NULL) {
            length = (size_t)(comment - begin);
        } else if (length > 0 && begin[length - 1] == '\r') {
            length--;
        }
        line = (struct line) { begin, length, 0, line.number + 1 };
        err = take_line(l, &line);
    }
    return err;
}

/* The rules in their order, which explain() goes by, once they were sorted to
 * find a conflict. */
static int find_conflict(struct loading *l)
{
    const struct rule *r = infra__access_rules_sort(&l->rules);

    if (r == NULL) {
        return INFRA_OK;
    }
    /* The one before it in the array has the same prefix, or was overwritten
     * by an earlier one of that. */
    uint32_t other = 0;
    for (uint32_t i = 0; i < l->rules.count && &l->rules.all[i] < r; i++) {
        const struct rule *o = &l->rules.all[i];
        if (o->prefix.length == r->prefix.length && o->action != r->action &&
            memcmp(&o->prefix.address, &r->prefix.address, 16) == 0) {
            other = o->id;
            break;
        }
    }
    l->problem = (struct infra_access_problem) {
        .line = r->id,
        .flaw = INFRA_ACCESS_FLAW_CONFLICT,
        .other_line = other,
        .column = 1,
    };
    return INFRA_EINVAL;
}

int infra_access_load(struct infra_access *access, const char *text,
                      size_t size, struct infra_access_problem *ret)
{
    if (access == NULL || (text == NULL && size > 0)) {
        return INFRA_EINVAL;
    }
    struct loading l = {
        .access = access,
        .default_action = access->options.default_action,
    };
    int err = take_text(&l, text, size);
    if (err == INFRA_OK) {
        err = find_conflict(&l);
    }
    if (err != INFRA_OK) {
        infra__access_rules_free(&access->allocator, &l.rules);
        if (err == INFRA_EINVAL && ret != NULL) {
            *ret = l.problem;
        }
        return err;
    }
    infra__access_rules_free(&access->allocator, &access->rules);
    access->rules = l.rules;
    access->default_action = l.default_action;
    return INFRA_OK;
}
