/* SPDX-License-Identifier: MIT */
/* A family is copied into one block: its bounds, then its texts. */
#include "internal.h"

#include <string.h>

static const uint64_t second_bounds[] = {
    100000,     250000,     500000,     1000000,     2500000,   5000000,
    10000000,   25000000,   50000000,   100000000,   250000000, 500000000,
    1000000000, 2500000000, 5000000000, 10000000000,
};

static const uint64_t ratio_bounds[] = {
    100000, 200000, 300000, 400000, 500000,
    600000, 700000, 800000, 900000, 1000000,
};

static const uint64_t other_bounds[] = {
    1,        1u << 2,  1u << 4,  1u << 6,  1u << 8,  1u << 10,
    1u << 12, 1u << 14, 1u << 16, 1u << 18, 1u << 20, 1u << 22,
    1u << 24, 1u << 26, 1u << 28, 1u << 30,
};

static void default_bounds(struct infra_metrics_family *f)
{
    if (f->kind != INFRA_METRICS_KIND_HISTOGRAM || f->bounds != NULL) {
        return;
    }
    if (f->unit == INFRA_METRICS_UNIT_SECONDS) {
        f->bounds = second_bounds;
        f->bounds_count = INFRA__COUNT_OF(second_bounds);
    } else if (f->unit == INFRA_METRICS_UNIT_RATIO) {
        f->bounds = ratio_bounds;
        f->bounds_count = INFRA__COUNT_OF(ratio_bounds);
    } else {
        f->bounds = other_bounds;
        f->bounds_count = INFRA__COUNT_OF(other_bounds);
    }
}

static size_t block_size(const struct infra_metrics_family *f)
{
    size_t size = f->bounds_count * sizeof f->bounds[0] + strlen(f->name) + 1;

    size += f->help != NULL ? strlen(f->help) + 1 : 0;
    for (uint32_t i = 0; i < f->labels_count; i++) {
        size += strlen(f->labels[i]) + 1;
    }
    for (uint32_t i = 0; i < f->states_count; i++) {
        size += strlen(f->states[i]) + 1;
    }
    return size;
}

static const char *keep(char **at, const char *text)
{
    char *kept = *at;
    size_t size = strlen(text) + 1;

    memcpy(kept, text, size);
    *at += size;
    return kept;
}

static void fill(struct infra__metrics_family *ours,
                 const struct infra_metrics_family *f)
{
    size_t bounds_size = f->bounds_count * sizeof f->bounds[0];
    char *at = ours->block + bounds_size;

    if (bounds_size > 0) {
        memcpy(ours->block, f->bounds, bounds_size);
    }
    /* The allocator aligns for any type. */
    ours->bounds = (const uint64_t *)(const void *)ours->block;
    ours->bounds_count = f->bounds_count;
    ours->name = keep(&at, f->name);
    ours->help = f->help != NULL ? keep(&at, f->help) : NULL;
    for (uint32_t i = 0; i < f->labels_count; i++) {
        ours->labels[i] = keep(&at, f->labels[i]);
    }
    for (uint32_t i = 0; i < f->states_count; i++) {
        ours->states[i] = keep(&at, f->states[i]);
    }
    ours->labels_count = f->labels_count;
    ours->states_count = f->states_count;
    ours->kind = f->kind;
    ours->unit = f->unit;
    ours->first = ours->last = NO_SLOT;
    ours->gone = ours->overflow = NO_SLOT;
}

static bool is_taken(const struct infra_metrics *m, const char *name)
{
    bool is = false;

    for (uint32_t i = 0; i < m->families_count && !is; i++) {
        is = strcmp(m->families[i].name, name) == 0;
    }
    return is;
}

int infra_metrics_family_add(struct infra_metrics *metrics,
                             const struct infra_metrics_family *family,
                             uint32_t *ret)
{
    struct infra_metrics *m = metrics;
    struct infra_metrics_family f = { .size = sizeof f };

    if (m == NULL || family == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&f, sizeof f, family, sizeof f);
    if (err != INFRA_OK) {
        return err;
    }
    uint32_t flaw = infra__metrics_family_flaw(&f);
    if (flaw == INFRA_METRICS_FLAW_NONE && is_taken(m, f.name)) {
        flaw = INFRA_METRICS_FLAW_TAKEN;
    }
    if (flaw != INFRA_METRICS_FLAW_NONE) {
        return (int)flaw;
    }
    if (m->families_count == m->options.families_max) {
        return INFRA_EFULL;
    }
    default_bounds(&f);
    struct infra__metrics_family *ours = &m->families[m->families_count];
    size_t size = block_size(&f);
    char *block = infra__alloc(&m->allocator, 1, size);
    if (block == NULL) {
        return INFRA_ENOMEM;
    }
    ours->block = block;
    ours->block_size = size;
    fill(ours, &f);
    *ret = m->families_count++;
    return INFRA_OK;
}
