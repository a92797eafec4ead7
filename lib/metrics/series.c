/* SPDX-License-Identifier: MIT */
/* Series come and go. They are found by a hash of their labels as they are
 * printed (chained, Knuth, volume 3, 6.4).
 *
 * A removed slot stays in its family's list, unprinted, until a series of the
 * same family takes it: so a text that is read meanwhile never loses its place.
 * Only writers may write to their cells; so what they hold when a slot is taken
 * again is subtracted from then on. */
#include "internal.h"

#include "../base/utf8.h"

#include <string.h>

char *infra__metrics_escape(char *at, const char *text, bool has_quotes)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            *at++ = '\\';
            *at++ = 'n';
            continue;
        }
        if (*text == '\\' || (*text == '"' && has_quotes)) {
            *at++ = '\\';
        }
        *at++ = *text;
    }
    return at;
}

/* The labels as they are printed. An enum infra_metrics_flaw, or negative. */
static int print_labels(const struct infra__metrics_family *f,
                        const char *const *values, char text[LABELS_TEXT_MAX],
                        uint32_t *ret)
{
    char *at = text;

    if (f->labels_count > 0 && values == NULL) {
        return INFRA_EINVAL;
    }
    for (uint32_t i = 0; i < f->labels_count; i++) {
        const char *value = values[i];
        size_t name_size = strlen(f->labels[i]);
        if (value == NULL || strnlen(value, INFRA_METRICS_VALUE_MAX + 1) >
                                 INFRA_METRICS_VALUE_MAX) {
            return INFRA_METRICS_FLAW_VALUE;
        }
        if (!infra__is_utf8(value, strlen(value))) {
            return INFRA_METRICS_FLAW_UTF8;
        }
        if (i > 0) {
            *at++ = ',';
        }
        memcpy(at, f->labels[i], name_size);
        at += name_size;
        *at++ = '=';
        *at++ = '"';
        at = infra__metrics_escape(at, value, true);
        *at++ = '"';
    }
    *ret = (uint32_t)(at - text);
    return INFRA_OK;
}

static uint32_t find(const struct infra_metrics *m, uint32_t family,
                     const char *labels, uint32_t size, uint64_t hash)
{
    uint32_t slot = m->heads[hash & m->heads_mask];

    while (slot != NO_SLOT) {
        const struct infra__metrics_series *s = &m->series[slot];
        if (s->hash == hash && s->family == family && s->labels_size == size &&
            (size == 0 || memcmp(s->labels, labels, size) == 0)) {
            break;
        }
        slot = s->chain;
    }
    return slot;
}

/* Buckets in each writer, and what they hold now. */
static int prepare(struct infra_metrics *m, uint32_t slot, bool is_fresh)
{
    struct infra__metrics_series *s = &m->series[slot];

    if (m->families[s->family].kind != INFRA_METRICS_KIND_HISTOGRAM) {
        s->former_value = 0;
        s->base = 0;
        s->former_value = infra__metrics_value(m, slot);
        s->base = 0 - s->former_value;
        return INFRA_OK;
    }
    int err = infra__metrics_writers_grow(m, slot);
    if (err != INFRA_OK || is_fresh) {
        return err;
    }
    struct infra__metrics_merged *former = s->former;
    s->former = NULL;
    if (former == NULL) {
        former = infra__alloc(&m->allocator, 1, sizeof *former);
    }
    if (former == NULL) {
        return INFRA_ENOMEM;
    }
    infra__metrics_merge(m, slot, former);
    s->former = former;
    return INFRA_OK;
}

/* Give a slot to a series. INFRA_ENOMEM: it is as before. */
static int occupy(struct infra_metrics *m, uint32_t slot, const char *labels,
                  uint32_t size, uint64_t hash, bool is_fresh)
{
    struct infra__metrics_series *s = &m->series[slot];
    char *copy = NULL;

    if (size > 0) {
        copy = infra__alloc(&m->allocator, 1, size);
        if (copy == NULL) {
            return INFRA_ENOMEM;
        }
        memcpy(copy, labels, size);
    }
    int err = prepare(m, slot, is_fresh);
    if (err != INFRA_OK) {
        infra__free(&m->allocator, copy, 1, size);
        return err;
    }
    s->labels = copy;
    s->labels_size = size;
    s->hash = hash;
    s->is_there = true;
    s->is_known = true;
    return INFRA_OK;
}

