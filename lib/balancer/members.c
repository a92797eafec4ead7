/* SPDX-License-Identifier: MIT */
/* Membership: one backend, or a whole list. A call checks its arguments first,
 * then takes memory, then acts, so that a failed call has changed nothing. A
 * list costs O(ids_max + its length). */
#include "internal.h"
#include "key_index.h"
#include "shared_slots.h"
#include "subset.h"

#include "../base/characters.h"

#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_backend, in_flight_max);

/* A backend to be added or changed. */
struct change {
    struct infra_backend o;
    char *key;       /* A copy, if the id has another key; else NULL. */
    uint32_t head;   /* Of a chain of keys by hash, and ... */
    uint32_t next;   /* ... the next in it; both one more than an index. */
    bool is_other;   /* The id has another key, or had none. */
    bool is_claimed; /* The slot among workers has just become ours. */
};

bool infra__key_ok(const char *key)
{
    return infra__text_fits(key, 1, INFRA_BALANCER_KEY_MAX);
}

bool infra__member_is_busy(struct infra_balancer *b, uint32_t id)
{
    const struct member *m = &b->members[id];

    if (m->present || m->absent_since == EDITION_PENDING) {
        return true;
    }
    for (struct infra_balancer_reader *r = b->readers; r != NULL; r = r->next) {
        if (infra__inbox_settle(&r->inbox, infra__table_free, b) <
            m->absent_since) {
            return true;
        }
    }
    struct counts counts = infra__balancer_counts(b, id);
    return counts.picks != counts.releases;
}

/* Import a backend and check it by itself. */
static int examine(struct infra_balancer *b,
                   const struct infra_backend *backend, struct change *ret)
{
    struct infra_backend *o = &ret->o;

    *ret = (struct change) { .o = { .size = sizeof *o } };
    int err = infra__options_take(o, backend, NULL);
    if (err != INFRA_OK) {
        return err;
    }
    if (o->id >= b->options.ids_max || !infra__key_ok(o->key) ||
        o->weight > INFRA_BALANCER_WEIGHT_MAX ||
        o->tier >= INFRA_BALANCER_TIERS_MAX) {
        return INFRA_EINVAL;
    }
    const struct member *m = &b->members[o->id];
    ret->is_other = m->key == NULL || strcmp(m->key, o->key) != 0;
    return ret->is_other && m->key != NULL && infra__member_is_busy(b, o->id)
               ? INFRA_EBUSY
               : INFRA_OK;
}

void infra__key_free(const struct infra_balancer *b, char *key)
{
    if (key != NULL) {
        infra__free(&b->allocator, key, strlen(key) + 1, 1);
    }
}

static void leave(struct infra_balancer *b, uint32_t id)
{
    if (b->members[id].is_leaving) {
        b->members[id].is_leaving = 0;
        b->leaving_count--;
        infra__shared_leave(b, id);
    }
}

void infra__members_leave(struct infra_balancer *b)
{
    for (uint32_t id = 0; b->leaving_count > 0 && id < b->options.ids_max;
         id++) {
        if (b->members[id].is_leaving && !infra__member_is_busy(b, id)) {
            leave(b, id);
        }
    }
}

/* Take the id's slot among workers. INFRA_EBUSY. */
static int claim(struct infra_balancer *b, struct change *change)
{
    const struct member *m = &b->members[change->o.id];

    if (!change->is_other && (m->present || m->is_leaving)) {
        return INFRA_OK; /* If it is leaving it returns before it has left. */
    }
    if (change->is_other) {
        leave(b, change->o.id); /* The former owner, no longer busy. */
    }
    int err = infra__shared_claim(b, change->o.id, change->o.key);
    change->is_claimed = err == INFRA_OK;
    return err;
}

/* Get ready: copy the keys that are needed and claim the slots, all or none. */
static int prepare(struct infra_balancer *b, struct change *changes,
                   uint32_t count)
{
    int err = INFRA_OK;

    for (uint32_t i = 0; i < count && err == INFRA_OK; i++) {
        size_t size = strlen(changes[i].o.key) + 1;
        if (changes[i].is_other) {
            changes[i].key = infra__alloc(&b->allocator, size, 1);
            err = changes[i].key != NULL ? INFRA_OK : INFRA_ENOMEM;
        }
        if (changes[i].key != NULL) {
            memcpy(changes[i].key, changes[i].o.key, size);
        }
    }
    for (uint32_t i = 0; i < count && err == INFRA_OK; i++) {
        err = claim(b, &changes[i]);
    }
    for (uint32_t i = 0; i < count && err != INFRA_OK; i++) {
        infra__key_free(b, changes[i].key);
        if (changes[i].is_claimed) {
            infra__shared_leave(b, changes[i].o.id);
        }
    }
    return err;
}

/* Give the id to another key, which the balancer owns now: counters begin at
 * zero. */
static void take_id(struct infra_balancer *b, uint32_t id, char *key)
{
    struct member *m = &b->members[id];
    struct counts former = infra__balancer_counts(b, id);
    struct counts *base = infra__balancer_base(b, id);

    infra__key_free(b, m->key);
    if (b->ledger == NULL) {
        /* Relaxed: the id is unused. */
        atomic_store_explicit(&b->slots[id].latency, 0, memory_order_relaxed);
        atomic_store_explicit(&b->slots[id].penalty, 0, memory_order_relaxed);
    }
    base->picks -= former.picks;
    base->releases -= former.releases;
    base->failures -= former.failures;
    base->reports -= former.reports;
    base->latency_sum -= former.latency_sum;
    *m = (struct member) { .key = key, .owner = (uint16_t)(m->owner + 1) };
    infra__subset_know(b, id, key);
}

