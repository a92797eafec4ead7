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
 * bytes per id for the shared slot, 48 for the control side (64 with subsets),
 * 40 per reader, 16 per backend and published table.
 */
#ifndef INFRA_BALANCER_H
#define INFRA_BALANCER_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_balancer;        /**< Control side. */
struct infra_balancer_reader; /**< Data side: one per thread and balancer. */
struct infra_balancer_policy; /**< A scheduler; functions below name them. */

#define INFRA_BALANCER_IDS_MAX 65535u    /**< Most ids of one balancer. */
#define INFRA_BALANCER_WEIGHT_MAX 65535u /**< Greatest weight. */
#define INFRA_BALANCER_TIERS_MAX 16u     /**< Tiers 0 .. 15. */
#define INFRA_BALANCER_KEY_MAX 255u      /**< Longest key, in bytes. */

/** Who may speak about a backend.  The worst of the three marks counts. */
enum infra_balancer_axis {
    INFRA_AXIS_HEALTH,  /**< Active checks. */
    INFRA_AXIS_PASSIVE, /**< What the traffic showed (outlier ejection). */
    INFRA_AXIS_ADMIN,   /**< The operator. */
};

/** A mark on one axis, from best to worst. */
enum infra_balancer_state {
    INFRA_STATE_UP,
    INFRA_STATE_DEGRADED, /**< Only when no healthy one of its tier can. */
    INFRA_STATE_DRAINING, /**< Keeps what it has, takes nothing new. */
    INFRA_STATE_DOWN,
};

/** When the next tier takes over; a tier with nobody able is always passed. */
enum infra_balancer_spill {
    INFRA_SPILL_DOWN, /**< When nobody is up, eligible and untried. */
    INFRA_SPILL_FULL, /**< Also when all of them are at their cap. */
};

/** Whom a pick may use when nobody is up, or a tier is in panic. */
enum infra_balancer_outage {
    INFRA_OUTAGE_REFUSE,  /**< Nobody: INFRA_ENONE. */
    INFRA_OUTAGE_ANYBODY, /**< All but those that the operator took out: the
                                checks may be what is wrong. */
    INFRA_OUTAGE_LAST_UP, /**< Those that were up last.  In a panic of some
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
     *  degraded backends come after the healthy of all tiers. */
    uint32_t overprovision_percent;
    /** With overprovision_percent: while all tiers together cannot carry the
     *  traffic, a tier of which less than this can serve is in panic, and
     *  `outage` says what then (Envoy's default is 50 with ANYBODY).  0:
     *  never. */
    uint32_t panic_percent;
    /** After a total outage, until so many are up, a pick is refused with
     *  INFRA_ESHED but in proportion to how many are: those that come back
     *  first are not buried (brpc's cluster recovery).  0: never. */
    uint32_t recover_min;
    /** Per reader, retries (picks with tried ids) may be so many in a hundred
     *  first attempts, plus so many a second; both 0: no budget.  Up to 100 and
     *  ten seconds' worth are saved up. */
    uint32_t retry_percent;
    uint32_t retry_min_per_s;
    /** A backend that comes up gets a tenth of its share at first and all of it
     *  after so long, growing linearly, with every policy; 0: all at once.  Not
     *  while all of its tier are new.  Nanoseconds. */
    infra_time slow_start;
    /** For hash policies: a backend that has so many per cent of its share of
     *  its tier's tickets in flight, 100 to 10000, is passed over, and the key
     *  goes on as if it were full (consistent hashing with bounded loads,
     *  Mirrokni et al. 2018; 125 to 200 is usual).  The places of a tier add up
     *  to exactly that part of its tickets.  0: no bound. */
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
    /** Who it is, 1 to 255 bytes, NUL-terminated, best unique: "the same
     *  backend" when an id comes back, and its place for hash policies. */
    const char *key;
    uint32_t id;     /**< The host's: its slot in its own server table. */
    uint32_t weight; /**< 0: 1. */
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
    INFRA_WHY_STICKY = 1,   /**< The request's sticky backend. */
    INFRA_WHY_RETRY = 2,    /**< The request had tried others. */
    INFRA_WHY_SPILL = 4,    /**< A later tier, or the degraded of one. */
    INFRA_WHY_OUTAGE = 8,   /**< Panic or outage: health was not believed. */
    INFRA_WHY_INSTEAD = 16, /**< The policy's choice could not be had. */
    INFRA_WHY_WARMING = 32, /**< Another was passed over, its slow start. */
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
 *         too long, weight or tier too large); INFRA_ESTRUCT; INFRA_EBUSY: the
 *         id belongs to another key that is not removed, or that a reader may
 *         still pick, or that a ticket still holds.  Until this call stops
 *         saying EBUSY the host leaves its own entry for the id alone; it helps
 *         to publish, to let idle workers call infra_balancer_refresh(), and to
 *         wait for the tickets.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_set(
    struct infra_balancer *balancer, const struct infra_backend *backend);

