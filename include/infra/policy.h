/* SPDX-License-Identifier: MIT */
/**
 * @file policy.h
 * How a balancer chooses among the usable backends: the schedulers, and how a
 * host writes its own.  Included by balancer.h.
 *
 * Each policy is a function, so that a program links only those it names:
 *
 * @code
 * struct infra_maglev_options maglev = { .size = sizeof maglev };
 * options.policy = infra_balancer_maglev();
 * options.policy_options = &maglev;
 * @endcode
 *
 * Which one?  For requests of equal cost round robin, else least connections or
 * two choices.  Peak-EWMA if backends differ in a way that only their latency
 * shows, Prequal if backends can report their own load.  A hash policy if a key
 * must return to its backend.  `infra-bench compare` compares them for a given
 * traffic.
 */
#ifndef INFRA_POLICY_H
#define INFRA_POLICY_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which infra_request.hash a policy needs.  Without that hash the policy sends
 *  everything to one backend. */
enum infra_policy_hash {
    INFRA_POLICY_HASH_NONE,    /**< None. */
    INFRA_POLICY_HASH_ANY,     /**< 64 well mixed bits: infra_xxhash64() of the
                                    key, as in Envoy and gRPC. */
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
 * A backend that fails at once has nothing in flight, so least connections and
 * two choices send it nearly all traffic while the others are busy.  With these
 * policies mark a failing backend down: INFRA_BALANCER_AXIS_PASSIVE, by
 * outlier.h.
 * @{
 */

/** Each backend in turn, weights ignored.  O(1).  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_round_robin(void);

/**
 * Each backend in turn, by weight and evenly mixed.  If one cycle (sum of the
 * weights / their greatest common divisor) has at most 4096 turns, the order is
 * exactly nginx's smooth weighted order: a a b a c a a for 5, 1, 1.  Else
 * static strides as in gRPC, with weights limited to 1/100 .. 10 times the mean
 * of the tier.  O(1).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_smooth_weighted(
    void);

/**
 * Each backend in turn, by weight, always by static strides: two bytes of table
 * per backend.  Weights are limited as above.  O(1).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *
infra_balancer_weighted_round_robin(void);

/** At random, by weight.  O(1).  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_random(void);

/**
 * Fewest tickets in flight per weight.  Up to 16 backends all are compared;
 * ties are taken in turn, or with unequal weights in nginx's smooth weighted
 * order, so that weights count on an idle tier too.  With more backends, the
 * best of 4 to 16 drawn at random by weight, the first of equals; more draws as
 * more backends lag behind.  O(1).  All threads share the in-flight counters;
 * each reader takes 4 KiB.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_least_connections(
    void);

/**
 * Draw two different backends by weight and take the one with fewer tickets in
 * flight per weight (Mitzenmacher 2001), the first of equals.  O(1).  All
 * threads share the in-flight counters.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_two_choices(void);

/**
 * Peak-EWMA (Finagle): draw two different backends by weight and take the one
 * with the lower latency times tickets in flight, per weight.  Latencies come
 * from infra_balancer_report(): a higher one counts at once, lower ones bring
 * the mean down over ten seconds.  A backend without a known latency gets one
 * request at a time.
 *
 * Failures add a penalty to the mean:
 *  - A failure adds eight times the mean, or its own duration if that is more.
 *  - A failure of a ticket picked after the last failure doubles the rest of
 *    the penalty, up to 256 times the mean.  Failures of tickets picked before
 *    the last failure count as one with it: they are of one crash.
 *  - The penalty halves with each second, and with each latency reported for a
 *    ticket picked since.  One failure is over within milliseconds on a busy
 *    server; the maximum is over within 12 s on an idle one.
 *  - A backend that comes up starts without a penalty.
 *  - A backend that has only failed takes the mean of the other backend of its
 *    pair, times the penalty.
 *
 * A backend that fails at once and is never marked thus gets about one request
 * per second from each balancer.  O(1).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_peak_ewma(void);

/**
 * The lowest id with room under its cap, so that the other backends stay idle
 * (HAProxy's "first").  O(1) while that is the first one.  Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_first(void);
/** @} */

/**
 * @name Prequal
 * Backends report their own load (Wydrowski et al., "Load is not what you
 * should balance: Introducing Prequal", NSDI 2024).  It helps with many
 * backends that are unequal or shared with others, and with many balancing
 * processes that see little of each other's work.  With ten backends and one
 * process two choices does as well.
 *
 * The library has no sockets, so the host carries the probes: small questions
 * that a backend answers at once with its number of requests in flight and the
 * latency of a request that arrives now (for example, the median of those that
 * arrived at about this load).  After each pick some backends, drawn at random,
 * are due for a probe.  No pick waits for an answer.
 *
 * @code
 * id = infra_balancer_pick(r, NULL, now, &ticket);
 * n = infra_balancer_probes_next(r, now, probes, INFRA_BALANCER_PROBES_MAX);
 * for (i = 0; i < n; i++)
 *     send_probe(server[probes[i].id], probes[i]);
 * ...
 * // when an answer comes
 * infra_balancer_probe_answer(r, &answer.probe, answer.in_flight,
 *                             answer.latency, now);
 * @endcode
 *
 * Each reader keeps a pool of answers per tier, at most one per backend, the
 * latest.  An answer is hot if its number in flight is above the 84th
 * percentile of the last 64 answers, else cold.  A pick takes the cold answer
 * with the least latency, or if all are hot the one with the fewest in flight;
 * its number in flight then counts one more.  An answer leaves the pool when it
 * is too old or used up, when a newer one needs its place, or by removal: the
 * oldest and the worst in turn.
 *
 * With fewer than two usable answers (always, if the host sends no probes) a
 * pick is infra_balancer_two_choices().  Only that fallback uses weights.
 *
 * A backend that fails at once looks idle and fast, and gets more than its
 * share: mark it (INFRA_BALANCER_AXIS_PASSIVE, see outlier.h).
 * @{
 */

/** Maximum number of probes of a tier that are due at once. */
#define INFRA_BALANCER_PROBES_MAX 32u

/** Options of infra_balancer_prequal(), with the names of the paper. */
struct infra_prequal_options {
    size_t size;
    infra_time age_max; /**< Maximum age of an answer; 0: 1 s.  Nanoseconds. */
    /** r_probe: probes per hundred picks, up to 3200; 0: 300. */
    uint32_t probes_percent;
    /** r_remove: removals per hundred picks, up to 3200; the last two answers
     *  stay; 0: 100. */
    uint32_t removals_percent;
    /** Delta: surplus of uses offered by the answers over the picks, in
     *  percent, up to 10000; 0: 100.  An answer is used 16 times at most. */
    uint32_t reuse_percent;
    uint32_t pool_size; /**< m, 2 to 32; 0: 16. */
    /** Q_RIF: percentile up to which answers are cold, up to 100; 0: 84.  With
     *  1 the number in flight decides, with 100 the latency alone. */
    uint32_t hot_percentile;
    uint32_t reserved;
};

/** Prequal.  O(pool_size).  All threads share the in-flight counters; each
 *  reader takes 51 KiB.  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_prequal(void);

/** A question to one backend, to be returned with the answer. */
struct infra_balancer_probe {
    uint32_t id;
    uint32_t generation; /**< Which of the backends that the id has had. */
};

/**
 * Take the probes that are due: for the picks since the last call, and in
 * addition some in each half of age_max, so that the pool does not run dry.  A
 * host calls it after a pick, and for the latter also from a timer.  Probes
 * beyond @p max stay due.
 *
 * @param[out] ret  Room for @p max.
 * @return Number of probes, all different within a tier; 0 with another policy;
 *         INFRA_EINVAL: a NULL argument.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_balancer_probes_next(
    struct infra_balancer_reader *reader, infra_time now,
    struct infra_balancer_probe *ret, uint32_t max);

/**
 * Take in an answer, through the reader that made the probe.  A probe without
 * an answer needs no call.  Drop an answer that took more than a few
 * milliseconds: it describes the past.
 *
 * @param in_flight  The backend's requests in flight, of all its clients.
 * @param latency    Of served requests, in nanoseconds.  0 is the best latency:
 *                   a backend that has none to report yet gets a request.
 * @return INFRA_OK; INFRA_ESTALE: the backend gets no new work or is gone;
 *         INFRA_EINVAL: a NULL argument, or another policy.
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
 * The request's hash chooses, so that a key stays with its backend;
 * infra_balancer_policy_hash() says which hash.  A table is built once for a
 * membership (backends, weights, keys, tiers).  When a backend goes down only
 * its keys move, each to its place without that backend, and they return with
 * it.  If a key's first backend is unavailable the key follows an order of its
 * own, defined by the policy, for at most 32 steps, and then goes to the best
 * of the others by rendezvous.
 *
 * A ring has at most 256 Ki points per tier, built in a tenth of a second.  A
 * layout that asks for more is scaled down: weights keep their proportions and
 * every backend at least one point, but keys are no longer where the original
 * has them.  This begins for nginx at a sum of weights of 1639, for
 * libmemcached at 1639 servers (2622 without weights).
 * @{
 */

/** Options of infra_balancer_maglev(). */
struct infra_maglev_options {
    size_t size;
    /** Slots: a prime up to 5 000 011, best a hundred per backend; 0: 65537. */
    uint32_t table_size;
    uint32_t reserved;
};

/**
 * Maglev (Eisenbud et al. 2016), weighted, with exactly Envoy's tables.  The
 * even choice: shares are within 1 % and a pick is one load.  A change of
 * membership also moves up to one in a hundred of the other backends' keys.
 * O(1); a table of 65537 slots takes 128 KiB and about a millisecond to build.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_maglev(void);

/** Options of infra_balancer_ring(). */
struct infra_ring_options {
    size_t size;
    /** Envoy's minimum_ring_size; 0: 1024.  For even shares use a hundred or
     *  more per backend: with 1000 backends the default gives one backend five
     *  times the mean. */
    uint32_t points_min;
    /** Envoy's maximum_ring_size, up to 8 Mi; 0, or above 256 Ki: 256 Ki, where
     *  Envoy goes on. */
    uint32_t points_max;
    uint32_t murmur2; /**< 1: MurmurHash2 places the points; 0: xxHash64. */
    uint32_t reserved;
};

/** A hash ring with the layout of Envoy and gRPC.  Each backend's number of
 *  points depends on all weights: a change among few backends changes the
 *  points of the others and moves about a tenth of their keys (with nginx-ring
 *  and rendezvous none).  O(1) expected; 24 bytes per point.  Thread safety:
 *  any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ring(void);

/** Options of infra_balancer_ketama(). */
struct infra_ketama_options {
    size_t size;
    uint32_t unweighted; /**< 1: as without BEHAVIOR_KETAMA_WEIGHTED. */
    uint32_t reserved;
};

/** A ring with the layout of libmemcached, to take over from it; the request's
 *  hash is infra_ketama_hash().  As there, a backend lighter than a fortieth of
 *  the mean has no point and no key.  O(1) expected.  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ketama(void);

/** Place of a key on libmemcached's ring.  Thread safety: any. */
INFRA_API uint64_t infra_ketama_hash(const void *key, size_t size);

/** A ring with the layout of nginx's "hash ... consistent"; the request's hash
 *  is infra_nginx_hash().  O(1) expected.  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_nginx_ring(void);

/** Place of a key on nginx's ring.  Thread safety: any. */
INFRA_API uint64_t infra_nginx_hash(const void *key, size_t size);

/**
 * Rendezvous (Thaler, Ravishankar 1998), weighted: exact shares, the fewest
 * possible moves of keys, and 16 bytes of table per backend, but a pick looks
 * at every backend of the tier.  O(n).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_rendezvous(void);

/**
 * Jump hash (Lamping, Veach 2014), weights ignored: 4 bytes of table per id,
 * for backends that are added and removed at the end.  The ids of a tier are
 * its buckets, from the first id; a gap counts as a backend that is down.
 * O(log n).
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_jump(void);

/** nginx's ip_hash, weighted; the request's hash is infra_ip_hash().  As in
 *  nginx there are 6271 values, dealt out by weight in turn: with large weights
 *  or many backends the last ones get nothing (5000, 5000, 5000: 80 %, 20 %,
 *  0). O(1).  Thread safety: any. */
INFRA_API const struct infra_balancer_policy *infra_balancer_ip_hash(void);

/** nginx's hash of a client's address, 4 or 16 bytes in network order; 0 for
 *  other sizes.  Thread safety: any. */
INFRA_API uint64_t infra_ip_hash(const void *address, size_t size);
/** @} */

/**
 * @name By name
 * @{
 */

/**
 * Find a policy by its name: that of its function with hyphens, "round-robin".
 * NULL: unknown.  Links all policies.
 *
 * Thread safety: any.
 */
INFRA_API const struct infra_balancer_policy *infra_balancer_policy_by_name(
    const char *name);

/**
 * List the policies of infra_balancer_policy_by_name(): the name at @p index
 * from 0 on, NULL past the last.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_balancer_policy_name(uint32_t index);
/** @} */

/**
 * Which hash of a request the policy needs: an enum infra_policy_hash.  NULL is
 * the default policy, round robin.  For KETAMA, NGINX and ADDRESS another well
 * mixed hash balances as well, but keys are not where the original has them.
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
 *  Indexes are 0 to count - 1 in the order of ids. */
struct infra_balancer_candidates;

/** Number of candidates.  Thread safety: any. */
INFRA_API uint32_t
infra_candidates_count(const struct infra_balancer_candidates *candidates);

/** A candidate's id.  Thread safety: any. */
INFRA_API uint32_t infra_candidates_id(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its current latency in nanoseconds, as peak-EWMA keeps it, with the penalty
 *  of failures (a second if it has only failed); 0: unknown, or the policy has
 *  no needs_latency.  Thread safety: any. */
INFRA_API infra_time infra_candidates_latency(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its key, in build() only; NULL in pick().  Thread safety: any. */
INFRA_API const char *infra_candidates_key(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its weight, at least 1.  Thread safety: any. */
INFRA_API uint32_t infra_candidates_weight(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** Its current tickets over all threads; 0 unless the policy has needs_load or
 *  the backend a cap.  Thread safety: any. */
INFRA_API uint32_t infra_candidates_in_flight(
    const struct infra_balancer_candidates *candidates, uint32_t index);

/** The policy's memory_size bytes per reader and tier, zeroed at first, aligned
 *  for any type; NULL in a build, or if it asks for none.  Thread safety:
 *  any. */
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
 * A scheduler.  The struct belongs to the host and must not change while a
 * balancer uses it.  Its functions must not call the balancer.
 */
struct infra_balancer_policy {
    size_t size;
    const char *name;
    /** Size in bytes of a tier's table, for build(); NULL or 0: no table. */
    size_t (*table_size)(const struct infra_balancer_candidates *candidates);
    /** Size in bytes of memory during build(); NULL or 0: none. */
    size_t (*scratch_size)(const struct infra_balancer_candidates *candidates);
    /** Fill the table; called by publish.  Table and scratch start zeroed and
     *  are aligned for any type.  A published table never changes.  Returns
     *  INFRA_OK, or an error that publish passes on; picks then do without the
     *  policy, see infra_balancer_publish().  NULL: leave the table zero. */
    int (*build)(void *table, void *scratch,
                 const struct infra_balancer_candidates *candidates);
    /**
     * Choose an index.  @p state is the policy's own per reader and tier:
     * random words at first, later as the policy left it.  If the index may not
     * be picked, or is UINT32_MAX, the balancer draws by weight among the
     * candidates that may.
     */
    uint32_t (*pick)(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *candidates,
                     uint64_t hash);
    uint32_t needs_load; /**< 1: keep in-flight counts shared by all threads. */
    /** 1: keep the reported latencies for infra_candidates_latency(). */
    uint32_t needs_latency;
    /** 1: candidates are all backends of the tier, including those that are
     *  down (ask infra_candidates_may()), so that a table is built once for a
     *  membership and outlives changes of health.  0: only those that are
     *  up. */
    uint32_t whole_tier;
    uint32_t hash; /**< enum infra_policy_hash, for the caller of pick. */
    /** Size of the struct at infra_balancer_options.policy_options, a sized
     *  struct; 0: none. */
    size_t options_size;
    /** Check the balancer's copy of the options, which is zero where they were
     *  not given, and fill in defaults.  Returns INFRA_OK, or an error that
     *  create passes on.  NULL: all options are valid as they are. */
    int (*complete)(void *options);
    /** Bytes per reader and tier for infra_candidates_memory(), if the four
     *  words of state are too few, up to 1 MiB; 0: none. */
    size_t memory_size;
    /** For infra_balancer_inspect_tier(): set in @p has each candidate's part
     *  of the table (0 at first) and in @p due the part that it should have
     *  (its weight at first), each in any unit whose sum fits.  NULL: each has
     *  its due. */
    void (*shares)(const void *table,
                   const struct infra_balancer_candidates *candidates,
                   uint64_t *due, uint64_t *has);
};
/** @} */

#ifdef __cplusplus
}
#endif

#endif /* INFRA_POLICY_H */
