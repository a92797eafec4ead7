/* SPDX-License-Identifier: MIT */
/**
 * @file balancer.h
 * Choose a backend for each request.
 *
 * `infra_balancer` is the control side: a table of backends, their marks (up,
 * degraded, draining, down) and the policy.  infra_balancer_publish() makes all
 * edits visible to the data side at once.  `infra_balancer_reader`, one for
 * each thread, is the data side: infra_balancer_pick() returns a backend's id
 * and fills a ticket, infra_balancer_release() gives the ticket back with the
 * outcome.  Pick and release take no lock, allocate nothing and never wait.
 *
 * @code
 * // control thread                          // worker thread
 * infra_balancer_create(&b, NULL);           id = infra_balancer_pick(r, NULL,
 * infra_balancer_set(b, &backend, now);                           now, &t);
 * infra_balancer_publish(b, now);            outcome = work_with(server[id]);
 * infra_balancer_reader_create(&r, b);       infra_balancer_release(r, &t,
 *                                                         outcome, now);
 * @endcode
 *
 * A pick narrows in this order: backends that are up, less those outside the
 * eligible set, less those tried already; then the tier, then the policy, then
 * a place reserved under the backend's cap.  Tier 0 takes the traffic while any
 * backend in it can serve: inside a tier all backends are active, tiers are
 * active-passive.  A degraded backend serves only while no healthy backend of
 * its tier can.
 *
 * Subsets.  With many clients and many backends, not every client needs a
 * connection to every backend.  With subset_size a balancer uses only the best
 * backends of each tier, ranked by rendezvous of subset_key against the
 * backends' keys.  Weights play no part in the choice.  A backend that is added
 * or removed changes a subset by at most one.
 *  - A list policy uses the best of the backends that are up.  The next best
 *    replaces a backend that goes down, until it returns.  The healthy and the
 *    degraded of a tier are chosen separately.
 *  - A hash policy uses the best whether they are up or not: a flap rebuilds no
 *    table and moves only the keys of the backend that is down.  If the whole
 *    subset is down, the best of the backends that are up replace it.
 *
 * Only a sticky request can reach a backend outside the subset.  Tier load,
 * outage and recovery are computed over all backends, not over the subset.
 *
 * If each of n clients uses k of m backends, the load of a backend varies by a
 * standard deviation of sqrt((m - k) / (n * k)) of the mean: 4 % with 1000
 * clients, 100 backends and subsets of 40; 22 % with subsets of 20 of 1000.
 * Larger subsets reduce it.
 *
 * Counters (picks, work in flight, failures, latency) belong to the backend and
 * not to a published table: no change of membership, weight or health loses a
 * count.
 *
 * Cost: the time of a pick does not grow with the number of backends, except
 * with rendezvous and, slightly, with jump and first.  An eligible set, tried
 * ids or full backends may cost one pass over the tier.  Memory: 64 bytes per
 * id for the shared slot and 50 for the control side (66 with subsets); 40 per
 * id and reader (56 with slow start and a policy that is no hash policy); 16
 * per backend and published table (24 with slow start).
 */
#ifndef INFRA_BALANCER_H
#define INFRA_BALANCER_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_balancer;        /**< Control side. */
struct infra_balancer_reader; /**< Data side: one per thread and balancer. */
struct infra_balancer_policy; /**< A scheduler: see policy.h. */

#define INFRA_BALANCER_IDS_MAX 65535u    /**< Most ids of one balancer. */
#define INFRA_BALANCER_WEIGHT_MAX 65535u /**< Greatest weight. */
#define INFRA_BALANCER_TIERS_MAX 16u     /**< Tiers 0 .. 15. */
#define INFRA_BALANCER_KEY_MAX 255u      /**< Longest key, in bytes. */

/** The source of a mark.  The worst of a backend's three marks counts. */
enum infra_balancer_axis {
    INFRA_BALANCER_AXIS_HEALTH,  /**< Active checks. */
    INFRA_BALANCER_AXIS_PASSIVE, /**< The traffic itself: outlier ejection. */
    INFRA_BALANCER_AXIS_ADMIN,   /**< The operator. */
};

/** A mark on one axis, from best to worst. */
enum infra_balancer_state {
    INFRA_BALANCER_STATE_UP,
    /** Serves only while no healthy backend of its tier can. */
    INFRA_BALANCER_STATE_DEGRADED,
    INFRA_BALANCER_STATE_DRAINING, /**< Keeps its work, gets no new work. */
    INFRA_BALANCER_STATE_DOWN,
};

