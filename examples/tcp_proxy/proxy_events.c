/* SPDX-License-Identifier: MIT */
/* What checks and the outlier detection say becomes marks in the balancer,
 * lines in the log, and words for the operator's page. */
#include "../common/log.h"
#include "proxy.h"

static void mark(struct proxy *proxy, uint32_t id, uint32_t axis,
                 uint32_t state)
{
    int err = infra_balancer_mark(proxy->balancer, id, axis, state);

    if (err != INFRA_OK) {
        log_line("mark: %s", infra_strerror(err));
    }
}

/* Log the loss of the last backend, and the return of the first. */
static void count_up(struct proxy *proxy, uint32_t id, bool is_down)
{
    uint32_t before = proxy->up_count;

    proxy->up_count += (uint32_t)proxy->is_down[id] - (uint32_t)is_down;
    proxy->is_down[id] = is_down;
    if (before > 0 && proxy->up_count == 0) {
        log_line("no backend is up: %s",
                 proxy->options.outage == INFRA_BALANCER_OUTAGE_REFUSE
                     ? "clients are refused"
                     : "their checks are not believed");
    } else if (before == 0 && proxy->up_count > 0) {
        log_line("clients are served again");
    }
}

/* Its agent requests it, or a 404 in reply to its check. */
static void take_wish(struct proxy *proxy,
                      const struct infra_health_event *event)
{
    static const char *const words[] = { "ready", "drain", "maintenance" };
    const struct proxy_backend *backend = &proxy->options.backends[event->id];
    uint32_t weight = backend->weight != 0 ? backend->weight : 1;

    if ((event->has & INFRA_PROBE_HAS_WEIGHT_ABSOLUTE) != 0) {
        weight = event->weight;
    } else if ((event->has & INFRA_PROBE_HAS_WEIGHT) != 0) {
        weight = (uint32_t)((uint64_t)weight * event->weight_percent / 100);
    }
    log_line("backend %s wishes: %s, weight %u, cap %u", backend->name,
             words[event->admin % 3], (unsigned)weight,
             (unsigned)event->in_flight_max);
    history_note(&proxy->history, event->id, INFRA_BALANCER_AXIS_ADMIN,
                 "its agent asks for %s, weight %u", words[event->admin % 3],
                 (unsigned)weight);
    int err = infra_prober_apply_event(proxy->balancer, event);
    if (err != INFRA_OK) {
        log_line("backend %s: %s", backend->name, infra_strerror(err));
    }
}

void proxy_take_check(struct proxy *proxy,
                      const struct infra_health_event *event)
{
    uint32_t state;

    switch (event->kind) {
    case INFRA_HEALTH_EVENT_DOUBT:
    case INFRA_HEALTH_EVENT_TRUST:
        log_line("checks are %s: %s",
                 event->kind == INFRA_HEALTH_EVENT_DOUBT ? "in doubt"
                                                         : "trusted again",
                 infra_health_reason_name(event->reason));
        return;
    case INFRA_HEALTH_EVENT_UP:
        state = INFRA_BALANCER_STATE_UP;
        break;
    case INFRA_HEALTH_EVENT_DEGRADED:
        state = INFRA_BALANCER_STATE_DEGRADED;
        break;
    case INFRA_HEALTH_EVENT_DOWN:
        state = INFRA_BALANCER_STATE_DOWN;
        break;
    case INFRA_HEALTH_EVENT_WISH:
        take_wish(proxy, event);
        return;
    default:
        return; /* Not a change of health. */
    }
    log_line("backend %s is %s: %s (%s)",
             proxy->options.backends[event->id].name,
             infra_balancer_state_name(state),
             infra_health_reason_name(event->reason),
             infra_probe_reason_name(event->detail));
    history_note(&proxy->history, event->id, INFRA_BALANCER_AXIS_HEALTH,
                 "%s by its checks: %s (%s)", infra_balancer_state_name(state),
                 infra_health_reason_name(event->reason),
                 infra_probe_reason_name(event->detail));
    mark(proxy, event->id, INFRA_BALANCER_AXIS_HEALTH, state);
    count_up(proxy, event->id, state == INFRA_BALANCER_STATE_DOWN);
}

void proxy_take_outlier(struct proxy *proxy,
                        const struct infra_outlier_event *event)
{
    if (event->kind != INFRA_OUTLIER_EVENT_EJECTED &&
        event->kind != INFRA_OUTLIER_EVENT_RETURNED) {
        return;
    }
    bool ejected = event->kind == INFRA_OUTLIER_EVENT_EJECTED;
    log_line("backend %s is %s: %s", proxy->options.backends[event->id].name,
             infra_outlier_event_name(event->kind),
             infra_outlier_reason_name(event->reason));
    history_note(&proxy->history, event->id, INFRA_BALANCER_AXIS_PASSIVE,
                 "%s: %s", infra_outlier_event_name(event->kind),
                 infra_outlier_reason_name(event->reason));
    mark(proxy, event->id, INFRA_BALANCER_AXIS_PASSIVE,
         ejected ? INFRA_BALANCER_STATE_DOWN : INFRA_BALANCER_STATE_UP);
    if (ejected) {
        (void)infra_prober_check_now(proxy->prober, event->id,
                                     infra_driver_now());
    }
}
