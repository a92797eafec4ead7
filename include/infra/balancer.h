/* SPDX-License-Identifier: MIT */
/**
 * @file balancer.h
 * Which backend takes this request.
 *
 * One `infra_balancer` is the control side: a table of backends, their marks
 * (up, degraded, draining, down) and the policy.  Edits become visible to the
 * data side all at once, by infra_balancer_publish().  One
 * `infra_balancer_reader` per thread is the data side: infra_balancer_pick()
 * answers a backend's id and a ticket, infra_balancer_release() gives the
 * ticket back with the outcome.  Neither takes a lock, allocates, or waits.
 *
 * @code
 * // control thread                          // worker thread
 * infra_balancer_create(&b, NULL);           id = infra_balancer_pick(r, NULL,
 * infra_balancer_set(b, &backend);                                now, &t);
 * infra_balancer_publish(b, now);            outcome = work_with(server[id]);
 * infra_balancer_reader_create(&r, b);       infra_balancer_release(r, &t,
 *                                                         outcome, now);
 * @endcode
 *
 * Inside a pick, in this order: backends that are up, minus those that are not
 * in the eligible set, minus those already tried, by tier, by policy, with a
 * place reserved under the backend's cap.  Tier 0 takes the traffic as long as
 * somebody in it can; inside a tier all are active, between tiers
 * active-passive. A degraded backend is used when no healthy one of its tier
 * can be.
 *
 * Subsets: where many clients share many backends, not each need be connected
 * to all.  With subset_size a balancer uses the best of each tier by rendezvous
 * of its subset_key against the keys of the backends, weights left aside, so
 * that a backend that comes or goes changes a subset by one at most.  A list
 * policy has the best of those that are up: who goes down is replaced by the
 * next, until it is back; the healthy and the degraded of a tier are chosen
 * apart.  A hash policy has the best whether they are up or not, so that a flap
 * rebuilds nothing and moves only the keys of the one that is down; when none
 * of them is up it chooses among those that are.  Nobody outside is picked, but
 * by a sticky request.  How tiers share, outages and recovery go by all
 * backends.
 *
 * Each of n clients takes k of m backends by chance, so the load of a backend
 * varies: its standard deviation is sqrt((m - k) / (n * k)) of the mean, 4 %
 * with 1000 clients, 100 backends and subsets of 40, 22 % with 20 of 1000.
 * Where that is too much, take larger subsets.
 *
 * Counters (picks, work in flight, failures, latency) belong to the backend,
 * not to a published table, so no change of membership, weight or health loses
 * one.
 *
 * Cost: a pick does not grow with the number of backends, except with
 * rendezvous, and a little with jump and first.  With an eligible set, tried
 * ids or full backends it may fall back to one pass over the tier.  Memory: 64
 * bytes per id for the shared slot, 50 for the control side (66 with subsets),
 * 40 per reader (56 with slow start, but for hash policies), 16 per backend and
 * published table (24 with slow start).
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

/** Who may speak about a backend.  The worst of the three marks counts. */
enum infra_balancer_axis {
    INFRA_BALANCER_AXIS_HEALTH, /**< Active checks. */
    INFRA_BALANCER_AXIS_PASSIVE, /**< What the traffic showed (outlier ejection). */
    INFRA_BALANCER_AXIS_ADMIN, /**< The operator. */
};

/** A mark on one axis, from best to worst. */
enum infra_balancer_state {
    INFRA_BALANCER_STATE_UP,
    INFRA_BALANCER_STATE_DEGRADED, /**< Only when no healthy one of its tier can. */
    INFRA_BALANCER_STATE_DRAINING, /**< Keeps what it has, takes nothing new. */
    INFRA_BALANCER_STATE_DOWN,
};

/** When the next tier takes over; a tier with nobody able is always passed. */
enum infra_balancer_spill {
    INFRA_BALANCER_SPILL_DOWN, /**< When nobody is up, eligible and untried. */
    INFRA_BALANCER_SPILL_FULL, /**< Also when all of them are at their cap. */
};

