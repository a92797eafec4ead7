/* SPDX-License-Identifier: MIT */
/* The state machine of RFC 9568 section 6.4, with its errata, and what
 * keepalived adds to it: FAULT, delays of the start and of preemption, and
 * announcing again against a rival. The witness before a take-over is ours.
 *
 * An input changes the state and makes events pending; O(1). */
#include "../base/internal.h"
#include "internal.h"

#include <assert.h>
#include <infra/vrrp.h>

/* A hint is repeated after its cause was absent for this time. */
#define HINT_QUIET INFRA_SEC(60)

/* At this delay, in intervals, a node of priority 254 has taken over: its timer
 * began an interval before the late message was due. */
#define LATE_INTERVALS 2u

/* RFC 5227 section 1.1. */
#define ANNOUNCE_INTERVAL INFRA_SEC(2)

static const struct infra__vrrp_party nobody;

infra_time infra__vrrp_skew(const struct infra_vrrp *v)
{
    return (256 - v->o.priority) * v->active_interval / 256;
}

infra_time infra__vrrp_down(const struct infra_vrrp *v)
{
    return 3 * v->active_interval + infra__vrrp_skew(v);
}

void infra__vrrp_set_timer(struct infra_vrrp *v, uint32_t timer,
                           infra_time delay)
{
    v->timers[timer] = infra__time_add(v->now, delay);
}

void infra__vrrp_stop_timer(struct infra_vrrp *v, uint32_t timer)
{
    v->timers[timer] = INFRA_TIME_NEVER;
}

uint32_t infra__vrrp_first_timer(const struct infra_vrrp *v)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < INFRA__VRRP_TIMERS_COUNT; i++) {
        if (v->timers[i] < v->timers[first]) {
            first = i;
        }
    }
    return first;
}

void infra__vrrp_hint(struct infra_vrrp *v, uint32_t reason,
                      const struct infra__vrrp_party *party)
{
    struct infra__vrrp_hint *h = &v->hints[reason - INFRA__VRRP_HINT_FIRST];

    if (h->noticed == INFRA_TIME_NEVER || v->now - h->noticed >= HINT_QUIET) {
        h->party = *party;
        h->is_pending = true;
    }
    h->noticed = v->now;
}

void infra__vrrp_advertise(struct infra_vrrp *v, uint32_t priority,
                           uint32_t reason)
{
    v->adverts_left = v->o.peers_count != 0 ? v->o.peers_count : 1;
    v->advert_priority = priority;
    v->advert_reason = reason;
}

/* Now, and soon again in case a frame is lost or a rival's comes later. */
void infra__vrrp_announce(struct infra_vrrp *v, uint32_t reason)
{
    v->announces_left = v->o.addresses_count;
    v->announce_reason = reason;
    v->announced = v->now;
    infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_ANNOUNCE,
                          v->o.announce_interval < ANNOUNCE_INTERVAL ||
                                  v->o.announce_interval == INFRA_TIME_NEVER
                              ? v->o.announce_interval
                              : ANNOUNCE_INTERVAL);
}

/* Reset all of the former state but the host's inputs. */
static void change(struct infra_vrrp *v, uint32_t state, uint32_t reason,
                   const struct infra__vrrp_party *party)
{
    for (uint32_t i = INFRA__VRRP_TIMER_START; i < INFRA__VRRP_TIMERS_COUNT;
         i++) {
        infra__vrrp_stop_timer(v, i);
    }
    for (uint32_t i = 0; i < INFRA__VRRP_HINTS_COUNT; i++) {
        v->hints[i].noticed = INFRA_TIME_NEVER;
    }
    v->state = state;
    v->reason = reason;
    v->since = v->now;
    v->changed_by = *party;
    v->active = *party;
    v->lower_since = INFRA_TIME_NEVER;
    v->adverts_left = 0;
    v->announces_left = 0;
    v->is_asking = false;
}

void infra__vrrp_become_backup(struct infra_vrrp *v, uint32_t reason,
                               const struct infra__vrrp_party *party)
{
    change(v, INFRA_VRRP_STATE_BACKUP, reason, party);
    v->down_reason = INFRA_VRRP_REASON_SILENCE;
    infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_DOWN, infra__vrrp_down(v));
}

static void become_active(struct infra_vrrp *v, uint32_t reason)
{
    change(v, INFRA_VRRP_STATE_ACTIVE, reason, &nobody);
    v->active.address = v->o.local;
    v->active.priority = v->o.priority;
    v->activations++;
    infra__vrrp_advertise(v, v->o.priority, reason);
    infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_ADVER, v->o.interval);
    infra__vrrp_announce(v, reason);
}

/* To INITIALIZE or FAULT. */
static void leave(struct infra_vrrp *v, uint32_t state, uint32_t reason)
{
    bool was_active = v->state == INFRA_VRRP_STATE_ACTIVE;

    change(v, state, reason, &nobody);
    if (was_active) {
        infra__vrrp_advertise(v, INFRA__VRRP_PRIORITY_RESIGN, reason);
    }
}

/* The down timer fired, or the owner starts. */
static void take_over(struct infra_vrrp *v, uint32_t reason)
{
    if (v->o.witness == INFRA_VRRP_WITNESS_NONE) {
        become_active(v, reason);
        return;
    }
    v->down_reason = reason;
    v->is_asking = true;
    v->ask_is_pending = true;
    v->ask++;
    infra__vrrp_stop_timer(v, INFRA__VRRP_TIMER_DOWN);
    infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_ASK, v->o.witness_timeout);
}

