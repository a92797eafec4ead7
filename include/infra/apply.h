/* SPDX-License-Identifier: MIT */
/**
 * @file apply.h
 * What a prober finds becomes marks of a balancer: the lines that every host of
 * both would write.
 *
 * @code
 * infra_driver_step(driver, infra_driver_now());      // or infra_driver_run()
 * if (infra_prober_apply(prober, balancer, infra_driver_now()) > 0) {
 *     infra_balancer_publish(balancer, infra_driver_now());
 * }
 * @endcode
 *
 * Ids are the same in both.  A host that logs, or counts, takes the events
 * itself and hands each on:
 *
 * @code
 * while (infra_prober_next(prober, infra_driver_now(), &event) == INFRA_OK) {
 *     log_event(&event);
 *     infra_prober_apply_event(balancer, &event);
 * }
 * @endcode
 *
 * UP, DEGRADED and DOWN are marks on INFRA_AXIS_HEALTH.  A WISH is done: READY,
 * DRAIN and MAINTENANCE are UP, DRAINING and DOWN on INFRA_AXIS_ADMIN, a weight
 * is that of infra_balancer_set_share() or _set_weight(), where 0 is nothing.
 * What was never wished is left alone, and so is a cap (in_flight_max), which
 * is a matter of infra_balancer_set().  DOUBT and TRUST change nothing.
 */
#ifndef INFRA_APPLY_H
#define INFRA_APPLY_H

#include <infra/balancer.h>
#include <infra/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Take all events of a prober and do what they say.  Publishing is the host's.
 *
 * @return How many events changed something, 0 or more; INFRA_EINVAL: NULL.  An
 *         event of an id that the balancer does not know is dropped: set a
 *         backend there before it is checked.
 *
 * The balancer's owner calls, too.  Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_apply(struct infra_prober *prober,
                                 struct infra_balancer *balancer,
                                 infra_time now);

/**
 * Do what one event says.
 *
 * @return INFRA_OK, also if there is nothing to do; INFRA_ENOENT: the balancer
 *         does not know the id; INFRA_EINVAL: NULL, or a value that there is
 *         not.
 *
 * Thread safety: owner (of the balancer).
 */
INFRA_API int infra_prober_apply_event(struct infra_balancer *balancer,
                                       const struct infra_health_event *event);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_APPLY_H */
