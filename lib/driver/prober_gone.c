/* SPDX-License-Identifier: MIT */
/* Targets that are gone while a check of theirs waits or runs. A host that
 * repeats its list may remove a key and set it a moment later, or give it
 * another id. That must not put the check off, or a host that does it often
 * never learns of a dead server. So the check goes on for a while, and a target
 * with the same key takes it over: when it is set, or when its next check is
 * due. Gone targets count for no limit. O(number of gone targets). */
#include "prober.h"

#include <assert.h>
#include <string.h>

static bool has_name(const struct infra__target *t, const char *name)
{
    return t->tls_name == NULL || name == NULL ? t->tls_name == name
                                               : strcmp(t->tls_name, name) == 0;
}

bool infra__target_is(const struct infra__target *t, uint64_t key_hash,
                      const struct infra__address *address, const char *name)
{
    return t->key_hash == key_hash &&
           infra__address_equal(&t->address, address) && has_name(t, name);
}

bool infra__gone_is_worth(const struct infra__target *t)
{
    return t->job.running || t->places[INFRA__LINE_CHECKS].taken;
}

void infra__gone_enter(struct infra__target *t)
{
    struct infra_prober *p = t->prober;

    infra__line_leave(t, INFRA__LINE_CHANGES);
    infra__line_leave(t, INFRA__LINE_WISHES);
    p->running -= t->job.running;
    p->waiting -= t->places[INFRA__LINE_CHECKS].taken;
    if (t->job.running) {
        infra__timers_set(&p->driver->timers, t->job.slot, INFRA_TIME_NEVER);
    }
    p->targets[t->id] = NULL;
    t->is_gone = true;
    t->gone_until = infra__time_add(p->driver->now, INFRA__RESULT_KEPT_FOR);
    t->gone_next = p->gone;
    p->gone = t;
}

static void leave(struct infra__target *t)
{
    struct infra__target **place = &t->prober->gone;

    while (*place != t) {
        assert(*place != NULL);
        place = &(*place)->gone_next;
    }
    *place = t->gone_next;
}

struct infra__target *infra__gone_find(const struct infra_prober *p,
                                       uint64_t key_hash,
                                       const struct infra__address *address,
                                       const char *tls_name)
{
    struct infra__target *t = p->gone;

    while (t != NULL && !infra__target_is(t, key_hash, address, tls_name)) {
        t = t->gone_next;
    }
    return t;
}

void infra__gone_return(struct infra__target *t, uint32_t id)
{
    struct infra_prober *p = t->prober;

    assert(p->targets[id] == NULL);
    leave(t);
    t->is_gone = false;
    t->id = id;
    p->targets[id] = t;
    p->running += t->job.running;
    p->waiting += t->places[INFRA__LINE_CHECKS].taken;
    if (t->job.running) {
        infra__timers_set(&p->driver->timers, t->job.slot, 0);
    }
    /* To the host this id has no wish yet. */
    t->known_wish = (struct infra__wish) { 0 };
    infra__wish_queue(t);
}

void infra__gone_sweep(struct infra_prober *p, infra_time now)
{
    struct infra__target *next;

    for (struct infra__target *t = p->gone; t != NULL; t = next) {
        next = t->gone_next;
        if (t->gone_until <= now ||
            !(infra__gone_is_worth(t) || t->has_ended)) {
            infra__gone_free(t);
        }
    }
}

void infra__gone_free(struct infra__target *t)
{
    leave(t);
    infra__target_free(t);
}
