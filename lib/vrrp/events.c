/* SPDX-License-Identifier: MIT */
/* Pending events, in the order that infra/vrrp.h promises. Timers fire one at a
 * time, when no event is pending. */
#include "internal.h"

#include <infra/vrrp.h>

/* RFC 9568 sections 5.1.1.2 and 5.1.2.2. */
static const struct infra_vrrp_address groups[] = {
    [INFRA_VRRP_FAMILY_IPV4] = { { 224, 0, 0, 18 } },
    [INFRA_VRRP_FAMILY_IPV6] = { { 0xff, 2, [15] = 0x12 } },
};

static void take_advert(struct infra_vrrp *v, struct infra_vrrp_event *e)
{
    e->kind = INFRA_VRRP_EVENT_ADVERTISE;
    e->reason = v->advert_reason;
    e->priority = v->advert_priority;
    e->address = v->o.peers_count != 0
                     ? v->peers[v->o.peers_count - v->adverts_left]
                     : groups[v->o.family];
    v->adverts_left--;
    v->advertised++;
}

static void take_change(struct infra_vrrp *v, struct infra_vrrp_event *e)
{
    e->kind = INFRA_VRRP_EVENT_CHANGE;
    e->reason = v->reason;
    e->priority = v->changed_by.priority;
    e->address = v->changed_by.address;
    e->at = v->since;
    v->told_state = v->state;
}

static void take_announce(struct infra_vrrp *v, struct infra_vrrp_event *e)
{
    e->kind = INFRA_VRRP_EVENT_ANNOUNCE;
    e->reason = v->announce_reason;
    e->address = v->addresses[v->o.addresses_count - v->announces_left];
    v->announces_left--;
}

static void take_ask(struct infra_vrrp *v, struct infra_vrrp_event *e)
{
    e->kind = INFRA_VRRP_EVENT_WITNESS;
    e->reason = v->down_reason;
    e->call = v->ask;
    e->deadline = v->timers[INFRA__VRRP_TIMER_ASK];
    v->ask_is_pending = false;
}

static bool take_hint(struct infra_vrrp *v, struct infra_vrrp_event *e)
{
    for (uint32_t i = 0; i < INFRA__VRRP_HINTS_COUNT; i++) {
        struct infra__vrrp_hint *h = &v->hints[i];
        if (h->is_pending) {
            h->is_pending = false;
            e->kind = INFRA_VRRP_EVENT_HINT;
            e->reason = INFRA__VRRP_HINT_FIRST + i;
            e->priority = h->party.priority;
            e->address = h->party.address;
            return true;
        }
    }
    return false;
}

static bool take(struct infra_vrrp *v, struct infra_vrrp_event *e)
{
    *e = (struct infra_vrrp_event) { .state = v->state, .at = v->now };
    if (v->adverts_left != 0 &&
        v->advert_priority != INFRA__VRRP_PRIORITY_RESIGN) {
        take_advert(v, e);
    } else if (v->told_state != v->state) {
        take_change(v, e);
    } else if (v->adverts_left != 0) {
        take_advert(v, e);
    } else if (v->announces_left != 0) {
        take_announce(v, e);
    } else if (v->is_asking && v->ask_is_pending) {
        take_ask(v, e);
    } else {
        return take_hint(v, e);
    }
    return true;
}

int infra_vrrp_next(struct infra_vrrp *vrrp, infra_time now,
                    struct infra_vrrp_event *ret)
{
    struct infra_vrrp_event e;

    if (vrrp == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    infra__vrrp_advance(vrrp, now);
    /* A timer that fires is set past now or stopped, so this ends. */
    while (!take(vrrp, &e)) {
        uint32_t timer = infra__vrrp_first_timer(vrrp);
        if (vrrp->timers[timer] > vrrp->now ||
            vrrp->timers[timer] == INFRA_TIME_NEVER) {
            return INFRA_EAGAIN;
        }
        infra__vrrp_fire(vrrp, timer);
    }
    *ret = e;
    return INFRA_OK;
}

static bool has_hint(const struct infra_vrrp *v)
{
    for (uint32_t i = 0; i < INFRA__VRRP_HINTS_COUNT; i++) {
        if (v->hints[i].is_pending) {
            return true;
        }
    }
    return false;
}

infra_time infra_vrrp_deadline(const struct infra_vrrp *vrrp)
{
    if (vrrp->adverts_left != 0 || vrrp->told_state != vrrp->state ||
        vrrp->announces_left != 0 ||
        (vrrp->is_asking && vrrp->ask_is_pending) || has_hint(vrrp)) {
        return 0;
    }
    infra_time first = vrrp->timers[infra__vrrp_first_timer(vrrp)];
    return first <= vrrp->now ? 0 : first;
}