/** When the next tier takes over.  A tier without any usable backend is always
 *  passed over. */
enum infra_balancer_spill {
    /** No backend is up, eligible and untried. */
    INFRA_BALANCER_SPILL_DOWN,
    INFRA_BALANCER_SPILL_FULL, /**< Also when all of these are at their cap. */
};

/** The backends a pick may use while none is up, or in a tier in panic. */
enum infra_balancer_outage {
    INFRA_BALANCER_OUTAGE_REFUSE, /**< None: INFRA_ENONE. */
    /** All except those the operator took out: the checks may be wrong. */
    INFRA_BALANCER_OUTAGE_ANYBODY,
    /** Those that were up last.  In a tier in panic the same as ANYBODY. */
    INFRA_BALANCER_OUTAGE_LAST_UP,
};

/** Options of infra_balancer_create(). */
struct infra_balancer_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** NULL: round robin.  Must outlive the balancer. */
    const struct infra_balancer_policy *policy;
    /** The policy's sized struct, copied; NULL: its defaults. */
    const void *policy_options;
    /** With subset_size: this client's name, 1 to 255 bytes, NUL-terminated.
     *  Different for each client, the same after each restart. */
    const char *subset_key;
    /** Memory made by infra_balancer_shared_init() with the same ids_max, to
     *  balance as one with other processes; NULL: this balancer is alone. */
    void *shared;
    /** Seed of all random draws and of the readers' first positions; 0: a fixed
     *  one.  Give each process its own, or restarted processes pick in step. */
    uint64_t seed;
    uint32_t ids_max; /**< Ids are 0 .. ids_max - 1; 0: 64. */
    uint32_t spill;   /**< enum infra_balancer_spill */
    uint32_t outage;  /**< enum infra_balancer_outage */
    /** 0: a tier gets all traffic while any backend in it can serve.  Else
     *  tiers share the traffic as in Envoy, which defaults to 140: a tier keeps
     *  all traffic until less than 100/140 of it is up, then hands on the rest
     *  in proportion; degraded backends follow the healthy ones of all tiers.
     *  Backends that the operator took out do not count.  Envoy's "excluded"
     *  hosts, counted in a total panic only, have no equivalent. */
    uint32_t overprovision_percent;
    /** With overprovision_percent: threshold of panic.  While all tiers
     *  together cannot carry the traffic, a tier of which less than this part
     *  can serve is in panic and follows `outage` (Envoy: 50 and ANYBODY).  0:
     *  never. */
    uint32_t panic_percent;
    /** Number of backends that must be up to end the shedding after a total
     *  outage.  Until then a pick succeeds with probability up /
     *  shed_until_up, else it is INFRA_ESHED, so that the first backends to
     *  return are not overloaded (brpc's cluster recovery).  0: no shedding. */
    uint32_t shed_until_up;
    /** Retry budget of each reader: retries (picks with tried ids) allowed per
     *  hundred first attempts, and in addition per second; both 0: no budget.
     *  Savings are limited to 100 retries plus ten seconds' worth.  A failed
     *  pick counts as neither. */
    uint32_t retry_percent;
    uint32_t retry_min_per_s;
    /** Interval over which a backend that came up grows into its share of the
     *  picks, linearly from a tenth, with any policy and any length of session;
     *  0: at once.  Nanoseconds.  The share is by weight among the usable
     *  backends, relative to the oldest of them: equally new backends all have
     *  their full share.  It is an upper limit: a policy that finds the new
     *  backend slow gives it less.  A hash policy gives it that part of its
     *  keys.  After the interval a policy that counts tickets sends all picks
     *  to the new backend until it has as many tickets as the others. */
    infra_time slow_start_interval;
    /** For hash policies: bounded load (Mirrokni et al. 2018).  A backend with
     *  this percentage of its share of the tier's tickets in flight, 100 to
     *  10000, counts as full and the key moves on; 125 to 200 is usual.  The
     *  places of a tier add up to exactly that percentage of its tickets, but
     *  an idle backend always has one place, and the bound alone refuses no
     *  pick.  0: no bound. */
    uint32_t bound_percent;
    /** Maximum number of tickets in each tier; 0: no cap. */
    uint32_t tier_in_flight_max[INFRA_BALANCER_TIERS_MAX];
    /** This worker's number.  A former worker of that number must be dead; its
     *  tickets are reclaimed. */
    uint32_t worker;
    /** Number of backends used in each tier (see "Subsets" above); 0, or at
     *  least the size of the tier: all. */
    uint32_t subset_size;
    uint32_t reserved;
};

