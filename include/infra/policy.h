/* SPDX-License-Identifier: MIT */
/**
 * @file policy.h
 * How a balancer chooses among the backends that may be had: the schedulers,
 * and how a host writes one of its own.  Included by balancer.h.
 *
 * Each is a function, so that a program links the ones that it names:
 *
 * @code
 * struct infra_maglev_options maglev = { .size = sizeof maglev };
 * options.policy = infra_balancer_maglev();
 * options.policy_options = &maglev;
 * @endcode
 *
 * Which one?  Round robin where requests are alike, and least connections or
 * two choices where they are not; peak-EWMA where backends differ in a way that
 * only their latency shows, and Prequal where they can be asked; a hash policy
 * where a key has to find its backend again.  `infra-bench compare` answers it
 * for a given traffic.
 */
#ifndef INFRA_POLICY_H
#define INFRA_POLICY_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which infra_request.hash a policy wants.  Without one a policy that wants it
 *  sends everything to one backend. */
enum infra_policy_hash {
    INFRA_POLICY_HASH_NONE,    /**< It looks at none. */
    INFRA_POLICY_HASH_ANY,     /**< 64 bits, well mixed: infra_xxhash64() of the
                                    key, as Envoy and gRPC have it. */
    INFRA_POLICY_HASH_KETAMA,  /**< infra_ketama_hash() of the key. */
    INFRA_POLICY_HASH_NGINX,   /**< infra_nginx_hash() of the key. */
    INFRA_POLICY_HASH_ADDRESS, /**< infra_ip_hash() of the client's address. */
};

/** Name of such a hash ("ketama"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_policy_hash_name(uint32_t hash);

struct infra_balancer_reader; /**< See balancer.h. */
struct infra_balancer_policy; /**< A scheduler. */

