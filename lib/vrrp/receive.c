/* SPDX-License-Identifier: MIT */
/* Taking in a message of another node (RFC 9568 sections 6.4.2, 6.4.3 and
 * 7.1, with erratum 8298: an owner hears other owners). O(1). */
#include "../base/internal.h"
#include "internal.h"

#include <infra/vrrp.h>
#include <string.h>

/* Accept the sender as the Active node. */
static void accept_active(struct infra_vrrp *v,
                          const struct infra_vrrp_advert *advert)
{
    v->active_interval = advert->interval;
    v->down_reason = INFRA_VRRP_REASON_SILENCE;
    v->is_asking = false;
    infra__vrrp_stop_timer(v, INFRA__VRRP_TIMER_ASK);
    infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_DOWN, infra__vrrp_down(v));
}

/* Is a node of lower priority left Active for now? The delay counts from when
 * it was first seen (keepalived's preempt_delay). */
static bool spare_lower(struct infra_vrrp *v)
{
    if (!v->preempt) {
        return true;
    }
    if (v->lower_since == INFRA_TIME_NEVER) {
        v->lower_since = v->now;
    }
    return v->o.preempt_delay != 0 &&
           v->now <= infra__time_add(v->lower_since, v->o.preempt_delay);
}

/* Section 6.4.2. */
static void hear_as_backup(struct infra_vrrp *v,
                           const struct infra_vrrp_advert *advert,
                           const struct infra__vrrp_party *party)
{
    if (advert->priority == INFRA__VRRP_PRIORITY_RESIGN) {
        v->active = (struct infra__vrrp_party) { .priority = 0 };
        v->lower_since = INFRA_TIME_NEVER;
        if (!v->is_asking) {
            v->down_reason = INFRA_VRRP_REASON_RESIGNED;
            infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_DOWN,
                                  infra__vrrp_skew(v));
        }
        return;
    }
    v->active = *party;
    if (advert->priority >= v->o.priority) {
        v->lower_since = INFRA_TIME_NEVER;
        accept_active(v, advert);
    } else if (spare_lower(v)) {
        accept_active(v, advert);
    } else {
        v->down_reason = INFRA_VRRP_REASON_PREEMPT;
    }
}

/* Another node is Active, too, and has to yield. ARP tables may name either
 * node: announce, at most once per interval, since anyone may send. */
static void resist(struct infra_vrrp *v, const struct infra__vrrp_party *party)
{
    v->rivals++;
    infra__vrrp_hint(v, INFRA_VRRP_REASON_RIVAL, party);
    infra__vrrp_advertise(v, v->o.priority, INFRA_VRRP_REASON_RIVAL);
    if (v->now - v->announced >= v->o.interval) {
        infra__vrrp_announce(v, INFRA_VRRP_REASON_RIVAL);
    }
}

/* Yield to a better node, with one last message: if the LAN was split, the
 * better node does not know that this node was Active and announced the
 * addresses, and would not announce them again. On the wire it is as if
 * Adver_Timer had fired just before. */
static void yield(struct infra_vrrp *v, uint32_t reason,
                  const struct infra_vrrp_advert *advert,
                  const struct infra__vrrp_party *party)
{
    bool was_told = v->told_state == INFRA_VRRP_STATE_ACTIVE;

    v->active_interval = advert->interval;
    infra__vrrp_become_backup(v, reason, party);
    if (was_told) {
        infra__vrrp_advertise(v, v->o.priority, INFRA_VRRP_REASON_RIVAL);
    }
}