/** A backend as the control side describes it. */
struct infra_backend {
    size_t size;
    /** Unique name, 1 to 255 bytes, NUL-terminated.  It identifies the backend
     *  when an id comes back, and places it in hash policies. */
    const char *key;
    uint32_t id;     /**< The host's own: its slot in the host's table. */
    uint32_t weight; /**< 0: 1.  For no traffic: infra_balancer_set_share(). */
    uint32_t tier;   /**< 0 first. */
    /** Maximum number of tickets; 0: no cap.  Not counted: tickets taken while
     *  the backend had no cap and the policy kept no shared counts. */
    uint32_t in_flight_max;
};

/** Flags of a request. */
enum infra_request_flags {
    /** Prefer the backend `sticky`, that of the session: use it unless it is
     *  down, ineligible, tried or full, even if it is draining or outside the
     *  subset. */
    INFRA_REQUEST_STICKY = 1,
};

/**
 * Restrictions on one pick.  All zero, or a NULL request: none.  The struct has
 * no size because the data path reads it; it can grow only into its reserved
 * words.
 */
struct infra_request {
    const struct infra_set *eligible; /**< NULL: all.  Never overridden. */
    const uint32_t *tried; /**< Ids that this request has tried already. */
    uint64_t hash;         /**< For hash policies, well mixed. */
    uint32_t tried_count;
    uint32_t flags;  /**< enum infra_request_flags */
    uint32_t sticky; /**< The id for INFRA_REQUEST_STICKY. */
    uint32_t reserved0;
    uint64_t reserved[1];
};

/** Proof of one pick, zeroed by release.  It may be copied, but must be
 *  released once. */
struct infra_ticket {
    uint64_t opaque[4];
};

/** Reasons of a pick, as bits; 0: the policy's choice in the first tier. */
enum infra_ticket_why {
    INFRA_TICKET_WHY_STICKY = 1, /**< The request's sticky backend. */
    INFRA_TICKET_WHY_RETRY = 2,  /**< The request had tried others. */
    INFRA_TICKET_WHY_SPILL = 4,  /**< A later tier, or degraded backends. */
    INFRA_TICKET_WHY_OUTAGE = 8, /**< Panic or outage: marks were ignored. */
    /** The policy's own choice was not available. */
    INFRA_TICKET_WHY_INSTEAD = 16,
    /** Another backend was passed over in its slow start. */
    INFRA_TICKET_WHY_WARMING = 32,
};

/** Result of infra_balancer_inspect(): one backend. */
struct infra_balancer_status {
    size_t size;
    uint64_t picks;
    uint64_t failures;      /**< Outcomes that blame the backend. */
    uint64_t reports;       /**< Number of reported latencies. */
    infra_time latency_sum; /**< Sum of these, in nanoseconds. */
    uint64_t in_flight;
    uint32_t share_ppm; /**< Its part of the weight of its tier's pickable
                             backends, in millionths; 0: not pickable. */
    uint32_t state;     /**< enum infra_balancer_state: the worst mark. */
    uint32_t axis;      /**< enum infra_balancer_axis of that mark; 0 if up. */
    /** Tickets of all threads and workers, as the cap and the policy count
     *  them; 0 if neither needs the count. */
    uint32_t load;
};

/** Result of infra_balancer_inspect_tier(): one tier. */
struct infra_balancer_tier_status {
    size_t size;
    uint64_t table_bytes; /**< Memory built by the policy. */
    uint32_t backends;    /**< Members of the tier. */
    uint32_t up;          /**< Those with a mark of up or degraded. */
    /** Backends that readers may pick, as published: fewer than `up` with a
     *  subset, more in an outage. */
    uint32_t candidates;
    uint32_t load_percent; /**< Part of the traffic that starts here. */
    /** Least and greatest part of the policy's table held by any backend of the
     *  tier, in millionths of the part due to its weight: 1 000 000 in an even
     *  table and without a table, 0 without candidates.  The table of a hash
     *  policy includes the backends that are down. */
    uint32_t share_min_ppm;
    uint32_t share_max_ppm;
};