/**
 * @name By order and by load
 *
 * A backend that fails at once has nothing in flight, and so it attracts traffic
 * under least connections and two choices: have it marked (INFRA_BALANCER_AXIS_PASSIVE,
 * see outlier.h).
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
 * equals in turn, or where weights differ in nginx's smooth weighted order, so
 * that weights count with nothing in flight, too; of some drawn by weight
 * beyond, of four at least and of more the larger the share of backends that
 * lag behind, and of equals the first drawn.  O(1); all threads share the
 * in-flight counters, and each reader takes 4 KiB.
 *
 * A backend that fails at once is always idle, and draws nearly all requests
 * while the others are busy.  A host that uses this policy, or two choices,
 * marks such a backend down: INFRA_BALANCER_AXIS_PASSIVE, by outlier.h.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_least_connections(
    void);

/**
 * Draw two different backends by weight, take the one with fewer in flight per
 * weight (Mitzenmacher 2001), the first drawn of equals.  A backend that fails
 * at once draws requests here, too.  O(1); all threads share the in-flight
 * counters.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_two_choices(void);

/**
 * Peak-EWMA (Finagle): of two different backends drawn by weight, the one whose
 * latency times its tickets in flight is less, per weight.  The latency is what
 * infra_balancer_report() tells: a worse one counts at once, better ones bring
 * it down over ten seconds.  A backend that nothing is known of gets one
 * request at a time.
 *
 * A failure adds eight times the mean, or its own duration if that is more.  A
 * failure of a ticket that was picked after the last failure doubles what is
 * left; 256 times the mean is the most.  Half goes with each second, and half
 * with each latency reported of a ticket picked since: one failure is over
 * within milliseconds in a busy server, the most within 12 s in an idle one.
 * Failures of tickets picked before the last failure, those of one crash, are
 * one.  A backend that comes up starts without.  A backend that has only failed
 * counts as the other of its pair does, times the same.
 *
 * So a backend that fails at once, and that nobody marks, gets about one
 * request a second from each balancer.  O(1).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_peak_ewma(void);

/**
 * The lowest id that has room under its cap, so that the others stay idle
 * (HAProxy's "first").  O(1) while that is the first.  Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_first(void);
/** @} */

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
 * n = infra_balancer_probes_next(r, now, probes, INFRA_BALANCER_PROBES_MAX);
 * for (i = 0; i < n; i++)
 *     send_probe(server[probes[i].id], probes[i]);
 * ...
 * // when an answer comes
 * infra_balancer_probe_answer(r, &answer.probe, answer.in_flight, answer.latency,
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
 * share.  Whoever uses Prequal needs somebody to mark it (INFRA_BALANCER_AXIS_PASSIVE).
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
INFRA_API INFRA_NODISCARD int infra_balancer_probes_next(
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
INFRA_API int infra_balancer_probe_answer(
    struct infra_balancer_reader *reader,
    const struct infra_balancer_probe *probe, uint32_t in_flight,
    infra_time latency, infra_time now);
/** @} */

/**
 * @name Hash policies
 * The request's hash chooses, so that a key stays with its backend; which hash,
 * infra_balancer_policy_hash() tells.  Tables are
 * built once for a membership (backends, weights, keys, tiers): when a backend
 * goes down only its keys move, each to where it would go without that backend,
 * and they come back with it.  A key that may not have its first backend goes
 * on in the order of its own that the policy defines, 32 steps at most, and
 * then to the best of the others by rendezvous.
 *
 * Rings have 256 Ki points for a tier at most, which are built in a tenth of a
 * second. A layout that wants more is scaled down, so that weights keep their
 * proportions but keys are no longer where the original has them: nginx's from
 * a sum of weights of 1639 on, libmemcached's from 1639 servers on (2622
 * without weights). There each backend keeps one point at least.
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
    /** Envoy's maximum_ring_size, up to 8 Mi; 0, or more than 256 Ki: 256 Ki,
     *  where Envoy would go on. */
    uint32_t points_max;
    uint32_t murmur2; /**< 1: MurmurHash2 places the points; 0: xxHash64. */
    uint32_t reserved;
};

/** A hash ring as Envoy and gRPC lay it out.  Each backend's points are counted
 *  in proportion to all: when one of a few leaves or comes, the others get more
 *  or fewer, and about a tenth of their keys move, too; with nginx-ring and
 *  rendezvous none do.  O(1) expected; 24 bytes a point.  Thread safety:
 *  any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ring(void);

/** Options of infra_balancer_ketama(). */
struct infra_ketama_options {
    size_t size;
    uint32_t unweighted; /**< 1: as without BEHAVIOR_KETAMA_WEIGHTED. */
    uint32_t reserved;
};

/** A ring as libmemcached lays it out, to take over from it; the request's hash
 *  is infra_ketama_hash().  As there, a backend lighter than a fortieth of the
 *  mean has no point, and no key.  O(1) expected.  Thread safety: any. */
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

/** nginx's ip_hash, weighted; the request's hash is infra_ip_hash().  As in
 *  nginx there are 6271 values, dealt out by weight in turn: large weights or
 *  many backends starve the last ones (5000, 5000, 5000: 80 %, 20 %, nothing).
 *  O(1).  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ip_hash(void);

/** The hash of a client's address, 4 or 16 bytes in network order, as nginx
 *  computes it; 0 for other sizes.  Thread safety: any. */
INFRA_API uint64_t infra_ip_hash(const void *address, size_t size);
/** @} */

/**
 * @name By name
 * @{
 */

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
 * Which hash of a request the policy wants: an enum infra_policy_hash.  NULL is
 * the default policy, round robin.  For the last three another hash that is well
 * mixed balances as well, but keys are elsewhere than the original has them.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t
infra_balancer_policy_hash(const struct infra_balancer_policy *policy);

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

/** Its latency now, nanoseconds, as peak-EWMA keeps it, with what failures add
 *  (a second if it has only failed); 0: unknown, or the policy does not say
 *  needs_latency.  Thread safety: any. */
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
     *  INFRA_OK, or an error that publish passes on; picks do without the policy
     *  then, see there.  NULL: leave it zero. */
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
    uint32_t hash; /**< enum infra_policy_hash, for the host that picks. */
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

#endif /* INFRA_POLICY_H */
