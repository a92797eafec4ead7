/* SPDX-License-Identifier: MIT */
#include "mysql_statements.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 8u
#define PIECES_FIRST 4096u

/* In a COM_STMT_EXECUTE: command, id, flags, count of iterations. */
#define EXECUTE_ID 1u
#define EXECUTE_FLAGS 5u
#define EXECUTE_PARAMS 10u

/* FNV-1a, 64 bits. Equal hashes are compared. */
static uint64_t hash_of(const char *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    }
    return hash;
}

static bool key_set(struct mysql_key *key, const char *schema,
                    size_t schema_size, const void *text, size_t size)
{
    key->text_at = schema_size + 1;
    key->size = key->text_at + size;
    key->bytes = malloc(key->size);
    if (key->bytes == NULL) {
        return false;
    }
    if (schema_size > 0) {
        memcpy(key->bytes, schema, schema_size);
    }
    key->bytes[schema_size] = '\0';
    if (size > 0) {
        memcpy(key->bytes + key->text_at, text, size);
    }
    key->hash = hash_of(key->bytes, key->size);
    return true;
}

static bool key_is(const struct mysql_key *a, const struct mysql_key *b)
{
    return a->hash == b->hash && a->size == b->size &&
           a->text_at == b->text_at && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* A free slot; slots_count: out of memory. */
static uint32_t free_slot(struct mysql_statements *s)
{
    if (s->count < s->slots_count) {
        /* Ids are used in turn, so that an old one is not soon another. */
        for (uint32_t i = 0; i < s->slots_count; i++) {
            uint32_t slot = (s->last_id + i) % s->slots_count;
            if (s->slots[slot] == NULL) {
                return slot;
            }
        }
    }
    uint32_t count = s->slots_count > 0 ? s->slots_count * 2 : SLOTS_FIRST;
    struct mysql_statement **slots =
        realloc(s->slots, count * sizeof(struct mysql_statement *));
    if (slots == NULL) {
        return s->slots_count;
    }
    uint32_t slot = s->slots_count;
    for (uint32_t i = slot; i < count; i++) {
        slots[i] = NULL;
    }
    s->slots = slots;
    s->slots_count = count;
    return slot;
}

struct mysql_statement *mysql_statement_add(struct mysql_statements *s,
                                            const char *schema,
                                            size_t schema_size,
                                            const void *text, size_t size)
{
    struct mysql_statement *st = calloc(1, sizeof *st);
    uint32_t slot;

    if (st == NULL || s->count >= MYSQL_STATEMENTS_MAX ||
        !key_set(&st->key, schema, schema_size, text, size) ||
        (slot = free_slot(s)) == s->slots_count) {
        if (st != NULL) {
            free(st->key.bytes);
        }
        free(st);
        return NULL;
    }
    st->id = slot + 1;
    s->slots[slot] = st;
    s->last_id = st->id;
    s->count++;
    return st;
}

struct mysql_statement *mysql_statement_find(const struct mysql_statements *s,
                                             uint32_t id)
{
    if (id == MYSQL_LAST_STATEMENT) {
        id = s->last_id;
    }
    return id >= 1 && id <= s->slots_count ? s->slots[id - 1] : NULL;
}

bool mysql_statement_set_params(struct mysql_statement *st, uint16_t count)
{
    st->params_count = count;
    if (count > 0) {
        st->types = calloc(count, 2);
    }
    return count == 0 || st->types != NULL;
}

static void statement_free(struct mysql_statement *st)
{
    if (st != NULL) {
        free(st->key.bytes);
        free(st->types);
        free(st->pieces);
        free(st);
    }
}

void mysql_statement_remove(struct mysql_statements *s, uint32_t id)
{
    struct mysql_statement *st = mysql_statement_find(s, id);

    if (st != NULL) {
        s->slots[st->id - 1] = NULL;
        s->count--;
        statement_free(st);
    }
}

void mysql_statements_finish(struct mysql_statements *s)
{
    for (uint32_t i = 0; i < s->slots_count; i++) {
        statement_free(s->slots[i]);
    }
    free(s->slots);
    *s = (struct mysql_statements) { 0 };
}

bool mysql_statement_keep(struct mysql_statement *st, const void *packet,
                          size_t size, size_t size_max)
{
    if (st->is_executed) {
        mysql_statement_reset(st);
    }
    if (size > size_max || st->pieces_size > size_max - size) {
        return false;
    }
    if (size > st->pieces_room - st->pieces_size) {
        size_t room = st->pieces_room > 0 ? st->pieces_room : PIECES_FIRST;
        while (room - st->pieces_size < size) {
            room *= 2;
        }
        unsigned char *pieces = realloc(st->pieces, room);
        if (pieces == NULL) {
            return false;
        }
        st->pieces = pieces;
        st->pieces_room = room;
    }
    memcpy(st->pieces + st->pieces_size, packet, size);
    st->pieces_size += size;
    return true;
}

void mysql_statement_reset(struct mysql_statement *st)
{
    free(st->pieces);
    st->pieces = NULL;
    st->pieces_size = st->pieces_room = 0;
    st->is_executed = false;
}

/* The map of parameters that are NULL. */
static size_t map_size(const struct mysql_statement *st)
{
    return (st->params_count + 7u) / 8;
}

bool mysql_statement_execute(struct mysql_statement *st,
                             struct mysql_text payload)
{
    struct mysql_reader r = mysql_reader_of(payload.bytes, payload.size);

    if (st->is_executed) {
        mysql_statement_reset(st);
    }
    st->is_executed = true;
    (void)mysql_read_bytes(&r, EXECUTE_PARAMS);
    if (st->params_count == 0) {
        return !r.is_bad;
    }
    (void)mysql_read_bytes(&r, map_size(st));
    bool has_types = mysql_read_fixed(&r, 1) == 1;
    if (r.is_bad || !has_types) {
        return !r.is_bad && st->has_types;
    }
    struct mysql_text types = mysql_read_bytes(&r, st->params_count * 2u);
    if (r.is_bad) {
        return false;
    }
    memcpy(st->types, types.bytes, types.size);
    st->has_types = true;
    return true;
}

size_t mysql_statement_size(const struct mysql_statement *st,
                            struct mysql_text payload)
{
    return st->pieces_size + MYSQL_HEADER_SIZE + payload.size +
           st->params_count * 2u;
}

/* Write the packets that were kept, with the server's id. */
static void write_pieces(const struct mysql_statement *st, uint32_t server_id,
                         struct mysql_writer *w)
{
    size_t at = 0;
    struct mysql_packet packet;

    while (mysql_find_packet(st->pieces + at, st->pieces_size - at,
                             MYSQL_PAYLOAD_MAX, &packet) == MYSQL_FOUND) {
        const unsigned char *p = packet.payload.bytes;
        size_t begin = mysql_begin_packet(w, 0);
        mysql_write_bytes(w, p, EXECUTE_ID);
        mysql_write_fixed(w, server_id, 4);
        mysql_write_bytes(w, p + EXECUTE_FLAGS,
                          packet.payload.size - EXECUTE_FLAGS);
        mysql_end_packet(w, begin);
        at += MYSQL_HEADER_SIZE + packet.payload.size;
    }
}

void mysql_statement_write(const struct mysql_statement *st,
                           struct mysql_text payload, uint32_t server_id,
                           struct mysql_writer *w)
{
    struct mysql_reader r = mysql_reader_of(payload.bytes, payload.size);

    if (st->pieces_size > 0) {
        write_pieces(st, server_id, w);
    }
    size_t begin = mysql_begin_packet(w, 0);
    struct mysql_text fixed = mysql_read_bytes(&r, EXECUTE_PARAMS);
    if (r.is_bad) {
        w->is_bad = true;
        return;
    }
    mysql_write_bytes(w, fixed.bytes, EXECUTE_ID);
    mysql_write_fixed(w, server_id, 4);
    mysql_write_fixed(w, 0, 1); /* No cursor. */
    mysql_write_bytes(w, fixed.bytes + EXECUTE_FLAGS + 1, 4);
    if (st->params_count > 0) {
        struct mysql_text map = mysql_read_bytes(&r, map_size(st));
        bool has_types = mysql_read_fixed(&r, 1) == 1;
        mysql_write_bytes(w, map.bytes, map.size);
        mysql_write_fixed(w, 1, 1);
        mysql_write_bytes(w, st->types, st->params_count * 2u);
        if (has_types) {
            (void)mysql_read_bytes(&r, st->params_count * 2u);
        }
        w->is_bad = w->is_bad || r.is_bad;
    }
    struct mysql_text values = mysql_read_rest(&r);
    mysql_write_bytes(w, values.bytes, values.size);
    mysql_end_packet(w, begin);
}

const struct mysql_prepared *mysql_cache_find(struct mysql_cache *c,
                                              const struct mysql_key *key)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (key_is(&c->entries[i].key, key)) {
            c->entries[i].used_at = ++c->uses;
            return &c->entries[i];
        }
    }
    return NULL;
}

