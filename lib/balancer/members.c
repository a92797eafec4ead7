/* SPDX-License-Identifier: MIT */
/* Who the backends are: one at a time, or as a whole list. What is asked for is
 * looked at first, then memory is taken, then it is done, so that a call that
 * fails has changed nothing. A list costs O(ids_max + its length). */
#include "internal.h"
#include "key_index.h"
#include "shared_slots.h"
#include "subset.h"

#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_backend, in_flight_max);

bool infra__key_ok(const char *key)
{
    return key != NULL && key[0] != '\0' &&
           strnlen(key, INFRA_BALANCER_KEY_MAX + 1) <= INFRA_BALANCER_KEY_MAX;
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

/* Import and look at what is asked for. *@ret_copy says whether the id needs a
 * copy of the key, because it has another. */
static int examine(struct infra_balancer *b,
                   const struct infra_backend *backend,
                   struct infra_backend *ret, bool *ret_copy)
{
    *ret = (struct infra_backend) { 0 };
    int err = infra__options_import(ret, sizeof *ret, backend,
                                    sizeof(struct infra_backend));
    if (err != INFRA_OK) {
        return err;
    }
    if (ret->id >= b->ids_max || !infra__key_ok(ret->key) ||
        ret->weight > INFRA_BALANCER_WEIGHT_MAX ||
        ret->tier >= INFRA_BALANCER_TIERS_MAX) {
        return INFRA_EINVAL;
    }
    const struct member *m = &b->members[ret->id];
    *ret_copy = m->key == NULL || strcmp(m->key, ret->key) != 0;
    return *ret_copy && m->key != NULL && infra__member_is_busy(b, ret->id)
               ? INFRA_EBUSY
               : INFRA_OK;
}

static char *copy_key(const struct infra_balancer *b, const char *key)
{
    size_t size = strlen(key) + 1;
    char *copy = infra__alloc(&b->allocator, size, 1);

    return copy != NULL ? memcpy(copy, key, size) : NULL;
}

static void free_key(const struct infra_balancer *b, char *key)
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
    for (uint32_t id = 0; b->leaving_count > 0 && id < b->ids_max; id++) {
        if (b->members[id].is_leaving && !infra__member_is_busy(b, id)) {
            leave(b, id);
        }
    }
}

/* Before a backend is added: have its slot among workers. *@ret_claimed says
 * whether it has just become ours. INFRA_EBUSY. */
static int claim(struct infra_balancer *b, uint32_t id, const char *key,
                 bool *ret_claimed)
{
    const struct member *m = &b->members[id];
    bool is_other = m->key == NULL || strcmp(m->key, key) != 0;

    *ret_claimed = false;
    if (m->present && !is_other) {
        return INFRA_OK;
    }
    if (is_other) {
        leave(b, id); /* The former one, which is no longer busy. */
    } else if (m->is_leaving) {
        return INFRA_OK; /* It comes back before it was gone. */
    }
    int err = infra__shared_claim(b, id, key);
    *ret_claimed = err == INFRA_OK;
    return err;
}

/* Give the id to another key, which is the balancer's now: counters begin at
 * zero. */
