/* SPDX-License-Identifier: MIT */
#include "maglev_table.h"

#include "../../base/sort.h"

#include <infra/base.h>
#include <string.h>

/* Walkers are checked by block; if one member outweighs the others, most blocks
 * have none that is due. */
#define BLOCK 64u
#define GROUP 64u /* And blocks by group. */

/* The heaviest member takes a slot in each. */
#define TURNS_MAX INFRA__MAGLEV_SIZE_MAX

/* A member on its walk through its permutation. */
struct walker {
    uint32_t slot; /* The next on the walk. */
    uint32_t step;
    uint32_t index;
    uint32_t due; /* The turn of its next slot. */
};

/* Decides when a walker is due. */
struct pace {
    double share;  /* Of all weight. */
    double target; /* It is due when turn * share reaches this. */
};

struct name {
    const char *key;
    uint32_t index;
    uint32_t reserved;
};

/* A table in the making; all but itself is in the scratch memory. */
struct work {
    uint32_t size;
    uint32_t count;
    double greatest;    /* Share. */
    uint64_t *taken;    /* A bit for each slot. */
    struct pace *paces; /* In the order of walkers. */
    struct name *names;
    struct walker *walkers; /* In the order of keys. */
    uint32_t *blocks_due;   /* The minimum of a block. */
    uint32_t *groups_due;   /* The minimum of a group of blocks. */
    uint32_t *free_slots;   /* The last free ones: see take_last(). */
    uint32_t free_count;    /* 0: they are not collected yet. */
    uint32_t reserved;
};

/* The taken slots are bits of their own, 8 KiB for 65537 slots: most steps only
 * look, and this fits the first-level cache where the table does not. */
static size_t taken_words(uint32_t size)
{
    return (size + 63u) / 64u;
}

bool infra__maglev_size_ok(uint32_t size)
{
    if (size < 2 || size > INFRA__MAGLEV_SIZE_MAX) {
        return false;
    }
    for (uint32_t d = 2; d * d <= size; d++) {
        if (size % d == 0) {
            return false;
        }
    }
    return true;
}

static uint32_t blocks_count(uint32_t count)
{
    return (count + BLOCK - 1) / BLOCK;
}

static uint32_t groups_count(uint32_t count)
{
    return (blocks_count(count) + GROUP - 1) / GROUP;
}

/* With this few slots left, is it faster to look at each of them? */
static bool are_few(uint32_t left, uint32_t size)
{
    return (uint64_t)left * left <= size / 8;
}

static uint32_t few_max(uint32_t size)
{
    uint32_t few = 0;

    while (are_few(few + 1, size)) {
        few++;
    }
    return few;
}

size_t infra__maglev_scratch_size(uint32_t count, uint32_t size)
{
    return taken_words(size) * sizeof(uint64_t) +
           count * (sizeof(struct pace) + sizeof(struct name) +
                    sizeof(struct walker)) +
           (blocks_count(count) + groups_count(count) + few_max(size)) *
               sizeof(uint32_t);
}

static struct work lay_out(uint32_t size, uint32_t count, void *scratch)
{
    struct work work = { .size = size, .count = count, .taken = scratch };

    work.paces = (struct pace *)(work.taken + taken_words(size));
    work.names = (struct name *)(work.paces + count);
    work.walkers = (struct walker *)(work.names + count);
    work.blocks_due = (uint32_t *)(work.walkers + count);
    work.groups_due = work.blocks_due + blocks_count(count);
    work.free_slots = work.groups_due + groups_count(count);
    return work;
}

/* Equal keys: the first member. */
static int compare(const void *a, const void *b)
{
    const struct name *v = a;
    const struct name *w = b;
    int order = strcmp(v->key, w->key);

    if (order != 0) {
        return order;
    }
    return v->index < w->index ? -1 : 1;
}

/* Walkers in the order of keys, all due at once. */
static void line_up(struct work *work, const struct infra__hash_member *members)
{
    double total = (double)infra__hash_weight_total(members, work->count);

    for (uint32_t i = 0; i < work->count; i++) {
        work->names[i] = (struct name) { members[i].key, i, 0 };
    }
    infra__sort(work->names, work->count, sizeof *work->names, compare);
    for (uint32_t i = 0; i < work->count; i++) {
        const char *key = work->names[i].key;
        uint32_t index = work->names[i].index;
        size_t key_size = strlen(key);
        uint64_t offset = infra_xxhash64(key, key_size, 0);
        uint64_t skip = infra_xxhash64(key, key_size, 1);
        double share = (double)members[index].weight / total;
        work->walkers[i] = (struct walker) {
            .slot = (uint32_t)(offset % work->size),
            .step = (uint32_t)(skip % (work->size - 1)) + 1,
            .index = index,
        };
        work->paces[i] = (struct pace) { .share = share };
        work->greatest = share > work->greatest ? share : work->greatest;
    }
    memset(work->blocks_due, 0,
           (blocks_count(work->count) + groups_count(work->count)) *
               sizeof *work->blocks_due);
}

/* Both are below @size, and their sum fits. */
static uint32_t add(uint32_t slot, uint32_t step, uint32_t size)
{
    uint32_t sum = slot + step;

    return sum < size ? sum : sum - size;
}

static uint32_t is_free(const uint64_t *taken, uint32_t slot)
{
    return (uint32_t)(~taken[slot >> 6] >> (slot & 63) & 1);
}

/* The next free slot of @w's permutation. Most of a build's time is spent here:
 * four steps are checked together, since a processor cannot predict where a
 * walk ends. */