/**
 * Create a balancer without backends.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: an option out of
 *         range, panic_percent without overprovision_percent, bound_percent
 *         without a hash policy, subset_size without a valid subset_key, a
 *         policy without a name or a pick function, policy options that the
 *         policy rejects, shared memory made for something else, a worker
 *         number out of range or without shared memory.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_create(
    struct infra_balancer **ret, const struct infra_balancer_options *options);

/**
 * Free a balancer; NULL is allowed.  Destroy its readers first.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_balancer_destroy(struct infra_balancer *balancer);

/**
 * Add a backend, or change the weight, tier and cap of the backend with this id
 * and key.  A new backend is up on all axes.  Readers see it after publish.
 *
 * After INFRA_EBUSY leave the host's own entry for the id unchanged and call
 * again.  Meanwhile publish, let idle workers call infra_balancer_refresh(),
 * and wait for the tickets.
 *
 * @param now  Not used yet; the set of every module takes it.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL: id out of range, key missing or
 *         too long, weight or tier too large; INFRA_ESTRUCT; INFRA_EEXIST:
 *         another id has this key and is not removed; INFRA_EBUSY: the id has
 *         another key that is not removed, can still be picked by a reader, or
 *         is held by a ticket.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API int infra_balancer_set(struct infra_balancer *balancer,
                                 const struct infra_backend *backend,
                                 infra_time now);

/**
 * Replace the membership: add and change these backends as infra_balancer_set()
 * does, remove all others.  All or nothing.
 *
 * @param backends  All with the same size field, in any order.
 * @return As infra_balancer_set(); INFRA_EINVAL also for a repeated id,
 *         INFRA_EEXIST for a repeated key.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API int infra_balancer_sync(struct infra_balancer *balancer,
                                  const struct infra_backend *backends,
                                  uint32_t count, infra_time now);

/**
 * Remove a backend.  Its tickets stay valid.  Its counters stay until another
 * key takes the id.
 *
 * @return INFRA_OK; INFRA_EINVAL; INFRA_ENOENT.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_remove(struct infra_balancer *balancer,
                                    uint32_t id);

/**
 * Set a backend's mark on one axis.  Readers see it after publish.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL: no such axis or state.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_mark(struct infra_balancer *balancer, uint32_t id,
                                  uint32_t axis, uint32_t state);

/**
 * Scale a backend's configured weight, as its agent or the operator asks; 100
 * at first.  Readers see it after publish; workers that share memory all do.
 *
 * The share outlives a new weight from infra_balancer_set() and ends when the
 * backend is removed.  With a hash policy each new weight builds a table, but a
 * change to 0 or back builds none.
 *
 * @param percent  0 to 65535; the resulting weight is limited to 1 ..
 *                 INFRA_BALANCER_WEIGHT_MAX.  0: no new work except sticky
 *                 requests, as with the operator's mark DRAINING, even while
 *                 all others are down.  Pass an agent's number here and not in
 *                 infra_backend.weight, where 0 means 1.
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL: percent out of range.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_set_share(struct infra_balancer *balancer,
                                       uint32_t id, uint32_t percent);

/**
 * Override the configured weight, for an agent that reports an absolute weight.
 * It holds until infra_balancer_set_share().
 *
 * @param weight  0 to INFRA_BALANCER_WEIGHT_MAX; 0 as in
 *                infra_balancer_set_share().
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL: weight out of range.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_set_weight(struct infra_balancer *balancer,
                                        uint32_t id, uint32_t weight);

/**
 * Make all edits since the last publish visible at once.  Without edits it only
 * frees what readers no longer use.
 *
 * Marks become visible even on failure:
 *  - If the policy's table cannot be built, all edits are visible and picks do
 *    without the table until a later publish builds it: hash policies pick by
 *    rendezvous, others by weight at random.
 *  - If there is no memory for the list of backends, readers keep the old list.
 *    Backends that may get no new work are withdrawn from it, and withdrawn
 *    backends return to it; all other edits wait for a later publish.
 *
 * Duration at worst, with the most ids and the greatest weights, with a ring:
 * 0.2 s if all backends are in one tier, 1.9 s if 16 tiers are each that
 * extreme.  Other policies take less.
 *
 * @return INFRA_OK; INFRA_EINVAL; INFRA_ENOMEM, or the error of a host policy's
 *         build(), both with the effects above.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API int infra_balancer_publish(struct infra_balancer *balancer,
                                     infra_time now);

/**
 * Read a backend's counters and state, summed over all readers.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_inspect(const struct infra_balancer *balancer,
                                     uint32_t id,
                                     struct infra_balancer_status *ret);

/**
 * Read the size of a tier and how evenly its table is laid out.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, also for a tier without backends; INFRA_ENOMEM;
 *         INFRA_EINVAL.
 *
 * Allocates during the call and reads the whole table: for a page of
 * statistics, not for every loop.  Thread safety: owner.
 */
