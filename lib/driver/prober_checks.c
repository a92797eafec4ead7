/* SPDX-License-Identifier: MIT */
/* Checks from due to done: infra_health gives the time, an infra_probe the
 * exchange, a job of the driver runs it, and the result answers infra_health.
 *
 * A target can stand in three lines. In the first, due checks wait for the
 * limits, in the order of their due times; to infra_health they already run, so
 * they are not due twice. In the others changes and wishes wait for the host:
 * the last one counts, and none if the host knows that state already. O(1),
 * plus O(log n) in infra_health. */
#include "prober.h"

#include <assert.h>

void infra__line_leave(struct infra__target *t, enum infra__line line)
{
    struct infra_prober *p = t->prober;
    struct infra__place *at = &t->places[line];

    if (!at->taken) {
        return;
    }
    *(at->previous != NULL ? &at->previous->places[line].next
                           : &p->lines[line].first) = at->next;
    *(at->next != NULL ? &at->next->places[line].previous
                       : &p->lines[line].last) = at->previous;
    at->taken = false;
    p->waiting -= line == INFRA__LINE_CHECKS && !t->is_gone;
}

void infra__line_enter(struct infra__target *t, enum infra__line line)
{
    struct infra_prober *p = t->prober;
    struct infra__target *last = p->lines[line].last;

    assert(!t->places[line].taken);
    t->places[line] = (struct infra__place) { .previous = last, .taken = true };
    *(last != NULL ? &last->places[line].next : &p->lines[line].first) = t;
    p->lines[line].last = t;
    p->waiting += line == INFRA__LINE_CHECKS;
}

void infra__change_queue(struct infra__target *t,
                         const struct infra_health_event *change)
{
    t->change = *change;
    infra__line_enter(t, INFRA__LINE_CHANGES);
}

static void note_change(struct infra__target *t,
                        const struct infra_health_event *event)
{
    infra__line_leave(t, INFRA__LINE_CHANGES);
    if (event->kind != t->known) {
        infra__change_queue(t, event);
    }
}

static void note_doubt(struct infra_prober *p,
                       const struct infra_health_event *event)
{
    p->doubt = *event;
    p->doubt_changed = !p->doubt_changed; /* DOUBT and TRUST alternate. */
}

void infra__check_answer(struct infra__target *t, infra_time now)
{
    t->has_ended =
        infra_health_answer(t->prober->health, t->check, t->result.outcome,
                            t->result.reason, now) == INFRA_ESTALE;
    t->ended_at = now;
}

void infra__check_done(void *owner, infra_time now)
{
    struct infra__target *t = owner;

    t->prober->running -= !t->is_gone;
    if (infra_probe_result(t->probe, &t->result) == INFRA_OK) {
        infra__check_answer(t, now);
        infra__wish_note(t, now);
    }
    infra__probe_turn_over(t);
}

void infra__check_drop(struct infra__target *t)
{
    infra__line_leave(t, INFRA__LINE_CHECKS);
    t->has_ended = false;
    if (t->job.running) {
        infra__job_cancel(&t->job);
        t->prober->running -= !t->is_gone;
        infra__probe_turn_over(t);
    }
}

void infra__check_abandon(struct infra__target *t, infra_time now)
{
    if (t->job.running) {
        infra__check_drop(t);
        (void)infra_health_answer(t->prober->health, t->check,
                                  INFRA_OUTCOME_ABANDONED,
                                  INFRA_PROBE_REASON_LOCAL, now);
    }
}

/* Start a check, or take over the one that began before the key was set again,
 * also if that has ended. */
static void take_check(struct infra_prober *p,
                       const struct infra_health_event *event, infra_time now)
{
    struct infra__target *t = p->targets[event->id];
    struct infra__target *gone =
        infra__gone_find(p, t->key_hash, &t->address, t->tls_name);

    if (gone != NULL && !infra__gone_is_worth(t)) {
        infra__prober_replace(t, gone);
        t = gone;
    }
    t->check = event->call;
    if (t->has_ended && now - t->ended_at <= INFRA__RESULT_KEPT_FOR) {
        infra__check_answer(t, now);
    } else if (!infra__gone_is_worth(t)) {
        t->has_ended = false;
        t->due = event->at;
        infra__line_enter(t, INFRA__LINE_CHECKS);
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
        assert(p->targets[event.id] != NULL);
        if (event.kind == INFRA_HEALTH_EVENT_CHECK) {
            take_check(p, &event, now);
        } else {
            note_change(p->targets[event.id], &event);
        }
    }
}

/* Earliest start of a waiting check under the limits. */
static infra_time next_start(const struct infra_prober *p)
{
    return p->waiting > 0 && p->running < p->concurrency_max
               ? infra__pace_next(&p->pace)
               : INFRA_TIME_NEVER;
}

static void start_check(struct infra__target *t, infra_time now)
{
    struct infra_prober *p = t->prober;
    infra_time late = now > t->due ? now - t->due : 0;

    infra__line_leave(t, INFRA__LINE_CHECKS);
    infra__pace_take(&p->pace, now);
    p->late_max = late > p->late_max ? late : p->late_max;
    p->started++;
    p->running++;
    infra_probe_start(t->probe, infra_health_timeout_scale(p->health), now);
    infra__job_start(&t->job, now);
}

void infra__prober_turn(void *self, infra_time now)
{
    struct infra_prober *p = self;

    take_events(p, now);
    /* It ends: a check that is over at once is due again after fastinter. */
    while (next_start(p) <= now) {
        struct infra__target *first = p->lines[INFRA__LINE_CHECKS].first;
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