/* The entry of this key, or a new one, or the one used least lately. */
static struct mysql_prepared *victim(struct mysql_cache *c,
                                     const struct mysql_key *key)
{
    struct mysql_prepared *oldest = &c->entries[0];

    for (uint32_t i = 0; i < c->count; i++) {
        if (key_is(&c->entries[i].key, key)) {
            return &c->entries[i];
        }
    }
    if (c->count < MYSQL_PREPARED_MAX) {
        return &c->entries[c->count];
    }
    for (uint32_t i = 1; i < c->count; i++) {
        if (c->entries[i].used_at < oldest->used_at) {
            oldest = &c->entries[i];
        }
    }
    return oldest;
}

bool mysql_cache_add(struct mysql_cache *c, const struct mysql_key *key,
                     uint32_t id, uint32_t *ret_closed)
{
    struct mysql_key copy;

    *ret_closed = 0;
    if (c->entries == NULL) {
        c->entries = calloc(MYSQL_PREPARED_MAX, sizeof *c->entries);
    }
    if (c->entries == NULL ||
        !key_set(&copy, key->bytes, key->text_at - 1, key->bytes + key->text_at,
                 key->size - key->text_at)) {
        return false;
    }
    struct mysql_prepared *entry = victim(c, key);
    if (entry == &c->entries[c->count]) {
        c->count++;
    } else {
        *ret_closed = entry->id;
        free(entry->key.bytes);
    }
    *entry =
        (struct mysql_prepared) { .key = copy, .id = id, .used_at = ++c->uses };
    return true;
}

void mysql_cache_finish(struct mysql_cache *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        free(c->entries[i].key.bytes);
    }
    free(c->entries);
    *c = (struct mysql_cache) { 0 };
}