/* Section 6.4.3. */
static void hear_as_active(struct infra_vrrp *v,
                           const struct infra_vrrp_advert *advert,
                           const struct infra__vrrp_party *party)
{
    if (advert->priority == INFRA__VRRP_PRIORITY_RESIGN) {
        infra__vrrp_advertise(v, v->o.priority, INFRA_VRRP_REASON_RESIGNED);
        infra__vrrp_set_timer(v, INFRA__VRRP_TIMER_ADVER, v->o.interval);
        return;
    }
    bool is_tie = advert->priority == v->o.priority;
    if (advert->priority > v->o.priority) {
        yield(v, INFRA_VRRP_REASON_PRIORITY, advert, party);
    } else if (is_tie && infra__vrrp_compare(v->o.family, &party->address,
                                             &v->o.local) > 0) {
        yield(v, INFRA_VRRP_REASON_ADDRESS, advert, party);
    } else {
        resist(v, party);
    }
}

static uint32_t flaw(const struct infra_vrrp *v,
                     const struct infra_vrrp_advert *advert)
{
    if (advert->vrid != v->o.vrid) {
        return INFRA_VRRP_FLAW_VRID;
    }
    if (advert->family != v->o.family) {
        return INFRA_VRRP_FLAW_FAMILY;
    }
    if (infra__vrrp_compare(v->o.family, &advert->source, &v->o.local) == 0) {
        return INFRA_VRRP_FLAW_OURS;
    }
    for (uint32_t i = 0; i < v->o.peers_count; i++) {
        if (infra__vrrp_compare(v->o.family, &advert->source, &v->peers[i]) ==
            0) {
            return INFRA_VRRP_FLAW_NONE;
        }
    }
    return v->o.peers_count == 0 ? INFRA_VRRP_FLAW_NONE : INFRA_VRRP_FLAW_PEER;
}

/* Compares the list in its order, as section 5.2.9 recommends. */
static bool has_our_addresses(const struct infra_vrrp *v,
                              const struct infra_vrrp_advert *advert)
{
    size_t size = infra__vrrp_address_size(v->o.family);

    if (advert->addresses_count != v->o.addresses_count) {
        return false;
    }
    for (uint32_t i = 0; i < v->o.addresses_count; i++) {
        if (memcmp(advert->addresses + i * size, v->addresses[i].bytes, size) !=
            0) {
            return false;
        }
    }
    return true;
}

/* Hints: section 7.1 asks for a log of these. */
static void look_for_oddities(struct infra_vrrp *v,
                              const struct infra_vrrp_advert *advert,
                              const struct infra__vrrp_party *party)
{
    if (advert->priority == INFRA__VRRP_PRIORITY_OWNER &&
        v->o.priority == INFRA__VRRP_PRIORITY_OWNER) {
        infra__vrrp_hint(v, INFRA_VRRP_REASON_OWNERS, party);
    }
    if (advert->interval != v->o.interval) {
        infra__vrrp_hint(v, INFRA_VRRP_REASON_INTERVAL, party);
    }
    if (!has_our_addresses(v, advert)) {
        infra__vrrp_hint(v, INFRA_VRRP_REASON_ADDRESSES, party);
    }
}

int infra_vrrp_hear(struct infra_vrrp *vrrp,
                    const struct infra_vrrp_advert *advert, infra_time now)
{
    if (vrrp == NULL || advert == NULL || advert->addresses == NULL ||
        advert->priority > INFRA__VRRP_PRIORITY_OWNER ||
        advert->interval == 0 || advert->interval > INFRA__VRRP_INTERVAL_MAX) {
        return INFRA_EINVAL;
    }
    infra__vrrp_advance(vrrp, now);
    uint32_t found = flaw(vrrp, advert);
    if (found != INFRA_VRRP_FLAW_NONE) {
        return (int)found;
    }
    struct infra__vrrp_party party = { .priority = advert->priority };
    memcpy(party.address.bytes, advert->source.bytes,
           infra__vrrp_address_size(vrrp->o.family));
    vrrp->heard++;
    if (vrrp->state == INFRA_VRRP_STATE_BACKUP) {
        hear_as_backup(vrrp, advert, &party);
    } else if (vrrp->state == INFRA_VRRP_STATE_ACTIVE) {
        hear_as_active(vrrp, advert, &party);
    }
    /* Last, since a change of state resets the hints. */
    look_for_oddities(vrrp, advert, &party);
    return INFRA_OK;
}
