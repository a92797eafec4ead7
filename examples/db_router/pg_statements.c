/* SPDX-License-Identifier: MIT */
#include "pg_statements.h"

#include <infra/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 64u
#define NAMES_FIRST 8u
#define NAMES_MAX 65536u
#define SLOTS (PG_PREPARED_MAX * 2)

static uint64_t hash_of(const void *bytes, size_t size, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t h = 0xcbf29ce484222325u ^ seed;

    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; size > 0; size--) {
        h = (h ^ *p++) * 0x100000001b3u;
    }
    h ^= h >> 32;
    return h * 0xd6e8feb86659fd93u;
}

static bool grow(struct pg_statements *all)
{
    size_t room = all->room == 0 ? BUCKETS_FIRST : all->room * 2;
    struct pg_statement **buckets = calloc(room, sizeof(*buckets));

    if (buckets == NULL) {
        return all->room > 0;
    }
    for (size_t i = 0; i < all->room; i++) {
        while (all->buckets[i] != NULL) {
            struct pg_statement *s = all->buckets[i];
            struct pg_statement **to = &buckets[s->hash & (room - 1)];
            all->buckets[i] = s->next;
            s->next = *to;
            *to = s;
        }
    }
    free(all->buckets);
    all->buckets = buckets;
    all->room = room;
    return true;
}

struct pg_statement *pg_statement_get(struct pg_statements *all,
                                      const unsigned char *body, size_t size,
                                      uint32_t mode, bool *ret_is_new)
{
    uint64_t hash = hash_of(body, size, mode);

    *ret_is_new = false;
    if (all->count >= all->room && !grow(all)) {
        return NULL;
    }
    for (struct pg_statement *s = all->buckets[hash & (all->room - 1)];
         s != NULL; s = s->next) {
        if (s->hash == hash && s->size == size &&
            memcmp(s->body, body, size) == 0) {
            s->refs++;
            return s;
        }
    }
    struct pg_statement *s = calloc(1, sizeof *s + size);
    if (s == NULL) {
        return NULL;
    }
    s->hash = hash;
    s->id = ++all->last_id;
    s->refs = 1;
    s->size = size;
    memcpy(s->body, body, size);
    s->next = all->buckets[hash & (all->room - 1)];
    all->buckets[hash & (all->room - 1)] = s;
    all->count++;
    *ret_is_new = true;
    return s;
}

void pg_statement_release(struct pg_statements *all, struct pg_statement *s)
{
    if (s == NULL || --s->refs > 0) {
        return;
    }
    struct pg_statement **at = &all->buckets[s->hash & (all->room - 1)];
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    all->count--;
    free(s);
}

void pg_statements_free(struct pg_statements *all)
{
    for (size_t i = 0; i < all->room; i++) {
        while (all->buckets[i] != NULL) {
            struct pg_statement *s = all->buckets[i];
            all->buckets[i] = s->next;
            free(s);
        }
    }
    free(all->buckets);
}

void pg_statement_name(const struct pg_statement *s, char ret[PG_NAME_SIZE])
{
    (void)snprintf(ret, PG_NAME_SIZE, "infra_%llx", (unsigned long long)s->id);
}

/* The place of a name, or the free one where it would be. */
static uint32_t place(const struct pg_names *n, const char *name, size_t size)
{
    uint32_t i = (uint32_t)hash_of(name, size, 0) & (n->room - 1);

    while (n->at[i].name != NULL && (strncmp(n->at[i].name, name, size) != 0 ||
                                     n->at[i].name[size] != '\0')) {
        i = (i + 1) & (n->room - 1);
    }
    return i;
}

struct pg_statement *pg_names_find(const struct pg_names *n, const char *name,
                                   size_t size)
{
    return n->count == 0 ? NULL : n->at[place(n, name, size)].statement;
}

static bool grow_names(struct pg_names *n)
{
    struct pg_names more = { .room = n->room == 0 ? NAMES_FIRST : n->room * 2,
                             .count = n->count };

    if (more.room > NAMES_MAX) {
        return false;
    }
    more.at = calloc(more.room, sizeof *more.at);
    if (more.at == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < n->room; i++) {
        if (n->at[i].name != NULL) {
            more.at[place(&more, n->at[i].name, strlen(n->at[i].name))] =
                n->at[i];
        }
    }
    free(n->at);
    *n = more;
    return true;
}

