/* SPDX-License-Identifier: MIT */
/* The collector: families by their place, added when first used; series are
 * looked up each time, so that nothing has to be kept in step with the host. */
#include "internal.h"

#include "../base/characters.h"

#include <stdbool.h>
#include <string.h>

static bool may_be_in_prefix(unsigned char c)
{
    unsigned char l = infra__lower(c);

    return (l >= 'a' && l <= 'z') || infra__is_digit(c) || c == '_';
}

int infra_collect_create(struct infra_collect **ret,
                         struct infra_metrics *metrics, const char *prefix,
                         const struct infra_allocator *allocator)
{
    bool fits =
        ret != NULL && metrics != NULL &&
        infra__text_fits(prefix, 1, INFRA_COLLECT_PREFIX_MAX) &&
        infra__text_is_made_of(may_be_in_prefix, prefix, strlen(prefix)) &&
        !infra__is_digit((unsigned char)prefix[0]) && prefix[0] != '_';
    int err = fits ? INFRA_OK : INFRA_EINVAL;
    struct infra_collect *c = infra__object_create(&err, sizeof *c, allocator);

    if (c == NULL) {
        return err;
    }
    c->metrics = metrics;
    memcpy(c->prefix, prefix, strlen(prefix) + 1);
    *ret = c;
    return INFRA_OK;
}

void infra_collect_destroy(struct infra_collect *collect)
{
    if (collect != NULL) {
        infra__object_free(collect, sizeof *collect);
    }
}

/* Add a family to the metrics; its number is one less than the place says. */
static int add_family(struct infra_collect *c,
                      const struct infra__collect_family *f)
{
    char name[INFRA_METRICS_NAME_MAX + 1];
    const char *states[INFRA_METRICS_STATES_MAX];
    size_t size = strlen(c->prefix);
    uint32_t id, states_count = 0;

    memcpy(name, c->prefix, size);
    name[size++] = '_';
    memcpy(name + size, f->name, strlen(f->name) + 1);
    while (f->state_name != NULL && states_count < INFRA_METRICS_STATES_MAX &&
           strcmp(f->state_name(states_count), "unknown") != 0) {
        states[states_count] = f->state_name(states_count);
        states_count++;
    }
    const struct infra_metrics_family family = {
        .size = sizeof family,
        .name = name,
        .help = f->help,
        .kind = f->kind,
        .unit = f->unit,
        .labels = &f->label,
        .labels_count = f->label != NULL,
        .states = states_count > 0 ? states : NULL,
        .states_count = states_count,
    };
    int err = infra_metrics_family_add(c->metrics, &family, &id);
    if (err == INFRA_OK) {
        c->families[f->place] = id + 1;
        c->has_label[f->place] = f->label != NULL;
    }
    return err;
}

static int set(struct infra_collect *c, const struct infra__collect_family *f,
               const char *label, int64_t value)
{
    uint32_t series;
    int err = c->families[f->place] != 0 ? INFRA_OK : add_family(c, f);

    if (err != INFRA_OK) {
        return err;
    }
    int found = infra_metrics_series_add(c->metrics, c->families[f->place] - 1,
                                         &label, &series);
    if (found != INFRA_OK && found != INFRA_EFULL) {
        return found;
    }
    err = f->kind == INFRA_METRICS_KIND_COUNTER
              ? infra_metrics_set_total(c->metrics, series, (uint64_t)value)
              : infra_metrics_set(c->metrics, series, value);
    return err != INFRA_OK ? err : found;
}

int infra__collect_set(struct infra_collect *c,
                       const struct infra__collect_family *families,
                       size_t count, const char *label, const int64_t *values)
{
    int err = INFRA_OK;

    for (size_t i = 0; i < count && (err == INFRA_OK || err == INFRA_EFULL);
         i++) {
        int now = set(c, &families[i], label, values[i]);
        err = now != INFRA_OK ? now : err;
    }
    return err;
}

int infra_collect_remove(struct infra_collect *collect, const char *name)
{
    struct infra_collect *c = collect;
    int err = INFRA_OK;

    if (c == NULL || name == NULL) {
        return INFRA_EINVAL;
    }
    for (uint32_t i = 0; i < PLACES_COUNT; i++) {
        uint32_t series;
        if (c->families[i] == 0 || !c->has_label[i]) {
            continue;
        }
        int found = infra_metrics_series_add(c->metrics, c->families[i] - 1,
                                             &name, &series);
        if (found == INFRA_OK) {
            (void)infra_metrics_series_remove(c->metrics, series);
        } else if (found != INFRA_EFULL) {
            err = found;
        }
    }
    return err;
}
