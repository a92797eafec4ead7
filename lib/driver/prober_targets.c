/* SPDX-License-Identifier: MIT */
/* Whom a prober checks: backends come, go and come back. What is said again and
 * is the same changes nothing; prober_gone.c keeps what may yet come back. */
#include "prober.h"

#include <assert.h>
#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_prober_target, initial);

static void free_name(struct infra_prober *p, char *name)
{
    if (name != NULL) {
        infra__free(&p->allocator, name, 1, strlen(name) + 1);
    }
}

void infra__backend_free(struct infra__backend *b)
{
    struct infra_prober *p = b->prober;

    infra__line_leave(b, INFRA__LINE_CHANGES);
    infra__line_leave(b, INFRA__LINE_WISHES);
    infra__check_drop(b);
    infra__job_detach(&b->job);
    infra_probe_destroy(b->probe);
    infra_probe_destroy(b->next_probe);
    free_name(p, b->tls_name);
    infra__free(&p->allocator, b, 1, sizeof *b);
}

/* Take a backend from its id. */
static void vacate(struct infra__backend *b)
{
    if (infra__gone_is_worth(b)) {
        infra__gone_enter(b);
        return;
    }
    b->prober->backends[b->id] = NULL;
    infra__backend_free(b);
}

/* NULL: no memory. */
static struct infra__backend *new_backend(struct infra_prober *p)
{
    struct infra__backend *b = infra__alloc(&p->allocator, 1, sizeof *b);

    if (b == NULL) {
        return NULL;
    }
    b->prober = p;
    b->job.addresses = &b->address;
    b->job.addresses_count = 1;
    b->job.done = infra__check_done;
    b->job.owner = b;
    b->job.tls = p->tls.open != NULL ? &p->tls : NULL;
    if (infra__job_attach(p->driver, &b->job) != INFRA_OK) {
        infra__free(&p->allocator, b, 1, sizeof *b);
        return NULL;
    }
    return b;
}

static int copy_name(struct infra_prober *p, const char *name, char **ret)
{
    *ret = NULL;
    if (name == NULL) {
        return INFRA_OK;
    }
    size_t size = strlen(name) + 1;
    char *copy = infra__alloc(&p->allocator, 1, size);
    if (copy == NULL) {
        return INFRA_ENOMEM;
    }
    memcpy(copy, name, size);
    *ret = copy;
    return INFRA_OK;
}

static bool is_empty(const char *text)
{
    return text != NULL && text[0] == '\0';
}

