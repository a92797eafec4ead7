/* SPDX-License-Identifier: MIT */
/* The data path, and the shards it writes. A cell has one writer, so that it
 * counts by a load and a store; control only reads. The cells guard no other
 * memory: all accesses are relaxed, except that of a histogram's address. */
#include "internal.h"

static _Atomic uint64_t *cell_of(struct infra_metrics_writer *w, uint32_t id,
                                 uint32_t kind)
{
    uint32_t slot = id ^ (kind << KIND_SHIFT);

    return w != NULL && slot < w->cells_count ? &w->cells[slot] : NULL;
}

static void add(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t before = atomic_load_explicit(cell, memory_order_relaxed);

    atomic_store_explicit(cell, before + n, memory_order_relaxed);
}

int infra_metrics_count(struct infra_metrics_writer *writer, uint32_t series,
                        uint64_t n)
{
    _Atomic uint64_t *cell =
        cell_of(writer, series, INFRA_METRICS_KIND_COUNTER);

    if (cell == NULL) {
        return INFRA_EINVAL;
    }
    add(cell, n);
    return INFRA_OK;
}

int infra_metrics_change(struct infra_metrics_writer *writer, uint32_t series,
                         int64_t n)
{
    _Atomic uint64_t *cell = cell_of(writer, series, INFRA_METRICS_KIND_GAUGE);

    if (cell == NULL) {
        return INFRA_EINVAL;
    }
    add(cell, (uint64_t)n);
    return INFRA_OK;
}

int infra_metrics_observe(struct infra_metrics_writer *writer, uint32_t series,
                          uint64_t value)
{
    _Atomic uint64_t *cell =
        cell_of(writer, series, INFRA_METRICS_KIND_HISTOGRAM);

    if (cell == NULL) {
        return INFRA_EINVAL;
    }
    /* Acquire, with the release of grow(): its zeros are there. */
    struct infra__metrics_histogram *h =
        (struct infra__metrics_histogram *)(uintptr_t)atomic_load_explicit(
            cell, memory_order_acquire);
    if (h == NULL) {
        return INFRA_EINVAL;
    }
    add(&h->buckets[infra__log_linear_bucket(value, HISTOGRAM_BITS)], 1);
    add(&h->sum, value);
    return INFRA_OK;
}

static int grow(const struct infra_metrics *m, struct infra_metrics_writer *w,
                uint32_t slot)
{
    if (atomic_load_explicit(&w->cells[slot], memory_order_relaxed) != 0) {
        return INFRA_OK;
    }
    void *block = infra__alloc_lines(&m->allocator,
                                     sizeof(struct infra__metrics_histogram));
    if (block == NULL) {
        return INFRA_ENOMEM;
    }
    atomic_store_explicit(&w->cells[slot], (uintptr_t)block,
                          memory_order_release);
    return INFRA_OK;
}

/* No writer knows of the slot yet. */
static void shrink(const struct infra_metrics *m, uint32_t slot)
{
    for (uint32_t i = 0; i < m->writers_count; i++) {
        uint64_t block = atomic_exchange_explicit(&m->writers[i]->cells[slot],
                                                  0, memory_order_relaxed);
        infra__free_lines(&m->allocator, (void *)(uintptr_t)block,
                          sizeof(struct infra__metrics_histogram));
    }
}

int infra__metrics_writers_grow(struct infra_metrics *m, uint32_t slot)
{
    int err = INFRA_OK;

    for (uint32_t i = 0; i < m->writers_count && err == INFRA_OK; i++) {
        err = m->writers[i]->is_used ? grow(m, m->writers[i], slot) : INFRA_OK;
    }
    if (err != INFRA_OK) {
        shrink(m, slot);
    }
    return err;
}

/* One that was given back. */
static struct infra_metrics_writer *unused(const struct infra_metrics *m)
{
    struct infra_metrics_writer *w = NULL;

    for (uint32_t i = 0; i < m->writers_count && w == NULL; i++) {
        w = m->writers[i]->is_used ? NULL : m->writers[i];
    }
    return w;
}

/* A writer is in the list before its histograms have buckets, so that without
 * memory for them it stays there as an unused one. */
static int create(struct infra_metrics *m, struct infra_metrics_writer **ret)
{
    const struct infra_allocator *a = &m->allocator;

    if (m->writers_count == m->options.writers_max) {
        return INFRA_EFULL;
    }
    struct infra_metrics_writer *w = infra__alloc_lines(a, sizeof *w);
    _Atomic uint64_t *cells =
        infra__alloc_lines(a, m->slots_max * sizeof *cells);
    if (w == NULL || cells == NULL) {
        infra__free_lines(a, cells, m->slots_max * sizeof *cells);
        infra__free_lines(a, w, sizeof *w);
        return INFRA_ENOMEM;
    }
    w->cells = cells;
    w->cells_count = m->slots_max;
    m->writers[m->writers_count++] = w;
    *ret = w;
    return INFRA_OK;
}

int infra_metrics_writer_create(struct infra_metrics_writer **ret,
                                struct infra_metrics *metrics)
{
    struct infra_metrics *m = metrics;

    if (ret == NULL || m == NULL) {
        return INFRA_EINVAL;
    }
    struct infra_metrics_writer *w = unused(m);
    int err = w != NULL ? INFRA_OK : create(m, &w);
    for (uint32_t slot = 0; slot < m->slots_count && err == INFRA_OK; slot++) {
        uint32_t family = m->series[slot].family;
        if (m->families[family].kind == INFRA_METRICS_KIND_HISTOGRAM) {
            err = grow(m, w, slot);
        }
    }
    if (err != INFRA_OK) {
        return err;
    }
    w->is_used = true;
    *ret = w;
    return INFRA_OK;
}

void infra_metrics_writer_destroy(struct infra_metrics_writer *writer)
{
    if (writer != NULL) {
        writer->is_used = false;
    }
}