/** Whom a pick may use when nobody is up, or a tier is in panic. */
enum infra_balancer_outage {
    INFRA_BALANCER_OUTAGE_REFUSE, /**< Nobody: INFRA_ENONE. */
    INFRA_BALANCER_OUTAGE_ANYBODY, /**< All but those that the operator took out: the
                                checks may be what is wrong. */
    INFRA_BALANCER_OUTAGE_LAST_UP, /**< Those that were up last.  In a panic of some
                                tiers the same as ANYBODY. */
};

/** Options of infra_balancer_create(). */
struct infra_balancer_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** NULL: round robin.  Must live as long as the balancer. */
    const struct infra_balancer_policy *policy;
    /** The policy's sized struct, copied; NULL: its defaults. */
    const void *policy_options;
    /** With subset_size: who chooses, 1 to 255 bytes, NUL-terminated.  Another
     *  name for each client of the backends, and the same one each time that it
     *  starts. */
    const char *subset_key;
    /** Memory that infra_balancer_shared_init() made for the same ids_max, to
     *  balance as one with other processes; NULL: this one is alone. */
    void *shared;
    /** Where readers start, and every draw.  0 is a fixed seed of its own; give
     *  each process another one, or a fleet that restarts picks in step. */
    uint64_t seed;
    uint32_t ids_max; /**< 0: 64.  Ids are 0 .. ids_max - 1. */
    uint32_t spill;   /**< enum infra_balancer_spill */
    uint32_t outage;  /**< enum infra_balancer_outage */
    /** 0: a tier gets all traffic as long as anybody in it can take it.  Else
     *  tiers share it as in Envoy, whose default is 140: a tier keeps all until
     *  less than 100/140 of it is up, and hands on the rest in proportion;
     *  degraded backends come after the healthy of all tiers.  Backends that
     *  the operator took out count for nothing.  Envoy's "excluded" hosts,
     *  which count in a total panic alone, have no mark here. */
    uint32_t overprovision_percent;
    /** With overprovision_percent: while all tiers together cannot carry the
     *  traffic, a tier of which less than this can serve is in panic, and
     *  `outage` says what then (Envoy's default is 50 with ANYBODY).  0:
     *  never. */
    uint32_t panic_percent;
    /** After a total outage, until so many are up, a pick is refused with
     *  INFRA_ESHED but in proportion to how many are: those that come back
     *  first are not buried (brpc's cluster recovery).  0: never. */
    uint32_t shed_until_up;
    /** Per reader, retries (picks with tried ids) allowed for a hundred first
     *  attempts, and retries a second beside them; both 0: no budget.  Up to
     *  100 and ten seconds' worth are saved up.  A pick that answers an error
     *  counts as neither. */
    uint32_t retry_percent;
    uint32_t retry_min_per_s;
    /** Time in which a backend that came up grows into its share of the picks,
     *  linearly from a tenth, with every policy and however long sessions last;
     *  0: it has all at once.  A share is by weight, of the backends that a
     *  pick may have, and measured by the oldest of them: where all are equally
     *  new each has its full share.  It is a limit: a policy that finds the new
     *  one slow gives it less.  With a hash policy it is that part of its keys.
     *  After this time a policy that counts tickets gives the new one all
     *  until it has as many as the others.  Nanoseconds. */
    infra_time slow_start_interval;
    /** For hash policies: a backend that has so many per cent of its share of
     *  its tier's tickets in flight, 100 to 10000, is passed over, and the key
     *  goes on as if it were full (consistent hashing with bounded loads,
     *  Mirrokni et al. 2018; 125 to 200 is usual).  The places of a tier add up
     *  to exactly that part of its tickets, except that a backend with nothing
     *  in flight has room for one, and nobody is refused for the bound alone.
     *  0: no bound. */
    uint32_t bound_percent;
    /** Most tickets of each tier at once; 0: no cap. */
    uint32_t tier_in_flight_max[INFRA_BALANCER_TIERS_MAX];
    /** Which of the workers this is; whoever had the number before is dead, and
     *  what it held is given back. */
    uint32_t worker;
    /** How many backends of each tier are used, this balancer's own choice of
     *  them (see above); 0, or as many as there are: all. */
    uint32_t subset_size;
    uint32_t reserved;
};

