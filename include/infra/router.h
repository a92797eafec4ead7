/* SPDX-License-Identifier: MIT */
/**
 * @file router.h
 * A primary and its replicas: which node takes writes, which may take reads.
 *
 * struct infra_router is the control side.  The host tells it what it sees of
 * each node: role, fencing token, position and lag.  Each worker thread has a
 * struct infra_router_reader; each client has a struct infra_session
 * (session.h), which asks the reader where a statement may go.
 *
 * @code
 * // Control thread, whenever a node was looked at.
 * struct infra_router_node node = { .size = sizeof node,
 *                                   .role = INFRA_ROUTER_ROLE_PRIMARY,
 *                                   .token = token };
 * infra_router_set(router, id, &node);
 * infra_router_sample(router, id, &sample);
 * infra_router_publish(router, now);
 * @endcode
 *
 * **One primary.**  The primary is the node of that role with the highest
 * token.  A node that says it is primary with a lower token than one seen
 * before is *stale*: it gets nothing, neither writes nor reads.  Two primaries
 * with one token are a *split brain*: neither gets anything.  Both last until
 * the host says otherwise.  A host without tokens leaves them 0: then a second
 * primary is a split brain.
 *
 * **Reigns.**  Tell the router of each primary and where its reign began, also
 * of one that was short: what a reign lost that the router has not seen cannot
 * be told from what is there.  A replica that does not follow the primary, such
 * as one that has to be rewound first, has the role NONE.
 *
 * **Fresh enough.**  A replica is as old as its lag when it was sampled plus
 * the time since then.  One that is older than lag_max serves no reads; if it
 * was so at a publish, it returns when it is below three quarters of that.
 * Among the others, those within lag_preferred serve; if they are fewer than
 * replicas_min, the least old of the rest join them (Vitess, two tiers).
 *
 * **No replica is fit.**  Then reads go to the primary, at most fallback_rate
 * of them in a second: an outage of the replicas must not take the primary
 * with it.
 *
 * Thread safety: calls on the router are *owner* (the control thread's); calls
 * on a reader are *owner* (its thread's).  A publish reaches a reader at its
 * next use, without a lock.
 *
 * Cost: a publish is O(nodes + readers) and allocates one table.  Sources:
 * Vitess replicationlag.go; MongoDB's server selection specification on
 * staleness; design of the token: failover.h.
 */
#ifndef INFRA_ROUTER_H
#define INFRA_ROUTER_H

#include <infra/position.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_router;        /**< Control side of one group of nodes. */
struct infra_router_reader; /**< One worker thread's view of it. */
struct infra_session;       /**< One client: session.h. */

#define INFRA_ROUTER_NODES_MAX 64u /**< Ids 0 .. 63, so that a set is a word. */
#define INFRA_ROUTER_NODE_NONE UINT32_MAX /**< No node. */

/** What a node is now.  Append-only. */
enum infra_router_role {
    INFRA_ROUTER_ROLE_NONE = 0,    /**< Down, or not known: gets nothing. */
    INFRA_ROUTER_ROLE_PRIMARY = 1, /**< Takes writes. */
    INFRA_ROUTER_ROLE_REPLICA = 2  /**< Takes reads. */
};

/** What the router makes of a node.  Append-only. */
enum infra_router_state {
    INFRA_ROUTER_STATE_NONE = 0,    /**< Down, or not set. */
    INFRA_ROUTER_STATE_PRIMARY = 1, /**< The primary. */
    INFRA_ROUTER_STATE_SERVING = 2, /**< A replica that is fresh enough. */
    INFRA_ROUTER_STATE_SPARE = 3, /**< Fresh enough, but others are fresher. */
    INFRA_ROUTER_STATE_LAGGING = 4,   /**< A replica beyond lag_max. */
    INFRA_ROUTER_STATE_UNSAMPLED = 5, /**< A replica of unknown lag. */
    INFRA_ROUTER_STATE_DRAINING = 6,  /**< Finishes what it has. */
    INFRA_ROUTER_STATE_STALE = 7,     /**< A primary with an older token. */
    INFRA_ROUTER_STATE_SPLIT = 8      /**< One of two with the same token. */
};