/**
 * Make the membership be these backends: add and change them as
 * infra_balancer_set() does, and remove all others.  All or nothing.
 *
 * @param backends  All with the same size field; the order does not matter.
 * @return As infra_balancer_set(); INFRA_EINVAL also for an id named twice.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_sync(
    struct infra_balancer *balancer, const struct infra_backend *backends,
    uint32_t count);

/**
 * Take a backend out.  Tickets that are out stay valid; its counters stay until
 * another key takes the id.
 *
 * @return INFRA_OK; INFRA_EINVAL; INFRA_ENOENT.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_remove(
    struct infra_balancer *balancer, uint32_t id);

/**
 * Set a backend's mark on one axis.  Seen by readers after publish.
 *
 * @return INFRA_OK; INFRA_ENOENT; INFRA_EINVAL (no such axis or state).
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_mark(
    struct infra_balancer *balancer, uint32_t id, uint32_t axis,
    uint32_t state);

/**
 * Make all edits since the last publish visible at once.  Without edits it only
 * frees what readers have let go.
 *
 * @return INFRA_OK; INFRA_EINVAL; INFRA_ENOMEM (readers keep the old table, the
 *         edits wait for the next publish); what a host policy's build answers.
 *
 * Allocates.  Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_publish(
    struct infra_balancer *balancer, infra_time now);

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
INFRA_API INFRA_NODISCARD int infra_balancer_inspect_tier(
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
 * // fork; then worker i:                     // the parent, when i has died:
 * options.shared = memory;                    infra_balancer_shared_reap(memory,
 * options.worker = i;                                                    i);
 * infra_balancer_create(&balancer, &options);
 * @endcode
 *
 * An id means the same key in all workers: as long as one has another backend
 * there, infra_balancer_set() is EBUSY. Who marks a backend marks it for all,
 * and the others see it at their next infra_balancer_publish(), which each
 * calls once per turn of its loop (O(1) while nothing has changed). Whoever is
 * responsible for an axis says its marks afresh when it starts. Picks, failures
 * and reports in infra_balancer_inspect() stay each worker's own; `load` is
 * that of all.
 *
 * A worker may die at any time: its tickets are given back by the reap, or when
 * its successor creates its balancer. 64 bytes per id and 8 per id and worker.
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
 * Give back what a dead worker held. To do it twice is harmless; to do it to a
 * living one is not.
 *
 * @return INFRA_OK; INFRA_EINVAL: not such memory, or no such worker.
 *
 * Thread safety: any.
 */
INFRA_API int infra_balancer_shared_reap(void *memory, uint32_t worker);
/** @} */

/** Name of a state ("up"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_balancer_state_name(uint32_t state);

/** Name of an axis ("health"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_balancer_axis_name(uint32_t axis);

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
 * @return The id (>= 0); INFRA_ENONE: nobody is up; INFRA_ENARROW: none of
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
 *         already, or no such outcome (the ticket stays valid then).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_release(struct infra_balancer_reader *reader,
                                     struct infra_ticket *ticket,
                                     uint32_t outcome, infra_time now);

/**
 * @name Policies
 * Each is a function, so that a program links the ones that it names.
 * @{
 */