static uint32_t take(struct work *work, const struct walker *w)
{
    const uint32_t size = work->size;
    const uint32_t two_steps = add(w->step, w->step, size);
    const uint32_t four_steps = add(two_steps, two_steps, size);
    uint64_t *taken = work->taken;
    uint32_t a = w->slot;
    uint32_t b = add(a, w->step, size);
    uint32_t c = add(a, two_steps, size);
    uint32_t d = add(b, two_steps, size);
    uint32_t found;

    for (;;) {
        found = is_free(taken, a) | is_free(taken, b) << 1 |
                is_free(taken, c) << 2 | is_free(taken, d) << 3;
        if (found != 0) {
            break;
        }
        a = add(a, four_steps, size);
        b = add(b, four_steps, size);
        c = add(c, four_steps, size);
        d = add(d, four_steps, size);
    }
    const uint32_t slots[4] = { a, b, c, d };
    uint32_t slot = slots[__builtin_ctz(found)];
    taken[slot >> 6] |= (uint64_t)1 << (slot & 63);
    return slot;
}

/* The inverse of @step modulo the prime @size, by Euclid's algorithm. */
static uint32_t inverse(uint32_t step, uint32_t size)
{
    int64_t before = 0;
    int64_t now = 1;
    uint32_t a = size;
    uint32_t b = step;

    while (b > 1) {
        uint32_t quotient = a / b;
        uint32_t rest = a % b;
        int64_t then = before - quotient * now;
        a = b;
        b = rest;
        before = now;
        now = then;
    }
    return (uint32_t)(now < 0 ? now + size : now);
}

static void collect_free(struct work *work)
{
    for (uint32_t slot = 0; slot < work->size; slot++) {
        if ((work->taken[slot >> 6] >> (slot & 63) & 1) == 0) {
            work->free_slots[work->free_count++] = slot;
        }
    }
}

/* The same with few free slots, of which a walk would meet one in size / few
 * steps: compute the distance of each and take the nearest. That saves about
 * half of all steps of a build. */
static uint32_t take_last(struct work *work, const struct walker *w)
{
    uint32_t *slots = work->free_slots;
    uint64_t steps = inverse(w->step, work->size);
    uint64_t nearest = UINT64_MAX;
    uint32_t at = 0;

    for (uint32_t i = 0; i < work->free_count; i++) {
        uint64_t ahead = slots[i] < w->slot
                             ? (uint64_t)slots[i] + work->size - w->slot
                             : slots[i] - w->slot;
        uint64_t distance = ahead * steps % work->size;
        if (distance < nearest) {
            nearest = distance;
            at = i;
        }
    }
    uint32_t slot = slots[at];
    slots[at] = slots[--work->free_count];
    return slot;
}

/* Is its share due in this turn? In double, as in Envoy, whose rounding decides
 * ties. */
static bool is_due(const struct pace *pace, uint32_t turn)
{
    return (double)turn * pace->share >= pace->target;
}

/* The next turn in which a walker is due that has just taken a slot. */
static uint32_t next_due(struct pace *pace, double greatest, uint32_t turn)
{
    pace->target += greatest;
    if (is_due(pace, turn + 1)) {
        return turn + 1;
    }
    double turns = pace->target / pace->share;
    if (turns > TURNS_MAX) {
        return UINT32_MAX;
    }
    uint32_t next = (uint32_t)turns;
    while (!is_due(pace, next)) {
        next++;
    }
    return next;
}

/* Let the due walkers of a block take a slot each. Returns the number of free
 * slots left. */
static uint32_t take_turns(struct work *work, uint16_t *table, uint32_t block,
                           uint32_t turn, uint32_t left)
{
    uint32_t end = (block + 1) * BLOCK;
    uint32_t first = UINT32_MAX;

    end = end < work->count ? end : work->count;
    for (uint32_t i = block * BLOCK; i < end && left > 0; i++) {
        struct walker *w = &work->walkers[i];
        if (w->due <= turn) {
            if (work->free_count == 0 && are_few(left, work->size)) {
                collect_free(work);
            }
            uint32_t slot =
                work->free_count > 0 ? take_last(work, w) : take(work, w);
            table[slot] = (uint16_t)w->index;
            w->slot = add(slot, w->step, work->size);
            w->due = next_due(&work->paces[i], work->greatest, turn);
            left--;
        }
        first = w->due < first ? w->due : first;
    }
    work->blocks_due[block] = first;
    return left;
}

/* The same for a group of blocks. */
static uint32_t group_takes_turns(struct work *work, uint16_t *table,
                                  uint32_t group, uint32_t turn, uint32_t left)
{
    uint32_t end = (group + 1) * GROUP;
    uint32_t first = UINT32_MAX;

    end = end < blocks_count(work->count) ? end : blocks_count(work->count);
    for (uint32_t b = group * GROUP; b < end && left > 0; b++) {
        if (work->blocks_due[b] <= turn) {
            left = take_turns(work, table, b, turn, left);
        }
        first = work->blocks_due[b] < first ? work->blocks_due[b] : first;
    }
    work->groups_due[group] = first;
    return left;
}

void infra__maglev_build(uint16_t *table, uint32_t size,
                         const struct infra__hash_member *members,
                         uint32_t count, void *scratch)
{
    struct work work = lay_out(size, count, scratch);
    uint32_t left = count > 0 ? size : 0;

    memset(table, 0xff, size * sizeof *table);
    memset(work.taken, 0, taken_words(size) * sizeof *work.taken);
    line_up(&work, members);
    for (uint32_t turn = 1; left > 0; turn++) {
        for (uint32_t g = 0; g < groups_count(count); g++) {
            if (work.groups_due[g] <= turn) {
                left = group_takes_turns(&work, table, g, turn, left);
            }
        }
    }
}