/** What happens to a read that no replica is fit for.  Append-only. */
enum infra_router_fallback {
    INFRA_ROUTER_FALLBACK_PRIMARY = 0,      /**< Up to fallback_rate. */
    INFRA_ROUTER_FALLBACK_LEAST_LAGGED = 1, /**< The least old replica; if none
                                                 is up, the primary. */
    INFRA_ROUTER_FALLBACK_FAIL = 2
};

/** Options of infra_router_create(); 0 is the default. */
struct infra_router_options {
    size_t size;
    const struct infra_allocator *allocator;
    uint32_t nodes_max;       /**< Number of ids, up to 64.  Default 16. */
    uint32_t readers_max;     /**< Number of readers, up to 4096.  Default
                                     64. */
    infra_time lag_max;       /**< Age beyond which a replica serves no reads;
                                     INFRA_TIME_NEVER: any.  Default 10 s. */
    infra_time lag_preferred; /**< Age up to which a replica is preferred.
                                     Default 1 s, or lag_max if that is less. */
    uint32_t replicas_min;    /**< Replicas wanted in service.  Default 2. */
    uint32_t fallback;        /**< enum infra_router_fallback. */
    uint32_t fallback_rate;   /**< Reads in a second that one reader sends to
                                     the primary for want of a fit replica.
                                     Default: no limit. */
    uint32_t held_max;        /**< Sessions that one reader holds while there
                                     is no primary.  Default 1000. */
    infra_time hold_max;      /**< Time for which a statement is held.
                                     Default 10 s. */
    infra_time wait_max;      /**< Time for which a read waits for a replica to
                                     come up to what its session has written
                                     or seen.
                                     Default 0: it goes to the primary. */
};

/** One node, as the host sees it. */
struct infra_router_node {
    size_t size;
    uint32_t role;          /**< enum infra_router_role. */
    uint32_t is_draining;   /**< 1: no new sessions or transactions. */
    uint64_t token;         /**< PRIMARY: its fencing token; 0: none in use. */
    infra_time valid_until; /**< PRIMARY: end of its lease; 0: no limit.  From
                                 then on writes are held. */
    /** PRIMARY: where its reign began, so that what an older primary had
     *  acknowledged and lost is found; NULL: not known.  Copied. */
    const struct infra_position *since;
};

/** What a node said of itself. */
struct infra_router_sample {
    size_t size;
    infra_time asked_at; /**< Time before the question was sent: what was
                              written until then is in the answer. */
    infra_time lag;      /**< REPLICA: age of what it shows.  INFRA_TIME_NEVER:
                              not known.  Beware: on an idle primary now() -
                              pg_last_xact_replay_timestamp() grows; where all
                              that was received is replayed, the lag is 0. */
    uint32_t kind;       /**< enum infra_position_kind; NONE: no position. */
    uint32_t length;     /**< Bytes of text. */
    const char *text;    /**< The position, as infra_position_parse() takes it,
                              but with any number of parts up to 1024. */
};

/** Result of infra_router_inspect(): one node. */
struct infra_router_status {
    size_t size;
    uint32_t role;  /**< enum infra_router_role, as set. */
    uint32_t state; /**< enum infra_router_state at the last publish. */
    uint64_t token; /**< As set. */
    infra_time age; /**< Lag plus age of the sample; INFRA_TIME_NEVER: not
                                known. */
    infra_time sampled_at; /**< asked_at of the last sample; 0: none. */
};

/** Result of infra_router_inspect_group(). */
struct infra_router_group_status {
    size_t size;
    uint32_t primary;      /**< Id; INFRA_ROUTER_NODE_NONE: none. */
    uint32_t serving;      /**< Replicas that serve. */
    uint64_t token;        /**< Highest token seen. */
    uint64_t version;      /**< Of the last published table. */
    uint64_t held;         /**< Sessions that wait, over all readers. */
    uint64_t verdicts[32]; /**< Number of verdicts by enum infra_verdict_reason
                                (session.h), over all readers. */
};

/**
 * Create a router without nodes.
 *
 * @param options  NULL: defaults.
 * @return INFRA_OK; INFRA_EINVAL: an option out of its range; INFRA_ESTRUCT;
 * INFRA_ENOMEM.
 *
 * Allocates.
 *
 * Thread safety: owner.
 */