/** A backend as the control side describes it. */
struct infra_backend {
    size_t size;
    /** Its name, 1 to 255 bytes, NUL-terminated, that no other member has: "the
     *  same backend" when an id comes back, and its place for hash policies. */
    const char *key;
    uint32_t id;     /**< The host's: its slot in its own server table. */
    uint32_t weight; /**< 0: 1.  For none see infra_balancer_set_share(). */
    uint32_t tier;   /**< 0 first. */
    /** Most tickets at once, 0: no cap.  Tickets taken while the backend had no
     *  cap and a policy without shared load do not count towards it. */
    uint32_t in_flight_max;
};

/** Flags of a request. */
enum infra_request_flags {
    /** The field `sticky` counts: a session's backend is taken while it is not
     *  down, eligible, untried and not full, though it may be draining or
     *  outside the subset. */
    INFRA_REQUEST_STICKY = 1,
};

/**
 * What a pick must respect.  Zeroes, or a NULL request, are the default.  It is
 * read on the data path and grows only by its reserved words, so it has no
 * size.
 */
struct infra_request {
    const struct infra_set *eligible; /**< NULL: all.  Never overridden. */
    const uint32_t *tried; /**< Ids that this request has tried already. */
    uint64_t hash;         /**< For hash policies, well mixed. */
    uint32_t tried_count;
    uint32_t flags;  /**< enum infra_request_flags */
    uint32_t sticky; /**< The id that INFRA_REQUEST_STICKY wants. */
    uint32_t reserved0;
    uint64_t reserved[1];
};

/** The proof of one pick, zeroed by release.  Copy it, but release it once. */
struct infra_ticket {
    uint64_t opaque[4];
};

/** Why a pick went where it went, as bits; 0: the policy chose in the first
 *  tier as always. */
enum infra_ticket_why {
    INFRA_TICKET_WHY_STICKY = 1, /**< The request's sticky backend. */
    INFRA_TICKET_WHY_RETRY = 2,  /**< The request had tried others. */
    INFRA_TICKET_WHY_SPILL = 4,  /**< A later tier, or the degraded of one. */
    INFRA_TICKET_WHY_OUTAGE =
        8, /**< Panic or outage: health was not believed. */
    INFRA_TICKET_WHY_INSTEAD = 16, /**< The policy's choice could not be had. */
    INFRA_TICKET_WHY_WARMING =
        32, /**< Another was passed over, its slow start. */
};

/** What infra_balancer_inspect() tells about one backend. */
struct infra_balancer_stats {
    size_t size;
    uint64_t picks;
    uint64_t failures;      /**< Outcomes that blame the backend. */
    uint64_t reports;       /**< Latencies reported, and ... */
    infra_time latency_sum; /**< ... their sum in nanoseconds. */
    uint64_t in_flight;
    uint32_t share_ppm; /**< Its part of its tier's weight, in millionths, of
                             those that can be picked here; 0: it cannot. */
    uint32_t state;     /**< enum infra_balancer_state: the worst mark. */
    uint32_t axis;      /**< Who set that mark; 0 while up. */
    /** Tickets that its cap and the policy see, of all threads and workers; 0
     *  if neither needs them counted. */
    uint32_t load;
};

