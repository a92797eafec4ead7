/* SPDX-License-Identifier: MIT */
/* The metrics as an object, and what control sets and reads. */
#include "internal.h"

INFRA__NO_TAIL_PADDING(struct infra_metrics_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_metrics_family, reserved);
INFRA__NO_TAIL_PADDING(struct infra_metrics_status, dropped);

#define FAMILIES_MAX 65536u
#define WRITERS_MAX 4096u

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

static int complete(void *options)
{
    struct infra_metrics_options *o = options;

    o->families_max = or_default(o->families_max, 256);
    o->series_max = or_default(o->series_max, 10000);
    o->writers_max = or_default(o->writers_max, 64);
    return o->families_max > FAMILIES_MAX ||
                   o->series_max > INFRA_METRICS_SERIES_MAX ||
                   o->writers_max > WRITERS_MAX || o->reserved != 0
               ? INFRA_EINVAL
               : INFRA_OK;
}

static bool allocate(struct infra_metrics *m)
{
    const struct infra_allocator *a = &m->allocator;
    uint32_t heads = 16;

    while (heads < m->options.series_max) {
        heads *= 2;
    }
    m->heads_mask = heads - 1;
    m->slots_max = m->options.series_max + m->options.families_max;
    m->heads = infra__alloc(a, heads, sizeof *m->heads);
    m->families = infra__alloc(a, m->options.families_max, sizeof *m->families);
    m->series = infra__alloc(a, m->slots_max, sizeof *m->series);
    m->writers = infra__alloc(a, m->options.writers_max, sizeof *m->writers);
    for (uint32_t i = 0; m->heads != NULL && i < heads; i++) {
        m->heads[i] = NO_SLOT;
    }
    return m->heads != NULL && m->families != NULL && m->series != NULL &&
           m->writers != NULL;
}

int infra_metrics_create(struct infra_metrics **ret,
                         const struct infra_metrics_options *options)
{
    struct infra_metrics_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_metrics *m =
        infra__object_create(&err, sizeof *m, o.allocator);

    if (m == NULL) {
        return err;
    }
    m->options = o;
    if (!allocate(m)) {
        infra_metrics_destroy(m);
        return INFRA_ENOMEM;
    }
    *ret = m;
    return INFRA_OK;
}

static void free_writer(struct infra_metrics *m, struct infra_metrics_writer *w)
{
    const struct infra_allocator *a = &m->allocator;

    for (uint32_t slot = 0; slot < m->slots_count; slot++) {
        const struct infra__metrics_series *s = &m->series[slot];
        if (m->families[s->family].kind == INFRA_METRICS_KIND_HISTOGRAM) {
            uint64_t block =
                atomic_load_explicit(&w->cells[slot], memory_order_relaxed);
            infra__free_lines(a, (void *)(uintptr_t)block,
                              sizeof(struct infra__metrics_histogram));
        }
    }
    infra__free_lines(a, w->cells, m->slots_max * sizeof *w->cells);
    infra__free_lines(a, w, sizeof *w);
}

void infra_metrics_destroy(struct infra_metrics *metrics)
{
    struct infra_metrics *m = metrics;

    if (m == NULL) {
        return;
    }
    const struct infra_allocator *a = &m->allocator;
    for (uint32_t i = 0; i < m->writers_count; i++) {
        free_writer(m, m->writers[i]);
    }
    for (uint32_t slot = 0; slot < m->slots_count; slot++) {
        struct infra__metrics_series *s = &m->series[slot];
        infra__free(a, s->labels, 1, s->labels_size);
        infra__free(a, s->former, 1, sizeof *s->former);
    }
    for (uint32_t i = 0; i < m->families_count; i++) {
        infra__free(a, m->families[i].block, 1, m->families[i].block_size);
    }
    infra__free(a, m->writers, m->options.writers_max, sizeof *m->writers);
    infra__free(a, m->series, m->slots_max, sizeof *m->series);
    infra__free(a, m->families, m->options.families_max, sizeof *m->families);
    infra__free(a, m->heads, (size_t)m->heads_mask + 1, sizeof *m->heads);
    infra__object_free(m, sizeof *m);
}

uint32_t infra__metrics_slot(const struct infra_metrics *m, uint32_t id)
{
    uint32_t slot = id & SLOT_MASK;

    return slot < m->slots_count && m->series[slot].is_there &&
                   infra__metrics_id(m, slot) == id
               ? slot
               : NO_SLOT;
}

uint64_t infra__metrics_value(const struct infra_metrics *m, uint32_t slot)
{
    uint64_t value = m->series[slot].base;

    for (uint32_t i = 0; i < m->writers_count; i++) {
        value += atomic_load_explicit(&m->writers[i]->cells[slot],
                                      memory_order_relaxed);
    }
    return value;
}

/* What control knows, without what its slot held for a former series. */
static int set(struct infra_metrics *m, uint32_t id, uint64_t value,
               uint32_t kind_a, uint32_t kind_b)
{
    if (m == NULL) {
        return INFRA_EINVAL;
    }
    uint32_t slot = infra__metrics_slot(m, id);
    if (slot == NO_SLOT) {
        return INFRA_ENOENT;
    }
    struct infra__metrics_series *s = &m->series[slot];
    const struct infra__metrics_family *f = &m->families[s->family];
    if (f->kind != kind_a && f->kind != kind_b) {
        return INFRA_EINVAL;
    }
    s->base = value - s->former_value;
    s->is_known = true;
    return INFRA_OK;
}

int infra_metrics_set(struct infra_metrics *metrics, uint32_t series,
                      int64_t value)
{
    int err = set(metrics, series, (uint64_t)value, INFRA_METRICS_KIND_GAUGE,
                  INFRA_METRICS_KIND_STATESET);

    if (err == INFRA_OK) {
        metrics->series[series & SLOT_MASK].is_known =
            value != INFRA_METRICS_UNKNOWN;
    }
    return err;
}

int infra_metrics_set_total(struct infra_metrics *metrics, uint32_t series,
                            uint64_t total)
{
    return set(metrics, series, total, INFRA_METRICS_KIND_COUNTER,
               INFRA_METRICS_KIND_COUNTER);
}

int infra_metrics_read(const struct infra_metrics *metrics, uint32_t series,
                       uint64_t *ret)
{
    if (metrics == NULL || ret == NULL ||
        series >> KIND_SHIFT == INFRA_METRICS_KIND_HISTOGRAM) {
        return INFRA_EINVAL;
    }
    uint32_t slot = infra__metrics_slot(metrics, series);
    if (slot == NO_SLOT) {
        return INFRA_ENOENT;
    }
    *ret = infra__metrics_value(metrics, slot);
    return INFRA_OK;
}

int infra_metrics_inspect(const struct infra_metrics *metrics,
                          struct infra_metrics_status *ret)
{
    if (metrics == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    struct infra_metrics_status status = { .size = sizeof status,
                                           .families = metrics->families_count,
                                           .series = metrics->present,
                                           .dropped = metrics->dropped };
    for (uint32_t i = 0; i < metrics->writers_count; i++) {
        status.writers += metrics->writers[i]->is_used;
    }
    return infra__status_export(ret, &status, sizeof status, sizeof status);
}
