/* SPDX-License-Identifier: MIT */
/* Backends that are gone while a check of theirs waits or runs. A host that
 * says its list again may remove a key and set it a moment later, or give it
 * another id: its check must not be put off by that, or who says it often is
 * never told of a dead server. So the check goes on for a while, and
 * whoever has the key by then takes it over: when it is set, or when its next
 * check is due. Gone backends count for no limit. O(number that are gone). */
#include "prober.h"

#include <assert.h>
#include <string.h>

static bool has_name(const struct infra__backend *b, const char *name)
{
    return b->tls_name == NULL || name == NULL ? b->tls_name == name
                                               : strcmp(b->tls_name, name) == 0;
}

bool infra__backend_is(const struct infra__backend *b, uint64_t key_hash,
                       const struct infra__address *address, const char *name)
{
    return b->key_hash == key_hash &&
           infra__address_equal(&b->address, address) && has_name(b, name);
}

bool infra__gone_is_worth(const struct infra__backend *b)
{
    return b->job.running || b->places[INFRA__LINE_CHECKS].taken;
}

void infra__gone_enter(struct infra__backend *b)
{
    struct infra_prober *p = b->prober;

    infra__line_leave(b, INFRA__LINE_CHANGES);
    infra__line_leave(b, INFRA__LINE_WISHES);
    p->running -= b->job.running;
    p->waiting -= b->places[INFRA__LINE_CHECKS].taken;
    if (b->job.running) {
        infra__timers_set(&p->driver->timers, b->job.slot, INFRA_TIME_NEVER);
    }
    p->backends[b->id] = NULL;
    b->is_gone = true;
    b->gone_until = infra__time_add(p->driver->now, INFRA__RESULT_KEPT_FOR);
    b->gone_next = p->gone;
    p->gone = b;
}

static void leave(struct infra__backend *b)
{
    struct infra__backend **place = &b->prober->gone;

    while (*place != b) {
        assert(*place != NULL);
        place = &(*place)->gone_next;
    }
    *place = b->gone_next;
}

struct infra__backend *infra__gone_find(const struct infra_prober *p,
                                        uint64_t key_hash,
                                        const struct infra__address *address,
                                        const char *tls_name)
{
    struct infra__backend *b = p->gone;

    while (b != NULL && !infra__backend_is(b, key_hash, address, tls_name)) {
        b = b->gone_next;
    }
    return b;
}

void infra__gone_return(struct infra__backend *b, uint32_t id)
{
    struct infra_prober *p = b->prober;

    assert(p->backends[id] == NULL);
    leave(b);
    b->is_gone = false;
    b->id = id;
    p->backends[id] = b;
    p->running += b->job.running;
    p->waiting += b->places[INFRA__LINE_CHECKS].taken;
    if (b->job.running) {
        infra__timers_set(&p->driver->timers, b->job.slot, 0);
    }
    /* Who takes the id for another one knows of no wish. */
    b->known_wish = (struct infra__wish) { 0 };
    infra__wish_tell(b);
}

void infra__gone_sweep(struct infra_prober *p, infra_time now)
{
    struct infra__backend *next;

    for (struct infra__backend *b = p->gone; b != NULL; b = next) {
        next = b->gone_next;
        if (b->gone_until <= now ||
            !(infra__gone_is_worth(b) || b->has_ended)) {
            infra__gone_free(b);
        }
    }
}

void infra__gone_free(struct infra__backend *b)
{
    leave(b);
    infra__backend_free(b);
}