bool pg_names_set(struct pg_statements *all, struct pg_names *n,
                  const char *name, size_t size, struct pg_statement *s)
{
    if (n->count * 2 >= n->room && !grow_names(n)) {
        pg_statement_release(all, s);
        return false;
    }
    struct pg_name *at = &n->at[place(n, name, size)];
    if (at->name == NULL) {
        at->name = strndup(name, size);
        if (at->name == NULL) {
            pg_statement_release(all, s);
            return false;
        }
        n->count++;
    }
    pg_statement_release(all, at->statement);
    at->statement = s;
    return true;
}

void pg_names_remove(struct pg_statements *all, struct pg_names *n,
                     const char *name, size_t size)
{
    uint32_t i = n->count == 0 ? 0 : place(n, name, size);

    if (n->count == 0 || n->at[i].name == NULL) {
        return;
    }
    pg_statement_release(all, n->at[i].statement);
    free(n->at[i].name);
    n->at[i] = (struct pg_name) { 0 };
    n->count--;
    /* Those behind it move to where they are found. */
    for (uint32_t k = (i + 1) & (n->room - 1); n->at[k].name != NULL;
         k = (k + 1) & (n->room - 1)) {
        struct pg_name moved = n->at[k];
        n->at[k] = (struct pg_name) { 0 };
        n->at[place(n, moved.name, strlen(moved.name))] = moved;
    }
}

void pg_names_clear(struct pg_statements *all, struct pg_names *n)
{
    for (uint32_t i = 0; i < n->room; i++) {
        if (n->at[i].name != NULL) {
            pg_statement_release(all, n->at[i].statement);
            free(n->at[i].name);
        }
    }
    free(n->at);
    *n = (struct pg_names) { 0 };
}

static uint32_t slot(const struct pg_prepared *p, uint64_t id)
{
    uint32_t i = (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32) & (SLOTS - 1);

    while (p->slots[i] != 0 && p->slots[i] != id) {
        i = (i + 1) & (SLOTS - 1);
    }
    return i;
}

bool pg_prepared_has(const struct pg_prepared *p, uint64_t id)
{
    return p->count > 0 && p->slots[slot(p, id)] == id;
}

static void forget(struct pg_prepared *p, uint64_t id)
{
    uint32_t i = slot(p, id);

    p->slots[i] = 0;
    for (uint32_t k = (i + 1) & (SLOTS - 1); p->slots[k] != 0;
         k = (k + 1) & (SLOTS - 1)) {
        uint64_t moved = p->slots[k];
        p->slots[k] = 0;
        p->slots[slot(p, moved)] = moved;
    }
}

void pg_prepared_remove(struct pg_prepared *p, uint64_t id)
{
    if (!pg_prepared_has(p, id)) {
        return;
    }
    forget(p, id);
    uint32_t i = 0;
    while (p->order[(p->first + i) % PG_PREPARED_MAX] != id) {
        i++;
    }
    for (; i + 1 < p->count; i++) {
        p->order[(p->first + i) % PG_PREPARED_MAX] =
            p->order[(p->first + i + 1) % PG_PREPARED_MAX];
    }
    p->count--;
}

bool pg_prepared_add(struct pg_prepared *p, uint64_t id, uint64_t *ret_closed)
{
    *ret_closed = 0;
    if (p->slots == NULL) {
        p->slots = calloc(SLOTS + PG_PREPARED_MAX, sizeof *p->slots);
        if (p->slots == NULL) {
            return false;
        }
        p->order = p->slots + SLOTS;
    }
    if (p->count == PG_PREPARED_MAX) {
        *ret_closed = p->order[p->first];
        forget(p, *ret_closed);
        p->first = (p->first + 1) % PG_PREPARED_MAX;
        p->count--;
    }
    p->slots[slot(p, id)] = id;
    p->order[(p->first + p->count) % PG_PREPARED_MAX] = id;
    p->count++;
    return true;
}

void pg_prepared_clear(struct pg_prepared *p)
{
    free(p->slots);
    *p = (struct pg_prepared) { 0 };
}