static void chain(struct infra_metrics *m, uint32_t slot)
{
    uint32_t *head = &m->heads[m->series[slot].hash & m->heads_mask];

    m->series[slot].chain = *head;
    *head = slot;
}

static void unchain(struct infra_metrics *m, uint32_t slot)
{
    uint32_t *link = &m->heads[m->series[slot].hash & m->heads_mask];

    while (*link != slot) {
        link = &m->series[*link].chain;
    }
    *link = m->series[slot].chain;
}

/* A slot that no series has had, at the end of its family. */
static int occupy_fresh(struct infra_metrics *m, uint32_t family,
                        const char *labels, uint32_t size, uint64_t hash,
                        uint32_t *ret)
{
    struct infra__metrics_family *f = &m->families[family];
    uint32_t slot = m->slots_count;
    struct infra__metrics_series *s = &m->series[slot];

    s->family = family;
    s->next = s->next_gone = s->chain = NO_SLOT;
    int err = occupy(m, slot, labels, size, hash, true);
    if (err != INFRA_OK) {
        return err;
    }
    if (f->last != NO_SLOT) {
        m->series[f->last].next = slot;
    } else {
        f->first = slot;
    }
    f->last = slot;
    m->slots_count++;
    *ret = slot;
    return INFRA_OK;
}

static int overflow(struct infra_metrics *m, uint32_t family, uint32_t *ret)
{
    static const char labels[] = "overflow=\"true\"";
    struct infra__metrics_family *f = &m->families[family];

    if (f->overflow == NO_SLOT) {
        int err =
            occupy_fresh(m, family, labels, sizeof labels - 1, 0, &f->overflow);
        if (err != INFRA_OK) {
            return err;
        }
    }
    m->dropped++;
    *ret = infra__metrics_id(m, f->overflow);
    return INFRA_EFULL;
}

static int add(struct infra_metrics *m, uint32_t family, const char *labels,
               uint32_t size, uint64_t hash, uint32_t *ret)
{
    struct infra__metrics_family *f = &m->families[family];
    uint32_t slot = f->gone;
    int err;

    if (slot != NO_SLOT) {
        err = occupy(m, slot, labels, size, hash, false);
        if (err != INFRA_OK) {
            return err;
        }
        f->gone = m->series[slot].next_gone;
    } else if (m->taken == m->options.series_max) {
        return overflow(m, family, ret);
    } else {
        err = occupy_fresh(m, family, labels, size, hash, &slot);
        if (err != INFRA_OK) {
            return err;
        }
        m->taken++;
    }
    chain(m, slot);
    m->present++;
    *ret = infra__metrics_id(m, slot);
    return INFRA_OK;
}

int infra_metrics_series_add(struct infra_metrics *metrics, uint32_t family,
                             const char *const *values, uint32_t *ret)
{
    struct infra_metrics *m = metrics;
    char labels[LABELS_TEXT_MAX];
    uint32_t size = 0;

    if (m == NULL || ret == NULL || family >= m->families_count) {
        return INFRA_EINVAL;
    }
    int err = print_labels(&m->families[family], values, labels, &size);
    if (err != INFRA_OK) {
        return err;
    }
    uint64_t hash = infra_xxhash64(labels, size, family);
    uint32_t slot = find(m, family, labels, size, hash);
    if (slot == NO_SLOT) {
        return add(m, family, labels, size, hash, ret);
    }
    *ret = infra__metrics_id(m, slot);
    return INFRA_OK;
}

int infra_metrics_series_remove(struct infra_metrics *metrics, uint32_t series)
{
    struct infra_metrics *m = metrics;

    if (m == NULL) {
        return INFRA_EINVAL;
    }
    uint32_t slot = infra__metrics_slot(m, series);
    if (slot == NO_SLOT) {
        return INFRA_ENOENT;
    }
    struct infra__metrics_series *s = &m->series[slot];
    struct infra__metrics_family *f = &m->families[s->family];
    if (slot == f->overflow) {
        return INFRA_OK;
    }
    unchain(m, slot);
    infra__free(&m->allocator, s->labels, 1, s->labels_size);
    s->labels = NULL;
    s->labels_size = 0;
    s->is_there = false;
    s->next_gone = f->gone;
    f->gone = slot;
    m->present--;
    return INFRA_OK;
}