INFRA_API int INFRA_NODISCARD infra_router_create(
    struct infra_router **ret, const struct infra_router_options *options);

/**
 * Destroy a router and its readers; NULL is ignored.  No session may be held
 * by it.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_router_destroy(struct infra_router *router);

/**
 * Add a node, or say what it is now.  Takes effect with the next publish.
 *
 * A change of role, or of a primary's token, ends what sessions have pinned to
 * the node: their transactions there fail with NODE_CHANGED.  It also makes the
 * node's last sample void, as does a role of NONE, behind which a node may have
 * been built anew: set first, then sample.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, an id of nodes_max or more, or an
 * unknown role; INFRA_ESTRUCT.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_router_set(struct infra_router *router, uint32_t id,
                               const struct infra_router_node *node);

/**
 * Remove a node.  Takes effect with the next publish; pins to it end.
 *
 * @return INFRA_OK; INFRA_ENOENT.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_router_remove(struct infra_router *router, uint32_t id);

/**
 * Note what a node said of its position and lag.  Takes effect with the next
 * publish.  A sample that was asked for before the last one is ignored.  One
 * that was asked for before the publish of a new primary proves of the history
 * only what that primary took over.
 *
 * @return INFRA_OK; INFRA_ESTALE: an older sample; INFRA_ENOENT; INFRA_EINVAL:
 * NULL, or a text that is no position; INFRA_EFULL: more than 1024
 * parts; INFRA_ESTRUCT; INFRA_ENOMEM.
 *
 * Allocates where the position has more parts than before.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_router_sample(struct infra_router *router, uint32_t id,
                                  const struct infra_router_sample *sample);

/**
 * Hand everything that was set and sampled to the readers.
 *
 * @return INFRA_OK; INFRA_ENOMEM: the readers keep what they have.
 *
 * Allocates.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_router_publish(struct infra_router *router, infra_time now);

/**
 * Read one node.  @p ret->size is set by the caller.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_router_inspect(const struct infra_router *router,
                                   uint32_t id, infra_time now,
                                   struct infra_router_status *ret);

/**
 * Read the group, with sums over the readers.  @p ret->size is set by the
 * caller.  @return INFRA_OK; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_router_inspect_group(const struct infra_router *router,
                                         infra_time now,
                                         struct infra_router_group_status *ret);

/**
 * Create a reader for one worker thread.
 *
 * @return INFRA_OK; INFRA_EFULL: readers_max exist; INFRA_ENOMEM.
 *
 * Allocates.
 *
 * Thread safety: owner.
 */
INFRA_API int INFRA_NODISCARD infra_router_reader_create(
    struct infra_router_reader **ret, struct infra_router *router);

/**
 * Destroy a reader whose thread uses it no more; NULL is ignored.  Its calls
 * and those of its router must not overlap.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_router_reader_destroy(struct infra_router_reader *reader);

/**
 * The next held session that may be routed again: there is a primary, or its
 * time is over.  In the order in which they were held; the host calls
 * infra_session_route() for it, and sets its own pace.
 *
 * @param[out] ret  The session.
 * @return INFRA_OK; INFRA_EAGAIN: none now.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_router_reader_next(struct infra_router_reader *reader,
                                       infra_time now,
                                       struct infra_session **ret);

/**
 * Time at which the first held session is over; INFRA_TIME_NEVER: none is
 * held.  A publish may release them sooner.
 *
 * Thread safety: owner.
 */
INFRA_API infra_time
infra_router_reader_deadline(const struct infra_router_reader *reader);

/**
 * Adopt the newest table, so that an idle thread does not pin old ones.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_router_reader_refresh(struct infra_router_reader *reader);

/** Name of an enum infra_router_role ("replica"), or "unknown".  Thread safety:
 *  any. */
INFRA_API const char *infra_router_role_name(uint32_t role);

/** Name of an enum infra_router_state ("lagging"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_router_state_name(uint32_t state);

/** Name of an enum infra_router_fallback ("primary"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_router_fallback_name(uint32_t fallback);

#ifdef __cplusplus
}
#endif

#endif