/** What infra_balancer_inspect_tier() tells about one tier. */
struct infra_balancer_tier_stats {
    size_t size;
    uint64_t table_bytes; /**< What the policy has built for it. */
    uint32_t backends;    /**< Who belongs to it, and ... */
    uint32_t up;          /**< ... is up or degraded by its marks. */
    /** Whom readers may pick, as published: of a subset fewer than are up, in
     *  an outage more. */
    uint32_t candidates;
    uint32_t load_percent; /**< How much of the traffic starts here. */
    /** The least and the greatest part of the policy's table that anybody in it
     *  has, in millionths of what its weight should give it: 1 000 000 in an
     *  even table, and where there is no table to be uneven.  In a table of a
     *  hash policy who is down counts as well.  0 without candidates. */
    uint32_t share_min_ppm;
    uint32_t share_max_ppm;
};

/**
 * Create a balancer without backends.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL (an option out of range,
 *         panic_percent without overprovision_percent, bound_percent with a
 *         policy that is none of hashes, subset_size without a subset_key or
 *         with one too long, a policy without a name or pick function, policy
 *         options that the policy refuses, shared memory that was not made for
 *         this, a worker number without it or too large); INFRA_ESTRUCT.
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
 * Add a backend, or change the weight, tier and cap of the one with this id and
 * key.  A new backend starts up on all axes.  Seen by readers after publish.
 *
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL (id out of range, no key or one
 *         too long, weight or tier too large); INFRA_ESTRUCT; INFRA_EEXIST:
 *         another id has this key and is not removed; INFRA_EBUSY: the
 *         id belongs to another key that is not removed, or that a reader may
 *         still pick, or that a ticket still holds.  Until this call stops
 *         saying EBUSY the host leaves its own entry for the id alone; it helps
 *         to publish, to let idle workers call infra_balancer_refresh(), and to
 *         wait for the tickets.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API int infra_balancer_set(struct infra_balancer *balancer,
                                 const struct infra_backend *backend,
                                 infra_time now);

/**
 * Make the membership be these backends: add and change them as
 * infra_balancer_set() does, and remove all others.  All or nothing.
 *
 * @param backends  All with the same size field; the order does not matter.
 * @return As infra_balancer_set(); INFRA_EINVAL also for an id named twice,
 *         INFRA_EEXIST for a key named twice.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API int infra_balancer_sync(struct infra_balancer *balancer,
                                  const struct infra_backend *backends,
                                  uint32_t count, infra_time now);

/**
 * Take a backend out.  Tickets that are out stay valid; its counters stay until
 * another key takes the id.
 *
 * @return INFRA_OK; INFRA_EINVAL; INFRA_ENOENT.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_remove(struct infra_balancer *balancer,
                                    uint32_t id);

/**
 * Set a backend's mark on one axis.  Seen by readers after publish.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL (no such axis or state).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_mark(struct infra_balancer *balancer, uint32_t id,
                                  uint32_t axis, uint32_t state);

/**
 * Set the part of its configured weight that a backend has: what its agent, or
 * the operator, says for the time being.  100 until then.  Seen by readers
 * after publish, and among workers that share by all of them.
 *
 * The share stays when infra_balancer_set() configures another weight, and ends
 * when the backend is removed.  With a hash policy each new weight builds a
 * table, but 0 and the way back from it build none.
 *
 * @param percent  0 to 65535; the weight that results is kept between 1 and
 *                 INFRA_BALANCER_WEIGHT_MAX.  0 is nothing: the backend takes
 *                 nothing new but sticky requests, as under a mark of draining
 *                 by the operator, whatever else is down.  An agent's number
 *                 belongs here and not into infra_backend.weight, where 0 is 1.
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL (percent out of range).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_set_share(struct infra_balancer *balancer,
                                       uint32_t id, uint32_t percent);

/**
 * Set a weight in place of the configured one: infra_balancer_set_share() for
 * an agent that says a number.  It holds until infra_balancer_set_share().
 *
 * @param weight  0 to INFRA_BALANCER_WEIGHT_MAX; 0 is nothing, as there.
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL (weight out of range).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_set_weight(struct infra_balancer *balancer,
                                        uint32_t id, uint32_t weight);

/**
 * Make all edits since the last publish visible at once.  Without edits it only
 * frees what readers have let go.
 *
 * A mark becomes visible whatever fails.  Where the policy's table cannot be
 * built all edits are visible, and until a later publish can build it picks do
 * without: a key goes by rendezvous, other policies are by weight at random.
 * Where there is no memory even for the list of backends, readers keep the old
 * one, from which those that shall take nothing new are taken out and into which
 * those that were taken out so come back; all else waits for a later publish.
 *
 * The greatest numbers of ids and the greatest weights take a fifth of a second
 * with rings, and less with all other policies.
 *
 * @return INFRA_OK; INFRA_EINVAL; INFRA_ENOMEM, as said; what a host policy's
 *         build answers, likewise.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API int infra_balancer_publish(struct infra_balancer *balancer,
                                     infra_time now);

/**
 * Tell a backend's counters and state, summed over all readers.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_inspect(const struct infra_balancer *balancer,
                                     uint32_t id,
                                     struct infra_balancer_stats *ret);

/**
 * Tell who is in a tier and how evenly its table is laid out.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, also for a tier without backends; INFRA_ENOMEM;
 *         INFRA_EINVAL.
 *
 * Allocates, for the time of the call, and looks at the whole table: for a
 * page of statistics, not for every turn.  Thread safety: owner.
 */