/** Each in turn, weights ignored.  O(1).  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_round_robin(void);

/**
 * Each in turn, in proportion to its weight and evenly mixed.  While one cycle
 * (sum of weights / their greatest common divisor) has at most 4096 turns, this
 * is nginx's smooth weighted order to the letter: a a b a c a a for 5, 1, 1.
 * Beyond, static strides as in gRPC, with weights clamped to 1/100 .. 10 times
 * the mean of the tier.  O(1).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_smooth_weighted(
    void);

/**
 * Each in turn in proportion to its weight, by static strides whatever the
 * weights are: two bytes of table a backend.  Weights are clamped as above.
 * O(1).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *
infra_balancer_weighted_round_robin(void);

/** By weight, at random.  O(1).  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_random(void);

/**
 * The fewest in flight per weight: of all while a tier has up to 16 backends,
 * equals in turn; of some drawn at random beyond, of four at least and of more
 * the larger the share of backends that lag behind.  O(1); all threads share
 * the in-flight counters.  Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_least_connections(
    void);

/**
 * Draw two different backends by weight, take the one with fewer in flight per
 * weight (Mitzenmacher 2001).  O(1); all threads share the in-flight counters.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_two_choices(void);

/**
 * Peak-EWMA (Finagle): of two different backends drawn by weight, the one whose
 * latency times its tickets in flight is less, per weight.  The latency is what
 * infra_balancer_report() tells: a worse one counts at once, better ones bring
 * it down over ten seconds; a failure counts as a second at least.  A backend
 * that nothing is known of gets one request at a time.  O(1).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_peak_ewma(void);

/**
 * @name Prequal
 * Backends that know their own load tell it (Wydrowski et al., "Load is not
 * what you should balance: Introducing Prequal", NSDI 2024).  It pays where
 * there are many backends, unequal or shared with others, and many processes
 * that see little of each other's work; with ten backends and one process, two
 * choices do as well.
 *
 * The library has no sockets, so the host carries the probes: small questions,
 * answered at once, of how many requests the backend has in flight and how long
 * one takes that comes now (the median of those that came at about this load,
 * say).  With each pick some backends, drawn at random, are due to be asked;
 * nobody waits for the answers.
 *
 * @code
 * id = infra_balancer_pick(r, NULL, now, &ticket);
 * n = infra_balancer_probes(r, now, probes, INFRA_BALANCER_PROBES_MAX);
 * for (i = 0; i < n; i++)
 *     send_probe(server[probes[i].id], probes[i]);
 * ...
 * // when an answer comes
 * infra_balancer_probed(r, &answer.probe, answer.in_flight, answer.latency,
 *                       now);
 * @endcode
 *
 * Each reader keeps a pool of answers per tier, the latest of a backend.  An
 * answer is hot if it has more in flight than most of the last 64 answers had
 * (the 84th percentile).  A pick takes the cold answer with the least latency,
 * or the one with the fewest in flight if all are hot; that one counts as
 * having one more in flight from then on.  Answers leave the pool when they are
 * too old, used up, pushed out by newer ones when it is full, or removed, the
 * oldest and the worst in turn.
 *
 * With fewer than two answers that it may use, a pick is that of
 * infra_balancer_two_choices(): so it is for a host that sends no probes.
 * Weights count there only, since the answers tell what a backend can do.
 *
 * A backend that fails at once looks idle and fast, and gets more than its
 * share.  Whoever uses Prequal needs somebody to mark it (INFRA_AXIS_PASSIVE).
 * @{
 */

/** The most probes of a tier that are due at once. */
#define INFRA_BALANCER_PROBES_MAX 32u

/** Options of infra_balancer_prequal(), with the names that the paper uses. */
struct infra_prequal_options {
    size_t size;
    infra_time age_max; /**< Of an answer, 0: 1 s.  Nanoseconds. */
    /** r_probe: so many for a hundred picks, up to 3200; 0: 300. */
    uint32_t probes_percent;
    /** r_remove: so many answers are removed for a hundred picks, up to 3200,
     *  but the last two are left alone; 0: 100. */
    uint32_t removals_percent;
    /** Delta: so many more uses than picks, in per cent, do the answers offer;
     *  up to 10000, 0: 100.  An answer is used 16 times at most. */
    uint32_t reuse_percent;
    uint32_t pool_size; /**< m, 2 to 32; 0: 16. */
    /** Q_RIF: which percentile of the answers is cold, up to 100; 0: 84.  With
     *  1 the work in flight decides, with 100 the latency alone. */
    uint32_t hot_percentile;
    uint32_t reserved;
};

/** Prequal.  O(pool_size); all threads share the in-flight counters, and each
 *  reader takes 51 KiB.  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_prequal(void);

/** A question to one backend, which goes back with the answer. */
struct infra_balancer_probe {
    uint32_t id;
    uint32_t generation; /**< Which of the backends that the id has had. */
};

