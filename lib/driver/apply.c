/* SPDX-License-Identifier: MIT */
/* From a prober's events to a balancer's marks. In a file of its own, so that a
 * prober alone links no balancer. */
#include <infra/apply.h>

static int mark_health(struct infra_balancer *balancer,
                       const struct infra_health_event *event)
{
    uint32_t state = event->kind == INFRA_HEALTH_EVENT_UP
                         ? INFRA_BALANCER_STATE_UP
                     : event->kind == INFRA_HEALTH_EVENT_DEGRADED
                         ? INFRA_BALANCER_STATE_DEGRADED
                         : INFRA_BALANCER_STATE_DOWN;

    return infra_balancer_mark(balancer, event->id, INFRA_BALANCER_AXIS_HEALTH,
                               state);
}

static int mark_admin(struct infra_balancer *balancer,
                      const struct infra_health_event *event)
{
    static const uint32_t states[] = {
        [INFRA_PROBE_ADMIN_READY] = INFRA_BALANCER_STATE_UP,
        [INFRA_PROBE_ADMIN_DRAIN] = INFRA_BALANCER_STATE_DRAINING,
        [INFRA_PROBE_ADMIN_MAINTENANCE] = INFRA_BALANCER_STATE_DOWN,
    };

    return event->admin <= INFRA_PROBE_ADMIN_MAINTENANCE
               ? infra_balancer_mark(balancer, event->id,
                                     INFRA_BALANCER_AXIS_ADMIN,
                                     states[event->admin])
               : INFRA_EINVAL;
}

static int fulfil(struct infra_balancer *balancer,
                  const struct infra_health_event *event)
{
    int err = INFRA_OK;

    if ((event->has & INFRA_PROBE_HAS_ADMIN) != 0) {
        err = mark_admin(balancer, event);
    }
    if (err == INFRA_OK &&
        (event->has & INFRA_PROBE_HAS_WEIGHT_ABSOLUTE) != 0) {
        err = infra_balancer_set_weight(balancer, event->id, event->weight);
    } else if (err == INFRA_OK && (event->has & INFRA_PROBE_HAS_WEIGHT) != 0) {
        err = infra_balancer_set_share(balancer, event->id,
                                       event->weight_percent);
    }
    return err;
}

int infra_prober_apply_event(struct infra_balancer *balancer,
                             const struct infra_health_event *event)
{
    if (balancer == NULL || event == NULL) {
        return INFRA_EINVAL;
    }
    switch (event->kind) {
    case INFRA_HEALTH_EVENT_UP:
    case INFRA_HEALTH_EVENT_DEGRADED:
    case INFRA_HEALTH_EVENT_DOWN:
        return mark_health(balancer, event);
    case INFRA_HEALTH_EVENT_WISH:
        return fulfil(balancer, event);
    case INFRA_HEALTH_EVENT_DOUBT:
    case INFRA_HEALTH_EVENT_TRUST:
        return INFRA_OK;
    default:
        return INFRA_EINVAL;
    }
}

int infra_prober_apply(struct infra_prober *prober,
                       struct infra_balancer *balancer, infra_time now)
{
    struct infra_health_event event;
    int count = 0;

    if (prober == NULL || balancer == NULL) {
        return INFRA_EINVAL;
    }
    while (infra_prober_next(prober, now, &event) == INFRA_OK) {
        count += event.id != INFRA_HEALTH_NOBODY &&
                 infra_prober_apply_event(balancer, &event) == INFRA_OK;
    }
    return count;
}