static int import_target(const struct infra_prober *p,
                         struct infra_prober_target *ret,
                         struct infra__address *ret_address,
                         const struct infra_prober_target *target)
{
    if (p == NULL || target == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(
        ret, sizeof *ret, target,
        offsetof(struct infra_prober_target, has_initial));
    if (err != INFRA_OK) {
        return err;
    }
    if (ret->has_initial > 1 || (ret->has_initial == 0 && ret->initial != 0) ||
        ret->initial > INFRA_HEALTH_INITIAL_FULLY_DOWN) {
        return INFRA_EINVAL;
    }
    if (ret->has_initial == 0) {
        ret->initial = p->initial;
    }
    if (ret->id >= p->ids_max || ret->key == NULL || is_empty(ret->key) ||
        is_empty(ret->tls_name) || ret->probe == NULL) {
        return INFRA_EINVAL;
    }
    return infra__address_import(ret_address, ret->address, ret->address_size);
}

/* From the next check on, or at once if none runs. */
static void give_probe(struct infra__backend *b, struct infra_probe *probe)
{
    if (b->next_probe != probe) {
        infra_probe_destroy(b->next_probe);
    }
    b->next_probe = b->probe != probe ? probe : NULL;
    if (!b->job.running) {
        infra__probe_turn_over(b);
    }
}

void infra__probe_turn_over(struct infra__backend *b)
{
    if (b->next_probe != NULL) {
        infra_probe_destroy(b->probe);
        b->probe = b->next_probe;
        b->next_probe = NULL;
        b->job.exchange = infra_probe_exchange(b->probe);
    }
}

void infra__prober_replace(struct infra__backend *b,
                           struct infra__backend *gone)
{
    struct infra__backend was = *b;

    b->prober->backends[was.id] = NULL;
    b->probe = NULL;
    infra__backend_free(b);
    infra__gone_return(gone, was.id);
    gone->known = was.known;
    give_probe(gone, was.probe);
    if (was.wish.has != 0) {
        gone->wish = was.wish;
    }
    gone->known_wish = was.known_wish;
    infra__wish_tell(gone);
    if (was.places[INFRA__LINE_CHANGES].taken) {
        infra__change_queue(gone, &was.change);
    }
}

/* What an id has to do with a key that it is given. */
struct place {
    struct infra__backend *was;   /* At the id, NULL: nobody. */
    struct infra__backend *gone;  /* Of that key and address, or NULL. */
    struct infra__backend *fresh; /* To be put there, or NULL. */
    uint64_t key_hash;
    bool is_same; /* The key has the id. */
};

/* Everything that can fail. A check that is under way is worth a new place, but
 * not a failure. */
static int find_place(struct place *ret, struct infra_prober *p,
                      const struct infra_prober_target *t,
                      struct infra__address *address, char **ret_name)
{
    struct infra__backend *was = p->backends[t->id];

    *ret = (struct place) { .was = was,
                            .key_hash =
                                infra_xxhash64(t->key, strlen(t->key), 0) };
    ret->is_same = was != NULL && was->key_hash == ret->key_hash;
    if (!ret->is_same) {
        ret->gone = infra__gone_find(p, ret->key_hash, address, t->tls_name);
    }
    *ret_name = NULL;
    if (ret->gone != NULL) {
        return INFRA_OK;
    }
    int err = copy_name(p, t->tls_name, ret_name);
    if (err != INFRA_OK) {
        return err;
    }
    address->tls_name = *ret_name;
    if (was == NULL || (!ret->is_same && infra__gone_is_worth(was))) {
        ret->fresh = new_backend(p);
    }
    if (was == NULL && ret->fresh == NULL) {
        free_name(p, *ret_name);
        return INFRA_ENOMEM;
    }
    return INFRA_OK;
}

/* Give the id to the key. What is left of another key is forgotten. */
static struct infra__backend *settle(struct infra_prober *p,
                                     const struct place *place, uint32_t id,
                                     uint32_t initial)
{
    struct infra__backend *b = place->was;

    if (place->is_same) {
        return b;
    }
    if (place->gone != NULL || place->fresh != NULL) {
        if (b != NULL) {
            vacate(b);
        }
        b = place->fresh;
    }
    if (place->gone != NULL) {
        b = place->gone;
        infra__gone_return(b, id);
    } else {
        infra__line_leave(b, INFRA__LINE_CHANGES);
        infra__line_leave(b, INFRA__LINE_WISHES);
        infra__check_drop(b);
        b->wish = b->known_wish = (struct infra__wish) { 0 };
        b->result = (struct infra_probe_result) { 0 };
        p->backends[id] = b;
    }
    b->id = id;
    b->key_hash = place->key_hash;
    b->known = initial <= INFRA_HEALTH_INITIAL_FULLY_UP
                   ? INFRA_HEALTH_EVENT_UP
                   : INFRA_HEALTH_EVENT_DOWN;
    return b;
}

int infra_prober_set(struct infra_prober *prober,
                     const struct infra_prober_target *target, infra_time now)
{
    struct infra_prober_target t = { .size = sizeof t };
    struct infra__address address;
    struct place place;
    char *tls_name;

    int err = import_target(prober, &t, &address, target);
    if (err == INFRA_OK) {
        err = find_place(&place, prober, &t, &address, &tls_name);
    }
    if (err != INFRA_OK) {
        return err;
    }
    /* Before the verdict on a check that this call cuts short: one of another
     * key's is stale then. It cannot fail, all was looked at. */
    err = infra_health_set_initial(prober->health, t.id, t.key, t.initial, now);
    assert(err == INFRA_OK);
    struct infra__backend *b = settle(prober, &place, t.id, t.initial);
    if (place.gone != NULL ||
        infra__backend_is(b, place.key_hash, &address, tls_name)) {
        free_name(prober, tls_name);
    } else {
        infra__check_abandon(b, now);
        free_name(prober, b->tls_name);
        b->tls_name = tls_name;
        b->address = address;
        b->has_ended = false;
    }
    if (b->has_ended) {
        infra__check_answer(b, now);
    }
    give_probe(b, t.probe);
    infra__alarm_set(prober->driver, now);
    return INFRA_OK;
}

int infra_prober_remove(struct infra_prober *prober, uint32_t id)
{
    if (prober == NULL || id >= prober->ids_max) {
        return INFRA_EINVAL;
    }
    struct infra__backend *b = prober->backends[id];
    if (b == NULL) {
        return INFRA_ENOENT;
    }
    vacate(b);
    return infra_health_remove(prober->health, id);
}
