/* SPDX-License-Identifier: MIT */
/* Prequal (Wydrowski et al., "Load is not what you should balance", NSDI 2024):
 * backends report their number in flight and their latency, and the host
 * carries the probes. Each reader has a pool of answers per tier
 * (probe_pool.h), from which its picks choose; with too few they choose as two
 * choices does. A pick is O(size of the pool). */
#include "../../base/random.h"
#include "../algorithm/alias.h"
#include "../algorithm/probe_pool.h"

#include <assert.h>

#define AGE_DEFAULT INFRA_SEC(1)
#define PROBES_DEFAULT 300u
#define REMOVALS_DEFAULT 100u
#define REUSE_DEFAULT 100u
#define SIZE_DEFAULT 16u
#define PERCENTILE_DEFAULT 84u /* 2^-0.25, as in the paper's experiments. */

#define RATE_MAX (100u * INFRA_BALANCER_PROBES_MAX)
#define REUSE_MAX 10000u
#define USES_MAX 16u

#define LATENCY_SHIFT 10u

INFRA__NO_TAIL_PADDING(struct infra_prequal_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_balancer_probe, generation);

/* One per reader and tier. */
struct tier {
    struct probe_pool pool;
    infra_time asked; /* When probes were last handed out. */
    uint32_t probes_percent;
    uint32_t reuse_percent;
    uint32_t due; /* Probes to hand out, in hundredths. */
    uint32_t reserved;
};

static void set_default(uint32_t *option, uint32_t value)
{
    *option = *option != 0 ? *option : value;
}

static int complete(void *options)
{
    struct infra_prequal_options *o = options;

    o->age_max = o->age_max != 0 ? o->age_max : AGE_DEFAULT;
    set_default(&o->probes_percent, PROBES_DEFAULT);
    set_default(&o->removals_percent, REMOVALS_DEFAULT);
    set_default(&o->reuse_percent, REUSE_DEFAULT);
    set_default(&o->pool_size, SIZE_DEFAULT);
    set_default(&o->hot_percentile, PERCENTILE_DEFAULT);
    return o->probes_percent <= RATE_MAX && o->removals_percent <= RATE_MAX &&
                   o->reuse_percent <= REUSE_MAX && o->pool_size <= POOL_MAX &&
                   o->pool_size != 1 && o->hot_percentile <= 100 &&
                   o->reserved == 0
               ? INFRA_OK
               : INFRA_EINVAL;
}

/* The memory of a tier, with its settings made at first use. */
static struct tier *prepared(void *memory,
                             const struct infra_prequal_options *o)
{
    struct tier *t = memory;

    if (t->pool.size == 0) {
        infra__probe_pool_init(&t->pool);
        t->pool.size = o->pool_size;
        t->pool.age_max = o->age_max;
        t->pool.removals_percent = o->removals_percent;
        t->pool.hot_percentile = o->hot_percentile;
        t->probes_percent = o->probes_percent;
        t->reuse_percent = o->reuse_percent;
    }
    return t;
}

/* state[0]: the random state of two choices. [1]: ours. An answer that the
 * balancer cannot use (too new, or just full) counts as used, and the next
 * answer it asks for as another pick. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    struct tier *t = prepared(infra_candidates_memory(c), c->options);

    t->due += t->probes_percent;
    t->due = t->due < RATE_MAX ? t->due : RATE_MAX;
    uint32_t index = infra__probe_pool_use(&t->pool, c);
    infra__probe_pool_thin(&t->pool);
    return index != NO_INDEX
               ? index
               : infra_balancer_two_choices()->pick(table, state, c, hash);
}

const struct infra_balancer_policy *infra_balancer_prequal(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "prequal",
        .table_size = infra__alias_table_size,
        .scratch_size = infra__alias_scratch_size,
        .build = infra__alias_table_build,
        .pick = pick,
        .needs_load = 1,
        .options_size = sizeof(struct infra_prequal_options),
        .complete = complete,
        .memory_size = sizeof(struct tier),
    };

    return &policy;
}

static struct tier *tier_of(const struct infra_balancer_reader *r,
                            const struct list *list)
{
    return prepared(r->memory + list->rank * r->memory_stride,
                    r->policy_options);
}

/* Draw @count different ones of the list, all sets equally likely (Floyd's
 * sampling: Bentley, Floyd 1987). */
