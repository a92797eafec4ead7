/* SPDX-License-Identifier: MIT */
/* The targets of a prober: backends come, go and come back. Setting the same
 * again changes nothing; prober_gone.c keeps targets that may come back. */
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

void infra__target_free(struct infra__target *t)
{
    struct infra_prober *p = t->prober;

    infra__line_leave(t, INFRA__LINE_CHANGES);
    infra__line_leave(t, INFRA__LINE_WISHES);
    infra__check_drop(t);
    infra__job_detach(&t->job);
    infra_probe_destroy(t->probe);
    infra_probe_destroy(t->next_probe);
    free_name(p, t->tls_name);
    infra__free(&p->allocator, t, 1, sizeof *t);
}

/* Take a target from its id. */
static void vacate(struct infra__target *t)
{
    if (infra__gone_is_worth(t)) {
        infra__gone_enter(t);
        return;
    }
    t->prober->targets[t->id] = NULL;
    infra__target_free(t);
}

/* NULL: no memory. */
static struct infra__target *new_target(struct infra_prober *p)
{
    struct infra__target *t = infra__alloc(&p->allocator, 1, sizeof *t);

    if (t == NULL) {
        return NULL;
    }
    t->prober = p;
    t->job.addresses = &t->address;
    t->job.addresses_count = 1;
    t->job.done = infra__check_done;
    t->job.owner = t;
    t->job.tls = p->tls.open != NULL ? &p->tls : NULL;
    if (infra__job_attach(p->driver, &t->job) != INFRA_OK) {
        infra__free(&p->allocator, t, 1, sizeof *t);
        return NULL;
    }
    return t;
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

/* For the next check on; at once if none runs. */
static void give_probe(struct infra__target *t, struct infra_probe *probe)
{
    if (t->next_probe != probe) {
        infra_probe_destroy(t->next_probe);
    }
    t->next_probe = t->probe != probe ? probe : NULL;
    if (!t->job.running) {
        infra__probe_turn_over(t);
    }
}

void infra__probe_turn_over(struct infra__target *t)
{
    if (t->next_probe != NULL) {
        infra_probe_destroy(t->probe);
        t->probe = t->next_probe;
        t->next_probe = NULL;
        t->job.exchange = infra_probe_exchange(t->probe);
    }
}

void infra__prober_replace(struct infra__target *t, struct infra__target *gone)
{
    struct infra__target was = *t;

    t->prober->targets[was.id] = NULL;
    t->probe = NULL;
    infra__target_free(t);
    infra__gone_return(gone, was.id);
    gone->known = was.known;
    give_probe(gone, was.probe);
    if (was.wish.has != 0) {
        gone->wish = was.wish;
    }
    gone->known_wish = was.known_wish;
    infra__wish_queue(gone);
    if (was.places[INFRA__LINE_CHANGES].taken) {
        infra__change_queue(gone, &was.change);
    }
}

/* An id and the key that it is given. */
struct place {
    struct infra__target *was;   /* At the id; NULL: free. */
    struct infra__target *gone;  /* Of that key and address; or NULL. */
    struct infra__target *fresh; /* New, for the id; or NULL. */
    uint64_t key_hash;
    bool is_same; /* The key already has the id. */
};

/* All that can fail. For the sake of a check under way a new target is
 * allocated, but its lack is no failure. */
static int find_place(struct place *ret, struct infra_prober *p,
                      const struct infra_prober_target *given,
                      struct infra__address *address, char **ret_name)
{
    struct infra__target *was = p->targets[given->id];

    *ret = (struct place) { .was = was,
                            .key_hash = infra_xxhash64(given->key,
                                                       strlen(given->key), 0) };
    ret->is_same = was != NULL && was->key_hash == ret->key_hash;
    if (!ret->is_same) {
        ret->gone =
            infra__gone_find(p, ret->key_hash, address, given->tls_name);
    }
    *ret_name = NULL;
    if (ret->gone != NULL) {
        return INFRA_OK;
    }
    int err = copy_name(p, given->tls_name, ret_name);
    if (err != INFRA_OK) {
        return err;
    }
    address->tls_name = *ret_name;
    if (was == NULL || (!ret->is_same && infra__gone_is_worth(was))) {
        ret->fresh = new_target(p);
    }
    if (was == NULL && ret->fresh == NULL) {
        free_name(p, *ret_name);
        return INFRA_ENOMEM;
    }
    return INFRA_OK;
}

/* Give the id to the key, and drop what is left of another key. */
static struct infra__target *settle(struct infra_prober *p,
                                    const struct place *place, uint32_t id,
                                    uint32_t initial)
{
    struct infra__target *t = place->was;

    if (place->is_same) {
        return t;
    }
    if (place->gone != NULL || place->fresh != NULL) {
        if (t != NULL) {
            vacate(t);
        }
        t = place->fresh;
    }
    if (place->gone != NULL) {
        t = place->gone;
        infra__gone_return(t, id);
    } else {
        infra__line_leave(t, INFRA__LINE_CHANGES);
        infra__line_leave(t, INFRA__LINE_WISHES);
        infra__check_drop(t);
        t->wish = t->known_wish = (struct infra__wish) { 0 };
        t->result = (struct infra_probe_result) { 0 };
        p->targets[id] = t;
    }
    t->id = id;
    t->key_hash = place->key_hash;
    t->known = initial <= INFRA_HEALTH_INITIAL_FULLY_UP
                   ? INFRA_HEALTH_EVENT_UP
                   : INFRA_HEALTH_EVENT_DOWN;
    return t;
}

int infra_prober_set(struct infra_prober *prober,
                     const struct infra_prober_target *target, infra_time now)
{
    struct infra_prober_target given = { .size = sizeof given };
    struct infra__address address;
    struct place place;
    char *tls_name;

    int err = import_target(prober, &given, &address, target);
    if (err == INFRA_OK) {
        err = find_place(&place, prober, &given, &address, &tls_name);
    }
    if (err != INFRA_OK) {
        return err;
    }
    /* Before the answer of a check that this call cuts short: that of another
     * key is stale then. It cannot fail, all was checked. */
    err = infra_health_set_initial(prober->health, given.id, given.key,
                                   given.initial, now);
    assert(err == INFRA_OK);
    struct infra__target *t = settle(prober, &place, given.id, given.initial);
    if (place.gone != NULL ||
        infra__target_is(t, place.key_hash, &address, tls_name)) {
        free_name(prober, tls_name);
    } else {
        infra__check_abandon(t, now);
        free_name(prober, t->tls_name);
        t->tls_name = tls_name;
        t->address = address;
        t->has_ended = false;
    }
    if (t->has_ended) {
        infra__check_answer(t, now);
    }
    give_probe(t, given.probe);
    infra__alarm_set(prober->driver, now);
    return INFRA_OK;
}

int infra_prober_remove(struct infra_prober *prober, uint32_t id)
{
    if (prober == NULL || id >= prober->ids_max) {
        return INFRA_EINVAL;
    }
    struct infra__target *t = prober->targets[id];
    if (t == NULL) {
        return INFRA_ENOENT;
    }
    vacate(t);
    return infra_health_remove(prober->health, id);
}
