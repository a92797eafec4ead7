/* SPDX-License-Identifier: MIT */
/* What may be a family. The rules are those of OpenMetrics 1.0, which are the
 * stricter ones, and those by which two families would print samples of the
 * same name. */
#include "internal.h"

#include "../base/characters.h"
#include "../base/utf8.h"

#include <string.h>

/* What kinds add, and what only one kind may end with. */
static const char *const reserved_suffixes[] = {
    "_total", "_created", "_bucket", "_count",
    "_sum",   "_gcount",  "_gsum",   "_info",
};

/* Labels that mean something. */
static const char *const reserved_labels[] = { "le", "quantile", "overflow" };

static bool may_be_in_name(unsigned char c)
{
    unsigned char l = infra__lower(c);

    return (l >= 'a' && l <= 'z') || infra__is_digit(c) || c == '_';
}

static bool is_name(const char *name)
{
    return infra__text_fits(name, 1, INFRA_METRICS_NAME_MAX) &&
           infra__text_is_made_of(may_be_in_name, name, strlen(name)) &&
           !infra__is_digit((unsigned char)name[0]) && name[0] != '_';
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    size_t suffix_size = strlen(suffix);

    return size > suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

static bool has_reserved_suffix(const char *name)
{
    bool has = false;

    for (size_t i = 0; i < INFRA__COUNT_OF(reserved_suffixes); i++) {
        has = has || ends_with(name, reserved_suffixes[i]);
    }
    return has;
}

static bool has_its_unit(const struct infra_metrics_family *f)
{
    const char *unit = infra__metrics_unit_suffix(f->unit);
    size_t size = strlen(f->name);

    if (unit == NULL) {
        return true;
    }
    size_t unit_size = strlen(unit);
    return f->kind != INFRA_METRICS_KIND_STATESET &&
           f->kind != INFRA_METRICS_KIND_INFO && ends_with(f->name, unit) &&
           f->name[size - unit_size - 1] == '_';
}

static uint32_t label_flaw(const struct infra_metrics_family *f, uint32_t label)
{
    const char *name = f->labels[label];

    if (!is_name(name)) {
        return INFRA_METRICS_FLAW_LABEL;
    }
    bool is_taken = strcmp(name, f->name) == 0;
    for (size_t i = 0; i < INFRA__COUNT_OF(reserved_labels); i++) {
        is_taken = is_taken || strcmp(name, reserved_labels[i]) == 0;
    }
    for (uint32_t i = 0; i < label; i++) {
        is_taken = is_taken || strcmp(name, f->labels[i]) == 0;
    }
    return is_taken ? INFRA_METRICS_FLAW_LABEL_TAKEN : INFRA_METRICS_FLAW_NONE;
}

static uint32_t labels_flaw(const struct infra_metrics_family *f)
{
    uint32_t flaw = f->labels_count > INFRA_METRICS_LABELS_MAX ||
                            (f->labels_count > 0 && f->labels == NULL)
                        ? INFRA_METRICS_FLAW_LABEL
                        : INFRA_METRICS_FLAW_NONE;

    for (uint32_t i = 0; flaw == INFRA_METRICS_FLAW_NONE && i < f->labels_count;
         i++) {
        flaw = label_flaw(f, i);
    }
    return flaw;
}

static bool has_good_bounds(const struct infra_metrics_family *f)
{
    if (f->kind != INFRA_METRICS_KIND_HISTOGRAM || f->bounds == NULL) {
        return f->bounds_count == 0;
    }
    bool is_good = f->bounds_count <= INFRA_METRICS_BOUNDS_MAX;
    for (uint32_t i = 1; is_good && i < f->bounds_count; i++) {
        is_good = f->bounds[i] > f->bounds[i - 1];
    }
    return is_good;
}

/* A state is a label's value, where names of no other form are of use. */
static bool has_good_states(const struct infra_metrics_family *f)
{
    if (f->kind != INFRA_METRICS_KIND_STATESET) {
        return f->states_count == 0;
    }
    bool is_good = f->states != NULL && f->states_count > 0 &&
                   f->states_count <= INFRA_METRICS_STATES_MAX;
    for (uint32_t i = 0; is_good && i < f->states_count; i++) {
        const char *state = f->states[i];
        is_good =
            infra__text_fits(state, 1, INFRA_METRICS_NAME_MAX) &&
            infra__text_is_made_of(infra__is_visible, state, strlen(state)) &&
            strpbrk(state, "\"\\") == NULL;
        for (uint32_t k = 0; is_good && k < i; k++) {
            is_good = strcmp(state, f->states[k]) != 0;
        }
    }
    return is_good;
}

uint32_t infra__metrics_family_flaw(const struct infra_metrics_family *f)
{
    if (!is_name(f->name)) {
        return INFRA_METRICS_FLAW_NAME;
    }
    if (f->kind > INFRA_METRICS_KIND_INFO ||
        f->unit > INFRA_METRICS_UNIT_RATIO) {
        return INFRA_METRICS_FLAW_KIND;
    }
    if (has_reserved_suffix(f->name)) {
        return INFRA_METRICS_FLAW_SUFFIX;
    }
    if (!has_its_unit(f)) {
        return INFRA_METRICS_FLAW_UNIT;
    }
    if (f->help != NULL &&
        (!infra__text_fits(f->help, 0, INFRA_METRICS_HELP_MAX) ||
         !infra__is_utf8(f->help, strlen(f->help)))) {
        return INFRA_METRICS_FLAW_HELP;
    }
    uint32_t flaw = labels_flaw(f);
    if (flaw == INFRA_METRICS_FLAW_NONE && !has_good_bounds(f)) {
        flaw = INFRA_METRICS_FLAW_BOUNDS;
    }
    if (flaw == INFRA_METRICS_FLAW_NONE && !has_good_states(f)) {
        flaw = INFRA_METRICS_FLAW_STATES;
    }
    return flaw;
}