INFRA_API int infra_balancer_inspect_tier(
    const struct infra_balancer *balancer, uint32_t tier,
    struct infra_balancer_tier_stats *ret);

/**
 * @name Workers that share
 * The worker processes of one server (pre-fork) can balance as one: in-flight
 * counts with their caps, latencies and marks lie in memory that all of them
 * map, while each has a balancer of its own, made after the fork with a worker
 * number of its own.
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
 * infra_balancer_set(balancer, &backend);
 * @endcode
 *
 * A host that numbers its workers itself joins none of them, and calls
 * infra_balancer_shared_reap() when one has died.  During a reload two
 * generations live side by side: there are numbers for both.
 *
 * An id means the same key in all workers: as long as one has another backend
 * there, infra_balancer_set() is EBUSY. Who marks a backend marks it for all,
 * and the others see it at their next infra_balancer_publish(), which each
 * calls once per turn of its loop (O(1) while nothing has changed).  Only
 * INFRA_BALANCER_AXIS_PASSIVE is each worker's own, as are the reports that it is judged
 * by: a worker that ejects at most a third leaves itself two thirds, whatever
 * the others eject, and no mark outlasts the detector that would lift it.
 *
 * Times given to any of the workers are of one clock, since latencies are
 * shared: CLOCK_BOOTTIME, or CLOCK_MONOTONIC, but not one here and one there,
 * and no time namespace of its own for one of them.  Picks,
 * failures and reports in infra_balancer_inspect() stay each worker's own;
 * `load` is that of all.
 *
 * Marks, latency and what is in flight belong to the key, and last when all
 * workers leave or die: the next that sets the key on the id finds them, so
 * that a reload sends nothing to a backend that is down.  They end when another
 * key takes the id, and when the key is removed: by infra_balancer_remove() or
 * a sync without it in the last worker that has it.  Set again, it is up, also
 * before tickets and readers of the former time are back.
 *
 * A worker may die at any time: its tickets are given back by the reap, by the
 * next worker that joins, or when its successor creates its balancer. 64 bytes
 * per id and 8 per id and worker.
 * @{
 */

/** Bytes for so many ids (0: 64) and workers, 1 to 4096; 0: out of range, or a
 *  machine whose atomics take locks.  Thread safety: any. */
INFRA_API size_t infra_balancer_shared_size(uint32_t ids_max,
                                            uint32_t workers_max);