INFRA_API int infra_balancer_inspect_tier(
    const struct infra_balancer *balancer, uint32_t tier,
    struct infra_balancer_tier_status *ret);

/**
 * @name Workers that share
 * The worker processes of one server (pre-fork) can balance as one.  Each has
 * its own balancer, created after the fork, with its own worker number.  All
 * map the same memory, which holds in-flight counts, caps, latencies and marks.
 *
 * @code
 * memory = mmap(NULL, infra_balancer_shared_size(ids_max, workers), ...,
 *               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
 * infra_balancer_shared_init(memory, size, ids_max, workers);
 * // fork; then each worker:
 * options.shared = memory;
 * options.worker = infra_balancer_shared_join(memory, infra_process_self(),
 *                                             infra_process_is_alive, NULL);
 * infra_balancer_create(&balancer, &options);
 * backend.id = infra_balancer_id_of(balancer, backend.key);
 * infra_balancer_set(balancer, &backend, now);
 * @endcode
 *
 * A host that numbers its workers itself calls no join, and calls
 * infra_balancer_shared_reap() after a worker has died.  Provide numbers for
 * two generations of workers, which live side by side during a reload.
 *
 * An id has the same key in all workers: infra_balancer_set() is INFRA_EBUSY
 * while another worker has a different backend there.  A mark applies to all
 * workers; the others see it at their next infra_balancer_publish(), which each
 * calls in every loop (O(1) if nothing has changed).
 * INFRA_BALANCER_AXIS_PASSIVE is the exception: each worker has its own marks,
 * from its own reports.  A worker that ejects at most a third of the backends
 * keeps two thirds, whatever the others eject, and no mark outlives the
 * detector that set it.
 *
 * All workers must pass times of one clock, since they share latencies: either
 * CLOCK_BOOTTIME or CLOCK_MONOTONIC, in one time namespace.  Picks, failures
 * and reports in infra_balancer_inspect() are those of one worker; `load` is
 * that of all.
 *
 * Marks, latency and in-flight counts belong to the key.  They survive when all
 * workers leave or die: the next worker that sets the key on the id finds them,
 * so a reload sends nothing to a backend that is down.  They end when another
 * key takes the id, or when the last worker that has the key removes it
 * (infra_balancer_remove(), or a sync without it).  If it is set again it is
 * up, even before the tickets and readers of its former life have ended.
 *
 * A worker may die at any time.  Its tickets are reclaimed by the reap, by the
 * next worker that joins, or when its successor creates a balancer.  Memory: 64
 * bytes per id, and 8 per id and worker.
 * @{
 */

/** Size in bytes for these numbers of ids (0: 64) and workers (1 to 4096); 0:
 *  out of range, or no lock-free atomics here.  Thread safety: any. */
INFRA_API size_t infra_balancer_shared_size(uint32_t ids_max,
                                            uint32_t workers_max);

/**
 * Initialise the memory, once, before any worker uses it.
 *
 * @param memory  At least infra_balancer_shared_size() bytes, aligned to 64.
 *                The host keeps ownership.
 * @return INFRA_OK; INFRA_EINVAL: too small, misaligned, a number out of range.
 *
 * Thread safety: owner (of the memory).
 */
INFRA_API INFRA_NODISCARD int infra_balancer_shared_init(void *memory,
                                                         size_t size,
                                                         uint32_t ids_max,
                                                         uint32_t workers_max);