static void apply(struct infra_balancer *b, const struct change *change)
{
    const struct infra_backend *o = &change->o;
    struct member *m = &b->members[o->id];
    uint32_t weight = o->weight != 0 ? o->weight : 1;

    if (change->key != NULL) {
        take_id(b, o->id, change->key);
    }
    if (!m->present) {
        memset(m->marks, INFRA_BALANCER_STATE_UP, sizeof m->marks);
        m->share = 0;
        infra__key_index_add(b, o->id);
        b->marks_seen = MARKS_UNSEEN; /* Adopt the marks of other workers. */
        if (m->is_leaving) {
            infra__shared_return(b, o->id);
        }
        b->leaving_count -= m->is_leaving;
        m->is_leaving = 0;
        m->present = 1;
        b->dirty = true;
    }
    b->dirty |= m->weight != weight || m->tier != o->tier ||
                m->in_flight_max != o->in_flight_max;
    m->weight = (uint16_t)weight;
    m->tier = (uint8_t)o->tier;
    m->in_flight_max = o->in_flight_max;
}

int infra_balancer_set(struct infra_balancer *balancer,
                       const struct infra_backend *backend, infra_time now)
{
    struct change change;

    (void)now;
    if (balancer == NULL || backend == NULL) {
        return INFRA_EINVAL;
    }
    int err = examine(balancer, backend, &change);
    if (err != INFRA_OK) {
        return err;
    }
    uint32_t holder = infra__key_index_find(balancer, change.o.key);
    if (holder != NO_INDEX && holder != change.o.id) {
        return INFRA_EEXIST;
    }
    err = prepare(balancer, &change, 1);
    if (err == INFRA_OK) {
        apply(balancer, &change);
    }
    return err;
}

static void drop(struct infra_balancer *b, uint32_t id)
{
    infra__key_index_remove(b, id);
    b->members[id].present = 0;
    b->members[id].absent_since = EDITION_PENDING;
    b->members[id].is_leaving = b->ledger != NULL;
    b->leaving_count += b->members[id].is_leaving;
    infra__shared_remove(b, id);
    b->dirty = true;
}

int infra_balancer_remove(struct infra_balancer *balancer, uint32_t id)
{
    if (balancer == NULL || id >= balancer->options.ids_max) {
        return INFRA_EINVAL;
    }
    if (!balancer->members[id].present) {
        return INFRA_ENOENT;
    }
    drop(balancer, id);
    return INFRA_OK;
}

/* Is the key at @index new in the chain of its hash? Then it joins. */
static int note_key(const struct infra_balancer *b, struct change *changes,
                    uint32_t count, uint32_t index)
{
    const char *key = changes[index].o.key;
    uint64_t hash = infra_xxhash64(key, strlen(key), b->options.seed);
    uint32_t *head = &changes[hash % count].head;

    for (uint32_t at = *head; at != 0; at = changes[at - 1].next) {
        if (strcmp(changes[at - 1].o.key, key) == 0) {
            return INFRA_EEXIST;
        }
    }
    changes[index].next = *head;
    *head = index + 1;
    return INFRA_OK;
}

/* Import and check all, each alone and all together; note their ids in @named.
 * The elements of @list have the size of the host's struct. */
static int examine_all(struct infra_balancer *b,
                       const struct infra_backend *list, uint32_t count,
                       struct change *changes, struct infra_set *named)
{
    const unsigned char *bytes = (const unsigned char *)list;
    int err = INFRA_OK;

    for (uint32_t i = 0; i < count && err == INFRA_OK; i++) {
        const struct infra_backend *o = (const void *)(bytes + i * list->size);
        err = o->size == list->size ? examine(b, o, &changes[i]) : INFRA_EINVAL;
        if (err == INFRA_OK && infra_set_has(named, changes[i].o.id)) {
            err = INFRA_EINVAL;
        }
        if (err == INFRA_OK) {
            infra_set_add(named, changes[i].o.id);
        }
    }
    for (uint32_t i = 0; i < count && err == INFRA_OK; i++) {
        err = note_key(b, changes, count, i);
    }
    return err;
}

int infra_balancer_sync(struct infra_balancer *balancer,
                        const struct infra_backend *backends, uint32_t count,
                        infra_time now)
{
    struct infra_balancer *b = balancer;

    (void)now;
    if (b == NULL || (backends == NULL && count > 0)) {
        return INFRA_EINVAL;
    }
    /* One more, so that an empty list is no special case. */
    size_t changes_count = (size_t)count + 1;
    size_t words_count = INFRA_SET_WORDS(b->options.ids_max);
    struct change *changes =
        infra__alloc(&b->allocator, changes_count, sizeof *changes);
    uint64_t *words = infra__alloc(&b->allocator, words_count, sizeof *words);
    struct infra_set named = { .words = words, .ids_max = b->options.ids_max };
    int err = changes != NULL && words != NULL
                  ? examine_all(b, backends, count, changes, &named)
                  : INFRA_ENOMEM;

    if (err == INFRA_OK) {
        err = prepare(b, changes, count);
    }
    for (uint32_t id = 0; id < b->options.ids_max && err == INFRA_OK; id++) {
        if (b->members[id].present && !infra_set_has(&named, id)) {
            drop(b, id);
        }
    }
    for (uint32_t i = 0; i < count && err == INFRA_OK; i++) {
        apply(b, &changes[i]);
    }
    infra__free(&b->allocator, words, words_count, sizeof *words);
    infra__free(&b->allocator, changes, changes_count, sizeof *changes);
    return err;
}