static void draw(struct infra_balancer_probe *ret, uint32_t count,
                 const struct list *list, uint64_t *random)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t last = list->count - count + i;
        uint32_t index = infra__below(infra__random(random), last + 1);
        for (uint32_t k = 0; k < i; k++) {
            if (ret[k].id == list->entries[index].id) {
                index = last; /* No earlier draw could be the last. */
                break;
            }
        }
        ret[i] = (struct infra_balancer_probe) {
            .id = list->entries[index].id,
            .generation = list->entries[index].owner,
        };
    }
}

/* Hand out the probes due to a list. */
static uint32_t ask(struct infra_balancer_reader *r, const struct list *list,
                    infra_time now, struct infra_balancer_probe *ret,
                    uint32_t max)
{
    struct tier *t = tier_of(r, list);
    uint32_t count = t->due / 100;

    if (count >= list->count) {
        count = list->count;
        t->due = t->due % 100 + 100 * count; /* One per backend will do. */
    }
    count = count < max ? count : max;
    if (count > 0) {
        draw(ret, count, list, &r->states[list->rank][1]);
        t->due -= 100 * count;
        t->asked = now;
    }
    return count;
}

/* Without picks, keep the pool of the first tier from running dry. */
static void note_idle(struct tier *t, infra_time now)
{
    const uint32_t least = 100 * POOL_MIN;

    if (t->due < 100 && now > t->asked &&
        now - t->asked >= t->pool.age_max / 2) {
        t->due = t->probes_percent > least ? t->probes_percent : least;
    }
}

static const struct table *table_of(struct infra_balancer_reader *r)
{
    return (const struct table *)(const void *)infra__inbox_look(&r->inbox);
}

int infra_balancer_probes_next(struct infra_balancer_reader *reader,
                               infra_time now, struct infra_balancer_probe *ret,
                               uint32_t max)
{
    if (reader == NULL || (ret == NULL && max > 0)) {
        return INFRA_EINVAL;
    }
    const struct table *table =
        reader->policy.pick == pick ? table_of(reader) : NULL;
    uint32_t count = 0;

    for (uint32_t l = 0; table != NULL && l < table->lists_count; l++) {
        const struct list *list = &table->lists[l];
        if (l == 0) {
            note_idle(tier_of(reader, list), now);
        }
        struct infra_balancer_probe *at = count < max ? ret + count : NULL;
        count += ask(reader, list, now, at, max - count);
    }
    assert(count <= max);
    return (int)count;
}

/* The number of picks an answer is good for, so that the answers in the pool
 * offer 1 + delta uses for each pick: the paper's b_reuse, (1 + delta) / ((1 -
 * m / n) r_probe - r_remove), rounded at random. With few backends most probes
 * replace an answer, and only age ends its use. */
static uint16_t uses_of(const struct tier *t, uint32_t backends,
                        uint64_t random)
{
    const uint64_t one = 1 << 16;
    int64_t kept = t->probes_percent * ((int64_t)backends - t->pool.size) -
                   t->pool.removals_percent * (int64_t)backends;
    uint64_t uses = USES_MAX * one;

    if (kept > 0) {
        uint64_t exact = (100 + (uint64_t)t->reuse_percent) * backends * one /
                         (uint64_t)kept;
        uses = exact < uses ? exact : uses;
    }
    uses = uses > one ? uses : one;
    return (uint16_t)((uses + (random >> 48)) / one);
}

int infra_balancer_probe_answer(struct infra_balancer_reader *reader,
                                const struct infra_balancer_probe *probe,
                                uint32_t in_flight, infra_time latency,
                                infra_time now)
{
    if (reader == NULL || probe == NULL || reader->policy.pick != pick) {
        return INFRA_EINVAL;
    }
    const struct table *table = table_of(reader);

    for (uint32_t l = 0; table != NULL && l < table->lists_count; l++) {
        const struct list *list = &table->lists[l];
        const struct entry *e = infra__list_find(list, probe->id);
        if (e == NULL || e->owner != probe->generation) {
            continue;
        }
        struct tier *t = tier_of(reader, list);
        uint64_t units = latency >> LATENCY_SHIFT;
        struct probe_answer answer = {
            .id = e->id,
            .owner = e->owner,
            .index = (uint32_t)(e - list->entries),
            .in_flight = in_flight,
            .latency = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX,
            .uses = uses_of(t, list->count,
                            infra__random(&reader->states[list->rank][1])),
        };
        infra__probe_pool_add(&t->pool, &answer, now);
        return INFRA_OK;
    }
    return INFRA_ESTALE;
}
