/* SPDX-License-Identifier: MIT */
/**
 * @file apply.h
 * From a prober's events to a balancer's marks: the lines that every host of
 * both would write.
 *
 * @code
 * infra_driver_step(driver, infra_driver_now());      // or infra_driver_run()
 * if (infra_prober_apply(prober, balancer, infra_driver_now()) > 0) {
 *     infra_balancer_publish(balancer, infra_driver_now());
 * }
 * @endcode
 *
 * Prober and balancer use the same ids.  A host that logs or counts takes the
 * events itself and passes each on:
 *
 * @code
 * while (infra_prober_next(prober, infra_driver_now(), &event) == INFRA_OK) {
 *     log_event(&event);
 *     infra_prober_apply_event(balancer, &event);
 * }
 * @endcode
 *
 * UP, DEGRADED and DOWN become marks on INFRA_BALANCER_AXIS_HEALTH.  A WISH is
 * carried out: READY, DRAIN and MAINTENANCE become UP, DRAINING and DOWN on
 * INFRA_BALANCER_AXIS_ADMIN; a weight goes to infra_balancer_set_share() or
 * _set_weight(), where 0 is no traffic.  A value that was never requested stays
 * as it is, and so does a cap (in_flight_max), which belongs to
 * infra_balancer_set().  DOUBT and TRUST change nothing.
 */
#ifndef INFRA_APPLY_H
#define INFRA_APPLY_H

#include <infra/balancer.h>
#include <infra/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Apply all events of a prober to a balancer.  The host publishes.
 *
 * @return The number of events that changed a mark or a weight, 0 or more;
 *         INFRA_EINVAL: NULL.  An event for an id unknown to the balancer is
 *         dropped: set a backend there before it is checked.
 *
 * The balancer must have the same owner.  Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_apply(struct infra_prober *prober,
                                 struct infra_balancer *balancer,
                                 infra_time now);

/**
 * Apply one event to a balancer.
 *
 * @return INFRA_OK, also if nothing is to change; INFRA_ENOENT: the id is
 *         unknown to the balancer; INFRA_EINVAL: NULL, or an unknown value.
 *
 * Thread safety: owner (of the balancer).
 */
INFRA_API int infra_prober_apply_event(struct infra_balancer *balancer,
                                       const struct infra_health_event *event);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_APPLY_H */
