/* SPDX-License-Identifier: MIT */
/* Private to lib/metrics: families, series, and the shards of writers.
 *
 * A series has a slot, and in each writer a cell of 64 bits: the count of a
 * counter, the change of a gauge, or for a histogram the address of its
 * buckets. Its number is the slot with the kind above it, so that the data path
 * finds a wrong kind by the comparison that it needs anyway. */
#ifndef INFRA_METRICS_INTERNAL_H
#define INFRA_METRICS_INTERNAL_H

#include "../base/internal.h"
#include "../base/log_linear.h"

#include <infra/metrics.h>

#include <stdatomic.h>
#include <stdbool.h>

#define KIND_SHIFT 28u
#define SLOT_MASK ((1u << KIND_SHIFT) - 1u)
#define NO_SLOT UINT32_MAX

#define HISTOGRAM_BITS 5u
#define HISTOGRAM_BUCKETS INFRA__LOG_LINEAR_BUCKETS(HISTOGRAM_BITS)

/* name="value", with its comma, where every byte of the value is escaped. */
#define LABEL_TEXT_MAX \
    (INFRA_METRICS_NAME_MAX + 2u * INFRA_METRICS_VALUE_MAX + 4u)
#define LABELS_TEXT_MAX (INFRA_METRICS_LABELS_MAX * LABEL_TEXT_MAX)
/* Two lines: name, labels, one more label, value; or a help. */
#define LINE_MAX (2u * (LABELS_TEXT_MAX + 4u * INFRA_METRICS_NAME_MAX + 64u))

/* Of one series in one shard. Only its writer stores. */
struct infra__metrics_histogram {
    _Atomic uint64_t sum;
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Summed over writers. */
struct infra__metrics_merged {
    uint64_t sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

struct infra__metrics_family {
    char *block; /* All of its texts, and its bounds first. */
    size_t block_size;
    const char *name;
    const char *help; /* NULL: none. */
    const char *labels[INFRA_METRICS_LABELS_MAX];
    const char *states[INFRA_METRICS_STATES_MAX];
    const uint64_t *bounds;
    uint32_t kind;
    uint32_t unit;
    uint32_t labels_count;
    uint32_t states_count;
    uint32_t bounds_count;
    uint32_t first; /* Slots in the order in which they are printed. */
    uint32_t last;
    uint32_t gone;     /* Removed slots, for the family's next series. */
    uint32_t overflow; /* Slot, or NO_SLOT. */
};

struct infra__metrics_series {
    char *labels; /* name="value",... escaped, without braces; not ended. */
    struct infra__metrics_merged *former; /* What its slot held before. */
    uint64_t hash;
    uint64_t base;         /* What control has set, less former_value. */
    uint64_t former_value; /* What writers counted before it had the slot. */
    uint32_t labels_size;
    uint32_t family;
    uint32_t next;      /* In its family. */
    uint32_t next_gone; /* In its family's removed slots. */
    uint32_t chain;     /* The next with such a hash. */
    bool is_there;
    bool is_known; /* Else control said UNKNOWN. */
};

struct infra_metrics_writer {
    _Atomic uint64_t *cells; /* By slot. */
    uint32_t cells_count;
    bool is_used;
};

struct infra_metrics {
    struct infra_allocator allocator;
    struct infra_metrics_options options;
    struct infra__metrics_family *families;
    struct infra__metrics_series *series;  /* By slot. */
    struct infra_metrics_writer **writers; /* Some may be unused. */
    uint32_t *heads;                       /* Slots by hash. */
    uint32_t families_count;
    uint32_t slots_max;   /* With overflow series. */
    uint32_t slots_count; /* Ever used. */
    uint32_t taken;       /* Of these, no overflow series. */
    uint32_t present;     /* Of those, not removed. */
    uint32_t writers_count;
    uint32_t heads_mask;
    uint64_t dropped;
};

static inline uint32_t infra__metrics_id(const struct infra_metrics *m,
                                         uint32_t slot)
{
    return slot | m->families[m->series[slot].family].kind << KIND_SHIFT;
}

/* The slot of a series that is there; NO_SLOT. */
uint32_t infra__metrics_slot(const struct infra_metrics *m, uint32_t id);

/* A histogram's buckets for a slot in every writer that is in use. Only for a
 * fresh slot can there be no memory, and then none has them. */
int infra__metrics_writers_grow(struct infra_metrics *m, uint32_t slot);

/* The sum over all writers, with what control has set. */
uint64_t infra__metrics_value(const struct infra_metrics *m, uint32_t slot);
void infra__metrics_merge(const struct infra_metrics *m, uint32_t slot,
                          struct infra__metrics_merged *ret);

/* What is wrong with a family, an enum infra_metrics_flaw. */
uint32_t infra__metrics_family_flaw(const struct infra_metrics_family *family);

/* The scale of a unit: a value is divided by ten to this. */
uint32_t infra__metrics_decimals(uint32_t unit);
/* The unit's suffix without "_", NULL: none. */
const char *infra__metrics_unit_suffix(uint32_t unit);

/* Append the @size bytes of @text, escaped. */
char *infra__metrics_escape(char *at, const char *text, bool has_quotes);

/* Append @value / 10^@decimals, exactly, without needless zeros: 3, 0.25. */
char *infra__metrics_number(char *at, uint64_t value, uint32_t decimals);
/* The same as Prometheus writes a bound: 0.001, 1.0, 1e-05, 1.5e+06. */
char *infra__metrics_bound(char *at, uint64_t value, uint32_t decimals);

#endif
