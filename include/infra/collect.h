/* SPDX-License-Identifier: MIT */
/**
 * @file collect.h
 * Ready metrics of the library's modules: what balancer, health checks, outlier
 * detection, failover and router know of themselves becomes series.
 *
 * A struct infra_collect writes into a struct infra_metrics.  The host calls it
 * before each text, on the control thread.  It keeps no series of its own, so
 * that the host may add others, and each module is named only by the call that
 * reads it: a program links what it collects.
 *
 * @code
 * infra_collect_create(&collect, metrics, "web", NULL);
 * // GET /metrics:
 * for (id = 0; id < backends_count; id++) {
 *     infra_collect_balancer(collect, balancer, id, names[id]);
 *     infra_prober_inspect(prober, id, &health);
 *     infra_collect_health(collect, names[id], &health);
 * }
 * @endcode
 *
 * **Series**, after the prefix and "_"; `backend` is the label where none is
 * said, and counters have _total in the text:
 *
 * | call | series |
 * |---|---|
 * | balancer | backend_picks, backend_failures, backend_sessions,
 * backend_share_ratio, backend_state (up, degraded, draining, down),
 * backend_latency_reports, backend_latency_seconds (both counters: their
 * quotient is the mean) |
 * | tier | tier_backends, tier_up, tier_candidates, by `tier` |
 * | health | backend_checks, backend_check_failures, backend_check_up |
 * | outlier | backend_ejected, backend_ejections, backend_success_ratio |
 * | failover | failover_role (standby, ..., active, ...), failover_token,
 * failover_activations, by `group` |
 * | router node | node_state (primary, serving, ...), node_lag_seconds, by
 * `node` |
 * | router | router_verdicts by `reason`, router_held_sessions,
 * router_serving_replicas |
 *
 * Every call returns INFRA_OK; INFRA_EFULL: some series found no room, and the
 * family's overflow series has the last value; an error of the module's
 * inspection; INFRA_EINVAL: NULL; INFRA_ENOMEM; or greater, an enum
 * infra_metrics_flaw, for a label that is no UTF-8 or a family whose name the
 * host has taken.
 *
 * Cost: a look-up and a store a series.
 */
#ifndef INFRA_COLLECT_H
#define INFRA_COLLECT_H

#include <infra/balancer.h>
#include <infra/failover.h>
#include <infra/health.h>
#include <infra/metrics.h>
#include <infra/outlier.h>
#include <infra/router.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_collect; /**< Families of one metrics. */

#define INFRA_COLLECT_PREFIX_MAX 32u /**< Bytes of a prefix. */

/**
 * Create a collector.  Families are added when first used.
 *
 * @param metrics  Must outlive the collector.
 * @param prefix   Begin of every name, without its last "_"; copied.
 * @param allocator  NULL: libc.  Copied.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or a prefix that is empty, too long or
 * no name; INFRA_ENOMEM.
 *
 * Allocates.
 *
 * Thread safety: owner (of the metrics).
 */
INFRA_API int INFRA_NODISCARD infra_collect_create(
    struct infra_collect **ret, struct infra_metrics *metrics,
    const char *prefix, const struct infra_allocator *allocator);

/** Destroy a collector; its series stay.  NULL is ignored.  Thread safety:
 *  owner. */
INFRA_API void infra_collect_destroy(struct infra_collect *collect);

/** Collect a backend's counters and state from a balancer; @p name is the
 *  label.  Allocates.  Thread safety: owner (of the balancer). */
INFRA_API int infra_collect_balancer(struct infra_collect *collect,
                                     const struct infra_balancer *balancer,
                                     uint32_t id, const char *name);

/** Collect a tier of a balancer.  Allocates.  Thread safety: owner (of the
 *  balancer). */
INFRA_API int infra_collect_tier(struct infra_collect *collect,
                                 const struct infra_balancer *balancer,
                                 uint32_t tier);

/** Collect a backend's checks, from infra_health_inspect() or
 *  infra_prober_inspect().  Allocates.  Thread safety: owner. */
INFRA_API int infra_collect_health(struct infra_collect *collect,
                                   const char *name,
                                   const struct infra_health_status *status);

/** Collect a backend's ejections.  Allocates.  Thread safety: owner (of the
 *  outlier). */
INFRA_API int infra_collect_outlier(struct infra_collect *collect,
                                    const struct infra_outlier *outlier,
                                    uint32_t id, const char *name);

/** Collect this node's role in a group, from infra_failover_inspect().
 *  Allocates.  Thread safety: owner. */
INFRA_API int infra_collect_failover(
    struct infra_collect *collect, const char *group,
    const struct infra_failover_status *status);

/** Collect a node of a router.  Allocates.  Thread safety: owner (of the
 *  router). */
INFRA_API int infra_collect_router_node(struct infra_collect *collect,
                                        const struct infra_router *router,
                                        uint32_t id, const char *name,
                                        infra_time now);

/** Collect a router's verdicts and what waits.  Allocates.  Thread safety:
 *  owner (of the router). */
INFRA_API int infra_collect_router(struct infra_collect *collect,
                                   const struct infra_router *router,
                                   infra_time now);

/**
 * Remove a backend's, tier's, group's or node's series, by the label that they
 * were collected with.
 *
 * @return INFRA_OK, also if there are none; INFRA_EINVAL; INFRA_ENOMEM.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_collect_remove(struct infra_collect *collect,
                                   const char *name);

#ifdef __cplusplus
}
#endif

#endif
