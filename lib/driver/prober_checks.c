/* SPDX-License-Identifier: MIT */
/* Checks from due to done: infra_health says when, an infra_probe says what, a
 * job of the driver runs it, and the verdict goes back to infra_health.
 *
 * A backend can stand in three lines. In one, checks that are due wait until the
 * limits let them start, in the order in which they were due; to infra_health
 * they run already, so that they are not due twice. In the others, changes and
 * wishes (prober_wish.c) wait for the host: the last one counts, and none if the backend is again what the
 * host knows. All but infra_health's part, which is O(log n), is O(1). */
#include "prober.h"

#include <assert.h>

void infra__line_leave(struct infra__backend *b, enum infra__line line)
{
    struct infra_prober *p = b->prober;
    struct infra__place *at = &b->places[line];

    if (!at->taken) {
        return;
    }
    *(at->previous != NULL ? &at->previous->places[line].next
                           : &p->lines[line].first) = at->next;
    *(at->next != NULL ? &at->next->places[line].previous
                       : &p->lines[line].last) = at->previous;
    at->taken = false;
    p->waiting -= line == INFRA__LINE_CHECKS && !b->is_gone;
}

void infra__line_enter(struct infra__backend *b, enum infra__line line)
{
    struct infra_prober *p = b->prober;
    struct infra__backend *last = p->lines[line].last;

    assert(!b->places[line].taken);
    b->places[line] = (struct infra__place) { .previous = last, .taken = true };
    *(last != NULL ? &last->places[line].next : &p->lines[line].first) = b;
    p->lines[line].last = b;
    p->waiting += line == INFRA__LINE_CHECKS;
}

void infra__change_queue(struct infra__backend *b,
                         const struct infra_health_event *change)
{
    b->change = *change;
    infra__line_enter(b, INFRA__LINE_CHANGES);
}

static void note_change(struct infra__backend *b,
                        const struct infra_health_event *event)
{
    infra__line_leave(b, INFRA__LINE_CHANGES);
    if (event->kind == b->known) {
        return;
    }
    infra__change_queue(b, event);
}

static void note_doubt(struct infra_prober *p,
                       const struct infra_health_event *event)
{
    p->doubt = *event;
    p->doubt_changed = !p->doubt_changed; /* They come in turn. */
}

void infra__check_answer(struct infra__backend *b, infra_time now)
{
    b->has_ended =
        infra_health_answer(b->prober->health, b->check, b->result.outcome,
                            b->result.reason, now) == INFRA_ESTALE;
    b->ended_at = now;
}

void infra__check_done(void *owner, infra_time now)
{
    struct infra__backend *b = owner;

    b->prober->running -= !b->is_gone;
    if (infra_probe_result(b->probe, &b->result) == INFRA_OK) {
        infra__check_answer(b, now);
        infra__wish_note(b, now);
    }
    infra__probe_turn_over(b);
}

void infra__check_drop(struct infra__backend *b)
{
    infra__line_leave(b, INFRA__LINE_CHECKS);
    b->has_ended = false;
    if (b->job.running) {
        infra__job_cancel(&b->job);
        b->prober->running -= !b->is_gone;
        infra__probe_turn_over(b);
    }
}

void infra__check_abandon(struct infra__backend *b, infra_time now)
{
    if (b->job.running) {
        infra__check_drop(b);
        (void)infra_health_answer(b->prober->health, b->check,
                                  INFRA_OUTCOME_ABANDONED,
                                  INFRA_PROBE_REASON_LOCAL, now);
    }
}

/* The backend is to be checked. If its check goes on from before it was set
 * again, or has ended since, it is that one. */
static void take_check(struct infra_prober *p,
                       const struct infra_health_event *event, infra_time now)
{
    struct infra__backend *b = p->backends[event->id];
    struct infra__backend *gone =
        infra__gone_find(p, b->key_hash, &b->address, b->tls_name);

    if (gone != NULL && !infra__gone_is_worth(b)) {
        infra__prober_replace(b, gone);
        b = gone;
    }
    b->check = event->call;
    if (b->has_ended && now - b->ended_at <= INFRA__RESULT_KEPT_FOR) {
        infra__check_answer(b, now);
    } else if (!infra__gone_is_worth(b)) {
        b->has_ended = false;
        b->due = event->at;
        infra__line_enter(b, INFRA__LINE_CHECKS);
    }
}

static void take_events(struct infra_prober *p, infra_time now)
{
    struct infra_health_event event;

    while (infra_health_next(p->health, now, &event) == INFRA_OK) {
        if (event.id == INFRA_HEALTH_NOBODY) {
            note_doubt(p, &event);
            continue;
        }
        assert(p->backends[event.id] != NULL);
        if (event.kind == INFRA_HEALTH_EVENT_CHECK) {
            take_check(p, &event, now);
        } else {
            note_change(p->backends[event.id], &event);
        }
    }
}

/* When the limits let a check start that waits. */
static infra_time next_start(const struct infra_prober *p)
{
    return p->waiting > 0 && p->running < p->concurrency_max
               ? infra__pace_next(&p->pace)
               : INFRA_TIME_NEVER;
}

static void start_check(struct infra__backend *b, infra_time now)
{
    struct infra_prober *p = b->prober;
    infra_time late = now > b->due ? now - b->due : 0;

    infra__line_leave(b, INFRA__LINE_CHECKS);
    infra__pace_take(&p->pace, now);
    p->late_max = late > p->late_max ? late : p->late_max;
    p->started++;
    p->running++;
    infra_probe_start(b->probe, infra_health_timeout_scale(p->health), now);
    infra__job_start(&b->job, now);
}

void infra__prober_turn(void *self, infra_time now)
{
    struct infra_prober *p = self;

    take_events(p, now);
    /* It ends: a check that is over at once is due again a fastinter later. */
    while (next_start(p) <= now) {
        struct infra__backend *first = p->lines[INFRA__LINE_CHECKS].first;
        if (first->is_gone) {
            infra__line_leave(first, INFRA__LINE_CHECKS);
            continue;
        }
        start_check(first, now);
        take_events(p, now);
    }
    infra__gone_sweep(p, now);
}

infra_time infra__prober_deadline(const void *self)
{
    const struct infra_prober *p = self;

    infra_time start = next_start(p);
    infra_time due = infra_health_deadline(p->health);
    return start < due ? start : due;
}

bool infra__prober_pending(const void *self)
{
    const struct infra_prober *p = self;

    return p->lines[INFRA__LINE_CHANGES].first != NULL ||
           p->lines[INFRA__LINE_WISHES].first != NULL || p->doubt_changed;
}