/**
 * Whom to probe now: for the picks that were made since the last call, and, so
 * that the pool does not run dry, some at least once in half of the answers'
 * age_max.  That is for a host that also calls this from a timer; others call
 * it after a pick.  What does not fit @p max stays due.
 *
 * @param[out] ret  Room for @p max.
 * @return How many, different ones of each tier; 0 if the policy is another;
 *         INFRA_EINVAL: a NULL argument.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_probes(
    struct infra_balancer_reader *reader, infra_time now,
    struct infra_balancer_probe *ret, uint32_t max);

/**
 * Take in an answer, through the reader that it is for.  Probes without an
 * answer need no word.  An answer that took longer than a few milliseconds
 * tells the past and is better left out.
 *
 * @param in_flight  What the backend has, of all its clients.
 * @param latency    Nanoseconds, of requests that were served; 0 is the best
 *                   there is, so a backend that cannot tell yet gets a request.
 * @return INFRA_OK; INFRA_ESTALE: the backend takes nothing new or is gone;
 *         INFRA_EINVAL: a NULL argument, or the policy is another.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_balancer_probed(struct infra_balancer_reader *reader,
                                    const struct infra_balancer_probe *probe,
                                    uint32_t in_flight, infra_time latency,
                                    infra_time now);
/** @} */

/**
 * The lowest id that has room under its cap, so that the others stay idle
 * (HAProxy's "first").  O(1) while that is the first.  Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_first(void);

/**
 * @name Hash policies
 * The request's hash chooses, so that a key stays with its
 * backend.  Tables are built once for a membership (backends, weights, keys,
 * tiers): when a backend goes down only its keys move, each to where it would
 * go without that backend, and they come back with it.  A key that may not have
 * its first backend goes on in the order of its own that the policy defines, 32
 * steps at most, and then to the best of the others by rendezvous.
 * @{
 */

/** Options of infra_balancer_maglev(). */
struct infra_maglev_options {
    size_t size;
    /** Slots, a prime up to 5 000 011, best a hundred for each backend; 0:
     *  65537. */
    uint32_t table_size;
    uint32_t reserved;
};

/**
 * Maglev (Eisenbud et al. 2016), weighted, with Envoy's exact tables.  The even
 * choice: shares are within 1 % and a pick is one load; when the membership
 * changes up to one in a hundred of the others' keys move too.  O(1); a table
 * of 65537 slots takes 128 KiB and about a millisecond to build.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_maglev(void);

/** Options of infra_balancer_ring(). */
struct infra_ring_options {
    size_t size;
    /** Envoy's minimum_ring_size; 0: 1024.  For even shares have a hundred or
     *  more for each backend: at 1000 backends the default loads one with five
     *  times the mean. */
    uint32_t points_min;
    uint32_t points_max; /**< Envoy's maximum_ring_size; 0: 8 Mi. */
    uint32_t murmur2;    /**< 1: MurmurHash2 places the points; 0: xxHash64. */
    uint32_t reserved;
};

/** A hash ring as Envoy and gRPC lay it out.  O(1) expected; 24 bytes a point.
 *  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ring(void);

/** Options of infra_balancer_ketama(). */
struct infra_ketama_options {
    size_t size;
    uint32_t unweighted; /**< 1: as without BEHAVIOR_KETAMA_WEIGHTED. */
    uint32_t reserved;
};

/** A ring as libmemcached lays it out, to take over from it; the request's hash
 *  is infra_ketama_hash().  O(1) expected.  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ketama(void);

/** Where libmemcached looks a key up.  Thread safety: any. */
INFRA_API uint64_t infra_ketama_hash(const void *key, size_t size);

/** A ring as nginx lays it out for "hash ... consistent"; the request's hash is
 *  infra_nginx_hash().  O(1) expected.  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_nginx_ring(void);

/** Where nginx looks a key up.  Thread safety: any. */
INFRA_API uint64_t infra_nginx_hash(const void *key, size_t size);

/**
 * Rendezvous (Thaler, Ravishankar 1998), weighted: shares are exact, nothing is
 * moved but what must be, and there is no table to speak of, but a pick looks
 * at every backend of the tier.  O(n).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_rendezvous(void);

/**
 * Jump hash (Lamping, Veach 2014), weights ignored: next to no table, for
 * backends that come and go at the end.  The ids of a tier are its buckets,
 * from the first on; a hole counts as a backend that is down.  O(log n).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_jump(void);

/** nginx's ip_hash, weighted; the request's hash is infra_ip_hash().  O(1).
 *  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ip_hash(void);

/** The hash of a client's address, 4 or 16 bytes in network order, as nginx
 *  computes it; 0 for other sizes.  Thread safety: any. */
INFRA_API uint64_t infra_ip_hash(const void *address, size_t size);
/** @} */

