/* SPDX-License-Identifier: MIT */
/* Sessions whose statement waits for a primary, oldest first. They are linked
 * through themselves, so that nothing is allocated; a session that is held
 * again keeps its time and so its place. */
#include "session.h"

static void set_count(struct infra_router_reader *r, uint32_t count)
{
    r->held.count = count;
    /* Relaxed: statistics. */
    atomic_store_explicit(&r->held_count, count, memory_order_relaxed);
}

void infra__held_add(struct infra_router_reader *r, struct session *s,
                     infra_time until)
{
    struct session *before = r->held.last;

    while (before != NULL && before->hold_until > until) {
        before = before->held_previous;
    }
    s->hold_until = until;
    s->holder = r;
    s->held_previous = before;
    s->held_next = before != NULL ? before->held_next : r->held.first;
    *(before != NULL ? &before->held_next : &r->held.first) = s;
    *(s->held_next != NULL ? &s->held_next->held_previous : &r->held.last) = s;
    set_count(r, r->held.count + 1);
}

void infra__held_remove(struct session *s)
{
    struct infra_router_reader *r = s->holder;

    if (r == NULL) {
        return;
    }
    *(s->held_previous != NULL ? &s->held_previous->held_next
                               : &r->held.first) = s->held_next;
    *(s->held_next != NULL ? &s->held_next->held_previous : &r->held.last) =
        s->held_previous;
    s->held_next = s->held_previous = NULL;
    s->holder = NULL;
    set_count(r, r->held.count - 1);
}

int infra_router_reader_next(struct infra_router_reader *reader, infra_time now,
                             struct infra_session **ret)
{
    if (reader == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const struct table *t = infra__router_table(reader);
    bool is_writable = t != NULL && infra__router_writable(t, now) ==
                                        INFRA_VERDICT_REASON_WRITE;

    for (struct session *s = reader->held.first; s != NULL; s = s->held_next) {
        /* One that is held under this very table has been asked already. */
        bool is_new = t != NULL && t->edition.version > s->held_version;
        if (s->hold_until <= now || (is_writable && is_new)) {
            infra__held_remove(s);
            *ret = (struct infra_session *)(void *)s;
            return INFRA_OK;
        }
    }
    return INFRA_EAGAIN;
}

infra_time infra_router_reader_deadline(
    const struct infra_router_reader *reader)
{
    return reader != NULL && reader->held.first != NULL
               ? reader->held.first->hold_until
               : INFRA_TIME_NEVER;
}
