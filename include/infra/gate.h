/* SPDX-License-Identifier: MIT */
/**
 * @file gate.h
 * Words that failover.h, promotion.h and the workers of a host share: the gate,
 * the fence, and the outcome of an order.
 *
 * The gate says whether this node is active now, and with which token.  The
 * machine of failover.h writes the gate; every worker reads it before each side
 * effect.  A gate cannot help a worker that is paused between reading and
 * writing.  The fence can: it stands at the resource and refuses a token older
 * than the newest it has seen.
 *
 * @code
 * // a worker, before each side effect:
 * if (infra_gate_is_open(gate, now, &token)) { write_with(token); }
 * // the resource, before it carries the write out:
 * if (infra_fence_admit(fence, token) != INFRA_OK) { refuse(); }
 * @endcode
 *
 * Cost: O(1) a call, no lock and no allocation.  Sources: Burrows 2006 (Chubby:
 * sequencers), Kleppmann 2016 (fencing tokens).
 */
#ifndef INFRA_GATE_H
#define INFRA_GATE_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name Gate
 * A small value of the host, which may lie in memory that worker processes
 * share.  All zeroes are a closed gate.
 * @{
 */
struct infra_gate {
    uint64_t opaque[16];
};

/**
 * May a side effect happen now?  At most 5 ns.
 *
 * @param now  On the clock that the machine of failover.h is told.
 * @param ret_token  The token to present to the resource; untouched if the gate
 *                   is closed.  NULL is allowed.
 * @return 1 or 0.
 *
 * Thread safety: any.
 */
INFRA_API int infra_gate_is_open(const struct infra_gate *gate, infra_time now,
                                 uint64_t *ret_token);

/**
 * May new work begin now?  As infra_gate_is_open(), but 0 while the node
 * drains; work in progress may go on as long as infra_gate_is_open().
 *
 * Thread safety: any.
 */
INFRA_API int infra_gate_admits(const struct infra_gate *gate, infra_time now,
                                uint64_t *ret_token);

/** Attest that a worker has made progress; see attest_age_max in
 *  infra_failover_options.  Thread safety: any. */
INFRA_API void infra_gate_attest(struct infra_gate *gate, infra_time now);
/** @} */

/**
 * @name Fence
 * A small value at a resource that only the active node may change.  It refuses
 * each token that is older than the newest it has seen.  All zeroes have seen
 * no token.
 * @{
 */
struct infra_fence {
    uint64_t opaque[2];
};

/**
 * Admit or refuse the holder of a token.
 *
 * @return INFRA_OK; INFRA_ESTALE: the fence has seen a newer token;
 *         INFRA_EINVAL: token 0.
 *
 * Thread safety: any.
 */
INFRA_API int infra_fence_admit(struct infra_fence *fence, uint64_t token);

/** The newest token seen, 0: none.  Write it down, and admit it first after a
 *  restart.  Thread safety: any. */
INFRA_API uint64_t infra_fence_token(const struct infra_fence *fence);
/** @} */

/** How an order ended: a FENCE of failover.h, any order of promotion.h. */
enum infra_order_outcome {
    INFRA_ORDER_DONE,    /**< It was carried out. */
    INFRA_ORDER_FAILED,  /**< It was not, and will not be. */
    INFRA_ORDER_UNKNOWN, /**< No answer, or one that proves nothing. */
};

/** Name of an outcome ("failed"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_order_outcome_name(uint32_t outcome);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_GATE_H */