/**
 * Find a policy by its name, which is that of its function with hyphens:
 * "round-robin".  NULL: unknown.  Links them all.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_policy_by_name(
    const char *name);

/**
 * The names that infra_balancer_policy_by_name() knows: the one at @p index, or
 * NULL past the last.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_balancer_policy_name(uint32_t index);
/** @} */

/**
 * @name A policy of the host's own
 * @{
 */

/** The backends of one tier in a pick or a build; valid during that call.
 *  Indexes run from 0 to count - 1 in the order of ids. */
struct infra_balancer_candidates;

/** How many.  Thread safety: any. */
INFRA_API uint32_t
infra_candidates_count(const struct infra_balancer_candidates *candidates);

/** The host's id of one.  Thread safety: any. */
INFRA_API uint32_t infra_candidates_id(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its latency now, nanoseconds, as peak-EWMA keeps it; 0: unknown, or
 *  the policy does not say needs_latency.  Thread safety: any. */
INFRA_API infra_time infra_candidates_latency(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its key, in build() only; NULL in pick().  Thread safety: any. */
INFRA_API const char *infra_candidates_key(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its weight, at least 1.  Thread safety: any. */
INFRA_API uint32_t infra_candidates_weight(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its tickets now, over all threads; 0 unless the policy says needs_load or
 *  the backend has a cap.  Thread safety: any. */
INFRA_API uint32_t infra_candidates_in_flight(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** The memory_size bytes that the policy has per reader and tier, zeroed at
 *  first and aligned for any type; NULL in a build, or if it asked for none.
 *  Thread safety: any. */
INFRA_API void *infra_candidates_memory(
    const struct infra_balancer_candidates *candidates);

/** The policy's options, copied and complete; NULL if it has none.  Thread
 *  safety: any. */
INFRA_API const void *infra_candidates_options(
    const struct infra_balancer_candidates *candidates);

/** May it be picked: up, eligible, not tried, not full?  Thread safety: any. */
INFRA_API int infra_candidates_may(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/**
 * A scheduler.  The struct is the host's and stays unchanged while a balancer
 * uses it.  None of its functions may call back into the balancer.
 */
struct infra_balancer_policy {
    size_t size;
    const char *name;
    /** Bytes that build() fills for a tier; NULL or 0: no table. */
    size_t (*table_size)(const struct infra_balancer_candidates *candidates);
    /** Bytes that build() needs for itself while it runs; NULL or 0: none. */
    size_t (*scratch_size)(const struct infra_balancer_candidates *candidates);
    /** Fill the table, in the caller of publish.  Table and scratch start
     *  zeroed, aligned for any type; the table never changes once published.
     *  INFRA_OK, or an error that publish passes on.  NULL: leave it zero. */
    int (*build)(void *table, void *scratch,
                 const struct infra_balancer_candidates *candidates);
    /**
     * Choose an index.  @p state is the policy's own, per reader and tier:
     * random words at first, then whatever it left there.  If the answer may
     * not be picked, or is UINT32_MAX, the balancer draws by weight among those
     * that may.
     */
    uint32_t (*pick)(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *candidates,
                     uint64_t hash);
    uint32_t needs_load; /**< 1: keep in-flight counts shared by all threads. */
    /** 1: keep the latencies that are reported, for
     *  infra_candidates_latency(). */
    uint32_t needs_latency;
    /** 1: candidates are all backends of the tier, those that are down among
     *  them (ask infra_candidates_may()), so that a table is built once for a
     *  membership and outlives changes of health.  0: those that are up. */
    uint32_t whole_tier;
    uint32_t reserved;
    /** Of the struct that infra_balancer_options.policy_options points to; 0:
     *  there is none. */
    size_t options_size;
    /** Are these options, zeroes where none were given, good?  INFRA_OK, or an
     *  error that create passes on.  NULL: all are. */
    int (*check)(const void *options);
    /** Bytes per reader and tier for infra_candidates_memory(), where the four
     *  words of state are too few, 1 MiB at most; 0: none. */
    size_t memory_size;
    /** For infra_balancer_inspect_tier(): what each candidate has of the table,
     *  at first 0 in @p has, and what it should have, at first its weight in
     *  @p due; each in any unit whose sum fits.  NULL: what it should. */
    void (*shares)(const void *table,
                   const struct infra_balancer_candidates *candidates,
                   uint64_t *due, uint64_t *has);
};
/** @} */

#ifdef __cplusplus
}
#endif

#endif /* INFRA_BALANCER_H */