/**
 * Make the memory ready, once, before any worker uses it.
 *
 * @param memory  Of at least infra_balancer_shared_size() bytes, on a boundary
 *                of 64. It stays the host's.
 * @return INFRA_OK; INFRA_EINVAL: too small, misaligned, a number out of range.
 *
 * Thread safety: owner (of the memory).
 */
INFRA_API INFRA_NODISCARD int infra_balancer_shared_init(void *memory,
                                                         size_t size,
                                                         uint32_t ids_max,
                                                         uint32_t workers_max);

/**
 * Join the workers: get a number for infra_balancer_options.worker that no
 * living one has, and give back what the dead held.  The number is this
 * process's until infra_balancer_destroy() or its death; a process that joins
 * again after exec gets the same one.  After the fork, and before create.
 *
 * @param process   A name of the calling process, not 0, that no other process
 *                  has or will have: infra_process_self() of driver.h.
 * @param is_alive  Answers whether the process of that name lives: 1, or 0.  An
 *                  unknown answer is 1, since a living worker must not be
 *                  reaped.  infra_process_is_alive() of driver.h.
 * @return The number; INFRA_EFULL: all are taken; INFRA_EINVAL: not such
 *         memory, no name, no function.
 *
 * Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_shared_join(
    void *memory, uint64_t process,
    int (*is_alive)(void *user, uint64_t process), void *user);

/**
 * The id of a key: the one that it has or had, in any worker, also before a
 * reload; or one that is free, first those that no key has had.
 * infra_balancer_set() follows; until the balancer is destroyed the id is kept
 * for the key in this worker.  Of a balancer that is alone likewise, but the id
 * is kept from set() on.
 *
 * @return The id; INFRA_EFULL: none is free; INFRA_EBUSY: another worker names
 *         right now, call again; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_id_of(struct infra_balancer *balancer,
                                   const char *key);

/**
 * Give back what a dead worker held. To do it twice is harmless; to do it to a
 * living one is not.
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
 * Create the data side for one thread: called by the control thread, used by
 * the worker.  It sees what was published before.
 *
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL.
 *
 * Allocates.  Thread safety: owner (of the balancer).
 */
INFRA_API INFRA_NODISCARD int infra_balancer_reader_create(
    struct infra_balancer_reader **ret, struct infra_balancer *balancer);

/**
 * Free a reader whose thread has stopped; NULL is allowed.  Its counts stay
 * with the balancer.  Its tickets are released by another reader.
 *
 * Thread safety: owner (of the balancer).
 */
INFRA_API void infra_balancer_reader_destroy(
    struct infra_balancer_reader *reader);

/**
 * Adopt the newest table now.  A pick does it by itself; a worker that may
 * sleep for long calls this once per turn of its loop, so that removed ids can
 * be reused.
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
 * @return The id (>= 0); INFRA_ENONE: nobody is up; INFRA_EINELIGIBLE: none of
 *         those is eligible; INFRA_ETRIED: all of those were tried;
 *         INFRA_EFULL: all of those are at their cap; INFRA_ESHED: few are back
 *         after an outage and this pick is refused; INFRA_EBUDGET: the retry
 *         budget is spent; INFRA_EINVAL: a NULL argument.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_pick(
    struct infra_balancer_reader *reader, const struct infra_request *request,
    infra_time now, struct infra_ticket *ret);

/**
 * Tell why a pick went where it went: bits of enum infra_ticket_why.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_ticket_why(const struct infra_ticket *ticket);

/** Name of one of those bits ("retry"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_ticket_why_name(uint32_t bit);

/**
 * Tell early how a ticket's work goes: connected, or the first byte came.
 * Optional, any number of times; the length of a session is no latency, so
 * release does not record one.
 *
 * @param outcome  enum infra_outcome.  If it blames the backend it counts as a
 *                 failure, as it does in release: report either, not both.
 * @param latency  Nanoseconds; counted when the outcome is OK.
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
 *         says nothing about the backend).
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