/**
 * Join the workers: take a number for infra_balancer_options.worker that no
 * living worker has, and reclaim the tickets of dead workers.  The number
 * belongs to this process until infra_balancer_destroy() or its death; a
 * process that joins again after exec gets the same number.  Call it after the
 * fork and before create.
 *
 * @param process   Name of the calling process: not 0, and never the name of
 *                  another process; infra_process_self() of driver.h.
 * @param is_alive  Returns 1 if the process of that name lives, or if that is
 *                  unknown, since a living worker must not be reaped; else 0.
 *                  infra_process_is_alive() of driver.h.
 * @return The number; INFRA_EFULL: all are taken; INFRA_EINVAL: not such
 *         memory, no name, no function.
 *
 * Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_shared_join(
    void *memory, uint64_t process,
    int (*is_alive)(void *user, uint64_t process), void *user);

/**
 * Find the id of a key: the id that the key has or had in any worker, also
 * before a reload; else a free id, first one that no key has had.  Call
 * infra_balancer_set() next.  With shared memory the id is reserved for the key
 * until the balancer is destroyed, else only from infra_balancer_set() on.
 *
 * @return The id; INFRA_EFULL: none is free; INFRA_EBUSY: another worker is in
 *         this function, call again; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_id_of(struct infra_balancer *balancer,
                                   const char *key);

/**
 * Reclaim the tickets of a dead worker.  Calling it twice is harmless; calling
 * it for a living worker is not.
 *
 * @return INFRA_OK; INFRA_EINVAL: not such memory, or no such worker.
 *
 * Thread safety: any.
 */
INFRA_API int infra_balancer_shared_reap(void *memory, uint32_t worker);
/** @} */

/** Name of an axis ("health"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_balancer_axis_name(uint32_t axis);

/** Name of a state ("up"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_balancer_state_name(uint32_t state);

/** Name of a spill rule ("full"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_balancer_spill_name(uint32_t spill);

/** Name of an outage rule ("last-up"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_balancer_outage_name(uint32_t outage);

/** Name of a request's flag ("sticky"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_request_flag_name(uint32_t flag);

/**
 * Create the data side for one thread.  The control thread calls it, the worker
 * uses the reader.  It sees the last published table.
 *
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL.
 *
 * Allocates.  Thread safety: owner (of the balancer).
 */
INFRA_API INFRA_NODISCARD int infra_balancer_reader_create(
    struct infra_balancer_reader **ret, struct infra_balancer *balancer);

/**
 * Free a reader after its thread has stopped; NULL is allowed.  The balancer
 * keeps its counts.  Another reader releases its tickets.
 *
 * Thread safety: owner (of the balancer).
 */
INFRA_API void infra_balancer_reader_destroy(
    struct infra_balancer_reader *reader);

/**
 * Adopt the newest table now.  A pick does it too; a worker that may sleep for
 * long calls this in every loop, so that removed ids can be reused.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_balancer_refresh(struct infra_balancer_reader *reader);

/**
 * Choose a backend.
 *
 * @param request   NULL: no restriction.
 * @param now       Kept in the ticket.
 * @param[out] ret  The ticket, set on success only.
 * @return The id (>= 0); INFRA_ENONE: no backend is up; INFRA_EINELIGIBLE: none
 *         of those is eligible; INFRA_ETRIED: all of those were tried;
 *         INFRA_EFULL: all of those are at their cap; INFRA_ESHED: shed after
 *         an outage (shed_until_up); INFRA_EBUDGET: the retry budget is spent;
 *         INFRA_EINVAL: a NULL argument.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_pick(
    struct infra_balancer_reader *reader, const struct infra_request *request,
    infra_time now, struct infra_ticket *ret);

/**
 * Read the reasons of a pick: bits of enum infra_ticket_why.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_ticket_why(const struct infra_ticket *ticket);

/** Name of one of those bits ("retry"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_ticket_why_name(uint32_t bit);

/**
 * Report early on a ticket's work: connected, or the first byte received.
 * Optional, any number of times.  Release records no latency, since the length
 * of a session is none.
 *
 * @param outcome  enum infra_outcome.  One that blames the backend counts as a
 *                 failure, as in release: report it here or there.
 * @param latency  Nanoseconds; counted if the outcome is OK.
 * @return INFRA_OK; INFRA_EINVAL: not a ticket of this balancer.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_report(struct infra_balancer_reader *reader,
                                    const struct infra_ticket *ticket,
                                    uint32_t outcome, infra_time latency);

/**
 * Give a ticket back, exactly once, through any reader of the same balancer.
 *
 * @param outcome  enum infra_outcome.
 * @return INFRA_OK; INFRA_EINVAL: not a ticket of this balancer, released
 *         already, or no such outcome (the ticket is released all the same, and
 *         the backend is not blamed).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_release(struct infra_balancer_reader *reader,
                                     struct infra_ticket *ticket,
                                     uint32_t outcome, infra_time now);

#ifdef __cplusplus
}
#endif

#include <infra/policy.h>

#endif /* INFRA_BALANCER_H */