static void take_id(struct infra_balancer *b, uint32_t id, char *key)
{
    struct member *m = &b->members[id];
    struct counts former = infra__balancer_counts(b, id);
    struct counts *base = infra__balancer_base(b, id);

    free_key(b, m->key);
    if (b->ledger == NULL) {
        /* Relaxed: nobody uses the id. */
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

/* @copy: the key, if the id needs it. */
static void apply(struct infra_balancer *b, const struct infra_backend *o,
                  char *copy)
{
    struct member *m = &b->members[o->id];
    uint32_t weight = o->weight != 0 ? o->weight : 1;

    if (copy != NULL) {
        take_id(b, o->id, copy);
    }
    if (!m->present) {
        memset(m->marks, INFRA_BALANCER_STATE_UP, sizeof m->marks);
        m->share = 0;
        infra__key_index_add(b, o->id);
        b->marks_seen = MARKS_UNSEEN; /* Unless other workers know better. */
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
    struct infra_backend o;
    char *copy = NULL;
    bool needs_copy;

    (void)now;
    if (balancer == NULL || backend == NULL) {
        return INFRA_EINVAL;
    }
    int err = examine(balancer, backend, &o, &needs_copy);
    if (err != INFRA_OK) {
        return err;
    }
    uint32_t holder = infra__key_index_find(balancer, o.key);
    if (holder != NO_INDEX && holder != o.id) {
        return INFRA_EEXIST;
    }
    if (needs_copy) {
        copy = copy_key(balancer, o.key);
        if (copy == NULL) {
            return INFRA_ENOMEM;
        }
    }
    bool is_claimed;
    err = claim(balancer, o.id, o.key, &is_claimed);
    if (err != INFRA_OK) {
        free_key(balancer, copy);
        return err;
    }
    apply(balancer, &o, copy);
    return INFRA_OK;
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
    if (balancer == NULL || id >= balancer->ids_max) {
        return INFRA_EINVAL;
    }
    if (!balancer->members[id].present) {
        return INFRA_ENOENT;
    }
    drop(balancer, id);
    return INFRA_OK;
}

/* One of a list, whose elements have the size that the host's struct has. */
static const struct infra_backend *element(const struct infra_backend *list,
                                           uint32_t i)
{
    const unsigned char *bytes = (const unsigned char *)list;

    return (const void *)(bytes + i * list->size);
}

/* Look at all, and note their ids in @named. */
static int examine_all(struct infra_balancer *b,
                       const struct infra_backend *list, uint32_t count,
                       struct infra_set *named)
{
    for (uint32_t i = 0; i < count; i++) {
        struct infra_backend o;
        bool needs_copy;
        if (element(list, i)->size != list->size) {
            return INFRA_EINVAL;
        }
        int err = examine(b, element(list, i), &o, &needs_copy);
        if (err != INFRA_OK) {
            return err;
        }
        if (infra_set_has(named, o.id)) {
            return INFRA_EINVAL;
        }
        infra_set_add(named, o.id);
    }
    return INFRA_OK;
}

/* Is no key there twice? @links is zeroed, two for each of the list: heads of
 * chains by hash, then the next of each, one more than its place. */
static int compare_all(const struct infra_balancer *b,
                       const struct infra_backend *list, uint32_t count,
                       uint32_t *links)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *key = element(list, i)->key;
        uint32_t *head =
            &links[infra_xxhash64(key, strlen(key), b->seed) % count];
        for (uint32_t at = *head; at != 0; at = links[count + at - 1]) {
            if (strcmp(element(list, at - 1)->key, key) == 0) {
                return INFRA_EEXIST;
            }
        }
        links[count + i] = *head;
        *head = i + 1;
    }
    return INFRA_OK;
}

/* Look at all, each and together. */
static int check_list(struct infra_balancer *b,
                      const struct infra_backend *list, uint32_t count,
                      struct infra_set *named)
{
    int err = examine_all(b, list, count, named);

    if (err != INFRA_OK || count == 0) {
        return err;
    }
    uint32_t *links =
        infra__alloc(&b->allocator, 2 * (size_t)count, sizeof *links);
    err = links != NULL ? compare_all(b, list, count, links) : INFRA_ENOMEM;
    infra__free(&b->allocator, links, 2 * (size_t)count, sizeof *links);
    return err;
}

static void free_keys(struct infra_balancer *b, char *const *copies,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free_key(b, copies[i]);
    }
}

/* Copy the keys that will be needed; the others stay NULL. */
static int copy_keys(struct infra_balancer *b, const struct infra_backend *list,
                     uint32_t count, char **copies)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct infra_backend *o = element(list, i);
        const char *key = b->members[o->id].key;
        if (key != NULL && strcmp(key, o->key) == 0) {
            continue;
        }
        copies[i] = copy_key(b, o->key);
        if (copies[i] == NULL) {
            free_keys(b, copies, i);
            return INFRA_ENOMEM;
        }
    }
    return INFRA_OK;
}

/* All or none. @claimed is empty at first, and has ids of a part of the
 * list. */
static int claim_all(struct infra_balancer *b, const struct infra_backend *list,
                     uint32_t count, struct infra_set *claimed)
{
    int err = INFRA_OK;

    for (uint32_t i = 0; i < count && err == INFRA_OK; i++) {
        const struct infra_backend *o = element(list, i);
        bool is_claimed;
        err = claim(b, o->id, o->key, &is_claimed);
        if (is_claimed) {
            infra_set_add(claimed, o->id);
        }
    }
    for (uint32_t id = 0; id < b->ids_max && err != INFRA_OK; id++) {
        if (infra_set_has(claimed, id)) {
            infra__shared_leave(b, id);
        }
    }
    return err;
}

static void apply_all(struct infra_balancer *b,
                      const struct infra_backend *list, uint32_t count,
                      char *const *copies, const struct infra_set *named)
{
    for (uint32_t id = 0; id < b->ids_max; id++) {
        if (b->members[id].present && !infra_set_has(named, id)) {
            drop(b, id);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct infra_backend o = { 0 };
        (void)infra__options_import(&o, sizeof o, element(list, i), sizeof o);
        apply(b, &o, copies[i]);
    }
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
    /* One more, so that none is no special case. */
    size_t copies_count = (size_t)count + 1;
    size_t words_count = INFRA_SET_WORDS(b->ids_max);
    char **copies = infra__alloc(&b->allocator, copies_count, sizeof *copies);
    uint64_t *words =
        infra__alloc(&b->allocator, 2 * words_count, sizeof(uint64_t));
    int err = copies != NULL && words != NULL ? INFRA_OK : INFRA_ENOMEM;
    struct infra_set named = { .words = words, .ids_max = b->ids_max };
    struct infra_set claimed = named;

    if (err == INFRA_OK) {
        err = check_list(b, backends, count, &named);
    }
    if (err == INFRA_OK) {
        err = copy_keys(b, backends, count, copies);
    }
    if (err == INFRA_OK) {
        claimed.words = words + words_count;
        err = claim_all(b, backends, count, &claimed);
        if (err != INFRA_OK) {
            free_keys(b, copies, count);
        }
    }
    if (err == INFRA_OK) {
        apply_all(b, backends, count, copies, &named);
    }
    infra__free(&b->allocator, words, 2 * words_count, sizeof(uint64_t));
    infra__free(&b->allocator, copies, copies_count, sizeof *copies);
    return err;
}
