/* SPDX-License-Identifier: MIT */
/* A virtual router as an object: options, create, status. One allocation; every
 * array has the size of its maximum. */
#include "../base/internal.h"
#include "internal.h"

#include <infra/vrrp.h>
#include <string.h>

#define PRIORITY_DEFAULT 100u
#define INTERVAL_DEFAULT INFRA_SEC(1)
#define ANNOUNCE_EVERY_DEFAULT INFRA_SEC(60)
#define ANNOUNCE_EVERY_MIN INFRA_SEC(1) /* Spare the LAN. */

INFRA__NO_TAIL_PADDING(struct infra_vrrp_options, checksum);
INFRA__NO_TAIL_PADDING(struct infra_vrrp_status, fit);
_Static_assert(sizeof(struct infra_vrrp_event) == 64, "events are 64 bytes");

int infra__vrrp_compare(uint32_t family, const struct infra_vrrp_address *a,
                        const struct infra_vrrp_address *b)
{
    return memcmp(a->bytes, b->bytes, infra__vrrp_address_size(family));
}

static void set_defaults(struct infra_vrrp_options *o)
{
    o->interval = o->interval != 0 ? o->interval : INTERVAL_DEFAULT;
    o->priority = o->priority != 0 ? o->priority : PRIORITY_DEFAULT;
    o->announce_interval = o->announce_interval != 0 ? o->announce_interval
                                                     : ANNOUNCE_EVERY_DEFAULT;
    o->witness_timeout =
        o->witness_timeout != 0 ? o->witness_timeout : o->interval;
}

static bool in_range(const struct infra_vrrp_options *o)
{
    return o->interval % INFRA__VRRP_INTERVAL_UNIT == 0 &&
           o->interval <= INFRA__VRRP_INTERVAL_MAX &&
           o->announce_interval >= ANNOUNCE_EVERY_MIN &&
           o->family <= INFRA_VRRP_FAMILY_IPV6 && o->vrid >= 1 &&
           o->vrid <= 255 && o->priority <= INFRA__VRRP_PRIORITY_OWNER &&
           o->no_preempt <= 1 &&
           (o->no_preempt == 0 || o->preempt_delay == 0) &&
           o->witness <= INFRA_VRRP_WITNESS_REQUIRE &&
           o->checksum <= INFRA_VRRP_CHECKSUM_MESSAGE;
}

static bool has_addresses(const struct infra_vrrp_options *o)
{
    static const struct infra_vrrp_address none;

    if (infra__vrrp_compare(o->family, &o->local, &none) == 0 ||
        o->addresses == NULL || o->addresses_count == 0 ||
        o->addresses_count > INFRA_VRRP_ADDRESSES_MAX ||
        (o->peers == NULL) != (o->peers_count == 0) ||
        o->peers_count > INFRA_VRRP_PEERS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < o->peers_count; i++) {
        if (infra__vrrp_compare(o->family, &o->peers[i], &o->local) == 0) {
            return false;
        }
    }
    /* RFC 9568 section 5.2.9. */
    return o->family == INFRA_VRRP_FAMILY_IPV4 ||
           infra__vrrp_is_link_local(o->addresses[0].bytes);
}

/* Copy @count addresses, without what follows those of IPv4. */
static void copy(struct infra_vrrp_address *to,
                 const struct infra_vrrp_address *from, uint32_t count,
                 uint32_t family)
{
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to[i].bytes, from[i].bytes, infra__vrrp_address_size(family));
    }
}

static int complete(void *options)
{
    struct infra_vrrp_options *o = options;

    set_defaults(o);
    return in_range(o) && has_addresses(o) ? INFRA_OK : INFRA_EINVAL;
}

static void configure(struct infra_vrrp *v, const struct infra_vrrp_options *o)
{
    v->o = *o;
    v->o.local = (struct infra_vrrp_address) { { 0 } };
    v->preempt =
        o->no_preempt == 0 || o->priority == INFRA__VRRP_PRIORITY_OWNER;
    copy(&v->o.local, &o->local, 1, o->family);
    copy(v->addresses, o->addresses, o->addresses_count, o->family);
    copy(v->peers, o->peers, o->peers_count, o->family);
}

int infra_vrrp_create(struct infra_vrrp **ret,
                      const struct infra_vrrp_options *options)
{
    struct infra_vrrp_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_vrrp *v = infra__object_create(&err, sizeof *v, o.allocator);

    if (v == NULL) {
        return err;
    }
    configure(v, &o);
    v->is_fit = true;
    v->said_fit = true;
    v->active_interval = v->o.interval;
    v->lower_since = INFRA_TIME_NEVER;
    for (uint32_t i = 0; i < INFRA__VRRP_TIMERS_COUNT; i++) {
        v->timers[i] = INFRA_TIME_NEVER;
    }
    *ret = v;
    return INFRA_OK;
}

void infra_vrrp_destroy(struct infra_vrrp *vrrp)
{
    if (vrrp != NULL) {
        infra__object_free(vrrp, sizeof *vrrp);
    }
}

int infra_vrrp_set_priority(struct infra_vrrp *vrrp, uint32_t priority)
{
    if (vrrp == NULL || priority == INFRA__VRRP_PRIORITY_RESIGN ||
        priority >= INFRA__VRRP_PRIORITY_OWNER ||
        vrrp->o.priority == INFRA__VRRP_PRIORITY_OWNER) {
        return INFRA_EINVAL;
    }
    vrrp->o.priority = priority;
    return INFRA_OK;
}

int infra_vrrp_inspect(const struct infra_vrrp *vrrp,
                       struct infra_vrrp_status *ret)
{
    if (vrrp == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const struct infra_vrrp_status status = {
        .size = sizeof status,
        .since = vrrp->since,
        .interval = vrrp->active_interval,
        .down = infra__vrrp_down(vrrp),
        .activations = vrrp->activations,
        .advertised = vrrp->advertised,
        .heard = vrrp->heard,
        .rivals = vrrp->rivals,
        .active = vrrp->active.address,
        .state = vrrp->state,
        .reason = vrrp->reason,
        .priority = vrrp->o.priority,
        .active_priority = vrrp->active.priority,
        .is_asking = vrrp->is_asking,
        .fit = vrrp->is_fit,
    };
    return infra__status_export(ret, &status, sizeof status, sizeof status);
}