static void answered(struct infra_vrrp *v, uint32_t answer)
{
    assert(v->state == INFRA_VRRP_STATE_BACKUP && v->is_asking);
    v->is_asking = false;
    infra__vrrp_stop_timer(v, INFRA__VRRP_TIMER_ASK);
    if (answer == INFRA_VRRP_ANSWER_YES ||
        (answer == INFRA_VRRP_ANSWER_UNKNOWN &&
         v->o.witness == INFRA_VRRP_WITNESS_CONSULT)) {
        become_active(v, v->down_reason);
    } else {
        infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_DOWN, infra__vrrp_down(v));
    }
}

/* Section 6.4.1. */
static void begin(struct infra_vrrp *v, uint32_t reason)
{
    v->active_interval = v->o.interval;
    if (!v->is_fit) {
        change(v, INFRA_VRRP_STATE_FAULT, INFRA_VRRP_REASON_UNFIT, &nobody);
    } else if (v->o.priority != INFRA__VRRP_PRIORITY_OWNER) {
        infra__vrrp_become_backup(v, reason, &nobody);
    } else if (v->o.witness == INFRA_VRRP_WITNESS_NONE) {
        become_active(v, INFRA_VRRP_REASON_OWNER);
    } else {
        infra__vrrp_become_backup(v, reason, &nobody);
        take_over(v, INFRA_VRRP_REASON_OWNER);
    }
}

int infra_vrrp_start(struct infra_vrrp *vrrp, infra_time now)
{
    if (vrrp == NULL) {
        return INFRA_EINVAL;
    }
    infra__vrrp_advance(vrrp, now);
    if (vrrp->is_started) {
        return INFRA_OK;
    }
    vrrp->is_started = true;
    if (vrrp->o.start_delay != 0) {
        infra__vrrp_set_timer(vrrp, INFRA__VRRP_TIMER_START,
                              vrrp->o.start_delay);
    } else {
        begin(vrrp, INFRA_VRRP_REASON_START);
    }
    return INFRA_OK;
}

int infra_vrrp_stop(struct infra_vrrp *vrrp, infra_time now)
{
    if (vrrp == NULL) {
        return INFRA_EINVAL;
    }
    infra__vrrp_advance(vrrp, now);
    if (vrrp->is_started) {
        vrrp->is_started = false;
        leave(vrrp, INFRA_VRRP_STATE_INITIALIZE, INFRA_VRRP_REASON_STOP);
    }
    return INFRA_OK;
}

static void apply_fit(struct infra_vrrp *v)
{
    v->is_fit = v->said_fit;
    infra__vrrp_stop_timer(v, INFRA__VRRP_TIMER_FIT);
    if (v->state == INFRA_VRRP_STATE_FAULT && v->is_fit) {
        begin(v, INFRA_VRRP_REASON_FIT);
    } else if (v->state != INFRA_VRRP_STATE_INITIALIZE && !v->is_fit) {
        leave(v, INFRA_VRRP_STATE_FAULT, INFRA_VRRP_REASON_UNFIT);
    }
}

int infra_vrrp_fit(struct infra_vrrp *vrrp, int fit, infra_time now)
{
    if (vrrp == NULL) {
        return INFRA_EINVAL;
    }
    infra__vrrp_advance(vrrp, now);
    if (vrrp->said_fit == (fit != 0)) {
        return INFRA_OK;
    }
    vrrp->said_fit = fit != 0;
    if (vrrp->said_fit == vrrp->is_fit) {
        infra__vrrp_stop_timer(vrrp, INFRA__VRRP_TIMER_FIT);
    } else if (vrrp->o.debounce != 0) {
        infra__vrrp_set_timer(vrrp, INFRA__VRRP_TIMER_FIT, vrrp->o.debounce);
    } else {
        apply_fit(vrrp);
    }
    return INFRA_OK;
}

int infra_vrrp_answer(struct infra_vrrp *vrrp, uint64_t call, uint32_t answer,
                      infra_time now)
{
    if (vrrp == NULL || answer > INFRA_VRRP_ANSWER_NO) {
        return INFRA_EINVAL;
    }
    infra__vrrp_advance(vrrp, now);
    if (!vrrp->is_asking || call != vrrp->ask) {
        return INFRA_ESTALE;
    }
    answered(vrrp, answer);
    return INFRA_OK;
}

/* The message is due. After a pause of this process the next one counts from
 * now; messages that were missed are not sent late. */
static void advertise_in_time(struct infra_vrrp *v)
{
    infra_time due = v->timers[INFRA__VRRP_TIMER_ADVER];

    if (v->now - due >= LATE_INTERVALS * v->o.interval) {
        infra__vrrp_hint(v, INFRA_VRRP_REASON_LATE, &nobody);
        infra__vrrp_announce(v, INFRA_VRRP_REASON_LATE);
    }
    infra__vrrp_advertise(v, v->o.priority, INFRA_VRRP_REASON_DUE);
    due += v->o.interval;
    v->timers[INFRA__VRRP_TIMER_ADVER] =
        due > v->now ? due : infra__time_add(v->now, v->o.interval);
}

void infra__vrrp_fire(struct infra_vrrp *v, uint32_t timer)
{
    assert(v->timers[timer] <= v->now);
    switch (timer) {
    case INFRA__VRRP_TIMER_FIT:
        apply_fit(v);
        break;
    case INFRA__VRRP_TIMER_START:
        begin(v, INFRA_VRRP_REASON_START);
        break;
    case INFRA__VRRP_TIMER_DOWN:
        take_over(v, v->down_reason);
        break;
    case INFRA__VRRP_TIMER_ASK:
        answered(v, INFRA_VRRP_ANSWER_UNKNOWN);
        break;
    case INFRA__VRRP_TIMER_ADVER:
        advertise_in_time(v);
        break;
    default:
        infra__vrrp_announce(v, INFRA_VRRP_REASON_DUE);
        infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_ANNOUNCE,
                              v->o.announce_interval);
        break;
    }
}
